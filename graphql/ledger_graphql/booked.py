"""What settlements book: allocations, net amounts and journal entries, of a whole page of them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Annotated, TypeAlias, cast

import strawberry

from ledger.desk import history, settlements
from ledger.desk.lines import open_lines
from ledger.desk.pages import Page
from ledger.desk.settlements import journal
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_graphql.amounts import AmountValue, amount_value
from ledger_graphql.connections import Connection, connection, number_key, shaped_key
from ledger_graphql.context import Desk
from ledger_graphql.enterprises import Enterprise, EnterpriseBatch, enterprise_batch
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.payments import Leg, legs_of_settlements

ClauseFilter = Annotated[int | None, strawberry.argument(description="Only this clause's.")]


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


PageAsked: TypeAlias = tuple[int | None, int, str | None]
"""Clause, how many at most, and the cursor after which they come."""


class BookedPage:
    """What the settlements of one page of an agreement book.

    Of each kind all is read at once when the first of them is asked for it: a page of fifty takes as many
    statements as one settlement.
    """

    def __init__(self, desk: Desk, agreement_id: int, records: Sequence[settlements.Settlement]) -> None:
        self._desk = desk
        self._agreement_id = agreement_id
        self._records = records
        self._ids = [record.settlement_id for record in records]
        self._allocations: dict[PageAsked, Mapping[int, Connection[Allocation]]] = {}
        self._entries: dict[PageAsked, Mapping[int, Connection[Entry]]] = {}

    @cached_property
    def standings(self) -> Mapping[int, settlements.Standing]:
        return settlements.standings(self._desk.snapshot, self._agreement_id, self._records)

    @cached_property
    def legs(self) -> Mapping[int, list[Leg]]:
        return legs_of_settlements(self._desk, self._ids)

    @cached_property
    def net(self) -> Mapping[int, list[NetAmount]]:
        with open_lines(self._desk.snapshot):
            found = settlements.allocations_of(self._desk.snapshot, self._records)
        parties = party_batch(self._desk, {one.party_id for listed in found.values() for one in listed})
        return {settlement_id: _net_amounts(listed, parties) for settlement_id, listed in found.items()}

    def allocations(
        self, clause: int | None, first: int, after: str | None
    ) -> Mapping[int, Connection[Allocation]]:
        """The same page of allocations of every settlement."""
        asked = clause, first, after
        if asked not in self._allocations:
            pages = settlements.allocation_pages(
                self._desk.snapshot,
                self._agreement_id,
                self._ids,
                clause=clause,
                after=_allocation_key(after),
                limit=first,
            )
            self._allocations[asked] = self._allocation_connections(pages, after)
        return self._allocations[asked]

    def entries(self, first: int, after: str | None) -> Mapping[int, Connection[Entry]]:
        """The same page of journal entries of every settlement."""
        asked = None, first, after
        if asked not in self._entries:
            pages = journal.entry_pages(
                self._desk.snapshot, self._agreement_id, self._ids, after=number_key(after), limit=first
            )
            self._entries[asked] = self._entry_connections(pages, after)
        return self._entries[asked]

    def _allocation_connections(
        self, pages: Mapping[int, Page[settlements.Allocation]], after: str | None
    ) -> Mapping[int, Connection[Allocation]]:
        records = [one for page in pages.values() for one in page.items]
        parties = party_batch(self._desk, {one.party_id for one in records})
        enterprises = enterprise_batch(self._desk, {one.subject_id for one in records})
        return {
            settlement_id: connection(
                [_allocation(one, parties, enterprises) for one in page.items],
                [one.key for one in page.items],
                has_next=page.has_next,
                after=after,
            )
            for settlement_id, page in pages.items()
        }

    def _entry_connections(
        self, pages: Mapping[int, Page[journal.Entry]], after: str | None
    ) -> Mapping[int, Connection[Entry]]:
        holders = {
            posting.account.party_id
            for page in pages.values()
            for entry in page.items
            for posting in entry.postings
        }
        parties = party_batch(self._desk, (party_id for party_id in holders if party_id is not None))
        return {
            settlement_id: connection(
                [_entry(one, parties) for one in page.items],
                [(one.entry,) for one in page.items],
                has_next=page.has_next,
                after=after,
            )
            for settlement_id, page in pages.items()
        }


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
    return [_allocation(record, parties, enterprises) for record in records]


def net_amounts(desk: Desk, records: Sequence[settlements.Allocation]) -> list[NetAmount]:
    """Allocations added up by party, book and commodity, in the order of book, commodity and party."""
    return _net_amounts(records, party_batch(desk, {record.party_id for record in records}))


def _net_amounts(records: Iterable[settlements.Allocation], parties: PartyBatch) -> list[NetAmount]:
    totals: defaultdict[tuple[Book, int, int], list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        total = totals[record.book, record.commodity_id, record.party_id]
        total[0] += record.amount_minor
        total[1] += record.routed_minor
    return [
        NetAmount(
            amount=amount_value(amount_minor, commodity_id, book),
            routed=amount_value(routed_minor, commodity_id, book),
            party_id=party_id,
            parties=parties,
        )
        for (book, commodity_id, party_id), (amount_minor, routed_minor) in sorted(totals.items())
    ]


def _allocation(
    record: settlements.Allocation, parties: PartyBatch, enterprises: EnterpriseBatch
) -> Allocation:
    return Allocation(
        cause=record.cause,
        clause=record.clause,
        quarter=record.quarter,
        record=record,
        amount=amount_value(record.amount_minor, record.commodity_id, record.book),
        routed=amount_value(record.routed_minor, record.commodity_id, record.book),
        parties=parties,
        enterprises=enterprises,
    )


def _entry(record: journal.Entry, parties: PartyBatch) -> Entry:
    return Entry(
        entry=record.entry,
        cause=record.cause,
        clause=record.clause,
        quarter=record.quarter,
        postings=[_posting(posting, parties) for posting in record.postings],
    )


def _posting(record: journal.Posting, parties: PartyBatch) -> Posting:
    account = record.account
    return Posting(
        account=account_node(account, parties),
        amount=amount_value(record.amount_minor, account.commodity_id, account.book),
    )


def _allocation_key(after: str | None) -> settlements.AllocationKey | None:
    return cast("settlements.AllocationKey | None", shaped_key(after, int, int, int, int, int, int))
