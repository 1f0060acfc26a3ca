"""Canonical bytes: RFC 8785 JSON, made once, stored, hashed and signed as they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import rfc8785

from ledger.errors import LedgerError

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"

EXACT_INTEGER_LIMIT = 2**53 - 1
"""RFC 8785 numbers are IEEE doubles: larger whole numbers are written as text."""


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class NotCanonical(LedgerError):
    """A value that has no exact canonical form."""

    code = "NOT_CANONICAL"
    sentence_en = (
        "Expected text, whole numbers up to 2^53, lists and objects, but got {value!r}. Write it as text."
    )
    sentence_zh = "只能包含文本、不超过 2^53 的整数、列表和对象，实际为 {value!r}。请改写为文本。"


def canonical_bytes(value: Json) -> bytes:
    """The RFC 8785 bytes of ``value``.

    Raises ``NotCanonical`` for floats, numbers beyond 2^53, names that aren't text, text with half a
    surrogate pair and values of any other type.
    """
    _refuse_inexact(value)
    try:
        text = _ENCODER.encode(value)
        # Names are in the order of UTF-16, which is another one where a character takes two units.
        return text.encode() if text.isascii() or max(text) <= "\uffff" else rfc8785.dumps(value)
    except (TypeError, UnicodeEncodeError, rfc8785.CanonicalizationError) as error:
        raise NotCanonical(value=value) from error


def digest(content: bytes) -> bytes:
    """SHA-256 of stored bytes, 32 bytes."""
    return hashlib.sha256(content).digest()


def _refuse_inexact(value: object) -> None:
    if value is None or isinstance(value, str):
        return
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                raise NotCanonical(value=name)
            _refuse_inexact(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_inexact(item)
    elif not isinstance(value, int) or abs(value) > EXACT_INTEGER_LIMIT:
        raise NotCanonical(value=value)
