"""Figures from a plain file, for trying terms without a ledger.

The file has the headers of a return (Chinese or English); its lines may be about any quarters. A line with a
credit code is about that enterprise, one without about the whole park.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ledger.desk.occurrences import occurrence_faults
from ledger.desk.returns.checks import (
    FORMULA_ERRORS,
    WHOLE_PARK_NAMES,
    YUAN_UNIT,
    AmountRefused,
    CellValue,
    Field,
    Row,
    WrittenReturn,
    amount_text,
    measure_label,
    period_text,
    unit_term,
)
from ledger.desk.returns.faults import WHOLE_FILE, Faults, Term, measure_terms
from ledger.desk.returns.sheets import opened
from ledger.desk.returns.workbook import read_file
from ledger.measures import MEASURES, YUAN, Measure
from ledger.money import AmountUnreadable, parse_amount
from ledger.periods import DayUnreadable, Quarter, Span, parse_day, quarters_between
from ledger.rules.facts import Facts, Line, Subject
from ledger.rules.terms import WHOLE_PARK, ExampleSubject, Terms
from ledger_console.command.failures import EnterprisesUnreadable, OccurrenceUnreadable
from ledger_console.command.output import read_bytes

FIRST_PERIOD, LAST_PERIOD = Quarter(1990, 1), Quarter(2199, 4)
PERIOD_EXAMPLE = "2024Q3, 2024-07"

Enterprises = Mapping[str, ExampleSubject]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the file holds; ``numbers`` gives each enterprise's subject number by credit code."""

    facts: Facts
    numbers: Mapping[str, int]

    @property
    def last_quarter(self) -> Quarter:
        """The last quarter with a figure; every file that was taken has one."""
        return max(line.span.quarter for line in self.facts.lines)

    def name(self, subject: int) -> str:
        """The credit code; empty for the whole park."""
        return next((code for code, number in self.numbers.items() if number == subject), "")


def read_enterprises(path: Path) -> Enterprises:
    """Credit code to attributes, from a JSON file. Raises ``FileNotReadable``, ``EnterprisesUnreadable``."""
    try:
        return TypeAdapter(dict[str, ExampleSubject]).validate_json(read_bytes(path))
    except ValidationError as refusal:
        told = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in refusal.errors()]
        raise EnterprisesUnreadable(path=path, detail="; ".join(told)) from refusal


def read_occurrences(written: Sequence[str]) -> dict[str, date]:
    """Name to day, each written as ``NAME=DAY``. Raises ``OccurrenceUnreadable``."""
    return dict(_occurrence(each) for each in written)


def _occurrence(written: str) -> tuple[str, date]:
    name, _, day = written.partition("=")
    try:
        found = (name, parse_day(day))
    except DayUnreadable as refusal:
        raise OccurrenceUnreadable(written=written) from refusal
    if occurrence_faults("occurrences", [found]):
        raise OccurrenceUnreadable(written=written)
    return found


def read_figures(
    path: Path,
    terms: Terms,
    enterprises: Enterprises | None = None,
    occurrences: Mapping[str, date] | None = None,
) -> Figures:
    """The figures of a CSV file or a workbook; ``terms`` only say which measures to suggest.

    Without ``enterprises`` every credit code is an enterprise of which nothing else is known; ``occurrences``
    are what has happened to the agreement. Raises ``FileNotReadable``, ``ReturnRefused`` with every fault.
    """
    content = read_bytes(path)
    faults = Faults()
    written = read_file(path.name, opened(content), faults)
    reader = _Reader(written, terms, enterprises, faults)
    lines = [line for index, row in enumerate(written.rows) if (line := reader.line(index, row)) is not None]
    if not written.rows:
        faults.add(WHOLE_FILE, "FILE_EMPTY")
    faults.refuse_if_any()
    subjects = _subjects(reader.numbers, enterprises or {})
    return Figures(Facts(lines, subjects, occurrences or {}), reader.numbers)


class _Reader:
    """Takes lines one by one, and numbers enterprises as they come."""

    def __init__(
        self, written: WrittenReturn, terms: Terms, enterprises: Enterprises | None, faults: Faults
    ) -> None:
        self._written = written
        self._measure_names = _measure_names(terms)
        self._faults = faults
        self._are_listed = enterprises is not None
        self.numbers = {code: number for number, code in enumerate(enterprises or (), start=1)}

    def line(self, index: int, row: Row) -> Line | None:
        measure = self._measure(index, row.measure)
        span = self._span(index, row.span)
        subject = self._subject(index, row.credit_code)
        amount_minor = None if measure is None else self._amount(index, row.amount, measure)
        if measure is None or span is None or subject is None or amount_minor is None:
            return None
        place = self._written.place_of(index, "amount")
        return Line(subject, measure.name, span, amount_minor, place.cell, str(row.document or ""))

    def _measure(self, index: int, value: CellValue) -> Measure | None:
        measure = _measures().get(str(value or "").strip().casefold())
        if measure is None:
            self._refuse(index, "measure", "MEASURE_UNKNOWN", self._measure_names, value)
        elif self._written.extra_places and measure.commodity.unit_zh != YUAN_UNIT:
            self._refuse(index, "measure", "UNIT_NOT_YUAN", "", unit_term(measure))
            return None
        return measure

    def _span(self, index: int, value: CellValue) -> Span | None:
        span = _spans().get(period_text(value))
        if span is None:
            self._refuse(index, "span", "PERIOD_UNREADABLE", PERIOD_EXAMPLE, period_text(value))
        return span

    def _subject(self, index: int, value: CellValue) -> int | None:
        if value is not None and not isinstance(value, str):
            self._refuse(index, "credit_code", "TEXT_EXPECTED", "", value)
            return None
        code = (value or "").strip()
        if code.casefold() in WHOLE_PARK_NAMES:
            return WHOLE_PARK
        if self._are_listed and code not in self.numbers:
            self._refuse(index, "credit_code", "ENTERPRISE_NOT_LISTED", "", code)
            return None
        return self.numbers.setdefault(code, len(self.numbers) + 1)

    def _amount(self, index: int, value: CellValue, measure: Measure) -> int | None:
        scale = measure.commodity.scale + self._written.extra_places
        try:
            if value in FORMULA_ERRORS:
                raise AmountRefused("FORMULA_ERROR")
            return parse_amount(amount_text(value), scale)
        except AmountUnreadable:
            self._refuse(index, "amount", "AMOUNT_UNREADABLE", "1234.56" if scale else "1234", value)
        except AmountRefused as refusal:
            self._refuse(index, "amount", refusal.kind, refusal.expected, value)
        return None

    def _refuse(self, index: int, field: Field, code: str, expected: object, got: object) -> None:
        self._faults.add(self._written.place_of(index, field), code, expected=expected, got=got)


def _subjects(numbers: Mapping[str, int], enterprises: Enterprises) -> dict[int, Subject]:
    return {
        number: _subject(number, code, enterprises.get(code) or ExampleSubject())
        for code, number in numbers.items()
    }


def _subject(number: int, code: str, attributes: ExampleSubject) -> Subject:
    base = attributes.base_year_amount
    return Subject(
        subject=number,
        name=code,
        events=attributes.events,
        pre_move_tax_minor={
            int(year): parse_amount(text, YUAN.scale) for year, text in attributes.pre_move_tax.items()
        },
        cause_of_move=attributes.cause_of_move,
        referred_by=attributes.referred_by,
        base_year_amount_minor=None if base is None else parse_amount(base, YUAN.scale),
        controller=attributes.controller,
        attributes=attributes.attributes,
    )


def _measure_names(terms: Terms) -> Term:
    read = {name for clause in terms.clauses for name in (*clause.what.measures, *clause.what.deduct)}
    return measure_terms(each for each in MEASURES if each.name in read)


@cache
def _measures() -> dict[str, Measure]:
    """Every spelling of a measure."""
    return {
        spelling.casefold(): measure
        for measure in MEASURES
        for spelling in (measure.name, measure.name_zh, measure.name_en, measure_label(measure))
    }


@cache
def _spans() -> dict[str, Span]:
    """Every spelling of a quarter or a month."""
    spans = [
        span
        for quarter in quarters_between(FIRST_PERIOD, LAST_PERIOD)
        for span in (Span.of_quarter(quarter), *_months(quarter))
    ]
    return {spelling: span for span in spans for spelling in (str(span), span.name_zh)}


def _months(quarter: Quarter) -> list[Span]:
    start = quarter.start
    return [Span(date(start.year, start.month + offset, 1), 1) for offset in range(3)]
