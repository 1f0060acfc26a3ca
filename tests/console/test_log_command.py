"""`parkledger log` on a ledger of the test's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.evidence import checkpoints, notes, tlog_proof
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.notes import Note, VerifierKey
from ledger.evidence.tlog_proof import TlogProof
from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.console.commands import Commands


@pytest.fixture(autouse=True)
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def closed(database_url: str) -> str:
    """An agreement with a closed quarter; nothing is logged yet."""
    with signed_in(database_url) as client:
        api = Api(client)
        api.bring_into_force(terms("A-1", [tax()]))
        api.hand_in("A-1", "2024Q1", [Figure("retained_tax", "100.00")])
        api.settle("A-1", "2024Q1")
    return "A-1"


def test_an_empty_ledger_has_nothing_to_sign(run: Commands) -> None:
    assert run("log", "sequence") == 0
    assert "Nothing was recorded" in run.out
    assert run("log", "head") == 2
    assert "NOT_FOUND" in run.err


def test_what_was_recorded_is_signed_proven_and_shown(closed: str, tmp_path: Path, run: Commands) -> None:
    assert run("log", "key") == 0
    key = VerifierKey.parse(run.out)
    assert run("log", "closes", closed, "--language", "en") == 0
    assert "2024Q1" in run.out
    assert run("log", "sequence") == 0
    assert run("log", "head", "-o", str(tmp_path / "head")) == 0
    head = checkpoints.verified(Note.parse((tmp_path / "head").read_bytes()), key)
    assert run("events", closed, "--canonical") == 0
    content = run.out.splitlines()[-1].encode()
    event = json.loads(content)["event"]
    assert run("log", "proof", event, "-o", str(tmp_path / "proof")) == 0
    proof = TlogProof.parse((tmp_path / "proof").read_bytes())
    assert tlog_proof.verify(proof, leaf_hash(content), key) == head
    assert run("log", "receipt", event, "-o", str(tmp_path / "receipt")) == 0
    receipt = Note.parse((tmp_path / "receipt").read_bytes())
    notes.verify(receipt, key)
    assert f"event {event}\n" in receipt.text


def test_a_kept_head_of_another_place_is_used(
    closed: str, tmp_path: Path, home: Path, run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARKLEDGER_LOG_HEAD", str(tmp_path / "elsewhere" / "kept"))
    assert run("log", "sequence") == 0
    assert run.out.strip() == (tmp_path / "elsewhere" / "kept").read_text().strip()
    assert not (home / "log.head").exists()
    monkeypatch.delenv("PARKLEDGER_LOG_HEAD")
    assert run("log", "sequence") == 2
    assert "LOG_KEPT_HEAD_MISSING" in run.err
    assert run("log", "closes", closed) == 0
