"""Parties, zones and their keys."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from ledger_schema.tables.base import (
    metadata,
    recorded_at,
)

party = Table(
    "party",
    metadata,
    Column("party_id", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('zone', 'park', 'government', 'finance_bureau', 'fund', 'company', 'other')",
            name="kind",
        ),
        nullable=False,
    ),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=True),
    Column("province_code", Text, CheckConstraint("province_code ~ '^[0-9]{6}$'", name="province_code")),
    Column("province_zh", Text),
    Column(
        "region_class",
        Text,
        CheckConstraint("region_class IN ('East', 'Central', 'West', 'Northeast')", name="region_class"),
    ),
    Column("parent_party_id", BigInteger, ForeignKey("party.party_id"), comment="one zone, many parks"),
    Column("source", Text, nullable=False),
    recorded_at(),
    Index(None, "parent_party_id"),
)

zone = Table(
    "zone",
    metadata,
    Column("party_id", BigInteger, ForeignKey("party.party_id"), primary_key=True, autoincrement=False),
    Column(
        "level", Text, CheckConstraint("level IN ('national', 'provincial')", name="level"), nullable=False
    ),
    Column("approval_year", SmallInteger),
    Column("approval_document", Text),
    Column("in_2020_roster", Boolean, nullable=False),
    Column("confidence", Text, nullable=False),
)

zone_division = Table(
    "zone_division",
    metadata,
    Column("party_id", BigInteger, ForeignKey("zone.party_id"), nullable=False),
    Column(
        "division_code",
        Text,
        CheckConstraint("division_code ~ '^[0-9]{6}$'", name="division_code"),
        nullable=False,
    ),
    Column("division_zh", Text, nullable=False),
    Column(
        "level",
        Text,
        CheckConstraint("level IN ('province', 'city', 'district')", name="level"),
        nullable=False,
    ),
    Column("starts", Date, nullable=True, comment="null: from the beginning"),
    Column("ends", Date, nullable=True),
    CheckConstraint("ends > starts", name="ends"),
    PrimaryKeyConstraint("party_id", "division_code", "level"),
)

party_key = Table(
    "party_key",
    metadata,
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column(
        "public_key",
        LargeBinary,
        CheckConstraint("octet_length(public_key) = 32", name="public_key"),
        nullable=False,
        comment="Ed25519",
    ),
    Column("label", Text, nullable=False, comment="for people; demo keys say so"),
    recorded_at(),
    PrimaryKeyConstraint("party_id", "public_key"),
)
