"""Views of pairings and commitments as known at a moment are what they were at that moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count, permutations

import pytest
from commitment_room import PromisingRoom
from desk_fixtures import Room, clause, open_room
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from payment_rooms import CALENDAR, beside, legs_of, pay, paying, waive
from reconciliation_fixtures import HOST, ORIGIN, open_desk
from signing_room import PROCEDURE, SigningRoom
from sqlalchemy import Connection, func, select

from ledger.desk import commitments, pairings, roster
from ledger.desk.acts import Act
from ledger.desk.pairings import Group, GroupEmpty
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from tests.long_runs import examples

FIRST, LAST = Quarter(2024, 1), Quarter(2025, 4)
DAYS = (date(2024, 4, 1), date(2025, 9, 1))
OUTPUT = clause(
    2,
    mechanism="output_value",
    measures=("industrial_output",),
    to_whom={"regime": "full_to_each", "key": [{"shares": {"origin": "1", "host": "1"}}]},
)
CAP = {
    "amount": "90.00",
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}


@dataclass
class KnownRoom(SigningRoom, PromisingRoom):
    """A room whose agreement has money, statistics, a cap and a commitment, and can be reopened."""

    def settle_next(self) -> None:
        quarter = self.open_quarter()
        figures = {("retained_tax", quarter): "100.00", ("industrial_output", quarter): "900.00"}
        self.hand_in_figures(quarter, figures)
        settlement_id = self.compute(quarter)
        self.propose(settlement_id)
        self.sign(settlement_id)
        self.close(quarter, settlement_id)

    def correct_first(self) -> None:
        self.hand_in("2024Q1", f"{next(self.numbers)}.00")

    def reopen_last(self) -> None:
        self.reopen(str(Quarter.parse(self.open_quarter()).previous))

    def pay_a_part(self) -> None:
        leg = next(one for one in legs_of(self) if one.open_minor)
        pay(self, "10.00", purpose=leg.reference)

    def waive_a_part(self) -> None:
        waive(self, next(one for one in legs_of(self) if one.open_minor).leg_id, "1.00")

    def keep_promise(self) -> None:
        self.record()

    def confirm_promise(self) -> None:
        self.confirm(len(self.commitment().records))

    def agree_beside(self) -> None:
        self.beside(f"{self.code}-{next(self.numbers)}")

    def beside(self, code: str) -> Room:
        """Another agreement of the two, in which the province has no part."""
        return beside(replace(self, procedure={"calendar": CALENDAR}), code, paying())


ACTS: list[Callable[[KnownRoom], None]] = [
    KnownRoom.settle_next,
    KnownRoom.settle_next,
    KnownRoom.correct_first,
    KnownRoom.reopen_last,
    KnownRoom.pay_a_part,
    KnownRoom.waive_a_part,
    KnownRoom.keep_promise,
    KnownRoom.confirm_promise,
    KnownRoom.agree_beside,
]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def open_known_room(database: Database, code: str) -> KnownRoom:
    room = open_room(
        database,
        paying() | {"within": {"caps": [CAP]}},
        OUTPUT,
        roles=("origin", "host", "province"),
        code=code,
        procedure=PROCEDURE | {"calendar": CALENDAR},
        make=KnownRoom,
    )
    assert isinstance(room, KnownRoom)
    return room


def groups(room: Room) -> tuple[Group, Group]:
    return Group("party", room.roles["origin"]), Group("party", room.roles["host"])


def answers(connection: Connection, room: Room, known_at: datetime | None = None) -> list[object]:
    """What every view says, on every day."""
    found: list[object] = [
        pairings.matrix(connection, "half", FIRST, LAST, known_at),
        pairings.trend(connection, FIRST, LAST, None, known_at),
        pairings.trend(connection, FIRST, LAST, groups(room), known_at),
        pairings.rooms_left(connection, [room.agreement_id], known_at),
    ]
    for day in DAYS:
        between = pairings.pairing(connection, *groups(room), FIRST, LAST, day, known_at)
        found += [
            replace(between, known_at=None),
            pairings.ranking(connection, "party", FIRST, LAST, day, 500, known_at),
            commitments.commitments(connection, room.agreement_id, day, known_at),
        ]
    return found


def told_now(room: Room) -> tuple[datetime, list[object]]:
    with room.database.reading() as connection:
        moment: datetime = connection.execute(select(func.now())).scalar_one()
        return moment, answers(connection, room)


def require_told_again(room: Room, told: list[tuple[datetime, list[object]]]) -> None:
    with room.database.reading() as connection:
        for moment, answer in told:
            assert answers(connection, room, moment) == answer


def require_sums(room: Room) -> int:
    """What a ranking says is the sum over the pairings of the room's parties; gives all that is overdue."""
    parties = sorted(room.roles.values())
    day = DAYS[-1]
    with room.database.reading() as connection:
        ranked = {one.key: one for one in pairings.ranking(connection, "party", FIRST, LAST, day, 500)}
        between = [
            pairings.pairing(connection, Group("party", one), Group("party", other), FIRST, LAST, day)
            for one, other in permutations(parties, 2)
        ]
    for party in parties:
        own = [one for one in between if one.one.code == party]
        flows = [(flow.from_one, flow.amount_minor) for one in own for flow in one.flows]
        late = [debt.overdue_minor for one in own for debt in one.debts if debt.from_one]
        assert ranked[party].paid_minor == sum(amount for from_one, amount in flows if from_one)
        assert ranked[party].received_minor == sum(amount for from_one, amount in flows if not from_one)
        assert ranked[party].overdue_minor == sum(late)
    return sum(ranked[party].overdue_minor for party in parties)


def test_whatever_was_done_since_answers_for_a_moment_stay_and_rankings_add_up(database: Database) -> None:
    codes = (f"KNOWN-{number}" for number in count(1))

    @settings(
        max_examples=examples(3),
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(acts=st.lists(st.sampled_from(ACTS), min_size=4, max_size=10))
    def holds(acts: list[Callable[[KnownRoom], None]]) -> None:
        room = open_known_room(database, next(codes))
        told = [told_now(room)]
        for act in acts:
            with suppress(LedgerError, StopIteration, IndexError):
                act(room)
            told.append(told_now(room))
        require_told_again(room, told)
        require_sums(room)

    holds()


def test_every_kind_of_act_changes_an_answer_and_none_given_before(database: Database) -> None:
    room = open_known_room(database, "KNOWN")
    told = [told_now(room)]
    for act in (
        KnownRoom.settle_next,
        KnownRoom.reopen_last,
        KnownRoom.settle_next,
        KnownRoom.pay_a_part,
        KnownRoom.waive_a_part,
        KnownRoom.keep_promise,
        KnownRoom.confirm_promise,
        KnownRoom.agree_beside,
    ):
        act(room)
        told.append(told_now(room))
        assert told[-1][1] != told[-2][1], act
    require_told_again(room, told)


def test_disputes_are_counted_as_they_were_known(database: Database) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    told = [told_now(desk.room)]
    number = desk.dispute("2024Q1", ORIGIN)
    told.append(told_now(desk.room))
    desk.propose(number, ORIGIN, "140.00")
    desk.accept(number, HOST)
    told.append(told_now(desk.room))
    require_told_again(desk.room, told)


def test_a_party_is_in_no_group_before_it_was_registered(database: Database) -> None:
    room = open_room(database)
    before, _ = told_now(room)
    draft = roster.PartyDraft("LATE", "zone", "晚到", "made up", None, "110000", "北京", "East")
    roster.register_party(database, Act("register"), draft)
    late = Group("party", "LATE")
    with database.reading() as connection:
        assert pairings.trend(connection, FIRST, LAST, (late, groups(room)[0])) == []
        with pytest.raises(GroupEmpty):
            pairings.trend(connection, FIRST, LAST, (late, groups(room)[0]), before)


def test_a_ranking_is_the_sum_over_the_pairings(database: Database) -> None:
    room = open_known_room(database, "SUMS")
    for act in (KnownRoom.settle_next, KnownRoom.pay_a_part, KnownRoom.settle_next, KnownRoom.reopen_last):
        act(room)
    room.beside("SUMS-2").settle("2024Q1", "300.00")
    assert require_sums(room) > 0
