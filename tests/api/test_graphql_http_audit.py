"""The audit of the npm package graphql-http, which the authors of the specification keep, finds nothing.

It needs Node, npm and, the first time, a registry; where one is missing the test is skipped and says which.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from tests.api.serving import served
from tests.api.signed_in import Accounts

AUDIT = Path(__file__).parent / "audit" / "audit.mjs"
PACKAGES = ("graphql-http@1.23.1", "graphql@16.11.0")
CHECKS = 61
INSTALL_SECONDS = 120


@pytest.fixture(scope="module")
def installed() -> Path:
    """The folder with the packages: in the user's cache, so that they are fetched once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm is missing, so the audit of graphql-http isn't run")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "parkledger" / "_".join(PACKAGES)
    if not (folder / "node_modules" / "graphql-http").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
        try:
            subprocess.run(install, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"npm couldn't install {PACKAGES[0]}, so its audit isn't run: {error}")
    return folder


def test_every_check_of_the_audit_is_ok(app: Starlette, accounts: Accounts, installed: Path) -> None:
    with served(app) as address:
        command = ["node", str(AUDIT), str(installed), f"{address}/graphql", accounts.token()]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    results: list[dict[str, Any]] = json.loads(printed)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == CHECKS
