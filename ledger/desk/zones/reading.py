"""Zones as of a day, as known at a moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, true

from ledger.desk.agreements import known
from ledger.desk.failures import NotFound
from ledger.desk.zones.state import (
    Beginning,
    ChangeKind,
    DivisionRole,
    PartKind,
    PlacedDivision,
    ZoneChange,
    ZoneState,
    state_on,
)
from ledger.rules.fields import Bilingual
from ledger_schema.tables import party, zone, zone_change, zone_division

NATIONAL = "national"


def zone_states(
    connection: Connection,
    day: date,
    zone_ids: Collection[int] | None = None,
    known_at: datetime | None = None,
) -> dict[int, ZoneState]:
    """Zones (None: every zone) on a day, by id in the order of their codes."""
    beginnings = _beginnings(connection, zone_ids, day)
    changes = _changes(connection, zone_ids, known_at)
    return {
        party_id: state_on(beginning, changes[party_id], day) for party_id, beginning in beginnings.items()
    }


def zone_state(
    connection: Connection, zone_id: int, day: date, known_at: datetime | None = None
) -> ZoneState:
    """One zone on a day. Raises ``NotFound`` for what is no zone."""
    found = zone_states(connection, day, [zone_id], known_at)
    if zone_id not in found:
        raise NotFound("zone", zone_id)
    return found[zone_id]


def zone_changes(connection: Connection, zone_id: int, known_at: datetime | None = None) -> list[ZoneChange]:
    """Everything recorded about a zone in the order of recording, what was replaced since included."""
    return _changes(connection, [zone_id], known_at)[zone_id]


def listed_zones(
    connection: Connection, day: date, level: str | None = None, known_at: datetime | None = None
) -> list[ZoneState]:
    """The zones on the list on a day, of one level if wanted, by code."""
    states = zone_states(connection, day, None, known_at).values()
    return [state for state in states if state.level is not None and level in (None, state.level)]


def zone_counts(
    connection: Connection, day: date, level: str = NATIONAL, known_at: datetime | None = None
) -> Counter[str]:
    """How many zones of the level were on the list on a day, by region class."""
    return Counter(state.region_class or "" for state in listed_zones(connection, day, level, known_at))


def parts_on(connection: Connection, zone_id: int, days: Iterable[date]) -> dict[date, set[int]]:
    """The parks and areas of a zone on each of the days; of what is no zone there are none."""
    changes = _changes(connection, [zone_id], None)[zone_id]
    return {
        day: {
            part_id
            for beginning in _beginnings(connection, [zone_id], day).values()
            for part_id in state_on(beginning, changes, day).parts
        }
        for day in days
    }


def _beginnings(connection: Connection, zone_ids: Collection[int] | None, day: date) -> dict[int, Beginning]:
    of_roster = [zone.c.level, zone.c.approval_year]
    rows = connection.execute(
        select(party.c.party_id, party.c.name_zh, party.c.name_en, party.c.region_class, *of_roster)
        .outerjoin(zone, zone.c.party_id == party.c.party_id)
        .where(party.c.kind == "zone", _among(party.c.party_id, zone_ids))
        .order_by(party.c.code)
    )
    parks, divisions = _parks(connection, zone_ids), _divisions(connection, zone_ids, day)
    return {row.party_id: _beginning(row, parks, divisions) for row in rows}


def _beginning(
    row: Row[Any], parks: dict[int, list[int]], divisions: dict[int, list[PlacedDivision]]
) -> Beginning:
    return Beginning(
        party_id=row.party_id,
        name=Bilingual(zh=row.name_zh, en=row.name_en or row.name_zh),
        region_class=row.region_class,
        level=row.level,
        approval_year=row.approval_year,
        park_ids=parks[row.party_id],
        divisions=divisions[row.party_id],
    )


def _parks(connection: Connection, zone_ids: Collection[int] | None) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row in connection.execute(
        select(party.c.party_id, party.c.parent_party_id)
        .where(party.c.parent_party_id.is_not(None), _among(party.c.parent_party_id, zone_ids))
        .order_by(party.c.code)
    ):
        found[row.parent_party_id].append(row.party_id)
    return found


def _divisions(
    connection: Connection, zone_ids: Collection[int] | None, day: date
) -> dict[int, list[PlacedDivision]]:
    found: defaultdict[int, list[PlacedDivision]] = defaultdict(list)
    column = zone_division.c
    for row in connection.execute(
        select(zone_division)
        .where(
            _among(column.party_id, zone_ids),
            func.coalesce(column.starts <= day, true()),
            func.coalesce(column.ends > day, true()),
        )
        .order_by(column.party_id, column.division_code, column.level)
    ):
        placed = PlacedDivision(row.division_code, row.division_zh, row.level, DivisionRole.LIES_IN)
        found[row.party_id].append(placed)
    return found


def _changes(
    connection: Connection, zone_ids: Collection[int] | None, known_at: datetime | None
) -> dict[int, list[ZoneChange]]:
    found: defaultdict[int, list[ZoneChange]] = defaultdict(list)
    for row in connection.execute(
        select(zone_change)
        .where(_among(zone_change.c.party_id, zone_ids), known(zone_change.c.recorded_at, known_at))
        .order_by(zone_change.c.party_id, zone_change.c.sequence)
    ):
        found[row.party_id].append(_change(row))
    return found


def _change(row: Row[Any]) -> ZoneChange:
    values = {name: value for name, value in row._mapping.items() if name != "event_id"}
    values["kind"] = ChangeKind(row.kind)
    values["part"] = None if row.part is None else PartKind(row.part)
    values["division_role"] = None if row.division_role is None else DivisionRole(row.division_role)
    return ZoneChange(**values)


def _among(column: Any, zone_ids: Collection[int] | None) -> Any:
    return true() if zone_ids is None else column == func.any(sorted(set(zone_ids)))
