"""How much one account, or where nobody signed in one address, may ask for in a time."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from ledger.errors import LedgerError
from ledger_graphql.http_failures import refusal_to
from ledger_graphql.settings import ServiceSettings

REQUEST_COST = 100
"""What any request costs, besides what a GraphQL document costs."""
CALLERS_MAX = 10_000
"""Of how many callers the buckets are kept; one who was forgotten begins with a full one."""

KeyOf: TypeAlias = Callable[[Scope], str]


class RateExceeded(LedgerError):
    """The account or address has asked for more than it may in this time."""

    code = "RATE_EXCEEDED"
    sentence_en = "Too much was asked for in a short time. Send this again in {wait_seconds} s."
    sentence_zh = "短时间内请求过多，请在 {wait_seconds} 秒后重试。"


def caller_of(scope: Scope) -> str:
    """The account that the sign-in put into the scope's state, else the address that the request is from."""
    account = scope.get("state", {}).get("account")
    if account is not None:
        return f"account {account.name}"
    client = scope.get("client")
    return f"address {client[0] if client else ''}"


class Buckets:
    """Token buckets, one a caller: ``per_second`` flows in, at most ``burst`` is kept.

    They belong to one process: with several workers a caller has one in each.
    """

    def __init__(self, per_second: int, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, cost: int) -> None:
        """Takes ``cost`` out of the caller's bucket; what costs more than a bucket holds needs a full one.

        Raises ``RateExceeded``; then nothing was taken.
        """
        now = self._clock()
        level, since = self._levels.pop(caller, (float(self._burst), now))
        level = min(self._burst, level + (now - since) * self._per_second)
        lacking = min(cost, self._burst) - level
        self._levels[caller] = (level if lacking > 0 else level - cost, now)
        if len(self._levels) > CALLERS_MAX:
            self._levels.popitem(last=False)
        if lacking > 0:
            raise RateExceeded(wait_seconds=math.ceil(lacking / self._per_second))


def buckets_of(settings: ServiceSettings) -> Buckets:
    return Buckets(settings.rate_cost_per_second, settings.rate_cost_burst)


class RateLimit:
    """Takes for every request before anything is done about it. It stands behind the sign-in."""

    def __init__(self, app: ASGIApp, buckets: Buckets, key_of: KeyOf = caller_of) -> None:
        self._app = app
        self._buckets = buckets
        self._key_of = key_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._buckets.take(self._key_of(scope), REQUEST_COST)
            except RateExceeded as error:
                await refusal_to(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
