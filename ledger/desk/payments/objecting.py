"""Objections to legs: while one stands the leg is in dispute, and isn't netted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from ledger.desk import roster
from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.failures import refuse, text_faults
from ledger.desk.payments.clearing import hold_legs
from ledger.desk.payments.faults import NoObjection, NothingOpen, NotOfLeg, ObjectionStands, person_faults
from ledger.desk.payments.reading import Leg
from ledger.evidence.canonical import Json
from ledger_schema.sessions import Database
from ledger_schema.tables import leg_objection


def object_to_leg(
    database: Database, act: Act, leg_id: int, party: str, person: str, reason: str
) -> Done[int]:
    """A side of an open leg says what it has against it; returns the leg's id.

    Raises ``RequestRefused``, ``NotFound``, ``NotOfLeg``, ``NothingOpen``, ``ObjectionStands``.
    """

    def check(connection: Connection, held: Leg, party_id: int) -> None:
        if held.objection is not None:
            objector = roster.party(connection, held.objection.party_id).code
            raise ObjectionStands(leg=held.reference, party=objector)
        if party_id not in held.pair:
            raise NotOfLeg(leg=held.reference, party=party)
        if not held.open_minor:
            raise NothingOpen(leg=held.reference)

    return _perform(database, act, "leg_objected", leg_id, party, person, reason, check)


def withdraw_objection(
    database: Database, act: Act, leg_id: int, party: str, person: str, reason: str
) -> Done[int]:
    """The side that objected takes it back; returns the leg's id.

    Raises ``RequestRefused``, ``NotFound``, ``NoObjection``.
    """

    def check(_: Connection, held: Leg, party_id: int) -> None:
        if held.objection is None or held.objection.party_id != party_id:
            raise NoObjection(leg=held.reference, party=party)

    return _perform(database, act, "objection_withdrawn", leg_id, party, person, reason, check)


def _perform(
    database: Database,
    act: Act,
    kind: str,
    leg_id: int,
    party: str,
    person: str,
    reason: str,
    check: Callable[[Connection, Leg, int], None],
) -> Done[int]:
    refuse([*person_faults("person", person), *text_faults("reason", reason)])
    said: dict[str, Json] = {"leg": str(leg_id), "party": party, "person": person, "reason": reason}

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        party_id = roster.party_by_code(connection, party).party_id
        held = hold_legs(connection, [leg_id])[leg_id]
        check(connection, held, party_id)
        event_id = record(kind, said, held.agreement_id)
        rows = select(func.count()).select_from(leg_objection).where(leg_objection.c.leg_id == leg_id)
        connection.execute(
            insert(leg_objection).values(
                leg_id=leg_id,
                sequence=connection.execute(rows).scalar_one() + 1,
                stands=kind == "leg_objected",
                party_id=party_id,
                person=person,
                reason=reason,
                event_id=event_id,
            )
        )
        return {"leg": leg_id}

    return named_number(perform(database, act, kind, said, work), "leg")
