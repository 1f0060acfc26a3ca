"""Returns: what was handed in, its lines and totals, who committed and certified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Table, func, select

from ledger.desk.fsck.comparing import UNREADABLE, Mismatch, Said, Scope, Told, whole_row
from ledger.evidence.commitments import commitment_of
from ledger.evidence.lines import Records, hash_of_lines, line_records
from ledger.measures import MEASURE_BY_NAME
from ledger.money import parse_amount
from ledger.periods import Quarter
from ledger_schema.tables import filing, filing_certification, filing_commitment, filing_total, return_line

KINDS = ("return_handed_in", "return_committed", "return_certified")


def check_returns(scope: Scope) -> Iterator[Mismatch]:
    """Returns, totals, commitments and certifications are what the events say."""
    tables: tuple[Table, ...] = (filing, filing_total, filing_commitment, filing_certification)
    told = (row for said in scope.said(*KINDS) for row in _told(said))
    yield from scope.compare(tables, told)


def _told(said: Said) -> Iterator[Told]:
    if said.kind == "return_handed_in":
        yield from _handed_in(said)
    elif said.kind == "return_committed":
        yield said.row(
            filing_commitment,
            agreement_id=said.agreement_id,
            quarter=Quarter.parse(said.data["quarter"]).code,
            role=said.data["role"],
            sequence=said.data["sequence"],
            commitment=bytes.fromhex(said.data["commitment"]),
        )
    else:
        who = {"maker": said.data["maker"], "person": said.data["person"]}
        yield said.row(filing_certification, **key_of_return(said), **who)


def _handed_in(said: Said) -> Iterator[Told]:
    data = said.data
    content_hash = bytes.fromhex(data["content_hash"])
    nonce = None if data.get("nonce") is None else bytes.fromhex(data["nonce"])
    same = {name: data[name] for name in ("role", "sequence", "is_nil", "file_name", "line_count")}
    said_later = {name: data[name] for name in ("needs_certification",) if name in data}
    yield said.row(
        filing,
        **key_of_return(said),
        **same,
        **said_later,
        quarter=Quarter.parse(data["quarter"]).code,
        content_hash=content_hash,
        lines_hash=bytes.fromhex(data["lines_hash"]),
        person=data.get("person"),
        nonce=nonce,
        commitment=None if nonce is None else commitment_of(content_hash, nonce),
    )
    for name, amount in data["totals"].items():
        measure = MEASURE_BY_NAME[name]
        amount_minor = parse_amount(amount, measure.commodity.scale)
        yield said.row(
            filing_total, **key_of_return(said), measure_id=measure.measure_id, amount_minor=amount_minor
        )


def key_of_return(said: Said) -> dict[str, object]:
    """The key's columns of the return that an event is about."""
    return {
        "agreement_id": said.agreement_id,
        "booked_quarter": Quarter.parse(said.data["booked_quarter"]).code,
        "filing_id": int(said.data["filing"]),
    }


def check_lines(scope: Scope) -> Iterator[Mismatch]:
    """The lines of every return have the hash that its event names, and add up to its totals."""
    seen = set()
    for said in scope.said("return_handed_in"):
        key = key_of_return(said)
        seen.add((key["booked_quarter"], key["filing_id"]))
        if scope.since is None or Quarter.parse(said.data["booked_quarter"]) >= scope.since:
            yield from _lines(scope, said, key)
    yield from _of_no_return(scope, seen)


def _lines(scope: Scope, said: Said, key: dict[str, object]) -> Iterator[Mismatch]:
    rows = list(rows_of_return(scope, key))
    scope.row_count += len(rows)
    numbers, expected = {row.line for row in rows}, range(1, said.data["line_count"] + 1)
    for number in sorted(numbers.symmetric_difference(expected)):
        told = ("no such row", "a row") if number in numbers else ("a row", "no such row")
        yield whole_row(return_line, (*key.values(), number), *told)
    try:
        hashed = hash_of_lines(records_of_rows(rows)).hex()
    except UNREADABLE as error:
        hashed = str(error)
    if hashed != said.data["lines_hash"]:
        yield whole_row(return_line, tuple(key.values()), f"hash {said.data['lines_hash']}", f"hash {hashed}")


def rows_of_return(scope: Scope, key: Mapping[str, object]) -> Iterator[Row[Any]]:
    """The stored lines of the return with this key, in line order."""
    return scope.rows(return_line, *(return_line.c[name] == value for name, value in key.items()))


def records_of_rows(rows: Sequence[Row[Any]]) -> Records:
    """Stored lines in their binary form. Raises ``InvariantBroken``."""
    return line_records(
        subject=[row.subject_id for row in rows],
        measure=[row.measure_id for row in rows],
        starts=[row.starts.year * 10_000 + row.starts.month * 100 + row.starts.day for row in rows],
        months=[row.months for row in rows],
        amount=[row.amount_minor for row in rows],
        document=[row.document for row in rows],
    )


def _of_no_return(scope: Scope, seen: set[tuple[object, object]]) -> Iterator[Mismatch]:
    columns = return_line.c
    groups = scope.connection.execute(
        select(columns.booked_quarter, columns.filing_id, func.count())
        .where(columns.agreement_id == scope.agreement_id)
        .group_by(columns.booked_quarter, columns.filing_id)
    )
    for quarter, filing_id, count in groups:
        if (quarter, filing_id) not in seen:
            yield whole_row(
                return_line, (scope.agreement_id, quarter, filing_id), "no line", f"{count} lines"
            )
