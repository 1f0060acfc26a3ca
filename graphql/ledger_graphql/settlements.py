"""Settlements and their causes, as the API shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import settlements
from ledger.desk.settlements.replays import Cause as CauseRecord
from ledger.desk.signatures import Signature
from ledger.periods import Quarter
from ledger_graphql.booked import (
    Allocation,
    BookedPage,
    ClauseFilter,
    Entry,
    NetAmount,
    allocation_nodes,
    net_amounts,
)
from ledger_graphql.bundles import bundle_file, excerpt_file
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    Node,
    connection,
    cut,
    global_id,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import MissingReturn
from ledger_graphql.fields import resolved
from ledger_graphql.payments import AsOf, Leg, PaymentState, state_of_legs
from ledger_graphql.scalars import Bytes, Hash, Json


@strawberry.enum(
    description="Why results change. CORRECTION: a return of an earlier quarter was handed in again "
    "(a true-up). RECONCILIATION: the sides settled a difference, or another return was compared. "
    "ENTERPRISE_LIST: another list was confirmed. OCCURRENCE: something that happened to the agreement, or "
    "its corrected day, was confirmed. AMENDMENT: new terms reach back. "
    "QUARTER: the quarter's own figures."
)
class CauseKind(Enum):
    CORRECTION = "correction"
    RECONCILIATION = "reconciliation"
    ENTERPRISE_LIST = "enterprise_list"
    OCCURRENCE = "occurrence"
    AMENDMENT = "amendment"
    QUARTER = "quarter"


@strawberry.type(
    description="A named cause of changes. Causes are replayed in order; their changes add up exactly."
)
class Cause:
    cause: int = strawberry.field(description="Its number in the settlement, in the order of the replay.")
    kind: CauseKind = strawberry.field(description="What it is.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about.")
    reference: str = strawberry.field(
        description="The return's id, the version of the list or of the terms, or for a reconciliation the "
        "role of record and the number of the item (0: none)."
    )
    title_zh: str = strawberry.field(description="Its name in Chinese.")
    title_en: str = strawberry.field(description="Its name in English.")


CreditCode = Annotated[str, strawberry.argument(description="The enterprise's 统一社会信用代码.")]


@strawberry.enum(
    description="How far a settlement has come, now: COMPUTED, then PROPOSED for signing, then SIGNED by all "
    "who must, then CLOSED. "
    "STALE: what it rests on has changed, or another one closed the quarter; it can't be signed or closed. "
    "REOPENED: it had closed its quarter, which was reopened since."
)
class SettlementState(Enum):
    COMPUTED = "computed"
    PROPOSED = "proposed"
    SIGNED = "signed"
    STALE = "stale"
    CLOSED = "closed"
    REOPENED = "reopened"


@strawberry.type(description="One role's Ed25519 signature of the bytes that were shown to it.")
class RoleSignature:
    role: str = strawberry.field(description="The role that signed.")
    public_key: Bytes = strawberry.field(description="The party's key, 32 bytes.")
    signature: Bytes = strawberry.field(description="64 bytes, over exactly bytesToSign.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.type(
    description="A settlement 结算 of an agreement's open quarter: computed, and closed when it stands."
)
class Settlement(Node):
    quarter: Quarter = strawberry.field(description="The quarter in which it is booked.")
    is_final: bool = strawberry.field(
        description="Whether it is the year's last; accrued amounts become due with it."
    )
    is_closed: bool = strawberry.field(
        description="Whether it closed its quarter. Only closed settlements count."
    )
    closed_at: datetime | None = strawberry.field(description="When it closed its quarter.")
    reopened_at: datetime | None = strawberry.field(description="When its quarter was reopened.")
    recorded_at: datetime = strawberry.field(description="When it was computed.")
    causes: list[Cause] = strawberry.field(
        description="Why results change, in order; the quarter's own comes last."
    )
    allocation_count: int = strawberry.field(description="How many allocations it has.")
    allocations_hash: Hash = strawberry.field(
        description="SHA-256 over the allocations in their fixed-width binary form, in key order."
    )
    record: strawberry.Private[settlements.Settlement]
    booked: strawberry.Private[BookedPage]

    @resolved("How far it has come, now, whatever moment the list was asked for.")
    def state(self) -> SettlementState:
        return SettlementState(self._standing.state.value)

    @resolved(
        "What is signed, once it was proposed: RFC 8785 JSON with every party's amounts and the hashes of "
        "what it rests on (docs/settlements.md)."
    )
    def bytes_to_sign(self) -> Bytes | None:
        proposal = self._standing.proposal
        return None if proposal is None else Bytes(proposal.content)

    @resolved("Signatures given so far, by role.")
    def signatures(self) -> list[RoleSignature]:
        proposal = self._standing.proposal
        return [] if proposal is None else signature_nodes(proposal.signatures)

    @resolved("The roles that must still sign before it can close its quarter.")
    def awaits(self) -> list[str]:
        return self._standing.awaits

    @property
    def _standing(self) -> settlements.Standing:
        return self.booked.standings[self.record.settlement_id]

    @resolved("What it rests on: versions of the terms, returns and enterprise list, by reference.")
    def inputs(self) -> Json:
        return Json(json.loads(self.record.inputs.canonical()))

    @resolved("What is booked for whom, in the order of cause, clause, subject, quarter, book, party.")
    def allocations(
        self, clause: ClauseFilter = None, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[Allocation]:
        return self.booked.allocations(clause, first, after)[self.record.settlement_id]

    @resolved("The journal entries that book it, by number.")
    def entries(self, first: First = FIRST_DEFAULT, after: After = None) -> Connection[Entry]:
        return self.booked.entries(first, after)[self.record.settlement_id]

    @resolved("What its close made payable, by leg; interest charged on it is among Query.legs.")
    def legs(self) -> list[Leg]:
        return self.booked.legs[self.record.settlement_id]

    @resolved("How far its legs are paid at the end of a day. Nothing is due of what isn't closed.")
    def payment_state(self, as_of: AsOf) -> PaymentState:
        return state_of_legs(self.booked.legs[self.record.settlement_id], as_of)

    @resolved(
        "What proves it with no database, as text of a file (docs/bundles.md); null unless it closed its "
        "quarter. NOT_LOGGED_YET until the log has the close."
    )
    def bundle(self, info: Info) -> str | None:
        if self.closed_at is None:
            return None
        return bundle_file(info.context, self.record.agreement_id, self.record.settlement_id).decode()

    @resolved(
        "What it and the returns behind it say of one enterprise (统一社会信用代码), with what proves it and "
        "nothing of others, as text of a file (docs/bundles.md); null unless it closed its quarter."
    )
    def excerpt(self, info: Info, enterprise: CreditCode) -> str | None:
        if self.closed_at is None:
            return None
        record = self.record
        return excerpt_file(info.context, record.agreement_id, record.settlement_id, enterprise).decode()

    @resolved("What each party gets in all, by book and commodity.")
    def net(self) -> list[NetAmount]:
        return self.booked.net[self.record.settlement_id]


@strawberry.type(
    description="What computing the open quarter's settlement would give now. Nothing is written."
)
class Preview:
    quarter: Quarter = strawberry.field(description="The open quarter.")
    missing: list[MissingReturn] = strawberry.field(
        description="Returns that must be handed in first. While any is missing there are no causes and "
        "allocations."
    )
    causes: list[Cause] = strawberry.field(description="Why results would change, in order.")
    records: strawberry.Private[Sequence[settlements.Allocation]]

    @resolved("What would be booked for whom.")
    def allocations(
        self, info: Info, clause: ClauseFilter = None, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[Allocation]:
        wanted = [record for record in self.records if clause in (None, record.clause)]
        page, has_next = cut(wanted, lambda record: record.key, first, after)
        return connection(
            allocation_nodes(info.context, page),
            [record.key for record in page],
            has_next=has_next,
            after=after,
        )

    @resolved("What each party would get in all, by book and commodity.")
    def net(self, info: Info) -> list[NetAmount]:
        return net_amounts(info.context, self.records)


def preview_of(desk: Desk, agreement_id: int, quarter: Quarter) -> Preview:
    """The preview of the open ``quarter``, or what is missing for it."""
    try:
        draft = settlements.preview(desk.snapshot, agreement_id)
    except settlements.ReturnsMissing as error:
        missing = [MissingReturn(role=role, quarter=quarter) for quarter, role in error.missing]
        return Preview(quarter=quarter, missing=missing, causes=[], records=[])
    return Preview(
        quarter=draft.booked_quarter,
        missing=[],
        causes=[cause_node(cause) for cause in draft.causes],
        records=draft.allocations,
    )


def settlement_node(desk: Desk, record: settlements.Settlement) -> Settlement:
    """What the API shows of one settlement."""
    return settlement_nodes(desk, record.agreement_id, [record])[0]


def settlement_nodes(
    desk: Desk, agreement_id: int, records: Sequence[settlements.Settlement]
) -> list[Settlement]:
    """What the API shows of an agreement's settlements."""
    booked = BookedPage(desk, agreement_id, records)
    return [_settlement(record, booked) for record in records]


def signature_nodes(given: Sequence[Signature]) -> list[RoleSignature]:
    """What the API shows of signatures."""
    return [
        RoleSignature(
            role=one.role,
            public_key=Bytes(one.public_key),
            signature=Bytes(one.signature),
            recorded_at=one.recorded_at,
        )
        for one in given
    ]


def _settlement(record: settlements.Settlement, booked: BookedPage) -> Settlement:
    return Settlement(
        id=global_id("Settlement", record.agreement_id, record.settlement_id),
        quarter=record.booked_quarter,
        is_final=record.is_final,
        is_closed=record.is_closed,
        closed_at=record.closed_at,
        reopened_at=record.reopened_at,
        recorded_at=record.recorded_at,
        causes=[cause_node(cause) for cause in record.causes],
        allocation_count=record.allocation_count,
        allocations_hash=Hash(record.allocations_hash),
        record=record,
        booked=booked,
    )


def cause_node(record: CauseRecord) -> Cause:
    """What the API shows of one cause."""
    return Cause(
        cause=record.cause,
        kind=CauseKind(record.kind),
        quarter=record.quarter,
        reference=record.reference,
        title_zh=record.title_zh,
        title_en=record.title_en,
    )
