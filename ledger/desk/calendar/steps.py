"""The steps of one quarter, role by role: done, to be done, or held up by whom. Nothing is read here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from ledger.desk.agreements import Agreement
from ledger.periods import Quarter, day_of
from ledger.rules.procedure import CalendarStep, Procedure
from ledger.rules.terms import Mechanism, Terms
from ledger.rules.vouchers import cleared_roles


class StepState(StrEnum):
    DONE = "done"
    TO_DO = "to_do"
    WAITING = "waiting"
    """Others have to act first."""


@dataclass(frozen=True, slots=True)
class Completion:
    """When a role had done a step, and who did it, where a name was given."""

    at: datetime
    person: str | None = None


class Holder(NamedTuple):
    """A step that a role has to do before others can go on."""

    step: CalendarStep
    role: str


@dataclass(frozen=True, slots=True)
class RoleStep:
    """A step of one role. ``late_days``: from its day to when it was done, or to today; 0 in time."""

    step: CalendarStep
    role: str
    due: date
    state: StepState
    late_days: int
    completion: Completion | None = None
    held_up_by: Sequence[Holder] = ()

    @property
    def holders(self) -> Sequence[Holder]:
        """Who has to act before this step is done."""
        match self.state:
            case StepState.TO_DO:
                return [Holder(self.step, self.role)]
            case StepState.WAITING:
                return self.held_up_by
            case _:
                return []


@dataclass(frozen=True, slots=True)
class QuarterFacts:
    """What is known of one quarter of an agreement.

    ``done`` tells of each step which roles have done it; ``committed`` are the roles whose figures
    are sealed.
    """

    agreement: Agreement
    quarter: Quarter
    terms: Terms
    done: Mapping[CalendarStep, Mapping[str, Completion]]
    committed: frozenset[str] = field(default_factory=frozenset)

    @property
    def procedure(self) -> Procedure:
        return self.terms.procedure or Procedure()

    def responsible(self, step: CalendarStep) -> frozenset[str]:
        """The roles that have to do the step."""
        procedure = self.procedure
        match step:
            case "submit":
                return self.terms.reporting_roles
            case "certify":
                return self.terms.reporting_roles.intersection(procedure.certified)
            case "reconcile":
                return frozenset(
                    role for one in procedure.reconciliations for role in (one.record, one.against)
                )
            case "sign":
                return frozenset(procedure.signed_by or self._signing)
            case "fund" | "second_fund":
                return frozenset(_payers(self.terms))

    @property
    def _signing(self) -> list[str]:
        return [side.role for side in self.agreement.parties if side.signs]


def role_steps(facts: QuarterFacts, today: date) -> list[RoleStep]:
    """Every step of every role, in order; none where the terms have no calendar."""
    calendar = facts.procedure.calendar
    if calendar is None:
        return []
    found: list[RoleStep] = []
    for step, due in calendar.due_days(facts.quarter).items():
        roles = sorted(facts.responsible(step))
        found += [_role_step(facts, step, role, due, today, tuple(found)) for role in roles]
    return found


def _role_step(
    facts: QuarterFacts, step: CalendarStep, role: str, due: date, today: date, before: Sequence[RoleStep]
) -> RoleStep:
    completion = facts.done[step].get(role)
    if completion is not None:
        late_days = max(0, (day_of(completion.at) - due).days)
        return RoleStep(step, role, due, StepState.DONE, late_days, completion)
    if step == "submit":
        held_up_by = _not_committed(facts, role, due, today)
    else:
        held_up_by = _in_order(
            holder
            for one in before
            if step != "certify" or (one.step, one.role) == ("submit", role)
            for holder in one.holders
        )
    state = StepState.WAITING if held_up_by else StepState.TO_DO
    return RoleStep(step, role, due, state, max(0, (today - due).days), held_up_by=held_up_by)


def _not_committed(facts: QuarterFacts, role: str, due: date, today: date) -> list[Holder]:
    """Until sealed figures open, who has committed waits for those who haven't."""
    if not facts.procedure.sealed or role not in facts.committed or today > due:
        return []
    waiting = facts.terms.reporting_roles.difference(facts.committed, cleared_roles(facts.terms.clauses))
    return [Holder("submit", one) for one in sorted(waiting)]


def _in_order(holders: Iterable[Holder]) -> list[Holder]:
    return list(dict.fromkeys(holders))


def _payers(terms: Terms) -> Iterable[str]:
    for clause in terms.clauses:
        if clause.what.mechanism is not Mechanism.OUTPUT_VALUE:
            yield clause.then.paid_by or clause.to_whom.otherwise
