"""The commands of `parkledger` on a ledger with the sample, and those that need no ledger at all."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import func, select

from ledger.desk.acts import Act
from ledger.desk.agreements import (
    AgreementDraft,
    SideDraft,
    agreement_by_code,
    draft_agreement,
    open_quarter,
    propose_version,
)
from ledger.desk.returns import filings
from ledger.desk.returns.workbook import HEADERS
from ledger.rules import templates
from ledger_console.command import results
from ledger_console.command.options import moment
from ledger_console.command.program import PANELS
from ledger_console.sample import documents
from ledger_console.sample.demo_keys import DemoKeys
from ledger_console.sample.load import load_sample
from ledger_schema.sessions import Database
from ledger_schema.tables import metadata
from tests.accounting import needs_chinese_font
from tests.console.commands import Commands

PARKLEDGER = Path(sys.executable).with_name("parkledger")
CODE = "WGQ-QIDONG"
"""An agreement of the sample about the whole park, so that a return is short."""

OPEN = "2026Q1"
DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "command.md", DOCS / "quarter.md"]
"""Pages whose commands are run on the sample, in this order."""

_BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FIGURES = """统一社会信用代码,指标,所属期,金额,凭证号
,厂房租金收入,2024Q1,1000000.00,合同1
,rent,2024-04,500000.00,合同2
,开发成本,2024年第二季度,200000,票据3
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def sample_url(server_url: str, template_database: str, worker_name: str, home: Path) -> Iterator[str]:
    """One database with the sample for all tests of this file: loading takes seconds."""
    name = f"{template_database.removesuffix('template')}command_{worker_name}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template_database)
    )
    with psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(make)
        url = f"{server_url.rpartition('/')[0]}/{name}"
        database = Database(url)
        load_sample(database, DemoKeys.of_home(home), lambda _line: None)
        database.dispose()
        yield url
        connection.execute(drop)


@pytest.fixture
def ledger(sample_url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("DATABASE_URL", sample_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(home))
    database = Database(sample_url)
    yield database
    database.dispose()


def _row_counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def _write_return(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow([HEADERS[name][0] for name in ("credit_code", "measure", "span", "amount", "document")])
    writer.writerows(rows)
    path.write_text(target.getvalue(), encoding="utf-8")
    return path


# --- starting on a given database -------------------------------------------------------------------------


def test_a_second_start_loads_nothing_and_prints_a_statement(ledger: Database) -> None:
    before = _row_counts(ledger)
    printed = []
    with subprocess.Popen(
        [PARKLEDGER, "start", "--language", "en"],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PARKLEDGER_PORT": "0"},
    ) as process:
        for line in process.stdout or ():
            printed.append(line)
            if "Ctrl-C" in line:
                process.terminate()
    assert process.returncode == 0
    assert "Statement: Liusong" in "".join(printed)
    assert _row_counts(ledger) == before


# --- reading ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("ledger")
def test_agreements_are_listed_with_their_open_quarters(run: Commands) -> None:
    assert run("agreements") == 0
    assert len(run.out.splitlines()) == 2 + len(documents.agreements())
    assert "LIUSONG" in run.out
    assert OPEN in run.out


@pytest.mark.usefixtures("ledger")
def test_an_agreement_is_printed_as_text_with_its_source_and_signatures(run: Commands) -> None:
    assert run("agreement", "LIUSONG") == 0
    assert "第一条" in run.out
    assert "未经核实" in run.out
    assert "已签署" in run.out
    assert run("agreement", "BINHAI-ZGC", "--version", "1", "--language", "en") == 0
    assert "Article 1." in run.out
    assert "Version: 1 superseded" in run.out


@pytest.mark.usefixtures("ledger")
def test_zones_are_counted_and_shown_as_of_a_day(run: Commands) -> None:
    assert run("zone-counts", "--as-of", "2020-12-31", "-l", "en") == 0
    assert "169 zones" in run.out
    assert run("zone", "HTZ001", "--as-of", "1988-12-30") == 0
    assert "未列入名单" in run.out
    assert run("zone", "HTZ001", "--as-of", "1988-12-31", "-l", "en") == 0
    assert "admitted" in run.out


@pytest.mark.usefixtures("ledger")
def test_the_sample_shows_both_books_each_by_itself(run: Commands) -> None:
    quarters = ("2024Q1", "2025Q4")
    assert run("indicators", "GOV530181", "official", *quarters) == 0
    official = run.out
    assert "按季度 · 在地统计账" in official
    assert "不得对外公布" not in official
    assert run("indicators", "GOV530181", "assessment", *quarters) == 0
    assert "按季度 · 考核账（仅供考核，不得对外公布）" in run.out
    assert "在地统计账" not in run.out
    assert run("indicators", "HTZ152", "assessment", *quarters, "-l", "en", "--format", "csv") == 0
    assert "not for publication" in run.out
    assert run("indicators", "HTZ152", "assessment", "2025Q4", "2024Q1") == 2
    assert run("plan", "HTZ152", "2024", "2025") == 0
    assert "在地统计账" in run.out


@pytest.mark.usefixtures("ledger")
def test_zones_of_a_region_are_listed(run: Commands) -> None:
    assert run("zones", "--region-class", "Northeast", "-l", "en") == 0
    assert "HTZ" in run.out
    assert "West" not in run.out


@pytest.mark.usefixtures("ledger")
def test_a_statement_comes_as_text_csv_and_json_in_both_languages(run: Commands, tmp_path: Path) -> None:
    assert run("statement", "LIUSONG", "2024Q4") == 0
    assert "万元" in run.out
    assert run("statement", "LIUSONG", "2024Q4", "--language", "en", "--unit", "yuan") == 0
    assert "Clause 1" in run.out
    assert run("statement", "LIUSONG", "2024Q4", "--format", "json") == 0
    assert json.loads(run.out)["agreement"] == "LIUSONG"
    target = tmp_path / "statement.csv"
    assert run("statement", "LIUSONG", "2024Q4", "--format", "csv", "-o", str(target)) == 0
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")
    assert str(target) in run.out


@needs_chinese_font
@pytest.mark.usefixtures("ledger")
def test_a_statement_and_a_partys_quarter_are_written_as_pdf(run: Commands, tmp_path: Path) -> None:
    for number, (command, about) in enumerate((("statement", "LIUSONG"), ("zone-statement", "GOV310117"))):
        path = tmp_path / f"{number}.pdf"
        assert run(command, about, "2024Q4", "--format", "pdf", "-o", str(path)) == 0
        assert path.read_bytes().startswith(b"%PDF-")


@pytest.mark.usefixtures("ledger")
def test_a_folder_without_fonts_is_refused_and_writes_no_pdf(
    run: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARKLEDGER_FONTS", str(tmp_path))
    path = tmp_path / "never.pdf"
    assert run("statement", "LIUSONG", "2024Q4", "--format", "pdf", "-o", str(path)) == 2
    assert "错误 CHINESE_FONT_MISSING" in run.err
    assert not path.exists()


@pytest.mark.usefixtures("ledger")
def test_a_printed_statement_is_found_by_its_identifier(run: Commands) -> None:
    run("statement", "LIUSONG", "2024Q4")
    printed = run.out
    identifier = re.findall(r"标识：(\S+)", printed)[0]
    assert run("check-statement", "LIUSONG", identifier) == 0
    assert run.out == printed
    assert run("check-statement", "LIUSONG", f"{identifier[:-1]}x") == 2


@pytest.mark.usefixtures("ledger")
def test_what_was_not_known_yet_is_not_found(run: Commands) -> None:
    assert run("statement", "LIUSONG", "2024Q4", "--known-at", "2020-01-01") == 2
    assert "错误 QUARTER_NOT_CLOSED" in run.err
    assert "Error QUARTER_NOT_CLOSED" in run.err
    assert run("balances", "--known-at", "2020-01-01") == 0
    assert "LIUSONG" not in run.out
    assert run("balances", "--known-at", "yesterday") == 2
    assert "MOMENT_UNREADABLE" in run.err


def test_a_day_means_its_end_in_beijing() -> None:
    assert moment("2025-02-01").isoformat() == "2025-02-01T15:59:59.999999+00:00"
    assert moment("2025-02-01T18:00").isoformat() == "2025-02-01T10:00:00+00:00"
    assert moment("2025-02-01T18:00+00:00").isoformat() == "2025-02-01T18:00:00+00:00"


@pytest.mark.usefixtures("ledger")
def test_balances_of_one_party_are_those_of_the_statements(run: Commands) -> None:
    assert run("balances", "--agreement", "LIUSONG", "--party", "GOV310117", "-l", "en") == 0
    assert "Songjiang" in run.out
    assert "Jin'an" not in run.out
    whole = run.out
    assert run("balances", "--agreement", "LIUSONG", "--party", "GOV310117", "--through", "2024Q1") == 0
    assert run.out != whole


@pytest.mark.usefixtures("ledger")
def test_a_line_is_explained_step_by_step_and_a_true_up_before_and_after(run: Commands) -> None:
    assert run("explain", "LIUSONG", "2024Q4", "1") == 0
    assert "3/5" in run.out
    assert "示例企业02" in run.out
    assert run("explain", "LIUSONG", "2024Q4", "1", "--subject", "91341502DEM000014B") == 0
    assert "示例企业02" not in run.out
    assert run("explain", "LIUSONG", "2024Q4", "1", "--cause", "1", "-l", "en") == 0
    assert "Before:" in run.out
    assert "2024Q2" in run.out
    assert run("explain", "LIUSONG", "2024Q4", "1", "--cause", "9") == 2
    assert run("explain", "LIUSONG", "2024Q4", "1", "--subject", "91") == 2


@pytest.mark.usefixtures("ledger")
def test_explaining_only_the_first_enterprises_says_so(
    run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "EXPLAINED_MAX", 1)
    assert run("explain", "LIUSONG", "2024Q4", "1", "-l", "en") == 0
    assert re.match(r"The first 1 of \d+ enterprises follow. For any one of them add --subject", run.out)
    assert run("explain", "LIUSONG", "2024Q4", "1") == 0
    assert "--subject 统一社会信用代码" in run.out


# --- a quarter by hand ------------------------------------------------------------------------------------


def test_a_quarter_is_handed_in_previewed_and_closed_and_repeating_changes_nothing(
    ledger: Database, run: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "company"
    assert run("preview", CODE) == 2
    assert "RETURNS_MISSING" in run.err
    file = _write_return(
        tmp_path / "q1.csv",
        [["", "厂房租金收入", OPEN, "1000000.00", "合同1"], ["合计", "厂房租金收入", "", "1000000.00", ""]],
    )
    other = _write_return(
        tmp_path / "q1b.csv",
        [["", "厂房租金收入", OPEN, "2000000.00", "合同1"], ["合计", "厂房租金收入", "", "2000000.00", ""]],
    )
    assert run("import", CODE, role, OPEN, str(file)) == 0, run.err
    assert "The return was taken" in run.out
    counts = _row_counts(ledger)
    assert run("import", CODE, role, OPEN, str(file)) == 0
    assert "nothing was stored twice" in run.out
    assert _row_counts(ledger) == counts | {"idempotency_key": _row_counts(ledger)["idempotency_key"]}

    assert run("import", CODE, role, OPEN, str(other)) == 0
    assert run("import", CODE, role, OPEN, str(file)) == 0
    assert "The return was taken" in run.out
    with ledger.reading() as connection:
        agreement_id = agreement_by_code(connection, CODE).agreement_id
        current = [each for each in filings(connection, agreement_id) if str(each.quarter) == OPEN]
    assert [each.sequence for each in current] == [1, 2, 3]
    assert current[-1].totals == {"rent": 100_000_000}

    assert run("preview", CODE, "-l", "en") == 0
    assert "provisional, preview" in run.out
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run("close", CODE, OPEN) == 1
    with ledger.reading() as connection:
        assert str(open_quarter(connection, agreement_id)) == OPEN
    assert run("close", CODE, OPEN, "--yes") == 0
    assert "is closed" in run.out
    counts = _row_counts(ledger)
    assert run("close", CODE, OPEN, "--yes") == 0
    assert "nothing was done twice" in run.out
    assert _row_counts(ledger) == counts
    assert run("close", CODE, "2027Q1", "--yes") == 2


def test_a_file_with_faults_is_refused_with_every_cell_and_leaves_no_trace(
    ledger: Database, run: Commands, tmp_path: Path
) -> None:
    counts = _row_counts(ledger)
    file = _write_return(
        tmp_path / "bad.csv", [["", "厂房租", "2025Q9", "1e5", ""], ["", "厂房租金收入", "2025Q4", "", ""]]
    )
    assert run("import", CODE, "company", "2025Q4", str(file)) == 2
    assert "RETURN_REFUSED" in run.err
    assert "  B2  MEASURE_UNKNOWN" in run.err
    assert "  C2  PERIOD_UNREADABLE" in run.err
    assert "  D3  AMOUNT_MISSING" in run.err
    assert "未填金额" in run.err
    assert _row_counts(ledger) == counts


@pytest.mark.usefixtures("ledger")
def test_a_file_that_is_not_there_is_refused(run: Commands, tmp_path: Path) -> None:
    assert run("import", CODE, "company", "2025Q4", str(tmp_path / "none.csv")) == 2
    assert "FILE_NOT_READABLE" in run.err


@pytest.mark.usefixtures("ledger")
def test_a_template_is_written(run: Commands, tmp_path: Path) -> None:
    target = tmp_path / "template.xlsx"
    assert run("template", CODE, "company", "2025Q4", "-o", str(target)) == 0
    assert target.read_bytes().startswith(b"PK")
    assert run("template", CODE, "company", "2025Q4", "-o", str(tmp_path / "none" / "t.xlsx")) == 2
    assert "FILE_NOT_WRITABLE" in run.err


# --- signing ----------------------------------------------------------------------------------------------


def test_proposed_terms_are_signed_with_a_demo_key_on_this_side_once(
    ledger: Database, run: Commands, home: Path
) -> None:
    liusong = next(each for each in documents.agreements() if each.code == "LIUSONG")
    draft = AgreementDraft(
        code="SIGNED-HERE",
        kind="enclave",
        title_zh="待签署",
        title_en="To be signed",
        source="test",
        unverified="",
        sides=[SideDraft(side.role, side.party, side.signs) for side in liusong.sides],
        terms={**liusong.terms, "agreement": "SIGNED-HERE"},
    )
    agreement_id = draft_agreement(ledger, Act("draft"), draft).value
    propose_version(ledger, Act("propose"), agreement_id, 1)
    assert run("sign", "SIGNED-HERE", "1", "origin") == 0, run.err
    assert "DEMO KEY" in run.out
    assert "signed version 1" in run.out
    assert run("sign", "SIGNED-HERE", "1", "origin") == 0
    assert "nothing was done twice" in run.out
    assert list((home / "demo-keys").glob("GOV310117.key"))
    assert run("sign", "SIGNED-HERE", "1", "stranger") == 2


@pytest.mark.usefixtures("ledger")
def test_events_are_listed_in_order_and_printed_as_they_are_stored(run: Commands) -> None:
    assert run("events", CODE, "--kind", "version_signed", "--language", "en") == 0
    assert run.out.count("version_signed") == run.out.count("sample/") > 1
    assert run("events", CODE, "--canonical") == 0
    stored = [json.loads(line) for line in run.out.splitlines()]
    assert stored[0]["kind"] == "agreement_drafted"
    assert [int(each["event"]) for each in stored] == sorted(int(each["event"]) for each in stored)
    assert run("events", "NONE") == 2


# --- a database that isn't ready --------------------------------------------------------------------------


def test_a_database_without_tables_is_refused_and_migrate_makes_them(
    server_url: str, worker_name: str, run: Commands, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{Path(os.environ['PARKLEDGER_TEST_HOME']).name}_empty_{worker_name}"
    monkeypatch.setenv("DATABASE_URL", f"{server_url.rpartition('/')[0]}/{name}")
    monkeypatch.setenv("PARKLEDGER_HOME", str(home))
    with psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        assert run("agreements") == 2
        assert "DATABASE_NOT_MIGRATED" in run.err
        assert run("migrate") == 0
        assert "up to date" in run.out
        assert run("agreements") == 0
        assert run("migrate") == 0
        assert run("zones", "--region-class", "Northeast") == 0
        assert "16 zones" in run.out
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_an_unexpected_error_names_the_log_and_shows_no_trace(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as connection:
        connection.execute("ALTER TABLE agreement RENAME TO elsewhere")
    done = subprocess.run(
        [PARKLEDGER, "agreements"],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "DATABASE_URL": database_url, "PARKLEDGER_HOME": str(tmp_path)},
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert str(tmp_path / "parkledger.log") in done.stderr
    assert "Traceback" in (tmp_path / "parkledger.log").read_text(encoding="utf-8")


# --- rules on plain files ---------------------------------------------------------------------------------


@pytest.fixture
def terms(run: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A template's terms as a file; there is no database to be found."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    path = tmp_path / "terms.json"
    assert run("rules", "templates", "joint-park-revenue", "-o", str(path)) == 0
    return str(path)


@pytest.fixture
def figures(tmp_path: Path) -> str:
    path = tmp_path / "figures.csv"
    path.write_text(FIGURES, encoding="utf-8")
    return str(path)


def test_templates_are_listed_and_shown_with_what_is_unverified(run: Commands) -> None:
    assert run("rules", "templates") == 0
    assert all(name in run.out for name in templates.names())
    assert run("rules", "templates", "joint-park-revenue", "-l", "en") == 0
    assert "Unverified:" in run.out
    assert run("rules", "templates", "nothing") == 2


def test_terms_are_started_from_a_template_by_answering_what_it_leaves_open(
    run: Commands, tmp_path: Path
) -> None:
    answers, terms = tmp_path / "answers.json", tmp_path / "terms.json"
    assert run("rules", "start", "zibo-recover-first", "-l", "en", "-o", str(answers)) == 0
    assert "Which reading holds for `provisional`" in run.out
    asked = json.loads(answers.read_text(encoding="utf-8"))
    assert set(asked.values()) == {"?"}
    asked |= {"$.agreement": "ZC-2026", "$.roles.origin": "P-1", "$.roles.host": "P-2"}
    asked |= {"$.in_force_from": "2026Q1", "$.clauses[0].when.window.clock.begins": "year_of_day"}
    asked |= {"$.clauses[0].how_much.recover.yearly_return": "1/20", "$.clauses[0].then.netting": False}
    answers.write_text(json.dumps(asked), encoding="utf-8")
    assert run("rules", "start", "zibo-recover-first", "--answers", str(answers)) == 2
    assert "`inputs` 是什么" in run.out
    assert "ANSWERS_MISSING" in run.err
    assert "netting" not in run.out
    asked["$.clauses[0].how_much.recover.inputs"] = [{"starts": "2024-01-01", "amount": "20000000.00"}]
    asked |= {"$.clauses[0].then.provisional": "accrue", "$.clauses[0].then.negative": "carry"}
    asked |= {"$.clauses[0].rounding.grain": "subject", "$.clauses[0].rounding.mode": "half_even"}
    asked["$.clauses[0].rounding.remainder_to"] = "origin"
    answers.write_text(json.dumps(asked), encoding="utf-8")
    start = ("rules", "start", "zibo-recover-first", "--answers", str(answers), "-o", str(terms))
    assert run(*start) == 0
    assert run("rules", "check", str(terms)) == 0
    answers.write_text(json.dumps(asked | {"$.clauses[0].number": 7}), encoding="utf-8")
    assert run(*start) == 2
    assert "ANSWER_NOT_ASKED" in run.err
    answers.write_text("[1]", encoding="utf-8")
    assert run(*start) == 2
    assert "ANSWERS_UNREADABLE" in run.err


def test_sound_terms_pass_and_faulty_ones_are_listed_by_path(
    run: Commands, terms: str, tmp_path: Path
) -> None:
    assert run("rules", "check", terms) == 0
    assert re.search(r"sound: 1 clause, (1 worked example passes|\d+ worked examples pass)\.", run.out)
    document = json.loads(Path(terms).read_text(encoding="utf-8"))
    document["clauses"][0]["when"]["step"] = "day"
    document["clauses"][0]["to_whom"]["otherwise"] = 7
    faulty = tmp_path / "faulty.json"
    faulty.write_text(json.dumps(document), encoding="utf-8")
    assert run("rules", "check", str(faulty)) == 2
    assert "  $.clauses[0].when.step  " in run.err
    assert "  $.clauses[0].to_whom.otherwise  " in run.err


def test_terms_are_printed_as_text_in_both_languages(run: Commands, terms: str) -> None:
    assert run("rules", "text", terms) == 0
    assert "第一条" in run.out
    assert run("rules", "text", terms, "--language", "en") == 0
    assert "Article 1." in run.out


def test_terms_are_computed_on_a_file_of_figures(run: Commands, terms: str, figures: str) -> None:
    assert run("rules", "run", terms, figures, "--format", "csv", "-l", "en") == 0
    rows = list(csv.DictReader(io.StringIO(run.out.removeprefix("\ufeff"))))
    amounts = {(row["quarter"], row["role"]): row["amount"] for row in rows}
    assert amounts == {
        ("2024Q1", "origin"): "600000.00",
        ("2024Q1", "host"): "400000.00",
        ("2024Q2", "origin"): "180000.00",
        ("2024Q2", "host"): "120000.00",
    }
    assert run("rules", "run", terms, figures, "--through", "2024Q1") == 0
    assert "2024Q2" not in run.out


def test_amended_terms_are_computed_and_explained_each_from_its_quarter(
    run: Commands, terms: str, figures: str, tmp_path: Path
) -> None:
    document = json.loads(Path(terms).read_text(encoding="utf-8"))
    document["in_force_from"] = "2024Q2"
    document["clauses"][0]["to_whom"]["key"] = [{"shares": {"origin": "1/10", "host": "9/10"}}]
    document["clauses"][0]["examples"] = document["clauses"][0]["examples"][:1]
    document["clauses"][0]["examples"][0]["figures"] = [{"span": "2024Q2", "measure": "rent", "amount": "10"}]
    document["clauses"][0]["examples"][0]["expect"] = [
        {"first": "2024Q2", "last": "2024Q2", "book": "cash", "party": "origin", "amount": "1"}
    ]
    amendment = tmp_path / "amendment.json"
    amendment.write_text(json.dumps(document), encoding="utf-8")
    both = (terms, figures, "--amended-by", str(amendment))
    assert run("rules", "run", *both, "--format", "csv", "-l", "en") == 0
    rows = csv.DictReader(io.StringIO(run.out.removeprefix("\ufeff")))
    assert {(row["quarter"], row["role"]): row["amount"] for row in rows} == {
        ("2024Q1", "origin"): "600000.00",
        ("2024Q1", "host"): "400000.00",
        ("2024Q2", "origin"): "30000.00",
        ("2024Q2", "host"): "270000.00",
    }
    assert run("rules", "explain", *both, "--clause", "1", "--quarter", "2024Q2", "-l", "en") == 0
    assert "terms in force from 2024Q2" in run.out
    assert "300000.00 × 1/10 = 30000.00" in run.out
    assert run("rules", "explain", *both, "--clause", "1", "--quarter", "2024Q1", "-l", "en") == 0
    assert "terms in force from 2024Q1" in run.out
    assert run("rules", "run", str(amendment), figures, "--amended-by", terms) == 2
    assert "AMENDMENT_EARLIER" in run.err


def test_a_computed_amount_is_explained(run: Commands, terms: str, figures: str) -> None:
    assert run("rules", "explain", terms, figures, "--clause", "1", "--quarter", "2024Q2", "-l", "en") == 0
    assert "300000.00 × 3/5 = 180000.00" in run.out
    assert run("rules", "explain", terms, figures, "--clause", "8", "--quarter", "2024Q2") == 2


def test_a_draft_is_compared_with_the_terms_in_force_on_a_file_of_figures(
    run: Commands, terms: str, figures: str, tmp_path: Path
) -> None:
    document = json.loads(Path(terms).read_text(encoding="utf-8"))
    (clause,) = document["clauses"]
    clause["to_whom"]["key"] = [{"shares": {"origin": "1/2", "host": "1/2"}}]
    clause["examples"] = [_nothing(clause)]
    draft = tmp_path / "draft.json"
    draft.write_text(json.dumps(document), encoding="utf-8")
    simulate = ("rules", "simulate", str(draft), figures, "--beside", terms)
    assert run(*simulate, "-l", "en") == 0
    assert "-100,000.00" in run.out
    assert "+30,000.00" in run.out
    assert run(*simulate, "--first", "2024Q2", "-o", str(tmp_path / "out.txt")) == 0
    told = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert "草案试算" in told
    assert "100,000.00" not in told
    assert run(*simulate, "--last", "1999Q1") == 2
    assert "QUARTER_OUT_OF_RANGE" in run.err or "REQUEST_REFUSED" in run.err


def _nothing(clause: dict[str, Any]) -> dict[str, Any]:
    """An example in which nothing is shared."""
    (measure, *_) = clause["what"]["measures"]
    nothing = {"first": "2024Q1", "last": "2024Q1", "book": "cash", "party": "host", "amount": "0"}
    figure = {"span": "2024Q1", "measure": measure, "amount": "0"}
    return {"title": {"zh": "零", "en": "Nothing"}, "figures": [figure], "expect": [nothing]}


def test_faults_of_figures_are_listed_cell_by_cell(run: Commands, terms: str, tmp_path: Path) -> None:
    path = tmp_path / "faulty.csv"
    path.write_text(
        "指标,所属期,金额\n房租,2024Q1,1\nrent,2024Q7,1\nrent,2024Q1,1e3\nrent,2024Q1,\n", encoding="utf-8"
    )
    assert run("rules", "run", terms, str(path)) == 2
    for place in (
        "A2  MEASURE_UNKNOWN",
        "B3  PERIOD_UNREADABLE",
        "C4  AMOUNT_UNREADABLE",
        "C5  AMOUNT_MISSING",
    ):
        assert place in run.err


def test_attributes_of_enterprises_decide_who_shares(run: Commands, tmp_path: Path) -> None:
    terms, figures, listed = (str(tmp_path / name) for name in ("terms.json", "figures.csv", "listed.json"))
    assert run("rules", "templates", "beijing-tianjin-hebei", "-o", terms) == 0
    Path(figures).write_text(
        "credit_code,measure,period,amount\n91110000DEM0000011,vat,2024Q3,1000\n", encoding="utf-8"
    )
    attributes = {
        "events": {"capacity_reached": "2024-01-15"},
        "pre_move_tax": {str(year): "30000000.00" for year in (2021, 2022, 2023)},
        "cause_of_move": "government_led",
    }
    Path(listed).write_text(json.dumps({"91110000DEM0000011": attributes}), encoding="utf-8")
    assert run("rules", "run", terms, figures, "-l", "en") == 0
    unlisted = run.out
    assert run("rules", "run", terms, figures, "--enterprises", listed, "--by-subject", "-l", "en") == 0
    assert "91110000DEM0000011" in run.out
    assert "origin" in run.out
    assert "origin" not in unlisted
    Path(listed).write_text('{"91110000DEM0000011": {"evnts": {}}}', encoding="utf-8")
    assert run("rules", "run", terms, figures, "--enterprises", listed) == 2
    assert "ENTERPRISES_UNREADABLE" in run.err


def test_occurrences_and_named_attributes_decide_what_is_shared(run: Commands, tmp_path: Path) -> None:
    terms, figures, listed = (str(tmp_path / name) for name in ("terms.json", "figures.csv", "listed.json"))
    assert run("rules", "templates", "beijing-tianjin-hebei", "-o", terms) == 0
    document = json.loads(Path(terms).read_text(encoding="utf-8"))
    first = document["clauses"][0]
    document["clauses"] = [first]
    first["whose"]["eligibility"] = {"attributes": {"industry": ["研发"]}}
    first["when"]["window"]["clock"] = {"occurrence": "aid_fund_paid_in", "begins": "step_of_day"}
    first["examples"] = [
        {
            "title": {"zh": "零", "en": "Nothing"},
            "figures": [{"span": "2024Q3", "measure": "vat", "amount": "0"}],
            "expect": [{"first": "2024Q3", "last": "2024Q3", "book": "cash", "party": "host", "amount": "0"}],
        }
    ]
    Path(terms).write_text(json.dumps(document), encoding="utf-8")
    Path(figures).write_text(
        "credit_code,measure,period,amount\n91110000DEM0000011,vat,2024Q3,1000\n", encoding="utf-8"
    )
    attributes = {"attributes": {"industry": "研发"}, "pre_move_tax": {"2023": "30000000.00"}}
    Path(listed).write_text(json.dumps({"91110000DEM0000011": attributes}), encoding="utf-8")
    asked = ("rules", "run", terms, figures, "--enterprises", listed, "-l", "en")
    assert run(*asked, "--occurrences", "aid_fund_paid_in=2024-07-15") == 0
    assert "origin" in run.out
    assert run(*asked) == 0
    assert "origin" not in run.out
    for written in ("aid_fund_paid_in", "aid_fund_paid_in=July", "Paid in=2024-07-15"):
        assert run(*asked, "--occurrences", written) == 2
        assert "OCCURRENCE_UNREADABLE" in run.err


def test_the_schema_is_the_committed_one(run: Commands) -> None:
    assert run("rules", "schema") == 0
    committed = Path(__file__).parents[2] / "docs" / "terms.schema.json"
    assert run.out == committed.read_text(encoding="utf-8")


# --- the reference ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_of_a_page_about_the_sample_prints_what_it_says(
    page: Path, run: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, name, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "csv":
            Path(name).write_text(text, encoding="utf-8")
        elif kind == "console":
            for example in text.split("$ parkledger ")[1:]:
                command, *shown = example.splitlines()
                run(*shlex.split(command))
                assert _is_shown(shown, (run.out + run.err).splitlines()), f"{command}\n{run.out}{run.err}"


def _is_shown(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the lines are the printed ones, where a line with dots stands for any others."""
    if not shown:
        return not printed
    first, rest = shown[0], shown[1:]
    if first == "…":
        return any(_is_shown(rest, printed[start:]) for start in range(len(printed) + 1))
    return bool(printed) and printed[0] == first and _is_shown(rest, printed[1:])


# --- help and traces --------------------------------------------------------------------------------------


HELPED = (
    "",
    *(name for commands in PANELS.values() for name in commands),
    "rules",
    *(
        f"rules {name}"
        for name in (
            "check",
            "text",
            "run",
            "simulate",
            "explain",
            "schema",
            "start",
            "templates",
        )
    ),
    *(f"log {name}" for name in ("key", "sequence", "head", "proof", "receipt", "closes")),
    *(f"witness {name}" for name in ("follow", "cosign", "fork")),
)


@pytest.mark.parametrize("command", HELPED)
def test_every_command_has_help_in_both_languages(command: str, run: Commands) -> None:
    assert run(*command.split(), "--help") == 0
    assert any("\u4e00" <= character <= "\u9fff" for character in run.out)


def test_a_trace_is_shown_only_when_asked_for(
    run: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("rules", "check", str(tmp_path / "none.json")) == 2
    assert "Traceback" not in run.err
    monkeypatch.setenv("PARKLEDGER_DEBUG", "1")
    assert run("rules", "check", str(tmp_path / "none.json")) == 2
    assert "Traceback" in run.err
