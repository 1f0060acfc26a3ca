"""Down from what is paid to the lines of returns that it rests on, and up from a line to what rests on it.

    payment > legs > allocations of their settlements > lines > documents

Both ways ask one relation of each step, so that each is the other's inverse. An allocation rests on a line
where its clause reads the line's measure in the world after its cause or just before it, and the line's
return is about the allocation's quarter or is what the cause changed; a line about another enterprise isn't
meant, one about the whole park is. What earlier quarters carried on isn't followed: the explanation of the
allocation tells it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, false, func, or_, select, true, tuple_

from ledger.desk import agreements, returns
from ledger.desk.agreements import NumberedVersion
from ledger.desk.closings import is_of_closing, stood
from ledger.desk.failures import NotFound
from ledger.desk.history.booked import Booked, BookedKey, booked_page
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.payments import Leg
from ledger.desk.returns import Filing, ReturnLine
from ledger.desk.returns.reading import return_line_of
from ledger.desk.settlements.reading import Settlement, inputs_by_id, settlements_by_id
from ledger.desk.settlements.replays import (
    BOOK_IDS,
    Cause,
    Inputs,
    reporting_groups,
    sides_of,
    versions_of,
    worlds_between,
)
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter, row_on
from ledger.rules.plain import clause_at
from ledger.rules.terms import Book
from ledger_schema.tables import allocation, payment_use, quarter_closing, return_line
from ledger_schema.tables import filing as filing_table
from ledger_schema.tables import settlement as settlement_table

LineKey = tuple[int, int]
"""Return and number: the order of the lines under an allocation."""


class Reading(NamedTuple):
    """That a clause read measures of a return for what a cause booked about a quarter (None: about any)."""

    cause: int
    clause: int
    quarter: Quarter | None
    filing_id: int
    measures: frozenset[str]


@dataclass(frozen=True, slots=True)
class LineUnder:
    """A line and the return that holds it."""

    filing_id: int
    line: ReturnLine

    @property
    def key(self) -> LineKey:
        return self.filing_id, self.line.line


def lines_under(
    connection: Connection, booked: Booked, *, after: LineKey | None = None, limit: int = PAGE_LIMIT
) -> Page[LineUnder]:
    """A page of the lines that the allocation rests on, by return and number."""
    one = booked.allocation
    settled = settlements_by_id(connection, booked.agreement_id, [booked.settlement_id])
    readings = [
        reading
        for reading in _readings(connection, booked.agreement_id, settled)[booked.settlement_id]
        if (reading.cause, reading.clause) == (one.cause, one.clause)
        and reading.quarter in (None, one.quarter)
    ]
    columns = return_line.c
    key = (columns.filing_id, columns.line)
    read = {
        (reading.filing_id, MEASURE_BY_NAME[name].measure_id)
        for reading in readings
        for name in reading.measures
    }
    rows = connection.execute(
        select(return_line)
        .where(
            columns.agreement_id == booked.agreement_id,
            columns.booked_quarter.in_(_booked_quarters(connection, booked.agreement_id, read)),
            tuple_(columns.filing_id, columns.measure_id).in_(read),
            true() if one.subject_id == 0 else columns.subject_id.in_((0, one.subject_id)),
            true() if after is None else tuple_(*key) > after,
        )
        .order_by(*key)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, lambda row: LineUnder(row.filing_id, return_line_of(row)))


def allocations_over(
    connection: Connection,
    filing: Filing,
    line: ReturnLine,
    *,
    known_at: datetime | None = None,
    after: BookedKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Booked]:
    """A page of the allocations that rest on a line, of settlements that stood at a moment (None: now)."""
    settlement_ids = _standing_since(connection, filing, known_at)
    settled = settlements_by_id(connection, filing.agreement_id, settlement_ids)
    found = _readings(connection, filing.agreement_id, settled)
    about = {
        (settlement_id, reading.cause, reading.clause, reading.quarter)
        for settlement_id, readings in found.items()
        for reading in readings
        if reading.filing_id == filing.filing_id and line.measure in reading.measures
    }
    wanted = (
        allocation.c.agreement_id == filing.agreement_id,
        allocation.c.booked_quarter >= filing.booked_quarter.code,
        _is_about(about),
        true() if line.subject_id == 0 else allocation.c.subject_id.in_((0, line.subject_id)),
    )
    return booked_page(connection, wanted, after, limit)


def allocations_under(
    connection: Connection, leg: Leg, *, after: BookedKey | None = None, limit: int = PAGE_LIMIT
) -> Page[Booked]:
    """A page of the allocations that a leg of a settlement, or of interest on one, rests on.

    They are in cash, of its clause, for one of its two parties; what is left of a netting rests on legs.
    """
    if leg.settlement_id is None or leg.booked_quarter is None:
        return Page([], has_next=False)
    wanted = (
        allocation.c.agreement_id == leg.agreement_id,
        allocation.c.booked_quarter == leg.booked_quarter.code,
        allocation.c.settlement_id == leg.settlement_id,
        allocation.c.clause == leg.clause,
        allocation.c.book_id == BOOK_IDS[Book.CASH],
        allocation.c.commodity_id == leg.commodity_id,
        allocation.c.party_id.in_(leg.pair),
    )
    return booked_page(connection, wanted, after, limit)


def rests_on(leg: Leg, booked: Booked) -> bool:
    """Whether the leg is one that ``allocations_under`` finds the allocation for."""
    one = booked.allocation
    return (
        (leg.settlement_id, leg.clause, leg.commodity_id)
        == (booked.settlement_id, one.clause, one.commodity_id)
        and one.book is Book.CASH
        and one.party_id in leg.pair
    )


def legs_paid(connection: Connection, payment_ids: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
    """By payment: the legs that it paid and with how much, in minor units, in the order of the matches."""
    found: dict[int, list[tuple[int, int]]] = {payment_id: [] for payment_id in payment_ids}
    rows = connection.execute(
        select(payment_use.c.payment_id, payment_use.c.leg_id, payment_use.c.amount_minor)
        .where(payment_use.c.payment_id == func.any(list(found)))
        .order_by(payment_use.c.payment_id, payment_use.c.sequence)
    )
    for row in rows:
        found[row.payment_id].append((row.leg_id, row.amount_minor))
    return found


def line_of(connection: Connection, filing: Filing, number: int) -> ReturnLine:
    """One line of a return. Raises ``NotFound``."""
    page = returns.lines(connection, filing.agreement_id, filing.filing_id, after=number - 1, limit=1)
    if not page.items or page.items[0].line != number:
        raise NotFound("line", f"{filing.filing_id}/{number}")
    return page.items[0]


def _is_about(about: set[tuple[int, int, int, Quarter | None]]) -> ColumnElement[bool]:
    columns = allocation.c
    fixed = {(*rest, quarter.code) for *rest, quarter in about if quarter is not None}
    free = {tuple(rest) for *rest, quarter in about if quarter is None}
    of_cause = (columns.settlement_id, columns.cause, columns.clause)
    return or_(
        tuple_(*of_cause, columns.quarter).in_(fixed) if fixed else false(),
        tuple_(*of_cause).in_(free) if free else false(),
    )


def _booked_quarters(connection: Connection, agreement_id: int, read: set[tuple[int, int]]) -> Sequence[int]:
    """Of the returns, so that only their partitions are read."""
    columns = filing_table.c
    chosen = select(columns.booked_quarter).where(
        columns.agreement_id == agreement_id,
        columns.filing_id == func.any([filing_id for filing_id, _ in read]),
    )
    return connection.execute(chosen).scalars().all()


def _standing_since(connection: Connection, filing: Filing, known_at: datetime | None) -> Sequence[int]:
    """Only settlements of the quarter in which the return was booked, or later ones, can have read it."""
    return (
        connection.execute(
            select(settlement_table.c.settlement_id)
            .join(quarter_closing, is_of_closing(settlement_table))
            .where(
                settlement_table.c.agreement_id == filing.agreement_id,
                settlement_table.c.booked_quarter >= filing.booked_quarter.code,
                stood(known_at),
            )
        )
        .scalars()
        .all()
    )


def _readings(
    connection: Connection, agreement_id: int, settled: Mapping[int, Settlement]
) -> dict[int, list[Reading]]:
    """What every cause of each settlement read, from the worlds after it and just before it."""
    before = inputs_by_id(
        connection, agreement_id, [one.inputs.previous_settlement_id for one in settled.values()]
    )
    sides = sides_of(connection, agreement_id)
    terms = {row.version: row for row in agreements.terms_in_force(connection, agreement_id)}
    found: dict[int, list[Reading]] = {}
    for settlement_id, one in settled.items():
        earlier = before.get(one.inputs.previous_settlement_id)
        readings: set[Reading] = set()
        for cause, world in worlds_between(earlier, one.inputs, sides):
            changed = _returns_changed(earlier, world, cause)
            for seen in (earlier, world):
                if seen is not None:
                    readings.update(_read_in(seen, cause, terms, changed))
            earlier = world
        found[settlement_id] = list(readings)
    return found


def _read_in(
    world: Inputs,
    cause: Cause,
    terms: Mapping[int, NumberedVersion],
    changed: Container[tuple[Quarter, str]],
) -> Iterator[Reading]:
    versions = versions_of(terms, world)
    for reporters, numbers in reporting_groups(versions).items():
        rows = [(starts.start, role) for starts, role in reporters]
        for (quarter, role), filing in world.filings.items():
            if row_on(rows, quarter.start) != role:
                continue
            about = None if (quarter, role) in changed else quarter
            for number in numbers:
                what = clause_at(versions, number, quarter).what
                measures = frozenset((*what.measures, *what.deduct))
                yield Reading(cause.cause, number, about, filing.filing_id, measures)


def _returns_changed(earlier: Inputs | None, later: Inputs, cause: Cause) -> set[tuple[Quarter, str]]:
    """The returns whose figures the cause changed: every quarter that it moves rests on them."""
    held = {} if earlier is None else earlier.filings
    changed = {key for key, filing in later.filings.items() if held.get(key) != filing}
    if cause.kind == "reconciliation":
        changed.add((cause.quarter, cause.reference.rpartition("/")[0]))
    return changed
