"""Sessions: how the house talks to PostgreSQL.

Everything runs as the role `parkledger_application`, which may read, and append to history, and nothing else.
The login that connects owns the tables; it is put aside as soon as it has connected, and only maintenance
(`owner`) keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Protocol, TypeAlias, TypeVar

import psycopg
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ledger.errors import LedgerError
from ledger_schema import deadlines
from ledger_schema.sight import EVERYTHING, Sight

APPLICATION_ROLE = "parkledger_application"
SEARCH_PATH = "pg_catalog, public, pg_temp"

# A statement made of many queries must see one state of the ledger.
READING_ISOLATION = "REPEATABLE READ"
# Writers wait for the row of their (agreement, quarter) and must then see what the one before them committed.
# A stricter level would go on showing them the state before the wait; the database refuses to close then.
WRITING_ISOLATION = "READ COMMITTED"

ATTEMPTS_MAX = 5
TRY_AGAIN = frozenset({"40001", "40P01"})
WAITED_IN_VAIN = "55P03"

# Statements about a few rows are planned anew each time otherwise, which costs more than running them.
PLANS_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"

POOL_SIZE = 10
POOL_OVERFLOW = 10
POOL_WAIT_SECONDS = 10
CONNECTION_AGE_SECONDS = 1800
# The longest that others may hold a row is a bulk attachment, some seconds for a national quarter.
LOCK_WAIT_SECONDS = 30
# A transaction that was forgotten must not hold a quarter open or keep old rows from being cleaned.
IDLE_TRANSACTION_SECONDS = 300

Result = TypeVar("Result")
# What goes wrong in a COPY comes from the driver itself, everything else through SQLAlchemy.
DatabaseFailure: TypeAlias = DBAPIError | psycopg.Error


class TooBusy(LedgerError):
    """Transactions got in each other's way more often than we try again, or held a row for too long."""

    code = "TOO_BUSY"
    sentence_en = "Other work got in the way for too long, and nothing was written. Please try again."
    sentence_zh = "其他操作占用时间过长，未写入任何数据，请稍后重试。"


class Database:
    """The pooled sessions of one database; ``sight`` is what their transactions see."""

    sight = EVERYTHING

    def __init__(self, url: str) -> None:
        self._owner = create_engine(url, poolclass=NullPool)
        self._engine = create_engine(
            url,
            isolation_level=WRITING_ISOLATION,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_recycle=CONNECTION_AGE_SECONDS,
            pool_pre_ping=True,
        )
        event.listen(self._engine, "connect", _become_application)
        deadlines.watch(self._engine)

    def seen_by(self, sight: Sight) -> Database:
        """The same sessions, but their transactions see what ``sight`` says."""
        other = copy(self)
        other.sight = sight
        return other

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One read-only transaction that sees one state of the ledger throughout."""
        with self._engine.connect() as connection:
            connection.execution_options(isolation_level=READING_ISOLATION, postgresql_readonly=True)
            with connection.begin():
                _tell(connection, self.sight)
                yield connection

    @contextmanager
    def writing(self, *more_settings: str) -> Iterator[Connection]:
        """One transaction: committed at the end, or rolled back where an exception leaves the block."""
        with self._engine.begin() as connection:
            _tell(connection, self.sight, *more_settings)
            yield connection

    def retrying(self, work: Callable[[Connection], Result], *more_settings: str) -> Result:
        """What `work` returns, done in one writing transaction; done again where another one got in its way.

        `work` may run up to ATTEMPTS_MAX times, so it must leave nothing behind but rows. `more_settings` are
        SET statements for the transaction. Raises TooBusy.
        """
        last: DatabaseFailure | None = None
        for _ in range(ATTEMPTS_MAX):
            try:
                with self.writing(*more_settings) as connection:
                    return work(connection)
            except (DBAPIError, psycopg.Error) as error:
                if sqlstate(error) == WAITED_IN_VAIN:
                    raise TooBusy from error
                if sqlstate(error) not in TRY_AGAIN:
                    raise
                last = error
        raise TooBusy from last

    @contextmanager
    def owner(self) -> Iterator[Connection]:
        """One transaction of the tables' owner: for maintenance only, and on a connection of its own."""
        with self._owner.begin() as connection:
            _tell(connection, EVERYTHING)
            yield connection

    def dispose(self) -> None:
        """Closes the connections of the pool."""
        self._engine.dispose()
        self._owner.dispose()


def sqlstate(error: DatabaseFailure) -> str | None:
    """The five characters by which PostgreSQL names what went wrong; None where the server said nothing."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def _tell(connection: Connection, sight: Sight, *more_settings: str) -> None:
    """Without a word to PostgreSQL beforehand a transaction sees nothing. SET takes no snapshot yet."""
    connection.exec_driver_sql("; ".join((sight.settings(), deadlines.setting(), *more_settings)))


class _DriverConnection(Protocol):
    def execute(self, query: str) -> object: ...
    def commit(self) -> None: ...


def _become_application(connection: _DriverConnection, _record: object) -> None:
    connection.execute(f"SET ROLE {APPLICATION_ROLE}")
    connection.execute(f"SET search_path = {SEARCH_PATH}")
    connection.execute("SET timezone = 'UTC'")
    connection.execute(f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")
    connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_SECONDS}s'")
    # Where PostgreSQL can compile queries, compiling takes longer than ours run: fsck twenty times as long.
    connection.execute("SET jit = off")
    # The pool rolls back what is open when a connection is handed in, and settings would go with it.
    connection.commit()
