"""Accounts, what they hold, and their tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import TypeAlias

from sqlalchemy import Table

from ledger.desk.fsck.comparing import Mismatch, Said, Scope, Told
from ledger_schema.tables import (
    access_token,
    access_token_revocation,
    user_account,
    user_closing,
    user_grant,
    user_grant_ending,
    user_identity,
    user_password,
)

Tell: TypeAlias = Callable[[Scope, Said], Told]


def check_accounts(scope: Scope) -> Iterator[Mismatch]:
    """Every account, identity, role and token is what its event says, and that a password was set."""
    tables: tuple[Table, ...] = (
        user_account,
        user_closing,
        user_password,
        user_identity,
        user_grant,
        user_grant_ending,
        access_token,
        access_token_revocation,
    )
    told = (_TELLERS[said.kind](scope, said) for said in scope.said(*_TELLERS))
    yield from scope.compare(tables, told)


def _opened(_: Scope, said: Said) -> Told:
    named = {name: said.data[name] for name in ("name", "person", "kind")}
    return said.row(user_account, user_id=int(said.data["user"]), **named)


def _closed(_: Scope, said: Said) -> Told:
    return said.row(user_closing, user_id=int(said.data["user"]))


def _password(_: Scope, said: Said) -> Told:
    return said.row(user_password, user_id=int(said.data["user"]), sequence=said.data["sequence"])


def _identity(_: Scope, said: Said) -> Told:
    named = {name: said.data[name] for name in ("issuer", "subject")}
    return said.row(user_identity, user_id=int(said.data["user"]), **named)


def _granted(scope: Scope, said: Said) -> Told:
    party, ends = said.data["party"], said.data["ends"]
    return said.row(
        user_grant,
        grant_id=int(said.data["grant"]),
        user_id=int(said.data["user"]),
        role=said.data["role"],
        party_id=None if party is None else scope.party_ids.get(party, 0),
        province_code=said.data["province_code"],
        ends=None if ends is None else date.fromisoformat(ends),
    )


def _ended(_: Scope, said: Said) -> Told:
    return said.row(user_grant_ending, grant_id=int(said.data["grant"]))


def _issued(_: Scope, said: Said) -> Told:
    return said.row(
        access_token,
        token_id=int(said.data["token"]),
        user_id=int(said.data["user"]),
        label=said.data["label"],
        hash=bytes.fromhex(said.data["hash"]),
        expires_at=datetime.fromisoformat(said.data["expires_at"]),
    )


def _revoked(_: Scope, said: Said) -> Told:
    return said.row(access_token_revocation, token_id=int(said.data["token"]))


_TELLERS: Mapping[str, Tell] = {
    "account_opened": _opened,
    "account_closed": _closed,
    "password_set": _password,
    "identity_linked": _identity,
    "role_granted": _granted,
    "role_ended": _ended,
    "token_issued": _issued,
    "token_revoked": _revoked,
}
