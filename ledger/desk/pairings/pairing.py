"""One pairing: everything between two groups of parties, as far as the session may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from ledger.desk.commitments import STANDINGS
from ledger.desk.days import ALWAYS
from ledger.desk.pairings.groups import SIDES, Group, members
from ledger.desk.pairings.known import credits_known, flows_known, of_quarters
from ledger.desk.settlements.replays import BOOK_BY_ID
from ledger.periods import Quarter
from ledger.rules.terms import Book, Mechanism

# An agreement joins two groups where a party of one and another party of the other take part.
AGREEMENTS = text("""
    SELECT agreement_id, kind FROM agreement
    WHERE recorded_at <= :known_at AND EXISTS (
        SELECT FROM agreement_party AS mine JOIN agreement_party AS theirs USING (agreement_id)
        WHERE agreement_id = agreement.agreement_id AND mine.party_id = ANY(:one)
            AND theirs.party_id = ANY(:other) AND mine.party_id <> theirs.party_id)
    ORDER BY code
""")
FLOWS = """
    SELECT booked_quarter, mechanism, commodity_id, payer.in_one AS from_one,
        sum(amount_minor)::bigint AS amount_minor
    FROM {flows} JOIN side AS payer ON payer.party_id = payer_party_id
        JOIN side AS payee ON payee.party_id = payee_party_id
    WHERE agreement_id = ANY(:agreements) AND booked_quarter BETWEEN :first AND :last
        AND (payer.in_one AND payee.in_other OR payer.in_other AND payee.in_one)
    GROUP BY 1, 2, 3, 4 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4
"""
CREDITS = """
    SELECT booked_quarter, book_id, commodity_id, in_one AS to_one,
        sum(amount_minor)::bigint AS amount_minor
    FROM {credits} JOIN side USING (party_id)
    WHERE agreement_id = ANY(:agreements) AND booked_quarter BETWEEN :first AND :last
        AND (in_one OR in_other)
    GROUP BY 1, 2, 3, 4 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4
"""
# A leg is void where its quarter was reopened; what is left of a netting rests on no one settlement. The
# clearings of all legs that count alike are read at once, in the order of their index.
DEBTS = """
    , owed AS MATERIALIZED (
        SELECT in_one AS from_one, commodity_id, kind = 'net' AS is_net,
            coalesce(second_day, due_day) < :today AS is_late,
            sum(amount_minor) AS amount_minor, array_agg(leg_id) AS leg_ids
        FROM leg JOIN side ON party_id = payer_party_id
        WHERE (payer_party_id = ANY(:one) AND payee_party_id = ANY(:other)
                OR payer_party_id = ANY(:other) AND payee_party_id = ANY(:one))
            AND recorded_at <= :known_at AND NOT EXISTS (
                SELECT FROM quarter_reopened AS void
                WHERE void.agreement_id = leg.agreement_id AND void.booked_quarter = leg.booked_quarter
                    AND void.settlement_id = leg.settlement_id AND reopened_at <= :known_at)
        GROUP BY 1, 2, 3, 4
    )
    SELECT from_one, commodity_id,
        coalesce(sum(amount_minor) FILTER (WHERE NOT is_net), 0)::bigint AS raised_minor,
        sum(paid_minor)::bigint AS paid_minor,
        sum(waived_minor)::bigint AS waived_minor,
        sum(amount_minor - cleared_minor)::bigint AS open_minor,
        coalesce(sum(amount_minor - cleared_minor) FILTER (WHERE is_late), 0)::bigint AS overdue_minor
    FROM owed CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'payment'), 0) AS paid_minor,
            coalesce(sum(amount_minor) FILTER (WHERE kind = 'waiver'), 0) AS waived_minor,
            coalesce(sum(amount_minor), 0) AS cleared_minor
        FROM leg_clearing WHERE leg_id = ANY(leg_ids) AND recorded_at <= :known_at
    ) AS cleared
    GROUP BY 1, 2 ORDER BY 1, 2
"""
# A dispute is over when an offer is accepted or the arbiter has decided.
DISPUTES = text("""
    SELECT count(*) FILTER (WHERE NOT is_over) AS open_count, count(*) FILTER (WHERE is_over) AS ended_count
    FROM (
        SELECT bool_or(kind IN ('acceptance', 'arbitration')) AS is_over FROM reconciliation_step
        WHERE agreement_id = ANY(:agreements) AND recorded_at <= :known_at
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
    known_at: datetime | None


def pairing(
    connection: Connection,
    one: Group,
    other: Group,
    first: Quarter,
    last: Quarter,
    today: date,
    known_at: datetime | None = None,
) -> Pairing:
    """What is between the groups: flows and credits of quarters booked from ``first`` to ``last``.

    Debts, disputes and commitments are as of ``today``; all is as known at a moment (None: now). Raises
    ``GroupEmpty``.
    """
    asked: dict[str, Any] = {
        "one": members(connection, one, known_at),
        "other": members(connection, other, known_at),
        "today": today,
        "known_at": known_at or ALWAYS,
    }
    found = connection.execute(AGREEMENTS, asked).all()
    agreement_ids = [row.agreement_id for row in found]
    kinds: dict[str, int] = {}
    for row in found:
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
    asked |= {"agreements": agreement_ids, "first": first.code, "last": last.code}
    return Pairing(
        one=one,
        other=other,
        first=first,
        last=last,
        today=today,
        agreement_ids=agreement_ids,
        kinds=dict(sorted(kinds.items())),
        flows=_flows(connection, asked, known_at),
        credits=_credits(connection, asked, known_at),
        debts=[Debt(**row._mapping) for row in connection.execute(text(SIDES + DEBTS), asked)],
        disputes=Disputes(*connection.execute(DISPUTES, asked).one()),
        commitments=_commitments(connection, asked),
        known_at=known_at,
    )


def _flows(connection: Connection, asked: Mapping[str, Any], known_at: datetime | None) -> list[Flow]:
    flows = of_quarters(SIDES + FLOWS.format(flows=flows_known(known_at)))
    return [
        Flow(
            Quarter.from_code(row.booked_quarter),
            Mechanism(row.mechanism),
            row.commodity_id,
            row.from_one,
            row.amount_minor,
        )
        for row in connection.execute(flows, asked)
    ]


def _credits(connection: Connection, asked: Mapping[str, Any], known_at: datetime | None) -> list[Credit]:
    credits = of_quarters(SIDES + CREDITS.format(credits=credits_known(known_at)))
    return [
        Credit(
            Quarter.from_code(row.booked_quarter),
            BOOK_BY_ID[row.book_id],
            row.commodity_id,
            row.to_one,
            row.amount_minor,
        )
        for row in connection.execute(credits, asked)
    ]


def _commitments(connection: Connection, asked: Mapping[str, Any]) -> dict[str, int]:
    rows = connection.execute(text(STANDINGS + COMMITMENTS), asked)
    return {row.state: row.commitment_count for row in rows}
