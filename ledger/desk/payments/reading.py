"""Legs with what has cleared them, and the state that follows from it on any day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, true, tuple_

from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.payments.standing import leg_stands
from ledger.money import parse_share
from ledger.periods import Quarter
from ledger.rules.payment import interest_on, late_months
from ledger_schema.tables import leg as leg_table
from ledger_schema.tables import leg_clearing, leg_objection, payment_use

REFERENCE_PREFIX = "PL-"


class ArrearsKey(NamedTuple):
    """A pair and an agreement; ``agreement_id`` is 0 for what nettings left, which is of no one agreement."""

    payer_party_id: int
    payee_party_id: int
    agreement_id: int
    commodity_id: int


ARREARS_KEY: tuple[ColumnElement[int], ...] = (
    leg_table.c.payer_party_id,
    leg_table.c.payee_party_id,
    func.coalesce(leg_table.c.agreement_id, 0),
    leg_table.c.commodity_id,
)
"""An ``ArrearsKey`` of the table's columns."""


class LegState(StrEnum):
    """What a leg's state is on a day. What cleared it is told by its clearings."""

    DUE = "due"
    PARTLY_PAID = "partly_paid"
    CALLED_AGAIN = "called_again"
    """Its first day is over; the second round's isn't."""
    OVERDUE = "overdue"
    PAID = "paid"
    NETTED = "netted"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Clearing:
    """A part of a leg that was paid, netted or waived with effect from ``day``."""

    sequence: int
    kind: str
    amount_minor: int
    day: date
    payment_id: int | None
    netting_id: int | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Objection:
    """What a side of a leg has against it; while it stands the leg is in dispute and isn't netted."""

    sequence: int
    party_id: int
    person: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Leg:
    """What one party has to pay another; ``agreement_id`` and what follows are None of what a netting left.

    ``due_day`` is the last day on which it is paid in time (None: on demand), ``second_day`` the second
    round's. ``monthly_rates`` is the dated table of interest. A leg of interest names the leg it is on and
    through how many months. Amounts are minor units.
    """

    leg_id: int
    kind: str
    agreement_id: int | None
    booked_quarter: Quarter | None
    settlement_id: int | None
    clause: int | None
    payer_party_id: int
    payee_party_id: int
    commodity_id: int
    amount_minor: int
    form: str
    due_day: date | None
    second_day: date | None
    may_be_netted: bool
    monthly_rates: list[tuple[date, Fraction]]
    of_leg_id: int | None
    months: int | None
    netting_id: int | None
    recorded_at: datetime
    clearings: list[Clearing] = field(default_factory=list)
    objection: Objection | None = None

    @property
    def reference(self) -> str:
        """What a payer writes into the purpose of a payment to name the leg."""
        return f"{REFERENCE_PREFIX}{self.leg_id}"

    @property
    def pair(self) -> tuple[int, int]:
        """Payer and payee."""
        return self.payer_party_id, self.payee_party_id

    @property
    def open_minor(self) -> int:
        """What nothing has cleared yet."""
        return self.amount_minor - sum(one.amount_minor for one in self.clearings)

    def open_on(self, day: date) -> int:
        """What was open at the end of ``day``, in minor units."""
        return self.amount_minor - sum(one.amount_minor for one in self.clearings if one.day <= day)

    @property
    def overdue_after(self) -> date | None:
        """The last day of the last round; None where nothing says when it is late."""
        return self.second_day or self.due_day

    def is_overdue(self, day: date) -> bool:
        return self.overdue_after is not None and day > self.overdue_after and self.open_on(day) > 0

    def days_overdue(self, day: date) -> int:
        """Days since the last day of the last round; 0 while it isn't overdue."""
        return (day - self.overdue_after).days if self.overdue_after and self.is_overdue(day) else 0

    def state_on(self, day: date) -> LegState:
        """Its state at the end of ``day``."""
        effective = {one.kind for one in self.clearings if one.day <= day}
        if self.open_on(day) == 0:
            return _settled_state(effective)
        if self.is_overdue(day):
            return LegState.OVERDUE
        if self.due_day is not None and day > self.due_day:
            return LegState.CALLED_AGAIN
        return LegState.PARTLY_PAID if effective else LegState.DUE

    def months_late(self, day: date) -> int:
        """Months, or parts of one, from the first due day to ``day``; none before it is overdue.

        What is paid in the second round is in time.
        """
        if self.due_day is None or self.overdue_after is None or day <= self.overdue_after:
            return 0
        return late_months(self.due_day, day)

    def interest_through(self, months: int) -> int:
        """Interest for so many months after the first due day, in minor units.

        A month counts what was open on its first day, before that day's own payments, and never more than
        what the last round left unpaid.
        """
        if self.due_day is None:
            return 0
        return interest_on(self._late_before, self.due_day, months, self.monthly_rates)

    def _late_before(self, day: date) -> int:
        unpaid_minor = self.amount_minor if self.overdue_after is None else self.open_on(self.overdue_after)
        return min(unpaid_minor, self.open_on(day - timedelta(days=1)))


def _settled_state(kinds: set[str]) -> LegState:
    if "payment" in kinds:
        return LegState.PAID
    return LegState.NETTED if "netting" in kinds else LegState.WAIVED


URGENCY = (LegState.OVERDUE, LegState.CALLED_AGAIN, LegState.PARTLY_PAID, LegState.DUE)


def state_of_all(legs: Sequence[Leg], day: date) -> str:
    """The most urgent state of the legs; nothing_due of none, paid of what is done in several ways.

    What is due beside something that is done with is partly paid.
    """
    states = {one.state_on(day) for one in legs}
    if not states:
        return "nothing_due"
    urgent = next((state for state in URGENCY if state in states), None)
    if urgent is LegState.DUE and len(states) > 1:
        return LegState.PARTLY_PAID.value
    if urgent is not None:
        return urgent.value
    return states.pop().value if len(states) == 1 else LegState.PAID.value


@dataclass(frozen=True, slots=True)
class LegFilter:
    """Which legs are wanted: of one agreement, quarter, party or pair; None: of any."""

    agreement_id: int | None = None
    quarter: Quarter | None = None
    party_id: int | None = None
    counterparty_id: int | None = None
    only_open: bool = False


def legs(
    connection: Connection, wanted: LegFilter, *, after: int | None = None, limit: int = PAGE_LIMIT
) -> Page[Leg]:
    """Legs by id, that is in the order in which they were raised."""
    following = true() if after is None else leg_table.c.leg_id > after
    found = _legs(connection, and_(_chosen(wanted), following), rows_to_read(limit))
    return page_of(found, limit, lambda one: one)


def every_leg(connection: Connection, wanted: LegFilter) -> list[Leg]:
    """All wanted legs by id."""
    return _legs(connection, _chosen(wanted))


def leg_keys(
    connection: Connection, wanted: LegFilter, after: ArrearsKey | None, limit: int
) -> list[ArrearsKey]:
    """The next ``limit`` keys of wanted legs, in the order of their numbers."""
    following = true() if after is None else tuple_(*ARREARS_KEY) > after
    rows = connection.execute(
        select(*ARREARS_KEY).where(_chosen(wanted), following).distinct().order_by(*ARREARS_KEY).limit(limit)
    )
    return [ArrearsKey._make(row) for row in rows]


def legs_of_keys(connection: Connection, wanted: LegFilter, keys: Sequence[ArrearsKey]) -> list[Leg]:
    """All wanted legs with one of the keys, by id."""
    return _legs(connection, and_(_chosen(wanted), tuple_(*ARREARS_KEY).in_(keys)))


def legs_of_settlements(connection: Connection, settlement_ids: Sequence[int]) -> dict[int, list[Leg]]:
    """The legs that the settlements raised, without interest charged on them."""
    found: dict[int, list[Leg]] = {settlement_id: [] for settlement_id in settlement_ids}
    wanted = and_(leg_table.c.settlement_id.in_(settlement_ids), leg_table.c.kind == "settlement")
    for one in _legs(connection, and_(wanted, leg_stands())):
        if one.settlement_id is not None:
            found[one.settlement_id].append(one)
    return found


def legs_among(connection: Connection, party_ids: Sequence[int]) -> list[Leg]:
    """The open legs that one of the parties has to pay to another of them, by id."""
    columns = leg_table.c
    among = and_(columns.payer_party_id.in_(party_ids), columns.payee_party_id.in_(party_ids))
    return _legs(connection, and_(among, _is_open(), leg_stands()))


def legs_by_id(connection: Connection, leg_ids: Iterable[int]) -> dict[int, Leg]:
    """The legs among ``leg_ids`` that stand."""
    wanted = and_(leg_table.c.leg_id == func.any(sorted(set(leg_ids))), leg_stands())
    return {one.leg_id: one for one in _legs(connection, wanted)}


def interest_charged(connection: Connection, leg_ids: Iterable[int]) -> dict[int, list[Leg]]:
    """The legs of interest that were charged on each of the legs, by months."""
    wanted = leg_table.c.of_leg_id == func.any(sorted(set(leg_ids)))
    found: defaultdict[int, list[Leg]] = defaultdict(list)
    for one in _legs(connection, and_(wanted, leg_stands())):
        if one.of_leg_id is not None:
            found[one.of_leg_id].append(one)
    return found


def _chosen(wanted: LegFilter) -> ColumnElement[bool]:
    columns = leg_table.c
    return and_(
        leg_stands(),
        true() if wanted.agreement_id is None else columns.agreement_id == wanted.agreement_id,
        true() if wanted.quarter is None else columns.booked_quarter == wanted.quarter.code,
        true() if wanted.party_id is None else _between(wanted.party_id, wanted.counterparty_id),
        _is_open() if wanted.only_open else true(),
    )


def _between(party_id: int, counterparty_id: int | None) -> ColumnElement[bool]:
    columns = leg_table.c
    if counterparty_id is None:
        return or_(columns.payer_party_id == party_id, columns.payee_party_id == party_id)
    return or_(
        and_(columns.payer_party_id == party_id, columns.payee_party_id == counterparty_id),
        and_(columns.payer_party_id == counterparty_id, columns.payee_party_id == party_id),
    )


def _is_open() -> ColumnElement[bool]:
    cleared = (
        select(func.sum(leg_clearing.c.amount_minor))
        .where(leg_clearing.c.leg_id == leg_table.c.leg_id)
        .scalar_subquery()
    )
    return leg_table.c.amount_minor > func.coalesce(cleared, 0)


def _legs(connection: Connection, wanted: ColumnElement[bool], limit: int | None = None) -> list[Leg]:
    rows = connection.execute(select(leg_table).where(wanted).order_by(leg_table.c.leg_id).limit(limit)).all()
    leg_ids = [row.leg_id for row in rows]
    clearings, objections = _clearings(connection, leg_ids), _objections(connection, leg_ids)
    return [_leg(row, clearings[row.leg_id], objections.get(row.leg_id)) for row in rows]


def _clearings(connection: Connection, leg_ids: Sequence[int]) -> dict[int, list[Clearing]]:
    used = and_(
        payment_use.c.leg_id == leg_clearing.c.leg_id, payment_use.c.leg_sequence == leg_clearing.c.sequence
    )
    rows = connection.execute(
        select(leg_clearing, payment_use.c.payment_id)
        .outerjoin(payment_use, used)
        .where(leg_clearing.c.leg_id == func.any(leg_ids))
        .order_by(leg_clearing.c.leg_id, leg_clearing.c.sequence)
    )
    found: defaultdict[int, list[Clearing]] = defaultdict(list)
    for row in rows:
        clearing = Clearing(
            row.sequence, row.kind, row.amount_minor, row.day, row.payment_id, row.netting_id, row.recorded_at
        )
        found[row.leg_id].append(clearing)
    return found


def _objections(connection: Connection, leg_ids: Sequence[int]) -> dict[int, Objection]:
    """The objections that stand: the last row of a leg says so."""
    table = leg_objection
    rows = connection.execute(
        select(table).where(table.c.leg_id == func.any(leg_ids)).order_by(table.c.leg_id, table.c.sequence)
    )
    last = {row.leg_id: row for row in rows}
    return {
        leg_id: Objection(row.sequence, row.party_id, row.person, row.reason, row.recorded_at)
        for leg_id, row in last.items()
        if row.stands
    }


def _leg(row: Row[Any], clearings: list[Clearing], objection: Objection | None) -> Leg:
    return Leg(
        leg_id=row.leg_id,
        kind=row.kind,
        agreement_id=row.agreement_id,
        booked_quarter=None if row.booked_quarter is None else Quarter.from_code(row.booked_quarter),
        settlement_id=row.settlement_id,
        clause=row.clause,
        payer_party_id=row.payer_party_id,
        payee_party_id=row.payee_party_id,
        commodity_id=row.commodity_id,
        amount_minor=row.amount_minor,
        form=row.form,
        due_day=row.due_day,
        second_day=row.second_day,
        may_be_netted=row.may_be_netted,
        monthly_rates=[(date.fromisoformat(starts), parse_share(rate)) for starts, rate in row.monthly_rates],
        of_leg_id=row.of_leg_id,
        months=row.months,
        netting_id=row.netting_id,
        recorded_at=row.recorded_at,
        clearings=clearings,
        objection=objection,
    )
