"""Sums over vouchers: what counts against caps, what budgets have left, what is to be cleared."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Select,
    Text,
    bindparam,
    case,
    column,
    func,
    select,
)

from ledger.desk.vouchers.programmes import RegisteredProgramme
from ledger.desk.vouchers.reading import Group
from ledger_schema.tables import (
    reserve_use,
    voucher_budget,
    voucher_budget_increase,
    voucher_budget_step,
    voucher_entry,
    voucher_posting,
    voucher_reserve,
)

Quotas: TypeAlias = dict[int, dict[int, dict[tuple[int, str], int]]]
"""What a group was granted: by enterprise and clause, then by year and role."""


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A payer's budget of one period, with increases: ``open`` + ``reserved`` + ``used`` is ``amount``."""

    role: str
    starts: date
    last_day: date
    amount_minor: int
    open_minor: int
    reserved_minor: int
    used_minor: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """What one clause made one payer bear for one enterprise in a period, to be cleared between the zones."""

    clause: int
    enterprise_id: int
    role: str
    party_id: int
    approved_minor: int
    recovered_minor: int


def granted(connection: Connection, groups: Collection[Group]) -> dict[Group, Quotas]:
    """What counts against the caps of each group: by enterprise and clause, then by year and role."""
    found: dict[Group, Quotas] = {group: {} for group in groups}
    rows = connection.execute(
        _GRANTED,
        {"programme_ids": [one.programme_id for one in groups], "names": [one.name for one in groups]},
    )
    for row in rows:
        of_group = found[Group(row.programme_id, row.quota_group)]
        by_clause = of_group.setdefault(row.enterprise_id, {}).setdefault(row.clause, {})
        by_clause[int(row.year), row.role] = int(row.amount_minor)
    return found


def _granted() -> Select[Any]:
    entry, posting = voucher_entry.c, voucher_posting.c
    year = func.date_part("year", entry.quota_day)
    asked = (
        func.unnest(
            bindparam("programme_ids", type_=ARRAY(BigInteger)), bindparam("names", type_=ARRAY(Text))
        )
        .table_valued(column("programme_id", BigInteger), column("name", Text))
        .render_derived("asked")
    )
    return (
        select(entry.programme_id, entry.quota_group, entry.enterprise_id, posting.clause)
        .add_columns(year.label("year"), posting.role, func.sum(posting.amount_minor).label("amount_minor"))
        .select_from(asked)
        .join(
            voucher_entry,
            (entry.programme_id == asked.c.programme_id) & (entry.quota_group == asked.c.name),
        )
        .join(voucher_posting, (posting.claim_id == entry.claim_id) & (posting.sequence == entry.sequence))
        .where(entry.quota_day.is_not(None), posting.account == "payer")
        .group_by(
            entry.programme_id, entry.quota_group, entry.enterprise_id, posting.clause, year, posting.role
        )
    )


_GRANTED = _granted()


def budget_states(connection: Connection, programme_id: int) -> list[BudgetState]:
    """Every budget that was used, by period and payer."""
    open_minor = (
        select(voucher_budget_step.c.open_minor)
        .where(voucher_budget_step.c.budget_id == voucher_budget.c.budget_id)
        .order_by(voucher_budget_step.c.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    restored = (
        select(func.coalesce(-func.sum(voucher_budget_step.c.amount_minor), 0))
        .where(
            voucher_budget_step.c.budget_id == voucher_budget.c.budget_id,
            voucher_budget_step.c.claim_id.is_not(None),
        )
        .scalar_subquery()
    )
    used = (
        select(func.coalesce(func.sum(reserve_use.c.amount_minor), 0))
        .join(voucher_reserve, voucher_reserve.c.reserve_id == reserve_use.c.reserve_id)
        .where(voucher_reserve.c.budget_id == voucher_budget.c.budget_id, reserve_use.c.claim_id.is_not(None))
        .scalar_subquery()
    )
    increased = (
        select(func.coalesce(func.sum(voucher_budget_increase.c.amount_minor), 0))
        .where(voucher_budget_increase.c.budget_id == voucher_budget.c.budget_id)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(voucher_budget.c.role, voucher_budget.c.starts, voucher_budget.c.last_day)
        .add_columns((voucher_budget.c.amount_minor + increased).label("amount_minor"))
        .add_columns(open_minor.label("open_minor"), (used - restored).label("used_minor"))
        .where(voucher_budget.c.programme_id == programme_id)
        .order_by(voucher_budget.c.starts, voucher_budget.c.role)
    )
    states = []
    for row in rows:
        left = int(row.amount_minor) if row.open_minor is None else row.open_minor
        amount, used_minor = int(row.amount_minor), int(row.used_minor)
        states.append(
            BudgetState(
                row.role, row.starts, row.last_day, amount, left, amount - left - used_minor, used_minor
            )
        )
    return states


def cleared(
    connection: Connection, programme: RegisteredProgramme, first_day: date, last_day: date
) -> list[Cleared]:
    """What a programme's claims made each payer bear from ``first_day`` to ``last_day``, entry by its day."""
    entry, posting = voucher_entry.c, voucher_posting.c
    is_approved = entry.sequence == 1
    rows = connection.execute(
        select(posting.clause, entry.enterprise_id, posting.role, posting.party_id)
        .add_columns(
            func.sum(case((is_approved, posting.amount_minor), else_=0)).label("approved_minor"),
            func.sum(case((is_approved, 0), else_=-posting.amount_minor)).label("recovered_minor"),
        )
        .join(voucher_posting, (posting.claim_id == entry.claim_id) & (posting.sequence == entry.sequence))
        .where(
            entry.programme_id == programme.programme_id,
            entry.day.between(first_day, last_day),
            posting.account == "payer",
        )
        .group_by(posting.clause, entry.enterprise_id, posting.role, posting.party_id)
        .order_by(posting.clause, entry.enterprise_id, posting.role)
    )
    return [
        Cleared(
            row.clause,
            row.enterprise_id,
            row.role,
            row.party_id,
            int(row.approved_minor),
            int(row.recovered_minor),
        )
        for row in rows
    ]
