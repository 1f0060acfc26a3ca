"""Returns of the sample as files: the same bytes every time, so that handing one in again is a replay."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # it ships no types

from ledger.desk.returns.workbook import HEADERS, LINES_SHEET, NOTES, NOTES_SHEET, TOTALS_SHEET
from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount
from ledger_console.sample.documents import SampleAgreement
from ledger_console.sample.figures import MADE_UP, Figure, SampleReturn

CSV_ENCODING = "gb18030"
"""What a spreadsheet program in Chinese writes."""

TOTAL_MARK = "合计"
# A workbook's properties hold the moment of its making, which would make its bytes differ every time.
MADE_AT = datetime(2024, 1, 1, tzinfo=UTC)

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class ReturnFile:
    name: str
    content: bytes


def file_of(agreement: SampleAgreement, handed_in: SampleReturn) -> ReturnFile | None:
    """The return as the file in which the agreement's parties hand it in.

    None where they hand in lines instead, and for a nil return.
    """
    if agreement.handed_in_by == "lines" or handed_in.is_nil:
        return None
    name = f"{agreement.code}-{handed_in.quarter}-{handed_in.role}.{agreement.handed_in_by}"
    write = _csv if agreement.handed_in_by == "csv" else _workbook
    return ReturnFile(
        name, write(_notes(agreement, handed_in), _lines(agreement, handed_in), _totals(handed_in))
    )


def _notes(agreement: SampleAgreement, handed_in: SampleReturn) -> Rows:
    values = {
        "agreement": agreement.code,
        "role": handed_in.role,
        "quarter": str(handed_in.quarter),
        "unit": "元",
    }
    return [(NOTES[name][0], value) for name, value in values.items()]


def _lines(agreement: SampleAgreement, handed_in: SampleReturn) -> Rows:
    names = {enterprise.credit_code: enterprise.name_zh for enterprise in agreement.enterprises}
    return [_line(figure, names) for figure in handed_in.figures]


def _line(figure: Figure, names: Mapping[str, str]) -> Sequence[str]:
    code = figure.credit_code or ""
    measure = MEASURE_BY_NAME[figure.measure]
    return code, names.get(code, ""), measure.name_zh, str(figure.span), figure.amount, figure.document


def _totals(handed_in: SampleReturn) -> Rows:
    measures = [
        (MEASURE_BY_NAME[name], amount_minor) for name, amount_minor in handed_in.totals_minor.items()
    ]
    return [
        (measure.name_zh, format_amount(amount_minor, measure.commodity.scale))
        for measure, amount_minor in measures
    ]


def _csv(notes: Rows, lines: Rows, totals: Rows) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([MADE_UP])
    writer.writerows(notes)
    writer.writerow([header_zh for header_zh, _ in HEADERS.values()])
    writer.writerows(lines)
    writer.writerows((TOTAL_MARK, "", measure, "", amount, "") for measure, amount in totals)
    return text.getvalue().encode(CSV_ENCODING)


def _workbook(notes: Rows, lines: Rows, totals: Rows) -> bytes:
    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": MADE_AT, "comments": MADE_UP})
        _add_sheet(workbook, LINES_SHEET, [header_zh for header_zh, _ in HEADERS.values()], lines)
        _add_sheet(workbook, TOTALS_SHEET, [HEADERS["measure"][0], HEADERS["amount"][0]], totals)
        _add_sheet(workbook, NOTES_SHEET, [MADE_UP], notes)
    return content.getvalue()


def _add_sheet(workbook: Workbook, name: str, headers: Sequence[str], rows: Rows) -> None:
    """Amounts become number cells, as people write them."""
    sheet = workbook.add_worksheet(name)
    sheet.write_row(0, 0, headers)
    amount_header = HEADERS["amount"][0]
    for row_index, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            is_amount = column < len(headers) and headers[column] == amount_header
            if is_amount:
                sheet.write_number(row_index, column, Decimal(cell))
            else:
                sheet.write_string(row_index, column, cell)
