"""What can be asked about innovation vouchers."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry

from ledger.desk import agreements, enterprises, vouchers
from ledger.periods import Quarter
from ledger_graphql.calendar import day_asked
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    connection,
    cut,
    number_key,
    numbers_of,
    text_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.fields import resolved
from ledger_graphql.parties import party_id_of
from ledger_graphql.vouchers import (
    Voucher,
    VoucherApplication,
    VoucherClaim,
    VoucherClearing,
    VoucherProgramme,
    VoucherProvider,
    application_nodes,
    claim_nodes,
    clearing_nodes,
    programme_node,
    provider_nodes,
    voucher_node,
)

Programme = Annotated[str, strawberry.argument(description="The programme's code.")]


@strawberry.type(description="What can be asked about innovation vouchers.")
class VoucherQueries:
    @resolved("A programme with its budgets.")
    def voucher_programme(self, info: Info, programme: Programme) -> VoucherProgramme:
        return programme_node(info.context, _programme(info.context, programme))

    @resolved("The programmes under an agreement, by code.")
    def voucher_programmes(
        self,
        info: Info,
        agreement: Annotated[str, strawberry.argument(description="The agreement's code.")],
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[VoucherProgramme]:
        desk = info.context
        found = vouchers.programmes(
            desk.snapshot, agreements.agreement_by_code(desk.snapshot, agreement).agreement_id
        )
        page, has_next = cut(found, lambda one: (one.code,), first, after)
        nodes = [programme_node(desk, one) for one in page]
        return connection(nodes, [(one.code,) for one in page], has_next=has_next, after=after)

    @resolved("Registered providers, by credit code; or those certified for a service on a day.")
    def voucher_providers(
        self,
        info: Info,
        zone: Annotated[str | None, strawberry.argument(description="Only in this zone, by code.")] = None,
        search: Annotated[
            str | None, strawberry.argument(description="Only those whose code or name contains it.")
        ] = None,
        service: Annotated[
            str | None,
            strawberry.argument(
                description="Only those certified for it: an item, or a class with any of its items."
            ),
        ] = None,
        programme: Annotated[
            str | None,
            strawberry.argument(
                description="Only those that this programme recognises for services that it pays for."
            ),
        ] = None,
        day: Annotated[
            date | None, strawberry.argument(description="On which it must hold; today when left out.")
        ] = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[VoucherProvider]:
        desk = info.context
        page = vouchers.providers(
            desk.snapshot,
            party_id=party_id_of(desk, zone),
            search=search,
            sought=_sought(desk, service, programme, day_asked(desk, day)),
            after=text_key(after),
            limit=first,
        )
        keys = [(one.credit_code,) for one in page.items]
        return connection(provider_nodes(desk, page.items), keys, has_next=page.has_next, after=after)

    @resolved("A programme's vouchers, in the order of their issue.")
    def vouchers(
        self,
        info: Info,
        programme: Programme,
        enterprise: Annotated[
            str | None, strawberry.argument(description="Only this enterprise's, by credit code.")
        ] = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[Voucher]:
        desk = info.context
        page = vouchers.vouchers(
            desk.snapshot,
            _programme(desk, programme).programme_id,
            enterprise_id=None if enterprise is None else enterprises.id_by_code(desk.snapshot, enterprise),
            after=number_key(after),
            limit=first,
        )
        keys = [(one.voucher_id,) for one in page.items]
        return connection(list(map(voucher_node, page.items)), keys, has_next=page.has_next, after=after)

    @resolved("A programme's claims, in the order in which they were made.")
    def voucher_claims(
        self,
        info: Info,
        programme: Programme,
        flagged: Annotated[
            bool | None, strawberry.argument(description="Only those with flags, or only those without.")
        ] = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[VoucherClaim]:
        desk = info.context
        page = vouchers.claims(
            desk.snapshot,
            _programme(desk, programme).programme_id,
            flagged=flagged,
            after=number_key(after),
            limit=first,
        )
        keys = [(one.claim_id,) for one in page.items]
        return connection(claim_nodes(desk, page.items), keys, has_next=page.has_next, after=after)

    @resolved("One claim.")
    def voucher_claim(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Id of the claim.")]
    ) -> VoucherClaim:
        desk = info.context
        found = vouchers.claim_by_id(desk.snapshot, numbers_of(id, "VoucherClaim", 1)[0])
        return claim_nodes(desk, [found])[0]

    @resolved("One application.")
    def voucher_application(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the application.")],
    ) -> VoucherApplication:
        desk = info.context
        found = vouchers.application(desk.snapshot, numbers_of(id, "VoucherApplication", 1)[0])
        return application_nodes(desk, [found])[0]

    @resolved("What a programme's claims made each payer bear in a quarter, by clause and enterprise.")
    def voucher_clearing(
        self,
        info: Info,
        programme: Programme,
        quarter: Annotated[Quarter, strawberry.argument(description="By the day of the entries.")],
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[VoucherClearing]:
        desk = info.context
        found = vouchers.cleared(desk.snapshot, _programme(desk, programme), quarter.start, quarter.last_day)
        page, has_next = cut(found, _clearing_key, first, after)
        keys = [_clearing_key(one) for one in page]
        return connection(clearing_nodes(desk, page), keys, has_next=has_next, after=after)


def _clearing_key(one: vouchers.Cleared) -> tuple[int, int, str]:
    return (one.clause, one.enterprise_id, one.role)


def _sought(desk: Desk, service: str | None, programme: str | None, day: date) -> vouchers.Sought | None:
    if programme is not None:
        return vouchers.sought_in_programme(desk.snapshot, programme, service, day)
    return None if service is None else vouchers.Sought((service,), day)


def _programme(desk: Desk, code: str) -> vouchers.RegisteredProgramme:
    return vouchers.programme_by_code(desk.snapshot, code)
