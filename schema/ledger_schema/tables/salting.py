"""What is kept of salted trees: the secrets of their salts, and their leaves by subject."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, LargeBinary, Table

from ledger_schema.tables.base import metadata

salted_tree = Table(
    "salted_tree",
    metadata,
    Column(
        "event_id",
        BigInteger,
        ForeignKey("event.event_id"),
        primary_key=True,
        autoincrement=False,
        comment="the event that names the tree's root",
    ),
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column(
        "secret",
        LargeBinary,
        CheckConstraint("octet_length(secret) = 32", name="secret"),
        nullable=False,
        comment="SHAKE-256 makes the salts of it; whoever has it can guess what the leaves hold",
    ),
    Column(
        "leaves",
        LargeBinary,
        CheckConstraint("octet_length(leaves) % 40 = 0", name="leaves"),
        nullable=False,
        comment="of each subject in order: its number, 8 bytes, and the hash of its leaf, 32",
    ),
)
