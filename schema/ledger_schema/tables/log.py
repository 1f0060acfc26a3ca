"""The log of all events: its leaves, its signed heads, and who cosigned them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from ledger_schema.tables.base import metadata, recorded_at

log_leaf = Table(
    "log_leaf",
    metadata,
    Column(
        "leaf_number",
        BigInteger,
        CheckConstraint("leaf_number >= 0", name="leaf_number"),
        primary_key=True,
        autoincrement=False,
        comment="from 0, without gaps, given by one sequencer after commit",
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False, unique=True),
    Column(
        "hashes",
        LargeBinary,
        CheckConstraint(
            "octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 1984 "
            "AND (leaf_number + 1) & ((1::bigint << (octet_length(hashes) / 32)) - 1) "
            "= 1::bigint << (octet_length(hashes) / 32 - 1)",
            name="hashes",
        ),
        nullable=False,
        comment="RFC 6962: of the leaf, then of each perfect subtree it completes, from the bottom up",
    ),
)

log_head = Table(
    "log_head",
    metadata,
    Column(
        "size", BigInteger, CheckConstraint("size > 0", name="size"), primary_key=True, autoincrement=False
    ),
    Column("note", LargeBinary, nullable=False, comment="the signed checkpoint as it is published"),
    Column(
        "logged_below",
        BigInteger,
        nullable=False,
        comment="every event of a transaction below this number is in this tree",
    ),
    recorded_at(),
)

log_cosignature = Table(
    "log_cosignature",
    metadata,
    Column("size", BigInteger, ForeignKey("log_head.size"), nullable=False),
    Column("party_id", BigInteger, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column(
        "signature",
        LargeBinary,
        CheckConstraint("octet_length(signature) = 72", name="signature"),
        nullable=False,
        comment="cosignature/v1: eight bytes of time in seconds since 1970, and the Ed25519 signature",
    ),
    recorded_at(),
    PrimaryKeyConstraint("size", "party_id", "public_key"),
    ForeignKeyConstraint(["party_id", "public_key"], ["party_key.party_id", "party_key.public_key"]),
)
