"""Accounts: who may sign in, with what, in which roles; and what they were refused."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from ledger_schema.tables.base import HASH_CHECK, PERSON_CHECK, metadata, recorded_at

ROLE_PLACES = (
    "CASE role WHEN 'auditor' THEN province_code IS NULL "
    "WHEN 'province' THEN party_id IS NULL AND province_code IS NOT NULL "
    "WHEN 'operator' THEN party_id IS NULL AND province_code IS NULL "
    "ELSE role IN ('officer', 'approver') AND party_id IS NOT NULL AND province_code IS NULL END"
)
"""Officers and approvers act for a party, auditors look at one or all, an official at a province."""


def _event_id() -> Column[int]:
    return Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False)


def _user_id() -> Column[int]:
    return Column("user_id", BigInteger, ForeignKey("user_account.user_id"), nullable=False)


user_account = Table(
    "user_account",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "name",
        Text,
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'", name="name"),
        nullable=False,
        unique=True,
        comment="with which it signs in, and which events name",
    ),
    Column(
        "person",
        Text,
        CheckConstraint(PERSON_CHECK.format("person"), name="person"),
        nullable=False,
        comment="whose it is; accounts of one person are one person",
    ),
    Column("kind", Text, CheckConstraint("kind IN ('person', 'service')", name="kind"), nullable=False),
    _event_id(),
    recorded_at(),
)

user_closing = Table(
    "user_closing",
    metadata,
    Column("user_id", BigInteger, ForeignKey("user_account.user_id"), primary_key=True, autoincrement=False),
    _event_id(),
    recorded_at(),
)

user_password = Table(
    "user_password",
    metadata,
    _user_id(),
    Column("sequence", Integer, nullable=False, comment="the last one counts"),
    Column("verifier", Text, nullable=False, comment="argon2id with its parameters and salt"),
    _event_id(),
    recorded_at(),
    PrimaryKeyConstraint("user_id", "sequence"),
)

user_identity = Table(
    "user_identity",
    metadata,
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    _user_id(),
    _event_id(),
    recorded_at(),
    PrimaryKeyConstraint("issuer", "subject"),
    Index(None, "user_id"),
)

user_grant = Table(
    "user_grant",
    metadata,
    Column("grant_id", BigInteger, primary_key=True, autoincrement=False),
    _user_id(),
    Column("role", Text, CheckConstraint(ROLE_PLACES, name="role"), nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.party_id")),
    Column("province_code", Text, CheckConstraint("province_code ~ '^[0-9]{6}$'", name="province_code")),
    Column("ends", Date, comment="the last day (Beijing time); null: until it is ended"),
    _event_id(),
    recorded_at(),
    Index(None, "user_id"),
)

user_grant_ending = Table(
    "user_grant_ending",
    metadata,
    Column("grant_id", BigInteger, ForeignKey("user_grant.grant_id"), primary_key=True, autoincrement=False),
    _event_id(),
    recorded_at(),
)

access_token = Table(
    "access_token",
    metadata,
    Column("token_id", BigInteger, primary_key=True, autoincrement=False),
    _user_id(),
    Column("label", Text, nullable=False, comment="by which its owner knows it"),
    Column(
        "hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("hash"), name="hash"),
        nullable=False,
        unique=True,
        comment="SHA-256 of the token, which is random and never stored",
    ),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    _event_id(),
    recorded_at(),
    Index(None, "user_id", "token_id"),
)

access_token_revocation = Table(
    "access_token_revocation",
    metadata,
    Column(
        "token_id", BigInteger, ForeignKey("access_token.token_id"), primary_key=True, autoincrement=False
    ),
    _event_id(),
    recorded_at(),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("attempt_id", BigInteger, primary_key=True, autoincrement=False),
    _user_id(),
    recorded_at(),
    Index(None, "user_id", "recorded_at"),
)

refused_act = Table(
    "refused_act",
    metadata,
    Column("refusal_id", BigInteger, primary_key=True, autoincrement=False),
    _user_id(),
    Column("act", Text, nullable=False, comment="the mutation or download, by its name"),
    Column("subject_kind", Text, nullable=False),
    Column("subject_name", Text, nullable=False, comment="as the request named it, existing or not"),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), comment="for whom it would have been"),
    Column("key", Text, nullable=False, comment="the idempotency key of the request"),
    Column("code", Text, nullable=False, comment="why"),
    recorded_at(),
    Index(None, "party_id", "refusal_id"),
)
