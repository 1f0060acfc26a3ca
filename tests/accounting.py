"""The programs that check journals, and whether this machine can print Chinese."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typst

from ledger.desk.statements.pages import CHINESE_FAMILIES

BEAN_CHECK = Path(sys.executable).with_name("bean-check")

needs_hledger = pytest.mark.skipif(
    shutil.which("hledger") is None, reason="hledger isn't installed: apt-get install hledger"
)
needs_chinese_font = pytest.mark.skipif(
    not set(typst.Fonts().families()) & set(CHINESE_FAMILIES),
    reason="no font for Chinese text is installed: apt-get install fonts-wqy-microhei",
)


def hledger_complaint(content: bytes, folder: Path) -> str:
    """What hledger, at its strictest, has against the journal; empty when it accepts it."""
    path = folder / "checked.journal"
    path.write_bytes(content)
    return _complaint(["hledger", "-f", str(path), "check", "--strict", "ordereddates"])


def beancount_complaint(content: bytes, folder: Path) -> str:
    """What beancount has against the journal; empty when it accepts it."""
    path = folder / "checked.beancount"
    path.write_bytes(content)
    return _complaint([str(BEAN_CHECK), "--no-cache", str(path)])


def _complaint(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    return "" if done.returncode == 0 else done.stderr + done.stdout or "refused without a word"
