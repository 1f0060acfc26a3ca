"""Reviewing: a finding opens a review, requests ask for correction by a day, an outcome ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert

from ledger.desk import roster
from ledger.desk.acts import Act, Done, Queue, Recorder, Work, named_number, perform, queue_on
from ledger.desk.days import today
from ledger.desk.failures import choice_faults, refuse, text_faults
from ledger.desk.occurrences import day_faults
from ledger.desk.people import person_faults
from ledger.desk.reviews.faults import (
    TEXT_LENGTH_MAX,
    AnswerUnasked,
    ReviewClosed,
    ReviewUnanswered,
    refuse_unsuited,
)
from ledger.desk.reviews.reading import OUTCOMES, Review, StepKind, review
from ledger.evidence.canonical import Json
from ledger.rules.facts import Fault
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import review as review_table
from ledger_schema.tables import review_step


@dataclass(frozen=True, slots=True)
class StepDraft:
    """What a person of a party says; ``party_code`` names the party."""

    party_code: str
    person: str
    content: str


@dataclass(frozen=True, slots=True)
class ReviewDraft:
    """A review to open with its first finding; without ``other_party_code`` it is of one party by itself."""

    party_code: str
    other_party_code: str | None
    title: str
    finding: StepDraft


def open_review(database: Database, act: Act, draft: ReviewDraft) -> Done[int]:
    """Opens a review with a finding; returns its id.

    The reviewer must be a government of a province in which a reviewed party lies. Raises ``NotFound``,
    ``ReviewerUnsuited``, ``RequestRefused``.
    """
    refuse([*text_faults("title", draft.title), *_said_faults(draft.finding), *_pair_faults(draft)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        reviewer = roster.party_by_code(connection, draft.finding.party_code)
        party = roster.party_by_code(connection, draft.party_code)
        other = _other(connection, draft.other_party_code)
        refuse_unsuited(reviewer, [party] if other is None else [party, other])
        review_id = new_id()
        event_id = record("review_opened", {"review": str(review_id), **_described(draft)})
        connection.execute(
            insert(review_table).values(
                review_id=review_id,
                reviewer_party_id=reviewer.party_id,
                party_id=party.party_id,
                other_party_id=None if other is None else other.party_id,
                title=draft.title,
                event_id=event_id,
            )
        )
        _add_step(connection, review_id, 1, StepKind.FINDING, reviewer.party_id, draft.finding, event_id)
        return {"review": review_id}

    return named_number(perform(database, act, "open_review", _described(draft), work), "review")


def request_correction(
    database: Database, act: Act, review_id: int, said: StepDraft, addressed_code: str, due_day: date
) -> Done[int]:
    """Asks a reviewed party to correct something by a day; returns the step.

    Raises ``NotFound``, ``ReviewerUnsuited``, ``ReviewClosed``, ``RequestRefused``.
    """
    refuse([*_said_faults(said), *day_faults("dueDay", due_day)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        found = _held(connection, review_id)
        party_id = _reviewer(connection, found, said)
        addressed = roster.party_by_code(connection, addressed_code)
        if addressed.party_id not in (found.party_id, found.other_party_id):
            refuse([_not_reviewed(addressed_code)])
        step = len(found.steps) + 1
        more: dict[str, Json] = {"addressed": addressed_code, "due_day": due_day.isoformat()}
        event_id = record("review_requested", {**_named(review_id, step, said), **more})
        _add_step(
            connection,
            review_id,
            step,
            StepKind.REQUEST,
            party_id,
            said,
            event_id,
            addressed_party_id=addressed.party_id,
            due_day=due_day,
        )
        return {"step": step}

    more: dict[str, Json] = {"addressed": addressed_code, "due_day": due_day.isoformat()}
    return _perform(database, act, "request_correction", review_id, said, work, more)


def answer_review(database: Database, act: Act, review_id: int, said: StepDraft) -> Done[int]:
    """Answers the oldest request that waits for the party; returns the step.

    Raises ``NotFound``, ``ReviewClosed``, ``AnswerUnasked``, ``RequestRefused``.
    """
    refuse(_said_faults(said))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        found = _held(connection, review_id)
        party = roster.party_by_code(connection, said.party_code)
        if party.party_id not in [one.addressed_party_id for one in found.unanswered]:
            raise AnswerUnasked(review=review_id, party=said.party_code)
        step = len(found.steps) + 1
        event_id = record("review_answered", _named(review_id, step, said))
        _add_step(connection, review_id, step, StepKind.ANSWER, party.party_id, said, event_id)
        return {"step": step}

    return _perform(database, act, "answer_review", review_id, said, work, {})


def close_review(database: Database, act: Act, review_id: int, said: StepDraft, outcome: str) -> Done[int]:
    """Ends a review with its outcome; returns the step. A request that is still in time must be waited for.

    Raises ``NotFound``, ``ReviewerUnsuited``, ``ReviewClosed``, ``ReviewUnanswered``, ``RequestRefused``.
    """
    refuse([*_said_faults(said), *choice_faults("outcome", outcome, OUTCOMES)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        found = _held(connection, review_id)
        party_id = _reviewer(connection, found, said)
        _refuse_waiting(found, today(connection))
        step = len(found.steps) + 1
        event_id = record("review_closed", {**_named(review_id, step, said), "outcome": outcome})
        _add_step(connection, review_id, step, StepKind.OUTCOME, party_id, said, event_id, outcome=outcome)
        return {"step": step}

    return _perform(database, act, "close_review", review_id, said, work, {"outcome": outcome})


def _perform(
    database: Database,
    act: Act,
    kind: str,
    review_id: int,
    said: StepDraft,
    work: Work,
    more: Mapping[str, Json],
) -> Done[int]:
    request = {"review": str(review_id), **_said(said), **more}
    return named_number(perform(database, act, kind, request, work), "step")


def _held(connection: Connection, review_id: int) -> Review:
    """The review, which nobody changes meanwhile. Raises ``NotFound``, ``ReviewClosed``."""
    queue_on(connection, Queue.REVIEW, str(review_id))
    found = review(connection, review_id)
    if found.outcome is not None:
        raise ReviewClosed(review=review_id, outcome=found.outcome)
    return found


def _reviewer(connection: Connection, found: Review, said: StepDraft) -> int:
    """The reviewer's id, if it is the one who speaks; else any suited government of the same province."""
    reviewed = [found.party_id, *([] if found.other_party_id is None else [found.other_party_id])]
    speaker = roster.party_by_code(connection, said.party_code)
    refuse_unsuited(speaker, list(roster.parties_by_id(connection, reviewed).values()))
    return speaker.party_id


def _refuse_waiting(found: Review, day: date) -> None:
    for one in found.unanswered:
        if one.due_day is not None and day <= one.due_day:
            raise ReviewUnanswered(step=one.step, due_day=one.due_day)


def _other(connection: Connection, code: str | None) -> roster.Party | None:
    return None if code is None else roster.party_by_code(connection, code)


def _add_step(
    connection: Connection,
    review_id: int,
    step: int,
    kind: StepKind,
    party_id: int,
    said: StepDraft,
    event_id: int,
    **more: object,
) -> None:
    connection.execute(
        insert(review_step).values(
            review_id=review_id,
            step=step,
            kind=kind.value,
            party_id=party_id,
            person=said.person,
            content=said.content,
            event_id=event_id,
            **more,
        )
    )


def _said(said: StepDraft) -> dict[str, Json]:
    return {"party": said.party_code, "person": said.person, "content": said.content}


def _named(review_id: int, step: int, said: StepDraft) -> dict[str, Json]:
    return {"review": str(review_id), "step": step, **_said(said)}


def _described(draft: ReviewDraft) -> dict[str, Json]:
    return {
        "reviewed": draft.party_code,
        "with": draft.other_party_code,
        "title": draft.title,
        **_said(draft.finding),
    }


def _said_faults(said: StepDraft) -> list[Fault]:
    return [*person_faults("person", said.person), *content_faults("content", said.content)]


def content_faults(path: str, content: str) -> list[Fault]:
    """What is wrong with what is said: it may have several lines, and must have something in them."""
    printable = all(line.isprintable() for line in content.split("\n"))
    if printable and content.strip() and len(content) <= TEXT_LENGTH_MAX:
        return []
    return [
        Fault(
            path,
            "TEXT_UNUSABLE",
            f"Expected 1 to {TEXT_LENGTH_MAX} printable characters, but got {content[:40]!r}.",
            f"应为 1 至 {TEXT_LENGTH_MAX} 个可见字符，实际为 {content[:40]!r}。",
        )
    ]


def _pair_faults(draft: ReviewDraft) -> list[Fault]:
    if draft.party_code != draft.other_party_code:
        return []
    return [
        Fault(
            "otherParty",
            "PAIRED_WITH_ITSELF",
            f"Expected another party than {draft.party_code!r}.",
            f"应填写 {draft.party_code!r} 以外的主体。",
        )
    ]


def _not_reviewed(code: str) -> Fault:
    return Fault(
        "addressed",
        "PARTY_NOT_REVIEWED",
        f"Expected a party that the review is about, but got {code!r}.",
        f"应为该评估所涉及的主体，实际为 {code!r}。",
    )
