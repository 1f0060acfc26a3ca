"""The sums of closed quarters as they are known now, or were at a moment.

Now, adding up is right as it is: what a reopening took back is among the sums. For a moment in the past the
sums count whose quarters had closed by then and weren't reopened yet.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, TextClause, bindparam, text

STOOD = """(
    SELECT sums.* FROM {table} AS sums JOIN quarter_closing AS closing
        ON closing.agreement_id = sums.agreement_id AND closing.quarter = sums.booked_quarter
            AND closing.settlement_id = sums.settlement_id
    WHERE sums.sequence = 1 AND closed_at <= :known_at AND (reopened_at IS NULL OR reopened_at > :known_at)
) AS {table}"""

FIRST = bindparam("first", type_=Integer, literal_execute=True)
LAST = bindparam("last", type_=Integer, literal_execute=True)


def of_quarters(statement: str) -> TextClause:
    """``statement``, which is about the quarters from ``:first`` to ``:last``.

    They are written into it: a prepared plan takes it that hardly any row is between two parameters, and
    sorts the tens of thousands that are.
    """
    return text(statement).bindparams(FIRST, LAST)


def flows_known(known_at: datetime | None) -> str:
    """What flowed, as SQL to select from; ``:known_at`` is its parameter unless it is None."""
    return _known("settled_flow", known_at)


def credits_known(known_at: datetime | None) -> str:
    """What was credited, in the same way."""
    return _known("settled_credit", known_at)


def _known(table: str, known_at: datetime | None) -> str:
    return table if known_at is None else STOOD.format(table=table)
