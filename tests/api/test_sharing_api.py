"""Shared platforms and experts through the API: shared, searched, booked, declined and cancelled."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ledger.periods import day_of
from tests.api.journey import Api
from tests.api.terms_documents import tax, terms

CODE = "SHARES"
PROMISED = {
    "code": "experts",
    "kind": "shared_platform",
    "title": {"zh": "专家库共享", "en": "Experts shared"},
    "by": ["origin"],
}
OWNER = {"agreement": CODE, "role": "origin", "resource": "chen"}
GUEST = OWNER | {"role": "host"}


def day(days: int) -> str:
    """So many days from today in Beijing."""
    today: date = day_of(datetime.now(UTC))
    return (today + timedelta(days=days)).isoformat()


@pytest.fixture
def shared(api: Api) -> Api:
    api.bring_into_force(terms(CODE, [tax()]) | {"commitments": [PROMISED]})
    api.change(
        "share_resource",
        agreement=CODE,
        role="origin",
        code="chen",
        commitment="experts",
        kind="EXPERT",
        nameZh="陈教授",
        nameEn="Professor Chen",
        field="生物医药",
        offer="每周现场指导一天",
        fromDay=day(0),
    )
    return api


def asked(api: Api, first: int = 1, last: int = 2) -> dict[str, Any]:
    booking: dict[str, Any] = api.change(
        "ask_for_booking", **GUEST, fromDay=day(first), untilDay=day(last), purpose="工艺诊断"
    )["booking"]
    return booking


def test_the_partner_finds_an_expert_and_books_days_that_the_owner_accepts(shared: Api) -> None:
    (edge,) = shared.run("shared_resources", party="HOST", text="chen", kind="EXPERT", owner="ORIGIN")[
        "sharedResources"
    ]["edges"]
    found = edge["node"]
    assert (found["nameZh"], found["owner"]["code"], found["takenDays"]) == ("陈教授", "ORIGIN", [])
    booking = asked(shared)
    assert (booking["number"], booking["state"], booking["party"]["code"]) == (1, "ASKED", "HOST")
    accepted = shared.change("accept_booking", **OWNER, booking=1)["booking"]
    assert (accepted["state"], accepted["steps"][0]["kind"]) == ("ACCEPTED", "ACCEPTED")
    page = shared.run("shared_resources", party="HOST")["sharedResources"]
    assert page["edges"][0]["node"]["takenDays"] == [day(1), day(2)]
    after = shared.run("shared_resources", party="HOST", after=page["pageInfo"]["endCursor"])
    assert after["sharedResources"]["edges"] == []


def test_what_took_place_is_listed_as_evidence_of_the_commitment(shared: Api) -> None:
    asked(shared)
    shared.change("accept_booking", **OWNER, booking=1)
    wanted = {"party": "ORIGIN", "agreement": CODE, "commitment": "experts", "state": "HELD"}
    assert shared.run("resource_bookings", **wanted)["resourceBookings"]["edges"] == []
    (edge,) = shared.run("resource_bookings", **wanted, today=day(3))["resourceBookings"]["edges"]
    assert (edge["node"]["resource"], edge["node"]["purpose"]) == ("chen", "工艺诊断")
    after = shared.run("resource_bookings", **wanted, today=day(3), after=edge["cursor"])
    assert after["resourceBookings"]["edges"] == []


def test_taken_days_are_refused_and_a_cancelled_booking_frees_them(shared: Api) -> None:
    asked(shared)
    shared.change("accept_booking", **OWNER, booking=1)
    days = {"fromDay": day(2), "untilDay": day(2), "purpose": "复诊"}
    refused = shared.attempt("ask_for_booking", **GUEST, **days)
    assert (refused["__typename"], refused["code"]) == ("WrongState", "RESOURCE_TAKEN")
    cancelled = shared.change("cancel_booking", **OWNER, booking=1, reason="出差")["booking"]
    assert cancelled["state"] == "CANCELLED"
    assert shared.change("ask_for_booking", **GUEST, **days)["booking"]["number"] == 2
    declined = shared.change("decline_booking", **OWNER, booking=2, reason="时间冲突")["booking"]
    assert (declined["state"], declined["steps"][0]["reason"]) == ("DECLINED", "时间冲突")
    again = shared.attempt("accept_booking", **OWNER, booking=2)
    assert (again["__typename"], again["code"]) == ("WrongState", "BOOKING_SETTLED")


def test_what_is_withdrawn_is_found_no_more_and_faults_name_their_places(shared: Api) -> None:
    faulty = shared.attempt("ask_for_booking", **GUEST, fromDay=day(-1), untilDay=day(1), purpose="工艺诊断")
    assert [(fault["path"], fault["code"]) for fault in faulty["faults"]] == [("fromDay", "DAYS_UNUSABLE")]
    withdrawn = shared.change("withdraw_resource", **OWNER, reason="已退休")["resource"]
    assert withdrawn["withdrawnBecause"] == "已退休"
    assert shared.run("shared_resources", party="HOST")["sharedResources"]["edges"] == []
    missing = shared.attempt("accept_booking", **OWNER, booking=7)
    assert missing["code"] == "NOT_FOUND"
