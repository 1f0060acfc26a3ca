"""What a clause carries for a subject, as 64-bit whole numbers, and back, exactly.

Layout 1::

    [1, denominator, year, steps_counted, extended, pool_year,
     to_date, recognised, loss, threshold, pool, pool_of_year,
     each of the clause's entitlement_keys in order,
     each of the clause's counter_names in order]

``extended`` is -1 (not decided), 0 or 1. From ``to_date`` on every number is two, ``whole`` and
``remainder``: whole + remainder / denominator with 0 <= remainder < denominator. The denominator is common to
all of them. Counters are, as far as the clause has use for them: ``first_shared``, ``recovered`` and
``accrued`` where it recovers, ``floor_year``, ``floor_receipts``, ``guarantor_receipts`` and ``shortfall``
where it has a floor, ``budget_period`` and ``budget_used`` where it has a budget, the use of each cap, and
where it averages the number of years in ``history``, then as many as it looks back. ``first_shared`` is a
month, year × 12 + month − 1, or 0. State is read with the clause that packed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Any

from ledger.errors import LedgerError
from ledger.rules.facts import Carried
from ledger.rules.terms import Clause

LAYOUT = 1

_LEAST, _MOST = -(2**63), 2**63 - 1
_FIXED = ("to_date", "recognised", "loss", "threshold", "pool", "pool_of_year")
_HEADER_LENGTH = 6
_USED = "used_"
_YEARS = "years"
_YEAR = "year_"
_NUMBERS = frozenset(
    {"recovered", "accrued", "floor_receipts", "guarantor_receipts", "shortfall", "budget_used"}
)
_WHOLE_NUMBERS = frozenset({"floor_year", "budget_period"})
_CODE_OF_EXTENDED = {None: -1, False: 0, True: 1}
_EXTENDED_OF_CODE = {code: extended for extended, code in _CODE_OF_EXTENDED.items()}


class StateTooLarge(LedgerError):
    """An exact amount that doesn't fit into 64-bit whole numbers."""

    code = "STATE_TOO_LARGE"
    sentence_en = (
        "What clause {clause} carries needs the number {number}, which doesn't fit into 64 bits. "
        "Use shares with smaller denominators."
    )
    sentence_zh = "第{clause}条的结转数需要存储 {number}，超出 64 位整数范围。请使用分母较小的份额。"


class StateUnreadable(LedgerError):
    """Numbers that aren't the carried state of the clause they were read with."""

    code = "STATE_UNREADABLE"
    sentence_en = (
        "Carried state of clause {clause} should be {expected}, but is {got}. "
        "Read it with the version of the clause that wrote it."
    )
    sentence_zh = "第{clause}条的结转状态应为{expected}，实际为{got}。请用写入它的条款版本读取。"


class EntitlementWithoutPlace(LedgerError):
    """An entitlement of a role that the clause doesn't credit."""

    code = "ENTITLEMENT_WITHOUT_PLACE"
    sentence_en = (
        "Clause {clause} no longer credits {role}, which an earlier version credited. "
        "Keep {role} in the shares, with share 0 if it gets nothing more."
    )
    sentence_zh = "第{clause}条不再计入 {role}，而以前的版本曾计入。请保留 {role}，如不再分得则份额写 0。"


def pack(carried: Carried, clause: Clause) -> list[int]:
    """The numbers of ``carried``. Raises ``StateTooLarge``, ``EntitlementWithoutPlace``."""
    exact = list(_exact_amounts(carried, clause))
    denominator = lcm(clause.denominator, *(amount.denominator for amount in exact))
    extended = _CODE_OF_EXTENDED[carried.extended]
    numbers = [LAYOUT, denominator, carried.year, carried.steps_counted, extended, carried.pool_year]
    for amount in exact:
        numbers += divmod(amount.numerator * (denominator // amount.denominator), denominator)
    for number in numbers:
        if not _LEAST <= number <= _MOST:
            raise StateTooLarge(clause=clause.number, number=number)
    return numbers


def unpack(numbers: Sequence[int], clause: Clause) -> Carried:
    """What was packed with the same version of ``clause``. Raises ``StateUnreadable``."""
    keys, counters = clause.entitlement_keys, clause.counter_names
    expected_length = _HEADER_LENGTH + 2 * (len(_FIXED) + len(keys) + len(counters))
    if len(numbers) != expected_length or numbers[0] != LAYOUT or not _is_sound(numbers):
        got = f"layout {numbers[0] if numbers else None}, {len(numbers)} numbers"
        expected = f"layout {LAYOUT}, {expected_length} numbers"
        raise StateUnreadable(clause=clause.number, expected=expected, got=got)
    _, denominator, year, steps_counted, extended, pool_year = numbers[:_HEADER_LENGTH]
    exact = [
        numbers[index] + Fraction(numbers[index + 1], denominator)
        for index in range(_HEADER_LENGTH, expected_length, 2)
    ]
    fields: dict[str, Any] = dict(zip(_FIXED, exact, strict=False))
    counted = dict(zip(counters, exact[len(_FIXED) + len(keys) :], strict=True))
    return Carried(
        year=year,
        steps_counted=steps_counted,
        extended=_EXTENDED_OF_CODE[extended],
        pool_year=pool_year,
        **(fields | counters_read(counted)),
        entitlements=dict(zip(keys, exact[len(_FIXED) :], strict=False)),
    )


def _is_sound(numbers: Sequence[int]) -> bool:
    return numbers[1] > 0 and numbers[4] in _EXTENDED_OF_CODE


def _exact_amounts(carried: Carried, clause: Clause) -> Iterator[Fraction]:
    keys = clause.entitlement_keys
    for _, role in carried.entitlements.keys() - set(keys):
        raise EntitlementWithoutPlace(clause=clause.number, role=role)
    for name in _FIXED:
        yield getattr(carried, name)
    for key in keys:
        yield carried.entitlements.get(key, Fraction(0))
    yield from (counter_number(carried, name) for name in clause.counter_names)


def counter_number(carried: Carried, name: str) -> Fraction:
    """What is stored of the counter called ``name``."""
    if name == "first_shared":
        day = carried.first_shared
        return Fraction(0 if day is None else day.year * 12 + day.month - 1)
    if name.startswith(_USED):
        return _at(carried.used, int(name.removeprefix(_USED)))
    if name == _YEARS:
        return Fraction(len(carried.history))
    if name.startswith(_YEAR):
        return _at(carried.history, int(name.removeprefix(_YEAR)))
    return Fraction(getattr(carried, name))


def _at(amounts: Sequence[Fraction], place: int) -> Fraction:
    return amounts[place] if place < len(amounts) else Fraction(0)


def counters_read(numbers: Mapping[str, Fraction]) -> dict[str, Any]:
    """The fields of ``Carried`` that counters stored as ``numbers`` stand for."""
    fields: dict[str, Any] = {name: number for name, number in numbers.items() if name in _NUMBERS}
    fields["used"] = tuple(number for name, number in numbers.items() if name.startswith(_USED))
    years = [number for name, number in numbers.items() if name.startswith(_YEAR)]
    fields["history"] = tuple(years[: int(numbers.get(_YEARS, 0))])
    fields |= {name: int(number) for name, number in numbers.items() if name in _WHOLE_NUMBERS}
    if "first_shared" in numbers:
        year, month_index = divmod(int(numbers["first_shared"]), 12)
        fields["first_shared"] = date(year, month_index + 1, 1) if year else None
    return fields
