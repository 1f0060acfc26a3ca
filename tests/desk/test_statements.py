"""Statements: everything a settlement says, and the same in each form."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime

import pytest
from desk_fixtures import Room, clause, enterprise, open_room, text
from sqlalchemy import func, select

from ledger.desk import statements
from ledger.desk.failures import NotFound
from ledger.desk.returns import LineDraft
from ledger.desk.settlements import Allocation
from ledger.desk.statements import Statement
from ledger.periods import BEIJING, Quarter
from ledger.rules.terms import Event
from ledger_schema.sessions import Database

TO_FUND = {"routing": {"to": "fund", "part": "1/2"}}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    return open_room(database, clause(then=TO_FUND), roles=("origin", "host", "fund"))


def test_a_statement_shows_the_figures_the_shares_and_what_every_party_is_due(room: Room) -> None:
    filing = room.hand_in("2024Q1", "100.01")
    room.close("2024Q1", room.compute("2024Q1"))
    shown = statement_of(room, "2024Q1")
    [one] = shown.clauses
    [line] = one.base_lines
    assert (line.amount_minor, line.previous_minor, line.document) == (10001, None, "凭证-1")
    assert line.filing_id == filing.filing_id
    assert one.remainder_party_id == room.party_id("host")
    assert [(each.amount_minor, each.routed_minor) for each in by_role(room, shown)] == [
        (5000, 2500),
        (5001, 2500),
    ]
    assert totals_of(room, shown) == {
        ("due", "origin"): "25.00",
        ("due", "host"): "25.01",
        ("fund", "fund"): "50.00",
    }


def test_a_correction_shows_only_what_changed_with_what_it_was_before(room: Room) -> None:
    room.hand_in_figures(
        "2024Q1", {("retained_tax", "2024-01"): "10.00", ("retained_tax", "2024-02"): "20.00"}
    )
    room.close("2024Q1", room.compute("2024Q1"))
    room.hand_in_figures(
        "2024Q1", {("retained_tax", "2024-01"): "10.00", ("retained_tax", "2024-03"): "25.00"}
    )
    room.settle("2024Q2", "1.00")
    [one] = statement_of(room, "2024Q2").clauses
    assert [
        (line.cause, str(line.span), line.previous_minor, line.amount_minor) for line in one.base_lines
    ] == [
        (1, "2024-02", 2000, 0),
        (1, "2024-03", 0, 2500),
        (2, "2024Q2", None, 100),
    ]


def test_a_true_up_is_named_by_the_quarter_that_it_corrects(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    room.hand_in("2024Q1", "120.00")
    room.settle("2024Q2", "10.00")
    shown = statement_of(room, "2024Q2")
    assert "更正2024年第一季度申报（乙区）" in statements.render_statement(shown, "zh")
    assert "Correction of the return for 2024Q1 (Zone B)" in statements.render_statement(shown, "en")


def test_the_text_names_quarter_state_books_and_both_units(room: Room) -> None:
    room.settle("2024Q1", "1234567.89")
    chinese = statements.render_statement(statement_of(room, "2024Q1"), "zh")
    english = statements.render_statement(statement_of(room, "2024Q1"), "en", unit="yuan")
    for words in (
        "2024年第一季度",
        "状态：预结，",
        "【现金账】",
        "万元",
        "61.728394",
        "308,641.97 元",
        "尾差归：乙区",
    ):
        assert words in chinese
    for words in ("Quarter: 2024Q1", "provisional", "[cash book]", "617,283.94", "Odd units go to: Zone B"):
        assert words in english


def test_yuan_are_shown_without_a_column_of_ten_thousands(room: Room) -> None:
    room.settle("2024Q1", "1234567.89")
    shown = statement_of(room, "2024Q1")
    english = statements.render_statement(shown, "en", unit="yuan")
    assert statements.render_statement(shown, "en") == english
    assert "万" not in english
    assert "10,000 yuan" not in english
    assert "308,641.97 yuan" in english


def test_ten_thousands_stand_under_their_heading_with_the_exact_amount_beside(room: Room) -> None:
    room.settle("2024Q1", "1234567.89")
    shown = statement_of(room, "2024Q1")
    assert statements.render_statement(shown, "zh") == statements.render_statement(shown, "zh", unit="wan")
    english = statements.render_statement(shown, "en", unit="wan").splitlines()
    totals = english[english.index("Totals by party") :]
    assert "amount, 万元 (10,000 yuan)" in totals[2]
    assert any("30.864197" in line and line.endswith("308,641.97 yuan") for line in totals)
    assert not any(line.endswith("10,000 yuan") for line in totals)


def test_a_return_is_named_by_its_sequence_and_day_and_by_its_id_in_files(room: Room) -> None:
    room.hand_in("2024Q1", "100.00")
    filing = room.hand_in("2024Q1", "120.00")
    room.close("2024Q1", room.compute("2024Q1"))
    shown = statement_of(room, "2024Q1")
    day = f"{filing.recorded_at.astimezone(BEIJING):%Y-%m-%d}"
    assert f"第2次申报（{day}）" in statements.render_statement(shown, "zh")
    assert f"return no. 2 ({day})" in statements.render_statement(shown, "en")
    assert str(filing.filing_id) not in statements.render_statement(shown, "en")
    assert str(filing.filing_id) in statements.statement_csv(shown, "zh").decode()
    assert str(filing.filing_id) in statements.statement_json(shown).decode()


def test_parties_stand_in_one_order_in_a_statement(room: Room) -> None:
    room.settle("2024Q1", "100.01")
    shown = statement_of(room, "2024Q1")
    roles = {room.party_id(role): role for role in room.roles}
    assert [roles[party_id] for party_id in shown.parties] == sorted(room.roles)
    assert [roles[total.party_id] for total in shown.totals] == ["fund", "host", "origin"]
    lines = statements.render_statement(shown, "en").splitlines()
    shares = [line for line in lines if "whole park" in line and "tax" not in line]
    assert ["Zone B" in line for line in shares] == [True, False]


def test_a_statement_that_is_not_there_is_named_with_its_agreement(room: Room) -> None:
    with room.database.reading() as connection, pytest.raises(NotFound) as refusal:
        statements.statement(connection, room.agreement_id, Quarter(2024, 1))
    assert "no statement of 2024Q1 of the agreement A-1" in refusal.value.message_en
    assert "合作协议 A-1 没有 2024Q1 的结算单" in refusal.value.message_zh


def test_every_heading_of_the_assessment_book_says_that_it_is_not_for_publication(database: Database) -> None:
    room = open_room(database, clause(mechanism="output_value", measures=("industrial_output",)))
    room.settle("2024Q1", "9000.00", measure="industrial_output")
    shown = statement_of(room, "2024Q1")
    chinese, english = (statements.render_statement(shown, language) for language in ("zh", "en"))
    headings = [line for line in chinese.splitlines() if "【考核账】" in line]
    assert len(headings) == 2
    assert all("仅供考核，不得对外公布" in line for line in headings)
    assert all(
        "for assessment only, not for publication" in line
        for line in english.splitlines()
        if "[assessment book]" in line
    )
    table = statements.statement_csv(shown, "zh").decode("utf-8-sig")
    assert "【考核账】（仅供考核，不得对外公布）" in table


def test_an_accruing_quarter_says_that_it_is_provisional(database: Database) -> None:
    room = open_room(database, clause(then={"provisional": "accrue"}))
    room.settle("2024Q1", "10.00")
    shown = statement_of(room, "2024Q1")
    assert totals_of(room, shown) == {("accrued", "origin"): "5.00", ("accrued", "host"): "5.00"}
    assert "应计额待年末季度结清" in statements.render_statement(shown, "zh")


def test_enterprises_appear_by_name_and_those_outside_the_list_not_at_all(database: Database) -> None:
    room = open_room(database, clause(1, whose={"scope": "listed_enterprises"}))
    listed = enterprise(1, events={Event.FIRST_TAX: date(2024, 1, 1)})
    room.confirm_list(listed)
    room.hand_in_lines("2024Q1", [LineDraft(listed.credit_code, "retained_tax", "2024Q1", "10.00", "凭证")])
    room.close("2024Q1", room.compute("2024Q1"))
    shown = statement_of(room, "2024Q1")
    assert list(shown.subjects.values()) == ["企业1"]
    assert "企业1" in statements.render_statement(shown, "zh")


def test_the_table_for_spreadsheets_is_marked_as_utf8_and_holds_no_formula(room: Room) -> None:
    line = LineDraft(None, "retained_tax", "2024Q1", "-10.00", "=HYPERLINK(A1)")
    room.hand_in_lines("2024Q1", [line])
    room.close("2024Q1", room.compute("2024Q1"))
    content = statements.statement_csv(statement_of(room, "2024Q1"), "en")
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    [figure] = [row for row in rows if row["row"] == "figure"]
    assert figure["document"] == "'=HYPERLINK(A1)"
    assert figure["amount"] == "-10.00"
    shares = [row["amount"] for row in rows if row["row"] == "share"]
    assert sorted(shares) == ["-5.00", "-5.00"]


def test_the_json_form_holds_the_same_amounts_as_text(room: Room) -> None:
    settlement_id = room.settle("2024Q1", "100.01")
    shown = statement_of(room, "2024Q1")
    stored = json.loads(statements.statement_json(shown))
    assert stored["settlement"] == str(settlement_id)
    assert stored["identifier"] == shown.identifier
    assert shown.identifier.startswith(f"{settlement_id}-")
    assert [one["amount"] for one in stored["clauses"][0]["base_lines"]] == ["100.01"]
    assert sorted(one["amount"] for one in stored["totals"]) == ["25.00", "25.01", "50.00"]


def test_a_statement_exists_from_the_moment_its_quarter_closed(room: Room) -> None:
    before = statement_moment(room)
    room.hand_in("2024Q1", "1.00")
    computed = room.compute("2024Q1")
    with room.database.reading() as connection:
        draft = statements.settlement_statement(connection, room.agreement_id, computed)
        with pytest.raises(NotFound):
            statements.statement(connection, room.agreement_id, Quarter(2024, 1))
    assert "未关账" in statements.render_statement(draft, "zh")
    room.close("2024Q1", computed)
    with room.database.reading() as connection:
        closed = statements.statement(connection, room.agreement_id, Quarter(2024, 1))
        with pytest.raises(NotFound):
            statements.statement(connection, room.agreement_id, Quarter(2024, 1), known_at=before)
    assert closed.closed_at is not None
    assert closed.identifier == draft.identifier


def test_a_statement_stays_the_same_after_later_corrections(room: Room) -> None:
    room.settle("2024Q1", "100.00")
    first = statement_of(room, "2024Q1")
    room.hand_in("2024Q1", "120.00")
    room.settle("2024Q2", "10.00")
    assert statement_of(room, "2024Q1") == first


def statement_of(room: Room, quarter: str) -> Statement:
    with room.database.reading() as connection:
        return statements.statement(connection, room.agreement_id, Quarter.parse(quarter))


def by_role(room: Room, shown: Statement) -> list[Allocation]:
    """The allocations of the first clause, the origin's first."""
    return sorted(shown.clauses[0].allocations, key=lambda one: one.party_id != room.party_id("origin"))


def totals_of(room: Room, shown: Statement) -> dict[tuple[str, str], str]:
    roles = {room.party_id(role): role for role in room.roles}
    return {(one.kind, roles[one.party_id]): text(one.amount_minor) for one in shown.totals}


def statement_moment(room: Room) -> datetime:
    with room.database.reading() as connection:
        moment = connection.execute(select(func.clock_timestamp())).scalar_one()
    assert isinstance(moment, datetime)
    return moment
