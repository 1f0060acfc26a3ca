"""Statements: what a settlement says, for people, with every figure it rests on.

A statement names, for each clause, the figures that were handed in (for a correction those that changed),
what each cause gives each party, what is routed to a fund and who takes the odd unit; then what every party
is due. It is data first; rendering as text, CSV and JSON only arranges that data.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from ledger.desk import agreements, enterprises, returns
from ledger.desk.failures import NotFound
from ledger.desk.lines import SeenLines, open_lines, seen_lines
from ledger.desk.settlements.journal import AccountKind, Entry, balances_of, entries
from ledger.desk.settlements.reading import (
    Allocation,
    Settlement,
    all_allocations,
    inputs_by_id,
    settlement,
    settlements,
    summed,
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
    worlds_between,
)
from ledger.desk.statements.parts import (
    ASSESSMENT_REMARK,
    CLOSED_LINES_REMARK,
    PROVISIONAL_REMARK,
    BaseLine,
    ClauseStatement,
    FilingName,
    OpenDifference,
    PartyTotal,
    Statement,
)
from ledger.evidence.canonical import digest
from ledger.measures import COMMODITY_BY_ID, MEASURE_BY_NAME
from ledger.periods import Quarter, Span
from ledger.rules.facts import Line, Version
from ledger.rules.fields import Bilingual
from ledger.rules.plain import clause_at
from ledger.rules.terms import WHOLE_PARK, Book, Clause, Scope
from ledger.rules.text import article

IDENTIFIER = re.compile(r"(?P<id>[1-9][0-9]{0,18})-[0-9a-f]{16}", re.ASCII)
ID_MAX = 2**63 - 1


class QuarterNotClosed(NotFound):
    """The quarter has no statement, because it isn't closed (or wasn't by then)."""

    code = "QUARTER_NOT_CLOSED"
    sentence_en = (
        "There is no statement of {name}{where_en}: the quarter isn't closed, or wasn't at that moment. "
        "Close it first; what was computed and isn't closed can be had by its identifier."
    )
    sentence_zh = (
        "{where_zh}没有 {name} 的结算单：该季度尚未关账（或在该时点尚未关账）。"
        "请先关账；已试算而未关账的，可凭标识查看。"
    )

    def __init__(self, quarter: Quarter, agreement: str) -> None:
        super().__init__("settlement", quarter, agreement=agreement)


def statement(
    connection: Connection, agreement_id: int, quarter: Quarter, known_at: datetime | None = None
) -> Statement:
    """The statement with which ``quarter`` was closed, if it was by ``known_at`` (None: now).

    Raises ``NotFound``, or ``QuarterNotClosed`` where the quarter wasn't closed by then.
    """
    code = agreements.agreement(connection, agreement_id).code
    for settled in settlements(connection, agreement_id, quarter=quarter, known_at=known_at):
        if settled.is_closed:
            return _statement(connection, settled)
    raise QuarterNotClosed(quarter, code)


def statement_by_identifier(connection: Connection, agreement_id: int, identifier: str) -> Statement:
    """The statement that bears the identifier, closed or not: what the ledger has of it.

    Raises ``NotFound`` where no settlement of the agreement has this id and this hash.
    """
    code = agreements.agreement(connection, agreement_id).code
    settled = _identified(connection, agreement_id, identifier)
    if settled is None:
        raise NotFound("settlement", identifier, agreement=code)
    return _statement(connection, settled)


def _identified(connection: Connection, agreement_id: int, identifier: str) -> Settlement | None:
    written = IDENTIFIER.fullmatch(identifier)
    if written is None or int(written["id"]) > ID_MAX:
        return None
    try:
        found = settlement(connection, agreement_id, int(written["id"]))
    except NotFound:
        return None
    return found if identifier == identifier_of(found.settlement_id, found.allocations_hash) else None


def identifier_of(settlement_id: int, allocations_hash: bytes) -> str:
    """What a paper prints so that it can be checked: the id, and the start of the allocations' hash."""
    return f"{settlement_id}-{allocations_hash.hex()[:16]}"


def settlement_statement(connection: Connection, agreement_id: int, settlement_id: int) -> Statement:
    """The statement of any computed settlement, closed or not. Raises ``NotFound``."""
    return _statement(connection, settlement(connection, agreement_id, settlement_id))


def _statement(connection: Connection, settled: Settlement) -> Statement:
    agreement = agreements.agreement(connection, settled.agreement_id)
    seen = seen_lines(connection, settled.agreement_id)
    with open_lines(connection):
        base = _base(connection, settled)
        listed = all_allocations(connection, settled.agreement_id, settled.settlement_id)
    clauses = list(_clauses(base, summed(listed, seen), seen))
    parties = _parties(base)
    booked = entries(connection, settled.agreement_id, settled.settlement_id)
    totals = _totals(booked, list(parties))
    differences = [
        one for one in _open_differences(settled.inputs) if not one.subject_id or seen.of_role(one.role)
    ]
    return Statement(
        agreement_id=settled.agreement_id,
        agreement_code=agreement.code,
        title=Bilingual(zh=agreement.title_zh, en=agreement.title_en),
        settlement_id=settled.settlement_id,
        identifier=identifier_of(settled.settlement_id, settled.allocations_hash),
        allocations_hash=settled.allocations_hash,
        inputs_hash=digest(settled.inputs.canonical()),
        quarter=settled.booked_quarter,
        is_final=settled.is_final,
        computed_at=settled.recorded_at,
        closed_at=settled.closed_at if settled.is_closed else None,
        causes=settled.causes,
        clauses=clauses,
        differences=differences,
        entries=booked,
        totals=totals,
        parties=parties,
        subjects=_subject_names(connection, clauses, differences),
        filings=_filing_names(connection, base),
        remarks=_remarks(
            totals, is_summed=any(one.subject_id and not seen.of_clause(one.clause) for one in listed)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Base:
    """The settlement's worlds with only those returns that the statement shows."""

    settled: Settlement
    before: Inputs | None
    now: Inputs
    materials: Materials
    versions: Sequence[Version]


def _base(connection: Connection, settled: Settlement) -> _Base:
    now = settled.inputs
    previous = inputs_by_id(connection, settled.agreement_id, [now.previous_settlement_id])
    before = previous.get(now.previous_settlement_id)
    held = {} if before is None else before.filings
    reconciled = {cause.quarter for cause in settled.causes if cause.kind == "reconciliation"}
    shown = {
        key: filing
        for key, filing in now.filings.items()
        if key[0] in {now.quarter, *reconciled} or held.get(key) != filing
    }
    now = replace(now, filings=shown)
    if before is not None:
        before = replace(before, filings={key: one for key, one in held.items() if key in shown})
    materials = gather(connection, settled.agreement_id, now, *([] if before is None else [before]))
    return _Base(settled, before, now, materials, versions_of(materials.versions, now))


def _clauses(base: _Base, listed: Sequence[Allocation], seen: SeenLines) -> Iterator[ClauseStatement]:
    by_clause: defaultdict[int, list[Allocation]] = defaultdict(list)
    for one in listed:
        by_clause[one.clause].append(one)
    numbers = {clause.number for clause in base.versions[-1].terms.clauses} | by_clause.keys()
    for number in sorted(numbers):
        clause = clause_at(base.versions, number, base.now.quarter)
        base_lines = list(_base_lines(base, clause))
        yield ClauseStatement(
            number=number,
            title=clause.title,
            article=Bilingual(zh=article(clause, "zh"), en=article(clause, "en")),
            commodity=MEASURE_BY_NAME[clause.what.measures[0]].commodity,
            remainder_party_id=base.materials.sides[clause.rounding.remainder_to].party_id,
            base_lines=base_lines if seen.of_clause(number) else _summed_lines(base_lines),
            allocations=by_clause[number],
        )


def _base_lines(base: _Base, clause: Clause) -> Iterator[BaseLine]:
    earlier = base.before or base.now
    for cause, world in worlds_between(base.before, base.now, base.materials.sides):
        if cause.kind == "quarter":
            for line in _figures(base, world, clause, base.now.quarter):
                yield _base_line(cause, line, line.amount_minor, None)
        elif cause.kind in ("correction", "reconciliation"):
            yield from _changed_lines(base, clause, cause, earlier, world)
        earlier = world


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


def _summed_lines(lines: Iterable[BaseLine]) -> list[BaseLine]:
    """Sums over all enterprises, by cause, measure, period and return."""
    sums: dict[tuple[int, str, Span, int], BaseLine] = {}
    for line in lines:
        key = (line.cause, line.measure, line.span, line.filing_id)
        before = sums.get(key)
        previous = [one.previous_minor for one in (before, line) if one and one.previous_minor is not None]
        sums[key] = replace(
            line,
            subject_id=WHOLE_PARK,
            amount_minor=line.amount_minor + (0 if before is None else before.amount_minor),
            previous_minor=sum(previous) if previous else None,
            document="" if line.subject_id or before else line.document,
        )
    return list(sums.values())


def _changed_lines(
    base: _Base, clause: Clause, cause: Cause, earlier: Inputs, later: Inputs
) -> Iterator[BaseLine]:
    """Where the figures that count differ before and after the cause; figures that went away are now 0."""
    old, new = (_by_figure(_figures(base, world, clause, cause.quarter)) for world in (earlier, later))
    for figure in sorted(new.keys() | old.keys()):
        amount_minor = sum(line.amount_minor for line in new.get(figure, ()))
        previous_minor = sum(line.amount_minor for line in old.get(figure, ()))
        if amount_minor != previous_minor:
            line = (new.get(figure) or old[figure])[0]
            shown = _base_line(cause, line, amount_minor, previous_minor)
            yield replace(shown, filing_id=int(cause.reference)) if cause.kind == "correction" else shown


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


def _filing_names(connection: Connection, base: _Base) -> dict[int, FilingName]:
    shown = {filing.filing_id for filing in base.now.filings.values()}
    return {
        one.filing_id: FilingName(one.quarter, one.role, one.sequence, one.recorded_at, one.lines_hash)
        for one in returns.filings(connection, base.settled.agreement_id)
        if one.filing_id in shown
    }


def _totals(booked: Sequence[Entry], party_ids: Sequence[int]) -> list[PartyTotal]:
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


def _open_differences(settled: Inputs) -> list[OpenDifference]:
    """What the settlement leaves out because the sides differ, of this quarter and of earlier ones."""
    return [
        OpenDifference(
            quarter=key.quarter,
            role=key.role,
            subject_id=key.line.subject,
            measure=key.line.measure,
            span=key.line.span,
            record_minor=one.record_minor,
            against_minor=one.against_minor,
            item=one.item,
        )
        for key, one in sorted(settled.excepted.items())
        if one.counts_minor is None
    ]


def _subject_names(
    connection: Connection, clauses: Sequence[ClauseStatement], differences: Sequence[OpenDifference]
) -> dict[int, str]:
    named = {line.subject_id for clause in clauses for line in clause.base_lines}
    named |= {one.subject_id for one in differences}
    named |= {one.subject_id for clause in clauses for one in clause.allocations}
    found = enterprises.enterprises_by_id(connection, named - {0})
    return {subject_id: enterprise.name_zh for subject_id, enterprise in found.items()}


def _remarks(totals: Sequence[PartyTotal], *, is_summed: bool) -> list[Bilingual]:
    remarks = []
    if any(total.book is Book.ASSESSMENT for total in totals):
        remarks.append(ASSESSMENT_REMARK)
    if any(total.kind == "accrued" and total.amount_minor > 0 for total in totals):
        remarks.append(PROVISIONAL_REMARK)
    if is_summed:
        remarks.append(CLOSED_LINES_REMARK)
    return remarks
