"""The steps of one quarter for a chunk of work rows of one group, in the order of ``docs/rule-semantics.md``.

Amounts are columns of numerators. What goes in before shares are applied is counted in *inner* units,
1 / ``Units.inner`` of a minor unit; what shares give, in *outer* units, ``Units.ratio`` times finer. Both
differ from row to row. The same code runs on int64 and on object columns.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ledger.rules.plain.shares import FactorsMissing
from ledger.rules.terms import BandPeriod, Loss, WithinYear
from ledger.rules.vector.attributes import Windows
from ledger.rules.vector.budget import Drawing
from ledger.rules.vector.columns import NONE
from ledger.rules.vector.compiled import BAND_PERIOD_CODE, LOSS_CODE, WITHIN_YEAR_CODE, month_of
from ledger.rules.vector.numbers import Column, Int64Column, Mask
from ledger.rules.vector.situation import UNDECIDED, Carry, Situation, Units, credit

MONTHS_BEFORE_1970: Final = 1970 * 12


def run_steps(situation: Situation, units: Units, carry: Carry, bases: Column) -> list[Mask]:
    """Every step of the quarter in order; ``bases`` is [row, step] in inner units.

    Changes ``carry``; gives for each step which rows were shared in it.
    """
    return [
        _run_step(situation, units, carry, bases[:, step], step)
        for step in range(situation.group.shape.steps)
    ]


def weights(situation: Situation, units: Units, step: int) -> Column:
    """Share × ``ratio`` by row and slot: what one inner unit gives in outer units."""
    group, clause = situation.group, situation.clause
    finer = units.ratio // group.share_denominator[clause]
    return np.asarray(group.share[step][clause, np.maximum(situation.tier(step), 0)] * finer[:, None])


def at_own_rates(
    situation: Situation, clause: Int64Column, amount: Column, tier: Int64Column, step: int
) -> Column:
    """What own rates leave of amounts in inner units, which are fine enough for it."""
    group = situation.group
    rate = group.own_rate[step][clause, np.maximum(tier, 0)]
    return np.asarray(amount * rate // group.own_rate_denominator[clause])


def _run_step(situation: Situation, units: Units, carry: Carry, base: Column, step: int) -> Mask:
    shape = situation.group.shape
    month = situation.month(step)
    reached = situation.is_eligible & (situation.first_step <= step)
    change = carry.change.copy() if shape.floored else carry.change
    window = _window(situation, carry)
    if window.extension_months.any():
        _decide_extension(situation, units, carry, reached & window.is_over(month))
    is_open = window.is_open(month, carry.extended == 1)
    has_key = situation.group.has_key[step][situation.clause] & (situation.tier(step) != NONE)
    shared_rows = np.asarray(reached & is_open & has_key)
    if shape.apportioned:
        _require_factors(situation, shared_rows, step)
    if shape.official:
        carry.change[:, 0] += base * units.ratio
    credit(
        carry, situation.group.otherwise_slot[situation.clause], np.where(shared_rows, 0, base) * units.ratio
    )
    shared = np.where(shared_rows, base, 0)
    if shape.surplus or situation.group.cap_yearly.any():
        _turn_year(situation, units, carry, shared_rows)
    if shape.surplus:
        shared = _surplus(situation, units, carry, shared, shared_rows, step)
    if shape.recovers:
        shared = _recover(situation, units, carry, shared, shared_rows, step)
    _turn_pool(situation, carry, shared_rows)
    if shape.years:
        shared = _smoothed(situation, carry, shared, shared_rows, step)
    if shape.own_rated:
        shared = at_own_rates(situation, situation.clause, shared, situation.tier(step), step)
    _share_out(situation, units, carry, shared, shared_rows, step)
    if shape.floored:
        _guarantee(situation, units, carry, carry.change - change, month)
    return shared_rows


def _require_factors(situation: Situation, shared_rows: Mask, step: int) -> None:
    group, clause = situation.group, situation.clause
    missing = group.missing_year[step][clause, np.maximum(situation.tier(step), 0)]
    wrong = np.flatnonzero(shared_rows & (missing != 0))
    if len(wrong):
        number = group.clauses[clause[wrong[0]]].clause.number
        raise FactorsMissing(clause=number, year=int(missing[wrong[0]]))


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
    has_room = _uses_as_the_step_begins(situation, carry) < situation.cap_minor * units.outer[:, None]
    is_below = (has_room | ~is_lifetime).all(axis=1) & is_lifetime.any(axis=1)
    stands = situation.window.holds & (situation.held != NONE)
    granted = np.where(stands, situation.held == 1, is_below)
    carry.extended = np.where(decided_now, granted, carry.extended)


def _uses_as_the_step_begins(situation: Situation, carry: Carry) -> Column:
    """What counts against each cap, by row and cap."""
    fellows, used = situation.fellows, carry.used
    if fellows is None:
        return used
    together = np.stack([fellows.together(of_cap) for of_cap in used.T], axis=1)
    return np.asarray(np.where(situation.group.cap_joint[situation.clause], together, used))


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


def _turn_pool(situation: Situation, carry: Carry, rows: Mask) -> None:
    turned = rows & (carry.pool_year != situation.quarter.year)
    if turned.any():
        _turn_history(situation, carry, turned)
        carry.pool_year = np.where(turned, situation.quarter.year, carry.pool_year)
        carry.pool_of_year = np.where(turned, 0, carry.pool_of_year)


def _turn_history(situation: Situation, carry: Carry, turned: Mask) -> None:
    """Moves the years of the rows that turned to where they belong in the new year."""
    years = situation.group.shape.years
    if not years:
        return
    gap = np.where(turned, np.minimum(situation.quarter.year - carry.pool_year, years), 0).astype(np.int64)
    place = np.arange(years) - gap[:, None]
    moved = np.take_along_axis(carry.history, np.maximum(place, 0), axis=1)
    carry.history = np.where(place < 0, 0, moved)
    has_any = carry.history_length > 0
    carry.history_length = np.where(has_any, np.minimum(carry.history_length + gap, years), 0)


def _smoothed(situation: Situation, carry: Carry, shared: Column, rows: Mask, step: int) -> Column:
    """Nothing before the year's last step, then the average of the years."""
    group, years = situation.group, situation.group.shape.years
    carry.history = carry.history.copy()
    carry.history[:, 0] += shared
    carry.history_length = np.where(rows, np.maximum(carry.history_length, 1), carry.history_length)
    if not (situation.quarter.quarter == 4 and step == group.shape.steps - 1):
        return np.zeros_like(shared)
    count = np.where(
        group.years_missing_as_zero[situation.clause], years, np.maximum(carry.history_length, 1)
    )
    return np.asarray(np.where(rows, carry.history.sum(axis=1) // count, 0))


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
    credit(carry, group.recover_slot[clause], taken * units.ratio)
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
    credit(carry, party, given)
    credit(carry, guarantor, -given)


def _share_out(
    situation: Situation, units: Units, carry: Carry, shared: Column, rows: Mask, step: int
) -> None:
    group = situation.group
    pool, pool_of_year = carry.pool, carry.pool_of_year
    carry.pool, carry.pool_of_year = pool + shared, pool_of_year + shared
    drawing = Drawing(situation, units, carry, rows, step)
    shared = drawing.of_pool(shared, after_caps=False)
    for cap in range(group.shape.caps):
        if group.cap_on_pool[:, cap].any():
            shared = _cut_pool(situation, units, carry, shared, cap)
    shared = drawing.of_pool(shared, after_caps=True)
    if group.shape.bands:
        parts = _banded(situation, units, _so_far(situation, pool, pool_of_year), shared, step)
    else:
        parts = shared[:, None] * weights(situation, units, step)
    drawing.of_payers(parts, after_caps=False)
    for cap in range(group.shape.caps):
        if not group.cap_on_pool[:, cap].all():
            _cut_receipts(situation, units, carry, parts, cap)
    drawing.of_payers(parts, after_caps=True)
    carry.change += parts


def _so_far(situation: Situation, pool: Column, pool_of_year: Column) -> Column:
    """What was shared before the step in the time over which the bands count."""
    period = situation.group.band_period[situation.clause]
    of_year = np.where(period == BAND_PERIOD_CODE[BandPeriod.YEAR], pool_of_year, 0)
    return np.asarray(np.where(period == BAND_PERIOD_CODE[BandPeriod.LIFETIME], pool, of_year))


def _banded(situation: Situation, units: Units, before: Column, shared: Column, step: int) -> Column:
    """Each band's shares of as much of what is ``shared`` as falls into it, by row and slot."""
    group, clause = situation.group, situation.clause
    share = group.share[step][clause] * (units.ratio // group.share_denominator[clause])[:, None, None]
    limits = group.band_above_minor[clause] * units.inner[:, None]
    parts: Column = np.zeros_like(share[:, 0])
    for band in range(group.shape.bands):
        ends = limits[:, band : band + 2]
        within = _in_band(ends, before + shared, band) - _in_band(ends, before, band)
        parts = parts + within[:, None] * share[:, band]
    return parts


def _in_band(ends: Column, amount: Column, band: int) -> Column:
    """How far ``amount`` reaches into the band from ``ends[:, 0]`` to ``ends[:, 1]``, if it ends at all."""
    above = amount if band == 0 else np.maximum(0, amount - ends[:, 0])
    return np.asarray(above if ends.shape[1] == 1 else np.minimum(above, ends[:, 1] - ends[:, 0]))


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
    before = _use_before(situation, carry, added, cap)
    after = before + added
    carry.used[:, cap] += added
    cut = added - (np.minimum(limit, after) - np.minimum(limit, before))
    slot = situation.group.excess_slot[situation.clause, cap]
    credit(carry, slot, np.where(slot == NONE, 0, cut))
    return np.asarray(cut)


def _use_before(situation: Situation, carry: Carry, added: Column, cap: int) -> Column:
    """What counts against the cap when a row's turn comes: its own use, or that of all its fellows so far."""
    group, clause, fellows = situation.group, situation.clause, situation.fellows
    used = carry.used[:, cap].copy()
    if fellows is None:
        return used
    is_of_another_year = group.cap_yearly[clause, cap] & (carry.year != situation.quarter.year)
    so_far = fellows.together(np.where(is_of_another_year, 0, used)) + fellows.before(added)
    return np.asarray(np.where(group.cap_joint[clause, cap], so_far, used))
