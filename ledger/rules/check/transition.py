"""What an amendment must leave as it was so that open windows can keep their terms."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.rules.check.faults import fault
from ledger.rules.facts import Fault
from ledger.rules.terms import Clause, Grain, Scope


def transition_faults(path: str, clause: Clause, before: Clause) -> Iterator[Fault]:
    """Of a clause whose windows may be open when ``clause`` takes the place of ``before``."""
    if before.when.window is None:
        return
    for name, is_changed in _changes(clause, before):
        if is_changed:
            yield fault(f"{path}.{name}", "TRANSITION_CHANGES", number=clause.number, name=name)
    for name in sorted({*_joint(clause), *_joint(before)}):
        yield fault(f"{path}.{name}", "TRANSITION_JOINT", number=clause.number, name=name)


def _changes(clause: Clause, before: Clause) -> Iterator[tuple[str, bool]]:
    """What both wordings need at once: the returns, the fund, and a place for everything that is carried."""
    yield "what.reported_by", clause.what.reported_by != before.what.reported_by
    yield "then.routing", _fund(clause) != _fund(before)
    yield "within.caps", len(clause.within.caps) < len(before.within.caps)
    yield "within.budget", (clause.within.budget is None) != (before.within.budget is None)
    yield "how_much.smoothing", _years(clause) < _years(before)


def _joint(clause: Clause) -> Iterator[str]:
    """What adds up subjects of which some would be under one wording and some under another."""
    if clause.whose.scope is not Scope.LISTED_ENTERPRISES:
        return
    if clause.rounding.grain is Grain.CLAUSE:
        yield "rounding.grain"
    if clause.within.budget is not None:
        yield "within.budget"
    if any(cap.per == "controller" for cap in clause.within.caps):
        yield "within.caps"


def _fund(clause: Clause) -> str | None:
    return None if clause.then.routing is None else clause.then.routing.to


def _years(clause: Clause) -> int:
    return 0 if clause.how_much.smoothing is None else clause.how_much.smoothing.years
