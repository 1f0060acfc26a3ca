"""What plans ask of a zone's statistics."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from ledger_schema.tables.base import metadata, recorded_at

indicator_target = Table(
    "indicator_target",
    metadata,
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column(
        "measure_id",
        SmallInteger,
        ForeignKey("measure.measure_id"),
        # The ids of the statistics; money has no place in this table.
        CheckConstraint("measure_id BETWEEN 101 AND 199", name="measure_id"),
        nullable=False,
    ),
    Column("year", SmallInteger, CheckConstraint("year BETWEEN 1949 AND 2999", name="year"), nullable=False),
    Column(
        "sequence",
        SmallInteger,
        CheckConstraint("sequence > 0", name="sequence"),
        nullable=False,
        comment="1 for the first target of this statistic and year; a later one supersedes",
    ),
    Column(
        "book_id",
        SmallInteger,
        ForeignKey("book.book_id"),
        CheckConstraint("book_id = 2", name="book_id"),
        nullable=False,
        comment="a plan is measured in the official book, never in the assessment book",
    ),
    Column(
        "amount_minor",
        BigInteger,
        CheckConstraint("amount_minor > 0", name="amount_minor"),
        nullable=False,
    ),
    Column("source", Text, nullable=False, comment="the plan, by its document"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("party_id", "measure_id", "year", "sequence"),
)
