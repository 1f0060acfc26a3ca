"""Booking days of a shared resource: asked, accepted or declined by the owner, cancelled by either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.agreements import signing_side
from ledger.desk.days import today
from ledger.desk.failures import NotFound, refuse, text_faults
from ledger.desk.occurrences import day_faults
from ledger.desk.sharing.faults import BookingOver, BookingSettled, ResourceTaken, ResourceWithdrawn
from ledger.desk.sharing.offering import order_faults
from ledger.desk.sharing.reading import (
    Booking,
    BookingKey,
    BookingState,
    ResourceKey,
    SharedResource,
    booking,
    shared_resource,
)
from ledger.evidence.canonical import Json
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import resource_booking, resource_booking_step, resource_day

DAYS_MAX = 31


@dataclass(frozen=True, slots=True)
class BookingDraft:
    """Days that are asked for, the last included, at most ``DAYS_MAX``, and what for."""

    from_day: date
    until_day: date
    purpose: str


def ask_for_booking(
    database: Database, act: Act, key: ResourceKey, role: str, draft: BookingDraft
) -> Done[int]:
    """A role that signs, other than the owner, asks for days; returns the booking's number.

    Raises ``NotFound``, ``RoleDoesNotSign``, ``ResourceWithdrawn``, ``ResourceTaken``, ``RequestRefused``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(key.agreement_id))
        signing_side(connection, key.agreement_id, role)
        day = today(connection)
        found = _offered(connection, key, day)
        refuse(_draft_faults(found, role, draft, day))
        _refuse_taken(found, draft.from_day, draft.until_day)
        number = _next_number(connection, key)
        event_id = record("booking_asked", {"booking": number, **said}, key.agreement_id)
        connection.execute(
            insert(resource_booking).values(
                agreement_id=key.agreement_id,
                code=key.code,
                booking=number,
                role=role,
                from_day=draft.from_day,
                until_day=draft.until_day,
                purpose=draft.purpose,
                event_id=event_id,
            )
        )
        return {"booking": number}

    said: dict[str, Json] = {
        "code": key.code,
        "role": role,
        "from_day": draft.from_day.isoformat(),
        "until_day": draft.until_day.isoformat(),
        "purpose": draft.purpose,
    }
    request: dict[str, Json] = {"agreement": str(key.agreement_id), **said}
    return named_number(perform(database, act, "ask_for_booking", request, work), "booking")


def accept_booking(database: Database, act: Act, key: BookingKey, role: str) -> Done[int]:
    """The owner accepts, and the days are taken; returns the booking's number.

    Raises ``NotFound``, ``ResourceWithdrawn``, ``ResourceTaken``, ``BookingSettled``, ``BookingOver``.
    """

    def decide(connection: Connection, found: Booking, resource: SharedResource) -> None:
        _refuse_unless(found, BookingState.ASKED)
        _refuse_stranger(role, {resource.role}, key)
        if resource.withdrawn_because is not None:
            raise ResourceWithdrawn(resource=key.code)
        _refuse_taken(resource, found.from_day, found.until_day)
        _turn_days(connection, found)

    return _step(database, act, key, role, "accepted", "", decide)


def decline_booking(database: Database, act: Act, key: BookingKey, role: str, reason: str) -> Done[int]:
    """The owner declines, with a reason; returns the booking's number.

    Raises ``NotFound``, ``BookingSettled``, ``BookingOver``, ``RequestRefused``.
    """

    def decide(_: Connection, found: Booking, resource: SharedResource) -> None:
        _refuse_unless(found, BookingState.ASKED)
        _refuse_stranger(role, {resource.role}, key)
        refuse(text_faults("reason", reason))

    return _step(database, act, key, role, "declined", reason, decide)


def cancel_booking(database: Database, act: Act, key: BookingKey, role: str, reason: str) -> Done[int]:
    """Whoever asked, or the owner of an accepted one, cancels until its last day; its days are free again.

    Raises ``NotFound``, ``BookingSettled``, ``BookingOver``, ``RequestRefused``.
    """

    def decide(connection: Connection, found: Booking, resource: SharedResource) -> None:
        _refuse_unless(found, BookingState.ASKED, BookingState.ACCEPTED)
        is_accepted = found.state is BookingState.ACCEPTED
        _refuse_stranger(role, {found.role, resource.role} if is_accepted else {found.role}, key)
        refuse(text_faults("reason", reason))
        if is_accepted:
            _turn_days(connection, found)

    return _step(database, act, key, role, "cancelled", reason, decide)


def _step(
    database: Database,
    act: Act,
    key: BookingKey,
    role: str,
    kind: str,
    reason: str,
    decide: Callable[[Connection, Booking, SharedResource], None],
) -> Done[int]:
    """Records one step of a booking, once ``decide`` has raised nothing and moved its days."""

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(key.agreement_id))
        day = today(connection)
        found = booking(connection, key, day)
        if found.until_day < day:
            raise BookingOver(booking=key.number, resource=key.code, until_day=found.until_day)
        decide(connection, found, shared_resource(connection, key.resource, found.from_day))
        step = len(found.steps) + 1
        event_id = record(f"booking_{kind}", {"step": step, **said}, key.agreement_id)
        connection.execute(
            insert(resource_booking_step).values(
                agreement_id=key.agreement_id,
                code=key.code,
                booking=key.number,
                step=step,
                kind=kind,
                role=role,
                reason=reason,
                event_id=event_id,
            )
        )
        return {"booking": key.number}

    said: dict[str, Json] = {"code": key.code, "booking": key.number, "role": role, "reason": reason}
    request: dict[str, Json] = {"agreement": str(key.agreement_id), **said}
    return named_number(perform(database, act, f"{kind}_booking", request, work), "booking")


def _next_number(connection: Connection, key: ResourceKey) -> int:
    columns = resource_booking.c
    of_resource = (columns.agreement_id == key.agreement_id, columns.code == key.code)
    count: int = connection.execute(select(func.count()).where(*of_resource)).scalar_one()
    return count + 1


def _turn_days(connection: Connection, found: Booking) -> None:
    """Takes the days of the booking where they are free, and frees them where they are taken."""
    columns, key = resource_day.c, found.key
    rows = connection.execute(
        select(columns.day, func.max(columns.turn).label("turn"))
        .where(
            columns.agreement_id == key.agreement_id,
            columns.code == key.code,
            columns.day.between(found.from_day, found.until_day),
        )
        .group_by(columns.day)
    )
    newest: dict[date, int] = {row.day: row.turn for row in rows}
    connection.execute(
        insert(resource_day),
        [
            {
                "agreement_id": key.agreement_id,
                "code": key.code,
                "day": day,
                "turn": newest.get(day, 0) + 1,
                "after_turn": newest.get(day),
                "booking": key.number,
            }
            for day in days_between(found.from_day, found.until_day)
        ],
    )


def days_between(from_day: date, until_day: date) -> list[date]:
    """Every day from the first to the last."""
    return [from_day + timedelta(days=days) for days in range((until_day - from_day).days + 1)]


# --- what can be wrong ------------------------------------------------------------------------------------


def _offered(connection: Connection, key: ResourceKey, day: date) -> SharedResource:
    found = shared_resource(connection, key, day)
    if found.withdrawn_because is not None:
        raise ResourceWithdrawn(resource=key.code)
    return found


def _refuse_unless(found: Booking, *states: BookingState) -> None:
    if found.state not in states:
        raise BookingSettled(booking=found.key.number, resource=found.key.code, state=found.state.value)


def _refuse_stranger(role: str, allowed: set[str], key: BookingKey) -> None:
    if role not in allowed:
        raise NotFound("booking", f"{key.code}/{key.number}")


def _refuse_taken(resource: SharedResource, from_day: date, until_day: date) -> None:
    taken = [day.isoformat() for day in resource.taken_days if from_day <= day <= until_day]
    if taken:
        raise ResourceTaken(resource=resource.key.code, days=", ".join(taken))


def _draft_faults(resource: SharedResource, role: str, draft: BookingDraft, day: date) -> list[Fault]:
    return [
        *_owner_faults(resource, role),
        *text_faults("purpose", draft.purpose),
        *(
            day_faults("fromDay", draft.from_day)
            or order_faults(draft.from_day, draft.until_day)
            or _days_faults(resource, draft, day)
        ),
    ]


def _owner_faults(resource: SharedResource, role: str) -> list[Fault]:
    if role != resource.role:
        return []
    return [
        Fault(
            "role",
            "OWN_RESOURCE",
            f"Expected a role other than the owner, but got {role!r}, whose resource it is.",
            f"应由资源所有方以外的角色预约，实际为所有方 {role!r}。",
        )
    ]


def _days_faults(resource: SharedResource, draft: BookingDraft, day: date) -> list[Fault]:
    first = max(day, resource.from_day)
    last = min(draft.from_day + timedelta(days=DAYS_MAX - 1), resource.until_day or date.max)
    if first <= draft.from_day and draft.until_day <= last:
        return []
    return [
        Fault(
            "untilDay" if first <= draft.from_day else "fromDay",
            "DAYS_UNUSABLE",
            f"Expected at most {DAYS_MAX} days from {first} on, within those on which it is offered, "
            f"but got {draft.from_day} to {draft.until_day}.",
            f"应为 {first} 起、开放期内且不超过 {DAYS_MAX} 天，"
            f"实际为 {draft.from_day} 至 {draft.until_day}。",
        )
    ]
