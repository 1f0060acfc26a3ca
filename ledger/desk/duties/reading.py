"""The duties of a party: steps of quarters, commitments and reviews together, by due day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection

from ledger.desk.agreements import agreements_by_id
from ledger.desk.calendar import work_items
from ledger.desk.commitments import due_commitments
from ledger.desk.duties.duty import Duty, DutyKey, of_commitment, of_review, of_step
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.reviews import pending_reviews

DAYS_AHEAD = 180
"""As far as the steps of an open quarter reach with the days that calendars usually have."""


def duties(
    connection: Connection,
    party_id: int,
    today: date,
    until: date,
    *,
    after: DutyKey | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Duty]:
    """What a party has to do or waits for, due by ``until``, by due day after the key ``after``.

    The number of statements depends on nothing but the open quarters whose returns are compared.
    """
    found = (
        *map(of_step, work_items(connection, party_id, today)),
        *_commitments(connection, party_id, today, until),
        *_reviews(connection, party_id, today),
    )
    due = sorted((one for one in found if one.key.due <= until), key=lambda one: one.key)
    following = [one for one in due if after is None or one.key > after]
    return page_of(following[: rows_to_read(limit)], limit, lambda one: one)


def _commitments(connection: Connection, party_id: int, today: date, until: date) -> Iterator[Duty]:
    found = due_commitments(connection, party_id, today, until)
    named = agreements_by_id(connection, [one.agreement_id for one in found])
    for one in found:
        if one.promise.due_day is not None:
            yield of_commitment(named[one.agreement_id], one, one.promise.due_day, party_id, today)


def _reviews(connection: Connection, party_id: int, today: date) -> Iterator[Duty]:
    for review in pending_reviews(connection, party_id):
        yield from of_review(review, party_id, today)
