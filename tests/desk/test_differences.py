"""Between any two moments the causes add up exactly to what figures, balances and statements changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import pairwise, product

import pytest
from desk_fixtures import clause, enterprise
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from reconciliation_fixtures import ORIGIN, open_desk
from signing_room import SigningRoom, open_signing_room
from sqlalchemy import Connection, func, select
from test_quarter_model import FIRST, QuarterMachine

from ledger.desk import events, history, settlements, statements
from ledger.desk.failures import NotFound
from ledger.desk.history import differences
from ledger.desk.history.differences import BalanceChange
from ledger.desk.settlements.grounds import grounds
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from tests.listening import Statement, listening
from tests.long_runs import examples

Q1, Q2 = Quarter(2024, 1), Quarter(2024, 2)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


class DifferenceMachine(QuarterMachine):
    """Random acts; at the end every two moments between them are compared."""

    def teardown(self) -> None:
        moments = [moment for moment, _ in self.answers][-6:]
        agreement_id = self.room.agreement_id
        quarters = [FIRST, self.model.open_quarter]
        with self.room.database.reading() as connection:
            for (before, after), quarter in product(product(moments, moments), quarters):
                of_agreement = (connection, agreement_id, quarter)
                changed = Counter(figures_changed(*of_agreement, before, after))
                assert added(changed, figures_of(*of_agreement, before)) == figures_of(*of_agreement, after)
                changed = totals(differences.balances_between(*of_agreement, before, after))
                assert added(changed, balances_of(*of_agreement, before)) == balances_of(*of_agreement, after)
                changed = totals(differences.statement_between(*of_agreement, before, after))
                assert added(changed, stated(*of_agreement, before)) == stated(*of_agreement, after)


def test_between_any_two_moments_the_causes_add_up_whatever_was_done(database: Database) -> None:
    class OfThisDatabase(DifferenceMachine):
        def __init__(self) -> None:
            super().__init__(database)

    run_state_machine_as_test(
        OfThisDatabase,
        settings=settings(
            max_examples=examples(2),
            stateful_step_count=15,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_change_names_the_act_behind_it(database: Database) -> None:
    room = open_signing_room(database)
    start = now(room)
    room.settle_signed("2024Q1", "100.00")
    between = now(room)
    room.hand_in("2024Q1", "120.00")
    room.amend(clause(shares={"origin": "3/4", "host": "1/4"}), starts="2024Q1")
    room.settle_signed("2024Q2", "10.00")
    closed = now(room)
    room.reopen("2024Q2")
    end = now(room)
    assert acts_behind(room, Q1, start, between) == [("quarter", "settlement_computed")]
    assert acts_behind(room, Q1, between, closed) == [
        ("correction", "return_handed_in"),
        ("amendment", "version_brought_into_force"),
    ]
    assert acts_behind(room, Q1, closed, end) == [
        ("correction", "quarter_reopened"),
        ("amendment", "quarter_reopened"),
    ]
    assert acts_behind(room, Q1, between, end) == []


def test_a_list_and_an_occurrence_have_their_confirmation_behind_them(database: Database) -> None:
    room = open_signing_room(database)
    room.settle_signed("2024Q1", "100.00")
    room.happens("opened", date(2024, 5, 1))
    room.confirm_list(enterprise(1))
    settlement_id = room.settle_signed("2024Q2", "10.00")
    assert grounds_of(room.database, room.agreement_id, settlement_id) == {
        "enterprise_list": "enterprise_list_confirmed",
        "occurrence": "occurrence_confirmed",
        "quarter": "settlement_computed",
    }


def test_a_reconciled_difference_has_the_arbitration_behind_it(
    database: Database,
) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    desk.settle("2024Q1")
    desk.escalate(number, ORIGIN)
    desk.arbitrate(number, "130.00")
    desk.hand_in("2024Q2", "20.00", "20.00")
    assert grounds_of(database, desk.agreement_id, desk.settle("2024Q2")) == {
        "reconciliation": "reconciliation_arbitration",
        "quarter": "settlement_computed",
    }


def test_a_difference_needs_as_many_statements_for_many_settlements_as_for_one(database: Database) -> None:
    room = open_signing_room(database)
    moments = [now(room)]
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.settle_signed(quarter, "100.00")
        room.hand_in("2024Q1", f"{quarter[-1]}0.00")
        moments.append(now(room))
    counts = []
    for before, after in ((moments[1], moments[2]), (moments[0], moments[3])):
        heard: list[Statement] = []
        with room.database.reading() as connection, listening(heard.append):
            differences.balances_between(connection, room.agreement_id, Quarter(2024, 4), before, after)
        counts.append(len(heard))
    assert counts[0] == counts[1]


def test_steps_from_moment_to_moment_add_up_to_the_whole_way(database: Database) -> None:
    room = open_signing_room(database)
    moments = [now(room)]
    for amount in ("100.00", "80.00", "120.00"):
        room.hand_in("2024Q1", amount)
        room.settle_signed(str(room.open_quarter()), "10.00" if len(moments) > 1 else amount)
        moments.append(now(room))
    with room.database.reading() as connection:
        of_agreement = (connection, room.agreement_id, Q1)
        steps: Counter[tuple[object, ...]] = Counter()
        for before, after in pairwise(moments):
            steps.update(figures_changed(*of_agreement, before, after))
        whole = Counter(figures_changed(*of_agreement, moments[0], moments[-1]))
    assert nonzero(steps) == nonzero(whole)
    assert nonzero(whole)


def grounds_of(database: Database, agreement_id: int, settlement_id: int) -> dict[str, str]:
    """The kind of the event behind each kind of cause."""
    with database.reading() as connection:
        settled = settlements.settlement(connection, agreement_id, settlement_id)
        acts = grounds(connection, agreement_id, [settled])
        behind = {cause.kind: acts.of(settled, cause) for cause in settled.causes}
        known = events.events_by_id(connection, [event_id for event_id in behind.values() if event_id])
    return {kind: known[event_id or 0].kind for kind, event_id in behind.items()}


def acts_behind(
    room: SigningRoom, quarter: Quarter, before: datetime, after: datetime
) -> list[tuple[str, str]]:
    """Kind of the cause and of the event behind it, of the origin's changes."""
    origin = room.party_id("origin")
    with room.database.reading() as connection:
        found = [
            one.reason
            for one in differences.figures_between(connection, room.agreement_id, quarter, before, after)
            if one.party_id == origin
        ]
        known = events.events_by_id(connection, [one.event_id for one in found if one.event_id is not None])
    return [(one.cause.kind, known[one.event_id or 0].kind) for one in found]


def figures_changed(
    connection: Connection, agreement_id: int, quarter: Quarter, before: datetime, after: datetime
) -> dict[tuple[object, ...], int]:
    changes: Counter[tuple[object, ...]] = Counter()
    for one in differences.figures_between(connection, agreement_id, quarter, before, after):
        changes[one.clause, one.book, one.party_id] += one.amount_minor
    return changes


def figures_of(
    connection: Connection, agreement_id: int, quarter: Quarter, known_at: datetime
) -> dict[tuple[object, ...], int]:
    found = history.figure(connection, agreement_id, quarter, known_at=known_at)
    return nonzero({(one.clause, one.book, one.party_id): one.amount_minor for one in found})


def balances_of(
    connection: Connection, agreement_id: int, through: Quarter, known_at: datetime
) -> dict[tuple[object, ...], int]:
    found = history.balances(connection, agreement_id=agreement_id, through=through, known_at=known_at)
    return {(one.kind, one.book, one.party_id): one.amount_minor for one in found}


def stated(
    connection: Connection, agreement_id: int, quarter: Quarter, known_at: datetime
) -> dict[tuple[object, ...], int]:
    try:
        shown = statements.statement(connection, agreement_id, quarter, known_at)
    except NotFound:
        return {}
    return {(one.kind, one.book, one.party_id): one.amount_minor for one in shown.totals}


def totals(changes: Iterable[BalanceChange]) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for one in changes:
        found[one.account.kind, one.account.book, one.account.party_id] += one.amount_minor
    return found


def added(
    changes: Counter[tuple[object, ...]], start: dict[tuple[object, ...], int]
) -> dict[tuple[object, ...], int]:
    return nonzero({key: changes[key] + start.get(key, 0) for key in changes.keys() | start.keys()})


def nonzero(amounts: dict[tuple[object, ...], int]) -> dict[tuple[object, ...], int]:
    return {key: amount for key, amount in amounts.items() if amount}


def now(room: SigningRoom) -> datetime:
    with room.database.reading() as connection:
        moment = connection.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(moment, datetime)
    return moment
