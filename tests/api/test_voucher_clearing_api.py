"""Cases C8 to C11 and C16 from the application for a voucher to the payment between the zones."""

from __future__ import annotations

import base64

import pytest

from ledger.evidence.signatures import public_key_of, sign
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import tax, terms
from tests.api.voucher_journey import clearing, layered, opened, redeem, shared

CODE = "VOUCHERS"
QUARTER_END = "2024-03-31"


@pytest.fixture
def zones(api: Api) -> Api:
    """Both zones' programmes under one agreement, whose clauses clear them."""
    clauses = [shared("origin", "host", 1), shared("host", "origin", 2)]
    cleared_by = [*clearing("origin", "host", 11), *clearing("host", "origin", 21)]
    return opened(api, clauses, cleared_by=cleared_by)


def settle(api: Api, quarter: str = "2024Q1") -> list[tuple[str, str, str]]:
    """Clears and closes the quarter; payer, payee and amount of the legs that it raised."""
    cleared = api.change("clear_vouchers", agreement=CODE, quarter=quarter, person="李四")
    assert [one["role"] for one in cleared["filings"]] == ["host", "origin"]
    api.settle(CODE, quarter)
    return [short(leg) for leg in legs(api, agreement=CODE, quarter=quarter)]


def legs(api: Api, **wanted: str) -> list[Document]:
    page = api.run("legs", asOf=QUARTER_END, **wanted)["legs"]
    return [edge["node"] for edge in page["edges"]]


def short(leg: Document) -> tuple[str, str, str]:
    return leg["payer"]["code"], leg["payee"]["code"], leg["amount"]["text"]


def net(api: Api) -> Document:
    """What is left of the debts of both zones once both have signed."""
    netting = api.change("propose_netting", parties=["ORIGIN", "HOST"], day=QUARTER_END)["netting"]
    for party in ("ORIGIN", "HOST"):
        key = api.private_keys[party]
        signature = sign(key, base64.b64decode(netting["bytesToSign"]))
        api.change(
            "sign_netting",
            netting=netting["id"],
            party=party,
            publicKey=base64.b64encode(public_key_of(key)).decode(),
            signature=base64.b64encode(signature).decode(),
        )
    (left,) = [leg for leg in legs(api, party="HOST") if leg["kind"] == "NET"]
    return left


def pay(api: Api, leg: Document) -> None:
    api.change(
        "record_payment",
        person="张三",
        channel="TREASURY",
        payer=leg["payer"]["code"],
        payerAccount="6222",
        payee=leg["payee"]["code"],
        reference="line-1",
        amount=leg["amount"]["text"],
        valueDay=QUARTER_END,
        purpose=leg["reference"],
    )


def clearing_of(api: Api, claim: Document) -> str:
    asked = "query State($id: ID!) { voucherClaim(id: $id) { clearing } }"
    said: str = api.ask(asked, id=claim["id"])["voucherClaim"]["clearing"]
    return said


@pytest.mark.parametrize(
    ("claims", "owed"),
    [
        (("60000.00",), "20000.00"),
        (("100000.00",), "33333.33"),
        (("60000.00", "50000.00"), "33333.33"),
    ],
    ids=["C8", "C9", "C10"],
)
def test_the_providers_zone_owes_what_the_claims_decided_that_it_bears(
    zones: Api, claims: tuple[str, ...], owed: str
) -> None:
    for amount in claims:
        redeem(zones, "origin", amount, "host")
    assert settle(zones) == [("HOST", "ORIGIN", owed)]


def test_c11_vouchers_of_both_zones_are_settled_netted_and_paid(zones: Api) -> None:
    claim = redeem(zones, "origin", "100000.00", "host")
    redeem(zones, "host", "60000.00", "origin")
    assert clearing_of(zones, claim) == "not_cleared"
    assert settle(zones) == [("HOST", "ORIGIN", "33333.33"), ("ORIGIN", "HOST", "20000.00")]
    assert clearing_of(zones, claim) == "settled"
    left = net(zones)
    assert short(left) == ("HOST", "ORIGIN", "13333.33")
    pay(zones, left)
    assert clearing_of(zones, claim) == "paid"


def test_vouchers_net_with_taxes_of_another_agreement(zones: Api) -> None:
    redeem(zones, "origin", "100000.00", "host")
    settle(zones)
    shared_tax = tax({"host": "1"})
    shared_tax["then"] |= {"paid_by": "origin", "netting": True}
    zones.bring_into_force(terms("TAXES", [shared_tax]))
    zones.hand_in("TAXES", "2024Q1", [Figure("retained_tax", "20000.00")])
    zones.settle("TAXES", "2024Q1")
    assert short(net(zones)) == ("HOST", "ORIGIN", "13333.33")


def test_c16_what_each_layer_bears_is_settled(api: Api) -> None:
    opened(api, [layered()], at_home=None, cleared_by=clearing("origin", "host", 11))
    redeem(api, "origin", "500000.00", "host", face="200000.00")
    assert settle(api) == [("HOST", "ORIGIN", "80000.00")]


def test_what_is_recovered_later_is_owed_back_in_the_next_quarter(zones: Api) -> None:
    claim = redeem(zones, "origin", "60000.00", "host")
    settle(zones)
    said = {"reason": "审计", "person": "王五", "day": "2024-05-06"}
    zones.change("recover_voucher", claim=claim["id"], amount="30000.00", **said)
    assert settle(zones, "2024Q2") == [("ORIGIN", "HOST", "10000.00")]


def test_clearing_is_refused_where_no_clause_says_who_pays_whom(api: Api) -> None:
    opened(api, [shared("origin", "host", 1)])
    refused = api.attempt("clear_vouchers", agreement=CODE, quarter="2024Q1", person="李四")
    assert (refused["__typename"], refused["code"]) == ("WrongState", "CLEARING_NOT_AGREED")


def test_a_return_that_clearing_makes_cannot_be_handed_in(zones: Api) -> None:
    refused = zones.attempt(
        "hand_in_return", agreement=CODE, role="origin", quarter="2024Q1", isNil=True, lines=[], totals=[]
    )
    assert (refused["__typename"], refused["code"]) == ("Refused", "RETURN_IS_CLEARED")


def test_what_waits_to_be_cleared_is_listed_for_both_zones(zones: Api) -> None:
    redeem(zones, "origin", "60000.00", "host")
    for party in ("ORIGIN", "HOST"):
        (edge,) = zones.run("voucher_work", party=party, today="2024-04-01")["voucherWork"]["edges"]
        assert edge["node"] == {
            "programme": "origin",
            "kind": "clear",
            "count": 1,
            "day": "2024-03-01",
            "quarter": "2024Q1",
        }
