"""Two real transactions in an exact order, without sleeping: PostgreSQL says who waits for whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ledger_schema.refusals import Refusal, refusal_of
from ledger_schema.sessions import Database

PATIENCE_SECONDS = 60


def in_background(
    executor: ThreadPoolExecutor, database: Database, work: Callable[[Connection], None]
) -> tuple[Future[None], int]:
    """Starts `work` in a transaction of its own; returns what comes of it and its process in PostgreSQL."""
    process: Future[int] = Future()

    def run() -> None:
        with database.writing() as connection:
            process.set_result(process_of(connection))
            work(connection)

    outcome = executor.submit(run)
    return outcome, process.result(timeout=PATIENCE_SECONDS)


def process_of(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def wait_until_blocked(database: Database, waiting: int | None, by: int) -> None:
    """Returns once the process `waiting` (None: any) waits for the process `by`.

    Asks pg_locks: a transaction sees pg_stat_activity as it first found it, without who connects later.
    """
    blocked = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = coalesce(:waiting, pid) "
        "AND :by = ANY (pg_blocking_pids(pid)))"
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    with database.owner() as connection:
        while not connection.execute(blocked, {"waiting": waiting, "by": by}).scalar_one():
            assert time.monotonic() < deadline, f"{waiting or 'nobody'} never waited for {by}"


def refusal(outcome: Future[None]) -> Refusal | None:
    """The refusal that ended the work; fails where the work succeeded."""
    error = outcome.exception(timeout=PATIENCE_SECONDS)
    assert isinstance(error, DBAPIError)
    return refusal_of(error)
