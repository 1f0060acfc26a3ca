"""What the ledger holds of agreements: the nouns, and reading them, also as known at an earlier moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Row,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    true,
)

from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.signatures import Signature
from ledger.periods import Quarter
from ledger.rules.procedure import Procedure
from ledger.rules.terms import Terms
from ledger_schema.tables import agreement as agreement_table
from ledger_schema.tables import (
    agreement_party,
    agreement_quarter,
    agreement_version,
    agreement_version_state,
    version_signature,
)

KINDS = (
    "enclave",
    "reverse_enclave",
    "partner_park",
    "co_built_park",
    "entrusted_park",
    "off_site_incubation",
    "branch_park",
    "voucher_recognition",
)
"""飞地, 反向飞地, 伙伴园区, 共建园区, 托管, 异地孵化, 分园, 创新券互认."""

_STATES = ("draft", "proposed", "in_force", "superseded", "withdrawn")
"""In the order in which a version can reach them: the last one reached is its state."""


@dataclass(frozen=True, slots=True)
class Side:
    """A party in its role; ``signs`` says whether versions and lists need it."""

    role: str
    party_id: int
    signs: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    agreement_id: int
    code: str
    kind: str
    title_zh: str
    title_en: str
    source: str
    unverified: str
    recorded_at: datetime
    parties: list[Side]


@dataclass(frozen=True, slots=True)
class AgreementVersion:
    """One version of the terms; ``terms_bytes`` are what is signed, ``terms_hash`` their SHA-256."""

    agreement_id: int
    version: int
    state: str
    terms: Terms
    terms_bytes: bytes
    terms_hash: bytes
    in_force_from: Quarter
    signatures: list[Signature]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class NumberedVersion:
    """Terms that are or were in force, and the quarter from which they apply."""

    version: int
    starts: Quarter
    terms: Terms


@dataclass(frozen=True, slots=True)
class SideDraft:
    role: str
    party_code: str
    signs: bool


@dataclass(frozen=True, slots=True)
class AgreementDraft:
    """An agreement to record: who, what kind, from which source, and its first terms."""

    code: str
    kind: str
    title_zh: str
    title_en: str
    source: str
    unverified: str
    sides: list[SideDraft]
    terms: dict[str, Any]


def agreement(connection: Connection, agreement_id: int) -> Agreement:
    """The agreement. Raises ``NotFound``."""
    return _one_agreement(connection, agreement_table.c.agreement_id == agreement_id, agreement_id)


def agreement_by_code(connection: Connection, code: str) -> Agreement:
    """The agreement. Raises ``NotFound``."""
    return _one_agreement(connection, agreement_table.c.code == code, code)


def agreements_by_id(connection: Connection, agreement_ids: Sequence[int]) -> dict[int, Agreement]:
    """The agreements with these ids; unknown ids are left out."""
    rows = connection.execute(
        select(agreement_table).where(agreement_table.c.agreement_id == func.any(list(agreement_ids)))
    )
    sides = _sides(connection, agreement_ids)
    return {row.agreement_id: Agreement(**row._mapping, parties=sides[row.agreement_id]) for row in rows}


def agreements(
    connection: Connection,
    *,
    party_id: int | None = None,
    kind: str | None = None,
    search: str | None = None,
    after: str | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Agreement]:
    """Agreements by code; ``search`` looks for a part of the code or a title."""
    wanted = [
        true() if kind is None else agreement_table.c.kind == kind,
        true() if after is None else agreement_table.c.code > after,
        true() if party_id is None else _has_party(party_id),
        true() if search is None else _mentions(search),
    ]
    rows = connection.execute(
        select(agreement_table).where(*wanted).order_by(agreement_table.c.code).limit(rows_to_read(limit))
    ).all()
    sides = _sides(connection, [row.agreement_id for row in rows])
    return page_of(rows, limit, lambda row: Agreement(**row._mapping, parties=sides[row.agreement_id]))


def versions(connection: Connection, agreement_id: int) -> list[AgreementVersion]:
    """Every version by number. Raises ``NotFound`` for an unknown agreement."""
    found = _versions(connection, [agreement_id])
    if not found:
        raise NotFound("agreement", agreement_id)
    return found


def versions_of_agreements(
    connection: Connection, agreement_ids: Sequence[int]
) -> dict[int, list[AgreementVersion]]:
    """Every version by number, of all the agreements at once."""
    found: dict[int, list[AgreementVersion]] = {agreement_id: [] for agreement_id in agreement_ids}
    for each in _versions(connection, agreement_ids):
        found[each.agreement_id].append(each)
    return found


def version(connection: Connection, agreement_id: int, version: int) -> AgreementVersion:
    """One version. Raises ``NotFound``."""
    # Whoever asks may name a number that is larger than the column holds.
    found = _versions(connection, [agreement_id], cast(agreement_version.c.version, Integer) == version)
    if not found:
        raise NotFound("agreement version", f"{agreement_id}/{version}")
    return found[0]


def terms_in_force(
    connection: Connection, agreement_id: int, known_at: datetime | None = None
) -> list[NumberedVersion]:
    """Every version that is or was in force, in order of its start, as known at a moment (None: now)."""
    return terms_of_agreements(connection, [agreement_id], known_at)[agreement_id]


def terms_of_agreements(
    connection: Connection, agreement_ids: Sequence[int], known_at: datetime | None = None
) -> dict[int, list[NumberedVersion]]:
    """What ``terms_in_force`` gives of each agreement, for all of them at once."""
    rows = connection.execute(
        select(
            agreement_version.c.agreement_id,
            agreement_version.c.version,
            agreement_version.c.in_force_from,
            agreement_version.c.terms,
        )
        .join(agreement_version_state, _is_state_of_version())
        .where(
            agreement_version.c.agreement_id == func.any(list(agreement_ids)),
            agreement_version_state.c.state == "in_force",
            known(agreement_version_state.c.recorded_at, known_at),
        )
        .order_by(agreement_version.c.in_force_from, agreement_version.c.version)
    )
    found: dict[int, list[NumberedVersion]] = {agreement_id: [] for agreement_id in agreement_ids}
    for row in rows:
        starts = Quarter.from_code(row.in_force_from)
        found[row.agreement_id].append(NumberedVersion(row.version, starts, _stored_terms(row.terms)))
    return found


def procedure_in_force(connection: Connection, agreement_id: int, quarter: Quarter) -> Procedure:
    """How the sides work ``quarter`` through; one that asks for nothing where the terms have none."""
    return procedure_at(terms_in_force(connection, agreement_id), quarter)


def procedure_at(versions: Sequence[NumberedVersion], quarter: Quarter) -> Procedure:
    """The procedure in force for ``quarter`` of ``versions``, which are in order of their start."""
    terms = terms_at(versions, quarter)
    return (terms.procedure if terms is not None else None) or Procedure()


def terms_at(versions: Sequence[NumberedVersion], quarter: Quarter) -> Terms | None:
    """The last of ``versions``, in order of their start, that had begun; None before the first."""
    begun = [row.terms for row in versions if row.starts <= quarter]
    return begun[-1] if begun else None


def open_quarter(connection: Connection, agreement_id: int) -> Quarter | None:
    """The quarter that is open for returns and settlement; None before the first and after the last."""
    return open_quarters(connection, [agreement_id]).get(agreement_id)


def open_quarters(connection: Connection, agreement_ids: Sequence[int]) -> dict[int, Quarter]:
    """The open quarter of each of the agreements that has one."""
    rows = connection.execute(
        select(agreement_quarter.c.agreement_id, agreement_quarter.c.quarter).where(
            agreement_quarter.c.agreement_id.in_(agreement_ids), agreement_quarter.c.state == "open"
        )
    )
    return {row.agreement_id: Quarter.from_code(row.quarter) for row in rows}


def sides_of(connection: Connection, agreement_id: int) -> dict[str, Side]:
    """The agreement's parties by role."""
    return sides_of_agreements(connection, [agreement_id])[agreement_id]


def sides_of_agreements(connection: Connection, agreement_ids: Sequence[int]) -> dict[int, dict[str, Side]]:
    """Each agreement's parties by role."""
    found = _sides(connection, agreement_ids)
    return {agreement_id: {side.role: side for side in found[agreement_id]} for agreement_id in agreement_ids}


def signing_roles(sides: Mapping[str, Side]) -> list[str]:
    """The roles that sign, sorted."""
    return sorted(role for role, side in sides.items() if side.signs)


def known(recorded_at: Column[Any], known_at: datetime | None) -> ColumnElement[bool]:
    """The condition that a fact was known at a moment (None: now)."""
    return true() if known_at is None else recorded_at <= known_at


def _one_agreement(connection: Connection, wanted: ColumnElement[bool], name: object) -> Agreement:
    row = connection.execute(select(agreement_table).where(wanted)).one_or_none()
    if row is None:
        raise NotFound("agreement", name)
    return Agreement(**row._mapping, parties=_sides(connection, [row.agreement_id])[row.agreement_id])


def _sides(connection: Connection, agreement_ids: Sequence[int]) -> dict[int, list[Side]]:
    rows = connection.execute(
        select(agreement_party)
        .where(agreement_party.c.agreement_id == func.any(list(agreement_ids)))
        .order_by(agreement_party.c.agreement_id, agreement_party.c.role)
    )
    sides: dict[int, list[Side]] = defaultdict(list)
    for row in rows:
        sides[row.agreement_id].append(Side(row.role, row.party_id, row.signs))
    return sides


def _has_party(party_id: int) -> ColumnElement[bool]:
    return exists().where(
        agreement_party.c.agreement_id == agreement_table.c.agreement_id,
        agreement_party.c.party_id == party_id,
    )


def _mentions(search: str) -> ColumnElement[bool]:
    columns = (agreement_table.c.code, agreement_table.c.title_zh, agreement_table.c.title_en)
    return or_(*(column.icontains(search, autoescape=True) for column in columns))


def _versions(
    connection: Connection, agreement_ids: Sequence[int], wanted: ColumnElement[bool] | None = None
) -> list[AgreementVersion]:
    chosen = true() if wanted is None else wanted
    rows = connection.execute(
        select(agreement_version)
        .where(agreement_version.c.agreement_id.in_(agreement_ids), chosen)
        .order_by(agreement_version.c.agreement_id, agreement_version.c.version)
    ).all()
    states = _states(connection, agreement_ids)
    signatures = _signatures(connection, agreement_ids)
    return [
        _version_from(row, states[row.agreement_id, row.version], signatures[row.agreement_id, row.version])
        for row in rows
    ]


def _version_from(row: Row[Any], state: str, signatures: list[Signature]) -> AgreementVersion:
    return AgreementVersion(
        agreement_id=row.agreement_id,
        version=row.version,
        state=state,
        terms=_stored_terms(row.terms),
        terms_bytes=row.terms,
        terms_hash=row.terms_hash,
        in_force_from=Quarter.from_code(row.in_force_from),
        signatures=signatures,
        recorded_at=row.recorded_at,
    )


def states_of(connection: Connection, agreement_id: int) -> dict[int, str]:
    """The state of every version."""
    return {version: state for (_, version), state in _states(connection, [agreement_id]).items()}


def _states(connection: Connection, agreement_ids: Sequence[int]) -> dict[tuple[int, int], str]:
    """By agreement and version."""
    columns = agreement_version_state.c
    rows = connection.execute(
        select(columns.agreement_id, columns.version, columns.state).where(
            columns.agreement_id.in_(agreement_ids)
        )
    )
    reached: dict[tuple[int, int], list[str]] = defaultdict(list)
    for row in rows:
        reached[row.agreement_id, row.version].append(row.state)
    return {version: max(names, key=_STATES.index) for version, names in reached.items()}


def _signatures(
    connection: Connection, agreement_ids: Sequence[int]
) -> dict[tuple[int, int], list[Signature]]:
    """By agreement and version."""
    rows = connection.execute(
        select(version_signature)
        .where(version_signature.c.agreement_id.in_(agreement_ids))
        .order_by(version_signature.c.role)
    )
    signatures: dict[tuple[int, int], list[Signature]] = defaultdict(list)
    for row in rows:
        signatures[row.agreement_id, row.version].append(
            Signature(row.role, row.party_id, row.public_key, row.signature, row.recorded_at)
        )
    return signatures


def _is_state_of_version() -> ColumnElement[bool]:
    return and_(
        agreement_version_state.c.agreement_id == agreement_version.c.agreement_id,
        agreement_version_state.c.version == agreement_version.c.version,
    )


@lru_cache(maxsize=256)
def _stored_terms(content: bytes) -> Terms:
    """Terms that were checked before they were stored; checking them again would run their examples."""
    return Terms.model_validate_json(content)
