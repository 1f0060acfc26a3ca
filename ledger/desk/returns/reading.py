"""Returns that were taken: which of them counts, its lines, who certified it, and what superseded it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, true, tuple_

from ledger.desk.agreements import known, procedure_at, terms_in_force
from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.measures import MEASURE_BY_ID
from ledger.periods import Quarter, Span, day_of
from ledger.rules.facts import Line
from ledger.rules.procedure import Procedure
from ledger_schema.tables import filing as filing_table
from ledger_schema.tables import filing_certification, filing_commitment, filing_total, return_line

FilingKey = tuple[int, str, int]
"""Quarter (20243), role, sequence: the order of an agreement's returns."""


@dataclass(frozen=True, slots=True)
class Filing:
    """A return that was taken. ``totals`` by measure in minor units.

    ``is_current``: it is the one that counts. ``superseded_by``: the sequence of the return that took its
    place. ``is_newest``: nothing was handed in after it. ``person`` handed it in, ``certified_by`` certified
    it. ``late_days``: how long after the day for submitting it came, 0 in time, None without a calendar.
    ``commitment`` (SHA-256) is what it opened.
    """

    filing_id: int
    agreement_id: int
    booked_quarter: Quarter
    quarter: Quarter
    role: str
    sequence: int
    is_nil: bool
    file_name: str | None
    content_hash: bytes
    lines_hash: bytes
    line_count: int
    totals: dict[str, int]
    recorded_at: datetime
    is_current: bool
    superseded_by: int | None
    person: str | None
    certified_by: str | None
    certified_at: datetime | None
    is_newest: bool
    awaits_certification: bool
    late_days: int | None
    commitment: bytes | None

    @property
    def key(self) -> FilingKey:
        return self.quarter.code, self.role, self.sequence


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """One stored figure; ``subject_id`` is the enterprise's id or 0 for the whole park."""

    line: int
    subject_id: int
    measure: str
    span: Span
    amount_minor: int
    document: str


def filings(
    connection: Connection,
    agreement_id: int,
    *,
    quarter: Quarter | None = None,
    role: str | None = None,
    known_at: datetime | None = None,
) -> list[Filing]:
    """Every return by quarter, role and sequence, superseded ones too, as known at a moment (None: now)."""
    wanted = [known(filing_table.c.recorded_at, known_at)]
    if quarter is not None:
        wanted.append(filing_table.c.quarter == quarter.code)
    if role is not None:
        wanted.append(filing_table.c.role == role)
    return _chosen(connection, agreement_id, wanted, known_at)


def _chosen(
    connection: Connection,
    agreement_id: int,
    wanted: Sequence[ColumnElement[bool]],
    known_at: datetime | None,
) -> list[Filing]:
    """The wanted returns; ``wanted`` takes all of a role and quarter or none."""
    rows = _rows(connection, agreement_id, wanted, known_at)
    totals = _totals(connection, agreement_id, [row.filing_id for row in rows])
    versions = terms_in_force(connection, agreement_id, known_at)
    return [
        filing
        for code, of_quarter in groupby(rows, lambda row: row.quarter)
        for filing in _filings(of_quarter, procedure_at(versions, Quarter.from_code(code)), totals)
    ]


def filings_page(
    connection: Connection,
    agreement_id: int,
    *,
    quarter: Quarter | None = None,
    role: str | None = None,
    known_at: datetime | None = None,
    after: FilingKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Filing]:
    """A page of ``filings``, after the one with the key ``after``.

    Which return of a role and quarter counts can't be said of one alone: those of the page's are all read.
    """
    columns = filing_table.c
    key = (columns.quarter, columns.role, columns.sequence)
    rows = connection.execute(
        select(*key)
        .where(
            columns.agreement_id == agreement_id,
            known(columns.recorded_at, known_at),
            true() if quarter is None else columns.quarter == quarter.code,
            true() if role is None else columns.role == role,
            true() if after is None else tuple_(*key) > after,
        )
        .order_by(*key)
        .limit(rows_to_read(limit))
    ).all()
    slots = {(row.quarter, row.role) for row in rows}
    wanted = [known(columns.recorded_at, known_at), tuple_(columns.quarter, columns.role).in_(slots)]
    found = {one.key: one for one in _chosen(connection, agreement_id, wanted, known_at)}
    return page_of(rows, limit, lambda row: found[tuple(row)])


def filings_by_id(connection: Connection, agreement_id: int, filing_ids: Sequence[int]) -> dict[int, Filing]:
    """The agreement's returns with these ids, as they are now; unknown ids are left out."""
    columns = filing_table.c
    slots = select(columns.quarter, columns.role).where(
        columns.agreement_id == agreement_id, columns.filing_id == func.any(list(filing_ids))
    )
    found = _chosen(connection, agreement_id, [tuple_(columns.quarter, columns.role).in_(slots)], None)
    return {one.filing_id: one for one in found if one.filing_id in filing_ids}


def filing(connection: Connection, agreement_id: int, filing_id: int) -> Filing:
    """One return. Raises ``NotFound``."""
    found = filings_by_id(connection, agreement_id, [filing_id])
    if not found:
        raise NotFound("return", filing_id)
    return found[filing_id]


def current_filings(
    connection: Connection, agreement_id: int, known_at: datetime | None = None
) -> dict[tuple[Quarter, str], Filing]:
    """The return that holds for each (quarter, role), as known at a moment (None: now)."""
    return {
        (each.quarter, each.role): each
        for each in filings(connection, agreement_id, known_at=known_at)
        if each.is_current
    }


def lines(
    connection: Connection,
    agreement_id: int,
    filing_id: int,
    after: int | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[ReturnLine]:
    """A page of a return's lines in line order, after the line number ``after``. Raises ``NotFound``."""
    booked_quarter = filing(connection, agreement_id, filing_id).booked_quarter
    columns = return_line.c
    rows = connection.execute(
        select(return_line)
        .where(
            columns.agreement_id == agreement_id,
            columns.booked_quarter == booked_quarter.code,
            columns.filing_id == filing_id,
            columns.line > (after or 0),
        )
        .order_by(columns.line)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, return_line_of)


def lines_of_filings(connection: Connection, agreement_id: int, filing_ids: Sequence[int]) -> list[Line]:
    """Every line of the returns, as the rules take them; ``line_id`` is ``<filing_id>/<line>``.

    Raises ``NotFound`` where one of them is closed to the session: part of the lines would mislead.
    """
    return lines_of_agreements(connection, [agreement_id], filing_ids)


def lines_of_agreements(
    connection: Connection, agreement_ids: Sequence[int], filing_ids: Sequence[int]
) -> list[Line]:
    """What ``lines_of_filings`` gives, of several agreements' returns at once."""
    line_counts = connection.execute(
        select(filing_table.c.booked_quarter, filing_table.c.line_count).where(
            filing_table.c.agreement_id == func.any(list(agreement_ids)),
            filing_table.c.filing_id == func.any(list(filing_ids)),
        )
    ).all()
    columns = return_line.c
    rows = connection.execute(
        select(
            columns.filing_id,
            columns.line,
            columns.subject_id,
            columns.measure_id,
            columns.months,
            columns.starts,
            columns.amount_minor,
            columns.document,
        )
        .where(
            columns.agreement_id == func.any(list(agreement_ids)),
            columns.booked_quarter.in_({row.booked_quarter for row in line_counts}),
            columns.filing_id == func.any(list(filing_ids)),
        )
        .order_by(columns.filing_id, columns.line)
    ).all()
    if len(rows) < sum(row.line_count for row in line_counts):
        raise NotFound("line", ", ".join(map(str, filing_ids)))
    return [
        Line(
            subject=subject,
            measure=MEASURE_BY_ID[measure].name,
            span=Span(starts, months),
            amount_minor=amount_minor,
            line_id=f"{filing_id}/{line}",
            document=document,
        )
        for filing_id, line, subject, measure, months, starts, amount_minor, document in rows
    ]


def _rows(
    connection: Connection,
    agreement_id: int,
    wanted: Sequence[ColumnElement[bool]],
    known_at: datetime | None,
) -> Sequence[Row[Any]]:
    columns, certified, committed = filing_table.c, filing_certification.c, filing_commitment.c
    of_certification = and_(
        certified.agreement_id == columns.agreement_id,
        certified.booked_quarter == columns.booked_quarter,
        certified.filing_id == columns.filing_id,
        known(certified.recorded_at, known_at),
    )
    of_commitment = and_(
        committed.agreement_id == columns.agreement_id,
        committed.quarter == columns.quarter,
        committed.role == columns.role,
        committed.commitment == columns.commitment,
    )
    return connection.execute(
        select(
            filing_table,
            certified.person.label("certified_by"),
            certified.recorded_at.label("certified_at"),
            func.coalesce(committed.recorded_at, columns.recorded_at).label("submitted_at"),
        )
        .outerjoin(filing_certification, of_certification)
        .outerjoin(filing_commitment, of_commitment)
        .where(columns.agreement_id == agreement_id, *wanted)
        .order_by(columns.quarter, columns.role, columns.sequence)
    ).all()


def _totals(
    connection: Connection, agreement_id: int, filing_ids: Sequence[int]
) -> dict[int, dict[str, int]]:
    columns = filing_total.c
    rows = connection.execute(
        select(columns.filing_id, columns.measure_id, columns.amount_minor)
        .where(columns.agreement_id == agreement_id, columns.filing_id == func.any(list(filing_ids)))
        .order_by(columns.filing_id, columns.measure_id)
    )
    totals: dict[int, dict[str, int]] = defaultdict(dict)
    for row in rows:
        totals[row.filing_id][MEASURE_BY_ID[row.measure_id].name] = row.amount_minor
    return totals


def _filings(
    rows: Iterable[Row[Any]], procedure: Procedure, totals: dict[int, dict[str, int]]
) -> list[Filing]:
    """The returns of one quarter, by role and sequence."""
    return [
        _filing(row, slot[place + 1 :], procedure, totals[row.filing_id])
        for slot in (list(of_role) for _, of_role in groupby(rows, lambda row: row.role))
        for place, row in enumerate(slot)
    ]


def _counts(row: Row[Any]) -> bool:
    """Whether nothing is missing to the return itself; a later one may still have taken its place."""
    return row.certified_at is not None or not row.needs_certification


def _filing(row: Row[Any], later: Sequence[Row[Any]], procedure: Procedure, totals: dict[str, int]) -> Filing:
    superseded_by = _superseding(row, later)
    return Filing(
        filing_id=row.filing_id,
        agreement_id=row.agreement_id,
        booked_quarter=Quarter.from_code(row.booked_quarter),
        quarter=Quarter.from_code(row.quarter),
        role=row.role,
        sequence=row.sequence,
        is_nil=row.is_nil,
        file_name=row.file_name,
        content_hash=row.content_hash,
        lines_hash=row.lines_hash,
        line_count=row.line_count,
        totals=totals,
        recorded_at=row.recorded_at,
        is_current=_counts(row) and superseded_by is None,
        superseded_by=superseded_by,
        person=row.person,
        certified_by=row.certified_by,
        certified_at=row.certified_at,
        is_newest=not later,
        awaits_certification=not later and not _counts(row),
        late_days=_late_days(row, procedure),
        commitment=row.commitment,
    )


def _superseding(row: Row[Any], later: Sequence[Row[Any]]) -> int | None:
    """The next return; of one that counted, the next one that counts."""
    return next((one.sequence for one in later if _counts(one) or not _counts(row)), None)


def _late_days(row: Row[Any], procedure: Procedure) -> int | None:
    if procedure.calendar is None:
        return None
    due = procedure.calendar.due_days(Quarter.from_code(row.quarter))["submit"]
    return max(0, (day_of(row.submitted_at) - due).days)


def return_line_of(row: Row[Any]) -> ReturnLine:
    """The line in a row of the table."""
    return ReturnLine(
        line=row.line,
        subject_id=row.subject_id,
        measure=MEASURE_BY_ID[row.measure_id].name,
        span=Span(row.starts, row.months),
        amount_minor=row.amount_minor,
        document=row.document,
    )
