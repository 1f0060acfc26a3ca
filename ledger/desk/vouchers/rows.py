"""Rows of vouchers and the event that tells them: what the event says is what is written, in one statement.

In the event a row is an object by column: ids and amounts as text, days as ``2024-07-01``, bytes as ``\\x``
and hexadecimal digits.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from sqlalchemy import BigInteger, Connection, Date, LargeBinary, Table, TextClause, text

from ledger.desk.acts import Recorder
from ledger.evidence.canonical import Json
from ledger_schema.tables import VOUCHER_TABLES, event

_TABLES = {table.name: table for table in VOUCHER_TABLES}

Described = Mapping[str, Json]
"""A row as the event says it."""


class Rows:
    """The rows of one act; each knows of the others, so that they are written together or not at all."""

    def __init__(self) -> None:
        self._by_table: defaultdict[str, list[Described]] = defaultdict(list)

    def add(self, table: Table, **values: object) -> None:
        """One row, with all columns but the event, the moment and what the database computes."""
        self._by_table[table.name].append(_row(table, values))

    def write(
        self, connection: Connection, record: Recorder, kind: str, agreement_id: int | None, **more: Json
    ) -> int:
        """Appends the event and the rows; returns the event's id."""
        told = self.told(record, kind, agreement_id, **more)
        write_all(connection, [told])
        return told.event_id

    def told(self, record: Recorder, kind: str, agreement_id: int | None, **more: Json) -> Told:
        """The rows with their event, to be written with those of other acts."""
        rows = {name: list(self._by_table[name]) for name in _TABLES if name in self._by_table}
        values = record.told(kind, {"rows": rows, **more}, agreement_id)
        return Told(values["event_id"], _row(event, values), rows)


@dataclass(frozen=True, slots=True)
class Told:
    """An event that is about to be appended, and the rows that it tells of, by table."""

    event_id: int
    event: Described
    rows: Mapping[str, Sequence[Described]]


def write_all(connection: Connection, told: Sequence[Told]) -> None:
    """Appends events and their rows, in one statement."""
    if not told:
        return
    together: dict[str, list[Described]] = {event.name: [one.event for one in told]}
    for name in _TABLES:
        rows: list[Described] = [
            {**row, "event_id": one.event_id} for one in told for row in one.rows.get(name, ())
        ]
        if rows:
            together[name] = rows
    shape = tuple((name, tuple(rows[0])) for name, rows in together.items())
    connection.execute(_insertion(shape), {"rows": json.dumps(together)})


def read_row(table: Table, row: Described) -> dict[str, object]:
    """The values of a row as an event says it."""
    return {name: _read(table, name, value) for name, value in row.items()}


def _row(table: Table, values: Mapping[str, object]) -> Described:
    return {name: _described(table, name, value) for name, value in values.items()}


def _described(table: Table, name: str, value: object) -> Json:
    kind = table.c[name].type
    if value is None:
        return None
    if isinstance(kind, BigInteger):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return rf"\x{value.hex()}"
    if isinstance(value, (str, int, list, dict)):
        return value
    raise TypeError(f"{table.name}.{name} can't hold {value!r}")


def _read(table: Table, name: str, value: Json) -> object:
    kind = table.c[name].type
    if isinstance(kind, BigInteger) and isinstance(value, str):
        return int(value)
    if isinstance(kind, Date) and isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(kind, LargeBinary) and isinstance(value, str):
        return bytes.fromhex(value.removeprefix(r"\x"))
    return value


@lru_cache(maxsize=256)
def _insertion(shape: tuple[tuple[str, tuple[str, ...]], ...]) -> TextClause:
    """One statement for all tables: references among the rows are looked at when all are there."""
    parts = [
        # Names are those of our own tables and columns.
        f"{name}_rows AS (INSERT INTO {name} ({', '.join(columns)}) "  # noqa: S608
        f"SELECT {', '.join(columns)} "
        f"FROM jsonb_populate_recordset(NULL::{name}, cast(:rows AS jsonb) -> '{name}'))"
        for name, columns in shape
    ]
    return text(f"WITH {', '.join(parts)} SELECT 1")
