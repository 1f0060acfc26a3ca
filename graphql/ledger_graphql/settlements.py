"""Settlements, their causes, allocations and journal entries, as the API shows them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, cast

import strawberry

from ledger.desk import history, settlements
from ledger.desk.lines import open_lines
from ledger.desk.settlements import journal
from ledger.desk.settlements.replays import Cause as CauseRecord
from ledger.desk.signatures import Signature
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_graphql.amounts import AmountValue, amount_value
from ledger_graphql.bundles import bundle_file, excerpt_file
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Batch,
    Connection,
    First,
    Node,
    connection,
    cut,
    global_id,
    number_key,
    shaped_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.enterprises import Enterprise, EnterpriseBatch, enterprise_batch
from ledger_graphql.failures import MissingReturn
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.payments import AsOf, Leg, PaymentState, legs_of_settlement, payment_state_of
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


@strawberry.enum(
    description="SOURCE: what is divided. DUE: payable to the party. ACCRUED: provisional only, until "
    "the year's last "
    "quarter. FUND: routed to a fund. CREDITED: statistics, which nobody pays."
)
class AccountKind(Enum):
    SOURCE = "source"
    DUE = "due"
    ACCRUED = "accrued"
    FUND = "fund"
    CREDITED = "credited"


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


@strawberry.type(description="What a cause changes for one party: one clause, subject, quarter and book.")
class Allocation:
    cause: int = strawberry.field(description="The number of the cause.")
    clause: int = strawberry.field(description="The number of the clause.")
    quarter: Quarter = strawberry.field(description="The quarter whose result it changes.")
    record: strawberry.Private[settlements.Allocation]
    amount: AmountValue = strawberry.field(description="The change of what is booked for the party.")
    routed: AmountValue = strawberry.field(description="The part of it that goes on to the clause's fund.")
    parties: strawberry.Private[PartyBatch]
    enterprises: strawberry.Private[EnterpriseBatch]

    @resolved("Who gets it.")
    def party(self) -> Party:
        return self.parties[self.record.party_id]

    @resolved("The enterprise that it is about; null for the whole park or the whole clause.")
    def enterprise(self) -> Enterprise | None:
        return self.enterprises[self.record.subject_id] if self.record.subject_id else None


@strawberry.type(description="What a party gets in all of one book and commodity.")
class NetAmount:
    amount: AmountValue = strawberry.field(description="Everything booked for it, added up.")
    routed: AmountValue = strawberry.field(description="The part of it that goes on to a fund.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who gets it.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="An account of the journal: one clause, kind, book, commodity and party.")
class Account:
    kind: AccountKind = strawberry.field(description="What its balance means.")
    clause: int = strawberry.field(description="The number of the clause.")
    book: Book = strawberry.field(description="The book that it is in.")
    party_id: strawberry.Private[int | None]
    parties: strawberry.Private[PartyBatch]

    @resolved("Whose it is; null for what is divided.")
    def party(self) -> Party | None:
        return None if self.party_id is None else self.parties[self.party_id]


@strawberry.type(description="One leg of a journal entry.")
class Posting:
    account: Account = strawberry.field(description="Where it is posted.")
    amount: AmountValue = strawberry.field(description="Positive: into the account. Negative: out of it.")


@strawberry.type(description="A journal entry. Its postings add up to zero in each book and commodity.")
class Entry:
    entry: int = strawberry.field(description="Its number in the settlement, from 1 up.")
    cause: int = strawberry.field(description="The number of the cause.")
    clause: int = strawberry.field(description="The number of the clause.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about.")
    postings: list[Posting] = strawberry.field(description="Its legs.")


CreditCode = Annotated[str, strawberry.argument(description="The enterprise's 统一社会信用代码.")]
ClauseFilter = Annotated[int | None, strawberry.argument(description="Only this clause's.")]


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
    standings: strawberry.Private[Batch[int, settlements.Standing]]

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
        return self.standings[self.record.settlement_id]

    @resolved("What it rests on: versions of the terms, returns and enterprise list, by reference.")
    def inputs(self) -> Json:
        return Json(json.loads(self.record.inputs.canonical()))

    @resolved("What is booked for whom, in the order of cause, clause, subject, quarter, book, party.")
    def allocations(
        self,
        info: Info,
        clause: ClauseFilter = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Allocation]:
        desk = info.context
        page = settlements.allocations(
            desk.snapshot,
            self.record.agreement_id,
            self.record.settlement_id,
            clause=clause,
            after=_allocation_key(after),
            limit=first,
        )
        return connection(
            allocation_nodes(desk, page.items),
            [allocation.key for allocation in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("The journal entries that book it, by number.")
    def entries(self, info: Info, first: First = FIRST_DEFAULT, after: After = None) -> Connection[Entry]:
        desk = info.context
        page = journal.entries_page(
            desk.snapshot,
            self.record.agreement_id,
            self.record.settlement_id,
            after=number_key(after),
            limit=first,
        )
        return connection(
            _entries(desk, page.items),
            [(entry.entry,) for entry in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("What its close made payable, by leg; interest charged on it is among Query.legs.")
    def legs(self, info: Info) -> list[Leg]:
        return legs_of_settlement(info.context, self.record.settlement_id)

    @resolved("How far its legs are paid at the end of a day. Nothing is due of what isn't closed.")
    def payment_state(self, info: Info, as_of: AsOf) -> PaymentState:
        return payment_state_of(info.context, self.record.settlement_id, as_of)

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
    def net(self, info: Info) -> list[NetAmount]:
        desk = info.context
        with open_lines(desk.snapshot):
            booked = settlements.all_allocations(
                desk.snapshot, self.record.agreement_id, self.record.settlement_id
            )
        return net_amounts(desk, booked)


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
    """What the API shows of an agreement's settlements; where they stand is looked up at once."""
    standings = Batch(
        [record.settlement_id for record in records],
        lambda _: settlements.standings(desk.snapshot, agreement_id, records),
    )
    return [_settlement(record, standings) for record in records]


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


def _settlement(record: settlements.Settlement, standings: Batch[int, settlements.Standing]) -> Settlement:
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
        standings=standings,
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


def account_node(record: journal.Account | history.Balance, parties: PartyBatch) -> Account:
    """What the API shows of one account."""
    return Account(
        kind=AccountKind(record.kind),
        clause=record.clause,
        book=record.book,
        party_id=record.party_id,
        parties=parties,
    )


def allocation_nodes(
    desk: Desk, records: Sequence[settlements.Allocation], parties: PartyBatch | None = None
) -> list[Allocation]:
    """What the API shows of a page of allocations; ``parties`` are theirs where several pages share them."""
    parties = parties or party_batch(desk, {record.party_id for record in records})
    enterprises = enterprise_batch(desk, {record.subject_id for record in records})
    return [
        Allocation(
            cause=record.cause,
            clause=record.clause,
            quarter=record.quarter,
            record=record,
            amount=amount_value(record.amount_minor, record.commodity_id, record.book),
            routed=amount_value(record.routed_minor, record.commodity_id, record.book),
            parties=parties,
            enterprises=enterprises,
        )
        for record in records
    ]


def net_amounts(desk: Desk, records: Iterable[settlements.Allocation]) -> list[NetAmount]:
    """Allocations added up by party, book and commodity, in the order of book, commodity and party."""
    totals: defaultdict[tuple[Book, int, int], list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        total = totals[record.book, record.commodity_id, record.party_id]
        total[0] += record.amount_minor
        total[1] += record.routed_minor
    parties = party_batch(desk, {party_id for _, _, party_id in totals})
    return [
        NetAmount(
            amount=amount_value(amount_minor, commodity_id, book),
            routed=amount_value(routed_minor, commodity_id, book),
            party_id=party_id,
            parties=parties,
        )
        for (book, commodity_id, party_id), (amount_minor, routed_minor) in sorted(totals.items())
    ]


def _entries(desk: Desk, records: Sequence[journal.Entry]) -> list[Entry]:
    holders = {posting.account.party_id for record in records for posting in record.postings}
    parties = party_batch(desk, (party_id for party_id in holders if party_id is not None))
    return [
        Entry(
            entry=record.entry,
            cause=record.cause,
            clause=record.clause,
            quarter=record.quarter,
            postings=[_posting(posting, parties) for posting in record.postings],
        )
        for record in records
    ]


def _posting(record: journal.Posting, parties: PartyBatch) -> Posting:
    account = record.account
    return Posting(
        account=account_node(account, parties),
        amount=amount_value(record.amount_minor, account.commodity_id, account.book),
    )


def _allocation_key(after: str | None) -> settlements.AllocationKey | None:
    return cast("settlements.AllocationKey | None", shaped_key(after, int, int, int, int, int, int))
