"""The calendar of one quarter of an agreement, and the worklist of a party over all of its agreements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple, get_args

from sqlalchemy import Connection, text

from ledger.desk.agreements import Agreement, agreements_by_id, terms_at, terms_of_agreements
from ledger.desk.calendar.progress import RECORDED, AgreementQuarter, committed
from ledger.desk.calendar.steps import QuarterFacts, RoleStep, StepState, role_steps
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.returns.expected import terms_for
from ledger.periods import Quarter
from ledger.rules.procedure import CalendarStep, Procedure
from ledger.rules.terms import Terms

STEP_PLACES: Mapping[CalendarStep, int] = {step: place for place, step in enumerate(get_args(CalendarStep))}
# The open quarter, and earlier ones that it books corrections of; closed ones where money is still to move.
WATCHED = """
    WITH mine AS (SELECT DISTINCT agreement_id FROM agreement_party WHERE party_id = :party)
    SELECT agreement_id, quarter FROM mine JOIN agreement_quarter USING (agreement_id)
    WHERE state = 'open'
    UNION
    SELECT agreement_id, quarter FROM mine JOIN agreement_quarter USING (agreement_id)
        JOIN leg USING (agreement_id, settlement_id)
    WHERE state = 'closed' AND kind = 'settlement' AND NOT EXISTS (
        SELECT FROM leg_clearing WHERE leg_clearing.leg_id = leg.leg_id AND open_minor = 0)
    UNION
    SELECT agreement_id, filing.quarter FROM mine JOIN agreement_quarter AS opened USING (agreement_id)
        JOIN filing USING (agreement_id)
    WHERE state = 'open' AND booked_quarter = opened.quarter
    ORDER BY agreement_id, quarter
"""


class Task(StrEnum):
    TO_DO = "to_do"
    """The party itself has to act."""
    WAITING = "waiting"
    """A step of the party itself for which others have to act first."""
    AWAITED = "awaited"
    """A step of somebody else's, without which the agreement doesn't go on."""


class WorkKey(NamedTuple):
    """The place of an item in a worklist: by due day first."""

    due: date
    agreement_code: str
    quarter: Quarter
    place: int
    role: str


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One step on a party's worklist."""

    agreement: Agreement
    quarter: Quarter
    task: Task
    step: RoleStep

    @property
    def key(self) -> WorkKey:
        step = self.step
        return WorkKey(step.due, self.agreement.code, self.quarter, STEP_PLACES[step.step], step.role)


def calendar(
    connection: Connection,
    agreement_id: int,
    quarter: Quarter,
    today: date,
) -> list[RoleStep]:
    """Every step of the quarter by role, in order, as it stands ``today``; none without a calendar.

    Raises ``NotFound``, ``NoOpenQuarter``, ``QuarterOutOfReach``.
    """
    terms_for(connection, agreement_id, quarter)
    found = _facts(connection, [AgreementQuarter(agreement_id, quarter)])
    return [step for facts in found for step in role_steps(facts, today)]


def worklist(
    connection: Connection,
    party_id: int,
    today: date,
    *,
    after: WorkKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[WorkItem]:
    """What a party has to do or waits for over all of its agreements, by due day, after the key ``after``.

    Agreements whose terms have no calendar expect nothing by any day and aren't on it. The number of
    statements doesn't depend on the number of agreements.
    """
    items = sorted(work_items(connection, party_id, today), key=lambda one: one.key)
    following = [item for item in items if after is None or item.key > after]
    return page_of(following[: rows_to_read(limit)], limit, lambda item: item)


def work_items(connection: Connection, party_id: int, today: date) -> list[WorkItem]:
    """Every item of the party's worklist, in no order."""
    facts = _facts(connection, _watched(connection, party_id))
    return [item for one in facts for item in _items(one, party_id, today)]


def _watched(connection: Connection, party_id: int) -> list[AgreementQuarter]:
    rows = connection.execute(text(WATCHED), {"party": party_id})
    return [AgreementQuarter(agreement_id, Quarter.from_code(code)) for agreement_id, code in rows]


def _facts(connection: Connection, asked: Sequence[AgreementQuarter]) -> list[QuarterFacts]:
    """What is known of the quarters for which there is a calendar."""
    ids = list({one.agreement_id for one in asked})
    named = agreements_by_id(connection, ids)
    versions = terms_of_agreements(connection, ids)
    with_terms = [(one, terms_at(versions[one.agreement_id], one.quarter)) for one in asked]
    timed = [(one, terms) for one, terms in with_terms if terms is not None and _has_calendar(terms)]
    keys = [one for one, _ in timed]
    expecting = {step: [one for one, terms in timed if _expects(terms, step)] for step in RECORDED}
    done = {
        step: progress(connection, expecting[step]) if expecting[step] else {}
        for step, progress in RECORDED.items()
    }
    sealed = committed(connection, keys)
    return [
        QuarterFacts(
            agreement=named[one.agreement_id],
            quarter=one.quarter,
            terms=terms,
            done={step: progress.get(one, {}) for step, progress in done.items()},
            committed=frozenset(sealed.get(one, ())),
        )
        for one, terms in timed
    ]


def _expects(terms: Terms, step: CalendarStep) -> bool:
    """Whether the step is on the calendar of the terms, and what it is about is in them."""
    procedure = terms.procedure or Procedure()
    if procedure.calendar is None or f"{step}_days" not in procedure.calendar.steps:
        return False
    return step != "reconcile" or bool(procedure.reconciliations)


def _has_calendar(terms: Terms) -> bool:
    return terms.procedure is not None and terms.procedure.calendar is not None


def _items(facts: QuarterFacts, party_id: int, today: date) -> Iterator[WorkItem]:
    own = {side.role for side in facts.agreement.parties if side.party_id == party_id}
    for step in role_steps(facts, today):
        match step.state, step.role in own:
            case StepState.TO_DO, True:
                task = Task.TO_DO
            case StepState.WAITING, True:
                task = Task.WAITING
            case StepState.TO_DO, False:
                task = Task.AWAITED
            case _:
                continue
        yield WorkItem(facts.agreement, facts.quarter, task, step)
