"""No statement begins after the deadline, and none runs beyond it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from ledger_schema import deadlines
from ledger_schema.deadlines import OutOfTime
from ledger_schema.sessions import Database


@pytest.fixture
def database(shared_database_url: str) -> Iterator[Database]:
    database = Database(shared_database_url)
    yield database
    database.dispose()


def test_a_statement_that_runs_beyond_the_deadline_is_stopped(database: Database) -> None:
    with pytest.raises(OutOfTime), deadlines.within(0.2), database.reading() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))


def test_no_statement_begins_after_the_deadline(database: Database) -> None:
    with deadlines.within(60), database.reading() as connection:
        connection.execute(text("SELECT 1"))
        with deadlines.within(-1), pytest.raises(OutOfTime):
            connection.execute(text("SELECT 1"))


def test_a_change_that_runs_out_of_time_is_stopped_and_its_connection_stays_usable(
    database: Database,
) -> None:
    statement = text("SELECT set_config('parkledger.party_ids', '{1}', true), pg_sleep(60)")
    with pytest.raises(OutOfTime), deadlines.within(0.2):
        database.retrying(lambda connection: connection.execute(statement))
    with database.writing() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "0"


def test_work_without_a_deadline_takes_as_long_as_it_takes(database: Database) -> None:
    with deadlines.within(0.01):
        pass
    with database.reading() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "0"


def test_the_next_transaction_of_a_connection_has_no_deadline_left(database: Database) -> None:
    with deadlines.within(60), database.reading() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() != "0"
    with database.reading() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "0"
