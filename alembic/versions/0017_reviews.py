"""Commitments and what came of them, reviews and evaluations, and sums of what flowed and was credited."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = (
    "commitment",
    "commitment_record",
    "commitment_evidence",
    "commitment_confirmation",
    "review",
    "review_step",
    "evaluation",
    "settled_flow",
    "settled_credit",
)

# Quarters that were closed before there were sums.
FLOWS = """
    WITH mechanisms AS (
        SELECT DISTINCT ON (agreement_id, number) agreement_id, number AS clause, mechanism
        FROM agreement_version JOIN agreement_version_state AS entered USING (agreement_id, version),
            jsonb_to_recordset(convert_from(terms, 'UTF8')::jsonb -> 'clauses')
                AS clause (number smallint, what jsonb), jsonb_to_record(what) AS said (mechanism text)
        WHERE entered.state = 'in_force'
        ORDER BY agreement_id, number, version DESC
    )
    INSERT INTO settled_flow
    SELECT agreement_id, booked_quarter, settlement_id, 1, mechanism, commodity_id, payer_party_id,
        payee_party_id, sum(booked_minor)
    FROM payable JOIN mechanisms USING (agreement_id, clause)
    GROUP BY agreement_id, booked_quarter, settlement_id, mechanism, commodity_id, payer_party_id,
        payee_party_id
    HAVING sum(booked_minor) <> 0
"""
CREDITS = """
    INSERT INTO settled_credit
    SELECT agreement_id, booked_quarter, settlement_id, 1, account.book_id, account.commodity_id,
        party_id, sum(amount_minor)
    FROM quarter_closing AS closing
        JOIN posting USING (agreement_id, settlement_id) JOIN account USING (agreement_id, account_id)
    WHERE booked_quarter = closing.quarter AND kind = 'credited'
    GROUP BY agreement_id, booked_quarter, settlement_id, account.book_id, account.commodity_id, party_id
    HAVING sum(amount_minor) <> 0
"""
REVERSED_FLOWS = """
    INSERT INTO settled_flow
    SELECT agreement_id, booked_quarter, settlement_id, 2, mechanism, commodity_id, payer_party_id,
        payee_party_id, -amount_minor
    FROM settled_flow JOIN quarter_reopened USING (agreement_id, booked_quarter, settlement_id)
"""
REVERSED_CREDITS = """
    INSERT INTO settled_credit
    SELECT agreement_id, booked_quarter, settlement_id, 2, book_id, commodity_id, party_id, -amount_minor
    FROM settled_credit JOIN quarter_reopened USING (agreement_id, booked_quarter, settlement_id)
"""


def upgrade() -> None:
    create_commitments()
    create_reviews()
    create_sums()
    for statement in (FLOWS, CREDITS, REVERSED_FLOWS, REVERSED_CREDITS):
        op.execute(statement)
    guard_and_grant()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_commitments() -> None:
    op.create_table(
        "commitment",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "due_day",
            sa.Date(),
            nullable=True,
            comment="the last day on which it is kept in time; null: without a day",
        ),
        sa.Column("target_count", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('people_exchange', 'project_referral', 'joint_fund', 'joint_research', "
            "'shared_platform', 'talent_standard', 'result_transfer', 'remote_registration', "
            "'matching_event')",
            name=op.f("commitment_kind_check"),
        ),
        sa.CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,47}$'", name=op.f("commitment_code_check")),
        sa.CheckConstraint("target_count > 0", name=op.f("commitment_target_count_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "version"],
            ["agreement_version.agreement_id", "agreement_version.version"],
            name=op.f("commitment_agreement_version_fk"),
        ),
        sa.PrimaryKeyConstraint("agreement_id", "version", "code", name=op.f("commitment_pk")),
        comment="the promises in the signed terms, written when a version comes into force",
    )
    op.create_table(
        "commitment_record",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "reached_count", sa.Integer(), nullable=True, comment="how many of the target there are, all told"
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False, comment="role"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('progress', 'done', 'dropped')", name=op.f("commitment_record_kind_check")
        ),
        sa.CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,47}$'", name=op.f("commitment_record_code_check")),
        sa.CheckConstraint("reached_count >= 0", name=op.f("commitment_record_reached_count_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("commitment_record_sequence_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "recorded_by"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name=op.f("commitment_record_agreement_party_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name=op.f("commitment_record_agreement_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("commitment_record_event_fk")),
        sa.PrimaryKeyConstraint("agreement_id", "code", "sequence", name=op.f("commitment_record_pk")),
    )
    op.create_table(
        "commitment_confirmation",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id", "code", "sequence"],
            ["commitment_record.agreement_id", "commitment_record.code", "commitment_record.sequence"],
            name=op.f("commitment_confirmation_commitment_record_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name=op.f("commitment_confirmation_agreement_party_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name=op.f("commitment_confirmation_event_fk")
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id", "code", "sequence", "role", name=op.f("commitment_confirmation_pk")
        ),
    )
    op.create_table(
        "commitment_evidence",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id", "code", "sequence"],
            ["commitment_record.agreement_id", "commitment_record.code", "commitment_record.sequence"],
            name=op.f("commitment_evidence_commitment_record_fk"),
        ),
        sa.ForeignKeyConstraint(["hash"], ["document.hash"], name=op.f("commitment_evidence_document_fk")),
        sa.PrimaryKeyConstraint(
            "agreement_id", "code", "sequence", "hash", name=op.f("commitment_evidence_pk")
        ),
    )


def create_reviews() -> None:
    op.create_table(
        "evaluation",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("reviewer_party_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False, comment="RFC 8785 JSON: what was known then"),
        sa.Column("figures_hash", sa.LargeBinary(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("figures_hash = sha256(figures)", name=op.f("evaluation_figures_hash_check")),
        sa.CheckConstraint("char_length(person) BETWEEN 1 AND 60", name=op.f("evaluation_person_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("evaluation_sequence_check")),
        sa.CheckConstraint(
            "verdict IN ('kept', 'partly', 'not_kept')", name=op.f("evaluation_verdict_check")
        ),
        sa.CheckConstraint("year BETWEEN 1949 AND 2999", name=op.f("evaluation_year_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name=op.f("evaluation_agreement_fk")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("evaluation_event_fk")),
        sa.ForeignKeyConstraint(["reviewer_party_id"], ["party.party_id"], name=op.f("evaluation_party_fk")),
        sa.PrimaryKeyConstraint(
            "agreement_id", "year", "reviewer_party_id", "sequence", name=op.f("evaluation_pk")
        ),
    )
    op.create_table(
        "review",
        sa.Column("review_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reviewer_party_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "other_party_id",
            sa.BigInteger(),
            nullable=True,
            comment="null: of the one party by itself, else of the pairing of the two",
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("party_id <> other_party_id", name=op.f("review_pair_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("review_event_fk")),
        sa.ForeignKeyConstraint(["other_party_id"], ["party.party_id"], name="review_other_party_fk"),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name="review_party_fk"),
        sa.ForeignKeyConstraint(["reviewer_party_id"], ["party.party_id"], name="review_reviewer_fk"),
        sa.PrimaryKeyConstraint("review_id", name=op.f("review_pk")),
    )
    op.create_index(op.f("review_other_party_id_index"), "review", ["other_party_id"], unique=False)
    op.create_index(op.f("review_party_id_index"), "review", ["party_id"], unique=False)
    op.create_index(op.f("review_reviewer_party_id_index"), "review", ["reviewer_party_id"], unique=False)
    op.create_table(
        "review_step",
        sa.Column("review_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False, comment="who says it"),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column(
            "addressed_party_id", sa.BigInteger(), nullable=True, comment="of a request: who is to answer"
        ),
        sa.Column("due_day", sa.Date(), nullable=True, comment="of a request: by when"),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('finding', 'request', 'answer', 'outcome')", name=op.f("review_step_kind_check")
        ),
        sa.CheckConstraint(
            "outcome IN ('corrected', 'accepted', 'not_corrected')", name=op.f("review_step_outcome_check")
        ),
        sa.CheckConstraint("char_length(person) BETWEEN 1 AND 60", name=op.f("review_step_person_check")),
        sa.CheckConstraint("step > 0", name=op.f("review_step_step_check")),
        sa.CheckConstraint(
            "(kind = 'outcome') = (outcome IS NOT NULL)", name=op.f("review_step_outcome_kind_check")
        ),
        sa.CheckConstraint(
            "(kind = 'request') = (addressed_party_id IS NOT NULL)", name=op.f("review_step_addressed_check")
        ),
        sa.CheckConstraint(
            "(kind = 'request') = (due_day IS NOT NULL)", name=op.f("review_step_due_day_check")
        ),
        sa.ForeignKeyConstraint(["addressed_party_id"], ["party.party_id"], name="review_step_addressed_fk"),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("review_step_event_fk")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("review_step_party_fk")),
        sa.ForeignKeyConstraint(["review_id"], ["review.review_id"], name=op.f("review_step_review_fk")),
        sa.PrimaryKeyConstraint("review_id", "step", name=op.f("review_step_pk")),
    )


def create_sums() -> None:
    op.create_table(
        "settled_credit",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "sequence",
            sa.SmallInteger(),
            nullable=False,
            comment="1: added by the close; 2: taken back, negated, because the quarter was reopened",
        ),
        sa.Column("book_id", sa.SmallInteger(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("sequence IN (1, 2)", name=op.f("settled_credit_sequence_check")),
        sa.CheckConstraint("book_id <> 1", name=op.f("settled_credit_book_check")),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("settled_credit_amount_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id"],
            ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
            name=op.f("settled_credit_settlement_fk"),
        ),
        sa.ForeignKeyConstraint(["book_id"], ["book.book_id"], name=op.f("settled_credit_book_fk")),
        sa.ForeignKeyConstraint(
            ["commodity_id"], ["commodity.commodity_id"], name=op.f("settled_credit_commodity_fk")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("settled_credit_party_fk")),
        sa.PrimaryKeyConstraint(
            "agreement_id",
            "booked_quarter",
            "settlement_id",
            "sequence",
            "book_id",
            "commodity_id",
            "party_id",
            name=op.f("settled_credit_pk"),
        ),
    )
    op.create_table(
        "settled_flow",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "sequence",
            sa.SmallInteger(),
            nullable=False,
            comment="1: added by the close; 2: taken back, negated, because the quarter was reopened",
        ),
        sa.Column("mechanism", sa.Text(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("payer_party_id", sa.BigInteger(), nullable=False),
        sa.Column("payee_party_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False, comment="negative: the other way"),
        sa.CheckConstraint("sequence IN (1, 2)", name=op.f("settled_flow_sequence_check")),
        sa.CheckConstraint(
            "mechanism IN ('tax', 'output_value', 'development_revenue', 'innovation_voucher')",
            name=op.f("settled_flow_mechanism_check"),
        ),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("settled_flow_amount_check")),
        sa.CheckConstraint("payer_party_id <> payee_party_id", name=op.f("settled_flow_pair_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id"],
            ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
            name=op.f("settled_flow_settlement_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["commodity_id"], ["commodity.commodity_id"], name=op.f("settled_flow_commodity_fk")
        ),
        sa.ForeignKeyConstraint(["payee_party_id"], ["party.party_id"], name="settled_flow_payee_fk"),
        sa.ForeignKeyConstraint(["payer_party_id"], ["party.party_id"], name="settled_flow_payer_fk"),
        sa.PrimaryKeyConstraint(
            "agreement_id",
            "booked_quarter",
            "settlement_id",
            "sequence",
            "mechanism",
            "commodity_id",
            "payer_party_id",
            "payee_party_id",
            name=op.f("settled_flow_pk"),
        ),
    )
    op.create_index(
        "settled_flow_quarter_index",
        "settled_flow",
        ["booked_quarter"],
        unique=False,
        postgresql_include=["payer_party_id", "payee_party_id", "mechanism", "commodity_id", "amount_minor"],
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
