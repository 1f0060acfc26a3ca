"""The review paper of a pairing: tables apart by book, charts that print, in both languages."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date

import pytest
from desk_fixtures import Room, clause, open_room
from python_calamine import CalamineWorkbook

from ledger.desk import pairings
from ledger.desk.pairings import Group, PairingForm
from ledger.periods import Quarter
from ledger.rules.explanation import Language
from ledger_schema.sessions import Database

OUTPUT = clause(
    2,
    mechanism="output_value",
    measures=("industrial_output",),
    to_whom={"regime": "full_to_each", "key": [{"shares": {"origin": "1", "host": "1"}}]},
)


@pytest.fixture
def room(database_url: str) -> Iterator[Room]:
    database = Database(database_url)
    room = open_room(database, clause(), OUTPUT)
    for quarter, amount in (("2024Q1", "100.00"), ("2024Q2", "400.00")):
        room.hand_in_figures(
            quarter, {("retained_tax", quarter): amount, ("industrial_output", quarter): "9.00"}
        )
        room.close(quarter, room.compute(quarter))
    yield room
    database.dispose()


def made(room: Room, form: PairingForm, language: Language) -> bytes:
    groups = Group("party", room.roles["host"]), Group("party", room.roles["origin"])
    quarters = Quarter(2024, 1), Quarter(2024, 4)
    with room.database.reading() as connection:
        found = pairings.pairing(connection, *groups, *quarters, date(2024, 9, 1))
        return pairings.pairing_file(connection, found, form, language)


def test_a_workbook_has_the_books_on_sheets_of_their_own_and_a_chart_of_what_flowed(room: Room) -> None:
    content = made(room, "xlsx", "en")
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    sheets = {name: workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names}
    statistics = [rows[0][0] for name, rows in sheets.items() if name.startswith("Statistics")]
    assert len(statistics) == 2
    assert any("publication" in str(heading) for heading in statistics)
    assert [row[:2] for row in sheets["Chart 1"][1:]] == [["2024Q1", 50.0], ["2024Q2", 200.0]]
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert [name for name in parts.namelist() if name.startswith("xl/charts/chart")]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_pdf_is_made_in_either_language_and_is_the_same_for_the_same_state(
    room: Room, language: Language
) -> None:
    content = made(room, "pdf", language)
    assert content.startswith(b"%PDF-")
    assert len(content) > 5_000
