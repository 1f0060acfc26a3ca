"""The page of all fields of the terms, made from the models: form, meaning, readings, an executed example.

``docs/terms.md`` is its committed copy. An example is a template's clause in which the field has a value; the
page says what comes of another value: other amounts, other words of the article, or a refusal.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ledger.rules.check import RESULT_FAULTS, check, read_document
from ledger.rules.check.form import expected_at
from ledger.rules.check.open_choices import Location, Reading, choose, locations, value_at
from ledger.rules.check.readings import KINDS, Tried, amounts_of, differing
from ledger.rules.choices import readings_at
from ledger.rules.document import normalise
from ledger.rules.explanation import BOOK_NAMES
from ledger.rules.facts import Fault
from ledger.rules.plain.case import commodity_of
from ledger.rules.reference.field_notes import NOTES
from ledger.rules.reference.note import Note
from ledger.rules.templates import load
from ledger.rules.terms import Clause, Terms, Window
from ledger.rules.text import agreement_text

INTRODUCTION = """# Every field of the terms 条款字段

This page is made from the code by `parkledger rules fields`; a test keeps it current. What the fields mean to
the last detail is in [rule-semantics.md](rule-semantics.md), how a rule is written in
[write-your-rule.md](write-your-rule.md).

A path is inside the clause, or in the document for what stands beside the clauses; `[]` stands for any entry
of a list, `*` for any name. **Required** fields have no default. A field with readings is a choice that terms
can leave open: those without it are refused, with what each reading gives on the clause's own worked example.

Each example is computed when the page is made: a template's clause in which the field has a value, and what
changes with another value.
"""

_SECTIONS: tuple[tuple[str, str], ...] = (
    ("", "The document 文档"),
    ("number", "The clause 条款"),
    ("what", "what: the figures 数据"),
    ("whose", "whose: the subjects 对象"),
    ("when", "when: steps and the window 期间"),
    ("how_much", "how_much: the base 基数"),
    ("to_whom", "to_whom: the shares 份额"),
    ("within", "within: caps, budget and floor 上限、预算与保底"),
    ("then", "then: what happens with the result 结果处理"),
    ("rounding", "rounding: to the last unit 取整"),
    ("examples", "examples: the proof 示例"),
    ("procedure", "procedure: how a quarter is worked through 办理程序"),
    ("commitments", "commitments: what is promised beside money 非资金承诺"),
)

_STRUCTURE = frozenset({"clauses", "clauses[].examples"})
"""Lists whose entries have sections of their own."""
_ROWS_SHOWN = 2
_SENTENCE_END = re.compile(r"[\n;；。]|\.\s")


@dataclass(frozen=True, slots=True)
class TermsField:
    """A field of the terms; ``path`` is as in ``NOTES``."""

    path: str
    form: FieldInfo

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def location(self) -> Location:
        """A place of the field in a document."""
        parts = self.path.replace("[]", ".0").replace("*", "e1").split(".")
        here = [int(part) if part.isdigit() else part for part in parts]
        return (*here,) if self.is_of_document else ("clauses", 0, *here)

    @property
    def is_of_document(self) -> bool:
        return self._first in Terms.model_fields

    @property
    def section(self) -> str:
        if self._first in dict(_SECTIONS):
            return self._first
        return "" if self.is_of_document else "number"

    @property
    def _first(self) -> str:
        return re.split(r"[.\[]", self.path)[0]


def fields() -> list[TermsField]:
    """Every field that can be given a value of its own, in the order in which a clause is read."""
    return list(_fields_of(Terms, ""))


def without_note() -> list[str]:
    """The paths of fields that ``NOTES`` says nothing about; the page has their form alone."""
    return [field.path for field in fields() if field.path not in NOTES]


def page() -> str:
    """What ``docs/terms.md`` holds."""
    parts = [INTRODUCTION]
    for section, title in _SECTIONS:
        parts.append(f"## {title}\n")
        parts += [_entry(field) for field in fields() if field.section == section]
    return "\n".join(parts)


# --- the fields -------------------------------------------------------------------------------------------


def _fields_of(model: type[BaseModel], path: str) -> Iterator[TermsField]:
    for name, form in model.model_fields.items():
        here = f"{path}.{name}" if path else name
        in_clause = here.removeprefix("clauses[].")
        if not _is_model(form.annotation) and here not in _STRUCTURE:
            yield TermsField(in_clause, form)
        for part, suffix in _models_in(form.annotation):
            if part is not Window or here == "clauses[].when.window":
                yield from _fields_of(part, here + suffix)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _models_in(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The models that a field holds, with what stands between: nothing, an entry, or a name."""
    if _is_model(annotation):
        yield annotation, ""
    between = {tuple: "[]", dict: ".*"}.get(get_origin(annotation), "")
    for part in get_args(annotation):
        for model, suffix in _models_in(part):
            yield model, between + suffix


# --- an entry ---------------------------------------------------------------------------------------------


def _entry(field: TermsField) -> str:
    note = NOTES.get(field.path, Note("", None, ""))
    lines = [f"**`{field.path}`** {note.zh} · {_presence(field)} · {_form(field)}", ""]
    meaning = field.form.description or note.en
    if field.path.endswith(".window") and field.path != "when.window":
        meaning += " Of the same fields as `when.window`."
    lines += [meaning, ""] if meaning else []
    readings = readings_at(field.path.replace("[]", ""))
    lines += [f"- `{value}`: {zh} / {en}" for value, (zh, en) in readings.items()]
    lines += [""] if readings else []
    lines += [_example(field, note), ""] if note.base else []
    return "\n".join(lines)


def _presence(field: TermsField) -> str:
    default = field.form.default
    if field.form.is_required():
        return "**required**"
    return "optional" if default in (None, PydanticUndefined, (), {}) else f"optional, `{_json(default)}`"


def _form(field: TermsField) -> str:
    if readings_at(field.path.replace("[]", "")):
        return "one of the readings below"
    expected = expected_at(field.location)
    return f"{expected.en} {expected.zh}, such as `{expected.example}`"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


# --- its example ------------------------------------------------------------------------------------------


def _example(field: TermsField, note: Note) -> str:
    document, location = placed(field)
    before = _json(_without_defaults(value_at(document, location)))
    changes = [f"`{path}` = `{_json(value)}`" for path, value in note.changes.items() if path != field.path]
    changed = f" with {', '.join(changes)}" if changes else ""
    return (
        f"> Example: `{note.base}`{changed}: `{before}`. With `{_json(note.instead)}`: "
        f"{effect(document, location, note.instead)}"
    )


def _without_defaults(value: Any) -> Any:
    """The value without what it leaves at nothing."""
    match value:
        case dict():
            kept = {name: _without_defaults(part) for name, part in value.items()}
            return {name: part for name, part in kept.items() if part not in (None, False, [], {})}
        case list():
            return [_without_defaults(part) for part in value]
        case _:
            return value


def placed(field: TermsField) -> tuple[Any, Location]:
    """The document of the field's example, and where in it the field has a value. Raises ``LookupError``."""
    note = NOTES[field.path]
    document = copy.deepcopy(normalise(load(note.base).terms))
    for path, value in note.changes.items():
        steps = [int(part) if part.isdigit() else part for part in path.removeprefix("$.").split(".")]
        choose(
            document,
            tuple(steps if path.startswith("$.") else ("clauses", 0, *steps)),
            Reading(copy.deepcopy(value), "", ""),
        )
    for location in locations(document, ()):
        if _pattern_of(location) == _pattern_of(field.location) and _tells(value_at(document, location)):
            return document, location
    raise LookupError(field.path)


def _tells(value: Any) -> bool:
    """Whether the value says something; the lowest band's limit and what is left out don't."""
    return value not in (None, False, [], {}, "0", "0.00")


def _pattern_of(location: Sequence[int | str]) -> tuple[int | str, ...]:
    """The location without which entry or name is meant."""
    return tuple(
        "*" if isinstance(part, int) or (index and location[index - 1] == "subjects") else part
        for index, part in enumerate(location)
    )


def effect(document: Any, location: Location, instead: Any) -> str:
    """What becomes of the document's examples and text with ``instead`` at ``location``. Raises
    ``ValueError`` if nothing does."""
    changed = copy.deepcopy(document)
    choose(changed, location, Reading(instead, "", ""))
    before, after = _read(document), _read(changed)
    if isinstance(before, Fault):
        raise ValueError(before.message_en)
    if isinstance(after, Fault):
        return f"refused, {after.code}: {after.message_en}"
    found = _other_result(after, location) or _other_amounts(before, after) or _other_words(before, after)
    if not found:
        raise ValueError(f"nothing changes at {location}")
    return found


def _read(document: Any) -> Terms | Fault:
    terms, faults = read_document(json.dumps(document, ensure_ascii=False))
    if terms is not None:
        faults = [each for each in check(terms) if each.code not in RESULT_FAULTS]
    return faults[0] if terms is None or faults else terms


def _other_amounts(before: Terms, after: Terms) -> str:
    for clause, other in zip(before.clauses, after.clauses, strict=True):
        for index in range(len(clause.examples)):
            rows = _rows((before, clause), (after, other), index)
            if rows:
                shown = "; ".join(rows[:_ROWS_SHOWN])
                more = len(rows) - _ROWS_SHOWN
                return f"{shown}; and {more} more." if more > 0 else f"{shown}."
    return ""


def _rows(before: tuple[Terms, Clause], after: tuple[Terms, Clause], example: int) -> list[str]:
    results = [
        Tried(Reading(None, "", ""), amounts_of(terms, clause, example), commodity_of(clause))
        for terms, clause in (before, after)
    ]
    was, now = results
    unit = was.commodity.unit_en
    return [
        f"{key.whose_en}, {key.quarter} ({BOOK_NAMES[key.book][1]}{KINDS[key.kind][1]}): "
        f"{was.shown(key)} becomes {now.shown(key)} {unit}"
        for key in differing(results)
    ]


def _other_words(before: Terms, after: Terms) -> str:
    """The first words of the agreement's text that differ."""
    for language in ("en", "zh"):
        was, now = (_parts_of(agreement_text(terms, language, {})) for terms in (before, after))
        new = [part for part in now if part not in was]
        gone = [part for part in was if part not in now]
        if new:
            return f"the text says “{new[0]}”."
        if gone:
            return f"the text no longer says “{gone[0]}”."
    return ""


def _parts_of(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def _other_result(after: Terms, location: Location) -> str:
    """The fault of an expectation that no longer comes out."""
    faults = check(after) if "expect" in location else []
    return f"refused, {faults[0].code}: {faults[0].message_en}" if faults else ""
