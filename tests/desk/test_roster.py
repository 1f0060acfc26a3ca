"""Parties: the shipped roster of national zones, other parties, and their keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from ledger.desk.acts import Act
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.pages import LimitUnusable
from ledger.desk.roster import (
    Division,
    KeyAlreadyRegistered,
    Party,
    PartyDraft,
    keys_of,
    load_roster,
    parties,
    parties_by_id,
    party,
    party_by_code,
    register_key,
    register_party,
)
from ledger.evidence.signatures import new_private_key, public_key_of
from ledger_schema.sessions import Database
from ledger_schema.tables import event

PARK = PartyDraft(code="P-PARK", kind="park", name_zh="某园区", source="made up")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def loaded(database: Database) -> Database:
    load_roster(database)
    return database


def all_parties(database: Database, **chosen: str) -> list[Party]:
    found: list[Party] = []
    with database.reading() as connection:
        has_next = True
        while has_next:
            page = parties(connection, **chosen, after=found[-1].code if found else None, limit=50)  # type: ignore[arg-type]  # only text conditions are passed
            found, has_next = found + page.items, page.has_next
    return found


def test_roster_holds_every_national_zone_and_loading_it_again_is_a_replay(database: Database) -> None:
    first = load_roster(database)
    again = load_roster(database)
    assert (first.value, first.replayed) == (179, False)
    assert (again.value, again.replayed) == (179, True)
    assert [zone.code for zone in all_parties(database)] == [f"HTZ{number:03}" for number in range(1, 180)]
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(event)).scalar_one() == 1


def test_roster_of_2020_reconciles_to_169_zones_by_region(loaded: Database) -> None:
    regions = Counter(
        found.region_class for found in all_parties(loaded) if found.zone and found.zone.in_2020_roster
    )
    assert regions == {"East": 70, "Central": 44, "West": 39, "Northeast": 16}
    assert regions.total() == 169


def test_zone_knows_its_level_approval_confidence_and_three_divisions(loaded: Database) -> None:
    with loaded.reading() as connection:
        found = party_by_code(connection, "HTZ171")
        zone = found.zone
    assert (found.name_zh, found.kind, found.region_class) == ("信阳高新技术产业开发区", "zone", "Central")
    assert (found.province_code, found.province_zh) == ("410000", "河南省")
    assert zone is not None
    assert (zone.level, zone.approval_year, zone.approval_document) == ("national", 2022, "国函〔2022〕54号")
    assert (zone.in_2020_roster, zone.confidence) == (False, "State Council reply")
    assert zone.divisions == [
        Division("410000", "河南省", "province"),
        Division("411500", "信阳市", "city"),
        Division("411503", "平桥区", "district"),
    ]


def test_municipality_is_both_province_and_city_of_its_zone(loaded: Database) -> None:
    with loaded.reading() as connection:
        zone = party_by_code(connection, "HTZ001").zone
    assert zone is not None
    assert [(division.code, division.level) for division in zone.divisions] == [
        ("110000", "province"),
        ("110000", "city"),
        ("110108", "district"),
    ]


def test_parties_are_found_by_region_province_kind_and_part_of_a_name(loaded: Database) -> None:
    register_party(loaded, Act("park"), PARK)
    assert len(all_parties(loaded, region_class="Northeast")) == 16
    assert {found.province_zh for found in all_parties(loaded, province_code="540000")} == {"西藏自治区"}
    assert [found.code for found in all_parties(loaded, kind="park")] == ["P-PARK"]
    assert [found.code for found in all_parties(loaded, search="拉萨")] == ["HTZ177"]
    assert [found.code for found in all_parties(loaded, search="htz17")] == [
        f"HTZ{number}" for number in range(170, 180)
    ]


def test_search_takes_wildcards_for_plain_characters(loaded: Database) -> None:
    assert all_parties(loaded, search="%") == []
    assert all_parties(loaded, search="_") == []


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_page_of_nothing_or_too_much_is_refused(loaded: Database, limit: int) -> None:
    with loaded.reading() as connection, pytest.raises(LimitUnusable):
        parties(connection, limit=limit)


def test_park_belongs_to_its_zone(loaded: Database) -> None:
    draft = replace(
        PARK, parent_code="HTZ001", name_en="A park", province_code="110000", province_zh="北京市"
    )
    park_id = register_party(loaded, Act("park"), draft).value
    with loaded.reading() as connection:
        zone = party_by_code(connection, "HTZ001")
        park = party(connection, park_id)
        assert parties(connection, parent_party_id=zone.party_id).items == [park]
        assert parties_by_id(connection, [park_id, zone.party_id, 1]) == {park_id: park, zone.party_id: zone}
    assert (park.parent_party_id, park.zone, park.name_en) == (zone.party_id, None, "A park")


def test_all_faults_of_a_party_are_named_at_once(loaded: Database) -> None:
    draft = PartyDraft(
        code="HTZ001",
        kind="club",
        name_zh=" ",
        source="a\nb",
        name_en="x" * 501,
        province_code="11",
        region_class="North",
        parent_code="NOBODY",
    )
    with pytest.raises(RequestRefused) as caught:
        register_party(loaded, Act("wrong"), draft)
    assert {fault.path for fault in caught.value.faults} == {
        "kind",
        "name_zh",
        "source",
        "name_en",
        "province_code",
        "region_class",
        "code",
        "parent_code",
    }
    assert "NOBODY" in caught.value.message_en
    assert "NOBODY" in caught.value.message_zh


def test_a_code_of_another_form_is_refused_with_the_characters_that_are_allowed(database: Database) -> None:
    with pytest.raises(RequestRefused) as caught:
        register_party(database, Act("wrong"), replace(PARK, code="north park"))
    [fault] = [fault for fault in caught.value.faults if fault.code == "CODE_FORM"]
    assert "letters a-z and A-Z, digits, points, underscores and hyphens" in fault.message_en
    assert "英文字母、数字、点、下划线或连字符" in fault.message_zh


def test_refused_party_leaves_its_key_free_for_the_mended_one(database: Database) -> None:
    with pytest.raises(RequestRefused):
        register_party(database, Act("one"), replace(PARK, kind="club"))
    assert register_party(database, Act("one"), PARK).replayed is False


def test_party_that_is_not_there_is_not_found_by_id_or_code(database: Database) -> None:
    with database.reading() as connection:
        with pytest.raises(NotFound):
            party(connection, 7)
        with pytest.raises(NotFound) as caught:
            party_by_code(connection, "NOBODY")
        assert parties_by_id(connection, [7]) == {}
    assert caught.value.message_zh.startswith("没有名为 NOBODY 的主体")


def test_key_is_registered_once_for_its_party(database: Database) -> None:
    party_id = register_party(database, Act("park"), PARK).value
    public_key = public_key_of(new_private_key())
    assert register_key(database, Act("key"), "P-PARK", public_key, "demo key").value == party_id
    assert register_key(database, Act("key"), "P-PARK", public_key, "demo key").replayed
    with pytest.raises(KeyAlreadyRegistered):
        register_key(database, Act("again"), "P-PARK", public_key, "demo key")
    with database.reading() as connection:
        keys = keys_of(connection, [party_id, 7])
    assert [(key.public_key, key.label) for key in keys[party_id]] == [(public_key, "demo key")]
    assert list(keys) == [party_id]


@pytest.mark.parametrize("public_key", [b"", bytes(31), bytes(33), bytes([1]) + bytes(31), bytes(32)])
def test_key_that_could_not_prove_anything_is_refused(database: Database, public_key: bytes) -> None:
    register_party(database, Act("park"), PARK)
    with pytest.raises(RequestRefused) as caught:
        register_key(database, Act("key"), "P-PARK", public_key, "")
    assert [fault.path for fault in caught.value.faults] == ["public_key", "label"]


def test_key_for_a_party_that_is_not_there_is_refused(database: Database) -> None:
    with pytest.raises(NotFound):
        register_key(database, Act("key"), "NOBODY", public_key_of(new_private_key()), "demo key")
