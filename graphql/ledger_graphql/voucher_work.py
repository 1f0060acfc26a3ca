"""What is to be done about innovation vouchers."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry

from ledger.desk import roster, vouchers
from ledger.periods import Quarter
from ledger_graphql.calendar import Today, day_asked
from ledger_graphql.connections import FIRST_DEFAULT, After, Connection, First, connection, cut
from ledger_graphql.context import Info
from ledger_graphql.fields import resolved


@strawberry.type(description="So many things of one kind wait in a programme.")
class VoucherWork:
    programme: str = strawberry.field(description="The programme's code.")
    kind: str = strawberry.field(
        description="audit, decide (claims); expiring (vouchers that end within 30 days), expired; clear "
        "(entries of a past quarter)."
    )
    count: int = strawberry.field(description="How many.")
    day: date = strawberry.field(description="The first one's: day of the claim or entry, or last day.")
    quarter: Quarter | None = strawberry.field(description="Of entries to clear.")


@strawberry.type(description="What is to be done about innovation vouchers.")
class VoucherWorkQueries:
    @resolved("What waits in the voucher programmes of a party's agreements, by programme, kind and quarter.")
    def voucher_work(
        self,
        info: Info,
        party: Annotated[str, strawberry.argument(description="Code of the party.")],
        today: Today = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[VoucherWork]:
        desk = info.context
        party_id = roster.party_by_code(desk.snapshot, party).party_id
        found = vouchers.waiting(desk.snapshot, party_id, day_asked(desk, today))
        page, has_next = cut(found, _work_key, first, after)
        nodes = [
            VoucherWork(
                programme=one.programme, kind=one.kind, count=one.count, day=one.day, quarter=one.quarter
            )
            for one in page
        ]
        return connection(nodes, [_work_key(one) for one in page], has_next=has_next, after=after)


def _work_key(one: vouchers.Waiting) -> tuple[str, str, int]:
    return (one.programme, one.kind, 0 if one.quarter is None else one.quarter.code)
