"""What the database refuses to take: entries that do not balance, and rows of quarters that are not open."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Table, func, select, text

from ledger_schema import tables
from ledger_schema.refusals import Refusal
from tests.tables import booked_rows as rows

FOREIGN_KEY_BROKEN = "23503"


@pytest.fixture(autouse=True)
def settled(connection: Connection) -> None:
    rows.agree(connection)
    rows.settle(connection)


def count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_balanced_entry_is_taken(connection: Connection) -> None:
    rows.add(connection, tables.posting, rows.posting(0, -100), rows.posting(1, 60), rows.posting(2, 40))
    assert count(connection, tables.posting) == 3


def test_an_entry_that_is_one_fen_off_is_refused(connection: Connection) -> None:
    with rows.refused(connection, Refusal.ENTRY_UNBALANCED):
        rows.add(connection, tables.posting, rows.posting(0, -100), rows.posting(1, 60), rows.posting(2, 41))
    assert count(connection, tables.posting) == 0


def test_half_an_entry_is_refused_even_if_the_other_half_would_follow(connection: Connection) -> None:
    with rows.refused(connection, Refusal.ENTRY_UNBALANCED):
        rows.add(connection, tables.posting, rows.posting(0, -100))


def test_an_entry_balances_in_each_book_by_itself(connection: Connection) -> None:
    rows.add(connection, tables.account, {**rows.account(1, 9, "credited", 1, book_id=3)})
    elsewhere = {**rows.posting(9, 100), "book_id": 3, "commodity_id": rows.OUTPUT}
    with rows.refused(connection, Refusal.ENTRY_UNBALANCED):
        rows.add(connection, tables.posting, rows.posting(0, -100), elsewhere)


def test_two_entries_do_not_balance_each_other(connection: Connection) -> None:
    head = {"agreement_id": 1, "booked_quarter": rows.QUARTER, "settlement_id": 7, "entry": 2}
    rows.add(connection, tables.journal_entry, {**head, "cause": 1, "clause": 1, "quarter": rows.QUARTER})
    with rows.refused(connection, Refusal.ENTRY_UNBALANCED):
        rows.add(connection, tables.posting, rows.posting(0, -100), rows.posting(1, 100, entry=2))


def test_a_statement_without_rows_is_taken(connection: Connection) -> None:
    connection.execute(text("INSERT INTO posting SELECT * FROM posting WHERE false"))
    assert count(connection, tables.posting) == 0


def test_a_posting_of_zero_is_refused(connection: Connection) -> None:
    with rows.refused(connection, "23514"):
        rows.add(connection, tables.posting, rows.posting(0, 0))


def test_postings_need_their_entry_and_an_account_of_their_agreement(connection: Connection) -> None:
    rows.agree(connection, agreement_id=2)
    foreign = {**rows.posting(1, 100), "account_id": 21}
    with rows.refused(connection, FOREIGN_KEY_BROKEN):
        rows.add(connection, tables.posting, rows.posting(0, -100), foreign)
    with rows.refused(connection, FOREIGN_KEY_BROKEN):
        rows.add(connection, tables.posting, rows.posting(0, -1, entry=5), rows.posting(1, 1, entry=5))
    rows.add(connection, tables.posting, rows.posting(0, -1), rows.posting(1, 1))


def test_a_figure_of_the_assessment_book_cannot_be_posted_to_a_cash_account(connection: Connection) -> None:
    with rows.refused(connection, FOREIGN_KEY_BROKEN):
        rows.add(
            connection,
            tables.posting,
            *({**rows.posting(number, amount), "book_id": 3} for number, amount in ((0, -1), (1, 1))),
        )


def test_an_open_quarter_takes_returns(connection: Connection) -> None:
    rows.add(connection, tables.filing, rows.filing())
    rows.add(connection, tables.return_line, rows.return_line(1))
    assert count(connection, tables.return_line) == 1


def test_a_quarter_that_was_never_opened_takes_nothing(connection: Connection) -> None:
    with rows.refused(connection, FOREIGN_KEY_BROKEN):
        rows.add(connection, tables.filing, {**rows.filing(), "booked_quarter": 20244})


def test_a_closed_quarter_takes_nothing(connection: Connection) -> None:
    head = {"agreement_id": 1, "booked_quarter": rows.QUARTER, "settlement_id": 7}
    late: list[tuple[Table, dict[str, object]]] = [
        (tables.filing, rows.filing(filing_id=2)),
        (tables.filing_total, {**head, "filing_id": 1, "measure_id": 11, "amount_minor": 1}),
        (tables.return_line, rows.return_line(2)),
        (tables.settlement, rows.settlement(settlement_id=8)),
        (
            tables.settlement_cause,
            {**head, "cause": 2, "kind": "quarter", "quarter": rows.QUARTER, "reference": ""},
        ),
        (tables.journal_entry, {**head, "entry": 2, "cause": 1, "clause": 1, "quarter": rows.QUARTER}),
        (tables.allocation, rows.allocation(1, 1, subject_id=9)),
        (tables.carried, {**head, "clause": 1, "subject_id": 0, "state": [1]}),
    ]
    late[1][1].pop("settlement_id")
    rows.add(connection, tables.filing, rows.filing())
    rows.add(connection, tables.return_line, rows.return_line(1))
    rows.book_allocations_and_postings(connection)

    taken_while_open = connection.begin_nested()
    for table, row in late:
        rows.add(connection, table, row)
    rows.add(connection, tables.posting, rows.posting(0, -1, entry=2), rows.posting(1, 1, entry=2))
    taken_while_open.rollback()

    rows.close(connection)
    for table, row in late:
        with rows.refused(connection, Refusal.QUARTER_NOT_OPEN):
            rows.add(connection, table, row)
    more = {**rows.posting(3, 1), "posting": 8}, {**rows.posting(0, -1), "posting": 9}
    with rows.refused(connection, Refusal.QUARTER_NOT_OPEN):
        rows.add(connection, tables.posting, *more)


def test_another_agreement_may_book_while_one_is_closed(connection: Connection) -> None:
    rows.agree(connection, agreement_id=2)
    rows.settle(connection, agreement_id=2)
    rows.book_allocations_and_postings(connection)
    rows.close(connection)
    rows.book_allocations_and_postings(connection, agreement_id=2)
    assert count(connection, tables.posting) == 6
