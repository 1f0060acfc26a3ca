"""Caps: what of a step's amount they leave, in their order, each to what the one before left.

A cap's use is counted uncapped, so that a refund under the cap gives room again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from ledger.rules.facts import Carried
from ledger.rules.plain.case import ZERO, Case, amount_of
from ledger.rules.terms import Cap


def opened_uses(case: Case, carried: Carried) -> Carried:
    """What is carried, with a use for every cap of the clause; that of caps which it lost is forgotten."""
    count = len(case.clause.within.caps)
    if len(carried.used) == count:
        return carried
    return replace(carried, used=(carried.used + (ZERO,) * count)[:count])


def turned_uses(case: Case, carried: Carried) -> tuple[Fraction, ...]:
    """The uses with which a year begins, after the last year that had a counted step."""
    if carried.year == 0:
        return carried.used
    return tuple(
        _turned(cap, limit_of(case, cap), used)
        for cap, used in zip(case.clause.within.caps, carried.used, strict=True)
    )


def _turned(cap: Cap, limit: int, used: Fraction) -> Fraction:
    if cap.over == "lifetime":
        return used
    return min(ZERO, used - limit) if cap.unused == "carries" else ZERO


def cap_pool(case: Case, carried: Carried, shared: Fraction) -> tuple[Carried, Fraction, dict[str, Fraction]]:
    """What the caps on the pool leave of ``shared``, and who gets what exceeds them."""
    excess: dict[str, Fraction] = {}
    for place, cap in enumerate(case.clause.within.caps):
        if cap.measured_on == "pool":
            carried, within = _within(case, carried, place, shared)
            _put_aside(case, cap, shared - within, excess)
            shared = within
    return carried, shared, excess


def cap_receipts(
    case: Case, carried: Carried, parts: Mapping[str, Fraction]
) -> tuple[Carried, dict[str, Fraction], dict[str, Fraction]]:
    """What the caps on receipts leave of the ``parts``, and who gets what exceeds them."""
    left, excess = dict(parts), dict[str, Fraction]()
    for place, cap in enumerate(case.clause.within.caps):
        if cap.capped is not None:
            gross = left.get(cap.capped, ZERO)
            carried, left[cap.capped] = _within(case, carried, place, gross)
            _put_aside(case, cap, gross - left[cap.capped], excess)
    return carried, left, excess


def _within(case: Case, carried: Carried, place: int, added: Fraction) -> tuple[Carried, Fraction]:
    """How much of what is ``added`` the cap at ``place`` leaves; its use grows by all of it."""
    limit = limit_of(case, case.clause.within.caps[place])
    so_far = use_of(case, carried, place)
    before, after = min(Fraction(limit), so_far), min(Fraction(limit), so_far + added)
    case.record.step(
        "cap",
        after - before,
        "min({0}, {1}) − min({0}, {2}) = {result}",
        *(limit, so_far + added, so_far),
        place=place,
    )
    used = tuple(use + added * (index == place) for index, use in enumerate(carried.used))
    return replace(carried, used=used), after - before


def _put_aside(case: Case, cap: Cap, amount: Fraction, excess: dict[str, Fraction]) -> None:
    if amount:
        case.record.step("cap", amount, "{result}", role=cap.excess_to or "", book=case.book)
    if cap.excess_to is not None:
        excess[cap.excess_to] = excess.get(cap.excess_to, ZERO) + amount


def limit_of(case: Case, cap: Cap) -> int:
    """The cap's limit in minor units."""
    if cap.amount is not None:
        return amount_of(cap.amount, case.scale)
    return sum(case.subject.pre_move_tax_minor.values())


def use_of(case: Case, carried: Carried, place: int) -> Fraction:
    """What counts against the cap at ``place``: the subject's use, or that of all with its controller."""
    cap = case.clause.within.caps[place]
    fellows = case.fellows if cap.per == "controller" else ()
    return carried.used[place] + sum(
        (_use_of_fellow(cap, fellow, place, carried.year) for fellow in fellows), ZERO
    )


def _use_of_fellow(cap: Cap, fellow: Carried, place: int, year: int) -> Fraction:
    is_of_another_year = cap.over == "year" and fellow.year != year
    return ZERO if is_of_another_year or place >= len(fellow.used) else fellow.used[place]


def is_below_caps(case: Case, carried: Carried) -> bool:
    """Whether no lifetime cap was reached as the step began; False without one."""
    opened = opened_uses(case, carried)
    as_it_began = replace(case, fellows=case.fellows_before)
    rooms = []
    for place, cap in enumerate(case.clause.within.caps):
        if cap.over == "lifetime":
            limit, so_far = limit_of(case, cap), use_of(as_it_began, opened, place)
            case.record.step("cap", limit - so_far, "{} − {} = {result}", limit, so_far)
            rooms.append(limit - so_far)
    return bool(rooms) and all(room > 0 for room in rooms)


def left_under_caps(case: Case, carried: Carried, year: int) -> Fraction | None:
    """What the tightest cap leaves as of ``year``; None without a cap."""
    opened = opened_uses(case, carried)
    if opened.year < year:
        opened = replace(opened, year=year, used=turned_uses(case, opened))
    rooms = [
        max(ZERO, limit_of(case, cap) - use_of(case, opened, place))
        for place, cap in enumerate(case.clause.within.caps)
    ]
    return min(rooms, default=None)
