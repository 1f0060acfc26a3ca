"""How the enterprise list, the terms and a return's lines differ between two moments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from itertools import count

import pytest
from desk_fixtures import Room, clause, enterprise, open_room
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from ledger.desk import events, returns
from ledger.desk.enterprises import ListEntry
from ledger.desk.failures import NotFound
from ledger.desk.history import facts
from ledger.desk.history.facts import FieldChange, LineChange
from ledger.desk.returns import LineDraft
from ledger.periods import Quarter
from ledger.rules.terms import CauseOfMove, Event
from ledger_schema.sessions import Database

Q1 = Quarter(2024, 1)
ONE, TWO, THREE = (
    replace(enterprise(number), cause_of_move=None, attributes={"industry": "制造"}) for number in (1, 2, 3)
)
CODES = count(1)
FEW = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


# --- the enterprise list ----------------------------------------------------------------------------------


def test_entries_that_came_went_and_changed_are_told_field_by_field(database: Database) -> None:
    room = open_room(database)
    room.confirm_list(ONE, TWO)
    before = now(database)
    moved = replace(
        TWO,
        name_zh="新名",
        events={Event.REGISTRATION: date(2024, 3, 1)},
        pre_move_tax_minor={2023: 123456},
        cause_of_move=CauseOfMove.MARKET,
        attributes={},
    )
    room.confirm_list(moved, THREE)
    with database.reading() as connection:
        found = facts.list_between(connection, room.agreement_id, before, now(database))
        act = events.events_by_id(connection, [found.event_id or 0])[found.event_id or 0]
        back = facts.list_between(connection, room.agreement_id, now(database), before)
    assert [one.version if one else None for one in (found.before, found.after)] == [1, 2]
    assert act.kind == "enterprise_list_confirmed"
    kinds = {one.entry.credit_code: one.kind for one in found.entries}
    assert kinds == {ONE.credit_code: "removed", TWO.credit_code: "changed", THREE.credit_code: "added"}
    (changed,) = (one for one in found.entries if one.kind == "changed")
    told = {one.field: (one.before, one.after) for one in changed.fields}
    assert told == {
        "attributes.industry": ("制造", None),
        "cause_of_move": (None, "market"),
        "events.registration": (told["events.registration"][0], "2024-03-01"),
        "name_zh": (TWO.name_zh, "新名"),
        "pre_move_tax.2023": (told["pre_move_tax.2023"][0], "1234.56"),
    }
    assert turned(found.entries[0].fields) == back.entries[0].fields


def test_a_list_that_not_all_have_confirmed_changes_nothing(database: Database) -> None:
    room = open_room(database)
    before = now(database)
    with database.reading() as connection:
        nothing = facts.list_between(connection, room.agreement_id, before, now(database))
    assert (nothing.before, nothing.after, nothing.entries, nothing.event_id) == (None, None, [], None)
    room.confirm_list(ONE)
    held = now(database)
    room.confirm_list(ONE)
    with database.reading() as connection:
        first = facts.list_between(connection, room.agreement_id, before, held)
        same = facts.list_between(connection, room.agreement_id, held, now(database))
    assert [one.kind for one in first.entries] == ["added"]
    assert (same.after and same.after.version, same.entries) == (2, [])


@settings(FEW, max_examples=8)
@given(data=st.data())
def test_what_changed_makes_the_later_list_out_of_the_earlier_one(
    database: Database, data: st.DataObject
) -> None:
    room = open_room(database, code=f"L-{next(CODES)}")
    entry = st.sampled_from((ONE, TWO, THREE)).flatmap(
        lambda one: st.sampled_from(("甲", "乙")).map(lambda name: replace(one, controller=name))
    )
    lists = st.lists(entry, unique_by=lambda one: one.credit_code)
    before, after = data.draw(lists), data.draw(lists)
    room.confirm_list(*before)
    then = now(database)
    room.confirm_list(*after)
    with database.reading() as connection:
        found = facts.list_between(connection, room.agreement_id, then, now(database))
    made = {one.credit_code: one.controller for one in before}
    for one in found.entries:
        if one.kind == "removed":
            del made[one.entry.credit_code]
        else:
            (controller,) = (field.after for field in one.fields if field.field == "controller")
            made[one.entry.credit_code] = controller
    assert made == {one.credit_code: one.controller for one in after}


# --- the terms --------------------------------------------------------------------------------------------


def test_clauses_that_came_went_and_changed_are_told_by_number_and_field(database: Database) -> None:
    room = open_room(database, clause(1), clause(2))
    before = now(database)
    room.amend(clause(1, shares={"origin": "3/4", "host": "1/4"}), clause(3), starts="2024Q2")
    with database.reading() as connection:
        of_later = facts.terms_between(connection, room.agreement_id, Quarter(2024, 2), before, now(database))
        of_first = facts.terms_between(connection, room.agreement_id, Q1, before, now(database))
        act = events.events_by_id(connection, [of_later.event_id or 0])[of_later.event_id or 0]
    assert (of_first.clauses, of_first.fields, of_first.event_id) == ([], [], None)
    assert act.kind == "version_brought_into_force"
    assert [(one.number, one.kind) for one in of_later.clauses] == [
        (1, "changed"),
        (2, "removed"),
        (3, "added"),
    ]
    assert of_later.clauses[0].fields == [
        FieldChange("to_whom.key[0].shares.host", "1/2", "1/4"),
        FieldChange("to_whom.key[0].shares.origin", "1/2", "3/4"),
    ]
    assert of_later.fields == [FieldChange("in_force_from", "2024Q1", "2024Q2")]


# --- the lines of a return --------------------------------------------------------------------------------


def test_lines_of_the_return_that_counts_are_compared_by_what_they_are_about(database: Database) -> None:
    room = open_room(database, clause(whose={"scope": "listed_enterprises"}))
    room.confirm_list(ONE, TWO, THREE)
    before = now(database)
    room.hand_in_lines("2024Q1", [line(ONE, "10.00"), line(TWO, "20.00", "凭证-2"), line(TWO, "1.00")])
    then = now(database)
    room.hand_in_lines("2024Q1", [line(ONE, "12.00"), line(TWO, "1.00"), line(THREE, "5.00")])
    changes, event = compared(room, then, now(database))
    assert [(one.document, one.before_minor, one.after_minor) for one in changes] == [
        ("凭证-1", 1000, 1200),
        ("凭证-2", 2000, None),
        ("凭证-1", None, 500),
    ]
    assert event == "return_handed_in"
    assert [one.after_minor for one in compared(room, before, then)[0]] == [1000, 100, 2000]
    assert compared(room, then, then) == ([], None)


@settings(FEW, max_examples=10)
@given(data=st.data())
def test_changed_lines_add_up_to_the_difference_of_the_totals(
    database: Database, data: st.DataObject
) -> None:
    room = open_room(database, clause(whose={"scope": "listed_enterprises"}), code=f"R-{next(CODES)}")
    room.confirm_list(ONE, TWO, THREE)
    drawn = st.lists(
        st.builds(
            line,
            st.sampled_from((ONE, TWO, THREE)),
            st.sampled_from(("1.00", "2.50", "-3.00", "0.00")),
            st.sampled_from(("", "凭证-1", "凭证-2")),
        ),
        max_size=6,
        unique_by=lambda one: (one.credit_code, one.document),
    )
    moments = [now(database)]
    for _ in range(2):
        room.hand_in_lines("2024Q1", data.draw(drawn))
        moments.append(now(database))
    for before, after in ((moments[0], moments[2]), (moments[1], moments[2]), (moments[2], moments[1])):
        changes, _ = compared(room, before, after)
        changed = Counter[str]()
        for one in changes:
            changed[one.measure] += (one.after_minor or 0) - (one.before_minor or 0)
        totals = [totals_at(room, moment) for moment in (before, after)]
        expected = {
            measure: totals[1][measure] - totals[0][measure]
            for measure in totals[0].keys() | totals[1].keys()
        }
        assert +changed == +Counter(expected)
        assert -changed == -Counter(expected)


def test_a_difference_of_an_agreement_that_isnt_there_is_refused(database: Database) -> None:
    moment = now(database)
    with database.reading() as connection:
        with pytest.raises(NotFound):
            facts.list_between(connection, 404, moment, moment)
        with pytest.raises(NotFound):
            facts.terms_between(connection, 404, Q1, moment, moment)
        with pytest.raises(NotFound):
            facts.returns_between(connection, 404, Q1, "host", moment, moment)


def line(of: ListEntry, amount: str, document: str = "凭证-1") -> LineDraft:
    return LineDraft(of.credit_code, "retained_tax", "2024Q1", amount, document)


def compared(room: Room, before: datetime, after: datetime) -> tuple[list[LineChange], str | None]:
    """The lines that differ, read one by one, and the kind of the act behind them."""
    with room.database.reading() as connection:
        found = facts.returns_between(connection, room.agreement_id, Q1, "host", before, after)
        changes: list[LineChange] = []
        while True:
            key = changes[-1].key if changes else None
            page = facts.line_changes(connection, room.agreement_id, found, after=key, limit=1)
            changes += page.items
            if not page.has_next:
                break
        acts = events.events_by_id(connection, [found.event_id or 0])
    return changes, acts[found.event_id].kind if found.event_id else None


def totals_at(room: Room, moment: datetime) -> Counter[str]:
    with room.database.reading() as connection:
        every = returns.filings(connection, room.agreement_id, quarter=Q1, role="host", known_at=moment)
    current = [one.totals for one in every if one.is_current]
    return Counter(current[0] if current else {})


def turned(fields: list[FieldChange]) -> list[FieldChange]:
    return [FieldChange(one.field, one.after, one.before) for one in fields]


def now(database: Database) -> datetime:
    with database.reading() as connection:
        moment = connection.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(moment, datetime)
    return moment
