"""Platforms and experts that an agreement's parties share: what is offered, and its bookings by days."""

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

from ledger_schema.tables.base import metadata, recorded_at

_RESOURCE = ["agreement_id", "code"]
_BOOKING = [*_RESOURCE, "booking"]
_DAY = [*_RESOURCE, "day"]


def _of_agreement() -> tuple[Column[int], Column[str]]:
    return Column("agreement_id", BigInteger, nullable=False), Column("code", Text, nullable=False)


def _booking() -> Column[int]:
    return Column("booking", SmallInteger, CheckConstraint("booking > 0", name="booking"), nullable=False)


def _event() -> Column[int]:
    return Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False)


def _of(table: str, columns: list[str]) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(columns, [f"{table}.{column}" for column in columns])


shared_resource = Table(
    "shared_resource",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("code", Text, CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,47}$'", name="code"), nullable=False),
    Column("role", Text, nullable=False, comment="whose it is"),
    Column("commitment", Text, nullable=False, comment="code of the promise that it keeps"),
    Column("kind", Text, CheckConstraint("kind IN ('platform', 'expert')", name="kind"), nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("offer", Text, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("until_day", Date, comment="the last day on which it is offered; null: without end"),
    _event(),
    recorded_at(),
    CheckConstraint("from_day <= until_day", name="days"),
    PrimaryKeyConstraint(*_RESOURCE),
    _of("agreement_party", ["agreement_id", "role"]),
)

shared_resource_withdrawal = Table(
    "shared_resource_withdrawal",
    metadata,
    *_of_agreement(),
    Column("reason", Text, nullable=False),
    _event(),
    recorded_at(),
    PrimaryKeyConstraint(*_RESOURCE),
    _of("shared_resource", _RESOURCE),
)

resource_booking = Table(
    "resource_booking",
    metadata,
    *_of_agreement(),
    _booking(),
    Column("role", Text, nullable=False, comment="who asks"),
    Column("from_day", Date, nullable=False),
    Column("until_day", Date, nullable=False),
    Column("purpose", Text, nullable=False),
    _event(),
    recorded_at(),
    CheckConstraint("until_day - from_day BETWEEN 0 AND 30", name="days"),
    PrimaryKeyConstraint(*_BOOKING),
    _of("shared_resource", _RESOURCE),
    _of("agreement_party", ["agreement_id", "role"]),
)

resource_booking_step = Table(
    "resource_booking_step",
    metadata,
    *_of_agreement(),
    _booking(),
    Column("step", SmallInteger, CheckConstraint("step IN (1, 2)", name="step"), nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('accepted', 'declined', 'cancelled')", name="kind"),
        nullable=False,
    ),
    Column("role", Text, nullable=False, comment="who says it"),
    Column("reason", Text, nullable=False),
    _event(),
    recorded_at(),
    CheckConstraint("step = 1 OR kind = 'cancelled'", name="order"),
    PrimaryKeyConstraint(*_BOOKING, "step"),
    _of("resource_booking", _BOOKING),
    _of("agreement_party", ["agreement_id", "role"]),
)

resource_day = Table(
    "resource_day",
    metadata,
    *_of_agreement(),
    Column("day", Date, nullable=False),
    Column(
        "turn",
        SmallInteger,
        CheckConstraint("turn > 0", name="turn"),
        nullable=False,
        comment="odd: the booking takes the day; even: it is free again",
    ),
    Column("after_turn", SmallInteger, comment="the turn before; null for the first"),
    _booking(),
    CheckConstraint("coalesce(after_turn, 0) = turn - 1", name="after_turn"),
    PrimaryKeyConstraint(*_DAY, "turn"),
    _of("resource_booking", _BOOKING),
    ForeignKeyConstraint([*_DAY, "after_turn"], [f"resource_day.{column}" for column in (*_DAY, "turn")]),
    comment="days of accepted bookings: a day is taken once, and again only after it was released",
)
