"""The whole nation at a glance: a matrix, a ranking, and how it went over the years. Sums only.

These sums are open to every province, also where the agreements behind them aren't: whoever shows them runs
them with a session that sees everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, TextClause

from ledger.desk.days import ALWAYS
from ledger.desk.pairings.groups import KEYS, NORTH, SIDES, Group, GroupKind, members
from ledger.desk.pairings.known import flows_known, of_quarters
from ledger.measures import YUAN
from ledger.periods import Quarter
from ledger.rules.terms import Mechanism

Grouping = Literal["province", "region", "half"]

MATRIX = """
    WITH keyed AS MATERIALIZED (SELECT party_id, {key} AS key FROM party),
    flowed AS MATERIALIZED (
        SELECT payer_party_id, payee_party_id, mechanism, sum(amount_minor) AS amount_minor
        FROM {flows} WHERE booked_quarter BETWEEN :first AND :last AND commodity_id = :money
        GROUP BY 1, 2, 3
    )
    SELECT payer.key AS payer, payee.key AS payee, mechanism, sum(amount_minor)::bigint AS amount_minor
    FROM flowed JOIN keyed AS payer ON payer.party_id = payer_party_id
        JOIN keyed AS payee ON payee.party_id = payee_party_id
    GROUP BY 1, 2, 3 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3
"""
# Legs and the clearings that left nothing of them are read side by side off two indexes, both by leg.
RANKING = """
    WITH keyed AS MATERIALIZED (SELECT party_id, {key} AS key FROM party),
    flowed AS MATERIALIZED (
        SELECT payer_party_id, payee_party_id, sum(amount_minor) AS amount_minor
        FROM {flows} WHERE booked_quarter BETWEEN :first AND :last AND commodity_id = :money
        GROUP BY 1, 2
    ),
    unpaid AS MATERIALIZED (
        SELECT leg_id, agreement_id, booked_quarter, settlement_id, payer_party_id, amount_minor
        FROM leg LEFT JOIN (
            SELECT leg_id AS paid_leg_id FROM leg_clearing WHERE open_minor = 0 AND recorded_at <= :known_at
            ORDER BY leg_id OFFSET 0
        ) AS paid ON paid_leg_id = leg_id
        WHERE coalesce(second_day, due_day) < :today AND commodity_id = :money AND recorded_at <= :known_at
            AND paid_leg_id IS NULL
    ),
    late AS MATERIALIZED (
        SELECT payer_party_id, sum(amount_minor - (
            SELECT coalesce(sum(amount_minor), 0) FROM leg_clearing
            WHERE leg_clearing.leg_id = unpaid.leg_id AND recorded_at <= :known_at
        )) AS amount_minor
        FROM unpaid LEFT JOIN quarter_reopened AS void
            ON void.agreement_id = unpaid.agreement_id AND void.booked_quarter = unpaid.booked_quarter
                AND void.settlement_id = unpaid.settlement_id AND reopened_at <= :known_at
        WHERE void.settlement_id IS NULL
        GROUP BY 1
    ),
    counted AS (
        SELECT key, count(DISTINCT agreement_id) AS agreement_count
        FROM agreement JOIN agreement_party USING (agreement_id) JOIN keyed USING (party_id)
        WHERE recorded_at <= :known_at
        GROUP BY 1
    )
    SELECT key, agreement_count, coalesce(sum(paid), 0)::bigint AS paid_minor,
        coalesce(sum(received), 0)::bigint AS received_minor,
        coalesce(sum(overdue), 0)::bigint AS overdue_minor
    FROM counted LEFT JOIN (
        SELECT key, amount_minor AS paid, 0 AS received, 0 AS overdue
        FROM flowed JOIN keyed ON party_id = payer_party_id
        UNION ALL
        SELECT key, 0, amount_minor, 0 FROM flowed JOIN keyed ON party_id = payee_party_id
        UNION ALL
        SELECT key, 0, 0, amount_minor FROM late JOIN keyed ON party_id = payer_party_id
    ) AS moved USING (key)
    GROUP BY key, agreement_count
    ORDER BY coalesce(sum(paid), 0) + coalesce(sum(received), 0) DESC, key
    LIMIT :most
"""
TREND = """
    SELECT booked_quarter / 10 AS year, mechanism, sum(amount_minor)::bigint AS amount_minor
    FROM {flows} WHERE booked_quarter BETWEEN :first AND :last AND commodity_id = :money
    GROUP BY 1, 2 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2
"""
TREND_BETWEEN = """
    SELECT booked_quarter / 10 AS year, mechanism, sum(amount_minor)::bigint AS amount_minor
    FROM {flows} JOIN side AS payer ON payer.party_id = payer_party_id
        JOIN side AS payee ON payee.party_id = payee_party_id
    WHERE booked_quarter BETWEEN :first AND :last AND commodity_id = :money
        AND (payer.in_one AND payee.in_other OR payer.in_other AND payee.in_one)
    GROUP BY 1, 2 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2
"""
RANKED_MOST = 500


@dataclass(frozen=True, slots=True)
class Cell:
    """What parties of one group owed parties of another by a mechanism, in fen; ``""``: province unknown."""

    payer: str
    payee: str
    mechanism: Mechanism
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Rank:
    """A group's place: agreements it takes part in, what it owed and was owed, what it is late with; fen."""

    place: int
    key: str
    agreement_count: int
    paid_minor: int
    received_minor: int
    overdue_minor: int


@dataclass(frozen=True, slots=True)
class Year:
    """What flowed in the quarters booked in a year by a mechanism, in fen."""

    year: int
    mechanism: Mechanism
    amount_minor: int


def matrix(
    connection: Connection, by: Grouping, first: Quarter, last: Quarter, known_at: datetime | None = None
) -> list[Cell]:
    """Who owed whom how much by mechanism, of quarters booked from ``first`` to ``last``; by payer, payee.

    As known at a moment (None: now).
    """
    rows = connection.execute(_told(MATRIX, known_at, by), _parameters(by, first, last, known_at))
    return [Cell(row.payer, row.payee, Mechanism(row.mechanism), row.amount_minor) for row in rows]


def ranking(
    connection: Connection,
    by: GroupKind,
    first: Quarter,
    last: Quarter,
    today: date,
    most: int,
    known_at: datetime | None = None,
) -> list[Rank]:
    """The groups with any agreement by what flowed, the most first; at most ``most``.

    As known at a moment (None: now).
    """
    parameters = _parameters(by, first, last, known_at) | {"today": today, "most": min(most, RANKED_MOST)}
    rows = connection.execute(_told(RANKING, known_at, by), parameters)
    return [Rank(place, *row) for place, row in enumerate(rows, start=1)]


def trend(
    connection: Connection,
    first: Quarter,
    last: Quarter,
    between: tuple[Group, Group] | None = None,
    known_at: datetime | None = None,
) -> list[Year]:
    """What flowed year by year, in the nation or between two groups, as known at a moment (None: now).

    Raises ``GroupEmpty``.
    """
    parameters = _parameters("province", first, last, known_at)
    if between is not None:
        one, other = (members(connection, group, known_at) for group in between)
        parameters |= {"one": one, "other": other}
    statement = TREND if between is None else SIDES + TREND_BETWEEN
    rows = connection.execute(_told(statement, known_at), parameters)
    return [Year(row.year, Mechanism(row.mechanism), row.amount_minor) for row in rows]


def _told(statement: str, known_at: datetime | None, by: GroupKind = "party") -> TextClause:
    return of_quarters(statement.format(key=KEYS[by], flows=flows_known(known_at)))


def _parameters(by: GroupKind, first: Quarter, last: Quarter, known_at: datetime | None) -> dict[str, Any]:
    parameters = {
        "first": first.code,
        "last": last.code,
        "money": YUAN.commodity_id,
        "known_at": known_at or ALWAYS,
    }
    return parameters | ({"north": list(NORTH)} if by == "half" else {})
