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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, func, select

from ledger.desk import settlements
from ledger.desk.acts import Act, Done, Recorder, perform
from ledger.desk.national.booking import (
    Computed,
    Head,
    arranged,
    book,
    hashes_of,
    heads_of,
    journal_of,
    overtaken,
    recorded,
    stage_allocations,
    stage_carried,
)
from ledger.desk.national.reading import (
    CarriedClause,
    Units,
    decided,
    held_of,
    read_carried,
    read_figures,
    read_subjects,
    state_of,
)
from ledger.desk.national.worlds import World, worlds
from ledger.desk.settlements.journal import accrued_balances
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.vector import Refused, Result, Rules, State, compile_clauses, evaluate_quarter
from ledger_schema.ids import new_ids
from ledger_schema.partitions import Stages, open_booked_quarter, stage_quarter
from ledger_schema.sessions import ATTEMPTS_MAX, Database, TooBusy

SLICE_LINES: Final = 200_000
"""Lines computed together: enough that what is done once a slice doesn't count."""


class Stage(StrEnum):
    """The parts of a run."""

    WORLDS = "worlds"
    """What is known of each agreement; counts agreements. What follows up to staging goes slice by slice."""
    COMPILING = "compiling"
    """Carried state and clauses as columns; counts clauses."""
    READING = "reading"
    """Lines and enterprise lists; counts lines."""
    COMPUTING = "computing"
    """Counts rows: a clause and a subject."""
    ARRANGING = "arranging"
    """Order, hashes and the journal; counts allocations."""
    STAGING = "staging"
    """Waiting until the database has taken in the rows of a slice; counts slices."""
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

    def plus(self, lines: int, result: Result) -> Counts:
        """With the lines and the result of one more slice."""
        return Counts(
            lines=self.lines + lines,
            rows=self.rows + result.rows,
            wide_rows=self.wide_rows + result.wide_rows,
            allocations=self.allocations + len(result.allocations),
            carried=self.carried + len(result.state),
            entries=self.entries,
        )


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
            with connection.begin_nested() as attempt:
                plan, stages, heads = _staged(database, connection, quarter, report)
                if not heads:
                    attempt.rollback()
                    return _kept(plan)
                if not overtaken(connection, quarter, [head.world for head in heads]):
                    book(connection, record, stages, quarter, heads)
                    report(Progress(Stage.BOOKING, len(heads)))
                    return _kept(plan)
                attempt.rollback()
        raise TooBusy(attempts=ATTEMPTS_MAX)

    with database.writing() as connection:
        open_booked_quarter(connection, quarter.code)
    done = perform(database, act, "compute_national_quarter", {"quarter": str(quarter)}, work)
    plan = _run(quarter, done.value)
    settled = _settle_one_by_one(database, act, plan, report)
    return Done(replace(plan, one_by_one=settled), done.replayed)


def close_quarter(
    database: Database, act: Act, run: NationalRun, report: Report = lambda _progress: None
) -> list[Closed]:
    """Close every agreement's quarter with its settlement of the run, each in a transaction of its own.

    Where the terms ask for signatures that aren't there, the quarter stays open (``SIGNATURES_MISSING``).
    """
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


def _staged(
    database: Database, connection: Connection, quarter: Quarter, report: Report
) -> tuple[NationalRun, Stages, list[Head]]:
    """Computes slice by slice; while one is computed, ``connection`` takes the one before into the stages.

    The transaction that reads is over at the end, so that the stages can take the partitions' place.
    """
    stages = stage_quarter(connection, quarter.code)
    heads: list[Head] = []
    with database.reading() as reader, _beside(database, reader) as other, ThreadPoolExecutor(1) as writer:
        plan, suited = _sorted_out(reader, quarter)
        report(Progress(Stage.WORLDS, len(suited)))
        copying: list[Future[None]] = []
        for worlds_of_slice in _slices(suited):
            plan, computed = _computed(reader, other, quarter, plan, worlds_of_slice, report)
            if computed is None:
                continue
            _await(copying, report)
            settlement_ids = new_ids(len(computed.worlds))
            copying = [writer.submit(stage_carried, connection, stages, computed, settlement_ids)]
            given = arranged(computed)
            copying.append(
                writer.submit(stage_allocations, connection, stages, computed, settlement_ids, given)
            )
            hashes = hashes_of(quarter, given)
            heads += heads_of(computed, settlement_ids, given, hashes, journal_of(computed))
            report(Progress(Stage.ARRANGING, len(computed.result.allocations)))
        _await(copying, report)
    return _with_settlements(plan, heads), stages, heads


def _await(copying: Iterable[Future[None]], report: Report) -> None:
    for one in copying:
        one.result()
    report(Progress(Stage.STAGING, 1))


def _slices(suited: Sequence[World]) -> Iterator[list[World]]:
    """The agreements in parts of about ``SLICE_LINES`` lines: memory doesn't grow with the nation."""
    part: list[World] = []
    for world in suited:
        part.append(world)
        if sum(one.line_count for one in part) >= SLICE_LINES:
            yield part
            part = []
    if part:
        yield part


def _computed(
    connection: Connection,
    other: Connection,
    quarter: Quarter,
    plan: NationalRun,
    suited: Sequence[World],
    report: Report,
) -> tuple[NationalRun, Computed | None]:
    """The agreements' quarter, read with two connections; the plan with those that can't be or needn't be."""
    carried = read_carried(connection, quarter, suited)
    suited = _with_decisions(suited, carried)
    unchanged = recorded(connection, quarter, suited)
    suited = [world for world in suited if world.agreement_id not in unchanged]
    units, state, rules, outside = _compiled(quarter, suited, carried)
    report(Progress(Stage.COMPILING, len(rules.clauses)))
    plan = replace(plan, unchanged={**plan.unchanged, **unchanged}, refused=[*plan.refused, *outside])
    if not units.worlds:
        return plan, None
    with ThreadPoolExecutor(1) as background:
        reading = background.submit(read_subjects, other, units)
        figures = read_figures(connection, quarter, units.by_filing)
        accrued = accrued_balances(connection, [one.agreement_id for one in units.worlds if one.is_final])
        subjects = reading.result()
    report(Progress(Stage.READING, len(figures)))
    result = evaluate_quarter(rules, quarter, figures, subjects, state, held_of(units))
    report(Progress(Stage.COMPUTING, result.rows))
    counts = plan.counts.plus(len(figures), result)
    return replace(plan, counts=counts), Computed(quarter, units, rules, result, accrued)


def _compiled(
    quarter: Quarter, suited: Sequence[World], carried: Sequence[CarriedClause]
) -> tuple[Units, State, Rules, list[ClauseOutside]]:
    """The clauses as columns; agreements with a clause that has none are left out and listed."""
    units = Units(suited)
    state = state_of(units, [one for one in carried if one.agreement_id in units.position_of_agreement])
    rules = compile_clauses(units.clauses, quarter, state.keys)
    outside = [_outside(units, one) for one in rules.refused]
    if not outside:
        return units, state, rules, []
    refused = {one.agreement_id for one in outside}
    left = [world for world in suited if world.agreement_id not in refused]
    return *_compiled(quarter, left, carried)[:3], outside


@contextmanager
def _beside(database: Database, connection: Connection) -> Iterator[Connection]:
    """Another transaction that sees the same state of the ledger, to read with at the same time."""
    snapshot = connection.execute(select(func.pg_export_snapshot())).scalar_one()
    with database.reading() as other:
        other.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        yield other


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


def _with_settlements(plan: NationalRun, heads: Sequence[Head]) -> NationalRun:
    counts = replace(plan.counts, entries=sum(len(head.journal) for head in heads))
    computed = {head.world.agreement_id: head.settlement_id for head in heads}
    return replace(plan, computed=computed, counts=counts)


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
