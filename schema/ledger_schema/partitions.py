"""A whole quarter at once: stages to COPY into, and their attachment as the quarter's partitions.

Ordinary work needs only `open_booked_quarter`, in a short transaction of its own before the first row of a
quarter. A bulk run writes its few settlements, causes, accounts and entries first and commits them; then, in
one transaction, it stages the quarter, copies into the stages, and attaches them.

In the database quarters are whole numbers: 20243 for 2024Q3.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Stages:
    """The names of a quarter's stages. They hold no keys, and only rows of that booked quarter."""

    return_line: str
    carried: str
    allocation: str
    posting: str


def open_booked_quarter(connection: Connection, quarter: int) -> None:
    """Makes the partitions of the quarter where they are missing.

    A new partition keeps others from writing to the tables that it refers to until the transaction ends.
    """
    connection.execute(text("SELECT open_booked_quarter(:quarter)"), {"quarter": quarter})


def stage_quarter(connection: Connection, quarter: int) -> Stages:
    """New, empty stages for the quarter; what an earlier run left behind is dropped.

    Until the transaction ends nobody else can stage or attach the same quarter.
    """
    rows = connection.execute(
        text("SELECT table_name, stage_name FROM stage_quarter(:quarter)"), {"quarter": quarter}
    )
    return Stages(**{row.table_name: row.stage_name for row in rows})


def attach_quarter(connection: Connection, quarter: int) -> dict[str, bool]:
    """Makes what was staged part of the ledger; empty stages are dropped.

    The settlements that are staged must be whole: their postings balance and, where both are staged, equal
    their allocations. Every (agreement, quarter) must be open, and stays so until the transaction ends.

    Returns by table whether the stage became the partition (true), or was appended, more slowly, to one that
    already had rows (false).

    Raises DBAPIError: a `Refusal`, or a broken key. Nothing is attached then.
    """
    rows = connection.execute(
        text("SELECT table_name, attached FROM attach_quarter(:quarter)"), {"quarter": quarter}
    )
    return {row.table_name: row.attached for row in rows}
