"""Evaluating an agreement for a year: kept, partly or not, with its figures frozen as known then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from ledger.desk import agreements, roster
from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.commitments import commitments
from ledger.desk.days import today
from ledger.desk.failures import choice_faults, refuse
from ledger.desk.people import person_faults
from ledger.desk.reviews.faults import refuse_unsuited
from ledger.desk.reviews.reviewing import content_faults
from ledger.desk.settlements.replays import BOOK_BY_ID
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.measures import COMMODITY_BY_ID
from ledger.money import format_amount
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import evaluation as evaluation_table

VERDICTS = ("kept", "partly", "not_kept")
"""履约, 部分履约, 未履约."""

FIGURES_FORMAT = "parkledger.evaluation/1"
YEAR_MIN = 1949

FLOWS = text("""
    SELECT booked_quarter, mechanism, commodity_id, payer.code AS payer, payee.code AS payee,
        sum(amount_minor)::bigint AS amount_minor
    FROM settled_flow JOIN party AS payer ON payer.party_id = payer_party_id
        JOIN party AS payee ON payee.party_id = payee_party_id
    WHERE agreement_id = :agreement AND booked_quarter / 10 = :year
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4, 5
""")
CREDITS = text("""
    SELECT booked_quarter, book_id, commodity_id, party.code AS party,
        sum(amount_minor)::bigint AS amount_minor
    FROM settled_credit JOIN party USING (party_id)
    WHERE agreement_id = :agreement AND booked_quarter / 10 = :year
    GROUP BY 1, 2, 3, 4 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4
""")
DEBTS = text("""
    SELECT commodity_id, sum(amount_minor)::bigint AS raised, sum(amount_minor - cleared)::bigint AS open,
        coalesce(sum(amount_minor - cleared)
            FILTER (WHERE coalesce(second_day, due_day) < :today), 0)::bigint AS overdue
    FROM leg JOIN agreement_quarter AS closed ON closed.agreement_id = leg.agreement_id
            AND closed.quarter = leg.booked_quarter AND closed.settlement_id = leg.settlement_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_minor), 0) AS cleared FROM leg_clearing
            WHERE leg_clearing.leg_id = leg.leg_id
        ) AS clearings
    WHERE leg.agreement_id = :agreement AND leg.booked_quarter / 10 = :year
    GROUP BY 1 ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class EvaluationDraft:
    """What a province says about how an agreement was kept in a year."""

    reviewer_code: str
    person: str
    year: int
    verdict: str
    remark: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation; ``figures`` are RFC 8785 JSON as known at ``known_at``, never to change.

    A later one of the same reviewer and year takes its place.
    """

    agreement_id: int
    year: int
    reviewer_party_id: int
    sequence: int
    verdict: str
    remark: str
    person: str
    figures: bytes
    figures_hash: bytes
    known_at: datetime


def evaluate_agreement(database: Database, act: Act, agreement_id: int, draft: EvaluationDraft) -> Done[int]:
    """Records the evaluation with the year's figures as known now; returns its sequence.

    Raises ``NotFound``, ``ReviewerUnsuited``, ``RequestRefused``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(agreement_id))
        found = agreements.agreement(connection, agreement_id)
        day = today(connection)
        refuse(_draft_faults(draft, day.year))
        reviewer = roster.party_by_code(connection, draft.reviewer_code)
        parties = roster.parties_by_id(connection, [side.party_id for side in found.parties])
        refuse_unsuited(reviewer, list(parties.values()))
        key = {
            "agreement_id": agreement_id,
            "year": draft.year,
            "reviewer_party_id": reviewer.party_id,
            "sequence": _last(connection, agreement_id, draft.year, reviewer.party_id) + 1,
        }
        known_at = connection.execute(select(func.now())).scalar_one()
        figures = figures_of(connection, agreement_id, draft.year, day)
        said: dict[str, Json] = {
            **_described(draft),
            "sequence": key["sequence"],
            "known_at": known_at.isoformat(),
            "figures_sha256": digest(figures).hex(),
        }
        event_id = record("agreement_evaluated", said, agreement_id)
        connection.execute(
            insert(evaluation_table).values(
                **key,
                verdict=draft.verdict,
                remark=draft.remark,
                person=draft.person,
                figures=figures,
                figures_hash=digest(figures),
                known_at=known_at,
                event_id=event_id,
            )
        )
        return {"sequence": key["sequence"]}

    request = {"agreement": str(agreement_id), **_described(draft)}
    return named_number(perform(database, act, "evaluate_agreement", request, work), "sequence")


def evaluations(connection: Connection, agreement_id: int) -> list[Evaluation]:
    """Every evaluation of an agreement by year and time. Raises ``NotFound``."""
    agreements.agreement(connection, agreement_id)
    columns = evaluation_table.c
    rows = connection.execute(
        select(
            *(columns[name] for name in Evaluation.__dataclass_fields__),
        )
        .where(columns.agreement_id == agreement_id)
        .order_by(columns.year, columns.recorded_at, columns.reviewer_party_id, columns.sequence)
    )
    return [Evaluation(**row._mapping) for row in rows]


def figures_of(connection: Connection, agreement_id: int, year: int, day: date) -> bytes:
    """The year's figures of an agreement as known now, as RFC 8785 JSON; amounts are text in their unit."""
    about = {"agreement": agreement_id, "year": year}
    return canonical_bytes(
        {
            "format": FIGURES_FORMAT,
            "agreement": agreements.agreement(connection, agreement_id).code,
            "year": year,
            "day": day.isoformat(),
            "flows": [
                {
                    "quarter": _quarter(row.booked_quarter),
                    "mechanism": row.mechanism,
                    "payer": row.payer,
                    "payee": row.payee,
                    **_amount("amount", row.commodity_id, row.amount_minor),
                }
                for row in connection.execute(FLOWS, about)
            ],
            "credits": [
                {
                    "quarter": _quarter(row.booked_quarter),
                    "book": BOOK_BY_ID[row.book_id].value,
                    "party": row.party,
                    **_amount("amount", row.commodity_id, row.amount_minor),
                }
                for row in connection.execute(CREDITS, about)
            ],
            "debts": [
                _amount("raised", row.commodity_id, row.raised)
                | _amount("open", row.commodity_id, row.open)
                | _amount("overdue", row.commodity_id, row.overdue)
                for row in connection.execute(DEBTS, {**about, "today": day})
            ],
            "commitments": [
                {"code": one.promise.code, "state": one.state.value, "reached_count": one.reached_count}
                for one in commitments(connection, agreement_id, day)
            ],
        }
    )


def _amount(name: str, commodity_id: int, amount_minor: int) -> dict[str, Json]:
    commodity = COMMODITY_BY_ID[commodity_id]
    return {"commodity": commodity.code, name: format_amount(amount_minor, commodity.scale)}


def _quarter(code: int) -> str:
    return f"{code // 10}Q{code % 10}"


def _last(connection: Connection, agreement_id: int, year: int, reviewer_party_id: int) -> int:
    columns = evaluation_table.c
    last = connection.execute(
        select(func.max(columns.sequence)).where(
            columns.agreement_id == agreement_id,
            columns.year == year,
            columns.reviewer_party_id == reviewer_party_id,
        )
    ).scalar_one()
    return last or 0


def _described(draft: EvaluationDraft) -> dict[str, Json]:
    return {
        "reviewer": draft.reviewer_code,
        "person": draft.person,
        "year": draft.year,
        "verdict": draft.verdict,
        "remark": draft.remark,
    }


def _draft_faults(draft: EvaluationDraft, this_year: int) -> list[Fault]:
    faults = [
        *person_faults("person", draft.person),
        *choice_faults("verdict", draft.verdict, VERDICTS),
        *content_faults("remark", draft.remark),
    ]
    if not YEAR_MIN <= draft.year <= this_year:
        faults.append(
            Fault(
                "year",
                "YEAR_UNUSABLE",
                f"Expected a year from {YEAR_MIN} to {this_year}, but got {draft.year}.",
                f"年份应在 {YEAR_MIN} 至 {this_year} 之间，实际为 {draft.year}。",
            )
        )
    return faults
