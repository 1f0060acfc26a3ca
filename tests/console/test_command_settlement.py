"""`parkledger settlement` and `quarter` where the terms ask for signatures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger.evidence.canonical import digest
from ledger_console.command.national import EXIT_PARTLY
from ledger_console.command.program import EXIT_REFUSED
from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.console.commands import Commands

CODE = "SIGNED"


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An agreement whose settlements both sides sign, with its first return."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    with signed_in(database_url) as client:
        api = Api(client)
        document = terms(CODE, [tax()])
        api.bring_into_force({**document, "procedure": {"signed_by": ["origin", "host"]}})
        api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "100.00")])
        yield api


def key_file(api: Api, folder: Path, party: str) -> str:
    """The party's private key as openssl writes it."""
    key = Ed25519PrivateKey.from_private_bytes(api.private_keys[party])
    path = folder / f"{party}.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(path)


def test_a_settlement_is_proposed_signed_with_key_files_and_closed(
    api: Api, run: Commands, tmp_path: Path
) -> None:
    assert run("settlement", "propose", CODE, "2024Q1", "-l", "en") == 0
    assert "Signing: proposed" in run.out
    assert "Awaits: origin, host" in run.out
    written = tmp_path / "bytes.json"
    assert run("settlement", "show", CODE, "2024Q1", "-o", str(written)) == 0
    assert json.loads(written.read_bytes())["quarter"] == "2024Q1"
    signing = ("settlement", "sign", CODE, "2024Q1", "--role")
    for role, party in (("origin", "ORIGIN"), ("host", "HOST")):
        assert run(*signing, role, "--key", key_file(api, tmp_path, party)) == 0
        assert f"SHA-256 {digest(written.read_bytes()).hex()}" in run.out
    assert run(*signing, "host", "--key", key_file(api, tmp_path, "HOST")) == 0
    assert "nothing was done twice" in run.out
    assert run("settlement", "show", CODE, "2024Q1") == 0
    assert "签署状态: 已签署" in run.out
    assert run("close", CODE, "2024Q1", "--yes") == 0
    assert run("settlement", "show", CODE, "2024Q1", "-l", "en") == 0
    assert "Signing: closed" in run.out


def test_what_is_not_proposed_or_no_key_is_refused(api: Api, run: Commands, tmp_path: Path) -> None:
    signing = ("settlement", "sign", CODE, "2024Q1", "--role", "origin", "--key")
    key = key_file(api, tmp_path, "ORIGIN")
    assert run(*signing, key) == EXIT_REFUSED
    assert "NOT_FOUND" in run.err
    api.change("compute_settlement", agreement=CODE, quarter="2024Q1")
    assert run(*signing, key) == EXIT_REFUSED
    assert "SETTLEMENT_NOT_PROPOSED" in run.err
    (tmp_path / "other").write_text("no key")
    assert run(*signing, str(tmp_path / "other")) == EXIT_REFUSED
    assert "PRIVATE_KEY_UNREADABLE" in run.err


def test_a_national_quarter_computes_but_does_not_close_what_waits_for_signatures(
    api: Api, run: Commands
) -> None:
    api.bring_into_force(terms("FREE", [tax()]))
    api.hand_in("FREE", "2024Q1", [Figure("retained_tax", "100.00")])
    assert run("quarter", "2024Q1", "--close", "--yes", "-l", "en") == EXIT_PARTLY
    assert "Closed: 1. Not closed: 1" in run.out
    told = run.out.partition("agreement that waits for signatures")[2]
    assert CODE in told
    assert "SIGNATURES_MISSING" not in run.out
    assert len(api.settlements("FREE")) == 1
    assert api.settlements(CODE) == []


def test_a_national_quarter_closes_what_all_have_signed(api: Api, run: Commands, tmp_path: Path) -> None:
    assert run("settlement", "propose", CODE, "2024Q1") == 0
    for role, party in (("origin", "ORIGIN"), ("host", "HOST")):
        key = key_file(api, tmp_path, party)
        assert run("settlement", "sign", CODE, "2024Q1", "--role", role, "--key", key) == 0
    assert run("quarter", "2024Q1", "--close", "--yes", "-l", "en") == 0
    assert len(api.settlements(CODE)) == 1
