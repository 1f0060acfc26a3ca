"""What an operator sets by the environment."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any

import pytest

from ledger_graphql.settings import ServiceSettings, SettingUnusable, from_environment, variable_of

GUIDE = Path(__file__).parent.parent.parent / "docs" / "limits.md"


def test_what_the_environment_does_not_name_is_as_by_default() -> None:
    assert from_environment({"PATH": "/bin", "PARKLEDGER_PORT": "1"}) == ServiceSettings()


def test_the_environment_sets_numbers_switches_and_folders(tmp_path: Path) -> None:
    given = {
        "PARKLEDGER_COST_MAX": "7",
        "PARKLEDGER_INTROSPECTION": "off",
        "PARKLEDGER_TRUSTED_ONLY": "on",
        "PARKLEDGER_TRUSTED_FOLDER": str(tmp_path),
    }
    assert from_environment(given) == ServiceSettings(
        cost_max=7, introspection=False, trusted_only=True, trusted_folder=tmp_path
    )


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *(("PARKLEDGER_COST_MAX", written) for written in ("", "0", "-1", "1.5", "ten", "１", "9" * 13)),
        *(("PARKLEDGER_ASK_PAGE", written) for written in ("", "true", "ON", "1")),
        ("PARKLEDGER_TRUSTED_FOLDER", "/there/is/no/such/folder"),
    ],
)
def test_a_value_of_another_form_is_refused_by_its_name(name: str, written: str) -> None:
    with pytest.raises(SettingUnusable, match=name):
        from_environment({name: written})


def test_the_guide_names_every_setting_with_its_default() -> None:
    guide = GUIDE.read_text()
    for field in fields(ServiceSettings):
        words: dict[Any, str] = {True: "on", False: "off", None: "none"}
        shown = words[field.default] if isinstance(field.default, (bool, NoneType)) else field.default
        assert f"| `{variable_of(field.name)}` | {shown} |" in guide
