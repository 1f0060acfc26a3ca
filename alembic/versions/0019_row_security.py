"""Row security: a session sees what it says it may see, and one that says nothing sees nothing.

The policies are those of ``ledger_schema.policies``. A later revision that adds a table secures it with
``secure_statements``, and one that changes a policy repeats them.
"""

from __future__ import annotations

from alembic import op

from ledger_schema import policies

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = (
    "access_token",
    "access_token_revocation",
    "account",
    "account_balance",
    "agreement",
    "agreement_party",
    "agreement_quarter",
    "agreement_version",
    "agreement_version_state",
    "allocation",
    "carried",
    "commitment",
    "commitment_confirmation",
    "commitment_evidence",
    "commitment_record",
    "document",
    "document_attachment",
    "enterprise",
    "enterprise_list",
    "enterprise_list_confirmation",
    "enterprise_list_entry",
    "evaluation",
    "event",
    "filing",
    "filing_certification",
    "filing_commitment",
    "filing_total",
    "idempotency_key",
    "indicator_target",
    "journal_entry",
    "leg",
    "leg_clearing",
    "leg_objection",
    "netting",
    "netting_party",
    "netting_signature",
    "occurrence",
    "occurrence_confirmation",
    "payable",
    "payment",
    "payment_file",
    "payment_use",
    "posting",
    "quarter_reopened",
    "quarter_reopening",
    "quarter_reopening_signature",
    "reconciliation_item",
    "reconciliation_line",
    "reconciliation_step",
    "redeemed_evidence",
    "refused_act",
    "reserve_use",
    "return_line",
    "review",
    "review_step",
    "salted_tree",
    "settled_credit",
    "settled_flow",
    "settlement",
    "settlement_cause",
    "settlement_proposal",
    "settlement_signature",
    "sign_in_attempt",
    "user_account",
    "user_closing",
    "user_grant",
    "user_grant_ending",
    "user_identity",
    "user_password",
    "version_signature",
    "voucher",
    "voucher_application",
    "voucher_audit",
    "voucher_budget",
    "voucher_budget_step",
    "voucher_claim",
    "voucher_clearing",
    "voucher_clearing_return",
    "voucher_decision",
    "voucher_entry",
    "voucher_entry_cleared",
    "voucher_flag",
    "voucher_order",
    "voucher_posting",
    "voucher_programme",
    "voucher_programme_confirmation",
    "voucher_reserve",
    "voucher_service",
    "voucher_use",
    "waiver",
)


# A stage has no row security: so only who may write anything may have one, and nobody reads it.
STAGE_QUARTER = """
CREATE OR REPLACE FUNCTION stage_quarter(booked integer) RETURNS TABLE (table_name text, stage_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET client_min_messages = warning AS $$
BEGIN
    {check}PERFORM lock_booked_quarter(booked);
    FOR table_name IN SELECT * FROM partitioned_tables() LOOP
        stage_name := format('%s_%s_stage', table_name, booked);
        EXECUTE format('DROP TABLE IF EXISTS public.%I', stage_name);
        PERFORM create_beside(table_name, stage_name, booked);
        EXECUTE format('GRANT {rights} ON public.%I TO parkledger_application', stage_name);
        RETURN NEXT;
    END LOOP;
END $$
"""
CHECK = """IF coalesce(current_setting('parkledger.sees_everything', true), '') <> 'on' THEN
        RAISE EXCEPTION 'only a session that sees everything stages a quarter' USING ERRCODE = '42501';
    END IF;
    """


def upgrade() -> None:
    op.execute(STAGE_QUARTER.format(check=CHECK, rights="INSERT"))
    for statement in policies.function_statements():
        op.execute(statement)
    for table in TABLES:
        for statement in policies.secure_statements(table):
            op.execute(statement)
    for view in policies.VIEWS:
        op.execute(f"ALTER VIEW {view} SET (security_invoker = true)")


def downgrade() -> None:
    for view in policies.VIEWS:
        op.execute(f"ALTER VIEW {view} RESET (security_invoker)")
    for table in TABLES:
        for statement in policies.unsecure_statements(table):
            op.execute(statement)
    for signature in reversed(policies.FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    op.execute(STAGE_QUARTER.format(check="", rights="SELECT, INSERT"))
