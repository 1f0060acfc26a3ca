"""Zones as of a day, through the API."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette

from ledger.desk.roster import load_roster
from ledger_schema.sessions import Database
from tests.api.journey import Api


@pytest.fixture
def roster(app: Starlette, database_url: str) -> None:  # noqa: ARG001
    opened = Database(database_url)
    load_roster(opened)
    opened.dispose()


@pytest.mark.usefixtures("roster")
def test_the_counts_of_the_end_of_2020_come_out_of_the_data(api: Api) -> None:
    assert api.run("zone_counts", asOf="2020-12-31")["zoneCounts"] == {
        "asOf": "2020-12-31",
        "total": 169,
        "east": 70,
        "central": 44,
        "west": 39,
        "northeast": 16,
        "unclassified": 0,
    }


@pytest.mark.usefixtures("roster")
def test_zones_as_of_a_day_are_those_on_the_list_then(api: Api) -> None:
    asked = "query Z($day: Date!) { zones(asOf: $day, first: 5) { edges { node { code } } } }"
    edges = api.ask(asked, day="1990-01-01")["zones"]["edges"]
    assert [edge["node"]["code"] for edge in edges] == ["HTZ001"]


@pytest.mark.usefixtures("roster")
def test_a_recorded_change_shows_from_its_day_on_and_is_refused_where_it_makes_no_sense(api: Api) -> None:
    api.register("PARK", kind="PARK")
    joined = {"zone": "HTZ001", "kind": "PART_JOINED", "day": "2024-05-01", "document": "文件-1"}
    changed = api.change("record_zone_change", **joined, other="PARK", part="RADIATED_POINT")
    assert (changed["sequence"], changed["replayed"]) == (1, False)
    before = api.run("zone_on", code="HTZ001", asOf="2024-04-30")
    after = api.run("zone_on", code="HTZ001", asOf="2024-05-01")
    assert before["zoneOn"]["parts"] == []
    assert [(part["kind"], part["party"]["code"]) for part in after["zoneOn"]["parts"]] == [
        ("RADIATED_POINT", "PARK")
    ]
    assert (after["zoneOn"]["standing"], after["zoneOn"]["review"]) == ("LISTED", "ADMITTED")
    assert [(one["sequence"], one["kind"]) for one in after["zoneChanges"]] == [(1, "PART_JOINED")]
    refused = api.attempt("record_zone_change", **joined | {"kind": "ADMITTED"}, level="national")
    assert [fault["code"] for fault in refused["faults"]] == ["ZONE_STANDING"]
    assert api.attempt("record_zone_change", **joined | {"zone": "NOBODY"})["__typename"] == "NotFound"


def test_a_zone_that_is_not_there_is_null(api: Api) -> None:
    found = api.run("zone_on", code="NOBODY", asOf="2024-05-01")
    assert found == {"zoneOn": None, "zoneChanges": None}
