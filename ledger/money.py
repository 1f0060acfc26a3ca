"""Amounts: whole numbers of a commodity's minor unit, read strictly and split exactly.

No float ever touches an amount. Shares are ``Fraction``; text is ASCII digits only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from ledger.errors import LedgerError

AMOUNT_LIMIT_MINOR = 9 * 10**18
"""Largest magnitude that a stored amount may have (it is kept in 64 bits)."""

_LIMIT_DIGITS = len(str(AMOUNT_LIMIT_MINOR))
_AMOUNT = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_SHARE = re.compile(r"(0|[1-9][0-9]*)(?:/([1-9][0-9]*))?", re.ASCII)
_WAN = 10_000


class AmountUnreadable(LedgerError):
    """Text that isn't a plain decimal amount of the commodity."""

    code = "AMOUNT_UNREADABLE"
    sentence_en = (
        "Expected an amount such as 1234.56 with at most {scale} decimal places and no signs of thousands, "
        "but got {text!r}."
    )
    sentence_zh = "应填写金额（如 1234.56，最多 {scale} 位小数，不带千分位），实际为 {text!r}。"


class ShareUnreadable(LedgerError):
    """Text that isn't an exact share such as ``2/5``."""

    code = "SHARE_UNREADABLE"
    sentence_en = "Expected an exact share such as 2/5 or 1, but got {text!r}."
    sentence_zh = "应填写精确份额（如 2/5 或 1），实际为 {text!r}。"


@dataclass(frozen=True, slots=True)
class Commodity:
    """What an amount counts: money, or a statistic with a unit of its own.

    ``scale`` is the number of decimal places between the unit people write and the minor unit stored:
    2 for yuan and fen.
    """

    commodity_id: int
    code: str
    name_zh: str
    name_en: str
    unit_zh: str
    unit_en: str
    scale: int
    is_money: bool


class RoundingMode(StrEnum):
    """How an exact share becomes a whole number of minor units."""

    DOWN = "down"
    """Towards zero."""
    UP = "up"
    """Away from zero."""
    HALF_UP = "half_up"
    """To the nearest; a tie goes away from zero."""
    HALF_EVEN = "half_even"
    """To the nearest; a tie goes to the even neighbour."""


def parse_amount(text: str, scale: int) -> int:
    """Minor units of a plain decimal ``text`` with at most ``scale`` places.

    Refuses signs of thousands, exponents, blanks, NaN, a leading plus, signed zero and digits that are not
    ASCII. Raises ``AmountUnreadable``.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None or len(match[2]) > _LIMIT_DIGITS or len(match[3] or "") > scale:
        raise AmountUnreadable(text=text, scale=scale)
    magnitude = int(match[2] + (match[3] or "").ljust(scale, "0"))
    if magnitude > AMOUNT_LIMIT_MINOR or (match[1] and magnitude == 0):
        raise AmountUnreadable(text=text, scale=scale)
    return -magnitude if match[1] else magnitude


def format_amount(amount_minor: int, scale: int, *, thousands: bool = False) -> str:
    """Plain decimal text, the inverse of ``parse_amount`` (``thousands`` adds commas for people)."""
    whole, places = divmod(abs(amount_minor), 10**scale)
    sign = "-" if amount_minor < 0 else ""
    text = f"{whole:,}" if thousands else str(whole)
    return f"{sign}{text}.{places:0{scale}d}" if scale else f"{sign}{text}"


def format_wan(amount_minor: int, scale: int) -> str:
    """The amount in units of ten thousand (万), exact, without trailing zeros beyond two places."""
    text = format_amount(amount_minor, scale + 4, thousands=True)
    whole, places = text.split(".")
    return f"{whole}.{places[:2]}{places[2:].rstrip('0')}"


def parse_share(text: str) -> Fraction:
    """An exact share from ``"2/5"`` or ``"1"``. Raises ``ShareUnreadable``."""
    match = _SHARE.fullmatch(text)
    if match is None:
        raise ShareUnreadable(text=text)
    return Fraction(int(match[1]), int(match[2] or 1))


def round_exact(value: Fraction, mode: RoundingMode) -> int:
    """The whole number that ``mode`` makes of ``value``."""
    magnitude = abs(value)
    whole = _round_magnitude(magnitude, mode)
    return -whole if value < 0 else whole


def _round_magnitude(value: Fraction, mode: RoundingMode) -> int:
    match mode:
        case RoundingMode.DOWN:
            return floor(value)
        case RoundingMode.UP:
            return ceil(value)
        case RoundingMode.HALF_UP:
            return floor(value + Fraction(1, 2))
        case RoundingMode.HALF_EVEN:
            return round(value)


def divide(exact_parts: Sequence[Fraction], mode: RoundingMode, remainder_index: int) -> list[int]:
    """Whole parts that add up to the rounded whole; the part at ``remainder_index`` takes what is left.

    The whole is the sum of ``exact_parts`` rounded by ``mode``; every other part is rounded by itself.
    """
    parts = [round_exact(part, mode) for part in exact_parts]
    whole = round_exact(sum(exact_parts, Fraction(0)), mode)
    parts[remainder_index] += whole - sum(parts)
    return parts
