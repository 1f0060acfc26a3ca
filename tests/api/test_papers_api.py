"""Papers over GraphQL and HTTP: downloads in every form, a party's quarter, and checking an identifier."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from ledger.desk.statements import pages
from tests.accounting import needs_chinese_font
from tests.api.journey import Api, Document, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms

CODE, OTHER = "PAPERS", "OTHER-PAPERS"
ZONE_QUERY = """
    query Known($at: DateTime) {
      zoneStatement(party: "ORIGIN", quarter: "2024Q1", knownAt: $at) { identifier knownAt }
    }
"""
IDENTIFIER_QUERY = """
    query Of($id: ID!) { agreement(code: "PAPERS") { settlementStatement(settlement: $id) { identifier } } }
"""


@pytest.fixture(scope="module")
def settled(module_database_url: str) -> Iterator[Api]:
    """What most tests look at and leave as it is."""
    with signed_in(module_database_url) as client:
        yield with_one_closed(Api(client))


@pytest.fixture(scope="module")
def client(settled: Api) -> TestClient:
    return settled.client


@pytest.fixture
def changing(database_url: str) -> Iterator[Api]:
    """The same, for a test that goes on with it."""
    with signed_in(database_url) as client:
        yield with_one_closed(Api(client))


def with_one_closed(api: Api) -> Api:
    """Two agreements of the same parties: 100.00 closed at halves in the one, nothing closed in the other."""
    for code in (CODE, OTHER):
        api.bring_into_force(terms(code, [tax()]))
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "100.00")])
    api.settle(CODE, "2024Q1")
    return api


def identifier_of(api: Api) -> str:
    shown = api.run("statement", code=CODE, quarter="2024Q1")["agreement"]["statement"]
    return str(shown["identifier"])


def download(client: TestClient, path: str, **parameters: str) -> Any:
    response = client.get(f"/files/{path}", params=parameters)
    assert response.status_code == 200, response.text
    return response


@pytest.mark.parametrize(
    ("form", "ending", "begins"),
    [
        ("xlsx", "xlsx", b"PK"),
        pytest.param("pdf", "pdf", b"%PDF-", marks=needs_chinese_font),
        ("hledger", "journal", b"; PAPERS"),
        ("beancount", "beancount", b"; PAPERS"),
    ],
)
@pytest.mark.usefixtures("settled")
def test_a_statement_is_downloaded_in_every_form(
    client: TestClient, form: str, ending: str, begins: bytes
) -> None:
    asked = {"agreement": CODE, "quarter": "2024Q1", "format": form}
    response = download(client, "statement", **asked)
    assert response.content.startswith(begins)
    assert f"{CODE}-2024Q1.{ending}" in response.headers["content-disposition"]


def test_the_path_that_a_paper_prints_shows_what_the_ledger_has(client: TestClient, settled: Api) -> None:
    identifier = identifier_of(settled)
    found = settled.run("check_statement", agreement=CODE, identifier=identifier)["statementByIdentifier"]
    assert (found["agreement"], found["quarter"], found["identifier"]) == (CODE, "2024Q1", identifier)
    assert [total["amount"]["text"] for total in found["totals"]] == ["50.00", "50.00"]
    path = settled.ask(
        'query P($i: String!) { statementByIdentifier(agreement: "PAPERS", identifier: $i) { checkPath } }',
        i=identifier,
    )["statementByIdentifier"]["checkPath"]
    text = client.get(path).text
    assert identifier in text
    assert found["allocationsHash"] in text


def test_an_identifier_that_nothing_bears_finds_nothing(client: TestClient, settled: Api) -> None:
    identifier = identifier_of(settled)
    for agreement, asked in (
        (CODE, f"{identifier[:-1]}{'0' if identifier[-1] != '0' else '1'}"),
        (OTHER, identifier),
        ("NONE", identifier),
    ):
        found = settled.run("check_statement", agreement=agreement, identifier=asked)
        assert found == {"statementByIdentifier": None}
        refused = client.get("/files/check", params={"agreement": agreement, "identifier": asked})
        assert (refused.status_code, refused.json()["code"]) == (404, "NOT_FOUND")


def test_a_settlement_that_is_not_closed_can_be_checked_and_says_so(changing: Api) -> None:
    changing.hand_in(CODE, "2024Q2", [Figure("retained_tax", "1.00")])
    changing.change("compute_settlement", agreement=CODE, quarter="2024Q2")
    computed = changing.ask(
        '{ agreement(code: "PAPERS") { settlements(quarter: "2024Q2") { edges { node { id } } } } }'
    )["agreement"]["settlements"]["edges"][0]["node"]["id"]
    shown = changing.ask(IDENTIFIER_QUERY, id=computed)["agreement"]["settlementStatement"]
    found = changing.run("check_statement", agreement=CODE, identifier=shown["identifier"])
    assert found["statementByIdentifier"]["closedAt"] is None
    asked = {"agreement": CODE, "identifier": shown["identifier"]}
    assert "未结" in download(changing.client, "check", **asked).text
    assert "not closed" in download(changing.client, "check", **asked, language="en").text


@pytest.mark.usefixtures("settled")
def test_a_journal_is_downloaded_through_a_closed_quarter(client: TestClient) -> None:
    asked = {"agreement": CODE, "through": "2024Q1", "format": "beancount", "language": "en"}
    assert (
        "balance Assets:Cash:A-PAPERS:Clause1:Due:P-ORIGIN  50.00 ~ 0 CNY"
        in download(client, "journal", **asked).text
    )


def test_a_partys_quarter_has_what_is_closed_and_names_what_is_not(client: TestClient, settled: Api) -> None:
    shown = settled.run("zone_statement", party="ORIGIN", quarter="2024Q1")["zoneStatement"]
    closed = {one["code"]: (one["identifier"], one["closedAt"] is not None) for one in shown["agreements"]}
    assert closed == {CODE: (identifier_of(settled), True), OTHER: (None, False)}
    assert [one["counterparties"][0]["code"] for one in shown["agreements"]] == ["HOST", "HOST"]
    (line,) = [edge["node"] for edge in shown["lines"]["edges"]]
    assert (line["agreement"], line["clause"], line["kind"]) == (CODE, 1, "DUE")
    assert line["amount"] == {"text": "50.00", "book": "CASH", "commodity": {"code": "CNY"}}
    text = download(client, "zone-statement", party="ORIGIN", quarter="2024Q1").text
    assert shown["identifier"] in text
    assert "未结：1 项协议" in text


def test_a_partys_quarter_as_known_at_a_moment_stays_the_same(changing: Api) -> None:
    before = changing.ask(ZONE_QUERY)["zoneStatement"]
    changing.hand_in(OTHER, "2024Q1", [Figure("retained_tax", "7.00")])
    changing.settle(OTHER, "2024Q1")
    assert changing.ask(ZONE_QUERY)["zoneStatement"]["identifier"] != before["identifier"]
    assert changing.ask(ZONE_QUERY, at=before["knownAt"])["zoneStatement"] == before
    asked = {"party": "ORIGIN", "quarter": "2024Q1", "knownAt": before["knownAt"]}
    printed = download(changing.client, "zone-statement", **asked).text
    path = next(line for line in printed.splitlines() if "/files/zone-statement" in line).partition("：")[2]
    assert changing.client.get(path).text == printed


@pytest.mark.parametrize("form", ["csv", "xlsx", pytest.param("pdf", marks=needs_chinese_font)])
@pytest.mark.usefixtures("settled")
def test_a_partys_quarter_is_downloaded_in_every_form(client: TestClient, form: str) -> None:
    content = download(client, "zone-statement", party="ORIGIN", quarter="2024Q1", format=form).content
    if form == "csv":
        assert "50.00" in content.decode("utf-8-sig")
    if form == "xlsx":
        rows = (
            CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("明细 现金账").to_python()
        )
        assert [rows[-1][0], *rows[-1][6:9]] == [CODE, 50.0, 0.005, "50.00"]
    if form == "pdf":
        assert content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("path", "parameters", "status", "code"),
    [
        ("statement", {"agreement": CODE, "quarter": "2024Q2"}, 404, "QUARTER_NOT_CLOSED"),
        ("journal", {"agreement": CODE, "through": "2024Q2"}, 404, "QUARTER_NOT_CLOSED"),
        ("journal", {"agreement": CODE, "through": "2024Q1", "format": "pdf"}, 400, "PARAMETER_UNUSABLE"),
        ("zone-statement", {"party": "NONE", "quarter": "2024Q1"}, 404, "NOT_FOUND"),
        (
            "zone-statement",
            {"party": "ORIGIN", "quarter": "2024Q1", "knownAt": "then"},
            400,
            "PARAMETER_UNUSABLE",
        ),
        (
            "zone-statement",
            {"party": "ORIGIN", "quarter": "2024Q1", "knownAt": "2024-01-01"},
            400,
            "PARAMETER_UNUSABLE",
        ),
        ("check", {"agreement": CODE}, 400, "PARAMETER_UNUSABLE"),
    ],
)
@pytest.mark.usefixtures("settled")
def test_a_paper_that_cannot_be_made_is_refused_with_a_code(
    client: TestClient, path: str, parameters: dict[str, str], status: int, code: str
) -> None:
    response = client.get(f"/files/{path}", params=parameters)
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.usefixtures("settled")
def test_a_server_without_a_chinese_font_says_how_to_get_one(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "CHINESE_FAMILIES", ())
    monkeypatch.delenv("PARKLEDGER_FONTS", raising=False)
    pages.fonts_of.cache_clear()
    response = client.get(
        "/files/statement", params={"agreement": CODE, "quarter": "2024Q1", "format": "pdf"}
    )
    assert (response.status_code, response.json()["code"]) == (503, "CHINESE_FONT_MISSING")
    assert "apt-get install" in response.json()["messageZh"]


def test_no_statement_is_there_for_a_party_that_is_not(api: Api) -> None:
    asked: Document = api.run("zone_statement", party="NONE", quarter="2024Q1")
    assert asked == {"zoneStatement": None}
