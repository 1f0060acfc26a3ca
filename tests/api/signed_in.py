"""Clients that are signed in: accounts opened as they are needed, with every role for every party.

The accounts and their tokens are real. Their roles are written in one statement before each request, as
tests register parties all the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Any

from sqlalchemy import text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ledger.desk import accounts
from ledger.desk.accounts import Passwords
from ledger.desk.acts import Act
from ledger_graphql import application
from ledger_schema.sessions import Database

BASE_URL = "http://127.0.0.1:8000"
ANYBODY = "测试员"
CHEAP = Passwords(passes=1, memory_kib=8, lanes=1)
"""Costs for tests, in which nobody guesses."""

# Ids of these rows are below all others, which are made of the time.
EVERY_ROLE = text("""
    INSERT INTO user_grant (grant_id, user_id, role, party_id, province_code, event_id)
    SELECT (SELECT count(*) FROM user_grant) + row_number() OVER (), user_id, role, party_id, province_code,
        event_id
    FROM (
        SELECT user_id, role, party_id, NULL AS province_code, user_account.event_id
        FROM user_account, party, (VALUES ('officer'), ('approver')) AS roles (role)
        UNION ALL
        SELECT user_id, 'province', NULL, province_code, event_id
        FROM user_account, (SELECT DISTINCT province_code FROM party) AS provinces
        WHERE province_code IS NOT NULL
        UNION ALL
        SELECT user_id, role, NULL, NULL, event_id
        FROM user_account, (VALUES ('operator'), ('auditor')) AS roles (role)
    ) AS wanted
    WHERE user_id = ANY (:user_ids) AND NOT EXISTS (
        SELECT FROM user_grant AS held
        WHERE (held.user_id, held.role) = (wanted.user_id, wanted.role)
            AND held.party_id IS NOT DISTINCT FROM wanted.party_id
            AND held.province_code IS NOT DISTINCT FROM wanted.province_code
    )
""")


@dataclass
class Accounts:
    """Opens an account for every person that acts, and entitles all of them to everything."""

    database: Database
    _tokens: dict[str, str] = field(default_factory=dict)
    _user_ids: list[int] = field(default_factory=list)
    _entitled: tuple[int, int] = (0, 0)
    _lock: Lock = field(default_factory=Lock)

    def token(self, person: str = ANYBODY) -> str:
        """A token of the person's account."""
        with self._lock:
            if person not in self._tokens:
                self._tokens[person] = self._opened(person)
            return self._tokens[person]

    def entitle(self) -> None:
        """Gives the accounts the roles that they lack, for parties that were registered meanwhile."""
        with self._lock, self.database.writing() as connection:
            parties = connection.execute(text("SELECT count(*) FROM party")).scalar_one()
            if self._entitled != (parties, len(self._user_ids)):
                connection.execute(EVERY_ROLE, {"user_ids": self._user_ids})
                self._entitled = (parties, len(self._user_ids))

    def dismiss(self) -> None:
        """Takes the roles away that no event tells of, before somebody recomputes the ledger."""
        with self.database.owner() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(
                text("DELETE FROM user_grant WHERE user_id = ANY (:ids)"), {"ids": self._user_ids}
            )

    def _opened(self, person: str) -> str:
        name = f"tester-{len(self._tokens)}"
        act = Act(f"open/{name}", "tests")
        self._user_ids.append(accounts.open_account(self.database, act, name, person).value)
        with self.database.reading() as connection:
            account = accounts.account_by_name(connection, name)
        return accounts.issue_token(self.database, account, "tests", timedelta(hours=1)).text


class SignedInClient(TestClient):
    """Requests come from somebody who may do everything, unless they bring their own authorization."""

    def __init__(self, app: Starlette, accounts: Accounts) -> None:
        super().__init__(app, base_url=BASE_URL)
        self.accounts = accounts

    def request(self, *arguments: Any, **named: Any) -> Any:
        headers = dict(named.pop("headers", None) or {})
        headers.setdefault("authorization", f"Bearer {self.accounts.token()}")
        self.accounts.entitle()
        return super().request(*arguments, headers=headers, **named)


@contextmanager
def signed_in(database_url: str, **options: Any) -> Iterator[SignedInClient]:
    """A client of an application of its own; ``options`` are those of ``application.create``."""
    database = Database(database_url)
    app = application.create(database_url, passwords=CHEAP, **options)
    with SignedInClient(app, Accounts(database)) as client:
        yield client
    database.dispose()
