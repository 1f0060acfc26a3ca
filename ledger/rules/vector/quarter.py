"""One quarter of many agreements at once, from what was carried into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.terms import WHOLE_PARK, Grain
from ledger.rules.vector.attributes import Attributes, Windows
from ledger.rules.vector.chunk import Chunk, Fed, compute, entitlements_of, fresh_state, stored
from ledger.rules.vector.columns import (
    FIXED_COLUMNS,
    NONE,
    Allocations,
    Figures,
    Held,
    Result,
    State,
    Subjects,
)
from ledger.rules.vector.compiled import ClauseInForce, ClauseRefused, Group, Rules, month_of
from ledger.rules.vector.gather import Work, gather
from ledger.rules.vector.numbers import Column, Int64Column, part_towards_zero
from ledger.rules.vector.rounding import clause_totals

CHUNK_ROWS: Final = 2**16
"""Rows computed together: enough that numpy's overhead vanishes, few enough to stay in the cache."""


class FigureOfAnotherQuarter(LedgerError):
    """A figure handed in for computing a quarter that it isn't about."""

    code = "FIGURE_OF_ANOTHER_QUARTER"
    sentence_en = (
        "Expected figures of {quarter} only, but {count} are of other quarters. Select the quarter's figures."
    )
    sentence_zh = "只应包含 {quarter} 的数据，但有 {count} 项属于其他季度。请只选取该季度的数据。"


class AttributesNotRead(LedgerError):
    """A clause that asks for attributes of subjects which come without them."""

    code = "ATTRIBUTES_NOT_READ"
    sentence_en = (
        "Clause {clause} asks for attributes of enterprises, but the list was read without them. "
        "Read the list with its attributes."
    )
    sentence_zh = "第{clause}条需要企业属性，但读取名单时未包含属性。请连同属性读取名单。"


@dataclass(frozen=True, slots=True)
class _Inputs:
    rules: Rules
    work: Work
    subjects: Subjects
    state: State


def evaluate_quarter(
    rules: Rules,
    quarter: Quarter,
    figures: Figures,
    subjects: Subjects,
    state: State,
    held: Held | None = None,
) -> Result:
    """What the clauses of ``rules`` give for ``quarter``, and what they carry on.

    ``figures`` are those of the quarter. Nothing falls back to another evaluator: with refused clauses it
    doesn't compute at all. Raises ``ClauseRefused``, ``FigureOfAnotherQuarter``, ``FigureNotOfMonth``,
    ``StateTooLarge`` and ``AttributesNotRead``.
    """
    _check(rules, quarter, figures)
    _check_attributes(rules, subjects)
    work = gather(rules, figures, subjects, state, held or Held.none())
    inputs = _Inputs(rules, work, subjects, state)
    packed = np.zeros((len(work), _width(rules)), np.int64)
    allocations: list[Allocations] = []
    wide_rows = 0
    for group in rules.groups:
        booked, wide = _evaluate_group(inputs, group, packed)
        allocations += booked
        wide_rows += wide
    return Result(_joined(allocations), _next_state(inputs, packed), len(work), wide_rows)


def _width(rules: Rules) -> int:
    return max((group.shape.width for group in rules.groups), default=FIXED_COLUMNS)


def _evaluate_group(inputs: _Inputs, group: Group, packed: Int64Column) -> tuple[list[Allocations], int]:
    """The group's allocations and number of wide rows; fills its rows of the new state ``packed``."""
    work, by_clause = inputs.work, group.shape.grain is Grain.CLAUSE
    places = _places(inputs.state, group)
    begin, end = np.searchsorted(work.row, [group.first_row, group.first_row + len(group)])
    allocations: list[Allocations] = []
    wide_rows = 0
    for rows in _slices(work, int(begin), int(end), whole_clauses=group.shape.joint):
        chunk = _chunk(inputs, group, places, rows)
        computed = compute(chunk)
        packed[rows, : computed.packed.shape[1]] = computed.packed
        wide_rows += computed.wide_rows
        if not by_clause:
            quarter, subject = inputs.rules.quarter, work.subject[rows]
            amount_minor, attributes = computed.amount_minor, chunk.attributes
            allocations.append(_booked(group, quarter, chunk.clause, subject, amount_minor, attributes))
    if by_clause:
        rows = slice(int(begin), int(end))
        allocations.append(_clause_allocations(inputs, group, places, rows, packed[rows]))
    return allocations, wide_rows


def _check(rules: Rules, quarter: Quarter, figures: Figures) -> None:
    for refused in rules.refused:
        raise ClauseRefused(
            agreement=refused.agreement,
            clause=refused.clause,
            reason_en=refused.reason_en,
            reason_zh=refused.reason_zh,
        )
    if rules.quarter != quarter:
        raise FigureOfAnotherQuarter(quarter=rules.quarter, count=len(figures))
    months = figures.starts.astype("datetime64[M]").astype(np.int64)
    others = int(np.count_nonzero(months // 3 != month_of(quarter.start) // 3))
    if others:
        raise FigureOfAnotherQuarter(quarter=quarter, count=others)


def _check_attributes(rules: Rules, subjects: Subjects) -> None:
    if subjects.attribute_codes is not None:
        return
    for group in rules.groups:
        for index in np.flatnonzero(group.attributed | group.rated).tolist():
            raise AttributesNotRead(clause=group.clauses[index].clause.number)


def _slices(work: Work, begin: int, end: int, *, whole_clauses: bool) -> Iterator[slice]:
    while begin < end:
        cut = min(begin + CHUNK_ROWS, end)
        if whole_clauses:
            cut = int(np.searchsorted(work.row, work.row[cut - 1], side="right"))
        yield slice(begin, cut)
        begin = cut


def _chunk(inputs: _Inputs, group: Group, places: Int64Column, rows: slice) -> Chunk:
    work = inputs.work
    clause = work.row[rows] - group.first_row
    carried = work.carried[rows]
    fed = slice(work.bounds[rows.start], work.bounds[rows.stop])
    counts = np.diff(work.bounds[rows.start : rows.stop + 1])
    return Chunk(
        group=group,
        quarter=inputs.rules.quarter,
        clause=clause,
        packed=_packed_before(inputs.state, group, places, clause, carried),
        is_known=(carried != NONE) | (work.subject[rows] == WHOLE_PARK),
        attributes=Attributes.of(inputs.subjects, work.listed[rows]),
        vocabulary=inputs.subjects.vocabulary,
        held=work.held[rows],
        fed=Fed(
            np.repeat(np.arange(len(counts)), counts),
            work.amount_minor[fed],
            work.factor[fed],
            work.step[fed],
        ),
    )


def _packed_before(
    state: State, group: Group, places: Int64Column, clause: Int64Column, carried: Int64Column
) -> Int64Column:
    """The rows' state in the order of the clauses' own entitlement keys."""
    packed = fresh_state(group, clause)
    known = np.flatnonzero(carried != NONE)
    if not len(known):
        return packed
    before = state.packed[carried[known]]
    packed[known, :FIXED_COLUMNS] = before[:, :FIXED_COLUMNS]
    columns = np.arange(FIXED_COLUMNS, packed.shape[1])
    if before.shape[1] < packed.shape[1]:
        before = np.pad(before, ((0, 0), (0, packed.shape[1] - before.shape[1])))
    if (places == np.arange(places.shape[1])).all():
        packed[np.ix_(known, columns)] = before[:, columns]
    else:
        packed[np.ix_(known, columns)] = _rearranged(before, places[clause[known]])
    if group.shape.years:
        _forget_years(group, packed)
    return packed


def _forget_years(group: Group, packed: Int64Column) -> None:
    """At most as many years are carried as the clauses look back."""
    years = FIXED_COLUMNS + 2 * (group.shape.slots + group.shape.before_years)
    packed[:, years] = np.minimum(packed[:, years], group.shape.years)


def _rearranged(before: Int64Column, places: Int64Column) -> Int64Column:
    """The pairs at ``places``; nothing where no earlier version credited the role."""
    pairs = before[:, FIXED_COLUMNS:].reshape(len(before), -1, 2)
    taken = np.take_along_axis(pairs, np.maximum(places, 0)[:, :, None], axis=1)
    return np.where((places == NONE)[:, :, None], 0, taken).reshape(len(before), -1)


def _places(state: State, group: Group) -> Int64Column:
    """Where the carried state holds each slot and then each counter of each clause, or ``NONE``."""
    return np.array([_of_clause(state, item) for item in group.clauses], np.int64)


def _of_clause(state: State, item: ClauseInForce) -> list[int]:
    key, counters = (item.agreement, item.clause.number), item.clause.counter_names
    keys_before, counters_before = state.keys.get(key, item.keys), state.counters.get(key, counters)
    if (keys_before, counters_before) == (item.keys, counters):
        return list(range(len(item.keys) + len(counters)))
    credited = [_place(name, keys_before) for name in item.keys]
    counted = [_place(name, counters_before) for name in counters]
    return credited + [NONE if place == NONE else len(keys_before) + place for place in counted]


def _place(name: object, among: Sequence[object]) -> int:
    return among.index(name) if name in among else NONE


def _clause_allocations(
    inputs: _Inputs, group: Group, places: Int64Column, rows: slice, packed: Int64Column
) -> Allocations:
    """The change of every clause's rounded total, its subject 0; ``packed`` is the new state of ``rows``."""
    work = inputs.work
    clause = work.row[rows] - group.first_row
    after = packed[:, : group.shape.width]
    before = _packed_before(inputs.state, group, places, clause, work.carried[rows])
    amount: Column = clause_totals(group, clause, entitlements_of(after, group.shape.slots)) - clause_totals(
        group, clause, entitlements_of(before, group.shape.slots)
    )
    every = np.arange(len(group))
    nobody = Attributes.of(inputs.subjects, np.full(len(group), NONE))
    subject = np.full(len(group), WHOLE_PARK)
    return _booked(group, inputs.rules.quarter, every, subject, stored(group, every, amount), nobody)


def _booked(
    group: Group,
    quarter: Quarter,
    clause: Int64Column,
    subject: Int64Column,
    amount_minor: Int64Column,
    attributes: Attributes,
) -> Allocations:
    """The amounts that aren't zero, with what is routed to the fund."""
    row, slot = np.nonzero(amount_minor)
    amount = amount_minor[row, slot]
    routed = np.zeros(len(amount), np.int64)
    if group.routed.any():
        window = Windows.of(group.routing_window, clause, attributes)
        is_routed = group.routed[clause] & window.is_open(month_of(quarter.start))
        of_row = clause[row]
        part = part_towards_zero(amount, group.routed_numerator[of_row], group.routed_denominator[of_row])
        routed = np.where(is_routed[row], part, 0)
    return Allocations(
        row=(clause[row] + group.first_row).astype(np.int32),
        subject=subject[row],
        slot=slot.astype(np.int16),
        amount_minor=amount,
        routed_minor=routed,
    )


def _joined(parts: Sequence[Allocations]) -> Allocations:
    if not parts:
        return Allocations.none()
    return Allocations(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Allocations.__slots__)
    )


def _next_state(inputs: _Inputs, packed: Int64Column) -> State:
    """The work rows' new state, then the state of clauses that aren't in force, as it was."""
    rules, work, state = inputs.rules, inputs.work, inputs.state
    aside = work.set_aside
    keys = dict(state.keys)
    keys |= {(item.agreement, item.clause.number): item.keys for item in rules.clauses}
    counters = dict(state.counters)
    counters |= {(item.agreement, item.clause.number): item.clause.counter_names for item in rules.clauses}
    return State(
        agreement=np.concatenate([rules.agreement[work.row], state.agreement[aside]]),
        clause=np.concatenate([rules.clause_number[work.row], state.clause[aside]]),
        subject=np.concatenate([work.subject, state.subject[aside]]),
        packed=_stacked(packed, state.packed[aside]) if len(aside) else packed,
        keys=keys,
        counters=counters,
    )


def _stacked(upper: Int64Column, lower: Int64Column) -> Int64Column:
    width = max(upper.shape[1], lower.shape[1])
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in (upper, lower)])
