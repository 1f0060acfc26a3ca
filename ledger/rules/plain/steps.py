"""One step of a clause for one subject, in exact fractions: from figures to each role's part.

Read it next to ``docs/rule-semantics.md``: the sections stand in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from ledger.money import RoundingMode, round_exact
from ledger.periods import Quarter, Span
from ledger.rules.explanation import exact_text
from ledger.rules.facts import Carried, Line
from ledger.rules.plain.budget import opened_budget, within_budget
from ledger.rules.plain.caps import cap_pool, cap_receipts, is_below_caps, opened_uses, turned_uses
from ledger.rules.plain.case import MONEY_SCALE, ZERO, Case, Parts, amount_of, share_of
from ledger.rules.plain.floor import guarantee
from ledger.rules.plain.shares import (
    at_own_rates,
    banded,
    key_row,
    parts_of,
    record_ratios,
    require_factors,
    shares_on,
)
from ledger.rules.plain.windows import closing_day, first_day, is_open, window_bounds
from ledger.rules.step_words import eligibility_words, extension_words, tax_words, window_words
from ledger.rules.terms import (
    Book,
    Clause,
    Eligibility,
    Grain,
    Loss,
    MissingYears,
    Recover,
    Surplus,
    Window,
    WithinYear,
)


def compute_step(
    case: Case, carried: Carried, figures: Sequence[Line], step: Span
) -> tuple[Carried, list[Parts]]:
    """One step; with grain ``line`` every figure's parts by themselves, else the parts of the base."""
    case.record.at(case.subject.subject, step)
    bases = [_figure_base(case, line, step.start) for line in figures]
    carried, is_shared = _is_shared(case, carried, step.start)
    smoothing = case.clause.how_much.smoothing
    carried = replace(carried, history=carried.history[: smoothing.years if smoothing else 0])
    if is_shared:
        require_factors(case, step.start)
        carried = _with_pool_of(case, carried, step.start.year)
    if case.clause.rounding.grain is not Grain.LINE:
        bases = [_base(case, bases)]
    bases = _rated(case, bases)
    carried = opened_budget(case, opened_uses(case, carried))
    carried = replace(carried, entitlements=opened(case.clause, carried.entitlements))
    allotted = []
    for base in bases:
        carried, parts = _allot(case, carried, base, is_shared, step)
        allotted.append(parts)
    carried, given = guarantee(case, carried, allotted, step)
    if given:
        allotted.append(given)
        carried = replace(carried, entitlements=summed(carried.entitlements, given))
    return carried, allotted


def _allot(
    case: Case, carried: Carried, base: Fraction, is_shared: bool, step: Span
) -> tuple[Carried, Parts]:
    if is_shared:
        carried = _turned(case, carried, step.start.year)
        carried, shared = _surplus(case, carried, base, step)
        carried, recovered = _recover(case, carried, shared, step)
        shared -= sum(recovered.values())
        carried, shared = _smoothed(case, carried, shared, step)
        carried, by_role = _share_out(case, carried, shared, step.start)
        by_role = added(by_role, recovered)
    else:
        by_role = {case.clause.to_whom.otherwise: base}
        case.record.step("share", base, "{result}", role=case.clause.to_whom.otherwise, book=case.book)
    parts = {(case.book, role): part for role, part in by_role.items()} | _official(case, base)
    return replace(carried, entitlements=summed(carried.entitlements, parts)), parts


def opened(clause: Clause, entitlements: Parts) -> Parts:
    return dict.fromkeys(clause.entitlement_keys, ZERO) | dict(entitlements)


def added(*summands: Mapping[str, Fraction]) -> dict[str, Fraction]:
    total: dict[str, Fraction] = {}
    for parts in summands:
        for role, part in parts.items():
            total[role] = total.get(role, ZERO) + part
    return total


def summed(*summands: Parts) -> dict[tuple[Book, str], Fraction]:
    total: dict[tuple[Book, str], Fraction] = {}
    for parts in summands:
        for key, part in parts.items():
            total[key] = total.get(key, ZERO) + part
    return total


# --- Base of a step ---------------------------------------------------------------------------------------


def _figure_base(case: Case, line: Line, day: date) -> Fraction:
    """The figure as far as it is kept; negative where it is deducted."""
    case.record.step("figure", line.amount_minor, "{result}", line=line)
    kept = _kept(case.clause, line.measure, day)
    base = line.amount_minor * kept
    if kept != 1:
        case.record.step("retention", base, "{} × {kept} = {result}", line.amount_minor, line=line, kept=kept)
    if line.measure in case.clause.what.deduct:
        base = -base
        case.record.step("deduction", base, "{result}", line=line)
    return base


def _kept(clause: Clause, measure: str, day: date) -> Fraction:
    rows = [row for row in clause.how_much.retention if row.measure == measure]
    begun = [row for row in rows if row.starts <= day]
    if begun:
        return begun[-1].kept
    return ZERO if rows else Fraction(1)


def _base(case: Case, bases: Sequence[Fraction]) -> Fraction:
    base = sum(bases, ZERO)
    case.record.step(
        "base", base, " + ".join(["{}"] * len(bases)) + " = {result}" if bases else "{result}", *bases
    )
    return base


def _rated(case: Case, bases: Sequence[Fraction]) -> list[Fraction]:
    """The bases as far as the subject's rate lets them count."""
    if not case.clause.how_much.rates:
        return list(bases)
    rate = _rate(case)
    for base in bases:
        case.record.step("rate", base * rate, "{} × {rate} = {result}", base, rate=rate)
    return [base * rate for base in bases]


def _rate(case: Case) -> Fraction:
    for row in case.clause.how_much.rates:
        if _has_attributes(case, row.where):
            return share_of(row.rate)
    return ZERO


def _has_attributes(case: Case, where: Mapping[str, Sequence[str]]) -> bool:
    return all(case.subject.attributes.get(name) in values for name, values in where.items())


# --- Eligibility ------------------------------------------------------------------------------------------


def _is_shared(case: Case, carried: Carried, day: date) -> tuple[Carried, bool]:
    """Whether the step that begins on ``day`` is shared at all: the subject is eligible, the window open."""
    if not is_eligible(case):
        return carried, False
    return _window(case, carried, day)


def is_eligible(case: Case) -> bool:
    """Whether the subject fulfils every condition of the clause."""
    rule = case.clause.whose.eligibility
    if rule is None:
        return True
    subject = case.subject
    is_moved_so = rule.cause_of_move is None or subject.cause_of_move is rule.cause_of_move
    is_referred_so = rule.referred_by is None or subject.referred_by == rule.referred_by
    is_such = _has_attributes(case, rule.attributes)
    has_paid_enough = _has_paid_enough(case, rule)
    meets_all = has_paid_enough and is_moved_so and is_referred_so and is_such
    if case.record.listens:
        words = eligibility_words(rule, subject, has_paid_enough=has_paid_enough)
        case.record.decision("eligibility", words, answer=meets_all)
    return meets_all


def _has_paid_enough(case: Case, rule: Eligibility) -> bool:
    if rule.pre_move_tax_average_at_least is None:
        return True
    taxes = case.subject.pre_move_tax_minor
    average = Fraction(sum(taxes.values()), len(taxes)) if taxes else ZERO
    threshold = amount_of(rule.pre_move_tax_average_at_least, MONEY_SCALE)
    is_enough = average >= threshold
    if case.record.listens:
        shown = exact_text(average, MONEY_SCALE), exact_text(threshold, MONEY_SCALE)
        words = tax_words(*shown, is_enough=is_enough)
        sign = "≥" if is_enough else "<"
        case.record.step("eligibility", average, f"{shown[0]} {sign} {shown[1]}", words=words)
    return is_enough


# --- Window -----------------------------------------------------------------------------------------------


def _window(case: Case, carried: Carried, day: date) -> tuple[Carried, bool]:
    window, step = case.clause.when.window, case.clause.when.step
    if window is not None:
        carried = decided(case, carried, window, day)
    dates, is_extended = case.dates_with(carried), carried.extended is True
    has_shares = case.clause.to_whom.bands is not None or key_row(case, day) is not None
    is_inside = has_shares and is_open(window, dates, step, day, is_extended)
    if case.record.listens:
        bounds = window_bounds(window, dates, step, is_extended)
        words = window_words(window, dates, day, bounds, shares_begun=has_shares)
        case.record.decision("window", words, answer=is_inside)
    return carried, is_inside


def decided(case: Case, carried: Carried, window: Window, day: date) -> Carried:
    """What is carried once the extension is decided: at the first step at or after the window's end, once."""
    if window.extension is None or carried.extended is not None:
        return carried
    opens = first_day(window.clock, case.dates_with(carried), case.clause.when.step)
    closes = None if opens is None else closing_day(window, opens, extended=False)
    if closes is None or day < closes:
        return carried
    holds = window.extension.on_correction == "hold" and case.held is not None
    extended = case.held if holds else is_below_caps(case, carried)
    if case.record.listens:
        words = extension_words(is_extended=bool(extended), is_held=holds)
        case.record.decision("extension", words, answer=bool(extended))
    return replace(carried, extended=extended)


# --- Surplus ----------------------------------------------------------------------------------------------


def _surplus(case: Case, carried: Carried, base: Fraction, step: Span) -> tuple[Carried, Fraction]:
    """What of the step's base is shared: all of it, or the change of what exceeds the yearly base."""
    rule = case.clause.how_much.surplus
    if rule is None:
        return carried, base
    before = carried
    to_date = before.to_date + base
    threshold = _threshold(case, rule, before, step)
    recognised = _recognised(rule, to_date - threshold, step)
    case.record.step("surplus", recognised, "{} − {} → {result}", to_date, threshold)
    after = replace(
        before,
        steps_counted=before.steps_counted + 1,
        to_date=to_date,
        threshold=threshold,
        recognised=recognised,
    )
    shared = recognised - before.recognised
    case.record.step("surplus", shared, "{} − {} = {result}", recognised, before.recognised)
    return after, shared


def _turned(case: Case, carried: Carried, year: int) -> Carried:
    """What is carried into ``year``: at its turn, the shortfall of the last year that had a counted step."""
    rule = case.clause.how_much.surplus
    is_yearly = rule is not None or any(cap.over == "year" for cap in case.clause.within.caps)
    if not is_yearly or carried.year == year:
        return carried
    shortfall = max(ZERO, carried.threshold - carried.to_date)
    loss = shortfall if rule is not None and rule.loss is Loss.CARRIED else ZERO
    return replace(
        carried,
        year=year,
        steps_counted=0,
        to_date=ZERO,
        recognised=ZERO,
        loss=loss,
        threshold=loss,
        used=turned_uses(case, carried),
    )


def _threshold(case: Case, rule: Surplus, before: Carried, step: Span) -> Fraction:
    match rule.within_year:
        case WithinYear.YEAR_TO_DATE | WithinYear.FINAL_ONLY:
            return _yearly_base(case, rule) + before.loss
        case WithinYear.PRO_RATA:
            counted = Fraction(before.steps_counted + 1, 12 // step.months)
            return _yearly_base(case, rule) * counted + before.loss
        case WithinYear.SAME_QUARTER:
            return before.threshold + _base_of_quarter(case, rule, step.quarter)


def _yearly_base(case: Case, rule: Surplus) -> Fraction:
    if rule.base is not None:
        return Fraction(amount_of(rule.base, case.scale))
    return Fraction(case.subject.base_year_amount_minor or 0)


def _base_of_quarter(case: Case, rule: Surplus, quarter: Quarter) -> int:
    amounts = rule.base_by_quarter or ("0", "0", "0", "0")
    return amount_of(amounts[quarter.quarter - 1], case.scale)


def _recognised(rule: Surplus, excess: Fraction, step: Span) -> Fraction:
    if rule.within_year is WithinYear.FINAL_ONLY and step.end.month != 1:
        return ZERO
    return excess if rule.loss is Loss.SHARED else max(ZERO, excess)


# --- Recovery ---------------------------------------------------------------------------------------------


def _recover(
    case: Case, carried: Carried, shared: Fraction, step: Span
) -> tuple[Carried, dict[str, Fraction]]:
    """What of the step's ``shared`` first repays the input, by role; and since when something is left."""
    rule = case.clause.how_much.recover
    if rule is None:
        return carried, {}
    inputs = sum(amount_of(row.amount, case.scale) for row in rule.inputs if row.starts <= step.start)
    accrued = carried.accrued + _yearly_return(case, rule, inputs, carried, step)
    balance = inputs + accrued - carried.recovered
    taken = max(ZERO, min(balance, shared))
    case.record.step("recovery", balance, "{} + {} − {} = {result}", inputs, accrued, carried.recovered)
    case.record.step(
        "recovery", taken, "min({}, {}) → {result}", balance, shared, role=rule.to, book=case.book
    )
    is_first = carried.first_shared is None and shared > taken
    after = replace(
        carried,
        accrued=accrued,
        recovered=carried.recovered + taken,
        first_shared=step.start if is_first else carried.first_shared,
    )
    return after, {rule.to: taken}


def _yearly_return(case: Case, rule: Recover, inputs: int, carried: Carried, step: Span) -> int:
    """The step's return on the input that isn't recovered yet, in whole minor units.

    What is recovered counts against the input first, and returns earn none.
    """
    if rule.yearly_return is None:
        return 0
    outstanding = max(ZERO, inputs - carried.recovered)
    rate = share_of(rule.yearly_return) * Fraction(step.months, 12)
    accrued = round_exact(outstanding * rate, RoundingMode.DOWN)
    case.record.step("recovery", accrued, "{} × {rate} → {result}", outstanding, rate=rate)
    return accrued


# --- Smoothing --------------------------------------------------------------------------------------------


def _smoothed(case: Case, carried: Carried, shared: Fraction, step: Span) -> tuple[Carried, Fraction]:
    """Nothing before the year's last step, then the average of the years."""
    rule = case.clause.how_much.smoothing
    if rule is None:
        return carried, shared
    this_year, *earlier = carried.history or (ZERO,)
    history = (this_year + shared, *earlier)
    count = len(history) if rule.missing_years is MissingYears.FEWER else rule.years
    average = sum(history, ZERO) / count if step.end.month == 1 else ZERO
    sums = " + ".join(["{}"] * len(history))
    case.record.step("smoothing", average, f"({sums}) / {{count}} → {{result}}", *history, count=count)
    return replace(carried, history=history), average


def _with_pool_of(case: Case, carried: Carried, year: int) -> Carried:
    """At the turn of the year its pool begins at 0; in the history, so do years without a shared step."""
    if carried.pool_year == year:
        return carried
    history: tuple[Fraction, ...] = ()
    smoothing = case.clause.how_much.smoothing
    if carried.history and smoothing is not None:
        turned = min(year - carried.pool_year, smoothing.years)
        history = ((ZERO,) * turned + carried.history)[: smoothing.years]
    return replace(carried, pool_year=year, pool_of_year=ZERO, history=history)


# --- Caps, shares -----------------------------------------------------------------------------------------


def _share_out(
    case: Case, carried: Carried, shared: Fraction, day: date
) -> tuple[Carried, dict[str, Fraction]]:
    """Each role's part of what is shared in the step."""
    shares, bands = shares_on(case, day), case.clause.to_whom.bands
    shared = at_own_rates(case, shares, shared)
    if case.record.listens:
        record_ratios(case, shared, day)
    before = carried
    carried = replace(carried, pool=carried.pool + shared, pool_of_year=carried.pool_of_year + shared)
    carried, shared, beyond_budget = _budgeted(case, carried, shared, day, "before_caps")
    carried, divided, beyond_pool = cap_pool(case, carried, shared)
    carried, divided, also_beyond_budget = _budgeted(case, carried, divided, day, "after_caps")
    parts = parts_of(case, shares, divided) if bands is None else banded(case, bands, before, divided)
    carried, parts = _budgeted_part(case, carried, parts, day, "before_caps")
    carried, left, beyond_receipts = cap_receipts(case, carried, parts)
    carried, left = _budgeted_part(case, carried, left, day, "after_caps")
    return carried, added(left, beyond_budget, beyond_pool, also_beyond_budget, beyond_receipts)


def _budgeted(
    case: Case, carried: Carried, shared: Fraction, day: date, place: str
) -> tuple[Carried, Fraction, dict[str, Fraction]]:
    """What a budget on everything that is shared leaves, if ``place`` is where it is applied."""
    rule = case.clause.within.budget
    if rule is None or rule.payer is not None or rule.applied != place:
        return carried, shared, {}
    return within_budget(case, carried, shared, day)


def _budgeted_part(
    case: Case, carried: Carried, parts: Mapping[str, Fraction], day: date, place: str
) -> tuple[Carried, dict[str, Fraction]]:
    """The parts, with what the payer's budget leaves of its own, if ``place`` is where it is applied."""
    rule = case.clause.within.budget
    if rule is None or rule.payer is None or rule.applied != place:
        return carried, dict(parts)
    carried, left, excess = within_budget(case, carried, parts.get(rule.payer, ZERO), day)
    return carried, added({**parts, rule.payer: left}, excess)


def _official(case: Case, base: Fraction) -> dict[tuple[Book, str], Fraction]:
    in_place = case.clause.to_whom.in_place
    if case.book is Book.CASH or in_place is None:
        return {}
    case.record.step("share", base, "{result}", role=in_place, book=Book.OFFICIAL)
    return {(Book.OFFICIAL, in_place): base}
