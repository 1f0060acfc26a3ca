"""Clearing that meets a redemption, a close or another clearing, in an exact order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from clearing_room import clear, open_clearing_room
from sqlalchemy import Connection
from voucher_room import HOME, VoucherRoom
from waiting import await_waiting

from ledger.desk.acts import Queue, queue_on
from ledger.desk.returns import queue_on_return
from ledger.desk.settlements import StaleSettlement
from ledger.periods import Quarter
from ledger_schema.sessions import Database

FIRST = Quarter(2024, 1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> VoucherRoom:
    return open_clearing_room(database)


def in_this_order(
    room: VoucherRoom, database_url: str, hold: Callable[[Connection], None], *acts: Callable[[], Any]
) -> list[Future[Any]]:
    """Starts the acts one after the other while ``hold`` keeps them all waiting, then lets them go."""
    with ThreadPoolExecutor(len(acts)) as executor:
        with room.database.writing() as connection:
            hold(connection)
            started: list[Future[Any]] = []
            for act in acts:
                started.append(executor.submit(act))
                await_waiting(database_url, len(started))
        for one in started:
            one.exception()
    return started


def hold_returns(room: VoucherRoom) -> Callable[[Connection], None]:
    """Keeps who clears waiting before it looks at the entries."""
    return lambda connection: queue_on_return(connection, room.agreement_id, "host", FIRST)


def test_a_claim_that_is_decided_while_the_quarter_is_cleared_is_taken_by_the_next_clearing(
    room: VoucherRoom, database_url: str
) -> None:
    voucher_id = room.issue(1, "60000.00")
    order_id = room.order(voucher_id, "60000.00")
    with ThreadPoolExecutor(1) as executor:
        with room.database.writing() as connection:
            queue_on(connection, Queue.VOUCHER, str(voucher_id))
            claiming = executor.submit(room.claim, order_id, "60000.00")
            await_waiting(database_url, 1)
            assert clear(room).entry_count == 0
        assert claiming.result().approved_minor == 6_000_000
    assert clear(room).entry_count == 1


def test_of_two_clearings_at_once_the_second_finds_nothing_left(room: VoucherRoom, database_url: str) -> None:
    room.redeem(1, "60000.00")
    first, second = in_this_order(
        room, database_url, hold_returns(room), lambda: clear(room), lambda: clear(room)
    )
    assert (first.result().entry_count, second.result().entry_count) == (1, 0)
    assert first.result().filing_ids == second.result().filing_ids


def test_a_claim_that_is_decided_while_clearing_waits_is_taken_with_it(
    room: VoucherRoom, database_url: str
) -> None:
    with ThreadPoolExecutor(1) as executor:
        with room.database.writing() as connection:
            hold_returns(room)(connection)
            clearing = executor.submit(clear, room)
            await_waiting(database_url, 1)
            room.redeem(1, "60000.00")
        assert clearing.result().entry_count == 1


def test_a_clearing_before_a_close_makes_the_close_stale(room: VoucherRoom, database_url: str) -> None:
    clear(room)
    computed = room.compute("2024Q1")
    room.redeem(1, "60000.00", at=HOME)
    cleared, closed = in_this_order(
        room, database_url, hold_returns(room), lambda: clear(room), lambda: room.close("2024Q1", computed)
    )
    assert cleared.result().entry_count == 1
    assert isinstance(closed.exception(), StaleSettlement)
