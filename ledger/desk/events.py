"""Reading events: what happened, in the order of its ids, each with the very bytes that were hashed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, true

from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger_schema.tables import event as event_table


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded act. ``canonical`` is RFC 8785 JSON exactly as stored, ``hash`` its SHA-256.

    ``key`` is the idempotency key of the act; ``agreement_id`` is None for an act about no agreement.
    ``person`` is whose account the actor is, ``acts_for`` the code of the party for which it was done.
    """

    event_id: int
    kind: str
    agreement_id: int | None
    actor: str
    person: str | None
    acts_for: str | None
    key: str
    canonical: bytes
    hash: bytes
    recorded_at: datetime


def event(connection: Connection, event_id: int) -> Event:
    """One event. Raises ``NotFound``."""
    row = connection.execute(select(event_table).where(event_table.c.event_id == event_id)).one_or_none()
    if row is None:
        raise NotFound("event", event_id)
    return event_of(row)


def events_by_id(connection: Connection, event_ids: Sequence[int]) -> dict[int, Event]:
    """The events with these ids; unknown ids are left out."""
    rows = connection.execute(select(event_table).where(event_table.c.event_id == func.any(list(event_ids))))
    return {row.event_id: event_of(row) for row in rows}


def events(
    connection: Connection,
    *,
    agreement_id: int | None = None,
    kind: str | None = None,
    after: int | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Event]:
    """A page of events in the order of their ids, after the id ``after``; of one agreement, or of all."""
    column = event_table.c
    rows = connection.execute(
        select(event_table)
        .where(
            true() if agreement_id is None else column.agreement_id == agreement_id,
            true() if kind is None else column.kind == kind,
            true() if after is None else column.event_id > after,
        )
        .order_by(column.event_id)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, event_of)


def event_of(row: Row[Any]) -> Event:
    """The event in a row of the table."""
    told = json.loads(row.canonical)
    return Event(
        event_id=row.event_id,
        kind=row.kind,
        agreement_id=row.agreement_id,
        actor=row.actor,
        person=told.get("person"),
        acts_for=told.get("for"),
        key=told["key"],
        canonical=row.canonical,
        hash=row.hash,
        recorded_at=row.recorded_at,
    )
