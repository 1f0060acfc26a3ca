"""A payer may add to the budget of a period while it runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger_schema import policies

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE, STEP = "voucher_budget_increase", "voucher_budget_step"
GIVES = "reserve_id IS NOT NULL) = (amount_minor > 0)"


def upgrade() -> None:
    create_increases()
    let_steps_increase()
    for statement in policies.secure_statements(TABLE):
        op.execute(statement)


def downgrade() -> None:
    """Refused by the constraints once a budget was increased."""
    op.drop_constraint("voucher_budget_step_increase_fk", STEP, type_="foreignkey")
    op.drop_constraint("voucher_budget_step_previous_fk", STEP, type_="foreignkey")
    for name in ("open_key", "budget_id_increase_key"):
        op.drop_constraint(f"{STEP}_{name}", STEP, type_="unique")
    for name in ("whole", "first", "kind", "increased"):
        op.drop_constraint(op.f(f"{STEP}_{name}_check"), STEP, type_="check")
    for name in ("found_increased_minor", "increase", "increased_minor"):
        op.drop_column(STEP, name)
    op.alter_column(STEP, "budget_minor", comment="the whole")
    op.create_check_constraint(op.f(f"{STEP}_whole_check"), STEP, "open_minor <= budget_minor")
    op.create_check_constraint(
        op.f(f"{STEP}_first_check"), STEP, "sequence > 1 OR amount_minor + open_minor = budget_minor"
    )
    op.create_check_constraint(
        op.f(f"{STEP}_kind_check"), STEP, f"num_nonnulls(reserve_id, released_of, claim_id) = 1 AND ({GIVES}"
    )
    key = ["budget_id", "sequence", "open_minor"]
    op.create_unique_constraint(f"{STEP}_open_key", STEP, key)
    op.create_foreign_key(f"{STEP}_previous_fk", STEP, STEP, ["budget_id", "previous", "found_minor"], key)
    op.drop_table(TABLE)


def create_increases() -> None:
    op.create_table(
        TABLE,
        sa.Column("budget_id", sa.BigInteger(), nullable=False),
        sa.Column("increase", sa.SmallInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="reference to what the money rests on"),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("increase > 0", name=op.f(f"{TABLE}_increase_check")),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"{TABLE}_amount_check")),
        sa.CheckConstraint("char_length(person) BETWEEN 1 AND 60", name=op.f(f"{TABLE}_person_check")),
        sa.ForeignKeyConstraint(
            ["budget_id"], ["voucher_budget.budget_id"], name=op.f(f"{TABLE}_voucher_budget_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f(f"{TABLE}_event_fk")),
        sa.PrimaryKeyConstraint("budget_id", "increase", name=op.f(f"{TABLE}_pk")),
        sa.UniqueConstraint("budget_id", "increase", "amount_minor", name=f"{TABLE}_amount_key"),
    )
    op.execute(f"GRANT SELECT ON {TABLE} TO parkledger_application, parkledger_auditor")
    op.execute(f"GRANT INSERT ON {TABLE} TO parkledger_application")
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
    )


def let_steps_increase() -> None:
    """Every step says by how much the budget was increased so far, and takes that from the step before."""
    op.alter_column(
        STEP, "budget_minor", comment="the whole, without increases", existing_comment="the whole"
    )
    op.add_column(
        STEP,
        sa.Column(
            "increased_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="all increases so far",
        ),
    )
    op.add_column(
        STEP,
        sa.Column(
            "increase", sa.SmallInteger(), nullable=True, comment="the increase by which it gives more"
        ),
    )
    op.add_column(
        STEP,
        sa.Column(
            "found_increased_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence > 1 THEN increased_minor + "
                "CASE WHEN increase IS NULL THEN 0 ELSE amount_minor END ELSE NULL::bigint END",
                persisted=True,
            ),
            nullable=True,
        ),
    )
    op.drop_constraint("voucher_budget_step_previous_fk", STEP, type_="foreignkey")
    op.drop_constraint("voucher_budget_step_open_key", STEP, type_="unique")
    for name in ("whole", "first", "kind"):
        op.drop_constraint(op.f(f"{STEP}_{name}_check"), STEP, type_="check")
    check_steps()


def check_steps() -> None:
    op.create_check_constraint(op.f(f"{STEP}_increased_check"), STEP, "increased_minor >= 0")
    op.create_check_constraint(
        op.f(f"{STEP}_whole_check"), STEP, "open_minor <= budget_minor + increased_minor"
    )
    op.create_check_constraint(
        op.f(f"{STEP}_first_check"),
        STEP,
        "sequence > 1 OR (amount_minor + open_minor = budget_minor AND "
        "increased_minor = CASE WHEN increase IS NULL THEN 0 ELSE -amount_minor END)",
    )
    op.create_check_constraint(
        op.f(f"{STEP}_kind_check"),
        STEP,
        f"num_nonnulls(reserve_id, released_of, claim_id, increase) = 1 AND ({GIVES}",
    )
    key = ["budget_id", "sequence", "open_minor", "increased_minor"]
    op.create_unique_constraint(f"{STEP}_open_key", STEP, key)
    op.create_unique_constraint(op.f(f"{STEP}_budget_id_increase_key"), STEP, ["budget_id", "increase"])
    op.create_foreign_key(
        f"{STEP}_previous_fk",
        STEP,
        STEP,
        ["budget_id", "previous", "found_minor", "found_increased_minor"],
        key,
    )
    op.create_foreign_key(
        f"{STEP}_increase_fk",
        STEP,
        TABLE,
        ["budget_id", "increase", "given_back_minor"],
        ["budget_id", "increase", "amount_minor"],
    )
