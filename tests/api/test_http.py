"""What the server accepts over HTTP, from whom, and how much of it."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
from typing import Any

import pytest
from graphql import get_introspection_query
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ledger_graphql.http_failures import MaskedErrors
from ledger_graphql.media_types import answer_type
from ledger_graphql.security_headers import HEADERS, SecurityHeaders
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


@pytest.mark.parametrize("path", ["/graphql", "/files/documents"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: TestClient, path: str) -> None:
    headers = {"content-length": str(10**9), "content-type": "application/json"}
    refused = client.post(path, content=b"{}", headers=headers)
    assert refused.status_code == 413
    assert '"BODY_TOO_LARGE"' in refused.text


def test_a_body_of_unknown_length_is_refused(client: TestClient) -> None:
    refused = client.post("/graphql", content=iter([b"{}"]))
    assert refused.status_code == 411
    assert refused.json()["errors"][0]["extensions"]["code"] == "BODY_LENGTH_MISSING"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "ADDRESS_UNKNOWN"),
        ("DELETE", "/health", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/files/documents", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/files/documents", 400, "FILE_MISSING"),
    ],
)
def test_what_no_address_answers_is_refused_with_a_code(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    refused = client.request(method, path, headers={"content-length": "0"})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.json()["messageZh"]


def test_a_broken_form_is_refused_with_a_code(client: TestClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    refused = client.post("/files/documents", content=b"--y", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "REQUEST_UNREADABLE")


def test_what_nobody_foresaw_is_logged_and_nothing_of_it_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: Request) -> Response:
        raise RuntimeError("the secret")

    middleware = [Middleware(SecurityHeaders), Middleware(MaskedErrors)]
    client = TestClient(Starlette(routes=[Route("/", fail)], middleware=middleware))
    with caplog.at_level(logging.ERROR):
        answer = client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (500, "UNEXPECTED_ERROR")
    assert "secret" not in answer.text
    assert "the secret" in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"


# --- GraphQL's media types --------------------------------------------------------------------------------

JSON, GRAPHQL_JSON = "application/json", "application/graphql-response+json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON};q=0.9", JSON),
        (f"{JSON};q=0.1, {GRAPHQL_JSON};q=0.9", GRAPHQL_JSON),
        (f"{JSON};q=0, */*", GRAPHQL_JSON),
        ("text/html, */*;q=0.1", JSON),
    ],
)
def test_an_answer_has_the_media_type_that_is_accepted_most(accept: str | None, expected: str) -> None:
    assert answer_type(accept) == expected


@pytest.mark.parametrize("accept", ["text/html", "image/*", f"{JSON};q=0", f"{JSON};q=nonsense", ";;,"])
def test_who_accepts_neither_media_type_is_refused(client: TestClient, accept: str) -> None:
    refused = client.post("/graphql", json={"query": QUERY}, headers={"accept": accept})
    assert refused.status_code == 406
    assert refused.json()["errors"][0]["extensions"]["code"] == "ANSWER_TYPE_UNACCEPTABLE"


@pytest.mark.parametrize(
    "document", ["{", "{ nonsense }", "query Q($n: Int!) { zones(first: $n) { __typename } }"]
)
def test_what_cannot_be_run_is_400_to_new_clients_200_to_old_ones_and_has_no_data(
    client: TestClient, document: str
) -> None:
    for accept, status in ((GRAPHQL_JSON, 400), (JSON, 200)):
        refused = client.post("/graphql", json={"query": document}, headers={"accept": accept})
        assert refused.status_code == status
        assert refused.headers["content-type"] == f"{accept}; charset=utf-8"
        assert "data" not in refused.json()
        assert refused.json()["errors"][0]["extensions"]["code"] == "REQUEST_UNREADABLE"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b'"text"',
        b"{}",
        b'{"query": 1}',
        b'{"query": "{ a }", "variables": []}',
        b'{"query": "{ a }", "variables": {"a": NaN}}',
        b'{"query": "{ a }", "extensions": 1}',
        b'{"query": "{ a }", "operationName": 1}',
        b'{"query": "\\ud800"}',
        b'{"query": "{ a }", "variables": {"a": "\\udfff"}}',
        b"\xff",
    ],
)
def test_what_is_no_request_of_graphql_is_refused(client: TestClient, body: bytes) -> None:
    refused = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"]["code"] == "REQUEST_MALFORMED"


# --- headers ----------------------------------------------------------------------------------------------


UNCHANGING = {name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"}


@pytest.mark.parametrize(
    "path", ["/", "/ask", "/health", "/graphql?query={__typename}", "/nowhere", "/files/journal"]
)
def test_every_answer_has_the_security_headers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers[name] for name in UNCHANGING} == UNCHANGING
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_browser_runs_the_ask_pages_own_script_and_no_other(client: TestClient) -> None:
    page = client.get("/ask")
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    source = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{source}';" in page.headers["content-security-policy"]
    assert "script-src 'none'" in client.get("/").headers["content-security-policy"]


def test_a_refused_host_is_told_with_the_security_headers_too(client: TestClient) -> None:
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


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


def test_tools_may_ask_for_the_whole_schema(client: TestClient) -> None:
    answer = client.post("/graphql", json={"query": get_introspection_query()}).json()
    assert "errors" not in answer


def test_the_documents_in_use_are_within_the_limits(client: TestClient) -> None:
    answer = client.post("/graphql", json={"query": operation("settlements"), "variables": {"code": "NONE"}})
    assert answer.json()["data"] == {"agreement": None}
