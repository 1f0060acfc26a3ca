"""Exact interleavings: an act is let go only once the server says that the others wait for a lock."""

from __future__ import annotations

import time

import psycopg

WAIT_SECONDS = 60
WAITING = """
    SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE NOT granted AND datname = current_database()
"""


def await_waiting(database_url: str, count: int) -> None:
    """Returns once ``count`` sessions of the database wait for a lock."""
    deadline = time.monotonic() + WAIT_SECONDS
    address = database_url.replace("+psycopg", "", 1)
    with psycopg.connect(address, autocommit=True) as connection:
        while connection.execute(WAITING).fetchone() != (count,):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} sessions did not wait within {WAIT_SECONDS} seconds")
