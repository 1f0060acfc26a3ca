"""A draft run over past quarters beside the terms in force, as the API shows it."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import agreements, simulation
from ledger.desk.failures import RequestRefused
from ledger.desk.pages import rows_to_read
from ledger.periods import Quarter
from ledger.rules.check import TermsRefused as TermsRefusedError
from ledger.rules.check import read_document
from ledger.rules.facts import Amount, Fault
from ledger.rules.terms import Book, Terms
from ledger_graphql.amounts import MEASURES, AmountValue, Language, Measure, amount_value
from ledger_graphql.connections import FIRST_DEFAULT, After, Connection, First, connection, cut, numbers_of
from ledger_graphql.context import Desk
from ledger_graphql.enterprises import Enterprise, EnterpriseBatch, enterprise_batch
from ledger_graphql.failures import InvalidInput, MissingReturn, NotFound, Refused, TermsRefused
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch, party_batch
from ledger_graphql.reports import Reasoning, reasoning_of
from ledger_graphql.scalars import Json
from ledger_graphql.terms import terms_text

CHANGES_DEFAULT = 10


@strawberry.enum(
    description="How a clause stands: KEPT (both sides have it), NEW (only the draft), DROPPED (only the "
    "terms in force), UNREPORTED (the draft has it, but a figure that it needs isn't reported: its result "
    "isn't known)."
)
class ClauseStanding(Enum):
    KEPT = "kept"
    NEW = "new"
    DROPPED = "dropped"
    UNREPORTED = "unreported"


@strawberry.type(description="What one side gives, or how much more the draft gives.")
class SimulatedAmount:
    amount: AmountValue = strawberry.field(description="How much.")
    routed: AmountValue = strawberry.field(description="The part of it that goes on to the clause's fund.")


@strawberry.type(description="A clause of either side, over all quarters that were computed.")
class SimulatedClause:
    number: int = strawberry.field(description="The number of the clause.")
    title_zh: str = strawberry.field(description="Its title in Chinese.")
    title_en: str = strawberry.field(description="Its title in English.")
    standing: ClauseStanding = strawberry.field(description="Which side has it.")


@strawberry.type(
    description="A measure that the draft needs and a role doesn't report. It isn't taken for zero."
)
class UnreportedMeasure:
    clause: int = strawberry.field(description="The number of the draft's clause that needs it.")
    measure: Measure = strawberry.field(description="The measure.")
    role: str = strawberry.field(description="The role that would report it.")
    quarters: list[Quarter] = strawberry.field(description="The quarters for which it isn't reported.")


@strawberry.type(description="What one clause gives one party about a quarter, all subjects together.")
class SimulationRow:
    clause: int = strawberry.field(description="The number of the clause.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about.")
    standing: ClauseStanding = strawberry.field(description="How the clause stands for the quarter.")
    in_force: SimulatedAmount | None = strawberry.field(
        description="Under the terms in force; null for a new clause."
    )
    draft: SimulatedAmount | None = strawberry.field(
        description="Under the draft; null for a dropped clause, and where it isn't known."
    )
    difference: SimulatedAmount | None = strawberry.field(
        description="How much more the draft gives; null where it isn't known."
    )
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who gets it.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(
    description="What a party gets in all of one book and commodity. What isn't known is left out."
)
class SimulationTotal:
    quarter: Quarter | None = strawberry.field(description="The quarter; null for all of them together.")
    in_force: SimulatedAmount = strawberry.field(description="Under the terms in force.")
    draft: SimulatedAmount = strawberry.field(description="Under the draft.")
    difference: SimulatedAmount = strawberry.field(description="How much more the draft gives.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who gets it.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="What changes for one party about an enterprise.")
class PartyChange:
    difference: AmountValue = strawberry.field(description="How much more the draft gives.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("Who gets it.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="What the draft changes about one enterprise in one book and commodity.")
class EnterpriseChange:
    by_party: list[PartyChange] = strawberry.field(description="The difference of each party; never zero.")
    subject_id: strawberry.Private[int]
    enterprises: strawberry.Private[EnterpriseBatch]

    @resolved("The enterprise.")
    def enterprise(self) -> Enterprise:
        return self.enterprises[self.subject_id]


@strawberry.type(description="How a result comes about on either side.")
class SimulationReasons:
    in_force: Reasoning | None = strawberry.field(
        description="Under the terms in force; null where they don't have the clause."
    )
    draft: Reasoning | None = strawberry.field(
        description="Under the draft; null where it doesn't have the clause, or the result isn't known."
    )


@strawberry.type(
    description="A draft over past quarters, as if in force from the first of them, beside the terms in "
    "force: the accepted figures under either. Nothing is written."
)
class Simulation:
    through: Quarter | None = strawberry.field(
        description="The last quarter computed: up to it every return is in. Null when nothing was computed."
    )
    is_complete: bool = strawberry.field(
        description="Whether every quarter asked for was computed and every result of the draft is known."
    )
    missing: list[MissingReturn] = strawberry.field(description="Returns that aren't handed in yet.")
    unreported: list[UnreportedMeasure] = strawberry.field(
        description="What the draft needs and no return reports."
    )
    clauses: list[SimulatedClause] = strawberry.field(description="Every clause of either side, by number.")
    record: strawberry.Private[simulation.Simulation]
    parties: strawberry.Private[PartyBatch]
    desk: strawberry.Private[Desk]

    @resolved("By clause, quarter, book, commodity and party; where neither side gives anything is no row.")
    def rows(self, first: First = FIRST_DEFAULT, after: After = None) -> Connection[SimulationRow]:
        page, has_next = cut(self.record.rows, _key, first, after)
        return connection(
            [self._row(row) for row in page],
            [_key(row) for row in page],
            has_next=has_next,
            after=after,
        )

    @resolved("What each party gets in all, by book and commodity.")
    def totals(self) -> list[SimulationTotal]:
        return [self._total(total) for total in self.record.totals]

    @resolved("The same for each quarter by itself.")
    def totals_by_quarter(self) -> list[SimulationTotal]:
        return [self._total(total) for total in self.record.totals_by_quarter]

    @resolved("The enterprises that change most: by book and commodity, the largest difference first.")
    def changes(self, first: First = CHANGES_DEFAULT) -> list[EnterpriseChange]:
        rows_to_read(first)
        found = self.record.changes[:first]
        enterprises = enterprise_batch(self.desk, {change.subject_id for change in found})
        return [self._change(change, enterprises) for change in found]

    @resolved("How both results of a clause about a quarter come about, step by step.")
    def explanation(
        self,
        clause: Annotated[int, strawberry.argument(description="The number of the clause.")],
        quarter: Annotated[Quarter, strawberry.argument(description="A quarter that was computed.")],
        enterprise: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Id of the enterprise; null for the whole park."),
        ] = None,
    ) -> SimulationReasons:
        subject_id = 0 if enterprise is None else numbers_of(enterprise, "Enterprise", 1)[0]
        found = self.record.reasons(clause, subject_id, quarter)
        return SimulationReasons(
            in_force=None if found.in_force is None else reasoning_of(found.in_force),
            draft=None if found.draft is None else reasoning_of(found.draft),
        )

    @resolved("The whole comparison as text for people.")
    def text(
        self, language: Annotated[Language, strawberry.argument(description="Language of the text.")]
    ) -> str:
        return simulation.render_simulation(self.record, language.value)

    def _row(self, row: simulation.Row) -> SimulationRow:
        _, _, book, commodity_id, party_id = row.about
        in_force, draft, difference = (
            None if amount is None else _value(amount, commodity_id, book)
            for amount in (row.in_force, row.draft, row.difference)
        )
        return SimulationRow(
            clause=row.about.clause,
            quarter=row.about.quarter,
            standing=ClauseStanding(row.standing.value),
            in_force=in_force,
            draft=draft,
            difference=difference,
            party_id=party_id,
            parties=self.parties,
        )

    def _total(self, total: simulation.Total) -> SimulationTotal:
        in_force, draft, difference = (
            _value(amount, total.commodity_id, total.book)
            for amount in (total.in_force, total.draft, total.difference)
        )
        return SimulationTotal(
            quarter=total.quarter,
            in_force=in_force,
            draft=draft,
            difference=difference,
            party_id=total.party_id,
            parties=self.parties,
        )

    def _change(self, change: simulation.Change, enterprises: EnterpriseBatch) -> EnterpriseChange:
        return EnterpriseChange(
            by_party=[
                PartyChange(
                    difference=amount_value(change_minor, change.commodity_id, change.book),
                    party_id=party_id,
                    parties=self.parties,
                )
                for party_id, change_minor in change.by_party.items()
            ],
            subject_id=change.subject_id,
            enterprises=enterprises,
        )


SimulationResult = Annotated[
    Simulation | InvalidInput | TermsRefused | NotFound | Refused,
    strawberry.union("SimulationResult", description="What came of running a draft over past quarters."),
]


def simulation_of(
    desk: Desk, agreement_id: int, terms: Json | None, version: int | None, first: Quarter, last: Quarter
) -> Simulation:
    """The simulation of ``terms`` or of a version. Raises what ``simulate`` does, ``RequestRefused``."""
    draft = _draft(desk, agreement_id, terms, version)
    made = simulation.simulate(desk.snapshot, agreement_id, draft, first, last)
    parties = party_batch(desk, {row.about.party_id for row in made.rows})
    return Simulation(
        through=made.through,
        is_complete=made.is_complete,
        missing=[MissingReturn(role=role, quarter=quarter) for quarter, role in made.missing],
        unreported=[
            UnreportedMeasure(
                clause=one.clause,
                measure=MEASURES[one.measure],
                role=one.role,
                quarters=list(one.quarters),
            )
            for one in made.unreported
        ],
        clauses=[
            SimulatedClause(
                number=one.number,
                title_zh=one.title.zh,
                title_en=one.title.en,
                standing=ClauseStanding(one.standing.value),
            )
            for one in made.clauses
        ],
        record=made,
        parties=parties,
        desk=desk,
    )


def _draft(desk: Desk, agreement_id: int, terms: Json | None, version: int | None) -> Terms:
    """What is to be simulated. Raises ``RequestRefused``, ``TermsRefused``, ``NotFound``."""
    if version is not None and terms is None:
        return agreements.version(desk.snapshot, agreement_id, version).terms
    if terms is None or version is not None:
        raise RequestRefused([_ONE_OF_TWO])
    read, faults = read_document(terms_text(terms))
    if read is None:
        raise TermsRefusedError(faults)
    return read


_ONE_OF_TWO = Fault(
    "terms",
    "ONE_OF_TWO",
    "Expected either terms or the number of a version. Give one of them.",
    "terms 与 version 应填且只填其一。",
)


def _value(amount: Amount, commodity_id: int, book: Book) -> SimulatedAmount:
    return SimulatedAmount(
        amount=amount_value(amount.amount_minor, commodity_id, book),
        routed=amount_value(amount.routed_minor, commodity_id, book),
    )


def _key(row: simulation.Row) -> tuple[int, int, str, int, int]:
    about = row.about
    return about.clause, about.quarter.code, about.book.value, about.commodity_id, about.party_id
