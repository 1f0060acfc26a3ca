"""Reviews of pairings and zones by provinces, and yearly evaluations of agreements."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from ledger_schema.tables.base import PERSON_CHECK, metadata, recorded_at

review = Table(
    "review",
    metadata,
    Column("review_id", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "reviewer_party_id",
        BigInteger,
        ForeignKey("party.party_id", name="review_reviewer_fk"),
        nullable=False,
    ),
    Column("party_id", BigInteger, ForeignKey("party.party_id", name="review_party_fk"), nullable=False),
    Column(
        "other_party_id",
        BigInteger,
        ForeignKey("party.party_id", name="review_other_party_fk"),
        comment="null: of the one party by itself, else of the pairing of the two",
    ),
    Column("title", Text, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint("party_id <> other_party_id", name="pair"),
    Index(None, "party_id"),
    Index(None, "other_party_id"),
    Index(None, "reviewer_party_id"),
)

review_step = Table(
    "review_step",
    metadata,
    Column("review_id", BigInteger, ForeignKey("review.review_id"), nullable=False),
    Column("step", SmallInteger, CheckConstraint("step > 0", name="step"), nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('finding', 'request', 'answer', 'outcome')", name="kind"),
        nullable=False,
    ),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False, comment="who says it"),
    Column("person", Text, CheckConstraint(PERSON_CHECK.format("person"), name="person"), nullable=False),
    Column("content", Text, nullable=False),
    Column(
        "addressed_party_id",
        BigInteger,
        ForeignKey("party.party_id", name="review_step_addressed_fk"),
        comment="of a request: who is to answer",
    ),
    Column("due_day", Date, comment="of a request: by when"),
    Column(
        "outcome",
        Text,
        CheckConstraint("outcome IN ('corrected', 'accepted', 'not_corrected')", name="outcome"),
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint("(kind = 'request') = (addressed_party_id IS NOT NULL)", name="addressed"),
    CheckConstraint("(kind = 'request') = (due_day IS NOT NULL)", name="due_day"),
    CheckConstraint("(kind = 'outcome') = (outcome IS NOT NULL)", name="outcome_kind"),
    PrimaryKeyConstraint("review_id", "step"),
)

evaluation = Table(
    "evaluation",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("year", SmallInteger, CheckConstraint("year BETWEEN 1949 AND 2999", name="year"), nullable=False),
    Column("reviewer_party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column("sequence", SmallInteger, CheckConstraint("sequence > 0", name="sequence"), nullable=False),
    Column(
        "verdict",
        Text,
        CheckConstraint("verdict IN ('kept', 'partly', 'not_kept')", name="verdict"),
        nullable=False,
    ),
    Column("remark", Text, nullable=False),
    Column("person", Text, CheckConstraint(PERSON_CHECK.format("person"), name="person"), nullable=False),
    Column("figures", LargeBinary, nullable=False, comment="RFC 8785 JSON: what was known then"),
    Column(
        "figures_hash",
        LargeBinary,
        CheckConstraint("figures_hash = sha256(figures)", name="figures_hash"),
        nullable=False,
    ),
    Column("known_at", DateTime(timezone=True), nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "year", "reviewer_party_id", "sequence"),
)
