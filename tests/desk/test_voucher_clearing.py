"""Clearing: what claims decided becomes figures of returns, is settled to the fen, netted and paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from clearing_room import BOTH_WAYS, clear, open_clearing_room, settle_cleared
from desk_fixtures import Room, enterprise, text
from payment_rooms import beside, legs_of, pay, paying, propose, sign_netting
from sqlalchemy import insert, select
from voucher_room import HOME, PROVIDER_ZONE, VoucherRoom, open_voucher_room

from ledger.desk import fsck, payments, returns, vouchers
from ledger.desk.payments import Leg, LegFilter
from ledger.desk.returns import Filing, ReturnIsCleared
from ledger.desk.vouchers import ClearingNotAgreed
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import voucher_clearing, voucher_entry, voucher_entry_cleared

SECOND = date(2024, 5, 1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> VoucherRoom:
    return open_clearing_room(database)


def owed(room: Room) -> list[tuple[str, str, str]]:
    """Payer, payee and amount of every leg of the agreement."""
    roles = {room.party_id(role): role for role in room.roles}
    return [
        (roles[leg.payer_party_id], roles[leg.payee_party_id], text(leg.amount_minor))
        for leg in legs_of(room)
    ]


def filings(room: Room, role: str, quarter: str = "2024Q1") -> list[Filing]:
    with room.database.reading() as connection:
        return returns.filings(connection, room.agreement_id, quarter=Quarter.parse(quarter), role=role)


def test_what_claims_decided_is_settled_and_the_providers_zone_owes_the_home_zone_its_part(
    room: VoucherRoom,
) -> None:
    room.redeem(1, "60000.00")
    settlement_id = settle_cleared(room)
    assert room.shares(settlement_id) == {HOME: "60000.00"}
    assert owed(room) == [(PROVIDER_ZONE, HOME, "20000.00")]


def test_claims_that_round_one_by_one_are_settled_to_the_fen_as_they_were_decided(room: VoucherRoom) -> None:
    for place in (1, 2, 3):
        room.redeem(place, "0.02")
    room.redeem(4, "100000.00")
    settle_cleared(room)
    assert owed(room) == [(PROVIDER_ZONE, HOME, "33333.33")]


def test_two_programmes_of_one_agreement_owe_each_other_and_net_to_one_payment(database: Database) -> None:
    room = open_clearing_room(database, both_ways=True)
    room.redeem(1, "100000.00")
    room.programme = BOTH_WAYS
    room.redeem(2, "60000.00", at=HOME)
    settle_cleared(room)
    assert owed(room) == [(PROVIDER_ZONE, HOME, "33333.33"), (HOME, PROVIDER_ZONE, "20000.00")]
    assert [(*pair_of(room, leg), text(leg.amount_minor)) for leg in netted(room)] == [
        (PROVIDER_ZONE, HOME, "13333.33")
    ]


def netted(room: Room) -> list[Leg]:
    netting = propose(room)
    for role in (HOME, PROVIDER_ZONE):
        sign_netting(room, netting, role)
    with room.database.reading() as connection:
        every = payments.every_leg(connection, LegFilter(party_id=room.party_id(HOME)))
    return [leg for leg in every if leg.kind == "net"]


def pair_of(room: Room, leg: Leg) -> tuple[str, str]:
    roles = {room.party_id(role): role for role in room.roles}
    return roles[leg.payer_party_id], roles[leg.payee_party_id]


def test_vouchers_net_with_another_agreement_of_the_same_zones_and_the_rest_is_paid(
    room: VoucherRoom,
) -> None:
    room.redeem(1, "100000.00")
    settle_cleared(room)
    beside(room, "A-2", paying()).settle("2024Q1", "20000.00")
    (net,) = netted(room)
    assert (*pair_of(room, net), text(net.amount_minor)) == (PROVIDER_ZONE, HOME, "13333.33")
    pay(room, "13333.33", purpose=net.reference)
    with room.database.reading() as connection:
        assert payments.legs_by_id(connection, [net.leg_id])[net.leg_id].open_minor == 0


def test_a_quarter_without_vouchers_is_cleared_with_nil_returns(room: VoucherRoom) -> None:
    assert clear(room).entry_count == 0
    assert [one.is_nil for role in (HOME, PROVIDER_ZONE) for one in filings(room, role)] == [True, True]


def test_a_line_names_the_hash_of_its_entries(room: VoucherRoom) -> None:
    room.redeem(1, "60000.00")
    cleared = clear(room)
    with room.database.reading() as connection:
        lines = returns.lines(connection, room.agreement_id, cleared.filing_ids[HOME]).items
    ((measure, amount, document),) = [(one.measure, one.amount_minor, one.document) for one in lines]
    assert (measure, amount) == ("voucher_borne_home", 4_000_000)
    code, number, entries_hash = document.split()
    assert (code, number, len(entries_hash)) == ("P-1", "1", 64)


def test_clearing_again_takes_only_what_came_since_and_leaves_equal_returns(room: VoucherRoom) -> None:
    room.redeem(1, "30000.00")
    first = clear(room)
    assert (first.entry_count, clear(room).filing_ids) == (1, first.filing_ids)
    room.redeem(2, "60000.00")
    assert clear(room).entry_count == 1
    assert [one.totals["voucher_borne_home"] for one in filings(room, HOME)] == [2_000_000, 6_000_000]


def test_what_is_recovered_in_the_next_quarter_is_refunded_in_its_settlement(room: VoucherRoom) -> None:
    claim = room.redeem(1, "60000.00")
    settle_cleared(room)
    room.recover(claim.claim_id, "30000.00", day=SECOND)
    settlement_id = settle_cleared(room, "2024Q2")
    assert room.shares(settlement_id) == {HOME: "-30000.00"}
    assert owed(room)[1:] == [(HOME, PROVIDER_ZONE, "10000.00")]


def test_what_comes_late_of_a_closed_quarter_is_a_difference_of_the_open_one(room: VoucherRoom) -> None:
    room.redeem(1, "30000.00")
    settle_cleared(room)
    room.redeem(2, "60000.00")
    clear(room, "2024Q1")
    settlement_id = settle_cleared(room, "2024Q2")
    assert {one.quarter for one in room.allocations(settlement_id)} == {Quarter.parse("2024Q1")}
    assert owed(room) == [(PROVIDER_ZONE, HOME, "10000.00"), (PROVIDER_ZONE, HOME, "20000.00")]


def test_an_enterprise_that_left_the_list_keeps_what_was_settled_for_it(room: VoucherRoom) -> None:
    room.redeem(1, "60000.00")
    settle_cleared(room)
    room.confirm_list(enterprise(2))
    assert room.shares(settle_cleared(room, "2024Q2")) == {}


def test_nobody_hands_in_what_clearing_makes(room: VoucherRoom) -> None:
    with pytest.raises(ReturnIsCleared):
        room.hand_in("2024Q1", "1.00", role=HOME, measure="voucher_borne_home")
    with pytest.raises(ReturnIsCleared):
        room.hand_in("2024Q1", "1.00", role=HOME, measure="voucher_approved")


def test_nothing_is_cleared_without_clauses_that_say_who_pays_whom(database: Database) -> None:
    room = open_voucher_room(database)
    with pytest.raises(ClearingNotAgreed):
        clear(room)


def states(room: VoucherRoom, *claim_ids: int) -> list[str]:
    with room.database.reading() as connection:
        found = [vouchers.claim_by_id(connection, claim_id) for claim_id in claim_ids]
        said = vouchers.clearing_states(connection, found)
    return [said[claim_id] for claim_id in claim_ids]


def test_a_claim_is_cleared_then_settled_then_paid(room: VoucherRoom) -> None:
    claim_id = room.redeem(1, "60000.00").claim_id
    assert states(room, claim_id) == ["not_cleared"]
    clear(room)
    assert states(room, claim_id) == ["cleared"]
    settle_cleared(room)
    assert states(room, claim_id) == ["settled"]
    (leg,) = legs_of(room)
    pay(room, "20000.00", purpose=leg.reference)
    assert states(room, claim_id) == ["paid"]


def test_a_claim_is_paid_though_the_other_programme_still_owes(database: Database) -> None:
    room = open_clearing_room(database, both_ways=True)
    first = room.redeem(1, "60000.00").claim_id
    room.programme = BOTH_WAYS
    second = room.redeem(2, "30000.00", at=HOME).claim_id
    settle_cleared(room)
    (leg, _) = legs_of(room)
    pay(room, "20000.00", purpose=leg.reference)
    assert states(room, first, second) == ["paid", "settled"]


def test_a_claim_that_only_its_home_bears_owes_nobody_once_it_is_settled(room: VoucherRoom) -> None:
    claim_id = room.redeem(1, "60000.00", at=HOME).claim_id
    settle_cleared(room)
    assert (states(room, claim_id), owed(room)) == (["paid"], [])


def test_clearing_again_and_recovering_leave_every_row_as_its_event_says(room: VoucherRoom) -> None:
    claim = room.redeem(1, "60000.00")
    clear(room)
    room.recover(claim.claim_id, "60000.00")
    room.redeem(2, "100.00")
    settle_cleared(room)
    with room.database.reading() as connection:
        found = [one for result in fsck.run(connection) for one in result.mismatches]
    assert [one for one in found if one.table != "log_leaf"] == []


def test_a_return_that_says_something_else_than_its_entries_is_found(room: VoucherRoom) -> None:
    room.redeem(1, "60000.00")
    clear(room)
    room.redeem(2, "100.00")
    with room.database.writing() as connection:
        taken = select(voucher_entry.c.claim_id, voucher_entry.c.sequence).order_by(voucher_entry.c.claim_id)
        late = connection.execute(taken).all()[-1]
        clearing = connection.execute(select(voucher_clearing)).one()
        row = {"clearing_id": clearing.clearing_id, "event_id": clearing.event_id}
        connection.execute(insert(voucher_entry_cleared).values(late._asdict() | row))
        named = [one.table for result in fsck.run(connection) for one in result.mismatches]
    assert {"voucher_entry_cleared", "voucher_clearing_return"} <= set(named)
