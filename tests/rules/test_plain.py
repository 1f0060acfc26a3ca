"""The plain evaluator: cases with exact numbers, and the laws that hold for every clause."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from clause_strategies import Scenario, terms_and_facts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_builders import Json, by_role, capped, clause, line, park, retention, run, to_whom, version, wan

from ledger.periods import Quarter
from ledger.rules.explanation import render
from ledger.rules.facts import Amount, Carried, Facts, Key, Line, Outcome, Subject, Version
from ledger.rules.plain import (
    ClauseNotInForce,
    FigureNotOfMonth,
    evaluate,
    evaluate_from,
    explain,
    version_in_force,
)
from ledger.rules.plain.shares import FactorsMissing
from ledger.rules.terms import Book, CauseOfMove, Clause, Event, Regime

PLAINLY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# --- cases ------------------------------------------------------------------------------------------------


def test_local_part_of_corporate_income_tax_is_divided_into_quarter_half_quarter() -> None:
    terms = version(
        clause(
            what={"mechanism": "tax", "measures": ["cit"], "reported_by": "host"},
            how_much={"retention": [retention("cit", "2003-01-01", "2/5")]},
            to_whom=to_whom(origin="1/4", host="1/2", fund="1/4"),
        )
    )
    outcome = run(terms, park(line("2024Q1", wan(100), "cit")), "2024Q1")
    assert [by_role(outcome, role)["2024Q1"] for role in ("origin", "host", "fund")] == [
        wan(10),
        wan(20),
        wan(10),
    ]


def moved(**changes: Any) -> Json:
    """财预〔2015〕92号: 50:50 for three years and two more, capped by the taxes before the move."""
    return clause(
        whose={
            "scope": "listed_enterprises",
            "eligibility": {"pre_move_tax_average_at_least": "20000000.00"},
        },
        when={
            "step": "quarter",
            "window": {
                "clock": {"event": "capacity_reached", "begins": "step_of_day"},
                "length_months": 36,
                "extension": {
                    "condition": "cap_not_reached",
                    "length_months": 24,
                    "on_correction": "reopen",
                },
            },
        },
        within={
            "caps": [
                {
                    "pre_move_tax_total": True,
                    "over": "lifetime",
                    "measured_on": "receipts",
                    "capped": "origin",
                    "excess_to": "host",
                }
            ]
        },
        **changes,
    )


def enterprise(*pre_move_wan: float, **changes: Any) -> Subject:
    taxes = {2021 + index: wan(amount) for index, amount in enumerate(pre_move_wan)}
    events = {Event.CAPACITY_REACHED: date(2024, 2, 10)}
    return replace(Subject(7, events=events, pre_move_tax_minor=taxes), **changes)


def yearly(*amounts_wan: float, first: int = 2024) -> list[Line]:
    return [line(f"{first + index}Q4", wan(amount), subject=7) for index, amount in enumerate(amounts_wan)]


def test_cap_on_receipts_with_extension_ends_in_the_fourth_year() -> None:
    facts = Facts(yearly(3000, 4000, 5000, 6000, 6500), {7: enterprise(2100, 2400, 2700)})
    outcome = run(version(moved()), facts, "2028Q4")
    origin, host = by_role(outcome, "origin"), by_role(outcome, "host")
    assert [origin.get(f"{year}Q4", 0) for year in range(2024, 2029)] == [
        wan(x) for x in (1500, 2000, 2500, 1200, 0)
    ]
    assert [host[f"{year}Q4"] for year in range(2024, 2029)] == [
        wan(x) for x in (1500, 2000, 2500, 4800, 6500)
    ]


def test_cap_on_the_pool_stops_at_half_of_what_a_cap_on_receipts_gives() -> None:
    terms = moved()
    terms["within"]["caps"] = [
        {"pre_move_tax_total": True, "over": "lifetime", "measured_on": "pool", "excess_to": "host"}
    ]
    facts = Facts(yearly(3000, 4000, 5000), {7: enterprise(2100, 2400, 2700)})
    outcome = run(version(terms), facts, "2026Q4")
    assert by_role(outcome, "origin") == {"2024Q4": wan(1500), "2025Q4": wan(2000), "2026Q4": wan(100)}
    assert by_role(outcome, "host")["2026Q4"] == wan(4900)


def test_enterprise_below_the_threshold_shares_nothing() -> None:
    facts = Facts(yearly(3000), {7: enterprise(1999.99, 1999.99, 1999.99)})
    outcome = run(version(moved()), facts, "2024Q4")
    assert by_role(outcome, "origin") == {}
    assert by_role(outcome, "host") == {"2024Q4": wan(3000)}


def test_enterprise_exactly_at_the_threshold_shares() -> None:
    facts = Facts(yearly(3000), {7: enterprise(2000, 2000, 2000)})
    assert by_role(run(version(moved()), facts, "2024Q4"), "origin") == {"2024Q4": wan(1500)}


@pytest.mark.parametrize("pre_move", [{}, {2023: 0}])
def test_enterprise_without_taxes_before_the_move_is_not_eligible(pre_move: Mapping[int, int]) -> None:
    subject = enterprise(pre_move_tax_minor=pre_move)
    outcome = run(version(moved()), Facts(yearly(3000), {7: subject}), "2024Q4")
    assert by_role(outcome, "origin") == {}


def test_cause_and_referrer_must_both_be_as_stated() -> None:
    terms = clause(
        whose={
            "scope": "listed_enterprises",
            "eligibility": {"cause_of_move": "government_led", "referred_by": "origin"},
        }
    )
    lines = [line("2024Q1", 100, subject=subject) for subject in (1, 2, 3)]
    subjects = {
        1: Subject(1, cause_of_move=CauseOfMove.GOVERNMENT_LED, referred_by="origin"),
        2: Subject(2, cause_of_move=CauseOfMove.MARKET, referred_by="origin"),
        3: Subject(3, cause_of_move=CauseOfMove.GOVERNMENT_LED),
    }
    outcome = run(version(terms), Facts(lines, subjects), "2024Q1")
    assert {key.subject for key in outcome.amounts if key.role == "origin"} == {1}


def increment(within_year: str, loss: str, step: str = "quarter", **base: Any) -> Json:
    surplus = (base or {"base": "10000000.00"}) | {"within_year": within_year, "loss": loss}
    return clause(when={"step": step}, how_much={"surplus": surplus})


@pytest.mark.parametrize(
    ("loss", "third_year"), [("forgotten", wan(100)), ("carried", wan(50)), ("shared", wan(100))]
)
def test_increment_over_a_base_leaves_the_stock_and_treats_a_loss_as_stated(
    loss: str, third_year: int
) -> None:
    lines = [line("2024Q4", wan(1600)), line("2025Q4", wan(900)), line("2026Q4", wan(1200))]
    terms = version(increment("final_only", loss), starts="2024Q1")
    origin = by_role(run(terms, park(*lines), "2026Q4"), "origin")
    assert origin["2024Q4"] == wan(300)
    assert origin.get("2025Q4", 0) == (wan(-50) if loss == "shared" else 0)
    assert origin["2026Q4"] == third_year


@pytest.mark.parametrize(
    ("within_year", "base", "expected"),
    [
        ("year_to_date", {"base": "10000000.00"}, {"2024Q3": 25, "2024Q4": 200}),
        ("pro_rata", {"base": "10000000.00"}, {"2024Q1": 25, "2024Q2": -25, "2024Q3": 150, "2024Q4": 75}),
        ("final_only", {"base": "10000000.00"}, {"2024Q4": 225}),
        (
            "same_quarter",
            {"base_by_quarter": ["1000000.00", "2000000.00", "3000000.00", "4000000.00"]},
            {"2024Q1": 100, "2024Q2": -25, "2024Q3": 150},
        ),
    ],
)
def test_yearly_base_works_inside_the_year_as_stated(
    within_year: str, base: Json, expected: dict[str, int]
) -> None:
    amounts = {"2024Q1": 300, "2024Q2": 150, "2024Q3": 600, "2024Q4": 400}
    lines = [line(span, wan(amount)) for span, amount in amounts.items()]
    outcome = run(version(increment(within_year, "forgotten", **base)), park(*lines), "2024Q4")
    assert by_role(outcome, "origin") == {span: wan(amount) for span, amount in expected.items()}


def test_pro_rata_counts_only_the_steps_inside_the_window() -> None:
    terms = increment("pro_rata", "carried")
    terms["when"]["window"] = {"clock": {"day": "2024-07-15", "begins": "step_of_day"}}
    lines = [line("2024Q1", wan(100)), line("2024Q3", wan(200)), line("2025Q1", wan(600))]
    outcome = run(version(terms), park(*lines), "2025Q1")
    assert by_role(outcome, "host")["2024Q1"] == wan(100)
    assert outcome.carried[1, 0].loss == wan(300)
    assert by_role(outcome, "origin") == {"2025Q1": wan(25)}


def test_shortfall_is_carried_by_the_terms_of_the_year_that_ended() -> None:
    before = version(increment("year_to_date", "carried", base="10000000.00"))
    after = version(increment("year_to_date", "carried", base="50000000.00"), starts="2025Q1")
    outcome = run([before, after], park(line("2024Q1", wan(900))), "2025Q1")
    assert outcome.carried[1, 0].loss == wan(100)


def test_monthly_surplus_takes_a_twelfth_of_the_base_a_month() -> None:
    terms = version(increment("pro_rata", "forgotten", step="month", base="12000000.00"))
    lines = [line("2024-01", wan(150)), line("2024-02", wan(150)), line("2024-03", wan(90))]
    assert by_role(run(terms, park(*lines), "2024Q1"), "origin") == {"2024Q1": wan(45)}


def test_enterprise_without_base_figure_has_base_zero() -> None:
    terms = increment("year_to_date", "forgotten", base_of_enterprise=True)
    terms["whose"] = {"scope": "listed_enterprises"}
    subjects = {1: Subject(1), 2: Subject(2, base_year_amount_minor=60)}
    lines = [line("2024Q1", 100, subject=1), line("2024Q1", 100, subject=2)]
    outcome = run(version(terms), Facts(lines, subjects), "2024Q1")
    assert outcome.amounts[Key(1, 1, Quarter(2024, 1), Book.CASH, "origin")].amount_minor == 50
    assert outcome.amounts[Key(1, 2, Quarter(2024, 1), Book.CASH, "origin")].amount_minor == 20


def test_everything_booked_is_routed_to_the_fund() -> None:
    terms = clause()
    terms["then"]["routing"] = {"to": "fund", "part": "1"}
    outcome = run(version(terms), park(line("2024Q1", wan(1000))), "2024Q1")
    assert {key.role: amount for key, amount in outcome.amounts.items()} == {
        "origin": Amount(wan(500), wan(500)),
        "host": Amount(wan(500), wan(500)),
    }


def test_ring_fence_routes_part_rounded_towards_zero_and_ends_with_its_window() -> None:
    terms = clause()
    window = {"clock": {"day": "2023-01-01", "begins": "step_of_day"}, "length_months": 18}
    terms["then"]["routing"] = {"to": "fund", "part": "1/2", "window": window}
    lines = [line("2024Q1", 6), line("2024Q2", -6), line("2024Q3", 6)]
    outcome = run(version(terms), park(*lines), "2024Q3")
    routed = {str(k.quarter): a.routed_minor for k, a in outcome.amounts.items() if k.role == "origin"}
    assert routed == {"2024Q1": 1, "2024Q2": -1, "2024Q3": 0}


def test_tax_and_output_are_shared_for_five_years_and_then_stay_with_the_host() -> None:
    when = {
        "step": "quarter",
        "window": {"clock": {"day": "2024-01-01", "begins": "step_of_day"}, "length_months": 60},
    }
    tax = clause(when=when, to_whom=to_whom(origin="2/5", host="3/5"))
    output = clause(
        number=2,
        when=when,
        what={"mechanism": "output_value", "measures": ["industrial_output"], "reported_by": "host"},
        to_whom=to_whom(origin="2/5", host="3/5") | {"in_place": "host"},
    )
    lines = [line(f"{year}Q2", wan(250)) for year in (2026, 2029)]
    lines += [line(f"{year}Q2", wan(8000), "industrial_output") for year in (2026, 2029)]
    outcome = run(version(tax, output), park(*lines), "2029Q4")
    assert by_role(outcome, "origin") == {"2026Q2": wan(100)}
    assert by_role(outcome, "host") == {"2026Q2": wan(150), "2029Q2": wan(250)}
    assert by_role(outcome, "origin", Book.ASSESSMENT) == {"2026Q2": wan(3200)}
    assert by_role(outcome, "host", Book.ASSESSMENT) == {"2026Q2": wan(4800), "2029Q2": wan(8000)}
    assert by_role(outcome, "host", Book.OFFICIAL) == {"2026Q2": wan(8000), "2029Q2": wan(8000)}


def test_incentives_are_deducted_from_the_base() -> None:
    terms = clause()
    terms["what"]["deduct"] = ["incentive_paid"]
    facts = park(line("2024Q1", wan(1000)), line("2024Q1", wan(150), "incentive_paid"))
    assert by_role(run(version(terms), facts, "2024Q1"), "origin") == {"2024Q1": wan(425)}


def statistic(measure: str, regime: str, **shares: str) -> Json:
    return clause(
        what={"mechanism": "output_value", "measures": [measure], "reported_by": "host"},
        to_whom=to_whom(**shares) | {"in_place": "host", "regime": regime},
        rounding={"grain": "subject", "mode": "down", "remainder_to": next(iter(shares))},
    )


def test_full_double_counting_credits_each_in_assessment_and_the_host_in_place() -> None:
    terms = version(statistic("industrial_output", "full_to_each", origin="1", host="1"))
    outcome = run(terms, park(line("2024Q1", wan(9000), "industrial_output")), "2024Q1")
    assert by_role(outcome, "origin", Book.ASSESSMENT) == {"2024Q1": wan(9000)}
    assert by_role(outcome, "host", Book.ASSESSMENT) == {"2024Q1": wan(9000)}
    assert by_role(outcome, "host", Book.OFFICIAL) == {"2024Q1": wan(9000)}
    assert by_role(outcome, "origin", Book.OFFICIAL) == {}


def test_full_to_one_credits_the_origin_alone_in_assessment() -> None:
    terms = version(statistic("paid_in_capital", "full_to_one", origin="1"))
    outcome = run(terms, park(line("2024Q1", wan(2000), "paid_in_capital")), "2024Q1")
    assert by_role(outcome, "origin", Book.ASSESSMENT) == {"2024Q1": wan(2000)}
    assert by_role(outcome, "host", Book.ASSESSMENT) == {}
    assert by_role(outcome, "host", Book.OFFICIAL) == {"2024Q1": wan(2000)}


def test_gross_taxes_become_retained_by_tier_and_are_split_six_to_four() -> None:
    kept = {"vat": "1/2", "cit": "2/5", "pit": "2/5"}
    terms = clause(
        what={"mechanism": "tax", "measures": list(kept), "reported_by": "host"},
        how_much={
            "retention": [retention(name, "2016-05-01", share, "7/10") for name, share in kept.items()]
        },
        to_whom=to_whom(origin="3/5", host="2/5"),
    )
    lines = [line("2024Q1", wan(amount), name) for name, amount in (("vat", 200), ("cit", 100), ("pit", 50))]
    outcome = run(version(terms), park(*lines), "2024Q1")
    assert by_role(outcome, "origin") == {"2024Q1": wan(67.2)}
    assert by_role(outcome, "host") == {"2024Q1": wan(44.8)}


def test_tax_that_the_table_names_only_later_shares_nothing_until_then() -> None:
    terms = clause(how_much={"retention": [retention("retained_tax", "2024-04-01", "1/2")]})
    outcome = run(version(terms), park(line("2024Q1", 100), line("2024Q2", 100)), "2024Q2")
    assert by_role(outcome, "origin") == {"2024Q2": 25}


def test_cumulative_rounding_makes_a_correction_show_as_a_difference() -> None:
    known = [line("2024Q1", 10001), line("2024Q2", 10001)]
    first = run(version(clause()), park(*known), "2024Q2")
    corrected = run(version(clause()), park(line("2024Q1", 10003), known[1]), "2024Q3")
    assert by_role(first, "origin") == {"2024Q1": 5000, "2024Q2": 5001}
    assert by_role(first, "host") == {"2024Q1": 5001, "2024Q2": 5000}
    for role in ("origin", "host"):
        before, after = by_role(first, role), by_role(corrected, role)
        assert sum(after.values()) - sum(before.values()) == 1
        assert after["2024Q1"] - before["2024Q1"] + after["2024Q2"] - before["2024Q2"] == 1


def test_development_revenue_follows_the_dated_equity_table() -> None:
    terms = clause(
        what={
            "mechanism": "development_revenue",
            "measures": ["land_transfer"],
            "deduct": ["development_cost"],
            "reported_by": "host",
        },
        when={"step": "month"},
        to_whom={
            "regime": "proportional",
            "otherwise": "fund",
            "key": [
                {"shares": {"origin": "3/5", "host": "2/5"}},
                {"starts": "2024-07-01", "shares": {"origin": "1/2", "host": "1/2"}},
            ],
        },
    )
    revenue = [line(f"2024-{q * 3 - 2:02d}", wan(250), "land_transfer") for q in range(1, 5)]
    cost = [line(f"2024-{q * 3 - 2:02d}", wan(100), "development_cost") for q in range(1, 5)]
    outcome = run(version(terms), park(*revenue, *cost), "2024Q4")
    assert sum(by_role(outcome, "origin").values()) == wan(330)
    assert sum(by_role(outcome, "host").values()) == wan(270)


def test_amendment_inside_a_window_computes_each_step_by_its_own_terms() -> None:
    versions = [
        version(clause()),
        version(clause(to_whom=to_whom(origin="3/5", host="2/5")), starts="2024Q3"),
    ]
    known = [line(f"2024Q{quarter}", 10000) for quarter in range(1, 5)]
    before = run(versions, park(*known), "2024Q3")
    after = run(versions, park(line("2024Q1", 12000), *known[1:]), "2024Q4")
    assert by_role(before, "origin") == {"2024Q1": 5000, "2024Q2": 5000, "2024Q3": 6000}
    assert sum(by_role(after, "origin").values()) - sum(by_role(before, "origin").values()) == 7000
    assert sum(by_role(after, "host").values()) - sum(by_role(before, "host").values()) == 5000


# --- keys -------------------------------------------------------------------------------------------------


def by_weights(**weights: str) -> Json:
    return {"regime": "proportional", "key": [{"weights": weights}], "otherwise": "host"}


@pytest.mark.parametrize(
    ("weights", "origin"),
    [
        ({"origin": "60", "host": "40"}, wan(600)),
        ({"origin": "120.5", "host": "361.5"}, wan(250)),
        ({"origin": "300/7", "host": "100/7"}, wan(750)),
        # 473F.07: population × average capacity / own capacity; the average cancels out.
        ({"origin": "12000/800", "host": "30000/1200"}, wan(375)),
    ],
)
def test_weights_give_each_party_its_part_of_their_sum(weights: dict[str, str], origin: int) -> None:
    outcome = run(version(clause(to_whom=by_weights(**weights))), park(line("2024Q1", wan(1000))), "2024Q1")
    assert by_role(outcome, "origin") == {"2024Q1": origin}
    assert by_role(outcome, "host") == {"2024Q1": wan(1000) - origin}


def test_share_of_the_first_years_gives_way_to_another_when_they_have_elapsed() -> None:
    """淄博: 6:4 for twenty years, then everything to the host; here each enterprise has its own clock."""
    terms = windowed("quarter", clock={"begins": "step_of_day"})
    terms["to_whom"]["key"] = [
        {"shares": {"origin": "3/5", "host": "2/5"}},
        {"after_months": 240, "shares": {"origin": "0", "host": "1"}},
    ]
    events = [{Event.FIRST_TAX: date(2004, 2, 29)}, {Event.FIRST_TAX: date(2004, 4, 1)}]
    subjects = {number: Subject(number, events=days) for number, days in enumerate(events, start=1)}
    lines = [line(f"2024Q{quarter}", 100, subject=subject) for subject in (1, 2) for quarter in (1, 2)]
    outcome = run(
        version(terms, starts="2023Q4"), Facts([line("2023Q4", 50, subject=1), *lines], subjects), "2024Q2"
    )
    origin = {
        (key.subject, str(key.quarter)): amount.amount_minor
        for key, amount in outcome.amounts.items()
        if key.role == "origin"
    }
    # The clock of the second begins with 2004Q2, so 2024Q1 is its last quarter at 6:4.
    assert origin == {(1, "2023Q4"): 30, (2, "2024Q1"): 60}


def test_before_the_first_row_by_elapsed_time_nothing_is_shared() -> None:
    terms = windowed("month", clock={"event": None, "day": "2024-01-01"})
    terms["whose"] = {"scope": "whole_park"}
    terms["to_whom"]["key"] = [{"after_months": 2, "shares": {"origin": "1/2", "host": "1/2"}}]
    lines = [line(f"2024-{month:02d}", 100) for month in (1, 2, 3, 4)]
    outcome = run(version(terms), park(*lines), "2024Q2")
    assert by_role(outcome, "origin") == {"2024Q1": 50, "2024Q2": 50}


def by_factors(
    key: dict[str, str], values: Mapping[int, Mapping[str, Sequence[str]]], **changes: Any
) -> Json:
    """The share of "branches" divided by revenue, payroll and assets of the year before."""
    weights = {"revenue": "7/20", "payroll": "7/20", "assets": "3/10"}
    apportion = {
        "share_of": "branches",
        "weights": weights,
        "factor_year": "previous",
        "zero_denominator": "drop_factor",
        "values": [
            {"year": year, "role": role, "values": dict(zip(weights, texts, strict=True))}
            for year, of_year in values.items()
            for role, texts in of_year.items()
        ],
    }
    return {
        "regime": "proportional",
        "key": [{"shares": key}],
        "apportion": apportion | changes,
        "otherwise": "host",
    }


HALVES = {"origin": "1/2", "branches": "1/2"}


def test_head_office_and_branches_divide_by_three_factors() -> None:
    """财预〔2012〕40号: the head office's own department takes part like a branch."""
    values = {2023: {"origin": ["100"] * 3, "host": ["50"] * 3, "fund": ["100"] * 3}}
    terms = version(clause(to_whom=by_factors(HALVES, values)))
    outcome = run(terms, park(line("2024Q1", wan(100))), "2024Q1")
    got = {role: by_role(outcome, role)["2024Q1"] for role in ("origin", "host", "fund")}
    assert got == {"origin": wan(70), "host": wan(10), "fund": wan(20)}


def test_branch_takes_part_from_its_entry_until_its_exit() -> None:
    values = {2023: {"origin": ["1"] * 3, "host": ["2"] * 3, "fund": ["5"] * 3}}
    attendance = {"entries": {"fund": "2024-04-01"}, "exits": {"host": "2024-07-02", "origin": "2024-10-01"}}
    terms = version(clause(to_whom=by_factors({"branches": "1"}, values, **attendance)))
    lines = [line(f"2024Q{quarter}", 24) for quarter in range(1, 5)]
    outcome = run(terms, park(*lines), "2024Q4")
    assert by_role(outcome, "origin") == {"2024Q1": 8, "2024Q2": 3, "2024Q3": 3}
    assert by_role(outcome, "host") == {"2024Q1": 16, "2024Q2": 6, "2024Q3": 6}
    assert by_role(outcome, "fund") == {"2024Q2": 15, "2024Q3": 15, "2024Q4": 24}


def test_where_nobody_takes_part_the_share_goes_where_unshared_figures_go() -> None:
    values = {2023: {"origin": ["1"] * 3}}
    apportioned = by_factors({"fund": "1/4", "branches": "3/4"}, values, exits={"origin": "2024-04-01"})
    outcome = run(version(clause(to_whom=apportioned)), park(line("2024Q2", 100)), "2024Q2")
    assert (by_role(outcome, "fund"), by_role(outcome, "host")) == ({"2024Q2": 25}, {"2024Q2": 75})


@pytest.mark.parametrize(
    ("rule", "expected"), [("drop_factor", {"origin": 70, "host": 30}), ("equal", {"origin": 60, "host": 40})]
)
def test_factor_that_is_zero_for_everybody_is_dropped_or_divided_equally(
    rule: str, expected: dict[str, int]
) -> None:
    values = {2023: {"origin": ["70", "0", "0"], "host": ["30", "0", "0"]}}
    weights = {"weights": {"revenue": "1/2", "payroll": "1/4", "assets": "1/4"}}
    terms = clause(to_whom=by_factors({"branches": "1"}, values, zero_denominator=rule, **weights))
    outcome = run(version(terms), park(line("2024Q1", 100)), "2024Q1")
    assert {role: by_role(outcome, role)["2024Q1"] for role in expected} == expected


@pytest.mark.parametrize("rule", ["drop_factor", "equal"])
def test_where_all_factors_are_zero_everybody_has_an_equal_part(rule: str) -> None:
    values = {2023: {"origin": ["0"] * 3, "host": ["0"] * 3}}
    terms = clause(to_whom=by_factors({"branches": "1"}, values, zero_denominator=rule))
    assert by_role(run(version(terms), park(line("2024Q1", 10)), "2024Q1"), "origin") == {"2024Q1": 5}


def test_factors_are_rounded_down_before_the_ratio() -> None:
    """GewStG § 29: wages are rounded down to full 1,000."""
    values = {2024: {"origin": ["2999"], "host": ["1000.99"]}}
    changes = {"weights": {"wages": "1"}, "factor_year": "same", "round_down_to": "1000"}
    apportioned = by_factors({"branches": "1"}, {}, **changes)
    apportioned["apportion"]["values"] = [
        {"year": 2024, "role": role, "values": {"wages": texts[0]}} for role, texts in values[2024].items()
    ]
    outcome = run(version(clause(to_whom=apportioned)), park(line("2024Q1", 300)), "2024Q1")
    assert (by_role(outcome, "origin"), by_role(outcome, "host")) == ({"2024Q1": 200}, {"2024Q1": 100})


def test_ratios_have_the_places_that_the_clause_states_and_add_up_to_one() -> None:
    rounding = {"places": 2, "mode": "down", "remainder_to": "fund"}
    values = {2023: {role: ["1"] * 3 for role in ("origin", "host", "fund")}}
    terms = clause(to_whom=by_factors({"branches": "1"}, values, ratio_rounding=rounding))
    outcome = run(version(terms), park(line("2024Q1", 10000)), "2024Q1")
    got = {role: by_role(outcome, role)["2024Q1"] for role in ("origin", "host", "fund")}
    assert got == {"origin": 3300, "host": 3300, "fund": 3400}


def test_branch_without_factors_in_the_year_that_counts_has_no_part_yet() -> None:
    values = {2023: {"origin": ["1"] * 3}, 2024: {"origin": ["1"] * 3, "host": ["3"] * 3}}
    lines = [line("2024Q4", 100), line("2025Q1", 100)]
    outcome = run(version(clause(to_whom=by_factors({"branches": "1"}, values))), park(*lines), "2025Q1")
    assert by_role(outcome, "host") == {"2025Q1": 75}


def test_step_whose_factors_are_missing_is_refused_by_year() -> None:
    terms = version(clause(to_whom=by_factors({"branches": "1"}, {2023: {"origin": ["1"] * 3}})))
    with pytest.raises(FactorsMissing, match="2024") as refusal:
        run(terms, park(), "2025Q1")
    assert "2024 年" in refusal.value.message_zh


def test_explanation_shows_the_factors_of_every_party() -> None:
    values = {2023: {"origin": ["100"] * 3, "host": ["50"] * 3}}
    terms = version(clause(to_whom=by_factors(HALVES, values)))
    quarter = Quarter(2024, 1)
    explanation = explain([terms], park(line("2024Q1", 600)), quarter, 1, 0, quarter)
    steps = {step.role: step.arithmetic for step in explanation.steps if step.code == "factors"}
    assert steps["host"] == ("3.00 × 1/3 = 1.00; 2023: 7/20 × 50/150 + 7/20 × 50/150 + 3/10 × 50/150 → 1/3")
    assert "因素分摊" in render(explanation, "zh")


def test_two_passes_with_own_rates_tax_each_part_and_divide_the_sum_again() -> None:
    """国家税务总局公告2012年第57号: the head office and its department at 25%, branches at 15% and 25%."""
    ratios = (("origin", "0.4"), ("host", "0.3"), ("fund", "0.3"))
    apportion = by_factors(HALVES, {}, weights={"revenue": "1"})
    apportion["apportion"]["values"] = [
        {"year": 2023, "role": role, "values": {"revenue": text}} for role, text in ratios
    ]
    rates = {"own_rates": {"origin": "1/4", "host": "3/20", "fund": "1/4"}}
    terms = version(clause(to_whom=apportion, how_much=rates))
    facts = park(line("2024Q1", wan(1000)))
    outcome = run(terms, facts, "2024Q1")
    got = {role: by_role(outcome, role)["2024Q1"] for role in ("origin", "host", "fund")}
    assert got == {"origin": wan("164.5"), "host": wan("35.25"), "fund": wan("35.25")}
    assert outcome.carried[1, 0].pool == wan(235)
    explanation = explain([terms], facts, Quarter(2024, 1), 1, 0, Quarter(2024, 1))
    (taxed,) = (step.arithmetic for step in explanation.steps if step.code == "own_rates")
    assert taxed == "10000000.00 × (7/10 × 1/4 + 3/20 × 1/4 + 3/20 × 3/20) = 2350000.00"


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("step", {"2024Q3": 90, "2024Q4": 170, "2025Q1": 90, "2025Q2": -25}),
        ("year", {"2024Q3": 90, "2024Q4": 200, "2025Q1": 90, "2025Q2": -40}),
        ("lifetime", {"2024Q3": 90, "2024Q4": 200, "2025Q1": 120, "2025Q2": -40}),
    ],
)
def test_bands_take_what_is_above_an_amount_at_other_shares(over: str, expected: dict[str, int]) -> None:
    figures = {"2024Q3": 150, "2024Q4": 250, "2025Q1": 150, "2025Q2": -50}
    terms = version(clause(to_whom=by_bands(over)))
    outcome = run(terms, park(*(line(span, amount) for span, amount in figures.items())), "2025Q2")
    assert by_role(outcome, "origin") == expected
    assert by_role(outcome, "host") == {span: figures[span] - part for span, part in expected.items()}


def by_bands(over: str) -> Json:
    """Half to the origin, and four fifths of what is above one yuan."""
    rows = [
        {"above": "0", "shares": {"origin": "1/2", "host": "1/2"}},
        {"above": "1.00", "weights": {"origin": "4", "host": "1"}},
    ]
    return {"regime": "proportional", "bands": {"over": over, "rows": rows}, "otherwise": "host"}


def test_cap_limits_what_the_capped_party_gets_from_all_bands() -> None:
    within = capped("1.00", capped="origin", excess_to="fund")
    terms = version(clause(to_whom=by_bands("lifetime"), within=within))
    outcome = run(terms, park(line("2024Q1", 150), line("2024Q2", 50)), "2024Q2")
    assert by_role(outcome, "origin") == {"2024Q1": 90, "2024Q2": 10}
    assert by_role(outcome, "fund") == {"2024Q2": 30}


def test_part_that_is_divided_further_is_written_as_the_products_of_its_shares() -> None:
    """Head office 25%, branches 75%, of which 60% to the centre, 10% to the region, 30% to the locality."""
    shares = {"fund": "1/4", "origin": "9/20", "host": "3/40", "locality": "9/40"}
    terms = version(clause(to_whom=to_whom(**shares)))
    outcome = run(terms, park(line("2024Q1", wan(4000))), "2024Q1")
    got = {role: by_role(outcome, role)["2024Q1"] for role in shares}
    assert got == {"fund": wan(1000), "origin": wan(1800), "host": wan(300), "locality": wan(900)}


@pytest.mark.parametrize(
    ("factor", "values"),
    [("area", {"origin": "1200.5", "host": "399.5"}), ("agreed", {"origin": "3", "host": "1"})],
)
def test_pool_goes_back_by_area_or_by_a_set_ratio(factor: str, values: dict[str, str]) -> None:
    pooled = by_factors({"fund": "3/4", "branches": "1/4"}, {}, weights={factor: "1"}, factor_year="same")
    pooled["apportion"]["values"] = [
        {"year": 2024, "role": role, "values": {factor: text}} for role, text in values.items()
    ]
    outcome = run(version(clause(to_whom=pooled)), park(line("2024Q1", wan(160))), "2024Q1")
    origin = wan("30.0125") if factor == "area" else wan(30)
    assert by_role(outcome, "origin") == {"2024Q1": origin}
    assert by_role(outcome, "host") == {"2024Q1": wan(40) - origin}


def smoothed(missing_years: str, years: int = 3) -> Json:
    return clause(
        how_much={"smoothing": {"years": years, "missing_years": missing_years}},
        to_whom=to_whom(origin="1", host="0"),
    )


@pytest.mark.parametrize(
    ("missing_years", "expected"),
    [
        ("fewer", {"2024Q4": 600, "2025Q4": 450, "2026Q4": 400, "2027Q4": 700}),
        ("zero", {"2024Q4": 200, "2025Q4": 300, "2026Q4": 400, "2027Q4": 700}),
    ],
)
def test_average_of_the_years_is_shared_with_the_last_step_of_each(
    missing_years: str, expected: dict[str, int]
) -> None:
    """N.J.S.A. 5:10A-57: a payment is the average of three years."""
    lines = [line("2024Q1", 500), line("2024Q3", 100), line("2025Q2", 300), line("2026Q4", 300)]
    lines += [line("2027Q1", 1000), line("2027Q4", 500)]
    outcome = run(version(smoothed(missing_years)), park(*lines), "2028Q3")
    assert by_role(outcome, "origin") == expected
    assert outcome.carried[1, 0].history == (Fraction(0), Fraction(1500), Fraction(300))


def test_correction_of_an_earlier_year_changes_every_average_that_holds_it() -> None:
    lines = [line("2024Q1", 300), line("2025Q1", 600)]
    before = by_role(run(version(smoothed("zero")), park(*lines), "2027Q4"), "origin")
    after = by_role(run(version(smoothed("zero")), park(line("2024Q1", 900), lines[1]), "2027Q4"), "origin")
    assert before == {"2024Q4": 100, "2025Q4": 300, "2026Q4": 300, "2027Q4": 200}
    assert after == {"2024Q4": 300, "2025Q4": 500, "2026Q4": 500, "2027Q4": 200}


def test_year_in_which_the_clause_rested_counts_as_zero_and_what_came_before_the_first_does_not() -> None:
    other = clause(number=2)
    versions = [version(smoothed("fewer")), version(other, starts="2025Q1")]
    versions.append(version(smoothed("fewer"), starts="2026Q1"))
    lines = [line("2024Q1", 300), line("2025Q1", 999), line("2026Q1", 600)]
    outcome = run(versions, park(*lines), "2026Q4")
    assert {str(key.quarter): a.amount_minor for key, a in outcome.amounts.items() if key.clause == 1} == {
        "2024Q4": 300,
        "2026Q4": 300,
    }


# --- windows ----------------------------------------------------------------------------------------------


def windowed(step: str, **window: Any) -> Json:
    clock = {"event": "first_tax", "begins": "step_of_day"} | window.pop("clock", {})
    return clause(
        whose={"scope": "listed_enterprises"}, when={"step": step, "window": {"clock": clock, **window}}
    )


@pytest.mark.parametrize(
    ("step", "begins", "expected"),
    [
        ("month", "step_of_day", ["2024-02", "2024-03", "2024-04"]),
        ("month", "next_step", ["2024-03", "2024-04", "2024-05"]),
        ("quarter", "step_of_day", ["2024-01", "2024-02", "2024-03"]),
        ("quarter", "next_step", ["2024-04", "2024-05", "2024-06"]),
    ],
)
def test_window_holds_whole_steps_from_the_clock_on(step: str, begins: str, expected: list[str]) -> None:
    terms = windowed(step, clock={"begins": begins}, length_months=3)
    subject = Subject(7, events={Event.FIRST_TAX: date(2024, 2, 20)})
    shared = []
    for month in range(1, 13):
        span = f"2024-{month:02d}"
        outcome = run(version(terms), Facts([line(span, 100, subject=7)], {7: subject}), "2024Q4")
        shared += [span] if by_role(outcome, "origin") else []
    assert shared == expected


def test_offset_moves_the_clock_and_clips_to_the_month() -> None:
    terms = windowed("month", clock={"offset_months": 1}, length_months=1)
    subject = Subject(7, events={Event.FIRST_TAX: date(2024, 1, 31)})
    lines = [line(f"2024-{month:02d}", 100, subject=7) for month in range(1, 4)]
    outcome = run(version(terms), Facts(lines, {7: subject}), "2024Q1")
    assert by_role(outcome, "origin") == {"2024Q1": 50}


def test_window_without_its_event_is_not_open() -> None:
    facts = Facts([line("2024Q1", 100, subject=7)], {7: Subject(7)})
    assert by_role(run(version(windowed("quarter")), facts, "2024Q1"), "host") == {"2024Q1": 100}


def test_share_stops_with_the_step_after_the_enterprise_has_moved_away() -> None:
    events = {Event.FIRST_TAX: date(2024, 1, 1), Event.MOVED_AWAY: date(2024, 4, 2)}
    lines = [line(f"2024Q{quarter}", 100, subject=7) for quarter in (1, 2, 3)]
    terms = version(windowed("quarter", ends_at=["moved_away", "deregistration"]))
    outcome = run(terms, Facts(lines, {7: Subject(7, events=events)}), "2024Q3")
    assert by_role(outcome, "origin") == {"2024Q1": 50, "2024Q2": 50}


def extended(on_correction: str) -> Version:
    terms = moved()
    terms["when"]["window"]["extension"]["on_correction"] = on_correction
    return version(terms)


@pytest.mark.parametrize(
    ("on_correction", "held", "extended_"),
    [
        ("reopen", {}, False),
        ("reopen", {(1, 7): True}, False),
        ("hold", {}, False),
        ("hold", {(1, 7): True}, True),
        ("hold", {(2, 7): True}, False),
    ],
)
def test_decision_that_a_settlement_took_stands_only_where_the_terms_hold_it(
    on_correction: str, held: dict[tuple[int, int], bool], extended_: bool
) -> None:
    facts = Facts(yearly(14400, 0, 0, 200), {7: enterprise(2100, 2400, 2700)})
    outcome = run(extended(on_correction), facts, "2027Q4", held_extensions=held)
    assert outcome.carried[1, 7].extended is extended_


@pytest.mark.parametrize(("on_correction", "fourth_year"), [("reopen", wan(100)), ("hold", 0)])
def test_refusal_that_a_settlement_took_is_reopened_or_held(on_correction: str, fourth_year: int) -> None:
    facts = Facts(yearly(14200, 0, 0, 200), {7: enterprise(2100, 2400, 2700)})
    outcome = run(extended(on_correction), facts, "2027Q4", held_extensions={(1, 7): False})
    assert by_role(outcome, "origin").get("2027Q4", 0) == fourth_year


# --- rounding ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grain", "expected"),
    [
        ("line", {(1, 1): 2, (2, 1): 1, (1, 2): 1}),
        ("period", {(1, 1): 3, (2, 1): 1, (1, 2): 1}),
        ("subject", {(1, 1): 3, (2, 1): 1, (1, 2): 2}),
        ("clause", {(0, 1): 5, (0, 2): 1}),
    ],
)
def test_grain_decides_where_odd_units_go(grain: str, expected: dict[tuple[int, int], int]) -> None:
    terms = clause(
        whose={"scope": "listed_enterprises"},
        rounding={"grain": grain, "mode": "down", "remainder_to": "host"},
    )
    lines = [
        line("2024Q1", 3, subject=1),
        line("2024Q1", 3, subject=1),
        line("2024Q1", 3, subject=2),
        line("2024Q2", 3, subject=1),
    ]
    lines += [line("2024Q1", 1, subject=1)] if grain != "line" else []
    outcome = run(version(terms), Facts(lines, {1: Subject(1), 2: Subject(2)}), "2024Q2")
    origin = {
        (key.subject, key.quarter.quarter): amount.amount_minor
        for key, amount in outcome.amounts.items()
        if key.role == "origin"
    }
    assert origin == expected


def test_negative_figure_gives_a_negative_amount_rounded_towards_zero() -> None:
    outcome = run(version(clause()), park(line("2024Q1", -5)), "2024Q1")
    assert by_role(outcome, "origin") == {"2024Q1": -2}
    assert by_role(outcome, "host") == {"2024Q1": -3}


def test_refund_under_the_cap_gives_room_again() -> None:
    terms = clause(within=capped("1.00", capped="origin", excess_to="fund"))
    lines = [line("2024Q1", 300), line("2024Q2", -200), line("2024Q3", 200)]
    outcome = run(version(terms), park(*lines), "2024Q3")
    assert by_role(outcome, "origin") == {"2024Q1": 100, "2024Q2": -50, "2024Q3": 50}
    assert by_role(outcome, "fund") == {"2024Q1": 50, "2024Q2": -50, "2024Q3": 50}


# --- what is computed at all ------------------------------------------------------------------------------


def test_figure_of_an_enterprise_that_is_not_on_the_list_is_not_of_the_clause() -> None:
    terms = clause(whose={"scope": "listed_enterprises"})
    outcome = run(version(terms), Facts([line("2024Q1", 100, subject=8)], {7: Subject(7)}), "2024Q1")
    assert outcome == Outcome({}, {})


def test_nothing_is_computed_after_the_last_quarter() -> None:
    outcome = run(version(clause(), last_quarter="2024Q1"), park(line("2024Q2", 100)), "2024Q2")
    assert outcome.amounts == {}


def test_clause_that_a_version_leaves_out_rests_and_goes_on_later() -> None:
    other = clause(number=2, what={"mechanism": "tax", "measures": ["vat"], "reported_by": "host"})
    versions = [version(clause()), version(other, starts="2024Q2"), version(clause(), starts="2024Q3")]
    lines = [line(f"2024Q{quarter}", 1) for quarter in (1, 2, 3)]
    outcome = run(versions, park(*lines), "2024Q3")
    assert by_role(outcome, "origin") == {"2024Q3": 1}
    assert outcome.carried[1, 0].entitlements[Book.CASH, "origin"] == 1


def test_quarterly_figure_of_a_monthly_clause_is_refused_by_name() -> None:
    terms = version(clause(when={"step": "month"}))
    with pytest.raises(FigureNotOfMonth, match="2024Q1") as refusal:
        run(terms, park(line("2024Q1", 100)), "2024Q1")
    assert "按月" in refusal.value.message_zh


def test_no_versions_give_nothing() -> None:
    assert run([], park(line("2024Q1", 100)), "2024Q1") == Outcome({}, {})


# --- explanation ------------------------------------------------------------------------------------------


def test_explanation_names_inputs_steps_choices_and_what_is_left() -> None:
    lines = [
        replace(item, line_id=f"L{index}", document=f"doc-{index}")
        for index, item in enumerate(yearly(3000, 4000))
    ]
    facts = Facts(lines, {7: enterprise(2100, 2400, 2700)})
    explanation = explain([version(moved())], facts, Quarter(2025, 4), 1, 7, Quarter(2025, 4))
    arithmetic = {step.arithmetic for step in explanation.steps}
    assert "40000000.00 × 1/2 = 20000000.00" in arithmetic
    assert [(step.line_id, step.document) for step in explanation.steps if step.code == "figure"] == [
        ("L1", "doc-1")
    ]
    assert ("within.caps[0].measured_on", "receipts") in {
        (choice.path, choice.value) for choice in explanation.choices
    }
    assert explanation.remaining.under_cap_minor == wan(7200 - 1500 - 2000)
    assert explanation.remaining.window_closes == date(2027, 1, 1)
    assert "上限" in render(explanation, "zh")
    assert "L1" in render(explanation, "en")


def test_explanation_says_who_got_the_odd_unit() -> None:
    explanation = explain(
        [version(clause())], park(line("2024Q1", 10001)), Quarter(2024, 1), 1, 0, Quarter(2024, 1)
    )
    assert (explanation.remainder_to, explanation.odd_unit_minor) == ("host", 1)


def test_cumulative_rounding_is_explained_by_what_was_before_the_quarter() -> None:
    facts = park(line("2024Q1", 10001), line("2024Q2", 10001))
    terms = version(clause())
    texts = [explain([terms], facts, Quarter(2024, 2), 1, 0, Quarter(2024, number)) for number in (1, 2)]
    first, second = (render(one, "en") for one in texts)
    assert "the origin side: cumulative 50.005 → 50.00; 50.00 − 0.00 before = 50.00" in first
    assert "the origin side: cumulative 100.01 → 100.01; 100.01 − 50.00 before = 50.01" in second
    assert (
        "the host side: cumulative whole 200.02 → 200.02; 200.02 − 100.01 of the others = 100.01; "
        "100.01 − 50.01 before = 50.00"
    ) in second
    assert "飞出地: 累计 100.01，取整为 100.01；100.01 − 此前 50.00 = 50.01" in render(texts[1], "zh")


def test_odd_unit_is_named_with_its_total_and_never_negative() -> None:
    facts = park(line("2024Q1", 10001), line("2024Q2", 10001))
    terms = version(clause())
    texts = [explain([terms], facts, Quarter(2024, 2), 1, 0, Quarter(2024, number)) for number in (1, 2)]
    assert [one.odd_unit_minor for one in texts] == [1, -1]
    assert "Odd unit of the cumulative total 100.01: 0.01 more for the host side" in render(texts[0], "en")
    assert render(texts[1], "en").endswith(
        "Odd unit of the cumulative total 200.02: none (before the quarter: 0.01 more for the host side)"
    )
    assert render(texts[1], "zh").endswith("累计合计 200.02 的取整余数：无（本季之前：飞入地多得 0.01）")


@pytest.mark.parametrize(
    ("grain", "host", "odd"),
    [
        ("period", "the quarter's whole 100.01 → 100.01; 100.01 − 50.00 of the others = 50.01", "0.01 more"),
        ("line", "line by line: 50.01", "0.01 more"),
        ("clause", "cumulative whole 200.02 → 200.02; 200.02 − 100.01 of the others = 100.01", "none"),
    ],
)
def test_rounding_is_explained_by_its_grain(grain: str, host: str, odd: str) -> None:
    terms = version(clause(rounding={"grain": grain, "mode": "down", "remainder_to": "host"}))
    facts = park(line("2024Q1", 10001), line("2024Q2", 10001))
    text = render(explain([terms], facts, Quarter(2024, 2), 1, 0, Quarter(2024, 2)), "en")
    assert host in text
    assert odd in text.splitlines()[-1]


def test_explanation_names_the_whole_park_or_the_enterprise() -> None:
    whole = explain([version(clause())], park(line("2024Q1", 1)), Quarter(2024, 1), 1, 0, Quarter(2024, 1))
    assert "全园区" in render(whole, "zh").splitlines()[0]
    assert "whole park" in render(whole, "en").splitlines()[0]
    facts = Facts(yearly(3000), {7: replace(enterprise(2100, 2400, 2700), name="企业七")})
    single = explain([version(moved())], facts, Quarter(2024, 4), 1, 7, Quarter(2024, 4))
    assert "企业七" in render(single, "zh").splitlines()[0]


def test_rounding_by_clause_names_the_enterprise_of_every_step() -> None:
    terms = moved(rounding={"grain": "clause", "mode": "down", "remainder_to": "host"})
    facts = Facts(yearly(3000), {7: replace(enterprise(2100, 2400, 2700), name="企业七")})
    text = render(explain([version(terms)], facts, Quarter(2024, 4), 1, 0, Quarter(2024, 4)), "en")
    assert "2024Q4 企业七 window: inside" in text


def test_window_says_from_when_to_when_and_why_a_step_is_outside() -> None:
    subject = replace(enterprise(2100, 2400, 2700), events={Event.CAPACITY_REACHED: date(2024, 1, 15)})
    rule = {"clock": {"event": "capacity_reached", "begins": "step_of_day"}, "length_months": 12}
    terms = version(
        clause(
            whose={"scope": "listed_enterprises"},
            when={"step": "quarter", "window": rule | {"ends_at": ["moved_away"]}},
        ),
        starts="2023Q4",
    )
    lines = [line(span, 100, subject=7) for span in ("2023Q4", "2024Q1", "2024Q4", "2025Q1")]

    def said(quarter: str, facts: Facts) -> tuple[str, str]:
        period = Quarter.parse(quarter)
        [step] = [
            step for step in explain([terms], facts, period, 1, 7, period).steps if step.code == "window"
        ]
        assert step.words is not None
        return step.words

    facts = Facts(lines, {7: subject})
    assert said("2024Q1", facts) == (
        "期内：分享期自 2024-01-01 起，至 2024-12-31 止",
        "inside: the window is open from 2024-01-01 to 2024-12-31",
    )
    assert said("2023Q4", facts)[1].startswith("outside: this step begins on 2023-10-01")
    assert said("2025Q1", facts)[0].startswith("期外：本期自 2025-01-01 起")
    left = replace(subject, events={**subject.events, Event.MOVED_AWAY: date(2024, 5, 6)})
    assert "2024-05-06" in said("2024Q4", Facts(lines, {7: left}))[1]
    assert "for want of" in said("2024Q4", Facts(lines, {7: replace(subject, events={})}))[1]


@pytest.mark.parametrize(
    ("taxes", "zh", "en"),
    [
        ((2100, 2400, 2700), "符合条件：搬迁前税收达到要求", "met: the taxes before the move suffice"),
        (
            (100, 100, 100),
            "不符合条件：搬迁前税收未达到要求",
            "not met: the taxes before the move don't suffice",
        ),
    ],
)
def test_eligibility_is_a_sentence(taxes: tuple[int, int, int], zh: str, en: str) -> None:
    facts = Facts(yearly(3000), {7: enterprise(*taxes)})
    explanation = explain([version(moved())], facts, Quarter(2024, 4), 1, 7, Quarter(2024, 4))
    assert zh in render(explanation, "zh")
    assert en in render(explanation, "en")
    assert not {"✓", "✗"} & set(render(explanation, "zh") + render(explanation, "en"))


def test_eligibility_names_the_cause_and_the_referrer_that_were_required() -> None:
    rule = {"cause_of_move": "government_led", "referred_by": "host"}
    terms = version(clause(whose={"scope": "listed_enterprises", "eligibility": rule}))
    subject = Subject(7, cause_of_move=CauseOfMove.MARKET)
    facts = Facts([line("2024Q1", 100, subject=7)], {7: subject})
    text = render(explain([terms], facts, Quarter(2024, 1), 1, 7, Quarter(2024, 1)), "en")
    assert "not met: the move was the enterprise's own choice (required: led by the government)" in text
    assert "referred by nobody (required: by the host side)" in text


def test_every_step_names_roles_in_the_order_of_the_key() -> None:
    for first, second in (("origin", "host"), ("host", "origin")):
        terms = version(clause(to_whom=to_whom(**{first: "1/2", second: "1/2"})))
        explanation = explain([terms], park(line("2024Q1", 10001)), Quarter(2024, 1), 1, 0, Quarter(2024, 1))
        for code in ("share", "rounding"):
            assert [step.role for step in explanation.steps if step.code == code] == [first, second]


def test_references_of_an_explanation_are_separated_as_its_language_does() -> None:
    facts = park(replace(line("2024Q1", 10001), line_id="9/1", document="doc"))
    explanation = explain([version(clause())], facts, Quarter(2024, 1), 1, 0, Quarter(2024, 1))
    assert "[9/1, doc]" in render(explanation, "en")
    assert "[9/1，doc]" in render(explanation, "zh")
    assert not any("\u3000" <= character <= "\uffef" for character in render(explanation, "en"))


def test_explanation_of_a_clause_that_is_not_in_force_is_refused() -> None:
    with pytest.raises(ClauseNotInForce):
        explain([version(clause())], park(), Quarter(2024, 1), 2, 0, Quarter(2024, 1))


# --- laws -------------------------------------------------------------------------------------------------


@PLAINLY
@given(terms_and_facts(), st.randoms(use_true_random=False))
def test_order_of_lines_changes_nothing(scenario: Scenario, source: random.Random) -> None:
    shuffled = list(scenario.facts.lines)
    source.shuffle(shuffled)
    again = evaluate(scenario.versions, replace(scenario.facts, lines=shuffled), scenario.through)
    assert again == evaluate(scenario.versions, scenario.facts, scenario.through)


@PLAINLY
@given(terms_and_facts())
def test_later_quarters_leave_earlier_amounts_alone(scenario: Scenario) -> None:
    earlier = evaluate(scenario.versions, scenario.facts, scenario.through)
    later = evaluate(scenario.versions, scenario.facts, scenario.through.next)
    assert {
        key: amount for key, amount in later.amounts.items() if key.quarter <= scenario.through
    } == earlier.amounts


@PLAINLY
@given(terms_and_facts())
def test_carried_state_and_later_figures_give_what_a_full_replay_gives(scenario: Scenario) -> None:
    facts, through = scenario.corrected, scenario.through
    half = evaluate(scenario.versions, facts, through.plus(-2))
    rest = evaluate_from(half.carried, through.previous, scenario.versions, facts, through)
    whole = evaluate(scenario.versions, facts, through)
    if through.plus(-1) >= scenario.versions[0].starts:
        assert {**half.amounts, **rest.amounts} == whole.amounts
        assert rest.carried == whole.carried


@PLAINLY
@given(terms_and_facts())
def test_parts_of_a_proportional_book_add_up_to_the_base(scenario: Scenario) -> None:
    """Exactly, quarter by quarter, unless a surplus, a rate or a cap leaves something out."""
    (version_, *_), through = scenario.versions, scenario.through
    if version_in_force([version_], through) is None:
        return
    before = evaluate([version_], scenario.facts, through.previous)
    after = evaluate([version_], scenario.facts, through)
    for (number, subject), carried in after.carried.items():
        found = version_.terms.clause(number)
        assert found is not None
        if found.to_whom.regime is not Regime.PROPORTIONAL or not allocates_its_base(found):
            continue
        explanation = explain([version_], scenario.facts, through, number, subject, through)
        base = sum(
            step.result for step in explanation.steps if step.code == "base" and step.subject == subject
        )
        assert shared(carried) - shared(before.carried.get((number, subject), Carried())) == base


def allocates_its_base(found: Clause) -> bool:
    how_much = found.how_much
    is_rated = bool(how_much.surplus or how_much.rates or how_much.own_rates or how_much.smoothing)
    leaves_out = any(cap.excess_to is None for cap in found.within.caps)
    return not is_rated and not leaves_out and found.rounding.grain != "line"


def shared(carried: Carried) -> Fraction:
    parts = (part for (book, _), part in carried.entitlements.items() if book is not Book.OFFICIAL)
    return sum(parts, Fraction(0))


@PLAINLY
@given(terms_and_facts())
def test_whole_amounts_of_a_cumulative_grain_add_up_to_the_rounded_entitlements(scenario: Scenario) -> None:
    version_ = scenario.versions[0]
    outcome = evaluate([version_], scenario.corrected, scenario.through)
    for (number, subject), carried in outcome.carried.items():
        found = version_.terms.clause(number)
        assert found is not None
        if found.rounding.grain != "subject":
            continue
        for (book, role), exact in carried.entitlements.items():
            booked = sum(
                amount.amount_minor
                for key, amount in outcome.amounts.items()
                if (key.clause, key.subject, key.book, key.role) == (number, subject, book, role)
            )
            assert abs(booked - exact) < len(carried.entitlements) + 1


@PLAINLY
@given(terms_and_facts())
def test_replay_of_the_same_facts_gives_the_same_outcome(scenario: Scenario) -> None:
    first = evaluate(scenario.versions, scenario.corrected, scenario.through)
    assert first == evaluate(scenario.versions, scenario.corrected, scenario.through)


@PLAINLY
@given(terms_and_facts())
def test_every_booked_amount_can_be_explained_and_rounds_to_it(scenario: Scenario) -> None:
    outcome = evaluate(scenario.versions, scenario.facts, scenario.through)
    for key, amount in list(outcome.amounts.items())[:3]:
        explanation = explain(
            scenario.versions, scenario.facts, scenario.through, key.clause, key.subject, key.quarter
        )
        rounded = [
            step.result
            for step in explanation.steps
            if step.code == "rounding"
            and (step.book, step.role, step.subject) == (key.book, key.role, key.subject)
        ]
        assert rounded == [amount.amount_minor]
        assert render(explanation, "zh")
        assert render(explanation, "en")


def test_amount_text_is_read_in_the_commodity_s_places() -> None:
    terms = statistic("head_count", "proportional", origin="1/2", host="1/2")
    terms["within"] = capped("10", excess_to="fund")
    outcome = run(version(terms), park(line("2024Q1", 25, "head_count")), "2024Q1")
    assert by_role(outcome, "fund", Book.ASSESSMENT) == {"2024Q1": 15}
