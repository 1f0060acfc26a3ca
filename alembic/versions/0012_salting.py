"""Salted trees over lines and allocations by subject, with their leaves; hashes of the entries of lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "salted_tree",
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
        sa.Column(
            "leaves",
            sa.LargeBinary(),
            nullable=False,
            comment="of each subject in order: its number, 8 bytes, and the hash of its leaf, 32",
        ),
        sa.CheckConstraint("octet_length(secret) = 32", name=op.f("salted_tree_secret_check")),
        sa.CheckConstraint("octet_length(leaves) % 40 = 0", name=op.f("salted_tree_leaves_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name="salted_tree_agreement_fk"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="salted_tree_event_fk"),
        sa.PrimaryKeyConstraint("event_id", name="salted_tree_pk"),
    )
    # Hashes don't get smaller: trying to compress them costs a tenth of the time of a national import.
    op.execute("ALTER TABLE salted_tree ALTER COLUMN leaves SET STORAGE EXTERNAL")
    op.execute("GRANT SELECT ON salted_tree TO parkledger_application, parkledger_auditor")
    op.execute("GRANT INSERT ON salted_tree TO parkledger_application")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON salted_tree "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
    )
    op.add_column(
        "enterprise_list",
        sa.Column(
            "entry_hashes",
            sa.LargeBinary(),
            comment="of each enterprise in order: its number, 8 bytes, and the SHA-256 of its entry, 32",
        ),
    )
    op.create_check_constraint(
        op.f("enterprise_list_entry_hashes_check"), "enterprise_list", "octet_length(entry_hashes) % 40 = 0"
    )


def downgrade() -> None:
    op.drop_column("enterprise_list", "entry_hashes")
    op.drop_table("salted_tree")
