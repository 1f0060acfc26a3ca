"""Certifying returns, and committing to sealed ones."""

from __future__ import annotations

from typing import Annotated

import strawberry

from ledger.desk import returns
from ledger.periods import Quarter
from ledger_graphql.agreements import Agreement, agreement_id_of, agreement_of
from ledger_graphql.calendar import Seal, seal_node
from ledger_graphql.changes import FilingSuccess, filing_now
from ledger_graphql.connections import numbers_of
from ledger_graphql.context import Info
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    QuarterNotOpen,
    Refused,
    WrongState,
)
from ledger_graphql.fields import INPUT, REPLAYED, mutation
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION
from ledger_graphql.scalars import Hash


@strawberry.input(description="A second person's word for a return. The newest of its role and quarter only.")
class CertifyReturnInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    filing: strawberry.ID = strawberry.field(description="Id of the return that was looked at.")
    role: str = strawberry.field(description="The role that handed it in.")


@strawberry.input(description="A commitment to a return that is handed in later.")
class CommitReturnInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description="The role that reports.")
    quarter: Quarter = strawberry.field(description="The quarter that the return is about.")
    commitment: Hash = strawberry.field(
        description="SHA-256 over 128 ASCII characters: the nonce, then the SHA-256 of the file, both in "
        "lower-case hexadecimal."
    )


@strawberry.type(description="A commitment was recorded.")
class SealSuccess:
    seal: Seal = strawberry.field(description="Where the quarter's seal stands now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


CertifyReturnResult = Annotated[
    FilingSuccess | InvalidInput | IdempotencyKeyReused | NotFound | WrongState | Refused,
    strawberry.union("CertifyReturnResult", description="What came of certifying a return."),
]
CommitReturnResult = Annotated[
    SealSuccess | InvalidInput | IdempotencyKeyReused | NotFound | QuarterNotOpen | WrongState | Refused,
    strawberry.union("CommitReturnResult", description="What came of committing to a return."),
]


@strawberry.type
class CertificationMutations:
    @mutation("Certify a return that another person of the same role handed in.")
    def certify_return(self, info: Info, input: Annotated[CertifyReturnInput, INPUT]) -> CertifyReturnResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        done = returns.certify_return(
            desk.database,
            desk.act(input.idempotency_key),
            agreement_id,
            numbers_of(input.filing, "Filing", 2)[1],
            input.role,
            desk.person,
        )
        return filing_now(desk, done.value, replayed=done.replayed)

    @mutation("Commit to a return by its hash, where figures are sealed until every side has committed.")
    def commit_return(self, info: Info, input: Annotated[CommitReturnInput, INPUT]) -> CommitReturnResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = returns.commit(desk.database, act, agreement_id, input.role, input.quarter, input.commitment)
        found = returns.seal(desk.snapshot, agreement_id, input.quarter)
        if found is None:
            raise returns.NotSealed(quarter=input.quarter)
        return SealSuccess(
            seal=seal_node(found), agreement=agreement_of(desk, agreement_id), replayed=done.replayed
        )
