"""The roster that comes with the product."""

from __future__ import annotations

from collections import Counter

from ledger_schema.roster import zones


def test_the_zones_of_2020_add_up_to_the_published_roster() -> None:
    classes = Counter(zone.region_class for zone in zones() if zone.in_2020_roster)
    assert classes == {"East": 70, "Central": 44, "West": 39, "Northeast": 16}


def test_every_zone_has_its_own_code_and_name() -> None:
    roster = zones()
    assert len({zone.code for zone in roster}) == len({zone.name_zh for zone in roster}) == len(roster) == 179


def test_codes_of_divisions_have_six_digits_and_lie_in_the_province() -> None:
    for zone in zones():
        divisions = [zone.province, zone.city, *([zone.district] if zone.district else [])]
        assert all(len(division.code) == 6 and division.code.isdecimal() for division in divisions)
        assert {division.code[:2] for division in divisions} == {zone.province.code[:2]}


def test_each_row_says_how_far_it_is_to_be_trusted() -> None:
    assert {zone.confidence for zone in zones()} == {
        "listed in the 2020 roster of 169",
        "State Council reply",
        "unconfirmed",
    }
