"""A quarter is closed once, with a settlement that adds up, and stays closed."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text, update

from ledger_schema import tables
from ledger_schema.refusals import Refusal
from tests.tables import booked_rows as rows

OF_CASE = "agreement_id = 1 AND quarter = 20243"


def state(connection: Connection) -> str:
    return str(connection.execute(text(f"SELECT state FROM agreement_quarter WHERE {OF_CASE}")).scalar_one())


def fault(connection: Connection, settlement_id: int = 7) -> str | None:
    answer = connection.execute(
        text("SELECT settlement_fault(1, 20243, :settlement_id)"), {"settlement_id": settlement_id}
    ).scalar_one()
    return None if answer is None else str(answer)


def refuse_close(connection: Connection, because: str) -> None:
    assert because in (fault(connection) or "")
    with rows.refused(connection, Refusal.CLOSE_REFUSED):
        rows.close(connection)
    assert state(connection) == "open"


@pytest.fixture(autouse=True)
def agreed(connection: Connection) -> None:
    rows.agree(connection)


def test_a_quarter_closes_with_a_settlement_that_adds_up(connection: Connection) -> None:
    rows.settle(connection)
    rows.book_allocations_and_postings(connection)
    assert fault(connection) is None
    rows.close(connection)
    assert state(connection) == "closed"


def test_a_settlement_without_amounts_closes_if_it_declares_none(connection: Connection) -> None:
    rows.add(connection, tables.settlement, rows.settlement(allocation_count=0))
    rows.close(connection)
    assert state(connection) == "closed"


def test_what_is_routed_is_posted_to_the_fund(connection: Connection) -> None:
    rows.settle(connection)
    rows.add(connection, tables.allocation, rows.allocation(1, 60, 18), rows.allocation(2, 40))
    amounts = ((0, -100), (1, 42), (2, 40), (3, 18))
    rows.add(connection, tables.posting, *(rows.posting(number, amount) for number, amount in amounts))
    rows.close(connection)
    assert state(connection) == "closed"


def test_routed_amounts_that_are_posted_to_the_party_are_refused(connection: Connection) -> None:
    rows.settle(connection)
    rows.add(connection, tables.allocation, rows.allocation(1, 60, 18), rows.allocation(2, 40))
    amounts = ((0, -100), (1, 60), (2, 40))
    rows.add(connection, tables.posting, *(rows.posting(number, amount) for number, amount in amounts))
    refuse_close(connection, "allocates -18 more to party 1")


def test_a_settlement_that_does_not_exist_is_refused(connection: Connection) -> None:
    refuse_close(connection, "no such settlement")


def test_a_settlement_of_another_agreement_is_refused(connection: Connection) -> None:
    rows.agree(connection, agreement_id=2)
    rows.settle(connection, agreement_id=2)
    rows.book_allocations_and_postings(connection, agreement_id=2)
    refuse_close(connection, "no such settlement")


def test_allocations_that_differ_from_the_postings_are_refused(connection: Connection) -> None:
    rows.settle(connection)
    rows.add(connection, tables.allocation, rows.allocation(1, 61), rows.allocation(2, 39))
    amounts = ((0, -100), (1, 60), (2, 40))
    rows.add(connection, tables.posting, *(rows.posting(number, amount) for number, amount in amounts))
    refuse_close(connection, "allocates 1 more to party 1")


def test_a_missing_allocation_is_refused(connection: Connection) -> None:
    rows.settle(connection, allocation_count=3)
    rows.book_allocations_and_postings(connection)
    refuse_close(connection, "declares 3 allocations and has 2")


def test_an_entry_without_postings_is_refused(connection: Connection) -> None:
    rows.settle(connection, allocation_count=0)
    refuse_close(connection, "entry 1 has no postings")


def test_a_closed_quarter_cannot_be_changed_in_any_way(connection: Connection) -> None:
    rows.settle(connection)
    rows.book_allocations_and_postings(connection)
    rows.close(connection)
    changes: tuple[dict[str, object], ...] = (
        {"state": "open", "settlement_id": None, "closed_at": None},
        {"closed_at": "2030-01-01"},
        {"state": "closed"},
    )
    for change in changes:
        with rows.refused(connection, Refusal.CLOSE_REFUSED):
            connection.execute(update(tables.agreement_quarter).values(change))


def test_a_quarter_begins_open(connection: Connection) -> None:
    rows.settle(connection)
    closed = {"agreement_id": 1, "quarter": 20244, "state": "closed", "settlement_id": 7, "closed_at": "now"}
    with rows.refused(connection, Refusal.CLOSE_REFUSED):
        rows.add(connection, tables.agreement_quarter, closed)


def test_one_quarter_of_an_agreement_is_open_at_a_time_and_they_only_go_forward(
    connection: Connection,
) -> None:
    with rows.refused(connection, "23505"):
        rows.open_quarter(connection, 1, 20244)
    rows.settle(connection)
    rows.book_allocations_and_postings(connection)
    rows.close(connection)
    with rows.refused(connection, Refusal.CLOSE_REFUSED):
        rows.open_quarter(connection, 1, 20242)
    rows.open_quarter(connection, 1, 20244)
