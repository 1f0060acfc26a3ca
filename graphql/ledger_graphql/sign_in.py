"""Who calls: a token or a session tells, and without one nothing is open but health and signing in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ledger.desk import accounts
from ledger.desk.accounts import Account, Passwords, SignInNeeded
from ledger_graphql.http_failures import refusal_to
from ledger_graphql.open_id import OpenId
from ledger_schema.sessions import Database

SESSION_COOKIE = "parkledger_session"
SIGN_IN_PATH = "/sign-in"
OPEN_PATHS = frozenset({"/health", SIGN_IN_PATH, "/sign-in/open-id", "/sign-in/open-id/back"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class SignIn:
    """How accounts are known: by tokens of ours, and by those of an OpenID provider where there is one."""

    database: Database
    passwords: Passwords
    open_id: OpenId | None

    def account_of(self, headers: Headers, method: str) -> Account | None:
        """The account that the request's token or session stands for, if it is good now."""
        token = _bearer(headers) if "authorization" in headers else _session(headers, method)
        if token is None:
            return None
        with self.database.reading() as connection:
            account = accounts.account_of_token(connection, token)
            if account is None and self.open_id is not None:
                subject = self.open_id.subject_of(token)
                if subject is not None:
                    account = accounts.account_of_identity(connection, self.open_id.issuer, subject)
            return account


class SignInRequired:
    """Lets a request through with its account in ``request.state.account``, and no other one."""

    def __init__(self, app: ASGIApp, sign_in: SignIn, limiter: CapacityLimiter) -> None:
        self._app = app
        self._sign_in = sign_in
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        work = partial(self._sign_in.account_of, headers, scope.get("method", ""))
        account = await to_thread.run_sync(work, limiter=self._limiter)
        if account is None:
            await _refusal(scope, headers)(scope, receive, send)
            return
        scope.setdefault("state", {})["account"] = account
        await self._app(scope, receive, send)


def account_in(request: HTTPConnection) -> Account:
    """The account of a request that was let through."""
    account: Account = request.state.account
    return account


def session_in(request: Request) -> str | None:
    """The token of the browser's session, good or not."""
    return request.cookies.get(SESSION_COOKIE)


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers["authorization"].partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _session(headers: Headers, method: str) -> str | None:
    """A change needs the Origin header: it was compared with ours, and no foreign page can leave it out."""
    if method not in SAFE_METHODS and "origin" not in headers:
        return None
    return cookie_parser(headers.get("cookie", "")).get(SESSION_COOKIE)


def _refusal(scope: Scope, headers: Headers) -> Response:
    """401; a browser that opens a page is sent to the sign-in page."""
    is_page = scope.get("method") == "GET" and "text/html" in headers.get("accept", "")
    if is_page and "authorization" not in headers:
        return RedirectResponse(SIGN_IN_PATH, status_code=303)
    return refusal_to(scope, SignInNeeded())
