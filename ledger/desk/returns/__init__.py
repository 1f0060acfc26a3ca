"""Returns: read from files or lines, checked as a whole, taken or refused as a whole."""

from ledger.desk.returns.faults import ReturnFault, ReturnRefused
from ledger.desk.returns.handing_in import (
    Filing,
    LineDraft,
    NoOpenQuarter,
    QuarterOutOfReach,
    ReturnLine,
    RoleReportsNothing,
    current_filings,
    expectation,
    filing,
    filings,
    hand_in,
    hand_in_file,
    lines,
    lines_of_filings,
    queue_on_return,
)

__all__ = [
    "Filing",
    "LineDraft",
    "NoOpenQuarter",
    "QuarterOutOfReach",
    "ReturnFault",
    "ReturnLine",
    "ReturnRefused",
    "RoleReportsNothing",
    "current_filings",
    "expectation",
    "filing",
    "filings",
    "hand_in",
    "hand_in_file",
    "lines",
    "lines_of_filings",
    "queue_on_return",
]
