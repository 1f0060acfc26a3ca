"""What the sides signed of a quarter: its settlement, and its reopening."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table

from ledger.desk.fsck.agreements import signed_by
from ledger.desk.fsck.comparing import DigestOf, Mismatch, Said, Scope, Told, key_of
from ledger.evidence.signatures import is_signed
from ledger.periods import Quarter
from ledger_schema.tables import (
    quarter_reopened,
    quarter_reopening,
    quarter_reopening_signature,
    settlement_proposal,
    settlement_signature,
)

TABLES = {
    "settlement_proposed": settlement_proposal,
    "settlement_signed": settlement_signature,
    "reopening_requested": quarter_reopening,
    "reopening_signed": quarter_reopening_signature,
    "quarter_reopened": quarter_reopened,
}
SIGNED: tuple[tuple[Table, Table], ...] = (
    (settlement_proposal, settlement_signature),
    (quarter_reopening, quarter_reopening_signature),
)


def check_signing(scope: Scope) -> Iterator[Mismatch]:
    """Proposals, requests and signatures are what the events say, and every signature verifies."""
    told = (_told(scope, said) for said in scope.said(*TABLES))
    yield from scope.compare(list(TABLES.values()), told)
    for contents, signatures in SIGNED:
        yield from _unsigned(scope, contents, signatures)


def _told(scope: Scope, said: Said) -> Told:
    values: dict[str, object] = {
        "agreement_id": said.agreement_id,
        "booked_quarter": Quarter.parse(said.data["quarter"]).code,
        "settlement_id": int(said.data["settlement"]),
    }
    if "request" in said.data:
        values["request"] = said.data["request"]
    if said.kind in ("settlement_proposed", "reopening_requested"):
        hashed = bytes.fromhex(said.data["content_hash"])
        values |= {"content": DigestOf(hashed), "content_hash": hashed}
    if said.kind == "reopening_requested":
        values["reason"] = said.data["reason"]
    if said.kind.endswith("_signed"):
        values |= signed_by(scope, said)
    return said.row(TABLES[said.kind], **values)


def _unsigned(scope: Scope, contents: Table, signatures: Table) -> Iterator[Mismatch]:
    names = [column.name for column in contents.primary_key]

    def about(row: Any) -> tuple[object, ...]:
        return tuple(getattr(row, name) for name in names)

    rows = scope.rows(contents, contents.c.agreement_id == scope.agreement_id)
    signed = {about(row): row.content for row in rows}
    for row in scope.rows(signatures, signatures.c.agreement_id == scope.agreement_id):
        if not is_signed(row.public_key, row.signature, signed.get(about(row), b"")):
            key = key_of(signatures, [*about(row), row.role])
            yield Mismatch(signatures.name, key, "signature", "one of the content", row.signature.hex())
