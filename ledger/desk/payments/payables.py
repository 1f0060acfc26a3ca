"""What a settlement makes payable, of each clause and pair, once negative amounts did what the terms say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from ledger.periods import Quarter
from ledger.rules.payment import scheduled
from ledger.rules.procedure import Calendar
from ledger.rules.terms import Clause, Instalment, Then


class PayableKey(NamedTuple):
    """A clause's payer owes a payee amounts of one commodity."""

    clause: int
    commodity_id: int
    payer_party_id: int
    payee_party_id: int


@dataclass(frozen=True, slots=True)
class Payable:
    """How the amount that a clause's payer owes a payee comes about, in minor units.

    ``booked_minor`` is what the settlement's journal makes due, ``brought_minor`` what the settlement before
    carried, ``set_off_minor`` what moved between clauses of the same pair, ``carried_minor`` what waits for
    the next settlement. A negative ``raised_minor`` is owed the other way.
    """

    key: PayableKey
    booked_minor: int
    brought_minor: int
    set_off_minor: int = 0
    carried_minor: int = 0

    @property
    def raised_minor(self) -> int:
        return self.booked_minor + self.brought_minor + self.set_off_minor - self.carried_minor


class DueDays(NamedTuple):
    """The last day on which a leg is paid in time, and that of the second round; None where there is none."""

    first: date | None
    second: date | None


def payables_of(
    booked: Mapping[PayableKey, int],
    brought: Mapping[PayableKey, int],
    terms: Mapping[int, Then],
    *,
    carries: bool,
) -> list[Payable]:
    """Every payable in key order, with zero ones left out.

    ``terms`` says of every clause what a negative amount does. Without ``carries`` no later settlement is in
    sight, so that what would be carried is refunded.
    """
    found = {
        key: Payable(key, booked.get(key, 0), brought.get(key, 0))
        for key in sorted(booked.keys() | brought.keys())
        if booked.get(key, 0) or brought.get(key, 0)
    }
    for key in list(found):
        if found[key].raised_minor < 0:
            _settle_negative(found, key, terms, carries=carries)
    return list(found.values())


def _settle_negative(
    found: dict[PayableKey, Payable], key: PayableKey, terms: Mapping[int, Then], *, carries: bool
) -> None:
    negative = terms[key.clause].negative
    if negative == "set_off":
        for other in found:
            if other[1:] == key[1:] and other != key and terms[other.clause].netting:
                _move(found, key, other)
    if negative != "refund" and carries:
        found[key] = replace(found[key], carried_minor=found[key].raised_minor)


def _move(found: dict[PayableKey, Payable], key: PayableKey, other: PayableKey) -> None:
    """Sets what is negative of ``key`` off against what is positive of ``other``."""
    amount_minor = max(0, min(-found[key].raised_minor, found[other].raised_minor))
    found[key] = replace(found[key], set_off_minor=found[key].set_off_minor + amount_minor)
    found[other] = replace(found[other], set_off_minor=found[other].set_off_minor - amount_minor)


def parts_of(
    amount_minor: int, quarter: Quarter, clause: Clause, calendar: Calendar | None
) -> list[tuple[DueDays, int]]:
    """The legs that an amount is raised as: one, or one for each instalment that isn't zero.

    Without a calendar or instalments it is payable on demand: nothing says when it is late. The same holds
    for what is only ever set off.
    """
    rows = clause.then.instalments
    if clause.then.form == "set_off":
        return [(DueDays(None, None), amount_minor)]
    if rows:
        dated = scheduled(amount_minor, year_of_payment(quarter, rows), rows)
        return [(_days(due, calendar), part) for due, part in dated if part]
    if calendar is None:
        return [(DueDays(None, None), amount_minor)]
    return [(_days(quarter.last_day + timedelta(days=calendar.fund_days), calendar), amount_minor)]


def year_of_payment(quarter: Quarter, rows: tuple[Instalment, ...]) -> int:
    """The first year in which all instalments fall due after the quarter."""
    first = date.fromisoformat(f"{quarter.year}-{rows[0].due}")
    return quarter.year if first > quarter.last_day else quarter.year + 1


def _days(due: date, calendar: Calendar | None) -> DueDays:
    """The second round comes as long after the first as the calendar says."""
    if calendar is None or calendar.second_fund_days is None:
        return DueDays(due, None)
    return DueDays(due, due + timedelta(days=calendar.second_fund_days - calendar.fund_days))
