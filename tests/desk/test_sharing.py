"""Shared platforms and experts: offered under a promise, searched, booked by days, never twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk_fixtures import open_room
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sharing_room import SharingRoom, open_sharing_room
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk import fsck, sharing
from ledger.desk.acts import Queue, queue_on
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.fsck import Scope
from ledger.desk.sharing import (
    BookingKey,
    BookingSettled,
    BookingState,
    ResourceKind,
    ResourceRepeated,
    ResourceTaken,
    ResourceWithdrawn,
)
from ledger.errors import LedgerError
from ledger_schema.sessions import Database
from ledger_schema.tables import resource_day


@pytest.fixture
def room(database_url: str) -> Iterator[SharingRoom]:
    database = Database(database_url)
    yield open_sharing_room(database)
    database.dispose()


@pytest.fixture(scope="module")
def shared_room(module_database_url: str) -> Iterator[SharingRoom]:
    database = Database(module_database_url)
    yield open_sharing_room(database)
    database.dispose()


# --- offering ---------------------------------------------------------------------------------------------


def test_what_is_shared_is_found_by_text_kind_field_and_owner(room: SharingRoom) -> None:
    room.share()
    room.share("chen", kind="expert", name_zh="陈教授", name_en="Professor Chen", field="生物医药")
    codes = [one.key.code for one in room.found()]
    assert codes == ["chen", "microscope"]
    for wanted in (
        {"text": "PROFESSOR"},
        {"kind": ResourceKind.EXPERT},
        {"field": "生物医药"},
        {"text": "陈", "owner_party_id": room.party_id("origin")},
    ):
        assert [one.key.code for one in room.found(**wanted)] == ["chen"]
    assert room.found(text="没有") == []
    assert room.found(owner_party_id=room.party_id("host")) == []


def test_a_page_goes_on_after_its_last_resource(room: SharingRoom) -> None:
    for code in ("a", "b", "c"):
        room.share(code)
    asked = (room.party_id("host"), room.day(0), sharing.Wanted())
    with room.database.reading() as connection:
        first = sharing.resources(connection, *asked, limit=2)
        rest = sharing.resources(connection, *asked, limit=2, after=first.items[-1].key)
    assert [one.key.code for one in first.items] == ["a", "b"]
    assert (first.has_next, rest.has_next) == (True, False)
    assert [one.key.code for one in rest.items] == ["c"]


def test_who_has_no_agreement_with_the_owner_finds_nothing(room: SharingRoom) -> None:
    room.share()
    stranger = open_room(room.database, code="OTHER").party_id("host")
    with room.database.reading() as connection:
        found = sharing.resources(connection, stranger, room.day(0), sharing.Wanted())
    assert found.items == []


def test_it_is_offered_until_its_last_day_and_until_it_is_withdrawn(room: SharingRoom) -> None:
    room.share("short", until_day=room.day(3))
    room.share("gone")
    sharing.withdraw_resource(room.database, room.act(), room.key("gone"), "origin", "设备报废")
    assert [one.key.code for one in room.found(days=3)] == ["short"]
    assert room.found(days=4) == []
    with pytest.raises(ResourceWithdrawn):
        room.ask(1, 1, code="gone")
    with pytest.raises(ResourceWithdrawn):
        sharing.withdraw_resource(room.database, room.act(), room.key("gone"), "origin", "再次撤回")


def test_a_code_names_one_resource_of_the_agreement(room: SharingRoom) -> None:
    room.share()
    with pytest.raises(ResourceRepeated):
        room.share()


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"commitment": "exchange"}, "commitment"),
        ({"commitment": "none"}, "commitment"),
        ({"kind": "room"}, "kind"),
        ({"offer": " "}, "offer"),
        ({"code": "Big"}, "code"),
    ],
)
def test_an_offer_needs_a_promise_to_share_and_words(
    room: SharingRoom, parts: dict[str, str], path: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        room.share(**parts)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_days_of_an_offer_come_in_order(room: SharingRoom) -> None:
    with pytest.raises(RequestRefused) as refused:
        room.share(until_day=room.day(-1))
    assert [fault.code for fault in refused.value.faults] == ["DAYS_REVERSED"]


def test_only_who_promised_to_share_shares_and_only_the_owner_withdraws(room: SharingRoom) -> None:
    with pytest.raises(RequestRefused):
        room.share(role="host")
    with pytest.raises(NotFound):
        sharing.withdraw_resource(room.database, room.act(), room.share(), "host", "不再需要")


def test_a_promise_that_was_given_up_is_shared_under_no_more(room: SharingRoom) -> None:
    room.confirm(room.record("dropped", code="platforms", count=None, evidence=None), code="platforms")
    with pytest.raises(RequestRefused):
        room.share()


# --- booking ----------------------------------------------------------------------------------------------


def test_an_accepted_booking_takes_its_days_and_took_place_after_the_last(room: SharingRoom) -> None:
    room.share()
    asked = room.ask(1, 2)
    assert room.booking(asked).state is BookingState.ASKED
    assert room.found()[0].taken_days == []
    room.accept(asked)
    assert room.found()[0].taken_days == [room.day(1), room.day(2)]
    assert room.booking(asked, days=2).state is BookingState.ACCEPTED
    assert room.booking(asked, days=3).state is BookingState.HELD
    with room.database.reading() as connection:
        held = sharing.bookings(
            connection,
            room.party_id("origin"),
            room.day(3),
            agreement_id=room.agreement_id,
            commitment="platforms",
            state=BookingState.HELD,
        )
    assert [one.key for one in held.items] == [asked]


def test_a_booking_that_was_not_answered_lapses(room: SharingRoom) -> None:
    room.share()
    assert room.booking(room.ask(0, 0), days=1).state is BookingState.LAPSED


def test_days_that_are_taken_are_neither_asked_for_nor_accepted_again(room: SharingRoom) -> None:
    room.share()
    first, second = room.ask(1, 3), room.ask(3, 4)
    room.accept(first)
    with pytest.raises(ResourceTaken, match=room.day(3).isoformat()):
        room.accept(second)
    with pytest.raises(ResourceTaken):
        room.ask(2, 2)
    room.accept(room.ask(4, 4))


def test_cancelled_days_are_free_again_and_can_be_taken_again(room: SharingRoom) -> None:
    room.share()
    for role in ("host", "origin", "host"):
        booked = room.ask(1, 2)
        room.accept(booked)
        room.cancel(booked, role)
        assert room.booking(booked, days=9).state is BookingState.CANCELLED
        assert room.found()[0].taken_days == []
    (check,) = (one for one in fsck.CHECKS if one.code == "sharing")
    with room.database.reading() as connection:
        assert list(fsck.look(check, Scope(connection, room.agreement_id, None, None, None))) == []


def test_a_declined_booking_has_its_reason_and_ends(room: SharingRoom) -> None:
    room.share()
    asked = room.ask(1, 2)
    room.decline(asked)
    declined = room.booking(asked)
    assert (declined.state, declined.steps[0].reason) == (BookingState.DECLINED, "设备检修")
    for act in (room.accept, room.decline, room.cancel):
        with pytest.raises(BookingSettled):
            act(asked)


def test_the_owner_decides_and_a_request_is_taken_back_by_who_asked(room: SharingRoom) -> None:
    room.share()
    asked = room.ask(1, 2)
    with pytest.raises(NotFound):
        room.accept(asked, "host")
    with pytest.raises(NotFound):
        room.decline(asked, "host")
    with pytest.raises(NotFound):
        room.cancel(asked, "origin")
    room.cancel(asked)
    with pytest.raises(NotFound):
        room.accept(BookingKey(room.agreement_id, "microscope", 9))


@pytest.mark.parametrize(
    ("first", "last", "role", "path"),
    [
        (-1, 1, "host", "fromDay"),
        (0, 31, "host", "untilDay"),
        (4, 6, "host", "untilDay"),
        (2, 1, "host", "untilDay"),
        (1, 1, "origin", "role"),
    ],
)
def test_days_are_within_the_offer_and_the_owner_does_not_ask(
    room: SharingRoom, first: int, last: int, role: str, path: str
) -> None:
    room.share(until_day=room.day(40 if last == 31 else 5))
    with pytest.raises(RequestRefused) as refused:
        room.ask(first, last, role)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_what_was_accepted_stands_when_the_offer_is_withdrawn_but_nothing_more_is_accepted(
    room: SharingRoom,
) -> None:
    key = room.share()
    accepted, asked = room.ask(1, 1), room.ask(2, 2)
    room.accept(accepted)
    sharing.withdraw_resource(room.database, room.act(), key, "origin", "设备报废")
    assert room.booking(accepted).state is BookingState.ACCEPTED
    with pytest.raises(ResourceWithdrawn):
        room.accept(asked)


# --- never twice ------------------------------------------------------------------------------------------


def test_of_two_that_are_accepted_at_once_one_takes_the_day(database_url: str, room: SharingRoom) -> None:
    room.share()
    asked = [room.ask(1, 2), room.ask(2, 3)]

    def accept(key: BookingKey) -> str:
        try:
            room.accept(key)
        except LedgerError as error:
            return error.code
        return "accepted"

    with ThreadPoolExecutor() as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.AGREEMENT, str(room.agreement_id))
            running = [pool.submit(accept, key) for key in asked]
            await_waiting(database_url, 2)
        found = sorted(one.result(WAIT_SECONDS) for one in running)
    assert found == ["RESOURCE_TAKEN", "accepted"]
    assert len(room.found()[0].taken_days) == 2


@pytest.mark.parametrize(("turn", "after_turn"), [(1, None), (2, None), (3, 2), (3, 1), (3, None)])
def test_the_database_lets_no_day_be_taken_that_is_not_free(
    room: SharingRoom, turn: int, after_turn: int | None
) -> None:
    room.share()
    first, second = room.ask(1, 1), room.ask(1, 1)
    room.accept(first)
    row = {
        "agreement_id": room.agreement_id,
        "code": "microscope",
        "day": room.day(1),
        "turn": turn,
        "after_turn": after_turn,
        "booking": second.number,
    }
    with pytest.raises(IntegrityError), room.database.writing() as connection:
        connection.execute(insert(resource_day).values(row))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.tuples(st.sampled_from(("ask", "accept", "decline", "cancel")), st.integers(0, 4)),
        min_size=3,
        max_size=14,
    )
)
def test_whatever_is_done_days_taken_are_those_of_accepted_bookings_and_no_day_has_two(
    shared_room: SharingRoom, acts: list[tuple[str, int]]
) -> None:
    room = shared_room
    code = room.share(f"r{next(room.numbers)}").code
    asked: list[BookingKey] = []
    for act, number in acts:
        try:
            if act == "ask":
                asked.append(room.ask(number, number + 2, code=code))
            elif number < len(asked):
                {"accept": room.accept, "decline": room.decline, "cancel": room.cancel}[act](asked[number])
        except (ResourceTaken, BookingSettled):
            pass
    accepted = [one for one in map(room.booking, asked) if one.state is BookingState.ACCEPTED]
    expected = [day for one in accepted for day in sharing.days_between(one.from_day, one.until_day)]
    (resource,) = room.found(text=code)
    assert resource.taken_days == sorted(expected)


def test_the_same_key_books_once(room: SharingRoom) -> None:
    key, act = room.share(), room.act()
    draft = sharing.BookingDraft(room.day(1), room.day(1), "检测")
    done = [sharing.ask_for_booking(room.database, act, key, "host", draft) for _ in range(2)]
    assert [(one.value, one.replayed) for one in done] == [(1, False), (1, True)]
