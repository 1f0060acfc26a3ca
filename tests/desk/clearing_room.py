"""Recognition agreements whose vouchers are cleared into settlements, and short ways to do it."""

from __future__ import annotations

from typing import Any

from desk_fixtures import Document, clause
from voucher_room import (
    HOME,
    PROVIDER_ZONE,
    VoucherRoom,
    open_voucher_room,
    programme_document,
    voucher_clause,
)

from ledger.desk import vouchers
from ledger.desk.vouchers import Clearing
from ledger.periods import Quarter
from ledger_schema.sessions import Database

BOTH_WAYS = "P-2"


def clearing_clause(
    number: int, payer: str, measure: str, *, to: str, negative: str = "refund", **then: Any
) -> Document:
    """All that ``payer`` bears goes to ``to``, who paid the providers."""
    made = clause(
        number,
        mechanism="innovation_voucher",
        measures=(measure,),
        shares={to: "1"},
        reported_by=payer,
        to_whom={"otherwise": payer},
        then={"provisional": "cash", "negative": negative, "netting": True, "paid_by": payer, **then},
        rounding={"grain": "subject", "mode": "down", "remainder_to": to},
    )
    made["examples"][0]["expect"][0]["party"] = to
    return made


def home_advances(first: int, home: str, other: str) -> list[Document]:
    """The home zone pays the providers, and the other zone pays it back what it bears."""
    return [
        clearing_clause(first, home, "voucher_borne_home", to=home),
        clearing_clause(first + 1, other, "voucher_borne_partner", to=home),
    ]


def open_clearing_room(database: Database, *, both_ways: bool = False, **changes: Any) -> VoucherRoom:
    """A room whose vouchers are cleared; ``both_ways``: each zone has a programme."""
    clauses = [voucher_clause(), *home_advances(11, HOME, PROVIDER_ZONE)]
    if both_ways:
        shares = {PROVIDER_ZONE: "2/3", HOME: "1/3"}
        clauses.append(voucher_clause(number=2, shares=shares, remainder_to=PROVIDER_ZONE))
        clauses += home_advances(21, PROVIDER_ZONE, HOME)
    room = open_voucher_room(database, *clauses, **changes)
    if both_ways:
        roles = {"home": PROVIDER_ZONE, "provider_zone": HOME, "at_home_paid_by": PROVIDER_ZONE}
        document = programme_document(clauses=[2], **roles)
        vouchers.register_programme(database, room.act(), room.agreement_id, BOTH_WAYS, document)
        vouchers.confirm_programme(database, room.act(), BOTH_WAYS, HOME)
    return room


def clear(room: VoucherRoom, quarter: str = "2024Q1") -> Clearing:
    done = vouchers.clear(room.database, room.act(), room.agreement_id, Quarter.parse(quarter), "李四")
    with room.database.reading() as connection:
        return vouchers.clearing_by_id(connection, done.value)


def settle_cleared(room: VoucherRoom, quarter: str = "2024Q1") -> int:
    """Clear the quarter, compute and close it; returns the settlement's id."""
    clear(room, quarter)
    return room.close(quarter, room.compute(quarter))
