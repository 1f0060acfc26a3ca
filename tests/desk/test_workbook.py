"""Workbooks and CSV files: what is read from them, and what the template offers."""

from __future__ import annotations

import csv
import io
import tempfile
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it ships no type hints
from desk_fixtures import Document, Room, clause, open_room
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from ledger.desk import returns
from ledger.desk.enterprises import ListEntry, credit_code_check_character
from ledger.desk.returns import template as workbook_template
from ledger.desk.returns.checks import (
    FORMULA_ERRORS,
    CheckedReturn,
    Expectation,
    ListedEnterprise,
    check,
    expected_measures,
)
from ledger.desk.returns.faults import FAULT_KINDS, Faults, ReturnRefused
from ledger.desk.returns.sheets import COMPOUND_FILE_START, ENCRYPTED_PACKAGE, opened, read_sheets
from ledger.desk.returns.workbook import HEADERS, read_file
from ledger.money import format_amount
from ledger.periods import Quarter
from ledger.rules.terms import Clause
from ledger_schema.sessions import Database

QUARTER = Quarter(2024, 3)
CHINESE_HEADERS = [zh for zh, _ in HEADERS.values()]
ENGLISH_HEADERS = [en for _, en in HEADERS.values()]

Row: TypeAlias = Sequence[object]
Cells: TypeAlias = Sequence[Row]


def credit_code(number: int) -> str:
    first_17 = f"91350200MA{number:07d}"
    return first_17 + credit_code_check_character(first_17)


FIRST, SECOND = credit_code(1), credit_code(2)
ENTERPRISES = {FIRST: ListedEnterprise(101, "甲公司"), SECOND: ListedEnterprise(102, "=乙公司")}

TAXES = Clause.model_validate(
    clause(1, measures=("vat", "cit"), whose={"scope": "listed_enterprises"}), strict=False
)
MONTHLY = Clause.model_validate(
    clause(2, measures=("pit",), whose={"scope": "listed_enterprises"}, when={"step": "month"}), strict=False
)
PARK = Clause.model_validate(clause(3, mechanism="output_value", measures=("head_count",)), strict=False)
CLAUSES = (TAXES, MONTHLY, PARK)
EXPECTED = Expectation("A-1", "host", QUARTER, expected_measures(CLAUSES, "host"), ENTERPRISES)


def xlsx(sheets: Mapping[str, Cells], merged: Mapping[str, str] | None = None) -> bytes:
    """A workbook of texts, numbers and days; ``("formula", text, value)`` a formula with its value."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row_index, row in enumerate(rows):
                for column, cell in enumerate(row):
                    match cell:
                        case ("formula", str(formula), value):
                            sheet.write_formula(row_index, column, formula, None, value)
                        case date():
                            sheet.write_datetime(row_index, column, cell, day)
                        case str():
                            sheet.write_string(row_index, column, cell)
                        case int() | float():
                            sheet.write_number(row_index, column, cell)
            if merged and name in merged:
                sheet.merge_range(merged[name], "合并")
    return content.getvalue()


def csv_bytes(rows: Cells, encoding: str = "utf-8-sig", delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def understood(file_name: str, content: bytes, expected: Expectation = EXPECTED) -> CheckedReturn:
    faults = Faults()
    checked = check(read_file(file_name, opened(content), faults), expected, faults)
    faults.refuse_if_any()
    return checked


def refused(file_name: str, content: bytes) -> list[tuple[str, str, str]]:
    """Sheet, cell and code of every fault."""
    with pytest.raises(ReturnRefused) as refusal:
        understood(file_name, content)
    return [(fault.sheet, fault.cell, fault.code) for fault in refusal.value.faults]


def lines_of(checked: CheckedReturn) -> list[tuple[int, str, str, int, str]]:
    return [
        (subject, measure.name, str(span), amount_minor, document)
        for subject, measure, span, amount_minor, document in zip(
            checked.subjects,
            checked.measures,
            checked.spans,
            checked.amounts_minor,
            checked.documents,
            strict=True,
        )
    ]


LINES: Cells = [
    CHINESE_HEADERS,
    ENGLISH_HEADERS,
    [FIRST, "甲公司", "增值税", "2024Q3", "1234.56", "凭证-1"],
    [SECOND, "", "vat", "2024年第三季度", 1000.5, ""],
    ["", "全园区", "期末从业人员（人）", "2024Q3", 12, ""],
]
TOTALS: Cells = [["指标", "金额"], ["增值税", "2235.06"], ["head_count", 12], ["企业所得税", ""]]
UNDERSTOOD = [
    (101, "vat", "2024Q3", 123456, "凭证-1"),
    (102, "vat", "2024Q3", 100050, ""),
    (0, "head_count", "2024Q3", 12, ""),
]


def test_a_workbook_with_chinese_and_english_names_is_understood() -> None:
    checked = understood("q3.xlsx", xlsx({"明细": LINES, "合计": TOTALS}))
    assert lines_of(checked) == UNDERSTOOD
    assert checked.totals_minor == {"vat": 223506, "head_count": 12}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_csv_file_of_any_usual_encoding_and_delimiter_is_understood(encoding: str, delimiter: str) -> None:
    totals: Cells = [["合计", "", "增值税", "", "2235.06", ""], ["合计", "", "head_count", "", 12, ""]]
    checked = understood("q3.csv", csv_bytes([*LINES, *totals], encoding, delimiter))
    assert lines_of(checked) == UNDERSTOOD
    assert checked.totals_minor == {"vat": 223506, "head_count": 12}


@pytest.mark.parametrize(
    ("unit", "amount", "amount_minor"),
    [("元", "1.23", 123), ("万元", "1.234567", 1234567), ("万元", 0.1, 100000), ("万元", "-0.5", -500000)],
)
def test_the_unit_that_the_file_states_is_honoured_exactly(
    unit: str, amount: object, amount_minor: int
) -> None:
    line: Row = [FIRST, "", "vat", "2024Q3", amount, ""]
    rows: Cells = [[f"金额单位：{unit}"], CHINESE_HEADERS, line, ["合计", "", "vat", "", amount, ""]]
    assert understood("q3.csv", csv_bytes(rows)).amounts_minor == [amount_minor]
    in_header: Cells = [[header.replace("金额", f"金额（{unit}）") for header in CHINESE_HEADERS], *rows[2:]]
    assert understood("q3.xlsx", xlsx({"明细": in_header})).amounts_minor == [amount_minor]


def test_two_units_in_one_file_are_refused_where_each_stands() -> None:
    headers = [header.replace("金额", "金额（万元）") for header in CHINESE_HEADERS]
    lines = [headers, [FIRST, "", "vat", "2024Q3", "0", ""]]
    content = xlsx({"明细": lines, "合计": [["指标", "金额"], ["vat", 0]], "说明": [["金额单位", "元"]]})
    assert refused("q3.xlsx", content) == [("说明", "B1", "UNIT_UNKNOWN"), ("明细", "E1", "UNIT_UNKNOWN")]


def test_a_measure_that_is_not_counted_in_yuan_is_refused_in_a_file_in_wan() -> None:
    rows = [["单位：万元"], CHINESE_HEADERS, ["", "", "head_count", "2024Q3", "12", ""]]
    assert refused("q3.csv", csv_bytes(rows)) == [("", "C3", "UNIT_NOT_YUAN")]


def test_a_month_that_the_spreadsheet_turned_into_a_date_is_that_month() -> None:
    rows: Cells = [CHINESE_HEADERS, [FIRST, "", "pit", date(2024, 7, 1), "5.00", ""]]
    content = xlsx({"明细": rows, "合计": [["指标", "金额"], ["pit", 5]]})
    assert lines_of(understood("q3.xlsx", content)) == [(101, "pit", "2024-07", 500, "")]


FAULTY_LINES: Cells = [
    CHINESE_HEADERS,
    [FIRST, "", "增值稅", "2024Q3", "1.00", ""],
    [FIRST, "", "business_tax", "2024Q3", "1.00", ""],
    [FIRST, "", "vat", "Q3", "1.00", ""],
    [FIRST, "", "vat", "2024Q2", "1.00", ""],
    [FIRST, "", "pit", "2024Q3", "1.00", ""],
    ["", "", "vat", "2024Q3", "1.00", ""],
    [FIRST, "", "head_count", "2024Q3", "1", ""],
    ["91350200MA0000000X", "", "vat", "2024Q3", "1.00", ""],
    [FIRST, "乙公司", "vat", "2024Q3", "1.00", ""],
    [FIRST, "", "cit", "2024Q3", "", ""],
    [FIRST, "", "cit", "2024Q3", "1,234.00", ""],
    [FIRST, "", "cit", "2024Q3", "1.001", ""],
    [FIRST, "", "cit", "2024Q3", "90000000000000001", ""],
    [FIRST, "", "cit", "2024Q3", 1234567890123.456, ""],
    [91350200.0, "", "cit", "2024Q3", "1.00", ""],
    [FIRST, "", "cit", "2024Q3", ("formula", "=#REF!", "#REF!"), ""],
    [SECOND, "", "cit", "2024-08", "1.00", "凭证-1"],
    [SECOND, "", "cit", "2024-08", "2.00", "凭证-1"],
    [SECOND, "", "cit", "2024Q3", "2.00", "a\nb"],
    [SECOND, "", "", "2024Q3", "2.00", ""],
]
EXPECTED_FAULTS = [
    ("明细", "C2", "MEASURE_UNKNOWN"),
    ("明细", "C3", "MEASURE_NOT_EXPECTED"),
    ("明细", "D4", "PERIOD_UNREADABLE"),
    ("明细", "D5", "PERIOD_OUTSIDE_QUARTER"),
    ("明细", "D6", "MONTH_REQUIRED"),
    ("明细", "A7", "CREDIT_CODE_MISSING"),
    ("明细", "A8", "CREDIT_CODE_NOT_TAKEN"),
    ("明细", "A9", "ENTERPRISE_NOT_LISTED"),
    ("明细", "B10", "ENTERPRISE_NAME_DIFFERS"),
    ("明细", "E11", "AMOUNT_MISSING"),
    ("明细", "E12", "AMOUNT_UNREADABLE"),
    ("明细", "E13", "AMOUNT_TOO_PRECISE"),
    ("明细", "E14", "AMOUNT_TOO_LARGE"),
    ("明细", "E15", "AMOUNT_INEXACT"),
    ("明细", "A16", "TEXT_EXPECTED"),
    ("明细", "E17", "FORMULA_ERROR"),
    ("明细", "C19", "LINE_REPEATED"),
    ("明细", "F20", "DOCUMENT_UNREADABLE"),
    ("明细", "C21", "MEASURE_MISSING"),
]


def test_every_fault_of_a_workbook_is_told_at_once_with_its_cell() -> None:
    content = xlsx({"明细": FAULTY_LINES, "合计": [["指标", "金额"], ["cit", 1]]})
    assert refused("q3.xlsx", content) == EXPECTED_FAULTS


def test_a_fault_says_what_was_expected_and_what_came_in_both_languages() -> None:
    with pytest.raises(ReturnRefused) as refusal:
        understood("q3.xlsx", xlsx({"明细": FAULTY_LINES, "合计": [["指标", "金额"], ["cit", 1]]}))
    fault = refusal.value.faults[1]
    assert (fault.expected, fault.got) == (
        "vat, cit, pit, head_count",
        "business_tax",
    )
    assert "business_tax" in fault.message_en
    assert "企业所得税（cit）" in fault.message_zh
    assert not any("\u3000" <= character <= "\uffef" for character in fault.message_en)
    assert fault.message_zh.startswith("按有效条款")
    assert refusal.value.fields["count"] == refusal.value.fault_count == len(EXPECTED_FAULTS)
    assert "明细!C2" in refusal.value.message_en


def test_a_missing_total_says_what_it_should_be_and_that_nothing_came() -> None:
    with pytest.raises(ReturnRefused) as refusal:
        understood("q3.csv", csv_bytes([CHINESE_HEADERS, [FIRST, "", "vat", "2024Q3", "1.50", "a"]]))
    [fault] = refusal.value.faults
    assert (fault.code, fault.expected, fault.got) == ("TOTAL_MISSING", "vat: 1.50", "")
    assert "1.50 for vat (value added tax)" in fault.message_en
    assert "增值税（vat） 1.50" in fault.message_zh


def test_faults_beyond_a_thousand_are_counted_but_not_listed() -> None:
    rows = [CHINESE_HEADERS, *([FIRST, "", "vat", "2024Q3", "x", f"{index}"] for index in range(1_500))]
    with pytest.raises(ReturnRefused) as refusal:
        understood("q3.csv", csv_bytes(rows))
    assert (len(refusal.value.faults), refusal.value.fault_count) == (1_000, 1_500)


def test_totals_that_differ_are_missing_or_come_twice_are_refused() -> None:
    rows = [
        CHINESE_HEADERS,
        [FIRST, "", "vat", "2024Q3", "1.00", ""],
        [FIRST, "", "cit", "2024Q3", "1.00", ""],
        ["", "", "head_count", "2024Q3", "3", ""],
        ["合计", "", "vat", "", "2.00", ""],
        ["合计", "", "cit", "", "1.00", ""],
        ["合计", "", "cit", "", "1.00", ""],
    ]
    assert refused("q3.csv", csv_bytes(rows)) == [
        ("", "E5", "TOTAL_DIFFERS"),
        ("", "C7", "TOTAL_REPEATED"),
        ("", "", "TOTAL_MISSING"),
    ]


def test_faults_of_the_layout_are_told_with_the_header_cell() -> None:
    rows: Cells = [
        ["统一社会信用代码", "指标", "指标", "备注", "金额", ""],
        [FIRST, "vat", "", "", "1.00", "stray"],
    ]
    found = refused("q3.xlsx", xlsx({"明细": rows, "草稿": [["x"]]}, {"明细": "G5:H6"}))
    assert found[:6] == [
        ("草稿", "", "SHEET_UNKNOWN"),
        ("明细", "C1", "COLUMN_REPEATED"),
        ("明细", "D1", "COLUMN_UNKNOWN"),
        ("明细", "1:1", "COLUMN_MISSING"),
        ("明细", "G5", "CELLS_MERGED"),
        ("明细", "F2", "CELL_OUTSIDE_COLUMNS"),
    ]


def test_a_file_for_another_agreement_role_or_quarter_is_refused() -> None:
    rows = [["协议编号：A-2", "填报角色", "origin"], ["所属季度", "2024Q2"], *LINES]
    assert refused("q3.csv", csv_bytes(rows))[:3] == [
        ("", "A1", "WRONG_RETURN"),
        ("", "C1", "WRONG_RETURN"),
        ("", "B2", "WRONG_RETURN"),
    ]


@pytest.mark.parametrize(
    ("file_name", "content", "code"),
    [
        ("q3.pdf", b"%PDF", "FILE_TYPE_UNKNOWN"),
        ("q3", b"", "FILE_TYPE_UNKNOWN"),
        ("q\n3.csv", b"", "FILE_NAME_UNUSABLE"),
        ("q3.xlsx", b"", "FILE_UNREADABLE"),
        ("q3.xlsx", b"PK\x03\x04 but no archive", "FILE_UNREADABLE"),
        ("q3.xls", b"<html><table></table></html>", "FILE_UNREADABLE"),
        ("q3.xlsx", COMPOUND_FILE_START + bytes(500) + ENCRYPTED_PACKAGE, "FILE_PROTECTED"),
        ("q3.csv", b"\xff\xff\xff", "TEXT_UNDECODABLE"),
        ("q3.csv", b'"measure', "FILE_UNREADABLE"),
        ("q3.csv", b"a\0b", "FILE_UNREADABLE"),
        ("q3.csv", b"", "FILE_EMPTY"),
        ("q3.csv", b"some,text", "HEADER_MISSING"),
        ("q3.csv", csv_bytes([CHINESE_HEADERS]), "FILE_EMPTY"),
        ("q3.csv", b"x" * (32 * 1024**2 + 1), "FILE_TOO_LARGE"),
        ("q3.xlsx", xlsx({"合计": TOTALS, "说明": [["a"]]}), "SHEET_MISSING"),
    ],
)
def test_a_file_that_is_no_return_is_refused_with_the_reason(
    file_name: str, content: bytes, code: str
) -> None:
    assert refused(file_name, content) == [("", "", code)]


def test_two_cells_at_the_far_ends_of_a_sheet_exhaust_nothing() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet("明细")
        sheet.write_string(0, 0, "金额")
        sheet.write_string(1_048_575, 16_383, "x")
    assert refused("q3.xlsx", content.getvalue()) == [("", "", "FILE_TOO_LARGE")]


def test_a_nil_return_may_come_on_a_template_with_empty_amounts_but_not_with_figures() -> None:
    empty = [CHINESE_HEADERS, [FIRST, "", "vat", "2024Q3", "", ""]]
    notes = [["零申报 nil return", "是"]]
    assert understood("q3.xlsx", xlsx({"明细": empty, "说明": notes})).subjects == []
    filled: Cells = [*empty, [FIRST, "", "cit", "2024Q3", 0, ""]]
    found = refused("q3.xlsx", xlsx({"明细": filled, "说明": notes}))
    assert found == [("明细", "E3", "NIL_WITH_FIGURES")]
    assert refused("q3.csv", csv_bytes([["零申报：也许"], *LINES]))[0] == ("", "A1", "NIL_UNREADABLE")


AMOUNTS_MINOR = st.integers(-(10**15), 10**15)
KEYS = st.tuples(
    st.sampled_from([FIRST, SECOND]),
    st.sampled_from(["vat", "cit"]),
    st.sampled_from(["2024Q3", "2024-07", "2024-08", "2024-09"]),
    # What a broken formula leaves in a cell is a fault, even where somebody typed it.
    st.text(st.characters(categories=["L", "N", "P"]), max_size=12).filter(
        lambda text: text not in FORMULA_ERRORS
    ),
)


@given(
    lines=st.dictionaries(KEYS, AMOUNTS_MINOR, min_size=1, max_size=12),
    file_name=st.sampled_from(["q3.xlsx", "q3.csv"]),
    in_wan=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_any_valid_lines_written_to_a_file_read_back_equal(
    lines: dict[tuple[str, str, str, str], int], file_name: str, in_wan: bool
) -> None:
    places = 6 if in_wan else 2
    totals = {
        measure: sum(amount for key, amount in lines.items() if key[1] == measure)
        for measure in ("vat", "cit")
    }
    rows = [
        ["单位", "万元" if in_wan else "元"],
        CHINESE_HEADERS,
        *(
            [code, "", measure, span, format_amount(amount, places), document]
            for (code, measure, span, document), amount in lines.items()
        ),
        *(["合计", "", measure, "", format_amount(total, places), ""] for measure, total in totals.items()),
    ]
    content = xlsx({"明细": rows}) if file_name == "q3.xlsx" else csv_bytes(rows)
    checked = understood(file_name, content)
    ids = {code: listed.enterprise_id for code, listed in ENTERPRISES.items()}
    assert lines_of(checked) == [
        (ids[code], measure, span, amount, document)
        for (code, measure, span, document), amount in lines.items()
    ]
    assert checked.totals_minor == totals


def test_the_guide_says_what_to_do_about_every_fault() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "returns.md").read_text()
    assert [code for code in FAULT_KINDS if f"`{code}`" not in guide] == []


# --- the template -----------------------------------------------------------------------------------------


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def by_month(number: int, measure: str) -> Document:
    monthly = clause(
        number, measures=(measure,), whose={"scope": "listed_enterprises"}, when={"step": "month"}
    )
    monthly["examples"][0]["figures"][0]["span"] = "2024-01"
    return monthly


@pytest.fixture
def room(database: Database) -> Room:
    opened = open_room(
        database,
        clause(1, measures=("vat",), whose={"scope": "listed_enterprises"}),
        by_month(2, "pit"),
        clause(3, mechanism="output_value", measures=("head_count",)),
    )
    opened.confirm_list(ListEntry(FIRST, "甲公司"), ListEntry(SECOND, "=乙公司"))
    return opened


def template(room: Room) -> dict[str, list[list[object]]]:
    """The cells of the template for the first quarter, by sheet."""
    with room.database.reading() as connection:
        content = workbook_template.template_workbook(connection, room.agreement_id, "host", Quarter(2024, 1))
    with load_workbook(io.BytesIO(content)) as book:
        return {
            name: [list(row) for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]
            for name in book.sheet_names
        }


def test_the_template_names_every_enterprise_measure_and_period_that_is_expected(room: Room) -> None:
    sheets = template(room)
    assert sheets["明细"][:2] == [CHINESE_HEADERS, ENGLISH_HEADERS]
    assert [row[:4] for row in sheets["明细"][2:]] == [
        [FIRST, "甲公司", "增值税", "2024Q1"],
        [FIRST, "甲公司", "个人所得税", "2024-01"],
        [FIRST, "甲公司", "个人所得税", "2024-02"],
        [FIRST, "甲公司", "个人所得税", "2024-03"],
        [SECOND, "=乙公司", "增值税", "2024Q1"],
        [SECOND, "=乙公司", "个人所得税", "2024-01"],
        [SECOND, "=乙公司", "个人所得税", "2024-02"],
        [SECOND, "=乙公司", "个人所得税", "2024-03"],
        ["", "全园区", "期末从业人员（人）", "2024Q1"],
    ]
    assert [row[0] for row in sheets["合计"][2:]] == ["增值税", "个人所得税", "期末从业人员（人）"]
    assert sheets["说明"][1][:2] == ["协议编号 agreement", "A-1"]


def test_a_template_with_only_the_amounts_typed_in_is_taken(room: Room) -> None:
    sheets = template(room)
    for number, row in enumerate(sheets["明细"][2:], start=1):
        row[4] = number
    for row, total in zip(sheets["合计"][2:], (1 + 5, 2 + 3 + 4 + 6 + 7 + 8, 9), strict=True):
        row[1:] = [total]
    handed_in = returns.hand_in_file(
        room.database, room.act(), room.agreement_id, "host", Quarter(2024, 1), "一季度.xlsx", xlsx(sheets)
    ).value
    assert handed_in.line_count == 9
    assert handed_in.totals == {"vat": 600, "pit": 3000, "head_count": 9}


def test_a_template_handed_in_with_amounts_left_empty_is_refused_cell_by_cell(room: Room) -> None:
    with pytest.raises(ReturnRefused) as refusal:
        returns.hand_in_file(
            room.database,
            room.act(),
            room.agreement_id,
            "host",
            Quarter(2024, 1),
            "一季度.xlsx",
            xlsx(template(room)),
        )
    found = [(fault.cell, fault.code) for fault in refusal.value.faults]
    assert found == [(f"E{row}", "AMOUNT_MISSING") for row in range(3, 12)]


# --- large files ------------------------------------------------------------------------------------------

HEADER_LINE = "统一社会信用代码,企业名称,指标,所属期,金额,凭证号\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_reading_a_large_csv_file_takes_little_more_memory_than_its_cells(encoding: str) -> None:
    rows = (f"91110108MA{row:08},企业,留存税收,2024Q1,{row}.00,凭证-{row}\n" for row in range(40_000))
    content = (HEADER_LINE + "".join(rows)).encode(encoding)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        size_bytes = len(content)
        del content
        tracemalloc.start()
        (sheet,) = read_sheets("a.csv", file, lambda first: len(first[0]) > 1, Faults())
        kept_bytes, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(sheet.rows) == 40_001
    assert peak_bytes - kept_bytes < size_bytes / 4


def test_a_cell_that_is_longer_than_cells_are_is_refused_as_unreadable() -> None:
    content = (HEADER_LINE + "甲" * 300_000).encode()
    for written in (content, b"a" * 300_000, b'"' * 300_001):
        with pytest.raises(ReturnRefused) as refusal:
            read_sheets("a.csv", opened(written), lambda _: False, Faults())
        assert [fault.code for fault in refusal.value.faults] == ["FILE_UNREADABLE"]
