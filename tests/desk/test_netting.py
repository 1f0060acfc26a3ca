"""Netting: what pairs and circles of parties owe each other is set off once all have signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event

import pytest
from desk_fixtures import Document, Room, open_room, text
from payment_rooms import (
    PROCEDURE,
    RATE,
    beside,
    fen,
    leg_of,
    legs_of,
    object_to,
    pay,
    paying,
    propose,
    sign_netting,
    waive,
    withdraw,
)
from sqlalchemy import Connection, insert
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk import payments
from ledger.desk.acts import Recorder, perform
from ledger.desk.failures import RequestRefused
from ledger.desk.payments import (
    ActSignatureWrong,
    Leg,
    LegFilter,
    LegState,
    Netting,
    NettingSigned,
    NettingStale,
    NoObjection,
    NothingOpen,
    NothingToNet,
    NotOfLeg,
    NotOfNetting,
    ObjectionStands,
)
from ledger.desk.payments.clearing import add_clearings, clearing_row, hold_legs
from ledger.desk.payments.reading import legs_by_id
from ledger.evidence.signatures import public_key_of, sign
from ledger_schema.sessions import Database
from ledger_schema.tables import leg_objection

DAY = date(2024, 4, 30)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    """The host owes the origin 33,333.33; in another agreement the origin owes the host 20,000.00."""
    room = open_room(database, paying(interest=RATE), procedure=PROCEDURE)
    room.settle("2024Q1", "33333.33")
    other = beside(room, "A-2", paying())
    other.settle("2024Q1", "20000.00")
    return room


def settle(room: Room, netting: Netting) -> None:
    for role in ("origin", "host"):
        sign_netting(room, netting, role)


def net_legs(room: Room) -> list[payments.Leg]:
    with room.database.reading() as connection:
        every = payments.every_leg(connection, LegFilter(party_id=room.party_id("origin")))
    return [one for one in every if one.kind == "net"]


def test_two_debts_across_agreements_leave_one_payment_of_the_difference(room: Room) -> None:
    netting = propose(room)
    sign_netting(room, netting, "origin")
    assert net_legs(room) == []
    sign_netting(room, netting, "host")
    (net,) = net_legs(room)
    assert (net.pair, text(net.amount_minor)) == (
        (room.party_id("host"), room.party_id("origin")),
        "13333.33",
    )
    (leg,) = legs_of(room)
    assert leg.state_on(DAY) == LegState.NETTED
    assert [(one.kind, one.netting_id) for one in leg.clearings] == [("netting", netting.netting_id)]


def test_what_is_left_is_due_and_bears_interest_as_the_payers_leg_that_was_due_first(room: Room) -> None:
    settle(room, propose(room))
    (net,) = net_legs(room)
    assert net.due_day == DAY
    charged = payments.charge_interest(
        room.database, room.act(), net.leg_id, room.roles["origin"], "李四", date(2024, 6, 30)
    ).value
    assert text(leg_of(room, charged).amount_minor) == "199.99"


def test_what_is_left_is_paid_like_any_leg(room: Room) -> None:
    settle(room, propose(room))
    (net,) = net_legs(room)
    pay(room, "13333.33", purpose=net.reference)
    assert leg_of(room, net.leg_id).state_on(DAY) == LegState.PAID


def test_the_bytes_tell_every_leg_and_what_is_left(room: Room) -> None:
    said = json.loads(propose(room).content)
    assert said["format"] == "parkledger.netting/1"
    assert [one["open"] for one in said["legs"]] == ["33333.33", "20000.00"]
    assert [(one["payer"], one["payee"], one["amount"]) for one in said["net"]] == [
        ("A-1-HOST", "A-1-ORIGIN", "13333.33")
    ]


def test_nothing_overdue_is_netted(room: Room) -> None:
    propose(room, day="2024-04-30")
    with pytest.raises(NothingToNet):
        propose(room, day="2024-05-01")


def test_nothing_is_netted_that_the_terms_keep_out(database: Database) -> None:
    room = open_room(database, paying())
    room.settle("2024Q1", "10.00")
    beside(room, "A-2", paying(netting=False)).settle("2024Q1", "10.00")
    with pytest.raises(NothingToNet):
        propose(room)


def test_what_is_only_ever_set_off_may_be_netted_though_it_is_no_payment(database: Database) -> None:
    room = open_room(database, paying(netting=False, form="set_off"), procedure=PROCEDURE)
    room.settle("2024Q1", "10.00")
    beside(room, "A-2", paying()).settle("2024Q1", "10.00")
    settle(room, propose(room))
    assert net_legs(room) == []
    assert legs_of(room)[0].state_on(DAY) == LegState.NETTED


@pytest.mark.parametrize("act", ["payment", "waiver"])
def test_a_netting_is_stale_once_a_leg_of_it_was_paid_or_waived(room: Room, act: str) -> None:
    netting = propose(room)
    sign_netting(room, netting, "origin")
    (leg,) = legs_of(room)
    if act == "payment":
        pay(room, "0.01", purpose=leg.reference)
    else:
        waive(room, leg.leg_id, "0.01", day="2024-04-30")
    with pytest.raises(NettingStale):
        sign_netting(room, netting, "host")
    with room.database.reading() as connection:
        assert payments.is_stale(connection, netting)
    settle(room, propose(room))
    assert text(net_legs(room)[0].amount_minor) == "13333.32"


def test_nothing_in_dispute_is_netted_until_the_objection_is_withdrawn(room: Room) -> None:
    (leg,) = legs_of(room)
    netting = propose(room)
    object_to(room, leg.leg_id)
    with pytest.raises(NothingToNet):
        propose(room)
    with pytest.raises(NettingStale):
        sign_netting(room, netting, "origin")
    withdraw(room, leg.leg_id)
    settle(room, netting)
    assert len(net_legs(room)) == 1


def test_who_pays_or_is_paid_objects_once_and_takes_it_back_itself(room: Room) -> None:
    (leg,) = legs_of(room)
    stranger = open_room(room.database, code="B-1")
    with pytest.raises(NotOfLeg):
        object_to(stranger, leg.leg_id)
    object_to(room, leg.leg_id)
    with pytest.raises(ObjectionStands):
        object_to(room, leg.leg_id, "origin")
    with pytest.raises(NoObjection):
        withdraw(room, leg.leg_id, "origin")
    withdraw(room, leg.leg_id)
    with pytest.raises(NoObjection):
        withdraw(room, leg.leg_id)
    pay(room, "33333.33", purpose=leg.reference)
    with pytest.raises(NothingOpen):
        object_to(room, leg.leg_id)


def test_of_two_nettings_of_the_same_legs_one_settles(room: Room) -> None:
    first, second = propose(room), propose(room)
    sign_netting(room, second, "origin")
    for role in ("origin", "host"):
        sign_netting(room, first, role)
    with pytest.raises(NettingStale):
        sign_netting(room, second, "host")
    assert len(net_legs(room)) == 1


def test_each_party_signs_once_with_a_key_of_its_own_and_nobody_else_does(room: Room) -> None:
    netting = propose(room)
    sign_netting(room, netting, "origin")
    with pytest.raises(NettingSigned):
        sign_netting(room, netting, "origin")
    key = room.keys["host"]
    wrong = (public_key_of(key), sign(key, b"other bytes"))
    with pytest.raises(ActSignatureWrong):
        payments.sign_netting(room.database, room.act(), netting.netting_id, room.roles["host"], *wrong)
    stranger = open_room(room.database, code="B-1")
    with pytest.raises(NotOfNetting):
        sign_netting(stranger, netting, "host")


def test_two_to_twenty_parties_net(room: Room) -> None:
    for parties in (["A-1-HOST"], ["A-1-HOST", "A-1-HOST"]):
        with pytest.raises(RequestRefused, match="2 to 20 parties"):
            propose(room, parties=parties)


# --- more than two ----------------------------------------------------------------------------------------


def circle(database: Database) -> Room:
    """The host owes the origin 10.00 and the fund 6.00; the fund owes the origin 6.00."""
    clauses = (
        paying(),
        to_fund(paying(2, measure="vat")),
        paid_by_fund(paying(3, measure="cit")),
    )
    room = open_room(database, *clauses, roles=("origin", "host", "fund"))
    figures = {("retained_tax", "2024Q1"): "10.00", ("vat", "2024Q1"): "6.00", ("cit", "2024Q1"): "6.00"}
    room.hand_in_figures("2024Q1", figures)
    room.close("2024Q1", room.compute("2024Q1"))
    return room


def to_fund(document: Document) -> Document:
    document["to_whom"]["key"] = [{"shares": {"fund": "1"}}]
    return document


def paid_by_fund(document: Document) -> Document:
    document["then"]["paid_by"] = "fund"
    return document


def test_a_circle_is_previewed_and_settles_only_when_all_have_signed(database: Database) -> None:
    room = circle(database)
    codes = [room.roles[role] for role in ("origin", "host", "fund")]
    with database.reading() as connection:
        plan = payments.netting_preview(connection, codes, DAY)
    positions = {plan.codes[party_id]: text(amount) for party_id, amount in plan.positions.items()}
    assert positions == {"A-1-ORIGIN": "16.00", "A-1-HOST": "-16.00", "A-1-FUND": "0.00"}
    netting = propose(room, parties=codes)
    for role in ("origin", "host"):
        sign_netting(room, netting, role)
        assert net_legs(room) == []
    sign_netting(room, netting, "fund")
    (net,) = net_legs(room)
    assert text(net.amount_minor) == "16.00"


# --- at once ----------------------------------------------------------------------------------------------


def test_a_signature_that_waited_for_a_payment_of_a_leg_finds_the_netting_stale(
    room: Room, database_url: str
) -> None:
    (leg,) = legs_of(room)

    def pay_a_part(connection: Connection, record: Recorder) -> None:
        held = legs_by_id(connection, [leg.leg_id])[leg.leg_id]
        event_id = record("noted", {})
        add_clearings(connection, [clearing_row(held, "waiver", fen("0.01"), DAY, event_id)])

    assert_signing_finds_it_stale(room, database_url, leg, pay_a_part)


def test_a_signature_that_waited_for_an_objection_to_a_leg_finds_the_netting_stale(
    room: Room, database_url: str
) -> None:
    (leg,) = legs_of(room)

    def dispute(connection: Connection, record: Recorder) -> None:
        connection.execute(
            insert(leg_objection).values(
                leg_id=leg.leg_id,
                sequence=1,
                stands=True,
                party_id=leg.payer_party_id,
                person="王五",
                reason="金额与凭证不符",
                event_id=record("noted", {}),
            )
        )

    assert_signing_finds_it_stale(room, database_url, leg, dispute)


def test_an_objection_that_waited_for_the_last_signature_finds_nothing_open(
    room: Room, database_url: str
) -> None:
    (leg,) = legs_of(room)
    entered, released = Event(), Event()

    def clear(connection: Connection, record: Recorder) -> dict[str, object]:
        held = hold_legs(connection, [leg.leg_id])[leg.leg_id]
        entered.set()
        assert released.wait(WAIT_SECONDS)
        event_id = record("noted", {})
        add_clearings(connection, [clearing_row(held, "waiver", held.open_minor, DAY, event_id)])
        return {}

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(perform, room.database, room.act(), "clear", {}, clear)
        assert entered.wait(WAIT_SECONDS)
        second = pool.submit(object_to, room, leg.leg_id)
        await_waiting(database_url, 1)
        released.set()
        first.result(WAIT_SECONDS)
        assert isinstance(second.exception(WAIT_SECONDS), NothingOpen)


def assert_signing_finds_it_stale(
    room: Room, database_url: str, leg: Leg, change: Callable[[Connection, Recorder], None]
) -> None:
    """The last signature waits while another act changes a leg, and then settles nothing."""
    netting = propose(room)
    sign_netting(room, netting, "origin")
    entered, released = Event(), Event()

    def work(connection: Connection, record: Recorder) -> dict[str, object]:
        hold_legs(connection, [leg.leg_id])
        entered.set()
        assert released.wait(WAIT_SECONDS)
        change(connection, record)
        return {}

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(perform, room.database, room.act(), "change", {}, work)
        assert entered.wait(WAIT_SECONDS)
        second = pool.submit(sign_netting, room, netting, "host")
        await_waiting(database_url, 1)
        released.set()
        first.result(WAIT_SECONDS)
        assert isinstance(second.exception(WAIT_SECONDS), NettingStale)
    assert net_legs(room) == []
