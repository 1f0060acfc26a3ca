"""A party's statistics by quarter and year: one table for each book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Connection, func, select

from ledger.desk.indicators.catalogue import INDICATORS, Indicator
from ledger.desk.indicators.credits import added, assessment_credits, official_credits
from ledger.desk.roster import Party, party
from ledger.desk.zones import parts_on
from ledger.errors import LedgerError
from ledger.periods import Quarter, quarters_between
from ledger.rules.terms import Book

QUARTERS_MAX = 80


class QuartersUnusable(LedgerError):
    """The last quarter is before the first, or there are too many."""

    code = "QUARTERS_UNUSABLE"
    sentence_en = "Expected 1 to {most} quarters in order, but got {first} to {last}."
    sentence_zh = "应为 1 至 {most} 个先后有序的季度，实际为 {first} 至 {last}。"


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """One statistic, in minor units; quarters and years of which nothing is known are left out."""

    indicator: Indicator
    by_quarter: Mapping[Quarter, int]
    by_year: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class IndicatorTable:
    """``known_at`` is the moment whose state it shows."""

    party: Party
    first: Quarter
    last: Quarter
    known_at: datetime
    rows: Sequence[IndicatorRow]


@dataclass(frozen=True, slots=True)
class OfficialTable(IndicatorTable):
    """In place. ``with_parts``: with those who were parks or areas of the zone at the quarter's end."""

    with_parts: bool
    book: ClassVar[Book] = Book.OFFICIAL


@dataclass(frozen=True, slots=True)
class AssessmentTable(IndicatorTable):
    """By agreement, never published. The party alone: its parks may be credited with the same figures."""

    book: ClassVar[Book] = Book.ASSESSMENT


def official_table(
    connection: Connection,
    party_id: int,
    first: Quarter,
    last: Quarter,
    *,
    with_parts: bool = True,
    known_at: datetime | None = None,
) -> OfficialTable:
    """The party's table of the official book. Raises ``NotFound`` and ``QuartersUnusable``."""
    quarters, found = _asked(first, last), party(connection, party_id)
    days = [quarter.last_day for quarter in quarters] if with_parts else []
    parts = parts_on(connection, party_id, days)
    everybody = {party_id}.union(*parts.values())
    credits = official_credits(connection, first=first, last=last, party_ids=everybody, known_at=known_at)
    counted = [one for one in credits if one.party_id in {party_id, *parts.get(one.quarter.last_day, ())}]
    rows = _table_rows(added(counted, lambda one: one.quarter))
    return OfficialTable(found, first, last, _moment(connection, known_at), rows, with_parts)


def assessment_table(
    connection: Connection,
    party_id: int,
    first: Quarter,
    last: Quarter,
    *,
    known_at: datetime | None = None,
) -> AssessmentTable:
    """The party's table of the assessment book. Raises ``NotFound`` and ``QuartersUnusable``."""
    _asked(first, last)
    found = party(connection, party_id)
    credits = assessment_credits(connection, first=first, last=last, party_ids=[party_id], known_at=known_at)
    rows = _table_rows(added(credits, lambda one: one.quarter))
    return AssessmentTable(found, first, last, _moment(connection, known_at), rows)


def _asked(first: Quarter, last: Quarter) -> list[Quarter]:
    if not first <= last or last.ordinal - first.ordinal >= QUARTERS_MAX:
        raise QuartersUnusable(first=str(first), last=str(last), most=QUARTERS_MAX)
    return list(quarters_between(first, last))


def _moment(connection: Connection, known_at: datetime | None) -> datetime:
    if known_at is not None:
        return known_at
    moment: datetime = connection.execute(select(func.transaction_timestamp())).scalar_one()
    return moment


def _table_rows(sums: Mapping[tuple[int, Quarter], int]) -> list[IndicatorRow]:
    by_commodity: defaultdict[int, dict[Quarter, int]] = defaultdict(dict)
    for (commodity_id, quarter), amount_minor in sorted(sums.items()):
        by_commodity[commodity_id][quarter] = amount_minor
    return [
        IndicatorRow(INDICATORS[commodity_id], by_quarter, _by_year(INDICATORS[commodity_id], by_quarter))
        for commodity_id, by_quarter in by_commodity.items()
    ]


def _by_year(indicator: Indicator, by_quarter: Mapping[Quarter, int]) -> dict[int, int]:
    """Sums of the year's known quarters, or its last known quarter's figure."""
    by_year: dict[int, int] = {}
    for quarter, amount_minor in sorted(by_quarter.items()):
        earlier = 0 if indicator.at_period_end else by_year.get(quarter.year, 0)
        by_year[quarter.year] = earlier + amount_minor
    return by_year
