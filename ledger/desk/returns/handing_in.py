"""Returns: one role's figures for one agreement and quarter, taken as a whole or refused as a whole.

A return is booked in the agreement's open quarter, whichever quarter it is about: a return for a closed
quarter is a correction. A later return of the same role for the same quarter supersedes the one before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select

from ledger.desk.acts import Act, Done, Queue, Recorder, perform, queue_on
from ledger.desk.agreements import agreement, hold_open_quarter, known, open_quarter, sides_of, terms_in_force
from ledger.desk.copying import copy_rows
from ledger.desk.enterprises import confirmed_list
from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.returns.checks import (
    CheckedReturn,
    DeclaredTotal,
    Expectation,
    Field,
    ListedEnterprise,
    WrittenReturn,
    check,
    expected_measures,
)
from ledger.desk.returns.checks import Row as WrittenRow
from ledger.desk.returns.faults import Faults, Place
from ledger.desk.returns.workbook import read_file
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.evidence.lines import lines_hash
from ledger.measures import MEASURE_BY_ID, MEASURE_BY_NAME
from ledger.money import format_amount
from ledger.periods import Quarter, Span
from ledger.rules.facts import Line
from ledger.rules.procedure import Procedure
from ledger_schema.ids import new_id
from ledger_schema.partitions import open_booked_quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import filing as filing_table
from ledger_schema.tables import filing_total, return_line

LINE_COLUMNS = (
    "agreement_id",
    "booked_quarter",
    "filing_id",
    "line",
    "subject_id",
    "measure_id",
    "months",
    "starts",
    "amount_minor",
    "document",
)


class NoOpenQuarter(LedgerError):
    """The agreement isn't in force yet, or has ended."""

    code = "NO_OPEN_QUARTER"
    sentence_en = (
        "Agreement {agreement} has no open quarter, so nothing can be handed in. "
        "Bring its terms into force first."
    )
    sentence_zh = "协议 {agreement} 没有未关账的季度，不能申报。请先使条款生效。"


class QuarterOutOfReach(LedgerError):
    """A quarter before the first in force, after the last, or ahead of the open one."""

    code = "QUARTER_OUT_OF_REACH"
    sentence_en = "Expected a quarter from {first} to {last}, but got {quarter}."
    sentence_zh = "季度应在 {first} 至 {last} 之间，实际为 {quarter}。"


class RoleReportsNothing(LedgerError):
    """No clause in force for the quarter reads figures of the role."""

    code = "ROLE_REPORTS_NOTHING"
    sentence_en = (
        "Under the terms in force for {quarter}, role {role} reports nothing. Reporting roles: {roles}."
    )
    sentence_zh = "按 {quarter} 有效的条款，角色 {role} 无须申报。应申报的角色：{roles}。"


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One figure as handed in. No credit code: the whole park. ``span`` is ``2024Q3`` or ``2024-07``;
    ``amount`` plain decimal text in the measure's unit; ``document`` the reference of its evidence."""

    credit_code: str | None
    measure: str
    span: str
    amount: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class Filing:
    """A return that was taken. ``totals`` by measure in minor units; ``is_current``: not superseded."""

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


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """One stored figure; ``subject_id`` is the enterprise's id or 0 for the whole park."""

    line: int
    subject_id: int
    measure: str
    span: Span
    amount_minor: int
    document: str


class Slot(NamedTuple):
    """What a return is of; its returns are numbered in sequence."""

    agreement_id: int
    role: str
    quarter: Quarter


# --- handing in -------------------------------------------------------------------------------------------


def hand_in(
    database: Database,
    act: Act,
    agreement_id: int,
    role: str,
    quarter: Quarter,
    lines: Sequence[LineDraft],
    *,
    totals: Iterable[tuple[str, str]],
    is_nil: bool = False,
) -> Done[Filing]:
    """Hands in a return: the lines and the declared totals (measure, amount) that they must add up to.

    A nil return (``is_nil``) has neither. Raises ``ReturnRefused`` with all faults, ``NotFound``,
    ``RoleReportsNothing``, ``QuarterOutOfReach``, ``NoOpenQuarter``.
    """
    declared = list(totals)
    content = digest(canonical_bytes(_described(lines, declared, is_nil)))

    def read(_faults: Faults) -> WrittenReturn:
        return _written(lines, declared, is_nil)

    return _hand_in(database, act, Slot(agreement_id, role, quarter), None, content, read)


def hand_in_file(
    database: Database,
    act: Act,
    agreement_id: int,
    role: str,
    quarter: Quarter,
    file_name: str,
    content: bytes,
) -> Done[Filing]:
    """Hands in a return as a CSV file or workbook (see ``docs/returns.md``).

    The bytes of the current return of the same role and quarter once more are a replay, whatever the key.
    Raises ``ReturnRefused`` with all faults, ``NotFound``, ``RoleReportsNothing``, ``QuarterOutOfReach``,
    ``NoOpenQuarter``.
    """

    def read(faults: Faults) -> WrittenReturn:
        return read_file(file_name, content, faults)

    return _hand_in(database, act, Slot(agreement_id, role, quarter), file_name, digest(content), read)


def _hand_in(
    database: Database,
    act: Act,
    slot: Slot,
    file_name: str | None,
    content_hash: bytes,
    read: Callable[[Faults], WrittenReturn],
) -> Done[Filing]:
    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        _refuse_unknown(connection, slot)
        faults = Faults()
        written = read(faults)
        booked_quarter = _hold_open_quarter(connection, slot)
        expected = expectation(connection, *slot)
        queue_on_return(connection, *slot)
        current = _newest(connection, slot)
        if current is not None and current.content_hash == content_hash:
            return {"filing": str(current.filing_id), "is_same_content": True}
        checked = check(written, expected, faults)
        faults.refuse_if_any()
        sequence = 1 if current is None else current.sequence + 1
        stored = _store(connection, record, slot, booked_quarter, sequence, file_name, content_hash, checked)
        return {"filing": str(stored), "is_same_content": False}

    request = {
        "agreement": str(slot.agreement_id),
        "role": slot.role,
        "quarter": str(slot.quarter),
        "file_name": file_name,
        "content": content_hash.hex(),
    }
    _make_room(database, slot.agreement_id)
    done = perform(database, act, "hand_in_return", request, work)
    with database.reading() as connection:
        handed_in = filing(connection, slot.agreement_id, int(done.value["filing"]))
    return Done(handed_in, done.replayed or done.value["is_same_content"])


def _make_room(database: Database, agreement_id: int) -> None:
    """Makes partitions in a transaction of their own: a new one holds up who writes to what it refers to."""
    with database.writing() as connection:
        booked_quarter = open_quarter(connection, agreement_id)
        if booked_quarter is not None:
            open_booked_quarter(connection, booked_quarter.code)


def _described(
    lines: Sequence[LineDraft], totals: Sequence[tuple[str, str]], is_nil: bool
) -> dict[str, Json]:
    return {
        "is_nil": is_nil,
        "lines": [
            [line.credit_code or "", line.measure, line.span, line.amount, line.document] for line in lines
        ],
        "totals": [[measure, amount] for measure, amount in totals],
    }


def _written(lines: Sequence[LineDraft], totals: Sequence[tuple[str, str]], is_nil: bool) -> WrittenReturn:
    return WrittenReturn(
        rows=[
            WrittenRow(line.credit_code, None, line.measure, line.span, line.amount, line.document)
            for line in lines
        ],
        totals=[
            DeclaredTotal(
                measure, amount, Place("", f"totals[{index}].measure"), Place("", f"totals[{index}].amount")
            )
            for index, (measure, amount) in enumerate(totals)
        ],
        place_of=_place_in_request,
        is_nil=is_nil,
        is_request=True,
    )


def _place_in_request(index: int, name: Field) -> Place:
    return Place("", f"lines[{index}].{name}")


def queue_on_return(connection: Connection, agreement_id: int, role: str, quarter: Quarter) -> None:
    """Waits until nobody hands in the role's return for the quarter. After the open quarter is held."""
    queue_on(connection, Queue.RETURN, f"{agreement_id}/{role}/{quarter}")


def _refuse_unknown(connection: Connection, slot: Slot) -> None:
    agreement(connection, slot.agreement_id)
    if slot.role not in sides_of(connection, slot.agreement_id):
        raise NotFound("role", slot.role)


def _hold_open_quarter(connection: Connection, slot: Slot) -> Quarter:
    booked_quarter = hold_open_quarter(connection, slot.agreement_id)
    if booked_quarter is None:
        raise NoOpenQuarter(agreement=agreement(connection, slot.agreement_id).code)
    if slot.quarter > booked_quarter:
        first = terms_in_force(connection, slot.agreement_id)[0].starts
        raise QuarterOutOfReach(first=first, last=booked_quarter, quarter=slot.quarter)
    return booked_quarter


def expectation(connection: Connection, agreement_id: int, role: str, quarter: Quarter) -> Expectation:
    """What ``role`` is to report for ``quarter`` under the terms in force for it.

    Raises ``NotFound``, ``QuarterOutOfReach``, ``RoleReportsNothing``, ``NoOpenQuarter``.
    """
    code = agreement(connection, agreement_id).code
    versions = terms_in_force(connection, agreement_id)
    if not versions:
        raise NoOpenQuarter(agreement=code)
    begun = [version for version in versions if version.starts <= quarter]
    last = begun[-1].terms.last_quarter if begun else None
    if not begun or (last is not None and quarter > Quarter.parse(last)):
        raise QuarterOutOfReach(first=versions[0].starts, last=last or "…", quarter=quarter)
    terms = begun[-1].terms
    procedure = terms.procedure or Procedure()
    measures = expected_measures(terms.clauses, *procedure.figures_of(role))
    if not measures:
        recording = {clause.what.reported_by for clause in terms.clauses}
        compared = {one.against for one in procedure.reconciliations if one.record in recording}
        reporting = sorted(recording | compared)
        raise RoleReportsNothing(quarter=quarter, role=role, roles=", ".join(reporting))
    return Expectation(code, role, quarter, measures, _listed_enterprises(connection, agreement_id))


def _listed_enterprises(connection: Connection, agreement_id: int) -> dict[str, ListedEnterprise]:
    held = confirmed_list(connection, agreement_id)
    entries = [] if held is None else held.entries
    return {entry.credit_code: ListedEnterprise(entry.enterprise_id, entry.name_zh) for entry in entries}


def _newest(connection: Connection, slot: Slot) -> Filing | None:
    """The return that holds, the one with the highest sequence."""
    of_slot = filings(connection, slot.agreement_id, quarter=slot.quarter, role=slot.role)
    return of_slot[-1] if of_slot else None


def _store(
    connection: Connection,
    record: Recorder,
    slot: Slot,
    booked_quarter: Quarter,
    sequence: int,
    file_name: str | None,
    content_hash: bytes,
    checked: CheckedReturn,
) -> int:
    filing_id = new_id()
    hash_of_lines = _hash_of(checked)
    line_count = len(checked.subjects)
    event_id = record(
        "return_handed_in",
        {
            "filing": str(filing_id),
            "role": slot.role,
            "quarter": str(slot.quarter),
            "booked_quarter": str(booked_quarter),
            "sequence": sequence,
            "is_nil": line_count == 0,
            "file_name": file_name,
            "content_hash": content_hash.hex(),
            "lines_hash": hash_of_lines.hex(),
            "line_count": line_count,
            "totals": {
                name: format_amount(amount_minor, MEASURE_BY_NAME[name].commodity.scale)
                for name, amount_minor in checked.totals_minor.items()
            },
        },
        slot.agreement_id,
    )
    open_booked_quarter(connection, booked_quarter.code)
    key = {
        "agreement_id": slot.agreement_id,
        "booked_quarter": booked_quarter.code,
        "filing_id": filing_id,
    }
    connection.execute(
        insert(filing_table).values(
            **key,
            quarter=slot.quarter.code,
            role=slot.role,
            sequence=sequence,
            is_nil=line_count == 0,
            file_name=file_name,
            content_hash=content_hash,
            lines_hash=hash_of_lines,
            line_count=line_count,
            event_id=event_id,
        )
    )
    _store_totals(connection, key, checked.totals_minor)
    _store_lines(connection, tuple(key.values()), checked)
    return filing_id


def _hash_of(checked: CheckedReturn) -> bytes:
    return lines_hash(
        subject=checked.subjects,
        measure=[measure.measure_id for measure in checked.measures],
        starts=[_day_number(span) for span in checked.spans],
        months=[span.months for span in checked.spans],
        amount=checked.amounts_minor,
        document=checked.documents,
    )


def _day_number(span: Span) -> int:
    day = span.start
    return day.year * 10_000 + day.month * 100 + day.day


def _store_totals(connection: Connection, key: Mapping[str, int], totals_minor: Mapping[str, int]) -> None:
    rows = [
        {**key, "measure_id": MEASURE_BY_NAME[name].measure_id, "amount_minor": amount_minor}
        for name, amount_minor in totals_minor.items()
    ]
    if rows:
        connection.execute(insert(filing_total), rows)


def _store_lines(connection: Connection, key: tuple[int, ...], checked: CheckedReturn) -> None:
    columns = zip(
        checked.subjects,
        checked.measures,
        checked.spans,
        checked.amounts_minor,
        checked.documents,
        strict=True,
    )
    rows = (
        (*key, line, subject, measure.measure_id, span.months, span.start, amount_minor, document)
        for line, (subject, measure, span, amount_minor, document) in enumerate(columns, start=1)
    )
    if checked.subjects:
        copy_rows(connection, return_line, LINE_COLUMNS, rows)


# --- reading ----------------------------------------------------------------------------------------------


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
    return _filings(connection, agreement_id, wanted)


def filing(connection: Connection, agreement_id: int, filing_id: int) -> Filing:
    """One return. Raises ``NotFound``."""
    columns = filing_table.c
    slot = connection.execute(
        select(columns.quarter, columns.role).where(
            columns.agreement_id == agreement_id, columns.filing_id == filing_id
        )
    ).one_or_none()
    if slot is None:
        raise NotFound("return", filing_id)
    of_slot = filings(connection, agreement_id, quarter=Quarter.from_code(slot.quarter), role=slot.role)
    return next(each for each in of_slot if each.filing_id == filing_id)


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
    return page_of(rows, limit, _return_line)


def lines_of_filings(connection: Connection, agreement_id: int, filing_ids: Sequence[int]) -> list[Line]:
    """Every line of the returns, as the rules take them; ``line_id`` is ``<filing_id>/<line>``."""
    booked = connection.execute(
        select(filing_table.c.booked_quarter)
        .distinct()
        .where(
            filing_table.c.agreement_id == agreement_id,
            filing_table.c.filing_id == func.any(list(filing_ids)),
        )
    ).scalars()
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
            columns.agreement_id == agreement_id,
            columns.booked_quarter.in_(list(booked)),
            columns.filing_id == func.any(list(filing_ids)),
        )
        .order_by(columns.filing_id, columns.line)
    )
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


def _filings(
    connection: Connection, agreement_id: int, wanted: Sequence[ColumnElement[bool]]
) -> list[Filing]:
    columns = filing_table.c
    rows = connection.execute(
        select(filing_table)
        .where(columns.agreement_id == agreement_id, *wanted)
        .order_by(columns.quarter, columns.role, columns.sequence)
    ).all()
    totals = _totals(connection, agreement_id, [row.filing_id for row in rows])
    newest = {(row.quarter, row.role): row.filing_id for row in rows}
    return [
        _filing(row, totals[row.filing_id], newest[row.quarter, row.role] == row.filing_id) for row in rows
    ]


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


def _filing(row: Row[Any], totals: dict[str, int], is_current: bool) -> Filing:
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
        is_current=is_current,
    )


def _return_line(row: Row[Any]) -> ReturnLine:
    return ReturnLine(
        line=row.line,
        subject_id=row.subject_id,
        measure=MEASURE_BY_ID[row.measure_id].name,
        span=Span(row.starts, row.months),
        amount_minor=row.amount_minor,
        document=row.document,
    )
