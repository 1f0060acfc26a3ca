"""Balances carried forward: what every account held when a quarter closed.

``carry_balances`` writes them, in the transaction that closes the quarter. A row holds the balance of entries
about quarters up to ``quarter``, booked up to and in ``booked_quarter``. A close writes one for each account
and quarter that its settlement posts about, and again for each later quarter that has one: the balance as
known at the close is then the row of the latest quarter up to the one asked for, in its latest version.

Only the last closed quarter can be reopened, and only until the next one is computed. So the rows of earlier
quarters that stand rest on nothing that can still be undone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CARRY_BALANCES = """
CREATE FUNCTION carry_balances(closed_agreement_id bigint, closed_quarter integer, closing_id bigint)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH moved AS (
        SELECT account_id, quarter, sum(amount_minor) AS amount_minor
        FROM posting JOIN journal_entry USING (agreement_id, booked_quarter, settlement_id, entry)
        WHERE (agreement_id, booked_quarter, settlement_id)
            = (closed_agreement_id, closed_quarter, closing_id)
        GROUP BY account_id, quarter
    ), carried_before AS (
        SELECT account_id, quarter, booked_quarter, balance_minor
        FROM account_balance
        WHERE agreement_id = closed_agreement_id AND booked_quarter < closed_quarter
            AND NOT EXISTS (
                SELECT FROM quarter_reopened
                WHERE (quarter_reopened.agreement_id, quarter_reopened.booked_quarter,
                       quarter_reopened.settlement_id)
                    = (account_balance.agreement_id, account_balance.booked_quarter,
                       account_balance.settlement_id))
    ), steps AS (
        SELECT account_id, quarter FROM moved
        UNION
        SELECT account_id, carried_before.quarter
        FROM (SELECT account_id, min(quarter) AS quarter FROM moved GROUP BY account_id) AS first_moved
        JOIN carried_before USING (account_id)
        WHERE carried_before.quarter > first_moved.quarter
    )
    INSERT INTO account_balance
        (agreement_id, account_id, quarter, booked_quarter, settlement_id, balance_minor)
    SELECT closed_agreement_id, account_id, quarter, closed_quarter, closing_id,
           coalesce(
               (SELECT balance_minor FROM carried_before
                WHERE carried_before.account_id = steps.account_id
                    AND carried_before.quarter <= steps.quarter
                ORDER BY carried_before.quarter DESC, booked_quarter DESC LIMIT 1), 0)
           + (SELECT sum(amount_minor) FROM moved
              WHERE moved.account_id = steps.account_id AND moved.quarter <= steps.quarter)
    FROM steps
$$
"""

CARRY_AT_CLOSING = """
CREATE FUNCTION carry_at_closing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM carry_balances(NEW.agreement_id, NEW.quarter, NEW.settlement_id);
    RETURN NULL;
END $$
"""

# A clock that was set back must not let a close be known before what it rests on.
ORDER_CLOSING = """
CREATE FUNCTION order_closing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT greatest(NEW.closed_at, max(closed_at), max(reopened_at)) INTO NEW.closed_at
    FROM quarter_closing WHERE agreement_id = NEW.agreement_id;
    RETURN NEW;
END $$
"""

FUNCTIONS = {
    "carry_balances(bigint, integer, bigint)": CARRY_BALANCES,
    "carry_at_closing()": CARRY_AT_CLOSING,
    "order_closing()": ORDER_CLOSING,
}
TRIGGERS = {
    "order_closing": "BEFORE UPDATE ON agreement_quarter FOR EACH ROW "
    "WHEN (NEW.state = 'closed' AND OLD.state = 'open') EXECUTE FUNCTION order_closing()",
    "carry_at_closing": "AFTER UPDATE ON agreement_quarter FOR EACH ROW "
    "WHEN (NEW.state = 'closed' AND OLD.state = 'open') EXECUTE FUNCTION carry_at_closing()",
}
CARRY_EVERY_CLOSING = """
DO $$
BEGIN
    PERFORM carry_balances(agreement_id, quarter, settlement_id)
    FROM (SELECT * FROM quarter_closing ORDER BY agreement_id, quarter) AS closings;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "account_balance",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "quarter",
            sa.Integer(),
            nullable=False,
            comment="the balance is of entries about quarters up to this one",
        ),
        sa.Column(
            "booked_quarter",
            sa.Integer(),
            nullable=False,
            comment="and booked in quarters up to this one, in this one by the settlement",
        ),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("balance_minor", sa.Numeric(38, 0), nullable=False, comment="a sum of 64-bit amounts"),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("account_balance_quarter_check"),
        ),
        sa.CheckConstraint("quarter <= booked_quarter", name=op.f("account_balance_not_ahead_check")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name="account_balance_account_fk"),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id"],
            ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
            name="account_balance_settlement_fk",
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id",
            "account_id",
            "quarter",
            "booked_quarter",
            "settlement_id",
            name="account_balance_pk",
        ),
    )
    op.execute("GRANT SELECT ON account_balance TO parkledger_application, parkledger_auditor")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_balance "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
    )
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(CARRY_EVERY_CLOSING)
    for name, trigger in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {trigger}")


def downgrade() -> None:
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON agreement_quarter")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("account_balance")
