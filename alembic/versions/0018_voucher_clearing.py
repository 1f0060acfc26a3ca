"""Clearing of vouchers: what claims decided becomes figures of returns, each entry once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MEASURES = (
    (
        74,
        "voucher_borne_home",
        "voucher",
        1,
        "本区创新券承担额",
        "vouchers borne for programmes of one's own",
    ),
    (
        75,
        "voucher_borne_partner",
        "voucher",
        1,
        "合作方创新券承担额",
        "vouchers borne for a partner's programmes",
    ),
)
COLUMNS = ("measure_id", "name", "kind", "commodity_id", "name_zh", "name_en")
TABLES = ("voucher_clearing", "voucher_clearing_return", "voucher_entry_cleared")

measure = sa.table("measure", *(sa.column(name) for name in COLUMNS))


def upgrade() -> None:
    op.bulk_insert(measure, [dict(zip(COLUMNS, row, strict=True)) for row in MEASURES])
    create_clearings()
    create_what_is_cleared()
    guard_and_grant()


def downgrade() -> None:
    """Refused by the foreign keys once a return holds one of the measures."""
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("ALTER TABLE measure DISABLE TRIGGER USER")
    op.execute(measure.delete().where(measure.c.measure_id.in_([row[0] for row in MEASURES])))
    op.execute("ALTER TABLE measure ENABLE TRIGGER USER")


def create_clearings() -> None:
    op.create_table(
        "voucher_clearing",
        sa.Column("clearing_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False, comment="of the entries' days"),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("voucher_clearing_quarter_check"),
        ),
        sa.CheckConstraint(
            "char_length(person) BETWEEN 1 AND 60", name=op.f("voucher_clearing_person_check")
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name=op.f("voucher_clearing_agreement_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_clearing_event_fk")),
        sa.PrimaryKeyConstraint("clearing_id", name=op.f("voucher_clearing_pk")),
    )
    op.create_index(
        op.f("voucher_clearing_agreement_id_quarter_index"),
        "voucher_clearing",
        ["agreement_id", "quarter"],
        unique=False,
    )
    op.create_table(
        "voucher_clearing_return",
        sa.Column("clearing_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="the payer's"),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("filing_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "filing_id"],
            ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id"],
            name=op.f("voucher_clearing_return_filing_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["clearing_id"],
            ["voucher_clearing.clearing_id"],
            name=op.f("voucher_clearing_return_voucher_clearing_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name=op.f("voucher_clearing_return_event_fk")
        ),
        sa.PrimaryKeyConstraint("clearing_id", "role", name=op.f("voucher_clearing_return_pk")),
    )


def create_what_is_cleared() -> None:
    op.create_table(
        "voucher_entry_cleared",
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("clearing_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_id", "sequence"],
            ["voucher_entry.claim_id", "voucher_entry.sequence"],
            name=op.f("voucher_entry_cleared_voucher_entry_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["clearing_id"],
            ["voucher_clearing.clearing_id"],
            name=op.f("voucher_entry_cleared_voucher_clearing_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name=op.f("voucher_entry_cleared_event_fk")
        ),
        sa.PrimaryKeyConstraint("claim_id", "sequence", name=op.f("voucher_entry_cleared_pk")),
    )
    op.create_index(
        op.f("voucher_entry_cleared_clearing_id_index"),
        "voucher_entry_cleared",
        ["clearing_id"],
        unique=False,
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
