"""Balances carried forward are what the postings of closed quarters add up to, at any moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from signing_room import open_signing_room
from sqlalchemy import Connection, Row, func, select, text
from test_quarter_model import FIRST, QuarterMachine

from ledger.desk import history
from ledger_schema import migrate
from ledger_schema.sessions import Database
from ledger_schema.tables import account_balance
from tests.listening import Statement, listening
from tests.long_runs import examples

ADDED_UP = text("""
    SELECT account_id, sum(amount_minor) FROM posting
    JOIN journal_entry USING (agreement_id, booked_quarter, settlement_id, entry)
    JOIN quarter_closing USING (agreement_id, settlement_id)
    WHERE agreement_id = :agreement_id AND journal_entry.quarter <= :through AND closed_at <= :known_at
        AND (reopened_at IS NULL OR reopened_at > :known_at)
    GROUP BY account_id HAVING sum(amount_minor) <> 0
""")
FIRST_QUARTERS = [FIRST, FIRST.next, FIRST.plus(2), FIRST.plus(3)]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


class BalanceMachine(QuarterMachine):
    """Random acts; at the end the balances of all quarters at every moment between them are added up anew."""

    def teardown(self) -> None:
        with self.room.database.reading() as connection:
            for moment, _ in self.answers:
                balances_are_added_up(connection, self.room.agreement_id, moment)


def test_balances_are_what_postings_add_up_to_whatever_was_done(database: Database) -> None:
    class OfThisDatabase(BalanceMachine):
        def __init__(self) -> None:
            super().__init__(database)

    run_state_machine_as_test(
        OfThisDatabase,
        settings=settings(
            max_examples=examples(2),
            stateful_step_count=20,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_corrections_of_earlier_quarters_carry_through_the_quarters_between(database: Database) -> None:
    room = open_signing_room(database)
    moments = []
    for number, quarter in enumerate(("2024Q1", "2024Q2", "2024Q3", "2024Q4"), start=1):
        if number > 2:
            room.hand_in("2024Q1", f"{number}.00")
        room.settle_signed(quarter, f"{number}00.00")
        moments.append(now(database))
    with database.reading() as connection:
        for moment in moments:
            balances_are_added_up(connection, room.agreement_id, moment)


def test_balances_are_written_again_alike_for_quarters_that_closed_before_they_were_carried(
    database: Database, database_url: str
) -> None:
    room = open_signing_room(database)
    room.settle_signed("2024Q1", "100.00")
    room.reopen("2024Q1")
    room.settle_signed("2024Q1", "120.00")
    room.hand_in("2024Q1", "130.00")
    room.settle_signed("2024Q2", "10.00")
    before = carried(database)
    database.dispose()
    migrate.downgrade(database_url, "0013-1")
    migrate.upgrade(database_url)
    assert carried(database) == before
    assert len({row.settlement_id for row in before}) == 3


def test_a_balance_is_one_question_that_reads_no_posting(database: Database) -> None:
    room = open_signing_room(database)
    room.settle_signed("2024Q1", "100.00")
    heard: list[Statement] = []
    with database.reading() as connection, listening(heard.append):
        assert history.balances(connection, agreement_id=room.agreement_id, through=FIRST)
    assert [("account_balance" in one, "posting" in one) for one in heard] == [(True, False)]


def test_a_close_is_never_known_before_the_close_that_it_rests_on(database: Database) -> None:
    """Whatever the clock says: it may have been set back."""
    room = open_signing_room(database)
    room.settle_signed("2024Q1", "100.00")
    with database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        ahead = "UPDATE agreement_quarter SET closed_at = closed_at + interval '1 day' WHERE state = 'closed'"
        connection.execute(text(ahead))
    room.settle_signed("2024Q2", "10.00")
    with database.reading() as connection:
        first, second = connection.execute(
            text("SELECT closed_at FROM agreement_quarter WHERE state = 'closed' ORDER BY quarter")
        ).scalars()
        assert first == second
        balances_are_added_up(connection, room.agreement_id, first)


def balances_are_added_up(connection: Connection, agreement_id: int, known_at: datetime) -> None:
    """What was carried forward is, of quarters up to each of the first ones, what postings add up to."""
    for through in FIRST_QUARTERS:
        found = history.balances(connection, agreement_id=agreement_id, through=through, known_at=known_at)
        given = {"agreement_id": agreement_id, "through": through.code, "known_at": known_at}
        added_up = {row[0]: row[1] for row in connection.execute(ADDED_UP, given)}
        assert {one.account_id: one.amount_minor for one in found} == added_up


def carried(database: Database) -> Sequence[Row[Any]]:
    with database.reading() as connection:
        return connection.execute(select(account_balance).order_by(*account_balance.primary_key)).all()


def now(database: Database) -> datetime:
    with database.reading() as connection:
        moment = connection.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(moment, datetime)
    return moment
