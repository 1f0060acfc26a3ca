"""What a simulation rests on: the past of an agreement, or figures from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ledger.desk import agreements, returns
from ledger.desk.agreements import NumberedVersion
from ledger.desk.failures import refuse
from ledger.desk.settlements.closing import worlds_now
from ledger.desk.settlements.replays import (
    FilingReference,
    Inputs,
    Materials,
    OccurrenceReference,
    Side,
    gather,
    replay,
    versions_of,
)
from ledger.desk.simulation.comparison import Simulation
from ledger.errors import LedgerError
from ledger.periods import Quarter, quarters_between
from ledger.rules.facts import Facts, Fault, Line, Version
from ledger.rules.plain import version_in_force
from ledger.rules.terms import Terms
from ledger.rules.words import role_en, role_zh

QUARTERS_MAX = 40
"""Most quarters compared at once: ten years."""

Filings = Mapping[tuple[Quarter, str], FilingReference]


class NothingInForce(LedgerError):
    """A draft is compared with terms in force, and there are none."""

    code = "NOTHING_IN_FORCE"
    sentence_en = (
        "Expected agreement {agreement} to have terms in force, which the draft is compared with, but it has "
        "none. Try the draft on a file of figures: parkledger rules run"
    )
    sentence_zh = (
        "试算草案须与现行条款对照，但协议 {agreement} 尚无生效条款。"
        "可先用数据文件试算草案：parkledger rules run"
    )


def simulate(
    connection: Connection, agreement_id: int, draft: Terms, first: Quarter, last: Quarter
) -> Simulation:
    """The accepted facts of the past under ``draft``, as if in force from ``first``, beside those in force.

    Nothing is written. Raises ``NotFound``, ``RequestRefused`` for quarters out of reach, another agreement's
    code or other sides, ``TermsRefused``, ``NothingInForce``; what is computed later ``FigureNotOfMonth``,
    ``FactorsMissing``.
    """
    agreements.refuse_unfit(connection, agreement_id, draft)
    code = agreements.agreement(connection, agreement_id).code
    numbered = agreements.terms_in_force(connection, agreement_id)
    if not numbered:
        raise NothingInForce(agreement=code)
    refuse(_range_faults(numbered[0].starts, first, last))
    _, now = worlds_now(connection, agreement_id, last)
    in_force = replace(now, filings=_filings(connection, agreement_id, last))
    materials = gather(connection, agreement_id, in_force)
    through, missing = _reach(versions_of(materials.versions, in_force), in_force.filings, first, last)
    number = max(materials.versions) + 1
    return Simulation(
        agreement_code=code,
        materials=_with_draft(materials, number, first, draft),
        in_force=in_force,
        draft=_under_draft(materials, in_force, number, first),
        first=first,
        last=last,
        through=through,
        missing=missing,
    )


def simulate_figures(
    in_force: Terms, draft: Terms, facts: Facts, first: Quarter, last: Quarter
) -> Simulation:
    """``draft`` beside ``in_force`` on given figures, whoever would report them.

    Both are sound, and the draft can amend what is in force. Raises ``RequestRefused`` for quarters out of
    reach.
    """
    starts = Quarter.parse(in_force.in_force_from)
    refuse(_range_faults(starts, first, last))
    quarters = list(quarters_between(starts, last))
    lines: dict[int, list[Line]] = {quarter.code: [] for quarter in quarters}
    for line in facts.lines:
        lines.get(line.span.quarter.code, []).append(line)
    roles = sorted(in_force.roles.keys() | draft.roles.keys())
    world = Inputs(
        quarter=last,
        versions={1: starts},
        filings={
            (quarter, role): FilingReference(quarter.code, "") for quarter in quarters for role in roles
        },
        list_version=1,
        occurrences={name: OccurrenceReference(day, 1) for name, day in facts.occurrences.items()},
    )
    materials = Materials(
        sides={
            role: Side(number, role_zh(role), role_en(role)) for number, role in enumerate(roles, start=1)
        },
        versions={1: NumberedVersion(1, starts, in_force)},
        lines=lines,
        subjects={1: facts.subjects},
    )
    return Simulation(
        agreement_code=draft.agreement,
        materials=_with_draft(materials, 2, first, draft),
        in_force=world,
        draft=_under_draft(materials, world, 2, first),
        first=first,
        last=last,
        through=last,
        missing=[],
    )


def _with_draft(materials: Materials, number: int, first: Quarter, draft: Terms) -> Materials:
    """The draft as one more version, that starts with ``first``."""
    return replace(materials, versions={**materials.versions, number: NumberedVersion(number, first, draft)})


def _under_draft(materials: Materials, in_force: Inputs, number: int, first: Quarter) -> Inputs:
    """The world in which the draft takes the place of all that began with or after ``first``.

    Decisions about extensions stand where they were taken before; later ones are the draft's to take.
    """
    earlier = {version: starts for version, starts in in_force.versions.items() if starts < first}
    past = replay(materials, replace(in_force, versions=earlier), first.previous) if in_force.held else None
    held = {
        key: extended
        for key, extended in in_force.held.items()
        if past is not None and key in past.carried and past.carried[key].extended is not None
    }
    return replace(in_force, versions={**earlier, number: first}, held=held)


def _filings(connection: Connection, agreement_id: int, last: Quarter) -> Filings:
    """Every current return: a draft may read those that the terms in force don't."""
    return {
        (quarter, role): FilingReference(filing.filing_id, filing.lines_hash.hex())
        for (quarter, role), filing in returns.current_filings(connection, agreement_id).items()
        if quarter <= last
    }


def _reach(
    versions: Sequence[Version], filings: Filings, first: Quarter, last: Quarter
) -> tuple[Quarter | None, list[tuple[Quarter, str]]]:
    """The last quarter that is in force with every return before and in it, and what is missing up to it."""
    through: Quarter | None = None
    missing: list[tuple[Quarter, str]] = []
    for quarter in quarters_between(first, last):
        in_force = version_in_force(versions, quarter)
        if in_force is None:
            break
        roles = {clause.what.reported_by for clause in in_force.terms.clauses}
        missing += [(quarter, role) for role in sorted(roles) if (quarter, role) not in filings]
        through = through if missing else quarter
    return through, missing


def _range_faults(starts: Quarter, first: Quarter, last: Quarter) -> list[Fault]:
    faults = []
    if first < starts:
        faults.append(
            Fault(
                "first",
                "QUARTER_OUT_OF_RANGE",
                f"Expected a quarter from {starts} on, the first in force, but got {first}.",
                f"应为 {starts}（条款首次生效）及以后的季度，实际为 {first}。",
            )
        )
    last_taken = first.plus(QUARTERS_MAX - 1)
    if not first <= last <= last_taken:
        faults.append(
            Fault(
                "last",
                "QUARTER_OUT_OF_RANGE",
                f"Expected a quarter from {first} to {last_taken}, but got {last}.",
                f"季度应在 {first} 至 {last_taken} 之间，实际为 {last}。",
            )
        )
    return faults
