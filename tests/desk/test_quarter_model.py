"""A quarter's whole way on random acts, with a plain model beside the system that knows none of its tables.

Every act must come out as the model says: done, or refused with that code. After every act the system stands
where the model stands, and at the end every answer that was ever true is still told for its moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from signing_room import REOPENED_BY, SIGNED_BY, SigningRoom, open_signing_room
from sqlalchemy import func, select

from ledger.desk import history
from ledger.errors import LedgerError
from ledger.money import format_amount
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from tests.long_runs import examples

FIRST = Quarter(2024, 1)
CODES = count(1)
ROLES = st.sampled_from(REOPENED_BY)
PLACES = st.integers(0, 30)
HALVES_MINOR = st.integers(0, 3)
"""What the origin gets; the return says twice as much."""


@dataclass(frozen=True)
class World:
    """What a settlement rests on: the return of each quarter, the settlement before, and the one reopened."""

    returns: tuple[tuple[Quarter, int], ...]
    previous: int | None
    reopened: int | None


@dataclass
class Settled:
    """A settlement of the model; ``halves`` is what it gives the origin by quarter."""

    settlement_id: int
    quarter: Quarter
    world: World
    halves: dict[Quarter, int]
    is_proposed: bool = False
    signed: set[str] = field(default_factory=set)
    closing: str | None = None


@dataclass
class Model:
    """The open quarter, the current returns, the quarters that returns were booked in, and settlements."""

    open_quarter: Quarter = FIRST
    filings: dict[Quarter, int] = field(default_factory=dict)
    halves: dict[Quarter, int] = field(default_factory=dict)
    booked: set[Quarter] = field(default_factory=set)
    settled: list[Settled] = field(default_factory=list)
    requests: dict[int, list[set[str]]] = field(default_factory=dict)
    """By settlement, who signed each request."""

    @property
    def last_closed(self) -> Settled | None:
        closed = [one for one in self.settled if one.closing == "closed"]
        return max(closed, key=lambda one: one.quarter, default=None)

    @property
    def world(self) -> World:
        last = self.last_closed
        reopened = [
            one.settlement_id
            for one in self.settled
            if one.closing == "reopened" and one.quarter == self.open_quarter
        ]
        return World(
            tuple(sorted(self.filings.items())),
            None if last is None else last.settlement_id,
            max(reopened, default=None),
        )

    @property
    def figures(self) -> dict[Quarter, int]:
        """What is booked for the origin by quarter, zeros left out."""
        last = self.last_closed
        return {} if last is None else {quarter: half for quarter, half in last.halves.items() if half}

    def state(self, one: Settled) -> str:
        if one.closing is not None:
            return one.closing
        if self.refusal_of_work(one):
            return "stale"
        if not one.is_proposed:
            return "computed"
        return "signed" if one.signed >= set(SIGNED_BY) else "proposed"

    def refusal_of_work(self, one: Settled) -> str | None:
        """Why a settlement can't be worked on."""
        if one.quarter != self.open_quarter:
            return "QUARTER_NOT_OPEN"
        return None if one.world == self.world else "SETTLEMENT_STALE"

    def refusal_of_signature(self, one: Settled, role: str) -> str | None:
        if refusal := self.refusal_of_work(one):
            return refusal
        if not one.is_proposed:
            return "SETTLEMENT_NOT_PROPOSED"
        if role not in SIGNED_BY:
            return "ROLE_DOES_NOT_SIGN"
        return "ALREADY_SIGNED" if role in one.signed else None

    def refusal_of_close(self, one: Settled) -> str | None:
        if refusal := self.refusal_of_work(one):
            return refusal
        return None if one.signed >= set(SIGNED_BY) else "SIGNATURES_MISSING"

    def refusal_of_reopening(self, quarter: Quarter) -> str | None:
        """Why a quarter can't be reopened."""
        last = self.last_closed
        rests = (
            last is None
            or last.quarter != quarter
            or any(booked > quarter for booked in self.booked)
            or any(one.quarter > quarter for one in self.settled)
        )
        return "QUARTER_NOT_REOPENABLE" if rests else None


class QuarterMachine(RuleBasedStateMachine):
    """Hands in, computes, proposes, signs, closes and reopens."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.room: SigningRoom = open_signing_room(database, code=f"M-{next(CODES)}")
        self.model = Model()
        self.answers: list[tuple[datetime, dict[Quarter, int]]] = []

    # --- acts ---------------------------------------------------------------------------------------------

    @rule(ago=st.integers(0, 1), half=HALVES_MINOR)
    def hand_in(self, ago: int, half: int) -> None:
        model, about = self.model, max(FIRST, self.model.open_quarter.plus(-ago))
        filing = self.room.hand_in(str(about), format_amount(2 * half, 2))
        if model.halves.get(about) != half:
            assert filing.booked_quarter == model.open_quarter
            model.booked.add(model.open_quarter)
        model.filings[about], model.halves[about] = filing.filing_id, half

    @rule()
    def compute(self) -> None:
        model = self.model
        expected = None if model.open_quarter in model.filings else "RETURNS_MISSING"
        made: list[int] = []
        self.attempt(expected, lambda: made.append(self.room.compute(str(model.open_quarter))))
        for settlement_id in made:
            known = [one for one in model.settled if one.world == model.world]
            if known:
                assert settlement_id == known[0].settlement_id
            else:
                halves = dict(model.halves)
                model.settled.append(Settled(settlement_id, model.open_quarter, model.world, halves))

    @precondition(lambda self: self.model.settled)
    @rule(place=PLACES)
    def propose(self, place: int) -> None:
        self.propose_one(self.chosen(place))

    @precondition(lambda self: self.model.settled)
    @rule(place=PLACES, role=ROLES)
    def sign(self, place: int, role: str) -> None:
        self.sign_one(self.chosen(place), role)

    @precondition(lambda self: self.model.settled)
    @rule(place=PLACES)
    def close(self, place: int) -> None:
        self.close_one(self.chosen(place))

    @rule(half=HALVES_MINOR)
    def settle(self, half: int) -> None:
        """All the steps in a row, or random acts would seldom close a quarter."""
        self.hand_in(0, half)
        self.compute()
        (fresh,) = (one for one in self.model.settled if one.world == self.model.world)
        self.propose_one(fresh)
        for role in SIGNED_BY:
            self.sign_one(fresh, role)
        self.close_one(fresh)

    def propose_one(self, one: Settled) -> None:
        if self.attempt(self.model.refusal_of_work(one), lambda: self.room.propose(one.settlement_id)):
            one.is_proposed = True

    def sign_one(self, one: Settled, role: str) -> None:
        content = self.room.content_of(one.settlement_id) if one.is_proposed else b""
        if self.attempt(
            self.model.refusal_of_signature(one, role),
            lambda: self.room.sign_bytes(one.settlement_id, role, content),
        ):
            one.signed.add(role)

    def close_one(self, one: Settled) -> None:
        if self.attempt(
            self.model.refusal_of_close(one), lambda: self.room.close(str(one.quarter), one.settlement_id)
        ):
            one.closing = "closed"
            self.model.open_quarter = one.quarter.next

    @rule(ago=st.integers(0, 2))
    def request(self, ago: int) -> None:
        quarter = self.model.open_quarter.plus(-ago)
        last = self.model.last_closed
        if self.attempt(self.model.refusal_of_reopening(quarter), lambda: self.room.request(str(quarter))):
            assert last is not None
            self.model.requests.setdefault(last.settlement_id, []).append(set())

    @precondition(lambda self: self.model.last_closed)
    @rule(role=ROLES)
    def sign_request(self, role: str) -> None:
        last, requests = self.newest_requests()
        refusal = self.model.refusal_of_reopening(last.quarter)
        if requests and self.attempt(
            refusal or ("ALREADY_SIGNED" if role in requests[-1] else None),
            lambda: self.room.sign_request(str(last.quarter), len(requests), role),
        ):
            requests[-1].add(role)

    @precondition(lambda self: self.model.last_closed)
    @rule()
    def carry_out(self) -> None:
        last, requests = self.newest_requests()
        refusal = self.model.refusal_of_reopening(last.quarter)
        if refusal is None and not requests:
            refusal = "NOT_FOUND"
        elif refusal is None and requests[-1] < set(REOPENED_BY):
            refusal = "SIGNATURES_MISSING"
        if self.attempt(refusal, lambda: self.room.carry_out(str(last.quarter), max(1, len(requests)))):
            last.closing = "reopened"
            self.model.open_quarter = last.quarter

    @rule()
    def reopen(self) -> None:
        """All the steps in a row."""
        self.request(1)
        if self.model.last_closed is not None:
            for role in REOPENED_BY:
                self.sign_request(role)
            self.carry_out()

    def newest_requests(self) -> tuple[Settled, list[set[str]]]:
        last = self.model.last_closed
        assert last is not None
        return last, self.model.requests.get(last.settlement_id, [])

    def chosen(self, place: int) -> Settled:
        """The newest ones come up most."""
        return self.model.settled[-1 - min(place // 8, len(self.model.settled) - 1)]

    def attempt(self, refusal: str | None, act: Callable[[], object]) -> bool:
        """Whether the act was done, which must be as the model says."""
        code = None
        try:
            act()
        except LedgerError as error:
            code = error.code
        assert code == refusal
        return code is None

    # --- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def the_system_stands_where_the_model_stands(self) -> None:
        assert self.room.open_quarter() == str(self.model.open_quarter)
        for one in self.model.settled[-4:]:
            assert self.room.standing(one.settlement_id).state.value == self.model.state(one)
        with self.room.database.reading() as connection:
            moment = connection.execute(select(func.clock_timestamp())).scalar_one()
        assert self.figures(None) == self.model.figures
        self.answers.append((moment, self.model.figures))

    def teardown(self) -> None:
        for known_at, answer in self.answers:
            assert self.figures(known_at) == answer

    def figures(self, known_at: datetime | None) -> dict[Quarter, int]:
        origin = self.room.party_id("origin")
        quarters = range(self.model.open_quarter.ordinal - FIRST.ordinal + 2)
        with self.room.database.reading() as connection:
            found = [
                one
                for place in quarters
                for one in history.figure(
                    connection,
                    self.room.agreement_id,
                    FIRST.plus(place),
                    party_id=origin,
                    known_at=known_at,
                )
            ]
        return {one.quarter: one.amount_minor for one in found}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def test_every_act_on_a_quarter_comes_out_as_a_plain_model_says(database: Database) -> None:
    class OfThisDatabase(QuarterMachine):
        def __init__(self) -> None:
            super().__init__(database)

    # Shrinking plays hundreds of agreements, which takes minutes.
    run_state_machine_as_test(
        OfThisDatabase,
        settings=settings(
            max_examples=examples(4),
            stateful_step_count=25,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
