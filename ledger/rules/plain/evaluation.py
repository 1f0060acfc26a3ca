"""What a clause makes of the figures, quarter by quarter, in exact fractions until amounts are whole.

Read it next to ``docs/rule-semantics.md``; one step is computed by ``plain_steps``. The vectorised evaluator
must agree with this one on everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from ledger.errors import InvariantBroken, LedgerError
from ledger.money import RoundingMode, divide, round_exact
from ledger.periods import Quarter, Span, add_months, quarters_between
from ledger.rules.choices import choices_of
from ledger.rules.explanation import Explanation, OddUnit, Recorder, Remaining
from ledger.rules.facts import Amount, Carried, Dates, Facts, Key, Line, Outcome, Subject, Version
from ledger.rules.plain.budget import grants_of
from ledger.rules.plain.caps import left_under_caps
from ledger.rules.plain.case import ZERO, Case, Grant, Held, Parts, scale_of, share_of
from ledger.rules.plain.shares import roles_in_order
from ledger.rules.plain.steps import compute_step, opened, summed
from ledger.rules.plain.transition import Governed, governed, has_ended, reshaped
from ledger.rules.plain.windows import is_open, window_bounds
from ledger.rules.step_words import CUMULATIVE, CUMULATIVE_REMAINDER, PERIOD, PERIOD_REMAINDER, by_line
from ledger.rules.terms import WHOLE_PARK, Book, Clause, Grain, Regime, Scope, Step


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
    lines = facts.lines_by_quarter()
    for quarter in quarters_between(first, through):
        known = replace(facts, lines=lines.get(quarter, ()))
        for clause in _clauses_in_force(versions, quarter):
            before, held = of_clause(state, clause), held_extensions or {}
            for part in governed(versions, clause, known, quarter, before, held):
                result = _quarter(part, known, quarter, held, Recorder())
                amounts |= result.amounts
                state |= {
                    (clause.number, subject): kept if part.clause is clause else reshaped(clause, kept)
                    for subject, kept in result.after.items()
                }
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
    in_force = _clause_in_force(versions, quarter, clause)
    past = evaluate(versions, facts, quarter.previous, held_extensions=held_extensions)
    known = replace(facts, lines=facts.lines_by_quarter().get(quarter, ()))
    before, held = of_clause(past.carried, in_force), held_extensions or {}
    parts = governed(versions, in_force, known, quarter, before, held)
    part = next((part for part in parts if part.holds_for(subject)), parts[0])
    found = part.clause
    heard = Recorder(scale=scale_of(found), listens=True)
    computed = _quarter(part, known, quarter, held, heard)
    outcome = evaluate(versions, facts, max(through, quarter), held_extensions=held_extensions)
    after = of_clause(outcome.carried, found)
    case = _case(found, known, subject, {}, Recorder())
    among = _among(case, facts, after, after)
    return Explanation(
        clause=clause,
        version=part.version.starts,
        subject=subject,
        quarter=quarter,
        steps=tuple(step for step in heard.steps if _is_about(found, subject, step.subject)),
        choices=choices_of(found),
        remaining=_remaining(among, after.get(subject, Carried()), max(through, quarter)),
        remainder_to=found.rounding.remainder_to,
        odd_unit=_odd_unit(found, computed.to_round.get(subject, _ToRound([]))),
        scale=scale_of(found),
        names={each.subject: each.name for each in facts.subjects.values()},
    )


# --- Steps ------------------------------------------------------------------------------------------------


def remaining(
    clause: Clause, facts: Facts, carried: Mapping[int, Carried], through: Quarter
) -> dict[int, Remaining]:
    """What is left for every subject that carries something of ``clause``, at the end of ``through``."""
    cases = {subject: _case(clause, facts, subject, {}, Recorder()) for subject in carried}
    return {
        subject: _remaining(_among(case, facts, carried, carried), carried[subject], through)
        for subject, case in cases.items()
    }


def _clauses_in_force(versions: Sequence[Version], quarter: Quarter) -> tuple[Clause, ...]:
    version = version_in_force(versions, quarter)
    return () if version is None else version.terms.clauses


def version_in_force(versions: Sequence[Version], quarter: Quarter) -> Version | None:
    """The latest version that has begun; None before the first and after its last quarter."""
    begun = [version for version in versions if version.starts <= quarter]
    if not begun:
        return None
    return None if has_ended(begun[-1].terms, quarter) else begun[-1]


def clause_at(versions: Sequence[Version], number: int, quarter: Quarter) -> Clause:
    """The clause as it is in force for ``quarter``, else as it last was."""
    held: Clause | None = None
    for version in versions:
        clause = version.terms.clause(number)
        if clause is not None and (held is None or version.starts <= quarter):
            held = clause
    if held is None:
        raise InvariantBroken(detail=f"no version of the terms has clause {number}")
    return held


def _clause_in_force(versions: Sequence[Version], quarter: Quarter, number: int) -> Clause:
    version = version_in_force(versions, quarter)
    clause = None if version is None else version.terms.clause(number)
    if clause is None:
        raise ClauseNotInForce(clause=number, quarter=quarter)
    return clause


def of_clause(carried: Mapping[tuple[int, int], Carried], clause: Clause) -> dict[int, Carried]:
    """What of ``carried`` is of the clause, by subject."""
    return {subject: kept for (number, subject), kept in carried.items() if number == clause.number}


def _quarter(part: Governed, facts: Facts, quarter: Quarter, held: Held, record: Recorder) -> ClauseQuarter:
    """All steps of one clause in one quarter, for every subject, and the whole amounts they give."""
    clause, before = part.clause, part.carried
    figures = {
        subject: lines
        for subject, lines in _figures_by_subject(clause, facts).items()
        if part.holds_for(subject)
    }
    after = dict(before)
    allotted: dict[int, list[Parts]] = {}
    cases = {
        subject: _case(clause, facts, subject, held, record)
        for subject in sorted(before.keys() | figures.keys())
    }
    for step in _steps(clause, quarter):
        figured = {
            subject: [line for line in figures.get(subject, ()) if _holds(step, line.span)]
            for subject in cases
        }
        taking_part = {
            subject: case
            for subject, case in cases.items()
            if subject in after or figured[subject] or subject == WHOLE_PARK
        }
        grants = _grants(clause, taking_part, figured, facts, step, after)
        after, parts = _every_subject(taking_part, figured, facts, step, after, grants)
        for subject, of_step in parts.items():
            allotted.setdefault(subject, []).extend(of_step)
    to_round = _to_round(clause, before, after, allotted)
    return ClauseQuarter(after, to_round, _amounts(clause, facts, quarter, to_round, record))


def _grants(
    clause: Clause,
    cases: Mapping[int, Case],
    figures: Mapping[int, Sequence[Line]],
    facts: Facts,
    step: Span,
    begun: Mapping[int, Carried],
) -> dict[int, Grant]:
    """What each subject gets of the budget, given what all would ask if it sufficed."""
    if clause.within.budget is None:
        return {}
    unheard = {subject: replace(case, record=Recorder()) for subject, case in cases.items()}
    asking, _ = _every_subject(unheard, figures, facts, step, begun, {})
    return grants_of(clause, begun, {subject: asking[subject] for subject in cases}, step.start)


def _every_subject(
    cases: Mapping[int, Case],
    figures: Mapping[int, Sequence[Line]],
    facts: Facts,
    step: Span,
    begun: Mapping[int, Carried],
    grants: Mapping[int, Grant],
) -> tuple[dict[int, Carried], dict[int, list[Parts]]]:
    """One step of every subject in turn, from what was carried as it began."""
    after, allotted = dict(begun), {}
    for subject, case in cases.items():
        among = replace(_among(case, facts, after, begun), grant=grants.get(subject))
        after[subject], allotted[subject] = compute_step(
            among, begun.get(subject, Carried()), figures[subject], step
        )
    return after, allotted


def _among(case: Case, facts: Facts, now: Mapping[int, Carried], begun: Mapping[int, Carried]) -> Case:
    """The case with what its fellows carry now, and carried as the step began."""
    return replace(case, fellows=_fellows(case, facts, now), fellows_before=_fellows(case, facts, begun))


def _fellows(case: Case, facts: Facts, carried: Mapping[int, Carried]) -> tuple[Carried, ...]:
    """What the other subjects carry that have the same actual controller, where the clause asks for it."""
    controller = case.subject.controller
    if controller is None or all(cap.per == "subject" for cap in case.clause.within.caps):
        return ()
    return tuple(
        kept
        for subject, kept in carried.items()
        if subject != case.subject.subject
        and subject in facts.subjects
        and facts.subjects[subject].controller == controller
    )


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


def _case(clause: Clause, facts: Facts, subject: int, held: Held, record: Recorder) -> Case:
    attributes = facts.subjects.get(subject) or Subject(subject)
    dates = Dates(attributes.events, facts.occurrences)
    return Case(clause, attributes, dates, scale_of(clause), held.get((clause.number, subject)), record)


def _steps(clause: Clause, quarter: Quarter) -> list[Span]:
    if clause.when.step is Step.QUARTER:
        return [Span.of_quarter(quarter)]
    return [Span(add_months(quarter.start, index), 1) for index in range(3)]


def _holds(step: Span, span: Span) -> bool:
    return step.start <= span.start < step.end


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
            return {subject: _ToRound([summed(*parts)]) for subject, parts in allotted.items()}
        case Grain.LINE:
            return {subject: _ToRound(parts) for subject, parts in allotted.items()}


def _total(carried: Mapping[int, Carried]) -> Parts:
    return summed(*(kept.entitlements for kept in carried.values()))


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
    roles = roles_in_order(clause)
    ranks = {role: index for index, role in enumerate(roles)}
    books = list(Book)
    return sorted(keys, key=lambda key: (books.index(key[0]), ranks.get(key[1], len(ranks)), key[1]))


def _rounded(clause: Clause, exact: Parts) -> dict[tuple[Book, str], int]:
    """Whole minor units; in a proportional book they add up to the rounded sum."""
    rounding = clause.rounding
    entitled = opened(clause, exact)
    whole = {key: round_exact(part, rounding.mode) for key, part in entitled.items()}
    if clause.to_whom.regime is not Regime.PROPORTIONAL:
        return whole
    keys = [key for key in entitled if key[0] is not Book.OFFICIAL]
    remainder_index = [role for _, role in keys].index(rounding.remainder_to)
    parts = divide([entitled[key] for key in keys], rounding.mode, remainder_index)
    return whole | dict(zip(keys, parts, strict=True))


def _note_rounding(case: Case, exact: _ToRound, key: tuple[Book, str], amount_minor: int) -> None:
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
        whole = sum((now.get(other, ZERO) for other in shared), ZERO)
        whole_minor = sum(rounded[other] for other in shared)
        earlier_minor = _added(clause, exact.before).get(key, 0)
        others_minor = whole_minor - rounded[key]
        takes_rest = _is_proportional(clause, book) and role == clause.rounding.remainder_to
        working = _WORKINGS[bool(exact.before), takes_rest]
        shown = [now.get(key, ZERO), rounded[key], earlier_minor, whole, whole_minor, others_minor]
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


def _routed(case: Case, day: date, amount_minor: int, role: str) -> int:
    """How much of a role's amount of the quarter that begins on ``day`` goes on to the fund."""
    routing = case.clause.then.routing
    if routing is None:
        return 0
    if not is_open(routing.window, case.dates, case.clause.when.step, day, extended=False):
        return 0
    part = share_of(routing.part)
    routed_minor = round_exact(amount_minor * part, RoundingMode.DOWN)
    case.record.step(
        "routing", routed_minor, "{} × {part} = {result}", amount_minor, role=role, book=Book.CASH, part=part
    )
    return routed_minor


# --- What an explanation adds -----------------------------------------------------------------------------


def _is_about(clause: Clause, asked: int, subject: int) -> bool:
    return subject == asked or (asked == WHOLE_PARK and clause.rounding.grain is Grain.CLAUSE)


def _remaining(case: Case, carried: Carried, through: Quarter) -> Remaining:
    window, step = case.clause.when.window, case.clause.when.step
    _, closes = window_bounds(window, case.dates_with(carried), step, carried.extended is True)
    return Remaining(left_under_caps(case, carried, through.year), closes)


def _odd_unit(clause: Clause, exact: _ToRound) -> OddUnit:
    """What the remainder's recipient holds beyond its own part rounded by itself, and held before."""
    return OddUnit(
        is_cumulative=bool(exact.before),
        total_minor=sum(
            (part for parts in exact.now for key, part in parts.items() if _is_proportional(clause, key[0])),
            ZERO,
        ),
        held_minor=sum(_odd(clause, parts) for parts in exact.now),
        before_minor=sum(_odd(clause, parts) for parts in exact.before),
    )


def _odd(clause: Clause, exact: Parts) -> int:
    role = clause.rounding.remainder_to
    return sum(
        whole - round_exact(exact.get(key, ZERO), clause.rounding.mode)
        for key, whole in _rounded(clause, exact).items()
        if key[1] == role and _is_proportional(clause, key[0])
    )
