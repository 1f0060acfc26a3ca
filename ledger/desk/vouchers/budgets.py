"""The payers' budgets: what is set aside, used and given back, fen by fen.

A budget's steps say what is left open after each; a reserve is a part of it that one voucher may use. Using
a reserve touches the voucher's own rows alone, so that redemptions don't wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    select,
    true,
)

from ledger.desk.acts import Queue, queue_on_all
from ledger.desk.vouchers.faults import BudgetShort
from ledger.desk.vouchers.programmes import ProgrammeOnDay
from ledger.desk.vouchers.rows import Rows
from ledger.errors import InvariantBroken
from ledger.measures import YUAN
from ledger.money import format_amount, parse_amount
from ledger.periods import Quarter
from ledger.rules.terms import Budget
from ledger_schema.ids import new_id
from ledger_schema.tables import (
    reserve_use,
    voucher_budget,
    voucher_budget_increase,
    voucher_budget_step,
    voucher_reserve,
)


@dataclass
class BudgetAccount:
    """A payer's budget of one period as an act finds it and changes it, in minor units.

    ``amount_minor`` is what the terms gave, ``increased_minor`` what was added to it since.
    """

    budget_id: int
    role: str
    starts: date
    amount_minor: int
    open_minor: int
    sequence: int
    increased_minor: int = 0

    def increase(
        self, rows: Rows, number: int, amount_minor: int, document: str, person: str, day: date
    ) -> None:
        """Adds to it; ``number`` is that of the increase."""
        rows.add(
            voucher_budget_increase,
            budget_id=self.budget_id,
            increase=number,
            amount_minor=amount_minor,
            document=document,
            person=person,
            day=day,
        )
        self.increased_minor += amount_minor
        self._step(rows, -amount_minor, increase=number)

    def set_aside(self, rows: Rows, voucher_id: int, amount_minor: int) -> Reserve:
        """A new reserve for the voucher. Raises ``BudgetShort``."""
        if amount_minor > self.open_minor:
            raise BudgetShort(
                role=self.role,
                starts=self.starts,
                open=format_amount(self.open_minor, YUAN.scale),
                amount=format_amount(amount_minor, YUAN.scale),
            )
        reserve_id = new_id()
        rows.add(
            voucher_reserve,
            reserve_id=reserve_id,
            budget_id=self.budget_id,
            voucher_id=voucher_id,
            amount_minor=amount_minor,
        )
        self._step(rows, amount_minor, reserve_id=reserve_id)
        return Reserve(reserve_id, self.budget_id, self.role, amount_minor, 0)

    def release(self, rows: Rows, reserve: Reserve) -> None:
        """Takes back what is left of a reserve."""
        left_minor = reserve.left_minor
        if left_minor:
            reserve.take(rows, left_minor)
            self._step(rows, -left_minor, released_of=reserve.reserve_id, release=reserve.sequence)

    def restore(self, rows: Rows, claim_id: int, entry: int, posting: int, amount_minor: int) -> None:
        """Takes back what was recovered from a claim."""
        self._step(rows, -amount_minor, claim_id=claim_id, entry=entry, posting=posting)

    def _step(self, rows: Rows, amount_minor: int, **cause: int) -> None:
        self.sequence += 1
        self.open_minor -= amount_minor
        causes = dict.fromkeys(
            ("reserve_id", "released_of", "release", "claim_id", "entry", "posting", "increase")
        )
        rows.add(
            voucher_budget_step,
            budget_id=self.budget_id,
            sequence=self.sequence,
            amount_minor=amount_minor,
            open_minor=self.open_minor,
            budget_minor=self.amount_minor,
            increased_minor=self.increased_minor,
            **{**causes, **cause},
        )


@dataclass
class Reserve:
    """What one voucher may still use of one payer's budget, in minor units."""

    reserve_id: int
    budget_id: int
    role: str
    left_minor: int
    sequence: int

    def take(
        self, rows: Rows, amount_minor: int, claim_id: int | None = None, posting: int | None = None
    ) -> None:
        """Uses a part for a claim's posting; without a claim it is released."""
        if amount_minor > self.left_minor:
            raise InvariantBroken(detail=f"reserve {self.reserve_id} has {self.left_minor} left")
        self.sequence += 1
        self.left_minor -= amount_minor
        rows.add(
            reserve_use,
            reserve_id=self.reserve_id,
            sequence=self.sequence,
            amount_minor=amount_minor,
            left_minor=self.left_minor,
            claim_id=claim_id,
            posting=posting,
        )


def hold_budgets(
    connection: Connection, rows: Rows, programme: ProgrammeOnDay, day: date
) -> dict[str, BudgetAccount]:
    """Every payer's budget of the period that holds ``day``, opened where nobody has used it yet.

    A budget has the amount that the terms of its first use give it; an amendment counts for later periods.
    """
    starts = {role: period_of(budget, day)[0] for role, budget in programme.budgets.items()}
    programme_id = programme.registered.programme_id
    queue_on_all(
        connection,
        Queue.VOUCHER_BUDGET,
        (f"{programme_id}/{role}/{first_day}" for role, first_day in starts.items()),
    )
    table = voucher_budget.c
    found = _accounts(
        connection,
        table.programme_id == programme_id,
        table.starts.in_(set(starts.values())),
    )
    held = {one.role: one for one in found.values() if starts.get(one.role) == one.starts}
    for role, budget in programme.budgets.items():
        if role not in held:
            held[role] = _open(rows, programme_id, role, budget, day)
    return held


def hold_budgets_of(connection: Connection, budget_ids: Mapping[int, str]) -> dict[int, BudgetAccount]:
    """These budgets, with the names to queue on (``budget_names``), by id."""
    if not budget_ids:
        return {}
    queue_on_all(connection, Queue.VOUCHER_BUDGET, budget_ids.values())
    return _accounts(connection, voucher_budget.c.budget_id.in_(budget_ids))


def budget_names(connection: Connection, budget_ids: set[int]) -> dict[int, str]:
    """What acts queue on who change these budgets."""
    if not budget_ids:
        return {}
    rows = connection.execute(select(voucher_budget).where(voucher_budget.c.budget_id.in_(budget_ids)))
    return {row.budget_id: f"{row.programme_id}/{row.role}/{row.starts}" for row in rows}


def reserves_of(connection: Connection, voucher_ids: Sequence[int]) -> dict[int, list[Reserve]]:
    """What is left of every reserve of these vouchers, by voucher."""
    found: dict[int, list[Reserve]] = {voucher_id: [] for voucher_id in voucher_ids}
    for row in connection.execute(_RESERVES, {"voucher_ids": list(voucher_ids)}):
        left_minor = row.amount_minor if row.left_minor is None else row.left_minor
        found[row.voucher_id].append(
            Reserve(row.reserve_id, row.budget_id, row.role, left_minor, row.sequence or 0)
        )
    return found


def period_of(budget: Budget, day: date) -> tuple[date, date]:
    """First and last day of the period that holds ``day``."""
    if budget.over == "quarter":
        quarter = Quarter.of(day)
        return quarter.start, quarter.last_day
    return date(day.year, 1, 1), date(day.year, 12, 31)


def _open(rows: Rows, programme_id: int, role: str, budget: Budget, day: date) -> BudgetAccount:
    first_day, last_day = period_of(budget, day)
    row = budget.row_on(first_day)
    amount_minor = 0 if row is None else parse_amount(row.amount, YUAN.scale)
    opened = BudgetAccount(new_id(), role, first_day, amount_minor, amount_minor, 0)
    rows.add(
        voucher_budget,
        budget_id=opened.budget_id,
        programme_id=programme_id,
        role=role,
        starts=first_day,
        last_day=last_day,
        amount_minor=amount_minor,
    )
    return opened


def _accounts(connection: Connection, *wanted: ColumnElement[bool]) -> dict[int, BudgetAccount]:
    last = (
        select(
            voucher_budget_step.c.sequence,
            voucher_budget_step.c.open_minor,
            voucher_budget_step.c.increased_minor,
        )
        .where(voucher_budget_step.c.budget_id == voucher_budget.c.budget_id)
        .order_by(voucher_budget_step.c.sequence.desc())
        .limit(1)
        .lateral("last_step")
    )
    rows = connection.execute(
        select(voucher_budget, last.c.sequence, last.c.open_minor, last.c.increased_minor)
        .join(last, true(), isouter=True)
        .where(*wanted)
    )
    return {row.budget_id: _account(row) for row in rows}


def _account(row: Row[Any]) -> BudgetAccount:
    open_minor = row.amount_minor if row.open_minor is None else row.open_minor
    return BudgetAccount(
        budget_id=row.budget_id,
        role=row.role,
        starts=row.starts,
        amount_minor=row.amount_minor,
        open_minor=open_minor,
        sequence=row.sequence or 0,
        increased_minor=row.increased_minor or 0,
    )


def _reserves() -> Select[Any]:
    last = (
        select(reserve_use.c.sequence, reserve_use.c.left_minor)
        .where(reserve_use.c.reserve_id == voucher_reserve.c.reserve_id)
        .order_by(reserve_use.c.sequence.desc())
        .limit(1)
        .lateral("last_use")
    )
    return (
        select(voucher_reserve, voucher_budget.c.role, last.c.sequence, last.c.left_minor)
        .join(voucher_budget, voucher_budget.c.budget_id == voucher_reserve.c.budget_id)
        .join(last, true(), isouter=True)
        .where(voucher_reserve.c.voucher_id == func.any(bindparam("voucher_ids", type_=ARRAY(BigInteger))))
        .order_by(voucher_reserve.c.reserve_id)
    )


_RESERVES = _reserves()
