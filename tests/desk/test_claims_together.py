"""Claims of one transaction: each an act of its own, none touching another, none waiting for another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from time import monotonic

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from test_voucher_storm import assert_one_sum, count_of, plain_url
from voucher_room import DAY, HOME, PROVIDER_ZONE, VoucherRoom, fen, open_voucher_room
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk.acts import Act, Done, KeyReused, Outcome, Queue, queue_on
from ledger.desk.vouchers import EvidenceDraft, EvidenceUsed, OrderExceeded
from ledger.desk.vouchers.claiming import TOGETHER, Asked, asked_of, claim_all
from ledger.errors import LedgerError
from ledger_schema.sessions import Database
from ledger_schema.tables import event, idempotency_key, voucher_claim
from tests.listening import Statement, listening

STATEMENTS = 18
"""Of a redemption from its key to its commit; as many for several at once."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> VoucherRoom:
    return open_voucher_room(database)


def ordered(room: VoucherRoom, *enterprises: int, face: str = "1000.00") -> list[int]:
    return [room.order(room.issue(place, face), face) for place in enterprises]


def asked(
    room: VoucherRoom,
    order_id: int,
    amount: str = "100.00",
    *,
    act: Act | None = None,
    papers: Sequence[EvidenceDraft] | None = None,
    day: date = DAY,
) -> Asked:
    evidence = room.papers_of() if papers is None else papers
    return asked_of(room.database, act or room.act(), order_id, fen(amount), evidence, day)


def together(room: VoucherRoom, *claims: Asked) -> list[Outcome]:
    return claim_all(room.database, claims, waits=False)


def done(outcomes: Sequence[Outcome]) -> list[bool]:
    return [isinstance(one, Done) for one in outcomes]


def test_claims_of_one_transaction_have_each_their_own_event_key_and_result(room: VoucherRoom) -> None:
    claims = [asked(room, order_id) for order_id in ordered(room, 1, 2, 3)]
    outcomes = together(room, *claims)
    claim_ids = [one.value["claim"] for one in outcomes if isinstance(one, Done)]
    with room.database.reading() as connection:
        rows = connection.execute(
            select(voucher_claim.c.claim_id, event.c.transaction_number, idempotency_key.c.key)
            .join(event, event.c.event_id == voucher_claim.c.event_id)
            .join(idempotency_key, event.c.event_id == func.any(idempotency_key.c.event_ids))
            .order_by(voucher_claim.c.claim_id)
        ).all()
    assert [row.claim_id for row in rows] == claim_ids
    assert [row.key for row in rows] == [one.request.act.kept_key for one in claims]
    assert len({row.transaction_number for row in rows}) == 1
    assert_one_sum(room, 3 * fen("100.00"))


def test_several_claims_need_as_many_statements_as_one(room: VoucherRoom) -> None:
    one, *several = ordered(room, 1, 2, 3, 4)
    counts = []
    for order_ids in ([one], several):
        heard: list[Statement] = []
        claims = [asked(room, order_id) for order_id in order_ids]
        with listening(heard.append):
            assert all(done(together(room, *claims)))
        counts.append(len(heard))
    assert counts == [STATEMENTS, STATEMENTS]


def test_a_claim_that_is_refused_leaves_the_others_done(room: VoucherRoom) -> None:
    first, second, third = ordered(room, 1, 2, 3)
    outcomes = together(room, asked(room, first), asked(room, second, "1000.01"), asked(room, third))
    assert done(outcomes) == [True, False, True]
    assert isinstance(outcomes[1], OrderExceeded)
    assert count_of(room.database, voucher_claim) == 2
    assert_one_sum(room, 2 * fen("100.00"))


def test_claims_that_are_all_refused_leave_nothing(room: VoucherRoom) -> None:
    orders = ordered(room, 1, 2)
    before = (count_of(room.database, event), count_of(room.database, idempotency_key))
    outcomes = together(room, *(asked(room, order_id, "1000.01") for order_id in orders))
    assert [type(one) for one in outcomes] == [OrderExceeded] * 2
    assert (count_of(room.database, event), count_of(room.database, idempotency_key)) == before


def test_of_claims_with_the_same_receipt_one_is_done_and_the_other_must_be_made_alone(
    room: VoucherRoom,
) -> None:
    papers = room.papers_of()
    claims = [asked(room, order_id, papers=papers) for order_id in ordered(room, 1, 2)]
    first, second = together(room, *claims)
    assert isinstance(first, Done)
    assert second is None
    assert [type(one) for one in claim_all(room.database, claims[1:], waits=True)] == [EvidenceUsed]


def test_of_claims_on_one_voucher_one_is_done_at_a_time(room: VoucherRoom) -> None:
    [order_id] = ordered(room, 1)
    claims = [asked(room, order_id) for _ in range(3)]
    assert done(together(room, *claims)) == [True, False, False]
    assert done(together(room, *claims[1:])) == [True, False]
    assert done(together(room, *claims)) == [True, True, True]
    assert_one_sum(room, 3 * fen("100.00"))


def test_a_claim_whose_voucher_another_act_holds_is_left_and_the_others_are_done(room: VoucherRoom) -> None:
    held = room.issue(1, "1000.00")
    claims = [asked(room, order_id) for order_id in (room.order(held, "1000.00"), *ordered(room, 2))]
    with room.database.writing() as connection:
        queue_on(connection, Queue.VOUCHER, str(held))
        assert done(together(room, *claims)) == [False, True]
    assert done(together(room, *claims)) == [True, True]


def test_a_request_that_was_done_is_replayed_among_new_ones(room: VoucherRoom) -> None:
    first, second, third = ordered(room, 1, 2, 3)
    before = asked(room, first)
    [was] = together(room, before)
    other = asked(room, third, act=before.request.act)
    again, new = together(room, before, asked(room, second))
    [reused] = together(room, other)
    assert isinstance(was, Done)
    assert again == Done(was.value, replayed=True)
    assert isinstance(new, Done)
    assert isinstance(reused, KeyReused)


def test_one_key_twice_at_once_is_done_once(room: VoucherRoom) -> None:
    [order_id] = ordered(room, 1)
    one = asked(room, order_id)
    assert done(together(room, one, one)) == [True, False]
    assert count_of(room.database, voucher_claim) == 1


def test_vouchers_used_up_at_once_give_the_rest_of_their_reserves_back(room: VoucherRoom) -> None:
    orders = ordered(room, 1, 2, face="100.00")
    open_before = {role: state[0] for role, state in room.budgets().items()}
    assert all(done(together(room, *(asked(room, order_id) for order_id in orders))))
    budgets = room.budgets()
    assert {role: reserved for role, (_, reserved, _) in budgets.items()} == {HOME: 0, PROVIDER_ZONE: 0}
    assert sum(used for _, _, used in budgets.values()) == 2 * fen("100.00")
    assert all(state[0] > open_before[role] for role, state in budgets.items())


def test_a_refusal_is_raised_to_whoever_claims(room: VoucherRoom) -> None:
    [order_id] = ordered(room, 1)
    with pytest.raises(LedgerError, match=r"1000[.]01 yuan"):
        room.claim(order_id, "1000.01")


@contextmanager
def nobody_reads_evidence(database: Database) -> Iterator[None]:
    """Claims get as far as their evidence and wait there."""
    with database.owner() as connection:
        connection.execute(text("LOCK TABLE redeemed_evidence IN ACCESS EXCLUSIVE MODE"))
        yield


def await_company(size: int) -> None:
    until = monotonic() + WAIT_SECONDS
    while TOGETHER.waiting < size:
        assert monotonic() < until


def kill_all_that_wait(database_url: str) -> None:
    with psycopg.connect(plain_url(database_url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )


def test_claims_that_come_while_one_is_under_way_are_made_in_one_transaction(
    room: VoucherRoom, database_url: str
) -> None:
    first, *later = ordered(room, 1, 2, 3, 4)
    with ThreadPoolExecutor(4) as pool:
        with nobody_reads_evidence(room.database):
            claims = [pool.submit(room.claim, first, "100.00")]
            await_waiting(database_url, 1)
            claims += [pool.submit(room.claim, order_id, "100.00") for order_id in later]
            await_company(3)
        claim_ids = [one.result(WAIT_SECONDS).claim_id for one in claims]
    with room.database.reading() as connection:
        in_transactions = connection.execute(
            select(func.array_agg(voucher_claim.c.claim_id))
            .join(event, event.c.event_id == voucher_claim.c.event_id)
            .group_by(event.c.transaction_number)
            .order_by(event.c.transaction_number)
        ).scalars()
        assert [set(one) for one in in_transactions] == [set(claim_ids[:1]), set(claim_ids[1:])]


def test_claims_whose_common_transaction_is_killed_are_made_alone(
    room: VoucherRoom, database_url: str
) -> None:
    first, *later = ordered(room, 1, 2, 3, 4)
    act = room.act()
    with ThreadPoolExecutor(4) as pool:
        with nobody_reads_evidence(room.database):
            papers = room.papers_of()
            killed = pool.submit(room.claim, first, "100.00", act=act, evidence=papers)
            await_waiting(database_url, 1)
            claims = [pool.submit(room.claim, order_id, "100.00") for order_id in later]
            await_company(3)
            kill_all_that_wait(database_url)
            await_waiting(database_url, 2)
            kill_all_that_wait(database_url)
            await_waiting(database_url, 3)
        assert isinstance(killed.exception(WAIT_SECONDS), DBAPIError)
        assert len({one.result(WAIT_SECONDS).claim_id for one in claims}) == 3
    room.claim(first, "100.00", act=act, evidence=papers)
    assert_one_sum(room, 4 * fen("100.00"))
