"""Legs, payments, interest, waivers and nettings through the API, with the cases C11 and C18."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ledger.evidence.signatures import public_key_of, sign
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import tax, terms

CODE = "SHARED"
CALENDAR = {"submit_days": 20, "sign_days": 30, "fund_days": 30}
RATES = [{"starts": "2023-01-01", "monthly_rate": "3/400"}]
DUE = "2024-04-30"


def paying(payer: str, payee: str, *, number: int = 1, measure: str = "retained_tax") -> Document:
    """A clause of which everything is due from ``payer`` to ``payee``."""
    made = tax({payee: "1"}, measures=[measure])
    made["number"] = number
    made["then"] |= {"paid_by": payer, "netting": True, "interest": RATES, "provisional": "cash"}
    return made


def settled(api: Api, code: str, amount: str, *, payer: str = "host", payee: str = "origin") -> Document:
    """The one leg that settling the amount raised."""
    document = terms(code, [paying(payer, payee)])
    document["procedure"] = {"calendar": CALENDAR}
    api.bring_into_force(document)
    api.hand_in(code, "2024Q1", [Figure("retained_tax", amount)])
    api.settle(code, "2024Q1")
    (leg,) = legs(api, code)
    return leg


def legs(api: Api, code: str | None = None, *, party: str | None = None, as_of: str = DUE) -> list[Document]:
    page = api.run("legs", agreement=code, party=party, asOf=as_of)["legs"]
    return [edge["node"] for edge in page["edges"]]


def pay(api: Api, leg: Document, amount: str, **changed: Any) -> Document:
    given = {
        "person": "张三",
        "channel": "BANK",
        "payer": leg["payer"]["code"],
        "payerAccount": "6222",
        "payee": leg["payee"]["code"],
        "reference": f"line-{next(iter(api.keys))}",
        "amount": amount,
        "valueDay": DUE,
        "purpose": leg["reference"],
    }
    paid: Document = api.change("record_payment", **given | changed)["payment"]
    return paid


def signed(api: Api, party: str, content: str) -> dict[str, str]:
    key = api.private_keys[party]
    signature = sign(key, base64.b64decode(content))
    return {"publicKey": encoded(public_key_of(key)), "signature": encoded(signature)}


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def payment_state(api: Api, day: str) -> Any:
    asked = """
        query State($code: String!, $day: Date!) {
          agreement(code: $code) {
            settlements(quarter: "2024Q1") {
              edges { node { paymentState(asOf: $day) legs { open { text } } } }
            }
          }
        }
    """
    (edge,) = api.ask(asked, code=CODE, day=day)["agreement"]["settlements"]["edges"]
    return edge["node"]["paymentState"]


# --- C11 and C18 ------------------------------------------------------------------------------------------


def test_c11_what_two_owe_each_other_becomes_one_payment_of_the_difference(api: Api) -> None:
    settled(api, CODE, "33333.33")
    settled(api, "OTHER", "20000.00", payer="origin", payee="host")
    preview = api.run("netting_preview", parties=["ORIGIN", "HOST"], day=DUE)["nettingPreview"]
    assert [(one["party"]["code"], one["amount"]["text"]) for one in preview["positions"]] == [
        ("HOST", "-13333.33"),
        ("ORIGIN", "13333.33"),
    ]
    netting = api.change("propose_netting", parties=["ORIGIN", "HOST"], day=DUE)["netting"]
    for party in ("ORIGIN", "HOST"):
        given = signed(api, party, netting["bytesToSign"])
        netting = api.change("sign_netting", netting=netting["id"], party=party, **given)["netting"]
    assert netting["isSettled"] is True
    *netted, net = legs(api, party="HOST")
    assert [leg["state"] for leg in netted] == ["NETTED", "NETTED"]
    assert (net["payer"]["code"], net["payee"]["code"], net["open"]["text"]) == ("HOST", "ORIGIN", "13333.33")
    (listed,) = api.run("nettings", party="HOST")["nettings"]["edges"]
    assert [party["code"] for party in listed["node"]["signedBy"]] == [
        party["code"] for party in listed["node"]["parties"]
    ]


def test_c18_two_months_late_at_three_quarters_of_a_percent_bear_fifteen_yuan(api: Api) -> None:
    leg = settled(api, CODE, "1000.00")
    (late,) = legs(api, CODE, as_of="2024-06-30")
    assert (late["state"], late["interest"]["text"]) == ("OVERDUE", "15.00")
    charge = {"leg": leg["id"], "party": "ORIGIN", "person": "李四", "day": "2024-06-30"}
    interest = api.change("charge_interest", **charge)["leg"]
    assert (interest["kind"], interest["amount"]["text"], interest["months"]) == ("INTEREST", "15.00", 2)
    assert interest["interestOn"] == leg["id"]
    assert api.attempt("charge_interest", **charge)["code"] == "NO_INTEREST_DUE"


# --- payments ---------------------------------------------------------------------------------------------


def test_a_payment_without_a_reference_is_suggested_and_confirmed_by_the_payee(api: Api) -> None:
    leg = settled(api, CODE, "1000.00")
    paid = pay(api, leg, "400.00", purpose="")
    assert paid["rest"]["text"] == "400.00"
    (edge,) = api.run("payments", party="ORIGIN", onlyUnmatched=True)["payments"]["edges"]
    (suggested,) = edge["node"]["suggestedMatches"]
    assert (suggested["leg"]["id"], suggested["amount"]["text"]) == (leg["id"], "400.00")
    match = {
        "payment": paid["id"],
        "party": "HOST",
        "person": "李四",
        "matches": [{"leg": leg["id"], "amount": "400.00"}],
    }
    assert api.attempt("confirm_matches", **match)["code"] == "NOT_THE_PAYEE"
    assert api.change("confirm_matches", **match | {"party": "ORIGIN"})["payment"]["rest"]["text"] == "0.00"
    assert legs(api, CODE)[0]["state"] == "PARTLY_PAID"


def test_the_state_of_a_settlement_follows_from_its_legs(api: Api) -> None:
    leg = settled(api, CODE, "1000.00")
    assert [payment_state(api, day) for day in (DUE, "2024-05-01")] == ["DUE", "OVERDUE"]
    pay(api, leg, "400.00")
    assert payment_state(api, DUE) == "PARTLY_PAID"
    pay(api, leg, "600.00")
    assert [payment_state(api, day) for day in ("2024-04-29", DUE)] == ["DUE", "PAID"]


def test_a_file_of_payments_is_taken_as_a_whole_and_recognised_again(api: Api) -> None:
    leg = settled(api, CODE, "1000.00")
    head = "channel,payer,payer_account,payee,reference,amount,value_date,purpose"
    row = f"bank,HOST,6222,ORIGIN,1,250.00,2024-04-30,{leg['reference']}"
    taken = {"person": "张三", "fileName": "四月.csv", "content": encoded(f"{head}\n{row}".encode())}
    assert api.change("import_payments", **taken)["paymentCount"] == 1
    assert api.change("import_payments", **taken)["replayed"] is True
    assert legs(api, CODE)[0]["open"]["text"] == "750.00"
    faulty = {**taken, "content": encoded(f"{head}\n{row.replace('250.00', '-')}".encode())}
    refused = api.attempt("import_payments", **faulty)
    assert [fault["path"] for fault in refused["faults"]] == ["F2"]


def test_a_leg_is_waived_by_the_payees_signature_of_the_bytes_shown(api: Api) -> None:
    leg = settled(api, CODE, "1000.00")
    waiver = {"leg": leg["id"], "amount": "1000.00", "day": DUE, "reason": "灾害减免"}
    content = api.run("waiver_to_sign", **waiver)["waiverToSign"]
    refused = api.attempt("waive_leg", **waiver, **signed(api, "HOST", content))
    assert (refused["__typename"], refused["code"]) == ("SignatureRefused", "KEY_NOT_REGISTERED")
    waived = api.change("waive_leg", **waiver, **signed(api, "ORIGIN", content))["leg"]
    assert [(one["kind"], one["amount"]["text"]) for one in waived["clearings"]] == [("WAIVER", "1000.00")]
    assert payment_state(api, DUE) == "WAIVED"


def test_a_side_objects_to_a_leg_and_takes_it_back(api: Api) -> None:
    leg = settled(api, CODE, "1000.00")
    objection = {"leg": leg["id"], "party": "HOST", "person": "王五", "reason": "金额与凭证不符"}
    objected = api.change("object_to_leg", **objection)["leg"]
    assert (objected["objection"]["party"]["code"], objected["objection"]["reason"]) == (
        "HOST",
        "金额与凭证不符",
    )
    assert api.attempt("object_to_leg", **objection)["code"] == "OBJECTION_STANDS"
    assert api.change("withdraw_objection", **objection)["leg"]["objection"] is None
    assert api.attempt("withdraw_objection", **objection)["code"] == "NO_OBJECTION"


def test_arrears_are_shown_by_age_with_interest(api: Api) -> None:
    settled(api, CODE, "1000.00")
    (edge,) = api.run("arrears", party="HOST", asOf="2024-06-30")["arrears"]["edges"]
    aged = edge["node"]
    assert (aged["payer"]["code"], aged["payee"]["code"]) == ("HOST", "ORIGIN")
    assert (aged["days61To90"]["text"], aged["overdue"]["text"]) == ("1000.00", "1000.00")
    assert (aged["notDue"]["text"], aged["interest"]["text"]) == ("0.00", "15.00")


@pytest.mark.parametrize("amount", ["0.001", "1.234"])
def test_an_amount_with_too_many_places_is_a_fault_of_its_field(api: Api, amount: str) -> None:
    leg = settled(api, CODE, "1000.00")
    refused = api.attempt(
        "confirm_matches",
        payment=pay(api, leg, "1.00", purpose="")["id"],
        party="ORIGIN",
        person="李四",
        matches=[{"leg": leg["id"], "amount": amount}],
    )
    assert [fault["path"] for fault in refused["faults"]] == ["matches[0].amount"]


def test_an_object_of_payments_is_found_again_by_its_id(api: Api) -> None:
    leg = settled(api, CODE, "1000.00")
    asked = "query Again($id: ID!) { node(id: $id) { __typename id } }"
    paid = pay(api, leg, "1.00")
    for found in (leg, paid):
        assert api.ask(asked, id=found["id"])["node"]["id"] == found["id"]
