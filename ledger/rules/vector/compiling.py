"""Makes rule columns of clauses, and refuses the clauses that arrays can't compute exactly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import groupby
from math import lcm
from typing import Any, Final, Generic, TypeVar

import numpy as np

from ledger.measures import MEASURE_BY_NAME, YUAN
from ledger.money import parse_amount, parse_share
from ledger.periods import Quarter, add_months, row_on
from ledger.rules.plain.case import scale_of
from ledger.rules.terms import (
    DENOMINATOR_LIMIT,
    RATE_DENOMINATOR_LIMIT,
    Begins,
    Book,
    Budget,
    Cap,
    Clause,
    Clock,
    Grain,
    MissingYears,
    Parts,
    Regime,
    Scope,
    Surplus,
    Window,
)
from ledger.rules.vector.columns import CAUSE_CODE, EVENT_CODE, EVENTS, NEVER_MONTH, NONE, EntitlementKeys
from ledger.rules.vector.compiled import (
    BAND_PERIOD_CODE,
    LOSS_CODE,
    STEP_MONTHS,
    WITHIN_YEAR_CODE,
    ClauseInForce,
    Group,
    Refused,
    Rules,
    Shape,
    Uses,
    WindowColumns,
    month_of,
)
from ledger.rules.vector.numbers import MODE_CODE, Int64Column, Mask

FOREVER_MONTHS: Final = 10**6
NO_THRESHOLD_MINOR: Final = -(2**62)
_SURPLUS_PARTS: Final = 12
"""A yearly base is divided by at most this many steps."""

_BEGINS: Final[Mapping[Begins, Callable[[int], tuple[int, int]]]] = {
    Begins.STEP_OF_DAY: lambda step_months: (step_months, 0),
    Begins.NEXT_STEP: lambda step_months: (step_months, step_months),
    Begins.YEAR_OF_DAY: lambda _: (12, 0),
    Begins.NEXT_YEAR: lambda _: (12, 12),
}
"""By the length of a step: the months to which a clock is put back, and those by which it begins later."""

Value = TypeVar("Value")


def compile_clauses(
    clauses: Sequence[ClauseInForce],
    quarter: Quarter,
    carried_keys: Mapping[tuple[int, int], EntitlementKeys] | None = None,
) -> Rules:
    """The rule columns of ``clauses`` for ``quarter``; what can't be computed exactly is in ``refused``.

    ``carried_keys`` are those of the carried state (``State.keys``), so that entitlements of roles that only
    an earlier version credited stay in the rounded sums.
    """
    accepted: list[ClauseInForce] = []
    refused: list[Refused] = []
    for item in clauses:
        reason = _reason_to_refuse(item.clause)
        if reason is None:
            accepted.append(replace(item, earlier_keys=_earlier_keys(item, carried_keys or {})))
        else:
            refused.append(Refused(item.agreement, item.clause.number, *reason))
    ordered = tuple(sorted(accepted, key=lambda item: _shape_order(_shape(item))))
    return Rules(quarter, ordered, tuple(_groups(ordered, quarter)), _uses(ordered, quarter), tuple(refused))


def _earlier_keys(
    item: ClauseInForce, carried_keys: Mapping[tuple[int, int], EntitlementKeys]
) -> EntitlementKeys:
    return item.earlier_keys or carried_keys.get((item.agreement, item.clause.number), ())


def _reason_to_refuse(clause: Clause) -> tuple[str, str] | None:
    routing, caps = clause.then.routing, clause.within.caps
    if clause.denominator > DENOMINATOR_LIMIT:
        return "its common denominator is above 10^9", "公分母超过 10^9"
    if routing is not None and not _is_part(parse_share(routing.part)):
        return "its routed part is above 1 or too fine", "转入基金的比例大于 1 或过细"
    if any(not _is_part(parse_share(row.rate)) for row in clause.how_much.rates):
        return "one of its rates is above 1 or too fine", "分档比例大于 1 或过细"
    if any(not _is_part(row.kept) for row in clause.how_much.retention):
        return "it keeps more than the whole of a measure", "留成比例大于 1"
    if any(cap.capped is not None and _slot(clause, cap.capped) == NONE for cap in caps):
        return "the capped party has no share", "受上限约束的一方没有份额"
    if clause.rounding.grain is Grain.LINE and _looks_beyond_a_line(clause):
        return (
            "rounding by line goes with no cap, budget, floor, surplus, recovery or average",
            "按笔取整不能与上限、预算、保底、增量、先行回收或多年平均并用",
        )
    return _reason_of_recovery(clause) or _reason_by_shares(clause)


def _looks_beyond_a_line(clause: Clause) -> bool:
    how_much, within = clause.how_much, clause.within
    beyond = (within.budget, within.floor, how_much.surplus, how_much.recover, how_much.smoothing)
    return bool(within.caps) or any(rule is not None for rule in beyond)


def _reason_by_shares(clause: Clause) -> tuple[str, str] | None:
    bands, window = clause.to_whom.bands, clause.when.window
    if not all(
        _shares_fit(shares.values(), clause.to_whom.regime) for shares in clause.to_whom.ever_shares()
    ):
        return "its shares don't fit its regime", "份额与分计方式不符"
    if not all(_is_part(parse_share(text)) for text in clause.how_much.own_rates.values()):
        return "its own rates are above 1 or too fine", "各方税率大于 1 或过细"
    if bands is not None and (clause.rounding.grain is Grain.LINE or clause.how_much.own_rates):
        return "bands go neither with rounding by line nor with own rates", "分档不能与逐笔取整或各方税率并用"
    if bands is not None and any(cap.measured_on == "pool" for cap in clause.within.caps):
        return "bands don't go with a cap on the pool", "分档不能与分享总额上限并用"
    budget = clause.within.budget
    if bands is not None and budget is not None and budget.payer is None:
        return "bands don't go with a budget on everything shared", "分档不能与全部分享额的预算并用"
    if clause.to_whom.by_elapsed_time and (window is None or window.clock.first_shared is not None):
        return (
            "its key counts months from a window that it doesn't have, or that begins with sharing itself",
            "份额按分享期起算月数分段，但未设分享期，或分享期自首次分享起算",
        )
    return None


def _reason_of_recovery(clause: Clause) -> tuple[str, str] | None:
    recover = clause.how_much.recover
    if recover is None:
        return None
    if clause.how_much.smoothing is not None or clause.how_much.own_rates:
        return (
            "recovery goes neither with averages nor with own rates",
            "先行回收不能与多年平均或各方税率并用",
        )
    if recover.yearly_return is not None and not _is_rate(parse_share(recover.yearly_return)):
        return "its yearly return is above 1 or too fine", "年收益率大于 1 或过细"
    return None


def _is_rate(rate: Fraction) -> bool:
    return rate <= 1 and rate.denominator <= RATE_DENOMINATOR_LIMIT


def _is_part(part: Fraction) -> bool:
    return part <= 1 and part.denominator <= DENOMINATOR_LIMIT


def _shares_fit(shares: Collection[Fraction], regime: Regime) -> bool:
    if regime is Regime.PROPORTIONAL:
        return sum(shares) == 1
    return all(share == 1 for share in shares)


def _shape(item: ClauseInForce) -> Shape:
    clause = item.clause
    return Shape(
        step_months=STEP_MONTHS[clause.when.step],
        slots=len(item.keys),
        official=clause.entitlement_keys[0][0] is Book.OFFICIAL,
        surplus=clause.how_much.surplus is not None,
        recovers=clause.how_much.recover is not None,
        floored=clause.within.floor is not None,
        caps=len(clause.within.caps),
        joint=clause.within.budget is not None or any(cap.per == "controller" for cap in clause.within.caps),
        budgeted=clause.within.budget is not None,
        grain=clause.rounding.grain,
        tiers=len(clause.to_whom.key) if clause.to_whom.by_elapsed_time else 0,
        apportioned=clause.to_whom.apportion is not None,
        own_rated=bool(clause.how_much.own_rates),
        years=0 if clause.how_much.smoothing is None else clause.how_much.smoothing.years,
        bands=0 if clause.to_whom.bands is None else len(clause.to_whom.bands.rows),
    )


def _shape_order(shape: Shape) -> tuple[object, ...]:
    return tuple(getattr(shape, name) for name in Shape.__slots__)


def _groups(ordered: Sequence[ClauseInForce], quarter: Quarter) -> Iterable[Group]:
    first_row = 0
    for shape, members in groupby(ordered, key=_shape):
        group = _group(shape, first_row, tuple(members), quarter)
        yield group
        first_row += len(group)


@dataclass(frozen=True, slots=True)
class _Columns(Generic[Value]):
    """Makes a column of one value per item."""

    items: Sequence[Value]

    def whole(self, value: Callable[[Value], int]) -> Int64Column:
        return np.array([value(item) for item in self.items], np.int64)

    def mask(self, value: Callable[[Value], bool]) -> Mask:
        return np.array([value(item) for item in self.items], np.bool_)


def _group(shape: Shape, first_row: int, members: tuple[ClauseInForce, ...], quarter: Quarter) -> Group:
    clauses = [item.clause for item in members]
    column = _Columns(clauses)
    kept = column.whole(_kept_denominator)
    share = column.whole(_share_denominator)
    rate = column.whole(_rate_denominator)
    own_rate = column.whole(lambda clause: clause.own_rate_denominator)
    fineness = own_rate * column.whole(_years_denominator)
    inner = kept * rate * (_SURPLUS_PARTS if shape.surplus else 1) * fineness
    days = step_days(quarter, shape.step_months)
    held_rows = [[_key_rows(clause, day) for clause in clauses] for day in days]
    return Group(
        shape=shape,
        first_row=first_row,
        clauses=members,
        kept_denominator=kept,
        rate_denominator=rate,
        rated=column.mask(lambda clause: bool(clause.how_much.rates)),
        attributed=column.mask(
            lambda clause: clause.whose.eligibility is not None and bool(clause.whose.eligibility.attributes)
        ),
        inner_denominator=inner,
        share_denominator=share,
        denominator=inner * share,
        share=np.array(
            [
                [_numerators(item, rows, day) for item, rows in zip(members, of_day, strict=True)]
                for of_day, day in zip(held_rows, days, strict=True)
            ]
        ),
        missing_year=np.array(
            [
                [_missing_years(clause, rows, day) for clause, rows in zip(clauses, of_day, strict=True)]
                for of_day, day in zip(held_rows, days, strict=True)
            ],
            np.int64,
        ),
        tier_months=np.array([_tier_months(clause) for clause in clauses], np.int64),
        has_key=np.array([[bool(of_clause) for of_clause in rows] for rows in held_rows]),
        own_rate=np.array(
            [
                [_own_rates(clause, rows, day) for clause, rows in zip(clauses, of_day, strict=True)]
                for of_day, day in zip(held_rows, days, strict=True)
            ],
            np.int64,
        ),
        own_rate_denominator=own_rate,
        fineness=fineness,
        years_missing_as_zero=column.mask(
            lambda clause: (
                clause.how_much.smoothing is not None
                and clause.how_much.smoothing.missing_years is MissingYears.ZERO
            )
        ),
        band_above_minor=np.array([_band_limits(clause) for clause in clauses], np.int64),
        band_period=column.whole(
            lambda clause: BAND_PERIOD_CODE[clause.to_whom.bands.over] if clause.to_whom.bands else NONE
        ),
        whole_park=column.mask(lambda clause: clause.whose.scope is Scope.WHOLE_PARK),
        proportional=column.mask(lambda clause: clause.to_whom.regime is Regime.PROPORTIONAL),
        otherwise_slot=column.whole(lambda clause: _slot(clause, clause.to_whom.otherwise)),
        remainder_slot=column.whole(lambda clause: _slot(clause, clause.rounding.remainder_to)),
        mode=column.whole(lambda clause: MODE_CODE[clause.rounding.mode]),
        window=_windows(members, [clause.when.window for clause in clauses]),
        routing_window=_windows(
            members, [clause.then.routing.window if clause.then.routing else None for clause in clauses]
        ),
        floor_window=_windows(
            members, [clause.within.floor.window if clause.within.floor else None for clause in clauses]
        ),
        **_floor_columns(column),
        **_surplus_columns(clauses),
        **_recover_columns(clauses, days, shape.step_months),
        **_cap_columns(clauses, shape.caps),
        **_budget_columns(clauses, days),
        **_eligibility_columns(column),
        **_routing_columns(column),
    )


def step_days(quarter: Quarter, step_months: int) -> list[date]:
    """The first day of every step of the quarter."""
    return [add_months(quarter.start, months) for months in range(0, 3, step_months)]


def _kept_denominator(clause: Clause) -> int:
    return lcm(1, *(row.kept.denominator for row in clause.how_much.retention))


def _rate_denominator(clause: Clause) -> int:
    return lcm(1, *(parse_share(row.rate).denominator for row in clause.how_much.rates))


def _share_denominator(clause: Clause) -> int:
    return clause.to_whom.denominator


def _band_limits(clause: Clause) -> list[int]:
    bands = clause.to_whom.bands
    return [parse_amount(band.above, scale_of(clause)) for band in bands.rows] if bands else []


def _years_denominator(clause: Clause) -> int:
    return 1 if clause.how_much.smoothing is None else clause.how_much.smoothing.denominator


def _key_rows(clause: Clause, day: date) -> Sequence[Parts]:
    """The row that holds on ``day``, if any; of a key by elapsed time every row, of bands every band."""
    if clause.to_whom.bands is not None:
        return clause.to_whom.bands.rows
    if clause.to_whom.by_elapsed_time:
        return list(clause.to_whom.key)
    held = row_on([(row.starts or date.min, row) for row in clause.to_whom.key], day)
    return [] if held is None else [held]


def _tier_months(clause: Clause) -> list[int]:
    return [row.after_months or 0 for row in clause.to_whom.key] if clause.to_whom.by_elapsed_time else [0]


def _numerators(item: ClauseInForce, rows: Sequence[Parts], day: date) -> list[list[int]]:
    """The credited share of each tier and slot; the official book has none."""
    clause = item.clause
    denominator = _share_denominator(clause)
    numerators = []
    for row in rows:
        of_row = [0] * len(item.keys)
        if clause.to_whom.missing_year(row, day) is None:
            for role, share in clause.to_whom.shares_on(row, day).items():
                of_row[_slot(clause, role)] = int(share * denominator)
        numerators.append(of_row)
    return numerators or [[0] * len(item.keys)]


def _missing_years(clause: Clause, rows: Sequence[Parts], day: date) -> list[int]:
    return [clause.to_whom.missing_year(row, day) or 0 for row in rows] or [0]


def _own_rates(clause: Clause, rows: Sequence[Parts], day: date) -> list[int]:
    to_whom = clause.to_whom
    shares = [to_whom.shares_on(row, day) for row in rows if to_whom.missing_year(row, day) is None]
    rates = [int(clause.how_much.own_rate(of_row) * clause.own_rate_denominator) for of_row in shares]
    return rates + [0] * (max(1, len(rows)) - len(rates))


def _slot(clause: Clause, role: str | None) -> int:
    for slot, (book, credited) in enumerate(clause.entitlement_keys):
        if book is not Book.OFFICIAL and credited == role:
            return slot
    return NONE


def _windows(members: Sequence[ClauseInForce], windows: Sequence[Window | None]) -> WindowColumns:
    column = _Columns(windows)
    begins = [
        _BEGINS[window.clock.begins](STEP_MONTHS[item.clause.when.step]) if window else (1, 0)
        for item, window in zip(members, windows, strict=True)
    ]
    return WindowColumns(
        present=column.mask(lambda window: window is not None),
        clock_month=np.array(
            [
                _clock_month(item, window.clock) if window else 0
                for item, window in zip(members, windows, strict=True)
            ],
            np.int64,
        ),
        event=column.whole(
            lambda window: EVENT_CODE[window.clock.event] if window and window.clock.event else NONE
        ),
        offset_months=column.whole(lambda window: window.clock.offset_months if window else 0),
        aligned_months=np.array([aligned for aligned, _ in begins], np.int64),
        later_months=np.array([later for _, later in begins], np.int64),
        by_first_shared=column.mask(lambda window: bool(window and window.clock.first_shared)),
        length_months=column.whole(
            lambda window: window.length_months if window and window.length_months else FOREVER_MONTHS
        ),
        extension_months=column.whole(
            lambda window: window.extension.length_months if window and window.extension else 0
        ),
        holds=column.mask(
            lambda window: bool(window and window.extension and window.extension.on_correction == "hold")
        ),
        ends_at=np.array(
            [[window is not None and event in window.ends_at for event in EVENTS] for window in windows]
        ),
    )


def _clock_month(item: ClauseInForce, clock: Clock) -> int:
    """The month in which a clock without an event starts."""
    day = clock.day if clock.occurrence is None else item.occurrences.get(clock.occurrence)
    return NEVER_MONTH if day is None else month_of(day)


def _surplus_columns(clauses: Sequence[Clause]) -> dict[str, Any]:
    column = _Columns([(clause.how_much.surplus, scale_of(clause)) for clause in clauses])
    return {
        "surplus_base_minor": np.array([_bases(*item) for item in column.items], np.int64),
        "base_of_enterprise": column.mask(lambda item: item[0] is not None and item[0].base_of_enterprise),
        "within_year": column.whole(lambda item: WITHIN_YEAR_CODE[item[0].within_year] if item[0] else NONE),
        "loss": column.whole(lambda item: LOSS_CODE[item[0].loss] if item[0] else NONE),
    }


def _bases(surplus: Surplus | None, scale: int) -> list[int]:
    """The base of the year, or of its four quarters, in four places."""
    if surplus is None:
        return [0] * 4
    if surplus.base_by_quarter is not None:
        return [parse_amount(text, scale) for text in surplus.base_by_quarter]
    return [parse_amount(surplus.base or "0", scale)] * 4


def _recover_columns(clauses: Sequence[Clause], days: Sequence[date], step_months: int) -> dict[str, Any]:
    column = _Columns(clauses)

    def rate(clause: Clause) -> Fraction:
        recover = clause.how_much.recover
        return parse_share(recover.yearly_return) if recover and recover.yearly_return else Fraction(0)

    return {
        "recover_slot": column.whole(
            lambda clause: _slot(clause, clause.how_much.recover.to) if clause.how_much.recover else NONE
        ),
        "input_minor": np.array(
            [[_inputs_begun(clause, day) for clause in clauses] for day in days], np.int64
        ),
        "return_numerator": column.whole(lambda clause: rate(clause).numerator),
        "return_denominator": column.whole(lambda clause: rate(clause).denominator * 12 // step_months),
    }


def _inputs_begun(clause: Clause, day: date) -> int:
    rows = clause.how_much.recover.inputs if clause.how_much.recover else ()
    return sum(parse_amount(row.amount, scale_of(clause)) for row in rows if row.starts <= day)


def _floor_columns(column: _Columns[Clause]) -> dict[str, Any]:
    def amount_minor(clause: Clause) -> int:
        floor = clause.within.floor
        return parse_amount(floor.yearly_amount, scale_of(clause)) if floor else 0

    def shortfall(clause: Clause) -> str:
        return clause.within.floor.shortfall if clause.within.floor else ""

    return {
        "floor_slot": column.whole(
            lambda clause: _slot(clause, clause.within.floor.party) if clause.within.floor else NONE
        ),
        "guarantor_slot": column.whole(
            lambda clause: _slot(clause, clause.within.floor.from_party) if clause.within.floor else NONE
        ),
        "floor_minor": column.whole(amount_minor),
        "tops_up": column.mask(lambda clause: shortfall(clause) == "topped_up"),
        "carries_shortfall": column.mask(lambda clause: shortfall(clause) == "carried"),
    }


def _cap_columns(clauses: Sequence[Clause], caps: int) -> dict[str, Any]:
    """What is said of caps by clause and place."""

    def table(value: Callable[[Clause, Cap], int | bool], dtype: type[np.generic]) -> Any:
        rows = [[value(clause, cap) for cap in clause.within.caps] for clause in clauses]
        return np.array(rows, dtype).reshape(len(clauses), caps)

    return {
        "cap_minor": table(lambda clause, cap: parse_amount(cap.amount or "0", scale_of(clause)), np.int64),
        "cap_is_pre_move_tax": table(lambda _, cap: cap.pre_move_tax_total, np.bool_),
        "cap_on_pool": table(lambda _, cap: cap.measured_on == "pool", np.bool_),
        "cap_yearly": table(lambda _, cap: cap.over == "year", np.bool_),
        "cap_joint": table(lambda _, cap: cap.per == "controller", np.bool_),
        "cap_carries": table(lambda _, cap: cap.unused == "carries", np.bool_),
        "capped_slot": table(lambda clause, cap: _slot(clause, cap.capped), np.int64),
        "excess_slot": table(lambda clause, cap: _slot(clause, cap.excess_to), np.int64),
    }


def _budget_columns(clauses: Sequence[Clause], days: Sequence[date]) -> dict[str, Any]:
    column = _Columns([(clause, clause.within.budget) for clause in clauses])

    def amount_minor(clause: Clause, budget: Budget | None, day: date) -> int:
        row = None if budget is None else budget.row_on(day)
        return 0 if row is None else parse_amount(row.amount, scale_of(clause))

    return {
        "budget_minor": np.array(
            [[amount_minor(*item, day) for item in column.items] for day in days], np.int64
        ),
        "budget_slot": column.whole(lambda item: _slot(item[0], item[1].payer if item[1] else None)),
        "budget_excess_slot": column.whole(
            lambda item: _slot(item[0], item[1].excess_to if item[1] else None)
        ),
        "budget_yearly": column.mask(lambda item: item[1] is not None and item[1].over == "year"),
        "budget_after_caps": column.mask(
            lambda item: item[1] is not None and item[1].applied == "after_caps"
        ),
        "budget_pro_rata": column.mask(lambda item: item[1] is not None and item[1].order == "pro_rata"),
    }


def _eligibility_columns(column: _Columns[Clause]) -> dict[str, Any]:
    def tax_average_minor(clause: Clause) -> int:
        eligibility = clause.whose.eligibility
        if eligibility is None or eligibility.pre_move_tax_average_at_least is None:
            return NO_THRESHOLD_MINOR
        return parse_amount(eligibility.pre_move_tax_average_at_least, YUAN.scale)

    def cause_code(clause: Clause) -> int:
        eligibility = clause.whose.eligibility
        return CAUSE_CODE[eligibility.cause_of_move] if eligibility and eligibility.cause_of_move else NONE

    return {
        "tax_average_minor": column.whole(tax_average_minor),
        "cause_code": column.whole(cause_code),
        "referrer": tuple(
            clause.whose.eligibility.referred_by if clause.whose.eligibility else None
            for clause in column.items
        ),
    }


def _routing_columns(column: _Columns[Clause]) -> dict[str, Any]:
    def part(clause: Clause) -> Fraction:
        return parse_share(clause.then.routing.part) if clause.then.routing else Fraction(0)

    return {
        "routed": column.mask(lambda clause: clause.then.routing is not None),
        "routed_numerator": column.whole(lambda clause: part(clause).numerator),
        "routed_denominator": column.whole(lambda clause: part(clause).denominator),
    }


def _uses(ordered: Sequence[ClauseInForce], quarter: Quarter) -> Uses:
    rows = sorted(
        (item.agreement, MEASURE_BY_NAME[measure].measure_id, row, factors)
        for row, item in enumerate(ordered)
        for measure, factors in _factors(item.clause, quarter).items()
    )
    return Uses(
        agreement=np.array([row[0] for row in rows], np.int64),
        measure_id=np.array([row[1] for row in rows], np.int64),
        row=np.array([row[2] for row in rows], np.int64),
        factor=np.array([row[3] for row in rows], np.int64).reshape(-1, 3),
    )


def _factors(clause: Clause, quarter: Quarter) -> dict[str, list[int]]:
    """For each measure of the clause its signed kept numerator at each of three steps."""
    denominator = _kept_denominator(clause)
    days = step_days(quarter, STEP_MONTHS[clause.when.step])
    factors = {}
    for measure in (*clause.what.measures, *clause.what.deduct):
        sign = -1 if measure in clause.what.deduct else 1
        kept = [int(_kept(clause, measure, day) * denominator) * sign for day in days]
        factors[measure] = kept + [0] * (3 - len(kept))
    return factors


def _kept(clause: Clause, measure: str, day: date) -> Fraction:
    rows = [(row.starts, row.kept) for row in clause.how_much.retention if row.measure == measure]
    if not rows:
        return Fraction(1)
    held = row_on(rows, day)
    return Fraction(0) if held is None else held
