"""The vectorised evaluator gives exactly what the plain one gives, and says so where it can't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from clause_strategies import FIRST, Scenario, terms_and_facts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.money import RoundingMode, round_exact
from ledger.periods import Quarter, Span, quarters_between
from ledger.rules import plain, vector
from ledger.rules.facts import Amount, Facts, Key, Line, Outcome, Subject, Version
from ledger.rules.plain.shares import FactorsMissing
from ledger.rules.state import StateTooLarge, pack, unpack
from ledger.rules.terms import DENOMINATOR_LIMIT, Clause, Event, Grain, Shares, Terms
from ledger.rules.vector import numbers
from tests.long_runs import examples

QUARTER = Quarter(2023, 1)
LARGE_MINOR = 10**15
BOUNDARY_AMOUNTS = (
    st.sampled_from([0, 1, -1, LARGE_MINOR, -LARGE_MINOR, LARGE_MINOR - 1])
    | st.integers(-LARGE_MINOR, LARGE_MINOR)
    | st.integers(0, 50).map(lambda bits: 2**bits)
)
UNLIKE_SHARES = ("7", "11", "13", "97", "1009", "65537")
UNLIKE_KEPT = ("1/7", "5/11", "12/13", "96/97", "1")

thorough = settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
half_as_often = settings(thorough, max_examples=max(1, thorough.max_examples // 2))
now_and_then = settings(thorough, max_examples=max(1, thorough.max_examples // 5))


def assert_same(ours: Outcome, expected: Outcome) -> None:
    assert ours.amounts == expected.amounts
    assert ours.carried == expected.carried


# --- the two evaluators agree -----------------------------------------------------------------------------


@thorough
@given(terms_and_facts())
def test_both_evaluators_give_the_same_amounts_and_carry_the_same_state(scenario: Scenario) -> None:
    for facts in (scenario.facts, scenario.corrected):
        expected = plain.evaluate(scenario.versions, facts, scenario.through)
        assert_same(vector.evaluate(scenario.versions, facts, scenario.through), expected)


@thorough
@given(terms_and_facts(), st.data())
def test_they_agree_on_boundary_amounts_and_unlike_denominators(
    scenario: Scenario, data: st.DataObject
) -> None:
    versions = [
        replace(version, terms=_with_unlike_denominators(version.terms, data))
        for version in scenario.versions
    ]
    lines = [replace(line, amount_minor=data.draw(BOUNDARY_AMOUNTS)) for line in scenario.facts.lines]
    facts = replace(scenario.facts, lines=lines)
    expected = plain.evaluate(versions, facts, scenario.through)
    assert_same(vector.evaluate(versions, facts, scenario.through), expected)


@half_as_often
@given(terms_and_facts(), st.data())
def test_they_agree_on_extensions_that_closed_settlements_decided(
    scenario: Scenario, data: st.DataObject
) -> None:
    pairs = st.tuples(st.integers(1, 2), st.sampled_from([0, 11, 12]))
    held = data.draw(st.dictionaries(pairs, st.booleans(), max_size=4))
    expected = plain.evaluate(scenario.versions, scenario.facts, scenario.through, held_extensions=held)
    ours = vector.evaluate(scenario.versions, scenario.facts, scenario.through, held_extensions=held)
    assert_same(ours, expected)


@half_as_often
@given(terms_and_facts(), st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing(scenario: Scenario, random: Any) -> None:
    shuffled = list(scenario.facts.lines)
    random.shuffle(shuffled)
    assert_same(
        vector.evaluate(scenario.versions, replace(scenario.facts, lines=shuffled), scenario.through),
        vector.evaluate(scenario.versions, scenario.facts, scenario.through),
    )


@half_as_often
@given(terms_and_facts(), st.integers(0, 11))
def test_state_packed_and_unpacked_between_quarters_goes_on_as_if_never_packed(
    scenario: Scenario, quarters: int
) -> None:
    middle = min(FIRST.plus(quarters), scenario.through)
    before = vector.evaluate(scenario.versions, scenario.facts, middle)
    unpacked = {
        key: _through_storage(carried, key[0], scenario, middle) for key, carried in before.carried.items()
    }
    after = vector.evaluate_from(unpacked, middle.next, scenario.versions, scenario.facts, scenario.through)
    together = Outcome({**before.amounts, **after.amounts}, after.carried)
    assert_same(together, plain.evaluate(scenario.versions, scenario.facts, scenario.through))


@now_and_then
@given(st.lists(terms_and_facts(windows_may_keep_terms=False), min_size=2, max_size=4))
def test_agreements_computed_together_give_what_each_gives_alone(scenarios: Sequence[Scenario]) -> None:
    through = max(scenario.through for scenario in scenarios)
    together = _evaluate_together(dict(enumerate(scenarios, start=7)), through)
    for agreement, scenario in enumerate(scenarios, start=7):
        alone = plain.evaluate(scenario.versions, scenario.facts, through)
        assert_same(together[agreement], alone)


@now_and_then
@given(terms_and_facts(windows_may_keep_terms=False))
def test_the_columns_of_state_are_the_rows_that_the_plain_evaluators_state_packs_to(
    scenario: Scenario,
) -> None:
    version = scenario.versions[0]
    through = min(scenario.through, scenario.versions[-1].starts)
    rules, state = _run_one(scenario, through)
    carried = plain.evaluate(scenario.versions, scenario.facts, through).carried
    rows = zip(state.clause.tolist(), state.subject.tolist(), state.packed.tolist(), strict=True)
    in_force = plain.version_in_force(scenario.versions, through) or version
    for number, subject, packed in rows:
        clause = in_force.terms.clause(number)
        if clause is not None and rules is not None:
            expected = pack(carried[number, subject], clause)
            assert packed[: len(expected)] == expected


def _with_unlike_denominators(terms: Terms, data: st.DataObject) -> Terms:
    return terms.model_copy(update={"clauses": tuple(_unlike(clause, data) for clause in terms.clauses)})


def _unlike(clause: Clause, data: st.DataObject) -> Clause:
    """With unlike denominators, as far as the limit of the common one leaves room for them."""
    if not _leaves_room(clause):
        return clause
    unlike = _with_unlike_shares(_with_unlike_kept(clause, data), data)
    return unlike if unlike.denominator <= DENOMINATOR_LIMIT else clause


def _leaves_room(clause: Clause) -> bool:
    """Whether the clause's own denominator stays small enough for larger parts."""
    to_whom, how_much = clause.to_whom, clause.how_much
    is_fine = to_whom.apportion is not None or how_much.smoothing is not None or how_much.own_rates
    return to_whom.bands is None and not is_fine


def _with_unlike_kept(clause: Clause, data: st.DataObject) -> Clause:
    rows = tuple(
        row.model_copy(
            update={
                "tiers": (row.tiers[0].model_copy(update={"kept": data.draw(st.sampled_from(UNLIKE_KEPT))}),)
            }
        )
        for row in clause.how_much.retention[:2]
    )
    how_much = clause.how_much.model_copy(update={"retention": rows})
    return clause.model_copy(update={"how_much": how_much})


def _with_unlike_shares(clause: Clause, data: st.DataObject) -> Clause:
    if clause.to_whom.regime != "proportional":
        return clause
    parts = int(data.draw(st.sampled_from(UNLIKE_SHARES)))
    rows = tuple(_unlike_row(row, parts) for row in clause.to_whom.key)
    return clause.model_copy(update={"to_whom": clause.to_whom.model_copy(update={"key": rows})})


def _unlike_row(row: Shares, parts: int) -> Shares:
    first, *others = sorted(row.exact)
    shares = dict.fromkeys(others, f"1/{parts}") | {first: f"{parts - len(others)}/{parts}"}
    return row.model_copy(update={"shares": shares, "weights": None})


def _through_storage(carried: Any, number: int, scenario: Scenario, quarter: Quarter) -> Any:
    """Packed and unpacked by the latest version in ``quarter`` that has the clause."""
    begun = [version for version in scenario.versions if version.starts <= quarter]
    clause = next(filter(None, (version.terms.clause(number) for version in reversed(begun))))
    return unpack(pack(carried, clause), clause)


def _run_one(scenario: Scenario, through: Quarter) -> tuple[vector.Rules | None, vector.State]:
    state, rules = vector.State.none(), None
    subjects = vector.subjects_of({1: scenario.facts.subjects})
    for quarter in quarters_between(FIRST, through):
        rules = vector.compile_clauses(_in_force(1, scenario, quarter), quarter, state.keys)
        figures = vector.figures_of({1: _lines(scenario.facts, quarter)})
        state = vector.evaluate_quarter(rules, quarter, figures, subjects, state).state
    return rules, state


def _in_force(agreement: int, scenario: Scenario, quarter: Quarter) -> list[vector.ClauseInForce]:
    version = plain.version_in_force(scenario.versions, quarter)
    return [
        vector.ClauseInForce(agreement, clause, occurrences=scenario.facts.occurrences)
        for clause in (version.terms.clauses if version else ())
    ]


def _lines(facts: Facts, quarter: Quarter) -> list[Line]:
    return [line for line in facts.lines if line.span.quarter == quarter]


def _evaluate_together(scenarios: Mapping[int, Scenario], through: Quarter) -> dict[int, Outcome]:
    amounts: dict[int, dict[Key, Amount]] = {agreement: {} for agreement in scenarios}
    state = vector.State.none()
    subjects = vector.subjects_of({number: scenario.facts.subjects for number, scenario in scenarios.items()})
    for quarter in quarters_between(FIRST, through):
        clauses = [
            clause
            for agreement, scenario in scenarios.items()
            for clause in _in_force(agreement, scenario, quarter)
        ]
        rules = vector.compile_clauses(clauses, quarter, state.keys)
        figures = vector.figures_of(
            {agreement: _lines(scenario.facts, quarter) for agreement, scenario in scenarios.items()}
        )
        result = vector.evaluate_quarter(rules, quarter, figures, subjects, state)
        for agreement, found in vector.amounts_by_key(rules, result.allocations).items():
            amounts[agreement] |= found
        state = result.state
    carried = vector.carried_of(state)
    return {agreement: Outcome(amounts[agreement], carried.get(agreement, {})) for agreement in scenarios}


# --- wide numbers -----------------------------------------------------------------------------------------


def _terms(**changes: Any) -> Terms:
    """One clause: VAT of listed enterprises, divided between origin and host."""
    clause = {
        "number": 1,
        "title": {"zh": "分成", "en": "sharing"},
        "what": {"mechanism": "tax", "measures": ["vat"], "reported_by": "host"},
        "whose": {"scope": "listed_enterprises"},
        "when": {"step": "quarter"},
        "to_whom": {
            "regime": "proportional",
            "key": [{"shares": {"host": "1/2", "origin": "1/2"}}],
            "otherwise": "host",
        },
        "then": {"provisional": "cash", "negative": "refund", "netting": False},
        "rounding": {"grain": "subject", "mode": "down", "remainder_to": "host"},
        "examples": [
            {
                "title": {"zh": "示例", "en": "example"},
                "figures": [{"span": "2023Q1", "measure": "vat", "amount": "1"}],
                "expect": [
                    {"first": "2023Q1", "last": "2023Q1", "book": "cash", "party": "host", "amount": "0"}
                ],
            }
        ],
    } | changes
    return Terms.model_validate(
        {
            "agreement": "A-1",
            "roles": {"host": "P-1", "origin": "P-2", "fund": "P-3"},
            "in_force_from": "2023Q1",
            "transition": "by_step",
            "clauses": [clause],
        },
        strict=False,
    )


def _to_whom(**shares: str) -> dict[str, Any]:
    return {"regime": "proportional", "key": [{"shares": shares}], "otherwise": "host"}


def _vat(subject: int, amount_minor: int, quarter: Quarter = QUARTER) -> Line:
    return Line(subject, "vat", Span.of_quarter(quarter), amount_minor)


def _facts(*lines: Line) -> Facts:
    return Facts(lines, {line.subject: Subject(line.subject) for line in lines})


def _quarter(terms: Terms, facts: Facts) -> vector.Result:
    rules = vector.compile_clauses([vector.ClauseInForce(1, clause) for clause in terms.clauses], QUARTER)
    figures, subjects = vector.figures_of({1: facts.lines}), vector.subjects_of({1: facts.subjects})
    return vector.evaluate_quarter(rules, QUARTER, figures, subjects, vector.State.none())


def test_only_the_subjects_that_64_bits_cannot_hold_are_computed_wide_and_they_are_counted() -> None:
    terms = _terms(to_whom=_to_whom(host="1/999999937", origin="999999936/999999937"))
    facts = _facts(_vat(1, LARGE_MINOR), _vat(2, 100), _vat(3, -LARGE_MINOR))
    assert _quarter(terms, facts).wide_rows == 2
    expected = plain.evaluate([Version(QUARTER, terms)], facts, QUARTER)
    assert_same(vector.evaluate([Version(QUARTER, terms)], facts, QUARTER), expected)


def test_a_quarter_of_ordinary_amounts_is_computed_without_wide_numbers() -> None:
    terms = _terms(to_whom=_to_whom(host="1/1000", origin="999/1000"))
    result = _quarter(terms, _facts(*(_vat(subject, 10**11) for subject in range(1, 50))))
    assert (result.rows, result.wide_rows) == (49, 0)


def test_many_large_subjects_rounded_as_one_clause_add_up_exactly() -> None:
    rounding = {"grain": "clause", "mode": "half_up", "remainder_to": "host"}
    terms = _terms(to_whom=_to_whom(host="6/7", origin="1/7"), rounding=rounding)
    facts = _facts(*(_vat(subject, LARGE_MINOR - subject) for subject in range(1, 2_000)))
    expected = plain.evaluate([Version(QUARTER, terms)], facts, QUARTER)
    assert_same(vector.evaluate([Version(QUARTER, terms)], facts, QUARTER), expected)


def test_more_rows_than_one_chunk_holds_give_what_the_plain_evaluator_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ledger.rules.vector.quarter.CHUNK_ROWS", 3)
    terms = _terms(to_whom=_to_whom(host="6/7", origin="1/7"))
    facts = _facts(*(_vat(subject % 10 + 1, 1_000 + subject) for subject in range(37)))
    expected = plain.evaluate([Version(QUARTER, terms)], facts, QUARTER)
    assert_same(vector.evaluate([Version(QUARTER, terms)], facts, QUARTER), expected)


def test_subject_ids_of_any_size_are_told_apart() -> None:
    facts = _facts(_vat(2**62, 100), _vat(2**62 + 1, 300), _vat(5, 7))
    terms = _terms()
    expected = plain.evaluate([Version(QUARTER, terms)], facts, QUARTER)
    assert_same(vector.evaluate([Version(QUARTER, terms)], facts, QUARTER), expected)


# --- amendments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [(2, 1), (1, 2), (1, 0), (0, 1)])
def test_years_that_are_averaged_are_kept_when_caps_are_added_or_dropped(counts: tuple[int, int]) -> None:
    cap = {"amount": "1.00", "over": "lifetime", "measured_on": "pool", "excess_to": None}
    how_much = {"smoothing": {"years": 3, "missing_years": "fewer"}}
    versions = [
        Version(starts, _terms(how_much=how_much, within={"caps": [cap] * count}))
        for starts, count in zip((QUARTER, QUARTER.plus(4)), counts, strict=True)
    ]
    facts = _facts(*(_vat(1, 100, QUARTER.plus(place)) for place in range(12)))
    expected = plain.evaluate(versions, facts, QUARTER.plus(11))
    assert list(expected.carried[1, 1].history) == [400, 400, 400]
    assert_same(vector.evaluate(versions, facts, QUARTER.plus(11)), expected)


@pytest.mark.parametrize("grain", [Grain.SUBJECT, Grain.CLAUSE, Grain.PERIOD])
def test_a_role_that_an_amendment_leaves_out_keeps_its_part_of_the_rounded_sum(grain: Grain) -> None:
    rounding = {"grain": grain.value, "mode": "half_up", "remainder_to": "host"}
    first = _terms(to_whom=_to_whom(host="1/3", origin="1/3", fund="1/3"), rounding=rounding)
    second = _terms(to_whom=_to_whom(host="1/7", origin="6/7"), rounding=rounding)
    versions = [Version(QUARTER, first), Version(QUARTER.next, second)]
    lines = [
        _vat(subject, 100 + subject, quarter) for subject in (1, 2) for quarter in (QUARTER, QUARTER.next)
    ]
    facts = _facts(*lines)
    expected = plain.evaluate(versions, facts, QUARTER.plus(3))
    assert_same(vector.evaluate(versions, facts, QUARTER.plus(3)), expected)


@pytest.mark.parametrize(
    "rates",
    [{}, {"host": "1/4", "origin": "3/20"}, {"host": "1/7", "origin": "1"}, {"host": "0", "origin": "1/49"}],
)
def test_fractions_carried_from_an_earlier_version_are_shared_exactly_under_finer_shares(
    rates: dict[str, str],
) -> None:
    surplus = {"base": "1.00", "within_year": "pro_rata", "loss": "carried"}
    kept = {
        "starts": "2020-01-01",
        "measure": "vat",
        "tiers": [{"name": {"zh": "级", "en": "tier"}, "kept": "1/7"}],
    }
    first = _terms(to_whom=_to_whom(host="1"), how_much={"retention": [kept], "surplus": surplus})
    second = _terms(
        to_whom=_to_whom(host="6/7", origin="1/7"), how_much={"surplus": surplus, "own_rates": rates}
    )
    versions = [Version(QUARTER, first), Version(QUARTER.next, second)]
    lines = [_vat(1, 1_000 + place, QUARTER.plus(place)) for place in range(6)]
    expected = plain.evaluate(versions, _facts(*lines), QUARTER.plus(6))
    assert_same(vector.evaluate(versions, _facts(*lines), QUARTER.plus(6)), expected)


# --- extensions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_correction", ["hold", "reopen"])
@pytest.mark.parametrize(
    "held", [{}, {(1, 1): True, (1, 2): False}, {(1, 1): False, (1, 3): True, (2, 1): True}]
)
@pytest.mark.parametrize(
    "measured", [{"measured_on": "pool"}, {"measured_on": "receipts", "capped": "origin"}]
)
def test_an_extension_is_decided_as_the_plain_evaluator_decides_it(
    on_correction: str, held: dict[tuple[int, int], bool], measured: dict[str, str]
) -> None:
    window = {
        "clock": {"day": "2023-01-01", "begins": "step_of_day"},
        "length_months": 6,
        "extension": {"condition": "cap_not_reached", "length_months": 3, "on_correction": on_correction},
    }
    cap = {"amount": "12.00", "over": "lifetime", "excess_to": "host"} | measured
    terms = _terms(when={"step": "quarter", "window": window}, within={"caps": [cap]})
    lines = [_vat(subject, subject * 500, QUARTER.plus(place)) for subject in (1, 2, 3) for place in range(5)]
    versions = [Version(QUARTER, terms)]
    expected = plain.evaluate(versions, _facts(*lines), QUARTER.plus(4), held_extensions=held)
    assert {carried.extended for carried in expected.carried.values()} == {True, False}
    ours = vector.evaluate(versions, _facts(*lines), QUARTER.plus(4), held_extensions=held)
    assert_same(ours, expected)


# --- factors ----------------------------------------------------------------------------------------------


def test_factors_of_a_year_that_the_clause_lacks_are_missed_only_where_something_is_shared() -> None:
    key = [{"shares": {"host": "1/2", "branches": "1/2"}}, {"after_months": 3, "shares": {"branches": "1"}}]
    apportion = {
        "share_of": "branches",
        "weights": {"payroll": "1"},
        "factor_year": "previous",
        "zero_denominator": "equal",
        "values": [{"year": 2022, "role": role, "values": {"payroll": "1"}} for role in ("origin", "fund")],
    }
    window = {"clock": {"event": "first_tax", "begins": "step_of_day"}, "length_months": 6}
    to_whom = {"regime": "proportional", "key": key, "apportion": apportion, "otherwise": "host"}
    terms = _terms(when={"step": "quarter", "window": window}, to_whom=to_whom)
    versions = [Version(QUARTER, terms)]
    lines = [_vat(1, 100 + place, QUARTER.plus(place)) for place in range(6)]
    for first_tax, is_missing in ((date(2023, 6, 1), False), (date(2023, 11, 1), True)):
        facts = Facts(lines, {1: Subject(1, events={Event.FIRST_TAX: first_tax})})
        if is_missing:
            for evaluate in (plain.evaluate, vector.evaluate):
                assert evaluate(versions, facts, QUARTER.plus(3)).amounts
                with pytest.raises(FactorsMissing, match="2023"):
                    evaluate(versions, facts, QUARTER.plus(4))
        else:
            expected = plain.evaluate(versions, facts, QUARTER.plus(5))
            assert_same(vector.evaluate(versions, facts, QUARTER.plus(5)), expected)


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"to_whom": _to_whom(host="1/2", origin="1/3")},
        {"to_whom": _to_whom(host="1/1000000007", origin="1000000006/1000000007")},
        {
            "then": {
                "routing": {"to": "fund", "part": "3/2"},
                "provisional": "cash",
                "negative": "refund",
                "netting": False,
            }
        },
    ],
)
def test_a_clause_that_cannot_be_computed_exactly_is_refused_by_name_and_never_computed(
    changes: dict[str, Any],
) -> None:
    terms = _terms(**changes)
    rules = vector.compile_clauses([vector.ClauseInForce(5, terms.clauses[0])], QUARTER)
    assert [(refused.agreement, refused.clause) for refused in rules.refused] == [(5, 1)]
    with pytest.raises(vector.ClauseRefused):
        vector.evaluate([Version(QUARTER, terms)], _facts(_vat(1, 1)), QUARTER)


def test_a_figure_of_a_whole_quarter_is_refused_by_a_clause_of_months() -> None:
    versions = [Version(QUARTER, _terms(when={"step": "month"}))]
    for evaluate in (plain.evaluate, vector.evaluate):
        with pytest.raises(plain.FigureNotOfMonth):
            evaluate(versions, _facts(_vat(1, 1)), QUARTER)


def test_a_figure_of_a_whole_quarter_of_an_unlisted_enterprise_does_not_disturb_a_clause_of_months() -> None:
    versions = [Version(QUARTER, _terms(when={"step": "month"}))]
    facts = Facts([_vat(1, 1)], {2: Subject(2)})
    assert vector.evaluate(versions, facts, QUARTER) == Outcome({}, {})


def test_figures_of_another_quarter_are_refused() -> None:
    clauses = [vector.ClauseInForce(1, clause) for clause in _terms().clauses]
    figures = vector.figures_of({1: [_vat(1, 1, QUARTER.next)]})
    rules = vector.compile_clauses(clauses, QUARTER)
    with pytest.raises(vector.FigureOfAnotherQuarter):
        vector.evaluate_quarter(rules, QUARTER, figures, vector.Subjects.none(), vector.State.none())


def test_an_amount_that_storage_cannot_hold_is_refused_rather_than_wrapped() -> None:
    facts = _facts(*[_vat(1, 9 * 10**18)] * 3)
    with pytest.raises(StateTooLarge):
        vector.evaluate([Version(QUARTER, _terms())], facts, QUARTER)


# --- numbers ----------------------------------------------------------------------------------------------


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**9), st.data(), st.sampled_from(list(RoundingMode)))
def test_columns_round_like_fractions(
    whole: int, denominator: int, data: st.DataObject, mode: RoundingMode
) -> None:
    halves = [denominator // 2] if denominator % 2 == 0 else []
    remainder = data.draw(st.sampled_from([0, denominator - 1, *halves]) | st.integers(0, denominator - 1))
    expected = round_exact(whole + Fraction(remainder, denominator), mode)
    mode_code = np.array([numbers.MODE_CODE[mode]])
    for dtype in (np.int64, object):
        columns = (np.array([number], dtype) for number in (whole, remainder, denominator))
        exact_whole, exact_remainder, exact_denominator = columns
        found = numbers.rounded(exact_whole, exact_remainder, exact_denominator, mode_code)
        assert found.tolist() == [expected]


@given(st.integers(-(9 * 10**18), 9 * 10**18), st.fractions(0, 1, max_denominator=10**9))
def test_a_routed_part_is_rounded_towards_zero_without_overflow(amount: int, part: Fraction) -> None:
    numerator, denominator = np.array([part.numerator]), np.array([part.denominator])
    expected = round_exact(amount * part, RoundingMode.DOWN)
    assert numbers.part_towards_zero(np.array([amount]), numerator, denominator).tolist() == [expected]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_sums_of_64_bit_numbers_are_exact_beyond_64_bits(values: list[int]) -> None:
    column = np.array(values, np.int64)[:, None]
    assert numbers.exact_sums(column, np.array([0])).tolist() == [[sum(values)]]
