"""The last closed quarter is reopened by all whom the terms name, and what was known stays told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from desk_fixtures import Document, Room, clause, text
from signing_room import REOPENED_BY, SigningRoom, open_signing_room
from sqlalchemy import Function, SmallInteger, func, literal, select, update

from ledger.desk import agreements, history, national, settlements
from ledger.desk.agreements import (
    AlreadySigned,
    KeyNotRegistered,
    RoleDoesNotSign,
    SignaturesMissing,
    SignatureWrong,
)
from ledger.desk.events import events
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.history import differences
from ledger.desk.quarters import QuarterState, quarter_standing
from ledger.desk.settlements import QuarterNotReopenable, ReopeningOvertaken, StaleSettlement
from ledger.desk.statements import settlement_statement, statement
from ledger.evidence.canonical import canonical_bytes
from ledger.evidence.signatures import public_key_of, sign
from ledger.periods import Quarter
from ledger_schema.refusals import Refusal
from ledger_schema.sessions import Database
from ledger_schema.tables import agreement_quarter, event
from tests.tables.booked_rows import refused
from tests.tables.interleaving import process_of, wait_until_blocked

Q1, Q2 = Quarter(2024, 1), Quarter(2024, 2)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> SigningRoom:
    return open_signing_room(database)


@pytest.fixture
def first(room: SigningRoom) -> int:
    return room.settle_signed("2024Q1", "100.00")


def test_a_reopened_quarter_is_open_again_and_the_next_one_waits(room: SigningRoom, first: int) -> None:
    room.reopen("2024Q1")
    assert states(room) == {"2024Q1": "open", "2024Q2": "waiting"}
    assert room.standing(first).state.value == "reopened"
    assert room.hand_in("2024Q1", "120.00").booked_quarter == Q1


def test_closing_again_replaces_the_settlement_and_the_earlier_one_stays_readable(
    room: SigningRoom, first: int
) -> None:
    room.reopen("2024Q1")
    second = room.settle_signed("2024Q1", "120.00")
    assert states(room) == {"2024Q1": "closed", "2024Q2": "open"}
    assert (room.standing(first).state.value, room.standing(second).state.value) == ("reopened", "closed")
    assert room.shares(first) == {"origin": "50.00", "host": "50.00"}
    assert room.shares(second) == {"origin": "60.00", "host": "60.00"}
    assert b'"reopened_settlement":"%d"' % first in room.content_of(second)
    third = room.settle_signed("2024Q2", "10.00")
    assert room.shares(third) == {"origin": "5.00", "host": "5.00"}


def test_closing_again_with_the_same_facts_is_another_settlement(room: SigningRoom, first: int) -> None:
    room.reopen("2024Q1")
    with pytest.raises(StaleSettlement):
        room.close("2024Q1", first)
    second = room.compute("2024Q1")
    assert second != first
    room.propose(second)
    room.sign(second)
    room.close("2024Q1", second)
    assert room.shares(second) == room.shares(first)


def test_a_national_quarter_settles_a_reopened_one_as_a_settlement_by_itself_would(
    room: SigningRoom, first: int
) -> None:
    room.reopen("2024Q1")
    found = national.compute_quarter(room.database, room.act(), Q1).value
    (second,) = found.computed.values()
    assert second not in (first, None)
    assert room.compute("2024Q1") == second
    room.propose(second)
    room.sign(second)
    assert [one.failure for one in national.close_quarter(room.database, room.act(), found)] == [None]


def test_what_was_known_between_close_and_reopening_is_told_for_that_time(
    room: SigningRoom, first: int
) -> None:
    closed = now(room)
    room.reopen("2024Q1")
    reopened = now(room)
    room.settle_signed("2024Q1", "120.00")
    moments = (closed, reopened, None)
    assert [figures(room, moment) for moment in moments] == [["50.00"], [], ["60.00"]]
    assert [dues(room, moment) for moment in moments] == [["50.00"], [], ["60.00"]]
    assert [standing(room, moment) for moment in moments] == [
        QuarterState.SETTLED,
        QuarterState.NOT_SETTLED_YET,
        QuarterState.SETTLED,
    ]
    with room.database.reading() as connection:
        shown = statement(connection, room.agreement_id, Q1, closed)
        assert (shown.settlement_id, shown.closed_at is None) == (first, False)
        assert settlement_statement(connection, room.agreement_id, first).closed_at is None
        with pytest.raises(NotFound):
            statement(connection, room.agreement_id, Q1, reopened)
        known = [
            [one.is_closed for one in settlements.settlements(connection, room.agreement_id, known_at=moment)]
            for moment in moments
        ]
    assert known == [[True], [False], [False, True]]


def test_the_difference_takes_back_what_was_reopened_and_adds_up(room: SigningRoom, first: int) -> None:
    closed = now(room)
    room.reopen("2024Q1")
    reopened = now(room)
    second = room.settle_signed("2024Q1", "120.00")
    origin, last = room.party_id("origin"), now(room)

    def told(known_at_1: datetime, known_at_2: datetime) -> list[tuple[int, str, bool]]:
        with room.database.reading() as connection:
            changes = differences.figures_between(connection, room.agreement_id, Q1, known_at_1, known_at_2)
        return [
            (one.reason.settlement_id, text(one.amount_minor), one.reason.is_reopened)
            for one in changes
            if one.party_id == origin
        ]

    assert told(closed, last) == [(first, "-50.00", True), (second, "60.00", False)]
    assert told(last, closed) == [(first, "50.00", True), (second, "-60.00", False)]
    assert told(closed, reopened) == [(first, "-50.00", True)]
    assert told(reopened, last) == [(second, "60.00", False)]


@pytest.mark.usefixtures("first")
def test_reopening_adds_events_and_removes_none(room: SigningRoom) -> None:
    before = kinds(room)
    room.reopen("2024Q1")
    assert kinds(room) == [
        *before,
        "reopening_requested",
        "reopening_signed",
        "reopening_signed",
        "reopening_signed",
        "quarter_reopened",
    ]


def test_the_bytes_to_sign_name_quarter_settlement_and_reason(room: SigningRoom, first: int) -> None:
    number = room.request("2024Q1", "东部申报有误")
    assert room.reopening("2024Q1", number).content == canonical_bytes(
        {
            "format": "parkledger.reopening/1",
            "agreement": "A-1",
            "quarter": "2024Q1",
            "settlement": str(first),
            "request": 1,
            "reason": "东部申报有误",
        }
    )


@pytest.mark.usefixtures("first")
def test_every_named_role_must_sign(room: SigningRoom) -> None:
    number = room.request("2024Q1")
    room.sign_request("2024Q1", number, "origin", "host")
    assert room.reopening("2024Q1", number).awaits == ["province"]
    with pytest.raises(SignaturesMissing, match=r"^Request 1 to reopen 2024Q1 still needs .* province\.$"):
        room.carry_out("2024Q1", number)
    room.sign_request("2024Q1", number, "province")
    room.carry_out("2024Q1", number)
    done = room.reopening("2024Q1", number)
    assert (done.awaits, done.reopened_at is None) == ([], False)


@pytest.mark.usefixtures("first")
def test_a_signature_must_be_of_the_role_and_of_these_bytes(room: SigningRoom) -> None:
    number = room.request("2024Q1")
    content = room.reopening("2024Q1", number).content

    def give(role: str, signer: str, signed: bytes) -> None:
        key = room.keys[signer]
        settlements.sign_reopening(
            room.database,
            room.act(),
            room.agreement_id,
            Q1,
            number,
            role,
            public_key_of(key),
            sign(key, signed),
        )

    with pytest.raises(KeyNotRegistered):
        give("origin", "host", content)
    with pytest.raises(SignatureWrong):
        give("origin", "origin", content + b" ")
    give("origin", "origin", content)
    with pytest.raises(AlreadySigned):
        give("origin", "origin", content)


def test_a_role_that_the_terms_do_not_name_does_not_reopen(database: Database) -> None:
    room = open_signing_room(database, procedure={"reopened_by": ("origin", "host")})
    room.settle("2024Q1", "100.00")
    number = room.request("2024Q1")
    with pytest.raises(RoleDoesNotSign):
        room.sign_request("2024Q1", number, "province")


@pytest.mark.usefixtures("first")
def test_only_the_newest_request_is_signed_and_carried_out(room: SigningRoom) -> None:
    room.request("2024Q1", "typed wrongly")
    second = room.request("2024Q1", "typed right")
    with pytest.raises(ReopeningOvertaken):
        room.sign_request("2024Q1", 1, "origin")
    with pytest.raises(ReopeningOvertaken):
        room.carry_out("2024Q1", 1)
    assert [room.reopening("2024Q1", number).awaits for number in (1, second)] == [[], list(REOPENED_BY)]
    room.sign_request("2024Q1", second)
    room.carry_out("2024Q1", second)


@pytest.mark.usefixtures("first")
def test_an_unusable_reason_and_an_unknown_request_are_refused(room: SigningRoom) -> None:
    with pytest.raises(RequestRefused):
        room.request("2024Q1", "")
    with pytest.raises(NotFound):
        room.carry_out("2024Q1", 1)


@pytest.mark.parametrize("procedure", [{}, {"signed_by": ("origin",)}])
def test_without_named_roles_a_quarter_is_never_reopened(database: Database, procedure: Document) -> None:
    room = open_signing_room(database, procedure=procedure)
    room.hand_in("2024Q1")
    computed = room.compute("2024Q1")
    room.propose(computed)
    if procedure:
        room.sign(computed, "origin")
    room.close("2024Q1", computed)
    with pytest.raises(QuarterNotReopenable, match="nobody"):
        room.request("2024Q1")


@pytest.mark.usefixtures("first")
def test_only_the_last_closed_quarter_is_reopened(room: SigningRoom) -> None:
    with pytest.raises(QuarterNotReopenable, match="last closed"):
        room.request("2024Q2")
    room.settle_signed("2024Q2", "10.00")
    with pytest.raises(QuarterNotReopenable, match="last closed"):
        room.request("2024Q1")
    room.reopen("2024Q2")
    with pytest.raises(QuarterNotReopenable, match="returns"):
        room.request("2024Q1")


@pytest.mark.usefixtures("first")
def test_a_return_in_the_next_quarter_keeps_the_quarter_closed(room: SigningRoom) -> None:
    number = room.request("2024Q1")
    room.sign_request("2024Q1", number, "origin")
    room.hand_in("2024Q1", "120.00")
    for act in (
        lambda: room.sign_request("2024Q1", number, "host"),
        lambda: room.carry_out("2024Q1", number),
        lambda: room.request("2024Q1"),
    ):
        with pytest.raises(QuarterNotReopenable, match="returns were handed in"):
            act()


def test_a_settlement_computed_since_keeps_the_quarter_closed(database: Database) -> None:
    """Where nobody reports, a quarter is computed without returns."""
    room = open_signing_room(database, procedure={"reopened_by": ("origin", "host")}, last_quarter=None)
    room.settle("2024Q1", "100.00")
    room.amend_to_end("2024Q1")
    room.compute("2024Q2")
    with pytest.raises(QuarterNotReopenable, match="settlement was computed"):
        room.request("2024Q1")


def test_the_last_quarter_of_the_terms_is_reopened_where_no_quarter_follows(database: Database) -> None:
    room = open_signing_room(database, last_quarter="2024Q1")
    room.settle_signed("2024Q1", "100.00")
    room.reopen("2024Q1")
    assert states(room) == {"2024Q1": "open"}
    room.settle_signed("2024Q1", "120.00")
    assert states(room) == {"2024Q1": "closed"}


def test_new_terms_open_the_waiting_quarter_and_no_second_row_of_it(database: Database) -> None:
    room = open_signing_room(database)
    room.settle_signed("2024Q1", "100.00")
    room.reopen("2024Q1")
    room.amend_to_end("2024Q1")
    room.settle_signed("2024Q1", "120.00")
    assert states(room) == {"2024Q1": "closed", "2024Q2": "waiting"}
    room.amend(clause(rounding={"mode": "up"}), starts="2024Q2")
    assert states(room) == {"2024Q1": "closed", "2024Q2": "open"}


def test_a_quarter_is_reopened_again_after_it_was_closed_again(room: SigningRoom, first: int) -> None:
    room.reopen("2024Q1")
    second = room.settle_signed("2024Q1", "120.00")
    room.reopen("2024Q1")
    third = room.settle_signed("2024Q1", "140.00")
    assert [room.standing(one).state.value for one in (first, second, third)] == [
        "reopened",
        "reopened",
        "closed",
    ]
    with room.database.reading() as connection:
        found = settlements.reopenings(connection, room.agreement_id).items
    assert [(one.settlement_id, one.request) for one in found] == [(first, 1), (second, 1)]


def test_what_had_accrued_is_taken_back_and_accrues_anew(database: Database) -> None:
    room = open_signing_room(database, clause(then={"provisional": "accrue"}))
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.settle_signed(quarter, "100.00")
    room.reopen("2024Q3")
    room.settle_signed("2024Q3", "40.00")
    room.settle_signed("2024Q4", "0.00")
    with room.database.reading() as connection:
        found = history.balances(connection, party_id=room.party_id("origin"), through=Quarter(2024, 4))
    assert [(one.kind, text(one.amount_minor)) for one in found] == [("due", "120.00")]


# --- the database's own guard -----------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [(), ("origin", "host")])
def test_the_database_itself_reopens_nothing_that_is_not_signed_by_all(
    room: SigningRoom, first: int, roles: tuple[str, ...]
) -> None:
    number = room.request("2024Q1")
    if roles:
        room.sign_request("2024Q1", number, *roles)
    with room.database.writing() as connection:
        event_id = connection.execute(select(func.max(event.c.event_id))).scalar_one()
        with refused(connection, Refusal.REOPENING_REFUSED):
            connection.execute(select(reopened_by_database(room, first, number, event_id)))


def test_the_database_itself_reopens_nothing_that_returns_rest_on(room: SigningRoom, first: int) -> None:
    number = room.request("2024Q1")
    room.sign_request("2024Q1", number)
    room.hand_in("2024Q2", "1.00")
    with room.database.writing() as connection:
        event_id = connection.execute(select(func.max(event.c.event_id))).scalar_one()
        with refused(connection, Refusal.REOPENING_REFUSED):
            connection.execute(select(reopened_by_database(room, first, number, event_id)))


def reopened_by_database(room: Room, settlement_id: int, number: int, event_id: int) -> Function[None]:
    return func.reopen_quarter(
        room.agreement_id, Q1.code, settlement_id, literal(number, SmallInteger), event_id
    )


@pytest.mark.usefixtures("first")
def test_the_application_changes_no_quarter_back_by_itself(room: SigningRoom) -> None:
    number = room.request("2024Q1")
    room.sign_request("2024Q1", number)
    change_states(room, {20241: "open"}, {20242: "waiting"})
    room.carry_out("2024Q1", number)
    change_states(room, {20242: "open"}, {20241: "waiting"}, {20242: "closed"})


def change_states(room: Room, *changes: dict[int, str]) -> None:
    """Each change must be refused by the guard."""
    with room.database.writing() as connection:
        for change in changes:
            for quarter, state in change.items():
                row = agreement_quarter.c
                values = (
                    {"state": state}
                    if state != "open"
                    else {
                        "state": state,
                        "settlement_id": None,
                        "closed_at": None,
                    }
                )
                with refused(connection, Refusal.CLOSE_REFUSED):
                    connection.execute(
                        update(agreement_quarter)
                        .where(row.agreement_id == room.agreement_id, row.quarter == quarter)
                        .values(**values)
                    )


# --- at the same moment -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("first")
def test_a_reopening_waits_for_a_return_that_comes_in_and_is_then_refused(room: SigningRoom) -> None:
    number = room.request("2024Q1")
    room.sign_request("2024Q1", number)
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as posting:
            agreements.hold_open_quarter(posting, room.agreement_id)
            pool.submit(room.hand_in, "2024Q2", "1.00").result(timeout=60)
            reopening = pool.submit(room.carry_out, "2024Q1", number)
            wait_until_blocked(room.database, None, by=process_of(posting))
        with pytest.raises(QuarterNotReopenable, match="returns"):
            reopening.result(timeout=60)
    assert states(room) == {"2024Q1": "closed", "2024Q2": "open"}


def test_a_return_that_waits_for_a_reopening_is_booked_in_the_reopened_quarter(
    room: SigningRoom, first: int
) -> None:
    number = room.request("2024Q1")
    room.sign_request("2024Q1", number)
    with ThreadPoolExecutor(1) as pool:
        with room.database.writing() as reopening:
            event_id = reopening.execute(select(func.max(event.c.event_id))).scalar_one()
            reopening.execute(select(reopened_by_database(room, first, number, event_id)))
            returned = pool.submit(room.hand_in, "2024Q1", "120.00")
            wait_until_blocked(room.database, None, by=process_of(reopening))
        assert returned.result(timeout=60).booked_quarter == Q1


@pytest.mark.usefixtures("first")
def test_two_reopenings_at_once_reopen_once(room: SigningRoom) -> None:
    number = room.request("2024Q1")
    room.sign_request("2024Q1", number)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(room.carry_out, "2024Q1", number) for _ in range(2)]
        failures = [one.exception(timeout=60) for one in both]
    assert sorted(type(one).__name__ for one in failures) == ["NoneType", "QuarterNotReopenable"]


# --- reading ----------------------------------------------------------------------------------------------


def states(room: Room) -> dict[str, str]:
    row = agreement_quarter.c
    with room.database.reading() as connection:
        found = connection.execute(
            select(row.quarter, row.state).where(row.agreement_id == room.agreement_id).order_by(row.quarter)
        )
        return {str(Quarter.from_code(one.quarter)): one.state for one in found}


def kinds(room: Room) -> list[str]:
    with room.database.reading() as connection:
        return [one.kind for one in events(connection, agreement_id=room.agreement_id, limit=200).items]


def now(room: Room) -> datetime:
    with room.database.reading() as connection:
        moment = connection.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(moment, datetime)
    return moment


def figures(room: Room, known_at: datetime | None) -> list[str]:
    """What the origin gets of the first quarter."""
    with room.database.reading() as connection:
        found = history.figure(
            connection, room.agreement_id, Q1, party_id=room.party_id("origin"), known_at=known_at
        )
    return [text(one.amount_minor) for one in found]


def dues(room: Room, known_at: datetime | None) -> list[str]:
    """What is due to the origin."""
    with room.database.reading() as connection:
        found = history.balances(connection, party_id=room.party_id("origin"), through=Q2, known_at=known_at)
    return [text(one.amount_minor) for one in found]


def standing(room: Room, known_at: datetime | None) -> QuarterState:
    with room.database.reading() as connection:
        return quarter_standing(connection, room.agreement_id, Q1, known_at).state
