"""Vouchers: every event says its rows, so that the rows are compared as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import select, text

from ledger.desk.fsck.comparing import Mismatch, Scope, Told, whole_row
from ledger.desk.vouchers.rows import read_row
from ledger.evidence.canonical import Json
from ledger_schema.tables import VOUCHER_TABLES, event, voucher_clearing_return

_TABLES = {table.name: table for table in VOUCHER_TABLES}

# A return made by clearing says of every enterprise what the entries cleared until then made the payer bear.
_UNLIKE_ENTRIES = """
    WITH borne AS (
        SELECT made.clearing_id, made.role, entry.enterprise_id AS subject_id,
            sum(posting.amount_minor) AS minor
        FROM voucher_clearing_return AS made
            JOIN voucher_clearing AS cleared USING (clearing_id)
            JOIN voucher_clearing AS until
                ON until.agreement_id = cleared.agreement_id AND until.quarter = cleared.quarter
                AND until.event_id <= cleared.event_id
            JOIN voucher_entry_cleared AS taken ON taken.clearing_id = until.clearing_id
            JOIN voucher_entry AS entry USING (claim_id, sequence)
            JOIN voucher_posting AS posting
                ON (posting.claim_id, posting.sequence) = (entry.claim_id, entry.sequence)
                AND posting.account = 'payer' AND posting.role = made.role
        GROUP BY made.clearing_id, made.role, entry.enterprise_id
    ), reported AS (
        SELECT made.clearing_id, made.role, line.subject_id, sum(line.amount_minor) AS minor
        FROM voucher_clearing_return AS made
            JOIN return_line AS line USING (agreement_id, booked_quarter, filing_id)
        GROUP BY made.clearing_id, made.role, line.subject_id
    )
    SELECT clearing_id, role, subject_id, coalesce(borne.minor, 0), coalesce(reported.minor, 0)
    FROM borne FULL JOIN reported USING (clearing_id, role, subject_id)
    WHERE borne.minor IS DISTINCT FROM reported.minor
    ORDER BY clearing_id, role, subject_id
"""


_UNTOLD: dict[str, dict[str, Json]] = {
    "voucher_budget_step": {"increased_minor": "0", "increase": None},
}
"""What events didn't tell before budgets could be increased."""


def check_vouchers(scope: Scope) -> Iterator[Mismatch]:
    """Every row of vouchers is what its event says, and returns made by clearing say what was entered."""
    yield from scope.compare(VOUCHER_TABLES, _told(scope))
    for clearing_id, role, subject_id, borne_minor, reported_minor in scope.connection.execute(
        text(_UNLIKE_ENTRIES)
    ):
        expected, found = (f"{minor} fen of {subject_id}" for minor in (borne_minor, reported_minor))
        yield whole_row(voucher_clearing_return, (clearing_id, role), expected, found)


def _told(scope: Scope) -> Iterator[Told]:
    kinds = scope.connection.execute(select(event.c.kind).where(event.c.kind.like("voucher\\_%")).distinct())
    for said in scope.said(*kinds.scalars()):
        for name, rows in said.data.get("rows", {}).items():
            for row in rows:
                # What an unreadable event told is missing then, and its rows are reported.
                with suppress(LookupError, ValueError, TypeError):
                    yield said.row(_TABLES[name], **read_row(_TABLES[name], {**_UNTOLD.get(name, {}), **row}))
