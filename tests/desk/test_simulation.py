"""A draft over past quarters, beside the terms in force: exact numbers, what isn't known, nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from desk_fixtures import Document, Room, clause, enterprise, open_room, text
from sqlalchemy import func, select

from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.returns import LineDraft
from ledger.desk.simulation import (
    NothingInForce,
    Simulation,
    Standing,
    Unreported,
    render_simulation,
    simulate,
    simulate_figures,
)
from ledger.periods import Quarter, Span
from ledger.rules.check import TermsRefused
from ledger.rules.facts import Amount, Facts, Line
from ledger.rules.terms import Terms
from ledger_schema.sessions import Database
from ledger_schema.tables import metadata

Q1, Q2, Q3, Q4 = (Quarter(2024, number) for number in (1, 2, 3, 4))
SIX_TO_FOUR = {"origin": "3/5", "host": "2/5"}
LISTED = {"scope": "listed_enterprises"}


def capped(amount: str) -> Document:
    """The origin's receipts end at the amount."""
    cap = {
        "amount": amount,
        "over": "lifetime",
        "measured_on": "receipts",
        "capped": "origin",
        "excess_to": "host",
    }
    return clause(within={"caps": [cap]})


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    return open_room(database)


def test_six_to_four_beside_halves_gives_the_tenth_to_the_origin_true_up_included(room: Room) -> None:
    settle_year(room)
    made = simulated(room, clause(shares=SIX_TO_FOUR))
    assert (made.through, made.missing, made.unreported, made.is_complete) == (Q4, [], [], True)
    assert differences(room, made) == {
        ("2024Q1", "origin"): ("60.00", "72.00", "12.00"),
        ("2024Q1", "host"): ("60.00", "48.00", "-12.00"),
        **{(f"2024Q{number}", "origin"): ("50.00", "60.00", "10.00") for number in (2, 3, 4)},
        **{(f"2024Q{number}", "host"): ("50.00", "40.00", "-10.00") for number in (2, 3, 4)},
    }
    assert totals(room, made) == {
        "origin": ("210.00", "252.00", "42.00"),
        "host": ("210.00", "168.00", "-42.00"),
    }
    assert [str(one.quarter) for one in made.totals_by_quarter] == sorted(
        ["2024Q1", "2024Q2", "2024Q3", "2024Q4"] * 2
    )


def test_quarters_before_the_first_stay_under_the_terms_in_force(room: Room) -> None:
    settle_year(room)
    made = simulated(room, clause(shares=SIX_TO_FOUR), first=Q3)
    assert {row.about.quarter for row in made.rows} == {Q3, Q4}
    assert totals(room, made)["origin"] == ("100.00", "120.00", "20.00")


def test_an_amendment_in_between_is_in_force_on_one_side_and_overridden_on_the_other(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.settle("2024Q2", "100.00")
    room.amend(clause(shares=SIX_TO_FOUR), starts="2024Q3")
    for quarter in ("2024Q3", "2024Q4"):
        room.settle(quarter, "100.00")
    made = simulated(room, clause(shares={"origin": "1", "host": "0"}), starts="2024Q3")
    assert totals(room, made)["origin"] == ("220.00", "400.00", "180.00")


def test_what_is_in_force_is_what_the_settlements_booked(room: Room) -> None:
    closed = settle_year(room)
    made = simulated(room, clause(shares=SIX_TO_FOUR))
    booked = [room.shares(settlement_id) for settlement_id in closed]
    whole = sum(Fraction(shares["origin"]) for shares in booked)
    assert Fraction(totals(room, made)["origin"][0]) == whole


@pytest.mark.parametrize("draft", [clause(shares=SIX_TO_FOUR), capped("130.00")], ids=["shares", "cap"])
def test_an_amendment_from_the_first_quarter_books_the_differences_that_were_simulated(
    room: Room, draft: Document
) -> None:
    settle_year(room)
    made = simulated(room, draft)
    expected = {
        (row.about.quarter, row.about.party_id): row.difference.amount_minor
        for row in made.rows
        if row.difference is not None and row.difference.amount_minor
    }
    room.amend(draft, starts="2024Q1")
    later = room.settle("2025Q1")
    booked = {(one.quarter, one.party_id): one.amount_minor for one in room.allocations(later)}
    assert expected
    assert booked == expected


def test_a_raised_cap_gives_the_capped_party_what_went_to_the_other(database: Database) -> None:
    room = open_room(database, capped("60.00"))
    for quarter in ("2024Q1", "2024Q2"):
        room.settle(quarter, "100.00")
    made = simulated(room, capped("80.00"), last=Q2)
    assert differences(room, made)["2024Q2", "origin"] == ("10.00", "30.00", "20.00")
    assert differences(room, made)["2024Q1", "origin"] == ("50.00", "50.00", "0.00")
    assert totals(room, made)["host"] == ("140.00", "120.00", "-20.00")


def test_a_dropped_clause_and_a_new_one_show_as_such(database: Database) -> None:
    room = open_room(database, clause(1), clause(2, measures=("vat",)))
    room.hand_in_figures("2024Q1", {("retained_tax", "2024Q1"): "100.00", ("vat", "2024Q1"): "40.00"})
    room.close("2024Q1", room.compute("2024Q1"))
    made = simulated(room, clause(1), clause(3, measures=("vat",), shares=SIX_TO_FOUR), last=Q1)
    assert {one.number: one.standing for one in made.clauses} == {
        1: Standing.KEPT,
        2: Standing.DROPPED,
        3: Standing.NEW,
    }
    sides = {
        (row.about.clause, row.about.party_id == room.party_id("origin")): (row.in_force, row.draft)
        for row in made.rows
    }
    assert sides[2, True] == (Amount(2000), None)
    assert sides[3, True] == (None, Amount(2400))
    assert totals(room, made)["origin"] == ("70.00", "74.00", "4.00")
    assert "第2条 税收分成：取消" in render_simulation(made, "zh")
    assert "Clause 3 Tax sharing: new" in render_simulation(made, "en")


def test_a_measure_that_no_return_reports_is_listed_and_not_taken_for_zero(room: Room) -> None:
    settle_year(room)
    made = simulated(
        room, clause(1, measures=("retained_tax", "vat")), clause(2, shares={"origin": "1", "host": "0"})
    )
    assert made.unreported == [Unreported(1, "vat", "host", (Q1, Q2, Q3, Q4))]
    assert not made.is_complete
    unknown = [row for row in made.rows if row.about.clause == 1]
    assert {(row.draft, row.difference, row.standing) for row in unknown} == {
        (None, None, Standing.UNREPORTED)
    }
    assert {row.in_force for row in unknown} == {Amount(6000), Amount(5000)}
    assert totals(room, made) == {"origin": ("0.00", "420.00", "420.00")}
    assert "未申报：第1条所需“增值税”" in render_simulation(made, "zh")
    assert made.reasons(1, 0, Q2).draft is None


def test_a_new_clause_of_which_only_a_part_is_reported_has_no_rows(room: Room) -> None:
    settle_year(room)
    made = simulated(room, clause(1), clause(2, measures=("retained_tax", "vat")))
    assert {row.about.clause for row in made.rows} == {1}
    assert {one.number: one.standing for one in made.clauses}[2] is Standing.UNREPORTED


def test_a_role_that_never_reported_is_listed_too(room: Room) -> None:
    settle_year(room)
    made = simulated(room, clause(reported_by="origin"))
    assert [(one.measure, one.role) for one in made.unreported] == [("retained_tax", "origin")]


def test_a_nil_return_is_zero(room: Room) -> None:
    room.settle("2024Q1")
    made = simulated(room, clause(shares=SIX_TO_FOUR), last=Q1)
    assert (made.rows, made.unreported, made.is_complete) == ([], [], True)
    assert "Neither gives anything." in render_simulation(made, "en")


def test_it_reaches_as_far_as_every_return_is_in_and_names_those_that_are_missing(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    made = simulated(room, clause(shares=SIX_TO_FOUR), last=Q3)
    assert (made.through, made.missing) == (Q1, [(Q2, "host"), (Q3, "host")])
    nothing = simulated(room, clause(shares=SIX_TO_FOUR), first=Q2, last=Q3)
    assert (nothing.through, nothing.rows, nothing.totals) == (None, [], [])
    assert "缺申报：2024年第二季度 host" in render_simulation(nothing, "zh")


def test_the_enterprises_that_account_for_most_come_first(database: Database) -> None:
    room = open_room(database, clause(whose=LISTED))
    small, large = enterprise(1), enterprise(2)
    room.confirm_list(small, large)
    room.hand_in_lines(
        "2024Q1",
        [
            LineDraft(one.credit_code, "retained_tax", "2024Q1", amount, "凭证")
            for one, amount in ((small, "10.00"), (large, "1000.00"))
        ],
    )
    made = simulated(room, clause(whose=LISTED, shares=SIX_TO_FOUR), last=Q1)
    origin, host = room.party_id("origin"), room.party_id("host")
    assert [one.by_party for one in made.changes] == [
        {origin: 10000, host: -10000},
        {origin: 100, host: -100},
    ]
    shown = render_simulation(made, "zh", changes=1)
    assert "影响最大的企业（1/2）" in shown
    assert "企业2" in shown
    assert "企业1" not in shown


def test_both_results_are_explained_on_demand(room: Room) -> None:
    settle_year(room)
    made = simulated(room, clause(shares=SIX_TO_FOUR))
    found = made.reasons(1, 0, Q2)
    shares = [
        [step.result for step in one.steps if step.code == "share" and step.role == "origin"]
        for one in (found.in_force, found.draft)
        if one is not None
    ]
    assert shares == [[Fraction(5000)], [Fraction(6000)]]
    with pytest.raises(NotFound):
        made.reasons(9, 0, Q2)
    with pytest.raises(NotFound):
        made.reasons(1, 0, Quarter(2025, 1))


def test_a_decision_about_an_extension_stands_where_it_was_taken_before_the_draft(
    database: Database,
) -> None:
    room = open_room(database, extending("60.00"))
    for quarter in ("2024Q1", "2024Q2", "2024Q3", "2024Q4"):
        room.settle(quarter, "100.00")
    wider = extending("500.00")
    assert totals(room, simulated(room, wider))["origin"] == ("60.00", "200.00", "140.00")
    assert totals(room, simulated(room, wider, first=Q3))["origin"] == ("0.00", "100.00", "100.00")
    assert totals(room, simulated(room, wider, first=Q4)) == {"host": ("100.00", "100.00", "0.00")}


def test_nothing_is_written(room: Room) -> None:
    settle_year(room)
    before = row_counts(room.database)
    made = simulated(room, clause(shares=SIX_TO_FOUR))
    assert made.reasons(1, 0, Q1).draft
    assert render_simulation(made, "en")
    assert row_counts(room.database) == before


def test_terms_that_could_not_amend_the_agreement_are_refused(room: Room) -> None:
    settle_year(room)
    faulty = clause(shares={"origin": "1/2", "host": "1/3"})
    with pytest.raises(TermsRefused):
        simulated(room, faulty)
    with pytest.raises(TermsRefused):
        simulated(room, clause(whose=LISTED))
    other = terms_of(room, clause()).model_copy(update={"agreement": "B-1"})
    with room.database.reading() as connection, pytest.raises(RequestRefused):
        simulate(connection, room.agreement_id, other, Q1, Q4)
    with room.database.reading() as connection, pytest.raises(NotFound):
        simulate(connection, 1, terms_of(room, clause()), Q1, Q4)


@pytest.mark.parametrize(
    ("first", "last", "path"),
    [
        (Quarter(2023, 4), Q4, "first"),
        (Q3, Q1, "last"),
        (Q1, Quarter(2034, 1), "last"),
    ],
)
def test_quarters_out_of_reach_are_refused(room: Room, first: Quarter, last: Quarter, path: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        simulated(room, clause(), first=first, last=last)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_an_agreement_without_terms_in_force_has_nothing_to_compare_with(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Room, "bring_into_force", lambda _room, _version: None)
    drafted = open_room(room.database, code="A-2")
    with pytest.raises(NothingInForce):
        simulated(drafted, clause())


def test_figures_from_elsewhere_are_compared_the_same_way(room: Room) -> None:
    lines = [Line(0, "retained_tax", Span.of_quarter(quarter), 10000) for quarter in (Q1, Q2)]
    before, after = terms_of(room, clause()), terms_of(room, clause(shares=SIX_TO_FOUR))
    made = simulate_figures(before, after, Facts(lines), Q2, Q3)
    assert [(str(row.about.quarter), row.in_force, row.draft) for row in made.rows] == [
        ("2024Q2", Amount(5000), Amount(4000)),
        ("2024Q2", Amount(5000), Amount(6000)),
    ]
    assert "+10.00" in render_simulation(made, "en")


def test_figures_from_elsewhere_know_what_has_happened_to_the_agreement(room: Room) -> None:
    window = {"clock": {"occurrence": "aid_fund_paid_in", "begins": "step_of_day"}}
    waiting = clause(when={"window": window})
    lines = [Line(0, "retained_tax", Span.of_quarter(quarter), 10000) for quarter in (Q1, Q2)]
    facts = Facts(lines, occurrences={"aid_fund_paid_in": Q2.start})
    made = simulate_figures(terms_of(room, clause()), terms_of(room, waiting), facts, Q1, Q2)
    assert {(str(row.about.quarter), row.draft.amount_minor) for row in made.rows if row.draft} == {
        ("2024Q1", 0),
        ("2024Q1", 10000),
        ("2024Q2", 5000),
    }


# --- a simulation -----------------------------------------------------------------------------------------


def settle_year(room: Room) -> list[int]:
    """100.00 in each quarter of 2024, and in the fourth a correction of the first to 120.00."""
    closed = [room.settle(quarter, "100.00") for quarter in ("2024Q1", "2024Q2", "2024Q3")]
    room.hand_in("2024Q1", "120.00")
    return [*closed, room.settle("2024Q4", "100.00")]


def extending(amount: str) -> Document:
    """Six months, and six more if the cap isn't reached by then; what was decided stands."""
    extension = {"condition": "cap_not_reached", "length_months": 6, "on_correction": "hold"}
    window = {
        "clock": {"day": "2024-01-01", "begins": "step_of_day"},
        "length_months": 6,
        "extension": extension,
    }
    return {**capped(amount), "when": {"step": "quarter", "window": window}}


def terms_of(room: Room, *clauses: Document, starts: str = "2024Q1") -> Terms:
    return Terms.model_validate(room.terms(clauses, starts), strict=False)


def simulated(
    room: Room, *clauses: Document, first: Quarter = Q1, last: Quarter = Q4, starts: str = "2024Q1"
) -> Simulation:
    with room.database.reading() as connection:
        return simulate(connection, room.agreement_id, terms_of(room, *clauses, starts=starts), first, last)


def differences(room: Room, made: Simulation) -> dict[tuple[str, str], tuple[str, str, str]]:
    """In force, draft and difference by quarter and role."""
    roles = {room.party_id(role): role for role in room.roles}
    return {
        (str(row.about.quarter), roles[row.about.party_id]): written(row.in_force, row.draft, row.difference)
        for row in made.rows
    }


def totals(room: Room, made: Simulation) -> dict[str, tuple[str, str, str]]:
    roles = {room.party_id(role): role for role in room.roles}
    return {roles[one.party_id]: written(one.in_force, one.draft, one.difference) for one in made.totals}


def written(*amounts: Amount | None) -> tuple[str, str, str]:
    one, other, third = (text(amount.amount_minor) if amount else "" for amount in amounts)
    return one, other, third


def row_counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
