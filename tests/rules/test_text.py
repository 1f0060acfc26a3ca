"""Articles: complete in both languages, so that clauses which differ never read alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clause_strategies import clauses, documents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.rules.check.open_choices import Reading, choose
from ledger.rules.document import normalise_clause
from ledger.rules.explanation import Language
from ledger.rules.reference import TermsField, fields, placed
from ledger.rules.reference.field_notes import NOTES
from ledger.rules.templates import load, names
from ledger.rules.terms import Clause, Terms
from ledger.rules.text import agreement_text, article
from ledger.rules.words import chinese_number

LANGUAGES: tuple[Language, ...] = ("zh", "en")
QUICKLY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OTHER_VALUES: dict[str, list[Any]] = {
    "kept": ["1/9"],
    "years": [7, 8],
    "missing_years": ["fewer", "zero"],
    "smoothing": [None],
    "above": ["77.00", "5"],
    "over": ["step", "quarter", "year", "lifetime"],
    "budget": [None],
    "amounts": [[{"starts": "2031-04-01", "amount": "77.00"}]],
    "payer": [None, "developer", "origin"],
    "applied": ["before_caps", "after_caps"],
    "order": ["pro_rata", "by_subject"],
    "own_rates": [{}, {"host": "1/4"}, {"host": "1/5", "origin": "1/4"}],
    "factor_year": ["same", "previous", "two_before"],
    "zero_denominator": ["drop_factor", "equal"],
    "round_down_to": [None, "0.5", "1000"],
    "ratio_rounding": [None],
    "places": [6, 7],
    "entries": [{}, {"origin": "2031-01-01"}],
    "exits": [{}, {"origin": "2031-01-01"}],
    "year": [2031],
    "apportion": [None],
    "share_of": ["others"],
    "after_months": [0, 24, 25],
    "weights": [{"host": "7", "origin": "1"}, {"host": "7", "origin": "1/9"}],
    "part": ["1/9"],
    "rate": ["1/9"],
    "monthly_rate": ["1/9"],
    "due": ["01-02"],
    "form": [None, "direct", "year_end", "set_off", "fund"],
    "instalments": [[]],
    "interest": [[]],
    "floor": [None],
    "party": ["developer"],
    "from_party": ["developer"],
    "yearly_amount": ["77.00"],
    "shortfall": ["topped_up", "waived", "carried"],
    "rates": [[], [{"rate": "1/9"}]],
    "attributes": [{}, {"a": ["b"]}],
    "where": [{}, {"a": ["b"]}],
    "amount": ["123"],
    "base": ["123"],
    "length_months": [None, 6, 9],
    "offset_months": [6, 9],
    "starts": ["2031-04-01"],
    "day": ["2031-04-01"],
    "event": ["construction_start", "capacity_reached"],
    "occurrence": ["land_delivered"],
    "begins": ["step_of_day", "next_step", "year_of_day", "next_year"],
    "step": ["month", "quarter"],
    "on_correction": ["reopen", "hold"],
    "within_year": ["year_to_date", "pro_rata", "final_only"],
    "loss": ["forgotten", "carried", "shared"],
    "otherwise": ["developer"],
    "capped": ["host"],
    "in_place": ["origin"],
    "to": ["developer"],
    "remainder_to": ["third", "host"],
    "reported_by": ["origin"],
    "referred_by": ["third"],
    "cause_of_move": ["market", "government_led"],
    "pre_move_tax_average_at_least": ["77.00"],
    "paid_by": [None, "developer", "origin"],
    "provisional": ["cash", "accrue"],
    "negative": ["refund", "carry", "set_off"],
    "netting": [True, False],
    "grain": ["line", "period", "subject", "clause"],
    "mode": ["down", "up", "half_up", "half_even"],
    "number": [77],
    "zh": ["别的"],
    "en": ["another"],
    "scope": ["whole_park", "listed_enterprises"],
    "ends_at": [[], ["moved_away"], ["registration"]],
    "measures": [["other_tax"], ["added_value"]],
    "deduct": [[], ["incentive_paid"]],
    "retention": [[]],
    "surplus": [None],
    "recover": [None],
    "yearly_return": [None, "1/9"],
    "caps": [[]],
    "unused": ["lapses", "carries"],
    "excess_to": [None, "developer"],
    "routing": [None],
    "window": [None],
    "extension": [None],
    "eligibility": [None],
}
"""Another value for every field; a clause with it needn't be sound, only be readable."""


def without_examples(clause: Clause) -> dict[str, Any]:
    document = normalise_clause(clause)
    del document["examples"]
    return document


def both_languages(clause: Clause) -> tuple[str, str]:
    return article(clause, "zh"), article(clause, "en")


@QUICKLY
@given(clauses(), clauses())
def test_clauses_that_differ_never_read_alike(first: Clause, second: Clause) -> None:
    alike = both_languages(first) == both_languages(second)
    assert alike == (without_examples(first) == without_examples(second))


@QUICKLY
@given(clauses(), st.data())
def test_clause_with_one_field_changed_reads_differently(clause: Clause, data: st.DataObject) -> None:
    document = without_examples(clause)
    places = list(_places(document))
    holder, name = data.draw(st.sampled_from(places))
    holder[name] = data.draw(st.sampled_from(OTHER_VALUES[name]))
    examples = clause.model_dump(mode="json")["examples"]
    try:
        changed = Clause.model_validate_json(json.dumps(document | {"examples": examples}))
    except ValueError:
        return
    if without_examples(changed) == without_examples(clause):
        return
    assert both_languages(changed) != both_languages(clause)


def _places(value: Any) -> list[tuple[Any, str]]:
    """Every (object, field) that another value is known for."""
    if isinstance(value, list):
        return [place for part in value for place in _places(part)]
    if not isinstance(value, dict):
        return []
    here = [(value, name) for name in value if name in OTHER_VALUES]
    return here + [place for part in value.values() for place in _places(part)]


ONLY_ONE_VALUE = {
    "format",
    "semantics",
    "when.window.extension.condition",
    "within.caps[].order",
    "within.budget.within_period",
    "within.budget.unused",
    "within.floor.tested",
}
TOGETHER: dict[str, tuple[str, Any]] = {
    "when.window.clock.first_shared": ("clock", {"day": "2024-01-01", "begins": "year_of_day"}),
    "how_much.surplus.base_of_enterprise": (
        "surplus",
        {"base": "0", "within_year": "year_to_date", "loss": "forgotten"},
    ),
    "to_whom.bands": (
        "to_whom",
        {
            "regime": "proportional",
            "key": [{"shares": {"origin": "1/2", "host": "1/2"}}],
            "otherwise": "host",
        },
    ),
    "to_whom.apportion.values": ("values", [{"year": 2030, "role": "branch_a", "values": {"revenue": "1"}}]),
    "within.caps[].pre_move_tax_total": (
        "caps",
        [
            {
                "amount": "1",
                "over": "lifetime",
                "measured_on": "receipts",
                "capped": "origin",
                "excess_to": "host",
            }
        ],
    ),
}
"""Fields whose other value needs others beside it: the field above them that is replaced as a whole."""


@pytest.mark.parametrize(
    "varied",
    [field for field in fields() if field.path in NOTES and not field.path.startswith("examples")],
    ids=lambda field: field.path,
)
def test_another_value_of_any_field_reads_differently(varied: TermsField) -> None:
    document, location = placed(varied)
    instead = NOTES[varied.path].instead
    if varied.path in TOGETHER:
        above, instead = TOGETHER[varied.path]
        location = location[: location.index(above) + 1]
    before = Terms.model_validate_json(json.dumps(document))
    choose(document, location, Reading(instead, "", ""))
    if varied.path in ONLY_ONE_VALUE:
        with pytest.raises(ValueError, match="Input should be"):
            Terms.model_validate_json(json.dumps(document))
        return
    after = Terms.model_validate_json(json.dumps(document))
    read = agreement_in if varied.is_of_document else articles_in
    languages = [varied.name] if varied.name in LANGUAGES else LANGUAGES
    for language in languages:
        assert read(before, language) != read(after, language)


def agreement_in(terms: Terms, language: Language) -> str:
    return agreement_text(terms, language, {})


def articles_in(terms: Terms, language: Language) -> str:
    return "".join(article(clause, language) for clause in terms.clauses)


def test_articles_of_all_templates_differ_from_each_other() -> None:
    clauses_of_templates = [clause for name in names() for clause in load(name).terms.clauses]
    for index, first in enumerate(clauses_of_templates):
        for second in clauses_of_templates[:index]:
            assert both_languages(first) != both_languages(second)


def test_every_field_of_a_clause_is_changed_by_the_generated_test_or_named_here() -> None:
    """A new field is given another value in OTHER_VALUES, so that it is varied inside generated clauses."""
    varied_as_a_whole = {
        "condition",
        "tested",
        "within_period",
        "first_shared",
        "base_of_enterprise",
        "values",
    }
    varied_as_a_whole |= {"base_by_quarter", "pre_move_tax_total", "bands", "rows", "key", "tiers", "inputs"}
    varied_as_a_whole |= {"shares", "share", "mechanism", "measure", "role", "per", "measured_on", "regime"}
    of_clauses = [field for field in fields() if not field.path.startswith("examples")]
    named = {field.name for field in of_clauses if not field.is_of_document}
    assert named - OTHER_VALUES.keys() <= varied_as_a_whole


@QUICKLY
@given(documents())
def test_agreement_names_every_party_and_every_article(terms: Terms) -> None:
    for language in ("zh", "en"):
        text = agreement_text(terms, language, {"P-host": "寿县"})
        assert "寿县" in text
        for clause in terms.clauses:
            assert article(clause, language) in text


@pytest.mark.parametrize("name", names())
def test_article_of_a_template_has_neither_names_of_fields_nor_of_values(name: str) -> None:
    text = "".join(article(clause, "zh") for clause in load(name).terms.clauses)
    for word in ("_", "None", "origin", "host", "quarter", "receipts"):
        assert word not in text


def test_article_reads_like_an_agreement() -> None:
    text = article(load("beijing-tianjin-hebei").terms.clauses[0], "zh")
    assert text.startswith("第一条　迁出企业三税分享\n（一）本条为税收分成")
    assert "不低于2,000.00万元" in text
    assert "飞出地 1/2（50%）" in text


def test_eligibility_without_a_condition_is_said_to_be_so() -> None:
    document = load("beijing-tianjin-hebei").terms.clauses[0].model_dump(mode="json")
    document["whose"]["eligibility"] = {}
    clause = Clause.model_validate_json(json.dumps(document))
    assert "未设资格条件" in article(clause, "zh")
    assert "no condition is set" in article(clause, "en")


def test_figures_of_record_are_those_of_a_return() -> None:
    terms = load("beijing-tianjin-hebei").terms.clauses[0]
    assert "数据以飞入地的申报表为准" in article(terms, "zh")
    assert "the figures of record are those of the return of the host side" in article(terms, "en")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, "一"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (103, "一百零三"),
        (110, "一百一十"),
        (999, "九百九十九"),
    ],
)
def test_article_numbers_are_written_in_chinese(number: int, expected: str) -> None:
    assert chinese_number(number) == expected
