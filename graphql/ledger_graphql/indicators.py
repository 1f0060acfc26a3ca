"""Statistics of zones and targets of plans. Each book has types of its own, so that no field can add both."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

import strawberry

from ledger.desk import indicators, roster
from ledger.desk.indicators.files import percent
from ledger.desk.statements.parts import ASSESSMENT_MARK
from ledger.periods import Quarter
from ledger_graphql.agreements import KnownAt
from ledger_graphql.amounts import COMMODITIES, MEASURES, Measure, ReportedAmount
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import IdempotencyKeyReused, InvalidInput, NotFound, Refused
from ledger_graphql.fields import INPUT, REPLAYED, mutation, resolved
from ledger_graphql.inputs import KEY_DESCRIPTION
from ledger_graphql.parties import Party, party_node
from ledger_graphql.scalars import WrittenAmount
from ledger_graphql.statements import BilingualText

PartyCode = Annotated[str, strawberry.argument(description="The party's code.")]
FirstQuarter = Annotated[Quarter, strawberry.argument(description="The first quarter.")]
LastQuarter = Annotated[
    Quarter, strawberry.argument(description="The last quarter; at most 80 quarters in all.")
]
Year = Annotated[int, strawberry.argument(description="A calendar year.")]


@strawberry.type(description="A statistic in the official book: in place, 100% in all.")
class OfficialAmount(ReportedAmount):
    pass


@strawberry.type(
    description="A statistic in the assessment book: by agreement, for assessment only, never published "
    "(桂统函〔2025〕29号)."
)
class AssessmentAmount(ReportedAmount):
    pass


OfBook = TypeVar("OfBook", OfficialAmount, AssessmentAmount)


@strawberry.type(description="A quarter's figure of one book.")
class QuarterFigure(Generic[OfBook]):
    quarter: Quarter = strawberry.field(description="The quarter that it is about, true-ups included.")
    amount: OfBook = strawberry.field(description="The figure.")


@strawberry.type(description="A year's figure of one book.")
class YearFigure(Generic[OfBook]):
    year: int = strawberry.field(description="The calendar year.")
    amount: OfBook = strawberry.field(
        description="The sum of the known quarters, or for people the last known quarter's figure."
    )


@strawberry.type(description="One statistic of a party in one book.")
class IndicatorSeries(Generic[OfBook]):
    measure: Measure = strawberry.field(description="The statistic.")
    rule_source: BilingualText = strawberry.field(
        description="The public rule under which zones split it, if one was found."
    )
    quarters: list[QuarterFigure[OfBook]] = strawberry.field(description="By quarter; unknown ones left out.")
    years: list[YearFigure[OfBook]] = strawberry.field(description="By year; unknown ones left out.")


@strawberry.type(description="A party's statistics in the official book, as far as agreements report them.")
class OfficialIndicators:
    party: Party = strawberry.field(description="Whose they are.")
    with_parts: bool = strawberry.field(
        description="Whether those who were parks or areas of the zone at a quarter's end are in it."
    )
    known_at: datetime = strawberry.field(description="The moment whose state of the ledger it shows.")
    indicators: list[IndicatorSeries[OfficialAmount]] = strawberry.field(description="By statistic.")


@strawberry.type(description="A party's statistics in the assessment book, of the party alone.")
class AssessmentIndicators:
    party: Party = strawberry.field(description="Whose they are.")
    not_for_publication: BilingualText = strawberry.field(description="What must stand beside every figure.")
    known_at: datetime = strawberry.field(description="The moment whose state of the ledger it shows.")
    indicators: list[IndicatorSeries[AssessmentAmount]] = strawberry.field(description="By statistic.")


@strawberry.type(description="A plan's target for a year beside what the official book has.")
class PlanIndicator:
    measure: Measure = strawberry.field(description="The statistic.")
    year: int = strawberry.field(description="The calendar year.")
    target: OfficialAmount = strawberry.field(description="The target.")
    source: str = strawberry.field(description="The plan that sets it.")
    value: OfficialAmount | None = strawberry.field(
        description="What the official book has; null where nothing is known."
    )
    reached: str | None = strawberry.field(description="The value in percent of the target, such as 96.5%.")


@strawberry.input(description="A target of a plan. A later one for the same statistic and year supersedes.")
class RecordIndicatorTargetInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    zone: str = strawberry.field(description="The zone's code.")
    indicator: str = strawberry.field(description="The statistic's name, such as industrial_output.")
    year: int = strawberry.field(description="The calendar year, from 1949 to 2999.")
    amount: WrittenAmount = strawberry.field(description="In the statistic's unit, above zero.")
    source: str = strawberry.field(description="The plan that sets it, 1 to 500 characters.")


@strawberry.type(description="A target was recorded.")
class IndicatorTargetSuccess:
    sequence: int = strawberry.field(description="Of the targets for this statistic and year, from 1 up.")
    plan: list[PlanIndicator] = strawberry.field(description="The zone's plan for that year as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


RecordIndicatorTargetResult = Annotated[
    IndicatorTargetSuccess | InvalidInput | IdempotencyKeyReused | NotFound | Refused,
    strawberry.union("RecordIndicatorTargetResult", description="What came of recording a target."),
]


@strawberry.type
class IndicatorQueries:
    @resolved("A zone's statistics in the official book; null when there is no such party.")
    def official_indicators(
        self,
        info: Info,
        party: PartyCode,
        first_quarter: FirstQuarter,
        last_quarter: LastQuarter,
        with_parts: Annotated[
            bool, strawberry.argument(description="With those who were its parks or areas at quarter's end.")
        ] = True,
        known_at: KnownAt = None,
    ) -> OfficialIndicators | None:
        desk = info.context
        for found in _seen(desk, party):
            # A part's own agreements aren't the zone's to see, its share of the official book is.
            with desk.seeing_everything() as connection:
                table = indicators.official_table(
                    connection,
                    found.party_id,
                    first_quarter,
                    last_quarter,
                    with_parts=with_parts,
                    known_at=known_at,
                )
            return OfficialIndicators(
                party=party_node(desk, found),
                with_parts=with_parts,
                known_at=table.known_at,
                indicators=[_series(row, OfficialAmount) for row in table.rows],
            )
        return None

    @resolved(
        "A party's statistics in the assessment book, never published; null when there is no such party."
    )
    def assessment_indicators(
        self,
        info: Info,
        party: PartyCode,
        first_quarter: FirstQuarter,
        last_quarter: LastQuarter,
        known_at: KnownAt = None,
    ) -> AssessmentIndicators | None:
        desk = info.context
        for found in _seen(desk, party):
            table = indicators.assessment_table(
                desk.snapshot, found.party_id, first_quarter, last_quarter, known_at=known_at
            )
            return AssessmentIndicators(
                party=party_node(desk, found),
                not_for_publication=BilingualText(zh=ASSESSMENT_MARK.zh, en=ASSESSMENT_MARK.en),
                known_at=table.known_at,
                indicators=[_series(row, AssessmentAmount) for row in table.rows],
            )
        return None

    @resolved("The targets of plans for a zone beside the official book; null when there is no such party.")
    def plan_indicators(
        self, info: Info, zone: PartyCode, first_year: Year, last_year: Year, known_at: KnownAt = None
    ) -> list[PlanIndicator] | None:
        desk = info.context
        for found in _seen(desk, zone):
            with desk.seeing_everything() as connection:
                plan = indicators.plan_table(
                    connection, found.party_id, first_year, last_year, known_at=known_at
                )
            return [_plan_node(row) for row in plan.rows]
        return None


@strawberry.type
class IndicatorMutations:
    """Recording targets of plans."""

    @mutation("Record what a plan asks of a zone's statistic in a year.")
    def record_indicator_target(
        self, info: Info, input: Annotated[RecordIndicatorTargetInput, INPUT]
    ) -> RecordIndicatorTargetResult:
        desk = info.context
        draft = indicators.TargetDraft(input.zone, input.indicator, input.year, input.amount, input.source)
        done = indicators.record_target(desk.database, desk.act(input.idempotency_key), draft)
        zone_id = roster.party_by_code(desk.snapshot, input.zone).party_id
        with desk.seeing_everything() as connection:
            plan = indicators.plan_table(connection, zone_id, input.year, input.year)
        return IndicatorTargetSuccess(
            sequence=done.value, plan=[_plan_node(row) for row in plan.rows], replayed=done.replayed
        )


def _seen(desk: Desk, code: str) -> list[roster.Party]:
    """The party, if the account sees all that it takes part in: a table of a part would mislead."""
    sight = desk.account.sight
    found = roster.parties_by_code(desk.snapshot, [code]).values()
    return [one for one in found if sight.everything or one.party_id in sight.party_ids]


def _series(row: indicators.IndicatorRow, kind: type[OfBook]) -> IndicatorSeries[OfBook]:
    measure = row.indicator.measure
    commodity, source = COMMODITIES[measure.commodity.commodity_id], row.indicator.source
    return IndicatorSeries(
        measure=MEASURES[measure.name],
        rule_source=BilingualText(zh=source.zh, en=source.en),
        quarters=[
            QuarterFigure(quarter=quarter, amount=kind(amount_minor=amount, commodity=commodity))
            for quarter, amount in row.by_quarter.items()
        ],
        years=[
            YearFigure(year=year, amount=kind(amount_minor=amount, commodity=commodity))
            for year, amount in row.by_year.items()
        ],
    )


def _plan_node(row: indicators.PlanRow) -> PlanIndicator:
    commodity = COMMODITIES[row.indicator.measure.commodity.commodity_id]

    def amount(amount_minor: int) -> OfficialAmount:
        return OfficialAmount(amount_minor=amount_minor, commodity=commodity)

    return PlanIndicator(
        measure=MEASURES[row.indicator.measure.name],
        year=row.year,
        target=amount(row.target_minor),
        source=row.source,
        value=None if row.value_minor is None else amount(row.value_minor),
        reached=None if row.reached is None else percent(row.reached),
    )
