"""Receipts: the log's signed promise, at once, that an event will be in it by a stated time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from ledger.desk.events import Event, event
from ledger.desk.failures import NotFound
from ledger.desk.pages import rows_to_read
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.notes import Note, SignerKey, to_base64
from ledger_schema.tables import idempotency_key

RECEIPT_FORMAT = "parkledger.receipt/1"
MERGE_DELAY_MAX = timedelta(hours=24)
"""The longest that an event may be recorded and not yet covered by a published head. It is seconds while the
server runs; the rest is for nights and weekends' worth of repairs."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """``note`` is the signed promise; ``logged_by`` is when it comes due."""

    event_id: int
    leaf_hash: bytes
    recorded_at: datetime
    logged_by: datetime
    note: Note


def receipt(connection: Connection, event_id: int, signer: SignerKey) -> Receipt:
    """The receipt of an event; the same whenever it is asked for. Raises ``NotFound``."""
    return _receipt(event(connection, event_id), signer)


def receipts_of_act(connection: Connection, key: str, signer: SignerKey, limit: int) -> list[Receipt]:
    """The receipts of the first ``limit`` events of the act done under the client's ``key``.

    Raises ``NotFound`` where nothing was done under it, ``LimitUnusable``.
    """
    event_ids = connection.execute(
        select(idempotency_key.c.event_ids).where(idempotency_key.c.key == key)
    ).scalar_one_or_none()
    if event_ids is None:
        raise NotFound("event", key)
    return [receipt(connection, event_id, signer) for event_id in event_ids[: rows_to_read(limit) - 1]]


def _receipt(recorded: Event, signer: SignerKey) -> Receipt:
    leaf = leaf_hash(recorded.canonical)
    logged_by = recorded.recorded_at + MERGE_DELAY_MAX
    lines = (
        RECEIPT_FORMAT,
        signer.name,
        f"event {recorded.event_id}",
        f"leaf {to_base64(leaf)}",
        f"recorded {_written(recorded.recorded_at)}",
        f"logged by {_written(logged_by)}",
    )
    note = signer.sign("".join(f"{line}\n" for line in lines))
    return Receipt(recorded.event_id, leaf, recorded.recorded_at, logged_by, note)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
