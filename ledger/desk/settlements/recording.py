"""Recording a settlement: its causes, allocations, carried state and journal, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from ledger.desk.acts import Recorder
from ledger.desk.copying import copy_rows
from ledger.desk.settlements.journal import accrued_balances, book_entries, entries_of, maturing_entries
from ledger.desk.settlements.reading import Allocation
from ledger.desk.settlements.replays import (
    BOOK_IDS,
    Cause,
    Effect,
    Inputs,
    Materials,
    latest_clauses,
    versions_of,
)
from ledger.evidence.canonical import digest
from ledger.evidence.lines import Records, allocation_records, hash_of_allocations
from ledger.periods import Quarter
from ledger.rules import state
from ledger.rules.facts import Carried
from ledger_schema.ids import new_id
from ledger_schema.tables import allocation, settlement_cause
from ledger_schema.tables import carried as carried_table
from ledger_schema.tables import settlement as settlement_table


@dataclass(frozen=True, slots=True)
class Draft:
    """A settlement as it would be now, in memory; ``effects`` holds each cause's exact change."""

    agreement_id: int
    booked_quarter: Quarter
    is_final: bool
    inputs: Inputs
    effects: list[Effect]
    allocations: list[Allocation]
    carried: Mapping[tuple[int, int], Carried]
    materials: Materials

    @property
    def causes(self) -> list[Cause]:
        return [effect.cause for effect in self.effects]


def recorded_with(connection: Connection, draft: Draft) -> int | None:
    """The settlement of this quarter that was recorded with the same inputs."""
    return connection.execute(
        select(settlement_table.c.settlement_id).where(
            settlement_table.c.agreement_id == draft.agreement_id,
            settlement_table.c.booked_quarter == draft.booked_quarter.code,
            settlement_table.c.inputs == draft.inputs.canonical(),
        )
    ).scalar_one_or_none()


def record_settlement(connection: Connection, record: Recorder, draft: Draft) -> int:
    """Writes the settlement with causes, allocations, carried state and entries; returns its id."""
    settlement_id = new_id()
    inputs, hashed = draft.inputs.canonical(), hash_of(draft.allocations)
    event_id = record(
        "settlement_computed",
        {
            "settlement": str(settlement_id),
            "quarter": str(draft.booked_quarter),
            "inputs_hash": digest(inputs).hex(),
            "allocations_hash": hashed.hex(),
            "allocation_count": len(draft.allocations),
        },
        draft.agreement_id,
    )
    connection.execute(
        insert(settlement_table).values(
            agreement_id=draft.agreement_id,
            booked_quarter=draft.booked_quarter.code,
            settlement_id=settlement_id,
            is_final=draft.is_final,
            inputs=inputs,
            allocations_hash=hashed,
            allocation_count=len(draft.allocations),
            event_id=event_id,
        )
    )
    _write_causes(connection, draft, settlement_id)
    _write_allocations(connection, draft, settlement_id)
    _write_carried(connection, draft, settlement_id)
    _write_journal(connection, draft, settlement_id)
    return settlement_id


def hash_of(listed: Sequence[Allocation]) -> bytes:
    """The hash of a settlement's allocations, which are in key order."""
    return hash_of_allocations(records_of(listed))


def records_of(listed: Sequence[Allocation]) -> Records:
    """Allocations, which are in key order, in their binary form."""
    return allocation_records(
        cause=[one.cause for one in listed],
        clause=[one.clause for one in listed],
        subject=[one.subject_id for one in listed],
        quarter=[one.quarter.code for one in listed],
        book=[BOOK_IDS[one.book] for one in listed],
        commodity=[one.commodity_id for one in listed],
        party=[one.party_id for one in listed],
        amount=[one.amount_minor for one in listed],
        routed=[one.routed_minor for one in listed],
    )


def _write_causes(connection: Connection, draft: Draft, settlement_id: int) -> None:
    connection.execute(
        insert(settlement_cause),
        [
            {
                "agreement_id": draft.agreement_id,
                "booked_quarter": draft.booked_quarter.code,
                "settlement_id": settlement_id,
                "cause": cause.cause,
                "kind": cause.kind,
                "quarter": cause.quarter.code,
                "reference": cause.reference,
            }
            for cause in draft.causes
        ],
    )


def _write_allocations(connection: Connection, draft: Draft, settlement_id: int) -> None:
    columns = (
        "agreement_id",
        "booked_quarter",
        "settlement_id",
        "cause",
        "clause",
        "subject_id",
        "quarter",
        "book_id",
        "party_id",
        "commodity_id",
        "amount_minor",
        "routed_minor",
    )
    of_settlement = (draft.agreement_id, draft.booked_quarter.code, settlement_id)
    rows = (
        (*of_settlement, *one.key, one.commodity_id, one.amount_minor, one.routed_minor)
        for one in draft.allocations
    )
    copy_rows(connection, allocation, columns, rows)


def _write_carried(connection: Connection, draft: Draft, settlement_id: int) -> None:
    columns = ("agreement_id", "booked_quarter", "settlement_id", "clause", "subject_id", "state")
    copy_rows(connection, carried_table, columns, _carried_rows(draft, settlement_id))


def _carried_rows(draft: Draft, settlement_id: int) -> Iterator[tuple[object, ...]]:
    clauses = latest_clauses(draft.materials.versions, draft.inputs)
    for (number, subject_id), kept in sorted(draft.carried.items()):
        packed = state.pack(kept, clauses[number])
        yield draft.agreement_id, draft.booked_quarter.code, settlement_id, number, subject_id, packed


def _write_journal(connection: Connection, draft: Draft, settlement_id: int) -> None:
    versions = versions_of(draft.materials.versions, draft.inputs)
    drafts = entries_of(draft.effects, versions, is_final=draft.is_final)
    if draft.is_final:
        accrued = accrued_balances(connection, [draft.agreement_id]).get(draft.agreement_id, {})
        drafts += maturing_entries(accrued, len(draft.effects), draft.booked_quarter)
    book_entries(connection, draft.agreement_id, draft.booked_quarter, settlement_id, drafts)
