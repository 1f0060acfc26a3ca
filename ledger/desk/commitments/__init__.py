"""Commitments: what an agreement promises beside money, and what came of it."""

from ledger.desk.commitments.keeping import (
    CommitmentAlreadyConfirmed,
    CommitmentOvertaken,
    CommitmentSettled,
    RecordDraft,
    confirm_commitment,
    record_commitment,
)
from ledger.desk.commitments.reading import (
    STANDINGS,
    Commitment,
    CommitmentRecord,
    CommitmentState,
    commitments,
    due_commitments,
)

__all__ = [
    "STANDINGS",
    "Commitment",
    "CommitmentAlreadyConfirmed",
    "CommitmentOvertaken",
    "CommitmentRecord",
    "CommitmentSettled",
    "CommitmentState",
    "RecordDraft",
    "commitments",
    "confirm_commitment",
    "due_commitments",
    "record_commitment",
]
