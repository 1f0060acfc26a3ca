"""Bundles of closed quarters over HTTP."""

from __future__ import annotations

from anyio import CapacityLimiter
from starlette.routing import Route

from ledger.desk import agreements
from ledger.desk.bundles import closed_settlement_of
from ledger.periods import Quarter
from ledger_graphql.bundles import bundle_file
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.files import Download, Parameters, given, sender


def routes(desk: OpenDesk, limiter: CapacityLimiter) -> list[Route]:
    """The download, made in a worker thread from one snapshot."""
    return [Route("/bundle", sender(desk, limiter, _bundle))]


def _bundle(desk: Desk, parameters: Parameters) -> Download:
    """Of the settlement with which a quarter was closed."""
    code, quarter = given(parameters, "agreement"), Quarter.parse(given(parameters, "quarter"))
    agreement_id = agreements.agreement_by_code(desk.snapshot, code).agreement_id
    settlement_id = closed_settlement_of(desk.snapshot, agreement_id, quarter)
    content = bundle_file(desk, agreement_id, settlement_id)
    return Download(f"{code}-{quarter}.bundle.json", "application/json", content)
