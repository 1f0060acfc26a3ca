"""Sessions: who one is, what one sees, and what happens when two get in each other's way."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ledger_schema import tables
from ledger_schema.refusals import Refusal, refusal_of
from ledger_schema.sessions import ATTEMPTS_MAX, Database, TooBusy, sqlstate
from ledger_schema.sight import Sight

FAIL_WITH = "DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{}'; END $$"


def setting(connection: Connection, name: str) -> str:
    return str(connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one())


def enterprises(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM enterprise")).scalar_one())


def add_enterprise(connection: Connection, number: int = 1) -> None:
    values = {"enterprise_id": number, "credit_code": f"{number:018}", "name_zh": "企业"}
    connection.execute(tables.enterprise.insert().values(values))


def test_every_session_has_the_applications_role_and_settings(shared_database: Database) -> None:
    for session in (shared_database.reading, shared_database.writing) * 2:
        with session() as connection:
            assert connection.execute(text("SELECT current_user")).scalar_one() == "parkledger_application"
            assert setting(connection, "search_path") == "pg_catalog, public, pg_temp"
            assert setting(connection, "jit") == "off"
            assert setting(connection, "timezone") == "UTC"


def test_a_session_that_was_rolled_back_keeps_its_role(shared_database: Database) -> None:
    for _ in range(2):
        with pytest.raises(DBAPIError), shared_database.writing() as connection:
            connection.execute(text("SELECT no_such_column"))
        with shared_database.writing() as connection:
            assert connection.execute(text("SELECT current_user")).scalar_one() == "parkledger_application"


def test_only_the_owner_session_keeps_the_login(shared_database: Database) -> None:
    with shared_database.owner() as connection:
        assert connection.execute(text("SELECT current_user = session_user")).scalar_one()


def test_a_reader_sees_one_state_and_writes_nothing(database: Database) -> None:
    with database.reading() as reader:
        assert reader.execute(text("SELECT count(*) FROM enterprise")).scalar_one() == 0
        with database.writing() as writer:
            add_enterprise(writer)
        assert reader.execute(text("SELECT count(*) FROM enterprise")).scalar_one() == 0
        with pytest.raises(DBAPIError) as caught:
            add_enterprise(reader, 2)
        assert sqlstate(caught.value) == "25006"
    assert enterprises(database) == 1


def test_a_writer_sees_what_was_committed_meanwhile(database: Database) -> None:
    with database.writing() as first:
        assert first.execute(text("SELECT count(*) FROM enterprise")).scalar_one() == 0
        with database.writing() as second:
            add_enterprise(second)
        assert first.execute(text("SELECT count(*) FROM enterprise")).scalar_one() == 1


def test_a_reading_session_leaves_no_trace_on_the_next_writing_one(database: Database) -> None:
    with database.reading() as connection:
        assert setting(connection, "transaction_isolation") == "repeatable read"
        assert setting(connection, "transaction_read_only") == "on"
    with database.writing() as connection:
        assert setting(connection, "transaction_isolation") == "read committed"
        add_enterprise(connection)
    assert enterprises(database) == 1


def test_an_exception_rolls_back(database: Database) -> None:
    def add_and_fail() -> None:
        with database.writing() as connection:
            add_enterprise(connection)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    assert enterprises(database) == 0


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_work_that_others_got_in_the_way_of_is_done_again(database: Database, code: str) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> str:
        attempts.append(len(attempts))
        add_enterprise(connection)
        if len(attempts) < 3:
            connection.execute(text(FAIL_WITH.format(code)))
        return "done"

    assert database.retrying(work) == "done"
    assert len(attempts) == 3
    assert enterprises(database) == 1


def test_work_is_not_tried_for_ever(database: Database) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        attempts.append(len(attempts))
        connection.execute(text(FAIL_WITH.format("40P01")))

    with pytest.raises(TooBusy) as caught:
        database.retrying(work)
    assert len(attempts) == ATTEMPTS_MAX
    assert caught.value.message_zh == "其他操作占用时间过长，未写入任何数据，请稍后重试。"


def test_a_lock_that_is_not_given_in_time_ends_the_work_at_once(database: Database) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        attempts.append(len(attempts))
        connection.execute(text(FAIL_WITH.format("55P03")))

    with pytest.raises(TooBusy):
        database.retrying(work)
    assert len(attempts) == 1


def test_another_failure_is_not_tried_again(database: Database) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        attempts.append(len(attempts))
        add_enterprise(connection)
        add_enterprise(connection)

    with pytest.raises(DBAPIError) as caught:
        database.retrying(work)
    assert sqlstate(caught.value) == "23505"
    assert refusal_of(caught.value) is None
    assert len(attempts) == 1


@pytest.mark.parametrize("refusal", list(Refusal))
def test_a_refusal_is_recognised_by_its_code(shared_database: Database, refusal: Refusal) -> None:
    with pytest.raises(DBAPIError) as caught, shared_database.writing() as connection:
        connection.execute(text(FAIL_WITH.format(refusal.value)))
    assert refusal_of(caught.value) is refusal


def test_a_transaction_tells_what_it_may_see_and_the_next_one_starts_anew(shared_database: Database) -> None:
    narrow = shared_database.seen_by(Sight(party_ids=frozenset({2, 1}), own_party_ids=frozenset({1})))
    for session in (narrow.reading, narrow.writing):
        with session() as connection:
            assert setting(connection, "parkledger.sees_everything") == "off"
            assert setting(connection, "parkledger.party_ids") == "{1,2}"
            assert setting(connection, "parkledger.own_party_ids") == "{1}"
            assert setting(connection, "parkledger.audited_party_ids") == "{}"
    with shared_database.reading() as connection:
        assert setting(connection, "parkledger.sees_everything") == "on"
        assert setting(connection, "parkledger.party_ids") == "{}"
