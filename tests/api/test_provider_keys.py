"""An OpenID provider that changes its keys, fails, or answers nonsense, and strangers who make keys up."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from ledger_graphql.open_id import CONFIGURATION_PATH, OpenId
from ledger_graphql.provider_keys import FRESH_SECONDS, PAUSE_SECONDS

AUDIENCE = "urn:parkledger"


@dataclass
class LocalProvider:
    """A provider on this machine: it publishes ``published`` and counts how often it is asked for it."""

    server: ThreadingHTTPServer
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    published: Any = None
    is_up: bool = True
    asked: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def key_questions(self) -> int:
        return self.asked.count("/keys")

    def open_id(self, **options: Any) -> OpenId:
        return OpenId(self.issuer, "parkledger", audience=AUDIENCE, clock=lambda: self.seconds, **options)

    def rotate(self, *key_ids: str) -> None:
        """From now on it has these keys alone."""
        self.keys = {key_id: self.keys.get(key_id) or Ed25519PrivateKey.generate() for key_id in key_ids}
        public = [
            {**json.loads(OKPAlgorithm.to_jwk(key.public_key())), "kid": key_id, "use": "sig"}
            for key_id, key in self.keys.items()
        ]
        self.published = {"keys": public}

    def token(self, key_id: str, **claims: Any) -> str:
        now = datetime.now(UTC)
        told = {"iss": self.issuer, "aud": AUDIENCE, "sub": "li.si", "iat": now, **claims}
        told.setdefault("exp", now + timedelta(hours=1))
        return jwt.encode(told, self.keys[key_id], algorithm="EdDSA", headers={"kid": key_id})

    def answer(self, path: str) -> Any:
        self.asked.append(path)
        if not self.is_up:
            return None
        if path == CONFIGURATION_PATH:
            places = {"authorization_endpoint": "/a", "token_endpoint": "/t", "jwks_uri": "/keys"}
            return {"issuer": self.issuer} | {name: self.issuer + at for name, at in places.items()}
        return self.published


@pytest.fixture
def provider() -> Iterator[LocalProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = local.answer(self.path)
            self.send_response(503 if answer is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        local = LocalProvider(server)
        local.rotate("first")
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield local
        server.shutdown()
        thread.join()


def made_up(key_id: str) -> str:
    """A token as anybody can make it."""
    return jwt.encode({"sub": "li.si"}, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": key_id})


def test_keys_that_strangers_make_up_ask_the_provider_once_in_a_minute(provider: LocalProvider) -> None:
    open_id = provider.open_id()
    assert open_id.subject_of(provider.token("first")) == "li.si"
    assert [open_id.subject_of(made_up(f"key-{number}")) for number in range(50)] == [None] * 50
    assert provider.key_questions == 1
    provider.seconds = PAUSE_SECONDS
    assert [open_id.subject_of(made_up(f"key-{number}")) for number in range(50)] == [None] * 50
    assert provider.key_questions == 2
    assert open_id.subject_of(provider.token("first")) == "li.si"
    assert provider.key_questions == 2


def test_a_new_key_is_known_after_a_pause_and_an_old_one_forgotten(provider: LocalProvider) -> None:
    open_id = provider.open_id()
    old = provider.token("first")
    assert open_id.subject_of(old) == "li.si"
    provider.rotate("second")
    new = provider.token("second")
    assert (open_id.subject_of(old), open_id.subject_of(new)) == ("li.si", None)
    provider.seconds = PAUSE_SECONDS
    assert (open_id.subject_of(new), open_id.subject_of(old)) == ("li.si", None)


def test_a_key_that_was_withdrawn_is_refused_once_the_keys_are_no_longer_fresh(
    provider: LocalProvider,
) -> None:
    open_id = provider.open_id()
    provider.rotate("first", "second")
    withdrawn = provider.token("first")
    assert open_id.subject_of(withdrawn) == "li.si"
    provider.rotate("second")
    provider.seconds = FRESH_SECONDS - 1
    assert open_id.subject_of(withdrawn) == "li.si"
    provider.seconds = FRESH_SECONDS
    assert open_id.subject_of(withdrawn) is None


def test_a_provider_that_is_down_is_asked_once_in_a_minute_and_its_keys_are_kept(
    provider: LocalProvider,
) -> None:
    open_id = provider.open_id()
    token = provider.token("first")
    assert open_id.subject_of(token) == "li.si"
    provider.is_up = False
    provider.seconds = FRESH_SECONDS
    provider.asked.clear()
    assert {open_id.subject_of(token) for _ in range(20)} == {"li.si"}
    assert len(provider.asked) == 1


def test_a_provider_that_was_never_up_is_not_asked_for_every_stranger(provider: LocalProvider) -> None:
    provider.is_up = False
    open_id = provider.open_id()
    assert {open_id.subject_of(provider.token("first")) for _ in range(20)} == {None}
    assert len(provider.asked) == 1
    provider.is_up = True
    provider.seconds = PAUSE_SECONDS
    assert open_id.subject_of(provider.token("first")) == "li.si"


@pytest.mark.parametrize(
    "published", [{}, {"keys": None}, {"keys": []}, {"keys": ["x", 1]}, {"keys": [{"kty": "?"}]}, [], "x"]
)
def test_nonsense_for_keys_lets_nobody_in_and_breaks_nothing(provider: LocalProvider, published: Any) -> None:
    provider.published = published
    assert provider.open_id().subject_of(provider.token("first")) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "urn:somebody-else"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"iat": datetime(2999, 1, 1, tzinfo=UTC)},
        {"sub": None},
    ],
)
def test_a_token_with_another_audience_issuer_time_or_no_subject_is_refused(
    provider: LocalProvider, claims: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ledger_graphql")
    token = provider.token("first", **claims)
    assert provider.open_id().subject_of(token) is None
    assert token not in caplog.text
