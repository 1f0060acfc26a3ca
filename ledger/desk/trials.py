"""Trying terms: what they make of given figures. Nothing is read from the ledger, and nothing is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ledger.desk.enterprises import ListEntry
from ledger.desk.failures import NotFound, refuse
from ledger.desk.occurrences import occurrence_faults
from ledger.desk.returns import LineDraft
from ledger.desk.returns.faults import Faults, Place, measure_terms
from ledger.measures import MEASURE_BY_NAME, MEASURES, Measure
from ledger.money import AmountUnreadable, Commodity, parse_amount
from ledger.periods import PeriodUnreadable, Quarter, Span
from ledger.rules import plain
from ledger.rules.explanation import Explanation
from ledger.rules.facts import Amount, Facts, Fault, Line, Outcome, Subject, Version
from ledger.rules.terms import WHOLE_PARK, Book, Terms

FIGURES_MAX = 1_000
SUBJECTS_MAX = 50
QUARTERS_MAX = 160
"""A trial answers while somebody waits; what is larger is tried with the command, on files."""

GOT_LENGTH_MAX = 80


class TrialKey(NamedTuple):
    """What an amount of a trial is about; the order of its amounts."""

    clause: int
    quarter: Quarter
    book: Book
    role: str


@dataclass(frozen=True, slots=True)
class Trial:
    """Terms that were applied to figures; ``numbers`` gives each enterprise's subject number by its code."""

    terms: Terms
    facts: Facts
    numbers: Mapping[str, int]
    through: Quarter
    outcome: Outcome

    def amounts(self, credit_code: str | None = None) -> dict[TrialKey, Amount]:
        """Amounts in key order: of one enterprise, or of all subjects together. Raises ``NotFound``."""
        subject = None if credit_code is None else self._number(credit_code)
        totals: defaultdict[TrialKey, list[int]] = defaultdict(lambda: [0, 0])
        for key, amount in self.outcome.amounts.items():
            if subject in (None, key.subject):
                total = totals[TrialKey(key.clause, key.quarter, key.book, key.role)]
                total[0] += amount.amount_minor
                total[1] += amount.routed_minor
        return {key: Amount(*totals[key]) for key in sorted(totals)}

    def explanation(self, clause: int, quarter: Quarter, credit_code: str | None = None) -> Explanation:
        """How a clause's result of one enterprise (None: the whole park) came about.

        Raises ``NotFound``, ``ClauseNotInForce``.
        """
        subject = WHOLE_PARK if credit_code is None else self._number(credit_code)
        if quarter > self.through:
            raise NotFound("quarter", quarter)
        return plain.explain([_version(self.terms)], self.facts, self.through, clause, subject, quarter)

    def commodity_of(self, clause: int) -> Commodity:
        """What the clause divides. Raises ``NotFound``."""
        found = self.terms.clause(clause)
        if found is None:
            raise NotFound("clause", clause)
        return MEASURE_BY_NAME[found.what.measures[0]].commodity

    def _number(self, credit_code: str) -> int:
        if credit_code not in self.numbers:
            raise NotFound("enterprise", credit_code)
        return self.numbers[credit_code]


def trial(
    terms: Terms,
    figures: Sequence[LineDraft],
    subjects: Sequence[ListEntry] | None,
    through: Quarter,
    occurrences: Mapping[str, date] | None = None,
) -> Trial:
    """What ``terms`` make of ``figures`` in every quarter up to ``through``.

    Without ``subjects`` every credit code is an enterprise of which nothing else is known; ``occurrences``
    are what has happened to the agreement, by name. Raises ``RequestRefused`` with every fault,
    ``FigureNotOfMonth``.
    """
    refuse(_size_faults(terms, figures, subjects or (), through))
    refuse(occurrence_faults("occurrences", (occurrences or {}).items()))
    reader = _Reader(subjects)
    lines = [line for index, draft in enumerate(figures) if (line := reader.line(index, draft)) is not None]
    refuse(reader.faults)
    facts = Facts(lines, reader.subjects, occurrences or {})
    outcome = plain.evaluate([_version(terms)], facts, through)
    return Trial(terms, facts, reader.numbers, through, outcome)


def _version(terms: Terms) -> Version:
    return Version(Quarter.parse(terms.in_force_from), terms)


class _Reader:
    """Reads figures one by one, and numbers enterprises as they come."""

    def __init__(self, listed: Sequence[ListEntry] | None) -> None:
        self._are_listed = listed is not None
        self.faults: list[Fault] = []
        self.subjects = {
            number: _subject(number, entry) for number, entry in enumerate(listed or (), start=1)
        }
        self.numbers = {subject.name: number for number, subject in self.subjects.items()}

    def line(self, index: int, draft: LineDraft) -> Line | None:
        path = f"figures[{index}]"
        subject = self._subject(f"{path}.credit_code", draft.credit_code)
        measure = self._measure(f"{path}.measure", draft.measure)
        span = self._span(f"{path}.span", draft.span)
        amount_minor = None if measure is None else self._amount(f"{path}.amount", draft.amount, measure)
        if subject is None or measure is None or span is None or amount_minor is None:
            return None
        return Line(subject, measure.name, span, amount_minor, path, draft.document)

    def _subject(self, path: str, credit_code: str | None) -> int | None:
        if not credit_code:
            return WHOLE_PARK
        if credit_code in self.numbers:
            return self.numbers[credit_code]
        if self._are_listed:
            self.faults.append(_unknown_subject(path, credit_code[:GOT_LENGTH_MAX]))
            return None
        number = len(self.numbers) + 1
        self.numbers[credit_code] = number
        self.subjects[number] = Subject(number, credit_code)
        return number

    def _measure(self, path: str, name: str) -> Measure | None:
        measure = MEASURE_BY_NAME.get(name)
        if measure is None:
            self._refuse(path, "MEASURE_UNKNOWN", measure_terms(MEASURES), name)
        return measure

    def _span(self, path: str, text: str) -> Span | None:
        try:
            return Span.parse(text)
        except PeriodUnreadable:
            self._refuse(path, "PERIOD_UNREADABLE", "2024Q3, 2024-07", text)
            return None

    def _amount(self, path: str, text: str, measure: Measure) -> int | None:
        scale = measure.commodity.scale
        try:
            return parse_amount(text, scale)
        except AmountUnreadable:
            self._refuse(path, "AMOUNT_UNREADABLE", "1234.56" if scale else "1234", text)
            return None

    def _refuse(self, path: str, code: str, expected: object, got: str) -> None:
        told = Faults()
        told.add(Place("", path), code, expected=expected, got=got)
        self.faults += [Fault(path, each.code, each.message_en, each.message_zh) for each in told.listed]


def _unknown_subject(path: str, credit_code: str) -> Fault:
    return Fault(
        path,
        "SUBJECT_UNKNOWN",
        f"Expected one of the subjects that were given, or none, but got {credit_code}.",
        f"应为所给 subjects 中的企业，或留空，实际为 {credit_code}。",
    )


def _subject(number: int, entry: ListEntry) -> Subject:
    return Subject(
        subject=number,
        name=entry.credit_code,
        events=entry.events,
        pre_move_tax_minor=entry.pre_move_tax_minor,
        cause_of_move=entry.cause_of_move,
        referred_by=entry.referred_by,
        base_year_amount_minor=entry.base_year_amount_minor,
        controller=entry.controller,
        attributes=entry.attributes,
    )


def _size_faults(
    terms: Terms, figures: Sequence[LineDraft], subjects: Sequence[ListEntry], through: Quarter
) -> list[Fault]:
    first = Quarter.parse(terms.in_force_from)
    last_taken = first.plus(QUARTERS_MAX - 1)
    faults = [
        Fault(
            path,
            "TRIAL_TOO_LARGE",
            f"Expected at most {limit}, but got {count}. Try fewer at once.",
            f"最多 {limit} 项，实际为 {count} 项。请减少后再试。",
        )
        for path, count, limit in (
            ("figures", len(figures), FIGURES_MAX),
            ("subjects", len(subjects), SUBJECTS_MAX),
            ("figures", len({draft.credit_code for draft in figures}), SUBJECTS_MAX + 1),
        )
        if count > limit
    ]
    if not first <= through <= last_taken:
        faults.append(
            Fault(
                "through",
                "QUARTER_OUT_OF_RANGE",
                f"Expected a quarter from {first} to {last_taken}, but got {through}.",
                f"季度应在 {first} 至 {last_taken} 之间，实际为 {through}。",
            )
        )
    return faults
