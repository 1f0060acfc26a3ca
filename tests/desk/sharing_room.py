"""An agreement that shares platforms and experts, and short ways to book them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from commitment_room import PromisingRoom, promise
from desk_fixtures import Document, open_room

from ledger.desk import sharing
from ledger.desk.days import today
from ledger.desk.sharing import (
    Booking,
    BookingDraft,
    BookingKey,
    ResourceDraft,
    ResourceKey,
    SharedResource,
    Wanted,
)
from ledger_schema.sessions import Database

SHARED = promise(
    "platforms",
    kind="shared_platform",
    title={"zh": "平台共享", "en": "Platforms shared"},
    by=["origin"],
    due_day=None,
    target_count=None,
)


@dataclass
class SharingRoom(PromisingRoom):
    """A room in which the origin shares and the host books."""

    promised: list[Document] = field(default_factory=lambda: [promise(), SHARED])

    def day(self, days: int) -> date:
        """So many days from today."""
        with self.database.reading() as connection:
            return today(connection) + timedelta(days=days)

    def draft(self, code: str = "microscope", **parts: object) -> ResourceDraft:
        given: dict[str, Any] = {
            "commitment": "platforms",
            "kind": "platform",
            "name_zh": "电镜平台",
            "name_en": "Microscope platform",
            "field": "新材料",
            "offer": "透射电镜机时，每日八小时",
            "from_day": self.day(0),
            **parts,
        }
        return ResourceDraft(code=code, **given)

    def key(self, code: str = "microscope") -> ResourceKey:
        return ResourceKey(self.agreement_id, code)

    def share(self, code: str = "microscope", role: str = "origin", **parts: object) -> ResourceKey:
        draft = self.draft(code, **parts)
        return self.key(
            sharing.share_resource(self.database, self.act(), self.agreement_id, role, draft).value
        )

    def ask(self, first: int, last: int, role: str = "host", code: str = "microscope") -> BookingKey:
        draft = BookingDraft(self.day(first), self.day(last), "样品检测")
        done = sharing.ask_for_booking(self.database, self.act(), self.key(code), role, draft)
        return BookingKey(self.agreement_id, code, done.value)

    def accept(self, key: BookingKey, role: str = "origin") -> None:
        sharing.accept_booking(self.database, self.act(), key, role)

    def decline(self, key: BookingKey, role: str = "origin", reason: str = "设备检修") -> None:
        sharing.decline_booking(self.database, self.act(), key, role, reason)

    def cancel(self, key: BookingKey, role: str = "host", reason: str = "计划有变") -> None:
        sharing.cancel_booking(self.database, self.act(), key, role, reason)

    def booking(self, key: BookingKey, days: int = 0) -> Booking:
        day = self.day(days)
        with self.database.reading() as connection:
            return sharing.booking(connection, key, day)

    def found(self, role: str = "host", days: int = 0, **wanted: Any) -> list[SharedResource]:
        day, party_id = self.day(days), self.party_id(role)
        with self.database.reading() as connection:
            return sharing.resources(connection, party_id, day, Wanted(**wanted)).items


def open_sharing_room(database: Database, code: str = "SHARING") -> SharingRoom:
    room = open_room(database, code=code, make=SharingRoom)
    assert isinstance(room, SharingRoom)
    return room
