"""Reviews and evaluations: found, asked, answered, closed by a province; figures frozen on the day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from desk_fixtures import clause
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from review_room import EAST, ELSEWHERE, PERSON, WEST, ReviewRoom, open_review_room

from ledger.desk import days, reviews
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.reviews import (
    AnswerUnasked,
    ReviewClosed,
    ReviewDraft,
    ReviewerUnsuited,
    ReviewState,
    ReviewUnanswered,
    StepDraft,
)
from ledger.errors import LedgerError
from ledger.evidence.canonical import digest
from ledger_schema.sessions import Database

PAST = date(2024, 9, 30)
FAR = date(2999, 1, 1)


@pytest.fixture(scope="module")
def room(module_database_url: str) -> Iterator[ReviewRoom]:
    database = Database(module_database_url)
    yield open_review_room(database, clause())
    database.dispose()


def test_a_review_goes_from_its_finding_over_request_and_answer_to_its_outcome(room: ReviewRoom) -> None:
    review_id = room.open()
    assert room.review(review_id).state_on(PAST) is ReviewState.OPEN
    room.request(review_id, due_day=PAST)
    assert room.review(review_id).state_on(PAST) is ReviewState.ASKED
    assert room.review(review_id).state_on(PAST + timedelta(days=1)) is ReviewState.LATE
    room.answer(review_id)
    assert room.review(review_id).state_on(FAR) is ReviewState.OPEN
    room.close(review_id)
    closed = room.review(review_id)
    assert (closed.state_on(FAR), closed.outcome) == (ReviewState.CLOSED, "corrected")
    assert [one.kind.value for one in closed.steps] == ["finding", "request", "answer", "outcome"]
    with pytest.raises(ReviewClosed):
        room.request(review_id)


@pytest.mark.parametrize("by", [ELSEWHERE, "W"])
def test_only_a_government_of_a_reviewed_province_reviews(room: ReviewRoom, by: str) -> None:
    with pytest.raises(ReviewerUnsuited):
        room.open(by=by)
    with pytest.raises(ReviewerUnsuited):
        room.evaluate(by=by)
    review_id = room.open(by=EAST)
    with pytest.raises(ReviewerUnsuited):
        room.close(review_id, by=by)


def test_a_zone_is_reviewed_by_its_own_province_alone(room: ReviewRoom) -> None:
    assert room.review(room.open(by=EAST, party="E", other=None)).other_party_id is None
    with pytest.raises(ReviewerUnsuited):
        room.open(by=WEST, party="E", other=None)


def test_a_government_does_not_review_itself(room: ReviewRoom) -> None:
    with pytest.raises(ReviewerUnsuited):
        room.open(by=WEST, party=WEST, other="E")


def test_who_was_not_asked_has_nothing_to_answer(room: ReviewRoom) -> None:
    review_id = room.open()
    with pytest.raises(AnswerUnasked):
        room.answer(review_id)
    room.request(review_id, "W")
    with pytest.raises(AnswerUnasked):
        room.answer(review_id, "E")
    with pytest.raises(RequestRefused) as refused:
        room.request(review_id, ELSEWHERE)
    assert [fault.code for fault in refused.value.faults] == ["PARTY_NOT_REVIEWED"]


def test_an_outcome_waits_for_an_answer_until_the_day_is_over(room: ReviewRoom) -> None:
    review_id = room.open()
    room.request(review_id, due_day=FAR)
    with pytest.raises(ReviewUnanswered):
        room.close(review_id)
    late = room.open()
    room.request(late, due_day=PAST)
    room.close(late, "not_corrected")
    assert room.review(late).outcome == "not_corrected"


def test_what_cannot_be_said_is_refused_with_every_fault(room: ReviewRoom) -> None:
    draft = ReviewDraft("W", "W", " ", StepDraft(WEST, "", "\x00"))
    with pytest.raises(RequestRefused) as refused:
        reviews.open_review(room.database, room.act(), draft)
    assert [fault.path for fault in refused.value.faults] == ["title", "person", "content", "otherParty"]
    with pytest.raises(NotFound):
        room.review(1)


def test_reviews_are_listed_for_everybody_they_are_by_or_about(room: ReviewRoom) -> None:
    review_id = room.open()
    with room.database.reading() as connection:
        found = room.review(review_id)
        for party_id in (found.party_id, found.other_party_id, found.reviewer_party_id):
            page = reviews.reviews(connection, party_id=party_id, limit=200)
            assert review_id in [one.review_id for one in page.items]


def test_an_evaluation_keeps_the_figures_of_its_day_whatever_comes_later(database_url: str) -> None:
    database = Database(database_url)
    room = open_review_room(database, clause())
    room.room.settle("2024Q1", "100.00")
    room.evaluate("partly")
    with database.reading() as connection:
        (first,) = reviews.evaluations(connection, room.room.agreement_id)
        day = days.today(connection)
    room.room.settle("2024Q2", "300.00")
    room.room.confirm(room.room.record("done"))
    assert room.evaluate("kept") == 2
    with database.reading() as connection:
        again, second = reviews.evaluations(connection, room.room.agreement_id)
    database.dispose()
    assert again == first
    assert digest(again.figures) == again.figures_hash
    figures, later = json.loads(first.figures), json.loads(second.figures)
    assert (figures["agreement"], figures["day"]) == ("PAIRED", day.isoformat())
    assert [(one["quarter"], one["amount"]) for one in figures["flows"]] == [("2024Q1", "50.00")]
    assert [(one["quarter"], one["amount"]) for one in later["flows"]] == [
        ("2024Q1", "50.00"),
        ("2024Q2", "150.00"),
    ]
    assert [one["state"] for one in figures["commitments"] + later["commitments"]] == [
        "overdue",
        "confirmed",
    ]


@pytest.mark.parametrize(("year", "verdict"), [(2998, "kept"), (1948, "kept"), (2024, "well")])
def test_an_evaluation_is_of_a_year_that_has_begun_and_has_one_of_three_verdicts(
    room: ReviewRoom, year: int, verdict: str
) -> None:
    with pytest.raises(RequestRefused):
        room.evaluate(verdict, year)


acts = st.sampled_from(["request_w", "request_e", "answer_w", "answer_e", "close"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=st.lists(acts, max_size=7))
def test_whatever_is_done_a_review_is_what_a_simple_account_of_it_says(
    room: ReviewRoom, taken: list[str]
) -> None:
    review_id = room.open()
    asked: list[str] = []
    closed = False
    for act in taken:
        what, _, party = act.partition("_")
        try:
            if what == "request":
                room.request(review_id, party.upper())
            elif what == "answer":
                room.answer(review_id, party.upper())
            else:
                room.close(review_id)
        except LedgerError:
            assert closed or (what == "answer" and party not in asked)
            continue
        assert not closed
        if what == "request":
            asked.append(party)
        elif what == "answer":
            asked.remove(party)
        else:
            closed = True
    found = room.review(review_id)
    assert len(found.unanswered) == len(asked)
    expected = ReviewState.CLOSED if closed else ReviewState.LATE if asked else ReviewState.OPEN
    assert found.state_on(FAR) is expected
    assert all(one.person in (PERSON, "张三") for one in found.steps)
