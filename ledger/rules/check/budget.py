"""What is wrong with a budget: what it can't go with, and rows out of order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ledger.rules.check.faults import fault
from ledger.rules.facts import Fault
from ledger.rules.terms import Budget, Clause, Grain


def budget_faults(path: str, clause: Clause) -> Iterator[Fault]:
    budget = clause.within.budget
    if budget is None:
        return
    for name, is_used in _excluded(clause, budget):
        if is_used:
            yield fault(path, "BUDGET_EXCLUDES", name=name)
    for index, (row, following) in enumerate(pairwise(budget.amounts), start=1):
        if following.starts <= row.starts:
            here = f"{path}.amounts[{index}].starts"
            yield fault(here, "BUDGET_ORDER", got=following.starts, before=row.starts)


def _excluded(clause: Clause, budget: Budget) -> Iterator[tuple[str, bool]]:
    """What leaves open which amount the budget would limit."""
    yield "rounding.grain", clause.rounding.grain is Grain.LINE
    if budget.payer is None:
        on_receipts = any(cap.measured_on == "receipts" for cap in clause.within.caps)
        yield "to_whom.bands", clause.to_whom.bands is not None
        yield "within.caps.measured_on", on_receipts and budget.applied == "after_caps"
