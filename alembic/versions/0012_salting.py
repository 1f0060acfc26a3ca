"""Secrets that salt the lines of returns and the allocations of settlements by subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "salt_secret",
        sa.Column(
            "event_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="the event that names the tree's root",
        ),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "secret",
            sa.LargeBinary(),
            nullable=False,
            comment="SHAKE-256 makes the salts of it; whoever has it can guess what the leaves hold",
        ),
        sa.CheckConstraint("octet_length(secret) = 32", name=op.f("salt_secret_secret_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name="salt_secret_agreement_fk"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="salt_secret_event_fk"),
        sa.PrimaryKeyConstraint("event_id", name="salt_secret_pk"),
    )
    op.execute("GRANT SELECT ON salt_secret TO parkledger_application, parkledger_auditor")
    op.execute("GRANT INSERT ON salt_secret TO parkledger_application")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON salt_secret "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
    )


def downgrade() -> None:
    op.drop_table("salt_secret")
