"""Schemathesis makes documents up of the schema; nothing that it asks ends in an error nobody foresaw."""

from __future__ import annotations

import logging
import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from ledger_graphql.schema import printed

EXAMPLES = int(os.environ.get("PARKLEDGER_SCHEMATHESIS_EXAMPLES", "60"))
SCHEMA = schemathesis.graphql.from_file(printed())


@pytest.mark.slow
def test_nothing_made_up_of_the_schema_ends_in_an_unexpected_error(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    operations = [one.ok() for one in SCHEMA.get_all_operations()]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()))
    def ask(case: schemathesis.Case) -> None:
        response = client.post("/graphql", json={"query": case.body})
        assert response.status_code < 500, case.body
        assert "UNEXPECTED_ERROR" not in response.text, case.body

    with caplog.at_level(logging.ERROR, "ledger_graphql"):
        ask()
    assert caplog.records == []
