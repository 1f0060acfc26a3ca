"""Starting an agreement from a template: what its rule leaves open is asked, and nothing else.

A template says which choices its sources settle and which of its figures are only examples. Asked are the
parties, the first quarter, every choice that isn't settled, and those figures.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ledger.money import format_amount
from ledger.rules.check import RESULT_FAULTS, check, questions, read_document
from ledger.rules.check.faults import fault
from ledger.rules.check.form import Form, value_question
from ledger.rules.check.open_choices import (
    Location,
    OpenChoice,
    Reading,
    choose,
    json_path,
    locations,
    open_choice,
    value_at,
)
from ledger.rules.document import normalise
from ledger.rules.examples import run_examples
from ledger.rules.facts import Fault
from ledger.rules.templates import Template, load
from ledger.rules.terms import Terms

UNANSWERED = "?"
"""Stands in a file of answers where none has been given yet."""

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class OpenField:
    """Something that the template leaves to the parties.

    ``readings`` are what may stand there, if it is a choice; ``value`` is what the template has.
    """

    path: str
    readings: tuple[Reading, ...]
    value: Any
    question_zh: str
    question_en: str


@dataclass(frozen=True, slots=True)
class Started:
    """What came of answers: terms when nothing is open and nothing wrong, else what is."""

    terms: Terms | None
    open_fields: tuple[OpenField, ...]
    faults: tuple[Fault, ...]


@cache
def asked(name: str) -> tuple[OpenField, ...]:
    """Everything that the template called ``name`` leaves open. Raises ``TemplateUnknown``.

    Kept, because every question about a choice computes the template's example under each reading.
    """
    return open_fields(load(name))


def open_fields(template: Template) -> tuple[OpenField, ...]:
    """Everything that the template leaves open, in the order of the document."""
    document = normalise(template.terms)
    return tuple(_open_field(document, location) for location in _open_locations(template, document))


def start(name: str, answers: Mapping[str, Any]) -> Started:
    """The terms of the template called ``name`` with the ``answers``, which are by JSON path.

    The expectations of worked examples are what the answered terms give, for people to look at. Raises
    ``TemplateUnknown``.
    """
    fields = asked(name)
    known = {field.path for field in fields}
    unknown = [
        fault(path, "ANSWER_NOT_ASKED", known=", ".join(sorted(known)))
        for path in answers
        if path not in known
    ]
    unanswered = tuple(field for field in fields if answers.get(field.path, UNANSWERED) == UNANSWERED)
    if unknown or unanswered:
        return Started(None, unanswered, tuple(unknown))
    return _completed(_answered(load(name), fields, answers))


def _completed(document: Any) -> Started:
    terms, faults = read_document(json.dumps(document, ensure_ascii=False))
    if terms is None:
        return Started(None, (), tuple(faults))
    faults = check(terms)
    if any(each.code not in RESULT_FAULTS for each in faults):
        return Started(None, (), tuple(faults))
    return Started(_proven(terms, document), (), ())


def _answered(template: Template, fields: Sequence[OpenField], answers: Mapping[str, Any]) -> Any:
    document = copy.deepcopy(normalise(template.terms))
    for field in fields:
        answer = answers[field.path]
        reading = next(
            (reading for reading in field.readings if reading.value == answer), Reading(answer, "", "")
        )
        choose(document, _location(field.path), reading)
    return document


def _proven(terms: Terms, document: Any) -> Terms:
    """The terms with every worked example expecting what they give."""
    examples = {clause["number"]: clause["examples"] for clause in document["clauses"]}
    for result in run_examples(terms):
        expected = examples[result.clause][result.example]["expect"][result.expectation]
        expected["amount"] = format_amount(result.got_minor, result.scale)
        if result.expected_routed_minor is not None:
            expected["routed"] = format_amount(result.got_routed_minor, result.scale)
    return Terms.model_validate_json(json.dumps(document, ensure_ascii=False))


# --- what is open -----------------------------------------------------------------------------------------


def _open_locations(template: Template, document: Any) -> Iterator[Location]:
    yield ("agreement",)
    yield from (("roles", role) for role in document["roles"])
    yield ("in_force_from",)
    for index, clause in enumerate(document["clauses"]):
        has_money = clause["what"]["mechanism"] != "output_value"
        for location in locations(clause, ("clauses", index)):
            if "examples" in location:
                break
            path = json_path(location)
            is_asked = path in template.asked
            is_choice = path not in template.settled and _is_left(document, location, has_money=has_money)
            if is_asked or is_choice:
                yield location


def _is_left(document: Any, location: Location, *, has_money: bool) -> bool:
    """Whether the field is a choice that somebody must make for this clause.

    Not asked are what is optional and left out, what the clause doesn't need (a statistic isn't paid, and the
    regime can be seen from the shares), and the step, because worked examples have figures of a template's.
    """
    choice = open_choice(document, location, None)
    if choice is None or len(choice.readings) < 2 or choice.name in {"regime", "per", "step"}:
        return False
    is_left_out = value_at(document, location) is None and choice.name != "excess_to"
    return not is_left_out and (has_money or "then" not in location)


def _open_field(document: Any, location: Location) -> OpenField:
    value = value_at(document, location)
    choice = open_choice(document, location, None)
    asks = value_question(location) if choice is None else _choice_question(document, choice, value)
    readings = () if choice is None else choice.readings
    return OpenField(json_path(location), readings, value, asks.message_zh, asks.message_en)


def _choice_question(document: Any, choice: OpenChoice, value: Any) -> Fault:
    """The choice with what its readings give on the template's example, all else as the template has it."""
    usual = next((reading for reading in choice.readings if reading.value == value), choice.first)
    open_one = OpenChoice(choice.location, None, choice.readings, usual)
    (told,) = questions(Form(None, [], document, [open_one]))
    return told


def _location(path: str) -> Location:
    return tuple(name or int(index) for name, index in _STEP.findall(path))
