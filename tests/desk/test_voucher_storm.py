"""Simultaneous redemptions, killed backends and retries: never twice, never beyond what there is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Table, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from voucher_room import (
    DAY,
    HOME,
    PROVIDER_ZONE,
    VoucherRoom,
    budget,
    enterprise_code,
    fen,
    open_voucher_room,
)

from ledger.desk import vouchers
from ledger.desk.acts import Act
from ledger.desk.vouchers import EvidenceUsed, VoucherUnusable
from ledger.errors import LedgerError
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    event,
    redeemed_evidence,
    reserve_use,
    voucher_claim,
    voucher_decision,
    voucher_entry,
    voucher_posting,
    voucher_use,
)

CLIENTS = 8
KILLS_MAX = 40
"""Where everything takes long, endless killing would let nobody come to an end."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def at_once(*works: Callable[[], object]) -> list[object]:
    """What every work returned or raised, all begun at the same moment."""
    barrier = threading.Barrier(len(works))

    def begin(work: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return work()
        except LedgerError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def sums(database: Database) -> dict[str, int]:
    """Everything that must be one and the same sum, in fen."""
    payers = select(func.sum(voucher_posting.c.amount_minor)).where(
        voucher_posting.c.account == "payer", voucher_posting.c.sequence == 1
    )
    asked = {
        "decided": select(func.sum(voucher_decision.c.amount_minor)),
        "entered": select(func.sum(voucher_entry.c.amount_minor)).where(voucher_entry.c.sequence == 1),
        "posted": payers,
        "used of vouchers": select(func.sum(voucher_use.c.amount_minor)).where(voucher_use.c.kind == "claim"),
        "used of reserves": select(func.sum(reserve_use.c.amount_minor)).where(
            reserve_use.c.claim_id.is_not(None)
        ),
    }
    with database.reading() as connection:
        return {name: int(connection.execute(query).scalar_one() or 0) for name, query in asked.items()}


def assert_one_sum(room: VoucherRoom, expected: int | None = None) -> None:
    found = sums(room.database)
    found["used of budgets"] = sum(used for _, _, used in room.budgets().values())
    assert len(set(found.values())) == 1, found
    assert expected in (None, found["decided"])
    with room.database.reading() as connection:
        balance = connection.execute(select(func.sum(voucher_posting.c.amount_minor))).scalar_one()
    assert not balance


def plain_url(url: str) -> str:
    """The address as the driver itself reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def count_of(database: Database, table: Table) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_one_receipt_claimed_at_once_for_many_enterprises_is_redeemed_once(database: Database) -> None:
    room = open_voucher_room(database)
    papers = room.papers_of(500)
    orders = [room.order(room.issue(place, "100.00"), "100.00") for place in range(1, 6)]
    acts = [room.act() for _ in orders]
    results = at_once(
        *(
            lambda act=act, order_id=order_id: vouchers.claim(
                database, act, order_id, fen("100.00"), papers, DAY
            )
            for act, order_id in zip(acts, orders, strict=True)
        )
    )
    assert sum(isinstance(one, EvidenceUsed) for one in results) == len(orders) - 1
    assert (count_of(database, voucher_claim), count_of(database, redeemed_evidence)) == (1, 2)
    assert_one_sum(room, 10_000)


def test_one_request_sent_many_times_at_once_is_done_once(database: Database) -> None:
    room = open_voucher_room(database)
    order_id, papers, act = room.order(room.issue(1, "100.00"), "100.00"), room.papers_of(), room.act()
    results = at_once(
        *[lambda: vouchers.claim(database, act, order_id, fen("100.00"), papers, DAY).value] * CLIENTS
    )
    assert len(set(results)) == 1
    assert_one_sum(room, 10_000)


def test_claims_at_once_never_use_more_than_voucher_quota_and_budget(database: Database) -> None:
    room = open_voucher_room(
        database, budgets=[budget(HOME, "500000.00"), budget(PROVIDER_ZONE, "200000.00")]
    )
    order_ids = [room.order(room.issue(enterprise, "60000.00"), "60000.00") for enterprise in (1, 1, 2, 2)]
    requests = [(order_id, room.act(), room.papers_of()) for order_id in order_ids * 3]
    works = [
        lambda order_id=order_id, act=act, papers=papers: vouchers.claim(
            database, act, order_id, fen("20000.00"), papers, DAY
        )
        for order_id, act, papers in requests
    ]
    results = at_once(*works)
    refusals = [one for one in results if isinstance(one, LedgerError)]
    assert all(isinstance(one, VoucherUnusable) for one in refusals)
    assert_one_sum(room, 2 * 10_000_000)


def test_vouchers_issued_at_once_never_set_aside_more_than_there_is(database: Database) -> None:
    room = open_voucher_room(database, budgets=[budget(HOME, "100.00"), budget(PROVIDER_ZONE, "100.00")])
    applied = [
        vouchers.apply(
            database, room.act(), room.programme, enterprise_code(place), fen("30.00"), "检测", DAY
        ).value
        for place in range(1, 6)
    ]
    acts = [room.act() for _ in applied]
    results = at_once(
        *(
            lambda act=act, one=one: vouchers.issue(database, act, one, fen("30.00"), "张三", DAY)
            for act, one in zip(acts, applied, strict=True)
        )
    )
    assert sum(isinstance(one, vouchers.BudgetShort) for one in results) == 2
    assert room.budgets()[HOME] == (1_000, 9_000, 0)


def test_killed_backends_and_retries_under_the_same_key_leave_every_sum_equal(
    database: Database, database_url: str
) -> None:
    room = open_voucher_room(database)
    order_ids = [room.order(room.issue(place, "1000.00"), "1000.00") for place in range(1, 6) for _ in (1, 2)]
    requests = [(room.act(), order_id, room.papers_of()) for order_id in order_ids for _ in (1, 2, 3)]
    done = threading.Event()
    killed = 0

    def kill() -> None:
        nonlocal killed
        with psycopg.connect(plain_url(database_url), autocommit=True) as connection:
            while killed < KILLS_MAX and not done.wait(0.05):
                rows = connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                    "AND xact_start < clock_timestamp() - interval '3 ms' ORDER BY random() LIMIT 1"
                ).fetchall()
                killed += len(rows)

    def persist(act: Act, order_id: int, papers: list[vouchers.EvidenceDraft]) -> int:
        for _ in range(500):
            try:
                return vouchers.claim(database, act, order_id, fen("10.01"), papers, DAY).value
            except DBAPIError:
                continue
        raise AssertionError("never done")

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            claims = list(pool.map(lambda request: persist(*request), requests))
    finally:
        done.set()
        killer.join()
    assert killed
    assert len(set(claims)) == len(requests) == count_of(database, voucher_claim)
    assert_one_sum(room, len(requests) * 1_001)


def test_the_database_itself_refuses_a_decision_without_its_entry(database: Database) -> None:
    room = open_voucher_room(database, audit={"share": "1", "flagged": False})
    claim_id = room.redeem(1, "100.00").claim_id
    with database.reading() as connection:
        event_id = connection.execute(select(func.min(event.c.event_id))).scalar_one()
    values = {"claim_id": claim_id, "amount_minor": 5, "day": DAY, "working": {}, "event_id": event_id}
    with pytest.raises(DBAPIError, match="not what was entered"):
        write(database, voucher_decision, values)


def test_the_database_itself_refuses_evidence_a_second_time(database: Database) -> None:
    room = open_voucher_room(database)
    room.redeem(1, "100.00")
    with database.reading() as connection:
        row = connection.execute(select(redeemed_evidence).limit(1)).one()
    with pytest.raises(IntegrityError):
        write(database, redeemed_evidence, dict(row._mapping))


def write(database: Database, table: Table, values: Mapping[str, object]) -> None:
    """One row, past the desk."""
    with database.writing() as connection:
        connection.execute(table.insert().values(**values))
