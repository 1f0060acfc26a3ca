"""Accounts of the sample: one for each kind of user, with passwords made at random and kept in the home."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from ledger.desk import accounts
from ledger.desk.accounts import GrantDraft, Passwords, Role
from ledger.desk.failures import NotFound
from ledger.evidence.canonical import digest
from ledger.rules.fields import Bilingual
from ledger_console.sample.acting import act
from ledger_console.sample.demo_keys import write_whole
from ledger_schema.sessions import Database

FOLDER_NAME = "demo-passwords"
PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class SampleAccount:
    """An account of the sample, with its one role."""

    name: str
    person: str
    role: Bilingual
    held: GrantDraft


SAMPLE_ACCOUNTS = (
    SampleAccount(
        "demo.songjiang.officer",
        "陈经办（示例）",
        Bilingual(zh="上海市松江区 经办", en="officer of Songjiang"),
        GrantDraft(Role.OFFICER, "GOV310117"),
    ),
    SampleAccount(
        "demo.songjiang.approver",
        "周复核（示例）",
        Bilingual(zh="上海市松江区 复核", en="approver of Songjiang"),
        GrantDraft(Role.APPROVER, "GOV310117"),
    ),
    SampleAccount(
        "demo.jinan.officer",
        "吴经办（示例）",
        Bilingual(zh="六安市金安区 经办", en="officer of Jin'an"),
        GrantDraft(Role.OFFICER, "GOV341502"),
    ),
    SampleAccount(
        "demo.jinan.approver",
        "郑复核（示例）",
        Bilingual(zh="六安市金安区 复核", en="approver of Jin'an"),
        GrantDraft(Role.APPROVER, "GOV341502"),
    ),
    SampleAccount(
        "demo.auditor",
        "王审计（示例）",
        Bilingual(zh="审计（全部）", en="auditor of everything"),
        GrantDraft(Role.AUDITOR),
    ),
    SampleAccount(
        "demo.province",
        "孙主管（示例）",
        Bilingual(zh="安徽省 省级主管", en="official of Anhui Province"),
        GrantDraft(Role.PROVINCE, province_code="340000"),
    ),
    SampleAccount(
        "demo.operator",
        "马运维（示例）",
        Bilingual(zh="运维", en="operator"),
        GrantDraft(Role.OPERATOR),
    ),
)


class DemoPasswords:
    """The passwords of one home, made when they're first asked for; readable by its owner only."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER_NAME

    def password(self, name: str) -> str:
        """The account's password."""
        path = self._folder / f"{name}.txt"
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, secrets.token_urlsafe(PASSWORD_BYTES) + "\n")
        return path.read_text(encoding="ascii").strip()


def load_accounts(database: Database, demo: DemoPasswords, passwords: Passwords) -> None:
    """Opens whatever accounts of the sample aren't there yet. Raises what the desk raises."""
    for one in SAMPLE_ACCOUNTS:
        password = demo.password(one.name)
        accounts.open_account(database, act(f"account/{one.name}"), one.name, one.person)
        accounts.grant(database, act(f"account/{one.name}/role"), one.name, one.held)
        set_now = act(f"account/{one.name}/password/{digest(password.encode()).hex()[:16]}")
        accounts.set_password(database, set_now, one.name, password, passwords)


def has_accounts(database: Database) -> bool:
    """Whether the ledger has the accounts of the sample."""
    with database.reading() as connection:
        try:
            accounts.account_by_name(connection, SAMPLE_ACCOUNTS[-1].name)
        except NotFound:
            return False
    return True
