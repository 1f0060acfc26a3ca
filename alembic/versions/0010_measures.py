"""Measures of taxable income and of innovation vouchers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MEASURES = (
    (20, "taxable_income", "tax_base", 1, "应纳税所得额", "taxable income"),
    (71, "voucher_service_cost", "voucher", 1, "创新券服务费用", "cost of services bought with vouchers"),
    (72, "voucher_approved", "voucher", 1, "创新券核定金额", "approved vouchers"),
    (73, "voucher_recovered", "voucher", 1, "创新券追回金额", "recovered vouchers"),
)
COLUMNS = ("measure_id", "name", "kind", "commodity_id", "name_zh", "name_en")

measure = sa.table("measure", *(sa.column(name) for name in COLUMNS))


def upgrade() -> None:
    op.bulk_insert(measure, [dict(zip(COLUMNS, row, strict=True)) for row in MEASURES])


def downgrade() -> None:
    """Refused by the foreign keys once a return holds one of them."""
    op.execute("ALTER TABLE measure DISABLE TRIGGER USER")
    op.execute(measure.delete().where(measure.c.measure_id.in_([row[0] for row in MEASURES])))
    op.execute("ALTER TABLE measure ENABLE TRIGGER USER")
