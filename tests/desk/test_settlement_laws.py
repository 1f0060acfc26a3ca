"""The laws of settlement, on random quarters and corrections, with a model beside the system.

After every close: what is booked is what the rules say of all current figures; the journal balances; and no
answer that was given for an earlier moment has changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

import pytest
from desk_fixtures import Document, Room, clause, open_room
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.desk import agreements, history, settlements
from ledger.desk.history import differences
from ledger.money import format_amount
from ledger.periods import Quarter, Span
from ledger.rules import plain
from ledger.rules.facts import Facts, Line, Version
from ledger_schema.sessions import Database
from tests.long_runs import examples

FIRST = Quarter(2024, 3)
CODES = count(1)
SHARES = ({"origin": "1/2", "host": "1/2"}, {"origin": "1/3", "host": "2/3"}, {"origin": "1", "host": "0"})
CAP = {
    "amount": "60.00",
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}
EXTENSION = {"condition": "cap_not_reached", "length_months": 6, "on_correction": "reopen"}
WINDOW = {
    "clock": {"day": "2024-07-01", "begins": "step_of_day"},
    "length_months": 6,
    "extension": EXTENSION,
}
SECTIONS: tuple[Document, ...] = (
    {},
    {"within": {"caps": [CAP]}},
    {"within": {"caps": [CAP]}, "when": {"window": WINDOW}},
    {"how_much": {"surplus": {"base": "90.00", "within_year": "pro_rata", "loss": "carried"}}},
    {"then": {"provisional": "accrue"}},
    {"then": {"routing": {"to": "fund", "part": "1/3"}}},
)

Figures = dict[tuple[int, Quarter, str], tuple[int, int]]
"""Amount and routed part by clause, quarter and role."""


@dataclass
class Model:
    """What the system should say: the current figures, the versions, and every answer given so far."""

    figures: dict[Quarter, int] = field(default_factory=dict)
    answers: list[tuple[datetime, Figures]] = field(default_factory=list)


@dataclass(frozen=True)
class Turn:
    """One quarter: its figure, corrections of earlier quarters, and perhaps an amendment."""

    amount_minor: int | None
    corrections: list[tuple[int, int]]
    """How many quarters ago, and the new figure."""
    amendment: tuple[int, Document] | None
    """How many quarters ago it starts, and the clause from then on."""


# Shrinking plays hundreds of agreements, which takes minutes; a failing example is short enough as it is.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
# Every example makes an agreement of its own, so that sharing the database is safe.
IN_ONE_DATABASE = (HealthCheck.function_scoped_fixture,)

AMOUNTS = st.integers(-3_000, 20_000)


@st.composite
def clause_documents(draw: st.DrawFn) -> Document:
    grain = {"grain": draw(st.sampled_from(["subject", "clause", "period"])), "mode": "down"}
    mode = draw(st.sampled_from(["down", "half_up", "half_even", "up"]))
    return clause(
        shares=draw(st.sampled_from(SHARES)),
        rounding={**grain, "mode": mode},
        **draw(st.sampled_from(SECTIONS)),
    )


TURNS = st.lists(
    st.builds(
        Turn,
        st.none() | AMOUNTS,
        st.lists(st.tuples(st.integers(1, 3), AMOUNTS), max_size=2),
        st.none() | st.tuples(st.integers(0, 2), clause_documents()),
    ),
    min_size=2,
    max_size=4,
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@settings(max_examples=examples(12), deadline=None, phases=PHASES, suppress_health_check=IN_ONE_DATABASE)
@given(first=clause_documents(), turns=TURNS)
def test_what_is_booked_is_always_what_the_rules_say_of_everything_known(
    database: Database, first: Document, turns: list[Turn]
) -> None:
    code = f"L-{next(CODES)}"
    room = open_room(database, first, roles=("origin", "host", "fund"), starts=str(FIRST), code=code)
    model, latest_start = Model(), FIRST
    for place, turn in enumerate(turns):
        quarter = FIRST.plus(place)
        if turn.amendment is not None:
            ago, document = turn.amendment
            latest_start = max(latest_start, quarter.plus(-ago))
            # The same terms may not be signed twice.
            title = {"zh": f"第{place}次修订", "en": f"Amendment {place}"}
            room.amend({**document, "title": title}, starts=str(latest_start))
        play(room, model, quarter, turn)
        check(room, model, quarter)


def play(room: Room, model: Model, quarter: Quarter, turn: Turn) -> None:
    """Hands in what the turn says, computes and closes."""
    changed: dict[Quarter, int | None] = {
        quarter.plus(-ago): amount_minor
        for ago, amount_minor in turn.corrections
        if quarter.plus(-ago) >= FIRST
    }
    changed[quarter] = turn.amount_minor
    for about, amount_minor in changed.items():
        room.hand_in(str(about), None if amount_minor is None else format_amount(amount_minor, 2))
        model.figures[about] = amount_minor or 0
    settlement_id = room.close(str(quarter), room.compute(str(quarter)))
    with room.database.reading() as connection:
        closed_at = settlements.settlement(connection, room.agreement_id, settlement_id).closed_at
    assert closed_at is not None
    model.answers.append((closed_at, figures_at(room, quarter, closed_at)))


def check(room: Room, model: Model, quarter: Quarter) -> None:
    assert model.answers[-1][1] == expected(room, model, quarter)
    for known_at, answer in model.answers:
        assert figures_at(room, quarter, known_at) == answer
    with room.database.reading() as connection:
        balances = history.balances(connection, agreement_id=room.agreement_id, through=quarter)
    assert sum(one.amount_minor for one in balances) == 0
    check_differences(room, model, quarter)


def expected(room: Room, model: Model, quarter: Quarter) -> Figures:
    """What the plain evaluator makes of the current figures."""
    with room.database.reading() as connection:
        terms = agreements.terms_in_force(connection, room.agreement_id)
    in_force = {row.starts: Version(row.starts, row.terms) for row in terms if row.starts <= quarter}
    lines = [
        Line(0, "retained_tax", Span.of_quarter(about), amount_minor)
        for about, amount_minor in model.figures.items()
    ]
    outcome = plain.evaluate(list(in_force.values()), Facts(lines), quarter)
    return {
        (key.clause, key.quarter, key.role): (amount.amount_minor, amount.routed_minor)
        for key, amount in outcome.amounts.items()
    }


def figures_at(room: Room, through: Quarter, known_at: datetime) -> Figures:
    roles = {room.party_id(role): role for role in room.roles}
    with room.database.reading() as connection:
        return {
            (one.clause, one.quarter, roles[one.party_id]): (one.amount_minor, one.routed_minor)
            for place in range(through.ordinal - FIRST.ordinal + 1)
            for one in history.figure(connection, room.agreement_id, FIRST.plus(place), known_at=known_at)
        }


def check_differences(room: Room, model: Model, quarter: Quarter) -> None:
    """Between the first and the last close the named causes add up to the change of the first quarter."""
    (first_known, before), (last_known, after) = model.answers[0], model.answers[-1]
    roles = {room.party_id(role): role for role in room.roles}
    with room.database.reading() as connection:
        changes = differences.figures_between(connection, room.agreement_id, FIRST, first_known, last_known)
    totals: defaultdict[str, int] = defaultdict(int)
    for one in changes:
        totals[roles[one.party_id]] += one.amount_minor
    for role in room.roles:
        key = (1, FIRST, role)
        assert totals[role] == after.get(key, (0, 0))[0] - before.get(key, (0, 0))[0], quarter
