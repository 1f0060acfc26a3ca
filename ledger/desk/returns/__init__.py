"""Returns: read from files or lines, checked as a whole, taken or refused as a whole, certified."""

from ledger.desk.returns.certifying import (
    MakerCertifies,
    MakerUnknown,
    ReturnAlreadyCertified,
    ReturnBookedBefore,
    ReturnOfOtherRole,
    ReturnOvertaken,
    certify_return,
)
from ledger.desk.returns.expected import (
    NoOpenQuarter,
    QuarterOutOfReach,
    RoleReportsNothing,
    expectation,
)
from ledger.desk.returns.faults import ReturnFault, ReturnRefused
from ledger.desk.returns.handing_in import LineDraft, PersonMissing, check_file, hand_in, hand_in_file
from ledger.desk.returns.reading import (
    Filing,
    ReturnLine,
    current_filings,
    filing,
    filings,
    lines,
    lines_of_filings,
)
from ledger.desk.returns.sealing import (
    Commitment,
    CommitmentDiffers,
    CommitmentRepeated,
    FiguresOpen,
    FiguresSealed,
    NothingToOpen,
    NotSealed,
    Seal,
    commit,
    seal,
)
from ledger.desk.returns.slots import queue_on_return

__all__ = [
    "Commitment",
    "CommitmentDiffers",
    "CommitmentRepeated",
    "FiguresOpen",
    "FiguresSealed",
    "Filing",
    "LineDraft",
    "MakerCertifies",
    "MakerUnknown",
    "NoOpenQuarter",
    "NotSealed",
    "NothingToOpen",
    "PersonMissing",
    "QuarterOutOfReach",
    "ReturnAlreadyCertified",
    "ReturnBookedBefore",
    "ReturnFault",
    "ReturnLine",
    "ReturnOfOtherRole",
    "ReturnOvertaken",
    "ReturnRefused",
    "RoleReportsNothing",
    "Seal",
    "certify_return",
    "check_file",
    "commit",
    "current_filings",
    "expectation",
    "filing",
    "filings",
    "hand_in",
    "hand_in_file",
    "lines",
    "lines_of_filings",
    "queue_on_return",
    "seal",
]
