"""Exact arithmetic on columns: the same code for 64-bit numbers and, where they don't suffice, Python's own.

A column of exact amounts is a column of numerators, or a pair of columns: the whole units below the amount,
and the remainder over a denominator. A column has dtype int64, or object when it holds wide numbers.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from ledger.money import RoundingMode

Int64Column: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Column: TypeAlias = npt.NDArray[Any]
"""Whole numbers: int64, or Python's own in an object column."""

BOUND_BITS: Final = 62
"""No intermediate of the 64-bit path may reach two to this power."""

MODES: Final = tuple(RoundingMode)
MODE_CODE: Final = {mode: code for code, mode in enumerate(MODES)}


def divided(numerator: Column, denominator: Column | int) -> tuple[Column, Column]:
    """The whole number below the quotient, and the remainder."""
    whole = numerator // denominator
    return whole, numerator - whole * denominator


def rounded(whole: Column, remainder: Column, denominator: Column, mode: Column) -> Column:
    """What each row's ``mode`` (a code) makes of ``whole`` + ``remainder`` / ``denominator``."""
    negative = whole < 0
    inexact = remainder > 0
    twice = 2 * remainder
    tie = twice == denominator
    lift = np.select(
        [mode == MODE_CODE[RoundingMode.DOWN], mode == MODE_CODE[RoundingMode.UP]],
        [negative & inexact, ~negative & inexact],
        (twice > denominator) | (tie & _tie_goes_up(whole, negative, mode)),
    )
    return np.asarray(whole + lift)


def _tie_goes_up(whole: Column, negative: Mask, mode: Column) -> Mask:
    return np.where(mode == MODE_CODE[RoundingMode.HALF_UP], ~negative, whole % 2 == 1).astype(np.bool_)


def part_towards_zero(amount: Int64Column, numerator: Int64Column, denominator: Int64Column) -> Int64Column:
    """``amount`` × ``numerator`` / ``denominator``, rounded towards zero, without leaving 64 bits.

    ``numerator`` and ``denominator`` are at most 10^9, and the part at most 1.
    """
    magnitude = np.abs(amount)
    units, rest = divided(magnitude, denominator)
    return np.sign(amount) * (units * numerator + rest * numerator // denominator)


def carry(whole: Column, remainder: Column, denominator: Column) -> tuple[Column, Column]:
    """The same amounts with ``0 <= remainder < denominator``."""
    extra, rest = divided(remainder, denominator)
    return whole + extra, rest


def exact_sums(column: Column, begins: Int64Column) -> Column:
    """Sums of each run of rows as wide numbers; runs begin at ``begins`` and reach to the next.

    64-bit numbers are added in halves, so that no sum can overflow before it is wide.
    """
    if column.dtype == object:
        return np.asarray(np.add.reduceat(column, begins))
    upper = np.add.reduceat(column >> 32, begins)
    lower = np.add.reduceat(column & 0xFFFFFFFF, begins)
    return np.asarray(upper.astype(object) * 2**32 + lower.astype(object))
