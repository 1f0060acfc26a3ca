"""The statistics that can be credited: how a year's figure is made of quarters, and where each is split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.measures import MEASURES, Measure, MeasureKind
from ledger.rules.fields import Bilingual

GUANGXI = Bilingual(zh="桂统函〔2025〕29号", en="Guangxi statistics bureau, 桂统函〔2025〕29号")
KUNMING = Bilingual(zh="昆明市2024年试行办法", en="Kunming trial rules of 2024")
LIUSONG = Bilingual(zh="六松现代产业园协议", en="Liusong park agreement")
PARK_STATISTICS = Bilingual(
    zh="园区统计；未见公开的分计规定", en="park statistics; no public rule that splits it was found"
)

SOURCES: Mapping[str, Bilingual] = {
    "industrial_output": GUANGXI,
    "added_value": GUANGXI,
    "above_scale_output": KUNMING,
    "fixed_investment": GUANGXI,
    "paid_in_capital": KUNMING,
    "foreign_capital_used": KUNMING,
    "trade_sales": KUNMING,
    "service_revenue": KUNMING,
    "tax_paid": LIUSONG,
}
AT_PERIOD_END = {"head_count"}


@dataclass(frozen=True, slots=True)
class Indicator:
    """A statistic. ``at_period_end``: a year's figure is its last quarter's, and not the sum of quarters.

    ``source``: the public rule under which zones split it, if one was found.
    """

    measure: Measure
    at_period_end: bool
    source: Bilingual


INDICATORS: Mapping[int, Indicator] = {
    measure.commodity.commodity_id: Indicator(
        measure, measure.name in AT_PERIOD_END, SOURCES.get(measure.name, PARK_STATISTICS)
    )
    for measure in MEASURES
    if measure.kind is MeasureKind.INDICATOR
}
"""By commodity: every statistic is one of its own."""
