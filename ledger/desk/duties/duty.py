"""One thing that somebody has to do by a day. Nothing is read here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from ledger.desk.agreements import Agreement
from ledger.desk.calendar import Task, WorkItem
from ledger.desk.commitments import Commitment
from ledger.desk.duties.actions import STEP_ACTIONS, Action
from ledger.desk.reviews import Review


class DutyKind(StrEnum):
    COMMITMENT = "commitment"
    REVIEW = "review"
    STEP = "step"


class DutyKey(NamedTuple):
    """The place of a duty in its list: by due day first; the rest names it among those of its kind."""

    due: date
    kind: DutyKind
    rest: tuple[str | int, ...]


class Actor(NamedTuple):
    """Who has to act: a party, in a role of the agreement where it is one's."""

    party_id: int
    role: str | None


@dataclass(frozen=True, slots=True)
class CommitmentWork:
    """A commitment that is to be kept, or whose record is to be confirmed."""

    agreement: Agreement
    commitment: Commitment


@dataclass(frozen=True, slots=True)
class ReviewWork:
    """A review with the step of the request that waits for an answer; None once the reviewer is to close."""

    review: Review
    request: int | None


Work: TypeAlias = WorkItem | CommitmentWork | ReviewWork


@dataclass(frozen=True, slots=True)
class Duty:
    """What ``actors`` have to do, as one party sees it; any one of them does it for all.

    ``late_days`` counts from the due day; 0 in time.
    """

    key: DutyKey
    task: Task
    late_days: int
    action: Action
    actors: tuple[Actor, ...]
    work: Work


def of_step(item: WorkItem) -> Duty:
    """A step of a quarter."""
    step, key = item.step, item.key
    return Duty(
        key=DutyKey(key.due, DutyKind.STEP, (key.agreement_code, key.quarter.code, key.place, key.role)),
        task=item.task,
        late_days=step.late_days,
        action=STEP_ACTIONS[step.step],
        actors=_in_roles(item.agreement, [step.role]),
        work=item,
    )


def of_commitment(agreement: Agreement, one: Commitment, due: date, party_id: int, today: date) -> Duty:
    """A commitment: its makers keep and record it, then the others who sign confirm the record."""
    newest = one.records[-1] if one.records else None
    if newest is None or newest.kind == "progress":
        action, roles = Action.RECORD_COMMITMENT, list(one.promise.by)
    else:
        signing = [side.role for side in agreement.parties if side.signs]
        action = Action.CONFIRM_COMMITMENT
        roles = [role for role in signing if role not in newest.confirmed_by]
    actors = _in_roles(agreement, roles)
    return Duty(
        key=DutyKey(due, DutyKind.COMMITMENT, (agreement.code, one.promise.code)),
        task=_task(actors, party_id),
        late_days=_late_days(due, today),
        action=action,
        actors=actors,
        work=CommitmentWork(agreement, one),
    )


def of_review(review: Review, party_id: int, today: date) -> Iterator[Duty]:
    """Answers that the review waits for; once none is waited for in time, its closing by who asked last.

    A closing counts from the last day on which an answer was due.
    """
    unanswered = [(one, one.due_day, one.addressed_party_id) for one in review.unanswered]
    for request, due, addressed in unanswered:
        if due is not None and addressed is not None:
            asked = Actor(addressed, None)
            yield _review_duty(review, request.step, due, Action.ANSWER_REVIEW, asked, party_id, today)
    days = [one.due_day for one in review.requests if one.due_day is not None]
    if all(due is not None and due < today for _, due, _ in unanswered):
        reviewer = Actor(review.requests[-1].party_id, None)
        yield _review_duty(review, None, max(days), Action.CLOSE_REVIEW, reviewer, party_id, today)


def _review_duty(
    review: Review, request: int | None, due: date, action: Action, actor: Actor, party_id: int, today: date
) -> Duty:
    return Duty(
        key=DutyKey(due, DutyKind.REVIEW, (review.review_id, request or 0)),
        task=_task((actor,), party_id),
        late_days=_late_days(due, today),
        action=action,
        actors=(actor,),
        work=ReviewWork(review, request),
    )


def _in_roles(agreement: Agreement, roles: list[str]) -> tuple[Actor, ...]:
    party_ids = {side.role: side.party_id for side in agreement.parties}
    return tuple(Actor(party_ids[role], role) for role in roles)


def _task(actors: tuple[Actor, ...], party_id: int) -> Task:
    return Task.TO_DO if party_id in {one.party_id for one in actors} else Task.AWAITED


def _late_days(due: date, today: date) -> int:
    return max(0, (today - due).days)
