"""Templates: every one is sound, says where it comes from, and its worked examples pass."""

from __future__ import annotations

import json

import pytest

from ledger.rules import templates
from ledger.rules.check import check, read_terms
from ledger.rules.document import normalise
from ledger.rules.examples import run_examples

WANTED = {
    "beijing-tianjin-hebei",
    "gaozhu-increment",
    "gross-to-retained",
    "head-office-and-branches",
    "head-office-own-rates",
    "head-office-provincial",
    "head-office-three-factors",
    "hehuai-reinvested",
    "joint-park-revenue",
    "kunming-double-count",
    "liusong-double-split",
    "pool-by-area",
    "qingchuan-floor",
    "voucher-four-party",
    "voucher-fujian",
    "voucher-liaocheng",
    "voucher-shandong",
    "zibo-recover-first",
    "zibo-twenty-years",
}


def test_the_sourced_rules_are_among_the_templates() -> None:
    assert set(templates.names()) >= WANTED


@pytest.mark.parametrize("name", templates.names())
def test_template_is_without_fault(name: str) -> None:
    assert check(templates.load(name).terms) == []


@pytest.mark.parametrize("name", templates.names())
def test_worked_examples_of_the_template_give_what_they_say(name: str) -> None:
    results = run_examples(templates.load(name).terms)
    assert results
    assert all(result.passes for result in results)


@pytest.mark.parametrize("name", templates.names())
def test_template_says_what_is_confirmed_and_what_is_not(name: str) -> None:
    template = templates.load(name)
    assert template.confirmed
    assert template.unverified


@pytest.mark.parametrize("name", templates.names())
def test_normalised_template_reads_back_as_the_same_terms(name: str) -> None:
    terms = templates.load(name).terms
    again = read_terms(json.dumps(normalise(terms), ensure_ascii=False))
    assert normalise(again) == normalise(terms)


def test_unknown_template_is_refused_with_the_known_ones() -> None:
    with pytest.raises(templates.TemplateUnknown, match="gaozhu-increment"):
        templates.load("../terms")
