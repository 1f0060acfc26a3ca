"""Pairings: what two parties have with each other, and the nation at a glance."""

from __future__ import annotations

from datetime import date
from typing import Annotated, cast, get_args

import typer

from ledger.desk import days, pairings
from ledger.desk.agreements import agreements_by_id
from ledger.desk.pairings import Group, Grouping, PairingForm
from ledger.measures import COMMODITY_BY_ID, YUAN
from ledger.money import format_amount
from ledger.periods import Quarter, parse_day
from ledger.rules.explanation import BOOK_NAMES, Language
from ledger.rules.words import MECHANISM_NAMES
from ledger_console.command.commitments import STATE_NAMES
from ledger_console.command.opening import ledger
from ledger_console.command.options import KnownAt, LanguageOption, OutputFile
from ledger_console.command.output import deliver, show, show_table

pairing_commands = typer.Typer(
    no_args_is_help=True, help="Pairings and the nation at a glance. 结对与全国概览。"
)

From = Annotated[
    Quarter,
    typer.Option(
        "--from", metavar="QUARTER", parser=Quarter.parse, help="The first booked quarter. 起始季度。"
    ),
]
To = Annotated[
    Quarter,
    typer.Option("--to", metavar="QUARTER", parser=Quarter.parse, help="The last booked quarter. 截止季度。"),
]
By = Annotated[
    str,
    typer.Option("--by", metavar="GROUPING", help="province, region or half (north and south). 分组方式。"),
]
Today = Annotated[
    date | None,
    typer.Option("--today", metavar="DAY", parser=parse_day, help="As of this day. 以此日为准，默认今天。"),
]

FLOW_HEADS = (("季度", "quarter"), ("机制", "mechanism"), ("方向", "direction"), ("金额（元）", "yuan"))
CREDIT_HEADS = (
    ("季度", "quarter"),
    ("账簿", "book"),
    ("统计数", "statistic"),
    ("主体", "party"),
    ("数额", "amount"),
    ("单位", "unit"),
)
DEBT_HEADS = (
    ("方向", "direction"),
    ("应付", "raised"),
    ("已付", "paid"),
    ("已免除", "waived"),
    ("未付", "open"),
    ("逾期", "overdue"),
)
CELL_HEADS = (("付款方", "payer"), ("收款方", "payee"), ("机制", "mechanism"), ("金额（元）", "yuan"))
RANK_HEADS = (
    ("名次", "place"),
    ("分组", "group"),
    ("协议数", "agreements"),
    ("应付（元）", "paid (yuan)"),
    ("应收（元）", "received (yuan)"),
    ("逾期（元）", "overdue (yuan)"),
)
YEAR_HEADS = (("年度", "year"), ("机制", "mechanism"), ("金额（元）", "yuan"))


@pairing_commands.command("show")
def show_pairing(
    one: Annotated[str, typer.Argument(metavar="PARTY", help="A party's code. 主体编号。")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The other party's code. 另一主体编号。")],
    first: From,
    last: To,
    today: Today = None,
    known_at: KnownAt = None,
    language: LanguageOption = "zh",
) -> None:
    """Show everything between two parties. 显示两个主体之间的协议、往来、统计、欠款与承诺。"""
    groups = Group("party", one), Group("party", other)
    with ledger() as database, database.reading() as connection:
        day = days.day_asked(connection, today, known_at)
        found = pairings.pairing(connection, *groups, first, last, day, known_at)
        codes = [each.code for each in agreements_by_id(connection, found.agreement_ids).values()]
    index = _index(language)
    show(f"{one} — {other}: {', '.join(sorted(codes)) or '-'}")
    ways = {True: f"{one} → {other}", False: f"{other} → {one}"}
    if found.flows:
        rows = [
            [
                str(flow.quarter),
                MECHANISM_NAMES[flow.mechanism][index],
                ways[flow.from_one],
                _yuan(flow.amount_minor),
            ]
            for flow in found.flows
        ]
        show_table(FLOW_HEADS, rows, language, right={3})
    if found.credits:
        show_table(
            CREDIT_HEADS, [_credit(each, one, other, index) for each in found.credits], language, right={4}
        )
    if found.debts:
        rows = [[ways[debt.from_one], *_debt(debt)] for debt in found.debts]
        show_table(DEBT_HEADS, rows, language, right={1, 2, 3, 4, 5})
    disputes = found.disputes
    open_word, ended_word = ("争议：未结", "已结") if language == "zh" else ("disputes: open", "ended")
    show(f"{open_word} {disputes.open_count}, {ended_word} {disputes.ended_count}")
    for state, count in found.commitments.items():
        show(f"{('承诺', 'commitments')[index]} {STATE_NAMES[state][index]}: {count}")


@pairing_commands.command("paper")
def write_paper(
    one: Annotated[str, typer.Argument(metavar="PARTY", help="A party's code. 主体编号。")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The other party's code. 另一主体编号。")],
    first: From,
    last: To,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="xlsx or pdf. 文件格式。")] = "xlsx",
    output: OutputFile = None,
    today: Today = None,
    language: LanguageOption = "zh",
) -> None:
    """Write the review paper of a pairing, with charts. 制作结对评估文件（含图表）。"""
    if form not in get_args(PairingForm):
        raise typer.BadParameter(f"{form}: {', '.join(get_args(PairingForm))}")
    groups = Group("party", one), Group("party", other)
    with ledger() as database, database.reading() as connection:
        found = pairings.pairing(connection, *groups, first, last, today or days.today(connection))
        content = pairings.pairing_file(connection, found, cast("PairingForm", form), language)
    deliver(content, output)


@pairing_commands.command("matrix")
def show_matrix(
    first: From,
    last: To,
    by: By = "province",
    known_at: KnownAt = None,
    language: LanguageOption = "zh",
) -> None:
    """Show who owed whom how much over the nation. 显示全国各组之间的应付金额。"""
    grouping = _grouping(by)
    with ledger() as database, database.reading() as connection:
        found = pairings.matrix(connection, grouping, first, last, known_at)
    rows = [
        [
            one.payer or "-",
            one.payee or "-",
            MECHANISM_NAMES[one.mechanism][_index(language)],
            _yuan(one.amount_minor),
        ]
        for one in found
    ]
    show_table(CELL_HEADS, rows, language, right={3})


@pairing_commands.command("ranking")
def show_ranking(
    first: From,
    last: To,
    by: By = "province",
    today: Today = None,
    known_at: KnownAt = None,
    language: LanguageOption = "zh",
) -> None:
    """Rank groups by what flowed in and out of them. 按往来金额排名。"""
    grouping = _grouping(by)
    with ledger() as database, database.reading() as connection:
        day = days.day_asked(connection, today, known_at)
        found = pairings.ranking(connection, grouping, first, last, day, pairings.RANKED_MOST, known_at)
    rows = [
        [
            str(one.place),
            one.key or "-",
            str(one.agreement_count),
            *map(_yuan, (one.paid_minor, one.received_minor, one.overdue_minor)),
        ]
        for one in found
    ]
    show_table(RANK_HEADS, rows, language, right={0, 2, 3, 4, 5})


@pairing_commands.command("trend")
def show_trend(first: From, last: To, known_at: KnownAt = None, language: LanguageOption = "zh") -> None:
    """Show what flowed year by year. 显示历年往来金额。"""
    with ledger() as database, database.reading() as connection:
        found = pairings.trend(connection, first, last, known_at=known_at)
    rows = [
        [str(one.year), MECHANISM_NAMES[one.mechanism][_index(language)], _yuan(one.amount_minor)]
        for one in found
    ]
    show_table(YEAR_HEADS, rows, language, right={2})


def _grouping(text: str) -> Grouping:
    if text not in get_args(Grouping):
        raise typer.BadParameter(f"{text}: {', '.join(get_args(Grouping))}")
    return cast("Grouping", text)


def _index(language: Language) -> int:
    return 0 if language == "zh" else 1


def _yuan(amount_minor: int) -> str:
    return format_amount(amount_minor, YUAN.scale, thousands=True)


def _credit(one: pairings.Credit, first: str, other: str, index: int) -> list[str]:
    commodity = COMMODITY_BY_ID[one.commodity_id]
    return [
        str(one.quarter),
        BOOK_NAMES[one.book][index],
        (commodity.name_zh, commodity.name_en)[index],
        first if one.to_one else other,
        format_amount(one.amount_minor, commodity.scale, thousands=True),
        (commodity.unit_zh, commodity.unit_en)[index],
    ]


def _debt(one: pairings.Debt) -> list[str]:
    scale = COMMODITY_BY_ID[one.commodity_id].scale
    amounts = (one.raised_minor, one.paid_minor, one.waived_minor, one.open_minor, one.overdue_minor)
    return [format_amount(amount_minor, scale, thousands=True) for amount_minor in amounts]
