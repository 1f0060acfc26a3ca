"""The page of all fields: it has every field, is current, and every example on it is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger.rules.document import json_schema
from ledger.rules.reference import TermsField, effect, fields, page, placed, without_note
from ledger.rules.reference.field_notes import NOTES

PAGE = Path(__file__).parents[2] / "docs" / "terms.md"


@pytest.fixture(scope="module")
def made() -> str:
    return page()


def test_committed_page_is_the_one_that_the_code_makes(made: str) -> None:
    """To renew it: parkledger rules fields -o docs/terms.md"""
    assert PAGE.read_text(encoding="utf-8") == made


def test_every_field_of_the_schema_has_an_entry() -> None:
    named = {name for model in _models(json_schema()) for name in model["properties"]}
    structure = {"clauses", "examples", "what", "whose", "when", "how_much", "to_whom", "within", "then"}
    structure |= {"rounding", "clock", "title", "name"}
    entries = {field.name.replace("[]", "") for field in fields()}
    assert named - structure == entries
    assert [field.path for field in fields()] == list(dict.fromkeys(field.path for field in fields()))
    assert NOTES.keys() <= {field.path for field in fields()}


def test_every_field_has_a_note() -> None:
    missing = ", ".join(without_note())
    assert not missing, f"Write a note with an example in rules/reference/field_notes.py for: {missing}."


def test_field_without_a_note_is_found_out_and_the_page_is_made_with_its_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(NOTES, "then.netting")
    assert without_note() == ["then.netting"]
    assert "**`then.netting`**" in page()


@pytest.mark.parametrize(
    "field", [field for field in fields() if field.path in NOTES], ids=lambda field: field.path
)
def test_example_of_a_field_has_a_value_and_another_one_changes_something(
    made: str, field: TermsField
) -> None:
    document, location = placed(field)
    said = effect(document, location, NOTES[field.path].instead)
    assert said in made


def test_example_that_changes_nothing_is_found_out() -> None:
    (field,) = (field for field in fields() if field.path == "rounding.mode")
    document, location = placed(field)
    with pytest.raises(ValueError, match="nothing changes"):
        effect(document, location, "down")


def test_choice_shows_its_readings_in_both_languages(made: str) -> None:
    assert "- `pool`: 上限按纳入分享的总额累计计算 / the cap is measured on everything put in" in made
    assert (
        "- `accepted`: 对方未申报的数据照常纳入结算 / what the other side says nothing about counts" in made
    )


def _models(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [model for model in (schema, *schema["$defs"].values()) if "properties" in model]
