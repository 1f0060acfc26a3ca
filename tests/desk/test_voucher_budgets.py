"""Budgets that a payer increases while their period runs: what comes after sees more, what was stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import Insert, insert, select
from sqlalchemy.exc import DBAPIError
from voucher_room import (
    DAY,
    HOME,
    PROVIDER_ZONE,
    VoucherRoom,
    budget,
    enterprise_code,
    fen,
    open_voucher_room,
    parts,
)

from ledger.desk import fsck, vouchers
from ledger.desk.acts import Act
from ledger.desk.failures import RequestRefused
from ledger.desk.vouchers import BudgetShort, IncreaseDraft, ProgrammeNotInForce
from ledger_schema.sessions import Database
from ledger_schema.tables import voucher_budget_increase, voucher_budget_step

SHORT = [budget(HOME, "100000.00"), budget(PROVIDER_ZONE, "10000000.00")]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def increase(
    room: VoucherRoom, amount: str, *, role: str = HOME, day: date = DAY, act: Act | None = None
) -> None:
    draft = IncreaseDraft(room.programme, role, fen(amount), "财政追加文件", day)
    vouchers.increase_budget(room.database, act or room.act(), draft, "张三")


def mismatches(database: Database) -> list[object]:
    with database.reading() as connection:
        return [found for result in fsck.run(connection) for found in result.mismatches]


def test_vouchers_can_be_issued_out_of_what_was_added(database: Database) -> None:
    room = open_voucher_room(database, budgets=SHORT)
    room.issue(1, "90000.00")
    with pytest.raises(BudgetShort):
        room.issue(2, "20000.00")
    increase(room, "10000.00")
    assert room.budgets()[HOME] == (2_000_000, 9_000_000, 0)
    room.issue(2, "20000.00")
    assert room.budgets()[HOME] == (0, 11_000_000, 0)
    with pytest.raises(BudgetShort):
        room.issue(3, "0.01")
    assert mismatches(database) == []


def test_a_budget_that_nobody_used_yet_is_increased_from_what_the_terms_give(database: Database) -> None:
    room = open_voucher_room(database, budgets=SHORT)
    increase(room, "0.01")
    increase(room, "5.00")
    assert room.budgets()[HOME] == (10_000_501, 0, 0)
    with database.reading() as connection:
        found = vouchers.programme_by_code(connection, room.programme)
        kept = vouchers.increases(connection, found.programme_id)
    assert [(one.role, one.starts, one.increase, one.amount_minor, one.person) for one in kept] == [
        (HOME, date(2024, 1, 1), 1, 1, "张三"),
        (HOME, date(2024, 1, 1), 2, 500, "张三"),
    ]


def test_claims_decided_together_share_the_new_sum_and_those_decided_before_keep_theirs(
    database: Database,
) -> None:
    budgets = [budget(HOME, "30000.00"), budget(PROVIDER_ZONE, "10000000.00")]
    room = open_voucher_room(database, decided="together", budgets=budgets)
    first = room.redeem(1, "60000.00")
    vouchers.decide_together(database, room.act(), room.programme, DAY)
    second = [room.redeem(place, "60000.00") for place in (2, 3)]
    increase(room, "50000.00")
    vouchers.decide_together(database, room.act(), room.programme, DAY)
    assert parts(room.claim_now(first.claim_id))[HOME] == 3_000_000
    assert [parts(room.claim_now(one.claim_id))[HOME] for one in second] == [2_500_000, 2_500_000]
    assert room.budgets()[HOME] == (0, 0, 8_000_000)
    assert mismatches(database) == []


def test_an_increase_is_of_the_period_that_holds_its_day_alone(database: Database) -> None:
    room = open_voucher_room(database, budgets=SHORT)
    increase(room, "50000.00", day=date(2025, 1, 1))
    with pytest.raises(BudgetShort):
        room.issue(1, "100000.01")
    room.issue(1, "150000.00", day=date(2025, 2, 1))


def test_an_increase_asked_for_again_under_its_key_adds_once(database: Database) -> None:
    room = open_voucher_room(database, budgets=SHORT)
    act = room.act()
    increase(room, "5.00", act=act)
    increase(room, "5.00", act=act)
    assert room.budgets()[HOME][0] == 10_000_500


def test_increases_and_issues_at_once_leave_one_sum(database: Database) -> None:
    room = open_voucher_room(database, budgets=[budget(HOME, "0.00"), budget(PROVIDER_ZONE, "10000000.00")])
    increase(room, "500.00")
    applied = [
        vouchers.apply(
            database, room.act(), room.programme, enterprise_code(place), fen("50.00"), "检测", DAY
        ).value
        for place in range(1, 6)
    ]
    acts = [room.act() for _ in range(10)]

    def do(place: int) -> None:
        if place % 2:
            increase(room, "7.00", act=acts[place])
        else:
            vouchers.issue(database, acts[place], applied[place // 2], fen("50.00"), "张三", DAY)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(do, range(10)))
    assert room.budgets()[HOME] == (fen("285.00"), fen("250.00"), 0)
    assert mismatches(database) == []


@pytest.mark.parametrize(("role", "amount"), [("fund", "1.00"), (HOME, "0.00"), (HOME, "-1.00")])
def test_only_a_payer_increases_its_budget_and_only_by_more_than_nothing(
    database: Database, role: str, amount: str
) -> None:
    room = open_voucher_room(database)
    with pytest.raises(RequestRefused):
        increase(room, amount, role=role)


def test_no_budget_is_increased_before_the_terms_are_in_force(database: Database) -> None:
    room = open_voucher_room(database)
    with pytest.raises(ProgrammeNotInForce):
        increase(room, "1.00", day=date(2023, 12, 31))


def test_the_database_itself_refuses_a_step_that_claims_more_than_was_added(database: Database) -> None:
    room = open_voucher_room(database, budgets=SHORT)
    increase(room, "5.00")
    with database.reading() as connection:
        step = connection.execute(select(voucher_budget_step)).one()
    values = {
        "budget_id": step.budget_id,
        "sequence": 2,
        "amount_minor": -500,
        "open_minor": step.open_minor + 500,
        "budget_minor": step.budget_minor,
        "increased_minor": step.increased_minor + 500,
        "increase": 2,
        "event_id": step.event_id,
    }
    added = {"increase": 2, "amount_minor": 5, "document": "x", "person": "x", "day": DAY}
    more = {**added, "budget_id": step.budget_id, "event_id": step.event_id}
    told = insert(voucher_budget_increase).values(more)
    beyond = {**values, "amount_minor": -5, "open_minor": step.open_minor + 5}
    refuse(database, "voucher_budget_step_increase_fk", insert(voucher_budget_step).values(values))
    refuse(database, "voucher_budget_step_previous_fk", told, insert(voucher_budget_step).values(beyond))


def refuse(database: Database, constraint: str, *statements: Insert) -> None:
    """Does them in one transaction, which the database refuses."""
    with database.writing() as connection:
        for statement in statements[:-1]:
            connection.execute(statement)
        with pytest.raises(DBAPIError, match=constraint):
            connection.execute(statements[-1])
        connection.rollback()
