"""The floor: what a guarantor adds when a party's receipts of a year stay below what it was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from ledger.periods import Span
from ledger.rules.facts import Carried
from ledger.rules.plain.case import ZERO, Case, Parts, amount_of
from ledger.rules.plain.windows import is_open
from ledger.rules.terms import Floor


def guarantee(case: Case, carried: Carried, allotted: Sequence[Parts], step: Span) -> tuple[Carried, Parts]:
    """What the guarantor gives in the step, by book and role: something in a year's last step only."""
    rule = case.clause.within.floor
    if rule is None:
        return carried, {}
    carried = _received(case, rule, carried, allotted, step.start.year)
    if step.end.month != 1 or not is_open(
        rule.window, case.dates, case.clause.when.step, step.start, extended=False
    ):
        return carried, {}
    promised = amount_of(rule.yearly_amount, case.scale) + carried.shortfall
    gap = max(ZERO, promised - carried.floor_receipts)
    given = _given(rule, gap, carried.guarantor_receipts)
    case.record.step("floor", gap, "max(0, {} − {}) = {result}", promised, carried.floor_receipts)
    case.record.step("floor", given, "{result}", role=rule.party, book=case.book)
    case.record.step("floor", -given, "{result}", role=rule.from_party, book=case.book)
    left = gap - given if rule.shortfall == "carried" else ZERO
    parts = {(case.book, rule.party): given, (case.book, rule.from_party): -given}
    return replace(carried, shortfall=left), parts


def _received(case: Case, rule: Floor, carried: Carried, allotted: Sequence[Parts], year: int) -> Carried:
    if carried.floor_year != year:
        carried = replace(carried, floor_year=year, floor_receipts=ZERO, guarantor_receipts=ZERO)
    party, guarantor = (case.book, rule.party), (case.book, rule.from_party)
    return replace(
        carried,
        floor_receipts=carried.floor_receipts + sum((parts.get(party, ZERO) for parts in allotted), ZERO),
        guarantor_receipts=carried.guarantor_receipts
        + sum((parts.get(guarantor, ZERO) for parts in allotted), ZERO),
    )


def _given(rule: Floor, gap: Fraction, guarantor_receipts: Fraction) -> Fraction:
    if rule.shortfall == "topped_up":
        return gap
    return max(ZERO, min(gap, guarantor_receipts))
