"""Zones and the other parties, as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum

import strawberry

from ledger.desk import roster
from ledger_graphql.connections import Batch, Node, global_id
from ledger_graphql.context import Desk
from ledger_graphql.fields import resolved
from ledger_graphql.scalars import Bytes


@strawberry.enum(
    description="ZONE 高新区, PARK 园区 (of a zone), GOVERNMENT, FINANCE_BUREAU, FUND, COMPANY (such "
    "as a park company), OTHER."
)
class PartyKind(Enum):
    ZONE = "zone"
    PARK = "park"
    GOVERNMENT = "government"
    FINANCE_BUREAU = "finance_bureau"
    FUND = "fund"
    COMPANY = "company"
    OTHER = "other"


@strawberry.enum(description="The statistical region that a province belongs to.")
class RegionClass(Enum):
    EAST = "East"
    CENTRAL = "Central"
    WEST = "West"
    NORTHEAST = "Northeast"


@strawberry.type(description="An administrative division (GB/T 2260) that a zone lies in or is run by.")
class Division:
    code: str = strawberry.field(description="Six digits.")
    name_zh: str = strawberry.field(description="Name in Chinese.")
    level: str = strawberry.field(description="province, city or district.")


@strawberry.type(description="What the roster says about a high-tech zone.")
class Zone:
    level: str = strawberry.field(description="national or provincial.")
    approval_year: int | None = strawberry.field(description="Year of the State Council's approval.")
    approval_document: str | None = strawberry.field(description="Number of the approving document.")
    in_2020_roster: bool = strawberry.field(
        name="in2020Roster", description="Whether the roster of 2020 has it."
    )
    confidence: str = strawberry.field(description="How well its facts are confirmed.")
    divisions: list[Division] = strawberry.field(description="Where it lies; there can be several.")


@strawberry.type(description="An Ed25519 key with which a party signs. Private keys never reach the server.")
class PartyKey:
    public_key: Bytes = strawberry.field(description="32 bytes.")
    label: str = strawberry.field(description="For people; demo keys say that they are.")
    recorded_at: datetime = strawberry.field(description="When it was registered.")


@strawberry.type(description="A zone, park, government, bureau, fund or company that takes part.")
class Party(Node):
    code: str = strawberry.field(description="Stable code, unique in the ledger.")
    kind: PartyKind = strawberry.field(description="What it is.")
    name_zh: str = strawberry.field(description="Name in Chinese.")
    name_en: str | None = strawberry.field(description="Name in English, where there is one.")
    province_code: str | None = strawberry.field(description="Six digits (GB/T 2260).")
    province_zh: str | None = strawberry.field(description="Province in Chinese.")
    region_class: RegionClass | None = strawberry.field(description="Region of its province.")
    source: str = strawberry.field(description="Where its facts come from.")
    zone: Zone | None = strawberry.field(
        description="What the roster says; null for what is no zone of the roster."
    )
    recorded_at: datetime = strawberry.field(description="When the ledger learned of it.")
    record: strawberry.Private[roster.Party]
    parents: strawberry.Private[Batch[int, Party]]
    keys_by_party: strawberry.Private[Batch[int, Sequence[roster.PartyKey]]]

    @resolved("The zone that a park belongs to.")
    def parent(self) -> Party | None:
        parent_id = self.record.parent_party_id
        return None if parent_id is None else self.parents[parent_id]

    @resolved("Its keys, in the order in which they were registered.")
    def keys(self) -> list[PartyKey]:
        return [
            PartyKey(public_key=Bytes(key.public_key), label=key.label, recorded_at=key.recorded_at)
            for key in self.keys_by_party.get(self.record.party_id) or ()
        ]


PartyBatch = Batch[int, Party]


def party_batch(desk: Desk, party_ids: Iterable[int]) -> PartyBatch:
    """The parties that a page refers to, loaded at once when one is asked for."""

    def load(wanted: list[int]) -> Mapping[int, Party]:
        found = roster.parties_by_id(desk.snapshot, wanted)
        return dict(zip(found, party_nodes(desk, list(found.values())), strict=True))

    return Batch(party_ids, load)


def party_nodes(desk: Desk, records: Sequence[roster.Party]) -> list[Party]:
    """What the API shows of ``records``; whatever they refer to is loaded for all of them together."""
    parents = party_batch(
        desk, {record.parent_party_id for record in records if record.parent_party_id is not None}
    )
    keys: Batch[int, Sequence[roster.PartyKey]] = Batch(
        (record.party_id for record in records), lambda wanted: roster.keys_of(desk.snapshot, wanted)
    )
    return [_party(record, parents, keys) for record in records]


def party_id_of(desk: Desk, code: str | None) -> int | None:
    """The id behind a code; None for none. Raises ``NotFound``."""
    return None if code is None else roster.party_by_code(desk.snapshot, code).party_id


def party_node(desk: Desk, record: roster.Party) -> Party:
    """What the API shows of one party."""
    return party_nodes(desk, [record])[0]


def _party(record: roster.Party, parents: PartyBatch, keys: Batch[int, Sequence[roster.PartyKey]]) -> Party:
    return Party(
        id=global_id("Party", record.party_id),
        code=record.code,
        kind=PartyKind(record.kind),
        name_zh=record.name_zh,
        name_en=record.name_en,
        province_code=record.province_code,
        province_zh=record.province_zh,
        region_class=None if record.region_class is None else RegionClass(record.region_class),
        source=record.source,
        zone=None if record.zone is None else _zone(record.zone),
        recorded_at=record.recorded_at,
        record=record,
        parents=parents,
        keys_by_party=keys,
    )


def _zone(zone: roster.Zone) -> Zone:
    return Zone(
        level=zone.level,
        approval_year=zone.approval_year,
        approval_document=zone.approval_document,
        in_2020_roster=zone.in_2020_roster,
        confidence=zone.confidence,
        divisions=[
            Division(code=division.code, name_zh=division.name_zh, level=division.level)
            for division in zone.divisions
        ],
    )
