"""Legs, payments and arrears, as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from ledger.desk import payments
from ledger.desk.history import drill
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_graphql.amounts import AmountValue, amount_value
from ledger_graphql.connections import FIRST_DEFAULT, After, Connection, First, Node, global_id
from ledger_graphql.context import Desk, Info
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch

if TYPE_CHECKING:
    from ledger_graphql.drill import BookedAllocation

AsOf: TypeAlias = Annotated[date, strawberry.argument(description="The end of this day.")]


@strawberry.enum(
    description="SETTLEMENT: what a close made payable. INTEREST: charged on a leg that is late. NET: what "
    "is left of a netting."
)
class LegKind(Enum):
    SETTLEMENT = "settlement"
    INTEREST = "interest"
    NET = "net"


@strawberry.enum(
    description="DIRECT: paid. YEAR_END: a remittance or grant line 上解/补助 of the year-end settlement. "
    "SET_OFF: only ever netted. FUND: paid to a fund."
)
class LegForm(Enum):
    DIRECT = "direct"
    YEAR_END = "year_end"
    SET_OFF = "set_off"
    FUND = "fund"


@strawberry.enum(
    description="DUE and PARTLY_PAID: nothing is late. CALLED_AGAIN: the first due day is over, the second "
    "round's isn't. OVERDUE: the last round is over. PAID, NETTED, WAIVED: nothing is open."
)
class LegState(Enum):
    DUE = "due"
    PARTLY_PAID = "partly_paid"
    CALLED_AGAIN = "called_again"
    OVERDUE = "overdue"
    PAID = "paid"
    NETTED = "netted"
    WAIVED = "waived"


@strawberry.enum(
    description="Of all legs of a settlement together. NOTHING_DUE: it raised none. The most urgent state "
    "counts; what is done in several ways is PAID."
)
class PaymentState(Enum):
    NOTHING_DUE = "nothing_due"
    DUE = "due"
    PARTLY_PAID = "partly_paid"
    CALLED_AGAIN = "called_again"
    OVERDUE = "overdue"
    PAID = "paid"
    NETTED = "netted"
    WAIVED = "waived"


@strawberry.enum(description="By what a part of a leg was cleared.")
class ClearingKind(Enum):
    PAYMENT = "payment"
    NETTING = "netting"
    WAIVER = "waiver"


@strawberry.enum(
    description="BANK 银行, TREASURY 国库. YEAR_END 年终结算: a remittance or grant line 上解/补助."
)
class PaymentChannel(Enum):
    BANK = "bank"
    TREASURY = "treasury"
    YEAR_END = "year_end"


@strawberry.type(description="A part of a leg that was paid, netted or waived.")
class LegClearing:
    kind: ClearingKind = strawberry.field(description="By what.")
    amount: AmountValue = strawberry.field(description="How much of it.")
    day: date = strawberry.field(description="The value date, or the day of the netting or waiver.")
    payment_id: strawberry.ID | None = strawberry.field(description="Id of the payment.")
    netting_id: strawberry.ID | None = strawberry.field(description="Id of the netting.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.type(description="What a side of a leg has against it.")
class LegObjection:
    party: Party = strawberry.field(description="Who objected.")
    person: str = strawberry.field(description="The acting person.")
    reason: str = strawberry.field(description="What it has against the leg.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.type(description="What one party has to pay another.")
class Leg(Node):
    kind: LegKind = strawberry.field(description="Where it comes from.")
    reference: str = strawberry.field(
        description="Written into the purpose of a payment, it names the leg that is paid."
    )
    agreement_id: strawberry.ID | None = strawberry.field(
        description="Id of the agreement; null for what is left of a netting."
    )
    quarter: Quarter | None = strawberry.field(description="The quarter whose close raised it.")
    clause: int | None = strawberry.field(description="The number of the clause.")
    amount: AmountValue = strawberry.field(description="How much it was raised for.")
    open: AmountValue = strawberry.field(description="What nothing has cleared yet.")
    form: LegForm = strawberry.field(description="How it is carried out.")
    due_day: date | None = strawberry.field(
        description="The last day on which it is paid in time; null: on demand, never overdue."
    )
    second_day: date | None = strawberry.field(
        description="The second round's last day; only after it is the leg overdue."
    )
    may_be_netted: bool = strawberry.field(description="Whether the terms let it be netted.")
    interest_on: strawberry.ID | None = strawberry.field(description="Id of the leg that the interest is on.")
    months: int | None = strawberry.field(description="Through how many months the interest counts.")
    clearings: list[LegClearing] = strawberry.field(
        description="What cleared it, in order; up: its payments and nettings by their ids."
    )
    settlement_id: strawberry.ID | None = strawberry.field(
        description="Id of the settlement that raised it; null for what is left of a netting."
    )
    netting_id: strawberry.ID | None = strawberry.field(
        description="Down: id of the netting that it is left of, with its legs; null for others."
    )
    recorded_at: datetime = strawberry.field(description="When it was raised.")
    record: strawberry.Private[payments.Leg]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who pays.")
    def payer(self) -> Party:
        return self.parties[self.record.payer_party_id]

    @resolved("Who is paid.")
    def payee(self) -> Party:
        return self.parties[self.record.payee_party_id]

    @resolved("The objection that stands; while one does, the leg is in dispute and isn't netted.")
    def objection(self) -> LegObjection | None:
        standing = self.record.objection
        if standing is None:
            return None
        return LegObjection(
            party=self.parties[standing.party_id],
            person=standing.person,
            reason=standing.reason,
            recorded_at=standing.recorded_at,
        )

    @resolved("Down: the allocations that it rests on; what is left of a netting rests on legs.")
    def allocations(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[Annotated[BookedAllocation, strawberry.lazy("ledger_graphql.drill")]]:
        from ledger_graphql.drill import booked_connection, booked_key

        desk = info.context
        page = drill.allocations_under(desk.snapshot, self.record, after=booked_key(after), limit=first)
        return booked_connection(desk, page, after)

    @resolved("Its state at the end of a day.")
    def state(self, as_of: AsOf) -> LegState:
        return LegState(self.record.state_on(as_of).value)

    @resolved("Simple interest to a day, charged or not, by month or part of a month from the first due day.")
    def interest(self, as_of: AsOf) -> AmountValue:
        return _cash(self.record.interest_through(self.record.months_late(as_of)), self.record.commodity_id)


@strawberry.type(description="A leg that a payment may be for, and with how much of it.")
class SuggestedMatch:
    leg: Leg = strawberry.field(description="The leg.")
    amount: AmountValue = strawberry.field(description="How much of the payment.")


@strawberry.type(description="A leg that a payment paid, and with how much of it.")
class PaidLeg:
    leg: Leg = strawberry.field(description="The leg.")
    amount: AmountValue = strawberry.field(description="How much of the payment.")


@strawberry.type(description="A payment received: one line of a bank's or treasury's statement.")
class Payment(Node):
    channel: PaymentChannel = strawberry.field(description="How it was paid.")
    payer_account: str = strawberry.field(description="The account that it came from.")
    reference: str = strawberry.field(description="The line's own, unique in the payer's account.")
    amount: AmountValue = strawberry.field(description="How much was paid.")
    rest: AmountValue = strawberry.field(description="What of it isn't matched to a leg.")
    value_day: date = strawberry.field(description="The value date.")
    purpose: str = strawberry.field(description="What the payer wrote.")
    recorded_by: str = strawberry.field(description="The person who recorded it.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    record: strawberry.Private[payments.Payment]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who paid.")
    def payer(self) -> Party:
        return self.parties[self.record.payer_party_id]

    @resolved("Who was paid.")
    def payee(self) -> Party:
        return self.parties[self.record.payee_party_id]

    @resolved("Down: the legs that it paid, in the order of the matches.")
    def legs(self, info: Info) -> list[PaidLeg]:
        desk = info.context
        paid = drill.legs_paid(desk.snapshot, [self.record.payment_id])[self.record.payment_id]
        legs = payments.legs_by_id(desk.snapshot, [leg_id for leg_id, _ in paid])
        nodes = leg_nodes(desk, [legs[leg_id] for leg_id, _ in paid])
        return [
            PaidLeg(leg=node, amount=_cash(amount_minor, self.record.commodity_id))
            for node, (_, amount_minor) in zip(nodes, paid, strict=True)
        ]

    @resolved("What the rest may be for: a leg with exactly that open, else legs in the order of due days.")
    def suggested_matches(self, info: Info) -> list[SuggestedMatch]:
        desk = info.context
        suggested = payments.suggested_matches(desk.snapshot, self.record)
        legs = payments.legs_by_id(desk.snapshot, [one.leg_id for one in suggested])
        nodes = leg_nodes(desk, [legs[one.leg_id] for one in suggested])
        return [
            SuggestedMatch(leg=node, amount=_cash(one.amount_minor, self.record.commodity_id))
            for node, one in zip(nodes, suggested, strict=True)
        ]


@strawberry.type(description="What one party owes another of one agreement on a day, by age.")
class Arrears:
    agreement_id: strawberry.ID | None = strawberry.field(
        description="Id of the agreement; null for what is left of nettings."
    )
    not_due: AmountValue = strawberry.field(description="Open and not overdue.")
    days_1_30: AmountValue = strawberry.field(name="days1To30", description="Overdue 1 to 30 days.")
    days_31_60: AmountValue = strawberry.field(name="days31To60", description="Overdue 31 to 60 days.")
    days_61_90: AmountValue = strawberry.field(name="days61To90", description="Overdue 61 to 90 days.")
    days_91_180: AmountValue = strawberry.field(name="days91To180", description="Overdue 91 to 180 days.")
    days_over_180: AmountValue = strawberry.field(name="daysOver180", description="Overdue longer.")
    overdue: AmountValue = strawberry.field(description="Everything overdue.")
    interest: AmountValue = strawberry.field(description="Interest to the day that isn't charged yet.")
    record: strawberry.Private[payments.Arrears]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who owes it.")
    def payer(self) -> Party:
        return self.parties[self.record.key.payer_party_id]

    @resolved("Whom it is owed.")
    def payee(self) -> Party:
        return self.parties[self.record.key.payee_party_id]


def leg_nodes(desk: Desk, records: Sequence[payments.Leg]) -> list[Leg]:
    """What the API shows of a page of legs."""
    parties = party_batch(desk, _parties_of(records))
    return [_leg(record, parties) for record in records]


def leg_node(desk: Desk, leg_id: int) -> Leg | None:
    """What the API shows of one leg; None where there is none."""
    found = payments.legs_by_id(desk.snapshot, [leg_id])
    return next(iter(leg_nodes(desk, list(found.values()))), None)


def legs_of_settlements(desk: Desk, settlement_ids: Sequence[int]) -> dict[int, list[Leg]]:
    """What the close of each settlement made payable."""
    found = payments.legs_of_settlements(desk.snapshot, settlement_ids)
    nodes = iter(leg_nodes(desk, [leg for legs in found.values() for leg in legs]))
    return {settlement_id: list(islice(nodes, len(legs))) for settlement_id, legs in found.items()}


def state_of_legs(legs: Sequence[Leg], day: date) -> PaymentState:
    """The most urgent state of the legs."""
    return PaymentState(payments.state_of_all([leg.record for leg in legs], day))


def payment_nodes(desk: Desk, records: Sequence[payments.Payment]) -> list[Payment]:
    """What the API shows of a page of payments."""
    parties = party_batch(
        desk, {party for record in records for party in (record.payer_party_id, record.payee_party_id)}
    )
    return [
        Payment(
            id=global_id("Payment", record.payment_id),
            channel=PaymentChannel(record.channel),
            payer_account=record.payer_account,
            reference=record.reference,
            amount=_cash(record.amount_minor, record.commodity_id),
            rest=_cash(record.rest_minor, record.commodity_id),
            value_day=record.value_day,
            purpose=record.purpose,
            recorded_by=record.recorded_by,
            recorded_at=record.recorded_at,
            record=record,
            parties=parties,
        )
        for record in records
    ]


def payment_node(desk: Desk, payment_id: int) -> Payment:
    """What the API shows of one payment."""
    return payment_nodes(desk, [payments.payment(desk.snapshot, payment_id)])[0]


def arrears_nodes(desk: Desk, records: Sequence[payments.Arrears]) -> list[Arrears]:
    """What the API shows of a page of arrears."""
    parties = party_batch(desk, {party for record in records for party in record.key[:2]})
    return [_arrears(record, parties) for record in records]


def _arrears(record: payments.Arrears, parties: PartyBatch) -> Arrears:
    commodity_id = record.key.commodity_id
    return Arrears(
        agreement_id=global_id("Agreement", record.key.agreement_id) if record.key.agreement_id else None,
        **{name: _cash(amount_minor, commodity_id) for name, amount_minor in record.open_minor.items()},
        overdue=_cash(record.overdue_minor, commodity_id),
        interest=_cash(record.interest_minor, commodity_id),
        record=record,
        parties=parties,
    )


def _leg(record: payments.Leg, parties: PartyBatch) -> Leg:
    return Leg(
        id=global_id("Leg", record.leg_id),
        kind=LegKind(record.kind),
        reference=record.reference,
        agreement_id=None if record.agreement_id is None else global_id("Agreement", record.agreement_id),
        quarter=record.booked_quarter,
        clause=record.clause,
        amount=_cash(record.amount_minor, record.commodity_id),
        open=_cash(record.open_minor, record.commodity_id),
        form=LegForm(record.form),
        due_day=record.due_day,
        second_day=record.second_day,
        may_be_netted=record.may_be_netted,
        interest_on=None if record.of_leg_id is None else global_id("Leg", record.of_leg_id),
        months=record.months,
        clearings=[_clearing(one, record.commodity_id) for one in record.clearings],
        settlement_id=_settlement_id(record),
        netting_id=None if record.netting_id is None else global_id("Netting", record.netting_id),
        recorded_at=record.recorded_at,
        record=record,
        parties=parties,
    )


def _settlement_id(record: payments.Leg) -> strawberry.ID | None:
    if record.agreement_id is None or record.settlement_id is None:
        return None
    return global_id("Settlement", record.agreement_id, record.settlement_id)


def _clearing(record: payments.Clearing, commodity_id: int) -> LegClearing:
    return LegClearing(
        kind=ClearingKind(record.kind),
        amount=_cash(record.amount_minor, commodity_id),
        day=record.day,
        payment_id=None if record.payment_id is None else global_id("Payment", record.payment_id),
        netting_id=None if record.netting_id is None else global_id("Netting", record.netting_id),
        recorded_at=record.recorded_at,
    )


def _parties_of(records: Iterable[payments.Leg]) -> set[int]:
    return {party_id for record in records for party_id in record.pair}


def _cash(amount_minor: int, commodity_id: int) -> AmountValue:
    return amount_value(amount_minor, commodity_id, Book.CASH)
