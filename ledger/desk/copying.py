"""Many rows into a table at once, in the transaction of an open connection.

PostgreSQL refuses COPY into a table that has row security. So the columns are sent as arrays, in one INSERT:
for the triggers that look at a whole statement it is one, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Connection,
    Date,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from ledger.errors import InvariantBroken


def copy_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Append ``rows`` to ``table``; a row holds the values of ``columns`` in that order."""
    of_columns = list(zip(*rows, strict=True))
    if not of_columns:
        return
    kinds = [_kind(table.c[name].type) for name in columns]
    arrays = [_array(kind, values) for kind, values in zip(kinds, of_columns, strict=True)]
    with driver_of(connection).cursor() as cursor:
        cursor.execute(_insert(table, columns, kinds), arrays)


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's connection, for what SQLAlchemy doesn't offer in the same transaction."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise InvariantBroken(detail="the connection isn't one of psycopg's")
    return driver


def _insert(table: Table, columns: Sequence[str], kinds: Sequence[_Kind]) -> sql.Composed:
    names = [sql.Identifier(name) for name in columns]
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS sent ({})").format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(names),
        sql.SQL(", ").join(
            sql.SQL(f"sent.{{}}::{kind.name}").format(name) for name, kind in zip(names, kinds, strict=True)
        ),
        sql.SQL(", ").join(sql.SQL(f"%s::{kind.sent_as}[]") for kind in kinds),
        sql.SQL(", ").join(names),
    )


def _array(kind: _Kind, values: Sequence[Any]) -> str:
    """The values as PostgreSQL writes an array; some times faster than the driver's own."""
    return "{" + ",".join("NULL" if value is None else kind.written(value) for value in values) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _kind(column_type: TypeEngine[Any]) -> _Kind:
    for kind, found in _KINDS:
        if isinstance(column_type, kind):
            return found
    raise InvariantBroken(detail=f"no array is known of {column_type!r}")


class _Kind(NamedTuple):
    """A type's name, the type that it is sent as, and how a value is written in an array."""

    name: LiteralString
    sent_as: LiteralString
    written: Callable[[Any], str]


_KINDS: tuple[tuple[type[TypeEngine[Any]], _Kind], ...] = (
    # SmallInteger and BigInteger are kinds of Integer, so they come first.
    (SmallInteger, _Kind("int2", "int2", str)),
    (BigInteger, _Kind("int8", "int8", str)),
    (Integer, _Kind("int4", "int4", str)),
    (Text, _Kind("text", "text", _quoted)),
    (Date, _Kind("date", "date", str)),
    (Boolean, _Kind("bool", "bool", str)),
    (LargeBinary, _Kind("bytea", "bytea", lambda value: f'"\\\\x{value.hex()}"')),
    # unnest would take the arrays of a column of arrays apart as well, so they go as text.
    (ARRAY, _Kind("int8[]", "text", lambda value: _quoted("{" + ",".join(map(str, value)) + "}"))),
)
