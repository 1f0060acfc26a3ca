"""Who handed in a file, and so may attach it. Files from before are attached by whoever sees them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger_schema import policies

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "document_holder",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("document_holder_event_fk")),
        sa.ForeignKeyConstraint(["hash"], ["document.hash"], name=op.f("document_holder_document_fk")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("document_holder_party_fk")),
        sa.PrimaryKeyConstraint("hash", "party_id", name=op.f("document_holder_pk")),
        comment="who handed in the file, and so may attach it",
    )
    op.execute("GRANT SELECT ON document_holder TO parkledger_application, parkledger_auditor")
    op.execute("GRANT INSERT ON document_holder TO parkledger_application")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_holder "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
    )
    for statement in policies.secure_statements("document_holder"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("document_holder")
