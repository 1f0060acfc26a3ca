"""Journals: hledger and beancount accept them, arrive at the ledger's balances, and refuse a changed file."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from desk_fixtures import Room, clause, open_room

from ledger.desk import statements
from ledger.desk.failures import NotFound
from ledger.desk.history import balances
from ledger.desk.statements import Journal, JournalForm
from ledger.desk.statements.journal_files import ESCAPE, account_part
from ledger.desk.statements.reading import QuarterNotClosed
from ledger.measures import COMMODITY_BY_ID
from ledger.money import format_amount
from ledger.periods import Quarter
from ledger.rules.fields import Bilingual
from ledger_schema.sessions import Database
from tests.accounting import beancount_complaint, hledger_complaint, needs_hledger

FORMS = pytest.mark.parametrize("form", [pytest.param("hledger", marks=needs_hledger), "beancount"])
TO_FUND = clause(1, then={"routing": {"to": "fund", "part": "1/2"}, "provisional": "accrue"})


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def room(module_database_url: str) -> Iterator[Room]:
    """What the tests look at and leave as it is."""
    database = Database(module_database_url)
    yield closed_year(database)
    database.dispose()


def closed_year(database: Database) -> Room:
    """A year closed, its second quarter corrected in the third; accruals, a fund, two statistics."""
    output, people = (
        clause(number, mechanism="output_value", measures=(measure,))
        for number, measure in ((2, "industrial_output"), (3, "head_count"))
    )
    room = open_room(database, TO_FUND, output, people, roles=("origin", "host", "fund"), code="a_1.B")
    for number in range(1, 5):
        quarter = f"2024Q{number}"
        if number == 3:
            room.hand_in_figures("2024Q2", figures("2024Q2", "90.07"))
        room.hand_in_figures(quarter, figures(quarter, f"{number}00.01"))
        room.close(quarter, room.compute(quarter))
    return room


def figures(quarter: str, tax: str) -> dict[tuple[str, str], str]:
    return {
        ("retained_tax", quarter): tax,
        ("industrial_output", quarter): "3000.33",
        ("head_count", quarter): "7",
    }


def complaint(form: JournalForm, content: bytes, folder: Path) -> str:
    return (hledger_complaint if form == "hledger" else beancount_complaint)(content, folder)


def journal_of(room: Room, through: str = "2024Q4") -> Journal:
    with room.database.reading() as connection:
        return statements.agreement_journal(connection, room.agreement_id, Quarter.parse(through))


@FORMS
def test_the_program_accepts_the_journal_in_both_languages(
    room: Room, form: JournalForm, tmp_path: Path
) -> None:
    for language in ("zh", "en"):
        content = statements.journal_file(journal_of(room), form, language)
        assert complaint(form, content, tmp_path) == ""


@FORMS
def test_codes_and_titles_of_any_characters_are_accepted(
    room: Room, form: JournalForm, tmp_path: Path
) -> None:
    title = 'a "quoted" \\ title; date:2020-01-01 | {x} #tag'
    odd = replace(journal_of(room), agreement_code='甲_乙; A:1 "x"', title=Bilingual(zh=title, en=title))
    assert complaint(form, statements.journal_file(odd, form, "en"), tmp_path) == ""


@FORMS
def test_one_fen_more_in_an_entry_is_refused(room: Room, form: JournalForm, tmp_path: Path) -> None:
    assert complaint(form, changed(room, form, {"Source": -1}), tmp_path)


@FORMS
def test_an_entry_that_balances_but_is_not_the_ledgers_is_refused(
    room: Room, form: JournalForm, tmp_path: Path
) -> None:
    told = complaint(form, changed(room, form, {"Source": -1, "Accrued:P-a码5F码1码2E码B-HOST": 1}), tmp_path)
    assert re.search(r"difference: -?0\.01|0\.01 too", told)


@FORMS
def test_an_entry_taken_out_is_refused(room: Room, form: JournalForm, tmp_path: Path) -> None:
    blocks = statements.journal_file(journal_of(room), form, "zh").decode().split("\n\n")
    entries = [number for number, block in enumerate(blocks) if "identifier:" in block]
    del blocks[entries[1]]
    assert complaint(form, "\n\n".join(blocks).encode(), tmp_path)


@FORMS
def test_one_settlement_goes_on_from_the_balances_before_it(
    room: Room, form: JournalForm, tmp_path: Path
) -> None:
    with room.database.reading() as connection:
        for quarter in ("2024Q1", "2024Q3"):
            shown = statements.statement(connection, room.agreement_id, Quarter.parse(quarter))
            content = statements.statement_file(connection, shown, form, "en")
            assert complaint(form, content, tmp_path) == ""
            assert shown.identifier in content.decode()
            assert ("Balances before" in content.decode()) == (quarter != "2024Q1")


@FORMS
def test_a_settlement_that_is_not_closed_is_marked_and_accepted(
    database: Database, form: JournalForm, tmp_path: Path
) -> None:
    room = closed_year(database)
    room.hand_in_figures("2025Q1", figures("2025Q1", "1.00"))
    settlement_id = room.compute("2025Q1")
    with room.database.reading() as connection:
        shown = statements.settlement_statement(connection, room.agreement_id, settlement_id)
        content = statements.statement_file(connection, shown, form, "zh").decode()
    assert complaint(form, content.encode(), tmp_path) == ""
    assert content.splitlines()[1].startswith("; 未结")
    assert "2025-03-31 !" in content
    assert "2025-03-31 *" not in content


@needs_hledger
def test_hledger_adds_up_to_the_balances_of_the_ledger(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "all.journal"
    path.write_bytes(statements.journal_file(journal_of(room), "hledger", "en"))
    command = ["hledger", "-f", str(path), "balance", "--flat", "--no-total", "--layout=bare", "-O", "csv"]
    printed = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8"}
    ).stdout
    added_up = sorted(tuple(line.replace('"', "").split(",")[1:]) for line in printed.splitlines()[1:])
    with room.database.reading() as connection:
        held = balances(connection, agreement_id=room.agreement_id, through=Quarter(2024, 4))
    commodities = {one.account_id: COMMODITY_BY_ID[one.commodity_id] for one in held}
    assert [amounts for amounts in added_up if amounts[1] != "0"] == sorted(
        (commodities[one.account_id].code, format_amount(one.amount_minor, commodities[one.account_id].scale))
        for one in held
    )


def test_no_account_holds_amounts_of_two_books(room: Room) -> None:
    content = statements.journal_file(journal_of(room), "beancount", "en").decode()
    names = set(re.findall(r"(?:Assets|Equity):\S+", content))
    assert {name.split(":")[1] for name in names} == {"Cash", "Official", "Assessment"}
    assert [
        name for name in names if re.search(rf"{re.escape(name)}\s.*CNY", content) and ":Cash:" not in name
    ] == []


def test_two_codes_never_become_the_same_part_of_an_account() -> None:
    codes = ["A.B", "A_B", "A-B", f"A{ESCAPE}2E{ESCAPE}B", f"A{ESCAPE}B", "A B", "a b", "甲：乙", "甲:乙"]
    parts = [account_part(code) for code in codes]
    assert len(set(parts)) == len(codes)
    assert [part for part in parts if not all(one.isalnum() or one == "-" for one in part)] == []


def test_a_journal_through_a_quarter_that_is_not_closed_is_refused(room: Room) -> None:
    with pytest.raises(QuarterNotClosed):
        journal_of(room, "2025Q1")
    with pytest.raises(QuarterNotClosed):
        journal_of(room, "2023Q4")
    with room.database.reading() as connection, pytest.raises(NotFound):
        statements.settlement_journal(connection, room.agreement_id, 1)


def changed(room: Room, form: JournalForm, changes_minor: Mapping[str, int]) -> bytes:
    """The journal with the first entry of the cash book changed, by the ends of its accounts' names."""
    blocks = statements.journal_file(journal_of(room), form, "zh").decode().split("\n\n")
    place = next(
        number for number, block in enumerate(blocks) if "identifier:" in block and ":Cash:" in block
    )
    for ending, change_minor in changes_minor.items():
        posted = re.search(rf"{ending}  (\S+)", blocks[place])
        assert posted
        amount = Decimal(posted[1]) + Decimal(change_minor).scaleb(-2)
        blocks[place] = blocks[place].replace(posted[0], f"{ending}  {amount}")
    return "\n\n".join(blocks).encode()
