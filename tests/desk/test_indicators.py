"""Statistics in two books: tables that can't be mixed, and what plans ask of zones."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from desk_fixtures import Document, Room, clause, open_room
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from ledger.desk import indicators
from ledger.desk.acts import Act
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.fsck.running import agreements_of, run
from ledger.desk.indicators import (
    AssessmentTable,
    BooksMixed,
    OfficialTable,
    TargetDraft,
    added,
    assessment_credits,
    assessment_table,
    indicator_file,
    official_credits,
    official_table,
    plan_table,
    record_target,
)
from ledger.desk.indicators.files import percent
from ledger.desk.indicators.tables import QuartersUnusable
from ledger.desk.roster import PartyDraft, register_party
from ledger.desk.zones import ChangeDraft, ChangeKind, PartKind, record_zone_change
from ledger.measures import MEASURES, MeasureKind
from ledger.periods import Quarter
from ledger_schema.sessions import Database

FIRST, LAST = Quarter(2024, 1), Quarter(2024, 4)
FULL_TO_EACH: Document = {"regime": "full_to_each", "key": [{"shares": {"origin": "1", "host": "1"}}]}
FULL_TO_ONE: Document = {"regime": "full_to_one", "key": [{"shares": {"origin": "1"}}]}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def output_value(measure: str = "industrial_output", number: int = 1, **to_whom: Any) -> Document:
    return clause(number, mechanism="output_value", measures=(measure,), to_whom=to_whom)


def official(room: Room, role: str = "host", **wanted: Any) -> OfficialTable:
    with room.database.reading() as connection:
        return official_table(connection, room.party_id(role), FIRST, LAST, **wanted)


def assessment(room: Room, role: str = "host") -> AssessmentTable:
    with room.database.reading() as connection:
        return assessment_table(connection, room.party_id(role), FIRST, LAST)


def by_quarter(table: OfficialTable | AssessmentTable) -> dict[str, dict[str, int]]:
    return {
        row.indicator.measure.name: {str(quarter): amount for quarter, amount in row.by_quarter.items()}
        for row in table.rows
    }


def test_full_double_credit_counts_once_in_the_official_book_and_twice_in_the_other(
    database: Database,
) -> None:
    room = open_room(database, output_value(**FULL_TO_EACH))
    room.settle("2024Q1", "9000.00", measure="industrial_output")
    output = {"industrial_output": {"2024Q1": 900_000}}
    assert by_quarter(official(room)) == output
    assert by_quarter(official(room, "origin")) == {}
    assert by_quarter(assessment(room)) == by_quarter(assessment(room, "origin")) == output


def test_full_credit_to_one_leaves_the_official_figure_where_it_is(database: Database) -> None:
    room = open_room(database, output_value("paid_in_capital", **FULL_TO_ONE))
    room.settle("2024Q1", "2000.00", measure="paid_in_capital")
    assert by_quarter(official(room)) == {"paid_in_capital": {"2024Q1": 200_000}}
    assert by_quarter(assessment(room)) == {}
    assert by_quarter(assessment(room, "origin")) == {"paid_in_capital": {"2024Q1": 200_000}}


regimes = st.sampled_from(["proportional", "full_to_each", "full_to_one"])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(regimes, st.integers(1, 99), st.lists(st.integers(0, 10**12), min_size=1, max_size=3))
def test_the_official_book_adds_up_to_100_percent_and_the_assessment_book_to_what_was_agreed(
    database: Database, regime: str, percent_of_origin: int, reported: list[int]
) -> None:
    share = Fraction(percent_of_origin, 100)
    key = {
        "proportional": {"origin": str(share), "host": str(1 - share)},
        "full_to_each": {"origin": "1", "host": "1"},
        "full_to_one": {"origin": "1"},
    }[regime]
    with database.reading() as connection:
        code = f"LAW-{len(agreements_of(connection))}"
    room = open_room(database, output_value(regime=regime, key=[{"shares": key}]), code=code)
    for place, amount_minor in enumerate(reported):
        amount = f"{amount_minor // 100}.{amount_minor % 100:02}"
        room.settle(str(FIRST.plus(place)), amount, measure="industrial_output")
    with database.reading() as connection:
        of_room: dict[str, Any] = {"first": FIRST, "last": LAST, "agreement_ids": [room.agreement_id]}
        in_place = added(official_credits(connection, **of_room), lambda one: one.quarter)
        agreed = added(assessment_credits(connection, **of_room), lambda one: one.quarter)
    whole = {(101, FIRST.plus(place)): amount for place, amount in enumerate(reported) if amount}
    assert in_place == whole
    times = 2 if regime == "full_to_each" else 1
    assert agreed == {key: amount * times for key, amount in whole.items()}


def test_figures_of_both_books_are_never_added(database: Database) -> None:
    room = open_room(database, output_value(**FULL_TO_EACH))
    room.settle("2024Q1", "1.00", measure="industrial_output")
    with database.reading() as connection:
        in_place = official_credits(connection, first=FIRST, last=LAST)
        agreed = assessment_credits(connection, first=FIRST, last=LAST)
    mixed: list[Any] = [*in_place, *agreed]
    with pytest.raises(BooksMixed):
        added(mixed, lambda one: one.quarter)


def test_a_correction_shows_in_the_quarter_that_it_is_about_once_it_is_booked(database: Database) -> None:
    room = open_room(database, output_value())
    room.settle("2024Q1", "100.00", measure="industrial_output")
    known_at = official(room).known_at
    room.hand_in("2024Q1", "120.00", measure="industrial_output")
    room.settle("2024Q2", "10.00", measure="industrial_output")
    assert by_quarter(official(room)) == {"industrial_output": {"2024Q1": 12_000, "2024Q2": 1_000}}
    assert by_quarter(official(room, known_at=known_at)) == {"industrial_output": {"2024Q1": 10_000}}


def test_a_year_adds_up_flows_and_takes_the_last_count_of_people(database: Database) -> None:
    room = open_room(database, output_value(), output_value("head_count", 2, **FULL_TO_EACH))
    for quarter, output, people in (("2024Q1", "10.00", "100"), ("2024Q2", "20.00", "130")):
        figures = {("industrial_output", quarter): output, ("head_count", quarter): people}
        room.hand_in_figures(quarter, figures)
        room.close(quarter, room.compute(quarter))
    years = {row.indicator.measure.name: row.by_year for row in official(room).rows}
    assert years == {"industrial_output": {2024: 3_000}, "head_count": {2024: 130}}


def test_the_official_book_of_a_zone_takes_in_its_parks_and_the_assessment_book_does_not(
    database: Database,
) -> None:
    room = open_room(database, output_value(**FULL_TO_EACH))
    room.settle("2024Q1", "100.00", measure="industrial_output")
    host, origin = room.roles["host"], room.roles["origin"]
    day, document = date(2024, 2, 1), "文件-1"
    draft = ChangeDraft(
        origin, ChangeKind.PART_JOINED, day, document, other=host, part=PartKind.RADIATED_AREA
    )
    record_zone_change(database, room.act(), draft)
    assert by_quarter(official(room, "origin")) == {"industrial_output": {"2024Q1": 10_000}}
    assert by_quarter(official(room, "origin", with_parts=False)) == {}
    assert by_quarter(assessment(room, "origin")) == {"industrial_output": {"2024Q1": 10_000}}


@pytest.mark.parametrize(("first", "last"), [(LAST, FIRST), (FIRST, FIRST.plus(80))])
def test_quarters_out_of_order_or_too_many_are_refused(
    database: Database, first: Quarter, last: Quarter
) -> None:
    room = open_room(database, output_value())
    with database.reading() as connection, pytest.raises(QuartersUnusable):
        assessment_table(connection, room.party_id("host"), first, last)


def test_every_statistic_of_the_issue_is_an_indicator_with_a_unit_of_its_own() -> None:
    named = {one.measure.name: one.measure.commodity for one in indicators.INDICATORS.values()}
    assert set(named) == {one.name for one in MEASURES if one.kind is MeasureKind.INDICATOR}
    assert len({one.commodity_id for one in named.values()}) == len(named) == 12
    assert not any(one.is_money for one in named.values())
    assert (named["foreign_capital_used"].unit_en, named["head_count"].scale) == ("US dollars", 0)


# --- files ------------------------------------------------------------------------------------------------


def csv_rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_every_heading_of_a_file_names_its_book_and_the_assessment_book_is_not_for_publication(
    database: Database,
) -> None:
    room = open_room(database, output_value(**FULL_TO_EACH))
    room.settle("2024Q1", "9000.00", measure="industrial_output")
    marked = csv_rows(indicator_file(assessment(room), "csv", "zh"))
    for heads, line in zip(marked[::2], marked[1::2], strict=True):
        assert [head for head in heads if head.startswith("数额")] == [
            "数额 · 考核账（仅供考核，不得对外公布）"
        ]
        assert "不得对外公布" in line[0]
        assert line[3] == "仅供考核，不得对外公布"
    plain = indicator_file(official(room), "csv", "en").decode("utf-8-sig")
    assert "amount · official" in plain
    assert "not for publication" not in plain


def test_sheets_of_a_workbook_name_the_book(database: Database) -> None:
    room = open_room(database, output_value(**FULL_TO_EACH))
    room.settle("2024Q1", "9000.00", measure="industrial_output")
    with load_workbook(io.BytesIO(indicator_file(assessment(room), "xlsx", "en"))) as workbook:
        amounts = [name for name in workbook.sheet_names if name.startswith("By ")]
    assert amounts
    assert all("assessment" in name for name in amounts)


def test_text_says_what_the_figures_are_and_are_not(database: Database) -> None:
    room = open_room(database, output_value())
    room.settle("2024Q1", "9000.00", measure="industrial_output")
    text = indicator_file(official(room), "text", "en").decode()
    assert "not all statistics of the zone" in text
    assert "9,000.00" in text


# --- plans ------------------------------------------------------------------------------------------------


def target(room: Room, indicator: str, year: int, amount: str, role: str = "host") -> int:
    draft = TargetDraft(room.roles[role], indicator, year, amount, "规划（虚构）")
    return record_target(room.database, room.act(), draft).value


def test_a_plan_is_measured_in_the_official_book(database: Database) -> None:
    room = open_room(database, output_value(regime="full_to_one", key=[{"shares": {"origin": "1"}}]))
    room.settle("2024Q1", "250.00", measure="industrial_output")
    for role in ("host", "origin"):
        assert target(room, "industrial_output", 2024, "1000.00", role) == 1
    assert target(room, "industrial_output", 2024, "500.00") == 2
    with database.reading() as connection:
        (host,) = plan_table(connection, room.party_id("host"), 2024, 2025).rows
        (origin,) = plan_table(connection, room.party_id("origin"), 2024, 2025).rows
        before = plan_table(connection, room.party_id("host"), 2025, 2025).rows
    assert (host.target_minor, host.value_minor, host.reached) == (50_000, 25_000, Fraction(1, 2))
    assert (origin.value_minor, origin.reached) == (None, None)
    assert before == []


def test_targets_are_kept_as_they_were_known(database: Database) -> None:
    room = open_room(database, output_value())
    target(room, "industrial_output", 2024, "1000.00")
    known_at = official(room).known_at
    target(room, "industrial_output", 2024, "500.00")
    with database.reading() as connection:
        (then,) = plan_table(connection, room.party_id("host"), 2024, 2024, known_at=known_at).rows
        results = {result.check.code: result for result in run(connection)}
    assert then.target_minor == 100_000
    assert (results["zones"].row_count, results["zones"].mismatches) == (2, [])


def test_a_target_that_makes_no_sense_is_refused_with_every_fault(database: Database) -> None:
    register_party(database, Act("zone"), PartyDraft("Z", "zone", "区", "made up"))
    with pytest.raises(RequestRefused) as caught:
        record_target(database, Act("wrong"), TargetDraft("Z", "vat", 1900, "x", ""))
    assert {fault.path for fault in caught.value.faults} == {"indicator", "year", "source"}
    for amount, code in (("0", "TARGET_NOT_POSITIVE"), ("1.5", "AMOUNT_UNREADABLE")):
        with pytest.raises(RequestRefused) as caught:
            record_target(database, Act("wrong"), TargetDraft("Z", "head_count", 2025, amount, "规划"))
        assert [fault.code for fault in caught.value.faults] == [code]
    with pytest.raises(NotFound):
        record_target(database, Act("wrong"), TargetDraft("NOBODY", "head_count", 2025, "1", "规划"))


def test_percent_has_one_place() -> None:
    assert [percent(part) for part in (Fraction(1, 3), Fraction(5, 4), Fraction(0))] == [
        "33.3%",
        "125.0%",
        "0.0%",
    ]
