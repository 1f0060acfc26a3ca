"""Measures redemptions: `.venv/bin/python bench/vouchers.py [--redemptions 600]`.

Prints medians and the ratio to the simple update of pgbench in the same run, and checks that every sum is the
same; see docs/performance.md.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from run import SETTINGS, Bench
from sqlalchemy import func, select

from ledger.desk import agreements, enterprises, roster, vouchers
from ledger.desk.acts import Act
from ledger.desk.enterprises import ListEntry, credit_code_check_character
from ledger.desk.vouchers import EvidenceDraft
from ledger.evidence.signatures import new_private_key, public_key_of, sign
from ledger_schema import server
from ledger_schema.programs import find_binaries
from ledger_schema.sessions import Database
from ledger_schema.tables import redeemed_evidence, voucher_decision, voucher_entry, voucher_posting

CLIENTS = (1, 8, 32)
ENTERPRISES = 64
DAY = date(2024, 3, 1)
COST_MINOR = 10_001
HOME, OTHER = "home", "provider_zone"
NUMBERS = count(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redemptions", type=int, default=600, help="how many each number of clients makes")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="parkledger_bench_"))
    folder.chmod(0o755)
    home = folder / "home"
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start; durable commits")
    try:
        bench = Bench(server.start(home, SETTINGS).url)
        with bench.database("vouchers") as database, bench.database("plain"):
            order_ids = _opened(database)
            url = bench.address("vouchers").replace("postgresql://", "postgresql+psycopg://", 1)
            _pgbench(bench, "-i", "-q", "-s", "10")
            print("clients  redemptions/s   p50 ms   p95 ms  simple update/s   ratio")
            for place, clients in enumerate(CLIENTS):
                rate, times = _redeem(url, order_ids, clients, options.redemptions, place)
                plain = _transactions(_pgbench(bench, "-N", "-n", "-c", str(clients), "-j", "2", "-T", "10"))
                print(
                    f"{clients:7} {rate:14.0f} {median(times) * 1000:8.1f} "
                    f"{quantiles(times, n=20)[-1] * 1000:8.1f} {plain:16.0f} {rate / plain:7.2f}"
                )
            _check(database, options.redemptions * len(CLIENTS))
    finally:
        server.stop(home)
        shutil.rmtree(folder, ignore_errors=True)


def _redeem(
    url: str, order_ids: list[int], clients: int, redemptions: int, place: int
) -> tuple[float, list[float]]:
    """Redemptions a second, and the seconds of each, by clients in as many processes as there are cores."""
    processes = min(clients, os.cpu_count() or 1)
    shares = [
        [number for number in range(redemptions) if number % clients % processes == process]
        for process in range(processes)
    ]
    work = partial(_redeem_all, url, order_ids, clients // processes, place)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, [[] for _ in range(processes)]))
        begun = perf_counter()
        times = [one for share in pool.map(work, shares) for one in share]
        return redemptions / (perf_counter() - begun), times


def _redeem_all(url: str, order_ids: list[int], clients: int, place: int, numbers: list[int]) -> list[float]:
    database = Database(url)

    def redeem(number: int) -> float:
        begun = perf_counter()
        papers = [
            EvidenceDraft(kind, _code(1), f"{place}-{number}", line, _hash(f"{kind}{place}-{number}"))
            for kind, line in (("contract_line", "1"), ("receipt", ""))
        ]
        order_id = order_ids[number % len(order_ids)]
        act = Act(f"redeem-{place}-{number}", "bench")
        vouchers.claim(database, act, order_id, COST_MINOR, papers, DAY)
        return perf_counter() - begun

    try:
        with ThreadPoolExecutor(max(1, clients)) as pool:
            return list(pool.map(redeem, numbers))
    finally:
        database.dispose()


def _check(database: Database, redemptions: int) -> None:
    """Sum of what is approved, of the entries, and of what payers bear; every piece of evidence once."""
    asked = [
        select(func.sum(voucher_decision.c.amount_minor)),
        select(func.sum(voucher_entry.c.amount_minor)),
        select(func.sum(voucher_posting.c.amount_minor)).where(voucher_posting.c.account == "payer"),
    ]
    with database.reading() as connection:
        sums = {int(connection.execute(query).scalar_one()) for query in asked}
        pieces = connection.execute(select(func.count()).select_from(redeemed_evidence)).scalar_one()
    if sums != {redemptions * COST_MINOR} or pieces != 2 * redemptions:
        raise SystemExit(f"the sums differ: {sums}, {pieces} pieces of evidence")
    print(f"{redemptions} redemptions; approved, entered and borne are the same sum, every paper used once")


def _pgbench(bench: Bench, *options: str) -> str:
    program = find_binaries(None).folder / "pgbench"
    done = subprocess.run(
        [str(program), *options, bench.address("plain")], capture_output=True, text=True, check=True
    )
    return done.stdout


def _transactions(output: str) -> float:
    (line,) = [line for line in output.splitlines() if line.startswith("tps = ")]
    return float(line.split()[2])


# --- what there is to redeem ------------------------------------------------------------------------------


def _opened(database: Database) -> list[int]:
    """A programme with an order of each enterprise, big enough for everything that is claimed."""
    keys = {role: new_private_key() for role in (HOME, OTHER)}
    for role, key in keys.items():
        zone = roster.PartyDraft(
            code=role.upper(), kind="zone", name_zh=role, source="made up for a measurement"
        )
        roster.register_party(database, _act(), zone)
        roster.register_key(database, _act(), role.upper(), public_key_of(key), "made for a measurement")
    sides = [agreements.SideDraft(role, role.upper(), True) for role in keys]
    draft = agreements.AgreementDraft(
        "V", "voucher_recognition", "互认", "recognition", "made up", "all of it", sides, _terms()
    )
    agreement_id = agreements.draft_agreement(database, _act(), draft).value
    agreements.propose_version(database, _act(), agreement_id, 1)
    with database.reading() as connection:
        content = agreements.version(connection, agreement_id, 1).terms_bytes
    for role, key in keys.items():
        agreements.sign_version(
            database, _act(), agreement_id, 1, role, public_key_of(key), sign(key, content)
        )
    agreements.bring_into_force(database, _act(), agreement_id, 1)
    entries = [ListEntry(_code(place), f"企业{place}") for place in range(100, 100 + ENTERPRISES)]
    enterprises.submit_list(database, _act(), agreement_id, HOME, entries)
    enterprises.confirm_list(database, _act(), agreement_id, 1, OTHER)
    vouchers.register_programme(database, _act(), agreement_id, "P", _programme())
    vouchers.confirm_programme(database, _act(), "P", OTHER)
    vouchers.register_provider(database, _act(), vouchers.ProviderDraft(_code(1), "检测中心", OTHER.upper()))
    certified = vouchers.CertificationDraft(
        OTHER.upper(), "certified", date(2024, 1, 1), None, ("testing",), "文件"
    )
    vouchers.certify_provider(database, _act(), _code(1), certified)
    return [_ordered(database, entry.credit_code) for entry in entries]


def _ordered(database: Database, credit_code: str) -> int:
    face_minor = 1_000_000_00
    applied = vouchers.apply(database, _act(), "P", credit_code, face_minor, "检测", DAY).value
    issued = vouchers.issue(database, _act(), applied, face_minor, "张三", DAY).value
    draft = vouchers.OrderDraft(issued, _code(1), "testing", credit_code, face_minor, DAY)
    order_id = vouchers.order(database, _act(), draft).value
    vouchers.report_service(database, _act(), order_id, "验收单", DAY)
    return order_id


def _terms() -> dict[str, Any]:
    cap = {
        "amount": "1000000.00",
        "over": "year",
        "unused": "lapses",
        "measured_on": "pool",
        "excess_to": None,
    }
    clause = {
        "number": 1,
        "title": {"zh": "创新券", "en": "Vouchers"},
        "what": {"mechanism": "innovation_voucher", "measures": ["voucher_approved"], "reported_by": HOME},
        "whose": {"scope": "listed_enterprises"},
        "when": {"step": "quarter"},
        "how_much": {},
        "to_whom": {
            "regime": "proportional",
            "key": [{"shares": {HOME: "2/3", OTHER: "1/3"}}],
            "otherwise": HOME,
        },
        "within": {"caps": [cap]},
        "then": {"provisional": "cash", "negative": "carry", "netting": True},
        "rounding": {"grain": "subject", "mode": "down", "remainder_to": HOME},
        "examples": [
            {
                "title": {"zh": "零", "en": "Nothing"},
                "subjects": {"e": {}},
                "figures": [{"span": "2024Q1", "measure": "voucher_approved", "amount": "0", "subject": "e"}],
                "expect": [
                    {"first": "2024Q1", "last": "2024Q1", "book": "cash", "party": HOME, "amount": "0"}
                ],
            }
        ],
    }
    return {
        "agreement": "V",
        "roles": {HOME: HOME.upper(), OTHER: OTHER.upper()},
        "in_force_from": "2024Q1",
        "transition": "by_step",
        "clauses": [clause],
    }


def _programme() -> dict[str, Any]:
    return {
        "title": {"zh": "创新券", "en": "Vouchers"},
        "home": HOME,
        "provider_zone": OTHER,
        "clauses": [1],
        "at_home_paid_by": HOME,
        "services": [{"code": "testing", "title": {"zh": "检验检测", "en": "Testing"}}],
        "face_max": "1000000.00",
        "validity_months": 12,
        "carries_over": False,
        "evidence": ["contract_line", "receipt"],
        "budgets": [_budget(HOME), _budget(OTHER)],
        "decided": "as_claimed",
        "audit": {"share": "0", "flagged": False},
        "recovery": {"quota": "restored", "budget": "restored"},
    }


def _budget(payer: str) -> dict[str, Any]:
    return {
        "amounts": [{"starts": "2024-01-01", "amount": "1000000000.00"}],
        "payer": payer,
        "over": "year",
        "applied": "after_caps",
        "within_period": "step_by_step",
        "order": "pro_rata",
        "unused": "lapses",
        "excess_to": None,
    }


def _act() -> Act:
    return Act(f"bench-{next(NUMBERS)}", "bench")


def _code(place: int) -> str:
    first_17 = f"91110000MD{place:07d}"
    return first_17 + credit_code_check_character(first_17)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


if __name__ == "__main__":
    main()
