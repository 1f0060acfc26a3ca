"""One claim under a clause: what it gives each payer, by the steps that compute everything else.

What else limits the claim (what is left of the voucher, what a payer's budget can bear) are caps of this one
claim, behind the clause's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Any

from ledger.money import divide, format_amount
from ledger.periods import Quarter, Span
from ledger.rules.claim_steps import ClaimStep, Limit
from ledger.rules.explanation import Recorder, exact_text
from ledger.rules.facts import Carried, Dates, Line, Subject
from ledger.rules.plain.caps import opened_uses, turned_uses
from ledger.rules.plain.case import ZERO, Case, scale_of
from ledger.rules.plain.steps import compute_step, is_eligible
from ledger.rules.terms import Cap, Clause, Step

Granted = Mapping[tuple[int, str], int]
"""What a subject was granted before under a clause, in minor units, by calendar year and role."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What else a claim may give, in minor units: in all, and of each payer.

    ``of_payer`` says what limits a payer: ``reserve``, what is set aside, or ``budget``, what that can bear.
    """

    whole_minor: int
    by_payer_minor: Mapping[str, int] = field(default_factory=dict)
    of_payer: str = "reserve"


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """What each role pays, in whole minor units, zeros left out, and how that came about."""

    parts_minor: Mapping[str, int]
    steps: tuple[ClaimStep, ...]

    @property
    def total_minor(self) -> int:
        return sum(self.parts_minor.values())


def may_apply(clause: Clause, subject: Subject) -> bool:
    """Whether the subject fulfils the clause's conditions."""
    return is_eligible(_case(clause, subject, ()))


def decide_claim(
    clause: Clause,
    subject: Subject,
    cost_minor: int,
    day: date,
    granted: Granted,
    fellows: Iterable[Granted],
    limits: Limits,
) -> ClaimResult:
    """What a claim of ``cost_minor`` handed in on ``day`` gives, after all that was granted before.

    ``fellows`` is what was granted to each other subject of the same actual controller. Each claim is rounded
    by itself.
    """
    limited = _with_limits(clause, limits)
    case = replace(_case(limited, subject, ()), record=Recorder(scale=scale_of(clause), listens=True))
    if not is_eligible(case):
        return ClaimResult({}, (ClaimStep("eligibility", words=case.record.steps[-1].words),))
    noted = _Noted(clause, limits)
    case = replace(
        case, fellows=tuple(_carried(clause, case, one, day.year) for one in fellows), record=noted
    )
    step = _step_of(clause, day)
    line = Line(subject.subject, clause.what.measures[0], step, cost_minor)
    _, allotted = compute_step(case, _carried(clause, case, granted, day.year), [line], step)
    exact: dict[str, Fraction] = {}
    for parts in allotted:
        for (_, role), part in parts.items():
            exact[role] = exact.get(role, ZERO) + part
    parts_minor = _whole(clause, exact)
    return ClaimResult(parts_minor, (*noted.claim_steps, *_roundings(clause, exact, parts_minor)))


class _Noted(Recorder):
    """Takes down what a claim's steps were, and of each limit which it was."""

    def __init__(self, clause: Clause, limits: Limits) -> None:
        super().__init__(scale=scale_of(clause), listens=True)
        self._clause, self._limits = clause, limits
        self.claim_steps: list[ClaimStep] = []

    def step(
        self, code: str, result: Fraction | int, template: str, *amounts_minor: Fraction | int, **more: Any
    ) -> None:
        """As any recorder's; ``place`` is that of a cap among those of the limited clause."""
        if "place" in more:
            limit, upto, used = amounts_minor
            met = self._limit(more["place"], limit, used, upto - used, Fraction(result))
            self.claim_steps += [met] if upto - used or met.code == "voucher" else []
            return
        super().step(code, result, template, *amounts_minor, **more)
        noted = self.steps[-1]
        if code not in ("base", "cap", "eligibility"):
            self.claim_steps.append(ClaimStep(code, noted.role, noted.arithmetic))

    def _limit(self, place: int, *amounts: Fraction | int) -> ClaimStep:
        limit, used, asked, granted = (exact_text(one, self.scale) for one in amounts)
        caps, payers = self._clause.within.caps, list(self._limits.by_payer_minor)
        if place < len(caps):
            cap = caps[place]
            met = Limit(limit, used, asked, granted, cap.per, cap.over)
            return ClaimStep("quota", cap.capped or "", limit=met)
        met = Limit(limit, used, asked, granted)
        if place == len(caps):
            return ClaimStep("voucher", limit=met)
        return ClaimStep(self._limits.of_payer, payers[place - len(caps) - 1], limit=met)


def _roundings(
    clause: Clause, exact: Mapping[str, Fraction], parts_minor: Mapping[str, int]
) -> Iterator[ClaimStep]:
    """Of every role whose exact part isn't whole what it was rounded to."""
    for role, part in sorted(exact.items()):
        whole = parts_minor.get(role, 0)
        if part != whole:
            code = "remainder" if role == clause.rounding.remainder_to else "rounding"
            arithmetic = " → ".join(exact_text(one, scale_of(clause)) for one in (part, whole))
            yield ClaimStep(code, role, arithmetic)


def _case(clause: Clause, subject: Subject, fellows: Sequence[Carried]) -> Case:
    dates = Dates(subject.events, {})
    return Case(clause, subject, dates, scale_of(clause), None, Recorder(), tuple(fellows))


def _step_of(clause: Clause, day: date) -> Span:
    if clause.when.step is Step.MONTH:
        return Span(day.replace(day=1), 1)
    return Span.of_quarter(Quarter.of(day))


def _with_limits(clause: Clause, limits: Limits) -> Clause:
    """The clause with the limits as caps of its own, and without its budget, which is one of them."""
    whole = _cap(limits.whole_minor, scale_of(clause), None)
    by_payer = (_cap(limit, scale_of(clause), payer) for payer, limit in limits.by_payer_minor.items())
    caps = (*clause.within.caps, whole, *by_payer)
    return clause.model_copy(
        update={"within": clause.within.model_copy(update={"caps": caps, "budget": None})}
    )


def _cap(limit_minor: int, scale: int, capped: str | None) -> Cap:
    return Cap(
        amount=format_amount(limit_minor, scale),
        over="lifetime",
        measured_on="pool" if capped is None else "receipts",
        capped=capped,
        excess_to=None,
    )


def _carried(clause: Clause, case: Case, granted: Granted, year: int) -> Carried:
    """What was used of the ``clause``'s own caps up to ``year``; the limits of the claim are unused."""
    carried = opened_uses(case, Carried())
    for past in sorted({of_year for of_year, _ in granted if of_year <= year}):
        by_role = {role: amount for (of_year, role), amount in granted.items() if of_year == past}
        counted = [_counted(cap, by_role) for cap in clause.within.caps]
        turned = turned_uses(case, carried)
        more = [*counted, *[0] * (len(turned) - len(counted))]
        used = tuple(use + Fraction(added) for use, added in zip(turned, more, strict=True))
        carried = replace(carried, year=past, used=used)
    return carried


def _counted(cap: Cap, by_role: Mapping[str, int]) -> int:
    return sum(by_role.values()) if cap.capped is None else by_role.get(cap.capped, 0)


def _whole(clause: Clause, exact: Mapping[str, Fraction]) -> dict[str, int]:
    roles = sorted(exact.keys() | {clause.rounding.remainder_to})
    remainder = roles.index(clause.rounding.remainder_to)
    whole = divide([exact.get(role, ZERO) for role in roles], clause.rounding.mode, remainder)
    return {role: part for role, part in zip(roles, whole, strict=True) if part}
