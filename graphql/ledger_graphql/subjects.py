"""What changes name: of each input, the thing that it is about, and the parties for which it may be done.

What the account may not see isn't there: row security hides it from the connection, and legs, payments and
nettings are looked for among the account's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.desk import agreements, payments, reviews, roster
from ledger.desk.accounts import Account, Role
from ledger.desk.failures import Kind, NotFound
from ledger.desk.payments.payment_files import read_rows
from ledger_graphql.connections import numbers_of

EITHER = frozenset({Role.OFFICER, Role.APPROVER})


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request names, and the parties one of which may do it (``every``: it is done for all of them).

    ``province_codes`` are those whose officials may do it. ``is_own``: whose it is, the act itself asks.
    """

    kind: Kind
    name: str
    party_ids: frozenset[int] = frozenset()
    province_codes: frozenset[str] = frozenset()
    every: bool = False
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class SideNamed:
    """A role of an agreement, for what doesn't come as the input of a change."""

    agreement: str
    role: str
    idempotency_key: str = ""


Find = Callable[[Connection, Account, Any], Subject]
"""Finds what the input of a change names; without parties where there is nothing that the account may see."""


def agreement(connection: Connection, account: Account, input: Any) -> Subject:
    """An agreement, for any party that signs in it."""
    sides = _sides(connection, account, input.agreement)
    return Subject("agreement", input.agreement, frozenset(side.party_id for side in sides if side.signs))


def side(connection: Connection, account: Account, input: Any) -> Subject:
    """A role of an agreement: its party. Of an agreement that one sees it's the role that isn't there."""
    sides = _sides(connection, account, input.agreement)
    if not sides:
        return Subject("agreement", input.agreement)
    return Subject("role", input.role, frozenset(side.party_id for side in sides if side.role == input.role))


def arbiter(connection: Connection, account: Account, input: Any) -> Subject:
    """A role of an agreement: its party, and where that is a government, the officials of its province."""
    named = side(connection, account, input)
    found = roster.parties_by_id(connection, named.party_ids).values()
    provinces = [party.province_code for party in found if party.kind == "government"]
    return Subject(named.kind, named.name, named.party_ids, frozenset(filter(None, provinces)))


def party(connection: Connection, _: Account, input: Any) -> Subject:
    return Subject("party", input.party, _ids(connection, [input.party]))


def payee(connection: Connection, _: Account, input: Any) -> Subject:
    return Subject("party", input.payee, _ids(connection, [input.payee]))


def province_of_party(_: Connection, __: Account, input: Any) -> Subject:
    """A party that isn't there yet."""
    return Subject("party", input.code, province_codes=frozenset(filter(None, [input.province_code])))


def parties_of_draft(connection: Connection, _: Account, input: Any) -> Subject:
    codes = [side.party for side in input.parties if side.signs]
    return Subject("party", ", ".join(codes), _ids(connection, codes))


def parties(connection: Connection, _: Account, input: Any) -> Subject:
    return Subject("party", ", ".join(input.parties), _ids(connection, input.parties))


def payees_of_file(connection: Connection, account: Account, input: Any) -> Subject:
    """Every payee of the file; of one that can't be read, whomever the account acts for."""
    rows, _ = read_rows(input.content)
    codes = sorted({row.values["payee"] for row in rows})
    if not codes:
        return Subject("party", "", account.parties_as(EITHER))
    found = _ids(connection, codes)
    return Subject("party", ", ".join(codes), found if len(found) == len(codes) else frozenset(), every=True)


def leg_of_party(connection: Connection, account: Account, input: Any) -> Subject:
    """A leg that the account's own parties pay or get, for the party that the input names."""
    leg_id = numbers_of(input.leg, "Leg", 1)[0]
    if not _own_legs(connection, account, [leg_id]):
        return Subject("leg", str(leg_id))
    return Subject("party", input.party, _ids(connection, [input.party]))


def leg_of_payee(connection: Connection, account: Account, input: Any) -> Subject:
    leg_id = numbers_of(input.leg, "Leg", 1)[0]
    payees = {leg.payee_party_id for leg in _own_legs(connection, account, [leg_id]).values()}
    return Subject("leg", str(leg_id), frozenset(payees))


def payment_of_party(connection: Connection, account: Account, input: Any) -> Subject:
    """A payment that one of the account's parties got, and legs that are theirs to get."""
    payment_id = numbers_of(input.payment, "Payment", 1)[0]
    own = account.parties_as(EITHER)
    found = payments.payments_by_id(connection, [payment_id]).get(payment_id)
    if found is None or found.payee_party_id not in own:
        return Subject("payment", str(payment_id))
    leg_ids = [numbers_of(match.leg, "Leg", 1)[0] for match in input.matches]
    legs = _own_legs(connection, account, leg_ids)
    for leg_id in leg_ids:
        if leg_id not in legs:
            return Subject("leg", str(leg_id))
    return Subject("party", input.party, _ids(connection, [input.party]))


def netting_of_party(connection: Connection, account: Account, input: Any) -> Subject:
    netting_id = numbers_of(input.netting, "Netting", 1)[0]
    found = payments.nettings_by_id(connection, [netting_id]).get(netting_id)
    if found is None or not account.parties_as(EITHER) & set(found.party_ids):
        return Subject("netting", str(netting_id))
    return Subject("party", input.party, _ids(connection, [input.party]))


def own_token(_: Connection, __: Account, input: Any) -> Subject:
    return Subject("token", str(numbers_of(input.token, "Token", 1)[0]), is_own=True)


def zone(connection: Connection, _: Account, input: Any) -> Subject:
    """A zone, for itself and the officials of its province."""
    found = roster.parties_by_code(connection, [input.zone]).values()
    return Subject("zone", input.zone, frozenset(one.party_id for one in found), _provinces(found))


def reviewer(connection: Connection, _: Account, input: Any) -> Subject:
    """The government that reviews or evaluates, and the officials of its province."""
    return _government(connection, input.reviewer)


def review_of_reviewer(connection: Connection, _: Account, input: Any) -> Subject:
    """A review that is seen, for the government that says something in it."""
    reviews.review(connection, _review_id(input))
    return _government(connection, input.party)


def review_of_party(connection: Connection, _: Account, input: Any) -> Subject:
    """A review that is seen, for the party that answers."""
    reviews.review(connection, _review_id(input))
    return Subject("party", input.party, _ids(connection, [input.party]))


def _review_id(input: Any) -> int:
    return numbers_of(input.review, "Review", 1)[0]


def _government(connection: Connection, code: str) -> Subject:
    found = [one for one in roster.parties_by_code(connection, [code]).values() if one.kind == "government"]
    return Subject("party", code, frozenset(one.party_id for one in found), _provinces(found))


def _provinces(parties: Iterable[roster.Party]) -> frozenset[str]:
    return frozenset(one.province_code for one in parties if one.province_code is not None)


def _sides(connection: Connection, account: Account, code: str) -> list[agreements.Side]:
    """The parties of an agreement that the account sees; none of any other."""
    try:
        found = agreements.agreement_by_code(connection, code)
    except NotFound:
        return []
    sides = list(agreements.sides_of(connection, found.agreement_id).values())
    seen = account.sight.party_ids
    return sides if account.sight.everything or any(side.party_id in seen for side in sides) else []


def _own_legs(connection: Connection, account: Account, leg_ids: Sequence[int]) -> dict[int, payments.Leg]:
    """The legs of which the account acts for a side."""
    own = account.parties_as(EITHER)
    return {
        leg_id: leg
        for leg_id, leg in payments.legs_by_id(connection, leg_ids).items()
        if not own.isdisjoint({leg.payer_party_id, leg.payee_party_id})
    }


def _ids(connection: Connection, codes: Iterable[str]) -> frozenset[int]:
    return frozenset(roster.ids_by_code(connection, codes).values())
