"""Entries of vouchers: what each payer bears, against what is due to the provider. Each entry balances."""

from __future__ import annotations

from ledger.desk.vouchers.rows import Rows
from ledger_schema.tables import voucher_posting


def add_payer_posting(
    rows: Rows,
    claim_id: int,
    entry: int,
    posting: int,
    clause: int,
    role: str,
    party_id: int,
    amount_minor: int,
) -> None:
    """What a payer bears; negative where it is recovered."""
    rows.add(
        voucher_posting,
        claim_id=claim_id,
        sequence=entry,
        posting=posting,
        account="payer",
        clause=clause,
        role=role,
        party_id=party_id,
        provider_id=None,
        amount_minor=amount_minor,
    )


def add_provider_posting(
    rows: Rows, claim_id: int, entry: int, posting: int, provider_id: int, amount_minor: int
) -> None:
    """What is due to the provider, negative; positive where the provider owes it back."""
    rows.add(
        voucher_posting,
        claim_id=claim_id,
        sequence=entry,
        posting=posting,
        account="provider",
        clause=None,
        role=None,
        party_id=None,
        provider_id=provider_id,
        amount_minor=amount_minor,
    )
