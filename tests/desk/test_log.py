"""The log: what is committed gets its place, heads are signed, and no second past is ever signed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from desk_fixtures import clause, open_room
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.engine import make_url

from ledger.desk import log
from ledger.desk.acts import Act, Recorder, perform
from ledger.desk.agreements import KeyNotRegistered
from ledger.desk.events import events
from ledger.desk.failures import NotFound
from ledger.desk.log import LogFiles
from ledger.desk.log.keeping import LogFileUnreadable
from ledger.desk.log.reading import EventAltered, NotLoggedYet, root, tree_size
from ledger.desk.log.sequencing import (
    KeptHeadForeign,
    KeptHeadMissing,
    LogBehindKeptHead,
    LogContradictsKeptHead,
    Sequencer,
)
from ledger.errors import LedgerError
from ledger.evidence import checkpoints, merkle, notes, tlog_proof
from ledger.evidence.checkpoints import cosigner_key, cosigner_name
from ledger.evidence.merkle import Tree, leaf_hash
from ledger.evidence.notes import NoteNotSigned
from ledger.evidence.signatures import new_private_key, public_key_of
from ledger_schema import tables
from ledger_schema.sessions import Database
from tests.listening import listening

WAIT_SECONDS = 60


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path / "home")


def record(database: Database, key: str, count: int = 1) -> list[int]:
    """An act of ``count`` events; returns their ids."""
    made: list[int] = []

    def work(_: Connection, recorder: Recorder) -> dict[str, int]:
        made[:] = [recorder("tested", {"number": number}) for number in range(count)]
        return {}

    perform(database, Act(key, actor="tester"), "test", {}, work)
    return made


def logged(database: Database) -> list[int]:
    with database.reading() as connection:
        column = tables.log_leaf.c
        return list(connection.execute(select(column.event_id).order_by(column.leaf_number)).scalars())


def as_superuser(database: Database, *statements: str) -> None:
    """What whoever owns the server can do: guards are put aside."""
    with database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement))


# --- sequencing -------------------------------------------------------------------------------------------


def test_an_empty_ledger_has_no_head(database: Database, files: LogFiles) -> None:
    assert log.sequence(database, files) is None
    with database.reading() as connection, pytest.raises(NotFound):
        log.head(connection)


def test_the_tree_is_that_of_the_stored_bytes_in_order(database: Database, files: LogFiles) -> None:
    made = record(database, "one", 7)
    head = log.sequence(database, files)
    with database.reading() as connection:
        content = [each.canonical for each in events(connection).items]
    assert logged(database) == made
    assert head is not None
    assert (head.size, head.root) == (7, Tree(map(leaf_hash, content)).root())
    assert checkpoints.verified(head.note, files.signer().verifier).root == head.root


def test_the_tree_goes_on_where_it_was_and_signs_nothing_twice(database: Database, files: LogFiles) -> None:
    first = record(database, "one", 3)
    small = log.sequence(database, files)
    assert small == log.sequence(database, files)
    second = record(database, "two", 5)
    large = log.sequence(database, files)
    assert small is not None
    assert large is not None
    assert logged(database) == first + second
    with database.reading() as connection:
        shown = log.consistency(connection, 3)
    merkle.verify_consistency(3, 8, shown.hashes, small.root, large.root)


def test_more_than_a_batch_is_logged_at_once(
    database: Database, files: LogFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.desk.log.sequencing.BATCH_LEAVES", 4)
    made = record(database, "one", 11)
    log.sequence(database, files)
    assert logged(database) == made


def test_an_event_committed_late_is_logged_whatever_its_id(database: Database, files: LogFiles) -> None:
    """Its id is the smallest, and heads were signed while its transaction was under way."""
    with database.writing() as late:
        slow = Recorder(late, Act("slow", actor="tester"))("tested", {})
        quick = record(database, "quick")
        log.sequence(database, files)
        quicker = record(database, "quicker")
        log.sequence(database, files)
        assert logged(database) == quick + quicker
    log.sequence(database, files)
    assert logged(database) == [*quick, *quicker, slow]
    assert slow < quick[0]


def test_a_database_restored_from_a_dump_is_logged_on(database: Database, files: LogFiles) -> None:
    """There the numbers of transactions begin anew, below those that the last head knew."""
    before = record(database, "before", 3)
    log.sequence(database, files)
    as_superuser(database, "UPDATE log_head SET logged_below = 1000000000000")
    after = record(database, "after")
    log.sequence(database, files)
    assert logged(database) == before + after


def test_an_event_that_numbers_of_transactions_hide_is_found_by_a_thorough_look(
    database: Database, files: LogFiles
) -> None:
    before = record(database, "before")
    log.sequence(database, files)
    hidden = record(database, "hidden")
    as_superuser(database, f"UPDATE event SET transaction_number = 3 WHERE event_id = {hidden[0]}")
    log.sequence(database, files)
    assert logged(database) == before
    log.sequence(database, files, thorough=True)
    assert logged(database) == before + hidden


def test_a_rolled_back_act_leaves_no_gap(database: Database, files: LogFiles) -> None:
    with database.writing() as undone:
        Recorder(undone, Act("undone", actor="tester"))("tested", {})
        undone.rollback()
    made = record(database, "kept", 2)
    log.sequence(database, files)
    assert logged(database) == made


def test_writers_do_not_wait_for_the_sequencer(database: Database, files: LogFiles) -> None:
    record(database, "one")
    with database.writing() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(9, hashtext(''))"))
        made = record(database, "two")
    log.sequence(database, files)
    assert logged(database)[-1:] == made


def test_sequencers_at_once_log_every_event_once(database: Database, tmp_path: Path) -> None:
    """Two homes with one key: the database's lock alone keeps them apart."""
    first = LogFiles(tmp_path / "first")
    first.signer()
    second = LogFiles(tmp_path / "second", first.head_path)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    made = record(database, "many", 50)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda files: log.sequence(database, files), [first, second] * 3))
    assert logged(database) == made


def test_the_server_logs_what_is_recorded_without_being_asked(database: Database, files: LogFiles) -> None:
    sequencer = Sequencer(database, files)
    published = threading.Event()
    keep = files.keep

    def watched(note: notes.Note) -> None:
        keep(note)
        published.set()

    files.keep = watched  # type: ignore[method-assign]
    made = record(database, "one")
    sequencer.start()
    try:
        assert published.wait(WAIT_SECONDS)
    finally:
        sequencer.stop()
    assert logged(database) == made


def test_a_sequencer_that_is_refused_says_so_once_and_goes_on(
    database: Database, files: LogFiles, caplog: pytest.LogCaptureFixture
) -> None:
    record(database, "one")
    log.sequence(database, files)
    files.head_path.unlink()
    sequencer = Sequencer(database, files)
    sequencer._once()
    sequencer._once()
    assert [each.exc_info[0] for each in caplog.records if each.exc_info] == [KeptHeadMissing]
    assert sequencer.failure == "LOG_KEPT_HEAD_MISSING"


def test_a_sequencer_survives_what_nobody_foresaw_and_signs_again_afterwards(
    database: Database, files: LogFiles, caplog: pytest.LogCaptureFixture
) -> None:
    keep = files.keep
    failed, published = threading.Event(), threading.Event()

    def failing(note: notes.Note) -> None:
        failed.set()
        raise RuntimeError(f"unforeseen: {note.text}")

    def watched(note: notes.Note) -> None:
        keep(note)
        published.set()

    files.keep = failing  # type: ignore[method-assign]
    made = record(database, "one")
    sequencer = Sequencer(database, files)
    sequencer.start()
    try:
        assert failed.wait(WAIT_SECONDS)
        files.keep = watched  # type: ignore[method-assign]
        assert published.wait(WAIT_SECONDS)
    finally:
        sequencer.stop()
    assert logged(database) == made
    assert sequencer.failure is None
    assert "unforeseen" in caplog.text


def test_a_failure_that_nobody_foresaw_is_named_by_its_kind(database: Database, files: LogFiles) -> None:
    def failing(note: notes.Note) -> None:
        raise RuntimeError(note.text)

    files.keep = failing  # type: ignore[method-assign]
    record(database, "one")
    sequencer = Sequencer(database, files)
    sequencer._once()
    assert sequencer.failure == "RuntimeError"


# --- the kept head ----------------------------------------------------------------------------------------


def test_the_head_is_kept_before_it_is_published(database: Database, files: LogFiles) -> None:
    record(database, "one")
    published: list[log.Head | None] = []
    keep = files.keep

    def watched(note: notes.Note) -> None:
        keep(note)
        with database.reading() as connection:
            published.append(log.published(connection))

    files.keep = watched  # type: ignore[method-assign]
    head = log.sequence(database, files)
    assert head is not None
    assert files.kept_head() == head.note
    assert published == [None]


def test_a_process_that_died_between_keeping_and_publishing_is_made_good(
    database: Database, files: LogFiles
) -> None:
    record(database, "one")
    keep = files.keep

    def die(note: notes.Note) -> None:
        keep(note)
        raise KeyboardInterrupt

    files.keep = die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        log.sequence(database, files)
    again = LogFiles(files.key_path.parent)
    head = log.sequence(database, again)
    assert head is not None
    assert head.note == again.kept_head()


def copy_of(database_url: str, name: str) -> str:
    """A backup: PostgreSQL's own copy of the database as it is."""
    url = make_url(database_url)
    address = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{url.database}"')
    return url.set(database=name).render_as_string(hide_password=False)


def drop(database_url: str) -> None:
    url = make_url(database_url)
    address = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{url.database}" WITH (FORCE)')


@pytest.fixture
def restored(database: Database, database_url: str, files: LogFiles) -> Iterator[Database]:
    """A backup of three logged events, put back after five were logged and signed."""
    record(database, "before", 3)
    log.sequence(database, files)
    database.dispose()
    backup = copy_of(database_url, f"{make_url(database_url).database}_backup")
    record(database, "after", 2)
    log.sequence(database, files)
    restored = Database(backup)
    yield restored
    restored.dispose()
    drop(backup)


def test_a_restored_backup_is_not_signed(restored: Database, files: LogFiles) -> None:
    kept = files.head_path.read_bytes()
    with pytest.raises(LogBehindKeptHead) as refused:
        log.sequence(restored, files)
    assert "3 leaves" in refused.value.message_en
    assert "5" in refused.value.message_zh
    assert files.head_path.read_bytes() == kept


def test_a_restored_backup_that_went_on_differently_is_not_signed_either(
    restored: Database, files: LogFiles
) -> None:
    """It has as many leaves again, made where nobody kept a head; they are others."""
    record(restored, "other", 2)
    elsewhere = LogFiles(files.key_path.parent / "elsewhere")
    shutil.copytree(files.key_path.parent, elsewhere.key_path.parent)
    with restored.reading() as connection:
        elsewhere.keep(log.head(connection).note)
    log.sequence(restored, elsewhere)
    with pytest.raises(LogContradictsKeptHead):
        log.sequence(restored, files)
    assert len(logged(restored)) == 5


def test_nothing_is_appended_to_a_database_that_may_not_be_signed(
    restored: Database, files: LogFiles
) -> None:
    record(restored, "other", 4)
    with pytest.raises(LogBehindKeptHead):
        log.sequence(restored, files)
    assert len(logged(restored)) == 3


def test_a_rewritten_tree_is_not_signed(database: Database, files: LogFiles) -> None:
    record(database, "one", 4)
    log.sequence(database, files)
    as_superuser(
        database,
        "UPDATE log_leaf SET hashes = substr(hashes, 1, 64) || sha256('forged') WHERE leaf_number = 3",
    )
    record(database, "two")
    with pytest.raises(LogContradictsKeptHead):
        log.sequence(database, files)


def test_a_log_with_its_tail_cut_off_is_not_signed(database: Database, files: LogFiles) -> None:
    record(database, "one", 4)
    log.sequence(database, files)
    as_superuser(database, "DELETE FROM log_leaf WHERE leaf_number = 3", "DELETE FROM log_head")
    with pytest.raises(LogBehindKeptHead):
        log.sequence(database, files)


def test_a_lost_kept_head_is_not_made_anew(database: Database, files: LogFiles) -> None:
    record(database, "one")
    head = log.sequence(database, files)
    files.head_path.unlink()
    record(database, "two")
    with pytest.raises(KeptHeadMissing):
        log.sequence(database, files)
    assert head is not None
    files.keep(head.note)
    after = log.sequence(database, files)
    assert after is not None
    assert after.size == 2


def test_a_head_of_another_key_is_not_followed(database: Database, files: LogFiles, tmp_path: Path) -> None:
    record(database, "one")
    log.sequence(database, files)
    with pytest.raises(KeptHeadForeign):
        log.sequence(database, LogFiles(tmp_path / "other", files.head_path))


@pytest.mark.parametrize("name", ["log.key", "log.head"])
def test_a_damaged_file_stops_the_signing(database: Database, files: LogFiles, name: str) -> None:
    record(database, "one")
    log.sequence(database, files)
    path = files.key_path.with_name(name)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LogFileUnreadable):
        log.sequence(database, files)


def test_the_key_is_for_its_owner_alone_and_stays_the_same(files: LogFiles) -> None:
    signer = files.signer()
    assert files.key_path.stat().st_mode & 0o777 == 0o600
    assert LogFiles(files.key_path.parent).signer() == signer


# --- proofs -----------------------------------------------------------------------------------------------


def test_every_event_is_proven_under_every_head_that_covers_it(database: Database, files: LogFiles) -> None:
    made = record(database, "one", 3)
    log.sequence(database, files)
    made += record(database, "two", 6)
    log.sequence(database, files)
    with database.reading() as connection:
        for number, event_id in enumerate(made):
            proof = log.inclusion(connection, event_id).file()
            leaf = log.inclusion(connection, event_id).leaf_hash
            assert proof.index == number
            assert tlog_proof.verify(proof, leaf, files.signer().verifier).size == 9
        assert log.inclusion(connection, made[1], 3).head.size == 3
        with pytest.raises(NotLoggedYet):
            log.inclusion(connection, made[5], 3)
        with pytest.raises(NotFound):
            log.inclusion(connection, made[1], 4)


def test_an_event_that_no_head_covers_has_no_proof_yet(database: Database, files: LogFiles) -> None:
    record(database, "one")
    log.sequence(database, files)
    (late,) = record(database, "two")
    with database.reading() as connection, pytest.raises(NotLoggedYet):
        log.inclusion(connection, late)


def test_an_event_rewritten_after_it_was_logged_is_found_out(database: Database, files: LogFiles) -> None:
    made = record(database, "one", 3)
    log.sequence(database, files)
    forged = "convert_to(replace(convert_from(canonical, 'UTF8'), 'tester', 'nobody'), 'UTF8')"
    as_superuser(
        database,
        f"UPDATE event SET canonical = {forged}, hash = sha256({forged}) WHERE event_id = {made[1]}",
    )
    with database.reading() as connection, pytest.raises(EventAltered) as refused:
        log.inclusion(connection, made[1])
    assert str(made[1]) in refused.value.message_en


def test_a_past_tree_is_shown_from_the_same_rows(database: Database, files: LogFiles) -> None:
    record(database, "one", 9)
    log.sequence(database, files)
    with database.reading() as connection:
        assert tree_size(connection) == 9
        shown = log.consistency(connection, 5)
        merkle.verify_consistency(5, 9, shown.hashes, root(connection, 5), shown.new_root)
        for size in (0, 10):
            with pytest.raises(LedgerError):
                log.consistency(connection, size)


# --- receipts ---------------------------------------------------------------------------------------------


def test_a_receipt_promises_at_once_what_the_log_keeps(database: Database, files: LogFiles) -> None:
    made = record(database, "one", 2)
    signer = files.signer()
    with database.reading() as connection:
        given = log.receipts_of_act(connection, "one", signer, 10)
        assert [each.event_id for each in given] == made
        assert given[0] == log.receipt(connection, made[0], signer)
    notes.verify(given[0].note, signer.verifier)
    assert given[0].logged_by - given[0].recorded_at == log.MERGE_DELAY_MAX
    assert given[0].note.text.split("\n")[:3] == ["parkledger.receipt/1", signer.name, f"event {made[0]}"]
    log.sequence(database, files)
    with database.reading() as connection:
        assert log.inclusion(connection, made[0]).leaf_hash == given[0].leaf_hash


def test_a_receipt_is_no_checkpoint(database: Database, files: LogFiles) -> None:
    (made,) = record(database, "one")
    with database.reading() as connection:
        note = log.receipt(connection, made, files.signer()).note
    with pytest.raises(LedgerError):
        checkpoints.verified(note, files.signer().verifier)


def test_there_is_no_receipt_for_what_was_not_done(database: Database, files: LogFiles) -> None:
    with database.reading() as connection, pytest.raises(NotFound):
        log.receipts_of_act(connection, "never", files.signer(), 10)


# --- cosignatures -----------------------------------------------------------------------------------------


def test_closes_are_asked_for_in_as_many_statements_however_many_there_are(
    database: Database, files: LogFiles
) -> None:
    agreed = open_room(database, clause())
    counts = []
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        agreed.settle(quarter, "100.00")
        log.sequence(database, files)
        heard: list[str] = []
        with database.reading() as connection, listening(heard.append):
            log.closes(connection, agreed.agreement_id)
        counts.append(len(heard))
    assert len(set(counts)) == 1


def test_a_close_shows_which_sides_have_cosigned_it(database: Database, files: LogFiles) -> None:
    agreed = open_room(database, clause())
    agreed.settle("2024Q1", "100.00")
    with database.reading() as connection:
        (close,) = log.closes(connection, agreed.agreement_id)
    assert (close.leaf_number, [each.size for each in close.cosigners]) == (None, [None, None])
    head = log.sequence(database, files)
    assert head is not None
    code = agreed.roles["origin"]
    name = cosigner_name(files.signer().name, code)
    line = str(checkpoints.cosign(head.note.text, name, agreed.keys["origin"], 1_700_000_000))
    for _ in range(2):
        log.cosign_checkpoint(database, agreed.act(), code, head.size, line)
    with database.reading() as connection:
        (close,) = log.closes(connection, agreed.agreement_id)
        by_role = {each.role: each.size for each in close.cosigners}
        assert by_role == {"origin": head.size, "host": None}
        key = cosigner_key(name, public_key_of(agreed.keys["origin"]))
        assert checkpoints.verify_cosigned(log.head(connection).note, key) == 1_700_000_000
        proof = log.inclusion(connection, close.event_id).file()
        leaf = log.inclusion(connection, close.event_id).leaf_hash
    tlog_proof.verify(proof, leaf, files.signer().verifier, [key])
    assert log.sequence(database, files) is not None
    assert len(logged(database)) == head.size


def test_a_cosignature_by_a_stranger_or_of_another_head_is_refused(
    database: Database, files: LogFiles
) -> None:
    agreed = open_room(database, clause())
    head = log.sequence(database, files)
    assert head is not None
    code = agreed.roles["origin"]
    name = cosigner_name(files.signer().name, code)
    stranger = str(checkpoints.cosign(head.note.text, name, new_private_key(), 1))
    other = str(checkpoints.cosign("other\n1\nAAAA\n", name, agreed.keys["origin"], 1))
    for line, refusal in ((stranger, KeyNotRegistered), (other, NoteNotSigned)):
        with pytest.raises(refusal):
            log.cosign_checkpoint(database, agreed.act(), code, head.size, line)
    with pytest.raises(NotFound):
        log.cosign_checkpoint(database, agreed.act(), code, head.size + 1, other)


def test_leaves_are_appended_by_nobody_out_of_turn(database: Database, files: LogFiles) -> None:
    made = record(database, "one")
    log.sequence(database, files)
    with pytest.raises(Exception, match="log_leaf_event_id_key"), database.writing() as connection:
        connection.execute(insert(tables.log_leaf).values(leaf_number=1, event_id=made[0], hashes=bytes(64)))
