"""The act behind each cause: the event with which what changed the results became what holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, tuple_

from ledger.desk.settlements.reading import Settlement
from ledger.desk.settlements.replays import Cause, CauseKind
from ledger_schema.tables import (
    agreement_version_state,
    enterprise_list_confirmation,
    filing,
    occurrence_confirmation,
    quarter_reopened,
    reconciliation_step,
)
from ledger_schema.tables import settlement as settlement_table


@dataclass(frozen=True, slots=True)
class Grounds:
    """Events by what they brought about; ``steps`` are those of an item, in order."""

    by_reference: Mapping[tuple[CauseKind, str], int]
    steps: Mapping[int, list[int]]
    computed: Mapping[int, int]
    reopened: Mapping[int, int]

    def of(self, settled: Settlement, cause: Cause) -> int | None:
        """The event behind a cause of a settlement; None where nobody but the calendar did anything.

        A quarter's own figures become a result when they are computed; what the sides did about a
        difference counts as it was then.
        """
        computed = self.computed[settled.settlement_id]
        if cause.kind == "quarter":
            return computed
        if cause.kind == "reconciliation":
            steps = self.steps.get(_item_of(cause), [])
            return max((event_id for event_id in steps if event_id < computed), default=None)
        return self.by_reference.get((cause.kind, cause.reference))


def grounds(connection: Connection, agreement_id: int, settled: Iterable[Settlement]) -> Grounds:
    """The acts behind every cause of the settlements, in a fixed number of statements."""
    listed = list(settled)
    references: defaultdict[CauseKind, set[str]] = defaultdict(set)
    for cause in (cause for one in listed for cause in one.causes):
        references[cause.kind].add(cause.reference)
    settlement_ids = [one.settlement_id for one in listed]
    return Grounds(
        by_reference={
            **_of_returns(connection, agreement_id, references["correction"]),
            **_of_lists(connection, agreement_id, references["enterprise_list"]),
            **_of_occurrences(connection, agreement_id, references["occurrence"]),
            **_of_amendments(connection, agreement_id, references["amendment"]),
        },
        steps=_steps(connection, agreement_id, references["reconciliation"]),
        computed=_computed(connection, agreement_id, settlement_ids),
        reopened=_reopened(connection, agreement_id, settlement_ids),
    )


def _of_returns(
    connection: Connection, agreement_id: int, references: set[str]
) -> dict[tuple[CauseKind, str], int]:
    rows = connection.execute(
        select(filing.c.filing_id, filing.c.event_id).where(
            filing.c.agreement_id == agreement_id, filing.c.filing_id == func.any(_numbers(references))
        )
    )
    return {("correction", str(row.filing_id)): row.event_id for row in rows}


def _of_lists(
    connection: Connection, agreement_id: int, references: set[str]
) -> dict[tuple[CauseKind, str], int]:
    """A list holds with its last confirmation."""
    columns = enterprise_list_confirmation.c
    rows = connection.execute(
        select(columns.version, func.max(columns.event_id).label("event_id"))
        .where(columns.agreement_id == agreement_id, columns.version == func.any(_numbers(references)))
        .group_by(columns.version)
    )
    return {("enterprise_list", str(row.version)): row.event_id for row in rows}


def _of_occurrences(
    connection: Connection, agreement_id: int, references: set[str]
) -> dict[tuple[CauseKind, str], int]:
    """What happened counts with its last confirmation."""
    columns = occurrence_confirmation.c
    named = [(name, int(sequence)) for name, _, sequence in (one.rpartition("/") for one in references)]
    rows = connection.execute(
        select(columns.name, columns.sequence, func.max(columns.event_id).label("event_id"))
        .where(columns.agreement_id == agreement_id, tuple_(columns.name, columns.sequence).in_(named))
        .group_by(columns.name, columns.sequence)
    )
    return {("occurrence", f"{row.name}/{row.sequence}"): row.event_id for row in rows}


def _of_amendments(
    connection: Connection, agreement_id: int, references: set[str]
) -> dict[tuple[CauseKind, str], int]:
    columns = agreement_version_state.c
    rows = connection.execute(
        select(columns.version, columns.event_id).where(
            columns.agreement_id == agreement_id,
            columns.version == func.any(_numbers(references)),
            columns.state == "in_force",
        )
    )
    return {("amendment", str(row.version)): row.event_id for row in rows}


def _steps(connection: Connection, agreement_id: int, references: set[str]) -> dict[int, list[int]]:
    columns = reconciliation_step.c
    items = [int(one.rpartition("/")[2]) for one in references]
    rows = connection.execute(
        select(columns.item, columns.event_id)
        .where(columns.agreement_id == agreement_id, columns.item == func.any(items))
        .order_by(columns.item, columns.step)
    )
    steps: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        steps[row.item].append(row.event_id)
    return steps


def _item_of(cause: Cause) -> int:
    return int(cause.reference.rpartition("/")[2])


def _computed(connection: Connection, agreement_id: int, settlement_ids: list[int]) -> dict[int, int]:
    columns = settlement_table.c
    rows = connection.execute(
        select(columns.settlement_id, columns.event_id).where(
            columns.agreement_id == agreement_id, columns.settlement_id == func.any(settlement_ids)
        )
    )
    return {row.settlement_id: row.event_id for row in rows}


def _reopened(connection: Connection, agreement_id: int, settlement_ids: list[int]) -> dict[int, int]:
    columns = quarter_reopened.c
    rows = connection.execute(
        select(columns.settlement_id, columns.event_id).where(
            columns.agreement_id == agreement_id, columns.settlement_id == func.any(settlement_ids)
        )
    )
    return {row.settlement_id: row.event_id for row in rows}


def _numbers(references: set[str]) -> list[int]:
    return [int(one) for one in references]
