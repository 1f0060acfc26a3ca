"""What stands before the application: who may call it."""

from __future__ import annotations

import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ledger.errors import LedgerError
from ledger_graphql.http_failures import refusal_to

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

_HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9.-]+))(?::[0-9]{0,5})?", re.ASCII)


class HostUnknown(LedgerError):
    """The request is for a name that isn't this server's."""

    code = "HOST_UNKNOWN"
    sentence_en = (
        "This server answers only on this machine, not for host {host!r}. Ask for one of {expected}."
    )
    sentence_zh = "本服务仅限本机访问，不接受主机名 {host!r}。可用：{expected}。"


class OriginForeign(LedgerError):
    """A page of another origin made the request."""

    code = "ORIGIN_FOREIGN"
    sentence_en = "Pages of another origin ({origin!r}) may not call this server. Use its own pages."
    sentence_zh = "不接受来自其他来源（{origin!r}）网页的请求。请使用本服务自身的页面。"


class SameHostOnly:
    """Refuses requests for another host's name and those that a page of another origin makes.

    The first check stops a foreign name that was pointed at this machine, the second a foreign page in the
    user's own browser, which would send the session's cookie along.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOOPBACK_HOSTS) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(Headers(scope=scope)) if scope["type"] == "http" else None
        answer = self._app if refused is None else refusal_to(scope, refused)
        await answer(scope, receive, send)

    def _refused(self, headers: Headers) -> LedgerError | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if _host_name(host) not in self._hosts:
            return HostUnknown(host=host, expected=", ".join(sorted(self._hosts)))
        if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
            return OriginForeign(origin=origin)
        return None


def _host_name(host: str) -> str | None:
    """The name or address in the header, without its port; None where it is something else."""
    match = _HOST.fullmatch(host.lower())
    return match and (match["address"] or match["name"])
