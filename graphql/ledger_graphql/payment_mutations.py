"""Changes about payments: recorded, imported, matched, charged with interest, waived and netted."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry

from ledger.desk import payments
from ledger.desk.failures import NotFound as NotFoundError
from ledger.desk.failures import refuse
from ledger.rules.facts import Fault
from ledger_graphql.connections import numbers_of
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
from ledger_graphql.inputs import KEY_DESCRIPTION, fen
from ledger_graphql.nettings import Netting, netting_node
from ledger_graphql.payment_queries import waiver_of
from ledger_graphql.payments import Leg, Payment, PaymentChannel, leg_node, payment_node
from ledger_graphql.scalars import Amount, Bytes


@strawberry.input(description="One line of a bank's or treasury's statement.")
class RecordPaymentInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    channel: PaymentChannel = strawberry.field(description="How it was paid.")
    payer: str = strawberry.field(description="Code of the party that paid.")
    payer_account: str = strawberry.field(description="Its account, 1 to 500 characters.")
    payee: str = strawberry.field(description="Code of the party that was paid.")
    reference: str = strawberry.field(description="The line's own, unique in the payer's account.")
    amount: Amount = strawberry.field(description="In yuan, above zero.")
    value_day: date = strawberry.field(description="The value date.")
    purpose: str = strawberry.field(
        default="", description="What the payer wrote; a leg's reference in it pays that leg."
    )

    def draft(self) -> payments.PaymentDraft:
        faults: list[Fault] = []
        amount_minor = fen(self.amount, "amount", faults)
        refuse(faults)
        return payments.PaymentDraft(
            channel=self.channel.value,
            payer=self.payer,
            payer_account=self.payer_account,
            payee=self.payee,
            reference=self.reference,
            amount_minor=amount_minor,
            value_day=self.value_day,
            purpose=self.purpose,
        )


@strawberry.input(description="A file of payments; docs/payments.md tells its columns.")
class ImportPaymentsInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    file_name: str = strawberry.field(description="Its name, 1 to 500 characters.")
    content: Bytes = strawberry.field(description="CSV in UTF-8, at most 4 MiB and 5,000 rows.")


@strawberry.input(description="A leg that a payment pays, and with how much of it.")
class MatchInput:
    leg: strawberry.ID = strawberry.field(description="Id of the leg.")
    amount: Amount = strawberry.field(description="In yuan, above zero.")

    def draft(self, path: str, faults: list[Fault]) -> payments.Match:
        """What the desk takes; an amount that can't be taken goes to ``faults``."""
        return payments.Match(numbers_of(self.leg, "Leg", 1)[0], fen(self.amount, path, faults))


@strawberry.input(description="The payee's word about what a payment is for.")
class ConfirmMatchesInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    payment: strawberry.ID = strawberry.field(description="Id of the payment.")
    party: str = strawberry.field(description="Code of the payee.")
    matches: list[MatchInput] = strawberry.field(description="1 to 200 legs, each once.")

    def drafts(self) -> list[payments.Match]:
        faults: list[Fault] = []
        drafts = [
            payments.Match(
                numbers_of(one.leg, "Leg", 1)[0], fen(one.amount, f"matches[{place}].amount", faults)
            )
            for place, one in enumerate(self.matches)
        ]
        refuse(faults)
        return drafts


@strawberry.input(description="Interest to be charged on a leg that is overdue.")
class ChargeInterestInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    leg: strawberry.ID = strawberry.field(description="Id of the leg.")
    party: str = strawberry.field(description="Code of the payee.")
    day: date = strawberry.field(description="Interest is charged up to and with this day's month.")


@strawberry.input(description="A part of a leg that the payee gives up.")
class WaiveLegInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    leg: strawberry.ID = strawberry.field(description="Id of the leg.")
    amount: Amount = strawberry.field(description="In yuan, above zero, at most what is open.")
    day: date = strawberry.field(description="The day on which it takes effect.")
    reason: str = strawberry.field(description="Why, 1 to 500 characters.")
    public_key: Bytes = strawberry.field(description="A registered key of the payee, 32 bytes.")
    signature: Bytes = strawberry.field(description="Ed25519 over exactly waiverToSign, 64 bytes.")


@strawberry.input(description="What a side of a leg has against it, or why it takes that back.")
class ObjectionInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    leg: strawberry.ID = strawberry.field(description="Id of the leg.")
    party: str = strawberry.field(description="Code of the payer or payee.")
    reason: str = strawberry.field(description="1 to 500 characters.")


@strawberry.input(description="Parties that net what they owe each other.")
class ProposeNettingInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    parties: list[str] = strawberry.field(description="Their codes, 2 to 20.")
    day: date = strawberry.field(
        description="The day on which it takes effect; nothing that is overdue then takes part."
    )


@strawberry.input(description="A party's signature of a netting.")
class SignNettingInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    netting: strawberry.ID = strawberry.field(description="Id of the netting.")
    party: str = strawberry.field(description="Code of the party.")
    public_key: Bytes = strawberry.field(description="A registered key of the party, 32 bytes.")
    signature: Bytes = strawberry.field(description="Ed25519 over exactly bytesToSign, 64 bytes.")


@strawberry.type(description="A payment was recorded or matched.")
class PaymentSuccess:
    payment: Payment = strawberry.field(description="The payment as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="A file of payments was taken as a whole.")
class PaymentFileSuccess:
    file_name: str = strawberry.field(description="The name under which it was first imported.")
    payment_count: int = strawberry.field(description="How many payments it has.")
    replayed: bool = strawberry.field(
        description="True when this request, or a file with exactly these bytes, had been taken before."
    )


@strawberry.type(description="A leg was raised or cleared.")
class LegSuccess:
    leg: Leg = strawberry.field(description="The leg as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="A netting was proposed or signed.")
class NettingSuccess:
    netting: Netting = strawberry.field(description="The netting as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


RecordPaymentResult = Annotated[
    PaymentSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("RecordPaymentResult", description="What came of recording a payment."),
]
ImportPaymentsResult = Annotated[
    PaymentFileSuccess | InvalidInput | IdempotencyKeyReused | Refused,
    strawberry.union("ImportPaymentsResult", description="What came of importing a file of payments."),
]
ConfirmMatchesResult = Annotated[
    PaymentSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("ConfirmMatchesResult", description="What came of matching a payment."),
]
ChargeInterestResult = Annotated[
    LegSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("ChargeInterestResult", description="What came of charging interest."),
]
WaiveLegResult = Annotated[
    LegSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | SignatureRefused | Refused,
    strawberry.union("WaiveLegResult", description="What came of a waiver."),
]
ObjectToLegResult = Annotated[
    LegSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("ObjectToLegResult", description="What came of an objection."),
]
WithdrawObjectionResult = Annotated[
    LegSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("WithdrawObjectionResult", description="What came of taking back an objection."),
]
ProposeNettingResult = Annotated[
    NettingSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("ProposeNettingResult", description="What came of proposing a netting."),
]
SignNettingResult = Annotated[
    NettingSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | SignatureRefused | Refused,
    strawberry.union("SignNettingResult", description="What came of signing a netting."),
]


@strawberry.type(description="Changes about payments.")
class PaymentMutations:
    @mutation("Record a payment received. If its purpose names a leg, it pays that leg.")
    def record_payment(self, info: Info, input: Annotated[RecordPaymentInput, INPUT]) -> RecordPaymentResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = payments.record_payment(desk.database, act, desk.person, input.draft())
        return PaymentSuccess(payment=payment_node(desk, done.value), replayed=done.replayed)

    @mutation("Record every payment of a bank's or treasury's file, or none.")
    def import_payments(
        self, info: Info, input: Annotated[ImportPaymentsInput, INPUT]
    ) -> ImportPaymentsResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = payments.import_payments(desk.database, act, desk.person, input.file_name, input.content)
        return PaymentFileSuccess(
            file_name=done.value.name, payment_count=done.value.payment_count, replayed=done.replayed
        )

    @mutation("Say, for the payee, which legs a payment pays.")
    def confirm_matches(
        self, info: Info, input: Annotated[ConfirmMatchesInput, INPUT]
    ) -> ConfirmMatchesResult:
        desk = info.context
        done = payments.confirm_matches(
            desk.database,
            desk.act(input.idempotency_key),
            numbers_of(input.payment, "Payment", 1)[0],
            input.party,
            desk.person,
            input.drafts(),
        )
        return PaymentSuccess(payment=payment_node(desk, done.value), replayed=done.replayed)

    @mutation("Charge interest on a leg that is overdue, as a leg of its own. No month is charged twice.")
    def charge_interest(
        self, info: Info, input: Annotated[ChargeInterestInput, INPUT]
    ) -> ChargeInterestResult:
        desk = info.context
        done = payments.charge_interest(
            desk.database,
            desk.act(input.idempotency_key),
            numbers_of(input.leg, "Leg", 1)[0],
            input.party,
            desk.person,
            input.day,
        )
        return _leg(desk, done.value, replayed=done.replayed)

    @mutation("Give up a part of a leg by the payee's signature.")
    def waive_leg(self, info: Info, input: Annotated[WaiveLegInput, INPUT]) -> WaiveLegResult:
        desk = info.context
        done = payments.waive(
            desk.database,
            desk.act(input.idempotency_key),
            waiver_of(input.leg, input.amount, input.day, input.reason),
            input.public_key,
            input.signature,
        )
        return _leg(desk, done.value, replayed=done.replayed)

    @mutation("Object to a leg, for its payer or payee. While the objection stands the leg isn't netted.")
    def object_to_leg(self, info: Info, input: Annotated[ObjectionInput, INPUT]) -> ObjectToLegResult:
        desk, leg_id = info.context, numbers_of(input.leg, "Leg", 1)[0]
        act = desk.act(input.idempotency_key)
        done = payments.object_to_leg(desk.database, act, leg_id, input.party, desk.person, input.reason)
        return _leg(desk, done.value, replayed=done.replayed)

    @mutation("Take back the objection to a leg.")
    def withdraw_objection(
        self, info: Info, input: Annotated[ObjectionInput, INPUT]
    ) -> WithdrawObjectionResult:
        desk, leg_id = info.context, numbers_of(input.leg, "Leg", 1)[0]
        act = desk.act(input.idempotency_key)
        done = payments.withdraw_objection(desk.database, act, leg_id, input.party, desk.person, input.reason)
        return _leg(desk, done.value, replayed=done.replayed)

    @mutation("Propose to net what parties owe each other; every party that takes part signs.")
    def propose_netting(
        self, info: Info, input: Annotated[ProposeNettingInput, INPUT]
    ) -> ProposeNettingResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = payments.propose_netting(desk.database, act, input.parties, input.day)
        return _netting(desk, done.value, replayed=done.replayed)

    @mutation("Sign a netting for a party. The last signature settles it.")
    def sign_netting(self, info: Info, input: Annotated[SignNettingInput, INPUT]) -> SignNettingResult:
        desk = info.context
        done = payments.sign_netting(
            desk.database,
            desk.act(input.idempotency_key),
            numbers_of(input.netting, "Netting", 1)[0],
            input.party,
            input.public_key,
            input.signature,
        )
        return _netting(desk, done.value, replayed=done.replayed)


def _leg(desk: Desk, leg_id: int, *, replayed: bool) -> LegSuccess:
    """Raises ``NotFound`` where the act was done before and its leg doesn't stand any more."""
    leg = leg_node(desk, leg_id)
    if leg is None:
        raise NotFoundError("leg", leg_id)
    return LegSuccess(leg=leg, replayed=replayed)


def _netting(desk: Desk, netting_id: int, *, replayed: bool) -> NettingSuccess:
    record = payments.netting(desk.snapshot, netting_id)
    return NettingSuccess(netting=netting_node(desk, record), replayed=replayed)
