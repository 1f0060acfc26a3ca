"""The sample's commitments, recorded by one side and confirmed by the others; what is shared under them."""

from __future__ import annotations

from datetime import timedelta

from ledger.desk import sharing
from ledger.desk.commitments import RecordDraft, confirm_commitment, record_commitment
from ledger.desk.days import today
from ledger.desk.documents import keep_document
from ledger.desk.failures import NotFound
from ledger.desk.sharing import BookingDraft, BookingKey, ResourceDraft
from ledger_console.sample.acting import ACTOR, act
from ledger_console.sample.documents import SampleAgreement, SampleBooking, SampleRecord, SampleResource
from ledger_schema.sessions import Database


class PromiseDesk:
    """Keeps what one agreement of the sample promises beside money."""

    def __init__(self, database: Database, agreement: SampleAgreement, agreement_id: int) -> None:
        self._database = database
        self._agreement = agreement
        self._agreement_id = agreement_id

    def work(self) -> None:
        """Records and confirms commitments, and shares and books resources."""
        for record in self._agreement.desk.records:
            self._record(record)
        for resource in self._agreement.desk.resources:
            self._share(resource)

    def _record(self, record: SampleRecord) -> None:
        name = f"{self._agreement.code}/commitment/{record.code}"
        draft = RecordDraft(
            record.kind, record.day, record.note, record.reached_count, self._documents(record.evidence)
        )
        recorded = record_commitment(
            self._database, act(name), self._agreement_id, record.role, record.code, draft
        )
        for side in self._agreement.signing_sides:
            if side.role != record.role:
                confirmation = act(f"{name}/confirm/{side.role}")
                confirm_commitment(
                    self._database,
                    confirmation,
                    self._agreement_id,
                    record.code,
                    recorded.value,
                    side.role,
                )

    def _documents(self, evidence: str | None) -> list[bytes]:
        if evidence is None:
            return []
        content = evidence.encode()
        return [keep_document(self._database, "evidence.txt", "text/plain", content, actor=ACTOR).value.hash]

    def _share(self, resource: SampleResource) -> None:
        draft = ResourceDraft(
            resource.code,
            resource.commitment,
            resource.kind,
            resource.name.zh,
            resource.name.en,
            resource.field,
            resource.offer,
            resource.from_day,
        )
        name = f"{self._agreement.code}/resource/{resource.code}"
        sharing.share_resource(self._database, act(name), self._agreement_id, resource.role, draft)
        for number, booking in enumerate(resource.bookings, start=1):
            key = BookingKey(self._agreement_id, resource.code, number)
            self._ask(key, booking, f"{name}/booking/{number}")
            self._decide(key, resource.role, booking, f"{name}/booking/{number}/{booking.decision}")

    def _ask(self, key: BookingKey, booking: SampleBooking, name: str) -> None:
        """Asks for the days once: a load that goes on on another day would ask for others."""
        with self._database.reading() as connection:
            day = today(connection)
            try:
                sharing.booking(connection, key, day)
            except NotFound:
                pass
            else:
                return
        first = day + timedelta(days=booking.begins_after_days)
        last = first + timedelta(days=booking.day_count - 1)
        draft = BookingDraft(first, last, booking.purpose)
        sharing.ask_for_booking(self._database, act(name), key.resource, booking.role, draft)

    def _decide(self, key: BookingKey, owner: str, booking: SampleBooking, name: str) -> None:
        match booking.decision:
            case "accepted":
                sharing.accept_booking(self._database, act(name), key, owner)
            case "declined":
                sharing.decline_booking(self._database, act(name), key, owner, booking.reason)
