"""Hashes by number, packed: under one hash over all of them they tell which one of many is another.

====== ===== ============================================================================
offset bytes field
====== ===== ============================================================================
0      8     number, big-endian two's complement
8      32    SHA-256
====== ===== ============================================================================

Entries lie one after the other, with nothing between, in the order in which they were packed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ledger.evidence.merkle import HASH_BYTES

NUMBER_BYTES = 8
ENTRY = np.dtype([("number", ">i8"), ("hash", f"V{HASH_BYTES}")])


def packed(numbers: Sequence[int], hashes: Sequence[bytes]) -> bytes:
    """``hashes[i]`` (32 bytes each) under ``numbers[i]``."""
    entries = np.empty(len(numbers), ENTRY)
    entries["number"] = numbers
    entries["hash"] = np.frombuffer(b"".join(hashes), f"V{HASH_BYTES}")
    return entries.tobytes()


def unpacked(content: bytes) -> dict[int, bytes]:
    """The hash under each number, in their order; of a last entry that is cut what is there."""
    return {
        int.from_bytes(content[place : place + NUMBER_BYTES], "big", signed=True): content[
            place + NUMBER_BYTES : place + ENTRY.itemsize
        ]
        for place in range(0, len(content), ENTRY.itemsize)
    }
