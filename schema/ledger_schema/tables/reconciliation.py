"""What people did about lines that two sides report differently."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from ledger_schema.tables.base import (
    FIRST_DAY_CHECK,
    QUARTER_CHECK,
    metadata,
    recorded_at,
)

reconciliation_item = Table(
    "reconciliation_item",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column(
        "item",
        Integer,
        CheckConstraint("item > 0", name="item"),
        nullable=False,
        comment="1 for the agreement's first; of items about the same lines the latest holds",
    ),
    Column(
        "quarter", Integer, CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"), nullable=False
    ),
    Column("record_role", Text, nullable=False, comment="whose return holds the figures of record"),
    Column("against_role", Text, nullable=False, comment="whose return they are compared with"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint("record_role <> against_role", name="roles"),
    PrimaryKeyConstraint("agreement_id", "item"),
    ForeignKeyConstraint(
        ["agreement_id", "record_role"],
        ["agreement_party.agreement_id", "agreement_party.role"],
        name="reconciliation_item_record_fk",
    ),
    ForeignKeyConstraint(
        ["agreement_id", "against_role"],
        ["agreement_party.agreement_id", "agreement_party.role"],
        name="reconciliation_item_against_fk",
    ),
)

reconciliation_line = Table(
    "reconciliation_line",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("item", Integer, nullable=False),
    Column("side", Text, CheckConstraint("side IN ('record', 'against')", name="side"), nullable=False),
    Column("subject_id", BigInteger, nullable=False, comment="enterprise, or 0 for the whole park"),
    Column("measure_id", SmallInteger, ForeignKey("measure.measure_id"), nullable=False),
    Column("months", SmallInteger, CheckConstraint("months IN (1, 3)", name="months"), nullable=False),
    Column("starts", Date, CheckConstraint(FIRST_DAY_CHECK, name="starts"), nullable=False),
    Column(
        "amount_minor",
        BigInteger,
        nullable=False,
        comment="what the side reported when the item was opened; another figure ends the item's hold",
    ),
    PrimaryKeyConstraint("agreement_id", "item", "side", "subject_id", "measure_id", "months", "starts"),
    ForeignKeyConstraint(
        ["agreement_id", "item"], ["reconciliation_item.agreement_id", "reconciliation_item.item"]
    ),
)

STEP_KINDS = (
    "acceptance",
    "arbitration",
    "dispute",
    "escalation",
    "explanation",
    "message",
    "proposal",
    "release",
    "withholding",
)

reconciliation_step = Table(
    "reconciliation_step",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("item", Integer, nullable=False),
    Column("step", SmallInteger, CheckConstraint("step > 0", name="step"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("person", Text, nullable=False, comment="who acted, as the client says"),
    Column("reason", Text, comment="code of an explained difference"),
    Column("amount_minor", BigInteger, comment="the figure that is proposed or arbitrated"),
    Column("offer", SmallInteger, comment="the step that is accepted"),
    Column("content", Text, nullable=False, comment="a message, a note, or the arbiter's reasons"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint(f"kind IN ({', '.join(map(repr, STEP_KINDS))})", name="kind"),
    CheckConstraint("(kind = 'explanation') = (reason IS NOT NULL)", name="reason"),
    CheckConstraint(
        "(kind IN ('proposal', 'arbitration')) = (amount_minor IS NOT NULL)", name="amount_minor"
    ),
    CheckConstraint("(kind = 'acceptance') = (offer IS NOT NULL)", name="offer"),
    CheckConstraint("kind NOT IN ('message', 'arbitration') OR content <> ''", name="content"),
    PrimaryKeyConstraint("agreement_id", "item", "step"),
    ForeignKeyConstraint(
        ["agreement_id", "item"], ["reconciliation_item.agreement_id", "reconciliation_item.item"]
    ),
    ForeignKeyConstraint(
        ["agreement_id", "item", "offer"],
        ["reconciliation_step.agreement_id", "reconciliation_step.item", "reconciliation_step.step"],
    ),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)
