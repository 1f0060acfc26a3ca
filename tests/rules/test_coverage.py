"""Every published rule and every primitive has a clause: the rows of docs/coverage.md are computed."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.money import format_amount, parse_amount
from ledger.periods import Quarter
from ledger.rules import plain
from ledger.rules.check import RESULT_FAULTS, TermsRefused, check, read_terms
from ledger.rules.check.open_choices import Reading, choose
from ledger.rules.check.transition import transition_faults
from ledger.rules.document import normalise
from ledger.rules.examples import facts_of, quarters_of
from ledger.rules.explanation import render
from ledger.rules.facts import Version
from ledger.rules.payment import interest, rates_of, scheduled
from ledger.rules.plain.case import MONEY_SCALE
from ledger.rules.templates import load, names
from ledger.rules.terms import Clause, Terms
from ledger.rules.text import article

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"
CASES = (
    "京津冀",
    "总分机构",
    "六松",
    "合淮",
    "川渝高竹新区",
    "川浙",
    "淄博",
    "宁德",
    "福州",
    "某县飞地",
    "集美区",
    "昆明",
    "云南",
    "广西",
    "深汕特别合作区",
    "外高桥",
    "苏州宿迁",
    "江阴-靖江园区",
    "长三角示范区",
    "淳安",
    "缙云-富阳",
    "广东",
    "成阿园区",
    "双创券",
    "山东",
    "聊城",
    "福建",
    "济南",
)
PRIMITIVES = {*range(1, 33)}

CODE = re.compile(r"`([^`]+)`")
CHANGE = re.compile(r"`([\w.]+)` = `([^`]+)`")


@dataclass(frozen=True)
class Row:
    """A row of the page: the terms that it describes, with its figures and results as the worked example."""

    name: str
    terms: dict[str, Any]


def rows() -> list[Row]:
    shares = [*table("Agreements and published rules"), *table("Primitives")]
    return [row_of(cells) for cells in shares]


def table(section: str) -> list[list[str]]:
    """The cells of every row of the section's table."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines[1:]]


def name_of(cells: list[str]) -> str:
    return f"{cells[0]}: {cells[1]}"


def row_of(cells: list[str]) -> Row:
    clause, figures, results = cells[-3:]
    terms = terms_of(clause)
    (shown,) = terms["clauses"]
    example = shown["examples"][0]
    if CODE.search(figures):
        example["figures"] = [figure_of(text) for text in CODE.findall(figures)]
    example["expect"] = [expectation_of(shown, text) for text in CODE.findall(results)]
    return Row(name_of(cells), terms)


def terms_of(clause: str) -> dict[str, Any]:
    """The terms of a cell: of the template that it names, with its clause and example alone, changed."""
    found = re.match(r"`([\w-]+)` (\d+)(?:\.(\d+))?", clause)
    assert found, clause
    terms = normalise(load(found[1]).terms)
    (shown,) = (each for each in terms["clauses"] if str(each["number"]) == found[2])
    terms["clauses"] = [shown]
    change(terms, clause)
    shown["examples"] = [shown["examples"][int(found[3] or 1) - 1]]
    return terms


def change(terms: dict[str, Any], cell: str) -> None:
    for path, value in CHANGE.findall(cell):
        steps = [int(part) if part.isdigit() else part for part in path.split(".")]
        choose(terms, ("clauses", 0, *steps), Reading(json.loads(value), "", ""))


def figure_of(text: str) -> dict[str, Any]:
    span, measure, amount, *subject = text.split()
    return {"span": span, "measure": measure, "amount": amount, "subject": subject[0] if subject else None}


def expectation_of(clause: dict[str, Any], text: str) -> dict[str, Any]:
    period, who, amount, *routed = text.split()
    book, _, role = who.rpartition(":")
    first, last = (period, period) if "Q" in period else (f"{period}Q1", f"{period}Q4")
    assert book or clause["what"]["mechanism"] != "output_value"
    return {
        "first": first,
        "last": last,
        "book": book or "cash",
        "party": role,
        "amount": amount,
        "routed": routed[1] if routed else None,
    }


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_clause_of_the_row_gives_the_numbers_that_the_page_states(row: Row) -> None:
    terms = read_terms(json.dumps(row.terms, ensure_ascii=False))
    assert terms.clauses[0].examples[0].expect


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_result_of_the_row_is_explained(row: Row) -> None:
    terms = Terms.model_validate_json(json.dumps(row.terms, ensure_ascii=False))
    (clause,) = terms.clauses
    (example,) = clause.examples
    facts, quarters = facts_of(clause, example), quarters_of(example)
    version = Version(min(quarters), terms.model_copy(update={"last_quarter": None}))
    for quarter in {Quarter.parse(each.last) for each in example.expect}:
        for subject in {line.subject for line in facts.lines}:
            made = plain.explain([version], facts, max(quarters), clause.number, subject, quarter)
            for language in ("zh", "en"):
                assert render(made, language)


def test_every_case_and_every_primitive_has_a_row() -> None:
    named = [row.name for row in rows()]
    assert [case for case in CASES if not any(name.startswith(case) for name in named)] == []
    sections = ("Primitives", "Amendments", "Payment", "Procedures")
    assert {int(cells[0]) for section in sections for cells in table(section)} == PRIMITIVES


def test_every_template_has_a_row() -> None:
    page = PAGE.read_text()
    assert [name for name in names() if f"`{name}`" not in page] == []


def test_row_with_another_number_is_found_out() -> None:
    row = row_of(["x", "y", "`fuzhou-seven-three` 1", "of the example", "`2024Q1 origin 700000.01`"])
    with pytest.raises(TermsRefused, match=r"origin gets 700000\.01"):
        read_terms(json.dumps(row.terms, ensure_ascii=False))


# --- amendments and payment -------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", table("Amendments"), ids=name_of)
def test_amendment_gives_the_numbers_that_the_page_states(cells: list[str]) -> None:
    versions = versions_of(cells)
    clause, amended = (version.terms.clauses[0] for version in versions)
    assert list(transition_faults("$", amended, clause)) == []
    (example,) = clause.examples
    outcome = plain.evaluate(versions, facts_of(clause, example), max(quarters_of(example)))
    for expected in example.expect:
        got = [
            amount.amount_minor
            for key, amount in outcome.amounts.items()
            if (key.role, str(key.quarter)) == (expected.party, expected.first)
        ]
        assert sum(got) == parse_amount(expected.amount, MONEY_SCALE), expected.first


def versions_of(cells: list[str]) -> list[Version]:
    """The terms of the row, and those that take their place."""
    clause, amendment, figures, results = cells[-4:]
    first = row_of([*cells[:2], clause, figures, results]).terms
    starts, transition = CODE.findall(amendment)[:2]
    second = copy.deepcopy(first) | {"in_force_from": starts, "transition": transition}
    change(second, amendment)
    return [
        Version(Quarter.parse(terms["in_force_from"]), Terms.model_validate_json(json.dumps(terms)))
        for terms in (first, second)
    ]


@pytest.mark.parametrize("cells", table("Payment"), ids=name_of)
def test_payment_is_what_the_page_states(cells: list[str]) -> None:
    terms = Terms.model_validate_json(json.dumps(terms_of(cells[-2]), ensure_ascii=False))
    faults = [fault for fault in check(terms) if fault.code not in RESULT_FAULTS]
    assert faults == []
    (clause,) = terms.clauses
    stated = re.fullmatch("“(.+)”|`(.+)` → `(.+)`", cells[-1])
    assert stated, cells[-1]
    said, asked, answer = stated.groups()
    if said:
        assert said in article(clause, "en")
    elif " due " in asked:
        assert interest_of(clause, asked) == answer
    else:
        assert instalments_of(clause, asked) == answer


def interest_of(clause: Clause, asked: str) -> str:
    amount, _, due, _, paid = asked.split()
    days = date.fromisoformat(due), date.fromisoformat(paid)
    table_of_rates = rates_of(clause.then.interest)
    return format_amount(interest(parse_amount(amount, MONEY_SCALE), *days, table_of_rates), MONEY_SCALE)


def instalments_of(clause: Clause, asked: str) -> str:
    amount, _, year = asked.split()
    rows = scheduled(parse_amount(amount, MONEY_SCALE), int(year), clause.then.instalments)
    return ", ".join(f"{day} {format_amount(part_minor, MONEY_SCALE)}" for day, part_minor in rows)
