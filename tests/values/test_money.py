"""Amounts are read strictly, written back the same, and split without losing a unit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import (
    AmountUnreadable,
    RoundingMode,
    ShareUnreadable,
    divide,
    format_amount,
    format_wan,
    parse_amount,
    parse_share,
    round_exact,
)

AMOUNTS = st.integers(min_value=-(10**17), max_value=10**17)
SCALES = st.integers(min_value=0, max_value=6)


@given(AMOUNTS, SCALES)
def test_an_amount_written_as_text_reads_back_the_same(amount_minor: int, scale: int) -> None:
    assert parse_amount(format_amount(amount_minor, scale), scale) == amount_minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "+1",
        "-0",
        "-0.00",
        "1,000",
        "1_000",
        "1e3",
        "NaN",
        "0x10",
        "01",
        ".5",
        "1.",
        "1.234",
        "１",
        "٣",
    ],
)
def test_text_that_is_not_a_plain_amount_is_refused_with_what_came(text: str) -> None:
    with pytest.raises(AmountUnreadable) as refused:
        parse_amount(text, 2)
    assert repr(text) in refused.value.message_en
    assert repr(text) in refused.value.message_zh


def test_a_yuan_amount_becomes_fen() -> None:
    assert parse_amount("1234.5", 2) == 123450
    assert parse_amount("-0.01", 2) == -1


def test_amounts_for_people_have_thousands_and_ten_thousands() -> None:
    assert format_amount(-123456789, 2, thousands=True) == "-1,234,567.89"
    assert format_wan(123456789, 2) == "123.456789"
    assert format_wan(600000000, 2) == "600.00"
    assert format_wan(-50, 2) == "-0.00005"
    assert format_wan(12, 0) == "0.0012"


@pytest.mark.parametrize("text", ["", "1/0", "-1/2", "0.5", "50%", "1/02", "1 / 2", "２/5"])
def test_a_share_that_is_not_exact_text_is_refused(text: str) -> None:
    with pytest.raises(ShareUnreadable):
        parse_share(text)


def test_a_share_is_an_exact_fraction() -> None:
    assert parse_share("2/5") == Fraction(2, 5)
    assert parse_share("1") == 1


@pytest.mark.parametrize(
    ("mode", "results"),
    [
        (RoundingMode.DOWN, (2, -2, 3, 1)),
        (RoundingMode.UP, (3, -3, 4, 2)),
        (RoundingMode.HALF_UP, (3, -3, 4, 1)),
        (RoundingMode.HALF_EVEN, (2, -2, 4, 1)),
    ],
)
def test_each_mode_rounds_halves_and_signs_its_own_way(mode: RoundingMode, results: tuple[int, ...]) -> None:
    values = (Fraction(5, 2), Fraction(-5, 2), Fraction(7, 2), Fraction(4, 3))
    assert tuple(round_exact(value, mode) for value in values) == results


@given(
    st.lists(st.fractions(max_denominator=1000), min_size=1, max_size=6),
    st.sampled_from(RoundingMode),
    st.data(),
)
def test_parts_always_add_up_to_the_rounded_whole(
    parts: list[Fraction], mode: RoundingMode, data: st.DataObject
) -> None:
    remainder_index = data.draw(st.integers(min_value=0, max_value=len(parts) - 1))
    divided = divide(parts, mode, remainder_index)
    assert sum(divided) == round_exact(sum(parts, Fraction(0)), mode)
    for index, part in enumerate(parts):
        if index != remainder_index:
            assert divided[index] == round_exact(part, mode)
