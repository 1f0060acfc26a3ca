"""What a return may report: every measure, the mechanism it belongs to, and the commodity it is counted in.

Each statistic is a commodity of its own, so that two indicators can never be added up by mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.money import Commodity


class MeasureKind(StrEnum):
    TAX = "tax"
    TAX_BASE = "tax_base"
    """What a tax is reckoned on; only own rates make a tax of it."""
    INCENTIVE = "incentive"
    REVENUE = "revenue"
    COST = "cost"
    VOUCHER = "voucher"
    """What innovation vouchers pay for, and what they paid."""
    INDICATOR = "indicator"


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of figure. ``measure_id`` is stored and never changes its meaning."""

    measure_id: int
    name: str
    kind: MeasureKind
    commodity: Commodity
    name_zh: str
    name_en: str


YUAN = Commodity(1, "CNY", "人民币", "renminbi", "元", "yuan", 2, True)


def _tax(measure_id: int, name: str, name_zh: str, name_en: str) -> Measure:
    return Measure(measure_id, name, MeasureKind.TAX, YUAN, name_zh, name_en)


def _revenue(measure_id: int, name: str, name_zh: str, name_en: str) -> Measure:
    return Measure(measure_id, name, MeasureKind.REVENUE, YUAN, name_zh, name_en)


def _cost(measure_id: int, name: str, name_zh: str, name_en: str) -> Measure:
    return Measure(measure_id, name, MeasureKind.COST, YUAN, name_zh, name_en)


def _voucher(measure_id: int, name: str, name_zh: str, name_en: str) -> Measure:
    return Measure(measure_id, name, MeasureKind.VOUCHER, YUAN, name_zh, name_en)


def _indicator(
    measure_id: int,
    name: str,
    name_zh: str,
    name_en: str,
    unit: tuple[str, str] = ("元", "yuan"),
    scale: int = 2,
) -> Measure:
    commodity = Commodity(measure_id, name.upper(), name_zh, name_en, *unit, scale, False)
    return Measure(measure_id, name, MeasureKind.INDICATOR, commodity, name_zh, name_en)


MEASURES: tuple[Measure, ...] = (
    _tax(11, "vat", "增值税", "value added tax"),
    _tax(12, "business_tax", "营业税", "business tax (merged into VAT on 2016-05-01)"),
    _tax(13, "cit", "企业所得税", "corporate income tax"),
    _tax(14, "pit", "个人所得税", "personal income tax"),
    _tax(15, "urban_construction_tax", "城市维护建设税", "urban maintenance and construction tax"),
    _tax(16, "property_tax", "房产税", "property tax"),
    _tax(17, "land_use_tax", "城镇土地使用税", "urban land use tax"),
    _tax(18, "other_tax", "其他税收", "other taxes"),
    _tax(19, "retained_tax", "地方留成税收", "local retained tax (already net of higher tiers)"),
    Measure(20, "taxable_income", MeasureKind.TAX_BASE, YUAN, "应纳税所得额", "taxable income"),
    Measure(
        31, "incentive_paid", MeasureKind.INCENTIVE, YUAN, "已兑现奖补", "incentives paid to the enterprise"
    ),
    _revenue(41, "land_transfer", "土地出让收入", "land transfer revenue"),
    _revenue(42, "land_lease", "土地租赁收入", "land lease revenue"),
    _revenue(43, "rent", "厂房租金收入", "rent"),
    _revenue(44, "service_fee", "园区服务收入", "service revenue"),
    _revenue(45, "dividend", "投资分红", "dividends"),
    _revenue(46, "asset_sale", "资产处置收入", "asset sales"),
    _cost(61, "development_cost", "开发成本", "development cost"),
    _cost(62, "financing_cost", "融资成本", "financing cost"),
    _cost(63, "management_cost", "管理成本", "management cost"),
    _voucher(71, "voucher_service_cost", "创新券服务费用", "cost of services bought with vouchers"),
    _voucher(72, "voucher_approved", "创新券核定金额", "approved vouchers"),
    _voucher(73, "voucher_recovered", "创新券追回金额", "recovered vouchers"),
    _voucher(74, "voucher_borne_home", "本区创新券承担额", "vouchers borne for programmes of one's own"),
    _voucher(75, "voucher_borne_partner", "合作方创新券承担额", "vouchers borne for a partner's programmes"),
    _indicator(101, "industrial_output", "工业总产值", "industrial output"),
    _indicator(102, "added_value", "工业增加值", "industrial added value"),
    _indicator(103, "above_scale_output", "规上工业总产值", "output of above-scale industry"),
    _indicator(104, "fixed_investment", "固定资产投资", "fixed asset investment"),
    _indicator(105, "paid_in_capital", "省外到位资金", "paid-in capital from outside the province"),
    _indicator(
        106, "foreign_capital_used", "实际利用外资", "foreign capital used", ("美元", "US dollars"), 2
    ),
    _indicator(107, "trade_sales", "限上商贸销售额", "sales of above-scale trade"),
    _indicator(108, "service_revenue", "规上服务业营业收入", "revenue of above-scale services"),
    _indicator(109, "research_spending", "研发经费支出", "research and development spending"),
    _indicator(
        110, "energy_use", "综合能源消费量", "energy use", ("吨标准煤", "tonnes of coal equivalent"), 2
    ),
    _indicator(
        111, "head_count", "期末从业人员", "people employed at the end of the period", ("人", "people"), 0
    ),
    _indicator(112, "tax_paid", "实缴税金", "taxes paid (as a statistic)"),
)

MEASURE_BY_NAME = {measure.name: measure for measure in MEASURES}
MEASURE_BY_ID = {measure.measure_id: measure for measure in MEASURES}
COMMODITIES: tuple[Commodity, ...] = tuple(
    {measure.commodity.commodity_id: measure.commodity for measure in MEASURES}.values()
)
COMMODITY_BY_ID = {commodity.commodity_id: commodity for commodity in COMMODITIES}
