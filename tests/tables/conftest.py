"""Sessions for the tests of the tables, all with the application's role."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from ledger_schema.sessions import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of the test's own: what it commits goes away with it."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def shared_database(shared_database_url: str) -> Iterator[Database]:
    """A database that the tests of one worker share: only for what is rolled back."""
    database = Database(shared_database_url)
    yield database
    database.dispose()


@pytest.fixture
def connection(shared_database: Database) -> Iterator[Connection]:
    """A writing transaction that is rolled back after the test."""
    with shared_database.writing() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def owner(shared_database: Database) -> Iterator[Connection]:
    """A transaction of the tables' owner that is rolled back after the test."""
    with shared_database.owner() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    """One thread for the transaction that has to wait."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield executor
