"""Returns that a second person certifies, commitments made beforehand, and evidence kept by its hash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("filing_commitment", "filing_certification", "document", "document_attachment")

PERSON = "char_length(person) BETWEEN 1 AND 60"
COMMITMENT = "commitment = sha256(convert_to(encode(nonce, 'hex') || encode(content_hash, 'hex'), 'UTF8'))"
OF_COMMITMENT = ["agreement_id", "quarter", "role", "commitment"]
OF_RETURN = ["agreement_id", "booked_quarter", "filing_id", "person"]


def upgrade() -> None:
    create_commitments()
    extend_returns()
    create_certifications()
    create_documents()
    guard_and_grant()


def downgrade() -> None:
    for table in reversed(TABLES[1:]):
        op.drop_table(table)
    op.drop_constraint("filing_filing_commitment_fk", "filing", type_="foreignkey")
    op.drop_constraint("filing_agreement_id_booked_quarter_filing_id_person_key", "filing", type_="unique")
    for check in ("opened", "maker"):
        op.drop_constraint(op.f(f"filing_{check}_check"), "filing", type_="check")
    for column in ("commitment", "nonce", "needs_certification", "person"):
        op.drop_column("filing", column)
    op.drop_table("filing_commitment")


def create_commitments() -> None:
    op.create_table(
        "filing_commitment",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "sequence",
            sa.SmallInteger(),
            nullable=False,
            comment="a later one supersedes, as long as nothing is open",
        ),
        sa.Column(
            "commitment",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 over the nonce and the hash of the file, both in hexadecimal digits",
        ),
        *recorded(),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("filing_commitment_quarter_check"),
        ),
        sa.CheckConstraint("sequence > 0", name=op.f("filing_commitment_sequence_check")),
        sa.CheckConstraint("octet_length(commitment) = 32", name=op.f("filing_commitment_commitment_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="filing_commitment_event_fk"),
        of_party("filing_commitment"),
        sa.PrimaryKeyConstraint("agreement_id", "quarter", "role", "sequence", name="filing_commitment_pk"),
        sa.UniqueConstraint(
            *OF_COMMITMENT, name="filing_commitment_agreement_id_quarter_role_commitment_key"
        ),
    )


def extend_returns() -> None:
    op.add_column(
        "filing",
        sa.Column("person", sa.Text(), comment="who handed it in; null where nobody was asked"),
    )
    op.add_column(
        "filing",
        sa.Column(
            "needs_certification",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="whether the terms asked for it when it was handed in",
        ),
    )
    op.add_column("filing", sa.Column("nonce", sa.LargeBinary(), comment="opens the commitment"))
    op.add_column(
        "filing",
        sa.Column(
            "commitment",
            sa.LargeBinary(),
            comment="made before the figures were open; null where none was",
        ),
    )
    checks = {
        "person": PERSON,
        "nonce": "octet_length(nonce) = 32",
        "commitment": COMMITMENT,
        "maker": "person IS NOT NULL OR NOT needs_certification",
        "opened": "(nonce IS NULL) = (commitment IS NULL)",
    }
    for name, check in checks.items():
        op.create_check_constraint(op.f(f"filing_{name}_check"), "filing", check)
    op.create_unique_constraint(
        "filing_agreement_id_booked_quarter_filing_id_person_key", "filing", OF_RETURN
    )
    op.create_foreign_key(
        "filing_filing_commitment_fk", "filing", "filing_commitment", OF_COMMITMENT, OF_COMMITMENT
    )


def create_certifications() -> None:
    op.create_table(
        "filing_certification",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("filing_id", sa.BigInteger(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False, comment="who handed the return in"),
        sa.Column("person", sa.Text(), nullable=False, comment="who certified it"),
        *recorded(),
        sa.CheckConstraint(PERSON, name=op.f("filing_certification_person_check")),
        sa.CheckConstraint("person <> maker", name=op.f("filing_certification_second_person_check")),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="filing_certification_event_fk"),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "filing_id", "maker"],
            [f"filing.{column}" for column in OF_RETURN],
            name="filing_certification_filing_fk",
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id", "booked_quarter", "filing_id", name="filing_certification_pk"
        ),
    )


def create_documents() -> None:
    op.create_table(
        "document",
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the content"),
        sa.Column("name", sa.Text(), nullable=False, comment="as it was first uploaded"),
        sa.Column("media_type", sa.Text(), nullable=False, comment="as the sender said"),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *recorded(),
        sa.CheckConstraint("hash = sha256(content)", name=op.f("document_hash_check")),
        sa.CheckConstraint(
            "size_bytes = octet_length(content) AND size_bytes > 0", name=op.f("document_size_bytes_check")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="document_event_fk"),
        sa.PrimaryKeyConstraint("hash", name="document_pk"),
    )
    op.create_table(
        "document_attachment",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False, comment="what it is attached to"),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, comment="as the lines of a return name it"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="who attached it"),
        *recorded(),
        sa.CheckConstraint(
            "subject_kind ~ '^[a-z_]{1,40}$'", name=op.f("document_attachment_subject_kind_check")
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name="document_attachment_agreement_fk"
        ),
        sa.ForeignKeyConstraint(["hash"], ["document.hash"], name="document_attachment_document_fk"),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="document_attachment_event_fk"),
        of_party("document_attachment"),
        sa.PrimaryKeyConstraint(
            "agreement_id",
            "subject_kind",
            "subject_id",
            "reference",
            "hash",
            name="document_attachment_pk",
        ),
    )


def recorded() -> list[sa.Column[object]]:
    return [
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    ]


def of_party(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["agreement_id", "role"],
        ["agreement_party.agreement_id", "agreement_party.role"],
        name=f"{table}_agreement_party_fk",
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
    op.execute(
        "CREATE TRIGGER booked_in_open_quarter AFTER INSERT ON filing_certification "
        "REFERENCING NEW TABLE AS inserted "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_quarter()"
    )
