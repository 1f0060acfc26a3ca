"""Every change that a client can make. Each is one act of the desk, in a transaction of its own.

A mutation names what it acts on by code, number or id, performs the act under the client's key, and shows the
changed object as a fresh snapshot has it. Expected failures are members of its result union.
"""

from __future__ import annotations

from typing import Annotated

import strawberry

from ledger.desk import agreements, enterprises, occurrences, returns, roster
from ledger_graphql import inputs
from ledger_graphql.accounts import AccountMutations
from ledger_graphql.agreements import (
    Agreement,
    AgreementVersion,
    agreement_id_of,
    agreement_of,
    version_node,
)
from ledger_graphql.certification import CertificationMutations
from ledger_graphql.changes import (
    FilingSuccess,
    filing_now,
)
from ledger_graphql.commitments import CommitmentMutations
from ledger_graphql.context import Desk, Info
from ledger_graphql.enterprises import EnterpriseList, list_node
from ledger_graphql.evidence import EvidenceMutations
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    NotSigned,
    QuarterNotOpen,
    Refused,
    ReturnRefused,
    SignatureRefused,
    TermsRefused,
    WrongState,
)
from ledger_graphql.fields import INPUT, REPLAYED, mutation
from ledger_graphql.indicators import IndicatorMutations
from ledger_graphql.log import LogMutations
from ledger_graphql.occurrences import Occurrence, occurrence_node
from ledger_graphql.parties import Party, party_node
from ledger_graphql.payment_mutations import PaymentMutations
from ledger_graphql.reconciliation_mutations import ReconciliationMutations
from ledger_graphql.reopening import ReopeningMutations
from ledger_graphql.reviews import ReviewMutations
from ledger_graphql.settling import SettlingMutations
from ledger_graphql.sharing import SharingMutations
from ledger_graphql.terms import terms_document
from ledger_graphql.voucher_clearing import VoucherClearingMutations
from ledger_graphql.voucher_mutations import VoucherMutations
from ledger_graphql.zones import ZoneMutations


@strawberry.type(description="The party was registered or changed.")
class PartySuccess:
    party: Party = strawberry.field(description="The party as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="The agreement was recorded.")
class AgreementSuccess:
    agreement: Agreement = strawberry.field(description="The agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="A version of an agreement's terms was made or moved on.")
class VersionSuccess:
    version: AgreementVersion = strawberry.field(description="The version as it is now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="An enterprise list was submitted or confirmed.")
class EnterpriseListSuccess:
    enterprise_list: EnterpriseList = strawberry.field(description="The list as it is now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="An occurrence was recorded or confirmed.")
class OccurrenceSuccess:
    occurrence: Occurrence = strawberry.field(description="The record as it is now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


RegisterPartyResult = Annotated[
    PartySuccess | InvalidInput | IdempotencyKeyReused | Refused,
    strawberry.union("RegisterPartyResult", description="What came of registering a party."),
]
RegisterKeyResult = Annotated[
    PartySuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("RegisterKeyResult", description="What came of registering a key."),
]
DraftAgreementResult = Annotated[
    AgreementSuccess | InvalidInput | TermsRefused | IdempotencyKeyReused | Refused,
    strawberry.union("DraftAgreementResult", description="What came of drafting an agreement."),
]
DraftVersionResult = Annotated[
    VersionSuccess | InvalidInput | TermsRefused | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("DraftVersionResult", description="What came of drafting an amendment."),
]
ProposeVersionResult = Annotated[
    VersionSuccess | InvalidInput | TermsRefused | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("ProposeVersionResult", description="What came of proposing a version."),
]
WithdrawVersionResult = Annotated[
    VersionSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("WithdrawVersionResult", description="What came of withdrawing a version."),
]
SignVersionResult = Annotated[
    VersionSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | SignatureRefused | Refused,
    strawberry.union("SignVersionResult", description="What came of signing a version."),
]
BringIntoForceResult = Annotated[
    VersionSuccess
    | InvalidInput
    | TermsRefused
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | NotSigned
    | Refused,
    strawberry.union("BringIntoForceResult", description="What came of bringing a version into force."),
]
SubmitEnterpriseListResult = Annotated[
    EnterpriseListSuccess | InvalidInput | IdempotencyKeyReused | NotFound | SignatureRefused | Refused,
    strawberry.union("SubmitEnterpriseListResult", description="What came of submitting an enterprise list."),
]
ConfirmEnterpriseListResult = Annotated[
    EnterpriseListSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union(
        "ConfirmEnterpriseListResult", description="What came of confirming an enterprise list."
    ),
]
RecordOccurrenceResult = Annotated[
    OccurrenceSuccess | InvalidInput | IdempotencyKeyReused | NotFound | SignatureRefused | Refused,
    strawberry.union("RecordOccurrenceResult", description="What came of recording an occurrence."),
]
ConfirmOccurrenceResult = Annotated[
    OccurrenceSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union("ConfirmOccurrenceResult", description="What came of confirming an occurrence."),
]
HandInReturnResult = Annotated[
    FilingSuccess | InvalidInput | ReturnRefused | IdempotencyKeyReused | NotFound | QuarterNotOpen | Refused,
    strawberry.union("HandInReturnResult", description="What came of handing in a return."),
]


@strawberry.type(
    description="Every change. Each takes a key made by the client; each is done as a whole or not at "
    "all. Several in "
    "one document are separate changes, made one after the other."
)
class Mutation(
    AccountMutations,
    CertificationMutations,
    CommitmentMutations,
    EvidenceMutations,
    ReconciliationMutations,
    SettlingMutations,
    VoucherMutations,
    VoucherClearingMutations,
    ReopeningMutations,
    ReviewMutations,
    SharingMutations,
    PaymentMutations,
    LogMutations,
    ZoneMutations,
    IndicatorMutations,
):
    @mutation("Register a party.")
    def register_party(
        self, info: Info, input: Annotated[inputs.RegisterPartyInput, INPUT]
    ) -> RegisterPartyResult:
        desk = info.context
        done = roster.register_party(desk.database, desk.act(input.idempotency_key), input.draft())
        return _party(desk, done.value, replayed=done.replayed)

    @mutation("Register a key with which a party will sign.")
    def register_key(self, info: Info, input: Annotated[inputs.RegisterKeyInput, INPUT]) -> RegisterKeyResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = roster.register_key(desk.database, act, input.party, input.public_key, input.label)
        return _party(desk, done.value, replayed=done.replayed)

    @mutation("Record an agreement and draft version 1 of its terms. Its worked examples must pass.")
    def draft_agreement(
        self, info: Info, input: Annotated[inputs.DraftAgreementInput, INPUT]
    ) -> DraftAgreementResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = agreements.draft_agreement(desk.database, act, input.draft())
        return AgreementSuccess(agreement=agreement_of(desk, done.value), replayed=done.replayed)

    @mutation("Amend: draft another version of the terms. Its worked examples must pass.")
    def draft_version(
        self, info: Info, input: Annotated[inputs.DraftVersionInput, INPUT]
    ) -> DraftVersionResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = agreements.draft_version(desk.database, act, agreement_id, terms_document(input.terms))
        return _version(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Put a draft up for signing. Its rules are checked and its worked examples run once more.")
    def propose_version(
        self, info: Info, input: Annotated[inputs.VersionInput, INPUT]
    ) -> ProposeVersionResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = agreements.propose_version(desk.database, act, agreement_id, input.version)
        return _version(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Take back a version that isn't in force yet.")
    def withdraw_version(
        self, info: Info, input: Annotated[inputs.VersionInput, INPUT]
    ) -> WithdrawVersionResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = agreements.withdraw_version(desk.database, act, agreement_id, input.version)
        return _version(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Sign a proposed version for a role.")
    def sign_version(self, info: Info, input: Annotated[inputs.SignVersionInput, INPUT]) -> SignVersionResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        done = agreements.sign_version(
            desk.database,
            desk.act(input.idempotency_key),
            agreement_id,
            input.version,
            input.role,
            input.public_key,
            input.signature,
        )
        return _version(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Put a version that all signing roles have signed into force.")
    def bring_into_force(
        self, info: Info, input: Annotated[inputs.VersionInput, INPUT]
    ) -> BringIntoForceResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = agreements.bring_into_force(desk.database, act, agreement_id, input.version)
        return _version(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Submit a whole enterprise list; the other signing roles confirm it.")
    def submit_enterprise_list(
        self, info: Info, input: Annotated[inputs.SubmitEnterpriseListInput, INPUT]
    ) -> SubmitEnterpriseListResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = enterprises.submit_list(desk.database, act, agreement_id, input.role, input.drafts())
        return _list(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Confirm the newest enterprise list for a role.")
    def confirm_enterprise_list(
        self, info: Info, input: Annotated[inputs.ConfirmEnterpriseListInput, INPUT]
    ) -> ConfirmEnterpriseListResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = enterprises.confirm_list(desk.database, act, agreement_id, input.version, input.role)
        return _list(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Record what happened once for the whole agreement; the other signing roles confirm it.")
    def record_occurrence(
        self, info: Info, input: Annotated[inputs.RecordOccurrenceInput, INPUT]
    ) -> RecordOccurrenceResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        done = occurrences.record_occurrence(
            desk.database,
            desk.act(input.idempotency_key),
            agreement_id,
            input.role,
            input.name,
            input.day,
            input.document,
        )
        return _occurrence(desk, agreement_id, input.name, done.value, replayed=done.replayed)

    @mutation("Confirm the newest record of an occurrence for a role.")
    def confirm_occurrence(
        self, info: Info, input: Annotated[inputs.ConfirmOccurrenceInput, INPUT]
    ) -> ConfirmOccurrenceResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = occurrences.confirm_occurrence(
            desk.database, act, agreement_id, input.name, input.sequence, input.role
        )
        return _occurrence(desk, agreement_id, input.name, done.value, replayed=done.replayed)

    @mutation("Hand in a quarter's return as lines with their declared totals.")
    def hand_in_return(
        self, info: Info, input: Annotated[inputs.HandInReturnInput, INPUT]
    ) -> HandInReturnResult:
        desk = info.context
        done = returns.hand_in(
            desk.database,
            desk.act(input.idempotency_key),
            agreement_id_of(desk, input.agreement),
            input.role,
            input.quarter,
            input.line_drafts(),
            totals=input.declared(),
            is_nil=input.is_nil,
            person=desk.person,
            nonce=input.nonce,
        )
        return filing_now(desk, done.value, replayed=done.replayed)

    @mutation("Hand in a quarter's return as a CSV file or workbook.")
    def hand_in_return_file(
        self, info: Info, input: Annotated[inputs.HandInReturnFileInput, INPUT]
    ) -> HandInReturnResult:
        desk = info.context
        done = returns.hand_in_file(
            desk.database,
            desk.act(input.idempotency_key),
            agreement_id_of(desk, input.agreement),
            input.role,
            input.quarter,
            input.file_name,
            input.content,
            person=desk.person,
            nonce=input.nonce,
        )
        return filing_now(desk, done.value, replayed=done.replayed)


def _party(desk: Desk, party_id: int, *, replayed: bool) -> PartySuccess:
    return PartySuccess(party=party_node(desk, roster.party(desk.snapshot, party_id)), replayed=replayed)


def _version(desk: Desk, agreement_id: int, number: int, *, replayed: bool) -> VersionSuccess:
    return VersionSuccess(
        version=version_node(agreements.version(desk.snapshot, agreement_id, number)),
        agreement=agreement_of(desk, agreement_id),
        replayed=replayed,
    )


def _list(desk: Desk, agreement_id: int, number: int, *, replayed: bool) -> EnterpriseListSuccess:
    (head,) = enterprises.list_heads(desk.snapshot, agreement_id, [number])
    return EnterpriseListSuccess(
        enterprise_list=list_node(head),
        agreement=agreement_of(desk, agreement_id),
        replayed=replayed,
    )


def _occurrence(
    desk: Desk, agreement_id: int, name: str, sequence: int, *, replayed: bool
) -> OccurrenceSuccess:
    found = occurrences.occurrences(desk.snapshot, agreement_id)
    record = next(each for each in found if (each.name, each.sequence) == (name, sequence))
    return OccurrenceSuccess(
        occurrence=occurrence_node(record), agreement=agreement_of(desk, agreement_id), replayed=replayed
    )
