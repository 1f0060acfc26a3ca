"""Every form of an export holds exactly what the search finds: one page, or everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from desk_fixtures import Room, clause, enterprise, open_room
from python_calamine import load_workbook
from sqlalchemy import Connection

from ledger.desk import enterprises
from ledger.desk.acts import Act
from ledger.desk.history import search
from ledger.desk.history.exports import (
    COLUMNS,
    EXPORT_FORMS,
    SUBJECTS,
    Export,
    ExportForm,
    Subject,
    write_export,
)
from ledger.desk.history.search import Criteria
from ledger_schema.sessions import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    room = open_room(database)
    room.settle("2024Q1", "100.00")
    room.hand_in("2024Q1", "120.01")
    room.settle("2024Q2", "10.00")
    return room


@pytest.mark.parametrize("form", EXPORT_FORMS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_an_export_of_everything_holds_what_the_pages_hold(
    room: Room, subject: Subject, form: ExportForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.desk.history.exports.PAGE_LIMIT_MAX", 2)
    criteria = Criteria(agreement_id=room.agreement_id)
    with room.database.reading() as connection:
        rows = exported(connection, Export(subject, form, criteria))
        expected = keys_found(connection, subject, criteria)
    column = "event" if subject == "events" else "settlement"
    assert [row[column] for row in rows] == expected
    assert len(rows) > 1
    assert set(rows[0]) == set(COLUMNS[subject])


def test_an_export_of_a_page_goes_on_after_a_key_and_ends_at_its_limit(room: Room) -> None:
    criteria = Criteria(agreement_id=room.agreement_id)
    with room.database.reading() as connection:
        every = exported(connection, Export("events", "jsonl", criteria))
        after = int(every[1]["event"])
        page = exported(connection, Export("events", "jsonl", criteria, after, 3))
    assert page == every[2:5]


def test_amounts_are_exact_text_in_the_unit(room: Room) -> None:
    criteria = Criteria(agreement_id=room.agreement_id, party_id=room.party_id("host"), first=None)
    with room.database.reading() as connection:
        rows = exported(connection, Export("allocations", "csv", criteria))
    assert [(row["booked_quarter"], row["quarter"], row["amount"]) for row in rows] == [
        ("2024Q1", "2024Q1", "50.00"),
        ("2024Q2", "2024Q1", "10.01"),
        ("2024Q2", "2024Q2", "5.00"),
    ]


def test_a_name_that_a_spreadsheet_would_compute_is_kept_from_it(room: Room, database: Database) -> None:
    act = Act("formula", actor="=1+1")
    enterprises.submit_list(database, act, room.agreement_id, "origin", [enterprise(1)])
    with database.reading() as connection:
        (row,) = exported(connection, Export("events", "csv", Criteria(actor="=1+1")))
    assert row["actor"] == "'=1+1"


def exported(connection: Connection, export: Export) -> list[dict[str, str]]:
    target = io.BytesIO()
    count = write_export(connection, export, target)
    rows = list(read_back(export.form, target))
    assert len(rows) == count
    return rows


def read_back(form: ExportForm, target: io.BytesIO) -> Iterator[dict[str, str]]:
    target.seek(0)
    if form == "jsonl":
        yield from map(json.loads, target.read().splitlines())
    elif form == "csv":
        yield from csv.DictReader(io.StringIO(target.read().decode("utf-8-sig")))
    else:
        with load_workbook(target) as book:
            head, *rows = book.get_sheet_by_index(0).to_python()
        for row in rows:
            yield dict(zip(map(str, head), map(str, row), strict=True))


def keys_found(connection: Connection, subject: Subject, criteria: Criteria) -> list[str]:
    if subject == "events":
        return [str(one.event_id) for one in search.find_events(connection, criteria, limit=200).items]
    if subject == "settlements":
        found = search.find_settlements(connection, criteria, limit=200).items
        return [str(one.settlement_id) for one in found]
    return [str(one.settlement_id) for one in search.find_allocations(connection, criteria, limit=200).items]


def test_every_line_of_the_assessment_book_says_that_it_is_not_for_publication(database: Database) -> None:
    output = clause(mechanism="output_value", measures=("industrial_output",))
    of_books = open_room(database, output, code="BOOKS")
    of_books.settle("2024Q1", "9000.00", measure="industrial_output")
    criteria = Criteria(agreement_id=of_books.agreement_id)
    with database.reading() as connection:
        rows = exported(connection, Export("allocations", "csv", criteria))
    assert {row["book"]: row["publication"] for row in rows} == {
        "official": "",
        "assessment": "仅供考核，不得对外公布 for assessment only, not for publication",
    }
