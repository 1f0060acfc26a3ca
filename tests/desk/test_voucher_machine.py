"""Vouchers against a small model: whatever is done in whatever order, every sum is what the model says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from voucher_room import (
    DAY,
    HOME,
    PROVIDER_ZONE,
    VoucherRoom,
    budget,
    enterprise_code,
    fen,
    open_voucher_room,
    parts,
    programme_document,
    voucher_clause,
)

from ledger.desk import vouchers
from ledger.desk.vouchers import BudgetShort, VoucherUnusable
from ledger_schema.sessions import Database
from tests.long_runs import examples

QUOTA, HOME_BUDGET, OTHER_BUDGET = 10_000, 25_000, 6_000
SETTINGS = settings(
    max_examples=examples(3),
    stateful_step_count=15,
    deadline=None,
    phases=(Phase.generate,),
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
AMOUNTS = st.integers(1, 9_000)
ENTERPRISES = st.sampled_from((1, 2, 3))


@dataclass
class Issued:
    """A voucher of the model, in fen; ``reserved`` by payer."""

    voucher_id: int
    enterprise: int
    left: int
    reserved: dict[str, int]


@dataclass
class Model:
    vouchers: list[Issued] = field(default_factory=list)
    granted: dict[int, int] = field(default_factory=dict)
    claims: dict[int, list[int]] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=lambda: {HOME: HOME_BUDGET, PROVIDER_ZONE: OTHER_BUDGET})
    used: dict[str, int] = field(default_factory=lambda: {HOME: 0, PROVIDER_ZONE: 0})


def split(amount: int, at: str) -> dict[str, int]:
    """Two thirds and one third, the remainder to home; at home all of it."""
    other = 0 if at == HOME else amount // 3
    return {HOME: amount - other, PROVIDER_ZONE: other}


class Vouchers(RuleBasedStateMachine):
    room: VoucherRoom
    numbers = count(2)

    @initialize()
    def begin(self) -> None:
        self.room.programme = f"P-{next(self.numbers)}"
        budgets = [budget(HOME, yuan(HOME_BUDGET)), budget(PROVIDER_ZONE, yuan(OTHER_BUDGET))]
        database, document = self.room.database, programme_document(budgets=budgets)
        vouchers.register_programme(
            database, self.room.act(), self.room.agreement_id, self.room.programme, document
        )
        vouchers.confirm_programme(database, self.room.act(), self.room.programme, PROVIDER_ZONE)
        self.model = Model()

    @rule(enterprise=ENTERPRISES, amount=AMOUNTS)
    def issue(self, enterprise: int, amount: int) -> None:
        needed = {HOME: amount, PROVIDER_ZONE: -(-amount // 3)}
        is_short = any(needed[role] > self.model.open[role] for role in needed)
        applied = vouchers.apply(
            self.room.database,
            self.room.act(),
            self.room.programme,
            enterprise_code(enterprise),
            amount,
            "检测",
            DAY,
        ).value
        with pytest.raises(BudgetShort) if is_short else nullcontext():
            issued = vouchers.issue(self.room.database, self.room.act(), applied, amount, "张三", DAY).value
            self.model.vouchers.append(Issued(issued, enterprise, amount, needed))
            for role, part in needed.items():
                self.model.open[role] -= part

    @rule(place=st.integers(0, 9), amount=AMOUNTS, at=st.sampled_from((HOME, PROVIDER_ZONE)))
    def redeem(self, place: int, amount: int, at: str) -> None:
        if not self.model.vouchers:
            return
        one = self.model.vouchers[place % len(self.model.vouchers)]
        if not one.left:
            with pytest.raises(VoucherUnusable):
                self.room.order(one.voucher_id, yuan(amount), at=at)
            return
        found = self.room.claim(self.room.order(one.voucher_id, yuan(amount), at=at), yuan(amount))
        room = QUOTA - self.model.granted.get(one.enterprise, 0)
        approved = min(amount, one.left, room)
        borne = {role: min(part, one.reserved[role]) for role, part in split(approved, at).items()}
        assert parts(found) == {role: part for role, part in borne.items() if part}
        total = sum(borne.values())
        one.left -= total
        self.model.granted[one.enterprise] = self.model.granted.get(one.enterprise, 0) + total
        self.model.claims[found.claim_id] = [one.enterprise, total, *borne.values(), 0]
        for role, part in borne.items():
            one.reserved[role] -= part
            self.model.used[role] += part
        if not one.left:
            self.release(one)

    @rule(place=st.integers(0, 9))
    def cancel(self, place: int) -> None:
        ends = [one for one in self.model.vouchers if one.left]
        if ends:
            one = ends[place % len(ends)]
            vouchers.end(self.room.database, self.room.act(), one.voucher_id, "cancelled", "企业退出", DAY)
            one.left = 0
            self.release(one)

    @rule(place=st.integers(0, 9), part=st.integers(1, 3))
    def recover(self, place: int, part: int) -> None:
        kept = {claim: said for claim, said in self.model.claims.items() if said[1] - said[4]}
        if not kept:
            return
        claim_id = sorted(kept)[place % len(kept)]
        said = kept[claim_id]
        amount = max(1, (said[1] - said[4]) // part)
        before = {one.role: one.recovered_minor for one in self.room.claim_now(claim_id).parts}
        self.room.recover(claim_id, yuan(amount))
        after = {one.role: one.recovered_minor for one in self.room.claim_now(claim_id).parts}
        assert sum(after.values()) == said[4] + amount
        for role, recovered in after.items():
            assert recovered >= before[role]
            self.model.used[role] -= recovered - before[role]
            self.model.open[role] += recovered - before[role]
        said[4] += amount
        self.model.granted[said[0]] -= amount

    def release(self, one: Issued) -> None:
        for role, part in one.reserved.items():
            self.model.open[role] += part
            one.reserved[role] = 0

    @invariant()
    def budgets_are_what_the_model_says(self) -> None:
        if not hasattr(self, "model") or not self.room.budgets():
            return
        for role, (open_minor, reserved_minor, used_minor) in self.room.budgets().items():
            reserved = sum(one.reserved[role] for one in self.model.vouchers)
            expected = (self.model.open[role], reserved, self.model.used[role])
            assert (open_minor, reserved_minor, used_minor) == expected

    @invariant()
    def no_quota_is_exceeded(self) -> None:
        if hasattr(self, "model"):
            assert all(granted <= QUOTA for granted in self.model.granted.values())


def yuan(amount_minor: int) -> str:
    text = f"{amount_minor // 100}.{amount_minor % 100:02d}"
    assert fen(text) == amount_minor
    return text


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def test_vouchers_quotas_and_budgets_do_what_the_model_says(database: Database) -> None:
    class OnDatabase(Vouchers):
        pass

    OnDatabase.room = open_voucher_room(database, voucher_clause(cap=yuan(QUOTA)))
    run_state_machine_as_test(OnDatabase, settings=SETTINGS)
