"""What terms are applied to, and what comes out: plain immutable values, amounts in minor units.

A subject is a whole number: ``WHOLE_PARK`` (0) or the enterprise's id. A role is the name that the terms
give to a party.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from ledger.periods import Quarter, Span
from ledger.rules.terms import Book, CauseOfMove, Clause, Event, Terms


@dataclass(frozen=True, slots=True)
class Line:
    """One accepted figure: a subject's measure over a month or quarter.

    ``line_id`` names the line for whoever keeps it; ``document`` is the reference to its evidence.
    """

    subject: int
    measure: str
    span: Span
    amount_minor: int
    line_id: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """An enterprise of the confirmed list, with the attributes that rules need.

    ``controller`` names the actual controller; enterprises that have the same one are one group.
    """

    subject: int
    name: str = ""
    events: Mapping[Event, date] = field(default_factory=dict)
    pre_move_tax_minor: Mapping[int, int] = field(default_factory=dict)
    cause_of_move: CauseOfMove | None = None
    referred_by: str | None = None
    controller: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    base_year_amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Every accepted figure, of any quarter, the subjects they are about, and what has happened when.

    ``occurrences`` are the dated happenings of the whole agreement that clocks can name.
    """

    lines: Sequence[Line]
    subjects: Mapping[int, Subject] = field(default_factory=dict)
    occurrences: Mapping[str, date] = field(default_factory=dict)

    def lines_by_quarter(self) -> dict[Quarter, list[Line]]:
        """The figures by the quarter that they are about; their order is kept."""
        found: dict[Quarter, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.span.quarter, []).append(line)
        return found


@dataclass(frozen=True, slots=True)
class Version:
    """Terms and the quarter from which they are in force; versions are given in that order."""

    starts: Quarter
    terms: Terms


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What an allocation is about: a quarter's result for one party of one clause, subject and book."""

    clause: int
    subject: int
    quarter: Quarter
    book: Book
    role: str


@dataclass(frozen=True, slots=True)
class Amount:
    """The whole minor units booked for a party, and how many of them go on to the routing's fund."""

    amount_minor: int
    routed_minor: int = 0


@dataclass(frozen=True, slots=True)
class Carried:
    """What a clause remembers of a subject after a step; together with later figures it is all of the past.

    Exact amounts are in minor units. ``to_date``, ``recognised``, ``threshold`` and ``steps_counted`` are of
    ``year``, the last one with a counted step; ``loss`` was carried into it. ``pool`` is cumulative, before
    any cap; ``pool_of_year`` is the part of it in ``pool_year``, the last year with a shared step.
    ``history`` is what ``pool_year`` and the years before it gave to be averaged, latest first, as far as the
    clause's smoothing looks back; empty without one. ``used`` has an amount for each cap, uncapped: of its
    whole life, or of ``year``, less room that earlier years left. ``extended`` is None until the window's
    extension is decided. ``first_shared`` is the first day of the step in which something was first left to
    share, ``recovered`` what has been repaid, and ``accrued`` the returns so far, of a clause that recovers
    an input. ``budget_used`` is what it has asked of the budget of ``budget_period``, a year or a quarter's
    ordinal. Of a floor, ``floor_receipts`` and ``guarantor_receipts`` are the parties' of ``floor_year``,
    and ``shortfall`` was carried into the next test. ``entitlements`` has every key of the clause's
    ``entitlement_keys``.
    """

    year: int = 0
    steps_counted: int = 0
    to_date: Fraction = Fraction(0)
    recognised: Fraction = Fraction(0)
    loss: Fraction = Fraction(0)
    threshold: Fraction = Fraction(0)
    pool: Fraction = Fraction(0)
    pool_year: int = 0
    pool_of_year: Fraction = Fraction(0)
    history: tuple[Fraction, ...] = ()
    extended: bool | None = None
    first_shared: date | None = None
    recovered: Fraction = Fraction(0)
    accrued: Fraction = Fraction(0)
    budget_period: int = 0
    budget_used: Fraction = Fraction(0)
    floor_year: int = 0
    floor_receipts: Fraction = Fraction(0)
    guarantor_receipts: Fraction = Fraction(0)
    shortfall: Fraction = Fraction(0)
    used: tuple[Fraction, ...] = ()
    entitlements: Mapping[tuple[Book, str], Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every amount that the rules give, zero amounts left out, and what is carried after the last quarter.

    ``carried`` is keyed by (clause number, subject).
    """

    amounts: Mapping[Key, Amount]
    carried: Mapping[tuple[int, int], Carried]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a document: where (JSON path), and a sentence in each language."""

    path: str
    code: str
    message_en: str
    message_zh: str


@dataclass(frozen=True, slots=True)
class Dates:
    """What clocks can start with: the events of one subject, what has happened to the agreement, and the
    first day of the step in which something was first left to share.
    """

    events: Mapping[Event, date]
    occurrences: Mapping[str, date]
    first_shared: date | None = None


__all__ = [
    "Amount",
    "Carried",
    "Clause",
    "Dates",
    "Facts",
    "Fault",
    "Key",
    "Line",
    "Outcome",
    "Subject",
    "Version",
]
