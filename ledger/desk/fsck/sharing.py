"""Shared resources, their bookings, and the days that these take."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date

from ledger.desk.fsck.comparing import Mismatch, Said, Scope, Told
from ledger.desk.sharing import days_between
from ledger_schema.tables import (
    resource_booking,
    resource_booking_step,
    resource_day,
    shared_resource,
    shared_resource_withdrawal,
)

_STEPS = {"booking_accepted": "accepted", "booking_declined": "declined", "booking_cancelled": "cancelled"}


def check_sharing(scope: Scope) -> Iterator[Mismatch]:
    """Shared resources, bookings and the days they take are what the events say."""
    yield from scope.compare((shared_resource, shared_resource_withdrawal), _resources(scope))
    yield from scope.compare((resource_booking, resource_booking_step, resource_day), _bookings(scope))


def _resources(scope: Scope) -> Iterator[Told]:
    for said in scope.said("resource_shared", "resource_withdrawn"):
        key = {"agreement_id": said.agreement_id, "code": said.data["code"]}
        if said.kind == "resource_withdrawn":
            yield said.row(shared_resource_withdrawal, **key, reason=said.data["reason"])
        else:
            yield said.row(shared_resource, **key, **_offer(said))


def _offer(said: Said) -> dict[str, object]:
    names = ("role", "commitment", "kind", "name_zh", "name_en", "field", "offer")
    until_day = said.data["until_day"]
    return {name: said.data[name] for name in names} | {
        "from_day": date.fromisoformat(said.data["from_day"]),
        "until_day": None if until_day is None else date.fromisoformat(until_day),
    }


def _bookings(scope: Scope) -> Iterator[Told]:
    days: dict[tuple[str, int], list[date]] = {}
    accepted: set[tuple[str, int]] = set()
    turns: defaultdict[str, Counter[date]] = defaultdict(Counter)
    for said in scope.said("booking_asked", *_STEPS):
        code, number = said.data["code"], said.data["booking"]
        key = {"agreement_id": said.agreement_id, "code": code, "booking": number}
        if said.kind == "booking_asked":
            first, last = (date.fromisoformat(said.data[name]) for name in ("from_day", "until_day"))
            days[code, number] = days_between(first, last)
            asked = {"role": said.data["role"], "purpose": said.data["purpose"]}
            yield said.row(resource_booking, **key, **asked, from_day=first, until_day=last)
            continue
        told = {name: said.data[name] for name in ("step", "role", "reason")}
        yield said.row(resource_booking_step, **key, **told, kind=_STEPS[said.kind])
        if said.kind == "booking_accepted":
            accepted.add((code, number))
        if (code, number) in accepted:
            yield from _turned(key, days[code, number], turns[code])


def _turned(key: dict[str, object], days: list[date], turns: Counter[date]) -> Iterator[Told]:
    """An accepted booking takes its days, and gives them back once it is cancelled."""
    for day in days:
        before = turns[day] or None
        turns[day] += 1
        yield Told(resource_day, {**key, "day": day, "turn": turns[day], "after_turn": before})
