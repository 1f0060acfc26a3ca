"""Payments received: recorded once, and matched to the legs that they pay.

A payment whose purpose names a leg (``PL-`` and its number) pays that leg as far as it goes. What is left is
visible, with a suggestion by amount and order of due days, until the payee says what it is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, true

from ledger.desk import roster
from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on, queue_on_all
from ledger.desk.failures import NotFound, choice_faults, refuse, text_faults
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.payments.clearing import add_clearings, clearing_row, hold_legs, written
from ledger.desk.payments.faults import (
    LegUnsuited,
    MoreThanPaid,
    NotThePayee,
    PaymentLineKnown,
    person_faults,
)
from ledger.desk.payments.reading import REFERENCE_PREFIX, Clearing, Leg, LegFilter, every_leg, legs_by_id
from ledger.evidence.canonical import Json
from ledger.measures import YUAN
from ledger.rules.facts import Fault
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import party as party_table
from ledger_schema.tables import payment as payment_table
from ledger_schema.tables import payment_use

CHANNELS = ("bank", "treasury", "year_end")
"""银行, 国库, 年终结算（上解、补助）."""

FORMS: Mapping[str, frozenset[str]] = {
    "bank": frozenset({"direct", "fund"}),
    "treasury": frozenset({"direct", "fund"}),
    "year_end": frozenset({"year_end"}),
}
"""The forms of the legs that a payment of each channel can pay."""

MATCHES_MAX = 200
"""Most legs that one confirmation names."""

_REFERENCE = re.compile(rf"{REFERENCE_PREFIX}([1-9][0-9]{{0,18}})(?![0-9])", re.ASCII)


class PaymentLine(NamedTuple):
    """What makes a line of an account the one it is; the payer by code."""

    payer: str
    payer_account: str
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentDraft:
    """A line of a bank's or treasury's statement; parties by code, the amount in minor units of yuan."""

    channel: str
    payer: str
    payer_account: str
    payee: str
    reference: str
    amount_minor: int
    value_day: date
    purpose: str = ""

    @property
    def line(self) -> PaymentLine:
        return PaymentLine(self.payer, self.payer_account, self.reference)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment received; ``rest_minor`` of it isn't matched to a leg."""

    payment_id: int
    channel: str
    payer_party_id: int
    payer_account: str
    reference: str
    payee_party_id: int
    commodity_id: int
    amount_minor: int
    value_day: date
    purpose: str
    recorded_by: str
    recorded_at: datetime
    rest_minor: int


@dataclass(frozen=True, slots=True)
class Match:
    """A part of a payment and the leg that it pays."""

    leg_id: int
    amount_minor: int


# --- recording --------------------------------------------------------------------------------------------


def record_payment(database: Database, act: Act, person: str, draft: PaymentDraft) -> Done[int]:
    """Record one payment and match it to the leg that it names, if it names one; returns its id.

    Raises ``RequestRefused`` with every fault, ``NotFound``, ``PaymentLineKnown``.
    """
    refuse([*person_faults("person", person), *payment_faults("", draft)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        (payment_id,) = add_payments(connection, record, person, [draft])
        return {"payment": payment_id}

    request: dict[str, Json] = {"person": person, **described(draft)}
    return named_number(perform(database, act, "record_payment", request, work), "payment")


def add_payments(
    connection: Connection,
    record: Recorder,
    person: str,
    drafts: Sequence[PaymentDraft],
    file_hash: bytes | None = None,
) -> list[int]:
    """Records payments in the caller's transaction; returns their ids in order.

    Raises ``NotFound``, ``PaymentLineKnown``.
    """
    party_ids = {
        code: roster.party_by_code(connection, code).party_id
        for code in sorted({code for draft in drafts for code in (draft.payer, draft.payee)})
    }
    named = {draft: _named_leg(draft) for draft in drafts}
    existing = legs_by_id(connection, [one for one in named.values() if one is not None])
    held = hold_legs(connection, existing)
    queue_on_all(connection, Queue.PAYER, [draft.payer for draft in drafts])
    _refuse_known(known_lines(connection, drafts))
    recorded = _add_rows(connection, record, person, drafts, party_ids, file_hash)
    uses = _Uses(record, held)
    for draft, paid in zip(drafts, recorded, strict=True):
        leg_id = named[draft]
        if leg_id in held and is_suited(paid, held[leg_id]):
            amount_minor = min(paid.rest_minor, held[leg_id].open_minor)
            uses.add(paid, 0, [Match(leg_id, amount_minor)], "reference")
    uses.write(connection)
    return [paid.payment_id for paid in recorded]


def _refuse_known(lines: set[PaymentLine]) -> None:
    if lines:
        first = min(lines)
        raise PaymentLineKnown(reference=first.reference, account=first.payer_account, payer=first.payer)


def _named_leg(draft: PaymentDraft) -> int | None:
    """The leg that the purpose names; None where it names none or several."""
    named = set(_REFERENCE.findall(draft.purpose))
    number = int(named.pop()) if len(named) == 1 else 0
    return number if 0 < number < 2**63 else None


def _add_rows(
    connection: Connection,
    record: Recorder,
    person: str,
    drafts: Sequence[PaymentDraft],
    party_ids: Mapping[str, int],
    file_hash: bytes | None,
) -> list[Payment]:
    payment_ids = [new_id() for _ in drafts]
    written_hash = None if file_hash is None else file_hash.hex()
    said: list[dict[str, Json]] = [
        {"payment": str(payment_id), "person": person, "file_hash": written_hash, **described(draft)}
        for payment_id, draft in zip(payment_ids, drafts, strict=True)
    ]
    event_ids = record.record_each("payment_recorded", said)
    rows = [
        {
            "payment_id": payment_id,
            "channel": draft.channel,
            "payer_party_id": party_ids[draft.payer],
            "payer_account": draft.payer_account,
            "reference": draft.reference,
            "payee_party_id": party_ids[draft.payee],
            "commodity_id": YUAN.commodity_id,
            "amount_minor": draft.amount_minor,
            "value_day": draft.value_day,
            "purpose": draft.purpose,
            "recorded_by": person,
            "file_hash": file_hash,
            "event_id": event_id,
        }
        for payment_id, event_id, draft in zip(payment_ids, event_ids, drafts, strict=True)
    ]
    connection.execute(insert(payment_table), rows)
    found = payments_by_id(connection, payment_ids)
    return [found[payment_id] for payment_id in payment_ids]


def known_lines(connection: Connection, drafts: Iterable[PaymentDraft]) -> set[PaymentLine]:
    """Those of the payments' lines that were recorded before."""
    lines = {draft.line for draft in drafts}
    rows = connection.execute(
        select(party_table.c.code, payment_table.c.payer_account, payment_table.c.reference)
        .join(party_table, party_table.c.party_id == payment_table.c.payer_party_id)
        .where(
            party_table.c.code == func.any([line.payer for line in lines]),
            payment_table.c.reference == func.any([line.reference for line in lines]),
        )
    )
    return lines & {PaymentLine(*row) for row in rows}


def payment_faults(path: str, draft: PaymentDraft) -> list[Fault]:
    """What is wrong with a payment, before anything of the ledger is looked at."""
    faults = [
        *choice_faults(f"{path}channel", draft.channel, CHANNELS),
        *text_faults(f"{path}payer_account", draft.payer_account),
        *text_faults(f"{path}reference", draft.reference),
        *(text_faults(f"{path}purpose", draft.purpose) if draft.purpose else ()),
    ]
    if draft.amount_minor <= 0:
        faults.append(
            Fault(
                f"{path}amount",
                "PAYMENT_NOT_POSITIVE",
                "Expected an amount above zero. A payment back is one of the other party.",
                "金额应大于零。退款请作为对方的付款登记。",
            )
        )
    if draft.payer == draft.payee:
        faults.append(
            Fault(
                f"{path}payee",
                "PAYMENT_TO_SELF",
                f"Expected another party than the payer, but got {draft.payee!r} for both.",
                f"收款方应不同于付款方，实际均为 {draft.payee!r}。",
            )
        )
    return faults


def described(draft: PaymentDraft) -> dict[str, Json]:
    """The payment as events and requests tell it."""
    return {
        "channel": draft.channel,
        "payer": draft.payer,
        "payer_account": draft.payer_account,
        "payee": draft.payee,
        "reference": draft.reference,
        "amount_minor": str(draft.amount_minor),
        "value_day": draft.value_day.isoformat(),
        "purpose": draft.purpose,
    }


# --- matching ---------------------------------------------------------------------------------------------


def confirm_matches(
    database: Database, act: Act, payment_id: int, party: str, person: str, matches: Sequence[Match]
) -> Done[int]:
    """The payee says which legs a payment pays, and with how much of it; returns the payment's id.

    Raises ``RequestRefused``, ``NotFound``, ``NotThePayee``, ``LegUnsuited``, ``MoreThanPaid``,
    ``MoreThanOpen``.
    """
    refuse([*person_faults("person", person), *_match_faults(matches)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        payer = roster.party(connection, payment(connection, payment_id).payer_party_id).code
        held = hold_legs(connection, [one.leg_id for one in matches])
        queue_on(connection, Queue.PAYER, payer)
        paid = payment(connection, payment_id)
        payee = roster.party(connection, paid.payee_party_id).code
        if payee != party:
            raise NotThePayee(payee=payee, party=party)
        uses = _Uses(record, held)
        uses.add(paid, _use_count(connection, payment_id), matches, "confirmation", person)
        uses.write(connection)
        return {"payment": payment_id}

    request: dict[str, Json] = {
        "payment": str(payment_id),
        "party": party,
        "person": person,
        "matches": [_described_match(one) for one in matches],
    }
    return named_number(perform(database, act, "confirm_matches", request, work), "payment")


class _Uses:
    """Parts of payments that pay legs which are held, while the payers' queues are held."""

    def __init__(self, record: Recorder, held: dict[int, Leg]) -> None:
        self._record = record
        self._held = held
        self._events: list[dict[str, Any]] = []
        self._clearings: list[dict[str, Any]] = []
        self._uses: list[dict[str, Any]] = []

    def add(
        self,
        paid: Payment,
        use_count: int,
        matches: Iterable[Match],
        matched_by: str,
        person: str | None = None,
    ) -> None:
        """Uses parts of a payment of which there are ``use_count`` uses.

        Raises ``LegUnsuited``, ``MoreThanPaid``, ``MoreThanOpen``.
        """
        wanted = [one for one in matches if one.amount_minor]
        if not wanted:
            return
        said: dict[str, Json] = {
            "payment": str(paid.payment_id),
            "matched_by": matched_by,
            "person": person,
            "matches": [_described_match(one) for one in wanted],
        }
        told = self._record.told("payment_matched", said, None)
        self._events.append(told)
        rest_minor = paid.rest_minor
        for sequence, one in enumerate(wanted, start=use_count + 1):
            _refuse_unsuited(paid, self._held[one.leg_id])
            if one.amount_minor > rest_minor:
                raise MoreThanPaid(
                    reference=paid.reference,
                    rest=written(rest_minor, paid.commodity_id),
                    amount=written(one.amount_minor, paid.commodity_id),
                )
            rest_minor -= one.amount_minor
            self._uses.append(
                {
                    "payment_id": paid.payment_id,
                    "sequence": sequence,
                    "amount_minor": one.amount_minor,
                    "rest_minor": rest_minor,
                    "leg_id": one.leg_id,
                    "leg_sequence": self._clear(paid, one, told["event_id"]),
                    "matched_by": matched_by,
                }
            )

    def _clear(self, paid: Payment, one: Match, event_id: int) -> int:
        """Clears a part of the leg; returns the clearing's sequence."""
        leg = self._held[one.leg_id]
        row = clearing_row(leg, "payment", one.amount_minor, paid.value_day, event_id)
        self._clearings.append(row)
        sequence: int = row["sequence"]
        cleared = Clearing(
            sequence,
            "payment",
            one.amount_minor,
            paid.value_day,
            paid.payment_id,
            None,
            paid.recorded_at,
        )
        self._held[one.leg_id] = replace(leg, clearings=[*leg.clearings, cleared])
        return sequence

    def write(self, connection: Connection) -> None:
        """Appends all of it, a statement for each table."""
        self._record.append(self._events)
        add_clearings(connection, self._clearings)
        if self._uses:
            connection.execute(insert(payment_use), self._uses)


def is_suited(paid: Payment, leg: Leg) -> bool:
    """Whether the payment can pay the leg: the same pair and commodity, in the leg's form."""
    same = leg.pair == (paid.payer_party_id, paid.payee_party_id) and leg.commodity_id == paid.commodity_id
    return same and leg.form in FORMS[paid.channel]


def _refuse_unsuited(paid: Payment, leg: Leg) -> None:
    if not is_suited(paid, leg):
        raise LegUnsuited(leg=leg.reference, form=leg.form, channel=paid.channel)


def _match_faults(matches: Sequence[Match]) -> list[Fault]:
    named = [one.leg_id for one in matches]
    if (
        named
        and len(named) == len(set(named)) <= MATCHES_MAX
        and all(one.amount_minor > 0 for one in matches)
    ):
        return []
    return [
        Fault(
            "matches",
            "MATCHES_UNUSABLE",
            f"Expected 1 to {MATCHES_MAX} legs, each once and with an amount above zero.",
            f"应为 1 至 {MATCHES_MAX} 笔应付款项，每笔只列一次且金额大于零。",
        )
    ]


def _use_count(connection: Connection, payment_id: int) -> int:
    counted = select(func.count()).where(payment_use.c.payment_id == payment_id)
    return connection.execute(counted.select_from(payment_use)).scalar_one()


def _described_match(one: Match) -> dict[str, Json]:
    return {"leg": str(one.leg_id), "amount_minor": str(one.amount_minor)}


def suggested_matches(connection: Connection, paid: Payment) -> list[Match]:
    """What the rest of a payment may be for: a leg with exactly that open, else legs in order of due day."""
    pair = LegFilter(party_id=paid.payer_party_id, counterparty_id=paid.payee_party_id, only_open=True)
    suited = [one for one in every_leg(connection, pair) if is_suited(paid, one)]
    suited.sort(key=lambda one: (one.due_day or date.max, one.leg_id))
    exact = [one for one in suited if one.open_minor == paid.rest_minor]
    matches, rest_minor = [], paid.rest_minor
    for one in exact[:1] or suited:
        if rest_minor:
            matches.append(Match(one.leg_id, min(rest_minor, one.open_minor)))
            rest_minor -= matches[-1].amount_minor
    return matches


# --- reading ----------------------------------------------------------------------------------------------


def payment(connection: Connection, payment_id: int) -> Payment:
    """One payment. Raises ``NotFound``."""
    found = payments_by_id(connection, [payment_id])
    if not found:
        raise NotFound("payment", payment_id)
    return found[payment_id]


def payments_by_id(connection: Connection, payment_ids: Iterable[int]) -> dict[int, Payment]:
    """The payments among ``payment_ids`` that there are."""
    wanted = payment_table.c.payment_id == func.any(sorted(set(payment_ids)))
    return {one.payment_id: one for one in _payments(connection, wanted)}


def payments(
    connection: Connection,
    party_id: int,
    *,
    only_unmatched: bool = False,
    after: int | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Payment]:
    """What the party paid or received, in the order in which it was recorded."""
    columns = payment_table.c
    wanted = and_(
        or_(columns.payer_party_id == party_id, columns.payee_party_id == party_id),
        columns.amount_minor > _used() if only_unmatched else true(),
        true() if after is None else columns.payment_id > after,
    )
    return page_of(_payments(connection, wanted, rows_to_read(limit)), limit, lambda one: one)


def _payments(connection: Connection, wanted: ColumnElement[bool], limit: int | None = None) -> list[Payment]:
    rows = connection.execute(
        select(payment_table, _used().label("used_minor"))
        .where(wanted)
        .order_by(payment_table.c.payment_id)
        .limit(limit)
    )
    return [_payment(row) for row in rows]


def _used() -> ColumnElement[int]:
    used = select(func.sum(payment_use.c.amount_minor)).where(
        payment_use.c.payment_id == payment_table.c.payment_id
    )
    return func.coalesce(used.scalar_subquery(), 0)


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        payment_id=row.payment_id,
        channel=row.channel,
        payer_party_id=row.payer_party_id,
        payer_account=row.payer_account,
        reference=row.reference,
        payee_party_id=row.payee_party_id,
        commodity_id=row.commodity_id,
        amount_minor=row.amount_minor,
        value_day=row.value_day,
        purpose=row.purpose,
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
        rest_minor=row.amount_minor - int(row.used_minor),
    )
