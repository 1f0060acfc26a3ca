"""A settlement's way from computed to signed: proposed, and signed by each role over the exact bytes shown.

Proposing and signing take the open quarter's row for themselves, as closing does: whoever hands in a return
at the same moment is either done, and then the settlement is stale, or waits until the signature is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select

from ledger.desk import agreements
from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.settlements.closing import require_fresh, take_open, worlds_now
from ledger.desk.settlements.proposals import (
    Proposal,
    content_to_sign,
    proposals,
    signable,
    signing_party,
)
from ledger.desk.settlements.reading import Settlement, settlement
from ledger.desk.signatures import refuse_signature, unsigned
from ledger.errors import LedgerError
from ledger.evidence.canonical import digest
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import quarter_closing, settlement_proposal, settlement_signature


class SettlementNotProposed(LedgerError):
    """There are no bytes to sign before the settlement was proposed."""

    code = "SETTLEMENT_NOT_PROPOSED"
    sentence_en = "Settlement {settlement_id} of {quarter} isn't proposed for signing. Propose it first."
    sentence_zh = "{quarter}的结算 {settlement_id} 尚未提交签署。请先提交。"


class SettlementState(StrEnum):
    """How far a settlement has come, now."""

    COMPUTED = "computed"
    PROPOSED = "proposed"
    SIGNED = "signed"
    """Proposed, and no signature is missing."""
    CLOSED = "closed"
    REOPENED = "reopened"
    """It had closed its quarter, which was reopened since."""
    STALE = "stale"
    """What it rests on has changed, or another one closed the quarter: it can't be signed or closed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a settlement stands now; ``awaits`` are the roles whose signatures it still needs to close."""

    state: SettlementState
    proposal: Proposal | None
    awaits: list[str]


# --- acts -------------------------------------------------------------------------------------------------


def propose(database: Database, act: Act, agreement_id: int, settlement_id: int) -> Done[int]:
    """Puts a computed settlement of the open quarter up for signing; returns its id.

    Proposing it again changes nothing. Raises ``NotFound``, ``QuarterNotOpen``, ``StaleSettlement``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        chosen = _hold_fresh(connection, agreement_id, settlement_id)
        if _proposal(connection, chosen) is None:
            _record_proposal(connection, record, chosen)
        return {"settlement": settlement_id}

    request = {"agreement": str(agreement_id), "settlement": str(settlement_id)}
    return named_number(perform(database, act, "propose_settlement", request, work), "settlement")


def sign(
    database: Database,
    act: Act,
    agreement_id: int,
    settlement_id: int,
    role: str,
    public_key: bytes,
    signature: bytes,
) -> Done[int]:
    """Adds a role's Ed25519 signature of exactly the proposal's bytes; returns the settlement's id.

    ``role`` is one of ``procedure.signed_by``; ``public_key`` is 32 bytes and registered for its party;
    ``signature`` is 64 bytes. Raises, in this order, ``NotFound``, ``QuarterNotOpen``, ``StaleSettlement``,
    ``SettlementNotProposed``, ``RoleDoesNotSign``, ``AlreadySigned``, ``KeyNotRegistered``,
    ``SignatureWrong``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        chosen = _hold_fresh(connection, agreement_id, settlement_id)
        proposal = _proposal(connection, chosen)
        if proposal is None:
            raise SettlementNotProposed(settlement_id=settlement_id, quarter=chosen.booked_quarter)
        procedure = agreements.procedure_in_force(connection, agreement_id, chosen.booked_quarter)
        party_id = signing_party(connection, agreement_id, role, procedure.signed_by)
        signed = signable(chosen, proposal.content)
        refuse_signature(connection, signed, proposal.signatures, role, party_id, public_key, signature)
        _record_signature(connection, record, chosen, proposal, role, party_id, public_key, signature)
        return {"settlement": settlement_id}

    request = {
        "agreement": str(agreement_id),
        "settlement": str(settlement_id),
        "role": role,
        "public_key": public_key.hex(),
        "signature": signature.hex(),
    }
    return named_number(perform(database, act, "sign_settlement", request, work), "settlement")


def _hold_fresh(connection: Connection, agreement_id: int, settlement_id: int) -> Settlement:
    """The settlement of the open quarter, which nobody else changes or closes before the transaction ends."""
    agreements.agreement(connection, agreement_id)
    chosen = settlement(connection, agreement_id, settlement_id)
    queue_on(connection, Queue.AGREEMENT, str(agreement_id))
    take_open(connection, agreement_id, chosen.booked_quarter)
    require_fresh(connection, chosen, chosen.booked_quarter)
    return chosen


def _proposal(connection: Connection, chosen: Settlement) -> Proposal | None:
    return proposals(connection, chosen.agreement_id, [chosen.settlement_id]).get(chosen.settlement_id)


def _record_proposal(connection: Connection, record: Recorder, chosen: Settlement) -> None:
    content = content_to_sign(connection, chosen)
    event_id = record("settlement_proposed", _named(chosen, digest(content)), chosen.agreement_id)
    connection.execute(
        insert(settlement_proposal).values(
            **_key(chosen), content=content, content_hash=digest(content), event_id=event_id
        )
    )


def _record_signature(
    connection: Connection,
    record: Recorder,
    chosen: Settlement,
    proposal: Proposal,
    role: str,
    party_id: int,
    public_key: bytes,
    signature: bytes,
) -> None:
    event_id = record(
        "settlement_signed",
        {
            **_named(chosen, proposal.content_hash),
            "role": role,
            "public_key": public_key.hex(),
            "signature": signature.hex(),
        },
        chosen.agreement_id,
    )
    connection.execute(
        insert(settlement_signature).values(
            **_key(chosen),
            role=role,
            party_id=party_id,
            public_key=public_key,
            signature=signature,
            event_id=event_id,
        )
    )


def _named(chosen: Settlement, content_hash: bytes) -> dict[str, str]:
    return {
        "settlement": str(chosen.settlement_id),
        "quarter": str(chosen.booked_quarter),
        "content_hash": content_hash.hex(),
    }


def _key(chosen: Settlement) -> dict[str, int]:
    return {
        "agreement_id": chosen.agreement_id,
        "booked_quarter": chosen.booked_quarter.code,
        "settlement_id": chosen.settlement_id,
    }


# --- standing ---------------------------------------------------------------------------------------------


def standings(connection: Connection, agreement_id: int, listed: Sequence[Settlement]) -> dict[int, Standing]:
    """Where each of the agreement's settlements stands now, by id."""
    settlement_ids = [one.settlement_id for one in listed]
    proposed = proposals(connection, agreement_id, settlement_ids)
    closings = _closings(connection, agreement_id, settlement_ids)
    fresh, needed = _fresh_inputs(connection, agreement_id)
    found = {}
    for one in listed:
        proposal = proposed.get(one.settlement_id)
        if one.settlement_id in closings:
            found[one.settlement_id] = Standing(closings[one.settlement_id], proposal, [])
        elif one.inputs.canonical() != fresh:
            found[one.settlement_id] = Standing(SettlementState.STALE, proposal, [])
        else:
            found[one.settlement_id] = _open_standing(proposal, needed)
    return found


def _open_standing(proposal: Proposal | None, needed: Sequence[str]) -> Standing:
    if proposal is None:
        return Standing(SettlementState.COMPUTED, None, list(needed))
    awaits = unsigned(needed, proposal.signatures)
    return Standing(SettlementState.PROPOSED if awaits else SettlementState.SIGNED, proposal, awaits)


def _closings(
    connection: Connection, agreement_id: int, settlement_ids: Sequence[int]
) -> dict[int, SettlementState]:
    closing = quarter_closing.c
    rows = connection.execute(
        select(closing.settlement_id, closing.reopened_at).where(
            closing.agreement_id == agreement_id, closing.settlement_id.in_(settlement_ids)
        )
    )
    return {
        row.settlement_id: SettlementState.CLOSED if row.reopened_at is None else SettlementState.REOPENED
        for row in rows
    }


def _fresh_inputs(connection: Connection, agreement_id: int) -> tuple[bytes | None, Sequence[str]]:
    """What a settlement of the open quarter rests on now, and who signs it; None without an open quarter."""
    quarter: Quarter | None = agreements.open_quarter(connection, agreement_id)
    if quarter is None:
        return None, ()
    _, now = worlds_now(connection, agreement_id, quarter)
    return now.canonical(), agreements.procedure_in_force(connection, agreement_id, quarter).signed_by
