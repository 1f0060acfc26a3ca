"""Settlements: cumulative, cause by cause, on real agreements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from desk_fixtures import Document, Room, clause, enterprise, falsify_allocations, open_room
from sqlalchemy import Connection, insert, select

from ledger.desk import agreements, settlements
from ledger.desk.acts import Done, Recorder
from ledger.desk.failures import NotFound
from ledger.desk.returns import LineDraft
from ledger.desk.settlements import QuarterNotOpen, ReturnsMissing, StaleSettlement
from ledger.errors import InvariantBroken
from ledger.evidence.canonical import digest
from ledger.money import format_amount
from ledger.periods import Quarter, quarters_between
from ledger.rules.terms import CauseOfMove, Event
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import event, filing
from tests.tables.interleaving import process_of, wait_until_blocked


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    return open_room(database)


def test_a_correction_of_a_closed_quarter_appears_as_a_named_true_up(room: Room) -> None:
    first = room.settle("2024Q1", "100.01")
    second = room.settle("2024Q2", "100.01")
    room.hand_in("2024Q1", "100.03")
    third = room.settle("2024Q3")
    assert room.shares(first) == {"origin": "50.00", "host": "50.01"}
    assert room.shares(second) == {"origin": "50.01", "host": "50.00"}
    assert room.shares(third, cause=1) == {"origin": "0.01", "host": "0.01"}
    assert room.shares(third, cause=2) == {}


def test_an_amendment_leaves_what_was_settled_before_it_and_a_correction_keeps_the_old_shares(
    room: Room,
) -> None:
    first, second = room.settle("2024Q1", "100.00"), room.settle("2024Q2", "100.00")
    room.amend(clause(shares={"origin": "3/5", "host": "2/5"}), starts="2024Q3")
    third = room.settle("2024Q3", "100.00")
    room.hand_in("2024Q1", "120.00")
    fourth = room.settle("2024Q4", "100.00")
    assert [room.shares(one) for one in (first, second, third, fourth)] == [
        {"origin": "50.00", "host": "50.00"},
        {"origin": "50.00", "host": "50.00"},
        {"origin": "60.00", "host": "40.00"},
        {"origin": "70.00", "host": "50.00"},
    ]
    assert room.shares(fourth, cause=1) == {"origin": "10.00", "host": "10.00"}


def test_an_amendment_from_the_open_quarter_is_a_cause_without_effect_of_its_own(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.amend(clause(shares={"origin": "3/5", "host": "2/5"}), starts="2024Q2")
    second = room.settle("2024Q2", "100.00")
    assert kinds(room, second) == ["amendment", "quarter"]
    assert room.shares(second, cause=1) == {}
    assert room.shares(second, cause=2) == {"origin": "60.00", "host": "40.00"}


def test_an_amendment_that_starts_in_a_closed_quarter_is_booked_as_its_own_cause(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.settle("2024Q2", "100.00")
    room.amend(clause(shares={"origin": "3/5", "host": "2/5"}), starts="2024Q2")
    third = room.settle("2024Q3", "100.00")
    assert room.shares(third, cause=1) == {"origin": "10.00", "host": "-10.00"}
    assert {one.quarter for one in room.allocations(third) if one.cause == 1} == {Quarter(2024, 2)}
    assert room.shares(third, cause=2) == {"origin": "60.00", "host": "40.00"}


def test_an_amendment_that_starts_later_is_not_a_cause_yet(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.amend(clause(shares={"origin": "3/5", "host": "2/5"}), starts="2024Q3")
    second = room.settle("2024Q2", "100.00")
    assert kinds(room, second) == ["quarter"]
    assert room.shares(second) == {"origin": "50.00", "host": "50.00"}


def test_two_corrections_at_once_are_two_causes_that_add_up(room: Room) -> None:
    room.settle("2024Q1", "100.01")
    room.settle("2024Q2", "100.01")
    room.hand_in("2024Q2", "100.02")
    room.hand_in("2024Q1", "100.04")
    third = room.settle("2024Q3", "10.00")
    with room.database.reading() as connection:
        causes = settlements.settlement(connection, room.agreement_id, third).causes
    assert [(cause.kind, cause.quarter) for cause in causes] == [
        ("correction", Quarter(2024, 1)),
        ("correction", Quarter(2024, 2)),
        ("quarter", Quarter(2024, 3)),
    ]
    assert causes[0].title_zh == "更正2024年第一季度申报（乙区）"
    assert causes[0].title_en == "Correction of the return for 2024Q1 (Zone B)"
    total = sum(one.amount_minor for one in room.allocations(third))
    assert total == 3 + 1 + 1000


def test_a_correction_without_effect_is_still_named(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.hand_in_lines("2024Q1", [LineDraft(None, "retained_tax", "2024Q1", "100.00", "凭证-2")])
    second = room.settle("2024Q2", "1.00")
    assert kinds(room, second) == ["correction", "quarter"]
    assert room.shares(second, cause=1) == {}


def test_a_missing_return_of_a_reporting_role_is_refused_and_a_nil_return_counts(room: Room) -> None:
    with pytest.raises(ReturnsMissing) as refused:
        room.compute("2024Q1")
    assert refused.value.missing == [(Quarter(2024, 1), "host")]
    assert "2024Q1 host" in refused.value.message_en
    assert room.shares(room.settle("2024Q1")) == {}


def test_every_role_that_a_clause_reads_must_hand_in(database: Database) -> None:
    room = open_room(database, clause(1), clause(2, measures=("vat",), reported_by="origin"))
    room.hand_in("2024Q1", "1.00")
    with pytest.raises(ReturnsMissing) as refused:
        room.compute("2024Q1")
    assert refused.value.missing == [(Quarter(2024, 1), "origin")]


def test_a_late_first_return_of_a_closed_quarter_is_named_as_late(database: Database) -> None:
    room = open_room(database)
    room.settle("2024Q1", "100.00")
    room.amend(clause(1), clause(2, measures=("vat",), reported_by="origin"), starts="2024Q1")
    room.hand_in("2024Q1", "50.00", role="origin", measure="vat")
    room.hand_in("2024Q2", "40.00")
    room.hand_in("2024Q2", None, role="origin")
    second = room.close("2024Q2", room.compute("2024Q2"))
    with room.database.reading() as connection:
        causes = settlements.settlement(connection, room.agreement_id, second).causes
    assert [cause.kind for cause in causes] == ["correction", "amendment", "quarter"]
    assert causes[0].title_en == "Late first return for 2024Q1 (Zone A)"
    assert room.shares(second, cause=1) == {}
    assert room.shares(second, cause=2) == {"origin": "25.00", "host": "25.00"}
    assert room.shares(second, cause=3) == {"origin": "20.00", "host": "20.00"}


def test_figures_of_a_role_that_a_clause_does_not_read_are_not_shared(database: Database) -> None:
    room = open_room(
        database, clause(1), clause(2, reported_by="origin", shares={"origin": "1", "host": "0"})
    )
    room.hand_in("2024Q1", "100.00", role="host")
    room.hand_in("2024Q1", "30.00", role="origin")
    first = room.close("2024Q1", room.compute("2024Q1"))
    assert room.shares(first) == {"origin": "80.00", "host": "50.00"}


# --- acceptance cases -------------------------------------------------------------------------------------

CAP = {
    "amount": "150.00",
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}
INCREMENT = {"base": "1000.00", "within_year": "year_to_date"}
HALF_YEAR = {"clock": {"day": "2024-01-01", "begins": "step_of_day"}, "length_months": 6}


@pytest.mark.parametrize(
    ("loss", "third_year"),
    [
        ("forgotten", {"origin": "100.00", "host": "100.00"}),
        ("carried", {"origin": "50.00", "host": "50.00"}),
    ],
)
def test_only_the_increment_over_the_base_is_shared_and_a_loss_carries_where_the_terms_say_so(
    database: Database, loss: str, third_year: dict[str, str]
) -> None:
    room = open_room(database, clause(how_much={"surplus": {**INCREMENT, "loss": loss}}), starts="2024Q4")
    booked = [
        year(room, first, total) for first, total in ((2024, "1600.00"), (2025, "900.00"), (2026, "1200.00"))
    ]
    assert booked == [{"origin": "300.00", "host": "300.00"}, {}, third_year]


def test_development_revenue_is_shared_net_of_cost_by_the_dated_equity_table(database: Database) -> None:
    net = clause(
        mechanism="development_revenue",
        measures=("rent", "land_transfer"),
        what={"deduct": ("development_cost",)},
        how_much={"surplus": {"base": "0", "within_year": "year_to_date", "loss": "carried"}},
        to_whom={
            "key": [
                {"shares": {"origin": "3/5", "host": "2/5"}},
                {"starts": "2024-07-01", "shares": {"origin": "1/2", "host": "1/2"}},
            ]
        },
    )
    room = open_room(database, net)
    shared = []
    for quarter in ("2024Q1", "2024Q2", "2024Q3", "2024Q4"):
        figures = {
            ("rent", quarter): "50.00",
            ("land_transfer", quarter): "200.00",
            ("development_cost", quarter): "100.00",
        }
        room.hand_in_figures(quarter, figures)
        shared.append(room.shares(room.close(quarter, room.compute(quarter))))
    assert shared == [{"origin": "90.00", "host": "60.00"}] * 2 + [{"origin": "75.00", "host": "75.00"}] * 2


@pytest.mark.parametrize("parts", [1, 4])
def test_the_origin_shares_until_its_receipts_reach_the_taxes_before_the_move(
    database: Database, parts: int
) -> None:
    room = open_room(database, moved_enterprise_clause(), starts="2020Q1")
    moved = enterprise(
        1,
        events={Event.CAPACITY_REACHED: date(2020, 1, 1)},
        pre_move_tax_minor={2017: 2_100_00, 2018: 2_400_00, 2019: 2_700_00},
        cause_of_move=CauseOfMove.GOVERNMENT_LED,
    )
    room.confirm_list(moved)
    totals = []
    for place, tax in enumerate((3_000_00, 4_000_00, 5_000_00, 6_000_00, 6_500_00)):
        quarters = [f"{2020 + place}Q{number}" for number in (1, 2, 3, 4)]
        of_year = {"origin": Decimal(0), "host": Decimal(0)}
        for index, quarter in enumerate(quarters):
            part = 0 if index < 4 - parts else tax // parts
            lines = [LineDraft(moved.credit_code, "vat", quarter, yuan(part))] if part else []
            room.hand_in_lines(quarter, lines)
            shares = room.shares(room.close(quarter, room.compute(quarter)))
            of_year = {role: total + Decimal(shares.get(role, 0)) for role, total in of_year.items()}
        totals.append((str(of_year["origin"]), str(of_year["host"])))
    assert totals == [
        ("1500.00", "1500.00"),
        ("2000.00", "2000.00"),
        ("2500.00", "2500.00"),
        ("1200.00", "4800.00"),
        ("0", "6500.00"),
    ]


def test_a_correction_that_uses_the_cap_up_earlier_takes_from_later_quarters(database: Database) -> None:
    room = open_room(database, clause(within={"caps": [CAP]}))
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.settle(quarter, "100.00")
    room.hand_in("2024Q1", "140.00")
    fourth = room.settle("2024Q4", "100.00")
    origin = room.party_id("origin")
    of_origin = {
        str(one.quarter): one.amount_minor
        for one in room.allocations(fourth)
        if one.cause == 1 and one.party_id == origin
    }
    assert of_origin == {"2024Q1": 2000, "2024Q3": -2000}
    assert room.shares(fourth, cause=1) == {"host": "40.00"}
    assert room.shares(fourth, cause=2) == {"host": "100.00"}


@pytest.mark.parametrize(
    ("on_correction", "of_origin"),
    [("hold", {"2024Q1": -5000}), ("reopen", {"2024Q1": -5000, "2024Q3": 5000})],
)
def test_a_decision_about_an_extension_stands_or_is_taken_anew_as_the_terms_say(
    database: Database, on_correction: str, of_origin: dict[str, int]
) -> None:
    extension = {"condition": "cap_not_reached", "length_months": 6, "on_correction": on_correction}
    window = {**HALF_YEAR, "extension": extension}
    cap = {**CAP, "amount": "100.00"}
    room = open_room(database, clause(when={"window": window}, within={"caps": [cap]}))
    room.settle("2024Q1", "200.00")
    room.settle("2024Q2")
    assert room.shares(room.settle("2024Q3", "100.00")) == {"host": "100.00"}
    room.hand_in("2024Q1", "100.00")
    fourth = room.settle("2024Q4")
    origin = room.party_id("origin")
    assert {
        str(one.quarter): one.amount_minor for one in room.allocations(fourth) if one.party_id == origin
    } == of_origin


def test_a_changed_enterprise_list_is_a_cause_of_its_own(database: Database) -> None:
    window = {"clock": {"event": "first_tax", "begins": "step_of_day"}, "length_months": 12}
    room = open_room(database, clause(whose={"scope": "listed_enterprises"}, when={"window": window}))
    listed = enterprise(1, events={Event.FIRST_TAX: date(2024, 1, 1)})
    room.confirm_list(listed)
    figure = LineDraft(listed.credit_code, "retained_tax", "2024Q1", "100.00")
    room.hand_in_lines("2024Q1", [figure])
    first = room.close("2024Q1", room.compute("2024Q1"))
    room.confirm_list(replace(listed, events={Event.FIRST_TAX: date(2024, 4, 1)}))
    room.hand_in("2024Q2")
    second = room.close("2024Q2", room.compute("2024Q2"))
    assert room.shares(first) == {"origin": "50.00", "host": "50.00"}
    assert kinds(room, second) == ["enterprise_list", "quarter"]
    assert room.shares(second, cause=1) == {"origin": "-50.00", "host": "50.00"}


def moved_enterprise_clause() -> Document:
    """财预〔2015〕92号: 50:50, 3 years and 2 more, capped at the taxes of three years before the move."""
    extension = {"condition": "cap_not_reached", "length_months": 24, "on_correction": "reopen"}
    return clause(
        measures=("vat", "cit"),
        whose={"scope": "listed_enterprises"},
        when={
            "window": {
                "clock": {"event": "capacity_reached", "begins": "step_of_day"},
                "length_months": 36,
                "extension": extension,
            }
        },
        within={
            "caps": [
                {
                    "pre_move_tax_total": True,
                    "over": "lifetime",
                    "measured_on": "receipts",
                    "capped": "origin",
                    "excess_to": "host",
                }
            ]
        },
    )


def year(room: Room, number: int, total: str) -> dict[str, str]:
    """Settles the year with all of its figures in the last quarter."""
    with room.database.reading() as connection:
        first = agreements.open_quarter(connection, room.agreement_id)
    assert first is not None
    for quarter in quarters_between(first, Quarter(number, 3)):
        room.settle(str(quarter))
    return room.shares(room.settle(f"{number}Q4", total))


def yuan(amount_minor: int) -> str:
    return format_amount(amount_minor, 2)


# --- computing and closing --------------------------------------------------------------------------------


def test_computing_again_with_unchanged_inputs_gives_the_same_settlement(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    assert room.compute("2024Q1") == room.compute("2024Q1")


def test_closing_again_under_the_same_key_is_a_replay_and_under_another_is_refused(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    computed, act = room.compute("2024Q1"), room.act()
    done = [
        settlements.close(room.database, act, room.agreement_id, Quarter(2024, 1), computed) for _ in range(2)
    ]
    assert done == [Done(computed), Done(computed, replayed=True)]
    with pytest.raises(QuarterNotOpen):
        room.close("2024Q1", computed)


def test_computing_and_closing_append_events_with_the_hashes_of_what_was_settled(room: Room) -> None:
    settlement_id = room.settle("2024Q1", "100.00")
    with room.database.reading() as connection:
        stored = settlements.settlement(connection, room.agreement_id, settlement_id)
        rows = connection.execute(
            select(event.c.kind, event.c.canonical)
            .where(event.c.agreement_id == room.agreement_id, event.c.kind.like("settlement_%"))
            .order_by(event.c.event_id)
        ).all()
    assert [row.kind for row in rows] == ["settlement_computed", "settlement_closed", "settlement_salted"]
    for row in rows[:2]:
        data = json.loads(row.canonical)["data"]
        assert data["settlement"] == str(settlement_id)
        assert data["allocations_hash"] == stored.allocations_hash.hex()
        assert data["inputs_hash"] == digest(stored.inputs.canonical()).hex()


def test_a_decision_stays_held_after_the_enterprise_left_the_list_and_came_back(database: Database) -> None:
    extension = {"condition": "cap_not_reached", "length_months": 12, "on_correction": "hold"}
    window = {
        "clock": {"event": "first_tax", "begins": "step_of_day"},
        "length_months": 3,
        "extension": extension,
    }
    held = clause(
        whose={"scope": "listed_enterprises"},
        when={"window": window},
        within={"caps": [{**CAP, "amount": "100.00"}]},
    )
    room = open_room(database, held)
    stays, leaves = (enterprise(place, events={Event.FIRST_TAX: date(2024, 1, 1)}) for place in (1, 2))
    room.confirm_list(stays, leaves)
    for quarter, amount in (("2024Q1", "200.00"), ("2024Q2", "10.00")):
        line = LineDraft(leaves.credit_code, "retained_tax", quarter, amount)
        room.hand_in_lines(quarter, [line])
        room.close(quarter, room.compute(quarter))
    room.confirm_list(stays)
    room.settle("2024Q3")
    room.confirm_list(stays, leaves)
    corrected = LineDraft(leaves.credit_code, "retained_tax", "2024Q1", "100.00")
    room.hand_in_lines("2024Q1", [corrected])
    fourth = room.settle("2024Q4")
    of_second = {
        one.amount_minor
        for one in room.allocations(fourth)
        if one.quarter == Quarter(2024, 2) and one.party_id == room.party_id("origin")
    }
    assert of_second == set()


def test_a_settlement_computed_before_another_return_arrived_cannot_close(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    stale = room.compute("2024Q1")
    room.hand_in("2024Q1", "110.00")
    with pytest.raises(StaleSettlement):
        room.close("2024Q1", stale)
    fresh = room.compute("2024Q1")
    assert fresh != stale
    assert room.shares(room.close("2024Q1", fresh)) == {"origin": "55.00", "host": "55.00"}


def test_only_the_open_quarter_is_computed_and_closed(room: Room) -> None:
    first = room.settle("2024Q1", "100.00")
    for quarter in ("2024Q1", "2024Q3"):
        with pytest.raises(QuarterNotOpen) as refused:
            room.compute(quarter)
        assert refused.value.fields["open"] == Quarter(2024, 2)
    with pytest.raises(QuarterNotOpen):
        room.close("2024Q1", first)


def test_a_settlement_of_another_quarter_cannot_close_the_open_one(room: Room) -> None:
    first = room.settle("2024Q1", "100.00")
    room.hand_in("2024Q2", "100.00")
    with pytest.raises(StaleSettlement):
        room.close("2024Q2", first)
    with pytest.raises(NotFound):
        room.close("2024Q2", 1)


def test_the_last_quarter_of_the_terms_opens_no_other(database: Database) -> None:
    room = open_room(database, last_quarter="2024Q2")
    room.settle("2024Q1", "1.00")
    second = room.settle("2024Q2", "1.00")
    with database.reading() as connection:
        assert agreements.open_quarter(connection, room.agreement_id) is None
        assert settlements.settlement(connection, room.agreement_id, second).is_final


def test_a_preview_shows_what_computing_would_book_and_writes_nothing(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    with room.database.reading() as connection:
        draft = settlements.preview(connection, room.agreement_id)
        assert settlements.settlements(connection, room.agreement_id) == []
    computed = room.compute("2024Q1")
    assert draft.allocations == room.allocations(computed)


def test_allocations_come_in_pages_in_key_order(room: Room) -> None:
    room.settle("2024Q1", "100.01")
    room.hand_in("2024Q1", "300.00")
    second = room.settle("2024Q2", "9.00")
    with room.database.reading() as connection:
        of_second = (connection, room.agreement_id, [second])
        first_page = settlements.allocation_pages(*of_second, limit=3)[second]
        after = first_page.items[-1].key
        rest = settlements.allocation_pages(*of_second, after=after, limit=3)[second]
        of_clause = settlements.allocation_pages(*of_second, clause=1)[second]
        of_another = settlements.allocation_pages(*of_second, clause=2)[second]
    assert first_page.has_next
    assert not rest.has_next
    assert [*first_page.items, *rest.items] == room.allocations(second)
    assert (of_clause.items, of_another.items) == (room.allocations(second), [])


def test_a_return_that_arrives_while_the_quarter_closes_is_not_lost(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    computed = room.compute("2024Q1")
    with ThreadPoolExecutor(1) as pool:
        with room.database.writing() as posting:
            agreements.hold_open_quarter(posting, room.agreement_id)
            closing = pool.submit(room.close, "2024Q1", computed)
            wait_until_blocked(room.database, None, by=process_of(posting))
            copy_filing(posting, room)
        with pytest.raises(StaleSettlement):
            closing.result(timeout=60)
    with room.database.reading() as connection:
        assert agreements.open_quarter(connection, room.agreement_id) == Quarter(2024, 1)


def test_a_return_that_waits_for_a_close_is_booked_in_the_next_quarter(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    computed = room.compute("2024Q1")
    with ThreadPoolExecutor(1) as pool:
        with room.database.writing() as closing:
            act = room.act()
            chosen = settlements.settlement(closing, room.agreement_id, computed)
            settlements.close_in(closing, Recorder(closing, act), chosen, Quarter(2024, 1))
            waiting = pool.submit(room.hand_in, "2024Q1", "130.00")
            wait_until_blocked(room.database, None, by=process_of(closing))
        assert waiting.result(timeout=60).booked_quarter == Quarter(2024, 2)
    second = room.settle("2024Q2", "10.00")
    assert room.shares(second, cause=1) == {"origin": "15.00", "host": "15.00"}


def test_two_computations_at_once_record_one_settlement(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    with ThreadPoolExecutor(2) as pool:
        computed = {
            each.result(timeout=60) for each in [pool.submit(room.compute, "2024Q1") for _ in range(2)]
        }
    assert len(computed) == 1


def test_a_ledger_that_contradicts_the_inputs_of_its_last_settlement_computes_nothing(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    falsify_allocations(room, "2024Q1")
    room.hand_in("2024Q2", "1.00")
    with pytest.raises(InvariantBroken):
        room.compute("2024Q2")
    with room.database.reading() as connection:
        assert len(settlements.settlements(connection, room.agreement_id)) == 1


def kinds(room: Room, settlement_id: int) -> list[str]:
    with room.database.reading() as connection:
        found = settlements.settlement(connection, room.agreement_id, settlement_id)
    return [cause.kind for cause in found.causes]


def copy_filing(connection: Connection, room: Room) -> None:
    """A second, nil return of the host for the first quarter, in the transaction that holds the quarter."""
    first = connection.execute(select(filing).where(filing.c.agreement_id == room.agreement_id)).one()
    values = first._asdict() | {"filing_id": new_id(), "sequence": 2, "is_nil": True, "line_count": 0}
    connection.execute(insert(filing).values(values))
