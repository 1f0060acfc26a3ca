"""Indicator tables for people and programs. Every heading names the book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from fractions import Fraction

from ledger.desk.indicators.plans import PlanRow, PlanTable
from ledger.desk.indicators.tables import AssessmentTable, IndicatorRow, IndicatorTable, OfficialTable
from ledger.desk.statements import ZoneForm, paper_file
from ledger.desk.statements.paper import Amount, Cell, Column, Paper, Speaker, Table, tables_by_unit
from ledger.desk.statements.parts import ASSESSMENT_MARK, ASSESSMENT_REMARK
from ledger.money import RoundingMode, format_amount, round_exact
from ledger.rules.explanation import Language
from ledger.rules.fields import Bilingual
from ledger.rules.terms import Book

LEDGER_REMARK = Bilingual(
    zh="数据为本账本各协议申报并已关账的部分，不等于高新区的全部统计",
    en="figures that the agreements of this ledger have closed, not all statistics of the zone",
)


def indicator_file(shown: OfficialTable | AssessmentTable, form: ZoneForm, language: Language) -> bytes:
    """The table of one book in the form. Raises what ``paper_file`` raises."""
    return paper_file(_indicator_paper(shown, shown.book, Speaker(language)), form)


def plan_file(shown: PlanTable, form: ZoneForm, language: Language) -> bytes:
    """The plan's table in the form. Raises what ``paper_file`` raises."""
    speaker = Speaker(language)
    title = speaker.say("规划指标完成情况", "Targets of the plan and values")
    return paper_file(
        _paper(shown.official, Book.OFFICIAL, speaker, title, _plan_tables(shown, speaker)), form
    )


def _indicator_paper(shown: IndicatorTable, book: Book, speaker: Speaker) -> Paper:
    tables = [
        *_period_tables(
            book,
            speaker,
            Bilingual(zh="按季度", en="By quarter"),
            [(row, str(quarter), amount) for row in shown.rows for quarter, amount in row.by_quarter.items()],
        ),
        *_period_tables(
            book,
            speaker,
            Bilingual(zh="按年", en="By year"),
            [(row, str(year), amount) for row in shown.rows for year, amount in row.by_year.items()],
        ),
    ]
    title = speaker.say("指标表", "Indicators")
    return _paper(shown, book, speaker, title, tables)


def _paper(shown: IndicatorTable, book: Book, speaker: Speaker, title: str, tables: Sequence[Table]) -> Paper:
    say, named = speaker.say, shown.party
    name = say(named.name_zh, named.name_en or named.name_zh)
    remarks = [LEDGER_REMARK, *([ASSESSMENT_REMARK] if book is Book.ASSESSMENT else [])]
    return Paper(
        language=speaker.language,
        title=f"{name} {title} · {speaker.book_in_full(book)}",
        identifier=f"{named.code}-{book.value}-{shown.first}-{shown.last}",
        made_at=shown.known_at,
        mark=speaker.of(ASSESSMENT_MARK) if book is Book.ASSESSMENT else "",
        facts=[
            (say("主体", "Party"), f"{name} ({named.code})"),
            (say("账簿", "Book"), speaker.book_in_full(book)),
            (say("期间", "Quarters"), f"{shown.first} – {shown.last}"),
            (say("截至", "As known at"), speaker.moment(shown.known_at.astimezone(UTC))),
        ],
        tables=tables,
        remarks=[speaker.of(remark) for remark in remarks],
    )


def _period_tables(
    book: Book,
    speaker: Speaker,
    name: Bilingual,
    items: Sequence[tuple[IndicatorRow, str, int]],
) -> list[Table]:
    def row(item: tuple[IndicatorRow, str, int]) -> list[Cell]:
        measured, period, amount_minor = item
        commodity = measured.indicator.measure.commodity
        return [
            speaker.commodity(commodity),
            period,
            Amount(amount_minor, commodity.scale),
            speaker.of(measured.indicator.source),
        ]

    columns = [
        speaker.column("指标", "indicator"),
        speaker.column("期间", "period"),
        _amount_column(speaker, book, Bilingual(zh="数额", en="amount")),
        speaker.column("分计依据", "rule under which it is split", "long"),
    ]
    return tables_by_unit(
        speaker, name, columns, items, lambda item: (book, item[0].indicator.measure.commodity), row
    )


def _plan_tables(shown: PlanTable, speaker: Speaker) -> list[Table]:
    def row(one: PlanRow) -> list[Cell]:
        scale = one.indicator.measure.commodity.scale
        return [
            speaker.commodity(one.indicator.measure.commodity),
            str(one.year),
            Amount(one.target_minor, scale),
            None if one.value_minor is None else Amount(one.value_minor, scale),
            "" if one.reached is None else percent(one.reached),
            one.source,
        ]

    columns = [
        speaker.column("指标", "indicator"),
        speaker.column("年份", "year"),
        _amount_column(speaker, Book.OFFICIAL, Bilingual(zh="目标", en="target")),
        _amount_column(speaker, Book.OFFICIAL, Bilingual(zh="完成", en="value")),
        speaker.column("完成率", "reached"),
        speaker.column("规划文件", "plan", "long"),
    ]
    return tables_by_unit(
        speaker,
        Bilingual(zh="目标与完成", en="Targets and values"),
        columns,
        shown.rows,
        lambda one: (Book.OFFICIAL, one.indicator.measure.commodity),
        row,
    )


def _amount_column(speaker: Speaker, book: Book, name: Bilingual) -> Column:
    return Column(f"{speaker.of(name)} · {speaker.book_in_full(book)}", "amount")


def percent(part: Fraction) -> str:
    """In hundredths with one place, half up."""
    return f"{format_amount(round_exact(part * 1000, RoundingMode.HALF_UP), 1)}%"
