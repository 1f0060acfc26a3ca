"""Reconciliation on real returns: what is compared, who may do what, and when a decision stops holding."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from desk_fixtures import clause, enterprise, open_room
from reconciliation_fixtures import (
    HOST,
    ORIGIN,
    PROVINCE,
    Desk,
    figure,
    open_desk,
    procedure,
)

from ledger.desk import reconciliation, returns
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.reconciliation import Key, Lines, Person
from ledger.desk.reconciliation.disputes import State
from ledger.desk.reconciliation.failures import (
    ArbiterMissing,
    BasisChanged,
    ItemLapsed,
    LinesAgree,
    LinesSeveral,
    LinesTaken,
    NothingCompared,
    NotYourTurn,
    OfferOvertaken,
    RoleOutsideComparison,
    StepOutOfState,
)
from ledger.desk.reconciliation.ladder import Outcome
from ledger.desk.returns import RoleReportsNothing
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter, Span
from ledger_schema.sessions import Database

LISTED = {"scope": "listed_enterprises"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def desk(database: Database) -> Desk:
    return open_desk(database)


@pytest.fixture
def listed(database: Database) -> Desk:
    """Two enterprises on the list."""
    whose = clause(whose=LISTED)
    whose["examples"][0] |= {"subjects": {"a": {}}}
    whose["examples"][0]["figures"][0]["subject"] = "a"
    desk = open_desk(database, whose)
    desk.room.confirm_list(enterprise(1), enterprise(2))
    return desk


def key_of(desk: Desk, name: str, span: str = "2024Q1") -> Key:
    return Key(desk.enterprise_ids()[name], "retained_tax", Span.parse(span))


# --- what is compared -------------------------------------------------------------------------------------


def test_the_other_side_hands_in_the_same_measures_as_the_record(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "100.50")
    with desk.database.reading() as connection:
        expected = returns.expectation(connection, desk.agreement_id, "origin", Quarter(2024, 1))
    assert list(expected.measures) == ["retained_tax"]
    assert desk.outcomes("2024Q1") == [Outcome.WITHIN_TOLERANCE]


def test_without_a_procedure_the_other_side_reports_nothing_and_nothing_is_compared(
    database: Database,
) -> None:
    desk = Desk(open_room(database))
    desk.room.hand_in("2024Q1", "100.00")
    with pytest.raises(RoleReportsNothing):
        desk.room.hand_in("2024Q1", "100.00", role="origin")
    with pytest.raises(NothingCompared):
        desk.report("2024Q1")


def test_the_basis_names_measures_tolerances_and_both_returns(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", None)
    compared = desk.report("2024Q1").compared
    assert (compared.record, compared.against, compared.arbiter) == ("host", "origin", "province")
    assert compared.basis.measures == ("retained_tax",)
    assert compared.basis.tolerances_minor == {"retained_tax": 100}
    assert compared.record_return is not None
    assert compared.against_return is not None
    assert compared.against_return.is_nil
    assert compared.due_on == date(2024, 4, 30)


def test_a_tolerance_is_in_force_for_the_quarters_of_its_version(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "100.50")
    desk.amend(clause(), starts="2024Q2", procedure=procedure(tolerance="0.10"))
    desk.settle("2024Q1")
    desk.hand_in("2024Q2", "100.00", "100.50")
    assert desk.outcomes("2024Q1") == [Outcome.WITHIN_TOLERANCE]
    assert desk.outcomes("2024Q2") == [Outcome.IN_DISPUTE]


def test_months_of_one_side_are_compared_with_the_quarter_of_the_other(desk: Desk) -> None:
    desk.room.hand_in_lines("2024Q1", [figure("40.00", "2024-01"), figure("60.00", "2024-02")])
    desk.room.hand_in("2024Q1", "100.00", role="origin")
    assert desk.outcomes("2024Q1") == [Outcome.EXACT]


def test_lines_with_several_documents_are_compared_by_their_sum(desk: Desk) -> None:
    desk.room.hand_in_lines(
        "2024Q1", [figure("40.00", "2024Q1"), figure("60.00", "2024Q1", document="凭证-2")]
    )
    desk.room.hand_in("2024Q1", "100.00", role="origin")
    (group,) = desk.report("2024Q1").groups
    assert (group.outcome, len(group.parts[0].record)) == (Outcome.EXACT, 2)


def test_the_machine_suggests_a_renamed_enterprise_and_both_sides_confirm_it(listed: Desk) -> None:
    one, two = (enterprise(place).credit_code for place in (1, 2))
    listed.room.hand_in_lines("2024Q1", [figure("100.00", "2024Q1", one)])
    listed.room.hand_in_lines("2024Q1", [figure("100.00", "2024Q1", two)], role="origin")
    report = listed.report("2024Q1")
    assert {one.reason for one in report.suggested.values()} == {"renamed"}
    keys = tuple(report.suggested)
    number = listed.explain("2024Q1", ORIGIN, "renamed", *keys)
    assert listed.item(number).standing.owner == "host"
    assert Outcome.EXPLAINED not in listed.outcomes("2024Q1")
    listed.accept(number, HOST)
    (group,) = listed.report("2024Q1").groups
    assert (group.outcome, group.reason, group.item) == (Outcome.EXPLAINED, "renamed", number)
    assert len(group.parts) == 2


# --- who may do what --------------------------------------------------------------------------------------


def test_a_dispute_goes_from_message_to_figure_to_acceptance(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    assert desk.item(number).standing.owner == "host"
    desk.write(number, HOST)
    assert desk.item(number).standing.owner == "origin"
    offer = desk.propose(number, ORIGIN, "120.00")
    with pytest.raises(NotYourTurn):
        desk.accept(number, ORIGIN, offer)
    desk.accept(number, HOST, offer)
    found = desk.item(number)
    assert (found.standing.state, found.standing.owner) == (State.AGREED, None)
    (group,) = desk.report("2024Q1").groups
    assert (group.outcome, group.counted_minor, group.difference_minor) == (Outcome.AGREED, 12000, -5000)


def test_an_offer_that_was_replaced_in_between_cannot_be_accepted(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    seen = desk.propose(number, ORIGIN, "120.00")
    desk.propose(number, ORIGIN, "150.00")
    with pytest.raises(OfferOvertaken):
        desk.accept(number, HOST, seen)


def test_the_arbiter_decides_with_a_figure_and_reasons_once_it_is_escalated(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    with pytest.raises(StepOutOfState):
        desk.arbitrate(number, "130.00")
    desk.escalate(number, HOST)
    assert desk.item(number).standing.owner == "province"
    desk.write(number, PROVINCE, "请双方补充凭证")
    with pytest.raises(RoleOutsideComparison):
        desk.arbitrate(number, "130.00", HOST)
    desk.arbitrate(number, "130.00")
    (group,) = desk.report("2024Q1").groups
    assert (group.outcome, group.counted_minor) == (Outcome.ARBITRATED, 13000)
    with pytest.raises(StepOutOfState):
        desk.propose(number, HOST, "1.00")


def test_the_sides_may_still_agree_while_the_dispute_lies_with_the_arbiter(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    desk.escalate(number, ORIGIN)
    desk.propose(number, HOST, "140.00")
    desk.accept(number, ORIGIN)
    assert desk.item(number).standing.state is State.AGREED


def test_a_dispute_cannot_be_escalated_where_the_terms_name_nobody(database: Database) -> None:
    desk = open_desk(database, terms=procedure(arbiter=None))
    desk.hand_in("2024Q1", "100.00", "150.00")
    with pytest.raises(ArbiterMissing):
        desk.escalate(desk.dispute("2024Q1", ORIGIN), ORIGIN)


def test_a_withheld_line_is_released_by_the_side_that_withheld_it_or_disputed_by_the_other(
    desk: Desk,
) -> None:
    desk.hand_in("2024Q1", "100.00", "100.00")
    number = desk.withhold("2024Q1", HOST)
    assert desk.outcomes("2024Q1") == [Outcome.WITHHELD]
    with pytest.raises(NotYourTurn):
        desk.release(number, ORIGIN)
    desk.release(number, HOST)
    assert desk.outcomes("2024Q1") == [Outcome.EXACT]
    assert desk.withhold("2024Q1", ORIGIN) == number
    assert desk.dispute("2024Q1", HOST) == number
    assert desk.outcomes("2024Q1") == [Outcome.IN_DISPUTE]


def test_lines_that_agree_need_no_dispute_and_a_line_nobody_has_is_not_found(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "100.00")
    with pytest.raises(LinesAgree):
        desk.dispute("2024Q1", ORIGIN)
    with pytest.raises(NotFound):
        desk.dispute("2024Q1", ORIGIN, Key(0, "retained_tax", Span.parse("2024-01")))


def test_a_dispute_is_about_one_line_of_record(listed: Desk) -> None:
    one, two = (enterprise(place).credit_code for place in (1, 2))
    listed.room.hand_in_lines("2024Q1", [figure("100.00", "2024Q1", one), figure("70.00", "2024Q1", two)])
    listed.room.hand_in_lines(
        "2024Q1", [figure("50.00", "2024Q1", one), figure("120.00", "2024Q1", two)], role="origin"
    )
    keys = [key_of(listed, name) for name in ("企业1", "企业2")]
    with pytest.raises(LinesSeveral):
        listed.dispute("2024Q1", ORIGIN, *keys)
    suggested = listed.explain("2024Q1", HOST, "merged", *keys)
    disputed = listed.dispute("2024Q1", ORIGIN, keys[0])
    assert disputed != suggested
    with pytest.raises(ItemLapsed):
        listed.accept(suggested, ORIGIN, 1)
    with pytest.raises(LinesTaken):
        listed.explain("2024Q1", HOST, "merged", *keys)


def test_only_people_of_the_two_sides_act_and_they_have_names(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    with pytest.raises(RoleOutsideComparison):
        desk.dispute("2024Q1", PROVINCE)
    for name in ("", " ", "a\nb", "x" * 61):
        with pytest.raises(RequestRefused) as refusal:
            desk.dispute("2024Q1", Person("origin", name))
        assert [fault.path for fault in refusal.value.faults] == ["person"]
    with pytest.raises(RequestRefused) as refusal:
        desk.explain("2024Q1", ORIGIN, "because")
    assert [fault.path for fault in refusal.value.faults] == ["reason"]


def test_the_clock_counts_days_to_the_end_and_names_the_day_when_it_is_due(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    found = desk.item(number)
    assert found.due_on == date(2024, 4, 30)
    assert found.days_open(found.opened_at + timedelta(days=7, hours=5)) == 7
    desk.propose(number, HOST, "100.00")
    desk.accept(number, ORIGIN)
    ended = desk.item(number)
    assert ended.days_open(ended.opened_at + timedelta(days=7)) == 0


# --- figures that change ----------------------------------------------------------------------------------


def test_a_newer_return_ends_the_hold_of_decisions_about_lines_that_differ_and_of_no_others(
    listed: Desk,
) -> None:
    one, two = (enterprise(place).credit_code for place in (1, 2))
    listed.room.hand_in_lines("2024Q1", [figure("100.00", "2024Q1", one), figure("70.00", "2024Q1", two)])
    listed.room.hand_in_lines(
        "2024Q1", [figure("50.00", "2024Q1", one), figure("90.00", "2024Q1", two)], role="origin"
    )
    first, second = (listed.dispute("2024Q1", ORIGIN, key_of(listed, name)) for name in ("企业1", "企业2"))
    listed.room.hand_in_lines(
        "2024Q1", [figure("60.00", "2024Q1", one), figure("90.00", "2024Q1", two)], role="origin"
    )
    report = listed.report("2024Q1")
    assert [item.number for item in report.lapsed] == [first]
    assert [group.item for group in report.groups if group.item] == [second]
    with pytest.raises(ItemLapsed):
        listed.write(first, HOST)
    listed.write(second, HOST)
    assert listed.dispute("2024Q1", ORIGIN, key_of(listed, "企业1")) == second + 1


def test_whoever_read_the_report_before_a_newer_return_must_read_it_again(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    seen = desk.lines("2024Q1")
    desk.room.hand_in("2024Q1", "110.00")
    with pytest.raises(BasisChanged):
        reconciliation.dispute(desk.database, desk.room.act(), desk.agreement_id, seen, ORIGIN, "数额不符")


def test_the_same_key_is_the_same_act(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    act, lines = desk.room.act(), desk.lines("2024Q1")
    first = reconciliation.dispute(desk.database, act, desk.agreement_id, lines, ORIGIN, "数额不符")
    again = reconciliation.dispute(desk.database, act, desk.agreement_id, lines, ORIGIN, "数额不符")
    assert (first.replayed, again.replayed, again.value) == (False, True, first.value)
    assert len(desk.item(first.value).steps) == 1


def test_lines_are_named_up_to_a_limit(desk: Desk) -> None:
    desk.hand_in("2024Q1", "100.00", "150.00")
    span, measure = Span.parse("2024Q1"), MEASURE_BY_NAME["retained_tax"].name
    basis = desk.report("2024Q1").compared.hash
    for keys in ((), tuple(Key(number, measure, span) for number in range(201))):
        with pytest.raises(RequestRefused) as refusal:
            reconciliation.withhold(
                desk.database,
                desk.room.act(),
                desk.agreement_id,
                Lines(Quarter(2024, 1), None, basis, keys),
                HOST,
            )
        assert [fault.code for fault in refusal.value.faults] == ["LINES_COUNT"]
