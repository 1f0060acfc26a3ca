"""What happened to zones, and what plans ask of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ledger.desk.fsck.comparing import Mismatch, Said, Scope, Told
from ledger.desk.settlements.replays import BOOK_IDS
from ledger.measures import MEASURE_BY_NAME
from ledger.money import parse_amount
from ledger.rules.terms import Book
from ledger_schema.tables import indicator_target, zone_change


def check_zones(scope: Scope) -> Iterator[Mismatch]:
    """Changes of zones and targets of plans are what the events say."""
    told = (_told(scope, said) for said in scope.said("zone_changed", "indicator_target_recorded"))
    yield from scope.compare((zone_change, indicator_target), told)


def _told(scope: Scope, said: Said) -> Told:
    data = dict(said.data)
    party_id = scope.party_ids.get(data.pop("zone"), 0)
    if said.kind == "zone_changed":
        other = data.pop("other")
        data |= {
            "day": date.fromisoformat(data["day"]),
            "other_party_id": None if other is None else scope.party_ids.get(other, 0),
        }
        return said.row(zone_change, party_id=party_id, **data)
    measure = MEASURE_BY_NAME[data.pop("indicator")]
    return said.row(
        indicator_target,
        party_id=party_id,
        measure_id=measure.measure_id,
        book_id=BOOK_IDS[Book.OFFICIAL],
        amount_minor=parse_amount(data.pop("amount"), measure.commodity.scale),
        **data,
    )
