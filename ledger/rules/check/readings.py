"""What the readings of an open choice come to: the clause's first worked example under each of them.

Nobody can choose between two sentences as well as between two amounts. So a clause that leaves a choice open
is completed with each reading in turn, its other open choices held at their first, and computed.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.errors import LedgerError
from ledger.measures import MEASURE_BY_NAME
from ledger.money import Commodity, format_amount
from ledger.periods import Quarter
from ledger.rules.check.faults import fault
from ledger.rules.check.form import Form, form_fault
from ledger.rules.check.open_choices import OpenChoice, Reading, choose, json_path
from ledger.rules.examples import example_outcome
from ledger.rules.explanation import BOOK_NAMES
from ledger.rules.facts import Fault
from ledger.rules.terms import Book, Clause, Terms
from ledger.rules.words import role_en, role_zh

ClauseFaults = Callable[[str, Clause], Iterable[Fault]]
"""Why a clause of the right form isn't sound, given its JSON path."""

_ROWS_SHOWN = 6
_TRIED_MOST = 60
"""How many open choices of a document are computed; the rest are told without amounts."""
_QUARTERS_OF_YEAR = 4

TOLD_APART_BY: dict[str, tuple[str, str]] = {
    "transition": (
        "分享期尚未届满时的条款修订（示例仅按一个版本的条款计算）",
        "terms that change while a window is open; a worked example is computed under one version of them",
    ),
    "procedure.reconciliations.unanswered": (
        "对方未申报的数据（示例只有条款所依据的数据，没有对方的申报表）",
        "lines that the other side says nothing about; a worked example has the figures of record alone",
    ),
    "to_whom.regime": ("任一统计数", "any figure of a statistic"),
    "to_whom.otherwise": ("分享期以外的数据", "a figure outside the window"),
    "to_whom.bands.over": ("合计跨越一档的两期数据", "two steps whose figures together pass a band"),
    "to_whom.apportion.factor_year": (
        "各方因素比例逐年不同的数据",
        "years in which the parties' factors aren't in the same proportion",
    ),
    "to_whom.apportion.zero_denominator": (
        "某项因素各方均为零的年度",
        "a year in which a factor is zero for everybody",
    ),
    "to_whom.apportion.ratio_rounding.remainder_to": (
        "不能按所列位数写尽的比例",
        "ratios that don't end within the decimal places",
    ),
    "how_much.smoothing.missing_years": ("首个分享年度年末的数据", "a figure of the first shared year"),
    "how_much.surplus.within_year": (
        "年度最后一期之前的数据",
        "figures of steps before the year's last",
    ),
    "how_much.surplus.loss": ("低于基数的年度及其下一年度", "a year below the base, and the year after it"),
    "within.caps.over": (
        "分属两个年度、合计超过上限的数据",
        "figures of two years that together exceed the limit",
    ),
    "within.caps.unused": (
        "未用足上限的年度及其后超过上限的年度",
        "a year that leaves room, and a later one above the limit",
    ),
    "within.caps.per": (
        "同一实际控制人的两家企业合计超过上限的数据",
        "two enterprises of one controller that together exceed the limit",
    ),
    "within.caps.measured_on": (
        "分享总额超过上限的数据",
        "figures that put more than the limit in to be shared",
    ),
    "within.caps.excess_to": ("超过上限的数据", "figures above the limit"),
    "within.budget.over": (
        "同一年度内不同季度、合计超过预算的数据",
        "figures of several quarters of a year that together exceed the budget",
    ),
    "within.budget.applied": (
        "个别超过上限、合计超过预算的多家企业",
        "several enterprises that together exceed the budget, one of them with more than its cap",
    ),
    "within.budget.order": (
        "同一期内合计超过预算的多家企业",
        "several enterprises that together exceed the budget inside a step",
    ),
    "within.budget.excess_to": ("超过预算的数据", "figures above the budget"),
    "when.step": (
        "起算日不在季度首月的数据",
        "a clock whose day isn't in the first month of its quarter",
    ),
    "when.window.clock.begins": (
        "起算日所在一期及当年其他各期的数据",
        "figures of the step that holds the clock's day, and of the other steps of its year",
    ),
    "when.window.extension.on_correction": (
        "更正已关账季度的数据，以致是否达到上限发生改变（示例均未更正）",
        "a correction, after a close, that changes whether the cap was reached; an example has none",
    ),
    "within.floor.shortfall": (
        "差额超过保底方当年所得的年度及其下一年度",
        "a year whose gap exceeds the guarantor's receipts, and the year after it",
    ),
    "then.provisional": (
        "年度最后一季度之前的数据",
        "a figure of a quarter before the year's last",
    ),
    "then.negative": (
        "应付为负数的季度；该项只影响付款，不影响分成数额",
        "a quarter whose amount due is negative; the choice is about paying, not about what is shared",
    ),
    "then.netting": (
        "同一双方互负款项的两条；该项只影响付款，不影响分成数额",
        "amounts that the same parties owe each other; the choice is about paying, not about what is shared",
    ),
    "then.form": (
        "任一付款；该项只影响付款方式，不影响分成数额",
        "any payment; the choice is about paying, not about what is shared",
    ),
    "rounding.grain": (
        "不足一分的数额在多个季度或企业出现的数据",
        "odd amounts below a minor unit in several quarters or enterprises",
    ),
    "rounding.mode": ("不足一分的数额", "an amount that isn't whole minor units"),
    "rounding.remainder_to": ("不足一分的数额", "an amount that isn't whole minor units"),
}
"""Field to the kind of example on which its readings differ, in Chinese and English."""


class AmountKey(NamedTuple):
    """What an amount is: shared, sent on to a fund, or due, by quarter, book and role; or what is shared of
    one ``subject`` of the example, which tells readings apart where all subjects together are alike."""

    kind: int
    quarter: Quarter
    book: Book
    role: str
    subject: str = ""

    @property
    def whose_zh(self) -> str:
        """Whose the amount is, in Chinese."""
        return f"{role_zh(self.role)}（{self.subject}）" if self.subject else role_zh(self.role)

    @property
    def whose_en(self) -> str:
        """Whose the amount is, in English."""
        return f"{role_en(self.role)} for {self.subject}" if self.subject else role_en(self.role)


KINDS = (("", ""), ("入基金", ", to the fund"), ("应付", ", due"), ("", ""))
Amounts = Mapping[AmountKey, int]


@dataclass(frozen=True, slots=True)
class Tried:
    """The clause's example under a reading."""

    reading: Reading
    amounts: Amounts
    commodity: Commodity

    def shown(self, key: AmountKey) -> str:
        """The amount in the commodity's unit."""
        return format_amount(self.amounts.get(key, 0), self.commodity.scale, thousands=True)


@dataclass(frozen=True, slots=True)
class Untried:
    """A reading under which the clause isn't sound or its example can't be computed."""

    reading: Reading
    refused: Fault


def choice_faults(form: Form, clause_faults: ClauseFaults) -> list[Fault]:
    """A fault for every choice that the document leaves open, with what its readings come to."""
    return [_choice_fault(choice, form, clause_faults) for choice in form.open_choices]


def tried(document: Any, choice: OpenChoice, clause_faults: ClauseFaults) -> list[Tried | Untried]:
    """The first example of the choice's clause under every reading."""
    return [_try(document, choice, reading, clause_faults) for reading in choice.readings]


def choice_questions(form: Form, clause_faults: ClauseFaults) -> list[Fault]:
    """The same, as questions of somebody who begins."""
    return [
        fault(json_path(choice.location), "CHOICE_ASKED", **_said(choice, form, clause_faults))
        for choice in form.open_choices
    ]


def _choice_fault(choice: OpenChoice, form: Form, clause_faults: ClauseFaults) -> Fault:
    fields = _said(choice, form, clause_faults)
    if choice.got is None:
        return fault(json_path(choice.location), "CHOICE_MISSING", **fields)
    return fault(json_path(choice.location), "CHOICE_UNKNOWN", got=choice.got, **fields)


def _said(choice: OpenChoice, form: Form, clause_faults: ClauseFaults) -> dict[str, object]:
    """What sentences about the choice name."""
    shown_zh, shown_en = _shown(choice, form, clause_faults)
    readings = choice.readings
    return {
        "name": choice.name,
        "readings_zh": "；".join(f"{reading.written}（{reading.zh}）" for reading in readings),
        "readings_en": "; ".join(f"{reading.written} ({reading.en})" for reading in readings),
        "example": _json_of(choice.first),
        "shown_zh": shown_zh,
        "shown_en": shown_en,
    }


def _json_of(reading: Reading) -> str:
    return f'"{reading.value}"' if isinstance(reading.value, str) else reading.written


# --- computing --------------------------------------------------------------------------------------------


def _try(document: Any, choice: OpenChoice, reading: Reading, clause_faults: ClauseFaults) -> Tried | Untried:
    alone = _alone(document, choice.location)
    here = ("clauses", 0, *choice.location[2:])
    choose(alone, here, reading)
    refused = form_fault(alone)
    if refused is not None:
        return Untried(reading, refused)
    terms = Terms.model_validate_json(json.dumps(alone))
    (clause,) = terms.clauses
    refused = next(iter(clause_faults(json_path(choice.location[:2]), clause)), None)
    if refused is not None:
        return Untried(reading, refused)
    try:
        amounts = amounts_of(terms, clause, 0)
    except LedgerError as refusal:
        return Untried(reading, Fault("", refusal.code, refusal.message_en, refusal.message_zh))
    return Tried(reading, amounts, MEASURE_BY_NAME[clause.what.measures[0]].commodity)


def _alone(document: Any, location: Sequence[int | str]) -> Any:
    """The document with only the clause that ``location`` is in."""
    clauses, index = location[:2]
    return copy.deepcopy({**document, clauses: [document[clauses][index]]})


def amounts_of(terms: Terms, clause: Clause, example: int) -> Amounts:
    """Everything that the clause gives on its example at this index."""
    accrues = clause.then.provisional == "accrue"
    names = dict(enumerate(clause.examples[example].subjects, start=1))
    found: Counter[AmountKey] = Counter()
    for key, amount in example_outcome(terms, clause, example).amounts.items():
        due_in = Quarter(key.quarter.year, _QUARTERS_OF_YEAR) if accrues else key.quarter
        found[AmountKey(0, key.quarter, key.book, key.role)] += amount.amount_minor
        found[AmountKey(1, key.quarter, key.book, key.role)] += amount.routed_minor
        found[AmountKey(2, due_in, key.book, key.role)] += amount.amount_minor - amount.routed_minor
        if key.subject in names:
            one = AmountKey(3, key.quarter, key.book, key.role, names[key.subject])
            found[one] += amount.amount_minor
    return found


def differing(results: Sequence[Tried]) -> list[AmountKey]:
    """What isn't the same under all results, in order; only of the first kind that differs at all."""
    keys = sorted({key for result in results for key in result.amounts})
    apart = [key for key in keys if len({result.amounts.get(key, 0) for result in results}) > 1]
    return [key for key in apart if key.kind == apart[0].kind]


# --- words ------------------------------------------------------------------------------------------------


def _shown(choice: OpenChoice, form: Form, clause_faults: ClauseFaults) -> tuple[str, str]:
    """What the readings come to, in Chinese and English."""
    if len(choice.readings) == 1:
        return "", ""
    by_zh, by_en = TOLD_APART_BY[choice.kind]
    if choice.location[0] != "clauses":
        return (
            f"该项不在条款之内，示例不能区分各读法；能区分的是：{by_zh}。",
            f" It isn't inside a clause, so no worked example tells them apart; what does: {by_en}.",
        )
    if choice not in form.open_choices[:_TRIED_MOST]:
        return f"能区分各读法的是：{by_zh}。", f" What tells them apart: {by_en}."
    results = tried(form.document, choice, clause_faults)
    computed = [result for result in results if isinstance(result, Tried)]
    refused = [result for result in results if isinstance(result, Untried)]
    if not computed:
        return (
            "本条其他问题更正后，将列出各读法在示例中的数额。",
            " What each gives on the clause's worked example is shown once its other faults are corrected.",
        )
    parts = [_told(computed, by_zh, by_en), *_refusals(refused), _held(choice, form.open_choices)]
    return "".join(zh for zh, _ in parts), "".join(en for _, en in parts)


def _told(results: Sequence[Tried], by_zh: str, by_en: str) -> tuple[str, str]:
    """How the results differ, or on what they would."""
    if len(results) == 1:
        return "", ""
    if differing(results):
        return _differences(results)
    return (
        f"本条第一个示例在各读法下结果相同；能加以区分的示例须有：{by_zh}。",
        f" The clause's first worked example comes out the same; one that tells them apart has {by_en}.",
    )


def _differences(results: Sequence[Tried]) -> tuple[str, str]:
    keys = differing(results)
    rows_zh = "；".join(_row(key, results, 0) for key in keys[:_ROWS_SHOWN])
    rows_en = "; ".join(_row(key, results, 1) for key in keys[:_ROWS_SHOWN])
    more = len(keys) - _ROWS_SHOWN
    more_zh, more_en = (f"；另有 {more} 项不同", f"; and {more} more differ") if more > 0 else ("", "")
    return (
        f"在本条第一个示例中：{rows_zh}{more_zh}。",
        f" On the clause's first worked example: {rows_en}{more_en}.",
    )


def _row(key: AmountKey, results: Sequence[Tried], language: int) -> str:
    commodity = results[0].commodity
    amounts = [f"{result.reading.written} {result.shown(key)}" for result in results]
    kind, book = KINDS[key.kind][language], BOOK_NAMES[key.book][language]
    if language == 0:
        return f"{key.whose_zh} {key.quarter}（{book}{kind}，{commodity.unit_zh}）{'、'.join(amounts)}"
    return f"{key.whose_en}, {key.quarter} ({book}{kind}, {commodity.unit_en}): {', '.join(amounts)}"


def _refusals(results: Sequence[Untried]) -> list[tuple[str, str]]:
    return [
        (
            f"取 {result.reading.written} 时本条还须更改：{result.refused.message_zh}",
            f" With {result.reading.written} the clause must change further: {result.refused.message_en}",
        )
        for result in results
    ]


def _held(choice: OpenChoice, open_choices: Sequence[OpenChoice]) -> tuple[str, str]:
    """Which other open choices of the clause were held, and at what."""
    held = [
        f"`{other.field}` = {other.first.written}"
        for other in open_choices
        if other.location[:2] == choice.location[:2] and other != choice
    ]
    if not held:
        return "", ""
    return f"（其他未定事项暂取：{'、'.join(held)}。）", f" (Held meanwhile: {', '.join(held)}.)"
