"""The worklist of a party, over all of its agreements at once."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import calendar, roster
from ledger.desk.calendar import WorkKey
from ledger.periods import DayUnreadable, PeriodUnreadable, Quarter, parse_day
from ledger_graphql.agreements import Agreement, agreement_nodes
from ledger_graphql.calendar import RoleStep, Today, day_asked, role_step_node
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    CursorKey,
    CursorUnreadable,
    First,
    connection,
    key_from,
)
from ledger_graphql.context import Info
from ledger_graphql.fields import resolved
from ledger_graphql.parties import party_batch


@strawberry.enum(
    description="TO_DO: the party itself has to act; WAITING: a step of its own for which others have to act "
    "first; AWAITED: a step of another party, without which the agreement doesn't go on."
)
class Task(Enum):
    TO_DO = "to_do"
    WAITING = "waiting"
    AWAITED = "awaited"


@strawberry.type(description="One step on a party's worklist.")
class WorkItem:
    task: Task = strawberry.field(description="What the party has to do with it.")
    agreement: Agreement = strawberry.field(description="The agreement.")
    quarter: Quarter = strawberry.field(description="The quarter.")
    step: RoleStep = strawberry.field(description="The step, with its due day and who holds it up.")


@strawberry.type
class WorklistQueries:
    @resolved(
        "Everything that a party has to do or waits for, over all of its agreements whose terms have a "
        "calendar, by due day."
    )
    def worklist(
        self,
        info: Info,
        party: Annotated[str, strawberry.argument(description="The party's code.")],
        today: Today = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[WorkItem]:
        desk = info.context
        page = calendar.worklist(
            desk.snapshot,
            roster.party_by_code(desk.snapshot, party).party_id,
            day_asked(desk, today),
            after=_work_key(after),
            limit=first,
        )
        nodes = agreement_nodes(desk, [item.agreement for item in page.items])
        parties = party_batch(desk, {side.party_id for item in page.items for side in item.agreement.parties})
        items = [
            WorkItem(
                task=Task(item.task.value),
                agreement=node,
                quarter=item.quarter,
                step=role_step_node(
                    item.step, {side.role: side.party_id for side in item.agreement.parties}, parties
                ),
            )
            for item, node in zip(page.items, nodes, strict=True)
        ]
        keys = [_cursor_key(item.key) for item in page.items]
        return connection(items, keys, has_next=page.has_next, after=after)


def _cursor_key(key: WorkKey) -> CursorKey:
    return key.due.isoformat(), key.agreement_code, str(key.quarter), key.place, key.role


def _work_key(after: str | None) -> WorkKey | None:
    match None if after is None else key_from(after):
        case None:
            return None
        case (str(due), str(code), str(quarter), int(place), str(role)):
            try:
                return WorkKey(parse_day(due), code, Quarter.parse(quarter), place, role)
            except (DayUnreadable, PeriodUnreadable):
                pass
    raise CursorUnreadable(cursor=after)
