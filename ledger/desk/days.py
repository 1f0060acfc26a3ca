"""What day it is."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, func, select

from ledger.periods import day_of


def today(connection: Connection) -> date:
    """The day in Beijing on which the transaction began, by the database's clock."""
    return day_of(connection.execute(select(func.now())).scalar_one())
