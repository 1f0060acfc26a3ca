"""Occurrences: recorded by one side, confirmed by the others, and what they change in settlements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from desk_fixtures import Room, clause, enterprise, open_room
from sqlalchemy import select
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk import settlements
from ledger.desk.acts import Act, Done, KeyReused, Queue, queue_on
from ledger.desk.agreements import RoleDoesNotSign
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.occurrences import (
    OccurrenceAlreadyConfirmed,
    OccurrenceOvertaken,
    confirm_occurrence,
    confirmed_occurrences,
    occurrences,
    record_occurrence,
)
from ledger.desk.returns import LineDraft
from ledger.desk.settlements import Settlement, StaleSettlement
from ledger_schema.sessions import Database
from ledger_schema.tables import agreement_quarter, event

FUND = "aid_fund_paid_in"
JANUARY, APRIL = date(2024, 1, 15), date(2024, 4, 15)
WINDOW = {"clock": {"occurrence": FUND, "begins": "step_of_day", "offset_months": 3}, "length_months": 12}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    """An agreement that shares from three months after its fund was paid in; the fund doesn't sign."""
    return open_room(database, clause(when={"window": WINDOW}), roles=("origin", "host", "fund"))


def recorded(
    room: Room, day: date = JANUARY, *, role: str = "origin", name: str = FUND, act: Act | None = None
) -> Done[int]:
    return record_occurrence(
        room.database, act or room.act(), room.agreement_id, role, name, day, "到账通知-1"
    )


def confirmed(room: Room, sequence: int, role: str = "host", act: Act | None = None) -> Done[int]:
    return confirm_occurrence(room.database, act or room.act(), room.agreement_id, FUND, sequence, role)


def days(room: Room) -> dict[str, date]:
    with room.database.reading() as connection:
        return {name: one.day for name, one in confirmed_occurrences(connection, room.agreement_id).items()}


def settlement(room: Room, settlement_id: int) -> Settlement:
    with room.database.reading() as connection:
        return settlements.settlement(connection, room.agreement_id, settlement_id)


# --- recording and confirming -----------------------------------------------------------------------------


def test_an_occurrence_holds_when_every_signing_role_has_confirmed_it(room: Room) -> None:
    sequence = recorded(room).value
    assert days(room) == {}
    assert confirmed(room, sequence) == Done(1)
    assert days(room) == {FUND: JANUARY}
    with room.database.reading() as connection:
        (found,) = occurrences(connection, room.agreement_id)
    assert (found.recorded_by, found.confirmed_by, found.document) == (
        "origin",
        ["host", "origin"],
        "到账通知-1",
    )


def test_a_corrected_day_supersedes_once_it_is_confirmed_and_the_earlier_record_stays(room: Room) -> None:
    room.happens(FUND, JANUARY)
    assert recorded(room, APRIL, role="host") == Done(2)
    assert days(room) == {FUND: JANUARY}
    confirmed(room, 2, "origin")
    assert days(room) == {FUND: APRIL}
    with room.database.reading() as connection:
        found = occurrences(connection, room.agreement_id)
    assert [(one.sequence, one.day) for one in found] == [(1, JANUARY), (2, APRIL)]


def test_only_the_newest_record_can_be_confirmed_and_by_each_role_once(room: Room) -> None:
    recorded(room)
    recorded(room, APRIL)
    with pytest.raises(OccurrenceOvertaken) as caught:
        confirmed(room, 1)
    assert caught.value.fields == {"name": FUND, "sequence": 1, "newest": 2}
    confirmed(room, 2)
    for role in ("host", "origin"):
        with pytest.raises(OccurrenceAlreadyConfirmed):
            confirmed(room, 2, role)


def test_records_of_other_names_are_numbered_by_themselves(room: Room) -> None:
    assert [recorded(room).value, recorded(room, name="land_handed_over").value] == [1, 1]


def test_the_same_act_under_the_same_key_is_a_replay_and_another_one_is_refused(room: Room) -> None:
    recording, confirming = Act("record"), Act("confirm")
    assert recorded(room, act=recording) == Done(1)
    assert recorded(room, act=recording) == Done(1, replayed=True)
    with pytest.raises(KeyReused):
        recorded(room, APRIL, act=recording)
    assert confirmed(room, 1, act=confirming) == Done(1)
    assert confirmed(room, 1, act=confirming) == Done(1, replayed=True)


def test_a_role_that_does_not_sign_neither_records_nor_confirms(room: Room) -> None:
    with pytest.raises(RoleDoesNotSign):
        recorded(room, role="fund")
    sequence = recorded(room).value
    with pytest.raises(RoleDoesNotSign):
        confirmed(room, sequence, "fund")
    with pytest.raises(NotFound):
        confirmed(room, sequence, "province")


def test_a_record_or_agreement_that_is_not_there_is_not_found(room: Room) -> None:
    for sequence in (0, 1):
        with pytest.raises(NotFound):
            confirmed(room, sequence)
    with pytest.raises(NotFound):
        record_occurrence(room.database, room.act(), 7, "origin", FUND, JANUARY, "凭证")
    with room.database.reading() as connection, pytest.raises(NotFound):
        occurrences(connection, 7)


def test_every_fault_of_a_record_is_named_at_once(room: Room) -> None:
    with pytest.raises(RequestRefused) as caught:
        record_occurrence(
            room.database, room.act(), room.agreement_id, "origin", "Paid in", date(1, 1, 1), "\n"
        )
    assert [(fault.path, fault.code) for fault in caught.value.faults] == [
        ("name", "OCCURRENCE_NAME_UNUSABLE"),
        ("day", "YEAR_UNUSABLE"),
        ("document", "TEXT_UNUSABLE"),
    ]


def test_the_events_hold_what_was_recorded_and_who_confirmed(room: Room) -> None:
    room.happens(FUND, JANUARY)
    with room.database.reading() as connection:
        rows = connection.execute(
            select(event.c.canonical).where(event.c.kind.like("occurrence%")).order_by(event.c.event_id)
        )
        data = [json.loads(row.canonical)["data"] for row in rows]
    assert data == [
        {"name": FUND, "sequence": 1, "day": "2024-01-15", "document": "凭证-1", "role": "origin"},
        {"name": FUND, "sequence": 1, "role": "host"},
    ]


def test_two_records_of_one_name_at_the_same_moment_get_two_numbers(room: Room, database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.AGREEMENT, str(room.agreement_id))
            tries = [pool.submit(recorded, room, act=Act(key)) for key in ("x", "y")]
            await_waiting(database_url, 2)
        assert sorted(attempt.result(WAIT_SECONDS).value for attempt in tries) == [1, 2]


def test_a_record_waits_for_a_quarter_that_is_being_closed(room: Room, database_url: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with room.database.writing() as connection:
            connection.execute(
                select(agreement_quarter)
                .where(agreement_quarter.c.agreement_id == room.agreement_id)
                .with_for_update()
            )
            attempt = pool.submit(recorded, room)
            await_waiting(database_url, 1)
            assert not attempt.done()
        assert attempt.result(WAIT_SECONDS).value == 1


# --- settlements ------------------------------------------------------------------------------------------


def test_a_window_opens_with_the_occurrence_plus_its_offset(room: Room) -> None:
    room.happens(FUND, JANUARY)
    first, second = room.settle("2024Q1", "100.00"), room.settle("2024Q2", "100.00")
    assert room.shares(first) == {"host": "100.00"}
    assert room.shares(second) == {"origin": "50.00", "host": "50.00"}
    assert [one.kind for one in settlement(room, second).causes] == ["quarter"]


def test_an_occurrence_recorded_late_is_a_named_cause_with_its_exact_true_up(room: Room) -> None:
    for quarter in ("2024Q1", "2024Q2"):
        assert room.shares(room.settle(quarter, "100.01")) == {"host": "100.01"}
    room.happens(FUND, JANUARY)
    third = room.settle("2024Q3", "100.00")
    late, own = settlement(room, third).causes
    assert (late.kind, late.reference, own.kind) == ("occurrence", f"{FUND}/1", "quarter")
    assert (late.title_zh, late.title_en) == (
        "事件 aid_fund_paid_in（2024年1月15日，第1次记录）",
        "Occurrence aid_fund_paid_in (2024-01-15, record 1)",
    )
    assert room.shares(third, cause=1) == {"origin": "50.00", "host": "-50.00"}
    assert {str(one.quarter) for one in room.allocations(third) if one.cause == 1} == {"2024Q2"}
    assert room.shares(third, cause=2) == {"origin": "50.00", "host": "50.00"}


def test_a_corrected_day_takes_back_what_was_shared_too_early(room: Room) -> None:
    room.happens(FUND, JANUARY)
    for quarter in ("2024Q1", "2024Q2"):
        room.settle(quarter, "100.00")
    room.happens(FUND, APRIL)
    third = room.settle("2024Q3")
    assert [one.reference for one in settlement(room, third).causes] == [f"{FUND}/2", "2024Q3"]
    assert room.shares(third, cause=1) == {"origin": "-50.00", "host": "50.00"}


def test_two_occurrences_and_a_list_between_two_settlements_are_causes_of_their_own(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.happens("land_handed_over", APRIL)
    room.happens(FUND, JANUARY)
    room.confirm_list(enterprise(1))
    second = room.settle("2024Q2", "100.00")
    assert [one.reference for one in settlement(room, second).causes] == [
        "1",
        f"{FUND}/1",
        "land_handed_over/1",
        "2024Q2",
    ]
    assert room.shares(second) == {"origin": "50.00", "host": "50.00"}


def test_an_unconfirmed_occurrence_changes_nothing_and_is_not_in_the_inputs(room: Room) -> None:
    for quarter in ("2024Q1", "2024Q2"):
        room.settle(quarter, "100.00")
    room.hand_in("2024Q3")
    computed = room.compute("2024Q3")
    recorded(room)
    assert room.compute("2024Q3") == computed
    inputs = settlement(room, computed).inputs
    assert "occurrences" not in json.loads(inputs.canonical())


def test_a_confirmed_occurrence_is_in_the_inputs_and_makes_an_older_settlement_stale(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    computed = room.compute("2024Q1")
    room.happens(FUND, JANUARY)
    with pytest.raises(StaleSettlement):
        room.close("2024Q1", computed)
    inputs = settlement(room, room.compute("2024Q1")).inputs
    assert json.loads(inputs.canonical())["occurrences"] == [
        {"name": FUND, "day": "2024-01-15", "sequence": 1}
    ]
    assert type(inputs).parse(inputs.canonical()) == inputs


# --- attributes of enterprises ----------------------------------------------------------------------------


def test_the_rate_of_an_enterprise_follows_from_its_attributes_on_the_list(database: Database) -> None:
    rates = [{"where": {"industry": ["研发"]}, "rate": "1/2"}, {"where": {}, "rate": "1/10"}]
    room = open_room(database, clause(whose={"scope": "listed_enterprises"}, how_much={"rates": rates}))
    research, other = enterprise(1, attributes={"industry": "研发"}), enterprise(2)
    room.confirm_list(research, other)
    lines = [
        LineDraft(one.credit_code, "retained_tax", "2024Q1", "100.00", "凭证") for one in (research, other)
    ]
    room.hand_in_lines("2024Q1", lines)
    settled = room.close("2024Q1", room.compute("2024Q1"))
    assert room.shares(settled) == {"origin": "30.00", "host": "30.00"}


def test_enterprises_with_one_controller_use_its_cap_together(database: Database) -> None:
    cap = {
        "amount": "60.00",
        "over": "lifetime",
        "measured_on": "receipts",
        "capped": "origin",
        "excess_to": "host",
        "per": "controller",
        "order": "by_subject",
    }
    room = open_room(database, clause(whose={"scope": "listed_enterprises"}, within={"caps": [cap]}))
    group = [enterprise(place, controller="甲集团") for place in (1, 2)]
    room.confirm_list(*group)
    lines = [LineDraft(one.credit_code, "retained_tax", "2024Q1", "100.00", "凭证") for one in group]
    room.hand_in_lines("2024Q1", lines)
    settled = room.close("2024Q1", room.compute("2024Q1"))
    assert room.shares(settled) == {"origin": "60.00", "host": "140.00"}
