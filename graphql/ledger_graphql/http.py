"""What stands before the application: who may call it."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


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


def _host_name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
