"""Quarters, months and dated tables."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.periods import (
    BEIJING,
    DayUnreadable,
    MomentUnreadable,
    PeriodUnreadable,
    Quarter,
    Span,
    add_months,
    parse_day,
    parse_moment,
    quarters_between,
    row_on,
)

QUARTERS = st.builds(Quarter, st.integers(1950, 2990), st.integers(1, 4))


@given(QUARTERS)
def test_a_quarter_survives_text_and_code(quarter: Quarter) -> None:
    assert Quarter.parse(str(quarter)) == quarter
    assert Quarter.from_code(quarter.code) == quarter
    assert Quarter.of(quarter.start) == quarter


@given(QUARTERS, st.integers(-400, 400))
def test_counting_quarters_agrees_with_their_ordinals(quarter: Quarter, count: int) -> None:
    assert quarter.plus(count).ordinal - quarter.ordinal == count
    assert quarter.next.previous == quarter


@pytest.mark.parametrize("text", ["2024Q5", "2024q3", "2024-13", "2024", "24Q1", "", "２０２４Q1", "2024-7"])
def test_text_that_names_no_period_is_refused(text: str) -> None:
    with pytest.raises(PeriodUnreadable):
        Span.parse(text)


@given(st.dates(date(1000, 1, 1), date(2999, 12, 31)), st.integers(-36_500, 36_500))
def test_a_day_survives_text_and_leaves_room_to_count_from_it(day: date, days: int) -> None:
    assert parse_day(day.isoformat()) == day
    assert (day + timedelta(days=days)) - day == timedelta(days=days)


@pytest.mark.parametrize(
    "text",
    ["9999-12-31", "3000-01-01", "0001-01-01", "2023-02-29", "20240701", "2024-W01-1", "２０２４-07-01", ""],
)
def test_text_that_names_no_day_of_these_years_is_refused(text: str) -> None:
    with pytest.raises(DayUnreadable):
        parse_day(text)
    with pytest.raises(MomentUnreadable):
        parse_moment(f"{text}T00:00:00Z")


def test_a_moment_needs_an_offset_or_a_zone() -> None:
    at_noon = datetime(2024, 7, 1, 12, tzinfo=BEIJING)
    assert parse_moment("2024-07-01T04:00:00Z") == parse_moment("2024-07-01T12:00", BEIJING) == at_noon
    with pytest.raises(MomentUnreadable):
        parse_moment("2024-07-01T12:00")


def test_a_span_is_a_month_or_a_quarter() -> None:
    assert Span.parse("2024-08") == Span(date(2024, 8, 1), 1)
    assert Span.parse("2024Q3") == Span(date(2024, 7, 1), 3)
    assert Span.parse("2024-12").end == date(2025, 1, 1)
    assert [str(span) for span in (Span.parse("2024Q3"), Span.parse("2024-08"))] == ["2024Q3", "2024-08"]
    assert Span.parse("2024Q3").name_zh == "2024年第三季度"
    assert Span.parse("2024-08").name_zh == "2024年8月"


def test_adding_months_stays_within_the_month() -> None:
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert add_months(date(2023, 11, 30), 3) == date(2024, 2, 29)
    assert add_months(date(2024, 12, 31), 12) == date(2025, 12, 31)


def test_quarters_between_holds_both_ends() -> None:
    assert [str(each) for each in quarters_between(Quarter(2023, 4), Quarter(2024, 2))] == [
        "2023Q4",
        "2024Q1",
        "2024Q2",
    ]
    assert list(quarters_between(Quarter(2024, 2), Quarter(2024, 1))) == []


def test_a_dated_table_gives_the_latest_row_that_had_begun() -> None:
    rows = [(date(2020, 1, 1), "first"), (date(2024, 7, 1), "second")]
    assert row_on(rows, date(2019, 12, 31)) is None
    assert row_on(rows, date(2024, 6, 30)) == "first"
    assert row_on(rows, date(2024, 7, 1)) == "second"
