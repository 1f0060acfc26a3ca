"""Rows into tables by binary COPY, in the transaction of an open connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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

BINARY_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    # SmallInteger and BigInteger are kinds of Integer, so they come first.
    (SmallInteger, "int2"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Text, "text"),
    (Date, "date"),
    (Boolean, "bool"),
    (LargeBinary, "bytea"),
    (ARRAY, "int8[]"),
)


def copy_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Append ``rows`` to ``table``; a row holds the values of ``columns`` in that order."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([_binary_type(table.c[name].type) for name in columns])
        for row in rows:
            copy.write_row(row)


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's connection, for COPY in the same transaction."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise InvariantBroken(detail="the connection isn't one of psycopg's")
    return driver


def _binary_type(column_type: TypeEngine[Any]) -> str:
    for kind, name in BINARY_TYPES:
        if isinstance(column_type, kind):
            return name
    raise InvariantBroken(detail=f"no binary form is known for {column_type!r}")
