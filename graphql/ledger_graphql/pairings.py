"""Pairings and the nation at a glance, as the API shows them."""

from __future__ import annotations

from datetime import date
from enum import Enum
from math import floor
from typing import Annotated

import strawberry

from ledger.desk import pairings
from ledger.desk.agreements import agreements_by_id
from ledger.desk.pairings import Group, Grouping
from ledger.measures import YUAN
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_graphql.agreements import Agreement, AgreementKind, KnownAt, agreement_nodes
from ledger_graphql.amounts import AmountValue, amount_value
from ledger_graphql.calendar import Today, day_asked
from ledger_graphql.commitments import CommitmentState
from ledger_graphql.connections import FIRST_DEFAULT, After, Batch, Connection, First, connection, cut
from ledger_graphql.context import Info
from ledger_graphql.fields import resolved


@strawberry.enum(
    description="PARTY: a party with its parks, by its code; PROVINCE: by six digits (GB/T 2260); "
    "REGION: East, Central, West or Northeast; HALF: North or South (of the Qinling and the Huaihe)."
)
class PairingGroupKind(Enum):
    PARTY = "party"
    PROVINCE = "province"
    REGION = "region"
    HALF = "half"


@strawberry.enum(description="By what the nation is divided.")
class PairingGrouping(Enum):
    PROVINCE = "province"
    REGION = "region"
    HALF = "half"


@strawberry.enum(
    description="TAX 税收分成, OUTPUT_VALUE 产值分计, DEVELOPMENT_REVENUE 共建园区开发建设收益分成, "
    "INNOVATION_VOUCHER 科技创新券通用通兑."
)
class PairingMechanism(Enum):
    TAX = "tax"
    OUTPUT_VALUE = "output_value"
    DEVELOPMENT_REVENUE = "development_revenue"
    INNOVATION_VOUCHER = "innovation_voucher"


@strawberry.input(description="One side of a pairing.")
class PairingGroupInput:
    kind: PairingGroupKind = strawberry.field(description="What kind of group it is.")
    code: str = strawberry.field(description="Its name, as the kind says.")

    def group(self) -> Group:
        return Group(self.kind.value, self.code)


@strawberry.type(description="How many agreements of a kind there are.")
class KindCount:
    kind: AgreementKind = strawberry.field(description="The kind.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="What a booked quarter made due between the two by a mechanism.")
class PairingFlow:
    quarter: Quarter = strawberry.field(description="The quarter in which it was booked.")
    mechanism: PairingMechanism = strawberry.field(description="By which mechanism.")
    from_one: bool = strawberry.field(description="True: from the first to the other; false: the other way.")
    amount: AmountValue = strawberry.field(description="How much; negative: what flows back.")


@strawberry.type(description="What a booked quarter credited as a statistic to one of the two, in one book.")
class PairingCredit:
    quarter: Quarter = strawberry.field(description="The quarter in which it was booked.")
    to_one: bool = strawberry.field(description="True: to the first; false: to the other.")
    amount: AmountValue = strawberry.field(
        description="How much, in its book. The assessment book isn't for publication, and may never be "
        "added to the official one."
    )


@strawberry.type(description="What one of the two owes the other, all told, at the end of the day.")
class PairingDebt:
    from_one: bool = strawberry.field(description="True: the first owes the other; false: the other way.")
    raised: AmountValue = strawberry.field(description="Everything that was made payable, with interest.")
    paid: AmountValue = strawberry.field(description="What was paid of it.")
    waived: AmountValue = strawberry.field(description="What was waived.")
    open: AmountValue = strawberry.field(description="What is neither paid, netted nor waived.")
    overdue: AmountValue = strawberry.field(description="What of that is late.")


@strawberry.type(description="How many commitments stand so.")
class CommitmentCount:
    state: CommitmentState = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(
    description="What a clause leaves under its caps and windows, all of its subjects together, after the "
    "last closed quarter."
)
class RoomLeft:
    clause: int = strawberry.field(description="The clause's number.")
    as_of: Quarter = strawberry.field(description="The last closed quarter.")
    subject_count: int = strawberry.field(description="How many subjects carry something of it.")
    under_caps: AmountValue | None = strawberry.field(
        description="What the caps leave together, rounded down to the minor unit; null without a cap."
    )
    used_up_count: int = strawberry.field(description="How many caps leave nothing.")
    open_windows: int = strawberry.field(description="How many windows close after the quarter.")
    next_close: date | None = strawberry.field(description="The first day on which one closes.")


@strawberry.type(description="An agreement of a pairing.")
class PairedAgreement:
    agreement: Agreement = strawberry.field(description="The agreement.")
    agreement_id: strawberry.Private[int]
    rooms: strawberry.Private[Batch[int, list[pairings.Room]]]

    @resolved("What is left under its caps and windows.")
    def room(self) -> list[RoomLeft]:
        return [_room(one) for one in self.rooms[self.agreement_id]]


@strawberry.type(
    description="Everything between two groups that the asker may see: flows and credits of the quarters "
    "asked for, debts, disputes and commitments as of the day; all as known at the moment asked for."
)
class Pairing:
    kinds: list[KindCount] = strawberry.field(description="Agreements by kind.")
    flows: list[PairingFlow] = strawberry.field(description="By quarter and mechanism.")
    credits: list[PairingCredit] = strawberry.field(description="By quarter, book and statistic.")
    debts: list[PairingDebt] = strawberry.field(description="Each way.")
    open_dispute_count: int = strawberry.field(description="Disputes that haven't ended.")
    ended_dispute_count: int = strawberry.field(description="Disputes that were agreed or arbitrated.")
    commitments: list[CommitmentCount] = strawberry.field(description="Commitments by state.")
    record: strawberry.Private[pairings.Pairing]

    @resolved("The agreements, by code.")
    def agreements(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[PairedAgreement]:
        desk = info.context
        numbered = list(enumerate(self.record.agreement_ids))
        page, has_next = cut(numbered, lambda one: (one[0],), first, after)
        agreement_ids = [agreement_id for _, agreement_id in page]
        records = agreements_by_id(desk.snapshot, agreement_ids)
        nodes = agreement_nodes(desk, [records[agreement_id] for agreement_id in agreement_ids])
        rooms = Batch(
            agreement_ids, lambda wanted: pairings.rooms_left(desk.snapshot, wanted, self.record.known_at)
        )
        items = [
            PairedAgreement(agreement=node, agreement_id=agreement_id, rooms=rooms)
            for node, agreement_id in zip(nodes, agreement_ids, strict=True)
        ]
        return connection(items, [(place,) for place, _ in page], has_next=has_next, after=after)


@strawberry.type(description="What parties of one group owed parties of another by a mechanism.")
class MatrixCell:
    payer: str = strawberry.field(description="The payer's group; empty where its province isn't known.")
    payee: str = strawberry.field(description="The payee's group.")
    mechanism: PairingMechanism = strawberry.field(description="By which mechanism.")
    amount: AmountValue = strawberry.field(description="How much.")


@strawberry.type(description="A group's place by what flowed in and out of it.")
class RankedGroup:
    place: int = strawberry.field(description="From 1 up.")
    code: str = strawberry.field(description="The group; empty where its province isn't known.")
    agreement_count: int = strawberry.field(description="Agreements in which its parties take part.")
    paid: AmountValue = strawberry.field(description="What its parties owed in the quarters.")
    received: AmountValue = strawberry.field(description="What its parties were owed.")
    overdue: AmountValue = strawberry.field(description="What its parties are late with on the day.")


@strawberry.type(description="What flowed in the quarters booked in a year by a mechanism.")
class TrendYear:
    year: int = strawberry.field(description="The year.")
    mechanism: PairingMechanism = strawberry.field(description="By which mechanism.")
    amount: AmountValue = strawberry.field(description="How much.")


FirstQuarter = Annotated[Quarter, strawberry.argument(description="The first booked quarter.")]
LastQuarter = Annotated[Quarter, strawberry.argument(description="The last booked quarter, included.")]
OneGroup = Annotated[PairingGroupInput, strawberry.argument(description="One side.")]
OtherGroup = Annotated[PairingGroupInput, strawberry.argument(description="The other side.")]
OneOptional = Annotated[
    PairingGroupInput | None,
    strawberry.argument(description="One side; with the other, only what is between them."),
]
OtherOptional = Annotated[PairingGroupInput | None, strawberry.argument(description="The other side.")]
By = Annotated[PairingGrouping, strawberry.argument(description="By what the nation is divided.")]


@strawberry.type
class PairingQueries:
    @resolved("What two groups have with each other, as far as the asker may see it.")
    def pairing(
        self,
        info: Info,
        one: OneGroup,
        other: OtherGroup,
        first_quarter: FirstQuarter,
        last_quarter: LastQuarter,
        today: Today = None,
        known_at: KnownAt = None,
    ) -> Pairing:
        desk = info.context
        day = day_asked(desk, today, known_at)
        groups = one.group(), other.group()
        return _pairing(pairings.pairing(desk.snapshot, *groups, first_quarter, last_quarter, day, known_at))

    @resolved("Who owed whom how much, over the whole nation: sums, open to every province.")
    def pairing_matrix(
        self,
        info: Info,
        by: By,
        first_quarter: FirstQuarter,
        last_quarter: LastQuarter,
        known_at: KnownAt = None,
    ) -> list[MatrixCell]:
        with info.context.seeing_everything() as snapshot:
            found = pairings.matrix(snapshot, _grouping(by), first_quarter, last_quarter, known_at)
        return [
            MatrixCell(
                payer=one.payer,
                payee=one.payee,
                mechanism=PairingMechanism(one.mechanism.value),
                amount=_money(one.amount_minor),
            )
            for one in found
        ]

    @resolved("The groups of the nation by what flowed in and out of them: sums, open to every province.")
    def pairing_ranking(
        self,
        info: Info,
        by: By,
        first_quarter: FirstQuarter,
        last_quarter: LastQuarter,
        today: Today = None,
        known_at: KnownAt = None,
    ) -> list[RankedGroup]:
        desk = info.context
        day = day_asked(desk, today, known_at)
        with desk.seeing_everything() as snapshot:
            found = pairings.ranking(
                snapshot, _grouping(by), first_quarter, last_quarter, day, pairings.RANKED_MOST, known_at
            )
        return [
            RankedGroup(
                place=one.place,
                code=one.key,
                agreement_count=one.agreement_count,
                paid=_money(one.paid_minor),
                received=_money(one.received_minor),
                overdue=_money(one.overdue_minor),
            )
            for one in found
        ]

    @resolved("What flowed year by year, in the nation or between two groups: sums, open to every province.")
    def pairing_trend(
        self,
        info: Info,
        first_quarter: FirstQuarter,
        last_quarter: LastQuarter,
        one: OneOptional = None,
        other: OtherOptional = None,
        known_at: KnownAt = None,
    ) -> list[TrendYear]:
        between = None if one is None or other is None else (one.group(), other.group())
        with info.context.seeing_everything() as snapshot:
            found = pairings.trend(snapshot, first_quarter, last_quarter, between, known_at)
        return [
            TrendYear(
                year=each.year,
                mechanism=PairingMechanism(each.mechanism.value),
                amount=_money(each.amount_minor),
            )
            for each in found
        ]


def _grouping(by: PairingGrouping) -> Grouping:
    return by.value


def _money(amount_minor: int) -> AmountValue:
    return amount_value(amount_minor, YUAN.commodity_id, Book.CASH)


def _room(one: pairings.Room) -> RoomLeft:
    left = one.under_caps_minor
    return RoomLeft(
        clause=one.clause,
        as_of=one.as_of,
        subject_count=one.subject_count,
        under_caps=None if left is None else amount_value(floor(left), one.commodity_id, one.book),
        used_up_count=one.used_up_count,
        open_windows=one.open_windows,
        next_close=one.next_close,
    )


def _pairing(found: pairings.Pairing) -> Pairing:
    return Pairing(
        kinds=[KindCount(kind=AgreementKind(kind), count=count) for kind, count in found.kinds.items()],
        flows=[
            PairingFlow(
                quarter=one.quarter,
                mechanism=PairingMechanism(one.mechanism.value),
                from_one=one.from_one,
                amount=amount_value(one.amount_minor, one.commodity_id, Book.CASH),
            )
            for one in found.flows
        ],
        credits=[
            PairingCredit(
                quarter=one.quarter,
                to_one=one.to_one,
                amount=amount_value(one.amount_minor, one.commodity_id, one.book),
            )
            for one in found.credits
        ],
        debts=[_debt(one) for one in found.debts],
        open_dispute_count=found.disputes.open_count,
        ended_dispute_count=found.disputes.ended_count,
        commitments=[
            CommitmentCount(state=CommitmentState(state), count=count)
            for state, count in sorted(found.commitments.items())
        ],
        record=found,
    )


def _debt(one: pairings.Debt) -> PairingDebt:
    def amount(amount_minor: int) -> AmountValue:
        return amount_value(amount_minor, one.commodity_id, Book.CASH)

    return PairingDebt(
        from_one=one.from_one,
        raised=amount(one.raised_minor),
        paid=amount(one.paid_minor),
        waived=amount(one.waived_minor),
        open=amount(one.open_minor),
        overdue=amount(one.overdue_minor),
    )
