"""Reading the log: its heads, and the proofs that tie an event to a head and one head to a later one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, func, select

from ledger.desk.events import event
from ledger.desk.failures import NotFound
from ledger.errors import InvariantBroken, LedgerError
from ledger.evidence import merkle
from ledger.evidence.checkpoints import Checkpoint, cosigner_key, cosigner_name
from ledger.evidence.merkle import HASH_BYTES, Node, ProofWrong, leaf_hash
from ledger.evidence.notes import Note, Signature
from ledger.evidence.tlog_proof import TlogProof
from ledger_schema.tables import log_cosignature, log_head, log_leaf, party


class NotLoggedYet(LedgerError):
    """The event is recorded, but no head in question covers it."""

    code = "NOT_LOGGED_YET"
    sentence_en = (
        "Event {event_id} isn't in the log's tree of {size} leaves. Ask again when a later head is signed "
        "(the receipt says by when at the latest), or ask for a larger size."
    )
    sentence_zh = (
        "事件 {event_id} 不在日志 {size} 个叶子的树中。请在签署新的检查点后再试"
        "（回执载有最迟时间），或指定更大的大小。"
    )


class EventAltered(LedgerError):
    """An event isn't any more what the log's signed tree says it was."""

    code = "EVENT_ALTERED"
    sentence_en = (
        "Event {event_id} (leaf {leaf_number}) doesn't lead to the signed root of {size} leaves: the "
        "database was changed after it was logged. Keep what you have and tell the operator and both zones."
    )
    sentence_zh = (
        "事件 {event_id}（叶子 {leaf_number}）无法导出 {size} 个叶子的已签署树根：记入日志后数据库被改动。"
        "请保留现有材料，并告知运维方和双方园区。"
    )


@dataclass(frozen=True, slots=True)
class Head:
    """A published head: ``note`` is the signed checkpoint with the cosignatures that were handed in."""

    size: int
    root: bytes
    note: Note
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That an event is leaf ``leaf_number`` (from 0) of the tree under ``head``; hashes from the leaf up."""

    event_id: int
    leaf_number: int
    leaf_hash: bytes
    hashes: list[bytes]
    head: Head

    def file(self) -> TlogProof:
        """The same as a proof file that needs neither database nor network."""
        return TlogProof(self.leaf_number, tuple(self.hashes), self.head.note)


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of ``old_size`` leaves is the beginning of that of ``new_size``."""

    old_size: int
    old_root: bytes
    new_size: int
    new_root: bytes
    hashes: list[bytes]


def published(connection: Connection, size: int | None = None) -> Head | None:
    """The published head of this size, else the newest one; None before the first.

    Raises ``NotFound`` for a size at which no head was published.
    """
    wanted = select(log_head).order_by(log_head.c.size.desc()).limit(1)
    if size is not None:
        wanted = wanted.where(log_head.c.size == size)
    row = connection.execute(wanted).one_or_none()
    if row is None:
        if size is not None:
            raise NotFound("checkpoint", size)
        return None
    note = Note.parse(row.note)
    checkpoint = Checkpoint.parse(note.text)
    cosigned = note.with_signatures(_cosignatures(connection, checkpoint))
    return Head(checkpoint.size, checkpoint.root, cosigned, row.recorded_at)


def head(connection: Connection, size: int | None = None) -> Head:
    """The published head of this size, else the newest one. Raises ``NotFound``."""
    found = published(connection, size)
    if found is None:
        raise NotFound("checkpoint", "-")
    return found


def tree_size(connection: Connection) -> int:
    """How many leaves there are, signed or not."""
    return int(
        connection.execute(select(func.coalesce(func.max(log_leaf.c.leaf_number) + 1, 0))).scalar_one()
    )


def nodes(connection: Connection, wanted: Sequence[Node]) -> list[bytes]:
    """The stored hashes of perfect subtrees: with its connection a ``NodeReader``, in one query."""
    found = connection.execute(
        select(log_leaf.c.leaf_number, log_leaf.c.hashes).where(
            log_leaf.c.leaf_number.in_({node.last_leaf for node in wanted})
        )
    )
    hashes = {row.leaf_number: row.hashes for row in found}
    try:
        return [_level(hashes[node.last_leaf], node.level) for node in wanted]
    except KeyError as error:
        raise InvariantBroken(detail=f"the log has no leaf {error}") from error


def root(connection: Connection, size: int) -> bytes:
    """The root over the first ``size`` leaves as the database has them."""
    return merkle.root(size, partial(nodes, connection))


def inclusion(connection: Connection, event_id: int, size: int | None = None) -> Inclusion:
    """The proof that the event is in the log, under the newest head or the published one of ``size``.

    It is verified before it is handed out. Raises ``NotFound``, ``NotLoggedYet``, ``EventAltered``.
    """
    content = event(connection, event_id).canonical
    under = head(connection, size)
    number = leaf_number(connection, event_id)
    if number is None or number >= under.size:
        raise NotLoggedYet(event_id=event_id, size=under.size)
    hashes = merkle.inclusion_proof(number, under.size, partial(nodes, connection))
    leaf = leaf_hash(content)
    try:
        merkle.verify_inclusion(leaf, number, under.size, hashes, under.root)
    except ProofWrong as error:
        raise EventAltered(event_id=event_id, leaf_number=number, size=under.size) from error
    return Inclusion(event_id, number, leaf, hashes, under)


def consistency(connection: Connection, old_size: int, new_size: int | None = None) -> Consistency:
    """How the tree of ``old_size`` leaves begins that of a published head, the newest if not given.

    Raises ``NotFound``, and ``ProofWrong`` for sizes that can't follow each other.
    """
    new = head(connection, new_size)
    read = partial(nodes, connection)
    hashes = merkle.consistency_proof(old_size, new.size, read)
    return Consistency(old_size, merkle.root(old_size, read), new.size, new.root, hashes)


def leaf_number(connection: Connection, event_id: int) -> int | None:
    """The event's place in the log; None before the sequencer came by."""
    found = select(log_leaf.c.leaf_number).where(log_leaf.c.event_id == event_id)
    return connection.execute(found).scalar_one_or_none()


def _level(completed: bytes, level: int) -> bytes:
    return completed[level * HASH_BYTES : (level + 1) * HASH_BYTES]


def _cosignatures(connection: Connection, checkpoint: Checkpoint) -> list[Signature]:
    rows = connection.execute(
        select(party.c.code, log_cosignature.c.public_key, log_cosignature.c.signature)
        .join(party, party.c.party_id == log_cosignature.c.party_id)
        .where(log_cosignature.c.size == checkpoint.size)
        .order_by(log_cosignature.c.recorded_at, party.c.code)
    )
    return [
        Signature(key.name, key.key_id, signature)
        for code, public_key, signature in rows
        for key in [cosigner_key(cosigner_name(checkpoint.origin, code), public_key)]
    ]
