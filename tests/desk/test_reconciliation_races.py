"""Decisions that meet a close or a newer return, in an exact order: whoever comes second sees the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from reconciliation_fixtures import HOST, ORIGIN, Desk, open_desk
from sqlalchemy import text
from waiting import await_waiting

from ledger.desk import agreements, reconciliation
from ledger.desk.acts import Queue, queue_on
from ledger.desk.reconciliation.failures import BasisChanged, ItemLapsed
from ledger.desk.reconciliation.ladder import Outcome
from ledger.desk.returns import queue_on_return
from ledger.desk.settlements import StaleSettlement
from ledger.periods import Quarter
from ledger_schema.sessions import Database

FIRST = Quarter(2024, 1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def desk(database: Database) -> Desk:
    return open_desk(database)


def in_this_order(
    database: Database, database_url: str, hold: Callable[[Any], None], *acts: Callable[[], Any]
) -> list[Future[Any]]:
    """Starts the acts one after the other while ``hold`` keeps them all waiting, then lets them go."""
    with ThreadPoolExecutor(len(acts)) as executor:
        with database.writing() as connection:
            hold(connection)
            started: list[Future[Any]] = []
            for act in acts:
                started.append(executor.submit(act))
                await_waiting(database_url, len(started))
        for one in started:
            one.exception()
    return started


def test_a_decision_before_a_close_makes_the_close_stale(desk: Desk, database_url: str) -> None:
    desk.hand_in("2024Q1", "100.00", "100.00")
    computed = desk.room.compute("2024Q1")
    decided, closed = in_this_order(
        desk.database,
        database_url,
        lambda connection: queue_on(connection, Queue.AGREEMENT, str(desk.agreement_id)),
        lambda: desk.withhold("2024Q1", HOST),
        lambda: desk.room.close("2024Q1", computed),
    )
    assert decided.result() == 1
    assert isinstance(closed.exception(), StaleSettlement)


def test_a_decision_after_a_close_is_booked_in_the_next_quarter(desk: Desk, database_url: str) -> None:
    desk.hand_in("2024Q1", "100.00", "100.00")
    computed = desk.room.compute("2024Q1")
    closed, decided = in_this_order(
        desk.database,
        database_url,
        lambda connection: queue_on(connection, Queue.AGREEMENT, str(desk.agreement_id)),
        lambda: desk.room.close("2024Q1", computed),
        lambda: desk.withhold("2024Q1", HOST),
    )
    assert (closed.result(), decided.result()) == (computed, 1)
    desk.hand_in("2024Q2", None, None)
    assert desk.room.shares(desk.settle("2024Q2")) == {"origin": "-50.00", "host": "-50.00"}


def test_a_decision_that_waited_for_a_newer_return_must_be_made_again(desk: Desk, database_url: str) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    seen = desk.lines("2024Q1")
    handed_in, decided = in_this_order(
        desk.database,
        database_url,
        lambda connection: queue_on_return(connection, desk.agreement_id, "host", FIRST),
        lambda: desk.room.hand_in("2024Q1", "110.00"),
        lambda: reconciliation.dispute(
            desk.database, desk.room.act(), desk.agreement_id, seen, ORIGIN, "数额不符"
        ),
    )
    assert handed_in.result().sequence == 2
    assert isinstance(decided.exception(), BasisChanged)


def test_a_return_that_waited_for_a_decision_ends_its_hold(desk: Desk, database_url: str) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    decided, handed_in = in_this_order(
        desk.database,
        database_url,
        lambda connection: queue_on_return(connection, desk.agreement_id, "host", FIRST),
        lambda: desk.dispute("2024Q1", ORIGIN),
        lambda: desk.room.hand_in("2024Q1", "150.00"),
    )
    assert (decided.result(), handed_in.result().sequence) == (1, 2)
    report = desk.report("2024Q1")
    assert [group.outcome for group in report.groups] == [Outcome.EXACT]
    assert [item.number for item in report.lapsed] == [1]


def test_an_acceptance_that_waited_for_a_newer_return_is_refused(desk: Desk, database_url: str) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    offer = desk.propose(number, ORIGIN, "120.00")
    handed_in, accepted = in_this_order(
        desk.database,
        database_url,
        lambda connection: queue_on_return(connection, desk.agreement_id, "origin", FIRST),
        lambda: desk.room.hand_in("2024Q1", "160.00", role="origin"),
        lambda: desk.accept(number, HOST, offer),
    )
    assert handed_in.result().sequence == 2
    assert isinstance(accepted.exception(), ItemLapsed)


def test_two_sides_that_open_a_dispute_at_once_open_one_item(desk: Desk, database_url: str) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    first, second = in_this_order(
        desk.database,
        database_url,
        lambda connection: queue_on(connection, Queue.AGREEMENT, str(desk.agreement_id)),
        lambda: desk.explain("2024Q1", ORIGIN, "refund"),
        lambda: desk.dispute("2024Q1", HOST),
    )
    assert (first.result(), second.result()) == (1, 1)
    assert [step.kind.value for step in desk.item(1).steps] == ["explanation", "dispute"]


def test_steps_are_history_that_nobody_changes(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    desk.dispute("2024Q1", ORIGIN)
    with (
        desk.database.owner() as connection,
        pytest.raises(Exception, match="history is append-only"),
    ):
        connection.execute(text("UPDATE reconciliation_step SET content = 'no'"))


def test_what_two_people_do_about_different_agreements_does_not_wait(database: Database) -> None:
    one, other = open_desk(database), open_desk(database, code="B-1")
    for desk in (one, other):
        desk.hand_in("2024Q1", "100.00", "150.00")
    with database.writing() as connection:
        queue_on(connection, Queue.AGREEMENT, str(one.agreement_id))
        agreements.hold_open_quarter(connection, one.agreement_id)
        assert other.dispute("2024Q1", ORIGIN) == 1
