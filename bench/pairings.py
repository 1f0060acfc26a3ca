"""Measures views over the nation: 200 zones, 2,000 agreements, ten years of quarters.

`.venv/bin/python bench/pairings.py [--quick]` makes them up in a PostgreSQL of its own, straight in the
tables, and asks for every view by turns with the same aggregate as plain SQL, over the sums and over what
they were summed from. Prints p50, p95 and ratios, and asserts nothing but that all give the same total.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import psycopg
from made_up_nation import SHAPES, _terms_bytes
from sqlalchemy import Connection, text

from ledger.desk import pairings
from ledger.desk.pairings import Group
from ledger.desk.roster import load_roster
from ledger.evidence.canonical import digest
from ledger.periods import Quarter
from ledger_schema import migrate, server
from ledger_schema.sessions import Database

FIRST, LAST = Quarter(2015, 1), Quarter(2024, 4)
TODAY = date(2025, 2, 1)
ROUNDS = 60
SETTINGS = {"shared_buffers": "512MB", "synchronous_commit": "off", "max_wal_size": "4GB"}

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
FROM payable;

INSERT INTO leg_clearing (leg_id, sequence, kind, amount_minor, open_minor, day, event_id)
SELECT leg_id, 1, 'payment', amount_minor, 0, due_day, 1 FROM leg WHERE (leg_id + agreement_id) % 50 <> 0;
"""
# The same totals, written by hand: over the sums, and over what they were summed from.
OVER_SUMS = text("""
    SELECT payer.province_code, payee.province_code, mechanism, sum(amount_minor)
    FROM settled_flow JOIN party AS payer ON payer.party_id = payer_party_id
        JOIN party AS payee ON payee.party_id = payee_party_id
    WHERE booked_quarter BETWEEN :first AND :last GROUP BY 1, 2, 3
""")
OVER_PAYABLES = text("""
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
""")
ALL_YEARS = {"first": FIRST.code, "last": LAST.code}
LAST_YEAR = {"first": 20241, "last": 20244}


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


def _measure(connection: Connection, rounds: int) -> None:
    east, west = Group("region", "East"), Group("region", "West")
    zones = Group("party", "HTZ001"), Group("party", "HTZ008")
    years = (FIRST, LAST)
    views: dict[str, Callable[[], object]] = {
        "matrix of provinces, ten years": lambda: pairings.matrix(connection, "province", *years),
        "matrix of provinces, one year": lambda: pairings.matrix(
            connection, "province", Quarter(2024, 1), LAST
        ),
        "east and west, ten years": lambda: pairings.matrix(connection, "region", *years),
        "north and south, ten years": lambda: pairings.matrix(connection, "half", *years),
        "trend of the nation": lambda: pairings.trend(connection, *years),
        "trend between east and west": lambda: pairings.trend(connection, *years, (east, west)),
        "ranking of provinces, one year": lambda: pairings.ranking(
            connection, "province", Quarter(2024, 1), LAST, TODAY, 40
        ),
        "one pairing of zones, ten years": lambda: pairings.pairing(connection, *zones, *years, TODAY),
        "one pairing of provinces, one year": lambda: pairings.pairing(
            connection,
            Group("province", "310000"),
            Group("province", "530000"),
            Quarter(2024, 1),
            LAST,
            TODAY,
        ),
        "SQL over the sums, ten years": lambda: connection.execute(OVER_SUMS, ALL_YEARS).all(),
        "SQL over the sums, one year": lambda: connection.execute(OVER_SUMS, LAST_YEAR).all(),
    }
    ours = {
        (one.payer, one.payee, one.mechanism): one.amount_minor
        for one in pairings.matrix(connection, "province", *years)
    }
    for statement in (OVER_SUMS, OVER_PAYABLES):
        rows = connection.execute(statement, ALL_YEARS).all()
        if {tuple(row[:3]): int(row[3]) for row in rows} != ours:
            raise ValueError("the views don't give what plain SQL gives")
    taken = {name: [_milliseconds(view) for _ in range(3)] for name, view in views.items()}
    for _ in range(rounds):
        for name, view in views.items():
            taken[name].append(_milliseconds(view))
    for name, of_view in taken.items():
        print(f"{name:<38} p50 {median(of_view):7.1f} ms   p95 {quantiles(of_view, n=20)[18]:7.1f} ms")
    for period in ("ten years", "one year"):
        ours_ms, plain_ms = (
            median(taken[f"{name}, {period}"]) for name in ("matrix of provinces", "SQL over the sums")
        )
        print(f"matrix / plain SQL over the same sums, {period}: {ours_ms / plain_ms:.2f}")
    over = _milliseconds(lambda: connection.execute(OVER_PAYABLES, ALL_YEARS).all())
    print(f"plain SQL over payables / matrix: {over / median(taken['matrix of provinces, ten years']):.1f}")


def _milliseconds(view: Callable[[], object]) -> float:
    begin = perf_counter()
    view()
    return (perf_counter() - begin) * 1000


if __name__ == "__main__":
    main()
