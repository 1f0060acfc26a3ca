"""Caps: several in order, over a life or a year, of one enterprise or of all with one controller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from rule_builders import Json, by_role, capped, clause, line, run, to_whom, version

from ledger.periods import Quarter
from ledger.rules import vector
from ledger.rules.check import check
from ledger.rules.explanation import render
from ledger.rules.facts import Facts, Outcome, Subject, Version
from ledger.rules.plain import explain

YEARLY = {"over": "year", "unused": "lapses"}
YUAN_MINOR = 100


def listed(within: Json, **shares: str) -> Version:
    """A voucher-like clause: each enterprise's claims, divided between two payers."""
    parts = shares or {"origin": "2/3", "host": "1/3"}
    return version(
        clause(
            whose={"scope": "listed_enterprises"},
            to_whom=to_whom(**parts),
            within=within,
            rounding={"grain": "subject", "mode": "down", "remainder_to": next(iter(parts))},
        )
    )


def claims(*yuan: tuple[str, int, int], controller: str | None = None) -> Facts:
    lines = [line(quarter, amount * YUAN_MINOR, subject=subject) for quarter, subject, amount in yuan]
    subjects = {subject: Subject(subject, controller=controller) for _, subject, _ in yuan}
    return Facts(lines, subjects)


def both(versions: Sequence[Version], facts: Facts, through: str) -> Any:
    """The plain evaluator's outcome, which the vectorised one shares."""
    outcome = run(versions, facts, through)
    assert vector.evaluate(versions, facts, Quarter.parse(through)) == outcome
    return outcome


def by_subject(outcome: Outcome) -> dict[tuple[int, str], int]:
    return {(key.subject, str(key.quarter)): amount.amount_minor for key, amount in outcome.amounts.items()}


def test_layers_cap_the_total_first_and_one_payer_s_part_of_it_then() -> None:
    within = {
        "caps": [
            *capped("200000.00", **YEARLY)["caps"],
            *capped("120000.00", capped="origin", **YEARLY)["caps"],
        ]
    }
    # Half of a fee of 500,000: province 30 of the 50 hundredths, locality the other 20.
    terms = listed(within, origin="3/5", host="2/5")
    outcome = both([terms], claims(("2024Q1", 7, 250_000)), "2024Q1")
    assert by_role(outcome, "origin") == {"2024Q1": 120_000 * YUAN_MINOR}
    assert by_role(outcome, "host") == {"2024Q1": 80_000 * YUAN_MINOR}


def test_a_payer_s_part_is_cut_where_only_its_own_layer_is_reached() -> None:
    within = {
        "caps": [
            *capped("200000.00", **YEARLY)["caps"],
            *capped("100000.00", capped="origin", **YEARLY)["caps"],
        ]
    }
    terms = listed(within, origin="3/5", host="2/5")
    outcome = both([terms], claims(("2024Q1", 7, 250_000)), "2024Q1")
    assert by_role(outcome, "origin") == {"2024Q1": 100_000 * YUAN_MINOR}
    assert by_role(outcome, "host") == {"2024Q1": 80_000 * YUAN_MINOR}


def test_what_a_quota_leaves_is_granted_and_the_rest_to_nobody() -> None:
    terms = listed(capped("100000.00", **YEARLY))
    outcome = both([terms], claims(("2024Q1", 7, 60_000), ("2024Q2", 7, 50_000)), "2024Q2")
    assert by_role(outcome, "origin") == {"2024Q1": 4_000_000, "2024Q2": 2_666_667}
    assert by_role(outcome, "host") == {"2024Q1": 2_000_000, "2024Q2": 1_333_333}


@pytest.mark.parametrize(("unused", "second_year"), [("lapses", 100), ("carries", 140)])
def test_room_that_a_year_leaves_lapses_or_carries(unused: str, second_year: int) -> None:
    terms = listed(capped("100.00", over="year", unused=unused), origin="1")
    facts = claims(("2024Q2", 7, 60), ("2025Q1", 7, 50), ("2025Q3", 7, 500))
    outcome = both([terms], facts, "2025Q4")
    assert sum(by_role(outcome, "origin").values()) == (60 + second_year) * YUAN_MINOR


def test_year_without_a_shared_step_adds_no_room() -> None:
    window = {"clock": {"day": "2026-01-01", "begins": "step_of_day"}}
    terms = listed(capped("100.00", over="year", unused="carries"), origin="1")
    raw = terms.terms.clauses[0].model_dump(mode="json")
    starting_later = version({**raw, "when": {"step": "quarter", "window": window}})
    outcome = both([starting_later], claims(("2024Q1", 7, 1), ("2026Q1", 7, 500)), "2026Q1")
    assert by_role(outcome, "origin") == {"2026Q1": 100 * YUAN_MINOR}


def test_two_caps_on_one_party_apply_one_after_the_other() -> None:
    within = {
        "caps": [
            *capped("100.00", capped="origin", excess_to="host", **YEARLY)["caps"],
            *capped("150.00", capped="origin", excess_to="fund")["caps"],
        ]
    }
    terms = listed(within, origin="1/2", host="1/2")
    outcome = both([terms], claims(("2024Q1", 7, 400), ("2025Q1", 7, 400)), "2025Q1")
    assert by_role(outcome, "origin") == {"2024Q1": 10_000, "2025Q1": 5_000}
    assert by_role(outcome, "host") == {"2024Q1": 30_000, "2025Q1": 30_000}
    assert by_role(outcome, "fund") == {"2025Q1": 5_000}


def of_group(amount: str, **changes: Any) -> Json:
    return capped(amount, per="controller", order="by_subject", **(YEARLY | changes))


def test_enterprises_with_one_controller_use_one_cap_in_the_order_of_their_numbers() -> None:
    terms = listed(of_group("650000.00"), origin="1")
    facts = claims(
        ("2024Q1", 9, 300_000), ("2024Q1", 7, 200_000), ("2024Q2", 8, 400_000), controller="甲集团"
    )
    others = replace(
        facts,
        lines=[*facts.lines, line("2024Q1", 65_000_100, subject=5)],
        subjects={**facts.subjects, 5: Subject(5)},
    )
    outcome = both([terms], others, "2024Q2")
    granted = {
        (key.subject, str(key.quarter)): amount.amount_minor for key, amount in outcome.amounts.items()
    }
    assert granted == {
        (7, "2024Q1"): 20_000_000,
        (9, "2024Q1"): 30_000_000,
        (8, "2024Q2"): 15_000_000,
        (5, "2024Q1"): 65_000_000,
    }


def test_the_cap_of_a_group_begins_anew_with_the_year_of_each_claim() -> None:
    facts = claims(("2024Q4", 7, 600), ("2025Q1", 8, 700), ("2025Q2", 7, 100), controller="甲集团")
    outcome = both([listed(of_group("650.00"), origin="1")], facts, "2025Q2")
    assert by_role(outcome, "origin") == {"2024Q4": 60_000, "2025Q1": 65_000}


def test_room_of_a_group_is_used_step_by_step_before_subject_by_subject() -> None:
    terms = listed(of_group("100.00", over="lifetime", unused=None), origin="1")
    raw = terms.terms.clauses[0].model_dump(mode="json")
    monthly = version({**raw, "when": {"step": "month", "window": None}})
    lines = [line("2024-02", 8_000, subject=7), line("2024-01", 8_000, subject=9)]
    facts = Facts(lines, {number: Subject(number, controller="甲集团") for number in (7, 9)})
    outcome = both([monthly], facts, "2024Q1")
    assert by_subject(outcome) == {(9, "2024Q1"): 8_000, (7, "2024Q1"): 2_000}


def test_an_extension_under_a_cap_of_a_group_is_decided_by_what_was_used_before_the_step() -> None:
    raw = listed(of_group("100.00", over="lifetime", unused=None), origin="1").terms.clauses[0]
    clock = {"day": "2024-01-01", "begins": "step_of_day"}
    extension = {"condition": "cap_not_reached", "length_months": 3, "on_correction": "reopen"}
    window = {"clock": clock, "length_months": 3, "extension": extension}
    terms = version({**raw.model_dump(mode="json"), "when": {"step": "quarter", "window": window}})
    facts = claims(("2024Q1", 7, 60), ("2024Q1", 9, 1), ("2024Q2", 7, 90), ("2024Q2", 9, 5), controller="甲")
    outcome = both([terms], facts, "2024Q2")
    assert [outcome.carried[1, subject].extended for subject in (7, 9)] == [True, True]
    assert by_role(outcome, "origin") == {"2024Q1": 6_100, "2024Q2": 3_900}


def test_large_claims_of_a_group_stay_exact_in_bulk() -> None:
    names = {number: Subject(number, controller="甲集团") for number in range(1, 40)}
    lines = [line("2024Q1", 10**15 + number, subject=number) for number in names]
    both([listed(of_group("123456789012345.67"), origin="1/3", host="2/3")], Facts(lines, names), "2024Q2")


def test_explanation_says_what_the_tightest_cap_leaves_of_the_year() -> None:
    terms = listed(capped("100.00", **YEARLY), origin="1")
    facts = claims(("2024Q1", 7, 60))
    ends = (Quarter(2024, 4), Quarter(2025, 1))
    left = [explain([terms], facts, end, 1, 7, Quarter(2024, 1)) for end in ends]
    assert [told.remaining.under_cap_minor for told in left] == [Fraction(4_000), Fraction(10_000)]
    assert "按公历年度" in render(left[0], "zh")


@pytest.mark.parametrize(
    ("within", "code"),
    [
        ({"caps": capped("1", capped="origin")["caps"] + capped("2")["caps"]}, "CAP_ORDER"),
        (of_group("1", unused="carries"), "CAP_OF_GROUP_CARRIES"),
    ],
)
def test_caps_that_do_not_go_together_are_refused(within: Json, code: str) -> None:
    assert code in {fault.code for fault in check(listed(within).terms)}


def test_an_amendment_may_add_and_drop_caps_at_the_end_but_not_change_one() -> None:
    first = listed(capped("1.00"))
    added = listed({"caps": capped("2.00")["caps"] + capped("3.00", **YEARLY)["caps"]})
    for other in (added, listed({})):
        assert "AMENDMENT_CHANGES_CAPS" not in {fault.code for fault in check(other.terms, first.terms)}
    changed = listed(capped("1.00", **YEARLY))
    assert "AMENDMENT_CHANGES_CAPS" in {fault.code for fault in check(changed.terms, first.terms)}


def test_the_use_of_a_cap_that_an_amendment_drops_is_forgotten_in_both_evaluators() -> None:
    first = listed(capped("100.00"), origin="1")
    second = replace(listed({}, origin="1"), starts=Quarter(2024, 2))
    third = replace(listed(capped("100.00"), origin="1"), starts=Quarter(2024, 3))
    facts = claims(("2024Q1", 7, 150), ("2024Q2", 7, 150), ("2024Q3", 7, 150))
    outcome = both([first, second, third], facts, "2024Q3")
    assert by_role(outcome, "origin") == {"2024Q1": 10_000, "2024Q2": 15_000, "2024Q3": 10_000}


def test_a_cap_that_an_amendment_adds_counts_from_then_on_in_both_evaluators() -> None:
    first = listed(capped("1000.00"), origin="1")
    more = {"caps": capped("1000.00")["caps"] + capped("50.00", excess_to="host")["caps"]}
    second = replace(listed(more, origin="1"), starts=Quarter(2024, 2))
    facts = claims(("2024Q1", 7, 100), ("2024Q2", 7, 30), ("2024Q3", 7, 30))
    outcome = both([first, second], facts, "2024Q3")
    assert by_role(outcome, "host") == {"2024Q3": 1_000}
