"""Reading shared resources and their bookings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read

RESOURCES = """
    SELECT resource.*, side.party_id, withdrawal.reason AS withdrawn_because, ARRAY(
        SELECT day FROM resource_day AS taken
        WHERE taken.agreement_id = resource.agreement_id AND taken.code = resource.code AND day >= :today
        GROUP BY day HAVING max(turn) % 2 = 1 ORDER BY day
    ) AS taken_days
    FROM shared_resource AS resource
        JOIN agreement_party AS side USING (agreement_id, role)
        LEFT JOIN shared_resource_withdrawal AS withdrawal USING (agreement_id, code)
"""
ONE_RESOURCE = "WHERE resource.agreement_id = :agreement AND resource.code = :code"
OFFERED = """
    WHERE resource.agreement_id IN (SELECT agreement_id FROM agreement_party WHERE party_id = :party)
        AND withdrawal.code IS NULL AND coalesce(until_day >= :today, true)
        AND coalesce(resource.kind = :kind, true)
        AND coalesce(resource.field = :field, true)
        AND coalesce(side.party_id = :owner, true)
        AND coalesce(strpos(
            lower(concat_ws(' ', resource.code, name_zh, name_en, resource.field, offer)),
            lower(cast(:text AS text))
        ) > 0, true)
        AND coalesce((resource.agreement_id, resource.code) > (:after_agreement, :after_code), true)
    ORDER BY resource.agreement_id, resource.code LIMIT :rows
"""
BOOKINGS = """
    WITH booked AS (
        SELECT booking.*, commitment, side.party_id, CASE
            WHEN newest.kind = 'accepted' AND booking.until_day < :today THEN 'held'
            WHEN newest.kind IS NULL AND booking.until_day < :today THEN 'lapsed'
            ELSE coalesce(newest.kind, 'asked')
        END AS state
        FROM resource_booking AS booking
            JOIN shared_resource USING (agreement_id, code)
            JOIN agreement_party AS side
                ON (side.agreement_id, side.role) = (booking.agreement_id, booking.role)
            LEFT JOIN LATERAL (
                SELECT said.kind FROM resource_booking_step AS said
                WHERE (said.agreement_id, said.code, said.booking)
                    = (booking.agreement_id, booking.code, booking.booking)
                ORDER BY step DESC LIMIT 1
            ) AS newest ON true
    )
    SELECT * FROM booked
"""
ONE_BOOKING = "WHERE agreement_id = :agreement AND code = :code AND booking = :booking"
OF_PARTY = """
    WHERE agreement_id IN (SELECT agreement_id FROM agreement_party WHERE party_id = :party)
        AND coalesce(agreement_id = :agreement, true)
        AND coalesce(commitment = :commitment, true)
        AND coalesce(code = :code, true)
        AND coalesce(state = :state, true)
        AND coalesce((agreement_id, code, booking) > (:after_agreement, :after_code, :after_booking), true)
    ORDER BY agreement_id, code, booking LIMIT :rows
"""
STEPS = """
    SELECT said.* FROM resource_booking_step AS said
        JOIN unnest(cast(:agreements AS bigint[]), cast(:codes AS text[]), cast(:bookings AS int[]))
            AS wanted (agreement_id, code, booking) USING (agreement_id, code, booking)
    ORDER BY step
"""


class ResourceKind(StrEnum):
    PLATFORM = "platform"
    """共享平台"""
    EXPERT = "expert"
    """专家"""


class BookingState(StrEnum):
    ASKED = "asked"
    LAPSED = "lapsed"
    """Neither accepted nor declined by its last day."""
    ACCEPTED = "accepted"
    HELD = "held"
    """Accepted, not cancelled, and its last day has passed: it took place."""
    DECLINED = "declined"
    CANCELLED = "cancelled"


class ResourceKey(NamedTuple):
    """What names a shared resource; the place in a list."""

    agreement_id: int
    code: str


class BookingKey(NamedTuple):
    """What names a booking; the place in a list. ``number`` counts within the resource from 1."""

    agreement_id: int
    code: str
    number: int

    @property
    def resource(self) -> ResourceKey:
        return ResourceKey(self.agreement_id, self.code)


@dataclass(frozen=True, slots=True)
class SharedResource:
    """A platform or expert of ``role`` (the owner), offered from a day until a last one (None: no end).

    ``taken_days`` are those from the day asked on that accepted bookings take.
    """

    key: ResourceKey
    role: str
    party_id: int
    commitment: str
    kind: ResourceKind
    name_zh: str
    name_en: str
    field: str
    offer: str
    from_day: date
    until_day: date | None
    withdrawn_because: str | None
    taken_days: list[date]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class BookingStep:
    """What was decided of a booking, by which role and why; the reason may be empty when accepted."""

    kind: str
    role: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Booking:
    """Days that ``role`` asked for, the last included, and what came of it."""

    key: BookingKey
    role: str
    party_id: int
    from_day: date
    until_day: date
    purpose: str
    state: BookingState
    steps: list[BookingStep]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for; None asks for all. ``text`` is found in names, field and offer."""

    text: str | None = None
    kind: ResourceKind | None = None
    field: str | None = None
    owner_party_id: int | None = None


def shared_resource(connection: Connection, key: ResourceKey, today: date) -> SharedResource:
    """One shared resource, offered or withdrawn. Raises ``NotFound``."""
    asked = {"agreement": key.agreement_id, "code": key.code, "today": today}
    row = connection.execute(text(RESOURCES + ONE_RESOURCE), asked).one_or_none()
    if row is None:
        raise NotFound("shared resource", key.code)
    return _resource(row)


def resources(
    connection: Connection,
    party_id: int,
    today: date,
    wanted: Wanted,
    *,
    after: ResourceKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[SharedResource]:
    """What is on offer in the agreements of a party, its own included, by agreement and code."""
    asked = {
        "party": party_id,
        "today": today,
        "text": wanted.text,
        "kind": wanted.kind,
        "field": wanted.field,
        "owner": wanted.owner_party_id,
        "after_agreement": None if after is None else after.agreement_id,
        "after_code": None if after is None else after.code,
        "rows": rows_to_read(limit),
    }
    return page_of(connection.execute(text(RESOURCES + OFFERED), asked).all(), limit, _resource)


def booking(connection: Connection, key: BookingKey, today: date) -> Booking:
    """One booking as it stands ``today``. Raises ``NotFound``."""
    asked = {"agreement": key.agreement_id, "code": key.code, "booking": key.number, "today": today}
    found = _bookings(connection, connection.execute(text(BOOKINGS + ONE_BOOKING), asked).all())
    if not found:
        raise NotFound("booking", f"{key.code}/{key.number}")
    return found[0]


def bookings(
    connection: Connection,
    party_id: int,
    today: date,
    *,
    agreement_id: int | None = None,
    commitment: str | None = None,
    code: str | None = None,
    state: BookingState | None = None,
    after: BookingKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Booking]:
    """Bookings in the agreements of a party, by resource and number; ``held`` ones prove a commitment."""
    asked = {
        "party": party_id,
        "today": today,
        "agreement": agreement_id,
        "commitment": commitment,
        "code": code,
        "state": state,
        "after_agreement": None if after is None else after.agreement_id,
        "after_code": None if after is None else after.code,
        "after_booking": None if after is None else after.number,
        "rows": rows_to_read(limit),
    }
    rows = connection.execute(text(BOOKINGS + OF_PARTY), asked).all()
    found = {one.key: one for one in _bookings(connection, rows[:limit])}
    return page_of(rows, limit, lambda row: found[_booking_key(row)])


def _resource(row: Row[Any]) -> SharedResource:
    return SharedResource(
        key=ResourceKey(row.agreement_id, row.code),
        role=row.role,
        party_id=row.party_id,
        commitment=row.commitment,
        kind=ResourceKind(row.kind),
        name_zh=row.name_zh,
        name_en=row.name_en,
        field=row.field,
        offer=row.offer,
        from_day=row.from_day,
        until_day=row.until_day,
        withdrawn_because=row.withdrawn_because,
        taken_days=row.taken_days,
        recorded_at=row.recorded_at,
    )


def _booking_key(row: Row[Any]) -> BookingKey:
    return BookingKey(row.agreement_id, row.code, row.booking)


def _bookings(connection: Connection, rows: Sequence[Row[Any]]) -> list[Booking]:
    keys = [_booking_key(row) for row in rows]
    asked = {
        "agreements": [key.agreement_id for key in keys],
        "codes": [key.code for key in keys],
        "bookings": [key.number for key in keys],
    }
    steps: defaultdict[BookingKey, list[BookingStep]] = defaultdict(list)
    for said in connection.execute(text(STEPS), asked):
        steps[_booking_key(said)].append(BookingStep(said.kind, said.role, said.reason, said.recorded_at))
    return [
        Booking(
            key=key,
            role=row.role,
            party_id=row.party_id,
            from_day=row.from_day,
            until_day=row.until_day,
            purpose=row.purpose,
            state=BookingState(row.state),
            steps=steps[key],
            recorded_at=row.recorded_at,
        )
        for key, row in zip(keys, rows, strict=True)
    ]
