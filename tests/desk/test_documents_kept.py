"""Evidence: kept once by its hash, attached to what it proves, given out only undamaged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from desk_fixtures import Room, open_room
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from ledger.desk import documents
from ledger.desk.agreements import sides_of
from ledger.desk.documents import (
    DOCUMENT_BYTES_MAX,
    DocumentDamaged,
    DocumentEmpty,
    DocumentTooLarge,
    Subject,
    attach_document,
    attachments,
    content_of,
    keep_document,
)
from ledger.desk.failures import NotFound, RequestRefused
from ledger.evidence.canonical import digest
from ledger_schema.sessions import Database
from ledger_schema.sight import Sight
from ledger_schema.tables import document, document_attachment, event

PDF = b"%PDF-1.7 made up"
HASH = hashlib.sha256(PDF).digest()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    return open_room(database)


def keep(database: Database, content: bytes = PDF, name: str = "合同.pdf") -> bytes:
    return keep_document(database, name, "application/pdf", content).value.hash


def attach(room: Room, subject: Subject, reference: str = "凭证-1", kept: bytes = HASH) -> bool:
    return attach_document(
        room.database, room.act(), room.agreement_id, "origin", subject, reference, kept
    ).replayed


def references(room: Room, subject: Subject) -> list[tuple[str, bytes]]:
    with room.database.reading() as connection:
        found = attachments(connection, room.agreement_id, subject.kind, [subject.subject_id])
    return [(one.reference, one.document.hash) for one in found[subject.subject_id]]


def count_of(database: Database, kind: str) -> int:
    with database.reading() as connection:
        return connection.execute(
            select(func.count()).select_from(event).where(event.c.kind == kind)
        ).scalar_one()


def test_a_kept_file_is_given_back_byte_by_byte_under_its_hash(database: Database) -> None:
    kept = keep_document(database, "合同.pdf", "Application/PDF; charset=binary", PDF).value
    assert (kept.hash, kept.name, kept.media_type, kept.size_bytes) == (
        HASH,
        "合同.pdf",
        "application/pdf",
        len(PDF),
    )
    with database.reading() as connection:
        assert content_of(connection, HASH) == PDF
        assert documents.document(connection, HASH) == kept


def test_the_same_bytes_again_are_kept_once_under_their_first_name(database: Database) -> None:
    first = keep_document(database, "a.pdf", "application/pdf", PDF)
    again = keep_document(database, "b.pdf", "text/plain", PDF)
    assert (first.replayed, again.replayed, again.value) == (False, True, first.value)
    assert count_of(database, "document_kept") == 1


def parties_of(room: Room) -> tuple[int, int]:
    with room.database.reading() as connection:
        sides = sides_of(connection, room.agreement_id)
    return sides["origin"].party_id, sides["host"].party_id


def test_each_party_that_hands_in_a_file_holds_it_and_again_it_is_a_replay(room: Room) -> None:
    origin, host = parties_of(room)
    replayed = [
        keep_document(room.database, "a.pdf", "application/pdf", PDF, party_ids=party_ids).replayed
        for party_ids in ([origin], [origin], [host, origin], [host])
    ]
    assert replayed == [False, True, False, True]
    assert (count_of(room.database, "document_kept"), count_of(room.database, "document_held")) == (1, 2)


def test_a_file_that_a_party_neither_holds_nor_sees_is_refused_as_one_that_is_not_kept(room: Room) -> None:
    origin, host = parties_of(room)
    keep_document(room.database, "a.pdf", "application/pdf", PDF, party_ids=[origin])

    def allowed(party_id: int) -> list[str]:
        seen = room.database.seen_by(Sight(party_ids=frozenset({party_id})))
        found = []
        for document_hash in (HASH, bytes(32)):
            with seen.reading() as connection, suppress(NotFound):
                documents.refuse_unheld(connection, [document_hash])
                found.append(document_hash.hex())
        return found

    assert (allowed(origin), allowed(host)) == ([HASH.hex()], [])
    attach(room, Subject("agreement", room.agreement_id))
    assert (allowed(origin), allowed(host)) == ([HASH.hex()], [HASH.hex()])


def test_the_same_bytes_from_two_hands_at_once_are_kept_once(database: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: keep_document(database, "a.pdf", "application/pdf", PDF), range(2)))
    assert sorted(one.replayed for one in done) == [False, True]
    assert count_of(database, "document_kept") == 1


def test_an_empty_a_too_large_or_a_nameless_file_is_refused(database: Database) -> None:
    with pytest.raises(DocumentEmpty):
        keep(database, b"")
    with pytest.raises(DocumentTooLarge):
        keep(database, bytes(DOCUMENT_BYTES_MAX + 1))
    with pytest.raises(RequestRefused) as refusal:
        keep_document(database, "", "pdf", PDF)
    assert [fault.code for fault in refusal.value.faults] == ["TEXT_UNUSABLE", "MEDIA_TYPE_UNUSABLE"]
    assert count_of(database, "document_kept") == 0


def test_a_file_of_the_largest_size_is_kept(database: Database) -> None:
    content = bytes(DOCUMENT_BYTES_MAX)
    keep(database, content)
    with database.reading() as connection:
        assert content_of(connection, digest(content)) == content


def test_the_database_refuses_bytes_under_a_hash_that_is_not_theirs(database: Database) -> None:
    keep(database)
    with database.reading() as connection:
        row = connection.execute(select(document)).one()._asdict()
    with database.writing() as connection, pytest.raises(IntegrityError):
        connection.execute(document.insert().values(**{**row, "hash": digest(b"other")}))


def test_damaged_bytes_are_not_given_out(database: Database) -> None:
    keep(database)
    with database.owner() as connection:
        connection.exec_driver_sql("ALTER TABLE document DISABLE TRIGGER USER")
        connection.exec_driver_sql("ALTER TABLE document DROP CONSTRAINT document_hash_check")
        connection.exec_driver_sql("UPDATE document SET content = overlay(content placing '?' from 3)")
    with database.reading() as connection, pytest.raises(DocumentDamaged):
        content_of(connection, HASH)


def test_documents_are_attached_to_returns_settlements_and_the_agreement(room: Room) -> None:
    keep(room.database)
    filing = room.hand_in("2024Q1", "1.00")
    subjects = [
        Subject("return", filing.filing_id),
        Subject("settlement", room.compute("2024Q1")),
        Subject("agreement", room.agreement_id),
    ]
    for subject in subjects:
        attach(room, subject)
        assert references(room, subject) == [("凭证-1", HASH)]


def test_several_documents_may_bear_one_reference_and_one_document_several(room: Room) -> None:
    keep(room.database)
    receipt = keep(room.database, b"receipt", "收据.pdf")
    subject = Subject("return", room.hand_in("2024Q1", "1.00").filing_id)
    attach(room, subject)
    attach(room, subject, kept=receipt)
    attach(room, subject, "凭证-2")
    attach(room, subject)
    assert references(room, subject) == [("凭证-1", HASH), ("凭证-1", receipt), ("凭证-2", HASH)]
    assert count_of(room.database, "document_attached") == 3


def test_the_same_key_again_is_a_replay(room: Room) -> None:
    keep(room.database)
    subject, act = Subject("return", room.hand_in("2024Q1", "1.00").filing_id), room.act()
    done = [
        attach_document(room.database, act, room.agreement_id, "host", subject, "凭证-1", HASH).replayed
        for _ in range(2)
    ]
    assert done == [False, True]


def test_what_is_not_there_is_not_attached_nor_attached_to(room: Room) -> None:
    subject = Subject("return", room.hand_in("2024Q1", "1.00").filing_id)
    with pytest.raises(NotFound, match="document"):
        attach(room, subject)
    keep(room.database)
    for wrong in (Subject("return", 1), Subject("settlement", 1), Subject("agreement", 1)):
        with pytest.raises(NotFound):
            attach(room, wrong)
    with pytest.raises(NotFound, match="role"):
        attach_document(room.database, room.act(), room.agreement_id, "developer", subject, "凭证-1", HASH)
    with pytest.raises(RequestRefused):
        attach(room, subject, "")
    with room.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(document_attachment)).scalar_one() == 0
        with pytest.raises(NotFound):
            content_of(connection, digest(b"never kept"))


def test_a_subject_takes_no_more_documents_than_can_be_listed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "ATTACHMENTS_MAX", 1)
    keep(room.database)
    subject = Subject("agreement", room.agreement_id)
    attach(room, subject)
    with pytest.raises(documents.TooManyDocuments):
        attach(room, subject, "凭证-2")
