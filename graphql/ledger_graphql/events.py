"""Events as the API shows them: what happened, with the very text whose hash is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from ledger.desk import events as event_reading
from ledger_graphql.connections import Connection, Node, connection, global_id, number_key
from ledger_graphql.context import Desk
from ledger_graphql.scalars import Hash

EventKindFilter = Annotated[
    str | None,
    strawberry.argument(description='Only this kind, such as "return_handed_in" (docs/events.md).'),
]


@strawberry.type(description="One recorded act. Events are only ever added.")
class Event(Node):
    kind: str = strawberry.field(description='What happened, such as "version_signed" (docs/events.md).')
    agreement_id: strawberry.ID | None = strawberry.field(
        description="Id of the agreement; null for an act about none."
    )
    actor: str = strawberry.field(description="The account that acted.")
    person: str | None = strawberry.field(description="Whose account it is; null where it wasn't an account.")
    acts_for: str | None = strawberry.field(
        description="Code of the party for which it was done; null for none, and at the command line."
    )
    key: str = strawberry.field(description="The idempotency key of the act.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    canonical: str = strawberry.field(
        description="The event as RFC 8785 JSON, exactly as stored; in UTF-8 these are the hashed bytes."
    )
    hash: Hash = strawberry.field(description="SHA-256 of canonical.")


def events_of(
    desk: Desk, *, agreement_id: int | None = None, kind: str | None, first: int, after: str | None
) -> Connection[Event]:
    """A page of events in the order of their ids: of one agreement, or of all."""
    page = event_reading.events(
        desk.snapshot, agreement_id=agreement_id, kind=kind, after=number_key(after), limit=first
    )
    return connection(
        event_nodes(page.items),
        [(record.event_id,) for record in page.items],
        has_next=page.has_next,
        after=after,
    )


def event_nodes(records: Sequence[event_reading.Event]) -> list[Event]:
    """What the API shows of ``records``."""
    return [event_node(record) for record in records]


def event_node(record: event_reading.Event) -> Event:
    """What the API shows of one event."""
    agreement_id = record.agreement_id
    return Event(
        id=global_id("Event", record.event_id),
        kind=record.kind,
        agreement_id=None if agreement_id is None else global_id("Agreement", agreement_id),
        actor=record.actor,
        person=record.person,
        acts_for=record.acts_for,
        key=record.key,
        recorded_at=record.recorded_at,
        canonical=record.canonical.decode(),
        hash=Hash(record.hash),
    )
