"""What the modules of changes share."""

from __future__ import annotations

import strawberry

from ledger.desk import agreements, returns
from ledger_graphql.agreements import Agreement, agreement_node
from ledger_graphql.context import Desk
from ledger_graphql.returns import Filing, filing_node

INPUT = strawberry.argument(description="What is to be done, and the client's key.")
REPLAYED = "True when the key had been used for this very request before; then nothing was done now."
PERSON_DESCRIPTION = (
    "The name of the person who acts, 1 to 60 characters. Until there is sign-in it is the client's word."
)


@strawberry.type(description="A return was taken as a whole, or certified.")
class FilingSuccess:
    filing: Filing = strawberry.field(description="The return as it is now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


def agreement_id_of(desk: Desk, code: str) -> int:
    """The id behind a code. Lets the snapshot go: the act may wait, and its result must be read after it."""
    found = agreements.agreement_by_code(desk.snapshot, code)
    desk.refresh()
    return found.agreement_id


def agreement_now(desk: Desk, agreement_id: int) -> Agreement:
    """The agreement as a fresh snapshot has it."""
    return agreement_node(desk, agreements.agreement(desk.snapshot, agreement_id))


def filing_now(desk: Desk, record: returns.Filing, *, replayed: bool) -> FilingSuccess:
    """The return as a fresh snapshot has it."""
    now = returns.filing(desk.snapshot, record.agreement_id, record.filing_id)
    return FilingSuccess(
        filing=filing_node(now), agreement=agreement_now(desk, record.agreement_id), replayed=replayed
    )
