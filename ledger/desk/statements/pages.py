"""A paper as PDF, to print and to archive (PDF/A-2u: fonts inside, every character there or refused)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import typst

from ledger.desk.statements.paper import Amount, Cell, Chart, Column, Paper, Speaker, Table
from ledger.errors import LedgerError
from ledger.money import format_wan

FONTS_VARIABLE = "PARKLEDGER_FONTS"
CHINESE_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "SimSun",
)
"""Looked for on the system, the first that is there is taken."""

ROWS_PRINTED_MAX = 5_000
"""Most rows of a paper's tables together (100 pages and more); a table beyond it is named, not printed."""

LONG_WORD = re.compile(r"[!-~]{16}(?=[!-~])")
MISSING_CHARACTER = "could not be displayed with font"


class ChineseFontMissing(LedgerError):
    """No font for Chinese text can be found."""

    code = "CHINESE_FONT_MISSING"
    sentence_en = (
        "Expected a font for Chinese text, but found none in {place_en}. "
        "Install one (Debian: apt-get install fonts-noto-cjk, or "
        "fonts-wqy-microhei), or name a folder with one in PARKLEDGER_FONTS."
    )
    sentence_zh = (
        "制作 PDF 需要中文字体，但在{place_zh}未找到。请安装（Debian：apt-get install fonts-noto-cjk 或 "
        "fonts-wqy-microhei），或用 PARKLEDGER_FONTS 指定字体所在文件夹。"
    )


class CharacterWithoutGlyph(LedgerError):
    """The fonts can't show some character of the paper; a box in its place would be a wrong paper."""

    code = "CHARACTER_WITHOUT_GLYPH"
    sentence_en = (
        "The fonts {fonts} can't show everything: {detail}. Install a font with more characters (Debian: "
        "apt-get install fonts-noto-cjk), or name a folder with one in PARKLEDGER_FONTS."
    )
    sentence_zh = (
        "字体 {fonts} 缺少部分字符：{detail}。"
        "请安装字符更全的字体（Debian：apt-get install fonts-noto-cjk），"
        "或用 PARKLEDGER_FONTS 指定字体所在文件夹。"
    )


FONTS_LACKING = (ChineseFontMissing, CharacterWithoutGlyph)
"""Failures of the machine, not of what was asked."""


def paper_pages(paper: Paper) -> bytes:
    """The PDF file; the same paper gives the same bytes with the same fonts.

    Raises ``ChineseFontMissing`` and ``CharacterWithoutGlyph``.
    """
    fonts, families = fonts_of(os.environ.get(FONTS_VARIABLE, ""))
    source = files("ledger.desk.statements").joinpath("page.typ").read_bytes()
    data = json.dumps(_page_data(paper, families), ensure_ascii=False)
    try:
        return typst.compile(
            source,
            font_paths=fonts,
            sys_inputs={"paper": data},
            format="pdf",
            pdf_standards="a-2u",
            pdf_tags=False,
            timestamp=int(paper.made_at.timestamp()),
        )
    except typst.TypstError as error:
        if MISSING_CHARACTER in error.message:
            raise CharacterWithoutGlyph(fonts=", ".join(families), detail=error.message) from error
        raise


@cache
def fonts_of(folder: str) -> tuple[typst.Fonts, tuple[str, ...]]:
    """The fonts at hand and the families to use: those of the folder, else a Chinese one of the system."""
    if folder:
        own = typst.Fonts(False, False, [Path(folder)]).families()
        if not own:
            raise ChineseFontMissing(place_en=f"the folder {folder}", place_zh=f"文件夹 {folder} 中")
        return typst.Fonts(False, True, [Path(folder)]), tuple(own)
    fonts = typst.Fonts()
    present = set(fonts.families())
    for family in CHINESE_FAMILIES:
        if family in present:
            return fonts, (family,)
    raise ChineseFontMissing(place_en="this system", place_zh="本系统中")


def _page_data(paper: Paper, families: tuple[str, ...]) -> dict[str, object]:
    say = Speaker(paper.language).say
    return {
        "language": paper.language,
        "fonts": list(families),
        "title": paper.title,
        "identifier": paper.identifier,
        "mark": paper.mark,
        "facts": [list(fact) for fact in paper.facts],
        "remarks": list(paper.remarks),
        "charts": [_chart_data(chart) for chart in paper.charts if chart.bars],
        "tables": list(_tables_data(paper)),
        "words": {
            "page": say("第 {page} 页，共 {pages} 页", "Page {page} of {pages}"),
            "remark": say("备注：", "Note: "),
        },
    }


def _chart_data(chart: Chart) -> dict[str, object]:
    """Lengths are whole thousandths of the longest bar."""
    return {
        "heading": f"{chart.heading} ({chart.unit})",
        "bars": [
            {
                "label": label,
                "shown": str(amount),
                "permille": abs(amount.amount_minor) * 1000 // chart.longest_minor,
                "negative": amount.amount_minor < 0,
            }
            for label, amount in chart.bars
        ],
    }


def _tables_data(paper: Paper) -> Iterator[dict[str, object]]:
    room = ROWS_PRINTED_MAX
    for table in paper.tables:
        is_printed = len(table.rows) <= room
        room -= len(table.rows) if is_printed else 0
        yield {
            "heading": table.heading,
            "columns": [head for column in table.columns for head in _heads(table, column, paper)],
            "rows": [list(_row(table, row)) for row in table.rows] if is_printed else [],
            "instead": _instead_of_rows(len(table.rows), Speaker(paper.language)),
        }


def _instead_of_rows(count: int, speaker: Speaker) -> str:
    """What stands where no rows do."""
    if not count:
        return speaker.say("无", "None")
    return speaker.say(
        f"共 {count:,} 行，此处不印；见同一标识的 XLSX",
        f"{count:,} rows, not printed: see the XLSX of this identifier",
    )


def _heads(table: Table, column: Column, paper: Paper) -> Iterator[dict[str, object]]:
    say, unit = Speaker(paper.language).say, table.unit
    amount = column.kind == "amount"
    titles = [say(f"{column.title}（{unit}）", f"{column.title} ({unit})") if amount else column.title]
    if amount and table.in_wan:
        titles.append(say(f"{column.title}（万{unit}）", f"{column.title} (10,000 {unit})"))
    for title in titles:
        yield {"title": title, "right": column.kind in ("amount", "number"), "wide": column.kind == "long"}


def _row(table: Table, row: Sequence[Cell]) -> Iterator[list[str]]:
    for column, cell in zip(table.columns, row, strict=True):
        if column.kind != "amount":
            yield _parts("" if cell is None else str(cell))
            continue
        yield [str(cell) if isinstance(cell, Amount) else ""]
        if table.in_wan:
            yield [format_wan(cell.amount_minor, cell.scale) if isinstance(cell, Amount) else ""]


def _parts(text: str) -> list[str]:
    """The text in parts between which a line may end, so that hashes and long codes wrap too."""
    return LONG_WORD.sub("\\g<0>\0", text).split("\0")
