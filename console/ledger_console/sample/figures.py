"""The sample's returns, made up by arithmetic: the same document always gives the same figures.

A figure is the series' level, times the enterprise's size, the growth since the first quarter, the season,
and a deviation of at most 8% taken from a hash of what the figure is about. Only whole numbers are used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ledger.measures import MEASURE_BY_NAME, MeasureKind
from ledger.money import format_amount, parse_amount
from ledger.periods import Quarter, Span, add_months, quarters_between
from ledger.rules.terms import Event
from ledger_console.sample.documents import (
    FIRST_QUARTER,
    LAST_QUARTER,
    Correction,
    Difference,
    Enterprise,
    OwnList,
    SampleAgreement,
    Series,
)

MADE_UP = "示例数据/made-up"
"""Every document that a figure refers to starts like this."""

DEVIATION_MAX_PERMILLE = 80
STATISTIC_STEP_MINOR = 100_000
"""Statistics are reported in thousands of their unit, money to the fen."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a return; ``credit_code`` is None for the whole park, ``amount_minor`` in minor units."""

    credit_code: str | None
    measure: str
    span: Span
    amount_minor: int
    document: str

    @property
    def amount(self) -> str:
        """The amount as plain decimal text in the measure's unit."""
        return format_amount(self.amount_minor, MEASURE_BY_NAME[self.measure].commodity.scale)


@dataclass(frozen=True, slots=True)
class SampleReturn:
    """A role's return about ``quarter``, handed in while ``handed_in`` is open; no figures: a nil return."""

    handed_in: Quarter
    quarter: Quarter
    role: str
    figures: tuple[Figure, ...]

    @property
    def is_nil(self) -> bool:
        return not self.figures

    @property
    def is_correction(self) -> bool:
        return self.quarter < self.handed_in

    @property
    def totals_minor(self) -> dict[str, int]:
        """Each measure's sum."""
        totals: dict[str, int] = {}
        for figure in self.figures:
            totals[figure.measure] = totals.get(figure.measure, 0) + figure.amount_minor
        return totals


def returns_of(agreement: SampleAgreement) -> tuple[SampleReturn, ...]:
    """Every return of the agreement's two years, in the order in which they're handed in."""
    return tuple(
        handed_in
        for quarter in quarters_between(FIRST_QUARTER, LAST_QUARTER)
        for handed_in in _handed_in(agreement, quarter)
    )


def begun_returns_of(agreement: SampleAgreement) -> tuple[SampleReturn, ...]:
    """The returns for the open quarter that some roles have handed in already."""
    quarter = LAST_QUARTER.next
    return tuple(_own_return(agreement, begun.role, quarter) for begun in agreement.figures.begun)


def _handed_in(agreement: SampleAgreement, quarter: Quarter) -> Iterator[SampleReturn]:
    for correction in agreement.figures.corrections:
        if Quarter.parse(correction.handed_in) == quarter:
            yield _corrected(agreement, correction)
    for role in reporting_roles(agreement):
        yield _own_return(agreement, role, quarter)
    for own_list in agreement.figures.own_lists:
        if Quarter.parse(own_list.since) <= quarter:
            yield _other_return(agreement, own_list, quarter)


def reporting_roles(agreement: SampleAgreement) -> list[str]:
    """The roles that hand in figures of record, in the order of the document."""
    return list(dict.fromkeys(series.role for series in agreement.figures.series))


def _own_return(agreement: SampleAgreement, role: str, quarter: Quarter) -> SampleReturn:
    return SampleReturn(quarter, quarter, role, tuple(_figures(agreement, role, quarter)))


def _other_return(agreement: SampleAgreement, own_list: OwnList, quarter: Quarter) -> SampleReturn:
    differences = [one for one in own_list.differences if Quarter.parse(one.quarter) == quarter]
    figures = _figures(agreement, own_list.record, quarter)
    own = (_on_own_list(figure, own_list.role, differences) for figure in figures)
    return SampleReturn(quarter, quarter, own_list.role, tuple(own))


def _on_own_list(figure: Figure, role: str, differences: Sequence[Difference]) -> Figure:
    scale = MEASURE_BY_NAME[figure.measure].commodity.scale
    more_minor = sum(
        parse_amount(one.amount, scale)
        for one in differences
        if (one.measure, one.credit_code) == (figure.measure, figure.credit_code)
    )
    document = f"{figure.document} {role}"
    return replace(figure, amount_minor=figure.amount_minor + more_minor, document=document)


def _corrected(agreement: SampleAgreement, correction: Correction) -> SampleReturn:
    quarter = Quarter.parse(correction.quarter)
    figures = _figures(agreement, correction.role, quarter)
    return SampleReturn(
        Quarter.parse(correction.handed_in),
        quarter,
        correction.role,
        tuple(_changed(figure, correction) for figure in figures),
    )


def _changed(figure: Figure, correction: Correction) -> Figure:
    if figure.measure != correction.measure or correction.credit_code not in (None, figure.credit_code):
        return figure
    return replace(
        figure,
        amount_minor=figure.amount_minor * (1000 + correction.change_permille) // 1000,
        document=f"{figure.document} 更正/corrected in {correction.handed_in}",
    )


def _figures(agreement: SampleAgreement, role: str, quarter: Quarter) -> Iterator[Figure]:
    document = f"{MADE_UP} {agreement.code} {quarter}"
    for series in agreement.figures.series:
        if series.role != role or (series.since and quarter < Quarter.parse(series.since)):
            continue
        for enterprise in _subjects(agreement, series):
            for span in _spans(series, quarter):
                amount_minor = _amount_minor(agreement.code, series, enterprise, span)
                if amount_minor:
                    credit_code = enterprise.credit_code if enterprise else None
                    yield Figure(credit_code, series.measure, span, amount_minor, document)


def _subjects(agreement: SampleAgreement, series: Series) -> Sequence[Enterprise | None]:
    return agreement.enterprises if series.by == "enterprise" else (None,)


def _spans(series: Series, quarter: Quarter) -> list[Span]:
    if series.span == "quarter":
        return [Span.of_quarter(quarter)]
    return [Span(add_months(quarter.start, month), 1) for month in range(3)]


def _amount_minor(code: str, series: Series, enterprise: Enterprise | None, span: Span) -> int:
    measure = MEASURE_BY_NAME[series.measure]
    if enterprise is not None and not _is_active(enterprise, series.measure, span):
        return 0
    size_percent = enterprise.size_percent if enterprise else 100
    name = enterprise.credit_code if enterprise else ""
    quarters = span.quarter.ordinal - FIRST_QUARTER.ordinal
    growth_of_400 = 400 + series.growth_percent_a_year * quarters
    season_permille = series.season_permille[span.quarter.quarter - 1]
    deviated_permille = 1000 + _deviation_permille(f"{code}|{name}|{series.measure}|{span}")
    level_minor = parse_amount(series.level, measure.commodity.scale) * span.months
    amount_minor = (
        level_minor
        * size_percent
        * growth_of_400
        * season_permille
        * deviated_permille
        // (3 * 100 * 400 * 1000 * 1000)
    )
    step_minor = STATISTIC_STEP_MINOR if measure.kind is MeasureKind.INDICATOR else 1
    return amount_minor // step_minor * step_minor


def _deviation_permille(name: str) -> int:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return number % (2 * DEVIATION_MAX_PERMILLE + 1) - DEVIATION_MAX_PERMILLE


def _is_active(enterprise: Enterprise, measure: str, span: Span) -> bool:
    begins = _begins(enterprise, measure)
    ends = min(
        (
            enterprise.events[event]
            for event in (Event.MOVED_AWAY, Event.DEREGISTRATION)
            if event in enterprise.events
        ),
        default=date.max,
    )
    return begins < span.end and span.start < ends


def _begins(enterprise: Enterprise, measure: str) -> date:
    """Building comes first, then production and the first tax."""
    building = measure == "fixed_investment"
    first = Event.CONSTRUCTION_START if building else Event.FIRST_TAX
    return enterprise.events.get(first, enterprise.events[Event.REGISTRATION])
