"""What changes of returns share."""

from __future__ import annotations

import strawberry

from ledger.desk import returns
from ledger_graphql.agreements import Agreement, agreement_of
from ledger_graphql.context import Desk
from ledger_graphql.fields import REPLAYED
from ledger_graphql.returns import Filing, filing_node


@strawberry.type(description="A return was taken as a whole, or certified.")
class FilingSuccess:
    filing: Filing = strawberry.field(description="The return as it is now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


def filing_now(desk: Desk, record: returns.Filing, *, replayed: bool) -> FilingSuccess:
    """The return as a fresh snapshot has it."""
    now = returns.filing(desk.snapshot, record.agreement_id, record.filing_id)
    return FilingSuccess(
        filing=filing_node(desk, now), agreement=agreement_of(desk, record.agreement_id), replayed=replayed
    )
