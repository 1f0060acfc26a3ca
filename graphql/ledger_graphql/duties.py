"""What a party has to do by when: steps of quarters, commitments and reviews in one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import strawberry

from ledger.desk import duties as desk_duties
from ledger.desk import reviews, roster
from ledger.desk.agreements import Agreement as AgreementRecord
from ledger.desk.calendar import WorkItem
from ledger.desk.duties import ACTION_NAMES, Action, CommitmentWork, DutyKey, DutyKind, ReviewWork
from ledger.periods import DayUnreadable, Quarter, parse_day
from ledger_graphql.agreements import Agreement, agreement_nodes
from ledger_graphql.calendar import RoleStep, Today, day_asked, role_step_node
from ledger_graphql.commitments import AgreementCommitment, DaysAhead, commitment_node, day_ahead
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    CursorKey,
    CursorUnreadable,
    First,
    connection,
    key_from,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.reviews import Review, review_nodes
from ledger_graphql.statements import BilingualText
from ledger_graphql.worklists import Task

MUTATIONS: Mapping[Action, str] = {
    Action.HAND_IN: "handInReturn",
    Action.CERTIFY: "certifyReturn",
    Action.SETTLE_DIFFERENCES: "explainDifference",
    Action.SIGN: "signSettlement",
    Action.PAY: "recordPayment",
    Action.RECORD_COMMITMENT: "recordCommitment",
    Action.CONFIRM_COMMITMENT: "confirmCommitment",
    Action.ANSWER_REVIEW: "answerReview",
    Action.CLOSE_REVIEW: "closeReview",
}
"""The mutation that a client begins with."""

SHAPES: Mapping[DutyKind, Sequence[type[str | int]]] = {
    DutyKind.COMMITMENT: (str, str),
    DutyKind.REVIEW: (int, int),
    DutyKind.STEP: (str, int, int, str),
}
"""Of each kind, the rest of a key after the due day and the kind."""


@strawberry.type(description="Who has to act.")
class DutyActor:
    role: str | None = strawberry.field(description="The role in the agreement; null in a review.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("The party.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.interface(description="Something that a party has to do or waits for by a day.")
class Duty:
    due_day: date = strawberry.field(description="The last day on which it is in time.")
    late_days: int = strawberry.field(description="Days since the due day; 0 in time.")
    task: Task = strawberry.field(description="What the party has to do with it.")
    to_do: BilingualText = strawberry.field(description="What is to be done.")
    mutation: str = strawberry.field(description="The mutation that begins it.")
    actors: list[DutyActor] = strawberry.field(
        description="Who has to act; a commitment is recorded by any one of them."
    )
    link_id: strawberry.ID = strawberry.field(
        description="Global id of the agreement or review that it is about, for node(id)."
    )


@strawberry.type(description="A step of a quarter.")
class StepDuty(Duty):
    agreement: Agreement = strawberry.field(description="The agreement.")
    quarter: Quarter = strawberry.field(description="The quarter.")
    step: RoleStep = strawberry.field(description="The step, and who holds it up.")


@strawberry.type(description="A commitment to keep and record, or whose record is to be confirmed.")
class CommitmentDuty(Duty):
    agreement: Agreement = strawberry.field(description="The agreement.")
    commitment: AgreementCommitment = strawberry.field(description="The commitment.")


@strawberry.type(description="A request for correction to answer, or a review to close.")
class ReviewDuty(Duty):
    review: Review = strawberry.field(description="The review.")
    request: int | None = strawberry.field(
        description="The step of the request that waits for its answer; null where the review is to be "
        "closed."
    )


DUTY_TYPES = (StepDuty, CommitmentDuty, ReviewDuty)


@strawberry.type
class DutyQueries:
    @resolved(
        "Everything that a party has to do or waits for by due day: steps of quarters, commitments and "
        "reviews."
    )
    def duties(
        self,
        info: Info,
        party: Annotated[str, strawberry.argument(description="The party's code.")],
        today: Today = None,
        days_ahead: DaysAhead = desk_duties.DAYS_AHEAD,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Duty]:
        desk = info.context
        day = day_asked(desk, today)
        page = desk_duties.duties(
            desk.snapshot,
            roster.party_by_code(desk.snapshot, party).party_id,
            day,
            day_ahead(day, days_ahead),
            after=_duty_key(after),
            limit=first,
        )
        shown = _Shown(desk, page.items)
        nodes = [shown.node(one) for one in page.items]
        keys = [_cursor_key(one.key) for one in page.items]
        return connection(nodes, keys, has_next=page.has_next, after=after)


class _Shown:
    """The duties of one page as the API shows them; what they are about is loaded for all together."""

    def __init__(self, desk: Desk, page: Sequence[desk_duties.Duty]) -> None:
        agreements: dict[int, AgreementRecord] = {}
        found: dict[int, reviews.Review] = {}
        for one in page:
            if isinstance(one.work, ReviewWork):
                found[one.work.review.review_id] = one.work.review
            else:
                agreements[one.work.agreement.agreement_id] = one.work.agreement
        actors = {actor.party_id for one in page for actor in one.actors}
        sides = {side.party_id for each in agreements.values() for side in each.parties}
        self._parties = party_batch(desk, actors | sides)
        self._agreements = dict(
            zip(agreements, agreement_nodes(desk, list(agreements.values())), strict=True)
        )
        self._reviews = dict(zip(found, review_nodes(desk, list(found.values())), strict=True))

    def node(self, one: desk_duties.Duty) -> Duty:
        match one.work:
            case ReviewWork(review, request):
                review_node = self._reviews[review.review_id]
                return ReviewDuty(**self._common(one, review_node.id), review=review_node, request=request)
            case CommitmentWork(agreement, commitment):
                node = self._agreements[agreement.agreement_id]
                shown = commitment_node(commitment)
                return CommitmentDuty(**self._common(one, node.id), agreement=node, commitment=shown)
            case WorkItem() as item:
                node = self._agreements[item.agreement.agreement_id]
                roles = {side.role: side.party_id for side in item.agreement.parties}
                step = role_step_node(item.step, roles, self._parties)
                return StepDuty(**self._common(one, node.id), agreement=node, quarter=item.quarter, step=step)

    def _common(self, one: desk_duties.Duty, link_id: strawberry.ID) -> dict[str, Any]:
        zh, en = ACTION_NAMES[one.action]
        return {
            "due_day": one.key.due,
            "late_days": one.late_days,
            "task": Task(one.task.value),
            "to_do": BilingualText(zh=zh, en=en),
            "mutation": MUTATIONS[one.action],
            "actors": [
                DutyActor(role=actor.role, party_id=actor.party_id, parties=self._parties)
                for actor in one.actors
            ],
            "link_id": link_id,
        }


def _cursor_key(key: DutyKey) -> CursorKey:
    return key.due.isoformat(), key.kind.value, *key.rest


def _duty_key(after: str | None) -> DutyKey | None:
    """The key of a place in the list. Raises ``CursorUnreadable``."""
    if after is None:
        return None
    try:
        due, kind, *rest = key_from(after)
        key = DutyKey(parse_day(str(due)), DutyKind(str(kind)), tuple(rest))
    except (ValueError, DayUnreadable):
        raise CursorUnreadable(cursor=after) from None
    if [type(part) for part in key.rest] != list(SHAPES[key.kind]):
        raise CursorUnreadable(cursor=after)
    return key
