"""Occurrences: what happens once for a whole agreement, recorded by one side and confirmed by the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("occurrence", "occurrence_confirmation")

KINDS_BEFORE = "kind IN ('correction', 'enterprise_list', 'amendment', 'quarter')"
KINDS = "kind IN ('correction', 'enterprise_list', 'occurrence', 'amendment', 'quarter')"
REFERENCE_BEFORE = "the filing, list version or terms version"
REFERENCE = "the filing, list version, terms version, or the occurrence's name and sequence"


def upgrade() -> None:
    create_tables()
    guard_and_grant()
    allow_causes(KINDS)
    comment_on_reference(REFERENCE_BEFORE, REFERENCE)


def downgrade() -> None:
    """Refused by the check of causes once a settlement has an occurrence as its cause."""
    comment_on_reference(REFERENCE, REFERENCE_BEFORE)
    allow_causes(KINDS_BEFORE)
    for table in reversed(TABLES):
        op.drop_table(table)


def create_tables() -> None:
    op.create_table(
        "occurrence",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "sequence",
            sa.SmallInteger(),
            nullable=False,
            comment="1 for the first record of this name; a later one supersedes",
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="reference to its evidence"),
        sa.Column("recorded_by", sa.Text(), nullable=False, comment="role"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name ~ '^[a-z][a-z0-9_]{0,47}$'", name=op.f("occurrence_name_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("occurrence_sequence_check")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreement.agreement_id"], name="occurrence_agreement_fk"),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="occurrence_event_fk"),
        sa.PrimaryKeyConstraint("agreement_id", "name", "sequence", name="occurrence_pk"),
    )
    op.create_table(
        "occurrence_confirmation",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id", "name", "sequence"],
            ["occurrence.agreement_id", "occurrence.name", "occurrence.sequence"],
            name="occurrence_confirmation_occurrence_fk",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name="occurrence_confirmation_agreement_party_fk",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="occurrence_confirmation_event_fk"),
        sa.PrimaryKeyConstraint(
            "agreement_id", "name", "sequence", "role", name="occurrence_confirmation_pk"
        ),
    )


def guard_and_grant() -> None:
    every = ", ".join(TABLES)
    op.execute(f"GRANT SELECT ON {every} TO parkledger_application, parkledger_auditor")
    op.execute(f"GRANT INSERT ON {every} TO parkledger_application")
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )


def allow_causes(kinds: str) -> None:
    op.drop_constraint(op.f("settlement_cause_kind_check"), "settlement_cause", type_="check")
    op.create_check_constraint(op.f("settlement_cause_kind_check"), "settlement_cause", kinds)


def comment_on_reference(before: str, now: str) -> None:
    op.alter_column(
        "settlement_cause",
        "reference",
        existing_type=sa.Text(),
        existing_nullable=False,
        existing_comment=before,
        comment=now,
    )
