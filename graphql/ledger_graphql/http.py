"""What stands before the application: who may call it, and how much may be sent."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
BODY_MAX_BYTES = 48 * 1024 * 1024
"""Room for the largest file that the desk reads (32 MiB) in base64."""


class SameHostOnly:
    """Refuses requests for another host's name and those that a page of another origin makes.

    The first check stops a foreign name that was pointed at this machine, the second a foreign page in the
    user's own browser, which would send the session's cookie along.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOOPBACK_HOSTS) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(refusal, status_code=403)(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        if scope["type"] != "http":
            return None
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if _host_name(f"//{host}") not in self._hosts:
            return f"This server answers only on this machine, not for host {host!r}. 本服务仅限本机访问。\n"
        if origin is not None and urlsplit(origin).netloc != host:
            return (
                f"Pages of another origin ({origin}) may not call this server. "
                f"不接受来自其他来源网页的请求。\n"
            )
        return None


class BodyLimit:
    """Refuses bodies that are too large, or whose length isn't announced."""

    def __init__(self, app: ASGIApp, maximum_bytes: int = BODY_MAX_BYTES) -> None:
        self._app = app
        self._maximum_bytes = maximum_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        if scope["type"] != "http" or scope["method"] not in {"POST", "PUT", "PATCH"}:
            return None
        length = Headers(scope=scope).get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return PlainTextResponse("Content-Length is required. 缺少 Content-Length。\n", status_code=411)
        if int(length) > self._maximum_bytes:
            return PlainTextResponse(
                f"At most {self._maximum_bytes} bytes may be sent. 请求体过大。\n", status_code=413
            )
        return None


def _host_name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
