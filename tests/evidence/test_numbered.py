"""Hashes by number: packed as documented, and read back as they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.numbered import packed, unpacked

NUMBERS = st.integers(-(2**63), 2**63 - 1)
HASHES = st.binary(min_size=32, max_size=32)


def test_two_hashes_are_packed_as_documented() -> None:
    first, second = b"a" * 32, bytes(31) + b"b"
    assert packed([5, -1], [first, second]) == bytes(7) + b"\x05" + first + b"\xff" * 8 + second


@given(st.dictionaries(NUMBERS, HASHES, max_size=20))
def test_what_is_packed_is_read_back_in_its_order(hashes: dict[int, bytes]) -> None:
    content = packed(list(hashes), list(hashes.values()))
    assert list(unpacked(content).items()) == list(hashes.items())


@given(st.dictionaries(NUMBERS, HASHES, min_size=1, max_size=3), st.integers(1, 39))
def test_of_an_entry_that_was_cut_no_whole_hash_is_read(hashes: dict[int, bytes], missing: int) -> None:
    cut = unpacked(packed(list(hashes), list(hashes.values()))[:-missing])
    assert cut != hashes
