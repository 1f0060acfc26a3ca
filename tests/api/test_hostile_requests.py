"""What strangers send to break something is refused with a code, and never ends in an unforeseen error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from graphql import is_required_argument
from starlette.testclient import TestClient

from ledger_graphql.schema import SCHEMA
from tests.api.journey import Api
from tests.api.terms_documents import tax, terms


def cursor(written: str) -> str:
    return base64.urlsafe_b64encode(written.encode()).decode()


UNREADABLE_CURSORS = [
    *map(cursor, ['["\\u0000"]', '["\\ud800"]', "[" * 5_000, "[" + "9" * 5_000 + "]", "[1.5]", "{}", ""]),
    "!",
]
CURSORS_OF_OTHER_LISTS = [
    cursor(json.dumps(key))
    for key in ([], [2**63 - 1], ["x"], ["9999Q9", 1], ["9999-99-99", 1], [1, 2], ["a", "b", "c"], [1] * 5)
]


def lists() -> list[str]:
    """The queries of the schema that come in pages."""
    assert SCHEMA.core.query_type
    return [name for name, field in SCHEMA.core.query_type.fields.items() if "after" in field.args]


OF_A_PROGRAMME = {"voucherClaims", "voucherClearing", "vouchers"}
"""Lists within something that the ledger of these tests doesn't have."""

ARGUMENTS: dict[str, str] = {
    "agreement": '"TEST"',
    "asOf": '"2024-05-01"',
    "code": '"TEST"',
    "criteria": "{}",
    "party": '"HOST"',
    "programme": '"NONE"',
    "quarter": '"2024Q1"',
    "through": '"2024Q1"',
    "today": '"2024-05-01"',
    "zone": '"HOST"',
}


def paged(name: str, after: str) -> str:
    """A query of a page, with all arguments that it must have."""
    assert SCHEMA.core.query_type
    needed = [
        f"{argument}: {ARGUMENTS[argument]}"
        for argument, described in SCHEMA.core.query_type.fields[name].args.items()
        if is_required_argument(described)
    ]
    return (
        f"{{ {name}({', '.join([*needed, f'after: {json.dumps(after)}'])}) {{ pageInfo {{ endCursor }} }} }}"
    )


def codes(answer: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


@pytest.fixture
def busy(api: Api) -> TestClient:
    api.bring_into_force(terms("TEST", [tax()]))
    return api.client


def test_a_cursor_that_no_list_gave_out_is_refused_by_every_list(busy: TestClient) -> None:
    told = {
        (name, after): codes(busy.post("/graphql", json={"query": paged(name, after)}).json())
        for name in lists()
        for after in UNREADABLE_CURSORS
    }
    unread = {asked: found for asked, found in told.items() if asked[0] not in OF_A_PROGRAMME}
    assert {asked: found for asked, found in unread.items() if found != {"CURSOR_UNREADABLE"}} == {}
    assert set().union(*told.values()) == {"CURSOR_UNREADABLE", "NOT_FOUND"}


def test_a_cursor_of_another_list_is_refused_or_starts_somewhere_and_nothing_else(busy: TestClient) -> None:
    told = {
        (name, after): codes(busy.post("/graphql", json={"query": paged(name, after)}).json())
        for name in lists()
        for after in CURSORS_OF_OTHER_LISTS
    }
    assert {
        asked: found for asked, found in told.items() if not found <= {"CURSOR_UNREADABLE", "NOT_FOUND"}
    } == {}


@pytest.mark.parametrize(
    "query", ['{ party(code: "\0") { code } }', '{ party(code: """\0""") { code } }', "{ __typename } # \0"]
)
def test_the_character_that_the_database_cannot_keep_is_refused_as_it_is_too(
    client: TestClient, query: str
) -> None:
    for answer in (
        client.post("/graphql", json={"query": query}),
        client.get("/graphql", params={"query": query}),
    ):
        assert (answer.status_code, codes(answer.json())) == (400, {"REQUEST_MALFORMED"})


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("9" * 12, "REQUEST_UNREADABLE"),
        ("-" + "9" * 999, "REQUEST_UNREADABLE"),
        ("9" * 5_000, "NUMBER_TOO_LONG"),
        ("1." + "0" * 5_000, "NUMBER_TOO_LONG"),
    ],
)
def test_a_number_of_any_length_is_refused_where_it_is_no_int(
    client: TestClient, first: str, code: str
) -> None:
    answer = client.post(
        "/graphql", json={"query": f"{{ parties(first: {first}) {{ edges {{ cursor }} }} }}"}
    )
    assert (answer.status_code, codes(answer.json())) == (200, {code})


@pytest.mark.parametrize(("first", "last"), [(0, 0), (-1, 2024), (2024, 3000), (2**31 - 1, 2**31 - 1)])
def test_years_that_have_no_quarters_are_refused(busy: TestClient, first: int, last: int) -> None:
    query = f'{{ planIndicators(zone: "HOST", firstYear: {first}, lastYear: {last}) {{ year }} }}'
    assert codes(busy.post("/graphql", json={"query": query}).json()) == {"PERIOD_UNREADABLE"}


@pytest.mark.parametrize(
    "host",
    [
        "user@127.0.0.1",
        "evil.example\\@127.0.0.1",
        "127.0.0.1:8000/evil",
        "127.0.0.1:x",
        "127.0.0.1 evil",
        "localhost#",
        "[::1]evil",
    ],
)
def test_what_only_contains_this_machines_name_is_another_host(client: TestClient, host: str) -> None:
    refused = client.get("/health", headers={"host": host})
    assert (refused.status_code, refused.json()["code"]) == (403, "HOST_UNKNOWN")


@pytest.mark.parametrize("origin", ["http://[", "http://127.0.0.1:8000/x", "//127.0.0.1:8000", ""])
def test_an_origin_that_is_none_is_a_foreign_one(client: TestClient, origin: str) -> None:
    refused = client.post("/graphql", json={"query": "{ __typename }"}, headers={"origin": origin})
    assert (refused.status_code, codes(refused.json())) == (403, {"ORIGIN_FOREIGN"})


def test_a_refused_host_is_told_why_in_both_languages(client: TestClient) -> None:
    told = client.get("/files/template", headers={"host": "evil.example"}).json()
    assert set(told) == {"code", "messageZh", "messageEn"}
    assert "evil.example" in told["messageZh"]
    assert "evil.example" in told["messageEn"]


@pytest.mark.parametrize("version", [2**15, 2**31 - 1, -(2**31), 0])
def test_a_version_of_any_number_that_is_not_there_is_not_found(
    api: Api, busy: TestClient, version: int
) -> None:
    assert busy is api.client
    assert api.attempt("propose_version", agreement="TEST", version=version)["code"] == "NOT_FOUND"
