"""Duties: what a party has to do by when, of every kind, in one list."""

from ledger.desk.duties.actions import ACTION_NAMES, STEP_ACTIONS, Action
from ledger.desk.duties.duty import Actor, CommitmentWork, Duty, DutyKey, DutyKind, ReviewWork
from ledger.desk.duties.reading import DAYS_AHEAD, duties

__all__ = [
    "ACTION_NAMES",
    "DAYS_AHEAD",
    "STEP_ACTIONS",
    "Action",
    "Actor",
    "CommitmentWork",
    "Duty",
    "DutyKey",
    "DutyKind",
    "ReviewWork",
    "duties",
]
