"""How far approved claims got between the zones; it follows from returns, settlements and legs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, text

from ledger.desk.agreements import NumberedVersion, terms_at, terms_of_agreements
from ledger.desk.payments import Leg, legs_of_settlements
from ledger.desk.vouchers.reading import Claim
from ledger.periods import Quarter
from ledger.rules.terms import Clause
from ledger.rules.vouchers import BORNE_HOME, BORNE_PARTNER

ClearingState = Literal["not_cleared", "cleared", "settled", "paid"]
"""cleared: in the payers' returns. settled: in a closed quarter. paid: nothing is open between the zones."""

# The return that clears a claim counts once it is certified, where that is asked for; if it never was, a
# later one of the same quarter counts.
CLEARED = """
    SELECT cleared.claim_id, made.agreement_id, first_made.quarter, made.role,
        programme.document ->> 'home' = made.role AS is_home, min(counting.booked_quarter) AS booked_quarter
    FROM voucher_entry_cleared AS cleared
        JOIN voucher_entry AS entry USING (claim_id, sequence)
        JOIN voucher_programme AS programme USING (programme_id)
        JOIN voucher_clearing_return AS made USING (clearing_id)
        JOIN filing AS first_made
            ON (first_made.agreement_id, first_made.booked_quarter, first_made.filing_id)
            = (made.agreement_id, made.booked_quarter, made.filing_id)
        LEFT JOIN (
            filing AS counting
            LEFT JOIN filing_certification AS certified USING (agreement_id, booked_quarter, filing_id)
        ) ON (counting.agreement_id, counting.quarter, counting.role)
            = (first_made.agreement_id, first_made.quarter, first_made.role)
            AND counting.sequence >= first_made.sequence
            AND (NOT counting.needs_certification OR certified.person IS NOT NULL)
    WHERE cleared.sequence = 1 AND cleared.claim_id = ANY(:claims)
    GROUP BY cleared.claim_id, made.agreement_id, first_made.quarter, made.role, is_home
"""
CLOSED = """
    SELECT agreement_id, quarter, settlement_id, is_final
    FROM agreement_quarter JOIN settlement USING (agreement_id, settlement_id)
    WHERE state = 'closed' AND agreement_id = ANY(:agreements)
    ORDER BY agreement_id, quarter
"""


class _Part(NamedTuple):
    """A payer's figures that hold a claim's; ``booked`` is None until its return counts."""

    agreement_id: int
    quarter: Quarter
    role: str
    measure: str
    booked: Quarter | None


class _Closed(NamedTuple):
    quarter: Quarter
    settlement_id: int
    is_final: bool


def clearing_states(connection: Connection, found: Sequence[Claim]) -> dict[int, ClearingState]:
    """Of every approved claim how far its least settled part got, in a fixed number of statements."""
    approved = [one for one in found if one.approved_minor]
    if not approved:
        return {}
    parts = _parts(connection, [one.claim_id for one in approved])
    agreement_ids = sorted({part.agreement_id for of_claim in parts.values() for part in of_claim})
    terms = terms_of_agreements(connection, agreement_ids)
    closed = _closed(connection, agreement_ids)
    settlement_ids = [one.settlement_id for of_agreement in closed.values() for one in of_agreement]
    legs = legs_of_settlements(connection, settlement_ids)
    ranks = get_args(ClearingState)
    return {
        one.claim_id: min(
            (
                _state(part, terms[part.agreement_id], closed[part.agreement_id], legs)
                for part in parts.get(one.claim_id, [])
                if part.role in {payer.role for payer in one.parts}
            ),
            key=ranks.index,
            default="not_cleared",
        )
        for one in approved
    }


def _state(
    part: _Part,
    versions: Sequence[NumberedVersion],
    closed: Sequence[_Closed],
    legs: Mapping[int, Sequence[Leg]],
) -> ClearingState:
    if part.booked is None or all(one.quarter != part.booked for one in closed):
        return "cleared"
    terms = terms_at(versions, part.quarter)
    for clause in () if terms is None else terms.clauses:
        if clause.what.reported_by == part.role and part.measure in clause.what.measures:
            settled = _due_with(clause, part.booked, closed)
            if settled is None or _is_open(legs[settled.settlement_id], clause):
                return "settled"
    return "paid"


def _due_with(clause: Clause, booked: Quarter, closed: Sequence[_Closed]) -> _Closed | None:
    """The settlement that raises the legs: what only accrues is due with the year's final one."""
    accrues = clause.then.provisional == "accrue"
    return next((one for one in closed if one.quarter >= booked and (one.is_final or not accrues)), None)


def _is_open(legs: Sequence[Leg], clause: Clause) -> bool:
    return any(leg.clause == clause.number and leg.open_minor for leg in legs)


def _parts(connection: Connection, claim_ids: Sequence[int]) -> dict[int, list[_Part]]:
    found: dict[int, list[_Part]] = {}
    for row in connection.execute(text(CLEARED), {"claims": list(claim_ids)}):
        measure = BORNE_HOME if row.is_home else BORNE_PARTNER
        booked = None if row.booked_quarter is None else Quarter.from_code(row.booked_quarter)
        part = _Part(row.agreement_id, Quarter.from_code(row.quarter), row.role, measure, booked)
        found.setdefault(row.claim_id, []).append(part)
    return found


def _closed(connection: Connection, agreement_ids: Sequence[int]) -> dict[int, list[_Closed]]:
    found: dict[int, list[_Closed]] = {agreement_id: [] for agreement_id in agreement_ids}
    for row in connection.execute(text(CLOSED), {"agreements": list(agreement_ids)}):
        closing = _Closed(Quarter.from_code(row.quarter), row.settlement_id, row.is_final)
        found[row.agreement_id].append(closing)
    return found
