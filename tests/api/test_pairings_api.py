"""Pairings, the nation at a glance and reviews through the API."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ledger.evidence.signatures import new_private_key, public_key_of
from tests.api.journey import Api, Figure
from tests.api.terms_documents import statistic, tax, terms

YEARS = {"firstQuarter": "2024Q1", "lastQuarter": "2024Q4"}
CAP = {
    "amount": "100.00",
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}
PLACES = {"ORIGIN": ("310000", "EAST"), "HOST": ("530000", "WEST"), "GOV": ("530000", "WEST")}


@pytest.fixture
def paired(api: Api) -> Api:
    """An eastern zone that is owed 50 of 100 yuan by a western one, and a statistic credited to both."""
    for code, (province, region) in PLACES.items():
        kind = "GOVERNMENT" if code == "GOV" else "ZONE"
        register(api, code, kind, province, region)
    output = statistic("industrial_output", "full_to_each", {"origin": "1", "host": "1"}, number=2)
    api.bring_into_force(terms("PAIRED", [tax(caps=[CAP]), output]))
    figures = [Figure("retained_tax", "100.00"), Figure("industrial_output", "900.00")]
    api.hand_in("PAIRED", "2024Q1", figures)
    api.settle("PAIRED", "2024Q1")
    return api


def register(api: Api, code: str, kind: str, province: str, region: str) -> None:
    api.change(
        "register_party",
        code=code,
        kind=kind,
        nameZh=code,
        nameEn=code,
        provinceCode=province,
        provinceZh=province,
        regionClass=region,
        source="made up",
    )
    api.private_keys[code] = new_private_key()
    public_key = base64.b64encode(public_key_of(api.private_keys[code])).decode()
    api.change("register_key", party=code, publicKey=public_key, label="test")


def test_a_pairing_shows_money_and_both_books_apart(paired: Api) -> None:
    groups = {"one": {"kind": "PARTY", "code": "ORIGIN"}, "other": {"kind": "PROVINCE", "code": "530000"}}
    found = paired.run("pairing", **groups, **YEARS)["pairing"]
    assert found["kinds"] == [{"kind": "ENCLAVE", "count": 1}]
    assert [(one["quarter"], one["fromOne"], one["amount"]["text"]) for one in found["flows"]] == [
        ("2024Q1", False, "50.00")
    ]
    credited = {(one["amount"]["book"], one["toOne"]): one["amount"]["text"] for one in found["credits"]}
    assert credited == {
        ("OFFICIAL", False): "900.00",
        ("ASSESSMENT", False): "900.00",
        ("ASSESSMENT", True): "900.00",
    }
    (edge,) = found["agreements"]["edges"]
    assert edge["node"]["agreement"]["code"] == "PAIRED"
    assert [one["underCaps"]["text"] for one in edge["node"]["room"]] == ["50.00"]


def test_the_nation_is_shown_by_region_by_rank_and_by_year(paired: Api) -> None:
    (cell,) = paired.run("pairing_matrix", by="REGION", **YEARS)["pairingMatrix"]
    assert (cell["payer"], cell["payee"], cell["amount"]["text"]) == ("West", "East", "50.00")
    ranked = paired.run("pairing_ranking", by="PROVINCE", **YEARS)["pairingRanking"]
    assert [(one["code"], one["paid"]["text"], one["received"]["text"]) for one in ranked] == [
        ("310000", "0.00", "50.00"),
        ("530000", "50.00", "0.00"),
    ]
    (year,) = paired.run("pairing_trend", **YEARS)["pairingTrend"]
    assert (year["year"], year["mechanism"], year["amount"]["text"]) == (2024, "TAX", "50.00")
    south = {"kind": "HALF", "code": "South"}
    assert paired.run("pairing_trend", **YEARS, one=south, other=south)["pairingTrend"] == [year]


def test_a_group_without_anybody_is_an_error_with_its_code(api: Api) -> None:
    nobody = {"kind": "PARTY", "code": "NOBODY"}
    answer = api.answer(
        'query Ask($one: PairingGroupInput!) { pairing(one: $one, other: $one, firstQuarter: "2024Q1", '
        'lastQuarter: "2024Q1") { openDisputeCount } }',
        one=nobody,
    )
    assert answer["errors"][0]["extensions"]["code"] == "GROUP_EMPTY"


SAID: dict[str, Any] = {"party": "GOV", "person": "王主管", "content": "请说明原因"}


def test_a_review_is_opened_asked_answered_and_closed(paired: Api) -> None:
    opened = paired.change(
        "open_review",
        reviewer="GOV",
        party="HOST",
        otherParty="ORIGIN",
        title="付款",
        person="王主管",
        content="一季度未付",
    )["review"]
    named = {"review": opened["id"]}
    asked = paired.change("request_correction", **named, **SAID, addressed="HOST", dueDay="2024-09-30")
    assert asked["review"]["state"] == "LATE"
    unasked = paired.attempt("answer_review", **named, **{**SAID, "party": "ORIGIN"})
    assert (unasked["__typename"], unasked["code"]) == ("WrongState", "ANSWER_UNASKED")
    paired.change("answer_review", **named, party="HOST", person="张三", content="已付")
    closed = paired.change("close_review", **named, **SAID, outcome="CORRECTED")["review"]
    assert (closed["state"], closed["outcome"], len(closed["steps"])) == ("CLOSED", "CORRECTED", 4)
    page = paired.run("reviews", party="ORIGIN")["reviews"]
    assert [edge["node"]["id"] for edge in page["edges"]] == [opened["id"]]
    wrong = paired.attempt("close_review", review="UGFydHk6MQ==", **SAID, outcome="CORRECTED")
    assert wrong["__typename"] == "InvalidInput"


def test_an_evaluation_carries_the_figures_of_its_day(paired: Api) -> None:
    given = {"agreement": "PAIRED", "reviewer": "GOV", "person": "王主管", "year": 2024, "remark": "按约"}
    (made,) = paired.change("evaluate_agreement", **given, verdict="KEPT")["evaluations"]
    assert made["figures"]["flows"][0]["amount"] == "50.00"
    assert paired.run("evaluations", agreement="PAIRED")["evaluations"] == [made]
    register(paired, "FAR", "GOVERNMENT", "110000", "EAST")
    refused = paired.attempt("evaluate_agreement", **{**given, "reviewer": "FAR"}, verdict="KEPT")
    assert refused["code"] == "REVIEWER_UNSUITED"
