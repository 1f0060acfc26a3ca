"""What day it is, and which one it will be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, func, select

from ledger.periods import day_of

ALWAYS = datetime.max.replace(tzinfo=UTC)
"""Later than whatever was recorded: what is known now was recorded by then."""


def today(connection: Connection) -> date:
    """The day in Beijing on which the transaction began, by the database's clock."""
    return day_of(connection.execute(select(func.now())).scalar_one())


def days_later(day: date, count: int) -> date:
    """The day so many days later; the last one there is, where the calendar ends before."""
    return day + timedelta(days=min(count, (date.max - day).days))


def day_asked(connection: Connection, asked: date | None, known_at: datetime | None) -> date:
    """The day that was asked for, or else that of the moment that was asked for, or else today."""
    if asked is not None:
        return asked
    return today(connection) if known_at is None else day_of(known_at)
