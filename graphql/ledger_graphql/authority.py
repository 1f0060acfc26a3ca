"""Who may do what: of every change, which role may do it, and for which party.

A change that isn't in the table may be done by nobody. Whoever may not do one gets the answer that they would
get if what it names weren't there, and the attempt is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.desk import accounts
from ledger.desk.accounts import Account, RefusedAttempt, Role
from ledger.desk.failures import NotFound
from ledger_graphql import subjects, voucher_subjects
from ledger_graphql.context import Desk
from ledger_graphql.subjects import EITHER, Find, Subject

OFFICER = frozenset({Role.OFFICER})
APPROVER = frozenset({Role.APPROVER})
BY_PROVINCE = frozenset({Role.APPROVER, Role.PROVINCE})


@dataclass(frozen=True, slots=True)
class Authority:
    """The roles that may do a change to what ``find`` finds."""

    roles: frozenset[Role]
    find: Find


# --- the table --------------------------------------------------------------------------------------------

AUTHORITY: Mapping[str, Authority] = {
    "registerParty": Authority(frozenset({Role.OPERATOR, Role.PROVINCE}), subjects.province_of_party),
    "registerKey": Authority(APPROVER, subjects.party),
    "draftAgreement": Authority(OFFICER, subjects.parties_of_draft),
    "draftVersion": Authority(OFFICER, subjects.agreement),
    "proposeVersion": Authority(OFFICER, subjects.agreement),
    "withdrawVersion": Authority(OFFICER, subjects.agreement),
    "signVersion": Authority(APPROVER, subjects.side),
    "bringIntoForce": Authority(EITHER, subjects.agreement),
    "submitEnterpriseList": Authority(OFFICER, subjects.side),
    "confirmEnterpriseList": Authority(APPROVER, subjects.side),
    "recordOccurrence": Authority(OFFICER, subjects.side),
    "confirmOccurrence": Authority(APPROVER, subjects.side),
    "handInReturn": Authority(OFFICER, subjects.side),
    "handInReturnFile": Authority(OFFICER, subjects.side),
    "commitReturn": Authority(OFFICER, subjects.side),
    "certifyReturn": Authority(APPROVER, subjects.side),
    "attachDocument": Authority(EITHER, subjects.side),
    "explainDifference": Authority(EITHER, subjects.side),
    "withholdLine": Authority(EITHER, subjects.side),
    "openDispute": Authority(EITHER, subjects.side),
    "releaseLine": Authority(EITHER, subjects.side),
    "writeMessage": Authority(EITHER, subjects.side),
    "proposeFigure": Authority(EITHER, subjects.side),
    "acceptOffer": Authority(EITHER, subjects.side),
    "escalateDispute": Authority(EITHER, subjects.side),
    "arbitrate": Authority(BY_PROVINCE, subjects.arbiter),
    "computeSettlement": Authority(EITHER, subjects.agreement),
    "proposeSettlement": Authority(OFFICER, subjects.agreement),
    "signSettlement": Authority(APPROVER, subjects.side),
    "closeQuarter": Authority(EITHER, subjects.agreement),
    "requestReopening": Authority(OFFICER, subjects.agreement),
    "signReopening": Authority(APPROVER, subjects.side),
    "reopenQuarter": Authority(EITHER, subjects.agreement),
    "recordPayment": Authority(OFFICER, subjects.payee),
    "importPayments": Authority(OFFICER, subjects.payees_of_file),
    "confirmMatches": Authority(EITHER, subjects.payment_of_party),
    "chargeInterest": Authority(EITHER, subjects.leg_of_party),
    "waiveLeg": Authority(APPROVER, subjects.leg_of_payee),
    "objectToLeg": Authority(EITHER, subjects.leg_of_party),
    "withdrawObjection": Authority(EITHER, subjects.leg_of_party),
    "proposeNetting": Authority(OFFICER, subjects.parties),
    "signNetting": Authority(APPROVER, subjects.netting_of_party),
    "cosignCheckpoint": Authority(APPROVER, subjects.party),
    "recordZoneChange": Authority(frozenset({Role.OPERATOR, Role.PROVINCE}), subjects.zone),
    "recordIndicatorTarget": Authority(BY_PROVINCE, subjects.zone),
    "recordCommitment": Authority(EITHER, subjects.side),
    "confirmCommitment": Authority(EITHER, subjects.side),
    "shareResource": Authority(EITHER, subjects.side),
    "withdrawResource": Authority(EITHER, subjects.side),
    "askForBooking": Authority(EITHER, subjects.side),
    "acceptBooking": Authority(EITHER, subjects.side),
    "declineBooking": Authority(EITHER, subjects.side),
    "cancelBooking": Authority(EITHER, subjects.side),
    "openReview": Authority(BY_PROVINCE, subjects.reviewer),
    "requestCorrection": Authority(BY_PROVINCE, subjects.review_of_reviewer),
    "answerReview": Authority(EITHER, subjects.review_of_party),
    "closeReview": Authority(BY_PROVINCE, subjects.review_of_reviewer),
    "evaluateAgreement": Authority(BY_PROVINCE, subjects.reviewer),
    "registerVoucherProgramme": Authority(APPROVER, voucher_subjects.new_programme),
    "confirmVoucherProgramme": Authority(APPROVER, voucher_subjects.role_of_programme),
    "increaseVoucherBudget": Authority(APPROVER, voucher_subjects.role_of_programme),
    "registerVoucherProvider": Authority(OFFICER, voucher_subjects.provider_zone),
    "certifyVoucherProvider": Authority(OFFICER, subjects.party),
    "applyForVoucher": Authority(OFFICER, voucher_subjects.home_of_programme),
    "issueVoucher": Authority(APPROVER, voucher_subjects.home_of_application),
    "orderVoucherService": Authority(OFFICER, voucher_subjects.home_of_voucher),
    "reportVoucherService": Authority(OFFICER, voucher_subjects.home_of_order),
    "claimVoucher": Authority(OFFICER, voucher_subjects.sides_of_order),
    "auditVoucherClaim": Authority(frozenset({Role.APPROVER, Role.AUDITOR}), voucher_subjects.home_of_claim),
    "decideVoucherClaims": Authority(APPROVER, voucher_subjects.home_of_programme),
    "recoverVoucher": Authority(APPROVER, voucher_subjects.home_of_claim),
    "endVoucher": Authority(APPROVER, voucher_subjects.home_of_voucher),
    "clearVouchers": Authority(OFFICER, subjects.agreement),
    "expireVouchers": Authority(OFFICER, voucher_subjects.home_of_programme),
    "revokeToken": Authority(frozenset(Role), subjects.own_token),
}
"""Of every change by its name: who may do it. Operators and provinces are looked at apart from parties."""


# --- the check --------------------------------------------------------------------------------------------


def require(desk: Desk, name: str, input: Any) -> None:
    """Makes the desk act for the party for which the account may do this; raises ``NotFound`` if for none."""
    authority = AUTHORITY.get(name, Authority(frozenset(), _nothing))
    subject = _found(desk, authority.find, input)
    if _may(desk.account, authority.roles, subject):
        desk.acts_for = _acting_for(desk.account, authority.roles, subject)
        return
    refuse(desk, name, subject, input.idempotency_key)


def _found(desk: Desk, find: Find, input: Any) -> Subject:
    try:
        return find(desk.snapshot, desk.account, input)
    except NotFound as error:
        return Subject(error.kind, error.name)


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
    by_mandate = Role.AUDITOR in roles and account.sight.everything and bool(subject.party_ids)
    if subject.is_own or by_office or by_province or by_mandate:
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
