"""Returns and their lines, who certified them, and what was committed to beforehand."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ledger_schema.tables.base import (
    FIRST_DAY_CHECK,
    HASH_CHECK,
    PARTITIONED_BY_BOOKED_QUARTER,
    PERSON_CHECK,
    QUARTER_CHECK,
    metadata,
    recorded_at,
)

filing = Table(
    "filing",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False, comment="the open quarter when it was handed in"),
    Column("filing_id", BigInteger, nullable=False),
    Column(
        "quarter", Integer, CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"), nullable=False
    ),
    Column("role", Text, nullable=False),
    Column(
        "sequence",
        Integer,
        CheckConstraint("sequence > 0", name="sequence"),
        nullable=False,
        comment="1 for the first return of this role for the quarter; a later one supersedes",
    ),
    Column("is_nil", Boolean, nullable=False),
    Column("file_name", Text),
    Column(
        "content_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("content_hash"), name="content_hash"),
        nullable=False,
        comment="of the file, or of the canonical lines when handed in by mutation",
    ),
    Column(
        "lines_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("lines_hash"), name="lines_hash"),
        nullable=False,
        comment="over the lines in their fixed-width binary form, in line order",
    ),
    Column("line_count", Integer, CheckConstraint("line_count >= 0", name="line_count"), nullable=False),
    Column(
        "person",
        Text,
        CheckConstraint(PERSON_CHECK.format("person"), name="person"),
        comment="who handed it in; null where nobody was asked",
    ),
    Column(
        "needs_certification",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="whether the terms asked for it when it was handed in",
    ),
    Column(
        "nonce",
        LargeBinary,
        CheckConstraint("octet_length(nonce) = 32", name="nonce"),
        comment="opens the commitment",
    ),
    Column(
        "commitment",
        LargeBinary,
        CheckConstraint(
            "commitment = sha256(convert_to(encode(nonce, 'hex') || encode(content_hash, 'hex'), 'UTF8'))",
            name="commitment",
        ),
        comment="made before the figures were open; null where none was",
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    CheckConstraint("is_nil = (line_count = 0)", name="nil"),
    CheckConstraint("person IS NOT NULL OR NOT needs_certification", name="maker"),
    CheckConstraint("(nonce IS NULL) = (commitment IS NULL)", name="opened"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id"),
    UniqueConstraint("agreement_id", "quarter", "role", "sequence"),
    UniqueConstraint("agreement_id", "booked_quarter", "filing_id", "person"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter"], ["agreement_quarter.agreement_id", "agreement_quarter.quarter"]
    ),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
    ForeignKeyConstraint(
        ["agreement_id", "quarter", "role", "commitment"],
        [
            "filing_commitment.agreement_id",
            "filing_commitment.quarter",
            "filing_commitment.role",
            "filing_commitment.commitment",
        ],
    ),
)

filing_commitment = Table(
    "filing_commitment",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column(
        "quarter", Integer, CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"), nullable=False
    ),
    Column("role", Text, nullable=False),
    Column(
        "sequence",
        SmallInteger,
        CheckConstraint("sequence > 0", name="sequence"),
        nullable=False,
        comment="a later one supersedes, as long as nothing is open",
    ),
    Column(
        "commitment",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("commitment"), name="commitment"),
        nullable=False,
        comment="SHA-256 over the nonce and the hash of the file, both in hexadecimal digits",
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "quarter", "role", "sequence"),
    UniqueConstraint("agreement_id", "quarter", "role", "commitment"),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)

filing_certification = Table(
    "filing_certification",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("filing_id", BigInteger, nullable=False),
    Column("maker", Text, nullable=False, comment="who handed the return in"),
    Column(
        "person",
        Text,
        CheckConstraint(PERSON_CHECK.format("person"), name="person"),
        nullable=False,
        comment="who certified it",
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint("person <> maker", name="second_person"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "filing_id", "maker"],
        ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id", "filing.person"],
    ),
)

filing_total = Table(
    "filing_total",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("filing_id", BigInteger, nullable=False),
    Column("measure_id", SmallInteger, ForeignKey("measure.measure_id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="declared, and equal to the sum of the lines"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id", "measure_id"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "filing_id"],
        ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id"],
    ),
)

return_line = Table(
    "return_line",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("filing_id", BigInteger, nullable=False),
    Column("line", Integer, CheckConstraint("line > 0", name="line"), nullable=False),
    Column("subject_id", BigInteger, nullable=False, comment="enterprise, or 0 for the whole park"),
    Column("measure_id", SmallInteger, nullable=False),
    Column("months", SmallInteger, CheckConstraint("months IN (1, 3)", name="months"), nullable=False),
    Column(
        "starts",
        Date,
        CheckConstraint(FIRST_DAY_CHECK, name="starts"),
        nullable=False,
        comment="first day of the month or quarter the figure is about",
    ),
    Column("amount_minor", BigInteger, nullable=False),
    Column("document", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id", "line"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "filing_id"],
        ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id"],
    ),
    postgresql_partition_by=PARTITIONED_BY_BOOKED_QUARTER,
)
