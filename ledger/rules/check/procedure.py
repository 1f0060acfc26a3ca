"""What can be wrong with a procedure that has the right form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ledger.measures import MEASURE_BY_NAME
from ledger.rules.check.faults import amount_faults, fault
from ledger.rules.facts import Fault
from ledger.rules.procedure import Calendar, Procedure, Reconciliation, Tolerance

_PATH = "$.procedure"


def procedure_faults(procedure: Procedure, roles: Sequence[str]) -> Iterator[Fault]:
    """Every fault, with its path in the terms; ``roles`` are those that the terms define."""
    for role in sorted(procedure.roles.difference(roles)):
        yield fault(_PATH, "ROLE_UNDEFINED", role=role)
    for name in ("certified", "signed_by", "reopened_by"):
        yield from _named_twice(f"{_PATH}.{name}", getattr(procedure, name))
    yield from _named_twice(
        f"{_PATH}.reconciliations", [one.record for one in procedure.reconciliations], at=".record"
    )
    for index, one in enumerate(procedure.reconciliations):
        yield from _reconciliation_faults(f"{_PATH}.reconciliations[{index}]", one)
    if procedure.sealed and procedure.calendar is None:
        yield fault(f"{_PATH}.sealed", "SEALED_WITHOUT_CALENDAR")
    if procedure.calendar is not None:
        yield from _calendar_faults(procedure.calendar)


def _named_twice(path: str, roles: Sequence[str], at: str = "") -> Iterator[Fault]:
    times = Counter(roles)
    for index, role in enumerate(roles):
        if role in roles[:index] and times[role] > 1:
            yield fault(f"{path}[{index}]{at}", "ROLE_TWICE", role=role)


def _reconciliation_faults(path: str, one: Reconciliation) -> Iterator[Fault]:
    if one.record == one.against:
        yield fault(f"{path}.against", "COMPARED_WITH_ITSELF", role=one.record)
    yield from _named_twice(f"{path}.tolerances", [row.measure for row in one.tolerances], at=".measure")
    for index, row in enumerate(one.tolerances):
        yield from _tolerance_faults(f"{path}.tolerances[{index}]", row)


def _tolerance_faults(path: str, row: Tolerance) -> Iterator[Fault]:
    measure = MEASURE_BY_NAME.get(row.measure)
    if measure is None:
        known = ", ".join(sorted(MEASURE_BY_NAME))
        yield fault(f"{path}.measure", "TOLERANCE_OF_UNKNOWN", measure=row.measure, known=known)
    else:
        yield from amount_faults(f"{path}.amount", row.amount, measure.commodity)


def _calendar_faults(calendar: Calendar) -> Iterator[Fault]:
    for (earlier, days), (later, later_days) in pairwise(calendar.steps.items()):
        if later_days < days:
            yield fault(
                f"{_PATH}.calendar.{later}",
                "CALENDAR_BACKWARDS",
                earlier=earlier,
                days=days,
                later=later,
                later_days=later_days,
            )
