"""The commitments of terms that come into force, as rows that questions over many agreements read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from ledger.rules.commitments import Commitment
from ledger_schema.tables import commitment as commitment_table


def write_promises(
    connection: Connection, agreement_id: int, version: int, promised: Sequence[Commitment]
) -> None:
    """Writes them in the transaction that brings the version into force."""
    if promised:
        rows = [
            {
                "agreement_id": agreement_id,
                "version": version,
                "code": one.code,
                "kind": one.kind,
                "due_day": one.due_day,
                "target_count": one.target_count,
            }
            for one in promised
        ]
        connection.execute(insert(commitment_table), rows)
