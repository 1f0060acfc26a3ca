"""How long property tests look for a counterexample: a little, or longer where `.ci/run` asks for it."""

from __future__ import annotations

import os

FACTOR = int(os.environ.get("PARKLEDGER_EXAMPLES_FACTOR", "1"))


def examples(count: int) -> int:
    """``count`` in an ordinary run."""
    return count * FACTOR
