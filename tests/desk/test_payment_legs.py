"""Legs: raised at close from what is due, split and dated as the terms say, with negative amounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from desk_fixtures import Room, clause, open_room, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_rooms import (
    PROCEDURE,
    TWO_ROUNDS,
    leg_of,
    legs_of,
    owed_by_the_journal,
    pay,
    paying,
    waive,
)
from sqlalchemy import func, select

from ledger.desk import payments
from ledger.desk.payments import LegState
from ledger.desk.payments.payables import PayableKey, payables_of
from ledger.periods import Quarter
from ledger.rules.terms import Then
from ledger_schema.sessions import Database
from ledger_schema.tables import payable

ROLES_WITH_FUND = ("origin", "host", "fund")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def raised(room: Room) -> list[tuple[str, str, str]]:
    """Payer, payee and amount of every leg, by role."""
    roles = {room.party_id(role): role for role in room.roles}
    return [
        (roles[one.payer_party_id], roles[one.payee_party_id], text(one.amount_minor))
        for one in legs_of(room)
    ]


def test_closing_a_quarter_raises_a_leg_from_the_payer_to_each_other_party(database: Database) -> None:
    room = open_room(database, clause(), procedure=PROCEDURE)
    room.settle("2024Q1", "100.01")
    (leg,) = legs_of(room)
    assert raised(room) == [("host", "origin", "50.00")]
    assert (leg.clause, leg.due_day, leg.second_day) == (1, date(2024, 4, 30), None)
    assert leg.form == "direct"


def test_computing_a_settlement_raises_nothing(database: Database) -> None:
    room = open_room(database)
    room.hand_in("2024Q1", "100.00")
    room.compute("2024Q1")
    assert legs_of(room) == []


def test_what_only_accrues_is_raised_by_the_final_settlement(database: Database) -> None:
    room = open_room(database, paying(provisional="accrue"))
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.settle(quarter, "10.00")
        assert legs_of(room) == []
    room.settle("2024Q4", "10.00")
    assert raised(room) == [("host", "origin", "40.00")]


def test_what_is_routed_is_owed_to_the_fund(database: Database) -> None:
    routed = clause(then={"routing": {"to": "fund", "part": "1/4"}, "form": "fund"})
    room = open_room(database, routed, roles=ROLES_WITH_FUND)
    room.settle("2024Q1", "100.00")
    assert sorted(raised(room)) == [("host", "fund", "25.00"), ("host", "origin", "37.50")]


def test_instalments_fall_due_in_the_first_year_that_has_them_all_after_the_quarter(
    database: Database,
) -> None:
    rows = [{"due": due, "part": "1/3"} for due in ("05-15", "08-15", "11-15")]
    room = open_room(database, paying(instalments=rows))
    room.settle("2024Q1", "1.00")
    assert [(one.due_day, one.amount_minor) for one in legs_of(room)] == [
        (date(2024, 5, 15), 33),
        (date(2024, 8, 15), 33),
        (date(2024, 11, 15), 34),
    ]
    room.settle("2024Q2", "0.01")
    assert [(one.due_day, one.amount_minor) for one in legs_of(room)[3:]] == [(date(2025, 11, 15), 1)]


def test_without_a_calendar_a_leg_is_payable_on_demand_and_never_overdue(database: Database) -> None:
    room = open_room(database, paying())
    room.settle("2024Q1", "1.00")
    (leg,) = legs_of(room)
    assert leg.due_day is None
    assert leg.state_on(date(2999, 1, 1)) == LegState.DUE


def test_the_second_round_calls_again_before_anything_is_overdue(database: Database) -> None:
    room = open_room(database, paying(), procedure=TWO_ROUNDS)
    room.settle("2024Q1", "1.00")
    (leg,) = legs_of(room)
    assert (leg.due_day, leg.second_day) == (date(2024, 4, 30), date(2024, 5, 30))
    days = ("2024-04-30", "2024-05-01", "2024-05-30", "2024-05-31")
    assert [leg.state_on(date.fromisoformat(day)) for day in days] == [
        LegState.DUE,
        LegState.CALLED_AGAIN,
        LegState.CALLED_AGAIN,
        LegState.OVERDUE,
    ]


def correct_downwards(room: Room) -> None:
    """A quarter of 100, then one of 10 that corrects the first to 60: in all, 30 less than nothing."""
    room.settle("2024Q1", "100.00")
    room.hand_in("2024Q1", "60.00")
    room.settle("2024Q2", "10.00")


def test_a_negative_amount_is_refunded_by_a_leg_the_other_way(database: Database) -> None:
    room = open_room(database, paying(negative="refund"))
    correct_downwards(room)
    assert raised(room) == [("host", "origin", "100.00"), ("origin", "host", "30.00")]


def test_a_negative_amount_is_carried_until_later_quarters_make_up_for_it(database: Database) -> None:
    room = open_room(database, paying(negative="carry"))
    correct_downwards(room)
    room.settle("2024Q3", "20.00")
    assert raised(room) == [("host", "origin", "100.00")]
    room.settle("2024Q4", "25.00")
    assert raised(room)[1:] == [("host", "origin", "15.00")]


def test_what_is_carried_is_refunded_when_the_terms_end(database: Database) -> None:
    room = open_room(database, paying(negative="carry"), last_quarter="2024Q2")
    correct_downwards(room)
    assert raised(room)[1:] == [("origin", "host", "30.00")]


def test_a_negative_amount_is_set_off_against_other_clauses_of_the_pair_and_the_rest_is_carried(
    database: Database,
) -> None:
    clauses = (paying(negative="set_off"), paying(2, measure="vat"))
    room = open_room(database, *clauses)
    room.settle("2024Q1", "100.00")
    room.hand_in_figures("2024Q1", {("retained_tax", "2024Q1"): "70.00"})
    figures = {("retained_tax", "2024Q2"): "0", ("vat", "2024Q2"): "20.00"}
    room.hand_in_figures("2024Q2", figures)
    room.close("2024Q2", room.compute("2024Q2"))
    assert raised(room) == [("host", "origin", "100.00")]
    room.settle("2024Q3", "15.00")
    assert raised(room)[1:] == [("host", "origin", "5.00")]


def test_a_quarter_has_moved_once_a_leg_of_it_is_paid_or_waived(database: Database) -> None:
    room = open_room(database, paying())
    room.settle("2024Q1", "1.00")
    room.settle("2024Q2", "1.00")
    first, second = legs_of(room)
    assert not has_moved(room, "2024Q1")
    pay(room, "0.40", purpose=first.reference)
    assert has_moved(room, "2024Q1")
    assert not has_moved(room, "2024Q2")
    waive(room, second.leg_id, "1.00")
    assert has_moved(room, "2024Q2")
    assert leg_of(room, second.leg_id).state_on(date(2024, 12, 31)) == LegState.WAIVED


def has_moved(room: Room, quarter: str) -> bool:
    with room.database.reading() as connection:
        return payments.has_moved(connection, room.agreement_id, Quarter.parse(quarter))


# --- laws -------------------------------------------------------------------------------------------------

NEGATIVES = st.sampled_from(["refund", "carry", "set_off"])
KEYS = [PayableKey(number, 1, payer, payee) for number in (1, 2, 3) for payer, payee in ((7, 8), (7, 9))]
BOOKED = st.dictionaries(st.sampled_from(KEYS), st.integers(-1_000, 1_000))


@given(
    st.lists(st.tuples(NEGATIVES, st.booleans()), min_size=3, max_size=3),
    st.lists(st.tuples(BOOKED, st.booleans()), max_size=6),
)
def test_over_any_closes_what_is_raised_and_what_is_carried_is_what_is_due(
    choices: list[tuple[str, bool]], closes: list[tuple[dict[PayableKey, int], bool]]
) -> None:
    terms = {
        number: then(negative, netting=netting) for number, (negative, netting) in enumerate(choices, start=1)
    }
    carried: dict[PayableKey, int] = {}
    due, raised_minor, moved = dict.fromkeys(KEYS, 0), dict.fromkeys(KEYS, 0), dict.fromkeys(KEYS, 0)
    for booked, ends in closes:
        found = payables_of(booked, carried, terms, carries=not ends)
        carried = {one.key: one.carried_minor for one in found}
        for key, amount_minor in booked.items():
            due[key] += amount_minor
        for one in found:
            raised_minor[one.key] += one.raised_minor
            moved[one.key] += one.set_off_minor
            assert one.carried_minor <= 0
            assert one.raised_minor >= 0 or terms[one.key.clause].negative == "refund" or ends
        assert not ends or not any(carried.values())
    for key in KEYS:
        assert due[key] + moved[key] == raised_minor[key] + carried.get(key, 0)
    for pair in {key[1:] for key in KEYS}:
        assert sum(moved[key] for key in KEYS if key[1:] == pair) == 0


def then(negative: Any, *, netting: bool) -> Then:
    return Then(provisional="cash", negative=negative, netting=netting)


IN_ONE_DATABASE = (HealthCheck.function_scoped_fixture,)


@settings(max_examples=8, deadline=None, suppress_health_check=IN_ONE_DATABASE)
@given(
    negative=NEGATIVES,
    form=st.sampled_from(["cash", "accrue"]),
    figures=st.lists(st.integers(-5_000, 9_000), min_size=1, max_size=6),
    code=st.uuids().map(lambda one: f"P-{one.hex[:12]}"),
)
def test_legs_and_what_is_carried_add_up_to_what_the_journal_makes_due(
    database: Database, negative: str, form: str, figures: list[int], code: str
) -> None:
    room = open_room(database, paying(negative=negative, provisional=form), code=code)
    quarter = Quarter(2024, 1)
    for figure in figures:
        room.settle(str(quarter), text(figure))
        quarter = quarter.next
    origin = room.party_id("origin")
    of_legs = sum(one.amount_minor * (1 if one.payee_party_id == origin else -1) for one in legs_of(room))
    assert of_legs + carried_last(room, quarter.previous) == owed_by_the_journal(room).get((1, origin), 0)


def carried_last(room: Room, quarter: Quarter) -> int:
    with room.database.reading() as connection:
        total = select(func.coalesce(func.sum(payable.c.carried_minor), 0)).where(
            payable.c.agreement_id == room.agreement_id, payable.c.booked_quarter == quarter.code
        )
        return int(connection.execute(total).scalar_one())


def test_a_quarter_in_which_nothing_is_due_raises_no_leg(database: Database) -> None:
    room = open_room(database, paying())
    room.settle("2024Q1")
    assert legs_of(room) == []
