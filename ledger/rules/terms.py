"""The terms of an agreement: the document that is edited, rendered, signed and evaluated.

A clause is read in the order in which its fields stand here: what, whose, when, how much, to whom,
within what, and then, to the last unit, for example. Amounts are text in the commodity's unit
(``"20000000.00"`` yuan), shares are exact text (``"2/5"``), quarters ``"2024Q3"``, days ``"2024-07-01"``.
Wherever a rule can be read two ways the field is required.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ledger.money import RoundingMode, parse_share
from ledger.rules.commitments import Commitment
from ledger.rules.factors import FactorPart, factor_parts, rounded_ratios
from ledger.rules.fields import (
    AmountText,
    AttributeName,
    AttributeValue,
    Bilingual,
    Day,
    Document,
    FactorName,
    MeasureName,
    Months,
    OccurrenceName,
    QuarterText,
    Role,
    ShareText,
    SignedAmountText,
    SpanText,
    WeightText,
    Where,
)
from ledger.rules.procedure import Procedure

FORMAT = "parkledger.terms/1"
SEMANTICS = 1
"""The version of what the evaluators make of a document; it is part of what is signed."""

DENOMINATOR_LIMIT = 10**9
"""Largest common denominator of one clause's exact amounts."""

RATE_DENOMINATOR_LIMIT = 10**6
"""Largest denominator of a rate at which something accrues."""

WHOLE_PARK = 0
"""The subject that stands for the whole park, where figures aren't kept by enterprise."""


class Mechanism(StrEnum):
    """The three sharing mechanisms that the national plan names, and vouchers that are good across zones.

    国发〔2020〕7号; the plan of 2021-25, task 7.
    """

    OUTPUT_VALUE = "output_value"
    """产值分计"""
    TAX = "tax"
    """税收分成"""
    DEVELOPMENT_REVENUE = "development_revenue"
    """共建园区开发建设收益分成"""
    INNOVATION_VOUCHER = "innovation_voucher"
    """科技创新券通用通兑"""


class Book(StrEnum):
    """Official and assessment statistics never mix; money has its own book."""

    CASH = "cash"
    OFFICIAL = "official"
    """In-place statistics, always 100%."""
    ASSESSMENT = "assessment"
    """Statistics by agreement, for assessment only, never published (桂统函〔2025〕29号)."""


class What(Document):
    """The figures that the clause is about."""

    mechanism: Mechanism
    measures: tuple[MeasureName, ...] = Field(min_length=1, description="Measures that are added up.")
    deduct: tuple[MeasureName, ...] = Field(
        default=(), description="Measures that are subtracted: incentives paid, or deductible costs."
    )
    reported_by: Role = Field(description="The role whose return holds the figures of record.")


class Scope(StrEnum):
    WHOLE_PARK = "whole_park"
    LISTED_ENTERPRISES = "listed_enterprises"


class CauseOfMove(StrEnum):
    GOVERNMENT_LED = "government_led"
    MARKET = "market"


class Eligibility(Document):
    """What an enterprise must fulfil; every condition that is given must hold."""

    pre_move_tax_average_at_least: AmountText | None = Field(
        default=None, description="Average yearly tax before the move, in yuan (财预〔2015〕92号: 20000000)."
    )
    cause_of_move: CauseOfMove | None = None
    referred_by: Role | None = None
    attributes: Where = Field(default={})


class Whose(Document):
    """The subjects: the whole park as one, or each enterprise of the confirmed list by itself."""

    scope: Scope
    eligibility: Eligibility | None = None


class Event(StrEnum):
    """Dated events of an enterprise that can start or end a window."""

    REGISTRATION = "registration"
    CONSTRUCTION_START = "construction_start"
    FIRST_TAX = "first_tax"
    CAPACITY_REACHED = "capacity_reached"
    DEREGISTRATION = "deregistration"
    MOVED_AWAY = "moved_away"


class Step(StrEnum):
    """A clause is computed step by step; everything dated is read on the first day of the step."""

    MONTH = "month"
    QUARTER = "quarter"


class Begins(StrEnum):
    """The first step that counts, given the day on which the clock starts."""

    STEP_OF_DAY = "step_of_day"
    NEXT_STEP = "next_step"
    YEAR_OF_DAY = "year_of_day"
    """The first step of the calendar year that holds the day."""
    NEXT_YEAR = "next_year"


class Clock(Document):
    """What starts the time, plus an offset."""

    day: Day | None = Field(default=None, description="A stated day.")
    event: Event | None = Field(default=None, description="An event of each enterprise.")
    occurrence: OccurrenceName | None = Field(
        default=None,
        description="A condition precedent: something that happens once for the whole agreement, such as "
        "aid_fund_paid_in. Until it has happened the window isn't open.",
    )
    first_shared: Literal[True] | None = Field(
        default=None,
        description="With how_much.recover: the first step in which something is left to share. The window "
        "doesn't close before.",
    )
    offset_months: Annotated[int, Field(ge=0, le=1200)] = 0
    begins: Begins

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (
            sum(start is not None for start in (self.day, self.event, self.occurrence, self.first_shared))
            != 1
        ):
            raise PydanticCustomError("clock", "give one of day, event, occurrence, first_shared")
        return self


class Extension(Document):
    """More time when the lifetime cap hasn't been reached at the end of the window."""

    condition: Literal["cap_not_reached"]
    length_months: Months
    on_correction: Literal["reopen", "hold"] = Field(
        description="A later correction of an earlier figure decides anew (reopen), or the decision stands "
        "(hold)."
    )


class Window(Document):
    """When figures are shared; without a length it never closes."""

    clock: Clock
    length_months: Months | None = None
    extension: Extension | None = None
    ends_at: tuple[Event, ...] = Field(
        default=(),
        description="Events that end it early: figures of steps that begin on or after the day are out.",
    )


class When(Document):
    step: Step
    window: Window | None = Field(default=None, description="Null: as long as the terms are in force.")


class Tier(Document):
    """One level of government's rule: of what reaches it, ``kept`` goes on down."""

    name: Bilingual
    kept: ShareText


class Retention(Document):
    """From a day on, the part of a measure that stays in the base, tier by tier (multiplied)."""

    starts: Day
    measure: MeasureName
    tiers: tuple[Tier, ...] = Field(min_length=1)

    @property
    def kept(self) -> Fraction:
        product = Fraction(1)
        for tier in self.tiers:
            product *= parse_share(tier.kept)
        return product


class WithinYear(StrEnum):
    """How a test against a yearly figure works inside the year."""

    YEAR_TO_DATE = "year_to_date"
    """The year so far against the whole yearly figure."""
    PRO_RATA = "pro_rata"
    """The year so far against the figure times the steps counted over the steps of a year."""
    SAME_QUARTER = "same_quarter"
    """The year so far against the same quarters of the base year."""
    FINAL_ONLY = "final_only"
    """Only in the last step of the year."""


class Loss(StrEnum):
    """What happens where the figures stay below what they are tested against."""

    FORGOTTEN = "forgotten"
    CARRIED = "carried"
    """The shortfall of the year is added to next year's figure."""
    SHARED = "shared"
    """The shortfall is divided like a gain, as a negative amount."""


class Surplus(Document):
    """Only what exceeds a yearly base is shared; the stock stays where it was."""

    base: AmountText | None = Field(
        default=None, description="The yearly base in the commodity's unit; 0 for net revenue."
    )
    base_by_quarter: tuple[AmountText, AmountText, AmountText, AmountText] | None = None
    base_of_enterprise: bool = Field(default=False, description="Each enterprise's own base_year_amount.")
    within_year: WithinYear
    loss: Loss

    @model_validator(mode="after")
    def _one_base(self) -> Self:
        given = (self.base is not None) + (self.base_by_quarter is not None) + self.base_of_enterprise
        if given != 1:
            raise PydanticCustomError("surplus_base", "give one of base, base_by_quarter, base_of_enterprise")
        if (self.base_by_quarter is not None) != (self.within_year is WithinYear.SAME_QUARTER):
            raise PydanticCustomError("surplus_quarters", "base_by_quarter goes with same_quarter, only")
        return self


class MissingYears(StrEnum):
    """What an average over years does in the first of them."""

    FEWER = "fewer"
    """The years so far are averaged."""
    ZERO = "zero"
    """Years before the first count as 0."""


class Smoothing(Document):
    """Once a year, with its last step, the average of what the last years gave is shared."""

    years: Annotated[int, Field(ge=2, le=10)] = Field(description="How many, with the year itself.")
    missing_years: MissingYears

    @property
    def denominator(self) -> int:
        """A common denominator of every average of whole amounts."""
        return lcm(*range(1, self.years + 1)) if self.missing_years is MissingYears.FEWER else self.years


class Rate(Document):
    """The part of the base that counts for the subjects with these attributes."""

    where: Where = Field(default={})
    rate: ShareText


class Input(Document):
    """Money that a party has put in: direct investment and incentives, for example."""

    starts: Day = Field(description="From this day on it is to be recovered.")
    amount: AmountText


class Recover(Document):
    """What is shared first repays a party's input; only the rest is divided (淄博, 2022)."""

    to: Role
    inputs: tuple[Input, ...] = Field(min_length=1, description="In date order.")
    yearly_return: ShareText | None = Field(
        description="Simple yearly return on the input not yet recovered; null: the input alone is recovered."
    )


class HowMuch(Document):
    """The base of a step: the measures, each as far as it is retained, less what is deducted."""

    retention: tuple[Retention, ...] = Field(
        default=(),
        description="Dated tier table. A measure that the table names is retained by it; others are taken "
        "whole.",
    )
    rates: tuple[Rate, ...] = Field(
        default=(),
        description="The first row whose `where` holds gives the rate of the base; one without `where` holds "
        "for all that are left; where none holds the rate is 0. Without rows the base counts whole.",
    )
    surplus: Surplus | None = None
    recover: Recover | None = None
    smoothing: Smoothing | None = None
    own_rates: dict[Role, ShareText] = Field(
        default={},
        description="Two passes (国家税务总局公告2012年第57号): what is shared is divided by the shares, "
        "each part taken at its party's own rate, and the sum divided again by the same shares. Empty: one "
        "pass.",
    )

    def own_rate(self, shares: Mapping[str, Fraction]) -> Fraction:
        """What the parties' own rates leave of 1 under ``shares``; 1 without own rates."""
        if not self.own_rates:
            return Fraction(1)
        rates = {role: parse_share(text) for role, text in self.own_rates.items()}
        return sum((share * rates.get(role, 0) for role, share in shares.items()), Fraction(0))


class Regime(StrEnum):
    """How the assessment book credits a statistic; money is always proportional."""

    PROPORTIONAL = "proportional"
    FULL_TO_EACH = "full_to_each"
    FULL_TO_ONE = "full_to_one"


class Parts(Document):
    """Who gets which exact part."""

    shares: dict[Role, ShareText] | None = Field(default=None, min_length=1)
    weights: dict[Role, WeightText] | None = Field(
        default=None,
        min_length=1,
        description="Instead of shares: each role's weight, such as its equity or area. A role's share is "
        "its weight over the sum of the row.",
    )

    @model_validator(mode="after")
    def _shares_or_weights(self) -> Self:
        if (self.shares is None) == (self.weights is None):
            raise PydanticCustomError("key_parts", "give either shares or weights, not both")
        if self.weights is not None and not any(Fraction(text) for text in self.weights.values()):
            raise PydanticCustomError("key_weightless", "at least one weight is above zero")
        return self

    @property
    def written_as(self) -> str:
        """The field that holds the parts."""
        return "shares" if self.weights is None else "weights"

    @property
    def exact(self) -> dict[str, Fraction]:
        """Role to exact share."""
        return dict(_exact_parts(self))


class Shares(Parts):
    """From a day or an elapsed time on (the first row may leave it out), who gets which exact part."""

    starts: Day | None = None
    after_months: Annotated[int, Field(ge=0, le=1200)] | None = Field(
        default=None,
        description="Instead of starts: from this many months after the window's first day on.",
    )

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.starts is not None and self.after_months is not None:
            raise PydanticCustomError("key_begins", "give either starts or after_months, not both")
        return self


class BandPeriod(StrEnum):
    """Over which time the amount that decides about the band is added up."""

    STEP = "step"
    YEAR = "year"
    LIFETIME = "lifetime"


class Band(Parts):
    """Who gets which part of what lies above an amount, up to the next band's."""

    above: AmountText


class Bands(Document):
    """Shares by amount, each band for itself: what is above a limit doesn't change what is below it."""

    over: BandPeriod
    rows: tuple[Band, ...] = Field(min_length=1, description="In order of amount; the first is above 0.")


@lru_cache(maxsize=4096)
def _parts_of(texts: tuple[tuple[str, str], ...], by_weight: bool) -> dict[str, Fraction]:
    parts = {role: Fraction(text) for role, text in texts}
    total = sum(parts.values()) if by_weight else 1
    return {role: part / total for role, part in parts.items()}


def _exact_parts(row: Parts) -> dict[str, Fraction]:
    by_weight = row.weights is not None
    return _parts_of(tuple((row.weights or row.shares or {}).items()), by_weight)


class FactorYear(StrEnum):
    """Whose year's factors count in a step."""

    SAME = "same"
    PREVIOUS = "previous"
    TWO_BEFORE = "two_before"


class ZeroDenominator(StrEnum):
    """What a factor does that is 0 for everybody who takes part."""

    DROP_FACTOR = "drop_factor"
    """It is left out, and the others' weights grow to add up to 1; nothing left: equal parts."""
    EQUAL = "equal"
    """Everybody has an equal part of it."""


class FactorValues(Document):
    """One party's factors of one year."""

    year: Annotated[int, Field(ge=1949, le=2199)]
    role: Role
    values: dict[FactorName, AmountText] = Field(min_length=1, description="Factor to its value.")


class RatioRounding(Document):
    """Ratios with so many decimal places, as the forms of a consolidated tax return state them."""

    places: Annotated[int, Field(ge=1, le=8)]
    mode: RoundingMode
    remainder_to: Role = Field(
        description="Whose ratio takes what is missing to 1; where it doesn't take part, the last role in "
        "alphabetical order."
    )


class Apportion(Document):
    """The share of one name in the key is divided among parties by weighted factors."""

    share_of: Role = Field(description="A name in every row of the key that isn't a party itself.")
    weights: dict[FactorName, ShareText] = Field(
        min_length=1,
        description="Factor to its weight; they add up to 1 (财预〔2012〕40号: 7/20, 7/20, 3/10).",
    )
    factor_year: FactorYear
    zero_denominator: ZeroDenominator
    values: tuple[FactorValues, ...] = Field(
        min_length=1,
        description="The factors, year by year. A party without a row in a year that has others counts as 0.",
    )
    round_down_to: AmountText | None = Field(
        default=None, description="Values are rounded down to full multiples of this before the ratio."
    )
    ratio_rounding: RatioRounding | None = Field(
        default=None, description="Null: ratios are exact fractions."
    )
    entries: dict[Role, Day] = Field(
        default={}, description="A party takes part in steps that begin on or after this day."
    )
    exits: dict[Role, Day] = Field(
        default={}, description="A party takes part in steps that begin before this day."
    )

    @property
    def roles(self) -> frozenset[str]:
        """Every party that the factors name."""
        return frozenset(row.role for row in self.values)

    @property
    def years(self) -> frozenset[int]:
        """Every year that has factors."""
        return frozenset(row.year for row in self.values)

    def year_on(self, day: date) -> int:
        """The year whose factors count in the step that begins on ``day``."""
        return day.year - _YEARS_BEFORE[self.factor_year]

    def taking_part(self, day: date) -> frozenset[str]:
        """The parties that take part in the step that begins on ``day``."""
        return frozenset(
            role
            for role in self.roles
            if self.entries.get(role, day) <= day and day < self.exits.get(role, date.max)
        )

    def factor_parts(self, year: int, roles: frozenset[str]) -> dict[str, list[FactorPart]]:
        """What every factor of ``year`` gives to every one of ``roles``."""
        weights = {factor: parse_share(text) for factor, text in self.weights.items()}
        values = {role: self._values_of(year, role) for role in sorted(roles)}
        drops_empty = self.zero_denominator is ZeroDenominator.DROP_FACTOR
        return factor_parts(weights, values, drops_empty=drops_empty)

    def ratios(self, year: int, roles: frozenset[str]) -> dict[str, Fraction]:
        """Role to its ratio; they add up to 1, or there are none."""
        exact = {
            role: sum((part.part for part in parts), Fraction(0))
            for role, parts in self.factor_parts(year, roles).items()
        }
        rounding = self.ratio_rounding
        if rounding is None:
            return exact
        return rounded_ratios(exact, rounding.places, rounding.mode, rounding.remainder_to)

    def ever(self) -> Iterable[dict[str, Fraction]]:
        """The ratios of every time that the factors are about."""
        for year in sorted(self.years):
            days = [date(year + _YEARS_BEFORE[self.factor_year], month, 1) for month in range(1, 13)]
            for roles in {self.taking_part(day) for day in days}:
                yield self.ratios(year, roles)

    def _values_of(self, year: int, role: str) -> dict[str, Fraction]:
        unit = Fraction(self.round_down_to or 0)
        exact = (row.values for row in self.values if (row.year, row.role) == (year, role))
        return {
            factor: Fraction(text) // unit * unit if unit else Fraction(text)
            for values in exact
            for factor, text in values.items()
        }


_YEARS_BEFORE = {FactorYear.SAME: 0, FactorYear.PREVIOUS: 1, FactorYear.TWO_BEFORE: 2}


class ToWhom(Document):
    regime: Regime
    key: tuple[Shares, ...] = Field(
        default=(), description="Table of shares, dated or by elapsed time, in that order."
    )
    bands: Bands | None = Field(default=None, description="Instead of key: shares by amount.")
    apportion: Apportion | None = None
    otherwise: Role = Field(
        description="Who gets what is outside the window or of an enterprise that isn't eligible."
    )
    in_place: Role | None = Field(
        default=None, description="Statistics only: whose the figure is in the official book."
    )

    @model_validator(mode="after")
    def _key_or_bands(self) -> Self:
        if bool(self.key) == (self.bands is not None):
            raise PydanticCustomError("key_or_bands", "give either key or bands, not both")
        return self

    @property
    def rows(self) -> tuple[Parts, ...]:
        """Every row of the key, or every band."""
        return self.key if self.bands is None else self.bands.rows

    @property
    def by_elapsed_time(self) -> bool:
        """Whether the key's rows begin by the time since the window's first day."""
        return any(row.after_months is not None for row in self.key)

    @property
    def credited(self) -> frozenset[str]:
        """Every party that a row or its factors name."""
        named = frozenset(role for row in self.rows for role in row.exact)
        if self.apportion is None:
            return named
        return (named - {self.apportion.share_of}) | self.apportion.roles

    @property
    def denominator(self) -> int:
        """A common denominator of every share."""
        return lcm(1, *(share.denominator for shares in self.ever_shares() for share in shares.values()))

    def missing_year(self, row: Parts, day: date) -> int | None:
        """The year whose factors ``row`` needs on ``day`` and hasn't got."""
        apportion = self.apportion
        if apportion is None or not row.exact.get(apportion.share_of) or not apportion.taking_part(day):
            return None
        year = apportion.year_on(day)
        return None if year in apportion.years else year

    def shares_on(self, row: Parts, day: date) -> dict[str, Fraction]:
        """The shares that ``row`` gives the parties in the step that begins on ``day``."""
        apportion = self.apportion
        if apportion is None:
            return row.exact
        return self._apportioned(row, apportion.ratios(apportion.year_on(day), apportion.taking_part(day)))

    def _apportioned(self, row: Parts, ratios: dict[str, Fraction]) -> dict[str, Fraction]:
        shares = row.exact
        whole = shares.pop(self.apportion.share_of if self.apportion else "", Fraction(0))
        for role, ratio in (ratios or {self.otherwise: Fraction(1)}).items():
            shares[role] = shares.get(role, Fraction(0)) + whole * ratio
        return shares

    def ever_shares(self) -> Iterable[dict[str, Fraction]]:
        """The shares of every row at every time."""
        for row in self.rows:
            if self.apportion is None:
                yield row.exact
            else:
                yield self._apportioned(row, {})
                yield from (self._apportioned(row, ratios) for ratios in self.apportion.ever())


class Cap(Document):
    """A limit on what is shared, over a subject's whole life or a calendar year."""

    amount: AmountText | None = None
    pre_move_tax_total: bool = Field(
        default=False, description="The enterprise's own taxes of the years before the move, added up."
    )
    over: Literal["lifetime", "year"] = Field(description="The time over which what is shared adds up.")
    unused: Literal["lapses", "carries"] | None = Field(
        default=None, description="Of a yearly cap: what becomes of room that a year leaves unused."
    )
    per: Literal["subject", "controller"] = Field(
        default="subject",
        description="controller: enterprises with the same actual controller use one limit together.",
    )
    order: Literal["by_subject"] | None = Field(
        default=None,
        description="Per controller: who uses the room first inside a step. by_subject: in the order of the "
        "subjects' numbers.",
    )
    measured_on: Literal["receipts", "pool"] = Field(
        description="receipts: what the capped party gets. pool: everything put in to be shared. "
        "They differ by the share."
    )
    capped: Role | None = Field(
        default=None, description="With receipts: the party whose receipts are limited."
    )
    excess_to: Role | None = Field(
        description="Who gets what exceeds the cap; null: it isn't granted at all."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.amount is None) != self.pre_move_tax_total:
            raise PydanticCustomError("cap_limit", "give either amount or pre_move_tax_total")
        if (self.capped is None) == (self.measured_on == "receipts"):
            raise PydanticCustomError("cap_capped", "capped goes with measured_on receipts, only")
        if (self.unused is None) == (self.over == "year"):
            raise PydanticCustomError("cap_unused", "unused goes with over year, only")
        if (self.order is None) == (self.per == "controller"):
            raise PydanticCustomError("cap_order", "order goes with per controller, only")
        return self


class Floor(Document):
    """A party's guaranteed minimum of a calendar year, made good by another party (青川, 2009)."""

    party: Role
    from_party: Role = Field(description="The guarantor.")
    yearly_amount: AmountText
    window: Window | None = Field(
        default=None, description="Years whose last step it holds are tested; null: all. No extension."
    )
    tested: Literal["final_only"] = Field(description="Only in the last step of the year.")
    shortfall: Literal["topped_up", "waived", "carried"] = Field(
        description="topped_up: the guarantor gives the whole gap. waived: as far as its own receipts of the "
        "year cover, the rest lapses. carried: as they cover, the rest is added to next year's floor."
    )


class BudgetAmount(Document):
    """From a day on, what there is for each period."""

    starts: Day
    amount: AmountText


class Budget(Document):
    """What can be spent on all subjects together; where it is short, they share it (福建; Meadowlands)."""

    amounts: tuple[BudgetAmount, ...] = Field(
        min_length=1, description="In date order. Before the first there is nothing to spend."
    )
    payer: Role | None = Field(description="The party whose part it limits; null: everything that is shared.")
    over: Literal["quarter", "year"] = Field(description="The calendar period that each amount is for.")
    applied: Literal["before_caps", "after_caps"] = Field(
        description="before_caps: caps look at what the budget leaves. after_caps: it looks at theirs."
    )
    within_period: Literal["step_by_step"] = Field(
        description="Every step draws on what the steps before it have left."
    )
    order: Literal["pro_rata", "by_subject"] = Field(
        description="Inside a step that it doesn't suffice for. pro_rata: all by one factor. by_subject: one "
        "after another in the order of the subjects' numbers."
    )
    unused: Literal["lapses"] = Field(description="What a period leaves unspent isn't there in the next.")
    excess_to: Role | None = Field(
        description="Who gets what exceeds the budget; null: it isn't granted at all."
    )

    def row_on(self, day: date) -> BudgetAmount | None:
        """The row that holds in the step that begins on ``day``."""
        begun = [row for row in self.amounts if row.starts <= day]
        return begun[-1] if begun else None


class Within(Document):
    caps: tuple[Cap, ...] = Field(
        default=(),
        description="Limits in order, each to what the one before left; those on the pool come first.",
    )
    budget: Budget | None = None
    floor: Floor | None = None


class Routing(Document):
    """A part of every booked share goes to a fund instead of to the party, as long as the window is open."""

    to: Role
    part: ShareText
    window: Window | None = Field(default=None, description="Null: always. No extension.")


class Instalment(Document):
    """A part of what a year's settlement makes due."""

    due: Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$")] = Field(
        description="Month and day, such as 05-15; no day after the 28th, so that every month has it."
    )
    part: ShareText


class MonthlyRate(Document):
    """From a day on, the simple rate for every month, or part of one, that a payment is late."""

    starts: Day
    monthly_rate: ShareText


class Then(Document):
    """What happens with the result."""

    routing: Routing | None = None
    provisional: Literal["cash", "accrue"] = Field(
        description="Quarters before the year's last: cash is due at once, or the amount only accrues until "
        "the last."
    )
    paid_by: Role | None = Field(
        default=None,
        description="The party that holds the money and pays the others their shares; null: the party of "
        "to_whom.otherwise.",
    )
    negative: Literal["refund", "carry", "set_off"] = Field(description="What a negative amount due does.")
    netting: bool = Field(description="May be set off against other clauses and agreements of the same pair.")
    form: Literal["direct", "year_end", "set_off", "fund"] | None = Field(
        default=None, description="How a settlement is carried out; null: left to the parties."
    )
    instalments: tuple[Instalment, ...] = Field(
        default=(), description="Due days in the year of payment, in order; the last takes the remainder."
    )
    interest: tuple[MonthlyRate, ...] = Field(
        default=(), description="Dated table of rates on what is paid late; none: no interest."
    )


class Grain(StrEnum):
    """Where exact amounts become whole minor units."""

    LINE = "line"
    """Every line by itself."""
    PERIOD = "period"
    """Every subject's quarter by itself."""
    SUBJECT = "subject"
    """Cumulatively per subject and clause: a quarter gets the rounded sum so far less what it was before."""
    CLAUSE = "clause"
    """Cumulatively for the clause, all subjects together; only the clause's total is booked."""


class Rounding(Document):
    grain: Grain
    mode: RoundingMode
    remainder_to: Role


class ExampleSubject(Document):
    """A made-up enterprise of a worked example."""

    events: dict[Event, Day] = Field(default={})
    pre_move_tax: dict[str, AmountText] = Field(default={}, description="Year to amount.")
    cause_of_move: CauseOfMove | None = None
    referred_by: Role | None = None
    attributes: dict[AttributeName, AttributeValue] = Field(default={})
    controller: str | None = Field(default=None, min_length=1, description="The actual controller's name.")
    base_year_amount: AmountText | None = None


class ExampleFigure(Document):
    span: SpanText
    measure: MeasureName
    amount: SignedAmountText
    subject: str | None = Field(default=None, description="A key of subjects; null for the whole park.")


class Expected(Document):
    """What a party must get over the quarters from ``first`` to ``last``."""

    first: QuarterText
    last: QuarterText
    book: Book
    party: Role
    amount: SignedAmountText
    routed: SignedAmountText | None = None


class Example(Document):
    """Figures and the result that the parties agree they must give."""

    title: Bilingual
    occurrences: dict[OccurrenceName, Day] = Field(
        default={}, description="The day of everything that has happened to the agreement."
    )
    subjects: dict[str, ExampleSubject] = Field(default={})
    figures: tuple[ExampleFigure, ...] = Field(min_length=1)
    expect: tuple[Expected, ...] = Field(min_length=1)


class Clause(Document):
    """One rule. Its number stays the same through all versions of the terms and is never used again."""

    number: Annotated[int, Field(ge=1, le=999)]
    title: Bilingual
    what: What
    whose: Whose
    when: When
    how_much: HowMuch = HowMuch()
    to_whom: ToWhom
    within: Within = Within()
    then: Then
    rounding: Rounding
    examples: tuple[Example, ...] = Field(min_length=1)

    @property
    def roles(self) -> frozenset[str]:
        """Every role that the clause names."""
        return frozenset(role for role in self._named_roles() if role is not None)

    def _named_roles(self) -> Iterable[str | None]:
        yield from (self.what.reported_by, self.rounding.remainder_to, self.then.paid_by)
        yield from (self.to_whom.otherwise, self.to_whom.in_place, *self.to_whom.credited)
        yield from self.how_much.own_rates
        if self.to_whom.apportion is not None:
            yield from (*self.to_whom.apportion.entries, *self.to_whom.apportion.exits)
            if self.to_whom.apportion.ratio_rounding is not None:
                yield self.to_whom.apportion.ratio_rounding.remainder_to
        for cap in self.within.caps:
            yield from (cap.excess_to, cap.capped)
        if self.within.budget is not None:
            yield from (self.within.budget.payer, self.within.budget.excess_to)
        if self.within.floor is not None:
            yield from (self.within.floor.party, self.within.floor.from_party)
        if self.how_much.recover is not None:
            yield self.how_much.recover.to
        if self.then.routing is not None:
            yield self.then.routing.to
        if self.whose.eligibility is not None:
            yield self.whose.eligibility.referred_by

    @property
    def entitlement_keys(self) -> tuple[tuple[Book, str], ...]:
        """Every (book, role) that the clause may credit, in the order in which carried state is stored."""
        credited = {self.to_whom.otherwise, self.rounding.remainder_to} | self.to_whom.credited
        credited |= {cap.excess_to for cap in self.within.caps if cap.excess_to is not None}
        if self.within.budget is not None and self.within.budget.excess_to is not None:
            credited.add(self.within.budget.excess_to)
        if self.within.floor is not None:
            credited |= {self.within.floor.party, self.within.floor.from_party}
        if self.how_much.recover is not None:
            credited.add(self.how_much.recover.to)
        if self.what.mechanism is not Mechanism.OUTPUT_VALUE:
            return tuple((Book.CASH, role) for role in sorted(credited))
        official = ((Book.OFFICIAL, self.to_whom.in_place),) if self.to_whom.in_place else ()
        return official + tuple((Book.ASSESSMENT, role) for role in sorted(credited))

    @property
    def counter_names(self) -> tuple[str, ...]:
        """What the clause carries for its own rules, in the order in which carried state is stored."""
        recovery = ("first_shared", "recovered", "accrued") if self.how_much.recover is not None else ()
        floor = ("floor_year", "floor_receipts", "guarantor_receipts", "shortfall")
        budget = ("budget_period", "budget_used")
        smoothing = self.how_much.smoothing
        years = range(0 if smoothing is None else smoothing.years)
        return (
            recovery
            + (floor if self.within.floor is not None else ())
            + (budget if self.within.budget is not None else ())
            + tuple(f"used_{place}" for place in range(len(self.within.caps)))
            + (("years", *(f"year_{place}" for place in years)) if years else ())
        )

    @property
    def denominator(self) -> int:
        """A common denominator of every exact amount that the clause can make of whole minor units."""
        kept = lcm(1, *(row.kept.denominator for row in self.how_much.retention))
        shares = self.to_whom.denominator
        steps = 12 if self.how_much.surplus is not None else 1
        rates = lcm(1, *(parse_share(row.rate).denominator for row in self.how_much.rates))
        years = self.how_much.smoothing.denominator if self.how_much.smoothing is not None else 1
        return kept * rates * shares * steps * years * self.own_rate_denominator

    @property
    def own_rate_denominator(self) -> int:
        """A common denominator of what own rates can leave."""
        return lcm(1, *(self.how_much.own_rate(shares).denominator for shares in self.to_whom.ever_shares()))


class Terms(Document):
    """Everything that one version of an agreement says, with the parties bound to their roles."""

    format: Literal["parkledger.terms/1"] = "parkledger.terms/1"
    semantics: Literal[1] = 1
    agreement: str = Field(min_length=1, description="The agreement's code.")
    roles: dict[Role, str] = Field(min_length=2, description="Role to the party's code.")
    in_force_from: QuarterText
    last_quarter: QuarterText | None = None
    transition: Literal["by_step", "open_windows_keep_terms"] = Field(
        description="Windows that are open when these terms take the place of others. by_step: every step is "
        "computed under the terms in force for it. open_windows_keep_terms: a subject whose window was open "
        "stays under the terms of then until it closes. What is carried goes on in both."
    )
    clauses: tuple[Clause, ...] = Field(min_length=1)
    procedure: Procedure | None = Field(
        default=None,
        description="How the sides work a quarter through; null: a return counts once it is handed in, and "
        "either side closes the quarter.",
    )
    commitments: tuple[Commitment, ...] = Field(
        default=(), description="What the sides promise each other beside money."
    )

    def clause(self, number: int) -> Clause | None:
        return next((clause for clause in self.clauses if clause.number == number), None)

    @property
    def reporting_roles(self) -> frozenset[str]:
        """Who hands in a return each quarter: whose figures clauses read, and who is compared with them."""
        read = frozenset(clause.what.reported_by for clause in self.clauses)
        compared = () if self.procedure is None else self.procedure.reconciliations
        return read.union(one.against for one in compared if one.record in read)
