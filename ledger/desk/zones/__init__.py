"""Zones as they were on any day: entry, upgrade, merger, removal, reviews, names, parts and divisions."""

from __future__ import annotations

from ledger.desk.zones.changing import ChangeDraft, record_zone_change
from ledger.desk.zones.reading import (
    listed_zones,
    parts_on,
    zone_changes,
    zone_counts,
    zone_state,
    zone_states,
)
from ledger.desk.zones.state import (
    ChangeKind,
    DivisionRole,
    PartKind,
    PlacedDivision,
    Standing,
    ZoneChange,
    ZonePart,
    ZoneState,
    state_on,
)

__all__ = [
    "ChangeDraft",
    "ChangeKind",
    "DivisionRole",
    "PartKind",
    "PlacedDivision",
    "Standing",
    "ZoneChange",
    "ZonePart",
    "ZoneState",
    "listed_zones",
    "parts_on",
    "record_zone_change",
    "state_on",
    "zone_changes",
    "zone_counts",
    "zone_state",
    "zone_states",
]
