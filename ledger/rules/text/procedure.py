"""The procedure as an article, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount, parse_amount
from ledger.rules.explanation import Language
from ledger.rules.procedure import UNANSWERED, Calendar, Procedure, Reconciliation, Tolerance
from ledger.rules.words import role_en, role_zh

_STEPS = {
    "submit_days": ("申报", "returns are handed in"),
    "certify_days": ("复核", "returns are certified"),
    "reconcile_days": ("对账", "the figures are reconciled"),
    "sign_days": ("签署", "the settlement is signed"),
    "fund_days": ("付款", "what is owed is paid"),
    "second_fund_days": ("第二轮付款", "what is still owed is paid in a second round"),
}


def procedure_article(procedure: Procedure, language: Language) -> str:
    """Everything that the procedure says; procedures that differ never read alike."""
    if language == "zh":
        return "办理程序\n" + "；".join(_zh(procedure)) + "。"
    sentences = [text[:1].upper() + text[1:] + "." for text in _en(procedure)]
    return "\n".join(["Procedure", *sentences])


def _zh(procedure: Procedure) -> Iterator[str]:
    if procedure.certified:
        yield f"{_roles_zh(procedure.certified)}的申报表须经本方另一人复核后方为有效"
    else:
        yield "申报表递交后即为有效"
    if procedure.sealed:
        yield "各方先提交申报数据的哈希值，待各方均已提交或申报期满后公开数据"
    if procedure.lines == "open":
        yield "各方可互相查看分企业的申报明细"
    for one in procedure.reconciliations:
        yield _reconciliation_zh(one)
    if procedure.signed_by:
        yield f"季度结算须经{_roles_zh(procedure.signed_by)}签署后方可关账"
    else:
        yield "季度结算由任何一方关账"
    if procedure.arbiter is not None:
        yield f"争议协商不成的，由{role_zh(procedure.arbiter)}裁定"
    if procedure.reopened_by:
        yield f"经{_roles_zh(procedure.reopened_by)}共同签署，可重开最近一个已关账季度"
    if procedure.calendar is not None:
        steps = "、".join(f"{days}日内{_STEPS[name][0]}" for name, days in procedure.calendar.steps.items())
        yield f"自季度末日起，{steps}"


def _en(procedure: Procedure) -> Iterator[str]:
    if procedure.certified:
        who = _roles_en(procedure.certified)
        yield f"a return of {who} counts once a second person of the same party has certified it"
    else:
        yield "a return counts once it is handed in"
    if procedure.sealed:
        yield (
            "each side first commits to its figures by a hash; they open when all sides have, or when the "
            "time for handing in is over"
        )
    if procedure.lines == "open":
        yield "all sides read each other's lines of enterprises"
    for one in procedure.reconciliations:
        yield _reconciliation_en(one)
    if procedure.signed_by:
        yield f"a settlement closes its quarter once {_roles_en(procedure.signed_by)} signed it"
    else:
        yield "either side closes a quarter"
    if procedure.arbiter is not None:
        yield f"a dispute that the sides can't end is decided by {role_en(procedure.arbiter)}"
    if procedure.reopened_by:
        who = _roles_en(procedure.reopened_by)
        yield f"the last closed quarter is reopened when {who} sign that together"
    if procedure.calendar is not None:
        yield _calendar_en(procedure.calendar)


def _calendar_en(calendar: Calendar) -> str:
    steps = "; ".join(f"within {days} days {_STEPS[name][1]}" for name, days in calendar.steps.items())
    return f"counted from the last day of the quarter, {steps}"


def _reconciliation_zh(one: Reconciliation) -> str:
    head = f"{role_zh(one.record)}的申报数据与{role_zh(one.against)}的申报数据逐笔核对"
    tolerances = "、".join(_tolerance_zh(row) for row in one.tolerances) or "无"
    return f"{head}，允许误差：{tolerances}，{UNANSWERED[one.unanswered][0]}"


def _reconciliation_en(one: Reconciliation) -> str:
    head = f"the return of {role_en(one.record)} is compared line by line with that of {role_en(one.against)}"
    tolerances = ", ".join(_tolerance_en(row) for row in one.tolerances) or "none"
    return f"{head}; tolerance: {tolerances}; {UNANSWERED[one.unanswered][1]}"


def _tolerance_zh(row: Tolerance) -> str:
    measure = MEASURE_BY_NAME[row.measure]
    return f"{measure.name_zh}每笔{_amount(row)}{measure.commodity.unit_zh}"


def _tolerance_en(row: Tolerance) -> str:
    measure = MEASURE_BY_NAME[row.measure]
    return f"{measure.name_en} {_amount(row)} {measure.commodity.unit_en} a line"


def _amount(row: Tolerance) -> str:
    scale = MEASURE_BY_NAME[row.measure].commodity.scale
    return format_amount(parse_amount(row.amount, scale), scale)


def _roles_zh(roles: Sequence[str]) -> str:
    return "、".join(map(role_zh, roles))


def _roles_en(roles: Sequence[str]) -> str:
    return " and ".join(map(role_en, roles))
