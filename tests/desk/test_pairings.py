"""Pairings: what flowed and was credited between two groups is what their settlements say, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from desk_fixtures import Room, clause, open_room
from payment_rooms import PROCEDURE, beside, legs_of, pay, paying
from reconciliation_fixtures import HOST, ORIGIN, open_desk
from signing_room import open_signing_room

from ledger.desk import agreements, pairings, roster
from ledger.desk.acts import Act
from ledger.desk.agreements import AgreementDraft, SideDraft
from ledger.desk.agreements.reading import KINDS
from ledger.desk.pairings import Disputes, Group, GroupEmpty, Pairing
from ledger.evidence.signatures import new_private_key, public_key_of
from ledger.measures import YUAN
from ledger.periods import Quarter
from ledger.rules.terms import Book, Mechanism
from ledger_schema.sessions import Database

FIRST, LAST = Quarter(2024, 1), Quarter(2025, 4)
TODAY = date(2024, 9, 1)
OUTPUT = clause(
    2,
    mechanism="output_value",
    measures=("industrial_output",),
    to_whom={"regime": "full_to_each", "key": [{"shares": {"origin": "1", "host": "1"}}]},
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def between(room: Room, one: str = "origin", other: str = "host", today: date = TODAY) -> Pairing:
    groups = (Group("party", room.roles[one]), Group("party", room.roles[other]))
    with room.database.reading() as connection:
        return pairings.pairing(connection, *groups, FIRST, LAST, today)


def placed(database: Database, code: str, province: str, region: str) -> None:
    draft = roster.PartyDraft(code, "zone", code, "made up", None, province, province, region)
    roster.register_party(database, Act(f"register-{code}"), draft)


def test_a_pairing_shows_what_every_quarter_made_due_and_credited_by_book(database: Database) -> None:
    room = open_room(database, clause(), OUTPUT)
    figures = {("retained_tax", "2024Q1"): "100.00", ("industrial_output", "2024Q1"): "900.00"}
    room.hand_in_figures("2024Q1", figures)
    room.close("2024Q1", room.compute("2024Q1"))
    found = between(room)
    assert [(str(one.quarter), one.mechanism, one.from_one, one.amount_minor) for one in found.flows] == [
        ("2024Q1", Mechanism.TAX, False, 50_00)
    ]
    assert {(one.book, one.to_one, one.amount_minor) for one in found.credits} == {
        (Book.OFFICIAL, False, 900_00),
        (Book.ASSESSMENT, True, 900_00),
        (Book.ASSESSMENT, False, 900_00),
    }
    assert found.kinds == {"enclave": 1}
    turned = between(room, "host", "origin")
    assert [(one.from_one, one.amount_minor) for one in turned.flows] == [(True, 50_00)]


def test_what_a_reopened_quarter_had_made_due_is_taken_back(database: Database) -> None:
    room = open_signing_room(database)
    room.settle_signed("2024Q1", "100.00")
    room.reopen("2024Q1")
    assert between(room).flows == []
    room.settle_signed("2024Q1", "120.00")
    assert [one.amount_minor for one in between(room).flows] == [60_00]


def test_what_is_open_after_its_day_is_overdue_until_it_is_paid(database: Database) -> None:
    room = open_room(database, paying(), procedure=PROCEDURE)
    room.settle("2024Q1", "1000.00")
    (leg,) = legs_of(room)
    pay(room, "100.00", purpose=leg.reference)
    (debt,) = between(room).debts
    assert (debt.raised_minor, debt.paid_minor) == (leg.amount_minor, 100_00)
    assert debt.open_minor == debt.overdue_minor == leg.amount_minor - 100_00
    assert leg.overdue_after is not None
    (in_time,) = between(room, today=leg.overdue_after).debts
    assert in_time.overdue_minor == 0


def test_disputes_are_counted_until_they_end(database: Database) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    assert between(desk.room).disputes == Disputes(1, 0)
    offer = desk.propose(number, ORIGIN, "140.00")
    assert offer
    desk.accept(number, HOST)
    assert between(desk.room).disputes == Disputes(0, 1)


def test_parties_without_an_agreement_have_nothing_between_them(database: Database) -> None:
    room = open_room(database)
    placed(database, "ALONE", "110000", "East")
    groups = Group("party", "ALONE"), Group("party", room.roles["host"])
    with database.reading() as connection:
        found = pairings.pairing(connection, *groups, FIRST, LAST, TODAY)
    assert (found.agreement_ids, found.flows, found.debts) == ([], [], [])
    with database.reading() as connection, pytest.raises(GroupEmpty):
        pairings.pairing(connection, Group("province", "999999"), groups[0], FIRST, LAST, TODAY)


@pytest.fixture
def nation(database: Database) -> Room:
    """A western zone that owes an eastern and a northern one."""
    for code, province, region in (("W", "530000", "West"), ("E", "310000", "East"), ("N", "110000", "East")):
        placed(database, code, province, region)
    room = open_placed(database, "W-E", {"origin": "E", "host": "W"})
    room.settle("2024Q1", "100.00")
    room.settle("2024Q2", "300.00")
    open_placed(database, "W-N", {"origin": "N", "host": "W"}).settle("2024Q1", "10.00")
    return room


def open_placed(database: Database, code: str, roles: dict[str, str], kind: str = "enclave") -> Room:
    """An agreement of parties that are registered already."""
    room = Room(database, code=code, roles=roles)
    for role, party in roles.items():
        room.keys[role] = new_private_key()
        roster.register_key(database, room.act(), party, public_key_of(room.keys[role]), "test key")
    sides = [SideDraft(role, party, signs=True) for role, party in roles.items()]
    terms = room.terms((clause(),), "2024Q1")
    draft = AgreementDraft(code, kind, "协议", "Agreement", "made up", "all of it", sides, terms)
    room.agreement_id = agreements.draft_agreement(database, room.act(), draft).value
    room.bring_into_force(1)
    return room


@pytest.mark.usefixtures("nation")
def test_a_matrix_adds_up_by_province_by_region_and_by_north_and_south(database: Database) -> None:
    with database.reading() as connection:
        by = {
            grouping: {
                (one.payer, one.payee): one.amount_minor
                for one in pairings.matrix(connection, grouping, FIRST, LAST)
            }
            for grouping in ("province", "region", "half")
        }
        first_quarter = pairings.matrix(connection, "province", FIRST, FIRST)
    assert by["province"] == {("530000", "310000"): 200_00, ("530000", "110000"): 5_00}
    assert by["region"] == {("West", "East"): 205_00}
    assert by["half"] == {("South", "South"): 200_00, ("South", "North"): 5_00}
    assert sum(one.amount_minor for one in first_quarter) == 55_00


@pytest.mark.usefixtures("nation")
def test_a_ranking_counts_agreements_and_what_went_in_and_out(database: Database) -> None:
    with database.reading() as connection:
        ranked = pairings.ranking(connection, "province", FIRST, LAST, TODAY, 40)
        first = pairings.ranking(connection, "party", FIRST, LAST, TODAY, 1)
    assert [(one.place, one.key, one.agreement_count) for one in ranked] == [
        (1, "530000", 2),
        (2, "310000", 1),
        (3, "110000", 1),
    ]
    assert [(one.paid_minor, one.received_minor) for one in ranked] == [
        (205_00, 0),
        (0, 200_00),
        (0, 5_00),
    ]
    assert [one.key for one in first] == ["W"]


@pytest.mark.usefixtures("nation")
def test_a_trend_is_of_the_nation_or_between_two_groups(database: Database) -> None:
    west, north = Group("region", "West"), Group("half", "North")
    with database.reading() as connection:
        nation = pairings.trend(connection, FIRST, LAST)
        northwards = pairings.trend(connection, FIRST, LAST, (west, north))
    assert [(one.year, one.mechanism, one.amount_minor) for one in nation] == [(2024, Mechanism.TAX, 205_00)]
    assert [one.amount_minor for one in northwards] == [5_00]


def test_what_a_ranking_calls_overdue_is_what_the_pairings_call_so(database: Database) -> None:
    room = open_room(database, paying(), procedure=PROCEDURE)
    room.settle("2024Q1", "1000.00")
    beside(room, "A-2", paying()).settle("2024Q1", "500.00")
    (leg, *_) = legs_of(room)
    pay(room, "100.00", purpose=leg.reference)
    with database.reading() as connection:
        ranked = pairings.ranking(connection, "party", FIRST, LAST, date(2025, 9, 1), 40)
    debts = between(room, today=date(2025, 9, 1)).debts
    assert sum(one.overdue_minor for one in ranked) == sum(debt.overdue_minor for debt in debts) > 0


CAP = {
    "amount": "100.00",
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}


def test_what_is_left_under_a_cap_is_told_for_all_subjects_together(database: Database) -> None:
    room = open_room(database, clause(within={"caps": [CAP]}))
    with database.reading() as connection:
        assert pairings.rooms_left(connection, [room.agreement_id]) == {room.agreement_id: []}
    room.settle("2024Q1", "60.00")
    with database.reading() as connection:
        (left,) = pairings.rooms_left(connection, [room.agreement_id])[room.agreement_id]
    assert (left.clause, str(left.as_of), left.used_up_count) == (1, "2024Q1", 0)
    assert left.under_caps_minor == 70_00
    room.settle("2024Q2", "500.00")
    with database.reading() as connection:
        (left,) = pairings.rooms_left(connection, [room.agreement_id])[room.agreement_id]
    assert left.under_caps_minor == 0
    assert left.used_up_count == 1


CARRIERS = [kind for kind in KINDS if kind != "voucher_recognition"]


@pytest.mark.parametrize("kind", CARRIERS)
def test_each_carrier_goes_from_signed_terms_to_the_pairing_s_figures(database: Database, kind: str) -> None:
    for code, province, region in (("W", "530000", "West"), ("E", "310000", "East")):
        placed(database, code, province, region)
    room = open_placed(database, f"CARRIER-{kind}".replace("_", "-"), {"origin": "E", "host": "W"}, kind)
    room.settle("2024Q1", "100.00")
    found = between(room)
    assert found.kinds == {kind: 1}
    assert [(one.commodity_id, one.amount_minor) for one in found.flows] == [(YUAN.commodity_id, 50_00)]
    with database.reading() as connection:
        east_west = pairings.matrix(connection, "region", FIRST, LAST)
    assert [(one.payer, one.payee, one.amount_minor) for one in east_west] == [("West", "East", 50_00)]
