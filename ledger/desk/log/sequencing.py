"""The sequencer: gives committed events their places in the log, and signs the heads.

Writers never wait for it. It looks for events of transactions that may not have been over when it last
looked, so that one that was committed late is found whatever its id, and appends all that it sees in the
order of their ids: an act that saw what another one had done made its event after it.

Nothing is signed that contradicts a head which was signed before: neither the one kept outside of the
database, nor the newest in it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    exists,
    insert,
    literal_column,
    select,
    text,
)

from ledger.desk.acts import Queue, queue_on
from ledger.desk.copying import copy_rows
from ledger.desk.log.keeping import LogFiles
from ledger.desk.log.reading import Head, nodes, published, root, tree_size
from ledger.errors import LedgerError
from ledger.evidence import checkpoints
from ledger.evidence.checkpoints import Checkpoint
from ledger.evidence.merkle import Edge
from ledger.evidence.notes import NoteNotSigned
from ledger_schema.sessions import Database
from ledger_schema.tables import event, log_head, log_leaf

BATCH_LEAVES = 10_000
PAUSE_SECONDS = 1.0
OLDEST_UNFINISHED = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
# RFC 6962's hash of a leaf, taken where the bytes are.
LEAF: ColumnElement[bytes] = literal_column("sha256('\\x00'::bytea || event.canonical)", LargeBinary)

logger = logging.getLogger("ledger.desk.log")


class LogBehindKeptHead(LedgerError):
    """The database holds less than what was signed: an old backup was put back."""

    code = "LOG_BEHIND_KEPT_HEAD"
    sentence_en = (
        "The database's log has {size} leaves, but a head of {kept_size} was signed and is kept in {path}: "
        "the database is older than that. Nothing is signed. Put the newest state back."
    )
    sentence_zh = (
        "数据库中的日志有 {size} 个叶子，但已签署过 {kept_size} 个叶子的检查点（保存在 {path}）："
        "数据库比该检查点旧。未签署任何内容。请恢复最新的数据库。"
    )


class LogContradictsKeptHead(LedgerError):
    """The database's log has another past than the one that was signed."""

    code = "LOG_CONTRADICTS_KEPT_HEAD"
    sentence_en = (
        "The first {kept_size} leaves of the database's log don't lead to the root that was signed for them "
        "(kept in {path}): rows were rewritten, or this is another database. Nothing is signed. Put the "
        "right state back."
    )
    sentence_zh = (
        "数据库日志的前 {kept_size} 个叶子与已签署的树根不符（保存在 {path}）："
        "数据被改写，或不是同一数据库。未签署任何内容。请恢复正确的数据库。"
    )


class KeptHeadMissing(LedgerError):
    """The database has published heads, but none is kept beside it."""

    code = "LOG_KEPT_HEAD_MISSING"
    sentence_en = (
        "The database has a published head of {size} leaves, but {path} isn't there. Nothing is signed. Put "
        "back a copy of it, or the newest checkpoint that a witness keeps."
    )
    sentence_zh = (
        "数据库中有 {size} 个叶子的已发布检查点，但 {path} 不存在。未签署任何内容。"
        "请恢复其副本，或放入见证方保存的最新检查点。"
    )


class KeptHeadForeign(LedgerError):
    """A head was signed by another key than the one that the log has now."""

    code = "LOG_KEPT_HEAD_FOREIGN"
    sentence_en = (
        "Expected the last head ({path} or the database's newest) to be signed by the log's key {origin}, "
        "but it isn't. Nothing is signed. Put back the key and the head that belong to this database."
    )
    sentence_zh = (
        "最后的检查点（{path} 或数据库中最新的）应由日志密钥 {origin} 签署，实际不是。未签署任何内容。"
        "请恢复属于该数据库的密钥和检查点。"
    )


def sequence(database: Database, files: LogFiles, *, thorough: bool = False) -> Head | None:
    """Log what is committed and sign the tree; the newest head, or None while nothing was ever recorded.

    ``thorough`` looks at all events, however old: worth it once, when a process begins, for the numbers of
    transactions begin anew in a database that was restored from a dump.
    Raises ``LogBehindKeptHead``, ``LogContradictsKeptHead``, ``KeptHeadMissing``, ``KeptHeadForeign`` and
    ``LogFileUnreadable``; nothing is signed then.
    """
    with files.held():
        logged_below = database.retrying(partial(_append, files=files, thorough=thorough))
        return database.retrying(partial(_publish, files=files, logged_below=logged_below))


def require_consistent(connection: Connection, files: LogFiles) -> None:
    """Raises as ``sequence`` does where the database contradicts a head that was signed."""
    kept, newest = files.kept_head(), published(connection)
    if kept is None and newest is not None:
        raise KeptHeadMissing(size=newest.size, path=files.head_path)
    size, signer = tree_size(connection), files.signer()
    for note in filter(None, (kept, newest.note if newest else None)):
        try:
            signed = checkpoints.verified(note, signer.verifier)
        except NoteNotSigned as error:
            raise KeptHeadForeign(path=files.head_path, origin=signer.name) from error
        if signed.size > size:
            raise LogBehindKeptHead(size=size, kept_size=signed.size, path=files.head_path)
        if root(connection, signed.size) != signed.root:
            raise LogContradictsKeptHead(kept_size=signed.size, path=files.head_path)


class Sequencer:
    """A thread that sequences every second until it is stopped; what goes wrong is logged once.

    It may be cut off anywhere, so a process that ends in haste needn't wait for it.
    """

    def __init__(self, database: Database, files: LogFiles) -> None:
        self._database = database
        self._files = files
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-sequencer", daemon=True)
        self._has_looked = False
        self._last_failure: Exception | None = None

    @property
    def failure(self) -> str | None:
        """Why the log wasn't signed when it last should have been: an error's code or name. None: it was."""
        match self._last_failure:
            case None:
                return None
            case LedgerError() as refusal:
                return refusal.code
            case error:
                return type(error).__name__

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when what is under way is done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._once()
            self._stopping.wait(PAUSE_SECONDS)

    def _once(self) -> None:
        try:
            sequence(self._database, self._files, thorough=not self._has_looked)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next second may do better
            self._tell(error)
        else:
            self._has_looked, self._last_failure = True, None

    def _tell(self, error: Exception) -> None:
        if str(error) != str(self._last_failure):
            logger.error("the log isn't signed: %s", error, exc_info=error)
        self._last_failure = error


# --- appending --------------------------------------------------------------------------------------------


def _append(connection: Connection, *, files: LogFiles, thorough: bool) -> int:
    """Appends what is committed; every event of a transaction below the number it returns is logged then."""
    queue_on(connection, Queue.LOG, "")
    require_consistent(connection, files)
    logged_below: int = connection.execute(OLDEST_UNFINISHED).scalar_one()
    looked_below = 0 if thorough else _looked_below(connection)
    if looked_below > logged_below:
        looked_below = 0
    size = tree_size(connection)
    edge = Edge.of(size, partial(nodes, connection))
    for batch in _batches(_committed_since(connection, looked_below)):
        first = edge.size
        leaves = [
            (first + place, row.event_id, b"".join(edge.append(row.leaf))) for place, row in enumerate(batch)
        ]
        copy_rows(connection, log_leaf, ("leaf_number", "event_id", "hashes"), leaves)
    return logged_below


def _looked_below(connection: Connection) -> int:
    newest = select(log_head.c.logged_below).order_by(log_head.c.size.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none() or 0


def _committed_since(connection: Connection, looked_below: int) -> Iterator[Any]:
    """Events that are committed and not logged, in the order of their ids, each with the hash of its leaf."""
    wanted = (
        select(event.c.event_id, LEAF.label("leaf"))
        .where(
            event.c.transaction_number >= looked_below,
            ~exists().where(log_leaf.c.event_id == event.c.event_id),
        )
        .order_by(event.c.event_id)
        .execution_options(yield_per=BATCH_LEAVES)
    )
    yield from connection.execute(wanted)


def _batches(rows: Iterator[Any]) -> Iterator[Sequence[Any]]:
    while batch := list(islice(rows, BATCH_LEAVES)):
        yield batch


# --- signing ----------------------------------------------------------------------------------------------


def _publish(connection: Connection, *, files: LogFiles, logged_below: int) -> Head | None:
    """Signs the tree of committed leaves, keeps the head outside, then publishes it; all once for a size.

    A process that dies between the two leaves a kept head of leaves that are all there; the next one goes on.
    """
    queue_on(connection, Queue.LOG, "")
    size, newest = tree_size(connection), published(connection)
    previous_size = newest.size if newest else 0
    if size == previous_size:
        return newest
    require_consistent(connection, files)
    signer = files.signer()
    note = Checkpoint(signer.name, size, root(connection, size), previous_size).signed_by(signer)
    files.keep(note)
    connection.execute(insert(log_head).values(size=size, note=note.encode(), logged_below=logged_below))
    return published(connection, size)
