"""Indexes for questions about history: a party's accounts, an enterprise's agreements, who acted."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEXES = {
    "account": ["party_id", "agreement_id", "account_id"],
    "enterprise_list_entry": ["enterprise_id", "agreement_id"],
    "event": ["actor", "event_id"],
}


def upgrade() -> None:
    for table, columns in INDEXES.items():
        op.create_index(name_of(table, columns), table, columns, unique=False)


def downgrade() -> None:
    for table, columns in INDEXES.items():
        op.drop_index(name_of(table, columns), table_name=table)


def name_of(table: str, columns: list[str]) -> str:
    return op.f(f"{table}_{'_'.join(columns)}_index")
