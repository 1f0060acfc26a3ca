"""Maker and checker: which return counts, who may certify it, and what happens when others are faster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from desk_fixtures import Room, clause, open_room, totals_of
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk import returns, settlements
from ledger.desk.acts import Done, Queue, queue_on
from ledger.desk.failures import RequestRefused
from ledger.desk.national.worlds import worlds
from ledger.desk.quarters import quarter_standing
from ledger.desk.returns import (
    Filing,
    LineDraft,
    MakerCertifies,
    MakerUnknown,
    PersonMissing,
    ReturnAlreadyCertified,
    ReturnBookedBefore,
    ReturnOfOtherRole,
    ReturnOvertaken,
)
from ledger.desk.settlements import ReturnsMissing, StaleSettlement
from ledger.desk.settlements.replays import Cause
from ledger.periods import Quarter, day_of
from ledger_schema.sessions import Database
from ledger_schema.tables import event, filing_certification

Q1 = Quarter(2024, 1)
MAKER, CHECKER = "张三", "李四"
CALENDAR = {"submit_days": 15, "certify_days": 20, "sign_days": 40, "fund_days": 60}
CERTIFIED = {"certified": ["host"], "calendar": CALENDAR}
COMPARED = {
    "reconciliations": [{"record": "host", "against": "origin", "tolerances": [], "unanswered": "accepted"}]
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    return open_room(database, procedure=CERTIFIED)


def hand_in(
    room: Room, amount: str, *, person: str | None = MAKER, quarter: str = "2024Q1", role: str = "host"
) -> Filing:
    lines = [LineDraft(None, "retained_tax", quarter, amount, "凭证-1")]
    return returns.hand_in(
        room.database,
        room.act(),
        room.agreement_id,
        role,
        Quarter.parse(quarter),
        lines,
        totals=totals_of(lines).items(),
        person=person,
    ).value


def certify(room: Room, filing: Filing, person: str = CHECKER, role: str = "host") -> Done[Filing]:
    return returns.certify_return(
        room.database, room.act(), room.agreement_id, filing.filing_id, role, person
    )


def listed(room: Room) -> list[Filing]:
    with room.database.reading() as connection:
        return returns.filings(connection, room.agreement_id)


def counting(room: Room) -> int | None:
    """The sequence of the host's return that counts for the first quarter."""
    with room.database.reading() as connection:
        found = returns.current_filings(connection, room.agreement_id).get((Q1, "host"))
    return None if found is None else found.sequence


# --- which return counts ----------------------------------------------------------------------------------


def test_a_return_counts_once_a_second_person_has_certified_it(room: Room) -> None:
    filing = hand_in(room, "100.00")
    assert (filing.person, filing.awaits_certification, counting(room)) == (MAKER, True, None)
    with pytest.raises(ReturnsMissing):
        room.compute("2024Q1")
    certified = certify(room, filing).value
    assert (certified.certified_by, certified.awaits_certification) == (CHECKER, False)
    assert certified.is_current
    assert counting(room) == 1
    room.close("2024Q1", room.compute("2024Q1"))


def test_a_certified_return_is_superseded_only_by_a_newer_certified_one(room: Room) -> None:
    certify(room, hand_in(room, "100.00"))
    hand_in(room, "200.00")
    third = hand_in(room, "300.00")
    assert counting(room) == 1
    assert [(one.sequence, one.superseded_by, one.is_current) for one in listed(room)] == [
        (1, None, True),
        (2, 3, False),
        (3, None, False),
    ]
    certify(room, third)
    assert [(one.sequence, one.superseded_by, one.is_current) for one in listed(room)] == [
        (1, 3, False),
        (2, 3, False),
        (3, None, True),
    ]


def test_what_counted_before_a_certification_is_still_told_for_that_moment(room: Room) -> None:
    first = certify(room, hand_in(room, "100.00")).value
    second = hand_in(room, "200.00")
    certify(room, second)
    with room.database.reading() as connection:
        before = returns.current_filings(connection, room.agreement_id, second.recorded_at)
        at_first = returns.current_filings(connection, room.agreement_id, first.recorded_at)
    assert before[Q1, "host"].sequence == 1
    assert at_first == {}


def test_without_a_procedure_nobody_is_asked_for_a_name_and_the_newest_counts(database: Database) -> None:
    room = open_room(database)
    hand_in(room, "100.00", person=None)
    second = hand_in(room, "200.00", person=None)
    assert (counting(room), second.person, second.late_days) == (2, None, None)
    assert not second.awaits_certification
    with database.reading() as connection:
        stored = connection.execute(select(event.c.canonical).where(event.c.kind == "return_handed_in"))
        assert all(not {"person", "nonce"} & json.loads(one)["data"].keys() for one in stored.scalars())


def test_a_nil_return_is_certified_like_any_other(room: Room) -> None:
    nil = returns.hand_in(
        room.database, room.act(), room.agreement_id, "host", Q1, [], totals=[], is_nil=True, person=MAKER
    ).value
    assert certify(room, nil).value.is_current


def test_the_quarter_is_said_to_miss_a_return_that_nobody_certified(room: Room) -> None:
    hand_in(room, "100.00")
    with room.database.reading() as connection:
        assert quarter_standing(connection, room.agreement_id, Q1).missing_roles == ["host"]


def test_the_national_quarter_sees_the_same_returns(room: Room) -> None:
    def seen() -> list[int]:
        with room.database.reading() as connection:
            (world,) = worlds(connection, Q1)
            return [reference.filing_id for reference in world.now.filings.values()]

    first = hand_in(room, "100.00")
    assert seen() == []
    certify(room, first)
    assert seen() == [first.filing_id]
    second = hand_in(room, "200.00")
    assert seen() == [first.filing_id]
    certify(room, second)
    assert seen() == [second.filing_id]


def test_the_side_that_is_compared_hands_in_what_the_side_of_record_does(database: Database) -> None:
    room = open_room(database, procedure=COMPARED)
    own = hand_in(room, "90.00", person=None, role="origin")
    assert own.totals == {"retained_tax": 9000}
    room.settle("2024Q1", "100.00")
    with pytest.raises(returns.RoleReportsNothing) as refusal:
        hand_in(open_room(database, code="B-1"), "1.00", person=None, role="origin")
    assert "Reporting roles: host." in refusal.value.message_en


# --- late returns -----------------------------------------------------------------------------------------


def test_a_return_after_the_day_for_submitting_says_by_how_many_days_it_is_late(room: Room) -> None:
    filing = hand_in(room, "100.00")
    due = Q1.last_day + timedelta(days=15)
    assert filing.late_days == (day_of(filing.recorded_at) - due).days > 0


def test_a_return_before_the_end_of_the_quarter_is_in_time(database: Database) -> None:
    now = Quarter.of(today(database))
    room = open_room(database, starts=str(now), procedure=CERTIFIED)
    assert hand_in(room, "100.00", quarter=str(now)).late_days == 0


def today(database: Database) -> date:
    with database.reading() as connection:
        return day_of(connection.execute(text("SELECT now()")).scalar_one())


# --- who may certify --------------------------------------------------------------------------------------


def test_a_return_without_a_name_is_refused_where_somebody_certifies(room: Room) -> None:
    with pytest.raises(PersonMissing):
        hand_in(room, "100.00", person=None)


@pytest.mark.parametrize("person", ["", " 张三", "张\n三", "张" * 61])
def test_a_name_that_cannot_be_one_is_refused(room: Room, person: str) -> None:
    with pytest.raises(RequestRefused):
        hand_in(room, "100.00", person=person)
    with pytest.raises(RequestRefused):
        certify(room, hand_in(room, "100.00"), person)


@pytest.mark.parametrize("person", [MAKER, "张 三"])
def test_the_maker_cannot_certify_however_the_name_is_spelt(room: Room, person: str) -> None:
    filing = hand_in(room, "100.00")
    with pytest.raises(MakerCertifies):
        certify(room, filing, person)
    assert counting(room) is None


def test_another_role_a_second_time_or_an_older_return_is_refused(room: Room) -> None:
    first = hand_in(room, "100.00")
    with pytest.raises(ReturnOfOtherRole):
        certify(room, first, role="origin")
    certify(room, first)
    with pytest.raises(ReturnAlreadyCertified):
        certify(room, first, "王五")
    hand_in(room, "200.00")
    with pytest.raises(ReturnOvertaken):
        certify(room, first)


def test_the_same_key_again_is_a_replay(room: Room) -> None:
    filing, act = hand_in(room, "100.00"), room.act()
    for replayed in (False, True):
        done = returns.certify_return(
            room.database, act, room.agreement_id, filing.filing_id, "host", CHECKER
        )
        assert (done.value.certified_by, done.replayed) == (CHECKER, replayed)


def test_a_return_that_its_quarter_closed_without_is_handed_in_anew_and_then_certified(room: Room) -> None:
    certify(room, hand_in(room, "100.00"))
    late = hand_in(room, "120.00")
    room.close("2024Q1", room.compute("2024Q1"))
    with pytest.raises(ReturnBookedBefore):
        certify(room, late)
    again = hand_in(room, "120.00")
    assert (again.sequence, str(again.booked_quarter)) == (3, "2024Q2")
    assert certify(room, again).value.is_current
    assert hand_in(room, "120.00").filing_id == again.filing_id


def test_a_return_from_before_certification_was_asked_for_goes_on_counting(database: Database) -> None:
    room = open_room(database)
    nameless = hand_in(room, "100.00", person=None)
    room.close("2024Q1", room.compute("2024Q1"))
    room.procedure = CERTIFIED
    room.amend(clause(), starts="2024Q1")
    with pytest.raises(MakerUnknown):
        certify(room, nameless)
    certify(room, hand_in(room, "50.00", quarter="2024Q2"))
    second = room.compute("2024Q2")
    assert [cause.kind for cause in causes(room, second)] == ["amendment", "quarter"]
    room.close("2024Q2", second)
    correction = hand_in(room, "120.00")
    assert counting(room) == 1
    certify(room, correction)
    assert counting(room) == 2


def causes(room: Room, settlement_id: int) -> list[Cause]:
    with room.database.reading() as connection:
        return settlements.settlement(connection, room.agreement_id, settlement_id).causes


def test_the_database_itself_refuses_a_maker_who_certifies(room: Room) -> None:
    filing = certify(room, hand_in(room, "100.00")).value
    other = hand_in(room, "200.00")
    with room.database.reading() as connection:
        row = connection.execute(select(filing_certification)).one()._asdict()
    assert row["filing_id"] == filing.filing_id
    for maker, person in ((MAKER, MAKER), ("王五", CHECKER)):
        wrong = row | {"filing_id": other.filing_id, "maker": maker, "person": person}
        with room.database.writing() as connection, pytest.raises(IntegrityError):
            connection.execute(filing_certification.insert().values(**wrong))


# --- exact interleavings ----------------------------------------------------------------------------------


def test_who_certifies_while_a_newer_return_is_taken_is_told_of_it(room: Room, database_url: str) -> None:
    first = hand_in(room, "100.00")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.RETURN, f"{room.agreement_id}/host/2024Q1")
            newer = pool.submit(hand_in, room, "200.00")
            await_waiting(database_url, 1)
            certification = pool.submit(certify, room, first)
            await_waiting(database_url, 2)
        assert newer.result(WAIT_SECONDS).sequence == 2
        with pytest.raises(ReturnOvertaken):
            certification.result(WAIT_SECONDS)
    assert counting(room) is None


def test_a_return_that_comes_while_another_is_certified_does_not_supersede_that_one(
    room: Room, database_url: str
) -> None:
    first = hand_in(room, "100.00")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.RETURN, f"{room.agreement_id}/host/2024Q1")
            certification = pool.submit(certify, room, first)
            await_waiting(database_url, 1)
            newer = pool.submit(hand_in, room, "200.00")
            await_waiting(database_url, 2)
        assert certification.result(WAIT_SECONDS).value.is_current
        assert newer.result(WAIT_SECONDS).awaits_certification
    assert counting(room) == 1


def test_a_certification_that_comes_while_the_quarter_closes_is_too_late(
    room: Room, database_url: str
) -> None:
    certify(room, hand_in(room, "100.00"))
    newer = hand_in(room, "200.00")
    settlement_id = room.compute("2024Q1")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            connection.execute(text("SELECT FROM agreement_quarter WHERE quarter = 20241 FOR UPDATE"))
            close = pool.submit(room.close, "2024Q1", settlement_id)
            await_waiting(database_url, 1)
            certification = pool.submit(certify, room, newer)
            await_waiting(database_url, 2)
        assert close.result(WAIT_SECONDS) == settlement_id
        with pytest.raises(ReturnBookedBefore):
            certification.result(WAIT_SECONDS)
    assert counting(room) == 1


def test_a_quarter_that_closes_while_a_return_is_certified_sees_it_and_does_not_close(
    room: Room, database_url: str
) -> None:
    certify(room, hand_in(room, "100.00"))
    newer = hand_in(room, "200.00")
    settlement_id = room.compute("2024Q1")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.RETURN, f"{room.agreement_id}/host/2024Q1")
            certification = pool.submit(certify, room, newer)
            await_waiting(database_url, 1)
            close = pool.submit(room.close, "2024Q1", settlement_id)
            await_waiting(database_url, 2)
        assert certification.result(WAIT_SECONDS).value.is_current
        with pytest.raises(StaleSettlement):
            close.result(WAIT_SECONDS)
    with room.database.reading() as connection:
        assert settlements.settlement(connection, room.agreement_id, settlement_id).closed_at is None
    assert counting(room) == 2
