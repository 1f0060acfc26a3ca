"""Bundles and excerpts of closed quarters over HTTP."""

from __future__ import annotations

from typing import NamedTuple

from anyio import CapacityLimiter
from starlette.routing import Route

from ledger.desk import agreements
from ledger.desk.bundles import closed_settlement_of
from ledger.periods import Quarter
from ledger_graphql.bundles import bundle_file, excerpt_file
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.files import Download, Parameters, given, sender


def routes(desk: OpenDesk, limiter: CapacityLimiter) -> list[Route]:
    """The downloads, made in a worker thread from one snapshot."""
    return [
        Route("/bundle", sender(desk, limiter, _bundle)),
        Route("/excerpt", sender(desk, limiter, _excerpt)),
    ]


def _bundle(desk: Desk, parameters: Parameters) -> Download:
    """Of the settlement with which a quarter was closed."""
    named = _named(desk, parameters)
    content = bundle_file(desk, named.agreement_id, named.settlement_id)
    return Download(f"{named.title}.bundle.json", "application/json", content)


def _excerpt(desk: Desk, parameters: Parameters) -> Download:
    """What that settlement says of one enterprise."""
    named, credit_code = _named(desk, parameters), given(parameters, "enterprise")
    content = excerpt_file(desk, named.agreement_id, named.settlement_id, credit_code)
    return Download(f"{named.title}-{credit_code}.excerpt.json", "application/json", content)


class _Named(NamedTuple):
    title: str
    agreement_id: int
    settlement_id: int


def _named(desk: Desk, parameters: Parameters) -> _Named:
    code, quarter = given(parameters, "agreement"), Quarter.parse(given(parameters, "quarter"))
    agreement_id = agreements.agreement_by_code(desk.snapshot, code).agreement_id
    settlement_id = closed_settlement_of(desk.snapshot, agreement_id, quarter)
    return _Named(f"{code}-{quarter}", agreement_id, settlement_id)
