"""Opening accounts and what they hold: identities, passwords, roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select

from ledger.desk.accounts.faults import AccountClosed, AccountNameTaken, GrantEnded, IdentityTaken
from ledger.desk.accounts.passwords import Passwords, password_faults
from ledger.desk.accounts.reading import account_by_name, is_open
from ledger.desk.accounts.roles import Account, Role
from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.failures import NotFound, choice_faults, refuse, text_faults
from ledger.desk.people import person_faults
from ledger.desk.roster import party_by_code
from ledger.evidence.canonical import Json
from ledger.rules.facts import Fault
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    user_account,
    user_closing,
    user_grant,
    user_grant_ending,
    user_identity,
    user_password,
)

KINDS = ("person", "service")
PARTY_ROLES = frozenset({Role.OFFICER, Role.APPROVER})

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_PROVINCE = re.compile(r"[0-9]{6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GrantDraft:
    """A role to grant: of a party for officers and approvers, of a province, or of an auditor's mandate.

    An auditor without a party has everything as the mandate. With ``ends`` (the last day) it is a delegation.
    """

    role: Role
    party: str | None = None
    province_code: str | None = None
    ends: date | None = None


def open_account(database: Database, act: Act, name: str, person: str, kind: str = "person") -> Done[int]:
    """Opens an account of a person, or of a service that the person answers for; returns its id.

    Raises ``RequestRefused``, ``AccountNameTaken``.
    """
    refuse([*_name_faults(name), *person_faults("person", person), *choice_faults("kind", kind, KINDS)])
    request: dict[str, Json] = {"name": name, "person": person, "kind": kind}

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.ACCOUNT, name)
        if connection.execute(select(exists().where(user_account.c.name == name))).scalar_one():
            raise AccountNameTaken(name=name)
        user_id = new_id()
        event_id = record("account_opened", {"user": str(user_id), **request})
        connection.execute(insert(user_account).values(user_id=user_id, event_id=event_id, **request))
        return {"user": user_id}

    return named_number(perform(database, act, "open_account", request, work), "user")


def close_account(database: Database, act: Act, name: str) -> Done[int]:
    """Closes an account for good: nothing of it signs in any more. Raises ``NotFound``, ``AccountClosed``."""

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        found = _open(connection, name)
        event_id = record("account_closed", {"user": str(found.user_id), "name": name})
        connection.execute(insert(user_closing).values(user_id=found.user_id, event_id=event_id))
        return {"user": found.user_id}

    return named_number(perform(database, act, "close_account", {"name": name}, work), "user")


def set_password(database: Database, act: Act, name: str, password: str, passwords: Passwords) -> Done[int]:
    """Sets a new password; returns its number. The event says only that it was set.

    Raises ``RequestRefused``, ``NotFound``, ``AccountClosed``.
    """
    refuse(password_faults("password", password))
    verifier = passwords.verifier(password)

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        user_id = _open(connection, name).user_id
        sequence = (
            1
            + connection.execute(
                select(func.coalesce(func.max(user_password.c.sequence), 0)).where(
                    user_password.c.user_id == user_id
                )
            ).scalar_one()
        )
        event_id = record("password_set", {"user": str(user_id), "sequence": sequence})
        connection.execute(
            insert(user_password).values(
                user_id=user_id, sequence=sequence, verifier=verifier, event_id=event_id
            )
        )
        return {"sequence": sequence}

    return named_number(perform(database, act, "set_password", {"name": name}, work), "sequence")


def link_identity(database: Database, act: Act, name: str, issuer: str, subject: str) -> Done[int]:
    """Lets the subject of an OpenID provider sign in to the account; returns its id.

    Raises ``RequestRefused``, ``NotFound``, ``AccountClosed``, ``IdentityTaken``.
    """
    refuse([*text_faults("issuer", issuer), *text_faults("subject", subject)])
    identity = {"issuer": issuer, "subject": subject}

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        user_id = _open(connection, name).user_id
        column = user_identity.c
        taken = exists().where(column.issuer == issuer, column.subject == subject)
        if connection.execute(select(taken)).scalar_one():
            raise IdentityTaken(**identity)
        event_id = record("identity_linked", {"user": str(user_id), **identity})
        connection.execute(insert(user_identity).values(user_id=user_id, event_id=event_id, **identity))
        return {"user": user_id}

    done = perform(database, act, "link_identity", {"name": name, **identity}, work)
    return named_number(done, "user")


def grant(database: Database, act: Act, name: str, draft: GrantDraft) -> Done[int]:
    """Grants a role; returns the grant's id. Raises ``RequestRefused``, ``NotFound``, ``AccountClosed``."""
    refuse(_grant_faults(draft))
    described: dict[str, Json] = {
        "role": draft.role.value,
        "party": draft.party,
        "province_code": draft.province_code,
        "ends": None if draft.ends is None else draft.ends.isoformat(),
    }

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        user_id = _open(connection, name).user_id
        party_id = None if draft.party is None else party_by_code(connection, draft.party).party_id
        grant_id = new_id()
        event_id = record("role_granted", {"grant": str(grant_id), "user": str(user_id), **described})
        connection.execute(
            insert(user_grant).values(
                grant_id=grant_id,
                user_id=user_id,
                role=draft.role.value,
                party_id=party_id,
                province_code=draft.province_code,
                ends=draft.ends,
                event_id=event_id,
            )
        )
        return {"grant": grant_id}

    return named_number(perform(database, act, "grant_role", {"name": name, **described}, work), "grant")


def end_grant(database: Database, act: Act, grant_id: int) -> Done[int]:
    """Ends a role at once; returns the grant's id. Raises ``NotFound``, ``GrantEnded``."""

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.ACCOUNT, f"grant/{grant_id}")
        if not _is_there(connection, exists().where(user_grant.c.grant_id == grant_id)):
            raise NotFound("role", grant_id)
        if _is_there(connection, exists().where(user_grant_ending.c.grant_id == grant_id)):
            raise GrantEnded(grant=grant_id)
        event_id = record("role_ended", {"grant": str(grant_id)})
        connection.execute(insert(user_grant_ending).values(grant_id=grant_id, event_id=event_id))
        return {"grant": grant_id}

    return named_number(perform(database, act, "end_grant", {"grant": str(grant_id)}, work), "grant")


def _open(connection: Connection, name: str) -> Account:
    """The account, held until the end of the transaction. Raises ``NotFound``, ``AccountClosed``."""
    queue_on(connection, Queue.ACCOUNT, name)
    found = account_by_name(connection, name)
    open_now = exists().where(user_account.c.user_id == found.user_id, is_open(user_account.c.user_id))
    if not _is_there(connection, open_now):
        raise AccountClosed(name=name)
    return found


def _is_there(connection: Connection, condition: Any) -> bool:
    return bool(connection.execute(select(condition)).scalar_one())


def _name_faults(name: str) -> list[Fault]:
    if _NAME.fullmatch(name):
        return []
    return [
        Fault(
            "name",
            "ACCOUNT_NAME_UNUSABLE",
            f"Expected 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit, but got {name[:40]!r}.",
            "账号名应为 1 至 64 个小写字母、数字、点、下划线或连字符，以字母或数字开头，"
            f"实际为 {name[:40]!r}。",
        )
    ]


def _grant_faults(draft: GrantDraft) -> list[Fault]:
    """Each role is held for what its nature asks for, and for nothing else."""
    wants_party = draft.role in PARTY_ROLES
    faults = []
    if wants_party != (draft.party is not None) and draft.role is not Role.AUDITOR:
        faults.append(_place_fault("party", draft.role, wanted=wants_party))
    wants_province = draft.role is Role.PROVINCE
    if wants_province != (_PROVINCE.fullmatch(draft.province_code or "") is not None):
        faults.append(_place_fault("province_code", draft.role, wanted=wants_province))
    return faults


def _place_fault(path: str, role: Role, *, wanted: bool) -> Fault:
    return Fault(
        path,
        "ROLE_PLACE_UNUSABLE",
        f"Expected {'one' if wanted else 'none'} for the role {role.value}.",
        f"角色 {role.value} {'需要' if wanted else '不需要'}此项。",
    )
