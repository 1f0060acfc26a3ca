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
from ledger_graphql.authority import require_any_party
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.files import Download, Parameters, given, refusal, sender
from ledger_graphql.sign_in import account_in
from ledger_graphql.subjects import EITHER, Subject

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


def routes(desk: OpenDesk, limiter: CapacityLimiter) -> list[Route]:
    """Uploading to ``/documents`` and downloading from ``/documents/HASH``, each in a worker thread."""
    return [
        Route("/documents", partial(_upload, desk, limiter), methods=["POST"]),
        Route("/documents/{hash}", sender(desk, limiter, _document)),
    ]


async def _upload(desk: OpenDesk, limiter: CapacityLimiter, request: Request) -> Response:
    """201 for a new document, 200 for one that was kept before. The body goes to disk as it comes."""
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get(FILE_FIELD)
        if not isinstance(file, UploadFile):
            return refusal(FileMissing(field=FILE_FIELD))
        kept = await to_thread.run_sync(partial(_kept, desk(account_in(request)), file), limiter=limiter)
    if isinstance(kept, LedgerError):
        return refusal(kept)
    return JSONResponse(_described(kept), status_code=200 if kept.replayed else 201)


def _kept(desk: Desk, file: UploadFile) -> Done[Document] | LedgerError:
    # One byte more than is kept tells that there is more.
    content = file.file.read(documents.DOCUMENT_BYTES_MAX + 1)
    name, media_type = file.filename or "", file.content_type or OCTETS
    try:
        with desk:
            require_any_party(desk, "uploadDocument", Subject("document", name))
            return documents.keep_document(
                desk.database,
                name,
                media_type,
                content,
                actor=desk.account.name,
                person=desk.person,
                party_ids=desk.account.parties_as(EITHER),
            )
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


def _document(desk: Desk, parameters: Parameters) -> Download:
    text = given(parameters, "hash")
    if not _HASH.fullmatch(text):
        raise NotFound("document", text)
    document_hash = bytes.fromhex(text)
    kept = documents.document(desk.snapshot, document_hash)
    return Download(kept.name, kept.media_type, documents.content_of(desk.snapshot, document_hash))
