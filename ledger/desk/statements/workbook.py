"""A paper as a workbook: a sheet for each table, amounts as numbers, nothing that a spreadsheet computes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # it ships no type hints
from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from ledger.desk.statements.paper import Amount, Cell, Chart, Column, Paper, Speaker, Table
from ledger.money import format_amount

ROWS_MAX = 1_000_000
"""Most rows of a table on one sheet; a longer table goes on on the next."""

SHEET_NAME_LENGTH_MAX = 31
WIDTH_MAX = 48
ARTICLE_WIDTH = 90
LONG_TEXT_LENGTH = 200
WAN_PLACES = 4
PAPER_A4 = 9


def paper_workbook(paper: Paper) -> bytes:
    """The XLSX file. An amount takes three columns: its unit, 万, and the exact text."""
    target = io.BytesIO()
    with Workbook(target, {"constant_memory": True, "strings_to_formulas": False}) as workbook:
        workbook.set_properties({"title": paper.title, "subject": paper.identifier, "comments": paper.mark})
        _Book(workbook, paper).write()
    return target.getvalue()


@dataclass(frozen=True, slots=True)
class _Place:
    """A column of a sheet, and how it shows its cell of the table's row."""

    title: str
    column: int
    shows: str
    """``text``, ``number``, ``unit``, ``wan`` or ``exact``."""
    width: int


class _Book:
    """Writes one workbook, row after row, as constant memory wants it."""

    def __init__(self, workbook: Workbook, paper: Paper) -> None:
        self._workbook = workbook
        self._paper = paper
        self._speaker = Speaker(paper.language)
        self._title = workbook.add_format({"bold": True, "font_size": 14})
        self._heading = workbook.add_format({"bold": True, "font_size": 12})
        self._mark = workbook.add_format({"bold": True, "font_color": "#C00000"})
        self._label = workbook.add_format({"bold": True, "valign": "top"})
        self._head = workbook.add_format(
            {"bold": True, "border": 1, "bg_color": "#DDE5EE", "text_wrap": True, "valign": "vcenter"}
        )
        self._text = workbook.add_format({"border": 1, "text_wrap": True, "valign": "top"})
        self._right = workbook.add_format({"border": 1, "align": "right", "valign": "top"})
        self._numbers: dict[str, Format] = {}
        self._names: set[str] = set()

    def write(self) -> None:
        self._cover()
        for table in self._paper.tables:
            for rows in _batches(table.rows):
                self._sheet(table, rows)
        for chart in self._paper.charts:
            if chart.bars:
                self._chart(chart)

    def _cover(self) -> None:
        paper = self._paper
        sheet = self._worksheet(self._speaker.say("封面", "Cover"))
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, 1, 76)
        sheet.write_string(0, 0, paper.title, self._title)
        if paper.mark:
            sheet.write_string(1, 0, paper.mark, self._mark)
        remarks = [(self._speaker.say("备注", "Note"), remark) for remark in paper.remarks]
        for number, (name, value) in enumerate([*paper.facts, *remarks], start=3):
            sheet.write_string(number, 0, name, self._label)
            sheet.write_string(number, 1, value)

    def _sheet(self, table: Table, rows: Sequence[Sequence[Cell]]) -> None:
        sheet = self._worksheet(table.name)
        places = list(self._places(table, rows))
        for number, place in enumerate(places):
            sheet.set_column(number, number, place.width)
        sheet.write_string(0, 0, table.heading, self._heading)
        about = f"{self._paper.title} · {self._paper.identifier}"
        sheet.write_string(1, 0, about)
        if self._paper.mark:
            sheet.write_string(2, 0, self._paper.mark, self._mark)
        for number, place in enumerate(places):
            sheet.write_string(3, number, place.title, self._head)
        for row_number, row in enumerate(rows, start=4):
            for number, place in enumerate(places):
                self._write(sheet, row_number, number, place, row[place.column])
        sheet.freeze_panes(4, 0)
        sheet.repeat_rows(3)
        sheet.autofilter(3, 0, 3 + len(rows), len(places) - 1)

    def _chart(self, chart: Chart) -> None:
        """A sheet with the bars' amounts, and a chart of the spreadsheet's own that draws them."""
        sheet = self._worksheet(chart.name)
        sheet.set_column(0, 1, 24)
        sheet.write_string(0, 0, f"{chart.heading} ({chart.unit})", self._heading)
        for row, (label, amount) in enumerate(chart.bars, start=1):
            sheet.write_string(row, 0, label, self._text)
            exact = Decimal(format_amount(amount.amount_minor, amount.scale))
            sheet.write_number(row, 1, exact, self._number(amount.scale, in_wan=False))
        name, last = sheet.get_name(), len(chart.bars)
        drawn = self._workbook.add_chart({"type": "bar"})
        drawn.add_series({"categories": [name, 1, 0, last, 0], "values": [name, 1, 1, last, 1]})
        drawn.set_title({"name": f"{chart.heading} ({chart.unit})"})
        drawn.set_legend({"none": True})
        drawn.set_y_axis({"reverse": True})
        sheet.insert_chart(0, 3, drawn)

    def _worksheet(self, name: str) -> Worksheet:
        """A sheet set up for printing: A4 across, as wide as the page, with the paper's name and pages."""
        sheet = self._workbook.add_worksheet(self._unused(name))
        sheet.set_landscape()
        sheet.set_paper(PAPER_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.5, 0.5, 0.75, 0.75)
        sheet.set_header(f"&L{_in_header(self._paper.title)}&R{_in_header(self._paper.mark)}")
        sheet.set_footer(f"&L{_in_header(self._paper.identifier)}&C&A&R&P / &N")
        return sheet

    def _unused(self, name: str) -> str:
        number, chosen = 1, name[:SHEET_NAME_LENGTH_MAX]
        while chosen.lower() in self._names:
            number += 1
            ending = f" ({number})"
            chosen = name[: SHEET_NAME_LENGTH_MAX - len(ending)] + ending
        self._names.add(chosen.lower())
        return chosen

    def _places(self, table: Table, rows: Sequence[Sequence[Cell]]) -> Iterator[_Place]:
        for number, column in enumerate(table.columns):
            if column.kind != "amount":
                shows = "number" if column.kind == "number" else "text"
                yield _Place(column.title, number, shows, _text_width(column, number, rows))
                continue
            say, unit = self._speaker.say, table.unit
            width = 4 + max([10, *(len(str(row[number])) for row in rows if row[number] is not None)])
            yield _Place(say(f"{column.title}（{unit}）", f"{column.title} ({unit})"), number, "unit", width)
            in_wan = say(f"{column.title}（万{unit}）", f"{column.title} (10,000 {unit})")
            yield _Place(in_wan, number, "wan", width)
            exact = say(f"{column.title}（精确数）", f"{column.title} (exact text)")
            yield _Place(exact, number, "exact", width)

    def _write(self, sheet: Worksheet, row: int, column: int, place: _Place, cell: Cell) -> None:
        if isinstance(cell, Amount):
            self._write_amount(sheet, row, column, place, cell)
        elif isinstance(cell, int):
            sheet.write_number(row, column, cell, self._right)
        else:
            sheet.write_string(row, column, cell or "", self._text)

    def _write_amount(self, sheet: Worksheet, row: int, column: int, place: _Place, amount: Amount) -> None:
        exact = format_amount(amount.amount_minor, amount.scale)
        if place.shows == "exact":
            sheet.write_string(row, column, exact, self._right)
            return
        in_wan = place.shows == "wan"
        number = Decimal(exact).scaleb(-WAN_PLACES) if in_wan else Decimal(exact)
        sheet.write_number(row, column, number, self._number(amount.scale, in_wan=in_wan))

    def _number(self, scale: int, *, in_wan: bool) -> Format:
        places = "00" + "#" * (scale + WAN_PLACES - 2) if in_wan else "0" * scale
        shown = f"#,##0.{places}" if places else "#,##0"
        if shown not in self._numbers:
            self._numbers[shown] = self._workbook.add_format(
                {"border": 1, "num_format": shown, "valign": "top"}
            )
        return self._numbers[shown]


def _batches(rows: Sequence[Sequence[Cell]]) -> Iterator[Sequence[Sequence[Cell]]]:
    for start in range(0, max(len(rows), 1), ROWS_MAX):
        yield rows[start : start + ROWS_MAX]


def _text_width(column: Column, number: int, rows: Sequence[Sequence[Cell]]) -> int:
    """As wide as the widest cell, within limits; Chinese characters are twice as wide."""
    texts = [column.title, *(str(row[number] or "") for row in rows)]
    if any(len(text) > LONG_TEXT_LENGTH for text in texts):
        return ARTICLE_WIDTH
    widest = max(sum(2 if character > "\u2e7f" else 1 for character in text) for text in texts)
    return min(widest + 2, WIDTH_MAX)


def _in_header(text: str) -> str:
    """Text in which a spreadsheet sees no commands, within the length that headers may have."""
    return text[:80].replace("&", "&&")
