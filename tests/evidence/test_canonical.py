"""Canonical bytes: what RFC 8785 says, and what the ledger refuses to write."""

from __future__ import annotations

import hashlib
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.canonical import EXACT_INTEGER_LIMIT, Json, NotCanonical, canonical_bytes, digest

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT_INTEGER_LIMIT, EXACT_INTEGER_LIMIT) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def test_names_are_sorted_by_utf_16_units_as_in_the_standards_example() -> None:
    names: Json = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "ö": 7}
    ordered = json.loads(canonical_bytes(names), object_pairs_hook=lambda pairs: [name for name, _ in pairs])
    assert ordered == ["\r", "1", "\u0080", "ö", "€", "\U0001f600", "\ufb33"]


def test_text_is_escaped_only_where_the_standard_says_so() -> None:
    value = '€$\u000f\nA\'B"\\\\"/园'
    expected = '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/园"'
    assert canonical_bytes(value) == expected.encode()


@given(VALUES)
def test_bytes_read_back_are_the_value_and_give_the_same_bytes(value: Json) -> None:
    written = canonical_bytes(value)
    assert json.loads(written) == value
    assert canonical_bytes(json.loads(written)) == written


@given(VALUES)
def test_bytes_are_those_of_the_standards_reference(value: Json) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(st.dictionaries(TEXTS, st.integers(0, 9), min_size=2, max_size=6))
def test_order_in_which_names_were_given_makes_no_difference(value: dict[str, int]) -> None:
    assert canonical_bytes(dict(reversed(value.items()))) == canonical_bytes(value)


@pytest.mark.parametrize(
    "value",
    [
        0.1,
        1.0,
        float("nan"),
        EXACT_INTEGER_LIMIT + 1,
        -EXACT_INTEGER_LIMIT - 1,
        {"deep": [{"inside": 2.5}]},
        {"half a pair": "\ud800"},
        {1: "a name that is no text"},
        b"bytes",
        [b"bytes in a list"],
        {"a": object()},
    ],
)
def test_value_without_an_exact_form_is_refused_in_both_languages(value: Json) -> None:
    with pytest.raises(NotCanonical) as caught:
        canonical_bytes(value)
    assert "whole numbers" in caught.value.message_en
    assert "整数" in caught.value.message_zh


def test_largest_whole_numbers_keep_every_digit() -> None:
    assert canonical_bytes([EXACT_INTEGER_LIMIT, -EXACT_INTEGER_LIMIT]) == (
        b"[9007199254740991,-9007199254740991]"
    )


def test_digest_is_sha_256_of_the_bytes() -> None:
    assert digest(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(b"") == hashlib.sha256(b"").digest()
