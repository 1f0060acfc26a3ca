"""History: the answer for an earlier moment stays, and the difference is explained cause by cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from desk_fixtures import Room, open_room, text
from sqlalchemy import func, select

from ledger.desk import history, settlements
from ledger.desk.failures import NotFound
from ledger.desk.history import differences
from ledger.periods import Quarter
from ledger_schema.sessions import Database

Q1, Q2 = Quarter(2024, 1), Quarter(2024, 2)
MOMENT = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    return open_room(database)


def test_a_figure_is_what_was_known_at_the_moment_asked_for(room: Room) -> None:
    before = closed_at(room, room.settle("2024Q1", "100.00"))
    room.hand_in("2024Q1", "120.00")
    assert of_origin(room) == "50.00"
    after = closed_at(room, room.settle("2024Q2", "10.00"))
    assert of_origin(room, before) == "50.00"
    assert of_origin(room, after) == "60.00"
    assert of_origin(room) == "60.00"


def test_nothing_is_known_before_the_first_quarter_closed(room: Room) -> None:
    before = now(room)
    room.settle("2024Q1", "100.00")
    with room.database.reading() as connection:
        assert history.figure(connection, room.agreement_id, Q1, known_at=before) == []
        assert history.balances(connection, through=Q2, known_at=before) == []


def test_a_computed_settlement_that_is_not_closed_changes_no_figure_and_no_balance(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    room.compute("2024Q1")
    with room.database.reading() as connection:
        assert history.figure(connection, room.agreement_id, Q1) == []
        assert history.balances(connection, agreement_id=room.agreement_id, through=Q1) == []


def test_balances_count_entries_about_quarters_up_to_the_one_asked_for(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.hand_in("2024Q1", "120.00")
    second = closed_at(room, room.settle("2024Q2", "10.00"))
    assert due_of_origin(room, Q1) == "60.00"
    assert due_of_origin(room, Q2) == "65.00"
    assert due_of_origin(room, Q2, second) == "65.00"


def test_balances_of_an_agreement_add_up_to_zero(room: Room) -> None:
    room.settle("2024Q1", "100.01")
    with room.database.reading() as connection:
        found = history.balances(connection, agreement_id=room.agreement_id, through=Q1)
    assert sum(one.amount_minor for one in found) == 0
    assert len(found) == 3


def test_the_difference_between_two_moments_names_every_cause_and_adds_up(room: Room) -> None:
    first = closed_at(room, room.settle("2024Q1", "100.00"))
    room.hand_in("2024Q1", "120.00")
    room.settle("2024Q2", "10.00")
    room.hand_in("2024Q1", "110.00")
    third = closed_at(room, room.settle("2024Q3", "10.00"))
    origin = room.party_id("origin")
    with room.database.reading() as connection:
        changes = differences.figures_between(connection, room.agreement_id, Q1, first, third)
        backwards = differences.figures_between(connection, room.agreement_id, Q1, third, first)
    of_one = [one for one in changes if one.party_id == origin]
    assert [(one.reason.cause.title_en, text(one.amount_minor)) for one in of_one] == [
        ("Correction of the return for 2024Q1 (Zone B)", "10.00"),
        ("Correction of the return for 2024Q1 (Zone B)", "-5.00"),
    ]
    assert sum(one.amount_minor for one in backwards) == -sum(one.amount_minor for one in changes)
    assert of_origin(room, first) == "50.00"
    assert of_origin(room, third) == "55.00"


def test_settlements_at_an_earlier_moment_are_not_closed_yet(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    computed = room.compute("2024Q1")
    between = now(room)
    room.close("2024Q1", computed)
    with room.database.reading() as connection:
        earlier = settlements.settlements(connection, room.agreement_id, known_at=between)
        later = settlements.settlements(connection, room.agreement_id, quarter=Q1)
    assert [one.is_closed for one in earlier] == [False]
    assert [one.is_closed for one in later] == [True]


def test_an_unknown_agreement_is_not_found(room: Room) -> None:
    with room.database.reading() as connection:
        with pytest.raises(NotFound):
            history.figure(connection, 1, Q1)
        with pytest.raises(NotFound):
            differences.figures_between(
                connection, 1, Q1, datetime.now().astimezone(), datetime.now().astimezone()
            )


def closed_at(room: Room, settlement_id: int) -> datetime:
    with room.database.reading() as connection:
        moment = settlements.settlement(connection, room.agreement_id, settlement_id).closed_at
    assert moment is not None
    return moment


def now(room: Room) -> datetime:
    with room.database.reading() as connection:
        moment = connection.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(moment, datetime)
    return moment


def of_origin(room: Room, known_at: datetime | None = None) -> str:
    party_id = room.party_id("origin")
    with room.database.reading() as connection:
        [found] = history.figure(connection, room.agreement_id, Q1, party_id=party_id, known_at=known_at)
    return text(found.amount_minor)


def due_of_origin(room: Room, through: Quarter, known_at: datetime | None = None) -> str:
    with room.database.reading() as connection:
        [found] = history.balances(
            connection, party_id=room.party_id("origin"), kind="due", through=through, known_at=known_at
        )
    return text(found.amount_minor)
