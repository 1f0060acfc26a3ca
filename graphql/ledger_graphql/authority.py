"""Who may do what: of every change, which role may do it, and for which party.

A change that isn't in the table may be done by nobody. Whoever may not do one gets the answer that they would
get if what it names weren't there, and the attempt is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.desk import accounts, agreements, payments, roster
from ledger.desk.accounts import Account, RefusedAttempt, Role
from ledger.desk.failures import Kind, NotFound
from ledger.desk.payments.payment_files import read_rows
from ledger_graphql.connections import numbers_of
from ledger_graphql.context import Desk

EITHER = frozenset({Role.OFFICER, Role.APPROVER})
OFFICER = frozenset({Role.OFFICER})
APPROVER = frozenset({Role.APPROVER})


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


Find = Callable[[Connection, Account, Any], Subject]
"""Finds what the input of a change names; without parties where there is nothing that the account may see."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The roles that may do a change to what ``find`` finds."""

    roles: frozenset[Role]
    find: Find


# --- what changes name ------------------------------------------------------------------------------------


def _agreement(connection: Connection, account: Account, input: Any) -> Subject:
    """An agreement, for any party that signs in it."""
    sides = _sides(connection, account, input.agreement)
    return Subject("agreement", input.agreement, frozenset(side.party_id for side in sides if side.signs))


def _side(connection: Connection, account: Account, input: Any) -> Subject:
    """A role of an agreement: its party. Of an agreement that one sees it's the role that isn't there."""
    sides = _sides(connection, account, input.agreement)
    if not sides:
        return Subject("agreement", input.agreement)
    return Subject("role", input.role, frozenset(side.party_id for side in sides if side.role == input.role))


def _arbiter(connection: Connection, account: Account, input: Any) -> Subject:
    """A role of an agreement: its party, and where that is a government, the officials of its province."""
    named = _side(connection, account, input)
    found = roster.parties_by_id(connection, named.party_ids).values()
    provinces = [party.province_code for party in found if party.kind == "government"]
    return Subject(named.kind, named.name, named.party_ids, frozenset(filter(None, provinces)))


def _party(connection: Connection, _: Account, input: Any) -> Subject:
    return Subject("party", input.party, _ids(connection, [input.party]))


def _payee(connection: Connection, _: Account, input: Any) -> Subject:
    return Subject("party", input.payee, _ids(connection, [input.payee]))


def _province_of_party(_: Connection, __: Account, input: Any) -> Subject:
    """A party that isn't there yet."""
    return Subject("party", input.code, province_codes=frozenset(filter(None, [input.province_code])))


def _parties_of_draft(connection: Connection, _: Account, input: Any) -> Subject:
    codes = [side.party for side in input.parties if side.signs]
    return Subject("party", ", ".join(codes), _ids(connection, codes))


def _parties(connection: Connection, _: Account, input: Any) -> Subject:
    return Subject("party", ", ".join(input.parties), _ids(connection, input.parties))


def _payees_of_file(connection: Connection, account: Account, input: Any) -> Subject:
    """Every payee of the file; of one that can't be read, whomever the account acts for."""
    rows, _ = read_rows(input.content)
    codes = sorted({row.values["payee"] for row in rows})
    if not codes:
        return Subject("party", "", account.parties_as(EITHER))
    found = _ids(connection, codes)
    return Subject("party", ", ".join(codes), found if len(found) == len(codes) else frozenset(), every=True)


def _leg_of_party(connection: Connection, account: Account, input: Any) -> Subject:
    """A leg that the account's own parties pay or get, for the party that the input names."""
    leg_id = numbers_of(input.leg, "Leg", 1)[0]
    sides = _own_leg_sides(connection, account, leg_id)
    if not sides:
        return Subject("leg", str(leg_id))
    return Subject("party", input.party, _ids(connection, [input.party]))


def _leg_of_payee(connection: Connection, account: Account, input: Any) -> Subject:
    leg_id = numbers_of(input.leg, "Leg", 1)[0]
    sides = _own_leg_sides(connection, account, leg_id)
    return Subject("leg", str(leg_id), frozenset(sides[1:]))


def _payment_of_party(connection: Connection, account: Account, input: Any) -> Subject:
    """A payment that one of the account's parties got, and legs that are theirs to get."""
    payment_id = numbers_of(input.payment, "Payment", 1)[0]
    own = account.parties_as(EITHER)
    found = payments.payments_by_id(connection, [payment_id]).get(payment_id)
    if found is None or found.payee_party_id not in own:
        return Subject("payment", str(payment_id))
    for match in input.matches:
        leg_id = numbers_of(match.leg, "Leg", 1)[0]
        if not _own_leg_sides(connection, account, leg_id):
            return Subject("leg", str(leg_id))
    return Subject("party", input.party, _ids(connection, [input.party]))


def _netting_of_party(connection: Connection, account: Account, input: Any) -> Subject:
    netting_id = numbers_of(input.netting, "Netting", 1)[0]
    found = payments.nettings_by_id(connection, [netting_id]).get(netting_id)
    if found is None or not account.parties_as(EITHER) & set(found.party_ids):
        return Subject("netting", str(netting_id))
    return Subject("party", input.party, _ids(connection, [input.party]))


def _own_token(_: Connection, __: Account, input: Any) -> Subject:
    return Subject("token", str(numbers_of(input.token, "Token", 1)[0]), is_own=True)


# --- the table --------------------------------------------------------------------------------------------

AUTHORITY: Mapping[str, Authority] = {
    "registerParty": Authority(frozenset({Role.OPERATOR, Role.PROVINCE}), _province_of_party),
    "registerKey": Authority(APPROVER, _party),
    "draftAgreement": Authority(OFFICER, _parties_of_draft),
    "draftVersion": Authority(OFFICER, _agreement),
    "proposeVersion": Authority(OFFICER, _agreement),
    "withdrawVersion": Authority(OFFICER, _agreement),
    "signVersion": Authority(APPROVER, _side),
    "bringIntoForce": Authority(EITHER, _agreement),
    "submitEnterpriseList": Authority(OFFICER, _side),
    "confirmEnterpriseList": Authority(APPROVER, _side),
    "recordOccurrence": Authority(OFFICER, _side),
    "confirmOccurrence": Authority(APPROVER, _side),
    "handInReturn": Authority(OFFICER, _side),
    "handInReturnFile": Authority(OFFICER, _side),
    "commitReturn": Authority(OFFICER, _side),
    "certifyReturn": Authority(APPROVER, _side),
    "attachDocument": Authority(EITHER, _side),
    "explainDifference": Authority(EITHER, _side),
    "withholdLine": Authority(EITHER, _side),
    "openDispute": Authority(EITHER, _side),
    "releaseLine": Authority(EITHER, _side),
    "writeMessage": Authority(EITHER, _side),
    "proposeFigure": Authority(EITHER, _side),
    "acceptOffer": Authority(EITHER, _side),
    "escalateDispute": Authority(EITHER, _side),
    "arbitrate": Authority(frozenset({Role.APPROVER, Role.PROVINCE}), _arbiter),
    "computeSettlement": Authority(EITHER, _agreement),
    "proposeSettlement": Authority(OFFICER, _agreement),
    "signSettlement": Authority(APPROVER, _side),
    "closeQuarter": Authority(EITHER, _agreement),
    "requestReopening": Authority(OFFICER, _agreement),
    "signReopening": Authority(APPROVER, _side),
    "reopenQuarter": Authority(EITHER, _agreement),
    "recordPayment": Authority(OFFICER, _payee),
    "importPayments": Authority(OFFICER, _payees_of_file),
    "confirmMatches": Authority(EITHER, _payment_of_party),
    "chargeInterest": Authority(EITHER, _leg_of_party),
    "waiveLeg": Authority(APPROVER, _leg_of_payee),
    "objectToLeg": Authority(EITHER, _leg_of_party),
    "withdrawObjection": Authority(EITHER, _leg_of_party),
    "proposeNetting": Authority(OFFICER, _parties),
    "signNetting": Authority(APPROVER, _netting_of_party),
    "cosignCheckpoint": Authority(APPROVER, _party),
    "revokeToken": Authority(frozenset(Role), _own_token),
}
"""Of every change by its name: who may do it. Operators and provinces are looked at apart from parties."""


# --- the check --------------------------------------------------------------------------------------------


def require(desk: Desk, name: str, input: Any) -> None:
    """Makes the desk act for the party for which the account may do this; raises ``NotFound`` if for none."""
    authority = AUTHORITY.get(name, Authority(frozenset(), _nothing))
    subject = authority.find(desk.snapshot, desk.account, input)
    if _may(desk.account, authority.roles, subject):
        desk.acts_for = _acting_for(desk.account, authority.roles, subject)
        return
    refuse(desk, name, subject, input.idempotency_key)


def require_any_party(desk: Desk, name: str, subject: Subject) -> None:
    """For what is about no party yet: whoever acts for any may do it. Raises ``NotFound``."""
    if not desk.account.parties_as(EITHER):
        refuse(desk, name, subject, "")


def refuse(desk: Desk, name: str, subject: Subject, key: str) -> None:
    """Keeps the attempt and raises ``NotFound``."""
    answer = NotFound(subject.kind, subject.name)
    accounts.record_refusal(
        desk.database,
        desk.account,
        RefusedAttempt(
            act=name,
            subject_kind=subject.kind,
            subject_name=subject.name,
            party_id=min(subject.party_ids, default=None),
            key=key,
            code=answer.code,
        ),
    )
    raise answer


def _may(account: Account, roles: frozenset[Role], subject: Subject) -> bool:
    by_office = Role.OPERATOR in roles and account.holds(Role.OPERATOR)
    by_province = Role.PROVINCE in roles and bool(account.provinces & subject.province_codes)
    if subject.is_own or by_office or by_province:
        return True
    own = account.parties_as(roles)
    return bool(subject.party_ids) and (
        subject.party_ids <= own if subject.every else not own.isdisjoint(subject.party_ids)
    )


def _acting_for(account: Account, roles: frozenset[Role], subject: Subject) -> str | None:
    """The code of the party for which it is done: the first that the account has the role for."""
    codes = sorted(
        grant.party_code
        for grant in account.grants
        if grant.party_code is not None and grant.role in roles and grant.party_id in subject.party_ids
    )
    return codes[0] if codes else None


def _nothing(_: Connection, __: Account, input: Any) -> Subject:  # noqa: ARG001 - as every ``Find``
    return Subject("agreement", "")


def _sides(connection: Connection, account: Account, code: str) -> list[agreements.Side]:
    """The parties of an agreement that the account sees; none of any other."""
    try:
        found = agreements.agreement_by_code(connection, code)
    except NotFound:
        return []
    sides = list(agreements.sides_of(connection, found.agreement_id).values())
    seen = account.sight.party_ids
    return sides if account.sight.everything or any(side.party_id in seen for side in sides) else []


def _own_leg_sides(connection: Connection, account: Account, leg_id: int) -> tuple[int, ...]:
    """Payer and payee of a leg, if the account acts for one of them."""
    found = payments.legs_by_id(connection, [leg_id]).get(leg_id)
    if found is None or account.parties_as(EITHER).isdisjoint({found.payer_party_id, found.payee_party_id}):
        return ()
    return found.payer_party_id, found.payee_party_id


def _ids(connection: Connection, codes: Iterable[str]) -> frozenset[int]:
    return frozenset(roster.ids_by_code(connection, codes).values())
