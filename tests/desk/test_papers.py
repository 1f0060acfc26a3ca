"""Papers: workbook and PDF say what the ledger says, bear their identifier and tell what isn't closed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from desk_fixtures import Room, clause, open_room
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from reconciliation_fixtures import HOST, ORIGIN, open_desk

from ledger.desk import statements
from ledger.desk.failures import NotFound
from ledger.desk.returns import LineDraft
from ledger.desk.statements import Statement, pages, workbook
from ledger.desk.statements.pages import CharacterWithoutGlyph, ChineseFontMissing, paper_pages
from ledger.desk.statements.paper import Amount, Column, Paper, Table
from ledger.desk.statements.reading import QuarterNotClosed
from ledger.desk.statements.settlement_paper import settlement_paper
from ledger.desk.statements.workbook import paper_workbook
from ledger.periods import Quarter
from ledger.rules.explanation import Language
from ledger_schema.sessions import Database
from tests.accounting import needs_chinese_font

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
OUTPUT = clause(2, mechanism="output_value", measures=("industrial_output",))
PEOPLE = clause(3, mechanism="output_value", measures=("head_count",))
MADE_AT = datetime(2026, 1, 2, tzinfo=UTC)
HEAD = 3
"""The row of a sheet in which its heads stand."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    """One quarter closed: 100.01 of tax, 3000.00 of output and 7 people; half of each to either side."""
    room = open_room(database, clause(1), OUTPUT, PEOPLE)
    figures = {
        ("retained_tax", "2024Q1"): "100.01",
        ("industrial_output", "2024Q1"): "3000.00",
        ("head_count", "2024Q1"): "7",
    }
    room.hand_in_figures("2024Q1", figures)
    room.close("2024Q1", room.compute("2024Q1"))
    return room


def shown_of(room: Room, quarter: str = "2024Q1") -> Statement:
    with room.database.reading() as connection:
        return statements.statement(connection, room.agreement_id, Quarter.parse(quarter))


def sheets_of(content: bytes) -> dict[str, list[list[object]]]:
    read = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {
        name: [list(row) for row in read.get_sheet_by_name(name).to_python(skip_empty_area=False)]
        for name in read.sheet_names
    }


def text_of(content: bytes) -> str:
    """The text of all pages, blanks left out: where lines end says nothing."""
    pages_read = PdfReader(io.BytesIO(content)).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages_read))


# --- workbooks --------------------------------------------------------------------------------------------


def test_a_workbook_has_a_sheet_for_each_level_of_detail_and_book(room: Room) -> None:
    assert list(sheets_of(paper_workbook(settlement_paper(shown_of(room), "zh")))) == [
        "封面",
        "汇总 现金账",
        "汇总 在地统计账 元",
        "汇总 在地统计账 人",
        "汇总 考核账 元",
        "汇总 考核账 人",
        "事由",
        "条款",
        "分配 现金账",
        "分配 在地统计账 元",
        "分配 在地统计账 人",
        "分配 考核账 元",
        "分配 考核账 人",
        "分录 现金账",
        "分录 在地统计账 元",
        "分录 在地统计账 人",
        "分录 考核账 元",
        "分录 考核账 人",
        "申报数 元",
        "申报数 人",
        "申报表",
    ]


def test_amounts_of_a_workbook_are_numbers_in_the_unit_and_in_wan_beside_the_exact_text(room: Room) -> None:
    rows = sheets_of(paper_workbook(settlement_paper(shown_of(room), "zh")))["分配 现金账"]
    assert rows[HEAD][5:8] == ["分得（元）", "分得（万元）", "分得（精确数）"]
    by_party = {row[4]: row[5:8] for row in rows[HEAD + 1 :]}
    assert by_party == {"甲区": [50.0, 0.005, "50.00"], "乙区": [50.01, 0.005001, "50.01"]}


@LANGUAGES
def test_a_workbook_holds_every_amount_that_the_ledger_has(room: Room, language: Language) -> None:
    shown = shown_of(room)
    sheets = sheets_of(paper_workbook(settlement_paper(shown, language)))
    name = "分配" if language == "zh" else "Allocations"
    booked = sorted(
        Decimal(allocated.amount_minor).scaleb(-one.commodity.scale)
        for one in shown.clauses
        for allocated in one.allocations
    )
    written = [row for sheet, rows in sheets.items() if sheet.startswith(name) for row in rows[HEAD + 1 :]]
    assert sorted(Decimal(str(row[5])) for row in written) == booked
    assert sorted(Decimal(str(row[7])) for row in written) == booked


def test_entries_of_a_workbook_add_up_to_nothing_and_figures_name_their_documents(room: Room) -> None:
    sheets = sheets_of(paper_workbook(settlement_paper(shown_of(room), "en")))
    entries = sheets["Entries cash book"][HEAD + 1 :]
    assert sum(Decimal(str(row[8])) for row in entries) == 0
    assert {row[4] for row in entries} == {"source", "due · Zone A", "due · Zone B"}
    (figure,) = [row for row in sheets["Inputs yuan"][HEAD + 1 :] if row[0] == 1.0]
    assert figure[8:12] == [100.01, 0.010001, "100.01", "凭证-1"]


@LANGUAGES
def test_the_assessment_book_is_marked_on_every_sheet_that_has_amounts_of_it(
    room: Room, language: Language
) -> None:
    sheets = sheets_of(paper_workbook(settlement_paper(shown_of(room), language)))
    book, mark = (
        ("考核账", "不得对外公布") if language == "zh" else ("assessment book", "not for publication")
    )
    headings = [str(rows[0][0]) for name, rows in sheets.items() if book in name]
    assert len(headings) == 6
    assert [heading for heading in headings if mark not in heading] == []


def test_every_sheet_bears_the_identifier_and_the_cover_all_hashes(room: Room) -> None:
    shown = shown_of(room)
    sheets = sheets_of(paper_workbook(settlement_paper(shown, "en")))
    facts = {row[0]: row[1] for row in sheets.pop("Cover") if len(row) > 1}
    assert facts["Identifier"] == shown.identifier
    assert facts["Hash of the allocations"] == shown.allocations_hash.hex()
    assert facts["Hash of the inputs"] == shown.inputs_hash.hex()
    assert facts["Check it at"] == f"/files/check?agreement=A-1&identifier={shown.identifier}"
    assert [name for name, rows in sheets.items() if shown.identifier not in str(rows[1][0])] == []


def test_open_differences_and_what_came_of_them_later_stand_on_the_paper(database: Database) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "90.00")
    number = desk.dispute("2024Q1", ORIGIN)
    desk.settle("2024Q1")
    (row,) = sheets_of(paper_workbook(settlement_paper(shown_of(desk.room), "en")))["Open differences"][-1:]
    assert {"2024Q1", 100.0, 90.0, 10.0, float(number)} <= set(row)
    desk.propose(number, HOST, "95.00")
    desk.accept(number, ORIGIN)
    desk.hand_in("2024Q2", None, None)
    desk.settle("2024Q2")
    sheets = sheets_of(paper_workbook(settlement_paper(shown_of(desk.room, "2024Q2"), "en")))
    assert "Open differences" not in sheets
    assert "reconciliation" in [cell for row in sheets["Causes"] for cell in row]


def test_text_that_looks_like_a_formula_stays_text_in_a_workbook(database: Database) -> None:
    room = open_room(database)
    room.hand_in_lines("2024Q1", [LineDraft(None, "retained_tax", "2024Q1", "1.00", "=1+1")])
    room.close("2024Q1", room.compute("2024Q1"))
    content = paper_workbook(settlement_paper(shown_of(room), "en"))
    assert sheets_of(content)["Inputs"][HEAD + 1][11] == "=1+1"
    assert b"<f>" not in content


def test_a_table_longer_than_a_sheet_goes_on_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "ROWS_MAX", 2)
    sheets = sheets_of(paper_workbook(paper_of("zh", ["一", "二", "三"])))
    assert [len(sheets[name]) - HEAD - 1 for name in ("表", "表 (2)")] == [2, 1]


def test_an_amount_beyond_a_spreadsheets_precision_is_still_exact_as_text() -> None:
    table = Table("表", "表", [Column("金额", "amount")], [[Amount(9 * 10**18 - 1, 2)]], unit="元")
    sheets = sheets_of(paper_workbook(paper_of("zh", [], table)))
    assert sheets["表"][HEAD + 1][2] == "89999999999999999.99"


# --- pages ------------------------------------------------------------------------------------------------


@needs_chinese_font
@LANGUAGES
def test_a_pdf_holds_names_amounts_and_the_identifier(room: Room, language: Language) -> None:
    shown = shown_of(room)
    text = text_of(paper_pages(settlement_paper(shown, language)))
    names = ("甲区", "乙区", "甲乙共建园区合作协议") if language == "zh" else ("ZoneA", "ZoneB")
    for expected in (
        *names,
        *("50.00", "50.01", "100.01", "3,000.00", "凭证-1"),
        shown.identifier,
        shown.allocations_hash.hex(),
        shown.inputs_hash.hex(),
        f"/files/check?agreement=A-1&identifier={shown.identifier}",
    ):
        assert expected in text


@needs_chinese_font
def test_a_long_table_repeats_its_heads_on_each_numbered_page() -> None:
    content = paper_pages(paper_of("zh", [f"第{number}行的对象" for number in range(200)]))
    read = [re.sub(r"\s", "", page.extract_text()) for page in PdfReader(io.BytesIO(content)).pages]
    assert len(read) > 2
    for number, page in enumerate(read, start=1):
        assert "唯一的列名" in page
        assert f"第{number}页，共{len(read)}页" in page
        assert "标识-1" in page


@needs_chinese_font
def test_a_table_too_long_to_print_is_named_with_its_rows_and_those_after_it_are_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "ROWS_PRINTED_MAX", 2)
    long, short = (
        Table(name, name, [Column("列")], [[f"{name}{number}"] for number in range(count)])
        for name, count in (("甲表", 3), ("乙表", 2))
    )
    text = text_of(paper_pages(paper_of("zh", [], long, short)))
    assert "甲表共3行，此处不印" in text
    assert "甲表0" not in text
    assert "乙表1" in text


@needs_chinese_font
def test_the_same_paper_gives_the_same_pdf(room: Room) -> None:
    paper = settlement_paper(shown_of(room), "zh")
    assert paper_pages(paper) == paper_pages(paper)


@needs_chinese_font
def test_text_that_looks_like_markup_is_printed_as_it_is() -> None:
    written = '#panic("no") *not bold* $x$ <label> // end'
    assert re.sub(r"\s", "", written) in text_of(paper_pages(paper_of("en", [written])))


@needs_chinese_font
def test_a_character_without_a_glyph_is_refused_rather_than_printed_as_a_box() -> None:
    with pytest.raises(CharacterWithoutGlyph):
        paper_pages(paper_of("zh", ["\U00032000"]))


def test_without_a_chinese_font_the_refusal_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pages, "CHINESE_FAMILIES", ("No Such Font",))
    pages.fonts_of.cache_clear()
    monkeypatch.delenv("PARKLEDGER_FONTS", raising=False)
    with pytest.raises(ChineseFontMissing) as of_system:
        paper_pages(paper_of("zh", []))
    monkeypatch.setenv("PARKLEDGER_FONTS", str(tmp_path))
    with pytest.raises(ChineseFontMissing) as of_folder:
        paper_pages(paper_of("zh", []))
    pages.fonts_of.cache_clear()
    assert "fonts-wqy-microhei" in of_system.value.message_zh
    assert "PARKLEDGER_FONTS" in of_system.value.message_en
    assert str(tmp_path) in of_folder.value.message_en


# --- not closed, and checking -----------------------------------------------------------------------------


def test_a_computed_settlement_that_is_not_closed_says_so_in_every_form(database: Database) -> None:
    room = open_room(database)
    room.hand_in("2024Q1", "1.00")
    settlement_id = room.compute("2024Q1")
    forms: list[statements.Form] = ["text", "csv", "hledger", "beancount"]
    with database.reading() as connection:
        shown = statements.settlement_statement(connection, room.agreement_id, settlement_id)
        for form in forms:
            for language, mark in (("zh", "未结"), ("en", "not closed")):
                content = statements.statement_file(connection, shown, form, language)  # type: ignore[arg-type]
                assert mark in content.decode().lower()
        assert b'"is_closed":false' in statements.statement_file(connection, shown, "json", "zh")
    sheets = sheets_of(paper_workbook(settlement_paper(shown, "zh")))
    assert [name for name, rows in sheets.items() if "未结" not in str(rows[1:3])] == []


@needs_chinese_font
@pytest.mark.parametrize(("language", "mark"), [("zh", "未结"), ("en", "NOTCLOSED")])
def test_every_page_of_a_settlement_that_is_not_closed_says_so(
    database: Database, language: Language, mark: str
) -> None:
    room = open_room(database)
    room.hand_in("2024Q1", "1.00")
    settlement_id = room.compute("2024Q1")
    with database.reading() as connection:
        shown = statements.settlement_statement(connection, room.agreement_id, settlement_id)
    read = PdfReader(io.BytesIO(paper_pages(settlement_paper(shown, language)))).pages
    assert [page for page in read if mark not in re.sub(r"\s", "", page.extract_text())] == []


def test_a_paper_is_found_by_its_identifier_closed_or_not(room: Room) -> None:
    room.hand_in_figures("2024Q2", {("retained_tax", "2024Q2"): "5.00"})
    open_id = room.compute("2024Q2")
    with room.database.reading() as connection:
        computed = statements.settlement_statement(connection, room.agreement_id, open_id)
        for shown in (shown_of(room), computed):
            found = statements.statement_by_identifier(connection, room.agreement_id, shown.identifier)
            assert found == shown


@pytest.mark.parametrize(
    "forged",
    [
        "{id}-0000000000000000",
        "1-{hash}",
        "{id}-{hash}0",
        " {id}-{hash}",
        "{id}-",
        "",
        "99999999999999999999-{hash}",
        "9999999999999999999-{hash}",
    ],
)
def test_an_identifier_that_no_settlement_bears_is_not_found(room: Room, forged: str) -> None:
    settlement_id, hashed = shown_of(room).identifier.split("-")
    identifier = forged.format(id=settlement_id, hash=hashed)
    with room.database.reading() as connection, pytest.raises(NotFound):
        statements.statement_by_identifier(connection, room.agreement_id, identifier)


def test_an_identifier_of_another_agreement_is_not_found(database: Database, room: Room) -> None:
    other = open_room(database, code="A-2")
    with database.reading() as connection, pytest.raises(NotFound):
        statements.statement_by_identifier(connection, other.agreement_id, shown_of(room).identifier)


def test_an_open_quarter_has_no_statement_and_the_refusal_says_what_to_do(room: Room) -> None:
    with room.database.reading() as connection, pytest.raises(QuarterNotClosed) as refusal:
        statements.statement(connection, room.agreement_id, Quarter(2024, 2))
    assert "2024Q2" in refusal.value.message_zh
    assert "尚未关账" in refusal.value.message_zh
    assert "Close it first" in refusal.value.message_en


def paper_of(language: Language, cells: list[str], *tables: Table) -> Paper:
    """A paper of one table with one column, unless other tables are given."""
    one = Table("表", "表", [Column("唯一的列名", "long")], [[cell] for cell in cells])
    return Paper(
        language=language,
        title="标题",
        identifier="标识-1",
        made_at=MADE_AT,
        mark="",
        facts=[],
        tables=tables or [one],
        remarks=[],
    )
