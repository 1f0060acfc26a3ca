"""Reading commitments: what is promised, what was recorded of it, and how it stands on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, text

from ledger.desk.agreements import agreement, known, terms_of_agreements
from ledger.desk.days import ALWAYS
from ledger.rules.commitments import Commitment as Promise
from ledger_schema.tables import commitment_confirmation, commitment_evidence
from ledger_schema.tables import commitment_record as record_table

STANDINGS = """
    WITH standing AS (SELECT agreement_id, promised.version, code, promised.kind, due_day, target_count,
        newest.sequence, reached_count,
        CASE
            WHEN newest.kind = 'done' AND is_confirmed THEN 'confirmed'
            WHEN newest.kind = 'dropped' AND is_confirmed THEN 'dropped'
            WHEN newest.kind = 'done' THEN 'done'
            WHEN due_day < :today THEN 'overdue'
            ELSE 'open'
        END AS state
    FROM (
        SELECT agreement_id, max(version) AS version FROM agreement_version_state
        WHERE state = 'in_force' AND recorded_at <= :known_at
        GROUP BY agreement_id
    ) AS in_force
        JOIN commitment AS promised USING (agreement_id, version)
        LEFT JOIN LATERAL (
            SELECT record.sequence, record.kind, record.reached_count, NOT EXISTS (
                SELECT FROM agreement_party AS side
                WHERE side.agreement_id = promised.agreement_id AND signs AND NOT EXISTS (
                    SELECT FROM commitment_confirmation AS confirmed
                    WHERE confirmed.agreement_id = side.agreement_id AND confirmed.code = promised.code
                        AND confirmed.sequence = record.sequence AND confirmed.role = side.role
                        AND confirmed.recorded_at <= :known_at)
            ) AS is_confirmed
            FROM commitment_record AS record
            WHERE record.agreement_id = promised.agreement_id AND record.code = promised.code
                AND record.recorded_at <= :known_at
            ORDER BY record.sequence DESC LIMIT 1
        ) AS newest ON true
    )
"""
"""The beginning of statements about ``standing``: how every commitment in force stands on ``:today``.

As known at ``:known_at``.
"""

OF_AGREEMENTS = """
    SELECT * FROM standing WHERE agreement_id = ANY(:agreements)
    ORDER BY agreement_id, due_day NULLS LAST, code
"""
DUE = """
    SELECT * FROM standing
    WHERE state IN ('open', 'overdue', 'done') AND due_day <= :until AND EXISTS (
        SELECT FROM agreement_party AS side
        WHERE side.agreement_id = standing.agreement_id AND side.party_id = :party)
    ORDER BY due_day, agreement_id, code
"""


class CommitmentState(StrEnum):
    OPEN = "open"
    OVERDUE = "overdue"
    """Open after its day."""
    DONE = "done"
    """Recorded as done by one side; others have yet to confirm."""
    CONFIRMED = "confirmed"
    DROPPED = "dropped"
    """Given up, and confirmed so by all who sign."""


@dataclass(frozen=True, slots=True)
class CommitmentRecord:
    """What one side recorded; ``documents`` are the hashes of its evidence."""

    sequence: int
    kind: str
    day: date
    reached_count: int | None
    note: str
    recorded_by: str
    documents: list[bytes]
    confirmed_by: list[str]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Commitment:
    """A promise of the terms in force and what came of it; the newest record is the last."""

    agreement_id: int
    promise: Promise
    state: CommitmentState
    reached_count: int | None
    records: list[CommitmentRecord]


def commitments(
    connection: Connection, agreement_id: int, today: date, known_at: datetime | None = None
) -> list[Commitment]:
    """Every commitment of the terms in force by due day, as it stands ``today``.

    As known at a moment (None: now). Raises ``NotFound``.
    """
    agreement(connection, agreement_id)
    asked = {"agreements": [agreement_id], "today": today, "known_at": known_at or ALWAYS}
    rows = connection.execute(text(STANDINGS + OF_AGREEMENTS), asked)
    return _commitments(connection, rows.all(), known_at)


def due_commitments(connection: Connection, party_id: int, today: date, until: date) -> list[Commitment]:
    """What a party's agreements promise by ``until`` and isn't confirmed yet, by due day."""
    asked = {"party": party_id, "today": today, "until": until, "known_at": ALWAYS}
    rows = connection.execute(text(STANDINGS + DUE), asked)
    return _commitments(connection, rows.all())


def _commitments(
    connection: Connection, rows: Sequence[Row[Any]], known_at: datetime | None = None
) -> list[Commitment]:
    agreement_ids = sorted({row.agreement_id for row in rows})
    promises = {
        (agreement_id, version.version, one.code): one
        for agreement_id, versions in terms_of_agreements(connection, agreement_ids).items()
        for version in versions
        for one in version.terms.commitments
    }
    records = _records(connection, agreement_ids, known_at)
    return [
        Commitment(
            row.agreement_id,
            promises[row.agreement_id, row.version, row.code],
            CommitmentState(row.state),
            row.reached_count,
            records[row.agreement_id, row.code],
        )
        for row in rows
    ]


def _records(
    connection: Connection, agreement_ids: list[int], known_at: datetime | None
) -> defaultdict[tuple[int, str], list[CommitmentRecord]]:
    documents = _listed(connection, commitment_evidence, commitment_evidence.c.hash, agreement_ids)
    columns = commitment_confirmation.c
    confirmed = _listed(
        connection, commitment_confirmation, columns.role, agreement_ids, known(columns.recorded_at, known_at)
    )
    rows = connection.execute(
        select(record_table)
        .where(
            record_table.c.agreement_id == func.any(agreement_ids),
            known(record_table.c.recorded_at, known_at),
        )
        .order_by(record_table.c.agreement_id, record_table.c.code, record_table.c.sequence)
    )
    found: defaultdict[tuple[int, str], list[CommitmentRecord]] = defaultdict(list)
    for row in rows:
        key = row.agreement_id, row.code, row.sequence
        found[row.agreement_id, row.code].append(
            CommitmentRecord(
                row.sequence,
                row.kind,
                row.day,
                row.reached_count,
                row.note,
                row.recorded_by,
                [bytes(one) for one in documents[key]],
                confirmed[key],
                row.recorded_at,
            )
        )
    return found


def _listed(
    connection: Connection, table: Any, column: Any, agreement_ids: list[int], *wanted: ColumnElement[bool]
) -> defaultdict[tuple[int, str, int], list[Any]]:
    """The column's values by record, in order."""
    keys = table.c.agreement_id, table.c.code, table.c.sequence
    rows = connection.execute(
        select(*keys, column)
        .where(table.c.agreement_id == func.any(agreement_ids), *wanted)
        .order_by(*keys, column)
    )
    found: defaultdict[tuple[int, str, int], list[Any]] = defaultdict(list)
    for *key, value in rows:
        found[key[0], key[1], key[2]].append(value)
    return found
