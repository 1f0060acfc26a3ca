"""What an operator may set about the service, and how the environment says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ledger.errors import LedgerError

START = "PARKLEDGER_"
SWITCHES: Mapping[str, bool] = {"on": True, "off": False}


class SettingUnusable(LedgerError):
    """A variable of the environment that sets something has a value that it can't have."""

    code = "SETTING_UNUSABLE"
    sentence_en = "Expected {name} to be {expected}, but got {got!r}."
    sentence_zh = "{name} 应为 {expected}，实际为 {got!r}。"


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The settings of one server. ``cost_max`` is the environment's ``PARKLEDGER_COST_MAX``, and so on.

    What each of them means, and what is measured how, is told in docs/limits.md.
    """

    graphql_body_bytes_max: int = 48 * 1024 * 1024
    """Room for the largest file that the desk reads (32 MiB) in base64."""
    file_body_bytes_max: int = 48 * 1024 * 1024
    document_bytes_max: int = 200_000
    tokens_max: int = 4_000
    nesting_max: int = 64
    depth_max: int = 16
    fields_max: int = 600
    aliases_max: int = 30
    directives_max: int = 60
    cost_max: int = 500_000
    operation_seconds: int = 60
    rate_cost_per_second: int = 50_000
    rate_cost_burst: int = 5_000_000
    introspection: bool = True
    ask_page: bool = True
    trusted_only: bool = False
    trusted_folder: Path | None = None


def from_environment(environment: Mapping[str, str]) -> ServiceSettings:
    """The settings that ``environment`` names; the others as they are by default.

    Raises ``SettingUnusable``.
    """
    given = {
        field.name: _read(variable, environment[variable], field.default)
        for field in fields(ServiceSettings)
        if (variable := variable_of(field.name)) in environment
    }
    return ServiceSettings(**given)


def variable_of(name: str) -> str:
    """The environment's name of a setting."""
    return START + name.upper()


def _read(variable: str, written: str, default: object) -> Any:
    match default:
        case bool():
            return _switch(variable, written)
        case int():
            return _count(variable, written)
    return _folder(variable, written)


def _switch(variable: str, written: str) -> bool:
    if written not in SWITCHES:
        raise SettingUnusable(name=variable, expected="on, off", got=written)
    return SWITCHES[written]


def _count(variable: str, written: str) -> int:
    if not (written.isascii() and written.isdigit() and 0 < len(written) <= 12 and int(written)):
        raise SettingUnusable(name=variable, expected="1, 2, …", got=written)
    return int(written)


def _folder(variable: str, written: str) -> Path:
    folder = Path(written)
    if not folder.is_dir():
        raise SettingUnusable(name=variable, expected="/a/folder", got=written)
    return folder
