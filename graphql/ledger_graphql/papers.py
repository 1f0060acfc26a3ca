"""Papers: checking what one says by its identifier, and a party's quarter over all its agreements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from ledger.desk import agreements, roster, statements
from ledger.desk.failures import NotFound
from ledger.periods import Quarter
from ledger_graphql.agreements import KnownAt
from ledger_graphql.amounts import AmountValue, amount_value
from ledger_graphql.booked import AccountKind
from ledger_graphql.connections import FIRST_DEFAULT, After, Connection, First, connection, cut
from ledger_graphql.context import Desk, Info
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.statements import BilingualText, Statement, statement_node


@strawberry.type(description="One agreement in a party's statement of a quarter.")
class ZoneAgreement:
    code: str = strawberry.field(description="The agreement's code.")
    title: BilingualText = strawberry.field(description="Its title.")
    identifier: str | None = strawberry.field(
        description="Identifier of the quarter's statement; null while the quarter isn't closed."
    )
    is_final: bool | None = strawberry.field(
        description="Whether the quarter is the year's last; null while it isn't closed."
    )
    closed_at: datetime | None = strawberry.field(
        description="When the quarter was closed; null while it isn't."
    )
    counterparty_ids: strawberry.Private[Sequence[int]]
    parties: strawberry.Private[PartyBatch]

    @resolved("Everybody else in it.")
    def counterparties(self) -> list[Party]:
        return [self.parties[party_id] for party_id in self.counterparty_ids]


@strawberry.type(description="What one cause of a closed settlement booked for the party.")
class ZoneLine:
    agreement: str = strawberry.field(description="The agreement's code.")
    clause: int = strawberry.field(description="The number of the clause.")
    cause: int = strawberry.field(description="The number of the cause in that settlement.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about.")
    kind: AccountKind = strawberry.field(description="Due, accrued, to its fund, or credited as a statistic.")
    amount: AmountValue = strawberry.field(description="How much.")


@strawberry.type(description="A party's quarter over all its agreements. Only closed settlements count.")
class ZoneStatement:
    identifier: str = strawberry.field(
        description="Party, quarter, and the start of a hash over the closed settlements' identifiers."
    )
    quarter: Quarter = strawberry.field(description="The quarter that was settled.")
    known_at: datetime = strawberry.field(description="The moment whose state of the ledger it shows.")
    agreements: list[ZoneAgreement] = strawberry.field(
        description="Those that settled the quarter, and those that still have it (or an earlier one) open."
    )
    record: strawberry.Private[statements.ZoneStatement]
    parties: strawberry.Private[PartyBatch]

    @resolved("Whose statement it is.")
    def party(self) -> Party:
        return self.parties[self.record.party_id]

    @resolved("What was booked for the party, agreement by agreement.")
    def lines(self, first: First = FIRST_DEFAULT, after: After = None) -> Connection[ZoneLine]:
        numbered = list(enumerate(self.record.lines, start=1))
        page, has_next = cut(numbered, lambda line: (line[0],), first, after)
        codes = {one.agreement_id: one.code for one in self.record.agreements}
        return connection(
            [_line(line, codes[line.agreement_id]) for _, line in page],
            [(number,) for number, _ in page],
            has_next=has_next,
            after=after,
        )


@strawberry.type(description="Queries about papers.")
class PaperQueries:
    @resolved(
        "What the ledger has under the identifier that a statement prints, closed or not; null when no "
        "settlement of the agreement has this number and this hash."
    )
    def statement_by_identifier(
        self,
        info: Info,
        agreement: Annotated[str, strawberry.argument(description="The agreement's code.")],
        identifier: Annotated[str, strawberry.argument(description="As it is printed.")],
    ) -> Statement | None:
        desk = info.context
        try:
            found = agreements.agreement_by_code(desk.snapshot, agreement)
            record = statements.statement_by_identifier(desk.snapshot, found.agreement_id, identifier)
        except NotFound:
            return None
        return statement_node(desk, record)

    @resolved("A party's quarter over all its agreements; null when there is no such party.")
    def zone_statement(
        self,
        info: Info,
        party: Annotated[str, strawberry.argument(description="The party's code.")],
        quarter: Annotated[Quarter, strawberry.argument(description="The quarter that was settled.")],
        known_at: KnownAt = None,
    ) -> ZoneStatement | None:
        desk = info.context
        try:
            party_id = roster.party_by_code(desk.snapshot, party).party_id
        except NotFound:
            return None
        return _zone_statement(desk, statements.zone_statement(desk.snapshot, party_id, quarter, known_at))


def _zone_statement(desk: Desk, record: statements.ZoneStatement) -> ZoneStatement:
    parties = party_batch(desk, record.parties)
    return ZoneStatement(
        identifier=record.identifier,
        quarter=record.quarter,
        known_at=record.known_at,
        agreements=[
            ZoneAgreement(
                code=one.code,
                title=BilingualText(zh=one.title.zh, en=one.title.en),
                identifier=one.identifier,
                is_final=one.is_final,
                closed_at=one.closed_at,
                counterparty_ids=one.counterparty_ids,
                parties=parties,
            )
            for one in record.agreements
        ],
        record=record,
        parties=parties,
    )


def _line(record: statements.ZoneLine, agreement_code: str) -> ZoneLine:
    return ZoneLine(
        agreement=agreement_code,
        clause=record.clause,
        cause=record.cause,
        quarter=record.quarter,
        kind=AccountKind(record.kind),
        amount=amount_value(record.amount_minor, record.commodity.commodity_id, record.book),
    )
