"""Reviews: what a province finds about a pairing or a zone, and its yearly evaluation of agreements."""

from ledger.desk.reviews.evaluating import (
    VERDICTS,
    Evaluation,
    EvaluationDraft,
    evaluate_agreement,
    evaluations,
)
from ledger.desk.reviews.faults import (
    AnswerUnasked,
    ReviewClosed,
    ReviewerUnsuited,
    ReviewUnanswered,
)
from ledger.desk.reviews.reading import (
    OUTCOMES,
    Review,
    ReviewState,
    ReviewStep,
    StepKind,
    pending_reviews,
    review,
    reviews,
    reviews_by_id,
)
from ledger.desk.reviews.reviewing import (
    ReviewDraft,
    StepDraft,
    answer_review,
    close_review,
    open_review,
    request_correction,
)

__all__ = [
    "OUTCOMES",
    "VERDICTS",
    "AnswerUnasked",
    "Evaluation",
    "EvaluationDraft",
    "Review",
    "ReviewClosed",
    "ReviewDraft",
    "ReviewState",
    "ReviewStep",
    "ReviewUnanswered",
    "ReviewerUnsuited",
    "StepDraft",
    "StepKind",
    "answer_review",
    "close_review",
    "evaluate_agreement",
    "evaluations",
    "open_review",
    "pending_reviews",
    "request_correction",
    "review",
    "reviews",
    "reviews_by_id",
]
