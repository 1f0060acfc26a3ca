"""The way from what is paid down to lines of returns and their documents, and back up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import strawberry

from ledger.desk import payments, returns
from ledger.desk.history import drill
from ledger.desk.history.booked import Booked, BookedKey
from ledger.desk.pages import Page
from ledger.periods import Quarter
from ledger_graphql.booked import Allocation, allocation_nodes
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    connection,
    global_id,
    shaped_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.fields import resolved
from ledger_graphql.payments import Leg, leg_nodes
from ledger_graphql.returns import Filing, ReturnLine, filing_nodes, line_nodes

BOOKED_SHAPE = (int,) * 9


@strawberry.type(description="A line that an allocation rests on, and the return that holds it.")
class LineUnder:
    filing: Filing = strawberry.field(description="The return.")
    line: ReturnLine = strawberry.field(description="The line; its documents are its evidence.")


@strawberry.type(description="An allocation with the settlement that books it: a step between line and leg.")
class BookedAllocation:
    agreement_id: strawberry.ID = strawberry.field(description="Id of the agreement.")
    settlement_id: strawberry.ID = strawberry.field(description="Id of the settlement.")
    booked_quarter: Quarter = strawberry.field(description="The quarter in which it is booked.")
    allocation: Allocation = strawberry.field(description="What is booked for whom.")
    record: strawberry.Private[Booked]

    @resolved(
        "Down: the lines that it rests on, by return and number. Its clause reads them about its quarter, in "
        "the returns that held after its cause or just before it."
    )
    def lines(self, info: Info, first: First = FIRST_DEFAULT, after: After = None) -> Connection[LineUnder]:
        desk = info.context
        page = drill.lines_under(
            desk.snapshot,
            self.record,
            after=cast("drill.LineKey | None", shaped_key(after, int, int)),
            limit=first,
        )
        return connection(
            _lines_under(desk, self.record.agreement_id, page.items),
            [one.key for one in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("Up: the legs of its settlement that are of its clause, in cash, from or to its party.")
    def legs(self, info: Info) -> list[Leg]:
        desk = info.context
        found = payments.legs_of_settlements(desk.snapshot, [self.record.settlement_id])
        legs = found[self.record.settlement_id]
        return leg_nodes(desk, [leg for leg in legs if drill.rests_on(leg, self.record)])


def booked_connection(desk: Desk, page: Page[Booked], after: str | None) -> Connection[BookedAllocation]:
    """What the API shows of a page of booked allocations."""
    allocations = allocation_nodes(desk, [one.allocation for one in page.items])
    nodes = [
        BookedAllocation(
            agreement_id=global_id("Agreement", one.agreement_id),
            settlement_id=global_id("Settlement", one.agreement_id, one.settlement_id),
            booked_quarter=one.booked_quarter,
            allocation=allocation,
            record=one,
        )
        for one, allocation in zip(page.items, allocations, strict=True)
    ]
    return connection(nodes, [one.key for one in page.items], has_next=page.has_next, after=after)


def booked_key(after: str | None) -> BookedKey | None:
    """The key inside a cursor of booked allocations. Raises ``CursorUnreadable``."""
    return cast("BookedKey | None", shaped_key(after, *BOOKED_SHAPE))


def _lines_under(desk: Desk, agreement_id: int, found: Sequence[drill.LineUnder]) -> list[LineUnder]:
    filings = returns.filings_by_id(desk.snapshot, agreement_id, [one.filing_id for one in found])
    nodes = dict(zip(filings, filing_nodes(desk, list(filings.values())), strict=True))
    lines = {
        (filing_id, line.line): line
        for filing_id, filing in filings.items()
        for line in line_nodes(desk, filing, [one.line for one in found if one.filing_id == filing_id])
    }
    return [LineUnder(filing=nodes[one.filing_id], line=lines[one.key]) for one in found]
