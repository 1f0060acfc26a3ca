"""Statements: what a settlement says, for people, with every figure it rests on.

A statement names, for each clause, the figures that were handed in (for a correction those that changed),
what each cause gives each party, what is routed to a fund and who takes the odd unit; then what every party
is due. It is data first; rendering as text, CSV and JSON only arranges that data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from ledger.desk import agreements, enterprises, returns
from ledger.desk.failures import NotFound
from ledger.desk.settlements.journal import AccountKind, balances_of, entries
from ledger.desk.settlements.reading import (
    Allocation,
    Settlement,
    all_allocations,
    inputs_by_id,
    settlement,
    settlements,
)
from ledger.desk.settlements.replays import (
    Cause,
    Inputs,
    Materials,
    Side,
    facts_of,
    gather,
    reporting_groups,
    versions_of,
)
from ledger.desk.statements.parts import (
    ASSESSMENT_REMARK,
    PROVISIONAL_REMARK,
    BaseLine,
    ClauseStatement,
    FilingName,
    PartyTotal,
    Statement,
)
from ledger.measures import MEASURE_BY_NAME, MEASURES
from ledger.money import Commodity
from ledger.periods import Quarter, Span
from ledger.rules.facts import Line, Version
from ledger.rules.fields import Bilingual
from ledger.rules.plain import clause_at
from ledger.rules.terms import Book, Clause, Scope

COMMODITY_BY_ID: Mapping[int, Commodity] = {
    measure.commodity.commodity_id: measure.commodity for measure in MEASURES
}


def statement(
    connection: Connection, agreement_id: int, quarter: Quarter, known_at: datetime | None = None
) -> Statement:
    """The statement with which ``quarter`` was closed, if it was by ``known_at`` (None: now).

    Raises ``NotFound``.
    """
    code = agreements.agreement(connection, agreement_id).code
    for settled in settlements(connection, agreement_id, quarter=quarter, known_at=known_at):
        if settled.is_closed:
            return _statement(connection, settled)
    raise NotFound("settlement", quarter, agreement=code)


def settlement_statement(connection: Connection, agreement_id: int, settlement_id: int) -> Statement:
    """The statement of any computed settlement, closed or not. Raises ``NotFound``."""
    return _statement(connection, settlement(connection, agreement_id, settlement_id))


def _statement(connection: Connection, settled: Settlement) -> Statement:
    agreement = agreements.agreement(connection, settled.agreement_id)
    base = _base(connection, settled)
    listed = all_allocations(connection, settled.agreement_id, settled.settlement_id)
    clauses = list(_clauses(base, listed))
    parties = _parties(base)
    totals = _totals(connection, settled, list(parties))
    return Statement(
        agreement_id=settled.agreement_id,
        agreement_code=agreement.code,
        title=Bilingual(zh=agreement.title_zh, en=agreement.title_en),
        settlement_id=settled.settlement_id,
        identifier=f"{settled.settlement_id}-{settled.allocations_hash.hex()[:16]}",
        allocations_hash=settled.allocations_hash,
        quarter=settled.booked_quarter,
        is_final=settled.is_final,
        closed_at=settled.closed_at,
        causes=settled.causes,
        clauses=clauses,
        totals=totals,
        parties=parties,
        subjects=_subject_names(connection, clauses),
        filings=_filing_names(connection, settled.agreement_id, clauses),
        remarks=_remarks(totals),
    )


@dataclass(frozen=True, slots=True)
class _Base:
    """The settlement's worlds with only those returns that the statement shows."""

    settled: Settlement
    before: Inputs
    now: Inputs
    materials: Materials
    versions: Sequence[Version]


def _base(connection: Connection, settled: Settlement) -> _Base:
    now = settled.inputs
    previous = inputs_by_id(connection, settled.agreement_id, [now.previous_settlement_id])
    before = previous.get(now.previous_settlement_id) or Inputs(now.quarter)
    shown = {
        key: filing
        for key, filing in now.filings.items()
        if key[0] == now.quarter or before.filings.get(key) != filing
    }
    now = replace(now, filings=shown)
    before = replace(before, filings={key: one for key, one in before.filings.items() if key in shown})
    materials = gather(connection, settled.agreement_id, now, before)
    return _Base(settled, before, now, materials, versions_of(materials.versions, now))


def _clauses(base: _Base, listed: Sequence[Allocation]) -> Iterator[ClauseStatement]:
    by_clause: defaultdict[int, list[Allocation]] = defaultdict(list)
    for one in listed:
        by_clause[one.clause].append(one)
    numbers = {clause.number for clause in base.versions[-1].terms.clauses} | by_clause.keys()
    for number in sorted(numbers):
        clause = clause_at(base.versions, number, base.now.quarter)
        yield ClauseStatement(
            number=number,
            title=clause.title,
            commodity=MEASURE_BY_NAME[clause.what.measures[0]].commodity,
            remainder_party_id=base.materials.sides[clause.rounding.remainder_to].party_id,
            base_lines=list(_base_lines(base, clause)),
            allocations=by_clause[number],
        )


def _base_lines(base: _Base, clause: Clause) -> Iterator[BaseLine]:
    for cause in base.settled.causes:
        if cause.kind == "quarter":
            for line in _figures(base, base.now, clause, base.now.quarter):
                yield _base_line(cause, line, line.amount_minor, None)
        elif cause.kind == "correction":
            yield from _changed_lines(base, clause, cause)


def _figures(base: _Base, world: Inputs, clause: Clause, quarter: Quarter) -> list[Line]:
    """The figures of a quarter's return that the clause reads in ``world``."""
    reporters = next(
        reporters
        for reporters, numbers in reporting_groups(base.versions).items()
        if clause.number in numbers
    )
    of_quarter = {key: filing for key, filing in world.filings.items() if key[0] == quarter}
    facts = facts_of(base.materials, replace(world, filings=of_quarter), reporters)
    measures = {*clause.what.measures, *clause.what.deduct}
    return [
        line
        for line in facts.lines
        if line.measure in measures
        and (clause.whose.scope is Scope.WHOLE_PARK or line.subject in facts.subjects)
    ]


def _changed_lines(base: _Base, clause: Clause, cause: Cause) -> Iterator[BaseLine]:
    """Where the corrected return differs from the one before it; figures that went away are now 0."""
    filing_id = int(cause.reference)
    corrected = [
        line
        for line in _figures(base, base.now, clause, cause.quarter)
        if line.line_id.startswith(f"{filing_id}/")
    ]
    role = next(role for (_, role), filing in base.now.filings.items() if filing.filing_id == filing_id)
    superseded = base.before.filings.get((cause.quarter, role))
    earlier = [
        line
        for line in _figures(base, base.before, clause, cause.quarter)
        if superseded is not None and line.line_id.startswith(f"{superseded.filing_id}/")
    ]
    new, old = _by_figure(corrected), _by_figure(earlier)
    for figure in sorted(new.keys() | old.keys()):
        amount_minor = sum(line.amount_minor for line in new.get(figure, ()))
        previous_minor = sum(line.amount_minor for line in old.get(figure, ()))
        if amount_minor != previous_minor:
            line = (new.get(figure) or old[figure])[0]
            yield replace(_base_line(cause, line, amount_minor, previous_minor), filing_id=filing_id)


def _by_figure(lines: Iterable[Line]) -> dict[tuple[int, str, Span], list[Line]]:
    figures: defaultdict[tuple[int, str, Span], list[Line]] = defaultdict(list)
    for line in lines:
        figures[line.subject, line.measure, line.span].append(line)
    return dict(figures)


def _base_line(cause: Cause, line: Line, amount_minor: int, previous_minor: int | None) -> BaseLine:
    return BaseLine(
        cause=cause.cause,
        subject_id=line.subject,
        measure=line.measure,
        span=line.span,
        amount_minor=amount_minor,
        previous_minor=previous_minor,
        document=line.document,
        filing_id=int(line.line_id.partition("/")[0]),
    )


def _parties(base: _Base) -> dict[int, Side]:
    """The parties in the order in which the latest terms name their roles."""
    sides = base.materials.sides
    roles = dict.fromkeys([*base.versions[-1].terms.roles, *sorted(sides)])
    return {sides[role].party_id: sides[role] for role in roles}


def _filing_names(
    connection: Connection, agreement_id: int, clauses: Sequence[ClauseStatement]
) -> dict[int, FilingName]:
    shown = {line.filing_id for clause in clauses for line in clause.base_lines}
    return {
        one.filing_id: FilingName(one.sequence, one.recorded_at)
        for one in returns.filings(connection, agreement_id)
        if one.filing_id in shown
    }


def _totals(connection: Connection, settled: Settlement, party_ids: Sequence[int]) -> list[PartyTotal]:
    booked = entries(connection, settled.agreement_id, settled.settlement_id)
    totals: defaultdict[tuple[Book, int, int, AccountKind], int] = defaultdict(int)
    for account, amount_minor in balances_of(one for entry in booked for one in entry.postings).items():
        if account.party_id is not None:
            totals[account.book, account.commodity_id, account.party_id, account.kind] += amount_minor
    return [
        PartyTotal(party_id, kind, book, COMMODITY_BY_ID[commodity_id], amount_minor)
        for (book, commodity_id, party_id, kind), amount_minor in sorted(
            totals.items(), key=lambda total: (*total[0][:2], party_ids.index(total[0][2]), total[0][3])
        )
        if amount_minor
    ]


def _subject_names(connection: Connection, clauses: Sequence[ClauseStatement]) -> dict[int, str]:
    named = {line.subject_id for clause in clauses for line in clause.base_lines}
    named |= {one.subject_id for clause in clauses for one in clause.allocations}
    found = enterprises.enterprises_by_id(connection, named - {0})
    return {subject_id: enterprise.name_zh for subject_id, enterprise in found.items()}


def _remarks(totals: Sequence[PartyTotal]) -> list[Bilingual]:
    remarks = []
    if any(total.book is Book.ASSESSMENT for total in totals):
        remarks.append(ASSESSMENT_REMARK)
    if any(total.kind == "accrued" and total.amount_minor > 0 for total in totals):
        remarks.append(PROVISIONAL_REMARK)
    return remarks
