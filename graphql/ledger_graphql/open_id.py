"""OpenID Connect: accounts of a provider that sign in here (OpenID Connect Core 1.0, RFC 7636 for PKCE).

A bearer token is taken when it is a JSON Web Token that the provider signed, for this service, unexpired. The
page signs in with the authorization-code flow. The provider's answers are fetched over TLS, or on loopback.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt

from ledger.errors import LedgerError
from ledger_graphql.provider_keys import ProviderKeys

logger = logging.getLogger("ledger_graphql")

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signed by a key that only the provider has: no shared secrets, and never "none"."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
ANSWER_SECONDS_MAX = 10
ANSWER_BYTES_MAX = 1 << 20
CLOCK_SKEW_SECONDS = 30
CONFIGURATION_PATH = "/.well-known/openid-configuration"


class ProviderUnusable(LedgerError):
    """The provider can't be asked, or answers with something else than the standard says."""

    code = "PROVIDER_UNUSABLE"
    sentence_en = "The OpenID provider {issuer} gave no usable answer. Try again, or tell the operator."
    sentence_zh = "OpenID 提供方 {issuer} 未给出可用的答复。请重试或告知运维人员。"


class IdentityUnknown(LedgerError):
    """The provider vouched for somebody to whom no account is linked."""

    code = "IDENTITY_UNKNOWN"
    sentence_en = "Nobody signs in here as {subject} of {issuer}. Ask the operator to link the account."
    sentence_zh = "{issuer} 的 {subject} 未关联任何账号。请联系运维人员关联。"


class SignInInterrupted(LedgerError):
    """What came back from the provider isn't the answer to what was asked."""

    code = "SIGN_IN_INTERRUPTED"
    sentence_en = "This sign-in was not begun here, or took too long. Begin again at /sign-in."
    sentence_zh = "此次登录并非从本站发起，或已超时。请从 /sign-in 重新开始。"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: what the browser keeps until the provider sends it back."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Begun:
        """Three random values."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    def text(self) -> str:
        """For the cookie."""
        return ".".join((self.state, self.nonce, self.verifier))

    @classmethod
    def read(cls, text: str) -> Begun:
        """Raises ``SignInInterrupted``."""
        parts = text.split(".")
        if len(parts) != 3:
            raise SignInInterrupted
        return cls(*parts)


@dataclass(frozen=True)
class OpenId:
    """One provider. ``audience`` is what access tokens for this service name, beside the client's own id."""

    issuer: str
    client_id: str
    client_secret: str = ""
    audience: str = ""
    clock: Callable[[], float] = monotonic

    def __post_init__(self) -> None:
        address = urlsplit(self.issuer)
        if address.scheme != "https" and address.hostname not in LOOPBACK:
            raise ProviderUnusable(issuer=self.issuer)

    # --- bearer tokens ---

    def subject_of(self, token: str) -> str | None:
        """The subject of a token of the provider that is good for this service; None for any other text."""
        try:
            return str(self._claims(token)["sub"])
        except (jwt.PyJWTError, LedgerError) as error:
            logger.info("a token of the provider was refused: %s", type(error).__name__)
            return None

    def _claims(self, token: str) -> Mapping[str, Any]:
        audiences = [name for name in (self.client_id, self.audience) if name]
        key = self._keys.key(str(jwt.get_unverified_header(token).get("kid", "")))
        if key is None:
            raise jwt.InvalidKeyError
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=audiences,
            issuer=self.issuer,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        return claims

    # --- the page's flow ---

    def address_to_begin(self, begun: Begun, back: str) -> str:
        """Where the browser is sent. Raises ``ProviderUnusable``."""
        challenge = hashlib.sha256(begun.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": back,
            "scope": "openid",
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self._configuration['authorization_endpoint']}?{urlencode(asked)}"

    def subject_of_code(self, code: str, begun: Begun, back: str) -> str:
        """Who signed in, for the code that the provider sent along.

        Raises ``ProviderUnusable``, ``SignInInterrupted``.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": begun.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.client_secret:
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self.client_id
        answer = self._asked("POST", self._configuration["token_endpoint"], urlencode(form), headers)
        try:
            claims = self._claims(str(answer.get("id_token", "")))
        except jwt.PyJWTError as error:
            raise SignInInterrupted from error
        if not secrets.compare_digest(str(claims.get("nonce", "")), begun.nonce):
            raise SignInInterrupted
        return str(claims["sub"])

    # --- what the provider publishes ---

    @cached_property
    def _configuration(self) -> Mapping[str, str]:
        """OpenID Connect Discovery 1.0; it must speak of this very issuer."""
        found = self._asked("GET", self.issuer.rstrip("/") + CONFIGURATION_PATH)
        wanted = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != self.issuer or any(not isinstance(found.get(one), str) for one in wanted):
            raise ProviderUnusable(issuer=self.issuer)
        return {one: found[one] for one in wanted}

    @cached_property
    def _keys(self) -> ProviderKeys:
        return ProviderKeys(lambda: self._asked("GET", self._configuration["jwks_uri"]), self.clock)

    def _asked(
        self, method: str, address: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """The JSON object that the provider answers with. Raises ``ProviderUnusable``."""
        parts = urlsplit(address)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        if kind is HTTPConnection and parts.hostname not in LOOPBACK:
            raise ProviderUnusable(issuer=self.issuer)
        connection = kind(parts.netloc, timeout=ANSWER_SECONDS_MAX)
        try:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request(method, path, body, {"Accept": "application/json", **(headers or {})})
            response = connection.getresponse()
            answer = json.loads(response.read(ANSWER_BYTES_MAX))
        except (OSError, HTTPException, ValueError) as error:
            raise ProviderUnusable(issuer=self.issuer) from error
        finally:
            connection.close()
        if response.status != 200 or not isinstance(answer, dict):
            raise ProviderUnusable(issuer=self.issuer)
        return answer
