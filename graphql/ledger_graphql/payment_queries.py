"""What can be asked about legs, payments, arrears and nettings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, cast

import strawberry

from ledger.desk import agreements, payments, roster
from ledger.desk.failures import refuse
from ledger.periods import Quarter
from ledger.rules.facts import Fault
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    Node,
    connection,
    number_key,
    numbers_of,
    shaped_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.fields import resolved
from ledger_graphql.inputs import fen
from ledger_graphql.nettings import Netting, NettingPreview, netting_node, preview_node
from ledger_graphql.parties import party_id_of
from ledger_graphql.payments import (
    Arrears,
    AsOf,
    Leg,
    Payment,
    arrears_nodes,
    leg_nodes,
    payment_nodes,
)
from ledger_graphql.scalars import Amount, Bytes

Party = Annotated[str, strawberry.argument(description="The party's code.")]
PartyFilter = Annotated[str | None, strawberry.argument(description="Only this party's, by code.")]
Counterparty = Annotated[
    str | None, strawberry.argument(description="Only between the party and this one, by code.")
]
AgreementFilter = Annotated[str | None, strawberry.argument(description="Only this agreement's, by code.")]


@strawberry.type(description="What can be asked about payments.")
class PaymentQueries:
    @resolved("What parties have to pay each other, in the order in which it was raised.")
    def legs(
        self,
        info: Info,
        agreement: AgreementFilter = None,
        quarter: Annotated[
            Quarter | None, strawberry.argument(description="Only what this quarter's close raised.")
        ] = None,
        party: PartyFilter = None,
        counterparty: Counterparty = None,
        only_open: Annotated[
            bool, strawberry.argument(description="Only legs of which something is open.")
        ] = False,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Leg]:
        desk = info.context
        wanted = payments.LegFilter(
            agreement_id=_agreement_id(desk, agreement),
            quarter=quarter,
            party_id=party_id_of(desk, party),
            counterparty_id=party_id_of(desk, counterparty),
            only_open=only_open,
        )
        page = payments.legs(desk.snapshot, wanted, after=number_key(after), limit=first)
        return connection(
            leg_nodes(desk, page.items),
            [(record.leg_id,) for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("What a party paid or received, in the order in which it was recorded.")
    def payments(
        self,
        info: Info,
        party: Party,
        only_unmatched: Annotated[
            bool, strawberry.argument(description="Only payments of which something isn't matched.")
        ] = False,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Payment]:
        desk = info.context
        page = payments.payments(
            desk.snapshot,
            roster.party_by_code(desk.snapshot, party).party_id,
            only_unmatched=only_unmatched,
            after=number_key(after),
            limit=first,
        )
        return connection(
            payment_nodes(desk, page.items),
            [(record.payment_id,) for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("What a party owes and is owed, by pair and agreement, with its age and interest.")
    def arrears(
        self,
        info: Info,
        party: Party,
        as_of: AsOf,
        counterparty: Counterparty = None,
        agreement: AgreementFilter = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Arrears]:
        desk = info.context
        wanted = payments.LegFilter(
            party_id=party_id_of(desk, party),
            counterparty_id=party_id_of(desk, counterparty),
            agreement_id=_agreement_id(desk, agreement),
        )
        key = cast("payments.ArrearsKey | None", shaped_key(after, int, int, int, int))
        page = payments.arrears_page(desk.snapshot, as_of, wanted, after=key, limit=first)
        return connection(
            arrears_nodes(desk, page.items),
            [record.key for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved("What netting between parties would set off on a day, and what would be left to pay.")
    def netting_preview(
        self,
        info: Info,
        parties: Annotated[list[str], strawberry.argument(description="Their codes, 2 to 20.")],
        day: Annotated[date, strawberry.argument(description="The day on which it would take effect.")],
    ) -> NettingPreview:
        desk = info.context
        return preview_node(desk, payments.netting_preview(desk.snapshot, parties, day))

    @resolved("The nettings that a party takes part in, in the order in which they were proposed.")
    def nettings(
        self, info: Info, party: Party, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[Netting]:
        desk = info.context
        party_id = roster.party_by_code(desk.snapshot, party).party_id
        page = payments.nettings(desk.snapshot, party_id, after=number_key(after), limit=first)
        return connection(
            [netting_node(desk, record) for record in page.items],
            [(record.netting_id,) for record in page.items],
            has_next=page.has_next,
            after=after,
        )

    @resolved(
        "The bytes that a payee signs (Ed25519) to give up a part of a leg: RFC 8785 JSON, which tells what "
        "is open now, so that they change with every payment."
    )
    def waiver_to_sign(
        self,
        info: Info,
        leg: Annotated[strawberry.ID, strawberry.argument(description="Id of the leg.")],
        amount: Annotated[Amount, strawberry.argument(description="What is given up, in yuan.")],
        day: Annotated[date, strawberry.argument(description="The day on which it takes effect.")],
        reason: Annotated[str, strawberry.argument(description="Why, 1 to 500 characters.")],
    ) -> Bytes:
        waiver = waiver_of(leg, amount, day, reason)
        return Bytes(payments.waiver_bytes(info.context.snapshot, waiver))


def waiver_of(leg: str, amount: Amount, day: date, reason: str) -> payments.Waiver:
    """The waiver that a query or a mutation names. Raises ``IdUnreadable``, ``RequestRefused``."""
    faults: list[Fault] = []
    amount_minor = fen(amount, "amount", faults)
    refuse(faults)
    return payments.Waiver(numbers_of(leg, "Leg", 1)[0], amount_minor, day, reason)


def _agreement_id(desk: Desk, code: str | None) -> int | None:
    return None if code is None else agreements.agreement_by_code(desk.snapshot, code).agreement_id


def _legs(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = payments.legs_by_id(desk.snapshot, ids)
    return dict(zip(found, leg_nodes(desk, list(found.values())), strict=True))


def _payments(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = payments.payments_by_id(desk.snapshot, ids)
    return dict(zip(found, payment_nodes(desk, list(found.values())), strict=True))


def _nettings(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = payments.nettings_by_id(desk.snapshot, ids)
    return {netting_id: netting_node(desk, record) for netting_id, record in found.items()}


PAYMENT_NODES: Mapping[str, Callable[[Desk, list[int]], Mapping[int, Node]]] = {
    "Leg": _legs,
    "Payment": _payments,
    "Netting": _nettings,
}
