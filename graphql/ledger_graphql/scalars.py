"""Scalars: how single values are written in requests and answers. Each reads exactly one form of text.

A value that isn't in that form is an error of the request, found before anything is done.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NewType, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from ledger.errors import LedgerError
from ledger.money import parse_share
from ledger.periods import Quarter, parse_day, parse_moment
from ledger_graphql.failures import extensions_of

Amount = NewType("Amount", str)
"""An amount in the commodity's unit, as text; the desk checks the number of places against the commodity."""

Span = NewType("Span", str)
"""A quarter or a month, as text."""

WrittenAmount = NewType("WrittenAmount", str)
"""What stands where an amount should be; the desk finds out, so that all faults are told at once."""

WrittenSpan = NewType("WrittenSpan", str)
"""What stands where a quarter or month should be; the desk finds out."""

Share = NewType("Share", Fraction)
Hash = NewType("Hash", bytes)
Bytes = NewType("Bytes", bytes)
Json = NewType("Json", object)

PLACES_MAX = 6
GOT_LENGTH_MAX = 80

_AMOUNT = re.compile(rf"(-?)(0|[1-9][0-9]{{0,17}})(?:\.([0-9]{{1,{PLACES_MAX}}}))?", re.ASCII)
_SPAN = re.compile(r"[12][0-9]{3}(?:Q[1-4]|-(?:0[1-9]|1[0-2]))", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)

Value = TypeVar("Value")


class ValueUnreadable(LedgerError):
    """A value that isn't text in the form of its scalar. The error's message says where it stands."""

    code = "VALUE_UNREADABLE"
    sentence_en = "{name}: expected {expected_en}, as text, but got {got}."
    sentence_zh = "{name}：应为{expected_zh}（文本），实际为 {got}。"


def _text(
    name: str, expected_en: str, expected_zh: str, read: Callable[[str], Value]
) -> Callable[[object], Value]:
    """A reader that takes text only, and says what was expected of it."""

    def refusal(value: object) -> GraphQLError:
        error = ValueUnreadable(
            name=name, expected_en=expected_en, expected_zh=expected_zh, got=repr(value)[:GOT_LENGTH_MAX]
        )
        return GraphQLError(error.message_en, extensions=extensions_of(error))

    def parse(value: object) -> Value:
        if not isinstance(value, str):
            raise refusal(value)
        try:
            return read(value)
        except (ValueError, LedgerError):
            raise refusal(value) from None

    return parse


def _matching(pattern: re.Pattern[str]) -> Callable[[str], re.Match[str]]:
    def match(text: str) -> re.Match[str]:
        found = pattern.fullmatch(text)
        if found is None:
            raise ValueError(text)
        return found

    return match


def _read_amount(text: str) -> Amount:
    match = _matching(_AMOUNT)(text)
    if match[1] and not (match[2] + (match[3] or "")).strip("0"):
        raise ValueError(text)
    return Amount(text)


def _read_span(text: str) -> Span:
    return Span(_matching(_SPAN)(text)[0])


def _read_share(text: str) -> Share:
    return Share(parse_share(text))


def _read_hash(text: str) -> Hash:
    return Hash(bytes.fromhex(_matching(_HEX)(text)[0]))


def _read_bytes(text: str) -> Bytes:
    try:
        return Bytes(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise ValueError(text) from error


def _write_hash(value: bytes) -> str:
    return value.hex()


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _write_iso(value: date) -> str:
    return value.isoformat()


def _same(value: Any) -> Any:
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    Amount: strawberry.scalar(
        name="Amount",
        description='An exact amount in the unit of its commodity (yuan for money), as text: "1234.56". '
        "ASCII digits, "
        "at most the commodity's places (2 for yuan, never more than 6), at most 18 digits before the point. "
        "Numbers, exponents, NaN, blanks, thousands separators, a plus sign and a signed zero are refused.",
        serialize=str,
        parse_value=_text(
            "Amount",
            'an amount such as "1234.56" with at most the places of its commodity (yuan: 2)',
            "金额，如 “1234.56”，小数位不超过其计量单位的位数（元：2 位）",
            _read_amount,
        ),
    ),
    Quarter: strawberry.scalar(
        name="Quarter",
        description='A calendar quarter as text, year and number: "2024Q3".',
        serialize=str,
        parse_value=_text("Quarter", 'a quarter such as "2024Q3"', "季度，如 “2024Q3”", Quarter.parse),
    ),
    Span: strawberry.scalar(
        name="Span",
        description='What a figure is about, as text: a whole quarter "2024Q3" or one month "2024-07".',
        serialize=str,
        parse_value=_text(
            "Span",
            'a quarter such as "2024Q3" or a month such as "2024-07"',
            "季度（如 “2024Q3”）或月份（如 “2024-07”）",
            _read_span,
        ),
    ),
    WrittenAmount: strawberry.scalar(
        name="WrittenAmount",
        description='An exact amount in the unit of its commodity, as text: "1234.56", written as strictly '
        "as an Amount. What isn't one is no error of the request: it is told as a fault, with its place, "
        "together with all other faults.",
        serialize=str,
        parse_value=_text(
            "WrittenAmount", 'an amount such as "1234.56"', "金额，如 “1234.56”", WrittenAmount
        ),
    ),
    WrittenSpan: strawberry.scalar(
        name="WrittenSpan",
        description='A whole quarter "2024Q3" or one month "2024-07", as text. What isn\'t one is no error '
        "of the request: it is told as a fault, with its place, together with all other faults.",
        serialize=str,
        parse_value=_text(
            "WrittenSpan",
            'a quarter such as "2024Q3" or a month such as "2024-07"',
            "季度（如 “2024Q3”）或月份（如 “2024-07”）",
            WrittenSpan,
        ),
    ),
    Share: strawberry.scalar(
        name="Share",
        description='An exact share as text: "2/5", "0" or "1". Decimals are refused.',
        serialize=str,
        parse_value=_text("Share", 'an exact share such as "2/5"', "精确份额，如 “2/5”", _read_share),
    ),
    Hash: strawberry.scalar(
        name="Hash",
        description="A hash in lower-case hexadecimal; SHA-256 has 64 digits.",
        serialize=_write_hash,
        parse_value=_text("Hash", "lower-case hexadecimal digits", "小写十六进制数字", _read_hash),
    ),
    Bytes: strawberry.scalar(
        name="Bytes",
        description="Bytes in standard base64 with padding (RFC 4648, section 4).",
        serialize=_write_bytes,
        parse_value=_text("Bytes", "standard base64 with padding", "带填充的标准 base64", _read_bytes),
    ),
    date: strawberry.scalar(
        name="Date",
        description='A day as text: "2024-07-01".',
        serialize=_write_iso,
        parse_value=_text("Date", 'a day such as "2024-07-01"', "日期，如 “2024-07-01”", parse_day),
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment with its offset from UTC, to the microsecond, as text: "
        '"2024-07-01T08:00:00+00:00".',
        serialize=_write_iso,
        parse_value=_text(
            "DateTime",
            'a moment with an offset such as "2024-07-01T08:00:00Z"',
            "带时区偏移的时刻，如 “2024-07-01T08:00:00Z”",
            parse_moment,
        ),
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="A JSON document, such as the terms of an agreement. In variables it is written as "
        "plain JSON.",
        serialize=_same,
        parse_value=_same,
    ),
}
