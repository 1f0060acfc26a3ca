"""Checks a return against what the terms expect of the role: all faults at once, nothing guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from ledger.desk.returns.faults import WHOLE_FILE, Faults, Place, Term, measure_term, measure_terms
from ledger.measures import MEASURES, Measure
from ledger.money import AMOUNT_LIMIT_MINOR, AmountUnreadable, format_amount, parse_amount
from ledger.periods import PeriodUnreadable, Quarter, Span
from ledger.rules.terms import WHOLE_PARK, Clause, Scope, Step

CellValue: TypeAlias = "bool | int | float | str | date | None"
Field: TypeAlias = Literal["credit_code", "enterprise", "measure", "span", "amount", "document"]

_FIELDS: tuple[Field, ...] = ("credit_code", "enterprise", "measure", "span", "amount", "document")

NUMBER_DIGITS_MAX = 15
"""A number cell is an IEEE double: more significant digits aren't kept exactly."""

DOCUMENT_LENGTH_MAX = 200
NO_TOTAL = Term("未申报", "none", "")
"""What came where a total was to be declared."""
WAN_PLACES = 4
YUAN_UNIT = "元"
FORMULA_ERRORS: frozenset[CellValue] = frozenset(
    {"#REF!", "#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#VALUE!", "#GETTING_DATA", "#SPILL!", "#CALC!"}
)
LINES_OF_REQUEST = Place("", "lines")
TOTALS_OF_REQUEST = Place("", "totals")
NIL_OF_REQUEST = "isNil: true"
WHOLE_PARK_NAMES = frozenset({"", "全园区", "whole park"})

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)


class Row(NamedTuple):
    """One line as it was written."""

    credit_code: CellValue
    enterprise: CellValue
    measure: CellValue
    span: CellValue
    amount: CellValue
    document: CellValue


class DeclaredTotal(NamedTuple):
    """The sum of a measure as the sender declares it."""

    measure: CellValue
    amount: CellValue
    measure_place: Place
    amount_place: Place


class Statement(NamedTuple):
    """What a file says that it is: the code of its agreement, the role, or the quarter."""

    about: Literal["agreement", "role", "quarter"]
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class WrittenReturn:
    """A return as it was written, nothing of it understood yet.

    ``place_of`` names the cell of a row's field. ``extra_places``: 0 where amounts are in the commodity's
    unit, 4 where they're in 万元. In a request (``is_request``) amounts and periods are taken exactly as
    they are written, with no blanks around them and no other spelling: a program wrote them, not a person.
    """

    rows: Sequence[Row]
    totals: Sequence[DeclaredTotal]
    place_of: Callable[[int, Field], Place]
    is_nil: bool = False
    extra_places: int = 0
    statements: Sequence[Statement] = ()
    is_request: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedMeasure:
    """What the clauses that read a measure need of it."""

    measure: Measure
    is_monthly: bool
    for_whole_park: bool
    for_enterprises: bool


@dataclass(frozen=True, slots=True)
class ListedEnterprise:
    enterprise_id: int
    name_zh: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one role is to report for one quarter: measures by name, enterprises by credit code."""

    agreement_code: str
    role: str
    quarter: Quarter
    measures: Mapping[str, ExpectedMeasure]
    enterprises: Mapping[str, ListedEnterprise]

    @property
    def spans(self) -> list[Span]:
        """The quarter and its months."""
        start = self.quarter.start
        months = [Span(date(start.year, start.month + offset, 1), 1) for offset in range(3)]
        return [Span.of_quarter(self.quarter), *months]

    @property
    def measure_names(self) -> Term:
        return measure_terms(each.measure for each in self.measures.values())


@dataclass(slots=True)
class CheckedReturn:
    """The lines as columns of equal length, ready to be stored; amounts in minor units."""

    subjects: list[int] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    amounts_minor: list[int] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    totals_minor: dict[str, int] = field(default_factory=dict)


def expected_measures(clauses: Sequence[Clause], *roles: str) -> dict[str, ExpectedMeasure]:
    """The measures that the ``roles`` report under ``clauses``, in the order of the catalogue."""
    readers: dict[str, list[Clause]] = {}
    for clause in clauses:
        if clause.what.reported_by in roles:
            for name in (*clause.what.measures, *clause.what.deduct):
                readers.setdefault(name, []).append(clause)
    return {
        measure.name: _expected_measure(measure, readers[measure.name])
        for measure in MEASURES
        if measure.name in readers
    }


def _expected_measure(measure: Measure, clauses: Sequence[Clause]) -> ExpectedMeasure:
    scopes = {clause.whose.scope for clause in clauses}
    return ExpectedMeasure(
        measure,
        is_monthly=any(clause.when.step is Step.MONTH for clause in clauses),
        for_whole_park=Scope.WHOLE_PARK in scopes,
        for_enterprises=Scope.LISTED_ENTERPRISES in scopes,
    )


def measure_label(measure: Measure) -> str:
    """The name for people; the unit is added where it isn't yuan: ``期末从业人员（人）``."""
    commodity = measure.commodity
    return measure.name_zh if commodity.unit_zh == YUAN_UNIT else f"{measure.name_zh}（{commodity.unit_zh}）"


def unit_term(measure: Measure) -> Term:
    """A measure with the unit that it is counted in."""
    term, commodity = measure_term(measure), measure.commodity
    return Term(
        f"{term.zh}，单位为{commodity.unit_zh}",
        f"{term.en} in {commodity.unit_en}",
        f"{term}: {commodity.unit_zh}",
    )


def _total_term(measure: Measure, amount: str) -> Term:
    term = measure_term(measure)
    return Term(f"{term.zh} {amount}", f"{amount} for {term.en}", f"{term}: {amount}")


def check(written: WrittenReturn, expectation: Expectation, faults: Faults) -> CheckedReturn:
    """The lines of ``written``; whatever is wrong goes to ``faults``, and then the result is of no use."""
    checker = _Checker(written, expectation, faults)
    checker.refuse_other_return()
    if written.is_nil:
        checker.refuse_figures()
        return CheckedReturn()
    if not written.rows:
        _refuse_emptiness(written, faults)
    for index, row in enumerate(written.rows):
        checker.take_line(index, row)
    checker.take_totals()
    return checker.checked


def _refuse_emptiness(written: WrittenReturn, faults: Faults) -> None:
    if written.is_request:
        faults.add(LINES_OF_REQUEST, "LINES_MISSING", expected=NIL_OF_REQUEST, got="[]")
    else:
        faults.add(WHOLE_FILE, "FILE_EMPTY")


class _Checker:
    """The state of one check: what was accepted, and what was seen before."""

    def __init__(self, written: WrittenReturn, expectation: Expectation, faults: Faults) -> None:
        self.checked = CheckedReturn()
        self._written = written
        self._expectation = expectation
        self._faults = faults
        self._spans = {str(span): span for span in expectation.spans}
        if not written.is_request:
            self._spans |= {span.name_zh: span for span in expectation.spans}
        self._measure_names = expectation.measure_names
        self._span_names = ", ".join(map(str, expectation.spans))
        self._month_names = ", ".join(str(span) for span in expectation.spans if span.months == 1)
        self._rows_by_key: dict[tuple[int, str, Span, str], int] = {}
        self._sums_minor: dict[str, int] = {}
        self._unsure_sums: set[str] = set()
        self._are_all_sums_unsure = False

    def refuse_other_return(self) -> None:
        expectation = self._expectation
        expected = {
            "agreement": expectation.agreement_code,
            "role": expectation.role,
            "quarter": str(expectation.quarter),
        }
        for statement in self._written.statements:
            if statement.text != expected[statement.about]:
                self._faults.add(
                    statement.place, "WRONG_RETURN", expected=expected[statement.about], got=statement.text
                )

    def refuse_figures(self) -> None:
        for index, row in enumerate(self._written.rows):
            self._faults.add(self._place(index, "amount"), "NIL_WITH_FIGURES", got=row.amount)
        for total in self._written.totals:
            self._faults.add(total.amount_place, "NIL_WITH_FIGURES", got=total.amount)

    def take_line(self, index: int, row: Row) -> None:
        if self._has_formula_error(index, row):
            self._are_all_sums_unsure = True
            return
        expected = self._measure(row.measure, partial(self._place, index, "measure"))
        span = self._span(index, row.span, expected)
        subject = self._subject(index, row, expected)
        document = self._document(index, row.document)
        if expected is None:
            self._are_all_sums_unsure = True
            return
        amount_minor = self._amount(row.amount, expected.measure, partial(self._place, index, "amount"))
        if amount_minor is None or span is None or subject is None or document is None:
            self._unsure_sums.add(expected.measure.name)
            return
        if self._is_new(index, (subject, expected.measure.name, span, document)):
            self._accept(subject, expected.measure, span, amount_minor, document)

    def _has_formula_error(self, index: int, row: Row) -> bool:
        if FORMULA_ERRORS.isdisjoint(row):
            return False
        for name in _FIELDS:
            value = getattr(row, name)
            if value in FORMULA_ERRORS:
                self._faults.add(self._place(index, name), "FORMULA_ERROR", got=value)
        return True

    def _accept(self, subject: int, measure: Measure, span: Span, amount_minor: int, document: str) -> None:
        checked = self.checked
        checked.subjects.append(subject)
        checked.measures.append(measure)
        checked.spans.append(span)
        checked.amounts_minor.append(amount_minor)
        checked.documents.append(document)
        self._sums_minor[measure.name] = self._sums_minor.get(measure.name, 0) + amount_minor

    def _is_new(self, index: int, key: tuple[int, str, Span, str]) -> bool:
        first = self._rows_by_key.setdefault(key, index)
        if first == index:
            return True
        self._unsure_sums.add(key[1])
        self._faults.add(
            self._place(index, "measure"), "LINE_REPEATED", expected=self._place(first, "measure").cell
        )
        return False

    def take_totals(self) -> None:
        places: dict[str, Place] = {}
        for total in self._written.totals:
            self._take_total(total, places)
        self._refuse_missing_totals(places)

    def _take_total(self, total: DeclaredTotal, places: dict[str, Place]) -> None:
        expected = self._measure(total.measure, lambda: total.measure_place)
        if expected is None:
            return
        measure = expected.measure
        first = places.setdefault(measure.name, total.amount_place)
        if first != total.amount_place:
            self._faults.add(
                total.measure_place, "TOTAL_REPEATED", expected=first.cell, got=measure_term(measure)
            )
        elif total.amount in FORMULA_ERRORS:
            self._faults.add(total.amount_place, "FORMULA_ERROR", got=total.amount)
        else:
            declared_minor = self._amount(total.amount, measure, lambda: total.amount_place)
            self._compare(measure, declared_minor, total.amount_place)

    def _compare(self, measure: Measure, declared_minor: int | None, place: Place) -> None:
        if declared_minor is None:
            return
        self.checked.totals_minor[measure.name] = declared_minor
        sum_minor = self._sums_minor.get(measure.name, 0)
        if declared_minor != sum_minor and not self._is_unsure(measure.name):
            self._faults.add(
                place,
                "TOTAL_DIFFERS",
                expected=self._written_amount(sum_minor, measure),
                got=self._written_amount(declared_minor, measure),
            )

    def _refuse_missing_totals(self, declared: Mapping[str, Place]) -> None:
        for name, sum_minor in self._sums_minor.items():
            if name not in declared:
                measure = self._expectation.measures[name].measure
                self._faults.add(
                    TOTALS_OF_REQUEST if self._written.is_request else WHOLE_FILE,
                    "TOTAL_MISSING",
                    expected=_total_term(measure, self._written_amount(sum_minor, measure)),
                    got=NO_TOTAL,
                )

    def _is_unsure(self, name: str) -> bool:
        """A sum over lines with faults of their own would only add noise to the list."""
        return self._are_all_sums_unsure or name in self._unsure_sums

    def _measure(self, value: CellValue, place: Callable[[], Place]) -> ExpectedMeasure | None:
        if is_blank(value):
            self._faults.add(place(), "MEASURE_MISSING", expected=self._measure_names)
            return None
        measure = _MEASURE_BY_SPELLING.get(str(value).strip().casefold())
        if measure is None:
            self._faults.add(place(), "MEASURE_UNKNOWN", expected=self._measure_names, got=value)
            return None
        expected = self._expectation.measures.get(measure.name)
        if expected is None:
            self._faults.add(
                place(), "MEASURE_NOT_EXPECTED", expected=self._measure_names, got=measure_term(measure)
            )
        elif self._scale(measure) is None:
            self._faults.add(place(), "UNIT_NOT_YUAN", got=unit_term(measure))
            return None
        return expected

    def _span(self, index: int, value: CellValue, expected: ExpectedMeasure | None) -> Span | None:
        span = self._spans.get(value) if isinstance(value, str) else None
        if span is None:
            span = self._spelled_span(index, value)
        if span is not None and expected is not None and expected.is_monthly and span.months != 1:
            self._faults.add(
                self._place(index, "span"), "MONTH_REQUIRED", expected=self._month_names, got=value
            )
            return None
        return span

    def _spelled_span(self, index: int, value: CellValue) -> Span | None:
        text = str(value) if self._written.is_request else period_text(value)
        span = self._spans.get(text)
        if span is None:
            code = "PERIOD_OUTSIDE_QUARTER" if _is_period(text) else "PERIOD_UNREADABLE"
            self._faults.add(self._place(index, "span"), code, expected=self._span_names, got=text or "∅")
        return span

    def _subject(self, index: int, row: Row, expected: ExpectedMeasure | None) -> int | None:
        code = row.credit_code
        if code is not None and not isinstance(code, str):
            self._faults.add(self._place(index, "credit_code"), "TEXT_EXPECTED", got=code)
            return None
        text = (code or "").strip()
        if text.casefold() in WHOLE_PARK_NAMES:
            return self._whole_park(index, expected)
        return self._enterprise(index, row, text.upper(), expected)

    def _whole_park(self, index: int, expected: ExpectedMeasure | None) -> int | None:
        if expected is None or expected.for_whole_park:
            return WHOLE_PARK
        self._faults.add(self._place(index, "credit_code"), "CREDIT_CODE_MISSING")
        return None

    def _enterprise(self, index: int, row: Row, code: str, expected: ExpectedMeasure | None) -> int | None:
        if expected is not None and not expected.for_enterprises:
            self._faults.add(self._place(index, "credit_code"), "CREDIT_CODE_NOT_TAKEN", got=code)
            return None
        listed = self._expectation.enterprises.get(code)
        if listed is None:
            self._faults.add(self._place(index, "credit_code"), "ENTERPRISE_NOT_LISTED", got=code)
            return None
        if not is_blank(row.enterprise) and str(row.enterprise).strip() != listed.name_zh:
            self._faults.add(
                self._place(index, "enterprise"),
                "ENTERPRISE_NAME_DIFFERS",
                expected=listed.name_zh,
                got=row.enterprise,
            )
            return None
        return listed.enterprise_id

    def _document(self, index: int, value: CellValue) -> str | None:
        text = number_text(value) if isinstance(value, int | float) else str(value or "").strip()
        if len(text) <= DOCUMENT_LENGTH_MAX and (not text or text.isprintable()):
            return text
        self._faults.add(
            self._place(index, "document"),
            "DOCUMENT_UNREADABLE",
            expected=DOCUMENT_LENGTH_MAX,
            got=repr(text),
        )
        return None

    def _amount(self, value: CellValue, measure: Measure, place: Callable[[], Place]) -> int | None:
        scale = self._scale(measure) or 0
        try:
            return parse_amount(self._amount_text(value), scale)
        except AmountUnreadable as cause:
            code, expected = _amount_fault(cause, scale)
            self._faults.add(place(), code, expected=expected, got=value)
        except AmountRefused as cause:
            self._faults.add(place(), cause.kind, expected=cause.expected, got=value)
        return None

    def _amount_text(self, value: CellValue) -> str:
        text = amount_text(value)
        return str(value) if self._written.is_request else text

    def _scale(self, measure: Measure) -> int | None:
        """Decimal places in the unit of the return; None where a unit of ten thousand makes no sense."""
        commodity = measure.commodity
        if self._written.extra_places and commodity.unit_zh != YUAN_UNIT:
            return None
        return commodity.scale + self._written.extra_places

    def _written_amount(self, amount_minor: int, measure: Measure) -> str:
        return format_amount(amount_minor, measure.commodity.scale + self._written.extra_places)

    def _place(self, index: int, name: Field) -> Place:
        return self._written.place_of(index, name)


class AmountRefused(Exception):
    """A cell that can't stand for an amount, whatever its scale; ``kind`` is the fault's code."""

    def __init__(self, kind: str, expected: str = "") -> None:
        super().__init__(kind, expected)
        self.kind = kind
        self.expected = expected


def amount_text(value: CellValue) -> str:
    """The plain decimal text of an amount cell. Raises ``AmountRefused``."""
    if is_blank(value):
        raise AmountRefused("AMOUNT_MISSING")
    if isinstance(value, bool | date) or (isinstance(value, float) and not math.isfinite(value)):
        raise AmountRefused("AMOUNT_UNREADABLE", "1234.56")
    if isinstance(value, int | float):
        if _digit_count(value) > NUMBER_DIGITS_MAX:
            raise AmountRefused("AMOUNT_INEXACT", str(NUMBER_DIGITS_MAX))
        return number_text(value)
    return str(value).strip()


def number_text(value: int | float) -> str:
    """The shortest decimal text that means the same number, without an exponent."""
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(int(value))
    return format(number.normalize(), "f") if number else "0"


def _digit_count(value: int | float) -> int:
    return len(Decimal(number_text(value)).normalize().as_tuple().digits)


def period_text(value: CellValue) -> str:
    """The text of a period cell; Excel turns ``2024-07`` into the date of the month's first day."""
    if isinstance(value, datetime):
        return str(value)
    if isinstance(value, date):
        return f"{value:%Y-%m}" if value.day == 1 else str(value)
    return "" if value is None else str(value).strip()


def is_blank(value: CellValue) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_period(text: str) -> bool:
    try:
        Span.parse(text)
    except PeriodUnreadable:
        return False
    return True


def _amount_fault(cause: AmountUnreadable, scale: int) -> tuple[str, str]:
    text = str(cause.fields["text"])
    match = _DECIMAL.fullmatch(text)
    if match is None or not text.strip("-0."):
        return "AMOUNT_UNREADABLE", "1234.56" if scale else "1234"
    if len(match[1] or "") > scale:
        return "AMOUNT_TOO_PRECISE", str(scale)
    return "AMOUNT_TOO_LARGE", format_amount(AMOUNT_LIMIT_MINOR, scale)


def _spellings(measure: Measure) -> set[str]:
    commodity = measure.commodity
    spellings = {
        measure.name,
        measure.name_zh,
        measure.name_en,
        measure_label(measure),
        f"{measure.name_zh}({commodity.unit_zh})",
        f"{measure.name_en} ({commodity.unit_en})",
    }
    return {spelling.casefold() for spelling in spellings}


_MEASURE_BY_SPELLING = {spelling: measure for measure in MEASURES for spelling in _spellings(measure)}
