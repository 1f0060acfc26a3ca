"""The log: leaves are the events in order, heads lead to them, and every signature verifies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sqlalchemy import Row, Text, cast, exists, func, or_, select

from ledger.desk.fsck.comparing import ROWS_AT_ONCE, WHOLE_ROW, Mismatch, Scope, shown
from ledger.errors import LedgerError
from ledger.evidence import checkpoints
from ledger.evidence.checkpoints import Checkpoint, cosigner_key, cosigner_name
from ledger.evidence.merkle import HASH_BYTES, Edge, leaf_hash
from ledger.evidence.notes import Note, Signature
from ledger_schema.tables import event, idempotency_key, log_cosignature, log_head, log_leaf, party


def check_log(scope: Scope) -> Iterator[Mismatch]:
    """Builds the tree again from the events and compares every leaf, every signed root, every signature."""
    heads = {row.size: row for row in scope.rows(log_head)}
    roots: dict[int, bytes] = {}
    yield from _leaves(scope, set(heads), roots)
    for size, row in heads.items():
        scope.row_count += 1
        yield from _head(scope, row, roots.get(size))
    yield from _kept(scope, heads)
    yield from _heads_gone(heads)
    yield from _cosignatures(scope, heads)
    yield from _cosignatures_gone(scope)


def _leaves(scope: Scope, sizes: set[int], roots: dict[int, bytes]) -> Iterator[Mismatch]:
    statement = (
        select(log_leaf, event.c.canonical)
        .outerjoin(event, event.c.event_id == log_leaf.c.event_id)
        .order_by(log_leaf.c.leaf_number)
    )
    edge = Edge()
    with scope.connection.execute(statement.execution_options(yield_per=ROWS_AT_ONCE)) as rows:
        for row in rows:
            scope.row_count += 1
            if row.leaf_number != edge.size:
                yield _leaf(edge.size, WHOLE_ROW, "a row", f"next is leaf {row.leaf_number}")
                return
            yield from _leaf_mismatches(row, edge)
            if edge.size in sizes:
                roots[edge.size] = edge.root()


def _leaf_mismatches(row: Row[Any], edge: Edge) -> Iterator[Mismatch]:
    """Appends the leaf as it is stored, so that one that was changed doesn't blame all that follow."""
    leaf = bytes(row.hashes[:HASH_BYTES])
    if row.canonical is None:
        yield _leaf(row.leaf_number, "event_id", "an event", row.event_id)
    elif leaf_hash(row.canonical) != leaf:
        told = f"begins with the leaf hash of event {row.event_id}: {leaf_hash(row.canonical).hex()}"
        yield _leaf(row.leaf_number, "hashes", told, row.hashes)
    expected = b"".join(edge.append(leaf))
    if expected != row.hashes:
        yield _leaf(row.leaf_number, "hashes", expected, row.hashes)


def _leaf(number: int, column: str, expected: object, found: object) -> Mismatch:
    return Mismatch("log_leaf", {"leaf_number": str(number)}, column, shown(expected), shown(found))


def _head(scope: Scope, row: Row[Any], root: bytes | None) -> Iterator[Mismatch]:
    key = {"size": str(row.size)}
    if root is None:
        yield Mismatch("log_head", key, "*", "a size that the log has reached", str(row.size))
        return
    try:
        note = Note.parse(row.note)
        signed = Checkpoint.parse(note.text)
        if scope.log_key is not None:
            checkpoints.verified(note, scope.log_key)
    except LedgerError as error:
        yield Mismatch("log_head", key, "note", "a checkpoint signed by the log", str(error))
        return
    if (signed.size, signed.root) != (row.size, root):
        found = f"{signed.size} leaves, root {signed.root.hex()}"
        yield Mismatch("log_head", key, "note", f"{row.size} leaves, root {root.hex()}", found)


def _kept(scope: Scope, heads: dict[int, Row[Any]]) -> Iterator[Mismatch]:
    """The head that is kept outside of the database was published in it."""
    if scope.kept_head is not None:
        size = Checkpoint.parse(scope.kept_head.text).size
        if size not in heads:
            yield Mismatch("log_head", {"size": str(size)}, WHOLE_ROW, "the head that is kept", "no such row")


def _heads_gone(heads: dict[int, Row[Any]]) -> Iterator[Mismatch]:
    """Every head names the one that was published before it; those of before heads did so name none."""
    for before, size in pairwise([0, *sorted(heads)]):
        previous = _previous_size(heads[size])
        if previous is not None and previous > before:
            expected = f"the head before that of {size} leaves"
            yield Mismatch("log_head", {"size": str(previous)}, WHOLE_ROW, expected, "no such row")
        elif previous is not None and previous < before:
            told = f"no head between those of {previous} and {size} leaves"
            yield Mismatch("log_head", {"size": str(before)}, WHOLE_ROW, told, "a row")


def _previous_size(row: Row[Any]) -> int | None:
    try:
        return Checkpoint.parse(Note.parse(row.note).text).previous_size
    except LedgerError:
        return None


def _cosignatures_gone(scope: Scope) -> Iterator[Mismatch]:
    """What acts took is there: their keys tell the head's size, and the public key unless they are older."""
    columns, taken = idempotency_key.c, log_cosignature.c
    size, public_key = columns.result["size"].astext, columns.result["public_key"].astext
    is_there = exists().where(
        cast(taken.size, Text) == size,
        or_(public_key.is_(None), func.encode(taken.public_key, "hex") == public_key),
    )
    gone = (
        select(columns.key, size.label("size"))
        .where(func.cardinality(columns.event_ids) == 0, columns.result.has_key("size"), ~is_there)
        .order_by(columns.key)
    )
    for row in scope.connection.execute(gone):
        expected = f"a cosignature taken by the act {row.key}"
        yield Mismatch("log_cosignature", {"size": str(row.size)}, WHOLE_ROW, expected, "no such row")


def _cosignatures(scope: Scope, heads: dict[int, Row[Any]]) -> Iterator[Mismatch]:
    rows = scope.connection.execute(
        select(log_cosignature, party.c.code).outerjoin(party, party.c.party_id == log_cosignature.c.party_id)
    )
    for row in rows:
        scope.row_count += 1
        fault = _cosignature_fault(row, heads)
        if fault is not None:
            key = {"size": str(row.size), "party_id": str(row.party_id), "public_key": row.public_key.hex()}
            yield Mismatch("log_cosignature", key, WHOLE_ROW, "a cosignature of the head", fault)


def _cosignature_fault(row: Row[Any], heads: dict[int, Row[Any]]) -> str | None:
    if row.size not in heads or row.code is None:
        return "no such head or party"
    try:
        note = Note.parse(heads[row.size].note)
        key = cosigner_key(cosigner_name(Checkpoint.parse(note.text).origin, row.code), row.public_key)
        checkpoints.cosigned_at(note.text, Signature(key.name, key.key_id, row.signature), key)
    except (LedgerError, ValueError) as error:
        return str(error)
    return None
