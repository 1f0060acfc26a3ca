"""Accounts, their passwords, roles and tokens, and what they were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = (
    "user_account",
    "access_token",
    "refused_act",
    "sign_in_attempt",
    "user_closing",
    "user_grant",
    "user_identity",
    "user_password",
    "access_token_revocation",
    "user_grant_ending",
)


def upgrade() -> None:
    create_tables()
    guard_and_grant()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_tables() -> None:
    op.create_table(
        "user_account",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="with which it signs in, and which events name"),
        sa.Column(
            "person", sa.Text(), nullable=False, comment="whose it is; accounts of one person are one person"
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'", name=op.f("user_account_name_check")),
        sa.CheckConstraint("char_length(person) BETWEEN 1 AND 60", name=op.f("user_account_person_check")),
        sa.CheckConstraint("kind IN ('person', 'service')", name=op.f("user_account_kind_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("user_account_event_fk")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("user_account_pk")),
        sa.UniqueConstraint("name", name=op.f("user_account_name_key")),
    )
    op.create_table(
        "access_token",
        sa.Column("token_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False, comment="by which its owner knows it"),
        sa.Column(
            "hash",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the token, which is random and never stored",
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("access_token_hash_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("access_token_event_fk")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.user_id"], name=op.f("access_token_user_account_fk")
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("access_token_pk")),
        sa.UniqueConstraint("hash", name=op.f("access_token_hash_key")),
    )
    op.create_index(
        op.f("access_token_user_id_token_id_index"), "access_token", ["user_id", "token_id"], unique=False
    )
    op.create_table(
        "refused_act",
        sa.Column("refusal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False, comment="the mutation or download, by its name"),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column(
            "subject_name", sa.Text(), nullable=False, comment="as the request named it, existing or not"
        ),
        sa.Column("party_id", sa.BigInteger(), nullable=True, comment="for whom it would have been"),
        sa.Column("key", sa.Text(), nullable=False, comment="the idempotency key of the request"),
        sa.Column("code", sa.Text(), nullable=False, comment="why"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("refused_act_party_fk")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.user_id"], name=op.f("refused_act_user_account_fk")
        ),
        sa.PrimaryKeyConstraint("refusal_id", name=op.f("refused_act_pk")),
    )
    op.create_index(
        op.f("refused_act_party_id_refusal_id_index"), "refused_act", ["party_id", "refusal_id"], unique=False
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("attempt_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.user_id"], name=op.f("sign_in_attempt_user_account_fk")
        ),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("sign_in_attempt_pk")),
    )
    op.create_index(
        op.f("sign_in_attempt_user_id_recorded_at_index"),
        "sign_in_attempt",
        ["user_id", "recorded_at"],
        unique=False,
    )
    op.create_table(
        "user_closing",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("user_closing_event_fk")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.user_id"], name=op.f("user_closing_user_account_fk")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("user_closing_pk")),
    )
    op.create_table(
        "user_grant",
        sa.Column("grant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=True),
        sa.Column("province_code", sa.Text(), nullable=True),
        sa.Column(
            "ends", sa.Date(), nullable=True, comment="the last day (Beijing time); null: until it is ended"
        ),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "CASE role WHEN 'auditor' THEN province_code IS NULL "
            "WHEN 'province' THEN party_id IS NULL AND province_code IS NOT NULL "
            "WHEN 'operator' THEN party_id IS NULL AND province_code IS NULL "
            "ELSE role IN ('officer', 'approver') AND party_id IS NOT NULL AND province_code IS NULL END",
            name=op.f("user_grant_role_check"),
        ),
        sa.CheckConstraint("province_code ~ '^[0-9]{6}$'", name=op.f("user_grant_province_code_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("user_grant_event_fk")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("user_grant_party_fk")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.user_id"], name=op.f("user_grant_user_account_fk")
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("user_grant_pk")),
    )
    op.create_index(op.f("user_grant_user_id_index"), "user_grant", ["user_id"], unique=False)
    op.create_table(
        "user_identity",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("user_identity_event_fk")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.user_id"], name=op.f("user_identity_user_account_fk")
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("user_identity_pk")),
    )
    op.create_index(op.f("user_identity_user_id_index"), "user_identity", ["user_id"], unique=False)
    op.create_table(
        "user_password",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="the last one counts"),
        sa.Column("verifier", sa.Text(), nullable=False, comment="argon2id with its parameters and salt"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("user_password_event_fk")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.user_id"], name=op.f("user_password_user_account_fk")
        ),
        sa.PrimaryKeyConstraint("user_id", "sequence", name=op.f("user_password_pk")),
    )
    op.create_table(
        "access_token_revocation",
        sa.Column("token_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name=op.f("access_token_revocation_event_fk")
        ),
        sa.ForeignKeyConstraint(
            ["token_id"], ["access_token.token_id"], name=op.f("access_token_revocation_access_token_fk")
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("access_token_revocation_pk")),
    )
    op.create_table(
        "user_grant_ending",
        sa.Column("grant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=op.f("user_grant_ending_event_fk")),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["user_grant.grant_id"], name=op.f("user_grant_ending_user_grant_fk")
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("user_grant_ending_pk")),
    )


def guard_and_grant() -> None:
    every = ", ".join(TABLES)
    told = ", ".join(table for table in TABLES if table != "user_password")
    op.execute(f"GRANT SELECT, INSERT ON {every} TO parkledger_application")
    op.execute(f"GRANT SELECT ON {told} TO parkledger_auditor")
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
