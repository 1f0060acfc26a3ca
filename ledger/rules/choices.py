"""The readings that a rule can have: every field that a clause must decide, and what each value means.

Written once, for the explanation of an amount, the text of an article, and the refusal of a clause that
doesn't say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.rules.explanation import Choice
from ledger.rules.procedure import UNANSWERED
from ledger.rules.terms import Clause

READINGS: dict[str, dict[str, tuple[str, str]]] = {
    "to_whom.regime": {
        "proportional": ("按比例分成，各方份额之和为一", "divided by shares that add up to one"),
        "full_to_each": ("各方均全额计入（双算）", "counted in full for each party"),
        "full_to_one": ("全额计入一方", "counted in full for one party"),
    },
    "how_much.smoothing.missing_years": {
        "fewer": (
            "首个分享年度之前的年度不计，按已有年度数平均",
            "years before the first shared one aren't counted, so that fewer are averaged",
        ),
        "zero": ("首个分享年度之前的年度按零计", "years before the first shared one count as zero"),
    },
    "to_whom.bands.over": {
        "step": ("每期分别分档", "the bands are those of each step by itself"),
        "year": ("按当年累计分享额分档", "the bands are those of what the year has shared so far"),
        "lifetime": ("按历年累计分享额分档", "the bands are those of everything shared so far"),
    },
    "to_whom.apportion.factor_year": {
        "same": ("采用当年的因素数据", "the factors are those of the same year"),
        "previous": ("采用上一年度的因素数据", "the factors are those of the year before"),
        "two_before": ("采用上上年度的因素数据", "the factors are those of two years before"),
    },
    "to_whom.apportion.zero_denominator": {
        "drop_factor": (
            "某项因素各方合计为零的，不计该项，其余因素的权重按比例增至合计为一；各项均为零的，各方均分",
            (
                "a factor whose total is zero is left out and the weights of the others grow to add up to "
                "one; where all are zero, everybody has an equal part"
            ),
        ),
        "equal": (
            "某项因素各方合计为零的，该项由各方均分",
            "a factor whose total is zero is divided into equal parts",
        ),
    },
    "within.caps.over": {
        "lifetime": ("上限对每一对象整个期间累计", "the cap is over the whole life"),
        "year": ("上限按公历年度计算", "the cap is of each calendar year"),
    },
    "within.caps.unused": {
        "lapses": ("当年未用额度作废", "room that a year leaves unused lapses"),
        "carries": ("当年未用额度结转下年", "room that a year leaves unused is added to the next year's"),
    },
    "within.caps.per": {
        "subject": ("上限按每一对象分别计算", "the cap is of each subject"),
        "controller": (
            "同一实际控制人的企业合并计算上限",
            "enterprises with the same actual controller use the cap together",
        ),
    },
    "within.caps.order": {
        "by_subject": (
            "同一期内按对象编号先后使用额度",
            "inside a step the room is used in the order of the subjects' numbers",
        ),
    },
    "within.caps.measured_on": {
        "receipts": (
            "上限按受限方实际分得的金额累计计算",
            "the cap is measured on what the capped party receives",
        ),
        "pool": ("上限按纳入分享的总额累计计算", "the cap is measured on everything put in to be shared"),
    },
    "within.budget.over": {
        "quarter": ("预算按季度计", "the budget is of each calendar quarter"),
        "year": ("预算按公历年度计", "the budget is of each calendar year"),
    },
    "within.budget.applied": {
        "before_caps": ("先适用预算，后适用上限", "the budget comes first, and caps look at what it leaves"),
        "after_caps": ("先适用上限，后适用预算", "caps come first, and the budget looks at what they leave"),
    },
    "within.budget.within_period": {
        "step_by_step": (
            "预算期内各期先后使用预算，后一期使用前一期的余额",
            "steps draw on the budget one after another, each on what those before it have left",
        ),
    },
    "within.budget.order": {
        "pro_rata": (
            "同一期内预算不足的，各对象按同一比例核减",
            "inside a step for which the budget is short, all subjects are cut by one factor",
        ),
        "by_subject": (
            "同一期内按对象编号先后使用预算",
            "inside a step the budget is used in the order of the subjects' numbers",
        ),
    },
    "within.budget.unused": {
        "lapses": ("未用预算作废", "what a period leaves unspent lapses"),
    },
    "how_much.surplus.within_year": {
        "year_to_date": (
            "年内以当年累计数与全年基数比较",
            "within the year, the year to date is compared with the whole yearly base",
        ),
        "pro_rata": (
            "年内以当年累计数与按期数折算的基数比较",
            "within the year, the year to date is compared with the base in proportion to the steps counted",
        ),
        "same_quarter": (
            "年内以当年累计数与基年同期各季度基数之和比较",
            "within the year, the year to date is compared with the base figures of the same quarters",
        ),
        "final_only": (
            "仅在年度最后一期计算增量",
            "the increment is computed only in the last step of the year",
        ),
    },
    "how_much.surplus.loss": {
        "forgotten": ("低于基数的差额不结转", "a shortfall below the base is forgotten"),
        "carried": ("低于基数的差额计入下一年度基数", "a shortfall is added to the next year's base"),
        "shared": ("低于基数的差额由各方按份额分担", "a shortfall is borne by the parties by their shares"),
    },
    "when.step": {
        "month": ("按月计算", "computed month by month"),
        "quarter": ("按季度计算", "computed quarter by quarter"),
    },
    "when.window.clock.begins": {
        "step_of_day": ("起算日所在的一期即计入", "the step that holds the clock's day counts"),
        "next_step": (
            "自起算日所在一期的下一期起计入",
            "counting begins with the step after the clock's day",
        ),
        "year_of_day": (
            "自起算日所在年度的第一期起计入",
            "counting begins with the first step of the year that holds the clock's day",
        ),
        "next_year": (
            "自起算日所在年度的下一年度起计入",
            "counting begins with the first step of the year after the clock's day",
        ),
    },
    "when.window.extension.on_correction": {
        "reopen": (
            "此后更正前期数据的，重新判断是否延期",
            "a later correction of earlier figures decides about the extension anew",
        ),
        "hold": (
            "此后更正前期数据的，已作出的延期判断不变",
            "a later correction of earlier figures leaves the decision about the extension as it is",
        ),
    },
    "within.floor.tested": {
        "final_only": ("仅在年度最后一期核算保底", "the floor is tested only in the last step of the year"),
    },
    "within.floor.shortfall": {
        "topped_up": ("不足部分由保底方全额补足", "the guarantor gives the whole gap"),
        "waived": (
            "不足部分由保底方以其当年所得为限补足，其余免除",
            "the guarantor gives as far as its own receipts of the year cover, and the rest lapses",
        ),
        "carried": (
            "不足部分由保底方以其当年所得为限补足，其余计入下一年度保底额",
            (
                "the guarantor gives as far as its own receipts of the year cover, and the rest is added to "
                "the next year's floor"
            ),
        ),
    },
    "then.provisional": {
        "cash": ("年度最后一季度之前的各季度即行付款", "quarters before the year's last are paid at once"),
        "accrue": (
            "年度最后一季度之前的各季度只记账，年终付款",
            "quarters before the year's last only accrue and are paid with the last",
        ),
    },
    "then.negative": {
        "refund": ("应付为负数的，由收款方退还", "a negative amount due is refunded"),
        "carry": ("应付为负数的，结转下期", "a negative amount due is carried forward"),
        "set_off": (
            "应付为负数的，以其他应收款项抵销",
            "a negative amount due is set off against other amounts",
        ),
    },
    "then.netting": {
        "true": ("可与同一双方的其他款项轧差", "may be netted with other amounts of the same parties"),
        "false": ("不得轧差", "must not be netted"),
    },
    "then.form": {
        "direct": ("由付款方直接支付", "paid directly by the payer"),
        "year_end": ("通过年终财政结算上解、补助", "settled with the year-end fiscal settlement"),
        "set_off": ("仅作抵销，不另行付款", "only set off, without a payment"),
        "fund": ("划入约定的基金", "paid into the agreed fund"),
    },
    "rounding.grain": {
        "line": ("逐笔取整", "rounded line by line"),
        "period": ("每个对象每季度分别取整", "rounded for each subject's quarter by itself"),
        "subject": ("按对象累计取整", "rounded cumulatively for each subject"),
        "clause": ("按本条全部对象合计累计取整", "rounded cumulatively for the whole clause"),
    },
    "rounding.mode": {
        "down": ("向零舍去", "rounded towards zero"),
        "up": ("远离零进位", "rounded away from zero"),
        "half_up": ("四舍五入", "rounded to the nearest, a tie away from zero"),
        "half_even": ("四舍六入五成双", "rounded to the nearest, a tie to the even unit"),
    },
}
"""Field path to value to a phrase in Chinese and English."""

TRANSITIONS: dict[str, tuple[str, str]] = {
    "by_step": (
        "条款修订时，各期按该期有效的条款计算",
        "when these terms take the place of others, every step is computed under the terms in force for it",
    ),
    "open_windows_keep_terms": (
        "本条款取代原条款时，分享期已开始且尚未届满的对象沿用原条款至其分享期届满，其余各期按该期有效的条款计算",
        (
            "when these terms take the place of others, a subject whose window is open stays under the terms "
            "of then until it closes, and every other step is computed under the terms in force for it"
        ),
    ),
}
"""What becomes of open windows at an amendment."""

READINGS_OF_DOCUMENT: dict[str, dict[str, tuple[str, str]]] = {
    "transition": TRANSITIONS,
    "procedure.reconciliations.unanswered": UNANSWERED,
}
"""The same for what stands beside the clauses, by its path in the document."""

BUDGET_CHOICES = ("over", "applied", "within_period", "order", "unused")
"""The readings of a budget, in the order in which an article tells them."""

_ALIKE = {"to_whom.apportion.ratio_rounding.mode": "rounding.mode"}
"""Fields that have the readings of another."""


def choices_of(clause: Clause) -> tuple[Choice, ...]:
    """Every reading that the clause took; the path of an entry of a list has its index."""
    return tuple(
        Choice(found_at, value, *readings[value])
        for path, readings in READINGS.items()
        for found_at, value in _values_at(clause, path.split("."), "")
        if value in readings
    )


def _values_at(value: object, names: Sequence[str], path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, tuple):
        for index, part in enumerate(value):
            yield from _values_at(part, names, f"{path}[{index}]")
    elif names:
        here = f"{path}.{names[0]}" if path else names[0]
        yield from _values_at(getattr(value, names[0], None), names[1:], here)
    else:
        yield path, str(value).lower()


def readings_at(path: str) -> dict[str, tuple[str, str]]:
    """The readings of the field at ``path`` inside a clause, or in the document; empty where it isn't a
    choice."""
    return READINGS.get(choice_at(path)) or READINGS_OF_DOCUMENT.get(path, {})


def choice_at(path: str) -> str:
    """The field whose readings the one at ``path`` has: the clock of any window has those of any clock."""
    of_any_window = path.replace("then.routing.", "when.", 1).replace("within.floor.", "when.", 1)
    return _ALIKE.get(path) or next((known for known in (path, of_any_window) if known in READINGS), path)
