"""Items: what people did about lines that two sides report differently, as the API shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from enum import Enum

import strawberry

from ledger.desk import reconciliation
from ledger.desk.reconciliation.disputes import Step
from ledger.desk.reconciliation.ladder import Excepted, Key
from ledger.desk.reconciliation.reasons import REASONS
from ledger.periods import Quarter
from ledger_graphql.amounts import MEASURES, Measure, ReportedAmount, reported
from ledger_graphql.connections import FIRST_DEFAULT, After, Connection, First, connection, cut
from ledger_graphql.context import Desk
from ledger_graphql.enterprises import Enterprise, EnterpriseBatch, enterprise_batch
from ledger_graphql.fields import resolved
from ledger_graphql.scalars import Span


@strawberry.enum(
    description="Where an item stands. FREE: nothing is decided. SUGGESTED: a side offered a reason. "
    "WITHHELD: a side keeps the lines out. DISPUTED, then perhaps ESCALATED: with the arbiter. Ends: "
    "EXPLAINED, AGREED, ARBITRATED."
)
class ReconciliationState(Enum):
    FREE = "free"
    SUGGESTED = "suggested"
    WITHHELD = "withheld"
    DISPUTED = "disputed"
    ESCALATED = "escalated"
    EXPLAINED = "explained"
    AGREED = "agreed"
    ARBITRATED = "arbitrated"


@strawberry.enum(description="What was done about an item.")
class ReconciliationStepKind(Enum):
    EXPLANATION = "explanation"
    PROPOSAL = "proposal"
    ACCEPTANCE = "acceptance"
    WITHHOLDING = "withholding"
    RELEASE = "release"
    DISPUTE = "dispute"
    MESSAGE = "message"
    ESCALATION = "escalation"
    ARBITRATION = "arbitration"


@strawberry.type(description="Why two sides may rightly report differently.")
class ReconciliationReason:
    code: str = strawberry.field(description='Stable code, such as "cut_off".')
    name_zh: str = strawberry.field(description="Name in Chinese.")
    name_en: str = strawberry.field(description="Name in English.")
    counts_zh: str = strawberry.field(description="Which figure counts once it is confirmed, in Chinese.")
    counts_en: str = strawberry.field(description="Which figure counts once it is confirmed, in English.")


REASON_NODES = {
    reason.code: ReconciliationReason(
        code=reason.code,
        name_zh=reason.name.zh,
        name_en=reason.name.en,
        counts_zh=reason.counts.zh,
        counts_en=reason.counts.en,
    )
    for reason in REASONS
}


@strawberry.type(description="What a line is about.")
class ComparedKey:
    span: Span = strawberry.field(description="The month or quarter.")
    key: strawberry.Private[Key]
    enterprises: strawberry.Private[EnterpriseBatch]

    @resolved("The enterprise; null for the whole park.")
    def enterprise(self) -> Enterprise | None:
        return self.enterprises[self.key.subject] if self.key.subject else None

    @resolved("What is reported.")
    def measure(self) -> Measure:
        return MEASURES[self.key.measure]


@strawberry.type(description="The lines of one subject, measure and span of both sides, added up.")
class ComparedLine(ComparedKey):
    record: ReportedAmount | None = strawberry.field(description="Of record; null: there is no line.")
    against: ReportedAmount | None = strawberry.field(
        description="Of the other side; null: there is no line."
    )


@strawberry.type(description="A line of record that doesn't count as it was reported.")
class ExceptedLine(ComparedLine):
    counts: ReportedAmount | None = strawberry.field(
        description="What counts in its place; null: it is left out."
    )
    item: int | None = strawberry.field(description="The item that decides; null: nobody did anything yet.")


@strawberry.type(description="An offer that the other side may accept: a reason or a figure.")
class ReconciliationOffer:
    step: int = strawberry.field(description="The number of its step; whoever accepts it names it.")
    role: str = strawberry.field(description="Whose offer it is.")
    reason: ReconciliationReason | None = strawberry.field(description="The reason, if it is one.")
    amount: ReportedAmount | None = strawberry.field(description="The figure, if it is one.")


@strawberry.type(description="One thing done about an item.")
class ReconciliationStep:
    step: int = strawberry.field(description="Its number in the item, from 1 up.")
    kind: ReconciliationStepKind = strawberry.field(description="What was done.")
    role: str = strawberry.field(description="Who did it.")
    person: str = strawberry.field(description="The person's name, as the client said.")
    at: datetime = strawberry.field(description="When.")
    reason: ReconciliationReason | None = strawberry.field(description="The reason that was offered.")
    amount: ReportedAmount | None = strawberry.field(description="The figure offered or arbitrated.")
    offer: int | None = strawberry.field(description="The step that was accepted.")
    text: str = strawberry.field(description="A message, a note, or the arbiter's reasons; may be empty.")


@strawberry.type(
    description="What people did about lines that differ: an explanation, a withholding or a dispute 争议. "
    "It holds while the figures that it is about are those of the returns."
)
class ReconciliationItem:
    number: int = strawberry.field(description="In the agreement, from 1 up.")
    quarter: Quarter = strawberry.field(description="The quarter that the returns are about.")
    record: str = strawberry.field(description="The role of record.")
    against: str = strawberry.field(description="The other role.")
    state: ReconciliationState = strawberry.field(description="Where it stands.")
    owner: str | None = strawberry.field(description="The role whose turn it is; null at the end.")
    offer: ReconciliationOffer | None = strawberry.field(
        description="The offer that stands, or how it ended; null: none."
    )
    opened_at: datetime = strawberry.field(description="When the first step was taken.")
    last_step_at: datetime = strawberry.field(description="When the last step was taken.")
    days_open: int = strawberry.field(description="Whole days from the first step to its end, or to now.")
    due_on: date | None = strawberry.field(description="The day by which the calendar wants it settled.")
    lines: list[ComparedLine] = strawberry.field(description="The figures that it was made about.")
    record_of_item: strawberry.Private[reconciliation.Item]

    @resolved("Everything that was done, in order.")
    def steps(self, first: First = FIRST_DEFAULT, after: After = None) -> Connection[ReconciliationStep]:
        measure = _measure_of(self.record_of_item)
        nodes = [_step(number, step, measure) for number, step in enumerate(self.record_of_item.steps, 1)]
        page, has_next = cut(nodes, lambda node: (node.step,), first, after)
        return connection(page, [(node.step,) for node in page], has_next=has_next, after=after)


def item_nodes(desk: Desk, items: Sequence[reconciliation.Item]) -> list[ReconciliationItem]:
    """What the API shows of items."""
    enterprises = enterprise_batch(
        desk, {key.subject for item in items for key in (*item.record, *item.against)}
    )
    now = datetime.now(UTC)
    return [_item(item, enterprises, now) for item in items]


def excepted_nodes(desk: Desk, lines: Iterable[tuple[Key, Excepted]]) -> list[ExceptedLine]:
    """What the API shows of lines that don't count as they were reported."""
    found = list(lines)
    enterprises = enterprise_batch(desk, {key.subject for key, _ in found})
    return [
        ExceptedLine(
            span=Span(str(key.span)),
            key=key,
            enterprises=enterprises,
            record=reported_or_none(one.record_minor, key.measure),
            against=reported_or_none(one.against_minor, key.measure),
            counts=reported_or_none(one.counts_minor, key.measure),
            item=one.item,
        )
        for key, one in found
    ]


def compared_line(
    key: Key, record_minor: int | None, against_minor: int | None, enterprises: EnterpriseBatch
) -> ComparedLine:
    """A line with what each side reports of it."""
    return ComparedLine(
        span=Span(str(key.span)),
        key=key,
        enterprises=enterprises,
        record=reported_or_none(record_minor, key.measure),
        against=reported_or_none(against_minor, key.measure),
    )


def _item(item: reconciliation.Item, enterprises: EnterpriseBatch, now: datetime) -> ReconciliationItem:
    standing, measure = item.standing, _measure_of(item)
    offer = standing.offer
    return ReconciliationItem(
        number=item.number,
        quarter=item.quarter,
        record=standing.record,
        against=standing.against,
        state=ReconciliationState(standing.state.value),
        owner=standing.owner,
        offer=None
        if offer is None
        else ReconciliationOffer(
            step=offer.step,
            role=offer.role,
            reason=None if offer.reason is None else REASON_NODES[offer.reason],
            amount=reported_or_none(offer.amount_minor, measure),
        ),
        opened_at=item.opened_at,
        last_step_at=item.last_step_at,
        days_open=item.days_open(now),
        due_on=item.due_on,
        lines=[
            compared_line(key, item.record.get(key), item.against.get(key), enterprises)
            for key in sorted({*item.record, *item.against})
        ],
        record_of_item=item,
    )


def _step(number: int, step: Step, measure: str) -> ReconciliationStep:
    return ReconciliationStep(
        step=number,
        kind=ReconciliationStepKind(step.kind.value),
        role=step.role,
        person=step.person,
        at=step.at,
        reason=None if step.reason is None else REASON_NODES[step.reason],
        amount=reported_or_none(step.amount_minor, measure),
        offer=step.offer,
        text=step.text,
    )


def _measure_of(item: reconciliation.Item) -> str:
    """Every line of an item is counted in one commodity, so any of its measures names the unit."""
    return next(iter({**item.record, **item.against})).measure


def reported_or_none(amount_minor: int | None, measure: str) -> ReportedAmount | None:
    """``amount_minor`` of the measure's commodity; None where there is none."""
    return None if amount_minor is None else reported(amount_minor, measure)
