"""Statements: a settlement for people, as data and as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import statements
from ledger.desk.failures import NotFound
from ledger.periods import Quarter
from ledger_graphql.amounts import (
    COMMODITIES,
    MEASURES,
    AmountValue,
    Commodity,
    Language,
    Measure,
    ReportedAmount,
    amount_value,
    reported,
)
from ledger_graphql.booked import AccountKind, Allocation, allocation_nodes
from ledger_graphql.connections import FIRST_DEFAULT, After, Connection, First, connection, cut
from ledger_graphql.context import Desk, Info
from ledger_graphql.enterprises import Enterprise, EnterpriseBatch, enterprise_batch
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.scalars import Hash, Json, Span
from ledger_graphql.settlements import Cause, cause_node


@strawberry.enum(
    description="Unit of the amounts in a text: WAN 万 (exact), or YUAN, the commodity's own unit."
)
class Unit(Enum):
    WAN = "wan"
    YUAN = "yuan"


@strawberry.type(description="A text in both languages.")
class BilingualText:
    zh: str = strawberry.field(description="In Chinese.")
    en: str = strawberry.field(description="In English.")


@strawberry.type(description="A figure that a clause reads.")
class StatementFigure:
    cause: int = strawberry.field(description="The number of the cause that brought it.")
    measure: Measure = strawberry.field(description="What is reported.")
    span: Span = strawberry.field(description="The month or quarter that it is about.")
    amount: ReportedAmount = strawberry.field(
        description="How much; 0 where a correction took the figure away."
    )
    previous: ReportedAmount | None = strawberry.field(
        description="For a correction: what it was before; 0 where it wasn't reported. Null for the "
        "quarter's own."
    )
    document: str = strawberry.field(description="Reference to its evidence.")
    subject_id: strawberry.Private[int]
    enterprises: strawberry.Private[EnterpriseBatch]

    @resolved("The enterprise; null for the whole park.")
    def enterprise(self) -> Enterprise | None:
        return self.enterprises[self.subject_id] if self.subject_id else None


@strawberry.type(description="What a party gets in all.")
class PartyTotal:
    kind: AccountKind = strawberry.field(description="Due, accrued, to its fund, or credited as a statistic.")
    amount: AmountValue = strawberry.field(description="How much.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who gets it.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="One clause of a statement.")
class ClauseStatement:
    number: int = strawberry.field(description="The number of the clause.")
    title: BilingualText = strawberry.field(description="Its title.")
    commodity: Commodity = strawberry.field(description="What it divides.")
    record: strawberry.Private[statements.ClauseStatement]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who takes the remainder of rounding.")
    def remainder_party(self) -> Party:
        return self.parties[self.record.remainder_party_id]

    @resolved("The figures that it read: the quarter's own, and those that corrections changed.")
    def figures(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[StatementFigure]:
        numbered = list(enumerate(self.record.base_lines, start=1))
        page, has_next = cut(numbered, lambda line: (line[0],), first, after)
        return connection(
            _figures(info.context, [line for _, line in page]),
            [(number,) for number, _ in page],
            has_next=has_next,
            after=after,
        )

    @resolved("What each cause gives each party.")
    def allocations(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[Allocation]:
        page, has_next = cut(self.record.allocations, lambda record: record.key, first, after)
        return connection(
            allocation_nodes(info.context, page, self.parties),
            [record.key for record in page],
            has_next=has_next,
            after=after,
        )


LanguageArgument = Annotated[Language, strawberry.argument(description="Language of the text.")]


@strawberry.type(description="A settlement for people, with every figure that it rests on.")
class Statement:
    identifier: str = strawberry.field(
        description="The settlement's number and the start of its allocations' hash."
    )
    agreement: str = strawberry.field(description="The agreement's code.")
    allocations_hash: Hash = strawberry.field(description="SHA-256 over the settlement's allocations.")
    inputs_hash: Hash = strawberry.field(description="SHA-256 of the record of what it rests on.")
    check_path: str = strawberry.field(
        description="Path on this server that shows what the ledger has under the identifier."
    )
    quarter: Quarter = strawberry.field(description="The quarter that was settled.")
    is_final: bool = strawberry.field(
        description="Whether it is the year's last; accrued amounts become due."
    )
    closed_at: datetime | None = strawberry.field(description="When it was closed; null when it isn't.")
    title: BilingualText = strawberry.field(description="The agreement's title.")
    causes: list[Cause] = strawberry.field(description="Why results change, in order.")
    clauses: list[ClauseStatement] = strawberry.field(description="Clause by clause.")
    totals: list[PartyTotal] = strawberry.field(description="What each party gets in all.")
    remarks: list[BilingualText] = strawberry.field(description="What a reader must know.")
    record: strawberry.Private[statements.Statement]

    @resolved("The whole statement as text for people.")
    def text(
        self,
        language: LanguageArgument,
        unit: Annotated[
            Unit | None,
            strawberry.argument(
                description="Unit of the amounts; without it WAN in Chinese, YUAN in English."
            ),
        ] = None,
    ) -> str:
        return statements.render_statement(
            self.record, language.value, unit=None if unit is None else unit.value
        )

    @resolved("The whole statement as a JSON document.")
    def json(self) -> Json:
        return Json(json.loads(statements.statement_json(self.record)))


def statement_of(
    desk: Desk, agreement_id: int, quarter: Quarter, known_at: datetime | None
) -> Statement | None:
    """The statement with which the quarter was closed, or None where it wasn't by then."""
    try:
        record = statements.statement(desk.snapshot, agreement_id, quarter, known_at)
    except NotFound:
        return None
    return statement_node(desk, record)


def settlement_statement_of(desk: Desk, agreement_id: int, settlement_id: int) -> Statement:
    """The statement of a settlement, closed or not. Raises ``NotFound``."""
    return statement_node(desk, statements.settlement_statement(desk.snapshot, agreement_id, settlement_id))


def statement_node(desk: Desk, record: statements.Statement) -> Statement:
    """What the API shows of a statement."""
    named = {total.party_id for total in record.totals} | {
        party_id
        for clause in record.clauses
        for party_id in (clause.remainder_party_id, *(one.party_id for one in clause.allocations))
    }
    parties = party_batch(desk, named)
    return Statement(
        identifier=record.identifier,
        agreement=record.agreement_code,
        allocations_hash=Hash(record.allocations_hash),
        inputs_hash=Hash(record.inputs_hash),
        check_path=statements.check_path(record.agreement_code, record.identifier),
        quarter=record.quarter,
        is_final=record.is_final,
        closed_at=record.closed_at,
        title=BilingualText(zh=record.title.zh, en=record.title.en),
        causes=[cause_node(cause) for cause in record.causes],
        clauses=[_clause(clause, parties) for clause in record.clauses],
        totals=[
            PartyTotal(
                kind=AccountKind(total.kind),
                amount=amount_value(total.amount_minor, total.commodity.commodity_id, total.book),
                party_id=total.party_id,
                parties=parties,
            )
            for total in record.totals
        ],
        remarks=[BilingualText(zh=remark.zh, en=remark.en) for remark in record.remarks],
        record=record,
    )


def _clause(record: statements.ClauseStatement, parties: PartyBatch) -> ClauseStatement:
    return ClauseStatement(
        number=record.number,
        title=BilingualText(zh=record.title.zh, en=record.title.en),
        commodity=COMMODITIES[record.commodity.commodity_id],
        record=record,
        parties=parties,
    )


def _figures(desk: Desk, records: Sequence[statements.BaseLine]) -> list[StatementFigure]:
    enterprises = enterprise_batch(desk, {record.subject_id for record in records})
    return [
        StatementFigure(
            cause=record.cause,
            measure=MEASURES[record.measure],
            span=Span(str(record.span)),
            amount=reported(record.amount_minor, record.measure),
            previous=None
            if record.previous_minor is None
            else reported(record.previous_minor, record.measure),
            document=record.document,
            subject_id=record.subject_id,
            enterprises=enterprises,
        )
        for record in records
    ]
