"""A plan's indicator table: targets with their source, and the values of the official book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.agreements import known
from ledger.desk.failures import choice_faults, refuse, text_faults
from ledger.desk.indicators.catalogue import INDICATORS, Indicator
from ledger.desk.indicators.tables import OfficialTable, official_table
from ledger.desk.occurrences import YEAR_MAX, YEAR_MIN
from ledger.desk.roster import party_by_code
from ledger.desk.settlements.replays import BOOK_IDS
from ledger.evidence.canonical import Json
from ledger.measures import MEASURE_BY_NAME
from ledger.money import AmountUnreadable, format_amount, parse_amount
from ledger.periods import Quarter
from ledger.rules.facts import Fault
from ledger.rules.terms import Book
from ledger_schema.sessions import Database
from ledger_schema.tables import indicator_target

NAMES = tuple(indicator.measure.name for indicator in INDICATORS.values())


@dataclass(frozen=True, slots=True)
class TargetDraft:
    """A target for one statistic and year; ``amount`` in the statistic's unit, ``source`` the plan."""

    zone: str
    indicator: str
    year: int
    amount: str
    source: str


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A year's target and what the official book has; ``value_minor`` is None where nothing is known."""

    indicator: Indicator
    year: int
    target_minor: int
    source: str
    value_minor: int | None

    @property
    def reached(self) -> Fraction | None:
        """The value as a part of the target."""
        return None if self.value_minor is None else Fraction(self.value_minor, self.target_minor)


@dataclass(frozen=True, slots=True)
class PlanTable:
    """Targets in force at ``official.known_at`` by statistic and year."""

    official: OfficialTable
    rows: Sequence[PlanRow]


def record_target(database: Database, act: Act, draft: TargetDraft) -> Done[int]:
    """Records a target; returns its sequence: a later one for the same statistic and year supersedes.

    Raises ``NotFound`` for an unknown zone, and ``RequestRefused`` with every fault.
    """
    described: dict[str, Json] = asdict(draft)

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.PARTY, draft.zone)
        party_id = party_by_code(connection, draft.zone).party_id
        refuse(_faults(draft))
        measure = MEASURE_BY_NAME[draft.indicator]
        sequence = _newest_sequence(connection, party_id, measure.measure_id, draft.year) + 1
        event_id = record("indicator_target_recorded", {**described, "sequence": sequence})
        connection.execute(
            insert(indicator_target).values(
                party_id=party_id,
                measure_id=measure.measure_id,
                year=draft.year,
                sequence=sequence,
                book_id=BOOK_IDS[Book.OFFICIAL],
                amount_minor=parse_amount(draft.amount, measure.commodity.scale),
                source=draft.source,
                event_id=event_id,
            )
        )
        return {"sequence": sequence}

    return named_number(perform(database, act, "record_indicator_target", described, work), "sequence")


def plan_table(
    connection: Connection,
    zone_id: int,
    first_year: int,
    last_year: int,
    *,
    known_at: datetime | None = None,
) -> PlanTable:
    """The zone's targets of the years, beside what the official book has of the zone with its parks.

    Raises ``NotFound``, ``PeriodUnreadable`` (for a year that has no quarters) and ``QuartersUnusable``.
    """
    first, last = Quarter.parse(f"{first_year}Q1"), Quarter.parse(f"{last_year}Q4")
    official = official_table(connection, zone_id, first, last, known_at=known_at)
    values = {row.indicator.measure.measure_id: row.by_year for row in official.rows}
    target = indicator_target.c
    rows = connection.execute(
        select(indicator_target)
        .ext(distinct_on(target.measure_id, target.year))
        .where(
            target.party_id == zone_id,
            target.year.between(first_year, last_year),
            known(target.recorded_at, known_at),
        )
        .order_by(target.measure_id, target.year, target.sequence.desc())
    )
    return PlanTable(
        official,
        [
            PlanRow(
                INDICATORS[row.measure_id],
                row.year,
                row.amount_minor,
                row.source,
                values.get(row.measure_id, {}).get(row.year),
            )
            for row in rows
        ],
    )


def _newest_sequence(connection: Connection, party_id: int, measure_id: int, year: int) -> int:
    target = indicator_target.c
    newest = connection.execute(
        select(func.max(target.sequence)).where(
            target.party_id == party_id, target.measure_id == measure_id, target.year == year
        )
    ).scalar_one()
    return newest or 0


def _faults(draft: TargetDraft) -> list[Fault]:
    faults = choice_faults("indicator", draft.indicator, NAMES) + text_faults("source", draft.source)
    if not YEAR_MIN <= draft.year <= YEAR_MAX:
        faults.append(
            Fault(
                "year",
                "YEAR_UNUSABLE",
                f"Expected a year from {YEAR_MIN} to {YEAR_MAX}, but got {draft.year}.",
                f"年份应在 {YEAR_MIN} 至 {YEAR_MAX} 之间，实际为 {draft.year}。",
            )
        )
    if draft.indicator in NAMES:
        faults += _amount_faults(draft.amount, MEASURE_BY_NAME[draft.indicator].commodity.scale)
    return faults


def _amount_faults(amount: str, scale: int) -> list[Fault]:
    try:
        amount_minor = parse_amount(amount, scale)
    except AmountUnreadable as error:
        return [Fault("amount", error.code, error.message_en, error.message_zh)]
    if amount_minor > 0:
        return []
    got = format_amount(amount_minor, scale)
    return [
        Fault(
            "amount",
            "TARGET_NOT_POSITIVE",
            f"Expected a target above zero, but got {got}.",
            f"目标值应大于零，实际为 {got}。",
        )
    ]
