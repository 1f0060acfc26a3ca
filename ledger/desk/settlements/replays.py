"""Replays: what the rules say of one world, and what each cause between two worlds changes.

A *world* is everything that a settlement rests on, by reference only (``Inputs``): versions of the terms,
current returns, what of them doesn't count as it was reported, the confirmed enterprise list, the confirmed
occurrences, and the extensions that closed settlements decided. A settlement is the difference between the
world of the last closed settlement and the world now; each cause turns one world into the next, and its
effect is the difference between the two replays, so the causes add up exactly.

Every replay starts from the agreement's first quarter. That costs (causes + 3) evaluations a settlement,
which is fine for an agreement with some thousands of lines.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, NamedTuple, TypeVar

from sqlalchemy import Connection, func, select

from ledger.desk import agreements, enterprises, occurrences, reconciliation, returns
from ledger.desk.agreements import NumberedVersion
from ledger.desk.reconciliation import Excepted, apply_excepted
from ledger.desk.settlements.excepted import (
    ExceptedKey,
    after_item,
    by_return,
    changed_between,
    read,
    written,
)
from ledger.errors import InvariantBroken
from ledger.evidence.canonical import Json, canonical_bytes
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter, row_on
from ledger.rules import plain
from ledger.rules.facts import Carried, Facts, Key, Line, Subject, Version
from ledger.rules.plain import clause_at
from ledger.rules.terms import Book, Clause
from ledger_schema.tables import agreement_party, party

INPUTS_FORMAT = "parkledger.settlement-inputs/1"

CauseKind = Literal["correction", "reconciliation", "enterprise_list", "occurrence", "amendment", "quarter"]

CAUSE_RANK: Mapping[CauseKind, int] = {
    "correction": 0,
    "reconciliation": 1,
    "enterprise_list": 2,
    "occurrence": 3,
    "amendment": 4,
    "quarter": 5,
}
"""Within the quarter that they are about, causes are replayed in this order."""

BOOK_IDS: Mapping[Book, int] = {Book.CASH: 1, Book.OFFICIAL: 2, Book.ASSESSMENT: 3}
"""As in the table ``book``; the numbers are part of the hashed form of allocations."""

BOOK_BY_ID = {book_id: book for book, book_id in BOOK_IDS.items()}

K = TypeVar("K")


class FilingReference(NamedTuple):
    """A return and the hash of its lines."""

    filing_id: int
    lines_hash: str


class OccurrenceReference(NamedTuple):
    """A confirmed record of an occurrence."""

    day: date
    sequence: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a settlement of ``quarter`` rests on. ``held`` are extensions decided, by (clause, subject).

    ``excepted``: what of the returns of record doesn't count as it was reported, because the sides differ.
    """

    quarter: Quarter
    versions: Mapping[int, Quarter] = field(default_factory=dict)
    filings: Mapping[tuple[Quarter, str], FilingReference] = field(default_factory=dict)
    list_version: int | None = None
    occurrences: Mapping[str, OccurrenceReference] = field(default_factory=dict)
    held: Mapping[tuple[int, int], bool] = field(default_factory=dict)
    excepted: Mapping[ExceptedKey, Excepted] = field(default_factory=dict)
    previous_settlement_id: int | None = None
    reopened_settlement_id: int | None = None
    """The settlement that had closed the quarter before it was reopened, which this one replaces."""

    @property
    def days_of_occurrences(self) -> dict[str, date]:
        """What has happened to the agreement, as rules see it."""
        return {name: one.day for name, one in self.occurrences.items()}

    def canonical(self) -> bytes:
        """The RFC 8785 bytes that are stored with the settlement and compared when it closes.

        What there is none of (occurrences, a reopening, excepted lines) isn't mentioned, as in
        settlements from before there were any.
        """
        reopened = self.reopened_settlement_id
        happened: list[Json] = [
            {"name": name, "day": one.day.isoformat(), "sequence": one.sequence}
            for name, one in sorted(self.occurrences.items())
        ]
        return canonical_bytes(
            {
                **({"occurrences": happened} if happened else {}),
                **({} if reopened is None else {"reopened_settlement": str(reopened)}),
                **({"excepted": written(self.excepted)} if self.excepted else {}),
                "format": INPUTS_FORMAT,
                "quarter": str(self.quarter),
                "versions": [
                    {"version": version, "starts": str(starts)}
                    for version, starts in sorted(self.versions.items())
                ],
                "filings": [
                    {"quarter": str(quarter), "role": role, "filing": str(filing), "lines_hash": lines_hash}
                    for (quarter, role), (filing, lines_hash) in sorted(self.filings.items())
                ],
                "enterprise_list": self.list_version,
                "held_extensions": [
                    {"clause": clause, "subject": str(subject), "extended": extended}
                    for (clause, subject), extended in sorted(self.held.items())
                ],
                "previous_settlement": (
                    None if self.previous_settlement_id is None else str(self.previous_settlement_id)
                ),
            }
        )

    @classmethod
    def parse(cls, content: bytes) -> Inputs:
        """The inputs that ``canonical`` wrote."""
        stored = json.loads(content)
        previous, reopened = stored["previous_settlement"], stored.get("reopened_settlement")
        return cls(
            quarter=Quarter.parse(stored["quarter"]),
            versions={row["version"]: Quarter.parse(row["starts"]) for row in stored["versions"]},
            filings={
                (Quarter.parse(row["quarter"]), row["role"]): FilingReference(
                    int(row["filing"]), row["lines_hash"]
                )
                for row in stored["filings"]
            },
            list_version=stored["enterprise_list"],
            occurrences={
                row["name"]: OccurrenceReference(date.fromisoformat(row["day"]), row["sequence"])
                for row in stored.get("occurrences", [])
            },
            held={(row["clause"], int(row["subject"])): row["extended"] for row in stored["held_extensions"]},
            excepted=dict(map(read, stored.get("excepted", []))),
            previous_settlement_id=None if previous is None else int(previous),
            reopened_settlement_id=None if reopened is None else int(reopened),
        )


@dataclass(frozen=True, slots=True)
class Side:
    """The party behind a role, and its names."""

    party_id: int
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a result changes.

    ``reference`` is the return's id, the version of the list or of the terms, name and sequence of an
    occurrence (``aid_fund_paid_in/1``), or the role of record and the number of the item that the sides
    reconciled (``host/3``; 0: nobody did anything but hand in).
    """

    cause: int
    kind: CauseKind
    quarter: Quarter
    reference: str
    title_zh: str
    title_en: str


class Slot(NamedTuple):
    """What an amount is booked about: a quarter's result for one party of one clause, subject and book."""

    clause: int
    subject_id: int
    quarter: Quarter
    book: Book
    commodity_id: int
    party_id: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Cumulative amounts by slot, and what of each goes on to which fund (party), in minor units."""

    amounts: Mapping[Slot, int] = field(default_factory=dict)
    routed: Mapping[tuple[Slot, int], int] = field(default_factory=dict)

    def minus(self, other: Totals) -> Totals:
        """The change from ``other`` to this, zeros left out."""
        return Totals(_minus(self.amounts, other.amounts), _minus(self.routed, other.routed))

    @property
    def booked(self) -> dict[Slot, tuple[int, int]]:
        """Amount and routed part of every slot, in slot order, as allocations keep them."""
        routed: defaultdict[Slot, int] = defaultdict(int)
        for (slot, _), amount_minor in self.routed.items():
            routed[slot] += amount_minor
        slots = sorted(self.amounts.keys() | routed.keys())
        return {slot: (self.amounts.get(slot, 0), routed[slot]) for slot in slots}


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of one world through one quarter."""

    totals: Totals
    carried: Mapping[tuple[int, int], Carried] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effect:
    """A cause and what it changes."""

    cause: Cause
    change: Totals


@dataclass(frozen=True, slots=True)
class Materials:
    """Everything that the worlds refer to, fetched once."""

    sides: Mapping[str, Side]
    versions: Mapping[int, NumberedVersion]
    lines: Mapping[int, Sequence[Line]]
    subjects: Mapping[int, Mapping[int, Subject]]


# --- worlds -----------------------------------------------------------------------------------------------


def inputs_now(connection: Connection, agreement_id: int, quarter: Quarter) -> Inputs:
    """The world as it is known now, for a settlement of ``quarter``; what came before isn't looked at."""
    versions = [row for row in agreements.terms_in_force(connection, agreement_id) if row.starts <= quarter]
    roles = {clause.what.reported_by for row in versions for clause in row.terms.clauses}
    confirmed = enterprises.confirmed_list(connection, agreement_id)
    filings = returns.current_filings(connection, agreement_id)
    excepted = reconciliation.excepted(connection, agreement_id, versions, filings, quarter)
    return Inputs(
        quarter=quarter,
        versions={row.version: row.starts for row in versions},
        filings={
            (about, role): FilingReference(filing.filing_id, filing.lines_hash.hex())
            for (about, role), filing in filings.items()
            if role in roles and about <= quarter
        },
        excepted={ExceptedKey(*key): one for key, one in excepted.items()},
        list_version=None if confirmed is None else confirmed.version,
        occurrences={
            name: OccurrenceReference(one.day, one.sequence)
            for name, one in occurrences.confirmed_occurrences(connection, agreement_id).items()
        },
    )


def gather(connection: Connection, agreement_id: int, *worlds: Inputs) -> Materials:
    """Fetch what the ``worlds`` refer to; every line is read once."""
    return gather_all(connection, {agreement_id: worlds})[agreement_id]


def gather_all(connection: Connection, worlds: Mapping[int, Sequence[Inputs]]) -> dict[int, Materials]:
    """What ``gather`` gives of the worlds of several agreements, for all of them at once."""
    agreement_ids = sorted(worlds)
    filing_ids = {
        agreement_id: {filing.filing_id for world in of_one for filing in world.filings.values()}
        for agreement_id, of_one in worlds.items()
    }
    lines: defaultdict[int, list[Line]] = defaultdict(list)
    for line in returns.lines_of_agreements(
        connection, agreement_ids, sorted(set().union(*filing_ids.values()))
    ):
        lines[filing_of(line)].append(line)
    sides = sides_of_agreements(connection, agreement_ids)
    versions = agreements.terms_of_agreements(connection, agreement_ids)
    subjects = enterprises.subjects_of_lists(
        connection,
        {
            (agreement_id, world.list_version)
            for agreement_id, of_one in worlds.items()
            for world in of_one
            if world.list_version is not None
        },
    )
    return {
        agreement_id: Materials(
            sides=sides[agreement_id],
            versions={row.version: row for row in versions[agreement_id]},
            lines={filing_id: lines[filing_id] for filing_id in filing_ids[agreement_id]},
            subjects={
                version: listed for (of_one, version), listed in subjects.items() if of_one == agreement_id
            },
        )
        for agreement_id in agreement_ids
    }


def filing_of(line: Line) -> int:
    """The return that holds the line."""
    return int(line.line_id.partition("/")[0])


def sides_of(connection: Connection, agreement_id: int) -> dict[str, Side]:
    """The party of every role of the agreement."""
    return sides_of_agreements(connection, [agreement_id])[agreement_id]


def sides_of_agreements(
    connection: Connection, agreement_ids: Sequence[int]
) -> defaultdict[int, dict[str, Side]]:
    """The party of every role of each agreement."""
    columns = agreement_party.c
    rows = connection.execute(
        select(columns.agreement_id, columns.role, party.c.party_id, party.c.name_zh, party.c.name_en)
        .join(party, party.c.party_id == columns.party_id)
        .where(columns.agreement_id == func.any(list(agreement_ids)))
    )
    sides: defaultdict[int, dict[str, Side]] = defaultdict(dict)
    for row in rows:
        sides[row.agreement_id][row.role] = Side(row.party_id, row.name_zh, row.name_en or row.name_zh)
    return sides


# --- causes -----------------------------------------------------------------------------------------------


def worlds_between(
    before: Inputs | None, now: Inputs, sides: Mapping[str, Side]
) -> list[tuple[Cause, Inputs]]:
    """Every cause in replay order with the world that it leads to; the last, the quarter, leads to ``now``.

    Before the first settlement there was nothing, so the quarter's own figures are its only cause.
    """
    changes = [] if before is None else sorted(_changes(before, now, sides), key=_replay_order)
    quarter = Cause(
        len(changes) + 1,
        "quarter",
        now.quarter,
        str(now.quarter),
        f"{now.quarter.name_zh}本期数",
        f"Figures of {now.quarter}",
    )
    worlds: list[tuple[Cause, Inputs]] = []
    world = before
    for number, cause in enumerate(changes, start=1):
        world = _after(world or now, cause, now)
        worlds.append((replace(cause, cause=number), world))
    return [*worlds, (quarter, now)]


def _changes(before: Inputs, now: Inputs, sides: Mapping[str, Side]) -> Iterable[Cause]:
    for (quarter, role), filing in now.filings.items():
        if quarter <= before.quarter and before.filings.get((quarter, role)) != filing:
            yield _correction(quarter, filing, sides[role], is_first=(quarter, role) not in before.filings)
    for quarter, role, item in changed_between(before.excepted, now.excepted):
        if quarter <= before.quarter:
            yield _reconciliation(quarter, role, item, sides[role])
    if now.list_version != before.list_version:
        yield _list_change(now)
    for name, happened in now.occurrences.items():
        if before.occurrences.get(name) != happened:
            yield _occurrence(now.quarter, name, happened)
    for version, starts in now.versions.items():
        if version not in before.versions:
            yield _amendment(version, starts)


def _correction(quarter: Quarter, filing: FilingReference, side: Side, *, is_first: bool) -> Cause:
    verb_zh, noun_en = ("补报", "Late first return") if is_first else ("更正", "Correction of the return")
    return Cause(
        0,
        "correction",
        quarter,
        str(filing.filing_id),
        f"{verb_zh}{quarter.name_zh}申报（{side.name_zh}）",
        f"{noun_en} for {quarter} ({side.name_en})",
    )


def _reconciliation(quarter: Quarter, role: str, item: int, side: Side) -> Cause:
    name_zh, name_en = (f"第{item}号", f"item {item}") if item else ("", "returns compared anew")
    return Cause(
        0,
        "reconciliation",
        quarter,
        f"{role}/{item}",
        f"{quarter.name_zh}对账{name_zh}（{side.name_zh}）",
        f"Reconciliation of {quarter}, {name_en} ({side.name_en})",
    )


def _list_change(now: Inputs) -> Cause:
    return Cause(
        0,
        "enterprise_list",
        now.quarter,
        str(now.list_version),
        f"企业名单第{now.list_version}版",
        f"Enterprise list, version {now.list_version}",
    )


def _occurrence(quarter: Quarter, name: str, happened: OccurrenceReference) -> Cause:
    day, sequence = happened
    return Cause(
        0,
        "occurrence",
        quarter,
        f"{name}/{sequence}",
        f"事件 {name}（{day.year}年{day.month}月{day.day}日，第{sequence}次记录）",
        f"Occurrence {name} ({day.isoformat()}, record {sequence})",
    )


def _amendment(version: int, starts: Quarter) -> Cause:
    return Cause(
        0,
        "amendment",
        starts,
        str(version),
        f"协议第{version}版条款（自{starts.name_zh}起）",
        f"Terms, version {version} (from {starts})",
    )


def _replay_order(cause: Cause) -> tuple[Quarter, int, str, int]:
    """By the quarter a cause is about, its kind, an occurrence's name, then time: numbers grow with time."""
    name, _, number = cause.reference.rpartition("/")
    return cause.quarter, CAUSE_RANK[cause.kind], name, int(number)


def _after(world: Inputs, cause: Cause, now: Inputs) -> Inputs:
    match cause.kind:
        case "reconciliation":
            role, _, item = cause.reference.rpartition("/")
            excepted = after_item(world.excepted, now.excepted, cause.quarter, role, int(item))
            return replace(world, excepted=excepted)
        case "correction":
            changed = {
                key: filing for key, filing in now.filings.items() if str(filing.filing_id) == cause.reference
            }
            return replace(world, filings={**world.filings, **changed})
        case "enterprise_list":
            return replace(world, list_version=now.list_version)
        case "occurrence":
            name = cause.reference.rpartition("/")[0]
            return replace(world, occurrences={**world.occurrences, name: now.occurrences[name]})
        case "amendment":
            version = int(cause.reference)
            return replace(world, versions={**world.versions, version: now.versions[version]})
        case "quarter":
            return now


# --- replays ----------------------------------------------------------------------------------------------


def effects(materials: Materials, before: Inputs | None, now: Inputs) -> tuple[Totals, list[Effect], Replay]:
    """What the world before gives, what each cause changes, and the replay of the world now.

    Raises ``InvariantBroken`` when the causes don't lead to the world now.
    """
    held = now.held
    base = _replay_before(materials, before, held)
    totals, found, latest = base.totals, [], base
    for cause, world in worlds_between(before, now, materials.sides):
        if before is not None and cause.kind == "quarter":
            _require_all_causes_named(materials, now, before, totals)
        through = now.quarter if before is None or cause.kind == "quarter" else before.quarter
        latest = replay(materials, replace(world, held=held), through)
        found.append(Effect(cause, latest.totals.minus(totals)))
        totals = latest.totals
    return base.totals, found, latest


def _replay_before(
    materials: Materials, before: Inputs | None, held: Mapping[tuple[int, int], bool]
) -> Replay:
    if before is None:
        return Replay(Totals())
    return replay(materials, replace(before, held=held), before.quarter)


def _require_all_causes_named(materials: Materials, now: Inputs, before: Inputs, totals: Totals) -> None:
    if replay(materials, now, before.quarter).totals != totals:
        raise InvariantBroken(
            detail=f"the named causes don't explain every change of closed quarters to {now.quarter}"
        )


def replay(materials: Materials, world: Inputs, through: Quarter) -> Replay:
    """What the rules say of ``world``, cumulatively from the first quarter through ``through``."""
    amounts: defaultdict[Slot, int] = defaultdict(int)
    routed: defaultdict[tuple[Slot, int], int] = defaultdict(int)
    carried: dict[tuple[int, int], Carried] = {}
    versions = versions_of(materials.versions, world)
    for reporters, numbers in reporting_groups(versions).items():
        outcome = plain.evaluate(
            only_clauses(versions, numbers),
            facts_of(materials, world, reporters),
            through,
            held_extensions=world.held,
        )
        carried |= outcome.carried
        for key, amount in outcome.amounts.items():
            slot = slot_of(materials, versions, key)
            amounts[slot] += amount.amount_minor
            if amount.routed_minor:
                routed[slot, _fund(materials, versions, key)] += amount.routed_minor
    return Replay(Totals(_without_zeros(amounts), _without_zeros(routed)), carried)


def versions_of(terms: Mapping[int, NumberedVersion], world: Inputs) -> list[Version]:
    """The world's versions in order; of two that start in the same quarter the later one counts."""
    latest = {starts: version for version, starts in sorted(world.versions.items())}
    return [Version(starts, terms[version].terms) for starts, version in sorted(latest.items())]


Reporters = tuple[tuple[Quarter, str], ...]
"""From which quarter on which role's returns hold the figures of record."""


def reporting_groups(versions: Sequence[Version]) -> dict[Reporters, set[int]]:
    """Clauses by whose returns they read: two roles may report one measure, and only one of them counts."""
    reporters: defaultdict[int, list[tuple[Quarter, str]]] = defaultdict(list)
    for version in versions:
        for clause in version.terms.clauses:
            reporters[clause.number].append((version.starts, clause.what.reported_by))
    groups: defaultdict[Reporters, set[int]] = defaultdict(set)
    for number, rows in reporters.items():
        groups[tuple(rows)].add(number)
    return dict(groups)


def only_clauses(versions: Sequence[Version], numbers: set[int]) -> list[Version]:
    """The versions with no other clauses than ``numbers``."""
    return [
        Version(
            version.starts,
            version.terms.model_copy(
                update={
                    "clauses": tuple(clause for clause in version.terms.clauses if clause.number in numbers)
                }
            ),
        )
        for version in versions
    ]


def facts_of(materials: Materials, world: Inputs, reporters: Reporters) -> Facts:
    """The figures of record: of each quarter the lines of the role that reports it, as they count."""
    rows = [(starts.start, role) for starts, role in reporters]
    excepted = by_return(world.excepted)
    lines = [
        line
        for (quarter, role), filing in sorted(world.filings.items())
        if row_on(rows, quarter.start) == role
        for line in apply_excepted(
            materials.lines[filing.filing_id], excepted[quarter, role], filing.filing_id
        )
    ]
    subjects = {} if world.list_version is None else materials.subjects[world.list_version]
    return Facts(lines, subjects, world.days_of_occurrences)


def latest_clauses(terms: Mapping[int, NumberedVersion], world: Inputs) -> dict[int, Clause]:
    """Every clause by number, as the world's last version that has it says."""
    return {
        clause.number: clause for version in versions_of(terms, world) for clause in version.terms.clauses
    }


def slot_of(materials: Materials, versions: Sequence[Version], key: Key) -> Slot:
    """Where the result of ``key`` is booked."""
    clause = clause_at(versions, key.clause, key.quarter)
    return Slot(
        key.clause,
        key.subject,
        key.quarter,
        key.book,
        MEASURE_BY_NAME[clause.what.measures[0]].commodity.commodity_id,
        materials.sides[key.role].party_id,
    )


def _fund(materials: Materials, versions: Sequence[Version], key: Key) -> int:
    routing = clause_at(versions, key.clause, key.quarter).then.routing
    if routing is None:
        raise InvariantBroken(detail=f"clause {key.clause} routes an amount but names no fund")
    return materials.sides[routing.to].party_id


def _minus(after: Mapping[K, int], before: Mapping[K, int]) -> dict[K, int]:
    changes = {key: after.get(key, 0) - before.get(key, 0) for key in after.keys() | before.keys()}
    return _without_zeros(changes)


def _without_zeros(amounts: Mapping[K, int]) -> dict[K, int]:
    return {key: amount for key, amount in amounts.items() if amount}
