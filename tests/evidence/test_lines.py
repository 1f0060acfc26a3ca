"""The binary form of bulk lines: fixed to the byte, and nothing wraps around silently."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest

from ledger.errors import InvariantBroken
from ledger.evidence.lines import (
    allocation_records,
    bytes_of_allocations,
    bytes_of_lines,
    hash_of_allocations,
    hash_of_lines,
    line_records,
)

HEAD_OF_LINES = b"parkledger.lines/1".ljust(32, b"\0")
HEAD_OF_ALLOCATIONS = b"parkledger.allocations/1".ljust(32, b"\0")
LINES = {
    "subject": [0, 2**62],
    "measure": [11, 13],
    "starts": [20240701, 20240801],
    "months": [3, 1],
    "amount": [-1, 9 * 10**18],
}
DOCUMENTS = ["", "凭证-1"]
ALLOCATIONS = {
    "cause": [1],
    "clause": [2],
    "subject": [3],
    "quarter": [20243],
    "book": [1],
    "commodity": [1],
    "party": [4],
    "amount": [-5],
    "routed": [0],
}


def test_return_lines_have_the_documented_bytes() -> None:
    records = struct.pack(">iiqiiq32s", 1, 11, 0, 20240701, 3, -1, bytes(32))
    digest = hashlib.sha256("凭证-1".encode()).digest()
    records += struct.pack(">iiqiiq32s", 2, 13, 2**62, 20240801, 1, 9 * 10**18, digest)
    assert bytes_of_lines(line_records(**LINES, document=DOCUMENTS)) == HEAD_OF_LINES + records
    assert (
        hash_of_lines(line_records(**LINES, document=DOCUMENTS))
        == hashlib.sha256(HEAD_OF_LINES + records).digest()
    )


def test_allocations_have_the_documented_bytes() -> None:
    content = HEAD_OF_ALLOCATIONS + struct.pack(">iiqiiiqqq", 1, 2, 3, 20243, 1, 1, 4, -5, 0)
    allocations = allocation_records(**ALLOCATIONS)
    assert bytes_of_allocations(allocations) == content
    assert hash_of_allocations(allocations) == hashlib.sha256(content).digest()


def test_arrays_and_lists_of_the_same_numbers_have_the_same_hash() -> None:
    arrays = {name: np.array(column) for name, column in ALLOCATIONS.items()}
    assert hash_of_allocations(allocation_records(**arrays)) == hash_of_allocations(
        allocation_records(**ALLOCATIONS)
    )


def test_no_lines_are_only_the_head() -> None:
    nothing: dict[str, list[int]] = {name: [] for name in LINES}
    assert bytes_of_lines(line_records(**nothing, document=[])) == HEAD_OF_LINES


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**64])
def test_a_number_that_does_not_fit_its_field_is_refused(number: int) -> None:
    with pytest.raises(InvariantBroken):
        bytes_of_allocations(allocation_records(**{**ALLOCATIONS, "clause": [number]}))


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InvariantBroken):
        bytes_of_lines(line_records(**{**LINES, "amount": [1]}, document=DOCUMENTS))
