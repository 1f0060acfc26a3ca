"""Innovation vouchers: programmes, providers, the life of a voucher, and the money that it uses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = (
    "voucher_programme",
    "voucher_programme_confirmation",
    "voucher_provider",
    "provider_certification",
    "voucher_application",
    "voucher",
    "voucher_order",
    "voucher_service",
    "voucher_claim",
    "redeemed_evidence",
    "voucher_flag",
    "voucher_audit",
    "voucher_decision",
    "voucher_entry",
    "voucher_posting",
    "voucher_use",
    "voucher_budget",
    "voucher_reserve",
    "reserve_use",
    "voucher_budget_step",
)

# At commit every claim is whole: what was decided is what was entered, the entry balances, and what the
# payers bear is what was used of the voucher and of the payers' reserves.
CHECK_CLAIM = """
CREATE FUNCTION refuse_unbalanced_voucher_claim() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    checked bigint := NEW.claim_id;
    decided bigint;
    faulty record;
BEGIN
    IF checked IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT amount_minor INTO decided FROM voucher_decision WHERE claim_id = checked;
    IF decided IS DISTINCT FROM coalesce(
        (SELECT amount_minor FROM voucher_entry WHERE claim_id = checked AND sequence = 1), 0)
        OR decided <> coalesce((SELECT amount_minor FROM voucher_use WHERE claim_id = checked), 0)
        OR decided <> (SELECT coalesce(sum(amount_minor), 0) FROM reserve_use WHERE claim_id = checked) THEN
        RAISE EXCEPTION 'claim % is decided with %, which is not what was entered and used', checked, decided
            USING ERRCODE = 'LG003';
    END IF;
    SELECT sequence INTO faulty FROM voucher_entry e WHERE claim_id = checked AND (
        SELECT coalesce(sum(p.amount_minor), 0) <> 0
            OR coalesce(sum(p.amount_minor) FILTER (WHERE p.account = 'payer'), 0)
               <> CASE e.sequence WHEN 1 THEN e.amount_minor ELSE -e.amount_minor END
        FROM voucher_posting p WHERE p.claim_id = e.claim_id AND p.sequence = e.sequence) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of claim % does not balance', faulty.sequence, checked
            USING ERRCODE = 'LG003';
    END IF;
    RETURN NULL;
END $$
"""
CHECKED = ("voucher_decision", "voucher_entry", "voucher_posting", "voucher_use", "reserve_use")


def upgrade() -> None:
    create_programmes()
    create_life()
    create_decisions()
    create_money()
    guard_and_grant()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_unbalanced_voucher_claim()")


def create_programmes() -> None:
    op.create_table(
        "voucher_programme",
        sa.Column("programme_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False, comment="parkledger.voucher-programme/1"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name=op.f("voucher_programme_agreement_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_programme_event_fk")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("voucher_programme_pk")),
        sa.UniqueConstraint("code", name=op.f("voucher_programme_code_key")),
    )
    op.create_index(
        op.f("voucher_programme_agreement_id_index"), "voucher_programme", ["agreement_id"], unique=False
    )
    op.create_table(
        "voucher_provider",
        sa.Column("provider_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("credit_code", sa.Text(), nullable=False, comment="统一社会信用代码, 18 characters"),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False, comment="the zone it is in"),
        sa.Column("controller", sa.Text(), nullable=True, comment="actual controller"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_provider_event_fk")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("voucher_provider_party_fk")),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("voucher_provider_pk")),
        sa.UniqueConstraint("credit_code", name=op.f("voucher_provider_credit_code_key")),
    )
    op.create_index(op.f("voucher_provider_party_id_index"), "voucher_provider", ["party_id"], unique=False)
    op.create_table(
        "provider_certification",
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False, comment="who says it"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True, comment="its last day; null: until further notice"),
        sa.Column("services", postgresql.JSONB(), nullable=False, comment="codes of classes or items"),
        sa.Column("document", sa.Text(), nullable=False, comment="reference to its evidence"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ends >= starts", name=op.f("provider_certification_ends_check")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name=op.f("provider_certification_event_fk")
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["party.party_id"], name=op.f("provider_certification_party_fk")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["voucher_provider.provider_id"],
            name=op.f("provider_certification_voucher_provider_fk"),
        ),
        sa.CheckConstraint(
            "kind IN ('certified', 'suspended')", name=op.f("provider_certification_kind_check")
        ),
        sa.CheckConstraint("sequence > 0", name=op.f("provider_certification_sequence_check")),
        sa.PrimaryKeyConstraint("provider_id", "sequence", name=op.f("provider_certification_pk")),
    )
    op.create_table(
        "voucher_application",
        sa.Column("application_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("programme_id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "list_version", sa.SmallInteger(), nullable=False, comment="of the agreement's enterprise list"
        ),
        sa.Column("controller", sa.Text(), nullable=True, comment="actual controller, as on that list"),
        sa.Column("attributes", postgresql.JSONB(), nullable=False, comment="as on that list"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.enterprise_id"], name=op.f("voucher_application_enterprise_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_application_event_fk")),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["voucher_programme.programme_id"],
            name=op.f("voucher_application_voucher_programme_fk"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("voucher_application_amount_check")),
        sa.PrimaryKeyConstraint("application_id", name=op.f("voucher_application_pk")),
    )
    op.create_index(
        op.f("voucher_application_programme_id_enterprise_id_index"),
        "voucher_application",
        ["programme_id", "enterprise_id"],
        unique=False,
    )
    op.create_table(
        "voucher_programme_confirmation",
        sa.Column("programme_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name=op.f("voucher_programme_confirmation_event_fk")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["voucher_programme.programme_id"],
            name=op.f("voucher_programme_confirmation_voucher_programme_fk"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "role", name=op.f("voucher_programme_confirmation_pk")),
    )
    op.create_table(
        "voucher",
        sa.Column("voucher_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="of its issue"),
        sa.Column("last_day", sa.Date(), nullable=False, comment="on which it can be claimed on"),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("last_day >= day", name=op.f("voucher_last_day_check")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["voucher_application.application_id"],
            name=op.f("voucher_voucher_application_fk"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_event_fk")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("voucher_amount_check")),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("voucher_pk")),
        sa.UniqueConstraint("application_id", name=op.f("voucher_application_id_key")),
        sa.UniqueConstraint("voucher_id", "amount_minor", name=op.f("voucher_voucher_id_amount_minor_key")),
    )


def create_life() -> None:
    op.create_table(
        "voucher_order",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False, comment="its number"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_order_event_fk")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["voucher_provider.provider_id"], name=op.f("voucher_order_voucher_provider_fk")
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["voucher.voucher_id"], name=op.f("voucher_order_voucher_fk")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("voucher_order_amount_check")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("voucher_order_pk")),
    )
    op.create_index(op.f("voucher_order_provider_id_index"), "voucher_order", ["provider_id"], unique=False)
    op.create_index(op.f("voucher_order_voucher_id_index"), "voucher_order", ["voucher_id"], unique=False)
    op.create_table(
        "voucher_claim",
        sa.Column("claim_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_sampled", sa.Boolean(), nullable=False, comment="it is decided only after an audit"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_claim_event_fk")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["voucher_order.order_id"], name=op.f("voucher_claim_voucher_order_fk")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("voucher_claim_amount_check")),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("voucher_claim_pk")),
        sa.UniqueConstraint("claim_id", "amount_minor", name=op.f("voucher_claim_claim_id_amount_minor_key")),
    )
    op.create_index(op.f("voucher_claim_order_id_index"), "voucher_claim", ["order_id"], unique=False)
    op.create_table(
        "voucher_service",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="on which the service was done"),
        sa.Column("document", sa.Text(), nullable=False, comment="reference to its evidence"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_service_event_fk")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["voucher_order.order_id"], name=op.f("voucher_service_voucher_order_fk")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("voucher_service_pk")),
    )
    op.create_table(
        "redeemed_evidence",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False, comment="credit code of who issued it"),
        sa.Column("number", sa.Text(), nullable=False, comment="in one form of writing"),
        sa.Column("line", sa.Text(), nullable=False, comment="of a contract; empty for a receipt"),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["voucher_claim.claim_id"], name=op.f("redeemed_evidence_voucher_claim_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("redeemed_evidence_event_fk")),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32", name=op.f("redeemed_evidence_content_hash_check")
        ),
        sa.CheckConstraint("kind IN ('contract_line', 'receipt')", name=op.f("redeemed_evidence_kind_check")),
        sa.PrimaryKeyConstraint("kind", "issuer", "number", "line", name=op.f("redeemed_evidence_pk")),
    )
    op.create_index(op.f("redeemed_evidence_claim_id_index"), "redeemed_evidence", ["claim_id"], unique=False)
    op.create_index(
        "redeemed_evidence_receipt_key",
        "redeemed_evidence",
        ["content_hash"],
        unique=True,
        postgresql_where=sa.text("kind = 'receipt'"),
    )
    op.create_table(
        "voucher_audit",
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["voucher_claim.claim_id"], name=op.f("voucher_audit_voucher_claim_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_audit_event_fk")),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("voucher_audit_amount_check")),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("voucher_audit_pk")),
    )
    op.create_table(
        "voucher_flag",
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("grounds", postgresql.JSONB(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["voucher_claim.claim_id"], name=op.f("voucher_flag_voucher_claim_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_flag_event_fk")),
        sa.PrimaryKeyConstraint("claim_id", "code", name=op.f("voucher_flag_pk")),
    )


def create_decisions() -> None:
    op.create_table(
        "voucher_decision",
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", postgresql.JSONB(), nullable=False, comment="the arithmetic by clause"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["voucher_claim.claim_id"], name=op.f("voucher_decision_voucher_claim_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_decision_event_fk")),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("voucher_decision_amount_check")),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("voucher_decision_pk")),
    )
    op.create_table(
        "voucher_entry",
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("programme_id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "quota_group", sa.Text(), nullable=False, comment="the actual controller, else the enterprise"
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("kept_minor", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "quota_day",
            sa.Date(),
            nullable=True,
            comment="against whose year it counts; null: the quota stays spent",
        ),
        sa.Column(
            "reason", sa.Text(), nullable=False, comment="why it is recovered; empty for what is approved"
        ),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "previous", sa.BigInteger(), sa.Computed("nullif(sequence - 1, 0)", persisted=True), nullable=True
        ),
        sa.Column(
            "found_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence > 1 THEN amount_minor + kept_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "sequence > 1 OR (kept_minor = amount_minor AND quota_day IS NOT NULL)",
            name=op.f("voucher_entry_approved_check"),
        ),
        sa.ForeignKeyConstraint(
            ["claim_id", "previous", "found_minor"],
            ["voucher_entry.claim_id", "voucher_entry.sequence", "voucher_entry.kept_minor"],
            name="voucher_entry_previous_fk",
        ),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["voucher_decision.claim_id"], name=op.f("voucher_entry_voucher_decision_fk")
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.enterprise_id"], name=op.f("voucher_entry_enterprise_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_entry_event_fk")),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["voucher_programme.programme_id"],
            name=op.f("voucher_entry_voucher_programme_fk"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("voucher_entry_amount_check")),
        sa.CheckConstraint("kept_minor >= 0", name=op.f("voucher_entry_kept_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("voucher_entry_sequence_check")),
        sa.PrimaryKeyConstraint("claim_id", "sequence", name=op.f("voucher_entry_pk")),
        sa.UniqueConstraint("claim_id", "sequence", "amount_minor", name="voucher_entry_amount_key"),
        sa.UniqueConstraint("claim_id", "sequence", "kept_minor", name="voucher_entry_kept_key"),
    )
    op.create_index(
        op.f("voucher_entry_enterprise_id_index"), "voucher_entry", ["enterprise_id"], unique=False
    )
    op.create_index(
        op.f("voucher_entry_programme_id_quota_group_index"),
        "voucher_entry",
        ["programme_id", "quota_group"],
        unique=False,
    )
    op.create_table(
        "voucher_posting",
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("posting", sa.SmallInteger(), nullable=False),
        sa.Column(
            "account",
            sa.Text(),
            nullable=False,
            comment="payer: what its budget bears; provider: what is due to it",
        ),
        sa.Column("clause", sa.SmallInteger(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("party_id", sa.BigInteger(), nullable=True, comment="the payer"),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "num_nulls(clause, role, party_id) = CASE account WHEN 'payer' THEN 0 ELSE 3 END AND "
            "(account = 'provider') = (provider_id IS NOT NULL)",
            name=op.f("voucher_posting_side_check"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_posting_event_fk")),
        sa.ForeignKeyConstraint(
            ["claim_id", "sequence"],
            ["voucher_entry.claim_id", "voucher_entry.sequence"],
            name=op.f("voucher_posting_voucher_entry_fk"),
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("voucher_posting_party_fk")),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["voucher_provider.provider_id"],
            name=op.f("voucher_posting_voucher_provider_fk"),
        ),
        sa.CheckConstraint("account IN ('payer', 'provider')", name=op.f("voucher_posting_account_check")),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("voucher_posting_amount_check")),
        sa.PrimaryKeyConstraint("claim_id", "sequence", "posting", name=op.f("voucher_posting_pk")),
        sa.UniqueConstraint(
            "claim_id", "sequence", "posting", "amount_minor", name="voucher_posting_amount_key"
        ),
    )
    op.create_table(
        "voucher_use",
        sa.Column("voucher_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("left_minor", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "entry",
            sa.BigInteger(),
            sa.Computed("CASE WHEN kind = 'claim' THEN 1 ELSE NULL END", persisted=True),
            nullable=True,
        ),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "whole_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence = 1 THEN amount_minor + left_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.Column(
            "previous", sa.BigInteger(), sa.Computed("nullif(sequence - 1, 0)", persisted=True), nullable=True
        ),
        sa.Column(
            "found_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence > 1 THEN amount_minor + left_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.CheckConstraint("(kind = 'claim') = (claim_id IS NOT NULL)", name=op.f("voucher_use_claim_check")),
        sa.CheckConstraint("kind = 'claim' OR left_minor = 0", name=op.f("voucher_use_end_check")),
        sa.ForeignKeyConstraint(
            ["claim_id", "entry", "amount_minor"],
            ["voucher_entry.claim_id", "voucher_entry.sequence", "voucher_entry.amount_minor"],
            name="voucher_use_entry_fk",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_use_event_fk")),
        sa.ForeignKeyConstraint(
            ["voucher_id", "previous", "found_minor"],
            ["voucher_use.voucher_id", "voucher_use.sequence", "voucher_use.left_minor"],
            name="voucher_use_previous_fk",
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id", "whole_minor"],
            ["voucher.voucher_id", "voucher.amount_minor"],
            name="voucher_use_whole_fk",
        ),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.voucher_id"], name=op.f("voucher_use_voucher_fk")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("voucher_use_amount_check")),
        sa.CheckConstraint(
            "kind IN ('claim', 'cancelled', 'expired', 'forfeited')", name=op.f("voucher_use_kind_check")
        ),
        sa.CheckConstraint("left_minor >= 0", name=op.f("voucher_use_left_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("voucher_use_sequence_check")),
        sa.PrimaryKeyConstraint("voucher_id", "sequence", name=op.f("voucher_use_pk")),
        sa.UniqueConstraint("claim_id", name=op.f("voucher_use_claim_id_key")),
        sa.UniqueConstraint("voucher_id", "sequence", "left_minor", name="voucher_use_left_key"),
    )


def create_money() -> None:
    op.create_table(
        "voucher_budget",
        sa.Column("budget_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("programme_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="the payer's"),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_budget_event_fk")),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["voucher_programme.programme_id"],
            name=op.f("voucher_budget_voucher_programme_fk"),
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("voucher_budget_amount_check")),
        sa.PrimaryKeyConstraint("budget_id", name=op.f("voucher_budget_pk")),
        sa.UniqueConstraint(
            "budget_id", "amount_minor", name=op.f("voucher_budget_budget_id_amount_minor_key")
        ),
        sa.UniqueConstraint(
            "programme_id", "role", "starts", name=op.f("voucher_budget_programme_id_role_starts_key")
        ),
    )
    op.create_table(
        "voucher_reserve",
        sa.Column("reserve_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("budget_id", sa.BigInteger(), nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["budget_id"], ["voucher_budget.budget_id"], name=op.f("voucher_reserve_voucher_budget_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_reserve_event_fk")),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["voucher.voucher_id"], name=op.f("voucher_reserve_voucher_fk")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("voucher_reserve_amount_check")),
        sa.PrimaryKeyConstraint("reserve_id", name=op.f("voucher_reserve_pk")),
        sa.UniqueConstraint(
            "reserve_id", "amount_minor", name=op.f("voucher_reserve_reserve_id_amount_minor_key")
        ),
    )
    op.create_index(op.f("voucher_reserve_budget_id_index"), "voucher_reserve", ["budget_id"], unique=False)
    op.create_index(op.f("voucher_reserve_voucher_id_index"), "voucher_reserve", ["voucher_id"], unique=False)
    op.create_table(
        "reserve_use",
        sa.Column("reserve_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("left_minor", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=True, comment="null: it is released"),
        sa.Column(
            "entry",
            sa.BigInteger(),
            sa.Computed("CASE WHEN claim_id IS NULL THEN NULL ELSE 1 END", persisted=True),
            nullable=True,
        ),
        sa.Column("posting", sa.SmallInteger(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "whole_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence = 1 THEN amount_minor + left_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.Column(
            "previous", sa.BigInteger(), sa.Computed("nullif(sequence - 1, 0)", persisted=True), nullable=True
        ),
        sa.Column(
            "found_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence > 1 THEN amount_minor + left_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.CheckConstraint("num_nulls(claim_id, posting) IN (0, 2)", name=op.f("reserve_use_posting_check")),
        sa.ForeignKeyConstraint(
            ["claim_id", "entry", "posting", "amount_minor"],
            [
                "voucher_posting.claim_id",
                "voucher_posting.sequence",
                "voucher_posting.posting",
                "voucher_posting.amount_minor",
            ],
            name="reserve_use_posting_fk",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("reserve_use_event_fk")),
        sa.ForeignKeyConstraint(
            ["reserve_id", "previous", "found_minor"],
            ["reserve_use.reserve_id", "reserve_use.sequence", "reserve_use.left_minor"],
            name="reserve_use_previous_fk",
        ),
        sa.ForeignKeyConstraint(
            ["reserve_id", "whole_minor"],
            ["voucher_reserve.reserve_id", "voucher_reserve.amount_minor"],
            name="reserve_use_whole_fk",
        ),
        sa.ForeignKeyConstraint(
            ["reserve_id"], ["voucher_reserve.reserve_id"], name=op.f("reserve_use_voucher_reserve_fk")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("reserve_use_amount_check")),
        sa.CheckConstraint("left_minor >= 0", name=op.f("reserve_use_left_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("reserve_use_sequence_check")),
        sa.PrimaryKeyConstraint("reserve_id", "sequence", name=op.f("reserve_use_pk")),
        sa.UniqueConstraint("claim_id", "posting", name=op.f("reserve_use_claim_id_posting_key")),
        sa.UniqueConstraint("reserve_id", "sequence", "amount_minor", name="reserve_use_amount_key"),
        sa.UniqueConstraint("reserve_id", "sequence", "left_minor", name="reserve_use_left_key"),
    )
    op.create_table(
        "voucher_budget_step",
        sa.Column("budget_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("open_minor", sa.BigInteger(), nullable=False),
        sa.Column("budget_minor", sa.BigInteger(), nullable=False, comment="the whole"),
        sa.Column("reserve_id", sa.BigInteger(), nullable=True, comment="what is set aside"),
        sa.Column(
            "released_of", sa.BigInteger(), nullable=True, comment="the reserve that is released in part"
        ),
        sa.Column("release", sa.BigInteger(), nullable=True, comment="its use that releases it"),
        sa.Column(
            "claim_id", sa.BigInteger(), nullable=True, comment="the claim from which it was recovered"
        ),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("posting", sa.SmallInteger(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "previous", sa.BigInteger(), sa.Computed("nullif(sequence - 1, 0)", persisted=True), nullable=True
        ),
        sa.Column(
            "found_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence > 1 THEN amount_minor + open_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.Column(
            "given_back_minor", sa.BigInteger(), sa.Computed("-amount_minor", persisted=True), nullable=True
        ),
        sa.CheckConstraint(
            "num_nonnulls(reserve_id, released_of, claim_id) = 1 AND "
            "(reserve_id IS NOT NULL) = (amount_minor > 0)",
            name=op.f("voucher_budget_step_kind_check"),
        ),
        sa.CheckConstraint(
            "num_nulls(claim_id, entry, posting) IN (0, 3)", name=op.f("voucher_budget_step_posting_check")
        ),
        sa.CheckConstraint(
            "num_nulls(released_of, release) IN (0, 2)", name=op.f("voucher_budget_step_release_check")
        ),
        sa.CheckConstraint("open_minor <= budget_minor", name=op.f("voucher_budget_step_whole_check")),
        sa.CheckConstraint(
            "sequence > 1 OR amount_minor + open_minor = budget_minor",
            name=op.f("voucher_budget_step_first_check"),
        ),
        sa.ForeignKeyConstraint(
            ["budget_id", "budget_minor"],
            ["voucher_budget.budget_id", "voucher_budget.amount_minor"],
            name="voucher_budget_step_whole_fk",
        ),
        sa.ForeignKeyConstraint(
            ["budget_id", "previous", "found_minor"],
            [
                "voucher_budget_step.budget_id",
                "voucher_budget_step.sequence",
                "voucher_budget_step.open_minor",
            ],
            name="voucher_budget_step_previous_fk",
        ),
        sa.ForeignKeyConstraint(
            ["claim_id", "entry", "posting", "amount_minor"],
            [
                "voucher_posting.claim_id",
                "voucher_posting.sequence",
                "voucher_posting.posting",
                "voucher_posting.amount_minor",
            ],
            name="voucher_budget_step_posting_fk",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("voucher_budget_step_event_fk")),
        sa.ForeignKeyConstraint(
            ["released_of", "release", "given_back_minor"],
            ["reserve_use.reserve_id", "reserve_use.sequence", "reserve_use.amount_minor"],
            name="voucher_budget_step_release_fk",
        ),
        sa.ForeignKeyConstraint(
            ["reserve_id", "amount_minor"],
            ["voucher_reserve.reserve_id", "voucher_reserve.amount_minor"],
            name="voucher_budget_step_reserve_fk",
        ),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("voucher_budget_step_amount_check")),
        sa.CheckConstraint("open_minor >= 0", name=op.f("voucher_budget_step_open_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("voucher_budget_step_sequence_check")),
        sa.PrimaryKeyConstraint("budget_id", "sequence", name=op.f("voucher_budget_step_pk")),
        sa.UniqueConstraint("budget_id", "sequence", "open_minor", name="voucher_budget_step_open_key"),
        sa.UniqueConstraint(
            "claim_id", "entry", "posting", name=op.f("voucher_budget_step_claim_id_entry_posting_key")
        ),
        sa.UniqueConstraint(
            "released_of", "release", name=op.f("voucher_budget_step_released_of_release_key")
        ),
        sa.UniqueConstraint("reserve_id", name=op.f("voucher_budget_step_reserve_id_key")),
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
    op.execute(CHECK_CLAIM)
    op.execute("REVOKE ALL ON FUNCTION refuse_unbalanced_voucher_claim() FROM PUBLIC")
    for table in CHECKED:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER claim_is_whole AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_voucher_claim()"
        )
