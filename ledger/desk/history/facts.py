"""How the facts that held differ between two moments: the enterprise list, the terms, the lines of a return.

Two moments know the same fact, or each one of its own: then every entry, clause or line that came, went or
changed is told, field by field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, func, select, true, tuple_

from ledger.desk import agreements, enterprises, returns
from ledger.desk.agreements import NumberedVersion
from ledger.desk.enterprises import EnterpriseList, ListedEnterprise
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.returns import Filing
from ledger.measures import MEASURE_BY_ID, YUAN
from ledger.money import format_amount
from ledger.periods import Quarter, Span
from ledger.rules.terms import Clause
from ledger_schema.tables import (
    agreement_version_state,
    enterprise_list_confirmation,
    filing,
    filing_certification,
    return_line,
)

ChangeKind = Literal["added", "removed", "changed"]

Fields = Mapping[str, str]
"""Values by name, such as ``within.caps[0].amount``; what isn't said has none."""

LineKey = tuple[int, int, date, int, str]
"""Subject, measure id, first day, months and document: a return has one line of each."""

NO_FILING = 0
"""The id of no return."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that isn't the same; None where it says nothing."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class EntryChange:
    """An enterprise that came onto the list, left it, or whose entry changed; ``entry`` is the later one."""

    kind: ChangeKind
    entry: ListedEnterprise
    fields: list[FieldChange]


@dataclass(frozen=True, slots=True)
class ListDifference:
    """The confirmed lists of the two moments, and their entries that differ by credit code.

    ``event_id`` is the confirmation by which the later one held; None where they are the same.
    """

    before: EnterpriseList | None
    after: EnterpriseList | None
    entries: list[EntryChange]
    event_id: int | None


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """A clause that isn't the same; None where there is none of the number."""

    number: int
    before: Clause | None
    after: Clause | None
    fields: list[FieldChange]

    @property
    def kind(self) -> ChangeKind:
        return _kind(self.before, self.after)


@dataclass(frozen=True, slots=True)
class TermsDifference:
    """The terms in force for a quarter as the two moments knew them.

    ``fields`` are those outside of the clauses. ``event_id`` is the later one's coming into force.
    """

    before: NumberedVersion | None
    after: NumberedVersion | None
    fields: list[FieldChange]
    clauses: list[ClauseChange]
    event_id: int | None


@dataclass(frozen=True, slots=True)
class ReturnDifference:
    """The returns of a role about a quarter that counted at the two moments.

    ``event_id`` is the act by which the later one counted: its handing in, or its certification.
    """

    before: Filing | None
    after: Filing | None
    event_id: int | None


@dataclass(frozen=True, slots=True)
class LineChange:
    """What the line of a subject, measure, period and document says; None: there is no such line."""

    subject_id: int
    measure_id: int
    span: Span
    document: str
    before_minor: int | None
    after_minor: int | None

    @property
    def key(self) -> LineKey:
        return self.subject_id, self.measure_id, self.span.start, self.span.months, self.document

    @property
    def measure(self) -> str:
        return MEASURE_BY_ID[self.measure_id].name


# --- the enterprise list ----------------------------------------------------------------------------------


def list_between(
    connection: Connection, agreement_id: int, known_from: datetime, known_to: datetime
) -> ListDifference:
    """How the list that all had confirmed changed. Raises ``NotFound``."""
    agreements.agreement(connection, agreement_id)
    before, after = (
        enterprises.confirmed_list(connection, agreement_id, moment) for moment in (known_from, known_to)
    )
    if _version_of(before) == _version_of(after):
        return ListDifference(before, after, [], None)
    later = after if known_from <= known_to else before
    return ListDifference(before, after, _entries(before, after), _list_event(connection, later))


def _entries(before: EnterpriseList | None, after: EnterpriseList | None) -> list[EntryChange]:
    old, new = (
        {} if one is None else {entry.credit_code: entry for entry in one.entries} for one in (before, after)
    )
    changes = (
        EntryChange(
            _kind(old.get(code), new.get(code)),
            new[code] if code in new else old[code],
            _changed(_entry_fields(old.get(code)), _entry_fields(new.get(code))),
        )
        for code in sorted(old.keys() | new.keys())
    )
    return [change for change in changes if change.fields]


def _entry_fields(entry: ListedEnterprise | None) -> Fields:
    if entry is None:
        return {}
    fields = {
        "name_zh": entry.name_zh,
        "cause_of_move": entry.cause_of_move,
        "referred_by": entry.referred_by,
        "base_year_amount": _yuan(entry.base_year_amount_minor),
        "controller": entry.controller,
        **{f"events.{event.value}": day.isoformat() for event, day in entry.events.items()},
        **{f"pre_move_tax.{year}": _yuan(amount) for year, amount in entry.pre_move_tax_minor.items()},
        **{f"attributes.{name}": value for name, value in entry.attributes.items()},
    }
    return {name: str(value) for name, value in fields.items() if value is not None}


def _yuan(amount_minor: int | None) -> str | None:
    return None if amount_minor is None else format_amount(amount_minor, YUAN.scale)


def _list_event(connection: Connection, listed: EnterpriseList | None) -> int | None:
    if listed is None:
        return None
    columns = enterprise_list_confirmation.c
    event_id: int = connection.execute(
        select(func.max(columns.event_id)).where(
            columns.agreement_id == listed.agreement_id, columns.version == listed.version
        )
    ).scalar_one()
    return event_id


# --- the terms --------------------------------------------------------------------------------------------


def terms_between(
    connection: Connection, agreement_id: int, quarter: Quarter, known_from: datetime, known_to: datetime
) -> TermsDifference:
    """How the terms in force for ``quarter`` changed. Raises ``NotFound``."""
    agreements.agreement(connection, agreement_id)
    before, after = (
        _version_at(agreements.terms_in_force(connection, agreement_id, moment), quarter)
        for moment in (known_from, known_to)
    )
    if _version_of(before) == _version_of(after):
        return TermsDifference(before, after, [], [], None)
    later = after if known_from <= known_to else before
    return TermsDifference(
        before,
        after,
        _changed(_head_fields(before), _head_fields(after)),
        list(_clauses(before, after)),
        _terms_event(connection, agreement_id, later),
    )


def _version_at(versions: list[NumberedVersion], quarter: Quarter) -> NumberedVersion | None:
    begun = [version for version in versions if version.starts <= quarter]
    return begun[-1] if begun else None


def _clauses(before: NumberedVersion | None, after: NumberedVersion | None) -> Iterator[ClauseChange]:
    old, new = (
        {} if one is None else {clause.number: clause for clause in one.terms.clauses}
        for one in (before, after)
    )
    for number in sorted(old.keys() | new.keys()):
        fields = _changed(_clause_fields(old.get(number)), _clause_fields(new.get(number)))
        if fields:
            yield ClauseChange(number, old.get(number), new.get(number), fields)


def _head_fields(version: NumberedVersion | None) -> Fields:
    return {} if version is None else _flat(version.terms.model_dump(mode="json", exclude={"clauses"}))


def _clause_fields(clause: Clause | None) -> Fields:
    return {} if clause is None else _flat(clause.model_dump(mode="json"))


def _flat(document: dict[str, Any]) -> Fields:
    return dict(_leaves(document, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _leaves(part, f"{path}[{place}]")
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value)


def _terms_event(connection: Connection, agreement_id: int, version: NumberedVersion | None) -> int | None:
    if version is None:
        return None
    columns = agreement_version_state.c
    event_id: int = connection.execute(
        select(columns.event_id).where(
            columns.agreement_id == agreement_id,
            columns.version == version.version,
            columns.state == "in_force",
        )
    ).scalar_one()
    return event_id


# --- the lines of a return --------------------------------------------------------------------------------


def returns_between(
    connection: Connection,
    agreement_id: int,
    quarter: Quarter,
    role: str,
    known_from: datetime,
    known_to: datetime,
) -> ReturnDifference:
    """Which return of ``role`` about ``quarter`` counted at each moment. Raises ``NotFound``."""
    agreements.agreement(connection, agreement_id)
    before, after = (
        _counting(connection, agreement_id, quarter, role, moment) for moment in (known_from, known_to)
    )
    if before is not None and after is not None and before.filing_id == after.filing_id:
        return ReturnDifference(before, after, None)
    later = after if known_from <= known_to else before
    return ReturnDifference(before, after, _filing_event(connection, later))


def line_changes(
    connection: Connection,
    agreement_id: int,
    found: ReturnDifference,
    *,
    after: LineKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[LineChange]:
    """The lines that differ, by key; they add up exactly to the difference of the returns' totals."""
    columns = return_line.c
    key = (columns.subject_id, columns.measure_id, columns.starts, columns.months, columns.document)
    filing_ids = [NO_FILING if one is None else one.filing_id for one in (found.before, found.after)]
    booked = {one.booked_quarter.code for one in (found.before, found.after) if one is not None}
    old, new = (
        func.sum(columns.amount_minor).filter(columns.filing_id == filing_id) for filing_id in filing_ids
    )
    told: list[ColumnElement[Any]] = [*key, old.label("before_minor"), new.label("after_minor")]
    rows = connection.execute(
        select(*told)
        .where(
            columns.agreement_id == agreement_id,
            columns.booked_quarter.in_(booked),
            columns.filing_id.in_(filing_ids),
            true() if after is None else tuple_(*key) > after,
        )
        .group_by(*key)
        .having(old.is_distinct_from(new))
        .order_by(*key)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, _line_change)


def _counting(
    connection: Connection, agreement_id: int, quarter: Quarter, role: str, known_at: datetime
) -> Filing | None:
    found = returns.filings(connection, agreement_id, quarter=quarter, role=role, known_at=known_at)
    return next((one for one in found if one.is_current), None)


def _line_change(row: Row[Any]) -> LineChange:
    return LineChange(
        subject_id=row.subject_id,
        measure_id=row.measure_id,
        span=Span(row.starts, row.months),
        document=row.document,
        before_minor=None if row.before_minor is None else int(row.before_minor),
        after_minor=None if row.after_minor is None else int(row.after_minor),
    )


def _filing_event(connection: Connection, found: Filing | None) -> int | None:
    if found is None:
        return None
    handed_in, certified = filing.c, filing_certification.c
    key = (found.agreement_id, found.booked_quarter.code, found.filing_id)
    certification = (
        select(certified.event_id)
        .where(tuple_(certified.agreement_id, certified.booked_quarter, certified.filing_id) == key)
        .scalar_subquery()
    )
    event_id: int = connection.execute(
        select(func.coalesce(certification, handed_in.event_id)).where(
            tuple_(handed_in.agreement_id, handed_in.booked_quarter, handed_in.filing_id) == key
        )
    ).scalar_one()
    return event_id


# --- versions and fields ----------------------------------------------------------------------------------


def _version_of(one: EnterpriseList | NumberedVersion | None) -> int | None:
    return None if one is None else one.version


def _changed(before: Fields, after: Fields) -> list[FieldChange]:
    return [
        FieldChange(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _kind(before: object, after: object) -> ChangeKind:
    if before is None:
        return "added"
    return "removed" if after is None else "changed"
