"""Facts about agreements: lists of enterprises, occurrences and documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Table, select

from ledger.desk.enterprises import described_list_bytes
from ledger.desk.fsck.comparing import DigestOf, Mismatch, Said, Scope, Told, key_of
from ledger.evidence.canonical import Json, digest
from ledger_schema.tables import (
    document,
    document_attachment,
    enterprise,
    enterprise_list,
    enterprise_list_confirmation,
    enterprise_list_entry,
    occurrence,
    occurrence_confirmation,
)


def check_lists(scope: Scope) -> Iterator[Mismatch]:
    """Lists and confirmations are what the events say; entries, by credit code, have the hash they name."""
    told = list(_lists(scope))
    yield from scope.compare((enterprise_list, enterprise_list_confirmation), told)
    submitted = {said.data["version"]: said.data for said in scope.said("enterprise_list_submitted")}
    found = _entries(scope)
    for version in sorted(submitted.keys() | found.keys()):
        data = submitted.get(version, {})
        listed = described_list_bytes(version, data.get("role", ""), found.get(version, []))
        hashed, expected = digest(listed).hex(), data.get("list_sha256")
        if not data or expected not in (None, hashed):
            key = key_of(enterprise_list_entry, [scope.agreement_id, version])
            yield Mismatch("enterprise_list_entry", key, "*", expected or "no such list", hashed)


def _lists(scope: Scope) -> Iterator[Told]:
    for said in scope.said("enterprise_list_submitted", "enterprise_list_confirmed"):
        version = {"agreement_id": said.agreement_id, "version": said.data["version"]}
        if said.kind == "enterprise_list_submitted":
            yield said.row(enterprise_list, **version, compiled_by=said.data["role"])
        yield said.row(enterprise_list_confirmation, **version, role=said.data["role"])


def _entries(scope: Scope) -> dict[int, list[tuple[int, dict[str, Json]]]]:
    """By version, as the list was handed in: the enterprise and what is said of it."""
    entry = enterprise_list_entry.c
    rows = scope.connection.execute(
        select(entry.version, entry.enterprise_id, entry.name_zh, entry.attributes, enterprise.c.credit_code)
        .outerjoin(enterprise, enterprise.c.enterprise_id == entry.enterprise_id)
        .where(entry.agreement_id == scope.agreement_id)
    )
    found: dict[int, list[tuple[int, dict[str, Json]]]] = {}
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
    """Files have the hash under which they are kept, and are attached to what the events say."""
    tables: tuple[Table, ...] = (document, document_attachment)
    kinds = ("document_kept", "document_attached")
    yield from scope.compare(tables, map(_document, scope.said(*kinds)))


def _document(said: Said) -> Told:
    data, hashed = said.data, bytes.fromhex(said.data["hash"])
    if said.kind == "document_kept":
        kept = {name: data[name] for name in ("name", "media_type", "size_bytes")}
        return said.row(document, hash=hashed, content=DigestOf(hashed), **kept)
    return said.row(
        document_attachment,
        agreement_id=said.agreement_id,
        subject_kind=data["subject_kind"],
        subject_id=int(data["subject"]),
        reference=data["reference"],
        hash=hashed,
        role=data["role"],
    )
