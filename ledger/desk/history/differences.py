"""What made an answer differ between two moments, cause by cause, adding up exactly.

Nothing is ever changed, so an answer can differ for two reasons alone: settlements that closed their quarter
in between, and settlements whose quarter was reopened in between, which is taken back. Every settlement
gives each of its causes its own exact part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from ledger.desk import agreements
from ledger.desk.closings import is_of_closing, stood
from ledger.desk.lines import open_lines
from ledger.desk.postings import is_of_entry
from ledger.desk.settlements.grounds import grounds
from ledger.desk.settlements.journal import Account, account_of
from ledger.desk.settlements.reading import settlements_by_id
from ledger.desk.settlements.replays import BOOK_BY_ID, Cause
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_schema.tables import account, allocation, journal_entry, posting, quarter_closing

Change = TypeVar("Change")


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause of a settlement that came, or went as its quarter was reopened, between the two moments.

    ``event_id`` is the act behind it: of the cause, or the reopening. None where nobody acted.
    """

    settlement_id: int
    booked_quarter: Quarter
    cause: Cause
    is_reopened: bool
    event_id: int | None


@dataclass(frozen=True, slots=True)
class FigureChange:
    """What a reason changed of a party's result about a quarter; ``routed_minor`` is part of the amount."""

    reason: Reason
    clause: int
    book: Book
    commodity_id: int
    party_id: int
    amount_minor: int
    routed_minor: int


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """What a reason changed of an account."""

    reason: Reason
    account: Account
    amount_minor: int


def figures_between(
    connection: Connection, agreement_id: int, quarter: Quarter, known_from: datetime, known_to: datetime
) -> list[FigureChange]:
    """What changed the results about ``quarter``.

    Adds up exactly to ``history.figure`` at the second moment less that at the first. Raises ``NotFound``.
    """
    columns = allocation.c
    about = (columns.clause, columns.book_id, columns.commodity_id, columns.party_id)
    amount, routed = func.sum(columns.amount_minor), func.sum(columns.routed_minor)
    booked = (columns.booked_quarter, columns.settlement_id, columns.cause)
    wanted = (
        columns.agreement_id == agreement_id,
        columns.quarter == quarter.code,
        # What is about a quarter is booked in it or later, which spares reading earlier partitions.
        columns.booked_quarter >= quarter.code,
    )
    went = stood(known_from).label("went")
    with open_lines(connection):
        rows = connection.execute(
            select(*booked, *about, amount.label("amount_minor"), routed.label("routed_minor"), went)
            .join(quarter_closing, is_of_closing(allocation))
            .where(*wanted, stood(known_from) != stood(known_to))
            .group_by(*booked, *about, went)
            .having((amount != 0) | (routed != 0))
            .order_by(*booked, *about)
        ).all()

    def change(row: Row[Any], reason: Reason, sign: int) -> FigureChange:
        return FigureChange(
            reason,
            row.clause,
            BOOK_BY_ID[row.book_id],
            row.commodity_id,
            row.party_id,
            sign * int(row.amount_minor),
            sign * int(row.routed_minor),
        )

    return _changes(connection, agreement_id, rows, change, is_forwards=known_from <= known_to)


def balances_between(
    connection: Connection, agreement_id: int, through: Quarter, known_from: datetime, known_to: datetime
) -> list[BalanceChange]:
    """What changed the balances of entries about quarters up to ``through``.

    Adds up exactly to ``history.balances`` at the second moment less that at the first. Raises ``NotFound``.
    """
    wanted = journal_entry.c.quarter <= through.code
    return _postings_between(connection, agreement_id, wanted, known_from, known_to)


def statement_between(
    connection: Connection, agreement_id: int, quarter: Quarter, known_from: datetime, known_to: datetime
) -> list[BalanceChange]:
    """What changed the totals of the statement of ``quarter``: the parties' accounts alone, no source.

    Adds up exactly to the totals at the second moment less those at the first; there were none while the
    quarter wasn't closed. Raises ``NotFound``.
    """
    wanted = and_(posting.c.booked_quarter == quarter.code, account.c.party_id.is_not(None))
    return _postings_between(connection, agreement_id, wanted, known_from, known_to)


def _postings_between(
    connection: Connection,
    agreement_id: int,
    wanted: ColumnElement[bool],
    known_from: datetime,
    known_to: datetime,
) -> list[BalanceChange]:
    amount = func.sum(posting.c.amount_minor)
    booked = (posting.c.booked_quarter, posting.c.settlement_id, journal_entry.c.cause)
    went = stood(known_from).label("went")
    rows = connection.execute(
        select(*booked, account, amount.label("amount_minor"), went)
        .select_from(posting)
        .join(journal_entry, is_of_entry())
        .join(account, account.c.account_id == posting.c.account_id)
        .join(quarter_closing, is_of_closing(posting))
        .where(posting.c.agreement_id == agreement_id, wanted, stood(known_from) != stood(known_to))
        .group_by(*booked, account.c.account_id, went)
        .having(amount != 0)
        .order_by(*booked, account.c.clause, account.c.kind, account.c.account_id)
    ).all()

    def change(row: Row[Any], reason: Reason, sign: int) -> BalanceChange:
        return BalanceChange(reason, account_of(row), sign * int(row.amount_minor))

    return _changes(connection, agreement_id, rows, change, is_forwards=known_from <= known_to)


def _changes(
    connection: Connection,
    agreement_id: int,
    rows: Sequence[Row[Any]],
    change: Callable[[Row[Any], Reason, int], Change],
    *,
    is_forwards: bool,
) -> list[Change]:
    """Each row's change with its reason; a row that ``went`` is taken away."""
    agreements.agreement(connection, agreement_id)
    settled = settlements_by_id(connection, agreement_id, [row.settlement_id for row in rows])
    acts = grounds(connection, agreement_id, settled.values())

    def reason(row: Row[Any]) -> Reason:
        one = settled[row.settlement_id]
        cause = next(each for each in one.causes if each.cause == row.cause)
        is_reopened = row.went == is_forwards
        event_id = acts.reopened[one.settlement_id] if is_reopened else acts.of(one, cause)
        return Reason(one.settlement_id, one.booked_quarter, cause, is_reopened, event_id)

    return [change(row, reason(row), -1 if row.went else 1) for row in rows]
