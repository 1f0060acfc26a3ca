"""What waits in voucher programmes, as a party finds it on a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from clearing_room import clear, open_clearing_room
from desk_fixtures import open_room
from voucher_room import HOME, PROVIDER_ZONE, VoucherRoom

from ledger.desk import vouchers
from ledger.periods import Quarter
from ledger_schema.sessions import Database

IN_TIME, AFTER = date(2024, 3, 5), date(2024, 4, 1)
FIRST = Quarter(2024, 1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def waiting(room: VoucherRoom, day: date, role: str = HOME) -> list[tuple[str, int, Quarter | None]]:
    with room.database.reading() as connection:
        found = vouchers.waiting(connection, room.party_id(role), day)
    return [(one.kind, one.count, one.quarter) for one in found]


def test_claims_that_were_drawn_wait_for_their_audit_and_then_for_the_decision(database: Database) -> None:
    room = open_clearing_room(database, decided="together", audit={"share": "1", "flagged": False})
    claim = room.redeem(1, "60000.00")
    assert waiting(room, IN_TIME) == [("audit", 1, None)]
    room.audit(claim.claim_id, "50000.00")
    assert waiting(room, IN_TIME) == [("decide", 1, None)]
    assert waiting(room, date(2024, 2, 29)) == []


def test_vouchers_wait_before_their_last_day_to_be_used_and_after_it_to_be_ended(database: Database) -> None:
    room = open_clearing_room(database)
    room.issue(1, "60000.00")
    assert waiting(room, date(2024, 11, 30)) == []
    assert waiting(room, date(2024, 12, 1)) == [("expiring", 1, None)]
    assert waiting(room, date(2024, 12, 31)) == [("expiring", 1, None)]
    assert waiting(room, date(2025, 1, 1)) == [("expired", 1, None)]
    vouchers.expire(database, room.act(), room.programme, date(2025, 1, 1))
    assert waiting(room, date(2025, 1, 1)) == []


@pytest.mark.parametrize("role", [HOME, PROVIDER_ZONE])
def test_entries_wait_to_be_cleared_once_their_quarter_is_over(database: Database, role: str) -> None:
    room = open_clearing_room(database)
    room.redeem(1, "60000.00")
    assert waiting(room, date(2024, 3, 31), role) == []
    assert waiting(room, AFTER, role) == [("clear", 1, FIRST)]
    clear(room)
    assert waiting(room, AFTER, role) == []


def test_a_party_of_other_agreements_sees_nothing(database: Database) -> None:
    room = open_clearing_room(database)
    room.redeem(1, "60000.00")
    other = open_room(database, code="A-9")
    with database.reading() as connection:
        assert vouchers.waiting(connection, other.party_id(HOME), AFTER) == []
