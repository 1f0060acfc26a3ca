"""A quarter's partitions: opened, or staged, filled by COPY, checked and attached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import Connection as DriverConnection
from psycopg import sql
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from ledger_schema import tables
from ledger_schema.partitions import Stages, attach_quarter, open_booked_quarter, stage_quarter
from ledger_schema.refusals import Refusal
from ledger_schema.sessions import Database, sqlstate
from tests.tables import booked_rows as rows
from tests.tables.booked_rows import QUARTER
from tests.tables.interleaving import PATIENCE_SECONDS, in_background, process_of, refusal, wait_until_blocked

ALLOCATIONS = [rows.allocation(1, 60), rows.allocation(2, 40)]
POSTINGS = [rows.posting(0, -100), rows.posting(1, 60), rows.posting(2, 40)]
PARTITIONED = ("return_line", "carried", "allocation", "posting")


@pytest.fixture(autouse=True)
def settled(database: Database) -> None:
    """Settlements of agreements 1 and 2 wait for their amounts; the quarter has no partitions yet."""
    with database.writing() as connection:
        for agreement_id in (1, 2):
            rows.agree(connection, agreement_id)
            rows.settle(connection, agreement_id)
    with database.owner() as connection:
        for name in PARTITIONED:
            connection.execute(text(f"DROP TABLE {name}_{QUARTER}"))


def copy(connection: Connection, stage: str, table: Table, lines: Iterable[Mapping[str, object]]) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, DriverConnection)
    statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(stage))
    with driver.cursor() as cursor, cursor.copy(statement) as target:
        for line in rows.values(lines, table):
            target.write_row(line)


def stage_all(
    connection: Connection,
    allocations: Iterable[Mapping[str, object]] = ALLOCATIONS,
    postings: Iterable[Mapping[str, object]] = POSTINGS,
) -> Stages:
    stages = stage_quarter(connection, QUARTER)
    copy(connection, stages.allocation, tables.allocation, allocations)
    copy(connection, stages.posting, tables.posting, postings)
    return stages


def counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in PARTITIONED
        }


def attach(database: Database, **staged: Iterable[Mapping[str, object]]) -> None:
    with database.writing() as connection:
        stage_all(connection, **staged)
        attach_quarter(connection, QUARTER)


def refuse_attachment(database: Database, code: str, **staged: Iterable[Mapping[str, object]]) -> None:
    before = counts(database)
    with pytest.raises((DBAPIError, psycopg.Error)) as caught:
        attach(database, **staged)
    assert isinstance(caught.value, DBAPIError | psycopg.Error)
    assert sqlstate(caught.value) == code, caught.value
    assert counts(database) == before
    with database.reading() as connection:
        left = connection.execute(text("SELECT count(*) FROM pg_class WHERE relname ~ '_stage'"))
        assert left.scalar_one() == 0


def definition(connection: Connection, partition: str) -> list[str]:
    """The columns, constraints, indexes and triggers of a partition, without its quarter."""
    found = connection.execute(
        text(
            "SELECT attname || format_type(atttypid, atttypmod) || attnotnull FROM pg_attribute "
            "WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 "
            "UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = CAST(:name AS regclass) AND contype <> 'f' "
            "UNION ALL SELECT pg_get_constraintdef(oid) || convalidated || (conparentid > 0) "
            "FROM pg_constraint WHERE conrelid = CAST(:name AS regclass) AND contype = 'f' "
            "UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid = CAST(:name AS regclass) "
            "UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger "
            "WHERE tgrelid = CAST(:name AS regclass) AND NOT tgisinternal "
            "UNION ALL SELECT coalesce(relacl, acldefault('r', relowner))::text FROM pg_class "
            "WHERE oid = CAST(:name AS regclass)"
        ),
        {"name": partition},
    ).scalars()
    quarter = partition.rpartition("_")[2]
    return sorted(str(line).replace(quarter, "quarter") for line in found)


def test_opening_a_quarter_again_changes_nothing(database: Database) -> None:
    for _ in range(2):
        with database.writing() as connection:
            open_booked_quarter(connection, 20251)
    with database.reading() as connection:
        names = connection.execute(text("SELECT relname FROM pg_class WHERE relname ~ '_20251$'")).scalars()
        assert set(names) == {f"{name}_20251" for name in PARTITIONED}


def test_two_may_open_the_same_quarter_at_once(database: Database, background: ThreadPoolExecutor) -> None:
    def open_too(connection: Connection) -> None:
        open_booked_quarter(connection, 20251)

    with database.writing() as first:
        open_booked_quarter(first, 20251)
        outcome, second = in_background(background, database, open_too)
        wait_until_blocked(database, second, by=process_of(first))
    outcome.result(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("quarter", [20240, 20245, 243, 202403])
def test_a_misspelt_quarter_is_refused(database: Database, quarter: int) -> None:
    with database.writing() as connection, rows.refused(connection, Refusal.STAGE_UNUSABLE):
        open_booked_quarter(connection, quarter)
    with database.writing() as connection, rows.refused(connection, Refusal.STAGE_UNUSABLE):
        stage_quarter(connection, quarter)


def test_what_was_staged_becomes_the_partition_and_closes_the_quarter(database: Database) -> None:
    with database.writing() as connection:
        stage_all(connection)
        assert attach_quarter(connection, QUARTER) == {"allocation": True, "posting": True}
        rows.close(connection)
    assert counts(database) == {"return_line": 0, "carried": 0, "allocation": 2, "posting": 3}
    with database.reading() as connection:
        states = connection.execute(text("SELECT state FROM agreement_quarter ORDER BY agreement_id"))
        assert list(states.scalars()) == ["closed", "open"]


def test_returns_can_be_staged_by_themselves(database: Database) -> None:
    with database.writing() as connection:
        rows.add(connection, tables.filing, rows.filing(line_count=3))
        stages = stage_quarter(connection, QUARTER)
        copy(connection, stages.return_line, tables.return_line, [rows.return_line(n) for n in (1, 2, 3)])
        assert attach_quarter(connection, QUARTER) == {"return_line": True}
    assert counts(database)["return_line"] == 3


@pytest.mark.parametrize("name", PARTITIONED)
def test_an_attached_partition_is_defined_like_one_that_was_opened(database: Database, name: str) -> None:
    carried = {"clause": 1, "subject_id": 0, "state": [1], "settlement_id": 7}
    carried |= {"agreement_id": 1, "booked_quarter": QUARTER}
    with database.writing() as connection:
        rows.add(connection, tables.filing, rows.filing())
        stages = stage_all(connection)
        copy(connection, stages.return_line, tables.return_line, [rows.return_line(1)])
        copy(connection, stages.carried, tables.carried, [carried])
        assert attach_quarter(connection, QUARTER) == dict.fromkeys(PARTITIONED, True)
        open_booked_quarter(connection, 20244)
    with database.owner() as connection:
        assert definition(connection, f"{name}_{QUARTER}") == definition(connection, f"{name}_20244")


def test_an_empty_partition_makes_room_for_the_stage(database: Database) -> None:
    with database.writing() as connection:
        open_booked_quarter(connection, QUARTER)
    with database.writing() as connection:
        stage_all(connection)
        assert attach_quarter(connection, QUARTER) == {"allocation": True, "posting": True}
    assert counts(database) == {"return_line": 0, "carried": 0, "allocation": 2, "posting": 3}


def test_a_stage_is_appended_to_a_partition_that_has_rows(database: Database) -> None:
    with database.writing() as connection:
        open_booked_quarter(connection, QUARTER)
        rows.book_allocations_and_postings(connection, agreement_id=2)
    with database.writing() as connection:
        stage_all(connection)
        assert attach_quarter(connection, QUARTER) == {"allocation": False, "posting": False}
        rows.close(connection)
    assert counts(database) == {"return_line": 0, "carried": 0, "allocation": 4, "posting": 6}


def test_empty_stages_only_leave_the_quarter_open(database: Database) -> None:
    with database.writing() as connection:
        stage_quarter(connection, QUARTER)
        assert attach_quarter(connection, QUARTER) == {}
    with database.writing() as connection:
        rows.book_allocations_and_postings(connection)
    assert counts(database)["posting"] == 3


def test_staging_again_drops_what_an_interrupted_run_left(database: Database) -> None:
    with database.writing() as connection:
        stage_all(connection)
    with database.writing() as connection:
        stage_all(connection)
        attach_quarter(connection, QUARTER)
    assert counts(database)["posting"] == 3


def test_without_stages_there_is_nothing_to_attach(database: Database) -> None:
    with database.writing() as connection, rows.refused(connection, Refusal.STAGE_UNUSABLE):
        attach_quarter(connection, QUARTER)


def test_a_stage_takes_rows_of_its_own_quarter_only(database: Database) -> None:
    refuse_attachment(database, "23514", allocations=[{**rows.allocation(1, 1), "booked_quarter": 20251}])


def test_a_stage_checks_what_its_table_checks(database: Database) -> None:
    refuse_attachment(database, "23514", allocations=[{**rows.allocation(1, 1), "quarter": 20245}])


def test_staged_entries_that_do_not_balance_are_refused(database: Database) -> None:
    refuse_attachment(database, Refusal.ENTRY_UNBALANCED, postings=POSTINGS[:2])


def test_staged_allocations_that_differ_from_staged_postings_are_refused(database: Database) -> None:
    different = [rows.allocation(1, 61), rows.allocation(2, 39)]
    refuse_attachment(database, Refusal.POSTINGS_DIFFER, allocations=different)
    routed = [rows.allocation(1, 60, 1), rows.allocation(2, 40)]
    refuse_attachment(database, Refusal.POSTINGS_DIFFER, allocations=routed)


def test_staged_rows_without_their_settlement_are_refused(database: Database) -> None:
    stray = [{**row, "settlement_id": 8} for row in ALLOCATIONS]
    refuse_attachment(database, "23503", allocations=stray, postings=[])


def test_staged_postings_to_an_account_of_another_agreement_are_refused(database: Database) -> None:
    foreign = [{**row, "account_id": 21} if row["posting"] == 1 else row for row in POSTINGS]
    refuse_attachment(database, "23503", allocations=[], postings=foreign)


def test_the_same_key_twice_is_refused(database: Database) -> None:
    refuse_attachment(database, "23505", allocations=[ALLOCATIONS[0]] * 2, postings=[])


def test_a_refused_stage_leaves_the_rows_that_were_there(database: Database) -> None:
    with database.writing() as connection:
        open_booked_quarter(connection, QUARTER)
        rows.book_allocations_and_postings(connection, agreement_id=2)
    refuse_attachment(database, "23503", allocations=[rows.allocation(9, 1)], postings=[])
    refuse_attachment(database, Refusal.ENTRY_UNBALANCED, postings=POSTINGS[:2])


@pytest.mark.parametrize("has_rows", [False, True])
def test_a_closed_quarter_takes_no_stage(database: Database, has_rows: bool) -> None:
    with database.writing() as connection:
        open_booked_quarter(connection, QUARTER)
        rows.add(connection, tables.settlement, rows.settlement(settlement_id=8, allocation_count=0))
        rows.close(connection, settlement_id=8)
        if has_rows:
            rows.book_allocations_and_postings(connection, agreement_id=2)
    refuse_attachment(database, Refusal.QUARTER_NOT_OPEN)


def test_a_stage_of_a_quarter_that_was_never_opened_is_refused(database: Database) -> None:
    stray = [{**row, "agreement_id": 3} for row in ALLOCATIONS]
    refuse_attachment(database, Refusal.QUARTER_NOT_OPEN, allocations=stray, postings=[])


def test_a_quarter_is_not_attached_from_a_transaction_that_could_not_see_the_last_rows(
    database: Database,
) -> None:
    with database.writing() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        stage_all(connection)
        with rows.refused(connection, Refusal.STAGE_UNUSABLE):
            attach_quarter(connection, QUARTER)


def test_a_closer_waits_for_an_attachment_and_then_sees_its_rows(
    database: Database, background: ThreadPoolExecutor
) -> None:
    with database.writing() as bulk:
        stage_all(bulk)
        attach_quarter(bulk, QUARTER)
        outcome, closer = in_background(background, database, rows.close)
        wait_until_blocked(database, closer, by=process_of(bulk))
    outcome.result(timeout=PATIENCE_SECONDS)


def test_an_attachment_waits_for_a_closer_and_is_then_refused(
    database: Database, background: ThreadPoolExecutor
) -> None:
    def attach_too(connection: Connection) -> None:
        stage_all(connection)
        attach_quarter(connection, QUARTER)

    with database.writing() as closer:
        rows.add(closer, tables.settlement, rows.settlement(settlement_id=8, allocation_count=0))
        rows.close(closer, settlement_id=8)
        outcome, bulk = in_background(background, database, attach_too)
        wait_until_blocked(database, bulk, by=process_of(closer))
    assert refusal(outcome) is Refusal.QUARTER_NOT_OPEN
    assert counts(database)["posting"] == 0


def test_readers_do_not_wait_for_an_attachment(database: Database) -> None:
    with database.writing() as bulk:
        stage_all(bulk)
        attach_quarter(bulk, QUARTER)
        assert counts(database)["posting"] == 0
    assert counts(database)["posting"] == 3
