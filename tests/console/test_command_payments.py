"""`parkledger payments import` and `parkledger arrears` on an agreement of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.console.commands import Commands

HEAD = "channel,payer,payer_account,payee,reference,amount,value_date,purpose"


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The host owes the origin 50.00 of the first quarter, due on 30 April."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    document = terms("A-1", [tax()])
    document["procedure"] = {"calendar": {"submit_days": 20, "sign_days": 30, "fund_days": 30}}
    with signed_in(database_url) as client:
        api = Api(client)
        api.bring_into_force(document)
        api.hand_in("A-1", "2024Q1", [Figure("retained_tax", "100.00")])
        api.settle("A-1", "2024Q1")
        yield api


@pytest.mark.usefixtures("api")
def test_arrears_are_shown_at_the_end_of_a_day(run: Commands) -> None:
    assert run("arrears", "ORIGIN", "--as-of", "2024-05-01", "--language", "en") == 0
    assert "ORIGIN on 2024-05-01" in run.out
    assert run.out.splitlines()[-1].split() == [
        "HOST",
        "ORIGIN",
        "A-1",
        "0.00",
        "50.00",
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "0.00",
    ]


def test_a_file_is_imported_once_and_recognised_again(api: Api, run: Commands, tmp_path: Path) -> None:
    file = tmp_path / "四月.csv"
    reference = api.run("legs", asOf="2024-04-30")["legs"]["edges"][0]["node"]["reference"]
    file.write_text(f"{HEAD}\nbank,HOST,6222,ORIGIN,1,50.00,2024-04-30,{reference}\n")
    assert run("payments", "import", str(file), "--person", "张三") == 0
    assert "四月.csv: 1 笔收款 / 1 payment\n" in run.out
    assert run("payments", "import", str(file), "--person", "李四") == 0
    assert "未重复登记" in run.out
    assert run("arrears", "ORIGIN", "--as-of", "2024-05-01") == 0
    assert "50.00" not in run.out


@pytest.mark.usefixtures("api")
def test_a_faulty_file_is_refused_with_its_cells(run: Commands, tmp_path: Path) -> None:
    file = tmp_path / "四月.csv"
    file.write_text(f"{HEAD}\nbank,HOST,6222,NOBODY,1,50,2024-4-30,\n")
    assert run("payments", "import", str(file), "--person", "张三") == 2
    assert "G2" in run.err
    assert "D2" in run.err
