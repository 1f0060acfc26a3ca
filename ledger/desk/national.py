"""A national quarter: every agreement with the quarter open, computed at once and booked in one transaction.

What a settlement is doesn't change: for each agreement the rows are those that ``settlements.compute`` would
write. It only takes another way to them. An agreement whose closed quarters stand as they are (no correction,
no other list, no amendment of the past) needs just the quarter's own figures and what its last closed
settlement carried on, and all such agreements are computed together on columns. The others are replayed one
by one, afterwards.

Nothing is locked while the quarter is computed; whoever hands in meanwhile makes that agreement's settlement
stale, and its close refuses it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeAlias

from sqlalchemy import Connection

from ledger.desk import settlements
from ledger.desk.acts import Act, Done, Recorder, perform
from ledger.desk.national_booking import Computed, arranged, book, overtaken, recorded, stage
from ledger.desk.national_reading import (
    CarriedClause,
    Units,
    decided,
    held_of,
    read_carried,
    read_figures,
    read_subjects,
    state_of,
)
from ledger.desk.national_worlds import World, worlds
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.vector import Refused, compile_clauses, evaluate_quarter
from ledger_schema.ids import new_ids
from ledger_schema.partitions import stage_quarter
from ledger_schema.sessions import ATTEMPTS_MAX, Database, TooBusy

__all__ = [
    "ClauseOutside",
    "Closed",
    "Counts",
    "NationalRun",
    "OneByOne",
    "Progress",
    "ReturnMissing",
    "Stage",
    "close_quarter",
    "compute_quarter",
]


class Stage(StrEnum):
    """The parts of a run, in order."""

    WORLDS = "worlds"
    """What is known of each agreement; counts agreements."""
    READING = "reading"
    """Lines, enterprise lists and carried state; counts lines."""
    COMPILING = "compiling"
    """Clauses as columns; counts clauses."""
    COMPUTING = "computing"
    """Counts rows: a clause and a subject."""
    ARRANGING = "arranging"
    """Order, hashes and the journal; counts allocations."""
    STAGING = "staging"
    """Allocations and carried state into the quarter's stages; counts rows."""
    BOOKING = "booking"
    """Settlements, journal, the balance check, keys and attachment; counts settlements."""
    ONE_BY_ONE = "one_by_one"
    """Counts agreements done so far."""
    CLOSING = "closing"
    """Counts agreements done so far."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage that is done, or how far it has come."""

    stage: Stage
    count: int


Report: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class ReturnMissing:
    """A role that has yet to hand in for the quarter."""

    agreement_id: int
    role: str


@dataclass(frozen=True, slots=True)
class ClauseOutside:
    """A clause that can't be computed in bulk, and why; its agreement isn't settled at all in this run."""

    agreement_id: int
    clause: int
    reason_en: str
    reason_zh: str


@dataclass(frozen=True, slots=True)
class OneByOne:
    """An agreement that was replayed by itself: its settlement, or the code of what was the matter."""

    agreement_id: int
    reasons: tuple[str, ...]
    settlement_id: int | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What was computed in bulk. ``wide_rows`` of the ``rows`` were too large for 64 bits."""

    lines: int = 0
    rows: int = 0
    wide_rows: int = 0
    allocations: int = 0
    carried: int = 0
    entries: int = 0


@dataclass(frozen=True, slots=True)
class NationalRun:
    """What a run did, by agreement id. ``unchanged`` settlements were there before, of the same inputs."""

    quarter: Quarter
    computed: Mapping[int, int]
    unchanged: Mapping[int, int]
    one_by_one: Sequence[OneByOne]
    missing: Sequence[ReturnMissing]
    refused: Sequence[ClauseOutside]
    counts: Counts

    @property
    def settlements(self) -> dict[int, int]:
        """Every agreement that has a settlement of what is known, ready to be closed."""
        single = {
            one.agreement_id: one.settlement_id for one in self.one_by_one if one.settlement_id is not None
        }
        return {**self.computed, **self.unchanged, **single}


@dataclass(frozen=True, slots=True)
class Closed:
    """An agreement's close: ``failure`` is the code of what was the matter, None where it is closed."""

    agreement_id: int
    settlement_id: int
    failure: str | None = None


# --- the run ----------------------------------------------------------------------------------------------


def compute_quarter(
    database: Database, act: Act, quarter: Quarter, report: Report = lambda _progress: None
) -> Done[NationalRun]:
    """Compute and record the settlements of every agreement whose open quarter is ``quarter``.

    Raises ``TooBusy`` where others settled the same agreements each time, ``StateTooLarge``,
    ``InvariantBroken``. What is the matter with one agreement only is in the run's lists.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        for _ in range(ATTEMPTS_MAX):
            with database.reading() as reader:
                plan, computed = _computed(reader, quarter, report)
            if computed is None:
                return _kept(plan)
            with connection.begin_nested() as attempt:
                settlement_ids = _booked(connection, record, computed, report)
                if settlement_ids is not None:
                    return _kept(replace(plan, computed=settlement_ids))
                attempt.rollback()
        raise TooBusy(attempts=ATTEMPTS_MAX)

    done = perform(database, act, "compute_national_quarter", {"quarter": str(quarter)}, work)
    plan = _run(quarter, done.value)
    settled = _settle_one_by_one(database, act, plan, report)
    return Done(replace(plan, one_by_one=settled), done.replayed)


def close_quarter(
    database: Database, act: Act, run: NationalRun, report: Report = lambda _progress: None
) -> list[Closed]:
    """Close every agreement's quarter with its settlement of the run, each in a transaction of its own."""
    closed = []
    for count, (agreement_id, settlement_id) in enumerate(sorted(run.settlements.items()), start=1):
        failure = None
        try:
            settlements.close(
                database, _act_for(act, "close", agreement_id), agreement_id, run.quarter, settlement_id
            )
        except LedgerError as refusal:
            failure = refusal.code
        closed.append(Closed(agreement_id, settlement_id, failure))
        report(Progress(Stage.CLOSING, count))
    return closed


def _settle_one_by_one(database: Database, act: Act, plan: NationalRun, report: Report) -> list[OneByOne]:
    settled = []
    for count, one in enumerate(plan.one_by_one, start=1):
        try:
            done = settlements.compute(
                database, _act_for(act, "compute", one.agreement_id), one.agreement_id, plan.quarter
            )
            settled.append(replace(one, settlement_id=done.value))
        except LedgerError as refusal:
            settled.append(replace(one, failure=refusal.code))
        report(Progress(Stage.ONE_BY_ONE, count))
    return settled


def _act_for(act: Act, verb: str, agreement_id: int) -> Act:
    """A key of its own for each agreement, the same again for the same run."""
    run = sha256(act.key.encode()).hexdigest()[:32]
    return Act(f"national/{run}/{verb}/{agreement_id}", act.actor)


# --- computing --------------------------------------------------------------------------------------------


def _computed(
    connection: Connection, quarter: Quarter, report: Report
) -> tuple[NationalRun, Computed | None]:
    """What is to be done about each agreement, and the quarter of those that can be computed in bulk."""
    plan, suited = _sorted_out(connection, quarter)
    report(Progress(Stage.WORLDS, len(suited)))
    carried = read_carried(connection, quarter, suited)
    suited = _with_decisions(suited, carried)
    unchanged = recorded(connection, quarter, suited)
    units = Units([world for world in suited if world.agreement_id not in unchanged])
    outside = [_outside(units, one) for one in compile_clauses(units.clauses, quarter).refused]
    if outside:
        refused = {one.agreement_id for one in outside}
        units = Units([world for world in units.worlds if world.agreement_id not in refused])
    plan = replace(plan, unchanged=unchanged, refused=outside)
    if not units.worlds:
        return plan, None
    return _computed_in_bulk(connection, quarter, plan, units, carried, report)


def _computed_in_bulk(
    connection: Connection,
    quarter: Quarter,
    plan: NationalRun,
    units: Units,
    carried: Sequence[CarriedClause],
    report: Report,
) -> tuple[NationalRun, Computed]:
    figures = read_figures(connection, quarter, units.by_filing)
    subjects = read_subjects(connection, units)
    state = state_of(units, [one for one in carried if one.agreement_id in units.position_of_agreement])
    report(Progress(Stage.READING, len(figures)))
    rules = compile_clauses(units.clauses, quarter, state.keys)
    report(Progress(Stage.COMPILING, len(rules.clauses)))
    result = evaluate_quarter(rules, quarter, figures, subjects, state, held_of(units))
    report(Progress(Stage.COMPUTING, result.rows))
    computed = arranged(connection, quarter, units, rules, result)
    report(Progress(Stage.ARRANGING, len(result.allocations)))
    counts = Counts(
        lines=len(figures),
        rows=result.rows,
        wide_rows=result.wide_rows,
        allocations=len(result.allocations),
        carried=len(result.state),
        entries=sum(map(len, computed.journal)),
    )
    return replace(plan, counts=counts), computed


def _sorted_out(connection: Connection, quarter: Quarter) -> tuple[NationalRun, list[World]]:
    """The agreements whose returns are in and whose closed quarters stand, and the run's lists of others."""
    suited: list[World] = []
    single: list[OneByOne] = []
    missing: list[ReturnMissing] = []
    for world in worlds(connection, quarter):
        roles, reasons = world.missing_roles(), world.reasons()
        missing += [ReturnMissing(world.agreement_id, role) for role in roles]
        if not roles and reasons:
            single.append(OneByOne(world.agreement_id, tuple(reasons)))
        elif not roles:
            suited.append(world)
    return NationalRun(quarter, {}, {}, single, missing, [], Counts()), suited


def _with_decisions(suited: Sequence[World], carried: Iterable[CarriedClause]) -> list[World]:
    by_agreement: defaultdict[int, list[CarriedClause]] = defaultdict(list)
    for one in carried:
        by_agreement[one.agreement_id].append(one)
    return [
        replace(world, now=replace(world.now, held=decided(world, by_agreement[world.agreement_id])))
        for world in suited
    ]


def _outside(units: Units, one: Refused) -> ClauseOutside:
    world = units.worlds[int(units.position[one.agreement])]
    return ClauseOutside(world.agreement_id, one.clause, one.reason_en, one.reason_zh)


# --- booking ----------------------------------------------------------------------------------------------


def _booked(
    connection: Connection, record: Recorder, computed: Computed, report: Report
) -> dict[int, int] | None:
    """The new settlements by agreement; None where somebody settled or closed one of them meanwhile."""
    settlement_ids = new_ids(len(computed.worlds))
    stages = stage_quarter(connection, computed.quarter.code)
    stage(connection, stages, computed, settlement_ids)
    report(Progress(Stage.STAGING, len(computed.result.allocations) + len(computed.result.state)))
    if overtaken(connection, computed):
        return None
    book(connection, record, stages, computed, settlement_ids)
    report(Progress(Stage.BOOKING, len(settlement_ids)))
    ids: list[int] = settlement_ids.tolist()
    return {world.agreement_id: one for world, one in zip(computed.worlds, ids, strict=True)}


# --- what is kept with the key ----------------------------------------------------------------------------


def _kept(plan: NationalRun) -> dict[str, Any]:
    """The run as JSON; ids are text, for whole numbers beyond 2^53 aren't exact in every reader."""
    return {
        "computed": {str(agreement): str(one) for agreement, one in plan.computed.items()},
        "unchanged": {str(agreement): str(one) for agreement, one in plan.unchanged.items()},
        "one_by_one": [[str(one.agreement_id), list(one.reasons)] for one in plan.one_by_one],
        "missing": [[str(one.agreement_id), one.role] for one in plan.missing],
        "refused": [
            [str(one.agreement_id), one.clause, one.reason_en, one.reason_zh] for one in plan.refused
        ],
        "counts": asdict(plan.counts),
    }


def _run(quarter: Quarter, kept: Mapping[str, Any]) -> NationalRun:
    return NationalRun(
        quarter=quarter,
        computed={int(agreement): int(one) for agreement, one in kept["computed"].items()},
        unchanged={int(agreement): int(one) for agreement, one in kept["unchanged"].items()},
        one_by_one=[OneByOne(int(agreement), tuple(reasons)) for agreement, reasons in kept["one_by_one"]],
        missing=[ReturnMissing(int(agreement), role) for agreement, role in kept["missing"]],
        refused=[ClauseOutside(int(agreement), *rest) for agreement, *rest in kept["refused"]],
        counts=Counts(**kept["counts"]),
    )
