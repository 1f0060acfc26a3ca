"""A room whose terms ask for signatures of a settlement, and name who reopens; and short ways to sign."""

from __future__ import annotations

from dataclasses import dataclass

from desk_fixtures import Document, Room, clause, open_room

from ledger.desk import agreements, settlements
from ledger.desk.settlements import Reopening, Standing
from ledger.evidence.signatures import public_key_of, sign
from ledger.periods import Quarter
from ledger_schema.sessions import Database

SIGNED_BY = ("origin", "host")
REOPENED_BY = ("origin", "host", "province")
PROCEDURE: Document = {"signed_by": SIGNED_BY, "reopened_by": REOPENED_BY}


@dataclass
class SigningRoom(Room):
    """A room with ways to propose, sign and reopen."""

    def propose(self, settlement_id: int) -> int:
        return settlements.propose(self.database, self.act(), self.agreement_id, settlement_id).value

    def sign(self, settlement_id: int, *roles: str) -> None:
        """Signs the proposed bytes for each of the roles (all that must)."""
        content = self.content_of(settlement_id)
        for role in roles or SIGNED_BY:
            self.sign_bytes(settlement_id, role, content)

    def sign_bytes(self, settlement_id: int, role: str, content: bytes, signer: str | None = None) -> None:
        key = self.keys[signer or role]
        settlements.sign(
            self.database,
            self.act(),
            self.agreement_id,
            settlement_id,
            role,
            public_key_of(key),
            sign(key, content),
        )

    def content_of(self, settlement_id: int) -> bytes:
        proposal = self.standing(settlement_id).proposal
        assert proposal is not None
        return proposal.content

    def standing(self, settlement_id: int) -> Standing:
        with self.database.reading() as connection:
            found = settlements.settlement(connection, self.agreement_id, settlement_id)
            return settlements.standings(connection, self.agreement_id, [found])[settlement_id]

    def settle_signed(self, quarter: str, amount: str | None = None) -> int:
        """Hand in one figure, compute, propose, sign by all and close; returns the settlement's id."""
        self.hand_in(quarter, amount)
        settlement_id = self.compute(quarter)
        self.propose(settlement_id)
        self.sign(settlement_id)
        return self.close(quarter, settlement_id)

    def amend_to_end(self, quarter: str) -> None:
        """Bring terms into force that end with the quarter."""
        terms = self.terms((clause(),), quarter, last_quarter=quarter)
        version = agreements.draft_version(self.database, self.act(), self.agreement_id, terms).value
        self.bring_into_force(version)

    def request(self, quarter: str, reason: str = "东部申报有误") -> int:
        return settlements.request_reopening(
            self.database, self.act(), self.agreement_id, Quarter.parse(quarter), reason
        ).value

    def sign_request(self, quarter: str, number: int, *roles: str) -> None:
        """Signs the request for each of the roles (all that must)."""
        content = self.reopening(quarter, number).content
        for role in roles or REOPENED_BY:
            key = self.keys[role]
            settlements.sign_reopening(
                self.database,
                self.act(),
                self.agreement_id,
                Quarter.parse(quarter),
                number,
                role,
                public_key_of(key),
                sign(key, content),
            )

    def carry_out(self, quarter: str, number: int) -> None:
        settlements.reopen(self.database, self.act(), self.agreement_id, Quarter.parse(quarter), number)

    def reopen(self, quarter: str) -> None:
        """Asks for it, signs for all and carries it out."""
        number = self.request(quarter)
        self.sign_request(quarter, number)
        self.carry_out(quarter, number)

    def reopening(self, quarter: str, number: int) -> Reopening:
        with self.database.reading() as connection:
            return settlements.newest_reopening(connection, self.agreement_id, Quarter.parse(quarter), number)

    def open_quarter(self) -> str:
        with self.database.reading() as connection:
            return str(agreements.open_quarter(connection, self.agreement_id))


def open_signing_room(
    database: Database,
    *clauses: Document,
    procedure: Document = PROCEDURE,
    code: str = "A-1",
    last_quarter: str | None = None,
) -> SigningRoom:
    """An agreement of two zones with the province that both answer to, under ``procedure``."""
    room = open_room(
        database,
        *(clauses or (clause(),)),
        roles=("origin", "host", "province"),
        code=code,
        procedure=procedure,
        last_quarter=last_quarter,
        make=SigningRoom,
    )
    assert isinstance(room, SigningRoom)
    return room
