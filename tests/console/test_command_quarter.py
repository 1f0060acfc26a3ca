"""`parkledger quarter` and `simulate` on agreements of the test's own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ledger.desk.agreements import agreement_by_code, open_quarter
from ledger_console.command.national import EXIT_PARTLY, REASON_NAMES
from ledger_schema.sessions import Database
from ledger_schema.tables import metadata
from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.console.commands import Commands

CODES = ("A-1", "B-1")
SIX_TO_FOUR = {"origin": "3/5", "host": "2/5"}


@pytest.fixture
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def api(database_url: str) -> Iterator[Api]:
    """Two agreements with 2024Q1 open."""
    with signed_in(database_url) as client:
        api = Api(client)
        for code in CODES:
            api.bring_into_force(terms(code, [tax()]))
        yield api


# --- a quarter of all agreements --------------------------------------------------------------------------


def test_a_quarter_is_computed_and_closed_where_every_return_is_in(
    database: Database, api: Api, run: Commands
) -> None:
    for code in CODES:
        hand_in(api, code, "2024Q1")
    assert run("quarter", "2024Q1", "-l", "en") == 0
    assert "computed in bulk" in run.out
    assert opened(database) == ["2024Q1", "2024Q1"]
    assert run("quarter", "2024Q1", "--close", "--yes") == 0
    assert "已关账 2 份，未关账 0 份" in run.out
    assert opened(database) == ["2024Q2", "2024Q2"]
    assert run("quarter", "2024Q1", "--close", "--yes", "-l", "en") == 0
    assert "No agreement has 2024Q1 open" in run.out


def test_what_is_missing_is_named_with_its_role_and_the_others_are_closed(
    database: Database, api: Api, run: Commands
) -> None:
    hand_in(api, "A-1", "2024Q1")
    assert run("quarter", "2024Q1", "--close", "--yes", "-l", "en") == EXIT_PARTLY
    assert "role that hasn't handed in" in run.out
    assert "B-1        host" in run.out
    assert "Closed: 1. Not closed: 0" in run.out
    assert opened(database) == ["2024Q2", "2024Q1"]


def test_closing_asks_first(
    database: Database, api: Api, run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(api, "A-1", "2024Q1")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run("quarter", "2024Q1", "--close") == 1
    assert opened(database) == ["2024Q1", "2024Q1"]


@pytest.mark.usefixtures("database")
def test_an_agreement_with_a_correction_is_computed_by_itself_and_why_is_told(
    api: Api, run: Commands
) -> None:
    hand_in(api, "A-1", "2024Q1")
    api.settle("A-1", "2024Q1")
    hand_in(api, "A-1", "2024Q1", "120.00")
    hand_in(api, "A-1", "2024Q2")
    assert run("quarter", "2024Q2") == 0
    assert f"A-1   {REASON_NAMES['correction'][0]}" in run.out


# --- a draft beside the terms in force --------------------------------------------------------------------


def test_a_draft_file_is_run_over_past_quarters_and_nothing_is_written(
    database: Database, api: Api, run: Commands, tmp_path: Path
) -> None:
    hand_in(api, "A-1", "2024Q1")
    api.settle("A-1", "2024Q1")
    draft = tmp_path / "draft.json"
    draft.write_text(json.dumps(terms("A-1", [tax(SIX_TO_FOUR)], since="2024Q2")), encoding="utf-8")
    before = row_counts(database)
    simulate = ("simulate", "A-1", str(draft), "--first", "2024Q1", "--last", "2024Q2")
    assert run(*simulate) == 0
    assert "缺申报：2024年第二季度 host" in run.out
    assert "+10.00" in run.out
    assert run(*simulate, "--language", "en", "-o", str(tmp_path / "out.txt")) == 0
    assert "Return missing: 2024Q2 host" in (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert run("simulate", "A-1", str(draft), "--first", "2023Q1", "--last", "2024Q1") == 2
    assert run("simulate", "B-1", str(draft), "--first", "2024Q1", "--last", "2024Q1") == 2
    assert row_counts(database) == before


def hand_in(api: Api, code: str, quarter: str, amount: str = "100.00") -> None:
    api.hand_in(code, quarter, [Figure("retained_tax", amount)])


def opened(database: Database) -> list[str]:
    """The open quarter of each agreement."""
    with database.reading() as connection:
        ids = [agreement_by_code(connection, code).agreement_id for code in CODES]
        return [str(open_quarter(connection, agreement_id)) for agreement_id in ids]


def row_counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
