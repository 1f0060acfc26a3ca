"""What a clause makes of the figures, one subject at a time, in exact fractions.

Read it next to ``docs/rule-semantics.md``: the sections stand in the same order. The vectorised evaluator
must agree with this one on everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import lru_cache

from ledger.errors import LedgerError
from ledger.measures import MEASURE_BY_NAME
from ledger.money import RoundingMode, divide, parse_amount, parse_share, round_exact
from ledger.periods import Quarter, Span, add_months, quarters_between
from ledger.rules.choices import choices_of
from ledger.rules.explanation import Explanation, OddUnit, Recorder, Remaining, exact_text
from ledger.rules.facts import Amount, Carried, Facts, Key, Line, Outcome, Subject, Version
from ledger.rules.step_words import (
    CUMULATIVE,
    CUMULATIVE_REMAINDER,
    PERIOD,
    PERIOD_REMAINDER,
    by_line,
    eligibility_words,
    extension_words,
    tax_words,
    window_words,
)
from ledger.rules.terms import (
    WHOLE_PARK,
    BandPeriod,
    Bands,
    Begins,
    Book,
    Cap,
    Clause,
    Clock,
    Eligibility,
    Grain,
    Loss,
    Mechanism,
    MissingYears,
    Regime,
    Scope,
    Shares,
    Step,
    Surplus,
    Terms,
    Window,
    WithinYear,
)

Parts = Mapping[tuple[Book, str], Fraction]
"""Exact minor units by book and role."""

Held = Mapping[tuple[int, int], bool]
"""Decisions about extensions that closed settlements took, by clause number and subject."""

MONEY_SCALE = 2
"""Thresholds on taxes are in yuan, whatever the clause counts."""

_STEP_MONTHS = {Step.MONTH: 1, Step.QUARTER: 3}
_ZERO = Fraction(0)


class FigureNotOfMonth(LedgerError):
    """A clause that is computed by month got a figure of a whole quarter."""

    code = "FIGURE_NOT_OF_MONTH"
    sentence_en = (
        "Clause {clause} is computed month by month, but a figure of {measure} is about all of {span}. "
        "Report it month by month."
    )
    sentence_zh = "第{clause}条按月计算，但{span}的{measure}是整季度的数。请按月填报。"


class ClauseNotInForce(LedgerError):
    """An explanation was asked for a clause that wasn't computed in that quarter."""

    code = "CLAUSE_NOT_IN_FORCE"
    sentence_en = "Clause {clause} isn't in force in {quarter}. Ask for a quarter in which it is."
    sentence_zh = "第{clause}条在{quarter}未生效。请选择其生效的季度。"


class FactorsMissing(LedgerError):
    """A step divides by factors of a year that the clause doesn't have."""

    code = "FACTORS_MISSING"
    sentence_en = (
        "Clause {clause} divides by the factors of {year}, which it doesn't have. "
        "Amend it with the factors of {year}."
    )
    sentence_zh = (
        "第{clause}条按 {year} 年的因素分摊，但条款中没有该年数据。请修订条款，补充 {year} 年的因素。"
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """A clause as one version has it, applied to one subject."""

    clause: Clause
    subject: Subject
    scale: int
    held: bool | None
    record: Recorder

    @property
    def book(self) -> Book:
        """The book that shares are credited in."""
        return Book.ASSESSMENT if self.clause.what.mechanism is Mechanism.OUTPUT_VALUE else Book.CASH


@dataclass(frozen=True, slots=True)
class ClauseQuarter:
    """One clause's quarter: every subject's state after it, what was rounded, and the whole amounts."""

    after: Mapping[int, Carried]
    to_round: Mapping[int, _ToRound]
    amounts: Mapping[Key, Amount]


@dataclass(frozen=True, slots=True)
class _ToRound:
    """Exact parts that are rounded each by themselves; the amount is their sum less that of ``before``."""

    now: Sequence[Parts]
    before: Sequence[Parts] = ()


def evaluate(
    versions: Sequence[Version], facts: Facts, through: Quarter, *, held_extensions: Held | None = None
) -> Outcome:
    """Every amount of every quarter up to ``through``, and what is carried after it.

    ``versions`` are in order of ``starts``. ``held_extensions`` holds decisions that closed settlements took,
    for clauses whose extension says ``hold``. Raises ``FigureNotOfMonth``, ``FactorsMissing``.
    """
    if not versions:
        return Outcome({}, {})
    return evaluate_from({}, versions[0].starts, versions, facts, through, held_extensions=held_extensions)


def evaluate_from(
    carried: Mapping[tuple[int, int], Carried],
    first: Quarter,
    versions: Sequence[Version],
    facts: Facts,
    through: Quarter,
    *,
    held_extensions: Held | None = None,
) -> Outcome:
    """The quarters from ``first`` to ``through``, given what was ``carried`` after the quarter before."""
    amounts: dict[Key, Amount] = {}
    state = dict(carried)
    lines = _lines_by_quarter(facts.lines)
    for quarter in quarters_between(first, through):
        known = Facts(lines.get(quarter, ()), facts.subjects)
        for clause in _clauses_in_force(versions, quarter):
            result = _quarter(
                clause, known, quarter, _of_clause(state, clause), held_extensions or {}, Recorder()
            )
            amounts |= result.amounts
            state |= {(clause.number, subject): kept for subject, kept in result.after.items()}
    return Outcome(amounts, state)


def explain(
    versions: Sequence[Version],
    facts: Facts,
    through: Quarter,
    clause: int,
    subject: int,
    quarter: Quarter,
    *,
    held_extensions: Held | None = None,
) -> Explanation:
    """Why clause number ``clause`` gave ``subject`` what it did in ``quarter``.

    ``remaining`` is as of the end of ``through``. With grain ``clause``, subject 0 explains all subjects
    together. Raises ``ClauseNotInForce``, ``FigureNotOfMonth``, ``FactorsMissing``.
    """
    version, found = _clause_in_force(versions, quarter, clause)
    past = evaluate(versions, facts, quarter.previous, held_extensions=held_extensions)
    known = Facts(_lines_by_quarter(facts.lines).get(quarter, ()), facts.subjects)
    heard = Recorder(scale=scale_of(found), listens=True)
    computed = _quarter(found, known, quarter, _of_clause(past.carried, found), held_extensions or {}, heard)
    outcome = evaluate(versions, facts, max(through, quarter), held_extensions=held_extensions)
    after = outcome.carried.get((clause, subject), Carried())
    return Explanation(
        clause=clause,
        version=version.starts,
        subject=subject,
        quarter=quarter,
        steps=tuple(step for step in heard.steps if _is_about(found, subject, step.subject)),
        choices=choices_of(found),
        remaining=_remaining(_case(found, known, subject, {}, Recorder()), after),
        remainder_to=found.rounding.remainder_to,
        odd_unit=_odd_unit(found, computed.to_round.get(subject, _ToRound([]))),
        scale=scale_of(found),
        names={each.subject: each.name for each in facts.subjects.values()},
    )


# --- Steps ------------------------------------------------------------------------------------------------


def _clauses_in_force(versions: Sequence[Version], quarter: Quarter) -> tuple[Clause, ...]:
    version = version_in_force(versions, quarter)
    return () if version is None else version.terms.clauses


def version_in_force(versions: Sequence[Version], quarter: Quarter) -> Version | None:
    """The latest version that has begun; None before the first and after its last quarter."""
    begun = [version for version in versions if version.starts <= quarter]
    if not begun:
        return None
    return None if _has_ended(begun[-1].terms, quarter) else begun[-1]


def _has_ended(terms: Terms, quarter: Quarter) -> bool:
    return terms.last_quarter is not None and quarter > Quarter.parse(terms.last_quarter)


def _clause_in_force(versions: Sequence[Version], quarter: Quarter, number: int) -> tuple[Version, Clause]:
    version = version_in_force(versions, quarter)
    clause = None if version is None else version.terms.clause(number)
    if version is None or clause is None:
        raise ClauseNotInForce(clause=number, quarter=quarter)
    return version, clause


def _lines_by_quarter(lines: Iterable[Line]) -> dict[Quarter, list[Line]]:
    found: dict[Quarter, list[Line]] = {}
    for line in lines:
        found.setdefault(line.span.quarter, []).append(line)
    return found


def _of_clause(carried: Mapping[tuple[int, int], Carried], clause: Clause) -> dict[int, Carried]:
    return {subject: kept for (number, subject), kept in carried.items() if number == clause.number}


def _quarter(
    clause: Clause,
    facts: Facts,
    quarter: Quarter,
    before: Mapping[int, Carried],
    held: Held,
    record: Recorder,
) -> ClauseQuarter:
    """All steps of one clause in one quarter, for every subject, and the whole amounts they give."""
    figures = _figures_by_subject(clause, facts)
    after = dict(before)
    allotted: dict[int, list[Parts]] = {}
    for subject in sorted(before.keys() | figures.keys()):
        case = _case(clause, facts, subject, held, record)
        kept = before.get(subject)
        for step in _steps(clause, quarter):
            of_step = [line for line in figures.get(subject, ()) if _holds(step, line.span)]
            if kept is None and not of_step and subject != WHOLE_PARK:
                continue
            kept, parts = _step(case, kept or Carried(), of_step, step)
            allotted.setdefault(subject, []).extend(parts)
        if kept is not None:
            after[subject] = kept
    to_round = _to_round(clause, before, after, allotted)
    return ClauseQuarter(after, to_round, _amounts(clause, facts, quarter, to_round, record))


def _figures_by_subject(clause: Clause, facts: Facts) -> dict[int, list[Line]]:
    measures = {*clause.what.measures, *clause.what.deduct}
    whole_park = clause.whose.scope is Scope.WHOLE_PARK
    found: dict[int, list[Line]] = {WHOLE_PARK: []} if whole_park else {}
    for line in facts.lines:
        if line.measure not in measures or not (whole_park or line.subject in facts.subjects):
            continue
        if clause.when.step is Step.MONTH and line.span.months != 1:
            raise FigureNotOfMonth(clause=clause.number, measure=line.measure, span=line.span)
        found.setdefault(WHOLE_PARK if whole_park else line.subject, []).append(line)
    return found


def _case(clause: Clause, facts: Facts, subject: int, held: Held, record: Recorder) -> _Case:
    attributes = facts.subjects.get(subject) or Subject(subject)
    return _Case(clause, attributes, scale_of(clause), held.get((clause.number, subject)), record)


def scale_of(clause: Clause) -> int:
    """Decimal places of the commodity that the clause's measures are counted in."""
    return MEASURE_BY_NAME[clause.what.measures[0]].commodity.scale


def _steps(clause: Clause, quarter: Quarter) -> list[Span]:
    if clause.when.step is Step.QUARTER:
        return [Span.of_quarter(quarter)]
    return [Span(add_months(quarter.start, index), 1) for index in range(3)]


def _holds(step: Span, span: Span) -> bool:
    return step.start <= span.start < step.end


def _step(case: _Case, carried: Carried, figures: Sequence[Line], step: Span) -> tuple[Carried, list[Parts]]:
    """One step; with grain ``line`` every figure's parts by themselves, else the parts of the base."""
    case.record.at(case.subject.subject, step)
    bases = [_figure_base(case, line, step.start) for line in figures]
    carried, is_shared = _is_shared(case, carried, step.start)
    smoothing = case.clause.how_much.smoothing
    carried = replace(carried, history=carried.history[: smoothing.years if smoothing else 0])
    if is_shared:
        _require_factors(case, step.start)
        carried = _with_pool_of(case, carried, step.start.year)
    if case.clause.rounding.grain is not Grain.LINE:
        bases = [_base(case, bases)]
    carried = replace(carried, entitlements=_opened(case.clause, carried.entitlements))
    allotted = []
    for base in bases:
        carried, parts = _allot(case, carried, base, is_shared, step)
        allotted.append(parts)
    return carried, allotted


def _allot(
    case: _Case, carried: Carried, base: Fraction, is_shared: bool, step: Span
) -> tuple[Carried, Parts]:
    if is_shared:
        carried, shared = _surplus(case, carried, base, step)
        carried, shared = _smoothed(case, carried, shared, step)
        carried, by_role = _share_out(case, carried, shared, step.start)
    else:
        by_role = {case.clause.to_whom.otherwise: base}
        case.record.step("share", base, "{result}", role=case.clause.to_whom.otherwise, book=case.book)
    parts = {(case.book, role): part for role, part in by_role.items()} | _official(case, base)
    return replace(carried, entitlements=_sum(carried.entitlements, parts)), parts


def _opened(clause: Clause, entitlements: Parts) -> Parts:
    return dict.fromkeys(clause.entitlement_keys, _ZERO) | dict(entitlements)


def _sum(*summands: Parts) -> dict[tuple[Book, str], Fraction]:
    total: dict[tuple[Book, str], Fraction] = {}
    for parts in summands:
        for key, part in parts.items():
            total[key] = total.get(key, _ZERO) + part
    return total


# --- Base of a step ---------------------------------------------------------------------------------------


def _figure_base(case: _Case, line: Line, day: date) -> Fraction:
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
    return _ZERO if rows else Fraction(1)


def _base(case: _Case, bases: Sequence[Fraction]) -> Fraction:
    base = sum(bases, _ZERO)
    case.record.step(
        "base", base, " + ".join(["{}"] * len(bases)) + " = {result}" if bases else "{result}", *bases
    )
    return base


# --- Eligibility ------------------------------------------------------------------------------------------


def _is_shared(case: _Case, carried: Carried, day: date) -> tuple[Carried, bool]:
    """Whether the step that begins on ``day`` is shared at all: the subject is eligible, the window open."""
    if not _is_eligible(case):
        return carried, False
    return _window(case, carried, day)


def _is_eligible(case: _Case) -> bool:
    rule = case.clause.whose.eligibility
    if rule is None:
        return True
    subject = case.subject
    is_moved_so = rule.cause_of_move is None or subject.cause_of_move is rule.cause_of_move
    is_referred_so = rule.referred_by is None or subject.referred_by == rule.referred_by
    has_paid_enough = _has_paid_enough(case, rule)
    is_eligible = has_paid_enough and is_moved_so and is_referred_so
    if case.record.listens:
        words = eligibility_words(rule, subject, has_paid_enough=has_paid_enough)
        case.record.decision("eligibility", words, answer=is_eligible)
    return is_eligible


def _has_paid_enough(case: _Case, rule: Eligibility) -> bool:
    if rule.pre_move_tax_average_at_least is None:
        return True
    taxes = case.subject.pre_move_tax_minor
    average = Fraction(sum(taxes.values()), len(taxes)) if taxes else _ZERO
    threshold = _amount(rule.pre_move_tax_average_at_least, MONEY_SCALE)
    is_enough = average >= threshold
    if case.record.listens:
        shown = exact_text(average, MONEY_SCALE), exact_text(threshold, MONEY_SCALE)
        words = tax_words(*shown, is_enough=is_enough)
        sign = "≥" if is_enough else "<"
        case.record.step("eligibility", average, f"{shown[0]} {sign} {shown[1]}", words=words)
    return is_enough


# --- Window -----------------------------------------------------------------------------------------------


def _window(case: _Case, carried: Carried, day: date) -> tuple[Carried, bool]:
    window = case.clause.when.window
    if window is not None:
        carried = _extension(case, carried, window, day)
    has_shares = case.clause.to_whom.bands is not None or _key_row(case, day) is not None
    is_open = has_shares and _is_open(
        window, case.subject, case.clause.when.step, day, carried.extended is True
    )
    if case.record.listens:
        bounds = _window_bounds(case, carried)
        words = window_words(window, case.subject, day, bounds, shares_begun=has_shares)
        case.record.decision("window", words, answer=is_open)
    return carried, is_open


def _is_open(window: Window | None, subject: Subject, step: Step, day: date, extended: bool) -> bool:
    if window is None:
        return True
    opens = _first_day(window.clock, subject, step)
    if opens is None or day < opens:
        return False
    closes = _closing_day(window, opens, extended)
    if closes is not None and day >= closes:
        return False
    return all(day < subject.events[event] for event in window.ends_at if event in subject.events)


def _first_day(clock: Clock, subject: Subject, step: Step) -> date | None:
    """The first day of the first step that counts; None as long as the event hasn't happened."""
    starts = clock.day if clock.event is None else subject.events.get(clock.event)
    if starts is None:
        return None
    clock_day = add_months(starts, clock.offset_months)
    first = clock_day.replace(day=1) if step is Step.MONTH else Quarter.of(clock_day).start
    return add_months(first, _STEP_MONTHS[step]) if clock.begins is Begins.NEXT_STEP else first


def _closing_day(window: Window, opens: date, extended: bool) -> date | None:
    """The first day that isn't in the window any more; None if it never closes."""
    if window.length_months is None:
        return None
    added = window.extension.length_months if window.extension is not None and extended else 0
    return add_months(opens, window.length_months + added)


def _extension(case: _Case, carried: Carried, window: Window, day: date) -> Carried:
    """Decides about the extension at the first step at or after the window's end, once."""
    if window.extension is None or carried.extended is not None:
        return carried
    opens = _first_day(window.clock, case.subject, case.clause.when.step)
    closes = None if opens is None else _closing_day(window, opens, extended=False)
    if closes is None or day < closes:
        return carried
    holds = window.extension.on_correction == "hold" and case.held is not None
    extended = case.held if holds else _is_below_cap(case, carried)
    if case.record.listens:
        words = extension_words(is_extended=bool(extended), is_held=holds)
        case.record.decision("extension", words, answer=bool(extended))
    return replace(carried, extended=extended)


def _is_below_cap(case: _Case, carried: Carried) -> bool:
    cap = case.clause.within.cap
    if cap is None:
        return False
    so_far = carried.receipts if cap.measured_on == "receipts" else carried.pool
    limit = _limit(case, cap)
    case.record.step("cap", limit - so_far, "{} − {} = {result}", limit, so_far)
    return so_far < limit


# --- Surplus ----------------------------------------------------------------------------------------------


def _surplus(case: _Case, carried: Carried, base: Fraction, step: Span) -> tuple[Carried, Fraction]:
    """What of the step's base is shared: all of it, or the change of what exceeds the yearly base."""
    rule = case.clause.how_much.surplus
    if rule is None:
        return carried, base
    before = _turned(rule, carried, step.start.year)
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


def _turned(rule: Surplus, carried: Carried, year: int) -> Carried:
    """What is carried into ``year``: at its turn, the shortfall of the last year that had a counted step."""
    if carried.year == year:
        return carried
    shortfall = max(_ZERO, carried.threshold - carried.to_date)
    loss = shortfall if rule.loss is Loss.CARRIED else _ZERO
    return replace(
        carried, year=year, steps_counted=0, to_date=_ZERO, recognised=_ZERO, loss=loss, threshold=loss
    )


def _threshold(case: _Case, rule: Surplus, before: Carried, step: Span) -> Fraction:
    match rule.within_year:
        case WithinYear.YEAR_TO_DATE | WithinYear.FINAL_ONLY:
            return _yearly_base(case, rule) + before.loss
        case WithinYear.PRO_RATA:
            counted = Fraction(before.steps_counted + 1, 12 // step.months)
            return _yearly_base(case, rule) * counted + before.loss
        case WithinYear.SAME_QUARTER:
            return before.threshold + _base_of_quarter(case, rule, step.quarter)


def _yearly_base(case: _Case, rule: Surplus) -> Fraction:
    if rule.base is not None:
        return Fraction(_amount(rule.base, case.scale))
    return Fraction(case.subject.base_year_amount_minor or 0)


def _base_of_quarter(case: _Case, rule: Surplus, quarter: Quarter) -> int:
    amounts = rule.base_by_quarter or ("0", "0", "0", "0")
    return _amount(amounts[quarter.quarter - 1], case.scale)


def _recognised(rule: Surplus, excess: Fraction, step: Span) -> Fraction:
    if rule.within_year is WithinYear.FINAL_ONLY and step.end.month != 1:
        return _ZERO
    return excess if rule.loss is Loss.SHARED else max(_ZERO, excess)


# --- Smoothing --------------------------------------------------------------------------------------------


def _smoothed(case: _Case, carried: Carried, shared: Fraction, step: Span) -> tuple[Carried, Fraction]:
    """Nothing before the year's last step, then the average of the years."""
    rule = case.clause.how_much.smoothing
    if rule is None:
        return carried, shared
    this_year, *earlier = carried.history or (_ZERO,)
    history = (this_year + shared, *earlier)
    count = len(history) if rule.missing_years is MissingYears.FEWER else rule.years
    average = sum(history, _ZERO) / count if step.end.month == 1 else _ZERO
    sums = " + ".join(["{}"] * len(history))
    case.record.step("smoothing", average, f"({sums}) / {{count}} → {{result}}", *history, count=count)
    return replace(carried, history=history), average


# --- Pool, cap, shares ------------------------------------------------------------------------------------


def _share_out(
    case: _Case, carried: Carried, shared: Fraction, day: date
) -> tuple[Carried, dict[str, Fraction]]:
    """Each role's part of what is shared in the step."""
    shares = _shares_on(case, day)
    shared = _at_own_rates(case, shares, shared)
    if case.record.listens:
        _record_ratios(case, shared, day)
    cap = case.clause.within.cap
    after = replace(carried, pool=carried.pool + shared, pool_of_year=carried.pool_of_year + shared)
    if cap is not None and cap.measured_on == "pool":
        return after, _capped_pool(case, cap, shares, carried.pool, shared)
    bands = case.clause.to_whom.bands
    parts = _parts(case, shares, shared) if bands is None else _banded(case, bands, carried, shared)
    if cap is None:
        return after, parts
    after = replace(after, receipts=carried.receipts + parts.get(cap.capped or "", _ZERO))
    return after, _capped_receipts(case, cap, parts, carried.receipts)


def _with_pool_of(case: _Case, carried: Carried, year: int) -> Carried:
    """At the turn of the year its pool begins at 0; in the history, so do years without a shared step."""
    if carried.pool_year == year:
        return carried
    history: tuple[Fraction, ...] = ()
    smoothing = case.clause.how_much.smoothing
    if carried.history and smoothing is not None:
        turned = min(year - carried.pool_year, smoothing.years)
        history = ((_ZERO,) * turned + carried.history)[: smoothing.years]
    return replace(carried, pool_year=year, pool_of_year=_ZERO, history=history)


def _banded(case: _Case, bands: Bands, carried: Carried, shared: Fraction) -> dict[str, Fraction]:
    """Each band's shares of as much of what is ``shared`` as falls into it."""
    before = _so_far(bands, carried)
    limits = [_amount(band.above, case.scale) for band in bands.rows]
    parts: dict[str, Fraction] = {}
    for band, low, high in zip(bands.rows, limits, [*limits[1:], None], strict=True):
        within = _in_band(low, high, before + shared) - _in_band(low, high, before)
        case.record.step("band", within, "> {}: {result}", low)
        for role, part in _parts(case, band.exact, within).items():
            parts[role] = parts.get(role, _ZERO) + part
    return parts


def _so_far(bands: Bands, carried: Carried) -> Fraction:
    match bands.over:
        case BandPeriod.STEP:
            return _ZERO
        case BandPeriod.YEAR:
            return carried.pool_of_year
        case BandPeriod.LIFETIME:
            return carried.pool


def _in_band(low: int, high: int | None, amount: Fraction) -> Fraction:
    """How much of ``amount`` lies in the band; the lowest, above 0, holds what is below it as well."""
    above = amount if low == 0 else max(_ZERO, amount - low)
    return above if high is None else min(above, Fraction(high - low))


def _shares_on(case: _Case, day: date) -> dict[str, Fraction]:
    """The shares of the step that begins on ``day``."""
    row = _key_row(case, day)
    if row is None:
        return {}
    shares = case.clause.to_whom.shares_on(row, day)
    return {
        role: shares[role]
        for role in dict.fromkeys([*_roles_in_order(case.clause), *shares])
        if role in shares
    }


def _roles_in_order(clause: Clause) -> list[str]:
    """The roles that the key divides among, as its rows name them."""
    return list(dict.fromkeys(role for row in clause.to_whom.key for role in row.exact))


def _at_own_rates(case: _Case, shares: Mapping[str, Fraction], shared: Fraction) -> Fraction:
    """Two passes: the sum of the parts, each at its party's own rate, is what is divided in the end."""
    own_rates = case.clause.how_much.own_rates
    if not own_rates:
        return shared
    taxed = shared * case.clause.how_much.rate(shares)
    rates = " + ".join(f"{share} × {own_rates.get(role, 0)}" for role, share in shares.items())
    case.record.step("own_rates", taxed, "{} × ({rates}) = {result}", shared, rates=rates)
    return taxed


def _require_factors(case: _Case, day: date) -> None:
    row = _key_row(case, day)
    missing = None if row is None else case.clause.to_whom.missing_year(row, day)
    if missing is not None:
        raise FactorsMissing(clause=case.clause.number, year=missing)


def _record_ratios(case: _Case, shared: Fraction, day: date) -> None:
    apportion, row = case.clause.to_whom.apportion, _key_row(case, day)
    if apportion is None or row is None:
        return
    year, roles = apportion.year_on(day), apportion.taking_part(day)
    whole = shared * row.exact.get(apportion.share_of, _ZERO)
    ratios = apportion.ratios(year, roles)
    for role, parts in apportion.factor_parts(year, roles).items():
        case.record.step(
            "factors",
            whole * ratios[role],
            "{} × {ratio} = {result}; {year}: {factors} → {ratio}",
            whole,
            role=role,
            book=case.book,
            ratio=ratios[role],
            year=year,
            factors=" + ".join(str(part) for part in parts),
        )


def _key_row(case: _Case, day: date) -> Shares | None:
    """The latest row of the key that has begun."""
    begun = [row for row in case.clause.to_whom.key if _has_begun(case, row, day)]
    return begun[-1] if begun else None


def _has_begun(case: _Case, row: Shares, day: date) -> bool:
    if row.after_months is None:
        return row.starts is None or row.starts <= day
    window = case.clause.when.window
    opens = None if window is None else _first_day(window.clock, case.subject, case.clause.when.step)
    return opens is not None and add_months(opens, row.after_months) <= day


def _parts(case: _Case, shares: Mapping[str, Fraction], amount: Fraction) -> dict[str, Fraction]:
    parts = {role: share * amount for role, share in shares.items()}
    for role, part in parts.items():
        case.record.step(
            "share", part, "{} × {share} = {result}", amount, role=role, book=case.book, share=shares[role]
        )
    return parts


def _capped_pool(
    case: _Case, cap: Cap, shares: Mapping[str, Fraction], pool: Fraction, shared: Fraction
) -> dict[str, Fraction]:
    case.record.step("pool", pool + shared, "{} + {} = {result}", pool, shared)
    within = _change_within(case, cap, pool, shared)
    return _with_excess(case, cap, _parts(case, shares, within), shared - within)


def _capped_receipts(
    case: _Case, cap: Cap, parts: dict[str, Fraction], receipts: Fraction
) -> dict[str, Fraction]:
    capped = cap.capped or ""
    gross = parts.get(capped, _ZERO)
    within = _change_within(case, cap, receipts, gross)
    return _with_excess(case, cap, parts | {capped: within}, gross - within)


def _change_within(case: _Case, cap: Cap, so_far: Fraction, added: Fraction) -> Fraction:
    """How much of what is ``added`` to ``so_far`` the cap leaves."""
    limit = _limit(case, cap)
    before, after = min(Fraction(limit), so_far), min(Fraction(limit), so_far + added)
    case.record.step(
        "cap", after - before, "min({0}, {1}) − min({0}, {2}) = {result}", limit, so_far + added, so_far
    )
    return after - before


def _limit(case: _Case, cap: Cap) -> int:
    if cap.amount is not None:
        return _amount(cap.amount, case.scale)
    return sum(case.subject.pre_move_tax_minor.values())


def _with_excess(case: _Case, cap: Cap, parts: dict[str, Fraction], excess: Fraction) -> dict[str, Fraction]:
    if excess:
        case.record.step("cap", excess, "{result}", role=cap.excess_to, book=case.book)
    return parts | {cap.excess_to: parts.get(cap.excess_to, _ZERO) + excess}


def _official(case: _Case, base: Fraction) -> dict[tuple[Book, str], Fraction]:
    in_place = case.clause.to_whom.in_place
    if case.book is Book.CASH or in_place is None:
        return {}
    case.record.step("share", base, "{result}", role=in_place, book=Book.OFFICIAL)
    return {(Book.OFFICIAL, in_place): base}


# --- Rounding ---------------------------------------------------------------------------------------------


def _amounts(
    clause: Clause, facts: Facts, quarter: Quarter, to_round: Mapping[int, _ToRound], record: Recorder
) -> dict[Key, Amount]:
    """The quarter's whole amounts, zeros left out, with what is routed to a fund."""
    amounts = {}
    for subject, exact in to_round.items():
        case = _case(clause, facts, subject, {}, record)
        record.at(subject, quarter)
        whole = _whole_amounts(clause, exact)
        for book, role in _in_order(clause, whole):
            amount_minor = whole[book, role]
            _note_rounding(case, exact, (book, role), amount_minor)
            if amount_minor:
                routed_minor = _routed(case, quarter.start, amount_minor, role)
                amounts[Key(clause.number, subject, quarter, book, role)] = Amount(amount_minor, routed_minor)
    return amounts


def _to_round(
    clause: Clause,
    before: Mapping[int, Carried],
    after: Mapping[int, Carried],
    allotted: Mapping[int, Sequence[Parts]],
) -> dict[int, _ToRound]:
    """What each subject's amounts of the quarter are rounded from, by the grain."""
    match clause.rounding.grain:
        case Grain.CLAUSE:
            return {WHOLE_PARK: _ToRound([_total(after)], [_total(before)])}
        case Grain.SUBJECT:
            return {
                subject: _ToRound([kept.entitlements], [_entitlements(before, subject)])
                for subject, kept in after.items()
            }
        case Grain.PERIOD:
            return {subject: _ToRound([_sum(*parts)]) for subject, parts in allotted.items()}
        case Grain.LINE:
            return {subject: _ToRound(parts) for subject, parts in allotted.items()}


def _total(carried: Mapping[int, Carried]) -> Parts:
    return _sum(*(kept.entitlements for kept in carried.values()))


def _entitlements(carried: Mapping[int, Carried], subject: int) -> Parts:
    return carried[subject].entitlements if subject in carried else {}


def _whole_amounts(clause: Clause, exact: _ToRound) -> dict[tuple[Book, str], int]:
    earlier = _added(clause, exact.before)
    return {key: whole - earlier.get(key, 0) for key, whole in _added(clause, exact.now).items()}


def _added(clause: Clause, each: Sequence[Parts]) -> dict[tuple[Book, str], int]:
    total: dict[tuple[Book, str], int] = {}
    for parts in each:
        for key, whole in _rounded(clause, parts).items():
            total[key] = total.get(key, 0) + whole
    return total


def _in_order(clause: Clause, keys: Iterable[tuple[Book, str]]) -> list[tuple[Book, str]]:
    """Book by book, roles as the key's rows name them, then the others."""
    roles = _roles_in_order(clause)
    ranks = {role: index for index, role in enumerate(roles)}
    books = list(Book)
    return sorted(keys, key=lambda key: (books.index(key[0]), ranks.get(key[1], len(ranks)), key[1]))


def _rounded(clause: Clause, exact: Parts) -> dict[tuple[Book, str], int]:
    """Whole minor units; in a proportional book they add up to the rounded sum."""
    rounding = clause.rounding
    opened = _opened(clause, exact)
    whole = {key: round_exact(part, rounding.mode) for key, part in opened.items()}
    if clause.to_whom.regime is not Regime.PROPORTIONAL:
        return whole
    keys = [key for key in opened if key[0] is not Book.OFFICIAL]
    remainder_index = [role for _, role in keys].index(rounding.remainder_to)
    parts = divide([opened[key] for key in keys], rounding.mode, remainder_index)
    return whole | dict(zip(keys, parts, strict=True))


def _note_rounding(case: _Case, exact: _ToRound, key: tuple[Book, str], amount_minor: int) -> None:
    """How the exact parts of a book and role became ``amount_minor``."""
    clause, (book, role) = case.clause, key
    if not case.record.listens:
        return
    shown: list[Fraction | int]
    if clause.rounding.grain is Grain.LINE:
        lines = [_rounded(clause, parts).get(key, 0) for parts in exact.now]
        working, shown = by_line(len(lines)), [*lines]
    else:
        now, rounded = exact.now[0], _rounded(clause, exact.now[0])
        shared = [other for other in rounded if other[0] is book]
        whole = sum((now.get(other, _ZERO) for other in shared), _ZERO)
        whole_minor = sum(rounded[other] for other in shared)
        earlier_minor = _added(clause, exact.before).get(key, 0)
        others_minor = whole_minor - rounded[key]
        takes_rest = _is_proportional(clause, book) and role == clause.rounding.remainder_to
        working = _WORKINGS[bool(exact.before), takes_rest]
        shown = [now.get(key, _ZERO), rounded[key], earlier_minor, whole, whole_minor, others_minor]
    case.record.step(
        "rounding", amount_minor, working.arithmetic, *shown, role=role, book=book, words=working.words
    )


def _is_proportional(clause: Clause, book: Book) -> bool:
    return clause.to_whom.regime is Regime.PROPORTIONAL and book is not Book.OFFICIAL


_WORKINGS = {
    (True, False): CUMULATIVE,
    (True, True): CUMULATIVE_REMAINDER,
    (False, False): PERIOD,
    (False, True): PERIOD_REMAINDER,
}
"""By whether rounding is cumulative, and whether the role takes what is left of the whole."""


# --- Routing ----------------------------------------------------------------------------------------------


def _routed(case: _Case, day: date, amount_minor: int, role: str) -> int:
    """How much of a role's amount of the quarter that begins on ``day`` goes on to the fund."""
    routing = case.clause.then.routing
    if routing is None:
        return 0
    if not _is_open(routing.window, case.subject, case.clause.when.step, day, extended=False):
        return 0
    part = _share(routing.part)
    routed_minor = round_exact(amount_minor * part, RoundingMode.DOWN)
    case.record.step(
        "routing", routed_minor, "{} × {part} = {result}", amount_minor, role=role, book=Book.CASH, part=part
    )
    return routed_minor


# --- What an explanation adds -----------------------------------------------------------------------------


def _is_about(clause: Clause, asked: int, subject: int) -> bool:
    return subject == asked or (asked == WHOLE_PARK and clause.rounding.grain is Grain.CLAUSE)


def _remaining(case: _Case, carried: Carried) -> Remaining:
    _, closes = _window_bounds(case, carried)
    return Remaining(_left_under_cap(case, carried), closes)


def _window_bounds(case: _Case, carried: Carried) -> tuple[date | None, date | None]:
    """The first day of the window and the first day after it; None where there is none."""
    window = case.clause.when.window
    opens = None if window is None else _first_day(window.clock, case.subject, case.clause.when.step)
    if window is None or opens is None:
        return None, None
    return opens, _closing_day(window, opens, carried.extended is True)


def _left_under_cap(case: _Case, carried: Carried) -> Fraction | None:
    cap = case.clause.within.cap
    if cap is None:
        return None
    so_far = carried.receipts if cap.measured_on == "receipts" else carried.pool
    return max(_ZERO, _limit(case, cap) - so_far)


def _odd_unit(clause: Clause, exact: _ToRound) -> OddUnit:
    """What the remainder's recipient holds beyond its own part rounded by itself, and held before."""
    return OddUnit(
        is_cumulative=bool(exact.before),
        total_minor=sum(
            (part for parts in exact.now for key, part in parts.items() if _is_proportional(clause, key[0])),
            _ZERO,
        ),
        held_minor=sum(_odd(clause, parts) for parts in exact.now),
        before_minor=sum(_odd(clause, parts) for parts in exact.before),
    )


def _odd(clause: Clause, exact: Parts) -> int:
    role = clause.rounding.remainder_to
    return sum(
        whole - round_exact(exact.get(key, _ZERO), clause.rounding.mode)
        for key, whole in _rounded(clause, exact).items()
        if key[1] == role and _is_proportional(clause, key[0])
    )


@lru_cache(maxsize=4096)
def _share(text: str) -> Fraction:
    return parse_share(text)


@lru_cache(maxsize=4096)
def _amount(text: str, scale: int) -> int:
    return parse_amount(text, scale)
