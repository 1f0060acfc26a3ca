"""Measures the log: `.venv/bin/python bench/log.py [--events 1000000]`.

Prints medians and ratios with the size of the data and asserts nothing; see docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import psycopg
from run import SETTINGS, Bench
from sqlalchemy import Connection, select

from ledger.desk import log
from ledger.desk.acts import Act, Recorder, perform
from ledger.desk.events import event as event_by_id
from ledger.desk.log import LogFiles
from ledger_schema import server
from ledger_schema.sessions import Database
from ledger_schema.tables import event

EVENTS = 1_000_000
EVENTS_AN_ACT = 10_000
PROOFS = 2_000
SINGLE_ACTS = 50
DATA = {"settlement": "912320258009450936", "allocations_hash": "0" * 64, "inputs_hash": "1" * 64}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many events the log gets")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="parkledger_bench_"))
    folder.chmod(0o755)
    home = folder / "home"
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    try:
        bench = Bench(server.start(home, SETTINGS).url)
        with bench.database("without") as without, bench.database("with") as database:
            with psycopg.connect(bench.address("without"), autocommit=True) as connection:
                connection.execute("DROP INDEX event_transaction_number_index")
            files = LogFiles(folder / "log")
            _measure_acts(without, database, files, options.events // EVENTS_AN_ACT)
            bench.vacuum("with")
            _measure_heads(database, files)
            _measure_proofs(database)
    finally:
        server.stop(home)
        shutil.rmtree(folder, ignore_errors=True)


def _measure_acts(without: Database, database: Database, files: LogFiles, acts: int) -> None:
    """The same acts by turns in a database that has nothing of the log's, and in one with it."""
    bare, recording, appending = [], [], []
    for act in range(acts):
        bare.append(_seconds(partial(_record, without, act)))
        recording.append(_seconds(partial(_record, database, act)))
        appending.append(_seconds(partial(log.sequence, database, files)))
    print(f"\n== {acts * EVENTS_AN_ACT:,} events, {EVENTS_AN_ACT:,} an act ==")
    _print_rate("recording without the log", bare)
    _print_rate("recording with it", recording)
    _print_rate("appending to the log", appending)
    both = [one + other for one, other in zip(recording, appending, strict=True)]
    print(f"with the log / without      {median(both) / median(bare):8.2f}")
    tenth = max(1, acts // 10)
    print(f"appending, last tenth/first {median(appending[-tenth:]) / median(appending[:tenth]):8.2f}")


def _measure_heads(database: Database, files: LogFiles) -> None:
    """What a head over one more event costs when the log is as large as it is now, and over none."""
    one, none = [], []
    for number in range(SINGLE_ACTS):
        _record(database, -1 - number, count=1)
        one.append(_seconds(partial(log.sequence, database, files)))
        none.append(_seconds(partial(log.sequence, database, files)))
    _print_quantiles("sequencing one event", one)
    _print_quantiles("sequencing nothing", none)


def _measure_proofs(database: Database) -> None:
    with database.reading() as connection:
        ids = connection.execute(select(event.c.event_id)).scalars().all()
        size = log.head(connection).size
        bare = [_seconds(partial(event_by_id, connection, one)) for one in _spread(ids)]
        included = [_seconds(partial(log.inclusion, connection, one)) for one in _spread(ids)]
        continued = [_seconds(partial(log.consistency, connection, one)) for one in _spread(range(1, size))]
    print(f"\n== proofs in a tree of {size:,} leaves ==")
    _print_quantiles("an event by its key alone", bare)
    _print_quantiles("inclusion, verified", included)
    _print_quantiles("consistency", continued)
    print(f"inclusion / event by its key{median(included) / median(bare):8.2f}")


def _spread(items: Sequence[int]) -> list[int]:
    """Some of the items from all over, one far from the next."""
    step = len(items) // PROOFS * 7 + 1
    return [items[place * step % len(items)] for place in range(PROOFS)]


def _record(database: Database, act: int, count: int = EVENTS_AN_ACT) -> None:
    def work(_: Connection, record: Recorder) -> dict[str, int]:
        record.record_all("measured", [(number, DATA) for number in range(count)])
        return {}

    perform(database, Act(f"bench/{act}", actor="bench"), "bench", {}, work)


def _print_rate(what: str, seconds: Sequence[float]) -> None:
    """Medians, which a pause of the disk in one act doesn't move."""
    print(f"{what:27} {EVENTS_AN_ACT / median(seconds):8,.0f} events/s")


def _print_quantiles(what: str, seconds: Sequence[float]) -> None:
    print(
        f"{what:27} p50 {median(seconds) * 1000:6.2f} ms  p95 {quantiles(seconds, n=20)[-1] * 1000:6.2f} ms"
    )


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


if __name__ == "__main__":
    main()
