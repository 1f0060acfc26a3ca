"""Databases for tests.

One PostgreSQL serves the whole run, all workers included: the server that DATABASE_URL names, else a private
one in a temporary folder (in memory where there is room) that goes away with the run. A template database is
migrated once; a test's database is a copy of it.

    database_url         a database of the test's own, dropped afterwards: for tests that commit
    furnished_database   what that one is a copy of: empty, or what a module made for its tests to begin with
    module_database_url  one per module: for what is made once and then only looked at
    shared_database_url  one per worker: for tests that roll back or only read
    server_url           the maintenance database: for tests that make databases themselves
"""

from __future__ import annotations

import fcntl
import gc
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, event

from ledger_schema import server

HOME_VARIABLE = "PARKLEDGER_TEST_HOME"
NAME_START = "parkledger_test_"
MEMORY_FOLDER = Path("/dev/shm")
MEMORY_NEEDED_BYTES = 2 * 1024**3
RUN_LOCK = pytest.StashKey[TextIO]()
TEMPLATE_LOCK = 7_265_001
SETTINGS_FOR_TESTS = {
    # Nobody needs a test's data after a loss of power.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "log_min_duration_statement": "-1",
}


class CompiledStatements(dict[Any, Any]):
    """What SQLAlchemy compiled for one database of the run, for all of them: they differ in nothing else.

    A key begins with the dialect, of which every engine has its own.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


COMPILED_STATEMENTS = CompiledStatements()


@event.listens_for(Engine, "engine_connect")
def share_compiled_statements(connection: Connection) -> None:
    connection.execution_options(compiled_cache=COMPILED_STATEMENTS)


def pytest_configure(config: pytest.Config) -> None:
    """Names the run's folder; workers inherit the name and so share one server."""
    if hasattr(config, "workerinput"):
        return
    folder = _folder_of_runs()
    _clear_killed_runs(folder)
    home = folder / f"{NAME_START}{secrets.token_hex(4)}"
    os.environ[HOME_VARIABLE] = str(home)
    config.stash[RUN_LOCK] = home.with_suffix(".lock").open("w")
    fcntl.flock(config.stash[RUN_LOCK], fcntl.LOCK_EX)


def pytest_collection_finish() -> None:
    """Thousands of tests and the libraries stay until the end: collecting garbage needn't go through them."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that named the run outlives its workers, even crashed ones, so it clears up after them."""
    if hasattr(config, "workerinput"):
        return
    given = os.environ.get("DATABASE_URL")
    if given:
        _drop_databases(_maintenance(given))
    _clear_run(_run_home())
    config.stash[RUN_LOCK].close()


@pytest.fixture(scope="session")
def server_url() -> str:
    """The maintenance database of the run's server, as `postgresql+psycopg://...`."""
    given = os.environ.get("DATABASE_URL")
    if given:
        return server.normalise_url(given)
    return _with_database(server.start(_run_home(), SETTINGS_FOR_TESTS).url, "postgres")


@pytest.fixture(scope="session")
def template_database(server_url: str) -> str:
    """The name of the migrated database that tests copy."""
    template = f"{_prefix()}template"
    with psycopg.connect(_maintenance(server_url), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        if not _exists(connection, template):
            _make_template(connection, server_url, template)
    return template


@pytest.fixture(scope="module")
def furnished_database(template_database: str) -> str:
    """The name of the database that tests begin with; nobody may be connected to it."""
    return template_database


@pytest.fixture
def database_url(server_url: str, furnished_database: str) -> Iterator[str]:
    """A migrated database of this test's own, as `postgresql+psycopg://...`."""
    name = f"{_prefix()}{secrets.token_hex(6)}"
    _copy_database(server_url, furnished_database, name)
    yield _with_database(server_url, name)
    _drop_database(server_url, name)


@pytest.fixture(scope="module")
def module_database_url(server_url: str, template_database: str) -> Iterator[str]:
    """A migrated database for the tests of one module, filled once: for tests that need it only to begin."""
    name = f"{_prefix()}{secrets.token_hex(6)}"
    _copy_database(server_url, template_database, name)
    yield _with_database(server_url, name)
    _drop_database(server_url, name)


@pytest.fixture(scope="session")
def shared_database_url(server_url: str, template_database: str, worker_name: str) -> Iterator[str]:
    """A migrated database that the tests of one worker share; leave it as you found it."""
    name = f"{_prefix()}shared_{worker_name}"
    _copy_database(server_url, template_database, name)
    yield _with_database(server_url, name)
    _drop_database(server_url, name)


@pytest.fixture(scope="session")
def worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def _folder_of_runs() -> Path:
    """Memory where there is plenty: copying a database takes 10 ms there and up to 500 ms on a slow disk."""
    if os.access(MEMORY_FOLDER, os.W_OK) and shutil.disk_usage(MEMORY_FOLDER).free > MEMORY_NEEDED_BYTES:
        return MEMORY_FOLDER
    return Path(tempfile.gettempdir())


def _clear_killed_runs(folder: Path) -> None:
    """A run holds its lock as long as it lives; a folder whose lock is free is left from a killed one."""
    for path in folder.glob(f"{NAME_START}*.lock"):
        with suppress(OSError), path.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear_run(path.with_suffix(""))


def _clear_run(home: Path) -> None:
    server.stop(home)
    shutil.rmtree(home, ignore_errors=True)
    home.with_suffix(".lock").unlink(missing_ok=True)


def _run_home() -> Path:
    return Path(os.environ[HOME_VARIABLE])


def _prefix() -> str:
    return f"{_run_home().name}_"


def _maintenance(url: str) -> str:
    return server.normalise_url(url).replace("+psycopg", "", 1)


def _with_database(url: str, name: str) -> str:
    address, question_mark, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{question_mark}{options}"


def _exists(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _make_template(
    connection: psycopg.Connection[tuple[object, ...]], server_url: str, template: str
) -> None:
    """Migrates under another name first: only a finished template bears the name that tests look for."""
    from ledger_schema.migrate import upgrade

    unfinished = f"{template}_unfinished"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(unfinished)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    upgrade(_with_database(server_url, unfinished))
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(template))
    )


def _copy_database(server_url: str, template: str, name: str) -> None:
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    # Copying files forces a checkpoint, which is cheap on our own server and rude on somebody else's.
    strategy = sql.SQL("" if os.environ.get("DATABASE_URL") else " STRATEGY file_copy")
    with psycopg.connect(_maintenance(server_url), autocommit=True) as connection:
        connection.execute(copy + strategy)


def _drop_database(server_url: str, name: str) -> None:
    with psycopg.connect(_maintenance(server_url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_databases(maintenance: str) -> None:
    with psycopg.connect(maintenance, autocommit=True) as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_prefix()]
        ).fetchall()
    for (name,) in names:
        _drop_database(maintenance, name)
