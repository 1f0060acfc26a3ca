"""What is read from closed settlements: balances, figures, their history, and how an amount came about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import strawberry

from ledger.desk import history
from ledger.desk.settlements import explanations
from ledger.periods import Quarter
from ledger.rules import explanation as rules
from ledger.rules.terms import Book
from ledger_graphql.amounts import AmountValue, Language, amount_value
from ledger_graphql.booked import Account, Allocation, account_node, allocation_nodes
from ledger_graphql.connections import global_id
from ledger_graphql.context import Desk
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.reconciliation_items import ExceptedLine, excepted_nodes
from ledger_graphql.settlements import Cause, cause_node


@strawberry.type(description="What an account holds. Zero balances are left out.")
class Balance:
    agreement_id: strawberry.ID = strawberry.field(description="Id of the agreement.")
    account: Account = strawberry.field(description="The account.")
    amount: AmountValue = strawberry.field(description="Its balance.")


@strawberry.type(description="A party's result about a quarter, all true-ups known by then included.")
class Figure:
    clause: int = strawberry.field(description="The number of the clause.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about.")
    amount: AmountValue = strawberry.field(description="What is booked for the party.")
    routed: AmountValue = strawberry.field(description="The part of it that goes on to the clause's fund.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("Whose result it is.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="One thing that was computed or decided.")
class ExplanationStep:
    code: str = strawberry.field(description="What kind of step it is, such as base, window, cap or share.")
    name_zh: str = strawberry.field(description="Its name in Chinese.")
    name_en: str = strawberry.field(description="Its name in English.")
    span: str = strawberry.field(description="The month or quarter computed.")
    arithmetic: str = strawberry.field(
        description="The computation, exact, in the commodity's unit; empty for a decision."
    )
    sentence_zh: str | None = strawberry.field(
        description="For a decision and for rounding: the step in words, in Chinese."
    )
    sentence_en: str | None = strawberry.field(description="The same in English.")
    result_minor: str = strawberry.field(
        description='The exact result in minor units: a whole number, or a fraction such as "1/3".'
    )
    role: str | None = strawberry.field(description="The role that it is about.")
    book: Book | None = strawberry.field(description="The book that it is about.")
    measure: str | None = strawberry.field(description="The measure that it is about.")
    line: str | None = strawberry.field(
        description="The return line that it reads: return id and line number."
    )
    document: str | None = strawberry.field(description="Reference to the line's evidence.")


@strawberry.type(description="A reading that the clause took where a rule can be read in more than one way.")
class Choice:
    path: str = strawberry.field(description="The field of the clause.")
    value: str = strawberry.field(description="What it says.")
    sentence_zh: str = strawberry.field(description="What that means, in Chinese.")
    sentence_en: str = strawberry.field(description="What that means, in English.")


TextLanguage = Annotated[Language, strawberry.argument(description="Language of the text.")]


@strawberry.type(description="How a clause's amounts of one subject and quarter came about.")
class Reasoning:
    version_from: Quarter = strawberry.field(
        description="The quarter from which the terms used are in force."
    )
    steps: list[ExplanationStep] = strawberry.field(description="Every step, in order.")
    choices: list[Choice] = strawberry.field(description="Every choice that the clause made.")
    under_cap_minor: str | None = strawberry.field(
        description="What is left under the cap in minor units, exact; null without a cap."
    )
    window_closes: date | None = strawberry.field(
        description="The first day after the window; null when it isn't open or never closes."
    )
    remainder_to: str = strawberry.field(description="The role that takes the rounding's remainder.")
    odd_unit_minor: str = strawberry.field(
        description="What it took beyond its own rounded part, in minor units."
    )
    record: strawberry.Private[rules.Explanation]

    @resolved("The same as text for people.")
    def text(self, language: TextLanguage) -> str:
        return rules.render(self.record, language.value)


@strawberry.type(
    description="What a cause booked about a clause, subject and quarter, and how that came about."
)
class Explanation:
    cause: Cause = strawberry.field(description="The cause.")
    allocations: list[Allocation] = strawberry.field(
        description="What it booked: the result after less the one before."
    )
    after: Reasoning | None = strawberry.field(description="The result with the cause.")
    before: Reasoning | None = strawberry.field(
        description="The result just before it; null when there was none, as for a quarter's own figures."
    )
    excepted_after: list[ExceptedLine] = strawberry.field(
        description="Lines that it reads but that don't count as reported, because the sides differ."
    )
    excepted_before: list[ExceptedLine] = strawberry.field(description="Those just before the cause.")


def balances_of(
    desk: Desk,
    *,
    agreement_id: int,
    through: Quarter,
    known_at: datetime | None,
) -> list[Balance]:
    """An agreement's balances by clause and account."""
    found = history.balances(desk.snapshot, agreement_id=agreement_id, through=through, known_at=known_at)
    return balance_nodes(desk, found)


def balance_nodes(desk: Desk, records: Sequence[history.Balance]) -> list[Balance]:
    """What the API shows of balances."""
    holders = {record.party_id for record in records if record.party_id is not None}
    parties = party_batch(desk, holders)
    return [_balance(record, parties) for record in records]


def figures_of(desk: Desk, agreement_id: int, quarter: Quarter, known_at: datetime | None) -> list[Figure]:
    """Results about ``quarter``, by clause, book, commodity and party."""
    found = history.figure(desk.snapshot, agreement_id, quarter, known_at=known_at)
    parties = party_batch(desk, {record.party_id for record in found})
    return [
        Figure(
            clause=record.clause,
            quarter=record.quarter,
            amount=amount_value(record.amount_minor, record.commodity_id, record.book),
            routed=amount_value(record.routed_minor, record.commodity_id, record.book),
            party_id=record.party_id,
            parties=parties,
        )
        for record in found
    ]


def explanation_of(
    desk: Desk,
    agreement_id: int,
    settlement_id: int,
    *,
    cause: int,
    clause: int,
    subject_id: int,
    quarter: Quarter,
) -> Explanation:
    """Why the cause booked what it did. Raises ``NotFound``."""
    found = explanations.explanation(
        desk.snapshot, agreement_id, settlement_id, cause, clause, subject_id, quarter
    )
    return Explanation(
        cause=cause_node(found.cause),
        allocations=allocation_nodes(desk, found.allocations),
        after=None if found.after is None else reasoning_of(found.after),
        before=None if found.before is None else reasoning_of(found.before),
        excepted_after=excepted_nodes(desk, ((key.line, one) for key, one in found.excepted_after.items())),
        excepted_before=excepted_nodes(desk, ((key.line, one) for key, one in found.excepted_before.items())),
    )


def _balance(record: history.Balance, parties: PartyBatch) -> Balance:
    return Balance(
        agreement_id=global_id("Agreement", record.agreement_id),
        account=account_node(record, parties),
        amount=amount_value(record.amount_minor, record.commodity_id, record.book),
    )


def reasoning_of(record: rules.Explanation) -> Reasoning:
    """What the API shows of an explanation."""
    under_cap_minor = record.remaining.under_cap_minor
    return Reasoning(
        version_from=record.version,
        steps=_steps(record.steps),
        choices=[
            Choice(
                path=choice.path,
                value=choice.value,
                sentence_zh=choice.sentence_zh,
                sentence_en=choice.sentence_en,
            )
            for choice in record.choices
        ],
        under_cap_minor=None if under_cap_minor is None else str(under_cap_minor),
        window_closes=record.remaining.window_closes,
        remainder_to=record.remainder_to,
        odd_unit_minor=str(record.odd_unit_minor),
        record=record,
    )


def _steps(records: Sequence[rules.ExplanationStep]) -> list[ExplanationStep]:
    return [
        ExplanationStep(
            code=record.code,
            name_zh=rules.STEP_NAMES[record.code][0],
            name_en=rules.STEP_NAMES[record.code][1],
            span=record.span,
            arithmetic=record.arithmetic,
            sentence_zh=record.words and record.words.zh,
            sentence_en=record.words and record.words.en,
            result_minor=str(record.result),
            role=record.role or None,
            book=record.book,
            measure=record.measure or None,
            line=record.line_id or None,
            document=record.document or None,
        )
        for record in records
    ]
