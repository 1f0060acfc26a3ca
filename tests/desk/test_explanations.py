"""Explanations: from the stored inputs, and checked against what is booked."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from desk_fixtures import Room, clause, falsify_allocations, open_room

from ledger.desk.failures import NotFound
from ledger.desk.settlements import explanations
from ledger.desk.settlements.explanations import Explained
from ledger.errors import InvariantBroken
from ledger.periods import Quarter
from ledger.rules.explanation import render
from ledger_schema.sessions import Database

Q1, Q2, Q3 = (Quarter(2024, number) for number in (1, 2, 3))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    return open_room(database)


def test_a_quarters_own_figures_are_explained_from_line_to_share(room: Room) -> None:
    first = room.settle("2024Q1", "100.01")
    explained = explain(room, first, cause=1, quarter=Q1)
    assert explained.before is None
    assert explained.after is not None
    [figure] = [step for step in explained.after.steps if step.code == "figure"]
    assert (figure.result, figure.document) == (Fraction(10001), "凭证-1")
    assert sum(one.amount_minor for one in explained.allocations) == 10001
    assert explained.after.odd_unit_minor == 1
    assert "100.01" in render(explained.after, "zh")


def test_a_correction_is_explained_by_what_was_before_it_and_what_is_after(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.hand_in("2024Q1", "120.00")
    second = room.settle("2024Q2", "10.00")
    explained = explain(room, second, cause=1, quarter=Q1)
    assert explained.cause.kind == "correction"
    assert figures(explained) == (Fraction(10000), Fraction(12000))
    assert sorted(one.amount_minor for one in explained.allocations) == [1000, 1000]


def test_an_explanation_stays_the_same_after_later_corrections_and_amendments(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.hand_in("2024Q1", "120.00")
    second = room.settle("2024Q2", "10.00")
    earlier = explain(room, second, cause=1, quarter=Q1)
    room.hand_in("2024Q1", "300.00")
    room.amend(clause(shares={"origin": "1", "host": "0"}), starts="2024Q1")
    room.settle("2024Q3", "7.00")
    assert explain(room, second, cause=1, quarter=Q1) == earlier


def test_an_amendments_effect_is_explained_under_the_old_and_the_new_terms(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.amend(clause(shares={"origin": "3/5", "host": "2/5"}), starts="2024Q1")
    second = room.settle("2024Q2", "10.00")
    explained = explain(room, second, cause=1, quarter=Q1)
    assert explained.before is not None
    assert explained.after is not None
    shares = [
        {step.role: step.result for step in one.steps if step.code == "share"}
        for one in (explained.before, explained.after)
    ]
    assert shares == [{"origin": 5000, "host": 5000}, {"origin": 6000, "host": 4000}]


def test_a_clause_that_an_amendment_adds_has_nothing_before_it(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.amend(clause(1), clause(2, shares={"origin": "1", "host": "0"}), starts="2024Q1")
    second = room.settle("2024Q2", "10.00")
    explained = explain(room, second, cause=1, quarter=Q1, number=2)
    assert explained.before is None
    assert [one.amount_minor for one in explained.allocations] == [10000]


def test_what_was_not_computed_is_not_found(room: Room) -> None:
    first = room.settle("2024Q1", "100.00")
    with pytest.raises(NotFound):
        explain(room, first, cause=2, quarter=Q1)
    with pytest.raises(NotFound):
        explain(room, first, cause=1, quarter=Q1, number=9)
    with pytest.raises(NotFound):
        explain(room, first, cause=1, quarter=Q3)
    with pytest.raises(NotFound):
        explain(room, 1, cause=1, quarter=Q1)


def test_an_explanation_that_is_not_what_is_booked_is_refused(room: Room) -> None:
    first = room.settle("2024Q1", "100.00")
    falsify_allocations(room, "2024Q1")
    with pytest.raises(InvariantBroken):
        explain(room, first, cause=1, quarter=Q1)


def explain(room: Room, settlement_id: int, *, cause: int, quarter: Quarter, number: int = 1) -> Explained:
    with room.database.reading() as connection:
        return explanations.explanation(
            connection, room.agreement_id, settlement_id, cause, number, 0, quarter
        )


def figures(explained: Explained) -> tuple[Fraction, Fraction]:
    """The one figure that each side of the explanation starts from."""
    assert explained.before is not None
    assert explained.after is not None
    [before] = [step.result for step in explained.before.steps if step.code == "figure"]
    [after] = [step.result for step in explained.after.steps if step.code == "figure"]
    return before, after
