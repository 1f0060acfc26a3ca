"""Evidence: files kept by their hash, and what they are attached to."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from ledger_schema.tables.base import metadata, recorded_at

document = Table(
    "document",
    metadata,
    Column(
        "hash",
        LargeBinary,
        CheckConstraint("hash = sha256(content)", name="hash"),
        primary_key=True,
        comment="SHA-256 of the content",
    ),
    Column("name", Text, nullable=False, comment="as it was first uploaded"),
    Column("media_type", Text, nullable=False, comment="as the sender said"),
    Column(
        "size_bytes",
        Integer,
        CheckConstraint("size_bytes = octet_length(content) AND size_bytes > 0", name="size_bytes"),
        nullable=False,
    ),
    Column("content", LargeBinary, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
)

document_holder = Table(
    "document_holder",
    metadata,
    Column("hash", LargeBinary, ForeignKey("document.hash"), nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("hash", "party_id"),
    comment="who handed in the file, and so may attach it",
)

document_attachment = Table(
    "document_attachment",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column(
        "subject_kind",
        Text,
        CheckConstraint("subject_kind ~ '^[a-z_]{1,40}$'", name="subject_kind"),
        nullable=False,
        comment="what it is attached to",
    ),
    Column("subject_id", BigInteger, nullable=False),
    Column("reference", Text, nullable=False, comment="as the lines of a return name it"),
    Column("hash", LargeBinary, ForeignKey("document.hash"), nullable=False),
    Column("role", Text, nullable=False, comment="who attached it"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "subject_kind", "subject_id", "reference", "hash"),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)
