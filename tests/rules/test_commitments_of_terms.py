"""Commitments in the terms: what may be wrong with them, and that both languages say all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.check import check, read_document
from ledger.rules.commitments import COMMITMENT_KINDS
from ledger.rules.templates import load
from ledger.rules.terms import Terms
from ledger.rules.text import agreement_text

PROMISE: dict[str, Any] = {
    "code": "talent_levels",
    "kind": "talent_standard",
    "title": {"zh": "人才等级互认", "en": "Talent levels recognised"},
    "by": ["origin", "host"],
}
promises = st.fixed_dictionaries(
    {
        **{name: st.just(PROMISE[name]) for name in ("code", "title")},
        "kind": st.sampled_from(sorted(COMMITMENT_KINDS)),
        "by": st.lists(st.sampled_from(["origin", "host"]), min_size=1, unique=True),
    },
    optional={
        "due_day": st.dates().map(lambda day: day.replace(year=2024 + day.year % 7).isoformat()),
        "target_count": st.integers(1, 99),
    },
)


def document(*commitments: dict[str, Any]) -> str:
    terms = load("ningde-two-clocks").terms.model_dump(mode="json")
    roles = {"origin": "P-O", "host": "P-H", **terms["roles"]}
    return json.dumps(terms | {"roles": roles, "commitments": list(commitments)}, ensure_ascii=False)


def terms_with(*commitments: dict[str, Any]) -> Terms:
    return Terms.model_validate_json(document(*commitments))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"by": ["origin", "origin"]}, "ROLE_TWICE"),
        ({"by": ["stranger"]}, "ROLE_UNDEFINED"),
        ({"kind": "joint_fund", "equal_levels": [{"origin": "A", "host": "B"}]}, "LEVELS_OF_OTHER_KIND"),
        ({"equal_levels": [{"origin": "A类"}]}, "LEVEL_WITHOUT_EQUAL"),
        ({"due_day": "1000-01-01"}, "DAY_OUT_OF_RANGE"),
        ({"title": {"zh": "一\n二", "en": "one"}}, "TEXT_UNPRINTABLE"),
    ],
)
def test_a_promise_that_cannot_be_meant_is_refused(changes: dict[str, Any], code: str) -> None:
    assert [fault.code for fault in check(terms_with({**PROMISE, **changes}))] == [code]


def test_two_promises_of_one_code_are_refused() -> None:
    assert [fault.code for fault in check(terms_with(PROMISE, PROMISE))] == ["COMMITMENT_TWICE"]


def test_an_unknown_kind_is_refused_with_the_kinds_there_are() -> None:
    _, faults = read_document(document({**PROMISE, "kind": "friendship"}))
    assert [fault.path for fault in faults] == ["$.commitments[0].kind"]
    assert "joint_fund" in faults[0].message_en


def test_terms_without_promises_say_nothing_of_them() -> None:
    assert "非资金承诺" not in agreement_text(terms_with(), "zh", {})


@given(one=promises, other=promises)
def test_promises_that_differ_never_read_alike(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = terms_with(one), terms_with(other)
    for language in ("zh", "en"):
        alike = agreement_text(first, language, {}) == agreement_text(second, language, {})
        assert alike == (first.commitments == second.commitments)
