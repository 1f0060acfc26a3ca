"""The ladder: what comes of comparing two lists of lines, and the laws that it keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.desk.reconciliation.ladder import (
    Basis,
    Comparison,
    Decision,
    Group,
    Key,
    Match,
    Outcome,
    Unanswered,
    apply_excepted,
    compare,
    excepted_of,
    figures,
)
from ledger.desk.reconciliation.suggestions import suggestions
from ledger.periods import Span
from ledger.rules.facts import Line

MEASURES = ("vat", "cit")
BASIS = Basis(MEASURES, {"vat": 100}, "withheld")
ENDS = (Outcome.EXPLAINED, Outcome.AGREED, Outcome.ARBITRATED, Outcome.WITHHELD, Outcome.IN_DISPUTE, None)

spans = st.sampled_from([Span.parse(text) for text in ("2024Q1", "2024-01", "2024-02", "2024-03")])
keys = st.builds(Key, st.integers(0, 2), st.sampled_from((*MEASURES, "pit")), spans)
amounts = st.one_of(st.integers(-3, 3), st.integers(-(10**9), 10**9))


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[Line], list[Line]]:
    """Two returns; each line of a side has a name of its own, and some keys have several lines."""
    both = []
    for side in ("r", "a"):
        drawn = draw(st.lists(st.tuples(keys, amounts), max_size=8))
        both.append([Line(*key, amount, f"{side}/{place}") for place, (key, amount) in enumerate(drawn)])
    return both[0], both[1]


@st.composite
def decisions_about(draw: st.DrawFn, record: Sequence[Line], against: Sequence[Line]) -> list[Decision]:
    """Decisions about some parts as they are, and some that have been overtaken by newer figures."""
    found: list[Decision] = []
    groups = compare(record, against, BASIS, []).groups
    for item in range(1, draw(st.integers(0, 3)) + 1):
        if not groups:
            break
        chosen = draw(st.lists(st.sampled_from(range(len(groups))), min_size=1, max_size=2, unique=True))
        parts = [groups[place].parts[0] for place in chosen]
        ours = figures(line for part in parts for line in part.record)
        if draw(st.booleans()):
            ours = {key: amount + 1 for key, amount in ours.items()}
        outcome = draw(st.sampled_from(ENDS))
        figure = draw(amounts) if outcome in (Outcome.AGREED, Outcome.ARBITRATED) else None
        theirs = figures(line for part in parts for line in part.against)
        found.append(Decision(item, ours, theirs, outcome, amount_minor=figure))
    return found


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[list[Line], list[Line], Basis, list[Decision]]:
    record, against = draw(sides())
    basis = replace(BASIS, unanswered=draw(st.sampled_from(("withheld", "accepted"))))
    return record, against, basis, draw(decisions_about(record, against))


def line(amount: int, span: str = "2024Q1", subject: int = 0, measure: str = "vat", name: str = "") -> Line:
    return Line(subject, measure, Span.parse(span), amount, name)


def compared(
    record: Sequence[Line], against: Sequence[Line], unanswered: Unanswered = "withheld"
) -> list[Group]:
    return compare(record, against, replace(BASIS, unanswered=unanswered), []).groups


def of_basis(lines: Iterable[Line]) -> list[Line]:
    return [one for one in lines if one.measure in MEASURES]


def total(amounts: Iterable[int | None]) -> int:
    return sum(amount or 0 for amount in amounts)


# --- laws -------------------------------------------------------------------------------------------------


@given(comparisons())
def test_every_line_of_both_sides_is_in_exactly_one_group(
    given_: tuple[list[Line], list[Line], Basis, list[Decision]],
) -> None:
    record, against, basis, decisions = given_
    groups = compare(record, against, basis, decisions).groups
    parts = [part for group in groups for part in group.parts]
    assert Counter(one for part in parts for one in part.record) == Counter(of_basis(record))
    assert Counter(one for part in parts for one in part.against) == Counter(of_basis(against))


@given(comparisons())
def test_the_sums_of_the_groups_are_the_sums_of_the_returns(
    given_: tuple[list[Line], list[Line], Basis, list[Decision]],
) -> None:
    record, against, basis, decisions = given_
    groups = compare(record, against, basis, decisions).groups
    ours = sum(one.amount_minor for one in of_basis(record))
    theirs = sum(one.amount_minor for one in of_basis(against))
    assert total(group.record_minor for group in groups) == ours
    assert total(group.against_minor for group in groups) == theirs
    assert sum(group.difference_minor for group in groups) == ours - theirs


@given(comparisons(), st.randoms())
def test_the_order_of_the_lines_and_decisions_changes_nothing(
    given_: tuple[list[Line], list[Line], Basis, list[Decision]], random: object
) -> None:
    record, against, basis, decisions = given_

    def shuffled(items: Sequence[object]) -> list[object]:
        mixed = list(items)
        random.shuffle(mixed)  # type: ignore[attr-defined]
        return mixed

    plain = compare(record, against, basis, decisions)
    mixed: Comparison = compare(shuffled(record), shuffled(against), basis, shuffled(decisions))  # type: ignore[arg-type]
    assert mixed == plain
    assert suggestions(mixed.groups) == suggestions(plain.groups)


@given(comparisons())
def test_what_counts_is_what_the_groups_say_and_every_other_line_of_record_is_excepted(
    given_: tuple[list[Line], list[Line], Basis, list[Decision]],
) -> None:
    record, against, basis, decisions = given_
    groups = compare(record, against, basis, decisions).groups
    counted = apply_excepted(of_basis(record), excepted_of(groups), 7)
    assert sum(one.amount_minor for one in counted) == total(group.counted_minor for group in groups)
    left_out = {one for group in groups if not group.counts for part in group.parts for one in part.record}
    assert left_out.isdisjoint(counted)
    accepted = {
        one
        for group in groups
        if group.counts and group.amount_minor is None
        for part in group.parts
        for one in part.record
    }
    assert accepted <= set(counted)


@given(comparisons())
def test_a_suggestion_changes_nothing_and_is_about_open_lines_that_no_other_is_about(
    given_: tuple[list[Line], list[Line], Basis, list[Decision]],
) -> None:
    groups = compare(*given_).groups
    found = suggestions(groups)
    named = [key for one in found for key in one.keys]
    assert len(named) == len(set(named))
    assert set(named) <= {group.parts[0].key for group in groups if group.is_open}


@given(comparisons())
def test_a_decision_either_holds_or_has_lapsed(
    given_: tuple[list[Line], list[Line], Basis, list[Decision]],
) -> None:
    record, against, basis, decisions = given_
    found = compare(record, against, basis, decisions)
    held = {group.item for group in found.groups if group.item is not None}
    assert held | set(found.lapsed) == {decision.item for decision in decisions}
    assert held.isdisjoint(found.lapsed)


# --- the rungs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "outcome", "match", "counts"),
    [
        ([line(5)], [line(5)], Outcome.EXACT, Match.SAME_LINE, True),
        ([line(0)], [line(0)], Outcome.EXACT, Match.SAME_LINE, True),
        ([line(500)], [line(400)], Outcome.WITHIN_TOLERANCE, Match.SAME_LINE, True),
        ([line(500)], [line(399)], Outcome.IN_DISPUTE, Match.SAME_LINE, False),
        ([line(5, measure="cit")], [line(4, measure="cit")], Outcome.IN_DISPUTE, Match.SAME_LINE, False),
        ([line(5)], [], Outcome.MISSING_IN_AGAINST, Match.NONE, False),
        ([line(0)], [], Outcome.MISSING_IN_AGAINST, Match.NONE, False),
        ([], [line(5)], Outcome.MISSING_IN_RECORD, Match.NONE, False),
    ],
)
def test_each_pair_of_lines_gets_its_rung(
    ours: list[Line], theirs: list[Line], outcome: Outcome, match: Match, counts: bool
) -> None:
    (group,) = compared(ours, theirs)
    assert (group.outcome, group.match, group.counts) == (outcome, match, counts)


def test_an_unanswered_line_counts_where_the_terms_accept_it() -> None:
    (group,) = compared([line(5)], [], "accepted")
    assert (group.outcome, group.counted_minor) == (Outcome.MISSING_IN_AGAINST, 5)
    assert excepted_of([group]) == {}


def test_months_of_one_side_are_compared_with_the_quarter_of_the_other_as_one_sum() -> None:
    months = [line(2, "2024-01"), line(3, "2024-03")]
    for ours, theirs in ((months, [line(5)]), ([line(5)], months)):
        (group,) = compared(ours, theirs)
        assert (group.outcome, group.match) == (Outcome.EXACT, Match.SUM)


def test_months_of_both_sides_are_compared_month_by_month() -> None:
    ours = [line(200, "2024-01"), line(400, "2024-02")]
    groups = compared(ours, [line(400, "2024-01"), line(200, "2024-02")])
    assert [group.outcome for group in groups] == [Outcome.IN_DISPUTE, Outcome.IN_DISPUTE]


def test_an_agreed_figure_takes_the_place_of_all_months_that_were_compared_with_a_quarter() -> None:
    months = [line(200, "2024-01"), line(300, "2024-03")]
    ours, theirs = figures(months), figures([line(900)])
    agreed = Decision(4, ours, theirs, Outcome.AGREED, amount_minor=700)
    groups = compare(months, [line(900)], BASIS, [agreed]).groups
    (figure,) = apply_excepted(months, excepted_of(groups), 9)
    assert (figure.span, figure.amount_minor, figure.line_id, figure.document) == (
        Span.parse("2024Q1"),
        700,
        "9/0",
        "对账第4号",
    )


def test_a_decision_lapses_with_a_newer_figure_and_holds_again_with_the_old_one() -> None:
    decision = Decision(1, figures([line(500)]), figures([line(900)]), Outcome.EXPLAINED, reason="refund")
    for ours, theirs, lapsed in ((500, 900, []), (501, 900, [1]), (500, 901, [1]), (500, 900, [])):
        assert compare([line(ours)], [line(theirs)], BASIS, [decision]).lapsed == lapsed


def test_a_decision_lapses_when_a_line_joins_what_it_is_about() -> None:
    months = [line(200, "2024-01")]
    decision = Decision(1, figures(months), figures([line(900)]), Outcome.WITHHELD)
    assert compare([*months, line(1, "2024-02")], [line(900)], BASIS, [decision]).lapsed == [1]


def test_of_decisions_about_the_same_line_the_newest_holds() -> None:
    about = figures([line(500)]), figures([line(900)])
    older, newer = (
        Decision(1, *about, Outcome.AGREED, amount_minor=1),
        Decision(2, *about, Outcome.WITHHELD),
    )
    found = compare([line(500)], [line(900)], BASIS, [older, newer])
    assert ([group.item for group in found.groups], found.lapsed) == ([2], [1])


# --- suggestions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        ([line(1234567)], [line(123)], "unit"),
        ([line(12)], [line(120000)], "unit"),
        ([line(900), line(-400)], [line(900)], "refund"),
        ([line(-400)], [], "refund"),
        ([line(900, "2024-01")], [line(900, "2024-02")], "cut_off"),
        (
            [line(900, "2024-01"), line(100, "2024-02")],
            [line(400, "2024-01"), line(600, "2024-02")],
            "cut_off",
        ),
        ([line(900)], [line(900, measure="cit")], "tax_kind"),
        ([line(900, subject=1)], [line(900, subject=2)], "renamed"),
        ([line(900, subject=1)], [line(500, subject=1), line(400, subject=2)], "merged"),
    ],
)
def test_the_machine_suggests_the_reason_that_would_explain_the_difference(
    ours: list[Line], theirs: list[Line], reason: str
) -> None:
    groups = compared(ours, theirs)
    (found,) = suggestions(groups)
    assert found.reason == reason
    assert found.keys == tuple(group.parts[0].key for group in groups)


def test_nothing_is_suggested_for_lines_that_agree_or_for_months_far_apart() -> None:
    agreeing = compared([line(900), line(-400)], [line(500)])
    far = compared([line(900, "2024-01")], [line(900, "2024-03")])
    assert suggestions(agreeing) == suggestions(far) == []
