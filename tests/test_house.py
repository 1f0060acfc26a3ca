"""The house keeps its own order: what must never be in the tree, and what a newcomer must find."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ADDRESS = re.compile(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host")
PLAIN_FOLDERS = ("graphql", "schema", "alembic", "console")
WITHOUT_ADDRESSES = ("requirements.lock", "requirements.build.in", "pyproject.toml", "Makefile", ".ci/run")


@pytest.mark.parametrize("name", PLAIN_FOLDERS)
def test_folder_named_like_a_library_is_no_package(name: str) -> None:
    assert (ROOT / name).is_dir()
    assert not (ROOT / name / "__init__.py").exists()


def test_no_folder_of_tests_is_a_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_two_test_files_share_a_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_core_package_says_nothing_by_itself() -> None:
    assert (ROOT / "ledger" / "__init__.py").read_text() == ""


@pytest.mark.parametrize("name", WITHOUT_ADDRESSES)
def test_file_that_decides_what_is_installed_names_no_registry(name: str) -> None:
    assert ADDRESS.findall((ROOT / name).read_text()) == []


def test_every_locked_package_has_a_version_and_a_hash() -> None:
    logical_lines = (ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()
    packages = [line for line in logical_lines if line.strip() and not line.startswith("#")]
    assert packages
    assert [line for line in packages if "==" not in line or "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("command", ["make run", "make test"])
def test_readme_names_the_two_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text()
