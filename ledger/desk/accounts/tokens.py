"""Tokens: random, kept as a hash, good until they expire or are revoked; and signing in with a password."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select

from ledger.desk.accounts.faults import SignInRefused
from ledger.desk.accounts.passwords import Passwords
from ledger.desk.accounts.reading import open_account
from ledger.desk.accounts.roles import Account
from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.failures import NotFound, refuse, text_faults
from ledger.evidence.canonical import Json
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    access_token,
    access_token_revocation,
    sign_in_attempt,
    user_account,
    user_identity,
    user_password,
)

TOKEN_PREFIX = "pl_"  # noqa: S105 - it tells scanners of leaked secrets what they found
TOKEN_BYTES = 32
SESSION_LIFETIME = timedelta(hours=12)
SESSION_LABEL = "session"
ATTEMPTS_MAX = 10
ATTEMPTS_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Token:
    """What its owner may know of a token later on."""

    token_id: int
    label: str
    recorded_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown once, and never again."""

    token_id: int
    text: str


# --- issuing and revoking ---------------------------------------------------------------------------------


def issue_token(database: Database, account: Account, label: str, lifetime: timedelta) -> NewToken:
    """A new token of the account. Raises ``RequestRefused``."""
    refuse(text_faults("label", label))
    token_id, text = new_id(), TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    hashed = _hash(text)

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        expires_at = connection.execute(select(func.now())).scalar_one() + lifetime
        told: dict[str, Json] = {
            "token": str(token_id),
            "user": str(account.user_id),
            "label": label,
            "hash": hashed.hex(),
            "expires_at": expires_at.isoformat(),
        }
        event_id = record("token_issued", told)
        connection.execute(
            insert(access_token).values(
                token_id=token_id,
                user_id=account.user_id,
                label=label,
                hash=hashed,
                expires_at=expires_at,
                event_id=event_id,
            )
        )
        return {}

    perform(database, _act(account, f"token/{token_id}"), "issue_token", {"token": str(token_id)}, work)
    return NewToken(token_id, text)


def revoke_token(database: Database, act: Act, account: Account, token_id: int) -> Done[int]:
    """Revokes a token of the account; once more does nothing. Returns its id. Raises ``NotFound``."""

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.ACCOUNT, account.name)
        column = access_token.c
        own = exists().where(column.token_id == token_id, column.user_id == account.user_id)
        if not connection.execute(select(own)).scalar_one():
            raise NotFound("token", token_id)
        revoked = exists().where(access_token_revocation.c.token_id == token_id)
        if not connection.execute(select(revoked)).scalar_one():
            event_id = record("token_revoked", {"token": str(token_id)})
            connection.execute(insert(access_token_revocation).values(token_id=token_id, event_id=event_id))
        return {"token": token_id}

    request = {"user": str(account.user_id), "token": str(token_id)}
    return named_number(perform(database, act, "revoke_token", request, work), "token")


def tokens_of(connection: Connection, user_id: int) -> list[Token]:
    """The account's tokens that are good now, oldest first."""
    column = access_token.c
    rows = connection.execute(
        select(column.token_id, column.label, column.recorded_at, column.expires_at)
        .where(column.user_id == user_id, *_is_good())
        .order_by(column.token_id)
    )
    return [Token(*row) for row in rows]


# --- signing in -------------------------------------------------------------------------------------------


def sign_in(database: Database, name: str, password: str, passwords: Passwords) -> NewToken:
    """A session of the account. Raises ``SignInRefused`` for an unknown account as for a wrong password.

    Every answer takes one check of a password. After ATTEMPTS_MAX attempts, right or wrong, an account's
    password isn't looked at for a while; its tokens and other ways to sign in work on.
    """
    account, verifier = _attempt(database, name)
    matches = passwords.matches(verifier or passwords.nobodys, password)
    if account is None or verifier is None or not matches:
        raise SignInRefused(attempts_max=ATTEMPTS_MAX, minutes=int(ATTEMPTS_WITHIN.total_seconds() // 60))
    return issue_token(database, account, SESSION_LABEL, SESSION_LIFETIME)


def account_of_token(connection: Connection, text: str) -> Account | None:
    """Whose token it is, if it is good now."""
    column = access_token.c
    owner = select(column.user_id).where(column.hash == _hash(text), *_is_good()).scalar_subquery()
    return open_account(connection, user_account.c.user_id == owner)


def session_of_token(connection: Connection, text: str) -> int | None:
    """The id of a token that is good now."""
    column = access_token.c
    found = connection.execute(select(column.token_id).where(column.hash == _hash(text), *_is_good()))
    return found.scalar_one_or_none()


def account_of_identity(connection: Connection, issuer: str, subject: str) -> Account | None:
    """The open account to which this subject of a provider is linked."""
    column = user_identity.c
    owner = select(column.user_id).where(column.issuer == issuer, column.subject == subject)
    return open_account(connection, user_account.c.user_id == owner.scalar_subquery())


def _attempt(database: Database, name: str) -> tuple[Account | None, str | None]:
    """The account, and its verifier unless there were too many attempts; the attempt is counted first."""

    def work(connection: Connection) -> tuple[Account | None, str | None]:
        queue_on(connection, Queue.ACCOUNT, f"sign-in/{name}")
        account = open_account(connection, user_account.c.name == name)
        if account is None or _attempt_count(connection, account.user_id) >= ATTEMPTS_MAX:
            return account, None
        connection.execute(insert(sign_in_attempt).values(attempt_id=new_id(), user_id=account.user_id))
        return account, _verifier(connection, account.user_id)

    return database.retrying(work)


def _attempt_count(connection: Connection, user_id: int) -> int:
    column = sign_in_attempt.c
    since = func.now() - ATTEMPTS_WITHIN
    return connection.execute(
        select(func.count()).where(column.user_id == user_id, column.recorded_at > since)
    ).scalar_one()


def _verifier(connection: Connection, user_id: int) -> str | None:
    column = user_password.c
    return connection.execute(
        select(column.verifier).where(column.user_id == user_id).order_by(column.sequence.desc()).limit(1)
    ).scalar_one_or_none()


def _is_good() -> tuple[Any, Any]:
    column = access_token.c
    return (
        column.expires_at > func.now(),
        ~exists().where(access_token_revocation.c.token_id == column.token_id),
    )


def _act(account: Account, key: str) -> Act:
    return Act(key, account.name, person=account.person)


def _hash(text: str) -> bytes:
    """Enough for a random token; a password would need more."""
    return hashlib.sha256(text.encode()).digest()
