"""Amendments that let open windows keep their terms: who stays under which wording, and until when."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from rule_builders import Json, by_role, capped, clause, line, run, to_whom

from ledger.periods import Quarter, quarters_between
from ledger.rules import vector
from ledger.rules.check import check
from ledger.rules.facts import Facts, Outcome, Subject, Version
from ledger.rules.plain import explain
from ledger.rules.terms import Event, Terms
from ledger.rules.text import agreement_text

KEEP = "open_windows_keep_terms"
EARLY, LATE = 7, 8
BY_ORIGIN = {"mechanism": "tax", "measures": ["retained_tax"], "reported_by": "origin"}
LISTED = {"scope": "listed_enterprises"}


def window(months: int, **changes: Any) -> Json:
    clock = {"event": "registration", "begins": "step_of_day"}
    return {"step": "quarter", "window": {"clock": clock, "length_months": months} | changes}


def sharing(origin: str, host: str, **changes: Any) -> Json:
    return clause(whose=LISTED, when=window(12), to_whom=to_whom(origin=origin, host=host)) | changes


def version(starts: str, *clauses: Json, transition: str = KEEP, last_quarter: str | None = None) -> Version:
    document = {
        "agreement": "A-1",
        "roles": {"origin": "P-1", "host": "P-2", "fund": "P-3"},
        "in_force_from": starts,
        "last_quarter": last_quarter,
        "transition": transition,
        "clauses": list(clauses),
    }
    return Version(Quarter.parse(starts), Terms.model_validate_json(json.dumps(document)))


def enterprises(until: str, **registered: date) -> Facts:
    """A hundred minor units in every quarter of 2024 and later, of enterprises 7 (early) and 8 (late)."""
    numbers = {"early": EARLY, "late": LATE}
    return Facts(
        [
            line(str(quarter), 100, subject=numbers[name])
            for name in registered
            for quarter in quarters_between(Quarter(2024, 1), Quarter.parse(until))
        ],
        {
            numbers[name]: Subject(numbers[name], events={Event.REGISTRATION: day})
            for name, day in registered.items()
        },
    )


def both(versions: list[Version], facts: Facts, through: str) -> Outcome:
    outcome = run(versions, facts, through)
    assert vector.evaluate(versions, facts, Quarter.parse(through)) == outcome
    return outcome


def origin_of(outcome: Outcome, subject: int) -> dict[str, int]:
    return {
        str(key.quarter): amount.amount_minor
        for key, amount in sorted(outcome.amounts.items())
        if key.subject == subject and key.role == "origin"
    }


AMENDED = [version("2024Q1", sharing("1/2", "1/2")), version("2024Q3", sharing("1/5", "4/5"))]
BOTH = {"early": date(2024, 2, 1), "late": date(2024, 8, 1)}


def test_a_window_that_was_open_keeps_its_terms_and_a_later_one_has_the_new_ones() -> None:
    outcome = both(AMENDED, enterprises("2025Q3", **BOTH), "2025Q3")
    assert origin_of(outcome, EARLY) == dict.fromkeys(["2024Q1", "2024Q2", "2024Q3", "2024Q4"], 50)
    assert origin_of(outcome, LATE) == dict.fromkeys(["2024Q3", "2024Q4", "2025Q1", "2025Q2"], 20)


def test_by_step_the_new_terms_hold_for_everybody() -> None:
    versions = [AMENDED[0], version("2024Q3", sharing("1/5", "4/5"), transition="by_step")]
    outcome = both(versions, enterprises("2024Q4", **BOTH), "2024Q4")
    assert list(origin_of(outcome, EARLY).values()) == [50, 50, 20, 20]


def test_once_the_old_window_has_closed_the_terms_in_force_hold() -> None:
    longer = version("2024Q3", sharing("1/5", "4/5", when=window(24)))
    outcome = both([AMENDED[0], longer], enterprises("2026Q1", **BOTH), "2026Q1")
    assert list(origin_of(outcome, EARLY).values()) == [50] * 4 + [20] * 4


def test_a_window_whose_clock_started_before_but_which_opens_with_the_change_has_the_new_terms() -> None:
    clock = {"event": "registration", "begins": "next_step"}
    versions = [
        version("2024Q1", sharing("1/2", "1/2", when=window(12, clock=clock))),
        version("2024Q2", sharing("1/5", "4/5", when=window(12, clock=clock))),
    ]
    outcome = both(versions, enterprises("2024Q2", early=date(2024, 2, 1)), "2024Q2")
    assert origin_of(outcome, EARLY) == {"2024Q2": 20}


def test_an_enterprise_that_reports_only_after_the_change_still_has_the_terms_of_its_window() -> None:
    facts = Facts(
        [line("2024Q4", 100, subject=EARLY)],
        {EARLY: Subject(EARLY, events={Event.REGISTRATION: date(2024, 2, 1)})},
    )
    assert origin_of(both(AMENDED, facts, "2024Q4"), EARLY) == {"2024Q4": 50}


def test_the_extension_of_a_kept_window_is_decided_by_its_own_terms() -> None:
    extension = {"condition": "cap_not_reached", "length_months": 6, "on_correction": "reopen"}
    cap = capped("10.00")
    versions = [
        version("2024Q1", sharing("1/2", "1/2", when=window(6, extension=extension), within=cap)),
        version("2024Q3", sharing("1/5", "4/5", when=window(6), within=cap)),
    ]
    outcome = both(versions, enterprises("2025Q1", early=date(2024, 2, 1)), "2025Q1")
    assert origin_of(outcome, EARLY) == dict.fromkeys(["2024Q1", "2024Q2", "2024Q3", "2024Q4"], 50)
    assert outcome.carried[1, EARLY].extended is True


def test_a_refused_extension_ends_the_old_terms_at_once() -> None:
    extension = {"condition": "cap_not_reached", "length_months": 6, "on_correction": "reopen"}
    cap = capped("2.00")
    versions = [
        version("2024Q1", sharing("1/2", "1/2", when=window(6, extension=extension), within=cap)),
        version("2024Q3", sharing("1/5", "4/5", when=window(12), within=capped("100.00"))),
    ]
    outcome = both(versions, enterprises("2024Q3", early=date(2024, 2, 1)), "2024Q3")
    assert origin_of(outcome, EARLY) == {"2024Q1": 50, "2024Q2": 50, "2024Q3": 20}
    assert outcome.carried[1, EARLY].extended is False


def test_a_second_amendment_leaves_each_enterprise_where_its_window_opened() -> None:
    versions = [*AMENDED, version("2025Q1", sharing("1/10", "9/10", when=window(24)))]
    outcome = both(versions, enterprises("2025Q3", **BOTH), "2025Q3")
    assert list(origin_of(outcome, EARLY).values()) == [50] * 4 + [10] * 3
    assert list(origin_of(outcome, LATE).values()) == [20] * 4 + [10]


def test_the_whole_park_stays_under_the_old_terms_while_its_window_is_open() -> None:
    when = window(9, clock={"day": "2024-01-01", "begins": "step_of_day"})
    versions = [
        version("2024Q1", clause(when=when)),
        version("2024Q2", clause(to_whom=to_whom(origin="1/5", host="4/5"))),
    ]
    facts = Facts([line(f"2024Q{quarter}", 100) for quarter in range(1, 5)])
    outcome = both(versions, facts, "2024Q4")
    assert by_role(outcome, "origin") == {"2024Q1": 50, "2024Q2": 50, "2024Q3": 50, "2024Q4": 20}


def test_old_terms_do_not_outlive_their_own_last_quarter() -> None:
    versions = [
        version("2024Q1", sharing("1/2", "1/2"), last_quarter="2024Q3"),
        version("2024Q2", sharing("1/5", "4/5")),
    ]
    outcome = both(versions, enterprises("2024Q4", early=date(2024, 2, 1)), "2024Q4")
    assert list(origin_of(outcome, EARLY).values()) == [50, 50, 50, 20]


def test_an_enterprise_that_is_not_eligible_under_the_old_terms_keeps_nothing() -> None:
    eligible_only = {**LISTED, "eligibility": {"referred_by": "origin"}}
    versions = [
        version("2024Q1", sharing("1/2", "1/2", whose=eligible_only)),
        version("2024Q2", sharing("1/5", "4/5")),
    ]
    outcome = both(versions, enterprises("2024Q2", early=date(2024, 2, 1)), "2024Q2")
    assert origin_of(outcome, EARLY) == {"2024Q2": 20}


def test_explanation_names_the_version_that_holds_for_the_enterprise() -> None:
    facts = enterprises("2024Q4", **BOTH)
    told = [
        explain(AMENDED, facts, Quarter(2024, 4), 1, subject, Quarter(2024, 4)) for subject in (EARLY, LATE)
    ]
    assert [one.version for one in told] == [Quarter(2024, 1), Quarter(2024, 3)]


def test_both_languages_say_what_becomes_of_open_windows() -> None:
    by_step = version("2024Q3", sharing("1/5", "4/5"), transition="by_step")
    texts = {agreement_text(one.terms, "zh", {}) for one in (AMENDED[1], by_step)}
    assert len(texts) == 2
    assert "沿用原条款至其分享期届满" in agreement_text(AMENDED[1].terms, "zh", {})
    assert "stays under the terms of then until it closes" in agreement_text(AMENDED[1].terms, "en", {})


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ({"within": capped("9.00")}, {}, "TRANSITION_CHANGES"),
        (
            {},
            {"what": {"mechanism": "tax", "measures": ["retained_tax"], "reported_by": "origin"}},
            "TRANSITION_CHANGES",
        ),
        (
            {"how_much": {"smoothing": {"years": 3, "missing_years": "zero"}}},
            {"how_much": {"smoothing": {"years": 2, "missing_years": "zero"}}},
            "TRANSITION_CHANGES",
        ),
        ({}, {"rounding": {"grain": "clause", "mode": "down", "remainder_to": "host"}}, "TRANSITION_JOINT"),
        (
            {},
            {"within": capped("9.00", per="controller", order="by_subject")},
            "TRANSITION_JOINT",
        ),
    ],
)
def test_amendments_that_both_wordings_cannot_share_are_refused(before: Json, after: Json, code: str) -> None:
    earlier = version("2024Q1", sharing("1/2", "1/2", **before)).terms
    amended = version("2024Q3", sharing("1/5", "4/5", **after)).terms
    assert code in {fault.code for fault in check(amended, earlier)}


def test_without_a_window_nothing_is_kept_so_nothing_is_refused() -> None:
    earlier = version("2024Q1", clause(within=capped("9.00"))).terms
    amended = version("2024Q3", clause()).terms
    assert not {fault.code for fault in check(amended, earlier)} & {"TRANSITION_CHANGES", "TRANSITION_JOINT"}
