"""Statistics of a party, book by book, and a plan's targets."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ledger.desk import indicators, roster
from ledger.desk.statements import ZoneForm
from ledger.periods import Quarter
from ledger_console.command.opening import ledger
from ledger_console.command.options import KnownAt, LanguageOption, OutputFile
from ledger_console.command.output import deliver

FormOption = Annotated[
    ZoneForm, typer.Option("--format", help="text, xlsx, pdf for people; csv for programs. 格式。")
]


def indicator_table(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party's code. 主体编号。")],
    book: Annotated[
        Literal["official", "assessment"],
        typer.Argument(
            help="The book; assessment isn't for publication. 账簿：在地统计账或考核账（不对外公布）。"
        ),
    ],
    first: Annotated[
        Quarter, typer.Argument(metavar="FIRST", parser=Quarter.parse, help="The first quarter. 起始季度。")
    ],
    last: Annotated[
        Quarter, typer.Argument(metavar="LAST", parser=Quarter.parse, help="The last quarter. 截止季度。")
    ],
    language: LanguageOption = "zh",
    format: FormOption = "text",
    known_at: KnownAt = None,
    output: OutputFile = None,
) -> None:
    """A party's statistics in one book, by quarter and year. 某主体在一个账簿中的指标表。"""
    with ledger() as database, database.reading() as connection:
        party_id = roster.party_by_code(connection, party).party_id
        read = indicators.official_table if book == "official" else indicators.assessment_table
        shown = read(connection, party_id, first, last, known_at=known_at)
    deliver(indicators.indicator_file(shown, format, language), output)


def plan(
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="The zone's code. 高新区编号。")],
    first_year: Annotated[int, typer.Argument(metavar="FIRST", help="The first year. 起始年份。")],
    last_year: Annotated[int, typer.Argument(metavar="LAST", help="The last year. 截止年份。")],
    language: LanguageOption = "zh",
    format: FormOption = "text",
    known_at: KnownAt = None,
    output: OutputFile = None,
) -> None:
    """A plan's targets for a zone beside the official book. 规划指标的目标与完成值（在地统计账）。"""
    with ledger() as database, database.reading() as connection:
        zone_id = roster.party_by_code(connection, zone).party_id
        shown = indicators.plan_table(connection, zone_id, first_year, last_year, known_at=known_at)
    deliver(indicators.plan_file(shown, format, language), output)
