"""What closes made payable: derived again from the journal and the terms in force at each close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Table

from ledger.desk import agreements
from ledger.desk.agreements import NumberedVersion
from ledger.desk.fsck.comparing import WHOLE_ROW, Mismatch, Said, Scope, Told
from ledger.desk.payments.payables import PayableKey
from ledger.desk.payments.raising import Closing, RaisedLeg, leg_row, payable_of, payable_row
from ledger.periods import Quarter
from ledger_schema.tables import leg, payable


def check_payables(scope: Scope) -> Iterator[Mismatch]:
    """Payables and the legs of settlements are what the journal and the terms of then make of each close."""
    stored = _stored_legs(scope)
    told: list[Told] = []
    for said, payables, legs in _derived(scope):
        settlement_id = int(said.data["settlement"])
        quarter = Quarter.parse(said.data["quarter"])
        of_settlement = {
            "agreement_id": scope.agreement_id,
            "booked_quarter": quarter.code,
            "settlement_id": settlement_id,
        }
        if scope.since is not None and quarter < scope.since:
            continue
        told += [Told(payable, of_settlement | one) for one in payables]
        rows = stored.pop(settlement_id, [])
        if len(rows) != len(legs):
            key = {"settlement_id": str(settlement_id)}
            yield Mismatch("leg", key, WHOLE_ROW, f"{len(legs)} legs", f"{len(rows)} legs")
        told += [
            Told(leg, of_settlement | _columns(row.leg_id, one)) for row, one in zip(rows, legs, strict=False)
        ]
    yield from scope.compare([payable], told, *_wanted(scope, payable))
    yield from scope.compare([leg], told, leg.c.kind == "settlement", *_wanted(scope, leg))


def _derived(scope: Scope) -> Iterator[tuple[Said, list[dict[str, Any]], list[RaisedLeg]]]:
    """Every close in order, with the columns of its payables and its legs."""
    terms = agreements.terms_in_force(scope.connection, scope.agreement_id or 0)
    began = {said.data["version"]: said.event_id for said in scope.said("version_brought_into_force")}
    carried: dict[Quarter, dict[PayableKey, int]] = {}
    for said in scope.said("settlement_closed"):
        quarter = Quarter.parse(said.data["quarter"])
        closing = Closing(
            scope.agreement_id or 0,
            quarter,
            int(said.data["settlement"]),
            ends=said.data["next_quarter"] is None,
        )
        of_then: list[NumberedVersion] = [one for one in terms if began.get(one.version, 0) < said.event_id]
        before = [one for one in carried if one < quarter]
        brought = carried[max(before)] if before else {}
        payables, legs = payable_of(scope.connection, closing, of_then, brought)
        carried[quarter] = {one.key: one.carried_minor for one in payables if one.carried_minor}
        yield said, [payable_row(one) for one in payables], legs


def _stored_legs(scope: Scope) -> dict[int, list[Row[Any]]]:
    """By settlement, in the order in which they were raised."""
    found: dict[int, list[Row[Any]]] = {}
    for row in scope.rows(leg, leg.c.kind == "settlement", leg.c.agreement_id == scope.agreement_id):
        found.setdefault(row.settlement_id, []).append(row)
    return found


def _columns(leg_id: int, one: RaisedLeg) -> dict[str, Any]:
    return {name: value for name, value in leg_row(leg_id, one, 0).items() if name != "event_id"}


def _wanted(scope: Scope, table: Table) -> Sequence[ColumnElement[bool]]:
    wanted = [table.c.agreement_id == scope.agreement_id]
    if scope.since is not None:
        wanted.append(table.c.booked_quarter >= scope.since.code)
    return wanted
