"""What the steps of a quarter work on: the rules and subjects of a chunk's rows, and their running state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.periods import Quarter
from ledger.rules.vector.attributes import Windows, tiers
from ledger.rules.vector.compiled import Group, month_of
from ledger.rules.vector.joint import Fellows
from ledger.rules.vector.numbers import Column, Int64Column, Mask

UNDECIDED: Final = -1
"""The code of an extension that isn't decided yet."""


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
    """What clauses and subjects say for the quarter, by row of the chunk; amounts in minor units.

    ``fellows`` use caps together, ``everybody`` of a clause its budget; None where no clause of the group has
    such a cap or budget.
    """

    group: Group
    clause: Int64Column
    quarter: Quarter
    window: Windows
    floor_window: Windows
    fellows: Fellows | None
    everybody: Fellows | None
    is_eligible: Mask
    cap_minor: Column
    base_minor: Column
    held: Int64Column
    first_step: npt.NDArray[np.int8]

    def month(self, step: int) -> int:
        """The month with which the step begins, counted from 1970-01."""
        return month_of(self.quarter.start) + step * self.group.shape.step_months

    def tier(self, step: int) -> Int64Column:
        return tiers(self.group, self.clause, self.window, self.month(step))


@dataclass(slots=True)
class Carry:
    """The running state of the rows. ``used``, by cap, ``change``, by slot, ``budget_used`` and what
    is of the floor are in outer units.

    ``first_shared`` is a month as state stores it: year × 12 + month − 1, or 0.
    """

    year: Int64Column
    steps_counted: Int64Column
    extended: Int64Column
    to_date: Column
    recognised: Column
    loss: Column
    threshold: Column
    pool: Column
    pool_year: Int64Column
    pool_of_year: Column
    used: Column
    change: Column
    history: Column
    history_length: Int64Column
    first_shared: Int64Column
    recovered: Column
    accrued: Column
    floor_year: Int64Column
    floor_receipts: Column
    guarantor_receipts: Column
    budget_period: Int64Column
    budget_used: Column
    shortfall: Column


def credit(carry: Carry, slot: Int64Column, amount: Column) -> None:
    """Gives each row's slot its amount, in outer units."""
    carry.change[np.arange(len(slot)), slot] += amount
