"""Settlements put up for signing: the exact bytes, made once, and who has signed them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ledger.desk import agreements
from ledger.desk.agreements import RoleDoesNotSign
from ledger.desk.failures import NotFound
from ledger.desk.lines import open_lines
from ledger.desk.settlements.reading import Allocation, Settlement, all_allocations
from ledger.desk.settlements.replays import Inputs
from ledger.desk.signatures import Signable, Signature
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.measures import COMMODITY_BY_ID
from ledger.money import format_amount
from ledger.rules.terms import Book
from ledger_schema.tables import (
    agreement_party,
    agreement_version,
    party,
    settlement_proposal,
    settlement_signature,
)

PROPOSAL_FORMAT = "parkledger.settlement/1"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A settlement's bytes to sign, their SHA-256, and the signatures given so far, by role."""

    settlement_id: int
    content: bytes
    content_hash: bytes
    signatures: list[Signature]


# --- reading ----------------------------------------------------------------------------------------------


def proposals(
    connection: Connection, agreement_id: int, settlement_ids: Sequence[int]
) -> dict[int, Proposal]:
    """The proposals of those of the settlements that were proposed."""
    rows = connection.execute(
        select(
            settlement_proposal.c.settlement_id,
            settlement_proposal.c.content,
            settlement_proposal.c.content_hash,
        ).where(
            settlement_proposal.c.agreement_id == agreement_id,
            settlement_proposal.c.settlement_id.in_(settlement_ids),
        )
    ).all()
    signatures = _signatures(connection, agreement_id, settlement_ids)
    return {row.settlement_id: Proposal(*row, signatures[row.settlement_id]) for row in rows}


def _signatures(
    connection: Connection, agreement_id: int, settlement_ids: Sequence[int]
) -> defaultdict[int, list[Signature]]:
    columns = settlement_signature.c
    rows = connection.execute(
        select(settlement_signature)
        .where(columns.agreement_id == agreement_id, columns.settlement_id.in_(settlement_ids))
        .order_by(columns.settlement_id, columns.role)
    )
    found: defaultdict[int, list[Signature]] = defaultdict(list)
    for row in rows:
        found[row.settlement_id].append(signature_of(row))
    return found


def signature_of(row: Any) -> Signature:
    """The signature in a row that has its columns."""
    return Signature(row.role, row.party_id, row.public_key, row.signature, row.recorded_at)


def signable(chosen: Settlement, content: bytes) -> Signable:
    """The settlement by the name that sentences call it."""
    return Signable(
        content,
        f"settlement {chosen.settlement_id} of {chosen.booked_quarter}",
        f"{chosen.booked_quarter}的结算 {chosen.settlement_id} ",
    )


def signing_party(connection: Connection, agreement_id: int, role: str, roles: Sequence[str]) -> int:
    """The party behind one of the ``roles`` that sign. Raises ``NotFound``, ``RoleDoesNotSign``."""
    sides = agreements.sides_of(connection, agreement_id)
    if role not in sides:
        raise NotFound("role", role)
    if role not in roles:
        raise RoleDoesNotSign(role=role, signing=", ".join(roles) or "-")
    return sides[role].party_id


# --- the bytes --------------------------------------------------------------------------------------------


def content_to_sign(connection: Connection, chosen: Settlement) -> bytes:
    """The RFC 8785 bytes that docs/settlements.md describes."""
    with open_lines(connection):
        listed = all_allocations(connection, chosen.agreement_id, chosen.settlement_id)
    return signed_content(
        code=agreements.agreement(connection, chosen.agreement_id).code,
        settlement_id=chosen.settlement_id,
        inputs=chosen.inputs,
        is_final=chosen.is_final,
        terms_hashes=_terms_hashes(connection, chosen),
        allocations_hash=chosen.allocations_hash,
        listed=listed,
        party_codes=_party_codes(connection, chosen.agreement_id),
    )


def signed_content(
    *,
    code: str,
    settlement_id: int,
    inputs: Inputs,
    is_final: bool,
    terms_hashes: Mapping[int, bytes],
    allocations_hash: bytes,
    listed: Sequence[Allocation],
    party_codes: Mapping[int, str],
) -> bytes:
    """The bytes to sign of a settlement of the agreement ``code``; terms by version, parties by id."""
    content: dict[str, Json] = {
        "format": PROPOSAL_FORMAT,
        "agreement": code,
        "quarter": str(inputs.quarter),
        "settlement": str(settlement_id),
        "final": is_final,
        "previous_settlement": _text(inputs.previous_settlement_id),
        "reopened_settlement": _text(inputs.reopened_settlement_id),
        "terms": [
            {"version": version, "starts": str(starts), "terms_hash": terms_hashes[version].hex()}
            for version, starts in sorted(inputs.versions.items())
        ],
        "inputs_hash": digest(inputs.canonical()).hex(),
        "allocation_count": len(listed),
        "allocations_hash": allocations_hash.hex(),
        "amounts": _amounts(listed, party_codes),
    }
    return canonical_bytes(content)


def _text(settlement_id: int | None) -> str | None:
    return None if settlement_id is None else str(settlement_id)


def _terms_hashes(connection: Connection, chosen: Settlement) -> dict[int, bytes]:
    rows = connection.execute(
        select(agreement_version.c.version, agreement_version.c.terms_hash).where(
            agreement_version.c.agreement_id == chosen.agreement_id,
            agreement_version.c.version.in_(list(chosen.inputs.versions)),
        )
    )
    return {row.version: row.terms_hash for row in rows}


def _party_codes(connection: Connection, agreement_id: int) -> dict[int, str]:
    rows = connection.execute(
        select(party.c.party_id, party.c.code)
        .join(agreement_party, agreement_party.c.party_id == party.c.party_id)
        .where(agreement_party.c.agreement_id == agreement_id)
    )
    return {row.party_id: row.code for row in rows}


def _amounts(listed: Iterable[Allocation], codes: Mapping[int, str]) -> list[Json]:
    """What each party gets of each clause, book and commodity, and the part of it that goes to a fund."""
    totals: defaultdict[tuple[int, Book, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for one in listed:
        total = totals[one.clause, one.book, codes[one.party_id], one.commodity_id]
        total[0] += one.amount_minor
        total[1] += one.routed_minor
    return [
        {
            "clause": clause,
            "book": book.value,
            "party": code,
            "commodity": COMMODITY_BY_ID[commodity_id].code,
            "amount": format_amount(amount_minor, COMMODITY_BY_ID[commodity_id].scale),
            "routed": format_amount(routed_minor, COMMODITY_BY_ID[commodity_id].scale),
        }
        for (clause, book, code, commodity_id), (amount_minor, routed_minor) in sorted(totals.items())
    ]
