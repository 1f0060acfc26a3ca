"""Reference data, seeded by migrations: commodities, books and measures."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    SmallInteger,
    Table,
    Text,
)

from ledger_schema.tables.base import (
    metadata,
)

commodity = Table(
    "commodity",
    metadata,
    Column("commodity_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("unit_zh", Text, nullable=False),
    Column("unit_en", Text, nullable=False),
    Column("scale", SmallInteger, CheckConstraint("scale BETWEEN 0 AND 6", name="scale"), nullable=False),
    Column("is_money", Boolean, nullable=False),
)

book = Table(
    "book",
    metadata,
    Column("book_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
)

measure = Table(
    "measure",
    metadata,
    Column("measure_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
)
