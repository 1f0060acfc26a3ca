"""The steps of one quarter for a chunk of work rows of one group, in the order of ``docs/rule-semantics.md``.

Amounts are columns of numerators. What goes in before shares are applied is counted in *inner* units,
1 / ``Units.inner`` of a minor unit; what shares give, in *outer* units, ``Units.ratio`` times finer. Both
differ from row to row. The same code runs on int64 and on object columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.periods import Quarter
from ledger.rules.terms import Loss, WithinYear
from ledger.rules.vector.attributes import Windows
from ledger.rules.vector.columns import NONE
from ledger.rules.vector.compiled import LOSS_CODE, WITHIN_YEAR_CODE, Group, month_of
from ledger.rules.vector.numbers import Column, Int64Column, Mask

UNDECIDED: Final = -1
MONTHS_BEFORE_1970: Final = 1970 * 12


@dataclass(frozen=True, slots=True)
class Units:
    """How fine a row's numerators are."""

    inner: Column
    ratio: Column

    @property
    def outer(self) -> Column:
        return np.asarray(self.inner * self.ratio)


@dataclass(frozen=True, slots=True)
class Situation:
    """What clauses and subjects say for the quarter, by row of the chunk; amounts in minor units."""

    group: Group
    clause: Int64Column
    quarter: Quarter
    window: Windows
    floor_window: Windows
    is_eligible: Mask
    cap_minor: Column
    base_minor: Column
    held: Int64Column
    first_step: npt.NDArray[np.int8]


@dataclass(slots=True)
class Carry:
    """The running state of the rows. ``used``, by cap, ``change``, by slot, and what is of the floor are in
    outer units.

    ``first_shared`` is a month as state stores it: year × 12 + month − 1, or 0.
    """

    year: Int64Column
    steps_counted: Int64Column
    extended: Int64Column
    to_date: Column
    recognised: Column
    loss: Column
    threshold: Column
    used: Column
    change: Column
    first_shared: Int64Column
    recovered: Column
    accrued: Column
    floor_year: Int64Column
    floor_receipts: Column
    guarantor_receipts: Column
    shortfall: Column


def run_steps(situation: Situation, units: Units, carry: Carry, bases: Column) -> list[Mask]:
    """Every step of the quarter in order; ``bases`` is [row, step] in inner units.

    Changes ``carry``; gives for each step which rows were shared in it.
    """
    return [
        _run_step(situation, units, carry, bases[:, step], step)
        for step in range(situation.group.shape.steps)
    ]


def weights(group: Group, clause: Int64Column, units: Units, step: int) -> Column:
    """Share × ``ratio`` by row and slot: what one inner unit gives in outer units."""
    finer = units.ratio // group.share_denominator[clause]
    return np.asarray(group.share[step][clause] * finer[:, None])


def _run_step(situation: Situation, units: Units, carry: Carry, base: Column, step: int) -> Mask:
    shape = situation.group.shape
    month = month_of(situation.quarter.start) + step * shape.step_months
    reached = situation.is_eligible & (situation.first_step <= step)
    change = carry.change.copy() if shape.floored else carry.change
    window = _window(situation, carry)
    if window.extension_months.any():
        _decide_extension(situation, units, carry, reached & window.is_over(month))
    is_open = window.is_open(month, carry.extended == 1)
    shared_rows = np.asarray(reached & is_open & situation.group.has_key[step][situation.clause])
    if shape.official:
        carry.change[:, 0] += base * units.ratio
    _credit(
        carry, situation.group.otherwise_slot[situation.clause], np.where(shared_rows, 0, base) * units.ratio
    )
    shared = np.where(shared_rows, base, 0)
    if shape.surplus or situation.group.cap_yearly.any():
        _turn_year(situation, units, carry, shared_rows)
    if shape.surplus:
        shared = _surplus(situation, units, carry, shared, shared_rows, step)
    if shape.recovers:
        shared = _recover(situation, units, carry, shared, shared_rows, step)
    _share_out(situation, units, carry, shared, step)
    if shape.floored:
        _guarantee(situation, units, carry, carry.change - change, month)
    return shared_rows


def _credit(carry: Carry, slot: Int64Column, amount: Column) -> None:
    carry.change[np.arange(len(slot)), slot] += amount


def _window(situation: Situation, carry: Carry) -> Windows:
    columns = situation.group.window
    if not (situation.group.shape.recovers and columns.by_first_shared.any()):
        return situation.window
    month = np.where(carry.first_shared == 0, NONE, carry.first_shared - MONTHS_BEFORE_1970)
    return situation.window.since_first_shared(columns, situation.clause, month.astype(np.int64))


def _decide_extension(situation: Situation, units: Units, carry: Carry, over: Mask) -> None:
    decided_now = over & (carry.extended == UNDECIDED)
    if not decided_now.any():
        return
    is_lifetime = ~situation.group.cap_yearly[situation.clause]
    has_room = carry.used < situation.cap_minor * units.outer[:, None]
    is_below = (has_room | ~is_lifetime).all(axis=1) & is_lifetime.any(axis=1)
    stands = situation.window.holds & (situation.held != NONE)
    granted = np.where(stands, situation.held == 1, is_below)
    carry.extended = np.where(decided_now, granted, carry.extended)


def _surplus(situation: Situation, units: Units, carry: Carry, base: Column, rows: Mask, step: int) -> Column:
    """The change of what exceeds the yearly base, in the rows that are shared."""
    group, clause = situation.group, situation.clause
    within_year, loss = group.within_year[clause], group.loss[clause]
    carry.steps_counted = carry.steps_counted + rows
    carry.to_date = carry.to_date + base
    carry.threshold = np.where(rows, _threshold(situation, units, carry, within_year), carry.threshold)
    excess = carry.to_date - carry.threshold
    recognised = np.where(loss == LOSS_CODE[Loss.SHARED], excess, np.maximum(excess, 0))
    if not (situation.quarter.quarter == 4 and step == group.shape.steps - 1):
        recognised = np.where(within_year == WITHIN_YEAR_CODE[WithinYear.FINAL_ONLY], 0, recognised)
    shared = np.where(rows, recognised - carry.recognised, 0)
    carry.recognised = carry.recognised + shared
    return np.asarray(shared)


def _turn_year(situation: Situation, units: Units, carry: Carry, rows: Mask) -> None:
    turned = rows & (carry.year != situation.quarter.year) & _has_years(situation)
    if not turned.any():
        return
    if situation.group.shape.caps:
        _turn_uses(situation, units, carry, turned & (carry.year != 0))
    carries = situation.group.loss[situation.clause] == LOSS_CODE[Loss.CARRIED]
    shortfall = np.where(carries, np.maximum(carry.threshold - carry.to_date, 0), 0)
    carry.year = np.where(turned, situation.quarter.year, carry.year)
    carry.steps_counted = np.where(turned, 0, carry.steps_counted)
    carry.loss = np.where(turned, shortfall, carry.loss)
    carry.threshold = np.where(turned, shortfall, carry.threshold)
    carry.to_date = np.where(turned, 0, carry.to_date)
    carry.recognised = np.where(turned, 0, carry.recognised)


def _has_years(situation: Situation) -> Mask:
    """Whether a row's clause reckons by years at all."""
    if situation.group.shape.surplus:
        return np.ones(len(situation.clause), np.bool_)
    return np.asarray(situation.group.cap_yearly[situation.clause].any(axis=1))


def _turn_uses(situation: Situation, units: Units, carry: Carry, rows: Mask) -> None:
    group, clause = situation.group, situation.clause
    unused = np.minimum(carry.used - situation.cap_minor * units.outer[:, None], 0)
    begun = np.where(group.cap_carries[clause], unused, 0)
    carry.used = np.where(rows[:, None] & group.cap_yearly[clause], begun, carry.used)


def _threshold(situation: Situation, units: Units, carry: Carry, within_year: Int64Column) -> Column:
    """What the year so far is tested against; ``steps_counted`` holds this step already."""
    steps_of_year = 12 // situation.group.shape.step_months
    pro_rata = within_year == WITHIN_YEAR_CODE[WithinYear.PRO_RATA]
    same_quarter = within_year == WITHIN_YEAR_CODE[WithinYear.SAME_QUARTER]
    parts = np.where(pro_rata, carry.steps_counted, steps_of_year)
    base = situation.base_minor * (units.inner // steps_of_year) * parts
    return np.asarray(base + np.where(same_quarter, carry.threshold, carry.loss))


def _recover(
    situation: Situation, units: Units, carry: Carry, shared: Column, rows: Mask, step: int
) -> Column:
    """What is left of ``shared`` when the input is repaid, in the rows that are shared."""
    group, clause = situation.group, situation.clause
    inputs = group.input_minor[step][clause] * units.inner
    outstanding = np.maximum(inputs - carry.recovered, 0)
    divisor = group.return_denominator[clause] * units.inner
    returned = outstanding * group.return_numerator[clause] // divisor * units.inner
    carry.accrued = carry.accrued + np.where(rows, returned, 0)
    balance = inputs + carry.accrued - carry.recovered
    taken = np.where(rows, np.maximum(np.minimum(balance, shared), 0), 0)
    carry.recovered = carry.recovered + taken
    _credit(carry, group.recover_slot[clause], taken * units.ratio)
    left = shared - taken
    month = month_of(situation.quarter.start) + step * group.shape.step_months + MONTHS_BEFORE_1970
    is_first = rows & (left > 0) & (carry.first_shared == 0)
    carry.first_shared = np.where(is_first, month, carry.first_shared)
    return np.asarray(left)


def _guarantee(situation: Situation, units: Units, carry: Carry, change: Column, month: int) -> None:
    """Counts the step's ``change`` of receipts, and in a year's last step makes good what the floor lacks."""
    group, clause = situation.group, situation.clause
    party, guarantor = group.floor_slot[clause], group.guarantor_slot[clause]
    rows, is_new = np.arange(len(clause)), carry.floor_year != situation.quarter.year
    carry.floor_receipts = np.where(is_new, 0, carry.floor_receipts) + change[rows, party]
    carry.guarantor_receipts = np.where(is_new, 0, carry.guarantor_receipts) + change[rows, guarantor]
    carry.floor_year = np.full_like(carry.floor_year, situation.quarter.year)
    if (month + group.shape.step_months) % 12 != 0:
        return
    tested = situation.floor_window.is_open(month)
    promised = group.floor_minor[clause] * units.outer + carry.shortfall
    gap = np.where(tested, np.maximum(promised - carry.floor_receipts, 0), 0)
    covered = np.maximum(np.minimum(gap, carry.guarantor_receipts), 0)
    given = np.where(group.tops_up[clause], gap, covered)
    left = np.where(group.carries_shortfall[clause], gap - given, 0)
    carry.shortfall = np.where(tested, left, carry.shortfall)
    _credit(carry, party, given)
    _credit(carry, guarantor, -given)


def _share_out(situation: Situation, units: Units, carry: Carry, shared: Column, step: int) -> None:
    group, clause = situation.group, situation.clause
    for cap in range(group.shape.caps):
        if group.cap_on_pool[:, cap].any():
            shared = _cut_pool(situation, units, carry, shared, cap)
    parts = shared[:, None] * weights(group, clause, units, step)
    for cap in range(group.shape.caps):
        if not group.cap_on_pool[:, cap].all():
            _cut_receipts(situation, units, carry, parts, cap)
    carry.change += parts


def _cut_pool(situation: Situation, units: Units, carry: Carry, shared: Column, cap: int) -> Column:
    """What the cap leaves of ``shared``."""
    on_pool = situation.group.cap_on_pool[situation.clause, cap]
    cut = _use(situation, units, carry, np.where(on_pool, shared * units.ratio, 0), cap)
    return np.asarray(shared - cut // units.ratio)


def _cut_receipts(situation: Situation, units: Units, carry: Carry, parts: Column, cap: int) -> None:
    """Cuts the capped roles' ``parts`` to what the cap leaves."""
    slot = situation.group.capped_slot[situation.clause, cap]
    rows = np.arange(len(slot))
    parts[rows, slot] -= _use(situation, units, carry, np.where(slot != NONE, parts[rows, slot], 0), cap)


def _use(situation: Situation, units: Units, carry: Carry, added: Column, cap: int) -> Column:
    """Counts what is ``added`` against the cap, in outer units; credits and gives what exceeds it."""
    limit = situation.cap_minor[:, cap] * units.outer
    before = carry.used[:, cap].copy()
    after = before + added
    carry.used[:, cap] = after
    cut = added - (np.minimum(limit, after) - np.minimum(limit, before))
    slot = situation.group.excess_slot[situation.clause, cap]
    _credit(carry, slot, np.where(slot == NONE, 0, cut))
    return np.asarray(cut)
