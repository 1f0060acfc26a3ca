"""What mutations take: one input object each, with the client's idempotency key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

import strawberry

from ledger.desk import agreements, enterprises, returns, roster
from ledger.desk.failures import refuse
from ledger.measures import YUAN
from ledger.money import AmountUnreadable, parse_amount
from ledger.periods import Quarter
from ledger.rules.facts import Fault
from ledger.rules.terms import CauseOfMove, Event
from ledger_graphql.agreements import AgreementKind
from ledger_graphql.parties import PartyKind, RegionClass
from ledger_graphql.scalars import Amount, Bytes, Hash, Json, WrittenAmount, WrittenSpan
from ledger_graphql.terms import terms_document

KEY_DESCRIPTION = (
    "Made by the client, 1 to 200 printable characters. The same key with the same input "
    "is a replay and does nothing; "
    "with another input it is refused."
)
AGREEMENT_DESCRIPTION = "The agreement's code."
ROLE_DESCRIPTION = "The acting role, as the terms name it."

Key = TypeVar("Key")
Value = TypeVar("Value")


@strawberry.input(description="A party to register.")
class RegisterPartyInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    code: str = strawberry.field(
        description="Unique, 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit."
    )
    kind: PartyKind = strawberry.field(description="What it is.")
    name_zh: str = strawberry.field(description="Name in Chinese, one line of 1 to 500 characters.")
    name_en: str | None = strawberry.field(
        default=None, description="Name in English, at most 500 characters."
    )
    province_code: str | None = strawberry.field(default=None, description="Six digits (GB/T 2260).")
    province_zh: str | None = strawberry.field(default=None, description="Province in Chinese.")
    region_class: RegionClass | None = strawberry.field(default=None, description="Region of its province.")
    parent_code: str | None = strawberry.field(
        default=None, description="Code of the zone that a park belongs to."
    )
    source: str = strawberry.field(description="Where its facts come from, 1 to 500 characters.")

    def draft(self) -> roster.PartyDraft:
        return roster.PartyDraft(
            code=self.code,
            kind=self.kind.value,
            name_zh=self.name_zh,
            name_en=self.name_en,
            province_code=self.province_code,
            province_zh=self.province_zh,
            region_class=None if self.region_class is None else self.region_class.value,
            parent_code=self.parent_code,
            source=self.source,
        )


@strawberry.input(description="A key with which a party will sign.")
class RegisterKeyInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    party: str = strawberry.field(description="The party's code.")
    public_key: Bytes = strawberry.field(description="Ed25519, 32 bytes.")
    label: str = strawberry.field(description="For people, 1 to 500 characters.")


@strawberry.input(description="A party in its role.")
class AgreementPartyInput:
    role: str = strawberry.field(description="As the terms name it: a-z, 0-9 and _, at most 32 characters.")
    party: str = strawberry.field(description="The party's code.")
    signs: bool = strawberry.field(
        default=True, description="Whether versions and enterprise lists need its signature."
    )


@strawberry.input(description="An agreement with the first version of its terms.")
class DraftAgreementInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    code: str = strawberry.field(
        description="Unique code, 1 to 500 characters; terms.agreement must equal it."
    )
    kind: AgreementKind = strawberry.field(description="What kind of carrier it is about.")
    title_zh: str = strawberry.field(description="Title in Chinese, 1 to 500 characters.")
    title_en: str = strawberry.field(description="Title in English, 1 to 500 characters.")
    source: str = strawberry.field(description="Where its facts come from, 1 to 500 characters.")
    unverified: str = strawberry.field(default="", description="What of it isn't confirmed, or is made up.")
    parties: list[AgreementPartyInput] = strawberry.field(
        description="At least two that sign; terms.roles must say the same."
    )
    terms: Json = strawberry.field(description="The document; its shape is Query.termsSchema.")

    def draft(self) -> agreements.AgreementDraft:
        return agreements.AgreementDraft(
            code=self.code,
            kind=self.kind.value,
            title_zh=self.title_zh,
            title_en=self.title_en,
            source=self.source,
            unverified=self.unverified,
            sides=[agreements.SideDraft(side.role, side.party, side.signs) for side in self.parties],
            terms=terms_document(self.terms),
        )


@strawberry.input(description="An amendment: another version of an agreement's terms.")
class DraftVersionInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    terms: Json = strawberry.field(description="The whole document; its shape is Query.termsSchema.")


@strawberry.input(description="A version of an agreement's terms.")
class VersionInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    version: int = strawberry.field(description="The version's number.")


@strawberry.input(description="A role's signature of a version.")
class SignVersionInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    version: int = strawberry.field(description="The version's number.")
    role: str = strawberry.field(description=ROLE_DESCRIPTION)
    public_key: Bytes = strawberry.field(description="A registered key of the role's party, 32 bytes.")
    signature: Bytes = strawberry.field(description="Ed25519 over exactly bytesToSign, 64 bytes.")


@strawberry.input(description="A dated event of an enterprise.")
class DatedEventInput:
    event: Event = strawberry.field(description="What happened.")
    day: date = strawberry.field(description="The day on which it happened.")


@strawberry.input(description="A tax figure of a calendar year.")
class YearTaxInput:
    year: int = strawberry.field(description="The calendar year.")
    amount: Amount = strawberry.field(description="In yuan.")


@strawberry.input(description="What an enterprise is, by a name that terms can use.")
class EnterpriseAttributeInput:
    name: str = strawberry.field(
        description="Small letters, digits and underscores, a letter first, such as industry."
    )
    value: str = strawberry.field(description="1 to 100 characters.")


@strawberry.input(description="An enterprise to list, with the attributes that rules need.")
class ListEntryInput:
    credit_code: str = strawberry.field(
        description="统一社会信用代码, 18 characters with a valid check character."
    )
    name_zh: str = strawberry.field(description="Name in Chinese, 1 to 500 characters.")
    events: list[DatedEventInput] = strawberry.field(
        default_factory=list, description="At most one of each kind."
    )
    pre_move_tax: list[YearTaxInput] = strawberry.field(
        default_factory=list, description="Taxes of the years before the move, each year once."
    )
    cause_of_move: CauseOfMove | None = strawberry.field(
        default=None, description="Why it moved, as attested."
    )
    referred_by: str | None = strawberry.field(default=None, description="The role that referred it.")
    base_year_amount: Amount | None = strawberry.field(
        default=None, description="Its own base of a surplus rule, in yuan a year."
    )
    controller: str | None = strawberry.field(default=None, description="Its actual controller, as stated.")
    attributes: list[EnterpriseAttributeInput] = strawberry.field(
        default_factory=list, description="What else rules need to know of it, each name once."
    )

    def entry(self, path: str, faults: list[Fault]) -> enterprises.ListEntry:
        """What the desk takes; what can't be taken goes to ``faults``."""
        events = once([(event.event, event.day) for event in self.events], f"{path}.events", faults)
        taxes = [
            (tax.year, fen(tax.amount, f"{path}.preMoveTax[{index}].amount", faults))
            for index, tax in enumerate(self.pre_move_tax)
        ]
        attributes = [(each.name, each.value) for each in self.attributes]
        base = self.base_year_amount
        return enterprises.ListEntry(
            credit_code=self.credit_code,
            name_zh=self.name_zh,
            events=events,
            pre_move_tax_minor=once(taxes, f"{path}.preMoveTax", faults),
            cause_of_move=self.cause_of_move,
            referred_by=self.referred_by,
            base_year_amount_minor=None if base is None else fen(base, f"{path}.baseYearAmount", faults),
            controller=self.controller,
            attributes=once(attributes, f"{path}.attributes", faults),
        )


@strawberry.input(description="A whole enterprise list; it replaces the one before once it is confirmed.")
class SubmitEnterpriseListInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description="The role that compiles it; that counts as its confirmation.")
    entries: list[ListEntryInput] = strawberry.field(description="The enterprises, at most 20,000.")

    def drafts(self) -> list[enterprises.ListEntry]:
        faults: list[Fault] = []
        drafts = [entry.entry(f"entries[{index}]", faults) for index, entry in enumerate(self.entries)]
        refuse(faults)
        return drafts


@strawberry.input(description="A role's confirmation of an enterprise list.")
class ConfirmEnterpriseListInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    version: int = strawberry.field(description="The list's number.")
    role: str = strawberry.field(description=ROLE_DESCRIPTION)


@strawberry.input(
    description="Something that happened once for the whole agreement. A later record of the same name "
    "supersedes once it is confirmed."
)
class RecordOccurrenceInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description="The role that records it; that counts as its confirmation.")
    name: str = strawberry.field(description="As clocks of the terms name it, such as aid_fund_paid_in.")
    day: date = strawberry.field(description="The day on which it happened.")
    document: str = strawberry.field(description="Reference to its evidence, 1 to 500 characters.")


@strawberry.input(description="A role's confirmation of a recorded occurrence.")
class ConfirmOccurrenceInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    name: str = strawberry.field(description="Its name.")
    sequence: int = strawberry.field(description="The number of the record.")
    role: str = strawberry.field(description=ROLE_DESCRIPTION)


@strawberry.input(description="Something that happened once for the whole agreement.")
class OccurrenceDayInput:
    name: str = strawberry.field(description="As clocks of the terms name it, such as aid_fund_paid_in.")
    day: date = strawberry.field(description="The day on which it happened.")


@strawberry.input(description="One figure of a return.")
class ReturnLineInput:
    credit_code: str | None = strawberry.field(
        default=None, description="统一社会信用代码 of a listed enterprise; null for the whole park."
    )
    measure: str = strawberry.field(description='Name of the measure, such as "vat".')
    span: WrittenSpan = strawberry.field(description="The quarter, or a month of it.")
    amount: WrittenAmount = strawberry.field(description="In the unit of the measure's commodity.")
    document: str = strawberry.field(default="", description="Reference to its evidence.")

    def draft(self) -> returns.LineDraft:
        return returns.LineDraft(self.credit_code, self.measure, self.span, self.amount, self.document)


@strawberry.input(description="A declared total; it must equal the sum of the measure's lines.")
class DeclaredTotalInput:
    measure: str = strawberry.field(description="Name of the measure.")
    amount: WrittenAmount = strawberry.field(description="In the unit of the measure's commodity.")


@strawberry.input(
    description="A quarter's return as lines. A later one of the same role and quarter supersedes it."
)
class HandInReturnInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description="The role that reports.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about, up to the open one.")
    lines: list[ReturnLineInput] = strawberry.field(default_factory=list, description="Every figure.")
    totals: list[DeclaredTotalInput] = strawberry.field(
        default_factory=list, description="One for each measure that the lines have."
    )
    is_nil: bool = strawberry.field(
        default=False, description="There is nothing to report: no lines, no totals."
    )
    nonce: Hash | None = strawberry.field(
        default=None, description="32 bytes that open the role's commitment, where it has made one."
    )

    def line_drafts(self) -> list[returns.LineDraft]:
        return [line.draft() for line in self.lines]

    def declared(self) -> list[tuple[str, str]]:
        return [(total.measure, total.amount) for total in self.totals]


@strawberry.input(description="A quarter's return as a file.")
class HandInReturnFileInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description="The role that reports.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about, up to the open one.")
    file_name: str = strawberry.field(
        description="Its name; the ending tells its type: csv, xlsx, xls, xlsb or ods."
    )
    content: Bytes = strawberry.field(description="Its bytes, at most 32 MiB.")
    nonce: Hash | None = strawberry.field(
        default=None, description="32 bytes that open the role's commitment, where it has made one."
    )


@strawberry.input(description="The open quarter, to be settled.")
class ComputeSettlementInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    quarter: Quarter = strawberry.field(description="The open quarter.")


@strawberry.input(description="The open quarter, to be closed with a settlement.")
class CloseQuarterInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    quarter: Quarter = strawberry.field(description="The open quarter.")
    settlement: strawberry.ID = strawberry.field(description="Id of the settlement that was looked at.")


def once(pairs: Sequence[tuple[Key, Value]], path: str, faults: list[Fault]) -> dict[Key, Value]:
    """The pairs as a mapping; a key that comes twice goes to ``faults``."""
    faults += [
        Fault(
            f"{path}[{index}]",
            "GIVEN_TWICE",
            f"{key} is given twice. Give it once.",
            f"{key} 重复出现，请只填一次。",
        )
        for index, key in _repeated([key for key, _ in pairs])
    ]
    return dict(pairs)


def _repeated(keys: Sequence[object]) -> list[tuple[int, object]]:
    return [(index, key) for index, key in enumerate(keys) if key in keys[:index]]


def fen(amount: Amount, path: str, faults: list[Fault]) -> int:
    """The amount of yuan in fen; one with more places goes to ``faults``."""
    try:
        return parse_amount(amount, YUAN.scale)
    except AmountUnreadable as error:
        faults.append(Fault(path, error.code, error.message_en, error.message_zh))
        return 0
