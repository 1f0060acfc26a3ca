"""The columns that the vectorised evaluator needs for a quarter of many agreements, read in a few queries.

The evaluator's "agreement" is a *unit* here: an agreement and the role whose return holds the figures of
record of some of its clauses. Two roles of one agreement may report the same measure, and only the figures of
a clause's own reporter count for it. Units are numbered from 0 in order of agreement and role.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from sqlalchemy import Connection

from ledger.desk.national.columns import Int64Column, joined, numbers_of, rows_in_binary
from ledger.desk.national.worlds import World
from ledger.desk.settlements import holding_clauses
from ledger.periods import Quarter
from ledger.rules.terms import Clause, Event, Scope, Window
from ledger.rules.vector import ClauseInForce, Figures, Held, State, Subjects
from ledger.rules.vector.columns import (
    CAUSE_CODE,
    EVENTS,
    FIXED_COLUMNS,
    NONE,
    EntitlementKeys,
    Vocabulary,
)

EXTENDED_COLUMN: Final = 4
"""The place of the extension's decision in packed state: -1 undecided, 0 refused, 1 granted."""

NOT_A_DAY: Final = -(2**63)

LINES: Final = """
    SELECT filing_id,
        array_send(array_agg(subject_id)),
        array_send(array_agg(measure_id)),
        array_send(array_agg(months)),
        array_send(array_agg(starts - date '1970-01-01')),
        array_send(array_agg(amount_minor))
    FROM return_line
    WHERE booked_quarter = %(quarter)s AND filing_id = ANY(%(filings)s)
    GROUP BY filing_id
"""
CARRIED: Final = """
    SELECT agreement_id, clause, array_send(array_agg(subject_id)), array_send(array_agg(state))
    FROM carried
    WHERE booked_quarter = %(quarter)s AND settlement_id = ANY(%(settlements)s)
    GROUP BY agreement_id, clause
"""
CONTROLLERS: Final = """
    SELECT DISTINCT attributes ->> 'controller'
    FROM enterprise_list_entry
    JOIN unnest(%(agreements)s::bigint[], %(versions)s::smallint[]) AS chosen (agreement_id, version)
        USING (agreement_id, version)
    WHERE attributes ? 'controller'
    ORDER BY 1
"""
LISTED: Final = """
    SELECT agreement_id, array_send(array_agg(enterprise_id)){columns}
    FROM enterprise_list_entry
    JOIN unnest(%(agreements)s::bigint[], %(versions)s::smallint[]) AS chosen (agreement_id, version)
        USING (agreement_id, version)
    GROUP BY agreement_id
"""


@dataclass(frozen=True)
class Units:
    """The agreements to compute, by position, and their units."""

    worlds: Sequence[World]

    @cached_property
    def by_role(self) -> dict[tuple[int, str], int]:
        """The unit of each position and reporting role."""
        pairs = [
            (position, role)
            for position, world in enumerate(self.worlds)
            for role in sorted({clause.what.reported_by for clause in world.clauses})
        ]
        return {pair: unit for unit, pair in enumerate(pairs)}

    @cached_property
    def position(self) -> Int64Column:
        """The position of each unit; then of each agreement's clauses that aren't in force (``aside``)."""
        of_units = [position for position, _ in self.by_role]
        return np.array([*of_units, *range(len(self.worlds))], np.int64)

    def aside(self, position: int) -> int:
        """The unit that stands for an agreement's clauses that aren't in force."""
        return len(self.by_role) + position

    @cached_property
    def clauses(self) -> list[ClauseInForce]:
        return [
            ClauseInForce(
                self.by_role[position, clause.what.reported_by],
                clause,
                occurrences=world.now.days_of_occurrences,
            )
            for position, world in enumerate(self.worlds)
            for clause in world.clauses
        ]

    @cached_property
    def by_filing(self) -> dict[int, int]:
        """The unit that each return of the quarter belongs to."""
        return {
            self.worlds[position].now.filings[self.worlds[position].now.quarter, role].filing_id: unit
            for (position, role), unit in self.by_role.items()
        }

    @cached_property
    def position_of_agreement(self) -> dict[int, int]:
        return {world.agreement_id: position for position, world in enumerate(self.worlds)}


# --- figures ----------------------------------------------------------------------------------------------


def read_figures(connection: Connection, quarter: Quarter, unit_by_filing: Mapping[int, int]) -> Figures:
    """The lines of the returns. Returns about the open quarter are booked in it."""
    parameters = {"quarter": quarter.code, "filings": list(unit_by_filing)}
    units: list[Int64Column] = []
    columns: list[list[Int64Column]] = [[], [], [], [], []]
    for filing_id, *sent in rows_in_binary(connection, LINES, parameters):
        numbers = [numbers_of(part) for part in sent]
        units.append(np.full(len(numbers[0]), unit_by_filing[filing_id]))
        for parts, part in zip(columns, numbers, strict=True):
            parts.append(part)
    subject, measure_id, months, starts, amount_minor = map(joined, columns)
    return Figures(
        agreement=joined(units),
        subject=subject,
        measure_id=measure_id.astype(np.int16),
        starts=starts.astype("datetime64[D]"),
        months=months.astype(np.int8),
        amount_minor=amount_minor,
    )


# --- carried state ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CarriedClause:
    """What a clause of an agreement carries: packed state, one row for each subject."""

    agreement_id: int
    clause: int
    subject: Int64Column
    packed: Int64Column


def read_carried(connection: Connection, quarter: Quarter, worlds: Sequence[World]) -> list[CarriedClause]:
    """What the closed settlements of the quarter before ``quarter`` carry on."""
    settlements = [world.now.previous_settlement_id for world in worlds if world.before is not None]
    if not settlements:
        return []
    parameters = {"quarter": quarter.previous.code, "settlements": settlements}
    return [
        CarriedClause(agreement_id, clause, numbers_of(subject), numbers_of(packed))
        for agreement_id, clause, subject, packed in rows_in_binary(connection, CARRIED, parameters)
    ]


def decided(world: World, carried: Iterable[CarriedClause]) -> dict[tuple[int, int], bool]:
    """The extensions that closed settlements decided for good, by clause and subject."""
    if world.before is None:
        return {}
    found = dict(world.before.held)
    holding = holding_clauses(world.versions_before)
    for one in carried:
        if one.clause in holding:
            extended = one.packed[:, EXTENDED_COLUMN]
            known = np.flatnonzero(extended != NONE)
            subjects, answers = one.subject[known].tolist(), (extended[known] == 1).tolist()
            found |= {(one.clause, subject): yes for subject, yes in zip(subjects, answers, strict=True)}
    return found


def state_of(units: Units, carried: Sequence[CarriedClause]) -> State:
    """The carried state by unit; clauses that aren't in force any more get units of their own."""
    unit_by_clause = _unit_by_clause(units)
    keys: dict[tuple[int, int], EntitlementKeys] = {}
    counters: dict[tuple[int, int], tuple[str, ...]] = {}
    width = max((one.packed.shape[1] for one in carried), default=FIXED_COLUMNS)
    packed = np.zeros((sum(len(one.subject) for one in carried), width), np.int64)
    agreement, clause = np.zeros(len(packed), np.int64), np.zeros(len(packed), np.int64)
    begin = 0
    for one in carried:
        position = units.position_of_agreement[one.agreement_id]
        unit = unit_by_clause.get((position, one.clause), units.aside(position))
        rows = slice(begin, begin + len(one.subject))
        agreement[rows], clause[rows] = unit, one.clause
        packed[rows, : one.packed.shape[1]] = one.packed
        before = units.worlds[position].clauses_before[one.clause]
        keys[unit, one.clause], counters[unit, one.clause] = before.entitlement_keys, before.counter_names
        begin = rows.stop
    return State(agreement, clause, joined([one.subject for one in carried]), packed, keys, counters)


def held_of(units: Units) -> Held:
    """What closed settlements decided (``Inputs.held`` of each world), by unit."""
    unit_by_clause = _unit_by_clause(units)
    rows = [
        (unit_by_clause.get((position, clause), units.aside(position)), clause, subject, extended)
        for position, world in enumerate(units.worlds)
        for (clause, subject), extended in world.now.held.items()
    ]
    agreement, clause, subject, extended = (
        np.array([row[place] for row in rows], np.int64) for place in range(4)
    )
    return Held(agreement, clause, subject, extended.astype(np.bool_))


def _unit_by_clause(units: Units) -> dict[tuple[int, int], int]:
    return {
        (int(units.position[item.agreement]), item.clause.number): item.agreement for item in units.clauses
    }


# --- enterprise lists -------------------------------------------------------------------------------------


def read_subjects(connection: Connection, units: Units) -> Subjects:
    """Who is on the confirmed lists, with the attributes that the clauses ask for and no others."""
    wanted = [each for item in units.clauses for each in _wanted(item.clause)]
    words = Vocabulary(
        role_names=tuple(sorted({role for item in units.clauses if (role := _referrer(item.clause))})),
        attribute_names=tuple(sorted({name for name, _ in wanted})),
        attribute_values=tuple(sorted({value for _, values in wanted for value in values})),
    )
    kinds = _columns(words)
    needs = _needs_by_position(units)
    columns: defaultdict[str, list[Int64Column]] = defaultdict(list)
    for attributes in sorted({frozenset(needed) for needed in needs.values()}, key=sorted):
        positions = [position for position, needed in needs.items() if needed == attributes]
        for position, numbers in _lists(connection, units, positions, attributes, words):
            for unit in _listing_units(units, position):
                _extend(columns, unit, numbers, kinds)
    column = {name: joined(parts) for name, parts in columns.items()}
    nothing = np.zeros(0, np.int64)
    return Subjects(
        agreement=column.get("agreement", nothing),
        subject=column.get("subject", nothing),
        event_days=np.stack([column.get(event, nothing) for event in EVENTS], axis=1).astype("datetime64[D]"),
        pre_move_tax_minor=column.get("pre_move_tax_minor", nothing),
        pre_move_years=column.get("pre_move_years", nothing),
        cause_code=column.get("cause_code", nothing).astype(np.int8),
        referrer_code=column.get("referrer_code", nothing).astype(np.int16),
        base_year_amount_minor=column.get("base_year_amount_minor", nothing),
        controller_code=column.get("controller_code", nothing),
        role_names=words.role_names,
        attribute_codes=np.array(
            [column.get(_named(name), nothing) for name in words.attribute_names], np.int64
        ).T.reshape(len(column.get("subject", nothing)), len(words.attribute_names)),
        attribute_names=words.attribute_names,
        attribute_values=words.attribute_values,
    )


def read_listed(connection: Connection, chosen: Sequence[World]) -> dict[int, Int64Column]:
    """The enterprises on the confirmed list of each agreement that has one."""
    with_list = [world for world in chosen if world.now.list_version is not None]
    parameters = {
        "agreements": [world.agreement_id for world in with_list],
        "versions": [world.now.list_version for world in with_list],
    }
    rows = rows_in_binary(connection, LISTED.format(columns=""), parameters)
    return {agreement_id: numbers_of(sent) for agreement_id, sent in rows}


def _lists(
    connection: Connection,
    units: Units,
    positions: Sequence[int],
    attributes: frozenset[str],
    words: Vocabulary,
) -> Iterator[tuple[int, dict[str, Int64Column]]]:
    """The lists of the agreements at ``positions``, with ``attributes``."""
    names = sorted(attributes)
    kinds = _columns(words)
    columns = "".join(f", array_send(array_agg({kinds[name]}))" for name in names)
    chosen = [units.worlds[position] for position in positions]
    lists: dict[str, object] = {
        "agreements": [world.agreement_id for world in chosen],
        "versions": [world.now.list_version for world in chosen],
    }
    controllers = _controllers(connection, lists) if "controller_code" in names else []
    parameters = lists | {
        "controllers": json.dumps({name: code for code, name in enumerate(controllers)}),
        "roles": list(words.role_names),
        "names": list(words.attribute_names),
        "values": list(words.attribute_values),
    }
    for agreement_id, *sent in rows_in_binary(connection, LISTED.format(columns=columns), parameters):
        numbers = dict(zip(["subject", *names], map(numbers_of, sent), strict=True))
        yield units.position_of_agreement[agreement_id], numbers


def _controllers(connection: Connection, lists: Mapping[str, object]) -> Sequence[str]:
    """The actual controllers of the enterprises on the lists."""
    return connection.exec_driver_sql(CONTROLLERS, dict(lists)).scalars().all()


def _extend(
    columns: Mapping[str, list[Int64Column]],
    unit: int,
    numbers: Mapping[str, Int64Column],
    kinds: Iterable[str],
) -> None:
    count = len(numbers["subject"])
    columns["agreement"].append(np.full(count, unit))
    columns["subject"].append(numbers["subject"])
    for name in kinds:
        absent = _ABSENT.get(name, 0) if name in ATTRIBUTES else NONE
        columns[name].append(numbers.get(name, np.full(count, absent)))


def _needs_by_position(units: Units) -> dict[int, frozenset[str]]:
    """What the clauses ask of the enterprises of each agreement that has a list and a clause that uses it."""
    found = {}
    for position, world in enumerate(units.worlds):
        listing = [clause for clause in world.clauses if _is_listing(clause)]
        if listing and world.now.list_version is not None:
            found[position] = frozenset(name for clause in listing for name in _needs(clause))
    return found


def _listing_units(units: Units, position: int) -> list[int]:
    roles = {clause.what.reported_by for clause in units.worlds[position].clauses if _is_listing(clause)}
    return [units.by_role[position, role] for role in sorted(roles)]


def _is_listing(clause: Clause) -> bool:
    return clause.whose.scope is Scope.LISTED_ENTERPRISES


def _referrer(clause: Clause) -> str | None:
    return None if clause.whose.eligibility is None else clause.whose.eligibility.referred_by


def _needs(clause: Clause) -> Iterator[str]:
    """The names of the attributes that a clause asks of its subjects."""
    eligibility, surplus = clause.whose.eligibility, clause.how_much.surplus
    routing = clause.then.routing
    for window in (clause.when.window, None if routing is None else routing.window):
        yield from _events(window)
    if any(cap.pre_move_tax_total for cap in clause.within.caps):
        yield "pre_move_tax_minor"
    if any(cap.per == "controller" for cap in clause.within.caps):
        yield "controller_code"
    if surplus is not None and surplus.base_of_enterprise:
        yield "base_year_amount_minor"
    if eligibility is not None:
        yield from ("pre_move_tax_minor", "pre_move_years", "cause_code", "referrer_code")
    for name, _ in _wanted(clause):
        yield _named(name)


def _wanted(clause: Clause) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each attribute that a clause looks at, with values that it accepts."""
    eligibility = clause.whose.eligibility
    if eligibility is not None:
        yield from eligibility.attributes.items()
    for rate in clause.how_much.rates:
        yield from rate.where.items()


def _named(attribute: str) -> str:
    return f"attributes.{attribute}"


def _columns(words: Vocabulary) -> dict[str, str]:
    """``ATTRIBUTES``, and each named attribute as its value's place in ``attribute_values``."""
    named = {
        _named(name): "coalesce(array_position(%(values)s::text[], "
        f"attributes -> 'attributes' ->> (%(names)s::text[])[{place}]), 0) - 1"
        for place, name in enumerate(words.attribute_names, start=1)
    }
    return {**ATTRIBUTES, **named}


def _events(window: Window | None) -> Iterator[str]:
    if window is not None:
        yield from window.ends_at
        if window.clock.event is not None:
            yield window.clock.event


def _event_day(event: Event) -> str:
    day = f"(attributes #>> '{{events,{event}}}')::date - date '1970-01-01'"
    return f"coalesce(({day})::bigint, {NOT_A_DAY})"


_CAUSES = " ".join(f"WHEN '{cause}' THEN {code}" for cause, code in CAUSE_CODE.items())
_ABSENT: Final[Mapping[str, int]] = {
    **{event.value: NOT_A_DAY for event in EVENTS},
    "cause_code": NONE,
    "referrer_code": NONE,
    "controller_code": NONE,
}

ATTRIBUTES: Final[Mapping[str, str]] = {
    **{event: _event_day(event) for event in EVENTS},
    "pre_move_tax_minor": "coalesce((SELECT sum(value::bigint) "
    "FROM jsonb_each_text(attributes -> 'pre_move_tax')), 0)::bigint",
    "pre_move_years": "(SELECT count(*) FROM jsonb_each_text(attributes -> 'pre_move_tax'))",
    "cause_code": f"CASE attributes ->> 'cause_of_move' {_CAUSES} ELSE {NONE} END",
    "referrer_code": "coalesce(array_position(%(roles)s::text[], attributes ->> 'referred_by'), 0) - 1",
    "controller_code": "coalesce((%(controllers)s::jsonb ->> (attributes ->> 'controller'))::bigint, -1)",
    "base_year_amount_minor": "coalesce((attributes ->> 'base_year_amount')::bigint, 0)",
}
"""The attributes of an entry of a list as whole numbers, in SQL; days count from 1970-01-01."""

__all__ = [
    "CarriedClause",
    "Units",
    "decided",
    "held_of",
    "read_carried",
    "read_figures",
    "read_listed",
    "read_subjects",
    "state_of",
]
