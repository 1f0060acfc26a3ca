"""Excerpts: what a closed quarter says of one enterprise is proven, and nothing of the others is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_fixtures import enterprise
from excerpt_room import CODES, ENTERPRISES, ExcerptRoom, FurnishedDatabase, furnish
from sqlalchemy import text

from ledger.desk import bundles
from ledger.desk.bundles import EnterpriseNotInSettlement, NotSalted, SettlementNotClosed, Trust
from ledger.desk.failures import NotFound
from ledger.desk.log.reading import NotLoggedYet
from ledger.evidence.excerpts import Excerpt
from ledger_schema.sessions import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def furnished(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> FurnishedDatabase:
    return furnish(module_database_url, tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def furnished_database(furnished: FurnishedDatabase) -> str:
    return furnished.name


@pytest.fixture
def room(furnished: FurnishedDatabase, database: Database, tmp_path: Path) -> ExcerptRoom:
    return furnished.room_in_copy(database, tmp_path)


def said(excerpt: Excerpt, trust: Trust | None = None) -> str:
    return "\n".join(each.en for each in bundles.checked(excerpt.encode(), trust or Trust()))


def kinds(excerpt: Excerpt) -> set[str]:
    return {json.loads(one.event)["kind"] for one in excerpt.events}


def test_an_excerpt_holds_with_the_keys_that_the_user_gives(room: ExcerptRoom) -> None:
    trust = Trust(room.log_key, room.party_keys, cosigners=list(room.party_keys))
    found = said(Excerpt.parse(room.excerpt("2024Q1", CODES[0]).encode()), trust)
    assert "Cosigned by: A-1-ORIGIN, A-1-HOST" in found
    assert f"Enterprise {CODES[0]}: 2 allocations, the whole leaf" in found
    assert "Return 2 of host for 2024Q1 (counted): 2 lines, the whole leaf" in found
    assert "Return 1 of origin for 2024Q1 (not counted): 2 lines, the whole leaf" in found
    assert "An excerpt doesn't prove" in found
    assert found.endswith("The excerpt holds.")


@pytest.mark.parametrize("quarter", ["2024Q1", "2024Q2"])
@pytest.mark.parametrize("code", CODES)
def test_an_excerpt_shows_what_the_enterprise_has_and_nothing_else(
    room: ExcerptRoom, quarter: str, code: str
) -> None:
    excerpt = room.excerpt(quarter, code)
    settlement_id, subject = int(excerpt.settlement), int(excerpt.subject)
    booked = [one for one in room.desk.room.allocations(settlement_id) if one.subject_id == subject]
    shown = [int(one.amount_minor) for one in excerpt.share.allocations]
    assert shown == [one.amount_minor for one in booked]
    amounts = {
        "2024Q1": {CODES[0]: ["10000", "700"], CODES[1]: ["20000"], CODES[2]: ["30000"]},
        "2024Q2": {CODES[0]: ["1100", "700"], CODES[1]: ["2200"], CODES[2]: []},
    }[quarter][code]
    of_quarter = {
        data["filing"]
        for data in (json.loads(one.event)["data"] for one in excerpt.events)
        if data.get("quarter") == quarter and "filing" in data
    }
    lines = [
        [line.amount_minor for line in each.lines] for each in excerpt.returns if each.filing in of_quarter
    ]
    assert lines == ([amounts, amounts] if amounts else [])
    assert said(excerpt).endswith("The excerpt holds.")


def test_no_event_of_an_excerpt_has_a_plain_hash_or_a_sum_of_what_others_paid(room: ExcerptRoom) -> None:
    excerpt = room.excerpt("2024Q2", CODES[0])
    assert kinds(excerpt) == {
        "agreement_drafted", "key_registered", "version_drafted", "version_signed",
        "version_brought_into_force", "lines_salted", "settlement_salted",
    }  # fmt: skip
    content = excerpt.encode().decode()
    for forbidden in ("lines_hash", "content_hash", "totals", "inputs_hash", "allocations_hash", *CODES[1:]):
        assert forbidden not in content


def test_salts_of_an_excerpt_are_of_no_other_leaf(room: ExcerptRoom) -> None:
    places = [
        place
        for code in CODES
        for excerpt in [room.excerpt("2024Q1", code)]
        for place in [excerpt.share.place, *(each.place for each in excerpt.returns)]
    ]
    assert len({place.salt for place in places}) == len(places) == 9
    hashes = {each for place in places for each in place.hashes}
    assert not {place.salt for place in places} & hashes


def test_an_enterprise_without_allocations_is_shown_to_have_none(room: ExcerptRoom) -> None:
    excerpt = room.excerpt("2024Q2", CODES[2])
    assert excerpt.share.allocations == []
    assert f"Enterprise {CODES[2]}: 0 allocations" in said(excerpt)


def test_an_excerpt_is_the_same_bytes_whenever_it_is_asked_for(room: ExcerptRoom) -> None:
    first = room.excerpt("2024Q1", CODES[1]).encode()
    room.settle("2024Q3", "5.00")
    room.sequence()
    assert room.excerpt("2024Q1", CODES[1]).encode() == first


def test_a_correction_shows_in_the_excerpt_of_the_quarter_that_took_it(room: ExcerptRoom) -> None:
    room.report("2024Q1", "150.00", "200.00", "300.00")
    room.settle("2024Q3", "5.00")
    room.sequence()
    excerpt = room.excerpt("2024Q3", CODES[0])
    assert {one.quarter for one in excerpt.share.allocations} == {"2024Q1", "2024Q3"}
    assert "Return 3 of host for 2024Q1 (counted)" in said(excerpt)


# --- what has none ----------------------------------------------------------------------------------------


def test_what_isnt_closed_logged_or_named_has_no_excerpt(room: ExcerptRoom, database: Database) -> None:
    with pytest.raises(NotFound):
        room.excerpt("2024Q1", enterprise(9).credit_code)
    room.desk.room.confirm_list(*ENTERPRISES, enterprise(4))
    with pytest.raises(EnterpriseNotInSettlement):
        room.excerpt("2024Q1", enterprise(4).credit_code)
    room.report("2024Q3", "5.00")
    settlement_id = room.desk.room.compute("2024Q3")
    with database.reading() as connection, pytest.raises(SettlementNotClosed):
        bundles.enterprise_excerpt(connection, room.log_key, room.desk.agreement_id, settlement_id, CODES[0])
    room.desk.room.close("2024Q3", settlement_id)
    with pytest.raises(NotLoggedYet):
        room.excerpt("2024Q3", CODES[0])
    room.sequence()
    assert said(room.excerpt("2024Q3", enterprise(4).credit_code))


@pytest.mark.parametrize(
    ("kind", "named"), [("lines_salted", "The return "), ("settlement_salted", "The close with settlement")]
)
def test_what_was_recorded_before_there_were_salts_is_refused(
    room: ExcerptRoom, database: Database, kind: str, named: str
) -> None:
    """As a ledger has it that was there before: the events of the kind are missing."""
    with database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        of_kind = "SELECT event_id FROM event WHERE kind = :kind"
        for table in ("salted_tree", "log_leaf", "event"):
            delete = text(f"DELETE FROM {table} WHERE event_id IN ({of_kind})")
            connection.execute(delete, {"kind": kind})
    with pytest.raises(NotSalted) as refused:
        room.excerpt("2024Q2", CODES[0])
    assert refused.value.message_en.startswith(named)
