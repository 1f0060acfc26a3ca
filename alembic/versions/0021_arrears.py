"""Indexes by which arrears are found without reading any table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OF_LEG = (
    "commodity_id",
    "due_day",
    "second_day",
    "payer_party_id",
    "payee_party_id",
    "agreement_id",
    "booked_quarter",
    "settlement_id",
    "amount_minor",
    "recorded_at",
)


def upgrade() -> None:
    op.create_index("leg_arrears_index", "leg", ["leg_id"], postgresql_include=OF_LEG)
    op.create_index(
        "leg_clearing_whole_index",
        "leg_clearing",
        ["leg_id"],
        postgresql_include=["recorded_at"],
        postgresql_where=sa.text("open_minor = 0"),
    )


def downgrade() -> None:
    op.drop_index("leg_clearing_whole_index", "leg_clearing")
    op.drop_index("leg_arrears_index", "leg")
