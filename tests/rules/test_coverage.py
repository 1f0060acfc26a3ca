"""Every published rule and every primitive has a clause: the rows of docs/coverage.md are computed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.periods import Quarter
from ledger.rules import plain
from ledger.rules.check import TermsRefused, read_terms
from ledger.rules.document import normalise
from ledger.rules.examples import facts_of, quarters_of
from ledger.rules.explanation import render
from ledger.rules.facts import Version
from ledger.rules.open_choices import Reading, choose
from ledger.rules.templates import load, names
from ledger.rules.terms import Terms

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
PRIMITIVES = {*range(1, 17), *range(18, 24), 26, 27, 28, 31}

CODE = re.compile(r"`([^`]+)`")
CHANGE = re.compile(r"`([\w.]+)` = `([^`]+)`")


@dataclass(frozen=True)
class Row:
    """A row of the page: the terms that it describes, with its figures and results as the worked example."""

    name: str
    terms: dict[str, Any]


def rows() -> list[Row]:
    lines = [line.strip("|").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line] for line in lines if len(line) > 4]
    return [row_of(each) for each in cells if each[0] not in {"case", "number"}]


def row_of(cells: list[str]) -> Row:
    clause, figures, results = cells[-3:]
    found = re.match(r"`([\w-]+)` (\d+)(?:\.(\d+))?", clause)
    assert found, clause
    terms = normalise(load(found[1]).terms)
    (shown,) = (each for each in terms["clauses"] if str(each["number"]) == found[2])
    terms["clauses"] = [shown]
    for path, value in CHANGE.findall(clause):
        steps = [int(part) if part.isdigit() else part for part in path.split(".")]
        choose(terms, ("clauses", 0, *steps), Reading(json.loads(value), "", ""))
    example = shown["examples"][int(found[3] or 1) - 1]
    if CODE.search(figures):
        example["figures"] = [figure_of(text) for text in CODE.findall(figures)]
    example["expect"] = [expectation_of(shown, text) for text in CODE.findall(results)]
    shown["examples"] = [example]
    return Row(f"{cells[0]}: {cells[1]}", terms)


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
    numbers = {int(name.partition(":")[0]) for name in named if name.partition(":")[0].isdigit()}
    assert numbers == PRIMITIVES


def test_every_template_has_a_row() -> None:
    page = PAGE.read_text()
    assert [name for name in names() if f"`{name}`" not in page] == []


def test_row_with_another_number_is_found_out() -> None:
    row = row_of(["x", "y", "`fuzhou-seven-three` 1", "of the example", "`2024Q1 origin 700000.01`"])
    with pytest.raises(TermsRefused, match=r"origin gets 700000\.01"):
        read_terms(json.dumps(row.terms, ensure_ascii=False))
