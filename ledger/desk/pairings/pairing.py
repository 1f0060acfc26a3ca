"""One pairing: everything between two groups of parties, as far as the session may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from ledger.desk.commitments import STANDINGS
from ledger.desk.pairings.groups import Group, members
from ledger.desk.settlements.replays import BOOK_BY_ID
from ledger.periods import Quarter
from ledger.rules.terms import Book, Mechanism

# An agreement joins two groups where a party of one and another party of the other take part.
AGREEMENTS = text("""
    SELECT agreement_id, kind FROM agreement
    WHERE EXISTS (
        SELECT FROM agreement_party AS mine JOIN agreement_party AS theirs USING (agreement_id)
        WHERE agreement_id = agreement.agreement_id AND mine.party_id = ANY(:one)
            AND theirs.party_id = ANY(:other) AND mine.party_id <> theirs.party_id)
    ORDER BY code
""")
FLOWS = text("""
    SELECT booked_quarter, mechanism, commodity_id, payer_party_id = ANY(:one) AS from_one,
        sum(amount_minor)::bigint AS amount_minor
    FROM settled_flow
    WHERE agreement_id = ANY(:agreements) AND booked_quarter BETWEEN :first AND :last
        AND (payer_party_id = ANY(:one) AND payee_party_id = ANY(:other)
            OR payer_party_id = ANY(:other) AND payee_party_id = ANY(:one))
    GROUP BY 1, 2, 3, 4 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4
""")
CREDITS = text("""
    SELECT booked_quarter, book_id, commodity_id, party_id = ANY(:one) AS to_one,
        sum(amount_minor)::bigint AS amount_minor
    FROM settled_credit
    WHERE agreement_id = ANY(:agreements) AND booked_quarter BETWEEN :first AND :last
        AND (party_id = ANY(:one) OR party_id = ANY(:other))
    GROUP BY 1, 2, 3, 4 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4
""")
# A leg is void where its quarter was reopened; what is left of a netting rests on no one settlement.
DEBTS = text("""
    SELECT payer_party_id = ANY(:one) AS from_one, commodity_id,
        coalesce(sum(amount_minor) FILTER (WHERE kind <> 'net'), 0)::bigint AS raised_minor,
        coalesce(sum(paid), 0)::bigint AS paid_minor, coalesce(sum(waived), 0)::bigint AS waived_minor,
        sum(amount_minor - cleared)::bigint AS open_minor,
        coalesce(sum(amount_minor - cleared)
            FILTER (WHERE coalesce(second_day, due_day) < :today), 0)::bigint AS overdue_minor
    FROM leg CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount_minor), 0) AS cleared,
            sum(amount_minor) FILTER (WHERE kind = 'payment') AS paid,
            sum(amount_minor) FILTER (WHERE kind = 'waiver') AS waived
        FROM leg_clearing WHERE leg_clearing.leg_id = leg.leg_id
    ) AS clearings
    WHERE (payer_party_id = ANY(:one) AND payee_party_id = ANY(:other)
            OR payer_party_id = ANY(:other) AND payee_party_id = ANY(:one))
        AND (agreement_id IS NULL OR EXISTS (
            SELECT FROM agreement_quarter AS closed
            WHERE closed.agreement_id = leg.agreement_id AND closed.quarter = leg.booked_quarter
                AND closed.settlement_id = leg.settlement_id))
    GROUP BY 1, 2 ORDER BY 1, 2
""")
# A dispute is over when an offer is accepted or the arbiter has decided.
DISPUTES = text("""
    SELECT count(*) FILTER (WHERE NOT is_over) AS open_count, count(*) FILTER (WHERE is_over) AS ended_count
    FROM (
        SELECT bool_or(kind IN ('acceptance', 'arbitration')) AS is_over FROM reconciliation_step
        WHERE agreement_id = ANY(:agreements)
        GROUP BY agreement_id, item HAVING bool_or(kind = 'dispute')
    ) AS disputes
""")
COMMITMENTS = """
    SELECT state, count(*) AS commitment_count FROM standing WHERE agreement_id = ANY(:agreements)
    GROUP BY state
"""


@dataclass(frozen=True, slots=True)
class Flow:
    """What a quarter made due between the two; ``from_one``: from the first group to the other.

    Negative amounts are what flows back.
    """

    quarter: Quarter
    mechanism: Mechanism
    commodity_id: int
    from_one: bool
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Credit:
    """What a quarter credited to the first group (``to_one``) or the other, in one book."""

    quarter: Quarter
    book: Book
    commodity_id: int
    to_one: bool
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Debt:
    """What one of the two owes the other, all told, as of a day."""

    from_one: bool
    commodity_id: int
    raised_minor: int
    paid_minor: int
    waived_minor: int
    open_minor: int
    overdue_minor: int


@dataclass(frozen=True, slots=True)
class Disputes:
    open_count: int
    ended_count: int


@dataclass(frozen=True, slots=True)
class Pairing:
    """Everything between two groups. ``agreement_ids`` are by code; ``commitments`` count by state."""

    one: Group
    other: Group
    first: Quarter
    last: Quarter
    today: date
    agreement_ids: list[int]
    kinds: Mapping[str, int]
    flows: list[Flow]
    credits: list[Credit]
    debts: list[Debt]
    disputes: Disputes
    commitments: Mapping[str, int]


def pairing(
    connection: Connection, one: Group, other: Group, first: Quarter, last: Quarter, today: date
) -> Pairing:
    """What is between the groups: flows and credits of quarters booked from ``first`` to ``last``.

    Debts, disputes and commitments are as of ``today``. Raises ``GroupEmpty``.
    """
    parties = {"one": members(connection, one), "other": members(connection, other)}
    found = connection.execute(AGREEMENTS, parties).all()
    agreement_ids = [row.agreement_id for row in found]
    kinds: dict[str, int] = {}
    for row in found:
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
    between = {**parties, "agreements": agreement_ids, "first": first.code, "last": last.code}
    return Pairing(
        one=one,
        other=other,
        first=first,
        last=last,
        today=today,
        agreement_ids=agreement_ids,
        kinds=dict(sorted(kinds.items())),
        flows=_flows(connection, between),
        credits=_credits(connection, between),
        debts=[Debt(**row._mapping) for row in connection.execute(DEBTS, {**parties, "today": today})],
        disputes=Disputes(*connection.execute(DISPUTES, {"agreements": agreement_ids}).one()),
        commitments=_commitments(connection, agreement_ids, today),
    )


def _flows(connection: Connection, between: Mapping[str, Any]) -> list[Flow]:
    return [
        Flow(
            Quarter.from_code(row.booked_quarter),
            Mechanism(row.mechanism),
            row.commodity_id,
            row.from_one,
            row.amount_minor,
        )
        for row in connection.execute(FLOWS, between)
    ]


def _credits(connection: Connection, between: Mapping[str, Any]) -> list[Credit]:
    return [
        Credit(
            Quarter.from_code(row.booked_quarter),
            BOOK_BY_ID[row.book_id],
            row.commodity_id,
            row.to_one,
            row.amount_minor,
        )
        for row in connection.execute(CREDITS, between)
    ]


def _commitments(connection: Connection, agreement_ids: list[int], today: date) -> dict[str, int]:
    rows = connection.execute(text(STANDINGS + COMMITMENTS), {"agreements": agreement_ids, "today": today})
    return {row.state: row.commitment_count for row in rows}
