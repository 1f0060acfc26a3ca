"""The journal: every result as a double entry, balanced by itself in each book and commodity.

For each cause, clause, quarter and book there is one entry. What is divided comes out of the clause's
*source* account (negative) and arrives in the parties' accounts:

    due       payable to the party: at once, or at the final quarter
    accrued   provisional only, until the final quarter moves it to due
    fund      what the routing sends on, on the fund's party
    credited  statistics, which nobody pays

With ``full_to_each`` the source gives what all parties are credited with together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from ledger.desk.copying import copy_rows
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.settlements.replays import BOOK_BY_ID, BOOK_IDS, Effect, Slot
from ledger.errors import InvariantBroken
from ledger.periods import Quarter
from ledger.rules.facts import Version
from ledger.rules.plain import clause_at
from ledger.rules.terms import Book
from ledger_schema.ids import new_id
from ledger_schema.tables import account, agreement_quarter, journal_entry, posting

AccountKind = Literal["source", "due", "accrued", "fund", "credited"]


class AccountKey(NamedTuple):
    """What makes an account one of its own within an agreement; the source has no party."""

    clause: int
    kind: AccountKind
    book: Book
    commodity_id: int
    party_id: int | None


class EntryKey(NamedTuple):
    """One entry of a settlement."""

    cause: int
    clause: int
    quarter: Quarter
    book: Book


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """A balanced entry before it is booked; ``quarter`` is the one it is about."""

    cause: int
    clause: int
    quarter: Quarter
    postings: Mapping[AccountKey, int]


@dataclass(frozen=True, slots=True)
class Account:
    account_id: int
    party_id: int | None
    kind: AccountKind
    clause: int
    book: Book
    commodity_id: int


@dataclass(frozen=True, slots=True)
class Posting:
    account: Account
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A booked entry; its postings add up to zero in each commodity."""

    entry: int
    cause: int
    clause: int
    quarter: Quarter
    postings: list[Posting]


# --- drafting ---------------------------------------------------------------------------------------------


def entries_of(effects: Sequence[Effect], versions: Sequence[Version], *, is_final: bool) -> list[EntryDraft]:
    """The entries of every cause's change, in the order of causes, clauses, quarters and books."""
    drafts: defaultdict[EntryKey, defaultdict[AccountKey, int]] = defaultdict(lambda: defaultdict(int))
    for effect in effects:
        for slot, amount_minor in effect.change.amounts.items():
            postings = drafts[_entry_key(effect, slot)]
            postings[_source(slot)] -= amount_minor
            postings[_receiving(slot, versions, is_final=is_final)] += amount_minor
        for (slot, fund_party_id), routed_minor in effect.change.routed.items():
            postings = drafts[_entry_key(effect, slot)]
            postings[_receiving(slot, versions, is_final=is_final)] -= routed_minor
            postings[AccountKey(slot.clause, "fund", slot.book, slot.commodity_id, fund_party_id)] += (
                routed_minor
            )
    return [_draft(key, postings) for key, postings in sorted(drafts.items()) if any(postings.values())]


def maturing_entries(accrued: Mapping[AccountKey, int], cause: int, quarter: Quarter) -> list[EntryDraft]:
    """At the final quarter, what had only accrued becomes due: one entry for each clause."""
    drafts: defaultdict[int, dict[AccountKey, int]] = defaultdict(dict)
    for key, amount_minor in accrued.items():
        drafts[key.clause][key] = -amount_minor
        drafts[key.clause][key._replace(kind="due")] = amount_minor
    return [
        _draft(EntryKey(cause, clause, quarter, Book.CASH), postings)
        for clause, postings in sorted(drafts.items())
    ]


def _entry_key(effect: Effect, slot: Slot) -> EntryKey:
    return EntryKey(effect.cause.cause, slot.clause, slot.quarter, slot.book)


def _source(slot: Slot) -> AccountKey:
    return AccountKey(slot.clause, "source", slot.book, slot.commodity_id, None)


def _receiving(slot: Slot, versions: Sequence[Version], *, is_final: bool) -> AccountKey:
    return AccountKey(
        slot.clause,
        _receiving_kind(slot, versions, is_final=is_final),
        slot.book,
        slot.commodity_id,
        slot.party_id,
    )


def _receiving_kind(slot: Slot, versions: Sequence[Version], *, is_final: bool) -> AccountKind:
    if slot.book is not Book.CASH:
        return "credited"
    accrues = clause_at(versions, slot.clause, slot.quarter).then.provisional == "accrue"
    return "accrued" if accrues and not is_final else "due"


def _draft(key: EntryKey, postings: Mapping[AccountKey, int]) -> EntryDraft:
    """Raises ``InvariantBroken`` where the postings don't balance in each commodity."""
    balances: defaultdict[int, int] = defaultdict(int)
    for account_key, amount_minor in postings.items():
        balances[account_key.commodity_id] += amount_minor
    if any(balances.values()):
        raise InvariantBroken(detail=f"an entry of clause {key.clause} for {key.quarter} doesn't balance")
    booked = {name: postings[name] for name in sorted(postings, key=_account_order) if postings[name]}
    return EntryDraft(key.cause, key.clause, key.quarter, booked)


def _account_order(key: AccountKey) -> tuple[bool, str, str, int, int]:
    return key.kind != "source", key.kind, key.book, key.commodity_id, key.party_id or 0


# --- booking ----------------------------------------------------------------------------------------------


def book_entries(
    connection: Connection,
    agreement_id: int,
    quarter: Quarter,
    settlement_id: int,
    drafts: Sequence[EntryDraft],
) -> None:
    """Write the entries and their postings, making accounts that don't exist yet."""
    accounts = _accounts_for(connection, agreement_id, {key for draft in drafts for key in draft.postings})
    of_settlement = (agreement_id, quarter.code, settlement_id)
    copy_rows(
        connection,
        journal_entry,
        ("agreement_id", "booked_quarter", "settlement_id", "entry", "cause", "clause", "quarter"),
        (
            (*of_settlement, number, draft.cause, draft.clause, draft.quarter.code)
            for number, draft in enumerate(drafts, start=1)
        ),
    )
    copy_rows(
        connection,
        posting,
        (
            "agreement_id",
            "booked_quarter",
            "settlement_id",
            "entry",
            "posting",
            "account_id",
            "book_id",
            "commodity_id",
            "amount_minor",
        ),
        (
            (*of_settlement, number, place, accounts[key], BOOK_IDS[key.book], key.commodity_id, amount_minor)
            for number, draft in enumerate(drafts, start=1)
            for place, (key, amount_minor) in enumerate(draft.postings.items(), start=1)
        ),
    )


def _accounts_for(connection: Connection, agreement_id: int, keys: set[AccountKey]) -> dict[AccountKey, int]:
    """The accounts of ``keys``, made where missing, always in one order so that nobody waits in a circle."""
    if not keys:
        return {}
    rows = [
        _account_row(agreement_id, key)
        for key in sorted(keys, key=lambda key: (key.clause, *_account_order(key)))
    ]
    connection.execute(insert(account).on_conflict_do_nothing(), rows)
    stored = connection.execute(select(account).where(account.c.agreement_id == agreement_id))
    found = {account_key(row_account): row_account.account_id for row_account in map(account_of, stored)}
    return {key: found[key] for key in keys}


def _account_row(agreement_id: int, key: AccountKey) -> dict[str, object]:
    return {
        "account_id": new_id(),
        "agreement_id": agreement_id,
        "party_id": key.party_id,
        "kind": key.kind,
        "clause": key.clause,
        "book_id": BOOK_IDS[key.book],
        "commodity_id": key.commodity_id,
    }


# --- reading ----------------------------------------------------------------------------------------------


def closed_by(
    agreement_id: ColumnElement[int], booked_quarter: ColumnElement[int], settlement_id: ColumnElement[int]
) -> ColumnElement[bool]:
    """Join condition: the settlement is the one that closed its quarter."""
    return and_(
        agreement_quarter.c.agreement_id == agreement_id,
        agreement_quarter.c.quarter == booked_quarter,
        agreement_quarter.c.settlement_id == settlement_id,
    )


def accrued_balances(
    connection: Connection, agreement_ids: Sequence[int]
) -> dict[int, dict[AccountKey, int]]:
    """By agreement, what closed settlements let accrue and no final quarter has made due yet."""
    total = func.sum(posting.c.amount_minor)
    rows = connection.execute(
        select(account, total.label("balance_minor"))
        .select_from(posting)
        .join(
            agreement_quarter,
            closed_by(posting.c.agreement_id, posting.c.booked_quarter, posting.c.settlement_id),
        )
        .join(account, account.c.account_id == posting.c.account_id)
        .where(posting.c.agreement_id == func.any(agreement_ids), account.c.kind == "accrued")
        .group_by(account.c.account_id)
        .having(total != 0)
    )
    found: defaultdict[int, dict[AccountKey, int]] = defaultdict(dict)
    for row in rows:
        found[row.agreement_id][account_key(account_of(row))] = int(row.balance_minor)
    return found


def entries(connection: Connection, agreement_id: int, settlement_id: int) -> list[Entry]:
    """The entries of a settlement in order; an empty list where there are none."""
    columns = journal_entry.c
    heads = connection.execute(
        select(journal_entry)
        .where(columns.agreement_id == agreement_id, columns.settlement_id == settlement_id)
        .order_by(columns.entry)
    ).all()
    postings = _postings(connection, heads)
    return [_entry(head, postings) for head in heads]


def entry_pages(
    connection: Connection,
    agreement_id: int,
    settlement_ids: Sequence[int],
    *,
    after: int | None = None,
    limit: int = PAGE_LIMIT,
) -> dict[int, Page[Entry]]:
    """The same page of each settlement's entries in order, after the entry number ``after``.

    Entries are numbered from 1 without gaps.
    """
    columns, first = journal_entry.c, (after or 0) + 1
    heads = connection.execute(
        select(journal_entry)
        .where(
            columns.agreement_id == agreement_id,
            columns.settlement_id == func.any(list(settlement_ids)),
            columns.entry.between(first, first + rows_to_read(limit) - 1),
        )
        .order_by(columns.settlement_id, columns.entry)
    ).all()
    postings = _postings(connection, heads)
    found: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for head in heads:
        found[head.settlement_id].append(head)
    return {one: page_of(found[one], limit, lambda head: _entry(head, postings)) for one in settlement_ids}


def _entry(head: Row[Any], postings: Mapping[tuple[int, int], list[Posting]]) -> Entry:
    legs = postings[head.settlement_id, head.entry]
    return Entry(head.entry, head.cause, head.clause, Quarter.from_code(head.quarter), legs)


def _postings(connection: Connection, heads: Sequence[Row[Any]]) -> dict[tuple[int, int], list[Posting]]:
    """The postings of entries, by settlement and entry. The entries of each settlement are consecutive."""
    if not heads:
        return {}
    numbers = [head.entry for head in heads]
    settlements = {(head.agreement_id, head.booked_quarter, head.settlement_id) for head in heads}
    rows = connection.execute(
        select(posting.c.settlement_id, posting.c.entry, posting.c.amount_minor, account)
        .join(account, account.c.account_id == posting.c.account_id)
        .where(
            tuple_(posting.c.agreement_id, posting.c.booked_quarter, posting.c.settlement_id).in_(
                sorted(settlements)
            ),
            posting.c.entry.between(min(numbers), max(numbers)),
        )
        .order_by(posting.c.settlement_id, posting.c.entry, posting.c.posting)
    )
    found: defaultdict[tuple[int, int], list[Posting]] = defaultdict(list)
    for row in rows:
        found[row.settlement_id, row.entry].append(Posting(account_of(row), row.amount_minor))
    return found


def balances_of(postings: Iterable[Posting]) -> dict[Account, int]:
    """The postings added up by account."""
    totals: defaultdict[Account, int] = defaultdict(int)
    for one in postings:
        totals[one.account] += one.amount_minor
    return dict(totals)


def account_key(stored: Account) -> AccountKey:
    """What makes the account the one it is within its agreement."""
    return AccountKey(stored.clause, stored.kind, stored.book, stored.commodity_id, stored.party_id)


def account_of(row: Row[Any]) -> Account:
    """The account in a row that holds the account table's columns."""
    return Account(
        row.account_id, row.party_id, row.kind, row.clause, BOOK_BY_ID[row.book_id], row.commodity_id
    )
