"""The calendar: what each agreement expects from whom by when, what is late, and who holds it up."""

from ledger.desk.calendar.progress import AgreementQuarter
from ledger.desk.calendar.reading import Task, WorkItem, WorkKey, calendar, work_items, worklist
from ledger.desk.calendar.steps import Completion, Holder, RoleStep, StepState

__all__ = [
    "AgreementQuarter",
    "Completion",
    "Holder",
    "RoleStep",
    "StepState",
    "Task",
    "WorkItem",
    "WorkKey",
    "calendar",
    "work_items",
    "worklist",
]
