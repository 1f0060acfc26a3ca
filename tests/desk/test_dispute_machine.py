"""The dispute machine: whatever two sides and an arbiter do, in whatever order, these laws hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.desk.reconciliation.disputes import (
    OUTCOMES,
    Standing,
    State,
    Step,
    StepKind,
    standing_of,
    take,
)
from ledger.desk.reconciliation.failures import (
    NotYourTurn,
    OfferOvertaken,
    RoleOutsideComparison,
    StepOutOfState,
)
from ledger.errors import LedgerError

NOW = datetime(2024, 4, 1, tzinfo=UTC)
SIDES = ("host", "origin")
ROLES = (*SIDES, "province")
roles = st.sampled_from(ROLES)


def step(kind: StepKind, role: str, *, offer: int | None = None, amount_minor: int | None = None) -> Step:
    reason = "refund" if kind is StepKind.EXPLANATION else None
    return Step(kind, role, "某人", NOW, reason, amount_minor, offer, "说明")


class DisputeMachine(RuleBasedStateMachine):
    """A second account of what is going on: kept simply, as a person would on paper."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing("host", "origin", "province")
        self.steps: list[Step] = []
        self.offer: tuple[int, str, bool] | None = None
        """Step, role, and whether it is a figure."""
        self.kept_out = False
        self.ended = False

    def attempt(self, one: Step) -> bool:
        try:
            self.standing = take(self.standing, one)
        except LedgerError:
            return False
        self.steps.append(one)
        return True

    @rule(role=roles)
    def explain(self, role: str) -> None:
        done = self.attempt(step(StepKind.EXPLANATION, role))
        assert done == (role in SIDES and not self.ended)
        if done:
            self.offer = len(self.steps), role, False

    @rule(role=roles, amount_minor=st.integers(-5, 5))
    def propose(self, role: str, amount_minor: int) -> None:
        in_dispute = self.standing.state in (State.DISPUTED, State.ESCALATED)
        done = self.attempt(step(StepKind.PROPOSAL, role, amount_minor=amount_minor))
        assert done == (role in SIDES and in_dispute)
        if done:
            self.offer = len(self.steps), role, True

    @rule(role=roles, back=st.integers(0, 2))
    def accept(self, role: str, back: int) -> None:
        """The offer that stands, or one of the steps before it."""
        number = (self.offer[0] if self.offer else 1) - back
        stands = self.offer is not None and back == 0 and not self.ended
        done = self.attempt(step(StepKind.ACCEPTANCE, role, offer=number))
        assert done == (stands and role in SIDES and self.offer is not None and role != self.offer[1])
        if done:
            self.ended, self.kept_out = True, False
            assert self.standing.state is (State.AGREED if self.offer and self.offer[2] else State.EXPLAINED)

    @rule(role=roles)
    def withhold(self, role: str) -> None:
        if self.attempt(step(StepKind.WITHHOLDING, role)):
            assert not self.kept_out
            assert not self.ended
            self.kept_out, self.offer = True, None

    @rule(role=roles)
    def release(self, role: str) -> None:
        withheld_by = self.standing.withheld_by if self.standing.state is State.WITHHELD else None
        done = self.attempt(step(StepKind.RELEASE, role))
        assert done == (role == withheld_by)
        if done:
            self.kept_out, self.offer = False, None

    @rule(role=roles)
    def dispute(self, role: str) -> None:
        if self.attempt(step(StepKind.DISPUTE, role)):
            assert role in SIDES
            self.kept_out, self.offer = True, None

    @rule(role=roles)
    def write(self, role: str) -> None:
        before = self.standing
        if self.attempt(step(StepKind.MESSAGE, role)):
            assert role in SIDES or before.state is State.ESCALATED
            assert (self.standing.state, self.standing.offer) == (before.state, before.offer)

    @rule(role=roles)
    def escalate(self, role: str) -> None:
        before = self.standing.state
        assert self.attempt(step(StepKind.ESCALATION, role)) == (role in SIDES and before is State.DISPUTED)

    @rule(role=roles, amount_minor=st.integers(-5, 5))
    def arbitrate(self, role: str, amount_minor: int) -> None:
        before = self.standing.state
        done = self.attempt(step(StepKind.ARBITRATION, role, amount_minor=amount_minor))
        assert done == (role == "province" and before is State.ESCALATED)
        if done:
            self.ended, self.kept_out = True, False
            self.offer = len(self.steps), role, True

    @precondition(lambda self: self.ended)
    @rule(role=roles, kind=st.sampled_from(StepKind))
    def nothing_follows_an_end(self, role: str, kind: StepKind) -> None:
        assert not self.attempt(step(kind, role, offer=1, amount_minor=0))

    @invariant()
    def the_standing_follows_from_the_steps(self) -> None:
        assert standing_of(self.steps, "host", "origin", "province") == self.standing
        assert self.standing.step_count == len(self.steps)

    @invariant()
    def lines_wait_outside_exactly_while_withheld_or_in_dispute(self) -> None:
        assert (self.standing.state in (State.WITHHELD, State.DISPUTED, State.ESCALATED)) == self.kept_out
        assert self.standing.state.is_end == self.ended

    @invariant()
    def somebody_owns_it_exactly_while_it_waits_for_somebody(self) -> None:
        waits = not (self.ended or self.standing.state is State.FREE)
        assert (self.standing.owner is not None) == waits
        if self.standing.state is State.ESCALATED:
            assert self.standing.owner == "province"

    @invariant()
    def the_offer_is_the_last_one_that_nothing_ended(self) -> None:
        offer = self.standing.offer
        assert (None if offer is None else (offer.step, offer.role)) == (self.offer and self.offer[:2])


TestDisputeMachine = DisputeMachine.TestCase


def test_every_state_says_what_its_lines_are() -> None:
    assert set(OUTCOMES) == set(State)


@pytest.mark.parametrize(
    ("steps", "last", "failure"),
    [
        ([], step(StepKind.ACCEPTANCE, "host", offer=1), StepOutOfState),
        ([step(StepKind.DISPUTE, "host")], step(StepKind.ACCEPTANCE, "host", offer=1), OfferOvertaken),
        (
            [step(StepKind.EXPLANATION, "host")],
            step(StepKind.ACCEPTANCE, "host", offer=1),
            NotYourTurn,
        ),
        ([], step(StepKind.DISPUTE, "fund"), RoleOutsideComparison),
    ],
)
def test_a_step_that_is_not_possible_says_why(
    steps: list[Step], last: Step, failure: type[LedgerError]
) -> None:
    with pytest.raises(failure):
        take(standing_of(steps, "host", "origin", "province"), last)
