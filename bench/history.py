"""Measures balances as of a moment: `.venv/bin/python bench/history.py [--agreements 2000]`.

Ten years of quarters; 2,000 agreements of 126 postings a quarter, some of them about the quarter before: in
all 10,000,000. One agreement has ten times as many as the others: its account is the busiest. Every query is
asked of the ledger and, by SQL that adds up the postings, of the same tables, by turns, after the first year
and at the end. Prints medians and ratios and asserts nothing; see docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import psycopg
from run import SETTINGS, Bench
from sqlalchemy import Connection, text

from ledger.desk import history
from ledger.errors import InvariantBroken
from ledger.periods import Quarter
from ledger_schema import server

FIRST = Quarter(2015, 1)
QUARTERS = 40
YEAR = 4
ENTRIES = 42
CORRECTIONS = 4
BUSIEST = 1
QUERIES = 300

AGREEMENTS = """
INSERT INTO agreement (agreement_id, code, kind, title_zh, title_en, source, unverified)
SELECT a, 'A-' || a, 'enclave', '协议', 'Agreement', 'made up', 'all of it'
FROM generate_series(1, %(agreements)s) a;
INSERT INTO account (account_id, agreement_id, party_id, kind, clause, book_id, commodity_id)
SELECT 10 * a + place, a, nullif(place, 1) * 1000000 + a,
       CASE place WHEN 1 THEN 'source' ELSE 'due' END, 1, 1, 1
FROM generate_series(1, %(agreements)s) a, generate_series(1, 3) place
"""
QUARTER = """
INSERT INTO agreement_quarter (agreement_id, quarter, state, settlement_id, closed_at)
SELECT a, %(quarter)s, 'closed', 1000 * a + %(place)s, %(closed_at)s
FROM generate_series(1, %(agreements)s) a;
INSERT INTO journal_entry (agreement_id, booked_quarter, settlement_id, entry, cause, clause, quarter)
SELECT a, %(quarter)s, 1000 * a + %(place)s, entry, entry, 1,
       CASE WHEN entry <= %(corrections)s THEN %(before)s ELSE %(quarter)s END
FROM generate_series(1, %(agreements)s) a,
     generate_series(1, CASE a WHEN %(busiest)s THEN 10 ELSE 1 END * %(entries)s) entry;
INSERT INTO posting (agreement_id, booked_quarter, settlement_id, entry, posting, account_id,
                     book_id, commodity_id, amount_minor)
SELECT agreement_id, booked_quarter, settlement_id, entry, place, 10 * agreement_id + place, 1, 1,
       CASE place WHEN 1 THEN -3 WHEN 2 THEN 1 ELSE 2 END * (1000 + entry)
FROM journal_entry, generate_series(1, 3) place WHERE booked_quarter = %(quarter)s;
SELECT carry_balances(agreement_id, quarter, settlement_id) FROM agreement_quarter WHERE quarter = %(quarter)s
"""
BY_HAND = text("""
SELECT sum(p.amount_minor) FROM posting p
JOIN journal_entry e USING (agreement_id, booked_quarter, settlement_id, entry)
JOIN agreement_quarter q ON q.agreement_id = p.agreement_id AND q.quarter = p.booked_quarter
                        AND q.settlement_id = p.settlement_id AND q.closed_at <= :known_at
WHERE p.agreement_id = :agreement AND p.account_id = :account AND e.quarter <= :through
""")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agreements", type=int, default=2_000, help="how many agreements there are")
    agreements: int = parser.parse_args().agreements
    folder = Path(tempfile.mkdtemp(prefix="parkledger_bench_"))
    folder.chmod(0o755)
    home = folder / "home"
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    try:
        bench = Bench(server.start(home, SETTINGS).url)
        with bench.database("history") as database:
            _load(bench, AGREEMENTS, agreements=agreements)
            measured = []
            for first, last in ((0, YEAR), (YEAR, QUARTERS)):
                for place in range(first, last):
                    _load_quarter(bench, agreements, place)
                bench.vacuum("history")
                with database.reading() as connection:
                    measured.append(_measure(connection, agreements, last))
            _print_growth(*measured)
    finally:
        server.stop(home)
        shutil.rmtree(folder, ignore_errors=True)


def _load_quarter(bench: Bench, agreements: int, place: int) -> None:
    quarter = FIRST.plus(place)
    with psycopg.connect(bench.address("history"), autocommit=True) as connection:
        connection.execute("SELECT open_booked_quarter(%s)", (quarter.code,))
    _load(
        bench,
        QUARTER,
        agreements=agreements,
        quarter=quarter.code,
        place=place,
        closed_at=_closed_at(place),
        before=FIRST.plus(max(0, place - 1)).code,
        entries=ENTRIES,
        corrections=CORRECTIONS,
        busiest=BUSIEST,
    )


def _load(bench: Bench, statements: str, **values: object) -> None:
    """As a restore does it: without triggers and foreign keys, which the measured queries don't feel."""
    with psycopg.connect(bench.address("history"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements.split(";\n"):
            connection.execute(statement.encode(), {name: values[name] for name in values})


def _closed_at(place: int) -> datetime:
    quarter = FIRST.plus(place + 1)
    return datetime(quarter.year, 3 * quarter.quarter - 1, 1, tzinfo=UTC)


def _measure(connection: Connection, agreements: int, quarters: int) -> dict[str, float]:
    """The 95th percentile of every kind of question, in seconds."""
    count = connection.execute(text("SELECT count(*) FROM posting")).scalar_one()
    print(f"\n== {count:,} postings, {quarters} quarters, load {os.getloadavg()[0]:.1f} ==")
    chance = random.Random(1)  # noqa: S311 - the same questions in every run
    accounts: dict[str, Callable[[], int]] = {
        "an ordinary account": lambda: chance.randrange(BUSIEST + 1, agreements + 1),
        "the busiest account": lambda: BUSIEST,
    }
    measured = {}
    for name, choose in accounts.items():
        for moment, places in (("any moment", range(quarters)), ("the first year", range(YEAR))):
            asked = [(choose(), chance.choice(places), chance.randrange(quarters)) for _ in range(QUERIES)]
            question = f"{name}, {moment}"
            measured[question] = _compare(connection, question, asked)
    return measured


def _print_growth(early: dict[str, float], late: dict[str, float]) -> None:
    print(f"\n== p95 after {QUARTERS} quarters for each ms after {YEAR} ==")
    for question in early:
        print(f"{question:36} {late[question] / early[question]:.2f}")


def _compare(connection: Connection, name: str, asked: list[tuple[int, int, int]]) -> float:
    ours, by_hand = [], []
    for agreement, known, through in asked:
        about = (agreement, _closed_at(known), FIRST.plus(through))
        seconds, found = _timed(partial(_balance, connection, *about))
        ours.append(seconds)
        seconds, expected = _timed(partial(_balance_by_hand, connection, *about))
        by_hand.append(seconds)
        if found != expected:
            raise InvariantBroken(detail=f"{name}: {found} isn't {expected}")
    print(
        f"{name:36} p50 {_ms(median(ours))}  p95 {_ms(_p95(ours))}  by hand p50 {_ms(median(by_hand))}  "
        f"p95 {_ms(_p95(by_hand))}  ratio of medians {median(ours) / median(by_hand):.2f}",
        flush=True,
    )
    return _p95(ours)


def _balance(connection: Connection, agreement: int, known_at: datetime, through: Quarter) -> int:
    found = history.balances(
        connection, agreement_id=agreement, party_id=2_000_000 + agreement, through=through, known_at=known_at
    )
    return sum(one.amount_minor for one in found)


def _balance_by_hand(connection: Connection, agreement: int, known_at: datetime, through: Quarter) -> int:
    given = {
        "agreement": agreement,
        "account": 10 * agreement + 2,
        "known_at": known_at,
        "through": through.code,
    }
    return int(connection.execute(BY_HAND, given).scalar_one() or 0)


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    start = perf_counter()
    found = work()
    return perf_counter() - start, found


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:6.1f} ms"


if __name__ == "__main__":
    main()
