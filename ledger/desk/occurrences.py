"""Occurrences: what happens once for a whole agreement, recorded by one side and confirmed by the others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.agreements import (
    agreement,
    known,
    queue_on_open_agreement,
    sides_of,
    signing_roles,
    signing_side,
)
from ledger.desk.failures import NotFound, refuse, text_faults
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import occurrence as occurrence_table
from ledger_schema.tables import occurrence_confirmation

YEAR_MIN, YEAR_MAX = 1949, 2999

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)


class OccurrenceOvertaken(LedgerError):
    """The occurrence was recorded anew; only the newest record can be confirmed."""

    code = "OCCURRENCE_OVERTAKEN"
    sentence_en = (
        "Record {sequence} of {name} was overtaken by record {newest}. "
        "Look at record {newest} and confirm that one."
    )
    sentence_zh = "{name} 的第 {sequence} 次记录已被第 {newest} 次取代。请查看并确认第 {newest} 次记录。"


class OccurrenceAlreadyConfirmed(LedgerError):
    """The role has confirmed; recording an occurrence counts as confirming it."""

    code = "OCCURRENCE_ALREADY_CONFIRMED"
    sentence_en = (
        "The role {role} has confirmed record {sequence} of {name} already (recording it counts). "
        "Nothing is left to do."
    )
    sentence_zh = "角色 {role} 已确认 {name} 的第 {sequence} 次记录（记录即视为确认），无需再次确认。"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One record of an occurrence; the newest one of its name that ``is_confirmed`` holds."""

    agreement_id: int
    name: str
    sequence: int
    day: date
    document: str
    recorded_by: str
    confirmed_by: list[str]
    recorded_at: datetime
    is_confirmed: bool


# --- changing ---------------------------------------------------------------------------------------------


def record_occurrence(
    database: Database, act: Act, agreement_id: int, role: str, name: str, day: date, document: str
) -> Done[int]:
    """Records on which ``day`` it happened, confirmed by the recording role; returns the sequence.

    A later record of the same ``name`` supersedes once it is confirmed: so a day is corrected. Raises
    ``NotFound``, ``RoleDoesNotSign``, and ``RequestRefused`` with every fault.
    """
    refuse([*name_faults("name", name), *day_faults("day", day), *text_faults("document", document)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on_open_agreement(connection, agreement_id)
        signing_side(connection, agreement_id, role)
        sequence = _newest_sequence(connection, agreement_id, name) + 1
        written: dict[str, Json] = {
            "name": name,
            "sequence": sequence,
            "day": day.isoformat(),
            "document": document,
        }
        event_id = record("occurrence_recorded", {**written, "role": role}, agreement_id)
        connection.execute(
            insert(occurrence_table).values(
                agreement_id=agreement_id,
                name=name,
                sequence=sequence,
                day=day,
                document=document,
                recorded_by=role,
                event_id=event_id,
            )
        )
        _add_confirmation(connection, agreement_id, name, sequence, role, event_id)
        return {"sequence": sequence}

    request: dict[str, Json] = {
        "agreement": str(agreement_id),
        "role": role,
        "name": name,
        "day": day.isoformat(),
        "document": document,
    }
    return named_number(perform(database, act, "record_occurrence", request, work), "sequence")


def confirm_occurrence(
    database: Database, act: Act, agreement_id: int, name: str, sequence: int, role: str
) -> Done[int]:
    """Adds a signing role's confirmation to the newest record of ``name``; returns the sequence.

    Raises ``NotFound``, ``RoleDoesNotSign``, ``OccurrenceOvertaken``, ``OccurrenceAlreadyConfirmed``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on_open_agreement(connection, agreement_id)
        signing_side(connection, agreement_id, role)
        _refuse_unconfirmable(connection, agreement_id, name, sequence, role)
        event_id = record(
            "occurrence_confirmed", {"name": name, "sequence": sequence, "role": role}, agreement_id
        )
        _add_confirmation(connection, agreement_id, name, sequence, role, event_id)
        return {"sequence": sequence}

    request: dict[str, Json] = {
        "agreement": str(agreement_id),
        "name": name,
        "sequence": sequence,
        "role": role,
    }
    return named_number(perform(database, act, "confirm_occurrence", request, work), "sequence")


def _refuse_unconfirmable(
    connection: Connection, agreement_id: int, name: str, sequence: int, role: str
) -> None:
    newest = _newest_sequence(connection, agreement_id, name)
    if not 1 <= sequence <= newest:
        raise NotFound("occurrence", f"{agreement_id}/{name}/{sequence}")
    if sequence < newest:
        raise OccurrenceOvertaken(name=name, sequence=sequence, newest=newest)
    if role in _confirmations(connection, agreement_id, None)[name, sequence]:
        raise OccurrenceAlreadyConfirmed(name=name, role=role, sequence=sequence)


def _add_confirmation(
    connection: Connection, agreement_id: int, name: str, sequence: int, role: str, event_id: int
) -> None:
    connection.execute(
        insert(occurrence_confirmation).values(
            agreement_id=agreement_id, name=name, sequence=sequence, role=role, event_id=event_id
        )
    )


# --- reading ----------------------------------------------------------------------------------------------


def occurrences(
    connection: Connection, agreement_id: int, known_at: datetime | None = None
) -> list[Occurrence]:
    """Every record by name and sequence, as known at a moment (None: now). Raises ``NotFound``."""
    agreement(connection, agreement_id)
    needed = set(signing_roles(sides_of(connection, agreement_id)))
    confirmations = _confirmations(connection, agreement_id, known_at)
    rows = connection.execute(
        select(occurrence_table)
        .where(
            occurrence_table.c.agreement_id == agreement_id, known(occurrence_table.c.recorded_at, known_at)
        )
        .order_by(occurrence_table.c.name, occurrence_table.c.sequence)
    )
    return [
        Occurrence(
            agreement_id=agreement_id,
            name=row.name,
            sequence=row.sequence,
            day=row.day,
            document=row.document,
            recorded_by=row.recorded_by,
            confirmed_by=confirmations[row.name, row.sequence],
            recorded_at=row.recorded_at,
            is_confirmed=needed <= set(confirmations[row.name, row.sequence]),
        )
        for row in rows
    ]


def confirmed_occurrences(
    connection: Connection, agreement_id: int, known_at: datetime | None = None
) -> dict[str, Occurrence]:
    """Of every name the newest record that all signing roles have confirmed. Raises ``NotFound``."""
    return {one.name: one for one in occurrences(connection, agreement_id, known_at) if one.is_confirmed}


def _confirmations(
    connection: Connection, agreement_id: int, known_at: datetime | None
) -> dict[tuple[str, int], list[str]]:
    table = occurrence_confirmation
    rows = connection.execute(
        select(table.c.name, table.c.sequence, table.c.role)
        .where(table.c.agreement_id == agreement_id, known(table.c.recorded_at, known_at))
        .order_by(table.c.name, table.c.sequence, table.c.role)
    )
    confirmations: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row in rows:
        confirmations[row.name, row.sequence].append(row.role)
    return confirmations


def _newest_sequence(connection: Connection, agreement_id: int, name: str) -> int:
    newest = connection.execute(
        select(func.max(occurrence_table.c.sequence)).where(
            occurrence_table.c.agreement_id == agreement_id, occurrence_table.c.name == name
        )
    ).scalar_one()
    return newest or 0


# --- what can be wrong ------------------------------------------------------------------------------------


def occurrence_faults(path: str, days: Iterable[tuple[str, date]]) -> list[Fault]:
    """What is wrong with the names and days of occurrences."""
    return [
        fault
        for place, (name, day) in enumerate(days)
        for fault in (
            *name_faults(f"{path}[{place}].name", name),
            *day_faults(f"{path}[{place}].day", day),
        )
    ]


def name_faults(path: str, name: str) -> list[Fault]:
    """What is wrong with the name of an occurrence: terms couldn't name it otherwise."""
    if _NAME.fullmatch(name) is not None:
        return []
    return [
        Fault(
            path,
            "OCCURRENCE_NAME_UNUSABLE",
            "Expected a name of 1 to 48 small letters, digits and underscores that begins with a letter, "
            f"such as aid_fund_paid_in, but got {name[:50]!r}.",
            "名称应为 1 至 48 个小写字母、数字或下划线，并以字母开头，例如 aid_fund_paid_in，"
            f"实际为 {name[:50]!r}。",
        )
    ]


def day_faults(path: str, day: date) -> list[Fault]:
    """What is wrong with the day of an occurrence."""
    if YEAR_MIN <= day.year <= YEAR_MAX:
        return []
    return [
        Fault(
            path,
            "YEAR_UNUSABLE",
            f"Expected a year from {YEAR_MIN} to {YEAR_MAX}, but got {day.year}.",
            f"年份应在 {YEAR_MIN} 至 {YEAR_MAX} 之间，实际为 {day.year}。",
        )
    ]
