"""Documents about promises, reviews and vouchers need as many statements for three of a thing as for one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.journey import Api, Figure
from tests.api.terms_documents import tax, terms
from tests.api.test_pairings_api import CAP, register
from tests.api.test_query_counts import statements_of
from tests.api.test_sharing_api import PROMISED, day
from tests.api.voucher_journey import opened, redeem, shared

QUARTERS = {"firstQuarter": "2024Q1", "lastQuarter": "2024Q4"}
KNOWN = {"knownAt": "2100-01-01T00:00:00Z"}
PAIR = {"one": {"kind": "PARTY", "code": "ORIGIN"}, "other": {"kind": "PARTY", "code": "HOST"}}
PAIRINGS: dict[str, dict[str, Any]] = {
    "pairing": PAIR | QUARTERS,
    "pairing_matrix": {"by": "PROVINCE", **QUARTERS},
    "pairing_ranking": {"by": "REGION", **QUARTERS},
    "pairing_trend": PAIR | QUARTERS,
    "commitments": {"agreement": "PROMISES-0"},
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "assessment_indicators": {"party": "HOST", **QUARTERS},
    "due_commitments": {"party": "HOST"},
    "duties": {"party": "HOST"},
    "evaluations": {"agreement": "PROMISES-0"},
    "official_indicators": {"party": "HOST", **QUARTERS},
    "plan_indicators": {"zone": "HOST", "firstYear": 2024, "lastYear": 2026},
    "resource_bookings": {"party": "HOST"},
    "reviews": {},
    "shared_resources": {"party": "HOST"},
    "voucher_claims": {"programme": "origin"},
    "voucher_clearing": {"programme": "origin", "quarter": "2024Q1"},
    "voucher_programme": {"programme": "origin"},
    "voucher_work": {"party": "HOST"},
}


@pytest.fixture
def begun(api: Api) -> Api:
    register(api, "GOV", "GOVERNMENT", "530000", "WEST")
    register(api, "REVIEWED", "ZONE", "530000", "WEST")
    return opened(api, [shared("origin", "host", 1)])


def grow(api: Api, number: int) -> None:
    """One more of everything that the documents list."""
    code = f"PROMISES-{number}"
    api.bring_into_force(terms(code, [tax(caps=[CAP])]) | {"commitments": [PROMISED]})
    api.hand_in(code, "2024Q1", [Figure("retained_tax", "100.00")])
    api.settle(code, "2024Q1")
    named = {"agreement": code, "role": "origin"}
    api.change(
        "share_resource",
        **named,
        code="chen",
        commitment="experts",
        kind="EXPERT",
        nameZh="陈教授",
        nameEn="Professor Chen",
        field="生物医药",
        offer="每周现场指导一天",
        fromDay=day(0),
    )
    days = {"fromDay": day(1), "untilDay": day(2)}
    api.change("ask_for_booking", agreement=code, role="host", resource="chen", **days, purpose="指导")
    said = {"reviewer": "GOV", "party": "REVIEWED", "title": "付款", "content": "未付"}
    api.change("open_review", **said)
    target = {"zone": "HOST", "indicator": "industrial_output", "source": "规划（虚构）"}
    api.change("record_indicator_target", **target, year=2024 + number, amount="12000.00")
    redeem(api, "origin", "100.00", "host")


def test_a_document_needs_as_many_statements_for_three_of_a_thing_as_for_one(begun: Api) -> None:
    grow(begun, 0)
    for_one = counts(begun)
    for number in (1, 2):
        grow(begun, number)
    assert counts(begun) == for_one
    page = begun.run("pairing", **PAIR, **QUARTERS)["pairing"]["agreements"]["edges"]
    assert len([edge for edge in page if edge["node"]["room"]]) == 3


def counts(api: Api) -> dict[str, int]:
    """Statements by document; of views of pairings also as known at a moment."""
    asked = DOCUMENTS | PAIRINGS
    known = {f"{name}, known": statements_of(api, name, **(of | KNOWN)) for name, of in PAIRINGS.items()}
    return known | {name: statements_of(api, name, **of) for name, of in asked.items()}
