"""A national quarter gives, agreement by agreement, the rows that settling one by one gives."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import psycopg
import pytest
from desk_fixtures import Document, Room, clause, enterprise, open_room
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import text

from ledger.desk import fsck, national
from ledger.desk import settlements as desk_settlements
from ledger.desk.acts import Act
from ledger.desk.enterprises import ListEntry
from ledger.desk.national import NationalRun, Progress, ReturnMissing, Stage
from ledger.desk.national import booking as national_booking
from ledger.desk.returns import LineDraft
from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount
from ledger.periods import Quarter
from ledger.rules.terms import CauseOfMove, Clause, Event, Scope
from ledger.rules.vector import compiling
from ledger_schema.sessions import Database

FIRST = Quarter(2024, 3)
SECOND = Quarter(2024, 4)
THIRD = Quarter(2025, 1)
ROLES = ("origin", "host", "fund", "third")

LISTED = {"scope": "listed_enterprises"}
EXTENSION = {"condition": "cap_not_reached", "length_months": 3, "on_correction": "hold"}
WINDOW = {
    "clock": {"event": "registration", "begins": "next_step"},
    "length_months": 3,
    "extension": EXTENSION,
}
CAP = {
    "pre_move_tax_total": True,
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}
SURPLUS = {"base_of_enterprise": True, "within_year": "pro_rata", "loss": "carried"}
CAP_OF_GROUP = {
    "amount": "900.00",
    "over": "year",
    "unused": "lapses",
    "per": "controller",
    "order": "by_subject",
    "measured_on": "pool",
    "excess_to": "host",
}
TIERS = [
    {
        "starts": "2020-01-01",
        "measure": "vat",
        "tiers": [{"name": {"zh": "省级", "en": "province"}, "kept": "1/3"}],
    }
]
THREE_WAYS = {"origin": "1/3", "host": "1/2", "third": "1/6"}
HALF_TO_FUND = {"routing": {"to": "fund", "part": "1/2"}}
ELIGIBILITY = {"pre_move_tax_average_at_least": "0.50", "referred_by": "origin"}

RATES = [
    {"where": {"industry": ["研发", "设计"], "tier": ["A"]}, "rate": "1/3"},
    {"where": {"industry": ["制造"]}, "rate": "1/2"},
]
HAPPENED = "aid_fund_paid_in"


def after(name: str) -> Document:
    """A window that opens when something has happened to the agreement."""
    return {"clock": {"occurrence": name, "begins": "next_step", "offset_months": 3}, "length_months": 3}


def by_month(document: Document) -> Document:
    """The clause computed month by month, its example too."""
    document["when"]["step"] = "month"
    document["examples"][0]["figures"][0]["span"] = "2024-01"
    return document


SHAPES: dict[str, tuple[Document, ...]] = {
    "plain": (clause(),),
    "retention and routing": (
        clause(
            measures=("vat", "cit"),
            shares=THREE_WAYS,
            whose=LISTED,
            how_much={"retention": TIERS},
            then=HALF_TO_FUND,
        ),
    ),
    "cap, window and extension": (clause(whose=LISTED, when={"window": WINDOW}, within={"caps": [CAP]}),),
    "a yearly cap of all enterprises with one controller": (
        clause(whose=LISTED, shares=THREE_WAYS, within={"caps": [CAP_OF_GROUP]}),
    ),
    "surplus by month": (by_month(clause(whose=LISTED, how_much={"surplus": SURPLUS})),),
    "two books": (
        clause(
            mechanism="output_value",
            measures=("industrial_output",),
            shares={"origin": "1", "host": "1"},
            whose=LISTED,
            to_whom={"regime": "full_to_each"},
        ),
    ),
    "by clause, accruing": (
        clause(whose=LISTED, rounding={"grain": "clause"}, then={"provisional": "accrue"}, shares=THREE_WAYS),
    ),
    "by line and by period": (
        clause(1, shares=THREE_WAYS, whose=LISTED, rounding={"grain": "line", "mode": "half_even"}),
        clause(2, measures=("vat",), whose=LISTED, rounding={"grain": "period", "mode": "up"}),
    ),
    "two reporters of one measure": (
        clause(1, reported_by="host", whose=LISTED, shares=THREE_WAYS),
        clause(2, reported_by="origin", shares={"origin": "1/7", "host": "6/7"}),
    ),
    "eligibility": (clause(whose={**LISTED, "eligibility": ELIGIBILITY}),),
    "rates and eligibility by attribute": (
        clause(1, whose=LISTED, how_much={"rates": RATES}, shares=THREE_WAYS),
        clause(2, whose={**LISTED, "eligibility": {"attributes": {"tier": ["A", "B"]}}}),
    ),
    "two occurrences, one of which has happened": (
        clause(1, when={"window": after("aid_fund_paid_in")}),
        clause(2, whose=LISTED, when={"window": after("land_handed_over")}),
    ),
}


@dataclass
class Park:
    """An agreement, what it counts, and who is on its list."""

    room: Room
    clauses: list[Clause]
    listed: list[ListEntry]

    def hand_in(self, quarter: Quarter, seed: object) -> None:
        """A return of made-up figures for each role that reports."""
        chance = random.Random(f"{self.room.code} {quarter} {seed}")  # noqa: S311  figures, not secrets
        for role in sorted({one.what.reported_by for one in self.clauses}):
            mine = [one for one in self.clauses if one.what.reported_by == role]
            self.room.hand_in_lines(str(quarter), self._lines(mine, quarter, chance), role=role)

    def _lines(self, mine: list[Clause], quarter: Quarter, chance: random.Random) -> list[LineDraft]:
        monthly = {
            name for one in mine if one.when.step == "month" for name in one.what.measures + one.what.deduct
        }
        months = [f"{quarter.year}-{quarter.start.month + offset:02}" for offset in range(3)]
        lines = []
        for one in mine:
            by_enterprise = one.whose.scope is Scope.LISTED_ENTERPRISES
            codes = [entry.credit_code for entry in self.listed] if by_enterprise else [None]
            for name in (*one.what.measures, *one.what.deduct):
                scale = MEASURE_BY_NAME[name].commodity.scale
                for code in codes:
                    for span in months if name in monthly else [str(quarter), *months[:1]]:
                        if chance.random() < 0.7:
                            amount = format_amount(chance.randint(-2_000, 90_000), scale)
                            lines.append(LineDraft(code, name, span, amount, "凭证"))
        return list({(line.credit_code, line.measure, line.span): line for line in lines}.values())


def park(database: Database, code: str, *documents: Document) -> Park:
    """An agreement with three enterprises on its list where a clause asks for them."""
    roles = {role for one in documents for role in Clause.model_validate(one, strict=False).roles}
    named = [role for role in ROLES if role in roles | {"origin", "host"}]
    room = open_room(database, *documents, roles=tuple(named), starts=str(FIRST), code=code)
    compiled = [Clause.model_validate(one, strict=False) for one in documents]
    listed: list[ListEntry] = []
    if any(one.whose.scope is Scope.LISTED_ENTERPRISES for one in compiled):
        chance = random.Random(code)  # noqa: S311  attributes, not secrets
        listed = [an_enterprise(place, chance) for place in range(3)]
        room.confirm_list(*listed)
    if HAPPENED in str(documents):
        room.happens(HAPPENED, date(2024, 6, 1))
    return Park(room, compiled, listed)


def an_enterprise(place: int, chance: random.Random) -> ListEntry:
    events = {
        event: date(2024, chance.randint(1, 12), chance.choice([1, 15]))
        for event in (Event.REGISTRATION, Event.FIRST_TAX)
        if chance.random() < 0.9
    }
    return enterprise(
        chance.randint(1, 9_999_999) if place else 1,
        events=events,
        pre_move_tax_minor={2022: chance.randint(0, 400), 2023: chance.randint(0, 90_000)},
        cause_of_move=chance.choice([None, CauseOfMove.GOVERNMENT_LED]),
        referred_by=chance.choice([None, "origin"]),
        base_year_amount_minor=chance.choice([None, chance.randint(0, 300_000)]),
        attributes={
            name: chance.choice(values)
            for name, values in {"industry": ["研发", "制造", "其他"], "tier": ["A", "B", "C"]}.items()
            if chance.random() < 0.8
        },
        controller=chance.choice([None, "甲集团", "甲集团"]),
    )


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with opened(database_url) as found:
        yield found


@pytest.fixture
def parks(database: Database) -> list[Park]:
    return [
        park(database, f"P-{number}", *documents) for number, documents in enumerate(SHAPES.values(), start=1)
    ]


def run(database: Database, quarter: Quarter, key: str = "run") -> NationalRun:
    return national.compute_quarter(database, Act(f"{key} {quarter}"), quarter).value


# --- the same rows ----------------------------------------------------------------------------------------


@contextmanager
def copied(server_url: str, template: str) -> Iterator[str]:
    """The address of a copy of a database, with the same ids; it is gone afterwards."""
    name = f"{template}_{secrets.token_hex(3)}"
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(make)
        address, question_mark, options = server_url.partition("?")
        try:
            yield f"{address.rpartition('/')[0]}/{name}{question_mark}{options}"
        finally:
            connection.execute(drop)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def twin(database: Database, url: str) -> Iterator[Database]:
    """A copy of the database, so that both ways can go on from one state."""
    database.dispose()
    address, question_mark, options = url.partition("?")
    start, _, name = address.rpartition("/")
    maintenance = f"{start}/postgres{question_mark}{options}"
    with copied(maintenance, name) as other_url, opened(other_url) as other:
        yield other


CARRIED = """
    SELECT clause, subject_id, state FROM carried
    WHERE agreement_id = :agreement AND settlement_id = :settlement ORDER BY 1, 2
"""
CAUSES = """
    SELECT cause, kind, quarter, reference FROM settlement_cause
    WHERE agreement_id = :agreement AND settlement_id = :settlement ORDER BY 1
"""
EVENT = """
    SELECT convert_from(canonical, 'UTF8')::jsonb -> 'data' FROM event JOIN settlement USING (event_id)
    WHERE settlement_id = :settlement
"""


def rows_of(database: Database, agreement_id: int, settlement_id: int) -> dict[str, Any]:
    """Everything that a settlement consists of, without the ids that were made for it."""
    named = {"agreement": agreement_id, "settlement": settlement_id}
    with database.reading() as connection:
        head = desk_settlements.settlement(connection, agreement_id, settlement_id)
        event = connection.execute(text(EVENT), named).scalar_one()
        return {
            "allocations": desk_settlements.all_allocations(connection, agreement_id, settlement_id),
            "entries": [
                (
                    one.entry,
                    one.cause,
                    one.clause,
                    one.quarter,
                    [
                        (replace(posting.account, account_id=0), posting.amount_minor)
                        for posting in one.postings
                    ],
                )
                for one in desk_settlements.entries(connection, agreement_id, settlement_id)
            ],
            "carried": [tuple(row) for row in connection.execute(text(CARRIED), named)],
            "causes": [tuple(row) for row in connection.execute(text(CAUSES), named)],
            "head": (head.is_final, head.allocation_count, head.allocations_hash, head.inputs, head.causes),
            "event": {name: value for name, value in event.items() if name != "settlement"},
        }


def assert_same(database: Database, url: str, parks: list[Park], quarter: Quarter) -> NationalRun:
    """Computes the quarter one by one on a copy and in bulk here: the rows are the same."""
    with twin(database, url) as other:
        single = {
            one.room.agreement_id: desk_settlements.compute(
                other, Act(f"single {one.room.code} {quarter}"), one.room.agreement_id, quarter
            ).value
            for one in parks
        }
        bulk = run(database, quarter)
        assert bulk.computed.keys() == single.keys()
        for agreement_id, settlement_id in single.items():
            expected = rows_of(other, agreement_id, settlement_id)
            assert rows_of(database, agreement_id, bulk.computed[agreement_id]) == expected
    return bulk


def test_three_quarters_in_bulk_have_the_rows_of_settling_one_by_one(
    database: Database, database_url: str, parks: list[Park]
) -> None:
    for quarter in (FIRST, SECOND, THIRD):
        for one in parks:
            one.hand_in(quarter, "figures")
        bulk = assert_same(database, database_url, parks, quarter)
        assert bulk.counts.allocations > 20
        closed = national.close_quarter(database, Act(f"close {quarter}"), bulk)
        assert [one.failure for one in closed] == [None] * len(parks)


def test_what_was_settled_in_bulk_is_what_the_events_say(database: Database, parks: list[Park]) -> None:
    for quarter in (FIRST, SECOND):
        for one in parks:
            one.hand_in(quarter, "figures")
        national.close_quarter(database, Act(f"close {quarter}"), run(database, quarter))
    with database.reading() as connection:
        results = list(fsck.run(connection))
    assert [found for result in results for found in result.mismatches] == []


PROPORTIONAL = ({"origin": "1/2", "host": "1/2"}, {"origin": "1/3", "host": "1/2", "third": "1/6"})
RECEIPTS = {"measured_on": "receipts", "capped": "origin", "excess_to": "host"}
POOL = {"measured_on": "pool", "excess_to": "host"}


@st.composite
def clause_documents(draw: st.DrawFn) -> Document:
    """A clause of any mixture of the choices that carry something from quarter to quarter."""
    parts: Document = {
        "shares": draw(st.sampled_from(PROPORTIONAL)),
        "measures": draw(st.sampled_from([("retained_tax",), ("vat", "cit")])),
        "rounding": {
            "grain": draw(st.sampled_from(["subject", "period", "clause"])),
            "mode": draw(st.sampled_from(["down", "up", "half_up", "half_even"])),
        },
        "then": {
            "provisional": draw(st.sampled_from(["cash", "accrue"])),
            "routing": draw(st.sampled_from([None, {"to": "fund", "part": "1/3"}])),
        },
        "whose": draw(st.sampled_from([{"scope": "whole_park"}, LISTED])),
    }
    is_listed = parts["whose"] == LISTED
    if draw(st.booleans()):
        limit: Document = {"amount": draw(st.sampled_from(["100.00", "600.00"]))}
        if is_listed and draw(st.booleans()):
            limit = {"pre_move_tax_total": True}
        cap = limit | {"over": "lifetime"} | draw(st.sampled_from([RECEIPTS, POOL]))
        parts["within"] = {"caps": [cap]}
        event = {"event": "registration"} if is_listed else {"day": "2024-08-01"}
        on_correction = draw(st.sampled_from(["hold", "reopen"]))
        extension = EXTENSION | {"on_correction": on_correction}
        clock = {**event, "begins": draw(st.sampled_from(["step_of_day", "next_step"]))}
        parts["when"] = {"window": {"clock": clock, "length_months": 3, "extension": extension}}
    if draw(st.booleans()):
        base = {"base_of_enterprise": True} if is_listed else {"base": "250.00"}
        parts["how_much"] = {
            "surplus": {
                **base,
                "within_year": draw(st.sampled_from(["year_to_date", "pro_rata", "final_only"])),
                "loss": draw(st.sampled_from(["forgotten", "carried"])),
            }
        }
    document = clause(**parts)
    return by_month(document) if draw(st.booleans()) else document


@settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    # The example's agreements are settled before the next one begins, and its quarter stays closed to it.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(documents=st.lists(clause_documents(), min_size=8, max_size=8))
def test_any_mixture_of_choices_gives_the_same_rows_both_ways(
    server_url: str, template_database: str, documents: list[Document]
) -> None:
    with copied(server_url, template_database) as url, opened(url) as database:
        parks = [park(database, f"M-{number}", document) for number, document in enumerate(documents)]
        for quarter in (FIRST, SECOND):
            for one in parks:
                one.hand_in(quarter, "figures")
            bulk = assert_same(database, url, parks, quarter)
            closed = national.close_quarter(database, Act(f"close {quarter}"), bulk)
            assert [one.failure for one in closed] == [None] * len(parks)


# --- who goes which way -----------------------------------------------------------------------------------


@pytest.fixture
def few(database: Database) -> list[Park]:
    """Four agreements whose first quarter is settled in bulk and closed."""
    names = ("plain", "cap, window and extension", "two reporters of one measure", "retention and routing")
    found = [park(database, f"F-{place}", *SHAPES[name]) for place, name in enumerate(names)]
    for one in found:
        one.hand_in(FIRST, "figures")
    national.close_quarter(database, Act("close"), run(database, FIRST))
    return found


def ids(parks: list[Park]) -> list[int]:
    return [one.room.agreement_id for one in parks]


def test_what_changes_a_closed_quarter_is_settled_one_by_one_and_listed(
    database: Database, few: list[Park]
) -> None:
    corrected, relisted, amended, plain = few[0], few[1], few[2], few[3]
    corrected.hand_in(FIRST, "a correction")
    relisted.room.confirm_list(*relisted.listed[:2])
    amended.room.amend(*SHAPES["two reporters of one measure"], clause(3), starts=str(FIRST))
    for one in few:
        one.hand_in(SECOND, "figures")
    found = run(database, SECOND)
    assert [(one.agreement_id, one.reasons, one.failure) for one in found.one_by_one] == [
        (corrected.room.agreement_id, ("correction",), None),
        (relisted.room.agreement_id, ("enterprise_list",), None),
        (amended.room.agreement_id, ("amendment",), None),
    ]
    assert list(found.computed) == [plain.room.agreement_id]
    assert sorted(found.settlements) == sorted(ids(few))


def test_windows_that_keep_their_terms_are_settled_one_by_one(database: Database, few: list[Park]) -> None:
    amended = few[1]
    documents = [json.loads(json.dumps(one)) for one in SHAPES["cap, window and extension"]]
    documents[0]["when"]["window"]["length_months"] = 6
    amended.room.amend(*documents, starts=str(SECOND), transition="open_windows_keep_terms")
    for one in few:
        one.hand_in(SECOND, "figures")
    found = run(database, SECOND)
    assert [(one.agreement_id, one.reasons, one.failure) for one in found.one_by_one] == [
        (amended.room.agreement_id, ("open_windows",), None)
    ]
    assert sorted(found.settlements) == sorted(ids(few))


def test_an_occurrence_that_is_confirmed_after_a_close_is_settled_one_by_one(
    database: Database, few: list[Park]
) -> None:
    few[0].room.happens(HAPPENED, date(2024, 8, 1))
    for one in few:
        one.hand_in(SECOND, "figures")
    found = run(database, SECOND)
    assert [(one.agreement_id, one.reasons, one.failure) for one in found.one_by_one] == [
        (few[0].room.agreement_id, ("occurrence",), None)
    ]
    for one in few:
        one.room.close(str(SECOND), found.settlements[one.room.agreement_id])
        one.hand_in(THIRD, "figures")
    assert run(database, THIRD).one_by_one == []


def test_an_amendment_from_the_open_quarter_on_is_computed_in_bulk_with_the_same_rows(
    database: Database, database_url: str, few: list[Park]
) -> None:
    for one in few:
        shares = {"origin": "1/7", "host": "3/7", "third": "3/7"}
        documents = [amended_to(document, shares) for document in SHAPES[shape_of(one)]]
        roles = set(one.room.roles)
        if {"third"} <= roles:
            one.room.amend(*documents, starts=str(SECOND))
        one.hand_in(SECOND, "figures")
    assert_same(database, database_url, few, SECOND)


def shape_of(one: Park) -> str:
    names = ("plain", "cap, window and extension", "two reporters of one measure", "retention and routing")
    return names[int(one.room.code.removeprefix("F-"))]


def amended_to(document: Document, shares: dict[str, str]) -> Document:
    key = document["to_whom"]["key"][0]["shares"]
    changed = shares if "third" in key else key
    return {**document, "to_whom": {**document["to_whom"], "key": [{"shares": changed}]}}


def test_an_agreement_with_a_missing_return_is_listed_with_what_is_missing(
    database: Database, few: list[Park]
) -> None:
    few[0].hand_in(SECOND, "figures")
    few[2].room.hand_in(str(SECOND), role="host")
    found = run(database, SECOND)
    assert list(found.computed) == [few[0].room.agreement_id]
    assert found.missing == [
        ReturnMissing(few[1].room.agreement_id, "host"),
        ReturnMissing(few[2].room.agreement_id, "origin"),
        ReturnMissing(few[3].room.agreement_id, "host"),
    ]


def test_an_agreement_with_a_clause_that_arrays_cannot_compute_is_listed_and_not_settled(
    database: Database, few: list[Park], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "DENOMINATOR_LIMIT", 2)
    for one in few:
        one.hand_in(SECOND, "figures")
    found = run(database, SECOND)
    two_clauses = ids(few[2:3]) * 2
    assert [one.agreement_id for one in found.refused] == [*two_clauses, *ids(few[3:])]
    assert list(found.computed) == ids(few[:2])
    assert found.one_by_one == []


# --- once, whole or not at all ----------------------------------------------------------------------------


WRITTEN = ("settlement", "settlement_cause", "allocation", "posting", "carried", "journal_entry", "event")


def row_counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in WRITTEN
        }


def test_the_same_key_again_is_a_replay_and_another_key_finds_everything_done(
    database: Database, few: list[Park]
) -> None:
    for one in few:
        one.hand_in(SECOND, "figures")
    first = national.compute_quarter(database, Act("key"), SECOND)
    before = row_counts(database)
    again = national.compute_quarter(database, Act("key"), SECOND)
    other = national.compute_quarter(database, Act("another key"), SECOND)
    assert (first.replayed, again.replayed, other.replayed) == (False, True, False)
    assert again.value == first.value
    assert (other.value.computed, other.value.unchanged) == ({}, first.value.computed)
    assert row_counts(database) == before


def test_a_failed_run_leaves_nothing_and_the_next_one_succeeds(
    database: Database, few: list[Park], monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in few:
        one.hand_in(SECOND, "figures")
    before = row_counts(database)

    def fail(*_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as broken:
        broken.setattr(national_booking, "attach_quarter", fail)
        with pytest.raises(RuntimeError):
            run(database, SECOND)
    assert row_counts(database) == before
    with database.reading() as connection:
        stages = connection.execute(text("SELECT relname FROM pg_class WHERE relname LIKE '%\\_stage'"))
        assert stages.all() == []
    assert sorted(run(database, SECOND).computed) == sorted(ids(few))


def test_settlements_computed_before_are_kept_and_the_rest_is_appended(
    database: Database, few: list[Park]
) -> None:
    for one in few:
        one.hand_in(SECOND, "figures")
    single = few[0].room.compute(str(SECOND))
    found = run(database, SECOND)
    assert found.unchanged == {few[0].room.agreement_id: single}
    closed = national.close_quarter(database, Act("close the second"), found)
    assert [one.failure for one in closed] == [None] * len(few)


# --- while others work ------------------------------------------------------------------------------------


def during(database: Database, stage: Stage, work: Callable[[], object]) -> NationalRun:
    """The run of the second quarter, with ``work`` done by somebody else once ``stage`` is done."""
    waiting = [work]

    def report(progress: Progress) -> None:
        if progress.stage is stage and waiting:
            with ThreadPoolExecutor(1) as somebody:
                somebody.submit(waiting.pop()).result()

    return national.compute_quarter(database, Act("while others work"), SECOND, report).value


def test_a_return_handed_in_while_the_run_computes_makes_that_settlement_stale(
    database: Database, few: list[Park]
) -> None:
    for one in few:
        one.hand_in(SECOND, "figures")
    found = during(database, Stage.READING, lambda: few[1].hand_in(SECOND, "later figures"))
    closed = national.close_quarter(database, Act("close the second"), found)
    assert {one.agreement_id for one in closed if one.failure == "SETTLEMENT_STALE"} == {
        few[1].room.agreement_id
    }
    assert few[1].room.close(str(SECOND), few[1].room.compute(str(SECOND)))


def test_an_agreement_closed_while_the_run_computes_is_left_alone(
    database: Database, few: list[Park]
) -> None:
    for one in few:
        one.hand_in(SECOND, "figures")

    def close() -> None:
        few[0].room.close(str(SECOND), few[0].room.compute(str(SECOND)))

    found = during(database, Stage.COMPUTING, close)
    assert list(found.computed) == ids(few[1:])


def test_an_agreement_settled_alone_while_the_run_computes_keeps_that_settlement(
    database: Database, few: list[Park]
) -> None:
    for one in few:
        one.hand_in(SECOND, "figures")
    found = during(database, Stage.COMPUTING, lambda: few[0].room.compute(str(SECOND)))
    assert list(found.computed) == ids(few[1:])
    assert list(found.unchanged) == ids(few[:1])
