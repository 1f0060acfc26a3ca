"""What is expected from whom by when: steps, lateness, who holds up whom, and the worklist of a party."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import pytest
from desk_fixtures import Document, Room, clause, open_room, totals_of
from hypothesis import given
from hypothesis import strategies as st
from payment_rooms import legs_of, pay
from reconciliation_fixtures import HOST, ORIGIN, Desk, open_desk
from signing_room import SigningRoom, open_signing_room
from sqlalchemy import insert, select

from ledger.desk import agreements, returns
from ledger.desk.calendar import (
    Completion,
    Task,
    WorkItem,
    calendar,
    worklist,
)
from ledger.desk.pages import LimitUnusable, Page
from ledger.desk.returns import LineDraft, QuarterOutOfReach
from ledger.periods import Quarter, day_of
from ledger.rules.procedure import Calendar
from ledger_schema.ids import new_ids
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    agreement,
    agreement_party,
    agreement_quarter,
    agreement_version,
    agreement_version_state,
)
from tests.listening import listening

Q1 = Quarter(2024, 1)
DUE = {
    "submit": date(2024, 4, 15),
    "certify": date(2024, 4, 20),
    "sign": date(2024, 5, 10),
    "fund": date(2024, 5, 30),
}
CALENDAR = {"submit_days": 15, "certify_days": 20, "sign_days": 40, "fund_days": 60}
PROCEDURE: Document = {"certified": ["host"], "calendar": CALENDAR, "signed_by": ["origin", "host"]}
STATEMENTS = 9


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> SigningRoom:
    return open_signing_room(database, procedure=PROCEDURE)


def hand_in(room: Room, amount: str = "100.00", role: str = "host") -> int:
    lines = [LineDraft(None, "retained_tax", "2024Q1", amount)]
    return returns.hand_in(
        room.database,
        room.act(),
        room.agreement_id,
        role,
        Q1,
        lines,
        totals=totals_of(lines).items(),
        person="张三",
    ).value.filing_id


def close_signed(room: SigningRoom) -> None:
    settlement_id = room.compute("2024Q1")
    room.propose(settlement_id)
    room.sign(settlement_id)
    room.close("2024Q1", settlement_id)


def certify(room: Room, filing_id: int) -> None:
    returns.certify_return(room.database, room.act(), room.agreement_id, filing_id, "host", "李四")


def standing(room: Room, today: date) -> dict[tuple[str, str], tuple[str, int, list[tuple[str, str]]]]:
    """Of every step and role: its state, how late it is, and who holds it up."""
    with room.database.reading() as connection:
        found = calendar(connection, room.agreement_id, Q1, today)
    assert {one.step: one.due for one in found} == DUE
    return {
        (one.step, one.role): (
            one.state.value,
            one.late_days,
            [(each.step, each.role) for each in one.held_up_by],
        )
        for one in found
    }


def tasks(room: Room, role: str, today: date) -> list[tuple[str, str, str, int]]:
    return [
        (item.task.value, item.step.step, item.step.role, item.step.late_days)
        for item in work(room.database, room.party_id(role), today).items
    ]


def of_first_quarter(room: Room, role: str, today: date) -> list[tuple[str, str, str, int]]:
    return [
        (item.task.value, item.step.step, item.step.role, item.step.late_days)
        for item in work(room.database, room.party_id(role), today).items
        if item.quarter == Q1
    ]


def work(database: Database, party_id: int, today: date) -> Page[WorkItem]:
    with database.reading() as connection:
        return worklist(connection, party_id, today)


# --- one quarter ------------------------------------------------------------------------------------------


def test_while_a_return_is_missing_its_role_holds_up_every_later_step(room: SigningRoom) -> None:
    submit = [("submit", "host")]
    assert standing(room, date(2024, 4, 18)) == {
        ("submit", "host"): ("to_do", 3, []),
        ("certify", "host"): ("waiting", 0, submit),
        ("sign", "host"): ("waiting", 0, submit),
        ("sign", "origin"): ("waiting", 0, submit),
        ("fund", "host"): ("waiting", 0, submit),
    }


def test_a_return_that_nobody_certified_holds_up_the_signing(room: SigningRoom) -> None:
    filing_id = hand_in(room)
    late = (day_of(recorded_at(room, filing_id)) - DUE["submit"]).days
    found = standing(room, date(2024, 5, 12))
    assert found["submit", "host"] == ("done", late, [])
    assert found["certify", "host"] == ("to_do", 22, [])
    assert found["sign", "origin"] == ("waiting", 2, [("certify", "host")])
    certify(room, filing_id)
    assert standing(room, date(2024, 5, 12))["sign", "origin"] == ("to_do", 2, [])


def test_a_step_that_is_done_says_when_and_by_whom(room: SigningRoom) -> None:
    filing_id = hand_in(room)
    certify(room, filing_id)
    close_signed(room)
    with room.database.reading() as connection:
        found = calendar(connection, room.agreement_id, Q1, DUE["submit"])
    completions = {(one.step, one.role): one.completion for one in found}
    submitted, certified = completions["submit", "host"], completions["certify", "host"]
    assert submitted == Completion(recorded_at(room, filing_id), "张三")
    assert certified is not None
    assert certified.person == "李四"
    assert completions["sign", "origin"] is not None
    assert completions["fund", "host"] is None


def test_a_correction_is_to_be_certified_too(room: SigningRoom) -> None:
    certify(room, hand_in(room))
    hand_in(room, "120.00")
    assert standing(room, date(2024, 5, 1))["certify", "host"] == ("to_do", 11, [])


def test_a_side_that_is_compared_is_expected_to_submit_and_to_reconcile(database: Database) -> None:
    procedure = {
        "reconciliations": [
            {"record": "host", "against": "origin", "tolerances": [], "unanswered": "accepted"}
        ],
        "calendar": {**CALENDAR, "certify_days": None, "reconcile_days": 30},
    }
    room = open_room(database, procedure=procedure)
    with database.reading() as connection:
        found = calendar(connection, room.agreement_id, Q1, DUE["submit"])
    assert [(one.step, one.role) for one in found] == [
        ("submit", "host"),
        ("submit", "origin"),
        ("reconcile", "host"),
        ("reconcile", "origin"),
        ("sign", "host"),
        ("sign", "origin"),
        ("fund", "host"),
    ]


def test_who_signed_is_done_while_the_other_still_must(room: SigningRoom) -> None:
    certify(room, hand_in(room))
    settlement_id = room.compute("2024Q1")
    room.propose(settlement_id)
    room.sign(settlement_id, "origin")
    found = standing(room, date(2024, 5, 1))
    assert (found["sign", "origin"][0], found["sign", "host"][0]) == ("done", "to_do")


def test_a_difference_holds_up_the_quarter_until_nobody_needs_to_act(database: Database) -> None:
    desk = open_desk(database)
    states = partial(reconcile_states, desk)
    desk.hand_in("2024Q1", "100.00", "90.00")
    assert states() == {"host": "to_do", "origin": "to_do"}
    number = desk.dispute("2024Q1", ORIGIN)
    assert states() == {"host": "to_do", "origin": "done"}
    desk.propose(number, HOST, "95.00")
    assert states() == {"host": "done", "origin": "to_do"}
    desk.accept(number, ORIGIN)
    assert states() == {"host": "done", "origin": "done"}


def reconcile_states(desk: Desk) -> dict[str, str]:
    with desk.database.reading() as connection:
        found = calendar(connection, desk.agreement_id, Q1, date(2024, 4, 20))
    return {one.role: one.state.value for one in found if one.step == "reconcile"}


def test_terms_without_a_calendar_expect_nothing_by_any_day(database: Database) -> None:
    room = open_room(database)
    with database.reading() as connection:
        assert calendar(connection, room.agreement_id, Q1, DUE["submit"]) == []
        with pytest.raises(QuarterOutOfReach):
            calendar(connection, room.agreement_id, Quarter(2023, 4), DUE["submit"])
    assert work(database, room.party_id("host"), DUE["submit"]).items == []


@given(
    st.lists(st.integers(0, 120), min_size=3, max_size=3).map(sorted),
    st.integers(1990, 2100),
    st.integers(1, 4),
)
def test_due_days_count_from_the_last_day_of_the_quarter(days: list[int], year: int, number: int) -> None:
    quarter = Quarter(year, number)
    found = Calendar(submit_days=days[0], sign_days=days[1], fund_days=days[2]).due_days(quarter)
    assert list(found) == ["submit", "sign", "fund"]
    for due, count in zip(found.values(), days, strict=True):
        assert due - quarter.start == timedelta(days=(quarter.next.start - quarter.start).days - 1 + count)


# --- the worklist of a party ------------------------------------------------------------------------------


def test_a_worklist_holds_what_to_do_what_waits_and_what_is_awaited_by_due_day(room: SigningRoom) -> None:
    today = date(2024, 4, 18)
    assert tasks(room, "host", today) == [
        ("to_do", "submit", "host", 3),
        ("waiting", "certify", "host", 0),
        ("waiting", "sign", "host", 0),
        ("waiting", "fund", "host", 0),
    ]
    assert tasks(room, "origin", today) == [
        ("awaited", "submit", "host", 3),
        ("waiting", "sign", "origin", 0),
    ]


def test_a_closed_quarter_comes_back_when_its_correction_is_to_be_certified(room: SigningRoom) -> None:
    certify(room, hand_in(room))
    close_signed(room)
    today = date(2024, 8, 1)
    pay(room, "50.00", purpose=legs_of(room)[0].reference)
    assert of_first_quarter(room, "host", today) == []
    hand_in(room, "120.00")
    (item,) = (one for one in work(room.database, room.party_id("host"), today).items if one.quarter == Q1)
    assert (item.task, item.step.step) == (Task.TO_DO, "certify")


def test_money_that_is_still_owed_keeps_a_closed_quarter_on_the_list(room: SigningRoom) -> None:
    certify(room, hand_in(room))
    close_signed(room)
    today = date(2024, 6, 2)
    assert of_first_quarter(room, "host", today) == [("to_do", "fund", "host", 3)]
    assert of_first_quarter(room, "origin", today) == [("awaited", "fund", "host", 3)]
    pay(room, "50.00", day="2024-06-01", purpose=legs_of(room)[0].reference)
    assert of_first_quarter(room, "host", today) == []
    assert standing(room, today)["fund", "host"] == ("done", 2, [])


def test_a_worklist_over_two_thousand_agreements_needs_no_more_statements_than_over_one(
    room: SigningRoom,
) -> None:
    party_id = room.party_id("host")
    one = statements_for(room.database, party_id)
    copy_agreement(room, 1_999)
    many = statements_for(room.database, party_id)
    assert one == many == STATEMENTS


def test_the_pages_of_a_worklist_follow_each_other_without_gap_or_repetition(room: SigningRoom) -> None:
    copy_agreement(room, 6)
    party_id, today = room.party_id("host"), date(2024, 4, 18)
    whole = work(room.database, party_id, today).items
    assert len(whole) == 7 * 4
    assert [one.key for one in whole] == sorted(one.key for one in whole)
    with room.database.reading() as connection:
        pages = [worklist(connection, party_id, today, limit=8)]
        while pages[-1].has_next:
            after = pages[-1].items[-1].key
            pages.append(worklist(connection, party_id, today, after=after, limit=8))
        with pytest.raises(LimitUnusable):
            worklist(connection, party_id, today, limit=0)
    assert [one for page in pages for one in page.items] == whole


def test_another_partys_agreements_are_not_on_the_list(room: SigningRoom) -> None:
    other = open_room(room.database, clause(), code="B-1", procedure=PROCEDURE)
    codes = {one.agreement.code for one in work(room.database, other.party_id("host"), DUE["submit"]).items}
    assert codes == {"B-1"}


def statements_for(database: Database, party_id: int) -> int:
    work(database, party_id, DUE["submit"])
    statements: list[str] = []
    with listening(statements.append):
        assert len(work(database, party_id, DUE["submit"]).items) >= 3
    return len(statements)


def recorded_at(room: Room, filing_id: int) -> datetime:
    with room.database.reading() as connection:
        return returns.filing(connection, room.agreement_id, filing_id).recorded_at


def copy_agreement(room: Room, count: int) -> None:
    """More agreements with the same parties and terms, in force with the first quarter open."""
    with room.database.writing() as connection:
        original = agreements.agreement(connection, room.agreement_id)
        rows = {
            table: [
                row._asdict()
                for row in connection.execute(
                    select(table).where(table.c.agreement_id == original.agreement_id)
                )
            ]
            for table in (
                agreement,
                agreement_party,
                agreement_version,
                agreement_version_state,
                agreement_quarter,
            )
        }
        ids = new_ids(count).tolist()
        for table, copied in rows.items():
            connection.execute(
                insert(table),
                [
                    {**row, "agreement_id": one, **({"code": f"C-{one}"} if table is agreement else {})}
                    for one in ids
                    for row in copied
                ],
            )
