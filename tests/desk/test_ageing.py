"""Arrears on a day: by pair and agreement, by how long they are overdue, with interest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from desk_fixtures import Room, open_room, text
from payment_rooms import PROCEDURE, RATE, legs_of, pay, paying

from ledger.desk import payments
from ledger.desk.payments import Arrears, LegFilter
from ledger_schema.sessions import Database

DUE = date(2024, 4, 30)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    """The host owes the origin 1,000.00, due on 30 April at 0.75% a month if late."""
    opened = open_room(database, paying(interest=RATE), procedure=PROCEDURE)
    opened.settle("2024Q1", "1000.00")
    return opened


def arrears(room: Room, day: date, role: str = "origin") -> list[Arrears]:
    with room.database.reading() as connection:
        return payments.arrears(connection, day, LegFilter(party_id=room.party_id(role)))


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (0, "not_due"),
        (1, "days_1_30"),
        (30, "days_1_30"),
        (31, "days_31_60"),
        (61, "days_61_90"),
        (91, "days_91_180"),
        (180, "days_91_180"),
        (181, "days_over_180"),
    ],
)
def test_what_is_open_is_aged_by_the_days_that_it_is_overdue(room: Room, days: int, bucket: str) -> None:
    (one,) = arrears(room, DUE + timedelta(days=days))
    assert {name: text(amount) for name, amount in one.open_minor.items() if amount} == {bucket: "1000.00"}
    assert text(one.overdue_minor) == ("0.00" if bucket == "not_due" else "1000.00")


def test_both_sides_see_the_same_arrears(room: Room) -> None:
    day = date(2024, 6, 30)
    assert arrears(room, day, "origin") == arrears(room, day, "host")
    (one,) = arrears(room, day)
    assert one.key[:2] == (room.party_id("host"), room.party_id("origin"))
    assert text(one.interest_minor) == "15.00"


def test_interest_that_was_charged_is_open_and_not_counted_again(room: Room) -> None:
    (leg,) = legs_of(room)
    payments.charge_interest(
        room.database, room.act(), leg.leg_id, room.roles["origin"], "李四", date(2024, 5, 31)
    )
    (one,) = arrears(room, date(2024, 6, 30))
    assert text(one.interest_minor) == "0.00"
    assert text(one.open_minor["not_due"]) == "15.00"
    assert text(one.open_minor["days_61_90"]) == "1000.00"


def test_arrears_of_an_earlier_day_do_not_know_what_was_paid_later(room: Room) -> None:
    pay(room, "1000.00", day="2024-06-10", purpose=legs_of(room)[0].reference)
    (before,) = arrears(room, date(2024, 6, 9))
    (after,) = arrears(room, date(2024, 6, 10))
    assert text(before.open_minor["days_31_60"]) == "1000.00"
    assert (after.overdue_minor, text(after.interest_minor)) == (0, "15.00")
