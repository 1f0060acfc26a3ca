"""Reading settlements: what was computed, what was closed, and what each cause allocates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from ledger.desk.closings import is_of_closing, stood
from ledger.desk.failures import NotFound
from ledger.desk.lines import SeenLines
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.settlements.journal import closed_by
from ledger.desk.settlements.replays import (
    BOOK_BY_ID,
    BOOK_IDS,
    Cause,
    Inputs,
    Slot,
    sides_of,
    worlds_between,
)
from ledger.periods import Quarter
from ledger.rules.terms import WHOLE_PARK, Book
from ledger_schema.tables import agreement_quarter, allocation, quarter_closing, quarter_reopened
from ledger_schema.tables import settlement as settlement_table

AllocationKey = tuple[int, int, int, int, int, int]
"""Cause, clause, subject, quarter (20243), book id, party: the order of allocations within a settlement."""


SettlementKey = tuple[int, int]
"""Booked quarter (20243) and id: the order of an agreement's settlements."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a cause books for a party about a quarter; ``routed_minor`` of it goes on to the fund."""

    cause: int
    clause: int
    subject_id: int
    quarter: Quarter
    book: Book
    commodity_id: int
    party_id: int
    amount_minor: int
    routed_minor: int

    @property
    def key(self) -> AllocationKey:
        return self.cause, self.clause, self.subject_id, self.quarter.code, BOOK_IDS[self.book], self.party_id


@dataclass(frozen=True, slots=True)
class Settlement:
    """A computed settlement.

    ``closed_at`` is the moment it became the quarter's result, if it did; ``reopened_at`` the moment from
    which on it wasn't any more, if its quarter was reopened.
    """

    agreement_id: int
    booked_quarter: Quarter
    settlement_id: int
    is_final: bool
    causes: list[Cause]
    allocation_count: int
    allocations_hash: bytes
    inputs: Inputs
    recorded_at: datetime
    closed_at: datetime | None
    reopened_at: datetime | None

    @property
    def key(self) -> SettlementKey:
        return self.booked_quarter.code, self.settlement_id

    @property
    def is_closed(self) -> bool:
        """Whether it is the quarter's result."""
        return self.closed_at is not None and self.reopened_at is None


def settlement(connection: Connection, agreement_id: int, settlement_id: int) -> Settlement:
    """One settlement, closed or not. Raises ``NotFound``."""
    found = _settlements(connection, agreement_id, settlement_table.c.settlement_id == settlement_id, None)
    if not found:
        raise NotFound("settlement", settlement_id)
    return found[0]


def settlements(
    connection: Connection,
    agreement_id: int,
    *,
    quarter: Quarter | None = None,
    known_at: datetime | None = None,
) -> list[Settlement]:
    """Settlements by booked quarter and time, as they were known at ``known_at`` (None: now)."""
    wanted = true() if quarter is None else settlement_table.c.booked_quarter == quarter.code
    known = true() if known_at is None else settlement_table.c.recorded_at <= known_at
    return _settlements(connection, agreement_id, and_(wanted, known), known_at)


def settlements_page(
    connection: Connection,
    agreement_id: int,
    *,
    quarter: Quarter | None = None,
    known_at: datetime | None = None,
    after: SettlementKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Settlement]:
    """A page of ``settlements``, after the one with the key ``after``."""
    key = (settlement_table.c.booked_quarter, settlement_table.c.settlement_id)
    wanted = and_(
        true() if quarter is None else settlement_table.c.booked_quarter == quarter.code,
        true() if known_at is None else settlement_table.c.recorded_at <= known_at,
        true() if after is None else tuple_(*key) > after,
    )
    found = _settlements(connection, agreement_id, wanted, known_at, rows_to_read(limit))
    return page_of(found, limit, lambda one: one)


def settlements_by_id(
    connection: Connection, agreement_id: int, settlement_ids: Sequence[int]
) -> dict[int, Settlement]:
    """The agreement's settlements with these ids, as they are now; unknown ids are left out."""
    wanted = settlement_table.c.settlement_id == func.any(list(settlement_ids))
    return {one.settlement_id: one for one in _settlements(connection, agreement_id, wanted, None)}


def closed_settlements(
    connection: Connection, agreement_id: int, known_at: datetime | None = None
) -> list[Settlement]:
    """The settlements that were their quarters' results at ``known_at`` (None: now), in order."""
    return [one for one in settlements(connection, agreement_id, known_at=known_at) if one.is_closed]


def allocation_pages(
    connection: Connection,
    agreement_id: int,
    settlement_ids: Sequence[int],
    *,
    clause: int | None = None,
    after: AllocationKey | None = None,
    limit: int = PAGE_LIMIT,
) -> dict[int, Page[Allocation]]:
    """The same page of each settlement's allocations, in key order."""
    key = ("cause", "clause", "subject_id", "quarter", "book_id", "party_id")
    columns, heads = allocation.c, settlement_table.c
    of_one = (
        select(allocation)
        .where(
            columns.agreement_id == heads.agreement_id,
            columns.booked_quarter == heads.booked_quarter,
            columns.settlement_id == heads.settlement_id,
            true() if clause is None else columns.clause == clause,
            true() if after is None else tuple_(*(columns[name] for name in key)) > after,
        )
        .order_by(*(columns[name] for name in key))
        .limit(rows_to_read(limit))
        .lateral("page")
    )
    rows = connection.execute(
        select(of_one)
        .select_from(settlement_table)
        .join(of_one, true())
        .where(heads.agreement_id == agreement_id, heads.settlement_id == func.any(list(settlement_ids)))
        .order_by(*(of_one.c[name] for name in key))
    )
    found: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.settlement_id].append(row)
    return {one: page_of(found[one], limit, allocation_of) for one in settlement_ids}


def allocations_of(connection: Connection, chosen: Sequence[Settlement]) -> dict[int, list[Allocation]]:
    """Every allocation that the session sees of each settlement of one agreement, in key order."""
    columns = allocation.c
    rows = connection.execute(
        select(allocation).where(
            columns.agreement_id.in_({one.agreement_id for one in chosen}),
            columns.booked_quarter.in_({one.booked_quarter.code for one in chosen}),
            columns.settlement_id.in_([one.settlement_id for one in chosen]),
        )
    )
    found: dict[int, list[Allocation]] = {one.settlement_id: [] for one in chosen}
    for row in rows:
        found[row.settlement_id].append(allocation_of(row))
    return {settlement_id: sorted(listed, key=lambda one: one.key) for settlement_id, listed in found.items()}


def all_allocations(connection: Connection, agreement_id: int, settlement_id: int) -> list[Allocation]:
    """Every allocation of a settlement in key order.

    Raises ``NotFound``, also where one of them is closed to the session.
    """
    rows = connection.execute(
        select(allocation).where(_of_settlement(connection, agreement_id, settlement_id))
    ).all()
    if len(rows) < settlement(connection, agreement_id, settlement_id).allocation_count:
        raise NotFound("line", settlement_id)
    return sorted(map(allocation_of, rows), key=lambda one: one.key)


def summed(listed: Iterable[Allocation], seen: SeenLines) -> list[Allocation]:
    """In key order, with sums over all enterprises in place of a clause's closed results."""
    sums: dict[AllocationKey, Allocation] = {}
    for one in listed:
        shown = one if seen.of_clause(one.clause) else replace(one, subject_id=WHOLE_PARK)
        before = sums.get(shown.key)
        sums[shown.key] = (
            shown
            if before is None
            else replace(
                shown,
                amount_minor=before.amount_minor + shown.amount_minor,
                routed_minor=before.routed_minor + shown.routed_minor,
            )
        )
    return [sums[key] for key in sorted(sums)]


def _of_settlement(connection: Connection, agreement_id: int, settlement_id: int) -> ColumnElement[bool]:
    """Names the booked quarter too, so that one partition is read."""
    code = connection.execute(
        select(settlement_table.c.booked_quarter).where(
            settlement_table.c.agreement_id == agreement_id, settlement_table.c.settlement_id == settlement_id
        )
    ).scalar_one_or_none()
    if code is None:
        raise NotFound("settlement", settlement_id)
    return and_(
        allocation.c.agreement_id == agreement_id,
        allocation.c.booked_quarter == code,
        allocation.c.settlement_id == settlement_id,
    )


def allocation_of(row: Row[Any]) -> Allocation:
    """The allocation in a row of the table."""
    return Allocation(
        row.cause,
        row.clause,
        row.subject_id,
        Quarter.from_code(row.quarter),
        BOOK_BY_ID[row.book_id],
        row.commodity_id,
        row.party_id,
        row.amount_minor,
        row.routed_minor,
    )


def _settlements(
    connection: Connection,
    agreement_id: int,
    wanted: ColumnElement[bool],
    known_at: datetime | None,
    limit: int | None = None,
) -> list[Settlement]:
    rows = connection.execute(
        select(settlement_table, quarter_closing.c.closed_at, quarter_closing.c.reopened_at)
        .join(quarter_closing, _closed_its_quarter(), isouter=True)
        .where(settlement_table.c.agreement_id == agreement_id, wanted)
        .order_by(settlement_table.c.booked_quarter, settlement_table.c.settlement_id)
        .limit(limit)
    ).all()
    inputs = {row.settlement_id: Inputs.parse(row.inputs) for row in rows}
    causes = _causes(connection, agreement_id, inputs)
    return [
        Settlement(
            agreement_id=agreement_id,
            booked_quarter=Quarter.from_code(row.booked_quarter),
            settlement_id=row.settlement_id,
            is_final=row.is_final,
            causes=causes[row.settlement_id],
            allocation_count=row.allocation_count,
            allocations_hash=row.allocations_hash,
            inputs=inputs[row.settlement_id],
            recorded_at=row.recorded_at,
            closed_at=_known_moment(row.closed_at, known_at),
            reopened_at=_known_moment(row.reopened_at, known_at),
        )
        for row in rows
    ]


def _known_moment(moment: datetime | None, known_at: datetime | None) -> datetime | None:
    return moment if moment is None or known_at is None or moment <= known_at else None


def _causes(
    connection: Connection, agreement_id: int, inputs: Mapping[int, Inputs]
) -> dict[int, list[Cause]]:
    """The causes of each settlement; they follow from its inputs and those of the one before it."""
    before = inputs_by_id(connection, agreement_id, [one.previous_settlement_id for one in inputs.values()])
    sides = sides_of(connection, agreement_id)
    return {
        settlement_id: [
            cause for cause, _ in worlds_between(before.get(now.previous_settlement_id), now, sides)
        ]
        for settlement_id, now in inputs.items()
    }


def inputs_by_id(
    connection: Connection, agreement_id: int, settlement_ids: Sequence[int | None]
) -> dict[int | None, Inputs]:
    """The inputs of settlements; None stands for no settlement and is passed over."""
    rows = connection.execute(
        select(settlement_table.c.settlement_id, settlement_table.c.inputs).where(
            settlement_table.c.agreement_id == agreement_id,
            settlement_table.c.settlement_id.in_([one for one in settlement_ids if one is not None]),
        )
    )
    return {row.settlement_id: Inputs.parse(row.inputs) for row in rows}


def _closes_its_quarter() -> ColumnElement[bool]:
    columns = settlement_table.c
    return closed_by(columns.agreement_id, columns.booked_quarter, columns.settlement_id)


def _closed_its_quarter() -> ColumnElement[bool]:
    """Join condition: the closing is by this settlement, even if it was undone since."""
    return and_(
        quarter_closing.c.agreement_id == settlement_table.c.agreement_id,
        quarter_closing.c.quarter == settlement_table.c.booked_quarter,
        quarter_closing.c.settlement_id == settlement_table.c.settlement_id,
    )


def last_closed(connection: Connection, agreement_id: int) -> tuple[int, Inputs] | None:
    """The settlement that closed the agreement's last closed quarter: its id and inputs."""
    row = connection.execute(
        select(settlement_table.c.settlement_id, settlement_table.c.inputs)
        .join(agreement_quarter, _closes_its_quarter())
        .where(settlement_table.c.agreement_id == agreement_id)
        .order_by(settlement_table.c.booked_quarter.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.settlement_id, Inputs.parse(row.inputs))


def last_closed_of(
    connection: Connection, agreement_ids: Sequence[int], known_at: datetime | None = None
) -> dict[int, tuple[int, Inputs]]:
    """What ``last_closed`` gives of each agreement that has any, as known at a moment (None: now)."""
    columns = settlement_table.c
    rows = connection.execute(
        select(columns.agreement_id, columns.settlement_id, columns.inputs)
        .ext(distinct_on(columns.agreement_id))
        .join(quarter_closing, is_of_closing(settlement_table))
        .where(columns.agreement_id == func.any(list(agreement_ids)), stood(known_at))
        .order_by(columns.agreement_id, columns.booked_quarter.desc())
    )
    return {row.agreement_id: (row.settlement_id, Inputs.parse(row.inputs)) for row in rows}


def last_reopened(connection: Connection, agreement_id: int, quarter: Quarter) -> int | None:
    """The settlement that had closed the quarter before it was last reopened; ids grow with time."""
    settlement_id: int | None = connection.execute(
        select(func.max(quarter_reopened.c.settlement_id)).where(
            quarter_reopened.c.agreement_id == agreement_id,
            quarter_reopened.c.booked_quarter == quarter.code,
        )
    ).scalar_one()
    return settlement_id


def booked(connection: Connection, agreement_id: int) -> dict[Slot, tuple[int, int]]:
    """What closed settlements have booked, by slot: amount and routed part."""
    about = (
        allocation.c.clause,
        allocation.c.subject_id,
        allocation.c.quarter,
        allocation.c.book_id,
        allocation.c.commodity_id,
        allocation.c.party_id,
    )
    amount, routed = func.sum(allocation.c.amount_minor), func.sum(allocation.c.routed_minor)
    rows = connection.execute(
        select(*about, amount.label("amount_minor"), routed.label("routed_minor"))
        .join(
            agreement_quarter,
            closed_by(allocation.c.agreement_id, allocation.c.booked_quarter, allocation.c.settlement_id),
        )
        .where(allocation.c.agreement_id == agreement_id)
        .group_by(*about)
        .having((amount != 0) | (routed != 0))
    )
    return {
        Slot(
            row.clause,
            row.subject_id,
            Quarter.from_code(row.quarter),
            BOOK_BY_ID[row.book_id],
            row.commodity_id,
            row.party_id,
        ): (int(row.amount_minor), int(row.routed_minor))
        for row in rows
    }
