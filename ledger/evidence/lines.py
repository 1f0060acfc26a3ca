"""The fixed-width binary form of bulk lines, over which their hash is taken.

A block is a head of 32 bytes (the format's name in ASCII, filled up with zero bytes) and then one record
for each line. All numbers are big-endian two's complement; nothing lies between fields or records.

Return lines (``parkledger.lines/1``, 64 bytes each, in line order):

====== ===== ============================================================================
offset bytes field
====== ===== ============================================================================
0      4     line number, from 1
4      4     measure id
8      8     subject: the enterprise's id, or 0 for the whole park
16     4     first day of the span as a number: 20240701
20     4     months of the span: 1 or 3
24     8     amount in minor units
32     32    SHA-256 of the document reference in UTF-8, or zero bytes where there is none
====== ===== ============================================================================

Allocations (``parkledger.allocations/1``, 52 bytes each, in key order):

====== ===== ============================================================================
offset bytes field
====== ===== ============================================================================
0      4     cause
4      4     clause
8      8     subject
16     4     quarter whose result changes: 20243
20     4     book id
24     4     commodity id
28     8     party id
36     8     amount in minor units
44     8     routed part in minor units
====== ===== ============================================================================

Key order is that of cause, clause, subject, quarter, book, party.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ledger.errors import InvariantBroken

LINES_FORMAT = "parkledger.lines/1"
ALLOCATIONS_FORMAT = "parkledger.allocations/1"
HEAD_BYTES = 32

LINE_RECORD = np.dtype(
    [
        ("line", ">i4"),
        ("measure", ">i4"),
        ("subject", ">i8"),
        ("starts", ">i4"),
        ("months", ">i4"),
        ("amount", ">i8"),
        ("document", "V32"),
    ]
)
ALLOCATION_RECORD = np.dtype(
    [
        ("cause", ">i4"),
        ("clause", ">i4"),
        ("subject", ">i8"),
        ("quarter", ">i4"),
        ("book", ">i4"),
        ("commodity", ">i4"),
        ("party", ">i8"),
        ("amount", ">i8"),
        ("routed", ">i8"),
    ]
)

Column: TypeAlias = "Sequence[int] | npt.NDArray[np.integer]"
Records: TypeAlias = "npt.NDArray[np.void]"


def line_records(
    *,
    subject: Column,
    measure: Column,
    starts: Column,
    months: Column,
    amount: Column,
    document: Sequence[str],
) -> Records:
    """The records of a return's lines, numbered from 1; ``starts`` as whole numbers like 20240701.

    Raises ``InvariantBroken`` where the columns differ in length or a number doesn't fit its field.
    """
    columns = {
        "line": np.arange(1, len(document) + 1),
        "measure": measure,
        "subject": subject,
        "starts": starts,
        "months": months,
        "amount": amount,
    }
    records = _records(LINE_RECORD, len(document), columns)
    records["document"] = np.frombuffer(_document_digests(document), dtype="V32")
    return records


def bytes_of_lines(records: Records) -> bytes:
    """The binary form of a return's lines: head and ``line_records``."""
    return head_of(LINES_FORMAT) + records.tobytes()


def hash_of_lines(records: Records) -> bytes:
    """SHA-256 of ``bytes_of_lines``, 32 bytes."""
    return hashlib.sha256(bytes_of_lines(records)).digest()


def allocation_records(
    *,
    cause: Column,
    clause: Column,
    subject: Column,
    quarter: Column,
    book: Column,
    commodity: Column,
    party: Column,
    amount: Column,
    routed: Column,
) -> Records:
    """The records of a settlement's allocations, which come in key order.

    Raises ``InvariantBroken`` where the columns differ in length or a number doesn't fit its field.
    """
    columns = {
        "cause": cause,
        "clause": clause,
        "subject": subject,
        "quarter": quarter,
        "book": book,
        "commodity": commodity,
        "party": party,
        "amount": amount,
        "routed": routed,
    }
    return _records(ALLOCATION_RECORD, len(cause), columns)


def bytes_of_allocations(records: Records) -> bytes:
    """The binary form of a settlement's allocations: head and ``allocation_records``."""
    return head_of(ALLOCATIONS_FORMAT) + records.tobytes()


def hash_of_allocations(records: Records) -> bytes:
    """SHA-256 of ``bytes_of_allocations``, 32 bytes."""
    return hashlib.sha256(bytes_of_allocations(records)).digest()


def head_of(name: str) -> bytes:
    """The 32 bytes with which a block of the format ``name`` begins."""
    return name.encode("ascii").ljust(HEAD_BYTES, b"\0")


def _records(record: np.dtype[np.void], count: int, columns: Mapping[str, Column]) -> Records:
    """Assignment to a numpy field wraps silently around, so that every number is checked first."""
    records = np.zeros(count, dtype=record)
    for name, column in columns.items():
        if len(column) != count:
            raise InvariantBroken(detail=f"column {name} has {len(column)} of {count} values")
        records[name] = _fitting(name, column, records[name].dtype)
    return records


def _fitting(name: str, column: Column, field: np.dtype[np.integer]) -> npt.NDArray[np.int64]:
    try:
        values = np.asarray(column, dtype=np.int64)
    except OverflowError as cause:
        raise InvariantBroken(detail=f"column {name} has a number beyond 64 bits") from cause
    limits = np.iinfo(field)
    if len(values) and (values.min() < limits.min or values.max() > limits.max):
        raise InvariantBroken(detail=f"column {name} has a number that doesn't fit its field")
    return values


def _document_digests(documents: Sequence[str]) -> bytes:
    digests = {text: hashlib.sha256(text.encode()).digest() for text in set(documents) if text}
    digests[""] = bytes(32)
    return b"".join(digests[text] for text in documents)
