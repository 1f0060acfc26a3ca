"""What parties are credited with, by agreement and quarter: a type for each book, and no way to add across.

Only closed quarters count. A figure is about the quarter it was reported for, with all true-ups since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, true

from ledger.desk.closings import is_of_closing, stood
from ledger.desk.postings import is_of_entry
from ledger.desk.settlements.replays import BOOK_IDS
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_schema.tables import account, journal_entry, posting, quarter_closing


class BooksMixed(LedgerError):
    """Figures of the official and the assessment book were to be added up."""

    code = "BOOKS_MIXED"
    sentence_en = (
        "Expected figures of one book, but got some of the official and some of the assessment book. "
        "Ask for each book by itself."
    )
    sentence_zh = "只能合计同一账簿的数据，实际同时含有在地统计账与考核账。请分账簿查询。"


@dataclass(frozen=True, slots=True)
class Credit:
    """What an agreement credits a party with, about a quarter, in minor units of the commodity."""

    agreement_id: int
    party_id: int
    quarter: Quarter
    commodity_id: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OfficialCredit(Credit):
    """In place: of every figure 100% is credited, once."""

    book: ClassVar[Book] = Book.OFFICIAL


@dataclass(frozen=True, slots=True)
class AssessmentCredit(Credit):
    """By agreement: perhaps in full to each side. Never published."""

    book: ClassVar[Book] = Book.ASSESSMENT


Key = TypeVar("Key", bound=Hashable)
OneBook = TypeVar("OneBook", OfficialCredit, AssessmentCredit)


def official_credits(
    connection: Connection,
    *,
    first: Quarter,
    last: Quarter,
    party_ids: Collection[int] | None = None,
    agreement_ids: Collection[int] | None = None,
    known_at: datetime | None = None,
) -> list[OfficialCredit]:
    """Credits in the official book about the quarters, as known at a moment (None: now)."""
    rows = _rows(connection, Book.OFFICIAL, first, last, party_ids, agreement_ids, known_at)
    return [OfficialCredit(*fields) for fields in _fields(rows)]


def assessment_credits(
    connection: Connection,
    *,
    first: Quarter,
    last: Quarter,
    party_ids: Collection[int] | None = None,
    agreement_ids: Collection[int] | None = None,
    known_at: datetime | None = None,
) -> list[AssessmentCredit]:
    """Credits in the assessment book about the quarters, as known at a moment (None: now)."""
    rows = _rows(connection, Book.ASSESSMENT, first, last, party_ids, agreement_ids, known_at)
    return [AssessmentCredit(*fields) for fields in _fields(rows)]


def added(credits: Iterable[OneBook], key: Callable[[OneBook], Key]) -> dict[tuple[int, Key], int]:
    """Sums by commodity and ``key``. Raises ``BooksMixed``, which the types refuse beforehand."""
    sums: defaultdict[tuple[int, Key], int] = defaultdict(int)
    books = set()
    for credit in credits:
        books.add(credit.book)
        sums[credit.commodity_id, key(credit)] += credit.amount_minor
    if len(books) > 1:
        raise BooksMixed
    return dict(sums)


def _rows(
    connection: Connection,
    book: Book,
    first: Quarter,
    last: Quarter,
    party_ids: Collection[int] | None,
    agreement_ids: Collection[int] | None,
    known_at: datetime | None,
) -> Iterable[Row[Any]]:
    about = (posting.c.agreement_id, account.c.party_id, journal_entry.c.quarter, account.c.commodity_id)
    amount = func.sum(posting.c.amount_minor)
    of_account = and_(
        account.c.agreement_id == posting.c.agreement_id, account.c.account_id == posting.c.account_id
    )
    return connection.execute(
        select(*about, amount.label("amount_minor"))
        .select_from(posting)
        .join(journal_entry, is_of_entry())
        .join(account, of_account)
        .join(quarter_closing, is_of_closing(posting))
        .where(
            account.c.kind == "credited",
            account.c.book_id == BOOK_IDS[book],
            journal_entry.c.quarter.between(first.code, last.code),
            # What is about a quarter is booked in it or later, which spares reading earlier partitions.
            posting.c.booked_quarter >= first.code,
            _among(account.c.party_id, party_ids),
            _among(posting.c.agreement_id, agreement_ids),
            stood(known_at),
        )
        .group_by(*about)
        .having(amount != 0)
        .order_by(*about)
    )


def _among(column: Any, ids: Collection[int] | None) -> ColumnElement[bool]:
    return true() if ids is None else column == func.any(sorted(set(ids)))


def _fields(rows: Iterable[Row[Any]]) -> Iterator[tuple[int, int, Quarter, int, int]]:
    for row in rows:
        quarter = Quarter.from_code(row.quarter)
        yield row.agreement_id, row.party_id, quarter, row.commodity_id, int(row.amount_minor)
