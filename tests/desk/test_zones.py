"""Zones on any day: what is recorded about them, and what the list was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.desk import fsck
from ledger.desk.acts import Act
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.roster import PartyDraft, load_roster, party_by_code, register_party
from ledger.desk.zones import (
    ChangeDraft,
    ChangeKind,
    DivisionRole,
    PartKind,
    Standing,
    ZoneChange,
    ZoneState,
    listed_zones,
    record_zone_change,
    state_on,
    zone_changes,
    zone_counts,
    zone_state,
)
from ledger.desk.zones.state import Beginning
from ledger.evidence.canonical import digest
from ledger.rules.fields import Bilingual
from ledger_schema.sessions import Database

END_2020 = date(2020, 12, 31)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    load_roster(opened)
    for code, kind, parent in (("Z-A", "zone", None), ("Z-B", "zone", None), ("P-1", "park", "Z-A")):
        draft = PartyDraft(code, kind, code, "made up", region_class="West", parent_code=parent)
        register_party(opened, Act(f"register-{code}"), draft)
    yield opened
    opened.dispose()


def change(database: Database, zone: str, kind: str, day: str, **details: Any) -> int:
    """Records a change under a key made of what it says."""
    draft = ChangeDraft(zone, ChangeKind(kind), date.fromisoformat(day), "文件-1", **details)
    return record_zone_change(database, Act(digest(repr(draft).encode()).hex()), draft).value


def state(database: Database, code: str, day: str, known_at: datetime | None = None) -> ZoneState:
    with database.reading() as connection:
        zone_id = party_by_code(connection, code).party_id
        return zone_state(connection, zone_id, date.fromisoformat(day), known_at)


def id_of(database: Database, code: str) -> int:
    with database.reading() as connection:
        return party_by_code(connection, code).party_id


def counts(database: Database, day: date) -> dict[str, int]:
    with database.reading() as connection:
        return dict(zone_counts(connection, day))


def fault_codes(caught: pytest.ExceptionInfo[RequestRefused]) -> set[tuple[str, str]]:
    return {(fault.path, fault.code) for fault in caught.value.faults}


def test_169_zones_are_listed_at_the_end_of_2020_by_region_class(database: Database) -> None:
    assert counts(database, END_2020) == {"East": 70, "Central": 44, "West": 39, "Northeast": 16}


def test_the_list_grows_by_year_of_approval(database: Database) -> None:
    days = (date(1980, 1, 1), date(2009, 12, 31), END_2020, date(2026, 12, 31))
    totals = [sum(counts(database, day).values()) for day in days]
    assert totals == sorted(set(totals))
    assert (totals[0], *totals[2:]) == (0, 169, 179)


def test_a_zone_enters_is_upgraded_merged_and_keeps_its_identity(database: Database) -> None:
    change(database, "Z-A", "admitted", "2010-05-01", level="provincial")
    change(database, "Z-B", "admitted", "2011-05-01", level="national")
    change(database, "Z-A", "upgraded", "2015-05-01")
    change(database, "Z-A", "merged", "2019-05-01", other="Z-B")
    seen = [state(database, "Z-A", day) for day in ("2010-04-30", "2010-05-01", "2016-01-01", "2019-05-01")]
    assert [(one.standing, one.level) for one in seen] == [
        (Standing.NOT_LISTED, None),
        (Standing.LISTED, "provincial"),
        (Standing.LISTED, "national"),
        (Standing.MERGED, None),
    ]
    assert {one.party_id for one in seen} == {id_of(database, "Z-A")}
    assert seen[-1].merged_into_id == id_of(database, "Z-B")
    assert counts(database, date(2019, 4, 30))["West"] == counts(database, date(2019, 5, 1))["West"] + 1


def test_removal_takes_a_zone_of_the_roster_off_the_list_from_its_day_on(database: Database) -> None:
    change(database, "HTZ002", "removed", "2024-03-01")
    assert state(database, "HTZ002", "2024-02-29").standing is Standing.LISTED
    assert state(database, "HTZ002", "2024-03-01").standing is Standing.REMOVED
    with database.reading() as connection:
        listed = {one.party_id for one in listed_zones(connection, date(2024, 3, 1))}
    assert id_of(database, "HTZ002") not in listed
    assert counts(database, END_2020)["East"] == 70


def test_reviews_are_dated(database: Database) -> None:
    change(database, "HTZ001", "warned", "2022-06-01")
    change(database, "HTZ001", "praised", "2023-06-01")
    change(database, "HTZ001", "talked_to", "2021-06-01")
    seen = [state(database, "HTZ001", f"{year}-12-31") for year in (2020, 2021, 2022, 2023)]
    assert [one.review for one in seen] == [
        ChangeKind.ADMITTED,
        ChangeKind.TALKED_TO,
        ChangeKind.WARNED,
        ChangeKind.PRAISED,
    ]
    assert [one.reviewed_on for one in seen][-1] == date(2023, 6, 1)


def test_one_zone_has_many_parks_with_their_place_in_it(database: Database) -> None:
    park = id_of(database, "P-1")
    change(database, "Z-A", "part_joined", "2020-01-01", other="Z-B", part=PartKind.RADIATED_POINT)
    change(database, "Z-A", "part_joined", "2021-01-01", other="P-1", part=PartKind.CORE_AREA)
    change(database, "Z-A", "part_left", "2022-01-01", other="P-1")
    by_day = [state(database, "Z-A", day).parts for day in ("2019-01-01", "2021-06-01", "2022-01-01")]
    assert [sorted(one.kind for one in parts.values()) for parts in by_day] == [
        [PartKind.PARK],
        [PartKind.CORE_AREA, PartKind.RADIATED_POINT],
        [PartKind.RADIATED_POINT],
    ]
    assert by_day[0][park].since is None
    assert by_day[1][park].since == date(2021, 1, 1)


def test_a_zone_lies_in_several_divisions_and_is_run_by_two(database: Database) -> None:
    for code, name in (("441500", "汕尾市"), ("440300", "深圳市")):
        details = {"division_code": code, "division_zh": name, "division_level": "city"}
        change(database, "Z-A", "division_joined", "2011-05-01", division_role=DivisionRole.RUN_BY, **details)
    place = {"division_code": "441500", "division_role": DivisionRole.LIES_IN}
    change(
        database, "Z-A", "division_joined", "2011-05-01", **place, division_zh="汕尾市", division_level="city"
    )
    gone = {"division_code": "441500", "division_role": DivisionRole.RUN_BY}
    change(database, "Z-A", "division_left", "2017-09-01", **gone)

    def run_by(day: str) -> set[str]:
        divisions = state(database, "Z-A", day).divisions.values()
        return {one.code for one in divisions if one.role is DivisionRole.RUN_BY}

    assert run_by("2012-01-01") == {"441500", "440300"}
    assert run_by("2018-01-01") == {"440300"}
    assert len(state(database, "Z-A", "2018-01-01").divisions) == 2


def test_a_new_name_holds_from_its_day_on(database: Database) -> None:
    change(database, "Z-A", "renamed", "2020-01-01", name_zh="新名", name_en="New name")
    assert state(database, "Z-A", "2019-12-31").name == Bilingual(zh="Z-A", en="Z-A")
    assert state(database, "Z-A", "2020-01-01").name == Bilingual(zh="新名", en="New name")


def test_a_wrong_record_is_replaced_or_withdrawn_and_stays_known_as_it_was_known(database: Database) -> None:
    wrong = change(database, "HTZ001", "removed", "2023-01-01")
    with database.reading() as connection:
        then = zone_changes(connection, id_of(database, "HTZ001"))[0].recorded_at
    change(database, "HTZ001", "warned", "2023-02-01", replaces=wrong)
    assert state(database, "HTZ001", "2023-03-01").review is ChangeKind.WARNED
    assert state(database, "HTZ001", "2023-03-01", known_at=then).standing is Standing.REMOVED
    change(database, "HTZ001", "withdrawn", "2023-03-01", replaces=2)
    assert state(database, "HTZ001", "2024-03-01").review is ChangeKind.ADMITTED
    with pytest.raises(RequestRefused) as caught:
        change(database, "HTZ001", "warned", "2023-02-02", replaces=wrong)
    assert fault_codes(caught) == {("replaces", "CHANGE_UNKNOWN")}


def test_the_same_key_records_once(database: Database) -> None:
    draft = ChangeDraft("HTZ001", ChangeKind.WARNED, date(2023, 1, 1), "文件-1")
    assert record_zone_change(database, Act("once"), draft).value == 1
    again = record_zone_change(database, Act("once"), draft)
    assert (again.value, again.replayed) == (1, True)


@pytest.mark.parametrize(
    ("zone", "kind", "details", "expected"),
    [
        ("HTZ001", "admitted", {"level": "national"}, ("zone", "ZONE_STANDING")),
        ("HTZ001", "upgraded", {}, ("zone", "ZONE_STANDING")),
        ("Z-A", "removed", {}, ("zone", "ZONE_STANDING")),
        ("Z-A", "warned", {}, ("zone", "ZONE_STANDING")),
        ("HTZ001", "merged", {"other": "Z-A"}, ("other", "ZONE_STANDING")),
        ("HTZ001", "merged", {"other": "HTZ001"}, ("other", "PARTY_UNKNOWN")),
        ("HTZ001", "merged", {"other": "NOBODY"}, ("other", "PARTY_UNKNOWN")),
        ("HTZ001", "merged", {"other": "P-1"}, ("other", "PARTY_KIND")),
        ("HTZ001", "merged", {}, ("other", "DETAIL_MISSING")),
        ("HTZ001", "warned", {"level": "national"}, ("level", "DETAIL_FOREIGN")),
        ("Z-A", "admitted", {"level": "municipal"}, ("level", "CHOICE_UNKNOWN")),
        ("HTZ001", "renamed", {"name_zh": " "}, ("name_zh", "TEXT_UNUSABLE")),
        ("P-1", "warned", {}, ("zone", "PARTY_KIND")),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_with_its_place(
    database: Database, zone: str, kind: str, details: dict[str, Any], expected: tuple[str, str]
) -> None:
    with pytest.raises(RequestRefused) as caught:
        change(database, zone, kind, "2024-01-01", **details)
    assert expected in fault_codes(caught)


def test_a_change_of_a_zone_that_is_not_there_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        change(database, "NOBODY", "warned", "2024-01-01")


def test_fsck_knows_every_change_of_a_zone(database: Database) -> None:
    change(database, "Z-A", "admitted", "2010-05-01", level="provincial")
    change(database, "Z-A", "part_left", "2022-01-01", other="P-1")
    with database.reading() as connection:
        results = {result.check.code: result for result in fsck.run(connection)}
    assert (results["zones"].row_count, results["zones"].mismatches) == (2, [])


days = st.dates(date(2000, 1, 1), date(2030, 1, 1))
list_kinds = st.sampled_from(["upgraded", "removed", "praised", "warned"])


@given(st.lists(st.tuples(list_kinds, days), max_size=8), days, days)
def test_later_changes_never_alter_an_earlier_day(
    changes: list[tuple[str, date]], day: date, later: date
) -> None:
    beginning = Beginning(1, Bilingual(zh="区", en="Zone"), "East", "provincial", 1999)
    recorded = [
        ZoneChange(1, number, ChangeKind(kind), on, "文件", datetime(2030, 1, 1, tzinfo=UTC))
        for number, (kind, on) in enumerate(changes, start=1)
    ]
    early = min(day, later)
    after = [one for one in recorded if one.day > early]
    kept = [one for one in recorded if one.day <= early]
    assert state_on(beginning, recorded, early) == state_on(beginning, kept, early)
    moved = [replace(one, day=one.day + timedelta(days=1)) for one in after]
    assert state_on(beginning, kept + moved, early) == state_on(beginning, kept, early)
