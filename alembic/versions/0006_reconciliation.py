"""Reconciliation: items about lines that two sides report differently, and the steps taken about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("reconciliation_item", "reconciliation_line", "reconciliation_step")

KINDS_BEFORE = "kind IN ('correction', 'enterprise_list', 'occurrence', 'amendment', 'quarter')"
KINDS = "kind IN ('correction', 'reconciliation', 'enterprise_list', 'occurrence', 'amendment', 'quarter')"
REFERENCE_BEFORE = "the filing, list version, terms version, or the occurrence's name and sequence"
REFERENCE = (
    "the filing, list version, terms version, the occurrence's name and sequence, or the role of record and "
    "the reconciliation's item"
)


def upgrade() -> None:
    create_item()
    create_line()
    create_step()
    guard_and_grant()
    allow_causes(KINDS)
    comment_on_reference(REFERENCE_BEFORE, REFERENCE)


def downgrade() -> None:
    """Refused by the check of causes once a settlement has a reconciliation as its cause."""
    comment_on_reference(REFERENCE, REFERENCE_BEFORE)
    allow_causes(KINDS_BEFORE)
    for table in reversed(TABLES):
        op.drop_table(table)


def create_item() -> None:
    op.create_table(
        "reconciliation_item",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "item",
            sa.Integer(),
            nullable=False,
            comment="1 for the agreement's first; of items about the same lines the latest holds",
        ),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column(
            "record_role", sa.Text(), nullable=False, comment="whose return holds the figures of record"
        ),
        sa.Column("against_role", sa.Text(), nullable=False, comment="whose return they are compared with"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("item > 0", name=op.f("reconciliation_item_item_check")),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("reconciliation_item_quarter_check"),
        ),
        sa.CheckConstraint("record_role <> against_role", name=op.f("reconciliation_item_roles_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name="reconciliation_item_agreement_fk"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="reconciliation_item_event_fk"),
        sa.ForeignKeyConstraint(
            ["agreement_id", "record_role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name="reconciliation_item_record_fk",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "against_role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name="reconciliation_item_against_fk",
        ),
        sa.PrimaryKeyConstraint("agreement_id", "item", name="reconciliation_item_pk"),
    )


def create_line() -> None:
    op.create_table(
        "reconciliation_line",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column(
            "subject_id", sa.BigInteger(), nullable=False, comment="enterprise, or 0 for the whole park"
        ),
        sa.Column("measure_id", sa.SmallInteger(), nullable=False),
        sa.Column("months", sa.SmallInteger(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column(
            "amount_minor",
            sa.BigInteger(),
            nullable=False,
            comment="what the side reported when the item was opened; another figure ends the item's hold",
        ),
        sa.CheckConstraint("side IN ('record', 'against')", name=op.f("reconciliation_line_side_check")),
        sa.CheckConstraint("months IN (1, 3)", name=op.f("reconciliation_line_months_check")),
        sa.CheckConstraint(
            "date_part('day', starts) = 1 AND (months = 1 OR date_part('month', starts) IN (1, 4, 7, 10))",
            name=op.f("reconciliation_line_starts_check"),
        ),
        sa.ForeignKeyConstraint(
            ["measure_id"], ["measure.measure_id"], name="reconciliation_line_measure_fk"
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "item"],
            ["reconciliation_item.agreement_id", "reconciliation_item.item"],
            name="reconciliation_line_reconciliation_item_fk",
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id",
            "item",
            "side",
            "subject_id",
            "measure_id",
            "months",
            "starts",
            name="reconciliation_line_pk",
        ),
    )


def create_step() -> None:
    op.create_table(
        "reconciliation_step",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False, comment="who acted, as the client says"),
        sa.Column("reason", sa.Text(), nullable=True, comment="code of an explained difference"),
        sa.Column(
            "amount_minor",
            sa.BigInteger(),
            nullable=True,
            comment="the figure that is proposed or arbitrated",
        ),
        sa.Column("offer", sa.SmallInteger(), nullable=True, comment="the step that is accepted"),
        sa.Column(
            "content", sa.Text(), nullable=False, comment="a message, a note, or the arbiter's reasons"
        ),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("step > 0", name=op.f("reconciliation_step_step_check")),
        sa.CheckConstraint(
            "kind IN ('acceptance', 'arbitration', 'dispute', 'escalation', 'explanation', 'message', "
            "'proposal', 'release', 'withholding')",
            name=op.f("reconciliation_step_kind_check"),
        ),
        sa.CheckConstraint(
            "(kind = 'explanation') = (reason IS NOT NULL)", name=op.f("reconciliation_step_reason_check")
        ),
        sa.CheckConstraint(
            "(kind IN ('proposal', 'arbitration')) = (amount_minor IS NOT NULL)",
            name=op.f("reconciliation_step_amount_minor_check"),
        ),
        sa.CheckConstraint(
            "(kind = 'acceptance') = (offer IS NOT NULL)", name=op.f("reconciliation_step_offer_check")
        ),
        sa.CheckConstraint(
            "kind NOT IN ('message', 'arbitration') OR content <> ''",
            name=op.f("reconciliation_step_content_check"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="reconciliation_step_event_fk"),
        sa.ForeignKeyConstraint(
            ["agreement_id", "item"],
            ["reconciliation_item.agreement_id", "reconciliation_item.item"],
            name="reconciliation_step_reconciliation_item_fk",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "item", "offer"],
            ["reconciliation_step.agreement_id", "reconciliation_step.item", "reconciliation_step.step"],
            name="reconciliation_step_reconciliation_step_fk",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name="reconciliation_step_agreement_party_fk",
        ),
        sa.PrimaryKeyConstraint("agreement_id", "item", "step", name="reconciliation_step_pk"),
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
