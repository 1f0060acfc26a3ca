"""Shared platforms and experts: offered under a commitment, searched and booked by the other parties."""

from ledger.desk.sharing.booking import (
    BookingDraft,
    accept_booking,
    ask_for_booking,
    cancel_booking,
    days_between,
    decline_booking,
)
from ledger.desk.sharing.faults import (
    BookingOver,
    BookingSettled,
    ResourceRepeated,
    ResourceTaken,
    ResourceWithdrawn,
)
from ledger.desk.sharing.offering import ResourceDraft, share_resource, withdraw_resource
from ledger.desk.sharing.reading import (
    Booking,
    BookingKey,
    BookingState,
    BookingStep,
    ResourceKey,
    ResourceKind,
    SharedResource,
    Wanted,
    booking,
    bookings,
    resources,
    shared_resource,
)

__all__ = [
    "Booking",
    "BookingDraft",
    "BookingKey",
    "BookingOver",
    "BookingSettled",
    "BookingState",
    "BookingStep",
    "ResourceDraft",
    "ResourceKey",
    "ResourceKind",
    "ResourceRepeated",
    "ResourceTaken",
    "ResourceWithdrawn",
    "SharedResource",
    "Wanted",
    "accept_booking",
    "ask_for_booking",
    "booking",
    "bookings",
    "cancel_booking",
    "days_between",
    "decline_booking",
    "resources",
    "share_resource",
    "shared_resource",
    "withdraw_resource",
]
