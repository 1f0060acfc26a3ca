"""Which roles have done which step, for many quarters of many agreements with one statement a step.

``RECORDED`` names for each step the function that knows. A step that it doesn't name isn't recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, text

from ledger.desk.calendar.steps import Completion
from ledger.periods import Quarter
from ledger.rules.procedure import CalendarStep


class AgreementQuarter(NamedTuple):
    agreement_id: int
    quarter: Quarter


Progress: TypeAlias = Mapping[AgreementQuarter, Mapping[str, Completion]]
"""The roles that have done the step; a quarter in which nobody has may be left out."""

ProgressOf: TypeAlias = Callable[[Connection, Sequence[AgreementQuarter]], Progress]

ASKED = """
    WITH asked AS (
        SELECT * FROM unnest(cast(:agreements AS bigint[]), cast(:quarters AS integer[]))
            AS named (agreement_id, quarter))
"""
SUBMITTED = """
    SELECT DISTINCT ON (agreement_id, quarter, role)
        agreement_id, quarter, role, coalesce(committed.recorded_at, filing.recorded_at), filing.person
    FROM asked JOIN filing USING (agreement_id, quarter)
        LEFT JOIN filing_commitment AS committed USING (agreement_id, quarter, role, commitment)
    ORDER BY agreement_id, quarter, role, filing.sequence
"""
CERTIFIED = """
    SELECT agreement_id, quarter, role, coalesce(certified.recorded_at, newest.recorded_at), certified.person
    FROM (
        SELECT DISTINCT ON (agreement_id, quarter, role)
            agreement_id, quarter, role, booked_quarter, filing_id, needs_certification, recorded_at
        FROM asked JOIN filing USING (agreement_id, quarter)
        ORDER BY agreement_id, quarter, role, sequence DESC
    ) AS newest
        LEFT JOIN filing_certification AS certified USING (agreement_id, booked_quarter, filing_id)
    WHERE certified.person IS NOT NULL OR NOT needs_certification
"""
CLOSED = """
    SELECT agreement_id, quarter, role, closed_at, cast(NULL AS text)
    FROM asked JOIN agreement_quarter USING (agreement_id, quarter) JOIN agreement_party USING (agreement_id)
    WHERE state = 'closed'
"""
COMMITTED = """
    SELECT DISTINCT ON (agreement_id, quarter, role)
        agreement_id, quarter, role, recorded_at, cast(NULL AS text)
    FROM asked JOIN filing_commitment USING (agreement_id, quarter)
    ORDER BY agreement_id, quarter, role, sequence DESC
"""


def submitted(connection: Connection, asked: Sequence[AgreementQuarter]) -> Progress:
    """The first return of each role; of a sealed one the commitment's moment."""
    return _progress(connection, SUBMITTED, asked)


def certified(connection: Connection, asked: Sequence[AgreementQuarter]) -> Progress:
    """Whose newest return is certified, or was handed in before that was asked for."""
    return _progress(connection, CERTIFIED, asked)


def closed(connection: Connection, asked: Sequence[AgreementQuarter]) -> Progress:
    """Every role, once the quarter is closed."""
    return _progress(connection, CLOSED, asked)


def committed(connection: Connection, asked: Sequence[AgreementQuarter]) -> Progress:
    """Who has committed to figures."""
    return _progress(connection, COMMITTED, asked)


def _progress(connection: Connection, statement: str, asked: Sequence[AgreementQuarter]) -> Progress:
    parameters = {
        "agreements": [one.agreement_id for one in asked],
        "quarters": [one.quarter.code for one in asked],
    }
    rows = connection.execute(text(ASKED + statement), parameters)
    found: defaultdict[AgreementQuarter, dict[str, Completion]] = defaultdict(dict)
    for agreement_id, code, role, moment, person in rows:
        found[AgreementQuarter(agreement_id, Quarter.from_code(code))][role] = Completion(moment, person)
    return found


RECORDED: Mapping[CalendarStep, ProgressOf] = {
    "submit": submitted,
    "certify": certified,
    "sign": closed,
}
"""Where there is no other record of signing, a closed quarter was signed by everybody."""
