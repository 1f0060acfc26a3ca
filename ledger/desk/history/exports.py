"""Exports of what a search finds: a page as it is on the screen, or everything, row by row.

Rows are read page after page of one snapshot and written as they come, so that an export of any length
needs the memory of one page.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Literal, TypeAlias, get_args

from sqlalchemy import Connection
from xlsxwriter import Workbook  # type: ignore[import-untyped]  # it ships no type hints

from ledger.desk import agreements, enterprises, roster
from ledger.desk.events import Event
from ledger.desk.history.booked import Booked
from ledger.desk.history.search import (
    Criteria,
    FoundSettlement,
    find_allocations,
    find_events,
    find_settlements,
)
from ledger.desk.pages import PAGE_LIMIT_MAX, Page
from ledger.desk.statements.files import inert
from ledger.desk.statements.parts import ASSESSMENT_MARK
from ledger.measures import COMMODITY_BY_ID
from ledger.money import format_amount
from ledger.rules.terms import Book

Subject: TypeAlias = Literal["allocations", "settlements", "events"]
ExportForm: TypeAlias = Literal["csv", "xlsx", "jsonl"]
Row: TypeAlias = dict[str, str | int | bool | None]

SUBJECTS: tuple[Subject, ...] = get_args(Subject)
EXPORT_FORMS: tuple[ExportForm, ...] = get_args(ExportForm)
EXPORT_MEDIA_TYPES: dict[ExportForm, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
}
COLUMNS: dict[Subject, tuple[str, ...]] = {
    "allocations": (
        "agreement",
        "booked_quarter",
        "settlement",
        "cause",
        "clause",
        "quarter",
        "enterprise",
        "party",
        "book",
        "publication",
        "commodity",
        "amount",
        "routed",
    ),
    "settlements": (
        "agreement",
        "quarter",
        "settlement",
        "is_final",
        "allocation_count",
        "recorded_at",
        "closed_at",
        "reopened_at",
    ),
    "events": ("event", "kind", "agreement", "actor", "recorded_at", "hash", "canonical"),
}
NOT_FOR_PUBLICATION = f"{ASSESSMENT_MARK.zh} {ASSESSMENT_MARK.en}"
TEXTS = frozenset({"agreement", "enterprise", "party", "actor", "kind"})
"""What people wrote: a spreadsheet must not take it for a formula."""

SHEET_ROWS_MAX = 1_000_000
CELL_LENGTH_MAX = 32_767


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported: all that meets the criteria, or from ``after`` on, or at most ``limit`` rows."""

    subject: Subject
    form: ExportForm
    criteria: Criteria
    after: Any = None
    limit: int | None = None


def write_export(connection: Connection, export: Export, target: BinaryIO) -> int:
    """Writes the export to ``target`` and returns how many rows it has; ``connection`` reads one snapshot.

    An amount is exact text in the commodity's unit, an id is text. In XLSX a text that no cell can hold is
    cut, which only an event's canonical form can be: JSON lines and CSV have it whole.
    """
    writers: dict[ExportForm, Callable[[BinaryIO, Sequence[str], Iterator[Row]], int]] = {
        "csv": _write_csv,
        "jsonl": _write_jsonl,
        "xlsx": _write_xlsx,
    }
    return writers[export.form](target, COLUMNS[export.subject], _rows(connection, export))


def _rows(connection: Connection, export: Export) -> Iterator[Row]:
    left = export.limit
    after = export.after
    while left is None or left > 0:
        most = PAGE_LIMIT_MAX if left is None else min(PAGE_LIMIT_MAX, left)
        rows, after, has_next = _page(connection, export, after, most)
        yield from rows
        left = None if left is None else left - len(rows)
        if not has_next:
            return


def _page(connection: Connection, export: Export, after: Any, limit: int) -> tuple[list[Row], Any, bool]:
    match export.subject:
        case "allocations":
            booked = find_allocations(connection, export.criteria, after=after, limit=limit)
            return _told(booked, _allocation_rows(connection, booked.items), lambda one: one.key)
        case "settlements":
            found = find_settlements(connection, export.criteria, after=after, limit=limit)
            return _told(found, _settlement_rows(connection, found.items), lambda one: one.key)
        case "events":
            events = find_events(connection, export.criteria, after=after, limit=limit)
            return _told(events, _event_rows(connection, events.items), lambda one: one.event_id)


def _told(page: Page[Any], rows: list[Row], key_of: Callable[[Any], Any]) -> tuple[list[Row], Any, bool]:
    return rows, key_of(page.items[-1]) if page.items else None, page.has_next


def _allocation_rows(connection: Connection, found: Sequence[Booked]) -> list[Row]:
    codes = _agreement_codes(connection, [one.agreement_id for one in found])
    parties = roster.parties_by_id(connection, {one.allocation.party_id for one in found})
    listed = enterprises.enterprises_by_id(connection, {one.allocation.subject_id for one in found} - {0})
    return [_allocation_row(one, codes, parties, listed) for one in found]


def _allocation_row(
    found: Booked,
    codes: dict[int, str],
    parties: dict[int, roster.Party],
    listed: dict[int, enterprises.Enterprise],
) -> Row:
    one = found.allocation
    commodity = COMMODITY_BY_ID[one.commodity_id]
    return {
        "agreement": codes[found.agreement_id],
        "booked_quarter": str(found.booked_quarter),
        "settlement": str(found.settlement_id),
        "cause": one.cause,
        "clause": one.clause,
        "quarter": str(one.quarter),
        "enterprise": listed[one.subject_id].credit_code if one.subject_id else None,
        "party": parties[one.party_id].code,
        "book": one.book.value,
        "publication": NOT_FOR_PUBLICATION if one.book is Book.ASSESSMENT else None,
        "commodity": commodity.code,
        "amount": format_amount(one.amount_minor, commodity.scale),
        "routed": format_amount(one.routed_minor, commodity.scale),
    }


def _settlement_rows(connection: Connection, found: Sequence[FoundSettlement]) -> list[Row]:
    codes = _agreement_codes(connection, [one.agreement_id for one in found])
    return [
        {
            "agreement": codes[one.agreement_id],
            "quarter": str(one.booked_quarter),
            "settlement": str(one.settlement_id),
            "is_final": one.is_final,
            "allocation_count": one.allocation_count,
            "recorded_at": _moment(one.recorded_at),
            "closed_at": _moment(one.closed_at),
            "reopened_at": _moment(one.reopened_at),
        }
        for one in found
    ]


def _event_rows(connection: Connection, found: Sequence[Event]) -> list[Row]:
    codes = _agreement_codes(connection, [one.agreement_id for one in found if one.agreement_id is not None])
    return [
        {
            "event": str(one.event_id),
            "kind": one.kind,
            "agreement": None if one.agreement_id is None else codes[one.agreement_id],
            "actor": one.actor,
            "recorded_at": _moment(one.recorded_at),
            "hash": one.hash.hex(),
            "canonical": one.canonical.decode(),
        }
        for one in found
    ]


def _agreement_codes(connection: Connection, agreement_ids: Sequence[int]) -> dict[int, str]:
    found = agreements.agreements_by_id(connection, sorted(set(agreement_ids)))
    return {agreement_id: one.code for agreement_id, one in found.items()}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


# --- forms ------------------------------------------------------------------------------------------------


def _write_csv(target: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> int:
    """UTF-8 with its mark, as spreadsheets want it."""
    count = 0
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(column, row[column]) for column in columns])
        count += 1
    text.detach()
    return count


def _csv_cell(column: str, value: object) -> str:
    text = "" if value is None else str(value)
    return inert(text) if column in TEXTS else text


def _write_jsonl(target: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> int:  # noqa: ARG001
    count = 0
    for row in rows:
        target.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        count += 1
    return count


def _write_xlsx(target: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> int:
    """Everything as text; a sheet that is full goes on on the next."""
    count = 0
    with Workbook(target, {"constant_memory": True, "strings_to_formulas": False}) as workbook:
        sheet = _new_sheet(workbook, columns)
        for row in rows:
            if count and count % SHEET_ROWS_MAX == 0:
                sheet = _new_sheet(workbook, columns)
            for place, column in enumerate(columns):
                text = "" if row[column] is None else str(row[column])
                sheet.write_string(count % SHEET_ROWS_MAX + 1, place, text[:CELL_LENGTH_MAX])
            count += 1
    return count


def _new_sheet(workbook: Any, columns: Sequence[str]) -> Any:
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, columns)
    return sheet
