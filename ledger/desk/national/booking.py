"""A computed national quarter as rows: allocations in key order with their hashes, journal, carried state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from sqlalchemy import Connection, func, select, text

from ledger.desk.acts import Queue, Recorder, queue_on_all
from ledger.desk.copying import copy_rows
from ledger.desk.national.columns import Columns, Int64Column, copy_columns, copy_with_array
from ledger.desk.national.reading import Units
from ledger.desk.national.worlds import World
from ledger.desk.settlements.journal import (
    AccountKey,
    EntryDraft,
    account_key,
    account_of,
    entries_of,
    maturing_entries,
)
from ledger.desk.settlements.replays import BOOK_IDS, Effect, Slot, Totals
from ledger.evidence.canonical import Json, digest
from ledger.evidence.lines import allocation_records, hash_of_allocations
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger.rules.terms import Clause
from ledger.rules.vector import Allocations, Result, Rules
from ledger.rules.vector.columns import FIXED_COLUMNS
from ledger.rules.vector.numbers import exact_sums
from ledger_schema.ids import new_ids
from ledger_schema.partitions import Stages, attach_quarter
from ledger_schema.tables import (
    account,
    journal_entry,
    settlement,
    settlement_cause,
)

ALLOCATION_WIDTHS: Final = {
    "agreement_id": 8,
    "booked_quarter": 4,
    "settlement_id": 8,
    "cause": 2,
    "clause": 2,
    "subject_id": 8,
    "quarter": 4,
    "book_id": 2,
    "party_id": 8,
    "commodity_id": 2,
    "amount_minor": 8,
    "routed_minor": 8,
}
CARRIED_WIDTHS: Final = {
    "agreement_id": 8,
    "booked_quarter": 4,
    "settlement_id": 8,
    "clause": 2,
    "subject_id": 8,
}
POSTING_WIDTHS: Final = {
    "agreement_id": 8,
    "booked_quarter": 4,
    "settlement_id": 8,
    "entry": 2,
    "posting": 2,
    "account_id": 8,
    "book_id": 2,
    "commodity_id": 2,
    "amount_minor": 8,
}

SHARE_OPEN_QUARTERS = """
    SELECT agreement_id FROM agreement_quarter
    WHERE quarter = :quarter AND state = 'open' AND agreement_id = ANY(:agreements)
    ORDER BY agreement_id FOR SHARE
"""


@dataclass(frozen=True, slots=True)
class Computed:
    """A quarter of the agreements of ``units``, as the evaluator gave it.

    ``accrued`` is what becomes due where the quarter is an agreement's final one, by agreement.
    """

    quarter: Quarter
    units: Units
    rules: Rules
    result: Result
    accrued: Mapping[int, Mapping[AccountKey, int]]

    @property
    def worlds(self) -> Sequence[World]:
        return self.units.worlds


@dataclass(frozen=True, slots=True)
class Arranged:
    """The allocations in order of position and then of key; ``bounds`` says where each position begins."""

    columns: Mapping[str, Int64Column]
    bounds: list[int]


@dataclass(frozen=True, slots=True)
class Head:
    """What is recorded of one agreement's settlement beside its rows."""

    world: World
    settlement_id: int
    allocations_hash: bytes
    allocation_count: int
    journal: list[EntryDraft]


# --- arranging --------------------------------------------------------------------------------------------


def arranged(computed: Computed) -> Arranged:
    """The evaluator's allocations in the order and with the names of the ledger's rows."""
    columns = _allocation_columns(computed.units, computed.rules, computed.result.allocations)
    position = columns.pop("position")
    bounds: list[int] = np.searchsorted(position, np.arange(len(computed.worlds) + 1)).tolist()
    return Arranged(columns, bounds)


def _allocation_columns(units: Units, rules: Rules, given: Allocations) -> dict[str, Int64Column]:
    """In order of position, clause, subject, book and party.

    The evaluator gives its rows by clause row and subject; only blocks and the few rows of one subject move.
    """
    keys = _SlotColumns.of(units, rules)
    place = keys.place[given.row]
    is_first = (np.diff(given.row, prepend=-1) != 0) | (np.diff(given.subject, prepend=-1) != 0)
    run = np.cumsum(is_first)
    rank = keys.rank[given.row, given.slot]
    # 20 bits of clause rows, 32 of runs, and what a clause may have of slots.
    order = np.argsort((place << 43) | (run << 8) | rank)
    row, slot = given.row[order], given.slot[order]
    return {
        "position": keys.position[row],
        "cause": keys.cause[row],
        "clause": rules.clause_number[row],
        "subject_id": given.subject[order],
        "book_id": keys.book_id[row, slot],
        "party_id": keys.party_id[row, slot],
        "commodity_id": keys.commodity_id[row],
        "amount_minor": given.amount_minor[order],
        "routed_minor": given.routed_minor[order],
    }


@dataclass(frozen=True, slots=True)
class _SlotColumns:
    """What a clause row, and a slot of it, stand for.

    ``place`` is the row's place in order of position and clause number; ``rank`` the slot's place in order of
    book and party. The last cause of an agreement is the quarter's own figures.
    """

    position: Int64Column
    place: Int64Column
    cause: Int64Column
    commodity_id: Int64Column
    book_id: Int64Column
    party_id: Int64Column
    rank: Int64Column

    @classmethod
    def of(cls, units: Units, rules: Rules) -> _SlotColumns:
        position = units.position[rules.agreement]
        slots = max((len(item.keys) for item in rules.clauses), default=0)
        book_id, party_id, rank = (np.zeros((len(rules.clauses), slots), np.int64) for _ in range(3))
        for row in range(len(rules.clauses)):
            sides = units.worlds[position[row]].sides
            pairs = [(BOOK_IDS[book], sides[role].party_id) for book, role in rules.keys(row)]
            book_id[row, : len(pairs)], party_id[row, : len(pairs)] = zip(*pairs, strict=True)
            ordered = sorted(range(len(pairs)), key=pairs.__getitem__)
            rank[row, ordered] = range(len(pairs))
        place = np.zeros(len(position), np.int64)
        place[np.lexsort((rules.clause_number, position))] = np.arange(len(position))
        causes = np.array([len(world.causes) for world in units.worlds], np.int64)
        return cls(
            position=position,
            place=place,
            cause=causes[position],
            commodity_id=np.array([_commodity_id(item.clause) for item in rules.clauses], np.int64),
            book_id=book_id,
            party_id=party_id,
            rank=rank,
        )


def _commodity_id(clause: Clause) -> int:
    return MEASURE_BY_NAME[clause.what.measures[0]].commodity.commodity_id


def hashes_of(quarter: Quarter, given: Arranged) -> list[bytes]:
    """The hash of each agreement's allocations."""
    columns = given.columns
    records = allocation_records(
        cause=columns["cause"],
        clause=columns["clause"],
        subject=columns["subject_id"],
        quarter=np.full(len(columns["cause"]), quarter.code),
        book=columns["book_id"],
        commodity=columns["commodity_id"],
        party=columns["party_id"],
        amount=columns["amount_minor"],
        routed=columns["routed_minor"],
    )
    return [hash_of_allocations(records[begin:end]) for begin, end in pairwise(given.bounds)]


# --- the journal ------------------------------------------------------------------------------------------


def journal_of(computed: Computed) -> list[list[EntryDraft]]:
    """The entries of every agreement, as one settlement by itself would make them."""
    accrued = computed.accrued
    totals = _totals(computed.units, computed.rules, computed.result.allocations)
    journal = []
    for world, of_world in zip(computed.worlds, totals, strict=True):
        cause = world.causes[-1]
        drafts = entries_of([Effect(cause, of_world)], world.versions, is_final=world.is_final)
        if world.agreement_id in accrued:
            drafts += maturing_entries(accrued[world.agreement_id], cause.cause, world.now.quarter)
        journal.append(drafts)
    return journal


def _totals(units: Units, rules: Rules, given: Allocations) -> list[Totals]:
    """What each agreement's clauses give, all subjects together: the journal doesn't know subjects."""
    amounts: list[dict[Slot, int]] = [{} for _ in units.worlds]
    routed: list[dict[tuple[Slot, int], int]] = [{} for _ in units.worlds]
    for row, slot_index, amount_minor, routed_minor in _sums(given):
        item = rules.clauses[row]
        position = int(units.position[item.agreement])
        world, (book, role) = units.worlds[position], rules.keys(row)[slot_index]
        party_id = world.sides[role].party_id
        slot = Slot(item.clause.number, 0, world.now.quarter, book, _commodity_id(item.clause), party_id)
        amounts[position][slot] = amount_minor
        if routed_minor and item.clause.then.routing is not None:
            routed[position][slot, world.sides[item.clause.then.routing.to].party_id] = routed_minor
    return [Totals(*pair) for pair in zip(amounts, routed, strict=True)]


def _sums(given: Allocations) -> Iterator[tuple[int, int, int, int]]:
    """Clause row, slot, amount and routed part, added up without a bound; rows come in order."""
    for slot in range(int(given.slot.max()) + 1 if len(given) else 0):
        chosen = np.flatnonzero(given.slot == slot)
        rows = given.row[chosen]
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        if len(begins):
            amounts = exact_sums(given.amount_minor[chosen], begins).tolist()
            routed = exact_sums(given.routed_minor[chosen], begins).tolist()
            for row, amount_minor, routed_minor in zip(rows[begins].tolist(), amounts, routed, strict=True):
                yield row, slot, amount_minor, routed_minor


# --- staging ----------------------------------------------------------------------------------------------


def stage_carried(
    connection: Connection, stages: Stages, computed: Computed, settlement_ids: Int64Column
) -> None:
    """Copies the carried state to the quarter's stage; nobody else is held up."""
    state = computed.result.state
    position = computed.units.position[state.agreement]
    columns: Columns = {
        "agreement_id": _agreement_ids(computed)[position],
        "booked_quarter": computed.quarter.code,
        "settlement_id": settlement_ids[position],
        "clause": state.clause,
        "subject_id": state.subject,
    }
    arrays = list(_packed_by_length(computed))
    copy_with_array(connection, stages.carried, CARRIED_WIDTHS, columns, "state", arrays)


def stage_allocations(
    connection: Connection,
    stages: Stages,
    computed: Computed,
    settlement_ids: Int64Column,
    given: Arranged,
) -> None:
    """Copies the allocations to the quarter's stage; nobody else is held up."""
    position = np.repeat(np.arange(len(computed.worlds)), np.diff(given.bounds))
    columns: Columns = {
        **given.columns,
        "agreement_id": _agreement_ids(computed)[position],
        "booked_quarter": computed.quarter.code,
        "settlement_id": settlement_ids[position],
        "quarter": computed.quarter.code,
    }
    copy_columns(connection, stages.allocation, ALLOCATION_WIDTHS, columns)


def _agreement_ids(computed: Computed) -> Int64Column:
    return np.array([world.agreement_id for world in computed.worlds], np.int64)


def _packed_by_length(computed: Computed) -> Iterator[tuple[Int64Column, Int64Column]]:
    """The rows of state by the length of what their clause packs."""
    state = computed.result.state
    clauses = 1000
    key = state.agreement * clauses + state.clause
    distinct, inverse = np.unique(key, return_inverse=True)
    packed_by = [divmod(one, clauses) for one in distinct.tolist()]
    lengths = np.array(
        [FIXED_COLUMNS + 2 * (len(state.keys[one]) + len(state.counters[one])) for one in packed_by], np.int64
    )
    length = lengths[inverse]
    for one in np.unique(length).tolist():
        rows = np.flatnonzero(length == one)
        yield rows, state.packed[rows, :one]


# --- booking ----------------------------------------------------------------------------------------------


def overtaken(connection: Connection, quarter: Quarter, computed: Sequence[World]) -> bool:
    """Holds the agreements' open quarters until the transaction ends; whether something came in between.

    That is a quarter that was closed since it was computed, or a settlement of the same inputs.
    """
    agreement_ids = [world.agreement_id for world in computed]
    queue_on_all(connection, Queue.AGREEMENT, map(str, agreement_ids))
    parameters = {"quarter": quarter.code, "agreements": agreement_ids}
    still_open = connection.execute(text(SHARE_OPEN_QUARTERS), parameters).scalars().all()
    if len(still_open) < len(agreement_ids):
        return True
    return bool(recorded(connection, quarter, computed))


def recorded(connection: Connection, quarter: Quarter, worlds: Iterable[World]) -> dict[int, int]:
    """The settlements of the quarter that rest on the same inputs already, by agreement."""
    inputs = {world.agreement_id: digest(world.inputs) for world in worlds}
    rows = connection.execute(
        select(settlement.c.agreement_id, settlement.c.settlement_id, func.sha256(settlement.c.inputs)).where(
            settlement.c.booked_quarter == quarter.code,
            settlement.c.agreement_id == func.any(list(inputs)),
        )
    )
    return {
        agreement_id: settlement_id
        for agreement_id, settlement_id, inputs_hash in rows
        if inputs[agreement_id] == inputs_hash
    }


def heads_of(
    computed: Computed,
    settlement_ids: Int64Column,
    given: Arranged,
    hashes: Sequence[bytes],
    journal: Sequence[list[EntryDraft]],
) -> list[Head]:
    """The heads of the settlements, in order of position."""
    ids: list[int] = settlement_ids.tolist()
    counts = [end - begin for begin, end in pairwise(given.bounds)]
    return [
        Head(world, settlement_id, hashed, count, drafts)
        for world, settlement_id, hashed, count, drafts in zip(
            computed.worlds, ids, hashes, counts, journal, strict=True
        )
    ]


def book(
    connection: Connection, record: Recorder, stages: Stages, quarter: Quarter, heads: Sequence[Head]
) -> None:
    """Settlements, causes, accounts, entries and postings, and the attachment of what was staged."""
    _book_settlements(connection, record, quarter, heads)
    _book_journal(connection, stages, quarter, heads)
    attach_quarter(connection, quarter.code)


def _book_settlements(
    connection: Connection, record: Recorder, quarter: Quarter, heads: Sequence[Head]
) -> None:
    events: list[tuple[int, Mapping[str, Json]]] = [
        (
            head.world.agreement_id,
            {
                "settlement": str(head.settlement_id),
                "quarter": str(quarter),
                "inputs_hash": digest(head.world.inputs).hex(),
                "allocations_hash": head.allocations_hash.hex(),
                "allocation_count": head.allocation_count,
            },
        )
        for head in heads
    ]
    event_ids = record.record_all("settlement_computed", events)
    copy_rows(
        connection,
        settlement,
        (
            "agreement_id",
            "booked_quarter",
            "settlement_id",
            "is_final",
            "inputs",
            "allocations_hash",
            "allocation_count",
            "event_id",
        ),
        (
            (
                head.world.agreement_id,
                quarter.code,
                head.settlement_id,
                head.world.is_final,
                head.world.inputs,
                head.allocations_hash,
                head.allocation_count,
                event_id,
            )
            for head, event_id in zip(heads, event_ids, strict=True)
        ),
    )
    copy_rows(
        connection,
        settlement_cause,
        ("agreement_id", "booked_quarter", "settlement_id", "cause", "kind", "quarter", "reference"),
        (
            (*_key(head, quarter), cause.cause, cause.kind, cause.quarter.code, cause.reference)
            for head in heads
            for cause in head.world.causes
        ),
    )


def _book_journal(connection: Connection, stages: Stages, quarter: Quarter, heads: Sequence[Head]) -> None:
    accounts = _accounts(connection, heads)
    copy_rows(
        connection,
        journal_entry,
        ("agreement_id", "booked_quarter", "settlement_id", "entry", "cause", "clause", "quarter"),
        (
            (*_key(head, quarter), number, one.cause, one.clause, one.quarter.code)
            for head in heads
            for number, one in enumerate(head.journal, start=1)
        ),
    )
    rows = [
        (
            *_key(head, quarter),
            number,
            place,
            accounts[head.world.agreement_id, key],
            BOOK_IDS[key.book],
            key.commodity_id,
            amount_minor,
        )
        for head in heads
        for number, one in enumerate(head.journal, start=1)
        for place, (key, amount_minor) in enumerate(one.postings.items(), start=1)
    ]
    if rows:
        numbers = np.array(rows, np.int64)
        columns = {name: numbers[:, place] for place, name in enumerate(POSTING_WIDTHS)}
        copy_columns(connection, stages.posting, POSTING_WIDTHS, columns)


def _key(head: Head, quarter: Quarter) -> tuple[int, int, int]:
    return head.world.agreement_id, quarter.code, head.settlement_id


def _accounts(connection: Connection, heads: Sequence[Head]) -> dict[tuple[int, AccountKey], int]:
    """The id of every account that is posted to, made where missing.

    Nobody else makes accounts of these agreements meanwhile: their queues are held.
    """
    agreement_ids = [head.world.agreement_id for head in heads]
    rows = connection.execute(select(account).where(account.c.agreement_id == func.any(agreement_ids)))
    found = {(row.agreement_id, account_key(account_of(row))): row.account_id for row in rows}
    wanted = {
        (head.world.agreement_id, key) for head in heads for one in head.journal for key in one.postings
    }
    missing = sorted(wanted - found.keys(), key=str)
    made = dict(zip(missing, new_ids(len(missing)).tolist(), strict=True))
    copy_rows(
        connection,
        account,
        ("account_id", "agreement_id", "party_id", "kind", "clause", "book_id", "commodity_id"),
        (
            (
                account_id,
                agreement_id,
                key.party_id,
                key.kind,
                key.clause,
                BOOK_IDS[key.book],
                key.commodity_id,
            )
            for (agreement_id, key), account_id in made.items()
        ),
    )
    return found | made
