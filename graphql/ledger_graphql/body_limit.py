"""How much may be sent, refused before any of it is read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ledger.errors import LedgerError
from ledger_graphql.http_failures import GRAPHQL_PATH, BodyLengthMissing, BodyTooLarge, refusal_to
from ledger_graphql.settings import ServiceSettings

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class BodyLimit:
    """Refuses bodies that are too large, or whose length isn't announced. The web server reads no more."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(scope)
        await (refusal_to(scope, refused) if refused else self._app)(scope, receive, send)

    def _refused(self, scope: Scope) -> LedgerError | None:
        if scope["type"] != "http" or scope["method"] not in WITH_BODY:
            return None
        length = Headers(scope=scope).get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return BodyLengthMissing()
        is_graphql = scope["path"] == GRAPHQL_PATH
        settings = self._settings
        most = settings.graphql_body_bytes_max if is_graphql else settings.file_body_bytes_max
        return BodyTooLarge(most=most, got=int(length)) if int(length) > most else None
