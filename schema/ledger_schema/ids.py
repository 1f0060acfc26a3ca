"""Ids made by the application: whole numbers of 63 bits that grow with time and need no round trip.

The upper 41 bits are the milliseconds since 2020 (enough until 2089), the lower 22 a random start that
counts up. Ids of one process only grow. Two processes can meet only within the same millisecond: with one id
each the odds are 1 in 4 million, with batches of *m* and *n* ids about (m + n) in 4 million. Every id is a
primary key, so a collision is refused, and the transaction can be tried again.
"""

from __future__ import annotations

import secrets
import threading
import time

import numpy as np
import numpy.typing as npt

EPOCH_MS = 1_577_836_800_000
RANDOM_BITS = 22

_lock = threading.Lock()
_last = 0


def new_id() -> int:
    """One id, greater than every id that this process made before."""
    return _reserve(1)


def new_ids(count: int) -> npt.NDArray[np.int64]:
    """`count` consecutive ids, each greater than every id that this process made before."""
    first = _reserve(count)
    return np.arange(first, first + count, dtype=np.int64)


def _reserve(count: int) -> int:
    global _last
    elapsed_ms = time.time_ns() // 1_000_000 - EPOCH_MS
    candidate = elapsed_ms << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    with _lock:
        first = max(candidate, _last + 1)
        _last = first + count - 1
    return first
