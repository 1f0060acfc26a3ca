"""Quarters, months and tables with dates: when a figure is about, and what held then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TypeVar

from ledger.errors import LedgerError

_QUARTER = re.compile(r"([12][0-9]{3})Q([1-4])", re.ASCII)
_MONTH = re.compile(r"([12][0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)
_DAY = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CHINESE_NUMERALS = "一二三四"

GOT_LENGTH_MAX = 40

BEIJING = timezone(timedelta(hours=8))
"""Days and hours are those of China."""

Row = TypeVar("Row")


class PeriodUnreadable(LedgerError):
    """Text that names neither a quarter nor a month."""

    code = "PERIOD_UNREADABLE"
    sentence_en = "Expected a quarter such as 2024Q3 or a month such as 2024-07, but got {text!r}."
    sentence_zh = "应填写季度（如 2024Q3）或月份（如 2024-07），实际为 {text!r}。"


class DayUnreadable(LedgerError):
    """Text that names no day of the years 1000 to 2999."""

    code = "DAY_UNREADABLE"
    sentence_en = "Expected a day such as 2024-07-01, but got {text!r}."
    sentence_zh = "应填写日期（如 2024-07-01），实际为 {text!r}。"


class MomentUnreadable(LedgerError):
    """Text that names neither a day nor a moment of these years."""

    code = "MOMENT_UNREADABLE"
    sentence_en = "Expected a day such as 2025-02-01 or a moment such as 2025-02-01T18:00, but got {text!r}."
    sentence_zh = "应填写日期（如 2025-02-01）或时刻（如 2025-02-01T18:00），实际为 {text!r}。"


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter; ``quarter`` is 1 to 4."""

    year: int
    quarter: int

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """The quarter written as ``2024Q3``. Raises ``PeriodUnreadable``."""
        match = _QUARTER.fullmatch(text)
        if match is None:
            raise PeriodUnreadable(text=text)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Quarter:
        """The quarter that holds ``day``."""
        return cls(day.year, (day.month - 1) // 3 + 1)

    @classmethod
    def from_code(cls, code: int) -> Quarter:
        """The quarter stored as ``20243``."""
        return cls(*divmod(code, 10))

    @property
    def code(self) -> int:
        """The whole number stored in the database: ``20243`` for 2024Q3."""
        return self.year * 10 + self.quarter

    @property
    def ordinal(self) -> int:
        """Quarters since year 0, so that a difference counts quarters."""
        return self.year * 4 + self.quarter - 1

    @property
    def start(self) -> date:
        """The first day."""
        return date(self.year, self.quarter * 3 - 2, 1)

    @property
    def last_day(self) -> date:
        return self.next.start - timedelta(days=1)

    @property
    def next(self) -> Quarter:
        return self.plus(1)

    @property
    def previous(self) -> Quarter:
        return self.plus(-1)

    def plus(self, count: int) -> Quarter:
        """The quarter ``count`` quarters later."""
        year, index = divmod(self.ordinal + count, 4)
        return Quarter(year, index + 1)

    def __str__(self) -> str:
        return f"{self.year}Q{self.quarter}"

    @property
    def name_zh(self) -> str:
        return f"{self.year}年第{_CHINESE_NUMERALS[self.quarter - 1]}季度"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The months that a figure is about: one month or one whole quarter, named by its first day."""

    start: date
    months: int

    @classmethod
    def parse(cls, text: str) -> Span:
        """A quarter (``2024Q3``) or a month (``2024-07``). Raises ``PeriodUnreadable``."""
        month = _MONTH.fullmatch(text)
        if month is not None:
            return cls(date(int(month[1]), int(month[2]), 1), 1)
        return cls.of_quarter(Quarter.parse(text))

    @classmethod
    def of_quarter(cls, quarter: Quarter) -> Span:
        return cls(quarter.start, 3)

    @property
    def quarter(self) -> Quarter:
        return Quarter.of(self.start)

    @property
    def end(self) -> date:
        """The first day after the span."""
        return add_months(self.start, self.months)

    def __str__(self) -> str:
        return str(self.quarter) if self.months == 3 else f"{self.start:%Y-%m}"

    @property
    def name_zh(self) -> str:
        if self.months == 3:
            return self.quarter.name_zh
        return f"{self.start.year}年{self.start.month}月"


def parse_day(text: str) -> date:
    """The day written as ``2024-07-01``, in the years that quarters have. Raises ``DayUnreadable``.

    Far from the ends of the calendar, so that what counts days or months from it stays within.
    """
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise DayUnreadable(text=text[:GOT_LENGTH_MAX])


def parse_moment(text: str, zone: timezone | None = None) -> datetime:
    """The moment written as ``2024-07-01T08:00:00+08:00`` (ISO 8601), on a day that ``parse_day`` reads.

    ``zone`` is for text without an offset. Raises ``MomentUnreadable``, without either too.
    """
    try:
        parse_day(text[: len("2024-07-01")])
        moment = datetime.fromisoformat(text)
    except (ValueError, DayUnreadable):
        raise MomentUnreadable(text=text[:GOT_LENGTH_MAX]) from None
    if moment.tzinfo is None and zone is None:
        raise MomentUnreadable(text=text[:GOT_LENGTH_MAX])
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def day_of(moment: datetime) -> date:
    """The day in Beijing."""
    return moment.astimezone(BEIJING).date()


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later, or the last day of that month where it is shorter."""
    year, month_index = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month_index + 1, min(day.day, _month_length_days(year, month_index + 1)))


def _month_length_days(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - date(year, month, 1)).days


def quarters_between(first: Quarter, last: Quarter) -> Iterator[Quarter]:
    """Every quarter from ``first`` to ``last``, both included."""
    quarter = first
    while quarter <= last:
        yield quarter
        quarter = quarter.next


def row_on(rows: Sequence[tuple[date, Row]], day: date) -> Row | None:
    """What held on ``day``: the latest of the dated ``rows`` (in date order) that had begun, or None."""
    held = None
    for begins, row in rows:
        if begins > day:
            break
        held = row
    return held
