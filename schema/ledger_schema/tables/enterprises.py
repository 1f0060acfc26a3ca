"""Enterprises and the lists that the sides confirm."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger_schema.tables.base import (
    metadata,
    recorded_at,
)

enterprise = Table(
    "enterprise",
    metadata,
    Column("enterprise_id", BigInteger, primary_key=True, autoincrement=False),
    Column("credit_code", Text, nullable=False, unique=True, comment="统一社会信用代码, 18 characters"),
    Column("name_zh", Text, nullable=False),
    recorded_at(),
)

enterprise_list = Table(
    "enterprise_list",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("version", SmallInteger, CheckConstraint("version > 0", name="version"), nullable=False),
    Column("compiled_by", Text, nullable=False, comment="role"),
    Column(
        "entry_hashes",
        LargeBinary,
        CheckConstraint("octet_length(entry_hashes) % 40 = 0", name="entry_hashes"),
        comment="of each enterprise in order: its number, 8 bytes, and the SHA-256 of its entry, 32",
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version"),
)

enterprise_list_entry = Table(
    "enterprise_list_entry",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("enterprise_id", BigInteger, ForeignKey("enterprise.enterprise_id"), nullable=False),
    Column("name_zh", Text, nullable=False, comment="as on this list"),
    Column(
        "attributes",
        JSONB,
        nullable=False,
        comment="events, pre_move_tax, cause_of_move, referred_by, controller",
    ),
    PrimaryKeyConstraint("agreement_id", "version", "enterprise_id"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["enterprise_list.agreement_id", "enterprise_list.version"]
    ),
    Index(None, "enterprise_id", "agreement_id"),
)

enterprise_list_confirmation = Table(
    "enterprise_list_confirmation",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version", "role"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["enterprise_list.agreement_id", "enterprise_list.version"]
    ),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)
