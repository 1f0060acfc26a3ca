"""Measures the API: `.venv/bin/python bench/api.py [--requests 400]`.

A page of 50 zones with what belongs to each, asked of the ledger and, by turns, of a bare Strawberry schema
over the same tables, which knows no limits, costs, headers, codes or snapshots. One worker, then two. Prints
medians over the rounds and asserts nothing but equal answers; see docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, perf_counter, sleep

from run import SETTINGS

from ledger.desk import roster
from ledger_schema import server
from ledger_schema.migrate import upgrade
from ledger_schema.sessions import Database

CONNECTIONS = 8
ROUNDS = 3
PORTS = {"ledger": 8741, "bare": 8742}
START_SECONDS_MAX = 180
DOCUMENT = """
query Page($first: Int!, $after: String) {
  zones(first: $first, after: $after) {
    edges { cursor node { code nameZh nameEn zone { level divisions { code nameZh level } } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
ASKING = json.dumps({"query": DOCUMENT, "variables": {"first": 50}}).encode()
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True)
class Round:
    """One round's milliseconds of each request, and the seconds that it took as a whole."""

    each_ms: list[float]
    whole_s: float

    @property
    def p50_ms(self) -> float:
        return median(self.each_ms)

    @property
    def p95_ms(self) -> float:
        return quantiles(self.each_ms, n=20)[-1]

    @property
    def per_second(self) -> float:
        return len(self.each_ms) / self.whole_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=400, help="how many a round has")
    requests = parser.parse_args().requests
    folder = Path(tempfile.mkdtemp(prefix="parkledger_bench_"))
    folder.chmod(0o755)
    home = folder / "home"
    try:
        url = server.start(home, SETTINGS).url
        upgrade(url)
        database = Database(url)
        roster.load_roster(database)
        database.dispose()
        for workers in (1, 2):
            measure(url, workers, requests)
    finally:
        server.stop(home)
        shutil.rmtree(folder)


def measure(url: str, workers: int, requests: int) -> None:
    with serving("ledger", url, workers), serving("bare", url, workers):
        answers = {name: ask(HTTPConnection("127.0.0.1", port))["data"] for name, port in PORTS.items()}
        if answers["ledger"] != answers["bare"]:
            raise SystemExit("the two servers give different answers")
        for port in PORTS.values():
            round_of(port, requests // 4)
        rounds: dict[str, list[Round]] = {name: [] for name in PORTS}
        for _ in range(ROUNDS):
            for name, port in PORTS.items():
                rounds[name].append(round_of(port, requests))
    for name, measured in rounds.items():
        print(
            f"{name}, {workers} worker(s): p50 {median(one.p50_ms for one in measured):.1f} ms, "
            f"p95 {median(one.p95_ms for one in measured):.1f} ms, "
            f"{median(one.per_second for one in measured):.0f} requests/s"
        )
    ratios = [ours.per_second / bare.per_second for ours, bare in zip(*rounds.values(), strict=True)]
    print(f"requests/s, ledger / bare, {workers} worker(s): {median(ratios):.2f} {sorted(ratios)}")
    print(f"load {os.getloadavg()[0]:.1f}")


@contextmanager
def serving(name: str, url: str, workers: int) -> Iterator[None]:
    """The server ``name`` in processes of its own while the block runs."""
    port = PORTS[name]
    command = [sys.executable, "-m", "uvicorn", f"api_servers:{name}", "--factory", "--log-level", "warning"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", str(workers)],
        cwd=Path(__file__).parent,
        env={**os.environ, "BENCH_DATABASE_URL": url},
    )
    try:
        wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    end = monotonic() + START_SECONDS_MAX
    while True:
        try:
            ask(HTTPConnection("127.0.0.1", port))
        except ConnectionError:
            if monotonic() > end:
                raise
            sleep(0.1)
        else:
            return


def round_of(port: int, requests: int) -> Round:
    """So many requests over some connections at once."""

    def one_connection(count: int) -> list[float]:
        connection = HTTPConnection("127.0.0.1", port)
        each_ms = []
        for _ in range(count):
            began = perf_counter()
            ask(connection)
            each_ms.append((perf_counter() - began) * 1000)
        connection.close()
        return each_ms

    began = perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        parts = list(pool.map(one_connection, [requests // CONNECTIONS] * CONNECTIONS))
    return Round([one for part in parts for one in part], perf_counter() - began)


def ask(connection: HTTPConnection) -> dict[str, object]:
    connection.request("POST", "/graphql", ASKING, HEADERS)
    response = connection.getresponse()
    answer: dict[str, object] = json.loads(response.read())
    if response.status != 200 or "errors" in answer:
        raise SystemExit(f"{response.status}: {answer}")
    return answer


if __name__ == "__main__":
    main()
