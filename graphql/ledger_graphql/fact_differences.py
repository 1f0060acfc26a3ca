"""How lists, terms and returns differ between two moments, as the API shows it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from ledger.desk import agreements
from ledger.desk.history import facts
from ledger.periods import DayUnreadable, Quarter, parse_day
from ledger.rules.terms import Clause
from ledger.rules.text import article
from ledger_graphql.amounts import MEASURES, Language, Measure, ReportedAmount, reported
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    CursorUnreadable,
    First,
    connection,
    cut,
    shaped_key,
)
from ledger_graphql.context import Info
from ledger_graphql.differences import EventBatch, KnownFrom, KnownTo, event_batch, moment
from ledger_graphql.enterprises import Enterprise, EnterpriseBatch, enterprise_batch
from ledger_graphql.events import Event
from ledger_graphql.fields import resolved
from ledger_graphql.returns import Filing, filing_node
from ledger_graphql.scalars import Span

LanguageArgument = Annotated[Language, strawberry.argument(description="Language of the text.")]


@strawberry.enum(description="What became of it: ADDED, REMOVED, or CHANGED.")
class ChangeKind(Enum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@strawberry.type(description="A field that isn't the same. Amounts are in yuan, days ISO 8601.")
class FieldChange:
    field: str = strawberry.field(description="Its name, such as within.caps[0].amount.")
    before: str | None = strawberry.field(description="What it said; null: nothing.")
    after: str | None = strawberry.field(description="What it says; null: nothing.")


@strawberry.type
class Acted:
    """What every difference of facts tells of the act behind it."""

    event_id: strawberry.Private[int | None]
    events: strawberry.Private[EventBatch]

    @resolved("The act by which the later one held; null where both are the same.")
    def act(self) -> Event | None:
        return None if self.event_id is None else self.events[self.event_id]


@strawberry.type(description="An enterprise that came onto the list, left it, or whose entry changed.")
class EntryChange:
    kind: ChangeKind = strawberry.field(description="What became of it.")
    fields: list[FieldChange] = strawberry.field(description="The fields that differ, by name.")
    enterprise_id: strawberry.Private[int]
    enterprises: strawberry.Private[EnterpriseBatch]

    @resolved("The enterprise; its name is the one it was first listed with.")
    def enterprise(self) -> Enterprise:
        return self.enterprises[self.enterprise_id]


@strawberry.type(description="How the enterprise list that all had confirmed changed.")
class ListDifference(Acted):
    version_before: int | None = strawberry.field(description="The list's version; null: there was none.")
    version_after: int | None = strawberry.field(description="The list's version; null: there was none.")
    changes: strawberry.Private[list[facts.EntryChange]]

    @resolved("The entries that differ, by credit code.")
    def entries(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[EntryChange]:
        page, has_next = cut(self.changes, lambda one: (one.entry.credit_code,), first, after)
        enterprises = enterprise_batch(info.context, {one.entry.enterprise_id for one in page})
        nodes = [
            EntryChange(
                kind=ChangeKind(one.kind),
                fields=_fields(one.fields),
                enterprise_id=one.entry.enterprise_id,
                enterprises=enterprises,
            )
            for one in page
        ]
        return connection(nodes, [(one.entry.credit_code,) for one in page], has_next=has_next, after=after)


@strawberry.type(description="A clause that isn't the same.")
class ClauseChange:
    number: int = strawberry.field(description="The clause's number.")
    kind: ChangeKind = strawberry.field(description="What became of it.")
    fields: list[FieldChange] = strawberry.field(description="The fields that differ, by name.")
    record: strawberry.Private[facts.ClauseChange]

    @resolved("The article as it was; null where there was none.")
    def text_before(self, language: LanguageArgument) -> str | None:
        return _text(self.record.before, language)

    @resolved("The article as it is; null where there is none.")
    def text_after(self, language: LanguageArgument) -> str | None:
        return _text(self.record.after, language)


@strawberry.type(description="How the terms in force for a quarter changed.")
class TermsDifference(Acted):
    version_before: int | None = strawberry.field(description="Number of the version; null: none.")
    version_after: int | None = strawberry.field(description="Number of the version; null: none.")
    fields: list[FieldChange] = strawberry.field(description="The fields outside of the clauses, by name.")
    clauses: list[ClauseChange] = strawberry.field(description="The clauses that differ, by number.")


@strawberry.type(description="A line that came, went or has another amount.")
class LineChange:
    span: Span = strawberry.field(description="The month or quarter that it is about.")
    document: str = strawberry.field(description="Reference to its evidence; empty where none was given.")
    record: strawberry.Private[facts.LineChange]
    enterprises: strawberry.Private[EnterpriseBatch]

    @resolved("The enterprise; null for the whole park.")
    def enterprise(self) -> Enterprise | None:
        return self.enterprises[self.record.subject_id] if self.record.subject_id else None

    @resolved("What is reported.")
    def measure(self) -> Measure:
        return MEASURES[self.record.measure]

    @resolved("How much it was; null: there was no such line.")
    def before(self) -> ReportedAmount | None:
        return _amount(self.record.before_minor, self.record.measure)

    @resolved("How much it is; null: there is no such line.")
    def after(self) -> ReportedAmount | None:
        return _amount(self.record.after_minor, self.record.measure)


@strawberry.type(description="How the return that counts changed.")
class ReturnDifference(Acted):
    before: Filing | None = strawberry.field(description="The return that counted; null: none did.")
    after: Filing | None = strawberry.field(description="The return that counts; null: none does.")
    agreement_id: strawberry.Private[int]
    record: strawberry.Private[facts.ReturnDifference]

    @resolved(
        "The lines that differ, by enterprise, measure, period and document. They add up exactly to the "
        "difference of the returns' totals."
    )
    def lines(self, info: Info, first: First = FIRST_DEFAULT, after: After = None) -> Connection[LineChange]:
        page = facts.line_changes(
            info.context.snapshot, self.agreement_id, self.record, after=_line_key(after), limit=first
        )
        enterprises = enterprise_batch(info.context, {one.subject_id for one in page.items})
        nodes = [
            LineChange(span=Span(str(one.span)), document=one.document, record=one, enterprises=enterprises)
            for one in page.items
        ]
        keys = [(*one.key[:2], one.span.start.isoformat(), *one.key[3:]) for one in page.items]
        return connection(nodes, keys, has_next=page.has_next, after=after)


@strawberry.type
class FactDifferenceFields:
    """What an agreement shows of its lists, terms and returns at two moments."""

    if TYPE_CHECKING:
        record: agreements.Agreement

    @resolved("How its enterprise list changed between two moments.")
    def list_difference(self, info: Info, known_from: KnownFrom, known_to: KnownTo = None) -> ListDifference:
        desk = info.context
        found = facts.list_between(desk.snapshot, self.record.agreement_id, known_from, moment(known_to))
        return ListDifference(
            version_before=None if found.before is None else found.before.version,
            version_after=None if found.after is None else found.after.version,
            changes=found.entries,
            event_id=found.event_id,
            events=event_batch(desk, [found.event_id]),
        )

    @resolved("How the terms in force for a quarter changed between two moments.")
    def terms_difference(
        self,
        info: Info,
        quarter: Annotated[Quarter, strawberry.argument(description="The quarter.")],
        known_from: KnownFrom,
        known_to: KnownTo = None,
    ) -> TermsDifference:
        desk = info.context
        found = facts.terms_between(
            desk.snapshot, self.record.agreement_id, quarter, known_from, moment(known_to)
        )
        return TermsDifference(
            version_before=None if found.before is None else found.before.version,
            version_after=None if found.after is None else found.after.version,
            fields=_fields(found.fields),
            clauses=[
                ClauseChange(
                    number=one.number, kind=ChangeKind(one.kind), fields=_fields(one.fields), record=one
                )
                for one in found.clauses
            ],
            event_id=found.event_id,
            events=event_batch(desk, [found.event_id]),
        )

    @resolved("How the return of a role about a quarter changed between two moments.")
    def return_difference(
        self,
        info: Info,
        quarter: Annotated[Quarter, strawberry.argument(description="The quarter that it is about.")],
        role: Annotated[str, strawberry.argument(description="The role that reports.")],
        known_from: KnownFrom,
        known_to: KnownTo = None,
    ) -> ReturnDifference:
        desk, agreement_id = info.context, self.record.agreement_id
        found = facts.returns_between(
            desk.snapshot, agreement_id, quarter, role, known_from, moment(known_to)
        )
        return ReturnDifference(
            before=None if found.before is None else filing_node(desk, found.before),
            after=None if found.after is None else filing_node(desk, found.after),
            agreement_id=agreement_id,
            record=found,
            event_id=found.event_id,
            events=event_batch(desk, [found.event_id]),
        )


def _fields(changes: list[facts.FieldChange]) -> list[FieldChange]:
    return [FieldChange(field=one.field, before=one.before, after=one.after) for one in changes]


def _text(clause: Clause | None, language: LanguageArgument) -> str | None:
    return None if clause is None else article(clause, language.value)


def _amount(amount_minor: int | None, measure: str) -> ReportedAmount | None:
    return None if amount_minor is None else reported(amount_minor, measure)


def _line_key(after: str | None) -> facts.LineKey | None:
    """Raises ``CursorUnreadable``."""
    key = shaped_key(after, int, int, str, int, str)
    if key is None:
        return None
    try:
        starts = parse_day(cast("str", key[2]))
    except DayUnreadable:
        raise CursorUnreadable(cursor=after) from None
    return cast("facts.LineKey", (*key[:2], starts, *key[3:]))
