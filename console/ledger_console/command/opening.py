"""Opening the ledger: its database server, its tables, its sessions.

Commands may run at the same time on one embedded server. Each holds a shared lock on ``server.users`` in the
home while it needs the server; the last one out stops the server, if a command started it. The file's content
says so, and outlives a command that was killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ledger.desk.roster import load_roster
from ledger_console.command import interrupts
from ledger_console.command.failures import DatabaseNotMigrated, ServerShared
from ledger_schema import migrate, server
from ledger_schema.sessions import Database

USERS_FILE = "server.users"
STARTED_BY_COMMAND = b"started by parkledger\n"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is; ``port`` only where it is the embedded server's, ``started_here`` likewise."""

    url: str
    port: int | None = None
    started_here: bool = False


def home() -> Path:
    """The folder of everything that the command keeps."""
    return server.default_home()


@contextmanager
def database_server() -> Iterator[Address]:
    """The server that DATABASE_URL names, else the embedded one, which is started if need be.

    Raises ``ServerError``.
    """
    with interrupts.as_exceptions(), _server() as address:
        yield address


@contextmanager
def ledger() -> Iterator[Database]:
    """The ledger, ready to work with. Raises ``ServerError``, ``DatabaseNotMigrated``."""
    with database_server() as address:
        require_migrated(address.url)
        with sessions(address.url) as database:
            yield database


@contextmanager
def sessions(url: str) -> Iterator[Database]:
    """The sessions of one database, closed at the end."""
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


def bring_up_to_date(url: str) -> None:
    """Migrates the tables, and registers the national zones: the roster comes with the product."""
    migrate.upgrade(url)
    with sessions(url) as database:
        load_roster(database)


def require_migrated(url: str) -> None:
    """Raises ``DatabaseNotMigrated`` unless the tables are those of this program."""
    current, latest = migrate.current(url), migrate.latest()
    if current != latest:
        raise DatabaseNotMigrated(current=current or "—", latest=latest)


def stop_server() -> bool:
    """Stops the embedded server; False if none ran. Raises ``ServerShared`` while others use it."""
    folder = home()
    if server.status(folder) is None:
        return False
    with _users(folder) as users:
        if not _is_last(users):
            raise ServerShared(home=folder)
        _stop(folder, users)
    return True


@contextmanager
def _server() -> Iterator[Address]:
    given = os.environ.get("DATABASE_URL")
    if not given:
        with _embedded_server(home()) as address:
            yield address
        return
    url = server.normalise_url(given)
    server.check_version(url)
    yield Address(url)


@contextmanager
def _embedded_server(folder: Path) -> Iterator[Address]:
    server.make_home(folder)
    with _users(folder) as users:
        try:
            with interrupts.held_back():
                started = _start(folder, users)
            yield Address(started.url, started.port, started.started_here)
        finally:
            with suppress(KeyboardInterrupt), interrupts.held_back():
                _leave(folder, users)


def _start(folder: Path, users: int) -> server.Server:
    started = server.start(folder)
    if started.started_here:
        os.pwrite(users, STARTED_BY_COMMAND, 0)
    return started


def _leave(folder: Path, users: int) -> None:
    if _is_last(users) and os.pread(users, len(STARTED_BY_COMMAND), 0) == STARTED_BY_COMMAND:
        _stop(folder, users)


def _stop(folder: Path, users: int) -> None:
    server.stop(folder)
    os.ftruncate(users, 0)


@contextmanager
def _users(folder: Path) -> Iterator[int]:
    """The open file of the server's users, share-locked; who is about to stop the server makes us wait."""
    descriptor = os.open(folder / USERS_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_last(users: int) -> bool:
    """Whether nobody else uses the server. Our own lock becomes exclusive, or is lost."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
