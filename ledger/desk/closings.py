"""When a settlement was its quarter's result: from the moment it closed the quarter until it was reopened."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, Table, and_, or_

from ledger_schema.tables import quarter_closing


def is_of_closing(booked: Table) -> ColumnElement[bool]:
    """Join condition: the closing is by the settlement that the row of ``booked`` belongs to."""
    return and_(
        quarter_closing.c.agreement_id == booked.c.agreement_id,
        quarter_closing.c.quarter == booked.c.booked_quarter,
        quarter_closing.c.settlement_id == booked.c.settlement_id,
    )


def stood(known_at: datetime | None, closing: FromClause = quarter_closing) -> ColumnElement[bool]:
    """Whether the closing stood at a moment (None: now)."""
    if known_at is None:
        return closing.c.reopened_at.is_(None)
    return and_(
        closing.c.closed_at <= known_at,
        or_(closing.c.reopened_at.is_(None), closing.c.reopened_at > known_at),
    )
