"""Starting and stopping: the database server, its tables, the sample, and the API on this machine."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Column

from ledger.desk import agreements, statements
from ledger.desk.accounts import Passwords
from ledger.desk.failures import NotFound
from ledger.rules.explanation import Language
from ledger_console.command.failures import PortBusy, PortUnusable, ServingFailed
from ledger_console.command.log import log_files
from ledger_console.command.opening import (
    Address,
    bring_up_to_date,
    database_server,
    home,
    sessions,
    stop_server,
)
from ledger_console.command.options import LanguageOption
from ledger_console.command.output import LOG_FILE, log_to, show
from ledger_console.sample import documents
from ledger_console.sample.accounts import SAMPLE_ACCOUNTS, DemoPasswords, has_accounts, load_accounts
from ledger_console.sample.demo_keys import DemoKeys
from ledger_console.sample.load import SHOWN_AGREEMENT, SHOWN_QUARTER, is_wanted, load_sample
from ledger_graphql.settings import ServiceSettings, from_environment
from ledger_schema import migrate, server
from ledger_schema.sessions import Database

HOST = "127.0.0.1"
PORT = 8000
BACKLOG = 2048
GOODBYE_SECONDS = 5
"""How long open requests may still take after Ctrl-C."""

Sample = Annotated[
    bool,
    typer.Option(
        "--sample/--no-sample", help="Load the made-up sample into an empty ledger. 空账本载入虚构示例。"
    ),
]


def start(sample: Sample = True, language: LanguageOption = "zh") -> None:
    """Start the ledger and serve it on this machine until Ctrl-C. 启动账本，在本机提供服务，按 Ctrl-C 停止。

    Starts a private database (or uses the one that DATABASE_URL names), brings its tables up to date, loads
    the sample into an empty ledger, prints one statement and serves GraphQL.
    启动内置数据库（或使用 DATABASE_URL 指定的数据库），更新数据表，空账本载入示例，
    打印一份结算单并提供 GraphQL 服务。

    PARKLEDGER_PORT: the port, 8000 if not set. 端口，默认 8000。
    PARKLEDGER_HOME: the folder of data, keys and log. 存放数据、密钥和日志的文件夹。
    """
    settings = from_environment(os.environ)
    with _listening(_wanted_port()) as listener:
        show(f"园区合作账本 Parkledger {version('parkledger')}")
        show(f"文件夹 Home      {home()}")
        with database_server() as address, log_to(home() / LOG_FILE):
            logging.getLogger().setLevel(logging.INFO)
            _prepare(address, sample=sample, language=language)
            _serve(address.url, listener, settings)
        show("已停止。Stopped.")


def stop() -> None:
    """Stop the private database if it was left running. 停止仍在运行的内置数据库。"""
    if os.environ.get("DATABASE_URL"):
        show(
            "DATABASE_URL 指定的数据库不由本程序启停。The server that DATABASE_URL names isn't ours to stop."
        )
    elif stop_server():
        show("内置数据库已停止。The private database was stopped.")
    else:
        show("内置数据库未在运行。The private database isn't running.")


def status() -> None:
    """Say what is running, and where. 显示运行状态和位置。"""
    folder = home()
    show(f"文件夹 Home      {folder}")
    given = os.environ.get("DATABASE_URL")
    if given:
        url = server.normalise_url(given)
        server.check_version(url)
        show("数据库 Database  DATABASE_URL")
        _show_revision(url)
        return
    running = server.status(folder)
    if running is None:
        show("数据库 Database  未运行 not running")
        return
    show(f"数据库 Database  运行中 running, {HOST}:{running.port}")
    _show_revision(running.url)


def migrate_tables() -> None:
    """Bring the tables and the roster of national zones up to date. 更新数据表和国家高新区名录。"""
    with database_server() as address:
        bring_up_to_date(address.url)
        _show_revision(address.url)


# --- getting ready ----------------------------------------------------------------------------------------


def _prepare(address: Address, *, sample: bool, language: Language) -> None:
    show(f"数据库 Database  {_described(address)}")
    bring_up_to_date(address.url)
    _show_revision(address.url)
    with sessions(address.url) as database:
        if sample and is_wanted(database):
            _load(database)
        text = _statement(database, language)
        signing_in = _how_to_sign_in(database)
    if text is not None:
        show(f"\n{text}")
    show(signing_in)


def _how_to_sign_in(database: Database) -> str:
    """The accounts of the sample with their passwords; in another ledger, how to open one."""
    if not has_accounts(database):
        return "登录账号 Accounts  parkledger accounts open, grant, password"
    demo = DemoPasswords(home())
    lines = [
        f"  {one.name:<24} {demo.password(one.name)}  {one.role.zh} {one.role.en}" for one in SAMPLE_ACCOUNTS
    ]
    return "\n".join(["示例账号与密码（仅供演示）Accounts of the sample with passwords (demo only)", *lines])


def _described(address: Address) -> str:
    if address.port is None:
        return "DATABASE_URL"
    state = "已启动 started" if address.started_here else "已在运行 found running"
    return f"内置 private PostgreSQL, {HOST}:{address.port}, {state}"


def _show_revision(url: str) -> None:
    current, latest = migrate.current(url), migrate.latest()
    state = "最新 up to date" if current == latest else f"应为 should be {latest}: parkledger migrate"
    show(f"数据表 Tables    {current or '—'}, {state}")


def _load(database: Database) -> None:
    with _progress(total=len(documents.agreements()) + 1) as report:
        loaded = load_sample(database, DemoKeys.of_home(home()), report)
        load_accounts(database, DemoPasswords(home()), Passwords())
    show(
        f"示例 Sample      协议 {len(loaded.agreement_ids)} 份，新结 {loaded.closed_count} 季，数据均为虚构\n"
        f"                 {len(loaded.agreement_ids)} agreements, {loaded.closed_count} quarters closed "
        "(all figures are made up)"
    )


class _Report:
    """Shows each thing done: beside a bar on a terminal, else as a line of its own."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("载入示例 Loading the sample", total=total)

    def __call__(self, line: str) -> None:
        self._progress.update(self._task, advance=1, description=line)
        if self._progress.disable:
            show(line)


@contextmanager
def _progress(total: int) -> Iterator[_Report]:
    console = Console()
    line = TextColumn(
        "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
    )
    with Progress(
        SpinnerColumn(),
        BarColumn(20),
        MofNCompleteColumn(),
        line,
        console=console,
        transient=True,
        expand=True,
        disable=not console.is_terminal,
    ) as progress:
        yield _Report(progress, total)


def _statement(database: Database, language: Language) -> str | None:
    """A statement worth looking at first; None in a ledger without the sample."""
    with database.reading() as connection:
        try:
            shown = agreements.agreement_by_code(connection, SHOWN_AGREEMENT)
            made = statements.statement(connection, shown.agreement_id, SHOWN_QUARTER)
        except NotFound:
            return None
    return statements.render_statement(made, language)


# --- serving ----------------------------------------------------------------------------------------------


def _wanted_port() -> int:
    text = os.environ.get("PARKLEDGER_PORT") or str(PORT)
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise PortUnusable(text=text)
    return int(text)


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Takes the port before anything else is done; who connects early waits until we serve."""
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(BACKLOG)
        except PermissionError as error:
            raise PortUnusable(text=str(port)) from error
        except OSError as error:
            raise PortBusy(port=port, example=port + 1 if port < 2**16 - 1 else PORT) from error
        yield listener


def _announce(listener: socket.socket) -> None:
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    show(f"打开 Open        {address}/sign-in")
    show("仅限本机访问。Only this machine can reach it.")
    show("按 Ctrl-C 停止。Press Ctrl-C to stop.")


def _serve(url: str, listener: socket.socket, settings: ServiceSettings) -> None:
    # The web libraries take half a second to load, which no other command should wait for.
    import uvicorn

    from ledger_console.command.open_id import open_id_of_environment
    from ledger_graphql.application import create

    web = uvicorn.Server(
        uvicorn.Config(
            create(url, log_files=log_files(), open_id=open_id_of_environment(), settings=settings),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GOODBYE_SECONDS,
        )
    )
    try:
        _announce(listener)
        web.run(sockets=[listener])
    except KeyboardInterrupt:
        # After an orderly end the web server repeats the signal that ended it.
        return
    if not web.started:
        raise ServingFailed(log=home() / LOG_FILE)
