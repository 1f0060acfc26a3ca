"""`parkledger reconcile`: both sides' returns of a quarter, as people read them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import clause, terms
from tests.console.commands import Commands

CODE = "COMPARED"
ROLES = {"origin": "ORIGIN", "host": "HOST", "province": "PROVINCE"}
ONE, TWO, THREE = (
    {"creditCode": code, "nameZh": name}
    for code, name in (
        ("91110108MA00000197", "甲公司（虚构）"),
        ("91110108000000011B", "=乙公司（虚构）"),
        ("911101080000000295", "丙公司（虚构）"),
    )
)


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An agreement about enterprises: one agrees, one differs, one is only in the return of record."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    with signed_in(database_url) as client:
        api = Api(client)
        key = [{"shares": {"origin": "1/2", "host": "1/2"}}]
        document = terms(CODE, [clause("tax", ("vat", "cit"), key, scope="listed_enterprises")], roles=ROLES)
        document["procedure"] = {
            "reconciliations": [
                {
                    "record": "host",
                    "against": "origin",
                    "tolerances": [{"measure": "vat", "amount": "1.00"}],
                    "unanswered": "accepted",
                }
            ],
            "arbiter": "province",
        }
        api.draft(document, observers=("province",))
        api.sign_all(CODE, 1, observers=("province",))
        api.change("bring_into_force", agreement=CODE, version=1)
        api.confirm_list(CODE, [ONE, TWO, THREE])
        for role, amounts in (("host", ("10.00", "20.00", "30.00")), ("origin", ("9.50", "25.00"))):
            figures = [
                Figure("vat", amount, "2024Q1", entry["creditCode"])
                for entry, amount in zip((ONE, TWO, THREE), amounts, strict=False)
            ]
            api.hand_in(CODE, "2024Q1", figures, role=role)
        yield api


def dispute(api: Api) -> None:
    report = api.run("reconciliation", code=CODE, quarter="2024Q1")["agreement"]["reconciliation"]
    api.change(
        "open_dispute",
        agreement=CODE,
        quarter="2024Q1",
        basis=report["basis"]["hash"],
        lines=[{"creditCode": TWO["creditCode"], "measure": "vat", "span": "2024Q1"}],
        role="origin",
        person="李审核",
        text="数额不符",
    )


def test_the_report_prints_basis_sums_and_what_the_sides_do_not_agree_about(api: Api, run: Commands) -> None:
    dispute(api)
    assert run("reconcile", CODE, "2024Q1") == 0
    for text in (
        "数据来源方：测试HOST（第1次申报，3行）",
        "对方：测试ORIGIN（第1次申报，2行）",
        "对账指标：企业所得税、增值税",
        "容差：增值税 1.00 元",
        "对方未申报的数据照常纳入结算",
    ):
        assert text in run.out
    assert "容差内" in run.out
    assert "甲公司" not in run.out
    assert "第1号（争议中）  测试HOST" in run.out
    assert "丙公司" in run.out


def test_the_report_in_english_lists_lapsed_items(api: Api, run: Commands) -> None:
    dispute(api)
    figures = [Figure("vat", "21.00", "2024Q1", TWO["creditCode"])]
    api.hand_in(CODE, "2024Q1", figures, role="origin")
    assert run("reconcile", CODE, "2024Q1", "--language", "en", "--record", "host") == 0
    assert "These items decide nothing any more" in run.out
    assert "item 1 (disputed): =乙公司（虚构） value added tax 2024Q1" in run.out
    assert "missing on the other side" in run.out


@pytest.mark.usefixtures("api")
def test_the_table_for_spreadsheets_has_every_line_exact_and_computes_nothing(
    run: Commands, tmp_path: Path
) -> None:
    file = tmp_path / "report.csv"
    assert run("reconcile", CODE, "2024Q1", "--format", "csv", "-l", "en", "-o", str(file)) == 0
    rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert {
        (row["outcome"], row["of record"], row["other side"], row["difference"], row["counts"])
        for row in rows
    } == {
        ("within the tolerance", "10.00", "9.50", "0.50", "10.00"),
        ("in dispute", "20.00", "25.00", "-5.00", ""),
        ("missing on the other side", "30.00", "", "30.00", "30.00"),
    }
    assert [row["subject"] for row in rows if row["outcome"] == "in dispute"] == ["'=乙公司（虚构）"]


def test_an_explanation_shows_what_does_not_count_as_it_was_reported(api: Api, run: Commands) -> None:
    dispute(api)
    api.settle(CODE, "2024Q1")
    assert run("explain", CODE, "2024Q1", "1", "--subject", TWO["creditCode"]) == 0
    assert "未按申报数计入的数据（对账）：" in run.out
    assert "20.00 元  25.00 元     —  1" in run.out
    assert run("explain", CODE, "2024Q1", "1", "--subject", ONE["creditCode"], "-l", "en") == 0
    assert "Doesn't count as reported" not in run.out


@pytest.mark.usefixtures("api")
def test_where_nothing_is_compared_the_command_says_so(run: Commands) -> None:
    assert run("reconcile", CODE, "2024Q1", "--record", "origin") == 2
    assert "NOTHING_COMPARED" in run.err
    assert "host" in run.err
