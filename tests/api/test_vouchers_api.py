"""Cases C8 to C11 and C16 of vouchers through the API, from the application to what is to be cleared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from ledger.desk.enterprises import credit_code_check_character
from tests.api.journey import Api, Document
from tests.api.terms_documents import clause, terms

DAY = "2024-03-01"
NUMBERS = count(1)
CAP: Document = {
    "amount": "100000.00",
    "over": "year",
    "unused": "lapses",
    "measured_on": "pool",
    "excess_to": None,
}


def code_of(place: int) -> str:
    first_17 = f"91110000MC{place:07d}"
    return first_17 + credit_code_check_character(first_17)


ENTERPRISE = code_of(1)
PROVIDERS = {"origin": code_of(2), "host": code_of(3)}


def shared(home: str, other: str, number: int) -> Document:
    """Two thirds from home, one third from the provider's zone."""
    return clause(
        "innovation_voucher",
        ("voucher_approved",),
        [{"shares": {home: "2/3", other: "1/3"}}],
        scope="listed_enterprises",
        caps=[CAP],
        otherwise=home,
        number=number,
    )


def layered() -> Document:
    """福建: half of the cost up to 200,000 yuan, of which the province at most 120,000 yuan."""
    caps = [
        {**CAP, "amount": "200000.00"},
        {**CAP, "amount": "120000.00", "measured_on": "receipts", "capped": "origin"},
    ]
    return clause(
        "innovation_voucher",
        ("voucher_service_cost",),
        [{"shares": {"origin": "3/5", "host": "2/5"}}],
        scope="listed_enterprises",
        rates=[{"rate": "1/2"}],
        caps=caps,
        otherwise="host",
    )


def budget(payer: str) -> Document:
    return {
        "amounts": [{"starts": "2024-01-01", "amount": "5000000.00"}],
        "payer": payer,
        "over": "year",
        "applied": "after_caps",
        "within_period": "step_by_step",
        "order": "pro_rata",
        "unused": "lapses",
        "excess_to": None,
    }


def programme(home: str, other: str, number: int, at_home_paid_by: str | None) -> Document:
    return {
        "title": {"zh": "双创券", "en": "Innovation vouchers"},
        "home": home,
        "provider_zone": other,
        "clauses": [number],
        "at_home_paid_by": at_home_paid_by,
        "services": [{"code": "testing", "title": {"zh": "检验检测", "en": "Testing"}}],
        "face_max": "200000.00",
        "validity_months": 12,
        "carries_over": False,
        "evidence": ["contract_line", "receipt"],
        "budgets": [budget(home), budget(other)],
        "decided": "as_claimed",
        "audit": {"share": "0", "flagged": False},
        "recovery": {"quota": "restored", "budget": "restored"},
    }


@pytest.fixture
def zones(api: Api) -> Api:
    """Both zones' programmes under one agreement, with a provider in each zone."""
    return opened(api, [shared("origin", "host", 1), shared("host", "origin", 2)])


def opened(api: Api, clauses: Sequence[Document], at_home: str | None = "home", **changes: Any) -> Api:
    document = terms("VOUCHERS", clauses)
    code = document["agreement"]
    api.draft(document)
    api.sign_all(code, 1)
    api.change("bring_into_force", agreement=code, version=1)
    listed = [{"creditCode": ENTERPRISE, "nameZh": "用券企业"}]
    api.change("submit_enterprise_list", agreement=code, role="origin", entries=listed)
    api.change("confirm_enterprise_list", agreement=code, role="host", version=1)
    parties = api.roles(code)
    for number, (home, other) in enumerate((("origin", "host"), ("host", "origin"))[: len(clauses)], start=1):
        said = {**programme(home, other, number, home if at_home else None), **changes}
        made = api.change("register_voucher_programme", agreement=code, code=home, document=said)
        assert made["programme"]["waiting"] == [other]
        api.change("confirm_voucher_programme", programme=home, role=other)
    for role, credit_code in PROVIDERS.items():
        zone = parties[role]
        api.change("register_voucher_provider", creditCode=credit_code, nameZh="检测中心", zone=zone)
        api.change(
            "certify_voucher_provider",
            creditCode=credit_code,
            party=zone,
            kind="certified",
            starts="2024-01-01",
            services=["testing"],
            document="认定文件",
        )
    return api


def redeem(api: Api, code: str, amount: str, provider: str, face: str | None = None) -> Document:
    """A voucher of the programme for one service, from the application to the claim."""
    applied = api.change(
        "apply_for_voucher",
        programme=code,
        enterprise=ENTERPRISE,
        amount=face or amount,
        purpose="检测",
        day=DAY,
    )
    issued = api.change(
        "issue_voucher",
        application=applied["application"],
        amount=face or amount,
        person="张三",
        day=DAY,
    )
    number = next(NUMBERS)
    ordered = api.change(
        "order_voucher_service",
        voucher=issued["voucher"]["id"],
        provider=PROVIDERS[provider],
        service="testing.analysis",
        contract=f"HT-{number}",
        amount=amount,
        day=DAY,
    )
    order_id = ordered["order"]["id"]
    api.change("report_voucher_service", order=order_id, document="验收单", day=DAY)
    made = api.change("claim_voucher", **claiming(order_id, amount, number))
    claim: Document = made["claim"]
    return claim


def claiming(order_id: str, amount: str, number: int) -> dict[str, Any]:
    def paper(kind: str, line: str) -> Document:
        content_hash = hashlib.sha256(f"{kind}{number}".encode()).hexdigest()
        issuer = PROVIDERS["host"]
        return {
            "kind": kind,
            "issuer": issuer,
            "number": f"N-{number}",
            "line": line,
            "contentHash": content_hash,
        }

    evidence = [paper("contract_line", "1"), paper("receipt", "")]
    return {"order": order_id, "amount": amount, "evidence": evidence, "day": DAY}


def parts(claim: Mapping[str, Any]) -> dict[str, str]:
    return {part["role"]: part["amount"] for part in claim["parts"]}


def test_c8_a_provider_in_the_other_zone_is_paid_two_thirds_and_one_third(zones: Api) -> None:
    assert parts(redeem(zones, "origin", "60000.00", "host")) == {"origin": "40000.00", "host": "20000.00"}


def test_c9_at_the_cap_the_remainder_goes_to_the_home_payer(zones: Api) -> None:
    claim = redeem(zones, "origin", "100000.00", "host")
    assert parts(claim) == {"origin": "66666.67", "host": "33333.33"}


def test_c10_a_quota_used_in_part_leaves_the_rest(zones: Api) -> None:
    redeem(zones, "origin", "60000.00", "host")
    claim = redeem(zones, "origin", "50000.00", "host")
    assert (claim["approved"], parts(claim)) == ("40000.00", {"origin": "26666.67", "host": "13333.33"})


def test_c11_what_two_programmes_make_the_zones_bear_for_each_other_nets_to_one_amount(zones: Api) -> None:
    redeem(zones, "origin", "100000.00", "host")
    redeem(zones, "host", "60000.00", "origin")
    borne = {}
    for code, other in (("origin", "host"), ("host", "origin")):
        found = zones.run("voucher_clearing", programme=code, quarter="2024Q1")["voucherClearing"]
        lines = {edge["node"]["role"]: edge["node"]["approved"] for edge in found["edges"]}
        borne[other] = Decimal(lines[other])
    assert borne == {"host": Decimal("33333.33"), "origin": Decimal("20000.00")}
    assert borne["host"] - borne["origin"] == Decimal("13333.33")


def test_c16_layers_are_capped_in_all_and_each_by_itself(api: Api) -> None:
    opened(api, [layered()], at_home=None)
    claim = redeem(api, "origin", "500000.00", "host", face="200000.00")
    assert (claim["approved"], parts(claim)) == ("200000.00", {"origin": "120000.00", "host": "80000.00"})


def test_budgets_claims_and_refusals_are_told(zones: Api) -> None:
    claim = redeem(zones, "origin", "60000.00", "host")
    recovered = zones.change(
        "recover_voucher", claim=claim["id"], amount="30000.00", reason="审计", person="王五", day=DAY
    )
    assert recovered["claim"]["recovered"] == "30000.00"
    found = zones.run("voucher_programme", programme="origin")["voucherProgramme"]
    used = {one["role"]: (one["reserved"], one["used"]) for one in found["budgets"]}
    assert used == {"origin": ("0.00", "20000.00"), "host": ("0.00", "10000.00")}
    refused = zones.attempt(
        "recover_voucher", claim=claim["id"], amount="30000.01", reason="审计", person="王五", day=DAY
    )
    assert (refused["__typename"], refused["code"]) == ("WrongState", "MORE_THAN_APPROVED")
    again = redeem(zones, "origin", "60000.00", "host")
    flagged = zones.run("voucher_claims", programme="origin", flagged=True)["voucherClaims"]
    assert [edge["node"]["id"] for edge in flagged["edges"]] == [again["id"]]


def test_claims_are_audited_decided_together_and_what_is_left_of_vouchers_ends(api: Api) -> None:
    audited = {"share": "1", "flagged": False}
    opened(api, [shared("origin", "host", 1)], decided="together", audit=audited)
    claim = redeem(api, "origin", "60000.00", "host", face="70000.00")
    assert claim["state"] == "waiting_for_audit"
    api.change(
        "audit_voucher_claim", claim=claim["id"], accepted="30000.00", finding="核减", person="王五", day=DAY
    )
    assert api.change("decide_voucher_claims", programme="origin", through=DAY)["count"] == 1
    found = api.ask("query Found($id: ID!) { voucherClaim(id: $id) { approved } }", id=claim["id"])
    assert found["voucherClaim"] == {"approved": "30000.00"}
    listed = api.ask('{ vouchers(programme: "origin") { edges { node { id left state } } } }')
    (left,) = [edge["node"] for edge in listed["vouchers"]["edges"]]
    assert (left["left"], left["state"]) == ("40000.00", "issued")
    assert api.change("expire_vouchers", programme="origin", day="2024-12-31")["count"] == 0
    ended = api.change("end_voucher", voucher=left["id"], how="cancelled", reason="退出", day=DAY)
    assert (ended["voucher"]["left"], ended["voucher"]["state"]) == ("0.00", "cancelled")


def test_programmes_and_providers_are_listed_and_searched(zones: Api) -> None:
    found = zones.ask(
        '{ voucherProgrammes(agreement: "VOUCHERS") { edges { node { code waiting } } } '
        'voucherProviders(search: "检测") { edges { node { creditCode certifications { kind } } } } }'
    )
    codes = [edge["node"]["code"] for edge in found["voucherProgrammes"]["edges"]]
    providers = {edge["node"]["creditCode"] for edge in found["voucherProviders"]["edges"]}
    assert (codes, providers) == (["host", "origin"], set(PROVIDERS.values()))
