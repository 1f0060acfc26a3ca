"""Days and moments that the database can hold and this program can't: read as the latest there is.

Whoever changes a day to ``infinity``, or to one before our era, makes no row unreadable by that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.types.datetime import DateLoader, TimestamptzLoader
from sqlalchemy import Connection

TYPES = ("date", "timestamptz")


class _AnyDay(DateLoader):
    def load(self, data: Buffer) -> date:
        try:
            return super().load(data)
        except DataError:
            return date.max


class _AnyMoment(TimestamptzLoader):
    def load(self, data: Buffer) -> datetime:
        try:
            return super().load(data)
        except DataError:
            return datetime.max.replace(tzinfo=UTC)


@contextmanager
def all_readable(connection: Connection) -> Iterator[None]:
    """Reads any day and moment; one that nobody writes as the last day of the year 9999."""
    adapters = connection.connection.driver_connection.adapters  # type: ignore[union-attr]
    before = [adapters.get_loader(adapters.types[name].oid, 0) for name in TYPES]
    for name, loader in zip(TYPES, (_AnyDay, _AnyMoment), strict=True):
        adapters.register_loader(name, loader)
    try:
        yield
    finally:
        for name, loader in zip(TYPES, before, strict=True):
            adapters.register_loader(name, loader)
