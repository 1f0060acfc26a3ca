"""What the tables of the log refuse, whoever writes."""

from __future__ import annotations

from hashlib import sha256

import pytest
from sqlalchemy import Connection, insert

from ledger_schema import tables
from ledger_schema.refusals import Refusal
from tests.tables import booked_rows as rows

CHECK_BROKEN = "23514"
TAKEN = "23505"
EVENTS = range(1, 5)


def content(event_id: int) -> bytes:
    return f"event {event_id}".encode()


def leaf(number: int, event_id: int, *, completed: int = 0) -> rows.Row:
    own = sha256(b"\0" + content(event_id)).digest()
    return {"leaf_number": number, "event_id": event_id, "hashes": own + rows.HASH * completed}


@pytest.fixture(autouse=True)
def events(connection: Connection) -> None:
    connection.execute(
        insert(tables.event),
        [
            {
                "event_id": event_id,
                "kind": "test",
                "actor": "test",
                "canonical": content(event_id),
                "hash": sha256(content(event_id)).digest(),
            }
            for event_id in EVENTS
        ],
    )


def test_leaves_that_follow_each_other_are_taken(connection: Connection) -> None:
    rows.add(connection, tables.log_leaf, leaf(0, 1), leaf(1, 2, completed=1))
    rows.add(connection, tables.log_leaf, leaf(2, 4), leaf(3, 3, completed=2))


def test_a_gap_between_leaves_is_refused(connection: Connection) -> None:
    with rows.refused(connection, Refusal.GAP_IN_LOG):
        rows.add(connection, tables.log_leaf, leaf(0, 1), leaf(2, 2))
    with rows.refused(connection, Refusal.GAP_IN_LOG):
        rows.add(connection, tables.log_leaf, leaf(1, 2, completed=1))


def test_an_event_is_never_logged_twice(connection: Connection) -> None:
    rows.add(connection, tables.log_leaf, leaf(0, 1))
    with rows.refused(connection, TAKEN):
        rows.add(connection, tables.log_leaf, leaf(1, 1, completed=1))


@pytest.mark.parametrize(("number", "completed"), [(0, 1), (1, 0), (1, 2), (3, 1), (-1, 0)])
def test_a_leaf_holds_exactly_the_hashes_that_it_completes(
    connection: Connection, number: int, completed: int
) -> None:
    with rows.refused(connection, CHECK_BROKEN):
        rows.add(connection, tables.log_leaf, leaf(number, 1, completed=completed))
