"""Increases: what payers added to the budgets of periods while these ran. None is ever taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.failures import choice_faults, refuse, text_faults
from ledger.desk.people import person_faults
from ledger.desk.vouchers.budgets import hold_budgets
from ledger.desk.vouchers.life import amount_faults
from ledger.desk.vouchers.programmes import programme_by_code, programme_on
from ledger.desk.vouchers.rows import Rows
from ledger.evidence.canonical import Json
from ledger_schema.sessions import Database
from ledger_schema.tables import voucher_budget, voucher_budget_increase


@dataclass(frozen=True, slots=True)
class Increase:
    """What a payer added to its budget of the period that begins with ``starts``."""

    role: str
    starts: date
    increase: int
    amount_minor: int
    document: str
    person: str
    day: date


@dataclass(frozen=True, slots=True)
class IncreaseDraft:
    """What the payer ``role`` adds; ``day`` names the period, ``document`` what the money rests on."""

    programme: str
    role: str
    amount_minor: int
    document: str
    day: date


def increase_budget(database: Database, act: Act, draft: IncreaseDraft, person: str) -> Done[int]:
    """Adds to a payer's budget of the period that holds the day; returns the programme's id.

    What is issued or decided from then on sees it; what was decided before stays. Raises ``RequestRefused``,
    ``NotFound``, ``ProgrammeNotInForce``.
    """
    faults = text_faults("document", draft.document) + person_faults("person", person)
    refuse(faults + amount_faults("amount", draft.amount_minor))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        programme_id = programme_by_code(connection, draft.programme).programme_id
        programme = programme_on(connection, programme_id, draft.day)
        refuse(choice_faults("role", draft.role, tuple(sorted(programme.budgets))))
        rows = Rows()
        account = hold_budgets(connection, rows, programme, draft.day)[draft.role]
        number = _last(connection, account.budget_id) + 1
        account.increase(rows, number, draft.amount_minor, draft.document, person, draft.day)
        agreement_id = programme.registered.agreement_id
        rows.write(connection, record, "voucher_budget_increased", agreement_id)
        return {"programme": programme_id}

    request: dict[str, Json] = {
        "programme": draft.programme,
        "role": draft.role,
        "amount_minor": draft.amount_minor,
        "document": draft.document,
        "person": person,
        "day": draft.day.isoformat(),
    }
    return named_number(perform(database, act, "increase_voucher_budget", request, work), "programme")


def increases(connection: Connection, programme_id: int) -> list[Increase]:
    """What was added to the programme's budgets, by period, payer and number."""
    budget, added = voucher_budget.c, voucher_budget_increase.c
    rows = connection.execute(
        select(
            budget.role,
            budget.starts,
            added.increase,
            added.amount_minor,
            added.document,
            added.person,
            added.day,
        )
        .join(voucher_budget_increase, added.budget_id == budget.budget_id)
        .where(budget.programme_id == programme_id)
        .order_by(budget.starts, budget.role, added.increase)
    )
    return [Increase(*row) for row in rows]


def _last(connection: Connection, budget_id: int) -> int:
    table = voucher_budget_increase.c
    found = connection.execute(select(func.max(table.increase)).where(table.budget_id == budget_id))
    return int(found.scalar_one() or 0)
