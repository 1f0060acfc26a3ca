"""Evidence documents over HTTP: uploaded as multipart, downloaded by their hash."""

from __future__ import annotations

import re
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ledger.desk import documents
from ledger.desk.acts import Done
from ledger.desk.documents import Document
from ledger.desk.failures import NotFound
from ledger.errors import LedgerError
from ledger_graphql.files import Download, refusal, saved
from ledger_schema.sessions import Database

FILE_FIELD = "file"
OCTETS = "application/octet-stream"

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class FileMissing(LedgerError):
    """An upload without a file in the field that should hold it."""

    code = "FILE_MISSING"
    sentence_en = (
        "Expected multipart/form-data with one file in the field {field}. Choose a file and send it again."
    )
    sentence_zh = "应为 multipart/form-data，且字段 {field} 含一个文件。请选择文件后重新提交。"


def routes(database: Database, limiter: CapacityLimiter) -> list[Route]:
    """Uploading to ``/documents`` and downloading from ``/documents/HASH``, each in a worker thread."""
    return [
        Route("/documents", partial(_upload, database, limiter), methods=["POST"]),
        Route("/documents/{hash}", partial(_download, database, limiter)),
    ]


async def _upload(database: Database, limiter: CapacityLimiter, request: Request) -> Response:
    """201 for a new document, 200 for one that was kept before. The body goes to disk as it comes."""
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get(FILE_FIELD)
        if not isinstance(file, UploadFile):
            return refusal(FileMissing(field=FILE_FIELD))
        kept = await to_thread.run_sync(partial(_kept, database, file), limiter=limiter)
    if isinstance(kept, LedgerError):
        return refusal(kept)
    return JSONResponse(_described(kept), status_code=200 if kept.replayed else 201)


def _kept(database: Database, file: UploadFile) -> Done[Document] | LedgerError:
    # One byte more than is kept tells that there is more.
    content = file.file.read(documents.DOCUMENT_BYTES_MAX + 1)
    try:
        return documents.keep_document(database, file.filename or "", file.content_type or OCTETS, content)
    except LedgerError as error:
        return error


def _described(kept: Done[Document]) -> dict[str, object]:
    return {
        "hash": kept.value.hash.hex(),
        "name": kept.value.name,
        "mediaType": kept.value.media_type,
        "sizeBytes": kept.value.size_bytes,
        "replayed": kept.replayed,
    }


async def _download(database: Database, limiter: CapacityLimiter, request: Request) -> Response:
    work = partial(_found, database, request.path_params["hash"])
    found = await to_thread.run_sync(work, limiter=limiter)
    return refusal(found) if isinstance(found, LedgerError) else saved(found)


def _found(database: Database, text: str) -> Download | LedgerError:
    try:
        if not _HASH.fullmatch(text):
            raise NotFound("document", text)
        document_hash = bytes.fromhex(text)
        with database.reading() as connection:
            kept = documents.document(connection, document_hash)
            return Download(kept.name, kept.media_type, documents.content_of(connection, document_hash))
    except LedgerError as error:
        return error
