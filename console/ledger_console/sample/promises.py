"""The sample's commitments: one side records how far it has come, and the others confirm."""

from __future__ import annotations

from datetime import date

from ledger.desk.commitments import RecordDraft, commitments, confirm_commitment, record_commitment
from ledger.desk.days import today
from ledger_console.sample.acting import act
from ledger_console.sample.documents import SampleAgreement
from ledger_schema.sessions import Database

DAY = date(2025, 6, 30)
NOTE = "半年进度（虚构）"


def record_progress(database: Database, agreement: SampleAgreement, agreement_id: int) -> None:
    """Half of every target, recorded by the first side that signs."""
    recorder, *others = agreement.signing_sides
    with database.reading() as connection:
        promised = commitments(connection, agreement_id, today(connection))
    for one in promised:
        code, target = one.promise.code, one.promise.target_count
        draft = RecordDraft("progress", DAY, NOTE, None if target is None else target // 2)
        name = f"{agreement.code}/commitment/{code}"
        recorded = record_commitment(database, act(name), agreement_id, recorder.role, code, draft)
        for side in others:
            confirmation = act(f"{name}/confirm/{side.role}")
            confirm_commitment(database, confirmation, agreement_id, code, recorded.value, side.role)
