"""Recording what came of a commitment: by one side, with evidence; confirmed by the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, get_args

from sqlalchemy import Connection, insert

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.agreements import signing_side
from ledger.desk.commitments.reading import Commitment, CommitmentState, commitments
from ledger.desk.days import today
from ledger.desk.documents import require_kept
from ledger.desk.failures import NotFound, choice_faults, refuse, text_faults
from ledger.desk.occurrences import day_faults
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json
from ledger.rules.commitments import RecordKind
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import commitment_confirmation, commitment_evidence
from ledger_schema.tables import commitment_record as record_table

DOCUMENTS_MAX = 20
COUNT_MAX = 1_000_000_000


class CommitmentSettled(LedgerError):
    """All sides confirmed how the commitment ended."""

    code = "COMMITMENT_SETTLED"
    sentence_en = (
        "The commitment {commitment} is {state} already, confirmed by all sides. Nothing is left to record; "
        "amend the terms to promise more."
    )
    sentence_zh = "承诺 {commitment} 已由各方确认为{state}，无需再记录。如需新增承诺，请修订条款。"


class CommitmentOvertaken(LedgerError):
    """A later record took this one's place."""

    code = "COMMITMENT_OVERTAKEN"
    sentence_en = (
        "Record {sequence} of the commitment {commitment} was overtaken by record {newest}. "
        "Look at record {newest} and confirm that one."
    )
    sentence_zh = (
        "承诺 {commitment} 的第 {sequence} 次记录已被第 {newest} 次取代。请查看并确认第 {newest} 次记录。"
    )


class CommitmentAlreadyConfirmed(LedgerError):
    """The role has confirmed; recording counts as confirming."""

    code = "COMMITMENT_ALREADY_CONFIRMED"
    sentence_en = (
        "The role {role} has confirmed record {sequence} of the commitment {commitment} already (recording "
        "it counts). Nothing is left to do."
    )
    sentence_zh = (
        "角色 {role} 已确认承诺 {commitment} 的第 {sequence} 次记录（记录即视为确认），无需再次确认。"
    )


@dataclass(frozen=True, slots=True)
class RecordDraft:
    """What a side records: ``reached_count`` is all told, ``documents`` are hashes of kept files."""

    kind: RecordKind
    day: date
    note: str
    reached_count: int | None = None
    documents: list[bytes] = field(default_factory=list)


def record_commitment(
    database: Database, act: Act, agreement_id: int, role: str, code: str, draft: RecordDraft
) -> Done[int]:
    """Records what came of a commitment, confirmed by the recording role; returns the record's sequence.

    ``done`` needs evidence, and the target reached where there is one. Raises ``NotFound``,
    ``RoleDoesNotSign``, ``CommitmentSettled``, and ``RequestRefused`` with every fault.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(agreement_id))
        found = _unsettled(connection, agreement_id, code)
        signing_side(connection, agreement_id, role)
        refuse(_draft_faults(found, draft))
        require_kept(connection, draft.documents)
        sequence = len(found.records) + 1
        data: dict[str, Json] = {"code": code, "sequence": sequence, "role": role, **_described(draft)}
        event_id = record("commitment_recorded", data, agreement_id)
        _write(connection, agreement_id, code, sequence, role, draft, event_id)
        return {"sequence": sequence}

    request = {"agreement": str(agreement_id), "code": code, "role": role, **_described(draft)}
    return named_number(perform(database, act, "record_commitment", request, work), "sequence")


def confirm_commitment(
    database: Database, act: Act, agreement_id: int, code: str, sequence: int, role: str
) -> Done[int]:
    """Adds a signing role's confirmation to the newest record; returns its sequence.

    Raises ``NotFound``, ``RoleDoesNotSign``, ``CommitmentOvertaken``, ``CommitmentAlreadyConfirmed``,
    ``CommitmentSettled``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(agreement_id))
        found = _unsettled(connection, agreement_id, code)
        signing_side(connection, agreement_id, role)
        _refuse_unconfirmable(found, sequence, role)
        data: dict[str, Json] = {"code": code, "sequence": sequence, "role": role}
        event_id = record("commitment_confirmed", data, agreement_id)
        _add_confirmation(connection, agreement_id, code, sequence, role, event_id)
        return {"sequence": sequence}

    request: dict[str, Json] = {
        "agreement": str(agreement_id),
        "code": code,
        "sequence": sequence,
        "role": role,
    }
    return named_number(perform(database, act, "confirm_commitment", request, work), "sequence")


def _unsettled(connection: Connection, agreement_id: int, code: str) -> Commitment:
    """The commitment of the terms in force. Raises ``NotFound``, ``CommitmentSettled``."""
    for one in commitments(connection, agreement_id, today(connection)):
        if one.promise.code == code:
            if one.state in (CommitmentState.CONFIRMED, CommitmentState.DROPPED):
                raise CommitmentSettled(commitment=code, state=one.state.value)
            return one
    raise NotFound("commitment", f"{agreement_id}/{code}")


def _refuse_unconfirmable(found: Commitment, sequence: int, role: str) -> None:
    code, newest = found.promise.code, len(found.records)
    if not 1 <= sequence <= newest:
        raise NotFound("commitment", f"{found.agreement_id}/{code}/{sequence}")
    if sequence < newest:
        raise CommitmentOvertaken(commitment=code, sequence=sequence, newest=newest)
    if role in found.records[-1].confirmed_by:
        raise CommitmentAlreadyConfirmed(commitment=code, role=role, sequence=sequence)


def _described(draft: RecordDraft) -> dict[str, Json]:
    return {
        "kind": draft.kind,
        "day": draft.day.isoformat(),
        "note": draft.note,
        "reached_count": draft.reached_count,
        "documents": sorted({hashed.hex() for hashed in draft.documents}),
    }


def _write(
    connection: Connection,
    agreement_id: int,
    code: str,
    sequence: int,
    role: str,
    draft: RecordDraft,
    event_id: int,
) -> None:
    key = {"agreement_id": agreement_id, "code": code, "sequence": sequence}
    connection.execute(
        insert(record_table).values(
            **key,
            kind=draft.kind,
            day=draft.day,
            reached_count=draft.reached_count,
            note=draft.note,
            recorded_by=role,
            event_id=event_id,
        )
    )
    evidence = [{**key, "hash": hashed} for hashed in sorted(set(draft.documents))]
    if evidence:
        connection.execute(insert(commitment_evidence), evidence)
    _add_confirmation(connection, agreement_id, code, sequence, role, event_id)


def _add_confirmation(
    connection: Connection, agreement_id: int, code: str, sequence: int, role: str, event_id: int
) -> None:
    connection.execute(
        insert(commitment_confirmation).values(
            agreement_id=agreement_id, code=code, sequence=sequence, role=role, event_id=event_id
        )
    )


# --- what can be wrong ------------------------------------------------------------------------------------


def _draft_faults(found: Commitment, draft: RecordDraft) -> list[Fault]:
    faults = [
        *choice_faults("kind", draft.kind, get_args(RecordKind)),
        *day_faults("day", draft.day),
        *text_faults("note", draft.note),
        *_count_faults(found, draft),
    ]
    if draft.kind == "done" and not draft.documents:
        faults.append(
            Fault(
                "documents",
                "EVIDENCE_MISSING",
                "Expected at least one document that proves it, but got none.",
                "应至少附一份证明文件，实际没有。",
            )
        )
    if len(draft.documents) > DOCUMENTS_MAX:
        faults.append(
            Fault(
                "documents",
                "TOO_MANY_DOCUMENTS",
                f"Expected at most {DOCUMENTS_MAX} documents, but got {len(draft.documents)}.",
                f"文件最多 {DOCUMENTS_MAX} 份，实际为 {len(draft.documents)} 份。",
            )
        )
    return faults


def _count_faults(found: Commitment, draft: RecordDraft) -> list[Fault]:
    target, reached = found.promise.target_count, draft.reached_count
    least = (target or 0) if draft.kind == "done" else 0
    if reached is None and (target is None or draft.kind == "dropped"):
        return []
    if target is not None and reached is not None and least <= reached <= COUNT_MAX:
        return []
    if target is None:
        expected_en, expected_zh = "no number, because none is promised", "不填数量（未承诺数量）"
    else:
        expected_en, expected_zh = f"a number from {least} up", f"不小于 {least} 的整数"
    return [
        Fault(
            "reachedCount",
            "COUNT_UNUSABLE",
            f"Expected {expected_en}, but got {reached}.",
            f"应为{expected_zh}，实际为 {reached}。",
        )
    ]
