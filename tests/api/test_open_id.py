"""Signing in through an OpenID provider: a real one (npm oidc-provider) that runs meanwhile."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import jwt
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ledger.desk import accounts
from ledger_graphql import application
from ledger_graphql.open_id import OpenId, ProviderUnusable
from ledger_graphql.sign_in import SESSION_COOKIE
from ledger_schema.sessions import Database
from tests.account_room import AccountRoom
from tests.api.signed_in import BASE_URL, CHEAP

HERE = Path(__file__).parent / "open_id_provider"
CACHE = Path.home() / ".cache" / "parkledger-tests"
BACK = f"{BASE_URL}/sign-in/open-id/back"
AUDIENCE = "urn:parkledger"
SECONDS_MAX = 300
VIEWER = {"query": "{ viewer { account } }"}


@dataclass(frozen=True)
class Provider:
    """A running provider; it signs in whoever names an account."""

    issuer: str

    @property
    def open_id(self) -> OpenId:
        return OpenId(self.issuer, "parkledger", "a secret for tests", AUDIENCE)

    def access_token(self, audience: str = AUDIENCE) -> str:
        """A service's token (its subject is "machine")."""
        answer = httpx2.post(
            f"{self.issuer}/token",
            data={"grant_type": "client_credentials", "resource": audience},
            auth=("machine", "another secret for tests"),
        )
        token: str = answer.json()["access_token"]
        return token

    def visit(self, address: str, subject: str) -> str:
        """Where the provider's pages send a browser back to, once the subject has signed in."""
        with httpx2.Client() as browser:
            page = browser.get(address, follow_redirects=False)
            while not (target := page.headers.get("location", "")).startswith(BACK):
                page = browser.get(page.url.join(target)) if target else self._submit(browser, page, subject)
            return target

    def _submit(self, browser: httpx2.Client, page: httpx2.Response, subject: str) -> httpx2.Response:
        action = re.search(r'action="([^"]+)"', page.text)
        prompt = re.search(r'name="prompt" value="(\w+)"', page.text)
        assert action, page.text
        assert prompt, page.text
        form = {"prompt": prompt[1], "login": subject, "password": "any"}
        return browser.post(page.url.join(action[1]), data=form)


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """Installed once for its lock file, in the user's cache."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are needed to run an OpenID provider")
    folder = installed(npm)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process = subprocess.Popen(
        [node, str(HERE / "provider.mjs"), port, BACK, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        yield Provider(f"http://127.0.0.1:{port}")
        process.kill()


def installed(npm: str) -> Path:
    """The folder that holds the provider, of exactly the locked packages."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / f"open-id-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, folder)
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm can't install the OpenID provider: {done.stderr[-200:]}")
        (folder / "complete").touch()
    return folder


@pytest.fixture
def room(database_url: str) -> Iterator[AccountRoom]:
    database = Database(database_url)
    yield AccountRoom(database)
    database.dispose()


@pytest.fixture
def app(database_url: str, provider: Provider) -> Starlette:
    return application.create(database_url, passwords=CHEAP, open_id=provider.open_id)


@pytest.fixture
def browser(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, base_url=BASE_URL, follow_redirects=False) as client:
        yield client


def link(room: AccountRoom, provider: Provider, name: str, subject: str) -> None:
    room.open(name)
    accounts.link_identity(room.database, room.act(), name, provider.issuer, subject)


def status_of(browser: TestClient, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return browser.post("/graphql", json=VIEWER, headers=headers).status_code


# --- the page ---------------------------------------------------------------------------------------------


def test_a_browser_signs_in_through_the_provider(
    browser: TestClient, room: AccountRoom, provider: Provider
) -> None:
    link(room, provider, "zhang", "subject-1")
    assert "/sign-in/open-id" in browser.get("/sign-in").text
    begun = browser.get("/sign-in/open-id")
    back = browser.get(provider.visit(begun.headers["location"], "subject-1"))
    assert back.status_code == 200
    assert 'content="0;url=/ask"' in back.text
    answer = browser.post("/graphql", json=VIEWER, headers={"origin": BASE_URL})
    assert answer.json()["data"] == {"viewer": {"account": "zhang"}}


def test_a_code_is_good_once_and_only_in_the_browser_that_began(
    browser: TestClient, app: Starlette, room: AccountRoom, provider: Provider
) -> None:
    link(room, provider, "zhang", "subject-1")
    began = browser.get("/sign-in/open-id")
    back = provider.visit(began.headers["location"], "subject-1")
    with TestClient(app, base_url=BASE_URL) as other:
        assert "SIGN_IN" not in other.get(back).text
        other.get("/sign-in/open-id", follow_redirects=False)
        assert other.get(back).status_code == 401
        assert SESSION_COOKIE not in other.cookies
    cookies = dict(browser.cookies)
    assert browser.get(back).status_code == 200
    browser.cookies.clear()
    browser.cookies.update(cookies)
    assert browser.get(back).status_code == 401


def test_somebody_whom_only_the_provider_knows_is_refused(
    browser: TestClient, room: AccountRoom, provider: Provider
) -> None:
    link(room, provider, "zhang", "subject-1")
    begun = browser.get("/sign-in/open-id")
    back = browser.get(provider.visit(begun.headers["location"], "subject-2"))
    assert back.status_code == 401
    assert "subject-2" in back.text
    assert SESSION_COOKIE not in browser.cookies


# --- bearer tokens ----------------------------------------------------------------------------------------


def test_a_token_of_the_provider_stands_for_the_linked_account(
    browser: TestClient, room: AccountRoom, provider: Provider
) -> None:
    token = provider.access_token()
    assert status_of(browser, token) == 401
    link(room, provider, "robot", "machine")
    assert status_of(browser, token) == 200
    accounts.close_account(room.database, room.act(), "robot")
    assert status_of(browser, token) == 401


def test_a_token_for_somebody_else_or_signed_by_somebody_else_is_refused(
    browser: TestClient, room: AccountRoom, provider: Provider
) -> None:
    link(room, provider, "robot", "machine")
    token = provider.access_token()
    head, claims, signature = token.split(".")
    told = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    refused = [
        provider.access_token("urn:somebody-else"),
        f"{head}.{claims}.{signature[:-8]}AAAAAAAA",
        jwt.encode(told, "", algorithm="none", headers={"kid": kid}),
        jwt.encode(told, "x" * 32, algorithm="HS256", headers={"kid": kid}),
        f"{head}.{claims}.",
        "a.b.c",
    ]
    assert [status_of(browser, one) for one in refused] == [401] * len(refused)
    assert status_of(browser, token) == 200


def test_a_token_that_expired_is_refused(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    token = provider.access_token()
    assert provider.open_id.subject_of(token) == "machine"
    monkeypatch.setattr("ledger_graphql.open_id.CLOCK_SKEW_SECONDS", -3600)
    assert provider.open_id.subject_of(token) is None


# --- a provider of no use ---------------------------------------------------------------------------------


def test_a_provider_is_asked_over_tls_or_on_this_machine_only() -> None:
    with pytest.raises(ProviderUnusable):
        OpenId("http://id.example", "parkledger")


def test_a_provider_that_does_not_answer_refuses_nobody_else(database_url: str, room: AccountRoom) -> None:
    room.open("zhang")
    down = OpenId("http://127.0.0.1:1", "parkledger")
    app = application.create(database_url, passwords=CHEAP, open_id=down)
    with TestClient(app, base_url=BASE_URL, follow_redirects=False) as client:
        assert status_of(client, room.sign_in("zhang")) == 200
        assert status_of(client, "a.b.c") == 401
        answer = client.get("/sign-in/open-id")
        assert (answer.status_code, "OpenID" in answer.text) == (503, True)
