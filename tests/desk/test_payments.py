"""Payments received: recorded once, matched to legs, never beyond what is open; waivers and interest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from typing import Any

import pytest
from desk_fixtures import Room, open_room, text
from payment_rooms import (
    PROCEDURE,
    RATE,
    TWO_ROUNDS,
    confirm,
    fen,
    leg_of,
    legs_of,
    pay,
    paying,
    payment_of,
    waive,
)
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk import payments
from ledger.desk.acts import Recorder, perform
from ledger.desk.agreements import KeyNotRegistered
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.payments import (
    ActSignatureWrong,
    LegState,
    LegUnsuited,
    MoreThanOpen,
    MoreThanPaid,
    NotLate,
    NotThePayee,
    PaymentDraft,
    PaymentLineKnown,
    Waiver,
)
from ledger.desk.payments.clearing import add_clearings, clearing_row, hold_legs
from ledger.evidence.signatures import new_private_key, public_key_of, sign
from ledger_schema.sessions import Database
from ledger_schema.tables import leg_clearing


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    """The host owes the origin 1,000.00 of the first quarter, due on 30 April, at 0.75% a month if late."""
    opened = open_room(database, paying(interest=RATE), procedure=PROCEDURE)
    opened.settle("2024Q1", "1000.00")
    return opened


def only_leg(room: Room) -> payments.Leg:
    (leg,) = legs_of(room)
    return leg


# --- matching ---------------------------------------------------------------------------------------------


def test_a_payment_that_names_a_leg_pays_it_at_once(room: Room) -> None:
    paid = pay(room, "1000.00", purpose=f"一季度分成 {only_leg(room).reference}")
    assert only_leg(room).state_on(date(2024, 4, 30)) == LegState.PAID
    assert payment_of(room, paid).rest_minor == 0
    (clearing,) = only_leg(room).clearings
    assert (clearing.payment_id, clearing.day) == (paid, date(2024, 4, 30))


def test_what_a_named_leg_does_not_take_stays_visible(room: Room) -> None:
    paid = pay(room, "1000.01", purpose=only_leg(room).reference)
    assert payment_of(room, paid).rest_minor == 1
    with room.database.reading() as connection:
        page = payments.payments(connection, room.party_id("origin"), only_unmatched=True)
    assert [one.payment_id for one in page.items] == [paid]


@pytest.mark.parametrize("purpose", ["", "PL-1", "PL-99999999999999999999", "{leg} PL-7", "{leg}0"])
def test_a_payment_that_names_no_one_leg_waits_for_the_payees_word(room: Room, purpose: str) -> None:
    leg = only_leg(room)
    paid = pay(room, "400.00", purpose=purpose.format(leg=leg.reference))
    assert payment_of(room, paid).rest_minor == fen("400.00")
    confirm(room, paid, (leg.leg_id, "400.00"))
    assert only_leg(room).state_on(date(2024, 4, 30)) == LegState.PARTLY_PAID
    assert text(only_leg(room).open_minor) == "600.00"


def test_a_leg_of_another_pair_is_not_paid_by_naming_it(room: Room) -> None:
    paid = pay(room, "10.00", payer="origin", purpose=only_leg(room).reference)
    assert payment_of(room, paid).rest_minor == fen("10.00")
    with pytest.raises(LegUnsuited):
        confirm(room, paid, (only_leg(room).leg_id, "10.00"), party="host")


def test_one_payment_pays_several_legs_in_parts(room: Room) -> None:
    room.settle("2024Q2", "500.00")
    first, second = legs_of(room)
    paid = pay(room, "1200.00")
    with room.database.reading() as connection:
        suggested = payments.suggested_matches(connection, payments.payment(connection, paid))
    assert [(one.leg_id, text(one.amount_minor)) for one in suggested] == [
        (first.leg_id, "1000.00"),
        (second.leg_id, "200.00"),
    ]
    confirm(room, paid, (first.leg_id, "1000.00"), (second.leg_id, "200.00"))
    assert [text(one.open_minor) for one in legs_of(room)] == ["0.00", "300.00"]


def test_a_leg_with_exactly_that_amount_open_is_suggested_before_one_that_is_due_first(room: Room) -> None:
    room.settle("2024Q2", "500.00")
    paid = pay(room, "500.00")
    with room.database.reading() as connection:
        suggested = payments.suggested_matches(connection, payments.payment(connection, paid))
    assert [one.leg_id for one in suggested] == [legs_of(room)[1].leg_id]


def test_only_the_payee_says_what_a_payment_is_for(room: Room) -> None:
    paid = pay(room, "400.00")
    with pytest.raises(NotThePayee):
        confirm(room, paid, (only_leg(room).leg_id, "400.00"), party="host")


def test_a_match_takes_neither_more_than_is_open_nor_more_than_was_paid(room: Room) -> None:
    leg_id = only_leg(room).leg_id
    with pytest.raises(MoreThanOpen):
        confirm(room, pay(room, "1200.00"), (leg_id, "1200.00"))
    with pytest.raises(MoreThanPaid):
        confirm(room, pay(room, "300.00"), (leg_id, "300.01"))
    assert only_leg(room).clearings == []


def test_a_match_names_each_leg_once_and_with_an_amount(room: Room) -> None:
    leg_id, paid = only_leg(room).leg_id, pay(room, "300.00")
    for matches in ((), ((leg_id, "1.00"), (leg_id, "1.00")), ((leg_id, "0.00"),)):
        with pytest.raises(RequestRefused, match="legs, each once"):
            confirm(room, paid, *matches)
    with pytest.raises(NotFound):
        confirm(room, paid, (7, "1.00"))


def test_a_line_of_an_account_is_recorded_once(room: Room) -> None:
    pay(room, "10.00", reference="20240430-1")
    with pytest.raises(PaymentLineKnown):
        pay(room, "10.00", reference="20240430-1")
    pay(room, "10.00", reference="20240430-2")


def test_every_fault_of_a_payment_is_told_at_once(room: Room) -> None:
    draft = PaymentDraft("cash", "A-1-HOST", "", "A-1-HOST", "", 0, date(2024, 4, 30), "\n")
    with pytest.raises(RequestRefused) as refused:
        payments.record_payment(room.database, room.act(), "", draft)
    assert [fault.path for fault in refused.value.faults] == [
        "person",
        "channel",
        "payer_account",
        "reference",
        "purpose",
        "amount",
        "payee",
    ]


def test_a_leg_of_the_year_end_form_is_settled_by_a_line_of_the_year_end_settlement(
    database: Database,
) -> None:
    room = open_room(database, paying(form="year_end"))
    room.settle("2024Q1", "10.00")
    by_bank = pay(room, "10.00", purpose=only_leg(room).reference)
    with pytest.raises(LegUnsuited):
        confirm(room, by_bank, (only_leg(room).leg_id, "10.00"))
    pay(room, "10.00", channel="year_end", purpose=only_leg(room).reference)
    assert only_leg(room).state_on(date(2024, 12, 31)) == LegState.PAID


# --- late -------------------------------------------------------------------------------------------------


def charge(room: Room, leg_id: int, day: str, *, party: str = "origin") -> int:
    return payments.charge_interest(
        room.database, room.act(), leg_id, room.roles[party], "李四", date.fromisoformat(day)
    ).value


def test_two_months_late_at_three_quarters_of_a_percent_is_fifteen_yuan(room: Room) -> None:
    leg = only_leg(room)
    interest = leg_of(room, charge(room, leg.leg_id, "2024-06-30"))
    assert text(interest.amount_minor) == "15.00"
    assert (interest.kind, interest.of_leg_id, interest.months) == ("interest", leg.leg_id, 2)
    assert interest.due_day is None


def test_no_month_is_charged_twice(room: Room) -> None:
    leg = only_leg(room)
    first = leg_of(room, charge(room, leg.leg_id, "2024-05-01"))
    assert text(first.amount_minor) == "7.50"
    with pytest.raises(NotLate):
        charge(room, leg.leg_id, "2024-05-30")
    assert text(leg_of(room, charge(room, leg.leg_id, "2024-06-30")).amount_minor) == "7.50"


def test_what_is_paid_in_part_bears_interest_on_the_rest_from_the_next_month(room: Room) -> None:
    leg = only_leg(room)
    pay(room, "400.00", day="2024-05-31", purpose=leg.reference)
    assert text(leg_of(room, leg.leg_id).interest_through(2)) == "15.00"
    pay(room, "300.00", day="2024-05-30", purpose=leg.reference)
    assert text(leg_of(room, leg.leg_id).interest_through(2)) == "12.75"


def test_what_is_paid_in_time_bears_none(room: Room) -> None:
    leg = only_leg(room)
    pay(room, "1000.00", day="2024-04-30", purpose=leg.reference)
    with pytest.raises(NotLate):
        charge(room, leg.leg_id, "2024-12-31")


def test_the_second_round_is_in_time_and_after_it_interest_counts_from_the_first_day(
    database: Database,
) -> None:
    room = open_room(database, paying(interest=RATE), procedure=TWO_ROUNDS)
    room.settle("2024Q1", "1000.00")
    leg = only_leg(room)
    with pytest.raises(NotLate):
        charge(room, leg.leg_id, "2024-05-30")
    pay(room, "600.00", day="2024-05-30", purpose=leg.reference)
    assert text(leg_of(room, charge(room, leg.leg_id, "2024-05-31")).amount_minor) == "6.00"


def test_only_the_payee_charges_interest(room: Room) -> None:
    with pytest.raises(NotThePayee):
        charge(room, only_leg(room).leg_id, "2024-06-30", party="host")


# --- waivers ----------------------------------------------------------------------------------------------


def test_the_payee_waives_a_part_and_then_the_interest(room: Room) -> None:
    leg = only_leg(room)
    interest = charge(room, leg.leg_id, "2024-06-30")
    waive(room, interest, "15.00")
    waive(room, leg.leg_id, "250.00")
    assert leg_of(room, interest).state_on(date(2024, 6, 30)) == LegState.WAIVED
    assert text(leg_of(room, leg.leg_id).open_minor) == "750.00"
    with pytest.raises(MoreThanOpen):
        waive(room, leg.leg_id, "750.01")


def test_a_waiver_needs_the_payees_key_and_the_bytes_as_they_stand(room: Room) -> None:
    leg = only_leg(room)
    waiver = Waiver(leg.leg_id, fen("10.00"), date(2024, 5, 10), "减免")
    with room.database.reading() as connection:
        content = payments.waiver_bytes(connection, waiver)
    stranger = new_private_key()
    with pytest.raises(KeyNotRegistered):
        payments.waive(room.database, room.act(), waiver, public_key_of(stranger), sign(stranger, content))
    with pytest.raises(KeyNotRegistered):
        payments.waive(
            room.database,
            room.act(),
            waiver,
            public_key_of(room.keys["host"]),
            sign(room.keys["host"], content),
        )
    pay(room, "1.00", purpose=leg.reference)
    key = room.keys["origin"]
    with pytest.raises(ActSignatureWrong):
        payments.waive(room.database, room.act(), waiver, public_key_of(key), sign(key, content))


# --- at once ----------------------------------------------------------------------------------------------


def test_the_second_of_two_payments_for_one_leg_at_once_pays_only_what_the_first_left(
    room: Room, database_url: str
) -> None:
    leg = only_leg(room)
    entered, released = Event(), Event()

    def hold(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        held = hold_legs(connection, [leg.leg_id])[leg.leg_id]
        entered.set()
        assert released.wait(WAIT_SECONDS)
        event_id = record("noted", {})
        add_clearings(connection, [clearing_row(held, "waiver", fen("700.00"), date(2024, 4, 30), event_id)])
        return {}

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(perform, room.database, room.act(), "hold", {}, hold)
        assert entered.wait(WAIT_SECONDS)
        second = pool.submit(pay, room, "1000.00", purpose=leg.reference)
        await_waiting(database_url, 1)
        released.set()
        first.result(WAIT_SECONDS)
        paid = second.result(WAIT_SECONDS)
    assert only_leg(room).open_minor == 0
    assert text(payment_of(room, paid).rest_minor) == "700.00"


def test_the_database_itself_refuses_to_clear_more_than_is_open(room: Room) -> None:
    leg = only_leg(room)
    pay(room, "600.00", purpose=leg.reference)
    too_much = {"sequence": 2, "amount_minor": fen("500.00"), "open_minor": 0}
    forgetful = {"sequence": 1, "amount_minor": fen("500.00"), "open_minor": fen("500.00")}
    skipping = {"sequence": 3, "amount_minor": fen("400.00"), "open_minor": 0}
    for row in (too_much, forgetful, skipping):
        with pytest.raises(IntegrityError):
            clear_without_asking(room, leg.leg_id, row)


def clear_without_asking(room: Room, leg_id: int, row: Mapping[str, int]) -> None:
    with room.database.writing() as connection:
        event_id = Recorder(connection, room.act())("noted", {})
        columns = {"leg_id": leg_id, "kind": "waiver", "day": date(2024, 4, 30), "event_id": event_id}
        connection.execute(insert(leg_clearing).values(columns | dict(row)))
