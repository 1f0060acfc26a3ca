"""What all tables share: the metadata, checks and columns."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DateTime,
    MetaData,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(referred_table_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_index",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

QUARTER_CHECK = "{0} % 10 BETWEEN 1 AND 4 AND {0} BETWEEN 19491 AND 29994"
HASH_CHECK = "octet_length({0}) = 32"
PERSON_CHECK = "char_length({0}) BETWEEN 1 AND 60"
FIRST_DAY_CHECK = (
    "date_part('day', starts) = 1 AND (months = 1 OR date_part('month', starts) IN (1, 4, 7, 10))"
)
PARTITIONED_BY_BOOKED_QUARTER = "RANGE (booked_quarter)"


def recorded_at() -> Column[object]:
    """When the fact became known: the start of the transaction that recorded it."""
    return Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()"))
