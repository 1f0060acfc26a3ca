"""Quarters one after another: the plain evaluator's interface, and its values as columns and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter, quarters_between
from ledger.rules import plain
from ledger.rules.facts import Amount, Carried, Facts, Key, Line, Outcome, Subject, Version
from ledger.rules.plain.case import Held as DecidedExtensions
from ledger.rules.plain.transition import governed, keeps_terms, reshaped
from ledger.rules.state import LAYOUT, counter_number, counters_read
from ledger.rules.terms import Clause
from ledger.rules.vector.columns import (
    CAUSE_CODE,
    EVENTS,
    FIXED_COLUMNS,
    HEAD_COLUMNS,
    NONE,
    PAIR_NAMES,
    Allocations,
    DayColumn,
    EntitlementKeys,
    Figures,
    Held,
    State,
    Subjects,
)
from ledger.rules.vector.compiled import ClauseInForce, Rules
from ledger.rules.vector.compiling import compile_clauses
from ledger.rules.vector.numbers import Int64Column
from ledger.rules.vector.quarter import evaluate_quarter

_AGREEMENT = 0
_EXTENDED_CODE = {None: -1, False: 0, True: 1}
_EXTENDED = {code: extended for extended, code in _EXTENDED_CODE.items()}


def evaluate(
    versions: Sequence[Version],
    facts: Facts,
    through: Quarter,
    *,
    held_extensions: DecidedExtensions | None = None,
) -> Outcome:
    """What ``ledger.rules.plain.evaluate`` gives, computed on arrays quarter by quarter.

    Raises what ``evaluate_quarter`` raises.
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
    held_extensions: DecidedExtensions | None = None,
) -> Outcome:
    """The quarters from ``first`` to ``through``, given what was ``carried`` after the quarter before."""
    amounts: dict[Key, Amount] = {}
    state = state_of({_AGREEMENT: carried}, _counters(versions, first))
    subjects = subjects_of({_AGREEMENT: facts.subjects})
    held = held_of({_AGREEMENT: held_extensions or {}})
    lines = facts.lines_by_quarter()
    for quarter in quarters_between(first, through):
        if keeps_terms(versions, quarter):
            known = replace(facts, lines=lines.get(quarter, ()))
            before = carried_of(state).get(_AGREEMENT, {})
            outcome = _by_wording(versions, known, quarter, before, held_extensions or {})
            amounts |= outcome.amounts
            state = state_of({_AGREEMENT: outcome.carried}, _counters(versions, quarter.next))
            continue
        version = plain.version_in_force(versions, quarter)
        clauses = () if version is None else version.terms.clauses
        in_force = [ClauseInForce(_AGREEMENT, clause, occurrences=facts.occurrences) for clause in clauses]
        rules = compile_clauses(in_force, quarter, state.keys)
        figures = figures_of({_AGREEMENT: lines.get(quarter, ())})
        result = evaluate_quarter(rules, quarter, figures, subjects, state, held)
        amounts |= amounts_by_key(rules, result.allocations)[_AGREEMENT] if len(result.allocations) else {}
        state = result.state
    return Outcome(amounts, carried_of(state).get(_AGREEMENT, {}))


def _counters(versions: Sequence[Version], before: Quarter) -> dict[tuple[int, int], tuple[str, ...]]:
    return {
        (_AGREEMENT, clause.number): clause.counter_names
        for version in versions
        if version.starts < before
        for clause in version.terms.clauses
    }


def _by_wording(
    versions: Sequence[Version],
    facts: Facts,
    quarter: Quarter,
    carried: Mapping[tuple[int, int], Carried],
    held: DecidedExtensions,
) -> Outcome:
    """One quarter in which open windows keep their terms: every wording counts as an agreement."""
    version = plain.version_in_force(versions, quarter)
    parts = [
        part
        for clause in (() if version is None else version.terms.clauses)
        for part in governed(versions, clause, facts, quarter, plain.of_clause(carried, clause), held)
        if part.subjects
    ]
    units = dict(enumerate(parts))
    state = state_of(
        {unit: _numbered(part.clause, part.carried) for unit, part in units.items()},
        {(unit, part.clause.number): part.clause.counter_names for unit, part in units.items()},
    )
    in_force = [
        ClauseInForce(unit, part.clause, occurrences=facts.occurrences) for unit, part in units.items()
    ]
    rules = compile_clauses(in_force, quarter, state.keys)
    figures = figures_of(
        {unit: [line for line in facts.lines if part.is_about(line)] for unit, part in units.items()}
    )
    result = evaluate_quarter(
        rules,
        quarter,
        figures,
        subjects_of(dict.fromkeys(units, facts.subjects)),
        state,
        held_of(dict.fromkeys(units, held)),
    )
    after = dict(carried)
    for unit, of_unit in carried_of(result.state).items():
        for (number, subject), kept in of_unit.items():
            clause = None if version is None else version.terms.clause(number)
            after[number, subject] = kept if clause in (None, parts[unit].clause) else reshaped(clause, kept)
    amounts = amounts_by_key(rules, result.allocations)
    return Outcome({key: amount for of_unit in amounts.values() for key, amount in of_unit.items()}, after)


def _numbered(clause: Clause, carried: Mapping[int, Carried]) -> dict[tuple[int, int], Carried]:
    return {(clause.number, subject): kept for subject, kept in carried.items()}


def figures_of(lines: Mapping[int, Sequence[Line]]) -> Figures:
    """The columns of each agreement's lines."""
    pairs = [(agreement, line) for agreement, of_agreement in lines.items() for line in of_agreement]
    return Figures(
        agreement=_whole(agreement for agreement, _ in pairs),
        subject=_whole(line.subject for _, line in pairs),
        measure_id=_whole(MEASURE_BY_NAME[line.measure].measure_id for _, line in pairs).astype(np.int16),
        starts=np.array([line.span.start for _, line in pairs], "datetime64[D]"),
        months=_whole(line.span.months for _, line in pairs).astype(np.int8),
        amount_minor=_whole(line.amount_minor for _, line in pairs),
    )


def subjects_of(lists: Mapping[int, Mapping[int, Subject]]) -> Subjects:
    """The columns of each agreement's list of enterprises."""
    ids = [(agreement, subject) for agreement, listed in lists.items() for subject in listed]
    enterprises = [enterprise for listed in lists.values() for enterprise in listed.values()]
    referrers = {enterprise.referred_by for enterprise in enterprises}
    role_names = tuple(sorted(role for role in referrers if role is not None))
    role_code = {name: code for code, name in enumerate(role_names)}
    referrer_code = _whole(role_code.get(enterprise.referred_by or "", NONE) for enterprise in enterprises)
    names = tuple(sorted({name for enterprise in enterprises for name in enterprise.attributes}))
    values = tuple(sorted({value for enterprise in enterprises for value in enterprise.attributes.values()}))
    value_code = {value: code for code, value in enumerate(values)}
    return Subjects(
        agreement=_whole(agreement for agreement, _ in ids),
        subject=_whole(subject for _, subject in ids),
        event_days=_days(enterprises),
        pre_move_tax_minor=_whole(sum(enterprise.pre_move_tax_minor.values()) for enterprise in enterprises),
        pre_move_years=_whole(len(enterprise.pre_move_tax_minor) for enterprise in enterprises),
        cause_code=_whole(_cause_code(enterprise) for enterprise in enterprises).astype(np.int8),
        referrer_code=referrer_code.astype(np.int16),
        base_year_amount_minor=_whole(enterprise.base_year_amount_minor or 0 for enterprise in enterprises),
        controller_code=_controller_codes(enterprises),
        role_names=role_names,
        attribute_codes=_whole(
            NONE if value is None else value_code[value]
            for enterprise in enterprises
            for value in map(enterprise.attributes.get, names)
        ).reshape(len(enterprises), len(names)),
        attribute_names=names,
        attribute_values=values,
    )


def _cause_code(subject: Subject) -> int:
    return NONE if subject.cause_of_move is None else CAUSE_CODE[subject.cause_of_move]


def _controller_codes(subjects: Sequence[Subject]) -> Int64Column:
    names = sorted({subject.controller for subject in subjects if subject.controller is not None})
    code = {name: place for place, name in enumerate(names)}
    return _whole(NONE if one.controller is None else code[one.controller] for one in subjects)


def _days(subjects: Sequence[Subject]) -> DayColumn:
    days: list[list[date | None]] = [[subject.events.get(event) for event in EVENTS] for subject in subjects]
    return np.array(days, "datetime64[D]").reshape(len(subjects), len(EVENTS))


def held_of(held: Mapping[int, Mapping[tuple[int, int], bool]]) -> Held:
    """The columns of each agreement's decisions, by clause number and subject."""
    rows = [(agreement, *key, extended) for agreement, of in held.items() for key, extended in of.items()]
    return Held(
        agreement=_whole(row[0] for row in rows),
        clause=_whole(row[1] for row in rows),
        subject=_whole(row[2] for row in rows),
        extended=np.array([row[3] for row in rows], np.bool_),
    )


def state_of(
    carried: Mapping[int, Mapping[tuple[int, int], Carried]],
    counters: Mapping[tuple[int, int], tuple[str, ...]] | None = None,
) -> State:
    """The columns of what each agreement's clauses carry, by clause number and subject.

    ``counters`` are the names of the counters of each (agreement, clause), none if left out.
    """
    names = counters or {}
    keys: dict[tuple[int, int], EntitlementKeys] = {}
    for agreement, of_agreement in carried.items():
        for (clause, _), kept in of_agreement.items():
            known = keys.get((agreement, clause), ())
            keys[agreement, clause] = known + tuple(key for key in kept.entitlements if key not in known)
    rows = [(agreement, *key, kept) for agreement, of in carried.items() for key, kept in of.items()]
    numbers = [
        _packed(kept, keys[agreement, clause], names.get((agreement, clause), ()))
        for agreement, clause, _, kept in rows
    ]
    packed = np.zeros((len(rows), max(map(len, numbers), default=FIXED_COLUMNS)), np.int64)
    for place, of_row in enumerate(numbers):
        packed[place, : len(of_row)] = of_row
    return State(
        agreement=_whole(row[0] for row in rows),
        clause=_whole(row[1] for row in rows),
        subject=_whole(row[2] for row in rows),
        packed=packed,
        keys=keys,
        counters=names,
    )


def _packed(carried: Carried, keys: EntitlementKeys, counters: tuple[str, ...]) -> list[int]:
    exact: list[Fraction] = [getattr(carried, name) for name in PAIR_NAMES]
    exact += [carried.entitlements.get(key, Fraction(0)) for key in keys]
    exact += [counter_number(carried, name) for name in counters]
    denominator = lcm(*(amount.denominator for amount in exact))
    extended = _EXTENDED_CODE[carried.extended]
    numbers = [LAYOUT, denominator, carried.year, carried.steps_counted, extended, carried.pool_year]
    for amount in exact:
        numbers += divmod(amount.numerator * (denominator // amount.denominator), denominator)
    return numbers


def carried_of(state: State) -> dict[int, dict[tuple[int, int], Carried]]:
    """What each agreement's clauses carry, by clause number and subject."""
    carried: dict[int, dict[tuple[int, int], Carried]] = {}
    columns = (state.agreement.tolist(), state.clause.tolist(), state.subject.tolist(), state.packed.tolist())
    for agreement, clause, subject, numbers in zip(*columns, strict=True):
        key = agreement, clause
        kept = _unpacked(numbers, state.keys[key], state.counters.get(key, ()))
        carried.setdefault(agreement, {})[clause, subject] = kept
    return carried


def _unpacked(numbers: Sequence[int], keys: EntitlementKeys, counters: tuple[str, ...]) -> Carried:
    _, denominator, year, steps_counted, extended, pool_year = numbers[:HEAD_COLUMNS]
    exact = [
        numbers[place] + Fraction(numbers[place + 1], denominator)
        for place in range(HEAD_COLUMNS, FIXED_COLUMNS + 2 * (len(keys) + len(counters)), 2)
    ]
    fields: dict[str, Any] = dict(zip(PAIR_NAMES, exact, strict=False))
    counted = dict(zip(counters, exact[len(PAIR_NAMES) + len(keys) :], strict=True))
    return Carried(
        year=year,
        steps_counted=steps_counted,
        extended=_EXTENDED[extended],
        pool_year=pool_year,
        **(fields | counters_read(counted)),
        entitlements=dict(zip(keys, exact[len(PAIR_NAMES) :], strict=False)),
    )


def amounts_by_key(rules: Rules, allocations: Allocations) -> dict[int, dict[Key, Amount]]:
    """Each agreement's allocations as the plain evaluator gives them."""
    amounts: dict[int, dict[Key, Amount]] = {}
    columns = (getattr(allocations, name).tolist() for name in Allocations.__slots__)
    for row, subject, slot, amount_minor, routed_minor in zip(*columns, strict=True):
        item = rules.clauses[row]
        key = Key(item.clause.number, subject, rules.quarter, *rules.keys(row)[slot])
        amounts.setdefault(item.agreement, {})[key] = Amount(amount_minor, routed_minor)
    return amounts


def _whole(numbers: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.fromiter(numbers, np.int64)
