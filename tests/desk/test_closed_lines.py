"""Enterprise lines are closed to the partner: it sees the same sums, and nothing of one enterprise."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from desk_fixtures import Room, clause, enterprise, open_room
from sqlalchemy.exc import DBAPIError

from ledger.desk import (
    documents,
    enterprises,
    history,
    pairings,
    returns,
    settlements,
    simulation,
    statements,
)
from ledger.desk.documents import Subject
from ledger.desk.failures import NotFound
from ledger.desk.history.differences import figures_between
from ledger.desk.lines import open_lines, seen_lines
from ledger.desk.returns import LineDraft
from ledger.desk.settlements import explanations
from ledger.desk.statements.parts import CLOSED_LINES_REMARK
from ledger.periods import Quarter
from ledger.rules.terms import Terms
from ledger_schema.sessions import Database
from ledger_schema.sight import Sight

Q1, Q2 = Quarter(2024, 1), Quarter(2024, 2)
LISTED = clause(whose={"scope": "listed_enterprises"})
AMOUNTS = {1: "60.00", 2: "40.00"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


CAP = {
    "amount": "40.00",
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}


@pytest.fixture
def room(database: Database) -> Room:
    """The host reported two enterprises; 2024Q1 is closed, and 2024Q2 is handed in."""
    room = open_room(database, LISTED | {"within": {"caps": [CAP]}})
    room.confirm_list(*map(enterprise, AMOUNTS))
    hand_in(room, "2024Q1")
    room.close("2024Q1", room.compute("2024Q1"))
    hand_in(room, "2024Q2")
    return room


def hand_in(room: Room, quarter: str) -> None:
    lines = [
        LineDraft(enterprise(place).credit_code, "retained_tax", quarter, amount, "凭证-1")
        for place, amount in AMOUNTS.items()
    ]
    room.hand_in_lines(quarter, lines)


def seen_by(room: Room, role: str) -> Database:
    own = frozenset({room.party_id(role)})
    return room.database.seen_by(Sight(party_ids=own, own_party_ids=own))


def subject(room: Room, place: int) -> int:
    with room.database.reading() as connection:
        (listed,) = enterprises.lists(connection, room.agreement_id)
    code = enterprise(place).credit_code
    return next(entry.enterprise_id for entry in listed.entries if entry.credit_code == code)


def closed_settlement(room: Room) -> int:
    with room.database.reading() as connection:
        (settled,) = settlements.closed_settlements(connection, room.agreement_id)
    return settled.settlement_id


def statement_of(room: Room, role: str) -> statements.Statement:
    with seen_by(room, role).reading() as connection:
        return statements.statement(connection, room.agreement_id, Q1)


def test_a_partners_statement_has_the_same_totals_and_sums_in_place_of_lines(room: Room) -> None:
    owners, partners = statement_of(room, "host"), statement_of(room, "origin")
    assert partners.totals == owners.totals
    assert partners.entries == owners.entries
    assert partners.identifier == owners.identifier
    (listed,), (summed,) = owners.clauses, partners.clauses
    places = {subject(room, place) for place in AMOUNTS}
    assert {one.subject_id for one in listed.allocations} == places
    assert {one.subject_id for one in listed.base_lines} == places
    assert [one.amount_minor for one in summed.base_lines] == [10000]
    assert {one.subject_id for one in summed.base_lines} == {0}
    assert {one.subject_id for one in summed.allocations} == {0}
    assert [one.amount_minor for one in summed.allocations] == [5000, 5000]
    assert not partners.subjects
    assert CLOSED_LINES_REMARK in partners.remarks
    assert CLOSED_LINES_REMARK not in owners.remarks


def test_the_whole_parks_figures_are_nobodys_lines(database: Database) -> None:
    room = open_room(database)
    room.settle("2024Q1", "100.00")
    assert statement_of(room, "origin") == statement_of(room, "host")
    with seen_by(room, "origin").reading() as connection:
        explained = explanations.explanation(
            connection, room.agreement_id, closed_settlement(room), 1, 1, 0, Q1
        )
    assert [one.amount_minor for one in explained.allocations] == [5000, 5000]


def test_a_partners_preview_gives_sums(room: Room) -> None:
    drafts = {}
    for role in ("host", "origin"):
        with seen_by(room, role).reading() as connection:
            drafts[role] = settlements.preview(connection, room.agreement_id)
    assert {one.subject_id for one in drafts["origin"].allocations} == {0}
    assert sum(one.amount_minor for one in drafts["origin"].allocations) == 10000
    assert len(drafts["host"].allocations) == 2 * len(drafts["origin"].allocations)


def test_both_sides_see_the_same_figures_and_what_changed_them(room: Room) -> None:
    with room.database.reading() as connection:
        (settled,) = settlements.closed_settlements(connection, room.agreement_id)
        assert settled.closed_at is not None
    answers = []
    for role in ("host", "origin"):
        with seen_by(room, role).reading() as connection:
            answers.append(
                (
                    history.figure(connection, room.agreement_id, Q1),
                    figures_between(
                        connection, room.agreement_id, Q1, settled.recorded_at, settled.closed_at
                    ),
                )
            )
    assert answers[0] == answers[1]
    assert all(answers[0])


def test_a_figure_of_one_enterprise_is_seen_by_the_side_that_reported_it_alone(room: Room) -> None:
    found = {}
    for role in ("host", "origin"):
        with seen_by(room, role).reading() as connection:
            found[role] = [
                one.amount_minor
                for one in history.figure(connection, room.agreement_id, Q1, subject_id=subject(room, 1))
            ]
    assert found == {"host": [3000, 3000], "origin": []}


def test_what_rests_on_closed_lines_is_not_found_by_the_partner(room: Room) -> None:
    settlement_id, one = closed_settlement(room), subject(room, 1)
    draft = Terms.model_validate(room.terms((LISTED,), "2024Q1"), strict=False)

    def ask(role: str, question: str) -> object:
        with seen_by(room, role).reading() as connection:
            filing = returns.filings(connection, room.agreement_id)[0]
            match question:
                case "lines":
                    return returns.lines_of_filings(connection, room.agreement_id, [filing.filing_id])
                case "allocations":
                    return settlements.all_allocations(connection, room.agreement_id, settlement_id)
                case "explanation":
                    return explanations.explanation(
                        connection, room.agreement_id, settlement_id, 1, 1, one, Q1
                    )
                case _:
                    return simulation.simulate(connection, room.agreement_id, draft, Q1, Q2)

    for question in ("lines", "allocations", "explanation", "simulation"):
        assert ask("host", question)
        with pytest.raises(NotFound):
            ask("origin", question)


def test_what_a_cap_leaves_of_all_enterprises_together_is_told_to_both_sides(room: Room) -> None:
    told = []
    for role in ("host", "origin"):
        with seen_by(room, role).reading() as connection:
            told += pairings.rooms_left(connection, [room.agreement_id])[room.agreement_id]
    assert [one.subject_count for one in told] == [2, 2]
    assert [one.under_caps_minor for one in told] == [Fraction(30_00), Fraction(30_00)]


def test_pages_of_lines_hold_what_is_seen(room: Room) -> None:
    shown = {}
    for role in ("host", "origin"):
        with seen_by(room, role).reading() as connection:
            filing = returns.filings(connection, room.agreement_id)[0]
            shown[role] = len(returns.lines(connection, room.agreement_id, filing.filing_id).items)
            assert filing.line_count == 2
    assert shown == {"host": 2, "origin": 0}


@pytest.mark.parametrize("lines", ["open", "closed"])
def test_the_terms_in_force_last_say_whether_lines_are_open(room: Room, lines: str) -> None:
    room.procedure = {"lines": lines}
    room.amend(LISTED, starts="2024Q2")
    with seen_by(room, "origin").reading() as connection:
        assert seen_lines(connection, room.agreement_id).all == (lines == "open")
    assert (statement_of(room, "origin") == statement_of(room, "host")) == (lines == "open")


def test_a_document_of_a_return_is_seen_with_its_lines(room: Room) -> None:
    kept = documents.keep_document(room.database, "完税证明.pdf", "application/pdf", b"%PDF made up").value
    with room.database.reading() as connection:
        filing = returns.filings(connection, room.agreement_id)[0]
    about = Subject("return", filing.filing_id)
    documents.attach_document(
        room.database, room.act(), room.agreement_id, "host", about, "凭证-1", kept.hash
    )
    with seen_by(room, "host").reading() as connection:
        assert documents.document(connection, kept.hash) == kept
    with seen_by(room, "origin").reading() as connection, pytest.raises(NotFound):
        documents.document(connection, kept.hash)


def test_lines_are_open_only_inside_and_only_of_agreements_that_are_seen(room: Room) -> None:
    origin = seen_by(room, "origin")
    with origin.reading() as connection:
        with open_lines(connection):
            with open_lines(connection):
                pass
            assert seen_lines(connection, room.agreement_id).all
        with pytest.raises(NotFound), open_lines(connection):
            returns.filing(connection, room.agreement_id, 1)
        assert not seen_lines(connection, room.agreement_id).all
        with pytest.raises(DBAPIError), open_lines(connection):
            connection.exec_driver_sql("SELECT 1 / 0")
    stranger = room.database.seen_by(Sight(party_ids=frozenset({1})))
    with stranger.reading() as connection, open_lines(connection):
        assert not connection.exec_driver_sql("SELECT * FROM return_line").all()
