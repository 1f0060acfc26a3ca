"""What the application's role and the auditor's may do, and what not even the owner does by mistake."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Table, select, text

from ledger_schema import policies, tables
from ledger_schema.refusals import Refusal
from tests.tables import booked_rows as rows

NOT_ALLOWED = "42501"
SEEDED = ("commodity", "book", "measure")
HISTORY = [table for table in tables.metadata.sorted_tables if table.name != "agreement_quarter"]
VIEWS = ("settlement_difference", "quarter_closing")
WRITTEN_BY_OWNER = ("quarter_reopened", "account_balance")
CALLED_BY_APPLICATION = {
    "open_booked_quarter",
    "stage_quarter",
    "attach_quarter",
    "settlement_fault",
    "reopen_quarter",
}


def changes(table: Table | str) -> tuple[str, ...]:
    name = table if isinstance(table, str) else table.name
    column = "agreement_id" if isinstance(table, str) else next(iter(table.columns)).name
    return (
        f"UPDATE {name} SET {column} = {column}",
        f"DELETE FROM {name}",
        f"TRUNCATE {name} CASCADE",
    )


def granted(connection: Connection, role: str) -> dict[str, set[str]]:
    found = connection.execute(
        text(
            "SELECT relname, privilege_type FROM pg_class, aclexplode(relacl) AS granted "
            "WHERE relnamespace = 'public'::regnamespace AND granted.grantee = CAST(:role AS regrole)"
        ),
        {"role": role},
    )
    privileges: dict[str, set[str]] = {}
    for name, privilege in found:
        privileges.setdefault(name, set()).add(privilege)
    return privileges


def test_the_application_reads_everything_and_appends_to_history(owner: Connection) -> None:
    expected = {table.name: {"SELECT", "INSERT"} for table in tables.metadata.sorted_tables}
    expected |= {name: {"SELECT"} for name in (*SEEDED, *WRITTEN_BY_OWNER, *VIEWS, "alembic_version")}
    assert granted(owner, "parkledger_application") == expected


def test_the_auditor_only_reads_and_no_passwords(owner: Connection) -> None:
    names = {*tables.metadata.tables, *VIEWS, "alembic_version"} - {"user_password"}
    assert granted(owner, "parkledger_auditor") == {name: {"SELECT"} for name in names}
    owner.execute(text("SET LOCAL ROLE parkledger_auditor"))
    owner.execute(select(tables.posting))
    with rows.refused(owner, NOT_ALLOWED):
        rows.add(owner, tables.book, {"book_id": 9, "name": "third"})


def test_the_application_may_update_three_columns_and_no_others(owner: Connection) -> None:
    found = owner.execute(
        text(
            "SELECT attrelid::regclass::text, attname, privilege_type "
            "FROM pg_attribute, aclexplode(attacl) WHERE attrelid::regclass::text !~ '^pg_'"
        )
    )
    assert {tuple(row) for row in found} == {
        ("agreement_quarter", column, "UPDATE") for column in ("state", "settlement_id", "closed_at")
    }


@pytest.mark.parametrize("table", HISTORY, ids=lambda table: table.name)
def test_the_application_cannot_change_history(connection: Connection, table: Table) -> None:
    connection.execute(select(table))
    for statement in changes(table):
        with rows.refused(connection, NOT_ALLOWED):
            connection.execute(text(statement))


@pytest.mark.parametrize("table", HISTORY, ids=lambda table: table.name)
def test_the_owner_does_not_change_history_by_mistake(owner: Connection, table: Table) -> None:
    for statement in changes(table):
        with rows.refused(owner, Refusal.HISTORY_CHANGED):
            owner.execute(text(statement))


def test_nobody_removes_a_quarter(connection: Connection, owner: Connection) -> None:
    for statement in ("DELETE FROM agreement_quarter", "TRUNCATE agreement_quarter CASCADE"):
        with rows.refused(connection, NOT_ALLOWED):
            connection.execute(text(statement))
        with rows.refused(owner, Refusal.HISTORY_CHANGED):
            owner.execute(text(statement))


@pytest.mark.parametrize("column", ["agreement_id", "quarter"])
def test_the_application_cannot_move_a_quarter(connection: Connection, column: str) -> None:
    rows.agree(connection)
    with rows.refused(connection, NOT_ALLOWED):
        connection.execute(text(f"UPDATE agreement_quarter SET {column} = {column} + 1"))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id integer)",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE posting DISABLE TRIGGER ALL",
        "ALTER TABLE posting ADD COLUMN remark text",
        "DROP TABLE posting",
        "CREATE ROLE mine",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_cannot_define_anything(connection: Connection, statement: str) -> None:
    with rows.refused(connection, NOT_ALLOWED):
        connection.execute(text(statement))


def test_the_application_cannot_touch_a_partition_itself(connection: Connection) -> None:
    """A partition fires no triggers of its parent's statements, and knows nothing of its row security."""
    rows.agree(connection)
    rows.add(connection, tables.filing, rows.filing())
    rows.add(connection, tables.return_line, rows.return_line(1))
    copy = f"SELECT * FROM return_line WHERE booked_quarter = {rows.QUARTER}"
    partition = f"return_line_{rows.QUARTER}"
    for statement in (f"TABLE {partition}", f"INSERT INTO {partition} {copy}", *changes(partition)):
        with rows.refused(connection, NOT_ALLOWED):
            connection.execute(text(statement))


@pytest.mark.parametrize("name", ["return_line", "carried", "allocation", "posting"])
def test_the_owner_does_not_change_a_partition_by_mistake(owner: Connection, name: str) -> None:
    rows.agree(owner)
    for statement in changes(f"{name}_{rows.QUARTER}"):
        with rows.refused(owner, Refusal.HISTORY_CHANGED):
            owner.execute(text(statement))


def test_only_functions_that_are_meant_for_it_are_open_to_the_application(owner: Connection) -> None:
    callable_by = text(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
        "AND has_function_privilege(:role, oid, 'EXECUTE')"
    )
    application = owner.execute(callable_by, {"role": "parkledger_application"}).scalars()
    auditor = owner.execute(callable_by, {"role": "parkledger_auditor"}).scalars()
    asked_by_policies = {signature.partition("(")[0] for signature in policies.ASKED_BY_POLICIES}
    assert set(application) == CALLED_BY_APPLICATION | asked_by_policies
    assert set(auditor) == {"settlement_fault"} | asked_by_policies


def test_every_function_fixes_its_search_path(owner: Connection) -> None:
    settings = owner.execute(
        text("SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    ).all()
    assert settings
    for name, configured in settings:
        assert "search_path=pg_catalog, public, pg_temp" in (configured or []), name
