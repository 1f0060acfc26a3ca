"""Enterprise lists: compiled by one side, confirmed by the others, with the attributes that rules need."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import insert

from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.agreements import (
    agreement,
    known,
    queue_on_open_agreement,
    sides_of,
    signing_roles,
    signing_side,
)
from ledger.desk.failures import NotFound, refuse, text_faults
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.evidence.numbered import packed
from ledger.money import AMOUNT_LIMIT_MINOR
from ledger.rules.facts import Fault, Subject
from ledger.rules.terms import CauseOfMove, Event
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import enterprise as enterprise_table
from ledger_schema.tables import enterprise_list, enterprise_list_confirmation, enterprise_list_entry

ENTRY_COUNT_MAX = 20_000
YEAR_MIN, YEAR_MAX = 1949, 2999
ATTRIBUTE_LENGTH_MAX = 100

CREDIT_CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: digits and capital letters without I, O, S, V, Z; the place is the character's value."""

_CREDIT_CODE = re.compile(
    rf"[{CREDIT_CODE_CHARACTERS}]{{2}}[0-9]{{6}}[{CREDIT_CODE_CHARACTERS}]{{10}}", re.ASCII
)

_ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)


class ListOvertaken(LedgerError):
    """A newer list was handed in; only the newest can be confirmed."""

    code = "LIST_OVERTAKEN"
    sentence_en = "List {version} was overtaken by list {newest}. Look at list {newest} and confirm that one."
    sentence_zh = "名单第 {version} 版已被第 {newest} 版取代。请查看并确认第 {newest} 版。"


class ListAlreadyConfirmed(LedgerError):
    """The role has confirmed; compiling a list counts as confirming it."""

    code = "LIST_ALREADY_CONFIRMED"
    sentence_en = (
        "The role {role} has confirmed list {version} already (compiling it counts). Nothing is left to do."
    )
    sentence_zh = "角色 {role} 已确认名单第 {version} 版（编制即视为确认），无需再次确认。"


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An enterprise by its 统一社会信用代码; the name is the one it was first listed with."""

    enterprise_id: int
    credit_code: str
    name_zh: str


@dataclass(frozen=True, slots=True)
class ListEntry:
    """An enterprise to list, with what rules need to know of it; amounts in fen."""

    credit_code: str
    name_zh: str
    events: Mapping[Event, date] = field(default_factory=dict)
    pre_move_tax_minor: Mapping[int, int] = field(default_factory=dict)
    cause_of_move: CauseOfMove | None = None
    referred_by: str | None = None
    base_year_amount_minor: int | None = None
    controller: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedEnterprise:
    """An entry of a list, ``name_zh`` as on that list."""

    enterprise_id: int
    credit_code: str
    name_zh: str
    events: Mapping[Event, date]
    pre_move_tax_minor: Mapping[int, int]
    cause_of_move: CauseOfMove | None
    referred_by: str | None
    base_year_amount_minor: int | None
    controller: str | None
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListHead:
    """One version of an agreement's list without its entries; it holds when ``is_confirmed``."""

    agreement_id: int
    version: int
    compiled_by: str
    confirmed_by: list[str]
    recorded_at: datetime
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class EnterpriseList(ListHead):
    """One version of an agreement's list with its entries, in order of credit code."""

    entries: list[ListedEnterprise]


# --- changing ---------------------------------------------------------------------------------------------


def submit_list(
    database: Database, act: Act, agreement_id: int, role: str, entries: Sequence[ListEntry]
) -> Done[int]:
    """Hands in the whole list as a new version, confirmed by the role that compiled it; returns the version.

    Raises ``NotFound``, ``RoleDoesNotSign``, and ``RequestRefused`` with every fault of every entry.
    """
    refuse(_count_faults(entries))
    content: dict[str, Json] = {"role": role, "entries": [_described(entry) for entry in entries]}
    content_hash = digest(canonical_bytes(content)).hex()

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on_open_agreement(connection, agreement_id)
        signing_side(connection, agreement_id, role)
        refuse(_list_faults(entries, sides_of(connection, agreement_id)))
        version = _newest_version(connection, agreement_id) + 1
        enterprise_ids = _enterprise_ids(connection, entries)
        listed = [(enterprise_ids[entry.credit_code], entry) for entry in entries]
        hashes = packed_entry_hashes((number, _described(entry)) for number, entry in listed)
        event_id = record(
            "enterprise_list_submitted",
            {
                "version": version,
                "role": role,
                "entries": len(entries),
                "content_sha256": content_hash,
                "list_sha256": digest(list_bytes(version, role, listed)).hex(),
                "entry_hashes_sha256": digest(hashes).hex(),
            },
            agreement_id,
        )
        connection.execute(
            insert(enterprise_list).values(
                agreement_id=agreement_id,
                version=version,
                compiled_by=role,
                entry_hashes=hashes,
                event_id=event_id,
            )
        )
        _add_entries(connection, agreement_id, version, listed)
        _add_confirmation(connection, agreement_id, version, role, event_id)
        return {"version": version}

    request: dict[str, Json] = {"agreement": str(agreement_id), "content_sha256": content_hash}
    return named_number(perform(database, act, "submit_list", request, work), "version")


def confirm_list(database: Database, act: Act, agreement_id: int, version: int, role: str) -> Done[int]:
    """Adds a signing role's confirmation to the newest list; returns the version.

    Raises ``NotFound``, ``RoleDoesNotSign``, ``ListOvertaken``, ``ListAlreadyConfirmed``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on_open_agreement(connection, agreement_id)
        signing_side(connection, agreement_id, role)
        _refuse_unconfirmable(connection, agreement_id, version, role)
        event_id = record("enterprise_list_confirmed", {"version": version, "role": role}, agreement_id)
        _add_confirmation(connection, agreement_id, version, role, event_id)
        return {"version": version}

    request: dict[str, Json] = {"agreement": str(agreement_id), "version": version, "role": role}
    return named_number(perform(database, act, "confirm_list", request, work), "version")


def _refuse_unconfirmable(connection: Connection, agreement_id: int, version: int, role: str) -> None:
    newest = _newest_version(connection, agreement_id)
    if not 1 <= version <= newest:
        raise NotFound("enterprise list", f"{agreement_id}/{version}")
    if version < newest:
        raise ListOvertaken(version=version, newest=newest)
    if role in _confirmations(connection, agreement_id, None)[version]:
        raise ListAlreadyConfirmed(role=role, version=version)


# --- reading ----------------------------------------------------------------------------------------------


def lists(connection: Connection, agreement_id: int) -> list[EnterpriseList]:
    """Every version of the agreement's list by number. Raises ``NotFound`` for an unknown agreement."""
    agreement(connection, agreement_id)
    return _lists(connection, agreement_id, None)


def list_heads(
    connection: Connection, agreement_id: int, versions: Sequence[int] | None = None
) -> list[ListHead]:
    """Every version of the agreement's list by number, or those of ``versions`` that there are."""
    return _heads(connection, agreement_id, None, versions)


def entries_page(
    connection: Connection,
    agreement_id: int,
    version: int,
    *,
    after: str | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[ListedEnterprise]:
    """A page of a list's entries by credit code, after the one with the code ``after``."""
    code = enterprise_table.c.credit_code
    rows = connection.execute(
        _select_entries()
        .where(
            enterprise_list_entry.c.agreement_id == agreement_id,
            enterprise_list_entry.c.version == version,
            true() if after is None else code > after,
        )
        .order_by(code)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, _entry)


def confirmed_list(
    connection: Connection, agreement_id: int, known_at: datetime | None = None
) -> EnterpriseList | None:
    """The newest list that every signing role has confirmed, as known at a moment (None: now)."""
    needed = set(signing_roles(sides_of(connection, agreement_id)))
    confirmations = _confirmations(connection, agreement_id, known_at)
    confirmed = [version for version, roles in confirmations.items() if needed <= set(roles)]
    if not confirmed:
        return None
    return _lists(connection, agreement_id, known_at, only=[max(confirmed)])[0]


def subjects_of(listed: EnterpriseList) -> dict[int, Subject]:
    """The list as the rules see it: enterprise id to subject."""
    return {entry.enterprise_id: _subject(entry) for entry in listed.entries}


def subjects_of_lists(
    connection: Connection, wanted: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], dict[int, Subject]]:
    """What ``subjects_of`` gives of every list wanted, by agreement and version, read at once."""
    found: dict[tuple[int, int], dict[int, Subject]] = {key: {} for key in wanted}
    columns = enterprise_list_entry.c
    rows = connection.execute(
        _select_entries()
        .add_columns(columns.agreement_id)
        .where(tuple_(columns.agreement_id, columns.version).in_(list(found)))
        .order_by(columns.agreement_id, columns.version, enterprise_table.c.credit_code)
    )
    for row in rows:
        found[row.agreement_id, row.version][row.enterprise_id] = _subject(_entry(row))
    return found


def _subject(entry: ListedEnterprise) -> Subject:
    return Subject(
        subject=entry.enterprise_id,
        name=entry.name_zh,
        events=entry.events,
        pre_move_tax_minor=entry.pre_move_tax_minor,
        cause_of_move=entry.cause_of_move,
        referred_by=entry.referred_by,
        base_year_amount_minor=entry.base_year_amount_minor,
        controller=entry.controller,
        attributes=entry.attributes,
    )


def enterprises_by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Enterprise]:
    """The enterprises among ``ids`` that exist."""
    rows = connection.execute(
        select(enterprise_table).where(enterprise_table.c.enterprise_id == func.any(sorted(set(ids))))
    )
    return {row.enterprise_id: Enterprise(row.enterprise_id, row.credit_code, row.name_zh) for row in rows}


def id_by_code(connection: Connection, credit_code: str) -> int:
    """The enterprise with this credit code. Raises ``NotFound``."""
    found = ids_by_code(connection, [credit_code])
    if credit_code not in found:
        raise NotFound("enterprise", credit_code)
    return found[credit_code]


def ids_by_code(connection: Connection, codes: Iterable[str]) -> dict[str, int]:
    """The ids of enterprises by credit code; unknown codes are left out."""
    rows = connection.execute(
        select(enterprise_table.c.credit_code, enterprise_table.c.enterprise_id).where(
            enterprise_table.c.credit_code == func.any(list(codes))
        )
    )
    return {row.credit_code: row.enterprise_id for row in rows}


def credit_code_check_character(first_17: str) -> str:
    """The 18th character of a 统一社会信用代码 (GB 32100-2015): weights are the powers of 3 modulo 31."""
    total = sum(
        CREDIT_CODE_CHARACTERS.index(character) * pow(3, place, 31)
        for place, character in enumerate(first_17)
    )
    return CREDIT_CODE_CHARACTERS[-total % 31]


def is_credit_code(text: str) -> bool:
    """Whether ``text`` has the form and the check character of a 统一社会信用代码."""
    return _CREDIT_CODE.fullmatch(text) is not None and credit_code_check_character(text[:17]) == text[17]


def _lists(
    connection: Connection, agreement_id: int, known_at: datetime | None, only: Sequence[int] | None = None
) -> list[EnterpriseList]:
    entries = _entries(connection, agreement_id, only)
    return [
        EnterpriseList(
            head.agreement_id,
            head.version,
            head.compiled_by,
            head.confirmed_by,
            head.recorded_at,
            head.is_confirmed,
            entries[head.version],
        )
        for head in _heads(connection, agreement_id, known_at, only)
    ]


def _heads(
    connection: Connection, agreement_id: int, known_at: datetime | None, only: Sequence[int] | None
) -> list[ListHead]:
    wanted = [
        enterprise_list.c.agreement_id == agreement_id,
        known(enterprise_list.c.recorded_at, known_at),
    ]
    if only is not None:
        wanted.append(enterprise_list.c.version == func.any(list(only)))
    rows = connection.execute(select(enterprise_list).where(*wanted).order_by(enterprise_list.c.version))
    needed = set(signing_roles(sides_of(connection, agreement_id)))
    confirmations = _confirmations(connection, agreement_id, known_at)
    return [
        ListHead(
            agreement_id=agreement_id,
            version=row.version,
            compiled_by=row.compiled_by,
            confirmed_by=confirmations[row.version],
            recorded_at=row.recorded_at,
            is_confirmed=needed <= set(confirmations[row.version]),
        )
        for row in rows
    ]


def _confirmations(
    connection: Connection, agreement_id: int, known_at: datetime | None
) -> dict[int, list[str]]:
    table = enterprise_list_confirmation
    rows = connection.execute(
        select(table.c.version, table.c.role)
        .where(table.c.agreement_id == agreement_id, known(table.c.recorded_at, known_at))
        .order_by(table.c.version, table.c.role)
    )
    confirmations: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        confirmations[row.version].append(row.role)
    return confirmations


def _entries(
    connection: Connection, agreement_id: int, only: Sequence[int] | None
) -> dict[int, list[ListedEnterprise]]:
    entry = enterprise_list_entry
    wanted = [entry.c.agreement_id == agreement_id]
    if only is not None:
        wanted.append(entry.c.version == func.any(list(only)))
    rows = connection.execute(
        _select_entries().where(*wanted).order_by(entry.c.version, enterprise_table.c.credit_code)
    )
    entries: dict[int, list[ListedEnterprise]] = defaultdict(list)
    for row in rows:
        entries[row.version].append(_entry(row))
    return entries


def _select_entries() -> Select[Any]:
    entry = enterprise_list_entry
    return (
        select(entry.c.version, entry.c.enterprise_id, enterprise_table.c.credit_code, entry.c.name_zh)
        .add_columns(entry.c.attributes)
        .join(enterprise_table, enterprise_table.c.enterprise_id == entry.c.enterprise_id)
    )


def _entry(row: Row[Any]) -> ListedEnterprise:
    return ListedEnterprise(
        enterprise_id=row.enterprise_id,
        credit_code=row.credit_code,
        name_zh=row.name_zh,
        **_attributes_read(row.attributes),
    )


def _newest_version(connection: Connection, agreement_id: int) -> int:
    newest = connection.execute(
        select(func.max(enterprise_list.c.version)).where(enterprise_list.c.agreement_id == agreement_id)
    ).scalar_one()
    return newest or 0


# --- the bytes that are hashed ----------------------------------------------------------------------------


def list_bytes(version: int, role: str, listed: Iterable[tuple[int, ListEntry | ListedEnterprise]]) -> bytes:
    """A list with the ids of its enterprises, in order of credit code, as RFC 8785 JSON.

    Its SHA-256 is in the event of the list (``list_sha256``).
    """
    return described_list_bytes(version, role, [(number, _described(entry)) for number, entry in listed])


def described_list_bytes(
    version: int, role: str, described: Iterable[tuple[int, Mapping[str, Json]]]
) -> bytes:
    """``list_bytes`` of entries as they are written."""
    in_order = sorted(described, key=lambda one: str(one[1]["credit_code"]))
    return canonical_bytes(
        {
            "version": version,
            "role": role,
            "entries": [{"enterprise": str(number), **entry} for number, entry in in_order],
        }
    )


def entry_hash(described: Mapping[str, Json]) -> bytes:
    """SHA-256 of an entry as it is written, as RFC 8785 JSON."""
    return digest(canonical_bytes(dict(described)))


def packed_entry_hashes(described: Iterable[tuple[int, Mapping[str, Json]]]) -> bytes:
    """``entry_hash`` of every enterprise, by number in order (``ledger.evidence.numbered``).

    Its SHA-256 is in the event of the list (``entry_hashes_sha256``).
    """
    hashes = {number: entry_hash(entry) for number, entry in described}
    numbers = sorted(hashes)
    return packed(numbers, [hashes[number] for number in numbers])


def content_of(listed: EnterpriseList) -> bytes:
    """A list as ``list_bytes`` wrote it when it was handed in."""
    return list_bytes(
        listed.version, listed.compiled_by, [(one.enterprise_id, one) for one in listed.entries]
    )


def subjects_in(content: bytes) -> dict[int, Subject]:
    """The enterprises of a list that ``list_bytes`` wrote, as the rules see them."""
    return {
        int(entry["enterprise"]): Subject(
            subject=int(entry["enterprise"]), name=entry["name_zh"], **_attributes_read(entry)
        )
        for entry in json.loads(content)["entries"]
    }


# --- attributes -------------------------------------------------------------------------------------------


def _attributes_written(entry: ListEntry | ListedEnterprise) -> dict[str, Json]:
    """As stored and hashed: days as ISO text, amounts as text of fen, no key for what is unknown."""
    attributes: dict[str, Json | None] = {
        "events": {event.value: day.isoformat() for event, day in entry.events.items()} or None,
        "pre_move_tax": {str(year): str(amount) for year, amount in entry.pre_move_tax_minor.items()} or None,
        "cause_of_move": None if entry.cause_of_move is None else entry.cause_of_move.value,
        "referred_by": entry.referred_by,
        "base_year_amount": (
            None if entry.base_year_amount_minor is None else str(entry.base_year_amount_minor)
        ),
        "controller": entry.controller,
        "attributes": dict(entry.attributes) or None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _attributes_read(stored: Mapping[str, Any]) -> dict[str, Any]:
    cause, base = stored.get("cause_of_move"), stored.get("base_year_amount")
    return {
        "events": {Event(name): date.fromisoformat(day) for name, day in stored.get("events", {}).items()},
        "pre_move_tax_minor": {
            int(year): int(amount) for year, amount in sorted(stored.get("pre_move_tax", {}).items())
        },
        "cause_of_move": None if cause is None else CauseOfMove(cause),
        "referred_by": stored.get("referred_by"),
        "base_year_amount_minor": None if base is None else int(base),
        "controller": stored.get("controller"),
        "attributes": dict(sorted(stored.get("attributes", {}).items())),
    }


def _described(entry: ListEntry | ListedEnterprise) -> dict[str, Json]:
    return {"credit_code": entry.credit_code, "name_zh": entry.name_zh, **_attributes_written(entry)}


# --- what can be wrong ------------------------------------------------------------------------------------


def _count_faults(entries: Sequence[ListEntry]) -> list[Fault]:
    if len(entries) <= ENTRY_COUNT_MAX:
        return []
    return [
        Fault(
            "entries",
            "LIST_TOO_LONG",
            f"Expected at most {ENTRY_COUNT_MAX} enterprises, but got {len(entries)}.",
            f"名单最多 {ENTRY_COUNT_MAX} 家企业，实际为 {len(entries)} 家。",
        )
    ]


def _list_faults(entries: Sequence[ListEntry], roles: Iterable[str]) -> list[Fault]:
    known_roles = frozenset(roles)
    first_place: dict[str, int] = {}
    faults = []
    for index, entry in enumerate(entries):
        path = f"entries[{index}]"
        faults += _code_faults(path, entry.credit_code)
        faults += _repeat_faults(
            path, entry.credit_code, first_place.setdefault(entry.credit_code, index), index
        )
        faults += text_faults(f"{path}.name_zh", entry.name_zh)
        faults += _attribute_faults(path, entry, known_roles)
    return faults


def _code_faults(path: str, credit_code: str) -> list[Fault]:
    if is_credit_code(credit_code):
        return []
    if _CREDIT_CODE.fullmatch(credit_code) is None:
        return [
            Fault(
                f"{path}.credit_code",
                "CREDIT_CODE_FORM",
                "Expected a unified social credit code of 18 digits and capital letters without I, O, S, V "
                f"and Z (GB 32100-2015), but got {credit_code!r}.",
                f"应为 18 位统一社会信用代码（GB 32100-2015，不含 I、O、S、V、Z），实际为 {credit_code!r}。",
            )
        ]
    expected = credit_code_check_character(credit_code[:17])
    return [
        Fault(
            f"{path}.credit_code",
            "CREDIT_CODE_CHECK",
            f"The check character of {credit_code} should be {expected} (GB 32100-2015). Look for a slip.",
            f"统一社会信用代码 {credit_code} 的校验码应为 {expected}（GB 32100-2015），请检查是否录入有误。",
        )
    ]


def _repeat_faults(path: str, credit_code: str, first_index: int, index: int) -> list[Fault]:
    if first_index == index:
        return []
    return [
        Fault(
            f"{path}.credit_code",
            "ENTERPRISE_TWICE",
            f"The enterprise {credit_code} is in entries[{first_index}] already. List it once.",
            f"企业 {credit_code} 已在 entries[{first_index}] 中列出，每家企业只列一次。",
        )
    ]


def _attribute_faults(path: str, entry: ListEntry, roles: frozenset[str]) -> list[Fault]:
    faults = []
    for year, amount_minor in entry.pre_move_tax_minor.items():
        faults += _year_faults(f"{path}.pre_move_tax_minor", year)
        faults += _amount_faults(f"{path}.pre_move_tax_minor.{year}", amount_minor)
    if entry.base_year_amount_minor is not None:
        faults += _amount_faults(f"{path}.base_year_amount_minor", entry.base_year_amount_minor)
    if entry.referred_by is not None and entry.referred_by not in roles:
        faults.append(
            Fault(
                f"{path}.referred_by",
                "ROLE_UNKNOWN",
                f"Expected a role of the agreement ({', '.join(sorted(roles))}), "
                f"but got {entry.referred_by!r}.",
                f"应为协议中的角色（{'、'.join(sorted(roles))}），实际为 {entry.referred_by!r}。",
            )
        )
    if entry.controller is not None:
        faults += text_faults(f"{path}.controller", entry.controller)
    for place, (name, value) in enumerate(entry.attributes.items()):
        faults += _named_value_faults(f"{path}.attributes[{place}]", name, value)
    return faults


def _named_value_faults(path: str, name: str, value: str) -> list[Fault]:
    if _ATTRIBUTE_NAME.fullmatch(name) is None:
        return [
            Fault(
                f"{path}.name",
                "ATTRIBUTE_NAME_UNUSABLE",
                "Expected a name of 1 to 48 small letters, digits and underscores that begins with a letter, "
                f"such as industry, but got {name[:50]!r}.",
                "属性名应为 1 至 48 个小写字母、数字或下划线，并以字母开头，例如 industry，"
                f"实际为 {name[:50]!r}。",
            )
        ]
    if value.isprintable() and value.strip() and len(value) <= ATTRIBUTE_LENGTH_MAX:
        return []
    return [
        Fault(
            f"{path}.value",
            "ATTRIBUTE_UNUSABLE",
            f"Expected one line of 1 to {ATTRIBUTE_LENGTH_MAX} printable characters, but got {value[:40]!r}.",
            f"应为一行 1 至 {ATTRIBUTE_LENGTH_MAX} 个可见字符，实际为 {value[:40]!r}。",
        )
    ]


def _year_faults(path: str, year: int) -> list[Fault]:
    if YEAR_MIN <= year <= YEAR_MAX:
        return []
    return [
        Fault(
            path,
            "YEAR_UNUSABLE",
            f"Expected a year from {YEAR_MIN} to {YEAR_MAX}, but got {year}.",
            f"年份应在 {YEAR_MIN} 至 {YEAR_MAX} 之间，实际为 {year}。",
        )
    ]


def _amount_faults(path: str, amount_minor: int) -> list[Fault]:
    if 0 <= amount_minor <= AMOUNT_LIMIT_MINOR:
        return []
    return [
        Fault(
            path,
            "AMOUNT_OUT_OF_RANGE",
            f"Expected an amount from 0 to {AMOUNT_LIMIT_MINOR} fen, but got {amount_minor}.",
            f"金额应在 0 至 {AMOUNT_LIMIT_MINOR} 分之间，实际为 {amount_minor}。",
        )
    ]


# --- steps of a change ------------------------------------------------------------------------------------


def _add_entries(
    connection: Connection, agreement_id: int, version: int, listed: Sequence[tuple[int, ListEntry]]
) -> None:
    if not listed:
        return
    connection.execute(
        insert(enterprise_list_entry),
        [
            {
                "agreement_id": agreement_id,
                "version": version,
                "enterprise_id": enterprise_id,
                "name_zh": entry.name_zh,
                "attributes": _attributes_written(entry),
            }
            for enterprise_id, entry in listed
        ],
    )


def _enterprise_ids(connection: Connection, entries: Sequence[ListEntry]) -> dict[str, int]:
    """Ids by credit code; new ones are added in order of code, so that two lists can't block each other."""
    codes = [entry.credit_code for entry in entries]
    known_ids = ids_by_code(connection, codes)
    new = sorted(
        (entry.credit_code, entry.name_zh) for entry in entries if entry.credit_code not in known_ids
    )
    if not new:
        return known_ids
    connection.execute(
        insert(enterprise_table).on_conflict_do_nothing(index_elements=["credit_code"]),
        [{"enterprise_id": new_id(), "credit_code": code, "name_zh": name} for code, name in new],
    )
    return ids_by_code(connection, codes)


def _add_confirmation(
    connection: Connection, agreement_id: int, version: int, role: str, event_id: int
) -> None:
    connection.execute(
        insert(enterprise_list_confirmation).values(
            agreement_id=agreement_id, version=version, role=role, event_id=event_id
        )
    )
