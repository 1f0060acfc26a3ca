"""Exports of a search: ``/files/export/allocations.csv`` with the criteria as parameters.

A file is written to disk in a worker thread and sent from there, so that neither memory nor a slow reader's
connection to the database grows with it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, TypeVar
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ledger.desk.history.exports import (
    EXPORT_FORMS,
    EXPORT_MEDIA_TYPES,
    SUBJECTS,
    Export,
    Subject,
    write_export,
)
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_graphql.connections import number_key, shaped_key
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.drill import booked_key
from ledger_graphql.files import Parameters, ParameterUnusable, moment_given, refusal
from ledger_graphql.scalars import Amount
from ledger_graphql.searches import FoundState, SearchInput, criteria_of
from ledger_graphql.sign_in import account_in

CHUNK_BYTES = 1 << 16
WORDS = ("agreement", "party", "counterparty", "enterprise", "actor")

Value = TypeVar("Value")


def routes(desk: OpenDesk, limiter: CapacityLimiter) -> list[Route]:
    """The download of every subject in every form."""
    return [Route("/export/{subject}.{form}", partial(_send, desk, limiter))]


async def _send(desk: OpenDesk, limiter: CapacityLimiter, request: Request) -> Response:
    given = {**request.query_params, **request.path_params}
    made = await to_thread.run_sync(
        partial(_made, partial(desk, account_in(request)), given), limiter=limiter
    )
    if isinstance(made, LedgerError):
        return refusal(made)
    export, file = made
    name = f"{export.subject}.{export.form}"
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Content-Length": str(file.seek(0, os.SEEK_END)),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_chunks(file), media_type=EXPORT_MEDIA_TYPES[export.form], headers=headers)


def _made(open_desk: Callable[[], Desk], given: Parameters) -> tuple[Export, IO[bytes]] | LedgerError:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when the last chunk was sent
    try:
        with open_desk() as desk:
            export = _export(desk, given)
            write_export(desk.snapshot, export, file)
    except LedgerError as error:
        file.close()
        return error
    return export, file


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _export(desk: Desk, given: Parameters) -> Export:
    subject = _one_of("subject", given["subject"], {one: one for one in SUBJECTS})
    form = _one_of("form", given["form"], {one: one for one in EXPORT_FORMS})
    wanted = SearchInput(
        **{name: _word(given, name) for name in WORDS},
        clause=_number(given, "clause"),
        first=_quarter(given, "from"),
        last=_quarter(given, "to"),
        least=_amount(given, "least"),
        most=_amount(given, "most"),
        book=_one_of("book", given["book"], {one.name: one for one in Book}) if "book" in given else None,
        state=_one_of("state", given["state"], {one.name: one for one in FoundState})
        if "state" in given
        else None,
        since=moment_given(given, "since"),
        until=moment_given(given, "until"),
    )
    after, limit = _word(given, "after"), _number(given, "first")
    return Export(subject, form, criteria_of(desk, wanted), _key(subject, after), limit)


def _key(subject: Subject, after: str | None) -> object:
    match subject:
        case "allocations":
            return booked_key(after)
        case "settlements":
            return shaped_key(after, int, int, int)
        case "events":
            return number_key(after)


def _word(given: Parameters, name: str) -> str | None:
    word = given.get(name)
    if word is not None and (not word or "\0" in word):
        raise ParameterUnusable(name=name, expected="…", got=word)
    return word


def _number(given: Parameters, name: str) -> int | None:
    word = given.get(name)
    if word is None:
        return None
    if not (word.isascii() and word.isdigit()) or len(word) > 4:
        raise ParameterUnusable(name=name, expected="1, 2, … 9999", got=word)
    return int(word)


def _quarter(given: Parameters, name: str) -> Quarter | None:
    return Quarter.parse(given[name]) if name in given else None


def _amount(given: Parameters, name: str) -> Amount | None:
    return Amount(given[name]) if name in given else None


def _one_of(name: str, word: str, choices: dict[str, Value]) -> Value:
    if word not in choices:
        raise ParameterUnusable(name=name, expected=", ".join(choices), got=word)
    return choices[word]
