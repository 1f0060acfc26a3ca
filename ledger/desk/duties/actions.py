"""What can be asked of a party, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ledger.rules.procedure import CalendarStep


class Action(StrEnum):
    HAND_IN = "hand_in"
    CERTIFY = "certify"
    SETTLE_DIFFERENCES = "settle_differences"
    SIGN = "sign"
    PAY = "pay"
    RECORD_COMMITMENT = "record_commitment"
    CONFIRM_COMMITMENT = "confirm_commitment"
    ANSWER_REVIEW = "answer_review"
    CLOSE_REVIEW = "close_review"


ACTION_NAMES: Mapping[Action, tuple[str, str]] = {
    Action.HAND_IN: ("申报本季数据", "hand in the return"),
    Action.CERTIFY: ("复核申报表", "certify the return"),
    Action.SETTLE_DIFFERENCES: ("处理对账差异", "settle the differences"),
    Action.SIGN: ("签署结算", "sign the settlement"),
    Action.PAY: ("付款", "pay what is owed"),
    Action.RECORD_COMMITMENT: ("履行承诺并记录结果", "keep the commitment and record it"),
    Action.CONFIRM_COMMITMENT: ("确认承诺的记录", "confirm the record of the commitment"),
    Action.ANSWER_REVIEW: ("答复整改要求", "answer the request for correction"),
    Action.CLOSE_REVIEW: ("核查答复并结案，或再提要求", "look at the answer and close, or ask again"),
}
"""What to do, in Chinese and English."""

STEP_ACTIONS: Mapping[CalendarStep, Action] = {
    "submit": Action.HAND_IN,
    "certify": Action.CERTIFY,
    "reconcile": Action.SETTLE_DIFFERENCES,
    "sign": Action.SIGN,
    "fund": Action.PAY,
    "second_fund": Action.PAY,
}
