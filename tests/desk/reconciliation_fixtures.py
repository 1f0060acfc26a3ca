"""A room whose host holds the figures of record, and whose origin hands in figures of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from desk_fixtures import Document, Room, clause, open_room

from ledger.desk import agreements, enterprises, reconciliation
from ledger.desk.reconciliation import Item, Lines, Person, Reconciliation
from ledger.desk.reconciliation.ladder import Key, Outcome
from ledger.desk.returns import LineDraft
from ledger.periods import Quarter, Span
from ledger_schema.sessions import Database

HOST = Person("host", "王会计")
ORIGIN = Person("origin", "李审核")
PROVINCE = Person("province", "赵处长")
CALENDAR = {"submit_days": 15, "reconcile_days": 30, "sign_days": 40, "fund_days": 60}


def procedure(unanswered: str = "withheld", tolerance: str = "1.00", **parts: Any) -> Document:
    compared = {
        "record": "host",
        "against": "origin",
        "tolerances": [{"measure": "retained_tax", "amount": tolerance}],
        "unanswered": unanswered,
    }
    return {"reconciliations": [compared], "arbiter": "province", "calendar": CALENDAR, **parts}


@dataclass
class Desk:
    """What people of the sides do in one room."""

    room: Room

    @property
    def database(self) -> Database:
        return self.room.database

    @property
    def agreement_id(self) -> int:
        return self.room.agreement_id

    def amend(self, *clauses: Document, starts: str, procedure: Document | None) -> int:
        """Brings terms with a procedure into force."""
        terms = {**self.room.terms(clauses, starts), "procedure": procedure}
        version = agreements.draft_version(self.database, self.room.act(), self.agreement_id, terms).value
        self.room.bring_into_force(version)
        return version

    def report(self, quarter: str, record: str | None = None) -> Reconciliation:
        with self.database.reading() as connection:
            return reconciliation.reconciliation(
                connection, self.agreement_id, Quarter.parse(quarter), record
            )

    def outcomes(self, quarter: str) -> list[Outcome]:
        return [group.outcome for group in self.report(quarter).groups]

    def item(self, number: int) -> Item:
        with self.database.reading() as connection:
            return reconciliation.item(connection, self.agreement_id, number)

    def lines(self, quarter: str, *keys: Key) -> Lines:
        """The named lines (none: the whole park's) as the report shows them now."""
        whole = Key(0, "retained_tax", Span.parse(quarter))
        return Lines(Quarter.parse(quarter), "host", self.report(quarter).compared.hash, keys or (whole,))

    def explain(self, quarter: str, who: Person, reason: str, *keys: Key) -> int:
        return reconciliation.explain(
            self.database, self.room.act(), self.agreement_id, self.lines(quarter, *keys), who, reason
        ).value

    def withhold(self, quarter: str, who: Person, *keys: Key) -> int:
        return reconciliation.withhold(
            self.database, self.room.act(), self.agreement_id, self.lines(quarter, *keys), who
        ).value

    def dispute(self, quarter: str, who: Person, *keys: Key) -> int:
        return reconciliation.dispute(
            self.database, self.room.act(), self.agreement_id, self.lines(quarter, *keys), who, "数额不符"
        ).value

    def propose(self, number: int, who: Person, amount: str) -> int:
        reconciliation.propose(self.database, self.room.act(), self.agreement_id, number, who, amount)
        return self.item(number).standing.step_count

    def accept(self, number: int, who: Person, offer: int | None = None) -> None:
        standing = self.item(number).standing.offer
        chosen = offer or (standing.step if standing else 1)
        reconciliation.accept(self.database, self.room.act(), self.agreement_id, number, who, chosen)

    def release(self, number: int, who: Person) -> None:
        reconciliation.release(self.database, self.room.act(), self.agreement_id, number, who)

    def write(self, number: int, who: Person, text: str = "请核对") -> None:
        reconciliation.write(self.database, self.room.act(), self.agreement_id, number, who, text)

    def escalate(self, number: int, who: Person) -> None:
        reconciliation.escalate(self.database, self.room.act(), self.agreement_id, number, who)

    def arbitrate(self, number: int, amount: str, who: Person = PROVINCE) -> None:
        reconciliation.arbitrate(
            self.database, self.room.act(), self.agreement_id, number, who, amount, "以税务凭证为准"
        )

    def hand_in(self, quarter: str, host: str | None, origin: str | None) -> None:
        """One figure for the whole park by each side; None: a nil return."""
        self.room.hand_in(quarter, host)
        self.room.hand_in(quarter, origin, role="origin")

    def settle(self, quarter: str) -> int:
        return self.room.close(quarter, self.room.compute(quarter))

    def enterprise_ids(self) -> dict[str, int]:
        """The enterprises of the confirmed list by name."""
        with self.database.reading() as connection:
            listed = enterprises.confirmed_list(connection, self.agreement_id)
        assert listed is not None
        return {entry.name_zh: entry.enterprise_id for entry in listed.entries}


def open_desk(database: Database, *clauses: Document, terms: Document | None = None, **room: Any) -> Desk:
    """A room from 2024Q1 with a province as its arbiter; ``terms`` is its procedure."""
    chosen = clauses or (clause(),)
    roles = ("origin", "host", "province")
    desk = Desk(open_room(database, *chosen, roles=roles, **room))
    desk.amend(*chosen, starts="2024Q1", procedure=terms or procedure())
    return desk


def figure(amount: str, span: str, credit_code: str | None = None, document: str = "凭证-1") -> LineDraft:
    return LineDraft(credit_code, "retained_tax", span, amount, document)
