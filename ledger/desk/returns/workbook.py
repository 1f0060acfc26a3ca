"""Reads a return from a CSV file or a workbook, without understanding more than its layout.

``docs/returns.md`` describes sheets, columns and what may stand above them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from ledger.desk.returns.checks import (
    CellValue,
    DeclaredTotal,
    Field,
    Row,
    Statement,
    WrittenReturn,
    is_blank,
)
from ledger.desk.returns.faults import WHOLE_FILE, Faults, Place, ReturnRefused
from ledger.desk.returns.sheets import FIRST_ROWS, Sheet, SheetRows, read_sheets

LINES_SHEET, TOTALS_SHEET, NOTES_SHEET = "明细", "合计", "说明"
SHEET_NAMES = {
    "明细": LINES_SHEET,
    "lines": LINES_SHEET,
    "合计": TOTALS_SHEET,
    "totals": TOTALS_SHEET,
    "说明": NOTES_SHEET,
    "notes": NOTES_SHEET,
}

HEADERS: dict[Field, tuple[str, str]] = {
    "credit_code": ("统一社会信用代码", "credit code"),
    "enterprise": ("企业名称", "enterprise"),
    "measure": ("指标", "measure"),
    "span": ("所属期", "period"),
    "amount": ("金额", "amount"),
    "document": ("凭证号", "document"),
}
"""The Chinese header and the English one, in the template's order."""

REQUIRED: tuple[Field, ...] = ("measure", "span", "amount")
REQUIRED_OF_TOTALS: tuple[Field, ...] = ("measure", "amount")

NOTES = {
    "agreement": ("协议编号", "agreement"),
    "role": ("填报角色", "role"),
    "quarter": ("所属季度", "quarter"),
    "unit": ("金额单位", "unit"),
    "nil": ("零申报", "nil return"),
}
"""What a file may say of itself, above the headers or on the sheet 说明."""

UNITS = {"元": 0, "yuan": 0, "万元": 4, "10000 yuan": 4}
"""Decimal places that the unit adds to those of 元."""

YES, NO = frozenset({"是", "yes"}), frozenset({"否", "no"})
TOTAL_MARKS = frozenset({"合计", "total"})

_FIELD_BY_HEADER: dict[str, Field] = {
    name: column for column, names in HEADERS.items() for name in (*names, names[1].replace(" ", "_"))
}
_NOTE_BY_NAME = {name: note for note, names in NOTES.items() for name in (*names, " ".join(names))} | {
    "单位": "unit"
}
_WITH_UNIT = re.compile(r"([^（(]+)[（(]([^）)]+)[）)]")
_NAMED_VALUE = re.compile(r"([^：:]+)[：:](.+)")


@dataclass(slots=True)
class _Notes:
    """What a file says of itself."""

    statements: list[Statement] = field(default_factory=list)
    units: list[tuple[str, Place]] = field(default_factory=list)
    is_nil: bool = False


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a sheet's table is: the row of its headers, the first row below them, its columns by field."""

    header_row: int
    first_row: int
    columns: dict[Field, int]


def read_file(file_name: str, file: IO[bytes], faults: Faults) -> WrittenReturn:
    """The return that the file holds. Faults of the layout go to ``faults``.

    Raises ``ReturnRefused`` where nothing can be read.
    """
    return _read_return(read_sheets(file_name, file, _has_headers, faults), faults)


# --- cells to a return ------------------------------------------------------------------------------------


def _read_return(sheets: Sequence[Sheet], faults: Faults) -> WrittenReturn:
    by_name = _known_sheets(sheets, faults)
    notes = _Notes()
    lines, totals = by_name.get(LINES_SHEET), by_name.get(TOTALS_SHEET)
    if NOTES_SHEET in by_name:
        _take_notes(by_name[NOTES_SHEET], len(by_name[NOTES_SHEET].rows), notes, faults)
    layout = None if lines is None else _layout(lines, REQUIRED, notes, faults)
    layout_of_totals = None if totals is None else _layout(totals, REQUIRED_OF_TOTALS, notes, faults)
    if layout is None and not notes.is_nil:
        raise _refusal_without_lines(by_name, faults)
    row_numbers, rows = _rows(lines, layout, faults)
    declared = _totals(totals, layout_of_totals, faults)
    declared += _totals_among(lines, layout, row_numbers, rows)
    kept = [index for index, row in enumerate(rows) if _is_line(row, notes.is_nil)]
    return WrittenReturn(
        rows=[rows[index] for index in kept],
        totals=declared,
        place_of=_places(lines, layout, [row_numbers[index] for index in kept]),
        is_nil=notes.is_nil,
        extra_places=_extra_places(notes, faults),
        statements=notes.statements,
    )


def _known_sheets(sheets: Sequence[Sheet], faults: Faults) -> dict[str, Sheet]:
    filled = [sheet for sheet in sheets if any(not is_blank(cell) for row in sheet.rows for cell in row)]
    if len(filled) == 1 and _sheet_name(filled[0]) is None:
        return {LINES_SHEET: filled[0]}
    known: dict[str, Sheet] = {}
    for sheet in filled:
        name = _sheet_name(sheet)
        if name is None or name in known:
            faults.add(
                Place(sheet.name, ""),
                "SHEET_UNKNOWN",
                expected="、".join(set(SHEET_NAMES.values())),
                got=sheet.name,
            )
        else:
            known[name] = sheet
    return known


def _sheet_name(sheet: Sheet) -> str | None:
    return SHEET_NAMES.get(sheet.name.strip().casefold())


def _refusal_without_lines(by_name: Mapping[str, Sheet], faults: Faults) -> ReturnRefused:
    if not by_name:
        return faults.refusal("FILE_EMPTY")
    if LINES_SHEET not in by_name:
        return faults.refusal("SHEET_MISSING", expected=LINES_SHEET, got="—")
    return faults.refusal("HEADER_MISSING", expected="、".join(HEADERS[name][0] for name in REQUIRED))


def _layout(sheet: Sheet, required: Sequence[Field], notes: _Notes, faults: Faults) -> _Layout | None:
    header_row = _header_row(sheet.rows)
    _take_notes(sheet, len(sheet.rows) if header_row is None else header_row, notes, faults)
    if header_row is None:
        return None
    columns = _columns(sheet, header_row, notes, faults)
    for name in required:
        if name not in columns:
            faults.add(
                Place(sheet.name, f"{header_row + 1}:{header_row + 1}"),
                "COLUMN_MISSING",
                expected=HEADERS[name][0],
            )
    first_row = header_row + 1
    if first_row < len(sheet.rows) and _is_header(sheet.rows[first_row]):
        first_row += 1
    _refuse_merged(sheet, header_row, faults)
    return _Layout(header_row, first_row, columns)


def _header_row(rows: SheetRows) -> int | None:
    """The first row that names at least two columns."""
    for index, row in enumerate(rows[:FIRST_ROWS]):
        if sum(_field_of(cell) is not None for cell in row) >= 2:
            return index
    return None


def _has_headers(rows: SheetRows) -> bool:
    return _header_row(rows) is not None


def _is_header(row: Sequence[CellValue]) -> bool:
    filled = [cell for cell in row if not is_blank(cell)]
    return bool(filled) and all(_field_of(cell) is not None for cell in filled)


def _columns(sheet: Sheet, header_row: int, notes: _Notes, faults: Faults) -> dict[Field, int]:
    columns: dict[Field, int] = {}
    for index, cell in enumerate(sheet.rows[header_row]):
        place = sheet.place(header_row, index)
        name = _field_of(cell)
        if name is None:
            if not is_blank(cell):
                faults.add(
                    place, "COLUMN_UNKNOWN", expected="、".join(zh for zh, _ in HEADERS.values()), got=cell
                )
        elif name in columns:
            first = sheet.place(header_row, columns[name]).cell
            faults.add(place, "COLUMN_REPEATED", expected=first, got=cell)
        else:
            columns[name] = index
            unit = _split_unit(str(cell))[1]
            if unit:
                notes.units.append((unit, place))
    return columns


def _field_of(cell: CellValue) -> Field | None:
    return _FIELD_BY_HEADER.get(_split_unit(cell)[0]) if isinstance(cell, str) else None


def _split_unit(header: str) -> tuple[str, str]:
    """``金额（万元）`` names a column and the unit of its amounts."""
    text = header.strip().strip("*＊").strip().casefold()
    match = _WITH_UNIT.fullmatch(text)
    return (match[1].strip(), match[2].strip()) if match else (text, "")


def _refuse_merged(sheet: Sheet, header_row: int, faults: Faults) -> None:
    for first, last in sheet.merged:
        if last[0] >= header_row:
            place = sheet.place(*first)
            faults.add(place, "CELLS_MERGED", got=f"{place.cell}:{sheet.place(*last).cell}")


# --- what a file says of itself ---------------------------------------------------------------------------


def _take_notes(sheet: Sheet, row_count: int, notes: _Notes, faults: Faults) -> None:
    for name, text, place in _named_values(sheet, row_count):
        match name:
            case "unit":
                notes.units.append((text.casefold(), place))
            case "nil":
                _take_nil(text, place, notes, faults)
            case "agreement" | "role" | "quarter":
                notes.statements.append(Statement(name, text, place))


def _take_nil(text: str, place: Place, notes: _Notes, faults: Faults) -> None:
    if text.casefold() in YES:
        notes.is_nil = True
    elif text.casefold() not in NO:
        faults.add(place, "NIL_UNREADABLE", got=text)


def _named_values(sheet: Sheet, row_count: int) -> Iterator[tuple[str, str, Place]]:
    """A name with its value in the next cell, or both in one cell with a colon between them."""
    for row_index, row in enumerate(sheet.rows[:row_count]):
        for column, cell in enumerate(row):
            text = "" if cell is None else str(cell).strip()
            match = _NAMED_VALUE.fullmatch(text)
            if match is not None and match[1].strip().casefold() in _NOTE_BY_NAME:
                yield (
                    _NOTE_BY_NAME[match[1].strip().casefold()],
                    match[2].strip(),
                    sheet.place(row_index, column),
                )
                continue
            value = row[column + 1] if column + 1 < len(row) else None
            name = _NOTE_BY_NAME.get(text.rstrip("：:").casefold())
            if name is not None and not is_blank(value):
                yield name, str(value).strip(), sheet.place(row_index, column + 1)


def _extra_places(notes: _Notes, faults: Faults) -> int:
    found = {unit for unit, _ in notes.units}
    if not found:
        return UNITS["元"]
    if len({UNITS.get(unit) for unit in found}) == 1 and found <= UNITS.keys():
        return UNITS[found.pop()]
    for unit, place in notes.units:
        faults.add(place, "UNIT_UNKNOWN", expected="元、万元", got=unit)
    return UNITS["元"]


# --- rows -------------------------------------------------------------------------------------------------


def _rows(sheet: Sheet | None, layout: _Layout | None, faults: Faults) -> tuple[list[int], list[Row]]:
    """The rows below the headers that aren't empty, with their row numbers from 0."""
    if sheet is None or layout is None:
        return [], []
    take = _taker(layout.columns)
    width = max((len(row) for row in sheet.rows), default=0)
    others = [column for column in range(width) if column not in layout.columns.values()]
    nameless = [column for column in others if is_blank(_at(sheet.rows[layout.header_row], column))]
    numbers: list[int] = []
    rows: list[Row] = []
    for number in range(layout.first_row, len(sheet.rows)):
        cells = sheet.rows[number]
        for column in nameless:
            if not is_blank(_at(cells, column)):
                faults.add(sheet.place(number, column), "CELL_OUTSIDE_COLUMNS", got=cells[column])
        row = take(cells)
        if not all(map(is_blank, row)):
            numbers.append(number)
            rows.append(row)
    return numbers, rows


def _taker(columns: dict[Field, int]) -> Callable[[Sequence[CellValue]], Row]:
    positions = [columns.get(name) for name in HEADERS]

    def take(cells: Sequence[CellValue]) -> Row:
        return Row(*[None if position is None else _at(cells, position) for position in positions])

    return take


def _at(cells: Sequence[CellValue], column: int) -> CellValue:
    return cells[column] if column < len(cells) else None


def _is_line(row: Row, is_nil: bool) -> bool:
    """A nil return may come on a template whose amounts were left empty."""
    return not _is_total(row) and not (is_nil and is_blank(row.amount))


def _is_total(row: Row) -> bool:
    return _marks_total(row.credit_code) or _marks_total(row.enterprise)


def _marks_total(cell: CellValue) -> bool:
    return isinstance(cell, str) and cell.strip().casefold() in TOTAL_MARKS


def _totals(sheet: Sheet | None, layout: _Layout | None, faults: Faults) -> list[DeclaredTotal]:
    """The totals on their own sheet; a measure without an amount isn't declared."""
    if sheet is None or layout is None:
        return []
    numbers, rows = _rows(sheet, layout, faults)
    return [
        _declared(sheet, layout, number, row)
        for number, row in zip(numbers, rows, strict=True)
        if not is_blank(row.amount)
    ]


def _totals_among(
    sheet: Sheet | None, layout: _Layout | None, numbers: Sequence[int], rows: Sequence[Row]
) -> list[DeclaredTotal]:
    """The totals that stand among the lines, marked 合计 instead of an enterprise."""
    if sheet is None or layout is None:
        return []
    return [
        _declared(sheet, layout, number, row)
        for number, row in zip(numbers, rows, strict=True)
        if _is_total(row)
    ]


def _declared(sheet: Sheet, layout: _Layout, number: int, row: Row) -> DeclaredTotal:
    columns = layout.columns
    measure_place = sheet.place(number, columns.get("measure", 0))
    return DeclaredTotal(
        row.measure, row.amount, measure_place, sheet.place(number, columns.get("amount", 0))
    )


def _places(
    sheet: Sheet | None, layout: _Layout | None, numbers: Sequence[int]
) -> Callable[[int, Field], Place]:
    def place_of(index: int, name: Field) -> Place:
        if sheet is None or layout is None:
            return WHOLE_FILE
        return sheet.place(numbers[index], layout.columns.get(name, 0))

    return place_of
