"""Reading reviews: every step in order, and how a review stands on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, true

from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger_schema.tables import review as review_table
from ledger_schema.tables import review_step

OUTCOMES = ("corrected", "accepted", "not_corrected")
"""已整改, 予以认可, 未整改."""


class StepKind(StrEnum):
    FINDING = "finding"
    REQUEST = "request"
    ANSWER = "answer"
    OUTCOME = "outcome"


class ReviewState(StrEnum):
    OPEN = "open"
    """Findings, and no request that waits."""
    ASKED = "asked"
    """A request waits for its answer."""
    LATE = "late"
    """The same, after its day."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One thing said; ``addressed_party_id`` and ``due_day`` are a request's, ``outcome`` the last step's."""

    step: int
    kind: StepKind
    party_id: int
    person: str
    content: str
    addressed_party_id: int | None
    due_day: date | None
    outcome: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """A review of a party, or with ``other_party_id`` of the pairing of two."""

    review_id: int
    reviewer_party_id: int
    party_id: int
    other_party_id: int | None
    title: str
    recorded_at: datetime
    steps: list[ReviewStep]

    @property
    def outcome(self) -> str | None:
        return self.steps[-1].outcome

    @property
    def requests(self) -> list[ReviewStep]:
        return [one for one in self.steps if one.kind is StepKind.REQUEST]

    @property
    def unanswered(self) -> list[ReviewStep]:
        """Requests that nobody has answered: the party that was asked answers the oldest first."""
        waiting: list[ReviewStep] = []
        for one in self.steps:
            if one.kind is StepKind.REQUEST:
                waiting.append(one)
            elif one.kind is StepKind.ANSWER:
                asked = next(each for each in waiting if each.addressed_party_id == one.party_id)
                waiting.remove(asked)
        return waiting

    def state_on(self, day: date) -> ReviewState:
        if self.outcome is not None:
            return ReviewState.CLOSED
        due = [one.due_day for one in self.unanswered if one.due_day is not None]
        if not due:
            return ReviewState.OPEN
        return ReviewState.LATE if min(due) < day else ReviewState.ASKED


def review(connection: Connection, review_id: int) -> Review:
    """One review. Raises ``NotFound``."""
    rows = connection.execute(select(review_table).where(review_table.c.review_id == review_id)).all()
    if not rows:
        raise NotFound("review", review_id)
    return _reviews(connection, rows)[0]


def reviews(
    connection: Connection, *, party_id: int | None = None, after: int | None = None, limit: int = PAGE_LIMIT
) -> Page[Review]:
    """Reviews in the order in which they were opened: all, or those by or about a party."""
    columns = review_table.c
    about = (columns.party_id, columns.other_party_id, columns.reviewer_party_id)
    rows = connection.execute(
        select(review_table)
        .where(
            true() if party_id is None else or_(*(column == party_id for column in about)),
            true() if after is None else columns.review_id > after,
        )
        .order_by(columns.review_id)
        .limit(rows_to_read(limit))
    ).all()
    found = {one.review_id: one for one in _reviews(connection, rows)}
    return page_of(rows, limit, lambda row: found[row.review_id])


def pending_reviews(connection: Connection, party_id: int) -> list[Review]:
    """Open reviews that a request was made in, by or about the party, or made or answered by it."""
    columns, steps = review_table.c, review_step.alias("said")
    of_review = select(steps.c.step).where(steps.c.review_id == columns.review_id)
    by_party = of_review.where(or_(steps.c.party_id == party_id, steps.c.addressed_party_id == party_id))
    about = (columns.party_id, columns.other_party_id, columns.reviewer_party_id)
    rows = connection.execute(
        select(review_table)
        .where(
            or_(*(column == party_id for column in about), by_party.exists()),
            of_review.where(steps.c.kind == StepKind.REQUEST.value).exists(),
            ~of_review.where(steps.c.kind == StepKind.OUTCOME.value).exists(),
        )
        .order_by(columns.review_id)
    ).all()
    return _reviews(connection, rows)


def reviews_by_id(connection: Connection, review_ids: Sequence[int]) -> dict[int, Review]:
    """The reviews with these ids; those that there are none of are left out."""
    wanted = select(review_table).where(review_table.c.review_id == func.any(list(review_ids)))
    return {one.review_id: one for one in _reviews(connection, connection.execute(wanted).all())}


def _reviews(connection: Connection, rows: Sequence[Row[Any]]) -> list[Review]:
    steps: defaultdict[int, list[ReviewStep]] = defaultdict(list)
    said = connection.execute(
        select(review_step)
        .where(review_step.c.review_id == func.any([row.review_id for row in rows]))
        .order_by(review_step.c.review_id, review_step.c.step)
    )
    for row in said:
        steps[row.review_id].append(
            ReviewStep(
                row.step,
                StepKind(row.kind),
                row.party_id,
                row.person,
                row.content,
                row.addressed_party_id,
                row.due_day,
                row.outcome,
                row.recorded_at,
            )
        )
    return [
        Review(
            row.review_id,
            row.reviewer_party_id,
            row.party_id,
            row.other_party_id,
            row.title,
            row.recorded_at,
            steps[row.review_id],
        )
        for row in rows
    ]
