"""The keys with which an OpenID provider signs, fetched when they are needed and kept (RFC 7517)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any

import jwt

from ledger.errors import LedgerError

FRESH_SECONDS = 300
"""How long keys are taken for the provider's without asking again."""
PAUSE_SECONDS = 60
"""Between two questions to the provider, whatever strangers send and however it answers."""


class ProviderKeys:
    """``fetch`` gives the provider's key set and raises ``LedgerError`` where it can't.

    A key that is unknown, and keys that aren't fresh, make it ask again, but never sooner than after a pause.
    While the provider doesn't answer, the keys that are kept stay good.
    """

    def __init__(
        self, fetch: Callable[[], Mapping[str, Any]], clock: Callable[[], float] = monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at = self._asked_at = float("-inf")

    def key(self, key_id: str) -> jwt.PyJWK | None:
        """The provider's key of that id, if it has one."""
        now = self._clock()
        if (key_id not in self._keys or now - self._fetched_at >= FRESH_SECONDS) and self._may_ask(now):
            self._ask(now)
        return self._keys.get(key_id)

    def _may_ask(self, now: float) -> bool:
        """Whether this caller is the one who asks; the others go on with the keys that there are."""
        with self._lock:
            may = now - self._asked_at >= PAUSE_SECONDS
            if may:
                self._asked_at = now
            return may

    def _ask(self, now: float) -> None:
        try:
            found = jwt.PyJWKSet(_published(self._fetch()))
        except (LedgerError, jwt.PyJWTError):
            return
        self._keys = {key.key_id: key for key in found.keys if key.key_id and key.public_key_use != "enc"}
        self._fetched_at = now


def _published(key_set: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = key_set.get("keys")
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
