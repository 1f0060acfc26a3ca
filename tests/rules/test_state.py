"""Carried state: packed into 64-bit whole numbers and back, exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from clause_strategies import Scenario, clauses, terms_and_facts
from hypothesis import HealthCheck, given, settings

from ledger.rules.facts import Carried
from ledger.rules.plain import evaluate
from ledger.rules.state import (
    LAYOUT,
    EntitlementWithoutPlace,
    StateTooLarge,
    StateUnreadable,
    pack,
    unpack,
)
from ledger.rules.templates import load
from ledger.rules.terms import Book, Clause, MissingYears, Smoothing

QUICKLY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def a_clause() -> Clause:
    return load("gaozhu-increment").terms.clauses[0]


@QUICKLY
@given(terms_and_facts())
def test_state_of_any_computation_comes_back_unchanged(scenario: Scenario) -> None:
    version = scenario.versions[0]
    outcome = evaluate([version], scenario.corrected, scenario.through)
    for (number, _), carried in outcome.carried.items():
        clause = version.terms.clause(number)
        assert clause is not None
        numbers = pack(carried, clause)
        assert unpack(numbers, clause) == carried
        assert all(0 <= remainder < numbers[1] for remainder in numbers[7::2])


@QUICKLY
@given(clauses())
def test_state_before_the_first_step_has_every_entitlement_at_zero(clause: Clause) -> None:
    empty = unpack(pack(Carried(), clause), clause)
    assert set(empty.entitlements) == set(clause.entitlement_keys)
    assert set(empty.entitlements.values()) == {Fraction(0)}
    assert replace(empty, entitlements={}, used=()) == Carried()


def test_layout_is_as_documented() -> None:
    carried = Carried(
        year=2024,
        steps_counted=3,
        to_date=Fraction(7, 2),
        recognised=Fraction(-1, 3),
        loss=Fraction(2),
        threshold=Fraction(5),
        pool=Fraction(6),
        pool_year=2025,
        pool_of_year=Fraction(3),
        extended=True,
        entitlements={(Book.CASH, "origin"): Fraction(1, 24)},
    )
    header = [LAYOUT, 24, 2024, 3, 1, 2025]
    fixed = [3, 12, -1, 16, 2, 0, 5, 0, 6, 0, 3, 0]
    assert pack(carried, a_clause()) == header + fixed + [0, 0, 0, 1]


def test_history_of_a_clause_that_averages_years_comes_last() -> None:
    smoothing = Smoothing(years=3, missing_years=MissingYears.FEWER)
    clause = a_clause()
    clause = clause.model_copy(
        update={"how_much": clause.how_much.model_copy(update={"smoothing": smoothing})}
    )
    carried = Carried(pool_year=2025, history=(Fraction(5), Fraction(1, 7)))
    numbers = pack(carried, clause)
    assert numbers[-8:] == [2, 0, 5, 0, 0, numbers[1] // 7, 0, 0]
    assert unpack(numbers, clause).history == carried.history


def test_denominator_grows_with_what_an_earlier_version_left() -> None:
    carried = Carried(entitlements={(Book.CASH, "origin"): Fraction(1, 7), (Book.CASH, "host"): Fraction(0)})
    numbers = pack(carried, a_clause())
    assert numbers[1] % 7 == 0
    assert unpack(numbers, a_clause()) == carried


@pytest.mark.parametrize("amount", [Fraction(2**63), Fraction(-(2**63) - 1), Fraction(1, 2**63 + 1)])
def test_number_beyond_64_bits_is_refused(amount: Fraction) -> None:
    with pytest.raises(StateTooLarge):
        pack(Carried(loss=amount), a_clause())


def test_entitlement_of_a_role_that_the_clause_no_longer_credits_is_refused() -> None:
    with pytest.raises(EntitlementWithoutPlace, match="third"):
        pack(Carried(entitlements={(Book.CASH, "third"): Fraction(1)}), a_clause())


@pytest.mark.parametrize("index_and_value", [(0, 2), (1, 0), (4, 2)])
def test_numbers_that_are_no_state_are_refused(index_and_value: tuple[int, int]) -> None:
    numbers = pack(Carried(), a_clause())
    index, value = index_and_value
    numbers[index] = value
    with pytest.raises(StateUnreadable):
        unpack(numbers, a_clause())


@pytest.mark.parametrize("numbers", [[], [1], [1, 1, 0, 0, -1]])
def test_too_few_numbers_are_refused(numbers: list[int]) -> None:
    with pytest.raises(StateUnreadable):
        unpack(numbers, a_clause())
