"""Waivers: the payee gives up a part of a leg by signing the exact bytes that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from ledger.desk import roster
from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.agreements import KeyNotRegistered
from ledger.desk.failures import NotFound, refuse, text_faults
from ledger.desk.payments.clearing import add_clearings, clearing_row, hold_legs, written
from ledger.desk.payments.faults import ActSignatureWrong
from ledger.desk.payments.reading import Leg, legs_by_id
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.evidence.signatures import is_signed
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import party_key
from ledger_schema.tables import waiver as waiver_table

WAIVER_FORMAT = "parkledger.waiver/1"


@dataclass(frozen=True, slots=True)
class Waiver:
    """What is given up of a leg (minor units), with effect from ``day``, and why."""

    leg_id: int
    amount_minor: int
    day: date
    reason: str


def waiver_bytes(connection: Connection, waiver: Waiver) -> bytes:
    """The exact bytes that the payee signs: RFC 8785 JSON.

    They tell what is open and how often the leg was cleared, so that a signature holds for this state of the
    leg only, and only once. Raises ``RequestRefused``, ``NotFound``.
    """
    refuse(_faults(waiver))
    found = legs_by_id(connection, [waiver.leg_id]).get(waiver.leg_id)
    if found is None:
        raise NotFound("leg", waiver.leg_id)
    return _bytes(connection, waiver, found)


def waive(database: Database, act: Act, waiver: Waiver, public_key: bytes, signature: bytes) -> Done[int]:
    """Clears a part of a leg by the payee's signature of ``waiver_bytes``; returns the leg's id.

    Raises ``RequestRefused``, ``NotFound``, ``KeyNotRegistered``, ``ActSignatureWrong``, ``MoreThanOpen``.
    """
    refuse(_faults(waiver))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        held = hold_legs(connection, [waiver.leg_id])[waiver.leg_id]
        content = _bytes(connection, waiver, held)
        refuse_signature(connection, held.payee_party_id, public_key, signature, content)
        signed: dict[str, Json] = {
            "waiver_sha256": digest(content).hex(),
            "leg": str(waiver.leg_id),
            "amount_minor": str(waiver.amount_minor),
            "public_key": public_key.hex(),
            "signature": signature.hex(),
        }
        event_id = record("leg_waived", signed, held.agreement_id)
        cleared = clearing_row(held, "waiver", waiver.amount_minor, waiver.day, event_id)
        add_clearings(connection, [cleared])
        connection.execute(
            insert(waiver_table).values(
                leg_id=waiver.leg_id,
                sequence=cleared["sequence"],
                content=content,
                party_id=held.payee_party_id,
                public_key=public_key,
                signature=signature,
            )
        )
        return {"leg": waiver.leg_id}

    request: dict[str, Json] = {
        "leg": str(waiver.leg_id),
        "amount_minor": str(waiver.amount_minor),
        "day": waiver.day.isoformat(),
        "reason": waiver.reason,
        "public_key": public_key.hex(),
        "signature": signature.hex(),
    }
    return named_number(perform(database, act, "waive_leg", request, work), "leg")


def refuse_signature(
    connection: Connection, party_id: int, public_key: bytes, signature: bytes, content: bytes
) -> None:
    """Raises ``KeyNotRegistered``, or ``ActSignatureWrong`` where it isn't one of exactly ``content``."""
    registered = connection.execute(
        select(party_key.c.label).where(
            party_key.c.party_id == party_id, party_key.c.public_key == public_key
        )
    ).one_or_none()
    if registered is None:
        raise KeyNotRegistered(public_key=public_key.hex(), party=roster.party(connection, party_id).code)
    if not is_signed(public_key, signature, content):
        raise ActSignatureWrong(public_key=public_key.hex(), content_hash=digest(content).hex())


def _bytes(connection: Connection, waiver: Waiver, leg: Leg) -> bytes:
    parties = roster.parties_by_id(connection, leg.pair)
    return canonical_bytes(
        {
            "format": WAIVER_FORMAT,
            "leg": str(leg.leg_id),
            "payer": parties[leg.payer_party_id].code,
            "payee": parties[leg.payee_party_id].code,
            "open": written(leg.open_minor, leg.commodity_id),
            "clearings": len(leg.clearings),
            "waived": written(waiver.amount_minor, leg.commodity_id),
            "day": waiver.day.isoformat(),
            "reason": waiver.reason,
        }
    )


def _faults(waiver: Waiver) -> list[Fault]:
    faults = text_faults("reason", waiver.reason)
    if waiver.amount_minor <= 0:
        faults.append(
            Fault("amount", "WAIVER_NOT_POSITIVE", "Expected an amount above zero.", "金额应大于零。")
        )
    return faults
