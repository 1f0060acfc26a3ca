"""Voucher programmes of two zones, and redeeming vouchers, as clients do it through the API."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

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


def clearing(home: str, other: str, number: int) -> list[Document]:
    """The home zone pays the providers; the other zone pays it back what it bears."""
    made = [
        clause(
            "innovation_voucher",
            (measure,),
            [{"shares": {home: "1"}}],
            otherwise=home,
            reported_by=payer,
            number=number + place,
        )
        for place, (payer, measure) in enumerate(
            ((home, "voucher_borne_home"), (other, "voucher_borne_partner"))
        )
    ]
    for one in made:
        one["then"] |= {"paid_by": one["what"]["reported_by"], "netting": True}
    return made


def opened(
    api: Api,
    clauses: Sequence[Document],
    at_home: str | None = "home",
    cleared_by: Sequence[Document] = (),
    **changes: Any,
) -> Api:
    """An agreement with a programme for each of ``clauses``, in force, and a provider in each zone."""
    document = terms("VOUCHERS", [*clauses, *cleared_by])
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
