"""Down and up are each other's inverse, and lead from a payment to the lines of the returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from desk_fixtures import Room, clause, enterprise, open_room, text
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from payment_rooms import PROCEDURE, legs_of, pay, paying
from sqlalchemy import Connection

from ledger.desk import payments, returns, settlements
from ledger.desk.failures import NotFound
from ledger.desk.history import drill
from ledger.desk.history.booked import Booked
from ledger.desk.history.drill import LineUnder
from ledger.desk.pages import Page
from ledger.desk.returns import LineDraft
from ledger_schema.sessions import Database
from tests.long_runs import examples

CODES = iter(range(10_000))
ENTERPRISES = [enterprise(place) for place in (1, 2)]

# About which quarter a return is handed in, and its figures: of the park and of two enterprises.
RETURNS = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=3,
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@settings(
    max_examples=examples(3),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(corrections=RETURNS, amended=st.booleans())
def test_a_line_is_under_an_allocation_exactly_if_the_allocation_is_over_the_line(
    database: Database, corrections: list[tuple[int, int, int, int]], amended: bool
) -> None:
    room = listed_room(database)
    hand_in(room, 1, 8, 7, 6)
    room.close("2024Q1", room.compute("2024Q1"))
    hand_in(room, 2, 8, 7, 6)
    for quarter, *figures in corrections:
        hand_in(room, quarter, *figures)
    if amended:
        room.amend(*clauses("3/4"), starts="2024Q1")
    room.close("2024Q2", room.compute("2024Q2"))
    hand_in(room, 3, 5, 5, 5)
    room.close("2024Q3", room.compute("2024Q3"))
    with database.reading() as connection:
        down = {
            (one.key, line.key) for one in every_booked(connection, room) for line in under(connection, one)
        }
        up = {
            (one.key, (filing.filing_id, line.line))
            for filing in returns.filings(connection, room.agreement_id)
            for line in returns.lines(connection, room.agreement_id, filing.filing_id).items
            for one in over(connection, filing, line)
        }
    assert down == up
    assert down


def test_an_allocation_rests_on_the_lines_of_its_enterprise_and_of_what_its_clause_reads(
    database: Database,
) -> None:
    room = listed_room(database)
    hand_in(room, 1, 8, 7, 6)
    room.close("2024Q1", room.compute("2024Q1"))
    origin = room.party_id("origin")
    with database.reading() as connection:
        found = {
            (one.allocation.clause, one.allocation.subject_id == 0): [
                (line.line.measure, text(line.line.amount_minor)) for line in under(connection, one)
            ]
            for one in every_booked(connection, room)
            if one.allocation.party_id == origin
        }
    assert found[1, True] == [("retained_tax", "8.00")]
    assert found[2, False] in ([("vat", "7.00")], [("vat", "6.00")])


def test_a_correction_rests_on_both_returns_and_a_later_quarters_own_figures_on_neither(
    database: Database,
) -> None:
    room = open_room(database)
    first = room.hand_in("2024Q1", "100.00")
    room.close("2024Q1", room.compute("2024Q1"))
    second = room.hand_in("2024Q1", "120.00")
    own = room.hand_in("2024Q2", "10.00")
    room.close("2024Q2", room.compute("2024Q2"))
    with database.reading() as connection:
        by_cause: dict[int, set[int]] = {}
        for one in every_booked(connection, room):
            if str(one.booked_quarter) == "2024Q2":
                lines = under(connection, one)
                by_cause.setdefault(one.allocation.cause, set()).update(line.filing_id for line in lines)
    assert by_cause == {1: {first.filing_id, second.filing_id}, 2: {own.filing_id}}


def test_from_a_payment_down_to_the_line_and_back_up_again(database: Database) -> None:
    room = open_room(database, paying(), procedure=PROCEDURE)
    filing = room.hand_in("2024Q1", "100.00")
    room.close("2024Q1", room.compute("2024Q1"))
    (leg,) = legs_of(room)
    paid = pay(room, "100.00", purpose=leg.reference)
    with database.reading() as connection:
        assert drill.legs_paid(connection, [paid]) == {paid: [(leg.leg_id, 100_00)]}
        booked = all_pages(
            lambda after, limit: drill.allocations_under(connection, leg, after=after, limit=limit)
        )
        (line,) = {line.key for one in booked for line in under(connection, one)}
        assert line == (filing.filing_id, 1)
        found = over(connection, filing, drill.line_of(connection, filing, 1))
        assert found == booked
        assert all(drill.rests_on(leg, one) for one in found)
        cleared = payments.legs_by_id(connection, [leg.leg_id])[leg.leg_id].clearings
    assert [one.payment_id for one in cleared] == [paid]


def test_before_a_quarter_closed_nothing_rests_on_its_lines(database: Database) -> None:
    room = open_room(database)
    filing = room.hand_in("2024Q1", "100.00")
    computed = room.compute("2024Q1")
    with database.reading() as connection:
        assert over(connection, filing, drill.line_of(connection, filing, 1)) == []
        with pytest.raises(NotFound):
            drill.line_of(connection, filing, 2)
    room.close("2024Q1", computed)
    with database.reading() as connection:
        line = drill.line_of(connection, filing, 1)
        assert len(over(connection, filing, line)) == 2
        assert drill.allocations_over(connection, filing, line, known_at=filing.recorded_at).items == []


def listed_room(database: Database) -> Room:
    room = open_room(database, *clauses("1/2"), code=f"D-{next(CODES)}")
    room.confirm_list(*ENTERPRISES)
    return room


def clauses(share: str) -> tuple[Any, ...]:
    rest = {"3/4": "1/4", "1/2": "1/2"}[share]
    return (
        clause(),
        clause(
            2,
            measures=("vat",),
            shares={"origin": share, "host": rest},
            whose={"scope": "listed_enterprises"},
        ),
    )


def hand_in(room: Room, quarter: int, park: int, first: int, second: int) -> None:
    span = f"2024Q{quarter}"
    room.hand_in_lines(
        span,
        [
            LineDraft(None, "retained_tax", span, f"{park}.00", "凭证-1"),
            LineDraft(ENTERPRISES[0].credit_code, "vat", span, f"{first}.00", "凭证-2"),
            LineDraft(ENTERPRISES[1].credit_code, "vat", span, f"{second}.00", "凭证-3"),
        ],
    )


def every_booked(connection: Connection, room: Room) -> list[Booked]:
    return [
        Booked(room.agreement_id, settled.booked_quarter, settled.settlement_id, one)
        for settled in settlements.closed_settlements(connection, room.agreement_id)
        for one in settlements.all_allocations(connection, room.agreement_id, settled.settlement_id)
    ]


def under(connection: Connection, booked: Booked) -> list[LineUnder]:
    return all_pages(lambda after, limit: drill.lines_under(connection, booked, after=after, limit=limit))


def over(connection: Connection, filing: returns.Filing, line: returns.ReturnLine) -> list[Booked]:
    return all_pages(
        lambda after, limit: drill.allocations_over(connection, filing, line, after=after, limit=limit)
    )


def all_pages(read: Callable[[Any, int], Page[Any]], limit: int = 2) -> list[Any]:
    items: list[Any] = []
    while True:
        page = read(items[-1].key if items else None, limit)
        items += page.items
        if not page.has_next:
            return items
