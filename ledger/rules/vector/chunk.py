"""One chunk of work rows of one group: in 64 bits where a bound shows that they suffice, else wide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.periods import Quarter
from ledger.rules.state import LAYOUT, StateTooLarge
from ledger.rules.terms import Grain
from ledger.rules.vector.attributes import (
    Attributes,
    Windows,
    base_minor,
    cap_minor,
    eligible,
    rate_numerator,
)
from ledger.rules.vector.columns import FIXED_COLUMNS, HEAD_COLUMNS, NONE, PAIR_NAMES, Vocabulary
from ledger.rules.vector.compiled import Group
from ledger.rules.vector.gather import NO_STEP
from ledger.rules.vector.joint import Fellows
from ledger.rules.vector.numbers import Column, Int64Column, Mask, divided
from ledger.rules.vector.rounding import Exact, whole_amounts
from ledger.rules.vector.situation import UNDECIDED, Carry, Situation, Units
from ledger.rules.vector.steps import at_own_rates, run_steps, weights

DENOMINATOR: Final = 1
YEAR: Final = 2
STEPS_COUNTED: Final = 3
EXTENDED: Final = 4
POOL_YEAR: Final = 5
_WHOLES = slice(HEAD_COLUMNS, FIXED_COLUMNS, 2)
_REMAINDERS = slice(HEAD_COLUMNS + 1, FIXED_COLUMNS, 2)
_SURPLUS_PAIRS = 4
"""The first pairs are those of a surplus rule."""
_MOST = 2**63 - 1
_BOUND = 2**62
"""No intermediate of the 64-bit path reaches this."""
_FINE = 2**31
"""Denominators above this are wide, so that the product of two stays within 64 bits."""
_WIDEST = 10**1000
_LARGE = 2**55
"""Inputs above this are wide in any case; a hundred of them still add up within 64 bits."""
_GROWTH: Final = {False: 8, True: 64}
"""How far an intermediate may exceed the sum of the inputs' magnitudes, without and with a surplus rule.

Without: three steps' base to each of otherwise, shares and excess, at most 4 of the sum, doubled. With:
the excess over the base is at most 3 of the sum, its change at most 6, in three steps 18, and what a cap
cuts off twice that.
"""


@dataclass(frozen=True, slots=True)
class Fed:
    """A chunk's figures, in order of the row they are of (``owner``)."""

    owner: Int64Column
    amount_minor: Column
    factor: Column
    step: npt.NDArray[np.int8]

    def begins(self) -> Int64Column:
        """Where the figures of each row begin."""
        return np.flatnonzero(np.diff(self.owner, prepend=-1))


@dataclass(frozen=True, slots=True)
class Chunk:
    """The inputs of work rows of one group; ``packed`` is their state, fresh where none is carried."""

    group: Group
    quarter: Quarter
    clause: Int64Column
    packed: Column
    is_known: Mask
    attributes: Attributes
    vocabulary: Vocabulary
    held: Int64Column
    fed: Fed

    def only(self, rows: Int64Column) -> Chunk:
        """The same with only ``rows``."""
        place = np.full(len(self.clause), -1)
        place[rows] = np.arange(len(rows))
        owner = place[self.fed.owner]
        kept = owner >= 0
        fed = Fed(owner[kept], self.fed.amount_minor[kept], self.fed.factor[kept], self.fed.step[kept])
        return replace(
            self,
            clause=self.clause[rows],
            packed=self.packed[rows],
            is_known=self.is_known[rows],
            attributes=self.attributes.only(rows),
            held=self.held[rows],
            fed=fed,
        )

    def widened(self) -> Chunk:
        """The same with its amounts as wide numbers."""
        fed = replace(
            self.fed,
            amount_minor=self.fed.amount_minor.astype(object),
            factor=self.fed.factor.astype(object),
        )
        return replace(self, packed=self.packed.astype(object), fed=fed)


@dataclass(frozen=True, slots=True)
class Computed:
    """What a chunk gives. ``amount_minor`` is [row, slot]; with grain ``clause`` it is all zeros."""

    amount_minor: Int64Column
    packed: Int64Column
    wide_rows: int


def fresh_state(group: Group, clause: Int64Column) -> Int64Column:
    """Packed state of rows for which nothing is carried."""
    packed = np.zeros((len(clause), group.shape.width), np.int64)
    packed[:, 0] = LAYOUT
    packed[:, DENOMINATOR] = group.denominator[clause]
    packed[:, EXTENDED] = UNDECIDED
    return packed


def compute(chunk: Chunk) -> Computed:
    """The chunk's amounts and new state. Raises ``StateTooLarge``."""
    units, fits = _units(chunk, _FINE)
    fits &= _is_bounded(chunk, units.outer)
    if chunk.group.shape.joint:
        # Rows that are added up must be counted alike: in the clause's own units, or all of them wide.
        fits &= fits.all() and (units.outer == chunk.group.denominator[chunk.clause]).all()
    if fits.all():
        return Computed(*_compute(chunk, units), 0)
    rows, wide = np.flatnonzero(fits), np.flatnonzero(~fits)
    amount = np.zeros((len(fits), chunk.group.shape.slots), np.int64)
    packed = np.zeros_like(chunk.packed)
    if len(rows):
        amount[rows], packed[rows] = _compute(chunk.only(rows), Units(units.inner[rows], units.ratio[rows]))
    widened = chunk.only(wide).widened()
    wide_units, _ = _units(widened, _WIDEST)
    if chunk.group.shape.joint:
        wide_units = _in_common(widened.clause, wide_units)
    amount[wide], packed[wide] = _compute(widened, wide_units)
    return Computed(amount, packed, len(wide))


def _in_common(clause: Int64Column, units: Units) -> Units:
    """Units in which the rows of each clause can be added up."""
    begins = np.flatnonzero(np.diff(clause, prepend=-1))
    sizes = np.diff(np.append(begins, len(clause)))
    inner, outer = (np.repeat(np.lcm.reduceat(fine, begins), sizes) for fine in (units.inner, units.outer))
    return Units(inner, outer // inner)


def _units(chunk: Chunk, limit: int) -> tuple[Units, Mask]:
    """How fine each row must be counted, and whether its denominators stay below ``limit``.

    What is carried from an earlier version may be finer than the clause itself counts.
    """
    group, clause = chunk.group, chunk.clause
    dtype = chunk.packed.dtype
    inner = group.inner_denominator[clause].astype(dtype, copy=False)
    share = group.share_denominator[clause].astype(dtype, copy=False)
    denominator, remainders = chunk.packed[:, DENOMINATOR], _inner_remainders(chunk)
    history = counters_of(chunk)[1][:, group.shape.before_years + 1 :]
    fineness = group.fineness[clause].astype(dtype, copy=False)
    is_own = (denominator == inner * share) & (remainders % share[:, None] == 0).all(axis=1)
    # Averages and own rates divide what a surplus rule carries once more, and averages the history.
    divided_again = np.hstack([remainders[:, :_SURPLUS_PAIRS], history])
    is_own &= (divided_again % (share * fineness)[:, None] == 0).all(axis=1)
    if is_own.all():
        return Units(inner, share), np.ones(len(clause), np.bool_)
    fits = np.asarray(denominator <= limit)
    denominator = np.where(fits, denominator, 1)
    actual = denominator // np.gcd.reduce([denominator, *remainders.T, *history.T]) * fineness
    fits &= actual <= limit
    actual = np.where(fits, actual, 1)
    finer = np.lcm(actual, inner)
    fits &= finer <= limit // share
    finer = np.where(fits, finer, inner)
    outer = np.lcm(finer * share, denominator)
    fits &= outer <= limit
    finer = np.where(is_own, inner, finer)
    return Units(finer, np.where(is_own, share, outer // finer)), fits


def _inner_remainders(chunk: Chunk) -> Column:
    """The remainders of what is carried that isn't divided by shares yet, but for the history."""
    fixed, shape = chunk.packed[:, _REMAINDERS], chunk.group.shape
    if not shape.counters:
        return fixed
    counters = counters_of(chunk)[1]
    recovery = counters[:, : 3 * shape.recovers]
    uses = np.where(
        chunk.group.cap_on_pool[chunk.clause], counters[:, shape.before_uses : shape.before_years], 0
    )
    drawn = counters[:, shape.before_uses - shape.budgeted : shape.before_uses]
    drawn = np.where((chunk.group.budget_slot == NONE)[chunk.clause, None], drawn, 0)
    return np.concatenate([fixed, recovery, drawn, uses], axis=1)


def counters_of(chunk: Chunk) -> tuple[Column, Column]:
    """The wholes and the remainders of the counters, by row and place."""
    first = FIXED_COLUMNS + 2 * chunk.group.shape.slots
    return chunk.packed[:, first::2], chunk.packed[:, first + 1 :: 2]


def _is_bounded(chunk: Chunk, outer: Int64Column) -> Mask:
    """Whether no intermediate of a row can reach the bound."""
    group, shape = chunk.group, chunk.group.shape
    total = _figures_bound(chunk) + _magnitude(chunk.packed[:, _WHOLES]).sum(axis=1) + len(PAIR_NAMES)
    total += _magnitude(cap_minor(group, chunk.clause, chunk.attributes)).sum(axis=1)
    total += _magnitude(counters_of(chunk)[0]).sum(axis=1)
    total += _magnitude(group.floor_minor[chunk.clause])
    total += _magnitude(group.budget_minor[:, chunk.clause]).max(axis=0)
    if shape.bands:
        total += _magnitude(group.band_above_minor[chunk.clause, -1])
    growth = np.full(len(chunk.clause), _GROWTH[shape.surplus or shape.recovers or shape.floored], np.int64)
    if shape.surplus:
        total += 3 * _magnitude(_base(chunk))
    if shape.recovers:
        total += _magnitude(group.input_minor[-1][chunk.clause])
        growth *= np.maximum(group.return_numerator[chunk.clause], 1)
    if shape.joint:
        total = np.full_like(total, min(int(total.max()) * len(total), _LARGE))
    entitled = _magnitude(entitlements_of(chunk.packed, shape.slots).whole).sum(axis=1)
    return np.asarray((total < _LARGE) & (entitled < _LARGE) & (total < _BOUND // (growth * outer)))


def _figures_bound(chunk: Chunk) -> Int64Column:
    """At least the sum of the magnitudes of each row's figures: their number times the largest."""
    fed, bound = chunk.fed, np.zeros(len(chunk.clause), np.int64)
    begins = fed.begins()
    if len(begins):
        count = np.diff(np.append(begins, len(fed.owner)))
        largest = np.maximum.reduceat(_magnitude(fed.amount_minor), begins)
        bound[fed.owner[begins]] = np.where(largest < _LARGE // count, largest * count, _LARGE)
    return bound


def _magnitude(column: Int64Column) -> Int64Column:
    return np.abs(np.clip(column, -_LARGE, _LARGE))


def _base(chunk: Chunk) -> Int64Column:
    return base_minor(chunk.group, chunk.clause, chunk.attributes, chunk.quarter.quarter - 1)


def _compute(chunk: Chunk, units: Units) -> tuple[Int64Column, Int64Column]:
    """Amounts and new state of rows that are all narrow or all wide."""
    situation = _situation(chunk)
    carry = _carry(chunk, units)
    group, owner = chunk.group, chunk.fed.owner
    finer = units.inner // (group.kept_denominator * group.rate_denominator)[chunk.clause]
    if group.rated.any():
        finer = finer * rate_numerator(group, chunk.clause, chunk.attributes, chunk.vocabulary)
    values = chunk.fed.amount_minor * chunk.fed.factor * finer[owner]
    shared_rows = run_steps(situation, units, carry, _bases(chunk, values))
    before = entitlements_of(chunk.packed, chunk.group.shape.slots)
    change = Exact.of(carry.change, units.outer)
    after = before.plus(change)
    amount = _amounts(chunk, situation, units, before, after, change, values, shared_rows)
    packed = _packed(chunk, units, carry, after)
    return stored(chunk.group, chunk.clause, amount), stored(chunk.group, chunk.clause, packed)


def _situation(chunk: Chunk) -> Situation:
    group, clause, attributes = chunk.group, chunk.clause, chunk.attributes
    dtype = chunk.packed.dtype
    return Situation(
        group=group,
        clause=clause,
        quarter=chunk.quarter,
        window=Windows.of(group.window, clause, attributes),
        floor_window=Windows.of(group.floor_window, clause, attributes),
        fellows=Fellows.with_one_controller(clause, attributes.controller_code)
        if group.shape.joint
        else None,
        everybody=Fellows.of_clauses(clause) if group.shape.budgeted else None,
        is_eligible=eligible(group, clause, attributes, chunk.vocabulary),
        cap_minor=cap_minor(group, clause, attributes).astype(dtype, copy=False),
        base_minor=_base(chunk).astype(dtype, copy=False),
        held=chunk.held,
        first_step=_first_step(chunk),
    )


def _first_step(chunk: Chunk) -> npt.NDArray[np.int8]:
    """The first step of the quarter in which the subject is known to the clause."""
    first = np.where(chunk.is_known, 0, NO_STEP).astype(np.int8)
    begins = chunk.fed.begins()
    if len(begins):
        owner = chunk.fed.owner[begins]
        first[owner] = np.minimum(first[owner], np.minimum.reduceat(chunk.fed.step, begins))
    return first


def _bases(chunk: Chunk, values: Column) -> Column:
    """The base by row and step, in inner units."""
    bases = np.zeros((len(chunk.clause), chunk.group.shape.steps), chunk.packed.dtype)
    begins = chunk.fed.begins()
    if len(begins):
        owner = chunk.fed.owner[begins]
        for step in range(chunk.group.shape.steps):
            bases[owner, step] = np.add.reduceat(np.where(chunk.fed.step == step, values, 0), begins)
    return bases


def _carry(chunk: Chunk, units: Units) -> Carry:
    packed = chunk.packed
    denominator = packed[:, DENOMINATOR]
    wholes, remainders = packed[:, _WHOLES], packed[:, _REMAINDERS]
    counted = {
        name: wholes[:, index] * units.inner + remainders[:, index] * units.inner // denominator
        for index, name in enumerate(PAIR_NAMES)
    }
    outer = units.outer
    zero = np.zeros(len(packed), packed.dtype)
    shape, (counted_whole, counted_remainder) = chunk.group.shape, counters_of(chunk)

    def inner_counters(places: slice) -> Column:
        of_row = units.inner[:, None]
        finer = counted_remainder[:, places] * of_row // denominator[:, None]
        return np.asarray(counted_whole[:, places] * of_row + finer)

    first_shared, recovered, accrued = zero, zero, zero
    if shape.recovers:
        first_shared = counted_whole[:, 0]
        recovered, accrued = inner_counters(slice(1, 3)).T
    uses = slice(shape.before_uses, shape.before_years)
    floor_year, floor_receipts, guarantor_receipts, shortfall = zero, zero, zero, zero
    if shape.floored:
        first = 3 * shape.recovers
        floor_year = counted_whole[:, first]
        floor_receipts, guarantor_receipts, shortfall = (
            counted_whole[:, place] * outer + counted_remainder[:, place] * (outer // denominator)
            for place in range(first + 1, first + 4)
        )
    budget_period, budget_used = zero, zero
    if shape.budgeted:
        budget_period = counted_whole[:, shape.before_uses - 2]
        place = shape.before_uses - 1
        budget_used = counted_whole[:, place] * outer + counted_remainder[:, place] * (outer // denominator)
    return Carry(
        year=packed[:, YEAR],
        steps_counted=packed[:, STEPS_COUNTED],
        extended=packed[:, EXTENDED],
        pool_year=packed[:, POOL_YEAR],
        used=counted_whole[:, uses] * outer[:, None]
        + counted_remainder[:, uses] * (outer // denominator)[:, None],
        change=np.zeros((len(packed), chunk.group.shape.slots), packed.dtype),
        history=inner_counters(slice(shape.before_years + 1, None)),
        history_length=counted_whole[:, shape.before_years] if shape.years else zero,
        first_shared=first_shared,
        recovered=recovered,
        accrued=accrued,
        floor_year=floor_year,
        floor_receipts=floor_receipts,
        guarantor_receipts=guarantor_receipts,
        shortfall=shortfall,
        budget_period=budget_period,
        budget_used=budget_used,
        **counted,
    )


def entitlements_of(packed: Column, slots: int) -> Exact:
    """The exact cumulative entitlements of packed rows."""
    end = FIXED_COLUMNS + 2 * slots
    whole, remainder = packed[:, FIXED_COLUMNS:end:2], packed[:, FIXED_COLUMNS + 1 : end : 2]
    return Exact(whole, remainder, packed[:, DENOMINATOR])


def _amounts(
    chunk: Chunk,
    situation: Situation,
    units: Units,
    before: Exact,
    after: Exact,
    change: Exact,
    values: Column,
    shared_rows: list[Mask],
) -> Column:
    group, clause = chunk.group, chunk.clause
    match group.shape.grain:
        case Grain.SUBJECT:
            return whole_amounts(group, clause, after) - whole_amounts(group, clause, before)
        case Grain.PERIOD:
            return whole_amounts(group, clause, change)
        case Grain.LINE:
            return _amounts_by_line(chunk, situation, units, values, shared_rows)
        case Grain.CLAUSE:
            return np.zeros((len(clause), group.shape.slots), np.int64)


def _amounts_by_line(
    chunk: Chunk, situation: Situation, units: Units, values: Column, shared_rows: list[Mask]
) -> Column:
    """Every figure's parts rounded by themselves, then added up by row."""
    group, owner = chunk.group, chunk.fed.owner
    amounts = np.zeros((len(chunk.clause), group.shape.slots), chunk.packed.dtype)
    begins = chunk.fed.begins()
    if not len(begins):
        return amounts
    step = chunk.fed.step
    share = np.stack([weights(situation, units, index) for index in range(group.shape.steps)])
    is_shared = np.stack(shared_rows)[step, owner]
    shared = np.where(is_shared, values, 0)
    if group.shape.own_rated:
        shared = _lines_at_own_rates(situation, owner, step, shared)
    parts = shared[:, None] * share[step, owner]
    whole_part = values * units.ratio[owner]
    parts[np.arange(len(owner)), group.otherwise_slot[chunk.clause][owner]] += np.where(
        is_shared, 0, whole_part
    )
    if group.shape.official:
        parts[:, 0] += whole_part
    rounded_parts = whole_amounts(group, chunk.clause[owner], Exact.of(parts, units.outer[owner]))
    amounts[owner[begins]] = np.add.reduceat(rounded_parts, begins)
    return amounts


def _lines_at_own_rates(
    situation: Situation, owner: Int64Column, step: npt.NDArray[np.int8], shared: Column
) -> Column:
    by_step = [
        at_own_rates(situation, situation.clause[owner], shared, situation.tier(index)[owner], index)
        for index in range(situation.group.shape.steps)
    ]
    return np.asarray(np.stack(by_step)[step, np.arange(len(owner))])


def _packed(chunk: Chunk, units: Units, carry: Carry, after: Exact) -> Column:
    """The new state over the coarsest denominator that is a multiple of the clause's own."""
    outer = units.outer
    packed = np.empty_like(chunk.packed)
    packed[:, 0] = LAYOUT
    packed[:, YEAR], packed[:, STEPS_COUNTED] = carry.year, carry.steps_counted
    packed[:, EXTENDED], packed[:, POOL_YEAR] = carry.extended, carry.pool_year
    for index, name in enumerate(PAIR_NAMES):
        whole, remainder = divided(getattr(carry, name), units.inner)
        packed[:, HEAD_COLUMNS + 2 * index] = whole
        packed[:, HEAD_COLUMNS + 2 * index + 1] = remainder * units.ratio
    first = FIXED_COLUMNS + 2 * chunk.group.shape.slots
    packed[:, FIXED_COLUMNS:first:2], packed[:, FIXED_COLUMNS + 1 : first : 2] = after.whole, after.remainder
    packed[:, first::2], packed[:, first + 1 :: 2] = _counted(chunk.group, units, carry)
    packed[:, DENOMINATOR] = outer
    finer = np.flatnonzero(outer != chunk.group.denominator[chunk.clause])
    if len(finer):
        packed[finer] = _coarsened(packed[finer], chunk.group.denominator[chunk.clause[finer]])
    return packed


def _counted(group: Group, units: Units, carry: Carry) -> tuple[Column, Column]:
    """The counters as whole numbers and remainders over the outer denominator, by row and place."""
    parts = [divided(carry.used, units.outer[:, None])]
    if group.shape.budgeted:
        drawn = divided(carry.budget_used[:, None], units.outer[:, None])
        parts = [_number(carry.budget_period), drawn, *parts]
    if group.shape.floored:
        receipts = np.stack([carry.floor_receipts, carry.guarantor_receipts, carry.shortfall], axis=1)
        parts = [_number(carry.floor_year), divided(receipts, units.outer[:, None]), *parts]
    if group.shape.recovers:
        recovered = np.stack([carry.recovered, carry.accrued], axis=1)
        parts = [_number(carry.first_shared), _of_inner(units, recovered), *parts]
    if group.shape.years:
        parts = [*parts, _number(carry.history_length), _of_inner(units, carry.history)]
    wholes, remainders = zip(*parts, strict=True)
    return np.concatenate(wholes, axis=1), np.concatenate(remainders, axis=1)


def _number(column: Int64Column) -> tuple[Column, Column]:
    return column[:, None], column[:, None] * 0


def _of_inner(units: Units, amounts: Column) -> tuple[Column, Column]:
    whole, remainder = divided(amounts, units.inner[:, None])
    return whole, remainder * units.ratio[:, None]


def _coarsened(packed: Column, own_denominator: Int64Column) -> Column:
    denominator = packed[:, DENOMINATOR].copy()
    remainders = packed[:, HEAD_COLUMNS + 1 :: 2]
    actual = denominator // np.gcd.reduce([denominator, *remainders.T])
    packed[:, DENOMINATOR] = np.lcm(actual, own_denominator)
    packed[:, HEAD_COLUMNS + 1 :: 2] = remainders // (denominator // packed[:, DENOMINATOR])[:, None]
    return packed


def stored(group: Group, clause: Int64Column, columns: Column) -> Int64Column:
    """The columns as int64. Raises ``StateTooLarge`` where a wide number doesn't fit."""
    if columns.dtype == object:
        row, _ = np.nonzero((columns > _MOST) | (columns < -_MOST))
        if len(row):
            number = max(columns[row[0]], key=abs)
            raise StateTooLarge(clause=group.clauses[clause[row[0]]].clause.number, number=number)
    return columns.astype(np.int64, copy=False)
