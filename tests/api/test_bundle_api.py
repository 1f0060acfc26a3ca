"""Bundles and excerpts through the API and over plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.desk import bundles, log
from ledger.desk.log import LogFiles
from ledger.evidence.bundles import Bundle
from ledger.evidence.excerpts import Excerpt
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


EXCERPT = """
    query Excerpt($quarter: Quarter, $enterprise: String!) {
      agreement(code: "L-1") {
        settlements(quarter: $quarter) { edges { node { excerpt(enterprise: $enterprise) } } }
      }
    }
"""
CODES = ["91110108MA00000197", "91110108MA0000023M"]


@pytest.fixture
def listed(database_url: str, files: LogFiles) -> Iterator[SignedInClient]:
    """A client of a server that keeps the log; a quarter of two enterprises is closed, the next computed."""
    with signed_in(database_url, log_files=files) as client:
        api = Api(client)
        clause = tax()
        clause["whose"]["scope"] = "listed_enterprises"
        api.bring_into_force(terms("L-1", [clause]))
        api.confirm_list("L-1", [{"creditCode": code, "nameZh": f"企业{code[-1]}"} for code in CODES])
        figures = [Figure("retained_tax", "100.00", credit_code=code) for code in CODES]
        api.hand_in("L-1", "2024Q1", figures)
        api.settle("L-1", "2024Q1")
        api.hand_in("L-1", "2024Q2", figures)
        api.change("compute_settlement", agreement="L-1", quarter="2024Q2")
        database = Database(database_url)
        log.sequence(database, files)
        database.dispose()
        yield client


def test_the_api_and_the_download_give_the_same_excerpt_and_it_holds(
    listed: SignedInClient, files: LogFiles
) -> None:
    parameters = {"agreement": "L-1", "quarter": "2024Q1", "enterprise": CODES[0]}
    response = listed.get("/files/excerpt", params=parameters)
    assert response.status_code == 200, response.text
    assert f"L-1-2024Q1-{CODES[0]}.excerpt.json" in response.headers["content-disposition"]
    trust = bundles.Trust(files.signer().verifier)
    said = [each.en for each in bundles.checked(response.content, trust)]
    assert said[-1] == "The excerpt holds."
    assert Excerpt.parse(response.content).credit_code == CODES[0]
    assert CODES[1] not in response.text
    shown = Api(listed).ask(EXCERPT, quarter="2024Q1", enterprise=CODES[0])
    edges = shown["agreement"]["settlements"]["edges"]
    assert [edge["node"]["excerpt"].encode() for edge in edges] == [response.content]


def test_what_isnt_closed_or_unknown_has_no_excerpt(listed: SignedInClient) -> None:
    api = Api(listed)
    shown = api.ask(EXCERPT, quarter="2024Q2", enterprise=CODES[0])["agreement"]["settlements"]["edges"]
    assert [edge["node"] for edge in shown] == [{"excerpt": None}]
    answer = api.answer(EXCERPT, quarter="2024Q1", enterprise="91110108MA000003XX")
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    parameters = {"agreement": "L-1", "quarter": "2024Q1"}
    assert listed.get("/files/excerpt", params=parameters).status_code == 400
