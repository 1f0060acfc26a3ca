"""Arrears and their age: what a party has to pay and to get on a day, by how long it is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection

from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.payments.interest import uncharged
from ledger.desk.payments.reading import (
    ArrearsKey,
    Leg,
    LegFilter,
    every_leg,
    leg_keys,
    legs_of_keys,
)

BUCKETS: tuple[tuple[str, int], ...] = (
    ("not_due", 0),
    ("days_1_30", 30),
    ("days_31_60", 60),
    ("days_61_90", 90),
    ("days_91_180", 180),
)
"""Each bucket and the most days that what is in it is overdue."""

OLDEST = "days_over_180"
NAMES = (*(name for name, _ in BUCKETS), OLDEST)


@dataclass(slots=True)
class Arrears:
    """What is open on the day by age, and interest that isn't charged yet; minor units."""

    key: ArrearsKey
    open_minor: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    interest_minor: int = 0

    @property
    def overdue_minor(self) -> int:
        """What is overdue, without interest that isn't charged."""
        return sum(amount_minor for name, amount_minor in self.open_minor.items() if name != "not_due")


def arrears(connection: Connection, day: date, wanted: LegFilter) -> list[Arrears]:
    """Everything that is open at the end of ``day``, or bears interest till then.

    By pair and agreement, in the order of their numbers.
    """
    return arrears_of(every_leg(connection, wanted), day)


def arrears_page(
    connection: Connection,
    day: date,
    wanted: LegFilter,
    *,
    after: ArrearsKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Arrears]:
    """As ``arrears``, a page after the key ``after``.

    What is open follows from the legs, so those of some pairs at a time are read, until the page is full.
    Raises ``LimitUnusable``.
    """
    count = rows_to_read(limit)
    found: list[Arrears] = []
    keys = leg_keys(connection, wanted, after, count)
    while keys:
        found += arrears_of(legs_of_keys(connection, wanted, keys), day)
        if len(found) >= count or len(keys) < count:
            break
        keys = leg_keys(connection, wanted, keys[-1], count)
    return page_of(found, limit, lambda one: one)


def arrears_of(legs: Sequence[Leg], day: date) -> list[Arrears]:
    """The legs added up by pair and agreement; charged interest is a leg among them."""
    charged: dict[int, list[Leg]] = {}
    for one in legs:
        if one.of_leg_id is not None:
            charged.setdefault(one.of_leg_id, []).append(one)
    found: dict[ArrearsKey, Arrears] = {}
    for one in legs:
        open_minor = one.open_on(day)
        interest_minor = max(0, uncharged(one, charged.get(one.leg_id, []), day))
        if open_minor or interest_minor:
            key = ArrearsKey(*one.pair, one.agreement_id or 0, one.commodity_id)
            total = found.setdefault(key, Arrears(key))
            total.open_minor[bucket_of(one.days_overdue(day))] += open_minor
            total.interest_minor += interest_minor
    return [found[key] for key in sorted(found)]


def bucket_of(days_overdue: int) -> str:
    """The name of the bucket for so many days."""
    return next((name for name, most in BUCKETS if days_overdue <= most), OLDEST)
