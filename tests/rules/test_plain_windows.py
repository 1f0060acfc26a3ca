"""Windows: what starts a clock, and from which step on it counts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from rule_builders import Json, by_role, clause, line, run, version, wan

from ledger.rules.facts import Facts


def in_window(clock: Json, length_months: int | None = None) -> Json:
    """A clause that shares 5:5 in a window; what is outside stays with the host."""
    return clause(
        when={
            "step": "quarter",
            "window": {"clock": {"offset_months": 0, **clock}, "length_months": length_months},
        }
    )


def shared_quarters(clock: Json, length_months: int | None = None, **occurrences: date) -> list[str]:
    lines = [line(f"{year}Q{quarter}", wan(2)) for year in (2024, 2025) for quarter in (1, 2, 3, 4)]
    outcome = run(version(in_window(clock, length_months)), Facts(lines, occurrences=occurrences), "2025Q4")
    return sorted(by_role(outcome, "origin"))


@pytest.mark.parametrize(
    ("begins", "first"),
    [("step_of_day", "2024Q3"), ("next_step", "2024Q4"), ("year_of_day", "2024Q1"), ("next_year", "2025Q1")],
)
def test_window_begins_with_the_step_or_year_that_is_stated(begins: str, first: str) -> None:
    assert shared_quarters({"day": "2024-08-20", "begins": begins})[0] == first


def test_length_counts_from_the_first_step_that_counts() -> None:
    quarters = shared_quarters({"day": "2024-08-20", "begins": "year_of_day"}, 12)
    assert quarters == ["2024Q1", "2024Q2", "2024Q3", "2024Q4"]


def test_nothing_is_shared_before_the_condition_precedent_is_fulfilled() -> None:
    clock: dict[str, Any] = {"occurrence": "aid_fund_paid_in", "begins": "step_of_day"}
    assert shared_quarters(clock) == []
    assert shared_quarters(clock, aid_fund_paid_in=date(2025, 2, 1))[0] == "2025Q1"
    assert shared_quarters(clock, something_else=date(2024, 2, 1)) == []


def test_clock_may_start_some_time_after_the_occurrence() -> None:
    clock = {"occurrence": "aid_fund_paid_in", "offset_months": 12, "begins": "step_of_day"}
    assert shared_quarters(clock, aid_fund_paid_in=date(2024, 5, 31))[0] == "2025Q2"


def test_routing_waits_for_the_occurrence_of_its_own_window() -> None:
    then = {
        "routing": {
            "to": "fund",
            "part": "1",
            "window": {"clock": {"occurrence": "opened", "begins": "step_of_day"}},
        },
        "provisional": "cash",
        "negative": "refund",
        "netting": True,
    }
    facts = Facts([line("2024Q1", 100), line("2024Q2", 100)], occurrences={"opened": date(2024, 4, 1)})
    outcome = run(version(clause(then=then)), facts, "2024Q2")
    routed = {str(key.quarter): amount.routed_minor for key, amount in outcome.amounts.items()}
    assert routed == {"2024Q1": 0, "2024Q2": 50}
