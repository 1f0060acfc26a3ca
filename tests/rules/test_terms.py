"""Terms that can't be taken: every fault at once, where it is, what was expected, in both languages."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from clause_strategies import documents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.rules.check import TermsRefused, check, read_terms
from ledger.rules.check.faults import SENTENCES
from ledger.rules.document import json_schema, json_schema_text, normalise
from ledger.rules.examples import run_examples
from ledger.rules.facts import Fault
from ledger.rules.templates import load
from ledger.rules.terms import DENOMINATOR_LIMIT, Terms

SCHEMA = Path(__file__).parents[2] / "docs" / "terms.schema.json"
MOVED, OUTPUT, INCREMENT, NET = (
    "beijing-tianjin-hebei",
    "liusong-double-split",
    "gaozhu-increment",
    "joint-park-revenue",
)
RATES, AREA, FACTORED = "head-office-own-rates", "pool-by-area", "head-office-three-factors"
FIRST = "clauses.0"
HALVES = {"origin": "1/2", "host": "1/2"}
GONE = object()
Json = dict[str, Any]


def document(name: str) -> Json:
    """A template's terms as JSON data."""
    data: Json = json.loads(json.dumps(normalise(load(name).terms)))
    return data


def changed(data: Json, path: str, value: object) -> Json:
    """A copy with ``value`` at the dotted ``path``, or without it if the value is GONE."""
    data = copy.deepcopy(data)
    holder: Any = data
    *steps, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for step in steps:
        holder = holder[step]
    if value is GONE:
        del holder[last]
    else:
        holder[last] = value
    return data


def faults_of(data: object, earlier: Terms | None = None) -> tuple[Fault, ...]:
    with pytest.raises(TermsRefused) as refusal:
        read_terms(json.dumps(data), earlier)
    return refusal.value.faults


def codes(data: object, earlier: Terms | None = None) -> set[str]:
    return {fault.code for fault in faults_of(data, earlier)}


# --- the form ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (MOVED, "within.caps.0.measured_on"),
        (MOVED, "within.caps.0.over"),
        (MOVED, "when.window.extension.on_correction"),
        (MOVED, "when.window.clock.begins"),
        (MOVED, "when.step"),
        (INCREMENT, "how_much.surplus.loss"),
        (INCREMENT, "how_much.surplus.within_year"),
        (INCREMENT, "to_whom.regime"),
        (INCREMENT, "then.provisional"),
        (INCREMENT, "then.negative"),
        (INCREMENT, "then.netting"),
        (INCREMENT, "rounding.grain"),
        (INCREMENT, "rounding.mode"),
        (NET, "then.routing.window.clock.begins"),
    ],
)
def test_choice_that_is_missing_is_refused_with_its_readings(name: str, path: str) -> None:
    for value, code in ((GONE, "CHOICE_MISSING"), ("whatever", "CHOICE_UNKNOWN")):
        (fault,) = faults_of(changed(document(name), f"{FIRST}.{path}", value))
        assert (fault.path, fault.code) == (f"$.clauses[0].{path}".replace(".0.", "[0]."), code)
        assert "Say which" in fault.message_en
        assert "请选择其一" in fault.message_zh


def test_readings_of_the_cap_say_how_they_differ() -> None:
    (fault,) = faults_of(changed(document(MOVED), f"{FIRST}.within.caps.0.measured_on", GONE))
    assert "receipts (the cap is measured on what the capped party receives)" in fault.message_en
    assert "pool（上限按纳入分享的总额累计计算）" in fault.message_zh


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("rounding.remainder_to", GONE, "CHOICE_MISSING"),
        ("to_whom.otherwise", GONE, "CHOICE_MISSING"),
        ("examples", [], "VALUE_WRONG"),
        ("number", 0, "VALUE_WRONG"),
        ("number", "1", "VALUE_WRONG"),
        ("number", 1.5, "VALUE_WRONG"),
        ("to_whom.key.0.shares.origin", "0.5", "VALUE_WRONG"),
        ("to_whom.key.0.shares.origin", 1, "VALUE_WRONG"),
        ("to_whom.key.0.shares.origin", "1/0", "VALUE_WRONG"),
        ("within.caps.0.capped", "起源", "VALUE_WRONG"),
        ("when.window.clock.event", "birthday", "VALUE_WRONG"),
        ("when.window.clock.event", GONE, "CLOCK_START"),
        ("when.window.clock.day", "2024-07-01", "CLOCK_START"),
        ("when.window.length_months", 0, "VALUE_WRONG"),
        ("whose.eligibility.pre_move_tax_average_at_least", "2e7", "VALUE_WRONG"),
        ("whose.eligibility.pre_move_tax_average_at_least", "20,000,000", "VALUE_WRONG"),
        ("within.caps.0.amount", "1.00", "CAP_LIMIT"),
        ("within.caps.0.capped", GONE, "CAP_CAPPED"),
        ("within.caps.0.kind", "hard", "UNKNOWN_FIELD"),
        ("within.caps.0.over", "year", "CHOICE_MISSING"),
        ("within.caps.0.unused", "lapses", "CAP_UNUSED"),
        ("within.caps.0.per", "controller", "CAP_ORDER_MISSING"),
        ("within.caps.0.excess_to", GONE, "CHOICE_MISSING"),
        ("what.measures", "vat", "VALUE_WRONG"),
        ("title.zh", "", "VALUE_WRONG"),
    ],
)
def test_field_of_the_wrong_form_is_refused_with_its_path(path: str, value: object, code: str) -> None:
    faults = faults_of(changed(document(MOVED), f"{FIRST}.{path}", value))
    assert {fault.code for fault in faults} == {code}
    parent = f"$.clauses[0].{path}".replace(".0.", "[0].").rsplit(".", 1)[0]
    assert all(fault.path.startswith(parent) for fault in faults)
    assert all("Traceback" not in fault.message_en and fault.message_zh for fault in faults)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("base", GONE, "SURPLUS_BASE"),
        ("base_of_enterprise", True, "SURPLUS_BASE"),
        ("within_year", "same_quarter", "SURPLUS_QUARTERS"),
    ],
)
def test_surplus_needs_exactly_one_base(path: str, value: object, code: str) -> None:
    data = document(INCREMENT)
    if value is GONE:
        data = changed(data, f"{FIRST}.how_much.surplus.{path}", None)
    else:
        data = changed(data, f"{FIRST}.how_much.surplus.{path}", value)
    assert codes(data) == {code}


@pytest.mark.parametrize("day", [1_577_836_800, "1577836800", "2020-01-01T00:00:00", "9999-12-31"])
def test_a_day_is_text_of_one_form(day: object) -> None:
    assert codes(changed(document(NET), f"{FIRST}.then.routing.window.clock.day", day)) == {"VALUE_WRONG"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": NaN}', b"\xff\xfe", "1e999"])
def test_text_that_is_no_document_is_refused(text: str | bytes) -> None:
    with pytest.raises(TermsRefused) as refusal:
        read_terms(text)
    assert refusal.value.faults[0].message_zh


def test_name_that_stands_twice_is_refused() -> None:
    text = json.dumps(document(INCREMENT)).replace('"loss":', '"loss": "carried", "loss":', 1)
    with pytest.raises(TermsRefused) as refusal:
        read_terms(text)
    assert [fault.code for fault in refusal.value.faults] == ["NAME_TWICE"]


def test_all_faults_are_told_at_once() -> None:
    data = changed(document(MOVED), f"{FIRST}.within.caps.0.measured_on", GONE)
    data = changed(data, f"{FIRST}.rounding.mode", GONE)
    data = changed(data, "in_force_from", "2024Q5")
    faults = faults_of(data)
    assert {fault.path for fault in faults} == {
        "$.clauses[0].within.caps[0].measured_on",
        "$.clauses[0].rounding.mode",
        "$.in_force_from",
    }


# --- what a schema can't say ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path", "value", "code"),
    [
        (MOVED, "to_whom.otherwise", "stranger", "ROLE_UNDEFINED"),
        (MOVED, "to_whom.key.0.shares", {"origin": "1/2", "host": "1/3"}, "SHARES_NOT_ONE"),
        (MOVED, "to_whom.key.0.shares", {"host": "1"}, "CAPPED_NOT_IN_ROW"),
        (MOVED, "to_whom.in_place", "host", "MONEY_IN_PLACE"),
        (MOVED, "to_whom.regime", "full_to_each", "MONEY_PROPORTIONAL"),
        (MOVED, "what.measures", ["vat", "rent"], "MEASURE_OF_OTHER_MECHANISM"),
        (MOVED, "what.measures", ["vat", "salt_tax"], "MEASURE_UNKNOWN"),
        (MOVED, "what.measures", ["vat", "vat"], "MEASURE_TWICE"),
        (MOVED, "what.deduct", ["vat"], "MEASURE_TWICE"),
        (MOVED, "what.deduct", ["rent"], "MEASURE_OF_OTHER_MECHANISM"),
        (MOVED, "whose.scope", "whole_park", "NEEDS_LISTED"),
        (MOVED, "whose.eligibility", {}, "ELIGIBILITY_EMPTY"),
        (MOVED, "whose.eligibility.pre_move_tax_average_at_least", "1.001", "AMOUNT_PLACES"),
        (MOVED, "when.window.length_months", 35, "MONTHS_NOT_OF_QUARTERS"),
        (MOVED, "when.window.clock.offset_months", 1, "MONTHS_NOT_OF_QUARTERS"),
        (MOVED, "when.window.extension.length_months", 25, "MONTHS_NOT_OF_QUARTERS"),
        (MOVED, "when.window.length_months", None, "EXTENSION_NEEDS"),
        (MOVED, "within.caps", [], "EXTENSION_NEEDS"),
        (MOVED, "rounding.grain", "line", "GRAIN_LINE_EXCLUDES"),
        (MOVED, "title.zh", "两\n行", "TEXT_UNPRINTABLE"),
        (MOVED, "examples.0.expect.0.amount", "1.00", "EXAMPLE_FAILS"),
        (MOVED, "examples.0.figures.0.subject", "e9", "EXAMPLE_SUBJECT_UNKNOWN"),
        (MOVED, "examples.0.figures.0.measure", "pit", "MEASURE_OF_OTHER_MECHANISM"),
        (MOVED, "examples.0.expect.0.last", "2023Q4", "EXAMPLE_ORDER"),
        (MOVED, "examples.0.subjects.e1.pre_move_tax", {"last": "1.00"}, "EXAMPLE_YEAR"),
        (MOVED, "examples.0.subjects.e1.events.capacity_reached", "2999-12-31", "DAY_OUT_OF_RANGE"),
        (MOVED, "examples.0.expect.0.last", "2999Q4", "EXAMPLE_TOO_LONG"),
        (OUTPUT, "when.window.clock.event", "first_tax", "EXAMPLE_FAILS"),
        (NET, "then.routing.part", "2", "SHARE_ABOVE_ONE"),
        (NET, "examples.0.expect.0.routed", "0", "EXAMPLE_ROUTING_FAILS"),
        (NET, "to_whom.key.1.starts", None, "KEY_ORDER"),
        (NET, "to_whom.key.1.after_months", 6, "KEY_BEGINS"),
        (MOVED, "to_whom.key.0.after_months", 4, "MONTHS_NOT_OF_QUARTERS"),
        (
            MOVED,
            "to_whom.key",
            [{"shares": HALVES, "after_months": 12}, {"shares": HALVES, "after_months": 12}],
            "KEY_ORDER_ELAPSED",
        ),
        (
            MOVED,
            "to_whom.key",
            [{"shares": HALVES}, {"shares": HALVES, "after_months": 0}],
            "KEY_ORDER_ELAPSED",
        ),
        (
            MOVED,
            "to_whom.key",
            [{"shares": HALVES, "starts": "2024-01-01"}, {"shares": HALVES, "after_months": 12}],
            "KEY_MIXED",
        ),
        (
            MOVED,
            "to_whom.key",
            [{"shares": HALVES}, {"shares": HALVES, "after_months": 12}, {"shares": HALVES}],
            "KEY_MIXED",
        ),
        (INCREMENT, "to_whom.key.0.after_months", 0, "KEY_NEEDS_WINDOW"),
        (MOVED, "how_much.own_rates", {"origin": "1/4"}, "OWN_RATE_MISSING"),
        (MOVED, "how_much.own_rates", {"origin": "1/4", "host": "2"}, "SHARE_ABOVE_ONE"),
        (MOVED, "how_much.own_rates", {"origin": "1/4", "stranger": "1/4"}, "ROLE_UNDEFINED"),
        (MOVED, "how_much.own_rates", {"origin": "25%"}, "VALUE_WRONG"),
        (INCREMENT, "how_much.smoothing", {"years": 3}, "CHOICE_MISSING"),
        (INCREMENT, "how_much.smoothing", {"years": 11, "missing_years": "zero"}, "VALUE_WRONG"),
        (NET, "to_whom.key.0.weights", {"origin": "1", "host": "1"}, "KEY_PARTS"),
        (NET, "to_whom.key.0.shares", None, "KEY_PARTS"),
        (NET, "to_whom.key.0", {"weights": {"origin": "0", "host": "0"}}, "KEY_WEIGHTLESS"),
        (NET, "to_whom.key.0", {"weights": {"origin": "1.2e3", "host": "1"}}, "VALUE_WRONG"),
        (
            NET,
            "to_whom.key.0",
            {"weights": {"origin": "1000000000000", "host": "7"}},
            "DENOMINATOR_TOO_LARGE",
        ),
        (NET, "then.routing.window.clock.day", "1000-01-01", "DAY_OUT_OF_RANGE"),
        (NET, "when.step", "month", "EXAMPLE_SPAN"),
        (INCREMENT, "how_much.surplus.base", "1.001", "AMOUNT_PLACES"),
        (INCREMENT, "to_whom.key.0.shares", {"origin": "1/1000003", "host": "1000002/1000003"}, None),
        (
            INCREMENT,
            "to_whom.key.0.shares",
            {"origin": "1/1000000007", "host": "1000000006/1000000007"},
            "DENOMINATOR_TOO_LARGE",
        ),
    ],
)
def test_terms_that_contradict_themselves_are_refused(
    name: str, path: str, value: object, code: str | None
) -> None:
    found = codes(changed(document(name), f"{FIRST}.{path}", value))
    assert (code or "EXAMPLE_FAILS") in found
    assert code != "DENOMINATOR_TOO_LARGE" or DENOMINATOR_LIMIT < 1_000_000_007


FACTORS: Json = {
    "share_of": "branches",
    "weights": {"revenue": "7/20", "payroll": "7/20", "assets": "3/10"},
    "factor_year": "same",
    "zero_denominator": "equal",
    "values": [
        {"year": 2024, "role": role, "values": {"revenue": "1", "payroll": "1", "assets": "1"}}
        for role in ("origin", "host")
    ],
}


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("weights.revenue", "1/2", "FACTOR_WEIGHTS_NOT_ONE"),
        ("weights.revenue", "0.35", "VALUE_WRONG"),
        ("factor_year", GONE, "CHOICE_MISSING"),
        ("factor_year", "next", "CHOICE_UNKNOWN"),
        ("zero_denominator", GONE, "CHOICE_MISSING"),
        ("share_of", "host", "APPORTION_OF_PARTY"),
        ("share_of", "others", "APPORTION_NOT_IN_ROW"),
        ("round_down_to", "0", "FACTOR_UNIT_ZERO"),
        ("values.0.values", {"revenue": "1"}, "FACTORS_DIFFER"),
        ("values.0.values.revenue", "-1", "VALUE_WRONG"),
        ("values.0", "1", "VALUE_WRONG"),
        ("values.0.role", "host", "FACTOR_ROW_TWICE"),
        ("values.0.role", "stranger", "ROLE_UNDEFINED"),
        ("entries", {"fund": "2024-01-01"}, "FACTOR_ROLE_UNKNOWN"),
        ("entries", {"host": "soon"}, "VALUE_WRONG"),
        ("exits", {"host": "2024-01-01"}, "FACTOR_EXIT_ORDER"),
        ("ratio_rounding", {"places": 4, "mode": "down", "remainder_to": "fund"}, "FACTOR_ROLE_UNKNOWN"),
        ("ratio_rounding", {"places": 4, "remainder_to": "host"}, "CHOICE_MISSING"),
        ("ratio_rounding", {"places": 9, "mode": "down", "remainder_to": "host"}, "VALUE_WRONG"),
        ("factor_year", "previous", "EXAMPLE_FACTORS"),
    ],
)
def test_factors_that_do_not_fit_are_refused(path: str, value: object, code: str) -> None:
    data = changed(document(INCREMENT), f"{FIRST}.to_whom.key.0.shares", {"host": "1/2", "branches": "1/2"})
    data = changed(data, f"{FIRST}.to_whom.apportion", FACTORS | {"entries": {"host": "2024-01-01"}})
    assert code in codes(changed(data, f"{FIRST}.to_whom.apportion.{path}", value))


BANDS: Json = {
    "over": "year",
    "rows": [{"above": "0", "shares": HALVES}, {"above": "9.00", "shares": HALVES}],
}


ON_POOL = {"amount": "1.00", "over": "lifetime", "measured_on": "pool", "excess_to": "host"}


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("to_whom.key", [{"shares": HALVES}], "KEY_OR_BANDS"),
        ("to_whom.bands", None, "KEY_OR_BANDS"),
        ("to_whom.bands.over", GONE, "CHOICE_MISSING"),
        ("to_whom.bands.rows.0.above", "0.01", "BAND_FIRST"),
        ("to_whom.bands.rows.0.above", "-1", "VALUE_WRONG"),
        ("to_whom.bands.rows.1.above", "0.00", "BAND_ORDER"),
        ("to_whom.bands.rows.1.above", "9.001", "AMOUNT_PLACES"),
        ("to_whom.bands.rows.1.shares.origin", "1/3", "SHARES_NOT_ONE"),
        ("to_whom.bands.rows.1.shares", {"host": "1"}, "CAPPED_NOT_IN_ROW"),
        ("within.caps.0", ON_POOL, "BANDS_EXCLUDE"),
        ("how_much.own_rates", {"origin": "1/4", "host": "1/4"}, "BANDS_EXCLUDE"),
    ],
)
def test_bands_that_do_not_fit_are_refused(path: str, value: object, code: str) -> None:
    data = changed(document(MOVED), f"{FIRST}.to_whom.key", [])
    data = changed(data, f"{FIRST}.to_whom.bands", BANDS)
    assert code in codes(changed(data, f"{FIRST}.{path}", value))


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("what.deduct", ["incentive_paid"], "OUTPUT_WITHOUT"),
        ("then.routing", {"to": "origin", "part": "1"}, "OUTPUT_WITHOUT"),
        ("what.measures", ["industrial_output", "added_value"], "OUTPUT_ONE_MEASURE"),
        ("what.measures", ["industrial_output", "head_count"], "COMMODITIES_MIXED"),
        ("to_whom.in_place", None, "OUTPUT_IN_PLACE"),
        ("to_whom.regime", "full_to_each", "SHARES_OF_REGIME"),
        ("to_whom.regime", "full_to_one", "SHARES_OF_REGIME"),
        (
            "within.caps",
            [{"pre_move_tax_total": True, "over": "lifetime", "measured_on": "pool", "excess_to": "host"}],
            "CAP_NOT_MONEY",
        ),
        (
            "how_much.retention",
            [
                {
                    "starts": "2024-01-01",
                    "measure": "industrial_output",
                    "tiers": [{"name": {"zh": "级", "en": "tier"}, "kept": "1"}],
                }
            ],
            "OUTPUT_WITHOUT",
        ),
    ],
)
def test_output_value_that_is_treated_like_money_is_refused(path: str, value: object, code: str) -> None:
    assert code in codes(changed(document(OUTPUT), f"clauses.1.{path}", value))


@pytest.mark.parametrize(
    ("path", "value"),
    [("how_much.own_rates", {}), ("what.measures", ["taxable_income", "cit"])],
)
def test_taxable_income_is_shared_by_own_rates_alone(path: str, value: object) -> None:
    data = document("head-office-own-rates")
    assert codes(changed(data, f"{FIRST}.{path}", value)) == {"TAX_BASE_NEEDS_RATES"}


def test_retention_rows_must_be_in_date_order_and_of_the_clause() -> None:
    data = document("gross-to-retained")
    rows = data["clauses"][0]["how_much"]["retention"]
    assert "RETENTION_ORDER" in codes(
        changed(data, f"{FIRST}.how_much.retention", [rows[1], rows[0], *rows[2:]])
    )
    assert "RETENTION_OF_OTHER_MEASURE" in codes(
        changed(data, f"{FIRST}.how_much.retention.0.measure", "other_tax")
    )
    assert "SHARE_ABOVE_ONE" in codes(changed(data, f"{FIRST}.how_much.retention.0.tiers.0.kept", "3/2"))


def test_same_quarter_by_month_is_refused() -> None:
    data = changed(document(INCREMENT), f"{FIRST}.when.step", "month")
    surplus = {
        "base_by_quarter": ["1.00", "1.00", "1.00", "1.00"],
        "within_year": "same_quarter",
        "loss": "shared",
    }
    assert "SAME_QUARTER_BY_MONTH" in codes(changed(data, f"{FIRST}.how_much.surplus", surplus))


def test_routing_has_no_extension_and_no_events_with_grain_clause() -> None:
    data = document(OUTPUT)
    del data["clauses"][1]
    data["roles"]["fund"] = "FUND"
    window = {"clock": {"event": "first_tax", "begins": "step_of_day"}, "length_months": 12}
    window["extension"] = {"condition": "cap_not_reached", "length_months": 12, "on_correction": "hold"}
    data = changed(data, f"{FIRST}.then.routing", {"to": "fund", "part": "1", "window": window})
    data = changed(data, f"{FIRST}.rounding.grain", "clause")
    assert codes(data) >= {"ROUTING_EXTENSION", "ROUTING_NEEDS_SUBJECTS"}


def test_clause_numbers_and_quarters_must_be_in_order() -> None:
    data = changed(document(OUTPUT), "clauses.1.number", 1)
    data = changed(data, "last_quarter", "2023Q4")
    assert codes(data) == {"CLAUSE_NUMBER_TWICE", "ENDS_BEFORE_BEGIN"}


def test_failing_example_says_what_was_expected_and_what_came() -> None:
    (fault,) = faults_of(changed(document(INCREMENT), f"{FIRST}.examples.0.expect.0.amount", "3000000.01"))
    assert fault.path == "$.clauses[0].examples[0].expect[0].amount"
    assert "3000000.01" in fault.message_en
    assert "3000000.00" in fault.message_zh


# --- amendments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("in_force_from", "2023Q4", "AMENDMENT_EARLIER"),
        ("agreement", "OTHER", "AMENDMENT_OTHER_AGREEMENT"),
        (f"{FIRST}.whose", {"scope": "whole_park"}, "AMENDMENT_CHANGES"),
        (f"{FIRST}.when.step", "month", "AMENDMENT_CHANGES"),
        ("clauses.1.what.measures", ["head_count"], "AMENDMENT_CHANGES"),
        ("clauses.1.to_whom.in_place", "origin", "AMENDMENT_CHANGES"),
        (f"{FIRST}.to_whom.key.0.shares", {"host": "1"}, "AMENDMENT_LOSES_ROLE"),
    ],
)
def test_amendment_that_breaks_what_is_carried_is_refused(path: str, value: object, code: str) -> None:
    earlier = load(OUTPUT).terms
    assert code in codes(changed(document(OUTPUT), path, value), earlier)


def test_amendment_of_shares_alone_is_taken() -> None:
    data = changed(document(INCREMENT), "in_force_from", "2025Q1")
    data = changed(data, "clauses.0.rounding.mode", "half_up")
    assert read_terms(json.dumps(data), load(INCREMENT).terms).in_force_from == "2025Q1"


# --- every document ---------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_generated_terms_are_without_fault_and_survive_their_normal_form(terms: Terms) -> None:
    assert check(terms) == []
    assert all(result.passes for result in run_examples(terms))
    again = read_terms(json.dumps(normalise(terms)))
    assert normalise(again) == normalise(terms)


def test_terms_that_say_the_same_have_one_normal_form() -> None:
    data = document(INCREMENT)
    data = changed(data, f"{FIRST}.to_whom.key.0.shares", {"host": "2/4", "origin": "5/10"})
    data = changed(data, f"{FIRST}.how_much.surplus.base", "10000000")
    assert normalise(read_terms(json.dumps(data))) == document(INCREMENT)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_document_escapes_as_another_error(data: st.DataObject) -> None:
    damaged = document(data.draw(st.sampled_from([MOVED, NET, OUTPUT, RATES, AREA, FACTORED])))
    holders = list(_holders(damaged))
    holder, name = data.draw(st.sampled_from(holders))
    holder[name] = data.draw(
        st.none()
        | st.booleans()
        | st.integers()
        | st.sampled_from(["", "1/2", "2024Q1", "9999-12-31", "0", "-1", "x" * 5000, "\ud800", [], {}, [{}]])
    )
    faults: tuple[Fault, ...] = ()
    try:
        read_terms(json.dumps(damaged))
    except TermsRefused as refusal:
        faults = refusal.faults
    assert all(fault.message_en and fault.message_zh for fault in faults)


def _holders(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return [(value, name) for name in value] + [h for part in value.values() for h in _holders(part)]
    if isinstance(value, list):
        return [(value, index) for index in range(len(value))] + [h for part in value for h in _holders(part)]
    return []


def test_every_sentence_names_the_same_fields_in_both_languages() -> None:
    import string

    for code, sentences in SENTENCES.items():
        english, chinese = (
            {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in sentences
        )
        in_language = {
            name for name in english | chinese if name.endswith(("_en", "_zh")) or name == "expected"
        }
        assert english - in_language <= chinese | in_language | {"example", "known"}, code


def test_committed_schema_is_the_one_that_the_code_makes() -> None:
    """To renew it: write ``ledger.rules.document.json_schema_text()`` to the file."""
    assert SCHEMA.read_text(encoding="utf-8") == json_schema_text()
    assert json_schema()["$id"] == "parkledger.terms/1"
