"""Agreements, the versions of their terms, and their quarters."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
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
    QUARTER_CHECK,
    metadata,
    recorded_at,
)

agreement = Table(
    "agreement",
    metadata,
    Column("agreement_id", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('enclave', 'reverse_enclave', 'partner_park', 'co_built_park', 'entrusted_park', "
            "'off_site_incubation', 'branch_park', 'voucher_recognition')",
            name="kind",
        ),
        nullable=False,
    ),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("source", Text, nullable=False, comment="where its facts come from"),
    Column("unverified", Text, nullable=False, comment="what of it isn't confirmed or is made up"),
    recorded_at(),
)

agreement_party = Table(
    "agreement_party",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column("signs", Boolean, nullable=False),
    PrimaryKeyConstraint("agreement_id", "role"),
    UniqueConstraint("agreement_id", "role", "party_id"),
    Index(None, "party_id"),
)

agreement_version = Table(
    "agreement_version",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("version", SmallInteger, CheckConstraint("version > 0", name="version"), nullable=False),
    Column("terms", LargeBinary, nullable=False, comment="the exact bytes that are signed: RFC 8785 JSON"),
    Column(
        "terms_hash",
        LargeBinary,
        CheckConstraint("terms_hash = sha256(terms)", name="terms_hash"),
        nullable=False,
    ),
    Column(
        "in_force_from",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("in_force_from"), name="quarter"),
        nullable=False,
    ),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version"),
)

agreement_version_state = Table(
    "agreement_version_state",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint(
            "state IN ('draft', 'proposed', 'in_force', 'superseded', 'withdrawn')", name="state"
        ),
        nullable=False,
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version", "state"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["agreement_version.agreement_id", "agreement_version.version"]
    ),
)

version_signature = Table(
    "version_signature",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("party_id", BigInteger, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column(
        "signature",
        LargeBinary,
        CheckConstraint("octet_length(signature) = 64", name="signature"),
        nullable=False,
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version", "role"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["agreement_version.agreement_id", "agreement_version.version"]
    ),
    ForeignKeyConstraint(
        ["agreement_id", "role", "party_id"],
        ["agreement_party.agreement_id", "agreement_party.role", "agreement_party.party_id"],
    ),
    ForeignKeyConstraint(["party_id", "public_key"], ["party_key.party_id", "party_key.public_key"]),
)

agreement_quarter = Table(
    "agreement_quarter",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column(
        "quarter", Integer, CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"), nullable=False
    ),
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('open', 'closed', 'waiting')", name="state"),
        nullable=False,
        server_default="open",
    ),
    Column("settlement_id", BigInteger, comment="the settlement that closed it"),
    Column("closed_at", DateTime(timezone=True)),
    CheckConstraint("(state = 'closed') = (settlement_id IS NOT NULL)", name="settlement"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
    PrimaryKeyConstraint("agreement_id", "quarter"),
    # A settlement refers to its quarter and a closed quarter to its settlement: one of the two comes later.
    ForeignKeyConstraint(
        ["agreement_id", "quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
        use_alter=True,
    ),
    Index("agreement_quarter_one_open", "agreement_id", unique=True, postgresql_where=text("state = 'open'")),
)
