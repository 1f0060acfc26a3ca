"""Two zones with an agreement, the governments of their provinces, and short ways to review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import count

from commitment_room import PromisingRoom

from ledger.desk import reviews, roster
from ledger.desk.acts import Act
from ledger.desk.agreements import AgreementDraft, SideDraft
from ledger.desk.agreements import draft_agreement as drafted
from ledger.desk.reviews import EvaluationDraft, Review, ReviewDraft, StepDraft
from ledger.evidence.signatures import new_private_key, public_key_of
from ledger_schema.sessions import Database

EAST, WEST, ELSEWHERE = "GOV-EAST", "GOV-WEST", "GOV-ELSEWHERE"
PERSON = "王主管"
_NUMBERS = count(1)


@dataclass
class ReviewRoom:
    """The pairing of E (east) and W (west) under one agreement."""

    database: Database
    room: PromisingRoom

    def act(self) -> Act:
        return Act(f"review-{next(_NUMBERS)}", actor="tester")

    def open(self, by: str = WEST, party: str = "W", other: str | None = "E") -> int:
        finding = StepDraft(by, PERSON, "两个季度未按时付款")
        draft = ReviewDraft(party, other, "付款逾期", finding)
        return reviews.open_review(self.database, self.act(), draft).value

    def request(self, review_id: int, addressed: str = "W", due_day: date = date(2024, 9, 30)) -> int:
        said = StepDraft(WEST, PERSON, "请说明原因并补付")
        return reviews.request_correction(
            self.database, self.act(), review_id, said, addressed, due_day
        ).value

    def answer(self, review_id: int, party: str = "W") -> int:
        said = StepDraft(party, "张三", "已补付")
        return reviews.answer_review(self.database, self.act(), review_id, said).value

    def close(self, review_id: int, outcome: str = "corrected", by: str = WEST) -> int:
        said = StepDraft(by, PERSON, "已核实")
        return reviews.close_review(self.database, self.act(), review_id, said, outcome).value

    def evaluate(self, verdict: str = "kept", year: int = 2024, by: str = WEST) -> int:
        draft = EvaluationDraft(by, PERSON, year, verdict, "按约定履行")
        return reviews.evaluate_agreement(self.database, self.act(), self.room.agreement_id, draft).value

    def review(self, review_id: int) -> Review:
        with self.database.reading() as connection:
            return reviews.review(connection, review_id)


def open_review_room(database: Database, *clauses: dict[str, object], prefix: str = "") -> ReviewRoom:
    for code, kind, province, region in (
        ("E", "zone", "310000", "East"),
        ("W", "zone", "530000", "West"),
        (EAST, "government", "310000", "East"),
        (WEST, "government", "530000", "West"),
        (ELSEWHERE, "government", "110000", "East"),
    ):
        draft = roster.PartyDraft(code, kind, code, "made up", None, province, province, region)
        roster.register_party(database, Act(f"{prefix}register-{code}"), draft)
    room = PromisingRoom(database, code="PAIRED", roles={"origin": "E", "host": "W"})
    for role, party in room.roles.items():
        room.keys[role] = new_private_key()
        roster.register_key(database, room.act(), party, public_key_of(room.keys[role]), "test key")
    sides = [SideDraft(role, party, signs=True) for role, party in room.roles.items()]
    terms = room.terms(clauses, "2024Q1")
    draft_of = AgreementDraft("PAIRED", "enclave", "协议", "Agreement", "made up", "all", sides, terms)
    room.agreement_id = drafted(database, room.act(), draft_of).value
    room.bring_into_force(1)
    return ReviewRoom(database, room)
