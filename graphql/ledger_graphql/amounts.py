"""Amounts as the API shows them: never without their commodity and, where there is one, their book."""

from __future__ import annotations

from enum import Enum

import strawberry

from ledger import measures, money
from ledger.measures import MeasureKind
from ledger.rules.terms import Book
from ledger_graphql.fields import resolved
from ledger_graphql.scalars import Amount

strawberry.enum(
    Book,
    name="Book",
    description="Which book an amount is in. Amounts of different books are never added up. CASH: "
    "money. OFFICIAL: "
    "in-place statistics, always 100%. ASSESSMENT: statistics by agreement, for "
    "assessment only, never published "
    "(桂统函〔2025〕29号).",
)
strawberry.enum(
    MeasureKind,
    name="MeasureKind",
    description="TAX, TAX_BASE (what a tax is reckoned on), INCENTIVE (paid to enterprises), REVENUE and "
    "COST of a joint park, VOUCHER (what innovation vouchers pay for), INDICATOR (a statistic).",
)


@strawberry.enum(description="Language of a text: ZH is zh-CN, EN is English.")
class Language(Enum):
    ZH = "zh"
    EN = "en"


@strawberry.type(description="What an amount counts: money, or a statistic with a unit of its own.")
class Commodity:
    code: str = strawberry.field(description='Stable code, such as "CNY".')
    name_zh: str = strawberry.field(description="Name in Chinese.")
    name_en: str = strawberry.field(description="Name in English.")
    unit_zh: str = strawberry.field(
        description="The unit that amounts are written in, in Chinese, such as 元."
    )
    unit_en: str = strawberry.field(description="The unit that amounts are written in, in English.")
    scale: int = strawberry.field(
        description="Decimal places between the unit and the minor unit: 2 for yuan and fen. From 0 to 6."
    )
    is_money: bool = strawberry.field(description="Whether it is money; everything else is a statistic.")


@strawberry.type(description="One kind of figure that a return may report.")
class Measure:
    name: str = strawberry.field(description='Stable name, as in terms and returns, such as "vat".')
    kind: MeasureKind = strawberry.field(description="What kind of figure it is.")
    name_zh: str = strawberry.field(description="Name in Chinese.")
    name_en: str = strawberry.field(description="Name in English.")
    commodity: Commodity = strawberry.field(description="What it is counted in.")


COMMODITIES = {
    commodity.commodity_id: Commodity(
        code=commodity.code,
        name_zh=commodity.name_zh,
        name_en=commodity.name_en,
        unit_zh=commodity.unit_zh,
        unit_en=commodity.unit_en,
        scale=commodity.scale,
        is_money=commodity.is_money,
    )
    for commodity in measures.COMMODITIES
}
MEASURES = {
    measure.name: Measure(
        name=measure.name,
        kind=measure.kind,
        name_zh=measure.name_zh,
        name_en=measure.name_en,
        commodity=COMMODITIES[measure.commodity.commodity_id],
    )
    for measure in measures.MEASURES
}


@strawberry.type(
    description="A reported figure's exact amount. It is in no book: what the rules make of it is."
)
class ReportedAmount:
    amount_minor: strawberry.Private[int]
    commodity: Commodity = strawberry.field(description="What it counts.")

    @resolved('Whole minor units (fen for money) as text, such as "-123456".')
    def minor(self) -> str:
        return str(self.amount_minor)

    @resolved('In the commodity\'s unit (yuan for money), such as "-1234.56".')
    def text(self) -> Amount:
        return Amount(money.format_amount(self.amount_minor, self.commodity.scale))

    @resolved('In ten thousands of the unit (万), exact, with separators, such as "1,234.56".')
    def wan(self) -> str:
        return money.format_wan(self.amount_minor, self.commodity.scale)


@strawberry.type(
    description="An exact amount in one book. Only amounts of the same book and commodity may be added."
)
class AmountValue(ReportedAmount):
    book: Book = strawberry.field(description="The book that it is in.")


def reported(amount_minor: int, measure: str) -> ReportedAmount:
    """``amount_minor`` of the measure's commodity."""
    return ReportedAmount(amount_minor=amount_minor, commodity=MEASURES[measure].commodity)


def amount_value(amount_minor: int, commodity_id: int, book: Book) -> AmountValue:
    """``amount_minor`` of the commodity in the book."""
    return AmountValue(amount_minor=amount_minor, commodity=COMMODITIES[commodity_id], book=book)
