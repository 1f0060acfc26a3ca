"""Duties: quarters' steps, commitments and reviews in one list, and who has to act."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from commitment_room import promise
from desk_fixtures import clause
from review_room import EAST, ELSEWHERE, PERSON, WEST, ReviewRoom, open_review_room

from ledger.desk import reviews
from ledger.desk.calendar import Task, WorkItem
from ledger.desk.days import days_later
from ledger.desk.duties import Duty, DutyKind, ReviewWork, duties
from ledger.desk.pages import LimitUnusable
from ledger.desk.reviews import StepDraft
from ledger.desk.roster import party_by_code
from ledger_schema.sessions import Database
from tests.listening import listening

BEFORE = date(2024, 6, 1)
ASKED = date(2024, 9, 30)
LATE = date(2024, 10, 4)
CALENDAR = {"submit_days": 15, "certify_days": 20, "sign_days": 40, "fund_days": 60}

Seen = tuple[str, str, int, list[str]]


@pytest.fixture
def room(database_url: str) -> Iterator[ReviewRoom]:
    """Ten people are promised by the middle of 2024; the quarters have a calendar."""
    database = Database(database_url)
    opened = open_review_room(database, clause())
    opened.room.procedure = {"calendar": CALENDAR}
    opened.room.amend(clause(), starts="2024Q1")
    yield opened
    database.dispose()


def listed(room: ReviewRoom, party: str, today: date) -> list[Duty]:
    with room.database.reading() as connection:
        party_id = party_by_code(connection, party).party_id
        return duties(connection, party_id, today, today + timedelta(days=365)).items


def seen(room: ReviewRoom, kind: DutyKind, party: str, today: date) -> list[Seen]:
    """Of every duty of the kind: task, action, days late, and who has to act."""
    with room.database.reading() as connection:
        named = {party_by_code(connection, code).party_id: code for code in ("E", "W", EAST, WEST)}
    return [
        (one.task.value, one.action.value, one.late_days, [named[actor.party_id] for actor in one.actors])
        for one in listed(room, party, today)
        if one.key.kind is kind
    ]


# --- all kinds --------------------------------------------------------------------------------------------


def test_all_kinds_stand_in_one_list_by_due_day(room: ReviewRoom) -> None:
    room.request(room.open(), due_day=date(2024, 5, 1))
    found = listed(room, "W", BEFORE)
    assert [(one.key.due, one.key.kind.value) for one in found] == [
        (date(2024, 4, 15), "step"),
        (date(2024, 5, 1), "review"),
        (date(2024, 5, 1), "review"),
        (date(2024, 5, 10), "step"),
        (date(2024, 5, 30), "step"),
        (date(2024, 6, 30), "commitment"),
    ]
    (submit,) = (one for one in found if isinstance(one.work, WorkItem) and one.work.step.step == "submit")
    assert (submit.task, submit.action.value, submit.late_days) == (Task.TO_DO, "hand_in", 47)


def test_nothing_is_listed_that_falls_due_after_the_last_day_asked_for(room: ReviewRoom) -> None:
    room.request(room.open())
    with room.database.reading() as connection:
        party_id = party_by_code(connection, "W").party_id
        until = date(2024, 6, 30)
        assert {one.key.due for one in duties(connection, party_id, BEFORE, until).items} >= {until}
        earlier = duties(connection, party_id, BEFORE, until - timedelta(days=1)).items
    assert {one.key.kind for one in earlier} == {DutyKind.STEP}


def test_pages_follow_each_other_without_gap_or_repetition(room: ReviewRoom) -> None:
    for _ in range(3):
        room.request(room.open(), due_day=date(2024, 6, 30))
    whole = listed(room, "E", BEFORE)
    assert len(whole) > 5
    with room.database.reading() as connection:
        party_id, until = party_by_code(connection, "E").party_id, BEFORE + timedelta(days=365)
        pages = [duties(connection, party_id, BEFORE, until, limit=1)]
        while pages[-1].has_next:
            after = pages[-1].items[-1].key
            pages.append(duties(connection, party_id, BEFORE, until, after=after, limit=1))
        with pytest.raises(LimitUnusable):
            duties(connection, party_id, BEFORE, until, limit=0)
    assert [one for page in pages for one in page.items] == whole


def test_the_number_of_statements_does_not_grow_with_the_number_of_duties(room: ReviewRoom) -> None:
    def statements() -> int:
        heard: list[str] = []
        with listening(heard.append):
            assert listed(room, "W", BEFORE)
        return len(heard)

    room.request(room.open())
    one = statements()
    for _ in range(3):
        room.request(room.open())
    room.room.promised += [promise("fund", kind="joint_fund", target_count=None)]
    room.room.amend(clause(), starts="2024Q1")
    assert statements() == one


def test_a_day_after_the_last_one_of_the_calendar_is_the_last_one() -> None:
    assert days_later(date(2024, 2, 28), 2) == date(2024, 3, 1)
    assert days_later(date(9999, 12, 30), 3_660) == date.max


# --- commitments ------------------------------------------------------------------------------------------


def test_a_commitment_is_for_its_makers_to_record_and_then_for_the_others_to_confirm(
    room: ReviewRoom,
) -> None:
    kind = DutyKind.COMMITMENT
    assert seen(room, kind, "E", BEFORE) == [("to_do", "record_commitment", 0, ["E", "W"])]
    room.room.record("progress", count=4, evidence=None)
    assert seen(room, kind, "W", LATE) == [("to_do", "record_commitment", 96, ["E", "W"])]
    sequence = room.room.record("done")
    assert seen(room, kind, "E", BEFORE) == [("awaited", "confirm_commitment", 0, ["W"])]
    assert seen(room, kind, "W", BEFORE) == [("to_do", "confirm_commitment", 0, ["W"])]
    room.room.confirm(sequence)
    assert seen(room, kind, "W", BEFORE) == []


def test_a_commitment_of_one_side_is_awaited_by_the_other(room: ReviewRoom) -> None:
    room.room.promised = [promise(by=["host"])]
    room.room.amend(clause(), starts="2024Q1")
    assert seen(room, DutyKind.COMMITMENT, "E", BEFORE) == [("awaited", "record_commitment", 0, ["W"])]
    assert seen(room, DutyKind.COMMITMENT, "W", BEFORE) == [("to_do", "record_commitment", 0, ["W"])]


def test_giving_a_commitment_up_is_for_the_other_side_to_confirm(room: ReviewRoom) -> None:
    room.room.record("dropped", count=None, evidence=None)
    assert seen(room, DutyKind.COMMITMENT, "W", BEFORE) == [("to_do", "confirm_commitment", 0, ["W"])]


# --- reviews ----------------------------------------------------------------------------------------------


def test_a_request_is_for_its_addressee_to_answer_and_the_answer_for_who_asked_to_look_at(
    room: ReviewRoom,
) -> None:
    kind, review_id = DutyKind.REVIEW, room.open()
    assert seen(room, kind, WEST, BEFORE) == []
    request = room.request(review_id, due_day=ASKED)
    (duty,) = (one for one in listed(room, "W", BEFORE) if one.key.kind is kind)
    assert isinstance(duty.work, ReviewWork)
    assert (duty.key.due, duty.work.review.review_id, duty.work.request) == (ASKED, review_id, request)
    assert seen(room, kind, "W", ASKED) == [("to_do", "answer_review", 0, ["W"])]
    assert seen(room, kind, "E", ASKED) == [("awaited", "answer_review", 0, ["W"])]
    assert seen(room, kind, WEST, ASKED) == [("awaited", "answer_review", 0, ["W"])]
    room.answer(review_id)
    assert seen(room, kind, "W", LATE) == [("awaited", "close_review", 4, [WEST])]
    assert seen(room, kind, WEST, BEFORE) == [("to_do", "close_review", 0, [WEST])]
    room.close(review_id)
    assert seen(room, kind, WEST, LATE) == []


def test_a_request_that_nobody_answered_in_time_can_be_answered_or_closed(room: ReviewRoom) -> None:
    room.request(room.open(), due_day=ASKED)
    assert seen(room, DutyKind.REVIEW, WEST, LATE) == [
        ("to_do", "close_review", 4, [WEST]),
        ("awaited", "answer_review", 4, ["W"]),
    ]


def test_a_review_is_closed_by_nobody_while_another_answer_is_in_time(room: ReviewRoom) -> None:
    review_id = room.open()
    for due_day in (ASKED, date(2024, 12, 31)):
        room.request(review_id, due_day=due_day)
    room.answer(review_id)
    assert seen(room, DutyKind.REVIEW, WEST, LATE) == [("awaited", "answer_review", 0, ["W"])]


def test_the_province_that_asked_last_closes_what_the_other_one_opened(room: ReviewRoom) -> None:
    review_id = room.open(by=EAST)
    room.request(review_id)
    room.answer(review_id)
    assert seen(room, DutyKind.REVIEW, WEST, LATE) == [("to_do", "close_review", 4, [WEST])]
    assert seen(room, DutyKind.REVIEW, EAST, LATE) == [("awaited", "close_review", 4, [WEST])]


def test_who_has_nothing_to_do_with_it_has_no_duties(room: ReviewRoom) -> None:
    room.request(room.open())
    assert listed(room, ELSEWHERE, LATE) == []
    said = StepDraft(EAST, PERSON, "另行发起")
    draft = reviews.ReviewDraft("E", None, "其他", said)
    reviews.open_review(room.database, room.act(), draft)
    assert seen(room, DutyKind.REVIEW, EAST, LATE) == []
