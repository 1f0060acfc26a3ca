"""Which journal entry a posting is of."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_

from ledger_schema.tables import journal_entry, posting


def is_of_entry() -> ColumnElement[bool]:
    """Join condition: the posting is of the journal entry."""
    return and_(
        journal_entry.c.agreement_id == posting.c.agreement_id,
        journal_entry.c.booked_quarter == posting.c.booked_quarter,
        journal_entry.c.settlement_id == posting.c.settlement_id,
        journal_entry.c.entry == posting.c.entry,
    )
