"""Agreements, the versions of their terms, who signed them, and the states of their quarters."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Table

from ledger.desk.fsck.comparing import DigestOf, Mismatch, Said, Scope, Told, key_of
from ledger.evidence.signatures import is_signed
from ledger.periods import Quarter
from ledger_schema.tables import (
    agreement,
    agreement_party,
    agreement_quarter,
    agreement_version,
    agreement_version_state,
    version_signature,
)

STATES = {
    "version_drafted": "draft",
    "version_proposed": "proposed",
    "version_withdrawn": "withdrawn",
    "version_brought_into_force": "in_force",
}


def check_agreements(scope: Scope) -> Iterator[Mismatch]:
    """The agreement, its sides, versions, states and signatures are what the events say; each verifies."""
    tables: tuple[Table, ...] = (
        agreement,
        agreement_party,
        agreement_version,
        agreement_version_state,
        version_signature,
    )
    yield from scope.compare(tables, _told(scope))
    yield from _signatures(scope)


def _told(scope: Scope) -> Iterator[Told]:
    for said in scope.said("agreement_drafted", "version_signed", *STATES):
        if said.kind == "agreement_drafted":
            yield from _drafted(scope, said)
        elif said.kind == "version_signed":
            yield said.row(
                version_signature,
                agreement_id=said.agreement_id,
                version=said.data["version"],
                **signed_by(scope, said),
            )
        else:
            yield from _entered(said)


def signed_by(scope: Scope, said: Said) -> dict[str, object]:
    """Who signed, with what: the columns that tables of signatures share."""
    return {
        "role": said.data["role"],
        "party_id": scope.sides.get(said.data["role"]),
        "public_key": bytes.fromhex(said.data["public_key"]),
        "signature": bytes.fromhex(said.data["signature"]),
    }


def _drafted(scope: Scope, said: Said) -> Iterator[Told]:
    named = {name: value for name, value in said.data.items() if name != "sides"}
    yield said.row(agreement, agreement_id=said.agreement_id, **named)
    for side in said.data["sides"]:
        yield said.row(
            agreement_party,
            agreement_id=said.agreement_id,
            role=side["role"],
            party_id=scope.party_ids.get(side["party"]),
            signs=side["signs"],
        )


def _entered(said: Said) -> Iterator[Told]:
    version = {"agreement_id": said.agreement_id, "version": said.data["version"]}
    if said.kind == "version_drafted":
        hashed = bytes.fromhex(said.data["terms_sha256"])
        starts = Quarter.parse(said.data["in_force_from"]).code
        terms = {"terms": DigestOf(hashed), "terms_hash": hashed, "in_force_from": starts}
        yield said.row(agreement_version, **version, **terms)
    yield said.row(agreement_version_state, **version, state=STATES[said.kind])
    if said.data.get("supersedes") is not None:
        superseded = version | {"version": said.data["supersedes"], "state": "superseded"}
        yield said.row(agreement_version_state, **superseded)


def _signatures(scope: Scope) -> Iterator[Mismatch]:
    mine = version_signature.c.agreement_id == scope.agreement_id
    rows = scope.rows(agreement_version, agreement_version.c.agreement_id == scope.agreement_id)
    terms = {row.version: row.terms for row in rows}
    for row in scope.rows(version_signature, mine):
        if not is_signed(row.public_key, row.signature, terms.get(row.version, b"")):
            key = key_of(version_signature, [row.agreement_id, row.version, row.role])
            yield Mismatch("version_signature", key, "signature", "one of the terms", row.signature.hex())


def check_quarters(scope: Scope) -> Iterator[Mismatch]:
    """Every quarter's state and settlement follow from terms coming into force, closings and reopenings."""
    states: dict[Quarter, tuple[str, int | None]] = {}
    for said in scope.said("version_brought_into_force", "settlement_closed", "quarter_reopened"):
        if said.kind == "version_brought_into_force":
            _begin(states, Quarter.parse(said.data["in_force_from"]))
        elif said.kind == "settlement_closed":
            _close(states, said)
        else:
            _reopen(states, Quarter.parse(said.data["quarter"]))
    told = [
        Told(
            agreement_quarter,
            {
                "agreement_id": scope.agreement_id,
                "quarter": quarter.code,
                "state": state,
                "settlement_id": settlement_id,
            },
        )
        for quarter, (state, settlement_id) in states.items()
    ]
    yield from scope.compare([agreement_quarter], told)


def _begin(states: dict[Quarter, tuple[str, int | None]], starts: Quarter) -> None:
    """Without an open quarter the one after the last closed opens, or the first."""
    if any(state == "open" for state, _ in states.values()):
        return
    closed = [quarter for quarter, (state, _) in states.items() if state == "closed"]
    states[max(closed).next if closed else starts] = ("open", None)


def _close(states: dict[Quarter, tuple[str, int | None]], said: Said) -> None:
    states[Quarter.parse(said.data["quarter"])] = ("closed", int(said.data["settlement"]))
    following = said.data["next_quarter"]
    if following is not None:
        states[Quarter.parse(following)] = ("open", None)


def _reopen(states: dict[Quarter, tuple[str, int | None]], reopened: Quarter) -> None:
    for quarter, (state, _) in states.items():
        if state == "open":
            states[quarter] = ("waiting", None)
    states[reopened] = ("open", None)
