"""What signed-in accounts tried and weren't allowed: kept beside the log, for auditors."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, true

from ledger.desk.accounts.roles import Account
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import refused_act, user_account

KEY_LENGTH_KEPT = 200
NAME_LENGTH_KEPT = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who tried which act, about what, for which party (where it is known), when, under which key."""

    refusal_id: int
    account: str
    person: str
    act: str
    subject_kind: str
    subject_name: str
    party_id: int | None
    key: str
    code: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class RefusedAttempt:
    """An act that was refused before it began."""

    act: str
    subject_kind: str
    subject_name: str
    party_id: int | None
    key: str
    code: str


def record_refusal(database: Database, account: Account, attempt: RefusedAttempt) -> None:
    """Keeps the attempt, in a transaction of its own."""
    with database.writing() as connection:
        connection.execute(
            insert(refused_act).values(
                refusal_id=new_id(),
                user_id=account.user_id,
                act=attempt.act,
                subject_kind=attempt.subject_kind,
                subject_name=_kept(attempt.subject_name, NAME_LENGTH_KEPT),
                party_id=attempt.party_id,
                key=_kept(attempt.key, KEY_LENGTH_KEPT),
                code=attempt.code,
            )
        )


def refusals(
    connection: Connection,
    *,
    party_ids: Collection[int] | None = None,
    after: int | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Refusal]:
    """A page of refusals, oldest first, after the id ``after``; of these parties, or all."""
    column = refused_act.c
    rows = connection.execute(
        select(
            column.refusal_id,
            user_account.c.name,
            user_account.c.person,
            column.act,
            column.subject_kind,
            column.subject_name,
            column.party_id,
            column.key,
            column.code,
            column.recorded_at,
        )
        .join(user_account, user_account.c.user_id == column.user_id)
        .where(
            true() if party_ids is None else column.party_id == func.any(sorted(party_ids)),
            true() if after is None else column.refusal_id > after,
        )
        .order_by(column.refusal_id)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, lambda row: Refusal(*tuple(row)))


def _kept(text: str, length_max: int) -> str:
    return text.replace("\0", "")[:length_max]
