"""The log through the API and over plain HTTP, as anybody's tools would read it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.desk import log
from ledger.desk.log import LogFiles
from ledger.evidence import checkpoints, merkle, notes, tlog_proof
from ledger.evidence.checkpoints import cosigner_name
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.notes import Note, VerifierKey
from ledger.evidence.tlog_proof import TlogProof
from ledger_schema.sessions import Database
from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def logged(database_url: str, files: LogFiles) -> Iterator[Api]:
    """A client of a server that keeps the log."""
    with signed_in(database_url, log_files=files) as client:
        yield Api(client)


def register(api: Api, code: str, key: str = "register") -> str:
    """Registers a party; returns the id of the event."""
    api.change(
        "register_party",
        idempotencyKey=f"{key}-{code}",
        code=code,
        kind="ZONE",
        nameZh="园区",
        source="made up",
    )
    (given,) = api.run("receipts", key=f"{key}-{code}")["log"]["receipts"]
    event: str = given["event"]
    return event


def number(event: str) -> int:
    return int(base64.urlsafe_b64decode(event).decode().removeprefix("Event:"))


def test_a_receipt_comes_at_once_and_the_log_keeps_it(
    logged: Api, database: Database, files: LogFiles
) -> None:
    event = register(logged, "EAST")
    (given,) = logged.run("receipts", key="register-EAST")["log"]["receipts"]
    shown = logged.run("log")["log"]
    key = VerifierKey.parse(shown["verifierKey"])
    notes.verify(Note.parse(given["note"].encode()), key)
    assert (shown["origin"], shown["mergeDelayMaxHours"], shown["refusal"]) == (key.name, 24, None)
    log.sequence(database, files)
    proven = logged.run("inclusion", event=event)["log"]["inclusion"]
    assert proven["leafHash"] == given["leafHash"]
    tlog_proof.verify(TlogProof.parse(proven["proofFile"].encode()), bytes.fromhex(given["leafHash"]), key)


def test_a_head_is_shown_to_continue_an_earlier_one(logged: Api, database: Database, files: LogFiles) -> None:
    register(logged, "EAST")
    old = log.sequence(database, files)
    register(logged, "WEST")
    new = log.sequence(database, files)
    assert old is not None
    assert new is not None
    shown = logged.run("consistency", oldSize=old.size)["log"]["consistency"]
    assert (shown["oldRoot"], shown["newRoot"]) == (old.root.hex(), new.root.hex())
    hashes = [bytes.fromhex(each) for each in shown["hashes"]]
    merkle.verify_consistency(old.size, new.size, hashes, old.root, new.root)


def test_a_proof_is_checked_with_nothing_but_what_was_downloaded(
    logged: Api, database: Database, files: LogFiles
) -> None:
    event = number(register(logged, "EAST"))
    log.sequence(database, files)
    client = logged.client
    key = VerifierKey.parse(client.get("/log/key").text)
    content = client.get(f"/log/event/{event}").content
    proof = TlogProof.parse(client.get(f"/log/proof/{event}.tlog-proof").content)
    checkpoint = tlog_proof.verify(proof, leaf_hash(content), key)
    assert Note.parse(client.get("/log/checkpoint").content).text == checkpoint.text()
    assert hashlib.sha256(b"\0" + content).digest() == leaf_hash(content)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/log/checkpoint?size=999", 404, "NOT_FOUND"),
        ("/log/checkpoint?size=0x1", 400, "PARAMETER_UNUSABLE"),
        ("/log/checkpoint?size=99999999999999999999", 400, "PARAMETER_UNUSABLE"),
        ("/log/event/7", 404, "NOT_FOUND"),
        ("/log/proof/seven.tlog-proof", 400, "PARAMETER_UNUSABLE"),
        ("/log/proof/7.tlog-proof", 404, "NOT_FOUND"),
        ("/log/consistency", 400, "PARAMETER_UNUSABLE"),
    ],
)
def test_a_download_that_is_not_there_says_so(logged: Api, path: str, status: int, code: str) -> None:
    answer = logged.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_event_that_no_head_covers_is_told_apart_from_none(
    logged: Api, database: Database, files: LogFiles
) -> None:
    register(logged, "EAST")
    log.sequence(database, files)
    files.head_path.rename(files.head_path.with_suffix(".away"))
    late = register(logged, "WEST")
    (error,) = logged.answer(
        "query Q($event: ID!) { log { inclusion(event: $event) { leafNumber } } }", event=late
    )["errors"]
    assert error["extensions"]["code"] == "NOT_LOGGED_YET"


def test_the_reason_why_nothing_is_signed_is_told(logged: Api, database: Database, files: LogFiles) -> None:
    register(logged, "EAST")
    log.sequence(database, files)
    with database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("DELETE FROM log_leaf"))
    refusal = logged.run("log")["log"]["refusal"]
    assert refusal["code"] == "LOG_BEHIND_KEPT_HEAD"
    assert "0 leaves" in refusal["messageEn"]


def test_a_server_without_the_key_says_that_it_signs_nothing(api: Api) -> None:
    (error,) = api.answer("{ log { origin } }")["errors"]
    assert error["extensions"]["code"] == "LOG_NOT_KEPT"


def test_both_sides_cosign_a_close(logged: Api, database: Database, files: LogFiles) -> None:
    logged.bring_into_force(terms("PAIR", [tax()]))
    logged.hand_in("PAIR", "2024Q1", [Figure("retained_tax", "100.00")])
    logged.settle("PAIR", "2024Q1")
    head = log.sequence(database, files)
    assert head is not None
    (close,) = logged.run("closes", code="PAIR")["log"]["closes"]
    assert close["quarter"] == "2024Q1"
    asked = [side["party"]["code"] for side in close["cosigners"] if side["size"] is None]
    assert len(asked) == 2
    for code in asked:
        name = cosigner_name(files.signer().name, code)
        line = str(checkpoints.cosign(head.note.text, name, logged.private_keys[code], 5))
        entered = {"idempotencyKey": f"cosign-{code}", "party": code, "size": head.size, "line": line}
        assert logged.change("cosign_checkpoint", **entered)["replayed"] is False
        assert logged.change("cosign_checkpoint", **entered)["replayed"] is True
    (close,) = logged.run("closes", code="PAIR")["log"]["closes"]
    assert {side["size"] for side in close["cosigners"]} == {head.size}
    note = Note.parse(logged.client.get("/log/checkpoint").content)
    for code in asked:
        (key,) = logged.ask("query K($code: String!) { log { cosignerKeys(party: $code) } }", code=code)[
            "log"
        ]["cosignerKeys"]
        assert checkpoints.verify_cosigned(note, VerifierKey.parse(key)) == 5


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("nonsense", "InvalidInput"),
        ("\u2014 name AAAAAAAA", "SignatureRefused"),
    ],
)
def test_a_cosignature_of_nobody_is_refused(
    logged: Api, database: Database, files: LogFiles, line: str, kind: str
) -> None:
    register(logged, "EAST")
    head = log.sequence(database, files)
    assert head is not None
    entered = {"idempotencyKey": "cosign", "party": "EAST", "size": head.size, "line": line}
    assert logged.attempt("cosign_checkpoint", **entered)["__typename"] == kind
    assert logged.attempt("cosign_checkpoint", **{**entered, "size": 77})["__typename"] == "NotFound"
