"""What flowed and what was credited, added up when a quarter closes: what views over the nation add up.

A quarter that is reopened takes back what its close added, as the same amounts negated; so sums are right
without asking which settlement stands.
"""

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
    SmallInteger,
    Table,
    Text,
)

from ledger_schema.tables.base import metadata

settled_flow = Table(
    "settled_flow",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column(
        "sequence",
        SmallInteger,
        CheckConstraint("sequence IN (1, 2)", name="sequence"),
        nullable=False,
        comment="1: added by the close; 2: taken back, negated, because the quarter was reopened",
    ),
    Column(
        "mechanism",
        Text,
        CheckConstraint(
            "mechanism IN ('tax', 'output_value', 'development_revenue', 'innovation_voucher')",
            name="mechanism",
        ),
        nullable=False,
    ),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    Column(
        "payer_party_id",
        BigInteger,
        ForeignKey("party.party_id", name="settled_flow_payer_fk"),
        nullable=False,
    ),
    Column(
        "payee_party_id",
        BigInteger,
        ForeignKey("party.party_id", name="settled_flow_payee_fk"),
        nullable=False,
    ),
    Column("amount_minor", BigInteger, nullable=False, comment="negative: the other way"),
    CheckConstraint("amount_minor <> 0", name="amount"),
    CheckConstraint("payer_party_id <> payee_party_id", name="pair"),
    PrimaryKeyConstraint(
        "agreement_id",
        "booked_quarter",
        "settlement_id",
        "sequence",
        "mechanism",
        "commodity_id",
        "payer_party_id",
        "payee_party_id",
    ),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
    Index(
        "settled_flow_quarter_index",
        "booked_quarter",
        postgresql_include=["payer_party_id", "payee_party_id", "mechanism", "commodity_id", "amount_minor"],
    ),
)

settled_credit = Table(
    "settled_credit",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column(
        "sequence",
        SmallInteger,
        CheckConstraint("sequence IN (1, 2)", name="sequence"),
        nullable=False,
        comment="1: added by the close; 2: taken back, negated, because the quarter was reopened",
    ),
    # Book 1 is cash, which is no statistic.
    Column(
        "book_id",
        SmallInteger,
        CheckConstraint("book_id <> 1", name="book"),
        ForeignKey("book.book_id"),
        nullable=False,
    ),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    CheckConstraint("amount_minor <> 0", name="amount"),
    PrimaryKeyConstraint(
        "agreement_id",
        "booked_quarter",
        "settlement_id",
        "sequence",
        "book_id",
        "commodity_id",
        "party_id",
    ),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
)
