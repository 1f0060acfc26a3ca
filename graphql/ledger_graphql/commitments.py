"""Commitments: what agreements promise beside money, and recording what came of it."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import commitments, roster
from ledger.desk.agreements import agreements_by_id
from ledger.desk.commitments import RecordDraft
from ledger.desk.days import days_later
from ledger_graphql.agreements import Agreement, KnownAt, agreement_id_of, agreement_nodes
from ledger_graphql.calendar import Today, day_asked
from ledger_graphql.connections import FIRST_DEFAULT, After, Connection, First, connection, cut
from ledger_graphql.context import Desk, Info
from ledger_graphql.evidence import refuse_unheld
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    Refused,
    SignatureRefused,
    WrongState,
)
from ledger_graphql.fields import INPUT, REPLAYED, mutation, resolved
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION
from ledger_graphql.scalars import Hash
from ledger_graphql.statements import BilingualText

DAYS_AHEAD_MAX = 3_660


@strawberry.enum(
    description="PEOPLE_EXCHANGE 人员交流, PROJECT_REFERRAL 产业互促, JOINT_FUND 共同基金, "
    "JOINT_RESEARCH 联合研发, SHARED_PLATFORM 平台与专家库共享, TALENT_STANDARD 人才标准互认, "
    "RESULT_TRANSFER 成果跨区域转化, REMOTE_REGISTRATION 异地迁移通办, MATCHING_EVENT 对接活动."
)
class CommitmentKind(Enum):
    PEOPLE_EXCHANGE = "people_exchange"
    PROJECT_REFERRAL = "project_referral"
    JOINT_FUND = "joint_fund"
    JOINT_RESEARCH = "joint_research"
    SHARED_PLATFORM = "shared_platform"
    TALENT_STANDARD = "talent_standard"
    RESULT_TRANSFER = "result_transfer"
    REMOTE_REGISTRATION = "remote_registration"
    MATCHING_EVENT = "matching_event"


@strawberry.enum(
    description="OPEN; OVERDUE: open after its day; DONE: one side recorded that it is done and others have "
    "yet to confirm; CONFIRMED: all who sign confirmed that it is done; DROPPED: all confirmed that it is "
    "given up."
)
class CommitmentState(Enum):
    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"
    CONFIRMED = "confirmed"
    DROPPED = "dropped"


@strawberry.enum(
    description="PROGRESS: how far it has come; DONE: it is kept, which needs evidence; DROPPED: it is given "
    "up."
)
class CommitmentRecordKind(Enum):
    PROGRESS = "progress"
    DONE = "done"
    DROPPED = "dropped"


@strawberry.type(description="A level of one side's talent standard.")
class RoleLevel:
    role: str = strawberry.field(description="The side.")
    level: str = strawberry.field(description="Its level.")


@strawberry.type(
    description="What one side recorded of a commitment. Only the newest record can be confirmed."
)
class CommitmentRecord:
    sequence: int = strawberry.field(description="From 1 up.")
    kind: CommitmentRecordKind = strawberry.field(description="What it says.")
    day: date = strawberry.field(description="The day that it is about.")
    reached_count: int | None = strawberry.field(
        description="How many of the target there are, all told; null where none are counted."
    )
    note: str = strawberry.field(description="In words.")
    recorded_by: str = strawberry.field(
        description="The role that recorded it; that counts as its confirmation."
    )
    documents: list[Hash] = strawberry.field(description="SHA-256 of the documents that prove it.")
    confirmed_by: list[str] = strawberry.field(description="The roles that confirmed it.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.type(description="A commitment of the terms in force, as it stands on a day.")
class AgreementCommitment:
    code: str = strawberry.field(description="What records name it by, unique in the agreement.")
    kind: CommitmentKind = strawberry.field(description="What is promised.")
    title: BilingualText = strawberry.field(description="The promise in words.")
    by: list[str] = strawberry.field(description="The roles that have to keep it.")
    due_day: date | None = strawberry.field(
        description="The last day on which it is kept in time; null: without a day."
    )
    target_count: int | None = strawberry.field(description="How many are promised; null: not counted.")
    reached_count: int | None = strawberry.field(description="How many the newest record counts.")
    equal_levels: list[list[RoleLevel]] = strawberry.field(
        description="Of a talent standard: levels of the sides that are recognised as equal."
    )
    state: CommitmentState = strawberry.field(description="How it stands.")
    records: list[CommitmentRecord] = strawberry.field(description="What was recorded, the newest last.")


@strawberry.type(description="A commitment, and the agreement that promises it.")
class DueCommitment:
    agreement: Agreement = strawberry.field(description="The agreement.")
    commitment: AgreementCommitment = strawberry.field(description="The commitment.")


@strawberry.input(description="What came of a commitment, recorded by one side.")
class RecordCommitmentInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description="The role that records it; it must be one that signs.")
    commitment: str = strawberry.field(description="The commitment's code in the terms in force.")
    kind: CommitmentRecordKind = strawberry.field(description="What is recorded.")
    day: date = strawberry.field(description="The day that it is about.")
    note: str = strawberry.field(description="In words, 1 to 500 characters.")
    reached_count: int | None = strawberry.field(
        default=None,
        description="How many of the target there are, all told; needed where there is a target.",
    )
    documents: list[Hash] = strawberry.field(
        default_factory=list, description="SHA-256 of kept documents that prove it; DONE needs at least one."
    )


@strawberry.input(description="A side confirms the newest record of a commitment.")
class ConfirmCommitmentInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description="The role that confirms; it must be one that signs.")
    commitment: str = strawberry.field(description="The commitment's code.")
    sequence: int = strawberry.field(description="The record's number.")


@strawberry.type(description="A record of a commitment was made or confirmed.")
class CommitmentSuccess:
    commitment: AgreementCommitment = strawberry.field(description="The commitment as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


RecordCommitmentResult = Annotated[
    CommitmentSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union("RecordCommitmentResult", description="What came of recording about a commitment."),
]
ConfirmCommitmentResult = Annotated[
    CommitmentSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union("ConfirmCommitmentResult", description="What came of confirming a record."),
]

DaysAhead = Annotated[
    int,
    strawberry.argument(description=f"Those due within so many days, 0 to {DAYS_AHEAD_MAX:,}."),
]


def day_ahead(day: date, days_ahead: int) -> date:
    """The last day of what is due within so many days, 0 to ``DAYS_AHEAD_MAX``."""
    return days_later(day, min(max(days_ahead, 0), DAYS_AHEAD_MAX))


@strawberry.type
class CommitmentMutations:
    @mutation("Record what came of a commitment; the other roles that sign confirm it.")
    def record_commitment(
        self, info: Info, input: Annotated[RecordCommitmentInput, INPUT]
    ) -> RecordCommitmentResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        draft = RecordDraft(
            input.kind.value,
            input.day,
            input.note,
            input.reached_count,
            [bytes(one) for one in input.documents],
        )
        refuse_unheld(desk, draft.documents)
        act = desk.act(input.idempotency_key)
        done = commitments.record_commitment(
            desk.database, act, agreement_id, input.role, input.commitment, draft
        )
        return _success(desk, agreement_id, input.commitment, replayed=done.replayed)

    @mutation("Confirm the newest record of a commitment for a role.")
    def confirm_commitment(
        self, info: Info, input: Annotated[ConfirmCommitmentInput, INPUT]
    ) -> ConfirmCommitmentResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = commitments.confirm_commitment(
            desk.database, act, agreement_id, input.commitment, input.sequence, input.role
        )
        return _success(desk, agreement_id, input.commitment, replayed=done.replayed)


@strawberry.type
class CommitmentQueries:
    @resolved("What the terms in force of an agreement promise beside money, by due day.")
    def commitments(
        self,
        info: Info,
        agreement: Annotated[str, strawberry.argument(description="The agreement's code.")],
        today: Today = None,
        known_at: KnownAt = None,
    ) -> list[AgreementCommitment]:
        desk = info.context
        agreement_id = agreement_id_of(desk, agreement)
        day = day_asked(desk, today, known_at)
        found = commitments.commitments(desk.snapshot, agreement_id, day, known_at)
        return [commitment_node(one) for one in found]

    @resolved("What a party's agreements promise and isn't confirmed yet, by due day; late ones come first.")
    def due_commitments(
        self,
        info: Info,
        party: Annotated[str, strawberry.argument(description="The party's code.")],
        today: Today = None,
        days_ahead: DaysAhead = 90,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[DueCommitment]:
        desk = info.context
        day = day_asked(desk, today)
        until = day_ahead(day, days_ahead)
        party_id = roster.party_by_code(desk.snapshot, party).party_id
        found = commitments.due_commitments(desk.snapshot, party_id, day, until)
        page, has_next = cut(found, _due_key, first, after)
        records = agreements_by_id(desk.snapshot, [one.agreement_id for one in page])
        nodes = agreement_nodes(desk, [records[one.agreement_id] for one in page])
        items = [
            DueCommitment(agreement=node, commitment=commitment_node(one))
            for node, one in zip(nodes, page, strict=True)
        ]
        return connection(items, [_due_key(one) for one in page], has_next=has_next, after=after)


def _due_key(one: commitments.Commitment) -> tuple[str, int, str]:
    return str(one.promise.due_day), one.agreement_id, one.promise.code


def _success(desk: Desk, agreement_id: int, code: str, *, replayed: bool) -> CommitmentSuccess:
    found = commitments.commitments(desk.snapshot, agreement_id, day_asked(desk, None))
    (one,) = (each for each in found if each.promise.code == code)
    return CommitmentSuccess(commitment=commitment_node(one), replayed=replayed)


def commitment_node(record: commitments.Commitment) -> AgreementCommitment:
    """What the API shows of a commitment."""
    promise = record.promise
    return AgreementCommitment(
        code=promise.code,
        kind=CommitmentKind(promise.kind),
        title=BilingualText(zh=promise.title.zh, en=promise.title.en),
        by=list(promise.by),
        due_day=promise.due_day,
        target_count=promise.target_count,
        reached_count=record.reached_count,
        equal_levels=[
            [RoleLevel(role=role, level=level) for role, level in sorted(row.items())]
            for row in promise.equal_levels
        ],
        state=CommitmentState(record.state.value),
        records=[_record(one) for one in record.records],
    )


def _record(one: commitments.CommitmentRecord) -> CommitmentRecord:
    return CommitmentRecord(
        sequence=one.sequence,
        kind=CommitmentRecordKind(one.kind),
        day=one.day,
        reached_count=one.reached_count,
        note=one.note,
        recorded_by=one.recorded_by,
        documents=[Hash(hashed) for hashed in one.documents],
        confirmed_by=one.confirmed_by,
        recorded_at=one.recorded_at,
    )
