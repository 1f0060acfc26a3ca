"""The auditor's questions through the API: two moments compared, and the way from a payment to the lines."""

from __future__ import annotations

import json
from typing import Any

from ledger_graphql.connections import cursor_of
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import tax, terms
from tests.api.test_cases import CREDIT_CODE
from tests.api.test_payments_api import CODE, pay, settled

DOWN = """
query Down($id: ID!) {
  node(id: $id) { ... on Payment { legs { amount { text } leg { settlementId allocations { edges { node {
    bookedQuarter settlementId allocation { clause amount { text } party { code } }
    lines { edges { node { filing { id quarter role } line { line amount { text } document } } } }
    legs { id }
  } } } } } } }
}
"""
UP = """
query Up($id: ID!) {
  node(id: $id) { ... on Filing { lines { edges { node { line allocations { edges { node {
    settlementId legs { id clearings { paymentId } }
  } } } } } } } }
}
"""
CHANGES = """
query Changes($code: String!, $from: DateTime!) {
  agreement(code: $code) {
    difference(quarter: "2024Q1", from: $from) { party { code } amount { text } cause { kind } act { kind } }
    balanceDifference(through: "2024Q2", from: $from) { account { kind party { code } } amount { text } }
    statementDifference(quarter: "2024Q2", from: $from) { account { party { code } } amount { text } }
    owed { open { text } payer { code } }
    owedDifference(from: $from) { kind amount { text } act { kind } }
  }
}
"""
FACTS = """
query Facts($code: String!, $from: DateTime!, $first: Int, $after: String) {
  agreement(code: $code) {
    listDifference(from: $from) {
      versionBefore versionAfter act { kind }
      entries { edges { node { kind enterprise { creditCode } fields { field before after } } } }
    }
    termsDifference(quarter: "2024Q2", from: $from) {
      versionBefore versionAfter act { kind } fields { field }
      clauses {
        number kind fields { field before after } textBefore(language: EN) textAfter(language: ZH)
      }
    }
    returnDifference(quarter: "2024Q1", role: "host", from: $from) {
      before { sequence } after { sequence } act { kind }
      lines(first: $first, after: $after) {
        edges { cursor node {
          enterprise { creditCode } measure { name } span document before { text } after { text }
        } }
      }
    }
  }
}
"""

LONG_AGO = "2020-01-01T00:00:00+08:00"
FIND = "query Find($criteria: SearchInput!) { search(criteria: $criteria) { events { edges { cursor } } } }"


def test_one_question_leads_from_a_payment_to_the_lines_and_another_back_up(api: Api) -> None:
    leg = settled(api, CODE, "100.00")
    paid = pay(api, leg, "100.00")
    (down,) = api.ask(DOWN, id=paid["id"])["node"]["legs"]
    assert down["amount"]["text"] == "100.00"
    (booked,) = [one for one in nodes(down["leg"]["allocations"]) if one["legs"]][:1]
    (under,) = nodes(booked["lines"])
    assert (under["filing"]["quarter"], under["filing"]["role"]) == ("2024Q1", "host")
    assert (under["line"]["line"], under["line"]["amount"]["text"]) == (1, "100.00")
    assert booked["settlementId"] == down["leg"]["settlementId"]
    (line,) = nodes(api.ask(UP, id=under["filing"]["id"])["node"]["lines"])
    found = nodes(line["allocations"])
    assert {one["settlementId"] for one in found} == {booked["settlementId"]}
    assert {leg["id"] for one in found for leg in one["legs"]} == {leg["id"]}
    assert {
        clearing["paymentId"] for one in found for leg in one["legs"] for clearing in leg["clearings"]
    } == {paid["id"]}


def test_two_moments_are_compared_with_the_act_behind_every_change(api: Api) -> None:
    leg = settled(api, CODE, "100.00")
    (settlement,) = api.ask(
        "query At($code: String!) { agreement(code: $code) { settlements { edges { node { closedAt } } } } }",
        code=CODE,
    )["agreement"]["settlements"]["edges"]
    then = settlement["node"]["closedAt"]
    pay(api, leg, "30.00")
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "120.00")])
    api.hand_in(CODE, "2024Q2", [Figure("retained_tax", "10.00")])
    api.settle(CODE, "2024Q2")
    found = api.ask(CHANGES, **{"code": CODE, "from": then})["agreement"]
    assert found["difference"] == [
        {
            "party": {"code": "ORIGIN"},
            "amount": {"text": "20.00"},
            "cause": {"kind": "CORRECTION"},
            "act": {"kind": "return_handed_in"},
        }
    ]
    due = [one for one in found["balanceDifference"] if one["account"]["kind"] == "DUE"]
    assert [one["amount"]["text"] for one in due] == ["20.00", "10.00"]
    assert [one["amount"]["text"] for one in found["statementDifference"]] == ["20.00", "10.00"]
    assert [one["open"]["text"] for one in found["owed"]] == ["70.00", "30.00"]
    assert [(one["kind"], one["amount"]["text"], one["act"]["kind"]) for one in found["owedDifference"]] == [
        ("PAYMENT", "-30.00", "payment_matched"),
        ("SETTLEMENT", "30.00", "legs_raised"),
    ]


def test_lists_terms_and_returns_of_two_moments_are_compared_field_by_field(api: Api) -> None:
    settled(api, CODE, "100.00")
    then = api.run("events", code=CODE, first=50)["agreement"]["events"]["edges"][-1]["node"]["recordedAt"]
    api.confirm_list(CODE, [{"creditCode": CREDIT_CODE, "nameZh": "甲公司"}])
    document = terms(CODE, [tax({"origin": "3/4", "host": "1/4"})], since="2024Q2")
    api.amend(document)
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "120.00")])
    found = api.ask(FACTS, **{"code": CODE, "from": then})["agreement"]
    listed, agreed, returned = (found[f"{name}Difference"] for name in ("list", "terms", "return"))
    assert (listed["versionBefore"], listed["versionAfter"]) == (None, 1)
    assert listed["act"] == {"kind": "enterprise_list_confirmed"}
    assert nodes(listed["entries"]) == [
        {
            "kind": "ADDED",
            "enterprise": {"creditCode": CREDIT_CODE},
            "fields": [{"field": "name_zh", "before": None, "after": "甲公司"}],
        }
    ]
    assert (agreed["versionBefore"], agreed["versionAfter"]) == (1, 2)
    assert agreed["act"] == {"kind": "version_brought_into_force"}
    (changed,) = agreed["clauses"]
    assert {"field": "to_whom.key[0].shares.host", "before": None, "after": "1/4"} in changed["fields"]
    assert (changed["number"], changed["kind"]) == (1, "CHANGED")
    assert "1/4" in changed["textAfter"]
    assert "1/4" not in changed["textBefore"]
    assert [returned[side]["sequence"] for side in ("before", "after")] == [1, 2]
    assert returned["act"] == {"kind": "return_handed_in"}
    assert nodes(returned["lines"]) == [
        {
            "enterprise": None,
            "measure": {"name": "retained_tax"},
            "span": "2024Q1",
            "document": "",
            "before": {"text": "100.00"},
            "after": {"text": "120.00"},
        }
    ]


def test_lines_that_differ_come_page_by_page(api: Api) -> None:
    settled(api, CODE, "100.00")
    first = api.ask(FACTS, **{"code": CODE, "from": LONG_AGO, "first": 1})["agreement"]
    lines = first["returnDifference"]["lines"]["edges"]
    assert [one["node"]["before"] for one in lines] == [None]
    after = {"code": CODE, "from": LONG_AGO, "after": lines[0]["cursor"]}
    assert api.ask(FACTS, **after)["agreement"]["returnDifference"]["lines"]["edges"] == []
    for cursor in ("x", cursor_of((1, 1, "soon", 3, ""))):
        answer = api.answer(FACTS, **{"code": CODE, "from": LONG_AGO, "after": cursor})
        assert answer["errors"][0]["extensions"]["code"] == "CURSOR_UNREADABLE"


def nodes(connection: dict[str, Any]) -> list[Document]:
    return [edge["node"] for edge in connection["edges"]]


def test_a_search_finds_by_criteria_page_by_page(api: Api) -> None:
    leg = settled(api, CODE, "100.00")
    criteria = {"party": leg["payee"]["code"], "counterparty": leg["payer"]["code"], "least": "100.00"}
    first = api.run("search", criteria=criteria, first=1)["search"]
    assert [one["allocation"]["amount"]["text"] for one in nodes(first["allocations"])] == ["100.00"]
    assert [one["quarter"] for one in nodes(first["settlements"])] == ["2024Q1"]
    events = nodes(first["events"])
    while first["events"]["pageInfo"]["hasNextPage"]:
        after = first["events"]["pageInfo"]["endCursor"]
        first = api.run("search", criteria=criteria, first=3, afterEvent=after)["search"]
        events += nodes(first["events"])
    every = nodes(api.run("events", code=CODE, first=50)["agreement"]["events"])
    assert [one["id"] for one in events] == [one["id"] for one in every]
    nothing = api.run("search", criteria=criteria | {"state": "REOPENED"})["search"]
    assert nodes(nothing["allocations"]) == nodes(nothing["settlements"]) == []


def test_a_search_by_what_isnt_there_or_by_an_empty_range_is_refused(api: Api) -> None:
    for criteria, code in (
        ({"party": "NOBODY"}, "NOT_FOUND"),
        ({"enterprise": "NOBODY"}, "NOT_FOUND"),
        ({"first": "2024Q2", "last": "2024Q1"}, "RANGE_EMPTY"),
        ({"least": "0.001"}, "REQUEST_REFUSED"),
    ):
        answer = api.answer(
            FIND,
            criteria=criteria,
        )
        assert answer["errors"][0]["extensions"]["code"] == code


def test_what_a_search_finds_is_exported_as_a_page_or_as_everything(api: Api) -> None:
    settled(api, CODE, "100.00")
    for form in ("csv", "xlsx", "jsonl"):
        answer = api.client.get(f"/files/export/allocations.{form}", params={"agreement": CODE})
        assert answer.status_code == 200
        assert int(answer.headers["content-length"]) == len(answer.content) > 0
    every = exported_events(api)
    page = api.run("search", criteria={"agreement": CODE}, first=2)["search"]["events"]
    shown = exported_events(api, first="2", after=page["pageInfo"]["endCursor"])
    assert shown == every[2:4]


def test_an_export_with_a_parameter_that_cant_be_is_refused(api: Api) -> None:
    for path, parameters, status, code in (
        ("allocations.pdf", {}, 400, "PARAMETER_UNUSABLE"),
        ("parties.csv", {}, 400, "PARAMETER_UNUSABLE"),
        ("events.csv", {"first": "-1"}, 400, "PARAMETER_UNUSABLE"),
        ("events.csv", {"state": "OPEN"}, 400, "PARAMETER_UNUSABLE"),
        ("events.csv", {"after": "x"}, 400, "CURSOR_UNREADABLE"),
        ("events.csv", {"party": "NOBODY"}, 404, "NOT_FOUND"),
        ("events.csv", {"from": "2024Q2", "to": "2024Q1"}, 400, "RANGE_EMPTY"),
    ):
        answer = api.client.get(f"/files/export/{path}", params=parameters)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def exported_events(api: Api, **parameters: str) -> list[Document]:
    answer = api.client.get("/files/export/events.jsonl", params={"agreement": CODE, **parameters})
    return [json.loads(line) for line in answer.text.splitlines()]
