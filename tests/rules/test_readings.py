"""A choice left open is refused with what its readings come to on the clause's own worked example."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_builders import clause, version

from ledger.rules.check import TermsRefused, read_terms
from ledger.rules.check.open_choices import ROLE_CHOICES
from ledger.rules.check.readings import TOLD_APART_BY
from ledger.rules.choices import READINGS, READINGS_OF_DOCUMENT
from ledger.rules.document import normalise
from ledger.rules.facts import Fault
from ledger.rules.templates import load, names

Json = dict[str, Any]


def document(name: str) -> Json:
    """A template's terms as JSON data."""
    data: Json = json.loads(json.dumps(normalise(load(name).terms)))
    return data


def refused(data: Json) -> tuple[Fault, ...]:
    with pytest.raises(TermsRefused) as refusal:
        read_terms(json.dumps(data, ensure_ascii=False))
    return refusal.value.faults


def without(data: Json, *paths: str) -> Json:
    """The document without these fields of its first clause."""
    for path in paths:
        holder: Any = data["clauses"][0]
        *steps, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for step in steps:
            holder = holder[step]
        del holder[last]
    return data


def test_cap_without_its_measure_shows_both_readings_in_money() -> None:
    (fault,) = refused(without(document("beijing-tianjin-hebei"), "within.caps.0.measured_on"))
    assert fault.path == "$.clauses[0].within.caps[0].measured_on"
    assert "the origin side, 2027Q4 (cash book, yuan): receipts 12,000,000.00, pool 0.00" in fault.message_en
    assert "飞出地 2027Q4（现金账，元）receipts 12,000,000.00、pool 0.00" in fault.message_zh


def test_floor_without_its_shortfall_rule_shows_what_the_guarantor_gives() -> None:
    data = without(document("qingchuan-floor"), "within.floor.shortfall")
    data["clauses"][0]["examples"][0]["figures"] = [
        {"span": span, "measure": "retained_tax", "amount": "1000000.00", "subject": None}
        for span in ("2024Q4", "2025Q4")
    ]
    (fault,) = refused(data)
    assert (
        "the origin side, 2024Q4 (cash book, yuan): "
        "topped_up 5,000,000.00, waived 1,000,000.00, carried 1,000,000.00" in fault.message_en
    )


def test_excess_of_a_cap_may_go_to_any_party_or_to_nobody() -> None:
    (fault,) = refused(without(document("voucher-fujian"), "within.caps.0.excess_to"))
    assert fault.code == "CHOICE_MISSING"
    assert (
        "the host side, 2024Q1 (cash book, yuan): province 80,000.00, host 130,000.00, null 80,000.00"
        in fault.message_en
    )


def test_odd_unit_is_shown_with_everybody_who_could_take_it() -> None:
    data = document("liusong-double-split")
    data["clauses"][0]["examples"][0]["figures"][0]["amount"] = "0.01"
    (fault,) = refused(without(data, "rounding.remainder_to"))
    assert "origin 0.01, host 0.00" in fault.message_en


def test_provisional_quarter_is_told_apart_by_when_it_is_due() -> None:
    data = normalise(version(clause()).terms)
    (fault,) = refused(without(data, "then.provisional"))
    assert "2024Q1 (cash book, due, yuan): cash 0.50, accrue 0.00" in fault.message_en
    assert "2024Q4 (cash book, due, yuan): cash 0.00, accrue 0.50" in fault.message_en


def test_choice_that_the_example_does_not_tell_apart_says_which_example_would() -> None:
    (fault,) = refused(without(document("beijing-tianjin-hebei"), "rounding.mode"))
    assert "comes out the same" in fault.message_en
    assert "an amount that isn't whole minor units" in fault.message_en
    assert "能加以区分的示例须有：不足一分的数额" in fault.message_zh


def test_reading_that_does_not_fit_the_clause_says_what_else_must_change() -> None:
    (fault,) = refused(without(document("gaozhu-increment"), "how_much.surplus.within_year"))
    assert "With same_quarter the clause must change further: `base_by_quarter`" in fault.message_en
    assert "year_to_date 0.00, pro_rata 1,000,000.00, final_only 0.00" in fault.message_en


def two_claims(limit: str) -> Json:
    """Vouchers whose payer has a budget of ``limit``, and two claims on it, both above the payer's cap."""
    data = document("voucher-fujian")
    shown = data["clauses"][0]
    shown["within"]["caps"][0]["amount"] = "1000000.00"
    shown["within"]["budget"]["amounts"][0]["amount"] = limit
    shown["examples"][0] |= {
        "subjects": {"e1": {}, "e2": {}},
        "figures": [
            {"span": "2024Q1", "measure": "voucher_service_cost", "amount": amount, "subject": subject}
            for subject, amount in (("e1", "900000.00"), ("e2", "400000.00"))
        ],
    }
    return data


@pytest.mark.parametrize(
    ("field", "shown_en", "shown_zh"),
    [
        ("applied", "before_caps 181,538.47, after_caps 200,000.00", "before_caps 181,538.47"),
        (
            "order",
            (
                "the province's treasury for e1, 2024Q1 (cash book, yuan): pro_rata 100,000.00, "
                "by_subject 120,000.00; the province's treasury for e2"
            ),
            "省级财政（e1） 2024Q1（现金账，元）pro_rata 100,000.00、by_subject 120,000.00",
        ),
        ("excess_to", "province 240,000.00, host 200,000.00, null 200,000.00", "host 200,000.00"),
        ("over", "comes out the same; one that tells them apart has figures of several", "不同季度"),
    ],
)
def test_choice_of_a_budget_shows_its_readings_in_money(field: str, shown_en: str, shown_zh: str) -> None:
    (fault,) = refused(without(two_claims("200000.00"), f"within.budget.{field}"))
    assert (fault.code, fault.path) == ("CHOICE_MISSING", f"$.clauses[0].within.budget.{field}")
    assert shown_en in fault.message_en
    assert shown_zh in fault.message_zh


@pytest.mark.parametrize(
    ("field", "reading"),
    [
        ("within_period", "step_by_step (steps draw on the budget one after another"),
        ("unused", "lapses (what a period leaves unspent lapses)"),
    ],
)
def test_choice_of_a_budget_with_a_single_reading_is_told_with_it(field: str, reading: str) -> None:
    (fault,) = refused(without(two_claims("200000.00"), f"within.budget.{field}"))
    assert fault.code == "CHOICE_MISSING"
    assert f"Say which: {reading}" in fault.message_en


def test_transition_left_out_is_refused_with_its_readings_and_why_no_example_shows_them() -> None:
    data = document("beijing-tianjin-hebei")
    del data["transition"]
    (fault,) = refused(data)
    assert (fault.code, fault.path) == ("CHOICE_MISSING", "$.transition")
    assert "open_windows_keep_terms (when these terms take the place of others" in fault.message_en
    assert "no worked example tells them apart" in fault.message_en
    assert "terms that change while a window is open" in fault.message_en
    assert "该项不在条款之内，示例不能区分各读法" in fault.message_zh


def test_reconciliation_that_does_not_say_what_unanswered_lines_do_is_refused_with_both_readings() -> None:
    data = document("beijing-tianjin-hebei")
    data["procedure"] = {"reconciliations": [{"record": "host", "against": "origin"}]}
    (fault,) = refused(data)
    assert (fault.code, fault.path) == ("CHOICE_MISSING", "$.procedure.reconciliations[0].unanswered")
    assert "withheld (what the other side says nothing about waits outside" in fault.message_en
    assert "accepted (what the other side says nothing about counts)" in fault.message_en
    assert "no worked example tells them apart" in fault.message_en
    assert "示例不能区分各读法" in fault.message_zh


def test_reading_that_does_not_exist_is_refused_with_those_that_do() -> None:
    data = document("beijing-tianjin-hebei")
    data["procedure"] = {"reconciliations": [{"record": "host", "against": "origin", "unanswered": "no"}]}
    data["transition"] = "at_once"
    faults = refused(data)
    assert {fault.code for fault in faults} == {"CHOICE_UNKNOWN"}
    assert {fault.path for fault in faults} == {
        "$.transition",
        "$.procedure.reconciliations[0].unanswered",
    }


def test_all_open_choices_are_told_each_with_how_the_others_were_held() -> None:
    data = without(
        document("voucher-fujian"),
        "within.caps.0.over",
        "within.caps.0.unused",
        "within.caps.1.unused",
        "rounding.grain",
    )
    faults = refused(data)
    assert {fault.path for fault in faults} == {
        "$.clauses[0].within.caps[0].over",
        "$.clauses[0].within.caps[1].unused",
        "$.clauses[0].rounding.grain",
    }
    (over,) = (fault for fault in faults if fault.path.endswith("over"))
    assert "Held meanwhile: `within.caps.unused` = lapses, `rounding.grain` = subject." in over.message_en


def test_other_faults_of_the_form_stay_and_the_figures_wait_for_them() -> None:
    data = without(document("gaozhu-increment"), "how_much.surplus.loss")
    data["clauses"][0]["title"] = "untitled"
    codes = {fault.code: fault for fault in refused(data)}
    assert codes.keys() == {"CHOICE_MISSING", "VALUE_WRONG"}
    assert "With forgotten the clause must change further" not in codes["CHOICE_MISSING"].message_en
    assert "is shown once its other faults are corrected" in codes["CHOICE_MISSING"].message_en


def test_choices_beyond_the_most_that_are_computed_are_told_without_amounts() -> None:
    data = without(document("beijing-tianjin-hebei"), "within.caps.0.measured_on")
    data["clauses"] = [data["clauses"][0] | {"number": number} for number in range(1, 63)]
    faults = refused(data)
    assert len(faults) == 62
    assert "receipts 12,000,000.00" in faults[59].message_en
    assert "What tells them apart: figures that put more than the limit in" in faults[60].message_en


def test_fault_of_one_clause_does_not_hide_the_figures_of_another() -> None:
    data = without(document("fuzhou-seven-three"), "rounding.mode")
    del data["clauses"][1]["title"]
    (choice,) = (fault for fault in refused(data) if fault.code == "CHOICE_MISSING")
    assert "comes out the same" in choice.message_en


def test_every_choice_has_an_example_that_would_tell_it_apart() -> None:
    readings_of_fields = READINGS | READINGS_OF_DOCUMENT
    several = {path for path, readings in readings_of_fields.items() if len(readings) > 1}
    assert several | ROLE_CHOICES <= TOLD_APART_BY.keys()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(names()), st.data())
def test_any_choices_taken_out_of_sound_terms_are_told_and_nothing_else_is(
    name: str, data: st.DataObject
) -> None:
    terms = document(name)
    places = [place for clause in terms["clauses"] for place in _choices_in(clause, "")]
    for holder, field in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=5, unique_by=id)):
        holder.pop(field, None)
    assert {fault.code for fault in refused(terms)} == {"CHOICE_MISSING"}


def _choices_in(value: Any, path: str) -> list[tuple[Json, str]]:
    """Every (object, field) of the clause that is a required choice."""
    if isinstance(value, list):
        return [place for part in value for place in _choices_in(part, path)]
    if not isinstance(value, dict) or path == "examples":
        return []
    required = (READINGS.keys() | ROLE_CHOICES) - {"within.caps.per", "within.caps.order", "then.form"}
    found = []
    for name, part in value.items():
        here = f"{path}.{name}" if path else name
        if here in required and not (name == "unused" and part is None):
            found.append((value, name))
        found += _choices_in(part, here)
    return found
