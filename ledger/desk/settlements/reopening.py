"""Reopening the last closed quarter: asked for with a reason, signed by all whom the terms name, then done.

Nothing is removed. The settlement that had closed the quarter stays readable as reopened, what was known
while it stood is told for those days for ever, and the row of the quarter after it waits until this one
closes again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    SmallInteger,
    Table,
    and_,
    exists,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
)

from ledger.desk import agreements
from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.failures import NotFound, refuse, text_faults
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.payments.standing import has_moved
from ledger.desk.settlements.proposals import signature_of, signing_party
from ledger.desk.settlements.reading import last_closed
from ledger.desk.settlements.summing import take_back_sums
from ledger.desk.signatures import Signable, Signature, refuse_signature, refuse_unsigned, unsigned
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    agreement_quarter,
    filing,
    quarter_reopened,
    quarter_reopening,
    quarter_reopening_signature,
)
from ledger_schema.tables import settlement as settlement_table

REOPENING_FORMAT = "parkledger.reopening/1"

ReopeningKey = tuple[int, int, int]
"""Quarter (20243), settlement, request: the order of reopenings."""


class QuarterNotReopenable(LedgerError):
    """The terms let nobody reopen the quarter, it isn't the last closed one, or something rests on it."""

    code = "QUARTER_NOT_REOPENABLE"
    sentence_en = "{quarter} can't be reopened: {reason_en}. Correct it in the open quarter instead."
    sentence_zh = "{quarter}不能重新打开：{reason_zh}。请在未结季度中更正。"

    def __init__(self, quarter: Quarter, reason: Reason) -> None:
        super().__init__(quarter=quarter, reason_en=reason[0], reason_zh=reason[1])


class ReopeningOvertaken(LedgerError):
    """Only the newest request about a quarter's closed settlement is signed and carried out."""

    code = "REOPENING_OVERTAKEN"
    sentence_en = "Request {request} to reopen {quarter} isn't the newest one any more. Look at {newest}."
    sentence_zh = "重新打开{quarter}的第 {request} 次申请已非最新。请查看第 {newest} 次。"


Reason = tuple[str, str]
"""Why not, in English and Chinese."""

NOT_LAST_CLOSED: Final[Reason] = ("it isn't the last closed quarter", "它不是最近关账的季度")
NOBODY_REOPENS: Final[Reason] = ("the terms let nobody reopen it", "条款未约定可由谁重新打开")


@dataclass(frozen=True, slots=True)
class Reopening:
    """A request to reopen a quarter.

    ``awaits`` are the roles that still must sign; none once the quarter was reopened or asked for anew.
    """

    agreement_id: int
    quarter: Quarter
    settlement_id: int
    request: int
    reason: str
    content: bytes
    content_hash: bytes
    signatures: list[Signature]
    awaits: list[str]
    recorded_at: datetime
    reopened_at: datetime | None

    @property
    def key(self) -> ReopeningKey:
        return self.quarter.code, self.settlement_id, self.request


# --- acts -------------------------------------------------------------------------------------------------


def request_reopening(
    database: Database, act: Act, agreement_id: int, quarter: Quarter, reason: str
) -> Done[int]:
    """Asks to reopen the last closed quarter; returns the request's number. A later request replaces it.

    Raises ``RequestRefused`` for an unusable reason, ``NotFound``, ``QuarterNotReopenable``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        refuse(text_faults("reason", reason))
        settlement_id = _hold_reopenable(connection, agreement_id, quarter)
        number = _newest(connection, agreement_id, quarter, settlement_id) + 1
        _record_request(connection, record, agreement_id, quarter, settlement_id, number, reason)
        return {"request": number}

    request = {"agreement": str(agreement_id), "quarter": str(quarter), "reason": reason}
    return named_number(perform(database, act, "request_reopening", request, work), "request")


def sign_reopening(
    database: Database,
    act: Act,
    agreement_id: int,
    quarter: Quarter,
    number: int,
    role: str,
    public_key: bytes,
    signature: bytes,
) -> Done[int]:
    """Adds a role's Ed25519 signature of exactly the request's bytes; returns the request's number.

    ``role`` is one of ``procedure.reopened_by``. Raises, in this order, ``NotFound``,
    ``QuarterNotReopenable``, ``ReopeningOvertaken``, ``RoleDoesNotSign``, ``AlreadySigned``,
    ``KeyNotRegistered``, ``SignatureWrong``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        asked = _hold_newest(connection, agreement_id, quarter, number)
        procedure = agreements.procedure_in_force(connection, agreement_id, quarter)
        party_id = signing_party(connection, agreement_id, role, procedure.reopened_by)
        refuse_signature(
            connection, _signable(asked), asked.signatures, role, party_id, public_key, signature
        )
        _record_signature(connection, record, asked, role, party_id, public_key, signature)
        return {"request": number}

    request = {
        **_request(agreement_id, quarter, number),
        "role": role,
        "public_key": public_key.hex(),
        "signature": signature.hex(),
    }
    return named_number(perform(database, act, "sign_reopening", request, work), "request")


def reopen(database: Database, act: Act, agreement_id: int, quarter: Quarter, number: int) -> Done[int]:
    """Reopens the quarter once all have signed; returns the request's number.

    Raises, in this order, ``NotFound``, ``QuarterNotReopenable``, ``ReopeningOvertaken``,
    ``SignaturesMissing``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        asked = _hold_newest(connection, agreement_id, quarter, number)
        procedure = agreements.procedure_in_force(connection, agreement_id, quarter)
        refuse_unsigned(_signable(asked), procedure.reopened_by, asked.signatures)
        event_id = record("quarter_reopened", _named(asked), agreement_id)
        connection.execute(
            select(
                func.reopen_quarter(
                    agreement_id, quarter.code, asked.settlement_id, literal(number, SmallInteger), event_id
                )
            )
        )
        take_back_sums(connection, agreement_id, quarter, asked.settlement_id)
        return {"request": number}

    request = _request(agreement_id, quarter, number)
    return named_number(perform(database, act, "reopen_quarter", request, work), "request")


def _request(agreement_id: int, quarter: Quarter, number: int) -> dict[str, Json]:
    return {"agreement": str(agreement_id), "quarter": str(quarter), "request": number}


# --- whether it can be reopened ---------------------------------------------------------------------------


def _booked_after(table: Table) -> Callable[[Connection, int, Quarter], bool]:
    def found(connection: Connection, agreement_id: int, quarter: Quarter) -> bool:
        later = exists().where(table.c.agreement_id == agreement_id, table.c.booked_quarter > quarter.code)
        return connection.execute(select(later)).scalar_one() is True

    return found


RESTING: Final[Sequence[tuple[Callable[[Connection, int, Quarter], bool], Reason]]] = (
    (_booked_after(filing), ("returns were handed in since it closed", "关账后已有申报")),
    (_booked_after(settlement_table), ("a settlement was computed since it closed", "关账后已计算过结算")),
    (has_moved, ("money of it was paid, netted or waived", "其款项已有支付、轧差或免除")),
)
"""What may rest on a closed quarter: whether it does, of an agreement and quarter, and how that is told.

The database asks for the returns and settlements once more.
"""


def _hold_reopenable(connection: Connection, agreement_id: int, quarter: Quarter) -> int:
    """The settlement of the last closed quarter on which nothing rests; nobody changes that meanwhile.

    Whoever hands in at the same moment shares the open quarter's row: we wait for it and then see the return.
    """
    agreements.agreement(connection, agreement_id)
    queue_on(connection, Queue.AGREEMENT, str(agreement_id))
    _take_following(connection, agreement_id)
    last = last_closed(connection, agreement_id)
    if last is None or last[1].quarter != quarter:
        raise QuarterNotReopenable(quarter, NOT_LAST_CLOSED)
    if not agreements.procedure_in_force(connection, agreement_id, quarter).reopened_by:
        raise QuarterNotReopenable(quarter, NOBODY_REOPENS)
    for rests, reason in RESTING:
        if rests(connection, agreement_id, quarter):
            raise QuarterNotReopenable(quarter, reason)
    return last[0]


def _take_following(connection: Connection, agreement_id: int) -> None:
    """Takes the open quarter's row, if there is one."""
    connection.execute(
        select(agreement_quarter.c.quarter)
        .where(agreement_quarter.c.agreement_id == agreement_id, agreement_quarter.c.state == "open")
        .with_for_update()
    )


def _hold_newest(connection: Connection, agreement_id: int, quarter: Quarter, number: int) -> Reopening:
    """The newest request about the last closed quarter, which nothing rests on."""
    settlement_id = _hold_reopenable(connection, agreement_id, quarter)
    asked = reopening(connection, agreement_id, quarter, settlement_id, number)
    newest = _newest(connection, agreement_id, quarter, settlement_id)
    if number != newest:
        raise ReopeningOvertaken(request=number, quarter=quarter, newest=newest)
    return asked


def _newest(connection: Connection, agreement_id: int, quarter: Quarter, settlement_id: int) -> int:
    """The number of the newest request about the settlement; 0 without any."""
    newest: int = connection.execute(
        select(func.coalesce(func.max(quarter_reopening.c.request), 0)).where(
            quarter_reopening.c.agreement_id == agreement_id,
            quarter_reopening.c.booked_quarter == quarter.code,
            quarter_reopening.c.settlement_id == settlement_id,
        )
    ).scalar_one()
    return newest


# --- recording --------------------------------------------------------------------------------------------


def _record_request(
    connection: Connection,
    record: Recorder,
    agreement_id: int,
    quarter: Quarter,
    settlement_id: int,
    number: int,
    reason: str,
) -> None:
    content = canonical_bytes(
        {
            "format": REOPENING_FORMAT,
            "agreement": agreements.agreement(connection, agreement_id).code,
            "quarter": str(quarter),
            "settlement": str(settlement_id),
            "request": number,
            "reason": reason,
        }
    )
    event_id = record(
        "reopening_requested",
        {
            "quarter": str(quarter),
            "settlement": str(settlement_id),
            "request": number,
            "reason": reason,
            "content_hash": digest(content).hex(),
        },
        agreement_id,
    )
    connection.execute(
        insert(quarter_reopening).values(
            agreement_id=agreement_id,
            booked_quarter=quarter.code,
            settlement_id=settlement_id,
            request=number,
            reason=reason,
            content=content,
            content_hash=digest(content),
            event_id=event_id,
        )
    )


def _record_signature(
    connection: Connection,
    record: Recorder,
    asked: Reopening,
    role: str,
    party_id: int,
    public_key: bytes,
    signature: bytes,
) -> None:
    given = {"role": role, "public_key": public_key.hex(), "signature": signature.hex()}
    event_id = record("reopening_signed", {**_named(asked), **given}, asked.agreement_id)
    connection.execute(
        insert(quarter_reopening_signature).values(
            agreement_id=asked.agreement_id,
            booked_quarter=asked.quarter.code,
            settlement_id=asked.settlement_id,
            request=asked.request,
            role=role,
            party_id=party_id,
            public_key=public_key,
            signature=signature,
            event_id=event_id,
        )
    )


def _named(asked: Reopening) -> dict[str, Json]:
    return {
        "quarter": str(asked.quarter),
        "settlement": str(asked.settlement_id),
        "request": asked.request,
        "content_hash": asked.content_hash.hex(),
    }


def _signable(asked: Reopening) -> Signable:
    return Signable(
        asked.content,
        f"request {asked.request} to reopen {asked.quarter}",
        f"重新打开{asked.quarter}的第 {asked.request} 次申请",
    )


# --- reading ----------------------------------------------------------------------------------------------


def reopening(
    connection: Connection, agreement_id: int, quarter: Quarter, settlement_id: int, number: int
) -> Reopening:
    """One request. Raises ``NotFound``."""
    key = (quarter.code, settlement_id, number)
    found = _reopenings(connection, agreement_id, _reopening_key() == key, 1)
    if not found:
        raise NotFound("reopening", f"{quarter}/{number}")
    return found[0]


def newest_reopening(connection: Connection, agreement_id: int, quarter: Quarter, number: int) -> Reopening:
    """The request of this number about the settlement that last closed the quarter. Raises ``NotFound``."""
    wanted = and_(quarter_reopening.c.booked_quarter == quarter.code, quarter_reopening.c.request == number)
    found = _reopenings(connection, agreement_id, wanted, None)
    if not found:
        raise NotFound("reopening", f"{quarter}/{number}")
    return found[-1]


def reopenings(
    connection: Connection, agreement_id: int, *, after: ReopeningKey | None = None, limit: int = PAGE_LIMIT
) -> Page[Reopening]:
    """Every request of an agreement by quarter and time."""
    wanted = true() if after is None else _reopening_key() > after
    found = _reopenings(connection, agreement_id, wanted, rows_to_read(limit))
    return page_of(found, limit, lambda one: one)


def _reopening_key() -> ColumnElement[Any]:
    columns = quarter_reopening.c
    return tuple_(columns.booked_quarter, columns.settlement_id, columns.request)


def _reopenings(
    connection: Connection, agreement_id: int, wanted: ColumnElement[bool], limit: int | None
) -> list[Reopening]:
    asked, done = quarter_reopening.c, quarter_reopened.c
    rows = connection.execute(
        select(quarter_reopening, done.reopened_at)
        .join(
            quarter_reopened,
            and_(
                done.agreement_id == asked.agreement_id,
                done.booked_quarter == asked.booked_quarter,
                done.settlement_id == asked.settlement_id,
                done.request == asked.request,
            ),
            isouter=True,
        )
        .where(asked.agreement_id == agreement_id, wanted)
        .order_by(asked.booked_quarter, asked.settlement_id, asked.request)
        .limit(limit)
    ).all()
    signatures = _signatures(connection, agreement_id, [row.settlement_id for row in rows])
    newest, needed = _awaiting(connection, agreement_id)
    return [
        _reopening(
            row,
            signatures.get((row.settlement_id, row.request), []),
            needed if (row.settlement_id, row.request) == newest else (),
        )
        for row in rows
    ]


def _awaiting(connection: Connection, agreement_id: int) -> tuple[tuple[int, int] | None, Sequence[str]]:
    """The newest request (settlement, number) about the last closed quarter, and the roles that sign it."""
    last = last_closed(connection, agreement_id)
    if last is None:
        return None, ()
    settlement_id, quarter = last[0], last[1].quarter
    newest = settlement_id, _newest(connection, agreement_id, quarter, settlement_id)
    return newest, agreements.procedure_in_force(connection, agreement_id, quarter).reopened_by


def _reopening(row: Row[Any], signatures: list[Signature], needed: Sequence[str]) -> Reopening:
    return Reopening(
        agreement_id=row.agreement_id,
        quarter=Quarter.from_code(row.booked_quarter),
        settlement_id=row.settlement_id,
        request=row.request,
        reason=row.reason,
        content=row.content,
        content_hash=row.content_hash,
        signatures=signatures,
        awaits=unsigned(needed, signatures),
        recorded_at=row.recorded_at,
        reopened_at=row.reopened_at,
    )


def _signatures(
    connection: Connection, agreement_id: int, settlement_ids: Sequence[int]
) -> dict[tuple[int, int], list[Signature]]:
    """By settlement and request."""
    columns = quarter_reopening_signature.c
    rows = connection.execute(
        select(quarter_reopening_signature)
        .where(columns.agreement_id == agreement_id, columns.settlement_id.in_(settlement_ids))
        .order_by(columns.role)
    )
    found: dict[tuple[int, int], list[Signature]] = {}
    for row in rows:
        found.setdefault((row.settlement_id, row.request), []).append(signature_of(row))
    return found
