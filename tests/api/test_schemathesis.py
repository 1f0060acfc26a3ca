"""Schemathesis makes documents up of the schema; nothing that it asks ends in an error nobody foresaw."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import pytest
import schemathesis
from graphql import (
    ArgumentNode,
    ListValueNode,
    ObjectFieldNode,
    StringValueNode,
    ValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.graphql import nodes
from starlette.testclient import TestClient

from ledger_graphql.schema import printed
from tests.api.journey import Api, Figure
from tests.api.terms_documents import tax, terms

VALUES = {
    "Amount": ["0", "1.00", "-5.5", "999999999999999999.999999", "1e3"],
    "Bytes": ["", "AAAA", "!"],
    "Date": ["2024-02-29", "0001-01-01", "9999-12-31", "2024-13-01"],
    "DateTime": ["2024-01-01T00:00:00Z", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-12:00", "now"],
    "Hash": ["00" * 32, "ff" * 32, "0"],
    "Quarter": ["2024Q1", "0001Q1", "9999Q4", "2024Q5"],
    "Span": ["2024Q1", "2024-07", "2024-13"],
    "WrittenAmount": ["1.00", "一", ""],
    "WrittenSpan": ["2024Q1", "2024-07", ""],
}
"""Of each scalar some that can be read, some at its edges, and some that can't."""

for scalar, values in VALUES.items():
    schemathesis.graphql.scalar(scalar, st.sampled_from(values).map(nodes.String))
schemathesis.graphql.scalar(
    "JSON",
    st.one_of(
        st.just(nodes.Null), st.integers().map(nodes.Int), st.just(nodes.List([])), st.just(nodes.Object([]))
    ),
)

EXAMPLES = int(os.environ.get("PARKLEDGER_SCHEMATHESIS_EXAMPLES", "60"))
SCHEMA = schemathesis.graphql.from_file(printed())


Choose: TypeAlias = Callable[[Sequence[Any]], Any]
Named = TypeVar("Named", ArgumentNode, ObjectFieldNode)

PARTIES = ("HOST", "ORIGIN")
KNOWN: dict[str, Sequence[str]] = {
    "agreement": ("TEST",),
    "code": ("TEST", *PARTIES),
    **dict.fromkeys(("role", "referredBy", "addressed"), ("host", "origin")),
    **dict.fromkeys(("party", "otherParty", "other", "parties", "payer", "payee"), PARTIES),
    **dict.fromkeys(("zone", "owner", "counterparty", "reviewer", "provider"), PARTIES),
    "measure": ("retained_tax",),
    "quarter": ("2024Q1", "2024Q2"),
}
"""Of arguments and fields of inputs, by their names, what the ledger of this test has."""
IDS = (
    *("application", "claim", "event", "filing", "id", "ids", "leg", "netting", "order", "payment"),
    *("review", "settlement", "subject", "voucher"),
)


@dataclass(frozen=True)
class Known:
    """What is there to be asked for, by the name of the argument or field that asks."""

    by_name: Mapping[str, Sequence[str]]

    def into(self, document: str, choose: Choose) -> str:
        """The document with texts at their places exchanged for some that lead somewhere, mostly."""
        known, tree = self.by_name, parse(document)

        class Exchange(Visitor):
            def enter_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode | None:
                return self._with_known(node)

            def leave_object_field(self, node: ObjectFieldNode, *_: Any) -> ObjectFieldNode | None:
                return self._with_known(node)

            def _with_known(self, node: Named) -> Named | None:
                values = known.get(node.name.value)
                if values is None or not choose((False, True, True, True)):
                    return None
                return replace(node, value=exchanged(node.value, values))

        def exchanged(value: ValueNode, values: Sequence[str]) -> ValueNode:
            match value:
                case StringValueNode():
                    return StringValueNode(value=choose(values), block=False)
                case ListValueNode():
                    return ListValueNode(values=tuple(exchanged(one, values) for one in value.values))
            return value

        return print_ast(visit(tree, Exchange()))


@pytest.fixture
def known(api: Api) -> Known:
    """A ledger with a settled quarter: its codes, ids and cursors."""
    api.bring_into_force(terms("TEST", [tax()]))
    api.hand_in("TEST", "2024Q1", [Figure("retained_tax", "100.00")])
    api.settle("TEST", "2024Q1")
    answers = [
        api.run(name, code="TEST", first=20) for name in ("agreement", "settlements", "returns", "all_events")
    ]
    found: dict[str, list[str]] = {"id": [], "cursor": []}
    for name, text in texts(answers):
        found.get({"endCursor": "cursor"}.get(name, name), []).append(text)
    assert found["id"]
    assert found["cursor"]
    return Known({**KNOWN, **dict.fromkeys(IDS, found["id"]), "after": found["cursor"]})


def texts(answer: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an answer with the name of its field."""
    match answer:
        case str():
            yield name, answer
        case list():
            for one in answer:
                yield from texts(one, name)
        case dict():
            for inner, value in answer.items():
                yield from texts(value, inner)


@pytest.mark.slow
def test_nothing_made_up_of_the_schema_ends_in_an_unexpected_error(
    client: TestClient, known: Known, caplog: pytest.LogCaptureFixture
) -> None:
    operations = [one.ok() for one in SCHEMA.get_all_operations() if isinstance(one, Ok)]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()), data=st.data()
    )
    def ask(case: schemathesis.Case[Any], data: st.DataObject) -> None:
        document = known.into(str(case.body), lambda values: data.draw(st.sampled_from(values)))
        response = client.post("/graphql", json={"query": document})
        assert response.status_code < 500, document
        assert "UNEXPECTED_ERROR" not in response.text, document

    with caplog.at_level(logging.ERROR, "ledger_graphql"):
        ask()
    assert caplog.records == []


def test_a_document_is_led_to_what_is_there_and_stays_a_document() -> None:
    known = Known({"code": ["TEST"], "ids": ["a"], "role": ["host"]})
    query = '{{ a(code: "{}") {{ id }} nodes(ids: ["{}", "{}"]) {{ id }} b(by: {{role: "{}", at: "u"}}) }}'
    made_up, led = query.format("x", "y", "z", "r"), query.format("TEST", "a", "a", "host")
    assert known.into(made_up, lambda values: values[-1]) == print_ast(parse(led))
    assert known.into(made_up, lambda values: values[0]) == print_ast(parse(made_up))
