"""The sample's innovation vouchers: redeemed, cleared, settled and paid between two zones, all made up."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from ledger.desk import payments, vouchers
from ledger.desk.acts import Act
from ledger.desk.payments import PaymentDraft
from ledger.desk.settlements import close, compute
from ledger.desk.vouchers import CertificationDraft, EvidenceDraft, OrderDraft, ProviderDraft
from ledger.measures import YUAN
from ledger.money import parse_amount
from ledger.periods import Quarter
from ledger.rules import templates
from ledger_console.sample.acting import act
from ledger_console.sample.documents import Part, SampleAgreement
from ledger_schema.sessions import Database

TEMPLATE = "voucher-four-party"
QUARTERS = (Quarter(2025, 3), Quarter(2025, 4))
"""Cleared and closed; what was redeemed in them is in the document."""

SERVICES = ("testing", "research")
PEOPLE = ("张示例（虚构）", "王示例（虚构）")


class SampleProvider(Part):
    credit_code: str
    name_zh: str
    role: str


class SampleVoucher(Part):
    """A voucher used whole for one service; ``enterprise`` and ``provider`` count from 1."""

    enterprise: int
    provider: int
    service: str
    amount: str
    day: date
    claimed: bool


class SampleRecovery(Part):
    """A part of what the claim on a voucher, counted from 1, was granted."""

    voucher: int
    amount: str
    day: date


class SampleVouchers(Part):
    """An agreement about vouchers by the template, its programme, and what was done with it."""

    agreement: SampleAgreement
    programme: dict[str, Any]
    providers: tuple[SampleProvider, ...]
    vouchers: tuple[SampleVoucher, ...]
    recovery: SampleRecovery
    paid_on: date

    @property
    def code(self) -> str:
        """Of the agreement and of its programme."""
        return self.agreement.code

    @property
    def signed(self) -> SampleAgreement:
        """The agreement with the template's terms between its parties."""
        terms = templates.load(TEMPLATE).terms.model_dump(mode="json")
        roles = {side.role: side.party for side in self.agreement.sides}
        named = {"agreement": self.code, "roles": roles, "in_force_from": str(QUARTERS[0])}
        return self.agreement.model_copy(update={"terms": terms | named})


@cache
def sample_vouchers() -> SampleVouchers:
    """The document."""
    content = (files(__package__) / "vouchers.json").read_bytes()
    return SampleVouchers.model_validate_json(content)


@dataclass(frozen=True, slots=True)
class VoucherDesk:
    """What people do about the vouchers of an agreement that is in force. Done again it does nothing."""

    database: Database
    document: SampleVouchers
    agreement_id: int

    def work(self) -> None:
        """From the programme to what the provider's zone paid back."""
        self._set_up()
        claims = {
            number: self._use(number, one) for number, one in enumerate(self.document.vouchers, start=1)
        }
        self._recover(claims[self.document.recovery.voucher])
        for quarter in QUARTERS:
            vouchers.clear(
                self.database, self._act(f"{quarter}/clear"), self.agreement_id, quarter, PEOPLE[0]
            )
            settled = compute(self.database, self._act(f"{quarter}/compute"), self.agreement_id, quarter)
            close(self.database, self._act(f"{quarter}/close"), self.agreement_id, quarter, settled.value)
            if quarter == QUARTERS[0]:
                self._pay(settled.value)

    def _set_up(self) -> None:
        document = self.document
        home, other = document.programme["home"], document.programme["provider_zone"]
        vouchers.register_programme(
            self.database, self._act("programme"), self.agreement_id, document.code, document.programme
        )
        vouchers.confirm_programme(self.database, self._act("programme/confirm"), document.code, other)
        for provider in document.providers:
            zone = document.agreement.party_of(provider.role)
            draft = ProviderDraft(provider.credit_code, provider.name_zh, zone)
            vouchers.register_provider(self.database, self._act(f"provider/{provider.credit_code}"), draft)
            certified = CertificationDraft(
                document.agreement.party_of(home),
                "certified",
                QUARTERS[0].start,
                None,
                ("testing", "research"),
                "示例认定",
            )
            done = self._act(f"provider/{provider.credit_code}/certify")
            vouchers.certify_provider(self.database, done, provider.credit_code, certified)

    def _use(self, number: int, one: SampleVoucher) -> int | None:
        """The claim on the voucher, if there is one yet."""
        database, code, amount_minor = self.database, self.document.code, _fen(one.amount)
        user = self.document.agreement.enterprises[one.enterprise - 1].credit_code
        provider = self.document.providers[one.provider - 1].credit_code
        applied = vouchers.apply(
            database, self._act(f"{number}/apply"), code, user, amount_minor, "示例用途", one.day
        )
        issued = vouchers.issue(
            database, self._act(f"{number}/issue"), applied.value, amount_minor, PEOPLE[0], one.day
        )
        draft = OrderDraft(issued.value, provider, one.service, f"示例合同-{number}", amount_minor, one.day)
        ordered = vouchers.order(database, self._act(f"{number}/order"), draft)
        vouchers.report_service(
            database, self._act(f"{number}/service"), ordered.value, f"示例验收-{number}", one.day
        )
        if not one.claimed:
            return None
        evidence = [
            _evidence("contract_line", provider, number, "1"),
            _evidence("receipt", provider, number, ""),
        ]
        done = self._act(f"{number}/claim")
        return vouchers.claim(database, done, ordered.value, amount_minor, evidence, one.day).value

    def _recover(self, claim_id: int | None) -> None:
        recovery = self.document.recovery
        if claim_id is not None:
            vouchers.recover(
                self.database,
                self._act("recover"),
                claim_id,
                _fen(recovery.amount),
                "示例：抽查核减",
                PEOPLE[1],
                recovery.day,
            )

    def _pay(self, settlement_id: int) -> None:
        with self.database.reading() as connection:
            (leg,) = payments.legs_of_settlements(connection, [settlement_id])[settlement_id]
        home, other = self.document.programme["home"], self.document.programme["provider_zone"]
        draft = PaymentDraft(
            channel="treasury",
            payer=self.document.agreement.party_of(other),
            payer_account="示例账户",
            payee=self.document.agreement.party_of(home),
            reference=f"示例-{self.document.code}",
            amount_minor=leg.amount_minor,
            value_day=self.document.paid_on,
            purpose=leg.reference,
        )
        payments.record_payment(self.database, self._act("pay"), PEOPLE[0], draft)

    def _act(self, name: str) -> Act:
        return act(f"{self.document.code}/{name}")


def _evidence(kind: str, issuer: str, number: int, line: str) -> EvidenceDraft:
    content = hashlib.sha256(f"示例凭证 {kind} {number}".encode()).digest()
    return EvidenceDraft(kind, issuer, f"DEMO-{number}", line, content)


def _fen(amount: str) -> int:
    return parse_amount(amount, YUAN.scale)
