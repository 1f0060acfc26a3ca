"""A zone on a day: what the roster says, and every change recorded about it replayed up to that day.

The roster knows of an approval only the year; the zone counts as listed from the last day of that year. A
zone keeps its identity through new names, removal and merger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ledger.rules.fields import Bilingual


class ChangeKind(StrEnum):
    ADMITTED = "admitted"
    UPGRADED = "upgraded"
    """From provincial to national."""
    MERGED = "merged"
    REMOVED = "removed"
    PRAISED = "praised"
    TALKED_TO = "talked_to"
    WARNED = "warned"
    RENAMED = "renamed"
    PART_JOINED = "part_joined"
    PART_LEFT = "part_left"
    DIVISION_JOINED = "division_joined"
    DIVISION_LEFT = "division_left"
    WITHDRAWN = "withdrawn"
    """The change that it replaces was recorded wrongly, and nothing stands in its place."""


class PartKind(StrEnum):
    CORE_AREA = "core_area"
    RADIATED_AREA = "radiated_area"
    RADIATED_POINT = "radiated_point"
    PARK = "park"


class DivisionRole(StrEnum):
    LIES_IN = "lies_in"
    RUN_BY = "run_by"


class Standing(StrEnum):
    NOT_LISTED = "not_listed"
    LISTED = "listed"
    MERGED = "merged"
    REMOVED = "removed"


LIST_CHANGES = {ChangeKind.ADMITTED, ChangeKind.UPGRADED, ChangeKind.MERGED, ChangeKind.REMOVED}
REVIEWS = {
    ChangeKind.ADMITTED,
    ChangeKind.PRAISED,
    ChangeKind.TALKED_TO,
    ChangeKind.WARNED,
    ChangeKind.REMOVED,
}
"""What the yearly review leaves a zone with (通报表扬、约谈、通报警告、撤销), from its admission on."""


@dataclass(frozen=True, slots=True)
class PlacedDivision:
    """A division (GB/T 2260) that a zone lies in or is run by."""

    code: str
    name_zh: str
    level: str
    role: DivisionRole


@dataclass(frozen=True, slots=True)
class ZonePart:
    """A park or area of a zone. ``since`` is None where nobody recorded when it joined."""

    party_id: int
    kind: PartKind
    since: date | None


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """One recorded change. ``replaces`` is the sequence of an earlier one that was wrong."""

    party_id: int
    sequence: int
    kind: ChangeKind
    day: date
    document: str
    recorded_at: datetime
    level: str | None = None
    other_party_id: int | None = None
    part: PartKind | None = None
    division_code: str | None = None
    division_zh: str | None = None
    division_level: str | None = None
    division_role: DivisionRole | None = None
    name_zh: str | None = None
    name_en: str | None = None
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known of a zone without any change: its registration and its row of the roster."""

    party_id: int
    name: Bilingual
    region_class: str | None
    level: str | None = None
    approval_year: int | None = None
    park_ids: Sequence[int] = ()
    divisions: Sequence[PlacedDivision] = ()


@dataclass(slots=True)
class ZoneState:
    """A zone as it was on ``day``. ``level`` is None while it isn't on a list.

    ``review`` is what the last review left it with, since ``reviewed_on`` (None: known from the roster only).
    """

    party_id: int
    day: date
    name: Bilingual
    region_class: str | None
    standing: Standing = Standing.NOT_LISTED
    level: str | None = None
    review: ChangeKind | None = None
    reviewed_on: date | None = None
    merged_into_id: int | None = None
    parts: dict[int, ZonePart] = field(default_factory=dict)
    divisions: dict[tuple[DivisionRole, str, str | None], PlacedDivision] = field(default_factory=dict)


def standing_changes(changes: Iterable[ZoneChange]) -> list[ZoneChange]:
    """Those that nothing replaced, in the order in which they took effect."""
    known = list(changes)
    replaced = {change.replaces for change in known}
    stood = (change for change in known if change.sequence not in replaced)
    return sorted(stood, key=lambda change: (change.day, change.sequence))


def state_on(beginning: Beginning, changes: Iterable[ZoneChange], day: date) -> ZoneState:
    """The zone on ``day`` by all the ``changes`` that are known."""
    state = _begun(beginning, day)
    for change in standing_changes(changes):
        if change.day <= day:
            _apply(state, change)
    return state


def _begun(beginning: Beginning, day: date) -> ZoneState:
    state = ZoneState(beginning.party_id, day, beginning.name, beginning.region_class)
    year = beginning.approval_year
    if beginning.level is not None and year is not None and date(year, 12, 31) <= day:
        state.standing, state.level, state.review = Standing.LISTED, beginning.level, ChangeKind.ADMITTED
    state.parts = {park_id: ZonePart(park_id, PartKind.PARK, None) for park_id in beginning.park_ids}
    state.divisions = {(one.role, one.code, one.level): one for one in beginning.divisions}
    return state


def _apply(state: ZoneState, change: ZoneChange) -> None:
    if change.kind in LIST_CHANGES:
        _list(state, change)
    if change.kind in REVIEWS:
        state.review, state.reviewed_on = change.kind, change.day
    if change.name_zh is not None:
        state.name = Bilingual(zh=change.name_zh, en=change.name_en or change.name_zh)
    if change.division_code is not None and change.division_role is not None:
        _place(state, change, change.division_code, change.division_role)
    if change.kind is ChangeKind.PART_LEFT and change.other_party_id is not None:
        state.parts.pop(change.other_party_id, None)
    if change.part is not None and change.other_party_id is not None:
        state.parts[change.other_party_id] = ZonePart(change.other_party_id, change.part, change.day)


def _list(state: ZoneState, change: ZoneChange) -> None:
    is_listed = change.kind in (ChangeKind.ADMITTED, ChangeKind.UPGRADED)
    state.standing = Standing.LISTED if is_listed else Standing(change.kind.value)
    state.level = (change.level or "national") if is_listed else None
    state.merged_into_id = change.other_party_id if change.kind is ChangeKind.MERGED else None


def _place(state: ZoneState, change: ZoneChange, code: str, role: DivisionRole) -> None:
    """A division left is left at every level (a municipality is both a province and a city)."""
    if change.kind is ChangeKind.DIVISION_JOINED and change.division_zh and change.division_level:
        placed = PlacedDivision(code, change.division_zh, change.division_level, role)
        state.divisions[role, code, placed.level] = placed
    elif change.kind is ChangeKind.DIVISION_LEFT:
        for key in [key for key in state.divisions if key[:2] == (role, code)]:
            del state.divisions[key]
