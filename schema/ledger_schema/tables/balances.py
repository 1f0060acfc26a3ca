"""What every account held when a quarter closed, carried forward so that no question adds up history."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
)

from ledger_schema.tables.base import QUARTER_CHECK, metadata

# Written by the owner's function carry_balances alone, as a quarter closes.
account_balance = Table(
    "account_balance",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("account_id", BigInteger, ForeignKey("account.account_id"), nullable=False),
    Column(
        "quarter",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"),
        nullable=False,
        comment="the balance is of entries about quarters up to this one",
    ),
    Column(
        "booked_quarter",
        Integer,
        nullable=False,
        comment="and booked in quarters up to this one, in this one by the settlement",
    ),
    Column("settlement_id", BigInteger, nullable=False),
    Column("balance_minor", Numeric(38, 0), nullable=False, comment="a sum of 64-bit amounts"),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    PrimaryKeyConstraint("agreement_id", "account_id", "quarter", "booked_quarter", "settlement_id"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
)
