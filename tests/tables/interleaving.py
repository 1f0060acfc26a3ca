"""Two real transactions in an exact order, without sleeping: PostgreSQL says who waits for whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ledger_schema.refusals import Refusal, refusal_of
from ledger_schema.sessions import Database

PATIENCE_SECONDS = 20


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


def wait_until_blocked(database: Database, waiting: int, by: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with database.owner() as connection:
        while True:
            blockers = connection.execute(text("SELECT pg_blocking_pids(:waiting)"), {"waiting": waiting})
            if by in blockers.scalar_one():
                return
            assert time.monotonic() < deadline, f"{waiting} never waited for {by}"


def refusal(outcome: Future[None]) -> Refusal | None:
    """The refusal that ended the work; fails where the work succeeded."""
    error = outcome.exception(timeout=PATIENCE_SECONDS)
    assert isinstance(error, DBAPIError)
    return refusal_of(error)
