"""Bundles through the API and over plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.desk import bundles, log
from ledger.desk.log import LogFiles
from ledger.evidence.bundles import Bundle
from ledger_schema.sessions import Database
from tests.api.journey import Api, Figure
from tests.api.signed_in import SignedInClient, signed_in
from tests.api.terms_documents import tax, terms

QUERY = """
    query Bundle($quarter: Quarter) {
      agreement(code: "A-1") { settlements(quarter: $quarter) { edges { node { isClosed bundle } } } }
    }
"""


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path)


@pytest.fixture
def client(database_url: str, files: LogFiles) -> Iterator[SignedInClient]:
    """A client of a server that keeps the log; one quarter is closed, the next one computed."""
    with signed_in(database_url) as client:
        api = Api(client)
        api.bring_into_force(terms("A-1", [tax()]))
        api.hand_in("A-1", "2024Q1", [Figure("retained_tax", "100.00")])
        api.settle("A-1", "2024Q1")
        api.hand_in("A-1", "2024Q2", [Figure("retained_tax", "50.00")])
        api.change("compute_settlement", agreement="A-1", quarter="2024Q2")
    database = Database(database_url)
    log.sequence(database, files)
    database.dispose()
    with signed_in(database_url, log_files=files) as client:
        yield client


def test_the_api_and_the_download_give_the_same_bundle_and_it_holds(
    client: SignedInClient, files: LogFiles
) -> None:
    response = client.get("/files/bundle", params={"agreement": "A-1", "quarter": "2024Q1"})
    assert response.status_code == 200, response.text
    assert "A-1-2024Q1.bundle.json" in response.headers["content-disposition"]
    trust = bundles.Trust(files.signer().verifier)
    assert len(list(bundles.verify(Bundle.parse(response.content), trust))) > 5
    shown = Api(client).ask(QUERY, quarter="2024Q1")["agreement"]["settlements"]["edges"]
    assert [edge["node"]["bundle"].encode() for edge in shown] == [response.content]


def test_what_isnt_closed_has_no_bundle(client: SignedInClient) -> None:
    shown = Api(client).ask(QUERY, quarter="2024Q2")["agreement"]["settlements"]["edges"]
    assert [edge["node"] for edge in shown] == [{"isClosed": False, "bundle": None}]
    response = client.get("/files/bundle", params={"agreement": "A-1", "quarter": "2024Q2"})
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")


def test_a_server_without_a_log_has_no_bundles(database_url: str, client: SignedInClient) -> None:
    assert client.get("/health").status_code == 200
    with signed_in(database_url) as other:
        response = other.get("/files/bundle", params={"agreement": "A-1", "quarter": "2024Q1"})
    assert response.json()["code"] == "LOG_NOT_KEPT"
