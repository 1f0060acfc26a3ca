"""Which legs stand, and whether anything was done with them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, or_, select

from ledger.periods import Quarter
from ledger_schema.tables import agreement_quarter, leg, leg_clearing


def stands(table: Table) -> ColumnElement[bool]:
    """The condition that the settlement which a row of ``table`` is of closes its quarter.

    A quarter that was reopened is closed by another settlement; what the earlier one raised is void then.
    """
    return exists().where(
        agreement_quarter.c.agreement_id == table.c.agreement_id,
        agreement_quarter.c.quarter == table.c.booked_quarter,
        agreement_quarter.c.settlement_id == table.c.settlement_id,
    )


def leg_stands() -> ColumnElement[bool]:
    """The condition that a leg isn't void; what is left of a netting rests on no one settlement."""
    return or_(leg.c.agreement_id.is_(None), stands(leg))


def has_moved(connection: Connection, agreement_id: int, quarter: Quarter) -> bool:
    """Whether anything was paid, netted, waived or charged as interest on what the quarter's close raised.

    Then the quarter can't be reopened. Ask while queueing on the agreement, as every such act does.
    """
    cleared = exists().where(leg_clearing.c.leg_id == leg.c.leg_id)
    moved = exists().where(
        leg.c.agreement_id == agreement_id,
        leg.c.booked_quarter == quarter.code,
        leg_stands(),
        or_(leg.c.kind == "interest", and_(leg.c.kind == "settlement", cleared)),
    )
    return bool(connection.execute(select(moved)).scalar_one())
