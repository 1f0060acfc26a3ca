"""Netting 轧差: what parties owe each other is set off, and only the difference is paid.

A proposal holds the exact bytes that every party signs: the legs as they stand and what is left between whom.
With the last signature each leg is cleared by an entry that names the netting, and the net legs are raised.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, true

from ledger.desk import roster
from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.failures import NotFound, refuse
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.payments.clearing import add_clearings, clearing_row, hold_legs, written
from ledger.desk.payments.faults import NettingSigned, NettingStale, NothingToNet, NotOfNetting
from ledger.desk.payments.reading import REFERENCE_PREFIX, Leg, legs_among, legs_by_id
from ledger.desk.payments.waiving import refuse_signature
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.measures import YUAN
from ledger.rules.facts import Fault
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import leg as leg_table
from ledger_schema.tables import netting as netting_table
from ledger_schema.tables import netting_party, netting_signature

NETTING_FORMAT = "parkledger.netting/1"
PARTIES_MAX = 20
"""Most parties that net together."""


@dataclass(frozen=True, slots=True)
class NetLeg:
    """What is left to pay; its days and its interest are those of the payer's leg that is due first."""

    payer_party_id: int
    payee_party_id: int
    amount_minor: int
    terms_of: Leg


@dataclass(frozen=True, slots=True)
class NettingPlan:
    """The legs that are set off on ``day`` and what is left; ``codes`` are those of the parties, by id."""

    day: date
    codes: Mapping[int, str]
    legs: list[Leg]
    net: list[NetLeg]

    @property
    def positions(self) -> dict[int, int]:
        """What each party gets (positive) or pays (negative) in all, in minor units."""
        return positions_of(self.legs, list(self.codes))

    @property
    def gross_minor(self) -> int:
        """What all the legs add up to, in minor units."""
        return sum(one.open_minor for one in self.legs)

    def canonical(self) -> bytes:
        """The exact bytes that every party signs: RFC 8785 JSON."""
        return canonical_bytes(
            {
                "format": NETTING_FORMAT,
                "day": self.day.isoformat(),
                "commodity": YUAN.code,
                "parties": sorted(self.codes.values()),
                "legs": [self._said_leg(one) for one in self.legs],
                "net": [self._said_net(one) for one in self.net],
            }
        )

    def _said_leg(self, one: Leg) -> dict[str, Json]:
        return {
            "leg": str(one.leg_id),
            "payer": self.codes[one.payer_party_id],
            "payee": self.codes[one.payee_party_id],
            "open": written(one.open_minor, one.commodity_id),
            "clearings": len(one.clearings),
        }

    def _said_net(self, one: NetLeg) -> dict[str, Json]:
        return {
            "payer": self.codes[one.payer_party_id],
            "payee": self.codes[one.payee_party_id],
            "amount": written(one.amount_minor, YUAN.commodity_id),
            "terms_of": str(one.terms_of.leg_id),
        }


@dataclass(frozen=True, slots=True)
class Netting:
    """A netting that was proposed; ``is_settled`` once every party has signed its ``content``."""

    netting_id: int
    day: date
    content: bytes
    party_ids: list[int]
    signed_party_ids: list[int]
    recorded_at: datetime

    @property
    def is_settled(self) -> bool:
        return set(self.signed_party_ids) == set(self.party_ids)

    @property
    def leg_ids(self) -> list[int]:
        return [int(one["leg"]) for one in json.loads(self.content)["legs"]]


# --- planning ---------------------------------------------------------------------------------------------


def netting_preview(connection: Connection, parties: Sequence[str], day: date) -> NettingPlan:
    """What netting between the parties (by code) would set off on ``day``, and what would be left.

    Open legs between them whose terms allow it and that aren't overdue on ``day`` take part. Raises
    ``RequestRefused``, ``NotFound``, ``NothingToNet``.
    """
    refuse(_party_faults(parties))
    codes = {roster.party_by_code(connection, code).party_id: code for code in sorted(parties)}
    legs = [one for one in legs_among(connection, list(codes)) if _may_be_netted(one, day)]
    net = net_legs_of(legs, codes)
    if sum(one.amount_minor for one in net) >= sum(one.open_minor for one in legs):
        raise NothingToNet(parties=", ".join(sorted(parties)), day=day.isoformat())
    taking_part = {party_id for one in legs for party_id in one.pair}
    return NettingPlan(day, {one: code for one, code in codes.items() if one in taking_part}, legs, net)


def positions_of(legs: Sequence[Leg], party_ids: Sequence[int]) -> dict[int, int]:
    """What each party gets (positive) or pays (negative) when the open legs are added up."""
    positions = dict.fromkeys(party_ids, 0)
    for one in legs:
        positions[one.payer_party_id] -= one.open_minor
        positions[one.payee_party_id] += one.open_minor
    return positions


def net_legs_of(legs: Sequence[Leg], codes: Mapping[int, str]) -> list[NetLeg]:
    """Who pays whom so that every party gets its position, payers and payees in the order of their codes."""
    left = positions_of(legs, sorted(codes, key=codes.__getitem__))
    first_due = _first_due(legs)
    net = []
    for payer in left:
        for payee in left:
            amount_minor = min(-left[payer], left[payee])
            if amount_minor > 0:
                net.append(NetLeg(payer, payee, amount_minor, first_due[payer]))
                left[payer] += amount_minor
                left[payee] -= amount_minor
    return net


def _first_due(legs: Sequence[Leg]) -> dict[int, Leg]:
    """Each payer's leg that is due first; those on demand come last."""
    by_payer: defaultdict[int, list[Leg]] = defaultdict(list)
    for one in legs:
        by_payer[one.payer_party_id].append(one)
    return {
        payer: min(of_payer, key=lambda one: (one.due_day or date.max, one.leg_id))
        for payer, of_payer in by_payer.items()
    }


def _may_be_netted(leg: Leg, day: date) -> bool:
    later = any(one.day > day for one in leg.clearings)
    is_yuan = leg.commodity_id == YUAN.commodity_id
    is_fit = leg.may_be_netted and is_yuan and leg.objection is None
    return is_fit and not later and not leg.is_overdue(day)


def _party_faults(parties: Sequence[str]) -> list[Fault]:
    if 2 <= len(parties) == len(set(parties)) <= PARTIES_MAX:
        return []
    return [
        Fault(
            "parties",
            "PARTIES_UNUSABLE",
            f"Expected 2 to {PARTIES_MAX} parties, each once.",
            f"应为 2 至 {PARTIES_MAX} 个主体，每个只列一次。",
        )
    ]


# --- signing ----------------------------------------------------------------------------------------------


def propose_netting(database: Database, act: Act, parties: Sequence[str], day: date) -> Done[int]:
    """Record what ``netting_preview`` gives, for all parties that take part to sign; returns its id.

    Raises ``RequestRefused``, ``NotFound``, ``NothingToNet``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        plan = netting_preview(connection, parties, day)
        netting_id, content = new_id(), plan.canonical()
        event_id = record(
            "netting_proposed", {"netting": str(netting_id), "content_sha256": digest(content).hex()}
        )
        connection.execute(
            insert(netting_table).values(
                netting_id=netting_id,
                commodity_id=YUAN.commodity_id,
                day=day,
                content=content,
                content_hash=digest(content),
                event_id=event_id,
            )
        )
        connection.execute(
            insert(netting_party),
            [{"netting_id": netting_id, "party_id": party_id} for party_id in plan.codes],
        )
        return {"netting": netting_id}

    request: dict[str, Json] = {"parties": sorted(parties), "day": day.isoformat()}
    return named_number(perform(database, act, "propose_netting", request, work), "netting")


def sign_netting(
    database: Database, act: Act, netting_id: int, party: str, public_key: bytes, signature: bytes
) -> Done[int]:
    """Adds a party's Ed25519 signature of the netting's bytes; the last one settles it. Returns its id.

    Raises ``NotFound``, ``NotOfNetting``, ``NettingSigned``, ``NettingStale``, ``KeyNotRegistered``,
    ``ActSignatureWrong``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        held = _hold(connection, netting(connection, netting_id))
        signed = netting(connection, netting_id)
        codes = _codes(connection, signed)
        party_id = _signing_party(codes, signed, party)
        plan = _plan_again(signed, codes, held)
        refuse_signature(connection, party_id, public_key, signature, signed.content)
        said: dict[str, Json] = {
            "netting": str(netting_id),
            "party": party,
            "public_key": public_key.hex(),
            "signature": signature.hex(),
        }
        event_id = record("netting_signed", said)
        connection.execute(
            insert(netting_signature).values(
                netting_id=netting_id,
                party_id=party_id,
                public_key=public_key,
                signature=signature,
                event_id=event_id,
            )
        )
        if {*signed.signed_party_ids, party_id} == set(signed.party_ids):
            _settle(connection, record, netting_id, plan)
        return {"netting": netting_id}

    request: dict[str, Json] = {
        "netting": str(netting_id),
        "party": party,
        "public_key": public_key.hex(),
        "signature": signature.hex(),
    }
    return named_number(perform(database, act, "sign_netting", request, work), "netting")


def _hold(connection: Connection, proposed: Netting) -> dict[int, Leg]:
    try:
        return hold_legs(connection, proposed.leg_ids)
    except NotFound as gone:
        raise NettingStale(leg=gone.fields["name"]) from gone


def _codes(connection: Connection, proposed: Netting) -> dict[int, str]:
    found = roster.parties_by_id(connection, proposed.party_ids)
    return {party_id: found[party_id].code for party_id in proposed.party_ids}


def _signing_party(codes: Mapping[int, str], signed: Netting, party: str) -> int:
    by_code = {code: party_id for party_id, code in codes.items()}
    if party not in by_code:
        raise NotOfNetting(party=party, parties=", ".join(sorted(by_code)))
    if by_code[party] in signed.signed_party_ids:
        raise NettingSigned(party=party)
    return by_code[party]


def _plan_again(proposed: Netting, codes: Mapping[int, str], held: Mapping[int, Leg]) -> NettingPlan:
    """The plan of the legs as they are now. Raises ``NettingStale`` where it isn't the very one proposed."""
    legs = [held[leg_id] for leg_id in proposed.leg_ids]
    plan = NettingPlan(proposed.day, codes, legs, net_legs_of(legs, codes))
    changed = _changed(proposed, held)
    if changed or plan.canonical() != proposed.content:
        raise NettingStale(leg=", ".join(f"{REFERENCE_PREFIX}{leg_id}" for leg_id in changed))
    return plan


def _changed(proposed: Netting, found: Mapping[int, Leg]) -> list[int]:
    """The legs that are gone, in dispute, or were cleared in part since the netting was proposed."""
    counted = {int(one["leg"]): one["clearings"] for one in json.loads(proposed.content)["legs"]}
    return [
        leg_id
        for leg_id, count in counted.items()
        if leg_id not in found or found[leg_id].objection or len(found[leg_id].clearings) != count
    ]


def _settle(connection: Connection, record: Recorder, netting_id: int, plan: NettingPlan) -> None:
    net_ids = [new_id() for _ in plan.net]
    event_id = record(
        "netting_settled", {"netting": str(netting_id), "net_legs": [str(one) for one in net_ids]}
    )
    cleared = [
        clearing_row(one, "netting", one.open_minor, plan.day, event_id, netting_id) for one in plan.legs
    ]
    add_clearings(connection, cleared)
    for leg_id, left in zip(net_ids, plan.net, strict=True):
        terms = left.terms_of
        connection.execute(
            insert(leg_table).values(
                leg_id=leg_id,
                kind="net",
                payer_party_id=left.payer_party_id,
                payee_party_id=left.payee_party_id,
                commodity_id=YUAN.commodity_id,
                amount_minor=left.amount_minor,
                form="direct",
                due_day=terms.due_day,
                second_day=terms.second_day,
                may_be_netted=True,
                monthly_rates=[[first.isoformat(), str(rate)] for first, rate in terms.monthly_rates],
                netting_id=netting_id,
                event_id=event_id,
            )
        )


# --- reading ----------------------------------------------------------------------------------------------


def netting(connection: Connection, netting_id: int) -> Netting:
    """One netting. Raises ``NotFound``."""
    found = _nettings(connection, [netting_id])
    if not found:
        raise NotFound("netting", netting_id)
    return found[0]


def nettings_by_id(connection: Connection, netting_ids: Sequence[int]) -> dict[int, Netting]:
    """The nettings among ``netting_ids`` that there are."""
    return {one.netting_id: one for one in _nettings(connection, netting_ids)}


def nettings(
    connection: Connection, party_id: int, *, after: int | None = None, limit: int = PAGE_LIMIT
) -> Page[Netting]:
    """The nettings that the party takes part in, in the order in which they were proposed."""
    of_party = select(netting_party.c.netting_id).where(
        netting_party.c.party_id == party_id,
        true() if after is None else netting_party.c.netting_id > after,
    )
    ordered = of_party.order_by(netting_party.c.netting_id).limit(rows_to_read(limit))
    netting_ids = connection.execute(ordered).scalars().all()
    return page_of(_nettings(connection, netting_ids), limit, lambda one: one)


def is_stale(connection: Connection, proposed: Netting) -> bool:
    """Whether a leg of a netting that isn't settled has changed or is in dispute, so that none can sign."""
    if proposed.is_settled:
        return False
    return bool(_changed(proposed, legs_by_id(connection, proposed.leg_ids)))


def _nettings(connection: Connection, netting_ids: Sequence[int]) -> list[Netting]:
    """By id."""
    parties = _party_ids(connection, netting_party, netting_ids)
    signed = _party_ids(connection, netting_signature, netting_ids)
    rows = connection.execute(
        select(netting_table)
        .where(netting_table.c.netting_id == func.any(netting_ids))
        .order_by(netting_table.c.netting_id)
    )
    return [
        Netting(
            netting_id=row.netting_id,
            day=row.day,
            content=row.content,
            party_ids=parties[row.netting_id],
            signed_party_ids=signed[row.netting_id],
            recorded_at=row.recorded_at,
        )
        for row in rows
    ]


def _party_ids(
    connection: Connection, table: Table, netting_ids: Sequence[int]
) -> defaultdict[int, list[int]]:
    """The parties that ``table`` names, by netting."""
    rows = connection.execute(
        select(table.c.netting_id, table.c.party_id)
        .where(table.c.netting_id == func.any(netting_ids))
        .order_by(table.c.party_id)
    )
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        found[row.netting_id].append(row.party_id)
    return found
