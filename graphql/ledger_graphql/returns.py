"""Returns that were handed in, as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry

from ledger.desk import returns
from ledger.periods import Quarter
from ledger_graphql.amounts import MEASURES, Measure, ReportedAmount, reported
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    Node,
    connection,
    global_id,
    number_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.enterprises import Enterprise, EnterpriseBatch, enterprise_batch
from ledger_graphql.fields import resolved
from ledger_graphql.scalars import Hash, Span


@strawberry.type(description="One figure of a return.")
class ReturnLine:
    line: int = strawberry.field(description="Its number in the return, from 1 up.")
    span: Span = strawberry.field(description="The month or quarter that it is about.")
    document: str = strawberry.field(description="Reference to its evidence; empty where none was given.")
    record: strawberry.Private[returns.ReturnLine]
    enterprises: strawberry.Private[EnterpriseBatch]

    @resolved("The enterprise; null for the whole park.")
    def enterprise(self) -> Enterprise | None:
        return self.enterprises[self.record.subject_id] if self.record.subject_id else None

    @resolved("What is reported.")
    def measure(self) -> Measure:
        return MEASURES[self.record.measure]

    @resolved("How much.")
    def amount(self) -> ReportedAmount:
        return reported(self.record.amount_minor, self.record.measure)


@strawberry.type(description="A declared total, equal to the sum of the lines.")
class DeclaredTotal:
    measure: Measure = strawberry.field(description="What is reported.")
    amount: ReportedAmount = strawberry.field(description="The sum of its lines.")


@strawberry.type(description="A return 申报表: one role's figures of one quarter, taken as a whole.")
class Filing(Node):
    quarter: Quarter = strawberry.field(description="The quarter that it is about.")
    booked_quarter: Quarter = strawberry.field(description="The quarter that was open when it was handed in.")
    role: str = strawberry.field(description="The role that reports.")
    sequence: int = strawberry.field(
        description="1 for the first return of the role and quarter; a later one supersedes."
    )
    is_current: bool = strawberry.field(description="Whether no later return has superseded it.")
    is_nil: bool = strawberry.field(description="Whether it says that there is nothing to report.")
    file_name: str | None = strawberry.field(
        description="The file that it came from; null when it came as lines."
    )
    content_hash: Hash = strawberry.field(description="SHA-256 of the file, or of the canonical lines.")
    lines_hash: Hash = strawberry.field(
        description="SHA-256 over the lines in their fixed-width binary form."
    )
    line_count: int = strawberry.field(description="How many lines it has.")
    recorded_at: datetime = strawberry.field(description="When it was handed in.")
    record: strawberry.Private[returns.Filing]

    @resolved("Totals by measure.")
    def totals(self) -> list[DeclaredTotal]:
        return [
            DeclaredTotal(measure=MEASURES[measure], amount=reported(amount_minor, measure))
            for measure, amount_minor in self.record.totals.items()
        ]

    @resolved("Its figures, by line number.")
    def lines(self, info: Info, first: First = FIRST_DEFAULT, after: After = None) -> Connection[ReturnLine]:
        desk = info.context
        page = returns.lines(
            desk.snapshot,
            self.record.agreement_id,
            self.record.filing_id,
            after=number_key(after),
            limit=first,
        )
        return connection(
            _lines(desk, page.items),
            [(line.line,) for line in page.items],
            has_next=page.has_next,
            after=after,
        )


def filing_node(record: returns.Filing) -> Filing:
    """What the API shows of one return."""
    return Filing(
        id=global_id("Filing", record.agreement_id, record.filing_id),
        quarter=record.quarter,
        booked_quarter=record.booked_quarter,
        role=record.role,
        sequence=record.sequence,
        is_current=record.is_current,
        is_nil=record.is_nil,
        file_name=record.file_name,
        content_hash=Hash(record.content_hash),
        lines_hash=Hash(record.lines_hash),
        line_count=record.line_count,
        recorded_at=record.recorded_at,
        record=record,
    )


def _lines(desk: Desk, records: Sequence[returns.ReturnLine]) -> list[ReturnLine]:
    batch = enterprise_batch(desk, {record.subject_id for record in records})
    return [
        ReturnLine(
            line=record.line,
            span=Span(str(record.span)),
            document=record.document,
            record=record,
            enterprises=batch,
        )
        for record in records
    ]
