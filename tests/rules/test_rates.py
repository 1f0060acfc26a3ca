"""Rates: the part of the base that counts, by attributes of the enterprise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rule_builders import Json, by_role, clause, line, run, to_whom, version

from ledger.periods import Quarter
from ledger.rules import vector
from ledger.rules.check import check
from ledger.rules.facts import Facts, Subject
from ledger.rules.terms import Clause

PLACES = ["枣庄", "临沂", "德州", "聊城", "滨州", "菏泽"]
SHANDONG = [{"where": {"user_place": PLACES}, "rate": "3/5"}, {"where": {}, "rate": "2/5"}]


def rated(rates: list[Json], **changes: Any) -> Json:
    return clause(
        whose={"scope": "listed_enterprises"},
        how_much={"rates": rates},
        to_whom=to_whom(origin="1"),
        rounding={"grain": "subject", "mode": "down", "remainder_to": "origin"},
        **changes,
    )


def granted(raw: Json, amount_minor: int, **attributes: str) -> dict[str, int]:
    facts = Facts([line("2024Q1", amount_minor, subject=7)], {7: Subject(7, attributes=attributes)})
    outcome = run(version(raw), facts, "2024Q1")
    assert vector.evaluate([version(raw)], facts, Quarter(2024, 1)) == outcome
    return by_role(outcome, "origin")


@pytest.mark.parametrize(("place", "expected"), [("聊城", 60_000), ("菏泽", 60_000), ("济南", 40_000)])
def test_the_rate_is_that_of_the_user_s_place(place: str, expected: int) -> None:
    assert granted(rated(SHANDONG), 100_000, user_place=place) == {"2024Q1": expected}


def test_a_row_without_condition_holds_for_whoever_states_nothing() -> None:
    assert granted(rated(SHANDONG), 100_000) == {"2024Q1": 40_000}


def test_where_no_row_holds_nothing_counts() -> None:
    local = [{"where": {"provider_place": ["聊城"]}, "rate": "3/10"}]
    assert granted(rated(local), 100_000, provider_place="济南") == {}
    assert granted(rated(local), 100_000, provider_place="聊城") == {"2024Q1": 30_000}


def test_every_attribute_named_must_hold_and_the_first_row_wins() -> None:
    rates = [
        {"where": {"user_place": ["聊城"], "enterprise_kind": ["团队"]}, "rate": "1"},
        {"where": {"user_place": ["聊城"]}, "rate": "1/2"},
    ]
    assert granted(rated(rates), 100, user_place="聊城") == {"2024Q1": 50}
    assert granted(rated(rates), 100, user_place="聊城", enterprise_kind="团队") == {"2024Q1": 100}


def test_attributes_can_be_a_condition_of_eligibility() -> None:
    whose = {"scope": "listed_enterprises", "eligibility": {"attributes": {"project_kind": ["首谈引荐"]}}}
    raw = clause(whose=whose, to_whom=to_whom(origin="1/2", host="1/2"))
    assert granted(raw, 100, project_kind="首谈引荐") == {"2024Q1": 50}
    assert granted(raw, 100) == {}


def test_attributes_that_were_not_read_are_told_instead_of_taken_as_absent() -> None:
    item = vector.ClauseInForce(1, Clause.model_validate(rated(SHANDONG), strict=False))
    rules = vector.compile_clauses([item], Quarter(2024, 1))
    unread = replace(vector.Subjects.none(), attribute_codes=None)
    figures = vector.figures_of({})
    with pytest.raises(vector.AttributesNotRead):
        vector.evaluate_quarter(rules, Quarter(2024, 1), figures, unread, vector.State.none())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"how_much": {"rates": [*reversed(SHANDONG)]}}, "RATE_UNREACHABLE"),
        ({"how_much": {"rates": [{"rate": "3/2"}]}}, "SHARE_ABOVE_ONE"),
        ({"whose": {"scope": "whole_park"}}, "NEEDS_LISTED"),
    ],
)
def test_rates_that_cannot_be_meant_are_refused(changes: Json, code: str) -> None:
    assert code in {fault.code for fault in check(version(rated(SHANDONG) | changes).terms)}
