"""The floor under a booking: its rows by COPY BINARY into fresh tables, then the same keys and indexes."""

from __future__ import annotations

from time import perf_counter

from sqlalchemy import Connection, text

from ledger.desk.copying import driver_of
from ledger_schema.sessions import Database

PIECE_BYTES = 2**20
TABLES = ("event", "settlement", "settlement_cause", "journal_entry", "allocation", "posting", "carried")
WHICH = {
    "event": "event WHERE kind = 'settlement_computed' AND event_id IN "
    "(SELECT event_id FROM settlement WHERE booked_quarter = {quarter})",
    "settlement": "settlement WHERE booked_quarter = {quarter}",
    "settlement_cause": "settlement_cause WHERE booked_quarter = {quarter}",
    "journal_entry": "journal_entry WHERE booked_quarter = {quarter}",
    "allocation": "allocation_{quarter}",
    "posting": "posting_{quarter}",
    "carried": "carried_{quarter}",
}
KEYS = """
    SELECT format('ALTER TABLE raw_%1$s ADD %2$s', cast(:name AS text), pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE conrelid = cast(:name AS regclass) AND contype IN ('p', 'u')
    UNION ALL
    SELECT format('CREATE INDEX ON raw_%1$s%2$s', cast(:name AS text),
                  substring(pg_get_indexdef(indexrelid) FROM ' USING .*$'))
    FROM pg_index WHERE indrelid = cast(:name AS regclass) AND NOT indisunique
"""


def written_rows(database: Database, quarter: int) -> dict[str, bytes]:
    """What the booking of the quarter wrote, as COPY BINARY gives it."""
    with database.owner() as connection, driver_of(connection).cursor() as cursor:
        content = {}
        for name in TABLES:
            query = f"COPY (SELECT * FROM {WHICH[name].format(quarter=quarter)}) TO STDOUT (FORMAT BINARY)"
            with cursor.copy(query.encode()) as copy:
                content[name] = b"".join(bytes(piece) for piece in copy)
        return content


def seconds(database: Database, content: dict[str, bytes]) -> float:
    """The time for rows, keys and indexes in one transaction, its commit included."""
    begin = perf_counter()
    with database.owner() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        for name in TABLES:
            connection.execute(text(f"CREATE TABLE raw_{name} (LIKE {name})"))
            _copy(connection, name, content[name])
            for statement in connection.execute(text(KEYS), {"name": name}).scalars().all():
                connection.execute(text(statement))
    taken = perf_counter() - begin
    with database.owner() as connection:
        for name in TABLES:
            connection.execute(text(f"DROP TABLE raw_{name}"))
    return taken


def _copy(connection: Connection, name: str, content: bytes) -> None:
    view = memoryview(content)
    with (
        driver_of(connection).cursor() as cursor,
        cursor.copy(f"COPY raw_{name} FROM STDIN (FORMAT BINARY)".encode()) as copy,
    ):
        for begin in range(0, len(view), PIECE_BYTES):
            copy.write(view[begin : begin + PIECE_BYTES])
