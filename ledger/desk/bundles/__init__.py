"""Bundles: a closed settlement with all that proves it, and checking one with no database."""

from ledger.desk.bundles.gathering import SettlementNotClosed, closed_settlement_of, settlement_bundle
from ledger.desk.bundles.verifying import Trust, verify

__all__ = ["SettlementNotClosed", "Trust", "closed_settlement_of", "settlement_bundle", "verify"]
