"""Clearing of vouchers: which entries are figures of which quarter, and the returns that say so."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from ledger_schema.tables.base import PERSON_CHECK, QUARTER_CHECK, metadata, recorded_at

voucher_clearing = Table(
    "voucher_clearing",
    metadata,
    Column("clearing_id", BigInteger, primary_key=True, autoincrement=False),
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column(
        "quarter",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"),
        nullable=False,
        comment="of the entries' days",
    ),
    Column("person", Text, CheckConstraint(PERSON_CHECK.format("person"), name="person"), nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    Index(None, "agreement_id", "quarter"),
)

voucher_clearing_return = Table(
    "voucher_clearing_return",
    metadata,
    Column("clearing_id", BigInteger, ForeignKey("voucher_clearing.clearing_id"), nullable=False),
    Column("role", Text, nullable=False, comment="the payer's"),
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("filing_id", BigInteger, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("clearing_id", "role"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "filing_id"],
        ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id"],
    ),
)

voucher_entry_cleared = Table(
    "voucher_entry_cleared",
    metadata,
    Column("claim_id", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("clearing_id", BigInteger, ForeignKey("voucher_clearing.clearing_id"), nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("claim_id", "sequence"),
    ForeignKeyConstraint(["claim_id", "sequence"], ["voucher_entry.claim_id", "voucher_entry.sequence"]),
    Index(None, "clearing_id"),
)

CLEARING_TABLES: tuple[Table, ...] = (voucher_clearing, voucher_clearing_return, voucher_entry_cleared)
"""In an order in which every row can refer to those before it."""
