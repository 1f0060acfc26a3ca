"""What changes of vouchers take."""

from __future__ import annotations

from datetime import date

import strawberry

from ledger.desk import vouchers
from ledger.desk.failures import refuse
from ledger.rules.facts import Fault
from ledger_graphql.connections import numbers_of
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION, ROLE_DESCRIPTION, fen
from ledger_graphql.scalars import Amount, Hash, Json

PROGRAMME = "The programme's code."
DAY = "The day on which it takes effect."


def yuan_in_fen(amount: Amount, path: str) -> int:
    """The amount in fen. Raises ``RequestRefused`` where it has more places."""
    faults: list[Fault] = []
    amount_minor = fen(amount, path, faults)
    refuse(faults)
    return amount_minor


@strawberry.input(description="A programme to register.")
class RegisterVoucherProgrammeInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    code: str = strawberry.field(description="Unique, 1 to 64 of A-Z a-z 0-9 . _ -.")
    document: Json = strawberry.field(description="What it says (docs/vouchers.md).")


@strawberry.input(description="A role's confirmation of a programme.")
class ConfirmVoucherProgrammeInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    programme: str = strawberry.field(description=PROGRAMME)
    role: str = strawberry.field(description=ROLE_DESCRIPTION)


@strawberry.input(description="What a payer adds to its budget of a period.")
class IncreaseVoucherBudgetInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    programme: str = strawberry.field(description=PROGRAMME)
    role: str = strawberry.field(description="The payer's role.")
    amount: Amount = strawberry.field(description="In yuan, above zero; it is added to what there is.")
    document: str = strawberry.field(description="Reference to what the money rests on, 1 to 500 characters.")
    day: date = strawberry.field(description="The day on which it takes effect; it names the period.")

    def draft(self) -> vouchers.IncreaseDraft:
        amount_minor = yuan_in_fen(self.amount, "amount")
        return vouchers.IncreaseDraft(self.programme, self.role, amount_minor, self.document, self.day)


@strawberry.input(description="A provider to register.")
class RegisterVoucherProviderInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    credit_code: str = strawberry.field(description="统一社会信用代码, 18 characters.")
    name_zh: str = strawberry.field(description="Name in Chinese, 1 to 500 characters.")
    zone: str = strawberry.field(description="Code of the party where it is.")
    controller: str | None = strawberry.field(default=None, description="Its actual controller.")


@strawberry.input(description="What a party says of a provider from a day on.")
class CertifyVoucherProviderInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    credit_code: str = strawberry.field(description="The provider's credit code.")
    party: str = strawberry.field(description="Code of the party that says it.")
    kind: str = strawberry.field(description="certified or suspended.")
    starts: date = strawberry.field(description="From this day on.")
    ends: date | None = strawberry.field(
        default=None, description="Its last day; null: until further notice."
    )
    services: list[str] = strawberry.field(description="Codes of classes or items, at least one.")
    document: str = strawberry.field(description="Reference to its evidence, 1 to 500 characters.")

    def draft(self) -> vouchers.CertificationDraft:
        return vouchers.CertificationDraft(
            self.party, self.kind, self.starts, self.ends, tuple(self.services), self.document
        )


@strawberry.input(description="An enterprise's application for a voucher.")
class ApplyForVoucherInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    programme: str = strawberry.field(description=PROGRAMME)
    enterprise: str = strawberry.field(description="Credit code of an enterprise of the confirmed list.")
    amount: Amount = strawberry.field(description="In yuan, above zero, at most what the programme gives.")
    purpose: str = strawberry.field(description="What for, 1 to 500 characters.")
    day: date = strawberry.field(description=DAY)


@strawberry.input(description="A voucher to issue.")
class IssueVoucherInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    application: strawberry.ID = strawberry.field(description="Id of the application.")
    amount: Amount = strawberry.field(description="In yuan, above zero, at most what was applied for.")
    day: date = strawberry.field(description=DAY)


@strawberry.input(description="A service to order on a voucher.")
class OrderVoucherServiceInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    voucher: strawberry.ID = strawberry.field(description="Id of the voucher.")
    provider: str = strawberry.field(description="Credit code of a recognised provider.")
    service: str = strawberry.field(description="Code of the service, such as testing.analysis.")
    contract: str = strawberry.field(description="The contract's number, 1 to 500 characters.")
    amount: Amount = strawberry.field(description="The price, in yuan, above zero.")
    day: date = strawberry.field(description=DAY)

    def draft(self) -> vouchers.OrderDraft:
        return vouchers.OrderDraft(
            numbers_of(self.voucher, "Voucher", 1)[0],
            self.provider,
            self.service,
            self.contract,
            yuan_in_fen(self.amount, "amount"),
            self.day,
        )


@strawberry.input(description="The report that a service was done.")
class ReportVoucherServiceInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    order: strawberry.ID = strawberry.field(description="Id of the order.")
    document: str = strawberry.field(description="Reference to its evidence, 1 to 500 characters.")
    day: date = strawberry.field(description="The day on which it was done.")


@strawberry.input(description="A receipt or a line of a contract. Each is good for one claim, ever.")
class VoucherEvidenceInput:
    kind: str = strawberry.field(description="contract_line or receipt.")
    issuer: str = strawberry.field(description="Credit code of who issued it.")
    number: str = strawberry.field(description="Its number; width, case and blanks don't matter.")
    line: str = strawberry.field(default="", description="Of a contract: the line.")
    content_hash: Hash = strawberry.field(description="SHA-256 of the document.")

    def draft(self) -> vouchers.EvidenceDraft:
        return vouchers.EvidenceDraft(self.kind, self.issuer, self.number, self.line, self.content_hash)


@strawberry.input(description="A claim for a service that was done.")
class ClaimVoucherInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    order: strawberry.ID = strawberry.field(description="Id of the order.")
    amount: Amount = strawberry.field(description="The cost, in yuan, at most what is left of the order.")
    evidence: list[VoucherEvidenceInput] = strawberry.field(description="1 to 50 pieces, each once.")
    day: date = strawberry.field(description=DAY)


@strawberry.input(description="An auditor's finding about a claim.")
class AuditVoucherClaimInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    claim: strawberry.ID = strawberry.field(description="Id of the claim.")
    accepted: Amount = strawberry.field(description="What of the cost counts, in yuan; 0 refuses it.")
    finding: str = strawberry.field(description="1 to 500 characters.")
    day: date = strawberry.field(description=DAY)


@strawberry.input(description="The claims of a programme that decides them together.")
class DecideVoucherClaimsInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    programme: str = strawberry.field(description=PROGRAMME)
    through: date = strawberry.field(description="Claims up to and with this day; it names the budget.")


@strawberry.input(description="A part of a claim that is recovered.")
class RecoverVoucherInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    claim: strawberry.ID = strawberry.field(description="Id of the claim.")
    amount: Amount = strawberry.field(description="In yuan, above zero, at most what is left of it.")
    reason: str = strawberry.field(description="Why, 1 to 500 characters.")
    day: date = strawberry.field(description=DAY)


@strawberry.input(description="The end of a voucher before its last day.")
class EndVoucherInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    voucher: strawberry.ID = strawberry.field(description="Id of the voucher.")
    how: str = strawberry.field(description="cancelled or forfeited.")
    reason: str = strawberry.field(description="Why, 1 to 500 characters.")
    day: date = strawberry.field(description=DAY)


@strawberry.input(description="Vouchers whose last day is past.")
class ExpireVouchersInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    programme: str = strawberry.field(description=PROGRAMME)
    day: date = strawberry.field(description="Vouchers whose last day is before it end.")
