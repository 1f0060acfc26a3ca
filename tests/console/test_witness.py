"""A zone's own tools, over real HTTP against a served ledger: following, cosigning, and proving a fork."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import uvicorn
from sqlalchemy.engine import make_url

from ledger.desk import log, roster
from ledger.desk.acts import Act
from ledger.desk.log import LogFiles
from ledger.evidence import checkpoints, forks
from ledger.evidence.checkpoints import Checkpoint, cosigner_key, cosigner_name
from ledger.evidence.forks import Fork
from ledger.evidence.notes import Note
from ledger.evidence.signatures import new_private_key, public_key_of
from ledger_graphql import application
from ledger_schema.sessions import Database
from tests.api.signed_in import CHEAP, Accounts
from tests.console.commands import Commands

WAIT_SECONDS = 60


@contextmanager
def served(database_url: str, files: LogFiles) -> Iterator[str]:
    """The ledger on a free port of this machine; gives its address."""
    database = Database(database_url)
    accounts = Accounts(database)
    app = application.create(database_url, log_files=files, passwords=CHEAP)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    ready = threading.Event()
    startup = server.startup

    async def tell_when_started(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = tell_when_started  # type: ignore[method-assign]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert ready.wait(WAIT_SECONDS)
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("PARKLEDGER_TOKEN", accounts.token())
                accounts.entitle()
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            database.dispose()
            server.should_exit = True
            thread.join(WAIT_SECONDS)


class Ledger:
    """A database with its log, and short ways to record and sign."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.files = LogFiles(folder)
        self.database = Database(url)

    def register(self, *codes: str) -> None:
        for code in codes:
            draft = roster.PartyDraft(code=code, kind="zone", name_zh="园区", source="made up")
            roster.register_party(self.database, Act(f"register/{code}"), draft)

    def register_key(self, code: str) -> bytes:
        private_key = new_private_key()
        public_key = public_key_of(private_key)
        roster.register_key(self.database, Act(f"key/{code}"), code, public_key, "test key")
        return private_key

    def sign(self) -> log.Head:
        head = log.sequence(self.database, self.files)
        assert head is not None
        return head

    @property
    def key(self) -> str:
        return str(self.files.signer().verifier)


@pytest.fixture
def ledger(database_url: str, tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(database_url, tmp_path / "home")
    made.register("EAST", "WEST")
    made.sign()
    yield made
    made.database.dispose()


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    return tmp_path / "heads"


@pytest.fixture
def forked(ledger: Ledger, tmp_path: Path) -> Iterator[Ledger]:
    """The same log as it was, with the same key, told another story; its operator put the kept head back."""
    ledger.database.dispose()
    url = make_url(ledger.url)
    server = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    name = f"{url.database}_fork"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{url.database}"')
        made = Ledger(url.set(database=name).render_as_string(hide_password=False), tmp_path / "forked")
        made.files.key_path.parent.mkdir()
        for path in (ledger.files.key_path, ledger.files.head_path):
            (tmp_path / "forked" / path.name).write_bytes(path.read_bytes())
        yield made
        made.database.dispose()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def last_size(heads: Path) -> int:
    """The size of the head that was kept last."""
    kept = json.loads(heads.read_text().splitlines()[-1])["note"]
    return Checkpoint.parse(Note.parse(kept.encode()).text).size


def notes_in(heads: Path) -> int:
    return len(heads.read_text().splitlines()) - 1


def test_a_log_is_followed_and_each_new_head_is_kept(ledger: Ledger, heads: Path, run: Commands) -> None:
    with served(ledger.url, ledger.files) as url:
        assert run("witness", "follow", url, "--heads", str(heads), "--key", ledger.key) == 0
        assert run("witness", "follow", url, "--heads", str(heads)) == 0
        assert notes_in(heads) == 1
        ledger.register("NORTH", "SOUTH")
        head = ledger.sign()
        assert run("witness", "follow", url, "--heads", str(heads)) == 0
    assert f"  {head.size}  " in run.out
    assert notes_in(heads) == 2


def test_a_log_is_not_followed_without_its_key_or_with_another(
    ledger: Ledger, heads: Path, tmp_path: Path, run: Commands
) -> None:
    other = str(LogFiles(tmp_path / "other").signer().verifier)
    with served(ledger.url, ledger.files) as url:
        assert run("witness", "follow", url, "--heads", str(heads)) == 2
        assert "HEADS_UNUSABLE" in run.err
        assert run("witness", "follow", url, "--heads", str(heads), "--key", other) == 2
    assert "NOTE_NOT_SIGNED" in run.err


def test_a_zone_cosigns_from_its_own_machine_with_its_own_key(
    ledger: Ledger, heads: Path, tmp_path: Path, run: Commands
) -> None:
    private_key = ledger.register_key("EAST")
    ledger.sign()
    key_file = tmp_path / "east.key"
    key_file.write_text(private_key.hex() + "\n")
    cosign = ("witness", "cosign", "--heads", str(heads), "--party", "EAST", "--key-file", str(key_file))
    with served(ledger.url, ledger.files) as url:
        assert run(*cosign, url, "--key", ledger.key) == 0
    name = cosigner_name(ledger.files.signer().name, "EAST")
    with ledger.database.reading() as connection:
        # The server may have signed a newer head since.
        note = log.head(connection, last_size(heads)).note
    assert checkpoints.verify_cosigned(note, cosigner_key(name, public_key_of(private_key))) > 1_700_000_000
    assert private_key.hex() not in run.out + heads.read_text()


def test_a_cosignature_that_is_not_taken_says_why(
    ledger: Ledger, heads: Path, tmp_path: Path, run: Commands
) -> None:
    key_file = tmp_path / "stranger.key"
    key_file.write_text(new_private_key().hex())
    cosign = ("witness", "cosign", "--heads", str(heads), "--party", "EAST", "--key-file", str(key_file))
    with served(ledger.url, ledger.files) as url:
        assert run(*cosign, url, "--key", ledger.key) == 2
        assert "COSIGNATURE_NOT_TAKEN" in run.err
        key_file.write_text("not a key")
        assert run(*cosign, url) == 2
    assert "PRIVATE_KEY_UNREADABLE" in run.err


def test_a_fork_is_seen_and_proven_to_others(
    ledger: Ledger, forked: Ledger, heads: Path, run: Commands
) -> None:
    ledger.register("NORTH")
    forked.register("SOUTH", "MIDDLE")
    ledger.sign()
    forked.sign()
    with served(ledger.url, ledger.files) as url:
        assert run("witness", "follow", url, "--heads", str(heads), "--key", ledger.key) == 0
    with served(forked.url, forked.files) as url:
        assert run("witness", "follow", url, "--heads", str(heads)) == 2
    assert "LOG_FORKED" in run.err
    (proof,) = heads.parent.glob("heads.fork-*.json")
    forks.verify_fork(Fork.parse(proof.read_bytes()), ledger.files.signer().verifier)
    assert run("witness", "fork", str(proof), "--key", ledger.key) == 0
    assert notes_in(heads) == 1


def test_a_zone_does_not_cosign_a_fork(
    ledger: Ledger, forked: Ledger, heads: Path, tmp_path: Path, run: Commands
) -> None:
    forked_key = tmp_path / "east.key"
    forked_key.write_text(forked.register_key("EAST").hex())
    ledger.register("NORTH")
    ledger.sign()
    forked.sign()
    with served(ledger.url, ledger.files) as url:
        run("witness", "follow", url, "--heads", str(heads), "--key", ledger.key)
    cosign = ("witness", "cosign", "--heads", str(heads), "--party", "EAST", "--key-file", str(forked_key))
    with served(forked.url, forked.files) as url:
        assert run(*cosign, url) == 2
    with forked.database.reading() as connection:
        assert len(log.head(connection).note.signatures) == 1


def test_a_log_that_went_back_is_not_followed(
    ledger: Ledger, forked: Ledger, heads: Path, run: Commands
) -> None:
    # Signing in is logged too, so that the other log grows a little as well.
    ledger.register("NORTH", "SOUTH", "UP", "DOWN", "LEFT", "RIGHT")
    ledger.sign()
    with served(ledger.url, ledger.files) as url:
        run("witness", "follow", url, "--heads", str(heads), "--key", ledger.key)
    with served(forked.url, forked.files) as url:
        assert run("witness", "follow", url, "--heads", str(heads)) == 2
    assert "LOG_NOT_CONTINUED" in run.err


def test_a_made_up_accusation_is_refused(ledger: Ledger, tmp_path: Path, run: Commands) -> None:
    head = ledger.sign()
    accusation = tmp_path / "accusation.json"
    accusation.write_bytes(Fork(head.note, Note.parse(head.note.encode())).encode())
    assert run("witness", "fork", str(accusation), "--key", ledger.key) == 2
    assert "PROOF_WRONG" in run.err


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ftp://127.0.0.1", "127.0.0.1:8000"])
def test_an_address_that_does_not_answer_is_named(
    ledger: Ledger, heads: Path, run: Commands, url: str
) -> None:
    assert run("witness", "follow", url, "--heads", str(heads), "--key", ledger.key) == 2
    assert "LOG_UNREACHABLE" in run.err
