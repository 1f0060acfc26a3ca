"""Reviews and evaluations, as the API shows and takes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import reviews
from ledger.desk.reviews import EvaluationDraft, ReviewDraft, StepDraft
from ledger_graphql.agreements import agreement_id_of
from ledger_graphql.calendar import day_asked
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    IdUnreadable,
    Node,
    connection,
    global_id,
    number_key,
    split_id,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import IdempotencyKeyReused, InvalidInput, NotFound, Refused, WrongState
from ledger_graphql.fields import INPUT, REPLAYED, mutation, resolved
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION
from ledger_graphql.parties import Party, PartyBatch, party_batch, party_id_of
from ledger_graphql.scalars import Hash, Json


@strawberry.enum(
    description="OPEN: nothing waits; ASKED: a request waits for its answer; LATE: the same after its day; "
    "CLOSED: it has its outcome."
)
class ReviewState(Enum):
    OPEN = "open"
    ASKED = "asked"
    LATE = "late"
    CLOSED = "closed"


@strawberry.enum(description="FINDING 发现, REQUEST 整改要求, ANSWER 答复, OUTCOME 结论.")
class ReviewStepKind(Enum):
    FINDING = "finding"
    REQUEST = "request"
    ANSWER = "answer"
    OUTCOME = "outcome"


@strawberry.enum(description="CORRECTED 已整改, ACCEPTED 予以认可, NOT_CORRECTED 未整改.")
class ReviewOutcome(Enum):
    CORRECTED = "corrected"
    ACCEPTED = "accepted"
    NOT_CORRECTED = "not_corrected"


@strawberry.enum(description="KEPT 履约, PARTLY 部分履约, NOT_KEPT 未履约.")
class Verdict(Enum):
    KEPT = "kept"
    PARTLY = "partly"
    NOT_KEPT = "not_kept"


@strawberry.type(description="One thing said in a review. Nothing said is ever changed.")
class ReviewStep:
    step: int = strawberry.field(description="From 1 up.")
    kind: ReviewStepKind = strawberry.field(description="What it is.")
    person: str = strawberry.field(description="Who said it.")
    content: str = strawberry.field(description="What was said.")
    due_day: date | None = strawberry.field(description="Of a request: by when it is to be answered.")
    outcome: ReviewOutcome | None = strawberry.field(description="Of the last step: how the review ended.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    record: strawberry.Private[reviews.ReviewStep]
    parties: strawberry.Private[PartyBatch]

    @resolved("The party whose person said it.")
    def party(self) -> Party:
        return self.parties[self.record.party_id]

    @resolved("Of a request: who is to answer.")
    def addressed(self) -> Party | None:
        party_id = self.record.addressed_party_id
        return None if party_id is None else self.parties[party_id]


@strawberry.type(description="A province's review of a party, or of the pairing of two.")
class Review(Node):
    title: str = strawberry.field(description="What it is about.")
    state: ReviewState = strawberry.field(description="How it stands today.")
    outcome: ReviewOutcome | None = strawberry.field(description="How it ended; null while it is open.")
    steps: list[ReviewStep] = strawberry.field(description="Everything said, in order.")
    recorded_at: datetime = strawberry.field(description="When it was opened.")
    record: strawberry.Private[reviews.Review]
    parties: strawberry.Private[PartyBatch]

    @resolved("The government that opened it.")
    def reviewer(self) -> Party:
        return self.parties[self.record.reviewer_party_id]

    @resolved("The party that it is about.")
    def party(self) -> Party:
        return self.parties[self.record.party_id]

    @resolved("The other party of the pairing; null where it is about one party by itself.")
    def other_party(self) -> Party | None:
        party_id = self.record.other_party_id
        return None if party_id is None else self.parties[party_id]


@strawberry.type(description="A province's evaluation of an agreement for a year.")
class Evaluation:
    year: int = strawberry.field(description="The year.")
    sequence: int = strawberry.field(
        description="From 1 up; a later one of the same reviewer takes its place."
    )
    verdict: Verdict = strawberry.field(description="How the agreement was kept.")
    remark: str = strawberry.field(description="In words.")
    person: str = strawberry.field(description="Who evaluated.")
    known_at: datetime = strawberry.field(description="The moment as of which the figures were known.")
    figures: Json = strawberry.field(
        description="What was known then: flows, credits by book, debts and commitments. Never changes."
    )
    figures_hash: Hash = strawberry.field(description="SHA-256 of the figures' RFC 8785 JSON.")
    reviewer_party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("The government that evaluated.")
    def reviewer(self) -> Party:
        return self.parties[self.reviewer_party_id]


PARTY_SAYS = "Code of the party whose person speaks."
CONTENT_SAYS = "What is said, 1 to 4,000 characters."
REVIEW_ID = "The review's id."


@strawberry.input(description="A finding that opens a review.")
class OpenReviewInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    reviewer: str = strawberry.field(
        description="Code of a government of a province in which a reviewed party lies."
    )
    party: str = strawberry.field(description="Code of the reviewed party.")
    other_party: str | None = strawberry.field(
        default=None, description="Code of the other party, to review the pairing of the two."
    )
    title: str = strawberry.field(description="What it is about, one line.")
    content: str = strawberry.field(description="The finding, 1 to 4,000 characters.")


@strawberry.input(description="A request to correct something.")
class RequestCorrectionInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    review: strawberry.ID = strawberry.field(description=REVIEW_ID)
    party: str = strawberry.field(description=PARTY_SAYS)
    content: str = strawberry.field(description=CONTENT_SAYS)
    addressed: str = strawberry.field(description="Code of the reviewed party that is to answer.")
    due_day: date = strawberry.field(description="By when.")


@strawberry.input(description="An answer to the oldest request that waits for the party.")
class AnswerReviewInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    review: strawberry.ID = strawberry.field(description=REVIEW_ID)
    party: str = strawberry.field(description=PARTY_SAYS)
    content: str = strawberry.field(description=CONTENT_SAYS)


@strawberry.input(description="The outcome that ends a review.")
class CloseReviewInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    review: strawberry.ID = strawberry.field(description=REVIEW_ID)
    party: str = strawberry.field(description=PARTY_SAYS)
    content: str = strawberry.field(description=CONTENT_SAYS)
    outcome: ReviewOutcome = strawberry.field(description="How it ends.")


@strawberry.input(description="How an agreement was kept in a year.")
class EvaluateAgreementInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    reviewer: str = strawberry.field(
        description="Code of a government of a province in which a party of the agreement lies."
    )
    year: int = strawberry.field(description="The year, which must have begun.")
    verdict: Verdict = strawberry.field(description="How it was kept.")
    remark: str = strawberry.field(description="In words, 1 to 4,000 characters.")


@strawberry.type(description="A review was opened, or something was said in it.")
class ReviewSuccess:
    review: Review = strawberry.field(description="The review as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="An agreement was evaluated.")
class EvaluationSuccess:
    evaluations: list[Evaluation] = strawberry.field(description="Every evaluation of the agreement.")
    replayed: bool = strawberry.field(description=REPLAYED)


OpenReviewResult = Annotated[
    ReviewSuccess | InvalidInput | IdempotencyKeyReused | NotFound | Refused,
    strawberry.union("OpenReviewResult", description="What came of opening a review."),
]
RequestCorrectionResult = Annotated[
    ReviewSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("RequestCorrectionResult", description="What came of asking for correction."),
]
AnswerReviewResult = Annotated[
    ReviewSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("AnswerReviewResult", description="What came of answering."),
]
CloseReviewResult = Annotated[
    ReviewSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("CloseReviewResult", description="What came of ending a review."),
]
EvaluateAgreementResult = Annotated[
    EvaluationSuccess | InvalidInput | IdempotencyKeyReused | NotFound | Refused,
    strawberry.union("EvaluateAgreementResult", description="What came of evaluating an agreement."),
]


@strawberry.type
class ReviewMutations:
    @mutation("Open a review of a party, or of the pairing of two, with a finding.")
    def open_review(self, info: Info, input: Annotated[OpenReviewInput, INPUT]) -> OpenReviewResult:
        desk = info.context
        finding = StepDraft(input.reviewer, desk.person, input.content)
        draft = ReviewDraft(input.party, input.other_party, input.title, finding)
        done = reviews.open_review(desk.database, desk.act(input.idempotency_key), draft)
        return _success(desk, done.value, replayed=done.replayed)

    @mutation("Ask a reviewed party to correct something by a day.")
    def request_correction(
        self, info: Info, input: Annotated[RequestCorrectionInput, INPUT]
    ) -> RequestCorrectionResult:
        desk = info.context
        review_id = _review_id(input.review)
        said = StepDraft(input.party, desk.person, input.content)
        act = desk.act(input.idempotency_key)
        done = reviews.request_correction(desk.database, act, review_id, said, input.addressed, input.due_day)
        return _success(desk, review_id, replayed=done.replayed)

    @mutation("Answer the oldest request that waits for the party.")
    def answer_review(self, info: Info, input: Annotated[AnswerReviewInput, INPUT]) -> AnswerReviewResult:
        desk = info.context
        review_id = _review_id(input.review)
        said = StepDraft(input.party, desk.person, input.content)
        done = reviews.answer_review(desk.database, desk.act(input.idempotency_key), review_id, said)
        return _success(desk, review_id, replayed=done.replayed)

    @mutation("End a review with its outcome.")
    def close_review(self, info: Info, input: Annotated[CloseReviewInput, INPUT]) -> CloseReviewResult:
        desk = info.context
        review_id = _review_id(input.review)
        said = StepDraft(input.party, desk.person, input.content)
        act = desk.act(input.idempotency_key)
        done = reviews.close_review(desk.database, act, review_id, said, input.outcome.value)
        return _success(desk, review_id, replayed=done.replayed)

    @mutation("Evaluate how an agreement was kept in a year; the figures known now are kept with it.")
    def evaluate_agreement(
        self, info: Info, input: Annotated[EvaluateAgreementInput, INPUT]
    ) -> EvaluateAgreementResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        draft = EvaluationDraft(input.reviewer, desk.person, input.year, input.verdict.value, input.remark)
        act = desk.act(input.idempotency_key)
        done = reviews.evaluate_agreement(desk.database, act, agreement_id, draft)
        return EvaluationSuccess(evaluations=_evaluations(desk, agreement_id), replayed=done.replayed)


@strawberry.type
class ReviewQueries:
    @resolved("Reviews in the order in which they were opened: all, or those by or about a party.")
    def reviews(
        self,
        info: Info,
        party: Annotated[str | None, strawberry.argument(description="The party's code.")] = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Review]:
        desk = info.context
        page = reviews.reviews(
            desk.snapshot, party_id=party_id_of(desk, party), after=number_key(after), limit=first
        )
        nodes = review_nodes(desk, page.items)
        keys = [(one.review_id,) for one in page.items]
        return connection(nodes, keys, has_next=page.has_next, after=after)

    @resolved("Every evaluation of an agreement, by year.")
    def evaluations(
        self,
        info: Info,
        agreement: Annotated[str, strawberry.argument(description="The agreement's code.")],
    ) -> list[Evaluation]:
        desk = info.context
        return _evaluations(desk, agreement_id_of(desk, agreement))


def _review_id(text: str) -> int:
    kind, numbers = split_id(text)
    if kind != "Review":
        raise IdUnreadable(text=text, expected="Review")
    return numbers[-1]


def _success(desk: Desk, review_id: int, *, replayed: bool) -> ReviewSuccess:
    found = reviews.review(desk.snapshot, review_id)
    return ReviewSuccess(review=review_nodes(desk, [found])[0], replayed=replayed)


def review_nodes(desk: Desk, found: Sequence[reviews.Review]) -> list[Review]:
    """What the API shows of reviews; the parties that they name are loaded for all together."""
    named = {
        party_id
        for one in found
        for party_id in (
            one.reviewer_party_id,
            one.party_id,
            one.other_party_id,
            *(step.party_id for step in one.steps),
            *(step.addressed_party_id for step in one.steps),
        )
        if party_id is not None
    }
    parties, today = party_batch(desk, named), day_asked(desk, None)
    return [
        Review(
            id=global_id("Review", one.review_id),
            title=one.title,
            state=ReviewState(one.state_on(today).value),
            outcome=None if one.outcome is None else ReviewOutcome(one.outcome),
            steps=[_step(step, parties) for step in one.steps],
            recorded_at=one.recorded_at,
            record=one,
            parties=parties,
        )
        for one in found
    ]


def _step(one: reviews.ReviewStep, parties: PartyBatch) -> ReviewStep:
    return ReviewStep(
        step=one.step,
        kind=ReviewStepKind(one.kind.value),
        person=one.person,
        content=one.content,
        due_day=one.due_day,
        outcome=None if one.outcome is None else ReviewOutcome(one.outcome),
        recorded_at=one.recorded_at,
        record=one,
        parties=parties,
    )


def _evaluations(desk: Desk, agreement_id: int) -> list[Evaluation]:
    found = reviews.evaluations(desk.snapshot, agreement_id)
    parties = party_batch(desk, {one.reviewer_party_id for one in found})
    return [
        Evaluation(
            year=one.year,
            sequence=one.sequence,
            verdict=Verdict(one.verdict),
            remark=one.remark,
            person=one.person,
            known_at=one.known_at,
            figures=Json(json.loads(one.figures)),
            figures_hash=Hash(one.figures_hash),
            reviewer_party_id=one.reviewer_party_id,
            parties=parties,
        )
        for one in found
    ]
