"""Comparing what events tell with what the tables hold, row by row and column by column."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, func, select, tuple_

from ledger.errors import LedgerError
from ledger.evidence.canonical import digest
from ledger.evidence.notes import Note, VerifierKey
from ledger.periods import Quarter
from ledger_schema.tables import event, party

WHOLE_ROW = "*"
ROWS_AT_ONCE = 1_000
SHOWN_LENGTH = 160
UNREADABLE = (LedgerError, LookupError, ValueError, TypeError, ArithmeticError, AttributeError)
"""What is raised by data that nothing follows from, for no act would have written it."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A row that isn't what it should be; ``column`` is ``*`` where the row, or its group of rows, is."""

    table: str
    key: Mapping[str, str]
    column: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class DigestOf:
    """Stands for bytes of which only the SHA-256 is known."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """A row as events tell it; columns that they don't tell are left out."""

    table: Table
    values: Mapping[str, object]

    @property
    def key(self) -> tuple[object, ...]:
        return tuple(self.values[column.name] for column in self.table.primary_key)


@dataclass(frozen=True, slots=True)
class Said:
    """What one event says."""

    event_id: int
    kind: str
    agreement_id: int | None
    recorded_at: datetime
    data: Mapping[str, Any]

    def row(self, table: Table, **values: object) -> Told:
        """A row that the event's act wrote, with the event and the moment where the table has them."""
        own = {"event_id": self.event_id, "recorded_at": self.recorded_at}
        return Told(table, {name: own[name] for name in own if name in table.c} | values)


@dataclass
class Scope:
    """What a check looks at: all, or one agreement; settlements from the quarter ``since`` on.

    ``log_key`` verifies the log's heads, ``kept_head`` is the last one that is kept outside of the database.
    ``row_count`` is how many rows were compared so far.
    """

    connection: Connection
    agreement_id: int | None = None
    since: Quarter | None = None
    log_key: VerifierKey | None = None
    kept_head: Note | None = None
    row_count: int = field(default=0)

    @cached_property
    def party_ids(self) -> dict[str, int]:
        """Every party's id by code."""
        return {
            row.code: row.party_id for row in self.connection.execute(select(party.c.code, party.c.party_id))
        }

    @cached_property
    def sides(self) -> dict[str, int]:
        """The party's id of every role, as the agreement's first event says."""
        return {
            side["role"]: self.party_ids.get(side["party"], 0)
            for said in self.said("agreement_drafted")
            for side in said.data["sides"]
        }

    def said(self, *kinds: str) -> Iterator[Said]:
        """The events of these kinds in order, of the agreement if there is one; unreadable ones left out."""
        wanted: list[ColumnElement[bool]] = [event.c.kind.in_(kinds)]
        if self.agreement_id is not None:
            wanted.append(event.c.agreement_id == self.agreement_id)
        for row in self.rows(event, *wanted):
            data = _data_of(row.canonical)
            if data is not None:
                yield Said(row.event_id, row.kind, row.agreement_id, row.recorded_at, data)

    def rows(self, table: Table, *wanted: ColumnElement[bool]) -> Iterator[Row[Any]]:
        """Rows of a table in the order of its key, a few at a time in memory."""
        statement = select(table).where(*wanted).order_by(*table.primary_key)
        with self.connection.execute(statement.execution_options(yield_per=ROWS_AT_ONCE)) as rows:
            yield from rows

    def compare(
        self, tables: Sequence[Table], told: Iterable[Told], *wanted: ColumnElement[bool]
    ) -> Iterator[Mismatch]:
        """What differs between what was told and the rows of the tables (the agreement's, or ``wanted``)."""
        by_table: defaultdict[str, dict[tuple[object, ...], Told]] = defaultdict(dict)
        for one in told:
            by_table[one.table.name][one.key] = one
        for table in tables:
            yield from self._compare(table, by_table[table.name], wanted or self._of_agreement(table))

    def stream(self, tables: Sequence[Table], tell: Callable[[], Iterable[Told]]) -> Iterator[Mismatch]:
        """As ``compare`` of all rows of the tables, a few rows at a time in memory; each row is told once.

        Where a table holds more rows than were told, everything is told again, and its keys alone are kept.
        """
        found: Counter[str] = Counter()
        telling = iter(tell())
        while batch := list(islice(telling, ROWS_AT_ONCE)):
            for table in tables:
                told = {one.key: one for one in batch if one.table is table}
                found[table.name] += len(told)
                mismatches = list(self._compare(table, told, [_has_key(table, told)])) if told else []
                found[table.name] -= sum(one.expected == "a row" for one in mismatches)
                yield from mismatches
        for table in tables:
            if self._count(table) != found[table.name]:
                yield from self._untold(table, {one.key for one in tell() if one.table is table})

    def _count(self, table: Table) -> int:
        return self.connection.execute(select(func.count()).select_from(table)).scalar_one()

    def _untold(self, table: Table, told: set[tuple[object, ...]]) -> Iterator[Mismatch]:
        for row in self.rows(table):
            key = tuple(getattr(row, column.name) for column in table.primary_key)
            if key not in told:
                yield whole_row(table, key, "no such row", "a row")

    def _of_agreement(self, table: Table) -> tuple[ColumnElement[bool], ...]:
        return () if self.agreement_id is None else (table.c.agreement_id == self.agreement_id,)

    def _compare(
        self, table: Table, told: dict[tuple[object, ...], Told], wanted: Sequence[ColumnElement[bool]]
    ) -> Iterator[Mismatch]:
        for row in self.rows(table, *wanted):
            self.row_count += 1
            key = tuple(getattr(row, column.name) for column in table.primary_key)
            expected = told.pop(key, None)
            if expected is None:
                yield whole_row(table, key, "no such row", "a row")
            else:
                yield from _differences(table, key, expected.values, row)
        for key in told:
            yield whole_row(table, key, "a row", "no such row")


def _has_key(table: Table, keys: Iterable[tuple[object, ...]]) -> ColumnElement[bool]:
    return tuple_(*table.primary_key).in_(list(keys))


def whole_row(table: Table, key: Sequence[object], expected: str, found: str) -> Mismatch:
    """A mismatch about a row, or about the rows that a key's first columns name."""
    return Mismatch(table.name, key_of(table, key), WHOLE_ROW, expected, found)


def key_of(table: Table, key: Sequence[object]) -> dict[str, str]:
    """The key's columns (the first ones, where it is shorter) as text."""
    return {column.name: shown(value) for column, value in zip(table.primary_key, key, strict=False)}


def shown(value: object) -> str:
    """A value as people read it."""
    if isinstance(value, DigestOf):
        return f"bytes with SHA-256 {value.digest.hex()}"
    if isinstance(value, (bytes, memoryview)):
        content = bytes(value)
        return content.hex() if len(content) <= SHOWN_LENGTH // 2 else shown(DigestOf(digest(content)))
    text = "null" if value is None else str(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"


def _differences(
    table: Table, key: Sequence[object], expected: Mapping[str, object], row: Row[Any]
) -> Iterator[Mismatch]:
    for name, value in expected.items():
        found = getattr(row, name)
        if not _is(value, found):
            yield Mismatch(table.name, key_of(table, key), name, shown(value), shown(found))


def _is(expected: object, found: Any) -> bool:
    if isinstance(expected, DigestOf):
        return found is not None and digest(bytes(found)) == expected.digest
    return bool(expected == found)


def _data_of(canonical: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(canonical)["data"]
    except (ValueError, LookupError, TypeError):
        return None
    return data if isinstance(data, dict) else None
