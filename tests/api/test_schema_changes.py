"""Nothing breaks a client of the last release unless it is named."""

from __future__ import annotations

import re
from pathlib import Path

from graphql import build_schema

from ledger_graphql.schema import SCHEMA
from ledger_graphql.schema_changes import breaking, last_release

GUIDE = Path(__file__).parent.parent.parent / "docs" / "schema-changes.md"


def test_every_breaking_change_since_the_last_release_is_named_and_no_other() -> None:
    listed = GUIDE.read_text().partition("## Breaking since the last release\n")[2]
    named = re.findall(r"^- (.+)$", listed, re.MULTILINE)
    assert breaking(build_schema(last_release().read_text()), SCHEMA.core) == sorted(named)


def test_a_field_taken_away_is_found_and_one_added_is_none() -> None:
    old = build_schema("type Query { a: Int b: Int }")
    assert breaking(old, build_schema("type Query { a: Int }")) == ["Field Query.b was removed."]
    assert breaking(old, build_schema("type Query { a: Int b: Int c: Int }")) == []


def test_the_last_release_is_the_one_with_the_highest_version(tmp_path: Path) -> None:
    for version in ("0.9.0", "0.10.0", "0.2.11"):
        (tmp_path / f"{version}.graphql").touch()
    assert last_release(tmp_path).stem == "0.10.0"
