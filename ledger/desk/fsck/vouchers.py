"""Vouchers: every event says its rows, so that the rows are compared as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import select

from ledger.desk.fsck.comparing import Mismatch, Scope, Told
from ledger.desk.vouchers.rows import read_row
from ledger_schema.tables import VOUCHER_TABLES, event

_TABLES = {table.name: table for table in VOUCHER_TABLES}


def check_vouchers(scope: Scope) -> Iterator[Mismatch]:
    """Every row of vouchers is what its event says: programmes, providers, claims, entries and budgets."""
    yield from scope.compare(VOUCHER_TABLES, _told(scope))


def _told(scope: Scope) -> Iterator[Told]:
    kinds = scope.connection.execute(select(event.c.kind).where(event.c.kind.like("voucher\\_%")).distinct())
    for said in scope.said(*kinds.scalars()):
        for name, rows in said.data.get("rows", {}).items():
            for row in rows:
                # What an unreadable event told is missing then, and its rows are reported.
                with suppress(LookupError, ValueError, TypeError):
                    yield said.row(_TABLES[name], **read_row(_TABLES[name], row))
