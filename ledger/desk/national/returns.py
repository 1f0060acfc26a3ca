"""A national import: one quarter's returns of many agreements, taken as a whole or refused as a whole.

For whoever keeps the figures of many agreements already. A return must fulfil what ``returns.hand_in`` asks
of it; enterprises and measures are named by their ids. Returns that somebody is to certify, that are
sealed, or that clearing makes don't come in bulk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from ledger.desk.acts import Act, Done, Queue, Recorder, perform
from ledger.desk.copying import copy_rows
from ledger.desk.national.columns import Int64Column, copy_with_text
from ledger.desk.national.reading import read_listed
from ledger.desk.national.worlds import World, worlds
from ledger.desk.returns.checks import ExpectedMeasure, expected_measures
from ledger.desk.returns.salting import salted_return
from ledger.desk.returns.slots import Slot
from ledger.desk.salting import LINES_SALTED, SaltedTree, record_salted
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json
from ledger.evidence.lines import Records, hash_of_lines, line_records
from ledger.evidence.salted import lines_by_subject
from ledger.measures import MEASURE_BY_ID, MEASURE_BY_NAME
from ledger.money import AMOUNT_LIMIT_MINOR, format_amount
from ledger.periods import Quarter
from ledger.rules.procedure import Procedure
from ledger.rules.terms import WHOLE_PARK
from ledger.rules.vouchers import cleared_roles
from ledger_schema.ids import new_ids
from ledger_schema.partitions import attach_quarter, stage_quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import filing, filing_total

LINE_WIDTHS: Final = {
    "agreement_id": 8,
    "booked_quarter": 4,
    "filing_id": 8,
    "line": 4,
    "subject_id": 8,
    "measure_id": 2,
    "months": 2,
    "starts": 4,
    "amount_minor": 8,
}
DATE_ORIGIN: Final = np.datetime64("2000-01-01")
"""The database counts days from here."""

FAULTS_MAX: Final = 1000

SHARE_OPEN_QUARTERS = """
    SELECT agreement_id FROM agreement_quarter
    WHERE quarter = :quarter AND state = 'open' AND agreement_id = ANY(:agreements)
    ORDER BY agreement_id FOR SHARE
"""
QUEUE_ON_RETURNS = """
    SELECT pg_advisory_xact_lock(:queue, code)
    FROM (SELECT DISTINCT hashtext(name) AS code
          FROM unnest(cast(:names AS text[])) AS name ORDER BY 1) AS codes
"""
SEQUENCES = """
    SELECT agreement_id, role, max(sequence) AS sequence FROM filing
    WHERE quarter = :quarter AND agreement_id = ANY(:agreements) GROUP BY agreement_id, role
"""


@dataclass(frozen=True, slots=True)
class NationalReturns:
    """Returns with their lines as columns: those of return i are rows ``bounds[i]`` to ``bounds[i + 1]``.

    ``slots`` names each return's agreement and role, ``totals_minor`` what it declares by measure, and
    ``documents`` the reference that all of its lines have. Without lines it is a nil return.
    """

    slots: Sequence[tuple[int, str]]
    bounds: Sequence[int]
    totals_minor: Sequence[Mapping[str, int]]
    documents: Sequence[str]
    subject: Int64Column
    measure_id: Int64Column
    starts: npt.NDArray[np.datetime64]
    months: Int64Column
    amount_minor: Int64Column


@dataclass(frozen=True, slots=True)
class ImportFault:
    """What is wrong: the return's place in the import, the line in it (None: the whole), and a code.

    The codes are those of ``returns.hand_in``.
    """

    place: int
    line: int | None
    code: str


class ImportRefused(LedgerError):
    """Returns of the import aren't as the terms expect them; ``faults`` lists the first thousand."""

    code = "NATIONAL_IMPORT_REFUSED"
    sentence_en = (
        "The import has at least {count} faults; nothing was taken. The first is {first} in return {place}, "
        "line {line}. Correct the returns and import them again."
    )
    sentence_zh = (
        "导入数据至少有 {count} 处错误，未接收任何数据。第一处：第 {place} 份申报第 {line} 行，{first}。"
        "请更正后重新导入。"
    )

    def __init__(self, faults: Sequence[ImportFault]) -> None:
        first = faults[0]
        super().__init__(
            count=len(faults),
            first=first.code,
            place=first.place + 1,
            line="-" if first.line is None else first.line,
        )
        self.faults = list(faults)


def load_returns(database: Database, act: Act, quarter: Quarter, given: NationalReturns) -> Done[int]:
    """Take returns of ``quarter``, which must be open for each of their agreements; gives their number.

    A return of a role that has handed in before supersedes that return. Raises ``ImportRefused``.
    """
    records = _records(given)
    hashes = [hash_of_lines(of_return) for of_return in records]

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        with database.reading() as reader:
            _refuse(list(_faults(reader, quarter, given)))
        stages = stage_quarter(connection, quarter.code)
        filing_ids = new_ids(len(given.slots))
        _stage_lines(connection, stages.return_line, quarter, given, filing_ids)
        sequences = _hold(connection, quarter, given)
        _book(connection, record, quarter, given, filing_ids.tolist(), hashes, sequences)
        # Salting needs no database: it is done while the database makes keys and indexes.
        with ThreadPoolExecutor(1) as beside:
            salting = beside.submit(_salted, records)
            attach_quarter(connection, quarter.code)
        _record_salted(connection, record, quarter, given, filing_ids.tolist(), sequences, salting.result())
        return {"returns": len(given.slots)}

    request: dict[str, Json] = {
        "quarter": str(quarter),
        "returns": [
            [str(agreement_id), role, hashed.hex()]
            for (agreement_id, role), hashed in zip(given.slots, hashes, strict=True)
        ],
    }
    done = perform(database, act, "load_national_returns", request, work)
    return Done(int(done.value["returns"]), done.replayed)


def _records(given: NationalReturns) -> list[Records]:
    days = given.starts.astype("datetime64[D]")
    months = days.astype("datetime64[M]").astype(np.int64)
    day_numbers = (months // 12 + 1970) * 10_000 + (months % 12 + 1) * 100 + 1
    return [
        line_records(
            subject=given.subject[begin:end],
            measure=given.measure_id[begin:end],
            starts=day_numbers[begin:end],
            months=given.months[begin:end],
            amount=given.amount_minor[begin:end],
            document=[document] * (end - begin),
        )
        for (begin, end), document in zip(pairwise(given.bounds), given.documents, strict=True)
    ]


# --- what can be wrong ------------------------------------------------------------------------------------


def _refuse(faults: Sequence[ImportFault]) -> None:
    if faults:
        raise ImportRefused(faults[:FAULTS_MAX])


def _faults(connection: Connection, quarter: Quarter, given: NationalReturns) -> Iterator[ImportFault]:
    known = {world.agreement_id: world for world in worlds(connection, quarter)}
    listed = read_listed(connection, [known[one] for one, _ in given.slots if one in known])
    seen: set[tuple[int, str]] = set()
    for place, slot in enumerate(given.slots):
        world = known.get(slot[0])
        measures = {} if world is None else _expected(world, slot[1])
        if world is None or slot in seen or not measures:
            yield ImportFault(place, None, _slot_fault(world, slot[1], is_repeated=slot in seen))
            continue
        seen.add(slot)
        yield from (ImportFault(place, None, code) for code in _procedure_faults(world.procedure, slot[1]))
        rows = slice(given.bounds[place], given.bounds[place + 1])
        yield from _return_faults(place, quarter, given, rows, measures, listed.get(slot[0], _NOBODY))


def _expected(world: World, role: str) -> dict[str, ExpectedMeasure]:
    """What the role is to report itself; what is cleared, nobody hands in."""
    if role in cleared_roles(world.clauses):
        return {}
    return expected_measures(world.clauses, *world.procedure.figures_of(role))


def _slot_fault(world: World | None, role: str, *, is_repeated: bool) -> str:
    if world is None:
        return "QUARTER_NOT_OPEN"
    if role in cleared_roles(world.clauses):
        return "RETURN_IS_CLEARED"
    return "RETURN_REPEATED" if is_repeated else "ROLE_REPORTS_NOTHING"


def _procedure_faults(procedure: Procedure, role: str) -> Iterator[str]:
    """An import names no person and opens no commitment: such returns are handed in one by one."""
    if role in procedure.certified:
        yield "PERSON_MISSING"
    if procedure.sealed:
        yield "FIGURES_SEALED"


def _return_faults(
    place: int,
    quarter: Quarter,
    given: NationalReturns,
    rows: slice,
    measures: Mapping[str, ExpectedMeasure],
    listed: Int64Column,
) -> Iterator[ImportFault]:
    expected = {one.measure.measure_id: one for one in measures.values()}
    measure_id, subject, months = given.measure_id[rows], given.subject[rows], given.months[rows]
    starts, amount_minor = given.starts[rows], given.amount_minor[rows]
    is_park = subject == WHOLE_PARK

    def of(quality: Callable[[ExpectedMeasure], bool]) -> Int64Column:
        return np.array([number for number, one in expected.items() if quality(one)], np.int64)

    first_month = np.datetime64(quarter.start, "M")
    is_first_day = starts == starts.astype("datetime64[M]")
    month = (starts.astype("datetime64[M]") - first_month).astype(np.int64)
    inside = is_first_day & np.where(months == 3, month == 0, (months == 1) & (month >= 0) & (month < 3))
    monthly, park, enterprise = (
        of(lambda one: one.is_monthly),
        of(lambda one: one.for_whole_park),
        of(lambda one: one.for_enterprises),
    )
    checks = {
        "MEASURE_NOT_EXPECTED": ~np.isin(measure_id, of(lambda _: True)),
        "PERIOD_OUTSIDE_QUARTER": ~inside,
        "MONTH_REQUIRED": np.isin(measure_id, monthly) & (months != 1),
        "CREDIT_CODE_MISSING": is_park & ~np.isin(measure_id, park),
        "CREDIT_CODE_NOT_TAKEN": ~is_park & ~np.isin(measure_id, enterprise),
        "ENTERPRISE_NOT_LISTED": ~is_park & ~np.isin(subject, listed),
        "AMOUNT_TOO_LARGE": (amount_minor > AMOUNT_LIMIT_MINOR) | (amount_minor < -AMOUNT_LIMIT_MINOR),
        "LINE_REPEATED": _repeated(subject, measure_id * 100 + months * 20 + month),
    }
    for code, wrong in checks.items():
        for line in np.flatnonzero(wrong).tolist():
            yield ImportFault(place, line + 1, code)
    sums = _sums(measure_id, amount_minor)
    if sums != given.totals_minor[place]:
        yield ImportFault(place, None, "TOTAL_DIFFERS")


def _repeated(subject: Int64Column, about: Int64Column) -> npt.NDArray[np.bool_]:
    """Which lines say something again; all lines of a return have the same document."""
    order = np.lexsort((about, subject))
    again = np.zeros(len(order), np.bool_)
    again[order[1:]] = (np.diff(subject[order]) == 0) & (np.diff(about[order]) == 0)
    return again


def _sums(measure_id: Int64Column, amount_minor: Int64Column) -> dict[str, int]:
    return {
        MEASURE_BY_ID[one].name: sum(amount_minor[measure_id == one].tolist())
        for one in np.unique(measure_id).tolist()
        if one in MEASURE_BY_ID
    }


_NOBODY: Final = np.zeros(0, np.int64)


# --- storing ----------------------------------------------------------------------------------------------


def _stage_lines(
    connection: Connection, stage: str, quarter: Quarter, given: NationalReturns, filing_ids: Int64Column
) -> None:
    counts = np.diff(given.bounds)
    place = np.repeat(np.arange(len(counts)), counts)
    agreement_ids = np.array([agreement_id for agreement_id, _ in given.slots], np.int64)
    columns = {
        "agreement_id": agreement_ids[place],
        "booked_quarter": quarter.code,
        "filing_id": filing_ids[place],
        "line": np.arange(len(place)) - np.asarray(given.bounds)[place] + 1,
        "subject_id": given.subject,
        "measure_id": given.measure_id,
        "months": given.months,
        "starts": (given.starts - DATE_ORIGIN).astype(np.int64),
        "amount_minor": given.amount_minor,
    }
    copy_with_text(connection, stage, LINE_WIDTHS, columns, "document", given.documents, place)


def _hold(connection: Connection, quarter: Quarter, given: NationalReturns) -> dict[tuple[int, str], int]:
    """Holds the open quarters and the sequences of the returns; gives the last sequence of each."""
    agreement_ids = sorted({agreement_id for agreement_id, _ in given.slots})
    parameters = {"quarter": quarter.code, "agreements": agreement_ids}
    still_open = set(connection.execute(text(SHARE_OPEN_QUARTERS), parameters).scalars())
    _refuse(
        [
            ImportFault(place, None, "QUARTER_NOT_OPEN")
            for place, (agreement_id, _) in enumerate(given.slots)
            if agreement_id not in still_open
        ]
    )
    names = [f"{agreement_id}/{role}/{quarter}" for agreement_id, role in given.slots]
    connection.execute(text(QUEUE_ON_RETURNS), {"queue": int(Queue.RETURN), "names": names})
    rows = connection.execute(text(SEQUENCES), parameters)
    return {(agreement_id, role): sequence for agreement_id, role, sequence in rows}


def _book(
    connection: Connection,
    record: Recorder,
    quarter: Quarter,
    given: NationalReturns,
    filing_ids: Sequence[int],
    hashes: Sequence[bytes],
    sequences: Mapping[tuple[int, str], int],
) -> None:
    counts = [end - begin for begin, end in pairwise(given.bounds)]
    places = range(len(given.slots))
    events: list[tuple[int, Mapping[str, Json]]] = [
        (
            given.slots[place][0],
            {
                "filing": str(filing_ids[place]),
                "role": given.slots[place][1],
                "quarter": str(quarter),
                "booked_quarter": str(quarter),
                "sequence": sequences.get(given.slots[place], 0) + 1,
                "is_nil": counts[place] == 0,
                "file_name": None,
                "content_hash": hashes[place].hex(),
                "lines_hash": hashes[place].hex(),
                "line_count": counts[place],
                "totals": _written_totals(given.totals_minor[place]),
                "needs_certification": False,
            },
        )
        for place in places
    ]
    event_ids = record.record_all("return_handed_in", events)
    copy_rows(
        connection,
        filing,
        (
            "agreement_id",
            "booked_quarter",
            "filing_id",
            "quarter",
            "role",
            "sequence",
            "is_nil",
            "content_hash",
            "lines_hash",
            "line_count",
            "event_id",
        ),
        (
            (
                given.slots[place][0],
                quarter.code,
                filing_ids[place],
                quarter.code,
                given.slots[place][1],
                sequences.get(given.slots[place], 0) + 1,
                counts[place] == 0,
                hashes[place],
                hashes[place],
                counts[place],
                event_ids[place],
            )
            for place in places
        ),
    )
    copy_rows(
        connection,
        filing_total,
        ("agreement_id", "booked_quarter", "filing_id", "measure_id", "amount_minor"),
        (
            (
                given.slots[place][0],
                quarter.code,
                filing_ids[place],
                MEASURE_BY_NAME[name].measure_id,
                amount_minor,
            )
            for place in places
            for name, amount_minor in given.totals_minor[place].items()
        ),
    )


def _salted(records: Sequence[Records]) -> list[SaltedTree]:
    return [SaltedTree.of(lines_by_subject(of_return)) for of_return in records]


def _record_salted(
    connection: Connection,
    record: Recorder,
    quarter: Quarter,
    given: NationalReturns,
    filing_ids: Sequence[int],
    sequences: Mapping[tuple[int, str], int],
    trees: Sequence[SaltedTree],
) -> None:
    salted = []
    for (agreement_id, role), filing_id, tree in zip(given.slots, filing_ids, trees, strict=True):
        sequence = sequences.get((agreement_id, role), 0) + 1
        of_return = salted_return(filing_id, Slot(agreement_id, role, quarter), quarter, sequence)
        salted.append((agreement_id, of_return, tree))
    record_salted(connection, record, LINES_SALTED, salted)


def _written_totals(totals_minor: Mapping[str, int]) -> dict[str, Json]:
    return {
        name: format_amount(amount_minor, MEASURE_BY_NAME[name].commodity.scale)
        for name, amount_minor in totals_minor.items()
    }
