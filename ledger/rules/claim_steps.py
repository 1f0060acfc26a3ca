"""How a claim on a voucher was decided: the steps as they are kept, and as sentences in both languages.

The steps are noted while the claim is decided; there is no second computation to explain the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from ledger.measures import YUAN
from ledger.money import format_amount
from ledger.rules.explanation import STEP_NAMES, exact_text
from ledger.rules.step_words import Words
from ledger.rules.words import role_en, role_zh

_LONG_NUMBER = re.compile(r"(?<![\d.])\d{4,}")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as a claim met it, exact in yuan: what was used of it, what was asked for and granted."""

    limit: str
    used: str
    asked: str
    granted: str
    per: str = ""
    over: str = ""

    @property
    def arithmetic(self) -> str:
        return f"min({self.left}, {self.asked}) = {self.granted}"

    @property
    def cut(self) -> Fraction:
        """What it took."""
        return Fraction(self.asked) - Fraction(self.granted)

    @property
    def left(self) -> str:
        return _exact(max(Fraction(self.limit) - Fraction(self.used), Fraction(0)))


@dataclass(frozen=True, slots=True)
class ClaimStep:
    """One step of a clause: ``code`` is a key of ``_NAMES``, ``_LIMITS`` or ``quota``.

    ``arithmetic`` has exact numbers in yuan; ``limit`` and ``words`` stand in its place where there are such.
    """

    code: str
    role: str = ""
    arithmetic: str = ""
    limit: Limit | None = None
    words: Words | None = None

    @property
    def line(self) -> str:
        """The step as one line of arithmetic."""
        said = self.words.en if self.words else self.limit.arithmetic if self.limit else self.arithmetic
        return f"{self.code} {self.role}: {said}"

    def kept(self) -> dict[str, Any]:
        """The step as it is stored, without what is empty."""
        found: dict[str, Any] = {"code": self.code, "role": self.role, "arithmetic": self.arithmetic}
        if self.limit is not None:
            found["limit"] = {name: value for name, value in asdict(self.limit).items() if value}
        if self.words is not None:
            found["words"] = list(self.words)
        return {name: value for name, value in found.items() if value}


def read_step(kept: Mapping[str, Any] | str) -> ClaimStep:
    """The step that was stored; the first decisions kept each as its line alone."""
    if isinstance(kept, str):
        about, _, arithmetic = kept.partition(": ")
        code, _, role = about.partition(" ")
        return ClaimStep(code, role, arithmetic)
    limit, words = kept.get("limit"), kept.get("words")
    return ClaimStep(
        kept["code"],
        kept.get("role", ""),
        kept.get("arithmetic", ""),
        None if limit is None else Limit(**limit),
        None if words is None else Words(*words),
    )


# --- sentences --------------------------------------------------------------------------------------------


class Decided(NamedTuple):
    """A decided claim: amounts in fen, its steps by clause, and what each role bears."""

    amount_minor: int
    audited_minor: int | None
    finding: str
    approved_minor: int
    steps: Mapping[str, Sequence[ClaimStep]]
    by_role: Mapping[str, int]


def sentences(decided: Decided) -> list[Words]:
    """Why the claim got what it got: the cost, every clause in its order, and what came of it."""
    return list(_sentences(decided))


def _sentences(decided: Decided) -> Iterator[Words]:
    cost = _yuan(decided.amount_minor)
    yield Words(f"申请兑付的费用为 {cost} 元。", f"The cost claimed for is {cost} yuan.")
    if decided.audited_minor is not None:
        accepted = _yuan(decided.audited_minor)
        yield Words(
            f"抽查认可其中 {accepted} 元：{decided.finding}。",
            f"The audit accepted {accepted} yuan of it: {decided.finding}.",
        )
    for number, steps in decided.steps.items():
        for step in steps:
            said = _step_words(step)
            yield Words(f"第 {number} 条：{said.zh}。", f"Clause {number}: {said.en}.")
    yield _outcome(decided)


_NAMES: dict[str, tuple[str, str]] = {
    **STEP_NAMES,
    "figure": ("计入的费用", "cost that counts"),
    "rate": ("支持比例", "rate of support"),
    "share": ("分担", "share"),
    "rounding": ("取整到分", "rounded, part"),
    "remainder": ("取整到分并得余数", "rounded with the remainder, part"),
}


def _step_words(step: ClaimStep) -> Words:
    if step.limit is not None:
        return Words(*map(_grouped, _limit_words(step, step.limit)))
    if step.words is not None:
        return step.words
    (zh, en), arithmetic = _NAMES[step.code], _grouped(step.arithmetic)
    if step.role:
        zh, en = f"{role_zh(step.role)}{zh}", f"{en} of {role_en(step.role)}"
    return Words(f"{zh}：{arithmetic} 元", f"{en}: {arithmetic} yuan")


_LIMITS: dict[str, Words] = {
    "voucher": Words("创新券余额和费用可支持的金额", "what the voucher and the cost leave"),
    "reserve": Words(
        "为本券从{role}预算预留的金额", "what is set aside for the voucher from the budget of {role}"
    ),
    "budget": Words("{role}的预算可为本申请承担的金额", "what the budget of {role} can bear of this claim"),
}
_WHOSE = {
    "subject": Words("每家企业", "each enterprise"),
    "controller": Words("同一实际控制人的所有企业", "all enterprises of one actual controller"),
}
_SPANS = {"year": Words("每年", "a year"), "lifetime": Words("累计", "in all")}


def _limit_name(step: ClaimStep, limit: Limit) -> Words:
    role = Words(role_zh(step.role), role_en(step.role))
    if step.code in _LIMITS:
        named = _LIMITS[step.code]
        return Words(named.zh.format(role=role.zh), named.en.format(role=role.en))
    whose, span = _WHOSE[limit.per], _SPANS[limit.over]
    part = Words(f"由{role.zh}承担部分的", f" borne by {role.en}") if step.role else Words("", "")
    return Words(f"{whose.zh}{span.zh}{part.zh}限额", f"the quota of {whose.en} {span.en}{part.en}")


def _limit_words(step: ClaimStep, limit: Limit) -> Words:
    name, before, cut = _limit_name(step, limit), _used_words(step, limit), _exact(limit.cut)
    outcome = (
        Words(
            f"所求 {limit.asked} 元减为 {limit.granted} 元，{cut} 元不予兑付",
            f"{limit.asked} is cut to {limit.granted}, and {cut} isn't granted",
        )
        if limit.cut
        else Words(f"所求 {limit.asked} 元未超出", f"{limit.asked} is within it")
    )
    return Words(
        f"{name.zh}为 {limit.limit} 元{before.zh}；{outcome.zh}",
        f"{name.en} is {limit.limit} yuan{before.en}; {outcome.en}",
    )


def _used_words(step: ClaimStep, limit: Limit) -> Words:
    """What was used of a quota; the other limits are what is left already."""
    if step.code != "quota":
        return Words("", "")
    if not Fraction(limit.used):
        return Words("，此前未用", ", none used before")
    return Words(
        f"，此前已用 {limit.used} 元，尚余 {limit.left} 元",
        f", {limit.used} used before, {limit.left} left",
    )


def _outcome(decided: Decided) -> Words:
    approved = _yuan(decided.approved_minor)
    reasons = list(_reasons(decided))
    zh, en = "；".join(one.zh for one in reasons), "; ".join(one.en for one in reasons)
    if not decided.approved_minor:
        return Words(f"核定 {approved} 元，因为{zh}。", f"Approved: {approved} yuan, because {en}.")
    parts_zh = "，".join(f"{role_zh(role)}承担 {_yuan(part)} 元" for role, part in decided.by_role.items())
    parts_en = ", ".join(f"{_yuan(part)} borne by {role_en(role)}" for role, part in decided.by_role.items())
    less = Words(f"减少的原因：{zh}。", f" What was taken: {en}.") if reasons else Words("", "")
    return Words(
        f"核定 {approved} 元：{parts_zh}。{less.zh}", f"Approved: {approved} yuan, {parts_en}.{less.en}"
    )


def _reasons(decided: Decided) -> Iterator[Words]:
    """What left less than was claimed for, in the order in which it did."""
    if decided.audited_minor == 0:
        yield Words("抽查未认可任何费用", "the audit accepted none of the cost")
        return
    for number, steps in decided.steps.items():
        for step in steps:
            if step.words is not None:
                yield Words(f"不符合第 {number} 条的条件", f"the conditions of clause {number} aren't met")
            elif step.limit is not None and step.limit.cut:
                name, cut = _limit_name(step, step.limit), _grouped(_exact(step.limit.cut))
                yield Words(
                    f"第 {number} 条{name.zh}减少 {cut} 元", f"{name.en} (clause {number}) took {cut} yuan"
                )
            elif step.code == "rate" and step.arithmetic.endswith(" × 0 = 0.00"):
                yield Words(f"第 {number} 条没有适用的比例", f"no rate of clause {number} applies")


def _yuan(amount_minor: int) -> str:
    return format_amount(amount_minor, YUAN.scale, thousands=True)


def _exact(amount: Fraction) -> str:
    return exact_text(amount * 10**YUAN.scale, YUAN.scale)


def _grouped(text: str) -> str:
    """The text with its long numbers in groups of three digits."""
    return _LONG_NUMBER.sub(lambda found: f"{int(found[0]):,}", text)
