"""Nettings and their previews, as the API shows them."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from ledger.desk import payments
from ledger.measures import YUAN
from ledger.rules.terms import Book
from ledger_graphql.amounts import AmountValue, amount_value
from ledger_graphql.connections import Node, global_id
from ledger_graphql.context import Desk, Info
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.payments import Leg, leg_nodes
from ledger_graphql.scalars import Bytes


@strawberry.type(description="What a party gets (positive) or pays (negative) when all legs are added up.")
class NetPosition:
    amount: AmountValue = strawberry.field(description="Its position.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("Whose it is.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="A payment that a netting leaves.")
class NetPayment:
    amount: AmountValue = strawberry.field(description="How much is left to pay.")
    record: strawberry.Private[payments.NetLeg]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who pays.")
    def payer(self) -> Party:
        return self.parties[self.record.payer_party_id]

    @resolved("Who is paid.")
    def payee(self) -> Party:
        return self.parties[self.record.payee_party_id]

    @resolved("The payer's leg that is due first: its days and its interest are those of the payment.")
    def terms_of(self, info: Info) -> Leg:
        return leg_nodes(info.context, [self.record.terms_of])[0]


@strawberry.type(description="What netting would set off, and what would be left. Nothing is written.")
class NettingPreview:
    day: date = strawberry.field(description="The day on which it would take effect.")
    gross: AmountValue = strawberry.field(description="What all legs add up to.")
    positions: list[NetPosition] = strawberry.field(description="By party code.")
    net_payments: list[NetPayment] = strawberry.field(description="What would be left to pay.")
    record: strawberry.Private[payments.NettingPlan]

    @resolved("The legs that would be set off.")
    def legs(self, info: Info) -> list[Leg]:
        return leg_nodes(info.context, self.record.legs)


@strawberry.type(
    description="A netting 轧差 that was proposed. It is settled by the last signature, or stale once a leg "
    "of it has changed."
)
class Netting(Node):
    day: date = strawberry.field(description="The day on which it takes effect.")
    bytes_to_sign: Bytes = strawberry.field(
        description="RFC 8785 JSON with every leg and what is left: exactly these bytes are signed (Ed25519)."
    )
    is_settled: bool = strawberry.field(description="Whether every party has signed.")
    recorded_at: datetime = strawberry.field(description="When it was proposed.")
    record: strawberry.Private[payments.Netting]
    batch: strawberry.Private[PartyBatch]

    @resolved("Who must sign.")
    def parties(self) -> list[Party]:
        return [self.batch[party_id] for party_id in self.record.party_ids]

    @resolved("Who has signed.")
    def signed_by(self) -> list[Party]:
        return [self.batch[party_id] for party_id in self.record.signed_party_ids]

    @resolved("Whether a leg has changed since, so that it can't be signed any more.")
    def is_stale(self, info: Info) -> bool:
        return payments.is_stale(info.context.snapshot, self.record)

    @resolved("Its legs as they are now.")
    def legs(self, info: Info) -> list[Leg]:
        desk = info.context
        return leg_nodes(desk, list(payments.legs_by_id(desk.snapshot, self.record.leg_ids).values()))


def netting_node(desk: Desk, record: payments.Netting) -> Netting:
    """What the API shows of one netting."""
    return Netting(
        id=global_id("Netting", record.netting_id),
        day=record.day,
        bytes_to_sign=Bytes(record.content),
        is_settled=record.is_settled,
        recorded_at=record.recorded_at,
        record=record,
        batch=party_batch(desk, record.party_ids),
    )


def preview_node(desk: Desk, plan: payments.NettingPlan) -> NettingPreview:
    """What the API shows of a preview."""
    parties = party_batch(desk, plan.codes)
    return NettingPreview(
        day=plan.day,
        gross=_yuan(plan.gross_minor),
        positions=[
            NetPosition(amount=_yuan(amount_minor), party_id=party_id, parties=parties)
            for party_id, amount_minor in plan.positions.items()
        ],
        net_payments=[
            NetPayment(amount=_yuan(one.amount_minor), record=one, parties=parties) for one in plan.net
        ],
        record=plan,
    )


def _yuan(amount_minor: int) -> AmountValue:
    return amount_value(amount_minor, YUAN.commodity_id, Book.CASH)
