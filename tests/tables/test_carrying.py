"""Closing a quarter carries what each account holds, in the closing transaction."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from ledger_schema import tables
from ledger_schema.sessions import Database
from tests.tables import booked_rows as rows
from tests.tables.interleaving import PATIENCE_SECONDS, in_background, process_of, wait_until_blocked


@pytest.fixture(autouse=True)
def settled(database: Database) -> None:
    with database.writing() as connection:
        rows.agree(connection)
        rows.settle(connection)


def held(database: Database) -> dict[int, int]:
    columns = tables.account_balance.c
    with database.reading() as connection:
        found = connection.execute(select(columns.account_id, columns.balance_minor)).all()
    return {row.account_id: int(row.balance_minor) for row in found}


def test_nothing_is_carried_before_the_close_or_by_one_that_is_undone(database: Database) -> None:
    with database.writing() as connection:
        rows.book_allocations_and_postings(connection)
    assert held(database) == {}
    with database.writing() as connection:
        rows.close(connection)
        connection.rollback()
    assert held(database) == {}


def test_what_was_posted_while_the_closer_waited_is_carried(
    database: Database, background: ThreadPoolExecutor
) -> None:
    with database.writing() as poster:
        rows.book_allocations_and_postings(poster)
        outcome, closer = in_background(background, database, rows.close)
        wait_until_blocked(database, closer, by=process_of(poster))
    outcome.result(timeout=PATIENCE_SECONDS)
    assert held(database) == {10: -100, 11: 60, 12: 40}
