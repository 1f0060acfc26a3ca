"""Events and idempotency keys."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger_schema.tables.base import (
    HASH_CHECK,
    metadata,
    recorded_at,
)

event = Table(
    "event",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("agreement_id", BigInteger, nullable=True),
    Column("actor", Text, nullable=False),
    Column("canonical", LargeBinary, nullable=False, comment="RFC 8785 JSON, stored once and never rebuilt"),
    Column(
        "hash",
        LargeBinary,
        CheckConstraint("hash = sha256(canonical)", name="hash"),
        nullable=False,
    ),
    recorded_at(),
    Column(
        "transaction_number",
        BigInteger,
        nullable=False,
        server_default=text("(pg_current_xact_id()::text)::bigint"),
        comment="tells the log's sequencer where to look for what was committed late",
    ),
    Index(None, "agreement_id", "event_id"),
    Index(None, "transaction_number"),
    Index(None, "actor", "event_id"),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column(
        "request_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("request_hash"), name="hash"),
        nullable=False,
    ),
    Column("result", JSONB, nullable=False),
    recorded_at(),
    Column(
        "event_ids",
        ARRAY(BigInteger),
        nullable=False,
        server_default=text("'{}'"),
        comment="the events of the act",
    ),
)
