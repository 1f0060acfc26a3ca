"""Measures views over the nation: 200 zones, 2,000 agreements, ten years of quarters.

`.venv/bin/python bench/pairings.py [--quick]` makes them up in a PostgreSQL of its own, straight in the
tables, and asks for every view by turns with the same aggregate as plain SQL written by hand, all as the
application under row security. Prints p50, p95, processor time and ratios, and asserts nothing but that both
give the same.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from os import sysconf
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

import psycopg
from made_up_nation import SHAPES, _terms_bytes
from sqlalchemy import Connection, text

from ledger.desk import pairings
from ledger.desk.pairings import Group, Grouping
from ledger.desk.pairings.groups import NORTH, GroupKind
from ledger.desk.roster import load_roster
from ledger.desk.settlements.replays import BOOK_IDS
from ledger.evidence.canonical import digest
from ledger.periods import Quarter
from ledger_schema import migrate, server
from ledger_schema.sessions import Database

FIRST, LAST = Quarter(2015, 1), Quarter(2024, 4)
TODAY = date(2025, 2, 1)
ROUNDS = 60
SETTINGS = {"shared_buffers": "512MB", "synchronous_commit": "off", "max_wal_size": "4GB"}

# Legs and clearings come in the order of their ids, as ids grow with time.
NATION = """
INSERT INTO party (party_id, code, kind, name_zh, province_code, province_zh, region_class, source)
SELECT 1000000 + n, 'X-' || n, 'zone', '园区' || n, province_code, province_zh, region_class, 'made up'
FROM generate_series(1, 200 - (SELECT count(*) FROM party)::int) AS n,
    LATERAL (SELECT * FROM party WHERE code LIKE 'HTZ%' ORDER BY code OFFSET n LIMIT 1) AS like_one;

CREATE TEMPORARY TABLE numbered AS
SELECT party_id, row_number() OVER (ORDER BY code)::int - 1 AS place FROM party;

INSERT INTO agreement (agreement_id, code, kind, title_zh, title_en, source, unverified)
SELECT n, 'P-' || n, (ARRAY['enclave', 'partner_park', 'co_built_park', 'branch_park'])[1 + n % 4],
    '合作协议', 'Agreement', 'made up', 'all of it'
FROM generate_series(1, {agreements}) AS n;

INSERT INTO agreement_party (agreement_id, role, party_id, signs)
SELECT n, role, party_id, true
FROM generate_series(1, {agreements}) AS n
    CROSS JOIN (VALUES ('origin', 0), ('host', 1)) AS side (role, step)
    JOIN numbered ON place = (n * 7 + step * (1 + n % 113)) % 200;

INSERT INTO agreement_version_state (agreement_id, version, state, event_id)
SELECT n, 1, 'in_force', 1 FROM generate_series(1, {agreements}) AS n;

INSERT INTO agreement_quarter (agreement_id, quarter, state, settlement_id, closed_at)
SELECT n, year * 10 + part, 'closed', n * 100000::bigint + year * 10 + part, now()
FROM generate_series(1, {agreements}) AS n, generate_series(2015, 2024) AS year,
    generate_series(1, 4) AS part;

INSERT INTO payable
SELECT agreement_id, quarter, settlement_id, 1, 1, host.party_id, origin.party_id, amount, 0, 0, 0, amount
FROM agreement_quarter
    JOIN agreement_party AS host USING (agreement_id) JOIN agreement_party AS origin USING (agreement_id),
    LATERAL (SELECT (agreement_id * 7919 + quarter * 104729) % 900000000 + 1 AS amount) AS made
WHERE host.role = 'host' AND origin.role = 'origin' AND agreement_id % 6 <> 5;

INSERT INTO settled_flow
SELECT agreement_id, booked_quarter, settlement_id, 1,
    CASE WHEN agreement_id % 6 = 0 THEN 'development_revenue' ELSE 'tax' END, commodity_id,
    payer_party_id, payee_party_id, booked_minor FROM payable;

INSERT INTO settled_credit
SELECT agreement_id, quarter, settlement_id, 1, 3, 101, party_id, (agreement_id * 31 + quarter) % 700000 + 1
FROM agreement_quarter JOIN agreement_party USING (agreement_id);

INSERT INTO leg (leg_id, kind, agreement_id, booked_quarter, settlement_id, clause, payer_party_id,
    payee_party_id, commodity_id, amount_minor, form, due_day, may_be_netted, monthly_rates, event_id)
SELECT settlement_id, 'settlement', agreement_id, booked_quarter, settlement_id, clause, payer_party_id,
    payee_party_id, commodity_id, raised_minor, 'direct',
    make_date(booked_quarter / 10, booked_quarter % 10 * 3, 1) + interval '3 months', false, '[]', 1
FROM payable ORDER BY settlement_id;

INSERT INTO leg_clearing (leg_id, sequence, kind, amount_minor, open_minor, day, event_id)
SELECT leg_id, 1, 'payment', amount_minor, 0, due_day, 1 FROM leg WHERE (leg_id + agreement_id) % 50 <> 0
ORDER BY leg_id;
"""
# The same aggregates, written by hand over the same tables, and the matrix over what the sums were made from.
MATRIX = """
    SELECT payer.{key} AS payer, payee.{key} AS payee, mechanism, sum(amount_minor)
    FROM settled_flow JOIN party AS payer ON payer.party_id = payer_party_id
        JOIN party AS payee ON payee.party_id = payee_party_id
    WHERE booked_quarter BETWEEN :first AND :last GROUP BY 1, 2, 3
"""
HALVES = """
    SELECT CASE WHEN payer.province_code = ANY(:north) THEN 'North' ELSE 'South' END AS payer,
        CASE WHEN payee.province_code = ANY(:north) THEN 'North' ELSE 'South' END AS payee, mechanism,
        sum(amount_minor)
    FROM settled_flow JOIN party AS payer ON payer.party_id = payer_party_id
        JOIN party AS payee ON payee.party_id = payee_party_id
    WHERE booked_quarter BETWEEN :first AND :last GROUP BY 1, 2, 3
"""
TREND = """
    SELECT booked_quarter / 10 AS year, mechanism, sum(amount_minor) FROM settled_flow
    WHERE booked_quarter BETWEEN :first AND :last GROUP BY 1, 2
"""
TREND_BETWEEN = """
    SELECT booked_quarter / 10 AS year, mechanism, sum(amount_minor)
    FROM settled_flow JOIN party AS payer ON payer.party_id = payer_party_id
        JOIN party AS payee ON payee.party_id = payee_party_id
    WHERE booked_quarter BETWEEN :first AND :last
        AND (payer.region_class, payee.region_class) IN (('East', 'West'), ('West', 'East'))
    GROUP BY 1, 2
"""
RANKING = """
    WITH paid AS (
        SELECT province_code, sum(amount_minor) AS paid
        FROM settled_flow JOIN party ON party_id = payer_party_id
        WHERE booked_quarter BETWEEN :first AND :last GROUP BY 1
    ), received AS (
        SELECT province_code, sum(amount_minor) AS received
        FROM settled_flow JOIN party ON party_id = payee_party_id
        WHERE booked_quarter BETWEEN :first AND :last GROUP BY 1
    ), overdue AS (
        SELECT province_code, sum(amount_minor - cleared) AS overdue
        FROM leg JOIN party ON party_id = payer_party_id
            JOIN agreement_quarter AS closed ON closed.agreement_id = leg.agreement_id
                AND closed.quarter = booked_quarter AND closed.settlement_id = leg.settlement_id
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(amount_minor), 0) AS cleared FROM leg_clearing
                WHERE leg_clearing.leg_id = leg.leg_id
            ) AS clearings
        WHERE coalesce(second_day, due_day) < :today GROUP BY 1
    )
    SELECT province_code, count(DISTINCT agreement_id), coalesce(paid, 0), coalesce(received, 0),
        coalesce(overdue, 0)
    FROM agreement_party JOIN party USING (party_id) LEFT JOIN paid USING (province_code)
        LEFT JOIN received USING (province_code) LEFT JOIN overdue USING (province_code)
    GROUP BY province_code, paid, received, overdue
"""
# One statement for each part of a pairing: agreements, flows, credits, debts.
PAIRING = (
    """
    SELECT count(DISTINCT agreement_id)
    FROM agreement_party AS mine JOIN party AS one ON one.party_id = mine.party_id
        JOIN agreement_party AS theirs USING (agreement_id)
        JOIN party AS other ON other.party_id = theirs.party_id
    WHERE one.{key} = :one AND other.{key} = :other
    """,
    """
    SELECT booked_quarter, mechanism, payer.{key} = :one, sum(amount_minor)
    FROM settled_flow JOIN party AS payer ON payer.party_id = payer_party_id
        JOIN party AS payee ON payee.party_id = payee_party_id
    WHERE booked_quarter BETWEEN :first AND :last
        AND (payer.{key}, payee.{key}) IN ((:one, :other), (:other, :one))
    GROUP BY 1, 2, 3
    """,
    """
    SELECT booked_quarter, book_id, commodity_id, party.{key} = :one, sum(amount_minor)
    FROM settled_credit JOIN party USING (party_id)
    WHERE booked_quarter BETWEEN :first AND :last AND party.{key} IN (:one, :other)
        AND agreement_id IN (
            SELECT agreement_id
            FROM agreement_party AS mine JOIN party AS one ON one.party_id = mine.party_id
                JOIN agreement_party AS theirs USING (agreement_id)
                JOIN party AS other ON other.party_id = theirs.party_id
            WHERE one.{key} = :one AND other.{key} = :other)
    GROUP BY 1, 2, 3, 4
    """,
    """
    SELECT payer.{key} = :one, sum(amount_minor), sum(amount_minor - cleared),
        coalesce(sum(amount_minor - cleared)
            FILTER (WHERE coalesce(second_day, due_day) < :today), 0)
    FROM leg JOIN party AS payer ON payer.party_id = payer_party_id
        JOIN party AS payee ON payee.party_id = payee_party_id
        JOIN agreement_quarter AS closed ON closed.agreement_id = leg.agreement_id
            AND closed.quarter = booked_quarter AND closed.settlement_id = leg.settlement_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_minor), 0) AS cleared FROM leg_clearing
            WHERE leg_clearing.leg_id = leg.leg_id
        ) AS clearings
    WHERE (payer.{key}, payee.{key}) IN ((:one, :other), (:other, :one))
    GROUP BY 1
    """,
)
OVER_PAYABLES = """
    SELECT payer.province_code, payee.province_code, mechanism, sum(booked_minor)
    FROM payable JOIN agreement_quarter AS closed USING (agreement_id, settlement_id)
        JOIN (
            SELECT agreement_id, number AS clause, mechanism
            FROM agreement_version, jsonb_to_recordset(convert_from(terms, 'UTF8')::jsonb -> 'clauses')
                AS clause (number smallint, what jsonb), jsonb_to_record(what) AS said (mechanism text)
        ) AS mechanisms USING (agreement_id, clause)
        JOIN party AS payer ON payer.party_id = payer_party_id
        JOIN party AS payee ON payee.party_id = payee_party_id
    WHERE booked_quarter BETWEEN :first AND :last GROUP BY 1, 2, 3
"""
BUSIEST = """
    SELECT one.{key}, other.{key}
    FROM agreement_party AS mine JOIN party AS one ON one.party_id = mine.party_id
        JOIN agreement_party AS theirs USING (agreement_id)
        JOIN party AS other ON other.party_id = theirs.party_id
    WHERE one.{key} < other.{key} GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 1
"""
TEN_YEARS = (FIRST, LAST)
ONE_YEAR = (Quarter(2024, 1), LAST)
EAST, WEST = Group("region", "East"), Group("region", "West")

Rows = set[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class View:
    """A view and its hand-written counterpart, each giving the same rows."""

    name: str
    ours: Callable[[Connection], Rows]
    plain: Callable[[Connection], Rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 agreements, 10 rounds")
    quick = parser.parse_args().quick
    folder = Path(tempfile.mkdtemp(prefix="parkledger_bench_"))
    folder.chmod(0o755)
    try:
        url = server.start(folder, SETTINGS).url
        migrate.upgrade(url)
        database = Database(url)
        load_roster(database)
        _make(database, 200 if quick else 2_000)
        with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection_of_owner:
            connection_of_owner.execute("VACUUM ANALYZE")
        with database.reading() as connection:
            _measure(connection, 10 if quick else ROUNDS)
        database.dispose()
    finally:
        server.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _make(database: Database, agreements: int) -> None:
    with database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in NATION.replace("{agreements}", str(agreements)).split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
        for place in range(agreements):
            content = _terms_bytes(place, SHAPES[place % len(SHAPES)])
            connection.execute(
                text("INSERT INTO agreement_version VALUES (:place, 1, :terms, :hash, 20151)"),
                {"place": place + 1, "terms": content, "hash": digest(content)},
            )


def _views(connection: Connection) -> Iterator[View]:
    yield _matrix("matrix by province, ten years", "province", TEN_YEARS, MATRIX.format(key="province_code"))
    yield _matrix("east and west, ten years", "region", TEN_YEARS, MATRIX.format(key="region_class"))
    yield _matrix("north and south, ten years", "half", TEN_YEARS, HALVES)
    yield _matrix("matrix by province, one year", "province", ONE_YEAR, MATRIX.format(key="province_code"))
    yield _trend("trend of the nation", None, TREND)
    yield _trend("trend between east and west", (EAST, WEST), TREND_BETWEEN)
    for years, name in ((TEN_YEARS, "ten years"), (ONE_YEAR, "one year")):
        yield _ranking(f"ranking of provinces, {name}", years)
    yield _pairing("busiest pairing of zones, ten years", _busiest(connection, "party", "code"), "code")
    provinces = _busiest(connection, "province", "province_code")
    yield _pairing("busiest pairing of provinces, ten years", provinces, "province_code")
    yield _pairing("one pairing of east and west, ten years", (EAST, WEST), "region_class")


def _matrix(name: str, by: Grouping, years: tuple[Quarter, Quarter], plain: str) -> View:
    def ours(connection: Connection) -> Rows:
        cells = pairings.matrix(connection, by, *years)
        return {(one.payer, one.payee, one.mechanism, one.amount_minor) for one in cells}

    return View(name, ours, lambda connection: _rows(connection, plain, years, north=list(NORTH)))


def _trend(name: str, between: tuple[Group, Group] | None, plain: str) -> View:
    def ours(connection: Connection) -> Rows:
        found = pairings.trend(connection, *TEN_YEARS, between)
        return {(one.year, one.mechanism, one.amount_minor) for one in found}

    return View(name, ours, lambda connection: _rows(connection, plain, TEN_YEARS))


def _ranking(name: str, years: tuple[Quarter, Quarter]) -> View:
    def ours(connection: Connection) -> Rows:
        ranked = pairings.ranking(connection, "province", *years, TODAY, pairings.RANKED_MOST)
        return {
            (one.key, one.agreement_count, one.paid_minor, one.received_minor, one.overdue_minor)
            for one in ranked
        }

    return View(name, ours, lambda connection: _rows(connection, RANKING, years, today=TODAY))


def _busiest(connection: Connection, kind: GroupKind, key: str) -> tuple[Group, Group]:
    """The two groups with the most agreements."""
    one, other = connection.execute(text(BUSIEST.format(key=key))).one()
    return Group(kind, one), Group(kind, other)


def _pairing(name: str, groups: tuple[Group, Group], key: str) -> View:
    def ours(connection: Connection) -> Rows:
        found = pairings.pairing(connection, *groups, *TEN_YEARS, TODAY)
        return {
            (len(found.agreement_ids),),
            *((one.quarter.code, one.mechanism, one.from_one, one.amount_minor) for one in found.flows),
            *(
                (one.quarter.code, BOOK_IDS[one.book], one.commodity_id, one.to_one, one.amount_minor)
                for one in found.credits
            ),
            *((one.from_one, one.raised_minor, one.open_minor, one.overdue_minor) for one in found.debts),
        }

    def plain(connection: Connection) -> Rows:
        one, other = (group.code for group in groups)
        given = {"one": one, "other": other, "today": TODAY}
        statements = (statement.format(key=key) for statement in PAIRING)
        return {row for each in statements for row in _rows(connection, each, TEN_YEARS, **given)}

    return View(name, ours, plain)


def _rows(connection: Connection, statement: str, years: tuple[Quarter, Quarter], **given: object) -> Rows:
    first, last = years
    found = connection.execute(text(statement), {"first": first.code, "last": last.code, **given})
    return {tuple(row) for row in found}


def _measure(connection: Connection, rounds: int) -> None:
    views = list(_views(connection))
    for view in views:
        if view.ours(connection) != view.plain(connection):
            raise ValueError(f"{view.name}: not what plain SQL gives")
    pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    taken: dict[str, tuple[list[float], list[float]]] = {view.name: ([], []) for view in views}
    worked = dict.fromkeys(taken, 0.0)
    for _ in range(rounds):
        for view in views:
            ours, plain = taken[view.name]
            begin = _worked(pid)
            ours.append(_milliseconds(partial(view.ours, connection)))
            worked[view.name] += _worked(pid) - begin
            plain.append(_milliseconds(partial(view.plain, connection)))
    print(f"{'ms':<40}{'p50 / p95':>15}{'processor':>11}{'plain SQL':>18}   view / plain SQL, p50")
    for name, (ours, plain) in taken.items():
        ratio, work_ms = median(ours) / median(plain), worked[name] / rounds
        print(f"{name:<40}{_spread(ours):>15}{work_ms:>11.1f}{_spread(plain):>18}   {ratio:.2f}")
    over_ms = _milliseconds(lambda: _rows(connection, OVER_PAYABLES, TEN_YEARS))
    matrix_ms = median(taken["matrix by province, ten years"][0])
    print(f"matrix as plain SQL over payables / view: {over_ms / matrix_ms:.1f}")


def _worked(pid: int) -> float:
    """Milliseconds of processor that this program and the server's process have used so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return (process_time() + ticks / sysconf("SC_CLK_TCK")) * 1000


def _spread(times: list[float]) -> str:
    return f"{median(times):.1f} / {quantiles(times, n=20)[18]:.1f}"


def _milliseconds(view: Callable[[], object]) -> float:
    begin = perf_counter()
    view()
    return (perf_counter() - begin) * 1000


if __name__ == "__main__":
    main()
