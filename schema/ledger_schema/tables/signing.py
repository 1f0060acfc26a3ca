"""What the sides sign of a quarter: its settlement before it closes, and its reopening afterwards."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    column,
    table,
)

from ledger_schema.tables.base import metadata, recorded_at

_SETTLEMENT = ("agreement_id", "booked_quarter", "settlement_id")
_REOPENING = (*_SETTLEMENT, "request")


def _settlement_columns() -> list[Column[int]]:
    return [
        Column("agreement_id", BigInteger, nullable=False),
        Column("booked_quarter", Integer, nullable=False),
        Column("settlement_id", BigInteger, nullable=False),
    ]


def _content_columns() -> list[Column[bytes]]:
    return [
        Column("content", LargeBinary, nullable=False, comment="the exact bytes that are signed: RFC 8785"),
        Column(
            "content_hash",
            LargeBinary,
            CheckConstraint("content_hash = sha256(content)", name="content_hash"),
            nullable=False,
        ),
    ]


def _signature_columns() -> list[Column[object]]:
    return [
        Column("role", Text, nullable=False),
        Column("party_id", BigInteger, nullable=False),
        Column("public_key", LargeBinary, nullable=False),
        Column(
            "signature",
            LargeBinary,
            CheckConstraint("octet_length(signature) = 64", name="signature"),
            nullable=False,
        ),
    ]


def _event_id() -> Column[int]:
    return Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False)


def _references(parent: str, names: tuple[str, ...]) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(names, [f"{parent}.{name}" for name in names])


def _signer_references() -> list[ForeignKeyConstraint]:
    return [
        _references("agreement_party", ("agreement_id", "role", "party_id")),
        _references("party_key", ("party_id", "public_key")),
    ]


settlement_proposal = Table(
    "settlement_proposal",
    metadata,
    *_settlement_columns(),
    *_content_columns(),
    _event_id(),
    recorded_at(),
    PrimaryKeyConstraint(*_SETTLEMENT),
    _references("settlement", _SETTLEMENT),
)

settlement_signature = Table(
    "settlement_signature",
    metadata,
    *_settlement_columns(),
    *_signature_columns(),
    _event_id(),
    recorded_at(),
    PrimaryKeyConstraint(*_SETTLEMENT, "role"),
    _references("settlement_proposal", _SETTLEMENT),
    *_signer_references(),
)

quarter_reopening = Table(
    "quarter_reopening",
    metadata,
    *_settlement_columns(),
    Column(
        "request",
        SmallInteger,
        CheckConstraint("request > 0", name="request"),
        nullable=False,
        comment="1 for the first request about this settlement; only the newest counts",
    ),
    Column("reason", Text, nullable=False),
    *_content_columns(),
    _event_id(),
    recorded_at(),
    PrimaryKeyConstraint(*_REOPENING),
    _references("settlement", _SETTLEMENT),
)

quarter_reopening_signature = Table(
    "quarter_reopening_signature",
    metadata,
    *_settlement_columns(),
    Column("request", SmallInteger, nullable=False),
    *_signature_columns(),
    _event_id(),
    recorded_at(),
    PrimaryKeyConstraint(*_REOPENING, "role"),
    _references("quarter_reopening", _REOPENING),
    *_signer_references(),
)

# Written by the owner's function reopen_quarter alone.
quarter_reopened = Table(
    "quarter_reopened",
    metadata,
    *_settlement_columns(),
    Column("request", SmallInteger, nullable=False),
    Column("closed_at", DateTime(timezone=True), nullable=False, comment="when the settlement closed it"),
    Column("reopened_at", DateTime(timezone=True), nullable=False),
    _event_id(),
    CheckConstraint("reopened_at > closed_at", name="reopened_at"),
    PrimaryKeyConstraint(*_SETTLEMENT),
    _references("quarter_reopening", _REOPENING),
)

quarter_closing = table(
    "quarter_closing",
    column("agreement_id", BigInteger),
    column("quarter", Integer),
    column("settlement_id", BigInteger),
    column("closed_at", DateTime(timezone=True)),
    column("reopened_at", DateTime(timezone=True)),
)
"""A view: every closing that there ever was, with the moment at which it was undone (null: it stands)."""
