"""What a review or evaluation may be refused for."""

from __future__ import annotations

from ledger.desk.roster import Party
from ledger.errors import LedgerError

TEXT_LENGTH_MAX = 4_000


class ReviewerUnsuited(LedgerError):
    """Only a government of a reviewed party's province reviews it, and none reviews itself."""

    code = "REVIEWER_UNSUITED"
    sentence_en = (
        "Expected a government of a province in which one of the reviewed parties lies, and not one of them "
        "itself, but got {reviewer}. Have the province's own official review it."
    )
    sentence_zh = (
        "评估方应为被评估主体所在省份的政府主体，且不得为被评估主体本身，而 {reviewer} 不符。"
        "请由所在省份的主管部门评估。"
    )


class ReviewClosed(LedgerError):
    """The review has its outcome."""

    code = "REVIEW_CLOSED"
    sentence_en = "The review {review} is closed: {outcome}. Open another one if there is more to say."
    sentence_zh = "评估 {review} 已结案：{outcome}。如有新情况，请另行发起评估。"


class ReviewUnanswered(LedgerError):
    """A request of the review hasn't been answered yet."""

    code = "REVIEW_UNANSWERED"
    sentence_en = "The request of step {step} waits for an answer by {due_day}. Wait for it, or until then."
    sentence_zh = "第 {step} 步的整改要求尚待 {due_day} 前答复。请等待答复或期满。"


class AnswerUnasked(LedgerError):
    """Nothing is asked of the party."""

    code = "ANSWER_UNASKED"
    sentence_en = (
        "No request of the review {review} waits for an answer of {party}. Look at the review again."
    )
    sentence_zh = "评估 {review} 中没有等待 {party} 答复的要求。请重新查看该评估。"


def refuse_unsuited(reviewer: Party, reviewed: list[Party]) -> None:
    """Raises ``ReviewerUnsuited`` unless the reviewer is another one, a government of their provinces."""
    provinces = {one.province_code for one in reviewed if one.province_code is not None}
    is_reviewed = reviewer.party_id in {one.party_id for one in reviewed}
    if is_reviewed or reviewer.kind != "government" or reviewer.province_code not in provinces:
        raise ReviewerUnsuited(reviewer=reviewer.code)
