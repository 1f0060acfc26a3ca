"""The rules of a quarter as columns: everything that it needs of many clauses, by clause row.

Clauses of one shape (step, number of entitlements, surplus, recovery, floor, caps, grain) form a group, whose
columns are computed together; within a group the differences between clauses are values in columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.terms import BandPeriod, Clause, Grain, Loss, Scope, Step, WithinYear
from ledger.rules.vector.columns import FIXED_COLUMNS, EntitlementKeys
from ledger.rules.vector.numbers import Int64Column, Mask

STEP_MONTHS: Final = {Step.MONTH: 1, Step.QUARTER: 3}
WITHIN_YEAR_CODE: Final = {choice: code for code, choice in enumerate(WithinYear)}
BAND_PERIOD_CODE: Final = {choice: code for code, choice in enumerate(BandPeriod)}
LOSS_CODE: Final = {choice: code for code, choice in enumerate(Loss)}


@dataclass(frozen=True)
class ClauseInForce:
    """A clause that is in force for the quarter, and the id of its agreement.

    ``earlier_keys`` are the entitlements that the clause's carried state has (``State.keys``);
    ``occurrences`` is what has happened to the agreement (``Facts.occurrences``).
    """

    agreement: int
    clause: Clause
    earlier_keys: EntitlementKeys = ()
    occurrences: Mapping[str, date] = field(default_factory=dict)

    @cached_property
    def keys(self) -> EntitlementKeys:
        """Every (book, role) with an entitlement: the clause's own, then those of earlier versions only."""
        own = self.clause.entitlement_keys
        return own + tuple(key for key in self.earlier_keys if key not in own)


@dataclass(frozen=True, slots=True)
class Refused:
    """A clause that arrays can't compute exactly, and why. It isn't computed at all."""

    agreement: int
    clause: int
    reason_en: str
    reason_zh: str


class ClauseRefused(LedgerError):
    """A clause outside what the vectorised evaluator computes exactly."""

    code = "CLAUSE_REFUSED"
    sentence_en = (
        "Clause {clause} of agreement {agreement} can't be computed in bulk: {reason_en}. "
        "Please correct the clause."
    )
    sentence_zh = "协议 {agreement} 第 {clause} 条无法批量计算：{reason_zh}。请修改该条款。"


@dataclass(frozen=True, slots=True, eq=False)
class WindowColumns:
    """Windows by clause: months are counted from 1970-01; ``event`` is ``NONE`` for a day that is known.

    The first month is the clock's, put back to a multiple of ``aligned_months``, plus ``later_months``.
    """

    present: Mask
    clock_month: Int64Column
    event: Int64Column
    offset_months: Int64Column
    aligned_months: Int64Column
    later_months: Int64Column
    by_first_shared: Mask
    length_months: Int64Column
    extension_months: Int64Column
    holds: Mask
    ends_at: Mask


@dataclass(frozen=True, slots=True)
class Shape:
    """What clauses of a group have in common."""

    step_months: int
    slots: int
    official: bool
    surplus: bool
    recovers: bool
    floored: bool
    caps: int
    grain: Grain
    joint: bool = False
    """Whether subjects use a cap or a budget together, so that its clause's rows stay together."""
    budgeted: bool = False
    tiers: int = 0
    """Rows of keys by elapsed time; 0 where keys are by date."""
    apportioned: bool = False
    own_rated: bool = False
    years: int = 0
    """How many years are averaged; 0 without smoothing."""
    bands: int = 0
    """Bands by amount; 0 where shares don't depend on it. The tiers of ``Group.share`` are the bands."""

    @property
    def steps(self) -> int:
        """Steps in a quarter."""
        return 3 // self.step_months

    @property
    def before_uses(self) -> int:
        """How many counters stand before the uses of caps."""
        return 3 * self.recovers + 4 * self.floored + 2 * self.budgeted

    @property
    def before_years(self) -> int:
        """How many counters stand before the number of years in the history."""
        return self.before_uses + self.caps

    @property
    def counters(self) -> int:
        """How many counters the clauses carry, after their entitlements."""
        return self.before_years + (1 + self.years if self.years else 0)

    @property
    def width(self) -> int:
        """Columns of packed state."""
        return FIXED_COLUMNS + 2 * (self.slots + self.counters)

    @property
    def credited_from(self) -> int:
        """The first slot that isn't of the official book."""
        return int(self.official)


@dataclass(frozen=True, eq=False)
class Group:
    """The rule columns of the clauses of one shape; ``first_row`` is the rules' row of the first of them.

    ``share`` is [step of the quarter, clause, tier, slot]: numerators over ``share_denominator``; a key by
    date has one tier. ``tier_months`` is [clause, tier]: how many months after the window's first day it
    begins to hold. Slots are indexes into the clause's entitlement keys, ``NONE`` where there is no such
    role. ``missing_year`` is [step, clause, tier]: the year whose factors are needed but missing, else 0.
    ``own_rate`` is [step, clause, tier]: what own rates leave, as a numerator over ``own_rate_denominator``.
    ``fineness`` is what averages and own rates divide the surplus by. ``band_above_minor`` is [clause, band].
    ``rated`` clauses have rates by attribute, over ``rate_denominator``. ``input_minor`` is [step of the
    quarter, clause]: the inputs to be recovered that have begun. The return of a step is
    ``return_numerator`` / ``return_denominator``. What is of caps is [clause, cap].
    ``budget_minor`` is [step, clause], ``budget_slot`` the payer's, ``NONE`` for a budget on everything that
    is shared. Amounts are minor units.
    """

    shape: Shape
    first_row: int
    clauses: tuple[ClauseInForce, ...]
    kept_denominator: Int64Column
    rate_denominator: Int64Column
    rated: Mask
    attributed: Mask
    inner_denominator: Int64Column
    share_denominator: Int64Column
    denominator: Int64Column
    share: npt.NDArray[np.int64]
    tier_months: Int64Column
    missing_year: npt.NDArray[np.int64]
    own_rate: npt.NDArray[np.int64]
    own_rate_denominator: Int64Column
    has_key: npt.NDArray[np.bool_]
    fineness: Int64Column
    years_missing_as_zero: Mask
    band_above_minor: Int64Column
    band_period: Int64Column
    whole_park: Mask
    proportional: Mask
    otherwise_slot: Int64Column
    remainder_slot: Int64Column
    mode: Int64Column
    window: WindowColumns
    surplus_base_minor: npt.NDArray[np.int64]
    base_of_enterprise: Mask
    within_year: Int64Column
    loss: Int64Column
    recover_slot: Int64Column
    input_minor: npt.NDArray[np.int64]
    return_numerator: Int64Column
    return_denominator: Int64Column
    floor_slot: Int64Column
    guarantor_slot: Int64Column
    floor_minor: Int64Column
    tops_up: Mask
    carries_shortfall: Mask
    floor_window: WindowColumns
    cap_minor: npt.NDArray[np.int64]
    cap_is_pre_move_tax: npt.NDArray[np.bool_]
    cap_on_pool: npt.NDArray[np.bool_]
    cap_yearly: npt.NDArray[np.bool_]
    cap_joint: npt.NDArray[np.bool_]
    cap_carries: npt.NDArray[np.bool_]
    capped_slot: npt.NDArray[np.int64]
    excess_slot: npt.NDArray[np.int64]
    budget_minor: npt.NDArray[np.int64]
    budget_slot: Int64Column
    budget_excess_slot: Int64Column
    budget_yearly: Mask
    budget_after_caps: Mask
    budget_pro_rata: Mask
    tax_average_minor: Int64Column
    cause_code: Int64Column
    referrer: tuple[str | None, ...]
    routed: Mask
    routed_numerator: Int64Column
    routed_denominator: Int64Column
    routing_window: WindowColumns

    def __len__(self) -> int:
        return len(self.clauses)


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """Which figures feed which clauses: rows in order of (agreement, measure).

    ``factor`` is [row, step of the quarter]: the kept part as a numerator over the clause's kept denominator,
    negative where the measure is deducted.
    """

    agreement: Int64Column
    measure_id: Int64Column
    row: Int64Column
    factor: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rules:
    """The clauses in force for one quarter. A clause's row is its place in ``clauses``."""

    quarter: Quarter
    clauses: tuple[ClauseInForce, ...]
    groups: tuple[Group, ...]
    uses: Uses
    refused: tuple[Refused, ...]

    def keys(self, row: int) -> EntitlementKeys:
        """The (book, role) of each slot of the clause at ``row``."""
        return self.clauses[row].keys

    @cached_property
    def agreement(self) -> Int64Column:
        return np.array([item.agreement for item in self.clauses], np.int64)

    @cached_property
    def clause_number(self) -> Int64Column:
        return np.array([item.clause.number for item in self.clauses], np.int64)

    @cached_property
    def step_months(self) -> Int64Column:
        return np.array([STEP_MONTHS[item.clause.when.step] for item in self.clauses], np.int64)

    @cached_property
    def whole_park(self) -> Mask:
        return np.array([item.clause.whose.scope is Scope.WHOLE_PARK for item in self.clauses], np.bool_)


def month_of(day: date) -> int:
    """Months since 1970-01."""
    return (day.year - 1970) * 12 + day.month - 1
