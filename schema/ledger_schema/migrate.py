"""Migrations, run from Python: the same in a checkout and in an installed wheel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

# One run at a time in a database; the others wait, and then find nothing left to do.
ADVISORY_LOCK = 7_265_000
WAIT_SECONDS = 600
LOCK_WAIT_SECONDS = 20


def upgrade(url: str, revision: str = "head") -> None:
    """Migrates the database at `url` up to `revision`.

    Every migration is one transaction: it happens whole or not at all. Any number of processes may call this
    at once (but not two threads of one process for two databases: Alembic keeps one environment a process).
    Raises sqlalchemy.exc.DBAPIError.
    """
    with _exclusive_connection(url) as connection:
        command.upgrade(_configuration(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrates the database at `url` down to `revision` (`base`: nothing left), losing what was stored."""
    with _exclusive_connection(url) as connection:
        command.downgrade(_configuration(connection), revision)


def current(url: str) -> str | None:
    """The revision of the database at `url`; None where nothing was migrated yet."""
    with _connection(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def latest() -> str | None:
    """The revision that ``upgrade`` leads to."""
    return ScriptDirectory(str(script_location())).get_current_head()


def script_location() -> Path:
    """The folder of the migrations: beside the packages in a checkout, inside this one in a wheel."""
    here = Path(__file__).resolve().parent
    packed = here / "_alembic"
    return packed if packed.exists() else here.parents[1] / "alembic"


def _configuration(connection: Connection) -> Config:
    configuration = Config()
    # Alembic reads this through a template language in which a percent sign has a meaning.
    configuration.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    return configuration


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


@contextmanager
def _exclusive_connection(url: str) -> Iterator[Connection]:
    """A connection that holds the advisory lock until it is closed.

    Waiting for another run may take long, so the short limit on locks is set only after it: a migration that
    waits for a table makes everybody queue behind it.
    """
    with _connection(url) as connection:
        connection.execute(text(f"SET statement_timeout = '{WAIT_SECONDS}s'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'"))
        # A key is checked against the rows that the migration sees, so it must see all of them.
        connection.execute(text("SET parkledger.sees_everything = 'on'"))
        connection.commit()
        yield connection
