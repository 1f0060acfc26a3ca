"""Payments: what settlements make payable, legs, payments received, nettings and waivers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    "payable",
    "netting",
    "netting_party",
    "netting_signature",
    "leg",
    "leg_clearing",
    "leg_objection",
    "waiver",
    "payment_file",
    "payment",
    "payment_use",
)


def upgrade() -> None:
    create_payable()
    create_netting()
    create_legs()
    create_payments()
    guard_and_grant()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_payable() -> None:
    op.create_table(
        "payable",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("clause", sa.SmallInteger(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("payer_party_id", sa.BigInteger(), nullable=False),
        sa.Column("payee_party_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "booked_minor", sa.BigInteger(), nullable=False, comment="what the settlement's journal makes due"
        ),
        sa.Column(
            "brought_minor", sa.BigInteger(), nullable=False, comment="carried by the settlement before"
        ),
        sa.Column(
            "set_off_minor", sa.BigInteger(), nullable=False, comment="moved between clauses of the same pair"
        ),
        sa.Column("carried_minor", sa.BigInteger(), nullable=False, comment="kept for the next settlement"),
        sa.Column(
            "raised_minor",
            sa.BigInteger(),
            nullable=False,
            comment="its legs together; negative: the other way",
        ),
        sa.CheckConstraint("payer_party_id <> payee_party_id", name=op.f("payable_pair_check")),
        sa.CheckConstraint(
            "raised_minor = booked_minor + brought_minor + set_off_minor - carried_minor",
            name=op.f("payable_raised_check"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id"],
            ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
            name=op.f("payable_settlement_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["commodity_id"], ["commodity.commodity_id"], name=op.f("payable_commodity_fk")
        ),
        sa.ForeignKeyConstraint(["payee_party_id"], ["party.party_id"], name="payable_payee_fk"),
        sa.ForeignKeyConstraint(["payer_party_id"], ["party.party_id"], name="payable_payer_fk"),
        sa.PrimaryKeyConstraint(
            "agreement_id",
            "booked_quarter",
            "settlement_id",
            "clause",
            "commodity_id",
            "payer_party_id",
            "payee_party_id",
            name=op.f("payable_pk"),
        ),
    )


def create_netting() -> None:
    op.create_table(
        "netting",
        sa.Column("netting_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="on which it takes effect"),
        sa.Column(
            "content",
            sa.LargeBinary(),
            nullable=False,
            comment="the exact bytes that are signed: RFC 8785 JSON",
        ),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("content_hash = sha256(content)", name=op.f("netting_content_hash_check")),
        sa.ForeignKeyConstraint(
            ["commodity_id"], ["commodity.commodity_id"], name=op.f("netting_commodity_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("netting_event_fk")),
        sa.PrimaryKeyConstraint("netting_id", name=op.f("netting_pk")),
    )
    op.create_table(
        "netting_party",
        sa.Column("netting_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["netting_id"], ["netting.netting_id"], name=op.f("netting_party_netting_fk")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("netting_party_party_fk")),
        sa.PrimaryKeyConstraint("netting_id", "party_id", name=op.f("netting_party_pk")),
    )
    op.create_index(op.f("netting_party_party_id_index"), "netting_party", ["party_id"], unique=False)
    op.create_table(
        "netting_signature",
        sa.Column("netting_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(signature) = 64", name=op.f("netting_signature_signature_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("netting_signature_event_fk")),
        sa.ForeignKeyConstraint(
            ["netting_id", "party_id"],
            ["netting_party.netting_id", "netting_party.party_id"],
            name=op.f("netting_signature_netting_party_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["party_id", "public_key"],
            ["party_key.party_id", "party_key.public_key"],
            name=op.f("netting_signature_party_key_fk"),
        ),
        sa.PrimaryKeyConstraint("netting_id", "party_id", name=op.f("netting_signature_pk")),
    )


def create_legs() -> None:
    op.create_table(
        "leg",
        sa.Column("leg_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="net: what is left of a netting, and of no one agreement",
        ),
        sa.Column("agreement_id", sa.BigInteger(), nullable=True),
        sa.Column("booked_quarter", sa.Integer(), nullable=True),
        sa.Column("settlement_id", sa.BigInteger(), nullable=True),
        sa.Column("clause", sa.SmallInteger(), nullable=True),
        sa.Column("payer_party_id", sa.BigInteger(), nullable=False),
        sa.Column("payee_party_id", sa.BigInteger(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column(
            "due_day",
            sa.Date(),
            nullable=True,
            comment="the last day on which it is paid in time; null: on demand",
        ),
        sa.Column(
            "second_day",
            sa.Date(),
            nullable=True,
            comment="the second round's; only after it is the leg overdue",
        ),
        sa.Column("may_be_netted", sa.Boolean(), nullable=False),
        sa.Column(
            "monthly_rates",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="[[first day, rate], ...] of interest",
        ),
        sa.Column("of_leg_id", sa.BigInteger(), nullable=True, comment="the leg that the interest is on"),
        sa.Column(
            "months",
            sa.SmallInteger(),
            nullable=True,
            comment="interest through so many months after the due day",
        ),
        sa.Column("netting_id", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("leg_amount_check")),
        sa.CheckConstraint("form IN ('direct', 'year_end', 'set_off', 'fund')", name=op.f("leg_form_check")),
        sa.CheckConstraint("kind IN ('settlement', 'interest', 'net')", name=op.f("leg_kind_check")),
        sa.CheckConstraint(
            "(kind = 'interest') = (of_leg_id IS NOT NULL AND months IS NOT NULL)",
            name=op.f("leg_interest_check"),
        ),
        sa.CheckConstraint(
            "(kind <> 'net' OR agreement_id IS NULL) AND "
            "(kind <> 'settlement' OR agreement_id IS NOT NULL) AND "
            "num_nulls(agreement_id, booked_quarter, settlement_id, clause) IN (0, 4)",
            name=op.f("leg_settlement_check"),
        ),
        sa.CheckConstraint("(kind = 'net') = (netting_id IS NOT NULL)", name=op.f("leg_netting_check")),
        sa.CheckConstraint("payer_party_id <> payee_party_id", name=op.f("leg_pair_check")),
        sa.CheckConstraint("second_day IS NULL OR second_day >= due_day", name=op.f("leg_second_day_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id"],
            ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
            name=op.f("leg_settlement_fk"),
        ),
        sa.ForeignKeyConstraint(["commodity_id"], ["commodity.commodity_id"], name=op.f("leg_commodity_fk")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("leg_event_fk")),
        sa.ForeignKeyConstraint(["netting_id"], ["netting.netting_id"], name=op.f("leg_netting_fk")),
        sa.ForeignKeyConstraint(["of_leg_id"], ["leg.leg_id"], name=op.f("leg_leg_fk")),
        sa.ForeignKeyConstraint(["payee_party_id"], ["party.party_id"], name="leg_payee_fk"),
        sa.ForeignKeyConstraint(["payer_party_id"], ["party.party_id"], name="leg_payer_fk"),
        sa.PrimaryKeyConstraint("leg_id", name=op.f("leg_pk")),
        sa.UniqueConstraint("leg_id", "amount_minor", name=op.f("leg_leg_id_amount_minor_key")),
        sa.UniqueConstraint("of_leg_id", "months", name="leg_interest_key"),
    )
    op.create_index(
        op.f("leg_agreement_id_booked_quarter_index"), "leg", ["agreement_id", "booked_quarter"], unique=False
    )
    op.create_index(op.f("leg_payee_party_id_index"), "leg", ["payee_party_id"], unique=False)
    op.create_index(op.f("leg_settlement_id_index"), "leg", ["settlement_id"], unique=False)
    op.create_index(
        op.f("leg_payer_party_id_payee_party_id_index"),
        "leg",
        ["payer_party_id", "payee_party_id"],
        unique=False,
    )
    op.create_table(
        "leg_clearing",
        sa.Column("leg_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("open_minor", sa.BigInteger(), nullable=False, comment="what is left of the leg after it"),
        sa.Column(
            "day", sa.Date(), nullable=False, comment="value date, or the day of the netting or waiver"
        ),
        sa.Column("netting_id", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "whole_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence = 1 THEN amount_minor + open_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.Column(
            "previous",
            sa.SmallInteger(),
            sa.Computed("nullif(sequence - 1, 0)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "found_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence > 1 THEN amount_minor + open_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("leg_clearing_amount_check")),
        sa.CheckConstraint("kind IN ('payment', 'netting', 'waiver')", name=op.f("leg_clearing_kind_check")),
        sa.CheckConstraint("open_minor >= 0", name=op.f("leg_clearing_open_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("leg_clearing_sequence_check")),
        sa.CheckConstraint(
            "(kind = 'netting') = (netting_id IS NOT NULL)", name=op.f("leg_clearing_netting_check")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("leg_clearing_event_fk")),
        sa.ForeignKeyConstraint(
            ["leg_id", "previous", "found_minor"],
            ["leg_clearing.leg_id", "leg_clearing.sequence", "leg_clearing.open_minor"],
            name="leg_clearing_previous_fk",
        ),
        sa.ForeignKeyConstraint(
            ["leg_id", "whole_minor"], ["leg.leg_id", "leg.amount_minor"], name="leg_clearing_whole_fk"
        ),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.leg_id"], name=op.f("leg_clearing_leg_fk")),
        sa.ForeignKeyConstraint(["netting_id"], ["netting.netting_id"], name=op.f("leg_clearing_netting_fk")),
        sa.PrimaryKeyConstraint("leg_id", "sequence", name=op.f("leg_clearing_pk")),
        sa.UniqueConstraint("leg_id", "sequence", "amount_minor", name="leg_clearing_amount_key"),
        sa.UniqueConstraint("leg_id", "sequence", "open_minor", name="leg_clearing_open_key"),
    )
    op.create_table(
        "leg_objection",
        sa.Column("leg_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column(
            "stands", sa.Boolean(), nullable=False, comment="false: it is withdrawn; the last row counts"
        ),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("sequence > 0", name=op.f("leg_objection_sequence_check")),
        sa.CheckConstraint("stands = (sequence % 2 = 1)", name=op.f("leg_objection_turns_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("leg_objection_event_fk")),
        sa.ForeignKeyConstraint(["leg_id"], ["leg.leg_id"], name=op.f("leg_objection_leg_fk")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("leg_objection_party_fk")),
        sa.PrimaryKeyConstraint("leg_id", "sequence", name=op.f("leg_objection_pk")),
    )
    op.create_table(
        "waiver",
        sa.Column("leg_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column(
            "content",
            sa.LargeBinary(),
            nullable=False,
            comment="the exact bytes that were signed: RFC 8785 JSON",
        ),
        sa.Column("party_id", sa.BigInteger(), nullable=False, comment="the payee"),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(signature) = 64", name=op.f("waiver_signature_check")),
        sa.ForeignKeyConstraint(
            ["leg_id", "sequence"],
            ["leg_clearing.leg_id", "leg_clearing.sequence"],
            name=op.f("waiver_leg_clearing_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["party_id", "public_key"],
            ["party_key.party_id", "party_key.public_key"],
            name=op.f("waiver_party_key_fk"),
        ),
        sa.PrimaryKeyConstraint("leg_id", "sequence", name=op.f("waiver_pk")),
    )


def create_payments() -> None:
    op.create_table(
        "payment_file",
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payment_count", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(content_hash) = 32", name=op.f("payment_file_content_hash_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("payment_file_event_fk")),
        sa.PrimaryKeyConstraint("content_hash", name=op.f("payment_file_pk")),
    )
    op.create_table(
        "payment",
        sa.Column("payment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "channel",
            sa.Text(),
            nullable=False,
            comment="year_end: a remittance or grant line of the year-end settlement",
        ),
        sa.Column("payer_party_id", sa.BigInteger(), nullable=False),
        sa.Column("payer_account", sa.Text(), nullable=False),
        sa.Column(
            "reference", sa.Text(), nullable=False, comment="the line's own, unique in the payer's account"
        ),
        sa.Column("payee_party_id", sa.BigInteger(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("value_day", sa.Date(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False, comment="what the payer wrote; may name a leg"),
        sa.Column("recorded_by", sa.Text(), nullable=False, comment="person"),
        sa.Column("file_hash", sa.LargeBinary(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("payment_amount_check")),
        sa.CheckConstraint("channel IN ('bank', 'treasury', 'year_end')", name=op.f("payment_channel_check")),
        sa.CheckConstraint("payer_party_id <> payee_party_id", name=op.f("payment_pair_check")),
        sa.ForeignKeyConstraint(
            ["commodity_id"], ["commodity.commodity_id"], name=op.f("payment_commodity_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("payment_event_fk")),
        sa.ForeignKeyConstraint(
            ["file_hash"], ["payment_file.content_hash"], name=op.f("payment_payment_file_fk")
        ),
        sa.ForeignKeyConstraint(["payee_party_id"], ["party.party_id"], name="payment_payee_fk"),
        sa.ForeignKeyConstraint(["payer_party_id"], ["party.party_id"], name="payment_payer_fk"),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("payment_pk")),
        sa.UniqueConstraint("payer_party_id", "payer_account", "reference", name="payment_line_key"),
        sa.UniqueConstraint("payment_id", "amount_minor", name=op.f("payment_payment_id_amount_minor_key")),
    )
    op.create_index(op.f("payment_payee_party_id_index"), "payment", ["payee_party_id"], unique=False)
    op.create_table(
        "payment_use",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "rest_minor", sa.BigInteger(), nullable=False, comment="what is left of the payment after it"
        ),
        sa.Column("leg_id", sa.BigInteger(), nullable=False),
        sa.Column("leg_sequence", sa.SmallInteger(), nullable=False),
        sa.Column(
            "matched_by",
            sa.Text(),
            nullable=False,
            comment="the leg that the payment names, or the payee's word",
        ),
        sa.Column(
            "whole_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence = 1 THEN amount_minor + rest_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.Column(
            "previous",
            sa.SmallInteger(),
            sa.Computed("nullif(sequence - 1, 0)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "found_minor",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN sequence > 1 THEN amount_minor + rest_minor ELSE NULL::bigint END", persisted=True
            ),
            nullable=True,
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("payment_use_amount_check")),
        sa.CheckConstraint(
            "matched_by IN ('reference', 'confirmation')", name=op.f("payment_use_matched_by_check")
        ),
        sa.CheckConstraint("rest_minor >= 0", name=op.f("payment_use_rest_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("payment_use_sequence_check")),
        sa.ForeignKeyConstraint(
            ["leg_id", "leg_sequence", "amount_minor"],
            ["leg_clearing.leg_id", "leg_clearing.sequence", "leg_clearing.amount_minor"],
            name=op.f("payment_use_leg_clearing_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id", "previous", "found_minor"],
            ["payment_use.payment_id", "payment_use.sequence", "payment_use.rest_minor"],
            name="payment_use_previous_fk",
        ),
        sa.ForeignKeyConstraint(
            ["payment_id", "whole_minor"],
            ["payment.payment_id", "payment.amount_minor"],
            name="payment_use_whole_fk",
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.payment_id"], name=op.f("payment_use_payment_fk")),
        sa.PrimaryKeyConstraint("payment_id", "sequence", name=op.f("payment_use_pk")),
        sa.UniqueConstraint("leg_id", "leg_sequence", name="payment_use_clearing_key"),
        sa.UniqueConstraint("payment_id", "sequence", "rest_minor", name="payment_use_rest_key"),
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
