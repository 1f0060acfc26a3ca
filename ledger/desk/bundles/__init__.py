"""Files that prove: a closed settlement as a whole, or what it says of one enterprise; checking them."""

from ledger.desk.bundles.checking import checked
from ledger.desk.bundles.excerpts import EnterpriseNotInSettlement, NotSalted, enterprise_excerpt
from ledger.desk.bundles.gathering import SettlementNotClosed, closed_settlement_of, settlement_bundle
from ledger.desk.bundles.verifying import Trust, verify
from ledger.desk.bundles.verifying_excerpts import verify_excerpt

__all__ = [
    "EnterpriseNotInSettlement",
    "NotSalted",
    "SettlementNotClosed",
    "Trust",
    "checked",
    "closed_settlement_of",
    "enterprise_excerpt",
    "settlement_bundle",
    "verify",
    "verify_excerpt",
]
