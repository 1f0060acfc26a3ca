"""Commitments, and what was recorded of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ledger.desk.fsck.comparing import Mismatch, Said, Scope, Told
from ledger.rules.terms import Terms
from ledger_schema.tables import (
    agreement_version,
    commitment,
    commitment_confirmation,
    commitment_evidence,
    commitment_record,
)


def check_commitments(scope: Scope) -> Iterator[Mismatch]:
    """Commitments are those of the terms in force; records and confirmations are what the events say."""
    yield from scope.compare([commitment], _promised(scope))
    tables = (commitment_record, commitment_evidence, commitment_confirmation)
    yield from scope.compare(tables, _recorded(scope))


def _promised(scope: Scope) -> Iterator[Told]:
    rows = scope.rows(agreement_version, agreement_version.c.agreement_id == scope.agreement_id)
    terms = {row.version: row.terms for row in rows}
    for said in scope.said("version_brought_into_force"):
        version = said.data["version"]
        for one in Terms.model_validate_json(terms[version]).commitments:
            yield Told(
                commitment,
                {
                    "agreement_id": said.agreement_id,
                    "version": version,
                    "code": one.code,
                    "kind": one.kind,
                    "due_day": one.due_day,
                    "target_count": one.target_count,
                },
            )


def _recorded(scope: Scope) -> Iterator[Told]:
    for said in scope.said("commitment_recorded", "commitment_confirmed"):
        data = said.data
        key = {"agreement_id": said.agreement_id, "code": data["code"], "sequence": data["sequence"]}
        if said.kind == "commitment_recorded":
            yield from _record(said, key)
        yield said.row(commitment_confirmation, **key, role=data["role"])


def _record(said: Said, key: dict[str, object]) -> Iterator[Told]:
    data = said.data
    yield said.row(
        commitment_record,
        **key,
        kind=data["kind"],
        day=date.fromisoformat(data["day"]),
        reached_count=data["reached_count"],
        note=data["note"],
        recorded_by=data["role"],
    )
    for hashed in data["documents"]:
        yield Told(commitment_evidence, {**key, "hash": bytes.fromhex(hashed)})
