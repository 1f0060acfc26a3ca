"""Zones as of a day, as the API shows them, and recording what happens to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry

from ledger.desk import roster, zones
from ledger.desk.zones import ChangeKind, DivisionRole, PartKind, Standing
from ledger_graphql.agreements import KnownAt
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import IdempotencyKeyReused, InvalidInput, NotFound, Refused
from ledger_graphql.fields import INPUT, REPLAYED, mutation, resolved
from ledger_graphql.inputs import KEY_DESCRIPTION
from ledger_graphql.parties import Party, PartyBatch, RegionClass, party_batch
from ledger_graphql.statements import BilingualText

strawberry.enum(
    ChangeKind,
    name="ZoneChangeKind",
    description="ADMITTED to the list, UPGRADED from provincial to national, MERGED into another zone, "
    "REMOVED 撤销; PRAISED 通报表扬, TALKED_TO 约谈, WARNED 通报警告 by the review; RENAMED; PART_JOINED, "
    "PART_LEFT; DIVISION_JOINED, DIVISION_LEFT; WITHDRAWN: a record was wrong, nothing stands in its place.",
)
strawberry.enum(
    PartKind,
    name="ZonePartKind",
    description="CORE_AREA 核心区, RADIATED_AREA 辐射区, RADIATED_POINT 辐射点, or just a PARK 园区.",
)
strawberry.enum(
    DivisionRole, name="DivisionRole", description="LIES_IN: the zone lies there; RUN_BY: it is run by it."
)
strawberry.enum(
    Standing, name="ZoneStanding", description="Whether a zone is on the list, and if not, why not."
)

AsOf = Annotated[date, strawberry.argument(description="The day.")]
Level = Annotated[str, strawberry.argument(description="national or provincial.")]


@strawberry.type(description="A division that a zone lies in or is run by on a day.")
class PlacedDivision:
    code: str = strawberry.field(description="Six digits (GB/T 2260).")
    name_zh: str = strawberry.field(description="Name in Chinese.")
    level: str = strawberry.field(description="province, city or district.")
    role: DivisionRole = strawberry.field(description="What it is to the zone.")


@strawberry.type(description="A park or area of a zone on a day.")
class ZonePart:
    kind: PartKind = strawberry.field(description="Its place in the zone.")
    since: date | None = strawberry.field(description="Since when; null where nobody recorded it.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("The park or area.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="A zone as it was on a day. Its identity stays through new names and mergers.")
class ZoneState:
    day: date = strawberry.field(description="The day.")
    name: BilingualText = strawberry.field(description="Its name on that day.")
    region_class: RegionClass | None = strawberry.field(description="Region of its province.")
    standing: Standing = strawberry.field(description="Whether it was on the list.")
    level: str | None = strawberry.field(description="national or provincial; null while it isn't listed.")
    review: ChangeKind | None = strawberry.field(
        description="What the last review left it with: ADMITTED, PRAISED, TALKED_TO, WARNED or REMOVED."
    )
    reviewed_on: date | None = strawberry.field(
        description="Since when; null where only the year of approval is known."
    )
    parts: list[ZonePart] = strawberry.field(description="Its parks and areas: one zone, many parks.")
    divisions: list[PlacedDivision] = strawberry.field(description="Where it lies, and who runs it.")
    record: strawberry.Private[zones.ZoneState]
    parties: strawberry.Private[PartyBatch]

    @resolved("The zone.")
    def party(self) -> Party:
        return self.parties[self.record.party_id]

    @resolved("The zone that it was merged into.")
    def merged_into(self) -> Party | None:
        into = self.record.merged_into_id
        return None if into is None else self.parties[into]


@strawberry.type(description="One change of a zone as it was recorded.")
class ZoneChange:
    sequence: int = strawberry.field(description="From 1 up for each zone.")
    kind: ChangeKind = strawberry.field(description="What happened.")
    day: date = strawberry.field(description="From which day on.")
    document: str = strawberry.field(description="Reference to its evidence.")
    replaces: int | None = strawberry.field(description="The earlier change that it puts right.")
    recorded_at: datetime = strawberry.field(description="When the ledger learned of it.")


@strawberry.type(description="How many zones of a level were listed on a day.")
class ZoneCounts:
    as_of: date = strawberry.field(description="The day.")
    total: int = strawberry.field(description="All of them.")
    east: int = strawberry.field(description="East 东部.")
    central: int = strawberry.field(description="Central 中部.")
    west: int = strawberry.field(description="West 西部.")
    northeast: int = strawberry.field(description="Northeast 东北.")
    unclassified: int = strawberry.field(description="Zones registered without a region class.")


@strawberry.input(
    description="A change of a zone. ADMITTED says its level; MERGED, PART_JOINED and PART_LEFT the other "
    "party, PART_JOINED its place too; DIVISION_JOINED code, name, level and role of the division, "
    "DIVISION_LEFT code and role; RENAMED the new name; WITHDRAWN what it replaces. Others say nothing more."
)
class RecordZoneChangeInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    zone: str = strawberry.field(description="The zone's code.")
    kind: ChangeKind = strawberry.field(description="What happened.")
    day: date = strawberry.field(description="From which day on.")
    document: str = strawberry.field(description="Reference to its evidence, 1 to 500 characters.")
    level: str | None = strawberry.field(default=None, description="national or provincial.")
    other: str | None = strawberry.field(
        default=None, description="Code of the part, or of the zone merged into."
    )
    part: PartKind | None = strawberry.field(default=None, description="The part's place in the zone.")
    division_code: str | None = strawberry.field(default=None, description="Six digits (GB/T 2260).")
    division_zh: str | None = strawberry.field(default=None, description="The division's name in Chinese.")
    division_level: str | None = strawberry.field(default=None, description="province, city or district.")
    division_role: DivisionRole | None = strawberry.field(
        default=None, description="What the division is to the zone."
    )
    name_zh: str | None = strawberry.field(default=None, description="The new name in Chinese.")
    name_en: str | None = strawberry.field(default=None, description="The new name in English.")
    replaces: int | None = strawberry.field(
        default=None, description="The sequence of an earlier change that was recorded wrongly."
    )

    def draft(self) -> zones.ChangeDraft:
        return zones.ChangeDraft(
            zone=self.zone,
            kind=self.kind,
            day=self.day,
            document=self.document,
            level=self.level,
            other=self.other,
            part=self.part,
            division_code=self.division_code,
            division_zh=self.division_zh,
            division_level=self.division_level,
            division_role=self.division_role,
            name_zh=self.name_zh,
            name_en=self.name_en,
            replaces=self.replaces,
        )


@strawberry.type(description="A change of a zone was recorded.")
class ZoneChangeSuccess:
    sequence: int = strawberry.field(description="The number of the record among those of the zone.")
    zone: ZoneState = strawberry.field(description="The zone on the day of the change.")
    replayed: bool = strawberry.field(description=REPLAYED)


RecordZoneChangeResult = Annotated[
    ZoneChangeSuccess | InvalidInput | IdempotencyKeyReused | NotFound | Refused,
    strawberry.union("RecordZoneChangeResult", description="What came of recording a change of a zone."),
]


@strawberry.type
class ZoneQueries:
    @resolved("A zone as it was on a day, as known at a moment; null when there is no such zone.")
    def zone_on(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="The zone's code.")],
        as_of: AsOf,
        known_at: KnownAt = None,
    ) -> ZoneState | None:
        desk = info.context
        zone_id = _zone_id(desk, code)
        found = (
            [] if zone_id is None else zones.zone_states(desk.snapshot, as_of, [zone_id], known_at).values()
        )
        return next((_state_node(desk, state) for state in found), None)

    @resolved("What was recorded about a zone, oldest first; null when there is no such zone.")
    def zone_changes(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="The zone's code.")],
        known_at: KnownAt = None,
    ) -> list[ZoneChange] | None:
        desk = info.context
        zone_id = _zone_id(desk, code)
        if zone_id is None:
            return None
        return [_change_node(one) for one in zones.zone_changes(desk.snapshot, zone_id, known_at)]

    @resolved("How many zones of a level were on the list on a day, by region class.")
    def zone_counts(
        self, info: Info, as_of: AsOf, level: Level = "national", known_at: KnownAt = None
    ) -> ZoneCounts:
        counts = zones.zone_counts(info.context.snapshot, as_of, level, known_at)
        return ZoneCounts(
            as_of=as_of,
            total=counts.total(),
            east=counts["East"],
            central=counts["Central"],
            west=counts["West"],
            northeast=counts["Northeast"],
            unclassified=counts[""],
        )


@strawberry.type
class ZoneMutations:
    """Recording what happens to zones."""

    @mutation(
        "Record what happened to a zone on a day: entry, upgrade, merger, removal, review, name, parts."
    )
    def record_zone_change(
        self, info: Info, input: Annotated[RecordZoneChangeInput, INPUT]
    ) -> RecordZoneChangeResult:
        desk = info.context
        done = zones.record_zone_change(desk.database, desk.act(input.idempotency_key), input.draft())
        zone_id = roster.party_by_code(desk.snapshot, input.zone).party_id
        state = zones.zone_state(desk.snapshot, zone_id, input.day)
        return ZoneChangeSuccess(sequence=done.value, zone=_state_node(desk, state), replayed=done.replayed)


def _zone_id(desk: Desk, code: str) -> int | None:
    return next((one.party_id for one in roster.parties_by_code(desk.snapshot, [code]).values()), None)


def _state_node(desk: Desk, record: zones.ZoneState) -> ZoneState:
    into = [] if record.merged_into_id is None else [record.merged_into_id]
    parties = party_batch(desk, [record.party_id, *into, *record.parts])
    return ZoneState(
        day=record.day,
        name=BilingualText(zh=record.name.zh, en=record.name.en),
        region_class=None if record.region_class is None else RegionClass(record.region_class),
        standing=record.standing,
        level=record.level,
        review=record.review,
        reviewed_on=record.reviewed_on,
        parts=[
            ZonePart(kind=part.kind, since=part.since, party_id=part.party_id, parties=parties)
            for part in record.parts.values()
        ],
        divisions=[
            PlacedDivision(code=one.code, name_zh=one.name_zh, level=one.level, role=one.role)
            for one in record.divisions.values()
        ],
        record=record,
        parties=parties,
    )


def _change_node(record: zones.ZoneChange) -> ZoneChange:
    return ZoneChange(
        sequence=record.sequence,
        kind=record.kind,
        day=record.day,
        document=record.document,
        replaces=record.replaces,
        recorded_at=record.recorded_at,
    )
