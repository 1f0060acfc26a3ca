"""Whoever owns the tables and changes a row is found out, by table, key and column."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from every_table import World, make_world
from psycopg import sql
from sqlalchemy import Connection, Row, Table, create_engine, func, literal_column, select, text, update
from sqlalchemy.engine import make_url

from ledger.desk import fsck
from ledger.desk.fsck import CATALOGUE, CHECK_BY_CODE, CHECKS, Mismatch, Scope, Sealed, sealing_table
from ledger.desk.fsck.running import agreements_of
from ledger.evidence.checkpoints import Checkpoint
from ledger.evidence.merkle import root_of
from ledger_schema.sessions import Database
from ledger_schema.tables import metadata

DOCUMENT = Path(__file__).parents[2] / "docs" / "fsck.md"
TABLES = {table.name: table for table in metadata.sorted_tables}
COLUMNS = [
    (table, column, sealing)
    for table, sealings in CATALOGUE.items()
    for sealing, columns in sealings.items()
    for column in columns.split()
]
SEALED = [(table, column, sealing) for table, column, sealing in COLUMNS if isinstance(sealing, Sealed)]
SEALED_TABLES = {table for table, _, _ in SEALED}

CHANGED = {
    "bytea": "set_byte(coalesce({0}, '\\x00'), 0, 255 - get_byte(coalesce({0}, '\\x00'), 0))",
    "text": "coalesce({0}, '') || 'x'",
    "boolean": "NOT coalesce({0}, false)",
    "date": "coalesce({0}, DATE '2024-01-01') + 1",
    "timestamp with time zone": "{0} + interval '1 second'",
    "jsonb": "CASE jsonb_typeof({0}) WHEN 'array' THEN {0} || '[1]' ELSE {0} || '{{\"x\": 1}}' END",
    "bigint[]": "{0} || 1::bigint",
    "smallint": "coalesce({0}, 0) + 300",
    "integer": "coalesce({0}, 0) + 1000",
    "bigint": "coalesce({0}, 0) + 1000000007",
    "numeric(38, 0)": "{0} + 1",
}
"""How a value of a type becomes another one, which no other row of the world has."""

OF_REGISTERED = {("party", "party_id"), ("party", "code")}
CONSTRAINTS = """
    SELECT conrelid::regclass::text AS owner, conname FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u') AND conparentid = 0
        AND coninhcount = 0
    ORDER BY contype = 'u'
"""


@dataclass(frozen=True)
class Owner:
    """A connection on which the tables' owner may do anything, without constraints or guards."""

    connection: Connection
    world: World

    def look(self, check: str, agreement_id: int | None) -> list[Mismatch]:
        """What one check finds, of the agreement where it looks at one."""
        chosen = CHECK_BY_CODE[check]
        scope_of: list[int | None] = [agreement_id if chosen.by_agreement else None]
        if chosen.by_agreement and agreement_id is None:
            scope_of = [*agreements_of(self.connection)]
        key, kept = self.world.files.signer().verifier, self.world.files.kept_head()
        return [
            found
            for one in scope_of
            for found in fsck.look(chosen, Scope(self.connection, one, None, key, kept))
        ]


@pytest.fixture(scope="module")
def world(
    server_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    name = f"{template_database}_{secrets.token_hex(4)}"
    maintenance = server_url.replace("+psycopg", "", 1)
    with psycopg.connect(maintenance, autocommit=True) as connection:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template_database)))
    database = Database(make_url(server_url).set(database=name).render_as_string(hide_password=False))
    try:
        yield make_world(database, tmp_path_factory.mktemp("log"))
    finally:
        database.dispose()
        with psycopg.connect(maintenance, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def unguarded(world: World) -> Iterator[Owner]:
    """The owner in one transaction, in which what refuses changes is taken away first."""
    with world.database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for owner, name in connection.execute(text(CONSTRAINTS)).all():
            connection.execute(text(f'ALTER TABLE {owner} DROP CONSTRAINT IF EXISTS "{name}" CASCADE'))
        for table in TABLES.values():
            if table.dialect_options["postgresql"]["partition_by"]:
                connection.execute(text(f"CREATE TABLE {table.name}_rest PARTITION OF {table.name} DEFAULT"))
        yield Owner(connection, world)
        connection.rollback()


@pytest.fixture
def owner(unguarded: Owner) -> Iterator[Owner]:
    """As if nothing had been changed before."""
    with unguarded.connection.begin_nested() as savepoint:
        yield unguarded
        savepoint.rollback()


def test_the_catalogue_names_every_column_of_the_database_once(world: World) -> None:
    columns = """
        SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
    """
    with world.database.owner() as connection:
        found = sorted((row[0], row[1]) for row in connection.execute(text(columns)))
    assert sorted((table, column) for table, column, _ in COLUMNS) == found


def test_the_document_shows_the_catalogue_as_it_is() -> None:
    assert sealing_table() in DOCUMENT.read_text()


def test_every_check_is_one_that_the_catalogue_names() -> None:
    assert {sealing.check for _, _, sealing in SEALED} == {check.code for check in CHECKS}


def test_a_ledger_that_nobody_changed_has_no_mismatch_and_rows_in_every_table(world: World) -> None:
    with world.database.reading() as connection:
        files = world.files
        results = list(fsck.run(connection, log_key=files.signer().verifier, kept_head=files.kept_head()))
        empty = [
            name for name, table in TABLES.items() if not connection.execute(select(table).limit(1)).all()
        ]
    assert [found for result in results for found in result.mismatches] == []
    assert empty == []
    assert all(result.row_count for result in results)


@pytest.mark.parametrize(
    ("table", "column", "sealing"), SEALED, ids=[f"{table}.{column}" for table, column, _ in SEALED]
)
def test_a_changed_value_is_named_by_table_key_and_column(
    owner: Owner, table: str, column: str, sealing: Sealed
) -> None:
    before, after = change(owner.connection, TABLES[table], column)
    mismatches = owner.look(sealing.check, agreement_of(before))
    expected = TABLES[sealing.named_in or table]
    assert any(names(one, expected, column, sealing, before, after) for one in mismatches), mismatches


@pytest.mark.parametrize("table", sorted(SEALED_TABLES - {"enterprise"}))
def test_a_row_that_is_gone_is_named(owner: Owner, table: str) -> None:
    row = some_row(owner.connection, TABLES[table])
    owner.connection.execute(TABLES[table].delete().where(*is_row(TABLES[table], row)))
    # An event that is gone is missed by its leaf.
    check, named = ("log", "log_leaf") if table == "event" else (check_of(table), table)
    assert any(one.table == named for one in owner.look(check, agreement_of(row._asdict())))


@pytest.mark.parametrize("table", sorted(SEALED_TABLES - {"enterprise"}))
def test_a_row_that_was_added_is_named(owner: Owner, table: str) -> None:
    row = some_row(owner.connection, TABLES[table])
    stored = {column.name: getattr(row, column.name) for column in TABLES[table].c if column.computed is None}
    last = list(TABLES[table].primary_key)[-1]
    added = stored | {last.name: changed_value(owner.connection, TABLES[table], last.name, row)}
    owner.connection.execute(TABLES[table].insert().values(added))
    assert any(one.table == table for one in owner.look(check_of(table), agreement_of(added)))


def test_every_head_but_the_last_is_missed_by_the_next_one(owner: Owner) -> None:
    heads, sizes = TABLES["log_head"], _sizes(owner.connection)
    for size in sizes[:-1]:
        with owner.connection.begin_nested() as savepoint:
            owner.connection.execute(heads.delete().where(heads.c.size == size))
            assert [one.key for one in owner.look("log", None)] == [{"size": str(size)}]
            savepoint.rollback()


def test_a_head_that_the_next_one_does_not_follow_is_named(owner: Owner) -> None:
    """It was signed by the log, but never published."""
    signer, leaves = owner.world.files.signer(), TABLES["log_leaf"].c
    first = _sizes(owner.connection)[0]
    hashes = owner.connection.execute(
        select(func.substr(leaves.hashes, 1, 32))
        .where(leaves.leaf_number <= first)
        .order_by(leaves.leaf_number)
    ).scalars()
    note = Checkpoint(signer.name, first + 1, root_of(list(hashes)), first).signed_by(signer)
    added = {"size": first + 1, "note": note.encode(), "logged_below": 0}
    owner.connection.execute(TABLES["log_head"].insert().values(added))
    assert [one.key for one in owner.look("log", None)] == [{"size": str(first + 1)}]


def test_one_cosignature_of_several_is_missed(owner: Owner) -> None:
    """The other one is of the same head, by another key of the party."""
    cosignatures = TABLES["log_cosignature"]
    row = some_row(owner.connection, cosignatures)
    columns = {name: value for name, value in row._asdict().items() if name != "recorded_at"}
    owner.connection.execute(cosignatures.insert().values(columns | {"public_key": bytes(32)}))
    owner.connection.execute(cosignatures.delete().where(*is_row(cosignatures, row)))
    gone = [one for one in owner.look("log", None) if one.found == "no such row"]
    assert [one.key for one in gone] == [{"size": str(row.size)}]


@pytest.mark.parametrize("day", ["infinity", "-infinity", "0044-03-15 BC"])
@pytest.mark.parametrize(("table", "column"), [("payment", "value_day"), ("agreement", "recorded_at")])
def test_a_day_that_no_program_reads_is_named_and_hides_nothing(
    owner: Owner, table: str, column: str, day: str
) -> None:
    owner.connection.execute(text(f"UPDATE {table} SET {column} = '{day}'"))
    agreement_id = some_row(owner.connection, TABLES["leg"]).agreement_id
    ((row_count,),) = owner.connection.execute(select(func.count()).select_from(TABLES[table]))
    looked_at = owner.look(check_of(table), None)
    assert sum(one.table == table and one.column == column for one in looked_at) == row_count
    assert owner.look("returns", agreement_id) == []


def test_a_table_that_is_gone_is_told_and_does_not_stop_the_checks_that_follow(owner: Owner) -> None:
    owner.connection.execute(text("DROP TABLE netting CASCADE"))
    (found,) = owner.look("payments", None)
    assert 'relation "netting" does not exist' in found.found
    assert owner.look("reference", None) == []


def test_a_payable_that_the_journal_does_not_make_due_is_named_though_its_event_agrees(owner: Owner) -> None:
    """As if a wrong amount had been raised, and told by the event, from the start."""
    row = some_row(owner.connection, TABLES["posting"], "amount_minor")
    agreement_id = row.agreement_id
    columns = TABLES["posting"].c
    owner.connection.execute(
        update(TABLES["posting"])
        .where(columns.agreement_id == agreement_id)
        .values(amount_minor=columns.amount_minor * 2)
    )
    found = owner.look("payables", agreement_id)
    assert {one.table for one in found} == {"payable", "leg"}
    assert owner.look("payments", None) == []


def test_payments_are_compared_a_few_rows_at_a_time(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row is gone and another is there instead: both are named, though there are as many as before."""
    monkeypatch.setattr("ledger.desk.fsck.comparing.ROWS_AT_ONCE", 2)
    assert owner.look("payments", None) == []
    table = TABLES["payment"]
    row = some_row(owner.connection, table)
    columns = row._asdict()
    other = columns["payment_id"] + 1
    owner.connection.execute(table.delete().where(*is_row(table, row)))
    owner.connection.execute(table.insert().values(columns | {"payment_id": other}))
    named = {
        (one.key["payment_id"], one.found) for one in owner.look("payments", None) if one.table == "payment"
    }
    assert named == {(str(columns["payment_id"]), "no such row"), (str(other), "a row")}


def _sizes(connection: Connection) -> list[int]:
    size = TABLES["log_head"].c.size
    return list(connection.execute(select(size).order_by(size)).scalars())


def check_of(table: str) -> str:
    return next(sealing.check for name, _, sealing in SEALED if name == table)


def change(connection: Connection, table: Table, column: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Changes one value; returns the row's values before and after."""
    row = some_row(connection, table, column)
    value = changed_value(connection, table, column, row)
    connection.execute(update(table).where(*is_row(table, row)).values({column: value}))
    return row._asdict(), row._asdict() | {column: value}


def some_row(connection: Connection, table: Table, column: str = "") -> Row[Any]:
    """A row; a party that was registered where the column of a roster's zone isn't sealed by itself."""
    registered = [text("source = 'made up'")] if (table.name, column) in OF_REGISTERED else []
    return connection.execute(select(table).where(*registered).order_by(*table.primary_key).limit(1)).one()


def is_row(table: Table, row: Row[Any]) -> list[Any]:
    return [column == getattr(row, column.name) for column in table.primary_key]


def changed_value(connection: Connection, table: Table, column: str, row: Row[Any]) -> Any:
    kind = table.c[column].type.compile(dialect=DIALECT).lower()
    changed = literal_column(CHANGED[kind].format(f'"{column}"'), table.c[column].type)
    return connection.execute(select(changed).select_from(table).where(*is_row(table, row))).scalar_one()


def agreement_of(values: dict[str, Any]) -> int | None:
    return values.get("agreement_id")


def names(
    found: Mismatch,
    table: Table,
    column: str,
    sealing: Sealed,
    before: dict[str, Any],
    after: dict[str, Any],
) -> bool:
    """Whether the mismatch names the row, as it was or is, and the column, unless all of the row is named."""
    if found.table != table.name or not is_key_of_a_row(found, table):
        return False
    if sealing.named_in is not None:
        return True
    values = ({name: fsck.shown(value) for name, value in one.items()} for one in (before, after))
    if not any(found.key.items() <= one.items() for one in values):
        return False
    may_be_whole = table.c[column].primary_key or sealing.as_a_whole
    return found.column == column or (found.column == "*" and may_be_whole)


def is_key_of_a_row(found: Mismatch, table: Table) -> bool:
    """Its primary key; of a row that isn't there, and has no number, everything else."""
    primary_key = {column.name for column in table.primary_key}
    return found.key.keys() in (primary_key, {column.name for column in table.c} - primary_key)


DIALECT = create_engine("postgresql+psycopg://").dialect
