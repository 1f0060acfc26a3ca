"""Balances carried forward: each is added up again from the postings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import func, select

from ledger.desk.fsck.comparing import Mismatch, Scope, Told
from ledger.desk.postings import is_of_entry
from ledger.periods import Quarter
from ledger_schema.tables import account_balance, journal_entry, posting

Moved = dict[int, dict[int, int]]
"""By account and quarter (20243), what entries about the quarter posted."""


def check_balances(scope: Scope) -> Iterator[Mismatch]:
    """What each account held at each close is the sum of what the settlements closed by then post."""
    columns = account_balance.c
    wanted = [columns.agreement_id == scope.agreement_id]
    if scope.since is not None:
        wanted.append(columns.booked_quarter >= scope.since.code)
    yield from scope.compare([account_balance], _told(scope), *wanted)


def _told(scope: Scope) -> Iterator[Told]:
    moved = _moved(scope)
    held: dict[Quarter, Moved] = {}
    for said in scope.said("settlement_closed"):
        settlement_id, booked = int(said.data["settlement"]), Quarter.parse(said.data["quarter"])
        earlier = [quarter for quarter in held if quarter < booked]
        held[booked] = _added(held[max(earlier)] if earlier else {}, moved[settlement_id])
        if scope.since is not None and booked < scope.since:
            continue
        for account_id, quarters in moved[settlement_id].items():
            for quarter, balance_minor in _balances(held[booked][account_id], since=min(quarters)):
                values = {
                    "agreement_id": scope.agreement_id,
                    "account_id": account_id,
                    "quarter": quarter,
                    "booked_quarter": booked.code,
                    "settlement_id": settlement_id,
                    "balance_minor": balance_minor,
                }
                yield Told(account_balance, values)


def _moved(scope: Scope) -> defaultdict[int, Moved]:
    """What each settlement posts."""
    about = (posting.c.settlement_id, posting.c.account_id, journal_entry.c.quarter)
    rows = scope.connection.execute(
        select(*about, func.sum(posting.c.amount_minor).label("amount_minor"))
        .join(journal_entry, is_of_entry())
        .where(posting.c.agreement_id == scope.agreement_id)
        .group_by(*about)
    )
    found: defaultdict[int, Moved] = defaultdict(dict)
    for row in rows:
        found[row.settlement_id].setdefault(row.account_id, {})[row.quarter] = int(row.amount_minor)
    return found


def _added(held: Moved, moved: Moved) -> Moved:
    return {
        account_id: _sum(held.get(account_id, {}), moved.get(account_id, {}))
        for account_id in held.keys() | moved.keys()
    }


def _sum(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {quarter: one.get(quarter, 0) + other.get(quarter, 0) for quarter in one.keys() | other.keys()}


def _balances(quarters: Mapping[int, int], *, since: int) -> Iterator[tuple[int, int]]:
    """The running balance at each quarter from ``since`` on."""
    balance_minor = 0
    for quarter in sorted(quarters):
        balance_minor += quarters[quarter]
        if quarter >= since:
            yield quarter, balance_minor
