"""A budget that all subjects of a clause draw on: in turn or by one factor, before or after the caps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_builders import Json, by_role, capped, clause, line, run, to_whom, version

from ledger.periods import Quarter
from ledger.rules import vector
from ledger.rules.check import check
from ledger.rules.explanation import render
from ledger.rules.facts import Facts, Subject, Version
from ledger.rules.plain import explain
from ledger.rules.text import article

SUBJECTS = {number: Subject(number) for number in (7, 8, 9)}
YEARLY_100 = {"caps": capped("1.00", over="year", unused="lapses")["caps"]}


def budget(*amounts: str, **changes: Any) -> Json:
    """So many yuan a year from 2024 on, then from 2025 on; by one factor for all."""
    rows = [{"starts": f"{2024 + place}-01-01", "amount": amount} for place, amount in enumerate(amounts)]
    return {
        "amounts": rows,
        "payer": None,
        "over": "year",
        "applied": "before_caps",
        "within_period": "step_by_step",
        "order": "pro_rata",
        "unused": "lapses",
        "excess_to": None,
    } | changes


def vouchers(within: Json, **shares: str) -> Version:
    parts = shares or {"origin": "1"}
    return version(
        clause(
            whose={"scope": "listed_enterprises"},
            to_whom=to_whom(**parts),
            within=within,
            rounding={"grain": "subject", "mode": "down", "remainder_to": next(iter(parts))},
        )
    )


def claims(*minor: tuple[str, int, int]) -> Facts:
    return Facts([line(quarter, amount, subject=subject) for quarter, subject, amount in minor], SUBJECTS)


def granted(versions: Version | Sequence[Version], facts: Facts, through: str) -> dict[tuple[str, int], int]:
    """What all parties together get by quarter and subject; both evaluators agree on it."""
    given_versions = [versions] if isinstance(versions, Version) else list(versions)
    outcome = run(given_versions, facts, through)
    assert vector.evaluate(given_versions, facts, Quarter.parse(through)) == outcome
    found: dict[tuple[str, int], int] = {}
    for key, amount in outcome.amounts.items():
        place = str(key.quarter), key.subject
        found[place] = found.get(place, 0) + amount.amount_minor
    return found


def test_claims_are_cut_by_one_factor_where_the_budget_is_short() -> None:
    facts = claims(("2024Q1", 7, 300), ("2024Q1", 8, 100), ("2024Q1", 9, 200))
    assert granted(vouchers({"budget": budget("3.00")}), facts, "2024Q1") == {
        ("2024Q1", 7): 150,
        ("2024Q1", 8): 50,
        ("2024Q1", 9): 100,
    }


def test_a_budget_that_suffices_changes_nothing() -> None:
    facts = claims(("2024Q1", 7, 300), ("2024Q2", 8, 100))
    assert granted(vouchers({"budget": budget("4.00")}), facts, "2024Q2") == {
        ("2024Q1", 7): 300,
        ("2024Q2", 8): 100,
    }


def test_running_totals_are_rounded_down_and_the_last_claim_takes_what_is_left() -> None:
    facts = claims(("2024Q1", 7, 1), ("2024Q1", 8, 1), ("2024Q1", 9, 1))
    assert granted(vouchers({"budget": budget("0.02")}), facts, "2024Q1") == {
        ("2024Q1", 8): 1,
        ("2024Q1", 9): 1,
    }


def test_in_order_the_first_numbers_are_served_whole() -> None:
    facts = claims(("2024Q1", 9, 300), ("2024Q1", 7, 100), ("2024Q1", 8, 200))
    assert granted(vouchers({"budget": budget("2.50", order="by_subject")}), facts, "2024Q1") == {
        ("2024Q1", 7): 100,
        ("2024Q1", 8): 150,
    }


def test_a_step_draws_on_what_the_steps_before_it_left_and_a_new_year_begins_anew() -> None:
    facts = claims(
        ("2024Q1", 7, 300), ("2024Q2", 7, 300), ("2024Q2", 8, 100), ("2024Q3", 8, 9), ("2025Q1", 8, 900)
    )
    assert granted(vouchers({"budget": budget("5.00", "7.00")}), facts, "2025Q1") == {
        ("2024Q1", 7): 300,
        ("2024Q2", 7): 150,
        ("2024Q2", 8): 50,
        ("2025Q1", 8): 700,
    }


def test_a_quarterly_budget_is_of_the_quarter() -> None:
    facts = claims(("2024Q1", 7, 300), ("2024Q2", 7, 300))
    assert granted(vouchers({"budget": budget("2.00", over="quarter")}), facts, "2024Q2") == {
        ("2024Q1", 7): 200,
        ("2024Q2", 7): 200,
    }


def test_before_the_first_amount_nothing_is_granted() -> None:
    terms = version(
        clause(within={"budget": budget("5.00", amounts=[{"starts": "2024-04-01", "amount": "5.00"}])})
    )
    facts = Facts([line("2024Q1", 100), line("2024Q2", 300)])
    # What was asked for in the first quarter counts against the year's budget all the same.
    assert granted(terms, facts, "2024Q2") == {("2024Q2", 0): 300}


def test_before_the_caps_a_large_claim_weighs_whole_and_after_them_as_far_as_it_is_capped() -> None:
    facts = claims(("2024Q1", 7, 300), ("2024Q1", 8, 100))
    before = vouchers(YEARLY_100 | {"budget": budget("1.00")})
    after = vouchers(YEARLY_100 | {"budget": budget("1.00", applied="after_caps")})
    assert granted(before, facts, "2024Q1") == {("2024Q1", 7): 75, ("2024Q1", 8): 25}
    assert granted(after, facts, "2024Q1") == {("2024Q1", 7): 50, ("2024Q1", 8): 50}


def test_one_payer_s_budget_limits_its_part_alone_and_the_excess_goes_where_it_says() -> None:
    within = {"budget": budget("1.00", payer="origin", excess_to="host")}
    terms = vouchers(within, origin="1/2", host="1/2")
    facts = claims(("2024Q1", 7, 300), ("2024Q1", 8, 100))
    outcome = run(terms, facts, "2024Q1")
    assert by_role(outcome, "origin") == {"2024Q1": 100}
    assert by_role(outcome, "host") == {"2024Q1": 300}
    assert granted(terms, facts, "2024Q1") == {("2024Q1", 7): 300, ("2024Q1", 8): 100}


def test_what_exceeds_a_payer_s_budget_counts_against_the_cap_of_whoever_gets_it() -> None:
    within = {"budget": budget("1.00", payer="origin", excess_to="host"), **capped("1.80", capped="host")}
    terms = vouchers(within, origin="1/2", host="1/2")
    assert granted(terms, claims(("2024Q1", 7, 300)), "2024Q1") == {("2024Q1", 7): 100 + 180}


def test_refunded_claims_make_room_for_later_ones() -> None:
    facts = claims(("2024Q1", 7, 400), ("2024Q2", 7, -200), ("2024Q3", 8, 200))
    assert granted(vouchers({"budget": budget("3.00")}), facts, "2024Q3") == {
        ("2024Q1", 7): 300,
        ("2024Q2", 7): -100,
        ("2024Q3", 8): 100,
    }


def test_a_corrected_claim_changes_every_later_share_of_the_year() -> None:
    terms = vouchers({"budget": budget("3.00")})
    late = [("2024Q2", 7, 100), ("2024Q2", 8, 300)]
    assert granted(terms, claims(("2024Q1", 7, 200), *late), "2024Q2")["2024Q2", 8] == 75
    assert granted(terms, claims(("2024Q1", 7, 100), *late), "2024Q2")["2024Q2", 8] == 150


def test_an_amended_amount_holds_for_the_steps_from_then_on() -> None:
    versions = [
        vouchers({"budget": budget("3.00")}),
        Version(Quarter(2024, 2), vouchers({"budget": budget("5.00")}).terms),
    ]
    facts = claims(("2024Q1", 7, 400), ("2024Q2", 8, 400))
    # 400 had been asked for by then; the 100 of the first quarter that weren't granted aren't made good.
    assert granted(versions, facts, "2024Q2") == {("2024Q1", 7): 300, ("2024Q2", 8): 100}


def test_one_ratio_for_the_whole_year_is_a_surplus_over_nothing_in_the_last_step() -> None:
    raw = vouchers({"budget": budget("3.00")}).terms.clauses[0].model_dump(mode="json")
    surplus = {"base": "0", "within_year": "final_only", "loss": "forgotten"}
    yearly = version({**raw, "how_much": {"surplus": surplus}})
    facts = claims(("2024Q1", 7, 500), ("2024Q3", 8, 100), ("2024Q4", 8, 0))
    assert granted(yearly, facts, "2024Q4") == {("2024Q4", 7): 250, ("2024Q4", 8): 50}


amounts = st.lists(st.integers(-(10**15), 10**15) | st.integers(0, 50), min_size=3, max_size=3)


@given(amounts, st.integers(0, 10**15), st.sampled_from(["pro_rata", "by_subject"]))
def test_what_is_granted_never_exceeds_the_budget_and_adds_up_to_it_where_it_is_short(
    asked: list[int], limit_minor: int, order: str
) -> None:
    text = f"{limit_minor // 100}.{limit_minor % 100:02}"
    facts = claims(*(("2024Q1", subject, amount) for subject, amount in zip(SUBJECTS, asked, strict=True)))
    parts = granted(vouchers({"budget": budget(text, order=order)}), facts, "2024Q1")
    assert sum(parts.values()) == min(limit_minor, sum(asked))


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=3), st.integers(0, 10**6))
def test_no_part_is_further_than_a_unit_from_its_exact_proportion(asked: list[int], limit_minor: int) -> None:
    text = f"{limit_minor // 100}.{limit_minor % 100:02}"
    facts = claims(*(("2024Q1", subject, amount) for subject, amount in zip(SUBJECTS, asked, strict=True)))
    parts = granted(vouchers({"budget": budget(text)}), facts, "2024Q1")
    factor = min(Fraction(1), Fraction(limit_minor, max(1, sum(asked))))
    for subject, amount in zip(SUBJECTS, asked, strict=True):
        assert abs(parts.get(("2024Q1", subject), 0) - factor * amount) < 1


def test_explanation_shows_the_budget_its_draws_and_the_part() -> None:
    facts = claims(("2024Q1", 7, 300), ("2024Q1", 8, 100))
    told = explain([vouchers({"budget": budget("1.00")})], facts, Quarter(2024, 1), 1, 7, Quarter(2024, 1))
    assert "budget: 3.00 → 0.75; min(1.00, 0.00 + 4.00) − min(1.00, 0.00) = 1.00" in render(told, "en")
    assert "各对象按同一比例核减" in render(told, "zh")


def test_article_says_the_budget_in_both_languages() -> None:
    found = vouchers({"budget": budget("1000000.00", payer="origin")}).terms.clauses[0]
    assert "各对象飞出地应承担的部分合计以预算为限，自2024年1月1日起每年100.00万元" in article(found, "zh")
    assert "for the part of the origin side of all subjects together there is a budget" in article(
        found, "en"
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rounding": {"grain": "line", "mode": "down", "remainder_to": "host"}}, "BUDGET_EXCLUDES"),
        (
            {
                "within": {"budget": budget("1", applied="after_caps")}
                | {"caps": capped("1", capped="origin")["caps"]}
            },
            "BUDGET_EXCLUDES",
        ),
        ({"within": {"budget": budget("1", payer="third")}}, "CAPPED_NOT_IN_ROW"),
        ({"within": {"budget": budget("1.001")}}, "AMOUNT_PLACES"),
        (
            {
                "within": {
                    "budget": budget("1", amounts=[{"starts": "2024-01-01", "amount": "1"}] * 2),
                }
            },
            "BUDGET_ORDER",
        ),
    ],
)
def test_budgets_that_cannot_be_meant_are_refused(changes: Json, code: str) -> None:
    raw = clause(within={"budget": budget("1")}) | changes
    assert code in {fault.code for fault in check(version(raw).terms)}


def test_an_amendment_keeps_what_the_draws_are_counted_by() -> None:
    earlier = vouchers({"budget": budget("1")}).terms
    amended = vouchers({"budget": budget("1", over="quarter")}).terms
    assert "AMENDMENT_CHANGES_BUDGET" in {fault.code for fault in check(amended, earlier)}
