"""What a pairing says is owed is what the legs between the two say, however they were cleared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from desk_fixtures import Room, open_room
from payment_rooms import (
    PROCEDURE,
    RATE,
    beside,
    every_leg_between,
    fen,
    pay,
    paying,
    propose,
    sign_netting,
    waive,
)

from ledger.desk import pairings
from ledger.desk.pairings import Debt, Group
from ledger.desk.payments import charge_interest
from ledger.measures import YUAN
from ledger.periods import Quarter
from ledger_schema.sessions import Database

QUARTERS = (Quarter(2024, 1), Quarter(2025, 4))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def debts(room: Room, today: date) -> list[Debt]:
    groups = (Group("party", room.roles["origin"]), Group("party", room.roles["host"]))
    with room.database.reading() as connection:
        return pairings.pairing(connection, *groups, *QUARTERS, today).debts


def test_a_netting_a_payment_a_waiver_and_interest_are_told_apart_each_way(database: Database) -> None:
    room = open_room(database, paying(interest=RATE), procedure=PROCEDURE)
    room.settle("2024Q1", "1000.00")
    other = beside(room, "A-2", paying())
    other.settle("2024Q1", "400.00")
    netting = propose(room)
    for role in ("origin", "host"):
        sign_netting(room, netting, role)
    (net,) = (leg for leg in every_leg_between(room) if leg.kind == "net")
    pay(room, "100.00", purpose=net.reference)
    waive(room, net.leg_id, "30.00")
    charge_interest(room.database, room.act(), net.leg_id, room.roles["origin"], "李四", date(2024, 6, 30))
    room.settle("2024Q2", "50.00")
    legs = every_leg_between(room)
    (interest,) = (leg for leg in legs if leg.kind == "interest")
    day = date(2024, 7, 1)
    late = [leg for leg in legs if leg.overdue_after is not None and leg.overdue_after < day]
    assert {leg.kind for leg in late} == {"settlement", "net"}
    theirs, ours = debts(room, day)
    assert theirs == Debt(
        from_one=False,
        commodity_id=YUAN.commodity_id,
        raised_minor=fen("1050.00") + interest.amount_minor,
        paid_minor=fen("100.00"),
        waived_minor=fen("30.00"),
        open_minor=fen("520.00") + interest.amount_minor,
        overdue_minor=fen("470.00"),
    )
    assert ours == Debt(True, YUAN.commodity_id, fen("400.00"), 0, 0, 0, 0)
