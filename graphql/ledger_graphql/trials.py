"""Trying terms on given figures, as the API shows it."""

from __future__ import annotations

from typing import Annotated

import strawberry

from ledger.desk import trials
from ledger.desk.failures import refuse
from ledger.periods import Quarter
from ledger.rules.check import read_terms
from ledger.rules.facts import Fault
from ledger_graphql import inputs
from ledger_graphql.amounts import AmountValue, amount_value
from ledger_graphql.connections import FIRST_DEFAULT, After, Connection, First, connection, cut
from ledger_graphql.failures import InvalidInput, Refused, TermsRefused
from ledger_graphql.fields import resolved
from ledger_graphql.reports import Reasoning, reasoning_of
from ledger_graphql.scalars import Json
from ledger_graphql.terms import terms_text

CreditCode = Annotated[
    str | None, strawberry.argument(description="Only of this enterprise; all together when left out.")
]


@strawberry.type(description="What a clause gives a role about a quarter.")
class TrialAmount:
    clause: int = strawberry.field(description="The number of the clause.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about.")
    role: str = strawberry.field(description="Whose it is, as the terms name it.")
    amount: AmountValue = strawberry.field(description="How much.")
    routed: AmountValue = strawberry.field(description="The part of it that goes on to the clause's fund.")


@strawberry.type(description="What terms make of figures. Nothing of it is kept.")
class Trial:
    through: Quarter = strawberry.field(description="The last quarter that was computed.")
    record: strawberry.Private[trials.Trial]

    @resolved("Amounts by clause, quarter, book and role; zero amounts are left out.")
    def amounts(
        self, credit_code: CreditCode = None, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[TrialAmount]:
        found = list(self.record.amounts(credit_code).items())
        page, has_next = cut(found, lambda item: _key(item[0]), first, after)
        nodes = [
            TrialAmount(
                clause=key.clause,
                quarter=key.quarter,
                role=key.role,
                amount=self._value(key, amount.amount_minor),
                routed=self._value(key, amount.routed_minor),
            )
            for key, amount in page
        ]
        return connection(nodes, [_key(key) for key, _ in page], has_next=has_next, after=after)

    @resolved("How a clause's result of a quarter comes about, step by step.")
    def explanation(
        self,
        clause: Annotated[int, strawberry.argument(description="The number of the clause.")],
        quarter: Annotated[Quarter, strawberry.argument(description="The quarter, up to through.")],
        credit_code: Annotated[
            str | None, strawberry.argument(description="The enterprise; null for the whole park.")
        ] = None,
    ) -> Reasoning:
        return reasoning_of(self.record.explanation(clause, quarter, credit_code))

    def _value(self, key: trials.TrialKey, amount_minor: int) -> AmountValue:
        return amount_value(amount_minor, self.record.commodity_of(key.clause).commodity_id, key.book)


TrialResult = Annotated[
    Trial | InvalidInput | TermsRefused | Refused,
    strawberry.union("TrialResult", description="What came of trying terms on figures."),
]


def trial_of(
    terms: Json,
    figures: list[inputs.ReturnLineInput],
    subjects: list[inputs.ListEntryInput] | None,
    through: Quarter,
    happened: list[inputs.OccurrenceDayInput],
) -> Trial:
    """The trial. Raises ``TermsRefused``, ``RequestRefused``, ``FigureNotOfMonth``."""
    faults: list[Fault] = []
    entries = (
        None
        if subjects is None
        else [subject.entry(f"subjects[{index}]", faults) for index, subject in enumerate(subjects)]
    )
    days = inputs.once([(each.name, each.day) for each in happened], "occurrences", faults)
    refuse(faults)
    read = read_terms(terms_text(terms))
    made = trials.trial(read, [figure.draft() for figure in figures], entries, through, days)
    return Trial(through=through, record=made)


def _key(key: trials.TrialKey) -> tuple[int, int, str, str]:
    return key.clause, key.quarter.code, key.book.value, key.role
