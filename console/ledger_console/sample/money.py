"""The money of the sample: what was paid of closed quarters' legs, netted, or charged with interest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ledger.desk import payments, roster
from ledger.desk.acts import Act
from ledger.desk.payments import Leg, LegFilter, PaymentDraft
from ledger.periods import Quarter
from ledger_console.sample.acting import act, registered_key
from ledger_console.sample.demo_keys import DemoKeys
from ledger_console.sample.documents import (
    SampleAgreement,
    SampleInterest,
    SampleNetting,
    SamplePayment,
)
from ledger_schema.sessions import Database

PERSON = "示例出纳（虚构）"
"""Who records payments and charges interest."""

ACCOUNT = "示例账户"


@dataclass(frozen=True, slots=True)
class Cashier:
    """What happens about the legs of one agreement once its quarters are closed."""

    database: Database
    keys: DemoKeys
    agreement: SampleAgreement
    agreement_id: int

    def settle_legs(self) -> None:
        """Pays, nets and charges what the agreement's document says, in that order."""
        for payment in self.agreement.desk.payments:
            self._pay_part(payment)
        if self.agreement.desk.netting is not None:
            self._net(self.agreement.desk.netting)
        for interest in self.agreement.desk.interest:
            self._charge(interest)

    def _pay_part(self, about: SamplePayment) -> None:
        leg = self._leg(about.quarter, about.clause)
        name = f"{about.quarter}/pay/{about.clause}"
        self._pay(name, leg, leg.amount_minor * about.percent // 100, about.value_day, about.channel)

    def _pay(self, name: str, leg: Leg, amount_minor: int, value_day: date, channel: str) -> None:
        draft = PaymentDraft(
            channel=channel,
            payer=self._code(leg.payer_party_id),
            payer_account=ACCOUNT,
            payee=self._code(leg.payee_party_id),
            reference=f"{self.agreement.code}/{name}",
            amount_minor=amount_minor,
            value_day=value_day,
            purpose=leg.reference,
        )
        payments.record_payment(self.database, self._act(name), PERSON, draft)

    def _net(self, about: SampleNetting) -> None:
        proposal = self._act(f"netting/{about.day}")
        netting_id = payments.propose_netting(self.database, proposal, about.parties, about.day).value
        with self.database.reading() as connection:
            proposed = payments.netting(connection, netting_id)
        for party_id in proposed.party_ids:
            if party_id not in proposed.signed_party_ids:
                self._sign(netting_id, self._code(party_id), proposed.content)
        for number, leg in enumerate(self._left_by(netting_id), start=1):
            self._pay(f"netting/{about.day}/pay/{number}", leg, leg.amount_minor, about.paid_on, "treasury")

    def _sign(self, netting_id: int, party_code: str, content: bytes) -> None:
        payments.sign_netting(
            self.database,
            self._act(f"netting/sign/{party_code}"),
            netting_id,
            party_code,
            registered_key(self.database, self.keys, party_code),
            self.keys.sign(party_code, content),
        )

    def _charge(self, about: SampleInterest) -> None:
        leg = self._leg(about.quarter, about.clause)
        payee = self._code(leg.payee_party_id)
        name = f"{about.quarter}/interest/{about.clause}/{about.day}"
        payments.charge_interest(self.database, self._act(name), leg.leg_id, payee, PERSON, about.day)

    def _leg(self, quarter: str, clause: int) -> Leg:
        wanted = LegFilter(agreement_id=self.agreement_id, quarter=Quarter.parse(quarter))
        with self.database.reading() as connection:
            found = payments.every_leg(connection, wanted)
        return next(leg for leg in found if leg.clause == clause and leg.kind == "settlement")

    def _left_by(self, netting_id: int) -> list[Leg]:
        with self.database.reading() as connection:
            found = payments.every_leg(connection, LegFilter())
        return [leg for leg in found if leg.netting_id == netting_id]

    def _code(self, party_id: int) -> str:
        with self.database.reading() as connection:
            return roster.party(connection, party_id).code

    def _act(self, name: str) -> Act:
        return act(f"{self.agreement.code}/{name}")
