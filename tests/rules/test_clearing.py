"""Clauses about cleared vouchers say to whom a payer pays, and change nothing of what it bears."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.rules import templates
from ledger.rules.check.terms import check, read_document
from ledger.rules.vouchers import cleared_roles

Document = dict[str, Any]


def document() -> Document:
    """Clause 1 pays vouchers, 2 and 3 clear them."""
    return templates.load("voucher-four-party").terms.model_dump(mode="json")


def codes(raw: Document) -> set[str]:
    terms, faults = read_document(json.dumps(raw))
    return {fault.code for fault in (faults if terms is None else check(terms))}


def test_the_template_clears_both_payers() -> None:
    assert codes(document()) == set()
    assert cleared_roles(templates.load("voucher-four-party").terms.clauses) == {
        "home": {"voucher_borne_home"},
        "provider_zone": {"voucher_borne_partner"},
    }


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("what", {"measures": ["voucher_borne_home", "voucher_approved"]}),
        ("what", {"deduct": ["voucher_recovered"]}),
        ("whose", {"scope": "listed_enterprises"}),
        ("when", {"step": "month"}),
        ("how_much", {"rates": [{"where": {}, "rate": "1/2"}]}),
        (
            "within",
            {
                "caps": [
                    {
                        "amount": "1.00",
                        "over": "year",
                        "unused": "lapses",
                        "measured_on": "pool",
                        "excess_to": None,
                    }
                ]
            },
        ),
    ],
)
def test_a_clause_that_would_change_what_claims_decided_is_refused(section: str, change: Document) -> None:
    raw = document()
    raw["clauses"][1][section] |= change
    assert "CLEARING_NOT_PLAIN" in codes(raw)


def test_a_role_whose_return_is_cleared_reports_no_taxes() -> None:
    raw = document()
    tax = json.loads(json.dumps(raw["clauses"][1])) | {"number": 9}
    tax["what"] |= {"mechanism": "tax", "measures": ["retained_tax"]}
    for figure in tax["examples"][0]["figures"]:
        figure["measure"] = "retained_tax"
    raw["clauses"].append(tax)
    assert codes(raw) == {"CLEARING_MIXED"}
    tax["what"]["reported_by"] = "province"
    raw["roles"]["province"] = "PROVINCE"
    assert codes(raw) == set()
