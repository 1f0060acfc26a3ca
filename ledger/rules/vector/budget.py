"""Budgets: what all subjects of a clause may draw together, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ledger.rules.vector.columns import NONE
from ledger.rules.vector.numbers import Column, Int64Column, Mask
from ledger.rules.vector.situation import Carry, Situation, Units, credit


@dataclass(frozen=True, slots=True)
class Drawing:
    """One step's draws on the budgets of the clauses, in the ``rows`` that are shared."""

    situation: Situation
    units: Units
    carry: Carry
    rows: Mask
    step: int

    def of_pool(self, shared: Column, *, after_caps: bool) -> Column:
        """What budgets on everything that is shared leave of ``shared``."""
        concerned = self._concerned(after_caps) & (self._slot == NONE)
        if not concerned.any():
            return shared
        asked = np.where(concerned, shared * self.units.ratio, 0)
        granted = self._granted(asked, concerned)
        slot, to_somebody = self._excess(concerned)
        credit(self.carry, slot, np.where(to_somebody, asked - granted, 0))
        return np.asarray(np.where(concerned, granted // self.units.ratio, shared))

    def of_payers(self, parts: Column, *, after_caps: bool) -> None:
        """Cuts the payers' ``parts`` to what their budgets leave; the excess is another one's part then."""
        concerned = self._concerned(after_caps) & (self._slot != NONE)
        if concerned.any():
            every = np.arange(len(concerned))
            asked = np.where(concerned, parts[every, self._slot], 0)
            excess = asked - self._granted(asked, concerned)
            parts[every, self._slot] -= excess
            slot, to_somebody = self._excess(concerned)
            parts[every, slot] += np.where(to_somebody, excess, 0)

    @property
    def _slot(self) -> Int64Column:
        return self.situation.group.budget_slot[self.situation.clause]

    def _concerned(self, after_caps: bool) -> Mask:
        group = self.situation.group
        if not group.shape.budgeted:
            return np.zeros_like(self.rows)
        return np.asarray(self.rows & (group.budget_after_caps[self.situation.clause] == after_caps))

    def _excess(self, concerned: Mask) -> tuple[Int64Column, Mask]:
        """Whose the excess is, and where it is anybody's."""
        slot = self.situation.group.budget_excess_slot[self.situation.clause]
        return slot, np.asarray(concerned & (slot != NONE))

    def _granted(self, asked: Column, concerned: Mask) -> Column:
        """What the budgets leave of what is ``asked``, in outer units; counts it."""
        group, clause, carry = self.situation.group, self.situation.clause, self.carry
        quarter, everybody = self.situation.quarter, self.situation.everybody
        if everybody is None:
            return asked
        period = np.where(group.budget_yearly[clause], quarter.year, quarter.ordinal)
        used = np.where(carry.budget_period == period, carry.budget_used, 0)
        limit = group.budget_minor[self.step][clause] * self.units.outer
        drawn = everybody.together(used)
        in_order = _change(limit, drawn + everybody.before(asked), asked)
        granted = np.where(group.budget_pro_rata[clause], asked, in_order)
        total = everybody.together(asked)
        whole = _change(limit, drawn, total)
        short = group.budget_pro_rata[clause] & concerned & (whole != total)
        for index in np.unique(clause[short]).tolist():
            begin, end = np.searchsorted(clause, [index, index + 1])
            of_clause = begin + np.flatnonzero(asked[begin:end])
            outer = int(self.units.outer[of_clause[0]])
            granted[of_clause] = _in_proportion(asked[of_clause], int(whole[of_clause[0]]), outer)
        carry.budget_used = np.where(concerned, used + asked, carry.budget_used)
        carry.budget_period = np.where(concerned, period, carry.budget_period)
        return granted


def _change(limit: Column, before: Column, added: Column) -> Column:
    """By how much what is below the limit grows."""
    return np.asarray(np.minimum(limit, before + added) - np.minimum(limit, before))


def _in_proportion(asked: Column, whole: int, outer: int) -> Column:
    """``whole`` by one factor: running totals rounded down to the minor unit, the last one exact."""
    running = np.cumsum(asked.astype(object))
    upto = running * whole // (running[-1] * outer) * outer
    upto[-1] = whole
    return np.asarray(np.diff(upto, prepend=0))
