"""Legs, raised when a settlement closes its quarter: who pays whom how much, and by when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from ledger.desk import agreements
from ledger.desk.acts import Recorder
from ledger.desk.agreements import NumberedVersion
from ledger.desk.payments.payables import DueDays, Payable, PayableKey, parts_of, payables_of
from ledger.desk.payments.standing import stands
from ledger.desk.postings import is_of_entry
from ledger.evidence.canonical import Json
from ledger.periods import Quarter
from ledger.rules.facts import Version
from ledger.rules.plain import clause_at
from ledger.rules.procedure import Calendar
from ledger.rules.terms import Clause
from ledger_schema.ids import new_id
from ledger_schema.tables import account, agreement_quarter, journal_entry, leg, payable, posting


@dataclass(frozen=True, slots=True)
class Closing:
    """The settlement that closes its quarter; ``ends`` where no later quarter is in sight."""

    agreement_id: int
    quarter: Quarter
    settlement_id: int
    ends: bool


@dataclass(frozen=True, slots=True)
class RaisedLeg:
    """A leg before it is recorded."""

    clause: Clause
    payer_party_id: int
    payee_party_id: int
    commodity_id: int
    amount_minor: int
    days: DueDays


def raise_legs(connection: Connection, record: Recorder, closing: Closing) -> None:
    """Record what the settlement makes payable and raise its legs, in the transaction that closes.

    Only what the journal makes due is payable: what accrues waits for the final settlement. The payer of a
    clause owes every other party what is due to it, and the fund what is routed to it.
    """
    terms = agreements.terms_in_force(connection, closing.agreement_id)
    payables, legs = payable_of(connection, closing, terms, _brought(connection, closing))
    if payables:
        _write(connection, record, closing, payables, legs)


def payable_of(
    connection: Connection,
    closing: Closing,
    terms: Sequence[NumberedVersion],
    brought: Mapping[PayableKey, int],
) -> tuple[list[Payable], list[RaisedLeg]]:
    """What the settlement makes payable under ``terms``, and its legs, in order; nothing is written.

    ``brought`` is what the settlement before carried.
    """
    booked = _booked(connection, closing)
    versions = [Version(row.starts, row.terms) for row in terms]
    sides = agreements.sides_of(connection, closing.agreement_id)
    owed = _owed(booked, versions, {role: side.party_id for role, side in sides.items()})
    numbers = {key.clause for key in (*owed, *brought)}
    clauses = {number: clause_at(versions, number, closing.quarter) for number in numbers}
    then = {number: clause.then for number, clause in clauses.items()}
    payables = payables_of(owed, brought, then, carries=not closing.ends)
    calendar = agreements.procedure_at(terms, closing.quarter).calendar
    return payables, _legs(payables, clauses, closing.quarter, calendar)


def _booked(connection: Connection, closing: Closing) -> list[tuple[int, Quarter, int, int, int]]:
    """What the journal makes due: clause, quarter that it is about, commodity, party, amount."""
    rows = connection.execute(
        select(
            journal_entry.c.clause,
            journal_entry.c.quarter,
            account.c.commodity_id,
            account.c.party_id,
            func.sum(posting.c.amount_minor).label("amount_minor"),
        )
        .select_from(posting)
        .join(journal_entry, is_of_entry())
        .join(account, account.c.account_id == posting.c.account_id)
        .where(
            posting.c.agreement_id == closing.agreement_id,
            posting.c.booked_quarter == closing.quarter.code,
            posting.c.settlement_id == closing.settlement_id,
            account.c.kind.in_(("due", "fund")),
        )
        .group_by(journal_entry.c.clause, journal_entry.c.quarter, account.c.commodity_id, account.c.party_id)
    )
    return [
        (row.clause, Quarter.from_code(row.quarter), row.commodity_id, row.party_id, int(row.amount_minor))
        for row in rows
    ]


def _brought(connection: Connection, closing: Closing) -> dict[PayableKey, int]:
    """What the settlement of the last closed quarter before carried."""
    last = (
        select(func.max(agreement_quarter.c.quarter))
        .where(
            agreement_quarter.c.agreement_id == closing.agreement_id,
            agreement_quarter.c.quarter < closing.quarter.code,
        )
        .scalar_subquery()
    )
    rows = connection.execute(
        select(payable).where(
            payable.c.agreement_id == closing.agreement_id,
            payable.c.booked_quarter == last,
            payable.c.carried_minor != 0,
            stands(payable),
        )
    )
    return {
        PayableKey(row.clause, row.commodity_id, row.payer_party_id, row.payee_party_id): row.carried_minor
        for row in rows
    }


def _owed(
    booked: Sequence[tuple[int, Quarter, int, int, int]],
    versions: Sequence[Version],
    party_ids: Mapping[str, int],
) -> dict[PayableKey, int]:
    """By clause and pair; who pays is what the terms in force for the figure's own quarter say."""
    owed: defaultdict[PayableKey, int] = defaultdict(int)
    for number, quarter, commodity_id, party_id, amount_minor in booked:
        clause = clause_at(versions, number, quarter)
        payer_party_id = party_ids[clause.then.paid_by or clause.to_whom.otherwise]
        if party_id != payer_party_id:
            owed[PayableKey(number, commodity_id, payer_party_id, party_id)] += amount_minor
    return owed


def _legs(
    payables: Sequence[Payable], clauses: Mapping[int, Clause], quarter: Quarter, calendar: Calendar | None
) -> list[RaisedLeg]:
    legs = []
    for one in payables:
        pair = (one.key.payer_party_id, one.key.payee_party_id)
        payer_party_id, payee_party_id = pair if one.raised_minor > 0 else pair[::-1]
        clause = clauses[one.key.clause]
        for days, amount_minor in parts_of(abs(one.raised_minor), quarter, clause, calendar):
            if amount_minor:
                legs.append(
                    RaisedLeg(
                        clause, payer_party_id, payee_party_id, one.key.commodity_id, amount_minor, days
                    )
                )
    return legs


def _write(
    connection: Connection,
    record: Recorder,
    closing: Closing,
    payables: Sequence[Payable],
    legs: Sequence[RaisedLeg],
) -> None:
    leg_ids = [new_id() for _ in legs]
    said: dict[str, Json] = {
        "settlement": str(closing.settlement_id),
        "payables": [_described_payable(one) for one in payables],
        "legs": [_described_leg(*pair) for pair in zip(leg_ids, legs, strict=True)],
    }
    event_id = record("legs_raised", said, closing.agreement_id)
    of_settlement = {
        "agreement_id": closing.agreement_id,
        "booked_quarter": closing.quarter.code,
        "settlement_id": closing.settlement_id,
    }
    connection.execute(insert(payable), [of_settlement | payable_row(one) for one in payables])
    if legs:
        rows = [
            of_settlement | leg_row(leg_id, one, event_id) for leg_id, one in zip(leg_ids, legs, strict=True)
        ]
        connection.execute(insert(leg), rows)


def payable_row(one: Payable) -> dict[str, Any]:
    """The columns of a payable that don't say which settlement it is of."""
    return {
        **one.key._asdict(),
        "booked_minor": one.booked_minor,
        "brought_minor": one.brought_minor,
        "set_off_minor": one.set_off_minor,
        "carried_minor": one.carried_minor,
        "raised_minor": one.raised_minor,
    }


def _described_payable(one: Payable) -> dict[str, Json]:
    return {name: str(value) for name, value in payable_row(one).items()}


def leg_row(leg_id: int, one: RaisedLeg, event_id: int) -> dict[str, Any]:
    """The columns of a leg that don't say which settlement it is of."""
    then = one.clause.then
    form = then.form or "direct"
    return {
        "leg_id": leg_id,
        "kind": "settlement",
        "clause": one.clause.number,
        "payer_party_id": one.payer_party_id,
        "payee_party_id": one.payee_party_id,
        "commodity_id": one.commodity_id,
        "amount_minor": one.amount_minor,
        "form": form,
        "due_day": one.days.first,
        "second_day": one.days.second,
        "may_be_netted": then.netting or form == "set_off",
        "monthly_rates": [[row.starts.isoformat(), row.monthly_rate] for row in then.interest],
        "event_id": event_id,
    }


def _described_leg(leg_id: int, one: RaisedLeg) -> dict[str, Json]:
    row = leg_row(leg_id, one, 0)
    days = {name: None if row[name] is None else row[name].isoformat() for name in ("due_day", "second_day")}
    said: dict[str, Json] = {
        "leg": str(leg_id),
        "clause": one.clause.number,
        "payer": str(one.payer_party_id),
        "payee": str(one.payee_party_id),
        "amount_minor": str(one.amount_minor),
        **days,
    }
    return said | {name: row[name] for name in ("commodity_id", "form", "may_be_netted", "monthly_rates")}
