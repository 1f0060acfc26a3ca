"""Agreements and the versions of their terms, as the API shows them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, cast

import strawberry

from ledger.desk import (
    agreements,
    calendar,
    enterprises,
    occurrences,
    quarters,
    reconciliation,
    returns,
    roster,
    settlements,
)
from ledger.desk.agreements import reading as agreement_reading
from ledger.desk.returns.template import template_workbook
from ledger.desk.simulation import QUARTERS_MAX
from ledger.periods import Quarter
from ledger.rules.text import agreement_text
from ledger_graphql.amounts import Language
from ledger_graphql.calendar import RoleStep, Seal, Today, day_asked, role_step_nodes, seal_node
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Batch,
    Connection,
    First,
    Node,
    connection,
    global_id,
    number_key,
    numbers_of,
    shaped_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.differences import DifferenceFields
from ledger_graphql.enterprises import EnterpriseList, list_nodes
from ledger_graphql.events import Event, EventKindFilter, events_of
from ledger_graphql.fact_differences import FactDifferenceFields, LanguageArgument
from ledger_graphql.failures import MissingReturn
from ledger_graphql.fields import resolved, typed
from ledger_graphql.occurrences import Occurrence, occurrence_node
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.reconciliation import Reconciliation, reconciliation_of
from ledger_graphql.reconciliation_items import ReconciliationItem, item_nodes
from ledger_graphql.reopenings import ReopeningFields
from ledger_graphql.reports import (
    Balance,
    Explanation,
    Figure,
    balances_of,
    explanation_of,
    figures_of,
)
from ledger_graphql.returns import Filing, filing_nodes
from ledger_graphql.scalars import Bytes, Hash, Json
from ledger_graphql.settlements import Preview, Settlement, preview_of, settlement_nodes
from ledger_graphql.simulations import SimulationResult, simulation_of
from ledger_graphql.statements import Statement, settlement_statement_of, statement_of

KnownAt = Annotated[
    datetime | None,
    strawberry.argument(description="As the ledger knew it at that moment; now when left out."),
]
AboutQuarter = Annotated[Quarter, strawberry.argument(description="The quarter that it is about.")]


@strawberry.enum(
    description="ENCLAVE 飞地, REVERSE_ENCLAVE 反向飞地, PARTNER_PARK 伙伴园区/结对, CO_BUILT_PARK "
    "共建园区, ENTRUSTED_PARK 托管, "
    "OFF_SITE_INCUBATION 异地孵化, BRANCH_PARK 分园, VOUCHER_RECOGNITION 创新券互认."
)
class AgreementKind(Enum):
    ENCLAVE = "enclave"
    REVERSE_ENCLAVE = "reverse_enclave"
    PARTNER_PARK = "partner_park"
    CO_BUILT_PARK = "co_built_park"
    ENTRUSTED_PARK = "entrusted_park"
    OFF_SITE_INCUBATION = "off_site_incubation"
    BRANCH_PARK = "branch_park"
    VOUCHER_RECOGNITION = "voucher_recognition"


@strawberry.enum(
    description="A version is a DRAFT, then PROPOSED for signing, then IN_FORCE, then SUPERSEDED by "
    "the next one. "
    "What isn't in force yet can be WITHDRAWN."
)
class VersionState(Enum):
    DRAFT = "draft"
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


@strawberry.type(description="A party in its role.")
class AgreementParty:
    role: str = strawberry.field(description='The name that the terms give to the party, such as "origin".')
    signs: bool = strawberry.field(description="Whether versions and enterprise lists need its signature.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("The party.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="One role's Ed25519 signature of a version's bytes.")
class VersionSignature:
    role: str = strawberry.field(description="The role that signed.")
    public_key: Bytes = strawberry.field(description="The party's key, 32 bytes.")
    signature: Bytes = strawberry.field(description="64 bytes, over exactly bytesToSign.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.type(description="One version of an agreement's terms.")
class AgreementVersion(Node):
    number: int = strawberry.field(description="From 1 up.")
    state: VersionState = strawberry.field(description="How far it has come.")
    in_force_from: Quarter = strawberry.field(description="The first quarter that it applies to.")
    bytes_to_sign: Bytes = strawberry.field(
        description="The terms as RFC 8785 JSON: exactly these bytes are signed (Ed25519)."
    )
    terms_hash: Hash = strawberry.field(description="SHA-256 of bytesToSign.")
    signatures: list[VersionSignature] = strawberry.field(description="Those given so far, by role.")
    recorded_at: datetime = strawberry.field(description="When it was drafted.")
    record: strawberry.Private[agreements.AgreementVersion]

    @resolved("The whole document; its shape is Query.termsSchema.")
    def terms(self) -> Json:
        return Json(json.loads(self.record.terms_bytes))

    @resolved("The worked examples of every clause. They pass: else nothing can be drafted or proposed.")
    def examples(self) -> Json:
        document = json.loads(self.record.terms_bytes)
        return Json({str(clause["number"]): clause["examples"] for clause in document["clauses"]})

    @resolved("The terms as text for people.")
    def text(self, info: Info, language: LanguageArgument) -> str:
        names = _party_names(info.context, self.record.agreement_id, language)
        return agreement_text(self.record.terms, language.value, names)


@strawberry.enum(
    description="SETTLED; NOT_SETTLED_YET; BEFORE_THE_AGREEMENT (before the first quarter in force, or "
    "nothing is in force); AFTER_ITS_END."
)
class QuarterState(Enum):
    SETTLED = "settled"
    NOT_SETTLED_YET = "not_settled_yet"
    BEFORE_THE_AGREEMENT = "before_the_agreement"
    AFTER_ITS_END = "after_its_end"


@strawberry.type(description="Where a quarter of an agreement stands.")
class QuarterStanding:
    quarter: Quarter = strawberry.field(description="The quarter.")
    state: QuarterState = strawberry.field(description="How far it is.")
    missing: list[MissingReturn] = strawberry.field(
        description="Returns still to be handed in, where it isn't settled yet. Quarters are settled in "
        "order: openQuarter is next."
    )


@strawberry.type(description="A file to save.")
class FileContent:
    file_name: str = strawberry.field(description="A name for it.")
    base64: str = strawberry.field(description="Its bytes in standard base64.")


@strawberry.type(description="An agreement 合作协议 between two or more parties.")
class Agreement(DifferenceFields, FactDifferenceFields, ReopeningFields, Node):
    code: str = strawberry.field(description="Stable code, unique in the ledger.")
    kind: AgreementKind = strawberry.field(description="What kind of carrier it is about.")
    title_zh: str = strawberry.field(description="Title in Chinese.")
    title_en: str = strawberry.field(description="Title in English.")
    source: str = strawberry.field(description="Where its facts come from.")
    unverified: str = strawberry.field(description="What of it isn't confirmed, or is made up.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    parties: list[AgreementParty] = strawberry.field(description="Everybody who takes part, by role.")
    record: strawberry.Private[agreements.Agreement]
    open_quarters: strawberry.Private[Batch[int, Quarter]]
    versions_by_agreement: strawberry.Private[Batch[int, list[agreements.AgreementVersion]]]

    @resolved("Every version of its terms, by number.")
    def versions(self) -> list[AgreementVersion]:
        return [version_node(record) for record in self.versions_by_agreement[self.record.agreement_id]]

    @resolved("The version with this number; null when there is none.")
    def version(
        self, number: Annotated[int, strawberry.argument(description="From 1 up.")]
    ) -> AgreementVersion | None:
        found = self.versions_by_agreement[self.record.agreement_id]
        return next((version_node(record) for record in found if record.version == number), None)

    @resolved("The quarter that returns are booked in now; null before the first and after the last.")
    def open_quarter(self) -> Quarter | None:
        return self.open_quarters.get(self.record.agreement_id)

    @resolved("Every version of its enterprise list, by number.")
    def enterprise_lists(self, info: Info) -> list[EnterpriseList]:
        return list_nodes(enterprises.list_heads(info.context.snapshot, self.record.agreement_id))

    @resolved("Every record of what happened to it as a whole, by name and sequence.")
    def occurrences(self, info: Info) -> list[Occurrence]:
        found = occurrences.occurrences(info.context.snapshot, self.record.agreement_id)
        return [occurrence_node(record) for record in found]

    @resolved("Returns, superseded ones too, by quarter, role and sequence.")
    def filings(
        self,
        info: Info,
        quarter: Annotated[Quarter | None, strawberry.argument(description="Only those about it.")] = None,
        role: Annotated[str | None, strawberry.argument(description="Only this role's.")] = None,
        known_at: KnownAt = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Filing]:
        page = returns.filings_page(
            info.context.snapshot,
            self.record.agreement_id,
            quarter=quarter,
            role=role,
            known_at=known_at,
            after=cast("returns.FilingKey | None", shaped_key(after, int, str, int)),
            limit=first,
        )
        return connection(
            filing_nodes(info.context, page.items),
            [record.key for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("How two returns of a quarter compare; null where the procedure in force compares nothing.")
    def reconciliation(
        self,
        info: Info,
        quarter: AboutQuarter,
        record: Annotated[
            str | None,
            strawberry.argument(description="The role of record; the first that is compared when left out."),
        ] = None,
    ) -> Reconciliation | None:
        return reconciliation_of(info.context, self.record.agreement_id, quarter, record)

    @resolved("Everything that people did about lines that differ, by number.")
    def reconciliation_items(
        self,
        info: Info,
        quarter: Annotated[Quarter | None, strawberry.argument(description="Only those about it.")] = None,
        owner: Annotated[
            str | None, strawberry.argument(description="Only those that wait for this role.")
        ] = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[ReconciliationItem]:
        page = reconciliation.items_page(
            info.context.snapshot,
            self.record.agreement_id,
            quarter=quarter,
            owner=owner,
            after=number_key(after) or 0,
            limit=first,
        )
        return connection(
            item_nodes(info.context, page.items),
            [(item.number,) for item in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("Settlements, those that were never closed too, by quarter and time.")
    def settlements(
        self,
        info: Info,
        quarter: Annotated[
            Quarter | None, strawberry.argument(description="Only those booked in it.")
        ] = None,
        known_at: KnownAt = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Settlement]:
        page = settlements.settlements_page(
            info.context.snapshot,
            self.record.agreement_id,
            quarter=quarter,
            known_at=known_at,
            after=cast("settlements.SettlementKey | None", shaped_key(after, int, int)),
            limit=first,
        )
        return connection(
            settlement_nodes(info.context, self.record.agreement_id, page.items),
            [record.key for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved(
        "What settling the open quarter would give now; null when no quarter is open. Nothing is written."
    )
    def preview(self, info: Info) -> Preview | None:
        quarter = self.open_quarters.get(self.record.agreement_id)
        return None if quarter is None else preview_of(info.context, self.record.agreement_id, quarter)

    @typed(
        "A draft run over past quarters, as if in force from the first of them, beside the terms in force: "
        "who gains and loses what. Nothing is written."
    )
    def simulation(
        self,
        info: Info,
        first: Annotated[Quarter, strawberry.argument(description="The first quarter compared.")],
        last: Annotated[
            Quarter,
            strawberry.argument(description=f"The last one, at most {QUARTERS_MAX} from the first."),
        ],
        terms: Annotated[
            Json | None,
            strawberry.argument(description="The draft; it must be fit to amend the agreement."),
        ] = None,
        version: Annotated[
            int | None,
            strawberry.argument(description="Instead of terms: the number of a version that was drafted."),
        ] = None,
    ) -> SimulationResult:
        return simulation_of(info.context, self.record.agreement_id, terms, version, first, last)

    @resolved(
        "What is expected of every role for a quarter and by when, in order; empty where the terms have no "
        "calendar."
    )
    def calendar(self, info: Info, quarter: AboutQuarter, today: Today = None) -> list[RoleStep]:
        desk = info.context
        found = calendar.calendar(desk.snapshot, self.record.agreement_id, quarter, day_asked(desk, today))
        party_ids = {side.role: side.party_id for side in self.record.parties}
        return role_step_nodes(found, party_ids, party_batch(desk, party_ids.values()))

    @resolved("Who has committed to the quarter's figures; null where the terms don't seal them.")
    def seal(self, info: Info, quarter: AboutQuarter) -> Seal | None:
        found = returns.seal(info.context.snapshot, self.record.agreement_id, quarter)
        return None if found is None else seal_node(found)

    @resolved("Where a quarter stands: whether it is settled, and if not, why there is no statement of it.")
    def quarter_standing(
        self, info: Info, quarter: AboutQuarter, known_at: KnownAt = None
    ) -> QuarterStanding:
        found = quarters.quarter_standing(info.context.snapshot, self.record.agreement_id, quarter, known_at)
        return QuarterStanding(
            quarter=quarter,
            state=QuarterState(found.state.value),
            missing=[MissingReturn(role=role, quarter=quarter) for role in found.missing_roles],
        )

    @resolved("What was done about it, oldest first.")
    def events(
        self, info: Info, kind: EventKindFilter = None, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[Event]:
        return events_of(
            info.context, agreement_id=self.record.agreement_id, kind=kind, first=first, after=after
        )

    @resolved(
        "The statement of a settled quarter (as known then); null when there is none: quarterStanding "
        "says why."
    )
    def statement(self, info: Info, quarter: AboutQuarter, known_at: KnownAt = None) -> Statement | None:
        return statement_of(info.context, self.record.agreement_id, quarter, known_at)

    @resolved("The statement of any settlement that was computed, closed or not.")
    def settlement_statement(
        self,
        info: Info,
        settlement: Annotated[strawberry.ID, strawberry.argument(description="Id of the settlement.")],
    ) -> Statement:
        settlement_id = numbers_of(settlement, "Settlement", 2)[1]
        return settlement_statement_of(info.context, self.record.agreement_id, settlement_id)

    @resolved("Balances of its accounts, from closed settlements only.")
    def balances(
        self,
        info: Info,
        through: Annotated[
            Quarter, strawberry.argument(description="Only what is about quarters up to this one.")
        ],
        known_at: KnownAt = None,
    ) -> list[Balance]:
        return balances_of(
            info.context, agreement_id=self.record.agreement_id, through=through, known_at=known_at
        )

    @resolved("Results about the quarter, in whichever quarter they were booked, as known then.")
    def figures(self, info: Info, quarter: AboutQuarter, known_at: KnownAt = None) -> list[Figure]:
        return figures_of(info.context, self.record.agreement_id, quarter, known_at)

    @resolved("How a clause's amounts about a quarter came about, step by step.")
    def explanation(
        self,
        info: Info,
        settlement: Annotated[strawberry.ID, strawberry.argument(description="Id of the settlement.")],
        clause: Annotated[int, strawberry.argument(description="The number of the clause.")],
        quarter: AboutQuarter,
        cause: Annotated[int, strawberry.argument(description="The number of the cause in the settlement.")],
        enterprise: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Id of the enterprise; null for the whole park."),
        ] = None,
    ) -> Explanation:
        return explanation_of(
            info.context,
            self.record.agreement_id,
            numbers_of(settlement, "Settlement", 2)[1],
            cause=cause,
            clause=clause,
            subject_id=0 if enterprise is None else numbers_of(enterprise, "Enterprise", 1)[0],
            quarter=quarter,
        )

    @resolved("The workbook (XLSX) in which a role fills in its return of a quarter.")
    def template_workbook(
        self,
        info: Info,
        role: Annotated[str, strawberry.argument(description="The role that reports.")],
        quarter: AboutQuarter,
    ) -> FileContent:
        content = template_workbook(info.context.snapshot, self.record.agreement_id, role, quarter)
        return FileContent(
            file_name=template_name(self.code, role, quarter), base64=base64.b64encode(content).decode()
        )


def template_name(code: str, role: str, quarter: Quarter) -> str:
    """The file name under which a template is saved."""
    return f"{code}-{role}-{quarter}.xlsx"


def agreement_nodes(desk: Desk, records: Sequence[agreements.Agreement]) -> list[Agreement]:
    """What the API shows of ``records``; whatever they refer to is loaded for all of them together."""
    ids = [record.agreement_id for record in records]
    parties = party_batch(desk, {side.party_id for record in records for side in record.parties})
    open_quarters = Batch(ids, lambda wanted: agreement_reading.open_quarters(desk.snapshot, wanted))
    versions = Batch(ids, lambda wanted: agreement_reading.versions_of_agreements(desk.snapshot, wanted))
    return [
        Agreement(
            id=global_id("Agreement", record.agreement_id),
            code=record.code,
            kind=AgreementKind(record.kind),
            title_zh=record.title_zh,
            title_en=record.title_en,
            source=record.source,
            unverified=record.unverified,
            recorded_at=record.recorded_at,
            parties=[
                AgreementParty(role=side.role, signs=side.signs, party_id=side.party_id, parties=parties)
                for side in record.parties
            ],
            record=record,
            open_quarters=open_quarters,
            versions_by_agreement=versions,
        )
        for record in records
    ]


def agreement_node(desk: Desk, record: agreements.Agreement) -> Agreement:
    """What the API shows of one agreement."""
    return agreement_nodes(desk, [record])[0]


def version_node(record: agreements.AgreementVersion) -> AgreementVersion:
    """What the API shows of one version of the terms."""
    return AgreementVersion(
        id=global_id("AgreementVersion", record.agreement_id, record.version),
        number=record.version,
        state=VersionState(record.state),
        in_force_from=record.in_force_from,
        bytes_to_sign=Bytes(record.terms_bytes),
        terms_hash=Hash(record.terms_hash),
        signatures=[
            VersionSignature(
                role=signature.role,
                public_key=Bytes(signature.public_key),
                signature=Bytes(signature.signature),
                recorded_at=signature.recorded_at,
            )
            for signature in record.signatures
        ],
        recorded_at=record.recorded_at,
        record=record,
    )


def agreement_id_of(desk: Desk, code: str) -> int:
    """The id behind a code. Lets the snapshot go: the act may wait, and its result must be read after it."""
    found = agreements.agreement_by_code(desk.snapshot, code)
    desk.refresh()
    return found.agreement_id


def agreement_of(desk: Desk, agreement_id: int) -> Agreement:
    """The agreement as it is now."""
    return agreement_node(desk, agreements.agreement(desk.snapshot, agreement_id))


def _party_names(desk: Desk, agreement_id: int, language: Language) -> dict[str, str]:
    sides = agreements.sides_of(desk.snapshot, agreement_id)
    found = roster.parties_by_id(desk.snapshot, [side.party_id for side in sides.values()])
    return {
        party.code: (party.name_en or party.name_zh) if language is Language.EN else party.name_zh
        for party in found.values()
    }
