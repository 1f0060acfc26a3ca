"""Accounts for tests of the desk, with passwords that cost nothing to check."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from ledger.desk import accounts
from ledger.desk.accounts import Account, GrantDraft, Passwords, RefusedAttempt, Role
from ledger.desk.acts import Act
from ledger_schema.sessions import Database

CHEAP = Passwords(passes=1, memory_kib=8, lanes=1)
PASSWORD = "correct horse battery"


@dataclass
class AccountRoom:
    """Does what an operator does, each act under a key of its own."""

    database: Database
    _keys: count[int] = field(default_factory=count)

    def act(self) -> Act:
        return Act(f"accounts/{next(self._keys)}", "operator")

    def open(self, name: str, *drafts: GrantDraft, person: str = "张三", password: str = PASSWORD) -> None:
        """An account with a password and these roles."""
        accounts.open_account(self.database, self.act(), name, person)
        accounts.set_password(self.database, self.act(), name, password, CHEAP)
        for draft in drafts:
            self.grant(name, draft)

    def grant(self, name: str, draft: GrantDraft) -> int:
        return accounts.grant(self.database, self.act(), name, draft).value

    def account(self, name: str) -> Account:
        with self.database.reading() as connection:
            return accounts.account_by_name(connection, name)

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        return accounts.sign_in(self.database, name, password, CHEAP).text

    def owner(self, token: str) -> Account | None:
        with self.database.reading() as connection:
            return accounts.account_of_token(connection, token)


def fill(database: Database, party: str) -> None:
    """A row in every table of accounts."""
    room = AccountRoom(database)
    room.open("officer-1", GrantDraft(Role.OFFICER, party), GrantDraft(Role.PROVINCE, None, "340000"))
    officer = room.account("officer-1")
    accounts.end_grant(database, room.act(), officer.grants[0].grant_id)
    accounts.link_identity(database, room.act(), "officer-1", "https://id.example", "subject-1")
    room.sign_in("officer-1")
    token = accounts.issue_token(database, officer, "script", timedelta(days=1))
    accounts.revoke_token(database, room.act(), officer, token.token_id)
    refused = RefusedAttempt("closeQuarter", "agreement", "A", officer.grants[0].party_id, "k", "NOT_FOUND")
    accounts.record_refusal(database, officer, refused)
    accounts.close_account(database, room.act(), "officer-1")
