"""Reading accounts: who they are, and what they hold at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, or_, select, true

from ledger.desk.accounts.roles import Account, Grant, Role
from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger_schema.sight import EVERYTHING, Sight
from ledger_schema.tables import party, user_account, user_closing, user_grant, user_grant_ending

TODAY = func.date(func.timezone("Asia/Shanghai", func.now()))


def account_by_name(connection: Connection, name: str) -> Account:
    """The account, closed or not. Raises ``NotFound``."""
    row = connection.execute(select(user_account).where(user_account.c.name == name)).one_or_none()
    if row is None:
        raise NotFound("account", name)
    return account_of(connection, row)


def accounts(connection: Connection, *, after: str | None = None, limit: int = PAGE_LIMIT) -> Page[Account]:
    """A page of the accounts that aren't closed, by name."""
    column = user_account.c
    rows = connection.execute(
        select(user_account)
        .where(is_open(column.user_id), true() if after is None else column.name > after)
        .order_by(column.name)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, lambda row: account_of(connection, row))


def open_account(connection: Connection, *wanted: ColumnElement[bool]) -> Account | None:
    """The one open account for which this holds, if there is one."""
    statement = select(user_account).where(is_open(user_account.c.user_id), *wanted)
    row = connection.execute(statement).one_or_none()
    return None if row is None else account_of(connection, row)


def is_open(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """That the account isn't closed."""
    return ~exists().where(user_closing.c.user_id == user_id)


def account_of(connection: Connection, row: Row[Any]) -> Account:
    """The account of a row of its table, with the roles that are in force now."""
    grants = grants_of(connection, row.user_id)
    return Account(row.user_id, row.name, row.person, row.kind, grants, sight_of(connection, grants))


def grants_of(connection: Connection, user_id: int) -> tuple[Grant, ...]:
    """The roles that an account holds now, oldest first."""
    rows = connection.execute(_grants().where(user_grant.c.user_id == user_id))
    return tuple(_grant(row) for row in rows)


def sight_of(connection: Connection, grants: Sequence[Grant]) -> Sight:
    """What these roles show: the agreements of one's party, province or mandate."""
    audited = [grant for grant in grants if grant.role is Role.AUDITOR]
    if any(grant.party_id is None for grant in audited):
        return EVERYTHING
    audited_ids = _parties_of(audited)
    own_ids = _parties_of(grant for grant in grants if grant.role in {Role.OFFICER, Role.APPROVER})
    provinces = [grant.province_code for grant in grants if grant.province_code is not None]
    in_provinces = _parties_in(connection, provinces) if provinces else frozenset()
    return Sight(
        party_ids=own_ids | audited_ids | in_provinces, own_party_ids=own_ids, audited_party_ids=audited_ids
    )


def _parties_of(grants: Iterable[Grant]) -> frozenset[int]:
    return frozenset(grant.party_id for grant in grants if grant.party_id is not None)


def _parties_in(connection: Connection, province_codes: Sequence[str]) -> frozenset[int]:
    rows = connection.execute(select(party.c.party_id).where(party.c.province_code.in_(province_codes)))
    return frozenset(rows.scalars())


def _grants() -> Select[Any]:
    column = user_grant.c
    return (
        select(user_grant, party.c.code)
        .outerjoin(party, party.c.party_id == column.party_id)
        .where(
            or_(column.ends.is_(None), column.ends >= TODAY),
            ~exists().where(user_grant_ending.c.grant_id == column.grant_id),
        )
        .order_by(column.grant_id)
    )


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        row.grant_id, Role(row.role), row.party_id, row.code, row.province_code, row.ends, row.recorded_at
    )
