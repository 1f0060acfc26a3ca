"""Legs, payments, waivers, interest and nettings against a model that only adds and subtracts.

Two parties owe each other by two clauses of one agreement. After every step: each leg has open what the model
says, each payment has left what it says, and what the journal made due equals what was paid, netted and
waived, what is open and what is carried.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from desk_fixtures import open_room, text
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from payment_rooms import (
    PROCEDURE,
    RATE,
    confirm,
    every_leg_between,
    owed_by_the_journal,
    pay,
    paying,
    payment_of,
    propose,
    sign_netting,
    waive,
)
from sqlalchemy import func, select

from ledger.desk import payments
from ledger.desk.payments import Leg, MoreThanOpen, MoreThanPaid, NettingStale, NothingToNet, NotLate
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import payable
from tests.long_runs import examples

OTHER = {"origin": "host", "host": "origin"}
AMOUNTS = st.integers(1, 5_000)
DAYS = st.integers(0, 400)
SETTINGS = settings(
    max_examples=examples(3),
    stateful_step_count=14,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Debt:
    """A leg as the model knows it: who pays, and what is left of how much."""

    payer: str
    kind: str
    amount: int
    open: int
    paid: int = 0
    waived: int = 0
    netted: int = 0
    acts: int = 0


@dataclass
class Receipt:
    """A payment as the model knows it."""

    payer: str
    rest: int


@dataclass
class Proposal:
    """A netting that nobody or one party has signed, with how often each leg had been cleared."""

    netting: payments.Netting
    seen: dict[int, int]
    signed: set[str] = field(default_factory=set)


class Payments(RuleBasedStateMachine):
    database: Database
    number = 0

    def __init__(self) -> None:
        super().__init__()
        self.debts: dict[int, Debt] = {}
        self.receipts: dict[int, Receipt] = {}
        self.proposals: list[Proposal] = []
        self.quarter = Quarter(2024, 1)

    @initialize(negative=st.sampled_from(["refund", "carry", "set_off"]))
    def agree(self, negative: str) -> None:
        Payments.number += 1
        clauses = (
            paying(negative=negative, interest=RATE),
            paying(2, payer="origin", measure="vat", negative=negative),
        )
        self.room = open_room(self.database, *clauses, procedure=PROCEDURE, code=f"M-{Payments.number}")

    # --- what can happen ---------------------------------------------------------------------------------

    @rule(tax=st.integers(-2_000, 9_000), rent=st.integers(-2_000, 9_000))
    def settle(self, tax: int, rent: int) -> None:
        quarter = str(self.quarter)
        figures = {("retained_tax", quarter): text(tax), ("vat", quarter): text(rent)}
        self.room.hand_in_figures(quarter, figures)
        self.room.close(quarter, self.room.compute(quarter))
        self.quarter = self.quarter.next
        self.learn()

    @precondition(lambda self: self.debts)
    @rule(data=st.data(), amount=AMOUNTS)
    def pay_by_reference(self, data: st.DataObject, amount: int) -> None:
        leg_id, debt = self.chosen(data)
        purpose = f"PL-{leg_id}"
        paid = pay(self.room, text(amount), payer=debt.payer, purpose=purpose)
        used = min(amount, debt.open)
        self.clear(debt, "paid", used)
        self.receipts[paid] = Receipt(debt.payer, amount - used)

    @rule(payer=st.sampled_from(["origin", "host"]), amount=AMOUNTS)
    def pay_without_saying_for_what(self, payer: str, amount: int) -> None:
        paid = pay(self.room, text(amount), payer=payer)
        self.receipts[paid] = Receipt(payer, amount)

    @precondition(lambda self: self.debts and self.receipts)
    @rule(data=st.data(), amount=AMOUNTS)
    def match(self, data: st.DataObject, amount: int) -> None:
        payment_id = data.draw(st.sampled_from(sorted(self.receipts)))
        receipt = self.receipts[payment_id]
        suited = sorted(one for one, debt in self.debts.items() if debt.payer == receipt.payer)
        if not suited:
            return
        leg_id = data.draw(st.sampled_from(suited))
        debt = self.debts[leg_id]
        refusal = MoreThanPaid if amount > receipt.rest else MoreThanOpen if amount > debt.open else None
        with refused(refusal):
            confirm(self.room, payment_id, (leg_id, text(amount)), party=OTHER[receipt.payer])
        if refusal is None:
            self.clear(debt, "paid", amount)
            receipt.rest -= amount

    @precondition(lambda self: self.debts)
    @rule(data=st.data(), amount=AMOUNTS)
    def give_up(self, data: st.DataObject, amount: int) -> None:
        leg_id, debt = self.chosen(data)
        refusal = MoreThanOpen if amount > debt.open else None
        with refused(refusal):
            waive(self.room, leg_id, text(amount), payee=OTHER[debt.payer], day="2024-04-01")
        if refusal is None:
            self.clear(debt, "waived", amount)

    @precondition(lambda self: self.debts)
    @rule(data=st.data(), days=DAYS)
    def charge(self, data: st.DataObject, days: int) -> None:
        leg_id, debt = self.chosen(data)
        day = date(2024, 4, 30) + timedelta(days=days)
        before = sum(one.amount for one in self.debts.values() if one.kind == "interest")
        try:
            payments.charge_interest(
                self.room.database, self.room.act(), leg_id, self.room.roles[OTHER[debt.payer]], "李四", day
            )
        except NotLate:
            return
        self.learn()
        assert debt.kind != "interest"
        assert sum(one.amount for one in self.debts.values() if one.kind == "interest") > before

    @rule()
    def propose(self) -> None:
        open_by_payer = {
            payer: sum(
                debt.open for debt in self.debts.values() if debt.payer == payer and debt.kind != "interest"
            )
            for payer in OTHER
        }
        if not all(open_by_payer.values()):
            with refused(NothingToNet):
                propose(self.room, day="2024-04-30")
            return
        netting = propose(self.room, day="2024-04-30")
        self.proposals.append(Proposal(netting, {one: self.debts[one].acts for one in netting.leg_ids}))

    @precondition(lambda self: self.proposals)
    @rule(data=st.data(), role=st.sampled_from(["origin", "host"]))
    def sign(self, data: st.DataObject, role: str) -> None:
        proposal = data.draw(st.sampled_from(self.proposals))
        if role in proposal.signed:
            return
        if any(self.debts[one].acts != acts for one, acts in proposal.seen.items()):
            with refused(NettingStale):
                sign_netting(self.room, proposal.netting, role)
            return
        sign_netting(self.room, proposal.netting, role)
        proposal.signed.add(role)
        if proposal.signed == set(OTHER):
            self.proposals.remove(proposal)
            left = dict.fromkeys(OTHER, 0)
            for one in proposal.seen:
                left[self.debts[one].payer] += self.debts[one].open
                self.clear(self.debts[one], "netted", self.debts[one].open)
            known = set(self.debts)
            self.learn()
            raised = [self.debts[one] for one in self.debts.keys() - known]
            expected = {payer: amount - min(left.values()) for payer, amount in left.items()}
            assert {one.payer: one.amount for one in raised} == {
                payer: amount for payer, amount in expected.items() if amount
            }

    # --- what must hold ----------------------------------------------------------------------------------

    @invariant()
    def every_leg_has_open_what_the_model_says(self) -> None:
        found = self.legs() if hasattr(self, "room") else []
        assert {one.leg_id: one.open_minor for one in found} == {
            leg_id: debt.open for leg_id, debt in self.debts.items()
        }

    @invariant()
    def every_payment_has_left_what_the_model_says(self) -> None:
        for payment_id, receipt in self.receipts.items():
            assert payment_of(self.room, payment_id).rest_minor == receipt.rest

    def teardown(self) -> None:
        """What the journal made due, signed by who owes it, is all accounted for."""
        if not self.debts:
            return
        settled = [debt for debt in self.debts.values() if debt.kind == "settlement"]
        accounted = sum(
            signed(debt.payer, debt.paid + debt.netted + debt.waived + debt.open) for debt in settled
        )
        owed = owed_by_the_journal(self.room)
        origin, host = self.room.party_id("origin"), self.room.party_id("host")
        due = owed.get((1, origin), 0) - owed.get((2, host), 0)
        assert due == accounted + self.carried()

    def carried(self) -> int:
        with self.room.database.reading() as connection:
            rows = connection.execute(
                select(payable.c.clause, func.sum(payable.c.carried_minor).label("carried_minor"))
                .where(
                    payable.c.agreement_id == self.room.agreement_id,
                    payable.c.booked_quarter == self.quarter.previous.code,
                )
                .group_by(payable.c.clause)
            ).all()
        return sum(signed("host" if row.clause == 1 else "origin", int(row.carried_minor)) for row in rows)

    # --- the model ---------------------------------------------------------------------------------------

    def legs(self) -> list[Leg]:
        return every_leg_between(self.room)

    def learn(self) -> None:
        """Takes in the legs that were raised; their amounts are checked where they are raised."""
        host = self.room.party_id("host")
        for one in self.legs():
            payer = "host" if one.payer_party_id == host else "origin"
            self.debts.setdefault(one.leg_id, Debt(payer, one.kind, one.amount_minor, one.amount_minor))

    def chosen(self, data: st.DataObject) -> tuple[int, Debt]:
        leg_id = data.draw(st.sampled_from(sorted(self.debts)))
        return leg_id, self.debts[leg_id]

    def clear(self, debt: Debt, how: str, amount: int) -> None:
        if amount:
            debt.open -= amount
            debt.acts += 1
            setattr(debt, how, getattr(debt, how) + amount)


def signed(payer: str, amount: int) -> int:
    """Positive where the host owes it."""
    return amount if payer == "host" else -amount


def refused(kind: type[LedgerError] | None) -> AbstractContextManager[object]:
    """Expects that what is done is refused in this way; None: that it is done."""
    return nullcontext() if kind is None else pytest.raises(kind)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def test_legs_and_payments_do_what_the_model_says(database: Database) -> None:
    class OnDatabase(Payments):
        pass

    OnDatabase.database = database
    run_state_machine_as_test(OnDatabase, settings=SETTINGS)
