"""Floors: a promised minimum of the year, made good by a guarantor from the day on which it is due."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from rule_builders import Json, by_role, clause, line, run, to_whom, version, wan

from ledger.periods import Quarter
from ledger.rules import vector
from ledger.rules.check import check
from ledger.rules.explanation import render
from ledger.rules.facts import Facts, Outcome
from ledger.rules.plain import explain

AFTER_RECOVERY = {"first_shared": True, "begins": "year_of_day"}


def floored(shortfall: str, **changes: Any) -> Json:
    """青川, 2009: 6:4, at least five million yuan a year from a year after the aid fund is paid in."""
    window = {
        "clock": {"occurrence": "aid_fund_paid_in", "offset_months": 12, "begins": "step_of_day"},
        "length_months": None,
    }
    floor = {
        "party": "origin",
        "from_party": "host",
        "yearly_amount": "5000000.00",
        "window": window,
        "tested": "final_only",
        "shortfall": shortfall,
    }
    return clause(to_whom=to_whom(origin="3/5", host="2/5"), within={"floor": floor | changes})


def computed(raw: Json, *amounts_wan: int, paid_in: date | None = date(2023, 3, 1)) -> Outcome:
    """What yearly figures give from 2024 on, each reported with the year's third quarter."""
    lines = [line(f"{2024 + place}Q3", wan(amount)) for place, amount in enumerate(amounts_wan)]
    facts = Facts(lines, occurrences={"aid_fund_paid_in": paid_in} if paid_in else {})
    last = Quarter(2023 + len(amounts_wan), 4)
    outcome = run(version(raw), facts, str(last))
    assert vector.evaluate([version(raw)], facts, last) == outcome
    return outcome


def test_the_gap_is_given_whole_in_the_last_step_of_the_year() -> None:
    outcome = computed(floored("topped_up"), 500, 1000)
    assert by_role(outcome, "origin") == {"2024Q3": wan(300), "2024Q4": wan(200), "2025Q3": wan(600)}
    assert by_role(outcome, "host") == {"2024Q3": wan(200), "2024Q4": -wan(200), "2025Q3": wan(400)}


@pytest.mark.parametrize(
    ("shortfall", "origin", "host"),
    [
        ("topped_up", [wan(500), wan(500), wan(1200)], [-wan(400), -wan(400), wan(800)]),
        ("waived", [wan(100), wan(100), wan(1200)], [0, 0, wan(800)]),
        ("carried", [wan(100), wan(100), wan(1300)], [0, 0, wan(700)]),
    ],
)
def test_what_the_guarantor_s_receipts_do_not_cover_is_topped_up_waived_or_carried(
    shortfall: str, origin: list[int], host: list[int]
) -> None:
    outcome = computed(floored(shortfall), 100, 100, 2000)
    for role, expected in (("origin", origin), ("host", host)):
        found = by_role(outcome, role)
        years = [found.get(f"{year}Q3", 0) + found.get(f"{year}Q4", 0) for year in (2024, 2025, 2026)]
        assert years == expected


def test_a_year_before_the_floor_is_due_is_not_tested() -> None:
    outcome = computed(floored("topped_up"), 100, 100, paid_in=date(2024, 2, 1))
    assert by_role(outcome, "origin") == {"2024Q3": wan(60), "2025Q3": wan(60), "2025Q4": wan(440)}
    never = computed(floored("topped_up"), 100, 100, paid_in=None)
    assert by_role(never, "origin") == {"2024Q3": wan(60), "2025Q3": wan(60)}


def test_a_correction_moves_what_the_guarantor_gave() -> None:
    assert by_role(computed(floored("topped_up"), 600), "origin")["2024Q4"] == wan(140)
    assert by_role(computed(floored("topped_up"), 800), "origin")["2024Q4"] == wan(20)
    assert "2024Q4" not in by_role(computed(floored("topped_up"), 900), "origin")


def test_explanation_shows_the_gap_and_who_gave_it() -> None:
    facts = Facts([line("2024Q3", wan(500))], occurrences={"aid_fund_paid_in": date(2023, 1, 1)})
    quarter = Quarter(2024, 4)
    told = explain([version(floored("topped_up"))], facts, quarter, 1, 0, quarter)
    assert [step.result for step in told.steps if step.code == "floor"] == [wan(200), wan(200), -wan(200)]
    assert "保底" in render(told, "zh")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"from_party": "origin"}, "FLOOR_OF_ITSELF"),
        ({"yearly_amount": "0.001"}, "AMOUNT_PLACES"),
        (
            {"window": {"clock": {"first_shared": True, "begins": "year_of_day"}}},
            "FIRST_SHARED_NEEDS_RECOVER",
        ),
    ],
)
def test_floors_that_cannot_be_meant_are_refused(changes: Json, code: str) -> None:
    assert code in {fault.code for fault in check(version(floored("waived", **changes)).terms)}


def test_a_floor_is_of_the_whole_park() -> None:
    raw = floored("waived") | {"whose": {"scope": "listed_enterprises"}}
    assert "NEEDS_WHOLE_PARK" in {fault.code for fault in check(version(raw).terms)}
