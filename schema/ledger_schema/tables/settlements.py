"""Settlements and the journal."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from ledger_schema.tables.base import (
    HASH_CHECK,
    PARTITIONED_BY_BOOKED_QUARTER,
    QUARTER_CHECK,
    metadata,
    recorded_at,
)

settlement = Table(
    "settlement",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("is_final", Boolean, nullable=False, comment="the year's last quarter"),
    Column(
        "inputs",
        LargeBinary,
        nullable=False,
        comment="RFC 8785 JSON: versions, filings and list that it rests on",
    ),
    Column(
        "allocations_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("allocations_hash"), name="hash"),
        nullable=False,
        comment="over the allocations in their fixed-width binary form, in key order",
    ),
    Column(
        "allocation_count",
        Integer,
        CheckConstraint("allocation_count >= 0", name="allocation_count"),
        nullable=False,
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter"], ["agreement_quarter.agreement_id", "agreement_quarter.quarter"]
    ),
)

settlement_cause = Table(
    "settlement_cause",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column(
        "cause", SmallInteger, nullable=False, comment="in replay order; the quarter's own figures come last"
    ),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('correction', 'reconciliation', 'enterprise_list', 'occurrence', 'amendment', "
            "'quarter')",
            name="kind",
        ),
        nullable=False,
    ),
    Column(
        "quarter",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"),
        nullable=False,
        comment="the quarter that it is about",
    ),
    Column(
        "reference",
        Text,
        nullable=False,
        comment="the filing, list version, terms version, the occurrence's name and sequence, or the role of "
        "record and the reconciliation's item",
    ),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", "cause"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
)

allocation = Table(
    "allocation",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("cause", SmallInteger, nullable=False),
    Column("clause", SmallInteger, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column(
        "quarter",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"),
        nullable=False,
        comment="the quarter whose result this changes",
    ),
    Column("book_id", SmallInteger, nullable=False),
    Column("commodity_id", SmallInteger, nullable=False),
    Column("party_id", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("routed_minor", BigInteger, nullable=False, comment="the part that goes on to the routing's fund"),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    PrimaryKeyConstraint(
        "agreement_id",
        "booked_quarter",
        "settlement_id",
        "cause",
        "clause",
        "subject_id",
        "quarter",
        "book_id",
        "party_id",
    ),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id", "cause"],
        [
            "settlement_cause.agreement_id",
            "settlement_cause.booked_quarter",
            "settlement_cause.settlement_id",
            "settlement_cause.cause",
        ],
    ),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
    postgresql_partition_by=PARTITIONED_BY_BOOKED_QUARTER,
)

account = Table(
    "account",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column(
        "party_id",
        BigInteger,
        ForeignKey("party.party_id"),
        nullable=True,
        comment="null for source accounts",
    ),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('source', 'due', 'accrued', 'fund', 'credited')", name="kind"),
        nullable=False,
        comment="source: what is divided; due: payable; accrued: provisional; fund: routed; "
        "credited: statistics",
    ),
    Column("clause", SmallInteger, nullable=False),
    Column("book_id", SmallInteger, ForeignKey("book.book_id"), nullable=False),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    CheckConstraint("(kind = 'source') = (party_id IS NULL)", name="party"),
    # Book 1 is cash and commodity 1 money: that is owed; statistics are credited in the other books.
    CheckConstraint("(book_id = 1) = (commodity_id = 1)", name="commodity"),
    CheckConstraint("kind = 'source' OR (kind = 'credited') = (book_id <> 1)", name="book"),
    UniqueConstraint("agreement_id", "account_id", "book_id", "commodity_id"),
    Index(None, "party_id", "agreement_id", "account_id"),
    UniqueConstraint(
        "agreement_id",
        "clause",
        "kind",
        "book_id",
        "commodity_id",
        "party_id",
        name="account_identity_key",
        postgresql_nulls_not_distinct=True,
    ),
)

journal_entry = Table(
    "journal_entry",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("entry", SmallInteger, nullable=False),
    Column("cause", SmallInteger, nullable=False),
    Column("clause", SmallInteger, nullable=False),
    Column(
        "quarter",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"),
        nullable=False,
        comment="the quarter that the entry is about",
    ),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", "entry"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id", "cause"],
        [
            "settlement_cause.agreement_id",
            "settlement_cause.booked_quarter",
            "settlement_cause.settlement_id",
            "settlement_cause.cause",
        ],
    ),
)

posting = Table(
    "posting",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("entry", SmallInteger, nullable=False),
    Column("posting", SmallInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("book_id", SmallInteger, nullable=False),
    Column("commodity_id", SmallInteger, nullable=False),
    Column("amount_minor", BigInteger, CheckConstraint("amount_minor <> 0", name="amount"), nullable=False),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", "entry", "posting"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id", "entry"],
        [
            "journal_entry.agreement_id",
            "journal_entry.booked_quarter",
            "journal_entry.settlement_id",
            "journal_entry.entry",
        ],
    ),
    ForeignKeyConstraint(
        ["agreement_id", "account_id", "book_id", "commodity_id"],
        ["account.agreement_id", "account.account_id", "account.book_id", "account.commodity_id"],
    ),
    Index(None, "agreement_id", "booked_quarter", "account_id"),
    postgresql_partition_by=PARTITIONED_BY_BOOKED_QUARTER,
)

carried = Table(
    "carried",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("clause", SmallInteger, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("state", ARRAY(BigInteger), nullable=False, comment="ledger.rules.state packs it"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", "clause", "subject_id"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
    postgresql_partition_by=PARTITIONED_BY_BOOKED_QUARTER,
)
