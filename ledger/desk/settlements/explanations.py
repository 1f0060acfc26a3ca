"""Explanations: why a booked amount is what it is, from the world in which it was computed.

The world is rebuilt from the settlement's stored inputs, so an explanation given years later uses the same
terms, returns and list; and it is checked against what is booked before it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ledger.desk.failures import NotFound
from ledger.desk.lines import open_lines_of
from ledger.desk.reconciliation import Excepted
from ledger.desk.settlements.excepted import ExceptedKey
from ledger.desk.settlements.reading import Allocation, all_allocations, inputs_by_id, settlement
from ledger.desk.settlements.replays import (
    Cause,
    Inputs,
    Materials,
    Totals,
    facts_of,
    gather,
    only_clauses,
    replay,
    reporting_groups,
    versions_of,
    worlds_between,
)
from ledger.errors import InvariantBroken
from ledger.periods import Quarter
from ledger.rules import plain
from ledger.rules.explanation import Explanation
from ledger.rules.terms import WHOLE_PARK


@dataclass(frozen=True, slots=True)
class Explained:
    """What a cause booked about a clause, subject and quarter, and how it came about.

    ``before`` explains the result as it was just before the cause; None where there was none, as for the
    quarter's own figures. ``allocations`` are the difference. ``excepted_after`` and ``excepted_before`` are
    the lines that the clause would read of the quarter, had the sides not differed: left out, or replaced.
    """

    cause: Cause
    allocations: list[Allocation]
    after: Explanation | None
    before: Explanation | None
    excepted_after: Mapping[ExceptedKey, Excepted]
    excepted_before: Mapping[ExceptedKey, Excepted]


def explanation(
    connection: Connection,
    agreement_id: int,
    settlement_id: int,
    cause: int,
    clause: int,
    subject_id: int,
    quarter: Quarter,
) -> Explained:
    """Why ``cause`` of the settlement booked what it did for a subject under ``clause`` about ``quarter``.

    Raises ``NotFound`` where nothing of the kind was computed or it rests on lines that are closed to the
    session, ``InvariantBroken`` where the explanation doesn't give what is booked.
    """
    with open_lines_of(connection, agreement_id, clause):
        return _explained(connection, agreement_id, settlement_id, cause, clause, subject_id, quarter)


def _explained(
    connection: Connection,
    agreement_id: int,
    settlement_id: int,
    cause: int,
    clause: int,
    subject_id: int,
    quarter: Quarter,
) -> Explained:
    explained = settlement(connection, agreement_id, settlement_id)
    now = explained.inputs
    before = inputs_by_id(connection, agreement_id, [now.previous_settlement_id]).get(
        now.previous_settlement_id
    )
    materials = gather(connection, agreement_id, now, *([] if before is None else [before]))
    chosen, earlier, later = _worlds_of_cause(materials, before, now, cause)
    booked = [
        one
        for one in all_allocations(connection, agreement_id, settlement_id)
        if (one.cause, one.clause, one.subject_id, one.quarter) == (cause, clause, subject_id, quarter)
    ]
    _require_same(materials, earlier, later, booked, (clause, subject_id, quarter))
    result = Explained(
        chosen,
        booked,
        after=_explain(materials, later, clause, subject_id, quarter),
        before=_explain(materials, earlier, clause, subject_id, quarter),
        excepted_after=_excepted(materials, later, clause, subject_id, quarter),
        excepted_before=_excepted(materials, earlier, clause, subject_id, quarter),
    )
    if result.after is None and result.before is None:
        raise NotFound("clause", f"{clause}/{quarter}")
    return result


@dataclass(frozen=True, slots=True)
class _World:
    """Inputs, and the quarter through which they were replayed."""

    inputs: Inputs
    through: Quarter


def _worlds_of_cause(
    materials: Materials, before: Inputs | None, now: Inputs, number: int
) -> tuple[Cause, _World | None, _World]:
    """The cause, the world just before it (None before the first settlement), and the world after it."""
    world = None if before is None else _World(replace(before, held=now.held), before.quarter)
    for cause, inputs in worlds_between(before, now, materials.sides):
        is_closed_past = before is not None and cause.kind != "quarter"
        through = before.quarter if before is not None and is_closed_past else now.quarter
        after = _World(replace(inputs, held=now.held), through)
        if cause.cause == number:
            return cause, world, after
        world = after
    raise NotFound("line", f"cause {number}")


def _explain(
    materials: Materials, world: _World | None, clause: int, subject_id: int, quarter: Quarter
) -> Explanation | None:
    """The plain evaluator's account of the world; None where the clause wasn't computed for the quarter."""
    if world is None or quarter > world.through:
        return None
    return explanation_in(materials, world.inputs, world.through, clause, subject_id, quarter)


def _excepted(
    materials: Materials, world: _World | None, clause: int, subject_id: int, quarter: Quarter
) -> dict[ExceptedKey, Excepted]:
    """What of the figures that the clause reads about the subject and quarter doesn't count as reported.

    A subject of 0 is the whole clause, so lines of every subject are its concern.
    """
    if world is None:
        return {}
    in_force = plain.version_in_force(versions_of(materials.versions, world.inputs), quarter)
    read = None if in_force is None else in_force.terms.clause(clause)
    if read is None:
        return {}
    measures = {*read.what.measures, *read.what.deduct}
    return {
        key: one
        for key, one in sorted(world.inputs.excepted.items())
        if (key.quarter, key.role) == (quarter, read.what.reported_by)
        and key.line.measure in measures
        and subject_id in (WHOLE_PARK, key.line.subject)
    }


def explanation_in(
    materials: Materials, world: Inputs, through: Quarter, clause: int, subject_id: int, quarter: Quarter
) -> Explanation | None:
    """How ``world`` gives a result, replayed ``through`` a quarter; None where the clause isn't in force."""
    versions = versions_of(materials.versions, world)
    in_force = plain.version_in_force(versions, quarter)
    if in_force is None or in_force.terms.clause(clause) is None:
        return None
    reporters, numbers = next(
        (reporters, numbers) for reporters, numbers in reporting_groups(versions).items() if clause in numbers
    )
    return plain.explain(
        only_clauses(versions, numbers),
        facts_of(materials, world, reporters),
        through,
        clause,
        subject_id,
        quarter,
        held_extensions=world.held,
    )


def _require_same(
    materials: Materials,
    earlier: _World | None,
    later: _World,
    booked: Sequence[Allocation],
    about: tuple[int, int, Quarter],
) -> None:
    change = _totals(materials, later).minus(_totals(materials, earlier)).booked
    computed = {
        (slot.book, slot.commodity_id, slot.party_id): amounts
        for slot, amounts in change.items()
        if (slot.clause, slot.subject_id, slot.quarter) == about
    }
    stored = {
        (one.book, one.commodity_id, one.party_id): (one.amount_minor, one.routed_minor) for one in booked
    }
    if computed != stored:
        clause, subject_id, quarter = about
        raise InvariantBroken(
            detail=f"the explanation of clause {clause}, subject {subject_id}, {quarter} isn't what is booked"
        )


def _totals(materials: Materials, world: _World | None) -> Totals:
    return Totals() if world is None else replay(materials, world.inputs, world.through).totals
