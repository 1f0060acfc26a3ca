"""What a clause carries for a subject, as 64-bit whole numbers, and back, exactly.

Layout 1::

    [1, denominator, year, steps_counted, extended, pool_year,
     to_date, recognised, loss, threshold, pool, pool_of_year, receipts,
     each of the clause's entitlement_keys in order,
     and with smoothing: the number of years in history, then as many as it looks back]

``extended`` is -1 (not decided), 0 or 1. From ``to_date`` on every exact amount is two numbers, ``whole`` and
``remainder``: whole + remainder / denominator with 0 <= remainder < denominator. The denominator is common to
all of them. State is read with the clause that packed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import lcm

from ledger.errors import LedgerError
from ledger.rules.facts import Carried
from ledger.rules.terms import Clause

LAYOUT = 1

_LEAST, _MOST = -(2**63), 2**63 - 1
_FIXED = ("to_date", "recognised", "loss", "threshold", "pool", "pool_of_year", "receipts")
_HEADER_LENGTH = 6
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
    keys = clause.entitlement_keys
    history = _HEADER_LENGTH + 2 * (len(_FIXED) + len(keys))
    expected_length = history + 2 * _history_length(clause)
    if len(numbers) != expected_length or numbers[0] != LAYOUT or not _is_sound(numbers):
        got = f"layout {numbers[0] if numbers else None}, {len(numbers)} numbers"
        expected = f"layout {LAYOUT}, {expected_length} numbers"
        raise StateUnreadable(clause=clause.number, expected=expected, got=got)
    _, denominator, year, steps_counted, extended, pool_year = numbers[:_HEADER_LENGTH]
    exact = [
        numbers[index] + Fraction(numbers[index + 1], denominator)
        for index in range(_HEADER_LENGTH, expected_length, 2)
    ]
    of_keys = exact[len(_FIXED) : len(_FIXED) + len(keys)]
    years = exact[len(_FIXED) + len(keys) :]
    return Carried(
        year=year,
        steps_counted=steps_counted,
        extended=_EXTENDED_OF_CODE[extended],
        pool_year=pool_year,
        **dict(zip(_FIXED, exact, strict=False)),
        history=tuple(years[1 : 1 + int(years[0])]) if years else (),
        entitlements=dict(zip(keys, of_keys, strict=True)),
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
    if clause.how_much.smoothing is not None:
        years = carried.history[: clause.how_much.smoothing.years]
        yield Fraction(len(years))
        yield from years
        yield from [Fraction(0)] * (clause.how_much.smoothing.years - len(years))


def _history_length(clause: Clause) -> int:
    """How many exact numbers the history takes: its length, and every year that it may hold."""
    return 0 if clause.how_much.smoothing is None else 1 + clause.how_much.smoothing.years
