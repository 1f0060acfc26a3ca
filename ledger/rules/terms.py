"""The terms of an agreement: the document that is edited, rendered, signed and evaluated.

A clause is read in the order in which its fields stand here: what, whose, when, how much, to whom,
within what, and then, to the last unit, for example. Amounts are text in the commodity's unit
(``"20000000.00"`` yuan), shares are exact text (``"2/5"``), quarters ``"2024Q3"``, days ``"2024-07-01"``.
Wherever a rule can be read two ways the field is required.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from fractions import Fraction
from math import lcm
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ledger.money import RoundingMode, ShareUnreadable, parse_share
from ledger.periods import PeriodUnreadable, Quarter

FORMAT = "parkledger.terms/1"
SEMANTICS = 1
"""The version of what the evaluators make of a document; it is part of what is signed."""

DENOMINATOR_LIMIT = 10**9
"""Largest common denominator of one clause's exact amounts."""

RATE_DENOMINATOR_LIMIT = 10**6
"""Largest denominator of a rate at which something accrues."""

WHOLE_PARK = 0
"""The subject that stands for the whole park, where figures aren't kept by enterprise."""


def _share(text: str) -> str:
    try:
        parse_share(text)
    except ShareUnreadable as refusal:
        raise PydanticCustomError("share", "expected an exact share, got {text}", {"text": text}) from refusal
    return text


def _quarter(text: str) -> str:
    try:
        Quarter.parse(text)
    except PeriodUnreadable as refusal:
        raise PydanticCustomError("quarter", "expected a quarter, got {text}", {"text": text}) from refusal
    return text


AmountText = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$")]
SignedAmountText = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$")]
ShareText = Annotated[str, AfterValidator(_share)]
QuarterText = Annotated[str, AfterValidator(_quarter)]
SpanText = Annotated[str, StringConstraints(pattern=r"^[12][0-9]{3}(Q[1-4]|-(0[1-9]|1[0-2]))$")]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
OccurrenceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
MeasureName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
AttributeValue = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f“”]{1,60}$")]
Where = Annotated[
    dict[AttributeName, Annotated[tuple[AttributeValue, ...], Field(min_length=1)]],
    Field(description="Attribute to its accepted values; every attribute named must have one of them."),
]
Months = Annotated[int, Field(ge=1, le=1200)]


class Document(BaseModel):
    """A part of the terms: immutable, nothing unknown allowed, no value converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=False)


class Mechanism(StrEnum):
    """The three mechanisms that the national plan names (国发〔2020〕7号; the plan of 2021-25, task 7)."""

    OUTPUT_VALUE = "output_value"
    """产值分计"""
    TAX = "tax"
    """税收分成"""
    DEVELOPMENT_REVENUE = "development_revenue"
    """共建园区开发建设收益分成"""


class Book(StrEnum):
    """Official and assessment statistics never mix; money has its own book."""

    CASH = "cash"
    OFFICIAL = "official"
    """In-place statistics, always 100%."""
    ASSESSMENT = "assessment"
    """Statistics by agreement, for assessment only, never published (桂统函〔2025〕29号)."""


class Bilingual(Document):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


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
    attributes: Where = {}


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

    day: date | None = Field(default=None, strict=False, description="A stated day.")
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

    starts: date = Field(strict=False)
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


class Rate(Document):
    """The part of the base that counts for the subjects with these attributes."""

    where: Where = {}
    rate: ShareText


class Input(Document):
    """Money that a party has put in: direct investment and incentives, for example."""

    starts: date = Field(strict=False, description="From this day on it is to be recovered.")
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


class Regime(StrEnum):
    """How the assessment book credits a statistic; money is always proportional."""

    PROPORTIONAL = "proportional"
    FULL_TO_EACH = "full_to_each"
    FULL_TO_ONE = "full_to_one"


class Shares(Document):
    """From a day on (the first row may leave it out), who gets which exact part."""

    starts: date | None = Field(default=None, strict=False)
    shares: dict[Role, ShareText] = Field(min_length=1)


class ToWhom(Document):
    regime: Regime
    key: tuple[Shares, ...] = Field(min_length=1, description="Dated table of shares, in date order.")
    otherwise: Role = Field(
        description="Who gets what is outside the window or of an enterprise that isn't eligible."
    )
    in_place: Role | None = Field(
        default=None, description="Statistics only: whose the figure is in the official book."
    )


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


class Within(Document):
    caps: tuple[Cap, ...] = Field(
        default=(),
        description="Limits in order, each to what the one before left; those on the pool come first.",
    )
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

    starts: date = Field(strict=False)
    monthly_rate: ShareText


class Then(Document):
    """What happens with the result."""

    routing: Routing | None = None
    provisional: Literal["cash", "accrue"] = Field(
        description="Quarters before the year's last: cash is due at once, or the amount only accrues until "
        "the last."
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

    events: dict[Event, Annotated[date, Field(strict=False)]] = {}
    pre_move_tax: dict[str, AmountText] = Field(default={}, description="Year to amount.")
    cause_of_move: CauseOfMove | None = None
    referred_by: Role | None = None
    attributes: dict[AttributeName, AttributeValue] = {}
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
    occurrences: dict[OccurrenceName, Annotated[date, Field(strict=False)]] = Field(
        default={}, description="The day of everything that has happened to the agreement."
    )
    subjects: dict[str, ExampleSubject] = {}
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
        return frozenset(self._named_roles())

    def _named_roles(self) -> Iterable[str]:
        yield self.what.reported_by
        yield self.rounding.remainder_to
        yield self.to_whom.otherwise
        for row in self.to_whom.key:
            yield from row.shares
        if self.to_whom.in_place is not None:
            yield self.to_whom.in_place
        for cap in self.within.caps:
            yield from (role for role in (cap.excess_to, cap.capped) if role is not None)
        if self.within.floor is not None:
            yield from (self.within.floor.party, self.within.floor.from_party)
        if self.how_much.recover is not None:
            yield self.how_much.recover.to
        if self.then.routing is not None:
            yield self.then.routing.to
        if self.whose.eligibility is not None and self.whose.eligibility.referred_by is not None:
            yield self.whose.eligibility.referred_by

    @property
    def entitlement_keys(self) -> tuple[tuple[Book, str], ...]:
        """Every (book, role) that the clause may credit, in the order in which carried state is stored."""
        credited = {self.to_whom.otherwise, self.rounding.remainder_to}
        for row in self.to_whom.key:
            credited |= row.shares.keys()
        credited |= {cap.excess_to for cap in self.within.caps if cap.excess_to is not None}
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
        return (
            recovery
            + (floor if self.within.floor is not None else ())
            + tuple(f"used_{place}" for place in range(len(self.within.caps)))
        )

    @property
    def denominator(self) -> int:
        """A common denominator of every exact amount that the clause can make of whole minor units."""
        kept = lcm(1, *(row.kept.denominator for row in self.how_much.retention))
        shares = lcm(
            1, *(parse_share(text).denominator for row in self.to_whom.key for text in row.shares.values())
        )
        steps = 12 if self.how_much.surplus is not None else 1
        rates = lcm(1, *(parse_share(row.rate).denominator for row in self.how_much.rates))
        return kept * rates * shares * steps


class Terms(Document):
    """Everything that one version of an agreement says, with the parties bound to their roles."""

    format: Literal["parkledger.terms/1"] = "parkledger.terms/1"
    semantics: Literal[1] = 1
    agreement: str = Field(min_length=1, description="The agreement's code.")
    roles: dict[Role, str] = Field(min_length=2, description="Role to the party's code.")
    in_force_from: QuarterText
    last_quarter: QuarterText | None = None
    transition: Literal["by_step"] = Field(
        description="Windows that are open when the terms change: every step is computed under the terms in "
        "force for it; caps, windows and rounding go on."
    )
    clauses: tuple[Clause, ...] = Field(min_length=1)

    def clause(self, number: int) -> Clause | None:
        return next((clause for clause in self.clauses if clause.number == number), None)
