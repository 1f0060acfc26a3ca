"""The workbook that an officer fills in: everything is written already but the amounts."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import xlsxwriter  # type: ignore[import-untyped]  # it ships no type hints
from sqlalchemy import Connection

from ledger.desk.agreements import agreement
from ledger.desk.returns.checks import Expectation, ExpectedMeasure, measure_label
from ledger.desk.returns.expected import expectation
from ledger.desk.returns.workbook import HEADERS, LINES_SHEET, NOTES, NOTES_SHEET, TOTALS_SHEET
from ledger.measures import Measure
from ledger.periods import Quarter

COLUMN_WIDTHS = (24, 32, 24, 12, 20, 24)
TEXT_FORMAT = "@"

NOTES_FOR_PEOPLE = """\
请在“明细”填写金额，在“合计”填写各指标合计。金额为零填 0；无数据的行请整行删除。
金额不带千分位，小数位数不超过计量单位的精度。请勿改动表头和工作表名称。
本季度没有任何数据时，将“零申报”改为“是”，金额全部留空。
Fill in the amounts on 明细 (lines) and the total of each measure on 合计 (totals).
Write 0 for zero; delete a line that has nothing to report. No signs of thousands.
Leave headers and sheet names alone.
If there is nothing at all to report, set 零申报 (nil return) to 是 and leave every amount empty.
"""


def template_workbook(connection: Connection, agreement_id: int, role: str, quarter: Quarter) -> bytes:
    """An .xlsx file for ``role``'s return: a line for each enterprise, measure and period, amounts empty.

    Raises ``NotFound``, ``QuarterOutOfReach``, ``RoleReportsNothing``, ``NoOpenQuarter``.
    """
    expected = expectation(connection, agreement_id, role, quarter)
    title = agreement(connection, agreement_id).title_zh
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        text = workbook.add_format({"num_format": TEXT_FORMAT})
        bold = workbook.add_format({"bold": True, "num_format": TEXT_FORMAT})
        _write_lines(workbook.add_worksheet(LINES_SHEET), expected, text, bold)
        _write_totals(workbook.add_worksheet(TOTALS_SHEET), expected, text, bold)
        _write_notes(workbook.add_worksheet(NOTES_SHEET), expected, title, text, bold)
    return content.getvalue()


def _write_lines(
    sheet: xlsxwriter.worksheet.Worksheet,
    expected: Expectation,
    text: xlsxwriter.format.Format,
    bold: xlsxwriter.format.Format,
) -> None:
    _write_headers(sheet, list(HEADERS.values()), bold)
    for column, width in enumerate(COLUMN_WIDTHS):
        sheet.set_column(column, column, width, text)
    for row, line in enumerate(_lines(expected), start=2):
        _write_texts(sheet, row, line, text)


def _lines(expected: Expectation) -> Iterator[tuple[str, ...]]:
    """Enterprise by enterprise, the whole park last."""
    for code, enterprise in expected.enterprises.items():
        for measure in expected.measures.values():
            if measure.for_enterprises:
                yield from _lines_of(expected, measure, code, enterprise.name_zh)
    for measure in expected.measures.values():
        if measure.for_whole_park and not measure.for_enterprises:
            yield from _lines_of(expected, measure, "", "全园区")


def _lines_of(
    expected: Expectation, measure: ExpectedMeasure, code: str, name: str
) -> Iterator[tuple[str, ...]]:
    months = 1 if measure.is_monthly else 3
    for span in expected.spans:
        if span.months == months:
            yield code, name, measure_label(measure.measure), str(span)


def _write_totals(
    sheet: xlsxwriter.worksheet.Worksheet,
    expected: Expectation,
    text: xlsxwriter.format.Format,
    bold: xlsxwriter.format.Format,
) -> None:
    _write_headers(sheet, [HEADERS["measure"], HEADERS["amount"]], bold)
    sheet.set_column(0, 1, COLUMN_WIDTHS[2], text)
    for row, measure in enumerate(_measures(expected), start=2):
        _write_texts(sheet, row, (measure_label(measure),), text)


def _measures(expected: Expectation) -> list[Measure]:
    return [each.measure for each in expected.measures.values()]


def _write_notes(
    sheet: xlsxwriter.worksheet.Worksheet,
    expected: Expectation,
    title: str,
    text: xlsxwriter.format.Format,
    bold: xlsxwriter.format.Format,
) -> None:
    sheet.set_column(0, 0, COLUMN_WIDTHS[0], bold)
    sheet.set_column(1, 1, COLUMN_WIDTHS[1], text)
    values = {
        "agreement": expected.agreement_code,
        "role": expected.role,
        "quarter": str(expected.quarter),
        "unit": "元",
        "nil": "否",
    }
    _write_texts(sheet, 0, ("协议名称 title", title), text)
    for row, (name, value) in enumerate(values.items(), start=1):
        _write_texts(sheet, row, (" ".join(NOTES[name]), value), text)
    for row, sentence in enumerate(NOTES_FOR_PEOPLE.splitlines(), start=len(values) + 2):
        _write_texts(sheet, row, (sentence,), text)


def _write_headers(
    sheet: xlsxwriter.worksheet.Worksheet, headers: Sequence[tuple[str, str]], bold: xlsxwriter.format.Format
) -> None:
    _write_texts(sheet, 0, [zh for zh, _ in headers], bold)
    _write_texts(sheet, 1, [en for _, en in headers], bold)
    sheet.freeze_panes(2, 0)


def _write_texts(
    sheet: xlsxwriter.worksheet.Worksheet, row: int, texts: Sequence[str], style: xlsxwriter.format.Format
) -> None:
    """Always as text: a name that begins with ``=`` must not become a formula."""
    for column, text in enumerate(texts):
        if text:
            sheet.write_string(row, column, text, style)
