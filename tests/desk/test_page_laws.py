"""Every list that comes in pages: the pages, read one after the other, are the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from typing import Any, TypeVar

import payment_rooms
import pytest
from desk_fixtures import Room, open_room
from payment_rooms import PROCEDURE, RATE, beside, paying
from reconciliation_fixtures import HOST, ORIGIN, Desk, open_desk
from sqlalchemy import Connection

from ledger.desk import history, payments, reconciliation, returns, settlements
from ledger.desk.pages import Page
from ledger.desk.payments import Arrears, LegFilter
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from tests.listening import Statement, listening

Item = TypeVar("Item")

LIMITS = (1, 2, 3, 200)
LAST = Quarter(2024, 3)


@pytest.fixture(scope="module")
def database(module_database_url: str) -> Iterator[Database]:
    """What the tests look at and leave as it is."""
    opened = Database(module_database_url)
    settled_room(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def empty_database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.reading() as opened:
        yield opened


def settled_room(database: Database) -> Room:
    """Three closed quarters, two corrections, and settlements that were never closed."""
    room = open_room(database)
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.hand_in(quarter, "100.00")
        room.compute(quarter)
        room.settle(quarter, "90.00")
        room.hand_in("2024Q1", f"{quarter[-1]}0.00")
    return room


def all_pages(
    read: Callable[[Any, int], Page[Item]], key_of: Callable[[Item], object], limit: int
) -> list[Item]:
    items: list[Item] = []
    after = None
    while True:
        page = read(after, limit)
        items += page.items
        if not page.has_next:
            return items
        assert len(page.items) == limit
        after = key_of(page.items[-1])


@pytest.mark.parametrize("limit", LIMITS)
def test_pages_of_settlements_are_the_settlements(connection: Connection, limit: int) -> None:
    agreement_id = the_agreement(connection)
    found = all_pages(
        lambda after, most: settlements.settlements_page(connection, agreement_id, after=after, limit=most),
        lambda one: one.key,
        limit,
    )
    assert found == settlements.settlements(connection, agreement_id)
    assert len(found) == 6


@pytest.mark.parametrize("limit", LIMITS)
def test_pages_of_returns_are_the_returns_and_say_which_counts(connection: Connection, limit: int) -> None:
    agreement_id = the_agreement(connection)
    found = all_pages(
        lambda after, most: returns.filings_page(connection, agreement_id, after=after, limit=most),
        lambda one: one.key,
        limit,
    )
    assert found == returns.filings(connection, agreement_id)
    assert sum(one.is_current for one in found) == 3


@pytest.mark.parametrize("limit", LIMITS)
def test_pages_of_entries_are_the_entries(connection: Connection, limit: int) -> None:
    agreement_id = the_agreement(connection)
    last = settlements.closed_settlements(connection, agreement_id)[-1].settlement_id
    found = all_pages(
        lambda after, most: settlements.entry_pages(
            connection, agreement_id, [last], after=after, limit=most
        )[last],
        lambda one: one.entry,
        limit,
    )
    assert found == settlements.entries(connection, agreement_id, last)
    assert len(found) == 2


@pytest.mark.parametrize("limit", LIMITS)
def test_pages_of_a_partys_balances_are_its_balances_also_at_an_earlier_moment(
    connection: Connection, limit: int
) -> None:
    agreement_id = the_agreement(connection)
    closed = settlements.closed_settlements(connection, agreement_id)
    parties = {one.party_id for one in history.balances(connection, through=LAST)} - {None}
    for known_at in (None, closed[0].closed_at, closed[0].recorded_at):
        for party_id in parties:
            assert party_id is not None
            whole = history.balances(connection, party_id=party_id, through=LAST, known_at=known_at)
            found = all_pages(
                lambda after, most: history.balances_page(
                    connection,
                    party_id=party_id,  # noqa: B023
                    through=LAST,
                    known_at=known_at,  # noqa: B023
                    after=after,
                    limit=most,
                ),
                lambda one: one.key,
                limit,
            )
            assert found == sorted(whole, key=lambda one: one.key)


def test_a_page_needs_as_many_statements_for_one_item_as_for_many(connection: Connection) -> None:
    agreement_id = the_agreement(connection)
    last = settlements.closed_settlements(connection, agreement_id)[-1].settlement_id
    pages: list[Callable[[int], object]] = [
        lambda limit: settlements.settlements_page(connection, agreement_id, limit=limit),
        lambda limit: returns.filings_page(connection, agreement_id, limit=limit),
        lambda limit: settlements.entry_pages(connection, agreement_id, [last], limit=limit)[last],
    ]
    for read in pages:
        assert count_of_statements(read, 1) == count_of_statements(read, 200)


def count_of_statements(read: Callable[[int], object], limit: int) -> int:
    statements: list[Statement] = []
    with listening(statements.append):
        read(limit)
    return len(statements)


def the_agreement(connection: Connection) -> int:
    [found] = {one.agreement_id for one in history.balances(connection, through=LAST)}
    return found


def disputed_desk(database: Database) -> Desk:
    """Items of three quarters: some wait for the host, some for the origin, some for nobody."""
    desk = open_desk(database)
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        desk.hand_in(quarter, "100.00", "150.00")
        number = desk.dispute(quarter, ORIGIN)
        desk.write(number, HOST)
        if quarter != "2024Q1":
            desk.propose(number, ORIGIN, "140.00")
        if quarter == "2024Q3":
            desk.accept(number, HOST)
        desk.settle(quarter)
    return desk


def test_pages_of_items_are_the_items_whoever_they_wait_for(empty_database: Database) -> None:
    desk = disputed_desk(empty_database)

    def of(owner: str | None, quarter: Quarter | None, limit: int) -> list[reconciliation.Item]:
        return all_pages(
            lambda after, most: reconciliation.items_page(
                snapshot, desk.agreement_id, quarter=quarter, owner=owner, after=after or 0, limit=most
            ),
            lambda one: one.number,
            limit,
        )

    with empty_database.reading() as snapshot:
        every = reconciliation.items(snapshot, desk.agreement_id)
        owners = {one.standing.owner for one in every}
        assert (len(every), len(owners)) == (3, 3)
        for owner, limit in product(owners | {None}, LIMITS):
            waiting = [one for one in every if owner in (None, one.standing.owner)]
            assert of(owner, None, limit) == waiting
            assert of(owner, LAST, limit) == [one for one in waiting if one.quarter == LAST]


def indebted_room(database: Database) -> Room:
    """Pairs in three agreements: one owes both ways, one has paid, one was charged interest."""
    room = open_room(database, paying(interest=RATE), procedure=PROCEDURE)
    room.settle("2024Q1", "1000.00")
    room.settle("2024Q2", "-300.00")
    for number, code in enumerate(("A-2", "A-3"), start=1):
        other = beside(room, code, paying(interest=RATE))
        other.settle("2024Q1", f"{number}00.00")
    (first, *_, last) = payment_rooms.every_leg_between(room)
    payments.charge_interest(
        database, room.act(), first.leg_id, room.roles["origin"], "李四", date(2024, 5, 31)
    )
    payment_rooms.pay(room, "200.00", day="2024-05-02", purpose=last.reference)
    return room


def test_pages_of_arrears_are_the_arrears_though_some_pairs_owe_nothing(empty_database: Database) -> None:
    room = indebted_room(empty_database)
    wanted = LegFilter(party_id=room.party_id("origin"))

    def of(day: date, limit: int) -> list[Arrears]:
        return all_pages(
            lambda after, most: payments.arrears_page(snapshot, day, wanted, after=after, limit=most),
            lambda one: one.key,
            limit,
        )

    with empty_database.reading() as snapshot:
        for day, limit in product((date(2024, 5, 1), date(2024, 6, 30), date(2025, 1, 31)), LIMITS):
            assert of(day, limit) == payments.arrears(snapshot, day, wanted) != []
