"""Settlements: replayed, previewed, computed, closed, posted and explained."""

from ledger.desk.settlements.closing import (
    QuarterNotOpen,
    ReturnsMissing,
    StaleSettlement,
    close,
    close_in,
    compute,
    holding_clauses,
    preview,
)
from ledger.desk.settlements.journal import entries
from ledger.desk.settlements.reading import (
    Allocation,
    AllocationKey,
    Settlement,
    all_allocations,
    allocations,
    closed_settlements,
    settlement,
    settlements,
)
from ledger.desk.settlements.recording import Draft

__all__ = [
    "Allocation",
    "AllocationKey",
    "Draft",
    "QuarterNotOpen",
    "ReturnsMissing",
    "Settlement",
    "StaleSettlement",
    "all_allocations",
    "allocations",
    "close",
    "close_in",
    "closed_settlements",
    "compute",
    "entries",
    "holding_clauses",
    "preview",
    "settlement",
    "settlements",
]
