"""`parkledger import --person`, `returns certify`, `seal`, `returns commit` and `worklist`."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.desk import agreements, returns
from ledger.desk.returns import Filing
from ledger.evidence.commitments import commitment_of
from ledger.periods import Quarter, day_of
from ledger_schema.sessions import Database
from tests.api.journey import Api
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.console.commands import Commands

CALENDAR = {"submit_days": 15, "certify_days": 20, "sign_days": 40, "fund_days": 60}
NOW = Quarter.of(day_of(datetime.now(UTC)))
CODE = "A-1"


@pytest.fixture
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def api(database_url: str) -> Iterator[Api]:
    with signed_in(database_url) as client:
        yield Api(client)


@pytest.fixture
def certified(api: Api) -> None:
    procedure = {"certified": ["host"], "calendar": CALENDAR}
    api.bring_into_force(terms(CODE, [tax()]) | {"procedure": procedure})


@pytest.fixture
def sealed(api: Api) -> None:
    procedure = {
        "sealed": True,
        "reconciliations": [
            {"record": "host", "against": "origin", "tolerances": [], "unanswered": "accepted"}
        ],
        "calendar": {name: days for name, days in CALENDAR.items() if name != "certify_days"},
    }
    api.bring_into_force(terms(CODE, [tax()], since=str(NOW)) | {"procedure": procedure})


def return_file(folder: Path, quarter: str, amount: str, name: str = "q.csv") -> Path:
    path = folder / name
    path.write_text(
        f"统一社会信用代码,指标,所属期,金额\n,retained_tax,{quarter},{amount}\n合计,retained_tax,,{amount}\n",
        encoding="utf-8",
    )
    return path


def listed(database: Database) -> list[Filing]:
    with database.reading() as connection:
        found = agreements.agreement_by_code(connection, CODE)
        return returns.filings(connection, found.agreement_id)


@pytest.mark.usefixtures("certified")
def test_a_return_is_imported_by_one_person_and_certified_by_another(
    database: Database, run: Commands, tmp_path: Path
) -> None:
    file = str(return_file(tmp_path, "2024Q1", "100.00"))
    assert run("import", CODE, "host", "2024Q1", file) == 2
    assert "PERSON_MISSING" in run.err
    assert run("import", CODE, "host", "2024Q1", file, "--person", "张三") == 0
    assert "待第二人复核后计入" in run.out
    assert "天" in run.out
    certify = ("returns", "certify", CODE, "host", "2024Q1", "--person")
    assert run(*certify, "张三") == 2
    assert "MAKER_CERTIFIES" in run.err
    assert run(*certify, "李四") == 0
    assert "Certified by 李四" in run.out
    assert run(*certify, "李四") == 0
    assert "nothing was done twice" in run.out
    (filing,) = listed(database)
    assert (filing.person, filing.certified_by, filing.is_current) == ("张三", "李四", True)


@pytest.mark.usefixtures("certified")
def test_importing_the_same_file_again_is_a_replay_until_its_quarter_closed_without_it(
    database: Database, run: Commands, api: Api, tmp_path: Path
) -> None:
    first = str(return_file(tmp_path, "2024Q1", "100.00"))
    assert run("import", CODE, "host", "2024Q1", first, "--person", "张三") == 0
    assert run("returns", "certify", CODE, "host", "2024Q1", "--person", "李四") == 0
    late = ("import", CODE, "host", "2024Q1", str(return_file(tmp_path, "2024Q1", "120.00")))
    for _ in range(2):
        assert run(*late, "--person", "张三") == 0
    assert "nothing was stored twice" in run.out
    api.settle(CODE, "2024Q1")
    assert run(*late, "--person", "张三") == 0
    assert [(one.sequence, str(one.booked_quarter)) for one in listed(database)] == [
        (1, "2024Q1"),
        (2, "2024Q1"),
        (3, "2024Q2"),
    ]


@pytest.mark.usefixtures("certified", "database")
def test_certifying_where_nothing_was_handed_in_finds_nothing(run: Commands) -> None:
    assert run("returns", "certify", CODE, "host", "2024Q1", "--person", "李四") == 2
    assert "NOT_FOUND" in run.err


def test_a_file_is_sealed_the_same_way_however_often(run: Commands, tmp_path: Path) -> None:
    file = return_file(tmp_path, "2024Q1", "100.00")
    assert run("seal", str(file)) == 0
    printed, kept = run.out, file.with_name("q.csv.seal")
    assert run("seal", str(file)) == 0
    assert run.out == printed
    nonce = bytes.fromhex(kept.read_text().strip())
    commitment = commitment_of(hashlib.sha256(file.read_bytes()).digest(), nonce)
    assert commitment.hex() in printed
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.write_text("not a nonce")
    assert run("seal", str(file)) == 2
    assert "SEAL_UNREADABLE" in run.err


@pytest.mark.usefixtures("sealed")
def test_sealed_returns_are_committed_to_and_then_opened(
    database: Database, run: Commands, tmp_path: Path
) -> None:
    files = {role: return_file(tmp_path, str(NOW), "5.00", f"{role}.csv") for role in ("host", "origin")}
    assert run("returns", "commit", CODE, "host", str(NOW), str(files["host"])) == 0
    assert "Waiting for origin" in run.out
    opening = ("--seal", f"{files['host']}.seal")
    assert run("import", CODE, "host", str(NOW), str(files["host"]), *opening) == 2
    assert "FIGURES_SEALED" in run.err
    assert run("returns", "commit", CODE, "origin", str(NOW), str(files["origin"])) == 0
    assert "The figures are open" in run.out
    assert run("import", CODE, "host", str(NOW), str(files["host"])) == 2
    assert "COMMITMENT_DIFFERS" in run.err
    assert run("import", CODE, "host", str(NOW), str(files["host"]), *opening) == 0
    (filing,) = listed(database)
    assert filing.commitment is not None


@pytest.mark.usefixtures("sealed")
def test_a_file_that_would_be_refused_is_not_committed_to(
    database: Database, run: Commands, tmp_path: Path
) -> None:
    file = return_file(tmp_path, str(NOW), "5 yuan")
    assert run("returns", "commit", CODE, "host", str(NOW), str(file)) == 2
    assert "AMOUNT_UNREADABLE" in run.err
    with database.reading() as connection:
        found = agreements.agreement_by_code(connection, CODE)
        seal = returns.seal(connection, found.agreement_id, NOW)
    assert seal is not None
    assert seal.commitments == {}


HAND_IN = "hand in the return"
HELD_UP = f"the host side the host side: {HAND_IN}"


@pytest.mark.usefixtures("certified", "database")
def test_a_worklist_tells_what_is_due_and_who_holds_it_up(run: Commands) -> None:
    assert run("worklist", "HOST", "--today", "2024-04-18", "-l", "en") == 0
    assert [" ".join(line.split()) for line in run.out.splitlines()[1:]] == [
        f"2024-04-15 to do A-1 2024Q1 {HAND_IN} import the host side 3",
        f"2024-04-20 waiting A-1 2024Q1 certify the return returns certify {HELD_UP}",
        f"2024-05-10 waiting A-1 2024Q1 sign the settlement settlement sign {HELD_UP}",
        f"2024-05-30 waiting A-1 2024Q1 pay what is owed payments import {HELD_UP}",
        "共 4 项 / 4 items",
    ]
    assert run("worklist", "ORIGIN", "--today", "2024-04-18") == 0
    assert "他方待办" in run.out
    assert run("worklist", "NOBODY") == 2
    assert run("worklist", "HOST", "--today", "yesterday") == 2
