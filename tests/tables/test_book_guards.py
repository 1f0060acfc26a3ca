"""What keeps the books of statistics apart in the database, whoever writes."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from ledger_schema import tables
from ledger_schema.refusals import Refusal
from tests.tables import booked_rows as rows

CHECK_BROKEN, FOREIGN_KEY_BROKEN = "23514", "23503"
OFFICIAL, ASSESSMENT = 2, 3
SOURCES = {OFFICIAL: 4, ASSESSMENT: 6}


@pytest.fixture(autouse=True)
def settled(connection: Connection) -> None:
    """A settlement without amounts, and accounts of both books: a source, and what the host is credited."""
    rows.agree(connection)
    rows.settle(connection, allocation_count=2)
    for book_id, source in SOURCES.items():
        rows.add(connection, tables.account, rows.account(1, source, "source", None, book_id))
        rows.add(connection, tables.account, rows.account(1, source + 1, "credited", 2, book_id))


def posting(number: int, amount_minor: int, book_id: int) -> rows.Row:
    return {**rows.posting(number, amount_minor), "book_id": book_id, "commodity_id": rows.OUTPUT}


def credit(book_id: int, amount_minor: int = 100) -> tuple[rows.Row, ...]:
    source = SOURCES[book_id]
    return posting(source, -amount_minor, book_id), posting(source + 1, amount_minor, book_id)


def test_an_entry_of_one_book_is_taken(connection: Connection) -> None:
    rows.add(connection, tables.posting, *credit(OFFICIAL))


def test_an_entry_in_both_books_is_refused_although_it_balances_in_each(connection: Connection) -> None:
    with rows.refused(connection, Refusal.BOOKS_MIXED):
        rows.add(connection, tables.posting, *credit(OFFICIAL), *credit(ASSESSMENT))


def test_a_quarter_does_not_close_with_an_entry_that_came_in_both_books_one_after_the_other(
    connection: Connection,
) -> None:
    for book_id in SOURCES:
        allocated = {**rows.allocation(2, 100), "book_id": book_id, "commodity_id": rows.OUTPUT}
        rows.add(connection, tables.allocation, allocated)
        rows.add(connection, tables.posting, *credit(book_id))
    with rows.refused(connection, Refusal.BOOKS_MIXED):
        rows.close(connection)


def test_an_account_of_one_book_takes_no_posting_of_the_other(connection: Connection) -> None:
    official, assessment = SOURCES[OFFICIAL], SOURCES[ASSESSMENT]
    crossed = (posting(official, -100, OFFICIAL), posting(assessment + 1, 100, OFFICIAL))
    with rows.refused(connection, FOREIGN_KEY_BROKEN):
        rows.add(connection, tables.posting, *crossed)


@pytest.mark.parametrize(("book_id", "commodity_id"), [(1, 101), (OFFICIAL, 1), (ASSESSMENT, 1)])
def test_money_is_in_the_cash_book_and_statistics_are_not(
    connection: Connection, book_id: int, commodity_id: int
) -> None:
    wrong = {**rows.account(1, 8, "source", None, book_id), "commodity_id": commodity_id}
    with rows.refused(connection, CHECK_BROKEN):
        rows.add(connection, tables.account, wrong)


@pytest.mark.parametrize("changed", [{"book_id": ASSESSMENT}, {"book_id": 1}, {"measure_id": 19}])
def test_a_plan_has_targets_for_statistics_of_the_official_book_only(
    connection: Connection, changed: dict[str, int]
) -> None:
    target = {
        "party_id": 1,
        "measure_id": 101,
        "year": 2025,
        "sequence": 1,
        "book_id": OFFICIAL,
        "amount_minor": 1,
        "source": "made up",
        "event_id": 1,
    }
    rows.add(connection, tables.indicator_target, target)
    with rows.refused(connection, CHECK_BROKEN):
        rows.add(connection, tables.indicator_target, {**target, "sequence": 2, **changed})
