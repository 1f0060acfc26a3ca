"""Clearing: what claims decided in a quarter becomes figures of the payers' returns, and so is settled.

A payer's return says what it bears, enterprise by enterprise; the agreement's clauses about these figures say
to whom it pays them. The claims decided every amount to the fen, so nothing is divided again. What comes
later of a quarter, or of a closed one, makes a corrected return, whose difference the open quarter settles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, select

from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.failures import NotFound, refuse
from ledger.desk.people import person_faults
from ledger.desk.returns import filings_by_id, make_return, make_room, queue_on_return
from ledger.desk.returns.checks import CheckedReturn
from ledger.desk.returns.expected import terms_for
from ledger.desk.returns.slots import Slot, hold_quarter_to_book_in
from ledger.desk.vouchers.faults import ClearingNotAgreed
from ledger.desk.vouchers.programmes import programmes
from ledger.desk.vouchers.rows import Rows
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter, Span
from ledger.rules.terms import Terms
from ledger.rules.vouchers import Programme, borne_measure, cleared_roles
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    voucher_clearing,
    voucher_clearing_return,
    voucher_entry,
    voucher_entry_cleared,
    voucher_posting,
    voucher_programme,
)


class EntryKey(NamedTuple):
    claim_id: int
    sequence: int


@dataclass(frozen=True, slots=True)
class BornePart:
    """What an entry makes a payer bear under a clause; negative where it is recovered."""

    entry: EntryKey
    programme: str
    clause: int
    role: str
    enterprise_id: int
    amount_minor: int
    is_cleared: bool


@dataclass(frozen=True, slots=True)
class Clearing:
    """An act of clearing: the entries it took, and the return of each payer by role."""

    clearing_id: int
    agreement_id: int
    quarter: Quarter
    person: str
    entry_count: int
    filing_ids: Mapping[str, int]


class _Line(NamedTuple):
    enterprise_id: int
    measure: str
    programme: str
    clause: int


# --- clearing ---------------------------------------------------------------------------------------------


def clear(database: Database, act: Act, agreement_id: int, quarter: Quarter, person: str) -> Done[int]:
    """Makes the payers' returns of what the agreement's vouchers made them bear in ``quarter``; gives its id.

    Done again it takes what came since; returns that would be the same stay. Raises ``RequestRefused``,
    ``NotFound``, ``NoOpenQuarter``, ``QuarterOutOfReach``, ``ClearingNotAgreed``.
    """
    refuse(person_faults("person", person))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        terms = terms_for(connection, agreement_id, quarter)
        roles = sorted(cleared_roles(terms.clauses))
        for role in roles:
            hold_quarter_to_book_in(connection, Slot(agreement_id, role, quarter))
            queue_on_return(connection, agreement_id, role, quarter)
        parts = borne(connection, agreement_id, quarter)
        documents = {one.code: one.document for one in programmes(connection, agreement_id)}
        _refuse_unagreed(terms, quarter, parts, documents)
        filing_ids = {
            role: make_return(
                connection,
                record,
                agreement_id,
                role,
                quarter,
                _figures(quarter, [one for one in parts if one.role == role], documents),
                person,
            )
            for role in roles
        }
        entries = sorted({one.entry for one in parts if not one.is_cleared})
        clearing_id = _record(connection, record, agreement_id, quarter, person, filing_ids, entries)
        return {"clearing": clearing_id}

    request: dict[str, Json] = {"agreement": str(agreement_id), "quarter": str(quarter), "person": person}
    make_room(database, agreement_id)
    return named_number(perform(database, act, "clear_vouchers", request, work), "clearing")


def _refuse_unagreed(
    terms: Terms, quarter: Quarter, parts: Sequence[BornePart], documents: Mapping[str, Programme]
) -> None:
    """Every part needs a clause that says whom it goes to; a partner's are of one home only."""
    agreed = cleared_roles(terms.clauses)
    homes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in parts:
        programme = documents[one.programme]
        homes[one.role, borne_measure(programme, one.role)].add(programme.home)
    for (role, measure), of_homes in sorted(homes.items()):
        if measure not in agreed.get(role, ()) or len(of_homes) > 1:
            raise ClearingNotAgreed(role=role, measure=measure, quarter=quarter)
    if not agreed:
        raise ClearingNotAgreed(role="-", measure="voucher_borne_home", quarter=quarter)


def _figures(
    quarter: Quarter, parts: Sequence[BornePart], documents: Mapping[str, Programme]
) -> CheckedReturn:
    """A line for each enterprise, programme and clause; its document is the hash of its entries."""
    by_line: defaultdict[_Line, list[BornePart]] = defaultdict(list)
    for one in parts:
        measure = borne_measure(documents[one.programme], one.role)
        by_line[_Line(one.enterprise_id, measure, one.programme, one.clause)].append(one)
    figures = CheckedReturn()
    for line, of_line in sorted(by_line.items()):
        amount_minor = sum(one.amount_minor for one in of_line)
        figures.subjects.append(line.enterprise_id)
        figures.measures.append(MEASURE_BY_NAME[line.measure])
        figures.spans.append(Span.of_quarter(quarter))
        figures.amounts_minor.append(amount_minor)
        figures.documents.append(f"{line.programme} {line.clause} {_hash_of(of_line)}")
        figures.totals_minor[line.measure] = figures.totals_minor.get(line.measure, 0) + amount_minor
    return figures


def _hash_of(parts: Sequence[BornePart]) -> str:
    """SHA-256 of the RFC 8785 list of [claim, sequence of the entry, amount in fen], as text, in order."""
    entries: list[Json] = [
        [str(one.entry.claim_id), str(one.entry.sequence), str(one.amount_minor)]
        for one in sorted(parts, key=lambda one: one.entry)
    ]
    return digest(canonical_bytes(entries)).hex()


def _record(
    connection: Connection,
    record: Recorder,
    agreement_id: int,
    quarter: Quarter,
    person: str,
    filing_ids: Mapping[str, int],
    entries: Sequence[EntryKey],
) -> int:
    clearing_id, rows = new_id(), Rows()
    rows.add(
        voucher_clearing,
        clearing_id=clearing_id,
        agreement_id=agreement_id,
        quarter=quarter.code,
        person=person,
    )
    for one in filings_by_id(connection, agreement_id, list(filing_ids.values())).values():
        rows.add(
            voucher_clearing_return,
            clearing_id=clearing_id,
            role=one.role,
            agreement_id=agreement_id,
            booked_quarter=one.booked_quarter.code,
            filing_id=one.filing_id,
        )
    for claim_id, sequence in entries:
        rows.add(voucher_entry_cleared, claim_id=claim_id, sequence=sequence, clearing_id=clearing_id)
    rows.write(connection, record, "voucher_entries_cleared", agreement_id)
    return clearing_id


# --- reading ----------------------------------------------------------------------------------------------


def borne(connection: Connection, agreement_id: int, quarter: Quarter) -> list[BornePart]:
    """What the entries of the quarter's days make every payer bear, over all programmes of the agreement."""
    entry, posting, cleared = voucher_entry.c, voucher_posting.c, voucher_entry_cleared.c
    rows = connection.execute(
        select(
            entry.claim_id,
            entry.sequence,
            voucher_programme.c.code,
            posting.clause,
            posting.role,
            entry.enterprise_id,
            posting.amount_minor,
            cleared.clearing_id.is_not(None).label("is_cleared"),
        )
        .join(voucher_programme, voucher_programme.c.programme_id == entry.programme_id)
        .join(
            voucher_posting,
            and_(posting.claim_id == entry.claim_id, posting.sequence == entry.sequence),
        )
        .join(
            voucher_entry_cleared,
            and_(cleared.claim_id == entry.claim_id, cleared.sequence == entry.sequence),
            isouter=True,
        )
        .where(
            voucher_programme.c.agreement_id == agreement_id,
            entry.day.between(quarter.start, quarter.last_day),
            posting.account == "payer",
        )
        .order_by(entry.claim_id, entry.sequence, posting.posting)
    )
    return [BornePart(EntryKey(row[0], row[1]), *row[2:]) for row in rows]


def clearing_by_id(connection: Connection, clearing_id: int) -> Clearing:
    """The act of clearing. Raises ``NotFound``."""
    head = connection.execute(
        select(voucher_clearing).where(voucher_clearing.c.clearing_id == clearing_id)
    ).one_or_none()
    if head is None:
        raise NotFound("voucher clearing", clearing_id)
    made, cleared = voucher_clearing_return.c, voucher_entry_cleared.c
    filing_ids = connection.execute(
        select(made.role, made.filing_id).where(made.clearing_id == clearing_id).order_by(made.role)
    )
    count = connection.execute(select(func.count()).where(cleared.clearing_id == clearing_id)).scalar_one()
    return Clearing(
        clearing_id,
        head.agreement_id,
        Quarter.from_code(head.quarter),
        head.person,
        count,
        {row.role: row.filing_id for row in filing_ids},
    )
