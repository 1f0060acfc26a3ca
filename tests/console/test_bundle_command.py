"""`parkledger bundle`, `parkledger excerpt` and `parkledger verify`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.console.commands import Commands


@pytest.fixture(autouse=True)
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))


@pytest.fixture
def file(database_url: str, tmp_path: Path, run: Commands) -> Path:
    """The bundle of a closed quarter."""
    with signed_in(database_url) as client:
        api = Api(client)
        api.bring_into_force(terms("A-1", [tax()]))
        api.hand_in("A-1", "2024Q1", [Figure("retained_tax", "100.00")])
        api.settle("A-1", "2024Q1")
    path = tmp_path / "bundle.json"
    assert run("bundle", "A-1", "2024Q1", "-o", str(path)) == 2
    assert "NOT_FOUND" in run.err
    assert run("log", "sequence") == 0
    assert run("bundle", "A-1", "2024Q1", "-o", str(path)) == 0
    return path


def test_a_bundle_is_written_and_verified_where_there_is_no_database(
    file: Path, run: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("log", "key") == 0
    key = run.out.strip()
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "nothing here"))
    assert run("verify", str(file), "--log-key", key, "--language", "en") == 0
    assert "key as you gave it" in run.out
    assert run.out.endswith("The bundle holds.\n")
    assert run("verify", str(file)) == 0
    assert "公钥取自文件" in run.out
    assert not (tmp_path / "nothing here").exists()


def test_the_first_thing_that_is_wrong_is_named(file: Path, run: Commands) -> None:
    forged = file.read_bytes().replace(b'"amount_minor":"10000"', b'"amount_minor":"10001"', 1)
    assert forged != file.read_bytes()
    file.write_bytes(forged)
    assert run("verify", str(file), "--language", "en") == 2
    assert "BUNDLE_WRONG" in run.err
    assert "The bundle holds" not in run.out


def test_what_the_user_insists_on_is_missed(file: Path, run: Commands) -> None:
    assert run("verify", str(file), "--cosigned-by", "EAST") == 2
    assert "the cosignatures of EAST are missing" in run.err
    assert run("verify", str(file), "--party-key", "EAST=12") == 2
    assert "PARTY_KEY_UNREADABLE" in run.err
    file.write_bytes(b"{}")
    assert run("verify", str(file)) == 2
    assert "BUNDLE_UNREADABLE" in run.err


CODE = "91110108MA00000197"


@pytest.fixture
def excerpt(database_url: str, tmp_path: Path, run: Commands) -> Path:
    """The excerpt of the one enterprise of a closed quarter."""
    with signed_in(database_url) as client:
        api = Api(client)
        clause = tax()
        clause["whose"]["scope"] = "listed_enterprises"
        api.bring_into_force(terms("L-1", [clause]))
        api.confirm_list("L-1", [{"creditCode": CODE, "nameZh": "示例企业（虚构）"}])
        api.hand_in("L-1", "2024Q1", [Figure("retained_tax", "100.00", credit_code=CODE)])
        api.settle("L-1", "2024Q1")
    path = tmp_path / "excerpt.json"
    assert run("log", "sequence") == 0
    assert run("excerpt", "L-1", "2024Q1", CODE, "-o", str(path)) == 0
    return path


def test_an_excerpt_is_written_and_verified_where_there_is_no_database(
    excerpt: Path, run: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "nothing here"))
    assert run("verify", str(excerpt), "--language", "en") == 0
    assert f"Enterprise {CODE}: 2 allocations, the whole leaf" in run.out
    assert "An excerpt doesn't prove" in run.out
    assert run.out.endswith("The excerpt holds.\n")
    assert run("verify", str(excerpt)) == 0
    assert run.out.endswith("摘录成立。\n")
    forged = excerpt.read_bytes().replace(b'"amount_minor":"10000"', b'"amount_minor":"10001"', 1)
    excerpt.write_bytes(forged)
    assert run("verify", str(excerpt), "--language", "en") == 2
    assert "BUNDLE_WRONG" in run.err
    assert "returns[0]" in run.err


def test_an_enterprise_that_nobody_knows_has_no_excerpt(excerpt: Path, run: Commands) -> None:
    before = excerpt.read_bytes()
    assert run("excerpt", "L-1", "2024Q1", "91110108MA000003XX", "-o", str(excerpt)) == 2
    assert "NOT_FOUND" in run.err
    assert excerpt.read_bytes() == before
