"""Offering a platform or an expert under a commitment, and withdrawing it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from ledger.desk.acts import Act, Done, Queue, Recorder, perform, queue_on
from ledger.desk.agreements import signing_side
from ledger.desk.commitments import CommitmentState, commitments
from ledger.desk.days import today
from ledger.desk.failures import NotFound, choice_faults, refuse, text_faults
from ledger.desk.occurrences import day_faults
from ledger.desk.sharing.faults import ResourceRepeated, ResourceWithdrawn
from ledger.desk.sharing.reading import ResourceKey, ResourceKind, shared_resource
from ledger.evidence.canonical import Json
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import shared_resource as resource_table
from ledger_schema.tables import shared_resource_withdrawal

CODE = re.compile(r"[a-z][a-z0-9_]{0,47}")


@dataclass(frozen=True, slots=True)
class ResourceDraft:
    """What a role offers, under which commitment; ``until_day`` is the last day, None without end."""

    code: str
    commitment: str
    kind: str
    name_zh: str
    name_en: str
    field: str
    offer: str
    from_day: date
    until_day: date | None = None


def share_resource(
    database: Database, act: Act, agreement_id: int, role: str, draft: ResourceDraft
) -> Done[str]:
    """Offers a platform or an expert to the other parties of the agreement; returns its code.

    The commitment must be one to share platforms that the role made. Raises ``NotFound``,
    ``RoleDoesNotSign``, ``ResourceRepeated``, and ``RequestRefused`` with every fault.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(agreement_id))
        signing_side(connection, agreement_id, role)
        refuse([*_draft_faults(draft), *_commitment_faults(connection, agreement_id, role, draft)])
        _refuse_repeated(connection, ResourceKey(agreement_id, draft.code))
        event_id = record("resource_shared", said, agreement_id)
        connection.execute(
            insert(resource_table).values(
                agreement_id=agreement_id,
                role=role,
                event_id=event_id,
                **{name: getattr(draft, name) for name in draft.__slots__},
            )
        )
        return {"code": draft.code}

    said: dict[str, Json] = {"role": role, **_described(draft)}
    done = perform(database, act, "share_resource", {"agreement": str(agreement_id), **said}, work)
    return Done(str(done.value["code"]), done.replayed)


def withdraw_resource(database: Database, act: Act, key: ResourceKey, role: str, reason: str) -> Done[str]:
    """The owner offers it no more; accepted bookings stand until they are cancelled. Returns its code.

    Raises ``NotFound`` (also for whoever isn't the owner), ``ResourceWithdrawn``, ``RequestRefused``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(key.agreement_id))
        found = shared_resource(connection, key, today(connection))
        if found.role != role:
            raise NotFound("shared resource", key.code)
        if found.withdrawn_because is not None:
            raise ResourceWithdrawn(resource=key.code)
        refuse(text_faults("reason", reason))
        event_id = record("resource_withdrawn", said, key.agreement_id)
        connection.execute(
            insert(shared_resource_withdrawal).values(
                agreement_id=key.agreement_id, code=key.code, reason=reason, event_id=event_id
            )
        )
        return {"code": key.code}

    said: dict[str, Json] = {"code": key.code, "role": role, "reason": reason}
    request: dict[str, Json] = {"agreement": str(key.agreement_id), **said}
    done = perform(database, act, "withdraw_resource", request, work)
    return Done(str(done.value["code"]), done.replayed)


def _described(draft: ResourceDraft) -> dict[str, Json]:
    return {
        "code": draft.code,
        "commitment": draft.commitment,
        "kind": draft.kind,
        "name_zh": draft.name_zh,
        "name_en": draft.name_en,
        "field": draft.field,
        "offer": draft.offer,
        "from_day": draft.from_day.isoformat(),
        "until_day": None if draft.until_day is None else draft.until_day.isoformat(),
    }


def _refuse_repeated(connection: Connection, key: ResourceKey) -> None:
    columns = resource_table.c
    mine = (columns.agreement_id == key.agreement_id, columns.code == key.code)
    if connection.execute(select(columns.code).where(*mine)).one_or_none() is not None:
        raise ResourceRepeated(resource=key.code)


# --- what can be wrong ------------------------------------------------------------------------------------


def _draft_faults(draft: ResourceDraft) -> list[Fault]:
    faults = [
        *_code_faults(draft.code),
        *choice_faults("kind", draft.kind, list(ResourceKind)),
        *text_faults("nameZh", draft.name_zh),
        *text_faults("nameEn", draft.name_en),
        *text_faults("field", draft.field),
        *text_faults("offer", draft.offer),
        *day_faults("fromDay", draft.from_day),
    ]
    if draft.until_day is not None:
        faults += [*day_faults("untilDay", draft.until_day), *order_faults(draft.from_day, draft.until_day)]
    return faults


def order_faults(from_day: date, until_day: date) -> list[Fault]:
    """What is wrong with the two ends of some days."""
    if from_day <= until_day:
        return []
    return [
        Fault(
            "untilDay",
            "DAYS_REVERSED",
            f"Expected a last day not before {from_day}, but got {until_day}.",
            f"截止日应不早于 {from_day}，实际为 {until_day}。",
        )
    ]


def _code_faults(code: str) -> list[Fault]:
    if CODE.fullmatch(code):
        return []
    return [
        Fault(
            "code",
            "CODE_UNUSABLE",
            f"Expected 1 to 48 of a-z, 0-9 and _, beginning with a letter, but got {code[:60]!r}.",
            f"应为 1 至 48 个小写字母、数字或下划线，以字母开头，实际为 {code[:60]!r}。",
        )
    ]


def _commitment_faults(
    connection: Connection, agreement_id: int, role: str, draft: ResourceDraft
) -> list[Fault]:
    usable = [
        one.promise.code
        for one in commitments(connection, agreement_id, today(connection))
        if one.promise.kind == "shared_platform"
        and role in one.promise.by
        and one.state is not CommitmentState.DROPPED
    ]
    return choice_faults("commitment", draft.commitment, usable)
