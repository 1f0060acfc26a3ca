"""Handing in: one role's figures for one agreement and quarter, taken or refused as a whole.

A return is booked in the agreement's open quarter, whichever quarter it is about: a return for a closed
quarter is a correction. A later return of the same role for the same quarter supersedes the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from sqlalchemy import Connection, insert

from ledger.desk.acts import Act, Done, Recorder, perform
from ledger.desk.agreements import open_quarter, procedure_in_force
from ledger.desk.copying import copy_rows
from ledger.desk.failures import refuse
from ledger.desk.people import person_faults
from ledger.desk.returns.checks import CheckedReturn, DeclaredTotal, Field, WrittenReturn, check
from ledger.desk.returns.checks import Row as WrittenRow
from ledger.desk.returns.expected import expectation
from ledger.desk.returns.faults import Faults, Place
from ledger.desk.returns.reading import Filing, filing, filings
from ledger.desk.returns.salting import salted_return
from ledger.desk.returns.sealing import opened_commitment
from ledger.desk.returns.sheets import hash_of, opened
from ledger.desk.returns.slots import Slot, hold_quarter_to_book_in, queue_on_return, refuse_unknown
from ledger.desk.returns.workbook import read_file
from ledger.desk.salting import LINES_SALTED, SaltedTree, record_salted
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.evidence.commitments import NONCE_BYTES
from ledger.evidence.lines import Records, hash_of_lines, line_records
from ledger.evidence.salted import lines_by_subject
from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount
from ledger.periods import Quarter, Span
from ledger.rules.facts import Fault
from ledger_schema.ids import new_id
from ledger_schema.partitions import open_booked_quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import filing as filing_table
from ledger_schema.tables import filing_total, return_line

LINE_COLUMNS = (
    "agreement_id",
    "booked_quarter",
    "filing_id",
    "line",
    "subject_id",
    "measure_id",
    "months",
    "starts",
    "amount_minor",
    "document",
)


class PersonMissing(LedgerError):
    """A return that a second person is to certify must say who hands it in."""

    code = "PERSON_MISSING"
    sentence_en = (
        "Under the terms in force for {quarter} a second person certifies the returns of {role}. "
        "Name the person who hands this one in."
    )
    sentence_zh = "按 {quarter} 有效的条款，{role} 的申报须由另一人复核。请填写经办人姓名。"


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One figure as handed in. No credit code: the whole park. ``span`` is ``2024Q3`` or ``2024-07``;
    ``amount`` plain decimal text in the measure's unit; ``document`` the reference of its evidence."""

    credit_code: str | None
    measure: str
    span: str
    amount: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """What comes with the figures: the file's name, the hash of the content, the maker, and a nonce."""

    file_name: str | None
    content_hash: bytes
    person: str | None
    nonce: bytes | None

    @property
    def signed_by(self) -> dict[str, Json]:
        """The person and the nonce, where there are any."""
        return {
            **({} if self.person is None else {"person": self.person}),
            **({} if self.nonce is None else {"nonce": self.nonce.hex()}),
        }


class _Taken(NamedTuple):
    """What the ledger finds of a return that it takes."""

    slot: Slot
    booked_quarter: Quarter
    sequence: int
    needs_certification: bool
    commitment: bytes | None


# --- handing in -------------------------------------------------------------------------------------------


def hand_in(
    database: Database,
    act: Act,
    agreement_id: int,
    role: str,
    quarter: Quarter,
    lines: Sequence[LineDraft],
    *,
    totals: Iterable[tuple[str, str]],
    is_nil: bool = False,
    person: str | None = None,
    nonce: bytes | None = None,
) -> Done[Filing]:
    """Hands in a return: the lines and the declared totals (measure, amount) that they must add up to.

    A nil return (``is_nil``) has neither. ``person`` hands it in, ``nonce`` (32 bytes) opens a commitment.
    Raises ``ReturnRefused`` with all faults, ``NotFound``, ``RoleReportsNothing``, ``QuarterOutOfReach``,
    ``NoOpenQuarter``, ``PersonMissing``, ``FiguresSealed``, ``CommitmentDiffers``, ``NothingToOpen``, and
    ``RequestRefused`` for a name or nonce that can't be one.
    """
    declared = list(totals)
    cover = Cover(None, digest(canonical_bytes(_described(lines, declared, is_nil))), person, nonce)

    def read(_faults: Faults) -> WrittenReturn:
        return _written(lines, declared, is_nil)

    return _hand_in(database, act, Slot(agreement_id, role, quarter), cover, read)


def hand_in_file(
    database: Database,
    act: Act,
    agreement_id: int,
    role: str,
    quarter: Quarter,
    file_name: str,
    content: bytes | IO[bytes],
    *,
    person: str | None = None,
    nonce: bytes | None = None,
) -> Done[Filing]:
    """Hands in a return as a CSV file or workbook (see ``docs/returns.md``): its bytes, or an open file.

    The bytes of the newest return of the same role and quarter once more are a replay, whatever the key, as
    long as that return counts or can still be certified. Raises what ``hand_in`` does.
    """
    file = opened(content)
    cover = Cover(file_name, hash_of(file), person, nonce)

    def read(faults: Faults) -> WrittenReturn:
        return read_file(file_name, file, faults)

    return _hand_in(database, act, Slot(agreement_id, role, quarter), cover, read)


def check_file(
    connection: Connection, agreement_id: int, role: str, quarter: Quarter, file_name: str, content: bytes
) -> None:
    """Finds the faults for which handing in the file would be refused now. Nothing is kept.

    Whoever commits to a file can't correct it before it is opened. Raises ``ReturnRefused`` with all faults,
    ``NotFound``, ``RoleReportsNothing``, ``QuarterOutOfReach``, ``NoOpenQuarter``.
    """
    faults = Faults()
    written = read_file(file_name, opened(content), faults)
    check(written, expectation(connection, agreement_id, role, quarter), faults)
    faults.refuse_if_any()


def _hand_in(
    database: Database, act: Act, slot: Slot, cover: Cover, read: Callable[[Faults], WrittenReturn]
) -> Done[Filing]:
    refuse(_cover_faults(cover))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        refuse_unknown(connection, slot)
        faults = Faults()
        written = read(faults)
        booked_quarter = hold_quarter_to_book_in(connection, slot)
        expected = expectation(connection, *slot)
        procedure = procedure_in_force(connection, slot.agreement_id, slot.quarter)
        needs_certification = slot.role in procedure.certified
        if needs_certification and cover.person is None:
            raise PersonMissing(role=slot.role, quarter=slot.quarter)
        queue_on_return(connection, *slot)
        newest = _newest(connection, slot)
        if newest is not None and _is_handed_in_again(newest, cover, booked_quarter):
            return {"filing": str(newest.filing_id), "is_same_content": True}
        is_sealed = procedure.sealed and newest is None
        commitment = opened_commitment(connection, slot, cover.content_hash, cover.nonce, is_sealed=is_sealed)
        checked = check(written, expected, faults)
        faults.refuse_if_any()
        sequence = 1 if newest is None else newest.sequence + 1
        taken = _Taken(slot, booked_quarter, sequence, needs_certification, commitment)
        stored = _store(connection, record, taken, cover, checked)
        return {"filing": str(stored), "is_same_content": False}

    request = {
        "agreement": str(slot.agreement_id),
        "role": slot.role,
        "quarter": str(slot.quarter),
        "file_name": cover.file_name,
        "content": cover.content_hash.hex(),
        **cover.signed_by,
    }
    make_room(database, slot.agreement_id)
    done = perform(database, act, "hand_in_return", request, work)
    with database.reading() as connection:
        handed_in = filing(connection, slot.agreement_id, int(done.value["filing"]))
    return Done(handed_in, done.replayed or done.value["is_same_content"])


def make_return(
    connection: Connection,
    record: Recorder,
    agreement_id: int,
    role: str,
    quarter: Quarter,
    figures: CheckedReturn,
    person: str,
) -> int:
    """Takes figures that the ledger itself holds as the role's return, in the caller's transaction; its id.

    What the newest return says already is that return. Raises ``NoOpenQuarter``, ``QuarterOutOfReach``.
    """
    slot = Slot(agreement_id, role, quarter)
    booked_quarter = hold_quarter_to_book_in(connection, slot)
    queue_on_return(connection, *slot)
    cover = Cover(None, digest(hash_of_lines(_records_of(figures))), person, None)
    newest = _newest(connection, slot)
    if newest is not None and _is_handed_in_again(newest, cover, booked_quarter):
        return newest.filing_id
    sequence = 1 if newest is None else newest.sequence + 1
    needs_certification = role in procedure_in_force(connection, agreement_id, quarter).certified
    taken = _Taken(slot, booked_quarter, sequence, needs_certification, commitment=None)
    return _store(connection, record, taken, cover, figures)


def _cover_faults(cover: Cover) -> list[Fault]:
    faults = [] if cover.person is None else person_faults("person", cover.person)
    if cover.nonce is not None and len(cover.nonce) != NONCE_BYTES:
        faults.append(
            Fault(
                "nonce",
                "NONCE_UNUSABLE",
                f"Expected a nonce of {NONCE_BYTES} bytes, but got {len(cover.nonce)}.",
                f"随机数应为 {NONCE_BYTES} 字节，实际为 {len(cover.nonce)} 字节。",
            )
        )
    return faults


def _is_handed_in_again(newest: Filing, cover: Cover, booked_quarter: Quarter) -> bool:
    """Whether it is the newest return once more. One that can't be certified any more is worth a new one."""
    is_stuck = newest.awaits_certification and newest.booked_quarter != booked_quarter
    return newest.content_hash == cover.content_hash and not is_stuck


def make_room(database: Database, agreement_id: int) -> None:
    """Makes partitions in a transaction of their own: a new one holds up who writes to what it refers to."""
    with database.writing() as connection:
        booked_quarter = open_quarter(connection, agreement_id)
        if booked_quarter is not None:
            open_booked_quarter(connection, booked_quarter.code)


def _described(
    lines: Sequence[LineDraft], totals: Sequence[tuple[str, str]], is_nil: bool
) -> dict[str, Json]:
    return {
        "is_nil": is_nil,
        "lines": [
            [line.credit_code or "", line.measure, line.span, line.amount, line.document] for line in lines
        ],
        "totals": [[measure, amount] for measure, amount in totals],
    }


def _written(lines: Sequence[LineDraft], totals: Sequence[tuple[str, str]], is_nil: bool) -> WrittenReturn:
    return WrittenReturn(
        rows=[
            WrittenRow(line.credit_code, None, line.measure, line.span, line.amount, line.document)
            for line in lines
        ],
        totals=[
            DeclaredTotal(
                measure, amount, Place("", f"totals[{index}].measure"), Place("", f"totals[{index}].amount")
            )
            for index, (measure, amount) in enumerate(totals)
        ],
        place_of=_place_in_request,
        is_nil=is_nil,
        is_request=True,
    )


def _place_in_request(index: int, name: Field) -> Place:
    return Place("", f"lines[{index}].{name}")


def _newest(connection: Connection, slot: Slot) -> Filing | None:
    """The return with the highest sequence."""
    of_slot = filings(connection, slot.agreement_id, quarter=slot.quarter, role=slot.role)
    return of_slot[-1] if of_slot else None


def _store(
    connection: Connection,
    record: Recorder,
    taken: _Taken,
    cover: Cover,
    checked: CheckedReturn,
) -> int:
    slot, booked_quarter, sequence, needs_certification, commitment = taken
    filing_id = new_id()
    records = _records_of(checked)
    lines_hash = hash_of_lines(records)
    line_count = len(checked.subjects)
    event_id = record(
        "return_handed_in",
        {
            "filing": str(filing_id),
            "role": slot.role,
            "quarter": str(slot.quarter),
            "booked_quarter": str(booked_quarter),
            "sequence": sequence,
            "is_nil": line_count == 0,
            "file_name": cover.file_name,
            "content_hash": cover.content_hash.hex(),
            "lines_hash": lines_hash.hex(),
            "line_count": line_count,
            "totals": {
                name: format_amount(amount_minor, MEASURE_BY_NAME[name].commodity.scale)
                for name, amount_minor in checked.totals_minor.items()
            },
            "needs_certification": needs_certification,
            **cover.signed_by,
        },
        slot.agreement_id,
    )
    open_booked_quarter(connection, booked_quarter.code)
    key = {
        "agreement_id": slot.agreement_id,
        "booked_quarter": booked_quarter.code,
        "filing_id": filing_id,
    }
    connection.execute(
        insert(filing_table).values(
            **key,
            quarter=slot.quarter.code,
            role=slot.role,
            sequence=sequence,
            is_nil=line_count == 0,
            file_name=cover.file_name,
            content_hash=cover.content_hash,
            lines_hash=lines_hash,
            line_count=line_count,
            person=cover.person,
            needs_certification=needs_certification,
            nonce=cover.nonce,
            commitment=commitment,
            event_id=event_id,
        )
    )
    _store_totals(connection, key, checked.totals_minor)
    _store_lines(connection, tuple(key.values()), checked)
    of_return = salted_return(filing_id, slot, booked_quarter, sequence)
    tree = SaltedTree.of(lines_by_subject(records))
    record_salted(connection, record, LINES_SALTED, [(slot.agreement_id, of_return, tree)])
    return filing_id


def _records_of(checked: CheckedReturn) -> Records:
    return line_records(
        subject=checked.subjects,
        measure=[measure.measure_id for measure in checked.measures],
        starts=[_day_number(span) for span in checked.spans],
        months=[span.months for span in checked.spans],
        amount=checked.amounts_minor,
        document=checked.documents,
    )


def _day_number(span: Span) -> int:
    day = span.start
    return day.year * 10_000 + day.month * 100 + day.day


def _store_totals(connection: Connection, key: Mapping[str, int], totals_minor: Mapping[str, int]) -> None:
    rows = [
        {**key, "measure_id": MEASURE_BY_NAME[name].measure_id, "amount_minor": amount_minor}
        for name, amount_minor in totals_minor.items()
    ]
    if rows:
        connection.execute(insert(filing_total), rows)


def _store_lines(connection: Connection, key: tuple[int, ...], checked: CheckedReturn) -> None:
    columns = zip(
        checked.subjects,
        checked.measures,
        checked.spans,
        checked.amounts_minor,
        checked.documents,
        strict=True,
    )
    rows = (
        (*key, line, subject, measure.measure_id, span.months, span.start, amount_minor, document)
        for line, (subject, measure, span, amount_minor, document) in enumerate(columns, start=1)
    )
    if checked.subjects:
        copy_rows(connection, return_line, LINE_COLUMNS, rows)
