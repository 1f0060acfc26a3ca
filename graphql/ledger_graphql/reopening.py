"""Reopening the last closed quarter: what the API lets clients ask for, sign and carry out."""

from __future__ import annotations

from typing import Annotated

import strawberry

from ledger.desk import settlements
from ledger.periods import Quarter
from ledger_graphql.agreements import Agreement, agreement_id_of, agreement_of
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    NotSigned,
    Refused,
    SignatureRefused,
    WrongState,
)
from ledger_graphql.fields import INPUT, REPLAYED, mutation
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION, ROLE_DESCRIPTION
from ledger_graphql.reopenings import Reopening, reopening_node
from ledger_graphql.scalars import Bytes

QUARTER_DESCRIPTION = "The last closed quarter."
REQUEST_DESCRIPTION = "The number of the request."


@strawberry.input(description="A closed quarter, to be reopened once all whom the terms name have signed.")
class RequestReopeningInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    quarter: Quarter = strawberry.field(description=QUARTER_DESCRIPTION)
    reason: str = strawberry.field(description="Why, 1 to 500 characters in one line; it is signed too.")


@strawberry.input(description="A role's signature of a request to reopen a quarter.")
class SignReopeningInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    quarter: Quarter = strawberry.field(description=QUARTER_DESCRIPTION)
    request: int = strawberry.field(description=REQUEST_DESCRIPTION)
    role: str = strawberry.field(description=ROLE_DESCRIPTION)
    public_key: Bytes = strawberry.field(description="A key registered for the role's party, 32 bytes.")
    signature: Bytes = strawberry.field(description="Ed25519, 64 bytes, over exactly bytesToSign.")


@strawberry.input(description="A signed request, to be carried out.")
class ReopenQuarterInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    quarter: Quarter = strawberry.field(description=QUARTER_DESCRIPTION)
    request: int = strawberry.field(description=REQUEST_DESCRIPTION)


@strawberry.type(description="A reopening was asked for or signed, or the quarter is open again.")
class ReopeningSuccess:
    reopening: Reopening = strawberry.field(description="The request as it is now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


RequestReopeningResult = Annotated[
    ReopeningSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("RequestReopeningResult", description="What came of asking to reopen a quarter."),
]
SignReopeningResult = Annotated[
    ReopeningSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union("SignReopeningResult", description="What came of signing a reopening."),
]
ReopenQuarterResult = Annotated[
    ReopeningSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | NotSigned | Refused,
    strawberry.union("ReopenQuarterResult", description="What came of reopening a quarter."),
]


@strawberry.type
class ReopeningMutations:
    """Asking for a reopening, signing it and carrying it out."""

    @mutation("Ask to reopen the last closed quarter, on which nothing may rest yet.")
    def request_reopening(
        self, info: Info, input: Annotated[RequestReopeningInput, INPUT]
    ) -> RequestReopeningResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = settlements.request_reopening(desk.database, act, agreement_id, input.quarter, input.reason)
        return _success(desk, agreement_id, input.quarter, done.value, replayed=done.replayed)

    @mutation("Sign a request to reopen a quarter for a role that the terms' procedure names.")
    def sign_reopening(self, info: Info, input: Annotated[SignReopeningInput, INPUT]) -> SignReopeningResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        done = settlements.sign_reopening(
            desk.database,
            desk.act(input.idempotency_key),
            agreement_id,
            input.quarter,
            input.request,
            input.role,
            input.public_key,
            input.signature,
        )
        return _success(desk, agreement_id, input.quarter, done.value, replayed=done.replayed)

    @mutation("Reopen the quarter, once all whom the terms name have signed.")
    def reopen_quarter(self, info: Info, input: Annotated[ReopenQuarterInput, INPUT]) -> ReopenQuarterResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = settlements.reopen(desk.database, act, agreement_id, input.quarter, input.request)
        return _success(desk, agreement_id, input.quarter, done.value, replayed=done.replayed)


def _success(
    desk: Desk, agreement_id: int, quarter: Quarter, number: int, *, replayed: bool
) -> ReopeningSuccess:
    found = settlements.newest_reopening(desk.snapshot, agreement_id, quarter, number)
    return ReopeningSuccess(
        reopening=reopening_node(found), agreement=agreement_of(desk, agreement_id), replayed=replayed
    )
