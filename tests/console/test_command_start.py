"""`parkledger start` and `stop` as a person runs them: what is started, what is stopped, what is refused."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ledger_console.command import interrupts, main
from ledger_schema import server

PARKLEDGER = Path(sys.executable).with_name("parkledger")
READY = "Press Ctrl-C to stop."
SECONDS_MAX = 120


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for all tests of this file; each leaves its server stopped."""
    beside_the_run = Path(os.environ["PARKLEDGER_TEST_HOME"]).parent
    with tempfile.TemporaryDirectory(prefix="parkledger command ", dir=beside_the_run) as name:
        Path(name).chmod(0o755)
        yield Path(name) / "home"
        server.stop(Path(name) / "home")


@pytest.fixture(autouse=True)
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("PARKLEDGER_HOME", str(home))
    monkeypatch.setenv("PARKLEDGER_PORT", "0")


class Running:
    """A command that runs; ``until`` reads what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.printed: list[str] = []

    def until(self, text: str) -> None:
        """Reads lines up to the one that holds ``text``."""
        for line in self._process.stdout or ():
            self.printed.append(line)
            if text in line:
                return
        pytest.fail(f"{text!r} never came:\n{''.join(self.printed)}")

    def end(self, number: signal.Signals) -> int:
        """The exit code after the signal."""
        self._process.send_signal(number)
        self.printed.extend(self._process.stdout or ())
        return self._process.wait()

    @property
    def address(self) -> str:
        (line,) = [line for line in self.printed if "/sign-in" in line]
        return line.split()[-1].removesuffix("/sign-in")


@contextmanager
def parkledger(*arguments: str, **variables: str) -> Iterator[Running]:
    """The command as its own process, killed if it takes too long or is left behind."""
    process = subprocess.Popen(
        [PARKLEDGER, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**os.environ, **variables},
    )
    too_long = threading.Timer(SECONDS_MAX, process.kill)
    too_long.start()
    try:
        yield Running(process)
    finally:
        too_long.cancel()
        process.kill()
        process.communicate()


def _exit_code(arguments: Sequence[str]) -> int | str | None:
    """Runs the command in this process."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


def _request(address: str, method: str, path: str, body: str = "", token: str = "") -> Any:
    """The JSON that the server answers."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=SECONDS_MAX)
    try:
        connection.request(
            method, path, body, {"content-type": "application/json", "authorization": f"Bearer {token}"}
        )
        return json.load(connection.getresponse())
    finally:
        connection.close()


def _health(running: Running) -> Any:
    return _request(running.address, "GET", "/health")


def _query(running: Running, document: str, token: str) -> Any:
    return _request(running.address, "POST", "/graphql", json.dumps({"query": document}), token)


def test_start_serves_health_and_graphql_and_ctrl_c_stops_everything_that_it_started(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with parkledger("start", "--no-sample") as running:
        running.until(READY)
        assert _health(running) == {"status": "ok", "log": "ok"}
        assert _exit_code(["accounts", "open", "zhang.san", "--person", "张三"]) == 0
        capsys.readouterr()
        assert _exit_code(["accounts", "token", "zhang.san", "--label", "test"]) == 0
        token = capsys.readouterr().out.strip()
        zone = '{ party(code: "HTZ001") { kind } }'
        assert _query(running, zone, token)["data"] == {"party": {"kind": "ZONE"}}
        (refused,) = _query(running, zone, "pl_wrong")["errors"]
        assert refused["extensions"]["code"] == "SIGN_IN_NEEDED"
        assert server.status(home) is not None
        assert "Only this machine can reach it" in "".join(running.printed)
        assert running.end(signal.SIGINT) == 0
    assert "Stopped." in running.printed[-1]
    assert server.status(home) is None


def test_a_server_that_was_running_before_goes_on_running(home: Path) -> None:
    server.start(home)
    try:
        with parkledger("start", "--no-sample") as running:
            running.until(READY)
            assert running.end(signal.SIGTERM) == 0
        assert server.status(home) is not None
    finally:
        server.stop(home)


def test_the_last_of_two_starts_stops_the_server_and_stop_refuses_while_one_is_left(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with parkledger("start", "--no-sample") as first, parkledger("start", "--no-sample") as second:
        first.until(READY)
        second.until(READY)
        assert first.end(signal.SIGTERM) == 0
        assert _health(second) == {"status": "ok", "log": "ok"}
        assert _exit_code(["stop"]) == 2
        assert "SERVER_IN_USE" in capsys.readouterr().err
        assert second.end(signal.SIGHUP) == 0
    assert server.status(home) is None


def test_ctrl_c_while_the_sample_loads_stops_the_server_too(home: Path) -> None:
    with parkledger("start") as running:
        running.until("1/15")
        assert running.end(signal.SIGINT) == 130
    assert server.status(home) is None
    assert "Traceback" not in "".join(running.printed)


def test_an_error_that_being_stopped_led_to_counts_as_being_stopped() -> None:
    cut_off = ValueError("a statement was cut off")
    cut_off.__context__ = KeyboardInterrupt()
    assert interrupts.caused(cut_off)
    assert not interrupts.caused(ValueError("of its own"))


def test_a_server_left_by_a_killed_start_is_stopped_by_stop(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with parkledger("start", "--no-sample") as running:
        running.until(READY)
        running.end(signal.SIGKILL)
    assert server.status(home) is not None
    assert _exit_code(["status"]) == 0
    assert "running" in capsys.readouterr().out
    assert _exit_code(["stop"]) == 0
    assert server.status(home) is None
    assert _exit_code(["stop"]) == 0
    assert "isn't running" in capsys.readouterr().out


def test_busy_port_is_refused_at_once_and_names_the_variable(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PARKLEDGER_PORT", str(taken.getsockname()[1]))
        assert _exit_code(["start"]) == 2
    told = capsys.readouterr().err
    assert "错误 PORT_BUSY" in told
    assert "Error PORT_BUSY" in told
    assert "PARKLEDGER_PORT=" in told
    assert server.status(home) is None


@pytest.mark.parametrize("port", ["eighty", "70000", "-1", "８０００"])
def test_a_port_that_is_no_port_is_refused(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARKLEDGER_PORT", port)
    assert _exit_code(["start"]) == 2
    assert "PORT_UNUSABLE" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/nothing", "postgresql://x:y@[::1"])
def test_a_database_that_does_not_answer_is_refused_in_both_languages(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert _exit_code(["agreements"]) == 2
    told = capsys.readouterr().err
    assert "数据库无法连接" in told
    assert "The database does not answer" in told
