"""Posting into a quarter while it closes cannot be lost.

Two real transactions in every order that matters. Nothing sleeps: the test goes on when PostgreSQL says who
waits for whom.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, text

from ledger_schema import tables
from ledger_schema.refusals import Refusal
from ledger_schema.sessions import Database
from tests.tables import booked_rows as rows
from tests.tables.interleaving import PATIENCE_SECONDS, in_background, process_of, refusal, wait_until_blocked


@pytest.fixture(autouse=True)
def settled(database: Database) -> None:
    with database.writing() as connection:
        rows.agree(connection)
        rows.settle(connection)
        rows.book_allocations_and_postings(connection)


def post_late(connection: Connection) -> None:
    """One more balanced pair in the settlement's entry, without the allocations that belong to it."""
    late = {**rows.posting(1, 5), "posting": 8}, {**rows.posting(0, -5), "posting": 9}
    rows.add(connection, tables.posting, *late)


def late_postings_and_state(database: Database) -> tuple[int, str]:
    with database.reading() as connection:
        late = connection.execute(text("SELECT count(*) FROM posting WHERE posting >= 8")).scalar_one()
        state = connection.execute(text("SELECT state FROM agreement_quarter")).scalar_one()
    return late, state


def test_a_closer_waits_for_the_poster_and_then_sees_what_was_posted(
    database: Database, background: ThreadPoolExecutor
) -> None:
    with database.writing() as poster:
        post_late(poster)
        outcome, closer = in_background(background, database, rows.close)
        wait_until_blocked(database, closer, by=process_of(poster))
    assert refusal(outcome) is Refusal.CLOSE_REFUSED
    assert late_postings_and_state(database) == (2, "open")


def test_a_closer_goes_on_when_the_poster_gives_up(
    database: Database, background: ThreadPoolExecutor
) -> None:
    with database.writing() as poster:
        post_late(poster)
        outcome, closer = in_background(background, database, rows.close)
        wait_until_blocked(database, closer, by=process_of(poster))
        poster.rollback()
        outcome.result(timeout=PATIENCE_SECONDS)
    assert late_postings_and_state(database) == (0, "closed")


def test_a_poster_waits_for_the_closer_and_is_then_refused(
    database: Database, background: ThreadPoolExecutor
) -> None:
    with database.writing() as closer:
        rows.close(closer)
        outcome, poster = in_background(background, database, post_late)
        wait_until_blocked(database, poster, by=process_of(closer))
    assert refusal(outcome) is Refusal.QUARTER_NOT_OPEN
    assert late_postings_and_state(database) == (0, "closed")


def test_a_poster_goes_on_when_the_closer_gives_up(
    database: Database, background: ThreadPoolExecutor
) -> None:
    with database.writing() as closer:
        rows.close(closer)
        outcome, poster = in_background(background, database, post_late)
        wait_until_blocked(database, poster, by=process_of(closer))
        closer.rollback()
        outcome.result(timeout=PATIENCE_SECONDS)
    assert late_postings_and_state(database) == (2, "open")


def test_two_posters_do_not_wait_for_each_other(database: Database) -> None:
    other = {**rows.posting(1, 5), "posting": 10}, {**rows.posting(0, -5), "posting": 11}
    with database.writing() as first, database.writing() as second:
        post_late(first)
        rows.add(second, tables.posting, *other)
    assert late_postings_and_state(database) == (4, "open")


def test_without_the_share_lock_the_posting_would_be_lost(database: Database) -> None:
    """The control: where the lock is missing the same interleaving goes wrong, so these tests can fail."""
    with database.owner() as connection:
        connection.execute(text("DROP TRIGGER booked_in_open_quarter ON posting"))
    with database.writing() as poster:
        post_late(poster)
        with database.writing() as closer:
            rows.close(closer)
    assert late_postings_and_state(database) == (2, "closed")
    with database.reading() as connection:
        fault = connection.execute(text("SELECT settlement_fault(1, 20243, 7)")).scalar_one()
    assert "more to party 1 than is posted" in fault


def test_a_quarter_is_not_closed_from_a_transaction_that_could_not_see_the_last_postings(
    database: Database,
) -> None:
    with database.writing() as closer:
        closer.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        with rows.refused(closer, Refusal.CLOSE_REFUSED):
            rows.close(closer)
    with database.writing() as closer:
        rows.close(closer)
    assert late_postings_and_state(database) == (0, "closed")
