"""Requests to reopen the last closed quarter, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry

from ledger.desk import agreements, settlements
from ledger.periods import Quarter
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    CursorUnreadable,
    First,
    connection,
    global_id,
    key_from,
)
from ledger_graphql.context import Info
from ledger_graphql.fields import resolved
from ledger_graphql.scalars import Bytes
from ledger_graphql.settlements import RoleSignature, signature_nodes


@strawberry.type(
    description="A request to reopen a closed quarter: signed by all whom the terms name, then carried out."
)
class Reopening:
    quarter: Quarter = strawberry.field(description="The quarter.")
    settlement: strawberry.ID = strawberry.field(description="Id of the settlement that had closed it.")
    request: int = strawberry.field(description="From 1 up; only the newest about the settlement counts.")
    reason: str = strawberry.field(description="Why.")
    bytes_to_sign: Bytes = strawberry.field(
        description="RFC 8785 JSON: exactly these bytes are signed (Ed25519)."
    )
    signatures: list[RoleSignature] = strawberry.field(description="Those given so far, by role.")
    awaits: list[str] = strawberry.field(
        description="The roles that must still sign; none once the quarter was reopened or asked for anew."
    )
    recorded_at: datetime = strawberry.field(description="When it was asked for.")
    reopened_at: datetime | None = strawberry.field(description="When the quarter was reopened by it.")


@strawberry.type
class ReopeningFields:
    """What an agreement shows of its reopenings."""

    if TYPE_CHECKING:
        record: agreements.Agreement

    @resolved("Requests to reopen closed quarters, by quarter and time.")
    def reopenings(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[Reopening]:
        page = settlements.reopenings(
            info.context.snapshot, self.record.agreement_id, after=_key(after), limit=first
        )
        return connection(
            [reopening_node(record) for record in page.items],
            [record.key for record in page.items],
            has_next=page.has_next,
            after=after,
        )


def reopening_node(record: settlements.Reopening) -> Reopening:
    """What the API shows of one request."""
    return Reopening(
        quarter=record.quarter,
        settlement=global_id("Settlement", record.agreement_id, record.settlement_id),
        request=record.request,
        reason=record.reason,
        bytes_to_sign=Bytes(record.content),
        signatures=signature_nodes(record.signatures),
        awaits=record.awaits,
        recorded_at=record.recorded_at,
        reopened_at=record.reopened_at,
    )


def _key(after: str | None) -> settlements.ReopeningKey | None:
    match None if after is None else key_from(after):
        case None:
            return None
        case (int(quarter), int(settlement_id), int(request)):
            return quarter, settlement_id, request
    raise CursorUnreadable(cursor=after)
