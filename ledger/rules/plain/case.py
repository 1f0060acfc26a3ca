"""A clause applied to one subject, and the few things that every part of the computation asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from ledger.measures import MEASURE_BY_NAME
from ledger.money import Commodity, parse_amount, parse_share
from ledger.rules.explanation import Recorder
from ledger.rules.facts import Carried, Dates, Subject
from ledger.rules.terms import Book, Clause, Mechanism

Parts = Mapping[tuple[Book, str], Fraction]
"""Exact minor units by book and role."""

Held = Mapping[tuple[int, int], bool]
"""Decisions about extensions that closed settlements took, by clause number and subject."""

MONEY_SCALE = 2
"""Thresholds on taxes are in yuan, whatever the clause counts."""

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Grant:
    """``amount`` of a budget is a subject's in a step.

    All subjects together had asked for ``used`` before the step, ask for ``asked`` in it and get ``granted``.
    """

    amount: Fraction
    limit_minor: int
    used: Fraction
    asked: Fraction
    granted: Fraction


@dataclass(frozen=True, slots=True)
class Case:
    """A clause as one version has it, applied to one subject."""

    clause: Clause
    subject: Subject
    dates: Dates
    scale: int
    held: bool | None
    record: Recorder
    fellows: tuple[Carried, ...] = ()
    """What the other subjects with the same actual controller carry."""
    fellows_before: tuple[Carried, ...] = ()
    """The same as the step began."""
    grant: Grant | None = None
    """What the step gets of the clause's budget; None as if the budget sufficed."""

    def dates_with(self, carried: Carried) -> Dates:
        """What clocks can start with, given what has been shared so far."""
        return replace(self.dates, first_shared=carried.first_shared)

    @property
    def book(self) -> Book:
        """The book that shares are credited in."""
        return Book.ASSESSMENT if self.clause.what.mechanism is Mechanism.OUTPUT_VALUE else Book.CASH


def commodity_of(clause: Clause) -> Commodity:
    """What the clause's measures are counted in."""
    return MEASURE_BY_NAME[clause.what.measures[0]].commodity


def scale_of(clause: Clause) -> int:
    """Decimal places of the clause's commodity."""
    return commodity_of(clause).scale


@lru_cache(maxsize=4096)
def share_of(text: str) -> Fraction:
    return parse_share(text)


@lru_cache(maxsize=4096)
def amount_of(text: str, scale: int) -> int:
    return parse_amount(text, scale)
