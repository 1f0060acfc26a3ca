"""An agreement's journal to take along: its entries, close by close, and what each account must then hold.

The balances at each close are the ledger's own, added up by the database; whoever adds up the entries again
must arrive at them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.desk import agreements, roster
from ledger.desk.history import balances
from ledger.desk.settlements.journal import Account, Entry, entries
from ledger.desk.settlements.reading import Settlement, closed_settlements, settlement
from ledger.desk.settlements.replays import Cause
from ledger.desk.statements.reading import QuarterNotClosed, identifier_of
from ledger.periods import Quarter
from ledger.rules.fields import Bilingual


@dataclass(frozen=True, slots=True)
class BookedSettlement:
    """One settlement's entries. ``balances``: every account's after its close; None where it isn't closed."""

    quarter: Quarter
    identifier: str
    causes: Sequence[Cause]
    entries: Sequence[Entry]
    balances: Mapping[Account, int] | None


@dataclass(frozen=True, slots=True)
class Journal:
    """Settlements in order, after what the accounts held before (``opening``; empty from the beginning)."""

    agreement_code: str
    title: Bilingual
    opening: Mapping[Account, int]
    settlements: Sequence[BookedSettlement]
    party_codes: Mapping[int, str]

    @property
    def accounts(self) -> list[Account]:
        """Every account that holds or held something, in the order of clauses."""
        return _accounts(self.opening, self.settlements)


def settlement_journal(connection: Connection, agreement_id: int, settlement_id: int) -> Journal:
    """One settlement's journal, closed or not, after the balances at the close before it.

    Raises ``NotFound``.
    """
    settled = settlement(connection, agreement_id, settlement_id)
    previous_id = settled.inputs.previous_settlement_id
    opening: Mapping[Account, int] = {}
    if previous_id is not None:
        opening = _balances(connection, settlement(connection, agreement_id, previous_id))
    return _journal(connection, agreement_id, opening, [settled])


def agreement_journal(
    connection: Connection, agreement_id: int, through: Quarter, known_at: datetime | None = None
) -> Journal:
    """Everything booked from the beginning through a closed quarter, as known at a moment (None: now).

    Raises ``NotFound`` and ``QuarterNotClosed``.
    """
    code = agreements.agreement(connection, agreement_id).code
    closed = closed_settlements(connection, agreement_id, known_at)
    wanted = [one for one in closed if one.booked_quarter <= through]
    if not wanted or wanted[-1].booked_quarter != through:
        raise QuarterNotClosed(through, code)
    return _journal(connection, agreement_id, {}, wanted)


def _journal(
    connection: Connection, agreement_id: int, opening: Mapping[Account, int], settled: Sequence[Settlement]
) -> Journal:
    agreement = agreements.agreement(connection, agreement_id)
    booked = [_booked(connection, one) for one in settled]
    party_ids = {one.party_id for one in _accounts(opening, booked) if one.party_id is not None}
    parties = roster.parties_by_id(connection, list(party_ids))
    return Journal(
        agreement_code=agreement.code,
        title=Bilingual(zh=agreement.title_zh, en=agreement.title_en),
        opening=opening,
        settlements=booked,
        party_codes={party_id: party.code for party_id, party in parties.items()},
    )


def _booked(connection: Connection, settled: Settlement) -> BookedSettlement:
    return BookedSettlement(
        quarter=settled.booked_quarter,
        identifier=identifier_of(settled.settlement_id, settled.allocations_hash),
        causes=settled.causes,
        entries=entries(connection, settled.agreement_id, settled.settlement_id),
        balances=_balances(connection, settled) if settled.is_closed else None,
    )


def _balances(connection: Connection, closed: Settlement) -> dict[Account, int]:
    """What every account of the agreement held when the settlement had closed its quarter."""
    held = balances(
        connection,
        agreement_id=closed.agreement_id,
        through=closed.booked_quarter,
        known_at=closed.closed_at,
    )
    return {
        Account(
            one.account_id, one.party_id, one.kind, one.clause, one.book, one.commodity_id
        ): one.amount_minor
        for one in held
    }


def _accounts(opening: Iterable[Account], booked: Sequence[BookedSettlement]) -> list[Account]:
    posted = {posting.account for one in booked for entry in one.entries for posting in entry.postings}
    return sorted(
        posted.union(opening),
        key=lambda one: (one.clause, one.book, one.kind != "source", one.kind, one.account_id),
    )
