"""Shared platforms and experts: offered, searched and booked through the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from typing import Annotated, TypeAlias

import strawberry

from ledger.desk import roster, sharing
from ledger.desk.agreements import agreements_by_id
from ledger.desk.sharing import BookingDraft, BookingKey, ResourceDraft, ResourceKey, Wanted
from ledger_graphql.agreements import Agreement, agreement_id_of, agreement_nodes
from ledger_graphql.calendar import Today, day_asked
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    connection,
    shaped_key,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    Refused,
    SignatureRefused,
    WrongState,
)
from ledger_graphql.fields import INPUT, REPLAYED, mutation, resolved
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION, ROLE_DESCRIPTION
from ledger_graphql.parties import Party, PartyBatch, party_batch, party_id_of

RESOURCE_DESCRIPTION = "The shared resource's code."
BOOKING_DESCRIPTION = "The booking's number within the resource."
REASON_DESCRIPTION = "Why, one line of 1 to 500 characters."


@strawberry.enum(description="PLATFORM 共享平台, EXPERT 专家.")
class ResourceKind(Enum):
    PLATFORM = "platform"
    EXPERT = "expert"


@strawberry.enum(
    description="ASKED 待答复; LAPSED 逾期未答复: not answered by its last day; ACCEPTED 已接受; "
    "HELD 已使用: accepted, not cancelled, and over; DECLINED 已婉拒; CANCELLED 已取消."
)
class BookingState(Enum):
    ASKED = "asked"
    LAPSED = "lapsed"
    ACCEPTED = "accepted"
    HELD = "held"
    DECLINED = "declined"
    CANCELLED = "cancelled"


@strawberry.enum(description="ACCEPTED 接受, DECLINED 婉拒, CANCELLED 取消.")
class BookingStepKind(Enum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"


@strawberry.type(description="A platform or an expert that a party shares under a commitment.")
class SharedResource:
    agreement: Agreement = strawberry.field(description="The agreement whose parties may book it.")
    code: str = strawberry.field(description="Unique within the agreement.")
    role: str = strawberry.field(description="The owner's role.")
    commitment: str = strawberry.field(description="Code of the commitment that it keeps.")
    kind: ResourceKind = strawberry.field(description="What it is.")
    name_zh: str = strawberry.field(description="Name in Chinese.")
    name_en: str = strawberry.field(description="Name in English.")
    field: str = strawberry.field(description="The field of work.")
    offer: str = strawberry.field(description="What it offers.")
    from_day: date = strawberry.field(description="The first day on which it is offered.")
    until_day: date | None = strawberry.field(description="The last such day; null: without end.")
    withdrawn_because: str | None = strawberry.field(
        description="Why it is offered no more; null as long as it is."
    )
    taken_days: list[date] = strawberry.field(
        description="Days from the day asked on that accepted bookings take."
    )
    recorded_at: datetime = strawberry.field(description="When it was shared.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("The owner.")
    def owner(self) -> Party:
        return self.parties[self.party_id]


@strawberry.type(description="What was decided of a booking.")
class BookingStep:
    kind: BookingStepKind = strawberry.field(description="What was decided.")
    role: str = strawberry.field(description="By which role.")
    reason: str = strawberry.field(description="Why; empty where it was accepted.")
    recorded_at: datetime = strawberry.field(description="When.")


@strawberry.type(description="Days of a shared resource that a party asked for, and what came of it.")
class ResourceBooking:
    agreement: Agreement = strawberry.field(description="The agreement under which it is shared.")
    resource: str = strawberry.field(description=RESOURCE_DESCRIPTION)
    number: int = strawberry.field(description=BOOKING_DESCRIPTION)
    role: str = strawberry.field(description="The role that asked.")
    from_day: date = strawberry.field(description="The first day.")
    until_day: date = strawberry.field(description="The last day.")
    purpose: str = strawberry.field(description="What for.")
    state: BookingState = strawberry.field(description="How it stands.")
    steps: list[BookingStep] = strawberry.field(description="What was decided, in order.")
    recorded_at: datetime = strawberry.field(description="When it was asked for.")
    party_id: strawberry.Private[int]
    parties: strawberry.Private[PartyBatch]

    @resolved("The party that asked.")
    def party(self) -> Party:
        return self.parties[self.party_id]


@strawberry.input(description="A platform or an expert to share with the agreement's other parties.")
class ShareResourceInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description=ROLE_DESCRIPTION)
    code: str = strawberry.field(description="1 to 48 of a-z, 0-9 and _, beginning with a letter.")
    commitment: str = strawberry.field(
        description="Code of a commitment of the kind SHARED_PLATFORM that the role made."
    )
    kind: ResourceKind = strawberry.field(description="What it is.")
    name_zh: str = strawberry.field(description="Name in Chinese, one line of 1 to 500 characters.")
    name_en: str = strawberry.field(description="Name in English, one line of 1 to 500 characters.")
    field: str = strawberry.field(description="The field of work, one line of 1 to 500 characters.")
    offer: str = strawberry.field(description="What it offers, one line of 1 to 500 characters.")
    from_day: date = strawberry.field(description="The first day on which it is offered.")
    until_day: date | None = strawberry.field(
        default=None, description="The last such day; without end when left out."
    )

    def draft(self) -> ResourceDraft:
        return ResourceDraft(
            code=self.code,
            commitment=self.commitment,
            kind=self.kind.value,
            name_zh=self.name_zh,
            name_en=self.name_en,
            field=self.field,
            offer=self.offer,
            from_day=self.from_day,
            until_day=self.until_day,
        )


@strawberry.input(description="An act of a role about a shared resource.")
class ResourceActInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description=ROLE_DESCRIPTION)
    resource: str = strawberry.field(description=RESOURCE_DESCRIPTION)


@strawberry.input(description="The owner offers a shared resource no more.")
class WithdrawResourceInput(ResourceActInput):
    reason: str = strawberry.field(description=REASON_DESCRIPTION)


@strawberry.input(description="Days of a shared resource that are asked for.")
class AskForBookingInput(ResourceActInput):
    from_day: date = strawberry.field(description="The first day, today or later.")
    until_day: date = strawberry.field(description="The last day; 31 days at most.")
    purpose: str = strawberry.field(description="What for, one line of 1 to 500 characters.")


@strawberry.input(description="The owner accepts a booking.")
class AcceptBookingInput(ResourceActInput):
    booking: int = strawberry.field(description=BOOKING_DESCRIPTION)


@strawberry.input(description="A booking is declined or cancelled.")
class EndBookingInput(AcceptBookingInput):
    reason: str = strawberry.field(description=REASON_DESCRIPTION)


@strawberry.type(description="A resource was shared or withdrawn.")
class SharedResourceSuccess:
    resource: SharedResource = strawberry.field(description="The resource as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="A booking was asked for or decided.")
class ResourceBookingSuccess:
    booking: ResourceBooking = strawberry.field(description="The booking as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


SharedResourceResult = Annotated[
    SharedResourceSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union("SharedResourceResult", description="What came of sharing or withdrawing a resource."),
]
ResourceBookingResult = Annotated[
    ResourceBookingSuccess
    | InvalidInput
    | IdempotencyKeyReused
    | NotFound
    | WrongState
    | SignatureRefused
    | Refused,
    strawberry.union("ResourceBookingResult", description="What came of a step of a booking."),
]
PartyCode: TypeAlias = Annotated[str, strawberry.argument(description="The party's code.")]


@strawberry.type
class SharingMutations:
    @mutation("Share a platform or an expert under a commitment.")
    def share_resource(self, info: Info, input: Annotated[ShareResourceInput, INPUT]) -> SharedResourceResult:
        desk = info.context
        agreement_id = agreement_id_of(desk, input.agreement)
        act = desk.act(input.idempotency_key)
        done = sharing.share_resource(desk.database, act, agreement_id, input.role, input.draft())
        return _shared(desk, ResourceKey(agreement_id, done.value), replayed=done.replayed)

    @mutation("Offer a shared resource no more; accepted bookings stand until they are cancelled.")
    def withdraw_resource(
        self, info: Info, input: Annotated[WithdrawResourceInput, INPUT]
    ) -> SharedResourceResult:
        desk = info.context
        key = _resource_key(desk, input)
        act = desk.act(input.idempotency_key)
        done = sharing.withdraw_resource(desk.database, act, key, input.role, input.reason)
        return _shared(desk, key, replayed=done.replayed)

    @mutation("Ask for days of a shared resource; its owner accepts or declines.")
    def ask_for_booking(
        self, info: Info, input: Annotated[AskForBookingInput, INPUT]
    ) -> ResourceBookingResult:
        desk = info.context
        key = _resource_key(desk, input)
        act = desk.act(input.idempotency_key)
        draft = BookingDraft(input.from_day, input.until_day, input.purpose)
        done = sharing.ask_for_booking(desk.database, act, key, input.role, draft)
        return _booked(desk, BookingKey(*key, done.value), replayed=done.replayed)

    @mutation("Accept a booking as the owner; its days are taken.")
    def accept_booking(
        self, info: Info, input: Annotated[AcceptBookingInput, INPUT]
    ) -> ResourceBookingResult:
        desk = info.context
        key = _booking_key(desk, input)
        act = desk.act(input.idempotency_key)
        done = sharing.accept_booking(desk.database, act, key, input.role)
        return _booked(desk, key, replayed=done.replayed)

    @mutation("Decline a booking as the owner.")
    def decline_booking(self, info: Info, input: Annotated[EndBookingInput, INPUT]) -> ResourceBookingResult:
        desk = info.context
        key = _booking_key(desk, input)
        act = desk.act(input.idempotency_key)
        done = sharing.decline_booking(desk.database, act, key, input.role, input.reason)
        return _booked(desk, key, replayed=done.replayed)

    @mutation("Cancel a booking as who asked, or an accepted one as the owner; its days are free again.")
    def cancel_booking(self, info: Info, input: Annotated[EndBookingInput, INPUT]) -> ResourceBookingResult:
        desk = info.context
        key = _booking_key(desk, input)
        act = desk.act(input.idempotency_key)
        done = sharing.cancel_booking(desk.database, act, key, input.role, input.reason)
        return _booked(desk, key, replayed=done.replayed)


@strawberry.type
class SharingQueries:
    @resolved("Platforms and experts on offer in the agreements of a party, by agreement and code.")
    def shared_resources(
        self,
        info: Info,
        party: PartyCode,
        text: Annotated[
            str | None, strawberry.argument(description="Found in names, field and offer, in any case.")
        ] = None,
        kind: Annotated[ResourceKind | None, strawberry.argument(description="Only of this kind.")] = None,
        field: Annotated[str | None, strawberry.argument(description="Only of this field of work.")] = None,
        owner: Annotated[
            str | None, strawberry.argument(description="Only those of the zone or party of this code.")
        ] = None,
        today: Today = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[SharedResource]:
        desk = info.context
        wanted = Wanted(
            text=text,
            kind=None if kind is None else sharing.ResourceKind(kind.value),
            field=field,
            owner_party_id=party_id_of(desk, owner),
        )
        key = shaped_key(after, int, str)
        page = sharing.resources(
            desk.snapshot,
            roster.party_by_code(desk.snapshot, party).party_id,
            day_asked(desk, today),
            wanted,
            after=None if key is None else ResourceKey(int(key[0]), str(key[1])),
            limit=first,
        )
        keys = [(one.key.agreement_id, one.key.code) for one in page.items]
        return connection(_resources(desk, page.items), keys, has_next=page.has_next, after=after)

    @resolved(
        "Bookings in the agreements of a party, by resource; those HELD show that a commitment is kept."
    )
    def resource_bookings(
        self,
        info: Info,
        party: PartyCode,
        agreement: Annotated[
            str | None, strawberry.argument(description="Only of the agreement of this code.")
        ] = None,
        commitment: Annotated[
            str | None, strawberry.argument(description="Only under the commitment of this code.")
        ] = None,
        resource: Annotated[
            str | None, strawberry.argument(description="Only of the resource of this code.")
        ] = None,
        state: Annotated[
            BookingState | None, strawberry.argument(description="Only those that stand so.")
        ] = None,
        today: Today = None,
        first: First = FIRST_DEFAULT,
        after: After = None,
    ) -> Connection[ResourceBooking]:
        desk = info.context
        key = shaped_key(after, int, str, int)
        agreement_id = None if agreement is None else agreement_id_of(desk, agreement)
        page = sharing.bookings(
            desk.snapshot,
            roster.party_by_code(desk.snapshot, party).party_id,
            day_asked(desk, today),
            agreement_id=agreement_id,
            commitment=commitment,
            code=resource,
            state=None if state is None else sharing.BookingState(state.value),
            after=None if key is None else BookingKey(int(key[0]), str(key[1]), int(key[2])),
            limit=first,
        )
        keys = [(one.key.agreement_id, one.key.code, one.key.number) for one in page.items]
        return connection(_bookings(desk, page.items), keys, has_next=page.has_next, after=after)


def _resource_key(desk: Desk, input: WithdrawResourceInput | AskForBookingInput) -> ResourceKey:
    return ResourceKey(agreement_id_of(desk, input.agreement), input.resource)


def _booking_key(desk: Desk, input: AcceptBookingInput | EndBookingInput) -> BookingKey:
    return BookingKey(agreement_id_of(desk, input.agreement), input.resource, input.booking)


def _shared(desk: Desk, key: ResourceKey, *, replayed: bool) -> SharedResourceSuccess:
    found = sharing.shared_resource(desk.snapshot, key, day_asked(desk, None))
    return SharedResourceSuccess(resource=_resources(desk, [found])[0], replayed=replayed)


def _booked(desk: Desk, key: BookingKey, *, replayed: bool) -> ResourceBookingSuccess:
    found = sharing.booking(desk.snapshot, key, day_asked(desk, None))
    return ResourceBookingSuccess(booking=_bookings(desk, [found])[0], replayed=replayed)


def _agreements(desk: Desk, found: Sequence[sharing.SharedResource | sharing.Booking]) -> list[Agreement]:
    records = agreements_by_id(desk.snapshot, [one.key.agreement_id for one in found])
    return agreement_nodes(desk, [records[one.key.agreement_id] for one in found])


def _resources(desk: Desk, found: Sequence[sharing.SharedResource]) -> list[SharedResource]:
    parties = party_batch(desk, {one.party_id for one in found})
    return [
        SharedResource(
            agreement=agreement,
            code=one.key.code,
            role=one.role,
            commitment=one.commitment,
            kind=ResourceKind(one.kind.value),
            name_zh=one.name_zh,
            name_en=one.name_en,
            field=one.field,
            offer=one.offer,
            from_day=one.from_day,
            until_day=one.until_day,
            withdrawn_because=one.withdrawn_because,
            taken_days=one.taken_days,
            recorded_at=one.recorded_at,
            party_id=one.party_id,
            parties=parties,
        )
        for one, agreement in zip(found, _agreements(desk, found), strict=True)
    ]


def _bookings(desk: Desk, found: Sequence[sharing.Booking]) -> list[ResourceBooking]:
    parties = party_batch(desk, {one.party_id for one in found})
    return [
        ResourceBooking(
            agreement=agreement,
            resource=one.key.code,
            number=one.key.number,
            role=one.role,
            from_day=one.from_day,
            until_day=one.until_day,
            purpose=one.purpose,
            state=BookingState(one.state.value),
            steps=[
                BookingStep(
                    kind=BookingStepKind(step.kind),
                    role=step.role,
                    reason=step.reason,
                    recorded_at=step.recorded_at,
                )
                for step in one.steps
            ],
            recorded_at=one.recorded_at,
            party_id=one.party_id,
            parties=parties,
        )
        for one, agreement in zip(found, _agreements(desk, found), strict=True)
    ]
