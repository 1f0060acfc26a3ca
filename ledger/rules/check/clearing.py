"""What clauses about cleared vouchers must look like: they say to whom a payer pays what was decided."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.rules.check.faults import fault
from ledger.rules.facts import Fault
from ledger.rules.terms import Clause, HowMuch, Mechanism, Scope, Step, Terms, Within
from ledger.rules.vouchers import BORNE, cleared_roles


def clearing_faults(terms: Terms) -> Iterator[Fault]:
    """Claims decided every amount, so that a clause neither changes it nor mixes it with other figures.

    Clearing makes the whole return of a role, so that the role reports nothing but vouchers.
    """
    roles = cleared_roles(terms.clauses)
    for index, clause in enumerate(terms.clauses):
        path = f"$.clauses[{index}]"
        measures = {*clause.what.measures, *clause.what.deduct}
        if measures & {*BORNE}:
            for name, is_plain in _parts(clause):
                if not is_plain:
                    yield fault(f"{path}.{name}", "CLEARING_NOT_PLAIN", name=name, number=clause.number)
        elif clause.what.reported_by in roles and clause.what.mechanism is not Mechanism.INNOVATION_VOUCHER:
            yield fault(f"{path}.what.reported_by", "CLEARING_MIXED", role=clause.what.reported_by)


def _parts(clause: Clause) -> Iterator[tuple[str, bool]]:
    yield "what.measures", {*clause.what.measures} <= {*BORNE}
    yield "what.deduct", not clause.what.deduct
    yield "whose.scope", clause.whose.scope is Scope.WHOLE_PARK
    yield "when.step", clause.when.step is Step.QUARTER
    yield "when.window", clause.when.window is None
    yield "how_much", clause.how_much == HowMuch()
    yield "within", clause.within == Within()
