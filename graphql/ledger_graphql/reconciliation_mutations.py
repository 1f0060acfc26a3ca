"""Changes about lines that two sides report differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import strawberry

from ledger.desk import agreements, enterprises, reconciliation
from ledger.desk.acts import Act, Done
from ledger.desk.failures import NotFound
from ledger.desk.reconciliation import Key, Lines, Person
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger.periods import Span as Months
from ledger_graphql.agreements import Agreement, agreement_node
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    Refused,
    WrongState,
)
from ledger_graphql.failures import NotFound as NotFoundFailure
from ledger_graphql.fields import mutation
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION, ROLE_DESCRIPTION
from ledger_graphql.reconciliation_items import ReconciliationItem, item_nodes
from ledger_graphql.scalars import Amount, Hash, Span

INPUT = strawberry.argument(description="What is to be done, and the client's key.")
NOTE_DESCRIPTION = "A note, at most 4,000 characters."
TEXT_DESCRIPTION = "1 to 4,000 characters."
ITEM_DESCRIPTION = "The number of the item."


@strawberry.type(description="Something was done about lines that differ.")
class ReconciliationSuccess:
    item: ReconciliationItem = strawberry.field(description="The item as it is now.")
    agreement: Agreement = strawberry.field(description="Its agreement as it is now.")
    replayed: bool = strawberry.field(
        description="True when the key had been used for this very request before; then nothing was done now."
    )


ReconciliationResult = Annotated[
    ReconciliationSuccess | InvalidInput | IdempotencyKeyReused | NotFoundFailure | WrongState | Refused,
    strawberry.union("ReconciliationResult", description="What came of acting on lines that differ."),
]


@strawberry.input(description="Names a line. The lines that it is compared with come along.")
class LineKeyInput:
    credit_code: str | None = strawberry.field(
        default=None, description="统一社会信用代码; left out for the whole park."
    )
    measure: str = strawberry.field(description="The measure's name.")
    span: Span = strawberry.field(description="The month or quarter.")


@strawberry.input(description="An act of a person about an item.")
class ItemActInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    item: int = strawberry.field(description=ITEM_DESCRIPTION)
    role: str = strawberry.field(description=ROLE_DESCRIPTION)


@strawberry.input(description="An act with a note.")
class NotedItemInput(ItemActInput):
    note: str = strawberry.field(default="", description=NOTE_DESCRIPTION)


@strawberry.input(description="A message.")
class WriteMessageInput(ItemActInput):
    text: str = strawberry.field(description=TEXT_DESCRIPTION)


@strawberry.input(description="A figure that a side offers.")
class ProposeFigureInput(ItemActInput):
    amount: Amount = strawberry.field(description="In the measure's unit.")
    note: str = strawberry.field(default="", description=NOTE_DESCRIPTION)


@strawberry.input(description="The acceptance of an offer.")
class AcceptOfferInput(ItemActInput):
    offer: int = strawberry.field(description="The step of the offer; another one must not stand by then.")


@strawberry.input(description="The arbiter's decision.")
class ArbitrateInput(ItemActInput):
    amount: Amount = strawberry.field(description="The figure that counts, in the measure's unit.")
    reasons: str = strawberry.field(description=f"Why. {TEXT_DESCRIPTION}")


@strawberry.input(description="An act of a person about lines of a report.")
class LinesActInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    quarter: Quarter = strawberry.field(description="The quarter of the report.")
    record: str | None = strawberry.field(
        default=None, description="The role of record; the first that is compared when left out."
    )
    basis: Hash = strawberry.field(description="The hash of the basis that the report showed.")
    lines: list[LineKeyInput] = strawberry.field(
        description="1 to 200 lines, of either side. Only an explanation may be about several of record."
    )
    role: str = strawberry.field(description=ROLE_DESCRIPTION)


@strawberry.input(description="A reason for a difference.")
class ExplainDifferenceInput(LinesActInput):
    reason: str = strawberry.field(description='Its code, such as "cut_off".')
    note: str = strawberry.field(default="", description=NOTE_DESCRIPTION)


@strawberry.input(description="A line to keep out of the settlement.")
class WithholdLineInput(LinesActInput):
    note: str = strawberry.field(default="", description=NOTE_DESCRIPTION)


@strawberry.input(description="A dispute with its first message.")
class OpenDisputeInput(LinesActInput):
    text: str = strawberry.field(description=TEXT_DESCRIPTION)


@strawberry.type(description="Changes about lines that two sides report differently.")
class ReconciliationMutations:
    @mutation("Offer a reason for a difference; the other side accepts it.")
    def explain_difference(
        self, info: Info, input: Annotated[ExplainDifferenceInput, INPUT]
    ) -> ReconciliationResult:
        return _on_lines(
            info.context,
            input,
            lambda desk, act, agreement_id, lines: reconciliation.explain(
                desk.database,
                act,
                agreement_id,
                lines,
                _who(desk, input),
                input.reason,
                input.note,
            ),
        )

    @mutation("Keep a line out of the settlement until the same side releases it.")
    def withhold_line(self, info: Info, input: Annotated[WithholdLineInput, INPUT]) -> ReconciliationResult:
        return _on_lines(
            info.context,
            input,
            lambda desk, act, agreement_id, lines: reconciliation.withhold(
                desk.database, act, agreement_id, lines, _who(desk, input), input.note
            ),
        )

    @mutation("Open a dispute about a line; all others go ahead meanwhile.")
    def open_dispute(self, info: Info, input: Annotated[OpenDisputeInput, INPUT]) -> ReconciliationResult:
        return _on_lines(
            info.context,
            input,
            lambda desk, act, agreement_id, lines: reconciliation.dispute(
                desk.database, act, agreement_id, lines, _who(desk, input), input.text
            ),
        )

    @mutation("Release a line that the same side withheld.")
    def release_line(self, info: Info, input: Annotated[NotedItemInput, INPUT]) -> ReconciliationResult:
        return _on_item(
            info.context,
            input,
            lambda desk, act, agreement_id: reconciliation.release(
                desk.database, act, agreement_id, input.item, _who(desk, input), input.note
            ),
        )

    @mutation("Write a message about an item.")
    def write_message(self, info: Info, input: Annotated[WriteMessageInput, INPUT]) -> ReconciliationResult:
        return _on_item(
            info.context,
            input,
            lambda desk, act, agreement_id: reconciliation.write(
                desk.database, act, agreement_id, input.item, _who(desk, input), input.text
            ),
        )

    @mutation("Offer a figure in a dispute; it takes the place of the offer before.")
    def propose_figure(self, info: Info, input: Annotated[ProposeFigureInput, INPUT]) -> ReconciliationResult:
        return _on_item(
            info.context,
            input,
            lambda desk, act, agreement_id: reconciliation.propose(
                desk.database,
                act,
                agreement_id,
                input.item,
                _who(desk, input),
                input.amount,
                input.note,
            ),
        )

    @mutation("Accept the other side's offer: its reason, or its figure. That ends the difference.")
    def accept_offer(self, info: Info, input: Annotated[AcceptOfferInput, INPUT]) -> ReconciliationResult:
        return _on_item(
            info.context,
            input,
            lambda desk, act, agreement_id: reconciliation.accept(
                desk.database, act, agreement_id, input.item, _who(desk, input), input.offer
            ),
        )

    @mutation("Put a dispute before the arbiter that the terms name.")
    def escalate_dispute(self, info: Info, input: Annotated[NotedItemInput, INPUT]) -> ReconciliationResult:
        return _on_item(
            info.context,
            input,
            lambda desk, act, agreement_id: reconciliation.escalate(
                desk.database, act, agreement_id, input.item, _who(desk, input), input.note
            ),
        )

    @mutation("Decide an escalated dispute, as the arbiter, with reasons.")
    def arbitrate(self, info: Info, input: Annotated[ArbitrateInput, INPUT]) -> ReconciliationResult:
        return _on_item(
            info.context,
            input,
            lambda desk, act, agreement_id: reconciliation.arbitrate(
                desk.database,
                act,
                agreement_id,
                input.item,
                _who(desk, input),
                input.amount,
                input.reasons,
            ),
        )


def _on_item(
    desk: Desk, input: ItemActInput, do: Callable[[Desk, Act, int], Done[int]]
) -> ReconciliationSuccess:
    agreement_id = agreements.agreement_by_code(desk.snapshot, input.agreement).agreement_id
    desk.refresh()
    return _success(desk, agreement_id, do(desk, desk.act(input.idempotency_key), agreement_id))


def _on_lines(
    desk: Desk, input: LinesActInput, do: Callable[[Desk, Act, int, Lines], Done[int]]
) -> ReconciliationSuccess:
    agreement_id = agreements.agreement_by_code(desk.snapshot, input.agreement).agreement_id
    keys = _keys(desk, input.lines)
    desk.refresh()
    lines = Lines(input.quarter, input.record, input.basis, keys)
    return _success(desk, agreement_id, do(desk, desk.act(input.idempotency_key), agreement_id, lines))


def _who(desk: Desk, input: ItemActInput | LinesActInput) -> Person:
    return Person(input.role, desk.person)


def _keys(desk: Desk, lines: list[LineKeyInput]) -> tuple[Key, ...]:
    codes = {line.credit_code for line in lines if line.credit_code is not None}
    ids = enterprises.ids_by_code(desk.snapshot, codes)
    for code in sorted(codes - ids.keys()):
        raise NotFound("enterprise", code)
    for line in lines:
        if line.measure not in MEASURE_BY_NAME:
            raise NotFound("line", line.measure)
    return tuple(
        Key(0 if line.credit_code is None else ids[line.credit_code], line.measure, Months.parse(line.span))
        for line in lines
    )


def _success(desk: Desk, agreement_id: int, done: Done[int]) -> ReconciliationSuccess:
    item = reconciliation.item(desk.snapshot, agreement_id, done.value)
    return ReconciliationSuccess(
        item=item_nodes(desk, [item])[0],
        agreement=agreement_node(desk, agreements.agreement(desk.snapshot, agreement_id)),
        replayed=done.replayed,
    )
