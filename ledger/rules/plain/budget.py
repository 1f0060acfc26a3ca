"""The budget: what all subjects of a clause may draw together, and each one's part when it is short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from math import floor

from ledger.periods import Quarter
from ledger.rules.facts import Carried
from ledger.rules.plain.case import ZERO, Case, Grant, amount_of, scale_of
from ledger.rules.terms import Budget, Clause


def opened_budget(case: Case, carried: Carried) -> Carried:
    """What is carried; a clause without a budget forgets what was drawn."""
    return carried if case.clause.within.budget else replace(carried, budget_period=0, budget_used=ZERO)


def within_budget(
    case: Case, carried: Carried, amount: Fraction, day: date
) -> tuple[Carried, Fraction, dict[str, Fraction]]:
    """What the budget leaves of ``amount`` in the step of ``day``, and who gets what exceeds it.

    Without a grant the budget suffices.
    """
    rule = case.clause.within.budget
    if rule is None:
        return carried, amount, {}
    period = _period(rule, day)
    carried = replace(carried, budget_period=period, budget_used=_used(carried, period) + amount)
    if case.grant is None:
        return carried, amount, {}
    grant = case.grant
    case.record.step(
        "budget",
        grant.amount,
        "{0} → {result}; min({1}, {2} + {3}) − min({1}, {2}) = {4}",
        *(amount, grant.limit_minor, grant.used, grant.asked, grant.granted),
        role=rule.payer or "",
    )
    excess = amount - grant.amount
    if excess:
        case.record.step("budget", excess, "{result}", role=rule.excess_to or "", book=case.book)
    return carried, grant.amount, {} if rule.excess_to is None else {rule.excess_to: excess}


def grants_of(
    clause: Clause, before: Mapping[int, Carried], asking: Mapping[int, Carried], day: date
) -> dict[int, Grant]:
    """Every subject's grant in the step of ``day``; ``asking`` is what they would carry if it sufficed."""
    rule = clause.within.budget
    if rule is None:
        return {}
    period, limit_minor = _period(rule, day), _limit_minor(clause, rule, day)
    asked = {
        subject: _used(asking[subject], period) - _used(before.get(subject, Carried()), period)
        for subject in sorted(asking)
    }
    used, total = sum((_used(kept, period) for kept in before.values()), ZERO), sum(asked.values(), ZERO)
    whole = Grant(ZERO, limit_minor, used, total, _granted(limit_minor, used, total))
    parts = _shared_out(rule, asked, whole)
    return {subject: replace(whole, amount=part) for subject, part in parts.items()}


def apportioned(rule: Budget, limit_minor: int, asked: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """What everybody who ``asked`` for something, in this order, gets of what there is."""
    total = sum(asked.values(), ZERO)
    return _shared_out(rule, asked, Grant(ZERO, limit_minor, ZERO, total, _granted(limit_minor, ZERO, total)))


def _shared_out(rule: Budget, asked: Mapping[int, Fraction], whole: Grant) -> dict[int, Fraction]:
    return _in_order(asked, whole) if rule.order == "by_subject" else _in_proportion(asked, whole)


def _granted(limit_minor: int, used: Fraction, asked: Fraction) -> Fraction:
    limit = Fraction(limit_minor)
    return min(limit, used + asked) - min(limit, used)


def _in_order(asked: Mapping[int, Fraction], whole: Grant) -> dict[int, Fraction]:
    """One after another, as far as the budget goes."""
    used, parts = whole.used, {}
    for subject, amount in asked.items():
        parts[subject] = _granted(whole.limit_minor, used, amount)
        used += amount
    return parts


def _in_proportion(asked: Mapping[int, Fraction], whole: Grant) -> dict[int, Fraction]:
    """All by one factor: running totals are rounded down to the minor unit, and the last one is exact."""
    if whole.granted == whole.asked:
        return dict(asked)
    factor = whole.granted / whole.asked
    parts = dict.fromkeys(asked, ZERO)
    claiming = [subject for subject, amount in asked.items() if amount]
    running, given = ZERO, ZERO
    for subject in claiming:
        running += asked[subject]
        upto = whole.granted if subject == claiming[-1] else Fraction(floor(factor * running))
        parts[subject], given = upto - given, upto
    return parts


def _used(carried: Carried, period: int) -> Fraction:
    return carried.budget_used if carried.budget_period == period else ZERO


def _period(rule: Budget, day: date) -> int:
    return day.year if rule.over == "year" else Quarter.of(day).ordinal


def _limit_minor(clause: Clause, rule: Budget, day: date) -> int:
    row = rule.row_on(day)
    return 0 if row is None else amount_of(row.amount, scale_of(clause))
