"""Everything that a client can ask for. One operation reads one snapshot of the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Annotated, TypeVar, cast

import strawberry

from ledger.desk import agreements, history, roster
from ledger.desk import events as event_reading
from ledger.desk.failures import NotFound as NotFoundError
from ledger.desk.pages import LimitUnusable
from ledger.desk.trials import FIGURES_MAX, QUARTERS_MAX, SUBJECTS_MAX
from ledger.desk.zones import listed_zones
from ledger.periods import Quarter
from ledger.rules import check
from ledger.rules.document import json_schema
from ledger_graphql.accounts import AccountQueries
from ledger_graphql.agreements import (
    Agreement,
    AgreementKind,
    KnownAt,
    agreement_node,
    agreement_nodes,
)
from ledger_graphql.amounts import COMMODITIES, MEASURES, Commodity, Measure
from ledger_graphql.commitments import CommitmentQueries
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    Node,
    connection,
    numbers_of,
    shaped_key,
    text_key,
)
from ledger_graphql.context import Info
from ledger_graphql.duties import DutyQueries
from ledger_graphql.events import Event, EventKindFilter, event_node, events_of
from ledger_graphql.failures import Fault, faults_of_terms
from ledger_graphql.fields import resolved, typed
from ledger_graphql.indicators import IndicatorQueries
from ledger_graphql.inputs import ListEntryInput, OccurrenceDayInput, ReturnLineInput
from ledger_graphql.log import LogQueries
from ledger_graphql.nodes import nodes_by_id
from ledger_graphql.pairings import PairingQueries
from ledger_graphql.papers import PaperQueries
from ledger_graphql.parties import Party, PartyKind, RegionClass, party_id_of, party_node, party_nodes
from ledger_graphql.payment_queries import PaymentQueries
from ledger_graphql.reports import Balance, balance_nodes
from ledger_graphql.reviews import ReviewQueries
from ledger_graphql.rule_templates import RuleTemplateQueries
from ledger_graphql.scalars import Json
from ledger_graphql.searches import SearchQueries
from ledger_graphql.sharing import SharingQueries
from ledger_graphql.trials import TrialResult, trial_of
from ledger_graphql.voucher_queries import VoucherQueries
from ledger_graphql.voucher_work import VoucherWorkQueries
from ledger_graphql.worklists import WorklistQueries
from ledger_graphql.zones import ZoneQueries

NODES_MAX = 50

Found = TypeVar("Found")

Search = Annotated[
    str | None, strawberry.argument(description="Only those whose code, name or title contains it, any case.")
]
PartyCode = Annotated[str, strawberry.argument(description="The party's code.")]
AgreementCode = Annotated[str, strawberry.argument(description="The agreement's code.")]


@strawberry.type(description="What is wrong with a document of terms.")
class TermsCheck:
    faults: list[Fault] = strawberry.field(description="Every fault; empty when the terms can be proposed.")


@strawberry.type(
    description="Everything that can be asked. Null stands for what isn't there or may not be known."
)
class Query(
    IndicatorQueries,
    AccountQueries,
    CommitmentQueries,
    DutyQueries,
    LogQueries,
    PairingQueries,
    PaperQueries,
    PaymentQueries,
    ReviewQueries,
    RuleTemplateQueries,
    SearchQueries,
    SharingQueries,
    VoucherQueries,
    VoucherWorkQueries,
    WorklistQueries,
    ZoneQueries,
):
    @resolved("Any object by its global id; null when there is none.")
    def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="As the object gave it.")],
    ) -> Node | None:
        return nodes_by_id(info.context, [id])[0]

    @resolved("Objects by their global ids, in the order asked for; null where there is none.")
    def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID],
            strawberry.argument(description=f"As the objects gave them, at most {NODES_MAX}."),
        ],
    ) -> list[Node | None]:
        if len(ids) > NODES_MAX:
            raise LimitUnusable(limit=len(ids), limit_max=NODES_MAX)
        return nodes_by_id(info.context, ids)

    @resolved("National high-tech zones and other zones, by code.")
    def zones(
        self,
        info: Info,
        as_of: Annotated[
            date | None, strawberry.argument(description="Only those on the list on this day.")
        ] = None,
        region_class: Annotated[
            RegionClass | None, strawberry.argument(description="Only this region's.")
        ] = None,
        province_code: Annotated[
            str | None, strawberry.argument(description="Only this province's: six digits (GB/T 2260).")
        ] = None,
        search: Search = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Party]:
        snapshot = info.context.snapshot
        listed = [] if as_of is None else listed_zones(snapshot, as_of)
        page = roster.parties(
            snapshot,
            kind=PartyKind.ZONE.value,
            among=None if as_of is None else [state.party_id for state in listed],
            region_class=None if region_class is None else region_class.value,
            province_code=province_code,
            search=search,
            after=text_key(after),
            limit=first,
        )
        return connection(
            party_nodes(info.context, page.items),
            [(record.code,) for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("Everybody who can take part, by code.")
    def parties(
        self,
        info: Info,
        kind: Annotated[PartyKind | None, strawberry.argument(description="Only this kind.")] = None,
        parent: Annotated[
            str | None, strawberry.argument(description="Only the parks of the zone with this code.")
        ] = None,
        search: Search = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Party]:
        desk = info.context
        page = roster.parties(
            desk.snapshot,
            kind=None if kind is None else kind.value,
            parent_party_id=party_id_of(desk, parent),
            search=search,
            after=text_key(after),
            limit=first,
        )
        return connection(
            party_nodes(desk, page.items),
            [(record.code,) for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("The party with this code; null when there is none.")
    def party(self, info: Info, code: PartyCode) -> Party | None:
        desk = info.context
        return _if_found(lambda: party_node(desk, roster.party_by_code(desk.snapshot, code)))

    @resolved("Agreements, by code.")
    def agreements(
        self,
        info: Info,
        party: Annotated[
            str | None,
            strawberry.argument(description="Only those in which the party with this code takes part."),
        ] = None,
        kind: Annotated[AgreementKind | None, strawberry.argument(description="Only this kind.")] = None,
        search: Search = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Agreement]:
        desk = info.context
        page = agreements.agreements(
            desk.snapshot,
            party_id=party_id_of(desk, party),
            kind=None if kind is None else kind.value,
            search=search,
            after=text_key(after),
            limit=first,
        )
        return connection(
            agreement_nodes(desk, page.items),
            [(record.code,) for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("The agreement with this code; null when there is none.")
    def agreement(self, info: Info, code: AgreementCode) -> Agreement | None:
        desk = info.context
        return _if_found(lambda: agreement_node(desk, agreements.agreement_by_code(desk.snapshot, code)))

    @resolved("Everything that was done, oldest first.")
    def events(
        self, info: Info, kind: EventKindFilter = None, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[Event]:
        return events_of(info.context, kind=kind, first=first, after=after)

    @resolved("The event with this id; null when there is none.")
    def event(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="As the event gave it.")],
    ) -> Event | None:
        (event_id,) = numbers_of(id, "Event", 1)
        return _if_found(lambda: event_node(event_reading.event(info.context.snapshot, event_id)))

    @resolved(
        "A party's balances in all its agreements, by agreement and account, from closed settlements only."
    )
    def balances(
        self,
        info: Info,
        party: PartyCode,
        through: Annotated[
            Quarter, strawberry.argument(description="Only what is about quarters up to this one.")
        ],
        known_at: KnownAt = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Balance]:
        desk = info.context
        page = history.balances_page(
            desk.snapshot,
            party_id=roster.party_by_code(desk.snapshot, party).party_id,
            through=through,
            known_at=known_at,
            after=cast("history.BalanceKey | None", shaped_key(after, int, int)),
            limit=first,
        )
        return connection(
            balance_nodes(desk, page.items),
            [record.key for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("Every measure that a return may report.")
    def measures(self) -> list[Measure]:
        return list(MEASURES.values())

    @resolved("Everything that amounts are counted in.")
    def commodities(self) -> list[Commodity]:
        return list(COMMODITIES.values())

    @resolved("The JSON Schema of terms.")
    def terms_schema(self) -> Json:
        return Json(json_schema())

    @typed(
        "What terms make of figures, quarter by quarter. Nothing of the ledger is read, and nothing is kept."
    )
    def evaluate_clause(
        self,
        info: Info,  # noqa: ARG002
        terms: Annotated[Json, strawberry.argument(description="The document; its examples must pass.")],
        figures: Annotated[
            list[ReturnLineInput],
            strawberry.argument(description=f"Figures of any quarters, at most {FIGURES_MAX:,}."),
        ],
        through: Annotated[
            Quarter,
            strawberry.argument(
                description=f"The last quarter to compute, at most {QUARTERS_MAX} from the first in force."
            ),
        ],
        subjects: Annotated[
            list[ListEntryInput] | None,
            strawberry.argument(
                description="The enterprises with the attributes that the terms need, at most "
                f"{SUBJECTS_MAX}. When left out, every credit code is one of which nothing else is known."
            ),
        ] = None,
        occurrences: Annotated[
            list[OccurrenceDayInput] | None,
            strawberry.argument(
                description="What has happened to the agreement, each name once; nothing when left out."
            ),
        ] = None,
    ) -> TrialResult:
        return trial_of(terms, figures, subjects, through, occurrences or [])

    @resolved("What is wrong with terms, worked examples included. Nothing is kept.")
    def check_terms(
        self, terms: Annotated[Json, strawberry.argument(description="The document.")]
    ) -> TermsCheck:
        read, faults = check.read_document(json.dumps(terms, ensure_ascii=False))
        found = faults if read is None else check.check(read)
        return TermsCheck(faults=faults_of_terms(found))


def _if_found(find: Callable[[], Found]) -> Found | None:
    try:
        return find()
    except NotFoundError:
        return None
