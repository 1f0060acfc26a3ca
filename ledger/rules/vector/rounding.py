"""From exact entitlements to whole minor units, at the grain that the clause states.

An exact amount is a pair of columns, whole and remainder over a denominator, [row, slot].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ledger.rules.vector.compiled import Group
from ledger.rules.vector.numbers import Column, Int64Column, carry, divided, exact_sums, rounded


@dataclass(frozen=True, slots=True)
class Exact:
    """Exact amounts by row and slot; the denominator is the row's."""

    whole: Column
    remainder: Column
    denominator: Column

    @classmethod
    def of(cls, numerator: Column, denominator: Column) -> Exact:
        return cls(*divided(numerator, denominator[:, None]), denominator)

    def plus(self, change: Exact) -> Exact:
        """The sum, over the denominator of ``change``, which this one's must divide."""
        finer = (change.denominator // self.denominator)[:, None]
        remainder = self.remainder * finer + change.remainder
        whole, remainder = carry(self.whole + change.whole, remainder, change.denominator[:, None])
        return Exact(whole, remainder, change.denominator)


def whole_amounts(group: Group, clause: Int64Column, exact: Exact) -> Column:
    """Whole minor units by row and slot; in a proportional book they add up to the rounded sum."""
    mode = group.mode[clause]
    amounts = rounded(exact.whole, exact.remainder, exact.denominator[:, None], mode[:, None])
    credited = slice(group.shape.credited_from, None)
    whole, remainder = carry(
        exact.whole[:, credited].sum(axis=1), exact.remainder[:, credited].sum(axis=1), exact.denominator
    )
    left = rounded(whole, remainder, exact.denominator, mode) - amounts[:, credited].sum(axis=1)
    amounts[np.arange(len(clause)), group.remainder_slot[clause]] += np.where(
        group.proportional[clause], left, 0
    )
    return amounts


def clause_totals(group: Group, clause: Int64Column, exact: Exact) -> Column:
    """Whole minor units by clause of the group and slot: every row of a clause added up, then rounded.

    ``clause`` is in order. The sums are wide, so that no number of subjects is too many.
    """
    totals = np.zeros((len(group), group.shape.slots), object)
    denominators = np.ones(len(group), object)
    begins = np.flatnonzero(np.diff(clause, prepend=-1))
    if len(begins):
        present = clause[begins]
        common = np.lcm.reduceat(exact.denominator.astype(object), begins)
        finer = np.repeat(common, np.diff(np.append(begins, len(clause)))) // exact.denominator
        remainder = exact.remainder if (finer == 1).all() else exact.remainder * finer[:, None]
        totals[present] = exact_sums(exact.whole, begins) * common[:, None] + exact_sums(remainder, begins)
        denominators[present] = common
    return whole_amounts(group, np.arange(len(group)), Exact.of(totals, denominators))
