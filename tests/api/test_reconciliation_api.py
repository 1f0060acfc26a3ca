"""Reconciliation and disputes through the API, from both returns to the arbiter's figure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import tax, terms

CODE = "COMPARED"
ROLES = {"origin": "ORIGIN", "host": "HOST", "province": "PROVINCE"}
Q1 = "2024Q1"
TAX = "retained_tax"


def compared(api: Api, unanswered: str = "withheld") -> None:
    """An agreement whose host holds the figures of record and whose origin answers them."""
    document = terms(CODE, [tax()], roles=ROLES)
    document["procedure"] = {
        "reconciliations": [
            {
                "record": "host",
                "against": "origin",
                "tolerances": [{"measure": TAX, "amount": "1.00"}],
                "unanswered": unanswered,
            }
        ],
        "arbiter": "province",
        "calendar": {"submit_days": 15, "reconcile_days": 30, "sign_days": 40, "fund_days": 60},
    }
    api.draft(document, observers=("province",))
    api.sign_all(CODE, 1, observers=("province",))
    api.change("bring_into_force", agreement=CODE, version=1)


def hand_in(api: Api, host: str, origin: str, quarter: str = Q1) -> None:
    api.hand_in(CODE, quarter, [Figure(TAX, host)])
    api.hand_in(CODE, quarter, [Figure(TAX, origin)], role="origin")


def report(api: Api, **wanted: Any) -> Document:
    found: Document = api.run("reconciliation", code=CODE, **{"quarter": Q1, **wanted})["agreement"][
        "reconciliation"
    ]
    return found


def lines_input(api: Api, **more: Any) -> Document:
    return {
        "agreement": CODE,
        "quarter": Q1,
        "basis": report(api)["basis"]["hash"],
        "lines": [{"measure": TAX, "span": Q1}],
        **more,
    }


def item_input(number: int, role: str, person: str, **more: Any) -> Document:
    return {"agreement": CODE, "item": number, "role": role, "person": person, **more}


def test_the_report_prints_its_basis_totals_and_every_line(api: Api) -> None:
    compared(api)
    hand_in(api, "100.00", "150.00")
    found = report(api)
    basis = found["basis"]
    assert (basis["record"], basis["against"], basis["unanswered"], basis["dueOn"]) == (
        "host",
        "origin",
        "WITHHELD",
        "2024-04-30",
    )
    assert basis["tolerances"] == [{"measure": {"name": TAX}, "amount": {"text": "1.00"}}]
    assert (basis["recordReturn"]["sequence"], basis["againstReturn"]["sequence"]) == (1, 1)
    (total,) = found["totals"]
    assert total == {
        "outcome": "IN_DISPUTE",
        "groups": 1,
        "record": {"text": "100.00"},
        "against": {"text": "150.00"},
        "difference": {"text": "-50.00"},
        "counts": {"text": "0.00"},
    }
    (edge,) = found["groups"]["edges"]
    assert (edge["node"]["match"], edge["node"]["counts"]) == ("SAME_LINE", None)
    assert report(api, outcome="EXACT")["groups"]["edges"] == []


def test_pages_of_lines_follow_each_other(api: Api) -> None:
    compared(api)
    for role in ("host", "origin"):
        figures = [Figure(TAX, "10.00", f"2024-0{month}") for month in (1, 2, 3)]
        api.hand_in(CODE, Q1, figures, role=role)
    first = report(api, first=2)["groups"]
    second = report(api, first=2, after=first["pageInfo"]["endCursor"])["groups"]
    spans = [edge["node"]["lines"][0]["span"] for page in (first, second) for edge in page["edges"]]
    assert spans == ["2024-01", "2024-02", "2024-03"]
    assert not second["pageInfo"]["hasNextPage"]


def test_where_nothing_is_compared_there_is_no_report(api: Api) -> None:
    api.bring_into_force(terms(CODE, [tax()]))
    assert report(api) is None
    compared_by_nobody = api.attempt(
        "open_dispute",
        agreement=CODE,
        quarter=Q1,
        basis="00" * 32,
        lines=[{"measure": TAX, "span": Q1}],
        role="origin",
        person="李审核",
        text="数额不符",
    )
    assert (compared_by_nobody["__typename"], compared_by_nobody["code"]) == ("Refused", "NOTHING_COMPARED")


def test_a_reason_that_both_sides_confirm_lets_the_line_settle(api: Api) -> None:
    compared(api)
    hand_in(api, "1234567.00", "123.46")
    (edge,) = report(api)["groups"]["edges"]
    assert edge["node"]["suggestion"]["reason"]["code"] == "unit"
    offered = api.change(
        "explain_difference", **lines_input(api, role="origin", person="李审核", reason="unit")
    )["item"]
    assert (offered["state"], offered["owner"], offered["offer"]["step"]) == ("SUGGESTED", "host", 1)
    ended = api.change("accept_offer", **item_input(offered["number"], "host", "王会计", offer=1))["item"]
    assert (ended["state"], ended["owner"]) == ("EXPLAINED", None)
    (edge,) = report(api)["groups"]["edges"]
    assert (edge["node"]["outcome"], edge["node"]["reason"]["code"]) == ("EXPLAINED", "unit")
    settled = api.settle(CODE, Q1)
    assert [cause["kind"] for cause in settled["causes"]] == ["QUARTER"]


def test_a_dispute_goes_to_the_arbiter_whose_figure_arrives_in_a_later_quarter(api: Api) -> None:
    compared(api)
    hand_in(api, "100.00", "150.00")
    opened = api.change(
        "open_dispute", **lines_input(api, role="origin", person="李审核", text="我方查得150元")
    )["item"]
    number = opened["number"]
    api.change("write_message", **item_input(number, "host", "王会计", text="请提供凭证"))
    api.change("propose_figure", **item_input(number, "origin", "李审核", amount="140.00"))
    api.settle(CODE, Q1)
    escalated = api.change("escalate_dispute", **item_input(number, "host", "王会计"))["item"]
    assert (escalated["state"], escalated["owner"]) == ("ESCALATED", "province")
    decided = api.change(
        "arbitrate",
        **item_input(number, "province", "赵处长", amount="120.00", reasons="以税务凭证为准"),
    )["item"]
    assert (decided["state"], decided["offer"]["amount"]) == ("ARBITRATED", {"text": "120.00"})
    (edge,) = api.run("reconciliation_items", code=CODE)["agreement"]["reconciliationItems"]["edges"]
    steps = [step["node"] for step in edge["node"]["steps"]["edges"]]
    assert [(step["kind"], step["role"], step["person"]) for step in steps] == [
        ("DISPUTE", "origin", "李审核"),
        ("MESSAGE", "host", "王会计"),
        ("PROPOSAL", "origin", "李审核"),
        ("ESCALATION", "host", "王会计"),
        ("ARBITRATION", "province", "赵处长"),
    ]
    for role in ("host", "origin"):
        api.hand_in(CODE, "2024Q2", [], role=role)
    settled = api.settle(CODE, "2024Q2")
    assert [(cause["kind"], cause["quarter"]) for cause in settled["causes"]] == [
        ("RECONCILIATION", Q1),
        ("QUARTER", "2024Q2"),
    ]
    asked = """
        query Explained($code: String!, $settlement: ID!) {
          agreement(code: $code) {
            explanation(settlement: $settlement, cause: 1, clause: 1, quarter: "2024Q1") {
              exceptedBefore { record { text } against { text } counts { text } item }
              exceptedAfter { counts { text } item }
            }
          }
        }
    """
    explained = api.ask(asked, code=CODE, settlement=settled["id"])["agreement"]["explanation"]
    assert explained == {
        "exceptedBefore": [
            {"record": {"text": "100.00"}, "against": {"text": "150.00"}, "counts": None, "item": number}
        ],
        "exceptedAfter": [{"counts": {"text": "120.00"}, "item": number}],
    }


def test_a_withheld_line_is_released_by_its_side(api: Api) -> None:
    compared(api)
    hand_in(api, "100.00", "100.00")
    withheld = api.change("withhold_line", **lines_input(api, role="host", person="王会计", note="待核"))
    number = withheld["item"]["number"]
    waiting = api.run("reconciliation_items", code=CODE, owner="host")["agreement"]["reconciliationItems"]
    assert [edge["node"]["number"] for edge in waiting["edges"]] == [number]
    result = api.attempt("release_line", **item_input(number, "origin", "李审核"))
    assert (result["__typename"], result["code"]) == ("WrongState", "NOT_YOUR_TURN")
    released = api.change("release_line", **item_input(number, "host", "王会计"))["item"]
    assert (released["state"], released["owner"]) == ("FREE", None)


def test_a_newer_return_lapses_an_item_and_the_report_says_so(api: Api) -> None:
    compared(api)
    hand_in(api, "100.00", "150.00")
    seen = lines_input(api, role="origin", person="李审核", text="数额不符")
    number = api.change("open_dispute", **seen)["item"]["number"]
    api.hand_in(CODE, Q1, [Figure(TAX, "110.00")])
    assert report(api)["lapsed"]["edges"] == [{"node": {"number": number, "state": "DISPUTED"}}]
    late = api.attempt("write_message", **item_input(number, "host", "王会计", text="已更正"))
    assert (late["__typename"], late["code"]) == ("WrongState", "ITEM_LAPSED")
    stale = api.attempt("open_dispute", **seen)
    assert (stale["__typename"], stale["code"]) == ("WrongState", "BASIS_CHANGED")


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"role": "province"}, "Refused", "ROLE_OUTSIDE_COMPARISON"),
        ({"reason": "because"}, "InvalidInput", "REQUEST_REFUSED"),
        ({"lines": []}, "InvalidInput", "REQUEST_REFUSED"),
        ({"lines": [{"measure": "vat", "span": Q1}]}, "NotFound", "NOT_FOUND"),
        ({"lines": [{"measure": "nothing", "span": Q1}]}, "NotFound", "NOT_FOUND"),
        (
            {"lines": [{"creditCode": "91110108MA00000197", "measure": TAX, "span": Q1}]},
            "NotFound",
            "NOT_FOUND",
        ),
        ({"agreement": "NOBODY"}, "NotFound", "NOT_FOUND"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_its_reason(
    api: Api, change: Document, kind: str, code: str
) -> None:
    compared(api)
    hand_in(api, "100.00", "150.00")
    given = lines_input(api, role="origin", person="李审核", reason="refund")
    result = api.attempt("explain_difference", **{**given, **change})
    assert (result["__typename"], result["code"]) == (kind, code)


def test_a_figure_that_cannot_be_read_is_an_invalid_input(api: Api) -> None:
    compared(api)
    hand_in(api, "100.00", "150.00")
    given = lines_input(api, role="origin", person="李审核", text="数额不符")
    number = api.change("open_dispute", **given)["item"]["number"]
    result = api.attempt("propose_figure", **item_input(number, "host", "王会计", amount="1.005"))
    assert (result["__typename"], result["code"]) == ("InvalidInput", "AMOUNT_UNREADABLE")
