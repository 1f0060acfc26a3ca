"""Changes of innovation vouchers."""

from __future__ import annotations

from typing import Annotated, Any, cast

import strawberry

from ledger.desk import vouchers
from ledger_graphql.agreements import agreement_id_of
from ledger_graphql.connections import global_id, numbers_of
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    Refused,
    SignatureRefused,
    WrongState,
)
from ledger_graphql.fields import INPUT, REPLAYED, mutation
from ledger_graphql.scalars import Json
from ledger_graphql.voucher_inputs import (
    ApplyForVoucherInput,
    AuditVoucherClaimInput,
    CertifyVoucherProviderInput,
    ClaimVoucherInput,
    ConfirmVoucherProgrammeInput,
    DecideVoucherClaimsInput,
    EndVoucherInput,
    ExpireVouchersInput,
    IncreaseVoucherBudgetInput,
    IssueVoucherInput,
    OrderVoucherServiceInput,
    RecoverVoucherInput,
    RegisterVoucherProgrammeInput,
    RegisterVoucherProviderInput,
    ReportVoucherServiceInput,
    yuan_in_fen,
)
from ledger_graphql.vouchers import (
    Voucher,
    VoucherClaim,
    VoucherOrder,
    VoucherProgramme,
    VoucherProvider,
    claim_nodes,
    order_nodes,
    programme_node,
    provider_nodes,
    voucher_node,
)


@strawberry.type(description="A programme was registered or confirmed.")
class VoucherProgrammeSuccess:
    programme: VoucherProgramme = strawberry.field(description="The programme as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="A provider was registered, certified or suspended.")
class VoucherProviderSuccess:
    provider: VoucherProvider = strawberry.field(description="The provider as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="An enterprise applied for a voucher.")
class VoucherApplicationSuccess:
    application: strawberry.ID = strawberry.field(description="Id of the application.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="A voucher was issued or ended.")
class VoucherSuccess:
    voucher: Voucher = strawberry.field(description="The voucher as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="A service was ordered or done.")
class VoucherOrderSuccess:
    order: VoucherOrder = strawberry.field(description="The order as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="A claim was made, audited or recovered from.")
class VoucherClaimSuccess:
    claim: VoucherClaim = strawberry.field(description="The claim as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="Many vouchers or claims were changed.")
class VoucherCountSuccess:
    count: int = strawberry.field(description="How many.")
    replayed: bool = strawberry.field(description=REPLAYED)


RegisterVoucherProgrammeResult = Annotated[
    VoucherProgrammeSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union(
        "RegisterVoucherProgrammeResult", description="What came of a request to register voucher programme."
    ),
]
ConfirmVoucherProgrammeResult = Annotated[
    VoucherProgrammeSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union(
        "ConfirmVoucherProgrammeResult", description="What came of a request to confirm voucher programme."
    ),
]
IncreaseVoucherBudgetResult = Annotated[
    VoucherProgrammeSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState,
    strawberry.union(
        "IncreaseVoucherBudgetResult", description="What came of a request to increase voucher budget."
    ),
]
RegisterVoucherProviderResult = Annotated[
    VoucherProviderSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union(
        "RegisterVoucherProviderResult", description="What came of a request to register voucher provider."
    ),
]
CertifyVoucherProviderResult = Annotated[
    VoucherProviderSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union(
        "CertifyVoucherProviderResult", description="What came of a request to certify voucher provider."
    ),
]
ApplyForVoucherResult = Annotated[
    VoucherApplicationSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("ApplyForVoucherResult", description="What came of a request to apply for voucher."),
]
IssueVoucherResult = Annotated[
    VoucherSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("IssueVoucherResult", description="What came of a request to issue voucher."),
]
EndVoucherResult = Annotated[
    VoucherSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("EndVoucherResult", description="What came of a request to end voucher."),
]
ExpireVouchersResult = Annotated[
    VoucherCountSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("ExpireVouchersResult", description="What came of a request to expire vouchers."),
]
OrderVoucherServiceResult = Annotated[
    VoucherOrderSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union(
        "OrderVoucherServiceResult", description="What came of a request to order voucher service."
    ),
]
ReportVoucherServiceResult = Annotated[
    VoucherOrderSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union(
        "ReportVoucherServiceResult", description="What came of a request to report voucher service."
    ),
]
ClaimVoucherResult = Annotated[
    VoucherClaimSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("ClaimVoucherResult", description="What came of a request to claim voucher."),
]
AuditVoucherClaimResult = Annotated[
    VoucherClaimSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("AuditVoucherClaimResult", description="What came of a request to audit voucher claim."),
]
DecideVoucherClaimsResult = Annotated[
    VoucherCountSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union(
        "DecideVoucherClaimsResult", description="What came of a request to decide voucher claims."
    ),
]
RecoverVoucherResult = Annotated[
    VoucherClaimSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("RecoverVoucherResult", description="What came of a request to recover voucher."),
]


@strawberry.type(description="Changes of innovation vouchers.")
class VoucherMutations:
    @mutation("Register a programme under a signed agreement, for its home role.")
    def register_voucher_programme(
        self, info: Info, input: Annotated[RegisterVoucherProgrammeInput, INPUT]
    ) -> RegisterVoucherProgrammeResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.register_programme(
            desk.database, act, agreement_id_of(desk, input.agreement), input.code, _document(input.document)
        )
        return _programme(desk, input.code, replayed=done.replayed)

    @mutation("Confirm a programme for a signing role. It works once all have.")
    def confirm_voucher_programme(
        self, info: Info, input: Annotated[ConfirmVoucherProgrammeInput, INPUT]
    ) -> ConfirmVoucherProgrammeResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.confirm_programme(desk.database, act, input.programme, input.role)
        return _programme(desk, input.programme, replayed=done.replayed)

    @mutation("Add to a payer's budget of a period. What is issued or decided from then on sees it.")
    def increase_voucher_budget(
        self, info: Info, input: Annotated[IncreaseVoucherBudgetInput, INPUT]
    ) -> IncreaseVoucherBudgetResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.increase_budget(desk.database, act, input.draft(), desk.person)
        return _programme(desk, input.programme, replayed=done.replayed)

    @mutation("Register a provider of services.")
    def register_voucher_provider(
        self, info: Info, input: Annotated[RegisterVoucherProviderInput, INPUT]
    ) -> RegisterVoucherProviderResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        draft = vouchers.ProviderDraft(input.credit_code, input.name_zh, input.zone, input.controller)
        done = vouchers.register_provider(desk.database, act, draft)
        return _provider(desk, input.credit_code, replayed=done.replayed)

    @mutation("Certify a provider for services, or suspend it, from a day on.")
    def certify_voucher_provider(
        self, info: Info, input: Annotated[CertifyVoucherProviderInput, INPUT]
    ) -> CertifyVoucherProviderResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.certify_provider(desk.database, act, input.credit_code, input.draft())
        return _provider(desk, input.credit_code, replayed=done.replayed)

    @mutation("Apply for a voucher.")
    def apply_for_voucher(
        self, info: Info, input: Annotated[ApplyForVoucherInput, INPUT]
    ) -> ApplyForVoucherResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.apply(
            desk.database,
            act,
            input.programme,
            input.enterprise,
            yuan_in_fen(input.amount, "amount"),
            input.purpose,
            input.day,
        )
        return VoucherApplicationSuccess(
            application=global_id("VoucherApplication", done.value), replayed=done.replayed
        )

    @mutation("Issue a voucher and set the payers' money aside.")
    def issue_voucher(self, info: Info, input: Annotated[IssueVoucherInput, INPUT]) -> IssueVoucherResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        application_id = numbers_of(input.application, "VoucherApplication", 1)[0]
        amount_minor = yuan_in_fen(input.amount, "amount")
        done = vouchers.issue(desk.database, act, application_id, amount_minor, desk.person, input.day)
        return _voucher(desk, done.value, replayed=done.replayed)

    @mutation("End a voucher before its last day; what was set aside is given back.")
    def end_voucher(self, info: Info, input: Annotated[EndVoucherInput, INPUT]) -> EndVoucherResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        voucher_id = numbers_of(input.voucher, "Voucher", 1)[0]
        done = vouchers.end(desk.database, act, voucher_id, input.how, input.reason, input.day)
        return _voucher(desk, done.value, replayed=done.replayed)

    @mutation("End every voucher of a programme whose last day is past.")
    def expire_vouchers(
        self, info: Info, input: Annotated[ExpireVouchersInput, INPUT]
    ) -> ExpireVouchersResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.expire(desk.database, act, input.programme, input.day)
        return VoucherCountSuccess(count=done.value, replayed=done.replayed)

    @mutation("Order a service on a voucher.")
    def order_voucher_service(
        self, info: Info, input: Annotated[OrderVoucherServiceInput, INPUT]
    ) -> OrderVoucherServiceResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.order(desk.database, act, input.draft())
        return _order(desk, done.value, replayed=done.replayed)

    @mutation("Report that a service was done.")
    def report_voucher_service(
        self, info: Info, input: Annotated[ReportVoucherServiceInput, INPUT]
    ) -> ReportVoucherServiceResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        order_id = numbers_of(input.order, "VoucherOrder", 1)[0]
        done = vouchers.report_service(desk.database, act, order_id, input.document, input.day)
        return _order(desk, done.value, replayed=done.replayed)

    @mutation(
        "Claim for a service that was done. It is decided at once unless it waits for an audit or for others."
    )
    def claim_voucher(self, info: Info, input: Annotated[ClaimVoucherInput, INPUT]) -> ClaimVoucherResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.claim(
            desk.database,
            act,
            numbers_of(input.order, "VoucherOrder", 1)[0],
            yuan_in_fen(input.amount, "amount"),
            [one.draft() for one in input.evidence],
            input.day,
        )
        return _claim(desk, done.value, replayed=done.replayed)

    @mutation("Say what of a claim's cost counts, after an audit.")
    def audit_voucher_claim(
        self, info: Info, input: Annotated[AuditVoucherClaimInput, INPUT]
    ) -> AuditVoucherClaimResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        claim_id = numbers_of(input.claim, "VoucherClaim", 1)[0]
        accepted = yuan_in_fen(input.accepted, "accepted")
        done = vouchers.audit(desk.database, act, claim_id, accepted, input.finding, desk.person, input.day)
        return _claim(desk, done.value, replayed=done.replayed)

    @mutation("Decide all claims that wait, of a programme that decides them together.")
    def decide_voucher_claims(
        self, info: Info, input: Annotated[DecideVoucherClaimsInput, INPUT]
    ) -> DecideVoucherClaimsResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = vouchers.decide_together(desk.database, act, input.programme, input.through)
        return VoucherCountSuccess(count=done.value, replayed=done.replayed)

    @mutation("Recover a part of what a claim was granted.")
    def recover_voucher(
        self, info: Info, input: Annotated[RecoverVoucherInput, INPUT]
    ) -> RecoverVoucherResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        claim_id = numbers_of(input.claim, "VoucherClaim", 1)[0]
        amount_minor = yuan_in_fen(input.amount, "amount")
        done = vouchers.recover(
            desk.database, act, claim_id, amount_minor, input.reason, desk.person, input.day
        )
        return _claim(desk, done.value, replayed=done.replayed)


def _document(document: Json) -> dict[str, Any]:
    """What isn't an object has every field missing."""
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _programme(desk: Desk, code: str, *, replayed: bool) -> VoucherProgrammeSuccess:
    found = vouchers.programme_by_code(desk.snapshot, code)
    return VoucherProgrammeSuccess(programme=programme_node(desk, found), replayed=replayed)


def _provider(desk: Desk, credit_code: str, *, replayed: bool) -> VoucherProviderSuccess:
    found = vouchers.provider_by_code(desk.snapshot, credit_code)
    return VoucherProviderSuccess(provider=provider_nodes(desk, [found])[0], replayed=replayed)


def _voucher(desk: Desk, voucher_id: int, *, replayed: bool) -> VoucherSuccess:
    found = vouchers.voucher_by_id(desk.snapshot, voucher_id)
    return VoucherSuccess(voucher=voucher_node(found), replayed=replayed)


def _order(desk: Desk, order_id: int, *, replayed: bool) -> VoucherOrderSuccess:
    found = vouchers.order_by_id(desk.snapshot, order_id)
    return VoucherOrderSuccess(order=order_nodes(desk, [found])[0], replayed=replayed)


def _claim(desk: Desk, claim_id: int, *, replayed: bool) -> VoucherClaimSuccess:
    found = vouchers.claim_by_id(desk.snapshot, claim_id)
    return VoucherClaimSuccess(claim=claim_nodes(desk, [found])[0], replayed=replayed)
