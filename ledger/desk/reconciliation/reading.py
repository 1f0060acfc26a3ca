"""Reading reconciliations: what is compared, what came of it, and what people did about the lines.

Only effective returns are compared. Nothing that comes of comparing is stored: it follows from the returns,
the terms and the steps that people took.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from sqlalchemy import ColumnElement, Connection, select, true

from ledger.desk import agreements, returns
from ledger.desk.agreements import NumberedVersion
from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.reconciliation.differing import differing_lines
from ledger.desk.reconciliation.disputes import OUTCOMES, Standing, State, Step, StepKind, standing_of
from ledger.desk.reconciliation.failures import NothingCompared
from ledger.desk.reconciliation.ladder import (
    Basis,
    Comparison,
    Decision,
    Excepted,
    Figures,
    Group,
    Key,
    compare,
    excepted_of,
)
from ledger.desk.reconciliation.suggestions import Suggestion, suggestions
from ledger.desk.returns import Filing
from ledger.evidence.canonical import canonical_bytes, digest
from ledger.measures import MEASURE_BY_ID, MEASURE_BY_NAME
from ledger.money import parse_amount
from ledger.periods import Quarter, Span
from ledger.rules import procedure as rules
from ledger.rules.facts import Line
from ledger.rules.procedure import Procedure
from ledger.rules.terms import Terms
from ledger_schema.tables import reconciliation_item, reconciliation_line, reconciliation_step

BASIS_FORMAT = "parkledger.reconciliation-basis/1"


@dataclass(frozen=True, slots=True)
class Compared:
    """Which returns of a quarter are compared, on which basis; a return that isn't there is None."""

    agreement_id: int
    quarter: Quarter
    record: str
    against: str
    basis: Basis
    record_return: Filing | None
    against_return: Filing | None
    arbiter: str | None
    due_on: date | None
    """The day by which the calendar wants it done."""

    @property
    def hash(self) -> bytes:
        """SHA-256 over everything that the comparison rests on, so that a decision can name what it saw."""
        return digest(
            canonical_bytes(
                {
                    "format": BASIS_FORMAT,
                    "agreement": str(self.agreement_id),
                    "quarter": str(self.quarter),
                    "record": [self.record, _named(self.record_return)],
                    "against": [self.against, _named(self.against_return)],
                    "measures": list(self.basis.measures),
                    "tolerances": {name: str(most) for name, most in self.basis.tolerances_minor.items()},
                    "unanswered": self.basis.unanswered,
                }
            )
        )

    @property
    def filing_ids(self) -> list[int]:
        return [one.filing_id for one in (self.record_return, self.against_return) if one is not None]


@dataclass(frozen=True, slots=True)
class Item:
    """What people did about some lines; ``record`` and ``against`` are the figures that it is about."""

    number: int
    quarter: Quarter
    record: Figures
    against: Figures
    steps: list[Step]
    standing: Standing
    due_on: date | None

    @property
    def decision(self) -> Decision:
        standing = self.standing
        offer = standing.offer if standing.state.is_end else None
        return Decision(
            self.number,
            self.record,
            self.against,
            OUTCOMES[standing.state],
            reason=None if offer is None else offer.reason,
            amount_minor=None if offer is None else offer.amount_minor,
        )

    @property
    def opened_at(self) -> datetime:
        return self.steps[0].at

    @property
    def last_step_at(self) -> datetime:
        return self.steps[-1].at

    def days_open(self, now: datetime) -> int:
        """Whole days from the first step to the end, or to ``now``."""
        return ((self.last_step_at if self.standing.state.is_end else now) - self.opened_at).days


@dataclass(frozen=True)
class Reconciliation:
    """The report of one comparison: its basis, every group, and what people did."""

    compared: Compared
    comparison: Comparison
    items: Mapping[int, Item] = field(default_factory=dict)

    @property
    def groups(self) -> list[Group]:
        return self.comparison.groups

    @property
    def lapsed(self) -> list[Item]:
        """Items that decide nothing any more because their lines have changed since."""
        return [
            self.items[number]
            for number in self.comparison.lapsed
            if self.items[number].standing.state is not State.FREE
        ]

    @cached_property
    def suggested(self) -> dict[Key, Suggestion]:
        """What the machine suggests, by each part that it is about."""
        return {key: one for one in suggestions(self.groups) for key in one.keys}


# --- reports ----------------------------------------------------------------------------------------------


def reconciliation(
    connection: Connection, agreement_id: int, quarter: Quarter, record: str | None = None
) -> Reconciliation:
    """How the return of ``record`` for the quarter compares; without a role, the first that is compared.

    Raises ``NotFound``, ``NothingCompared``.
    """
    agreements.agreement(connection, agreement_id)
    compared = comparison_of(connection, agreement_id, quarter, record)
    of_filings = _lines(connection, agreement_id, compared.filing_ids)
    found = items(connection, agreement_id, quarter=quarter, record=compared.record)
    return _report(compared, of_filings, found)


def comparison_of(
    connection: Connection, agreement_id: int, quarter: Quarter, record: str | None = None
) -> Compared:
    """What is compared for the quarter. Raises ``NothingCompared``."""
    versions = agreements.terms_in_force(connection, agreement_id)
    filings = returns.current_filings(connection, agreement_id)
    found = _compared(agreement_id, versions, filings, quarter)
    for one in found:
        if record in (None, one.record):
            return one
    roles = ", ".join(one.record for one in found) or "—"
    raise NothingCompared(quarter=quarter, role=record or "—", roles=roles)


def compared_roles(connection: Connection, agreement_id: int, quarter: Quarter) -> list[str]:
    """The roles of record whose returns for the quarter are compared."""
    procedure = agreements.procedure_in_force(connection, agreement_id, quarter)
    return [one.record for one in procedure.reconciliations]


def excepted(
    connection: Connection,
    agreement_id: int,
    versions: Sequence[NumberedVersion],
    filings: Mapping[tuple[Quarter, str], Filing],
    through: Quarter,
) -> dict[tuple[Quarter, str, Key], Excepted]:
    """What of the returns of record about quarters up to ``through`` doesn't count as it was reported.

    By quarter, role of record and part. ``versions`` in force and effective ``filings`` are the caller's.
    """
    quarters = sorted({quarter for quarter, _ in filings if quarter <= through})
    found = [
        one
        for quarter in quarters
        for one in _compared(agreement_id, versions, filings, quarter)
        if one.record_return is not None
    ]
    if not found:
        return {}
    by_comparison: defaultdict[tuple[Quarter, str], list[Item]] = defaultdict(list)
    for item in items(connection, agreement_id):
        by_comparison[item.quarter, item.standing.record].append(item)
    return {
        (one.quarter, one.record, key): exception
        for one in found
        for key, exception in _excepted_of(connection, one, by_comparison[one.quarter, one.record]).items()
    }


def _excepted_of(connection: Connection, compared: Compared, found: Sequence[Item]) -> dict[Key, Excepted]:
    about = (key for item in found for key in (*item.record, *item.against))
    lines = differing_lines(connection, (compared.record_return, compared.against_return), about)
    return excepted_of(_report(compared, lines, found).groups)


def _report(
    compared: Compared, of_filings: Mapping[int, Sequence[Line]], found: Iterable[Item]
) -> Reconciliation:
    ours, theirs = (
        () if one is None else of_filings[one.filing_id]
        for one in (compared.record_return, compared.against_return)
    )
    of_sides = {item.number: item for item in found if item.standing.against == compared.against}
    decisions = [item.decision for item in of_sides.values()]
    return Reconciliation(compared, compare(ours, theirs, compared.basis, decisions), of_sides)


def _compared(
    agreement_id: int,
    versions: Sequence[NumberedVersion],
    filings: Mapping[tuple[Quarter, str], Filing],
    quarter: Quarter,
) -> list[Compared]:
    terms = agreements.terms_at(versions, quarter)
    procedure = agreements.procedure_at(versions, quarter)
    return [
        Compared(
            agreement_id,
            quarter,
            one.record,
            one.against,
            basis_of(terms, one),
            filings.get((quarter, one.record)),
            filings.get((quarter, one.against)),
            procedure.arbiter,
            _due_on(procedure, quarter),
        )
        for one in procedure.reconciliations
        if terms is not None
    ]


def basis_of(terms: Terms, one: rules.Reconciliation) -> Basis:
    """On what a comparison that the terms ask for is made."""
    measures = {
        name
        for clause in terms.clauses
        if clause.what.reported_by == one.record
        for name in (*clause.what.measures, *clause.what.deduct)
    }
    tolerances_minor = {
        row.measure: parse_amount(row.amount, MEASURE_BY_NAME[row.measure].commodity.scale)
        for row in one.tolerances
        if row.measure in measures
    }
    return Basis(tuple(sorted(measures)), tolerances_minor, one.unanswered)


def _due_on(procedure: Procedure, quarter: Quarter) -> date | None:
    return None if procedure.calendar is None else procedure.calendar.due_days(quarter).get("reconcile")


def _named(filing: Filing | None) -> list[str] | None:
    return None if filing is None else [str(filing.filing_id), filing.lines_hash.hex()]


def _lines(connection: Connection, agreement_id: int, filing_ids: Sequence[int]) -> dict[int, list[Line]]:
    of_filings: dict[int, list[Line]] = {filing_id: [] for filing_id in filing_ids}
    for line in returns.lines_of_filings(connection, agreement_id, filing_ids):
        of_filings[int(line.line_id.partition("/")[0])].append(line)
    return of_filings


# --- items ------------------------------------------------------------------------------------------------


def item(connection: Connection, agreement_id: int, number: int) -> Item:
    """One item. Raises ``NotFound``."""
    found = _items(connection, agreement_id, reconciliation_item.c.item == number)
    if not found:
        raise NotFound("reconciliation item", number)
    return found[0]


def items(
    connection: Connection, agreement_id: int, *, quarter: Quarter | None = None, record: str | None = None
) -> list[Item]:
    """Everything that people did about lines, by number."""
    columns = reconciliation_item.c
    wanted = [
        true() if quarter is None else columns.quarter == quarter.code,
        true() if record is None else columns.record_role == record,
    ]
    return _items(connection, agreement_id, *wanted)


def items_page(
    connection: Connection,
    agreement_id: int,
    *,
    quarter: Quarter | None = None,
    owner: str | None = None,
    after: int = 0,
    limit: int = PAGE_LIMIT,
) -> Page[Item]:
    """As ``items``, a page after the item ``after``; with ``owner`` only those that wait for this role.

    For whom an item waits follows from its steps, so as many are read, some at a time, as it takes to fill
    the page. Raises ``LimitUnusable``.
    """
    count, columns = rows_to_read(limit), reconciliation_item.c
    of_quarter = true() if quarter is None else columns.quarter == quarter.code
    found: list[Item] = []
    has_more = True
    while has_more and len(found) < count:
        read = _items(connection, agreement_id, of_quarter, columns.item > after, limit=count)
        found += [one for one in read if owner in (None, one.standing.owner)]
        has_more = len(read) == count
        after = read[-1].number if read else after
    return page_of(found, limit, lambda one: one)


def _items(
    connection: Connection, agreement_id: int, *wanted: ColumnElement[bool], limit: int | None = None
) -> list[Item]:
    rows = connection.execute(
        select(reconciliation_item)
        .where(reconciliation_item.c.agreement_id == agreement_id, *wanted)
        .order_by(reconciliation_item.c.item)
        .limit(limit)
    ).all()
    if not rows:
        return []
    numbers = [row.item for row in rows]
    of_sides = _figures(connection, agreement_id, numbers)
    steps = _steps(connection, agreement_id, numbers)
    versions = agreements.terms_in_force(connection, agreement_id)
    procedures = {
        quarter: agreements.procedure_at(versions, quarter)
        for quarter in {Quarter.from_code(row.quarter) for row in rows}
    }
    return [
        Item(
            number=row.item,
            quarter=(quarter := Quarter.from_code(row.quarter)),
            record=of_sides[row.item, "record"],
            against=of_sides[row.item, "against"],
            steps=steps[row.item],
            standing=standing_of(
                steps[row.item], row.record_role, row.against_role, procedures[quarter].arbiter
            ),
            due_on=_due_on(procedures[quarter], quarter),
        )
        for row in rows
    ]


def _figures(
    connection: Connection, agreement_id: int, numbers: Sequence[int]
) -> defaultdict[tuple[int, str], dict[Key, int]]:
    columns = reconciliation_line.c
    rows = connection.execute(
        select(reconciliation_line).where(columns.agreement_id == agreement_id, columns.item.in_(numbers))
    )
    found: defaultdict[tuple[int, str], dict[Key, int]] = defaultdict(dict)
    for row in rows:
        key = Key(row.subject_id, MEASURE_BY_ID[row.measure_id].name, Span(row.starts, row.months))
        found[row.item, row.side][key] = row.amount_minor
    return found


def _steps(connection: Connection, agreement_id: int, numbers: Sequence[int]) -> dict[int, list[Step]]:
    columns = reconciliation_step.c
    rows = connection.execute(
        select(reconciliation_step)
        .where(columns.agreement_id == agreement_id, columns.item.in_(numbers))
        .order_by(columns.item, columns.step)
    )
    found: dict[int, list[Step]] = {number: [] for number in numbers}
    for row in rows:
        found[row.item].append(
            Step(
                StepKind(row.kind),
                row.role,
                row.person,
                row.recorded_at,
                row.reason,
                row.amount_minor,
                row.offer,
                row.content,
            )
        )
    return found
