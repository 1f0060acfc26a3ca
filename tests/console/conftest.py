"""What the tests of commands share."""

from __future__ import annotations

import pytest

from tests.console.commands import Commands


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)
