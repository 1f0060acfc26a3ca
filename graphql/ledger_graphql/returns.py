"""Returns that were handed in, as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from ledger.desk import documents, returns
from ledger.desk.history import drill
from ledger.periods import Quarter
from ledger_graphql.amounts import MEASURES, Measure, ReportedAmount, reported
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Batch,
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

if TYPE_CHECKING:
    from ledger_graphql.drill import BookedAllocation

EvidenceBatch = Batch[str, Sequence[documents.Attachment]]
AttachedBatch = Batch[int, Sequence[documents.Attachment]]
"""By the return's id."""


@strawberry.type(description="An evidence document that is attached to something.")
class AttachedDocument:
    reference: str = strawberry.field(description="The name under which lines of a return refer to it.")
    hash: Hash = strawberry.field(description="SHA-256 of the file; GET /files/documents/HASH gives it.")
    name: str = strawberry.field(description="The file's name when it was first uploaded.")
    media_type: str = strawberry.field(description="As its sender said, such as application/pdf.")
    size_bytes: int = strawberry.field(description="How many bytes it has.")
    role: str = strawberry.field(description="The role that attached it.")
    recorded_at: datetime = strawberry.field(description="When it was attached.")


@strawberry.type(description="One figure of a return.")
class ReturnLine:
    line: int = strawberry.field(description="Its number in the return, from 1 up.")
    span: Span = strawberry.field(description="The month or quarter that it is about.")
    document: str = strawberry.field(description="Reference to its evidence; empty where none was given.")
    filing: strawberry.Private[returns.Filing]
    record: strawberry.Private[returns.ReturnLine]
    enterprises: strawberry.Private[EnterpriseBatch]
    evidence: strawberry.Private[EvidenceBatch]

    @resolved("The attached documents that bear its reference; empty as long as there are none.")
    def documents(self) -> list[AttachedDocument]:
        return [attached_node(one) for one in self.evidence.get(self.document) or ()]

    @resolved("The enterprise; null for the whole park.")
    def enterprise(self) -> Enterprise | None:
        return self.enterprises[self.record.subject_id] if self.record.subject_id else None

    @resolved("What is reported.")
    def measure(self) -> Measure:
        return MEASURES[self.record.measure]

    @resolved("How much.")
    def amount(self) -> ReportedAmount:
        return reported(self.record.amount_minor, self.record.measure)

    @resolved("Up: the allocations that rest on it, of settlements that closed their quarter, as known then.")
    def allocations(
        self,
        info: Info,
        known_at: Annotated[
            datetime | None,
            strawberry.argument(description="As the ledger knew it at that moment; now when left out."),
        ] = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Annotated[BookedAllocation, strawberry.lazy("ledger_graphql.drill")]]:
        from ledger_graphql.drill import booked_connection, booked_key

        desk = info.context
        page = drill.allocations_over(
            desk.snapshot,
            self.filing,
            self.record,
            known_at=known_at,
            after=booked_key(after),
            limit=first,
        )
        return booked_connection(desk, page, after)


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
    is_current: bool = strawberry.field(description="Whether it is the return that counts.")
    superseded_by: int | None = strawberry.field(
        description="The sequence of the return that took its place; null as long as none has."
    )
    person: str | None = strawberry.field(description="Who handed it in; null where nobody was asked.")
    certified_by: str | None = strawberry.field(description="Who certified it; null as long as nobody has.")
    certified_at: datetime | None = strawberry.field(description="When it was certified.")
    awaits_certification: bool = strawberry.field(
        description="Whether it counts only once a second person has certified it."
    )
    late_days: int | None = strawberry.field(
        description="How many days after the day for submitting it came; 0 in time, null without a calendar."
    )
    commitment: Hash | None = strawberry.field(
        description="The commitment that it opened; null where there was none."
    )
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
    attached: strawberry.Private[AttachedBatch]

    @resolved("Totals by measure.")
    def totals(self) -> list[DeclaredTotal]:
        return [
            DeclaredTotal(measure=MEASURES[measure], amount=reported(amount_minor, measure))
            for measure, amount_minor in self.record.totals.items()
        ]

    @resolved("The documents attached to it, by reference.")
    def documents(self) -> list[AttachedDocument]:
        return [attached_node(one) for one in self.attached.get(self.record.filing_id) or ()]

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
            line_nodes(desk, self.record, page.items),
            [(line.line,) for line in page.items],
            has_next=page.has_next,
            after=after,
        )


def filing_nodes(desk: Desk, records: Sequence[returns.Filing]) -> list[Filing]:
    """What the API shows of returns of one agreement."""

    def load(filing_ids: list[int]) -> Mapping[int, Sequence[documents.Attachment]]:
        return documents.attachments(desk.snapshot, records[0].agreement_id, "return", filing_ids)

    attached = Batch([record.filing_id for record in records], load)
    return [_filing_node(record, attached) for record in records]


def filing_node(desk: Desk, record: returns.Filing) -> Filing:
    """What the API shows of one return."""
    (node,) = filing_nodes(desk, [record])
    return node


def _filing_node(record: returns.Filing, attached: AttachedBatch) -> Filing:
    return Filing(
        id=global_id("Filing", record.agreement_id, record.filing_id),
        quarter=record.quarter,
        booked_quarter=record.booked_quarter,
        role=record.role,
        sequence=record.sequence,
        is_current=record.is_current,
        superseded_by=record.superseded_by,
        person=record.person,
        certified_by=record.certified_by,
        certified_at=record.certified_at,
        awaits_certification=record.awaits_certification,
        late_days=record.late_days,
        commitment=None if record.commitment is None else Hash(record.commitment),
        is_nil=record.is_nil,
        file_name=record.file_name,
        content_hash=Hash(record.content_hash),
        lines_hash=Hash(record.lines_hash),
        line_count=record.line_count,
        recorded_at=record.recorded_at,
        record=record,
        attached=attached,
    )


def attached_node(record: documents.Attachment) -> AttachedDocument:
    """What the API shows of one attached document."""
    return AttachedDocument(
        reference=record.reference,
        hash=Hash(record.document.hash),
        name=record.document.name,
        media_type=record.document.media_type,
        size_bytes=record.document.size_bytes,
        role=record.role,
        recorded_at=record.recorded_at,
    )


def line_nodes(desk: Desk, filing: returns.Filing, records: Sequence[returns.ReturnLine]) -> list[ReturnLine]:
    """What the API shows of lines of one return."""
    enterprises = enterprise_batch(desk, {record.subject_id for record in records})
    evidence = _evidence_batch(desk, filing, {record.document for record in records})
    return [
        ReturnLine(
            line=record.line,
            span=Span(str(record.span)),
            document=record.document,
            filing=filing,
            record=record,
            enterprises=enterprises,
            evidence=evidence,
        )
        for record in records
    ]


def _evidence_batch(desk: Desk, filing: returns.Filing, references: Iterable[str]) -> EvidenceBatch:
    """What is attached to the return, by the references that its lines use."""

    def load(_: list[str]) -> Mapping[str, Sequence[documents.Attachment]]:
        attached = documents.attachments(desk.snapshot, filing.agreement_id, "return", [filing.filing_id])
        found: defaultdict[str, list[documents.Attachment]] = defaultdict(list)
        for one in attached[filing.filing_id]:
            found[one.reference].append(one)
        return found

    return Batch(references, load)
