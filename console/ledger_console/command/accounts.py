"""`parkledger accounts`: who may sign in, in which roles. It works on the database directly."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Annotated

import typer

from ledger.desk import accounts as desk
from ledger.desk.accounts import Account, Grant, GrantDraft, Passwords, Role
from ledger.desk.acts import Act
from ledger.desk.pages import PAGE_LIMIT_MAX
from ledger.periods import parse_day
from ledger_console.command.opening import ledger
from ledger_console.command.options import LanguageOption
from ledger_console.command.output import show, show_table
from ledger_schema.sessions import Database

PASSWORD_BYTES = 12
TOKEN_DAYS = 365

account_commands = typer.Typer(no_args_is_help=True, help="Accounts, roles and tokens. 账号、角色与令牌。")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name, such as zhang.san. 账号名。")]


@account_commands.command("list")
def list_accounts(language: LanguageOption = "zh") -> None:
    """List the open accounts with what they hold now. 列出账号及现有角色。"""
    heads = [("账号", "account"), ("人员", "person"), ("类别", "kind"), ("授权号", "grant"), ("角色", "role")]
    with ledger() as database:
        rows = [row for account in _every(database) for row in _rows(account)]
    show_table(heads, rows, language)


@account_commands.command("open")
def open_account(
    name: Name,
    person: Annotated[str, typer.Option("--person", metavar="NAME", help="Whose it is. 使用人姓名。")],
    service: Annotated[bool, typer.Option("--service", help="Of a program. 程序使用的账号。")] = False,
) -> None:
    """Open an account. The accounts of one person count as one person. 开立账号；同一人的账号视为一人。"""
    with ledger() as database:
        desk.open_account(database, _act(), name, person, "service" if service else "person")
    show(f"已开立账号 {name}（{person}）。Opened the account {name} of {person}.")


@account_commands.command("close")
def close_account(name: Name) -> None:
    """Close an account for good. 停用账号，不可恢复。"""
    with ledger() as database:
        desk.close_account(database, _act(), name)
    show(f"已停用 {name}。Closed {name}.")


@account_commands.command("grant")
def grant(
    name: Name,
    role: Annotated[
        Role,
        typer.Argument(
            metavar="ROLE",
            help="officer 经办, approver 复核, auditor 审计, province 省级主管, operator 运维.",
        ),
    ],
    party: Annotated[
        str | None,
        typer.Option(
            "--party",
            metavar="CODE",
            help="For which party; an auditor without one sees everything. 所代表的主体。",
        ),
    ] = None,
    province: Annotated[
        str | None,
        typer.Option("--province", metavar="CODE", help="Of which province, six digits. 省级行政区划代码。"),
    ] = None,
    until: Annotated[
        date | None,
        typer.Option(
            "--until", metavar="DAY", parser=parse_day, help="Its last day: a delegation. 截止日（委托）。"
        ),
    ] = None,
) -> None:
    """Give an account a role. 授予角色。"""
    with ledger() as database:
        grant_id = desk.grant(database, _act(), name, GrantDraft(role, party, province, until)).value
    show(f"已授权，授权号 {grant_id}。Granted, number {grant_id}.")


@account_commands.command("revoke")
def revoke(
    grant_id: Annotated[int, typer.Argument(metavar="GRANT", help="Its number, as list shows it. 授权号。")],
) -> None:
    """End a role at once. 立即终止角色授权。"""
    with ledger() as database:
        desk.end_grant(database, _act(), grant_id)
    show(f"已终止授权 {grant_id}。Ended {grant_id}.")


@account_commands.command("password")
def password(
    name: Name,
    random: Annotated[bool, typer.Option("--random", help="Make one and print it. 随机生成并显示。")] = False,
) -> None:
    """Set an account's password, asked for twice. 设置密码（输入两次）。"""
    text = secrets.token_urlsafe(PASSWORD_BYTES) if random else _asked()
    with ledger() as database:
        desk.set_password(database, _act(), name, text, Passwords())
    show(f"已设置 {name} 的密码。Set the password of {name}.")
    if random:
        show(text)


@account_commands.command("token")
def token(
    name: Name,
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What it is for. 用途。")],
    days: Annotated[
        int, typer.Option("--days", min=1, max=3650, help="How long it is good. 有效天数。")
    ] = TOKEN_DAYS,
) -> None:
    """Make a token of an account and print it, this once. 生成令牌，仅显示一次。"""
    with ledger() as database:
        made = desk.issue_token(database, _account(database, name), label, timedelta(days=days))
    show(made.text)


@account_commands.command("link")
def link(
    name: Name,
    issuer: Annotated[
        str, typer.Argument(metavar="ISSUER", help="The OpenID provider's address. 提供方地址。")
    ],
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="Its name for the person. 提供方的人员标识。")
    ],
) -> None:
    """Let somebody whom an OpenID provider vouches for sign in to an account. 关联 OpenID 身份。"""
    with ledger() as database:
        desk.link_identity(database, _act(), name, issuer, subject)
    show(f"已关联 {name}。Linked {name}.")


def _act() -> Act:
    """A new act every time: what is done twice is meant twice."""
    return Act(f"command/accounts/{secrets.token_hex(16)}", actor="command")


def _asked() -> str:
    asked: str = typer.prompt("密码 Password", hide_input=True, confirmation_prompt="再输一次 Once more")
    return asked


def _account(database: Database, name: str) -> Account:
    with database.reading() as connection:
        return desk.account_by_name(connection, name)


def _every(database: Database) -> list[Account]:
    found: list[Account] = []
    with database.reading() as connection:
        while True:
            page = desk.accounts(connection, after=found[-1].name if found else None, limit=PAGE_LIMIT_MAX)
            found += page.items
            if not page.has_next:
                return found


def _rows(account: Account) -> list[list[str]]:
    """A row for each role, and one for an account without any."""
    held = [[str(grant.grant_id), _described(grant)] for grant in account.grants] or [["", ""]]
    return [[account.name, account.person, account.kind, *row] for row in held]


def _described(grant: Grant) -> str:
    place = grant.party_code or grant.province_code or ""
    until = "" if grant.ends is None else f"至 until {grant.ends}"
    return " ".join(filter(None, [grant.role.value, place, until]))
