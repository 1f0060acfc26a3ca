"""What a served ledger hands out, read by the Go project's own packages; ``.ci/run`` runs this by its name.

It needs Debian's packages golang-go and golang-golang-x-mod-dev, and so it isn't part of the ordinary suite.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ledger.desk import log, roster
from ledger.desk.acts import Act
from ledger.desk.events import events
from ledger.desk.log import LogFiles
from ledger_graphql import application
from ledger_schema.sessions import Database
from tests.api.signed_in import Accounts, SignedInClient

PROGRAM = Path(__file__).with_name("verify.go")
OLD_SIZE, SIZE, CHOSEN = 6, 21, 8


@pytest.fixture(scope="session")
def verify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program; only packages of the system are used."""
    folder = tmp_path_factory.mktemp("go")
    built = folder / "verify"
    variables = {"GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOCACHE": str(folder / "cache")}
    subprocess.run(["go", "build", "-o", built, PROGRAM], env={**os.environ, **variables}, check=True)
    return built


@pytest.fixture
def handed_out(database_url: str, tmp_path: Path) -> Path:
    """The files of a ledger of 21 events: an account, its token, and nineteen parties."""
    database, files = Database(database_url), LogFiles(tmp_path / "home")
    accounts = Accounts(database)
    accounts.token()
    for number in range(2, SIZE):
        draft = roster.PartyDraft(code=f"P{number}", kind="zone", name_zh="园区", source="made up")
        roster.register_party(database, Act(f"register/{number}"), draft)
        if number + 1 in (OLD_SIZE, SIZE):
            log.sequence(database, files)
    with database.reading() as connection:
        event = events(connection).items[CHOSEN].event_id
        receipt = log.receipt(connection, event, files.signer()).note.encode()
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "receipt").write_bytes(receipt)
    paths = {
        "key": "/log/key",
        "checkpoint": "/log/checkpoint",
        "old": f"/log/checkpoint?size={OLD_SIZE}",
        "event": f"/log/event/{event}",
        "proof": f"/log/proof/{event}.tlog-proof",
        "consistency.json": f"/log/consistency?from={OLD_SIZE}",
    }
    app = application.create(database_url, log_files=files)
    with SignedInClient(app, accounts) as client:
        for name, path in paths.items():
            (folder / name).write_bytes(client.get(path).raise_for_status().content)
    database.dispose()
    return folder


def checked(verify: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([verify, folder], capture_output=True, text=True, check=False)


def test_go_reads_key_notes_receipt_and_proofs(verify: Path, handed_out: Path) -> None:
    done = checked(verify, handed_out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f": leaf {CHOSEN} of {SIZE}, continuing {OLD_SIZE}\n")


@pytest.mark.parametrize(
    ("name", "before", "after", "refusal"),
    [
        ("event", b"P8", b"P9", "the inclusion"),
        ("checkpoint", b"\n21\n", b"\n22\n", "the checkpoint's signature"),
        ("old", b"\n6\n", b"\n7\n", "the checkpoint's signature"),
        ("receipt", b"logged by 2", b"logged by 3", "the receipt"),
        ("proof", b"index 8", b"index 9", "the inclusion"),
        ("consistency.json", b'"proof": ["', b'"proof": ["AAAA', "the consistency"),
    ],
)
def test_go_refuses_what_was_changed(
    verify: Path, handed_out: Path, name: str, before: bytes, after: bytes, refusal: str
) -> None:
    content = (handed_out / name).read_bytes()
    assert before in content
    (handed_out / name).write_bytes(content.replace(before, after, 1))
    done = checked(verify, handed_out)
    assert done.returncode == 1
    assert refusal in done.stderr
