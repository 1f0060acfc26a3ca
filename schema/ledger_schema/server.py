"""The embedded PostgreSQL server: found on this machine, started, shared by every process, stopped.

A person who types `make run` has no database and should not need to know of one. This module starts a private
server whose every file lies in one folder, the *home*:

    home/server.lock      held while a process starts or stops the server
    home/password         the owner's password, readable by the person who started it only
    home/binaries/        a copy of PostgreSQL, made only if the server's user cannot reach the original
    home/server/data      the data folder
    home/server/log       what the server says

PostgreSQL refuses to run as root. Started by root it runs as the user `postgres`, else `nobody`; no user is
created and no permission is changed outside the home. It listens on the loopback address only, asks for a
password (SCRAM-SHA-256) and keeps data checksums. Linux and macOS.

`DATABASE_URL`, where set, names another server, and nothing is started. `PARKLEDGER_POSTGRES_BIN` names the
folder of the PostgreSQL programs to use instead of those that would be found.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ledger_schema.programs import (
    Account,
    Binaries,
    ServerError,
    account_for,
    can_enter,
    find_binaries,
    reachable_binaries,
    require_supported,
)

ROLE = "parkledger"
DATABASE = "parkledger"
HOME_FOR_ROOT = Path("/var/lib/parkledger")

START_ATTEMPTS_MAX = 5
START_WAIT_SECONDS = 60
STOP_WAIT_SECONDS = 60
REAP_WAIT_SECONDS = 30
POLL_SECONDS = 0.05

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    # A socket's path is limited to about a hundred bytes, and a home may lie deeper than that.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_min_duration_statement": "500ms",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Server:
    """A running embedded server.

    `url` names the ledger's database, password included. `started_here` is true when the call that returned
    this value started the server, false when it found it running.
    """

    home: Path
    port: int
    url: str
    started_here: bool


# What the rest of the house calls


def default_home() -> Path:
    """The folder of the embedded server when nobody names one.

    PARKLEDGER_HOME, else XDG_DATA_HOME/parkledger, else ~/.local/share/parkledger. For root the server's user
    must be able to enter the folder; where it cannot (a home folder of mode 0700), /var/lib/parkledger.
    """
    given = os.environ.get("PARKLEDGER_HOME")
    if given:
        return Path(given).expanduser().absolute()
    data_folder = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    personal = Path(data_folder) / "parkledger"
    if os.geteuid() == 0 and not can_enter(account_for(personal), _nearest_existing(personal)):
        return HOME_FOR_ROOT
    return personal


def database_url(home: Path) -> str:
    """The address of the ledger's database for SQLAlchemy: DATABASE_URL if set, else the embedded server's.

    Starts the embedded server if it does not run. Raises ServerError.
    """
    given = os.environ.get("DATABASE_URL")
    return normalise_url(given) if given else start(home).url


def normalise_url(url: str) -> str:
    """The address for SQLAlchemy, given with postgres://, postgresql:// or postgresql+psycopg://."""
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ServerError(
            f"The database address must begin with postgresql://, not {scheme!r}.",
            f"数据库地址必须以 postgresql:// 开头，而不是 {scheme!r}。",
        )
    return f"postgresql+psycopg://{rest}"


def check_version(url: str) -> None:
    """Raises ServerError if the server at `url` cannot be reached or is older than PostgreSQL 15."""
    try:
        with psycopg.connect(_driver_url(url), connect_timeout=10) as connection:
            major = connection.info.server_version // 10_000
    except psycopg.Error as error:
        raise ServerError(f"The database does not answer: {error}", f"数据库无法连接：{error}") from error
    require_supported(major)


def make_home(home: Path) -> None:
    """Creates the home with its missing parents; the server's user must be able to pass through them."""
    mode = 0o755 if os.geteuid() == 0 else 0o700
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
    except OSError as error:
        raise _unusable_home(home, str(error), str(error)) from error


def start(home: Path, settings: Mapping[str, str] | None = None) -> Server:
    """The running server of `home`, started (and on the first call created) if it does not run yet.

    Any number of processes may call it at once; one starts the server, the others find it. `settings` are
    PostgreSQL settings for a server started by this call. Raises ServerError.
    """
    home = home.absolute()
    make_home(home)
    with _locked(home):
        running = _running(home, started_here=False)
        if running:
            return running
        account = account_for(home)
        _require_enterable(account, home)
        _make_server_folder(account, home)
        binaries = reachable_binaries(account, home, find_binaries(_data_major(home)))
        _clear_dead_postmaster(home)
        if not _data(home).exists():
            _initialise(account, binaries, home)
        _start_postmaster(account, binaries, home, {**SETTINGS, **(settings or {})})
        started = _running(home, started_here=True)
        if not started:
            raise _not_started(home)
        _make_database(started)
        return started


def stop(home: Path) -> None:
    """Stops the server of `home` after its running transactions are rolled back; nothing if none runs."""
    home = home.absolute()
    if not home.exists():
        return
    with _locked(home):
        process_id = _postmaster_id(home)
        if process_id is None or not _is_postmaster(process_id):
            return
        os.kill(process_id, signal.SIGINT)
        pid_file = _data(home) / "postmaster.pid"
        if not _wait_until(lambda: not pid_file.exists(), STOP_WAIT_SECONDS):
            raise ServerError(
                f"The database server (process {process_id}) did not stop in {STOP_WAIT_SECONDS} seconds.",
                f"数据库服务（进程 {process_id}）未能在 {STOP_WAIT_SECONDS} 秒内停止。",
            )


def status(home: Path) -> Server | None:
    """The running server of `home`, or None."""
    return _running(home.absolute(), started_here=False)


# Is it running?


def _running(home: Path, started_here: bool) -> Server | None:
    process_id, lines = _postmaster_id(home), _pid_file_lines(home)
    if process_id is None or len(lines) < 8 or lines[7].strip() != "ready":
        return None
    port = int(lines[3])
    if not _is_postmaster(process_id) or not _answers(port):
        return None
    return Server(home, port, _url(home, port), started_here)


def _pid_file_lines(home: Path) -> list[str]:
    try:
        return (_data(home) / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _postmaster_id(home: Path) -> int | None:
    lines = _pid_file_lines(home)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _is_postmaster(process_id: int) -> bool:
    """Whether a live process of that id is PostgreSQL: after a restart of the machine ids are given anew."""
    described = _described_process(process_id)
    return described is not None and described[0] == "postgres" and described[1] != "Z"


def _described_process(process_id: int) -> tuple[str, str] | None:
    """The program name and state letter of a process (Z: ended, not yet reaped); None if there is none."""
    if not Path("/proc/self/stat").exists():
        return ("postgres", "?") if _accepts_signals(process_id) else None
    try:
        described = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return None
    closing = described.rindex(")")
    return described[described.index("(") + 1 : closing], described[closing + 2]


def _accepts_signals(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def _clear_dead_postmaster(home: Path) -> None:
    """Makes room for a new server where the last one was killed.

    An ended process that its parent has not reaped still counts as alive for PostgreSQL, so we wait for it. A
    process id that now belongs to another program would block the data folder for ever, so its file goes.
    """
    process_id = _postmaster_id(home)
    if process_id is None:
        return
    _wait_until(lambda: (_described_process(process_id) or ("", ""))[1] != "Z", REAP_WAIT_SECONDS)
    described = _described_process(process_id)
    if described and described[0] != "postgres":
        (_data(home) / "postmaster.pid").unlink(missing_ok=True)
    if described and described[0] == "postgres":
        _wait_until(lambda: _running(home, started_here=False) is not None, START_WAIT_SECONDS)


# The home


def _data(home: Path) -> Path:
    return home / "server" / "data"


def _log(home: Path) -> Path:
    return home / "server" / "log"


def _make_server_folder(account: Account, home: Path) -> None:
    folder = home / "server"
    if folder.exists():
        return
    folder.mkdir(mode=0o700)
    if account.switch:
        os.chown(folder, account.user_id, account.group_id)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    try:
        descriptor = os.open(home / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable_home(home, str(error), str(error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _password(home: Path) -> str:
    """The owner's password, made and stored on first use."""
    path = home / "password"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_password(home)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text()


def _read_password(home: Path) -> str:
    path = home / "password"
    try:
        return path.read_text()
    except OSError as error:
        raise ServerError(
            f"The database password in {path} cannot be read: {error.strerror}.",
            f"无法读取数据库密码文件 {path}：{error.strerror}。",
        ) from error


def _url(home: Path, port: int) -> str:
    return f"postgresql+psycopg://{ROLE}:{_read_password(home)}@127.0.0.1:{port}/{DATABASE}"


def _driver_url(url: str) -> str:
    return normalise_url(url).replace("postgresql+psycopg://", "postgresql://", 1)


def _require_enterable(account: Account, home: Path) -> None:
    if not can_enter(account, home):
        raise _unusable_home(
            home,
            f"the user {account.name}, who runs the database, cannot enter it",
            f"运行数据库的用户 {account.name} 无法进入",
        )


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _unusable_home(home: Path, reason_en: str, reason_zh: str) -> ServerError:
    return ServerError(
        f"The folder {home} cannot hold the database: {reason_en}. Name another one in PARKLEDGER_HOME.",
        f"文件夹 {home} 无法存放数据库：{reason_zh}。请用 PARKLEDGER_HOME 指定其他文件夹。",
    )


# Creating and starting


def _data_major(home: Path) -> int | None:
    try:
        return int((_data(home) / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable_home(home, str(error), str(error)) from error


def _initialise(account: Account, binaries: Binaries, home: Path) -> None:
    """Creates the data folder under another name first, so that an interrupted attempt leaves none behind."""
    unfinished, password_file = home / "server" / "data.unfinished", home / "server" / "password"
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file.unlink(missing_ok=True)
    _write_private(account, password_file, _password(home))
    initdb: list[str | Path] = [binaries.folder / "initdb", "--pgdata", unfinished]
    try:
        done = account.run([*initdb, *_initialise_options(binaries.major), "--pwfile", password_file])
    finally:
        password_file.unlink()
    if done.returncode != 0:
        raise ServerError(
            f"The database could not be created in {home}:\n{done.stderr[-2000:]}",
            f"无法在 {home} 中创建数据库：\n{done.stderr[-2000:]}",
        )
    unfinished.rename(_data(home))


def _initialise_options(major: int) -> list[str]:
    """Text sorts by code point on every machine: from 17 on by PostgreSQL itself, before by the C library."""
    locale = ["--locale=C.UTF-8"]
    if major >= 17:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    common = [
        "--username",
        ROLE,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--data-checksums",
        "--no-instructions",
    ]
    return [*common, *locale]


def _write_private(account: Account, path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if account.switch:
            os.fchown(descriptor, account.user_id, account.group_id)
        file.write(text)


def _start_postmaster(account: Account, binaries: Binaries, home: Path, settings: Mapping[str, str]) -> None:
    """Starts the server, with another port each time it fails.

    Two faults pass by themselves: a port taken by somebody between our asking and the server's, and the last
    processes of a killed server that still hold its shared memory.
    """
    for attempt in range(START_ATTEMPTS_MAX):
        if attempt:
            time.sleep(0.5)
        if _running(home, started_here=True):
            return
        options = _options({**settings, "port": str(_free_port())})
        pg_ctl: list[str | Path] = [binaries.folder / "pg_ctl", "--pgdata", _data(home), "--wait", "--silent"]
        limits: list[str | Path] = ["--timeout", str(START_WAIT_SECONDS), "--log", _log(home)]
        if account.run([*pg_ctl, *limits, "--options", options, "start"]).returncode == 0:
            return
    raise _not_started(home)


def _options(settings: Mapping[str, str]) -> str:
    """The settings as pg_ctl hands them to a shell; values hold no quotes."""
    return " ".join(f"-c {name}='{value}'" for name, value in settings.items())


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _not_started(home: Path) -> ServerError:
    log = _log(home)
    last_words = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    return ServerError(
        f"The database server did not start; see {log}:\n{last_words}",
        f"数据库服务未能启动，请查看 {log}：\n{last_words}",
    )


def _make_database(server: Server) -> None:
    maintenance = _driver_url(server.url).rsplit("/", 1)[0] + "/postgres"
    with psycopg.connect(maintenance, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
