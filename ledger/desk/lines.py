"""Enterprise lines that are closed to a session: whose it sees, and how sums over all of them are made.

Row security hides them (docs/access.md). What reads lines of both sides to compute opens them for just that,
and gives away sums, or what it computes of lines that the session sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, text

from ledger.desk.copying import driver_of

_SEEN = text("""
    SELECT sees_everything() OR :agreement_id IN (SELECT agreement_ids_with_lines()) AS sees_all,
           ARRAY(SELECT role FROM line_roles() WHERE agreement_id = :agreement_id) AS roles,
           ARRAY(SELECT clause FROM line_clauses() WHERE agreement_id = :agreement_id) AS clauses
""")
_OPEN = text("""
    SELECT current_setting('parkledger.opens_lines', true) AS before,
           set_config('parkledger.opens_lines', 'on', true)
""")
_RESTORE = text("SELECT set_config('parkledger.opens_lines', :before, true)")


@dataclass(frozen=True, slots=True)
class SeenLines:
    """Whose lines of enterprises a session sees in an agreement, and of which clauses the results by
    enterprise."""

    all: bool
    roles: frozenset[str]
    clauses: frozenset[int]

    def of_role(self, role: str) -> bool:
        return self.all or role in self.roles

    def of_clause(self, number: int) -> bool:
        return self.all or number in self.clauses


def seen_lines(connection: Connection, agreement_id: int) -> SeenLines:
    """What the session sees of the agreement's enterprise lines."""
    row = connection.execute(_SEEN, {"agreement_id": agreement_id}).one()
    return SeenLines(row.sees_all, frozenset(row.roles), frozenset(row.clauses))


@contextmanager
def open_lines(connection: Connection) -> Iterator[None]:
    """Inside, the session reads all lines of the agreements that it sees."""
    before = connection.execute(_OPEN).one().before
    try:
        yield
    finally:
        # A failed transaction takes no more statements; its end takes the setting back.
        if driver_of(connection).info.transaction_status is not TransactionStatus.INERROR:
            connection.execute(_RESTORE, {"before": before or ""})


def open_lines_of(connection: Connection, agreement_id: int, clause: int) -> AbstractContextManager[None]:
    """``open_lines`` where the session sees those of the clause; else nothing is opened."""
    if seen_lines(connection, agreement_id).of_clause(clause):
        return open_lines(connection)
    return nullcontext()
