"""What made figures, balances and statements differ between two moments, as the API shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from ledger.desk import agreements, payments
from ledger.desk import events as event_reading
from ledger.desk.history import differences
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_graphql.amounts import AmountValue, amount_value
from ledger_graphql.booked import Account, account_node
from ledger_graphql.connections import Batch, global_id
from ledger_graphql.context import Desk, Info
from ledger_graphql.events import Event, event_node
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.settlements import Cause, cause_node

EventBatch: TypeAlias = Batch[int, Event]

KnownFrom = Annotated[datetime, strawberry.argument(name="from", description="The earlier moment.")]
KnownAt = Annotated[
    datetime | None,
    strawberry.argument(description="As the ledger knew it at that moment; now when left out."),
]
KnownTo = Annotated[
    datetime | None, strawberry.argument(name="to", description="The later moment; now when left out.")
]


@strawberry.type
class Reasoned:
    """What every change tells of its reason."""

    settlement_id: strawberry.ID = strawberry.field(description="Id of the settlement.")
    booked_quarter: Quarter = strawberry.field(description="The quarter in which it was booked.")
    cause: Cause = strawberry.field(description="Why it changed.")
    is_reopened: bool = strawberry.field(
        description="Whether the settlement's quarter was reopened, so that its change is taken back."
    )
    event_id: strawberry.Private[int | None]
    events: strawberry.Private[EventBatch]

    @resolved(
        "The act behind it: the return, confirmation, decision or amendment that is its cause, the "
        "computing of a quarter's own figures, or the reopening. Null where nobody acted."
    )
    def act(self) -> Event | None:
        return None if self.event_id is None else self.events[self.event_id]


@strawberry.type(description="What one cause of one settlement changed about a quarter.")
class FigureChange(Reasoned):
    clause: int = strawberry.field(description="The number of the clause.")
    amount: AmountValue = strawberry.field(description="The change.")
    routed: AmountValue = strawberry.field(description="The part of it that goes on to the clause's fund.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("Whose result changed.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="What one cause of one settlement changed of an account.")
class BalanceChange(Reasoned):
    account: Account = strawberry.field(description="The account.")
    amount: AmountValue = strawberry.field(description="The change.")


@strawberry.type
class OfPair:
    """Who owes whom."""

    leg_id: strawberry.ID = strawberry.field(description="Id of the leg.")
    record: strawberry.Private[payments.Owed | payments.OwedChange]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who pays.")
    def payer(self) -> Party:
        return self.parties[self.record.payer_party_id]

    @resolved("Who is paid.")
    def payee(self) -> Party:
        return self.parties[self.record.payee_party_id]


@strawberry.type(description="What was open of a leg.")
class Owed(OfPair):
    open: AmountValue = strawberry.field(description="How much.")


@strawberry.enum(
    description="SETTLEMENT and INTEREST: by which the leg was raised. PAYMENT, NETTING and WAIVER: which "
    "cleared a part of it. REOPENING: by which the leg was void."
)
class OwedChangeKind(Enum):
    SETTLEMENT = "settlement"
    INTEREST = "interest"
    PAYMENT = "payment"
    NETTING = "netting"
    WAIVER = "waiver"
    REOPENING = "reopening"


@strawberry.type(description="What one act changed of what is open of a leg.")
class OwedChange(OfPair):
    kind: OwedChangeKind = strawberry.field(description="What was done.")
    amount: AmountValue = strawberry.field(description="The change.")
    event_id: strawberry.Private[int]
    events: strawberry.Private[EventBatch]

    @resolved("The act.")
    def act(self) -> Event:
        return self.events[self.event_id]


@strawberry.type
class DifferenceFields:
    """What an agreement shows of its answers at two moments. The changes add up exactly to the difference."""

    if TYPE_CHECKING:
        record: agreements.Agreement

    @resolved("How the results about a quarter changed between two moments.")
    def difference(
        self,
        info: Info,
        quarter: Annotated[Quarter, strawberry.argument(description="The quarter that it is about.")],
        known_from: KnownFrom,
        known_to: KnownTo = None,
    ) -> list[FigureChange]:
        desk = info.context
        found = differences.figures_between(
            desk.snapshot, self.record.agreement_id, quarter, known_from, moment(known_to)
        )
        events = event_batch(desk, (one.reason.event_id for one in found))
        parties = party_batch(desk, {one.party_id for one in found})
        return [
            FigureChange(
                **_reason(self.record.agreement_id, one.reason),
                clause=one.clause,
                amount=amount_value(one.amount_minor, one.commodity_id, one.book),
                routed=amount_value(one.routed_minor, one.commodity_id, one.book),
                events=events,
                party_id=one.party_id,
                parties=parties,
            )
            for one in found
        ]

    @resolved("How its balances changed between two moments.")
    def balance_difference(
        self,
        info: Info,
        through: Annotated[
            Quarter, strawberry.argument(description="Only what is about quarters up to this one.")
        ],
        known_from: KnownFrom,
        known_to: KnownTo = None,
    ) -> list[BalanceChange]:
        found = differences.balances_between(
            info.context.snapshot, self.record.agreement_id, through, known_from, moment(known_to)
        )
        return _balance_changes(info.context, self.record.agreement_id, found)

    @resolved(
        "How the totals of a quarter's statement changed between two moments; nothing is in them while it "
        "isn't closed."
    )
    def statement_difference(
        self,
        info: Info,
        quarter: Annotated[Quarter, strawberry.argument(description="The quarter that was settled.")],
        known_from: KnownFrom,
        known_to: KnownTo = None,
    ) -> list[BalanceChange]:
        found = differences.statement_between(
            info.context.snapshot, self.record.agreement_id, quarter, known_from, moment(known_to)
        )
        return _balance_changes(info.context, self.record.agreement_id, found)

    @resolved("What was open of each leg that its closes raised, as known then, by leg.")
    def owed(self, info: Info, known_at: KnownAt = None) -> list[Owed]:
        desk = info.context
        found = payments.owed(desk.snapshot, self.record.agreement_id, moment(known_at))
        parties = _pairs(desk, found)
        return [
            Owed(
                leg_id=global_id("Leg", one.leg_id),
                open=amount_value(one.open_minor, one.commodity_id, Book.CASH),
                record=one,
                parties=parties,
            )
            for one in found
        ]

    @resolved("What changed what is owed between two moments: closes, payments, nettings, waivers.")
    def owed_difference(
        self, info: Info, known_from: KnownFrom, known_to: KnownTo = None
    ) -> list[OwedChange]:
        desk = info.context
        found = payments.owed_between(desk.snapshot, self.record.agreement_id, known_from, moment(known_to))
        parties, events = _pairs(desk, found), event_batch(desk, (one.event_id for one in found))
        return [
            OwedChange(
                leg_id=global_id("Leg", one.leg_id),
                kind=OwedChangeKind(one.kind),
                amount=amount_value(one.amount_minor, one.commodity_id, Book.CASH),
                event_id=one.event_id,
                events=events,
                record=one,
                parties=parties,
            )
            for one in found
        ]


def _pairs(desk: Desk, found: Sequence[payments.Owed | payments.OwedChange]) -> PartyBatch:
    return party_batch(desk, {party for one in found for party in (one.payer_party_id, one.payee_party_id)})


def moment(known_to: datetime | None) -> datetime:
    return datetime.now(UTC) if known_to is None else known_to


def _balance_changes(
    desk: Desk, agreement_id: int, found: Sequence[differences.BalanceChange]
) -> list[BalanceChange]:
    events = event_batch(desk, (one.reason.event_id for one in found))
    holders = {one.account.party_id for one in found}
    parties = party_batch(desk, (party_id for party_id in holders if party_id is not None))
    return [
        BalanceChange(
            **_reason(agreement_id, one.reason),
            account=account_node(one.account, parties),
            amount=amount_value(one.amount_minor, one.account.commodity_id, one.account.book),
            events=events,
        )
        for one in found
    ]


def event_batch(desk: Desk, event_ids: Iterable[int | None]) -> EventBatch:
    def load(ids: list[int]) -> dict[int, Event]:
        records = event_reading.events_by_id(desk.snapshot, ids)
        return {event_id: event_node(record) for event_id, record in records.items()}

    return Batch((event_id for event_id in event_ids if event_id is not None), load)


def _reason(agreement_id: int, reason: differences.Reason) -> dict[str, Any]:
    return {
        "settlement_id": global_id("Settlement", agreement_id, reason.settlement_id),
        "booked_quarter": reason.booked_quarter,
        "cause": cause_node(reason.cause),
        "is_reopened": reason.is_reopened,
        "event_id": reason.event_id,
    }
