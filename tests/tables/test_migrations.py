"""Migrations run up, down and up again, by several at once, and end where the models are."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.pool import NullPool

from ledger.measures import COMMODITIES, MEASURES
from ledger_schema import migrate, tables
from ledger_schema.partitions import open_booked_quarter, stage_quarter
from ledger_schema.sessions import Database
from tests.tables import booked_rows as rows
from tests.tables import catalog

ROLES = ("parkledger_application", "parkledger_auditor")


@pytest.fixture
def maintenance(server_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        yield connection


@pytest.fixture
def empty_url(server_url: str, maintenance: psycopg.Connection[tuple[object, ...]]) -> Iterator[str]:
    """A database in which nothing was migrated yet."""
    name = sql.Identifier(f"parkledger_test_empty_{secrets.token_hex(6)}")
    maintenance.execute(sql.SQL("CREATE DATABASE {}").format(name))
    yield address(server_url, database=name.as_string().strip('"'))
    maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def address(url: str, **parts: str) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


def everything_in(url: str) -> dict[str, list[str]]:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return catalog.of_everything(connection)


def tables_in(url: str) -> dict[str, list[str]]:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return catalog.of_tables(connection)


def revisions() -> list[str]:
    """All revisions, the first one first."""
    configuration = Config()
    configuration.set_main_option("script_location", str(migrate.script_location()))
    scripts = ScriptDirectory.from_config(configuration).walk_revisions()
    return [script.revision for script in reversed(list(scripts))]


def test_every_migration_can_be_undone_and_done_again(empty_url: str) -> None:
    before: dict[str, dict[str, list[str]]] = {}
    for revision in revisions():
        migrate.upgrade(empty_url, revision)
        before[revision] = everything_in(empty_url)
        migrate.downgrade(empty_url, "-1")
        migrate.upgrade(empty_url, revision)
        assert everything_in(empty_url) == before[revision]
    for revision in reversed(revisions()):
        assert everything_in(empty_url) == before[revision]
        migrate.downgrade(empty_url, "-1")


def test_undoing_everything_leaves_nothing_but_the_version_table(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == revisions()[-1]
    migrate.downgrade(empty_url, "base")
    assert migrate.current(empty_url) is None
    left = everything_in(empty_url)
    assert [name for name in left["partitions"] if "alembic_version" not in name] == []
    assert (left["functions"], left["triggers"], left["views"]) == ([], [], [])
    assert not any(role in str(left) for role in ROLES)


def test_partitions_get_their_guards_back_and_can_be_taken_down(
    database_url: str, database: Database
) -> None:
    with database.writing() as connection:
        rows.agree(connection)
        open_booked_quarter(connection, 20244)
        stage_quarter(connection, 20251)
    database.dispose()
    before = everything_in(database_url)
    migrate.downgrade(database_url, "0002")
    migrate.upgrade(database_url)
    after = everything_in(database_url)
    assert after["triggers"] == before["triggers"]
    migrate.downgrade(database_url, "base")
    assert migrate.current(database_url) is None


def test_alembic_finds_no_difference_between_models_and_migrations(shared_database: Database) -> None:
    with shared_database.owner() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []


def test_models_make_the_same_tables_constraints_indexes_and_partitions_as_migrations(
    empty_url: str, shared_database: Database
) -> None:
    with create_engine(empty_url, poolclass=NullPool).begin() as connection:
        tables.metadata.create_all(connection)
    from_models = tables_in(empty_url)
    with shared_database.owner() as connection:
        migrated = catalog.of_tables(connection)
    for kind, found in migrated.items():
        assert [line for line in found if "alembic_version" not in line] == from_models[kind]


def test_seeds_are_the_measures_and_commodities_of_the_ledger(shared_database: Database) -> None:
    with shared_database.reading() as connection:
        commodities = connection.execute(select(tables.commodity).order_by("commodity_id")).all()
        measures = connection.execute(select(tables.measure).order_by("measure_id")).all()
        books = connection.execute(select(tables.book).order_by("book_id")).all()
    assert [tuple(row) for row in commodities] == [
        (
            commodity.commodity_id,
            commodity.code,
            commodity.name_zh,
            commodity.name_en,
            commodity.unit_zh,
            commodity.unit_en,
            commodity.scale,
            commodity.is_money,
        )
        for commodity in sorted(COMMODITIES, key=lambda commodity: commodity.commodity_id)
    ]
    assert [tuple(row) for row in measures] == [
        (
            measure.measure_id,
            measure.name,
            measure.kind.value,
            measure.commodity.commodity_id,
            measure.name_zh,
            measure.name_en,
        )
        for measure in sorted(MEASURES, key=lambda measure: measure.measure_id)
    ]
    assert [tuple(row) for row in books] == [(1, "cash"), (2, "official"), (3, "assessment")]


def test_several_processes_may_migrate_one_database_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor(max_workers=3) as executor:
        list(executor.map(migrate.upgrade, [empty_url] * 3))
    assert migrate.current(empty_url) == revisions()[-1]


def test_a_login_without_superuser_rights_migrates_and_works(
    empty_url: str, maintenance: psycopg.Connection[tuple[object, ...]]
) -> None:
    name = f"parkledger_test_login_{secrets.token_hex(6)}"
    login, database_name = sql.Identifier(name), sql.Identifier(make_url(empty_url).database or "")
    maintenance.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'made up'").format(login))
    for role in ROLES:
        # The cluster has the roles already; whoever made them lets others use them.
        maintenance.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), login))
    maintenance.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database_name, login))
    url = address(empty_url, username=name, password="made up")
    try:
        migrate.upgrade(url)
        database = Database(url)
        with database.writing() as connection:
            rows.agree(connection)
            rows.settle(connection)
            rows.book_allocations_and_postings(connection)
            rows.close(connection)
        with database.reading() as connection:
            assert connection.execute(text("SELECT state FROM agreement_quarter")).scalar_one() == "closed"
        database.dispose()
    finally:
        with psycopg.connect(empty_url.replace("+psycopg", "", 1), autocommit=True) as connection_there:
            connection_there.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(login))
            connection_there.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(login))
        maintenance.execute(sql.SQL("DROP ROLE {}").format(login))
