"""What is refused before any of it is done: too much of anything, and what a server shouldn't be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import process_time
from typing import Any

import pytest
from graphql import get_introspection_query, parse
from starlette.testclient import TestClient

from ledger_graphql import limits
from ledger_graphql.costs import SIZES, WEIGHTS, cost_of
from ledger_graphql.documents import documents
from ledger_graphql.schema import SCHEMA
from ledger_graphql.settings import ServiceSettings
from tests.api.signed_in import signed_in
from tests.listening import listening

DEFAULTS = ServiceSettings()
SECONDS_FOR_A_REFUSAL = 5.0


@contextmanager
def asked(database_url: str, **changes: Any) -> Iterator[Callable[..., Any]]:
    """Asks a server with these settings, and gives the answer's JSON."""
    with signed_in(database_url, settings=replace(DEFAULTS, **changes)) as client:
        yield lambda query, **variables: client.post(
            "/graphql", json={"query": query, "variables": variables}
        ).json()


def code_of(answer: Any) -> str:
    (error,) = answer["errors"]
    assert error["extensions"]["messageZh"]
    assert error["extensions"]["messageEn"]
    assert answer.get("data") is None
    code: str = error["extensions"]["code"]
    return code


def bomb(levels: int) -> str:
    """Fragments of which each spreads the next one twice: short to write, 2^levels fields."""
    parts = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return f"{{ ...F0 }} {' '.join(parts)} fragment F{levels} on Query {{ __typename }}"


def nested(levels: int) -> str:
    return 'query Q { party(code: "A") { ' + "parent { " * levels + "code" + " }" * levels + " } }"


HUGE_LISTS = """{
  agreements(first: 200) { edges { node {
    settlements(first: 200) { edges { node { entries(first: 200) { edges { node { entry } } } } } }
  } } }
}"""

ATTACKS = {
    "aliases": ("{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }", "TOO_MANY_ALIASES"),
    "directives": ("{ __typename " + "@skip(if: false) " * 61 + "}", "TOO_MANY_DIRECTIVES"),
    "unknown directives": ("{ __typename " + "@a " * 61 + "}", "TOO_MANY_DIRECTIVES"),
    "fields": ("{ " + "__typename " * 601 + "}", "TOO_MANY_FIELDS"),
    "fields with selections": ("{ " + "zones { pageInfo { endCursor } } " * 300 + "}", "TOO_MANY_FIELDS"),
    "tokens": ("{ " + "__typename " * 5_000 + "}", "TOO_MANY_TOKENS"),
    "length": ("{ __typename } #" + "x" * 200_000, "DOCUMENT_TOO_LONG"),
    "a fragment bomb": (bomb(40), "TOO_MANY_FIELDS"),
    "deep nesting": (nested(20), "DOCUMENT_TOO_DEEP"),
    "deep nesting beyond the parser": ("{ a" * 500, "NESTED_TOO_DEEPLY"),
    "deep lists as a value": ("{ checkTerms(terms: " + "[" * 500 + "]" * 500 + ") }", "NESTED_TOO_DEEPLY"),
    "huge lists": (HUGE_LISTS, "TOO_COSTLY"),
    "circular introspection": (
        "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
        "REQUEST_UNREADABLE",
    ),
    "deep introspection": (
        "{ __schema { types { " + "ofType { " * 20 + "name" + " }" * 23,
        "DOCUMENT_TOO_DEEP",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_document_beyond_a_limit_is_refused_in_no_time_and_without_a_look_at_the_database(
    client: TestClient, name: str
) -> None:
    document, code = ATTACKS[name]
    signing_in: list[str] = []
    client.post("/graphql", json={"query": "{"})
    with listening(signing_in.append):
        client.post("/graphql", json={"query": "{"})
    statements: list[str] = []
    began = process_time()
    with listening(statements.append):
        answer = client.post("/graphql", json={"query": document}).json()
    assert code_of(answer) == code
    assert statements == signing_in
    assert process_time() - began < SECONDS_FOR_A_REFUSAL


def test_fragments_that_hold_each_other_are_refused_in_no_time(client: TestClient) -> None:
    names = [f"F{n}" for n in range(30)]
    spreads = " ".join(f"...{name}" for name in names)
    document = f"{{ ...F0 }} {' '.join(f'fragment {name} on Query {{ {spreads} }}' for name in names)}"
    began = process_time()
    errors = client.post("/graphql", json={"query": document}).json()["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"REQUEST_UNREADABLE"}
    assert process_time() - began < SECONDS_FOR_A_REFUSAL


@pytest.mark.parametrize(
    ("changes", "document", "code"),
    [
        ({"document_bytes_max": 10}, "{ __typename }", "DOCUMENT_TOO_LONG"),
        ({"tokens_max": 2}, "{ __typename }", "TOO_MANY_TOKENS"),
        ({"nesting_max": 1}, "{ __schema { description } }", "NESTED_TOO_DEEPLY"),
        ({"depth_max": 1}, "{ __schema { description } }", "DOCUMENT_TOO_DEEP"),
        ({"fields_max": 1}, "{ a: __typename b: __typename }", "TOO_MANY_FIELDS"),
        ({"aliases_max": 1}, "{ a: __typename b: __typename }", "TOO_MANY_ALIASES"),
        ({"directives_max": 1}, "{ __typename @skip(if: false) @include(if: true) }", "TOO_MANY_DIRECTIVES"),
        ({"cost_max": 1}, "{ a: __typename b: __typename }", "TOO_COSTLY"),
    ],
)
def test_every_limit_can_be_set(database_url: str, changes: dict[str, int], document: str, code: str) -> None:
    with asked(database_url) as ask:
        assert "errors" not in ask(document)
    with asked(database_url, **changes) as ask:
        assert code_of(ask(document)) == code


def test_values_in_variables_may_not_be_nested_too_deeply(client: TestClient) -> None:
    terms: list[Any] = []
    for _ in range(100):
        terms = [terms]
    asking = {"query": "query Q($t: JSON!) { checkTerms(terms: $t) { faults { code } } }"}
    answer = client.post("/graphql", json={**asking, "variables": {"t": terms}})
    assert code_of(answer.json()) == "NESTED_TOO_DEEPLY"


def test_a_body_that_nests_beyond_what_a_reader_bears_is_refused(client: TestClient) -> None:
    body = b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}}"
    response = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, code_of(response.json())) == (400, "REQUEST_MALFORMED")


def test_several_operations_in_one_request_are_refused(client: TestClient) -> None:
    response = client.post("/graphql", json=[{"query": "{ __typename }"}] * 2)
    assert (response.status_code, code_of(response.json())) == (400, "BATCH_REFUSED")


def test_of_several_operations_in_a_document_one_must_be_named(client: TestClient) -> None:
    query = "query A { __typename } query B { __typename }"
    assert code_of(client.post("/graphql", json={"query": query}).json()) == "OPERATION_UNCLEAR"
    named = client.post("/graphql", json={"query": query, "operationName": "B"}).json()
    assert named["data"] == {"__typename": "Query"}
    missing = client.post("/graphql", json={"query": query, "operationName": "C"}).json()
    assert code_of(missing) == "OPERATION_UNCLEAR"


def test_without_introspection_the_schema_is_neither_described_nor_hinted_at(
    database_url: str,
) -> None:
    hinted = '{ partie(code: "A") { id } }'
    with asked(database_url) as ask:
        assert "Did you mean" in str(ask(hinted))
    with asked(database_url, introspection=False) as ask:
        for document in (get_introspection_query(), '{ __type(name: "Query") { name } }'):
            assert code_of(ask(document)) == "INTROSPECTION_OFF"
        behind = "{ ...F } fragment F on Query { a: __schema { description } }"
        assert code_of(ask(behind)) == "INTROSPECTION_OFF"
        assert "Did you mean" not in str(ask(hinted))
        assert "partie" in str(ask(hinted))
        wrong_value = "query Q($k: PartyKind!) { parties(kind: $k) { pageInfo { endCursor } } }"
        assert "Did you mean" not in str(ask(wrong_value, k="ZONES"))
        assert ask("{ __typename }")["data"] == {"__typename": "Query"}


def test_the_page_to_ask_from_can_be_switched_off(database_url: str) -> None:
    with signed_in(database_url, settings=replace(DEFAULTS, ask_page=False)) as client:
        assert client.get("/ask").status_code == 404
        assert client.get("/graphql", headers={"accept": "text/html"}).status_code == 406


def test_nothing_of_how_an_answer_was_made_is_shown(client: TestClient) -> None:
    answer = client.post("/graphql", json={"query": "{ __typename }"}, headers={"x-apollo-tracing": "1"})
    assert answer.json()["extensions"].keys() == {"cost"}


def test_an_argument_is_never_part_of_a_statement(client: TestClient) -> None:
    document = "query Q($s: String!) { zones(search: $s) { edges { node { id } } } party(code: $s) { id } }"
    for written in ("' OR '1'='1", "'; DROP TABLE party; --", "%", "_", "\\", "$1", "{0}", "%s"):
        answer = client.post("/graphql", json={"query": document, "variables": {"s": written}}).json()
        assert answer["data"] == {"zones": {"edges": []}, "party": None}


def test_an_operation_that_takes_too_long_is_stopped(database_url: str) -> None:
    with asked(database_url, operation_seconds=0) as ask:
        assert code_of(ask("{ zones { edges { node { id } } } }")) == "OUT_OF_TIME"
        assert code_of(ask("{ ruleTemplates { name } }")) == "OUT_OF_TIME", "it computes without a statement"
        assert "errors" not in ask("{ __typename }")


# --- costs ------------------------------------------------------------------------------------------------


def cost(document: str, **variables: Any) -> int:
    parsed = parse(document)
    return cost_of(SCHEMA.core, parsed, limits.operations_of(parsed)[0], variables)


def test_what_is_below_a_page_counts_once_for_each_that_the_page_may_have() -> None:
    document = "query Q($n: Int! = 7) { zones(first: $n) { edges { node { code nameZh } } } }"
    assert cost(document, n=1) == 10 + 1 + (1 + 2)
    assert cost(document, n=200) == 10 + 1 + 200 * (1 + 2)
    assert cost(document) == 10 + 1 + 7 * (1 + 2)
    assert cost(document.replace("(first: $n)", "")) == 10 + 1 + 50 * (1 + 2)


def test_pages_within_pages_multiply() -> None:
    document = (
        "{ agreements(first: %d) { edges { node { settlements(first: %d) { edges { node { id } } } } } } }"
    )
    inner = 10 + 1 + 20 * (1 + 1)
    assert cost(document % (30, 20)) == 10 + 1 + 30 * (1 + inner)


def test_a_fragment_costs_what_it_holds_wherever_it_is_spread() -> None:
    written = cost("{ zones(first: 9) { edges { node { code nameZh } } } }")
    assert (
        cost(
            "{ zones(first: 9) { ...E } } fragment E on PartyConnection "
            "{ edges { node { ... on Party { code ... { nameZh } } } } }"
        )
        == written
    )


def test_a_list_of_ids_costs_by_its_length() -> None:
    document = "query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert cost(document, ids=["a"] * 5) == 1 + 5
    assert cost('{ nodes(ids: ["a", "b"]) { id } }') == 1 + 2


@pytest.mark.parametrize("first", [-5, 0, 10**9])
def test_a_page_of_a_length_that_will_be_refused_never_costs_less_than_nothing(first: int) -> None:
    assert cost(f"{{ zones(first: {first}) {{ edges {{ node {{ code }} }} }} }}") > 0


def test_every_field_with_a_cost_of_its_own_is_one_of_the_schema() -> None:
    for name in (*SIZES, *WEIGHTS):
        kind, _, field = name.partition(".")
        assert field in SCHEMA.core.type_map[kind].fields  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", documents())
def test_every_ready_document_is_within_all_limits(name: str) -> None:
    read = limits.read_within(documents()[name], DEFAULTS)
    (operation,) = limits.operations_of(read.document)
    assert cost_of(SCHEMA.core, read.document, operation, {}) <= DEFAULTS.cost_max


def test_an_answer_says_what_it_cost(client: TestClient) -> None:
    answer = client.post("/graphql", json={"query": "{ zones(first: 3) { edges { node { code } } } }"}).json()
    assert answer["extensions"] == {"cost": {"asked": 10 + 1 + 3 * 2, "most": DEFAULTS.cost_max}}
