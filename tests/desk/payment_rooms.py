"""Agreements whose clauses pay both ways, and short ways to pay, net and waive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from desk_fixtures import SIGNING, Document, Room, clause
from sqlalchemy import select

from ledger.desk import agreements, payments
from ledger.desk.agreements import AgreementDraft, SideDraft
from ledger.desk.payments import Leg, LegFilter, Match, Netting, Payment, PaymentDraft, Waiver
from ledger.evidence.signatures import public_key_of, sign
from ledger.money import parse_amount
from ledger_schema.tables import account, agreement_quarter, posting

CALENDAR = {"submit_days": 20, "sign_days": 30, "fund_days": 30}
PROCEDURE: Document = {"calendar": CALENDAR}
TWO_ROUNDS: Document = {"calendar": CALENDAR | {"second_fund_days": 60}}
RATE = [{"starts": "2023-01-01", "monthly_rate": "3/400"}]


def paying(number: int = 1, *, payer: str = "host", measure: str = "retained_tax", **then: Any) -> Document:
    """A clause of which everything is due from ``payer`` to the other side."""
    payee = "origin" if payer == "host" else "host"
    shares = {payee: "1", payer: "0"}
    base = {"provisional": "cash", "negative": "refund", "netting": True, "paid_by": payer}
    return clause(number, measures=(measure,), shares=shares, then=base | then)


def beside(room: Room, code: str, *clauses: Document) -> Room:
    """Another agreement of the same two parties, in swapped roles."""
    swapped = {"origin": "host", "host": "origin"}
    other = Room(
        room.database,
        code=code,
        roles={role: room.roles[swapped[role]] for role in SIGNING},
        keys={role: room.keys[swapped[role]] for role in SIGNING},
        procedure=room.procedure,
    )
    sides = [SideDraft(role, other.roles[role], True) for role in SIGNING]
    draft = AgreementDraft(
        code, "enclave", "协议", "Agreement", "made up", "all of it", sides, other.terms(clauses, "2024Q1")
    )
    other.agreement_id = agreements.draft_agreement(room.database, other.act(), draft).value
    other.bring_into_force(1)
    return other


def legs_of(room: Room) -> list[Leg]:
    with room.database.reading() as connection:
        return payments.every_leg(connection, LegFilter(agreement_id=room.agreement_id))


def leg_of(room: Room, leg_id: int) -> Leg:
    with room.database.reading() as connection:
        return payments.legs_by_id(connection, [leg_id])[leg_id]


def payment_of(room: Room, payment_id: int) -> Payment:
    with room.database.reading() as connection:
        return payments.payment(connection, payment_id)


def fen(text: str) -> int:
    return parse_amount(text, 2)


def pay(
    room: Room,
    amount: str,
    *,
    payer: str = "host",
    day: str = "2024-04-30",
    purpose: str = "",
    reference: str = "",
    channel: str = "bank",
) -> int:
    """A payment of one side to the other; returns its id."""
    payee = "origin" if payer == "host" else "host"
    draft = PaymentDraft(
        channel=channel,
        payer=room.roles[payer],
        payer_account="6222",
        payee=room.roles[payee],
        reference=reference or f"line-{next(room.numbers)}",
        amount_minor=fen(amount),
        value_day=date.fromisoformat(day),
        purpose=purpose,
    )
    return payments.record_payment(room.database, room.act(), "张三", draft).value


def confirm(room: Room, payment_id: int, *matches: tuple[int, str], party: str = "origin") -> int:
    return payments.confirm_matches(
        room.database,
        room.act(),
        payment_id,
        room.roles[party],
        "李四",
        [Match(leg_id, fen(amount)) for leg_id, amount in matches],
    ).value


def waive(room: Room, leg_id: int, amount: str, *, payee: str = "origin", day: str = "2024-05-10") -> int:
    waiver = Waiver(leg_id, fen(amount), date.fromisoformat(day), "灾害减免")
    with room.database.reading() as connection:
        content = payments.waiver_bytes(connection, waiver)
    key = room.keys[payee]
    return payments.waive(room.database, room.act(), waiver, public_key_of(key), sign(key, content)).value


def propose(room: Room, day: str = "2024-04-30", parties: Sequence[str] = ()) -> Netting:
    named = list(parties) or [room.roles[role] for role in SIGNING]
    netting_id = payments.propose_netting(room.database, room.act(), named, date.fromisoformat(day)).value
    with room.database.reading() as connection:
        return payments.netting(connection, netting_id)


def sign_netting(room: Room, netting: Netting, role: str) -> None:
    key = room.keys[role]
    payments.sign_netting(
        room.database,
        room.act(),
        netting.netting_id,
        room.roles[role],
        public_key_of(key),
        sign(key, netting.content),
    )


def owed_by_the_journal(room: Room) -> dict[tuple[int, int], int]:
    """What closed settlements made due by clause and payee, in minor units."""
    with room.database.reading() as connection:
        rows = connection.execute(
            select(account.c.clause, account.c.party_id, posting.c.amount_minor)
            .join(account, account.c.account_id == posting.c.account_id)
            .join(
                agreement_quarter,
                (agreement_quarter.c.agreement_id == posting.c.agreement_id)
                & (agreement_quarter.c.settlement_id == posting.c.settlement_id),
            )
            .where(posting.c.agreement_id == room.agreement_id, account.c.kind.in_(("due", "fund")))
        ).all()
    owed: defaultdict[tuple[int, int], int] = defaultdict(int)
    for row in rows:
        owed[row.clause, row.party_id] += row.amount_minor
    return dict(owed)


def every_leg_between(room: Room) -> list[Leg]:
    """All legs between the two sides, those of nettings included."""
    with room.database.reading() as connection:
        pair = LegFilter(party_id=room.party_id("origin"), counterparty_id=room.party_id("host"))
        return payments.every_leg(connection, pair)


def object_to(room: Room, leg_id: int, role: str = "host") -> int:
    return payments.object_to_leg(
        room.database, room.act(), leg_id, room.roles[role], "王五", "金额与凭证不符"
    ).value


def withdraw(room: Room, leg_id: int, role: str = "host") -> int:
    return payments.withdraw_objection(
        room.database, room.act(), leg_id, room.roles[role], "王五", "已核对一致"
    ).value
