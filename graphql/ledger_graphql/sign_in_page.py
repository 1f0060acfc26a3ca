"""The page at ``/sign-in``, and what its form and the provider's way back lead to."""

from __future__ import annotations

import secrets
from functools import partial
from html import escape
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ledger.desk import accounts
from ledger.desk.accounts import SESSION_LABEL, SESSION_LIFETIME, Account, NewToken
from ledger.desk.acts import Act
from ledger.errors import LedgerError
from ledger_graphql.open_id import Begun, IdentityUnknown, OpenId, SignInInterrupted
from ledger_graphql.sign_in import SESSION_COOKIE, SIGN_IN_PATH, SignIn, account_in, session_in

AFTER_SIGN_IN = "/ask"
BEGUN_COOKIE = "parkledger_sign_in"
BEGUN_SECONDS = 600
FORM_BYTES_MAX = 4_096
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
HEAD<title>登录 Sign in · 园区合作账本 Parkledger</title>
<style>
body { font: 16px/1.7 system-ui, sans-serif; max-width: 26rem; margin: 4rem auto; padding: 0 1rem; }
label { display: block; margin-top: 1rem; }
input { width: 100%; box-sizing: border-box; font: inherit; }
.refused { color: #a00; }
</style>
</head>
<body>
<h1>登录 <span lang="en">Sign in</span></h1>
BODY
</body>
</html>
"""
_FORM = """<form method="post" action="/sign-in">
<label>账号 <span lang="en">Account</span>
<input name="account" autocomplete="username" required autofocus></label>
<label>密码 <span lang="en">Password</span>
<input name="password" type="password" autocomplete="current-password" required></label>
<p><button>登录 Sign in</button></p>
</form>"""
_PROVIDER = """<p><a href="/sign-in/open-id">用单位账号登录
<span lang="en">Sign in with your organisation</span></a></p>"""


class SignInPages:
    """Signing in by form or through a provider, and signing out."""

    def __init__(self, sign_in: SignIn, limiter: CapacityLimiter) -> None:
        self._sign_in = sign_in
        self._limiter = limiter

    def routes(self) -> list[Route]:
        """The sign-in routes, open to everybody, and signing out."""
        return [
            Route(SIGN_IN_PATH, self.show),
            Route(SIGN_IN_PATH, self.take, methods=["POST"]),
            Route("/sign-in/open-id", self.begin),
            Route("/sign-in/open-id/back", self.come_back),
            Route("/sign-out", self.leave, methods=["POST"]),
        ]

    async def show(self, _: Request) -> Response:
        return self._page()

    async def take(self, request: Request) -> Response:
        """The form. A foreign page can't send it: the Origin header must be there, and was compared."""
        size_bytes = int(request.headers.get("content-length", "0"))
        if "origin" not in request.headers or size_bytes > FORM_BYTES_MAX:
            return self._page(SignInInterrupted(), status=403)
        form = parse_qs((await request.body()).decode(errors="replace"))
        account, password = (form.get(name, [""])[0] for name in ("account", "password"))
        work = partial(accounts.sign_in, self._sign_in.database, account, password, self._sign_in.passwords)
        try:
            session = await to_thread.run_sync(work, limiter=self._limiter)
        except LedgerError as error:
            return self._page(error, status=401)
        return _with_session(RedirectResponse(AFTER_SIGN_IN, status_code=303), request, session)

    async def begin(self, request: Request) -> Response:
        """To the provider, remembering in a cookie what its answer must fit."""
        provider, begun = self._sign_in.open_id, Begun.new()
        if provider is None:
            return self._page(status=404)
        work = partial(provider.address_to_begin, begun, _back(request))
        try:
            address = await to_thread.run_sync(work, limiter=self._limiter)
        except LedgerError as error:
            return self._page(error, status=503)
        response = RedirectResponse(address, status_code=303)
        # Lax, as it is the provider's page that sends the browser back.
        response.set_cookie(
            BEGUN_COOKIE,
            begun.text(),
            max_age=BEGUN_SECONDS,
            path=SIGN_IN_PATH,
            secure=_is_secure(request),
            httponly=True,
            samesite="lax",
        )
        return response

    async def come_back(self, request: Request) -> Response:
        """From the provider, with a code."""
        provider = self._sign_in.open_id
        if provider is None:
            return self._page(status=404)
        try:
            session = await to_thread.run_sync(
                partial(self._session_of_code, provider, request), limiter=self._limiter
            )
        except LedgerError as error:
            return self._page(error, status=401)
        # A redirect would still count as coming from the provider's page, and the strict cookie stay behind.
        response = HTMLResponse(
            _PAGE.replace("HEAD", f'<meta http-equiv="refresh" content="0;url={AFTER_SIGN_IN}">\n').replace(
                "BODY", f'<p><a href="{AFTER_SIGN_IN}">继续 Continue</a></p>'
            ),
            headers=HEADERS,
        )
        response.delete_cookie(BEGUN_COOKIE, path=SIGN_IN_PATH)
        return _with_session(response, request, session)

    async def leave(self, request: Request) -> Response:
        """Revokes the session."""
        account, text = account_in(request), session_in(request)
        if text is not None:
            work = partial(self._revoke, account, text)
            await to_thread.run_sync(work, limiter=self._limiter)
        response = RedirectResponse(SIGN_IN_PATH, status_code=303)
        response.delete_cookie(SESSION_COOKIE)
        return response

    def _session_of_code(self, provider: OpenId, request: Request) -> NewToken:
        begun = Begun.read(request.cookies.get(BEGUN_COOKIE, ""))
        if not secrets.compare_digest(request.query_params.get("state", ""), begun.state):
            raise SignInInterrupted
        code = request.query_params.get("code", "")
        subject = provider.subject_of_code(code, begun, _back(request))
        with self._sign_in.database.reading() as connection:
            account = accounts.account_of_identity(connection, provider.issuer, subject)
        if account is None:
            raise IdentityUnknown(subject=subject, issuer=provider.issuer)
        return accounts.issue_token(self._sign_in.database, account, SESSION_LABEL, SESSION_LIFETIME)

    def _revoke(self, account: Account, text: str) -> None:
        with self._sign_in.database.reading() as connection:
            token_id = accounts.session_of_token(connection, text)
        if token_id is not None:
            act = Act(f"sign-out/{token_id}", account.name, person=account.person)
            accounts.revoke_token(self._sign_in.database, act, account, token_id)

    def _page(self, error: LedgerError | None = None, *, status: int = 200) -> Response:
        said = ""
        if error is not None:
            english = f'<span lang="en">{escape(error.message_en)}</span>'
            said = f'<p class="refused">{escape(error.message_zh)} {english}</p>\n'
        body = said + _FORM + ("" if self._sign_in.open_id is None else f"\n{_PROVIDER}")
        content = _PAGE.replace("HEAD", "").replace("BODY", body)
        return HTMLResponse(content, status_code=status, headers=HEADERS)


def _with_session(response: Response, request: Request, session: NewToken) -> Response:
    response.set_cookie(
        SESSION_COOKIE,
        session.text,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return response


def _back(request: Request) -> str:
    return str(request.url.replace(path="/sign-in/open-id/back", query=""))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
