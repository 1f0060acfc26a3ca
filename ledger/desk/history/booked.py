"""Allocations wherever they are booked, in pages over settlements and agreements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, true, tuple_

from ledger.desk.pages import Page, page_of, rows_to_read
from ledger.desk.settlements.reading import Allocation, allocation_of
from ledger.periods import Quarter
from ledger_schema.tables import allocation

BookedKey = tuple[int, int, int, int, int, int, int, int, int]
"""Agreement, booked quarter (20243), settlement, then as ``AllocationKey``."""

KEY = (
    allocation.c.agreement_id,
    allocation.c.booked_quarter,
    allocation.c.settlement_id,
    allocation.c.cause,
    allocation.c.clause,
    allocation.c.subject_id,
    allocation.c.quarter,
    allocation.c.book_id,
    allocation.c.party_id,
)
"""The primary key's order, so that a page is read off the index."""


@dataclass(frozen=True, slots=True)
class Booked:
    """An allocation and the settlement that books it."""

    agreement_id: int
    booked_quarter: Quarter
    settlement_id: int
    allocation: Allocation

    @property
    def key(self) -> BookedKey:
        return (self.agreement_id, self.booked_quarter.code, self.settlement_id, *self.allocation.key)


def booked_page(
    connection: Connection, wanted: Sequence[ColumnElement[bool]], after: BookedKey | None, limit: int
) -> Page[Booked]:
    """The wanted allocations by key."""
    rows = connection.execute(
        select(allocation)
        .where(*wanted, true() if after is None else tuple_(*KEY) > after)
        .order_by(*KEY)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, _booked)


def _booked(row: Row[Any]) -> Booked:
    return Booked(
        row.agreement_id, Quarter.from_code(row.booked_quarter), row.settlement_id, allocation_of(row)
    )
