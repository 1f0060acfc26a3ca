"""The main job, end to end, through GraphQL alone: from an agreement's draft to a figure's history."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it ships no type hints
from starlette.testclient import TestClient

from ledger.desk.enterprises import credit_code_check_character
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import example, statistic, tax, terms

CODE = "MAIN-JOB"
FIGURES = [
    Figure("retained_tax", "1000000.00", document="完税证明 1"),
    Figure("industrial_output", "8000000.00"),
]
NOW_QUERY = "query Now($code: String!) { agreement(code: $code) { openQuarter } }"


def main_terms(origin: str = "2/5", host: str = "3/5", since: str = "2024Q1") -> Document:
    worked = example([("2024Q1", "retained_tax", "100.00")], [("2024Q1", "2024Q1", "origin", "40.00")])
    clauses = [
        tax({"origin": origin, "host": host}, examples=[worked] if origin == "2/5" else None),
        statistic("industrial_output", "full_to_each", {"origin": "1", "host": "1"}, number=2),
    ]
    return terms(CODE, clauses, since=since)


@pytest.fixture
def settled(api: Api) -> Api:
    """Two quarters closed: the first handed in as a file, the second as lines."""
    api.bring_into_force(main_terms())
    api.change("hand_in_return_file", **file_input("2024Q1"))
    api.settle(CODE, "2024Q1")
    api.hand_in(CODE, "2024Q2", FIGURES)
    api.settle(CODE, "2024Q2")
    return api


def test_an_agreement_is_text_in_both_languages_and_its_signatures_are_those_of_the_parties(api: Api) -> None:
    api.bring_into_force(main_terms())
    for language, word in (("ZH", "税"), ("EN", "tax")):
        shown = api.run("agreement", code=CODE, language=language)["agreement"]
        (version,) = shown["versions"]
        assert word in version["text"]
        assert version["state"] == "IN_FORCE"
        assert [signature["role"] for signature in version["signatures"]] == ["host", "origin"]
        assert shown["openQuarter"] == "2024Q1"


def test_a_file_and_lines_with_the_same_figures_are_settled_alike(settled: Api) -> None:
    booked = settled.booked(CODE)
    expected = {
        (1, "CASH"): {"ORIGIN": "400000.00", "HOST": "600000.00"},
        (2, "ASSESSMENT"): {"ORIGIN": "8000000.00", "HOST": "8000000.00"},
        (2, "OFFICIAL"): {"HOST": "8000000.00"},
    }
    for quarter in ("2024Q1", "2024Q2"):
        assert {(key[1], key[2]): value for key, value in booked.items() if key[0] == quarter} == expected


def test_the_template_workbook_comes_back_filled_in(api: Api) -> None:
    api.bring_into_force(main_terms())
    made = api.run("template_workbook", code=CODE, role="host", quarter="2024Q1")["agreement"][
        "templateWorkbook"
    ]
    assert made["fileName"] == f"{CODE}-host-2024Q1.xlsx"
    assert base64.b64decode(made["base64"]).startswith(b"PK")
    refused = api.attempt("hand_in_return_file", **file_input("2024Q1", base64.b64decode(made["base64"])))
    assert refused["__typename"] == "ReturnRefused"


def test_a_filled_in_workbook_is_taken(api: Api) -> None:
    api.bring_into_force(main_terms())
    taken = api.change("hand_in_return_file", **file_input("2024Q1", workbook()))
    assert taken["filing"]["lineCount"] == 2


def test_the_preview_says_what_is_missing_and_then_what_will_be_booked(api: Api) -> None:
    api.bring_into_force(main_terms())
    before = api.run("preview", code=CODE)["agreement"]["preview"]
    assert before["missing"] == [{"role": "host", "quarter": "2024Q1"}]
    assert before["net"] == []
    api.hand_in(CODE, "2024Q1", FIGURES)
    after = api.run("preview", code=CODE)["agreement"]["preview"]
    assert after["missing"] == []
    computed = api.change("compute_settlement", agreement=CODE, quarter="2024Q1")["settlement"]
    assert after["net"] == computed["net"]
    assert api.ask(NOW_QUERY, code=CODE)["agreement"]["openQuarter"] == "2024Q1"


def test_the_statement_is_data_and_text(settled: Api) -> None:
    shown = settled.run("statement", code=CODE, quarter="2024Q1")["agreement"]["statement"]
    cash = {(total["party"]["code"], total["kind"]): total["amount"]["text"] for total in shown["totals"]}
    assert cash[("ORIGIN", "DUE")] == "400000.00"
    (read,) = [edge["node"] for edge in shown["clauses"][0]["figures"]["edges"]]
    assert (read["amount"]["text"], read["document"]) == ("1000000.00", "完税证明 1")
    assert "40.00" in shown["text"]
    english = settled.run("statement", code=CODE, quarter="2024Q1", language="EN", unit="YUAN")
    assert "400,000.00" in english["agreement"]["statement"]["text"]


def test_a_computed_settlement_has_a_statement_before_it_is_closed(settled: Api) -> None:
    settled.hand_in(CODE, "2024Q3", FIGURES)
    computed = settled.change("compute_settlement", agreement=CODE, quarter="2024Q3")["settlement"]
    document = """
        query Draft($code: String!, $settlement: ID!) {
          agreement(code: $code) {
            statement(quarter: "2024Q3") { identifier }
            settlementStatement(settlement: $settlement) { closedAt text(language: ZH) }
          }
        }
    """
    shown = settled.ask(document, code=CODE, settlement=computed["id"])["agreement"]
    assert shown["statement"] is None
    assert shown["settlementStatement"]["closedAt"] is None
    assert "未关账" in shown["settlementStatement"]["text"]


def test_a_quarter_without_a_statement_says_why(api: Api) -> None:
    api.bring_into_force(terms(CODE, main_terms()["clauses"], last_quarter="2024Q2"))
    before = standing_of(api, "2023Q4")
    assert before == {"state": "BEFORE_THE_AGREEMENT", "missing": []}
    assert standing_of(api, "2024Q3") == {"state": "AFTER_ITS_END", "missing": []}
    not_yet = {"state": "NOT_SETTLED_YET", "missing": [{"role": "host", "quarter": "2024Q1"}]}
    assert standing_of(api, "2024Q1") == not_yet
    api.hand_in(CODE, "2024Q1", FIGURES)
    assert standing_of(api, "2024Q1") == {"state": "NOT_SETTLED_YET", "missing": []}
    api.settle(CODE, "2024Q1")
    assert standing_of(api, "2024Q1") == {"state": "SETTLED", "missing": []}
    assert standing_of(api, "2024Q1", "2024-01-01T00:00:00Z") == {
        "state": "BEFORE_THE_AGREEMENT",
        "missing": [],
    }


def test_a_draft_has_no_quarter_of_its_own(api: Api) -> None:
    api.draft(main_terms())
    assert standing_of(api, "2024Q1") == {"state": "BEFORE_THE_AGREEMENT", "missing": []}


def standing_of(api: Api, quarter: str, known_at: str | None = None) -> Document:
    """Where the quarter stands; a statement is there exactly where it is settled."""
    shown = api.run("statement", code=CODE, quarter=quarter, knownAt=known_at)["agreement"]
    standing: Document = shown["quarterStanding"]
    assert (shown["statement"] is not None) == (standing["state"] == "SETTLED")
    return standing


def test_journal_entries_balance_in_each_book_and_commodity(settled: Api) -> None:
    for settlement in settled.settlements(CODE):
        for edge in settlement["entries"]["edges"]:
            assert sum(int(posting["amount"]["minor"]) for posting in edge["node"]["postings"]) == 0


def test_a_correction_shows_as_a_named_true_up_and_earlier_knowledge_stays(settled: Api) -> None:
    before = settled.settlements(CODE, "2024Q2")[0]
    closed_at = moment_of(settled, before["id"])
    settled.hand_in(CODE, "2024Q1", [Figure("retained_tax", "1000001.00"), FIGURES[1]])
    settled.hand_in(CODE, "2024Q3", FIGURES)
    closing = settled.settle(CODE, "2024Q3")
    assert [(cause["kind"], cause["quarter"]) for cause in closing["causes"]] == [
        ("CORRECTION", "2024Q1"),
        ("QUARTER", "2024Q3"),
    ]

    now = settled.run("figures", code=CODE, quarter="2024Q1", **{"from": closed_at})["agreement"]
    then = settled.run("figures", code=CODE, quarter="2024Q1", knownAt=closed_at, **{"from": closed_at})[
        "agreement"
    ]
    assert cash_of(now["figures"]) == {"ORIGIN": "400000.40", "HOST": "600000.60"}
    assert cash_of(then["figures"]) == {"ORIGIN": "400000.00", "HOST": "600000.00"}
    assert cash_of(now["difference"]) == {"ORIGIN": "0.40", "HOST": "0.60"}
    assert then["difference"] == []
    assert (
        settled.run("statement", code=CODE, quarter="2024Q3", knownAt=closed_at)["agreement"]["statement"]
        is None
    )
    assert balance_of(settled, "ORIGIN", closed_at) == "800000.00"
    assert balance_of(settled, "ORIGIN", None) == "1200000.40"


def test_every_line_of_a_correction_is_explained_before_and_after(settled: Api) -> None:
    settled.hand_in(CODE, "2024Q1", [Figure("retained_tax", "1000001.00"), FIGURES[1]])
    settled.hand_in(CODE, "2024Q3", FIGURES)
    closing = settled.settle(CODE, "2024Q3")
    asked = {"code": CODE, "settlement": closing["id"], "clause": 1, "quarter": "2024Q1"}
    explained = settled.run("explanation", cause=1, **asked)["agreement"]["explanation"]
    assert explained["cause"]["kind"] == "CORRECTION"
    assert "1000001" in explained["after"]["text"].replace(",", "")
    assert "1000000" in explained["before"]["text"].replace(",", "")
    assert {"figure", "base", "share", "rounding"} <= {step["code"] for step in explained["after"]["steps"]}
    assert explained["after"]["choices"]
    decided = [step for step in explained["after"]["steps"] if step["code"] == "window"]
    assert [step["sentenceEn"][:7] for step in decided] == ["inside:"]
    assert [step["sentenceZh"][:3] for step in decided] == ["期内："]


def test_an_amendment_applies_from_its_quarter_on(settled: Api) -> None:
    assert settled.amend(main_terms("1/2", "1/2", since="2024Q3")) == 2
    settled.hand_in(CODE, "2024Q3", FIGURES)
    settled.settle(CODE, "2024Q3")
    assert settled.booked(CODE)[("2024Q3", 1, "CASH")] == {"ORIGIN": "500000.00", "HOST": "500000.00"}
    states = [version["state"] for version in settled.run("agreement", code=CODE)["agreement"]["versions"]]
    assert states == ["SUPERSEDED", "IN_FORCE"]


def test_a_listed_enterprise_is_named_in_allocations_and_explained_by_its_id(api: Api) -> None:
    credit_code = "91110108MA0000002" + credit_code_check_character("91110108MA0000002")
    code = api.bring_into_force(terms("LISTED", [tax(scope="listed_enterprises")]))
    entry = {
        "creditCode": credit_code,
        "nameZh": "甲企业",
        "events": [{"event": "FIRST_TAX", "day": "2023-05-01"}],
        "causeOfMove": "MARKET",
        "referredBy": "origin",
        "baseYearAmount": "12.34",
    }
    api.confirm_list(code, [entry])
    assert listed_entries(api, code) == [entry]
    api.hand_in(code, "2024Q1", [Figure("retained_tax", "10.00", credit_code=credit_code)])
    settlement = api.settle(code, "2024Q1")
    enterprises = {allocation["enterprise"]["id"] for allocation in api.allocations(code)}
    (enterprise,) = enterprises
    explained = api.run(
        "explanation",
        code=code,
        settlement=settlement["id"],
        cause=1,
        clause=1,
        quarter="2024Q1",
        enterprise=enterprise,
        language="EN",
    )
    assert "10" in explained["agreement"]["explanation"]["after"]["text"]


def test_every_object_is_found_again_by_its_global_id(api: Api) -> None:
    credit_code = "91110108MA0000003" + credit_code_check_character("91110108MA0000003")
    code = api.bring_into_force(terms("NODES", [tax(scope="listed_enterprises")]))
    api.confirm_list(code, [{"creditCode": credit_code, "nameZh": "甲企业"}])
    api.hand_in(code, "2024Q1", [Figure("retained_tax", "10.00", credit_code=credit_code)])
    api.settle(code, "2024Q1")
    document = """
        query Ids($code: String!) {
          agreement(code: $code) {
            __typename id
            parties { party { __typename id } }
            versions { __typename id }
            enterpriseLists { __typename id entries { edges { node { enterprise { __typename id } } } } }
            filings { edges { node { __typename id lines { edges { node { enterprise { id } } } } } } }
            settlements { edges { node { __typename id } } }
          }
        }
    """
    named = dict(ids_in(api.ask(document, code=code)))
    assert set(named.values()) == {
        "Agreement",
        "Party",
        "AgreementVersion",
        "EnterpriseList",
        "Enterprise",
        "Filing",
        "Settlement",
    }
    for node_id, kind in named.items():
        found = api.ask("query Node($id: ID!) { node(id: $id) { __typename id } }", id=node_id)["node"]
        assert found == {"__typename": kind, "id": node_id}


def test_money_routed_to_a_fund_is_booked_for_the_parties_and_held_by_the_fund(api: Api) -> None:
    routed = tax(routing={"to": "fund", "part": "1/2"})
    code = api.bring_into_force(
        terms("ROUTED", [routed], roles={"origin": "ORIGIN", "host": "HOST", "fund": "FUND"})
    )
    api.hand_in(code, "2024Q1", [Figure("retained_tax", "100.00")])
    settlement = api.settle(code, "2024Q1")
    net = {one["party"]["code"]: (one["amount"]["text"], one["routed"]["text"]) for one in settlement["net"]}
    assert net == {"ORIGIN": ("50.00", "25.00"), "HOST": ("50.00", "25.00")}
    assert balance_of(api, "FUND", None) == "50.00"


def test_downloads_are_the_template_and_the_statement_in_each_format(
    settled: Api, client: TestClient
) -> None:
    template = client.get("/files/template", params={"agreement": CODE, "role": "host", "quarter": "2024Q3"})
    assert template.content.startswith(b"PK")
    assert f"{CODE}-host-2024Q3.xlsx" in template.headers["content-disposition"]
    asked = {"agreement": CODE, "quarter": "2024Q1", "language": "en"}
    text = client.get("/files/statement", params=asked)
    shown = settled.run("statement", code=CODE, quarter="2024Q1", language="EN")["agreement"]["statement"]
    assert text.text == shown["text"]
    assert client.get("/files/statement", params={**asked, "format": "csv"}).content.startswith(
        b"\xef\xbb\xbf"
    )
    assert client.get("/files/statement", params={**asked, "format": "json"}).json()["quarter"] == "2024Q1"


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("template", {"agreement": "NONE", "role": "host", "quarter": "2024Q1"}, 404, "NOT_FOUND"),
        ("template", {"agreement": "NONE", "quarter": "2024Q1"}, 400, "PARAMETER_UNUSABLE"),
        ("statement", {"agreement": "NONE", "quarter": "2024"}, 400, "PERIOD_UNREADABLE"),
        ("statement", {"agreement": "NONE", "quarter": "2024Q1", "format": "doc"}, 400, "PARAMETER_UNUSABLE"),
    ],
)
def test_a_download_that_cannot_be_made_is_refused_in_both_languages(
    client: TestClient, path: str, params: dict[str, str], status: int, code: str
) -> None:
    response = client.get(f"/files/{path}", params=params)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["messageZh"]
    assert response.json()["messageEn"]


def test_rule_templates_are_offered_with_their_sources_and_their_terms_check_out(api: Api) -> None:
    templates = api.run("rule_templates")["ruleTemplates"]
    assert len(templates) >= 5
    for template in templates:
        assert template["sources"]
        assert api.run("check_terms", terms=template["terms"])["checkTerms"]["faults"] == []


def file_input(quarter: str, content: bytes | None = None) -> Document:
    """A return as a CSV file, or as the workbook with this content."""
    return {
        "agreement": CODE,
        "role": "host",
        "quarter": quarter,
        "fileName": "return.csv" if content is None else "return.xlsx",
        "content": base64.b64encode(content or csv_return(quarter)).decode(),
    }


def csv_return(quarter: str) -> bytes:
    rows = [
        "统一社会信用代码,指标,所属期,金额,凭证号",
        f",retained_tax,{quarter},1000000.00,完税证明 1",
        f",industrial_output,{quarter},8000000.00,",
        "合计,retained_tax,,1000000.00,",
        "合计,industrial_output,,8000000.00,",
    ]
    return "\n".join(rows).encode()


def workbook() -> bytes:
    output = io.BytesIO()
    with xlsxwriter.Workbook(output, {"in_memory": True}) as book:
        write_sheet(
            book,
            "明细",
            [
                ["指标", "所属期", "金额", "凭证号"],
                ["retained_tax", "2024Q1", "1000000.00", ""],
                ["industrial_output", "2024Q1", "8000000.00", ""],
            ],
        )
        write_sheet(
            book,
            "合计",
            [["指标", "金额"], ["retained_tax", "1000000.00"], ["industrial_output", "8000000.00"]],
        )
    return output.getvalue()


def write_sheet(book: Any, name: str, rows: list[list[str]]) -> None:
    sheet = book.add_worksheet(name)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            sheet.write_string(row, column, cell)


def ids_in(value: Any) -> Iterator[tuple[str, str]]:
    """Every id with its type, wherever both stand in an answer."""
    if isinstance(value, dict):
        if {"id", "__typename"} <= value.keys():
            yield value["id"], value["__typename"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from ids_in(item)


def cash_of(found: list[Document]) -> dict[str, str]:
    return {one["party"]["code"]: one["amount"]["text"] for one in found if one["amount"]["book"] == "CASH"}


def balance_of(api: Api, party: str, known_at: str | None) -> str:
    """The party's only cash balance."""
    page = api.run("balances", party=party, through="2024Q4", knownAt=known_at)["balances"]["edges"]
    (balance,) = [edge["node"] for edge in page if edge["node"]["amount"]["book"] == "CASH"]
    return str(balance["amount"]["text"])


def moment_of(api: Api, settlement: str) -> str:
    asked = api.ask(
        "query When($id: ID!) { node(id: $id) { ... on Settlement { closedAt } } }", id=settlement
    )
    return str(asked["node"]["closedAt"])


def listed_entries(api: Api, code: str) -> list[Document]:
    document = """
        query Listed($code: String!) {
          agreement(code: $code) {
            enterpriseLists {
              entries {
                edges {
                  node {
                    enterprise { creditCode nameZh }
                    events { event day }
                    causeOfMove
                    referredBy
                    baseYearAmount
                  }
                }
              }
            }
          }
        }
    """
    (listed,) = api.ask(document, code=code)["agreement"]["enterpriseLists"]
    nodes = [edge["node"] for edge in listed["entries"]["edges"]]
    return [{**node.pop("enterprise"), **node} for node in nodes]
