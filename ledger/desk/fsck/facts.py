"""Facts about agreements: lists of enterprises, occurrences and documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain
from typing import TypeAlias

from sqlalchemy import Table, select

from ledger.desk.enterprises import described_list_bytes, entry_hash
from ledger.desk.fsck.comparing import DigestOf, Mismatch, Said, Scope, Told, whole_row
from ledger.evidence.canonical import Json, digest
from ledger.evidence.numbered import unpacked
from ledger_schema.tables import (
    document,
    document_attachment,
    document_holder,
    enterprise,
    enterprise_list,
    enterprise_list_confirmation,
    enterprise_list_entry,
    occurrence,
    occurrence_confirmation,
)

_Entries: TypeAlias = "list[tuple[int, dict[str, Json]]]"
"""Enterprises, and what a list says of each, as it was handed in."""


def check_lists(scope: Scope) -> Iterator[Mismatch]:
    """Lists and confirmations are what the events say; entries, by credit code, have the hash they name."""
    told = list(_lists(scope))
    yield from scope.compare((enterprise_list, enterprise_list_confirmation), told)
    submitted = {said.data["version"]: said.data for said in scope.said("enterprise_list_submitted")}
    found = _entries(scope)
    for version in sorted(submitted.keys() | found.keys()):
        data, entries = submitted.get(version, {}), found.get(version, [])
        hashed = digest(described_list_bytes(version, data.get("role", ""), entries)).hex()
        expected = data.get("list_sha256")
        if not data or expected not in (None, hashed):
            list_key = (scope.agreement_id, version)
            whole = whole_row(enterprise_list_entry, list_key, expected or "no such list", hashed)
            yield from _changed_entries(scope, version, entries) or [whole]


def _changed_entries(scope: Scope, version: int, entries: _Entries) -> list[Mismatch]:
    """The entries that haven't the hash kept of them; none on a list of before hashes were kept."""
    columns = enterprise_list.c
    stored = scope.connection.execute(
        select(columns.entry_hashes).where(
            columns.agreement_id == scope.agreement_id, columns.version == version
        )
    ).scalar_one_or_none()
    if stored is None:
        return []
    kept, found = unpacked(stored), {number: entry_hash(entry) for number, entry in entries}
    return [
        whole_row(
            enterprise_list_entry,
            (scope.agreement_id, version, number),
            _hashed(kept.get(number)),
            _hashed(found.get(number)),
        )
        for number in sorted(kept.keys() | found.keys())
        if kept.get(number) != found.get(number)
    ]


def _hashed(hashed: bytes | None) -> str:
    return "no such row" if hashed is None else f"hash {hashed.hex()}"


def _lists(scope: Scope) -> Iterator[Told]:
    for said in scope.said("enterprise_list_submitted", "enterprise_list_confirmed"):
        version = {"agreement_id": said.agreement_id, "version": said.data["version"]}
        if said.kind == "enterprise_list_submitted":
            hashed = said.data.get("entry_hashes_sha256")
            hashes = None if hashed is None else DigestOf(bytes.fromhex(hashed))
            yield said.row(enterprise_list, **version, compiled_by=said.data["role"], entry_hashes=hashes)
        yield said.row(enterprise_list_confirmation, **version, role=said.data["role"])


def _entries(scope: Scope) -> dict[int, _Entries]:
    """By version."""
    entry = enterprise_list_entry.c
    rows = scope.connection.execute(
        select(entry.version, entry.enterprise_id, entry.name_zh, entry.attributes, enterprise.c.credit_code)
        .outerjoin(enterprise, enterprise.c.enterprise_id == entry.enterprise_id)
        .where(entry.agreement_id == scope.agreement_id)
    )
    found: dict[int, _Entries] = {}
    for row in rows:
        scope.row_count += 1
        described = {"credit_code": row.credit_code or "", "name_zh": row.name_zh, **row.attributes}
        found.setdefault(row.version, []).append((row.enterprise_id, described))
    return found


def check_occurrences(scope: Scope) -> Iterator[Mismatch]:
    """Occurrences and who confirmed them are what the events say."""
    yield from scope.compare((occurrence, occurrence_confirmation), _occurrences(scope))


def _occurrences(scope: Scope) -> Iterator[Told]:
    for said in scope.said("occurrence_recorded", "occurrence_confirmed"):
        data = said.data
        named = {"agreement_id": said.agreement_id, "name": data["name"], "sequence": data["sequence"]}
        if said.kind == "occurrence_recorded":
            what = {"day": date.fromisoformat(data["day"]), "document": data["document"]}
            yield said.row(occurrence, **named, **what, recorded_by=data["role"])
        yield said.row(occurrence_confirmation, **named, role=data["role"])


def check_documents(scope: Scope) -> Iterator[Mismatch]:
    """Files have the hash under which they are kept, and are held by and attached to what the events say."""
    tables: tuple[Table, ...] = (document, document_attachment, document_holder)
    kinds = ("document_kept", "document_held", "document_attached")
    yield from scope.compare(tables, chain.from_iterable(map(_documents, scope.said(*kinds))))


def _documents(said: Said) -> Iterator[Told]:
    data, hashed = said.data, bytes.fromhex(said.data["hash"])
    if said.kind == "document_kept":
        kept = {name: data[name] for name in ("name", "media_type", "size_bytes")}
        yield said.row(document, hash=hashed, content=DigestOf(hashed), **kept)
    elif said.kind == "document_held":
        for party_id in data["parties"]:
            yield said.row(document_holder, hash=hashed, party_id=int(party_id))
    else:
        yield _attached(said, hashed)


def _attached(said: Said, hashed: bytes) -> Told:
    data = said.data
    return said.row(
        document_attachment,
        agreement_id=said.agreement_id,
        subject_kind=data["subject_kind"],
        subject_id=int(data["subject"]),
        reference=data["reference"],
        hash=hashed,
        role=data["role"],
    )
