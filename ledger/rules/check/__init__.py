"""What can be wrong with a document of terms: its form, what it leaves open, what it contradicts."""

from ledger.rules.check.terms import (
    RESULT_FAULTS,
    TermsRefused,
    check,
    everything_before,
    questions,
    read_document,
    read_terms,
)

__all__ = [
    "RESULT_FAULTS",
    "TermsRefused",
    "check",
    "everything_before",
    "questions",
    "read_document",
    "read_terms",
]
