"""An auditor's search: one set of criteria, asked of allocations, settlements and events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, exists, or_, select, true, tuple_

from ledger.desk.closings import is_of_closing
from ledger.desk.events import Event, event_of
from ledger.desk.history.booked import Booked, BookedKey, booked_page
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.settlements.replays import BOOK_IDS
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_schema.tables import (
    agreement_party,
    allocation,
    event,
    quarter_closing,
    settlement,
    settlement_proposal,
    settlement_signature,
)

FoundKey = tuple[int, int, int]
"""Agreement, booked quarter (20243), settlement."""


class RangeEmpty(LedgerError):
    """A range that nothing can lie in."""

    code = "RANGE_EMPTY"
    sentence_en = "Expected {first_name} to be at most {last_name}, but got {first} and {last}."
    sentence_zh = "{first_name} 应不大于 {last_name}，实际为 {first} 与 {last}。"


class State(StrEnum):
    """How far a settlement came: it stands, it did until its quarter was reopened, or it never closed one."""

    CLOSED = "closed"
    REOPENED = "reopened"
    NOT_CLOSED = "not_closed"


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is looked for; None: whatever. All that is given must hold.

    ``party_id`` and ``counterparty_id`` take part in the agreement; an allocation is for one of them.
    ``first`` to ``last`` are the quarters that an allocation is about, or in which a settlement is booked.
    An amount is compared by its size, in minor units. ``actor`` is who acted: on the settlement for
    allocations and settlements. ``since`` to ``until`` are moments of recording.
    """

    agreement_id: int | None = None
    party_id: int | None = None
    counterparty_id: int | None = None
    clause: int | None = None
    subject_id: int | None = None
    first: Quarter | None = None
    last: Quarter | None = None
    least_minor: int | None = None
    most_minor: int | None = None
    book: Book | None = None
    state: State | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        _refuse_empty("first", self.first, "last", self.last)
        _refuse_empty("least", self.least_minor, "most", self.most_minor)
        _refuse_empty("since", self.since, "until", self.until)


@dataclass(frozen=True, slots=True)
class FoundSettlement:
    """A settlement that was found, with the moments at which it was computed, closed and reopened."""

    agreement_id: int
    booked_quarter: Quarter
    settlement_id: int
    is_final: bool
    allocation_count: int
    recorded_at: datetime
    closed_at: datetime | None
    reopened_at: datetime | None

    @property
    def key(self) -> FoundKey:
        return self.agreement_id, self.booked_quarter.code, self.settlement_id


def find_allocations(
    connection: Connection, criteria: Criteria, *, after: BookedKey | None = None, limit: int = PAGE_LIMIT
) -> Page[Booked]:
    """A page of allocations by agreement, booked quarter, settlement and key."""
    columns = allocation.c
    of_pair = [one for one in (criteria.party_id, criteria.counterparty_id) if one is not None]
    wanted = [
        *_of_agreements(columns.agreement_id, criteria),
        columns.party_id.in_(of_pair) if of_pair else true(),
        *_holds(columns.clause, criteria.clause),
        *_holds(columns.subject_id, criteria.subject_id),
        *_holds(columns.book_id, None if criteria.book is None else BOOK_IDS[criteria.book]),
        # What is about a quarter is booked in it or later, which spares reading earlier partitions.
        true() if criteria.first is None else columns.booked_quarter >= criteria.first.code,
        *_between(columns.quarter, *_codes(criteria)),
        *_of_size(criteria),
        *_of_state(allocation, criteria.state),
    ]
    if _asks_about_acts(criteria):
        acts = select(settlement.c.settlement_id).where(
            settlement.c.agreement_id == columns.agreement_id,
            settlement.c.booked_quarter == columns.booked_quarter,
            settlement.c.settlement_id == columns.settlement_id,
            *_acted_on(criteria),
        )
        wanted.append(exists(acts))
    return booked_page(connection, wanted, after, limit)


def find_settlements(
    connection: Connection, criteria: Criteria, *, after: FoundKey | None = None, limit: int = PAGE_LIMIT
) -> Page[FoundSettlement]:
    """A page of settlements by agreement, booked quarter and id.

    Where a clause, an enterprise, a book or an amount is asked for, those that have such an allocation.
    """
    columns = settlement.c
    key = (columns.agreement_id, columns.booked_quarter, columns.settlement_id)
    rows = connection.execute(
        select(settlement, quarter_closing.c.closed_at, quarter_closing.c.reopened_at)
        .outerjoin(quarter_closing, is_of_closing(settlement))
        .where(
            *_of_agreements(columns.agreement_id, criteria),
            *_between(columns.booked_quarter, *_codes(criteria)),
            *_of_state(settlement, criteria.state),
            *_acted_on(criteria),
            *_has_allocation(criteria),
            true() if after is None else tuple_(*key) > after,
        )
        .order_by(*key)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, _found)


def find_events(
    connection: Connection, criteria: Criteria, *, after: int | None = None, limit: int = PAGE_LIMIT
) -> Page[Event]:
    """A page of events by id: by agreement or parties, who acted and when; other criteria don't apply."""
    columns = event.c
    rows = connection.execute(
        select(event)
        .where(
            *_of_agreements(columns.agreement_id, criteria),
            *_holds(columns.actor, criteria.actor),
            *_between(columns.recorded_at, criteria.since, criteria.until),
            true() if after is None else columns.event_id > after,
        )
        .order_by(columns.event_id)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, event_of)


def _of_agreements(column: ColumnElement[int], criteria: Criteria) -> list[ColumnElement[bool]]:
    """The agreement asked for, in which every party asked for takes part."""
    parties = [one for one in (criteria.party_id, criteria.counterparty_id) if one is not None]
    return [
        *_holds(column, criteria.agreement_id),
        *(
            column.in_(select(agreement_party.c.agreement_id).where(agreement_party.c.party_id == party_id))
            for party_id in parties
        ),
    ]


def _of_state(booked: Table, state: State | None) -> list[ColumnElement[bool]]:
    """``state`` of the settlement that a row of ``booked`` belongs to."""
    reopened_at = quarter_closing.c.reopened_at
    closing = exists().where(is_of_closing(booked)).correlate(booked)
    match state:
        case None:
            return []
        case State.CLOSED:
            return [closing.where(reopened_at.is_(None))]
        case State.REOPENED:
            return [closing.where(reopened_at.is_not(None))]
        case State.NOT_CLOSED:
            return [~closing]


def _of_size(criteria: Criteria) -> list[ColumnElement[bool]]:
    amount = allocation.c.amount_minor
    least, most = criteria.least_minor, criteria.most_minor
    return [
        true() if least is None else or_(amount >= least, amount <= -least),
        true() if most is None else amount.between(-most, most),
    ]


def _has_allocation(criteria: Criteria) -> list[ColumnElement[bool]]:
    asked = (criteria.clause, criteria.subject_id, criteria.book, criteria.least_minor, criteria.most_minor)
    if all(one is None for one in asked):
        return []
    columns = allocation.c
    return [
        exists().where(
            columns.agreement_id == settlement.c.agreement_id,
            columns.booked_quarter == settlement.c.booked_quarter,
            columns.settlement_id == settlement.c.settlement_id,
            *_holds(columns.clause, criteria.clause),
            *_holds(columns.subject_id, criteria.subject_id),
            *_holds(columns.book_id, None if criteria.book is None else BOOK_IDS[criteria.book]),
            *_of_size(criteria),
        )
    ]


def _asks_about_acts(criteria: Criteria) -> bool:
    return any(one is not None for one in (criteria.actor, criteria.since, criteria.until))


def _acted_on(criteria: Criteria) -> list[ColumnElement[bool]]:
    """Who computed, proposed or signed the settlement, and when it was computed."""
    moments = _between(settlement.c.recorded_at, criteria.since, criteria.until)
    if criteria.actor is None:
        return moments
    acts = [settlement.c.event_id == event.c.event_id]
    for table in (settlement_proposal, settlement_signature):
        of_settlement = and_(
            table.c.agreement_id == settlement.c.agreement_id,
            table.c.booked_quarter == settlement.c.booked_quarter,
            table.c.settlement_id == settlement.c.settlement_id,
        )
        acts.append(event.c.event_id.in_(select(table.c.event_id).where(of_settlement)))
    return [*moments, exists().where(event.c.actor == criteria.actor, or_(*acts))]


def _holds(column: ColumnElement[Any], value: object) -> list[ColumnElement[bool]]:
    return [] if value is None else [column == value]


def _between(column: ColumnElement[Any], least: object, most: object) -> list[ColumnElement[bool]]:
    return [true() if least is None else column >= least, true() if most is None else column <= most]


def _codes(criteria: Criteria) -> tuple[int | None, int | None]:
    return (
        None if criteria.first is None else criteria.first.code,
        None if criteria.last is None else criteria.last.code,
    )


def _refuse_empty(first_name: str, first: Any, last_name: str, last: Any) -> None:
    if first is not None and last is not None and first > last:
        raise RangeEmpty(first_name=first_name, first=first, last_name=last_name, last=last)


def _found(row: Row[Any]) -> FoundSettlement:
    return FoundSettlement(
        row.agreement_id,
        Quarter.from_code(row.booked_quarter),
        row.settlement_id,
        row.is_final,
        row.allocation_count,
        row.recorded_at,
        row.closed_at,
        row.reopened_at,
    )
