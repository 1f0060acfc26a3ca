"""History: any figure and balance about a business period, as it was known at a moment.

A result becomes known when its quarter closes, and stays known until the quarter is reopened, if it ever is.
Nothing is ever changed, so the answer for an earlier moment stays the same for ever.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, func, select, true, tuple_

from ledger.desk import agreements
from ledger.desk.closings import is_of_closing, stood
from ledger.desk.lines import open_lines
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.settlements.journal import AccountKind
from ledger.desk.settlements.replays import BOOK_BY_ID, BOOK_IDS
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_schema.tables import account, account_balance, allocation, quarter_closing

BalanceKey = tuple[int, int]
"""Agreement and account: the order of a party's balances."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds, in minor units; ``party_id`` is None for a clause's source."""

    agreement_id: int
    account_id: int
    party_id: int | None
    kind: AccountKind
    clause: int
    book: Book
    commodity_id: int
    amount_minor: int

    @property
    def key(self) -> BalanceKey:
        return self.agreement_id, self.account_id


@dataclass(frozen=True, slots=True)
class Figure:
    """A party's result about a quarter with all true-ups known by then; ``routed_minor`` is part of it."""

    clause: int
    quarter: Quarter
    book: Book
    commodity_id: int
    party_id: int
    amount_minor: int
    routed_minor: int


def balances(
    connection: Connection,
    *,
    agreement_id: int | None = None,
    party_id: int | None = None,
    kind: AccountKind | None = None,
    book: Book | None = None,
    through: Quarter,
    known_at: datetime | None = None,
) -> list[Balance]:
    """Balances of entries about quarters up to ``through``, as known at a moment (None: now); zeros left out.

    Every agreement's balances add up to zero in each book and commodity where no filter but the agreement
    and the book is given.
    """
    held = _held(through, known_at)
    wanted = [
        true() if agreement_id is None else account.c.agreement_id == agreement_id,
        true() if party_id is None else account.c.party_id == party_id,
        true() if kind is None else account.c.kind == kind,
        true() if book is None else account.c.book_id == BOOK_IDS[book],
    ]
    rows = connection.execute(
        select(account, held.c.balance_minor)
        .join(held, true())
        .where(*wanted, held.c.balance_minor != 0)
        .order_by(account.c.agreement_id, account.c.clause, account.c.kind, account.c.account_id)
    )
    return [_balance(row) for row in rows]


def balances_page(
    connection: Connection,
    *,
    party_id: int,
    through: Quarter,
    known_at: datetime | None = None,
    after: BalanceKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Balance]:
    """A page of a party's ``balances``, by agreement and account, after the one with the key ``after``."""
    held = _held(through, known_at)
    key = (account.c.agreement_id, account.c.account_id)
    rows = connection.execute(
        select(account, held.c.balance_minor)
        .join(held, true())
        .where(
            account.c.party_id == party_id,
            held.c.balance_minor != 0,
            true() if after is None else tuple_(*key) > after,
        )
        .order_by(*key)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, _balance)


def _held(through: Quarter, known_at: datetime | None) -> FromClause:
    """What each account held at the last close by then, of entries about quarters up to ``through``.

    The row of the latest quarter, in its latest version: two steps down the key, however long the history.
    """
    closing = quarter_closing.alias()
    last = (
        select(func.max(closing.c.quarter))
        .where(closing.c.agreement_id == account.c.agreement_id, stood(known_at, closing))
        .correlate(account)
        .scalar_subquery()
    )
    carried = account_balance.c
    return (
        select(carried.balance_minor)
        .join(quarter_closing, is_of_closing(account_balance))
        .where(
            carried.agreement_id == account.c.agreement_id,
            carried.account_id == account.c.account_id,
            carried.quarter <= func.least(through.code, last),
            carried.booked_quarter <= last,
            stood(known_at),
        )
        .order_by(carried.quarter.desc(), carried.booked_quarter.desc())
        .limit(1)
        .lateral("held")
    )


def figure(
    connection: Connection,
    agreement_id: int,
    quarter: Quarter,
    *,
    clause: int | None = None,
    party_id: int | None = None,
    subject_id: int | None = None,
    book: Book | None = None,
    known_at: datetime | None = None,
) -> list[Figure]:
    """The results about ``quarter``, as known at a moment (None: now); zeros left out.

    Raises ``NotFound`` for an unknown agreement.
    """
    agreements.agreement(connection, agreement_id)
    amount, routed = func.sum(allocation.c.amount_minor), func.sum(allocation.c.routed_minor)
    about: list[ColumnElement[Any]] = [
        allocation.c.clause,
        allocation.c.quarter,
        allocation.c.book_id,
        allocation.c.commodity_id,
        allocation.c.party_id,
    ]
    totals: list[ColumnElement[Any]] = [amount.label("amount_minor"), routed.label("routed_minor")]
    wanted = [
        allocation.c.agreement_id == agreement_id,
        allocation.c.quarter == quarter.code,
        # What is about a quarter is booked in it or later, which spares reading earlier partitions.
        allocation.c.booked_quarter >= quarter.code,
        true() if clause is None else allocation.c.clause == clause,
        true() if party_id is None else allocation.c.party_id == party_id,
        true() if subject_id is None else allocation.c.subject_id == subject_id,
        true() if book is None else allocation.c.book_id == BOOK_IDS[book],
    ]
    # A sum over all enterprises is open to every side; what is of one is so only where its lines are.
    with open_lines(connection) if subject_id is None else nullcontext():
        rows = connection.execute(
            select(*about, *totals)
            .join(quarter_closing, is_of_closing(allocation))
            .where(*wanted, stood(known_at))
            .group_by(*about)
            .having((amount != 0) | (routed != 0))
            .order_by(*about)
        ).all()
    return [_figure(row) for row in rows]


def _balance(row: Row[Any]) -> Balance:
    return Balance(
        agreement_id=row.agreement_id,
        account_id=row.account_id,
        party_id=row.party_id,
        kind=row.kind,
        clause=row.clause,
        book=BOOK_BY_ID[row.book_id],
        commodity_id=row.commodity_id,
        amount_minor=int(row.balance_minor),
    )


def _figure(row: Row[Any]) -> Figure:
    return Figure(
        clause=row.clause,
        quarter=Quarter.from_code(row.quarter),
        book=BOOK_BY_ID[row.book_id],
        commodity_id=row.commodity_id,
        party_id=row.party_id,
        amount_minor=int(row.amount_minor),
        routed_minor=int(row.routed_minor),
    )
