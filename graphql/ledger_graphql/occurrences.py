"""What happens once for a whole agreement, as the API shows it."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from ledger.desk import occurrences


@strawberry.type(
    description="A record of something that happened once for the whole agreement. Of each name the newest "
    "record that every signing role confirmed holds."
)
class Occurrence:
    name: str = strawberry.field(description="As clocks of the terms name it, such as aid_fund_paid_in.")
    sequence: int = strawberry.field(description="From 1 up; a later record corrects the day.")
    day: date = strawberry.field(description="The day on which it happened.")
    document: str = strawberry.field(description="Reference to its evidence.")
    recorded_by: str = strawberry.field(
        description="The role that recorded it; that counts as its confirmation."
    )
    confirmed_by: list[str] = strawberry.field(description="The roles that confirmed it.")
    is_confirmed: bool = strawberry.field(description="Whether every signing role has confirmed it.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


def occurrence_node(record: occurrences.Occurrence) -> Occurrence:
    """What the API shows of one record."""
    return Occurrence(
        name=record.name,
        sequence=record.sequence,
        day=record.day,
        document=record.document,
        recorded_by=record.recorded_by,
        confirmed_by=list(record.confirmed_by),
        is_confirmed=record.is_confirmed,
        recorded_at=record.recorded_at,
    )
