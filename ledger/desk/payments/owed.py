"""What an agreement's parties owed as it was known at a moment, and what changed it between two moments.

A leg is owed from the moment it was raised, as long as the settlement that raised it stands; what has cleared
it by then is off. Each of these acts is a change, so the changes add up exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from ledger.desk import agreements
from ledger.desk.closings import is_of_closing, stood
from ledger_schema.tables import leg, leg_clearing, quarter_closing, quarter_reopened


@dataclass(frozen=True, slots=True)
class Owed:
    """What of a leg was open, in minor units."""

    leg_id: int
    payer_party_id: int
    payee_party_id: int
    commodity_id: int
    open_minor: int


@dataclass(frozen=True, slots=True)
class OwedChange:
    """What one act changed of what is open of a leg, in minor units.

    ``kind``: settlement or interest, by which the leg was raised; payment, netting or waiver, which cleared a
    part; reopening, by which the leg was void.
    """

    leg_id: int
    payer_party_id: int
    payee_party_id: int
    commodity_id: int
    kind: str
    amount_minor: int
    event_id: int


def owed(connection: Connection, agreement_id: int, known_at: datetime) -> list[Owed]:
    """What was open of each leg, by leg; nothing of what was cleared. Raises ``NotFound``."""
    agreements.agreement(connection, agreement_id)
    legs, clearings = _read(connection, agreement_id, known_at, known_at)
    found = []
    for row in legs:
        cleared_minor = sum(one.amount_minor for one in clearings[row.leg_id] if one.recorded_at <= known_at)
        if row.amount_minor > cleared_minor:
            found.append(
                Owed(
                    row.leg_id,
                    row.payer_party_id,
                    row.payee_party_id,
                    row.commodity_id,
                    row.amount_minor - cleared_minor,
                )
            )
    return found


def owed_between(
    connection: Connection, agreement_id: int, known_from: datetime, known_to: datetime
) -> list[OwedChange]:
    """Every act that changed what is owed; adds up exactly to ``owed`` at the second moment less the first.

    Raises ``NotFound``.
    """
    agreements.agreement(connection, agreement_id)
    legs, clearings = _read(connection, agreement_id, known_from, known_to)
    return [change for row in legs for change in _changes(row, clearings[row.leg_id], known_from, known_to)]


def _changes(
    row: Row[Any], clearings: Sequence[Row[Any]], known_from: datetime, known_to: datetime
) -> list[OwedChange]:
    found = []
    if row.was_owed != row.is_owed:
        came = int(row.is_owed) - int(row.was_owed)
        is_void = (came < 0) == (known_from <= known_to)
        kind, event_id = ("reopening", row.reopening_event_id) if is_void else (row.kind, row.event_id)
        found.append(_change(row, kind, came * row.amount_minor, event_id))
    for one in clearings:
        came = int(row.is_owed and one.recorded_at <= known_to) - int(
            row.was_owed and one.recorded_at <= known_from
        )
        if came:
            found.append(_change(row, one.kind, -came * one.amount_minor, one.event_id))
    return found


def _change(row: Row[Any], kind: str, amount_minor: int, event_id: int) -> OwedChange:
    return OwedChange(
        row.leg_id, row.payer_party_id, row.payee_party_id, row.commodity_id, kind, amount_minor, event_id
    )


def _read(
    connection: Connection, agreement_id: int, known_from: datetime, known_to: datetime
) -> tuple[Sequence[Row[Any]], defaultdict[int, list[Row[Any]]]]:
    """The legs that are owed at one of the moments, and what has cleared them since, in order."""
    was_owed, is_owed = _is_owed(known_from), _is_owed(known_to)
    reopened = and_(
        quarter_reopened.c.agreement_id == leg.c.agreement_id,
        quarter_reopened.c.booked_quarter == leg.c.booked_quarter,
        quarter_reopened.c.settlement_id == leg.c.settlement_id,
    )
    legs = connection.execute(
        select(
            leg,
            was_owed.label("was_owed"),
            is_owed.label("is_owed"),
            quarter_reopened.c.event_id.label("reopening_event_id"),
        )
        .join(quarter_closing, is_of_closing(leg))
        .outerjoin(quarter_reopened, reopened)
        .where(leg.c.agreement_id == agreement_id, was_owed | is_owed)
        .order_by(leg.c.leg_id)
    ).all()
    clearings: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(
        select(leg_clearing)
        .where(leg_clearing.c.leg_id == func.any([one.leg_id for one in legs]))
        .order_by(leg_clearing.c.leg_id, leg_clearing.c.sequence)
    ):
        clearings[row.leg_id].append(row)
    return legs, clearings


def _is_owed(known_at: datetime) -> ColumnElement[bool]:
    return and_(leg.c.recorded_at <= known_at, stood(known_at))
