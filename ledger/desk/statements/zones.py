"""A party's quarter over all its agreements: what was settled, with whom, and what isn't closed yet.

Only closed settlements have amounts in it. It is the state of the ledger at a moment, which it names: asked
for that moment again, the ledger gives the same statement with the same identifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, tuple_

from ledger.desk import roster
from ledger.desk.postings import is_of_entry
from ledger.desk.settlements.journal import AccountKind
from ledger.desk.settlements.replays import BOOK_BY_ID, Side
from ledger.desk.statements.reading import identifier_of
from ledger.evidence.canonical import canonical_bytes, digest
from ledger.measures import COMMODITY_BY_ID
from ledger.money import Commodity
from ledger.periods import Quarter
from ledger.rules.fields import Bilingual
from ledger.rules.terms import Book
from ledger_schema.tables import account, agreement_party, agreement_quarter, journal_entry, posting
from ledger_schema.tables import agreement as agreement_table
from ledger_schema.tables import settlement as settlement_table

ZONE_STATEMENT_FORMAT = "parkledger.zone-statement/1"


@dataclass(frozen=True, slots=True)
class ZoneAgreement:
    """One agreement of the party. Not closed: ``identifier`` and ``closed_at`` are None."""

    agreement_id: int
    code: str
    title: Bilingual
    counterparty_ids: Sequence[int]
    identifier: str | None
    is_final: bool | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ZoneLine:
    """What one cause of a closed settlement booked for the party about a quarter."""

    agreement_id: int
    cause: int
    clause: int
    quarter: Quarter
    kind: AccountKind
    book: Book
    commodity: Commodity
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ZoneStatement:
    """``known_at`` is the moment whose state it shows; agreements by code, lines in the same order."""

    party_id: int
    party_code: str
    quarter: Quarter
    known_at: datetime
    agreements: Sequence[ZoneAgreement]
    lines: Sequence[ZoneLine]
    parties: Mapping[int, Side]

    @property
    def identifier(self) -> str:
        """Party, quarter, and the start of the hash over the identifiers of the closed settlements."""
        content = canonical_bytes(
            {
                "format": ZONE_STATEMENT_FORMAT,
                "party": self.party_code,
                "quarter": str(self.quarter),
                "agreements": [[one.code, one.identifier] for one in self.agreements],
            }
        )
        return f"{self.party_code}-{self.quarter}-{digest(content).hex()[:16]}"


def zone_statement(
    connection: Connection, party_id: int, quarter: Quarter, known_at: datetime | None = None
) -> ZoneStatement:
    """The party's statement of a quarter, as known at a moment (None: now). Raises ``NotFound``."""
    party = roster.party(connection, party_id)
    moment = known_at or connection.execute(select(func.transaction_timestamp())).scalar_one()
    rows = _quarters(connection, party_id, quarter, moment)
    sides = _sides(connection, [row.agreement_id for row in rows])
    listed = [_agreement(row, sides[row.agreement_id], party_id) for row in rows]
    names = roster.parties_by_id(connection, [party_id, *{one for ids in sides.values() for one in ids}])
    return ZoneStatement(
        party_id=party_id,
        party_code=party.code,
        quarter=quarter,
        known_at=moment,
        agreements=listed,
        lines=list(
            _lines(connection, party_id, quarter, [row for row in rows if row.settlement_id is not None])
        ),
        parties={
            one.party_id: Side(one.party_id, one.name_zh, one.name_en or one.name_zh)
            for one in names.values()
        },
    )


def _quarters(
    connection: Connection, party_id: int, quarter: Quarter, moment: datetime
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The party's agreements that settled the quarter by then, or still had it or an earlier one to close."""
    column = agreement_quarter.c
    closed = and_(column.quarter == quarter.code, column.closed_at <= moment)
    to_close = or_(
        and_(column.quarter == quarter.code, column.closed_at > moment),
        and_(column.quarter <= quarter.code, column.closed_at.is_(None)),
    )
    of_party = select(agreement_party.c.agreement_id).where(agreement_party.c.party_id == party_id)
    return connection.execute(
        select(
            agreement_table.c.agreement_id,
            agreement_table.c.code,
            agreement_table.c.title_zh,
            agreement_table.c.title_en,
            settlement_table.c.settlement_id,
            column.closed_at,
            settlement_table.c.allocations_hash,
            settlement_table.c.is_final,
        )
        .join(agreement_quarter, column.agreement_id == agreement_table.c.agreement_id)
        .outerjoin(
            settlement_table,
            and_(
                settlement_table.c.agreement_id == column.agreement_id,
                settlement_table.c.booked_quarter == column.quarter,
                settlement_table.c.settlement_id == column.settlement_id,
                closed,
            ),
        )
        .where(
            agreement_table.c.agreement_id.in_(of_party),
            agreement_table.c.recorded_at <= moment,
            or_(closed, to_close),
        )
        .order_by(agreement_table.c.code)
    ).all()


def _sides(connection: Connection, agreement_ids: Sequence[int]) -> dict[int, list[int]]:
    """By agreement, its parties in the order of their roles, each once."""
    rows = connection.execute(
        select(agreement_party.c.agreement_id, agreement_party.c.party_id)
        .where(agreement_party.c.agreement_id == func.any(agreement_ids))
        .order_by(agreement_party.c.agreement_id, agreement_party.c.role)
    )
    found: dict[int, dict[int, None]] = {}
    for row in rows:
        found.setdefault(row.agreement_id, {})[row.party_id] = None
    return {agreement_id: list(party_ids) for agreement_id, party_ids in found.items()}


def _agreement(
    row: Row[Any],
    party_ids: Sequence[int],
    party_id: int,
) -> ZoneAgreement:
    is_closed = row.settlement_id is not None
    return ZoneAgreement(
        agreement_id=row.agreement_id,
        code=row.code,
        title=Bilingual(zh=row.title_zh, en=row.title_en),
        counterparty_ids=[one for one in party_ids if one != party_id],
        identifier=identifier_of(row.settlement_id, row.allocations_hash) if is_closed else None,
        is_final=row.is_final,
        closed_at=row.closed_at if is_closed else None,
    )


def _lines(
    connection: Connection, party_id: int, quarter: Quarter, closed: Sequence[Row[Any]]
) -> Iterator[ZoneLine]:
    """What the closed settlements booked for the party, added up by cause, clause and quarter."""
    about = (
        posting.c.agreement_id,
        journal_entry.c.cause,
        journal_entry.c.clause,
        journal_entry.c.quarter,
        account.c.book_id,
        account.c.commodity_id,
        account.c.kind,
    )
    amount = func.sum(posting.c.amount_minor)
    rows = connection.execute(
        select(*about, amount.label("amount_minor"))
        .join(journal_entry, is_of_entry())
        .join(account, account.c.account_id == posting.c.account_id)
        .where(
            posting.c.booked_quarter == quarter.code,
            tuple_(posting.c.agreement_id, posting.c.settlement_id).in_(
                [(row.agreement_id, row.settlement_id) for row in closed]
            ),
            account.c.party_id == party_id,
        )
        .group_by(*about)
        .having(amount != 0)
        .order_by(*about)
    )
    for row in rows:
        yield ZoneLine(
            agreement_id=row.agreement_id,
            cause=row.cause,
            clause=row.clause,
            quarter=Quarter.from_code(row.quarter),
            kind=row.kind,
            book=BOOK_BY_ID[row.book_id],
            commodity=COMMODITY_BY_ID[row.commodity_id],
            amount_minor=int(row.amount_minor),
        )
