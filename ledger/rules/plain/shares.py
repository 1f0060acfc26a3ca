"""Who gets which part of what a step shares: shares of the step, own rates, factors, bands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from ledger.errors import LedgerError
from ledger.periods import add_months
from ledger.rules.facts import Carried
from ledger.rules.plain.case import ZERO, Case, amount_of
from ledger.rules.plain.windows import first_day
from ledger.rules.terms import BandPeriod, Bands, Clause, Shares


class FactorsMissing(LedgerError):
    """A step divides by factors of a year that the clause doesn't have."""

    code = "FACTORS_MISSING"
    sentence_en = (
        "Clause {clause} divides by the factors of {year}, which it doesn't have. "
        "Amend it with the factors of {year}."
    )
    sentence_zh = (
        "第{clause}条按 {year} 年的因素分摊，但条款中没有该年数据。请修订条款，补充 {year} 年的因素。"
    )


def shares_on(case: Case, day: date) -> dict[str, Fraction]:
    """The shares of the step that begins on ``day``."""
    row = key_row(case, day)
    if row is None:
        return {}
    shares = case.clause.to_whom.shares_on(row, day)
    return {
        role: shares[role]
        for role in dict.fromkeys([*roles_in_order(case.clause), *shares])
        if role in shares
    }


def roles_in_order(clause: Clause) -> list[str]:
    """The roles that the key divides among, as its rows name them."""
    return list(dict.fromkeys(role for row in clause.to_whom.key for role in row.exact))


def at_own_rates(case: Case, shares: Mapping[str, Fraction], shared: Fraction) -> Fraction:
    """Two passes: the sum of the parts, each at its party's own rate, is what is divided in the end."""
    own_rates = case.clause.how_much.own_rates
    if not own_rates:
        return shared
    taxed = shared * case.clause.how_much.own_rate(shares)
    rates = " + ".join(f"{share} × {own_rates.get(role, 0)}" for role, share in shares.items())
    case.record.step("own_rates", taxed, "{} × ({rates}) = {result}", shared, rates=rates)
    return taxed


def require_factors(case: Case, day: date) -> None:
    row = key_row(case, day)
    missing = None if row is None else case.clause.to_whom.missing_year(row, day)
    if missing is not None:
        raise FactorsMissing(clause=case.clause.number, year=missing)


def record_ratios(case: Case, shared: Fraction, day: date) -> None:
    apportion, row = case.clause.to_whom.apportion, key_row(case, day)
    if apportion is None or row is None:
        return
    year, roles = apportion.year_on(day), apportion.taking_part(day)
    whole = shared * row.exact.get(apportion.share_of, ZERO)
    ratios = apportion.ratios(year, roles)
    for role, parts in apportion.factor_parts(year, roles).items():
        case.record.step(
            "factors",
            whole * ratios[role],
            "{} × {ratio} = {result}; {year}: {factors} → {ratio}",
            whole,
            role=role,
            book=case.book,
            ratio=ratios[role],
            year=year,
            factors=" + ".join(str(part) for part in parts),
        )


def key_row(case: Case, day: date) -> Shares | None:
    """The latest row of the key that has begun."""
    begun = [row for row in case.clause.to_whom.key if _has_begun(case, row, day)]
    return begun[-1] if begun else None


def _has_begun(case: Case, row: Shares, day: date) -> bool:
    if row.after_months is None:
        return row.starts is None or row.starts <= day
    window = case.clause.when.window
    opens = None if window is None else first_day(window.clock, case.dates, case.clause.when.step)
    return opens is not None and add_months(opens, row.after_months) <= day


def banded(case: Case, bands: Bands, carried: Carried, shared: Fraction) -> dict[str, Fraction]:
    """Each band's shares of as much of what is ``shared`` as falls into it."""
    before = _so_far(bands, carried)
    limits = [amount_of(band.above, case.scale) for band in bands.rows]
    parts: dict[str, Fraction] = {}
    for band, low, high in zip(bands.rows, limits, [*limits[1:], None], strict=True):
        within = _in_band(low, high, before + shared) - _in_band(low, high, before)
        case.record.step("band", within, "{1} → {2}, > {0}: {result}", low, before, before + shared)
        for role, part in parts_of(case, band.exact, within).items():
            parts[role] = parts.get(role, ZERO) + part
    return parts


def _so_far(bands: Bands, carried: Carried) -> Fraction:
    match bands.over:
        case BandPeriod.STEP:
            return ZERO
        case BandPeriod.YEAR:
            return carried.pool_of_year
        case BandPeriod.LIFETIME:
            return carried.pool


def _in_band(low: int, high: int | None, amount: Fraction) -> Fraction:
    """How much of ``amount`` lies in the band; the lowest, above 0, holds what is below it as well."""
    above = amount if low == 0 else max(ZERO, amount - low)
    return above if high is None else min(above, Fraction(high - low))


def parts_of(case: Case, shares: Mapping[str, Fraction], amount: Fraction) -> dict[str, Fraction]:
    parts = {role: share * amount for role, share in shares.items()}
    for role, part in parts.items():
        case.record.step(
            "share", part, "{} × {share} = {result}", amount, role=role, book=case.book, share=shares[role]
        )
    return parts
