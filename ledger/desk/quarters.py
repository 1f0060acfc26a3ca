"""Where a quarter of an agreement stands: settled, to be settled, or out of the agreement's reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from ledger.desk.agreements.reading import agreement, terms_in_force
from ledger.desk.returns import current_filings
from ledger.desk.settlements.reading import settlements
from ledger.periods import Quarter
from ledger.rules.facts import Version
from ledger.rules.plain import version_in_force


class QuarterState(StrEnum):
    SETTLED = "settled"
    NOT_SETTLED_YET = "not_settled_yet"
    BEFORE_THE_AGREEMENT = "before_the_agreement"
    """Before the first quarter of terms in force; any quarter while none are."""
    AFTER_ITS_END = "after_its_end"


@dataclass(frozen=True, slots=True)
class QuarterStanding:
    """``missing_roles`` report for the quarter and haven't handed in, where it isn't settled yet."""

    state: QuarterState
    missing_roles: list[str] = field(default_factory=list)


def quarter_standing(
    connection: Connection, agreement_id: int, quarter: Quarter, known_at: datetime | None = None
) -> QuarterStanding:
    """Where ``quarter`` stood as known at a moment (None: now). Raises ``NotFound``."""
    agreement(connection, agreement_id)
    if any(
        one.is_closed for one in settlements(connection, agreement_id, quarter=quarter, known_at=known_at)
    ):
        return QuarterStanding(QuarterState.SETTLED)
    numbered = terms_in_force(connection, agreement_id, known_at)
    versions = [Version(one.starts, one.terms) for one in numbered]
    if not versions or quarter < versions[0].starts:
        return QuarterStanding(QuarterState.BEFORE_THE_AGREEMENT)
    version = version_in_force(versions, quarter)
    if version is None:
        return QuarterStanding(QuarterState.AFTER_ITS_END)
    handed_in = current_filings(connection, agreement_id, known_at)
    reporting = {clause.what.reported_by for clause in version.terms.clauses}
    return QuarterStanding(
        QuarterState.NOT_SETTLED_YET,
        sorted(role for role in reporting if (quarter, role) not in handed_in),
    )
