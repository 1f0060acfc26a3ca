"""Whole columns between numpy and the database: arrays read in one piece, rows written by binary COPY.

A table of a million rows moves without a Python object for any row. Reading, PostgreSQL gathers a column of
each group into one array (``array_send(array_agg(...))``); writing, the rows are laid out in one block of
memory in the form of COPY BINARY: big-endian, each field after its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.rows import TupleRow
from sqlalchemy import Connection

from ledger.desk.copying import driver_of

Int64Column: TypeAlias = npt.NDArray[np.int64]
Columns: TypeAlias = Mapping[str, "npt.NDArray[np.integer[Any]] | int"]

BLOCK_ROWS: Final = 2**15
"""Rows laid out at a time: enough that numpy's overhead vanishes, few enough to stay in the cache."""

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_ARRAY_HEAD_BYTES: Final = 12
_DIMENSION_BYTES: Final = 8
_LENGTH_BYTES: Final = 4
_INT8_OID: Final = 20


# --- reading ----------------------------------------------------------------------------------------------


def rows_in_binary(connection: Connection, query: str, parameters: Mapping[str, object]) -> list[TupleRow]:
    """The rows of a fixed ``query``, transferred in binary form, so that ``bytea`` comes as it is."""
    with driver_of(connection).cursor(binary=True) as cursor:
        cursor.execute(query.encode(), parameters)
        return cursor.fetchall()


def numbers_of(sent: bytes) -> Int64Column:
    """The whole numbers of an array without nulls that ``array_send`` wrote, in the array's shape."""
    dimensions = int.from_bytes(sent[:_LENGTH_BYTES])
    begin = _ARRAY_HEAD_BYTES + _DIMENSION_BYTES * dimensions
    if not dimensions:
        return np.zeros(0, np.int64)
    shape = np.frombuffer(sent, ">i4", 2 * dimensions, _ARRAY_HEAD_BYTES)[::2]
    width = int.from_bytes(sent[begin : begin + _LENGTH_BYTES])
    element = np.dtype([("length", ">i4"), ("value", f">i{width}")])
    return np.frombuffer(sent, element, offset=begin)["value"].astype(np.int64).reshape(shape)


def joined(parts: Sequence[Int64Column]) -> Int64Column:
    """One column of all ``parts``, which may be none."""
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


# --- writing ----------------------------------------------------------------------------------------------


def copy_columns(connection: Connection, table: str, widths: Mapping[str, int], columns: Columns) -> None:
    """Append rows of whole numbers to ``table``.

    ``widths`` gives each column's bytes in the order of the fields (2, 4 or 8), ``columns`` its numbers, or
    one number for all rows. The numbers must fit; whoever made them has to see to that.
    """
    count = _row_count(columns)
    block = _block(widths, min(count, BLOCK_ROWS))
    for name, column in columns.items():
        if isinstance(column, int):
            block[name] = column
    _copy_blocks(connection, table, list(widths), _filled(block, columns, count))


def copy_with_array(
    connection: Connection,
    table: str,
    widths: Mapping[str, int],
    columns: Columns,
    name: str,
    arrays: Sequence[tuple[npt.NDArray[np.int64], Int64Column]],
) -> None:
    """Append rows of whole numbers and, last, one array of 64-bit numbers, the column ``name``.

    ``arrays`` are groups of rows whose arrays have one length: the rows' places in ``columns``, and the
    numbers as [row, element].
    """
    _copy_blocks(connection, table, [*widths, name], _blocks_with_array(widths, columns, name, arrays))


def copy_with_text(
    connection: Connection,
    table: str,
    widths: Mapping[str, int],
    columns: Columns,
    name: str,
    texts: Sequence[str],
    place: Int64Column,
) -> None:
    """Append rows of whole numbers and, last, the text column ``name``: row i has ``texts[place[i]]``."""
    encoded = [one.encode() for one in texts]
    length = np.array([len(one) for one in encoded], np.int64)
    _copy_blocks(
        connection,
        table,
        [*widths, name],
        (
            block
            for one in np.unique(length).tolist()
            for block in _blocks_with_text(
                _text_block(widths, one), columns, encoded, place, np.flatnonzero(length[place] == one)
            )
        ),
    )


def _block(
    widths: Mapping[str, int], count: int, *last: tuple[str, npt.DTypeLike, tuple[int, ...]]
) -> npt.NDArray[np.void]:
    """Room for ``count`` rows, lengths filled in; ``last`` are the parts of one more field, if any."""
    layout: list[tuple[Any, ...]] = [("fields", ">i2")]
    for name, width in widths.items():
        layout += [(f"length of {name}", ">i4"), (name, f">i{width}")]
    block = np.zeros(count, np.dtype([*layout, *last]))
    block["fields"] = len(widths) + bool(last)
    for name, width in widths.items():
        block[f"length of {name}"] = width
    return block


def _text_block(widths: Mapping[str, int], length: int) -> npt.NDArray[np.void]:
    block = _block(widths, BLOCK_ROWS, ("bytes", ">i4", ()), ("text", "u1", (length,)))
    block["bytes"] = length
    return block


def _blocks_with_text(
    block: npt.NDArray[np.void],
    columns: Columns,
    encoded: Sequence[bytes],
    place: Int64Column,
    rows: Int64Column,
) -> Iterator[npt.NDArray[np.void]]:
    length = block["text"].shape[1]
    of_length = [one if len(one) == length else bytes(length) for one in encoded]
    table = np.frombuffer(b"".join(of_length), np.uint8).reshape(len(encoded), length)
    for begin in range(0, len(rows), BLOCK_ROWS):
        chosen = rows[begin : begin + BLOCK_ROWS]
        for column_name, column in columns.items():
            block[column_name][: len(chosen)] = column if isinstance(column, int) else column[chosen]
        block["text"][: len(chosen)] = table[place[chosen]]
        yield block[: len(chosen)]


def _row_count(columns: Columns) -> int:
    return max(len(column) for column in columns.values() if not isinstance(column, int))


def _filled(block: npt.NDArray[np.void], columns: Columns, count: int) -> Iterator[npt.NDArray[np.void]]:
    for begin in range(0, count, BLOCK_ROWS):
        end = min(begin + BLOCK_ROWS, count)
        for name, column in columns.items():
            if not isinstance(column, int):
                block[name][: end - begin] = column[begin:end]
        yield block[: end - begin]


def _blocks_with_array(
    widths: Mapping[str, int],
    columns: Columns,
    name: str,
    arrays: Sequence[tuple[npt.NDArray[np.int64], Int64Column]],
) -> Iterator[npt.NDArray[np.void]]:
    for rows, numbers in arrays:
        block = _array_block(widths, name, numbers.shape[1], min(len(rows), BLOCK_ROWS // 4))
        for begin in range(0, len(rows), max(len(block), 1)):
            chosen = rows[begin : begin + len(block)]
            for column_name, column in columns.items():
                values = column if isinstance(column, int) else column[chosen]
                block[column_name][: len(chosen)] = values
            block[name]["value"][: len(chosen)] = numbers[begin : begin + len(block)]
            yield block[: len(chosen)]


def _array_block(widths: Mapping[str, int], name: str, length: int, count: int) -> npt.NDArray[np.void]:
    """Rows with everything that is the same in each of them."""
    element = np.dtype([("length", ">i4"), ("value", ">i8")])
    block = _block(widths, count, ("bytes", ">i4", ()), ("head", ">i4", (5,)), (name, element, (length,)))
    block["bytes"] = _ARRAY_HEAD_BYTES + _DIMENSION_BYTES + element.itemsize * length
    # One dimension, no nulls, the type of the elements, how many there are, and that they count from 1.
    block["head"] = [1, 0, _INT8_OID, length, 1]
    block[name]["length"] = 8
    return block


def _copy_blocks(
    connection: Connection, table: str, names: Sequence[str], blocks: Iterator[npt.NDArray[np.void]]
) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_SIGNATURE)
        for block in blocks:
            copy.write(block.view(np.uint8).data)
        copy.write(_TRAILER)
