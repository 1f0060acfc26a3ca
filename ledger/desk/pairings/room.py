"""What is left under the caps and windows of an agreement, as its last closed quarter left it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import Connection, select, tuple_

from ledger.desk.lines import open_lines
from ledger.desk.settlements.reading import last_closed_of
from ledger.desk.settlements.replays import (
    Inputs,
    Materials,
    facts_of,
    gather_all,
    latest_clauses,
    reporting_groups,
    versions_of,
)
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger.rules import plain, state
from ledger.rules.explanation import Remaining
from ledger.rules.facts import Facts
from ledger.rules.terms import Book, Clause, Mechanism
from ledger_schema.tables import carried as carried_table


@dataclass(frozen=True, slots=True)
class Room:
    """What a clause leaves, over all of its subjects together, so that no enterprise is shown by itself.

    ``under_caps_minor`` is None without a cap, ``next_close`` without a window that will close.
    """

    clause: int
    book: Book
    commodity_id: int
    as_of: Quarter
    subject_count: int
    under_caps_minor: Fraction | None
    used_up_count: int
    open_windows: int
    next_close: date | None


def rooms_left(
    connection: Connection, agreement_ids: Sequence[int], known_at: datetime | None = None
) -> dict[int, list[Room]]:
    """Of every agreement what its clauses with a cap or a window leave; none before the first close.

    As known at a moment (None: now).
    """
    last = last_closed_of(connection, agreement_ids, known_at)
    with open_lines(connection):
        kept = _kept(connection, last)
        materials = gather_all(
            connection, {agreement_id: [world] for agreement_id, (_, world) in last.items()}
        )
    rooms = {
        agreement_id: _rooms(materials[agreement_id], world, kept[agreement_id])
        for agreement_id, (_, world) in last.items()
    }
    return {agreement_id: rooms.get(agreement_id, []) for agreement_id in agreement_ids}


def _rooms(materials: Materials, world: Inputs, kept: Mapping[tuple[int, int], list[int]]) -> list[Room]:
    clauses = latest_clauses(materials.versions, world)
    rooms = []
    for reporters, numbers in reporting_groups(versions_of(materials.versions, world)).items():
        facts = facts_of(materials, world, reporters)
        for number in sorted(numbers):
            clause = clauses[number]
            carried = {
                subject: state.unpack(packed, clause)
                for (of_clause, subject), packed in kept.items()
                if of_clause == number
            }
            if _limits(clause) and carried:
                left = plain.remaining(clause, facts, carried, world.quarter)
                rooms.append(_room(clause, facts, world.quarter, left))
    return sorted(rooms, key=lambda room: room.clause)


def _limits(clause: Clause) -> bool:
    return bool(clause.within.caps) or clause.when.window is not None


def _kept(
    connection: Connection, last: Mapping[int, tuple[int, Inputs]]
) -> defaultdict[int, dict[tuple[int, int], list[int]]]:
    """What each agreement's settlement carried on, by clause and subject."""
    columns = carried_table.c
    settlements = [
        (agreement_id, world.quarter.code, settlement_id)
        for agreement_id, (settlement_id, world) in last.items()
    ]
    rows = connection.execute(
        select(columns.agreement_id, columns.clause, columns.subject_id, columns.state).where(
            tuple_(columns.agreement_id, columns.booked_quarter, columns.settlement_id).in_(settlements)
        )
    )
    kept: defaultdict[int, dict[tuple[int, int], list[int]]] = defaultdict(dict)
    for row in rows:
        kept[row.agreement_id][row.clause, row.subject_id] = row.state
    return kept


def _room(clause: Clause, facts: Facts, as_of: Quarter, left: Mapping[int, Remaining]) -> Room:
    under_caps = _under_caps(clause, facts, left)
    closing = [one.window_closes for one in left.values() if one.window_closes is not None]
    coming = [day for day in closing if day > as_of.last_day]
    return Room(
        clause=clause.number,
        book=Book.ASSESSMENT if clause.what.mechanism is Mechanism.OUTPUT_VALUE else Book.CASH,
        commodity_id=MEASURE_BY_NAME[clause.what.measures[0]].commodity.commodity_id,
        as_of=as_of,
        subject_count=len(left),
        under_caps_minor=sum(under_caps, Fraction(0)) if under_caps else None,
        used_up_count=sum(one == 0 for one in under_caps),
        open_windows=len(coming),
        next_close=min(coming, default=None),
    )


def _under_caps(clause: Clause, facts: Facts, left: Mapping[int, Remaining]) -> list[Fraction]:
    """What every subject has left; subjects that share a cap by their controller have it once."""
    shares = any(cap.per != "subject" for cap in clause.within.caps)
    rooms: dict[int | str, Fraction] = {}
    for subject, one in left.items():
        known = facts.subjects.get(subject)
        owner = known.controller if shares and known is not None and known.controller else subject
        if one.under_cap_minor is not None:
            rooms[owner] = max(rooms.get(owner, Fraction(0)), one.under_cap_minor)
    return list(rooms.values())
