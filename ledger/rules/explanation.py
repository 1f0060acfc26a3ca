"""Why an amount is what it is: the steps that were computed, as data, and as text in either language.

The plain evaluator records steps while it computes; there is no second computation to explain the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal

from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount
from ledger.periods import Quarter, Span
from ledger.rules.facts import Line
from ledger.rules.step_words import Words
from ledger.rules.terms import WHOLE_PARK, Book
from ledger.rules.words import role_en, role_zh

Language = Literal["zh", "en"]

STEP_NAMES: dict[str, tuple[str, str]] = {
    "figure": ("填报数", "figure"),
    "retention": ("留成", "retention"),
    "deduction": ("扣除", "deduction"),
    "rate": ("分档比例", "rate"),
    "base": ("分享基数", "base"),
    "eligibility": ("资格", "eligibility"),
    "window": ("分享期", "window"),
    "extension": ("延期", "extension"),
    "surplus": ("增量", "surplus"),
    "recovery": ("先行回收", "recovery"),
    "cap": ("上限", "cap"),
    "smoothing": ("多年平均", "average of years"),
    "own_rates": ("按各方税率计算", "own rates"),
    "factors": ("因素分摊", "factors"),
    "band": ("分档", "band"),
    "budget": ("预算", "budget"),
    "floor": ("保底", "floor"),
    "share": ("分成", "share"),
    "rounding": ("取整", "rounding"),
    "routing": ("划转", "routing"),
}
BOOK_NAMES: dict[Book, tuple[str, str]] = {
    Book.CASH: ("现金账", "cash book"),
    Book.OFFICIAL: ("在地统计账", "official book"),
    Book.ASSESSMENT: ("考核账", "assessment book"),
}
_DECIMAL_PLACES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class ExplanationStep:
    """One thing that was computed or decided.

    ``arithmetic`` has exact numbers in the commodity's unit; ``result`` is in minor units. ``words`` say the
    step in both languages where numbers alone don't; a decision has only words. ``code`` is a key of
    ``STEP_NAMES``; ``role``, ``book``, ``measure`` and the input's ``line_id`` and ``document`` are given
    where the step is about one.
    """

    code: str
    span: str
    subject: int
    arithmetic: str
    result: Fraction
    role: str = ""
    book: Book | None = None
    measure: str = ""
    line_id: str = ""
    document: str = ""
    words: Words | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A reading that the clause took where a rule can be read in more than one way."""

    path: str
    value: str
    sentence_zh: str
    sentence_en: str


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left for a subject: under the cap, in minor units, and until the window closes.

    None: there is no cap; the window isn't open yet or never closes.
    """

    under_cap_minor: Fraction | None = None
    window_closes: date | None = None


@dataclass(frozen=True, slots=True)
class OddUnit:
    """What the remainder's recipient holds beyond its own part rounded by itself, in minor units.

    ``total_minor`` is the exact whole that was rounded: of everything so far where rounding is cumulative,
    else of the quarter. ``before_minor`` is what it held so before the quarter, 0 unless cumulative.
    """

    is_cumulative: bool
    total_minor: Fraction
    held_minor: int
    before_minor: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a clause's amounts of one subject and quarter came about."""

    clause: int
    version: Quarter
    """The quarter from which the version of the terms is in force."""
    subject: int
    quarter: Quarter
    steps: tuple[ExplanationStep, ...]
    choices: tuple[Choice, ...]
    remaining: Remaining
    remainder_to: str
    odd_unit: OddUnit
    scale: int
    """Decimal places of the commodity, for whoever prints the amounts."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What the enterprises are called, by subject."""

    @property
    def odd_unit_minor(self) -> int:
        """What ``remainder_to`` got in the quarter beyond its own part rounded by itself."""
        return self.odd_unit.held_minor - self.odd_unit.before_minor


@dataclass(slots=True)
class Recorder:
    """Takes down what is computed while it ``listens``; otherwise costs next to nothing."""

    scale: int = 2
    listens: bool = False
    subject: int = 0
    span: str = ""
    steps: list[ExplanationStep] = field(default_factory=list)

    def step(
        self,
        code: str,
        result: Fraction | int,
        template: str,
        *amounts_minor: Fraction | int,
        role: str = "",
        book: Book | None = None,
        line: Line | None = None,
        words: Words | None = None,
        **plain: object,
    ) -> None:
        """Notes one step; ``template`` and ``words`` name amounts by position, anything else by keyword."""
        if not self.listens:
            return
        amounts = [exact_text(amount_minor, self.scale) for amount_minor in amounts_minor]
        shown = exact_text(result, self.scale)
        self.steps.append(
            ExplanationStep(
                code=code,
                span=self.span,
                subject=self.subject,
                arithmetic=template.format(*amounts, result=shown, **plain),
                result=Fraction(result),
                role=role,
                book=book,
                measure=line.measure if line else "",
                line_id=line.line_id if line else "",
                document=line.document if line else "",
                words=words and Words(*(text.format(*amounts, result=shown, **plain) for text in words)),
            )
        )

    def decision(self, code: str, words: Words, *, answer: bool) -> None:
        """Notes what was decided and why."""
        if self.listens:
            self.steps.append(
                ExplanationStep(code, self.span, self.subject, "", Fraction(answer), words=words)
            )

    def at(self, subject: int, span: Span | Quarter) -> None:
        """What is noted next is about ``subject`` in ``span``."""
        if self.listens:
            self.subject = subject
            self.span = str(span)


def exact_text(amount_minor: Fraction | int, scale: int) -> str:
    """The amount in the commodity's unit, exact: decimal where that ends soon, else a fraction."""
    value = Fraction(amount_minor)
    for places in (0, _DECIMAL_PLACES_SHOWN):
        shifted = value * 10**places
        if shifted.denominator == 1:
            text = format_amount(shifted.numerator, scale + places)
            return text.rstrip("0") if places else text
    return str(value / 10**scale)


def render(explanation: Explanation, language: Language) -> str:
    """The explanation as lines of text."""
    lines = [_heading(explanation, language)]
    lines += [_step_text(explanation, step, language) for step in explanation.steps]
    lines += [_choice_text(choice, language) for choice in explanation.choices]
    lines += _remaining_text(explanation, language)
    return "\n".join(lines)


def _heading(explanation: Explanation, language: Language) -> str:
    number, version, quarter = explanation.clause, explanation.version, explanation.quarter
    subject = subject_name(explanation, explanation.subject, language)
    if language == "zh":
        return f"第{number}条（自{version.name_zh}起执行的版本），{subject}，{quarter.name_zh}"
    return f"Clause {number} (terms in force from {version}), {subject}, {quarter}"


def subject_name(explanation: Explanation, subject: int, language: Language) -> str:
    """The enterprise's name, or the whole park."""
    if subject == WHOLE_PARK:
        return "全园区" if language == "zh" else "whole park"
    unnamed = f"企业 {subject}" if language == "zh" else f"enterprise {subject}"
    return explanation.names.get(subject) or unnamed


def _step_text(explanation: Explanation, step: ExplanationStep, language: Language) -> str:
    index = 0 if language == "zh" else 1
    about = [step.span]
    if step.subject != explanation.subject:
        about.append(subject_name(explanation, step.subject, language))
    about.append(STEP_NAMES[step.code][index])
    if step.measure:
        measure = MEASURE_BY_NAME[step.measure]
        about.append(measure.name_zh if language == "zh" else measure.name_en)
    if step.book is not None:
        about.append(BOOK_NAMES[step.book][index])
    if step.role:
        about.append(role_zh(step.role) if language == "zh" else role_en(step.role))
    said = step.arithmetic if step.words is None else step.words[index]
    source = ("，", ", ")[index].join(text for text in (step.line_id, step.document) if text)
    return f"{' '.join(about)}: {said}" + (f" [{source}]" if source else "")


def _choice_text(choice: Choice, language: Language) -> str:
    if language == "zh":
        return f"约定：{choice.sentence_zh}（{choice.path} = {choice.value}）"
    return f"Agreed: {choice.sentence_en} ({choice.path} = {choice.value})"


def _remaining_text(explanation: Explanation, language: Language) -> list[str]:
    remaining = explanation.remaining
    lines = []
    if remaining.under_cap_minor is not None:
        left = exact_text(remaining.under_cap_minor, explanation.scale)
        lines.append(f"上限余额：{left}" if language == "zh" else f"Left under the cap: {left}")
    if remaining.window_closes is not None:
        day = remaining.window_closes.isoformat()
        lines.append(f"分享期止于 {day}（不含）" if language == "zh" else f"The window closes before {day}")
    odd = _odd_unit_text(explanation, language)
    return [*lines, odd] if odd else lines


def _odd_unit_text(explanation: Explanation, language: Language) -> str:
    """Who holds the odd unit of which total, and who did before the quarter; empty if there is none."""
    odd = explanation.odd_unit
    if not odd.held_minor and not odd.before_minor:
        return ""
    total = exact_text(odd.total_minor, explanation.scale)
    now, before = (_holding(explanation, one, language) for one in (odd.held_minor, odd.before_minor))
    is_news = odd.before_minor not in (0, odd.held_minor)
    if language == "zh":
        whole = "截至本季的累计合计" if odd.is_cumulative else "本季合计"
        return f"{whole} {total} 的取整余数：{now}" + (f"（本季之前：{before}）" if is_news else "")
    whole = "the cumulative total" if odd.is_cumulative else "the quarter's total"
    return f"Odd unit of {whole} {total}: {now}" + (f" (before the quarter: {before})" if is_news else "")


def _holding(explanation: Explanation, held_minor: int, language: Language) -> str:
    amount, role = exact_text(abs(held_minor), explanation.scale), explanation.remainder_to
    if not held_minor:
        return "无" if language == "zh" else "none"
    if language == "zh":
        return f"{role_zh(role)}{'多得' if held_minor > 0 else '少得'} {amount}"
    return f"{amount} {'more' if held_minor > 0 else 'less'} for {role_en(role)}"
