"""Reads a workbook in a process of its own: the file on standard input, JSON on standard output.

A workbook is a stranger's file. Two cells far apart make the parser reserve memory for everything between
them, and where memory runs out it ends its process; so it gets one that may end, with limits on memory and
time. Run as a script, this module imports nothing of ours.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree import ElementTree

import python_calamine

MEMORY_MAX_BYTES = 2 * 1024**3
PROCESSOR_SECONDS_MAX = 60
ROW_COUNT_MAX = 200_100
COLUMN_COUNT_MAX = 64
SHEET_COUNT_MAX = 20

_ERROR_CELL = re.compile(rb'<c\b([^>]*)\bt="e"([^>]*)>.*?<v>([^<]*)</v>', re.DOTALL)
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def main() -> None:
    limit_memory_and_time()
    json.dump(read(sys.stdin.buffer.read()), sys.stdout)


def limit_memory_and_time() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS_MAX, PROCESSOR_SECONDS_MAX))


def read(content: bytes) -> dict[str, Any]:
    """``{"sheets": [{"name", "rows", "merged"}]}``, or ``{"fault": code, "got": text}``.

    A day in a cell is ``["day", "2024-07-01"]``; merged ranges are rows and columns from 0.
    """
    try:
        with python_calamine.load_workbook(io.BytesIO(content)) as workbook:
            return _read_sheets(workbook, content)
    except python_calamine.PasswordError:
        return {"fault": "FILE_PROTECTED", "got": ""}
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        return {"fault": "FILE_UNREADABLE", "got": str(error)}


def _read_sheets(workbook: python_calamine.CalamineWorkbook, content: bytes) -> dict[str, Any]:
    names = workbook.sheet_names
    if len(names) > SHEET_COUNT_MAX:
        return {"fault": "FILE_TOO_LARGE", "got": f"{len(names)} sheets"}
    errors = _formula_errors(content)
    sheets = []
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.total_height > ROW_COUNT_MAX or sheet.total_width > COLUMN_COUNT_MAX:
            size = f"{name}: {sheet.total_height} rows, {sheet.total_width} columns"
            return {"fault": "FILE_TOO_LARGE", "got": size}
        rows = [[_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
        _put_in(rows, errors.get(name, []))
        sheets.append({"name": name, "rows": rows, "merged": sheet.merged_cell_ranges or []})
    return {"sheets": sheets}


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return ["day", value.isoformat() if value.time() != time() else value.date().isoformat()]
    if isinstance(value, date):
        return ["day", value.isoformat()]
    if isinstance(value, time | timedelta):
        return str(value)
    return value


# --- cells whose formula gives an error, which the parser hands out as empty --------------------------------


def _formula_errors(content: bytes) -> dict[str, list[tuple[int, int, str]]]:
    """By sheet of an .xlsx file: row and column from 0 and the error's text."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if "xl/_rels/workbook.xml.rels" not in archive.namelist():
            return {}
        return {name: list(_errors_in(archive.read(path))) for name, path in _sheet_paths(archive)}


def _sheet_paths(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314  # limited process
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    if "xl/workbook.xml" not in archive.namelist():
        return
    workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  # limited process
    for sheet in workbook.iterfind(".//{*}sheets/{*}sheet"):
        path = posixpath.normpath(posixpath.join("/xl", targets.get(sheet.get(_RELATION), ""))).lstrip("/")
        if path in archive.namelist():
            yield sheet.get("name", ""), path


def _errors_in(sheet: bytes) -> Iterator[tuple[int, int, str]]:
    if b't="e"' not in sheet:
        return
    for match in _ERROR_CELL.finditer(sheet):
        reference = _REFERENCE.search(match[1] + b" " + match[2])
        if reference is not None:
            yield int(reference[2]) - 1, _column_index(reference[1].decode()), match[3].decode()


def _column_index(letters: str) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def _put_in(rows: list[list[object]], errors: list[tuple[int, int, str]]) -> None:
    for row, column, text in errors:
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text


if __name__ == "__main__":
    main()
