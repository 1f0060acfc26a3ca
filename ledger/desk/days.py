"""What day it is, and which one it will be."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, func, select

from ledger.periods import day_of


def today(connection: Connection) -> date:
    """The day in Beijing on which the transaction began, by the database's clock."""
    return day_of(connection.execute(select(func.now())).scalar_one())


def days_later(day: date, count: int) -> date:
    """The day so many days later; the last one there is, where the calendar ends before."""
    return day + timedelta(days=min(count, (date.max - day).days))
