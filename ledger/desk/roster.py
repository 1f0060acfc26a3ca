"""Parties: the national zones that come with the product, and everybody else who takes part."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, or_, select, true

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.failures import NotFound, choice_faults, refuse, text_faults
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, digest
from ledger.evidence.signatures import is_public_key
from ledger.rules.facts import Fault
from ledger.rules.fields import Bilingual
from ledger_schema import roster as shipped
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import party as party_table
from ledger_schema.tables import party_key, zone_division
from ledger_schema.tables import zone as zone_table

KINDS = ("zone", "park", "government", "finance_bureau", "fund", "company", "other")
REGION_CLASSES = ("East", "Central", "West", "Northeast")
DIVISION_LEVELS = ("province", "city", "district")
ROSTER_SOURCE = "roster of national high-tech zones shipped with Parkledger; see each zone's confidence"

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_CODE_WORDS = Bilingual(
    zh="1 至 64 个英文字母、数字、点、下划线或连字符，且以字母或数字开头（如 ABC-1）",
    en="1 to 64 letters a-z and A-Z, digits, points, underscores and hyphens, beginning with a letter or "
    "a digit (such as ABC-1)",
)
_DIVISION_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_DIVISION_CODE_WORDS = Bilingual(zh="6 位数字（如 110000）", en="6 digits (such as 110000)")


class KeyAlreadyRegistered(LedgerError):
    """The party has this key."""

    code = "KEY_ALREADY_REGISTERED"
    sentence_en = "The key {public_key} is registered for {party} already. Nothing is left to do."
    sentence_zh = "公钥 {public_key} 已登记在 {party} 名下，无需再次登记。"


@dataclass(frozen=True, slots=True)
class Division:
    """A GB/T 2260 division that a zone lies in; ``level`` is province, city or district."""

    code: str
    name_zh: str
    level: str


@dataclass(frozen=True, slots=True)
class Zone:
    """What is known of a party as a zone. ``confidence`` says how well its row of the roster is confirmed."""

    level: str
    approval_year: int | None
    approval_document: str | None
    in_2020_roster: bool
    confidence: str
    divisions: list[Division]


@dataclass(frozen=True, slots=True)
class Party:
    """Whoever takes part: a zone, park, government, bureau, fund, company. ``source``: where it is from."""

    party_id: int
    code: str
    kind: str
    name_zh: str
    name_en: str | None
    province_code: str | None
    province_zh: str | None
    region_class: str | None
    parent_party_id: int | None
    source: str
    zone: Zone | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A party's Ed25519 public key, 32 bytes."""

    public_key: bytes
    label: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class PartyDraft:
    """A party to register; ``parent_code`` is the zone that a park belongs to."""

    code: str
    kind: str
    name_zh: str
    source: str
    name_en: str | None = None
    province_code: str | None = None
    province_zh: str | None = None
    region_class: str | None = None
    parent_code: str | None = None


# --- changing ---------------------------------------------------------------------------------------------


def load_roster(database: Database) -> Done[int]:
    """Registers every zone of the shipped roster that isn't there yet; returns how many the roster has.

    Its key is the roster's hash, so that the same roster is loaded once and a newer one adds what is new.
    """
    zones = shipped.zones()
    content_hash = digest(shipped.content()).hex()

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.PARTY, "")
        present = ids_by_code(connection, [zone.code for zone in zones])
        new = [(new_id(), zone) for zone in zones if zone.code not in present]
        record("roster_loaded", {"csv_sha256": content_hash, "zones": len(zones), "added": len(new)})
        if new:
            _add_zones(connection, new)
        return {"zones": len(zones)}

    act = Act(key=f"roster/{content_hash}", actor="parkledger")
    return named_number(perform(database, act, "load_roster", {"csv_sha256": content_hash}, work), "zones")


def register_party(database: Database, act: Act, draft: PartyDraft) -> Done[int]:
    """Registers a party; returns its id. Raises ``RequestRefused`` with every fault."""

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.PARTY, "")
        party_ids = ids_by_code(connection, [draft.code, *_parent_codes(draft)])
        refuse([*_draft_faults(draft), *_reference_faults(draft, party_ids)])
        party_id = new_id()
        connection.execute(
            insert(party_table).values(
                party_id=party_id,
                code=draft.code,
                kind=draft.kind,
                name_zh=draft.name_zh,
                name_en=draft.name_en,
                province_code=draft.province_code,
                province_zh=draft.province_zh,
                region_class=draft.region_class,
                parent_party_id=None if draft.parent_code is None else party_ids[draft.parent_code],
                source=draft.source,
            )
        )
        record("party_registered", {"party_id": str(party_id), **_described(draft)})
        return {"party_id": party_id}

    return named_number(perform(database, act, "register_party", _described(draft), work), "party_id")


def register_key(database: Database, act: Act, party_code: str, public_key: bytes, label: str) -> Done[int]:
    """Registers an Ed25519 public key (32 bytes) for a party; returns the party's id.

    Raises ``NotFound``, ``RequestRefused``, ``KeyAlreadyRegistered``.
    """
    request: dict[str, Json] = {"party": party_code, "public_key": public_key.hex(), "label": label}

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.PARTY, party_code)
        party_id = party_by_code(connection, party_code).party_id
        refuse([*_public_key_faults(public_key), *text_faults("label", label)])
        if public_key in {key.public_key for key in keys_of(connection, [party_id]).get(party_id, [])}:
            raise KeyAlreadyRegistered(public_key=public_key.hex(), party=party_code)
        connection.execute(insert(party_key).values(party_id=party_id, public_key=public_key, label=label))
        record("key_registered", request)
        return {"party_id": party_id}

    return named_number(perform(database, act, "register_key", request, work), "party_id")


# --- reading ----------------------------------------------------------------------------------------------


def party(connection: Connection, party_id: int) -> Party:
    """The party. Raises ``NotFound``."""
    return _one(connection, party_table.c.party_id == party_id, party_id)


def party_by_code(connection: Connection, code: str) -> Party:
    """The party. Raises ``NotFound``."""
    return _one(connection, party_table.c.code == code, code)


def parties_by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Party]:
    """The parties among ``ids`` that exist."""
    wanted = party_table.c.party_id == func.any(sorted(set(ids)))
    return {
        found.party_id: found for found in _parties(connection, connection.execute(_chosen(wanted)).all())
    }


def parties_by_code(connection: Connection, codes: Sequence[str]) -> dict[str, Party]:
    """The parties among ``codes`` that exist."""
    wanted = party_table.c.code == func.any(list(codes))
    return {found.code: found for found in _parties(connection, connection.execute(_chosen(wanted)).all())}


def parties(
    connection: Connection,
    *,
    kind: str | None = None,
    region_class: str | None = None,
    province_code: str | None = None,
    parent_party_id: int | None = None,
    search: str | None = None,
    among: Iterable[int] | None = None,
    after: str | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Party]:
    """Parties by code; ``search`` looks for a part of the code or a name; ``among``: only of these ids."""
    column = party_table.c
    wanted = [
        true() if kind is None else column.kind == kind,
        true() if region_class is None else column.region_class == region_class,
        true() if province_code is None else column.province_code == province_code,
        true() if parent_party_id is None else column.parent_party_id == parent_party_id,
        true() if search is None else _mentions(search),
        true() if among is None else column.party_id == func.any(sorted(among)),
        true() if after is None else column.code > after,
    ]
    rows = connection.execute(_chosen(*wanted).order_by(column.code).limit(rows_to_read(limit))).all()
    return page_of(_parties(connection, rows), limit, lambda found: found)


def keys_of(connection: Connection, party_ids: Iterable[int]) -> dict[int, list[PartyKey]]:
    """Public keys by party, oldest first; a party without keys is left out."""
    rows = connection.execute(
        select(party_key)
        .where(party_key.c.party_id == func.any(sorted(set(party_ids))))
        .order_by(party_key.c.party_id, party_key.c.recorded_at, party_key.c.public_key)
    )
    keys: dict[int, list[PartyKey]] = defaultdict(list)
    for row in rows:
        keys[row.party_id].append(PartyKey(row.public_key, row.label, row.recorded_at))
    return dict(keys)


def _one(connection: Connection, wanted: ColumnElement[bool], name: object) -> Party:
    rows = connection.execute(_chosen(wanted)).all()
    if not rows:
        raise NotFound("party", name)
    return _parties(connection, rows)[0]


def _chosen(*wanted: ColumnElement[bool]) -> Select[Any]:
    """Parties with what is known of them as zones, if they are."""
    zone_columns = [column for column in zone_table.c if column.name != "party_id"]
    return (
        select(party_table, zone_table.c.party_id.label("zone_id"), *zone_columns)
        .outerjoin(zone_table, zone_table.c.party_id == party_table.c.party_id)
        .where(*wanted)
    )


def _mentions(search: str) -> ColumnElement[bool]:
    columns = (party_table.c.code, party_table.c.name_zh, party_table.c.name_en)
    return or_(*(column.icontains(search, autoescape=True) for column in columns))


def _parties(connection: Connection, rows: Sequence[Row[Any]]) -> list[Party]:
    divisions = _divisions(connection, [row.zone_id for row in rows if row.zone_id is not None])
    return [_party_from(row, divisions) for row in rows]


def _party_from(row: Row[Any], divisions: Mapping[int, list[Division]]) -> Party:
    zone = None
    if row.zone_id is not None:
        zone = Zone(
            level=row.level,
            approval_year=row.approval_year,
            approval_document=row.approval_document,
            in_2020_roster=row.in_2020_roster,
            confidence=row.confidence,
            divisions=divisions.get(row.zone_id, []),
        )
    return Party(
        party_id=row.party_id,
        code=row.code,
        kind=row.kind,
        name_zh=row.name_zh,
        name_en=row.name_en,
        province_code=row.province_code,
        province_zh=row.province_zh,
        region_class=row.region_class,
        parent_party_id=row.parent_party_id,
        source=row.source,
        zone=zone,
        recorded_at=row.recorded_at,
    )


def _divisions(connection: Connection, zone_ids: Sequence[int]) -> dict[int, list[Division]]:
    """Divisions by zone, the widest first."""
    rows = connection.execute(
        select(zone_division).where(zone_division.c.party_id == func.any(list(zone_ids)))
    ).all()
    divisions: dict[int, list[Division]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (DIVISION_LEVELS.index(row.level), row.division_code)):
        divisions[row.party_id].append(Division(row.division_code, row.division_zh, row.level))
    return divisions


# --- what can be wrong ------------------------------------------------------------------------------------


def _draft_faults(draft: PartyDraft) -> list[Fault]:
    faults = choice_faults("kind", draft.kind, KINDS)
    faults += _form_faults("code", draft.code, _CODE, _CODE_WORDS)
    faults += text_faults("name_zh", draft.name_zh) + text_faults("source", draft.source)
    for path, text in (("name_en", draft.name_en), ("province_zh", draft.province_zh)):
        faults += [] if text is None else text_faults(path, text)
    if draft.province_code is not None:
        faults += division_code_faults("province_code", draft.province_code)
    if draft.region_class is not None:
        faults += choice_faults("region_class", draft.region_class, REGION_CLASSES)
    return faults


def division_code_faults(path: str, code: str) -> list[Fault]:
    """What is wrong with the code of a division (GB/T 2260)."""
    return _form_faults(path, code, _DIVISION_CODE, _DIVISION_CODE_WORDS)


def _form_faults(path: str, text: str, form: re.Pattern[str], words: Bilingual) -> list[Fault]:
    if form.fullmatch(text):
        return []
    return [
        Fault(
            path,
            "CODE_FORM",
            f"Expected a code of {words.en}, but got {text[:80]!r}.",
            f"代码应为{words.zh}，实际为 {text[:80]!r}。",
        )
    ]


def _reference_faults(draft: PartyDraft, party_ids: Mapping[str, int]) -> list[Fault]:
    faults = []
    if draft.code in party_ids:
        faults.append(
            Fault(
                "code",
                "CODE_TAKEN",
                f"A party with the code {draft.code} exists. Choose another code.",
                f"编号为 {draft.code} 的主体已存在，请更换编号。",
            )
        )
    faults += [
        Fault(
            "parent_code",
            "PARTY_UNKNOWN",
            f"Expected a registered party's code, but got {code!r}. Register that party first.",
            f"应为已登记主体的编号，实际为 {code!r}。请先登记该主体。",
        )
        for code in _parent_codes(draft)
        if code not in party_ids
    ]
    return faults


def _public_key_faults(public_key: bytes) -> list[Fault]:
    if is_public_key(public_key):
        return []
    given = public_key.hex()[:80]
    return [
        Fault(
            "public_key",
            "PUBLIC_KEY_FORM",
            f"Expected an Ed25519 public key of 32 bytes that isn't of small order, but got {given}.",
            f"应为 32 字节且非小阶的 Ed25519 公钥，实际为 {given}。",
        )
    ]


# --- steps of a change ------------------------------------------------------------------------------------


def _parent_codes(draft: PartyDraft) -> list[str]:
    return [] if draft.parent_code is None else [draft.parent_code]


def _described(draft: PartyDraft) -> dict[str, Json]:
    return {
        "code": draft.code,
        "kind": draft.kind,
        "name_zh": draft.name_zh,
        "name_en": draft.name_en,
        "province_code": draft.province_code,
        "province_zh": draft.province_zh,
        "region_class": draft.region_class,
        "parent_code": draft.parent_code,
        "source": draft.source,
    }


def ids_by_code(connection: Connection, codes: Iterable[str]) -> dict[str, int]:
    """The ids of the parties with these codes; unknown codes are left out."""
    rows = connection.execute(
        select(party_table.c.code, party_table.c.party_id).where(party_table.c.code == func.any(list(codes)))
    )
    return {row.code: row.party_id for row in rows}


def _add_zones(connection: Connection, new: Sequence[tuple[int, shipped.RosterZone]]) -> None:
    connection.execute(insert(party_table), [party_row(party_id, zone) for party_id, zone in new])
    connection.execute(insert(zone_table), [zone_row(party_id, zone) for party_id, zone in new])
    connection.execute(
        insert(zone_division), [row for party_id, zone in new for row in division_rows(party_id, zone)]
    )


def party_row(party_id: int, zone: shipped.RosterZone) -> dict[str, Any]:
    """The roster's zone as a row of ``party``."""
    return {
        "party_id": party_id,
        "code": zone.code,
        "kind": "zone",
        "name_zh": zone.name_zh,
        "province_code": zone.province.code,
        "province_zh": zone.province.name_zh,
        "region_class": zone.region_class,
        "source": ROSTER_SOURCE,
    }


def zone_row(party_id: int, zone: shipped.RosterZone) -> dict[str, Any]:
    """The roster's zone as a row of ``zone``."""
    return {
        "party_id": party_id,
        "level": "national",
        "approval_year": zone.approval_year,
        "approval_document": zone.approval_document,
        "in_2020_roster": zone.in_2020_roster,
        "confidence": zone.confidence,
    }


def division_rows(party_id: int, zone: shipped.RosterZone) -> list[dict[str, Any]]:
    """The divisions of the roster's zone as rows of ``zone_division``."""
    divisions = zip(DIVISION_LEVELS, (zone.province, zone.city, zone.district), strict=True)
    return [
        {
            "party_id": party_id,
            "division_code": division.code,
            "division_zh": division.name_zh,
            "level": level,
        }
        for level, division in divisions
        if division is not None
    ]
