"""Settling a quarter: what the API lets clients compute, propose, sign and close."""

from __future__ import annotations

from typing import Annotated

import strawberry

from ledger.desk import settlements
from ledger_graphql import inputs
from ledger_graphql.agreements import Agreement, agreement_id_of, agreement_of
from ledger_graphql.connections import numbers_of
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    NotSigned,
    QuarterNotOpen,
    Refused,
    ReturnsMissing,
    SignatureRefused,
    StaleSettlement,
    WrongState,
)
from ledger_graphql.fields import INPUT, REPLAYED, mutation
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION, ROLE_DESCRIPTION
from ledger_graphql.scalars import Bytes
from ledger_graphql.settlements import Settlement, settlement_node


@strawberry.input(description="A computed settlement of the open quarter, to be put up for signing.")
class ProposeSettlementInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    settlement: strawberry.ID = strawberry.field(description="Id of the settlement that was looked at.")


@strawberry.input(description="A role's signature of a proposed settlement.")
class SignSettlementInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    settlement: strawberry.ID = strawberry.field(description="Id of the settlement.")
    role: str = strawberry.field(description=ROLE_DESCRIPTION)
    public_key: Bytes = strawberry.field(description="A key registered for the role's party, 32 bytes.")
    signature: Bytes = strawberry.field(description="Ed25519, 64 bytes, over exactly bytesToSign.")


@strawberry.type(description="A settlement was computed, proposed or signed, or closed its quarter.")
class SettlementSuccess:
    settlement: Settlement = strawberry.field(description="The settlement as it is now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


ComputeSettlementResult = Annotated[
    SettlementSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | QuarterNotOpen
    | ReturnsMissing
    | Refused,
    strawberry.union("ComputeSettlementResult", description="What came of computing a settlement."),
]
CloseQuarterResult = Annotated[
    SettlementSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | QuarterNotOpen
    | StaleSettlement
    | NotSigned
    | Refused,
    strawberry.union("CloseQuarterResult", description="What came of closing a quarter."),
]
ProposeSettlementResult = Annotated[
    SettlementSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | QuarterNotOpen
    | StaleSettlement
    | Refused,
    strawberry.union("ProposeSettlementResult", description="What came of proposing a settlement."),
]
SignSettlementResult = Annotated[
    SettlementSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | QuarterNotOpen
    | StaleSettlement
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union("SignSettlementResult", description="What came of signing a settlement."),
]


@strawberry.type
class SettlingMutations:
    """Computing, proposing, signing and closing."""

    @mutation("Compute and record the open quarter's settlement. The same facts give the same settlement.")
    def compute_settlement(
        self, info: Info, input: Annotated[inputs.ComputeSettlementInput, INPUT]
    ) -> ComputeSettlementResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = settlements.compute(desk.database, act, agreement_id, input.quarter)
        return settlement_success(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Make a settlement the quarter's result and open the next quarter.")
    def close_quarter(
        self, info: Info, input: Annotated[inputs.CloseQuarterInput, INPUT]
    ) -> CloseQuarterResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        settlement_id = numbers_of(input.settlement, "Settlement", 2)[1]
        act = desk.act(input.idempotency_key)
        done = settlements.close(desk.database, act, agreement_id, input.quarter, settlement_id)
        return settlement_success(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Put a computed settlement up for signing; bytesToSign are made and stored.")
    def propose_settlement(
        self, info: Info, input: Annotated[ProposeSettlementInput, INPUT]
    ) -> ProposeSettlementResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        settlement_id = numbers_of(input.settlement, "Settlement", 2)[1]
        act = desk.act(input.idempotency_key)
        done = settlements.propose(desk.database, act, agreement_id, settlement_id)
        return settlement_success(desk, agreement_id, done.value, replayed=done.replayed)

    @mutation("Sign a proposed settlement for a role that the terms' procedure names.")
    def sign_settlement(
        self, info: Info, input: Annotated[SignSettlementInput, INPUT]
    ) -> SignSettlementResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        done = settlements.sign(
            desk.database,
            desk.act(input.idempotency_key),
            agreement_id,
            numbers_of(input.settlement, "Settlement", 2)[1],
            input.role,
            input.public_key,
            input.signature,
        )
        return settlement_success(desk, agreement_id, done.value, replayed=done.replayed)


def settlement_success(
    desk: Desk, agreement_id: int, settlement_id: int, *, replayed: bool
) -> SettlementSuccess:
    """The settlement as it is now."""
    return SettlementSuccess(
        settlement=settlement_node(desk, settlements.settlement(desk.snapshot, agreement_id, settlement_id)),
        agreement=agreement_of(desk, agreement_id),
        replayed=replayed,
    )
