"""Measures `parkledger fsck`: `.venv/bin/python bench/fsck.py [--lines 100000 1000000]`.

Prints seconds, rows and memory with the size of the data and asserts nothing; see docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from made_up_nation import DOCUMENT, FIRST, SHAPES, RuleShape
from run import SETTINGS, Bench
from sqlalchemy import select

from ledger.desk import agreements, enterprises, fsck, log, national, roster, settlements
from ledger.desk.acts import Act
from ledger.desk.agreements import AgreementDraft, SideDraft
from ledger.desk.enterprises import ListEntry, credit_code_check_character
from ledger.desk.log import LogFiles
from ledger.desk.national.returns import NationalReturns, load_returns
from ledger.evidence.signatures import new_private_key, public_key_of, sign
from ledger.measures import MEASURE_BY_NAME
from ledger_schema import server
from ledger_schema.sessions import Database
from ledger_schema.tables import enterprise

SIZES = (100_000, 1_000_000)
LINES_AN_AGREEMENT = 20_000
"""As many as a list may have enterprises: what is kept in memory at once is of one agreement."""
CHOSEN = tuple(shape for shape in SHAPES if shape.name in ("plain shares", "output value in two books"))
SIDES = ("origin", "host")
NUMBERS = count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=SIZES, help="how many lines the returns have")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="parkledger_bench_"))
    folder.chmod(0o755)
    home = folder / "home"
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    try:
        bench = Bench(server.start(home, SETTINGS).url)
        for lines in options.lines:
            name = f"lines_{lines}"
            with bench.database(name) as database:
                _make(database, LogFiles(folder / name), lines)
                bench.vacuum(name)
                print(f"\n== {lines:,} lines, {LINES_AN_AGREEMENT:,} at most an agreement ==", flush=True)
                _in_its_own_process(bench, name, folder / name, lines)
    finally:
        server.stop(home)
        shutil.rmtree(folder, ignore_errors=True)


def _in_its_own_process(bench: Bench, name: str, folder: Path, lines: int) -> None:
    """So that its memory is its own."""
    url = bench.address(name).replace("postgresql://", "postgresql+psycopg://", 1)
    process = get_context("spawn").Process(target=_measure, args=(url, folder, lines))
    process.start()
    process.join()


def _measure(url: str, folder: Path, lines: int) -> None:
    database, files = Database(url), LogFiles(folder)
    idle = _peak_mib()
    whole, own = perf_counter(), process_time()
    with database.reading() as connection:
        begin = perf_counter()
        key, kept = files.signer().verifier, files.kept_head()
        for result in fsck.run(connection, log_key=key, kept_head=kept):
            now = perf_counter()
            print(
                f"{result.check.name_en:24} {now - begin:7.1f} s  {result.row_count:12,} rows  "
                f"{len(result.mismatches)} mismatches, {_peak_mib():.0f} MiB at most so far",
                flush=True,
            )
            begin = now
    whole, own = perf_counter() - whole, process_time() - own
    print(
        f"{'everything':24} {whole:7.1f} s, {own:.1f} s of it this program's own; "
        f"{whole / lines * 1e6:.0f} microseconds a line, {_peak_mib() - idle:.0f} MiB more than at the start"
    )
    database.dispose()


def _peak_mib() -> float:
    """Of this process alone: what getrusage says begins with the peak of the process that started it."""
    (peak,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(peak.split()[1]) / 2**10


# --- a ledger whose events tell all of it -----------------------------------------------------------------


def _make(database: Database, files: LogFiles, lines: int) -> None:
    """Agreements in force with their lists, one return each, all settled, closed and logged."""
    how_many = max(len(CHOSEN), lines // LINES_AN_AGREEMENT)
    entries = list(_entries(lines // how_many))
    agreement_ids = [
        _agreed(database, place, CHOSEN[place % len(CHOSEN)], entries) for place in range(how_many)
    ]
    load_returns(database, _act(), FIRST, _returns(database, agreement_ids))
    run = national.compute_quarter(database, _act(), FIRST).value
    for agreement_id, settlement_id in run.settlements.items():
        settlements.close(database, _act(), agreement_id, FIRST, settlement_id)
    log.sequence(database, files)


def _agreed(database: Database, place: int, shape: RuleShape, entries: list[ListEntry]) -> int:
    parties = {role: f"P-{place}-{role}".upper() for role in (*SIDES, "fund")}
    keys = {role: new_private_key() for role in SIDES}
    for role, code in parties.items():
        roster.register_party(
            database, _act(), roster.PartyDraft(code, "zone", f"园区{place}{role}", "made up")
        )
    for role in SIDES:
        roster.register_key(database, _act(), parties[role], public_key_of(keys[role]), "key")
    sides = [SideDraft(role, code, role in SIDES) for role, code in parties.items()]
    code = f"F-{place}"
    draft = AgreementDraft(
        code, "enclave", "共建协议", "Agreement", "made up", "all of it", sides, _terms(code, parties, shape)
    )
    agreement_id = agreements.draft_agreement(database, _act(), draft).value
    agreements.propose_version(database, _act(), agreement_id, 1)
    with database.reading() as connection:
        content = agreements.version(connection, agreement_id, 1).terms_bytes
    for role, key in keys.items():
        signature = sign(key, content)
        agreements.sign_version(database, _act(), agreement_id, 1, role, public_key_of(key), signature)
    agreements.bring_into_force(database, _act(), agreement_id, 1)
    version = enterprises.submit_list(database, _act(), agreement_id, "origin", entries).value
    enterprises.confirm_list(database, _act(), agreement_id, version, "host")
    return agreement_id


def _terms(code: str, parties: dict[str, str], shape: RuleShape) -> dict[str, Any]:
    return {
        "format": "parkledger.terms/1",
        "semantics": 1,
        "agreement": code,
        "roles": parties,
        "in_force_from": str(FIRST),
        "last_quarter": None,
        "transition": "by_step",
        "clauses": [shape.clause],
        "procedure": None,
    }


def _entries(how_many: int) -> Iterator[ListEntry]:
    for place in range(how_many):
        first_17 = f"91110000MA{place:07d}"
        yield ListEntry(first_17 + credit_code_check_character(first_17), f"企业{place}")


def _returns(database: Database, agreement_ids: list[int]) -> NationalReturns:
    with database.reading() as connection:
        columns = enterprise.c.enterprise_id
        listed = np.array(connection.execute(select(columns).order_by(columns)).scalars().all(), np.int64)
    chance, size = np.random.default_rng(FIRST.code), len(listed)
    measures = [CHOSEN[place % len(CHOSEN)].figures[0][0] for place in range(len(agreement_ids))]
    amounts = chance.integers(-50_000, 5_000_000_00, (len(agreement_ids), size))
    return NationalReturns(
        slots=[(agreement_id, "host") for agreement_id in agreement_ids],
        bounds=[place * size for place in range(len(agreement_ids) + 1)],
        totals_minor=[{measure: int(of.sum())} for measure, of in zip(measures, amounts, strict=True)],
        documents=[DOCUMENT] * len(agreement_ids),
        subject=np.tile(listed, len(agreement_ids)),
        measure_id=np.repeat([MEASURE_BY_NAME[one].measure_id for one in measures], size),
        starts=np.full(amounts.size, np.datetime64(FIRST.start)),
        months=np.full(amounts.size, 3),
        amount_minor=amounts.reshape(-1),
    )


def _act() -> Act:
    return Act(f"bench/{next(NUMBERS)}", actor="bench")


if __name__ == "__main__":
    main()
