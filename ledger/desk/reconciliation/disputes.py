"""What two sides do about lines that differ: the steps, who may take which when, and whose turn it is.

Pure. An *item* is about some lines; everything done about it is a step, and its standing follows from the
steps. A side makes an *offer*, a reason or a figure, and the other side accepts it; or the arbiter decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ledger.desk.reconciliation.failures import (
    ArbiterMissing,
    NotYourTurn,
    OfferOvertaken,
    RoleOutsideComparison,
    StepOutOfState,
)
from ledger.desk.reconciliation.ladder import Outcome


class StepKind(StrEnum):
    EXPLANATION = "explanation"
    """A side offers a reason for the difference."""
    PROPOSAL = "proposal"
    """A side offers a figure."""
    ACCEPTANCE = "acceptance"
    """The other side accepts the offer that stands."""
    WITHHOLDING = "withholding"
    RELEASE = "release"
    DISPUTE = "dispute"
    MESSAGE = "message"
    ESCALATION = "escalation"
    ARBITRATION = "arbitration"


class State(StrEnum):
    FREE = "free"
    """Nothing is decided about the lines: they are what comparing them gives."""
    SUGGESTED = "suggested"
    """A side offered a reason; the lines stay what comparing them gives until the other confirms."""
    WITHHELD = "withheld"
    DISPUTED = "disputed"
    ESCALATED = "escalated"
    """The dispute lies with the arbiter; the sides may still agree."""
    EXPLAINED = "explained"
    AGREED = "agreed"
    ARBITRATED = "arbitrated"

    @property
    def is_end(self) -> bool:
        """Whether nothing more can be done, short of a return that changes the figures."""
        return self in _ENDS


_ENDS = frozenset({State.EXPLAINED, State.AGREED, State.ARBITRATED})
_ALIVE = frozenset(State) - _ENDS

OUTCOMES: dict[State, Outcome | None] = {
    State.FREE: None,
    State.SUGGESTED: None,
    State.WITHHELD: Outcome.WITHHELD,
    State.DISPUTED: Outcome.IN_DISPUTE,
    State.ESCALATED: Outcome.IN_DISPUTE,
    State.EXPLAINED: Outcome.EXPLAINED,
    State.AGREED: Outcome.AGREED,
    State.ARBITRATED: Outcome.ARBITRATED,
}
"""What the lines of an item in each state are; None: what comparing them gives."""

POSSIBLE_IN: dict[StepKind, frozenset[State]] = {
    StepKind.EXPLANATION: _ALIVE,
    StepKind.PROPOSAL: frozenset({State.DISPUTED, State.ESCALATED}),
    StepKind.ACCEPTANCE: _ALIVE - {State.FREE},
    StepKind.WITHHOLDING: frozenset({State.FREE, State.SUGGESTED}),
    StepKind.RELEASE: frozenset({State.WITHHELD}),
    StepKind.DISPUTE: frozenset({State.FREE, State.SUGGESTED, State.WITHHELD}),
    StepKind.MESSAGE: _ALIVE,
    StepKind.ESCALATION: frozenset({State.DISPUTED}),
    StepKind.ARBITRATION: frozenset({State.ESCALATED}),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done. ``reason`` and ``amount_minor`` are offers or the arbiter's figure; ``offer`` is the
    number of the step that is accepted; ``text`` is a message, a note or the arbiter's reasons."""

    kind: StepKind
    role: str
    person: str
    at: datetime
    reason: str | None = None
    amount_minor: int | None = None
    offer: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What stands for acceptance: the number of its step, whose it is, and the reason or the figure."""

    step: int
    role: str
    reason: str | None
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an item stands after some steps; ``owner`` is the role whose turn it is, None at the end."""

    record: str
    against: str
    arbiter: str | None
    state: State = State.FREE
    offer: Offer | None = None
    step_count: int = 0
    withheld_by: str | None = None
    spoke_last: str | None = None
    """The side that took the last step; a message of the arbiter leaves it."""

    @property
    def owner(self) -> str | None:
        if self.state is State.FREE or self.state.is_end:
            return None
        if self.state is State.ESCALATED:
            return self.arbiter
        if self.state is State.WITHHELD and self.offer is None:
            return self.withheld_by
        return self.other(self.spoke_last or self.record)

    @property
    def sides(self) -> tuple[str, str]:
        return self.record, self.against

    def other(self, role: str) -> str:
        return self.against if role == self.record else self.record


def standing_of(steps: Sequence[Step], record: str, against: str, arbiter: str | None) -> Standing:
    """The standing after ``steps`` that were each possible when they were taken."""
    standing = Standing(record, against, arbiter)
    for step in steps:
        standing = after(standing, step)
    return standing


def take(standing: Standing, step: Step) -> Standing:
    """The standing after a step. Raises the failure that says why the step isn't possible."""
    _refuse_role(standing, step)
    if standing.state not in POSSIBLE_IN[step.kind]:
        raise StepOutOfState(step=step.kind.value, state=standing.state.value)
    if step.kind is StepKind.ESCALATION and standing.arbiter is None:
        raise ArbiterMissing()
    if step.kind is StepKind.RELEASE and step.role != standing.withheld_by:
        raise NotYourTurn(role=step.role, expected=standing.withheld_by)
    if step.kind is StepKind.ACCEPTANCE:
        _refuse_acceptance(standing, step)
    return after(standing, step)


def after(standing: Standing, step: Step) -> Standing:
    """The standing after a step that is possible."""
    number = standing.step_count + 1
    speaker = step.role if step.role in standing.sides else standing.spoke_last
    moved = replace(standing, step_count=number, spoke_last=speaker)
    offer = Offer(number, step.role, step.reason, step.amount_minor)
    match step.kind:
        case StepKind.EXPLANATION:
            state = State.SUGGESTED if standing.state is State.FREE else standing.state
            return replace(moved, state=state, offer=offer)
        case StepKind.PROPOSAL:
            return replace(moved, offer=offer)
        case StepKind.ACCEPTANCE:
            is_figure = standing.offer is not None and standing.offer.reason is None
            return replace(moved, state=State.AGREED if is_figure else State.EXPLAINED)
        case StepKind.WITHHOLDING:
            return replace(moved, state=State.WITHHELD, offer=None, withheld_by=step.role)
        case StepKind.RELEASE:
            return replace(moved, state=State.FREE, offer=None)
        case StepKind.DISPUTE:
            return replace(moved, state=State.DISPUTED, offer=None)
        case StepKind.MESSAGE:
            return moved
        case StepKind.ESCALATION:
            return replace(moved, state=State.ESCALATED)
        case StepKind.ARBITRATION:
            return replace(moved, state=State.ARBITRATED, offer=offer)


def _refuse_role(standing: Standing, step: Step) -> None:
    """The sides take every step but the arbitration, which is the arbiter's; the arbiter may also write."""
    allowed: tuple[str | None, ...] = standing.sides
    if step.kind is StepKind.ARBITRATION:
        allowed = (standing.arbiter,)
    elif step.kind is StepKind.MESSAGE and standing.state is State.ESCALATED:
        allowed = (*standing.sides, standing.arbiter)
    if step.role not in allowed:
        listed = ", ".join(role for role in allowed if role is not None)
        raise RoleOutsideComparison(role=step.role, roles=listed or "—")


def _refuse_acceptance(standing: Standing, step: Step) -> None:
    offer = standing.offer
    if offer is None or offer.step != step.offer:
        raise OfferOvertaken(offer=step.offer, standing="—" if offer is None else offer.step)
    if step.role == offer.role:
        raise NotYourTurn(role=step.role, expected=standing.other(offer.role))
