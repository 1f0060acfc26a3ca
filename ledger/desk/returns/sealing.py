"""Sealed submission: each side commits to its figures by a hash, and they open when all have, or in the end.

Before they open no figures are taken, so there are none that anybody could see. From then on the first return
of a side that committed must be the one that it committed to; who didn't commit hands in late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, exists, insert, select

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.days import today
from ledger.desk.failures import refuse
from ledger.desk.returns.expected import expectation, terms_for
from ledger.desk.returns.slots import Slot, hold_quarter_to_book_in, queue_on_return, refuse_unknown
from ledger.errors import LedgerError
from ledger.evidence.commitments import commitment_of
from ledger.periods import Quarter
from ledger.rules.facts import Fault
from ledger.rules.vouchers import cleared_roles
from ledger_schema.sessions import Database
from ledger_schema.tables import filing as filing_table
from ledger_schema.tables import filing_commitment

COMMITMENT_BYTES = 32


class NotSealed(LedgerError):
    """The terms ask for no commitment."""

    code = "NOT_SEALED"
    sentence_en = "The terms in force for {quarter} ask for no commitment. Hand in the return itself."
    sentence_zh = "按 {quarter} 有效的条款无须密封承诺。请直接申报。"


class FiguresSealed(LedgerError):
    """Figures open when all sides have committed, or after the day for submitting."""

    code = "FIGURES_SEALED"
    sentence_en = (
        "The figures of {quarter} aren't open yet: {waiting} hasn't committed, and the day for submitting is "
        "{due}. Commit to the return now, and hand it in once the figures are open."
    )
    sentence_zh = (
        "{quarter} 的数据尚未开封：{waiting} 尚未提交承诺，申报截止日为 {due}。请先提交承诺，开封后再申报。"
    )


class FiguresOpen(LedgerError):
    """Once the figures are open nobody commits any more."""

    code = "FIGURES_OPEN"
    sentence_en = (
        "The figures of {quarter} are open already, so it is too late to commit. Hand in the return."
    )
    sentence_zh = "{quarter} 的数据已开封，不能再提交承诺。请直接申报。"


class CommitmentDiffers(LedgerError):
    """The content and nonce aren't those that the side committed to."""

    code = "COMMITMENT_DIFFERS"
    sentence_en = (
        "The role {role} committed to {expected} for {quarter}, but this file with this nonce gives {got}. "
        "Hand in the file that was sealed, unchanged, with its nonce."
    )
    sentence_zh = (
        "角色 {role} 就 {quarter} 承诺的是 {expected}，而此文件与随机数得出 {got}。"
        "请原样提交密封时的文件和随机数。"
    )


class NothingToOpen(LedgerError):
    """A nonce came with a return that opens no commitment."""

    code = "NOTHING_TO_OPEN"
    sentence_en = (
        "No commitment of the role {role} for {quarter} waits to be opened. "
        "Hand in the return without a nonce."
    )
    sentence_zh = "角色 {role} 就 {quarter} 没有待开封的承诺。请不带随机数申报。"


class CommitmentRepeated(LedgerError):
    """A commitment that was replaced by another one before."""

    code = "COMMITMENT_REPEATED"
    sentence_en = "This commitment was made and replaced before. Seal the file again with a new nonce."
    sentence_zh = "该承诺此前已提交并被替换。请用新的随机数重新密封文件。"


@dataclass(frozen=True, slots=True)
class Commitment:
    """The newest commitment of a role; ``commitment`` is a SHA-256."""

    role: str
    sequence: int
    commitment: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Seal:
    """Where a sealed quarter stands. ``waiting``: the roles that haven't committed; ``due``: the last day."""

    commitments: dict[str, Commitment]
    waiting: list[str]
    due: date
    is_open: bool


def commit(
    database: Database, act: Act, agreement_id: int, role: str, quarter: Quarter, commitment: bytes
) -> Done[int]:
    """Binds ``role`` to the return that it will hand in for ``quarter``; returns the sequence.

    A later commitment supersedes as long as the figures aren't open. Raises ``RequestRefused``, ``NotFound``,
    ``NoOpenQuarter``, ``QuarterOutOfReach``, ``RoleReportsNothing``, ``NotSealed``, ``FiguresOpen``,
    ``CommitmentRepeated``.
    """
    refuse(_commitment_faults(commitment))
    slot = Slot(agreement_id, role, quarter)

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        refuse_unknown(connection, slot)
        hold_quarter_to_book_in(connection, slot)
        expectation(connection, *slot)
        queue_on_return(connection, *slot)
        found = _hold_seal(connection, slot)
        if found is None:
            raise NotSealed(quarter=quarter)
        if found.is_open or _has_handed_in(connection, slot):
            raise FiguresOpen(quarter=quarter)
        before = found.commitments.get(role)
        if before is not None and before.commitment == commitment:
            return {"sequence": before.sequence}
        return {"sequence": _add(connection, record, slot, commitment, before)}

    request = {
        "agreement": str(agreement_id),
        "role": role,
        "quarter": str(quarter),
        "commitment": commitment.hex(),
    }
    return named_number(perform(database, act, "commit_return", request, work), "sequence")


def seal(connection: Connection, agreement_id: int, quarter: Quarter) -> Seal | None:
    """Where the quarter's seal stands today; None where the terms ask for none.

    Raises ``NotFound``, ``NoOpenQuarter``, ``QuarterOutOfReach``.
    """
    terms = terms_for(connection, agreement_id, quarter)
    procedure = terms.procedure
    if procedure is None or procedure.calendar is None or not procedure.sealed:
        return None
    commitments = _commitments(connection, agreement_id, quarter)
    waiting = sorted(terms.reporting_roles.difference(commitments, cleared_roles(terms.clauses)))
    due = procedure.calendar.due_days(quarter)["submit"]
    return Seal(commitments, waiting, due, is_open=not waiting or today(connection) > due)


def opened_commitment(
    connection: Connection, slot: Slot, content_hash: bytes, nonce: bytes | None, *, is_sealed: bool
) -> bytes | None:
    """The commitment that the first return of a sealed quarter (``is_sealed``) opens; None without one.

    Raises ``FiguresSealed``, ``CommitmentDiffers``, ``NothingToOpen``.
    """
    found = _hold_seal(connection, slot) if is_sealed else None
    if found is not None and not found.is_open:
        raise FiguresSealed(quarter=slot.quarter, waiting=", ".join(found.waiting), due=found.due)
    made = None if found is None else found.commitments.get(slot.role)
    if made is None:
        if nonce is not None:
            raise NothingToOpen(role=slot.role, quarter=slot.quarter)
        return None
    got = None if nonce is None else commitment_of(content_hash, nonce)
    if got != made.commitment:
        raise CommitmentDiffers(
            role=slot.role,
            quarter=slot.quarter,
            expected=made.commitment.hex(),
            got="-" if got is None else got.hex(),
        )
    return got


def _hold_seal(connection: Connection, slot: Slot) -> Seal | None:
    """The seal of the quarter, which stays as it is until the transaction ends."""
    queue_on(connection, Queue.RETURN, f"{slot.agreement_id}/{slot.quarter}/commitments")
    return seal(connection, slot.agreement_id, slot.quarter)


def _commitments(connection: Connection, agreement_id: int, quarter: Quarter) -> dict[str, Commitment]:
    columns = filing_commitment.c
    rows = connection.execute(
        select(columns.role, columns.sequence, columns.commitment, columns.recorded_at)
        .where(columns.agreement_id == agreement_id, columns.quarter == quarter.code)
        .order_by(columns.role, columns.sequence)
    )
    return {row.role: Commitment(*row) for row in rows}


def _has_handed_in(connection: Connection, slot: Slot) -> bool:
    columns = filing_table.c
    handed_in = exists().where(
        columns.agreement_id == slot.agreement_id,
        columns.quarter == slot.quarter.code,
        columns.role == slot.role,
    )
    return connection.execute(select(handed_in)).scalar_one()


def _add(
    connection: Connection, record: Recorder, slot: Slot, commitment: bytes, before: Commitment | None
) -> int:
    _refuse_repeated(connection, slot, commitment)
    sequence = 1 if before is None else before.sequence + 1
    event_id = record(
        "return_committed",
        {
            "role": slot.role,
            "quarter": str(slot.quarter),
            "sequence": sequence,
            "commitment": commitment.hex(),
        },
        slot.agreement_id,
    )
    connection.execute(
        insert(filing_commitment).values(
            agreement_id=slot.agreement_id,
            quarter=slot.quarter.code,
            role=slot.role,
            sequence=sequence,
            commitment=commitment,
            event_id=event_id,
        )
    )
    return sequence


def _refuse_repeated(connection: Connection, slot: Slot, commitment: bytes) -> None:
    columns = filing_commitment.c
    made = exists().where(
        columns.agreement_id == slot.agreement_id,
        columns.quarter == slot.quarter.code,
        columns.role == slot.role,
        columns.commitment == commitment,
    )
    if connection.execute(select(made)).scalar_one():
        raise CommitmentRepeated()


def _commitment_faults(commitment: bytes) -> list[Fault]:
    if len(commitment) == COMMITMENT_BYTES:
        return []
    return [
        Fault(
            "commitment",
            "COMMITMENT_UNUSABLE",
            f"Expected a SHA-256 ({COMMITMENT_BYTES} bytes), but got {len(commitment)} bytes.",
            f"应为 SHA-256（{COMMITMENT_BYTES} 字节），实际为 {len(commitment)} 字节。",
        )
    ]
