"""Cosignatures: the word of a party that it saw a head of the log, and that it follows all it saw before.

A cosignature is no event: it proves itself, and as an event it would call for a new head to be cosigned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, ScalarSelect, func, insert, select

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.agreements import KeyNotRegistered, agreement, sides_of
from ledger.desk.log.reading import head
from ledger.desk.roster import keys_of, party_by_code
from ledger.evidence import checkpoints
from ledger.evidence.canonical import Json
from ledger.evidence.checkpoints import Checkpoint, cosigner_key, cosigner_name
from ledger.evidence.notes import Signature
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import event, log_cosignature, log_leaf


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A side that is asked to cosign a close; ``size`` is of the first head covering it that it cosigned."""

    role: str
    party_id: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Close:
    """The close of a quarter, its place in the log (None: not logged yet), and who has vouched for it."""

    event_id: int
    quarter: Quarter
    leaf_number: int | None
    cosigners: list[Cosigner]


def cosign_checkpoint(database: Database, act: Act, party_code: str, size: int, line: str) -> Done[int]:
    """Take in a party's cosignature ``line`` of the published head of ``size``; returns the size.

    Raises ``NotFound``, ``NoteUnreadable``, ``KeyNotRegistered``, ``NoteNotSigned``.
    """

    def work(connection: Connection, _: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.PARTY, party_code)
        public_key = _take(connection, party_code, size, line)
        return {"size": size, "public_key": public_key.hex()}

    request: dict[str, Json] = {"party": party_code, "size": size, "line": line}
    return named_number(perform(database, act, "cosign_checkpoint", request, work), "size")


def closes(connection: Connection, agreement_id: int) -> list[Close]:
    """Every close of the agreement, oldest first, with the sides that sign and what they cosigned.

    Raises ``NotFound``.
    """
    agreement(connection, agreement_id)
    sides = [side for side in sides_of(connection, agreement_id).values() if side.signs]
    cosigned = [_first_cosigned(side.party_id).label(f"cosigned_{place}") for place, side in enumerate(sides)]
    rows = connection.execute(
        select(event.c.event_id, event.c.canonical, log_leaf.c.leaf_number, *cosigned)
        .outerjoin(log_leaf, log_leaf.c.event_id == event.c.event_id)
        .where(event.c.agreement_id == agreement_id, event.c.kind == "settlement_closed")
        .order_by(event.c.event_id)
    )
    return [
        Close(
            event_id,
            Quarter.parse(json.loads(canonical)["data"]["quarter"]),
            leaf_number,
            [Cosigner(side.role, side.party_id, size) for side, size in zip(sides, sizes, strict=True)],
        )
        for event_id, canonical, leaf_number, *sizes in rows
    ]


def _take(connection: Connection, party_code: str, size: int, line: str) -> bytes:
    """Returns the public key whose cosignature it is."""
    party_id = party_by_code(connection, party_code).party_id
    note = head(connection, size).note
    name = cosigner_name(Checkpoint.parse(note.text).origin, party_code)
    signature = Signature.parse(line.rstrip("\n"))
    keys = [cosigner_key(name, key.public_key) for key in keys_of(connection, [party_id]).get(party_id, [])]
    key = next((each for each in keys if signature.is_of(each)), None)
    if key is None:
        raise KeyNotRegistered(public_key=f"{signature.name} {signature.key_id.hex()}", party=party_code)
    checkpoints.cosigned_at(note.text, signature, key)
    taken = log_cosignature.c
    known = select(taken.size).where(
        taken.size == size, taken.party_id == party_id, taken.public_key == key.public_key
    )
    if connection.execute(known).one_or_none() is None:
        connection.execute(
            insert(log_cosignature).values(
                size=size, party_id=party_id, public_key=key.public_key, signature=signature.content
            )
        )
    return key.public_key


def _first_cosigned(party_id: int) -> ScalarSelect[int]:
    """The smallest size of a head that covers the leaf and that the party cosigned."""
    columns = log_cosignature.c
    return (
        select(func.min(columns.size))
        .where(columns.party_id == party_id, columns.size > log_leaf.c.leaf_number)
        .scalar_subquery()
    )
