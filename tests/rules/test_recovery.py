"""Recovery first: an input is repaid before anything is divided, and the clock may start after it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from rule_builders import Json, by_role, clause, line, park, retention, run, to_whom, version, wan

from ledger.periods import Quarter
from ledger.rules import vector
from ledger.rules.check import check
from ledger.rules.explanation import render
from ledger.rules.facts import Outcome
from ledger.rules.plain import explain


def recovering(
    *inputs: tuple[str, str], yearly_return: str | None = None, begins: str = "year_of_day", **changes: Json
) -> Json:
    """淄博, 2022: the origin's input first, then 6:4 for 20 years, counted from when anything is split."""
    window = {"clock": {"first_shared": True, "begins": begins}, "length_months": 240}
    given = inputs or (("2024-01-01", "30000000.00"),)
    rows = [{"starts": starts, "amount": amount} for starts, amount in given]
    return clause(
        when={"step": "quarter", "window": window},
        how_much={"recover": {"to": "origin", "inputs": rows, "yearly_return": yearly_return}},
        to_whom=to_whom(origin="3/5", host="2/5"),
        **changes,
    )


def yearly(outcome: Outcome, role: str, years: int, first: int = 2024) -> list[int]:
    found = by_role(outcome, role)
    return [
        sum(found.get(f"{year}Q{quarter}", 0) for quarter in (1, 2, 3, 4))
        for year in range(first, first + years)
    ]


def test_input_is_recovered_first_and_twenty_years_count_from_the_first_year_split() -> None:
    amounts = [1200, 1500, 1000, *[100] * 20]
    facts = park(*(line(f"{2024 + place}Q4", wan(amount)) for place, amount in enumerate(amounts)))
    outcome = run(version(recovering()), facts, "2046Q4")
    origin, host = yearly(outcome, "origin", 23), yearly(outcome, "host", 23)
    assert origin[:3] == [wan(1200), wan(1500), wan(720)]
    assert host[:3] == [0, 0, wan(280)]
    assert (origin[21], host[21]) == (wan(60), wan(40))
    assert (origin[22], host[22]) == (0, wan(100))


@pytest.mark.parametrize(
    ("begins", "last_shared"),
    [("step_of_day", "2045Q4"), ("next_step", "2046Q1"), ("year_of_day", "2045Q4"), ("next_year", "2046Q4")],
)
def test_the_end_counts_from_the_first_step_that_counts_after_something_was_left(
    begins: str, last_shared: str
) -> None:
    late = [line(f"{year}Q{quarter}", 100) for year in (2045, 2046) for quarter in (1, 4)]
    facts = park(line("2026Q1", wan(4000)), *late)
    outcome = run(version(recovering(begins=begins)), facts, "2047Q1")
    assert max(by_role(outcome, "origin")) == last_shared


def test_an_input_of_a_later_day_is_recovered_from_its_day_on() -> None:
    rule = recovering(("2024-01-01", "100.00"), ("2024-07-01", "50.00"))
    facts = park(*(line(f"2024Q{quarter}", 10_000) for quarter in (1, 2, 3)))
    outcome = run(version(rule), facts, "2024Q3")
    assert by_role(outcome, "origin") == {"2024Q1": 10_000, "2024Q2": 6_000, "2024Q3": 5_000 + 3_000}


def test_a_simple_return_accrues_on_what_is_not_recovered_and_returns_earn_none() -> None:
    rule = recovering(("2024-01-01", "1000.00"), yearly_return="1/25")
    facts = park(line("2024Q3", 10_000), line("2025Q1", 200_000))
    outcome = run(version(rule), facts, "2025Q1")
    kept = outcome.carried[1, 0]
    # 1% a quarter of 1000.00; the third quarter's 100.00 repays the input.
    assert kept.accrued == 3 * 1_000 + 900 + 900
    assert kept.recovered == 100_000 + kept.accrued
    assert by_role(outcome, "host")["2025Q1"] == (210_000 - 104_800) * Fraction(2, 5)


def test_a_return_is_rounded_down_in_every_step() -> None:
    rule = recovering(("2024-01-01", "1.33"), yearly_return="1/25")
    assert run(version(rule), park(), "2025Q4").carried[1, 0].accrued == 8


def test_a_correction_moves_the_start_of_the_clock() -> None:
    first = park(line("2024Q4", wan(3000)), line("2025Q1", wan(10)))
    corrected = replace(first, lines=[line("2024Q4", wan(3100)), line("2025Q1", wan(10))])
    assert str(run(version(recovering()), first, "2025Q1").carried[1, 0].first_shared) == "2025-01-01"
    assert str(run(version(recovering()), corrected, "2025Q1").carried[1, 0].first_shared) == "2024-10-01"


@pytest.mark.parametrize("yearly_return", [None, "87/2000", "1"])
def test_both_evaluators_agree_on_fractions_that_repay_an_input(yearly_return: str | None) -> None:
    rule = recovering(("2024-02-01", "77.77"), ("2024-12-01", "31.01"), yearly_return=yearly_return)
    rule["how_much"]["retention"] = [retention("retained_tax", "2024-01-01", "2/7")]
    quarters = [Quarter(2024, 1).plus(place) for place in range(8)]
    facts = park(*(line(str(quarter), 10_007 * quarter.quarter - 9_000) for quarter in quarters))
    versions = [version(rule)]
    ours = vector.evaluate(versions, facts, Quarter(2025, 4))
    assert ours == run(versions, facts, "2025Q4")


def test_bands_count_what_is_left_when_the_input_is_repaid() -> None:
    rule = recovering(("2024-01-01", "10.00"))
    rows = [
        {"above": "0", "shares": {"origin": "1/2", "host": "1/2"}},
        {"above": "5.00", "shares": {"origin": "0", "host": "1"}},
    ]
    rule["to_whom"] = {
        "regime": "proportional",
        "bands": {"over": "lifetime", "rows": rows},
        "otherwise": "host",
    }
    facts = park(line("2024Q1", 1_200), line("2024Q2", 800))
    outcome = run(version(rule), facts, "2024Q2")
    assert by_role(outcome, "origin") == {"2024Q1": 1_000 + 100, "2024Q2": 150}
    assert by_role(outcome, "host") == {"2024Q1": 100, "2024Q2": 150 + 500}
    assert vector.evaluate([version(rule)], facts, Quarter(2024, 2)) == outcome


@pytest.mark.parametrize(
    "beside",
    [{"smoothing": {"years": 3, "missing_years": "zero"}}, {"own_rates": {"origin": "1", "host": "1"}}],
)
def test_recovery_beside_what_it_has_no_order_with_is_refused(beside: Json) -> None:
    rule = recovering()
    rule["how_much"] |= beside
    assert "RECOVERY_EXCLUDES" in {fault.code for fault in check(version(rule).terms)}
    assert refused(rule)


def test_shares_by_elapsed_time_cannot_wait_for_the_first_sharing() -> None:
    rule = recovering()
    rule["to_whom"]["key"][0]["after_months"] = 0
    assert "KEY_BEFORE_FIRST_SHARED" in {fault.code for fault in check(version(rule).terms)}
    assert refused(rule)


def refused(rule: Json) -> bool:
    (item,) = version(rule).terms.clauses
    return bool(vector.compile_clauses([vector.ClauseInForce(1, item)], Quarter(2024, 1)).refused)


def test_explanation_says_that_no_time_runs_before_something_is_left() -> None:
    facts = park(line("2024Q1", wan(1200)))
    told = explain([version(recovering())], facts, Quarter(2024, 1), 1, 0, Quarter(2024, 1))
    assert "尚无余额可分，分享期未起算" in render(told, "zh")
    assert "nothing has been left to share yet" in render(told, "en")


def test_explanation_shows_the_balance_and_what_was_taken() -> None:
    facts = park(line("2024Q1", wan(1200)))
    told = explain([version(recovering())], facts, Quarter(2024, 1), 1, 0, Quarter(2024, 1))
    assert "recovery" in {step.code for step in told.steps}
    assert "先行回收" in render(told, "zh")
