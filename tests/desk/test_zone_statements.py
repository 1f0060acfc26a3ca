"""A party's quarter: sums by agreement and by counterparty that are the ledger's, and what isn't closed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from desk_fixtures import Room, clause, open_room
from python_calamine import CalamineWorkbook

from ledger.desk import statements
from ledger.desk.agreements import AgreementDraft, SideDraft, draft_agreement
from ledger.desk.failures import NotFound
from ledger.desk.history import balances
from ledger.desk.statements import ZoneStatement
from ledger.periods import Quarter
from ledger_schema.sessions import Database

TO_FUND = clause(then={"routing": {"to": "fund", "part": "1/2"}})
HEAD = 3


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def first(database: Database) -> Room:
    """100.00 closed at halves, half of it to a third party's fund."""
    room = open_room(database, TO_FUND, roles=("origin", "host", "fund"))
    room.settle("2024Q1", "100.00")
    return room


def another(room: Room, code: str) -> Room:
    """Another agreement of the origin and the host, in force."""
    other = Room(
        room.database,
        code=code,
        roles={role: room.roles[role] for role in ("origin", "host")},
        keys=room.keys,
    )
    sides = [SideDraft(role, party, True) for role, party in other.roles.items()]
    terms = other.terms((clause(),), "2024Q1")
    draft = AgreementDraft(code, "enclave", "另一协议", "Another", "made up", "all of it", sides, terms)
    other.agreement_id = draft_agreement(room.database, other.act(), draft).value
    other.bring_into_force(1)
    return other


def zone_statement(room: Room, role: str, quarter: str = "2024Q1") -> ZoneStatement:
    with room.database.reading() as connection:
        return statements.zone_statement(connection, room.party_id(role), Quarter.parse(quarter))


def rows_of(shown: ZoneStatement, sheet: str) -> list[list[Any]]:
    content = statements.zone_file(shown, "xlsx", "zh")
    read = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(sheet)
    return read.to_python(skip_empty_area=False)[HEAD + 1 :]


def test_a_partys_lines_add_up_to_its_balances_and_hold_nobody_elses(first: Room) -> None:
    for role in first.roles:
        shown = zone_statement(first, role)
        with first.database.reading() as connection:
            held = balances(connection, party_id=first.party_id(role), through=Quarter(2024, 1))
        assert sorted((line.kind, line.amount_minor) for line in shown.lines) == sorted(
            (one.kind, one.amount_minor) for one in held
        )
        assert shown.lines


def test_two_agreements_are_summed_by_agreement_and_by_counterparty(first: Room) -> None:
    another(first, "A-2").settle("2024Q1", "30.00")
    shown = zone_statement(first, "host")
    by_agreement = {row[0]: row[4] for row in rows_of(shown, "按协议 现金账")}
    assert by_agreement == {"A-1": 25.0, "A-2": 15.0}
    by_counterparty = {row[0]: (row[1], row[4]) for row in rows_of(shown, "按对方 现金账")}
    assert by_counterparty == {"甲区": (2, 40.0), "园区基金": (1, 25.0)}
    assert "不可相加" in statements.zone_file(shown, "text", "zh").decode()


def test_a_true_up_stands_under_the_quarter_that_it_is_about(first: Room) -> None:
    first.hand_in("2024Q1", "120.00")
    first.settle("2024Q2", "10.00")
    lines = [(str(line.quarter), line.amount_minor) for line in zone_statement(first, "host", "2024Q2").lines]
    assert sorted(lines) == [("2024Q1", 500), ("2024Q2", 250)]


def test_an_agreement_that_is_behind_is_listed_as_not_closed_and_has_no_amounts(first: Room) -> None:
    shown = zone_statement(first, "host", "2024Q3")
    assert [(one.code, one.identifier, one.closed_at) for one in shown.agreements] == [("A-1", None, None)]
    assert shown.lines == []
    assert "未结：1 项协议" in statements.zone_file(shown, "csv", "zh").decode()
    assert "NOT CLOSED: 1 agreement" in statements.zone_file(shown, "csv", "en").decode()


def test_before_the_agreement_a_partys_quarter_is_empty(first: Room) -> None:
    shown = zone_statement(first, "host", "2023Q4")
    assert (list(shown.agreements), list(shown.lines)) == ([], [])


def test_an_unknown_party_has_no_statement(database: Database) -> None:
    with database.reading() as connection, pytest.raises(NotFound):
        statements.zone_statement(connection, 1, Quarter(2024, 1))
