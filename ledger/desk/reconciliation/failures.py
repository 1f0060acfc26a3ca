"""Why something can't be done about a line."""

from __future__ import annotations

from ledger.errors import LedgerError


class NothingCompared(LedgerError):
    """The procedure in force for the quarter doesn't compare this role's return with anybody's."""

    code = "NOTHING_COMPARED"
    sentence_en = (
        "Under the procedure in force for {quarter}, no return is compared as that of {role}. "
        "Returns that are compared: {roles}."
    )
    sentence_zh = "按 {quarter} 有效的办理程序，角色 {role} 的申报表不参与对账。参与对账的：{roles}。"


class BasisChanged(LedgerError):
    """A return or the terms changed since the report was read."""

    code = "BASIS_CHANGED"
    sentence_en = (
        "What is compared for {quarter} has changed since you read the report (a new return, or new terms). "
        "Read it again, then decide."
    )
    sentence_zh = "{quarter} 的对账基础在您查看之后已变化（有新的申报表或条款）。请重新查看后再处理。"


class LinesAgree(LedgerError):
    """Lines that are the same on both sides need no reason and no dispute."""

    code = "LINES_AGREE"
    sentence_en = "Both sides agree about {line}, so there is nothing to settle there. Leave it out."
    sentence_zh = "双方关于 {line} 的数额一致，无须处理。请勿列入。"


class LinesTaken(LedgerError):
    """Another item is about one of the lines."""

    code = "LINES_TAKEN"
    sentence_en = (
        "Item {item} is about {line} already and about other lines than these. Act on item {item} instead."
    )
    sentence_zh = "{line} 已列入对账第 {item} 号，且该号所列各行与此不同。请就第 {item} 号处理。"


class CommoditiesMixed(LedgerError):
    """Figures of different commodities can't be set against each other."""

    code = "COMMODITIES_MIXED"
    sentence_en = "Expected lines of one commodity, but got {commodities}. Name lines that can be added up."
    sentence_zh = "所列各行应为同一计量对象，实际为 {commodities}。请列出可以相加的各行。"


class LinesSeveral(LedgerError):
    """Only a reason can be about several lines of record: one figure can't stand for them."""

    code = "LINES_SEVERAL"
    sentence_en = (
        "Expected one line of record, but got {count}. Act on each by itself; only a reason may be about "
        "several together."
    )
    sentence_zh = "应只涉及数据来源方的一行，实际为 {count} 行。请逐行处理；只有说明原因可以一并涉及多行。"


class ItemLapsed(LedgerError):
    """The figures that the item is about are no longer those of the returns."""

    code = "ITEM_LAPSED"
    sentence_en = (
        "The lines of item {item} changed with a newer return, so nothing more can be done about it. "
        "Read the report and act on the lines as they are now."
    )
    sentence_zh = (
        "对账第 {item} 号所列各行已因新的申报而变化，不能再就其处理。请重新查看对账表后处理现有各行。"
    )


class StepOutOfState(LedgerError):
    """The step isn't possible where the item stands."""

    code = "STEP_OUT_OF_STATE"
    sentence_en = "A step of the kind {step} isn't possible while the item is {state}."
    sentence_zh = "对账事项处于 {state} 状态时不能进行 {step}。"


class RoleOutsideComparison(LedgerError):
    """The role isn't one of those that may take the step."""

    code = "ROLE_OUTSIDE_COMPARISON"
    sentence_en = "Expected a step by {roles}, but got the role {role}."
    sentence_zh = "该步骤应由 {roles} 进行，实际角色为 {role}。"


class NotYourTurn(LedgerError):
    """The other side must take this step."""

    code = "NOT_YOUR_TURN"
    sentence_en = "This step is for {expected} to take, but got the role {role}."
    sentence_zh = "该步骤应由 {expected} 进行，实际角色为 {role}。"


class OfferOvertaken(LedgerError):
    """Another offer stands now than the one that is accepted."""

    code = "OFFER_OVERTAKEN"
    sentence_en = "Expected the offer that stands (step {standing}), but got step {offer}. Look at it first."
    sentence_zh = "应接受当前有效的提议（第 {standing} 步），实际为第 {offer} 步。请先查看。"


class ArbiterMissing(LedgerError):
    """The terms name nobody who decides disputes."""

    code = "ARBITER_MISSING"
    sentence_en = "The terms name no arbiter, so a dispute can't be escalated. Agree on a figure or a reason."
    sentence_zh = "条款未指定争议裁定方，不能提请裁定。请双方就数额或原因达成一致。"


class ConversationTooLong(LedgerError):
    """An item has a bounded number of steps."""

    code = "CONVERSATION_TOO_LONG"
    sentence_en = "Item {item} has {step_count_max} steps, which is the most. Agree, or escalate the dispute."
    sentence_zh = "对账第 {item} 号已有 {step_count_max} 步，达到上限。请达成一致或提请裁定。"
