"""Subjects that use one limit together: sums over each row's fellows, who come in order of their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ledger.rules.vector.columns import NONE
from ledger.rules.vector.numbers import Column, Int64Column


@dataclass(frozen=True, slots=True)
class Fellows:
    """The rows of a chunk, group after group; ``begins`` is where each group begins in ``order``."""

    order: Int64Column
    begins: Int64Column

    @classmethod
    def with_one_controller(cls, clause: Int64Column, controller_code: Int64Column) -> Fellows:
        """Rows of one clause with the same controller; a row without a controller stands alone."""
        rows = np.arange(len(clause))
        code = np.where(controller_code == NONE, NONE - 1 - rows, controller_code)
        order = np.lexsort((rows, code, clause))
        is_new = (np.diff(clause[order], prepend=-1) != 0) | (np.diff(code[order], prepend=0) != 0)
        is_new[:1] = True
        return cls(order, np.flatnonzero(is_new))

    @classmethod
    def of_clauses(cls, clause: Int64Column) -> Fellows:
        """All rows of one clause; ``clause`` is in order."""
        return cls(np.arange(len(clause)), np.flatnonzero(np.diff(clause, prepend=-1)))

    def together(self, amount: Column) -> Column:
        """By row the sum over its whole group."""
        return self._by_row(np.repeat(np.add.reduceat(amount[self.order], self.begins), self._sizes))

    def before(self, amount: Column) -> Column:
        """By row the sum over those of its group that come before it."""
        ordered = amount[self.order]
        passed = np.cumsum(ordered) - ordered
        return self._by_row(passed - np.repeat(passed[self.begins], self._sizes))

    @property
    def _sizes(self) -> Int64Column:
        return np.diff(np.append(self.begins, len(self.order)))

    def _by_row(self, ordered: Column) -> Column:
        by_row = np.empty_like(ordered)
        by_row[self.order] = ordered
        return by_row
