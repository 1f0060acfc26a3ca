"""Measures a national quarter: `.venv/bin/python bench/run.py [--lines 10000 100000 ...] [--quick]`.

Prints medians and ratios with the size of the data and asserts nothing; see docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import psycopg
from made_up_nation import AGREEMENTS, FIRST, SHAPES, Nation, found, refuse_faulty_shapes, returns_of
from psycopg import sql
from raw_copy import seconds as raw_seconds
from raw_copy import written_rows

from ledger.desk import national, settlements
from ledger.desk.acts import Act
from ledger.desk.national import NationalRun, Progress, Stage
from ledger.desk.national.returns import load_returns
from ledger.desk.national.worlds import worlds
from ledger.desk.settlements import replays
from ledger.periods import Quarter
from ledger_schema import server
from ledger_schema.migrate import upgrade
from ledger_schema.sessions import Database

SIZES = (10_000, 100_000, 1_000_000, 3_000_000)
QUICK_SIZES = (10_000, 100_000)
SECOND_QUARTER_SIZES = (100_000, 1_000_000)
REPETITIONS = {10_000: 5, 100_000: 5, 1_000_000: 3}
PLAIN_SIZES = (10_000, 100_000)
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "log_min_duration_statement": "-1",
}


@dataclass
class Measured:
    """One repetition: seconds as a whole and by stage, the raw baseline's seconds, and what was computed."""

    whole: float
    stages: dict[str, float]
    raw: float
    run: NationalRun

    @property
    def ratio(self) -> float:
        return self.whole / self.raw


@dataclass
class Clock:
    """Turns progress into seconds by stage."""

    last: float = field(default_factory=perf_counter)
    stages: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __call__(self, progress: Progress) -> None:
        now = perf_counter()
        self.stages[progress.stage] += now - self.last
        self.last = now


class Bench:
    """A server of its own with one database for each size, and copies of it for each repetition."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.maintenance = self.address("postgres")

    def address(self, name: str) -> str:
        start, _, _ = self.url.partition("?")
        return f"{start.rpartition('/')[0]}/{name}".replace("+psycopg", "", 1)

    def execute(self, statement: str, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self.maintenance, autocommit=True) as connection:
            connection.execute(query)

    def vacuum(self, name: str) -> None:
        """As autovacuum leaves tables that nobody has changed for a while."""
        with psycopg.connect(self.address(name), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    @contextmanager
    def database(self, name: str, template: str | None = None) -> Iterator[Database]:
        if template is None:
            self.execute("CREATE DATABASE {}", name)
            upgrade(self._url(name))
        else:
            self.execute("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        database = Database(self._url(name))
        yield database
        database.dispose()
        self.execute("DROP DATABASE {} WITH (FORCE)", name)

    def _url(self, name: str) -> str:
        return self.address(name).replace("postgresql://", "postgresql+psycopg://", 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", help="how many lines a quarter has")
    parser.add_argument("--quick", action="store_true", help="small sizes, one repetition")
    options = parser.parse_args()
    refuse_faulty_shapes()
    sizes = options.lines or (QUICK_SIZES if options.quick else SIZES)
    folder = Path(tempfile.mkdtemp(prefix="parkledger_bench_"))
    folder.chmod(0o755)
    home = folder / "home"
    try:
        bench = Bench(server.start(home, SETTINGS).url)
        _print_head()
        per_line = {lines: _measure_size(bench, lines, quick=options.quick) for lines in sizes}
    finally:
        server.stop(home)
        shutil.rmtree(folder, ignore_errors=True)
    if 100_000 in per_line and 3_000_000 in per_line:
        print(f"\nTime per line at 3,000,000 over 100,000: {per_line[3_000_000] / per_line[100_000]:.2f}")


def _print_head() -> None:
    load = os.getloadavg()[0]
    print(f"{AGREEMENTS:,} agreements of {len(SHAPES)} shapes: {'; '.join(shape.name for shape in SHAPES)}")
    print(f"{os.cpu_count()} cores, load {load:.1f} before the start")


def _measure_size(bench: Bench, lines: int, *, quick: bool) -> float:
    """Everything about one size; gives the seconds per line of the first quarter."""
    print(f"\n== {lines:,} lines a quarter ==")
    base = f"base_{lines}"
    repetitions = 1 if quick else REPETITIONS.get(lines, 1)
    with bench.database(base) as database:
        begin = perf_counter()
        nation = found(database, lines)
        bench.vacuum(base)
        print(f"agreements and lists made in {perf_counter() - begin:.1f} s")
        taken = _load(database, nation, FIRST)
        print(f"returns loaded: {taken:.2f} s, {lines / taken:,.0f} lines/s")
        database.dispose()
        measured = [
            _measure_copy(bench, base, FIRST, f"copy_{lines}_{number}") for number in range(repetitions)
        ]
        _print_measured("first quarter", measured)
        if lines in PLAIN_SIZES:
            _print_plain(database, measured)
            database.dispose()
        if lines in SECOND_QUARTER_SIZES:
            _measure_second(bench, base, nation, lines, repetitions)
    return median(one.whole / one.run.counts.lines for one in measured)


def _load(database: Database, nation: Nation, quarter: Quarter) -> float:
    given = returns_of(nation, quarter)
    begin = perf_counter()
    load_returns(database, Act(f"returns {quarter}"), quarter, given)
    return perf_counter() - begin


def _measure_copy(bench: Bench, template: str, quarter: Quarter, name: str) -> Measured:
    with bench.database(name, template) as database:
        return _measure(bench, database, quarter)


def _measure(bench: Bench, database: Database, quarter: Quarter) -> Measured:
    bench.execute("CHECKPOINT")
    clock, begin = Clock(), perf_counter()
    run = national.compute_quarter(database, Act(f"run {quarter}"), quarter, clock).value
    whole = perf_counter() - begin
    clock.stages["commit"] = whole - sum(clock.stages.values())
    content = written_rows(database, quarter.code)
    bench.execute("CHECKPOINT")
    return Measured(whole, dict(clock.stages), raw_seconds(database, content), run)


def _measure_second(bench: Bench, base: str, nation: Nation, lines: int, repetitions: int) -> None:
    """Closes the first quarter, one agreement after another, and computes the second from what it carries."""
    closed = f"closed_{lines}"
    with bench.database(closed, base) as database:
        run = national.compute_quarter(database, Act("first"), FIRST).value
        seconds = _close_each(database, run)
        percentiles = quantiles(seconds, n=100)
        print(
            f"closing {len(seconds):,} agreements one by one: p50 {percentiles[49] * 1000:.1f} ms, "
            f"p95 {percentiles[94] * 1000:.1f} ms"
        )
        second = FIRST.next
        _load(database, nation, second)
        database.dispose()
        measured = [
            _measure_copy(bench, closed, second, f"second_{lines}_{number}") for number in range(repetitions)
        ]
        _print_measured("second quarter, from carried state", measured)


def _close_each(database: Database, run: NationalRun) -> list[float]:
    taken = []
    for agreement_id, settlement_id in run.settlements.items():
        begin = perf_counter()
        act = Act(f"close {agreement_id}")
        settlements.close(database, act, agreement_id, run.quarter, settlement_id)
        taken.append(perf_counter() - begin)
    return taken


def _print_plain(database: Database, measured: list[Measured]) -> None:
    """The plain evaluator on the same agreements and lines; the facts are fetched beforehand."""
    with database.reading() as connection:
        known = list(worlds(connection, FIRST))
        materials = [replays.gather(connection, world.agreement_id, world.now) for world in known]
    begin = perf_counter()
    for world, of_world in zip(known, materials, strict=True):
        replays.replay(of_world, world.now, FIRST)
    plain = perf_counter() - begin
    vector = median(one.stages[Stage.COMPILING] + one.stages[Stage.COMPUTING] for one in measured)
    print(f"plain evaluator alone {plain:.2f} s, vectorised {vector:.2f} s: {plain / vector:.1f} times")


def _print_measured(title: str, measured: list[Measured]) -> None:
    def middle(value: Callable[[Measured], float]) -> float:
        return median(map(value, measured))

    counts = measured[0].run.counts
    rows = counts.allocations + counts.carried
    whole = middle(lambda one: one.whole)
    print(
        f"{title}: {counts.lines:,} lines, {len(measured[0].run.computed):,} settlements, "
        f"{counts.allocations:,} allocations, {counts.carried:,} carried, {counts.entries:,} entries, "
        f"{counts.wide_rows:,} of {counts.rows:,} rows wide; {len(measured)} repetitions"
    )
    print(f"  whole {whole:.2f} s, {counts.lines / whole:,.0f} lines/s, {rows / whole:,.0f} rows/s")
    for stage in measured[0].stages:
        print(f"    {stage:<12} {median(one.stages[stage] for one in measured):7.2f} s")
    ratios = sorted(one.ratio for one in measured)
    print(
        f"  raw COPY and keys {middle(lambda one: one.raw):.2f} s; whole / raw {median(ratios):.2f} "
        f"[{ratios[0]:.2f} to {ratios[-1]:.2f}]"
    )
    print(f"  peak memory so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
