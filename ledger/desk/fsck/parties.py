"""Parties, zones and their keys, and the reference data that comes with the program."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Table

from ledger.desk.fsck.comparing import Mismatch, Said, Scope, Told
from ledger.desk.roster import division_rows, party_row, zone_row
from ledger.desk.settlements.replays import BOOK_IDS
from ledger.evidence.canonical import digest
from ledger.measures import COMMODITIES, MEASURES
from ledger_schema import roster as shipped
from ledger_schema.tables import book, commodity, measure, party, party_key, zone, zone_division


def check_parties(scope: Scope) -> Iterator[Mismatch]:
    """Every party, zone and key is what its registration, or the roster that was loaded, says."""
    tables: tuple[Table, ...] = (party, zone, zone_division, party_key)
    yield from scope.compare(tables, _told(scope))


def _told(scope: Scope) -> Iterator[Told]:
    known: set[str] = set()
    for said in scope.said("roster_loaded", "party_registered", "key_registered"):
        if said.kind == "roster_loaded":
            yield from _of_roster(scope, said, known)
        elif said.kind == "party_registered":
            known.add(said.data["code"])
            yield _registered(scope, said)
        else:
            yield said.row(
                party_key,
                party_id=scope.party_ids.get(said.data["party"], 0),
                public_key=bytes.fromhex(said.data["public_key"]),
                label=said.data["label"],
            )


def _of_roster(scope: Scope, said: Said, known: set[str]) -> Iterator[Told]:
    """The zones that this loading added; of another roster than the shipped one nothing is known."""
    if said.data["csv_sha256"] != digest(shipped.content()).hex():
        raise ValueError(f"event {said.event_id} loaded a roster that this program doesn't bring")
    for one in shipped.zones():
        if one.code in known:
            continue
        known.add(one.code)
        party_id = scope.party_ids.get(one.code, 0)
        added = {"name_en": None, "parent_party_id": None}
        yield said.row(party, **added, **party_row(party_id, one))
        yield said.row(zone, **zone_row(party_id, one))
        for row in division_rows(party_id, one):
            yield said.row(zone_division, starts=None, ends=None, **row)


def _registered(scope: Scope, said: Said) -> Told:
    data = dict(said.data)
    parent = data.pop("parent_code")
    values = data | {
        "party_id": int(data["party_id"]),
        "parent_party_id": None if parent is None else scope.party_ids.get(parent, 0),
    }
    return said.row(party, **values)


def check_reference(scope: Scope) -> Iterator[Mismatch]:
    """Commodities, books and measures are those of this program."""
    yield from scope.compare((commodity, book, measure), _reference())


def _reference() -> Iterator[Told]:
    for one in COMMODITIES:
        yield Told(commodity, {column.name: getattr(one, column.name) for column in commodity.c})
    for name, book_id in BOOK_IDS.items():
        yield Told(book, {"book_id": book_id, "name": name.value})
    for figure in MEASURES:
        values = {
            "measure_id": figure.measure_id,
            "name": figure.name,
            "kind": figure.kind.value,
            "commodity_id": figure.commodity.commodity_id,
            "name_zh": figure.name_zh,
            "name_en": figure.name_en,
        }
        yield Told(measure, values)
