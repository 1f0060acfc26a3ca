"""Evidence documents: files kept by their hash, attached to what they prove."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, exists, func, insert, select

from ledger.desk.acts import Act, Done, Queue, Recorder, perform, queue_on
from ledger.desk.agreements import agreement, sides_of
from ledger.desk.failures import NotFound, refuse, text_faults
from ledger.desk.returns import filing
from ledger.desk.settlements import settlement
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, digest
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import document as document_table
from ledger_schema.tables import document_attachment, document_holder

DOCUMENT_BYTES_MAX = 32 * 1024 * 1024
ATTACHMENTS_MAX = 1_000
"""Most documents attached to one thing."""

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}", re.ASCII)


class DocumentEmpty(LedgerError):
    """A file without a single byte proves nothing."""

    code = "DOCUMENT_EMPTY"
    sentence_en = "The file {name} is empty. Choose the file again."
    sentence_zh = "文件 {name} 为空，请重新选择文件。"


class DocumentTooLarge(LedgerError):
    """The file is larger than what is kept."""

    code = "DOCUMENT_TOO_LARGE"
    sentence_en = "The file {name} has more than {size_bytes_max} bytes, which aren't kept. Split it."
    sentence_zh = "文件 {name} 超过 {size_bytes_max} 字节，无法保存。请拆分。"


class DocumentDamaged(LedgerError):
    """What is stored no longer has the hash under which it was stored."""

    code = "DOCUMENT_DAMAGED"
    sentence_en = (
        "The stored bytes of document {hash} are no longer those that were uploaded, so they aren't given "
        "out. Restore the document from a backup."
    )
    sentence_zh = "文件 {hash} 所存内容与上传时不符，不予提供。请从备份恢复。"


class TooManyDocuments(LedgerError):
    """As many documents are attached to the subject as one can have."""

    code = "TOO_MANY_DOCUMENTS"
    sentence_en = "At most {count_max} documents can be attached to one thing. Put several into one file."
    sentence_zh = "每项最多附 {count_max} 份文件。请合并文件。"


class Subject(NamedTuple):
    """What a document is attached to: one of ``SUBJECTS`` and its id."""

    kind: str
    subject_id: int


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was first uploaded; ``hash`` is the SHA-256 of its content."""

    hash: bytes
    name: str
    media_type: str
    size_bytes: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document attached to a subject by a role; lines of a return name it by ``reference``."""

    reference: str
    document: Document
    role: str
    recorded_at: datetime


def _itself(connection: Connection, agreement_id: int, subject_id: int) -> object:
    if subject_id != agreement_id:
        raise NotFound("agreement", subject_id)
    return agreement(connection, agreement_id)


SUBJECTS: Mapping[str, Callable[[Connection, int, int], object]] = {
    "agreement": _itself,
    "return": filing,
    "settlement": settlement,
}
"""Of every kind of subject, what finds it by agreement and id, or raises ``NotFound``."""


# --- keeping ----------------------------------------------------------------------------------------------


def keep_document(
    database: Database,
    name: str,
    media_type: str,
    content: bytes,
    *,
    actor: str = "local",
    person: str | None = None,
    party_ids: Iterable[int] = (),
) -> Done[Document]:
    """Keeps a file, which the parties ``party_ids`` hold from then on: they may attach it.

    The same bytes are kept once, under their first name; from the same parties once more they are a replay.
    Raises ``DocumentEmpty``, ``DocumentTooLarge``, ``RequestRefused``.
    """
    media_type = media_type.partition(";")[0].strip().lower()
    refuse([*text_faults("name", name), *_media_type_faults(media_type)])
    if not content:
        raise DocumentEmpty(name=name)
    if len(content) > DOCUMENT_BYTES_MAX:
        raise DocumentTooLarge(name=name, size_bytes_max=DOCUMENT_BYTES_MAX)
    hashed, holders = digest(content), sorted(set(party_ids))
    described: dict[str, Json] = {
        "hash": hashed.hex(),
        "name": name,
        "media_type": media_type,
        "size_bytes": len(content),
    }

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.DOCUMENT, hashed.hex())
        is_new = not _is_kept(connection, hashed)
        if is_new:
            event_id = record("document_kept", described)
            connection.execute(
                insert(document_table).values(
                    hash=hashed,
                    name=name,
                    media_type=media_type,
                    size_bytes=len(content),
                    content=content,
                    event_id=event_id,
                )
            )
        return {"replayed": not _add_holders(connection, record, hashed, holders) and not is_new}

    held = ",".join(map(str, holders))
    act = Act(f"document/{hashed.hex()}/{digest(held.encode()).hex()[:16]}", actor, person)
    done = perform(database, act, "keep_document", {"hash": hashed.hex(), "parties": held}, work)
    with database.reading() as connection:
        return Done(document(connection, hashed), done.replayed or bool(done.value["replayed"]))


def _is_kept(connection: Connection, document_hash: bytes) -> bool:
    return connection.execute(select(exists().where(document_table.c.hash == document_hash))).scalar_one()


def _add_holders(
    connection: Connection, record: Recorder, document_hash: bytes, party_ids: Sequence[int]
) -> bool:
    """Whether some of the parties didn't hold it before."""
    known = connection.execute(
        select(document_holder.c.party_id).where(document_holder.c.hash == document_hash)
    ).scalars()
    new = sorted({*party_ids} - {*known})
    if new:
        event_id = record("document_held", {"hash": document_hash.hex(), "parties": list(map(str, new))})
        connection.execute(
            insert(document_holder),
            [{"hash": document_hash, "party_id": party_id, "event_id": event_id} for party_id in new],
        )
    return bool(new)


def refuse_unheld(connection: Connection, document_hashes: Iterable[bytes]) -> None:
    """Raises ``NotFound`` for a file that the session neither sees nor holds, as for one that isn't kept."""
    hashes = list(document_hashes)
    found: set[bytes] = set()
    for table in (document_table, document_holder):
        found |= {*connection.execute(select(table.c.hash).where(table.c.hash == func.any(hashes))).scalars()}
    for document_hash in hashes:
        if document_hash not in found:
            raise NotFound("document", document_hash.hex())


def attach_document(
    database: Database,
    act: Act,
    agreement_id: int,
    role: str,
    subject: Subject,
    reference: str,
    document_hash: bytes,
) -> Done[None]:
    """Attaches a document that is kept to something of the agreement, under the name that lines use for it.

    Raises ``RequestRefused``, ``NotFound``, ``TooManyDocuments``.
    """
    refuse(text_faults("reference", reference))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(agreement_id))
        _refuse_unknown(connection, agreement_id, role, subject)
        kept = document(connection, document_hash)
        attached = attachments(connection, agreement_id, subject.kind, [subject.subject_id])
        of_subject = attached[subject.subject_id]
        if (reference, kept) in [(one.reference, one.document) for one in of_subject]:
            return {}
        if len(of_subject) >= ATTACHMENTS_MAX:
            raise TooManyDocuments(count_max=ATTACHMENTS_MAX)
        _add_attachment(connection, record, agreement_id, role, subject, reference, document_hash)
        return {}

    request = {
        "agreement": str(agreement_id),
        "role": role,
        **_described(subject, reference, document_hash),
    }
    return Done(None, perform(database, act, "attach_document", request, work).replayed)


def _refuse_unknown(connection: Connection, agreement_id: int, role: str, subject: Subject) -> None:
    agreement(connection, agreement_id)
    if role not in sides_of(connection, agreement_id):
        raise NotFound("role", role)
    SUBJECTS[subject.kind](connection, agreement_id, subject.subject_id)


def _add_attachment(
    connection: Connection,
    record: Recorder,
    agreement_id: int,
    role: str,
    subject: Subject,
    reference: str,
    document_hash: bytes,
) -> None:
    event_id = record(
        "document_attached",
        {"role": role, **_described(subject, reference, document_hash)},
        agreement_id,
    )
    connection.execute(
        insert(document_attachment).values(
            agreement_id=agreement_id,
            subject_kind=subject.kind,
            subject_id=subject.subject_id,
            reference=reference,
            hash=document_hash,
            role=role,
            event_id=event_id,
        )
    )


def _described(subject: Subject, reference: str, document_hash: bytes) -> dict[str, str]:
    return {
        "subject_kind": subject.kind,
        "subject": str(subject.subject_id),
        "reference": reference,
        "hash": document_hash.hex(),
    }


def _media_type_faults(media_type: str) -> list[Fault]:
    if _MEDIA_TYPE.fullmatch(media_type):
        return []
    return [
        Fault(
            "mediaType",
            "MEDIA_TYPE_UNUSABLE",
            f'Expected a media type such as "application/pdf", but got {media_type[:40]!r}.',
            f"媒体类型应如 “application/pdf”，实际为 {media_type[:40]!r}。",
        )
    ]


# --- reading ----------------------------------------------------------------------------------------------

_KEPT = [document_table.c[name] for name in ("hash", "name", "media_type", "size_bytes", "recorded_at")]
"""Everything but the content."""


def document(connection: Connection, document_hash: bytes) -> Document:
    """What is known of a kept file. Raises ``NotFound``."""
    row = connection.execute(select(*_KEPT).where(document_table.c.hash == document_hash)).one_or_none()
    if row is None:
        raise NotFound("document", document_hash.hex())
    return Document(*row)


def require_kept(connection: Connection, document_hashes: Iterable[bytes]) -> None:
    """Raises ``NotFound`` where one of these files isn't kept."""
    wanted = sorted(set(document_hashes))
    kept = select(document_table.c.hash).where(document_table.c.hash == func.any(wanted))
    missing = set(wanted) - set(connection.execute(kept).scalars())
    if missing:
        raise NotFound("document", min(missing).hex())


def content_of(connection: Connection, document_hash: bytes) -> bytes:
    """The bytes of a kept file, which still have its hash. Raises ``NotFound``, ``DocumentDamaged``."""
    content = connection.execute(
        select(document_table.c.content).where(document_table.c.hash == document_hash)
    ).scalar_one_or_none()
    if content is None:
        raise NotFound("document", document_hash.hex())
    if digest(content) != document_hash:
        raise DocumentDamaged(hash=document_hash.hex())
    return bytes(content)


def attachments(
    connection: Connection, agreement_id: int, subject_kind: str, subject_ids: Iterable[int]
) -> dict[int, list[Attachment]]:
    """What is attached to each of the subjects, by reference and time."""
    columns = document_attachment.c
    rows = connection.execute(
        select(
            columns.subject_id,
            columns.reference,
            columns.role,
            columns.recorded_at.label("attached_at"),
            *_KEPT,
        )
        .join(document_table, document_table.c.hash == columns.hash)
        .where(
            columns.agreement_id == agreement_id,
            columns.subject_kind == subject_kind,
            columns.subject_id == func.any(list(subject_ids)),
        )
        .order_by(columns.subject_id, columns.reference, columns.recorded_at, columns.hash)
    )
    found: defaultdict[int, list[Attachment]] = defaultdict(list)
    for row in rows:
        found[row.subject_id].append(_attachment(row))
    return found


def _attachment(row: Row[Any]) -> Attachment:
    kept = Document(row.hash, row.name, row.media_type, row.size_bytes, row.recorded_at)
    return Attachment(row.reference, kept, row.role, row.attached_at)
