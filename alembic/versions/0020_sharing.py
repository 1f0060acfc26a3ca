"""Shared platforms and experts, and their bookings by days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger_schema import policies

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = (
    "shared_resource",
    "shared_resource_withdrawal",
    "resource_booking",
    "resource_booking_step",
    "resource_day",
)


def upgrade() -> None:
    create_tables()
    guard_and_grant()
    for table in TABLES:
        for statement in policies.secure_statements(table):
            op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_tables() -> None:
    op.create_table(
        "shared_resource",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="whose it is"),
        sa.Column("commitment", sa.Text(), nullable=False, comment="code of the promise that it keeps"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column(
            "until_day",
            sa.Date(),
            nullable=True,
            comment="the last day on which it is offered; null: without end",
        ),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("from_day <= until_day", name=op.f("shared_resource_days_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name=op.f("shared_resource_agreement_party_fk"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("shared_resource_event_fk")),
        sa.CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,47}$'", name=op.f("shared_resource_code_check")),
        sa.CheckConstraint("kind IN ('platform', 'expert')", name=op.f("shared_resource_kind_check")),
        sa.PrimaryKeyConstraint("agreement_id", "code", name=op.f("shared_resource_pk")),
    )
    op.create_table(
        "shared_resource_withdrawal",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id", "code"],
            ["shared_resource.agreement_id", "shared_resource.code"],
            name=op.f("shared_resource_withdrawal_shared_resource_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name=op.f("shared_resource_withdrawal_event_fk")
        ),
        sa.PrimaryKeyConstraint("agreement_id", "code", name=op.f("shared_resource_withdrawal_pk")),
    )
    op.create_table(
        "resource_booking",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("booking", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="who asks"),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("until_day - from_day BETWEEN 0 AND 30", name=op.f("resource_booking_days_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "code"],
            ["shared_resource.agreement_id", "shared_resource.code"],
            name=op.f("resource_booking_shared_resource_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name=op.f("resource_booking_agreement_party_fk"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("resource_booking_event_fk")),
        sa.CheckConstraint("booking > 0", name=op.f("resource_booking_booking_check")),
        sa.PrimaryKeyConstraint("agreement_id", "code", "booking", name=op.f("resource_booking_pk")),
    )
    op.create_table(
        "resource_booking_step",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("booking", sa.SmallInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="who says it"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("step = 1 OR kind = 'cancelled'", name=op.f("resource_booking_step_order_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "code", "booking"],
            ["resource_booking.agreement_id", "resource_booking.code", "resource_booking.booking"],
            name=op.f("resource_booking_step_resource_booking_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name=op.f("resource_booking_step_agreement_party_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name=op.f("resource_booking_step_event_fk")
        ),
        sa.CheckConstraint("booking > 0", name=op.f("resource_booking_step_booking_check")),
        sa.CheckConstraint("step IN (1, 2)", name=op.f("resource_booking_step_step_check")),
        sa.CheckConstraint(
            "kind IN ('accepted', 'declined', 'cancelled')", name=op.f("resource_booking_step_kind_check")
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id", "code", "booking", "step", name=op.f("resource_booking_step_pk")
        ),
    )
    op.create_table(
        "resource_day",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "turn",
            sa.SmallInteger(),
            nullable=False,
            comment="odd: the booking takes the day; even: it is free again",
        ),
        sa.Column(
            "after_turn", sa.SmallInteger(), nullable=True, comment="the turn before; null for the first"
        ),
        sa.Column("booking", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("coalesce(after_turn, 0) = turn - 1", name=op.f("resource_day_after_turn_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "code", "booking"],
            ["resource_booking.agreement_id", "resource_booking.code", "resource_booking.booking"],
            name=op.f("resource_day_resource_booking_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "code", "day", "after_turn"],
            ["resource_day.agreement_id", "resource_day.code", "resource_day.day", "resource_day.turn"],
            name=op.f("resource_day_resource_day_fk"),
        ),
        sa.CheckConstraint("turn > 0", name=op.f("resource_day_turn_check")),
        sa.CheckConstraint("booking > 0", name=op.f("resource_day_booking_check")),
        sa.PrimaryKeyConstraint("agreement_id", "code", "day", "turn", name=op.f("resource_day_pk")),
        comment="days of accepted bookings: a day is taken once, and again only after it was released",
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
