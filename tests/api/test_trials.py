"""Terms are tried on given figures: amounts and their reasons come back, and the ledger isn't touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.api.journey import Api, Document
from tests.api.terms_documents import clause, tax, terms

CODE = "TRIAL"
TERMS = terms(CODE, [tax()])
FIGURE = {"measure": "retained_tax", "span": "2024Q1", "amount": "100.01"}
LISTED = {"creditCode": "甲", "nameZh": "甲公司"}


def trial(api: Api, **given: Any) -> Document:
    result = api.run(
        "evaluate_clause", **{"terms": TERMS, "figures": [FIGURE], "through": "2024Q2", **given}
    )["evaluateClause"]
    assert isinstance(result, dict)
    return result


def amounts(result: Document) -> dict[tuple[str, str], str]:
    nodes = [edge["node"] for edge in result["amounts"]["edges"]]
    return {(node["quarter"], node["role"]): node["amount"]["text"] for node in nodes}


def paths(result: Document) -> list[tuple[str, str]]:
    assert result["__typename"] == "InvalidInput"
    return [(fault["path"], fault["code"]) for fault in result["faults"]]


def test_amounts_come_by_clause_quarter_and_role_and_are_explained_when_asked(api: Api) -> None:
    later = {**FIGURE, "span": "2024Q2", "amount": "0.01"}
    plain = trial(api, figures=[FIGURE, later])
    assert amounts(plain) == {
        ("2024Q1", "host"): "50.01",
        ("2024Q1", "origin"): "50.00",
        ("2024Q2", "origin"): "0.01",
    }
    assert "explanation" not in plain
    explained = trial(api, isExplained=True, through="2024Q1")
    assert "100.01" in explained["explanation"]["text"]


def test_an_occurrence_and_attributes_of_enterprises_decide_what_is_shared(api: Api) -> None:
    window = {"clock": {"occurrence": "aid_fund_paid_in", "begins": "step_of_day"}, "length_months": 12}
    wanted = {"attributes": {"industry": ["研发"]}}
    document = terms(CODE, [tax(window=window, scope="listed_enterprises", eligibility=wanted)])
    figure = {**FIGURE, "creditCode": "甲"}
    research = {**LISTED, "attributes": [{"name": "industry", "value": "研发"}]}
    happened = [{"name": "aid_fund_paid_in", "day": "2024-01-15"}]
    shared = {"terms": document, "figures": [figure], "subjects": [research], "occurrences": happened}
    assert amounts(trial(api, **shared)) == {("2024Q1", "host"): "50.01", ("2024Q1", "origin"): "50.00"}
    nothing_more: list[Document] = [{"occurrences": []}, {"subjects": [LISTED]}]
    for less in nothing_more:
        assert ("2024Q1", "origin") not in amounts(trial(api, **(shared | less)))


def test_an_occurrence_with_an_unusable_name_or_given_twice_is_refused(api: Api) -> None:
    one = {"name": "aid_fund_paid_in", "day": "2024-01-15"}
    assert paths(trial(api, occurrences=[one, one])) == [("occurrences[1]", "GIVEN_TWICE")]
    faulty = [{**one, "name": "Paid in"}, {**one, "day": "1000-01-01"}]
    assert paths(trial(api, occurrences=faulty)) == [
        ("occurrences[0].name", "OCCURRENCE_NAME_UNUSABLE"),
        ("occurrences[1].day", "YEAR_UNUSABLE"),
    ]


def test_a_trial_reads_nothing_of_the_ledger(api: Api) -> None:
    api.ask("{ __typename }")
    assert statements_of(lambda: trial(api)) == statements_of(lambda: api.ask("{ __typename }"))


def statements_of(do: Callable[[], object]) -> list[str]:
    """What is asked of the database meanwhile."""
    statements: list[str] = []

    def after_execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "after_cursor_execute", after_execute)
    try:
        do()
    finally:
        event.remove(Engine, "after_cursor_execute", after_execute)
    return statements


def test_one_enterprise_can_be_looked_at_by_itself(api: Api) -> None:
    listed = terms(
        CODE,
        [clause("tax", ("vat",), [{"shares": {"origin": "1/2", "host": "1/2"}}], scope="listed_enterprises")],
    )
    figures = [
        {"measure": "vat", "span": "2024Q1", "amount": amount, "creditCode": code}
        for code, amount in (("甲", "10.00"), ("乙", "4.00"))
    ]
    both = trial(api, terms=listed, figures=figures)
    one = trial(api, terms=listed, figures=figures, creditCode="乙", isExplained=True, through="2024Q1")
    assert amounts(both)[("2024Q1", "origin")] == "7.00"
    assert amounts(one)[("2024Q1", "origin")] == "2.00"
    assert one["explanation"]["text"]


def test_every_fault_of_the_figures_is_told_with_its_place(api: Api) -> None:
    figures = [
        {**FIGURE, "amount": "1e3"},
        {**FIGURE, "measure": "luck", "span": "soon"},
        {**FIGURE, "creditCode": "乙"},
    ]
    assert paths(trial(api, figures=figures, subjects=[LISTED])) == [
        ("figures[0].amount", "AMOUNT_UNREADABLE"),
        ("figures[1].measure", "MEASURE_UNKNOWN"),
        ("figures[1].span", "PERIOD_UNREADABLE"),
        ("figures[2].creditCode", "SUBJECT_UNKNOWN"),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"through": "2023Q4"}, ("through", "QUARTER_OUT_OF_RANGE")),
        ({"through": "2064Q1"}, ("through", "QUARTER_OUT_OF_RANGE")),
        ({"figures": [FIGURE] * 1001}, ("figures", "TRIAL_TOO_LARGE")),
        ({"subjects": [LISTED] * 51}, ("subjects", "TRIAL_TOO_LARGE")),
        ({"terms": [1]}, ("terms", "OBJECT_EXPECTED")),
    ],
)
def test_a_trial_that_is_too_large_is_refused(
    api: Api, given: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert paths(trial(api, **given)) == [expected]


def test_terms_with_faults_are_refused_with_their_paths(api: Api) -> None:
    result = trial(api, terms=terms(CODE, [tax({"origin": "1/2", "host": "1/3"})]))
    assert result["__typename"] == "TermsRefused"
    assert result["faults"][0]["path"].startswith("$.clauses[0]")


def test_figures_that_the_rule_cannot_take_are_a_typed_failure(api: Api) -> None:
    monthly = terms(CODE, [tax()])
    monthly["clauses"][0]["when"]["step"] = "month"
    monthly["clauses"][0]["examples"][0]["figures"][0]["span"] = "2024-01"
    result = trial(api, terms=monthly)
    assert (result["__typename"], result["code"]) == ("Refused", "FIGURE_NOT_OF_MONTH")
