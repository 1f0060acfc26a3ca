"""Programmes: registered by the home zone under a signed agreement, confirmed by every other signing role."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, true

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.agreements import (
    agreement,
    sides_of,
    sides_of_agreements,
    signing_roles,
    signing_side,
    terms_at,
    terms_in_force,
)
from ledger.desk.agreements.reading import Side
from ledger.desk.failures import NotFound, refuse
from ledger.desk.vouchers.faults import NameTaken, ProgrammeConfirmed, ProgrammeNotInForce
from ledger.desk.vouchers.rows import Rows
from ledger.evidence.canonical import Json
from ledger.periods import Quarter
from ledger.rules.facts import Fault
from ledger.rules.terms import Budget, Clause, Terms
from ledger.rules.vouchers import (
    Programme,
    budgets_of,
    clauses_at,
    clauses_of,
    programme_faults,
    read_programme,
)
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import voucher_programme, voucher_programme_confirmation

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RegisteredProgramme:
    """A programme and the roles that confirmed it; it works once ``waiting`` is empty."""

    programme_id: int
    code: str
    agreement_id: int
    document: Programme
    confirmed_by: list[str]
    waiting: list[str]


@dataclass(frozen=True, slots=True)
class ProgrammeOnDay:
    """A programme with the terms that hold on a day."""

    registered: RegisteredProgramme
    terms: Terms
    sides: Mapping[str, Side]

    @property
    def document(self) -> Programme:
        return self.registered.document

    @property
    def clauses(self) -> list[Clause]:
        return clauses_of(self.document, self.terms)

    @property
    def clauses_abroad(self) -> list[Clause]:
        """The clauses as they hold in each zone whose providers are recognised beside those at home."""
        return [clause for zone in self.document.provider_zones for clause in self.clauses_at(zone)]

    def clauses_at(self, role: str) -> list[Clause]:
        """The clauses as they hold where the provider is in the zone of ``role``."""
        return clauses_at(self.document, self.terms, role)

    def zone_of(self, party_id: int) -> str | None:
        """The role of the zone with this party, if its providers are recognised."""
        zones = (self.document.home, *self.document.provider_zones)
        return next((role for role in zones if self.party_id(role) == party_id), None)

    @property
    def budgets(self) -> dict[str, Budget]:
        return budgets_of(self.document, self.terms)

    def party_id(self, role: str) -> int:
        return self.sides[role].party_id


def register_programme(
    database: Database, act: Act, agreement_id: int, code: str, document: Mapping[str, Any]
) -> Done[int]:
    """Registers a programme of the agreement's home role, which so confirms it; returns its id.

    Raises ``RequestRefused`` with every fault, ``NotFound``, ``RoleDoesNotSign``, ``NameTaken``,
    ``ProgrammeNotInForce`` where no terms are in force.
    """
    programme, faults = read_programme(json.dumps(document))
    refuse([*_code_faults(code), *faults])
    if programme is None:
        raise NotFound("voucher programme", code)
    written = programme.model_dump(mode="json")

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.VOUCHER, code)
        agreement(connection, agreement_id)
        if _registered(connection, voucher_programme.c.code == code):
            raise NameTaken(name=code)
        versions = terms_in_force(connection, agreement_id)
        if not versions:
            raise ProgrammeNotInForce(programme=code, day="", signing="")
        refuse(programme_faults(programme, versions[-1].terms))
        signing_side(connection, agreement_id, programme.home)
        programme_id, rows = new_id(), Rows()
        rows.add(
            voucher_programme,
            programme_id=programme_id,
            code=code,
            agreement_id=agreement_id,
            document=written,
        )
        rows.add(voucher_programme_confirmation, programme_id=programme_id, role=programme.home)
        rows.write(connection, record, "voucher_programme_registered", agreement_id)
        return {"programme": programme_id}

    request: dict[str, Json] = {"agreement": str(agreement_id), "code": code, "document": written}
    return named_number(perform(database, act, "register_voucher_programme", request, work), "programme")


def confirm_programme(database: Database, act: Act, code: str, role: str) -> Done[int]:
    """Adds a signing role's confirmation; returns the programme's id.

    Raises ``NotFound``, ``RoleDoesNotSign``, ``ProgrammeConfirmed``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.VOUCHER, code)
        found = programme_by_code(connection, code)
        signing_side(connection, found.agreement_id, role)
        if role in found.confirmed_by:
            raise ProgrammeConfirmed(role=role, programme=code)
        rows = Rows()
        rows.add(voucher_programme_confirmation, programme_id=found.programme_id, role=role)
        rows.write(connection, record, "voucher_programme_confirmed", found.agreement_id)
        return {"programme": found.programme_id}

    request: dict[str, Json] = {"code": code, "role": role}
    done = perform(database, act, "confirm_voucher_programme", request, work)
    return named_number(done, "programme")


def programme_by_code(connection: Connection, code: str) -> RegisteredProgramme:
    """The programme. Raises ``NotFound``."""
    found = _registered(connection, voucher_programme.c.code == code)
    if not found:
        raise NotFound("voucher programme", code)
    return found[0]


def programme_by_id(connection: Connection, programme_id: int) -> RegisteredProgramme:
    """The programme. Raises ``NotFound``."""
    found = _registered(connection, voucher_programme.c.programme_id == programme_id)
    if not found:
        raise NotFound("voucher programme", programme_id)
    return found[0]


def programmes_by_id(connection: Connection, programme_ids: Iterable[int]) -> dict[int, RegisteredProgramme]:
    """The programmes among these ids that exist."""
    wanted = voucher_programme.c.programme_id.in_(sorted(set(programme_ids)))
    return {one.programme_id: one for one in _registered(connection, wanted)}


def programmes(connection: Connection, agreement_id: int | None = None) -> list[RegisteredProgramme]:
    """Every programme, or those of an agreement, by code."""
    is_wanted = true() if agreement_id is None else voucher_programme.c.agreement_id == agreement_id
    return _registered(connection, is_wanted)


def programme_on(connection: Connection, programme_id: int, day: date) -> ProgrammeOnDay:
    """The programme as it holds on ``day``. Raises ``NotFound``, ``ProgrammeNotInForce``."""
    registered = programme_by_id(connection, programme_id)
    quarter = Quarter.of(day)
    terms = terms_at(terms_in_force(connection, registered.agreement_id), quarter)
    sides = sides_of(connection, registered.agreement_id)
    has_ended = terms is not None and terms.last_quarter is not None and _ended(terms.last_quarter, quarter)
    if terms is None or has_ended or registered.waiting or programme_faults(registered.document, terms):
        signing = ", ".join(signing_roles(sides))
        raise ProgrammeNotInForce(programme=registered.code, day=day, signing=signing)
    return ProgrammeOnDay(registered, terms, sides)


def _ended(last_quarter: str, quarter: Quarter) -> bool:
    return Quarter.parse(last_quarter) < quarter


def _registered(connection: Connection, *wanted: ColumnElement[bool]) -> list[RegisteredProgramme]:
    rows = connection.execute(
        select(voucher_programme).where(*wanted).order_by(voucher_programme.c.code)
    ).all()
    confirmed = _confirmations(connection, [row.programme_id for row in rows])
    sides = sides_of_agreements(connection, sorted({row.agreement_id for row in rows}))
    found = []
    for row in rows:
        roles = confirmed.get(row.programme_id, [])
        signing = signing_roles(sides[row.agreement_id])
        document = Programme.model_validate_json(json.dumps(row.document))
        waiting = [role for role in signing if role not in roles]
        found.append(
            RegisteredProgramme(row.programme_id, row.code, row.agreement_id, document, roles, waiting)
        )
    return found


def _confirmations(connection: Connection, programme_ids: Sequence[int]) -> dict[int, list[str]]:
    table = voucher_programme_confirmation
    rows = connection.execute(
        select(table.c.programme_id, table.c.role)
        .where(table.c.programme_id.in_(programme_ids))
        .order_by(table.c.role)
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row.programme_id, []).append(row.role)
    return found


def _code_faults(code: str) -> list[Fault]:
    if _CODE.fullmatch(code):
        return []
    return [
        Fault(
            "code",
            "CODE_UNUSABLE",
            f"Expected 1 to 64 of A-Z a-z 0-9 . _ -, letter or digit first, but got {code[:40]!r}.",
            f"应为 1 至 64 个字符（字母、数字、. _ -），以字母或数字开头，实际为 {code[:40]!r}。",
        )
    ]
