"""Bundles and excerpts of closed settlements, as the API gives them."""

from __future__ import annotations

from ledger.desk.bundles import enterprise_excerpt, settlement_bundle
from ledger_graphql.context import Desk


def bundle_file(desk: Desk, agreement_id: int, settlement_id: int) -> bytes:
    """The file of a settlement's bundle. Raises ``NotFound``, ``SettlementNotClosed``, ``NotLoggedYet``."""
    key = desk.log_files.signer().verifier
    return settlement_bundle(desk.snapshot, key, agreement_id, settlement_id).encode()


def excerpt_file(desk: Desk, agreement_id: int, settlement_id: int, credit_code: str) -> bytes:
    """The file of what a settlement says of one enterprise.

    Raises ``NotFound``, ``SettlementNotClosed``, ``NotSalted``, ``EnterpriseNotInSettlement``,
    ``NotLoggedYet``.
    """
    key = desk.log_files.signer().verifier
    return enterprise_excerpt(desk.snapshot, key, agreement_id, settlement_id, credit_code).encode()
