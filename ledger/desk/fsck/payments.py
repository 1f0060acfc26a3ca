"""Payables, legs, payments and nettings, and what cleared what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Table, func, select

from ledger.desk.fsck.comparing import ROWS_AT_ONCE, DigestOf, Mismatch, Said, Scope, Told, key_of
from ledger.evidence.signatures import is_signed
from ledger.measures import YUAN
from ledger.money import parse_amount
from ledger.periods import Quarter
from ledger_schema.tables import (
    leg,
    leg_clearing,
    leg_objection,
    netting,
    netting_party,
    netting_signature,
    payable,
    payment,
    payment_file,
    payment_use,
    waiver,
)

TABLES: tuple[Table, ...] = (
    payable,
    leg,
    leg_clearing,
    leg_objection,
    waiver,
    payment_file,
    payment,
    payment_use,
    netting,
    netting_party,
    netting_signature,
)


def check_payments(scope: Scope) -> Iterator[Mismatch]:
    """Every leg, clearing, payment, use and netting follows from the events; every signature verifies."""
    yield from scope.stream(TABLES, lambda: _Cash(scope).told())
    yield from _signatures(scope)


def _signatures(scope: Scope) -> Iterator[Mismatch]:
    signed = (
        select(netting_signature, netting.c.content)
        .outerjoin(netting, netting.c.netting_id == netting_signature.c.netting_id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for row in scope.connection.execute(signed):
        if not is_signed(row.public_key, row.signature, row.content or b""):
            key = key_of(netting_signature, [row.netting_id, row.party_id])
            yield Mismatch("netting_signature", key, "signature", "one of the netting", row.signature.hex())
    for row in scope.rows(waiver):
        if not is_signed(row.public_key, row.signature, row.content):
            key = key_of(waiver, [row.leg_id, row.sequence])
            yield Mismatch("waiver", key, "signature", "one of the waiver", row.signature.hex())


@dataclass(slots=True)
class _Leg:
    """A leg as far as it has come: what is open, how often it was cleared and objected to."""

    open_minor: int
    clearings: int = 0
    objections: int = 0


@dataclass(slots=True)
class _Payment:
    """A payment as far as it is used."""

    value_day: date
    rest_minor: int
    uses: int = 0


@dataclass
class _Cash:
    """What the events told so far: a few numbers of each leg and payment.

    A leg's terms, and what was signed of a netting, are read as they are stored.
    """

    scope: Scope
    quarters: dict[int, int] = field(default_factory=dict)
    legs: dict[int, _Leg] = field(default_factory=dict)
    payments: dict[int, _Payment] = field(default_factory=dict)
    nettings: dict[int, bytes] = field(default_factory=dict)

    def told(self) -> Iterator[Told]:
        """The rows that the events of payments tell, in their order."""
        tellers: dict[str, Callable[[Said], Iterator[Told]]] = {
            "settlement_closed": self._closed,
            "legs_raised": self._raised,
            "interest_charged": self._interest,
            "leg_objected": self._objected,
            "objection_withdrawn": self._objected,
            "leg_waived": self._waived,
            "payments_imported": self._imported,
            "payment_recorded": self._received,
            "payment_matched": self._matched,
            "netting_proposed": self._proposed,
            "netting_signed": self._signed,
            "netting_settled": self._settled,
        }
        for said in self.scope.said(*tellers):
            # What rests on signed bytes that are gone can't be told; their own row is reported.
            with suppress(LookupError):
                yield from tellers[said.kind](said)

    def _closed(self, said: Said) -> Iterator[Told]:
        self.quarters = {int(said.data["settlement"]): Quarter.parse(said.data["quarter"]).code}
        yield from ()

    def _raised(self, said: Said) -> Iterator[Told]:
        """Legs are raised by the act that closes the quarter, right after its event."""
        settlement_id = int(said.data["settlement"])
        of_settlement = {
            "agreement_id": said.agreement_id,
            "booked_quarter": self.quarters[settlement_id],
            "settlement_id": settlement_id,
        }
        for one in said.data["payables"]:
            amounts = {name: int(value) for name, value in one.items()}
            yield said.row(payable, **of_settlement, **amounts)
        for one in said.data["legs"]:
            yield self._leg(said, _raised_leg(one) | of_settlement)

    def _leg(self, said: Said, values: dict[str, Any]) -> Told:
        self.legs[values["leg_id"]] = _Leg(values["amount_minor"])
        return said.row(leg, **values)

    def _terms_of(self, leg_id: int) -> Mapping[str, Any]:
        """The columns of a leg that others follow. Raises ``LookupError`` where it is gone."""
        row = self.scope.connection.execute(select(leg).where(leg.c.leg_id == leg_id)).one_or_none()
        if row is None:
            raise LookupError(leg_id)
        return row._asdict()

    def _interest(self, said: Said) -> Iterator[Told]:
        on = self._terms_of(int(said.data["on"]))
        same = ("agreement_id", "booked_quarter", "settlement_id", "clause", "commodity_id", "form")
        values = {name: on[name] for name in (*same, "payer_party_id", "payee_party_id")}
        own = {
            "leg_id": int(said.data["leg"]),
            "kind": "interest",
            "amount_minor": int(said.data["amount_minor"]),
            "of_leg_id": on["leg_id"],
            "months": said.data["months"],
            "due_day": None,
            "second_day": None,
            "may_be_netted": False,
            "monthly_rates": [],
            "netting_id": None,
        }
        yield self._leg(said, values | own)

    def _objected(self, said: Said) -> Iterator[Told]:
        leg_id = int(said.data["leg"])
        self.legs[leg_id].objections += 1
        yield said.row(
            leg_objection,
            leg_id=leg_id,
            sequence=self.legs[leg_id].objections,
            stands=said.kind == "leg_objected",
            party_id=self.scope.party_ids.get(said.data["party"]),
            person=said.data["person"],
            reason=said.data["reason"],
        )

    def _waived(self, said: Said) -> Iterator[Told]:
        leg_id, amount_minor = int(said.data["leg"]), int(said.data["amount_minor"])
        hashed = bytes.fromhex(said.data["waiver_sha256"])
        content = self._content(waiver, hashed)
        day = {"day": date.fromisoformat(content["day"])} if content else {}
        yield self._clearing(said, leg_id, "waiver", amount_minor, **day)
        yield said.row(
            waiver,
            leg_id=leg_id,
            sequence=self.legs[leg_id].clearings,
            content=DigestOf(hashed),
            party_id=self._terms_of(leg_id)["payee_party_id"],
            public_key=bytes.fromhex(said.data["public_key"]),
            signature=bytes.fromhex(said.data["signature"]),
        )

    def _clearing(self, said: Said, leg_id: int, kind: str, amount_minor: int, **more: object) -> Told:
        cleared = self.legs[leg_id]
        cleared.clearings += 1
        cleared.open_minor -= amount_minor
        return said.row(
            leg_clearing,
            leg_id=leg_id,
            sequence=cleared.clearings,
            kind=kind,
            amount_minor=amount_minor,
            open_minor=cleared.open_minor,
            **{"netting_id": None, **more},
        )

    def _imported(self, said: Said) -> Iterator[Told]:
        yield said.row(
            payment_file,
            content_hash=bytes.fromhex(said.data["content_sha256"]),
            name=said.data["name"],
            payment_count=said.data["payments"],
        )

    def _received(self, said: Said) -> Iterator[Told]:
        data = said.data
        payment_id, amount_minor = int(data["payment"]), int(data["amount_minor"])
        value_day = date.fromisoformat(data["value_day"])
        self.payments[payment_id] = _Payment(value_day, amount_minor)
        values = {name: data[name] for name in ("channel", "payer_account", "reference", "purpose")}
        if "file_hash" in data:
            values["file_hash"] = None if data["file_hash"] is None else bytes.fromhex(data["file_hash"])
        yield said.row(
            payment,
            payment_id=payment_id,
            payer_party_id=self.scope.party_ids.get(data["payer"]),
            payee_party_id=self.scope.party_ids.get(data["payee"]),
            commodity_id=YUAN.commodity_id,
            amount_minor=amount_minor,
            value_day=value_day,
            recorded_by=data["person"],
            **values,
        )

    def _matched(self, said: Said) -> Iterator[Told]:
        payment_id = int(said.data["payment"])
        paid = self.payments[payment_id]
        for one in said.data["matches"]:
            leg_id, amount_minor = int(one["leg"]), int(one["amount_minor"])
            paid.uses += 1
            paid.rest_minor -= amount_minor
            yield self._clearing(said, leg_id, "payment", amount_minor, day=paid.value_day)
            yield said.row(
                payment_use,
                payment_id=payment_id,
                sequence=paid.uses,
                amount_minor=amount_minor,
                rest_minor=paid.rest_minor,
                leg_id=leg_id,
                leg_sequence=self.legs[leg_id].clearings,
                matched_by=said.data["matched_by"],
            )

    def _proposed(self, said: Said) -> Iterator[Told]:
        netting_id, hashed = int(said.data["netting"]), bytes.fromhex(said.data["content_sha256"])
        content = self._content(netting, hashed)
        day = {"day": date.fromisoformat(content["day"])} if content else {}
        yield said.row(
            netting,
            netting_id=netting_id,
            commodity_id=YUAN.commodity_id,
            content=DigestOf(hashed),
            content_hash=hashed,
            **day,
        )
        if content:
            self.nettings[netting_id] = hashed
            for code in content["parties"]:
                yield said.row(netting_party, netting_id=netting_id, party_id=self.scope.party_ids.get(code))

    def _signed(self, said: Said) -> Iterator[Told]:
        yield said.row(
            netting_signature,
            netting_id=int(said.data["netting"]),
            party_id=self.scope.party_ids.get(said.data["party"]),
            public_key=bytes.fromhex(said.data["public_key"]),
            signature=bytes.fromhex(said.data["signature"]),
        )

    def _settled(self, said: Said) -> Iterator[Told]:
        """What the signed bytes say: the legs are cleared, and the net ones take their place."""
        netting_id = int(said.data["netting"])
        content = self._content(netting, self.nettings[netting_id]) or {}
        day = date.fromisoformat(content["day"])
        for one in content["legs"]:
            leg_id = int(one["leg"])
            open_minor = self.legs[leg_id].open_minor
            yield self._clearing(said, leg_id, "netting", open_minor, day=day, netting_id=netting_id)
        for leg_id, left in zip(said.data["net_legs"], content["net"], strict=True):
            terms = self._terms_of(int(left["terms_of"]))
            same = ("due_day", "second_day", "monthly_rates")
            yield self._leg(
                said,
                {name: terms[name] for name in same}
                | {
                    "leg_id": int(leg_id),
                    "kind": "net",
                    "agreement_id": None,
                    "booked_quarter": None,
                    "settlement_id": None,
                    "clause": None,
                    "payer_party_id": self.scope.party_ids.get(left["payer"]),
                    "payee_party_id": self.scope.party_ids.get(left["payee"]),
                    "commodity_id": YUAN.commodity_id,
                    "amount_minor": parse_amount(left["amount"], YUAN.scale),
                    "form": "direct",
                    "may_be_netted": True,
                    "of_leg_id": None,
                    "months": None,
                    "netting_id": netting_id,
                },
            )

    def _content(self, table: Table, hashed: bytes) -> Mapping[str, Any] | None:
        """The signed bytes of this hash, read; None where they aren't there any more."""
        content = self.scope.connection.execute(
            select(table.c.content).where(func.sha256(table.c.content) == hashed).limit(1)
        ).scalar_one_or_none()
        return None if content is None else json.loads(content)


def _raised_leg(one: Mapping[str, Any]) -> dict[str, Any]:
    """A leg of a settlement; events from before they told all of it leave its terms out."""
    values = {
        "leg_id": int(one["leg"]),
        "kind": "settlement",
        "clause": one["clause"],
        "payer_party_id": int(one["payer"]),
        "payee_party_id": int(one["payee"]),
        "amount_minor": int(one["amount_minor"]),
        "of_leg_id": None,
        "months": None,
        "netting_id": None,
    }
    days = {name: one[name] for name in ("due_day", "second_day") if name in one}
    dated = {name: None if day is None else date.fromisoformat(day) for name, day in days.items()}
    told = ("commodity_id", "form", "may_be_netted", "monthly_rates")
    return values | dated | {name: one[name] for name in told if name in one}
