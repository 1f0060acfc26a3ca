"""Clearing legs: held so that nobody else clears them meanwhile, and never by more than what is open.

Whoever clears legs queues on their agreements first and then on the legs. Closing and reopening a quarter
queue on the agreement too, so that a leg either stands until the clearing is done or is gone before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert

from ledger.desk.acts import Queue, queue_on_all
from ledger.desk.failures import NotFound
from ledger.desk.payments.faults import MoreThanOpen
from ledger.desk.payments.reading import Leg, legs_by_id
from ledger.measures import COMMODITY_BY_ID
from ledger.money import format_amount
from ledger_schema.tables import leg_clearing


def hold_legs(connection: Connection, leg_ids: Iterable[int]) -> dict[int, Leg]:
    """The legs as they are once no other act clears one of them. Raises ``NotFound``."""
    wanted = sorted(set(leg_ids))
    found = legs_by_id(connection, wanted)
    agreement_ids = {one.agreement_id for one in found.values() if one.agreement_id is not None}
    queue_on_all(connection, Queue.AGREEMENT, map(str, agreement_ids))
    queue_on_all(connection, Queue.LEG, map(str, wanted))
    held = legs_by_id(connection, wanted)
    for leg_id in wanted:
        if leg_id not in held:
            raise NotFound("leg", leg_id)
    return held


def clearing_row(
    leg: Leg, kind: str, amount_minor: int, day: date, event_id: int, netting_id: int | None = None
) -> dict[str, Any]:
    """The row that clears a part of a leg that is held. Raises ``MoreThanOpen``."""
    if amount_minor > leg.open_minor:
        raise MoreThanOpen(
            leg=leg.reference,
            open=written(leg.open_minor, leg.commodity_id),
            amount=written(amount_minor, leg.commodity_id),
        )
    return {
        "leg_id": leg.leg_id,
        "sequence": len(leg.clearings) + 1,
        "kind": kind,
        "amount_minor": amount_minor,
        "open_minor": leg.open_minor - amount_minor,
        "day": day,
        "netting_id": netting_id,
        "event_id": event_id,
    }


def add_clearings(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows of ``clearing_row``, all in one statement."""
    if rows:
        connection.execute(insert(leg_clearing), rows)


def written(amount_minor: int, commodity_id: int) -> str:
    """The amount in the commodity's unit, for people and for signed documents."""
    return format_amount(amount_minor, COMMODITY_BY_ID[commodity_id].scale)
