"""The search finds exactly what a plain pass over everything finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from desk_fixtures import Room, clause, enterprise
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_rooms import beside
from signing_room import open_signing_room
from sqlalchemy import Connection, select

from ledger.desk import events, settlements
from ledger.desk.events import Event
from ledger.desk.history import search
from ledger.desk.history.booked import Booked
from ledger.desk.history.search import Criteria, RangeEmpty, State
from ledger.desk.pages import Page
from ledger.desk.returns import LineDraft
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_schema.sessions import Database
from ledger_schema.tables import agreement_party
from tests.listening import Statement, listening

QUARTERS = [Quarter(2024, 1), Quarter(2024, 2), Quarter(2024, 3)]
ENTERPRISE = enterprise(1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@dataclass(frozen=True)
class Everything:
    """All that there is, read without any filter, and who takes part in what."""

    allocations: list[tuple[Booked, settlements.Settlement]]
    settlements: list[settlements.Settlement]
    events: list[Event]
    parties: dict[int, set[int]]
    moments: list[datetime]


def test_what_is_found_is_what_a_plain_pass_finds(database: Database) -> None:
    two_agreements(database)
    with database.reading() as connection:
        everything = read_everything(connection)

        @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
        @given(criteria_of(everything))
        def check(criteria: Criteria) -> None:
            found = all_pages(
                lambda after, limit: search.find_allocations(connection, criteria, after=after, limit=limit)
            )
            assert [one.key for one in found] == sorted(
                one.key
                for one, settled in everything.allocations
                if is_wanted(everything, criteria, one, settled)
            )
            found = all_pages(
                lambda after, limit: search.find_settlements(connection, criteria, after=after, limit=limit)
            )
            assert [one.key for one in found] == sorted(
                (one.agreement_id, *one.key)
                for one in everything.settlements
                if is_settlement_wanted(everything, criteria, one)
            )
            found = all_pages(
                lambda after, limit: search.find_events(connection, criteria, after=after, limit=limit),
                lambda event: event.event_id,
            )
            assert found == [one for one in everything.events if is_event_wanted(everything, criteria, one)]

        check()


def test_a_search_is_one_statement_however_much_it_finds(database: Database) -> None:
    two_agreements(database)
    everything = Criteria()
    with database.reading() as connection:
        for find in (search.find_allocations, search.find_settlements, search.find_events):
            for limit in (1, 200):
                heard: list[Statement] = []
                with listening(heard.append):
                    find(connection, everything, limit=limit)
                assert len(heard) == 1


@pytest.mark.parametrize(
    "given_range",
    [
        {"first": QUARTERS[1], "last": QUARTERS[0]},
        {"least_minor": 2, "most_minor": 1},
    ],
)
def test_a_range_that_nothing_lies_in_is_refused(given_range: dict[str, Any]) -> None:
    with pytest.raises(RangeEmpty):
        Criteria(**given_range)


def two_agreements(database: Database) -> None:
    """Both ways between two parties: corrected, reopened, computed in vain, in two books."""
    room = open_signing_room(
        database, clause(), clause(2, measures=("vat",), whose={"scope": "listed_enterprises"})
    )
    room.confirm_list(ENTERPRISE)
    for amount in ("100.00", "90.00"):
        hand_in(room, "2024Q1", amount, "7.00")
        room.compute("2024Q1")
    close_signed(room, "2024Q1")
    room.reopen("2024Q1")
    hand_in(room, "2024Q1", "80.00", "8.00")
    close_signed(room, "2024Q1")
    hand_in(room, "2024Q1", "60.00", "8.00")
    hand_in(room, "2024Q2", "10.00", "0.00")
    close_signed(room, "2024Q2")
    room.procedure = None
    other = beside(room, "B-1", clause(mechanism="output_value", measures=("industrial_output",)))
    other.settle("2024Q1", "40.00", measure="industrial_output")


def close_signed(room: Any, quarter: str) -> None:
    computed = room.compute(quarter)
    room.propose(computed)
    content = room.content_of(computed)
    for role in ("origin", "host"):
        room.sign_bytes(computed, role, content)
    room.close(quarter, computed)


def hand_in(room: Room, quarter: str, tax: str, vat: str) -> None:
    room.hand_in_lines(
        quarter,
        [
            LineDraft(None, "retained_tax", quarter, tax, "凭证-1"),
            LineDraft(ENTERPRISE.credit_code, "vat", quarter, vat, "凭证-2"),
        ],
    )


def criteria_of(everything: Everything) -> st.SearchStrategy[Criteria]:
    """Each field mostly open, else of what there is; ranges the right way round."""

    def maybe(values: list[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(st.none(), st.none(), st.sampled_from(values))

    quarters = st.sampled_from(
        [(None, None), (QUARTERS[0], QUARTERS[0]), (QUARTERS[1], None), (None, QUARTERS[0])]
    )
    sizes = st.sampled_from([(None, None), (1, 4_000), (1_000, None), (None, 500), (4_000, 4_500)])
    between = st.lists(st.sampled_from(everything.moments), min_size=2, max_size=2).map(sorted)
    moments = st.one_of(st.just([None, None]), st.just([None, None]), between)
    parties = sorted({one for of_one in everything.parties.values() for one in of_one})
    return st.builds(
        lambda quarter, size, moment, **rest: Criteria(
            first=quarter[0],
            last=quarter[1],
            least_minor=size[0],
            most_minor=size[1],
            since=moment[0],
            until=moment[1],
            **rest,
        ),
        quarter=quarters,
        size=sizes,
        moment=moments,
        agreement_id=maybe(sorted(everything.parties)),
        party_id=maybe(parties),
        counterparty_id=maybe(parties),
        clause=maybe([1, 2, 3]),
        subject_id=maybe(sorted({one.allocation.subject_id for one, _ in everything.allocations})),
        book=maybe(list(Book)),
        state=maybe(list(State)),
        actor=maybe(["tester", "nobody"]),
    )


def is_wanted(
    everything: Everything, criteria: Criteria, booked: Booked, settled: settlements.Settlement
) -> bool:
    one = booked.allocation
    pair = {criteria.party_id, criteria.counterparty_id} - {None}
    return (
        takes_part(everything, criteria, booked.agreement_id)
        and (not pair or one.party_id in pair)
        and criteria.clause in (None, one.clause)
        and criteria.subject_id in (None, one.subject_id)
        and criteria.book in (None, one.book)
        and lies_between(one.quarter, criteria.first, criteria.last)
        and lies_between(abs(one.amount_minor), criteria.least_minor, criteria.most_minor)
        and is_acted_on(criteria, settled)
    )


def is_settlement_wanted(everything: Everything, criteria: Criteria, settled: settlements.Settlement) -> bool:
    described = [
        one
        for one, of_it in everything.allocations
        if of_it.settlement_id == settled.settlement_id
        and criteria.clause in (None, one.allocation.clause)
        and criteria.subject_id in (None, one.allocation.subject_id)
        and criteria.book in (None, one.allocation.book)
        and lies_between(abs(one.allocation.amount_minor), criteria.least_minor, criteria.most_minor)
    ]
    asked = (criteria.clause, criteria.subject_id, criteria.book, criteria.least_minor, criteria.most_minor)
    return (
        takes_part(everything, criteria, settled.agreement_id)
        and lies_between(settled.booked_quarter, criteria.first, criteria.last)
        and is_acted_on(criteria, settled)
        and (all(one is None for one in asked) or bool(described))
    )


def is_acted_on(criteria: Criteria, settled: settlements.Settlement) -> bool:
    return (
        criteria.state in (None, state_of(settled))
        and criteria.actor in (None, "tester")
        and lies_between(settled.recorded_at, criteria.since, criteria.until)
    )


def is_event_wanted(everything: Everything, criteria: Criteria, event: Event) -> bool:
    return (
        takes_part(everything, criteria, event.agreement_id)
        and criteria.actor in (None, event.actor)
        and lies_between(event.recorded_at, criteria.since, criteria.until)
    )


def takes_part(everything: Everything, criteria: Criteria, agreement_id: int | None) -> bool:
    pair = {criteria.party_id, criteria.counterparty_id} - {None}
    return criteria.agreement_id in (None, agreement_id) and pair <= everything.parties.get(
        agreement_id or 0, set()
    )


def state_of(settled: settlements.Settlement) -> State:
    if settled.reopened_at is not None:
        return State.REOPENED
    return State.NOT_CLOSED if settled.closed_at is None else State.CLOSED


def lies_between(value: Any, least: Any, most: Any) -> bool:
    return (least is None or least <= value) and (most is None or value <= most)


def read_everything(connection: Connection) -> Everything:
    parties: dict[int, set[int]] = {}
    for row in connection.execute(select(agreement_party.c.agreement_id, agreement_party.c.party_id)):
        parties.setdefault(row.agreement_id, set()).add(row.party_id)
    settled = [one for agreement in parties for one in settlements.settlements(connection, agreement)]
    booked = [
        (Booked(one.agreement_id, one.booked_quarter, one.settlement_id, allocation), one)
        for one in settled
        for allocation in settlements.all_allocations(connection, one.agreement_id, one.settlement_id)
    ]
    every = events.events(connection, limit=200)
    assert not every.has_next
    return Everything(booked, settled, every.items, parties, [one.recorded_at for one in every.items])


def all_pages(
    read: Callable[[Any, int], Page[Any]], key_of: Callable[[Any], Any] = lambda one: one.key
) -> list[Any]:
    items: list[Any] = []
    while True:
        page = read(key_of(items[-1]) if items else None, 7)
        items += page.items
        if not page.has_next:
            return items
