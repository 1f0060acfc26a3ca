"""Failures that are told by HTTP itself: status, headers, and the coded sentences."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.errors import LedgerError
from ledger_graphql.failures import extensions_of
from ledger_graphql.refusals import RequestUnreadable, UnexpectedError

logger = logging.getLogger("ledger_graphql")

GRAPHQL_PATH = "/graphql"

STATUSES: Mapping[str, int] = {
    "SIGN_IN_NEEDED": 401,
    "HOST_UNKNOWN": 403,
    "ORIGIN_FOREIGN": 403,
    "ADDRESS_UNKNOWN": 404,
    "METHOD_NOT_ALLOWED": 405,
    "ANSWER_TYPE_UNACCEPTABLE": 406,
    "BODY_LENGTH_MISSING": 411,
    "BODY_TOO_LARGE": 413,
    "CONTENT_TYPE_UNSUPPORTED": 415,
    "RATE_EXCEEDED": 429,
    "UNEXPECTED_ERROR": 500,
}
"""The status of each failure that the protocol has one for; the others are 400."""


class AddressUnknown(LedgerError):
    """Nothing is at that address."""

    code = "ADDRESS_UNKNOWN"
    sentence_en = "There is nothing at {path}. The addresses are listed in docs/api.md."
    sentence_zh = "{path} 处没有内容。可用地址见 docs/api.md。"


class MethodNotAllowed(LedgerError):
    """The address isn't asked in that way; a mutation isn't sent by GET."""

    code = "METHOD_NOT_ALLOWED"
    sentence_en = "Expected {expected}, but got {method}."
    sentence_zh = "应使用 {expected}，实际为 {method}。"


class BodyLengthMissing(LedgerError):
    """A body is sent only with its length before it."""

    code = "BODY_LENGTH_MISSING"
    sentence_en = "Expected the header Content-Length. Send the body with its length."
    sentence_zh = "缺少 Content-Length。请随请求体一并发送其长度。"


class BodyTooLarge(LedgerError):
    """More is announced than may be sent to that address."""

    code = "BODY_TOO_LARGE"
    sentence_en = "Expected at most {most:,} bytes, but got {got:,}."
    sentence_zh = "请求体至多 {most:,} 字节，实际为 {got:,} 字节。"


def status_of(error: LedgerError) -> int:
    return STATUSES.get(error.code, 400)


def refusal_to(scope: Scope, error: LedgerError) -> Response:
    """``error`` as the answer to a request: among ``errors`` where GraphQL was asked, else by itself."""
    told = extensions_of(error)
    body: object = told
    if scope["path"] == GRAPHQL_PATH:
        body = {"errors": [{"message": error.message_en, "extensions": told}]}
    return JSONResponse(body, status_code=status_of(error), headers=headers_of(error))


def headers_of(error: LedgerError) -> dict[str, str]:
    """What a failure tells by headers."""
    match error.code:
        case "RATE_EXCEEDED":
            return {"Retry-After": str(error.fields["wait_seconds"])}
        case "SIGN_IN_NEEDED":
            return {"WWW-Authenticate": "Bearer"}
        case "METHOD_NOT_ALLOWED":
            return {"Allow": str(error.fields["expected"])}
    return {}


async def not_routed(request: Request, error: Exception) -> Response:
    """What the web framework refuses itself: an unknown address, another method, a form that isn't one."""
    status = getattr(error, "status_code", 404)
    match status:
        case 404:
            refused: LedgerError = AddressUnknown(path=request.url.path)
        case 405:
            allowed = (getattr(error, "headers", None) or {}).get("Allow", "GET")
            refused = MethodNotAllowed(expected=allowed, method=request.method)
        case _:
            refused = RequestUnreadable(detail=str(getattr(error, "detail", error)))
    return refusal_to(request.scope, refused)


class MaskedErrors:
    """Answers what nobody foresaw: it is logged, and nothing of it is shown."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_and_see(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        except Exception as error:
            logger.exception("unexpected error at %s", scope.get("path"), exc_info=error)
            if has_begun or scope["type"] != "http":
                raise
            await refusal_to(scope, UnexpectedError())(scope, receive, send)
