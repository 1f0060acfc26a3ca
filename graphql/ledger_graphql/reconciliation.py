"""Reconciliations and disputes, as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import reconciliation
from ledger.desk.reconciliation.failures import NothingCompared
from ledger.desk.reconciliation.ladder import Group, Part
from ledger.desk.reconciliation.suggestions import Suggestion
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger_graphql.amounts import MEASURES, Measure, ReportedAmount, reported
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    CursorKey,
    First,
    connection,
    cut,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.enterprises import EnterpriseBatch, enterprise_batch
from ledger_graphql.fields import resolved
from ledger_graphql.reconciliation_items import (
    REASON_NODES,
    ComparedKey,
    ComparedLine,
    ReconciliationItem,
    ReconciliationReason,
    compared_line,
    item_nodes,
    reported_or_none,
)
from ledger_graphql.returns import Filing, filing_node
from ledger_graphql.scalars import Hash, Span


@strawberry.enum(
    description="What came of comparing. EXACT 一致; WITHIN_TOLERANCE 容差内; EXPLAINED 已说明: both sides "
    "confirmed a reason; AGREED 已商定 and ARBITRATED 已裁定: another figure counts; IN_DISPUTE 有争议: the "
    "figures differ and nothing ends the difference yet; MISSING_IN_RECORD 仅对方申报; MISSING_IN_AGAINST "
    "对方未申报; WITHHELD 暂缓."
)
class ReconciliationOutcome(Enum):
    EXACT = "exact"
    WITHIN_TOLERANCE = "within_tolerance"
    EXPLAINED = "explained"
    AGREED = "agreed"
    ARBITRATED = "arbitrated"
    IN_DISPUTE = "in_dispute"
    MISSING_IN_RECORD = "missing_in_record"
    MISSING_IN_AGAINST = "missing_in_against"
    WITHHELD = "withheld"


@strawberry.enum(
    description="How lines came together. SAME_LINE: subject, measure and span are the same. SUM: months of "
    "one side against a quarter of the other. PEOPLE: by an act of the sides or the arbiter. NONE: there is "
    "nothing on the other side."
)
class ReconciliationMatch(Enum):
    SAME_LINE = "same_line"
    SUM = "sum"
    PEOPLE = "people"
    NONE = "none"


@strawberry.enum(
    description="What becomes of lines of record that the other side says nothing about: they wait outside "
    "the settlement (WITHHELD), or count (ACCEPTED)."
)
class Unanswered(Enum):
    WITHHELD = "withheld"
    ACCEPTED = "accepted"


@strawberry.type(description="How far two figures of one line may differ and still count as the same.")
class ReconciliationTolerance:
    measure: Measure = strawberry.field(description="Of which measure.")
    amount: ReportedAmount = strawberry.field(description="The largest difference of one line.")


@strawberry.type(description="On what both sides are compared.")
class ReconciliationBasis:
    hash: Hash = strawberry.field(
        description="Over both returns and what the terms say. An act about lines names the basis that its "
        "person saw; another return or other terms make another basis."
    )
    record: str = strawberry.field(description="The role whose return holds the figures of record.")
    against: str = strawberry.field(description="The role whose return they are compared with.")
    record_return: Filing | None = strawberry.field(description="The return of record; null: none counts.")
    against_return: Filing | None = strawberry.field(
        description="The return it is compared with; null: none counts."
    )
    measures: list[Measure] = strawberry.field(
        description="What is compared: the measures of the clauses that read the return of record. Amounts "
        "are compared in their minor units."
    )
    tolerances: list[ReconciliationTolerance] = strawberry.field(
        description="By measure, for a line by itself; a measure that isn't named has none."
    )
    unanswered: Unanswered = strawberry.field(description="What becomes of lines without an answer.")
    arbiter: str | None = strawberry.field(description="The role that decides disputes; null: nobody.")
    due_on: date | None = strawberry.field(description="The day by which the calendar wants it done.")


@strawberry.type(description="A reason that the machine found; it changes nothing until people confirm it.")
class ReconciliationSuggestion:
    reason: ReconciliationReason = strawberry.field(description="The reason.")
    lines: list[ComparedKey] = strawberry.field(description="The lines that it would explain together.")


@strawberry.type(description="Lines that have one outcome together: one of each side, or several.")
class ReconciliationGroup:
    outcome: ReconciliationOutcome = strawberry.field(description="What came of comparing them.")
    match: ReconciliationMatch = strawberry.field(description="How they came together.")
    lines: list[ComparedLine] = strawberry.field(description="The lines, months of a quarter added up.")
    record: ReportedAmount | None = strawberry.field(description="Of record, in all; null: no line.")
    against: ReportedAmount | None = strawberry.field(description="Of the other side; null: no line.")
    difference: ReportedAmount = strawberry.field(description="Record less the other side.")
    counts: ReportedAmount | None = strawberry.field(
        description="What goes to settlement; null: nothing, for the lines wait outside."
    )
    reason: ReconciliationReason | None = strawberry.field(description="The reason that both confirmed.")
    suggestion: ReconciliationSuggestion | None = strawberry.field(
        description="What the machine suggests; null: nothing, or the difference isn't open."
    )
    item: ReconciliationItem | None = strawberry.field(description="What people did about them.")


@strawberry.type(description="How many groups have an outcome, and their sums; of one commodity.")
class ReconciliationTotal:
    outcome: ReconciliationOutcome = strawberry.field(description="The outcome.")
    groups: int = strawberry.field(description="How many groups have it.")
    record: ReportedAmount = strawberry.field(description="The sum of record.")
    against: ReportedAmount = strawberry.field(description="The sum of the other side.")
    difference: ReportedAmount = strawberry.field(description="Record less the other side.")
    counts: ReportedAmount = strawberry.field(description="What of it goes to settlement.")


OutcomeFilter = Annotated[
    ReconciliationOutcome | None, strawberry.argument(description="Only groups with this outcome.")
]


@strawberry.type(description="A reconciliation 对账: two returns of a quarter compared, line by line.")
class Reconciliation:
    quarter: Quarter = strawberry.field(description="The quarter that the returns are about.")
    basis: ReconciliationBasis = strawberry.field(description="On what they are compared.")
    record_of_report: strawberry.Private[reconciliation.Reconciliation]

    @resolved("Numbers and sums by outcome and commodity; they add up to the returns' totals.")
    def totals(self) -> list[ReconciliationTotal]:
        return _totals(self.record_of_report.groups)

    @resolved("The groups, in the order of enterprise, measure and span.")
    def groups(
        self, info: Info, outcome: OutcomeFilter = None, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[ReconciliationGroup]:
        report = self.record_of_report
        wanted = [one for one in report.groups if outcome is None or one.outcome.value == outcome.value]
        page, has_next = cut(wanted, _group_key, first, after)
        return connection(
            _groups(info.context, report, page),
            [_group_key(one) for one in page],
            has_next=has_next,
            after=after,
        )

    @resolved("Items that decide nothing any more, because a newer return changed their lines, by number.")
    def lapsed(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[ReconciliationItem]:
        page, has_next = cut(self.record_of_report.lapsed, lambda item: (item.number,), first, after)
        return connection(
            item_nodes(info.context, page),
            [(item.number,) for item in page],
            has_next=has_next,
            after=after,
        )

    @resolved("Every reason that a difference can be explained with.")
    def reasons(self) -> list[ReconciliationReason]:
        return list(REASON_NODES.values())


def reconciliation_of(
    desk: Desk, agreement_id: int, quarter: Quarter, record: str | None
) -> Reconciliation | None:
    """The report; None where the procedure compares nothing."""
    try:
        report = reconciliation.reconciliation(desk.snapshot, agreement_id, quarter, record)
    except NothingCompared:
        return None
    return Reconciliation(quarter=quarter, basis=_basis(desk, report.compared), record_of_report=report)


# --- parts of a report ------------------------------------------------------------------------------------


def _basis(desk: Desk, compared: reconciliation.Compared) -> ReconciliationBasis:
    record_return, against_return = (
        None if one is None else filing_node(desk, one)
        for one in (compared.record_return, compared.against_return)
    )
    return ReconciliationBasis(
        hash=Hash(compared.hash),
        record=compared.record,
        against=compared.against,
        record_return=record_return,
        against_return=against_return,
        measures=[MEASURES[name] for name in compared.basis.measures],
        tolerances=[
            ReconciliationTolerance(measure=MEASURES[name], amount=reported(most_minor, name))
            for name, most_minor in sorted(compared.basis.tolerances_minor.items())
        ],
        unanswered=Unanswered(compared.basis.unanswered),
        arbiter=compared.arbiter,
        due_on=compared.due_on,
    )


def _totals(groups: Iterable[Group]) -> list[ReconciliationTotal]:
    by_outcome: defaultdict[tuple[ReconciliationOutcome, int], list[Group]] = defaultdict(list)
    for group in groups:
        commodity = MEASURE_BY_NAME[group.parts[0].key.measure].commodity
        by_outcome[ReconciliationOutcome(group.outcome.value), commodity.commodity_id].append(group)
    order = list(ReconciliationOutcome)
    return [
        _total(outcome, by_outcome[outcome, commodity_id])
        for outcome, commodity_id in sorted(by_outcome, key=lambda one: (order.index(one[0]), one[1]))
    ]


def _total(outcome: ReconciliationOutcome, groups: Sequence[Group]) -> ReconciliationTotal:
    measure = groups[0].parts[0].key.measure
    return ReconciliationTotal(
        outcome=outcome,
        groups=len(groups),
        record=reported(sum(group.record_minor or 0 for group in groups), measure),
        against=reported(sum(group.against_minor or 0 for group in groups), measure),
        difference=reported(sum(group.difference_minor for group in groups), measure),
        counts=reported(sum(group.counted_minor or 0 for group in groups), measure),
    )


def _groups(
    desk: Desk, report: reconciliation.Reconciliation, groups: Sequence[Group]
) -> list[ReconciliationGroup]:
    suggestions = [report.suggested.get(group.parts[0].key) for group in groups]
    subjects = {part.key.subject for group in groups for part in group.parts}
    subjects |= {key.subject for one in suggestions if one is not None for key in one.keys}
    enterprises = enterprise_batch(desk, subjects)
    items = {group.item: report.items[group.item] for group in groups if group.item is not None}
    nodes = dict(zip(items, item_nodes(desk, list(items.values())), strict=True))
    return [
        _group(group, enterprises, suggestion, None if group.item is None else nodes[group.item])
        for group, suggestion in zip(groups, suggestions, strict=True)
    ]


def _group(
    group: Group,
    enterprises: EnterpriseBatch,
    suggestion: Suggestion | None,
    item: ReconciliationItem | None,
) -> ReconciliationGroup:
    measure = group.parts[0].key.measure
    return ReconciliationGroup(
        outcome=ReconciliationOutcome(group.outcome.value),
        match=ReconciliationMatch(group.match.value),
        lines=[_line_of_part(part, enterprises) for part in group.parts],
        record=reported_or_none(group.record_minor, measure),
        against=reported_or_none(group.against_minor, measure),
        difference=reported(group.difference_minor, measure),
        counts=reported_or_none(group.counted_minor, measure),
        reason=None if group.reason is None else REASON_NODES[group.reason],
        suggestion=None if suggestion is None else _suggestion(suggestion, enterprises),
        item=item,
    )


def _suggestion(suggestion: Suggestion, enterprises: EnterpriseBatch) -> ReconciliationSuggestion:
    return ReconciliationSuggestion(
        reason=REASON_NODES[suggestion.reason],
        lines=[
            ComparedKey(span=Span(str(key.span)), key=key, enterprises=enterprises) for key in suggestion.keys
        ],
    )


def _line_of_part(part: Part, enterprises: EnterpriseBatch) -> ComparedLine:
    return compared_line(part.key, part.record_minor, part.against_minor, enterprises)


def _group_key(group: Group) -> CursorKey:
    key = group.parts[0].key
    return key.subject, key.measure, key.span.start.isoformat(), key.span.months
