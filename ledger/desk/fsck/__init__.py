"""Recomputing everything that the ledger holds from its events; nothing is repaired."""

from ledger.desk.fsck.catalogue import CATALOGUE, Sealed, Unsealed, sealing_table
from ledger.desk.fsck.comparing import Mismatch, Scope, shown
from ledger.desk.fsck.running import CHECK_BY_CODE, CHECKS, Check, Result, look, run

__all__ = [
    "CATALOGUE",
    "CHECKS",
    "CHECK_BY_CODE",
    "Check",
    "Mismatch",
    "Result",
    "Scope",
    "Sealed",
    "Unsealed",
    "look",
    "run",
    "sealing_table",
    "shown",
]
