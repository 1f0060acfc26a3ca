"""Worked examples: the figures that the parties wrote down, and what the rules make of them.

An example is evaluated by the plain evaluator as if its version had been in force since the first quarter
that the example names, without a last quarter, through the last quarter that it names.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.measures import MEASURE_BY_NAME
from ledger.money import parse_amount
from ledger.periods import Quarter, Span
from ledger.rules.facts import Facts, Line, Outcome, Subject, Version
from ledger.rules.plain import evaluate
from ledger.rules.plain.case import MONEY_SCALE, scale_of
from ledger.rules.terms import WHOLE_PARK, Clause, Example, ExampleSubject, Expected, Terms


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What one expectation of one example says, and what the rules give. Amounts in minor units."""

    clause: int
    example: int
    """Index among the clause's examples."""
    expectation: int
    """Index among the example's expectations."""
    expected_minor: int
    got_minor: int
    expected_routed_minor: int | None
    got_routed_minor: int
    scale: int

    @property
    def passes(self) -> bool:
        routed_agrees = self.expected_routed_minor in (None, self.got_routed_minor)
        return routed_agrees and self.expected_minor == self.got_minor


def run_examples(terms: Terms) -> list[ExampleResult]:
    """Every expectation of every clause's examples.

    Raises ``AmountUnreadable`` and ``FigureNotOfMonth``, which ``check`` reports as faults beforehand.
    """
    return [
        result
        for clause in terms.clauses
        for index in range(len(clause.examples))
        for result in run_example(terms, clause, index)
    ]


def run_example(terms: Terms, clause: Clause, index: int) -> list[ExampleResult]:
    """Every expectation of the clause's example at ``index``."""
    outcome = example_outcome(terms, clause, index)
    expectations = clause.examples[index].expect
    return [_result(clause, index, place, expected, outcome) for place, expected in enumerate(expectations)]


def example_outcome(terms: Terms, clause: Clause, index: int) -> Outcome:
    """Everything that the clause gives on its example at ``index``."""
    example = clause.examples[index]
    quarters = quarters_of(example)
    alone = terms.model_copy(update={"clauses": (clause,), "last_quarter": None})
    return evaluate([Version(min(quarters), alone)], facts_of(clause, example), max(quarters))


def facts_of(clause: Clause, example: Example) -> Facts:
    """The example's figures and enterprises; the enterprises are numbered from 1 in the order given."""
    numbers = {name: number for number, name in enumerate(example.subjects, start=1)}
    subjects = {
        numbers[name]: _subject(clause, numbers[name], name, attributes)
        for name, attributes in example.subjects.items()
    }
    lines = [
        Line(
            subject=WHOLE_PARK if figure.subject is None else numbers[figure.subject],
            measure=figure.measure,
            span=Span.parse(figure.span),
            amount_minor=parse_amount(figure.amount, MEASURE_BY_NAME[figure.measure].commodity.scale),
        )
        for figure in example.figures
    ]
    return Facts(lines, subjects, example.occurrences)


def quarters_of(example: Example) -> list[Quarter]:
    """Every quarter that the example's figures and expectations name."""
    named = [Span.parse(figure.span).quarter for figure in example.figures]
    return named + [
        Quarter.parse(text) for expected in example.expect for text in (expected.first, expected.last)
    ]


def _subject(clause: Clause, number: int, name: str, attributes: ExampleSubject) -> Subject:
    base = attributes.base_year_amount
    return Subject(
        subject=number,
        name=name,
        events=attributes.events,
        pre_move_tax_minor={
            int(year): parse_amount(text, MONEY_SCALE) for year, text in attributes.pre_move_tax.items()
        },
        cause_of_move=attributes.cause_of_move,
        referred_by=attributes.referred_by,
        controller=attributes.controller,
        attributes=attributes.attributes,
        base_year_amount_minor=None if base is None else parse_amount(base, scale_of(clause)),
    )


def _result(clause: Clause, example: int, place: int, expected: Expected, outcome: Outcome) -> ExampleResult:
    first, last = Quarter.parse(expected.first), Quarter.parse(expected.last)
    amounts = [
        amount
        for key, amount in outcome.amounts.items()
        if key.book is expected.book and key.role == expected.party and first <= key.quarter <= last
    ]
    scale = scale_of(clause)
    return ExampleResult(
        clause=clause.number,
        example=example,
        expectation=place,
        expected_minor=parse_amount(expected.amount, scale),
        got_minor=sum(amount.amount_minor for amount in amounts),
        expected_routed_minor=None if expected.routed is None else parse_amount(expected.routed, scale),
        got_routed_minor=sum(amount.routed_minor for amount in amounts),
        scale=scale,
    )
