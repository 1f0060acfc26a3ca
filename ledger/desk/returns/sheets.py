"""Files to cells: CSV files and workbooks as sheets of plain values, within limits."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path, PurePath
from typing import IO, Any, BinaryIO, TypeAlias, cast

from ledger.desk.returns import sheet_reader
from ledger.desk.returns.checks import CellValue
from ledger.desk.returns.faults import Faults, Place, ReturnRefused

FILE_NAME_LENGTH_MAX = 200
FILE_BYTES_MAX = 32 * 1024**2
READING_SECONDS_MAX = 120
FIRST_ROWS = 20
CHUNK_LENGTH = 1 << 16

CSV_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xls", ".xlsb", ".ods"})
COMPOUND_FILE_START = bytes.fromhex("d0cf11e0a1b11ae1")
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
DELIMITERS = (",", "\t", ";")

SheetRows: TypeAlias = "list[list[CellValue]]"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of one sheet from A1 on; ``merged`` holds first and last (row, column) of ranges, from 0."""

    name: str
    rows: SheetRows
    merged: Sequence[tuple[tuple[int, int], tuple[int, int]]] = ()

    def place(self, row: int, column: int) -> Place:
        return Place(self.name, f"{column_letters(column)}{row + 1}")


def column_letters(column: int) -> str:
    """``A`` for 0, ``AA`` for 26."""
    letters = ""
    while column >= 0:
        letters = chr(ord("A") + column % 26) + letters
        column = column // 26 - 1
    return letters


def opened(content: bytes | IO[bytes]) -> IO[bytes]:
    """The content as a file at its start."""
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    file.seek(0)
    return file


def hash_of(file: IO[bytes]) -> bytes:
    """SHA-256 of the file from where it stands."""
    hashed = hashlib.sha256()
    for chunk in iter(partial(file.read, CHUNK_LENGTH), b""):
        hashed.update(chunk)
    return hashed.digest()


def read_sheets(
    file_name: str, file: IO[bytes], has_headers: Callable[[SheetRows], bool], faults: Faults
) -> list[Sheet]:
    """The sheets of the file; of a CSV file one without a name.

    ``has_headers`` recognises the first rows of a table: the delimiter is the one that shows headers. Raises
    ``ReturnRefused``.
    """
    suffix = PurePath(file_name).suffix.lower()
    if not file_name.isprintable() or len(file_name) > FILE_NAME_LENGTH_MAX:
        raise faults.refusal("FILE_NAME_UNUSABLE", expected=FILE_NAME_LENGTH_MAX, got=repr(file_name))
    size_bytes = file.seek(0, os.SEEK_END)
    if size_bytes > FILE_BYTES_MAX:
        raise faults.refusal("FILE_TOO_LARGE", expected=f"{FILE_BYTES_MAX} B", got=f"{size_bytes} B")
    if suffix in CSV_SUFFIXES:
        return [_csv_sheet(file, suffix, has_headers, faults)]
    if suffix in WORKBOOK_SUFFIXES:
        return _workbook_sheets(file, suffix, faults)
    raise faults.refusal(
        "FILE_TYPE_UNKNOWN",
        expected=" ".join(sorted(CSV_SUFFIXES | WORKBOOK_SUFFIXES)),
        got=repr(PurePath(file_name).name),
    )


def _csv_sheet(
    file: IO[bytes], suffix: str, has_headers: Callable[[SheetRows], bool], faults: Faults
) -> Sheet:
    with _as_text(file, _encoding(file, suffix, faults)) as text:
        try:
            delimiter = next(
                (each for each in DELIMITERS if has_headers(_csv_rows(text, each, FIRST_ROWS, strict=False))),
                DELIMITERS[0],
            )
            rows = _csv_rows(text, delimiter, sheet_reader.ROW_COUNT_MAX + 1)
        except csv.Error as error:
            raise faults.refusal("FILE_UNREADABLE", expected=suffix, got=str(error)) from error
    if len(rows) > sheet_reader.ROW_COUNT_MAX:
        raise _size_refusal(faults, f"> {sheet_reader.ROW_COUNT_MAX}")
    return Sheet("", rows)


def _encoding(file: IO[bytes], suffix: str, faults: Faults) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            with _as_text(file, encoding) as text:
                if any("\0" in chunk for chunk in iter(partial(text.read, CHUNK_LENGTH), "")):
                    raise faults.refusal("FILE_UNREADABLE", expected=suffix, got="NUL")
        except UnicodeDecodeError:
            continue
        return encoding
    raise faults.refusal("TEXT_UNDECODABLE")


@contextmanager
def _as_text(file: IO[bytes], encoding: str) -> Iterator[io.TextIOWrapper]:
    """The file's text from its start; the file stays open."""
    file.seek(0)
    text = io.TextIOWrapper(cast("BinaryIO", file), encoding, newline="")
    try:
        yield text
    finally:
        text.detach()


def _csv_rows(text: io.TextIOWrapper, delimiter: str, row_count: int, *, strict: bool = True) -> SheetRows:
    """The first rows. Raises ``csv.Error`` with the line."""
    text.seek(0)
    reader = csv.reader(text, delimiter=delimiter, strict=strict)
    try:
        return [list(row) for row in islice(reader, row_count)]
    except csv.Error as error:
        raise csv.Error(f"{error} ({reader.line_num})") from error


def _workbook_sheets(file: IO[bytes], suffix: str, faults: Faults) -> list[Sheet]:
    file.seek(0)
    content = file.read()
    # The parser says of an encrypted .xlsx file only that it is of no known format.
    if content.startswith(COMPOUND_FILE_START) and ENCRYPTED_PACKAGE in content:
        raise faults.refusal("FILE_PROTECTED")
    read = _read_apart(content, suffix, faults)
    fault = read.get("fault")
    if fault == "FILE_TOO_LARGE":
        raise _size_refusal(faults, read["got"])
    if fault is not None:
        raise faults.refusal(fault, expected=suffix, got=read["got"])
    return [
        Sheet(sheet["name"], [[_value(cell) for cell in row] for row in sheet["rows"]], sheet["merged"])
        for sheet in read["sheets"]
    ]


def _read_apart(content: bytes, suffix: str, faults: Faults) -> dict[str, Any]:
    command = [sys.executable, "-I", str(Path(sheet_reader.__file__))]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=READING_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _size_refusal(faults, f"> {READING_SECONDS_MAX} s") from error
    if done.returncode < 0 or b"MemoryError" in done.stderr:
        raise _size_refusal(faults, f"> {sheet_reader.MEMORY_MAX_BYTES} bytes")
    if done.returncode > 0:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise faults.refusal("FILE_UNREADABLE", expected=suffix, got=last_line)
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def _size_refusal(faults: Faults, got: str) -> ReturnRefused:
    rows, columns = sheet_reader.ROW_COUNT_MAX, sheet_reader.COLUMN_COUNT_MAX
    expected = f"{rows} rows, {columns} columns, {sheet_reader.SHEET_COUNT_MAX} sheets"
    return faults.refusal("FILE_TOO_LARGE", expected=expected, got=got)


def _value(cell: Any) -> CellValue:
    if not isinstance(cell, list):
        value: CellValue = cell
        return value
    text = cell[1]
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
