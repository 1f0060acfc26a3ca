"""The procedure: what it may say, and that it says it in both languages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.check import check
from ledger.rules.document import normalise
from ledger.rules.procedure import Procedure
from ledger.rules.templates import load
from ledger.rules.terms import Terms
from ledger.rules.text import agreement_text
from ledger.rules.text.procedure import procedure_article

ROLES = ["host", "origin", "province"]
CALENDAR = {"submit_days": 15, "certify_days": 20, "reconcile_days": 30, "sign_days": 40, "fund_days": 60}
RECONCILIATION = {
    "record": "host",
    "against": "origin",
    "tolerances": [{"measure": "retained_tax", "amount": "1.00"}],
    "unanswered": "withheld",
}

role_lists = st.lists(st.sampled_from(ROLES), unique=True)
calendars = st.lists(st.integers(0, 9), min_size=6, max_size=6).map(
    lambda days: dict(
        zip([*CALENDAR, "second_fund_days"], [sum(days[: place + 1]) for place in range(6)], strict=True)
    )
)
tolerances = st.lists(
    st.fixed_dictionaries(
        {
            "measure": st.sampled_from(["retained_tax", "added_value"]),
            "amount": st.sampled_from(["0", "1", "1.00", "2.50"]),
        }
    ),
    max_size=2,
    unique_by=lambda row: row["measure"],
)
reconciliations = st.lists(
    st.fixed_dictionaries(
        {
            "record": st.sampled_from(ROLES[:2]),
            "against": st.just("province"),
            "tolerances": tolerances,
            "unanswered": st.sampled_from(["withheld", "accepted"]),
        }
    ),
    max_size=2,
    unique_by=lambda one: one["record"],
)
procedures = st.fixed_dictionaries(
    {},
    optional={
        "certified": role_lists,
        "signed_by": role_lists,
        "reopened_by": role_lists,
        "arbiter": st.sampled_from([None, *ROLES]),
        "reconciliations": reconciliations,
        "calendar": st.one_of(st.none(), calendars),
        "sealed": st.booleans(),
        "lines": st.sampled_from(("closed", "open")),
    },
).map(lambda one: one | {"sealed": bool(one.get("sealed") and one.get("calendar"))})


def terms_with(procedure: dict[str, Any]) -> Terms:
    document = load("ningde-two-clocks").terms.model_dump(mode="json")
    document["roles"] |= {role: f"P-{role}" for role in ROLES}
    return Terms.model_validate_json(json.dumps(document | {"procedure": procedure}))


def codes(procedure: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.path, one.code) for one in check(terms_with(procedure))]


@given(procedures, procedures)
def test_procedures_that_differ_never_read_alike(first: dict[str, Any], second: dict[str, Any]) -> None:
    one, other = terms_with(first), terms_with(second)
    texts = [
        [procedure_article(terms.procedure or Procedure(), "zh"), agreement_text(terms, "en", {})]
        for terms in (one, other)
    ]
    assert (texts[0] == texts[1]) == (normalise(one) == normalise(other))


@given(procedures)
def test_procedure_in_order_is_taken(procedure: dict[str, Any]) -> None:
    assert codes(procedure) == []


def test_terms_without_a_procedure_say_nothing_of_one() -> None:
    assert "办理程序" not in agreement_text(load("ningde-two-clocks").terms, "zh", {})


def test_procedure_reads_like_an_agreement() -> None:
    procedure = terms_with(
        {
            "certified": ["host"],
            "signed_by": ["host", "origin"],
            "arbiter": "province",
            "reconciliations": [RECONCILIATION],
            "calendar": CALENDAR,
        }
    ).procedure
    assert procedure is not None
    assert procedure_article(procedure, "zh") == (
        "办理程序\n飞入地的申报表须经本方另一人复核后方为有效；"
        "飞入地的申报数据与飞出地的申报数据逐笔核对，允许误差：地方留成税收每笔1.00元，"
        "对方未申报的数据暂不纳入结算；季度结算须经飞入地、飞出地签署后方可关账；"
        "争议协商不成的，由省级财政裁定；"
        "自季度末日起，15日内申报、20日内复核、30日内对账、40日内签署、60日内付款。"
    )


@pytest.mark.parametrize(
    ("procedure", "path", "code"),
    [
        ({"certified": ["nobody"]}, "$.procedure", "ROLE_UNDEFINED"),
        ({"signed_by": ["host", "host"]}, "$.procedure.signed_by[1]", "ROLE_TWICE"),
        (
            {"reconciliations": [RECONCILIATION, RECONCILIATION]},
            "$.procedure.reconciliations[1].record",
            "ROLE_TWICE",
        ),
        (
            {"reconciliations": [RECONCILIATION | {"against": "host"}]},
            "$.procedure.reconciliations[0].against",
            "COMPARED_WITH_ITSELF",
        ),
        (
            {"reconciliations": [RECONCILIATION | {"tolerances": [{"measure": "luck", "amount": "1"}]}]},
            "$.procedure.reconciliations[0].tolerances[0].measure",
            "TOLERANCE_OF_UNKNOWN",
        ),
        (
            {
                "reconciliations": [
                    RECONCILIATION | {"tolerances": [{"measure": "retained_tax", "amount": "0.001"}]}
                ]
            },
            "$.procedure.reconciliations[0].tolerances[0].amount",
            "AMOUNT_PLACES",
        ),
        ({"sealed": True}, "$.procedure.sealed", "SEALED_WITHOUT_CALENDAR"),
        (
            {"calendar": CALENDAR | {"sign_days": 25}},
            "$.procedure.calendar.sign_days",
            "CALENDAR_BACKWARDS",
        ),
    ],
)
def test_procedure_that_contradicts_itself_is_refused(
    procedure: dict[str, Any], path: str, code: str
) -> None:
    assert codes(procedure) == [(path, code)]
