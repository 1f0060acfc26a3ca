"""An agreement with commitments, and short ways to keep them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from desk_fixtures import Document, Room, open_room

from ledger.desk import commitments, documents
from ledger.desk.commitments import Commitment, RecordDraft
from ledger.evidence.canonical import digest
from ledger.rules.commitments import RecordKind
from ledger_schema.sessions import Database

DAY = date(2024, 5, 1)
EVIDENCE = b"%PDF made up minutes"


def promise(code: str = "exchange", **parts: object) -> Document:
    """Ten people exchanged by the middle of 2024, unless ``parts`` say otherwise."""
    return {
        "code": code,
        "kind": "people_exchange",
        "title": {"zh": "互派干部", "en": "Officials exchanged"},
        "by": ["origin", "host"],
        "due_day": "2024-06-30",
        "target_count": 10,
        **parts,
    }


@dataclass
class PromisingRoom(Room):
    """A room whose terms have commitments."""

    promised: list[Document] = field(default_factory=lambda: [promise()])

    def terms(
        self,
        clauses: tuple[Document, ...],
        starts: str,
        last_quarter: str | None = None,
        transition: str = "by_step",
    ) -> Document:
        return super().terms(clauses, starts, last_quarter, transition) | {"commitments": self.promised}

    def record(
        self,
        kind: RecordKind = "done",
        role: str = "origin",
        *,
        code: str = "exchange",
        count: int | None = 10,
        note: str = "人员已到岗",
        evidence: bytes | None = EVIDENCE,
    ) -> int:
        found = [] if evidence is None else [digest(evidence)]
        if evidence is not None:
            documents.keep_document(self.database, "纪要.pdf", "application/pdf", evidence)
        draft = RecordDraft(kind, DAY, note, count, found)
        act = self.act()
        return commitments.record_commitment(self.database, act, self.agreement_id, role, code, draft).value

    def confirm(self, sequence: int, role: str = "host", *, code: str = "exchange") -> int:
        return commitments.confirm_commitment(
            self.database, self.act(), self.agreement_id, code, sequence, role
        ).value

    def commitment(self, today: date = DAY, *, code: str = "exchange") -> Commitment:
        with self.database.reading() as connection:
            found = commitments.commitments(connection, self.agreement_id, today)
        return next(one for one in found if one.promise.code == code)


def open_promising_room(database: Database, *clauses: Document, code: str = "PROMISING") -> PromisingRoom:
    room = open_room(database, *clauses, code=code, make=PromisingRoom)
    assert isinstance(room, PromisingRoom)
    return room
