"""Signing in over HTTP: what is open without it, with what one signs in, and how a session ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ledger.desk import accounts
from ledger.desk.accounts import GrantDraft, Role
from ledger_graphql.sign_in import SESSION_COOKIE
from ledger_schema.sessions import Database
from tests.account_room import PASSWORD, AccountRoom
from tests.api.signed_in import BASE_URL

ORIGIN = {"origin": BASE_URL}
VIEWER = {"query": "{ viewer { account person roles { role party provinceCode ends } } }"}
CLOSED = (
    ("GET", "/"),
    ("GET", "/ask"),
    ("GET", "/graphql"),
    ("POST", "/graphql"),
    ("POST", "/sign-out"),
    ("POST", "/files/documents"),
    ("GET", f"/files/documents/{'0' * 64}"),
    ("GET", "/files/template"),
    ("GET", "/files/statement"),
    ("GET", "/files/check"),
    ("GET", "/files/journal"),
    ("GET", "/files/zone-statement"),
    ("GET", "/files/bundle"),
    ("GET", "/files/export/events.csv"),
    ("GET", "/log/key"),
    ("GET", "/log/checkpoint"),
    ("GET", "/log/event/1"),
    ("GET", "/log/consistency"),
    ("GET", "/health/"),
    ("GET", "/no/such/thing"),
)


@pytest.fixture
def room(database_url: str) -> Iterator[AccountRoom]:
    database = Database(database_url)
    yield AccountRoom(database)
    database.dispose()


@pytest.fixture
def stranger(app: Starlette) -> Iterator[TestClient]:
    """A browser that hasn't signed in."""
    with TestClient(app, base_url=BASE_URL, follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, name: str, password: str = PASSWORD, **headers: str) -> Any:
    form = {"account": name, "password": password}
    return client.post("/sign-in", data=form, headers=headers or ORIGIN)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


# --- closed by default ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_nothing_but_health_and_signing_in_is_open(stranger: TestClient, method: str, path: str) -> None:
    for headers in (
        {},
        bearer("pl_wrong"),
        {"authorization": "Basic eDp5"},
        {"cookie": f"{SESSION_COOKIE}=x"},
    ):
        response = stranger.request(method, path, headers={**headers, **ORIGIN}, content=b"")
        told = response.json()["errors"][0]["extensions"] if path == "/graphql" else response.json()
        assert (response.status_code, told["code"]) == (401, "SIGN_IN_NEEDED")
        assert response.headers["www-authenticate"] == "Bearer"
        assert "令牌" in told["messageZh"]
        assert "token" in told["messageEn"]


def test_every_route_of_the_application_is_closed_or_known_to_be_open(app: Starlette) -> None:
    open_paths = {"/health", "/sign-in", "/sign-in/open-id", "/sign-in/open-id/back"}
    with TestClient(app, base_url=BASE_URL, follow_redirects=False) as client:
        for path in paths_of(app):
            status = client.get(path.replace("{", "").replace("}", "")).status_code
            assert (status == 401) != (path in open_paths), path


def paths_of(routed: Any, start: str = "") -> Iterator[str]:
    for route in routed.routes:
        if getattr(route, "routes", None):
            yield from paths_of(route, start + route.path)
        else:
            yield start + route.path


def test_health_is_open(stranger: TestClient) -> None:
    assert stranger.get("/health").json() == {"status": "ok"}


def test_a_browser_that_opens_a_page_is_sent_to_the_sign_in_page(stranger: TestClient) -> None:
    response = stranger.get("/ask", headers={"accept": "text/html"})
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in")
    page = stranger.get("/sign-in")
    assert page.status_code == 200
    assert "登录" in page.text
    assert "Sign in" in page.text


# --- tokens -----------------------------------------------------------------------------------------------


def test_a_token_stands_for_its_account(stranger: TestClient, room: AccountRoom) -> None:
    room.open("zhao", GrantDraft(Role.PROVINCE, province_code="340000"), person="赵处长")
    token = room.sign_in("zhao")
    answer = stranger.post("/graphql", json=VIEWER, headers=bearer(token)).json()
    roles = [{"role": "PROVINCE", "party": None, "provinceCode": "340000", "ends": None}]
    assert answer["data"] == {"viewer": {"account": "zhao", "person": "赵处长", "roles": roles}}


def test_an_expired_or_revoked_token_and_one_of_a_closed_account_are_good_for_nothing(
    stranger: TestClient, room: AccountRoom
) -> None:
    room.open("zhang")
    account = room.account("zhang")
    expired = accounts.issue_token(room.database, account, "old", timedelta(seconds=-1)).text
    revoked = accounts.issue_token(room.database, account, "lost", timedelta(days=1))
    accounts.revoke_token(room.database, room.act(), account, revoked.token_id)
    closed = room.sign_in("zhang")
    assert stranger.post("/graphql", json=VIEWER, headers=bearer(closed)).status_code == 200
    accounts.close_account(room.database, room.act(), "zhang")
    for token in (expired, revoked.text, closed):
        assert stranger.post("/graphql", json=VIEWER, headers=bearer(token)).status_code == 401


def test_an_owner_lists_tokens_and_revokes_one(stranger: TestClient, room: AccountRoom) -> None:
    room.open("script")
    account = room.account("script")
    kept, lost = (
        accounts.issue_token(room.database, account, label, timedelta(days=1)).text for label in ("a", "b")
    )
    listed = {"query": "{ viewer { tokens { id label expiresAt } } }"}
    tokens = stranger.post("/graphql", json=listed, headers=bearer(kept)).json()["data"]["viewer"]["tokens"]
    assert [one["label"] for one in tokens] == ["a", "b"]
    revoke = {
        "query": "mutation R($input: RevokeTokenInput!) { revokeToken(input: $input) { __typename } }",
        "variables": {"input": {"idempotencyKey": "k", "token": tokens[1]["id"]}},
    }
    done = stranger.post("/graphql", json=revoke, headers=bearer(kept)).json()["data"]["revokeToken"]
    assert done == {"__typename": "TokenSuccess"}
    assert stranger.post("/graphql", json=listed, headers=bearer(lost)).status_code == 401


# --- the browser's session --------------------------------------------------------------------------------


def test_signing_in_gives_a_strict_cookie_that_scripts_cannot_read(
    stranger: TestClient, room: AccountRoom
) -> None:
    room.open("zhang")
    response = sign_in(stranger, "zhang")
    assert (response.status_code, response.headers["location"]) == (303, "/ask")
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/ask", headers={"accept": "text/html"}).status_code == 200
    assert (
        stranger.post("/graphql", json=VIEWER, headers=ORIGIN).json()["data"]["viewer"]["account"] == "zhang"
    )


def test_over_tls_the_cookie_is_for_tls_only(app: Starlette, room: AccountRoom) -> None:
    room.open("zhang")
    with TestClient(app, base_url="https://localhost", follow_redirects=False) as client:
        response = sign_in(client, "zhang", origin="https://localhost")
    assert "secure" in response.headers["set-cookie"].lower()


def test_a_session_changes_nothing_without_the_origin_that_browsers_send(
    stranger: TestClient, room: AccountRoom
) -> None:
    room.open("zhang")
    sign_in(stranger, "zhang")
    assert stranger.post("/graphql", json=VIEWER).status_code == 401
    foreign = {"origin": "http://evil.example"}
    assert stranger.post("/graphql", json=VIEWER, headers=foreign).status_code == 403
    assert stranger.post("/graphql", json=VIEWER, headers=ORIGIN).status_code == 200


def test_a_foreign_page_cannot_sign_a_browser_in(stranger: TestClient, room: AccountRoom) -> None:
    room.open("zhang")
    form = {"account": "zhang", "password": PASSWORD}
    assert stranger.post("/sign-in", data=form).status_code == 403
    assert sign_in(stranger, "zhang", origin="http://evil.example").status_code == 403
    assert SESSION_COOKIE not in stranger.cookies


def test_a_form_that_is_too_large_is_refused_unread(stranger: TestClient) -> None:
    assert sign_in(stranger, "zhang", "x" * 5_000).status_code == 403


def test_unknown_accounts_and_wrong_passwords_get_the_same_page(
    stranger: TestClient, room: AccountRoom
) -> None:
    room.open("zhang")
    wrong, unknown = sign_in(stranger, "zhang", "wrong password"), sign_in(stranger, "nobody")
    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)
    assert wrong.status_code == 401
    assert "set-cookie" not in wrong.headers


def test_signing_out_ends_the_session(stranger: TestClient, room: AccountRoom) -> None:
    room.open("zhang")
    sign_in(stranger, "zhang")
    token = stranger.cookies[SESSION_COOKIE]
    assert stranger.post("/sign-out", headers=ORIGIN).status_code == 303
    assert stranger.post("/graphql", json=VIEWER, headers=bearer(token)).status_code == 401
    assert SESSION_COOKIE not in stranger.cookies


def test_without_a_provider_nobody_is_sent_to_one(stranger: TestClient) -> None:
    assert stranger.get("/sign-in/open-id").status_code == 404
    assert stranger.get("/sign-in/open-id/back").status_code == 404
    assert "open-id" not in stranger.get("/sign-in").text
