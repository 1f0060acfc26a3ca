"""Running the command inside the test's own process."""

from __future__ import annotations

import pytest

from ledger_console.command import main


class Commands:
    """Runs commands in this process; keeps what the last one printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = ""
        self.err = ""

    def __call__(self, *arguments: str) -> int | str | None:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        self.out, self.err = self._capsys.readouterr()
        return ended.value.code
