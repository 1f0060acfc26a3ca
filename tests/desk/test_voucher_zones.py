"""One programme for providers of several zones: each bears its part, quotas count together."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from clearing_room import clearing_clause, home_advances, settle_cleared
from desk_fixtures import Document
from payment_rooms import legs_of
from voucher_room import (
    DAY,
    HOME,
    PROVIDER_ZONE,
    VoucherRoom,
    budget,
    certify,
    credit_code,
    open_voucher_room,
    parts,
    programme_document,
    voucher_clause,
)

from ledger.desk import fsck, vouchers
from ledger.desk.accounts import Account
from ledger.desk.failures import RequestRefused
from ledger.desk.vouchers import ProviderDraft, ProviderNotRecognised
from ledger_graphql.connections import global_id
from ledger_graphql.voucher_subjects import sides_of_order
from ledger_schema.sessions import Database
from ledger_schema.sight import Sight

SOUTH, NORTH = "south", "north"
NOBODY = Account(0, "", "", "", (), Sight())
BY_CODE = {SOUTH: credit_code(11), NORTH: credit_code(12)}
HALVES = {HOME: "1/2", NORTH: "1/2"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def open_alliance(database: Database, paying: Document | None = None, **changes: Any) -> VoucherRoom:
    """A programme of one home whose vouchers are good with providers of three other zones."""
    document: dict[str, Any] = {
        "other_zones": [{"role": SOUTH}, {"role": NORTH, "shares": HALVES}],
        "budgets": [budget(role, "1000000.00") for role in (HOME, PROVIDER_ZONE, SOUTH, NORTH)],
    }
    room = open_voucher_room(
        database,
        paying or voucher_clause(),
        *home_advances(11, HOME, PROVIDER_ZONE),
        clearing_clause(13, SOUTH, "voucher_borne_partner", to=HOME),
        clearing_clause(14, NORTH, "voucher_borne_partner", to=HOME),
        roles=(HOME, PROVIDER_ZONE, SOUTH, NORTH),
        **{**document, **changes},
    )
    for role, code in BY_CODE.items():
        vouchers.register_provider(database, room.act(), ProviderDraft(code, "检测院", room.roles[role]))
        certify(room, code, role)
    return room


def test_the_zone_where_the_provider_is_bears_the_part_of_the_provider_s_zone(database: Database) -> None:
    room = open_alliance(database)
    assert parts(room.redeem(1, "60000.00")) == {HOME: 4_000_000, PROVIDER_ZONE: 2_000_000}
    assert parts(room.redeem(2, "60000.00", at=BY_CODE[SOUTH])) == {HOME: 4_000_000, SOUTH: 2_000_000}
    assert parts(room.redeem(3, "60000.00", at=HOME)) == {HOME: 6_000_000}


def test_a_zone_with_shares_of_its_own_bears_those(database: Database) -> None:
    found = open_alliance(database).redeem(1, "60000.00", at=BY_CODE[NORTH])
    assert parts(found) == {HOME: 3_000_000, NORTH: 3_000_000}


def test_the_quota_of_an_enterprise_counts_what_it_used_in_every_zone(database: Database) -> None:
    room = open_alliance(database)
    for at in (PROVIDER_ZONE, BY_CODE[SOUTH], HOME):
        room.redeem(1, "30000.00", at=at)
    assert room.redeem(1, "30000.00", at=BY_CODE[NORTH]).approved_minor == 1_000_000


def test_a_cap_on_the_part_of_the_provider_s_zone_holds_for_each_zone_by_itself(database: Database) -> None:
    of_zone = {
        "amount": "10000.00",
        "over": "year",
        "unused": "lapses",
        "measured_on": "receipts",
        "excess_to": None,
        "capped": PROVIDER_ZONE,
    }
    room = open_alliance(database, paying=voucher_clause(caps=[of_zone]))
    assert parts(room.redeem(1, "60000.00")) == {HOME: 4_000_000, PROVIDER_ZONE: 1_000_000}
    assert parts(room.redeem(1, "60000.00", at=BY_CODE[SOUTH])) == {HOME: 4_000_000, SOUTH: 1_000_000}
    assert parts(room.redeem(1, "60000.00", at=BY_CODE[SOUTH])) == {HOME: 4_000_000}


def test_issuing_sets_aside_what_each_zone_may_have_to_bear(database: Database) -> None:
    room = open_alliance(database)
    room.issue(1, "60000.00")
    reserved = {role: reserved_minor for role, (_, reserved_minor, _) in room.budgets().items()}
    assert reserved == {HOME: 6_000_000, PROVIDER_ZONE: 2_000_000, SOUTH: 2_000_000, NORTH: 3_000_000}
    room.claim(room.order(next_voucher(room), "60000.00", at=BY_CODE[SOUTH]), "60000.00")
    used = {role: (reserved, used) for role, (_, reserved, used) in room.budgets().items()}
    assert used[SOUTH] == (0, 2_000_000)
    assert used[NORTH] == used[PROVIDER_ZONE] == (0, 0)


def next_voucher(room: VoucherRoom) -> int:
    with room.database.reading() as connection:
        found = vouchers.programme_by_code(connection, room.programme)
        return vouchers.vouchers(connection, found.programme_id).items[-1].voucher_id


def test_a_claim_is_for_home_and_for_the_zone_where_the_provider_is(database: Database) -> None:
    room = open_alliance(database)
    voucher_id = room.issue(1, "60000.00")
    for at, zones in (
        (BY_CODE[SOUTH], {HOME, SOUTH}),
        (PROVIDER_ZONE, {HOME, PROVIDER_ZONE}),
        (HOME, {HOME}),
    ):
        named = SimpleNamespace(order=global_id("VoucherOrder", room.order(voucher_id, "1.00", at=at)))
        with database.reading() as connection:
            found = sides_of_order(connection, NOBODY, named)
        assert found.party_ids == {room.party_id(role) for role in zones}


def test_what_each_zone_bears_is_cleared_with_home_in_the_same_quarter(database: Database) -> None:
    room = open_alliance(database)
    room.redeem(1, "60000.00")
    room.redeem(2, "90000.00", at=BY_CODE[SOUTH])
    room.redeem(3, "40000.00", at=BY_CODE[NORTH])
    settle_cleared(room)
    roles = {room.party_id(role): role for role in room.roles}
    owed = {(roles[leg.payer_party_id], roles[leg.payee_party_id]): leg.amount_minor for leg in legs_of(room)}
    assert owed == {
        (PROVIDER_ZONE, HOME): 2_000_000,
        (SOUTH, HOME): 3_000_000,
        (NORTH, HOME): 2_000_000,
    }
    with database.reading() as connection:
        assert [found for result in fsck.run(connection) for found in result.mismatches] == []


def test_a_provider_of_a_zone_that_the_programme_does_not_name_is_not_recognised(database: Database) -> None:
    without: dict[str, Any] = {
        "other_zones": [{"role": SOUTH}],
        "budgets": [budget(role, "1000000.00") for role in (HOME, PROVIDER_ZONE, SOUTH)],
    }
    room = open_alliance(database, **without)
    with pytest.raises(ProviderNotRecognised):
        room.order(room.issue(1, "100.00"), "100.00", at=BY_CODE[NORTH], day=DAY)


@pytest.mark.parametrize(
    ("zones", "path"),
    [
        ([{"role": HOME}], "programme.other_zones[0]"),
        ([{"role": SOUTH}, {"role": SOUTH}], "programme.other_zones[1]"),
        ([{"role": "west"}], "programme.home"),
        ([{"role": SOUTH, "shares": {HOME: "1/2", SOUTH: "1/3"}}], "programme.other_zones[0].shares"),
        ([{"role": SOUTH, "shares": {SOUTH: "1"}}], "programme.other_zones[0].shares"),
        ([{"role": SOUTH}], "programme.budgets"),
    ],
)
def test_a_programme_whose_zones_do_not_fit_its_terms_is_refused(
    database: Database, zones: list[dict[str, Any]], path: str
) -> None:
    room = open_alliance(database)
    document = programme_document(other_zones=zones)
    with pytest.raises(RequestRefused) as refusal:
        vouchers.register_programme(database, room.act(), room.agreement_id, "P-9", document)
    assert path in {fault.path for fault in refusal.value.faults}
