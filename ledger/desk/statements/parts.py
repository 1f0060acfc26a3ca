"""What a statement is made of: plain data, before any form of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.desk.settlements.journal import AccountKind, Entry
from ledger.desk.settlements.reading import Allocation
from ledger.desk.settlements.replays import Cause, Side
from ledger.money import Commodity
from ledger.periods import Quarter, Span
from ledger.rules.fields import Bilingual
from ledger.rules.terms import Book

ASSESSMENT_MARK = Bilingual(zh="仅供考核，不得对外公布", en="for assessment only, not for publication")
ASSESSMENT_REMARK = Bilingual(
    zh=f"考核账{ASSESSMENT_MARK.zh}", en=f"the assessment book is {ASSESSMENT_MARK.en}"
)
PROVISIONAL_REMARK = Bilingual(
    zh="本季为预结，应计额待年末季度结清", en="provisional: accrued amounts fall due at the final quarter"
)
CLOSED_LINES_REMARK = Bilingual(
    zh="未向查看方公开的分企业明细以合计列示",
    en="lines of enterprises that are closed to the reader are shown as sums",
)
KIND_NAMES: Mapping[AccountKind, Bilingual] = {
    "due": Bilingual(zh="应付", en="due"),
    "accrued": Bilingual(zh="应计", en="accrued"),
    "fund": Bilingual(zh="入基金", en="to the fund"),
    "credited": Bilingual(zh="计入", en="credited"),
}


@dataclass(frozen=True, slots=True)
class BaseLine:
    """A figure that the clause reads. For a correction: what it was before (0: not reported) and is now."""

    cause: int
    subject_id: int
    measure: str
    span: Span
    amount_minor: int
    previous_minor: int | None
    document: str
    filing_id: int


@dataclass(frozen=True, slots=True)
class FilingName:
    """How people name a return: the how manieth of its role and quarter, and when it was handed in.

    ``lines_hash`` is the hash of its figures.
    """

    quarter: Quarter
    role: str
    sequence: int
    recorded_at: datetime
    lines_hash: bytes


@dataclass(frozen=True, slots=True)
class ClauseStatement:
    """One clause of the statement; ``remainder_party_id`` takes the odd unit of rounding."""

    number: int
    title: Bilingual
    article: Bilingual
    """What the terms in force say, as an article."""
    commodity: Commodity
    remainder_party_id: int
    base_lines: list[BaseLine]
    allocations: list[Allocation]


@dataclass(frozen=True, slots=True)
class OpenDifference:
    """A line of record that the settlement leaves out, for the sides don't agree about it.

    None: that side has no such line. ``item`` numbers what they did about it; None: nothing yet.
    """

    quarter: Quarter
    role: str
    subject_id: int
    measure: str
    span: Span
    record_minor: int | None
    against_minor: int | None
    item: int | None

    @property
    def difference_minor(self) -> int:
        return (self.record_minor or 0) - (self.against_minor or 0)


@dataclass(frozen=True, slots=True)
class PartyTotal:
    """What a party gets in all: due, accrued, to its fund, or credited as a statistic."""

    party_id: int
    kind: AccountKind
    book: Book
    commodity: Commodity
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A settlement for people; ``identifier`` is its id and the start of its allocations' hash.

    ``inputs_hash`` is the SHA-256 of the record of what it rests on.
    """

    agreement_id: int
    agreement_code: str
    title: Bilingual
    settlement_id: int
    identifier: str
    allocations_hash: bytes
    inputs_hash: bytes
    quarter: Quarter
    is_final: bool
    computed_at: datetime
    closed_at: datetime | None
    causes: list[Cause]
    clauses: list[ClauseStatement]
    entries: list[Entry]
    differences: list[OpenDifference]
    totals: list[PartyTotal]
    parties: Mapping[int, Side]
    """In the order in which the terms name their roles; totals stand in it too."""
    subjects: Mapping[int, str]
    filings: Mapping[int, FilingName]
    remarks: list[Bilingual]
