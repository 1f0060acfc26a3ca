"""Events against their own bytes, and the keys under which they were recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Row, func, select

from ledger.desk.acts import EVENT_FORMAT, EVENT_FORMATS
from ledger.desk.fsck.comparing import ROWS_AT_ONCE, Mismatch, Scope, key_of, shown
from ledger.evidence.canonical import digest
from ledger_schema.tables import event, idempotency_key


def check_events(scope: Scope) -> Iterator[Mismatch]:
    """Every event's columns are what its canonical bytes say, and ``hash`` is their SHA-256."""
    for row in scope.rows(event):
        scope.row_count += 1
        yield from _event_mismatches(row)


def _event_mismatches(row: Row[Any]) -> Iterator[Mismatch]:
    hashed = digest(row.canonical)
    if row.hash != hashed:
        yield _of_event(row, "hash", hashed, row.hash)
        yield _of_event(row, "canonical", f"bytes with SHA-256 {shown(row.hash)}", row.canonical)
    try:
        content = json.loads(row.canonical)
        agreement = content["agreement"]
        expected = {
            "event_id": int(content["event"]),
            "kind": content["kind"],
            "agreement_id": None if agreement is None else int(agreement),
            "actor": content["actor"],
        }
        is_known = content["format"] in EVENT_FORMATS
    except (ValueError, LookupError, TypeError):
        yield _of_event(row, "canonical", EVENT_FORMAT, row.canonical)
        return
    if not is_known:
        yield _of_event(row, "canonical", EVENT_FORMAT, content["format"])
    for name, value in expected.items():
        if getattr(row, name) != value:
            yield _of_event(row, name, value, getattr(row, name))


def _of_event(row: Row[Any], column: str, expected: object, found: object) -> Mismatch:
    return Mismatch("event", key_of(event, [row.event_id]), column, shown(expected), shown(found))


def check_keys(scope: Scope) -> Iterator[Mismatch]:
    """The key that an event names lists that event, and lists no other; both of the same moment."""
    rows = scope.rows(event)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield from _unlisted(scope, batch)
    yield from _listed_in_vain(scope)


def _unlisted(scope: Scope, batch: Sequence[Row[Any]]) -> Iterator[Mismatch]:
    named = {row: key for row in batch if (key := _key_of(row.canonical)) is not None}
    kept = {
        row.key: row
        for row in scope.connection.execute(
            select(idempotency_key).where(idempotency_key.c.key == func.any(sorted(set(named.values()))))
        )
    }
    for row, key in named.items():
        scope.row_count += 1
        found = kept.get(key)
        if found is None:
            yield Mismatch("idempotency_key", {"key": key}, "*", "a row", "no such row")
        elif row.event_id not in found.event_ids:
            listed = shown(found.event_ids)
            yield Mismatch("idempotency_key", {"key": key}, "event_ids", f"with {row.event_id}", listed)
        elif row.recorded_at != found.recorded_at:
            moments = shown(row.recorded_at), shown(found.recorded_at)
            yield Mismatch("idempotency_key", {"key": key}, "recorded_at", *moments)


def _listed_in_vain(scope: Scope) -> Iterator[Mismatch]:
    listed = select(
        idempotency_key.c.key, func.unnest(idempotency_key.c.event_ids).label("event_id")
    ).subquery()
    rows = scope.connection.execute(
        select(listed.c.key, listed.c.event_id, event.c.canonical)
        .outerjoin(event, event.c.event_id == listed.c.event_id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for row in rows:
        named = None if row.canonical is None else _key_of(row.canonical)
        if named != row.key:
            found = f"{row.event_id}, of the key {named}"
            yield Mismatch("idempotency_key", {"key": row.key}, "event_ids", "events of this key", found)


def _key_of(canonical: bytes) -> str | None:
    try:
        return str(json.loads(canonical)["key"])
    except (ValueError, LookupError, TypeError):
        return None
