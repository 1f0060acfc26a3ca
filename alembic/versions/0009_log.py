"""The log: leaves over events, signed heads, and cosignatures of others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("log_leaf", "log_head", "log_cosignature")

# Leaves follow each other without a gap, whoever writes them.
REFUSE_GAP = """
CREATE FUNCTION refuse_gap_in_log() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    appended record;
    size_before bigint;
BEGIN
    SELECT min(leaf_number) AS first, max(leaf_number) AS last, count(*) AS row_count INTO appended
    FROM inserted;
    SELECT coalesce(max(leaf_number) + 1, 0) INTO size_before
    FROM log_leaf WHERE leaf_number < appended.first;
    IF appended.first <> size_before OR appended.last - appended.first + 1 <> appended.row_count THEN
        RAISE EXCEPTION 'leaves % to % do not follow the % leaves of the log without a gap',
            appended.first, appended.last, size_before USING ERRCODE = 'LG009';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.add_column(
        "event",
        sa.Column(
            "transaction_number",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
            comment="tells the log's sequencer where to look for what was committed late",
        ),
    )
    op.create_index("event_transaction_number_index", "event", ["transaction_number"], unique=False)
    op.add_column(
        "idempotency_key",
        sa.Column(
            "event_ids",
            sa.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="the events of the act",
        ),
    )
    create_tables()
    guard_and_grant()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_gap_in_log()")
    op.drop_column("idempotency_key", "event_ids")
    op.drop_column("event", "transaction_number")


def create_tables() -> None:
    op.create_table(
        "log_leaf",
        sa.Column(
            "leaf_number",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="from 0, without gaps, given by one sequencer after commit",
        ),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "hashes",
            sa.LargeBinary(),
            nullable=False,
            comment="RFC 6962: of the leaf, then of each perfect subtree it completes, from the bottom up",
        ),
        sa.CheckConstraint("leaf_number >= 0", name=op.f("log_leaf_leaf_number_check")),
        sa.CheckConstraint(
            "octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 1984 "
            "AND (leaf_number + 1) & ((1::bigint << (octet_length(hashes) / 32)) - 1) "
            "= 1::bigint << (octet_length(hashes) / 32 - 1)",
            name=op.f("log_leaf_hashes_check"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="log_leaf_event_fk"),
        sa.PrimaryKeyConstraint("leaf_number", name="log_leaf_pk"),
        sa.UniqueConstraint("event_id", name="log_leaf_event_id_key"),
    )
    op.create_table(
        "log_head",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "note", sa.LargeBinary(), nullable=False, comment="the signed checkpoint as it is published"
        ),
        sa.Column(
            "logged_below",
            sa.BigInteger(),
            nullable=False,
            comment="every event of a transaction below this number is in this tree",
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("log_head_size_check")),
        sa.PrimaryKeyConstraint("size", name="log_head_pk"),
    )
    op.create_table(
        "log_cosignature",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column(
            "signature",
            sa.LargeBinary(),
            nullable=False,
            comment="cosignature/v1: eight bytes of time in seconds since 1970, and the Ed25519 signature",
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(signature) = 72", name=op.f("log_cosignature_signature_check")),
        sa.ForeignKeyConstraint(
            ["party_id", "public_key"],
            ["party_key.party_id", "party_key.public_key"],
            name="log_cosignature_party_key_fk",
        ),
        sa.ForeignKeyConstraint(["size"], ["log_head.size"], name="log_cosignature_log_head_fk"),
        sa.PrimaryKeyConstraint("size", "party_id", "public_key", name="log_cosignature_pk"),
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
    op.execute(REFUSE_GAP)
    op.execute("REVOKE ALL ON FUNCTION refuse_gap_in_log() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER leaves_follow AFTER INSERT ON log_leaf REFERENCING NEW TABLE AS inserted "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_gap_in_log()"
    )
