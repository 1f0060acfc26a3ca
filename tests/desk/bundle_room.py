"""A settlement that rests on a bit of everything, logged and cosigned, and its bundle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from desk_fixtures import clause, enterprise
from reconciliation_fixtures import ORIGIN, Desk, open_desk, procedure

from ledger.desk import bundles, log, settlements
from ledger.desk.log import Head, LogFiles
from ledger.evidence import checkpoints
from ledger.evidence.bundles import Bundle
from ledger.evidence.checkpoints import cosigner_name
from ledger.evidence.notes import VerifierKey
from ledger.evidence.signatures import public_key_of, sign
from ledger.periods import Quarter
from ledger_schema.sessions import Database

SIGNED_BY = ("origin", "host")


@dataclass
class BundleRoom:
    """One agreement with its log, and ways to settle and to ask for bundles."""

    desk: Desk
    files: LogFiles

    @property
    def log_key(self) -> VerifierKey:
        return self.files.signer().verifier

    @property
    def party_keys(self) -> dict[str, set[bytes]]:
        room = self.desk.room
        return {room.roles[role]: {public_key_of(room.keys[role])} for role in SIGNED_BY}

    def settle_signed(self, quarter: str) -> int:
        """Compute, propose, sign by all and close; returns the settlement's id."""
        room = self.desk.room
        settlement_id = room.compute(quarter)
        settlements.propose(room.database, room.act(), room.agreement_id, settlement_id)
        with room.database.reading() as connection:
            found = settlements.settlement(connection, room.agreement_id, settlement_id)
            standing = settlements.standings(connection, room.agreement_id, [found])[settlement_id]
        assert standing.proposal is not None
        for role in SIGNED_BY:
            key = room.keys[role]
            signature = sign(key, standing.proposal.content)
            settlements.sign(
                room.database,
                room.act(),
                room.agreement_id,
                settlement_id,
                role,
                public_key_of(key),
                signature,
            )
        return room.close(quarter, settlement_id)

    def sequence(self) -> Head:
        head = log.sequence(self.desk.database, self.files)
        assert head is not None
        return head

    def cosign(self, head: Head, role: str) -> None:
        room = self.desk.room
        name = cosigner_name(self.log_key.name, room.roles[role])
        line = checkpoints.cosign(head.note.text, name, room.keys[role], int(time.time()))
        log.cosign_checkpoint(room.database, room.act(), room.roles[role], head.size, str(line))

    def bundle(self, quarter: str) -> Bundle:
        agreement_id = self.desk.agreement_id
        with self.desk.database.reading() as connection:
            settlement_id = bundles.closed_settlement_of(connection, agreement_id, Quarter.parse(quarter))
            return bundles.settlement_bundle(connection, self.log_key, agreement_id, settlement_id)


def open_bundle_room(
    database: Database, folder: Path, *clauses: Any, code: str = "A-1", controller: str = "甲集团"
) -> BundleRoom:
    """Two quarters: an arbitrated line, a correction, lists, an occurrence, an amendment, signatures."""
    terms = procedure(signed_by=SIGNED_BY, reopened_by=SIGNED_BY)
    desk = open_desk(database, *(clauses or (clause(),)), terms=terms, code=code)
    room = BundleRoom(desk, LogFiles(folder))
    desk.room.confirm_list(enterprise(1, referred_by="origin"))
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    room.settle_signed("2024Q1")
    desk.escalate(number, ORIGIN)
    desk.arbitrate(number, "130.00")
    desk.room.confirm_list(enterprise(2), enterprise(1, controller=controller))
    desk.room.happens("aid_fund_paid_in", date(2024, 5, 1))
    desk.hand_in("2024Q2", "20.03", "20.03")
    desk.amend(clause(shares={"origin": "3/10", "host": "7/10"}), starts="2024Q2", procedure=terms)
    room.settle_signed("2024Q2")
    head = room.sequence()
    for role in SIGNED_BY:
        room.cosign(head, role)
    return room
