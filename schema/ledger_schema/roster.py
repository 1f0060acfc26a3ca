"""The roster of national high-tech zones that comes with the product (`data/SOURCES.md` says from where)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Division:
    """An administrative division with its six-digit code in GB/T 2260."""

    code: str
    name_zh: str


@dataclass(frozen=True, slots=True)
class RosterZone:
    """One zone. `confidence` says how far to trust it.

    `region_class` is East, Central, West or Northeast. `district` is None where the city has no districts or
    none could be named, `approval_document` where the State Council's reply is not known.
    """

    code: str
    name_zh: str
    province: Division
    city: Division
    district: Division | None
    region_class: str
    approval_year: int
    approval_document: str | None
    in_2020_roster: bool
    confidence: str


def content() -> bytes:
    """The roster's file as it is shipped: UTF-8 CSV."""
    return files("ledger_schema").joinpath("data/zones.csv").read_bytes()


def zones() -> list[RosterZone]:
    """Every zone of the roster, in the order of its code."""
    return [_zone(row) for row in csv.DictReader(content().decode().splitlines())]


def _zone(row: dict[str, str]) -> RosterZone:
    return RosterZone(
        code=row["zone_id"],
        name_zh=row["name_zh"],
        province=Division(row["province_code"], row["province"]),
        city=Division(row["city_code"], row["city"]),
        district=_district(row),
        region_class=row["region_class"],
        approval_year=int(row["approval_year"]),
        approval_document=row["approval_doc"] or None,
        in_2020_roster=row["in_2020_169"] == "Y",
        confidence=row["confidence"],
    )


def _district(row: dict[str, str]) -> Division | None:
    if not row["host_district_code"]:
        return None
    return Division(row["host_district_code"], row["host_district"])
