"""Rows that tests write: an agreement between two parties, its open quarter, and a settlement that adds up.

The agreement's parties are 1 and 2, and party 3 is a fund. Its accounts end in 0 (source), 1 and 2 (due) and
3 (fund).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

import pytest
from sqlalchemy import Connection, Table, func, insert, update
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.exc import DBAPIError

from ledger_schema import tables
from ledger_schema.partitions import open_booked_quarter
from ledger_schema.sessions import sqlstate

QUARTER = 20243
HASH = sha256(b"").digest()
CASH = 1
YUAN = 1
OUTPUT = 101
Row = dict[str, object]


@contextmanager
def refused(connection: Connection, code: str) -> Iterator[None]:
    """What is done inside must be refused with this SQLSTATE; the transaction goes on from before it."""
    savepoint = connection.begin_nested()
    with pytest.raises(DBAPIError) as caught:
        yield
    savepoint.rollback()
    assert sqlstate(caught.value) == code, caught.value


def add(connection: Connection, table: Table, *rows: Mapping[str, object]) -> None:
    """Inserts the rows in one statement."""
    connection.execute(insert(table).values([dict(row) for row in rows]))


def agree(connection: Connection, agreement_id: int = 1, quarter: int = QUARTER) -> None:
    """An agreement with its accounts and an open quarter that has its partitions."""
    open_booked_quarter(connection, quarter)
    parties = [
        {"party_id": party_id, "code": f"P{party_id}", "kind": "zone", "name_zh": "园区", "source": "made up"}
        for party_id in (1, 2, 3)
    ]
    event = {"event_id": 1, "kind": "test", "actor": "test", "canonical": b"", "hash": HASH}
    connection.execute(insert_or_ignore(tables.party).values(parties).on_conflict_do_nothing())
    connection.execute(insert_or_ignore(tables.event).values(event).on_conflict_do_nothing())
    add(
        connection,
        tables.agreement,
        {
            "agreement_id": agreement_id,
            "code": f"A{agreement_id}",
            "kind": "enclave",
            "title_zh": "协议",
            "title_en": "agreement",
            "source": "made up",
            "unverified": "everything",
        },
    )
    parties_by_role = (("origin", 1), ("host", 2))
    add(
        connection,
        tables.agreement_party,
        *(
            {"agreement_id": agreement_id, "role": role, "party_id": party_id, "signs": True}
            for role, party_id in parties_by_role
        ),
    )
    kinds = ((0, "source", None), (1, "due", 1), (2, "due", 2), (3, "fund", 3))
    add(connection, tables.account, *(account(agreement_id, *kind) for kind in kinds))
    open_quarter(connection, agreement_id, quarter)


def account(agreement_id: int, number: int, kind: str, party_id: int | None, book_id: int = CASH) -> Row:
    return {
        "account_id": agreement_id * 10 + number,
        "agreement_id": agreement_id,
        "party_id": party_id,
        "kind": kind,
        "clause": 1,
        "book_id": book_id,
        "commodity_id": YUAN if book_id == CASH else OUTPUT,
    }


def open_quarter(connection: Connection, agreement_id: int, quarter: int) -> None:
    add(connection, tables.agreement_quarter, {"agreement_id": agreement_id, "quarter": quarter})


def filing(agreement_id: int = 1, filing_id: int = 1, line_count: int = 1) -> Row:
    return {
        "agreement_id": agreement_id,
        "booked_quarter": QUARTER,
        "filing_id": filing_id,
        "quarter": QUARTER,
        "role": "origin",
        "sequence": filing_id,
        "is_nil": line_count == 0,
        "content_hash": HASH,
        "lines_hash": HASH,
        "line_count": line_count,
        "event_id": 1,
    }


def settlement(agreement_id: int = 1, settlement_id: int = 7, allocation_count: int = 2) -> Row:
    return {
        "agreement_id": agreement_id,
        "booked_quarter": QUARTER,
        "settlement_id": settlement_id,
        "is_final": False,
        "inputs": b"{}",
        "allocations_hash": HASH,
        "allocation_count": allocation_count,
        "event_id": 1,
    }


def settle(connection: Connection, agreement_id: int = 1, allocation_count: int = 2) -> None:
    """A settlement with one cause and the heads of two entries, no amounts yet."""
    key = {"agreement_id": agreement_id, "booked_quarter": QUARTER, "settlement_id": 7, "cause": 1}
    add(connection, tables.settlement, settlement(agreement_id, allocation_count=allocation_count))
    add(
        connection,
        tables.settlement_cause,
        {**key, "kind": "quarter", "quarter": QUARTER, "reference": ""},
    )
    add(connection, tables.journal_entry, {**key, "entry": 1, "clause": 1, "quarter": QUARTER})


def allocation(
    party_id: int, amount_minor: int, routed_minor: int = 0, agreement_id: int = 1, subject_id: int = 0
) -> Row:
    return {
        "agreement_id": agreement_id,
        "booked_quarter": QUARTER,
        "settlement_id": 7,
        "cause": 1,
        "clause": 1,
        "subject_id": subject_id,
        "quarter": QUARTER,
        "book_id": CASH,
        "commodity_id": YUAN,
        "party_id": party_id,
        "amount_minor": amount_minor,
        "routed_minor": routed_minor,
    }


def posting(number: int, amount_minor: int, agreement_id: int = 1, entry: int = 1) -> Row:
    """A posting of the agreement's account `number`, which is also its place in the entry."""
    return {
        "agreement_id": agreement_id,
        "booked_quarter": QUARTER,
        "settlement_id": 7,
        "entry": entry,
        "posting": number,
        "account_id": agreement_id * 10 + number,
        "book_id": CASH,
        "commodity_id": YUAN,
        "amount_minor": amount_minor,
    }


def return_line(line: int, amount_minor: int = 5, agreement_id: int = 1) -> Row:
    return {
        "agreement_id": agreement_id,
        "booked_quarter": QUARTER,
        "filing_id": 1,
        "line": line,
        "subject_id": 0,
        "measure_id": 11,
        "months": 3,
        "starts": "2024-07-01",
        "amount_minor": amount_minor,
        "document": "",
    }


def book_allocations_and_postings(connection: Connection, agreement_id: int = 1) -> None:
    """100 divided into 60 and 40."""
    rows = ((1, 60), (2, 40))
    add(
        connection,
        tables.allocation,
        *(allocation(party, amount, agreement_id=agreement_id) for party, amount in rows),
    )
    postings = ((0, -100), *rows)
    add(connection, tables.posting, *(posting(number, amount, agreement_id) for number, amount in postings))


def close(connection: Connection, agreement_id: int = 1, settlement_id: int = 7) -> None:
    quarter = tables.agreement_quarter
    connection.execute(
        update(quarter)
        .where(quarter.c.agreement_id == agreement_id, quarter.c.quarter == QUARTER)
        .values(state="closed", settlement_id=settlement_id, closed_at=func.now())
    )


def values(rows: Iterable[Mapping[str, object]], table: Table) -> list[list[object]]:
    """The rows as COPY wants them: in the order of the table's columns."""
    return [[row[column.name] for column in table.columns] for row in rows]
