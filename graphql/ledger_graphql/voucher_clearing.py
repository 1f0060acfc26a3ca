"""Clearing of innovation vouchers into the returns of a quarter."""

from __future__ import annotations

from typing import Annotated

import strawberry

from ledger.desk import returns, vouchers
from ledger.periods import Quarter
from ledger_graphql.agreements import agreement_id_of
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
from ledger_graphql.inputs import KEY_DESCRIPTION
from ledger_graphql.returns import Filing, filing_nodes


@strawberry.input(description="A quarter whose vouchers are cleared.")
class ClearVouchersInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description="The agreement's code; all of its programmes are cleared.")
    quarter: Quarter = strawberry.field(description="By the days of the entries, up to the open quarter.")


@strawberry.type(description="The vouchers of a quarter were cleared.")
class ClearVouchersSuccess:
    entry_count: int = strawberry.field(description="How many entries are cleared by this act.")
    filings: list[Filing] = strawberry.field(
        description="The payers' returns, in order of role; what was said before already is the same return."
    )
    replayed: bool = strawberry.field(description=REPLAYED)


ClearVouchersResult = Annotated[
    ClearVouchersSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | QuarterNotOpen
    | WrongState
    | Refused,
    strawberry.union("ClearVouchersResult", description="What came of a request to clear vouchers."),
]


@strawberry.type(description="Clearing of innovation vouchers.")
class VoucherClearingMutations:
    @mutation("Make the payers' returns of what an agreement's vouchers made them bear in a quarter.")
    def clear_vouchers(self, info: Info, input: Annotated[ClearVouchersInput, INPUT]) -> ClearVouchersResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = vouchers.clear(desk.database, act, agreement_id, input.quarter, desk.person)
        made = vouchers.clearing_by_id(desk.snapshot, done.value)
        filings = returns.filings_by_id(desk.snapshot, agreement_id, list(made.filing_ids.values()))
        return ClearVouchersSuccess(
            entry_count=made.entry_count,
            filings=filing_nodes(desk, [filings[filing_id] for filing_id in made.filing_ids.values()]),
            replayed=done.replayed,
        )
