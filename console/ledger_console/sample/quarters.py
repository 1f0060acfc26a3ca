"""What the sample's people do about a quarter under a procedure: certify, compare, sign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.desk import agreements, reconciliation, settlements
from ledger.desk.acts import Act
from ledger.desk.enterprises import ids_by_code
from ledger.desk.reconciliation import Key, Lines, Person
from ledger.desk.returns import Filing, certify_return
from ledger.desk.settlements import Standing
from ledger.periods import Quarter, Span
from ledger_console.sample.acting import act, registered_key
from ledger_console.sample.demo_keys import DemoKeys
from ledger_console.sample.documents import SampleAgreement, SampleDispute, SampleExplanation
from ledger_schema.sessions import Database

WHOLE_PARK = 0


@dataclass(frozen=True, slots=True)
class QuarterDesk:
    """The people of one agreement; an agreement whose terms have no procedure leaves them nothing to do."""

    database: Database
    keys: DemoKeys
    agreement: SampleAgreement
    agreement_id: int

    def certify(self, filing: Filing) -> None:
        """The checker of the role certifies a return that waits for it."""
        people = self.agreement.desk.of_role(filing.role)
        if people is None or not filing.awaits_certification:
            return
        done = self._act(f"{filing.booked_quarter}/certify/{filing.role}/{filing.quarter}")
        certify_return(self.database, done, self.agreement_id, filing.filing_id, filing.role, people.checker)

    def compare(self, quarter: Quarter) -> None:
        """Differences of the quarter are explained by both sides, or disputed by one."""
        for explanation in self.agreement.desk.explanations:
            if Quarter.parse(explanation.quarter) == quarter:
                self._explain(quarter, explanation)
        for dispute in self.agreement.desk.disputes:
            if Quarter.parse(dispute.quarter) == quarter:
                self._dispute(quarter, dispute)

    def sign(self, quarter: Quarter, settlement_id: int) -> None:
        """Every role whose signature the terms ask for signs the settlement."""
        with self.database.reading() as connection:
            roles = agreements.procedure_in_force(connection, self.agreement_id, quarter).signed_by
        if not roles:
            return
        settlements.propose(self.database, self._act(f"{quarter}/propose"), self.agreement_id, settlement_id)
        standing = self._standing(settlement_id)
        if standing.proposal is None:
            return
        for role in standing.awaits:
            party_code = self.agreement.party_of(role)
            settlements.sign(
                self.database,
                self._act(f"{quarter}/sign/{role}"),
                self.agreement_id,
                settlement_id,
                role,
                registered_key(self.database, self.keys, party_code),
                self.keys.sign(party_code, standing.proposal.content),
            )

    def _explain(self, quarter: Quarter, about: SampleExplanation) -> None:
        keys = [Key(WHOLE_PARK, measure, Span.of_quarter(quarter)) for measure in about.measures]
        name = f"{quarter}/explain/{'+'.join(about.measures)}"
        number = reconciliation.explain(
            self.database,
            self._act(name),
            self.agreement_id,
            self._lines(quarter, keys),
            self._maker(about.role),
            about.reason,
            about.note,
        ).value
        accepting = self._maker(about.accepted_by)
        reconciliation.accept(
            self.database, self._act(f"{name}/accept"), self.agreement_id, number, accepting, offer=1
        )

    def _dispute(self, quarter: Quarter, about: SampleDispute) -> None:
        with self.database.reading() as connection:
            subject = ids_by_code(connection, [about.credit_code])[about.credit_code]
        lines = self._lines(quarter, [Key(subject, about.measure, Span.of_quarter(quarter))])
        name = f"{quarter}/dispute/{about.credit_code}/{about.measure}"
        number = reconciliation.dispute(
            self.database, self._act(name), self.agreement_id, lines, self._maker(about.role), about.text
        ).value
        answering = self._maker(about.answered_by)
        reconciliation.write(
            self.database, self._act(f"{name}/answer"), self.agreement_id, number, answering, about.answer
        )

    def _lines(self, quarter: Quarter, keys: Iterable[Key]) -> Lines:
        with self.database.reading() as connection:
            report = reconciliation.reconciliation(connection, self.agreement_id, quarter)
        return Lines(quarter, report.compared.record, report.compared.hash, tuple(keys))

    def _maker(self, role: str) -> Person:
        people = self.agreement.desk.of_role(role)
        if people is None:
            raise LookupError(f"{self.agreement.code} names no people of {role}")
        return Person(role, people.maker)

    def _standing(self, settlement_id: int) -> Standing:
        with self.database.reading() as connection:
            chosen = settlements.settlement(connection, self.agreement_id, settlement_id)
            return settlements.standings(connection, self.agreement_id, [chosen])[settlement_id]

    def _act(self, name: str) -> Act:
        return act(f"{self.agreement.code}/{name}")
