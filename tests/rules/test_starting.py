"""Starting terms from a template: just what its rule leaves open is asked, and the answers make terms."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.check import check
from ledger.rules.document import normalise
from ledger.rules.examples import run_examples
from ledger.rules.starting import open_fields, start
from ledger.rules.templates import Template, load, names

MOVED = "beijing-tianjin-hebei"


def answers_of(template: Template, **changes: Any) -> dict[str, Any]:
    """The template's own values as answers, with ``changes`` by the end of their paths."""
    answers = {field.path: field.value for field in open_fields(template)}
    for end, value in changes.items():
        (path,) = (path for path in answers if path.endswith(f".{end}"))
        answers[path] = value
    return answers


@pytest.mark.parametrize("name", names())
def test_template_answered_with_its_own_values_is_the_template(name: str) -> None:
    started = start(name, answers_of(load(name)))
    assert started.terms is not None
    assert normalise(started.terms) == normalise(load(name).terms)


@pytest.mark.parametrize("name", names())
def test_what_a_template_calls_settled_or_an_example_is_in_its_terms(name: str) -> None:
    template = load(name)
    asked = {field.path: field for field in open_fields(template)}
    assert set(template.asked) <= asked.keys()
    assert not set(template.settled) & asked.keys()
    unsettled = {field.path for field in open_fields(template.model_copy(update={"settled": ()}))}
    assert unsettled - asked.keys() == set(template.settled)


def test_what_the_sources_settle_is_not_asked_and_what_they_leave_open_is() -> None:
    asked = {field.path.removeprefix("$.clauses[0].") for field in open_fields(load(MOVED))}
    assert asked >= {"$.roles.origin", "within.caps[0].measured_on", "when.window.clock.begins"}
    assert not asked & {"to_whom.key", "within.caps[0].excess_to", "when.window.length_months"}


def test_choice_is_asked_with_what_its_readings_give() -> None:
    (field,) = (each for each in open_fields(load(MOVED)) if each.path.endswith("measured_on"))
    assert [reading.value for reading in field.readings] == ["receipts", "pool"]
    assert "the origin side, 2027Q4 (cash book, yuan): receipts 12,000,000.00" in field.question_en
    assert "飞出地 2027Q4（现金账，元）receipts 12,000,000.00" in field.question_zh
    assert field.value == "receipts"


def test_what_is_not_answered_stays_open_and_nothing_is_assumed() -> None:
    answers = answers_of(load(MOVED), measured_on="?")
    started = start(MOVED, answers)
    assert started.terms is None
    assert [field.path for field in started.open_fields] == ["$.clauses[0].within.caps[0].measured_on"]
    assert len(start(MOVED, {}).open_fields) == len(answers)


def test_worked_examples_expect_what_the_answered_terms_give() -> None:
    started = start(MOVED, answers_of(load(MOVED), measured_on="pool", agreement="JJJ-7"))
    assert started.terms is not None
    assert started.terms.agreement == "JJJ-7"
    (cap,) = started.terms.clauses[0].within.caps
    assert (cap.measured_on, cap.capped) == ("pool", None)
    assert check(started.terms) == []
    expected = [each.amount for each in started.terms.clauses[0].examples[0].expect]
    assert expected[4:6] == ["1000000.00", "49000000.00"]
    assert all(result.passes for result in run_examples(started.terms))


def test_answer_that_is_no_reading_is_refused_by_its_path() -> None:
    started = start(MOVED, answers_of(load(MOVED), measured_on="both"))
    assert [(each.path, each.code) for each in started.faults] == [
        ("$.clauses[0].within.caps[0].measured_on", "CHOICE_UNKNOWN")
    ]


def test_answer_that_contradicts_the_clause_is_refused() -> None:
    template = load("gaozhu-increment")
    started = start("gaozhu-increment", answers_of(template, within_year="same_quarter"))
    assert started.terms is None
    assert {each.code for each in started.faults} == {"SURPLUS_QUARTERS"}


def test_answer_to_what_was_not_asked_is_refused_with_what_is() -> None:
    answers = answers_of(load(MOVED)) | {"$.clauses[0].to_whom.key": []}
    (fault,) = start(MOVED, answers).faults
    assert (fault.path, fault.code) == ("$.clauses[0].to_whom.key", "ANSWER_NOT_ASKED")
    assert "$.clauses[0].within.caps[0].measured_on" in fault.message_en
