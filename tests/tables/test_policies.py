"""What holds row security up: every table is in the list, and the ways around it are shut."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError

from ledger_schema import migrate, policies, tables
from ledger_schema.partitions import stage_quarter
from ledger_schema.policies import Guarded
from ledger_schema.sessions import Database, sqlstate
from ledger_schema.sight import Sight
from tests.tables import booked_rows as rows

NOT_ALLOWED = "42501"
NOT_SUPPORTED = "0A000"
KEY_BROKEN = "23503"
UNREADABLE = "22P02"
FIRST_PARTY = Sight(party_ids=frozenset({1}), own_party_ids=frozenset({1}))
SECURED = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND {condition}
"""


def found(connection: Connection, statement: str, **values: object) -> list[object]:
    return list(connection.execute(text(statement), values).scalars())


def tell(connection: Connection, sight: Sight) -> None:
    connection.exec_driver_sql(sight.settings())


def test_every_table_says_who_sees_its_rows() -> None:
    assert set(policies.POLICIES) == set(tables.metadata.tables)


def test_exactly_the_tables_that_are_not_open_have_row_security_forced(owner: Connection) -> None:
    guarded = {name for name, policy in policies.POLICIES.items() if isinstance(policy, Guarded)}
    for condition in ("relrowsecurity", "relforcerowsecurity"):
        assert set(found(owner, SECURED.format(condition=condition))) == guarded


def test_views_show_what_whoever_asks_them_may_see(owner: Connection) -> None:
    views = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'"
    assert set(found(owner, f"{views} AND reloptions @> '{{security_invoker=true}}'")) == set(policies.VIEWS)
    assert set(found(owner, views)) == set(policies.VIEWS)


def test_securing_a_table_again_changes_nothing(owner: Connection) -> None:
    def secured() -> list[object]:
        return found(owner, "SELECT p::text FROM pg_policies p ORDER BY tablename, policyname")

    before = secured()
    for statement in (*policies.function_statements(), *policies.secure_statements("agreement_quarter")):
        owner.execute(text(statement))
    assert secured() == before


def test_a_narrow_session_writes_nothing(connection: Connection) -> None:
    rows.agree(connection)
    tell(connection, FIRST_PARTY)
    with rows.refused(connection, NOT_ALLOWED):
        rows.add(connection, tables.filing, rows.filing())
    assert connection.execute(tables.agreement_quarter.update().values(state="waiting")).rowcount == 0
    assert not found(connection, "SELECT quarter FROM agreement_quarter FOR UPDATE")


def test_what_a_malformed_setting_names_is_not_seen(connection: Connection) -> None:
    rows.agree(connection)
    tell(connection, FIRST_PARTY)
    assert found(connection, "SELECT agreement_id FROM agreement") == [1]
    for everything in ("maybe", "true", "1", "ON", ""):
        connection.exec_driver_sql(f"SET LOCAL parkledger.sees_everything = '{everything}'")
        connection.exec_driver_sql("SET LOCAL parkledger.party_ids = ''")
        assert not found(connection, "SELECT agreement_id FROM agreement")
    connection.exec_driver_sql("SET LOCAL parkledger.party_ids = '1) OR (1=1'")
    with rows.refused(connection, UNREADABLE):
        found(connection, "SELECT agreement_id FROM agreement")


def test_copy_into_a_secured_table_is_refused_and_copy_out_gives_what_is_seen(
    connection: Connection,
) -> None:
    rows.agree(connection)
    with rows.refused(connection, NOT_SUPPORTED):
        connection.exec_driver_sql("COPY filing FROM STDIN")
    tell(connection, Sight(party_ids=frozenset({3})))
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor().copy("COPY agreement TO STDOUT") as copy:
        assert not list(copy)


def test_only_who_writes_anything_stages_a_quarter_and_nobody_reads_a_stage(connection: Connection) -> None:
    rows.agree(connection)
    with rows.refused(connection, NOT_ALLOWED):
        tell(connection, FIRST_PARTY)
        stage_quarter(connection, rows.QUARTER)
    stages = stage_quarter(connection, rows.QUARTER)
    with rows.refused(connection, NOT_ALLOWED):
        found(connection, f"SELECT count(*) FROM {stages.return_line}")


def test_tables_of_the_sessions_own_do_not_stand_in_for_ours(connection: Connection) -> None:
    rows.agree(connection)
    connection.exec_driver_sql("CREATE TEMP TABLE agreement_party (agreement_id bigint, party_id bigint)")
    connection.exec_driver_sql("INSERT INTO pg_temp.agreement_party VALUES (1, 7)")
    connection.exec_driver_sql("SET LOCAL search_path = pg_temp, public")
    tell(connection, Sight(party_ids=frozenset({7})))
    assert not found(connection, "SELECT seen_agreement_ids()")
    assert not found(connection, "SELECT agreement_id FROM public.agreement")


def test_a_function_of_the_sessions_own_sees_no_more_than_the_session(connection: Connection) -> None:
    rows.agree(connection)
    connection.exec_driver_sql(
        "CREATE FUNCTION pg_temp.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER "
        "AS 'SELECT count(*) FROM public.agreement'"
    )
    tell(connection, Sight(party_ids=frozenset({3})))
    assert found(connection, "SELECT pg_temp.peek()") == [0]


# --- logins without superuser rights ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def logins(server_url: str) -> Iterator[tuple[Database, Database]]:
    """A database whose owner is no superuser, and a login of the application that owns nothing in it."""
    name = f"parkledger_test_{secrets.token_hex(6)}"
    owner, application = f"{name}_owner", f"{name}_application"
    with psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True) as maintenance:

        def execute(statement: str, *names: str) -> None:
            maintenance.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

        for login in (owner, application):
            execute("CREATE ROLE {} LOGIN PASSWORD 'made up'", login)
            execute("GRANT parkledger_application TO {}", login)
        execute("GRANT parkledger_auditor TO {}", owner)
        execute("CREATE DATABASE {} OWNER {}", name, owner)
        urls = [
            make_url(server_url)
            .set(database=name, username=login, password="made up")
            .render_as_string(hide_password=False)
            for login in (owner, application)
        ]
        databases = [Database(url) for url in urls]
        try:
            migrate.upgrade(urls[0])
            with databases[0].writing() as connection:
                rows.agree(connection)
            yield databases[0], databases[1]
        finally:
            for database in databases:
                database.dispose()
            execute("DROP DATABASE {} WITH (FORCE)", name)
            for login in (owner, application):
                execute("DROP ROLE {}", login)


def test_the_owner_too_sees_nothing_until_it_says_what(logins: tuple[Database, Database]) -> None:
    with logins[0].owner() as connection:
        assert found(connection, "SELECT agreement_id FROM agreement") == [1]
        tell(connection, Sight())
        assert not found(connection, "SELECT agreement_id FROM agreement")


def test_a_key_is_checked_over_all_rows_only_by_an_owner_that_sees_them(
    logins: tuple[Database, Database],
) -> None:
    """Why migrations and bulk functions see everything: hidden rows that break a key count as checked."""
    broken = "ALTER TABLE agreement ADD FOREIGN KEY (agreement_id) REFERENCES filing_key (id)"
    with logins[0].owner() as connection:
        connection.exec_driver_sql("CREATE TABLE filing_key (id bigint PRIMARY KEY)")
        with rows.refused(connection, KEY_BROKEN):
            connection.exec_driver_sql(broken)
        tell(connection, Sight())
        connection.exec_driver_sql(broken)
        connection.rollback()


def test_the_owners_functions_see_everything_for_a_session_that_does_not(
    logins: tuple[Database, Database],
) -> None:
    with logins[0].seen_by(FIRST_PARTY).reading() as connection:
        assert found(connection, "SELECT agreement_id FROM agreement") == [1]
        assert found(connection, "SELECT party_id FROM agreement_party ORDER BY 1") == [1, 2]
    with logins[0].seen_by(Sight(party_ids=frozenset({3}))).reading() as connection:
        assert not found(connection, "SELECT agreement_id FROM agreement")


def test_a_login_of_the_application_reads_and_writes_as_it_says(logins: tuple[Database, Database]) -> None:
    _, application = logins
    with application.writing() as connection:
        rows.add(connection, tables.filing, rows.filing())
        connection.rollback()
    with application.seen_by(FIRST_PARTY).reading() as connection:
        assert found(connection, "SELECT agreement_id FROM agreement") == [1]


@pytest.mark.parametrize("statement", ["SET ROLE {owner}", "SET SESSION AUTHORIZATION {owner}"])
def test_a_login_of_the_application_puts_on_no_other_role(
    logins: tuple[Database, Database], statement: str
) -> None:
    owner, application = logins
    with owner.owner() as connection:
        (name,) = found(connection, "SELECT current_user")
    with pytest.raises(DBAPIError) as caught, application.writing() as connection:
        connection.exec_driver_sql(statement.format(owner=f'"{name}"'))
    assert sqlstate(caught.value) == NOT_ALLOWED
    with application.seen_by(FIRST_PARTY).reading() as connection:
        tell(connection, Sight())
        connection.exec_driver_sql("RESET ROLE")
        assert not found(connection, "SELECT agreement_id FROM agreement")
        connection.exec_driver_sql("SET LOCAL ROLE parkledger_application")


def test_what_is_restored_or_dumped_by_the_owner_needs_its_word(logins: tuple[Database, Database]) -> None:
    """As pg_dump asks: it must not leave rows out silently."""
    with logins[0].owner() as connection:
        connection.exec_driver_sql("SET LOCAL row_security = off")
        with rows.refused(connection, NOT_ALLOWED):
            found(connection, "SELECT agreement_id FROM agreement")
        connection.exec_driver_sql("SET LOCAL row_security = on")
        assert found(connection, "SELECT agreement_id FROM agreement") == [1]
