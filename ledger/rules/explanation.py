"""Why an amount is what it is: the steps that were computed, as data, and as text in either language.

The plain evaluator records steps while it computes; there is no second computation to explain the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal

from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount
from ledger.periods import Quarter, Span
from ledger.rules.facts import Line
from ledger.rules.terms import Book
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

    ``arithmetic`` has exact numbers in the commodity's unit; ``result`` is in minor units. ``code`` is a key
    of ``STEP_NAMES``; ``role``, ``book``, ``measure`` and the input's ``line_id`` and ``document`` are given
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
    odd_unit_minor: int
    """What ``remainder_to`` got in the quarter beyond its own part rounded by itself."""
    scale: int
    """Decimal places of the commodity, for whoever prints the amounts."""


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
        **plain: object,
    ) -> None:
        """Notes one step; the ``template`` names amounts by position and anything else by keyword."""
        if not self.listens:
            return
        amounts = (exact_text(amount_minor, self.scale) for amount_minor in amounts_minor)
        self.steps.append(
            ExplanationStep(
                code=code,
                span=self.span,
                subject=self.subject,
                arithmetic=template.format(*amounts, result=exact_text(result, self.scale), **plain),
                result=Fraction(result),
                role=role,
                book=book,
                measure=line.measure if line else "",
                line_id=line.line_id if line else "",
                document=line.document if line else "",
            )
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
    lines += [_step_text(step, language) for step in explanation.steps]
    lines += [_choice_text(choice, language) for choice in explanation.choices]
    lines += _remaining_text(explanation, language)
    return "\n".join(lines)


def _heading(explanation: Explanation, language: Language) -> str:
    number, version, quarter = explanation.clause, explanation.version, explanation.quarter
    if language == "zh":
        return (
            f"第{number}条（自{version.name_zh}起执行的版本），对象 {explanation.subject}，{quarter.name_zh}"
        )
    return f"Clause {number} (terms in force from {version}), subject {explanation.subject}, {quarter}"


def _step_text(step: ExplanationStep, language: Language) -> str:
    index = 0 if language == "zh" else 1
    about = [step.span, STEP_NAMES[step.code][index]]
    if step.measure:
        measure = MEASURE_BY_NAME[step.measure]
        about.append(measure.name_zh if language == "zh" else measure.name_en)
    if step.book is not None:
        about.append(BOOK_NAMES[step.book][index])
    if step.role:
        about.append(role_zh(step.role) if language == "zh" else role_en(step.role))
    source = "，".join(text for text in (step.line_id, step.document) if text)
    return f"{' '.join(about)}: {step.arithmetic}" + (f" [{source}]" if source else "")


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
    odd = explanation.odd_unit_minor
    if odd:
        amount, role = exact_text(odd, explanation.scale), explanation.remainder_to
        lines.append(
            f"取整余数 {amount} 归{role_zh(role)}"
            if language == "zh"
            else f"The odd {amount} went to {role_en(role)}"
        )
    return lines
