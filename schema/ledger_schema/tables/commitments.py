"""What an agreement promises beside money: the promises, what was recorded of them, who confirmed it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
)

from ledger_schema.tables.base import metadata, recorded_at

_CODE_CHECK = "code ~ '^[a-z][a-z0-9_]{0,47}$'"

commitment = Table(
    "commitment",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("code", Text, CheckConstraint(_CODE_CHECK, name="code"), nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('people_exchange', 'project_referral', 'joint_fund', 'joint_research', "
            "'shared_platform', 'talent_standard', 'result_transfer', 'remote_registration', "
            "'matching_event')",
            name="kind",
        ),
        nullable=False,
    ),
    Column("due_day", Date, comment="the last day on which it is kept in time; null: without a day"),
    Column("target_count", Integer, CheckConstraint("target_count > 0", name="target_count")),
    PrimaryKeyConstraint("agreement_id", "version", "code"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["agreement_version.agreement_id", "agreement_version.version"]
    ),
    comment="the promises in the signed terms, written when a version comes into force",
)

commitment_record = Table(
    "commitment_record",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("code", Text, CheckConstraint(_CODE_CHECK, name="code"), nullable=False),
    Column("sequence", SmallInteger, CheckConstraint("sequence > 0", name="sequence"), nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('progress', 'done', 'dropped')", name="kind"),
        nullable=False,
    ),
    Column("day", Date, nullable=False),
    Column(
        "reached_count",
        Integer,
        CheckConstraint("reached_count >= 0", name="reached_count"),
        comment="how many of the target there are, all told",
    ),
    Column("note", Text, nullable=False),
    Column("recorded_by", Text, nullable=False, comment="role"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "code", "sequence"),
    ForeignKeyConstraint(
        ["agreement_id", "recorded_by"], ["agreement_party.agreement_id", "agreement_party.role"]
    ),
)

commitment_evidence = Table(
    "commitment_evidence",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("sequence", SmallInteger, nullable=False),
    Column("hash", LargeBinary, ForeignKey("document.hash"), nullable=False),
    PrimaryKeyConstraint("agreement_id", "code", "sequence", "hash"),
    ForeignKeyConstraint(
        ["agreement_id", "code", "sequence"],
        ["commitment_record.agreement_id", "commitment_record.code", "commitment_record.sequence"],
    ),
)

commitment_confirmation = Table(
    "commitment_confirmation",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("sequence", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("agreement_id", "code", "sequence", "role"),
    ForeignKeyConstraint(
        ["agreement_id", "code", "sequence"],
        ["commitment_record.agreement_id", "commitment_record.code", "commitment_record.sequence"],
    ),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)
