"""Schemathesis makes documents up of the schema; nothing that it asks ends in an error nobody foresaw."""

from __future__ import annotations

import logging
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.graphql import nodes
from starlette.testclient import TestClient

from ledger_graphql.schema import printed

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


@pytest.mark.slow
def test_nothing_made_up_of_the_schema_ends_in_an_unexpected_error(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    operations = [one.ok() for one in SCHEMA.get_all_operations() if isinstance(one, Ok)]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()))
    def ask(case: schemathesis.Case[Any]) -> None:
        response = client.post("/graphql", json={"query": case.body})
        assert response.status_code < 500, case.body
        assert "UNEXPECTED_ERROR" not in response.text, case.body

    with caplog.at_level(logging.ERROR, "ledger_graphql"):
        ask()
    assert caplog.records == []
