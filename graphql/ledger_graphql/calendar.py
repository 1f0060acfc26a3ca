"""The calendar and the seal of a quarter, as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import calendar, days, returns
from ledger_graphql.context import Desk
from ledger_graphql.fields import resolved
from ledger_graphql.parties import Party, PartyBatch
from ledger_graphql.scalars import Hash

Today = Annotated[
    date | None,
    strawberry.argument(
        description="As of this day; when left out, the day of knownAt where there is one, else today; in "
        "Beijing."
    ),
]


@strawberry.enum(
    description="The steps of a quarter in their order: SUBMIT 申报, CERTIFY 复核, RECONCILE 对账, "
    "SIGN 签署, FUND 付款, SECOND_FUND 第二轮付款."
)
class CalendarStep(Enum):
    SUBMIT = "submit"
    CERTIFY = "certify"
    RECONCILE = "reconcile"
    SIGN = "sign"
    FUND = "fund"
    SECOND_FUND = "second_fund"


@strawberry.enum(description="DONE; TO_DO by the role itself; WAITING for others who have to act first.")
class StepState(Enum):
    DONE = "done"
    TO_DO = "to_do"
    WAITING = "waiting"


@strawberry.type(description="A role in the agreement, and what it has to do before others can go on.")
class StepHolder:
    step: CalendarStep = strawberry.field(description="What it has to do.")
    role: str = strawberry.field(description="The role.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("The party in the role.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="A step of a quarter that is expected of one role.")
class RoleStep:
    step: CalendarStep = strawberry.field(description="What is expected.")
    role: str = strawberry.field(description="Of whom.")
    due_day: date = strawberry.field(description="The last day on which it is in time.")
    state: StepState = strawberry.field(description="How far it is.")
    late_days: int = strawberry.field(
        description="Days from the due day to when it was done, or else to today; 0 in time."
    )
    done_at: datetime | None = strawberry.field(description="When it was done; null as long as it isn't.")
    done_by: str | None = strawberry.field(description="The person who did it, where a name was given.")
    held_up_by: list[StepHolder] = strawberry.field(
        description="Who has to act first; empty unless it is WAITING."
    )
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("The party in the role.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="A commitment to a return that is still sealed, or was opened by it.")
class Commitment:
    role: str = strawberry.field(description="Whose it is.")
    sequence: int = strawberry.field(description="From 1 up; a later one replaced those before.")
    commitment: Hash = strawberry.field(description="SHA-256 over the nonce and the hash of the file.")
    recorded_at: datetime = strawberry.field(description="When it was made.")


@strawberry.type(description="Where a quarter stands whose figures are sealed until all have committed.")
class Seal:
    commitments: list[Commitment] = strawberry.field(description="The newest of each role, by role.")
    waiting: list[str] = strawberry.field(description="Roles that haven't committed.")
    due_day: date = strawberry.field(description="The day after which figures are open in any case.")
    is_open: bool = strawberry.field(description="Whether figures may be handed in.")


def role_step_node(record: calendar.RoleStep, party_ids: Mapping[str, int], parties: PartyBatch) -> RoleStep:
    """What the API shows of one step; ``party_ids`` by role."""
    completion = record.completion
    return RoleStep(
        step=CalendarStep(record.step),
        role=record.role,
        due_day=record.due,
        state=StepState(record.state.value),
        late_days=record.late_days,
        done_at=None if completion is None else completion.at,
        done_by=None if completion is None else completion.person,
        held_up_by=[
            StepHolder(
                step=CalendarStep(holder.step),
                role=holder.role,
                party_id=party_ids[holder.role],
                parties=parties,
            )
            for holder in record.held_up_by
        ],
        party_id=party_ids[record.role],
        parties=parties,
    )


def role_step_nodes(
    records: Sequence[calendar.RoleStep], party_ids: Mapping[str, int], parties: PartyBatch
) -> list[RoleStep]:
    """What the API shows of the steps of one quarter."""
    return [role_step_node(record, party_ids, parties) for record in records]


def seal_node(found: returns.Seal) -> Seal:
    """What the API shows of a seal."""
    return Seal(
        commitments=[
            Commitment(
                role=one.role,
                sequence=one.sequence,
                commitment=Hash(one.commitment),
                recorded_at=one.recorded_at,
            )
            for one in found.commitments.values()
        ],
        waiting=found.waiting,
        due_day=found.due,
        is_open=found.is_open,
    )


def day_asked(desk: Desk, today: date | None, known_at: datetime | None = None) -> date:
    """The day that was asked for, or that of the moment asked for, or today."""
    return days.day_asked(desk.snapshot, today, known_at)
