"""What a return is of, and what all acts about it hold."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from ledger.desk.acts import Queue, queue_on
from ledger.desk.agreements import agreement, hold_open_quarter, sides_of, terms_in_force
from ledger.desk.failures import NotFound
from ledger.desk.returns.expected import NoOpenQuarter, QuarterOutOfReach
from ledger.periods import Quarter


class Slot(NamedTuple):
    """What a return is of; its returns are numbered in sequence."""

    agreement_id: int
    role: str
    quarter: Quarter


def refuse_unknown(connection: Connection, slot: Slot) -> None:
    """Raises ``NotFound`` for an unknown agreement or role."""
    agreement(connection, slot.agreement_id)
    if slot.role not in sides_of(connection, slot.agreement_id):
        raise NotFound("role", slot.role)


def hold_quarter_to_book_in(connection: Connection, slot: Slot) -> Quarter:
    """The open quarter, held; what is of the slot is booked in it.

    Raises ``NoOpenQuarter``, ``QuarterOutOfReach``.
    """
    booked_quarter = hold_open_quarter(connection, slot.agreement_id)
    if booked_quarter is None:
        raise NoOpenQuarter(agreement=agreement(connection, slot.agreement_id).code)
    if slot.quarter > booked_quarter:
        first = terms_in_force(connection, slot.agreement_id)[0].starts
        raise QuarterOutOfReach(first=first, last=booked_quarter, quarter=slot.quarter)
    return booked_quarter


def queue_on_return(connection: Connection, agreement_id: int, role: str, quarter: Quarter) -> None:
    """Waits until nobody hands in the role's return for the quarter. After the open quarter is held."""
    queue_on(connection, Queue.RETURN, f"{agreement_id}/{role}/{quarter}")
