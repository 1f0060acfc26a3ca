"""The sample's reviews: what a province found, asked for and was answered, and its yearly evaluations."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from ledger.desk import reviews
from ledger.desk.reviews import EvaluationDraft, ReviewDraft, StepDraft
from ledger_console.sample.acting import act
from ledger_console.sample.documents import Part
from ledger_schema.sessions import Database


class SampleRequest(Part):
    """Something that a party is asked to correct by a day; without an answer it waits."""

    addressed: str
    due_day: date
    content: str
    answer: str | None = None
    answered_by: str = ""


class SampleReview(Part):
    """A review of a party, or of its pairing with another; without an outcome it is open."""

    party: str
    other_party: str | None
    title: str
    finding: str
    requests: tuple[SampleRequest, ...]
    outcome: Literal["corrected", "accepted", "not_corrected"] | None = None
    conclusion: str = ""


class SampleEvaluation(Part):
    year: int
    verdict: Literal["kept", "partly", "not_kept"]
    remark: str


class SampleReviews(Part):
    """What one person of a province does about an agreement and its parties."""

    agreement: str
    reviewer: str
    person: str
    reviews: tuple[SampleReview, ...]
    evaluations: tuple[SampleEvaluation, ...]


@cache
def sample_reviews() -> SampleReviews:
    """The document."""
    return SampleReviews.model_validate_json((files(__package__) / "reviews.json").read_bytes())


def load_reviews(database: Database, code: str, agreement_id: int) -> None:
    """Whatever of the agreement's reviews and evaluations isn't there yet; of most there are none."""
    document = sample_reviews()
    if document.agreement != code:
        return
    for number, review in enumerate(document.reviews, start=1):
        _review(database, document, review, f"{code}/review/{number}")
    for one in document.evaluations:
        reviews.evaluate_agreement(
            database,
            act(f"{code}/evaluation/{one.year}"),
            agreement_id,
            EvaluationDraft(document.reviewer, document.person, one.year, one.verdict, one.remark),
        )


def _review(database: Database, document: SampleReviews, review: SampleReview, name: str) -> None:
    def said(content: str) -> StepDraft:
        return StepDraft(document.reviewer, document.person, content)

    draft = ReviewDraft(review.party, review.other_party, review.title, said(review.finding))
    review_id = reviews.open_review(database, act(name), draft).value
    for number, request in enumerate(review.requests, start=1):
        asked = act(f"{name}/request/{number}")
        reviews.request_correction(
            database, asked, review_id, said(request.content), request.addressed, request.due_day
        )
        if request.answer is not None:
            answer = StepDraft(request.addressed, request.answered_by, request.answer)
            reviews.answer_review(database, act(f"{name}/answer/{number}"), review_id, answer)
    if review.outcome is not None:
        reviews.close_review(
            database, act(f"{name}/close"), review_id, said(review.conclusion), review.outcome
        )
