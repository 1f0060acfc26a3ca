"""A return's file as the body of a request: it goes to disk as it comes, and no text is made of it.

``POST /files/returns?agreement=A&role=host&quarter=2024Q3&fileName=a.csv&idempotencyKey=k`` does what the
mutation ``handInReturnFile`` does, which takes the file in base64.
"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import IO

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ledger.desk import returns
from ledger.desk.acts import Done
from ledger.desk.returns.faults import ReturnRefused
from ledger.desk.returns.reading import Filing
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger_graphql.agreements import agreement_id_of
from ledger_graphql.asked import ContentTypeUnsupported
from ledger_graphql.authority import require
from ledger_graphql.connections import global_id
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.failures import extensions_of
from ledger_graphql.files import Parameters, ParameterUnusable, given, refusal
from ledger_graphql.sign_in import account_in
from ledger_graphql.subjects import SideNamed

CONTENT_TYPES = frozenset(
    {
        "application/octet-stream",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "text/csv",
    }
)
"""None of them is one that a foreign page may send without being allowed to."""
MEMORY_BYTES = 1 << 20
"""Files up to this size needn't go to disk."""


def routes(desk: OpenDesk, limiter: CapacityLimiter) -> list[Route]:
    """Handing in to ``/returns``, in a worker thread."""
    return [Route("/returns", partial(_hand_in, desk, limiter), methods=["POST"])]


async def _hand_in(open_desk: OpenDesk, limiter: CapacityLimiter, request: Request) -> Response:
    """201 for a new return, 200 for a replay, 400 with every fault for one that was refused."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        return refusal(
            ContentTypeUnsupported(expected=", ".join(sorted(CONTENT_TYPES)), got=content_type[:100])
        )
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
        async for chunk in request.stream():
            file.write(chunk)
        file.seek(0)
        desk = open_desk(account_in(request))
        work = partial(_handed_in, desk, request.query_params, file)
        done = await to_thread.run_sync(work, limiter=limiter)
    if isinstance(done, ReturnRefused):
        return JSONResponse({**extensions_of(done), **_faults(done)}, status_code=400)
    if isinstance(done, LedgerError):
        return refusal(done)
    return JSONResponse(_described(done), status_code=200 if done.replayed else 201)


def _handed_in(desk: Desk, parameters: Parameters, file: IO[bytes]) -> Done[Filing] | LedgerError:
    try:
        with desk:
            return _taken(desk, parameters, file)
    except LedgerError as error:
        return error


def _taken(desk: Desk, parameters: Parameters, file: IO[bytes]) -> Done[Filing]:
    asked = SideNamed(*(given(parameters, name) for name in ("agreement", "role", "idempotencyKey")))
    name = given(parameters, "fileName")
    quarter = Quarter.parse(given(parameters, "quarter"))
    require(desk, "handInReturnFile", asked)
    return returns.hand_in_file(
        desk.database,
        desk.act(asked.idempotency_key),
        agreement_id_of(desk, asked.agreement),
        asked.role,
        quarter,
        name,
        file,
        person=desk.person,
        nonce=_nonce(parameters),
    )


def _nonce(parameters: Parameters) -> bytes | None:
    if "nonce" not in parameters:
        return None
    written = given(parameters, "nonce")
    try:
        return bytes.fromhex(written)
    except ValueError:
        raise ParameterUnusable(name="nonce", expected="0-9a-f × 64", got=written) from None


def _described(done: Done[Filing]) -> dict[str, object]:
    filing = done.value
    return {
        "id": global_id("Filing", filing.agreement_id, filing.filing_id),
        "role": filing.role,
        "quarter": str(filing.quarter),
        "sequence": filing.sequence,
        "contentHash": filing.content_hash.hex(),
        "replayed": done.replayed,
    }


def _faults(refused: ReturnRefused) -> dict[str, object]:
    return {
        "faultCount": refused.fault_count,
        "faults": [
            {
                "place": str(fault.place),
                "code": fault.code,
                "messageZh": fault.message_zh,
                "messageEn": fault.message_en,
            }
            for fault in refused.faults
        ],
    }
