"""Nodes, connections and cursors are as Relay's specifications ask, all over the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_object_type,
)

from ledger_graphql.connections import global_id
from ledger_graphql.nodes import _LOADS, _LOADS_OF_AGREEMENT
from ledger_graphql.schema import SCHEMA
from tests.api.journey import Api, Figure
from tests.api.terms_documents import tax, terms

TYPES = {name: kind for name, kind in SCHEMA.core.type_map.items() if is_object_type(kind)}
CONNECTIONS = sorted(name for name in TYPES if name.endswith("Connection"))


def fields_of(name: str) -> Mapping[str, GraphQLField]:
    kind = SCHEMA.core.type_map[name]
    assert isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType))
    fields: Mapping[str, GraphQLField] = kind.fields
    return fields


def types_of(name: str) -> dict[str, str]:
    return {field: str(value.type) for field, value in fields_of(name).items()}


def fields_with_pages() -> Iterator[tuple[str, GraphQLField]]:
    """Every field that gives a connection."""
    for name in TYPES:
        for field, value in fields_of(name).items():
            if get_named_type(value.type).name in CONNECTIONS:
                yield f"{name}.{field}", value


# --- shapes -----------------------------------------------------------------------------------------------


def test_a_node_has_an_id_and_is_found_again_by_it() -> None:
    assert types_of("Node") == {"id": "ID!"}
    node, nodes = fields_of("Query")["node"], fields_of("Query")["nodes"]
    assert (str(node.type), {name: str(one.type) for name, one in node.args.items()}) == (
        "Node",
        {"id": "ID!"},
    )
    assert str(nodes.type) == "[Node]!"
    assert {name: str(one.type) for name, one in nodes.args.items()} == {"ids": "[ID!]!"}


def test_every_type_with_a_global_id_is_loaded_by_it() -> None:
    with_ids = {kind.name for kind in SCHEMA.core.get_possible_types(SCHEMA.core.type_map["Node"])}  # type: ignore[arg-type]
    assert with_ids == _LOADS.keys() | _LOADS_OF_AGREEMENT.keys()


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_connection_has_edges_of_its_nodes_and_a_page_info(name: str) -> None:
    fields = types_of(name)
    edge = name.removesuffix("Connection") + "Edge"
    assert fields["edges"] == f"[{edge}!]!"
    assert fields["pageInfo"] == "PageInfo!"
    assert types_of(edge).keys() == {"node", "cursor"}
    assert types_of(edge)["cursor"] == "String!"
    node = get_nullable_type(fields_of(edge)["node"].type)
    assert not is_list_type(node)


def test_the_page_info_is_relays() -> None:
    assert types_of("PageInfo") == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


def test_every_connection_is_cut_by_first_and_after_alone() -> None:
    found = dict(fields_with_pages())
    assert len(found) > 30
    for name, field in found.items():
        arguments = {argument: str(one.type) for argument, one in field.args.items()}
        assert (arguments["first"], arguments["after"]) == ("Int!", "String"), name
        assert not arguments.keys() & {"last", "before", "offset", "page", "limit"}, name
        assert str(field.type).endswith("!"), name


def test_no_list_of_edges_or_cursor_stands_outside_of_a_connection() -> None:
    edges = {name.removesuffix("Connection") + "Edge" for name in CONNECTIONS}
    for name in TYPES:
        if name not in CONNECTIONS:
            assert not edges & {get_named_type(one.type).name for one in fields_of(name).values()}


# --- pages of a ledger ------------------------------------------------------------------------------------

PAGE = (
    "(first: $first, after: $after%s) { edges { cursor node { __typename } } pageInfo { hasNextPage "
    "hasPreviousPage startCursor endCursor } }"
)
AGREEMENT = 'agreement(code: "A") { %s }'
SETTLEMENT = AGREEMENT % "settlements(first: 1) { edges { node { %s } } }"
FILING = AGREEMENT % "filings(first: 1) { edges { node { %s } } }"
STATEMENT = AGREEMENT % 'statement(quarter: "2024Q1") { clauses { %s } }'
LEG = "legs(first: 1) { edges { node { %s } } }"
SEARCH = "search(criteria: {}) { %s }"

PAGES = {
    "Query.zones": "page: zones" + PAGE % "",
    "Query.parties": "page: parties" + PAGE % "",
    "Query.agreements": "page: agreements" + PAGE % "",
    "Query.events": "page: events" + PAGE % "",
    "Query.legs": "page: legs" + PAGE % "",
    "Query.arrears": "page: arrears" + PAGE % ', party: "HOST", asOf: "2030-01-01"',
    "Query.worklist": "page: worklist" + PAGE % ', party: "HOST", today: "2024-08-01"',
    "Query.duties": "page: duties" + PAGE % ', party: "HOST", today: "2024-08-01"',
    "Query.balances": "page: balances" + PAGE % ', party: "ORIGIN", through: "2024Q2"',
    "Agreement.filings": AGREEMENT % ("page: filings" + PAGE % ""),
    "Agreement.settlements": AGREEMENT % ("page: settlements" + PAGE % ""),
    "Agreement.events": AGREEMENT % ("page: events" + PAGE % ""),
    "Settlement.allocations": SETTLEMENT % ("page: allocations" + PAGE % ""),
    "Settlement.entries": SETTLEMENT % ("page: entries" + PAGE % ""),
    "Filing.lines": FILING % ("page: lines" + PAGE % ""),
    "ClauseStatement.figures": STATEMENT % ("page: figures" + PAGE % ""),
    "ClauseStatement.allocations": STATEMENT % ("page: allocations" + PAGE % ""),
    "ZoneStatement.lines": 'zoneStatement(party: "ORIGIN", quarter: "2024Q1") { %s }'
    % ("page: lines" + PAGE % ""),
    "Leg.allocations": LEG % ("page: allocations" + PAGE % ""),
    "Search.allocations": SEARCH % ("page: allocations" + PAGE % ""),
    "Search.settlements": SEARCH % ("page: settlements" + PAGE % ""),
    "Search.events": SEARCH % ("page: events" + PAGE % ""),
}
"""How to get to each page of a ledger with an agreement of two quarters."""


@pytest.fixture
def settled(api: Api) -> Api:
    """Two agreements, the first with two closed quarters."""
    for code in ("A", "B"):
        api.bring_into_force(terms(code, [tax(), tax(number=2)]))
    for quarter in ("2024Q1", "2024Q2"):
        figures = [
            Figure("retained_tax", "100.01", span=f"{quarter[:4]}-{month:02}", document="票据")
            for month in range(int(quarter[-1]) * 3 - 2, int(quarter[-1]) * 3 + 1)
        ]
        api.hand_in("A", quarter, figures)
        api.settle("A", quarter)
    return api


def page_in(answer: Any) -> Any:
    """The first value under the key "page"."""
    waiting = [answer]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            if "page" in one:
                return one["page"]
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    raise AssertionError("there is no page")


def test_pages_of_one_put_together_are_the_whole_list_with_the_same_cursors(settled: Api) -> None:
    lengths = {}
    for name, body in PAGES.items():
        document = f"query Page($first: Int!, $after: String) {{ {body} }}"
        whole = page_in(settled.ask(document, first=200))
        cursors = [edge["cursor"] for edge in whole["edges"]]
        assert len(set(cursors)) == len(cursors), name
        assert whole["pageInfo"] == {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        }, name
        after = None
        for position, edge in enumerate(whole["edges"][:8]):
            page = page_in(settled.ask(document, first=1, after=after))
            assert page["edges"] == [edge], name
            assert page["pageInfo"] == {
                "hasNextPage": position + 1 < len(cursors),
                "hasPreviousPage": position > 0,
                "startCursor": edge["cursor"],
                "endCursor": edge["cursor"],
            }, name
            after = edge["cursor"]
        lengths[name] = len(cursors)
    assert {name for name, length in lengths.items() if length < 2} == {
        "Query.arrears",
        "Query.duties",
        "Query.worklist",
    }


def test_a_length_or_a_cursor_that_is_none_of_the_list_is_refused_everywhere(settled: Api) -> None:
    for name, body in PAGES.items():
        document = f"query Page($first: Int!, $after: String) {{ {body} }}"
        for first, after, code in [
            (0, None, "LIMIT_UNUSABLE"),
            (201, None, "LIMIT_UNUSABLE"),
            (1, "nonsense", "CURSOR_UNREADABLE"),
            (1, "WyJ4IiwxLCJ5Il0=", "CURSOR_UNREADABLE"),
        ]:
            errors = settled.answer(document, first=first, after=after).get("errors", [])
            assert {error["extensions"]["code"] for error in errors} == {code}, (name, first, after)


def test_a_node_is_found_under_the_id_that_it_gave(settled: Api) -> None:
    found = settled.ask('{ parties(first: 1) { edges { node { id } } } agreement(code: "A") { id } }')
    ids = [found["parties"]["edges"][0]["node"]["id"], found["agreement"]["id"]]
    assert [
        settled.ask("query N($id: ID!) { node(id: $id) { id } }", id=one)["node"]["id"] for one in ids
    ] == ids
    assert settled.ask("query N($id: ID!) { node(id: $id) { id } }", id=global_id("Party", 1)) == {
        "node": None
    }
