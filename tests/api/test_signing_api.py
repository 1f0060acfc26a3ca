"""A settlement signed by both sides and a quarter reopened by all, through the API."""

from __future__ import annotations

import base64
import json

import pytest

from ledger.evidence.signatures import public_key_of, sign
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import tax, terms

CODE = "SIGNED"
ROLES = {"origin": "ORIGIN", "host": "HOST", "province": "PROVINCE"}
PROCEDURE = {"signed_by": ["origin", "host"], "reopened_by": ["origin", "host", "province"]}


@pytest.fixture
def proposed(api: Api) -> Document:
    """The open quarter's settlement, put up for signing."""
    document = {**terms(CODE, [tax()], roles=ROLES), "procedure": PROCEDURE}
    api.draft(document, observers=("province",))
    api.sign_all(CODE, 1, observers=("province",))
    api.change("bring_into_force", agreement=CODE, version=1)
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "100.01")])
    computed = api.change("compute_settlement", agreement=CODE, quarter="2024Q1")["settlement"]
    made: Document = api.change("propose_settlement", agreement=CODE, settlement=computed["id"])["settlement"]
    return made


def signed(api: Api, role: str, content: str) -> Document:
    key = api.private_keys[ROLES[role]]
    return {
        "role": role,
        "publicKey": base64.b64encode(public_key_of(key)).decode(),
        "signature": base64.b64encode(sign(key, base64.b64decode(content))).decode(),
    }


def sign_settlement(api: Api, settlement: Document, role: str) -> Document:
    given = signed(api, role, settlement["bytesToSign"])
    return api.attempt("sign_settlement", agreement=CODE, settlement=settlement["id"], **given)


def close(api: Api, settlement: Document) -> Document:
    return api.attempt("close_quarter", agreement=CODE, quarter="2024Q1", settlement=settlement["id"])


def closed(api: Api, settlement: Document) -> str:
    """The moment at which it closed its quarter."""
    for role in PROCEDURE["signed_by"]:
        sign_settlement(api, settlement, role)
    assert close(api, settlement)["__typename"] == "SettlementSuccess"
    asked = "query Moment($id: ID!) { node(id: $id) { ... on Settlement { closedAt } } }"
    moment: str = api.ask(asked, id=settlement["id"])["node"]["closedAt"]
    return moment


def test_both_sides_sign_the_bytes_that_they_are_shown_and_the_quarter_closes(
    api: Api, proposed: Document
) -> None:
    assert (proposed["state"], proposed["awaits"]) == ("PROPOSED", ["origin", "host"])
    content = json.loads(base64.b64decode(proposed["bytesToSign"]))
    assert [(one["party"], one["amount"]) for one in content["amounts"]] == [
        ("HOST", "50.01"),
        ("ORIGIN", "50.00"),
    ]
    refused = close(api, proposed)
    assert (refused["__typename"], refused["code"]) == ("NotSigned", "SIGNATURES_MISSING")
    once = sign_settlement(api, proposed, "origin")["settlement"]
    assert (once["state"], once["awaits"], [one["role"] for one in once["signatures"]]) == (
        "PROPOSED",
        ["host"],
        ["origin"],
    )
    assert sign_settlement(api, proposed, "host")["settlement"]["state"] == "SIGNED"
    assert close(api, proposed)["__typename"] == "SettlementSuccess"
    (listed,) = api.settlements(CODE)
    assert (listed["state"], listed["awaits"]) == ("CLOSED", [])


def test_what_cannot_be_signed_is_refused_with_its_reason(api: Api, proposed: Document) -> None:
    wrong = {**signed(api, "origin", proposed["bytesToSign"]), "role": "host"}
    assert sign_settlement(api, proposed, "province")["code"] == "ROLE_DOES_NOT_SIGN"
    refused = api.attempt("sign_settlement", agreement=CODE, settlement=proposed["id"], **wrong)
    assert (refused["__typename"], refused["code"]) == ("SignatureRefused", "KEY_NOT_REGISTERED")
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "120.00")])
    assert sign_settlement(api, proposed, "host")["__typename"] == "StaleSettlement"
    newer = api.change("compute_settlement", agreement=CODE, quarter="2024Q1")["settlement"]
    unproposed = {**proposed, "id": newer["id"]}
    assert sign_settlement(api, unproposed, "host")["code"] == "SETTLEMENT_NOT_PROPOSED"


def test_all_named_roles_reopen_the_last_closed_quarter(api: Api, proposed: Document) -> None:
    closed_at = closed(api, proposed)
    about = {"agreement": CODE, "quarter": "2024Q1"}
    asked = api.change("request_reopening", **about, reason="申报有误")["reopening"]
    assert asked["awaits"] == ["origin", "host", "province"]
    unsigned = api.attempt("reopen_quarter", **about, request=asked["request"])
    assert (unsigned["__typename"], unsigned["code"]) == ("NotSigned", "SIGNATURES_MISSING")
    for role in ROLES:
        given = signed(api, role, asked["bytesToSign"])
        api.change("sign_reopening", **about, request=asked["request"], **given)
    done = api.change("reopen_quarter", **about, request=asked["request"])
    assert done["agreement"]["openQuarter"] == "2024Q1"
    (edge,) = api.run("reopenings", code=CODE)["agreement"]["reopenings"]["edges"]
    assert [one["role"] for one in edge["node"]["signatures"]] == ["host", "origin", "province"]
    assert edge["node"]["settlement"] == proposed["id"]
    told = api.run("figures", code=CODE, quarter="2024Q1", **{"from": closed_at})["agreement"]
    assert told["figures"] == []
    assert [(one["amount"]["text"], one["isReopened"]) for one in told["difference"]] == [
        ("-50.00", True),
        ("-50.01", True),
    ]
    (listed,) = api.run("settlements", code=CODE)["agreement"]["settlements"]["edges"]
    assert (listed["node"]["state"], listed["node"]["isClosed"]) == ("REOPENED", False)
    assert listed["node"]["reopenedAt"] == edge["node"]["reopenedAt"]


def test_a_reopening_that_returns_stand_in_the_way_of_is_refused(api: Api, proposed: Document) -> None:
    closed(api, proposed)
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "120.00")])
    refused = api.attempt("request_reopening", agreement=CODE, quarter="2024Q1", reason="申报有误")
    assert (refused["__typename"], refused["code"]) == ("WrongState", "QUARTER_NOT_REOPENABLE")


def test_a_page_of_reopenings_goes_on_after_its_cursor(api: Api, proposed: Document) -> None:
    closed(api, proposed)
    for reason in ("first", "second"):
        api.change("request_reopening", agreement=CODE, quarter="2024Q1", reason=reason)
    page = api.run("reopenings", code=CODE, first=1)["agreement"]["reopenings"]
    assert page["pageInfo"]["hasNextPage"]
    rest = api.run("reopenings", code=CODE, after=page["pageInfo"]["endCursor"])["agreement"]["reopenings"]
    reasons = [edge["node"]["reason"] for edge in (*page["edges"], *rest["edges"])]
    assert reasons == ["first", "second"]
