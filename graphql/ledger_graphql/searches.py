"""An auditor's search over allocations, settlements and events, as the API shows it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, cast

import strawberry

from ledger.desk import agreements
from ledger.desk.enterprises import id_by_code
from ledger.desk.failures import refuse
from ledger.desk.history import search
from ledger.periods import Quarter
from ledger.rules.facts import Fault
from ledger.rules.terms import Book
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    connection,
    global_id,
    number_key,
    shaped_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.drill import BookedAllocation, booked_connection, booked_key
from ledger_graphql.events import Event, event_nodes
from ledger_graphql.fields import resolved
from ledger_graphql.inputs import fen
from ledger_graphql.parties import party_id_of
from ledger_graphql.scalars import Amount


@strawberry.enum(
    description="CLOSED: it stands as its quarter's result. REOPENED: it did, until its quarter was "
    "reopened. NOT_CLOSED: it never closed its quarter."
)
class FoundState(Enum):
    CLOSED = "closed"
    REOPENED = "reopened"
    NOT_CLOSED = "not_closed"


@strawberry.input(description="What is looked for. Everything that is given must hold.")
class SearchInput:
    agreement: str | None = strawberry.field(default=None, description="The agreement's code.")
    party: str | None = strawberry.field(
        default=None,
        description="Code of a party of the agreement; allocations are for it or the counterparty.",
    )
    counterparty: str | None = strawberry.field(
        default=None, description="Code of another party of the agreement: the pairing of the two."
    )
    clause: int | None = strawberry.field(default=None, description="The number of the clause.")
    enterprise: str | None = strawberry.field(default=None, description="The enterprise's credit code.")
    first: Quarter | None = strawberry.field(
        default=None,
        description="The first quarter that allocations are about, or that settlements are booked in.",
    )
    last: Quarter | None = strawberry.field(default=None, description="The last such quarter.")
    least: Amount | None = strawberry.field(
        default=None, description="The least size of an amount, in units with two places; signs don't count."
    )
    most: Amount | None = strawberry.field(default=None, description="The greatest size of an amount.")
    book: Book | None = strawberry.field(default=None, description="The book of allocations.")
    state: FoundState | None = strawberry.field(default=None, description="How far the settlement came.")
    actor: str | None = strawberry.field(
        default=None,
        description="Who acted: on the event itself, or who computed, proposed or signed the settlement.",
    )
    since: datetime | None = strawberry.field(
        default=None, description="The first moment at which the event or settlement was recorded."
    )
    until: datetime | None = strawberry.field(default=None, description="The last such moment.")


@strawberry.type(description="A settlement that was found; node(id) shows all of it.")
class FoundSettlement:
    id: strawberry.ID = strawberry.field(description="Id of the settlement.")
    agreement_id: strawberry.ID = strawberry.field(description="Id of the agreement.")
    quarter: Quarter = strawberry.field(description="The quarter in which it is booked.")
    is_final: bool = strawberry.field(description="Whether it is the year's last.")
    allocation_count: int = strawberry.field(description="How many allocations it has.")
    recorded_at: datetime = strawberry.field(description="When it was computed.")
    closed_at: datetime | None = strawberry.field(description="When it closed its quarter.")
    reopened_at: datetime | None = strawberry.field(description="When its quarter was reopened.")


@strawberry.type(description="What was found, of each kind in pages.")
class Search:
    criteria: strawberry.Private[search.Criteria]

    @resolved("Allocations by agreement, booked quarter, settlement and their order in it.")
    def allocations(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[BookedAllocation]:
        desk = info.context
        page = search.find_allocations(desk.snapshot, self.criteria, after=booked_key(after), limit=first)
        return booked_connection(desk, page, after)

    @resolved(
        "Settlements by agreement, booked quarter and id; those with such an allocation, where one is "
        "described."
    )
    def settlements(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[FoundSettlement]:
        key = cast("search.FoundKey | None", shaped_key(after, int, int, int))
        page = search.find_settlements(info.context.snapshot, self.criteria, after=key, limit=first)
        return connection(
            [_settlement(one) for one in page.items],
            [one.key for one in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("Events by id: of the agreement or the parties, who acted and when; nothing else is asked.")
    def events(self, info: Info, first: First = FIRST_DEFAULT, after: After = None) -> Connection[Event]:
        page = search.find_events(info.context.snapshot, self.criteria, after=number_key(after), limit=first)
        return connection(
            event_nodes(page.items),
            [(one.event_id,) for one in page.items],
            has_next=page.has_next,
            after=after,
        )


@strawberry.type
class SearchQueries:
    @resolved("Everything that meets the criteria.")
    def search(
        self,
        info: Info,
        criteria: Annotated[SearchInput, strawberry.argument(description="What is looked for.")],
    ) -> Search:
        return Search(criteria=criteria_of(info.context, criteria))


def criteria_of(desk: Desk, given: SearchInput) -> search.Criteria:
    """The criteria with ids for codes. Raises ``NotFound``, ``RequestRefused``, ``RangeEmpty``."""
    faults: list[Fault] = []
    least = None if given.least is None else fen(given.least, "least", faults)
    most = None if given.most is None else fen(given.most, "most", faults)
    refuse(faults)
    return search.Criteria(
        agreement_id=None
        if given.agreement is None
        else agreements.agreement_by_code(desk.snapshot, given.agreement).agreement_id,
        party_id=party_id_of(desk, given.party),
        counterparty_id=party_id_of(desk, given.counterparty),
        clause=given.clause,
        subject_id=None if given.enterprise is None else id_by_code(desk.snapshot, given.enterprise),
        first=given.first,
        last=given.last,
        least_minor=least,
        most_minor=most,
        book=given.book,
        state=None if given.state is None else search.State(given.state.value),
        actor=given.actor,
        since=given.since,
        until=given.until,
    )


def _settlement(record: search.FoundSettlement) -> FoundSettlement:
    return FoundSettlement(
        id=global_id("Settlement", record.agreement_id, record.settlement_id),
        agreement_id=global_id("Agreement", record.agreement_id),
        quarter=record.booked_quarter,
        is_final=record.is_final,
        allocation_count=record.allocation_count,
        recorded_at=record.recorded_at,
        closed_at=record.closed_at,
        reopened_at=record.reopened_at,
    )
