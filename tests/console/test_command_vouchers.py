"""`parkledger voucher ...` on an agreement of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_graphql.connections import split_id
from tests.api.journey import Api
from tests.api.signed_in import signed_in
from tests.api.voucher_journey import DAY, clearing, code_of, opened, redeem, shared
from tests.console.commands import Commands

HEAD = "credit_code,name,zone,controller,services,starts,ends,document"


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    with signed_in(database_url) as client:
        cleared_by = clearing("origin", "host", 11)
        yield opened(Api(client), [shared("origin", "host", 1)], cleared_by=cleared_by)


def test_a_report_shows_budgets_and_what_each_payer_bears(api: Api, run: Commands) -> None:
    redeem(api, "origin", "60000.00", "host")
    assert run("voucher", "report", "origin", "2024Q1", "--language", "en") == 0
    rows = [line.split() for line in run.out.splitlines()]
    assert ["host", "2024-01-01", "5,000,000.00", "4,980,000.00", "0.00", "20,000.00"] in rows
    assert ["1", code_of(1), "origin", "40,000.00", "0.00"] in rows


def test_a_claim_is_explained_in_sentences(api: Api, run: Commands) -> None:
    claim = redeem(api, "origin", "60000.00", "host")
    _, (number,) = split_id(claim["id"])
    assert run("voucher", "explain", str(number)) == 0
    assert run.out.splitlines()[-1] == "核定 60,000.00 元：飞入地承担 20,000.00 元，飞出地承担 40,000.00 元。"
    assert run("voucher", "explain", str(number), "--language", "en") == 0
    assert run.out.splitlines()[0] == "The cost claimed for is 60,000.00 yuan."
    assert run("voucher", "explain", "1") == 2


def test_a_file_of_providers_is_imported_once_or_refused_as_a_whole(
    api: Api, run: Commands, tmp_path: Path
) -> None:
    file, zone = tmp_path / "机构.csv", api.roles("VOUCHERS")["host"]
    good = f"{code_of(7)},检验院,{zone},,testing design,2024-01-01,,文件"
    file.write_text(f"{HEAD}\n{good}\n{code_of(8)}x,,{zone},,,2024-13-01,,文件\n")
    assert run("voucher", "import", str(file), "--party", zone) == 2
    assert "row 3" in run.err
    file.write_text(f"{HEAD}\n{good}\n")
    assert run("voucher", "import", str(file), "--party", zone) == 0
    assert "1 certified, 1 of them newly registered." in run.out
    assert run("voucher", "import", str(file), "--party", zone) == 0
    found = api.ask('{ voucherProviders(search: "检验院") { edges { node { certifications { kind } } } } }')
    (edge,) = found["voucherProviders"]["edges"]
    assert edge["node"]["certifications"] == [{"kind": "certified"}]


def test_vouchers_whose_last_day_is_past_are_ended(api: Api, run: Commands) -> None:
    redeem(api, "origin", "600.00", "host", face="1000.00")
    assert run("voucher", "expire", "origin", DAY) == 0
    assert "0 expired" in run.out
    assert run("voucher", "expire", "origin", "2025-01-01") == 0
    assert "1 expired" in run.out


def test_a_quarter_is_cleared_and_cleared_again(api: Api, run: Commands) -> None:
    redeem(api, "origin", "60000.00", "host")
    assert run("voucher", "clear", "VOUCHERS", "2024Q1", "--person", "李四") == 0
    assert "1 entries cleared now; returns of host, origin." in run.out
    assert run("voucher", "clear", "VOUCHERS", "2024Q1", "--person", "李四") == 0
    assert "0 entries cleared now" in run.out
