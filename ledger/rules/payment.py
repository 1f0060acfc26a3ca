"""What a payment is made of: instalments that add up, and interest on what is paid late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction

from ledger.errors import LedgerError
from ledger.money import RoundingMode, divide, parse_share, round_exact
from ledger.periods import add_months, row_on
from ledger.rules.terms import Instalment, MonthlyRate


class PartsNotWhole(LedgerError):
    """Parts of an amount that don't add up to it."""

    code = "PARTS_NOT_WHOLE"
    sentence_en = "The parts of an amount should add up to 1, such as 1/3, 1/3 and 1/3, but add up to {got}."
    sentence_zh = "各期比例之和应为 1（如 1/3、1/3、1/3），实际为 {got}。"


def interest(amount_minor: int, due: date, paid: date, table: Sequence[tuple[date, Fraction]]) -> int:
    """Simple interest on ``amount_minor`` paid on ``paid`` instead of by ``due``, in minor units.

    Every month after ``due``, or part of one, counts whole. Its rate is what the dated ``table`` of monthly
    rates (in date order) held on its first day, nothing before the first row. The sum is rounded down,
    that is towards zero.
    """
    return interest_on(lambda _first: amount_minor, due, late_months(due, paid), table)


def interest_on(
    open_on: Callable[[date], int], due: date, months: int, table: Sequence[tuple[date, Fraction]]
) -> int:
    """Simple interest for so many ``months`` after ``due``, on what was open on each one's first day.

    ``open_on`` gives minor units; rates and rounding are those of ``interest``.
    """
    firsts = (add_months(due, month) + timedelta(days=1) for month in range(months))
    exact = (open_on(first) * (row_on(table, first) or Fraction(0)) for first in firsts)
    return round_exact(sum(exact, Fraction(0)), RoundingMode.DOWN)


def late_months(due: date, paid: date) -> int:
    """How many months have begun after ``due``, up to and with the day ``paid``."""
    count = max(0, (paid.year - due.year) * 12 + paid.month - due.month + 1)
    return sum(add_months(due, month) < paid for month in range(count))


def instalments(amount_minor: int, parts: Sequence[Fraction]) -> list[int]:
    """The instalments of an amount: each part rounded towards zero, the last one takes what is left.

    Raises ``PartsNotWhole``.
    """
    if sum(parts, Fraction(0)) != 1:
        raise PartsNotWhole(got=sum(parts, Fraction(0)))
    return divide([amount_minor * part for part in parts], RoundingMode.DOWN, len(parts) - 1)


def scheduled(amount_minor: int, year: int, rows: Sequence[Instalment]) -> list[tuple[date, int]]:
    """The instalments that ``rows`` of a clause make of an amount, each with its due day in ``year``."""
    amounts = instalments(amount_minor, [parse_share(row.part) for row in rows])
    days = [date.fromisoformat(f"{year}-{row.due}") for row in rows]
    return list(zip(days, amounts, strict=True))


def rates_of(rows: Sequence[MonthlyRate]) -> list[tuple[date, Fraction]]:
    """The dated table that ``interest`` reads, from the rows of a clause."""
    return [(row.starts, parse_share(row.monthly_rate)) for row in rows]
