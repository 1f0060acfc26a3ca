"""The journal: balanced entries for every cause, clause, quarter and book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from desk_fixtures import Room, clause, open_room, text
from sqlalchemy import select

from ledger.desk import history, settlements
from ledger.desk.settlements.journal import Entry
from ledger.desk.settlements.replays import BOOK_IDS
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_schema.sessions import Database
from ledger_schema.tables import book

ACCRUE = {"provisional": "accrue"}
TO_FUND = {"routing": {"to": "fund", "part": "1"}}
RING_FENCE = {
    "routing": {
        "to": "fund",
        "part": "1",
        "window": {"clock": {"day": "2024-01-01", "begins": "step_of_day"}, "length_months": 6},
    }
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def test_a_quarter_in_cash_is_due_at_once(database: Database) -> None:
    room = open_room(database)
    room.settle("2024Q1", "100.01")
    assert held(room, "2024Q1") == {
        ("source", None): "-100.01",
        ("due", "origin"): "50.00",
        ("due", "host"): "50.01",
    }


def test_an_accruing_clause_owes_nothing_before_the_final_quarter_and_everything_then(
    database: Database,
) -> None:
    room = open_room(database, clause(then=ACCRUE))
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.settle(quarter, "100.00")
    assert held(room, "2024Q4") == {
        ("source", None): "-300.00",
        ("accrued", "origin"): "150.00",
        ("accrued", "host"): "150.00",
    }
    final = room.settle("2024Q4", "100.00")
    assert held(room, "2024Q4") == {
        ("source", None): "-400.00",
        ("due", "origin"): "200.00",
        ("due", "host"): "200.00",
    }
    assert [(entry.cause, entry.quarter) for entry in entries_of(room, final)] == [
        (1, Quarter(2024, 4)),
        (1, Quarter(2024, 4)),
    ]


def test_what_accrues_is_due_in_the_last_quarter_of_the_terms(database: Database) -> None:
    room = open_room(database, clause(then=ACCRUE), last_quarter="2024Q2")
    room.settle("2024Q1", "100.00")
    room.settle("2024Q2", "100.00")
    assert held(room, "2024Q2") == {
        ("source", None): "-200.00",
        ("due", "origin"): "100.00",
        ("due", "host"): "100.00",
    }


def test_a_correction_of_the_year_before_accrues_again_until_the_next_final_quarter(
    database: Database,
) -> None:
    room = open_room(database, clause(then=ACCRUE), starts="2024Q4")
    room.settle("2024Q4", "100.00")
    room.hand_in("2024Q4", "120.00")
    room.settle("2025Q1")
    assert held(room, "2025Q1") == {
        ("source", None): "-120.00",
        ("due", "origin"): "50.00",
        ("due", "host"): "50.00",
        ("accrued", "origin"): "10.00",
        ("accrued", "host"): "10.00",
    }


def test_what_is_routed_goes_to_the_fund_and_leaves_the_partners_no_cash(database: Database) -> None:
    room = open_room(database, clause(then=TO_FUND), roles=("origin", "host", "fund"))
    first = room.settle("2024Q1", "1000.00")
    assert room.shares(first) == {"origin": "500.00", "host": "500.00"}
    assert sum(one.routed_minor for one in room.allocations(first)) == 100_000
    assert held(room, "2024Q1") == {("source", None): "-1000.00", ("fund", "fund"): "1000.00"}


def test_a_ring_fence_keeps_everything_in_the_fund_until_it_ends(database: Database) -> None:
    room = open_room(database, clause(then=RING_FENCE), roles=("origin", "host", "fund"))
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.settle(quarter, "100.00")
    assert held(room, "2024Q3") == {
        ("source", None): "-300.00",
        ("fund", "fund"): "200.00",
        ("due", "origin"): "50.00",
        ("due", "host"): "50.00",
    }


def test_a_correction_inside_the_ring_fence_goes_to_the_fund_even_after_it_ended(database: Database) -> None:
    room = open_room(database, clause(then=RING_FENCE), roles=("origin", "host", "fund"))
    for quarter in ("2024Q1", "2024Q2"):
        room.settle(quarter, "100.00")
    room.hand_in("2024Q1", "140.00")
    third = room.settle("2024Q3", "100.00")
    corrected = [entry for entry in entries_of(room, third) if entry.cause == 1]
    assert [(one.account.kind, one.amount_minor) for entry in corrected for one in entry.postings] == [
        ("source", -4000),
        ("fund", 4000),
    ]


def test_another_fund_from_an_amendment_takes_over_what_the_first_one_held(database: Database) -> None:
    room = open_room(database, clause(then=TO_FUND), roles=("origin", "host", "fund", "second_fund"))
    room.settle("2024Q1", "100.00")
    room.amend(clause(then={"routing": {"to": "second_fund", "part": "1"}}), starts="2024Q1")
    room.settle("2024Q2")
    assert held(room, "2024Q2") == {("source", None): "-100.00", ("fund", "second_fund"): "100.00"}


def test_statistics_are_credited_and_the_source_gives_what_everybody_gets(database: Database) -> None:
    full = clause(
        mechanism="output_value",
        measures=("industrial_output",),
        shares={"origin": "1", "host": "1"},
        to_whom={
            "regime": "full_to_each",
            "key": [{"shares": {"origin": "1", "host": "1"}}],
            "otherwise": "host",
            "in_place": "host",
        },
    )
    room = open_room(database, full)
    first = room.settle("2024Q1", "9000.00", measure="industrial_output")
    assert room.shares(first, book=Book.ASSESSMENT) == {"origin": "9000.00", "host": "9000.00"}
    assert room.shares(first, book=Book.OFFICIAL) == {"host": "9000.00"}
    assert held(room, "2024Q1", Book.ASSESSMENT) == {
        ("source", None): "-18000.00",
        ("credited", "origin"): "9000.00",
        ("credited", "host"): "9000.00",
    }
    assert held(room, "2024Q1", Book.OFFICIAL) == {
        ("source", None): "-9000.00",
        ("credited", "host"): "9000.00",
    }


def test_every_entry_balances_in_each_commodity(database: Database) -> None:
    room = open_room(database, clause(then=RING_FENCE), roles=("origin", "host", "fund"))
    room.settle("2024Q1", "100.01")
    room.hand_in("2024Q1", "90.02")
    second = room.settle("2024Q2", "33.33")
    for entry in entries_of(room, second):
        balances: defaultdict[int, int] = defaultdict(int)
        for one in entry.postings:
            balances[one.account.commodity_id] += one.amount_minor
        assert set(balances.values()) == {0}


def test_the_numbers_of_the_books_are_those_of_the_database(database: Database) -> None:
    with database.reading() as connection:
        stored = {row.name: row.book_id for row in connection.execute(select(book))}
    assert stored == {name.value: number for name, number in BOOK_IDS.items()}


def entries_of(room: Room, settlement_id: int) -> list[Entry]:
    with room.database.reading() as connection:
        return settlements.entries(connection, room.agreement_id, settlement_id)


def held(room: Room, through: str, of: Book = Book.CASH) -> dict[tuple[str, str | None], str]:
    """Balances of closed settlements by account kind and role."""
    roles = {room.party_id(role): role for role in room.roles}
    with room.database.reading() as connection:
        found = history.balances(
            connection, agreement_id=room.agreement_id, book=of, through=Quarter.parse(through)
        )
    return {(one.kind, roles.get(one.party_id or 0)): text(one.amount_minor) for one in found}
