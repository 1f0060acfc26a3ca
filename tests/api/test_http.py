"""What the server accepts over HTTP, from whom, and how much of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import get_introspection_query
from starlette.testclient import TestClient

from tests.api.journey import OPERATIONS, operation

QUERY = "{ __typename }"
MUTATION = (
    'mutation { proposeVersion(input: {idempotencyKey: "k", agreement: "A", version: 1}) { __typename } }'
)


def test_a_query_may_come_by_get_and_by_post(client: TestClient) -> None:
    assert client.get("/graphql", params={"query": QUERY}).json()["data"] == {"__typename": "Query"}
    assert client.post("/graphql", json={"query": QUERY}).json()["data"] == {"__typename": "Query"}


def test_a_mutation_by_get_is_refused(client: TestClient) -> None:
    assert client.get("/graphql", params={"query": MUTATION}).status_code == 405


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"query": QUERY}},
        {"content": QUERY, "headers": {"content-type": "text/plain"}},
        {"content": QUERY, "headers": {"content-type": "application/graphql"}},
        {"files": {"0": ("a.csv", b"x")}, "data": {"operations": '{"query": "{ __typename }"}', "map": "{}"}},
    ],
)
def test_a_post_that_a_foreign_page_could_make_unasked_is_refused(client: TestClient, sent: Any) -> None:
    assert client.post("/graphql", **sent).status_code in {400, 415}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::1"])
def test_another_hosts_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:9000", "[::1]:8000", "LOCALHOST"])
def test_this_machines_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).json() == {"status": "ok"}


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:3000", "null", "http://localhost:8000"]
)
def test_a_page_of_another_origin_is_refused(client: TestClient, origin: str) -> None:
    assert client.post("/graphql", json={"query": QUERY}, headers={"origin": origin}).status_code == 403


def test_a_page_of_the_server_itself_may_ask(client: TestClient) -> None:
    headers = {"origin": "http://127.0.0.1:8000"}
    assert client.post("/graphql", json={"query": QUERY}, headers=headers).status_code == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: TestClient) -> None:
    headers = {"content-length": str(10**9), "content-type": "application/json"}
    assert client.post("/graphql", content=b"{}", headers=headers).status_code == 413


def test_a_body_of_unknown_length_is_refused(client: TestClient) -> None:
    assert client.post("/graphql", content=iter([b"{}"])).status_code == 411


@pytest.mark.parametrize("literal", ["\\u0000", "\\u{0}"])
def test_the_character_that_the_database_cannot_keep_is_refused(client: TestClient, literal: str) -> None:
    document = f'{{ party(code: "A{literal}") {{ id }} }}'
    assert client.post("/graphql", json={"query": document}).status_code == 400
    variables = {"query": operation("zones"), "variables": {"search": "\0"}}
    assert client.post("/graphql", json=variables).status_code == 400
    asked = {"agreement": "A\0", "role": "host", "quarter": "2024Q1"}
    assert client.get("/files/template", params=asked).status_code == 400


def test_a_browser_that_opens_the_address_is_shown_the_page_to_ask_from(client: TestClient) -> None:
    response = client.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/ask")


def test_the_page_to_ask_from_offers_every_document_and_needs_no_other_server(client: TestClient) -> None:
    page = client.get("/ask").text
    assert "查询" in page
    assert "Pick a ready document" in page
    offered = page.partition('id="documents">')[2].partition("</script>")[0]
    ready = json.loads(offered)
    assert ready == {path.stem: path.read_text() for path in OPERATIONS.glob("*.graphql")}
    assert "://" not in page.replace(offered, "")


def test_the_landing_page_speaks_both_languages(client: TestClient) -> None:
    page = client.get("/").text
    assert "园区合作账本" in page
    assert "shared ledger" in page
    assert 'href="/graphql"' in page
    assert 'href="/ask"' in page


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ("{ " + " ".join(f"a{number}: __typename" for number in range(31)) + " }", "aliases"),
        ("{ " + "__typename " * 5000 + "}", "token"),
        (
            'query Q { node(id: "x") { ... on Party { ' + "parent { " * 20 + "code " + "} " * 20 + "} } }",
            "depth",
        ),
    ],
)
def test_a_document_beyond_the_limits_is_refused_and_says_why(
    client: TestClient, document: str, word: str
) -> None:
    (error,) = client.post("/graphql", json={"query": document}).json()["errors"]
    assert word in error["message"].lower()


def test_tools_may_ask_for_the_whole_schema(client: TestClient) -> None:
    answer = client.post("/graphql", json={"query": get_introspection_query()}).json()
    assert "errors" not in answer


def test_the_documents_in_use_are_within_the_limits(client: TestClient) -> None:
    answer = client.post("/graphql", json={"query": operation("settlements"), "variables": {"code": "NONE"}})
    assert answer.json()["data"] == {"agreement": None}
