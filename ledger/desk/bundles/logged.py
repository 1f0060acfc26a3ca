"""The events of a bundle as the ledger has them, and the log's proof of each under one head."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from ledger.desk.bundles.decisions import STEP
from ledger.desk.log import Head, head
from ledger.desk.log.reading import NotLoggedYet, nodes
from ledger.evidence import merkle
from ledger.evidence.bundles import LoggedEvent
from ledger.evidence.checkpoints import Checkpoint, cosigner_key, cosigner_name
from ledger.evidence.notes import Note, VerifierKey, to_base64
from ledger_schema.tables import event, log_cosignature, log_leaf, party

Wanted = Mapping[str, tuple[str, Collection[object]]]
"""By the kind of event the name in its data that tells which are wanted, and the values it may have."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its bytes and the number of its leaf (None: not logged yet)."""

    event_id: int
    kind: str
    content: bytes
    data: Mapping[str, Any]
    leaf: int | None


def recorded_events(
    connection: Connection, agreement_id: int, last: tuple[str, str], wanted: Wanted, *, with_decisions: bool
) -> list[Recorded]:
    """The wanted events: those of the agreement up to the ``last`` (its kind and settlement), and keys.

    ``with_decisions``: what people decided of differences is among them. In the order of the log.
    """
    of_kinds: list[ColumnElement[bool]] = [event.c.kind.in_(sorted(wanted))]
    if with_decisions:
        of_kinds.append(event.c.kind.startswith(STEP, autoescape=True))
    rows = connection.execute(
        select(event.c.event_id, event.c.kind, event.c.canonical, log_leaf.c.leaf_number)
        .outerjoin(log_leaf, log_leaf.c.event_id == event.c.event_id)
        .where(
            or_(event.c.agreement_id == agreement_id, event.c.kind == "key_registered"),
            or_(*of_kinds),
        )
        .order_by(log_leaf.c.leaf_number, event.c.event_id)
    )
    listed = [
        Recorded(row.event_id, row.kind, row.canonical, json.loads(row.canonical)["data"], row.leaf_number)
        for row in rows
    ]
    end = next(one.event_id for one in listed if one.kind == last[0] and one.data["settlement"] == last[1])
    return [one for one in listed if _is_wanted(one, end, wanted)]


def _is_wanted(one: Recorded, end: int, wanted: Wanted) -> bool:
    if one.kind == "key_registered":
        return _names(one, wanted)
    return one.event_id <= end and (one.kind.startswith(STEP) or _names(one, wanted))


def _names(one: Recorded, wanted: Wanted) -> bool:
    name, values = wanted[one.kind]
    return one.data[name] in values


def covering_head(connection: Connection, listed: Sequence[Recorded], parties: Collection[str]) -> Head:
    """The first head over all that isn't a key, of those that most of the parties cosigned; else the newest.

    Raises ``NotLoggedYet``, ``NotFound``.
    """
    sealed = [one for one in listed if one.kind != "key_registered"]
    missing = next((one for one in sealed if one.leaf is None), None)
    newest = head(connection)
    if missing is not None:
        raise NotLoggedYet(event_id=missing.event_id, size=newest.size)
    last = max((one for one in sealed), key=lambda one: one.leaf or 0)
    columns = log_cosignature.c
    cosigned = connection.execute(
        select(columns.size)
        .join(party, party.c.party_id == columns.party_id)
        .where(columns.size > last.leaf, party.c.code.in_(sorted(parties)))
        .group_by(columns.size)
        .order_by(func.count(columns.party_id.distinct()).desc(), columns.size)
        .limit(1)
    ).scalar_one_or_none()
    found = newest if cosigned is None else head(connection, cosigned)
    if last.leaf is None or last.leaf >= found.size:
        raise NotLoggedYet(event_id=last.event_id, size=found.size)
    return found


def proven(connection: Connection, listed: Sequence[Recorded], under: Head) -> list[LoggedEvent]:
    """The events under the head, each with its audit path."""
    read = partial(nodes, connection)
    return [
        LoggedEvent(
            event=one.content.decode(),
            leaf=one.leaf,
            hashes=[to_base64(each) for each in merkle.inclusion_proof(one.leaf, under.size, read)],
        )
        for one in listed
        if one.leaf is not None and one.leaf < under.size
    ]


def note_of_sides(under: Head, log_key: VerifierKey, listed: Sequence[Recorded]) -> Note:
    """The head's note with no other cosignatures than those of the sides' keys among the events."""
    origin = Checkpoint.parse(under.note.text).origin
    keys = [log_key] + [
        cosigner_key(cosigner_name(origin, one.data["party"]), bytes.fromhex(one.data["public_key"]))
        for one in listed
        if one.kind == "key_registered" and one.leaf is not None and one.leaf < under.size
    ]
    kept = [each for each in under.note.signatures if any(each.is_of(key) for key in keys)]
    return Note(under.note.text, tuple(kept))
