"""A desk to test with: real agreements between made-up parties, handed in and settled on a real database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from ledger.desk import agreements, enterprises, occurrences, returns, roster, settlements
from ledger.desk.acts import Act
from ledger.desk.agreements import AgreementDraft, SideDraft
from ledger.desk.enterprises import ListEntry
from ledger.desk.returns import Filing, LineDraft
from ledger.desk.settlements import Allocation
from ledger.evidence.signatures import new_private_key, public_key_of, sign
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger.rules.terms import Book
from ledger_schema.sessions import Database

Document = dict[str, Any]

SIGNING = ("origin", "host")
NAMES = {"origin": ("甲区", "Zone A"), "host": ("乙区", "Zone B"), "fund": ("园区基金", "Park Fund")}
FIRST = "2024Q1"


def clause(
    number: int = 1,
    *,
    mechanism: str = "tax",
    measures: tuple[str, ...] = ("retained_tax",),
    shares: Mapping[str, str] | None = None,
    **parts: Any,
) -> Document:
    """A clause at 5:5 over the whole park, as simple as it gets; ``parts`` replace fields of its sections."""
    book = "assessment" if mechanism == "output_value" else "cash"
    document: Document = {
        "number": number,
        "title": {"zh": "税收分成", "en": "Tax sharing"},
        "what": {
            "mechanism": mechanism,
            "measures": measures,
            "deduct": (),
            "reported_by": parts.pop("reported_by", "host"),
        },
        "whose": {"scope": "whole_park"},
        "when": {"step": "quarter"},
        "how_much": {},
        "to_whom": {
            "regime": "proportional",
            "key": [{"shares": dict(shares or {"origin": "1/2", "host": "1/2"})}],
            "otherwise": "host",
            "in_place": "host" if book == "assessment" else None,
        },
        "within": {},
        "then": {"provisional": "cash", "negative": "refund", "netting": False},
        "rounding": {"grain": "subject", "mode": "down", "remainder_to": "host"},
        "examples": [
            {
                "title": {"zh": "零", "en": "Nothing"},
                "figures": [{"span": "2024Q1", "measure": measures[0], "amount": "0"}],
                "expect": [
                    {"first": "2024Q1", "last": "2024Q1", "book": book, "party": "host", "amount": "0"}
                ],
            }
        ],
    }
    for section, changes in parts.items():
        document[section] = {**document[section], **changes}
    return document


@dataclass
class Room:
    """One agreement on one database, and short ways to work on it."""

    database: Database
    agreement_id: int = 0
    code: str = "A-1"
    roles: dict[str, str] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    procedure: Document | None = None
    numbers: count[int] = field(default_factory=lambda: count(1))

    def act(self) -> Act:
        return Act(f"{self.code}-{next(self.numbers)}", actor="tester")

    def terms(
        self,
        clauses: tuple[Document, ...],
        starts: str,
        last_quarter: str | None = None,
        transition: str = "by_step",
    ) -> Document:
        return {
            "format": "parkledger.terms/1",
            "semantics": 1,
            "agreement": self.code,
            "roles": self.roles,
            "in_force_from": starts,
            "last_quarter": last_quarter,
            "transition": transition,
            "clauses": list(clauses),
            "procedure": self.procedure,
        }

    def amend(self, *clauses: Document, starts: str, transition: str = "by_step") -> int:
        """Bring new terms into force from the quarter ``starts``."""
        terms = self.terms(clauses, starts, transition=transition)
        version = agreements.draft_version(self.database, self.act(), self.agreement_id, terms).value
        self.bring_into_force(version)
        return version

    def bring_into_force(self, version: int) -> None:
        agreements.propose_version(self.database, self.act(), self.agreement_id, version)
        with self.database.reading() as connection:
            content = agreements.version(connection, self.agreement_id, version).terms_bytes
        for role in SIGNING:
            public_key = public_key_of(self.keys[role])
            signature = sign(self.keys[role], content)
            agreements.sign_version(
                self.database, self.act(), self.agreement_id, version, role, public_key, signature
            )
        agreements.bring_into_force(self.database, self.act(), self.agreement_id, version)

    def confirm_list(self, *entries: ListEntry) -> int:
        """Compile the list of enterprises by the origin and have the host confirm it."""
        version = enterprises.submit_list(
            self.database, self.act(), self.agreement_id, "origin", list(entries)
        ).value
        enterprises.confirm_list(self.database, self.act(), self.agreement_id, version, "host")
        return version

    def happens(self, name: str, day: date) -> int:
        """Record an occurrence by the origin and have the host confirm it."""
        sequence = occurrences.record_occurrence(
            self.database, self.act(), self.agreement_id, "origin", name, day, "凭证-1"
        ).value
        occurrences.confirm_occurrence(self.database, self.act(), self.agreement_id, name, sequence, "host")
        return sequence

    def hand_in(
        self, quarter: str, amount: str | None = None, *, role: str = "host", measure: str = "retained_tax"
    ) -> Filing:
        """A return of one figure for the whole park; no amount: a nil return."""
        figures = {} if amount is None else {(measure, quarter): amount}
        return self.hand_in_figures(quarter, figures, role=role)

    def hand_in_figures(
        self,
        quarter: str,
        figures: Mapping[tuple[str, str], str],
        *,
        role: str = "host",
        enterprise: str | None = None,
    ) -> Filing:
        """A return of amounts by measure and span."""
        lines = [
            LineDraft(enterprise, measure, span, amount, "凭证-1")
            for (measure, span), amount in figures.items()
        ]
        return self.hand_in_lines(quarter, lines, role=role)

    def hand_in_lines(self, quarter: str, lines: list[LineDraft], *, role: str = "host") -> Filing:
        return returns.hand_in(
            self.database,
            self.act(),
            self.agreement_id,
            role,
            Quarter.parse(quarter),
            lines,
            totals=totals_of(lines).items(),
            is_nil=not lines,
        ).value

    def compute(self, quarter: str) -> int:
        return settlements.compute(self.database, self.act(), self.agreement_id, Quarter.parse(quarter)).value

    def close(self, quarter: str, settlement_id: int) -> int:
        return settlements.close(
            self.database, self.act(), self.agreement_id, Quarter.parse(quarter), settlement_id
        ).value

    def settle(self, quarter: str, amount: str | None = None, *, measure: str = "retained_tax") -> int:
        """Hand in one figure (none: nil), compute and close; returns the settlement's id."""
        self.hand_in(quarter, amount, measure=measure)
        return self.close(quarter, self.compute(quarter))

    def allocations(self, settlement_id: int) -> list[Allocation]:
        with self.database.reading() as connection:
            return settlements.all_allocations(connection, self.agreement_id, settlement_id)

    def party_id(self, role: str) -> int:
        with self.database.reading() as connection:
            return agreements.sides_of(connection, self.agreement_id)[role].party_id

    def shares(
        self, settlement_id: int, *, cause: int | None = None, book: Book | None = None
    ) -> dict[str, str]:
        """What each role gets in a settlement, in yuan; roles that get nothing are left out."""
        by_party = {self.party_id(role): role for role in self.roles}
        totals = dict.fromkeys(self.roles, 0)
        for one in self.allocations(settlement_id):
            if cause in (None, one.cause) and book in (None, one.book):
                totals[by_party[one.party_id]] += one.amount_minor
        return {role: text(amount_minor) for role, amount_minor in totals.items() if amount_minor}


def falsify_allocations(room: Room, quarter: str) -> None:
    """What only the owner of the tables can do, against all guards: change booked amounts."""
    partition = f"allocation_{Quarter.parse(quarter).code}"
    with room.database.owner() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {partition} DISABLE TRIGGER USER")
        connection.exec_driver_sql(f"UPDATE {partition} SET amount_minor = amount_minor + 1")


def enterprise(place: int, **attributes: Any) -> ListEntry:
    """A made-up enterprise of the list."""
    first_17 = f"91110000MA{place:07d}"
    credit_code = first_17 + enterprises.credit_code_check_character(first_17)
    return ListEntry(credit_code, f"企业{place}", **attributes)


def text(amount_minor: int) -> str:
    """Yuan with two places."""
    return str((Decimal(amount_minor) / 100).quantize(Decimal("0.01")))


def totals_of(lines: list[LineDraft]) -> dict[str, str]:
    totals: dict[str, Decimal] = {}
    for line in lines:
        totals[line.measure] = totals.get(line.measure, Decimal(0)) + Decimal(line.amount)
    return {
        measure: format(total, f".{MEASURE_BY_NAME[measure].commodity.scale}f")
        for measure, total in totals.items()
    }


def open_room(
    database: Database,
    *clauses: Document,
    roles: tuple[str, ...] = ("origin", "host"),
    starts: str = FIRST,
    last_quarter: str | None = None,
    code: str = "A-1",
    procedure: Document | None = None,
    kind: str = "enclave",
    make: type[Room] = Room,
) -> Room:
    """An agreement in force from ``starts`` between a party for each role."""
    named = {role: f"{code}-{role.upper()}" for role in roles}
    room = make(database, code=code, roles=named, procedure=procedure)
    for role in roles:
        _register(room, role)
    sides = [SideDraft(role, room.roles[role], role in SIGNING) for role in roles]
    draft = AgreementDraft(
        code,
        kind,
        "甲乙共建园区合作协议",
        "Agreement of A and B",
        "made up for a test",
        "all of it is made up",
        sides,
        room.terms(clauses or (clause(),), starts, last_quarter),
    )
    room.agreement_id = agreements.draft_agreement(database, room.act(), draft).value
    room.bring_into_force(1)
    return room


def _register(room: Room, role: str) -> None:
    code, (name_zh, name_en) = room.roles[role], NAMES.get(role, (role, role))
    kind = "fund" if role == "fund" else "zone"
    draft = roster.PartyDraft(
        code=code, kind=kind, name_zh=name_zh, name_en=name_en, source="made up for a test"
    )
    roster.register_party(room.database, room.act(), draft)
    room.keys[role] = new_private_key()
    roster.register_key(room.database, room.act(), code, public_key_of(room.keys[role]), "test key")
