"""Acts: one transaction, once per key, with an event whose hash is that of its canonical bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk.acts import (
    EVENT_FORMAT,
    KEY_LENGTH_MAX,
    Act,
    Done,
    KeyReused,
    KeyUnusable,
    Recorder,
    named_number,
    perform,
)
from ledger.errors import LedgerError
from ledger.evidence.canonical import NotCanonical
from ledger_schema.sessions import Database
from ledger_schema.tables import event, idempotency_key


class Halted(LedgerError):
    code = "HALTED"
    sentence_en = "Stopped on purpose."


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def note(_: Connection, record: Recorder) -> Mapping[str, Any]:
    return {"event_id": record("noted", {"text": "园区", "amount": 3}, agreement_id=2**62 + 1)}


def do(database: Database, key: str, request: str = "one", work: Any = note) -> Done[dict[str, Any]]:
    return perform(database, Act(key, actor="tester"), "note", {"text": request}, work)


def count_of(database: Database, table: Any) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_act_leaves_one_event_whose_hash_is_sha_256_of_its_canonical_bytes(database: Database) -> None:
    event_id = named_number(do(database, "key"), "event_id").value
    with database.reading() as connection:
        row = connection.execute(select(event)).one()
    assert row.hash == hashlib.sha256(row.canonical).digest()
    content = json.loads(row.canonical)
    assert len(bytes.fromhex(content["salt"])) == 16
    assert content == {
        "format": EVENT_FORMAT,
        "salt": content["salt"],
        "event": str(event_id),
        "kind": "noted",
        "agreement": str(2**62 + 1),
        "actor": "tester",
        "person": None,
        "for": None,
        "key": "key",
        "data": {"text": "园区", "amount": 3},
    }
    assert (row.event_id, row.kind, row.actor, row.agreement_id) == (event_id, "noted", "tester", 2**62 + 1)
    assert list(json.loads(row.canonical)) == sorted(json.loads(row.canonical))


def test_no_two_events_have_the_same_salt(database: Database) -> None:
    def twice(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        record.record_all("noted", [(1, {"amount": 1}), (1, {"amount": 1})])
        return note(connection, record)

    do(database, "key", work=twice)
    with database.reading() as connection:
        contents = [json.loads(one) for one in connection.execute(select(event.c.canonical)).scalars()]
    assert len({one["salt"] for one in contents}) == len(contents) == 3


def test_same_key_with_the_same_request_is_a_replay_of_the_kept_result(database: Database) -> None:
    first, again = do(database, "key"), do(database, "key")
    assert (first.replayed, again.replayed) == (False, True)
    assert first.value == again.value
    assert named_number(again, "event_id") == Done(first.value["event_id"], replayed=True)
    assert count_of(database, event) == 1


def test_same_key_with_another_request_is_refused(database: Database) -> None:
    do(database, "key")
    with pytest.raises(KeyReused) as caught:
        do(database, "key", request="two")
    assert "'key'" in caught.value.message_en
    assert "'key'" in caught.value.message_zh
    assert count_of(database, event) == 1


def test_same_key_for_another_kind_of_act_is_refused(database: Database) -> None:
    do(database, "key")
    with pytest.raises(KeyReused):
        perform(database, Act("key"), "other", {"text": "one"}, note)


def test_another_key_does_the_same_request_again(database: Database) -> None:
    assert do(database, "one").value != do(database, "two").value
    assert count_of(database, event) == 2


def test_act_that_fails_leaves_no_trace_and_its_key_free(database: Database) -> None:
    def fail(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        note(connection, record)
        raise Halted

    with pytest.raises(Halted):
        do(database, "key", work=fail)
    assert (count_of(database, event), count_of(database, idempotency_key)) == (0, 0)
    assert do(database, "key", request="mended").replayed is False


@pytest.mark.parametrize("key", ["", " ", "a\nb", "a\0b", "k" * (KEY_LENGTH_MAX + 1)])
def test_key_that_names_nothing_is_refused(database: Database, key: str) -> None:
    with pytest.raises(KeyUnusable):
        do(database, key)


def test_event_with_an_amount_that_is_not_exact_is_refused(database: Database) -> None:
    def inexact(_: Connection, record: Recorder) -> Mapping[str, Any]:
        record("noted", {"id": 2**60})
        return {}

    with pytest.raises(NotCanonical):
        do(database, "key", work=inexact)
    assert count_of(database, event) == 0


def test_two_connections_with_one_key_at_the_same_moment_do_it_once(
    database: Database, database_url: str
) -> None:
    entered, released = Event(), Event()
    entries: list[int] = []

    def slow(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        entries.append(1)
        entered.set()
        assert released.wait(WAIT_SECONDS)
        return note(connection, record)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(do, database, "key", "one", slow)
        assert entered.wait(WAIT_SECONDS)
        second = pool.submit(do, database, "key", "one", slow)
        await_waiting(database_url, 1)
        released.set()
        done = [first.result(WAIT_SECONDS), second.result(WAIT_SECONDS)]
    assert [one.replayed for one in done] == [False, True]
    assert done[0].value == done[1].value
    assert len(entries) == 1
    assert count_of(database, event) == 1


def test_second_of_two_at_the_same_moment_does_it_when_the_first_fails(
    database: Database, database_url: str
) -> None:
    entered, released = Event(), Event()

    def fail(*_: object) -> Mapping[str, Any]:
        entered.set()
        assert released.wait(WAIT_SECONDS)
        raise Halted

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(do, database, "key", "one", fail)
        assert entered.wait(WAIT_SECONDS)
        second = pool.submit(do, database, "key", "one", note)
        await_waiting(database_url, 1)
        released.set()
        with pytest.raises(Halted):
            first.result(WAIT_SECONDS)
        assert second.result(WAIT_SECONDS).replayed is False
    assert count_of(database, event) == 1


@pytest.mark.parametrize("statement", ["UPDATE event SET kind = 'other'", "DELETE FROM event"])
def test_event_once_recorded_can_not_be_changed(database: Database, statement: str) -> None:
    do(database, "key")
    with pytest.raises(DBAPIError, match="permission denied"), database.writing() as connection:
        connection.execute(text(statement))
