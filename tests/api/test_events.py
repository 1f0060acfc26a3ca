"""Events are read as they were stored, page by page; any object is found again by its id."""

from __future__ import annotations

import hashlib
import json

import pytest

from ledger_graphql.connections import global_id
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import tax, terms

CODE = "EVENTS"
KINDS = [
    "agreement_drafted",
    "version_drafted",
    "version_proposed",
    "version_signed",
    "version_signed",
    "version_brought_into_force",
    "return_handed_in",
    "lines_salted",
]


@pytest.fixture
def in_force(api: Api) -> Api:
    api.bring_into_force(terms(CODE, [tax()]))
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "100.00")])
    return api


def nodes_of(connection: Document) -> list[Document]:
    return [edge["node"] for edge in connection["edges"]]


def test_what_was_done_about_an_agreement_is_read_in_order_with_the_text_that_was_hashed(
    in_force: Api,
) -> None:
    listed = nodes_of(in_force.run("events", code=CODE)["agreement"]["events"])
    assert [event["kind"] for event in listed] == KINDS
    for event in listed:
        stored = json.loads(event["canonical"])
        assert hashlib.sha256(event["canonical"].encode()).hexdigest() == event["hash"]
        assert (stored["kind"], stored["actor"], stored["key"]) == (
            event["kind"],
            event["actor"],
            event["key"],
        )
        assert event["id"] == global_id("Event", int(stored["event"]))
        assert event["recordedAt"]


def test_events_are_paged_by_key_and_chosen_by_kind(in_force: Api) -> None:
    kinds: list[str] = []
    after = None
    while True:
        page = in_force.run("events", code=CODE, first=3, after=after)["agreement"]["events"]
        kinds += [event["kind"] for event in nodes_of(page)]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert kinds == KINDS
    signed = in_force.run("events", code=CODE, kind="version_signed")["agreement"]["events"]
    assert len(nodes_of(signed)) == 2
    assert nodes_of(in_force.run("events", code=CODE, kind="no_such_kind")["agreement"]["events"]) == []


def test_all_events_are_those_of_agreements_parties_and_accounts(in_force: Api) -> None:
    listed = nodes_of(in_force.run("all_events")["events"])
    agreement = in_force.ask("query A($code: String!) { agreement(code: $code) { id } }", code=CODE)[
        "agreement"
    ]
    assert [event["kind"] for event in listed if event["agreementId"] == agreement["id"]] == KINDS
    others = {event["kind"] for event in listed if event["agreementId"] is None}
    assert others == {"party_registered", "key_registered", "account_opened", "token_issued"}


def test_an_event_is_found_by_its_id(in_force: Api) -> None:
    first = nodes_of(in_force.run("all_events", first=1)["events"])[0]
    document = """query E($id: ID!) {
      event(id: $id) { kind hash }
      node(id: $id) { id ... on Event { hash } }
    }"""
    found = in_force.ask(document, id=first["id"])
    assert found["event"] == {"kind": first["kind"], "hash": first["hash"]}
    assert found["node"] == {"id": first["id"], "hash": first["hash"]}
    assert in_force.ask(document, id=global_id("Event", 1)) == {"event": None, "node": None}


def test_nodes_come_in_the_order_asked_for_with_null_for_what_is_not_there(in_force: Api) -> None:
    agreement = in_force.ask(
        "query A($code: String!) { agreement(code: $code) { id parties { party { id } } } }", code=CODE
    )["agreement"]
    party = agreement["parties"][0]["party"]["id"]
    ids = [party, global_id("Party", 1), agreement["id"], party]
    document = "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert in_force.ask(document, ids=ids)["nodes"] == [
        {"id": party},
        None,
        {"id": agreement["id"]},
        {"id": party},
    ]


def test_more_nodes_than_the_limit_are_refused(api: Api) -> None:
    document = "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    (error,) = api.answer(document, ids=[global_id("Party", 1)] * 51)["errors"]
    assert error["extensions"]["code"] == "LIMIT_UNUSABLE"
