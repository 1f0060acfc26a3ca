"""For whom nothing of a quarter is left to reconcile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from ledger.desk import agreements, returns
from ledger.desk.reconciliation.disputes import State
from ledger.desk.reconciliation.ladder import Excepted
from ledger.desk.reconciliation.reading import Item, excepted, items
from ledger.periods import Quarter
from ledger.rules.procedure import Reconciliation


def reconciled_roles(connection: Connection, agreement_id: int, quarter: Quarter) -> dict[str, datetime]:
    """The compared roles whose turn it isn't, each since when; what is withheld waits for nobody.

    While one of two compared returns isn't there, neither role has reconciled.
    """
    versions = agreements.terms_in_force(connection, agreement_id)
    compared = agreements.procedure_at(versions, quarter).reconciliations
    filings = {
        slot: filing
        for slot, filing in returns.current_filings(connection, agreement_id).items()
        if slot[0] == quarter
    }
    of_quarter = {one.number: one for one in items(connection, agreement_id) if one.quarter == quarter}
    exceptions = excepted(connection, agreement_id, versions, filings, quarter)
    waiting = {
        role
        for (_, record, _), one in exceptions.items()
        for role in _whose_turn(one, record, compared, of_quarter)
    }
    since = max(
        [
            *(filing.recorded_at for filing in filings.values()),
            *(one.last_step_at for one in of_quarter.values()),
        ],
        default=None,
    )
    both = {role for one in compared for role in _roles_with_returns(one, filings)}
    return {} if since is None else dict.fromkeys(both - waiting, since)


def _roles_with_returns(
    one: Reconciliation, filings: Mapping[tuple[Quarter, str], returns.Filing]
) -> tuple[str, ...]:
    roles = (one.record, one.against)
    handed_in = {role for _, role in filings}
    return roles if handed_in.issuperset(roles) else ()


def _whose_turn(
    one: Excepted, record: str, compared: Iterable[Reconciliation], of_quarter: Mapping[int, Item]
) -> Iterator[str]:
    if one.item is not None:
        standing = of_quarter[one.item].standing
        if standing.owner is not None and standing.state is not State.WITHHELD:
            yield standing.owner
    elif one.counts_minor is None:
        yield from (role for each in compared if each.record == record for role in (record, each.against))
