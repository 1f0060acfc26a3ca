"""Bundles of closed settlements, as the API gives them."""

from __future__ import annotations

from ledger.desk.bundles import settlement_bundle
from ledger_graphql.context import Desk


def bundle_file(desk: Desk, agreement_id: int, settlement_id: int) -> bytes:
    """The file of a settlement's bundle. Raises ``NotFound``, ``SettlementNotClosed``, ``NotLoggedYet``."""
    key = desk.log_files.signer().verifier
    return settlement_bundle(desk.snapshot, key, agreement_id, settlement_id).encode()
