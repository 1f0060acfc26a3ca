"""Providers are found by what they are certified for on a day, where, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from desk_fixtures import open_room
from voucher_room import (
    DAY,
    HOME,
    PROVIDER_ZONE,
    PROVIDERS,
    VoucherRoom,
    certify,
    credit_code,
    open_voucher_room,
)

from ledger.desk import vouchers
from ledger.desk.vouchers import ProviderDraft, Sought
from ledger_schema.sessions import Database

ITEM = credit_code(21)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> VoucherRoom:
    """Two providers certified for the class ``testing``, and one at home for items of two classes."""
    opened = open_voucher_room(database)
    draft = ProviderDraft(ITEM, "专项检测所", opened.roles[HOME])
    vouchers.register_provider(database, opened.act(), draft)
    certify(opened, ITEM, HOME, services=("testing.analysis", "design.chip"), ends=date(2024, 6, 30))
    return opened


def found(room: VoucherRoom, sought: Sought) -> set[str]:
    with room.database.reading() as connection:
        return {one.credit_code for one in vouchers.providers(connection, sought=sought).items}


def in_programme(room: VoucherRoom, service: str | None = None, day: date = DAY) -> set[str]:
    with room.database.reading() as connection:
        sought = vouchers.sought_in_programme(connection, room.programme, service, day)
    return found(room, sought)


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("testing.analysis", {*PROVIDERS.values(), ITEM}),
        ("testing.other", {*PROVIDERS.values()}),
        ("testing", {*PROVIDERS.values(), ITEM}),
        ("design", {ITEM}),
        ("design.chip", {ITEM}),
        ("test", set()),
    ],
)
def test_a_class_finds_its_items_and_an_item_finds_its_class(
    room: VoucherRoom, service: str, expected: set[str]
) -> None:
    assert found(room, Sought((service,), DAY)) == expected


def test_a_certification_counts_on_its_days_alone(room: VoucherRoom) -> None:
    assert ITEM in found(room, Sought(("design.chip",), date(2024, 6, 30)))
    assert ITEM not in found(room, Sought(("design.chip",), date(2024, 7, 1)))
    assert found(room, Sought(("testing",), date(2023, 12, 31))) == set()


def test_what_is_suspended_is_not_found_while_the_rest_is(room: VoucherRoom) -> None:
    certify(room, ITEM, HOME, "suspended", DAY, DAY, ("testing",))
    assert ITEM not in found(room, Sought(("testing",), DAY))
    assert ITEM in found(room, Sought(("design",), DAY))
    assert ITEM in found(room, Sought(("testing",), date(2024, 3, 2)))
    certify(room, ITEM, HOME, services=("testing.analysis",), starts=DAY, ends=DAY)
    assert ITEM in found(room, Sought(("testing",), DAY))


def test_a_programme_finds_what_can_be_ordered_on_it(room: VoucherRoom) -> None:
    assert in_programme(room) == {*PROVIDERS.values(), ITEM}
    assert in_programme(room, "testing.analysis") == {*PROVIDERS.values(), ITEM}
    assert in_programme(room, "design.chip") == set()
    voucher_id = room.issue(1, "1000.00")
    for code in in_programme(room, "testing.analysis"):
        room.order(voucher_id, "1.00", at=code)


def test_a_programme_does_not_find_providers_elsewhere_or_certified_by_strangers(
    room: VoucherRoom, database: Database
) -> None:
    other = open_voucher_room_of_strangers(database)
    draft = ProviderDraft(credit_code(22), "外地检测所", other.roles[HOME])
    vouchers.register_provider(database, other.act(), draft)
    certify(other, credit_code(22), HOME)
    certify(other, PROVIDERS[PROVIDER_ZONE], HOME, "suspended")
    assert in_programme(room) == {*PROVIDERS.values(), ITEM}
    everywhere = found(room, Sought(("testing",), DAY))
    assert everywhere == {PROVIDERS[HOME], ITEM, credit_code(22)}


def open_voucher_room_of_strangers(database: Database) -> VoucherRoom:
    opened = open_room(database, code="A-9", make=VoucherRoom)
    assert isinstance(opened, VoucherRoom)
    return opened
