"""What the database itself refuses, by name.

These are the last line of defence: whoever meets one has slipped past a check that speaks to people.
"""

from __future__ import annotations

from enum import StrEnum

from ledger_schema.sessions import DatabaseFailure, sqlstate


class Refusal(StrEnum):
    """The SQLSTATE of each refusal of our own."""

    HISTORY_CHANGED = "LG001"
    """Somebody tried to change or remove recorded history."""
    QUARTER_NOT_OPEN = "LG002"
    """The (agreement, quarter) is closed, or was never opened."""
    ENTRY_UNBALANCED = "LG003"
    """The postings of an entry that came in one statement do not add up to zero."""
    CLOSE_REFUSED = "LG004"
    """A quarter may not change its state this way; the message says why."""
    STAGE_UNUSABLE = "LG005"
    """Nothing is staged, the quarter is misspelt, or the transaction is not READ COMMITTED."""
    POSTINGS_DIFFER = "LG006"
    """The staged allocations and postings do not add up to the same."""
    REOPENING_REFUSED = "LG007"
    """The quarter may not be reopened; the message says why."""
    BOOKS_MIXED = "LG010"
    """The postings of an entry that came in one statement are in more than one book."""
    GAP_IN_LOG = "LG009"
    """Leaves that don't follow those of the log without a gap."""


def refusal_of(error: DatabaseFailure) -> Refusal | None:
    """The refusal that `error` reports; None where it is another error."""
    code = sqlstate(error)
    return Refusal(code) if code in set(Refusal) else None
