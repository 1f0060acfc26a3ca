"""What was owed at any moment, and the payments, nettings, waivers and closes that changed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import product

import pytest
from hypothesis.stateful import invariant, run_state_machine_as_test
from payment_rooms import legs_of
from sqlalchemy import func, select
from test_payment_machine import SETTINGS, Payments

from ledger.desk import events
from ledger.desk.payments import owed, owed_between
from ledger_schema.sessions import Database

BEHIND = {
    "settlement": "legs_raised",
    "payment": "payment_matched",
    "interest": "interest_charged",
    "waiver": "leg_waived",
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


class Remembering(Payments):
    """Random acts; what was open after each of them is still told for its moment."""

    def __init__(self) -> None:
        self.answers: list[tuple[datetime, dict[int, int]]] = []
        super().__init__()

    @invariant()
    def remember(self) -> None:
        with self.room.database.reading() as connection:
            moment = connection.execute(select(func.clock_timestamp())).scalar_one()
        opened = {one.leg_id: one.open_minor for one in legs_of(self.room) if one.open_minor}
        self.answers.append((moment, opened))

    def teardown(self) -> None:
        with self.database.reading() as connection:
            for (before, open_before), (after, open_after) in product(self.answers[-6:], repeat=2):
                assert self.owed_at(before) == open_before
                changes = owed_between(connection, self.room.agreement_id, before, after)
                total = Counter(open_before)
                for one in changes:
                    total[one.leg_id] += one.amount_minor
                assert {leg_id: amount for leg_id, amount in total.items() if amount} == open_after
                known = events.events_by_id(connection, [one.event_id for one in changes])
                for one in changes:
                    assert known[one.event_id].kind == BEHIND.get(one.kind, known[one.event_id].kind)

    def owed_at(self, known_at: datetime) -> dict[int, int]:
        with self.database.reading() as connection:
            found = owed(connection, self.room.agreement_id, known_at)
        return {one.leg_id: one.open_minor for one in found}


def test_what_was_owed_at_any_moment_is_told_and_the_acts_between_add_up(database: Database) -> None:
    class OfThisDatabase(Remembering):
        pass

    OfThisDatabase.database = database
    run_state_machine_as_test(OfThisDatabase, settings=SETTINGS)
