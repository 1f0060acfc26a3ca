"""Payments: instalments that add up to the whole, and interest by month or part of a month."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_builders import Json, clause, version

from ledger.rules.check import check
from ledger.rules.payment import PartsNotWhole, instalments, interest, rates_of, scheduled
from ledger.rules.terms import Instalment, MonthlyRate

RATES = [(date(2023, 1, 1), Fraction(1, 150)), (date(2025, 1, 1), Fraction(3, 400))]
THEN: Json = {"provisional": "cash", "negative": "refund", "netting": True}


def test_two_months_late_bear_two_months_simple_interest() -> None:
    assert interest(100_000, date(2025, 4, 30), date(2025, 6, 30), RATES) == 1_500


@pytest.mark.parametrize(
    ("paid", "months"),
    [
        (date(2025, 4, 1), 0),
        (date(2025, 4, 30), 0),
        (date(2025, 5, 1), 1),
        (date(2025, 5, 30), 1),
        (date(2025, 5, 31), 2),
        (date(2026, 4, 30), 12),
    ],
)
def test_a_part_of_a_month_counts_whole(paid: date, months: int) -> None:
    assert interest(100_000, date(2025, 4, 30), paid, RATES) == 750 * months


def test_the_rate_of_a_month_is_that_of_its_first_day() -> None:
    assert interest(150_000, date(2024, 12, 15), date(2025, 2, 15), RATES) == 1_000 + 1_125
    assert interest(150_000, date(2022, 12, 15), date(2023, 1, 15), RATES) == 0


def test_interest_is_rounded_towards_zero_once() -> None:
    assert interest(133, date(2025, 1, 1), date(2025, 3, 1), RATES) == 1
    assert interest(-133, date(2025, 1, 1), date(2025, 3, 1), RATES) == -1


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_instalments_add_up_to_the_amount(amount_minor: int, weights: list[int]) -> None:
    parts = [Fraction(weight, sum(weights)) for weight in weights]
    amounts = instalments(amount_minor, parts)
    assert sum(amounts) == amount_minor
    assert all(abs(got - amount_minor * part) < len(parts) for got, part in zip(amounts, parts, strict=True))


def test_three_equal_instalments_give_the_last_the_remainder() -> None:
    rows = [Instalment(due=due, part="1/3") for due in ("05-15", "08-15", "11-15")]
    assert scheduled(10_000, 2025, rows) == [
        (date(2025, 5, 15), 3_333),
        (date(2025, 8, 15), 3_333),
        (date(2025, 11, 15), 3_334),
    ]


def test_parts_that_are_not_the_whole_are_refused() -> None:
    with pytest.raises(PartsNotWhole):
        instalments(100, [Fraction(1, 2), Fraction(1, 3)])


def test_the_rows_of_a_clause_are_a_table_of_rates() -> None:
    rows = [MonthlyRate(starts=date(2025, 1, 1), monthly_rate="3/400")]
    assert rates_of(rows) == [(date(2025, 1, 1), Fraction(3, 400))]


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ({"instalments": [{"due": "05-15", "part": "1/2"}]}, "INSTALMENTS_NOT_ONE"),
        (
            {"instalments": [{"due": "05-15", "part": "1/2"}, {"due": "05-15", "part": "1/2"}]},
            "INSTALMENT_ORDER",
        ),
        ({"interest": [{"starts": "2025-01-01", "monthly_rate": "3/2"}]}, "SHARE_ABOVE_ONE"),
        ({"interest": [{"starts": "2025-01-01", "monthly_rate": "1/200"}] * 2}, "INTEREST_ORDER"),
        ({"form": "fund"}, "FUND_NEEDS_ROUTING"),
    ],
)
def test_payment_that_cannot_be_meant_is_refused(then: Json, code: str) -> None:
    assert code in {fault.code for fault in check(version(clause(then=THEN | then)).terms)}
