"""How much one caller may ask for in a time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ledger.desk.accounts import Account
from ledger_graphql import rates
from ledger_graphql.rates import REQUEST_COST, Buckets, RateExceeded, RateLimit, caller_of
from ledger_graphql.settings import ServiceSettings
from ledger_schema.sight import Sight
from tests.api.signed_in import signed_in


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_what_flows_in_again_may_be_taken_again() -> None:
    clock = Clock()
    buckets = Buckets(10, 100, clock)
    buckets.take("a", 100)
    with pytest.raises(RateExceeded) as refused:
        buckets.take("a", 25)
    assert refused.value.fields == {"wait_seconds": 3}
    clock.seconds = 2.5
    buckets.take("a", 25)
    with pytest.raises(RateExceeded):
        buckets.take("a", 1)


def test_callers_do_not_take_from_each_other() -> None:
    buckets = Buckets(1, 10, Clock())
    buckets.take("a", 10)
    buckets.take("b", 10)


def test_what_costs_more_than_a_bucket_holds_needs_a_full_one() -> None:
    clock = Clock()
    buckets = Buckets(1, 10, clock)
    buckets.take("a", 25)
    with pytest.raises(RateExceeded) as refused:
        buckets.take("a", 25)
    assert refused.value.fields == {"wait_seconds": 25}
    clock.seconds = 25
    buckets.take("a", 25)


def test_the_callers_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "CALLERS_MAX", 2)
    buckets = Buckets(1, 1, Clock())
    for caller in ("a", "b", "c"):
        buckets.take(caller, 1)
    with pytest.raises(RateExceeded):
        buckets.take("c", 1)
    buckets.take("a", 1)


@given(steps=st.lists(st.tuples(st.floats(0, 10), st.integers(0, 30)), max_size=40))
def test_nobody_takes_more_than_a_full_bucket_and_what_flowed_in(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    buckets = Buckets(5, 30, clock)
    taken = 0
    for pause, cost in steps:
        clock.seconds += pause
        try:
            buckets.take("a", cost)
        except RateExceeded:
            continue
        taken += cost
        assert taken <= 30 + 5 * clock.seconds + 1e-6


def test_the_key_is_the_account_where_there_is_one_else_the_address() -> None:
    async def answer(request: Request) -> Response:
        return PlainTextResponse(caller_of(request.scope))

    app = Starlette(routes=[Route("/", answer)])
    assert TestClient(app).get("/").text == "address testclient"
    account = Account(7, "li.si", "李四", "person", (), Sight())
    assert caller_of({"state": {"account": account}, "client": ("10.0.0.1", 1)}) == "account li.si"
    assert caller_of({}) == "address "


def test_every_request_takes_and_one_too_many_is_told_when_to_come_again() -> None:
    async def answer(_: Request) -> Response:
        return PlainTextResponse("done")

    buckets = Buckets(10, 2 * REQUEST_COST, Clock())
    limit = Middleware(RateLimit, buckets=buckets, key_of=lambda _scope: "one")
    client = TestClient(Starlette(routes=[Route("/{path:path}", answer)], middleware=[limit]))
    assert [client.get("/a").text for _ in range(2)] == ["done", "done"]
    refused = client.get("/a")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    assert refused.json()["code"] == "RATE_EXCEEDED"


def test_a_document_takes_its_cost_before_it_is_run(database_url: str) -> None:
    settings = ServiceSettings(rate_cost_per_second=1, rate_cost_burst=2 * REQUEST_COST + 500)
    asking = {"query": "{ zones(first: 200) { edges { node { code } } } }"}
    with signed_in(database_url, settings=settings) as client:
        assert client.post("/graphql", json=asking).json()["data"] == {"zones": {"edges": []}}
        refused = client.post("/graphql", json=asking)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        (error,) = refused.json()["errors"]
        assert error["extensions"]["code"] == "RATE_EXCEEDED"
