"""A national quarter: every agreement's settlement computed at once."""

from ledger.desk.national.run import (
    ClauseOutside,
    Closed,
    Counts,
    NationalRun,
    OneByOne,
    Progress,
    ReturnMissing,
    Stage,
    close_quarter,
    compute_quarter,
)

__all__ = [
    "ClauseOutside",
    "Closed",
    "Counts",
    "NationalRun",
    "OneByOne",
    "Progress",
    "ReturnMissing",
    "Stage",
    "close_quarter",
    "compute_quarter",
]
