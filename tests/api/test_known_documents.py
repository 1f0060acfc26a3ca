"""Trusted documents: asked for by their hash, and, where a server is set so, nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from starlette.testclient import TestClient

from ledger_graphql.documents import documents
from ledger_graphql.settings import ServiceSettings
from tests.api.journey import OPERATIONS
from tests.api.signed_in import signed_in

OWN = "# Who asks?\n{ __typename }\n"


def identifier(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def code_of(client: TestClient, **asking: object) -> str:
    (error,) = client.post("/graphql", json=asking).json()["errors"]
    code: str = error["extensions"]["code"]
    return code


def test_a_ready_document_is_asked_for_by_the_hash_of_its_file(client: TestClient) -> None:
    of_file = hashlib.sha256((OPERATIONS / "zones.graphql").read_bytes()).hexdigest()
    asking = {"documentId": f"sha256:{of_file}", "variables": {"first": 1}}
    assert (
        client.post("/graphql", json=asking).json()["data"]
        == client.get(
            "/graphql", params={"documentId": f"sha256:{of_file}", "variables": '{"first": 1}'}
        ).json()["data"]
    )


def test_an_identifier_of_nothing_known_is_refused(client: TestClient) -> None:
    for written in (identifier(OWN), "zones", "sha256:", identifier(documents()["zones"]).upper()):
        assert code_of(client, documentId=written) == "DOCUMENT_UNKNOWN"


def test_a_document_and_an_identifier_at_once_are_refused(client: TestClient) -> None:
    response = client.post("/graphql", json={"documentId": identifier(OWN), "query": OWN})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "REQUEST_MALFORMED"


def test_a_server_that_trusts_only_known_documents_runs_those_and_the_registered(
    database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "own.graphql").write_text(OWN)
    (tmp_path / "readme.txt").write_text("{ a: __typename }")
    settings = ServiceSettings(trusted_only=True, trusted_folder=tmp_path)
    with signed_in(database_url, settings=settings) as client:
        for known in ({"documentId": identifier(OWN)}, {"query": OWN}):
            assert client.post("/graphql", json=known).json()["data"] == {"__typename": "Query"}
        ready = {"query": documents()["zones"], "variables": {"first": 1}}
        assert client.post("/graphql", json=ready).json()["data"]["zones"]["edges"] == []
        for unknown in ("{ __typename }", OWN + " ", "{ a: __typename }", "nonsense {"):
            assert code_of(client, query=unknown) == "DOCUMENT_NOT_TRUSTED"


def test_the_identifiers_of_the_ready_documents_are_printed() -> None:
    command = [sys.executable, "-m", "ledger_graphql.documents_known"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert dict(line.split("  ")[::-1] for line in printed.splitlines()) == {
        name: identifier(text) for name, text in documents().items()
    }
