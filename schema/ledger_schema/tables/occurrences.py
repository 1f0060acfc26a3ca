"""What happens once for a whole agreement."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from ledger_schema.tables.base import (
    metadata,
    recorded_at,
)

occurrence = Table(
    "occurrence",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("name", Text, CheckConstraint("name ~ '^[a-z][a-z0-9_]{0,47}$'", name="name"), nullable=False),
    Column(
        "sequence",
        SmallInteger,
        CheckConstraint("sequence > 0", name="sequence"),
        nullable=False,
        comment="1 for the first record of this name; a later one supersedes",
    ),
    Column("day", Date, nullable=False),
    Column("document", Text, nullable=False, comment="reference to its evidence"),
    Column("recorded_by", Text, nullable=False, comment="role"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "name", "sequence"),
)

occurrence_confirmation = Table(
    "occurrence_confirmation",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("sequence", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "name", "sequence", "role"),
    ForeignKeyConstraint(
        ["agreement_id", "name", "sequence"],
        ["occurrence.agreement_id", "occurrence.name", "occurrence.sequence"],
    ),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)
