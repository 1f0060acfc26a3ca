"""Enterprises and the lists of them that both sides confirm, as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import strawberry

from ledger.desk import enterprises
from ledger.measures import YUAN
from ledger.money import format_amount
from ledger.rules.terms import CauseOfMove, Event
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Batch,
    Connection,
    First,
    Node,
    connection,
    global_id,
    text_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.fields import resolved
from ledger_graphql.scalars import Amount

strawberry.enum(
    Event,
    name="EnterpriseEvent",
    description="Dated events of an enterprise that start or end a window: REGISTRATION 注册, "
    "CONSTRUCTION_START 开工, "
    "FIRST_TAX 首次纳税, CAPACITY_REACHED 达产, DEREGISTRATION 注销, MOVED_AWAY 迁出.",
)
strawberry.enum(
    CauseOfMove,
    name="CauseOfMove",
    description="Why an enterprise moved: GOVERNMENT_LED 政府主导, MARKET 市场行为.",
)


@strawberry.type(description="An enterprise whose figures are shared.")
class Enterprise(Node):
    credit_code: str = strawberry.field(description="统一社会信用代码, 18 characters.")
    name_zh: str = strawberry.field(description="Name in Chinese.")


EnterpriseBatch = Batch[int, Enterprise]


def enterprise_batch(desk: Desk, subject_ids: Iterable[int]) -> EnterpriseBatch:
    """The enterprises that a page refers to; the whole park (0) isn't one."""

    def load(wanted: list[int]) -> Mapping[int, Enterprise]:
        found = enterprises.enterprises_by_id(desk.snapshot, wanted)
        return {
            enterprise_id: Enterprise(
                id=global_id("Enterprise", enterprise_id),
                credit_code=record.credit_code,
                name_zh=record.name_zh,
            )
            for enterprise_id, record in found.items()
        }

    return Batch((subject_id for subject_id in subject_ids if subject_id), load)


@strawberry.type(description="A dated event of an enterprise.")
class DatedEvent:
    event: Event = strawberry.field(description="What happened.")
    day: date = strawberry.field(description="The day on which it happened.")


@strawberry.type(description="A tax figure of a calendar year.")
class YearTax:
    year: int = strawberry.field(description="The calendar year.")
    amount: Amount = strawberry.field(description="In yuan.")


@strawberry.type(description="What an enterprise is, by a name that terms can use.")
class EnterpriseAttribute:
    name: str = strawberry.field(description="Such as industry.")
    value: str = strawberry.field(description="Its value.")


@strawberry.type(description="An enterprise on a list, with the attributes that rules need.")
class ListedEnterprise:
    enterprise: Enterprise = strawberry.field(description="The enterprise; its name is as on this list.")
    events: list[DatedEvent] = strawberry.field(
        description="Events that clocks start from, at most one of each kind."
    )
    pre_move_tax: list[YearTax] = strawberry.field(description="Taxes of the years before the move, by year.")
    cause_of_move: CauseOfMove | None = strawberry.field(description="Why it moved, as attested.")
    referred_by: str | None = strawberry.field(description="The role that referred it.")
    base_year_amount: Amount | None = strawberry.field(
        description="Its own base of a surplus rule, in yuan a year."
    )
    controller: str | None = strawberry.field(description="Its actual controller, as stated.")
    attributes: list[EnterpriseAttribute] = strawberry.field(
        description="What else rules need to know of it, by name."
    )


@strawberry.type(
    description="A version of an agreement's enterprise list. It holds once every signing role confirmed it."
)
class EnterpriseList(Node):
    version: int = strawberry.field(description="From 1 up.")
    compiled_by: str = strawberry.field(
        description="The role that compiled it; that counts as its confirmation."
    )
    confirmed_by: list[str] = strawberry.field(description="The roles that confirmed it.")
    is_confirmed: bool = strawberry.field(description="Whether every signing role has confirmed it.")
    recorded_at: datetime = strawberry.field(description="When it was submitted.")
    record: strawberry.Private[enterprises.ListHead]

    @resolved("The enterprises, by credit code.")
    def entries(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[ListedEnterprise]:
        record = self.record
        page = enterprises.entries_page(
            info.context.snapshot, record.agreement_id, record.version, after=text_key(after), limit=first
        )
        return connection(
            [_entry(entry) for entry in page.items],
            [(entry.credit_code,) for entry in page.items],
            has_next=page.has_next,
            after=after,
        )


def list_node(record: enterprises.ListHead) -> EnterpriseList:
    """What the API shows of one version of a list."""
    return EnterpriseList(
        id=global_id("EnterpriseList", record.agreement_id, record.version),
        version=record.version,
        compiled_by=record.compiled_by,
        confirmed_by=list(record.confirmed_by),
        is_confirmed=record.is_confirmed,
        recorded_at=record.recorded_at,
        record=record,
    )


def list_nodes(records: Sequence[enterprises.ListHead]) -> list[EnterpriseList]:
    """What the API shows of an agreement's lists."""
    return [list_node(record) for record in records]


def _entry(entry: enterprises.ListedEnterprise) -> ListedEnterprise:
    return ListedEnterprise(
        enterprise=Enterprise(
            id=global_id("Enterprise", entry.enterprise_id),
            credit_code=entry.credit_code,
            name_zh=entry.name_zh,
        ),
        events=[DatedEvent(event=event, day=day) for event, day in sorted(entry.events.items())],
        pre_move_tax=[
            YearTax(year=year, amount=_yuan(amount_minor))
            for year, amount_minor in sorted(entry.pre_move_tax_minor.items())
        ],
        cause_of_move=entry.cause_of_move,
        referred_by=entry.referred_by,
        base_year_amount=None
        if entry.base_year_amount_minor is None
        else _yuan(entry.base_year_amount_minor),
        controller=entry.controller,
        attributes=[
            EnterpriseAttribute(name=name, value=value) for name, value in sorted(entry.attributes.items())
        ],
    )


def _yuan(amount_minor: int) -> Amount:
    return Amount(format_amount(amount_minor, YUAN.scale))
