"""Ids grow, fit 63 bits, and differ."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from ledger_schema.ids import new_id, new_ids


def test_ids_only_grow_in_one_process() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert all(earlier < later for earlier, later in pairwise(ids))
    batch = new_ids(10_000)
    assert ids[-1] < batch[0]
    assert batch[-1] < new_id()


def test_a_batch_is_a_run_of_64_bit_integers() -> None:
    batch = new_ids(5_000_000)
    assert batch.dtype == np.int64
    assert (np.diff(batch) == 1).all()
    assert new_ids(0).size == 0


def test_ids_are_positive_and_fit_a_bigint() -> None:
    assert 0 < new_id() < 2**63


def test_threads_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(max_workers=8) as executor:
        ids = [one for batch in executor.map(lambda _: new_ids(100).tolist(), range(200)) for one in batch]
    assert len(set(ids)) == len(ids)


def test_ids_of_a_later_process_are_greater() -> None:
    here = new_id()
    there = subprocess.run(
        [sys.executable, "-c", "from ledger_schema.ids import new_id; print(new_id())"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert here < int(there.stdout)
