"""A draft is run over past quarters beside the terms in force, by its document or its version's number."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.desk.enterprises import credit_code_check_character
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import HALVES, clause, tax, terms

CODE = "SIMULATED"
SIX_TO_FOUR = {"origin": "3/5", "host": "2/5"}
DRAFT = terms(CODE, [tax(SIX_TO_FOUR)])


@pytest.fixture
def settled(api: Api) -> Api:
    """100.00 in the first quarter of 2024, at halves; the second is open."""
    api.bring_into_force(terms(CODE, [tax()]))
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "100.00")])
    api.settle(CODE, "2024Q1")
    return api


def simulated(api: Api, **given: Any) -> Document:
    asked = {"code": CODE, "terms": DRAFT, "firstQuarter": "2024Q1", "lastQuarter": "2024Q1", **given}
    result = api.run("simulation", **asked)["agreement"]["simulation"]
    assert isinstance(result, dict)
    return result


def written(node: Document) -> tuple[str | None, ...]:
    return tuple(node[side] and node[side]["amount"]["text"] for side in ("inForce", "draft", "difference"))


def rows(result: Document) -> dict[str, tuple[str | None, ...]]:
    nodes = [edge["node"] for edge in result["rows"]["edges"]]
    return {node["party"]["code"]: written(node) for node in nodes}


def test_who_gains_and_loses_what_is_told_with_totals_text_and_reasons(settled: Api) -> None:
    result = simulated(settled, isExplained=True)
    expected = {"ORIGIN": ("50.00", "60.00", "10.00"), "HOST": ("50.00", "40.00", "-10.00")}
    assert rows(result) == expected
    assert {one["party"]["code"]: written(one) for one in result["totals"]} == expected
    assert {one["quarter"] for one in result["totalsByQuarter"]} == {"2024Q1"}
    assert (result["through"], result["isComplete"], result["missing"]) == ("2024Q1", True, [])
    assert [(one["number"], one["standing"]) for one in result["clauses"]] == [(1, "KEPT")]
    assert "+10.00" in result["text"]
    assert "50.00" in result["explanation"]["inForce"]["text"]
    assert "60.00" in result["explanation"]["draft"]["text"]


def test_rows_come_in_pages(settled: Api) -> None:
    one = simulated(settled, first=1)["rows"]
    assert one["pageInfo"]["hasNextPage"]
    other = simulated(settled, first=1, after=one["pageInfo"]["endCursor"])["rows"]
    assert not other["pageInfo"]["hasNextPage"]
    assert one["edges"][0]["node"]["party"] != other["edges"][0]["node"]["party"]


def test_a_drafted_version_is_simulated_by_its_number(settled: Api) -> None:
    drafted = settled.change("draft_version", agreement=CODE, terms=DRAFT)
    number = drafted["version"]["number"]
    assert rows(simulated(settled, terms=None, version=number)) == rows(simulated(settled))


def test_missing_returns_and_unreported_measures_are_named(settled: Api) -> None:
    draft = terms(CODE, [tax(), clause("tax", ("vat",), [{"shares": HALVES}], number=2)])
    result = simulated(settled, terms=draft, lastQuarter="2024Q2")
    assert result["missing"] == [{"role": "host", "quarter": "2024Q2"}]
    (unreported,) = result["unreported"]
    assert (unreported["clause"], unreported["measure"]["name"], unreported["quarters"]) == (
        2,
        "vat",
        ["2024Q1"],
    )
    assert not result["isComplete"]
    assert {one["standing"] for one in result["clauses"]} == {"KEPT", "UNREPORTED"}


def test_the_enterprises_that_change_most_are_named(api: Api) -> None:
    code = "91110108MA0000001" + credit_code_check_character("91110108MA0000001")
    api.bring_into_force(terms(CODE, [tax(scope="listed_enterprises")]))
    api.confirm_list(CODE, [{"creditCode": code, "nameZh": "企业甲"}])
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "100.00", credit_code=code)])
    result = simulated(api, terms=terms(CODE, [tax(SIX_TO_FOUR, scope="listed_enterprises")]))
    (change,) = result["changes"]
    assert change["enterprise"] == {"creditCode": code, "nameZh": "企业甲"}
    differences = {one["party"]["code"]: one["difference"]["text"] for one in change["byParty"]}
    assert differences == {"ORIGIN": "10.00", "HOST": "-10.00"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"firstQuarter": "2023Q4"}, ("first", "QUARTER_OUT_OF_RANGE")),
        ({"lastQuarter": "2034Q1"}, ("last", "QUARTER_OUT_OF_RANGE")),
        ({"terms": None}, ("terms", "ONE_OF_TWO")),
        ({"version": 1}, ("terms", "ONE_OF_TWO")),
        ({"terms": [1]}, ("terms", "OBJECT_EXPECTED")),
        ({"terms": terms("OTHER", [tax()])}, ("terms.agreement", "OTHER_AGREEMENT")),
    ],
)
def test_what_cannot_be_simulated_is_told_with_its_place(
    settled: Api, given: dict[str, Any], expected: tuple[str, str]
) -> None:
    result = simulated(settled, **given)
    assert result["__typename"] == "InvalidInput"
    assert [(fault["path"], fault["code"]) for fault in result["faults"]] == [expected]


def test_faulty_drafts_and_unknown_versions_are_typed_failures(settled: Api) -> None:
    faulty = simulated(settled, terms=terms(CODE, [tax({"origin": "1/2", "host": "1/3"})]))
    assert faulty["__typename"] == "TermsRefused"
    assert faulty["faults"][0]["path"].startswith("$.clauses[0]")
    assert simulated(settled, terms={"format": "none"})["__typename"] == "TermsRefused"
    assert simulated(settled, terms=None, version=9)["__typename"] == "NotFound"


def test_an_agreement_that_is_not_in_force_yet_is_a_typed_failure(api: Api) -> None:
    api.draft(terms(CODE, [tax()]))
    assert simulated(api)["code"] == "NOTHING_IN_FORCE"


def test_figures_that_the_draft_cannot_take_are_a_typed_failure(settled: Api) -> None:
    monthly = terms(CODE, [{**tax(SIX_TO_FOUR), "number": 2}])
    monthly["clauses"][0]["when"]["step"] = "month"
    monthly["clauses"][0]["examples"][0]["figures"][0]["span"] = "2024-01"
    assert simulated(settled, terms=monthly)["code"] == "FIGURE_NOT_OF_MONTH"
